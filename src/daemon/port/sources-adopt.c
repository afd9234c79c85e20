/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How what an app hands over becomes a piece of a body.
 *
 * Each source has a thread, none of GTask's pool: whoever writes to a pipe may take his
 * time, and what syncs and seals files waits for nobody.  A description that we were
 * given is the caller's, and so are its flags and its position: what can be is opened
 * anew, by /proc/self/fd, for which the kernel asks the file's permissions again; what
 * was given for writing only, or as a mere name (O_PATH), is refused rather than opened
 * so (law 14). */

#include "config.h"

#include "port/sources-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/defaults.h"
#include "common/error.h"
#include "port/space.h"

/* Times of files are those of the kernel's last tick, a hundredth of a second at worst;
 * where no fraction of a second is told, two seconds (vfat). */
#define FINE_NS (G_GINT64_CONSTANT (20) * 1000 * 1000)
#define COARSE_NS (G_GINT64_CONSTANT (2010) * 1000 * 1000)

/* Who writes all the time is not waited for. */
#define LOOKS_MAX 8

typedef struct
{
  TrdSpool *spool; /* (owned) */
  int fd;          /* (owned): -1 until @path is opened */
  char *path;      /* (owned) (nullable) */
  gboolean own;    /* nobody else uses the description */
  TrdSource source;
  GCancellable *cancellable; /* (unowned) (nullable): the task's */
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  if (job->fd >= 0)
    close (job->fd);
  g_free (job->path);
  g_object_unref (job->spool);
  g_free (job);
}

static gboolean
refuse (GError **error, const char *why)
{
  g_set_error_literal (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT, why);
  return FALSE;
}

/* ---- opening ---- */

static gboolean
open_named (Job *job, GError **error)
{
  int error_number = trd_sources_open_path (job->path, &job->fd);

  if (error_number == EINVAL)
    {
      g_set_error (error,
                   TRUNDLE_ERROR,
                   TRUNDLE_ERROR_INVALID_ARGUMENT,
                   "%s is not a regular file",
                   job->path);
      return FALSE;
    }
  job->own = TRUE;
  return error_number == 0 || trd_sources_set_error (error, error_number, job->path);
}

static gboolean
check_access (const Job *job, GError **error)
{
  int flags = fcntl (job->fd, F_GETFL);

  if (flags < 0)
    return trd_sources_set_read_error (error, errno);
  if ((flags & O_PATH) || (flags & O_ACCMODE) == O_WRONLY)
    return refuse (error, "The file descriptor cannot be read from");
  return TRUE;
}

/* A description of our own for the same file.  FALSE when it may not be opened. */
static gboolean
open_anew (Job *job, int flags)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", job->fd);
  int fd = job->own ? -1 : open (link, O_RDONLY | O_CLOEXEC | O_NOCTTY | flags);

  if (fd < 0)
    return job->own;

  close (job->fd);
  job->fd = fd;
  job->own = TRUE;
  return TRUE;
}

/* ---- when it stands still ---- */

static gint64
granularity_ns (const struct stat *facts)
{
  return facts->st_ctim.tv_nsec == 0 && facts->st_mtim.tv_nsec == 0 ? COARSE_NS : FINE_NS;
}

static gboolean
is_young (const struct stat *facts)
{
  return g_get_real_time () * 1000 - trd_timespec_to_ns (&facts->st_ctim)
         < granularity_ns (facts);
}

/* The time of the last change cannot be set by anybody: once it is old enough the next
 * change shows.  One of a server's clock that is ahead of ours is waited for once. */
static gboolean
settle (Job *job, struct stat *inout_facts, GError **error)
{
  GPollFD fd = { 0 };
  gboolean is_pollable = g_cancellable_make_pollfd (job->cancellable, &fd);
  gboolean changed = is_young (inout_facts);

  for (guint i = 0; changed && i < LOOKS_MAX; i++)
    {
      TrdPiece before = { 0 };

      trd_piece_take_facts (&before, job->fd, inout_facts);
      g_poll (
          &fd, is_pollable ? 1 : 0, (int)(granularity_ns (inout_facts) / 1000000) + 1);
      if (g_cancellable_is_cancelled (job->cancellable)
          || fstat (job->fd, inout_facts) != 0)
        break;
      changed = !trd_piece_is_same (&before, job->fd, inout_facts)
                && is_young (inout_facts);
    }
  if (is_pollable)
    g_cancellable_release_fd (job->cancellable);

  if (g_cancellable_set_error_if_cancelled (job->cancellable, error))
    return FALSE;
  if (!changed)
    return TRUE;
  g_set_error_literal (
      error, TRUNDLE_ERROR, TRUNDLE_ERROR_SOURCE_CHANGED, "The file is being written to");
  return FALSE;
}

/* ---- regular files ---- */

/* What of a file of @size bytes is asked for. */
static gboolean
find_range (const Job *job, guint64 size, TrdPiece *piece, GError **error)
{
  const TrdSource *source = &job->source;

  piece->size = size;
  piece->offset = source->has_range ? source->first : 0;
  if (piece->offset > size
      || (source->has_range && source->length > size - piece->offset))
    return refuse (error, "The range ends beyond the end of the file");

  piece->length = size - piece->offset;
  if (source->has_range && source->length != 0)
    piece->length = source->length;
  return TRUE;
}

static TrdPiece *
new_empty (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new (NULL, 0);

  return trd_piece_new_bytes (bytes);
}

/* Takes over the file that was made, or removes it. */
static TrdPiece *
finish_file (Job *job, TrdPiece *piece, int fd, gboolean good, GError **error)
{
  g_autoptr (TrdPiece) owned = piece;

  good = good && trd_sources_sync_file (job->spool, fd, error);
  close (fd);
  if (good)
    return g_steal_pointer (&owned);

  trd_sources_remove (job->spool, piece->spool);
  return NULL;
}

/* All blocks shared, in one moment: no change can come between, and nothing is waited
 * for.  NULL without an error where that cannot be done. */
static TrdPiece *
share_blocks (Job *job, GError **error)
{
  g_autoptr (TrdPiece) piece = g_new0 (TrdPiece, 1);
  g_autoptr (GError) local_error = NULL;
  struct stat facts;
  int fd = trd_sources_create (job->spool, &piece->spool, NULL);

  if (fd < 0)
    return NULL;
  if (ioctl (fd, FICLONE, job->fd) != 0 || fstat (fd, &facts) != 0)
    {
      trd_sources_remove (job->spool, piece->spool);
      close (fd);
      return NULL;
    }
  if (find_range (job, (guint64)facts.st_size, piece, &local_error) && piece->length == 0)
    {
      trd_sources_remove (job->spool, piece->spool);
      close (fd);
      return new_empty ();
    }
  if (local_error == NULL)
    return finish_file (job, g_steal_pointer (&piece), fd, TRUE, error);

  g_propagate_error (error, g_steal_pointer (&local_error));
  return finish_file (job, g_steal_pointer (&piece), fd, FALSE, error);
}

static gboolean
check_same (Job *job, const struct stat *before, GError **error)
{
  TrdPiece piece = { 0 };
  struct stat now;

  trd_piece_take_facts (&piece, job->fd, before);
  if (fstat (job->fd, &now) == 0 && trd_piece_is_same (&piece, job->fd, &now))
    return TRUE;

  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_SOURCE_CHANGED,
                       "The file changed while it was copied");
  return FALSE;
}

/* @range: offset and length in the source. */
static TrdPiece *
copy_file (Job *job, const TrdPiece *range, const struct stat *facts, GError **error)
{
  g_autoptr (TrdPiece) piece = g_new0 (TrdPiece, 1);
  TrdCopying copying = {
    .spool = job->spool,
    .from_fd = job->fd,
    .own = job->own,
    .first = range->offset,
    .length = range->length,
    .cancellable = job->cancellable,
  };
  /* Holes take nothing. */
  guint64 taken = MIN (range->length, (guint64)facts->st_blocks * 512);
  gboolean good;

  if (!trd_spool_check_room (job->spool, taken, error))
    return NULL;
  copying.to_fd = trd_sources_create (job->spool, &piece->spool, error);
  if (copying.to_fd < 0)
    return NULL;

  good = trd_sources_copy (&copying, error) && check_same (job, facts, error);
  piece->size = range->length;
  piece->length = range->length;
  return finish_file (job, g_steal_pointer (&piece), copying.to_fd, good, error);
}

/* The path by which it can be opened again; NULL when there is none. */
static char *
find_path (Job *job, const struct stat *facts)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", job->fd);
  g_autofree char *path = NULL;
  struct stat found;
  gboolean is_same;
  int fd;

  if (!job->source.may_watch || facts->st_nlink == 0)
    return NULL;
  path = job->path != NULL ? g_strdup (job->path) : g_file_read_link (link, NULL);
  if (path == NULL || !g_path_is_absolute (path)
      || trd_sources_open_path (path, &fd) != 0)
    return NULL;

  is_same = fstat (fd, &found) == 0 && found.st_dev == facts->st_dev
            && found.st_ino == facts->st_ino;
  close (fd);
  return is_same ? g_steal_pointer (&path) : NULL;
}

static TrdPiece *
watch_file (Job *job, const TrdPiece *range, const struct stat *facts, char *path)
{
  TrdPiece *piece = trd_piece_copy (range);

  trd_piece_take_facts (piece, job->fd, facts);
  piece->path = path;
  piece->named = job->path != NULL;
  return piece;
}

/* It stands still, and @range of it is asked for. */
static TrdPiece *
keep_file (Job *job, const TrdPiece *range, const struct stat *facts, GError **error)
{
  g_autofree char *path = find_path (job, facts);
  g_autoptr (GError) local_error = NULL;
  TrdSnapshot snapshot = job->source.snapshot;
  TrdPiece *piece;

  if (snapshot == TRD_SNAPSHOT_NONE && path == NULL)
    {
      refuse (error, "The file cannot be opened again by its path, so that it is copied");
      return NULL;
    }
  if (snapshot == TRD_SNAPSHOT_NONE
      || (snapshot == TRD_SNAPSHOT_AUTO && path != NULL
          && range->length > TRD_SNAPSHOT_COPY_MAX))
    return watch_file (job, range, facts, g_steal_pointer (&path));

  piece = copy_file (job, range, facts, &local_error);
  if (piece != NULL)
    return piece;
  /* Without room for a copy it can still be sent. */
  if (snapshot == TRD_SNAPSHOT_AUTO && path != NULL
      && g_error_matches (local_error, TRUNDLE_ERROR, TRUNDLE_ERROR_NO_SPACE))
    return watch_file (job, range, facts, g_steal_pointer (&path));

  g_propagate_error (error, g_steal_pointer (&local_error));
  return NULL;
}

/* ---- what has no size ---- */

static TrdPiece *
read_stream (Job *job, gboolean is_socket, gboolean is_file, GError **error)
{
  const TrdSource *source = &job->source;
  g_autoptr (TrdPiece) piece = g_new0 (TrdPiece, 1);
  TrdReading reading = {
    .spool = job->spool,
    .from_fd = job->fd,
    .is_socket = is_socket,
    .is_file = is_file,
    .first = source->has_range ? source->first : 0,
    .length = source->has_range ? source->length : 0,
    .idle_ms = source->idle_ms != 0 ? source->idle_ms : TRD_SOURCE_IDLE_MS,
    .cancellable = job->cancellable,
  };
  gboolean good;

  if (source->snapshot == TRD_SNAPSHOT_NONE)
    {
      refuse (error, "What is not a regular file with a path cannot but be copied");
      return NULL;
    }
  if (!trd_spool_check_room (job->spool, 0, error))
    return NULL;
  reading.to_fd = trd_sources_create (job->spool, &piece->spool, error);
  if (reading.to_fd < 0)
    return NULL;

  good = trd_sources_read (&reading, &piece->length, error);
  piece->size = piece->length;
  if (!good || piece->length > 0)
    return finish_file (job, g_steal_pointer (&piece), reading.to_fd, good, error);

  trd_sources_remove (job->spool, piece->spool);
  close (reading.to_fd);
  return new_empty ();
}

/* One that says that it is empty: what the kernel makes up when it is read (proc(5))
 * says so as well. */
static TrdPiece *
take_empty (Job *job, GError **error)
{
  char byte;

  if (pread (job->fd, &byte, 1, 0) > 0)
    return read_stream (job, FALSE, TRUE, error);
  if (job->source.has_range && (job->source.first > 0 || job->source.length > 0))
    {
      refuse (error, "The range ends beyond the end of the file");
      return NULL;
    }
  return new_empty ();
}

static TrdPiece *
take_file (Job *job, struct stat *facts, GError **error)
{
  TrdPiece range = { 0 };
  g_autoptr (GError) local_error = NULL;
  TrdPiece *piece;

  if (facts->st_size == 0)
    return take_empty (job, error);
  if (job->source.snapshot != TRD_SNAPSHOT_NONE)
    {
      piece = share_blocks (job, &local_error);
      if (piece != NULL)
        return piece;
      if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return NULL;
        }
    }

  open_anew (job, 0);
  if (!settle (job, facts, error)
      || !find_range (job, (guint64)facts->st_size, &range, error))
    return NULL;
  return range.length > 0 ? keep_file (job, &range, facts, error) : new_empty ();
}

static TrdPiece *
take_socket (Job *job, GError **error)
{
  int type = 0;
  int listens = 0;
  socklen_t type_size = sizeof type;
  socklen_t listens_size = sizeof listens;

  if (getsockopt (job->fd, SOL_SOCKET, SO_TYPE, &type, &type_size) != 0
      || getsockopt (job->fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_size) != 0
      || type != SOCK_STREAM || listens)
    {
      refuse (error, "The socket is not a stream");
      return NULL;
    }
  return read_stream (job, TRUE, FALSE, error);
}

static TrdPiece *
take_pipe (Job *job, GError **error)
{
  if (open_anew (job, O_NONBLOCK))
    return read_stream (job, FALSE, FALSE, error);

  trd_sources_set_read_error (error, errno);
  return NULL;
}

static TrdPiece *
adopt (Job *job, GError **error)
{
  struct stat facts;

  if (g_cancellable_set_error_if_cancelled (job->cancellable, error)
      || (job->fd < 0 && !open_named (job, error)) || !check_access (job, error))
    return NULL;
  if (fstat (job->fd, &facts) != 0)
    {
      trd_sources_set_read_error (error, errno);
      return NULL;
    }

  if (S_ISREG (facts.st_mode))
    return take_file (job, &facts, error);
  if (S_ISFIFO (facts.st_mode))
    return take_pipe (job, error);
  if (S_ISSOCK (facts.st_mode))
    return take_socket (job, error);
  if (S_ISDIR (facts.st_mode))
    trd_sources_set_read_error (error, EISDIR);
  else
    refuse (error, "It is neither a file nor a pipe nor a stream");
  return NULL;
}

/* ---- threads ---- */

static void
run_adopt (gpointer data, gpointer user_data)
{
  g_autoptr (GTask) task = data;
  GError *local_error = NULL;
  TrdPiece *piece = adopt (g_task_get_task_data (task), &local_error);

  if (piece != NULL)
    g_task_return_pointer (task, piece, (GDestroyNotify)trd_piece_free);
  else
    g_task_return_error (task, local_error);
}

static GThreadPool *
get_pool (void)
{
  static GThreadPool *pool = NULL;

  if (g_once_init_enter (&pool))
    g_once_init_leave (&pool,
                       g_thread_pool_new (run_adopt, NULL, TRD_SOURCES_MAX, FALSE, NULL));
  return pool;
}

void
trd_sources_adopt_async (TrdSpool *spool,
                         const TrdSource *source,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Job *job = g_new0 (Job, 1);

  g_return_if_fail (TRD_IS_SPOOL (spool) && source != NULL);
  g_return_if_fail (source->fd >= 0 || (source->path != NULL && source->may_watch));

  job->spool = g_object_ref (spool);
  job->fd = source->fd;
  job->path = source->fd < 0 ? g_strdup (source->path) : NULL;
  job->source = *source;
  job->source.path = NULL;
  job->cancellable = cancellable;
  /* What was made is to be known, or removed: a result is never dropped for being late.
   */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_source_tag (task, trd_sources_adopt_async);
  g_task_set_task_data (task, job, job_free);
  g_thread_pool_push (get_pool (), g_steal_pointer (&task), NULL);
}

TrdPiece *
trd_sources_adopt_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, trd_sources_adopt_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
