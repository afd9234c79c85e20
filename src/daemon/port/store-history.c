/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of tasks that are gone. */

#include "config.h"

#include "port/store-history.h"

#include "common/error.h"
#include "common/url.h"
#include "port/store-private.h"

/* So many may be too many until the next look. */
#define PRUNE_AFTER 100

void
trd_history_row_free (TrdHistoryRow *self)
{
  g_clear_pointer (&self->owner, trd_owner_unref);
  g_free (self->session);
  g_free (self->url);
  g_free (self->error_name);
  g_free (self->final_path);
  g_free (self->description);
  g_free (self);
}

void
trd_store_set_history_max (TrdStore *self, guint n_max)
{
  g_return_if_fail (TRD_IS_STORE (self));

  self->history_max = n_max;
}

/* ---- writing ---- */

static gboolean
delete_before (TrdDb *db, gint64 before_us, GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (db, TRD_STATEMENT_PRUNE_HISTORY, error);

  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, before_us);
  return trd_query_run (query, error);
}

/* When the last that may be kept has ended; 0 for as long as there are fewer. */
static gboolean
find_oldest_kept (TrdStore *self, gint64 *out_us, GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (
      self->db, TRD_STATEMENT_OLDEST_HISTORY, error);
  gboolean has_row;

  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, (gint64)self->history_max - 1);
  if (!trd_query_step (query, &has_row, error))
    return FALSE;
  *out_us = has_row ? trd_query_get_int (query, 0) : 0;
  return TRUE;
}

gboolean
trd_store_prune_history (TrdStore *self, gint64 before_us, GError **error)
{
  g_auto (TrdDbScope) scope = { NULL };
  gint64 oldest_us;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);

  if (!trd_db_scope_enter (&scope, self->db, error))
    return FALSE;
  if (self->history_max == 0)
    before_us = G_MAXINT64;
  else if (find_oldest_kept (self, &oldest_us, error))
    before_us = MAX (before_us, oldest_us);
  else
    return FALSE;
  if (!delete_before (self->db, before_us, error))
    return FALSE;
  self->n_noted = 0;
  return trd_db_scope_leave (&scope, error);
}

gboolean
trd_store_note_history (TrdStore *self, const TrdForgotten *task, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;
  g_autofree char *url = NULL;

  if (self->history_max == 0)
    return TRUE;

  query = trd_db_query (self->db, TRD_STATEMENT_NOTE_HISTORY, error);
  if (query == NULL)
    return FALSE;
  url = trundle_url_redact (task->url);
  trd_query_bind_int (query, 1, task->session_id);
  trd_query_bind_int (query, 2, task->id);
  trd_query_bind_int (query, 3, task->kind);
  trd_query_bind_int (query, 4, task->created_us);
  trd_query_bind_int (query, 5, task->finished_us);
  trd_query_bind_int (query, 6, (gint64)task->received);
  trd_query_bind_text (query, 7, url);
  trd_query_bind_text (query, 8, task->error_name);
  trd_query_bind_path (query, 9, task->final_path);
  trd_query_bind_text (query, 10, task->description);
  trd_query_bind_int (query, 11, (gint64)task->sent);
  if (!trd_query_run (query, error))
    return FALSE;

  self->n_noted++;
  return self->n_noted < PRUNE_AFTER || trd_store_prune_history (self, 0, error);
}

/* A task that had not ended is cancelled by what ends its session. */
static gboolean
note_next (TrdStore *self, TrdQuery *query, gint64 now_us, GError **error)
{
  gboolean ended = trd_query_get_int (query, 6) == TRUNDLE_TASK_FINISHED;
  g_autofree char *final_path = trd_query_get_path (query, 8);
  TrdForgotten task = {
    .id = trd_query_get_int (query, 0),
    .session_id = trd_query_get_int (query, 1),
    .kind = (TrundleKind)trd_query_get_int (query, 2),
    .created_us = trd_query_get_int (query, 3),
    .finished_us = ended ? trd_query_get_int (query, 4) : now_us,
    .received = (guint64)trd_query_get_int (query, 5),
    .url = trd_query_peek_text (query, 7),
    .error_name = ended ? trd_query_peek_text (query, 9)
                        : trundle_error_to_name (TRUNDLE_ERROR_CANCELLED),
    .final_path = final_path,
    .description = trd_query_peek_text (query, 10),
    .sent = (guint64)trd_query_get_int (query, 11),
  };

  return trd_store_note_history (self, &task, error);
}

gboolean
trd_store_note_session (TrdStore *self, gint64 session_id, gint64 now_us, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;
  gboolean has_row;

  if (self->history_max == 0)
    return TRUE;

  query = trd_db_query (self->db, TRD_STATEMENT_FORGET_SESSION, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, session_id);
  while (TRUE)
    {
      if (!trd_query_step (query, &has_row, error))
        return FALSE;
      if (!has_row)
        return TRUE;
      if (!note_next (self, query, now_us, error))
        return FALSE;
    }
}

static gboolean
attach (TrdDb *db, const char *path, GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (db, TRD_STATEMENT_ATTACH, error);

  if (query == NULL)
    return FALSE;
  trd_query_bind_text (query, 1, path);
  return trd_query_run (query, error);
}

gboolean
trd_store_absorb_history (TrdStore *self, const char *path, GError **error)
{
  gboolean absorbed;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);

  /* To attach a missing file would make it. */
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  if (!attach (self->db, path, error))
    return FALSE;
  absorbed = trd_db_exec (
      self->db, "INSERT OR IGNORE INTO history SELECT * FROM other.history", error);
  return trd_db_exec (self->db, "DETACH other", absorbed ? error : NULL) && absorbed;
}

/* ---- reading ---- */

static void
bind_filter (TrdQuery *query, const TrdHistoryFilter *filter)
{
  trd_query_bind_int (query, 1, filter->after);
  trd_query_bind_text (query, 2, filter->app_id);
}

static TrdHistoryRow *
read_row (TrdQuery *query)
{
  TrdHistoryRow *row = g_new0 (TrdHistoryRow, 1);

  row->task_id = trd_query_get_int (query, 0);
  row->owner = trd_owner_new (trd_query_peek_text (query, 1),
                              trd_query_peek_text (query, 2));
  row->session = trd_query_get_text (query, 3);
  row->kind = (TrundleKind)trd_query_get_int (query, 4);
  row->created_us = trd_query_get_int (query, 5);
  row->finished_us = trd_query_get_int (query, 6);
  row->received = (guint64)trd_query_get_int (query, 7);
  row->url = trd_query_get_text (query, 8);
  row->error_name = trd_query_get_text (query, 9);
  row->final_path = trd_query_get_path (query, 10);
  row->description = trd_query_get_text (query, 11);
  row->sent = (guint64)trd_query_get_int (query, 12);
  return row;
}

GPtrArray *
trd_store_list_history (TrdStore *self, const TrdHistoryFilter *filter, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;
  g_autoptr (GPtrArray) rows = NULL;
  gboolean has_row = TRUE;

  g_return_val_if_fail (TRD_IS_STORE (self), NULL);
  g_return_val_if_fail (filter != NULL, NULL);

  query = trd_db_query (self->db, TRD_STATEMENT_LIST_HISTORY, error);
  if (query == NULL)
    return NULL;
  bind_filter (query, filter);
  trd_query_bind_int (query, 3, filter->limit > 0 ? (gint64)filter->limit : -1);

  rows = g_ptr_array_new_with_free_func ((GDestroyNotify)trd_history_row_free);
  while (TRUE)
    {
      if (!trd_query_step (query, &has_row, error))
        return NULL;
      if (!has_row)
        return g_steal_pointer (&rows);
      g_ptr_array_add (rows, read_row (query));
    }
}

gboolean
trd_store_clear_history (TrdStore *self, const TrdHistoryFilter *filter, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);
  g_return_val_if_fail (filter != NULL, FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_CLEAR_HISTORY, error);
  if (query == NULL)
    return FALSE;
  bind_filter (query, filter);
  return trd_store_run (self->db, query, error);
}
