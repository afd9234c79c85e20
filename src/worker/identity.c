/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Certificates of our own, from what users have: PEM in any order, with a key that may be
 * encrypted, or PKCS #12.  GIO takes neither an encrypted key nor a chain that does not
 * begin with the certificate of the key (GLib 2.74), so that GnuTLS reads both, and GIO
 * gets them in order and in the clear. */

#include "config.h"

#include "identity.h"

#include "common/error.h"
#include "tls.h"

#include <gnutls/pkcs12.h>
#include <gnutls/x509.h>
#include <string.h>

#define IDENTITIES_MAX 100
#define CHAIN_MAX 16

typedef struct
{
  gnutls_x509_privkey_t key; /* (owned) (nullable) */
  gnutls_x509_crt_t *chain;  /* (owned) (nullable), by GnuTLS */
  unsigned int n_chain;
} Parts;

static void
clear_parts (Parts *self)
{
  for (guint i = 0; i < self->n_chain; i++)
    gnutls_x509_crt_deinit (self->chain[i]);
  g_clear_pointer (&self->chain, gnutls_free);
  g_clear_pointer (&self->key, gnutls_x509_privkey_deinit);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Parts, clear_parts)

/* Text that held a key. */
static void
free_secret (char *text)
{
  if (text != NULL)
    explicit_bzero (text, strlen (text));
  g_free (text);
}

static gboolean
fail (GError **error, const char *message)
{
  g_set_error_literal (
      error, TRUNDLE_ERROR, TRUNDLE_ERROR_CLIENT_CERTIFICATE_REJECTED, message);
  return FALSE;
}

static gboolean
is_identity (GVariant *row)
{
  guint n_kinds = 0;

  n_kinds += g_variant_lookup (row, "pem", "&s", NULL) ? 1 : 0;
  n_kinds += g_variant_lookup (row, "pem", "@ay", NULL) ? 1 : 0;
  n_kinds += g_variant_lookup (row, "pkcs12", "@ay", NULL) ? 1 : 0;
  n_kinds += g_variant_lookup (row, "pkcs11-uri", "&s", NULL) ? 1 : 0;
  return n_kinds == 1;
}

gboolean
trw_identities_read (GVariant *dict, GVariant **out_rows, GError **error)
{
  static const TrwTlsRows identities = {
    .key = "client-certificates",
    .most = IDENTITIES_MAX,
    .is_valid = is_identity,
    .complaint = "not a host, a port and a certificate",
  };

  return trw_tls_read_rows (dict, &identities, out_rows, error);
}

GVariant *
trw_identity_find (GVariant *rows, GUri *uri)
{
  gsize n_rows = rows != NULL ? g_variant_n_children (rows) : 0;

  for (gsize i = 0; i < n_rows; i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      gboolean is_proxy = FALSE;

      g_variant_lookup (row, "is-proxy", "b", &is_proxy);
      if (!is_proxy && trw_tls_is_of (row, uri))
        return g_steal_pointer (&row);
    }
  return NULL;
}

/* PEM */

/* The first private key of @pem, of whatever kind.  (transfer full) (nullable) */
static char *
cut_key (const char *pem)
{
  g_autoptr (GRegex) regex = g_regex_new (
      "-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \\1-----\n?",
      G_REGEX_DOTALL,
      0,
      NULL);
  g_autoptr (GMatchInfo) match = NULL;

  return g_regex_match (regex, pem, 0, &match) ? g_match_info_fetch (match, 0) : NULL;
}

static gboolean
read_pem_key (Parts *self, const char *pem, const char *password, GError **error)
{
  g_autofree char *text = cut_key (pem);
  gnutls_datum_t data = { (guchar *)text, text != NULL ? (guint)strlen (text) : 0 };
  int result;

  if (text == NULL)
    return fail (error, "The client certificate comes without its private key");
  gnutls_x509_privkey_init (&self->key);
  result = gnutls_x509_privkey_import2 (
      self->key, &data, GNUTLS_X509_FMT_PEM, password, 0);
  explicit_bzero (text, strlen (text));
  if (result == GNUTLS_E_SUCCESS)
    return TRUE;
  if (result == GNUTLS_E_DECRYPTION_FAILED)
    return fail (error,
                 password != NULL
                     ? "The password of the client certificate's key is wrong"
                     : "The client certificate's key is encrypted");
  return fail (error, "The client certificate's key cannot be read");
}

static gboolean
read_pem (Parts *self, const char *pem, const char *password, GError **error)
{
  gnutls_datum_t data = { (guchar *)pem, (guint)strlen (pem) };

  if (!read_pem_key (self, pem, password, error))
    return FALSE;
  if (gnutls_x509_crt_list_import2 (
          &self->chain, &self->n_chain, &data, GNUTLS_X509_FMT_PEM, 0)
          < 0
      || self->n_chain == 0)
    return fail (error, "The client certificate cannot be read");
  return TRUE;
}

/* PKCS #12 */

static gboolean
parse_pkcs12 (Parts *self, gnutls_pkcs12_t bundle, const char *password, GError **error)
{
  int result = gnutls_pkcs12_verify_mac (bundle, password);

  if (result == GNUTLS_E_SUCCESS)
    result = gnutls_pkcs12_simple_parse (
        bundle, password, &self->key, &self->chain, &self->n_chain, NULL, NULL, NULL, 0);
  if (result == GNUTLS_E_MAC_VERIFY_FAILED || result == GNUTLS_E_DECRYPTION_FAILED)
    return fail (error, "The password of the client certificate is wrong");
  if (result < 0 || self->n_chain == 0)
    return fail (error, "The client certificate cannot be read");
  if (self->key == NULL)
    return fail (error, "The client certificate comes without its private key");
  return TRUE;
}

static gboolean
read_pkcs12 (Parts *self, GVariant *bytes, const char *password, GError **error)
{
  gnutls_datum_t data = { (guchar *)g_variant_get_data (bytes),
                          (guint)g_variant_get_size (bytes) };
  gnutls_pkcs12_t bundle;
  gboolean is_read;

  gnutls_pkcs12_init (&bundle);
  if (gnutls_pkcs12_import (bundle, &data, GNUTLS_X509_FMT_DER, 0) < 0)
    is_read = fail (error, "The client certificate cannot be read");
  else
    is_read = parse_pkcs12 (self, bundle, password != NULL ? password : "", error);
  gnutls_pkcs12_deinit (bundle);
  return is_read;
}

/* For GIO */

static gboolean
is_of_key (const Parts *self, gnutls_x509_crt_t certificate)
{
  guint8 of_key[TRW_SHA256_SIZE];
  guint8 of_certificate[TRW_SHA256_SIZE];
  size_t key_size = sizeof of_key;
  size_t certificate_size = sizeof of_certificate;

  return gnutls_x509_privkey_get_key_id (
             self->key, GNUTLS_KEYID_USE_SHA256, of_key, &key_size)
             == 0
         && gnutls_x509_crt_get_key_id (
                certificate, GNUTLS_KEYID_USE_SHA256, of_certificate, &certificate_size)
                == 0
         && memcmp (of_key, of_certificate, sizeof of_key) == 0;
}

static gboolean
add_certificate (GString *pem, gnutls_x509_crt_t certificate)
{
  gnutls_datum_t text;

  if (gnutls_x509_crt_export2 (certificate, GNUTLS_X509_FMT_PEM, &text) < 0)
    return FALSE;
  g_string_append_len (pem, (const char *)text.data, text.size);
  gnutls_free (text.data);
  return TRUE;
}

static gboolean
is_issuer (const Parts *self, guint above, guint below)
{
  return above != below
         && gnutls_x509_crt_check_issuer (self->chain[below], self->chain[above]) != 0;
}

/* The certificate of the key first, then each one's issuer. */
static gboolean
add_chain (GString *pem, const Parts *self, GError **error)
{
  guint at = 0;

  while (at < self->n_chain && !is_of_key (self, self->chain[at]))
    at++;
  if (at == self->n_chain)
    return fail (error, "The private key is not that of the client certificate");
  for (guint n = 0; n < CHAIN_MAX && at < self->n_chain; n++)
    {
      guint above = 0;

      if (!add_certificate (pem, self->chain[at]))
        return fail (error, "The client certificate cannot be read");
      while (above < self->n_chain && !is_issuer (self, above, at))
        above++;
      at = above;
    }
  return TRUE;
}

static GTlsCertificate *
make_certificate (const Parts *self, GError **error)
{
  g_autoptr (GString) pem = g_string_new (NULL);
  gnutls_datum_t text;
  GTlsCertificate *certificate;

  if (!add_chain (pem, self, error))
    return NULL;
  if (gnutls_x509_privkey_export2_pkcs8 (
          self->key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &text)
      < 0)
    {
      fail (error, "The client certificate's key cannot be used");
      return NULL;
    }
  g_string_append_len (pem, (const char *)text.data, text.size);
  explicit_bzero (text.data, text.size);
  gnutls_free (text.data);
  certificate = g_tls_certificate_new_from_pem (pem->str, (gssize)pem->len, NULL);
  free_secret (g_string_free (g_steal_pointer (&pem), FALSE));
  if (certificate == NULL)
    fail (error, "The client certificate cannot be used");
  return certificate;
}

/* PEM comes as text or as bytes.  (transfer full) (nullable) */
static char *
get_pem (GVariant *row)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (row, "pem", NULL);

  if (value == NULL)
    return NULL;
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return g_variant_dup_string (value, NULL);
  return g_strndup (g_variant_get_data (value), g_variant_get_size (value));
}

static GTlsCertificate *
load_pem (const char *pem, const char *password, GError **error)
{
  g_auto (Parts) parts = { NULL };

  return read_pem (&parts, pem, password, error) ? make_certificate (&parts, error)
                                                 : NULL;
}

GTlsCertificate *
trw_identity_load (GVariant *row, GError **error)
{
  g_auto (Parts) parts = { NULL };
  g_autoptr (GVariant) pkcs12 = NULL;
  char *pem = get_pem (row);
  const char *password = NULL;

  g_variant_lookup (row, "password", "&s", &password);
  if (pem != NULL)
    {
      GTlsCertificate *certificate = load_pem (pem, password, error);

      free_secret (pem);
      return certificate;
    }
  if (g_variant_lookup (row, "pkcs12", "@ay", &pkcs12))
    return read_pkcs12 (&parts, pkcs12, password, error)
               ? make_certificate (&parts, error)
               : NULL;
  fail (error, "The client certificate is in a token, which is out of reach here");
  return NULL;
}
