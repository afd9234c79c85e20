/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* The option `oauth2`: a token server, and what it gives fresh bearer tokens for.  All
 * pure. */

/* Whether that of @options (nothing, if there is none) goes to its server in clear only
 * where @first or @second (nullable) allow it: INVALID_ARGUMENT. */
gboolean
trd_oauth2_check (GVariant *options, GVariant *first, GVariant *second, GError **error);
/* That of a task, by its own secret options and those of its session (nullable, both).
 * (transfer full) (nullable) */
GVariant *
trd_oauth2_find (GVariant *task_secrets, GVariant *session_secrets);
/* Whether its server may be asked at all. */
gboolean
trd_oauth2_may_ask (GVariant *oauth2, gboolean allow_insecure);
/* What Refresh is asked for @oauth2; the rest is as in @request, of Begin.  (transfer
 * full), not floating */
GVariant *
trd_oauth2_compose (GVariant *oauth2, GVariant *request);
/* @oauth2 with another `refresh-token`.  (transfer full), not floating */
GVariant *
trd_oauth2_rotate (GVariant *oauth2, const char *token);
