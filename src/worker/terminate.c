/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a server keeps of an upload is given up with DELETE: tus calls it Termination,
 * draft-ietf-httpbis-resumable-upload "Upload Cancellation".
 * The place may be another server's than the task's address, and then it hears nothing
 * that is for that one alone. */

#include "config.h"

#include "terminate.h"

#include "common/error.h"
#include "common/url.h"
#include "errand.h"

#include <glib/gstdio.h>
#include <string.h>

#define ANSWER_MAX (64 * 1024)
#define PATIENCE_MS 30000

typedef struct
{
  TrwTerminateFunc func;
  gpointer user_data;
} Termination;

/* ---- the question ---- */

/* What else a dialect wants to hear. */
static const struct
{
  const char *word;
  const char *name;
  const char *value;
} dialects[] = {
  { "ietf-8", "Upload-Draft-Interop-Version", "8" },
  { "ietf-6", "Upload-Draft-Interop-Version", "6" },
  { "tus", "Tus-Resumable", "1.0.0" },
};

/* Headers of the request that are about what it sends, or on which condition. */
static gboolean
is_about_request (const char *name)
{
  static const char *const beginnings[] = { "Content-", "If-", "Upload-", "Tus-" };
  static const char *const names[] = { "Expect", "Idempotency-Key", "Prefer", "Range" };

  for (guint i = 0; i < G_N_ELEMENTS (beginnings); i++)
    {
      if (g_ascii_strncasecmp (name, beginnings[i], strlen (beginnings[i])) == 0)
        return TRUE;
    }
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (g_ascii_strcasecmp (name, names[i]) == 0)
        return TRUE;
    }
  return FALSE;
}

static void
add_headers (GVariantBuilder *builder, GVariant *request, const char *key)
{
  g_autoptr (GVariant) given = g_variant_lookup_value (
      request, key, G_VARIANT_TYPE ("a(ss)"));
  GVariantIter iter;
  const char *name;
  const char *value;

  if (given == NULL)
    return;
  g_variant_iter_init (&iter, given);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    {
      if (!is_about_request (name))
        g_variant_builder_add (builder, "(ss)", name, value);
    }
}

/* Not where a stranger has led us back to. */
static gboolean
is_at_first_origin (GVariant *request, GVariant *upload)
{
  const char *url = "";
  const char *place = "";
  gboolean is_foreign = FALSE;
  g_autofree char *plain = NULL;
  g_autoptr (GUri) first = NULL;
  g_autoptr (GUri) there = NULL;

  g_variant_lookup (upload, "foreign", "b", &is_foreign);
  if (is_foreign)
    return FALSE;
  g_variant_lookup (request, "url", "&s", &url);
  g_variant_lookup (upload, "url", "&s", &place);
  there = trundle_url_parse (place, NULL);
  plain = trundle_url_without_user_info (url, NULL);
  first = trundle_url_parse (plain != NULL ? plain : url, NULL);
  return first != NULL && there != NULL && trundle_url_is_same_origin (first, there);
}

static void
add_dialect (GVariantBuilder *headers, const char *word)
{
  for (guint i = 0; i < G_N_ELEMENTS (dialects); i++)
    {
      if (g_str_equal (word, dialects[i].word))
        g_variant_builder_add (headers, "(ss)", dialects[i].name, dialects[i].value);
    }
}

/* (transfer full), not floating */
static GVariant *
make_question (GVariant *request, GVariant *upload)
{
  static const char *const here[] = { "negotiate-hosts", "set-cookies", "pins", NULL };
  static const char *const there[] = { "negotiate-hosts", "set-cookies", NULL };
  static const char *const accepted[] = { "2xx", "404", "410" };
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_auto (GVariantBuilder) headers = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ss)"));
  g_auto (GVariantBuilder) secret = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ss)"));
  const char *url = "";
  const char *word = "";
  gboolean is_first;

  g_variant_lookup (upload, "url", "&s", &url);
  g_variant_lookup (upload, "dialect", "&s", &word);
  is_first = is_at_first_origin (request, upload);
  trw_errand_pass_on (&dict, request, is_first ? here : there);
  add_headers (&headers, request, "headers");
  if (is_first)
    add_headers (&secret, request, "secret-headers");
  add_dialect (&headers, word);
  g_variant_dict_insert_value (&dict, "headers", g_variant_builder_end (&headers));
  g_variant_dict_insert_value (&dict, "secret-headers", g_variant_builder_end (&secret));
  g_variant_dict_insert (&dict, "url", "s", url);
  g_variant_dict_insert (&dict, "method", "s", "DELETE");
  g_variant_dict_insert (&dict, "redirects", "s", "same-origin");
  g_variant_dict_insert_value (&dict, "accept-status", g_variant_new_strv (accepted, 3));
  /* It is over however long the task itself would wait. */
  g_variant_dict_insert (&dict, "request-timeout", "t", (guint64)PATIENCE_MS);
  g_variant_dict_insert (&dict, "connect-timeout", "t", (guint64)PATIENCE_MS);
  g_variant_dict_insert (&dict, "first-byte-timeout", "t", (guint64)PATIENCE_MS);
  /* Nothing of the answer but its status is of use. */
  g_variant_dict_insert (&dict, "allow-unframed", "b", TRUE);
  g_variant_dict_insert (&dict, "max-bytes", "t", (guint64)ANSWER_MAX);
  g_variant_dict_insert (&dict, "error-body-max", "u", (guint)0);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* ---- the answer ---- */

static void
on_answered (GVariant *facts, int room_fd, gpointer user_data)
{
  g_autofree Termination *self = user_data;
  g_auto (GVariantDict) answer = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) told = NULL;
  const char *message;
  guint32 status;
  const char *error = trw_errand_read_end (facts, &message, &status);

  g_variant_dict_insert (
      &answer, "terminated", "b", status / 100 == 2 || status == 404 || status == 410);
  g_variant_dict_insert (&answer, "status", "u", status);
  if (*error != '\0')
    {
      g_variant_dict_insert (&answer, "error", "s", error);
      g_variant_dict_insert (&answer, "message", "s", message);
    }
  told = g_variant_ref_sink (g_variant_dict_end (&answer));
  self->func (told, self->user_data);
}

static TrwRequest *
read_question (GVariant *request, GError **error)
{
  g_autoptr (GVariant) upload = g_variant_lookup_value (
      request, "upload", G_VARIANT_TYPE_VARDICT);
  g_autoptr (GVariant) question = NULL;

  if (upload == NULL)
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_INVALID_ARGUMENT,
                           "upload: nothing to be given up");
      return NULL;
    }

  question = make_question (request, upload);
  return trw_request_new (question, error);
}

gboolean
trw_terminate_begin (GVariant *request,
                     int room_fd,
                     const TrwTerminator *who,
                     TrwSessions *sessions,
                     TrwTerminateFunc func,
                     gpointer user_data,
                     GError **error)
{
  g_autoptr (TrwRequest) asked = read_question (request, error);
  Termination *self;

  if (asked == NULL)
    {
      g_close (room_fd, NULL);
      return FALSE;
    }

  self = g_new0 (Termination, 1);
  self->func = func;
  self->user_data = user_data;
  asked->jar = who->jar != NULL ? trw_jar_ref (who->jar) : NULL;
  asked->is_local = who->is_local;
  trw_errand_begin (g_steal_pointer (&asked), room_fd, sessions, on_answered, self);
  return TRUE;
}
