/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The registry's verbs on sessions: opening, changing and ending them, and completing
 * their events.  Beside core/registry.c, which keeps the tables, and core/tasks.c. */

#include "config.h"

#include "core/registry.h"

#include "common/error.h"
#include "common/vocabulary.h"
#include "core/oauth2.h"
#include "core/registry-internal.h"
#include "core/request.h"
#include "core/runner.h"
#include "core/secret-options.h"
#include "core/turn.h"

#define IDENTIFIER_MAX 255
#define SESSIONS_PER_OWNER_MAX 1000

/* ---- sessions ---- */

static TrdSession *
find_by_identifier (TrdRegistry *self,
                    const TrdOwner *owner,
                    const char *identifier,
                    guint *out_n_of_owner)
{
  TrdSession *found = NULL;
  GHashTableIter iter;
  TrdSession *session;

  *out_n_of_owner = 0;
  g_hash_table_iter_init (&iter, trd_registry_get_session_table (self));
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&session))
    {
      if (!trd_owner_equal (session->row->owner, owner))
        continue;

      ++*out_n_of_owner;
      if (g_strcmp0 (session->row->identifier, identifier) == 0)
        found = session;
    }

  return found;
}

/* Keys of @wanted that the session has otherwise, or not at all. */
static GStrv
differing_keys (TrdSession *session, GVariant *wanted)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  const char *key;
  GVariant *value;
  GVariantIter iter;

  g_variant_iter_init (&iter, wanted);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    {
      g_autoptr (GVariant) mine = trundle_options_get_value (
          session->row->configuration, NULL, key);

      if (mine == NULL || !g_variant_equal (mine, value))
        g_strv_builder_add (builder, key);
    }

  return g_strv_builder_end (builder);
}

/* What rows say of them. */
static char *
describe_secrets (TrdSecrets *secrets)
{
  if (secrets == NULL)
    return NULL;

  return g_strdup (trd_secrets_is_kept (secrets) ? trd_secrets_get_id (secrets) : "");
}

/* Stores a changed copy of the row and only then makes it true. */
static gboolean
store_configuration (TrdRegistry *self,
                     TrdSession *session,
                     GVariant *configuration,
                     TrdSecrets *secrets,
                     GError **error)
{
  g_autofree char *secrets_id = describe_secrets (secrets);
  TrdSessionRow changed = *session->row;

  changed.configuration = configuration;
  changed.secrets_id = secrets_id;
  if (!trd_store_update_session (trd_registry_get_env (self)->store, &changed, error))
    return FALSE;

  g_variant_ref (configuration);
  g_variant_unref (session->row->configuration);
  session->row->configuration = configuration;
  g_free (session->row->secrets_id);
  session->row->secrets_id = g_steal_pointer (&secrets_id);
  if (secrets != NULL)
    trd_secrets_ref (secrets);
  g_clear_pointer (&session->secrets, trd_secrets_unref);
  session->secrets = secrets;
  trd_registry_emit_session_changed (self, session);

  return TRUE;
}

static TrdSecrets *
take_secrets (TrdRegistry *self, TrdSession *session, GVariant *value)
{
  return trd_secret_pool_take (
      trd_registry_get_secret_pool (self), session->row->id, value);
}

/* Whether secrets that are given again are welcome: they were lost, or deleted, or are
 * locked away. */
static gboolean
wants_secrets (TrdSession *session)
{
  return trd_secrets_get_value (session->secrets) == NULL;
}

static gboolean
reopen_session (TrdRegistry *self,
                TrdSession *session,
                GVariant *configuration,
                gboolean update,
                GStrv *out_ignored,
                GError **error)
{
  g_autoptr (TrdSecrets) secrets = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GVariant) kept = NULL;

  if (update)
    {
      if (!trd_registry_configure (self, session, configuration, error))
        return FALSE;
      *out_ignored = g_new0 (char *, 1);
      return TRUE;
    }

  kept = trd_request_without_secrets (configuration, &value);
  if (wants_secrets (session))
    secrets = take_secrets (self, session, value);
  if (secrets != NULL
      && !store_configuration (
          self, session, session->row->configuration, secrets, error))
    return FALSE;
  *out_ignored = differing_keys (session, kept);

  return TRUE;
}

static TrdSession *
make_session (TrdRegistry *self,
              const TrdOwner *owner,
              const char *identifier,
              GVariant *configuration,
              GError **error)
{
  g_autoptr (TrdSessionRow) row = g_new0 (TrdSessionRow, 1);
  g_autoptr (GVariant) value = NULL;
  g_autoptr (TrdSecrets) secrets = NULL;
  TrdSession *session;

  if (!trd_oauth2_check (configuration, configuration, NULL, error))
    return NULL;

  row->owner = trd_owner_ref ((TrdOwner *)owner);
  row->identifier = g_strdup (identifier);
  row->state = TRUNDLE_SESSION_ACTIVE;
  row->configuration = trd_request_without_secrets (configuration, &value);
  secrets = trd_secret_pool_take (trd_registry_get_secret_pool (self), 0, value);
  row->secrets_id = describe_secrets (secrets);
  row->created_us = trd_clock_now_us (trd_registry_get_env (self)->clock);
  if (!trd_store_insert_session (trd_registry_get_env (self)->store, row, error))
    return NULL;

  session = trd_registry_adopt_session (self, g_steal_pointer (&row));
  if (secrets != NULL)
    {
      trd_secrets_set_session (secrets, session->row->id);
      g_clear_pointer (&session->secrets, trd_secrets_unref);
      session->secrets = g_steal_pointer (&secrets);
    }
  trd_cookies_welcome (trd_registry_get_cookies (self), session);
  trd_registry_emit_session_added (self, session);

  return session;
}

TrdSession *
trd_registry_open_session (TrdRegistry *self,
                           const TrdOwner *owner,
                           const char *identifier,
                           GVariant *configuration,
                           gboolean update,
                           gboolean *out_existing,
                           GStrv *out_ignored,
                           GError **error)
{
  TrdSession *session;
  guint n_of_owner;

  if (*identifier == '\0' || strlen (identifier) > IDENTIFIER_MAX)
    {
      g_set_error (error,
                   TRUNDLE_ERROR,
                   TRUNDLE_ERROR_INVALID_ARGUMENT,
                   "The identifier of a session has 1 to %d bytes",
                   IDENTIFIER_MAX);
      return NULL;
    }

  session = find_by_identifier (self, owner, identifier, &n_of_owner);
  if (session != NULL)
    {
      if (!reopen_session (self, session, configuration, update, out_ignored, error))
        return NULL;
      *out_existing = TRUE;
      return session;
    }
  if (n_of_owner >= SESSIONS_PER_OWNER_MAX)
    {
      g_set_error (error,
                   TRUNDLE_ERROR,
                   TRUNDLE_ERROR_LIMIT_EXCEEDED,
                   "An app may have %d sessions",
                   SESSIONS_PER_OWNER_MAX);
      return NULL;
    }

  session = make_session (self, owner, identifier, configuration, error);
  if (session == NULL)
    return NULL;

  *out_existing = FALSE;
  *out_ignored = g_new0 (char *, 1);
  return session;
}

/* The same of its state. */
static gboolean
update_session (TrdRegistry *self,
                TrdSession *session,
                TrundleSessionState state,
                GError **error)
{
  TrdSessionRow changed = *session->row;

  changed.state = state;
  if (state == TRUNDLE_SESSION_RETIRED)
    changed.identifier = NULL;
  if (!trd_store_update_session (trd_registry_get_env (self)->store, &changed, error))
    return FALSE;

  return TRUE;
}

gboolean
trd_registry_configure (TrdRegistry *self,
                        TrdSession *session,
                        GVariant *configuration,
                        GError **error)
{
  GVariant *known = trd_secrets_get_value (session->secrets);
  g_autoptr (TrdSecrets) secrets = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GVariant) changed = trd_secret_options_change (
      session->row->configuration, known, configuration, &value);

  if (!trd_oauth2_check (
          configuration, configuration, session->row->configuration, error))
    return FALSE;

  if (trd_secret_options_are_touched (configuration))
    {
      if (trd_secrets_is_missing (session->secrets))
        {
          g_set_error_literal (error,
                               TRUNDLE_ERROR,
                               TRUNDLE_ERROR_BAD_STATE,
                               "The keyring with the secrets of the session is locked");
          return FALSE;
        }
      secrets = take_secrets (self, session, value);
    }
  else if (session->secrets != NULL)
    {
      /* Whatever they are. */
      secrets = trd_secrets_ref (session->secrets);
    }

  return store_configuration (self, session, changed, secrets, error);
}

GVariant *
trd_registry_plan_open (TrdRegistry *self,
                        const TrdOwner *owner,
                        const char *identifier,
                        GVariant *configuration,
                        gboolean update,
                        gint64 *out_session_id)
{
  guint n_of_owner;
  TrdSession *session = find_by_identifier (self, owner, identifier, &n_of_owner);
  g_autoptr (GVariant) secrets = NULL;
  g_autoptr (GVariant) plain = NULL;

  *out_session_id = session != NULL ? session->row->id : 0;
  if (session != NULL && update)
    return trd_registry_plan_configuration (session, configuration);
  if (session != NULL && !wants_secrets (session))
    return NULL;

  plain = trd_request_without_secrets (configuration, &secrets);
  return g_steal_pointer (&secrets);
}

/* ---- the end of a session ---- */

static gboolean
judge_session (TrdSession *session,
               TrdSessionInput input,
               TrundleSessionState *out_next,
               GError **error)
{
  if (trd_session_state_next (session->row->state, input, out_next) != TRD_CELL_ILLEGAL)
    return TRUE;

  g_set_error (error,
               TRUNDLE_ERROR,
               TRUNDLE_ERROR_BAD_STATE,
               "The session is %s",
               trundle_session_state_to_word (session->row->state));
  return FALSE;
}

static TrdEvent *
new_last_word (TrdRegistry *self, TrdSession *session)
{
  TrdEvent *event = g_new0 (TrdEvent, 1);

  event->session_id = session->row->id;
  event->kind = TRUNDLE_EVENT_DID_BECOME_INVALID;
  event->details = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
  event->created_us = trd_clock_now_us (trd_registry_get_env (self)->clock);
  event->offered = session->has_consumer;

  return event;
}

gboolean
trd_registry_finish_and_invalidate (TrdRegistry *self,
                                    TrdSession *session,
                                    GError **error)
{
  TrdStore *store = trd_registry_get_env (self)->store;
  g_autoptr (TrdEvent) event = NULL;
  TrundleSessionState next;

  if (!judge_session (session, TRD_SESSION_INPUT_FINISH, &next, error))
    return FALSE;
  if (next == session->row->state)
    return TRUE;

  if (!trd_store_begin (store, error))
    return FALSE;
  if (session->n_unfinished == 0)
    event = new_last_word (self, session);
  if (!update_session (self, session, next, error)
      || (event != NULL && !trd_store_append_event (store, event, error))
      || !trd_store_commit (store, error))
    {
      trd_store_rollback (store);
      return FALSE;
    }

  session->row->state = next;
  trd_registry_emit_session_changed (self, session);
  if (event != NULL)
    trd_registry_note_event (self, session, event);

  return TRUE;
}

/* Cancels what is unfinished and frees the identifier, in one transaction of @turn's.
 * @out_n_left: files that are about to get their names, and do. */
static gboolean
stage_retirement (TrdRegistry *self,
                  TrdSession *session,
                  TrdTurn *turn,
                  guint *out_n_left,
                  GError **error)
{
  TrdChange change = { .reason = "session-invalidated" };
  g_autoptr (GPtrArray) tasks = trd_registry_get_tasks (session);

  *out_n_left = 0;
  for (guint i = 0; i < tasks->len; i++)
    {
      TrdTask *task = g_ptr_array_index (tasks, i);

      if (trd_task_is_sealing (task))
        ++*out_n_left;
      else if (!trd_turn_apply (turn, task, TRD_TASK_INPUT_CANCEL, &change, error))
        return FALSE;
    }

  return update_session (self, session, TRUNDLE_SESSION_RETIRED, error);
}

gboolean
trd_registry_invalidate_and_cancel (TrdRegistry *self,
                                    TrdSession *session,
                                    gboolean has_consumer,
                                    GError **error)
{
  g_autoptr (TrdTurn) turn = NULL;
  g_autoptr (TrdEvent) event = NULL;
  TrundleSessionState next;
  guint n_left;

  if (!judge_session (session, TRD_SESSION_INPUT_INVALIDATE, &next, error))
    return FALSE;
  if (next == session->row->state)
    return TRUE;
  if (!has_consumer)
    return trd_registry_delete_session (self, session, error);

  turn = trd_turn_new_open (self, error);
  if (turn == NULL || !stage_retirement (self, session, turn, &n_left, error))
    return FALSE;
  /* One that is finishing has said it, or says it with its last task. */
  if (session->row->state == TRUNDLE_SESSION_ACTIVE && n_left == 0)
    event = new_last_word (self, session);
  if ((event != NULL && !trd_turn_append_event (turn, event, error))
      || !trd_turn_commit (turn, error))
    return FALSE;

  session->row->state = TRUNDLE_SESSION_RETIRED;
  g_clear_pointer (&session->row->identifier, g_free);
  trd_registry_emit_session_changed (self, session);
  if (event != NULL)
    trd_registry_note_event (self, session, event);

  return TRUE;
}

void
trd_registry_drop_retired (TrdRegistry *self, TrdSession *session)
{
  g_autoptr (GError) error = NULL;

  if (session->row->state == TRUNDLE_SESSION_RETIRED
      && !trd_registry_delete_session (self, session, &error))
    g_warning ("Cannot remove an invalidated session: %s", error->message);
}

/* ---- events ---- */

typedef GPtrArray *(*CompleteFunc) (TrdStore *, gint64, guint64, GError **);

static gboolean
complete_events (TrdRegistry *self,
                 TrdSession *session,
                 guint64 sequence,
                 CompleteFunc complete,
                 GError **error)
{
  TrdStore *store = trd_registry_get_env (self)->store;
  g_autoptr (GPtrArray) rows = NULL;

  if (!trd_store_begin (store, error))
    return FALSE;
  rows = complete (store, session->row->id, sequence, error);
  if (rows != NULL)
    trd_registry_discard_parts (self, rows, FALSE);
  if (rows == NULL || !trd_store_commit (store, error))
    {
      trd_store_rollback (store);
      return FALSE;
    }

  session->n_events = trd_store_count_events (store, session->row->id);
  for (guint i = 0; i < rows->len; i++)
    {
      TrdTaskRow *row = g_ptr_array_index (rows, i);
      TrdTask *task = trd_registry_find_task (self, row->id);

      if (task != NULL)
        trd_registry_remove_task (self, task);
    }
  trd_registry_discard_parts (self, rows, TRUE);

  trd_registry_emit_events_completed (self, session);
  trd_registry_settle_session (self, session);

  return TRUE;
}

gboolean
trd_registry_complete_events (TrdRegistry *self,
                              TrdSession *session,
                              guint64 sequence,
                              GError **error)
{
  return complete_events (self, session, sequence, trd_store_complete_events, error);
}

gboolean
trd_registry_expire_events (TrdRegistry *self,
                            TrdSession *session,
                            guint64 sequence,
                            GError **error)
{
  return complete_events (self, session, sequence, trd_store_expire_events, error);
}
