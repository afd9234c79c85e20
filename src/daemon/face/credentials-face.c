/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What apps say of who is there: answers to challenges, and credentials in advance.
 * Secrets may come as descriptors, which are read first; and the reply leaves when the
 * keyring has what it is to keep, or cannot (law 1).  In between the object may have
 * gone: it is found again by its id. */

#include "config.h"

#include "face/credentials-face.h"

#include "common/vocabulary.h"
#include "core/challenge-answer.h"
#include "core/trust.h"
#include "face/secret-fd.h"

/* A call under way. */
typedef struct
{
  TrdCall *call; /* (owned) until it is answered */
  gint64 id;     /* of the session or task */
  TrdSpace space;
} Saying;

static void
saying_free (Saying *self)
{
  trd_space_clear (&self->space);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Saying, saying_free)

static Saying *
saying_new (TrdCall *call, gint64 id)
{
  Saying *self = g_new0 (Saying, 1);

  self->call = call;
  self->id = id;
  return self;
}

static TrdCredentials *
credentials_of (TrdCall *call)
{
  return trd_challenges_get_credentials (
      trd_registry_get_challenges (trd_gate_get_registry (call->gate)));
}

/* What was said is true; what is to be kept of it is waited for. */
static void
on_kept (GObject *source, GAsyncResult *result, gpointer user_data)
{
  trd_call_return (user_data, NULL);
}

static void
return_once_kept (TrdCall *call, gboolean done, GError *error)
{
  if (done)
    trd_credentials_flush_async (credentials_of (call), on_kept, call);
  else
    trd_call_return_error (call, error);
}

/* ---- answering ---- */

static void
on_answer_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Saying) self = user_data;
  TrdRegistry *registry = trd_gate_get_registry (self->call->gate);
  TrdTask *task = trd_registry_find_task (registry, self->id);
  GError *error = NULL;
  g_autoptr (GVariant) answer = trd_secret_fd_read_finish (result, &error);
  const char *challenge;
  const char *disposition;
  gboolean done;

  if (answer != NULL && task == NULL)
    {
      trd_call_return_not_found (self->call);
      return;
    }

  g_variant_get (self->call->parameters, "(&s&s@a{sv})", &challenge, &disposition, NULL);
  done = answer != NULL
         && trd_registry_respond_to_challenge (
             registry, task, challenge, disposition, answer, &error);
  return_once_kept (self->call, done, error);
}

void
trd_handle_respond_to_challenge (gpointer object, TrdCall *call)
{
  g_autoptr (GVariant) answer = g_variant_get_child_value (call->parameters, 2);
  const TrdTask *task = object;

  trd_secret_fd_read_async (call,
                            answer,
                            TRUNDLE_SCOPE_CREDENTIAL,
                            on_answer_read,
                            saying_new (call, task->id));
}

/* ---- in advance ---- */

static GVariant *
check_space (TrdCall *call, GError **error)
{
  g_autoptr (GVariant) given = g_variant_get_child_value (call->parameters, 0);

  return trundle_vocabulary_check (given, TRUNDLE_SCOPE_SPACE, error);
}

static void
on_credential_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Saying) self = user_data;
  TrdRegistry *registry = trd_gate_get_registry (self->call->gate);
  TrdSession *session = trd_registry_find_session (registry, self->id);
  GError *error = NULL;
  g_autoptr (GVariant) credential = trd_secret_fd_read_finish (result, &error);
  g_autoptr (GVariant) space = NULL;
  gboolean done;

  if (credential != NULL && session == NULL)
    {
      trd_call_return_not_found (self->call);
      return;
    }

  if (credential != NULL)
    space = check_space (self->call, &error);
  done = space != NULL
         && trd_registry_set_credential (registry, session, space, credential, &error);
  return_once_kept (self->call, done, error);
}

void
trd_handle_set_credential (gpointer object, TrdCall *call)
{
  g_autoptr (GVariant) credential = g_variant_get_child_value (call->parameters, 1);
  const TrdSession *session = object;

  trd_secret_fd_read_async (call,
                            credential,
                            TRUNDLE_SCOPE_CREDENTIAL,
                            on_credential_read,
                            saying_new (call, session->row->id));
}

static void
on_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Saying) self = user_data;
  GError *error = NULL;
  gboolean done = trd_credentials_remove_finish (result, &error);

  trd_call_return_done (self->call, done, error);
}

static gboolean
is_about_trust (const TrdSpace *space)
{
  return g_strcmp0 (space->method, "server-trust") == 0;
}

void
trd_handle_remove_credential (gpointer object, TrdCall *call)
{
  TrdSession *session = object;
  GError *error = NULL;
  g_autoptr (GVariant) dict = check_space (call, &error);
  g_auto (TrdSpace) space = { 0 };
  gboolean done;

  done = dict != NULL && trd_space_from_dict (dict, &space, &error);
  if (done && is_about_trust (&space))
    {
      done = trd_trust_remove (trd_gate_get_registry (call->gate),
                               session,
                               space.host,
                               space.port,
                               space.is_proxy,
                               NULL,
                               &error);
      trd_call_return_done (call, done, error);
      return;
    }
  if (!done)
    {
      trd_call_return_error (call, error);
      return;
    }

  trd_credentials_remove_async (credentials_of (call),
                                session,
                                &space,
                                on_removed,
                                saying_new (call, session->row->id));
}

static GVariant *
join_lists (GVariant *first, GVariant *second)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  GVariant *const lists[] = { first, second };

  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    for (gsize j = 0; j < g_variant_n_children (lists[i]); j++)
      {
        g_autoptr (GVariant) child = g_variant_get_child_value (lists[i], j);

        g_variant_builder_add_value (&builder, child);
      }

  return g_variant_builder_end (&builder);
}

static void
on_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Saying) self = user_data;
  TrdRegistry *registry = trd_gate_get_registry (self->call->gate);
  TrdSession *session = trd_registry_find_session (registry, self->id);
  GError *error = NULL;
  g_autoptr (GVariant) credentials = trd_credentials_list_finish (result, &error);
  g_autoptr (GVariant) trusted = NULL;

  if (credentials != NULL && session == NULL)
    {
      trd_call_return_not_found (self->call);
      return;
    }

  if (credentials != NULL)
    trusted = trd_trust_list (registry, session, &error);
  if (trusted == NULL)
    {
      trd_call_return_error (self->call, error);
      return;
    }

  g_variant_ref_sink (trusted);
  trd_call_return (self->call,
                   g_variant_new ("(@aa{sv})", join_lists (credentials, trusted)));
}

void
trd_handle_list_credentials (gpointer object, TrdCall *call)
{
  TrdSession *session = object;

  trd_credentials_list_async (
      credentials_of (call), session, on_listed, saying_new (call, session->row->id));
}
