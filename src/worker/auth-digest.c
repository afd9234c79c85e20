/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Digest (RFC 7616) with MD5 and SHA-256.  SoupAuthDigest (libsoup 3.2.3) knows MD5 only,
 * has the path in `uri` when it asks a proxy for a tunnel, where the host belongs, and
 * tells every server the address of an object of ours as the client's nonce.  Pure, but
 * for that nonce. */

#include "config.h"

#include "auth-digest.h"

#include <string.h>

static const struct
{
  const char *word;
  GChecksumType checksum;
  gboolean is_sess;
} algorithms[] = {
  [TRW_DIGEST_MD5] = { "MD5", G_CHECKSUM_MD5, FALSE },
  [TRW_DIGEST_MD5_SESS] = { "MD5-sess", G_CHECKSUM_MD5, TRUE },
  [TRW_DIGEST_SHA_256] = { "SHA-256", G_CHECKSUM_SHA256, FALSE },
  [TRW_DIGEST_SHA_256_SESS] = { "SHA-256-sess", G_CHECKSUM_SHA256, TRUE },
};

gboolean
trw_digest_algorithm_from_word (const char *word, TrwDigestAlgorithm *out_algorithm)
{
  for (guint i = 0; i < G_N_ELEMENTS (algorithms); i++)
    {
      if (word == NULL || g_ascii_strcasecmp (word, algorithms[i].word) == 0)
        {
          *out_algorithm = (TrwDigestAlgorithm)i;
          return TRUE;
        }
    }
  return FALSE;
}

const char *
trw_digest_algorithm_to_word (TrwDigestAlgorithm algorithm)
{
  return algorithms[algorithm].word;
}

TrwDigestNonce *
trw_digest_nonce_new (TrwDigestAlgorithm algorithm,
                      const char *nonce,
                      const char *opaque,
                      gboolean has_qop)
{
  TrwDigestNonce *self = g_new0 (TrwDigestNonce, 1);

  self->algorithm = algorithm;
  self->nonce = g_strdup (nonce);
  self->opaque = g_strdup (opaque);
  self->has_qop = has_qop;
  self->cnonce = g_uuid_string_random ();
  return self;
}

TrwDigestNonce *
trw_digest_nonce_copy (const TrwDigestNonce *self)
{
  TrwDigestNonce *copy = g_memdup2 (self, sizeof *self);

  copy->nonce = g_strdup (self->nonce);
  copy->opaque = g_strdup (self->opaque);
  copy->cnonce = g_strdup (self->cnonce);
  return copy;
}

void
trw_digest_nonce_free (TrwDigestNonce *self)
{
  g_free (self->nonce);
  g_free (self->opaque);
  g_free (self->cnonce);
  g_free (self);
}

/* H (first ":" second ":" …), up to NULL.  (transfer full) */
static char *
hash (TrwDigestAlgorithm algorithm, ...) G_GNUC_NULL_TERMINATED;

static char *
hash (TrwDigestAlgorithm algorithm, ...)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (algorithms[algorithm].checksum);
  const char *word;
  gboolean is_first = TRUE;
  va_list words;

  va_start (words, algorithm);
  while ((word = va_arg (words, const char *)) != NULL)
    {
      if (!is_first)
        g_checksum_update (checksum, (const guchar *)":", 1);
      g_checksum_update (checksum, (const guchar *)word, (gssize)strlen (word));
      is_first = FALSE;
    }
  va_end (words);
  return g_strdup (g_checksum_get_string (checksum));
}

static char *
compute (const TrwDigestNonce *nonce,
         const TrwDigestQuestion *question,
         const char *count)
{
  TrwDigestAlgorithm algorithm = nonce->algorithm;
  g_autofree char *user = hash (
      algorithm, question->user, question->realm, question->password, NULL);
  g_autofree char *a1 = algorithms[algorithm].is_sess
                            ? hash (algorithm, user, nonce->nonce, nonce->cnonce, NULL)
                            : g_steal_pointer (&user);
  g_autofree char *a2 = hash (algorithm, question->method, question->target, NULL);

  if (!nonce->has_qop)
    return hash (algorithm, a1, nonce->nonce, a2, NULL);
  return hash (algorithm, a1, nonce->nonce, count, nonce->cnonce, "auth", a2, NULL);
}

static void
append_quoted (GString *words, const char *key, const char *value)
{
  g_string_append_printf (
      words, "%s%s=\"", words->len > strlen ("Digest ") ? ", " : "", key);
  for (const char *p = value; *p != '\0'; p++)
    {
      if (*p == '"' || *p == '\\')
        g_string_append_c (words, '\\');
      g_string_append_c (words, *p);
    }
  g_string_append_c (words, '"');
}

char *
trw_digest_say (TrwDigestNonce *nonce, const TrwDigestQuestion *question)
{
  g_autofree char *count = g_strdup_printf ("%08x", ++nonce->count);
  g_autofree char *response = compute (nonce, question, count);
  g_autoptr (GString) words = g_string_new ("Digest ");

  append_quoted (words, "username", question->user);
  append_quoted (words, "realm", question->realm);
  append_quoted (words, "nonce", nonce->nonce);
  append_quoted (words, "uri", question->target);
  append_quoted (words, "response", response);
  g_string_append_printf (
      words, ", algorithm=%s", trw_digest_algorithm_to_word (nonce->algorithm));
  if (nonce->opaque != NULL)
    append_quoted (words, "opaque", nonce->opaque);
  if (nonce->has_qop)
    g_string_append_printf (words, ", qop=auth, nc=%s", count);
  if (nonce->has_qop || algorithms[nonce->algorithm].is_sess)
    append_quoted (words, "cnonce", nonce->cnonce);
  return g_string_free (g_steal_pointer (&words), FALSE);
}
