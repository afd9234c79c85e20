/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Forgetting what a session has become to servers.  Connections belong to the app's
 * worker, where other sessions use them: a session that was reset has its own from then
 * on, and again others after the next time.  Workers die with us, so that the count need
 * not be stored. */

#include "config.h"

#include "core/reset.h"

#include "core/challenges.h"
#include "core/credentials.h"
#include "core/registry-internal.h"
#include "core/turn.h"
#include "port/store-dialects.h"
#include "port/store-trust.h"

typedef struct
{
  GTask *task;   /* (owned) */
  GError *error; /* (owned) (nullable): what the cookies came to */
} Resetting;

static void
on_credentials_flushed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Resetting *self = user_data;
  g_autoptr (GTask) task = self->task;

  if (self->error != NULL)
    g_task_return_error (task, self->error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
on_cookies_cleared (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Resetting *self = user_data;
  TrdRegistry *registry = g_task_get_source_object (self->task);

  trd_cookies_clear_finish (TRD_COOKIES (source), result, &self->error);
  trd_credentials_flush_async (
      trd_challenges_get_credentials (trd_registry_get_challenges (registry)),
      on_credentials_flushed,
      self);
}

/* What was rejected may be asked about again. */
static gboolean
forget_rejected (TrdRegistry *self, TrdSession *session, GError **error)
{
  g_autoptr (TrdTurn) turn = trd_turn_new (self);
  GPtrArray *challenges = session->challenges;

  for (guint i = 0; challenges != NULL && i < challenges->len; i++)
    {
      TrdChallenge *challenge = g_ptr_array_index (challenges, i);

      if (challenge->row->state == TRD_CHALLENGE_REJECTED
          && !trd_turn_remove_challenge (turn, challenge, error))
        return FALSE;
    }

  return trd_turn_commit (turn, error);
}

void
trd_registry_reset_session_async (TrdRegistry *self,
                                  TrdSession *session,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  TrdStore *store = trd_registry_get_env (self)->store;
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  GError *error = NULL;
  Resetting *resetting;

  g_task_set_source_tag (task, trd_registry_reset_session_async);
  if (!trd_store_forget_trust (store, session->row->id, &error)
      || !trd_store_forget_dialects (store, session->row->id, &error)
      || !forget_rejected (self, session, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  session->n_resets++;
  trd_credentials_forget_session (
      trd_challenges_get_credentials (trd_registry_get_challenges (self)), session);
  resetting = g_new0 (Resetting, 1);
  resetting->task = g_steal_pointer (&task);
  trd_cookies_clear_async (
      trd_registry_get_cookies (self), session, on_cookies_cleared, resetting);
}

gboolean
trd_registry_reset_session_finish (TrdRegistry *self,
                                   GAsyncResult *result,
                                   GError **error)
{
  g_return_val_if_fail (
      g_async_result_is_tagged (result, trd_registry_reset_session_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

void
trd_reset_add_to_request (TrdSession *session, GVariantDict *request)
{
  g_autofree char *connections = NULL;

  if (session->n_resets == 0)
    return;
  connections = g_strdup_printf (
      "%" G_GINT64_FORMAT "/%u", session->row->id, session->n_resets);
  g_variant_dict_insert (request, "connections", "s", connections);
}
