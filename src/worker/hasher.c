/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hashes a file while it is written: from the buffer that is written, whose bytes are in
 * the processor's cache, as long as the network is slower than that.  Where it is not,
 * and for what was there before, a thread reads the file while more is written behind it;
 * what comes meanwhile is read after it, until the two meet.  The thread has the digests
 * for itself, and nobody touches them until it has ended. */

#include "config.h"

#include "hasher.h"

#include <errno.h>
#include <unistd.h>

#define BUFFER_SIZE (256 * 1024)

/* What is missing and less than this is read at once: it was written a moment ago, and a
 * thread for it would come too late for ever. */
#define SHORT_GAP (1024 * 1024)

/* Who writes so much at a time has more waiting: that goes on at once, and is hashed by a
 * thread (SHA-256 on the main loop took as long as all else, over loopback). */
#define HURRY (128 * 1024)

struct _TrwHasher
{
  int fd;              /* (unowned) */
  TrwDigests *digests; /* (owned): of the thread while busy */
  TrwHasherFunc on_read;
  gpointer user_data; /* (unowned), outlives us */
  gboolean is_busy;
  int error_number;
  int is_cancelled; /* atomic */
};

typedef struct
{
  TrwHasher *hasher; /* (unowned), outlives the thread */
  guint64 end;
} Job;

/* Returns errno, or 0. */
static int
read_up_to (TrwHasher *self, guint64 end)
{
  g_autofree guint8 *buffer = g_malloc (BUFFER_SIZE);

  while (trw_digests_get_length (self->digests) < end
         && !g_atomic_int_get (&self->is_cancelled))
    {
      guint64 offset = trw_digests_get_length (self->digests);
      gssize n = pread (self->fd, buffer, MIN (BUFFER_SIZE, end - offset), (off_t)offset);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return errno;
      /* Shorter than what was written: somebody has cut it, who has told us if it was us.
       */
      if (n == 0)
        return g_atomic_int_get (&self->is_cancelled) ? 0 : EIO;
      trw_digests_update (self->digests, buffer, (gsize)n);
    }
  return 0;
}

static void
run_job (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Job *job = task_data;

  g_task_return_int (task, read_up_to (job->hasher, job->end));
}

static void
on_job_ended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  TrwHasher *self = user_data;

  self->is_busy = FALSE;
  self->error_number = (int)g_task_propagate_int (G_TASK (result), NULL);
  self->on_read (self->user_data);
}

static void
start_job (TrwHasher *self, guint64 end)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, on_job_ended, self);
  Job *job = g_new0 (Job, 1);

  job->hasher = self;
  job->end = end;
  self->is_busy = TRUE;
  g_task_set_task_data (task, job, g_free);
  g_task_run_in_thread (task, run_job);
}

static gboolean
is_usable (TrwHasher *self)
{
  return !self->is_busy && self->error_number == 0
         && !g_atomic_int_get (&self->is_cancelled);
}

TrwHasher *
trw_hasher_new (int fd, TrwDigests *digests, TrwHasherFunc on_read, gpointer user_data)
{
  TrwHasher *self = g_new0 (TrwHasher, 1);

  self->fd = fd;
  self->digests = digests;
  self->on_read = on_read;
  self->user_data = user_data;
  return self;
}

void
trw_hasher_free (TrwHasher *self)
{
  g_assert (!self->is_busy);
  trw_digests_free (self->digests);
  g_free (self);
}

void
trw_hasher_take (TrwHasher *self, guint64 offset, const guint8 *data, gsize length)
{
  guint64 gap;

  if (!is_usable (self))
    return;
  gap = offset - trw_digests_get_length (self->digests);
  if (gap + length >= SHORT_GAP)
    {
      start_job (self, offset + length);
      return;
    }
  if (length >= HURRY)
    return;
  if (gap > 0)
    self->error_number = read_up_to (self, offset);
  if (self->error_number == 0)
    trw_digests_update (self->digests, data, length);
}

gboolean
trw_hasher_catch_up (TrwHasher *self, guint64 end)
{
  if (is_usable (self) && trw_digests_get_length (self->digests) < end)
    start_job (self, end);
  return self->is_busy;
}

void
trw_hasher_cancel (TrwHasher *self)
{
  g_atomic_int_set (&self->is_cancelled, TRUE);
}

gboolean
trw_hasher_is_busy (TrwHasher *self)
{
  return self->is_busy;
}

int
trw_hasher_get_errno (TrwHasher *self)
{
  return self->error_number;
}

const TrwDigests *
trw_hasher_get_digests (TrwHasher *self)
{
  return self->is_busy ? NULL : self->digests;
}
