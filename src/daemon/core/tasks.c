/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The registry's verbs on tasks: what an app says to one, reading them back.  They are
 * made in core/create.c. */

#include "config.h"

#include "core/registry.h"

#include "common/defaults.h"
#include "common/error.h"
#include "core/registry-internal.h"
#include "core/request.h"
#include "core/runner.h"
#include "core/turn.h"

/* ---- what an app says to one ---- */

gboolean
trd_registry_resume (TrdRegistry *self, TrdTask *task, GError **error)
{
  return trd_turn_single (self, task, TRD_TASK_INPUT_RESUME, NULL, error);
}

gboolean
trd_registry_suspend (TrdRegistry *self, TrdTask *task, GError **error)
{
  if (trd_task_is_sealing (task))
    return TRUE;

  return trd_turn_single (self, task, TRD_TASK_INPUT_SUSPEND, NULL, error);
}

gboolean
trd_registry_cancel (TrdRegistry *self, TrdTask *task, const char *reason, GError **error)
{
  TrdChange change = { .reason = reason };

  if (trd_task_is_sealing (task))
    return TRUE;

  return trd_turn_single (self, task, TRD_TASK_INPUT_CANCEL, &change, error);
}

gboolean
trd_registry_cancel_keeping (TrdRegistry *self,
                             TrdTask *task,
                             GBytes **out_data,
                             GError **error)
{
  g_autoptr (GBytes) data = NULL;
  TrdChange change = { .reason = "client", .out_resume_data = &data };

  *out_data = NULL;
  if (trd_task_is_finished (task))
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_BAD_STATE,
                           "A task that is finished cannot be cancelled");
      return FALSE;
    }
  if (trd_task_is_sealing (task))
    return TRUE;
  if (!trd_turn_single (self, task, TRD_TASK_INPUT_CANCEL, &change, error))
    return FALSE;

  *out_data = g_steal_pointer (&data);
  return TRUE;
}

gboolean
trd_registry_is_kept (TrdRegistry *self, TrdTask *task)
{
  return trd_keeper_has (trd_registry_get_keeper (self), task->id);
}

gboolean
trd_registry_try_again (TrdRegistry *self, TrdTask *task, GError **error)
{
  if (!trd_turn_single (self, task, TRD_TASK_INPUT_TRY_AGAIN, NULL, error))
    return FALSE;

  trd_keeper_settle (trd_registry_get_keeper (self));
  return TRUE;
}

gboolean
trd_registry_update_request (TrdRegistry *self,
                             TrdTask *task,
                             GVariant *changes,
                             GError **error)
{
  TrdStore *store = trd_registry_get_env (self)->store;
  g_auto (TrdRequestParts) parts = { 0 };
  g_autoptr (TrdTaskRow) row = NULL;
  TrdChange change = { .request = &parts };
  gboolean is_answer;

  row = trd_store_load_task (store, task->id, error);
  if (row == NULL || !trd_registry_change_request (task, row, changes, &parts, error))
    return FALSE;

  if (!trd_turn_single (self, task, TRD_TASK_INPUT_UPDATE, &change, error))
    return FALSE;

  /* Another server asks something else, and other secrets may be the answer. */
  is_answer = task->state == TRUNDLE_TASK_CHALLENGED
              && (!trd_request_is_same_origin (row, parts.url)
                  || (parts.secrets != NULL && !parts.keeps_secrets));
  return !is_answer || trd_turn_single (self, task, TRD_TASK_INPUT_ANSWER, NULL, error);
}

static gboolean
matches (TrdTask *task, const TrdTaskFilter *filter, TrdTaskRow *row)
{
  if (filter == NULL)
    return TRUE;
  if (filter->states != 0 && !(filter->states & (1u << task->state)))
    return FALSE;

  return row == NULL || filter->group == NULL
         || g_strcmp0 (filter->group, row->group) == 0;
}

/* The unfinished tasks a filter means, in order of id. */
static GPtrArray *
select_tasks (TrdRegistry *self,
              TrdSession *session,
              const TrdTaskFilter *filter,
              GError **error)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new ();
  g_autoptr (GPtrArray) rows = NULL;
  TrdTaskFilter wanted = { .kind = -1 };
  guint limit = G_MAXUINT;

  /* The limit counts what is cancelled; to the store, finished ones are tasks too. */
  if (filter != NULL)
    wanted = *filter;
  if (wanted.limit > 0)
    limit = wanted.limit;
  wanted.limit = 0;
  rows = trd_store_list_tasks (
      trd_registry_get_env (self)->store, session->row->id, &wanted, error);
  if (rows == NULL)
    return NULL;

  for (guint i = 0; i < rows->len && tasks->len < limit; i++)
    {
      TrdTaskRow *row = g_ptr_array_index (rows, i);
      TrdTask *task = trd_registry_find_task (self, row->id);

      if (task != NULL && !trd_task_is_finished (task) && !trd_task_is_sealing (task)
          && matches (task, filter, row))
        g_ptr_array_add (tasks, task);
    }

  return g_steal_pointer (&tasks);
}

gboolean
trd_registry_cancel_tasks (TrdRegistry *self,
                           TrdSession *session,
                           const TrdTaskFilter *filter,
                           guint *out_n,
                           GError **error)
{
  g_autoptr (TrdTurn) turn = trd_turn_new (self);
  g_autoptr (GPtrArray) tasks = select_tasks (self, session, filter, error);
  TrdChange change = { .reason = "client" };

  if (tasks == NULL)
    return FALSE;

  for (guint i = 0; i < tasks->len; i++)
    if (!trd_turn_apply (
            turn, g_ptr_array_index (tasks, i), TRD_TASK_INPUT_CANCEL, &change, error))
      return FALSE;
  if (!trd_turn_commit (turn, error))
    return FALSE;

  if (out_n != NULL)
    *out_n = tasks->len;
  return TRUE;
}

/* Stores a change that @edit makes to the row. */
static gboolean
edit_row (TrdRegistry *self,
          TrdTask *task,
          void (*edit) (TrdTaskRow *row, gconstpointer data),
          gconstpointer data,
          GError **error)
{
  TrdStore *store = trd_registry_get_env (self)->store;
  g_autoptr (TrdTaskRow) row = trd_store_load_task (store, task->id, error);

  if (row == NULL)
    return FALSE;

  edit (row, data);
  return trd_store_update_task (store, row, error);
}

static void
edit_priority (TrdTaskRow *row, gconstpointer data)
{
  row->priority = *(const double *)data;
}

gboolean
trd_registry_set_priority (TrdRegistry *self,
                           TrdTask *task,
                           double priority,
                           GError **error)
{
  if (!(priority >= 0.0 && priority <= 1.0))
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_INVALID_ARGUMENT,
                           "Priority lies between 0.0 and 1.0");
      return FALSE;
    }
  if (!edit_row (self, task, edit_priority, &priority, error))
    return FALSE;

  task->priority = priority;
  trd_registry_emit_task_changed (self, task, TRD_TASK_CHANGE_DETAILS);
  return TRUE;
}

static void
edit_description (TrdTaskRow *row, gconstpointer data)
{
  const char *description = data;

  g_free (row->description);
  row->description = *description != '\0' ? g_strdup (description) : NULL;
}

gboolean
trd_registry_set_description (TrdRegistry *self,
                              TrdTask *task,
                              const char *description,
                              GError **error)
{
  if (strlen (description) > TRD_USER_DATA_MAX)
    {
      g_set_error (error,
                   TRUNDLE_ERROR,
                   TRUNDLE_ERROR_INVALID_ARGUMENT,
                   "Description has more than %d bytes",
                   TRD_USER_DATA_MAX);
      return FALSE;
    }
  if (!edit_row (self, task, edit_description, description, error))
    return FALSE;

  trd_registry_emit_task_changed (self, task, TRD_TASK_CHANGE_DETAILS);
  return TRUE;
}

static void
edit_user_data (TrdTaskRow *row, gconstpointer data)
{
  g_clear_pointer (&row->user_data, g_bytes_unref);
  if (g_bytes_get_size ((GBytes *)data) > 0)
    row->user_data = g_bytes_ref ((GBytes *)data);
}

gboolean
trd_registry_set_user_data (TrdRegistry *self,
                            TrdTask *task,
                            GBytes *user_data,
                            GError **error)
{
  if (g_bytes_get_size (user_data) > TRD_USER_DATA_MAX)
    {
      g_set_error (error,
                   TRUNDLE_ERROR,
                   TRUNDLE_ERROR_INVALID_ARGUMENT,
                   "UserData has more than %d bytes",
                   TRD_USER_DATA_MAX);
      return FALSE;
    }
  if (!edit_row (self, task, edit_user_data, user_data, error))
    return FALSE;

  trd_registry_emit_task_changed (self, task, TRD_TASK_CHANGE_DETAILS);
  return TRUE;
}

static void
edit_final_path (TrdTaskRow *row, gconstpointer data)
{
  g_free (row->final_path);
  row->final_path = g_strdup (data);
}

gboolean
trd_registry_file_moved (TrdRegistry *self,
                         TrdTask *task,
                         const char *path,
                         GError **error)
{
  return edit_row (self, task, edit_final_path, path, error);
}

/* ---- reading back ---- */

/* What memory knows better than the row. */
static void
overlay (TrdRegistry *self, TrdTask *task, TrdTaskRow *row)
{
  gint64 expected;
  GVariant *response;
  const char *url;

  if (task->state != TRUNDLE_TASK_RUNNING || task->run == NULL)
    return;

  row->state = TRUNDLE_TASK_RUNNING;
  row->attempts++;
  trd_run_get_progress (task->run, &row->received, &expected);
  trd_run_get_upload (task->run, &row->body_sent, &row->body_confirmed, NULL);
  response = trd_run_get_response (task->run);
  if (response != NULL)
    {
      g_clear_pointer (&row->response, g_variant_unref);
      row->response = g_variant_ref (response);
    }
  url = trd_run_get_current_url (task->run);
  if (url != NULL)
    {
      g_free (row->current_url);
      row->current_url = g_strdup (url);
    }
}

TrdTaskRow *
trd_registry_load_task (TrdRegistry *self, TrdTask *task, GError **error)
{
  TrdTaskRow *row = trd_store_load_task (
      trd_registry_get_env (self)->store, task->id, error);

  if (row != NULL)
    overlay (self, task, row);

  return row;
}

GPtrArray *
trd_registry_list_tasks (TrdRegistry *self,
                         TrdSession *session,
                         const TrdTaskFilter *filter,
                         GError **error)
{
  GPtrArray *rows = trd_store_list_tasks (
      trd_registry_get_env (self)->store, session->row->id, filter, error);

  for (guint i = 0; rows != NULL && i < rows->len; i++)
    {
      TrdTaskRow *row = g_ptr_array_index (rows, i);
      TrdTask *task = trd_registry_find_task (self, row->id);

      if (task != NULL)
        overlay (self, task, row);
    }

  return rows;
}

gboolean
trd_registry_get_progress (TrdRegistry *self,
                           TrdTask *task,
                           guint64 *out_received,
                           gint64 *out_expected)
{
  if (task->run == NULL)
    return FALSE;

  trd_run_get_progress (task->run, out_received, out_expected);
  return TRUE;
}

gboolean
trd_registry_get_sending (TrdRegistry *self, TrdTask *task, TrdSending *out_sending)
{
  if (task->run == NULL)
    return FALSE;

  trd_run_get_sending (task->run, out_sending);
  return TRUE;
}
