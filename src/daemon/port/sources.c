/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What uploads send: files of the spool under names of their own, and files of other
 * people's that must still be what they were.  How they get here is in sources-adopt.c.
 *
 * A file of the spool is made before the row that names it, and goes after it; nobody
 * finds one without a row but the sweep of the next start. */

#include "config.h"

#include "port/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/error.h"
#include "port/files.h"
#include "port/sources-private.h"
#include "port/spool-names.h"

/* Random names that may be taken, one after the other. */
#define NAME_TRIES_MAX 8

/* ---- what a file is ---- */

gint64
trd_timespec_to_ns (const struct timespec *time)
{
  return (gint64)time->tv_sec * G_GINT64_CONSTANT (1000000000) + time->tv_nsec;
}

void
trd_piece_take_facts (TrdPiece *piece, int fd, const struct stat *facts)
{
  piece->device = trd_files_file_system (fd);
  piece->inode = facts->st_ino;
  piece->size = (guint64)facts->st_size;
  piece->mtime_ns = trd_timespec_to_ns (&facts->st_mtim);
  piece->ctime_ns = trd_timespec_to_ns (&facts->st_ctim);
}

gboolean
trd_piece_is_same (const TrdPiece *piece, int fd, const struct stat *facts)
{
  guint64 device = trd_files_file_system (fd);

  return (piece->device == 0 || device == 0 || piece->device == device)
         && piece->inode == facts->st_ino && piece->size == (guint64)facts->st_size
         && piece->mtime_ns == trd_timespec_to_ns (&facts->st_mtim)
         && piece->ctime_ns == trd_timespec_to_ns (&facts->st_ctim);
}

gboolean
trd_sources_set_error (GError **error, int error_number, const char *what)
{
  static const struct
  {
    int error_number;
    TrundleError code;
  } codes[] = {
    { ENOENT, TRUNDLE_ERROR_FILE_NOT_FOUND },
    { ENOTDIR, TRUNDLE_ERROR_FILE_NOT_FOUND },
    { ELOOP, TRUNDLE_ERROR_FILE_NOT_FOUND },
    { ENAMETOOLONG, TRUNDLE_ERROR_FILE_NOT_FOUND },
    { EACCES, TRUNDLE_ERROR_FILE_PERMISSION },
    { EPERM, TRUNDLE_ERROR_FILE_PERMISSION },
    { EISDIR, TRUNDLE_ERROR_FILE_IS_DIRECTORY },
    { EBADF, TRUNDLE_ERROR_INVALID_ARGUMENT },
    { EINVAL, TRUNDLE_ERROR_INVALID_ARGUMENT },
    { ENOTCONN, TRUNDLE_ERROR_INVALID_ARGUMENT },
    { ENXIO, TRUNDLE_ERROR_INVALID_ARGUMENT },
    { ENOSPC, TRUNDLE_ERROR_NO_SPACE },
    { EDQUOT, TRUNDLE_ERROR_NO_SPACE },
  };
  TrundleError code = TRUNDLE_ERROR_FAILED;

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    if (codes[i].error_number == error_number)
      code = codes[i].code;
  g_set_error (error, TRUNDLE_ERROR, code, "%s: %s", what, g_strerror (error_number));
  return FALSE;
}

gboolean
trd_sources_set_read_error (GError **error, int error_number)
{
  return trd_sources_set_error (error, error_number, "What is to be sent cannot be read");
}

int
trd_sources_open_path (const char *path, int *out_fd)
{
  g_autofree char *link = NULL;
  struct stat facts;
  int error_number = 0;
  int named;

  named = open (path, O_PATH | O_CLOEXEC);
  if (named < 0)
    return errno;
  link = g_strdup_printf ("/proc/self/fd/%d", named);
  if (fstat (named, &facts) != 0)
    error_number = errno;
  else if (!S_ISREG (facts.st_mode))
    error_number = S_ISDIR (facts.st_mode) ? EISDIR : EINVAL;
  else
    {
      *out_fd = open (link, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
      error_number = *out_fd < 0 ? errno : 0;
    }
  close (named);
  return error_number;
}

/* ---- files of the spool ---- */

static void
note_body (TrdSpool *spool, const char *name)
{
  g_mutex_lock (&spool->bodies_lock);
  g_hash_table_add (spool->bodies, g_strdup (name));
  g_mutex_unlock (&spool->bodies_lock);
}

static void
forget_body (TrdSpool *spool, const char *name)
{
  g_mutex_lock (&spool->bodies_lock);
  g_hash_table_remove (spool->bodies, name);
  g_mutex_unlock (&spool->bodies_lock);
}

gboolean
trd_sources_is_ours (TrdSpool *spool, const char *name)
{
  gboolean is_ours;

  g_return_val_if_fail (TRD_IS_SPOOL (spool), FALSE);

  g_mutex_lock (&spool->bodies_lock);
  is_ours = g_hash_table_contains (spool->bodies, name);
  g_mutex_unlock (&spool->bodies_lock);
  return is_ours;
}

/* It is noted before it is there: whoever finds it knows of it. */
int
trd_sources_create (TrdSpool *spool, char **out_name, GError **error)
{
  for (guint i = 0;; i++)
    {
      g_autofree char *name = trd_spool_make_body_name ();
      int fd;

      note_body (spool, name);
      fd = openat (spool->spool_fd,
                   name,
                   O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                   0600);
      if (fd >= 0)
        {
          *out_name = g_steal_pointer (&name);
          return fd;
        }
      forget_body (spool, name);
      if (errno != EEXIST || i == NAME_TRIES_MAX)
        {
          trd_files_set_error (error, errno, "Spool");
          return -1;
        }
    }
}

void
trd_sources_remove (TrdSpool *spool, const char *name)
{
  if (unlinkat (spool->spool_fd, name, 0) != 0 && errno != ENOENT)
    g_message ("Cannot remove what was sent: %s", g_strerror (errno));
  forget_body (spool, name);
}

gboolean
trd_sources_sync_file (TrdSpool *spool, int fd, GError **error)
{
  return trd_files_sync (fd, "Spool", error)
         && trd_files_sync_directory (spool->spool_fd, fd, error);
}

gboolean
trd_sources_sync (TrdSpool *spool, GError **error)
{
  g_return_val_if_fail (TRD_IS_SPOOL (spool), FALSE);

  return trd_files_sync_directory (spool->spool_fd, spool->spool_fd, error);
}

/* ---- opening ---- */

static int
fail_changed (GError **error, const char *what, int fd)
{
  if (fd >= 0)
    close (fd);
  g_set_error (error,
               TRUNDLE_ERROR,
               TRUNDLE_ERROR_SOURCE_CHANGED,
               "%s is not what it was when it was handed over",
               what);
  return -1;
}

static int
open_spooled (TrdSpool *spool, const TrdPiece *piece, GError **error)
{
  struct stat facts;
  int fd = openat (spool->spool_fd,
                   piece->spool,
                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

  if (fd < 0)
    {
      trd_sources_set_error (error, errno, "The copy of what is to be sent");
      return -1;
    }
  if (fstat (fd, &facts) != 0 || !S_ISREG (facts.st_mode)
      || (guint64)facts.st_size != piece->size)
    return fail_changed (error, "The copy of what is to be sent", fd);
  return fd;
}

/* Nothing, or something else, has the name. */
static gboolean
is_gone (int error_number)
{
  static const int gone[] = { ENOENT, ENOTDIR, ELOOP, EISDIR, EINVAL };

  for (guint i = 0; i < G_N_ELEMENTS (gone); i++)
    if (gone[i] == error_number)
      return TRUE;

  return FALSE;
}

static int
open_watched (const TrdPiece *piece, GError **error)
{
  const char *what = piece->named ? piece->path : "The file";
  struct stat facts;
  int fd = -1;
  int error_number = trd_sources_open_path (piece->path, &fd);

  if (is_gone (error_number))
    {
      g_set_error (error,
                   TRUNDLE_ERROR,
                   TRUNDLE_ERROR_SOURCE_CHANGED,
                   "%s is not there any more",
                   what);
      return -1;
    }
  if (error_number != 0)
    {
      trd_sources_set_error (error, error_number, what);
      return -1;
    }
  if (fstat (fd, &facts) != 0 || !trd_piece_is_same (piece, fd, &facts))
    return fail_changed (error, what, fd);
  return fd;
}

int
trd_sources_open (TrdSpool *spool, const TrdPiece *piece, GError **error)
{
  g_return_val_if_fail (TRD_IS_SPOOL (spool), -1);
  g_return_val_if_fail (piece != NULL && piece->bytes == NULL, -1);

  return piece->spool != NULL ? open_spooled (spool, piece, error)
                              : open_watched (piece, error);
}

gboolean
trd_sources_check (TrdSpool *spool, const TrdPiece *piece, GError **error)
{
  int fd;

  g_return_val_if_fail (TRD_IS_SPOOL (spool) && piece != NULL, FALSE);

  if (piece->bytes != NULL)
    return TRUE;
  fd = trd_sources_open (spool, piece, error);
  if (fd >= 0)
    close (fd);
  return fd >= 0;
}

/* ---- sharing ---- */

/* Where there are no links, or not so many. */
static char *
copy_spooled (TrdSpool *spool, const TrdPiece *piece, GError **error)
{
  g_autofree char *name = NULL;
  gboolean good = FALSE;
  int from_fd = open_spooled (spool, piece, error);
  int to_fd = from_fd >= 0 ? trd_sources_create (spool, &name, error) : -1;

  if (to_fd >= 0)
    {
      good = trd_files_copy (from_fd, to_fd, piece->size, error)
             && trd_files_sync (to_fd, "Spool", error);
      close (to_fd);
      if (!good)
        trd_sources_remove (spool, name);
    }
  if (from_fd >= 0)
    close (from_fd);
  return good ? g_steal_pointer (&name) : NULL;
}

static char *
link_spooled (TrdSpool *spool, const TrdPiece *piece, GError **error)
{
  g_autofree char *name = trd_spool_make_body_name ();

  note_body (spool, name);
  if (linkat (spool->spool_fd, piece->spool, spool->spool_fd, name, 0) == 0)
    return g_steal_pointer (&name);

  forget_body (spool, name);
  if (errno == EPERM || errno == EMLINK || errno == ENOTSUP || errno == ENOSYS)
    return copy_spooled (spool, piece, error);
  trd_sources_set_error (error, errno, "The copy of what is to be sent");
  return NULL;
}

TrdPiece *
trd_sources_share (TrdSpool *spool, const TrdPiece *piece, GError **error)
{
  g_autoptr (TrdPiece) shared = NULL;

  g_return_val_if_fail (TRD_IS_SPOOL (spool) && piece != NULL, NULL);

  shared = trd_piece_copy (piece);
  if (piece->spool == NULL)
    return g_steal_pointer (&shared);

  g_free (shared->spool);
  shared->spool = link_spooled (spool, piece, error);
  return shared->spool != NULL ? g_steal_pointer (&shared) : NULL;
}

TrdBody *
trd_sources_share_body (TrdSpool *spool, const TrdBody *body, GError **error)
{
  g_autoptr (TrdBody) shared = trd_body_new ();

  g_return_val_if_fail (body != NULL, NULL);

  for (guint i = 0; i < body->pieces->len; i++)
    {
      TrdPiece *piece = trd_sources_share (
          spool, g_ptr_array_index (body->pieces, i), error);

      if (piece == NULL)
        {
          trd_sources_discard (spool, shared);
          return NULL;
        }
      trd_body_take (shared, piece);
    }

  return g_steal_pointer (&shared);
}

/* ---- leaving ---- */

void
trd_sources_discard (TrdSpool *spool, const TrdBody *body)
{
  g_return_if_fail (TRD_IS_SPOOL (spool) && body != NULL);

  for (guint i = 0; i < body->pieces->len; i++)
    {
      const TrdPiece *piece = g_ptr_array_index (body->pieces, i);

      if (piece->spool != NULL)
        trd_sources_remove (spool, piece->spool);
    }
}

/* (transfer full) (nullable) */
static GDir *
list_spool (TrdSpool *spool)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", spool->spool_fd);

  return g_dir_open (path, 0, NULL);
}

gboolean
trd_sources_are_there (TrdSpool *spool)
{
  g_autoptr (GDir) directory = NULL;
  const char *name;

  g_return_val_if_fail (TRD_IS_SPOOL (spool), FALSE);

  directory = list_spool (spool);
  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    if (trd_body_is_file_name (name))
      return TRUE;

  return FALSE;
}

void
trd_sources_sweep (TrdSpool *spool, GHashTable *known)
{
  g_autoptr (GDir) directory = NULL;
  const char *name;

  g_return_if_fail (TRD_IS_SPOOL (spool) && known != NULL);

  directory = list_spool (spool);
  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    if (trd_body_is_file_name (name) && !g_hash_table_contains (known, name)
        && !trd_sources_is_ours (spool, name))
      trd_sources_remove (spool, name);
}
