/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The manager: the way to sessions.  Opening one takes up to three questions to the bus
 * (whose are the names, can the app be started), so the caller and what it wants are kept
 * in a closure, and no session pointer is held across a question. */

#include "config.h"

#include "face/face.h"

#include "common/names.h"
#include "common/vocabulary.h"
#include "face/claim.h"
#include "face/session-view.h"

/* ---- OpenSession ---- */

typedef struct
{
  TrdCall *call;           /* (owned) until it is answered */
  char *identifier;        /* (owned) */
  GVariant *configuration; /* (owned) */
  gboolean update;
  TrdOwner *owner;       /* (owned) (nullable): once the names are claimed */
  char *path;            /* (owned) (nullable): once opened, as the next two */
  char *activation_name; /* (owned) (nullable) */
  GVariantDict results;
} Opening;

static void
opening_free (Opening *self)
{
  g_free (self->identifier);
  g_variant_unref (self->configuration);
  g_clear_pointer (&self->owner, trd_owner_unref);
  g_free (self->path);
  g_free (self->activation_name);
  g_variant_dict_clear (&self->results);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Opening, opening_free)

/* @problem: why the app cannot be started, NULL when it can. */
static void
return_opened (Opening *self, const char *problem)
{
  g_variant_dict_insert (&self->results, "can-launch", "b", problem == NULL);
  if (problem != NULL)
    g_variant_dict_insert (&self->results, "launch-problem", "s", problem);

  trd_call_return (
      self->call,
      g_variant_new ("(o@a{sv})", self->path, g_variant_dict_end (&self->results)));
}

static void
on_activatable_known (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Opening) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *problem = NULL;

  if (!trd_launcher_is_activatable_finish (TRD_LAUNCHER (source), result, &error))
    problem = error != NULL
                  ? g_strdup ("The bus cannot tell whether the app can be started")
                  : g_strdup_printf ("There is no D-Bus service file for %s",
                                     self->activation_name);

  return_opened (self, problem);
}

static gboolean
open_session (Opening *self, const TrdOwner *owner, GError **error)
{
  TrdRegistry *registry = trd_gate_get_registry (self->call->gate);
  g_auto (GStrv) ignored = NULL;
  gboolean existing = FALSE;
  TrdSession *session;

  session = trd_registry_open_session (registry,
                                       owner,
                                       self->identifier,
                                       self->configuration,
                                       self->update,
                                       &existing,
                                       &ignored,
                                       error);
  if (session == NULL)
    return FALSE;

  self->path = trd_session_object_path (session->row->id);
  self->activation_name = trd_session_dup_activation_name (session);
  g_variant_dict_insert (&self->results, "existing", "b", existing);
  g_variant_dict_insert_value (
      &self->results,
      "ignored",
      g_variant_new_strv ((const char *const *)ignored, ignored != NULL ? -1 : 0));

  return TRUE;
}

/* Consumes @self. */
static void
open_and_return (Opening *opening)
{
  g_autoptr (Opening) self = opening;
  TrdSecretPool *pool = trd_registry_get_secret_pool (
      trd_gate_get_registry (self->call->gate));
  TrdLauncher *launcher = trd_gate_get_env (self->call->gate)->launcher;
  GError *error = NULL;
  gboolean opened;

  trd_secret_pool_use (pool, self->call->secrets);
  opened = open_session (self, self->owner, &error);
  trd_secret_pool_use (pool, NULL);
  if (!opened)
    {
      trd_call_return_error (self->call, error);
      return;
    }
  if (self->activation_name == NULL)
    {
      return_opened (self, "The caller has no app id, and gave no activation-name");
      return;
    }

  trd_launcher_is_activatable_async (
      launcher, self->activation_name, NULL, on_activatable_known, self);
  g_steal_pointer (&self);
}

static void
on_secrets_kept (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Opening *self = user_data;

  self->call->secrets = trd_secret_pool_prepare_finish (TRD_SECRET_POOL (source), result);
  open_and_return (self);
}

static void
on_names_claimed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Opening) self = user_data;
  TrdRegistry *registry = trd_gate_get_registry (self->call->gate);
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func (
      (GDestroyNotify)g_variant_unref);
  GError *error = NULL;
  GVariant *secrets;
  gint64 session_id;

  self->owner = trd_claim_finish (result, &error);
  if (self->owner == NULL)
    {
      trd_call_return_error (self->call, error);
      return;
    }

  secrets = trd_registry_plan_open (registry,
                                    self->owner,
                                    self->identifier,
                                    self->configuration,
                                    self->update,
                                    &session_id);
  if (secrets == NULL)
    {
      open_and_return (g_steal_pointer (&self));
      return;
    }

  g_ptr_array_add (values, secrets);
  trd_secret_pool_prepare_async (trd_registry_get_secret_pool (registry),
                                 session_id,
                                 self->owner->app_id,
                                 values,
                                 on_secrets_kept,
                                 self);
  g_steal_pointer (&self);
}

static void
handle_open_session (gpointer object, TrdCall *call)
{
  g_autoptr (GVariant) given = NULL;
  g_autoptr (GVariant) checked = NULL;
  g_autoptr (GVariant) kept = NULL;
  const char *identifier;
  GError *error = NULL;
  Opening *self;

  g_variant_get (call->parameters, "(&s@a{sv})", &identifier, &given);
  checked = trundle_vocabulary_check (
      given, TRUNDLE_SCOPE_CONFIGURATION | TRUNDLE_SCOPE_OPEN, &error);
  if (checked == NULL)
    {
      trd_call_return_error (call, error);
      return;
    }

  self = g_new0 (Opening, 1);
  self->call = call;
  self->identifier = g_strdup (identifier);
  self->update = trundle_options_get_boolean (checked, NULL, "update-configuration");
  g_variant_dict_init (&self->results, NULL);
  /* Neither is configuration: one is for this call, the other says whose session it is.
   */
  kept = trundle_options_with (checked, "update-configuration", NULL);
  self->configuration = trundle_options_with (kept, "app-id", NULL);
  trd_claim_async (trd_gate_get_env (call->gate)->launcher,
                   call->peer,
                   checked,
                   on_names_claimed,
                   self);
}

/* ---- ListSessions ---- */

static GVariant *
describe_session (TrdSessionView *view)
{
  const TrdSessionRow *row = view->session->row;
  g_autofree char *path = trd_session_object_path (row->id);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "path", "o", path);
  g_variant_dict_insert (
      &dict, "identifier", "s", row->identifier != NULL ? row->identifier : "");
  g_variant_dict_insert (&dict, "app-id", "s", row->owner->app_id);
  g_variant_dict_insert (&dict, "state", "s", trundle_session_state_to_word (row->state));
  g_variant_dict_insert_value (&dict, "task-counts", trd_session_view_counts (view));
  g_variant_dict_insert (&dict, "pending-events", "u", view->session->n_events);

  return g_variant_dict_end (&dict);
}

static void
handle_list_sessions (gpointer object, TrdCall *call)
{
  g_autoptr (GPtrArray) sessions = trd_registry_list_sessions (
      trd_gate_get_registry (call->gate));
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < sessions->len; i++)
    {
      TrdSession *session = g_ptr_array_index (sessions, i);
      TrdSessionView view = { 0 };
      GError *error = NULL;

      if (!trd_owner_may_address (call->peer->owner, session->row->owner))
        continue;
      if (!trd_session_view_init (&view, call->gate, session, &error))
        {
          trd_call_return_error (call, error);
          return;
        }
      g_variant_builder_add_value (&builder, describe_session (&view));
    }

  trd_call_return (call, g_variant_new ("(aa{sv})", &builder));
}

/* ---- properties; the view is the gate ---- */

static GVariant *
get_version (gpointer view)
{
  return g_variant_new_uint32 (TRUNDLE_INTERFACE_VERSION);
}

static GVariant *
get_conditions (gpointer view)
{
  return trd_conditions_to_variant (trd_gate_get_env (view)->conditions);
}

/* ---- the face ---- */

static gpointer
find (TrdGate *gate, gint64 id, const TrdOwner *caller)
{
  return gate;
}

static gpointer
load (TrdGate *gate, gpointer object, GError **error)
{
  return gate;
}

static void
unload (gpointer view)
{
}

static const TrdMethod methods[] = {
  { "OpenSession",
    handle_open_session,
    .needs_network = TRUE,
    .scopes = TRUNDLE_SCOPE_CONFIGURATION | TRUNDLE_SCOPE_OPEN,
    .options = 1 },
  { "ListSessions", handle_list_sessions },
};

static const TrdProperty properties[] = {
  { "Version", get_version, NULL },
  { "Conditions", get_conditions, NULL },
};

const TrdFace trd_manager_face = {
  .interface = TRUNDLE_INTERFACE_MANAGER,
  .methods = methods,
  .n_methods = G_N_ELEMENTS (methods),
  .properties = properties,
  .n_properties = G_N_ELEMENTS (properties),
  .find = find,
  .load = load,
  .unload = unload,
};
