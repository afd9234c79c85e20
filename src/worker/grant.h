/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* The words of OAuth 2 (RFC 6749 §6): what a token server is asked, and what it answers.
 * All pure. */

/* More than this is no answer. */
#define TRW_GRANT_ANSWER_MAX (64 * 1024)

/* The body that asks with @request, as Refresh takes it.  (transfer full) */
char *
trw_grant_ask (GVariant *request);
/* What stands in Authorization; NULL when the client has no secret.  (transfer full)
 * (nullable) */
char *
trw_grant_say_client (GVariant *request);

/* A token that came, as Refresh answers.  Errors: TRUNDLE_ERROR_PROTOCOL_ERROR.
 * (transfer full), not floating */
GVariant *
trw_grant_read_token (const char *data, gsize length, GError **error);
/* Why none came: one of the words of RFC 6749 §5.2, or "".  (transfer none) */
const char *
trw_grant_read_refusal (const char *data, gsize length);
