/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* The user's keyring, as an interface: the Secret Service, or a table in tests.
 *
 * Nothing here ever prompts: whether the keyring is locked is read first, and one that is
 * locked, not there or does not answer is a result, not a wait.  Nothing is asked before
 * the first verb is called: a daemon without secrets starts no keyring.
 *
 * Signal "changed": it was unlocked, came, or has other items of ours than before, so
 * that what was not found may be there now.  From the main loop. */
#define TRD_TYPE_VAULT (trd_vault_get_type ())
G_DECLARE_INTERFACE (TrdVault, trd_vault, TRD, VAULT, GObject)

typedef enum
{
  TRD_VAULT_UNKNOWN, /* not asked yet */
  TRD_VAULT_ABSENT,
  TRD_VAULT_LOCKED,
  TRD_VAULT_OPEN,
} TrdVaultState;

/* What an item is; a schema of the Secret Service each. */
typedef enum
{
  TRD_VAULT_SECRETS,    /* attributes: `id`, `state` (whose), `session` */
  TRD_VAULT_CREDENTIAL, /* attributes: `app-id`, `host`, `port`, `protocol`, `realm`,
                         * `method`, `proxy`, `user`, and `session` of one that is for a
                         * session only; all text, those without a value are left out */
} TrdVaultKind;

typedef struct
{
  GHashTable *attributes; /* (owned) (element-type utf8 utf8) */
  GBytes *secret;         /* (owned) (nullable): NULL while the item is locked */
} TrdVaultItem;

TrdVaultItem *
trd_vault_item_new (GHashTable *attributes, GBytes *secret);
void
trd_vault_item_free (TrdVaultItem *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdVaultItem, trd_vault_item_free)

/* Each result is a GTask of the vault's: a pointer to what was found, or a boolean. */
struct _TrdVaultInterface
{
  GTypeInterface parent;
  TrdVaultState (*get_state) (TrdVault *self);
  void (*find_async) (TrdVault *self,
                      TrdVaultKind kind,
                      GHashTable *attributes,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer user_data);
  void (*store_async) (TrdVault *self,
                       TrdVaultKind kind,
                       GHashTable *attributes,
                       const char *label,
                       GBytes *secret,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data);
  void (*remove_async) (TrdVault *self,
                        TrdVaultKind kind,
                        GHashTable *attributes,
                        gboolean exact,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data);
};

/* As the last answer told; a verb that has come back has asked. */
TrdVaultState
trd_vault_get_state (TrdVault *self);

/* All items that have at least @attributes (element-type utf8 utf8), locked ones without
 * their secret, and perhaps without attributes that were not asked for: a keyring that
 * was not unlocked since it started may know only hashes of them.  None is an empty
 * array; an error is one of the keyring's.  (element-type TrdVaultItem) (transfer full)
 */
void
trd_vault_find_async (TrdVault *self,
                      TrdVaultKind kind,
                      GHashTable *attributes,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer user_data);
GPtrArray *
trd_vault_find_finish (TrdVault *self, GAsyncResult *result, GError **error);

/* Replaces an item with exactly these @attributes.  FALSE when it is not kept: the state
 * says why.  @label: for people who look at their keyring. */
void
trd_vault_store_async (TrdVault *self,
                       TrdVaultKind kind,
                       GHashTable *attributes,
                       const char *label,
                       GBytes *secret,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data);
gboolean
trd_vault_store_finish (TrdVault *self, GAsyncResult *result, GError **error);

/* Removes all items that have at least @attributes; none is fine.  FALSE when items may
 * be left, say because they are locked. */
void
trd_vault_remove_async (TrdVault *self,
                        TrdVaultKind kind,
                        GHashTable *attributes,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data);
/* Only those that have @attributes and no others.  Ends by trd_vault_remove_finish(). */
void
trd_vault_remove_exact_async (TrdVault *self,
                              TrdVaultKind kind,
                              GHashTable *attributes,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
gboolean
trd_vault_remove_finish (TrdVault *self, GAsyncResult *result, GError **error);

/* For implementations. */
void
trd_vault_emit_changed (TrdVault *self);

/* The name of the schema, which keyrings keep as attribute "xdg:schema". */
const char *
trd_vault_kind_get_schema (TrdVaultKind kind);

/* The attributes that an item of this kind may have; NULL ends them. */
const char *const *
trd_vault_kind_get_attributes (TrdVaultKind kind);

/* Those of @attributes that an item of this kind may have.  (transfer full) */
GHashTable *
trd_vault_kind_filter (TrdVaultKind kind, GHashTable *attributes);
