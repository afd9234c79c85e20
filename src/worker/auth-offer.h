/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libsoup/soup.h>

#include "auth-digest.h"
#include "credential.h"

/* What a server or a proxy would accept. */
typedef struct
{
  TrwMethod method;
  char *realm;           /* (owned) (nullable) */
  char *scope;           /* (owned) (nullable): of bearer */
  TrwDigestNonce *nonce; /* (owned) (nullable): of digest */
  gboolean is_stale;     /* only the nonce was too old */
  gboolean has_domain;   /* digest: not for all of the origin */
} TrwOffer;

void
trw_offer_free (TrwOffer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrwOffer, trw_offer_free)

/* What the fields @name ("WWW-Authenticate", "Proxy-Authenticate") offer, the strongest
 * first, one for a method and realm, and only what we could answer.  Whatever they say,
 * there are at most 16.  (element-type TrwOffer) (transfer full) */
GPtrArray *
trw_offers_parse (SoupMessageHeaders *headers, const char *name);

/* Whether @text, of a stranger's, may be shown to people and be sent back. */
gboolean
trw_offer_is_fit_text (const char *text);

/* As `offers` of a challenge.  Floating. */
GVariant *
trw_offers_describe (GPtrArray *offers);
