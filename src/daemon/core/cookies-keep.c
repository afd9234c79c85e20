/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Jars in the keyring: an item for each session, as text.  All are read at once.  What
 * the keyring does not take stays in memory, and is offered to it again when it changes.
 *
 * Secrets of tasks have the id of the state directory as their `state`; ours is another
 * one, so that neither sweep takes the other's items for orphans. */

#include "config.h"

#include "core/cookies-private.h"

#include "common/defaults.h"
#include "core/registry.h"
#include "port/shelter.h"

#define ID "cookies"

gboolean
trd_cookies_has_vault (TrdCookies *self)
{
  return self->env->vault != NULL && self->env->state_id != NULL;
}

/* @jar: (nullable): those of all. */
static GHashTable *
new_attributes (TrdCookies *self, const TrdJar *jar)
{
  GHashTable *attributes = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);

  g_hash_table_insert (attributes, (gpointer) "id", g_strdup (ID));
  g_hash_table_insert (
      attributes, (gpointer) "state", g_strdup_printf ("%s/" ID, self->env->state_id));
  if (jar != NULL)
    g_hash_table_insert (attributes,
                         (gpointer) "session",
                         g_strdup_printf ("%" G_GINT64_FORMAT, jar->session_id));
  return attributes;
}

/* ---- keeping ---- */

static void
keep (TrdJar *jar);

static gboolean
is_pending (const TrdJar *jar)
{
  return jar->busy || (jar->dirty && !jar->failed);
}

static void
settle_waiters (TrdJar *jar)
{
  g_autoptr (GPtrArray) waiters = NULL;

  if (is_pending (jar))
    return;

  waiters = jar->waiters;
  jar->waiters = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < waiters->len; i++)
    g_task_return_boolean (g_ptr_array_index (waiters, i), !jar->dirty);
}

static gboolean
is_any_pending (TrdCookies *self)
{
  GHashTableIter iter;
  TrdJar *jar;

  g_hash_table_iter_init (&iter, self->jars);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&jar))
    {
      if (is_pending (jar))
        return TRUE;
    }
  return FALSE;
}

static void
end_flushes (TrdCookies *self)
{
  g_autoptr (GPtrArray) flushes = self->flushes;

  if (self->flush_alarm != 0)
    trd_clock_remove_alarm (self->env->clock, self->flush_alarm);
  self->flush_alarm = 0;
  self->flushes = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < flushes->len; i++)
    g_task_return_boolean (g_ptr_array_index (flushes, i), TRUE);
}

static void
note_settled (TrdCookies *self, TrdJar *jar)
{
  settle_waiters (jar);
  if (!is_any_pending (self))
    end_flushes (self);
}

typedef struct
{
  TrdCookies *self; /* (owned) */
  gint64 session_id;
  gboolean removes;
  gboolean had; /* the keyring may have had something before */
} Keeping;

static void
on_kept (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Keeping *keeping = user_data;
  g_autoptr (TrdCookies) self = keeping->self;
  TrdVault *vault = TRD_VAULT (source);
  g_autoptr (GError) error = NULL;
  TrdJar *jar;
  gboolean done = keeping->removes ? trd_vault_remove_finish (vault, result, &error)
                                   : trd_vault_store_finish (vault, result, &error);

  jar = trd_cookies_find_session (self, keeping->session_id);
  if (self->closed || jar == NULL)
    return;
  if (!done)
    g_debug ("Cookies are not kept: %s", error != NULL ? error->message : "locked");
  jar->busy = FALSE;
  jar->failed = !done;
  jar->dirty |= !done;
  /* What an open keyring did with what it did not answer, nobody knows. */
  if (done)
    jar->maybe_kept = !keeping->removes;
  else if (trd_vault_get_state (vault) != TRD_VAULT_OPEN)
    jar->maybe_kept = keeping->had;
  if (!jar->failed)
    keep (jar);
  note_settled (self, jar);
}

static void
remove_item (TrdJar *jar, GHashTable *attributes, Keeping *keeping)
{
  trd_vault_remove_async (jar->owner->env->vault,
                          TRD_VAULT_SECRETS,
                          attributes,
                          jar->owner->cancellable,
                          on_kept,
                          keeping);
}

static void
store_item (TrdJar *jar, GHashTable *attributes, Keeping *keeping)
{
  TrdCookies *self = jar->owner;
  g_autoptr (GVariant) all = trundle_cookies_to_variant (
      jar->cookies, trd_clock_now_us (self->env->clock) / G_USEC_PER_SEC);
  g_autofree char *label = g_strdup_printf ("Cookies of %s (Trundle)", jar->app_id);
  char *text = g_variant_print (all, FALSE);
  g_autoptr (GBytes) secret = g_bytes_new_take (text, strlen (text));

  jar->maybe_kept = TRUE;
  trd_vault_store_async (self->env->vault,
                         TRD_VAULT_SECRETS,
                         attributes,
                         label,
                         secret,
                         self->cancellable,
                         on_kept,
                         keeping);
}

/* Once what was there before is known: it would be lost. */
static void
keep (TrdJar *jar)
{
  TrdCookies *self = jar->owner;
  gboolean is_empty = trundle_cookies_count (jar->cookies) == 0;
  g_autoptr (GHashTable) attributes = NULL;
  Keeping *keeping;

  if (jar->busy || !jar->dirty || self->closed)
    return;
  trd_cookies_drop_alarm (jar);
  if (!jar->locked && (!jar->loaded || jar->unread))
    {
      trd_cookies_read (self);
      return;
    }
  if (!trd_cookies_has_vault (self) || jar->locked || (is_empty && !jar->maybe_kept))
    {
      jar->failed = !is_empty || jar->maybe_kept;
      jar->dirty = jar->failed;
      return;
    }

  jar->busy = TRUE;
  jar->dirty = FALSE;
  jar->minor = FALSE;
  attributes = new_attributes (self, jar);
  keeping = g_new0 (Keeping, 1);
  keeping->self = g_object_ref (self);
  keeping->session_id = jar->session_id;
  keeping->removes = is_empty;
  keeping->had = jar->maybe_kept;
  if (is_empty)
    remove_item (jar, attributes, keeping);
  else
    store_item (jar, attributes, keeping);
}

void
trd_cookies_keep_now (TrdJar *jar)
{
  jar->dirty = TRUE;
  jar->failed = FALSE;
  jar->minor = FALSE;
  keep (jar);
  note_settled (jar->owner, jar);
}

static void
on_alarm (gpointer user_data)
{
  TrdJar *jar = user_data;

  jar->alarm = 0;
  jar->failed = FALSE;
  keep (jar);
  note_settled (jar->owner, jar);
}

void
trd_cookies_drop_alarm (TrdJar *jar)
{
  if (jar->alarm != 0)
    trd_clock_remove_alarm (jar->owner->env->clock, jar->alarm);
  jar->alarm = 0;
}

void
trd_cookies_keep_later (TrdJar *jar, gint64 delay_us)
{
  TrdClock *clock = jar->owner->env->clock;
  gint64 due_us = trd_clock_boottime_us (clock) + delay_us;

  jar->minor = (!jar->dirty || jar->minor) && delay_us == TRD_COOKIES_EXTENDED_KEPT_US;
  jar->dirty = TRUE;
  if (jar->alarm != 0 && jar->alarm_us <= due_us)
    return;
  trd_cookies_drop_alarm (jar);
  jar->alarm_us = due_us;
  jar->alarm = trd_clock_add_alarm (clock, delay_us, on_alarm, jar);
}

static void
on_abandoned (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  /* What stays is found as an orphan when the keyring is read the next time. */
  if (!trd_vault_remove_finish (TRD_VAULT (source), result, &error))
    g_debug ("Cookies of a session that is gone are still kept");
}

static void
remove_orphan (TrdCookies *self, GHashTable *attributes)
{
  trd_vault_remove_async (
      self->env->vault, TRD_VAULT_SECRETS, attributes, NULL, on_abandoned, NULL);
}

void
trd_cookies_abandon (TrdJar *jar)
{
  trd_cookies_drop_alarm (jar);
  jar->dirty = FALSE;
  if (trd_cookies_has_vault (jar->owner)
      && (jar->maybe_kept || jar->unread || !jar->loaded))
    {
      g_autoptr (GHashTable) attributes = new_attributes (jar->owner, jar);

      remove_orphan (jar->owner, attributes);
    }
  jar->busy = FALSE;
  settle_waiters (jar);
}

/* ---- reading ---- */

/* What was kept, and over it what came since. */
static void
take_text (TrdJar *jar, GBytes *secret)
{
  gsize size;
  const char *data = g_bytes_get_data (secret, &size);
  g_autofree char *text = g_strndup (size > 0 ? data : "", size);
  g_autoptr (GVariant) kept = g_variant_parse (
      G_VARIANT_TYPE (TRUNDLE_COOKIES_TYPE), text, NULL, NULL, NULL);
  gint64 now_s = trd_clock_now_us (jar->owner->env->clock) / G_USEC_PER_SEC;
  g_autoptr (GVariant) fresh = NULL;

  jar->loaded = TRUE;
  jar->locked = FALSE;
  jar->unread = FALSE;
  jar->maybe_kept = TRUE;
  if (kept == NULL || !trundle_cookies_check (kept))
    {
      g_message ("What the keyring has as cookies is none");
      return;
    }
  fresh = trundle_cookies_to_variant (jar->cookies, now_s);
  trundle_cookies_free (jar->cookies);
  jar->cookies = trundle_cookies_new ();
  trundle_cookies_merge (jar->cookies, kept, now_s);
  trundle_cookies_merge (jar->cookies, fresh, now_s);
  trd_cookies_note_changed (jar);
}

/* A keyring that was never unlocked does not tell whose it is. */
static void
note_locked (TrdCookies *self)
{
  GHashTableIter iter;
  TrdJar *jar;

  g_hash_table_iter_init (&iter, self->jars);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&jar))
    jar->locked |= !jar->loaded || jar->unread;
}

static void
take_item (TrdCookies *self, TrdVaultItem *item)
{
  const char *session = g_hash_table_lookup (item->attributes, "session");
  gint64 session_id;
  TrdJar *jar;

  if (session == NULL)
    {
      if (item->secret == NULL)
        note_locked (self);
      return;
    }

  session_id = g_ascii_strtoll (session, NULL, 10);
  jar = trd_cookies_find_session (self, session_id);
  /* A session that is of no row here may be of a database that is set aside. */
  if (jar == NULL && trd_registry_find_session (self->registry, session_id) == NULL
      && !trd_shelter_has_aside (trd_spool_get_state_directory (self->env->spool)))
    remove_orphan (self, item->attributes);
  if (jar == NULL || (jar->loaded && !jar->unread))
    return;
  if (item->secret != NULL)
    take_text (jar, item->secret);
  else
    jar->locked = TRUE;
}

/* The keyring did not answer.  Nobody waits for it, but what it has is not overwritten:
 * it is asked again when it comes back, and before anything is stored. */
static void
note_unread (TrdJar *jar)
{
  if (!jar->loaded && !jar->locked)
    {
      jar->unread = TRUE;
      jar->loaded = TRUE;
    }
  if (jar->unread && jar->dirty && jar->alarm == 0)
    jar->failed = TRUE;
}

static void
note_read (TrdJar *jar)
{
  jar->loaded |= !jar->locked;
  jar->unread &= jar->locked;
}

static void
finish_reading (TrdCookies *self, gboolean answered)
{
  g_autoptr (GList) jars = g_hash_table_get_values (self->jars);

  for (GList *l = jars; l != NULL; l = l->next)
    {
      TrdJar *jar = l->data;

      if (answered)
        note_read (jar);
      else
        note_unread (jar);
      if (jar->dirty && jar->alarm == 0 && !(jar->unread && jar->failed))
        keep (jar);
      settle_waiters (jar);
    }
  if (!is_any_pending (self))
    end_flushes (self);
  trd_cookies_emit_loaded (self);
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TrdCookies) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) items = trd_vault_find_finish (
      TRD_VAULT (source), result, &error);
  gboolean answered;

  if (self->closed)
    return;
  self->reading = FALSE;
  if (self->stale)
    {
      trd_cookies_read (self);
      return;
    }
  if (items == NULL)
    g_debug ("No cookies were read: %s", error->message);
  answered = items != NULL
             && trd_vault_get_state (TRD_VAULT (source)) != TRD_VAULT_ABSENT;
  for (guint i = 0; items != NULL && i < items->len; i++)
    take_item (self, g_ptr_array_index (items, i));
  finish_reading (self, answered);
}

void
trd_cookies_read (TrdCookies *self)
{
  g_autoptr (GHashTable) attributes = NULL;

  if (self->reading || self->closed)
    return;
  self->reading = TRUE;
  self->stale = FALSE;
  attributes = new_attributes (self, NULL);
  trd_vault_find_async (self->env->vault,
                        TRD_VAULT_SECRETS,
                        attributes,
                        self->cancellable,
                        on_read,
                        g_object_ref (self));
}

/* ---- the keyring changes ---- */

static void
on_vault_changed (TrdVault *vault, TrdCookies *self)
{
  g_autoptr (GList) jars = g_hash_table_get_values (self->jars);

  self->stale = self->reading;
  for (GList *l = jars; l != NULL; l = l->next)
    {
      TrdJar *jar = l->data;

      if (jar->locked || jar->unread)
        {
          jar->locked = FALSE;
          jar->failed = FALSE;
          trd_cookies_read (self);
        }
      else if (jar->failed)
        {
          jar->failed = FALSE;
          keep (jar);
        }
    }
}

void
trd_cookies_watch_vault (TrdCookies *self)
{
  if (trd_cookies_has_vault (self))
    self->changed_id = g_signal_connect (
        self->env->vault, "changed", G_CALLBACK (on_vault_changed), self);
}

/* ---- leaving ---- */

static void
on_flush_overdue (gpointer user_data)
{
  TrdCookies *self = user_data;

  self->flush_alarm = 0;
  end_flushes (self);
}

void
trd_cookies_flush_async (TrdCookies *self,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  GHashTableIter iter;
  TrdJar *jar;

  g_task_set_source_tag (task, trd_cookies_flush_async);
  g_hash_table_iter_init (&iter, self->jars);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&jar))
    keep (jar);
  if (!is_any_pending (self))
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  g_ptr_array_add (self->flushes, g_steal_pointer (&task));
  if (self->flush_alarm == 0)
    self->flush_alarm = trd_clock_add_alarm (
        self->env->clock, TRD_COOKIES_FLUSH_US, on_flush_overdue, self);
}

void
trd_cookies_flush_finish (TrdCookies *self, GAsyncResult *result)
{
  g_return_if_fail (g_async_result_is_tagged (result, trd_cookies_flush_async));

  g_task_propagate_boolean (G_TASK (result), NULL);
}

gboolean
trd_cookies_has_volatile (TrdCookies *self)
{
  GHashTableIter iter;
  TrdJar *jar;

  g_hash_table_iter_init (&iter, self->jars);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&jar))
    {
      if (jar->busy)
        return TRUE;
      if (jar->dirty && !jar->minor
          && (trundle_cookies_count (jar->cookies) > 0 || !jar->failed))
        return TRUE;
    }
  return FALSE;
}
