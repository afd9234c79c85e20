/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Turns what the libraries report into the names of our interface.  Their messages are
 * not passed on: they contain host names, addresses and, with a proxy, user info (law 9).
 */

#include "config.h"

#include "errors.h"

#include "common/error.h"

#include <errno.h>
#include <libsoup/soup.h>

typedef struct
{
  int code; /* of G_IO_ERROR */
  TrundleError ours;
  const char *message;
} IoRow;

static const IoRow io_rows[] = {
  { G_IO_ERROR_HOST_NOT_FOUND, TRUNDLE_ERROR_HOST_NOT_FOUND, "The host is not known" },
  { G_IO_ERROR_CONNECTION_REFUSED,
    TRUNDLE_ERROR_CANNOT_CONNECT,
    "The server refused the connection" },
  { G_IO_ERROR_HOST_UNREACHABLE,
    TRUNDLE_ERROR_CANNOT_CONNECT,
    "The server cannot be reached" },
  { G_IO_ERROR_NETWORK_UNREACHABLE,
    TRUNDLE_ERROR_CANNOT_CONNECT,
    "The network cannot be reached" },
  { G_IO_ERROR_PROXY_FAILED, TRUNDLE_ERROR_CANNOT_CONNECT, "The proxy failed" },
  { G_IO_ERROR_PROXY_AUTH_FAILED,
    TRUNDLE_ERROR_CANNOT_CONNECT,
    "The proxy did not accept the credentials" },
  { G_IO_ERROR_PROXY_NEED_AUTH,
    TRUNDLE_ERROR_CANNOT_CONNECT,
    "The proxy wants credentials" },
  { G_IO_ERROR_PROXY_NOT_ALLOWED,
    TRUNDLE_ERROR_CANNOT_CONNECT,
    "The proxy does not allow the connection" },
  { G_IO_ERROR_INVALID_DATA,
    TRUNDLE_ERROR_PROTOCOL_ERROR,
    "The server does not speak HTTP" },
};

static const struct
{
  GTlsCertificateFlags flag;
  const char *word;
} tls_words[] = {
  { G_TLS_CERTIFICATE_UNKNOWN_CA, "unknown authority" },
  { G_TLS_CERTIFICATE_BAD_IDENTITY, "issued for another host" },
  { G_TLS_CERTIFICATE_NOT_ACTIVATED, "not yet valid" },
  { G_TLS_CERTIFICATE_EXPIRED, "expired" },
  { G_TLS_CERTIFICATE_REVOKED, "revoked" },
  { G_TLS_CERTIFICATE_INSECURE, "insecure algorithm" },
  { G_TLS_CERTIFICATE_GENERIC_ERROR, "invalid" },
};

static GError *
translate_tls (const GError *error)
{
  if (error->code == G_TLS_ERROR_CERTIFICATE_REQUIRED)
    return g_error_new_literal (TRUNDLE_ERROR,
                                TRUNDLE_ERROR_CLIENT_CERTIFICATE_REQUIRED,
                                "The server wants a client certificate");
  /* Of a server's we have heard before: attempt-tls.c. */
  if (error->code == G_TLS_ERROR_BAD_CERTIFICATE)
    return g_error_new_literal (TRUNDLE_ERROR,
                                TRUNDLE_ERROR_TLS_FAILED,
                                "The proxy's certificate is not trusted");
  /* So glib-networking (2.74) calls a connection that ends within the handshake, as those
   * to an overloaded server do; of another protocol it says MISC. */
  if (error->code == G_TLS_ERROR_NOT_TLS || error->code == G_TLS_ERROR_EOF)
    return g_error_new_literal (
        TRUNDLE_ERROR, TRUNDLE_ERROR_CONNECTION_LOST, "The connection was lost");
  return g_error_new_literal (
      TRUNDLE_ERROR, TRUNDLE_ERROR_TLS_FAILED, "No secure connection could be made");
}

static GError *
translate_io (const GError *error, gboolean is_connected)
{
  for (guint i = 0; i < G_N_ELEMENTS (io_rows); i++)
    {
      if (error->code == io_rows[i].code)
        return g_error_new_literal (TRUNDLE_ERROR, io_rows[i].ours, io_rows[i].message);
    }
  if (is_connected)
    return g_error_new_literal (
        TRUNDLE_ERROR, TRUNDLE_ERROR_CONNECTION_LOST, "The connection was lost");
  return g_error_new_literal (
      TRUNDLE_ERROR, TRUNDLE_ERROR_CANNOT_CONNECT, "No connection could be made");
}

GError *
trw_error_translate (const GError *error, gboolean is_connected)
{
  if (error->domain == TRUNDLE_ERROR)
    return g_error_copy (error);
  if (error->domain == G_RESOLVER_ERROR)
    return g_error_new_literal (
        TRUNDLE_ERROR, TRUNDLE_ERROR_HOST_NOT_FOUND, "The host is not known");
  if (error->domain == G_TLS_ERROR)
    return translate_tls (error);
  if (g_error_matches (error, SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_PARSING)
      || g_error_matches (error, SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_ENCODING))
    return g_error_new_literal (TRUNDLE_ERROR,
                                TRUNDLE_ERROR_PROTOCOL_ERROR,
                                "The server's answer makes no sense");
  if (error->domain == SOUP_SESSION_ERROR)
    return g_error_new_literal (
        TRUNDLE_ERROR, TRUNDLE_ERROR_CONNECTION_LOST, "The connection was lost");
  return translate_io (error, is_connected);
}

/* A name server that cannot be reached or fails is TEMPORARY_FAILURE (GLib 2.74). */
gboolean
trw_error_is_definite (const GError *error)
{
  return g_error_matches (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND);
}

char *
trw_tls_flags_describe (GTlsCertificateFlags flags)
{
  g_autoptr (GString) words = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (tls_words); i++)
    {
      if ((flags & tls_words[i].flag) == 0)
        continue;
      if (words->len > 0)
        g_string_append (words, ", ");
      g_string_append (words, tls_words[i].word);
    }
  return g_string_free (g_steal_pointer (&words), FALSE);
}

void
trw_error_set_by_file (GError **error, int error_number)
{
  gboolean is_full = error_number == ENOSPC || error_number == EDQUOT;

  g_set_error (error,
               TRUNDLE_ERROR,
               is_full ? TRUNDLE_ERROR_NO_SPACE : TRUNDLE_ERROR_WRITE_FAILED,
               "Writing the file: %s",
               g_strerror (error_number));
}
