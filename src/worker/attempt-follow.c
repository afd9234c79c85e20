/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the head of an answer leads to: the same question once more, in other words; one
 * elsewhere; the next one of an upload; or the end of asking. */

#include "config.h"

#include "attempt-private.h"

#include "dialect.h"

/* What is read of a redirect's body to save its connection, if it is there already. */
#define DRAIN_MAX (16 * 1024)

/* The body of a redirect is of no use; but when it is short and there already, its
 * connection is. */
static void
drain (TrwAttempt *self)
{
  guint8 buffer[DRAIN_MAX];
  gssize n = 1;

  if (!G_IS_POLLABLE_INPUT_STREAM (self->stream)
      || soup_message_headers_get_encoding (
             soup_message_get_response_headers (self->message))
             == SOUP_ENCODING_CHUNKED)
    return;
  for (gsize n_read = 0; n > 0 && n_read < DRAIN_MAX; n_read += (gsize)n)
    n = g_pollable_input_stream_read_nonblocking (
        G_POLLABLE_INPUT_STREAM (self->stream), buffer, sizeof buffer, NULL, NULL);
}

void
trw_attempt_leave_hop (TrwAttempt *self)
{
  drain (self);
  self->marks.ended_us = g_get_monotonic_time ();
  trw_attempt_stop_body (self);
  trw_attempt_measure_hop (self);
  trw_attempt_drop_hop (self);
}

void
trw_attempt_ask_again (TrwAttempt *self)
{
  trw_attempt_leave_hop (self);
  trw_attempt_send_hop (self);
}

static void
follow (TrwAttempt *self, const TrwNextHop *next)
{
  g_autofree char *from = g_uri_to_string_partial (self->way.uri, G_URI_HIDE_USERINFO);
  g_autofree char *to = g_uri_to_string_partial (next->uri, G_URI_HIDE_USERINFO);
  guint status = trw_attempt_get_status (self);

  trw_attempt_leave_hop (self);
  trw_auth_leave_hop (self->auth);
  trw_attempt_forget_ticket (self);
  g_uri_unref (self->way.uri);
  self->way.uri = g_uri_ref (next->uri);
  if (!g_str_equal (next->method, self->way.method))
    self->way.has_body = FALSE;
  self->way.method = next->method;
  self->way.n_followed++;
  self->way.at_first_origin = self->way.at_first_origin && next->same_origin;
  self->hooks->redirected (self, from, to, status, self->user_data);
  trw_attempt_send_hop (self);
}

/* What is not the request itself makes no sense as another. */
static TrwRedirectVerdict
judge_redirect (TrwAttempt *self, const TrwHop *hop, TrwNextHop *next, GError **error)
{
  TrwRedirectVerdict verdict = trw_redirect_judge (
      &self->request->redirects, hop, next, error);

  if (verdict == TRW_REDIRECT_FOLLOW && self->upload != NULL
      && !self->way.question->is_request && !g_str_equal (next->method, hop->method))
    return TRW_REDIRECT_FINAL;
  return verdict;
}

void
trw_attempt_take_answer (TrwAttempt *self)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (self->message);
  TrwHop hop = {
    .uri = self->way.uri,
    .method = self->way.method,
    .status = trw_attempt_get_status (self),
    .location = soup_message_headers_get_one (headers, "Location"),
    .n_followed = self->way.n_followed,
  };
  g_auto (TrwNextHop) next = { NULL };
  g_autoptr (GError) error = NULL;

  if (!trw_attempt_check_ticket (self) || trw_attempt_await_ticket (self))
    return;
  if (trw_attempt_has_other_word (self))
    {
      trw_attempt_ask_again (self);
      return;
    }
  switch (judge_redirect (self, &hop, &next, &error))
    {
    case TRW_REDIRECT_FINAL:
      if (self->upload == NULL || trw_attempt_take_upload_answer (self))
        trw_attempt_take_final_answer (self);
      break;
    case TRW_REDIRECT_FOLLOW:
      follow (self, &next);
      break;
    case TRW_REDIRECT_FAIL:
      if (next.uri != NULL)
        self->error_url = g_uri_to_string_partial (next.uri, G_URI_HIDE_USERINFO);
      trw_attempt_take_failure (self, g_steal_pointer (&error));
      break;
    }
}
