/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Certificates whose key is in a token: PKCS #11, by GnuTLS and GIO, in a thread, since
 * cards are slow and modules are code of strangers.
 *
 * The PIN is part of the key's URI for GIO.  Asked for it by a callback, glib-networking
 * (2.74.0) asks again for ever, whatever it is told but an error, until the token is
 * locked.  So a PIN is tried here, once: one that was wrong is not tried again in this
 * process, one try is always left to the user, and a token that wants a PIN when there is
 * none is not asked for anything.
 *
 * Of the attributes of a URI those are refused that name other things than an object in a
 * token: a module to be loaded, a file to be read. */

#include "config.h"

#include "token.h"

#include "common/error.h"

#include <gnutls/abstract.h>
#include <gnutls/pkcs11.h>
#include <string.h>

#define SCHEME "pkcs11:"
#define SPACE " \t\n\v\f\r"

typedef struct
{
  char *uri; /* (owned): as given */
  char *
      object_uri; /* (owned) (nullable): without type and query, once it is taken apart */
  char *key_uri;  /* (owned) (nullable): the same with type and PIN, as the next */
  char *certificate_uri; /* (owned) (nullable) */
  char *digest;          /* (owned) (nullable): of the key and its PIN */
  char *pin;             /* (owned) (nullable) */
} Load;

/* A key that stays open, so that the token stays logged in while this process lives. */
typedef struct
{
  gnutls_privkey_t key;         /* (owned) */
  GTlsCertificate *certificate; /* (owned) */
} Opened;

/* One token is asked at a time.  By digests of what they are for. */
static GMutex lock;
static GHashTable *wrong;  /* (owned) (nullable): PINs that were wrong */
static GHashTable *opened; /* (owned) (nullable): to Opened */

static void
free_secret (char *text)
{
  if (text != NULL)
    explicit_bzero (text, strlen (text));
  g_free (text);
}

static void
free_opened (gpointer data)
{
  Opened *self = data;

  gnutls_privkey_deinit (self->key);
  g_object_unref (self->certificate);
  g_free (self);
}

static void
free_load (gpointer data)
{
  Load *self = data;

  free_secret (self->uri);
  g_free (self->object_uri);
  g_free (self->digest);
  free_secret (self->key_uri);
  free_secret (self->certificate_uri);
  free_secret (self->pin);
  g_free (self);
}

static gboolean
fail (GError **error, const char *message)
{
  g_set_error_literal (
      error, TRUNDLE_ERROR, TRUNDLE_ERROR_CLIENT_CERTIFICATE_REJECTED, message);
  return FALSE;
}

/* Taking the URI apart */

static gboolean
is_attribute (const char *text, const char *name)
{
  gsize length = strlen (name);

  return strncmp (text, name, length) == 0 && text[length] == '=';
}

/* RFC 7512 §2.3 and §2.4, and what p11-kit (0.24) takes for the last of them. */
static gboolean
is_dangerous (const char *attribute)
{
  return g_str_has_prefix (attribute, "module-") || is_attribute (attribute, "pin-source")
         || is_attribute (attribute, "pinfile");
}

/* GnuTLS tries a PIN with every token that a URI could mean. */
static gboolean
names_one_token (char **attributes)
{
  for (guint i = 0; attributes[i] != NULL; i++)
    {
      if (is_attribute (attributes[i], "token") || is_attribute (attributes[i], "serial"))
        return TRUE;
    }
  return FALSE;
}

static gboolean
check_attributes (char **attributes, GError **error)
{
  for (guint i = 0; attributes[i] != NULL; i++)
    {
      if (is_dangerous (attributes[i]))
        return fail (error, "The URI names more than an object in a token");
    }
  return TRUE;
}

/* A PIN that was given goes before that of the URI. */
static void
take_pin (Load *self, char **attributes)
{
  for (guint i = 0; attributes[i] != NULL; i++)
    {
      if (self->pin == NULL && is_attribute (attributes[i], "pin-value"))
        self->pin = g_uri_unescape_string (attributes[i] + strlen ("pin-value="), NULL);
    }
}

static char *
join_without_type (char **attributes)
{
  g_autoptr (GPtrArray) kept = g_ptr_array_new ();

  for (guint i = 0; attributes[i] != NULL; i++)
    {
      if (!is_attribute (attributes[i], "type")
          && !is_attribute (attributes[i], "object-type"))
        g_ptr_array_add (kept, attributes[i]);
    }
  g_ptr_array_add (kept, NULL);
  return g_strjoinv (";", (char **)kept->pdata);
}

static gboolean
take_apart (Load *self, GError **error)
{
  g_auto (GStrv) halves = NULL;
  g_auto (GStrv) path = NULL;
  g_auto (GStrv) query = NULL;
  g_autofree char *joined = NULL;
  g_autofree char *pin = NULL;
  g_autofree char *value = NULL;

  /* p11-kit (0.24) skips what looks like space, also within names. */
  if (!g_str_has_prefix (self->uri, SCHEME) || strpbrk (self->uri, SPACE) != NULL)
    return fail (error, "The URI is not one of PKCS #11");
  halves = g_strsplit (self->uri + strlen (SCHEME), "?", 2);
  path = g_strsplit (halves[0] != NULL ? halves[0] : "", ";", -1);
  query = g_strsplit (halves[0] != NULL && halves[1] != NULL ? halves[1] : "", "&", -1);
  if (!check_attributes (path, error) || !check_attributes (query, error))
    return FALSE;
  if (!names_one_token (path))
    return fail (error, "The URI does not say which token is meant");
  take_pin (self, query);
  joined = join_without_type (path);
  self->object_uri = g_strconcat (SCHEME, joined, NULL);
  if (self->pin != NULL)
    pin = g_uri_escape_string (self->pin, NULL, FALSE);
  value = pin != NULL ? g_strconcat ("?pin-value=", pin, NULL) : g_strdup ("");
  self->key_uri = g_strconcat (self->object_uri, ";type=private", value, NULL);
  self->certificate_uri = g_strconcat (self->object_uri, ";type=cert", value, NULL);
  return TRUE;
}

/* The token */

static void
prepare (void)
{
  if (wrong != NULL)
    return;
  wrong = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  opened = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_opened);
}

/* Whether the key can be reached at all, before its PIN costs the token a try. */
static gboolean
check_token (const Load *self, GError **error)
{
  unsigned int flags = 0;

  if (gnutls_pkcs11_token_get_flags (self->object_uri, &flags) < 0)
    return fail (error, "No token is there that the URI could mean");
  if ((flags & GNUTLS_PKCS11_TOKEN_USER_PIN_LOCKED) != 0)
    return fail (error, "The token is locked");
  if (self->pin == NULL && (flags & GNUTLS_PKCS11_TOKEN_LOGIN_REQUIRED) != 0
      && (flags & GNUTLS_PKCS11_TOKEN_PROTECTED_AUTHENTICATION_PATH) == 0)
    return fail (error, "The token wants its PIN");
  if (self->pin != NULL && (flags & GNUTLS_PKCS11_TOKEN_USER_PIN_FINAL_TRY) != 0)
    return fail (error, "The token would be locked by another wrong PIN");
  if (g_hash_table_contains (wrong, self->digest))
    return fail (error, "The PIN of the token was wrong before");
  return TRUE;
}

static gnutls_privkey_t
open_key (const Load *self, GError **error)
{
  gnutls_privkey_t key;
  int result;

  gnutls_privkey_init (&key);
  result = gnutls_privkey_import_url (key, self->key_uri, GNUTLS_PKCS11_OBJ_FLAG_LOGIN);
  if (result >= 0)
    return key;
  gnutls_privkey_deinit (key);
  if (result == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
    {
      fail (error, "The token has no such key");
      return NULL;
    }
  g_hash_table_add (wrong, g_strdup (self->digest));
  fail (error,
        result == GNUTLS_E_PKCS11_PIN_ERROR ? "The PIN of the token is wrong"
                                            : "The token's key cannot be used");
  return NULL;
}

/* With the PIN: some tools hide certificates behind it, too, where
 * g_tls_certificate_new_from_pkcs11_uris() does not find them. */
static GBytes *
read_certificate (const Load *self)
{
  gnutls_pkcs11_obj_t object;
  gnutls_datum_t der = { NULL, 0 };
  GBytes *bytes = NULL;

  gnutls_pkcs11_obj_init (&object);
  if (gnutls_pkcs11_obj_import_url (object,
                                    self->certificate_uri,
                                    self->pin != NULL ? GNUTLS_PKCS11_OBJ_FLAG_LOGIN : 0)
          >= 0
      && gnutls_pkcs11_obj_export2 (object, &der) >= 0)
    bytes = g_bytes_new (der.data, der.size);
  gnutls_free (der.data);
  gnutls_pkcs11_obj_deinit (object);
  return bytes;
}

static GTlsCertificate *
make_certificate (const Load *self, GError **error)
{
  g_autoptr (GBytes) der = read_certificate (self);
  g_autoptr (GByteArray) data = NULL;
  gpointer certificate;

  if (der == NULL)
    {
      fail (error, "The token has no such certificate");
      return NULL;
    }
  data = g_bytes_unref_to_array (g_steal_pointer (&der));
  certificate = g_initable_new (
      g_tls_backend_get_certificate_type (g_tls_backend_get_default ()),
      NULL,
      NULL,
      "certificate",
      data,
      "private-key-pkcs11-uri",
      self->key_uri,
      NULL);
  if (certificate == NULL)
    fail (error, "The certificate in the token cannot be used");
  return certificate;
}

/* A reader with buttons of its own asks the user by itself, when the key is used. */
static GTlsCertificate *
open_token (const Load *self, GError **error)
{
  GTlsCertificate *certificate;
  Opened *entry;
  gnutls_privkey_t key;

  if (self->pin == NULL)
    return make_certificate (self, error);
  key = open_key (self, error);
  if (key == NULL)
    return NULL;
  certificate = make_certificate (self, error);
  if (certificate == NULL)
    {
      gnutls_privkey_deinit (key);
      return NULL;
    }
  entry = g_new0 (Opened, 1);
  entry->key = key;
  entry->certificate = g_object_ref (certificate);
  g_hash_table_insert (opened, g_strdup (self->digest), entry);
  return certificate;
}

static GTlsCertificate *
load (Load *self, GError **error)
{
  const Opened *entry;

  if (!take_apart (self, error))
    return NULL;
  prepare ();
  self->digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, self->key_uri, -1);
  entry = g_hash_table_lookup (opened, self->digest);
  /* Of one that was pulled out nothing is left but its key's name. */
  if (!check_token (self, error))
    {
      g_hash_table_remove (opened, self->digest);
      return NULL;
    }
  return entry != NULL ? g_object_ref (entry->certificate) : open_token (self, error);
}

static void
load_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;
  GTlsCertificate *certificate;

  g_mutex_lock (&lock);
  certificate = load (data, &error);
  g_mutex_unlock (&lock);
  if (certificate != NULL)
    g_task_return_pointer (task, certificate, g_object_unref);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

void
trw_token_load_async (const char *uri,
                      const char *pin,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Load *data = g_new0 (Load, 1);

  data->uri = g_strdup (uri);
  data->pin = g_strdup (pin);
  g_task_set_source_tag (task, trw_token_load_async);
  g_task_set_task_data (task, data, free_load);
  g_task_run_in_thread (task, load_in_thread);
}

GTlsCertificate *
trw_token_load_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
