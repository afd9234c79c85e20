/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The way from one schema to the next: forward, whole or not at all; and what becomes of
 * a file that is newer, foreign or broken. */

#include "config.h"

#include "port/db.h"
#include "port/store.h"

#include <glib/gstdio.h>
#include <string.h>

#define STEP_1 "-- head\n\n-- step 1: the first\nCREATE TABLE a (x BLOB);\n"
#define STEP_2 STEP_1 "-- step 2: more\nALTER TABLE a ADD COLUMN y INTEGER DEFAULT 7;\n"
#define STEP_3 STEP_2 "-- step 3: more\nCREATE TABLE b (x);\nDROP TABLE a;\n"
#define BROKEN_3 STEP_2 "-- step 3: broken\nDELETE FROM a;\nDROP TABLE missing;\n"

enum
{
  VERSION,
  COUNT,
  SUM_Y,
  FIRST,
};

static const char *const statements[] = {
  [VERSION] = "PRAGMA user_version",
  [COUNT] = "SELECT count (*) FROM a",
  [SUM_Y] = "SELECT sum (y) FROM a",
  [FIRST] = "SELECT x FROM a",
};

typedef struct
{
  char *directory;
  char *path;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->directory = g_dir_make_tmp ("trundle-db-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->directory, "trundle.db", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  static const char *const suffixes[] = { "", "-wal", "-shm" };

  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *path = g_strconcat (fixture->path, suffixes[i], NULL);

      g_unlink (path);
    }
  g_assert_cmpint (g_rmdir (fixture->directory), ==, 0);
  g_free (fixture->path);
  g_free (fixture->directory);
}

static TrdDb *
open_with (Fixture *fixture, const char *script, GError **error)
{
  return trd_db_open (
      fixture->path, script, statements, G_N_ELEMENTS (statements), error);
}

static gint64
ask (TrdDb *db, guint statement)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TrdQuery) query = trd_db_query (db, statement, &error);
  gboolean has_row;

  g_assert_no_error (error);
  g_assert_true (trd_query_step (query, &has_row, &error));
  return trd_query_get_int (query, 0);
}

static void
make_first (Fixture *fixture, const char *sql)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TrdDb) db = open_with (fixture, STEP_1, &error);

  g_assert_no_error (error);
  g_assert_cmpint (ask (db, VERSION), ==, 1);
  g_assert_true (trd_db_exec (db, sql, &error));
}

static void
test_steps (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TrdDb) db = NULL;
  g_autoptr (GError) error = NULL;

  make_first (fixture, "INSERT INTO a VALUES (1), (2)");
  db = open_with (fixture, STEP_2, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ask (db, VERSION), ==, 2);
  g_assert_cmpint (ask (db, SUM_Y), ==, 14);
  g_clear_pointer (&db, trd_db_free);

  /* Nothing to do the second time. */
  db = open_with (fixture, STEP_2, &error);
  g_assert_no_error (error);
  g_clear_pointer (&db, trd_db_free);

  db = open_with (fixture, STEP_3, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ask (db, VERSION), ==, 3);
}

/* Fault (store): a step of the schema fails in its middle | Proves: the database is as
 * before */
static void
test_broken_step (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TrdDb) db = NULL;
  g_autoptr (GError) error = NULL;

  make_first (fixture, "INSERT INTO a VALUES (1), (2)");
  g_assert_null (open_with (fixture, BROKEN_3, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_clear_error (&error);

  db = open_with (fixture, STEP_1, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ask (db, VERSION), ==, 1);
  g_assert_cmpint (ask (db, COUNT), ==, 2);
}

/* Fault (store): a database of a newer program | Proves: not touched */
static void
test_newer (Fixture *fixture, gconstpointer data)
{
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  gsize length_before, length_after;
  g_autoptr (GError) error = NULL;

  make_first (fixture, "PRAGMA user_version = 9000");
  g_file_get_contents (fixture->path, &before, &length_before, NULL);
  g_assert_null (trd_store_new (fixture->path, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_file_get_contents (fixture->path, &after, &length_after, NULL);
  g_assert_cmpmem (before, length_before, after, length_after);
}

/* Fault (store): a file that is no database | Proves: an error that says so */
static void
test_not_a_database (Fixture *fixture, gconstpointer data)
{
  g_autofree char *text = g_strnfill (8192, 'x');
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (fixture->path, text, -1, NULL));
  g_assert_null (trd_store_new (fixture->path, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_false (trd_store_peek_has_work (fixture->path));
}

/* Fault (store): a damaged database | Proves: an error that says so */
static void
test_damaged (Fixture *fixture, gconstpointer data)
{
  g_autofree char *contents = NULL;
  gsize length;
  g_autoptr (TrdStore) store = NULL;
  g_autoptr (GPtrArray) rows = NULL;
  g_autoptr (GError) error = NULL;

  store = trd_store_new (fixture->path, &error);
  g_assert_no_error (error);
  g_clear_object (&store);

  /* The header stays; every page behind the first is noise. */
  g_file_get_contents (fixture->path, &contents, &length, NULL);
  g_assert_cmpuint (length, >, 4096);
  memset (contents + 4096, 0x5a, length - 4096);
  g_assert_true (g_file_set_contents (fixture->path, contents, length, NULL));

  store = trd_store_new (fixture->path, &error);
  if (store != NULL)
    rows = trd_store_load_sessions (store, &error);
  g_assert_null (rows);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
}

static void
test_cannot_open (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (trd_store_new ("/nonexistent/trundle.db", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

/* A blob that is no a{sv} in normal form is an error and not a crash. */
static void
test_bad_variant (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TrdDb) db = NULL;
  g_autoptr (TrdQuery) query = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;
  gboolean has_row;

  make_first (fixture, "INSERT INTO a VALUES (x'ff00ff00ff'), (x''), (NULL)");
  db = open_with (fixture, STEP_1, &error);
  query = trd_db_query (db, FIRST, &error);
  g_assert_true (trd_query_step (query, &has_row, &error));
  g_assert_false (trd_query_get_variant (query, 0, &value, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_clear_error (&error);

  g_assert_true (trd_query_step (query, &has_row, &error));
  g_assert_true (trd_query_get_variant (query, 0, &value, &error));
  g_assert_cmpuint (g_variant_n_children (value), ==, 0);
  g_clear_pointer (&value, g_variant_unref);
  g_assert_true (trd_query_step (query, &has_row, &error));
  g_assert_true (trd_query_get_variant (query, 0, &value, &error));
  g_assert_null (value);
  trd_query_done (g_steal_pointer (&query));
}

static void
test_read_only (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TrdDb) db = NULL;
  g_autoptr (GError) error = NULL;

  make_first (fixture, "INSERT INTO a VALUES (1)");
  db = trd_db_open_read_only (
      fixture->path, statements, G_N_ELEMENTS (statements), &error);
  g_assert_no_error (error);
  g_assert_cmpint (ask (db, COUNT), ==, 1);
  g_assert_false (trd_db_exec (db, "DELETE FROM a", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_READ_ONLY);
}

/* Killed at its first start, before there was a log: what a journal holds is put back. */
static void
test_journal (Fixture *fixture, gconstpointer data)
{
  g_autofree char *journal = g_strconcat (fixture->path, "-journal", NULL);
  g_autofree char *kept = NULL;
  g_autofree char *half = NULL;
  gsize kept_length, half_length;
  g_autoptr (TrdDb) db = NULL;
  g_autoptr (GError) error = NULL;

  db = open_with (fixture, "-- none", &error);
  g_assert_no_error (error);
  g_assert_true (trd_db_exec (db,
                              "PRAGMA journal_mode = DELETE; CREATE TABLE a (x);"
                              "INSERT INTO a VALUES (1), (2);"
                              "PRAGMA cache_spill = 1; PRAGMA cache_size = 1; BEGIN;"
                              "INSERT INTO a SELECT zeroblob (9000) FROM a, a AS b;",
                              &error));
  g_assert_true (g_file_get_contents (journal, &kept, &kept_length, NULL));
  g_assert_true (g_file_get_contents (fixture->path, &half, &half_length, NULL));
  g_assert_true (trd_db_exec (db, "ROLLBACK", &error));
  g_clear_pointer (&db, trd_db_free);
  g_assert_true (g_file_set_contents (fixture->path, half, half_length, NULL));
  g_assert_true (g_file_set_contents (journal, kept, kept_length, NULL));

  db = trd_db_open_read_only (
      fixture->path, statements, G_N_ELEMENTS (statements), &error);
  g_assert_no_error (error);
  g_assert_cmpint (ask (db, COUNT), ==, 2);
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/migrations/steps", test_steps);
  ADD ("/migrations/broken-step", test_broken_step);
  ADD ("/migrations/newer", test_newer);
  ADD ("/migrations/not-a-database", test_not_a_database);
  ADD ("/migrations/damaged", test_damaged);
  ADD ("/migrations/cannot-open", test_cannot_open);
  ADD ("/migrations/bad-variant", test_bad_variant);
  ADD ("/migrations/read-only", test_read_only);
  ADD ("/migrations/journal", test_journal);
  return g_test_run ();
}
