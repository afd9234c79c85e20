/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libsoup/soup.h>

#include "body.h"

/* The final answer as the a{sv} of Broker.Response.  (transfer full), not floating */
GVariant *
trw_response_describe (SoupMessage *message, GUri *uri);

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
