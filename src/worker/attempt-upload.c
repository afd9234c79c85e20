/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An attempt that sends something: question after question of its dialect, each a hop or
 * several, and within a hop when the body begins, when it ends, and what comes meanwhile.
 */

#include "config.h"

#include "attempt-private.h"

#include "dialect.h"

/* RFC 9110 §10.1.1: a server need not say that it is willing. */
#define CONTINUE_TIMEOUT_MS 1000

/* With the space libsoup (3.2.3) does not know the expectation.  Knowing it, it would
 * wait for another answer behind an early one; every recipient strips it (RFC 9110 §5.5).
 */
#define EXPECTATION " 100-continue"

/* What the upload says */

static void
on_told (GVariant *place, gpointer user_data)
{
  TrwAttempt *self = user_data;

  self->hooks->uploaded (self, place, self->user_data);
}

static void
on_moved (gpointer user_data)
{
  TrwAttempt *self = user_data;

  trw_attempt_feed_watchdog (self);
  trw_attempt_look_at_network (self);
  self->hooks->moved (self, self->user_data);
}

static void
on_ended (const GError *error, gpointer user_data)
{
  TrwAttempt *self = user_data;

  if (error != NULL)
    trw_attempt_take_failure (self, g_error_copy (error));
  else
    trw_attempt_note_written (self);
}

static const TrwUploadHooks upload_hooks = { on_told, on_moved, on_ended };

/* Questions */

static gboolean
fail_now (gpointer user_data)
{
  g_autoptr (TrwAttempt) self = user_data;

  self->is_sending = FALSE;
  if (self->is_over)
    trw_attempt_settle (self);
  else
    trw_attempt_take_failure (self, g_steal_pointer (&self->ask_error));
  return G_SOURCE_REMOVE;
}

/* Not within the call that began the attempt, which nobody knows yet. */
static void
fail_soon (TrwAttempt *self, GError *error)
{
  self->ask_error = error;
  self->is_sending = TRUE;
  g_idle_add (fail_now, trw_attempt_ref (self));
}

static void
ask (TrwAttempt *self)
{
  g_autoptr (GError) error = NULL;
  const TrwQuestion *question = trw_upload_ask (self->upload, &error);

  self->is_asking_next = FALSE;
  self->way.question = question;
  if (question == NULL)
    {
      fail_soon (self, g_steal_pointer (&error));
      return;
    }
  g_uri_unref (self->way.uri);
  self->way.uri = g_uri_ref (question->uri);
  self->way.method = question->method;
  self->way.n_followed = 0;
  self->way.at_first_origin = trw_upload_is_at_first_origin (self->upload);
  self->way.has_body = question->has_body;
  trw_attempt_send_hop (self);
}

void
trw_attempt_begin_upload (TrwAttempt *self)
{
  self->upload = trw_upload_new (self->request, &upload_hooks, self);
  self->expects_continue = self->request->expect_continue;
  self->is_asking_next = TRUE;
  if (trw_upload_is_heard (self->upload))
    ask (self);
}

void
trw_attempt_hear_upload (TrwAttempt *self, const GError *error)
{
  trw_upload_hear (self->upload);
  if (self->is_over)
    return;
  if (error != NULL)
    {
      trw_attempt_take_failure (self, trw_error_translate (error, TRUE));
      return;
    }
  if (self->is_asking_next && trw_upload_is_heard (self->upload))
    ask (self);
}

static void
ask_next (TrwAttempt *self)
{
  trw_attempt_leave_hop (self);
  trw_auth_leave_hop (self->auth);
  trw_attempt_forget_ticket (self);
  self->is_asking_next = TRUE;
  trw_attempt_clear_watchdog (self);
  if (trw_upload_is_heard (self->upload))
    ask (self);
}

/* The hop */

static void
clear_patience (TrwAttempt *self)
{
  if (self->patience != NULL)
    g_source_destroy (self->patience);
  g_clear_pointer (&self->patience, g_source_unref);
}

static void
begin_body (TrwAttempt *self)
{
  clear_patience (self);
  trw_upload_start (self->upload, trw_session_find_stream (self->session, self->message));
}

static gboolean
on_patience_over (gpointer user_data)
{
  begin_body (user_data);
  return G_SOURCE_REMOVE;
}

static gboolean
is_expecting (TrwAttempt *self)
{
  return self->expects_continue && self->way.has_body && self->way.question->length > 0;
}

void
trw_attempt_begin_hop_body (TrwAttempt *self)
{
  SoupMessageHeaders *headers = soup_message_get_request_headers (self->message);

  if (self->upload == NULL)
    return;
  clear_patience (self);
  self->acknowledged = 0;
  trw_upload_begin_hop (
      self->upload, self->way.uri, self->way.at_first_origin, self->way.has_body);
  soup_message_headers_remove (headers, "Expect");
  if (is_expecting (self))
    soup_message_headers_append (headers, "Expect", EXPECTATION);
}

/* libsoup (3.2.3) has just said that the body, of which it knows nothing, is empty. */
void
trw_attempt_declare_body (TrwAttempt *self)
{
  if (self->upload != NULL && self->way.has_body)
    soup_message_headers_set_content_length (
        soup_message_get_request_headers (self->message),
        (goffset)self->way.question->length);
}

void
trw_attempt_begin_body (TrwAttempt *self)
{
  if (self->upload == NULL || !self->way.has_body || self->is_over)
    return;
  if (!is_expecting (self))
    {
      begin_body (self);
      return;
    }
  clear_patience (self);
  self->patience = g_timeout_source_new (CONTINUE_TIMEOUT_MS);
  g_source_set_callback (self->patience, on_patience_over, self, NULL);
  g_source_attach (self->patience, NULL);
}

void
trw_attempt_stop_body (TrwAttempt *self)
{
  clear_patience (self);
  if (self->upload != NULL)
    trw_upload_stop (self->upload);
}

gboolean
trw_attempt_is_body_out (TrwAttempt *self)
{
  return self->upload == NULL || trw_upload_is_out (self->upload);
}

/* What libsoup does with it is heard once it has let it go. */
static void
break_off (TrwAttempt *self)
{
  self->is_broken_off = TRUE;
  trw_attempt_stop_body (self);
  g_cancellable_cancel (self->cancellable);
}

gboolean
trw_attempt_inform_upload (TrwAttempt *self)
{
  guint status = trw_attempt_get_status (self);
  TrwInterim interim;

  if (status == SOUP_STATUS_CONTINUE && self->patience != NULL)
    begin_body (self);
  if (!trw_upload_inform (self->upload,
                          status,
                          soup_message_get_response_headers (self->message),
                          &interim))
    return FALSE;
  if (interim == TRW_INTERIM_STOP)
    break_off (self);
  return TRUE;
}

/* Law 12: whatever is asked instead, and whether that gets anywhere. */
static void
note_unanswered (TrwAttempt *self)
{
  self->is_unanswered |= self->way.question->is_request && trw_attempt_is_hop_sent (self);
}

gboolean
trw_attempt_go_on_upload (TrwAttempt *self)
{
  if (!self->is_broken_off)
    return FALSE;
  self->is_broken_off = FALSE;
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  note_unanswered (self);
  ask_next (self);
  return TRUE;
}

gboolean
trw_attempt_survive_loss (TrwAttempt *self, GError **error)
{
  g_autoptr (GError) other = NULL;

  if (self->upload == NULL || !self->has_written
      || !g_error_matches (*error, TRUNDLE_ERROR, TRUNDLE_ERROR_CONNECTION_LOST))
    return FALSE;
  if (trw_upload_lose (self->upload, &other))
    {
      note_unanswered (self);
      ask_next (self);
      return TRUE;
    }
  if (other != NULL)
    {
      g_clear_error (error);
      g_propagate_error (error, g_steal_pointer (&other));
    }
  return FALSE;
}

/* On a connection that stood already nobody may have read anything; but that is not known
 * once the server has said something of it, nor of a question that is asked once only. */
gboolean
trw_attempt_may_restart (TrwAttempt *self)
{
  if (self->upload == NULL || trw_upload_get_hop_sent (self->upload) == 0)
    return TRUE;
  return self->way.question->may_repeat && !trw_upload_has_heard (self->upload);
}

/* The answer */

static const char *
find_foreign_word (SoupMessageHeaders *headers)
{
  if (soup_message_headers_get_one (headers, "Tus-Resumable") != NULL
      || soup_message_headers_get_one (headers, "Tus-Version") != NULL)
    return "tus";
  return NULL;
}

/* Law 10: a server that is content with less has not what it was sent. */
static gboolean
check_whole (TrwAttempt *self)
{
  if (!SOUP_STATUS_IS_SUCCESSFUL (trw_attempt_get_status (self))
      || trw_upload_is_whole (self->upload))
    return TRUE;
  trw_attempt_fail (self,
                    TRUNDLE_ERROR_PROTOCOL_ERROR,
                    "The server was content before it had all of the body");
  return FALSE;
}

gboolean
trw_attempt_take_upload_answer (TrwAttempt *self)
{
  guint status = trw_attempt_get_status (self);
  SoupMessageHeaders *headers = soup_message_get_response_headers (self->message);
  g_autoptr (GError) error = NULL;

  if (status == SOUP_STATUS_EXPECTATION_FAILED && is_expecting (self))
    {
      self->expects_continue = FALSE;
      trw_attempt_ask_again (self);
      return FALSE;
    }
  if (!SOUP_STATUS_IS_SUCCESSFUL (status) && find_foreign_word (headers) != NULL)
    trw_upload_learn (self->upload, find_foreign_word (headers));
  switch (trw_upload_judge (self->upload, status, headers, &error))
    {
    case TRW_VERDICT_FINAL:
      return check_whole (self);
    case TRW_VERDICT_REFUSED:
      self->is_refused = TRUE;
      return TRUE;
    case TRW_VERDICT_AFRESH:
      /* The daemon is asked whether it may be, and knows what was sent. */
      self->is_unanswered = FALSE;
      ask_next (self);
      return FALSE;
    case TRW_VERDICT_NEXT:
      ask_next (self);
      return FALSE;
    case TRW_VERDICT_FAIL:
      trw_attempt_take_failure (self, g_steal_pointer (&error));
      return FALSE;
    }
  g_assert_not_reached ();
}

/* Limits */

/* What the kernel took is not there yet: a slow line may have it for minutes. */
void
trw_attempt_look_at_network (TrwAttempt *self)
{
  gint64 now_us = g_get_monotonic_time ();
  TrwFlow flow = { 0 };

  if (self->upload == NULL || !trw_upload_is_started (self->upload))
    return;
  if (trw_upload_look (self->upload, &flow) && flow.acknowledged != self->acknowledged)
    {
      gint64 moved_us = now_us - (gint64)flow.quiet_us;

      self->acknowledged = flow.acknowledged;
      self->active_mono_us = MAX (self->active_mono_us, moved_us);
      if (self->phase == TRW_PHASE_ASKED)
        self->phase_mono_us = MAX (self->phase_mono_us, moved_us);
    }
  if (self->phase == TRW_PHASE_ASKED && !flow.has_more)
    trw_attempt_feed_watchdog (self);
}

gboolean
trw_attempt_take_whole (TrwAttempt *self)
{
  if (self->upload == NULL || self->has_told_whole
      || trw_upload_get_sent (self->upload) < trw_upload_get_size (self->upload))
    return FALSE;
  self->has_told_whole = TRUE;
  return TRUE;
}

guint64
trw_attempt_get_body_sent (TrwAttempt *self)
{
  return self->upload != NULL ? trw_upload_get_sent (self->upload) : 0;
}

guint64
trw_attempt_get_body_confirmed (TrwAttempt *self)
{
  return self->upload != NULL ? trw_upload_get_confirmed (self->upload) : 0;
}
