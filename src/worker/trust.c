/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whom a task trusts although the system's trust store does not: extra anchors, by which
 * nothing at all may be wrong with a certificate, and single certificates that somebody
 * has decided to take from one server whatever is wrong with them. */

#include "config.h"

#include "trust.h"

#include "common/error.h"
#include "tls.h"

#include <string.h>

/* More than anybody decides about. */
#define EXCEPTIONS_MAX 1000

#define BEGIN_MARK "-----BEGIN CERTIFICATE-----"
#define END_MARK "-----END CERTIFICATE-----"

/* g_tls_certificate_new_from_pem() gives the first certificate only, with the others as a
 * chain above it when they are one: so each is cut out. */
static GTlsCertificate *
parse_next (const char **pem, GError **error)
{
  const char *begin = strstr (*pem, BEGIN_MARK);
  const char *end = begin != NULL ? strstr (begin, END_MARK) : NULL;

  if (end == NULL)
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_INVALID_ARGUMENT,
                           "ca-certificates: no certificate in PEM");
      return NULL;
    }
  end += strlen (END_MARK);
  *pem = end;
  return g_tls_certificate_new_from_pem (begin, end - begin, error);
}

/* NULL when there is no certificate in @pem, or one is broken.  (element-type
 * GTlsCertificate) (transfer full) */
static GPtrArray *
parse_anchors (const char *pem, GError **error)
{
  g_autoptr (GPtrArray) anchors = g_ptr_array_new_with_free_func (g_object_unref);

  do
    {
      g_autoptr (GError) local_error = NULL;
      GTlsCertificate *anchor = parse_next (&pem, &local_error);

      if (anchor == NULL)
        {
          g_set_error_literal (error,
                               TRUNDLE_ERROR,
                               TRUNDLE_ERROR_INVALID_ARGUMENT,
                               "ca-certificates: not a certificate in PEM");
          return NULL;
        }
      g_ptr_array_add (anchors, anchor);
    }
  while (strstr (pem, BEGIN_MARK) != NULL);
  return g_steal_pointer (&anchors);
}

static gboolean
is_exception (GVariant *row)
{
  g_autoptr (GVariant) digest = g_variant_lookup_value (
      row, "sha256", G_VARIANT_TYPE_BYTESTRING);

  return digest != NULL && g_variant_get_size (digest) == TRW_SHA256_SIZE;
}

gboolean
trw_trust_read (TrwTrust *self, GVariant *dict, GError **error)
{
  static const TrwTlsRows exceptions = {
    .key = "trusted-certificates",
    .most = EXCEPTIONS_MAX,
    .is_valid = is_exception,
    .complaint = "not a host, a port and a SHA-256",
  };
  const char *pem = "";

  g_variant_lookup (dict, "ca-certificates", "&s", &pem);
  if (pem[0] != '\0')
    {
      self->anchors = parse_anchors (pem, error);
      if (self->anchors == NULL)
        return FALSE;
    }
  return trw_tls_read_rows (dict, &exceptions, &self->exceptions, error);
}

void
trw_trust_clear (TrwTrust *self)
{
  g_clear_pointer (&self->anchors, g_ptr_array_unref);
  g_clear_pointer (&self->exceptions, g_variant_unref);
}

static gboolean
leads_to_anchor (GPtrArray *anchors,
                 GUri *uri,
                 GTlsCertificate *chain,
                 GTlsCertificateFlags *out_flags)
{
  g_autoptr (GSocketConnectable) identity = g_network_address_new (g_uri_get_host (uri),
                                                                   443);

  for (guint i = 0; i < anchors->len; i++)
    {
      GTlsCertificateFlags flags = g_tls_certificate_verify (
          chain, identity, g_ptr_array_index (anchors, i));

      if (flags == 0)
        return TRUE;
      if (i == 0 || (flags & G_TLS_CERTIFICATE_UNKNOWN_CA) == 0)
        *out_flags = flags;
    }
  return FALSE;
}

static gboolean
is_excepted (GVariant *exceptions, GUri *uri, gboolean is_proxy, GTlsCertificate *chain)
{
  GVariantIter iter;
  GVariant *row;
  guint8 digest[TRW_SHA256_SIZE];
  gboolean is_found = FALSE;

  if (!trw_tls_digest (chain, digest))
    return FALSE;
  g_variant_iter_init (&iter, exceptions);
  while (!is_found && g_variant_iter_next (&iter, "@a{sv}", &row))
    {
      g_autoptr (GVariant) owned = row;
      g_autoptr (GVariant) bytes = g_variant_lookup_value (
          owned, "sha256", G_VARIANT_TYPE_BYTESTRING);
      gboolean of_proxy = FALSE;

      g_variant_lookup (owned, "is-proxy", "b", &of_proxy);
      is_found = of_proxy == is_proxy && trw_tls_is_of (owned, uri)
                 && memcmp (g_variant_get_data (bytes), digest, sizeof digest) == 0;
    }
  return is_found;
}

gboolean
trw_trust_accepts (const TrwTrust *self,
                   GUri *uri,
                   gboolean is_proxy,
                   GTlsCertificate *chain,
                   GTlsCertificateFlags *flags)
{
  if (self->anchors != NULL && leads_to_anchor (self->anchors, uri, chain, flags))
    return TRUE;
  return self->exceptions != NULL && is_excepted (self->exceptions, uri, is_proxy, chain);
}
