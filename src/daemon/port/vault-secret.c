/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "port/vault-secret.h"

#include "port/keyring-errand.h"
#include "port/vault-file.h"

/* The Secret Service as a vault.  libsecret is used for what is secret only; all else is
 * asked directly, for three reasons (libsecret 0.20.5, gnome-keyring 42): libsecret's
 * store unlocks the collection, or makes one, and its clear unlocks what it removes, each
 * with a prompt; its search returns its task twice when two items fail to load, as they
 * do when the service dies; and gnome-keyring replaces any item that has more attributes
 * than the new one, not only one that has the same.  A prompt that we are offered is
 * dismissed: nothing here calls Prompt.Prompt.
 *
 * Who does what: keyring-watch whether it is open, keyring-session what is secret,
 * keyring-errand a verb. */

#define TIMEOUT_MS 10000

#define TRD_TYPE_VAULT_SECRET (trd_vault_secret_get_type ())
G_DECLARE_FINAL_TYPE (TrdVaultSecret, trd_vault_secret, TRD, VAULT_SECRET, GObject)

struct _TrdVaultSecret
{
  GObject parent_instance;

  TrdKeyring keyring;
};

static void
vault_iface_init (TrdVaultInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TrdVaultSecret,
                               trd_vault_secret,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (TRD_TYPE_VAULT, vault_iface_init))

static TrdKeyring *
get_keyring (TrdVault *vault)
{
  return &TRD_VAULT_SECRET (vault)->keyring;
}

static TrdVaultState
get_state (TrdVault *vault)
{
  return trd_keyring_watch_get_state (TRD_VAULT_SECRET (vault)->keyring.watch);
}

static void
find_async (TrdVault *vault,
            TrdVaultKind kind,
            GHashTable *attributes,
            GCancellable *cancellable,
            GAsyncReadyCallback callback,
            gpointer user_data)
{
  GTask *task = g_task_new (vault, cancellable, callback, user_data);

  trd_errand_new (get_keyring (vault), task, TRD_ERRAND_FIND, kind, attributes);
  trd_errand_begin (task);
}

static void
store_async (TrdVault *vault,
             TrdVaultKind kind,
             GHashTable *attributes,
             const char *label,
             GBytes *secret,
             GCancellable *cancellable,
             GAsyncReadyCallback callback,
             gpointer user_data)
{
  GTask *task = g_task_new (vault, cancellable, callback, user_data);
  TrdErrand *errand = trd_errand_new (
      get_keyring (vault), task, TRD_ERRAND_STORE, kind, attributes);

  errand->label = g_strdup (label);
  errand->secret = g_bytes_ref (secret);
  trd_errand_begin (task);
}

static void
remove_async (TrdVault *vault,
              TrdVaultKind kind,
              GHashTable *attributes,
              gboolean exact,
              GCancellable *cancellable,
              GAsyncReadyCallback callback,
              gpointer user_data)
{
  GTask *task = g_task_new (vault, cancellable, callback, user_data);
  TrdErrand *errand = trd_errand_new (
      get_keyring (vault), task, TRD_ERRAND_REMOVE, kind, attributes);

  errand->exact = exact;
  trd_errand_begin (task);
}

static void
vault_iface_init (TrdVaultInterface *iface)
{
  iface->get_state = get_state;
  iface->find_async = find_async;
  iface->store_async = store_async;
  iface->remove_async = remove_async;
}

TrdVault *
trd_vault_new_secret (GDBusConnection *bus)
{
  TrdVaultSecret *self;

  g_return_val_if_fail (G_IS_DBUS_CONNECTION (bus), NULL);

  if (g_strcmp0 (g_getenv ("SECRET_BACKEND"), "file") == 0
      && g_getenv ("SECRET_FILE_TEST_PASSWORD") != NULL)
    return trd_vault_new_file ();

  self = g_object_new (TRD_TYPE_VAULT_SECRET, NULL);
  self->keyring.bus = g_object_ref (bus);
  self->keyring.watch = trd_keyring_watch_new (bus);
  g_signal_connect_swapped (
      self->keyring.watch, "changed", G_CALLBACK (trd_vault_emit_changed), self);
  g_signal_connect_swapped (self->keyring.watch,
                            "owner-changed",
                            G_CALLBACK (trd_keyring_session_drop),
                            self->keyring.session);
  return TRD_VAULT (self);
}

void
trd_vault_secret_set_timeout_ms (TrdVault *vault, guint timeout_ms)
{
  g_return_if_fail (TRD_IS_VAULT_SECRET (vault));

  TRD_VAULT_SECRET (vault)->keyring.timeout_ms = timeout_ms;
}

/* No errand is under way: each holds us. */
static void
trd_vault_secret_dispose (GObject *object)
{
  TrdVaultSecret *self = TRD_VAULT_SECRET (object);

  if (self->keyring.watch != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->keyring.watch, self);
      g_signal_handlers_disconnect_by_data (self->keyring.watch, self->keyring.session);
      trd_keyring_watch_close (self->keyring.watch);
    }
  g_clear_object (&self->keyring.watch);
  g_clear_object (&self->keyring.bus);

  G_OBJECT_CLASS (trd_vault_secret_parent_class)->dispose (object);
}

static void
trd_vault_secret_finalize (GObject *object)
{
  TrdVaultSecret *self = TRD_VAULT_SECRET (object);

  g_clear_pointer (&self->keyring.session, trd_keyring_session_free);

  G_OBJECT_CLASS (trd_vault_secret_parent_class)->finalize (object);
}

static void
trd_vault_secret_class_init (TrdVaultSecretClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = trd_vault_secret_dispose;
  object_class->finalize = trd_vault_secret_finalize;
}

static void
trd_vault_secret_init (TrdVaultSecret *self)
{
  self->keyring.session = trd_keyring_session_new ();
  self->keyring.timeout_ms = TIMEOUT_MS;
}
