/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "port/keyring-attributes.h"
#include "port/keyring-errand.h"

/* The steps of an errand: look whether the keyring is open, search, read attributes,
 * agree on a key, and what it is for. */

#define PROMPT "org.freedesktop.Secret.Prompt"
#define PROPERTIES "org.freedesktop.DBus.Properties"
#define NO_PATH "/"

/* One call of an errand. */
typedef struct
{
  GTask *task;         /* (unowned): it ends only when all have come back */
  TrdErrandItem *item; /* (unowned) (nullable): belongs to the task */
} Call;

/* ---- calls ---- */

typedef struct
{
  const char *path;
  const char *interface;
  const char *method;
  const char *reply_type;
} Method;

static const Method search_items
    = { TRD_KEYRING_PATH, TRD_KEYRING_SERVICE, "SearchItems", "(aoao)" };
static const Method get_secrets
    = { TRD_KEYRING_PATH, TRD_KEYRING_SERVICE, "GetSecrets", "(a{o(oayays)})" };

static void
call (GTask *task,
      const Method *method,
      GVariant *parameters,
      GAsyncReadyCallback callback,
      TrdErrandItem *item)
{
  TrdErrand *errand = g_task_get_task_data (task);
  Call *data = g_new (Call, 1);

  *data = (Call){ task, item };
  errand->n_calls++;
  g_dbus_connection_call (errand->keyring->bus,
                          TRD_KEYRING_BUS_NAME,
                          method->path,
                          method->interface,
                          method->method,
                          parameters,
                          G_VARIANT_TYPE (method->reply_type),
                          G_DBUS_CALL_FLAGS_NONE,
                          G_MAXINT,
                          errand->calls,
                          callback,
                          data);
}

/* NULL when it failed; of what fails the first is kept in the errand, unless it is about
 * an @item, which may be gone.  @out_is_last: of its step. */
static GVariant *
end_call (GObject *source, GAsyncResult *result, const Call *data, gboolean *out_is_last)
{
  g_autoptr (GError) error = NULL;
  TrdErrand *errand = g_task_get_task_data (data->task);
  GVariant *reply = g_dbus_connection_call_finish (
      G_DBUS_CONNECTION (source), result, &error);

  if (reply == NULL && errand->error == NULL
      && (data->item == NULL || trd_errand_is_gone (error)))
    errand->error = g_steal_pointer (&error);
  *out_is_last = --errand->n_calls == 0;
  return reply;
}

/* A prompt nobody will see. */
static void
dismiss (const TrdErrand *errand, const char *prompt)
{
  g_dbus_connection_call (errand->keyring->bus,
                          TRD_KEYRING_BUS_NAME,
                          prompt,
                          PROMPT,
                          "Dismiss",
                          NULL,
                          NULL,
                          G_DBUS_CALL_FLAGS_NO_AUTO_START,
                          -1,
                          NULL,
                          NULL,
                          NULL);
}

/* ---- storing ---- */

static void
on_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Call *data = user_data;
  TrdErrand *errand = g_task_get_task_data (data->task);
  gboolean is_last;
  g_autoptr (GVariant) reply = end_call (source, result, data, &is_last);

  if (reply != NULL && g_variant_is_of_type (reply, G_VARIANT_TYPE ("(oo)")))
    {
      const char *prompt;

      g_variant_get (reply, "(o&o)", &errand->written, &prompt);
      if (!g_str_equal (prompt, NO_PATH))
        {
          dismiss (errand, prompt);
          trd_errand_refuse (errand);
        }
    }
  if (!trd_errand_has_failed (data->task))
    trd_errand_end (data->task);
}

static gboolean
is_equal (GHashTable *some, GHashTable *others)
{
  GHashTableIter iter;
  gpointer name;
  gpointer value;

  if (g_hash_table_size (some) != g_hash_table_size (others))
    return FALSE;
  g_hash_table_iter_init (&iter, some);
  while (g_hash_table_iter_next (&iter, &name, &value))
    if (g_strcmp0 (g_hash_table_lookup (others, name), value) != 0)
      return FALSE;
  return TRUE;
}

static void
create_item (GTask *task, GVariant *secret)
{
  TrdErrand *errand = g_task_get_task_data (task);
  const Method method = { trd_keyring_watch_get_collection (errand->keyring->watch),
                          TRD_KEYRING_COLLECTION,
                          "CreateItem",
                          "(oo)" };
  GVariantBuilder properties;

  g_variant_builder_init (&properties, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&properties,
                         "{sv}",
                         TRD_KEYRING_ITEM ".Label",
                         g_variant_new_string (errand->label));
  g_variant_builder_add (
      &properties,
      "{sv}",
      TRD_KEYRING_ITEM ".Attributes",
      trd_keyring_attributes_to_item (errand->kind, errand->attributes));
  call (task,
        &method,
        g_variant_new ("(a{sv}@(oayays)b)", &properties, secret, FALSE),
        on_written,
        NULL);
}

static void
write_item (GTask *task)
{
  TrdErrand *errand = g_task_get_task_data (task);
  g_autoptr (GVariant) secret = trd_keyring_session_encrypt (errand->keyring->session,
                                                             errand->secret);

  for (guint i = 0; i < errand->items->len; i++)
    {
      TrdErrandItem *item = g_ptr_array_index (errand->items, i);
      const Method method = { item->path, TRD_KEYRING_ITEM, "SetSecret", "()" };

      if (item->locked || item->attributes == NULL
          || !is_equal (item->attributes, errand->attributes))
        continue;
      errand->written = g_strdup (item->path);
      call (task, &method, g_variant_new ("(@(oayays))", secret), on_written, NULL);
      return;
    }

  /* The collection may have gone since it was looked at. */
  if (trd_keyring_watch_get_collection (errand->keyring->watch) == NULL)
    trd_errand_refuse (errand);
  if (!trd_errand_has_failed (task))
    create_item (task, secret);
}

/* ---- removing ---- */

static void
on_deleted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Call *data = user_data;
  TrdErrand *errand = g_task_get_task_data (data->task);
  gboolean is_last;
  g_autoptr (GVariant) reply = end_call (source, result, data, &is_last);
  const char *prompt = NO_PATH;

  if (reply != NULL)
    g_variant_get (reply, "(&o)", &prompt);
  if (!g_str_equal (prompt, NO_PATH))
    {
      dismiss (errand, prompt);
      trd_errand_refuse (errand);
    }
  if (is_last && !trd_errand_has_failed (data->task))
    trd_errand_end (data->task);
}

static void
delete_items (GTask *task)
{
  TrdErrand *errand = g_task_get_task_data (task);

  for (guint i = 0; i < errand->items->len; i++)
    {
      const TrdErrandItem *item = g_ptr_array_index (errand->items, i);
      const Method method = { item->path, TRD_KEYRING_ITEM, "Delete", "(o)" };

      if (item->attributes == NULL)
        continue;
      if (item->locked)
        trd_errand_refuse (errand);
      else if (!errand->exact || is_equal (item->attributes, errand->attributes))
        call (task, &method, NULL, on_deleted, NULL);
    }
  if (errand->n_calls == 0 && !trd_errand_has_failed (task))
    trd_errand_end (task);
}

/* ---- finding ---- */

static TrdErrandItem *
find_item (const TrdErrand *errand, const char *path)
{
  for (guint i = 0; i < errand->items->len; i++)
    {
      TrdErrandItem *item = g_ptr_array_index (errand->items, i);

      if (g_str_equal (item->path, path))
        return item;
    }
  return NULL;
}

static void
take_secrets (TrdErrand *errand, GVariant *reply)
{
  g_autoptr (GVariant) secrets = g_variant_get_child_value (reply, 0);
  GVariantIter iter;
  const char *path;
  GVariant *encrypted;

  g_variant_iter_init (&iter, secrets);
  while (g_variant_iter_loop (&iter, "{&o@(oayays)}", &path, &encrypted))
    {
      TrdErrandItem *item = find_item (errand, path);

      if (item == NULL || item->secret != NULL)
        continue;
      item->secret = trd_keyring_session_decrypt (errand->keyring->session, encrypted);
      if (item->secret == NULL && errand->error == NULL)
        g_set_error (&errand->error,
                     G_IO_ERROR,
                     G_IO_ERROR_INVALID_DATA,
                     "The keyring sent what cannot be decrypted");
    }
}

static void
on_secrets (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Call *data = user_data;
  TrdErrand *errand = g_task_get_task_data (data->task);
  gboolean is_last;
  g_autoptr (GVariant) reply = end_call (source, result, data, &is_last);

  /* The key may have gone with the service that answered. */
  if (reply != NULL && trd_keyring_session_get_path (errand->keyring->session) != NULL)
    take_secrets (errand, reply);
  if (!trd_errand_has_failed (data->task))
    trd_errand_end (data->task);
}

static gboolean
is_readable (const TrdErrandItem *item)
{
  return !item->locked && item->attributes != NULL;
}

static void
read_secrets (GTask *task)
{
  TrdErrand *errand = g_task_get_task_data (task);
  GVariantBuilder paths;

  g_variant_builder_init (&paths, G_VARIANT_TYPE ("ao"));
  for (guint i = 0; i < errand->items->len; i++)
    {
      const TrdErrandItem *item = g_ptr_array_index (errand->items, i);

      if (is_readable (item))
        g_variant_builder_add (&paths, "o", item->path);
    }
  call (task,
        &get_secrets,
        g_variant_new (
            "(aoo)", &paths, trd_keyring_session_get_path (errand->keyring->session)),
        on_secrets,
        NULL);
}

/* ---- the common way ---- */

static void
on_session (gpointer user_data, const GError *error)
{
  GTask *task = user_data;
  TrdErrand *errand = g_task_get_task_data (task);

  if (error != NULL && errand->error == NULL)
    errand->error = g_error_copy (error);
  if (trd_errand_has_failed (task))
    return;
  if (errand->verb == TRD_ERRAND_FIND)
    read_secrets (task);
  else
    write_item (task);
}

/* All attributes have been read. */
static void
go_on (GTask *task)
{
  TrdErrand *errand = g_task_get_task_data (task);
  gboolean needs_key = errand->verb == TRD_ERRAND_STORE;

  if (errand->verb == TRD_ERRAND_REMOVE)
    {
      delete_items (task);
      return;
    }
  for (guint i = 0; i < errand->items->len && !needs_key; i++)
    needs_key = is_readable (g_ptr_array_index (errand->items, i));
  if (needs_key)
    trd_keyring_session_open (errand->keyring->session, on_session, task);
  else
    trd_errand_end (task);
}

static void
on_attributes (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Call *data = user_data;
  TrdErrand *errand = g_task_get_task_data (data->task);
  gboolean is_last;
  g_autoptr (GVariant) reply = end_call (source, result, data, &is_last);

  if (reply != NULL)
    {
      g_autoptr (GVariant) value = NULL;

      g_variant_get (reply, "(v)", &value);
      data->item->attributes = trd_keyring_attributes_from_item (
          errand->kind, errand->attributes, value);
    }
  if (is_last && !trd_errand_has_failed (data->task))
    go_on (data->task);
}

static void
read_attributes (GTask *task)
{
  TrdErrand *errand = g_task_get_task_data (task);

  for (guint i = 0; i < errand->items->len; i++)
    {
      TrdErrandItem *item = g_ptr_array_index (errand->items, i);
      const Method method = { item->path, PROPERTIES, "Get", "(v)" };

      call (task,
            &method,
            g_variant_new ("(ss)", TRD_KEYRING_ITEM, "Attributes"),
            on_attributes,
            item);
    }
  if (errand->n_calls == 0)
    go_on (task);
}

static void
add_items (TrdErrand *errand, GVariant *reply, gsize index)
{
  g_autoptr (GVariant) paths = g_variant_get_child_value (reply, index);
  GVariantIter iter;
  char *path;

  g_variant_iter_init (&iter, paths);
  while (g_variant_iter_next (&iter, "o", &path))
    {
      TrdErrandItem *item = g_new0 (TrdErrandItem, 1);

      item->path = path;
      item->locked = index == 1;
      g_ptr_array_add (errand->items, item);
    }
}

static void
on_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Call *data = user_data;
  TrdErrand *errand = g_task_get_task_data (data->task);
  gboolean is_last;
  g_autoptr (GVariant) reply = end_call (source, result, data, &is_last);

  if (trd_errand_has_failed (data->task))
    return;
  /* The unlocked, and the locked. */
  add_items (errand, reply, 0);
  add_items (errand, reply, 1);
  read_attributes (data->task);
}

static void
on_looked (gpointer user_data, const GError *error)
{
  GTask *task = user_data;
  TrdErrand *errand = g_task_get_task_data (task);

  if (error != NULL && errand->error == NULL)
    errand->error = g_error_copy (error);
  /* Whatever it is why nobody answers: there is no keyring, and that is no error. */
  if (error != NULL && errand->verb == TRD_ERRAND_FIND)
    g_clear_error (&errand->error);
  if (errand->verb == TRD_ERRAND_STORE
      && trd_keyring_watch_get_state (errand->keyring->watch) != TRD_VAULT_OPEN)
    trd_errand_refuse (errand);
  if (trd_errand_has_failed (task))
    return;
  if (error != NULL)
    {
      trd_errand_end (task);
      return;
    }
  call (
      task,
      &search_items,
      g_variant_new ("(@a{ss})",
                     trd_keyring_attributes_to_search (errand->kind, errand->attributes)),
      on_found,
      NULL);
}

void
trd_errand_run (GTask *task)
{
  const TrdErrand *errand = g_task_get_task_data (task);

  trd_keyring_watch_look (errand->keyring->watch, on_looked, task);
}
