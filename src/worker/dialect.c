/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The dialects there are, and the one that is none. */

#include "config.h"

#include "dialect.h"

static const TrwDialect *const dialects[] = {
  &trw_dialect_plain,
  &trw_dialect_ietf_8,
  &trw_dialect_ietf_6,
  &trw_dialect_tus,
};

static const TrwDialect *
find_dialect (const char *word)
{
  for (guint i = 0; i < G_N_ELEMENTS (dialects); i++)
    {
      if (g_strcmp0 (dialects[i]->word, word) == 0)
        return dialects[i];
    }
  return NULL;
}

const TrwDialect *
trw_dialect_choose (const char *const *words, GVariant *place)
{
  const TrwDialect *dialect = NULL;
  const char *word = NULL;

  if (place != NULL && g_variant_lookup (place, "dialect", "&s", &word))
    dialect = find_dialect (word);
  for (guint i = 0; dialect == NULL && words != NULL && words[i] != NULL; i++)
    dialect = find_dialect (words[i]);
  return dialect != NULL ? dialect : &trw_dialect_plain;
}

/* The request as it is, once: what is said of its repetition is the daemon's to say. */

static gpointer
begin (TrwUpload *upload, GVariant *place)
{
  return NULL;
}

static gboolean
ask (TrwUpload *upload, TrwQuestion *out, GError **error)
{
  const TrwRequest *request = trw_upload_get_request (upload);

  out->uri = g_uri_ref (request->uri);
  out->method = request->method;
  out->is_request = TRUE;
  out->has_body = TRUE;
  out->length = trw_upload_get_size (upload);
  out->may_repeat = TRUE;
  return TRUE;
}

static TrwVerdict
answered (TrwUpload *upload, const TrwReply *reply, GError **error)
{
  return TRW_VERDICT_FINAL;
}

const TrwDialect trw_dialect_plain = {
  .word = "plain",
  .begin = begin,
  .ask = ask,
  .answered = answered,
};
