/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* A proof of who the user is, for one request to one server, by his Kerberos ticket (RFC
 * 4559).  Only in a worker of the profile "local". */
typedef struct _TrwNegotiate TrwNegotiate;

/* From the main loop, once, unless it was dropped before. */
typedef void (*TrwNegotiateReady) (TrwNegotiate *self, gpointer user_data);

/* Begins to get it, in a thread: servers of the realm may have to be asked. */
TrwNegotiate *
trw_negotiate_new (const char *host, TrwNegotiateReady ready, gpointer user_data);
void
trw_negotiate_drop (TrwNegotiate *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrwNegotiate, trw_negotiate_drop)

/* Once ready: what to say in Authorization; NULL when there is no ticket that would do.
 * (transfer none) */
const char *
trw_negotiate_get_words (TrwNegotiate *self);

/* Whether @value, of a field WWW-Authenticate, is of this method. */
gboolean
trw_negotiate_is_offer (const char *value);

/* Once it was said: what the server answered in its WWW-Authenticate (nullable).  FALSE
 * when that is to prove who the server is, and does not. */
gboolean
trw_negotiate_check (TrwNegotiate *self, const char *value);
