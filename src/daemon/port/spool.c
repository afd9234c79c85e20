/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parts and results of tasks: in DIR/spool under the task's id, or beside their
 * destination under a name nobody guesses.  Owns the state directory's lock (law 16).
 *
 * A directory is opened anew for each use and must be the one that was named, by file
 * system and inode: what lies behind its path may have been moved away, or not be mounted
 * today. Sealing and moving, which may have to sync or copy gigabytes, run in threads
 * over copies of plain values; everything else is a few system calls. */

#include "config.h"

#include "port/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "port/files.h"
#include "port/spool-names.h"
#include "port/spool-private.h"
#include "value/body.h"

/* Times a part may vanish between open and lock. */
#define OPEN_TRIES_MAX 8

G_DEFINE_FINAL_TYPE (TrdSpool, trd_spool, G_TYPE_OBJECT)

/* Construction */

/* umask() can only be read by setting it, for a moment and for all threads. */
static mode_t
read_umask (void)
{
  g_autofree char *status = NULL;
  const char *line;

  if (g_file_get_contents ("/proc/self/status", &status, NULL, NULL))
    {
      line = strstr (status, "\nUmask:");
      if (line != NULL)
        return (mode_t)g_ascii_strtoull (line + strlen ("\nUmask:"), NULL, 8) & 0777;
    }
  return 077;
}

static gboolean
take_lock (TrdSpool *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->state_directory, "lock", NULL);

  self->lock_fd = open (path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (self->lock_fd < 0)
    return trd_files_set_io_error (error, errno, path);
  if (flock (self->lock_fd, LOCK_EX | LOCK_NB) == 0)
    return TRUE;
  if (errno != EWOULDBLOCK)
    return trd_files_set_io_error (error, errno, path);

  g_set_error (error,
               G_IO_ERROR,
               G_IO_ERROR_BUSY,
               "Another trundled uses %s",
               self->state_directory);
  return FALSE;
}

static gboolean
open_spool (TrdSpool *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->state_directory, "spool", NULL);

  if (mkdir (path, 0700) != 0 && errno != EEXIST)
    return trd_files_set_io_error (error, errno, path);
  if (self->spool_fd >= 0)
    close (self->spool_fd);
  self->spool_fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (self->spool_fd < 0)
    return trd_files_set_io_error (error, errno, path);
  return TRUE;
}

gboolean
trd_spool_reopen (TrdSpool *self, GError **error)
{
  g_return_val_if_fail (TRD_IS_SPOOL (self), FALSE);

  return open_spool (self, error);
}

TrdSpool *
trd_spool_new (const char *state_directory, GError **error)
{
  g_autoptr (TrdSpool) self = NULL;

  g_return_val_if_fail (state_directory != NULL, NULL);

  self = g_object_new (TRD_TYPE_SPOOL, NULL);
  self->state_directory = g_strdup (state_directory);
  self->umask = read_umask ();
  if (g_mkdir_with_parents (state_directory, 0700) != 0)
    {
      trd_files_set_io_error (error, errno, state_directory);
      return NULL;
    }
  if (!take_lock (self, error) || !open_spool (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

const char *
trd_spool_get_state_directory (TrdSpool *self)
{
  g_return_val_if_fail (TRD_IS_SPOOL (self), NULL);

  return self->state_directory;
}

/* Resolving */

gboolean
trd_spool_check_name (const char *name, GError **error)
{
  if (name != NULL && *name != '\0' && strchr (name, '/') == NULL
      && !g_str_equal (name, ".") && !g_str_equal (name, "..")
      && strlen (name) <= NAME_MAX)
    return TRUE;

  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_INVALID_ARGUMENT,
                       "The destination's name is not the name of a file");
  return FALSE;
}

gboolean
trd_spool_stat_directory (int fd, struct stat *out_facts, GError **error)
{
  if (fstat (fd, out_facts) == 0 && S_ISDIR (out_facts->st_mode))
    return TRUE;

  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_INVALID_ARGUMENT,
                       "The destination is not a directory");
  return FALSE;
}

/* @path up to its last slash.  (transfer full) (nullable) */
static char *
split_path (const char *path, const char **out_base, GError **error)
{
  const char *slash = path != NULL && *path == '/' ? strrchr (path, '/') : NULL;

  if (slash == NULL)
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_INVALID_ARGUMENT,
                           "The destination is neither a directory nor absolute");
      return NULL;
    }
  *out_base = slash + 1;
  return slash == path ? g_strdup ("/") : g_strndup (path, slash - path);
}

/* The path behind a descriptor, which must lead back to it: it does not when the
 * directory was deleted, or is seen from within another mount namespace. */
static char *
find_path (int fd, const struct stat *facts, GError **error)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autofree char *path = g_file_read_link (link, NULL);
  struct stat found;

  if (path != NULL && g_path_is_absolute (path) && stat (path, &found) == 0
      && found.st_dev == facts->st_dev && found.st_ino == facts->st_ino)
    return g_steal_pointer (&path);

  trd_files_set_error (error, ENOENT, "The destination's directory");
  return NULL;
}

static gboolean
check_target (int directory_fd,
              const char *name,
              TrundleIfExists if_exists,
              GError **error)
{
  struct stat facts;

  if (faccessat (directory_fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
    return trd_files_set_error (error, errno, "The destination's directory");
  if (fstatat (directory_fd, name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? TRUE : trd_files_set_error (error, errno, name);
  if (S_ISDIR (facts.st_mode))
    return trd_files_set_error (error, EISDIR, name);
  if (if_exists == TRUNDLE_IF_EXISTS_FAIL)
    return trd_files_set_error (error, EEXIST, name);
  return TRUE;
}

static TrdPlace *
resolve_at (int fd, const char *name, TrundleIfExists if_exists, GError **error)
{
  g_autoptr (TrdPlace) place = trd_place_new (0);
  struct stat facts;

  if (!trd_spool_check_name (name, error)
      || !trd_spool_stat_directory (fd, &facts, error))
    return NULL;
  place->directory = find_path (fd, &facts, error);
  if (place->directory == NULL || !check_target (fd, name, if_exists, error))
    return NULL;

  place->device = trd_files_file_system (fd);
  place->inode = facts.st_ino;
  place->name = g_strdup (name);
  place->if_exists = if_exists;
  return g_steal_pointer (&place);
}

TrdPlace *
trd_spool_resolve (TrdSpool *self,
                   int directory_fd,
                   const char *path,
                   const char *name,
                   TrundleIfExists if_exists,
                   GError **error)
{
  g_autofree char *directory = NULL;
  const char *base;
  TrdPlace *place;
  int fd;

  g_return_val_if_fail (TRD_IS_SPOOL (self), NULL);

  if (directory_fd >= 0)
    return resolve_at (directory_fd, name, if_exists, error);

  directory = split_path (path, &base, error);
  if (directory == NULL)
    return NULL;
  fd = open (directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    {
      trd_files_set_error (error, errno, directory);
      return NULL;
    }
  place = resolve_at (fd, name != NULL ? name : base, if_exists, error);
  close (fd);
  return place;
}

void
trd_spool_name_part (TrdSpool *self, TrdPlace *place)
{
  g_return_if_fail (TRD_IS_SPOOL (self));
  g_return_if_fail (place != NULL);

  g_free (place->part_name);
  place->part_name = trd_place_is_spool (place)
                         ? NULL
                         : trd_spool_make_part_name (place->task_id);
}

/* Parts */

void
trd_site_clear (TrdSite *site)
{
  if (site->fd >= 0)
    close (site->fd);
  site->fd = -1;
  g_clear_pointer (&site->part_name, g_free);
}

gboolean
trd_site_open (int spool_fd, const TrdPlace *place, TrdSite *out_site, GError **error)
{
  if (trd_place_is_spool (place))
    {
      out_site->fd = fcntl (spool_fd, F_DUPFD_CLOEXEC, 3);
      if (out_site->fd < 0)
        return trd_files_set_error (error, errno, "Spool");
      out_site->part_name = g_strdup_printf ("%" G_GINT64_FORMAT, place->task_id);
      return TRUE;
    }

  if (place->part_name == NULL)
    return trd_files_set_error (error, ENOENT, "Part");
  out_site->fd = trd_files_open_directory (
      place->directory, place->device, place->inode, error);
  if (out_site->fd < 0)
    return FALSE;
  out_site->part_name = g_strdup (place->part_name);
  return TRUE;
}

/* Whether the name still stands for what was opened. */
static gboolean
is_named (const TrdSite *site, int fd)
{
  struct stat opened, named;

  return fstat (fd, &opened) == 0
         && fstatat (site->fd, site->part_name, &named, AT_SYMLINK_NOFOLLOW) == 0
         && opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

static gboolean
lock_part (int fd, GError **error)
{
  if (flock (fd, LOCK_EX | LOCK_NB) == 0)
    return TRUE;
  if (errno != EWOULDBLOCK)
    return trd_files_set_error (error, errno, "Part");

  g_set_error_literal (
      error, G_IO_ERROR, G_IO_ERROR_BUSY, "The part is in use by another attempt");
  return FALSE;
}

static gboolean
cut_part (int fd, guint64 keep, GError **error)
{
  struct stat facts;

  if (fstat (fd, &facts) != 0)
    return trd_files_set_error (error, errno, "Part");
  /* Never longer: what is missing would be read as zeros. */
  if ((guint64)facts.st_size > keep && ftruncate (fd, (off_t)keep) != 0)
    return trd_files_set_error (error, errno, "Part");
  return TRUE;
}

static int
open_site (const TrdSite *site, guint64 keep, GError **error)
{
  for (guint i = 0; i < OPEN_TRIES_MAX; i++)
    {
      int fd = trd_files_open_regular (
          site->fd, site->part_name, O_RDWR | O_CREAT, error);

      if (fd < 0)
        return -1;
      if (!lock_part (fd, error))
        {
          close (fd);
          return -1;
        }
      if (is_named (site, fd))
        {
          if (cut_part (fd, keep, error))
            return fd;
          close (fd);
          return -1;
        }
      close (fd);
    }

  trd_files_set_error (error, ESTALE, site->part_name);
  return -1;
}

int
trd_spool_open_part (TrdSpool *self, const TrdPlace *place, guint64 keep, GError **error)
{
  g_auto (TrdSite) site = { -1, NULL };

  g_return_val_if_fail (TRD_IS_SPOOL (self), -1);
  g_return_val_if_fail (place != NULL, -1);

  if (!trd_site_open (self->spool_fd, place, &site, error))
    return -1;
  return open_site (&site, keep, error);
}

void
trd_site_turn_to_decoded (TrdSite *site)
{
  char *name = g_strconcat (site->part_name, TRD_SPOOL_DECODED_SUFFIX, NULL);

  g_free (site->part_name);
  site->part_name = name;
}

int
trd_spool_open_decoded (TrdSpool *self, const TrdPlace *place, GError **error)
{
  g_auto (TrdSite) site = { -1, NULL };

  g_return_val_if_fail (TRD_IS_SPOOL (self), -1);
  g_return_val_if_fail (place != NULL, -1);

  if (!trd_site_open (self->spool_fd, place, &site, error))
    return -1;
  trd_site_turn_to_decoded (&site);
  return open_site (&site, 0, error);
}

gboolean
trd_spool_stat_part (TrdSpool *self,
                     const TrdPlace *place,
                     TrdIntent *out_found,
                     GError **error)
{
  g_auto (TrdSite) site = { -1, NULL };
  struct stat facts;

  g_return_val_if_fail (TRD_IS_SPOOL (self), FALSE);
  g_return_val_if_fail (place != NULL && out_found != NULL, FALSE);

  if (!trd_site_open (self->spool_fd, place, &site, error))
    return FALSE;
  if (fstatat (site.fd, site.part_name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
    return trd_files_set_error (error, errno, site.part_name);
  if (!S_ISREG (facts.st_mode))
    return trd_files_set_error (error, ENOENT, site.part_name);

  *out_found = (TrdIntent){
    .device = trd_files_file_system (site.fd),
    .inode = facts.st_ino,
    .size = (guint64)facts.st_size,
  };
  return TRUE;
}

char *
trd_spool_choose_name (TrdSpool *self,
                       const TrdPlace *place,
                       guint *inout_n,
                       GError **error)
{
  g_auto (TrdSite) site = { -1, NULL };

  g_return_val_if_fail (TRD_IS_SPOOL (self), NULL);
  g_return_val_if_fail (place != NULL && inout_n != NULL, NULL);

  if (!trd_site_open (self->spool_fd, place, &site, error))
    return NULL;
  if (trd_place_is_spool (place))
    return g_steal_pointer (&site.part_name);
  if (place->if_exists != TRUNDLE_IF_EXISTS_RENAME)
    return g_strdup (place->name);

  for (guint n = *inout_n; n < TRD_SPOOL_NAMES_MAX; n++)
    {
      g_autofree char *name = trd_place_nth_name (place->name, n);
      struct stat facts;

      if (fstatat (site.fd, name, &facts, AT_SYMLINK_NOFOLLOW) == 0)
        continue;
      if (errno != ENOENT)
        {
          trd_files_set_error (error, errno, name);
          return NULL;
        }
      *inout_n = n;
      return g_steal_pointer (&name);
    }

  trd_files_set_error (error, EEXIST, place->name);
  return NULL;
}

int
trd_spool_open_result (TrdSpool *self,
                       const TrdPlace *place,
                       const char *final_path,
                       GError **error)
{
  g_auto (TrdSite) site = { -1, NULL };

  g_return_val_if_fail (TRD_IS_SPOOL (self), -1);
  g_return_val_if_fail (place != NULL, -1);

  if (final_path != NULL)
    return trd_files_open_regular (AT_FDCWD, final_path, O_RDONLY, error);
  if (!trd_site_open (self->spool_fd, place, &site, error))
    return -1;
  return trd_files_open_regular (site.fd, site.part_name, O_RDONLY, error);
}

/* Cleaning */

static void
remove_named (const TrdSite *site)
{
  if (unlinkat (site->fd, site->part_name, 0) != 0 && errno != ENOENT)
    g_message ("Cannot remove the part %s: %s", site->part_name, g_strerror (errno));
}

static void
discard (TrdSpool *self, const TrdPlace *place, gboolean only_decoded)
{
  g_auto (TrdSite) site = { -1, NULL };
  g_auto (TrdSite) decoded = { -1, NULL };
  g_autoptr (GError) local_error = NULL;

  if (!trd_place_is_spool (place) && place->part_name == NULL)
    return;
  if (!trd_site_open (self->spool_fd, place, &site, &local_error)
      || !trd_site_open (self->spool_fd, place, &decoded, &local_error))
    {
      g_message ("Cannot remove a part: %s", local_error->message);
      return;
    }
  /* In this order: a thread may just give the decoded file the name of the part. */
  trd_site_turn_to_decoded (&decoded);
  remove_named (&decoded);
  if (!only_decoded)
    remove_named (&site);
}

void
trd_spool_discard (TrdSpool *self, const TrdPlace *place)
{
  g_return_if_fail (TRD_IS_SPOOL (self));
  g_return_if_fail (place != NULL);

  discard (self, place, FALSE);
}

void
trd_spool_discard_decoded (TrdSpool *self, const TrdPlace *place)
{
  g_return_if_fail (TRD_IS_SPOOL (self));
  g_return_if_fail (place != NULL);

  discard (self, place, TRUE);
}

void
trd_spool_sweep (TrdSpool *self,
                 gboolean (*is_known) (gint64 task_id, gpointer user_data),
                 gpointer user_data)
{
  g_autofree char *path = NULL;
  g_autoptr (GDir) directory = NULL;
  const char *name;

  g_return_if_fail (TRD_IS_SPOOL (self));
  g_return_if_fail (is_known != NULL);

  path = g_strdup_printf ("/proc/self/fd/%d", self->spool_fd);
  directory = g_dir_open (path, 0, NULL);
  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      gint64 id = trd_spool_parse_name (name);

      if ((id != 0 && is_known (id, user_data)) || trd_body_is_file_name (name))
        continue;
      if (unlinkat (self->spool_fd, name, 0) != 0 && errno != EISDIR)
        g_message ("Cannot remove %s: %s", name, g_strerror (errno));
    }
}

gint64
trd_spool_find_last (TrdSpool *self)
{
  g_autofree char *path = NULL;
  g_autoptr (GDir) directory = NULL;
  const char *name;
  gint64 last = 0;

  g_return_val_if_fail (TRD_IS_SPOOL (self), 0);

  path = g_strdup_printf ("/proc/self/fd/%d", self->spool_fd);
  directory = g_dir_open (path, 0, NULL);
  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    last = MAX (last, trd_spool_parse_name (name));
  return last;
}

static void
trd_spool_finalize (GObject *object)
{
  TrdSpool *self = TRD_SPOOL (object);

  g_clear_pointer (&self->bodies, g_hash_table_unref);
  g_mutex_clear (&self->bodies_lock);
  g_clear_pointer (&self->state_directory, g_free);
  if (self->lock_fd >= 0)
    close (self->lock_fd);
  if (self->spool_fd >= 0)
    close (self->spool_fd);

  G_OBJECT_CLASS (trd_spool_parent_class)->finalize (object);
}

static void
trd_spool_init (TrdSpool *self)
{
  self->lock_fd = -1;
  self->spool_fd = -1;
  g_mutex_init (&self->bodies_lock);
  self->bodies = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

static void
trd_spool_class_init (TrdSpoolClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = trd_spool_finalize;
}
