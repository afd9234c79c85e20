/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "port/keyring-session.h"

/* What takes and gives D-Bus paths and values; unchanged since libsecret 0.1. */
#define SECRET_API_SUBJECT_TO_CHANGE
#include <libsecret/secret.h>

#include "port/keyring-watch.h"

/* The only use of libsecret beside its file: agreeing on a key, encrypting, decrypting.
 *
 * Secrets are bytes.  They are called text/plain when they are UTF-8, for people who look
 * at their keyring; gnome-keyring 42 keeps any bytes and calls them all text/plain.
 * Memory that is never paged out is libsecret's; what we hand out is plain memory. */

struct TrdKeyringSession
{
  SecretService *service; /* (owned) (nullable): while there is a key */
  GCancellable *opening;  /* (owned) (nullable): while one is being agreed on */
  TrdWaiting waiting;
};

typedef struct
{
  TrdKeyringSession *session; /* (unowned): only while @opening is not cancelled */
  GCancellable *opening;      /* (owned) */
} Opening;

TrdKeyringSession *
trd_keyring_session_new (void)
{
  return g_new0 (TrdKeyringSession, 1);
}

void
trd_keyring_session_free (TrdKeyringSession *self)
{
  if (self == NULL)
    return;

  if (self->opening != NULL)
    g_cancellable_cancel (self->opening);
  g_clear_object (&self->opening);
  g_clear_object (&self->service);
  trd_waiting_clear (&self->waiting);
  g_free (self);
}

static void
on_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Opening *call = user_data;
  g_autoptr (GCancellable) opening = call->opening;
  g_autoptr (GError) error = NULL;
  g_autoptr (SecretService) service = secret_service_open_finish (result, &error);
  TrdKeyringSession *self = call->session;

  if (g_cancellable_is_cancelled (opening))
    return;
  g_clear_object (&self->opening);
  self->service = g_steal_pointer (&service);
  trd_waiting_answer (&self->waiting, error);
}

void
trd_keyring_session_open (TrdKeyringSession *self,
                          TrdWaitingCallback callback,
                          gpointer user_data)
{
  Opening *call;

  if (self->service != NULL)
    {
      callback (user_data, NULL);
      return;
    }

  trd_waiting_add (&self->waiting, callback, user_data);
  if (self->opening != NULL)
    return;
  self->opening = g_cancellable_new ();
  call = g_new (Opening, 1);
  *call = (Opening){ self, g_object_ref (self->opening) };
  secret_service_open (SECRET_TYPE_SERVICE,
                       TRD_KEYRING_BUS_NAME,
                       SECRET_SERVICE_OPEN_SESSION,
                       self->opening,
                       on_opened,
                       call);
}

gboolean
trd_keyring_session_forget (TrdKeyringSession *self, gpointer user_data)
{
  return trd_waiting_forget (&self->waiting, user_data);
}

void
trd_keyring_session_drop (TrdKeyringSession *self)
{
  g_autoptr (GError) error = NULL;

  g_clear_object (&self->service);
  if (self->opening == NULL)
    return;

  g_cancellable_cancel (self->opening);
  g_clear_object (&self->opening);
  g_set_error (&error, G_IO_ERROR, G_IO_ERROR_CLOSED, "The keyring is gone");
  trd_waiting_answer (&self->waiting, error);
}

const char *
trd_keyring_session_get_path (TrdKeyringSession *self)
{
  return self->service != NULL ? secret_service_get_session_dbus_path (self->service)
                               : NULL;
}

GVariant *
trd_keyring_session_encrypt (TrdKeyringSession *self, GBytes *secret)
{
  gsize size;
  const char *data = g_bytes_get_data (secret, &size);
  gboolean is_text = g_utf8_validate_len (data, size, NULL);
  g_autoptr (SecretValue) value = secret_value_new (
      size > 0 ? data : "", size, is_text ? "text/plain" : "application/octet-stream");

  g_return_val_if_fail (self->service != NULL, NULL);

  return g_variant_take_ref (secret_service_encode_dbus_secret (self->service, value));
}

GBytes *
trd_keyring_session_decrypt (TrdKeyringSession *self, GVariant *encrypted)
{
  g_autoptr (SecretValue) value = NULL;
  const char *data;
  gsize size;

  g_return_val_if_fail (self->service != NULL, NULL);

  value = secret_service_decode_dbus_secret (self->service, encrypted);
  if (value == NULL)
    return NULL;
  data = secret_value_get (value, &size);
  return g_bytes_new (data, size);
}
