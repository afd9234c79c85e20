/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The database as a survey sees it: from any thread, over a connection of its own that
 * only reads, so that the store's own is not held up.
 *
 * Nothing but SQLite may open the file: closing any descriptor of it would drop the locks
 * of the store's connection (fcntl(2)). */

#include "config.h"

#include "port/store-survey.h"

#include "port/store-private.h"

/* Complaints about a damaged database that anybody reads. */
#define PROBLEMS_MAX "20"

typedef enum
{
  QUERY_INTEGRITY,
  QUERY_FOREIGN_KEYS,
  QUERY_TASKS,
  QUERY_KEPT,
  QUERY_LAST_ID,
  N_QUERIES
} Query;

static const char *const statements[N_QUERIES] = {
  [QUERY_INTEGRITY] = "PRAGMA integrity_check (" PROBLEMS_MAX ")",
  [QUERY_FOREIGN_KEYS] = "SELECT \"table\", count (*) FROM pragma_foreign_key_check "
                         "GROUP BY 1 ORDER BY 1",
  [QUERY_TASKS] = "SELECT id, state, resumed_us, directory, directory_device, "
                  "directory_inode, part_name, intent_name IS NOT NULL, received, "
                  "error_name IS NULL, final_path IS NOT NULL, hold, space_needed, body "
                  "FROM task ORDER BY id",
  [QUERY_KEPT] = "SELECT task_id, directory, directory_device, directory_inode, "
                 "part_name, body FROM resumable ORDER BY task_id",
  [QUERY_LAST_ID] = "SELECT seq FROM sqlite_sequence WHERE name = 'task'",
};

static void
task_free (gpointer data)
{
  TrdSurveyTask *task = data;

  g_clear_pointer (&task->place, trd_place_free);
  g_clear_pointer (&task->body, trd_body_free);
  g_free (task);
}

void
trd_store_survey_clear (TrdStoreSurvey *self)
{
  g_clear_pointer (&self->problems, g_ptr_array_unref);
  g_clear_pointer (&self->tasks, g_ptr_array_unref);
  g_clear_pointer (&self->kept, g_ptr_array_unref);
}

static gboolean
check_integrity (TrdDb *db, GPtrArray *problems, GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (db, QUERY_INTEGRITY, error);
  gboolean has_row = query != NULL;

  while (has_row)
    {
      if (!trd_query_step (query, &has_row, error))
        return FALSE;
      if (has_row && !g_str_equal (trd_query_peek_text (query, 0), "ok"))
        g_ptr_array_add (problems, trd_query_get_text (query, 0));
    }
  return query != NULL;
}

static gboolean
check_foreign_keys (TrdDb *db, GPtrArray *problems, GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (db, QUERY_FOREIGN_KEYS, error);
  gboolean has_row = query != NULL;

  while (has_row)
    {
      if (!trd_query_step (query, &has_row, error))
        return FALSE;
      if (has_row)
        g_ptr_array_add (problems,
                         g_strdup_printf ("%" G_GINT64_FORMAT
                                          " rows of table %s belong to no session",
                                          trd_query_get_int (query, 1),
                                          trd_query_peek_text (query, 0)));
    }
  return query != NULL;
}

/* @column: of the directory, followed by device and inode. */
static TrdPlace *
read_place (TrdQuery *query, gint64 task_id, int column, int part_column)
{
  TrdPlace *place = trd_place_new (task_id);

  place->directory = trd_query_get_path (query, column);
  place->device = (guint64)trd_query_get_int (query, column + 1);
  place->inode = (guint64)trd_query_get_int (query, column + 2);
  place->part_name = trd_query_get_path (query, part_column);
  return place;
}

/* Files are compared with the disk, bytes are not. */
static void
read_body (TrdQuery *query, int column, TrdSurveyTask *task)
{
  g_autoptr (GVariant) variant = NULL;
  gboolean is_read = trd_query_get_dicts (query, column, &variant, NULL);

  if (variant != NULL)
    task->body = trd_body_from_variant (variant, NULL);
  task->has_unreadable_body = !is_read || (variant != NULL && task->body == NULL);
  for (guint i = task->body != NULL ? task->body->pieces->len : 0; i > 0; i--)
    {
      const TrdPiece *piece = g_ptr_array_index (task->body->pieces, i - 1);

      if (piece->bytes != NULL)
        g_ptr_array_remove_index (task->body->pieces, i - 1);
    }
}

static TrdSurveyTask *
read_task (TrdQuery *query)
{
  TrdSurveyTask *task = g_new0 (TrdSurveyTask, 1);

  task->place = read_place (query, trd_query_get_int (query, 0), 3, 6);
  task->state = (TrundleTaskState)trd_query_get_int (query, 1);
  task->resumed_us = trd_query_get_int (query, 2);
  task->has_intent = trd_query_get_int (query, 7) != 0;
  task->received = (guint64)trd_query_get_int (query, 8);
  task->succeeded = trd_query_get_int (query, 9) != 0;
  task->has_path = trd_query_get_int (query, 10) != 0;
  task->hold = (guint32)trd_query_get_int (query, 11);
  task->space_needed = (guint64)trd_query_get_int (query, 12);
  read_body (query, 13, task);
  return task;
}

static TrdSurveyTask *
read_kept (TrdQuery *query)
{
  TrdSurveyTask *task = g_new0 (TrdSurveyTask, 1);

  task->place = read_place (query, trd_query_get_int (query, 0), 1, 4);
  read_body (query, 5, task);
  return task;
}

static gboolean
read_all (TrdDb *db,
          Query statement,
          TrdSurveyTask *(*read) (TrdQuery *query),
          GPtrArray *rows,
          GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (db, statement, error);
  gboolean has_row = query != NULL;

  while (has_row)
    {
      if (!trd_query_step (query, &has_row, error))
        return FALSE;
      if (has_row)
        g_ptr_array_add (rows, read (query));
    }
  return query != NULL;
}

static gboolean
read_last_id (TrdDb *db, gint64 *out_id, GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (db, QUERY_LAST_ID, error);
  gboolean has_row;

  *out_id = 0;
  if (query == NULL || !trd_query_step (query, &has_row, error))
    return FALSE;
  if (has_row)
    *out_id = trd_query_get_int (query, 0);
  return TRUE;
}

gboolean
trd_store_survey (const char *path,
                  gboolean thorough,
                  TrdStoreSurvey *out_survey,
                  GError **error)
{
  g_auto (TrdStoreSurvey) survey = { 0 };
  g_autoptr (TrdDb) db = NULL;

  survey.problems = g_ptr_array_new_with_free_func (g_free);
  survey.tasks = g_ptr_array_new_with_free_func (task_free);
  survey.kept = g_ptr_array_new_with_free_func (task_free);
  db = trd_db_open_read_only (path, statements, N_QUERIES, error);
  if (db == NULL)
    return FALSE;
  if (thorough
      && (!check_integrity (db, survey.problems, error)
          || !check_foreign_keys (db, survey.problems, error)))
    return FALSE;
  if (!read_all (db, QUERY_TASKS, read_task, survey.tasks, error)
      || !read_all (db, QUERY_KEPT, read_kept, survey.kept, error)
      || !read_last_id (db, &survey.last_id, error))
    return FALSE;

  *out_survey = survey;
  survey = (TrdStoreSurvey){ 0 };
  return TRUE;
}
