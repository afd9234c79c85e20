/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Space for parts: measured, reserved, given back.
 *
 * Blocks are reserved beyond the end of the part, whose length stays the progress (law
 * 4).  Measured on Linux 6.18: ext4, XFS and btrfs reserve a GiB in a millisecond, tmpfs
 * in a quarter of a second, hence the thread; ext4 keeps what it got before it ran out,
 * so that a failed try fills the disk until it is given back; and all four give back what
 * lies beyond the end when the file is cut to the length it has.  FUSE, NFS before 4.2
 * and vfat cannot reserve. */

#include "config.h"

#include "port/space.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/error.h"
#include "port/files.h"
#include "port/spool-private.h"

/* Between two of these it is asked whether it is still wanted. */
#define CHUNK (G_GUINT64_CONSTANT (256) * 1024 * 1024)

/* Left free, of a disk that is not small. */
#define KEPT_FREE_MAX (G_GUINT64_CONSTANT (16) * 1024 * 1024)

/* More than this beyond the end was reserved, and is not a last block. */
#define SLACK (G_GUINT64_CONSTANT (1024) * 1024)

static guint64
taken_by (const struct stat *facts)
{
  guint64 blocks = (guint64)facts->st_blocks * 512;

  /* A file system that compresses takes less than the length. */
  return MAX (blocks, (guint64)facts->st_size);
}

gboolean
trd_spool_measure (TrdSpool *self,
                   const TrdPlace *place,
                   TrdRoom *out_room,
                   GError **error)
{
  g_auto (TrdSite) site = { -1, NULL };
  struct statvfs disk;
  struct stat directory;
  struct stat part;

  g_return_val_if_fail (TRD_IS_SPOOL (self), FALSE);

  if (!trd_site_open (self->spool_fd, place, &site, error))
    return FALSE;
  if (fstatvfs (site.fd, &disk) != 0 || fstat (site.fd, &directory) != 0)
    return trd_files_set_error (error, errno, "Disk");

  *out_room = (TrdRoom){
    .device = (guint64)directory.st_dev,
    .available = (guint64)disk.f_bavail * disk.f_frsize,
    .size = (guint64)disk.f_blocks * disk.f_frsize,
  };
  if (fstatat (site.fd, site.part_name, &part, AT_SYMLINK_NOFOLLOW) == 0)
    out_room->taken = taken_by (&part);
  return TRUE;
}

guint64
trd_room_kept_free (const TrdRoom *self)
{
  return MIN (KEPT_FREE_MAX, self->size / 64);
}

gboolean
trd_spool_check_room (TrdSpool *self, guint64 bytes, GError **error)
{
  struct statvfs disk;
  TrdRoom room;

  g_return_val_if_fail (TRD_IS_SPOOL (self), FALSE);

  /* Whoever writes hears what is the matter. */
  if (fstatvfs (self->spool_fd, &disk) != 0)
    return TRUE;
  room = (TrdRoom){
    .available = (guint64)disk.f_bavail * disk.f_frsize,
    .size = (guint64)disk.f_blocks * disk.f_frsize,
  };
  if (room.available >= trd_room_kept_free (&room)
      && bytes <= room.available - trd_room_kept_free (&room))
    return TRUE;
  return trd_files_set_error (error, ENOSPC, "Spool");
}

gboolean
trd_spool_check_place (TrdSpool *self, const TrdPlace *place, GError **error)
{
  g_auto (TrdSite) site = { -1, NULL };

  g_return_val_if_fail (TRD_IS_SPOOL (self), FALSE);

  if (!trd_site_open (self->spool_fd, place, &site, error))
    return FALSE;
  /* Of root, too, and of nothing else that may be in the way. */
  if (faccessat (site.fd, ".", W_OK, AT_EACCESS) == 0 || errno != EROFS)
    return TRUE;
  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_DESTINATION_GONE,
                       "The disk of the destination is read-only");
  return FALSE;
}

/* The part under a description of its own, or -1. */
static int
open_again (int spool_fd, const TrdPlace *place)
{
  g_auto (TrdSite) site = { -1, NULL };

  if (!trd_site_open (spool_fd, place, &site, NULL))
    return -1;
  return trd_files_open_regular (site.fd, site.part_name, O_RDWR, NULL);
}

/* @fd: nobody else writes. */
static void
give_back (int fd)
{
  struct stat facts;

  if (fstat (fd, &facts) == 0 && taken_by (&facts) > (guint64)facts.st_size + SLACK
      && ftruncate (fd, facts.st_size) != 0)
    g_debug ("Cannot give back space: %s", g_strerror (errno));
}

static gboolean
is_full (int error_number)
{
  return error_number == ENOSPC || error_number == EDQUOT;
}

/* 0 or an errno. */
static int
reserve_piece (int fd, guint64 from, guint64 length)
{
  int result;

  do
    result = fallocate (fd, FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)length);
  while (result != 0 && errno == EINTR);
  return result != 0 ? errno : 0;
}

typedef struct
{
  int spool_fd; /* of the spool, which the task keeps alive */
  TrdPlace *place;
  int fd; /* (owned): -1 to open the part */
  gboolean is_locked;
  guint64 from;
  guint64 to;
  int error_number;
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_clear_pointer (&job->place, trd_place_free);
  if (job->fd >= 0)
    close (job->fd);
  g_free (job);
}

static Job *
job_new (TrdSpool *self, const TrdPlace *place)
{
  Job *job = g_new0 (Job, 1);

  job->spool_fd = self->spool_fd;
  job->place = trd_place_copy (place);
  job->fd = -1;
  return job;
}

/* The lock is given up with the description. */
static void
give_back_if_free (Job *job)
{
  if (job->is_locked || flock (job->fd, LOCK_EX | LOCK_NB) == 0)
    give_back (job->fd);
}

static void
run_reserve (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Job *job = task_data;
  guint64 from = job->from;

  if (job->fd < 0)
    job->fd = open_again (job->spool_fd, job->place);
  while (job->fd >= 0 && job->error_number == 0 && from < job->to
         && !g_cancellable_is_cancelled (cancellable))
    {
      guint64 length = MIN (job->to - from, CHUNK);

      job->error_number = reserve_piece (job->fd, from, length);
      from += length;
    }
  if (job->fd >= 0
      && (is_full (job->error_number) || g_cancellable_is_cancelled (cancellable)))
    give_back_if_free (job);
  /* Before anybody hears of it: it may hold the lock. */
  if (job->fd >= 0)
    close (job->fd);
  job->fd = -1;

  if (is_full (job->error_number))
    {
      g_autoptr (GError) local_error = NULL;

      trd_files_set_error (&local_error, job->error_number, "Reserving space");
      g_task_return_error (task, g_steal_pointer (&local_error));
      return;
    }
  g_task_return_boolean (task, TRUE);
}

void
trd_spool_reserve_async (TrdSpool *self,
                         const TrdPlace *place,
                         int part_fd,
                         guint64 from,
                         guint64 to,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Job *job = job_new (self, place);

  g_return_if_fail (TRD_IS_SPOOL (self));

  job->is_locked = part_fd >= 0;
  if (part_fd >= 0)
    job->fd = fcntl (part_fd, F_DUPFD_CLOEXEC, 3);
  job->from = from;
  job->to = MIN (to, G_MAXINT64);
  /* Always run: what it was told of being cancelled, it tells itself. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_source_tag (task, trd_spool_reserve_async);
  g_task_set_task_data (task, job, job_free);
  g_task_run_in_thread (task, run_reserve);
}

gboolean
trd_spool_reserve_finish (TrdSpool *self,
                          GAsyncResult *result,
                          int *out_error_number,
                          GError **error)
{
  Job *job;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  job = g_task_get_task_data (G_TASK (result));
  *out_error_number = is_full (job->error_number) ? job->error_number : 0;
  return g_task_propagate_boolean (G_TASK (result), error);
}

gboolean
trd_spool_probe (TrdSpool *self, const TrdPlace *place, guint64 bytes)
{
  struct stat facts;
  int error_number = 0;
  int fd;

  g_return_val_if_fail (TRD_IS_SPOOL (self), TRUE);

  fd = open_again (self->spool_fd, place);
  if (fd < 0)
    return TRUE;
  if (bytes > 0 && fstat (fd, &facts) == 0)
    error_number = reserve_piece (fd, (guint64)facts.st_size, bytes);
  if (is_full (error_number) && flock (fd, LOCK_EX | LOCK_NB) == 0)
    give_back (fd);
  close (fd);
  return !is_full (error_number);
}

/* ---- giving back ---- */

void
trd_spool_trim (TrdSpool *self, const TrdPlace *place)
{
  int fd;

  g_return_if_fail (TRD_IS_SPOOL (self));

  fd = open_again (self->spool_fd, place);
  if (fd < 0)
    return;
  give_back (fd);
  close (fd);
}

static void
run_trim (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Job *job = task_data;

  job->fd = open_again (job->spool_fd, job->place);
  if (job->fd >= 0)
    {
      give_back_if_free (job);
      /* Now, not when the main loop comes to it: it may hold the lock. */
      close (job->fd);
    }
  job->fd = -1;
  g_task_return_boolean (task, TRUE);
}

void
trd_spool_trim_later (TrdSpool *self, const TrdPlace *place)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, NULL, NULL);

  g_return_if_fail (TRD_IS_SPOOL (self));

  g_task_set_source_tag (task, trd_spool_trim_later);
  g_task_set_task_data (task, job_new (self, place), job_free);
  g_task_run_in_thread (task, run_trim);
}
