/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The part file: written on the main loop in large pieces (into the page cache), synced
 * in a thread every 64 MiB and at the end, so that a slow disk never stops the network of
 * the others.  At most one sync at a time; a disk that does not keep up stops its own
 * attempt at two intervals of unsynced data.  Digests are computed on the way, and kept
 * from each sync for whoever goes on after a crash: of what was synced, and no more. */

#include "config.h"

#include "part.h"

#include "common/defaults.h"
#include "errors.h"
#include "hasher.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMPARE_BLOCK (16 * 1024)

struct _TrwPart
{
  int fd; /* (owned) */
  TrwPartFunc on_synced;
  gpointer user_data; /* (unowned), outlives us */
  guint64 written;
  guint64 synced;
  guint64 syncing;        /* length that is being synced, 0 for none */
  int error_number;       /* of the first failure */
  TrwHasher *hasher;      /* (owned) (nullable) */
  GVariant *digests;      /* (owned) (nullable): saved, not taken yet */
  guint64 digests_length; /* of the beginning they are of */
  gboolean is_ending;     /* somebody waits for the hasher */
};

static void
keep_digests (TrwPart *self)
{
  const TrwDigests *digests = self->hasher != NULL ? trw_hasher_get_digests (self->hasher)
                                                   : NULL;

  if (digests == NULL || trw_digests_get_length (digests) == 0)
    return;
  /* Those that are on disk at the end of the sync under way. */
  if (self->digests != NULL && self->digests_length <= self->syncing
      && trw_digests_get_length (digests) > self->syncing)
    return;
  g_clear_pointer (&self->digests, g_variant_unref);
  self->digests = trw_digests_save (digests);
  self->digests_length = trw_digests_get_length (digests);
}

static void
run_sync (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  int fd = GPOINTER_TO_INT (task_data);
  int result;

  do
    result = fdatasync (fd);
  while (result < 0 && errno == EINTR);
  g_task_return_int (task, result < 0 ? errno : 0);
}

/* What a sync could not write may be gone from the cache, and the next sync knows nothing
 * of it (fsync(2), since Linux 4.13).  So nothing is believed but what was synced before,
 * and the part's length says so. */
static void
forget_unsynced (TrwPart *self)
{
  if (ftruncate (self->fd, (off_t)self->synced) != 0)
    g_warning ("Cutting a part: %s", g_strerror (errno));
  self->written = self->synced;
}

static void
on_sync_ended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  TrwPart *self = user_data;
  int error_number = (int)g_task_propagate_int (G_TASK (result), NULL);

  if (error_number == 0)
    self->synced = MIN (self->syncing, self->written);
  else
    {
      if (self->error_number == 0)
        self->error_number = error_number;
      forget_unsynced (self);
    }
  self->syncing = 0;
  self->on_synced (self->user_data);
}

static void
start_sync (TrwPart *self)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, on_sync_ended, self);

  self->syncing = self->written;
  keep_digests (self);
  g_task_set_task_data (task, GINT_TO_POINTER (self->fd), NULL);
  g_task_run_in_thread (task, run_sync);
}

TrwPart *
trw_part_new (int fd, guint64 offset, TrwPartFunc on_synced, gpointer user_data)
{
  TrwPart *self = g_new0 (TrwPart, 1);

  self->fd = fd;
  self->written = offset;
  self->on_synced = on_synced;
  self->user_data = user_data;
  return self;
}

void
trw_part_free (TrwPart *self)
{
  g_assert (self->syncing == 0);
  g_clear_pointer (&self->hasher, trw_hasher_free);
  g_clear_pointer (&self->digests, g_variant_unref);
  close (self->fd);
  g_free (self);
}

gboolean
trw_part_write (TrwPart *self, const guint8 *data, gsize length, GError **error)
{
  guint64 offset = self->written;
  const guint8 *start = data;

  while (length > 0)
    {
      gssize n = pwrite (self->fd, data, length, (off_t)self->written);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          self->error_number = n < 0 ? errno : ENOSPC;
          return trw_part_check (self, error);
        }
      data += n;
      length -= (gsize)n;
      self->written += (guint64)n;
    }
  if (self->hasher != NULL)
    {
      trw_hasher_take (self->hasher, offset, start, (gsize)(data - start));
      if (self->error_number == 0)
        self->error_number = trw_hasher_get_errno (self->hasher);
    }
  if (self->syncing == 0 && self->written - self->synced >= TRD_SYNC_INTERVAL)
    start_sync (self);
  return trw_part_check (self, error);
}

gboolean
trw_part_is_as_long (TrwPart *self)
{
  struct stat status;

  return fstat (self->fd, &status) == 0 && (guint64)status.st_size == self->written;
}

gboolean
trw_part_holds (TrwPart *self, guint64 offset, const guint8 *data, gsize length)
{
  guint8 buffer[COMPARE_BLOCK];

  while (length > 0)
    {
      gssize n = pread (self->fd, buffer, MIN (length, sizeof buffer), (off_t)offset);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0 || memcmp (buffer, data, (gsize)n) != 0)
        return FALSE;
      data += n;
      length -= (gsize)n;
      offset += (guint64)n;
    }
  return TRUE;
}

gboolean
trw_part_cut (TrwPart *self, GError **error)
{
  int result;

  /* First: what it reads while the file shrinks is nobody's error. */
  if (self->hasher != NULL)
    trw_hasher_cancel (self->hasher);
  do
    result = ftruncate (self->fd, 0);
  while (result < 0 && errno == EINTR);
  if (result < 0)
    {
      self->error_number = errno;
      return trw_part_check (self, error);
    }
  self->written = 0;
  self->synced = 0;
  return TRUE;
}

static void
on_read (gpointer user_data)
{
  TrwPart *self = user_data;

  if (self->error_number == 0)
    self->error_number = trw_hasher_get_errno (self->hasher);
  keep_digests (self);
  if (self->is_ending || self->error_number != 0
      || (self->digests != NULL && self->digests_length <= self->synced))
    self->on_synced (self->user_data);
}

void
trw_part_hash (TrwPart *self, TrwDigests *digests)
{
  g_return_if_fail (self->hasher == NULL);

  self->hasher = trw_hasher_new (self->fd, digests, on_read, self);
  trw_hasher_catch_up (self->hasher, self->written);
}

void
trw_part_stop_hashing (TrwPart *self)
{
  self->is_ending = TRUE;
  if (self->hasher != NULL)
    trw_hasher_cancel (self->hasher);
}

GVariant *
trw_part_get_digests (TrwPart *self)
{
  const TrwDigests *digests = self->hasher != NULL ? trw_hasher_get_digests (self->hasher)
                                                   : NULL;

  return digests != NULL && trw_digests_get_length (digests) == self->written
             ? trw_digests_finish (digests)
             : NULL;
}

GVariant *
trw_part_save_digests (TrwPart *self)
{
  const TrwDigests *digests = self->hasher != NULL ? trw_hasher_get_digests (self->hasher)
                                                   : NULL;

  if (digests == NULL || trw_digests_get_length (digests) == 0
      || trw_digests_get_length (digests) > self->written)
    return NULL;
  return trw_digests_save (digests);
}

GVariant *
trw_part_take_synced_digests (TrwPart *self)
{
  if (self->digests_length > self->synced)
    return NULL;
  return g_steal_pointer (&self->digests);
}

gboolean
trw_part_sync (TrwPart *self)
{
  self->is_ending = TRUE;
  if (self->syncing == 0 && self->synced != self->written)
    start_sync (self);
  if (self->hasher != NULL && trw_hasher_catch_up (self->hasher, self->written))
    return TRUE;
  return self->syncing > 0;
}

gboolean
trw_part_check (TrwPart *self, GError **error)
{
  if (self->error_number == 0)
    return TRUE;
  trw_error_set_by_file (error, self->error_number);
  return FALSE;
}

gboolean
trw_part_is_behind (TrwPart *self)
{
  return self->syncing > 0 && self->written - self->synced >= 2 * TRD_SYNC_INTERVAL;
}

gboolean
trw_part_is_busy (TrwPart *self)
{
  return self->syncing > 0 || (self->hasher != NULL && trw_hasher_is_busy (self->hasher));
}

guint64
trw_part_get_written (TrwPart *self)
{
  return self->written;
}

guint64
trw_part_get_synced (TrwPart *self)
{
  return self->synced;
}

int
trw_part_get_errno (TrwPart *self)
{
  return self->error_number;
}

int
trw_part_get_fd (TrwPart *self)
{
  return self->fd;
}
