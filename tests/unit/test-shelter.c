/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A database that cannot be used is set aside with its files and taken back when it can
 * be; at no point of that does a crash lose anything, and no number is given out twice.
 */

#include "config.h"

#include "store-fixture.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#include "files.h"
#include "port/db.h"
#include "port/shelter-private.h"
#include "port/store-history.h"

/* 2026-11-21 07:00:00 UTC */
#define NOW_US (G_GINT64_CONSTANT (1795244400) * G_USEC_PER_SEC)
#define DAMAGED ".damaged-20261121T070000Z"
#define NEWER ".newer-9000"

typedef struct
{
  char *directory; /* (owned) */
  TrdSpool *spool; /* (owned) */
  TrdStore *store; /* (owned) (nullable) */
  gint64 session;  /* of the first database: the only one */
  gint64 task;     /* likewise; there is a file of it */
  guint8 version;  /* of a database before it was made newer */
} Fixture;

static char *
path_of (Fixture *fixture, const char *base, const char *suffix)
{
  return trd_shelter_path (fixture->directory, base, suffix);
}

static gboolean
is_there (Fixture *fixture, const char *base, const char *suffix)
{
  g_autofree char *path = path_of (fixture, base, suffix);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
close_all (Fixture *fixture)
{
  g_clear_object (&fixture->store);
  g_clear_object (&fixture->spool);
}

/* A start of the service. */
static void
start (Fixture *fixture, GError **error)
{
  close_all (fixture);
  fixture->spool = trd_spool_new (fixture->directory, NULL);
  g_assert_nonnull (fixture->spool);
  fixture->store = trd_shelter_open (fixture->spool, NOW_US, error);
}

static void
start_well (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  start (fixture, &error);
  g_assert_no_error (error);
}

static void
expect_set_aside (void)
{
  g_test_expect_message ("trundle", G_LOG_LEVEL_WARNING, "*It is kept as trundle.db.*");
}

static void
write_spool_file (Fixture *fixture, gint64 task)
{
  g_autofree char *path = g_strdup_printf (
      "%s/spool/%" G_GINT64_FORMAT, fixture->directory, task);

  g_assert_true (g_file_set_contents (path, "part", -1, NULL));
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->directory = g_dir_make_tmp ("trundle-shelter-XXXXXX", NULL);
  start_well (fixture);
  fixture->session = store_fixture_add_session (fixture->store, "old", "@a{sv} {}");
  for (guint i = 0; i < 5; i++)
    fixture->task = store_fixture_add_task (
        fixture->store, fixture->session, TRUNDLE_TASK_QUEUED);
  write_spool_file (fixture, fixture->task);
  close_all (fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  close_all (fixture);
  test_remove_tree (fixture->directory);
  g_free (fixture->directory);
}

/* 0 where there is none yet. */
static guint
get_version (const char *path)
{
  static const char *const version = "PRAGMA user_version";
  g_autoptr (TrdDb) db = trd_db_open_read_only (path, &version, 1, NULL);
  g_autoptr (TrdQuery) query = NULL;
  gboolean has_row;
  guint n;

  if (db == NULL)
    return 0;
  query = trd_db_query (db, 0, NULL);
  g_assert_true (trd_query_step (query, &has_row, NULL));
  n = (guint)trd_query_get_int (query, 0);
  trd_query_done (g_steal_pointer (&query));
  return n;
}

/* As many empty steps as the database at @path has behind it.  (transfer full) */
static char *
make_script (const char *path)
{
  GString *script = g_string_new (NULL);

  for (guint i = get_version (path); i > 0; i--)
    g_string_append (script, "\n-- step ");
  return g_string_free (script, FALSE);
}

static void
execute (Fixture *fixture, const char *suffix, const char *sql)
{
  g_autofree char *path = path_of (fixture, TRD_SHELTER_DATABASE, suffix);
  g_autofree char *script = make_script (path);
  g_autoptr (GError) error = NULL;
  g_autoptr (TrdDb) db = NULL;

  db = trd_db_open (path, script, NULL, 0, &error);
  g_assert_no_error (error);
  trd_db_exec (db, sql, &error);
  g_assert_no_error (error);
}

static void
make_newer (Fixture *fixture)
{
  g_autofree char *path = path_of (fixture, TRD_SHELTER_DATABASE, "");

  fixture->version = (guint8)get_version (path);
  execute (fixture, "", "PRAGMA user_version = 9000");
}

/* What it takes for a version to come that can read it. */
static void
make_readable (Fixture *fixture, const char *suffix)
{
  g_autofree char *path = path_of (fixture, TRD_SHELTER_DATABASE, suffix);
  g_autofree char *contents = NULL;
  gsize length;

  /* The version is at byte 60 of the header; the log is empty. */
  g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
  contents[62] = 0;
  contents[63] = (char)fixture->version;
  g_assert_true (g_file_set_contents (path, contents, length, NULL));
}

static void
assert_is_old (Fixture *fixture)
{
  g_autoptr (TrdTaskRow) row = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_strdup_printf ("spool/%" G_GINT64_FORMAT, fixture->task);

  row = trd_store_load_task (fixture->store, fixture->task, &error);
  g_assert_no_error (error);
  g_assert_true (is_there (fixture, path, ""));
}

/* Nothing is in it, and its numbers go on. */
static void
assert_is_fresh (Fixture *fixture, gint64 least_task, gint64 least_session)
{
  gboolean nothing;
  gint64 session, task;

  g_assert_true (trd_store_holds_nothing (fixture->store, &nothing, NULL));
  g_assert_true (nothing);
  session = store_fixture_add_session (fixture->store, "new", "@a{sv} {}");
  g_assert_cmpint (session, >=, least_session);
  task = store_fixture_add_task (fixture->store, session, TRUNDLE_TASK_QUEUED);
  g_assert_cmpint (task, >=, least_task);
}

static void
assert_is_aside (Fixture *fixture, const char *suffix)
{
  g_autofree char *file = g_strdup_printf (
      "spool%s/%" G_GINT64_FORMAT, suffix, fixture->task);

  g_assert_true (is_there (fixture, TRD_SHELTER_DATABASE, suffix));
  g_assert_true (is_there (fixture, file, ""));
  g_assert_false (is_there (fixture, "set-aside", ""));
}

/* ---- setting aside ---- */

static void
test_sound (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) asides = NULL;

  start_well (fixture);
  assert_is_old (fixture);
  asides = trd_shelter_list (fixture->directory);
  g_assert_cmpuint (asides->len, ==, 0);
}

static void
test_newer (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) asides = NULL;
  const TrdAside *aside;

  make_newer (fixture);
  expect_set_aside ();
  start_well (fixture);
  g_test_assert_expected_messages ();
  assert_is_aside (fixture, NEWER);
  assert_is_fresh (fixture, fixture->task + 1, fixture->session + 1);

  asides = trd_shelter_list (fixture->directory);
  g_assert_cmpuint (asides->len, ==, 1);
  aside = g_ptr_array_index (asides, 0);
  g_assert_cmpstr (aside->database, ==, "trundle.db" NEWER);
  g_assert_cmpstr (aside->spool, ==, "spool" NEWER);
  g_assert_cmpuint (aside->version, ==, 9000);
  g_assert_false (aside->can_read);

  /* And so the next one too. */
  start_well (fixture);
  close_all (fixture);
  make_newer (fixture);
  expect_set_aside ();
  start_well (fixture);
  g_test_assert_expected_messages ();
  g_assert_true (is_there (fixture, TRD_SHELTER_DATABASE, NEWER ".2"));
  assert_is_aside (fixture, NEWER);
}

typedef enum
{
  GARBAGE,
  CUT,
  EMPTIED,
  PAGES,
  FOREIGN,
} Damage;

static void
do_damage (Fixture *fixture, Damage damage)
{
  g_autofree char *path = path_of (fixture, TRD_SHELTER_DATABASE, "");
  g_autofree char *contents = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &contents, &length, NULL));
  g_assert_cmpuint (length, >, 16384);
  switch (damage)
    {
    case GARBAGE:
      memset (contents, 'x', length);
      break;
    case CUT:
      length = length / 2 / 4096 * 4096;
      break;
    case EMPTIED:
      length = 0;
      break;
    case PAGES:
      memset (contents + 8192, 0x5a, length - 8192);
      break;
    case FOREIGN:
      g_unlink (path);
      execute (fixture, "", "CREATE TABLE recipes (cake TEXT)");
      execute (fixture, "", "PRAGMA user_version = 0");
      return;
    }
  g_assert_true (g_file_set_contents (path, contents, length, NULL));
}

/* Nothing was received yet; what was to be sent is worth as much. */
static void
test_emptied_with_sources (Fixture *fixture, gconstpointer data)
{
  g_autofree char *part = g_strdup_printf (
      "%s/spool/%" G_GINT64_FORMAT, fixture->directory, fixture->task);
  g_autofree char *body = g_build_filename (
      fixture->directory, "spool", "body-0123456789abcdef0123456789abcdef", NULL);

  g_assert_cmpint (g_rename (part, body), ==, 0);
  do_damage (fixture, EMPTIED);
  expect_set_aside ();
  start_well (fixture);
  g_test_assert_expected_messages ();
}

/* Fault (store): a database that is damaged, in several ways | Proves: set aside, not
 * lost; the service works with a fresh one whose numbers are new */
static void
test_damaged (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) asides = NULL;

  do_damage (fixture, (Damage)GPOINTER_TO_INT (data));
  expect_set_aside ();
  start_well (fixture);
  g_test_assert_expected_messages ();
  assert_is_aside (fixture, DAMAGED);
  assert_is_fresh (fixture, fixture->task + 1, fixture->session + 1);

  /* Not used again by itself, whatever it looks like. */
  asides = trd_shelter_list (fixture->directory);
  g_assert_cmpuint (asides->len, ==, 1);
  g_assert_false (((const TrdAside *)g_ptr_array_index (asides, 0))->can_read);
}

/* What cannot be read now is no damage. */
static void
test_cannot_open (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = path_of (fixture, TRD_SHELTER_DATABASE, "");
  g_autoptr (GPtrArray) asides = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  start (fixture, &error);
  g_assert_null (fixture->store);
  g_assert_nonnull (error);
  g_assert_false (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA));
  asides = trd_shelter_list (fixture->directory);
  g_assert_cmpuint (asides->len, ==, 0);
}

/* ---- found in use ---- */

static void
test_doubt (Fixture *fixture, gconstpointer data)
{
  trd_shelter_doubt (fixture->directory, FALSE);
  g_test_expect_message ("trundle", G_LOG_LEVEL_MESSAGE, "*is sound*");
  start_well (fixture);
  g_test_assert_expected_messages ();
  assert_is_old (fixture);

  /* Again, and nothing is found again. */
  trd_shelter_doubt (fixture->directory, FALSE);
  expect_set_aside ();
  start_well (fixture);
  g_test_assert_expected_messages ();
  assert_is_aside (fixture, DAMAGED);
  start_well (fixture);
}

static void
test_trust (Fixture *fixture, gconstpointer data)
{
  trd_shelter_doubt (fixture->directory, FALSE);
  trd_shelter_trust (fixture->directory);
  trd_shelter_doubt (fixture->directory, FALSE);
  g_test_expect_message ("trundle", G_LOG_LEVEL_MESSAGE, "*is sound*");
  start_well (fixture);
  g_test_assert_expected_messages ();
  assert_is_old (fixture);
}

static void
on_damaged (TrdStore *store, gpointer user_data)
{
  guint *count = user_data;

  ++*count;
}

/* As a disk does it: behind the back of who has the file open. */
static void
overwrite_pages (Fixture *fixture)
{
  g_autofree char *path = path_of (fixture, TRD_SHELTER_DATABASE, "");
  g_autofree char *noise = g_strnfill (4096, 'Z');
  FILE *file = g_fopen (path, "r+");
  long size;

  g_assert_nonnull (file);
  g_assert_cmpint (fseek (file, 0, SEEK_END), ==, 0);
  size = ftell (file);
  for (long offset = 4096; offset < size; offset += 4096)
    {
      fseek (file, offset, SEEK_SET);
      g_assert_cmpuint (fwrite (noise, 4096, 1, file), ==, 1);
    }
  fclose (file);
}

/* Fault (store): pages are damaged under a running daemon | Proves: nothing more is
 * written to it; errors say so */
static void
test_in_use (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = path_of (fixture, TRD_SHELTER_DATABASE, "");
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  gsize length_before, length_after;
  g_autoptr (GError) error = NULL;
  guint told = 0;

  start_well (fixture);
  g_signal_connect (fixture->store, "damaged", G_CALLBACK (on_damaged), &told);
  overwrite_pages (fixture);
  g_file_get_contents (path, &before, &length_before, NULL);

  g_test_expect_message ("trundle", G_LOG_LEVEL_WARNING, "*nothing more is written*");
  g_assert_null (trd_store_load_task (fixture->store, fixture->task, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_test_assert_expected_messages ();
  g_clear_error (&error);

  /* What would need no damaged page fails, too; and closing writes nothing. */
  g_assert_cmpuint (told, ==, 0);
  g_assert_false (trd_store_begin (fixture->store, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (told, ==, 1);
  close_all (fixture);
  g_file_get_contents (path, &after, &length_after, NULL);
  g_assert_cmpmem (before, length_before, after, length_after);
}

/* ---- taking back ---- */

/* A newer one is aside, and the current one has given out numbers and holds nothing. */
static gint64
set_newer_aside (Fixture *fixture)
{
  gint64 session, task;

  make_newer (fixture);
  expect_set_aside ();
  start_well (fixture);
  g_test_assert_expected_messages ();
  session = store_fixture_add_session (fixture->store, "between", "@a{sv} {}");
  task = store_fixture_add_task (fixture->store, session, TRUNDLE_TASK_FINISHED);
  store_fixture_add_event (fixture->store, session, task, TRUNDLE_EVENT_TASK_FINISHED);
  return task;
}

static void
complete_all (Fixture *fixture)
{
  g_autoptr (GPtrArray) sessions = trd_store_load_sessions (fixture->store, NULL);

  for (guint i = 0; i < sessions->len; i++)
    {
      const TrdSessionRow *row = g_ptr_array_index (sessions, i);
      g_autoptr (GPtrArray) gone = trd_store_complete_events (
          fixture->store, row->id, G_MAXUINT64, NULL);

      g_assert_nonnull (gone);
    }
}

static void
assert_is_back (Fixture *fixture, gint64 last_task)
{
  g_autoptr (GPtrArray) history = NULL;
  g_autoptr (GPtrArray) asides = trd_shelter_list (fixture->directory);
  gint64 task;

  assert_is_old (fixture);
  g_assert_cmpuint (asides->len, ==, 0);
  g_assert_false (is_there (fixture, TRD_SHELTER_DATABASE, TRD_SHELTER_SPENT));
  g_assert_false (is_there (fixture, TRD_SHELTER_SPOOL, TRD_SHELTER_SPENT));
  g_assert_false (is_there (fixture, "set-aside", ""));
  task = store_fixture_add_task (fixture->store, fixture->session, TRUNDLE_TASK_QUEUED);
  g_assert_cmpint (task, ==, last_task + 1);

  history = trd_store_list_history (
      fixture->store, &(TrdHistoryFilter){ .limit = 10 }, NULL);
  g_assert_cmpuint (history->len, ==, 1);
  g_assert_cmpint (
      ((TrdHistoryRow *)g_ptr_array_index (history, 0))->task_id, ==, last_task);
}

/* Fault (store): a newer database was set aside, and can be read again | Proves: it is
 * used again, with what it held */
static void
test_back (Fixture *fixture, gconstpointer data)
{
  gint64 last_task = set_newer_aside (fixture);

  complete_all (fixture);
  close_all (fixture);
  make_readable (fixture, NEWER);
  g_assert_true (trd_shelter_peek_has_work (fixture->directory));
  start_well (fixture);
  assert_is_back (fixture, last_task);
}

/* Two that hold something cannot be made one. */
static void
test_not_back (Fixture *fixture, gconstpointer data)
{
  set_newer_aside (fixture);
  close_all (fixture);
  make_readable (fixture, NEWER);
  g_test_expect_message ("trundle", G_LOG_LEVEL_MESSAGE, "*not used while*");
  start_well (fixture);
  g_test_assert_expected_messages ();
  assert_is_aside (fixture, NEWER);
}

/* ---- crashes ---- */

/* The files that are moved, in their order. */
static const char *const members[][2] = {
  { TRD_SHELTER_DATABASE, "-journal" }, { TRD_SHELTER_DATABASE, "-wal" },
  { TRD_SHELTER_DATABASE, "-shm" },     { TRD_SHELTER_SPOOL, "" },
  { TRD_SHELTER_DATABASE, "" },
};

static void
move_first (Fixture *fixture, guint n, const char *from, const char *to)
{
  for (guint i = 0; i < MIN (n, G_N_ELEMENTS (members)); i++)
    {
      g_autofree char *name = g_strconcat (from, members[i][1], NULL);
      g_autofree char *target = g_strconcat (to, members[i][1], NULL);
      g_autofree char *source_path = path_of (fixture, members[i][0], name);
      g_autofree char *target_path = path_of (fixture, members[i][0], target);

      g_rename (source_path, target_path);
    }
}

/* As a kill after the n-th rename leaves it; 6: the fresh database is there, and does not
 * know its numbers; and once more while that is put right.
 *
 * Fault (store): the daemon dies at each step of setting a database aside | Proves:
 * the next one puts it right; no number is used again */
static void
test_killed_aside (Fixture *fixture, gconstpointer data)
{
  guint n = GPOINTER_TO_UINT (data);
  TrdRemoval removal = { .suffix = (char *)NEWER, .numbers = { 100, 50 } };
  g_autoptr (GError) error = NULL;

  make_newer (fixture);
  g_assert_true (trd_removal_save (&removal, fixture->directory, &error));
  move_first (fixture, n, "", NEWER);
  if (n == 6)
    {
      g_autofree char *path = path_of (fixture, TRD_SHELTER_DATABASE, "");
      g_autoptr (TrdStore) store = trd_store_new (path, &error);

      g_assert_no_error (error);
      g_assert_nonnull (store);
    }

  start_well (fixture);
  assert_is_aside (fixture, NEWER);
  assert_is_fresh (fixture, 101, 51);
}

/* 0–5: making room; 6–11: taking back; 11: all moved, numbers not known.
 *
 * Fault (store): the daemon dies at each step of taking a database back | Proves: the
 * next one puts it right; nothing is lost */
static void
test_killed_back (Fixture *fixture, gconstpointer data)
{
  guint n = GPOINTER_TO_UINT (data);
  gint64 last_task = set_newer_aside (fixture);
  TrdRemoval removal
      = { .back = TRUE, .suffix = (char *)NEWER, .numbers = { last_task, 50 } };
  g_autoptr (GError) error = NULL;

  complete_all (fixture);
  close_all (fixture);
  make_readable (fixture, NEWER);
  g_assert_true (trd_removal_save (&removal, fixture->directory, &error));
  move_first (fixture, n, "", TRD_SHELTER_SPENT);
  if (n >= 6)
    move_first (fixture, n - 6, NEWER, "");

  start_well (fixture);
  assert_is_back (fixture, last_task);
}

#define ADD(path, data, func)                                                            \
  g_test_add (path, Fixture, GINT_TO_POINTER (data), set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/shelter/sound", 0, test_sound);
  ADD ("/shelter/newer", 0, test_newer);
  ADD ("/shelter/damaged/garbage", GARBAGE, test_damaged);
  ADD ("/shelter/damaged/cut", CUT, test_damaged);
  ADD ("/shelter/damaged/emptied", EMPTIED, test_damaged);
  ADD ("/shelter/damaged/emptied-with-sources", 0, test_emptied_with_sources);
  ADD ("/shelter/damaged/pages", PAGES, test_damaged);
  ADD ("/shelter/damaged/foreign", FOREIGN, test_damaged);
  ADD ("/shelter/cannot-open", 0, test_cannot_open);
  ADD ("/shelter/doubt", 0, test_doubt);
  ADD ("/shelter/trust", 0, test_trust);
  ADD ("/shelter/in-use", 0, test_in_use);
  ADD ("/shelter/back", 0, test_back);
  ADD ("/shelter/not-back", 0, test_not_back);
  for (guint i = 0; i <= 11; i++)
    {
      g_autofree char *aside = g_strdup_printf ("/shelter/killed/aside/%u", i);
      g_autofree char *back = g_strdup_printf ("/shelter/killed/back/%u", i);

      if (i <= 6)
        ADD (aside, i, test_killed_aside);
      ADD (back, i, test_killed_back);
    }
  return g_test_run ();
}
