/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A token server is asked for a form's worth, and its answer read no further than grant.c
 * says. */

#include "config.h"

#include "refresh.h"

#include "common/error.h"
#include "errand.h"
#include "grant.h"

#include <glib/gstdio.h>
#include <unistd.h>

typedef struct
{
  TrwRefreshFunc func;
  gpointer user_data;
} Refresh;

/* ---- the question ---- */

/* (transfer full), not floating */
static GVariant *
make_question (GVariant *request)
{
  static const char *const more[] = { "url", NULL };
  static const char *const accepted[] = { "200" };
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_auto (GVariantBuilder) secret = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ss)"));
  g_autofree char *client = trw_grant_say_client (request);

  trw_errand_pass_on (&dict, request, more);
  if (client != NULL)
    g_variant_builder_add (&secret, "(ss)", "Authorization", client);
  g_variant_dict_insert_value (&dict, "secret-headers", g_variant_builder_end (&secret));
  g_variant_dict_insert_value (
      &dict, "headers", g_variant_new_parsed ("[('Accept', 'application/json')]"));
  g_variant_dict_insert (&dict, "method", "s", "POST");
  g_variant_dict_insert (&dict, "redirects", "s", "none");
  g_variant_dict_insert_value (&dict, "accept-status", g_variant_new_strv (accepted, 1));
  /* What is no whole answer is no JSON. */
  g_variant_dict_insert (&dict, "allow-unframed", "b", TRUE);
  g_variant_dict_insert (&dict, "set-cookies", "b", FALSE);
  g_variant_dict_insert (&dict, "max-bytes", "t", (guint64)TRW_GRANT_ANSWER_MAX);
  g_variant_dict_insert (&dict, "error-body-max", "u", (guint)TRW_GRANT_ANSWER_MAX);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* ---- the answer ---- */

/* @error: (nullable): what is wrong with an answer that came.  (transfer full), not
 * floating */
static GVariant *
describe_failure (GVariant *facts, const GError *error)
{
  g_auto (GVariantDict) answer = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) body = NULL;
  const char *message;
  guint32 status;
  const char *name = trw_errand_read_end (facts, &message, &status);

  if (facts != NULL)
    body = g_variant_lookup_value (facts, "error-body", G_VARIANT_TYPE_BYTESTRING);
  if (error != NULL)
    {
      name = trundle_error_to_name (error->code);
      message = error->message;
    }
  g_variant_dict_insert (&answer, "error", "s", name);
  g_variant_dict_insert (&answer, "message", "s", message);
  g_variant_dict_insert (&answer, "status", "u", status);
  if (body != NULL)
    g_variant_dict_insert (
        &answer,
        "reason",
        "s",
        trw_grant_read_refusal (g_variant_get_data (body), g_variant_get_size (body)));
  return g_variant_ref_sink (g_variant_dict_end (&answer));
}

/* (transfer full), not floating */
static GVariant *
read_answer (GVariant *facts, int fd)
{
  g_autofree char *data = g_malloc (TRW_GRANT_ANSWER_MAX);
  g_autoptr (GError) error = NULL;
  gboolean is_complete = FALSE;
  GVariant *answer = NULL;
  gssize length;

  if (facts != NULL)
    g_variant_lookup (facts, "complete", "b", &is_complete);
  if (!is_complete)
    return describe_failure (facts, NULL);

  length = pread (fd, data, TRW_GRANT_ANSWER_MAX, 0);
  answer = trw_grant_read_token (data, (gsize)MAX (length, 0), &error);
  return answer != NULL ? answer : describe_failure (facts, error);
}

static void
on_answered (GVariant *facts, int room_fd, gpointer user_data)
{
  g_autofree Refresh *self = user_data;
  g_autoptr (GVariant) answer = read_answer (facts, room_fd);

  self->func (answer, self->user_data);
}

gboolean
trw_refresh_begin (GVariant *request,
                   int room_fd,
                   TrwSessions *sessions,
                   TrwRefreshFunc func,
                   gpointer user_data,
                   GError **error)
{
  g_autoptr (GVariant) question = make_question (request);
  g_autoptr (TrwRequest) asked = trw_request_new (question, error);
  Refresh *self;

  if (asked == NULL)
    {
      g_close (room_fd, NULL);
      return FALSE;
    }

  self = g_new0 (Refresh, 1);
  self->func = func;
  self->user_data = user_data;
  asked->body = trw_grant_ask (request);
  trw_errand_begin (g_steal_pointer (&asked), room_fd, sessions, on_answered, self);
  return TRUE;
}
