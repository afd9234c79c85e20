/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/transport.h"

/* Whether @host may have the user's Kerberos ticket, by the option `negotiate-hosts`. */
gboolean
trd_negotiate_is_trusted (GVariant *configuration, const char *host);

/* That @request, as Begin takes it, needs: "local" when it has a certificate in a token
 * for the host it asks first. */
TrdProfile
trd_profile_of_request (GVariant *request);

typedef struct
{
  GVariant *configuration; /* of the session */
  GVariant *certificates;  /* (nullable): `client-certificates` of the request */
  gboolean allow_insecure; /* a ticket may be shown without TLS */
} TrdProfileFacts;

/* Whether @challenge, as an attempt was told it, is answered with a ticket or a token: in
 * the profile "local". */
gboolean
trd_profile_is_wanted (GVariant *challenge, const TrdProfileFacts *facts);
