/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One attempt at one request: hop after hop to the final answer, its body into the part,
 * the part onto the disk, one set of facts at the end (laws 7, 10, 15).  An attempt is
 * over when its end is decided and settled when nothing of it is in flight any more (the
 * send of libsoup, the sync of the part); only then it is reported, so that whoever hears
 * of it may do with the part what he likes.
 *
 * libsoup has no timeouts here: they are in attempt-limits.c. */

#include "config.h"

#include "attempt-private.h"

#include "errors.h"
#include "range.h"
#include "response.h"

guint
trw_attempt_get_status (TrwAttempt *self)
{
  return self->message != NULL && !self->is_cut
             ? (guint)soup_message_get_status (self->message)
             : 0;
}

/* Ends */

/* An unread rest makes libsoup drop the connection: it counts it as reusable only when it
 * has seen the end. */
void
trw_attempt_drop_stream (TrwAttempt *self)
{
  g_clear_pointer (&self->body, trw_body_free);
  if (self->stream != NULL)
    g_input_stream_close (self->stream, NULL, NULL);
  g_clear_object (&self->stream);
}

void
trw_attempt_drop_hop (TrwAttempt *self)
{
  trw_attempt_stop_body (self);
  trw_attempt_drop_stream (self);
  if (self->message != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->message, self);
      trw_session_unwatch (self->session, self->message);
    }
  g_clear_object (&self->message);
}

/* Not of an answer that was accepted as it is, and broke. */
static gboolean
has_challenge (TrwAttempt *self)
{
  static const TrundleError codes[] = {
    TRUNDLE_ERROR_HTTP_STATUS,
    TRUNDLE_ERROR_AUTHENTICATION_REQUIRED,
    TRUNDLE_ERROR_TLS_FAILED,
    TRUNDLE_ERROR_CLIENT_CERTIFICATE_REQUIRED,
    TRUNDLE_ERROR_CLIENT_CERTIFICATE_REJECTED,
  };

  for (guint i = 0; self->challenge != NULL && i < G_N_ELEMENTS (codes); i++)
    {
      if (g_error_matches (self->error, TRUNDLE_ERROR, codes[i]))
        return TRUE;
    }
  return FALSE;
}

static GVariant *
collect_facts (TrwAttempt *self, guint status)
{
  g_auto (GVariantDict) facts = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&facts, "complete", "b", self->is_complete);
  g_variant_dict_insert (&facts, "received", "t", trw_attempt_get_received (self));
  if (status != 0)
    g_variant_dict_insert (&facts, "status", "u", status);
  if (self->response != NULL)
    g_variant_dict_insert_value (&facts, "response", self->response);
  trw_attempt_add_hop_facts (self, &facts);
  trw_attempt_add_proof_facts (self, &facts);
  if (self->upload != NULL)
    trw_upload_add_facts (self->upload, &facts, self->is_complete);
  if (self->is_complete)
    {
      const char *proof = self->has_no_rest ? "content-range"
                                            : trw_framing_to_proof (self->framing);

      g_variant_dict_insert (&facts, "proof", "s", proof);
      return g_variant_ref_sink (g_variant_dict_end (&facts));
    }
  g_variant_dict_insert (&facts, "error", "s", trundle_error_to_name (self->error->code));
  g_variant_dict_insert (&facts, "message", "s", self->error->message);
  if (trw_part_get_errno (self->part) != 0)
    g_variant_dict_insert (&facts, "errno", "i", trw_part_get_errno (self->part));
  if (self->error_url != NULL)
    g_variant_dict_insert (&facts, "url", "s", self->error_url);
  if (self->tls_flags != 0)
    g_variant_dict_insert (&facts, "tls-flags", "u", (guint)self->tls_flags);
  if (has_challenge (self))
    g_variant_dict_insert_value (&facts, "challenge", self->challenge);
  if (self->error_body != NULL)
    g_variant_dict_insert_value (
        &facts,
        "error-body",
        g_variant_new_fixed_array (
            G_VARIANT_TYPE_BYTE, self->error_body->data, self->error_body->len, 1));
  return g_variant_ref_sink (g_variant_dict_end (&facts));
}

void
trw_attempt_settle (TrwAttempt *self)
{
  g_autoptr (GVariant) facts = NULL;

  if (!self->is_over || self->is_sending || self->part == NULL
      || trw_part_is_busy (self->part) || self->decoder != NULL)
    return;
  if (!self->is_stopped)
    {
      g_autoptr (GVariant) all = collect_facts (self, trw_attempt_get_status (self));

      if (self->message != NULL)
        trw_scrub_learn (self->scrub, soup_message_get_request_headers (self->message));
      facts = trw_scrub_facts (self->scrub, all);
    }
  trw_attempt_drop_hop (self);
  g_clear_pointer (&self->part, trw_part_free);
  trw_request_close (self->request);
  /* Whoever hears of the end has heard of them. */
  if (self->way.jar != NULL)
    trw_jar_flush (self->way.jar);
  self->hooks->over (self, facts, self->user_data);
}

static void
end (TrwAttempt *self)
{
  self->is_over = TRUE;
  trw_attempt_clear_watchdog (self);
  trw_attempt_stop_body (self);
  trw_attempt_drop_stream (self);
  if (self->is_sending)
    g_cancellable_cancel (self->cancellable);
  trw_attempt_drop_ticket (self);
  trw_attempt_stop_proof (self);
  trw_attempt_settle (self);
}

/* Consumes @error, one of ours. */
void
trw_attempt_take_failure (TrwAttempt *self, GError *error)
{
  if (self->error == NULL)
    self->error = error;
  else
    g_error_free (error);
  end (self);
}

void
trw_attempt_fail (TrwAttempt *self, TrundleError code, const char *message)
{
  trw_attempt_take_failure (self, g_error_new_literal (TRUNDLE_ERROR, code, message));
}

void
trw_attempt_take_success (TrwAttempt *self)
{
  self->is_complete = TRUE;
  end (self);
}

/* Of an answer that is not accepted the status is known already. */
void
trw_attempt_time_out (TrwAttempt *self, const char *message)
{
  if (self->error_body != NULL)
    end (self);
  else
    trw_attempt_fail (self, TRUNDLE_ERROR_TIMED_OUT, message);
}

/* The answer would mix what is there with something else. */
static void
fail_misfit (TrwAttempt *self)
{
  g_autoptr (GError) error = NULL;

  if (trw_part_cut (self->part, &error))
    trw_attempt_fail (self,
                      TRUNDLE_ERROR_CONNECTION_LOST,
                      "The part that was there could not be continued");
  else
    trw_attempt_take_failure (self, g_steal_pointer (&error));
}

/* The body */

static void
finish_complete (TrwAttempt *self)
{
  g_autoptr (GError) error = NULL;

  if (trw_part_check (self->part, &error))
    trw_attempt_finish_proof (self);
  else
    trw_attempt_take_failure (self, g_steal_pointer (&error));
}

static void
tell_response (TrwAttempt *self)
{
  self->response = g_steal_pointer (&self->untold);
  self->hooks->responded (self, self->response, self->user_data);
}

/* Takes from @data what must be the same as the end of what is there; only when all of it
 * was does the part go on, and is that told. */
static gboolean
compare_overlap (TrwAttempt *self, const guint8 **data, gsize *length)
{
  gsize n = (gsize)MIN (*length, self->overlap);

  if (n == 0)
    return TRUE;
  if (!trw_part_holds (
          self->part, trw_part_get_written (self->part) - self->overlap, *data, n))
    return FALSE;
  self->overlap -= n;
  *data += n;
  *length -= n;
  if (self->overlap == 0)
    tell_response (self);
  return TRUE;
}

static gboolean
write_part (const guint8 *data, gsize length, gpointer user_data)
{
  TrwAttempt *self = user_data;
  g_autoptr (GError) error = NULL;

  trw_attempt_feed_watchdog (self);
  self->marks.body_size += length;
  if (!compare_overlap (self, &data, &length))
    {
      fail_misfit (self);
      return FALSE;
    }
  if (length == 0)
    return TRUE;
  if (self->total > 0 && length > self->total - trw_part_get_written (self->part))
    {
      fail_misfit (self);
      return FALSE;
    }
  if (!trw_attempt_check_size (
          self, trw_part_get_written (self->part) + length, FALSE, &error)
      || !trw_part_write (self->part, data, length, &error))
    {
      trw_attempt_take_failure (self, g_steal_pointer (&error));
      return FALSE;
    }
  if (trw_part_is_behind (self->part))
    trw_body_pause (self->body);
  self->hooks->moved (self, self->user_data);
  return TRUE;
}

static void
on_body_ended (const GError *error, gpointer user_data)
{
  TrwAttempt *self = user_data;

  trw_attempt_drop_stream (self);
  if (error != NULL)
    {
      trw_attempt_take_failure (self, trw_error_translate (error, TRUE));
      return;
    }
  if (self->overlap > 0
      || (self->total > 0 && trw_part_get_written (self->part) != self->total))
    {
      fail_misfit (self);
      return;
    }
  trw_attempt_clear_watchdog (self);
  self->marks.ended_us = g_get_monotonic_time ();
  if (!trw_part_sync (self->part))
    finish_complete (self);
}

/* After each sync: one on the way, or the last; and when what was hashed may be told. */
static void
on_synced (gpointer user_data)
{
  TrwAttempt *self = user_data;
  g_autoptr (GError) error = NULL;

  if (self->is_over)
    {
      trw_attempt_settle (self);
      return;
    }
  if (!trw_part_check (self->part, &error))
    {
      trw_attempt_take_failure (self, g_steal_pointer (&error));
      return;
    }
  self->hooks->moved (self, self->user_data);
  if (self->body != NULL)
    {
      trw_attempt_tell_digests (self);
      /* It may be the hashing that has ended. */
      if (trw_part_is_behind (self->part))
        return;
      trw_attempt_feed_watchdog (self);
      trw_body_start (self->body);
    }
  else if (!trw_part_sync (self->part))
    finish_complete (self);
}

/* Does not feed the watchdog: a server that lets it trickle must not keep us for days
 * from what is known already. */
static gboolean
keep_error_body (const guint8 *data, gsize length, gpointer user_data)
{
  TrwAttempt *self = user_data;
  gsize room = self->request->error_body_max - self->error_body->len;

  self->marks.body_size += length;
  g_byte_array_append (self->error_body, data, (guint)MIN (length, room));
  if (length < room)
    return TRUE;
  end (self);
  return FALSE;
}

/* However it ended: the status is what matters. */
static void
on_error_body_ended (const GError *error, gpointer user_data)
{
  TrwAttempt *self = user_data;

  if (error == NULL)
    self->marks.ended_us = g_get_monotonic_time ();
  end (self);
}

static const TrwBodySink part_sink = { write_part, on_body_ended };
static const TrwBodySink error_sink = { keep_error_body, on_error_body_ended };

static GError *
make_status_error (guint status)
{
  if (status == SOUP_STATUS_PROXY_AUTHENTICATION_REQUIRED)
    return g_error_new_literal (TRUNDLE_ERROR,
                                TRUNDLE_ERROR_AUTHENTICATION_REQUIRED,
                                "The proxy wants credentials");
  return g_error_new (TRUNDLE_ERROR,
                      TRUNDLE_ERROR_HTTP_STATUS,
                      "The server answered with status %u",
                      status);
}

static void
read_body (TrwAttempt *self, guint64 length)
{
  g_autoptr (GError) error = NULL;
  guint status = trw_attempt_get_status (self);
  gboolean is_accepted = !self->is_refused
                         && (self->total > 0
                             || trw_request_accepts (self->request, status));

  if (!is_accepted)
    {
      self->error = make_status_error (status);
      self->error_body = g_byte_array_new ();
      if (self->request->error_body_max == 0)
        {
          end (self);
          return;
        }
    }
  else if (!trw_attempt_begin_proof (self, length, &error))
    {
      trw_attempt_take_failure (self, g_steal_pointer (&error));
      return;
    }
  self->body = trw_body_new (
      self->stream, self->framing, length, is_accepted ? &part_sink : &error_sink, self);
  if (!self->is_unheard)
    trw_body_start (self->body);
}

/* The answer */

/* Whether it can be the whole of what was asked for.  No range is: a part that nobody
 * asked for would look complete by its length. */
static gboolean
check_wholeness (TrwAttempt *self, GError **error)
{
  const char *message = NULL;

  if (self->total > 0)
    return TRUE;
  if (self->is_unfit)
    message = trw_attempt_get_status (self) == SOUP_STATUS_PARTIAL_CONTENT
                  ? "The server sent another range than was asked for"
                  : "The server does not send ranges";
  else if (trw_attempt_get_status (self) == SOUP_STATUS_PARTIAL_CONTENT)
    message = "The server sent a part of what was asked for";
  else if (self->framing == TRW_FRAMING_CLOSE && !self->request->allow_unframed)
    message = "Nothing would prove that the answer is whole";
  if (message == NULL
      || !trw_request_accepts (self->request, trw_attempt_get_status (self)))
    return TRUE;
  g_set_error_literal (error, TRUNDLE_ERROR, TRUNDLE_ERROR_PROTOCOL_ERROR, message);
  return FALSE;
}

/* The server has not a byte more: what is there is the file.  Its Response was that of
 * the attempt that wrote it; this one describes nothing. */
static void
finish_without_rest (TrwAttempt *self)
{
  self->has_no_rest = TRUE;
  trw_attempt_hash (self);
  on_body_ended (NULL, self);
}

/* What the answer means for what is there.  FALSE: it is dealt with. */
static gboolean
take_range (TrwAttempt *self)
{
  g_autoptr (GError) error = NULL;
  TrwRange range = trw_range_judge (self->request, self->message, &self->total);

  if ((range == TRW_RANGE_FITS || range == TRW_RANGE_NO_REST)
      && !trw_part_is_as_long (self->part))
    range = TRW_RANGE_MISFIT;
  switch (range)
    {
    case TRW_RANGE_FITS:
      self->overlap = trw_range_get_overlap (self->request);
      self->offset = self->request->offset > 0 ? (gint64)self->request->offset : -1;
      return TRUE;
    case TRW_RANGE_WHOLE:
      self->is_unheard = self->request->offset > 0;
      self->offset = self->is_unheard ? 0 : -1;
      if (trw_part_cut (self->part, &error))
        return TRUE;
      trw_attempt_take_failure (self, g_steal_pointer (&error));
      return FALSE;
    case TRW_RANGE_NO_REST:
      finish_without_rest (self);
      return FALSE;
    case TRW_RANGE_MISFIT:
      fail_misfit (self);
      return FALSE;
    case TRW_RANGE_UNFIT:
      self->is_unfit = TRUE;
      return TRUE;
    case TRW_RANGE_REFUSED:
      return TRUE;
    }
  g_assert_not_reached ();
}

static GVariant *
describe_answer (TrwAttempt *self)
{
  g_autoptr (GVariant) answer = trw_response_describe (
      self->message, self->way.uri, self->offset, self->total);

  trw_scrub_learn (self->scrub, soup_message_get_request_headers (self->message));
  return trw_scrub_facts (self->scrub, answer);
}

void
trw_attempt_take_final_answer (TrwAttempt *self)
{
  g_autoptr (GError) error = NULL;
  guint64 length = 0;

  if ((self->request->offset > 0 || self->request->has_range) && !take_range (self))
    return;
  self->untold = describe_answer (self);
  if (!trw_response_get_framing (self->message, &self->framing, &length, &error))
    {
      self->response = g_steal_pointer (&self->untold);
      trw_attempt_take_failure (self, g_steal_pointer (&error));
      return;
    }
  if (self->overlap == 0)
    tell_response (self);
  if (!check_wholeness (self, &error))
    {
      trw_attempt_take_failure (self, g_steal_pointer (&error));
      return;
    }
  if (self->total > 0)
    self->expected = (gint64)self->total;
  else if (self->framing == TRW_FRAMING_LENGTH)
    self->expected = (gint64)length;
  else if (self->framing == TRW_FRAMING_EMPTY)
    self->expected = 0;
  read_body (self, length);
}

static void
free_contents (gpointer data)
{
  TrwAttempt *self = data;

  trw_attempt_clear_watchdog (self);
  trw_attempt_drop_ticket (self);
  trw_attempt_drop_hop (self);
  trw_auth_free (self->auth);
  trw_scrub_free (self->scrub);
  g_clear_pointer (&self->socks, trw_party_free);
  g_clear_error (&self->tunnel_error);
  g_clear_pointer (&self->upload, trw_upload_free);
  g_clear_error (&self->ask_error);
  trw_request_free (self->request);
  trw_asked_clear (&self->asked);
  g_clear_pointer (&self->part, trw_part_free);
  g_clear_pointer (&self->session, trw_session_unref);
  g_clear_object (&self->cancellable);
  trw_way_clear (&self->way);
  g_ptr_array_unref (self->transactions);
  g_clear_pointer (&self->error_body, g_byte_array_unref);
  g_clear_pointer (&self->untold, g_variant_unref);
  g_clear_pointer (&self->response, g_variant_unref);
  g_clear_error (&self->error);
  g_free (self->error_url);
  g_clear_pointer (&self->challenge, g_variant_unref);
  g_clear_pointer (&self->declared, g_variant_unref);
  g_clear_pointer (&self->decoded.digests, g_variant_unref);
}

TrwAttempt *
trw_attempt_new (guint64 id,
                 TrwRequest *request,
                 int part_fd,
                 TrwSession *session,
                 const TrwAttemptHooks *hooks,
                 gpointer user_data)
{
  TrwAttempt *self = g_rc_box_new0 (TrwAttempt);

  self->id = id;
  self->request = request;
  self->part = trw_part_new (part_fd, request->offset, on_synced, self);
  self->session = trw_session_ref (session);
  self->auth = trw_auth_new (request->credentials,
                             request->of_proxies,
                             request->allow_insecure_auth,
                             trw_session_get_memory (session));
  self->scrub = trw_scrub_new (request);
  self->hooks = hooks;
  self->user_data = user_data;
  self->cancellable = g_cancellable_new ();
  self->transactions = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  self->wall_offset_us = g_get_real_time () - g_get_monotonic_time ();
  self->expected = -1;
  self->offset = -1;
  self->way.uri = g_uri_ref (request->uri);
  self->way.method = request->method;
  self->way.at_first_origin = TRUE;
  if (request->set_cookies && request->jar != NULL)
    self->way.jar = trw_jar_ref (request->jar);
  if (request->pieces != NULL)
    trw_attempt_begin_upload (self);
  else
    trw_attempt_send_hop (self);
  return self;
}

TrwAttempt *
trw_attempt_ref (TrwAttempt *self)
{
  return g_rc_box_acquire (self);
}

void
trw_attempt_unref (TrwAttempt *self)
{
  g_rc_box_release_full (self, free_contents);
}

void
trw_attempt_stop (TrwAttempt *self)
{
  self->is_stopped = TRUE;
  end (self);
}

gboolean
trw_attempt_is_unheard (TrwAttempt *self)
{
  return self->is_unheard;
}

void
trw_attempt_hear (TrwAttempt *self)
{
  self->is_unheard = FALSE;
  if (self->body == NULL)
    return;
  trw_attempt_feed_watchdog (self);
  trw_body_start (self->body);
}

guint64
trw_attempt_get_id (TrwAttempt *self)
{
  return self->id;
}

guint64
trw_attempt_get_received (TrwAttempt *self)
{
  return self->part != NULL ? trw_part_get_written (self->part) : 0;
}

guint64
trw_attempt_get_synced (TrwAttempt *self)
{
  return self->part != NULL ? trw_part_get_synced (self->part) : 0;
}

gint64
trw_attempt_get_expected (TrwAttempt *self)
{
  return self->expected;
}
