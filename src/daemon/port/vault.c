/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "port/vault.h"

/* The interface's dispatch, and what is common to all keyrings: the schemas. */

G_DEFINE_INTERFACE (TrdVault, trd_vault, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

#define MAX_ATTRIBUTES 9

static const struct
{
  const char *schema;
  const char *attributes[MAX_ATTRIBUTES + 1];
} kinds[] = {
  [TRD_VAULT_SECRETS] = { "org.freedesktop.BackgroundTransfer1.Secrets",
                          { "id", "state", "session", NULL } },
  [TRD_VAULT_CREDENTIAL] = { "org.freedesktop.BackgroundTransfer1.Credential",
                             { "app-id",
                               "host",
                               "port",
                               "protocol",
                               "realm",
                               "method",
                               "proxy",
                               "user",
                               "session",
                               NULL } },
};

static void
trd_vault_default_init (TrdVaultInterface *iface)
{
  signals[CHANGED] = g_signal_new (
      "changed", TRD_TYPE_VAULT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

TrdVaultItem *
trd_vault_item_new (GHashTable *attributes, GBytes *secret)
{
  TrdVaultItem *self = g_new0 (TrdVaultItem, 1);

  self->attributes = g_hash_table_ref (attributes);
  self->secret = secret != NULL ? g_bytes_ref (secret) : NULL;
  return self;
}

void
trd_vault_item_free (TrdVaultItem *self)
{
  if (self == NULL)
    return;

  g_hash_table_unref (self->attributes);
  g_clear_pointer (&self->secret, g_bytes_unref);
  g_free (self);
}

/* A search must not become wider by a name that is dropped on the way. */
static gboolean
are_known (TrdVaultKind kind, GHashTable *attributes)
{
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, attributes);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    if (!g_strv_contains (kinds[kind].attributes, name))
      return FALSE;
  return TRUE;
}

TrdVaultState
trd_vault_get_state (TrdVault *self)
{
  g_return_val_if_fail (TRD_IS_VAULT (self), TRD_VAULT_ABSENT);

  return TRD_VAULT_GET_IFACE (self)->get_state (self);
}

void
trd_vault_find_async (TrdVault *self,
                      TrdVaultKind kind,
                      GHashTable *attributes,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
  g_return_if_fail (TRD_IS_VAULT (self));
  g_return_if_fail (attributes != NULL && are_known (kind, attributes));

  TRD_VAULT_GET_IFACE (self)->find_async (
      self, kind, attributes, cancellable, callback, user_data);
}

GPtrArray *
trd_vault_find_finish (TrdVault *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
trd_vault_store_async (TrdVault *self,
                       TrdVaultKind kind,
                       GHashTable *attributes,
                       const char *label,
                       GBytes *secret,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_return_if_fail (TRD_IS_VAULT (self));
  g_return_if_fail (attributes != NULL && are_known (kind, attributes));
  g_return_if_fail (label != NULL && secret != NULL);

  TRD_VAULT_GET_IFACE (self)->store_async (
      self, kind, attributes, label, secret, cancellable, callback, user_data);
}

gboolean
trd_vault_store_finish (TrdVault *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

void
trd_vault_remove_async (TrdVault *self,
                        TrdVaultKind kind,
                        GHashTable *attributes,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_return_if_fail (TRD_IS_VAULT (self));
  g_return_if_fail (attributes != NULL && are_known (kind, attributes));

  TRD_VAULT_GET_IFACE (self)->remove_async (
      self, kind, attributes, FALSE, cancellable, callback, user_data);
}

void
trd_vault_remove_exact_async (TrdVault *self,
                              TrdVaultKind kind,
                              GHashTable *attributes,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_return_if_fail (TRD_IS_VAULT (self));
  g_return_if_fail (attributes != NULL && are_known (kind, attributes));

  TRD_VAULT_GET_IFACE (self)->remove_async (
      self, kind, attributes, TRUE, cancellable, callback, user_data);
}

gboolean
trd_vault_remove_finish (TrdVault *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

void
trd_vault_emit_changed (TrdVault *self)
{
  g_return_if_fail (TRD_IS_VAULT (self));

  g_signal_emit (self, signals[CHANGED], 0);
}

const char *
trd_vault_kind_get_schema (TrdVaultKind kind)
{
  return kinds[kind].schema;
}

const char *const *
trd_vault_kind_get_attributes (TrdVaultKind kind)
{
  return kinds[kind].attributes;
}

GHashTable *
trd_vault_kind_filter (TrdVaultKind kind, GHashTable *attributes)
{
  GHashTable *known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (const char *const *name = kinds[kind].attributes; *name != NULL; name++)
    {
      const char *value = g_hash_table_lookup (attributes, *name);

      if (value != NULL)
        g_hash_table_insert (known, g_strdup (*name), g_strdup (value));
    }
  return known;
}
