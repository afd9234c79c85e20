/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which sessions and tasks have which secrets, what that means to them, and what a call
 * will need of the keyring before it is carried out.  core/secrets.h has the sets. */

#include "config.h"

#include "core/registry.h"

#include "common/error.h"
#include "core/dialects.h"
#include "core/oauth2.h"
#include "core/registry-internal.h"
#include "core/request.h"
#include "core/reset.h"
#include "core/secret-options.h"
#include "core/trust.h"

/* ---- what they mean ---- */

/* There were some, in the memory of a daemon that is gone. */
static gboolean
session_has_lost (TrdSession *session)
{
  return session->secrets == NULL && session->row->secrets_id != NULL;
}

static gboolean
has_lost (TrdTask *task)
{
  return (!task->durable && task->secrets == NULL) || session_has_lost (task->session);
}

gboolean
trd_session_is_durable (TrdSession *self)
{
  return trd_secrets_is_kept (self->secrets) && !session_has_lost (self);
}

gboolean
trd_task_waits_for_keyring (TrdTask *self)
{
  return !self->has_intent
         && (trd_secrets_is_missing (self->secrets)
             || trd_secrets_is_missing (self->session->secrets));
}

GVariant *
trd_registry_compose_request (TrdRegistry *self,
                              TrdTask *task,
                              const TrdTaskRow *row,
                              GError **error)
{
  TrdSession *session = task->session;
  const char *problem = NULL;
  g_autoptr (GVariant) composed = NULL;
  g_autoptr (GVariant) request = NULL;
  g_autoptr (GVariant) known = NULL;
  g_auto (GVariantDict) dict = { 0 };

  if (has_lost (task))
    problem = "The secrets of the request were lost when the service was restarted";
  else if (trd_secrets_is_gone (task->secrets) || trd_secrets_is_gone (session->secrets))
    problem = "The secrets of the request are not in the keyring any more";
  if (problem != NULL)
    {
      g_set_error_literal (
          error, TRUNDLE_ERROR, TRUNDLE_ERROR_AUTHENTICATION_REQUIRED, problem);
      return NULL;
    }

  composed = trd_request_compose (row,
                                  session->row->configuration,
                                  trd_secrets_get_value (task->secrets),
                                  trd_secrets_get_value (session->secrets));
  g_variant_dict_init (&dict, composed);
  if (!trd_trust_add_to_request (self, session, &dict, error))
    return NULL;

  trd_reset_add_to_request (session, &dict);
  if (row->kind == TRUNDLE_KIND_UPLOAD)
    trd_dialects_add_to_request (self, session, row, &dict);
  trd_cookies_add_to_request (
      trd_registry_get_cookies (self), session, row->options, &dict);
  request = g_variant_ref_sink (g_variant_dict_end (&dict));
  known = trd_challenges_compose (trd_registry_get_challenges (self), task, row, request);
  return trd_refresh_compose (trd_registry_get_refresh (self), task, row, known);
}

/* In memory only, and of use yet. */
static gboolean
is_volatile (TrdTask *task)
{
  if (trd_task_is_finished (task))
    return FALSE;

  return !trd_secrets_is_kept (task->secrets)
         || (task->state == TRUNDLE_TASK_QUEUED && trd_task_waits_for_keyring (task));
}

gboolean
trd_registry_has_volatile (TrdRegistry *self)
{
  g_autoptr (GPtrArray) sessions = trd_registry_list_sessions (self);
  TrdChallenges *challenges = trd_registry_get_challenges (self);

  for (guint i = 0; i < sessions->len; i++)
    {
      TrdSession *session = g_ptr_array_index (sessions, i);
      GHashTableIter iter;
      TrdTask *task;

      /* Also for the tasks that are still to come. */
      if (!trd_secrets_is_kept (session->secrets)
          && (session->row->state == TRUNDLE_SESSION_ACTIVE || session->n_unfinished > 0))
        return TRUE;
      if (trd_credentials_has_volatile (trd_challenges_get_credentials (challenges),
                                        session))
        return TRUE;
      g_hash_table_iter_init (&iter, session->tasks);
      while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&task))
        if (is_volatile (task))
          return TRUE;
    }

  return trd_challenges_watch_keyring (challenges)
         || trd_cookies_has_volatile (trd_registry_get_cookies (self));
}

/* ---- changing them ---- */

gboolean
trd_registry_change_request (TrdTask *task,
                             const TrdTaskRow *row,
                             GVariant *changes,
                             TrdRequestParts *out_parts,
                             GError **error)
{
  GVariant *known = trd_secrets_get_value (task->secrets);

  if (!trd_request_update (row, known, changes, out_parts, error)
      || !trd_oauth2_check (
          changes, row->options, task->session->row->configuration, error))
    return FALSE;
  if (known != NULL || task->secrets == NULL || !out_parts->same_origin)
    return TRUE;

  /* What they are is not known now.  They can stay as they are, or go. */
  if (out_parts->keeps_secrets && out_parts->secrets == NULL)
    {
      out_parts->same_secrets = TRUE;
      return TRUE;
    }
  if (trd_secrets_is_gone (task->secrets))
    return TRUE;

  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_BAD_STATE,
                       "The keyring with the secrets of the request is locked");
  return FALSE;
}

/* ---- what a call will need ---- */

GVariant *
trd_registry_plan_update (TrdRegistry *self, TrdTask *task, GVariant *changes)
{
  g_autoptr (TrdTaskRow) row = NULL;
  g_auto (TrdRequestParts) parts = { 0 };
  const char *url = "";

  g_variant_lookup (changes, "url", "&s", &url);
  if (task->secrets == NULL && !trd_request_may_bring_secrets (url, changes))
    return NULL;

  /* What is wrong is told when it is done. */
  row = trd_store_load_task (trd_registry_get_env (self)->store, task->id, NULL);
  if (row == NULL || !trd_registry_change_request (task, row, changes, &parts, NULL))
    return NULL;

  return g_steal_pointer (&parts.secrets);
}

GVariant *
trd_registry_plan_configuration (TrdSession *session, GVariant *configuration)
{
  g_autoptr (GVariant) secrets = NULL;
  g_autoptr (GVariant) plain = NULL;

  if (session == NULL)
    plain = trd_request_without_secrets (configuration, &secrets);
  else
    plain = trd_secret_options_change (session->row->configuration,
                                       trd_secrets_get_value (session->secrets),
                                       configuration,
                                       &secrets);

  return g_steal_pointer (&secrets);
}

/* ---- when the keyring opens ---- */

/* Rows that may refer to what is kept now.  (element-type TrdTask) */
static GPtrArray *
find_tasks_to_keep (TrdSession *session)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new ();
  GHashTableIter iter;
  TrdTask *task;

  g_hash_table_iter_init (&iter, session->tasks);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&task))
    if (!task->durable && trd_secrets_get_id (task->secrets) != NULL)
      g_ptr_array_add (tasks, task);

  return g_steal_pointer (&tasks);
}

static gboolean
write_session (TrdRegistry *self, TrdSession *session, GError **error)
{
  TrdSessionRow changed = *session->row;

  changed.secrets_id = (char *)trd_secrets_get_id (session->secrets);
  return trd_store_update_session (trd_registry_get_env (self)->store, &changed, error);
}

static gboolean
write_tasks (TrdRegistry *self, GPtrArray *tasks, GError **error)
{
  for (guint i = 0; i < tasks->len; i++)
    {
      TrdTask *task = g_ptr_array_index (tasks, i);

      if (!trd_store_set_task_secrets (trd_registry_get_env (self)->store,
                                       task->id,
                                       trd_secrets_get_id (task->secrets),
                                       error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
is_session_to_keep (TrdSession *session)
{
  const char *id = trd_secrets_get_id (session->secrets);

  return id != NULL && g_strcmp0 (session->row->secrets_id, id) != 0;
}

/* All of a session in one transaction: half of it is of no use. */
static gboolean
keep_session (TrdRegistry *self, TrdSession *session, GPtrArray *tasks, GError **error)
{
  TrdStore *store = trd_registry_get_env (self)->store;

  if (!trd_store_begin (store, error))
    return FALSE;
  if ((is_session_to_keep (session) && !write_session (self, session, error))
      || !write_tasks (self, tasks, error) || !trd_store_commit (store, error))
    {
      trd_store_rollback (store);
      return FALSE;
    }

  return TRUE;
}

static void
tell_durable (TrdRegistry *self, TrdSession *session, GPtrArray *tasks, gboolean all)
{
  g_autoptr (GPtrArray) others = all ? trd_registry_get_tasks (session) : NULL;

  for (guint i = 0; i < tasks->len; i++)
    ((TrdTask *)g_ptr_array_index (tasks, i))->durable = TRUE;
  if (others != NULL)
    tasks = others;
  for (guint i = 0; i < tasks->len; i++)
    trd_registry_emit_task_changed (
        self, g_ptr_array_index (tasks, i), TRD_TASK_CHANGE_SECRETS);
}

void
trd_registry_note_kept (TrdRegistry *self)
{
  g_autoptr (GPtrArray) sessions = trd_registry_list_sessions (self);

  for (guint i = 0; i < sessions->len; i++)
    {
      TrdSession *session = g_ptr_array_index (sessions, i);
      g_autoptr (GPtrArray) tasks = find_tasks_to_keep (session);
      gboolean of_session = is_session_to_keep (session);
      g_autoptr (GError) error = NULL;

      if (!of_session && tasks->len == 0)
        continue;
      if (!keep_session (self, session, tasks, &error))
        {
          g_warning ("Cannot note that secrets are kept: %s", error->message);
          continue;
        }
      if (of_session)
        {
          g_free (session->row->secrets_id);
          session->row->secrets_id = g_strdup (trd_secrets_get_id (session->secrets));
        }
      tell_durable (self, session, tasks, of_session);
    }
}
