/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "port/keyring-errand.h"

/* The life of an errand: its time, its caller's patience, its place among those that
 * write, and what it answers. */

static void
item_free (gpointer data)
{
  TrdErrandItem *item = data;

  g_free (item->path);
  g_clear_pointer (&item->attributes, g_hash_table_unref);
  g_clear_pointer (&item->secret, g_bytes_unref);
  g_free (item);
}

static void
clear_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
errand_free (gpointer data)
{
  TrdErrand *errand = data;

  g_hash_table_unref (errand->attributes);
  g_free (errand->label);
  g_clear_pointer (&errand->secret, g_bytes_unref);
  g_object_unref (errand->calls);
  clear_source (&errand->impatience);
  clear_source (&errand->timeout);
  g_ptr_array_unref (errand->items);
  g_free (errand->written);
  g_clear_error (&errand->error);
  g_free (errand);
}

static void
start (GTask *task)
{
  TrdErrand *errand = g_task_get_task_data (task);

  if (errand->started)
    return;

  errand->started = TRUE;
  if (errand->verb == TRD_ERRAND_STORE)
    trd_keyring_watch_begin_write (errand->keyring->watch);
  trd_errand_run (task);
}

/* ---- those that write ---- */

static gboolean
is_write (const TrdErrand *errand)
{
  return errand->verb != TRD_ERRAND_FIND;
}

static gboolean
start_first (gpointer data)
{
  GTask *task = data;
  const TrdErrand *errand = g_task_get_task_data (task);

  if (g_queue_peek_head (&errand->keyring->writes) == task)
    start (task);
  return G_SOURCE_REMOVE;
}

/* The next write starts from the main loop: a thousand that fail at once would be a
 * thousand calls deep. */
static void
leave_writes (GTask *task, const TrdErrand *errand)
{
  GQueue *writes = &errand->keyring->writes;
  gboolean was_first = g_queue_peek_head (writes) == task;

  g_queue_remove (writes, task);
  if (was_first && !g_queue_is_empty (writes))
    g_idle_add_full (G_PRIORITY_DEFAULT,
                     start_first,
                     g_object_ref (g_queue_peek_head (writes)),
                     g_object_unref);
}

/* ---- the end ---- */

static GPtrArray *
take_found (TrdErrand *errand)
{
  GPtrArray *found = g_ptr_array_new_with_free_func ((GDestroyNotify)trd_vault_item_free);

  for (guint i = 0; i < errand->items->len; i++)
    {
      const TrdErrandItem *item = g_ptr_array_index (errand->items, i);

      /* Without any it was removed meanwhile, or is of another kind. */
      if (item->attributes != NULL)
        g_ptr_array_add (found, trd_vault_item_new (item->attributes, item->secret));
    }
  return found;
}

void
trd_errand_end (GTask *task)
{
  TrdErrand *errand = g_task_get_task_data (task);

  clear_source (&errand->impatience);
  clear_source (&errand->timeout);
  if (is_write (errand))
    leave_writes (task, errand);
  if (errand->verb == TRD_ERRAND_STORE && errand->started)
    trd_keyring_watch_end_write (errand->keyring->watch, errand->written);
  if (errand->error != NULL)
    {
      g_dbus_error_strip_remote_error (errand->error);
      g_task_return_error (task, g_steal_pointer (&errand->error));
    }
  else if (errand->verb == TRD_ERRAND_FIND)
    g_task_return_pointer (task, take_found (errand), (GDestroyNotify)g_ptr_array_unref);
  else
    g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

gboolean
trd_errand_is_gone (const GError *error)
{
  return g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY)
         || g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN)
         || g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

gboolean
trd_errand_has_failed (GTask *task)
{
  TrdErrand *errand = g_task_get_task_data (task);

  if (errand->error == NULL)
    return FALSE;

  if (trd_errand_is_gone (errand->error) && !errand->timed_out)
    trd_keyring_watch_lost (errand->keyring->watch);
  if (errand->verb == TRD_ERRAND_FIND
      && (errand->timed_out || trd_errand_is_gone (errand->error)))
    {
      g_clear_error (&errand->error);
      g_ptr_array_set_size (errand->items, 0);
    }
  trd_errand_end (task);
  return TRUE;
}

void
trd_errand_refuse (TrdErrand *errand)
{
  if (errand->error == NULL)
    g_set_error (&errand->error,
                 G_IO_ERROR,
                 G_IO_ERROR_PERMISSION_DENIED,
                 "The keyring is not open");
}

/* What is under way comes back with an error; what only waits is ended here. */
static void
stop (GTask *task, int code, const char *message)
{
  TrdErrand *errand = g_task_get_task_data (task);

  clear_source (&errand->impatience);
  clear_source (&errand->timeout);
  g_clear_error (&errand->error);
  g_set_error_literal (&errand->error, G_IO_ERROR, code, message);
  g_cancellable_cancel (errand->calls);
  if (!errand->started || trd_keyring_watch_forget (errand->keyring->watch, task)
      || trd_keyring_session_forget (errand->keyring->session, task))
    trd_errand_has_failed (task);
}

static gboolean
on_timeout (gpointer data)
{
  GTask *task = data;
  TrdErrand *errand = g_task_get_task_data (task);

  errand->timed_out = TRUE;
  trd_keyring_watch_give_up (errand->keyring->watch);
  stop (task, G_IO_ERROR_TIMED_OUT, "The keyring does not answer");
  return G_SOURCE_REMOVE;
}

static gboolean
on_impatient (GCancellable *cancellable, gpointer data)
{
  stop (data, G_IO_ERROR_CANCELLED, "Cancelled");
  return G_SOURCE_REMOVE;
}

/* ---- the beginning ---- */

TrdErrand *
trd_errand_new (TrdKeyring *keyring,
                GTask *task,
                TrdErrandVerb verb,
                TrdVaultKind kind,
                GHashTable *attributes)
{
  TrdErrand *errand = g_new0 (TrdErrand, 1);

  errand->keyring = keyring;
  errand->verb = verb;
  errand->kind = kind;
  errand->attributes = trd_vault_kind_filter (kind, attributes);
  errand->calls = g_cancellable_new ();
  errand->items = g_ptr_array_new_with_free_func (item_free);
  g_task_set_task_data (task, errand, errand_free);
  return errand;
}

void
trd_errand_begin (GTask *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  TrdErrand *errand = g_task_get_task_data (task);
  GQueue *writes = &errand->keyring->writes;

  errand->timeout = g_timeout_source_new (errand->keyring->timeout_ms);
  g_source_set_callback (errand->timeout, on_timeout, task, NULL);
  g_source_attach (errand->timeout, NULL);
  if (cancellable != NULL)
    {
      errand->impatience = g_cancellable_source_new (cancellable);
      g_source_set_callback (
          errand->impatience, G_SOURCE_FUNC (on_impatient), task, NULL);
      g_source_attach (errand->impatience, NULL);
    }

  if (is_write (errand))
    g_queue_push_tail (writes, task);
  if (!is_write (errand) || g_queue_peek_head (writes) == task)
    start (task);
}
