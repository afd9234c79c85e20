/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Public keys known in advance.  They are looked at in the handshake, by way of the trust
 * store: only there every connection passes, whether its certificate is trusted or not,
 * before we tell who we are and before a byte of the request is written.
 *
 * A pin counts only for a certificate that vouches for the server's own: a server may
 * send any certificates besides, and those of others are no secret. */

#include "config.h"

#include "pins.h"

#include "common/error.h"
#include "common/url.h"
#include "tls.h"

#include <gnutls/x509.h>
#include <string.h>

#define PREFIX "sha256/"
#define PINS_MAX 64
#define CHAIN_MAX 16

struct _TrwPins
{
  GTlsDatabase parent_instance;
  GTlsDatabase *parent; /* (owned) (nullable) */
  GPtrArray *anchors;   /* (owned) (nullable) (element-type GTlsCertificate) */
  GUri *uri;            /* (owned): of the server they are of */
  GPtrArray *digests;   /* (owned) (element-type GBytes): of keys */
};

G_DEFINE_FINAL_TYPE (TrwPins, trw_pins, G_TYPE_TLS_DATABASE)

/* SHA-256 of the SubjectPublicKeyInfo. */
static gboolean
get_key_digest (GTlsCertificate *certificate, guint8 out_digest[TRW_SHA256_SIZE])
{
  g_autoptr (GByteArray) der = NULL;
  gnutls_datum_t data;
  gnutls_x509_crt_t parsed;
  size_t size = TRW_SHA256_SIZE;
  gboolean is_found;

  g_object_get (certificate, "certificate", &der, NULL);
  if (der == NULL)
    return FALSE;
  data = (gnutls_datum_t){ der->data, der->len };
  gnutls_x509_crt_init (&parsed);
  is_found = gnutls_x509_crt_import (parsed, &data, GNUTLS_X509_FMT_DER) == 0
             && gnutls_x509_crt_get_key_id (
                    parsed, GNUTLS_KEYID_USE_SHA256, out_digest, &size)
                    == 0;
  gnutls_x509_crt_deinit (parsed);
  return is_found;
}

static gboolean
is_pinned (TrwPins *self, GTlsCertificate *certificate)
{
  guint8 digest[TRW_SHA256_SIZE];

  if (!get_key_digest (certificate, digest))
    return FALSE;
  for (guint i = 0; i < self->digests->len; i++)
    {
      if (memcmp (g_bytes_get_data (self->digests->pdata[i], NULL), digest, sizeof digest)
          == 0)
        return TRUE;
    }
  return FALSE;
}

/* Whether signatures lead from the first of @chain to @certificate. When they do not, it
 * is UNKNOWN_CA. */
static gboolean
vouches_for (GTlsCertificate *certificate, GTlsCertificate *chain)
{
  GTlsCertificateFlags flags = g_tls_certificate_verify (chain, NULL, certificate);

  return (flags & ~(G_TLS_CERTIFICATE_EXPIRED | G_TLS_CERTIFICATE_NOT_ACTIVATED)) == 0;
}

static gboolean
counts (TrwPins *self, GTlsCertificate *certificate, GTlsCertificate *chain)
{
  return is_pinned (self, certificate) && vouches_for (certificate, chain);
}

/* What the system knows of who signed @certificate. */
static gboolean
issuer_counts (TrwPins *self, GTlsCertificate *certificate, GTlsCertificate *chain)
{
  g_autoptr (GTlsCertificate) issuer = NULL;

  if (self->parent == NULL)
    return FALSE;
  issuer = g_tls_database_lookup_certificate_issuer (
      self->parent, certificate, NULL, G_TLS_DATABASE_LOOKUP_NONE, NULL, NULL);
  return issuer != NULL && counts (self, issuer, chain);
}

static gboolean
fits (TrwPins *self, GTlsCertificate *chain)
{
  GTlsCertificate *i = g_tls_certificate_get_issuer (chain);

  if (is_pinned (self, chain) || issuer_counts (self, chain, chain))
    return TRUE;
  for (guint n = 1; i != NULL && n < CHAIN_MAX; n++)
    {
      if (counts (self, i, chain) || issuer_counts (self, i, chain))
        return TRUE;
      i = g_tls_certificate_get_issuer (i);
    }
  for (guint n = 0; self->anchors != NULL && n < self->anchors->len; n++)
    {
      if (counts (self, self->anchors->pdata[n], chain))
        return TRUE;
    }
  return FALSE;
}

gboolean
trw_pins_refuse (TrwPins *self, GUri *uri, GTlsCertificate *chain)
{
  return trundle_url_get_port (self->uri) == trundle_url_get_port (uri)
         && g_ascii_strcasecmp (g_uri_get_host (self->uri), g_uri_get_host (uri)) == 0
         && !fits (self, chain);
}

/* libsoup (3.2.3) gives the host and port of the address that is asked.  What is not told
 * so is nobody's server, and passes for ours. */
static gboolean
is_ours (TrwPins *self, GSocketConnectable *identity)
{
  GNetworkAddress *address;

  if (!G_IS_NETWORK_ADDRESS (identity))
    return TRUE;
  address = G_NETWORK_ADDRESS (identity);
  return g_network_address_get_port (address) == trundle_url_get_port (self->uri)
         && g_ascii_strcasecmp (g_network_address_get_hostname (address),
                                g_uri_get_host (self->uri))
                == 0;
}

static GTlsCertificateFlags
verify_chain (GTlsDatabase *database,
              GTlsCertificate *chain,
              const char *purpose,
              GSocketConnectable *identity,
              GTlsInteraction *interaction,
              GTlsDatabaseVerifyFlags flags,
              GCancellable *cancellable,
              GError **error)
{
  TrwPins *self = TRW_PINS (database);
  GTlsCertificateFlags wrong = G_TLS_CERTIFICATE_UNKNOWN_CA;

  if (self->parent != NULL)
    wrong = g_tls_database_verify_chain (
        self->parent, chain, purpose, identity, interaction, flags, cancellable, error);
  if (is_ours (self, identity) && !fits (self, chain))
    wrong |= G_TLS_CERTIFICATE_GENERIC_ERROR;
  return wrong;
}

static GBytes *
read_pin (const char *text)
{
  g_autofree guchar *digest = NULL;
  gsize size = 0;

  if (!g_str_has_prefix (text, PREFIX))
    return NULL;
  digest = g_base64_decode (text + strlen (PREFIX), &size);
  return size == TRW_SHA256_SIZE ? g_bytes_new_take (g_steal_pointer (&digest), size)
                                 : NULL;
}

gboolean
trw_pins_read (
    GVariant *dict, GUri *uri, GPtrArray *anchors, TrwPins **out_pins, GError **error)
{
  g_autofree const char **texts = NULL;
  g_autoptr (TrwPins) self = NULL;

  if (!g_variant_lookup (dict, "pins", "^a&s", &texts) || texts[0] == NULL)
    return TRUE;
  self = g_object_new (TRW_TYPE_PINS, NULL);
  for (guint i = 0; texts[i] != NULL; i++)
    {
      GBytes *digest = i < PINS_MAX ? read_pin (texts[i]) : NULL;

      if (digest == NULL)
        {
          g_set_error_literal (error,
                               TRUNDLE_ERROR,
                               TRUNDLE_ERROR_INVALID_ARGUMENT,
                               "pins: not a SHA-256 in base64");
          return FALSE;
        }
      g_ptr_array_add (self->digests, digest);
    }
  self->uri = g_uri_ref (uri);
  self->anchors = anchors != NULL ? g_ptr_array_ref (anchors) : NULL;
  *out_pins = g_steal_pointer (&self);
  return TRUE;
}

void
trw_pins_set_parent (TrwPins *self, GTlsDatabase *parent)
{
  g_set_object (&self->parent, parent);
}

static void
trw_pins_dispose (GObject *object)
{
  TrwPins *self = TRW_PINS (object);

  g_clear_object (&self->parent);
  G_OBJECT_CLASS (trw_pins_parent_class)->dispose (object);
}

static void
trw_pins_finalize (GObject *object)
{
  TrwPins *self = TRW_PINS (object);

  g_clear_pointer (&self->anchors, g_ptr_array_unref);
  g_clear_pointer (&self->uri, g_uri_unref);
  g_ptr_array_unref (self->digests);
  G_OBJECT_CLASS (trw_pins_parent_class)->finalize (object);
}

static void
trw_pins_init (TrwPins *self)
{
  self->digests = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
}

static void
trw_pins_class_init (TrwPinsClass *klass)
{
  G_TLS_DATABASE_CLASS (klass)->verify_chain = verify_chain;
  G_OBJECT_CLASS (klass)->dispose = trw_pins_dispose;
  G_OBJECT_CLASS (klass)->finalize = trw_pins_finalize;
}
