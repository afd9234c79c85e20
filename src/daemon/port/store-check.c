/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looking at a database before it is used, or because it was put into doubt: is it ours,
 * can this version read it, and is it sound.  Nothing of it is changed. */

#include "config.h"

#include "port/store.h"

#include <glib/gstdio.h>

#include "port/store-private.h"

/* Reading all pages takes 2.3 ms a MiB (SQLite 3.40.1, warm): up to here it is done at
 * each start.  A larger database, of some thousand tasks, is only looked through when its
 * last user did not close it. */
#define QUICK_CHECK_BYTES (1024 * 1024)

enum
{
  FIND_TABLES,
  QUICK_CHECK,
  INTEGRITY_CHECK,
  GIVEN_NUMBERS,
  TOLD_NUMBERS,
  N_LOOKS
};

static const char *const looks[N_LOOKS] = {
  [FIND_TABLES] = "SELECT count (*), count (*) FILTER (WHERE name IN ('session', 'task', "
                  "'event', 'launch')) FROM sqlite_master WHERE type = 'table' "
                  "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
  [QUICK_CHECK] = "PRAGMA quick_check (1)",
  [INTEGRITY_CHECK] = "PRAGMA integrity_check (1)",
  [GIVEN_NUMBERS] = "SELECT (SELECT max (seq) FROM sqlite_sequence WHERE name = 'task'), "
                    "(SELECT max (seq) FROM sqlite_sequence WHERE name = 'session')",
  /* Should the list of given numbers be the damaged part. */
  [TOLD_NUMBERS] = "SELECT max (coalesce ((SELECT max (id) FROM task), 0), "
                   "coalesce ((SELECT max (task_id) FROM event), 0), "
                   "coalesce ((SELECT max (task_id) FROM history), 0)), "
                   "max (coalesce ((SELECT max (id) FROM session), 0), "
                   "coalesce ((SELECT max (session_id) FROM event), 0))",
};

/* The tables of step 1, which every version has. */
#define N_OWN_TABLES 4

static gboolean
check_owner (TrdDb *db, guint version, GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (db, FIND_TABLES, error);
  gboolean has_row;

  if (query == NULL || !trd_query_step (query, &has_row, error))
    return FALSE;
  if (trd_query_get_int (query, 1) == (version > 0 ? N_OWN_TABLES : 0)
      && (version > 0 || trd_query_get_int (query, 0) == 0))
    return TRUE;

  g_set_error_literal (error,
                       G_IO_ERROR,
                       G_IO_ERROR_INVALID_DATA,
                       "The database is not one of this service");
  return FALSE;
}

static gboolean
check_pages (TrdDb *db, guint look, GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (db, look, error);
  const char *finding;
  gboolean has_row;

  if (query == NULL || !trd_query_step (query, &has_row, error))
    return FALSE;
  finding = has_row ? trd_query_peek_text (query, 0) : NULL;
  if (g_strcmp0 (finding, "ok") == 0)
    return TRUE;

  g_set_error (error,
               G_IO_ERROR,
               G_IO_ERROR_INVALID_DATA,
               "The database is damaged: %s",
               finding != NULL ? finding : "it cannot be checked");
  return FALSE;
}

static gboolean
check_version (TrdDb *db, guint *out_version, GError **error)
{
  g_autoptr (GBytes) script = trd_store_load_script (error);
  guint newest;

  if (script == NULL || !trd_db_read_version (db, out_version, error))
    return FALSE;
  newest = trd_db_count_steps (g_bytes_get_data (script, NULL));
  if (*out_version <= newest)
    return TRUE;

  g_set_error (error,
               G_IO_ERROR,
               G_IO_ERROR_NOT_SUPPORTED,
               "The database has version %u, this program knows versions up to %u",
               *out_version,
               newest);
  return FALSE;
}

gboolean
trd_store_check (const char *path, gboolean whole, GError **error)
{
  g_autoptr (TrdDb) db = NULL;
  g_autofree char *log = NULL;
  GStatBuf facts;
  gboolean was_closed;
  guint version;

  g_return_val_if_fail (path != NULL, FALSE);

  if (g_stat (path, &facts) != 0 || facts.st_size == 0)
    return TRUE;
  log = g_strconcat (path, "-wal", NULL);
  was_closed = !g_file_test (log, G_FILE_TEST_EXISTS);

  db = trd_db_open_read_only (path, looks, N_LOOKS, error);
  if (db == NULL || !check_version (db, &version, error)
      || !check_owner (db, version, error))
    return FALSE;
  if (whole)
    return check_pages (db, INTEGRITY_CHECK, error);
  if (was_closed && facts.st_size > QUICK_CHECK_BYTES)
    return TRUE;
  return check_pages (db, QUICK_CHECK, error);
}

guint
trd_store_peek_version (const char *path)
{
  g_autoptr (TrdDb) db = trd_db_open_read_only (path, looks, N_LOOKS, NULL);
  guint version;

  return db != NULL && trd_db_read_version (db, &version, NULL) ? version : 0;
}

static gboolean
look_for_numbers (TrdDb *db, guint look, TrdNumbers *numbers, GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (db, look, error);
  gboolean has_row;

  if (query == NULL || !trd_query_step (query, &has_row, error))
    return FALSE;
  numbers->task = MAX (numbers->task, trd_query_get_int (query, 0));
  numbers->session = MAX (numbers->session, trd_query_get_int (query, 1));
  return TRUE;
}

gboolean
trd_store_peek_numbers (const char *path, TrdNumbers *out_numbers, GError **error)
{
  g_autoptr (TrdDb) db = trd_db_open_read_only (path, looks, N_LOOKS, error);
  TrdNumbers numbers = { 0 };

  if (db == NULL || !look_for_numbers (db, GIVEN_NUMBERS, &numbers, error))
    return FALSE;
  look_for_numbers (db, TOLD_NUMBERS, &numbers, NULL);
  *out_numbers = numbers;
  return TRUE;
}

static gboolean
raise_number (TrdDb *db, const char *table, gint64 number, GError **error)
{
  static const TrdStatement statements[] = { TRD_STATEMENT_RAISE_NUMBER,
                                             TRD_STATEMENT_ADD_NUMBER };

  for (guint i = 0; i < G_N_ELEMENTS (statements); i++)
    {
      g_autoptr (TrdQuery) query = trd_db_query (db, statements[i], error);

      if (query == NULL)
        return FALSE;
      trd_query_bind_text (query, 1, table);
      trd_query_bind_int (query, 2, number);
      if (!trd_query_run (query, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
trd_store_raise_numbers (TrdStore *self, const TrdNumbers *numbers, GError **error)
{
  g_auto (TrdDbScope) scope = { NULL };

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);

  return trd_db_scope_enter (&scope, self->db, error)
         && raise_number (self->db, "task", numbers->task, error)
         && raise_number (self->db, "session", numbers->session, error)
         && trd_db_scope_leave (&scope, error);
}

gboolean
trd_store_holds_nothing (TrdStore *self, gboolean *out_nothing, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;
  gboolean has_row;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_HOLDS_NOTHING, error);
  if (query == NULL || !trd_query_step (query, &has_row, error))
    return FALSE;
  *out_nothing = trd_query_get_int (query, 0) != 0;
  return TRUE;
}
