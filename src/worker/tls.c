/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Words about TLS that several rooms of the worker need, and one decision for all of
 * them: no connection is a resumed one. */

#include "config.h"

#include "tls.h"

#include "common/error.h"
#include "common/url.h"

#include <gnutls/gnutls.h>
#include <string.h>

/* What a challenge may carry, which must stay far below TRD_WORKER_MESSAGE_MAX. */
#define CHAIN_MAX 10
#define CERTIFICATE_MAX (64 * 1024)
#define CHAIN_SIZE_MAX (256 * 1024)

/* glib-networking (2.74.0) keeps the tickets of TLS 1.3 for the whole process, by address
 * and name of the server, and takes what is resumed as accepted, whatever is wrong with
 * the certificate and whoever accepted it: what one task has trusted would be trusted by
 * all.  Another priority string is the only way to go without; that of the distribution
 * is named @SYSTEM where there is one. */
void
trw_tls_prepare (void)
{
  static const char *const priorities[] = { "@SYSTEM:%COMPAT:%NO_TICKETS",
                                            "NORMAL:%COMPAT:%NO_TICKETS" };
  gnutls_priority_t priority;

  for (guint i = 0; i < G_N_ELEMENTS (priorities); i++)
    {
      if (gnutls_priority_init (&priority, priorities[i], NULL) != GNUTLS_E_SUCCESS)
        continue;
      gnutls_priority_deinit (priority);
      g_setenv ("G_TLS_GNUTLS_PRIORITY", priorities[i], TRUE);
      return;
    }
}

gboolean
trw_tls_digest (GTlsCertificate *certificate, guint8 out_digest[TRW_SHA256_SIZE])
{
  g_autoptr (GByteArray) der = NULL;
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize size = TRW_SHA256_SIZE;

  g_object_get (certificate, "certificate", &der, NULL);
  if (der == NULL)
    return FALSE;
  g_checksum_update (checksum, der->data, der->len);
  g_checksum_get_digest (checksum, out_digest, &size);
  return TRUE;
}

GVariant *
trw_tls_describe_chain (GTlsCertificate *chain)
{
  GVariantBuilder builder;
  gsize size = 0;
  guint n = 0;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aay"));
  for (GTlsCertificate *i = chain; i != NULL && n < CHAIN_MAX;
       i = g_tls_certificate_get_issuer (i), n++)
    {
      g_autoptr (GByteArray) der = NULL;

      g_object_get (i, "certificate", &der, NULL);
      if (der == NULL || der->len > CERTIFICATE_MAX || size + der->len > CHAIN_SIZE_MAX)
        break;
      size += der->len;
      g_variant_builder_add_value (
          &builder,
          g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, der->data, der->len, 1));
    }
  return g_variant_builder_end (&builder);
}

gboolean
trw_tls_is_of (GVariant *row, GUri *uri)
{
  const char *host = "";
  guint port = 0;

  g_variant_lookup (row, "host", "&s", &host);
  g_variant_lookup (row, "port", "u", &port);
  return port == trundle_url_get_port (uri)
         && g_ascii_strcasecmp (host, g_uri_get_host (uri)) == 0;
}

static gboolean
has_place (GVariant *row)
{
  const char *host;
  guint port;

  return g_variant_lookup (row, "host", "&s", &host) && *host != '\0'
         && g_variant_lookup (row, "port", "u", &port) && port > 0 && port <= G_MAXUINT16;
}

gboolean
trw_tls_read_rows (GVariant *dict,
                   const TrwTlsRows *kind,
                   GVariant **out_rows,
                   GError **error)
{
  g_autoptr (GVariant) rows = g_variant_lookup_value (
      dict, kind->key, G_VARIANT_TYPE ("aa{sv}"));
  gsize n_rows = rows != NULL ? g_variant_n_children (rows) : 0;
  gboolean are_valid = n_rows <= kind->most;

  for (gsize i = 0; i < n_rows && are_valid; i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);

      are_valid = has_place (row) && kind->is_valid (row);
    }
  if (!are_valid)
    {
      g_set_error (error,
                   TRUNDLE_ERROR,
                   TRUNDLE_ERROR_INVALID_ARGUMENT,
                   "%s: %s",
                   kind->key,
                   kind->complaint);
      return FALSE;
    }
  *out_rows = n_rows > 0 ? g_steal_pointer (&rows) : NULL;
  return TRUE;
}
