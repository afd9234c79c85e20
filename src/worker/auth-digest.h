/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* The weakest first. */
typedef enum
{
  TRW_DIGEST_MD5,
  TRW_DIGEST_MD5_SESS,
  TRW_DIGEST_SHA_256,
  TRW_DIGEST_SHA_256_SESS,
} TrwDigestAlgorithm;

/* (nullable) @word is none: MD5.  FALSE for one that we cannot compute. */
gboolean
trw_digest_algorithm_from_word (const char *word, TrwDigestAlgorithm *out_algorithm);
const char *
trw_digest_algorithm_to_word (TrwDigestAlgorithm algorithm);

/* What a server gave to be used, and how often it was. */
typedef struct
{
  TrwDigestAlgorithm algorithm;
  char *nonce;      /* (owned) */
  char *opaque;     /* (owned) (nullable) */
  gboolean has_qop; /* "auth"; without it as RFC 2069 has it */
  char *cnonce;     /* (owned) */
  guint count;      /* of requests with it so far */
} TrwDigestNonce;

/* With a client's nonce of its own. */
TrwDigestNonce *
trw_digest_nonce_new (TrwDigestAlgorithm algorithm,
                      const char *nonce,
                      const char *opaque,
                      gboolean has_qop);
TrwDigestNonce *
trw_digest_nonce_copy (const TrwDigestNonce *self);
void
trw_digest_nonce_free (TrwDigestNonce *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrwDigestNonce, trw_digest_nonce_free)

typedef struct
{
  const char *user;
  const char *password;
  const char *realm;
  const char *method;
  const char *target; /* path and query, or of CONNECT host and port */
} TrwDigestQuestion;

/* The value of an Authorization (RFC 7616 §3.4), which counts as a use.  (transfer full)
 */
char *
trw_digest_say (TrwDigestNonce *nonce, const TrwDigestQuestion *question);
