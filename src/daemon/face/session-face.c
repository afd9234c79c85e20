/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A session: attaching, making and listing tasks, hearing and completing events. Handlers
 * are called with a session the caller may address.  What completes or invalidates may
 * remove the session, so nothing is read from it afterwards. */

#include "config.h"

#include "face/face.h"

#include "common/names.h"
#include "common/vocabulary.h"
#include "core/reset.h"
#include "core/secret-options.h"
#include "core/challenge.h"
#include "core/request.h"
#include "face/bodies.h"
#include "face/claim.h"
#include "face/cookies-face.h"
#include "face/credentials-face.h"
#include "face/events-face.h"
#include "face/outlet.h"
#include "face/query.h"
#include "face/session-view.h"
#include "face/task-view.h"

/* ---- attaching ---- */

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  gint64 first = *(const gint64 *)a;
  gint64 second = *(const gint64 *)b;

  return (first > second) - (first < second);
}

/* Paths of @ids, as `ao`.  Floating. */
static GVariant *
new_task_paths (GArray *ids)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (
      G_VARIANT_TYPE_OBJECT_PATH_ARRAY);

  for (guint i = 0; i < ids->len; i++)
    {
      g_autofree char *path = trd_task_object_path (g_array_index (ids, gint64, i));

      g_variant_builder_add (&builder, "o", path);
    }

  return g_variant_builder_end (&builder);
}

static GVariant *
list_challenges (TrdSession *session)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint64));
  GHashTableIter iter;
  TrdTask *task;

  g_hash_table_iter_init (&iter, session->tasks);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&task))
    if (task->state == TRUNDLE_TASK_CHALLENGED && task->challenge != NULL
        && task->challenge->row->state == TRD_CHALLENGE_OPEN)
      g_array_append_val (ids, task->id);
  g_array_sort (ids, compare_ids);

  return new_task_paths (ids);
}

static GVariant *
describe_attachment (TrdSession *session, const TrdAttachment *attachment)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "pending", "u", attachment->pending);
  g_variant_dict_insert (&dict, "last-sequence", "t", attachment->last_sequence);
  g_variant_dict_insert (&dict, "woken", "b", attachment->woken);
  g_variant_dict_insert (&dict, "reason", "s", attachment->reason);
  g_variant_dict_insert_value (&dict, "challenges", list_challenges (session));

  return g_variant_new ("(@a{sv})", g_variant_dict_end (&dict));
}

static void
handle_attach (gpointer object, TrdCall *call)
{
  TrdSession *session = object;
  TrdCourier *courier = trd_gate_get_courier (call->gate);
  g_autoptr (GVariant) given = g_variant_get_child_value (call->parameters, 0);
  g_autoptr (GVariant) options = NULL;
  TrdAttachment attachment = {
    .pending = session->n_events,
    .last_sequence = session->row->last_sequence,
    .reason = "",
  };
  GError *error = NULL;
  gboolean replace;

  options = trundle_vocabulary_check (given, TRUNDLE_SCOPE_ATTACH, &error);
  if (options == NULL)
    {
      trd_call_return_error (call, error);
      return;
    }
  if (session->row->state == TRUNDLE_SESSION_RETIRED)
    {
      trd_call_return_literal (
          call, TRUNDLE_ERROR_BAD_STATE, "The session was invalidated");
      return;
    }
  if (trundle_options_get_boolean (options, NULL, "observe"))
    {
      trd_courier_observe (courier, session, call->peer->name);
      trd_call_return (call, describe_attachment (session, &attachment));
      return;
    }

  replace = trundle_options_get_boolean (options, NULL, "replace");
  if (!trd_courier_attach (
          courier, session, call->peer->name, replace, &attachment, &error))
    {
      trd_call_return_error (call, error);
      return;
    }

  trd_call_return (call, describe_attachment (session, &attachment));
  trd_courier_begin_replay (courier, session);
}

static void
handle_detach (gpointer object, TrdCall *call)
{
  GError *error = NULL;
  gboolean done = trd_courier_detach (
      trd_gate_get_courier (call->gate), object, call->peer->name, &error);

  trd_call_return_done (call, done, error);
}

/* ---- making tasks ---- */

/* NULL after the call was answered with the error. */
static GArray *
create_tasks (TrdCall *call, TrdSession *session, GPtrArray *drafts)
{
  GError *error = NULL;
  GArray *ids = trd_registry_create_tasks (
      trd_gate_get_registry (call->gate), session, drafts, &error);

  if (ids == NULL)
    trd_call_return_error (call, error);
  else if (call->bodies != NULL)
    trd_bodies_settle (call->bodies, drafts);

  return ids;
}

static TrdSession *
get_session (gpointer object)
{
  return object;
}

static GPtrArray *
new_values (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
}

static GPtrArray *
find_secrets_of_task (TrdCall *call, TrundleKind kind)
{
  g_autoptr (GVariant) options = NULL;
  g_autoptr (GVariant) checked = NULL;
  GPtrArray *values;
  GVariant *secrets;
  const char *url;

  g_variant_get (call->parameters, "(&s@a{sv})", &url, &options);
  if (!trd_request_may_bring_secrets (url, options))
    return NULL;
  /* What is wrong is told by the handler. */
  checked = trundle_vocabulary_check (options, trd_draft_scope (kind), NULL);
  secrets = checked != NULL ? trd_request_find_secrets (url, checked) : NULL;
  if (secrets == NULL)
    return NULL;

  values = new_values ();
  g_ptr_array_add (values, secrets);
  return values;
}

static GPtrArray *
find_secrets_of_download (gpointer object, TrdCall *call)
{
  return find_secrets_of_task (call, TRUNDLE_KIND_DOWNLOAD);
}

static GPtrArray *
find_secrets_of_upload (gpointer object, TrdCall *call)
{
  return find_secrets_of_task (call, TRUNDLE_KIND_UPLOAD);
}

static void
create_task (TrdCall *call, TrdSession *session, TrundleKind kind)
{
  g_autoptr (GPtrArray) drafts = g_ptr_array_new_with_free_func (
      (GDestroyNotify)trd_draft_free);
  g_autoptr (GVariant) options = NULL;
  g_autoptr (GArray) ids = NULL;
  g_autofree char *path = NULL;
  GError *error = NULL;
  const char *url;
  TrdDraft *draft;

  g_variant_get (call->parameters, "(&s@a{sv})", &url, &options);
  draft = trd_draft_from_call (call, session, kind, url, options, &error);
  if (draft == NULL)
    {
      trd_call_return_error (call, error);
      return;
    }

  g_ptr_array_add (drafts, draft);
  ids = create_tasks (call, session, drafts);
  if (ids == NULL)
    return;

  path = trd_task_object_path (g_array_index (ids, gint64, 0));
  trd_call_return (call, g_variant_new ("(o)", path));
}

static void
handle_create_download_task (gpointer object, TrdCall *call)
{
  create_task (call, object, TRUNDLE_KIND_DOWNLOAD);
}

static void
handle_create_upload_task (gpointer object, TrdCall *call)
{
  create_task (call, object, TRUNDLE_KIND_UPLOAD);
}

/* (transfer full) (nullable) */
static GVariant *
find_secrets_of_dict (GVariant *dict)
{
  g_autoptr (GVariant) checked = NULL;
  const char *url = "";

  g_variant_lookup (dict, "url", "&s", &url);
  if (!trd_request_may_bring_secrets (url, dict))
    return NULL;
  checked = trundle_vocabulary_check (
      dict, trd_draft_scope (trd_draft_kind_of (dict)) | TRUNDLE_SCOPE_BATCH, NULL);
  if (checked == NULL)
    return NULL;

  return trd_request_find_secrets (url, checked);
}

static gboolean
may_have_user_info (GVariant *dict)
{
  const char *url = "";

  g_variant_lookup (dict, "url", "&s", &url);
  return strchr (url, '@') != NULL;
}

/* Mostly a batch has one token for all. */
static gboolean
brings_the_same (GVariant *dict, GVariant *before)
{
  return !may_have_user_info (dict) && !may_have_user_info (before)
         && trd_secret_options_are_alike (dict, before);
}

static GPtrArray *
find_secrets_of_tasks (gpointer object, TrdCall *call)
{
  g_autoptr (GVariant) dicts = g_variant_get_child_value (call->parameters, 0);
  g_autoptr (GPtrArray) values = new_values ();
  g_autoptr (GVariant) looked_at = NULL;

  for (gsize i = 0; i < g_variant_n_children (dicts); i++)
    {
      g_autoptr (GVariant) dict = g_variant_get_child_value (dicts, i);
      GVariant *secrets;

      if (looked_at != NULL && brings_the_same (dict, looked_at))
        continue;
      secrets = find_secrets_of_dict (dict);
      if (secrets != NULL)
        g_ptr_array_add (values, secrets);
      g_clear_pointer (&looked_at, g_variant_unref);
      looked_at = g_steal_pointer (&dict);
    }

  return values->len > 0 ? g_steal_pointer (&values) : NULL;
}

static void
handle_create_tasks (gpointer object, TrdCall *call)
{
  g_autoptr (GPtrArray) drafts = g_ptr_array_new_with_free_func (
      (GDestroyNotify)trd_draft_free);
  g_autoptr (GVariant) dicts = g_variant_get_child_value (call->parameters, 0);
  g_autoptr (GArray) ids = NULL;

  for (gsize i = 0; i < g_variant_n_children (dicts); i++)
    {
      g_autoptr (GVariant) dict = g_variant_get_child_value (dicts, i);
      GError *error = NULL;
      TrdDraft *draft = trd_draft_from_batch (call, object, (guint)i, dict, &error);

      if (draft == NULL)
        {
          g_prefix_error (&error, "Task %" G_GSIZE_FORMAT ": ", i);
          trd_call_return_error (call, error);
          return;
        }
      g_ptr_array_add (drafts, draft);
    }

  ids = create_tasks (call, object, drafts);
  if (ids != NULL)
    trd_call_return (call, g_variant_new ("(@ao)", new_task_paths (ids)));
}

/* ---- listing and cancelling ---- */

/* Bytes of what was added. */
static gsize
add_task (GVariantBuilder *builder,
          TrdRegistry *registry,
          TrdTask *task,
          const TrdTaskRow *row,
          const TrdQuery *query)
{
  TrdTaskView view = { .registry = registry, .task = task, .row = row };
  g_autofree char *path = trd_task_object_path (row->id);
  GVariant *dict = trd_task_view_to_dict (&view, (const char *const *)query->properties);
  gsize size = g_variant_get_size (dict);

  g_variant_builder_add (builder, "(o@a{sv})", path, dict);
  return size;
}

static void
handle_list_tasks (gpointer object, TrdCall *call)
{
  TrdRegistry *registry = trd_gate_get_registry (call->gate);
  g_autoptr (GVariant) filter = g_variant_get_child_value (call->parameters, 0);
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (
      G_VARIANT_TYPE ("a(oa{sv})"));
  g_autoptr (GPtrArray) rows = NULL;
  g_auto (TrdQuery) query = { 0 };
  GError *error = NULL;
  guint n_added = 0;
  gsize size = 0;

  if (trd_query_init (&query, filter, &error))
    rows = trd_registry_list_tasks (registry, object, &query.filter, &error);
  if (rows == NULL)
    {
      trd_call_return_error (call, error);
      return;
    }

  for (guint i = 0; i < rows->len; i++)
    {
      const TrdTaskRow *row = g_ptr_array_index (rows, i);
      TrdTask *task = trd_registry_find_task (registry, row->id);

      if (query.limit != 0 && n_added == query.limit)
        break;
      if (task == NULL || !trd_query_matches (&query, row->state))
        continue;
      size += add_task (&builder, registry, task, row, &query);
      n_added++;
      /* Answers to uploads are long, and need not all be in memory to be refused. */
      if (size > trd_call_reply_max)
        {
          trd_call_return_too_large (call);
          return;
        }
    }

  trd_call_return (call, g_variant_new ("(a(oa{sv}))", &builder));
}

static void
handle_cancel_tasks (gpointer object, TrdCall *call)
{
  g_autoptr (GVariant) filter = g_variant_get_child_value (call->parameters, 0);
  g_auto (TrdQuery) query = { 0 };
  GError *error = NULL;
  guint n = 0;

  if (!trd_query_init (&query, filter, &error))
    {
      trd_call_return_error (call, error);
      return;
    }

  /* The registry can tell running from queued. */
  query.filter.limit = query.limit;
  if (!trd_registry_cancel_tasks (
          trd_gate_get_registry (call->gate), object, &query.filter, &n, &error))
    trd_call_return_error (call, error);
  else
    trd_call_return (call, g_variant_new ("(u)", n));
}

/* ---- the session itself ---- */

static void
handle_finish_tasks_and_invalidate (gpointer object, TrdCall *call)
{
  GError *error = NULL;
  gboolean done = trd_registry_finish_and_invalidate (
      trd_gate_get_registry (call->gate), object, &error);

  trd_call_return_done (call, done, error);
}

static void
handle_invalidate_and_cancel (gpointer object, TrdCall *call)
{
  GError *error = NULL;
  gboolean done = trd_courier_invalidate (
      trd_gate_get_courier (call->gate), object, &error);

  trd_call_return_done (call, done, error);
}

static void
handle_flush (gpointer object, TrdCall *call)
{
  GError *error = NULL;
  gboolean done = trd_store_flush (trd_gate_get_env (call->gate)->store, &error);

  trd_call_return_done (call, done, error);
}

static void
on_reset (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  gboolean done = trd_registry_reset_session_finish (
      TRD_REGISTRY (source), result, &error);

  trd_call_return_done (user_data, done, error);
}

static void
handle_reset (gpointer object, TrdCall *call)
{
  trd_registry_reset_session_async (
      trd_gate_get_registry (call->gate), object, on_reset, call);
}

typedef struct
{
  TrdCall *call; /* (owned) until it is answered */
  gint64 session_id;
  GVariant *configuration; /* (owned) */
} Configuring;

static void
configuring_free (Configuring *self)
{
  g_variant_unref (self->configuration);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Configuring, configuring_free)

static void
configure (Configuring *self)
{
  TrdRegistry *registry = trd_gate_get_registry (self->call->gate);
  TrdSession *session = trd_registry_find_session (registry, self->session_id);
  GError *error = NULL;
  gboolean done;

  if (session == NULL)
    {
      trd_call_return_not_found (self->call);
      return;
    }

  done = trd_registry_configure (registry, session, self->configuration, &error);
  trd_call_return_done (self->call, done, error);
}

static void
on_secrets_kept (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Configuring) self = user_data;

  self->call->secrets = trd_secret_pool_prepare_finish (TRD_SECRET_POOL (source), result);
  configure (self);
}

static void
on_names_claimed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Configuring) self = user_data;
  TrdRegistry *registry = trd_gate_get_registry (self->call->gate);
  TrdSession *session = trd_registry_find_session (registry, self->session_id);
  GError *error = NULL;
  g_autoptr (TrdOwner) owner = trd_claim_finish (result, &error);
  g_autoptr (GPtrArray) values = new_values ();
  g_autoptr (GVariant) secrets = NULL;

  if (owner != NULL && session == NULL)
    {
      trd_call_return_not_found (self->call);
      return;
    }

  if (owner == NULL)
    {
      trd_call_return_error (self->call, error);
      return;
    }

  secrets = trd_registry_plan_configuration (session, self->configuration);
  if (secrets == NULL)
    {
      configure (self);
      return;
    }

  g_ptr_array_add (values, g_steal_pointer (&secrets));
  trd_secret_pool_prepare_async (trd_registry_get_secret_pool (registry),
                                 session->row->id,
                                 session->row->owner->app_id,
                                 values,
                                 on_secrets_kept,
                                 g_steal_pointer (&self));
}

static void
handle_configure (gpointer object, TrdCall *call)
{
  TrdSession *session = object;
  g_autoptr (GVariant) given = g_variant_get_child_value (call->parameters, 0);
  g_autoptr (GVariant) checked = NULL;
  g_autofree char *app_id = NULL;
  GError *error = NULL;
  Configuring *self;

  checked = trundle_vocabulary_check (given, TRUNDLE_SCOPE_CONFIGURATION, &error);
  if (checked == NULL)
    {
      trd_call_return_error (call, error);
      return;
    }
  app_id = trundle_options_get_string (checked, NULL, "app-id");
  if (app_id != NULL)
    {
      trd_call_return_literal (call,
                               TRUNDLE_ERROR_INVALID_ARGUMENT,
                               "app-id: whose a session is cannot be changed");
      return;
    }

  self = g_new0 (Configuring, 1);
  self->call = call;
  self->session_id = session->row->id;
  self->configuration = g_steal_pointer (&checked);
  trd_claim_async (trd_gate_get_env (call->gate)->launcher,
                   call->peer,
                   self->configuration,
                   on_names_claimed,
                   self);
}

/* ---- properties ---- */

static const TrdSessionRow *
row_of (gpointer view)
{
  return ((TrdSessionView *)view)->session->row;
}

static GVariant *
get_identifier (gpointer view)
{
  const char *identifier = row_of (view)->identifier;

  return g_variant_new_string (identifier != NULL ? identifier : "");
}

static GVariant *
get_app_id (gpointer view)
{
  return g_variant_new_string (row_of (view)->owner->app_id);
}

static GVariant *
get_state (gpointer view)
{
  return g_variant_new_string (trundle_session_state_to_word (row_of (view)->state));
}

static GVariant *
get_configuration (gpointer view)
{
  return g_variant_ref (row_of (view)->configuration);
}

static GVariant *
get_task_counts (gpointer view)
{
  return trd_session_view_counts (view);
}

static GVariant *
get_pending_events (gpointer view)
{
  return g_variant_new_uint32 (((TrdSessionView *)view)->session->n_events);
}

static GVariant *
get_last_sequence (gpointer view)
{
  return g_variant_new_uint64 (row_of (view)->last_sequence);
}

static GVariant *
get_delivery (gpointer view)
{
  const TrdSessionView *self = view;
  TrdDeliveryState state = trd_courier_get_state (trd_gate_get_courier (self->gate),
                                                  self->session);

  return g_variant_new_string (trd_delivery_state_to_word (state));
}

static GVariant *
get_next_launch_at (gpointer view)
{
  const TrdSessionView *self = view;

  TrdClock *clock = trd_registry_get_env (trd_gate_get_registry (self->gate))->clock;
  gint64 next_us = trd_courier_next_launch_us (trd_gate_get_courier (self->gate),
                                               self->session);

  return g_variant_new_int64 (trd_moment_date (trd_clock_now (clock), next_us));
}

/* ---- the face ---- */

static gpointer
find (TrdGate *gate, gint64 id, const TrdOwner *caller)
{
  TrdSession *session = trd_registry_find_session (trd_gate_get_registry (gate), id);

  if (session == NULL || !trd_owner_may_address (caller, session->row->owner))
    return NULL;

  return session;
}

static gpointer
load (TrdGate *gate, gpointer object, GError **error)
{
  g_autofree TrdSessionView *view = g_new0 (TrdSessionView, 1);

  if (!trd_session_view_init (view, gate, object, error))
    return NULL;

  return g_steal_pointer (&view);
}

static const TrdMethod methods[] = {
  { "Attach", handle_attach },
  { "Detach", handle_detach },
  { "CreateDownloadTask",
    handle_create_download_task,
    .needs_network = TRUE,
    .scopes = TRUNDLE_SCOPE_TASK,
    .options = 1,
    .find_secrets = find_secrets_of_download,
    .get_session = get_session },
  { "CreateUploadTask",
    handle_create_upload_task,
    .needs_network = TRUE,
    .scopes = TRUNDLE_SCOPE_UPLOAD,
    .options = 1,
    .brings_bodies = TRUE,
    .find_secrets = find_secrets_of_upload,
    .get_session = get_session },
  { "CreateTasks",
    handle_create_tasks,
    .needs_network = TRUE,
    .scopes = TRUNDLE_SCOPE_TASK | TRUNDLE_SCOPE_UPLOAD | TRUNDLE_SCOPE_BATCH,
    .options = 0,
    .brings_bodies = TRUE,
    .find_secrets = find_secrets_of_tasks,
    .get_session = get_session },
  { "ListTasks", handle_list_tasks },
  { "ListEvents", trd_handle_list_events },
  { "CompleteEvents", trd_handle_complete_events },
  { "FinishTasksAndInvalidate", handle_finish_tasks_and_invalidate },
  { "InvalidateAndCancel", handle_invalidate_and_cancel },
  { "CancelTasks", handle_cancel_tasks },
  { "Configure", handle_configure, .scopes = TRUNDLE_SCOPE_CONFIGURATION, .options = 0 },
  { "SetCredential", trd_handle_set_credential, .needs_network = TRUE },
  { "RemoveCredential", trd_handle_remove_credential },
  { "ListCredentials", trd_handle_list_credentials },
  { "SetCookies", trd_cookies_face_set, .scopes = TRUNDLE_SCOPE_COOKIE, .options = 0 },
  { "GetCookies", trd_cookies_face_get },
  { "ClearCookies", trd_cookies_face_clear },
  { "Reset", handle_reset },
  { "Flush", handle_flush },
};

static const TrdProperty properties[] = {
  { "Identifier", get_identifier, NULL },
  { "AppId", get_app_id, NULL },
  { "State", get_state, NULL },
  { "Configuration", get_configuration, NULL },
  { "TaskCounts", get_task_counts, NULL },
  { "PendingEvents", get_pending_events, NULL },
  { "LastSequence", get_last_sequence, NULL },
  { "Delivery", get_delivery, NULL },
  { "NextLaunchAt", get_next_launch_at, NULL },
};

const TrdFace trd_session_face = {
  .interface = TRUNDLE_INTERFACE_SESSION,
  .methods = methods,
  .n_methods = G_N_ELEMENTS (methods),
  .properties = properties,
  .n_properties = G_N_ELEMENTS (properties),
  .find = find,
  .load = load,
  .unload = g_free,
};
