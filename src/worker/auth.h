/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libsoup/soup.h>

#include "auth-memory.h"
#include "credential.h"

/* How one attempt says who it is, to servers and to proxies. */
typedef struct _TrwAuth TrwAuth;

/* @credentials, @of_proxies: (element-type TrwCredential), outlive it as @memory does. */
TrwAuth *
trw_auth_new (GPtrArray *credentials,
              GPtrArray *of_proxies,
              gboolean allow_insecure,
              TrwAuthMemory *memory);
void
trw_auth_free (TrwAuth *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrwAuth, trw_auth_free)

/* Another address is asked than before. */
void
trw_auth_leave_hop (TrwAuth *self);

/* @message was built from the request: its Authorization is the app's. */
void
trw_auth_begin (TrwAuth *self, SoupMessage *message);
/* @message is about to be written: to @party it says what is known to be wanted of it. */
void
trw_auth_sign (TrwAuth *self, const TrwParty *party, SoupMessage *message);
/* @message is read by its server only, which must not hear what is for a proxy, the app's
 * own word neither. */
void
trw_auth_bypass_proxy (SoupMessage *message);
/* @party has let @message pass. */
void
trw_auth_take_success (TrwAuth *self, const TrwParty *party, SoupMessage *message);
/* @party answered it with 401 or 407.  TRUE when there is something else to be said, and
 * it is to be asked again. */
gboolean
trw_auth_take_refusal (TrwAuth *self, const TrwParty *party, SoupMessage *message);
/* What it wants to know, after a refusal: the fact `challenge`.  Floating, or NULL when
 * it offers nothing we know. */
GVariant *
trw_auth_describe (TrwAuth *self, const TrwParty *party, SoupMessage *message);
/* The same of a SOCKS5 proxy, which got what its address says.  Floating. */
GVariant *
trw_auth_describe_socks (TrwAuth *self, const TrwParty *party);
