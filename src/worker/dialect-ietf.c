/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Uploads by the IETF draft "Resumable Uploads for HTTP" (ietf.h has its versions).
 *
 * The request of the task itself goes out with all of the body and the offer to speak the
 * draft, which costs nothing where nobody does.  A server that does says in an interim
 * 104 where the upload is from now on.  When the answer does not come, that place is
 * asked how far it is (HEAD), and the rest is appended (PATCH); so it is from the
 * beginning of an attempt that has a place.  Limits are kept: what is too large is not
 * sent in vain, and what is too large for one request goes in several.
 *
 * A server never has less than it said before, and never more than there is: anything
 * else is not our upload.  When it has all and its answer was lost, it is asked for that
 * once more where the version knows how; else the word that all is there is the answer.
 *
 * Only what may be asked again is: HEAD, and PATCH with an offset, which a server refuses
 * when it has moved on.  The request itself is begun anew only when the place is gone,
 * and whether it may be is the daemon's to say (law 12). */

#include "config.h"

#include "dialect.h"

#include "common/error.h"
#include "ietf-state.h"

/* A server that refuses the offset it has just told has something else in mind. */
#define CONFLICTS_MAX 3

/* What of the app's own words is not for the question: what is ours to say, and what is
 * about the resource that is not asked any more. */
static const char *const not_with_request[] = { "Upload-Offset", NULL };
static const char *const not_with_place[] = {
  "Digest",
  "Expect",
  "Idempotency-Key",
  "If-Match",
  "If-Modified-Since",
  "If-None-Match",
  "If-Range",
  "If-Unmodified-Since",
  "Range",
  "Repr-Digest",
  "Upload-Complete",
  "Upload-Length",
  "Upload-Offset",
  "Want-Digest",
  "Want-Repr-Digest",
  NULL,
};

/* ---- questions ---- */

static gpointer
begin (TrwUpload *upload, GVariant *place)
{
  return trw_ietf_state_new (upload, place);
}

static void
end (gpointer state)
{
  trw_ietf_state_free (state);
}

/* FALSE when there is nothing that the server would take. */
static gboolean
plan_append (TrwUpload *upload, TrwIetfState *self, guint64 offset)
{
  guint64 rest = trw_upload_get_size (upload) - offset;
  gint64 most = self->limits.max_append;

  self->stage = TRW_IETF_APPEND;
  self->offset = offset;
  self->length = most >= 0 ? MIN (rest, (guint64)most) : rest;
  self->is_last = self->length == rest;
  if (self->is_last || most >= MAX (self->limits.min_append, 1))
    return TRUE;
  trw_ietf_state_set_error (self,
                            TRUNDLE_ERROR_TOO_LARGE,
                            "The server takes the upload neither whole nor in pieces");
  trw_ietf_state_give_up (self);
  return FALSE;
}

static void
ask_to_create (TrwUpload *upload, TrwIetfState *self, TrwQuestion *out)
{
  const TrwRequest *request = trw_upload_get_request (upload);
  guint64 size = trw_upload_get_size (upload);

  self->place_hop = 0;
  self->offset = 0;
  self->length = self->stage == TRW_IETF_CREATE ? size : 0;
  self->is_last = self->stage == TRW_IETF_CREATE;
  out->uri = g_uri_ref (request->uri);
  out->method = request->method;
  out->is_request = TRUE;
  out->without = not_with_request;
  out->may_repeat = TRUE;
  trw_ietf_say_complete (self->version, out->headers, self->is_last);
  trw_ietf_say_length (self->version, out->headers, size);
}

static void
ask_to_append (TrwIetfState *self, TrwQuestion *out)
{
  out->method = "PATCH";
  trw_ietf_say_complete (self->version, out->headers, self->is_last);
  trw_ietf_say_offset (self->version, out->headers, self->offset);
}

static gboolean
ask (TrwUpload *upload, TrwQuestion *out, GError **error)
{
  TrwIetfState *self = trw_upload_get_state (upload);

  if (self->error != NULL && self->stage != TRW_IETF_CANCEL)
    {
      g_propagate_error (error, g_error_copy (self->error));
      return FALSE;
    }
  switch (self->stage)
    {
    case TRW_IETF_CREATE:
    case TRW_IETF_CREATE_EMPTY:
      ask_to_create (upload, self, out);
      break;
    case TRW_IETF_APPEND:
    case TRW_IETF_REPLAY:
      ask_to_append (self, out);
      break;
    case TRW_IETF_LOOK:
      out->method = "HEAD";
      out->may_repeat = TRUE;
      break;
    case TRW_IETF_CANCEL:
      out->method = "DELETE";
      break;
    }
  trw_ietf_say_version (self->version, out->headers);
  if (!out->is_request)
    {
      out->uri = g_uri_ref (self->detour != NULL ? self->detour : self->place);
      out->without = not_with_place;
    }
  out->has_body = self->stage != TRW_IETF_LOOK && self->stage != TRW_IETF_CANCEL;
  if (out->has_body)
    {
      out->offset = self->offset;
      out->length = self->length;
    }
  return TRUE;
}

/* ---- answers ---- */

static TrwInterim
informed (TrwUpload *upload, const TrwReply *reply)
{
  TrwIetfState *self = trw_upload_get_state (upload);
  const TrwIetfVersion *version;
  gboolean has_news = FALSE;
  TrwIetfWords words;

  if (reply->status != TRW_IETF_SUPPORTED
      || (!trw_ietf_state_is_creating (self) && self->stage != TRW_IETF_APPEND))
    return TRW_INTERIM_GO_ON;
  trw_ietf_read (self->version, reply->headers, &words);
  version = trw_ietf_find_number (words.version);
  if (version != NULL)
    trw_ietf_state_learn (self, version->word);
  if (version != self->version)
    return TRW_INTERIM_GO_ON;

  if (trw_ietf_state_is_creating (self))
    {
      trw_ietf_state_drop_stale_place (self, reply);
      has_news = trw_ietf_state_take_location (self, reply);
    }
  has_news |= trw_ietf_state_take_limits (self, &words);
  if (has_news && self->place != NULL && self->error == NULL)
    trw_ietf_state_tell_place (self);
  if (words.offset >= 0)
    trw_ietf_state_take_offset (self, (guint64)words.offset);
  if (self->error != NULL)
    return TRW_INTERIM_STOP;
  if (trw_ietf_state_is_oversized (self) && reply->n_sent < self->length)
    {
      trw_ietf_state_look (self);
      return TRW_INTERIM_STOP;
    }
  return TRW_INTERIM_GO_ON;
}

static gboolean
is_success (const TrwReply *reply)
{
  return SOUP_STATUS_IS_SUCCESSFUL (reply->status);
}

static gboolean
is_gone (const TrwReply *reply)
{
  return reply->status == SOUP_STATUS_NOT_FOUND || reply->status == SOUP_STATUS_GONE;
}

/* Asks how far it is: within the attempt once, since whoever does not get through now had
 * better wait a while, and at once only where the server does not ask for that. */
static gboolean
look_once (TrwIetfState *self)
{
  if (self->place == NULL || self->has_lost)
    return FALSE;
  self->has_lost = TRUE;
  trw_ietf_state_look (self);
  return TRUE;
}

static TrwVerdict
take_server_error (TrwIetfState *self, const TrwReply *reply)
{
  gboolean is_patient = soup_message_headers_get_one (reply->headers, "Retry-After")
                        == NULL;

  return is_patient && look_once (self) ? TRW_VERDICT_NEXT : TRW_VERDICT_REFUSED;
}

/* Whoever was asked first has answered.  Should the rest of that get lost, the place says
 * that all is there, or the answer once more; of any other the place is no use. */
static TrwVerdict
take_final (TrwUpload *upload, const TrwReply *reply)
{
  if (!is_success (reply) || !trw_upload_is_whole (upload))
    trw_upload_forget (upload);
  return TRW_VERDICT_FINAL;
}

static TrwVerdict
plan_next (TrwUpload *upload, TrwIetfState *self, guint64 offset)
{
  if (trw_ietf_state_take_offset (self, offset))
    plan_append (upload, self, offset);
  return TRW_VERDICT_NEXT;
}

static gboolean
is_answer (const TrwIetfState *self, const TrwIetfWords *words)
{
  return self->version->marks_answer && words->is_complete;
}

static TrwVerdict
take_empty_creation (TrwUpload *upload, TrwIetfState *self, const TrwReply *reply)
{
  if (trw_ietf_state_take_location (self, reply))
    trw_ietf_state_tell_place (self);
  if (self->place == NULL)
    trw_ietf_state_set_error (self,
                              TRUNDLE_ERROR_PROTOCOL_ERROR,
                              "The server does not say where the upload is");
  return self->error != NULL ? TRW_VERDICT_NEXT : plan_next (upload, self, 0);
}

/* A success by its status, which says itself that it is none. */
static TrwVerdict
take_partial_creation (TrwIetfState *self, const TrwReply *reply)
{
  if (self->place == NULL && trw_ietf_state_take_location (self, reply))
    trw_ietf_state_tell_place (self);
  if (self->place != NULL)
    trw_ietf_state_look (self);
  else
    trw_ietf_state_set_error (self,
                              TRUNDLE_ERROR_PROTOCOL_ERROR,
                              "The server was content before it had all of the body");
  return TRW_VERDICT_NEXT;
}

static TrwVerdict
take_creation (TrwUpload *upload,
               TrwIetfState *self,
               const TrwReply *reply,
               const TrwIetfWords *words)
{
  gboolean is_less = (words->has_complete && !words->is_complete)
                     || (words->offset >= 0
                         && (guint64)words->offset != trw_upload_get_size (upload));

  if (is_success (reply) && self->stage == TRW_IETF_CREATE_EMPTY)
    return take_empty_creation (upload, self, reply);
  if (is_success (reply) && is_less)
    return take_partial_creation (self, reply);
  if (is_success (reply))
    {
      trw_ietf_state_learn_silence (self);
      return take_final (upload, reply);
    }
  if (reply->status == SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE
      && self->limits.max_append >= 0 && self->length > (guint64)self->limits.max_append)
    {
      if (self->place != NULL)
        trw_ietf_state_look (self);
      else
        self->stage = TRW_IETF_CREATE_EMPTY;
      return TRW_VERDICT_NEXT;
    }
  if (reply->status >= 500 && self->place != NULL)
    return take_server_error (self, reply);
  return TRW_VERDICT_FINAL;
}

static TrwVerdict
take_completeness (TrwUpload *upload,
                   TrwIetfState *self,
                   const TrwReply *reply,
                   const TrwIetfWords *words)
{
  guint64 size = trw_upload_get_size (upload);

  if ((guint64)words->offset < size)
    {
      trw_ietf_state_set_error (
          self,
          TRUNDLE_ERROR_PROTOCOL_ERROR,
          "The server takes no more of the upload, and has not all of it");
      trw_ietf_state_give_up (self);
      return TRW_VERDICT_NEXT;
    }
  if (!self->version->marks_answer || self->has_no_replay)
    {
      trw_upload_set_complete (upload);
      return take_final (upload, reply);
    }
  self->stage = TRW_IETF_REPLAY;
  self->offset = size;
  self->length = 0;
  self->is_last = TRUE;
  return TRW_VERDICT_NEXT;
}

static TrwVerdict
take_look (TrwUpload *upload,
           TrwIetfState *self,
           const TrwReply *reply,
           const TrwIetfWords *words)
{
  GUri *here = trw_upload_get_here (upload);

  if (is_gone (reply))
    return TRW_VERDICT_AFRESH;
  if (!is_success (reply))
    return TRW_VERDICT_REFUSED;
  if (words->offset < 0)
    trw_ietf_state_set_error (self,
                              TRUNDLE_ERROR_PROTOCOL_ERROR,
                              "The server does not say how far the upload is");
  else if (words->length >= 0 && (guint64)words->length != trw_upload_get_size (upload))
    trw_ietf_state_set_error (self,
                              TRUNDLE_ERROR_PROTOCOL_ERROR,
                              "The server has another upload in the place of this one");
  if (self->error != NULL || !trw_ietf_state_take_offset (self, (guint64)words->offset))
    return TRW_VERDICT_NEXT;

  trw_ietf_state_learn (self, self->version->word);
  g_clear_pointer (&self->detour, g_uri_unref);
  if (here != NULL)
    self->detour = g_uri_ref (here);
  if (words->is_complete)
    return take_completeness (upload, self, reply, words);
  return plan_next (upload, self, (guint64)words->offset);
}

static TrwVerdict
take_appended (TrwUpload *upload,
               TrwIetfState *self,
               const TrwReply *reply,
               const TrwIetfWords *words)
{
  guint64 end_offset = self->offset + self->length;
  gboolean is_elsewhere = words->offset >= 0 && (guint64)words->offset != end_offset;

  if (is_elsewhere || reply->n_sent < self->length)
    {
      trw_ietf_state_look (self);
      return TRW_VERDICT_NEXT;
    }
  if (!self->is_last)
    return plan_next (upload, self, end_offset);
  if (self->version->marks_answer || (words->has_complete && !words->is_complete))
    {
      if (trw_ietf_state_take_offset (self, end_offset))
        trw_ietf_state_look (self);
      return TRW_VERDICT_NEXT;
    }
  return take_final (upload, reply);
}

static TrwVerdict
take_append (TrwUpload *upload,
             TrwIetfState *self,
             const TrwReply *reply,
             const TrwIetfWords *words)
{
  if (is_gone (reply))
    return TRW_VERDICT_AFRESH;
  if (is_success (reply))
    return take_appended (upload, self, reply, words);
  if ((reply->status == SOUP_STATUS_CONFLICT && self->n_conflicts++ < CONFLICTS_MAX)
      || (reply->status == SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE
          && trw_ietf_state_is_oversized (self)))
    {
      trw_ietf_state_look (self);
      return TRW_VERDICT_NEXT;
    }
  return reply->status >= 500 ? take_server_error (self, reply) : TRW_VERDICT_REFUSED;
}

/* A server need not have kept its answer (-09, §4.4.2). */
static TrwVerdict
take_replay (TrwUpload *upload, TrwIetfState *self, const TrwReply *reply)
{
  if (is_success (reply))
    {
      trw_upload_set_complete (upload);
      return take_final (upload, reply);
    }
  if (reply->status >= 500)
    return take_server_error (self, reply);
  self->has_no_replay = TRUE;
  trw_ietf_state_look (self);
  return TRW_VERDICT_NEXT;
}

static TrwVerdict
judge (TrwUpload *upload,
       TrwIetfState *self,
       const TrwReply *reply,
       const TrwIetfWords *words)
{
  switch (self->stage)
    {
    case TRW_IETF_CREATE:
    case TRW_IETF_CREATE_EMPTY:
      return take_creation (upload, self, reply, words);
    case TRW_IETF_LOOK:
      return take_look (upload, self, reply, words);
    case TRW_IETF_APPEND:
      return take_append (upload, self, reply, words);
    case TRW_IETF_REPLAY:
      return take_replay (upload, self, reply);
    case TRW_IETF_CANCEL:
      break;
    }
  trw_upload_forget (upload);
  return TRW_VERDICT_FAIL;
}

static TrwVerdict
answered (TrwUpload *upload, const TrwReply *reply, GError **error)
{
  TrwIetfState *self = trw_upload_get_state (upload);
  TrwVerdict verdict = TRW_VERDICT_NEXT;
  TrwIetfStage stage = self->stage;
  TrwIetfWords words;

  trw_ietf_read (self->version, reply->headers, &words);
  if (trw_ietf_state_is_creating (self))
    trw_ietf_state_drop_stale_place (self, reply);
  if (stage != TRW_IETF_LOOK && stage != TRW_IETF_CANCEL && is_answer (self, &words))
    return take_final (upload, reply);
  if (stage != TRW_IETF_CANCEL && trw_ietf_state_take_limits (self, &words)
      && self->place != NULL && self->error == NULL)
    trw_ietf_state_tell_place (self);
  if (self->error == NULL || stage == TRW_IETF_CANCEL)
    verdict = judge (upload, self, reply, &words);
  /* What is in a place is let go first. */
  if (self->error == NULL
      || (verdict == TRW_VERDICT_NEXT && self->stage == TRW_IETF_CANCEL))
    return verdict;
  g_propagate_error (error, g_error_copy (self->error));
  return TRW_VERDICT_FAIL;
}

static gboolean
lost (TrwUpload *upload, const TrwReply *reply, GError **error)
{
  TrwIetfState *self = trw_upload_get_state (upload);

  if (trw_ietf_state_is_creating (self))
    {
      trw_ietf_state_drop_stale_place (self, reply);
      trw_ietf_state_learn_early_silence (self, reply->n_sent);
    }
  if (self->error != NULL)
    g_propagate_error (error, g_error_copy (self->error));
  return self->error == NULL && self->stage != TRW_IETF_LOOK && look_once (self);
}

#define IETF_FUNCTIONS                                                                   \
  .begin = begin, .end = end, .ask = ask, .informed = informed, .answered = answered,    \
  .lost = lost

const TrwDialect trw_dialect_ietf_8 = { .word = "ietf-8", IETF_FUNCTIONS };
const TrwDialect trw_dialect_ietf_6 = { .word = "ietf-6", IETF_FUNCTIONS };
