/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What becomes of a database that cannot be used: nothing of it is deleted or written to.
 * It is set aside together with the spool it speaks of, since a fresh database knows none
 * of those files and would have them swept; the numbers of tasks and sessions go on above
 * the old ones, since apps, logs and part files may still bear them.
 *
 * Only what SQLite or the rows themselves prove to be damage counts.  A disk that fails,
 * is full or cannot be written is no reason: the service says so and leaves. */

#include "config.h"

#include "port/shelter.h"

#include <glib/gstdio.h>

#include "port/shelter-private.h"
#include "port/sources.h"
#include "port/store-history.h"

#define DOUBT_FILE "doubt"
#define DOUBT "found damaged in use"
#define CERTAINTY "damaged"

#define NEWER ".newer-"
#define DAMAGED ".damaged-"

/* A damaged database may have lost its log, with the last numbers it gave out: one that
 * holds so many tasks would be half a gigabyte. */
#define LOST_NUMBERS_MAX 1000000

/* No number was ever given that is larger: those of the clock are microseconds. */
#define BELIEVABLE_MAX (G_GINT64_CONSTANT (1) << 53)

void
trd_aside_free (TrdAside *self)
{
  g_free (self->database);
  g_free (self->spool);
  g_free (self);
}

/* ---- doubts ---- */

void
trd_shelter_doubt (const char *state_directory, gboolean certain)
{
  g_autofree char *path = g_build_filename (state_directory, DOUBT_FILE, NULL);
  g_autoptr (GError) local_error = NULL;

  g_return_if_fail (state_directory != NULL);

  /* A second time, although the whole of it was read in between and found sound. */
  certain = certain || g_file_test (path, G_FILE_TEST_EXISTS);
  if (!g_file_set_contents_full (path,
                                 certain ? CERTAINTY : DOUBT,
                                 -1,
                                 G_FILE_SET_CONTENTS_CONSISTENT
                                     | G_FILE_SET_CONTENTS_DURABLE,
                                 0600,
                                 &local_error))
    g_warning ("Cannot note that the database is damaged: %s", local_error->message);
}

void
trd_shelter_trust (const char *state_directory)
{
  g_autofree char *path = NULL;

  g_return_if_fail (state_directory != NULL);

  path = g_build_filename (state_directory, DOUBT_FILE, NULL);
  g_unlink (path);
}

/* Whether what was noted in use holds. */
static gboolean
check_doubt (const char *directory, const char *database, GError **error)
{
  g_autofree char *path = g_build_filename (directory, DOUBT_FILE, NULL);
  g_autofree char *doubt = NULL;

  if (!g_file_get_contents (path, &doubt, NULL, NULL))
    return TRUE;
  if (g_str_equal (doubt, CERTAINTY))
    {
      g_set_error_literal (error,
                           G_IO_ERROR,
                           G_IO_ERROR_INVALID_DATA,
                           "The database was found damaged in use");
      return FALSE;
    }

  if (!trd_store_check (database, TRUE, error))
    return FALSE;
  g_message ("The database was found damaged in use, and is sound now that all of it was "
             "read");
  return TRUE;
}

/* An empty file is what a first start leaves that was killed at once; but not when
 * there are files of tasks. */
static gboolean
check_emptied (TrdSpool *spool, const char *database, GError **error)
{
  GStatBuf facts;

  if (g_stat (database, &facts) != 0 || facts.st_size > 0
      || (trd_spool_find_last (spool) == 0 && !trd_sources_are_there (spool)))
    return TRUE;

  g_set_error_literal (error,
                       G_IO_ERROR,
                       G_IO_ERROR_INVALID_DATA,
                       "The database is empty, but there are files of tasks");
  return FALSE;
}

static TrdStore *
open_store (TrdSpool *spool, GError **error)
{
  const char *directory = trd_spool_get_state_directory (spool);
  g_autofree char *path = trd_shelter_path (directory, TRD_SHELTER_DATABASE, "");

  if (!check_emptied (spool, path, error) || !check_doubt (directory, path, error))
    return NULL;
  return trd_store_new (path, error);
}

/* ---- numbers ---- */

static gboolean
are_believable (const TrdNumbers *numbers)
{
  return numbers->task >= 0 && numbers->task < BELIEVABLE_MAX && numbers->session >= 0
         && numbers->session < BELIEVABLE_MAX;
}

/* Those after which a fresh database begins. */
static TrdNumbers
find_numbers (TrdSpool *spool, const char *database, gboolean damaged, gint64 now_us)
{
  TrdNumbers numbers = { 0 };

  if (!trd_store_peek_numbers (database, &numbers, NULL) || !are_believable (&numbers)
      || numbers.session == 0)
    numbers = (TrdNumbers){ now_us, now_us };
  else if (damaged)
    {
      numbers.task += LOST_NUMBERS_MAX;
      numbers.session += LOST_NUMBERS_MAX;
    }
  numbers.task = MAX (numbers.task, trd_spool_find_last (spool));
  return numbers;
}

/* ---- setting aside ---- */

static char *
make_suffix (const char *directory, const char *database, gboolean damaged, gint64 now_us)
{
  g_autoptr (GDateTime) now = g_date_time_new_from_unix_utc (now_us / G_USEC_PER_SEC);
  g_autofree char *wanted = NULL;

  if (damaged)
    wanted = g_date_time_format (now, DAMAGED "%Y%m%dT%H%M%SZ");
  else
    wanted = g_strdup_printf (NEWER "%u", trd_store_peek_version (database));
  return trd_shelter_choose_suffix (directory, wanted);
}

static gboolean
carry_out (const TrdRemoval *removal, TrdSpool *spool, GError **error)
{
  return trd_removal_carry_out (removal, trd_spool_get_state_directory (spool), error)
         && trd_spool_reopen (spool, error);
}

/* @reason: why the current one cannot be used. */
static gboolean
set_aside (TrdSpool *spool,
           const GError *reason,
           gint64 now_us,
           TrdRemoval *removal,
           GError **error)
{
  const char *directory = trd_spool_get_state_directory (spool);
  g_autofree char *path = trd_shelter_path (directory, TRD_SHELTER_DATABASE, "");
  gboolean damaged = !g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  TrdNumbers numbers = find_numbers (spool, path, damaged, now_us);

  /* One that was to be followed by this one, and never got so far. */
  numbers.task = MAX (numbers.task, removal->numbers.task);
  numbers.session = MAX (numbers.session, removal->numbers.session);
  trd_removal_clear (removal);
  *removal = (TrdRemoval){
    .suffix = make_suffix (directory, path, damaged, now_us),
    .numbers = numbers,
  };
  if (!trd_removal_save (removal, directory, error) || !carry_out (removal, spool, error))
    return FALSE;
  trd_shelter_trust (directory);

  g_warning ("%s.  It is kept as " TRD_SHELTER_DATABASE
             "%s, with its files in " TRD_SHELTER_SPOOL
             "%s%s; the service goes on with a "
             "new one",
             reason->message,
             removal->suffix,
             removal->suffix,
             damaged ? "" : ", until a version of this program can read it");
  return TRUE;
}

/* ---- taking back ---- */

static gboolean
is_aside_name (const char *name, const char *word)
{
  return !g_str_has_suffix (name, "-journal")
         && g_str_has_prefix (name, TRD_SHELTER_DATABASE)
         && g_str_has_prefix (name + strlen (TRD_SHELTER_DATABASE), word)
         && !g_str_has_suffix (name, "-wal") && !g_str_has_suffix (name, "-shm");
}

static TrdAside *
describe_aside (const char *directory, const char *name)
{
  TrdAside *aside = g_new0 (TrdAside, 1);
  const char *suffix = name + strlen (TRD_SHELTER_DATABASE);
  g_autofree char *path = g_build_filename (directory, name, NULL);

  aside->database = g_strdup (name);
  aside->spool = g_strconcat (TRD_SHELTER_SPOOL, suffix, NULL);
  if (is_aside_name (name, NEWER))
    {
      aside->version = (guint)g_ascii_strtoull (suffix + strlen (NEWER), NULL, 10);
      aside->can_read = trd_store_check (path, FALSE, NULL);
    }
  return aside;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  const TrdAside *const *first = a;
  const TrdAside *const *second = b;

  return strcmp ((*first)->database, (*second)->database);
}

gboolean
trd_shelter_has_aside (const char *state_directory)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

  g_return_val_if_fail (state_directory != NULL, FALSE);

  dir = g_dir_open (state_directory, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (is_aside_name (name, NEWER) || is_aside_name (name, DAMAGED))
      return TRUE;
  return FALSE;
}

GPtrArray *
trd_shelter_list (const char *state_directory)
{
  g_autoptr (GPtrArray) asides = g_ptr_array_new_with_free_func (
      (GDestroyNotify)trd_aside_free);
  g_autoptr (GDir) dir = NULL;
  const char *name;

  g_return_val_if_fail (state_directory != NULL, NULL);

  dir = g_dir_open (state_directory, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (is_aside_name (name, NEWER) || is_aside_name (name, DAMAGED))
      g_ptr_array_add (asides, describe_aside (state_directory, name));
  g_ptr_array_sort (asides, compare_names);
  return g_steal_pointer (&asides);
}

/* (transfer none) (nullable) */
static const TrdAside *
find_readable (GPtrArray *asides)
{
  for (guint i = 0; i < asides->len; i++)
    {
      const TrdAside *aside = g_ptr_array_index (asides, i);

      if (aside->can_read)
        return aside;
    }
  return NULL;
}

/* @store is the current one, which is closed. */
static gboolean
take_back (TrdSpool *spool,
           TrdStore *store,
           const TrdAside *aside,
           TrdRemoval *removal,
           GError **error)
{
  const char *directory = trd_spool_get_state_directory (spool);
  g_autofree char *path = trd_shelter_path (directory, TRD_SHELTER_DATABASE, "");

  trd_store_close (store);
  if (!trd_store_peek_numbers (path, &removal->numbers, error)
      || !trd_shelter_clear_spent (directory, error))
    return FALSE;
  removal->back = TRUE;
  removal->suffix = g_strdup (aside->database + strlen (TRD_SHELTER_DATABASE));
  if (!trd_removal_save (removal, directory, error) || !carry_out (removal, spool, error))
    return FALSE;

  g_message ("%s can be read now, and is used again", aside->database);
  return TRUE;
}

/* What an earlier version could not read.  It takes the place of a database that holds
 * nothing; two that do hold something cannot be made one. */
static gboolean
exchange (TrdSpool *spool, TrdStore **store, TrdRemoval *removal, GError **error)
{
  g_autoptr (GPtrArray) asides = trd_shelter_list (trd_spool_get_state_directory (spool));
  const TrdAside *aside = find_readable (asides);
  gboolean holds_nothing;

  if (aside == NULL)
    return TRUE;
  if (!trd_store_holds_nothing (*store, &holds_nothing, error))
    return FALSE;
  if (!holds_nothing)
    {
      g_message ("%s can be read now, but is not used while the current database holds "
                 "tasks or events",
                 aside->database);
      return TRUE;
    }

  if (!take_back (spool, *store, aside, removal, error))
    return FALSE;
  g_clear_object (store);
  *store = open_store (spool, error);
  return *store != NULL;
}

/* ---- opening ---- */

/* The files have moved; the database that is current now must know so. */
static gboolean
settle (TrdStore *store, const TrdRemoval *removal, const char *directory, GError **error)
{
  g_autofree char *spent = trd_shelter_path (
      directory, TRD_SHELTER_DATABASE, TRD_SHELTER_SPENT);

  return trd_store_raise_numbers (store, &removal->numbers, error)
         && (!removal->back || trd_store_absorb_history (store, spent, error))
         && trd_removal_finish (removal, directory, error);
}

static gboolean
is_unusable (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
}

TrdStore *
trd_shelter_open (TrdSpool *spool, gint64 now_us, GError **error)
{
  const char *directory;
  g_auto (TrdRemoval) removal = { 0 };
  g_autoptr (TrdStore) store = NULL;
  g_autoptr (GError) local_error = NULL;

  g_return_val_if_fail (TRD_IS_SPOOL (spool), NULL);

  /* What a crash has interrupted comes first. */
  directory = trd_spool_get_state_directory (spool);
  if (trd_removal_load (&removal, directory, &local_error))
    carry_out (&removal, spool, &local_error);
  if (local_error == NULL)
    store = open_store (spool, &local_error);
  if (store != NULL && removal.suffix == NULL)
    exchange (spool, &store, &removal, &local_error);

  if (is_unusable (local_error))
    {
      g_clear_object (&store);
      if (!set_aside (spool, local_error, now_us, &removal, error))
        return NULL;
      g_clear_error (&local_error);
      store = open_store (spool, &local_error);
    }
  if (local_error == NULL && removal.suffix != NULL)
    settle (store, &removal, directory, &local_error);
  if (local_error == NULL)
    return g_steal_pointer (&store);

  g_propagate_error (error, g_steal_pointer (&local_error));
  return NULL;
}

gboolean
trd_shelter_peek_has_work (const char *state_directory)
{
  g_autoptr (GPtrArray) asides = trd_shelter_list (state_directory);
  g_autofree char *current = trd_shelter_path (state_directory, TRD_SHELTER_DATABASE, "");
  const TrdAside *aside = find_readable (asides);
  g_auto (TrdRemoval) removal = { 0 };
  g_autofree char *path = NULL;

  if (trd_removal_load (&removal, state_directory, NULL)
      || trd_store_peek_has_work (current))
    return TRUE;
  if (aside == NULL)
    return FALSE;
  path = g_build_filename (state_directory, aside->database, NULL);
  return trd_store_peek_has_work (path);
}
