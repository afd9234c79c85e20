/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* `client-certificates` of Begin: who we are to a server that wants a certificate. */

/* (transfer full) (nullable); FALSE with INVALID_ARGUMENT. */
gboolean
trw_identities_read (GVariant *dict, GVariant **out_rows, GError **error);

/* The row for the server at @uri.  @rows is (nullable).  (transfer full) (nullable) */
GVariant *
trw_identity_find (GVariant *rows, GUri *uri);

/* Of one that is not in a token: the certificate, its key and what is above it.  NULL
 * with TRUNDLE_ERROR_CLIENT_CERTIFICATE_REJECTED when they cannot be read.  (transfer
 * full) */
GTlsCertificate *
trw_identity_load (GVariant *row, GError **error);
