/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libsoup/soup.h>

#include "body.h"

/* The final answer as the a{sv} of Broker.Response.  @offset: where it goes into the
 * part, or -1 not to say so.  @total: size of the whole, or 0 when that is for the answer
 * to say.  (transfer full), not floating */
GVariant *
trw_response_describe (SoupMessage *message, GUri *uri, gint64 offset, guint64 total);

/* As a(ss), without those named @skipped (nullable).  Floating. */
GVariant *
trw_response_describe_headers (SoupMessageHeaders *headers, const char *skipped);

/* Its Content-Encoding; NULL for none, which "identity" is too (RFC 9110 §12.5.3 reserves
 * the word, and servers send it).  (transfer none) (nullable) */
const char *
trw_response_get_coding (SoupMessageHeaders *headers);

/* How the end of its body will be known.  @out_length is set with TRW_FRAMING_LENGTH.
 * Errors: TRUNDLE_ERROR_PROTOCOL_ERROR for headers that contradict themselves. */
gboolean
trw_response_get_framing (SoupMessage *message,
                          TrwFraming *out_framing,
                          guint64 *out_length,
                          GError **error);

/* "content-length", "chunked", "connection-close", "empty". */
const char *
trw_framing_to_proof (TrwFraming framing);
