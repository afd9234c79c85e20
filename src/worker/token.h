/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* The certificate and the key that @uri (RFC 7512) names in a token of the user's, with
 * @pin (nullable) as its PIN.  Only in a worker of the profile "local". */
void
trw_token_load_async (const char *uri,
                      const char *pin,
                      GAsyncReadyCallback callback,
                      gpointer user_data);
/* Errors: TRUNDLE_ERROR_CLIENT_CERTIFICATE_REJECTED.  (transfer full) */
GTlsCertificate *
trw_token_load_finish (GAsyncResult *result, GError **error);
