/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who has which cookies.  Here is the truth of a session's jar; workers have copies by
 * its version, and tell what servers change.  The keyring is read before the first
 * attempt of a session that is older than this daemon, and written a little later than
 * the jar changes, since that costs a file of the whole keyring each time.
 *
 * A jar that is cleared gets another number: what is still told of the old one is of who
 * the user was before. */

#include "config.h"

#include "core/cookies-private.h"

#include "common/defaults.h"
#include "common/error.h"
#include "common/vocabulary.h"
#include "core/registry.h"

G_DEFINE_FINAL_TYPE (TrdCookies, trd_cookies, G_TYPE_OBJECT)

static guint loaded_signal;

/* ---- jars ---- */

static gint64
now_s (TrdCookies *self)
{
  return trd_clock_now_us (self->env->clock) / G_USEC_PER_SEC;
}

static void
free_jar (gpointer data)
{
  TrdJar *jar = data;

  g_clear_pointer (&jar->cookies, trundle_cookies_free);
  g_clear_pointer (&jar->all, g_variant_unref);
  g_clear_pointer (&jar->app_id, g_free);
  g_ptr_array_unref (jar->waiters);
  g_free (jar);
}

TrdJar *
trd_cookies_find_session (TrdCookies *self, gint64 session_id)
{
  return g_hash_table_lookup (self->jars, &session_id);
}

static TrdJar *
ensure (TrdCookies *self, TrdSession *session)
{
  TrdJar *jar = trd_cookies_find_session (self, session->row->id);

  if (jar != NULL)
    return jar;

  jar = g_new0 (TrdJar, 1);
  jar->owner = self;
  jar->session_id = session->row->id;
  jar->app_id = g_strdup (session->row->owner->app_id);
  jar->number = ++self->last_number;
  jar->version = 1;
  jar->cookies = trundle_cookies_new ();
  jar->waiters = g_ptr_array_new_with_free_func (g_object_unref);
  /* Where nothing can be kept, nothing is. */
  jar->loaded = !trd_cookies_has_vault (self);
  g_hash_table_insert (self->jars, &jar->session_id, jar);
  return jar;
}

/* Asked often, so without the vocabulary, whose default is "never". */
static gboolean
has_policy (TrdSession *session)
{
  const char *policy = "never";

  g_variant_lookup (session->row->configuration, "cookie-policy", "&s", &policy);
  return strcmp (policy, "never") != 0;
}

void
trd_cookies_note_changed (TrdJar *jar)
{
  jar->version++;
  g_clear_pointer (&jar->all, g_variant_unref);
}

void
trd_cookies_welcome (TrdCookies *self, TrdSession *session)
{
  if (has_policy (session))
    ensure (self, session)->loaded = TRUE;
}

gboolean
trd_cookies_is_waiting (TrdCookies *self, TrdSession *session)
{
  TrdJar *jar;

  if (!has_policy (session))
    return FALSE;

  jar = ensure (self, session);
  if (!jar->loaded && !jar->locked)
    trd_cookies_read (self);
  return !jar->loaded;
}

/* ---- attempts ---- */

void
trd_cookies_add_to_request (TrdCookies *self,
                            TrdSession *session,
                            GVariant *options,
                            GVariantDict *request)
{
  GVariant *configuration = session->row->configuration;
  g_autoptr (GVariant) policy = trundle_options_get_value (
      configuration, NULL, "cookie-policy");

  if (!trundle_options_get_boolean (options, configuration, "set-cookies"))
    g_variant_dict_insert (request, "set-cookies", "b", FALSE);
  else if (has_policy (session))
    {
      g_variant_dict_insert (request, "jar", "t", ensure (self, session)->number);
      g_variant_dict_insert_value (request, "cookie-policy", policy);
    }
}

static TrdJar *
find_number (TrdCookies *self, guint64 number)
{
  GHashTableIter iter;
  TrdJar *jar;

  g_hash_table_iter_init (&iter, self->jars);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&jar))
    {
      if (jar->number == number)
        return jar;
    }
  return NULL;
}

gboolean
trd_cookies_look (TrdCookies *self,
                  guint64 number,
                  guint64 *out_version,
                  GVariant **out_cookies)
{
  TrdJar *jar = find_number (self, number);

  if (jar == NULL)
    return FALSE;
  if (jar->all == NULL)
    jar->all = trundle_cookies_to_variant (jar->cookies, now_s (self));
  *out_version = jar->version;
  *out_cookies = jar->all;
  return TRUE;
}

guint64
trd_cookies_take (TrdCookies *self, guint64 number, guint64 version, GVariant *changes)
{
  TrdJar *jar = find_number (self, number);
  TrundleCookiesChange change;
  gboolean is_current;

  if (jar == NULL)
    return 0;
  is_current = jar->version == version;
  change = trundle_cookies_merge (jar->cookies, changes, now_s (self));
  if (change == TRUNDLE_COOKIES_SAME)
    return is_current ? version : 0;

  trd_cookies_note_changed (jar);
  trd_cookies_keep_later (jar,
                          change == TRUNDLE_COOKIES_EXTENDED
                              ? TRD_COOKIES_EXTENDED_KEPT_US
                              : TRD_COOKIES_KEPT_US);
  return is_current ? jar->version : 0;
}

/* ---- the app's own verbs ---- */

static void
return_list (TrdCookies *self, GTask *task)
{
  gint64 *session_id = g_task_get_task_data (task);
  TrdJar *jar = trd_cookies_find_session (self, *session_id);

  if (jar == NULL)
    g_task_return_new_error (
        task, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND, "The session is gone");
  else
    g_task_return_pointer (task,
                           trundle_cookies_to_variant (jar->cookies, now_s (self)),
                           (GDestroyNotify)g_variant_unref);
}

static GTask *
new_task (TrdCookies *self,
          TrdJar *jar,
          gpointer tag,
          GAsyncReadyCallback callback,
          gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, tag);
  g_task_set_task_data (
      task, g_memdup2 (&jar->session_id, sizeof jar->session_id), g_free);
  return task;
}

void
trd_cookies_list_async (TrdCookies *self,
                        TrdSession *session,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  TrdJar *jar = ensure (self, session);
  g_autoptr (GTask) task = new_task (
      self, jar, trd_cookies_list_async, callback, user_data);

  if (jar->loaded || jar->locked)
    {
      return_list (self, task);
      return;
    }
  g_ptr_array_add (self->readers, g_steal_pointer (&task));
  trd_cookies_read (self);
}

GVariant *
trd_cookies_list_finish (TrdCookies *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, trd_cookies_list_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
trd_cookies_set_async (TrdCookies *self,
                       TrdSession *session,
                       GVariant *cookies,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  TrdJar *jar = ensure (self, session);

  trundle_cookies_merge (jar->cookies, cookies, now_s (self));
  trd_cookies_note_changed (jar);
  g_ptr_array_add (jar->waiters,
                   new_task (self, jar, trd_cookies_set_async, callback, user_data));
  trd_cookies_keep_now (jar);
}

/* That they are in memory only is no error: so it is with all that is secret. */
gboolean
trd_cookies_set_finish (TrdCookies *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, trd_cookies_set_async), FALSE);

  g_task_propagate_boolean (G_TASK (result), NULL);
  return TRUE;
}

void
trd_cookies_clear_async (TrdCookies *self,
                         TrdSession *session,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  TrdJar *jar = ensure (self, session);

  trd_transport_forget_jar (self->env->transport, jar->number);
  jar->number = ++self->last_number;
  trundle_cookies_free (jar->cookies);
  jar->cookies = trundle_cookies_new ();
  trd_cookies_note_changed (jar);
  /* Whatever the keyring has is of no use any more. */
  jar->maybe_kept |= !jar->loaded || jar->unread;
  jar->loaded = TRUE;
  jar->locked = FALSE;
  jar->unread = FALSE;
  g_ptr_array_add (jar->waiters,
                   new_task (self, jar, trd_cookies_clear_async, callback, user_data));
  trd_cookies_keep_now (jar);
  g_signal_emit (self, loaded_signal, 0);
}

gboolean
trd_cookies_clear_finish (TrdCookies *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, trd_cookies_clear_async),
                        FALSE);

  if (g_task_propagate_boolean (G_TASK (result), NULL))
    return TRUE;
  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_FAILED,
                       "The cookies are forgotten, but could not be removed from the "
                       "keyring yet");
  return FALSE;
}

/* ---- following ---- */

void
trd_cookies_emit_loaded (TrdCookies *self)
{
  g_autoptr (GPtrArray) readers = g_steal_pointer (&self->readers);

  self->readers = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < readers->len; i++)
    return_list (self, g_ptr_array_index (readers, i));
  g_signal_emit (self, loaded_signal, 0);
}

static void
on_session_removed (TrdRegistry *registry, TrdSession *session, TrdCookies *self)
{
  TrdJar *jar = trd_cookies_find_session (self, session->row->id);

  if (jar == NULL)
    return;
  trd_transport_forget_jar (self->env->transport, jar->number);
  trd_cookies_abandon (jar);
  g_hash_table_remove (self->jars, &jar->session_id);
}

TrdCookies *
trd_cookies_new (TrdRegistry *registry)
{
  TrdCookies *self = g_object_new (TRD_TYPE_COOKIES, NULL);

  self->registry = registry;
  self->env = trd_registry_get_env (registry);
  g_signal_connect_object (
      registry, "session-removed", G_CALLBACK (on_session_removed), self, 0);
  trd_cookies_watch_vault (self);
  return self;
}

void
trd_cookies_close (TrdCookies *self)
{
  GHashTableIter iter;
  TrdJar *jar;

  if (self->closed)
    return;

  self->closed = TRUE;
  g_cancellable_cancel (self->cancellable);
  if (self->changed_id != 0)
    g_signal_handler_disconnect (self->env->vault, self->changed_id);
  self->changed_id = 0;
  if (self->flush_alarm != 0)
    trd_clock_remove_alarm (self->env->clock, self->flush_alarm);
  self->flush_alarm = 0;
  g_hash_table_iter_init (&iter, self->jars);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&jar))
    trd_cookies_drop_alarm (jar);
}

static void
trd_cookies_finalize (GObject *object)
{
  TrdCookies *self = TRD_COOKIES (object);

  g_hash_table_unref (self->jars);
  g_ptr_array_unref (self->readers);
  g_ptr_array_unref (self->flushes);
  g_object_unref (self->cancellable);
  G_OBJECT_CLASS (trd_cookies_parent_class)->finalize (object);
}

static void
trd_cookies_init (TrdCookies *self)
{
  self->jars = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, free_jar);
  self->readers = g_ptr_array_new_with_free_func (g_object_unref);
  self->flushes = g_ptr_array_new_with_free_func (g_object_unref);
  self->cancellable = g_cancellable_new ();
}

static void
trd_cookies_class_init (TrdCookiesClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = trd_cookies_finalize;

  loaded_signal = g_signal_new (
      "loaded", TRD_TYPE_COOKIES, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}
