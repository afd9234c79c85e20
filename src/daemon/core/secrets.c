/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sets of secrets and who shares them.  What the keyring is told is in secrets-keep.c,
 * what it is asked in secrets-load.c. */

#include "config.h"

#include "core/secrets-private.h"

#include <string.h>

enum
{
  LOADED,
  KEPT,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (TrdSecretPool, trd_secret_pool, G_TYPE_OBJECT)

/* ---- one set ---- */

/* By session and by the bytes of the value, which are the same when the options are:
 * their keys are in order. */
static guint
secrets_hash (gconstpointer key)
{
  const TrdSecrets *self = key;
  const guint8 *bytes = g_variant_get_data (self->value);
  gsize size = g_variant_get_size (self->value);
  guint hash = 5381 + (guint)self->session_id;

  for (gsize i = 0; i < size; i++)
    hash = hash * 33 + bytes[i];
  return hash;
}

static gboolean
secrets_equal (gconstpointer a, gconstpointer b)
{
  const TrdSecrets *first = a;
  const TrdSecrets *second = b;
  gsize size = g_variant_get_size (first->value);

  return first->session_id == second->session_id
         && size == g_variant_get_size (second->value)
         && memcmp (g_variant_get_data (first->value),
                    g_variant_get_data (second->value),
                    size)
                == 0;
}

TrdSecrets *
trd_secrets_new (TrdSecretPool *pool, gint64 session_id, const char *id)
{
  TrdSecrets *self = g_new0 (TrdSecrets, 1);

  self->pool = pool;
  self->n_refs = 1;
  self->session_id = session_id;
  self->id = id != NULL ? g_strdup (id) : g_uuid_string_random ();
  g_hash_table_insert (pool->by_id, self->id, self);

  return self;
}

/* A copy: a value that came in a message would keep all of that in memory, the secrets of
 * ten thousand others too. */
void
trd_secrets_set_value (TrdSecrets *self, GVariant *value)
{
  g_autoptr (GBytes) bytes = g_bytes_new (g_variant_get_data (value),
                                          g_variant_get_size (value));

  g_clear_pointer (&self->value, g_variant_unref);
  self->value = g_variant_ref_sink (
      g_variant_new_from_bytes (g_variant_get_type (value), bytes, TRUE));
}

void
trd_secrets_index (TrdSecrets *self)
{
  if (self->session_id != 0 && self->value != NULL
      && !g_hash_table_contains (self->pool->by_value, self))
    g_hash_table_add (self->pool->by_value, self);
}

void
trd_secrets_set_session (TrdSecrets *self, gint64 session_id)
{
  if (self->pool != NULL && self->value != NULL
      && g_hash_table_lookup (self->pool->by_value, self) == self)
    g_hash_table_remove (self->pool->by_value, self);
  self->session_id = session_id;
  if (self->pool != NULL)
    trd_secrets_index (self);
}

void
trd_secrets_replace (TrdSecrets *self, GVariant *value)
{
  if (self->pool == NULL)
    return;

  if (self->value != NULL && g_hash_table_lookup (self->pool->by_value, self) == self)
    g_hash_table_remove (self->pool->by_value, self);
  trd_secrets_set_value (self, value);
  trd_secrets_index (self);
  self->changed = TRUE;
  trd_secrets_keep (self);
  trd_secret_pool_store_next (self->pool);
}

TrdSecrets *
trd_secrets_ref (TrdSecrets *self)
{
  self->n_refs++;
  return self;
}

static void
leave_pool (TrdSecrets *self)
{
  TrdSecretPool *pool = self->pool;

  if (self->value != NULL && g_hash_table_lookup (pool->by_value, self) == self)
    g_hash_table_remove (pool->by_value, self);
  g_hash_table_remove (pool->by_id, self->id);
  if (self->kept && !self->gone)
    trd_secrets_remove_item (pool, self->id);
  self->pool = NULL;
}

void
trd_secrets_unref (TrdSecrets *self)
{
  if (--self->n_refs > 0)
    return;

  if (self->pool != NULL)
    leave_pool (self);
  g_free (self->id);
  g_free (self->app_id);
  g_clear_pointer (&self->value, g_variant_unref);
  g_free (self);
}

GVariant *
trd_secrets_get_value (TrdSecrets *self)
{
  return self != NULL ? self->value : NULL;
}

gboolean
trd_secrets_is_kept (TrdSecrets *self)
{
  return self == NULL || self->kept;
}

gboolean
trd_secrets_is_missing (TrdSecrets *self)
{
  return self != NULL && self->value == NULL && !self->gone;
}

gboolean
trd_secrets_is_gone (TrdSecrets *self)
{
  return self != NULL && self->gone;
}

const char *
trd_secrets_get_id (TrdSecrets *self)
{
  return self != NULL && self->kept ? self->id : NULL;
}

/* ---- all of them ---- */

TrdSecrets *
trd_secret_pool_restore (TrdSecretPool *self, gint64 session_id, const char *id)
{
  TrdSecrets *secrets = g_hash_table_lookup (self->by_id, id);

  if (secrets != NULL)
    return trd_secrets_ref (secrets);

  secrets = trd_secrets_new (self, session_id, id);
  secrets->kept = TRUE;
  return secrets;
}

static TrdSecrets *
find_used (TrdSecretPool *self, GVariant *value)
{
  for (guint i = 0; self->used != NULL && i < self->used->len; i++)
    {
      TrdSecrets *secrets = g_ptr_array_index (self->used, i);

      if (secrets->session_id == 0 && g_variant_equal (secrets->value, value))
        return secrets;
    }

  return NULL;
}

TrdSecrets *
trd_secret_pool_take (TrdSecretPool *self, gint64 session_id, GVariant *value)
{
  TrdSecrets key = { .session_id = session_id, .value = value };
  TrdSecrets *secrets;

  if (value == NULL)
    return NULL;

  secrets = g_hash_table_lookup (self->by_value, &key);
  if (secrets != NULL)
    return trd_secrets_ref (secrets);

  secrets = find_used (self, value);
  if (secrets != NULL)
    {
      trd_secrets_set_session (secrets, session_id);
      trd_secrets_ref (secrets);
    }
  else
    {
      secrets = trd_secrets_new (self, session_id, NULL);
      trd_secrets_set_value (secrets, value);
    }
  trd_secrets_index (secrets);

  return secrets;
}

void
trd_secret_pool_use (TrdSecretPool *self, GPtrArray *prepared)
{
  self->used = prepared;
}

/* Those that the keyring does not have as they are.  (element-type TrdSecrets) (transfer
 * full) */
static GPtrArray *
collect_unkept (TrdSecretPool *self)
{
  g_autoptr (GPtrArray) unkept = g_ptr_array_new_with_free_func (
      (GDestroyNotify)trd_secrets_unref);
  GHashTableIter iter;
  TrdSecrets *secrets;

  g_hash_table_iter_init (&iter, self->by_value);
  while (g_hash_table_iter_next (&iter, (gpointer *)&secrets, NULL))
    if ((!secrets->kept || secrets->changed) && !secrets->storing)
      g_ptr_array_add (unkept, trd_secrets_ref (secrets));

  return g_steal_pointer (&unkept);
}

GHashTable *
trd_secret_pool_attributes (TrdSecretPool *self, const char *id)
{
  GHashTable *attributes = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);

  g_hash_table_insert (attributes, (gpointer) "state", g_strdup (self->env->state_id));
  if (id != NULL)
    g_hash_table_insert (attributes, (gpointer) "id", g_strdup (id));

  return attributes;
}

/* ---- the keyring opens, or has other items ---- */

static gboolean
has_missing (TrdSecretPool *self)
{
  GHashTableIter iter;
  TrdSecrets *secrets;

  g_hash_table_iter_init (&iter, self->by_id);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&secrets))
    if (trd_secrets_is_missing (secrets))
      return TRUE;

  return FALSE;
}

static void
on_vault_changed (TrdSecretPool *self)
{
  g_autoptr (GPtrArray) unkept = collect_unkept (self);

  self->late |= unkept->len > 0;
  for (guint i = 0; i < unkept->len; i++)
    trd_secrets_keep (g_ptr_array_index (unkept, i));
  trd_secret_pool_store_next (self);
  if (self->untidy || has_missing (self))
    trd_secret_pool_load (self);
}

/* ---- the object ---- */

TrdSecretPool *
trd_secret_pool_new (const TrdEnv *env)
{
  TrdSecretPool *self = g_object_new (TRD_TYPE_SECRET_POOL, NULL);

  self->env = env;
  if (env->vault != NULL)
    self->changed_id = g_signal_connect_swapped (
        env->vault, "changed", G_CALLBACK (on_vault_changed), self);

  return self;
}

void
trd_secret_pool_close (TrdSecretPool *self)
{
  GHashTableIter iter;
  TrdSecrets *secrets;

  self->closed = TRUE;
  if (self->changed_id != 0)
    g_clear_signal_handler (&self->changed_id, self->env->vault);
  g_hash_table_iter_init (&iter, self->by_id);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&secrets))
    secrets->pool = NULL;
  g_hash_table_remove_all (self->by_value);
  g_hash_table_remove_all (self->by_id);
  g_queue_clear_full (&self->queue, (GDestroyNotify)trd_secrets_unref);
  trd_secret_pool_store_next (self);
}

static void
trd_secret_pool_finalize (GObject *object)
{
  TrdSecretPool *self = TRD_SECRET_POOL (object);

  g_assert (self->closed);
  g_hash_table_unref (self->by_id);
  g_hash_table_unref (self->by_value);
  g_ptr_array_unref (self->preparations);
  G_OBJECT_CLASS (trd_secret_pool_parent_class)->finalize (object);
}

static void
trd_secret_pool_init (TrdSecretPool *self)
{
  self->by_id = g_hash_table_new (g_str_hash, g_str_equal);
  self->by_value = g_hash_table_new (secrets_hash, secrets_equal);
  self->preparations = g_ptr_array_new_with_free_func (g_object_unref);
  g_queue_init (&self->queue);
}

static void
trd_secret_pool_class_init (TrdSecretPoolClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = trd_secret_pool_finalize;

  signals[LOADED] = g_signal_new ("loaded",
                                  TRD_TYPE_SECRET_POOL,
                                  G_SIGNAL_RUN_LAST,
                                  0,
                                  NULL,
                                  NULL,
                                  NULL,
                                  G_TYPE_NONE,
                                  0);
  signals[KEPT] = g_signal_new ("kept",
                                TRD_TYPE_SECRET_POOL,
                                G_SIGNAL_RUN_LAST,
                                0,
                                NULL,
                                NULL,
                                NULL,
                                G_TYPE_NONE,
                                0);
}
