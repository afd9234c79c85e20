/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of tasks.  The functions that bind and read go through the columns in the
 * order of store-statements.c. */

#include "config.h"

#include "common/error.h"
#include "port/store-history.h"
#include "port/store-private.h"

/* The numbers in the rows. */
G_STATIC_ASSERT (TRUNDLE_KIND_DOWNLOAD == 0 && TRUNDLE_KIND_UPLOAD == 1);
G_STATIC_ASSERT (TRUNDLE_TASK_SUSPENDED == 0 && TRUNDLE_TASK_QUEUED == 1);
G_STATIC_ASSERT (TRUNDLE_TASK_CHALLENGED == 3 && TRUNDLE_TASK_FINISHED == 4);
G_STATIC_ASSERT (TRUNDLE_SESSION_ACTIVE == 0 && TRUNDLE_SESSION_FINISHING == 1);
G_STATIC_ASSERT (TRUNDLE_SESSION_RETIRED == 2 && TRUNDLE_EVENT_TASK_FINISHED == 0);
G_STATIC_ASSERT (TRD_DELAYED_NO == 0 && TRD_DELAYED_ASKED == 2);
G_STATIC_ASSERT (TRUNDLE_IF_EXISTS_FAIL == 0 && TRUNDLE_IF_EXISTS_RENAME == 2);

/* Binding: @index is the last parameter bound. */

static void
bind_identity (TrdQuery *query, int *index, const TrdTaskRow *row)
{
  static const TrdPlace spool = { 0 };
  const TrdPlace *place = row->place != NULL ? row->place : &spool;

  trd_query_bind_int (query, ++*index, row->session_id);
  trd_query_bind_int (query, ++*index, (gint64)row->number);
  trd_query_bind_text (query, ++*index, row->uuid);
  trd_query_bind_int (query, ++*index, row->kind);
  trd_query_bind_path (query, ++*index, place->directory);
  trd_query_bind_int (query, ++*index, (gint64)place->device);
  trd_query_bind_int (query, ++*index, (gint64)place->inode);
  trd_query_bind_path (query, ++*index, place->name);
  trd_query_bind_int (query, ++*index, place->if_exists);
  trd_query_bind_text (query, ++*index, row->dedup_key);
  trd_query_bind_int (query, ++*index, row->created_us);
  trd_query_bind_variant (query, ++*index, row->body);
  trd_query_bind_int (query, ++*index, (gint64)row->body_size);
}

static void
bind_moment (TrdQuery *query, int *index, TrdMoment moment)
{
  trd_query_bind_int (query, ++*index, moment.wall_us);
  trd_query_bind_int (query, ++*index, moment.boot_us);
}

static void
bind_standing (TrdQuery *query, int *index, const TrdTaskRow *row)
{
  trd_query_bind_path (
      query, ++*index, row->place != NULL ? row->place->part_name : NULL);
  trd_query_bind_text (query, ++*index, row->url);
  trd_query_bind_variant (query, ++*index, row->options);
  trd_query_bind_int (query, ++*index, row->durable);
  trd_query_bind_int (query, ++*index, row->earliest_begin_us);
  trd_query_bind_double (query, ++*index, row->priority);
  trd_query_bind_text (query, ++*index, row->description);
  trd_query_bind_bytes (query, ++*index, row->user_data);
  trd_query_bind_text (query, ++*index, row->group);
  trd_query_bind_int (query, ++*index, row->state);
  trd_query_bind_int (query, ++*index, row->hold);
  bind_moment (query, index, row->not_before);
  bind_moment (query, index, row->deadline);
  trd_query_bind_int (query, ++*index, row->failures);
  trd_query_bind_int (query, ++*index, row->streak);
  trd_query_bind_int (query, ++*index, row->delayed);
  trd_query_bind_int (query, ++*index, row->mirror);
  trd_query_bind_int (query, ++*index, (gint64)row->space_needed);
  trd_query_bind_int (query, ++*index, row->attempts);
  trd_query_bind_int (query, ++*index, row->suspicion);
  trd_query_bind_int (query, ++*index, row->resumed_us);
  trd_query_bind_int (query, ++*index, row->sent);
  trd_query_bind_text (query, ++*index, row->secrets_id);
  trd_query_bind_int (query, ++*index, row->challenge_id);
}

static void
bind_result (TrdQuery *query, int *index, const TrdTaskRow *row)
{
  trd_query_bind_path (query, ++*index, row->intent.final_name);
  trd_query_bind_int (query, ++*index, (gint64)row->intent.device);
  trd_query_bind_int (query, ++*index, (gint64)row->intent.inode);
  trd_query_bind_int (query, ++*index, (gint64)row->intent.size);
  trd_query_bind_int (query, ++*index, (gint64)row->received);
  trd_query_bind_int (query, ++*index, (gint64)row->synced);
  trd_query_bind_int (query, ++*index, row->untrusted);
  trd_query_bind_text (query, ++*index, row->current_url);
  trd_query_bind_variant (query, ++*index, row->response);
  trd_query_bind_text (query, ++*index, row->error_name);
  trd_query_bind_variant (query, ++*index, row->error_details);
  trd_query_bind_text (query, ++*index, row->transient_name);
  trd_query_bind_variant (query, ++*index, row->transient_details);
  trd_query_bind_bytes (query, ++*index, row->error_body);
  trd_query_bind_text (query, ++*index, row->proof);
  trd_query_bind_variant (query, ++*index, row->digest_state);
  trd_query_bind_variant (query, ++*index, row->integrity);
  trd_query_bind_variant (query, ++*index, row->metrics);
  trd_query_bind_int (query, ++*index, (gint64)row->body_sent);
  trd_query_bind_int (query, ++*index, (gint64)row->body_confirmed);
  trd_query_bind_variant (query, ++*index, row->upload);
  trd_query_bind_path (query, ++*index, row->final_path);
  trd_query_bind_int (query, ++*index, row->file_moved);
  trd_query_bind_int (query, ++*index, row->finished_us);
}

/* Reading: @column is the next column. */

static gboolean
read_identity (TrdQuery *query, int *column, TrdTaskRow *row, GError **error)
{
  row->id = trd_query_get_int (query, (*column)++);
  row->place = trd_place_new (row->id);
  row->session_id = trd_query_get_int (query, (*column)++);
  row->number = (guint64)trd_query_get_int (query, (*column)++);
  row->uuid = trd_query_get_text (query, (*column)++);
  row->kind = (TrundleKind)trd_query_get_int (query, (*column)++);
  row->place->directory = trd_query_get_path (query, (*column)++);
  row->place->device = (guint64)trd_query_get_int (query, (*column)++);
  row->place->inode = (guint64)trd_query_get_int (query, (*column)++);
  row->place->name = trd_query_get_path (query, (*column)++);
  row->place->if_exists = (TrundleIfExists)trd_query_get_int (query, (*column)++);
  row->dedup_key = trd_query_get_text (query, (*column)++);
  row->created_us = trd_query_get_int (query, (*column)++);
  if (!trd_query_get_dicts (query, (*column)++, &row->body, error))
    return FALSE;
  row->body_size = (guint64)trd_query_get_int (query, (*column)++);
  return TRUE;
}

static TrdMoment
read_moment (TrdQuery *query, int *column)
{
  TrdMoment moment = { 0 };

  moment.wall_us = trd_query_get_int (query, (*column)++);
  moment.boot_us = trd_query_get_int (query, (*column)++);
  return moment;
}

static gboolean
read_standing (TrdQuery *query, int *column, TrdTaskRow *row, GError **error)
{
  row->place->part_name = trd_query_get_path (query, (*column)++);
  row->url = trd_query_get_text (query, (*column)++);
  if (!trd_query_get_variant (query, (*column)++, &row->options, error))
    return FALSE;
  row->durable = trd_query_get_int (query, (*column)++) != 0;
  row->earliest_begin_us = trd_query_get_int (query, (*column)++);
  row->priority = trd_query_get_double (query, (*column)++);
  row->description = trd_query_get_text (query, (*column)++);
  row->user_data = trd_query_get_bytes (query, (*column)++);
  row->group = trd_query_get_text (query, (*column)++);
  row->state = (TrundleTaskState)trd_query_get_int (query, (*column)++);
  row->hold = (guint32)trd_query_get_int (query, (*column)++);
  row->not_before = read_moment (query, column);
  row->deadline = read_moment (query, column);
  row->failures = (guint)trd_query_get_int (query, (*column)++);
  row->streak = (guint)trd_query_get_int (query, (*column)++);
  row->delayed = (TrdDelayed)trd_query_get_int (query, (*column)++);
  row->mirror = (guint)trd_query_get_int (query, (*column)++);
  row->space_needed = (guint64)trd_query_get_int (query, (*column)++);
  row->attempts = (guint)trd_query_get_int (query, (*column)++);
  row->suspicion = (guint)trd_query_get_int (query, (*column)++);
  row->resumed_us = trd_query_get_int (query, (*column)++);
  row->sent = trd_query_get_int (query, (*column)++) != 0;
  row->secrets_id = trd_query_get_text (query, (*column)++);
  row->challenge_id = trd_query_get_int (query, (*column)++);
  return TRUE;
}

static gboolean
read_result (TrdQuery *query, int *column, TrdTaskRow *row, GError **error)
{
  row->intent.final_name = trd_query_get_path (query, (*column)++);
  row->intent.device = (guint64)trd_query_get_int (query, (*column)++);
  row->intent.inode = (guint64)trd_query_get_int (query, (*column)++);
  row->intent.size = (guint64)trd_query_get_int (query, (*column)++);
  row->received = (guint64)trd_query_get_int (query, (*column)++);
  row->synced = (guint64)trd_query_get_int (query, (*column)++);
  row->untrusted = trd_query_get_int (query, (*column)++) != 0;
  row->current_url = trd_query_get_text (query, (*column)++);
  if (!trd_query_get_variant (query, (*column)++, &row->response, error))
    return FALSE;
  row->error_name = trd_query_get_text (query, (*column)++);
  if (!trd_query_get_variant (query, (*column)++, &row->error_details, error))
    return FALSE;
  row->transient_name = trd_query_get_text (query, (*column)++);
  if (!trd_query_get_variant (query, (*column)++, &row->transient_details, error))
    return FALSE;
  row->error_body = trd_query_get_bytes (query, (*column)++);
  row->proof = trd_query_get_text (query, (*column)++);
  if (!trd_query_get_variant (query, (*column)++, &row->digest_state, error))
    return FALSE;
  if (!trd_query_get_variant (query, (*column)++, &row->integrity, error))
    return FALSE;
  if (!trd_query_get_variant (query, (*column)++, &row->metrics, error))
    return FALSE;
  row->body_sent = (guint64)trd_query_get_int (query, (*column)++);
  row->body_confirmed = (guint64)trd_query_get_int (query, (*column)++);
  if (!trd_query_get_variant (query, (*column)++, &row->upload, error))
    return FALSE;
  row->final_path = trd_query_get_path (query, (*column)++);
  row->file_moved = trd_query_get_int (query, (*column)++) != 0;
  row->finished_us = trd_query_get_int (query, (*column)++);
  return TRUE;
}

/* The row @query stands on, of TRD_STATEMENT_LOAD_TASK and its like. */
static TrdTaskRow *
read_task (TrdQuery *query, GError **error)
{
  g_autoptr (TrdTaskRow) row = g_new0 (TrdTaskRow, 1);
  int column = 0;

  if (!read_identity (query, &column, row, error)
      || !read_standing (query, &column, row, error)
      || !read_result (query, &column, row, error))
    return NULL;
  return g_steal_pointer (&row);
}

/* The verbs */

static gboolean
insert_numbered (TrdDb *db, TrdTaskRow *row, gint64 *out_id, GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (db, TRD_STATEMENT_INSERT_TASK, error);
  int index = 0;

  if (query == NULL)
    return FALSE;

  bind_identity (query, &index, row);
  bind_standing (query, &index, row);
  bind_result (query, &index, row);
  if (!trd_query_run (query, error))
    return FALSE;
  *out_id = trd_db_get_last_id (db);
  return TRUE;
}

gboolean
trd_store_insert_task (TrdStore *self, TrdTaskRow *row, GError **error)
{
  g_auto (TrdDbScope) scope = { NULL };
  guint64 number_before;
  gint64 id;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);
  g_return_val_if_fail (row != NULL, FALSE);

  number_before = row->number;
  if (!trd_db_scope_enter (&scope, self->db, error)
      || !trd_store_count_up (self->db,
                              TRD_STATEMENT_NEXT_NUMBER,
                              TRD_STATEMENT_SET_NUMBER,
                              row->session_id,
                              &row->number,
                              error))
    return FALSE;
  if (!insert_numbered (self->db, row, &id, error) || !trd_db_scope_leave (&scope, error))
    {
      row->number = number_before;
      return FALSE;
    }

  row->id = id;
  if (row->place != NULL)
    row->place->task_id = id;
  return TRUE;
}

gboolean
trd_store_update_task (TrdStore *self, const TrdTaskRow *row, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;
  int index = 0;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);
  g_return_val_if_fail (row != NULL, FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_UPDATE_TASK, error);
  if (query == NULL)
    return FALSE;
  bind_standing (query, &index, row);
  bind_result (query, &index, row);
  trd_query_bind_int (query, ++index, row->id);
  return trd_store_run_on_row (self->db, query, error);
}

gboolean
trd_store_set_task_secrets (TrdStore *self,
                            gint64 task_id,
                            const char *secrets_id,
                            GError **error)
{
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_SET_TASK_SECRETS, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_text (query, 1, secrets_id);
  trd_query_bind_int (query, 2, task_id);
  return trd_store_run_on_row (self->db, query, error);
}

gboolean
trd_store_set_task_moments (TrdStore *self,
                            gint64 task_id,
                            TrdMoment not_before,
                            TrdMoment deadline,
                            GError **error)
{
  g_autoptr (TrdQuery) query = NULL;
  int index = 0;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_SET_TASK_MOMENTS, error);
  if (query == NULL)
    return FALSE;
  bind_moment (query, &index, not_before);
  bind_moment (query, &index, deadline);
  trd_query_bind_int (query, ++index, task_id);
  return trd_store_run_on_row (self->db, query, error);
}

gboolean
trd_store_set_task_synced (TrdStore *self, gint64 task_id, guint64 synced, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_SET_TASK_SYNCED, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, (gint64)synced);
  trd_query_bind_int (query, 2, task_id);
  return trd_store_run_on_row (self->db, query, error);
}

gboolean
trd_store_set_task_digested (
    TrdStore *self, gint64 task_id, guint64 synced, GVariant *state, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_SET_TASK_DIGESTED, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, (gint64)synced);
  trd_query_bind_variant (query, 2, state);
  trd_query_bind_int (query, 3, task_id);
  return trd_store_run_on_row (self->db, query, error);
}

TrdTaskRow *
trd_store_load_task (TrdStore *self, gint64 task_id, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;
  gboolean has_row;

  g_return_val_if_fail (TRD_IS_STORE (self), NULL);

  query = trd_db_query (self->db, TRD_STATEMENT_LOAD_TASK, error);
  if (query == NULL)
    return NULL;
  trd_query_bind_int (query, 1, task_id);
  if (!trd_query_step (query, &has_row, error))
    return NULL;
  if (has_row)
    return read_task (query, error);

  g_set_error_literal (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND, "No such task");
  return NULL;
}

gboolean
trd_store_delete_task (TrdStore *self, gint64 task_id, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_DELETE_TASK, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, task_id);
  return trd_store_run (self->db, query, error);
}

gboolean
trd_store_find_dedup (TrdStore *self,
                      gint64 session_id,
                      const char *dedup_key,
                      gint64 *out_id,
                      GError **error)
{
  g_autoptr (TrdQuery) query = NULL;
  gboolean has_row;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);
  g_return_val_if_fail (dedup_key != NULL, FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_FIND_DEDUP, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, session_id);
  trd_query_bind_text (query, 2, dedup_key);
  if (!trd_query_step (query, &has_row, error))
    return FALSE;
  *out_id = has_row ? trd_query_get_int (query, 0) : 0;
  return TRUE;
}

static void
read_brief (TrdQuery *query, TrdTaskBrief *out_brief)
{
  *out_brief = (TrdTaskBrief){
    .id = trd_query_get_int (query, 0),
    .session_id = trd_query_get_int (query, 1),
    .kind = (TrundleKind)trd_query_get_int (query, 2),
    .state = (TrundleTaskState)trd_query_get_int (query, 3),
    .durable = trd_query_get_int (query, 4) != 0,
    .priority = trd_query_get_double (query, 5),
    .hold = (guint32)trd_query_get_int (query, 6),
    .not_before = { trd_query_get_int (query, 7), trd_query_get_int (query, 8) },
    .deadline = { trd_query_get_int (query, 9), trd_query_get_int (query, 10) },
    .failures = (guint)trd_query_get_int (query, 11),
    .streak = (guint)trd_query_get_int (query, 12),
    .delayed = (TrdDelayed)trd_query_get_int (query, 13),
    .suspicion = (guint)trd_query_get_int (query, 14),
    .has_intent = trd_query_get_int (query, 15) != 0,
    .url = trd_query_peek_text (query, 16),
    .mirror = (guint)trd_query_get_int (query, 17),
    .earliest_begin_us = trd_query_get_int (query, 18),
    .begun = trd_query_get_int (query, 19) != 0,
    .challenge_id = trd_query_get_int (query, 20),
    .secrets_id = trd_query_peek_text (query, 21),
  };
}

gboolean
trd_store_each_brief (TrdStore *self,
                      TrdBriefFunc func,
                      gpointer user_data,
                      GError **error)
{
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_EACH_BRIEF, error);
  if (query == NULL)
    return FALSE;

  while (TRUE)
    {
      TrdTaskBrief brief;
      gboolean has_row;

      if (!trd_query_step (query, &has_row, error))
        return FALSE;
      if (!has_row)
        return TRUE;
      read_brief (query, &brief);
      if (!func (&brief, user_data))
        return TRUE;
    }
}

static gboolean
read_tasks (TrdQuery *query, GPtrArray *rows, GError **error)
{
  while (TRUE)
    {
      TrdTaskRow *row;
      gboolean has_row;

      if (!trd_query_step (query, &has_row, error))
        return FALSE;
      if (!has_row)
        return TRUE;
      row = read_task (query, error);
      if (row == NULL)
        return FALSE;
      g_ptr_array_add (rows, row);
    }
}

/* Running tasks stand as queued. */
static guint
find_stored_states (guint states)
{
  if (states & (1u << TRUNDLE_TASK_RUNNING))
    states |= 1u << TRUNDLE_TASK_QUEUED;
  return states;
}

GPtrArray *
trd_store_list_tasks (TrdStore *self,
                      gint64 session_id,
                      const TrdTaskFilter *filter,
                      GError **error)
{
  static const TrdTaskFilter everything = { .kind = -1 };
  g_autoptr (TrdQuery) query = NULL;
  g_autoptr (GPtrArray) rows = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), NULL);

  if (filter == NULL)
    filter = &everything;
  query = trd_db_query (self->db,
                        filter->group != NULL ? TRD_STATEMENT_LIST_GROUP
                                              : TRD_STATEMENT_LIST_TASKS,
                        error);
  if (query == NULL)
    return NULL;

  trd_query_bind_int (query, 1, session_id);
  trd_query_bind_int (query, 2, filter->after);
  trd_query_bind_int (query, 3, find_stored_states (filter->states));
  trd_query_bind_int (query, 4, filter->kind);
  trd_query_bind_int (query, 5, filter->limit > 0 ? (gint64)filter->limit : -1);
  if (filter->group != NULL)
    trd_query_bind_text (query, 6, filter->group);

  rows = g_ptr_array_new_with_free_func ((GDestroyNotify)trd_task_row_free);
  if (!read_tasks (query, rows, error))
    return NULL;
  return g_steal_pointer (&rows);
}

static GPtrArray *
find_completed (TrdDb *db, gint64 session_id, guint64 sequence, GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (db, TRD_STATEMENT_FIND_COMPLETED, error);
  g_autoptr (GPtrArray) rows = NULL;

  if (query == NULL)
    return NULL;
  trd_query_bind_int (query, 1, session_id);
  trd_query_bind_int (query, 2, (gint64)MIN (sequence, G_MAXINT64));
  rows = g_ptr_array_new_with_free_func ((GDestroyNotify)trd_task_row_free);
  if (!read_tasks (query, rows, error))
    return NULL;
  return g_steal_pointer (&rows);
}

static gboolean
delete_events (TrdDb *db, gint64 session_id, guint64 sequence, GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (db, TRD_STATEMENT_DELETE_EVENTS, error);

  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, session_id);
  trd_query_bind_int (query, 2, (gint64)MIN (sequence, G_MAXINT64));
  return trd_query_run (query, error);
}

/* A success whose file nobody came for is told apart; other ends are what they are. */
static gboolean
forget_task (TrdStore *self, const TrdTaskRow *row, gboolean expired, GError **error)
{
  TrdForgotten task = {
    .id = row->id,
    .session_id = row->session_id,
    .kind = row->kind,
    .created_us = row->created_us,
    .finished_us = row->finished_us,
    .received = row->received,
    .url = row->url,
    .error_name = row->error_name,
    .final_path = row->final_path,
    .description = row->description,
    .sent = row->body_sent,
  };

  if (expired && row->error_name == NULL && row->final_path == NULL)
    task.error_name = TRD_HISTORY_EXPIRED;
  return trd_store_note_history (self, &task, error)
         && trd_store_delete_task (self, row->id, error);
}

static GPtrArray *
complete_events (
    TrdStore *self, gint64 session_id, guint64 sequence, gboolean expired, GError **error)
{
  g_auto (TrdDbScope) scope = { NULL };
  g_autoptr (GPtrArray) rows = NULL;

  if (!trd_db_scope_enter (&scope, self->db, error))
    return NULL;
  rows = find_completed (self->db, session_id, sequence, error);
  if (rows == NULL || !delete_events (self->db, session_id, sequence, error))
    return NULL;

  for (guint i = 0; i < rows->len; i++)
    if (!forget_task (self, g_ptr_array_index (rows, i), expired, error))
      return NULL;
  if (!trd_db_scope_leave (&scope, error))
    return NULL;
  return g_steal_pointer (&rows);
}

GPtrArray *
trd_store_complete_events (TrdStore *self,
                           gint64 session_id,
                           guint64 sequence,
                           GError **error)
{
  g_return_val_if_fail (TRD_IS_STORE (self), NULL);

  return complete_events (self, session_id, sequence, FALSE, error);
}

GPtrArray *
trd_store_expire_events (TrdStore *self,
                         gint64 session_id,
                         guint64 sequence,
                         GError **error)
{
  g_return_val_if_fail (TRD_IS_STORE (self), NULL);

  return complete_events (self, session_id, sequence, TRUE, error);
}
