/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#define TRW_SHA256_SIZE 32

/* Before the TLS module is loaded: connections are never resumed. */
void
trw_tls_prepare (void);

/* SHA-256 of a certificate in DER; FALSE when it has none. */
gboolean
trw_tls_digest (GTlsCertificate *certificate, guint8 out_digest[TRW_SHA256_SIZE]);

/* The chain in DER, the server's own first, within bounds: aay.  Floating. */
GVariant *
trw_tls_describe_chain (GTlsCertificate *chain);

/* Whether `host` and `port` of @row are those of @uri, exactly. */
gboolean
trw_tls_is_of (GVariant *row, GUri *uri);

/* A key of Begin whose value is aa{sv}: dictionaries with a `host`, a `port`, and what
 * @is_valid looks for. */
typedef struct
{
  const char *key;
  gsize most;
  gboolean (*is_valid) (GVariant *row);
  const char *complaint; /* when one is wrong, or there are too many */
} TrwTlsRows;

/* NULL for none.  Errors: TRUNDLE_ERROR_INVALID_ARGUMENT.  (transfer full) (nullable) */
gboolean
trw_tls_read_rows (GVariant *dict,
                   const TrwTlsRows *kind,
                   GVariant **out_rows,
                   GError **error);
