/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One hop of an attempt: the question is sent, and what the network, the proxy and the
 * other side's certificate have to say until the answer's head is there. */

#include "config.h"

#include "attempt-private.h"

#include "connection.h"
#include "errors.h"
#include "proxy.h"
#include "retry-after.h"

/* libsoup 3.2.3 gives up at 64 KiB of headers, with the error of a lost connection. */
#define HEADERS_MAX (60 * 1024)

/* And reads so many at once. */
#define HEADERS_AT_ONCE (8 * 1024)

#define INFORMATIONAL_MAX 32

static gboolean
has_header_flood (TrwAttempt *self)
{
  SoupMessageMetrics *metrics = soup_message_get_metrics (self->message);

  return metrics != NULL
         && soup_message_metrics_get_response_header_bytes_received (metrics)
                >= HEADERS_MAX + self->marks.interim_size;
}

static GError *
explain_send_error (TrwAttempt *self, const GError *error)
{
  GError *words_of_tls = trw_attempt_explain_tls (self, error);
  GError *words_of_proxy;

  if (words_of_tls != NULL)
    return words_of_tls;
  words_of_proxy = trw_attempt_explain_proxy (self, error);
  if (words_of_proxy != NULL)
    return words_of_proxy;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT)
      && has_header_flood (self))
    return g_error_new_literal (TRUNDLE_ERROR,
                                TRUNDLE_ERROR_PROTOCOL_ERROR,
                                "The server's answer has too many headers");
  return trw_error_translate (error, self->is_connected);
}

/* Not only headers that are out: of a head that was written half the server may have seen
 * something.  But with a head alone, and nothing of the body it promises, none acts. */
gboolean
trw_attempt_is_hop_sent (TrwAttempt *self)
{
  SoupMessageMetrics *metrics;

  if (self->message == NULL || self->asked.is_unheard)
    return FALSE;
  metrics = soup_message_get_metrics (self->message);
  if (self->way.has_body && self->way.question->length > 0)
    return trw_upload_get_hop_sent (self->upload) > 0;
  return self->has_written
         || (metrics != NULL
             && soup_message_metrics_get_request_header_bytes_sent (metrics) > 0);
}

static void
add_retry_after (TrwAttempt *self, GVariantDict *facts)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (self->message);
  guint64 wait_ms;

  if (trw_retry_after_parse (soup_message_headers_get_one (headers, "Retry-After"),
                             soup_message_headers_get_one (headers, "Date"),
                             g_get_real_time (),
                             &wait_ms))
    g_variant_dict_insert (facts, "retry-after", "t", wait_ms);
}

void
trw_attempt_measure_hop (TrwAttempt *self)
{
  self->n_hops++;
  if (self->upload != NULL)
    self->marks.sent_size = trw_upload_get_hop_sent (self->upload);
  trw_measure_add (
      self->transactions,
      trw_measure_describe (self->message, &self->marks, self->wall_offset_us));
}

static void
add_transactions (TrwAttempt *self, GVariantDict *facts)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < self->transactions->len; i++)
    g_variant_builder_add_value (&builder, self->transactions->pdata[i]);
  g_variant_dict_insert_value (facts, "transactions", g_variant_builder_end (&builder));
  g_variant_dict_insert (facts, "hops", "u", self->n_hops);
}

void
trw_attempt_add_hop_facts (TrwAttempt *self, GVariantDict *facts)
{
  if (self->message != NULL)
    trw_attempt_measure_hop (self);
  add_transactions (self, facts);
  g_variant_dict_insert (
      facts, "sent", "b", self->is_unanswered || trw_attempt_is_hop_sent (self));
  if (self->is_definite)
    g_variant_dict_insert (facts, "definite", "b", TRUE);
  if (self->error_body != NULL)
    add_retry_after (self, facts);
}

/* Whether a name that is not known is the server's: it may be the proxy's. */
static gboolean
is_about_host (TrwAttempt *self)
{
  SoupSession *soup = trw_session_get_soup (self->session);

  return !trw_proxy_resolver_has_proxy (soup_session_get_proxy_resolver (soup),
                                        self->way.uri);
}

/* What refuses a tunnel: libsoup (3.2.3) hands its status on as if it were the server's
 * answer, though nobody has proved to be the server. */
static gboolean
is_word_of_proxy (TrwAttempt *self)
{
  return g_str_equal (g_uri_get_scheme (self->way.uri), "https")
         && soup_message_get_tls_peer_certificate (self->message) == NULL;
}

static void
fail_by_proxy (TrwAttempt *self)
{
  if (trw_attempt_get_status (self) == SOUP_STATUS_PROXY_AUTHENTICATION_REQUIRED)
    trw_attempt_fail (
        self, TRUNDLE_ERROR_AUTHENTICATION_REQUIRED, "The proxy wants credentials");
  else
    trw_attempt_fail (
        self, TRUNDLE_ERROR_CANNOT_CONNECT, "The proxy refused the connection");
}

static void
take_send_error (TrwAttempt *self, const GError *error)
{
  g_autoptr (GError) explained = explain_send_error (self, error);

  self->is_definite = trw_error_is_definite (error) && is_about_host (self);
  if (!trw_attempt_survive_loss (self, &explained))
    trw_attempt_take_failure (self, g_steal_pointer (&explained));
}

static gboolean
take_cut (TrwAttempt *self)
{
  const GError error = { G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, (char *)"" };

  if (!self->is_cut)
    return FALSE;
  take_send_error (self, &error);
  return TRUE;
}

static void
on_sent (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TrwAttempt) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream = NULL;

  stream = soup_session_send_finish (SOUP_SESSION (source), result, &error);
  self->is_sending = FALSE;
  self->stream = g_steal_pointer (&stream);
  if (self->is_over)
    {
      trw_attempt_drop_stream (self);
      trw_attempt_settle (self);
      return;
    }
  if (trw_attempt_go_on_upload (self) || take_cut (self))
    return;
  if (self->stream == NULL && self->has_tunnel_word)
    {
      trw_attempt_ask_again (self);
      return;
    }
  if (self->stream == NULL)
    {
      take_send_error (self, error);
      return;
    }
  if (is_word_of_proxy (self))
    {
      if (self->has_tunnel_word)
        trw_attempt_ask_again (self);
      else
        fail_by_proxy (self);
      return;
    }
  /* Those of a 407 are not the server's. */
  if (trw_attempt_get_status (self) != SOUP_STATUS_PROXY_AUTHENTICATION_REQUIRED)
    trw_way_take_cookies (&self->way, self->request, self->message);
  trw_attempt_enter_phase (self, TRW_PHASE_TALKING);
  trw_attempt_take_answer (self);
}

/* The hop */

static void
on_network_event (SoupMessage *message,
                  GSocketClientEvent event,
                  GIOStream *connection,
                  gpointer user_data)
{
  TrwAttempt *self = user_data;

  trw_attempt_note_event (self, event);
  trw_session_note_stream (self->session, message, event, connection);
  if (event == G_SOCKET_CLIENT_CONNECTING)
    self->marks.is_connected = TRUE;
  if (event == G_SOCKET_CLIENT_PROXY_NEGOTIATING)
    trw_attempt_note_proxy (self, connection);
  if (event == G_SOCKET_CLIENT_CONNECTED)
    self->is_connected = TRUE;
}

/* Also on a connection that stood already. */
static void
on_starting (SoupMessage *message, gpointer user_data)
{
  TrwAttempt *self = user_data;

  trw_attempt_enter_phase (self, TRW_PHASE_TALKING);
  self->is_connected = TRUE;
  trw_connection_await_head (trw_session_find_stream (self->session, message));
  trw_attempt_sign (self);
  trw_attempt_declare_body (self);
}

/* Kept when libsoup asks again on another connection. */
static void
on_wrote_headers (SoupMessage *message, gpointer user_data)
{
  TrwAttempt *self = user_data;

  trw_attempt_feed_watchdog (self);
  self->has_written = TRUE;
  trw_attempt_begin_body (self);
}

static void
on_wrote_body (SoupMessage *message, gpointer user_data)
{
  TrwAttempt *self = user_data;

  if (trw_attempt_is_body_out (self))
    trw_attempt_note_written (self);
}

void
trw_attempt_note_written (TrwAttempt *self)
{
  self->marks.written_us = g_get_monotonic_time ();
  trw_attempt_enter_phase (self, TRW_PHASE_ASKED);
}

/* A head that TLS has ended within.  What libsoup (3.2.3) reads at once ends with its
 * buffer: only when that was never full nothing else can be left over from it. */
static gboolean
has_broken_off (TrwAttempt *self)
{
  SoupMessageMetrics *metrics = soup_message_get_metrics (self->message);

  return soup_message_metrics_get_response_body_bytes_received (metrics) == 0
         && soup_message_metrics_get_response_header_bytes_received (metrics)
                < HEADERS_AT_ONCE
         && trw_connection_has_tls_ended (
             trw_session_find_stream (self->session, self->message));
}

static gboolean
is_bearable (TrwAttempt *self)
{
  if (self->upload != NULL)
    return trw_attempt_inform_upload (self);
  return self->n_informational <= INFORMATIONAL_MAX;
}

/* Never final, and no sign of life for ever. */
static void
on_informational (SoupMessage *message, gpointer user_data)
{
  TrwAttempt *self = user_data;

  trw_attempt_feed_watchdog (self);
  self->n_informational++;
  self->marks.interim_size = soup_message_metrics_get_response_header_bytes_received (
      soup_message_get_metrics (message));
  /* Nor does the answer come. */
  if (has_broken_off (self))
    return;
  if (!is_bearable (self) && !self->is_over)
    trw_attempt_fail (self,
                      TRUNDLE_ERROR_PROTOCOL_ERROR,
                      "The server announces its answer without end");
}

/* The other side has heard enough: a body that is cut off takes the connection with it,
 * and what is left of the answer can be read (RFC 9112 §9.6). */
static void
on_got_headers (SoupMessage *message, gpointer user_data)
{
  TrwAttempt *self = user_data;

  self->is_cut = has_broken_off (self);
  trw_connection_take_head (trw_session_find_stream (self->session, message));
  if (!trw_attempt_is_body_out (self))
    soup_message_headers_replace (
        soup_message_get_response_headers (message), "Connection", "close");
  trw_attempt_stop_body (self);
}

/* A connection that stood already was gone, and libsoup asks again.  On another of those
 * (3.2.3) it takes the first one's error for that of the second question, whose answer
 * then finds nothing left and crashes: both are told late when all has happened in one
 * turn of the loop.  A new connection takes several turns. */
static void
on_restarted (SoupMessage *message, gpointer user_data)
{
  TrwAttempt *self = user_data;

  soup_message_add_flags (message, SOUP_MESSAGE_NEW_CONNECTION);
  if (self->is_over)
    return;
  if (trw_attempt_may_restart (self))
    trw_attempt_begin_hop_body (self);
  else
    trw_attempt_fail (self, TRUNDLE_ERROR_CONNECTION_LOST, "The connection was lost");
}

void
trw_attempt_send_hop (TrwAttempt *self)
{
  self->message = trw_message_new (self->request, &self->way);
  trw_attempt_begin_auth (self);
  trw_attempt_begin_hop_body (self);
  self->is_connected = FALSE;
  self->has_written = FALSE;
  self->is_cut = FALSE;
  self->marks = (TrwMarks){ 0 };
  self->is_sending = TRUE;
  trw_attempt_enter_phase (self, TRW_PHASE_CONNECTING);
  g_signal_connect (self->message, "network-event", G_CALLBACK (on_network_event), self);
  g_signal_connect (self->message, "starting", G_CALLBACK (on_starting), self);
  g_signal_connect (self->message, "wrote-headers", G_CALLBACK (on_wrote_headers), self);
  g_signal_connect (self->message, "wrote-body", G_CALLBACK (on_wrote_body), self);
  g_signal_connect (
      self->message, "got-informational", G_CALLBACK (on_informational), self);
  g_signal_connect (self->message, "got-headers", G_CALLBACK (on_got_headers), self);
  g_signal_connect (self->message, "restarted", G_CALLBACK (on_restarted), self);
  trw_attempt_watch_tls (self);
  soup_session_send_async (trw_session_get_soup (self->session),
                           self->message,
                           G_PRIORITY_DEFAULT,
                           self->cancellable,
                           on_sent,
                           trw_attempt_ref (self));
}
