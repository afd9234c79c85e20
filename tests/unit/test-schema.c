/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Databases of every schema there ever was, brought to today's: nothing of a row is lost,
 * no number is given out twice, and what fails on the way changes nothing.  The databases
 * are tests/data/schema-VERSION*.sql. */

#include "config.h"

#include "port/store.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mount.h>

#include "port/db.h"

/* The numbers that every one of them has given out last. */
#define LAST_SESSION 17
#define LAST_TASK 42

typedef struct
{
  char *directory; /* (owned) */
  char *path;      /* (owned): brought to today's schema */
  char *old;       /* (owned): left as it was */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->directory = g_dir_make_tmp ("trundle-schema-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->directory, "trundle.db", NULL);
  fixture->old = g_build_filename (fixture->directory, "old.db", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GDir) dir = g_dir_open (fixture->directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (fixture->directory, name, NULL);

      g_assert_cmpint (g_unlink (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (fixture->directory), ==, 0);
  g_free (fixture->old);
  g_free (fixture->path);
  g_free (fixture->directory);
}

/* Asking */

static void
execute (TrdDb *db, const char *sql)
{
  g_autoptr (GError) error = NULL;

  trd_db_exec (db, sql, &error);
  g_assert_no_error (error);
}

/* The first column of all rows, by lines; "old" is @attached, or empty.  (transfer full)
 */
static char *
ask (const char *path, const char *attached, const char *sql)
{
  g_autofree char *attach = g_strdup_printf ("ATTACH '%s' AS old",
                                             attached != NULL ? attached : ":memory:");
  g_autoptr (TrdDb) db = trd_db_open_read_only (path, &sql, 1, NULL);
  g_autoptr (TrdQuery) query = NULL;
  g_autoptr (GError) error = NULL;
  GString *text = g_string_new (NULL);
  gboolean has_row = TRUE;

  g_assert_nonnull (db);
  execute (db, attach);
  query = trd_db_query (db, 0, &error);
  g_assert_no_error (error);
  while (has_row)
    {
      g_assert_true (trd_query_step (query, &has_row, &error));
      if (has_row)
        g_string_append_printf (text, "%s\n", trd_query_peek_text (query, 0));
    }
  trd_query_done (g_steal_pointer (&query));
  return g_string_free (text, FALSE);
}

static void
load (const char *path, const char *name, const char *then)
{
  g_autofree char *file = g_build_filename (TEST_DATA_DIR, name, NULL);
  g_autofree char *sql = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (TrdDb) db = trd_db_open (path, "-- no step", NULL, 0, &error);

  g_assert_no_error (error);
  g_file_get_contents (file, &sql, NULL, &error);
  g_assert_no_error (error);
  execute (db, "PRAGMA foreign_keys = OFF");
  execute (db, "BEGIN");
  execute (db, sql);
  execute (db, then);
  execute (db, "COMMIT");
}

static TrdStore *
migrate (const char *path)
{
  g_autoptr (GError) error = NULL;
  TrdStore *store = trd_store_new (path, &error);

  g_assert_no_error (error);
  return store;
}

/* What is told of each table: as many rows, and none that differs in what it had. */

static void
check_table (Fixture *fixture, const char *table)
{
  g_autofree char *name_columns = g_strdup_printf (
      "SELECT group_concat ('\"' || name || '\"') FROM pragma_table_info ('%s', 'old')",
      table);
  g_autofree char *columns = ask (fixture->path, fixture->old, name_columns);
  g_autofree char *differ = g_strdup_printf (
      "SELECT count (*) FROM (SELECT %s FROM old.%s EXCEPT SELECT %s FROM main.%s)",
      g_strchomp (columns),
      table,
      columns,
      table);
  g_autofree char *count = g_strdup_printf (
      "SELECT (SELECT count (*) FROM old.%s) = (SELECT count (*) FROM main.%s) "
      "AND EXISTS (SELECT 1 FROM old.%s)",
      table,
      table,
      table);
  g_autofree char *n_differ = NULL;
  g_autofree char *same_count = NULL;

  g_test_message ("%s: %s", table, columns);
  g_assert_cmpstr (columns, !=, "");
  n_differ = ask (fixture->path, fixture->old, differ);
  same_count = ask (fixture->path, fixture->old, count);
  g_assert_cmpstr (n_differ, ==, "0\n");
  g_assert_cmpstr (same_count, ==, "1\n");
}

static void
test_rows (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TrdStore) store = NULL;
  g_autofree char *tables = NULL;
  g_auto (GStrv) names = NULL;

  load (fixture->old, data, "");
  load (fixture->path, data, "");
  store = migrate (fixture->path);
  g_clear_object (&store);

  tables = ask (fixture->path,
                fixture->old,
                "SELECT name FROM old.sqlite_master WHERE type = 'table'");
  names = g_strsplit (g_strchomp (tables), "\n", -1);
  g_assert_cmpuint (g_strv_length (names), >=, 5);
  for (guint i = 0; names[i] != NULL; i++)
    check_table (fixture, names[i]);
}

/* Read by the store as it reads its own. */
static void
test_read (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TrdStore) store = NULL;
  g_autoptr (GPtrArray) sessions = NULL;
  g_autoptr (TrdTaskRow) row = NULL;
  g_autoptr (GPtrArray) events = NULL;
  g_autoptr (GError) error = NULL;
  gboolean has_synced = !g_str_equal (data, "schema-1-without-synced.sql");

  load (fixture->path, data, "");
  store = migrate (fixture->path);
  sessions = trd_store_load_sessions (store, &error);
  g_assert_cmpuint (sessions->len, ==, 3);
  events = trd_store_list_events (store, 3, 0, 0, &error);
  g_assert_cmpuint (events->len, ==, 2);

  row = trd_store_load_task (store, 20, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (row->synced, ==, has_synced ? 4096 : 0);
  g_assert_cmpint (row->not_before.wall_us, ==, 1700000000000100);
  g_assert_cmpstr (row->place->directory, ==, "/tmp/\xff\xfe");
  g_assert_cmpint ((gint64)row->place->inode, ==, -4);
  g_assert_cmpuint (g_bytes_get_size (row->user_data), ==, 256);
  g_assert_false (row->durable);
  g_assert_true (g_variant_lookup (row->response, "etag", "&s", NULL));
}

/* Numbers of what is gone are not given out again. */
static void
test_numbers (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TrdStore) store = NULL;
  g_autoptr (TrdSessionRow) session = g_new0 (TrdSessionRow, 1);
  g_autoptr (TrdTaskRow) task = g_new0 (TrdTaskRow, 1);
  g_autoptr (GError) error = NULL;

  load (fixture->path, data, "");
  store = migrate (fixture->path);

  session->owner = trd_owner_new ("host", "org.example.New");
  session->identifier = g_strdup ("new");
  session->configuration = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
  trd_store_insert_session (store, session, &error);
  g_assert_no_error (error);
  g_assert_cmpint (session->id, ==, LAST_SESSION + 1);

  task->session_id = 3;
  task->uuid = g_uuid_string_random ();
  task->url = g_strdup ("https://example.org/");
  task->options = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
  task->place = trd_place_new (0);
  trd_store_insert_task (store, task, &error);
  g_assert_no_error (error);
  g_assert_cmpint (task->id, ==, LAST_TASK + 1);
  g_assert_cmpuint (task->number, ==, 8);
}

/* Whichever way it came, it is the schema of a database made today. */
static void
test_same_schema (Fixture *fixture, gconstpointer data)
{
  static const char everything[]
      = "SELECT type || ' ' || name || ' ' || coalesce (sql, '') FROM sqlite_master "
        "ORDER BY type, name";
  g_autoptr (TrdStore) migrated = NULL;
  g_autoptr (TrdStore) fresh = NULL;
  g_autofree char *came = NULL;
  g_autofree char *made = NULL;

  load (fixture->path, data, "");
  migrated = migrate (fixture->path);
  g_clear_object (&migrated);
  fresh = migrate (fixture->old);
  g_clear_object (&fresh);

  came = ask (fixture->path, NULL, everything);
  made = ask (fixture->old, NULL, everything);
  g_assert_cmpstr (came, ==, made);
}

/* What fails on the way */

/* A small disk of its own, as large as @size says; FALSE where nothing can be mounted. */
static gboolean
mount_small (const char *where, const char *size, unsigned long flags)
{
  g_autofree char *options = g_strdup_printf ("size=%s", size);
  g_autofree char *reason = NULL;

  if (mount ("none", where, "tmpfs", flags, options) == 0)
    return TRUE;

  reason = g_strdup_printf ("Cannot mount: %s", g_strerror (errno));
  g_test_skip (reason);
  return FALSE;
}

/* Fault (store): a full disk in the middle of a migration | Proves: the database is as
 * before */
static void
test_full_disk (Fixture *fixture, gconstpointer data)
{
  g_autofree char *small = g_build_filename (fixture->directory, "small", NULL);
  g_autofree char *path = g_build_filename (small, "trundle.db", NULL);
  g_autofree char *rows = NULL;
  g_autoptr (TrdStore) store = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir (small, 0700), ==, 0);
  if (!mount_small (small, "3m", 0))
    {
      g_rmdir (small);
      return;
    }
  load (path, "schema-1.sql", "UPDATE task SET user_data = zeroblob (200000)");

  g_assert_null (trd_store_new (path, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  rows = ask (path,
              NULL,
              "SELECT user_version || ' ' || (SELECT count (*) FROM task) || ' ' || "
              "(SELECT count (*) FROM sqlite_master WHERE name IN ('task_next', "
              "'history')) FROM pragma_user_version");
  g_assert_cmpstr (rows, ==, "1 7 0\n");

  g_assert_true (mount_small (small, "16m", MS_REMOUNT));
  store = migrate (path);
  g_clear_object (&store);
  g_assert_cmpint (umount (small), ==, 0);
  g_assert_cmpint (g_rmdir (small), ==, 0);
}

/* The list */

static GPtrArray *
list_fixtures (void)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (TEST_DATA_DIR, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (name, "schema-") && g_str_has_suffix (name, ".sql"))
      g_ptr_array_add (names, g_strdup (name));
  return names;
}

/* The version of a database made today is the last that needs one of these. */
static void
test_complete (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TrdStore) store = migrate (fixture->path);
  g_autofree char *version = NULL;
  guint n_steps;

  g_clear_object (&store);
  version = ask (fixture->path, NULL, "SELECT user_version FROM pragma_user_version");
  n_steps = (guint)g_ascii_strtoull (version, NULL, 10);
  g_assert_cmpuint (n_steps, >=, 2);
  for (guint i = 1; i <= n_steps; i++)
    {
      g_autofree char *file = g_strdup_printf (TEST_DATA_DIR "/schema-%u.sql", i);

      if (!g_file_test (file, G_FILE_TEST_EXISTS))
        g_error ("Step %u of the schema needs a database in %s", i, file);
    }
}

static void
add (const char *what, const char *name, void (*func) (Fixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/schema/", what, name, NULL);

  g_test_add (path, Fixture, name, set_up, func, tear_down);
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray) names = list_fixtures ();

  g_test_init (&argc, &argv, NULL);

  add ("complete", "", test_complete);
  add ("full-disk", "", test_full_disk);
  for (guint i = 0; i < names->len; i++)
    {
      const char *name = g_ptr_array_index (names, i);

      add ("rows/", name, test_rows);
      add ("read/", name, test_read);
      add ("numbers/", name, test_numbers);
      add ("same-schema/", name, test_same_schema);
    }
  return g_test_run ();
}
