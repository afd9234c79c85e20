/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The user's own view of all transfers, on the manager's object.  The gate lets nobody in
 * from a sandbox. */

#include "config.h"

#include "face/face.h"

#include "common/error.h"
#include "common/names.h"
#include "common/vocabulary.h"
#include "core/checkup.h"
#include "port/store-history.h"

static void
on_checked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  TrdCall *call = user_data;
  GError *error = NULL;
  g_autoptr (GVariant) findings = trd_checkup_finish (
      TRD_REGISTRY (source), result, &error);

  if (findings != NULL)
    trd_call_return (call, g_variant_new ("(@aa{sv})", findings));
  else
    trd_call_return_error (call, error);
}

static void
handle_check (gpointer object, TrdCall *call)
{
  gboolean mend;

  g_variant_get (call->parameters, "(b)", &mend);
  trd_checkup_async (trd_gate_get_registry (call->gate), mend, on_checked, call);
}

/* ---- history ---- */

/* The filter that a call has as its first parameter; @out_app_id holds its string. */
static gboolean
read_filter (TrdCall *call,
             TrdHistoryFilter *out_filter,
             char **out_app_id,
             GError **error)
{
  g_autoptr (GVariant) dict = g_variant_get_child_value (call->parameters, 0);
  g_autoptr (GVariant) checked = trundle_vocabulary_check (
      dict, TRUNDLE_SCOPE_HISTORY, error);

  if (checked == NULL)
    return FALSE;
  *out_app_id = trundle_options_get_string (checked, NULL, "app-id");
  *out_filter = (TrdHistoryFilter){
    .after = (gint64)trundle_options_get_uint64 (checked, NULL, "after"),
    .limit = trundle_options_get_uint (checked, NULL, "limit"),
    .app_id = *out_app_id,
  };
  return TRUE;
}

static void
insert_text (GVariantDict *dict, const char *key, const char *text)
{
  g_autofree char *clean = NULL;

  if (text == NULL)
    return;
  clean = g_utf8_make_valid (text, -1);
  g_variant_dict_insert (dict, key, "s", clean);
}

/* How it ended, in a word; the error's name is told besides. */
static const char *
find_result (const TrdHistoryRow *row)
{
  if (row->error_name == NULL)
    return "succeeded";
  if (g_str_equal (row->error_name, TRD_HISTORY_EXPIRED))
    return "expired";
  if (g_str_equal (row->error_name, trundle_error_to_name (TRUNDLE_ERROR_CANCELLED)))
    return "cancelled";
  return "failed";
}

static GVariant *
describe_row (const TrdHistoryRow *row)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  const char *result = find_result (row);

  g_variant_dict_insert (&dict, "number", "t", (guint64)row->task_id);
  insert_text (&dict, "app-id", row->owner->app_id);
  g_variant_dict_insert (
      &dict, "sandboxed", "b", !g_str_equal (row->owner->confinement, "host"));
  insert_text (&dict, "session", row->session);
  g_variant_dict_insert (&dict, "kind", "s", trundle_kind_to_word (row->kind));
  g_variant_dict_insert (&dict, "created", "x", row->created_us);
  g_variant_dict_insert (&dict, "finished", "x", row->finished_us);
  g_variant_dict_insert (&dict, "received", "t", row->received);
  if (row->kind == TRUNDLE_KIND_UPLOAD)
    g_variant_dict_insert (&dict, "sent", "t", row->sent);
  insert_text (&dict, "url", row->url);
  g_variant_dict_insert (&dict, "result", "s", result);
  if (g_str_equal (result, "failed"))
    insert_text (&dict, "error", row->error_name);
  insert_text (&dict, "path", row->final_path);
  insert_text (&dict, "description", row->description);
  return g_variant_dict_end (&dict);
}

static void
handle_list_history (gpointer object, TrdCall *call)
{
  TrdStore *store = trd_registry_get_env (trd_gate_get_registry (call->gate))->store;
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_autofree char *app_id = NULL;
  g_autoptr (GPtrArray) rows = NULL;
  TrdHistoryFilter filter;
  GError *error = NULL;

  if (read_filter (call, &filter, &app_id, &error))
    rows = trd_store_list_history (store, &filter, &error);
  if (rows == NULL)
    {
      trd_call_return_error (call, error);
      return;
    }

  for (guint i = 0; i < rows->len; i++)
    g_variant_builder_add_value (&builder, describe_row (g_ptr_array_index (rows, i)));
  trd_call_return (call, g_variant_new ("(aa{sv})", &builder));
}

static void
handle_clear_history (gpointer object, TrdCall *call)
{
  TrdStore *store = trd_registry_get_env (trd_gate_get_registry (call->gate))->store;
  g_autofree char *app_id = NULL;
  TrdHistoryFilter filter;
  GError *error = NULL;

  if (read_filter (call, &filter, &app_id, &error) && filter.limit != 0)
    g_set_error_literal (&error,
                         TRUNDLE_ERROR,
                         TRUNDLE_ERROR_INVALID_ARGUMENT,
                         "“limit” is not for clearing: more would go than it says");
  if (error == NULL && trd_store_clear_history (store, &filter, &error))
    trd_call_return (call, NULL);
  else
    trd_call_return_error (call, error);
}

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
  { "Check", handle_check },
  { "ListHistory", handle_list_history },
  { "ClearHistory", handle_clear_history },
};

const TrdFace trd_control_face = {
  .interface = TRUNDLE_INTERFACE_CONTROL,
  .host_only = TRUE,
  .methods = methods,
  .n_methods = G_N_ELEMENTS (methods),
  .find = find,
  .load = load,
  .unload = unload,
};
