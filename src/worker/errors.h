/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* An error of GIO, the resolver, TLS or libsoup as one of ours, with a message that holds
 * no address and no secret.  @is_connected: the connection stood before it happened.
 * (transfer full) */
GError *
trw_error_translate (const GError *error, gboolean is_connected);

/* Whether the name service says that there is no such host, rather than nothing. */
gboolean
trw_error_is_definite (const GError *error);

/* "unknown-authority, expired": what is wrong with a certificate.  (transfer full) */
char *
trw_tls_flags_describe (GTlsCertificateFlags flags);

/* NO_SPACE or WRITE_FAILED of TRUNDLE_ERROR. */
void
trw_error_set_by_file (GError **error, int error_number);
