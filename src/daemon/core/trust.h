/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/registry.h"

/* Certificates that somebody decided to take in spite of what is wrong with them: for one
 * session, or for every session of its owner, at one host and port. */

#define TRD_TRUST_SHA256_SIZE 32

/* @sha256: of the certificate in DER. */
gboolean
trd_trust_add (TrdRegistry *registry,
               TrdSession *session,
               const char *host,
               guint port,
               gboolean is_proxy,
               GBytes *sha256,
               gboolean for_good,
               GError **error);

/* Whether the answer "use-credential" to a challenge whose facts (value/challenge.h) are
 * @facts can be kept: the SHA-256 of the certificate that was refused.  (nullable)
 * (transfer full) */
GBytes *
trd_trust_digest_facts (GVariant *facts);

/* Puts what holds in the session into `trusted-certificates` of what a worker is asked,
 * besides what is there already. */
gboolean
trd_trust_add_to_request (TrdRegistry *registry,
                          TrdSession *session,
                          GVariantDict *request,
                          GError **error);
/* A row of `trusted-certificates`.  Floating. */
GVariant *
trd_trust_describe (const char *host, guint port, gboolean is_proxy, GBytes *sha256);

/* As ListCredentials tells them, one by one: the keys of a protection space with the
 * method "server-trust", `persistence` ("session" or "permanent") and `sha256` (ay).
 * aa{sv}, floating. */
GVariant *
trd_trust_list (TrdRegistry *registry, TrdSession *session, GError **error);

/* All that was decided of a host and port, for good too; @out_n (nullable) is how many
 * certificates that were. */
gboolean
trd_trust_remove (TrdRegistry *registry,
                  TrdSession *session,
                  const char *host,
                  guint port,
                  gboolean is_proxy,
                  guint *out_n,
                  GError **error);
