/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Moving a database with its log and its spool to other names, in one piece as far as a
 * crash can tell: what is to be done is written down first, each step may be repeated,
 * and the database itself moves last, so that its place says whether the rest has moved.
 */

#include "config.h"

#include "port/shelter-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port/files.h"

#define REMOVAL_FILE "set-aside"
#define REMOVAL_GROUP "Set aside"

/* In the order in which they move. */
static const struct
{
  const char *base;
  const char *ending;
} members[] = {
  { TRD_SHELTER_DATABASE, "-journal" }, { TRD_SHELTER_DATABASE, "-wal" },
  { TRD_SHELTER_DATABASE, "-shm" },     { TRD_SHELTER_SPOOL, "" },
  { TRD_SHELTER_DATABASE, "" },
};

char *
trd_shelter_path (const char *directory, const char *base, const char *suffix)
{
  return g_strconcat (directory, G_DIR_SEPARATOR_S, base, suffix, NULL);
}

static gboolean
is_there (const char *directory, const char *base, const char *suffix)
{
  g_autofree char *path = trd_shelter_path (directory, base, suffix);
  struct stat facts;

  return lstat (path, &facts) == 0;
}

static gboolean
is_taken (const char *directory, const char *suffix)
{
  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_autofree char *end = g_strconcat (suffix, members[i].ending, NULL);

      if (is_there (directory, members[i].base, end))
        return TRUE;
    }
  return FALSE;
}

char *
trd_shelter_choose_suffix (const char *directory, const char *wanted)
{
  char *suffix = g_strdup (wanted);

  for (guint n = 2; is_taken (directory, suffix); n++)
    {
      g_free (suffix);
      suffix = g_strdup_printf ("%s.%u", wanted, n);
    }
  return suffix;
}

/* ---- what is written down ---- */

void
trd_removal_clear (TrdRemoval *self)
{
  g_clear_pointer (&self->suffix, g_free);
}

gboolean
trd_removal_load (TrdRemoval *self, const char *directory, GError **error)
{
  g_autofree char *path = g_build_filename (directory, REMOVAL_FILE, NULL);
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) local_error = NULL;
  TrdRemoval removal = { 0 };

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &local_error))
    {
      if (!g_error_matches (local_error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        g_propagate_prefixed_error (
            error, g_steal_pointer (&local_error), "%s: ", REMOVAL_FILE);
      return FALSE;
    }

  removal.back = g_key_file_get_boolean (file, REMOVAL_GROUP, "Back", NULL);
  removal.numbers.task = g_key_file_get_int64 (file, REMOVAL_GROUP, "Task", NULL);
  removal.numbers.session = g_key_file_get_int64 (file, REMOVAL_GROUP, "Session", NULL);
  removal.suffix = g_key_file_get_string (file, REMOVAL_GROUP, "Suffix", error);
  if (removal.suffix == NULL)
    return FALSE;
  *self = removal;
  return TRUE;
}

gboolean
trd_removal_save (const TrdRemoval *self, const char *directory, GError **error)
{
  g_autofree char *path = g_build_filename (directory, REMOVAL_FILE, NULL);
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *text = NULL;

  g_key_file_set_boolean (file, REMOVAL_GROUP, "Back", self->back);
  g_key_file_set_string (file, REMOVAL_GROUP, "Suffix", self->suffix);
  g_key_file_set_int64 (file, REMOVAL_GROUP, "Task", self->numbers.task);
  g_key_file_set_int64 (file, REMOVAL_GROUP, "Session", self->numbers.session);
  text = g_key_file_to_data (file, NULL, NULL);
  return g_file_set_contents_full (path,
                                   text,
                                   -1,
                                   G_FILE_SET_CONTENTS_CONSISTENT
                                       | G_FILE_SET_CONTENTS_DURABLE,
                                   0600,
                                   error);
}

/* ---- moving ---- */

static int
open_directory (const char *directory, GError **error)
{
  int fd = open (directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    trd_files_set_io_error (error, errno, directory);
  return fd;
}

/* Each start makes a spool where there is none.  A rename over an empty directory
 * replaces it; an empty one in the place that was left is in nobody's way but ours. */
static gboolean
move_member (int fd, const char *from, const char *to, GError **error)
{
  if (renameat2 (fd, from, fd, to, 0) == 0 || errno == ENOENT)
    return TRUE;
  if ((errno == ENOTEMPTY || errno == EEXIST) && unlinkat (fd, from, AT_REMOVEDIR) == 0)
    return TRUE;
  return trd_files_set_io_error (error, errno, from);
}

/* Nothing when the database is not under its first name: all have moved. */
static gboolean
move_set (const char *directory, const char *from, const char *to, GError **error)
{
  gboolean moved = TRUE;
  int fd;

  if (!is_there (directory, TRD_SHELTER_DATABASE, from))
    return TRUE;
  fd = open_directory (directory, error);
  if (fd < 0)
    return FALSE;

  for (guint i = 0; moved && i < G_N_ELEMENTS (members); i++)
    {
      g_autofree char *name = g_strconcat (
          members[i].base, from, members[i].ending, NULL);
      g_autofree char *target = g_strconcat (
          members[i].base, to, members[i].ending, NULL);

      moved = move_member (fd, name, target, error);
    }
  if (moved && fsync (fd) != 0)
    moved = trd_files_set_io_error (error, errno, directory);
  close (fd);
  return moved;
}

gboolean
trd_removal_carry_out (const TrdRemoval *self, const char *directory, GError **error)
{
  if (!self->back)
    return move_set (directory, "", self->suffix, error);

  /* While the old set is aside, what stands in its place is the one to make room. */
  if (is_there (directory, TRD_SHELTER_DATABASE, self->suffix)
      && !is_there (directory, TRD_SHELTER_DATABASE, TRD_SHELTER_SPENT)
      && !move_set (directory, "", TRD_SHELTER_SPENT, error))
    return FALSE;
  return move_set (directory, self->suffix, "", error);
}

/* ---- afterwards ---- */

/* The spent set held nothing: no file in its spool belongs to anybody. */
static gboolean
delete_spool (int directory_fd, GError **error)
{
  static const char name[] = TRD_SHELTER_SPOOL TRD_SHELTER_SPENT;
  g_autofree char *path = NULL;
  g_autoptr (GDir) dir = NULL;
  const char *entry;
  int fd = openat (directory_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

  if (fd < 0)
    return errno == ENOENT ? TRUE : trd_files_set_io_error (error, errno, name);
  path = g_strdup_printf ("/proc/self/fd/%d", fd);
  dir = g_dir_open (path, 0, NULL);
  while (dir != NULL && (entry = g_dir_read_name (dir)) != NULL)
    unlinkat (fd, entry, 0);
  close (fd);
  if (unlinkat (directory_fd, name, AT_REMOVEDIR) != 0)
    return trd_files_set_io_error (error, errno, name);
  return TRUE;
}

static gboolean
delete_spent (int fd, GError **error)
{
  if (!delete_spool (fd, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_autofree char *name = g_strconcat (
          members[i].base, TRD_SHELTER_SPENT, members[i].ending, NULL);

      if (unlinkat (fd, name, 0) != 0 && errno != ENOENT)
        return trd_files_set_io_error (error, errno, name);
    }
  return TRUE;
}

gboolean
trd_shelter_clear_spent (const char *directory, GError **error)
{
  gboolean done;
  int fd = open_directory (directory, error);

  if (fd < 0)
    return FALSE;
  done = delete_spent (fd, error);
  close (fd);
  return done;
}

gboolean
trd_removal_finish (const TrdRemoval *self, const char *directory, GError **error)
{
  gboolean done;
  int fd = open_directory (directory, error);

  if (fd < 0)
    return FALSE;
  done = !self->back || delete_spent (fd, error);
  if (done && unlinkat (fd, REMOVAL_FILE, 0) != 0)
    done = trd_files_set_io_error (error, errno, REMOVAL_FILE);
  if (done && fsync (fd) != 0)
    done = trd_files_set_io_error (error, errno, directory);
  close (fd);
  return done;
}
