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
#include "common/url.h"
#include "ietf.h"

/* A server that refuses the offset it has just told has something else in mind. */
#define CONFLICTS_MAX 3

/* A server may not bother with what goes in one piece, and yet with more. */
#define WORTH_OFFERING (64 * 1024)

/* A lifetime that is said anew with each answer is no news by less. */
#define AGE_SLACK_US (60 * (gint64)G_USEC_PER_SEC)

#define NO_LIMITS                                                                        \
  {                                                                                      \
    -1, -1, -1, -1                                                                       \
  }

typedef enum
{
  STAGE_CREATE,
  STAGE_CREATE_EMPTY, /* the place first: the body is too large to go along */
  STAGE_LOOK,         /* how far the server is */
  STAGE_APPEND,
  STAGE_REPLAY, /* the answer once more, which was lost */
  STAGE_CANCEL, /* the attempt fails whatever this is answered */
} Stage;

typedef struct
{
  const TrwIetfVersion *version; /* (unowned), static */
  Stage stage;
  guint64 offset; /* of what is sent now */
  guint64 length;
  gboolean is_last;

  GUri *place;          /* (owned) (nullable): where the upload is */
  GUri *detour;         /* (owned) (nullable): where the place led to */
  guint place_hop;      /* of a question, that said so; 0 for another question */
  gint64 expires_us;    /* realtime; 0 unknown */
  TrwIetfLimits limits; /* as they were said last */

  gboolean has_learned; /* what the server speaks */
  gboolean has_lost;    /* an answer, in this attempt */
  gboolean has_no_replay;
  guint n_conflicts;
  GError *error; /* (owned) (nullable): that the attempt is to end with */
} State;

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

/* ---- state ---- */

static void
read_place (State *self, GVariant *place)
{
  const char *url;

  if (!g_variant_lookup (place, "url", "&s", &url))
    return;
  self->place = trundle_url_parse (url, NULL);
  if (self->place == NULL)
    return;
  self->stage = STAGE_LOOK;
  g_variant_lookup (place, "max-append-size", "x", &self->limits.max_append);
  g_variant_lookup (place, "min-append-size", "x", &self->limits.min_append);
  g_variant_lookup (place, "expires", "x", &self->expires_us);
}

static gpointer
begin (TrwUpload *upload, GVariant *place)
{
  State *self = g_new0 (State, 1);

  self->version = trw_ietf_find (trw_upload_get_word (upload));
  self->limits = (TrwIetfLimits)NO_LIMITS;
  if (place != NULL)
    read_place (self, place);
  return self;
}

static void
end (gpointer state)
{
  State *self = state;

  g_clear_pointer (&self->place, g_uri_unref);
  g_clear_pointer (&self->detour, g_uri_unref);
  g_clear_error (&self->error);
  g_free (self);
}

static void
tell_place (TrwUpload *upload, State *self)
{
  g_autofree char *url = g_uri_to_string (self->place);
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "url", "s", url);
  if (self->limits.max_append >= 0)
    g_variant_dict_insert (&dict, "max-append-size", "x", self->limits.max_append);
  if (self->limits.min_append >= 0)
    g_variant_dict_insert (&dict, "min-append-size", "x", self->limits.min_append);
  if (self->expires_us != 0)
    g_variant_dict_insert (&dict, "expires", "x", self->expires_us);
  trw_upload_tell (upload, g_variant_dict_end (&dict));
}

static void
learn (TrwUpload *upload, State *self, const char *word)
{
  self->has_learned = TRUE;
  trw_upload_learn (upload, word);
}

static gboolean
is_offered (TrwUpload *upload, const TrwIetfVersion *version)
{
  const TrwRequest *request = trw_upload_get_request (upload);

  return request->resumable != NULL
         && g_strv_contains ((const char *const *)request->resumable, version->word);
}

/* Of those that are offered, the next older than ours.  (nullable) */
static const TrwIetfVersion *
find_older (TrwUpload *upload, const State *self)
{
  guint n;
  const TrwIetfVersion *versions = trw_ietf_get_versions (&n);

  for (const TrwIetfVersion *older = self->version + 1; older < versions + n; older++)
    {
      if (is_offered (upload, older))
        return older;
    }
  return NULL;
}

/* It has done what it was asked, and has not said a word of the draft: it knows none, or
 * another version, for which it is asked next time. */
static void
learn_silence (TrwUpload *upload, State *self)
{
  const TrwIetfVersion *older = find_older (upload, self);

  if (!self->has_learned && trw_upload_get_size (upload) >= WORTH_OFFERING)
    learn (upload, self, older != NULL ? older->word : "none");
}

/* It had not said a word until the connection was lost: that may be so with one that
 * would have, and all versions have their turn. */
static void
learn_early_silence (TrwUpload *upload, State *self, guint64 n_sent)
{
  guint n;
  const TrwIetfVersion *next = find_older (upload, self);

  if (next == NULL)
    next = trw_ietf_get_versions (&n);
  if (!self->has_learned && n_sent >= WORTH_OFFERING && next != self->version
      && is_offered (upload, next))
    learn (upload, self, next->word);
}

static void
set_error (State *self, TrundleError code, const char *message)
{
  if (self->error == NULL)
    self->error = g_error_new_literal (TRUNDLE_ERROR, code, message);
}

/* ---- questions ---- */

static void
look (State *self)
{
  self->stage = STAGE_LOOK;
  g_clear_pointer (&self->detour, g_uri_unref);
}

/* Nothing of the body is sent any more; where some is kept, it is let go. */
static void
give_up (State *self)
{
  self->stage = self->place != NULL ? STAGE_CANCEL : STAGE_CREATE;
}

/* FALSE when there is nothing that the server would take. */
static gboolean
plan_append (TrwUpload *upload, State *self, guint64 offset)
{
  guint64 rest = trw_upload_get_size (upload) - offset;
  gint64 most = self->limits.max_append;

  self->stage = STAGE_APPEND;
  self->offset = offset;
  self->length = most >= 0 ? MIN (rest, (guint64)most) : rest;
  self->is_last = self->length == rest;
  if (self->is_last || most >= MAX (self->limits.min_append, 1))
    return TRUE;
  set_error (self,
             TRUNDLE_ERROR_TOO_LARGE,
             "The server takes the upload neither whole nor in pieces");
  give_up (self);
  return FALSE;
}

static void
ask_to_create (TrwUpload *upload, State *self, TrwQuestion *out)
{
  const TrwRequest *request = trw_upload_get_request (upload);
  guint64 size = trw_upload_get_size (upload);

  self->place_hop = 0;
  self->offset = 0;
  self->length = self->stage == STAGE_CREATE ? size : 0;
  self->is_last = self->stage == STAGE_CREATE;
  out->uri = g_uri_ref (request->uri);
  out->method = request->method;
  out->is_request = TRUE;
  out->without = not_with_request;
  out->may_repeat = TRUE;
  trw_ietf_say_complete (self->version, out->headers, self->is_last);
  trw_ietf_say_length (self->version, out->headers, size);
}

static void
ask_to_append (State *self, TrwQuestion *out)
{
  out->method = "PATCH";
  trw_ietf_say_complete (self->version, out->headers, self->is_last);
  trw_ietf_say_offset (self->version, out->headers, self->offset);
}

static gboolean
ask (TrwUpload *upload, TrwQuestion *out, GError **error)
{
  State *self = trw_upload_get_state (upload);

  if (self->error != NULL && self->stage != STAGE_CANCEL)
    {
      g_propagate_error (error, g_error_copy (self->error));
      return FALSE;
    }
  switch (self->stage)
    {
    case STAGE_CREATE:
    case STAGE_CREATE_EMPTY:
      ask_to_create (upload, self, out);
      break;
    case STAGE_APPEND:
    case STAGE_REPLAY:
      ask_to_append (self, out);
      break;
    case STAGE_LOOK:
      out->method = "HEAD";
      out->may_repeat = TRUE;
      break;
    case STAGE_CANCEL:
      out->method = "DELETE";
      break;
    }
  trw_ietf_say_version (self->version, out->headers);
  if (!out->is_request)
    {
      out->uri = g_uri_ref (self->detour != NULL ? self->detour : self->place);
      out->without = not_with_place;
    }
  out->has_body = self->stage != STAGE_LOOK && self->stage != STAGE_CANCEL;
  if (out->has_body)
    {
      out->offset = self->offset;
      out->length = self->length;
    }
  return TRUE;
}

/* ---- what is said in passing and at the end ---- */

static gboolean
is_creating (const State *self)
{
  return self->stage == STAGE_CREATE || self->stage == STAGE_CREATE_EMPTY;
}

/* One that leads to where the app does not want to be led is none. */
static gboolean
is_welcome (TrwUpload *upload, GUri *place)
{
  const TrwRequest *request = trw_upload_get_request (upload);

  return request->redirects.policy == TRW_REDIRECTS_FOLLOW
         || trundle_url_is_same_origin (request->uri, place);
}

static gboolean
is_same_address (GUri *first, GUri *second)
{
  g_autofree char *one = g_uri_to_string (first);
  g_autofree char *other = g_uri_to_string (second);

  return g_str_equal (one, other);
}

/* Of one request all places are one (-09, §4.2.2).  TRUE: a new one. */
static gboolean
take_location (TrwUpload *upload, State *self, const TrwReply *reply)
{
  const char *location = soup_message_headers_get_one (reply->headers, "Location");
  g_autoptr (GUri) place = NULL;

  if (location == NULL)
    return FALSE;
  place = trw_upload_resolve (upload, location, NULL);
  if (place == NULL || !is_welcome (upload, place))
    return FALSE;
  if (self->place_hop == reply->hop)
    {
      if (!is_same_address (place, self->place))
        {
          set_error (self,
                     TRUNDLE_ERROR_PROTOCOL_ERROR,
                     "The server has two places for one upload");
          give_up (self);
        }
      return FALSE;
    }
  g_clear_pointer (&self->place, g_uri_unref);
  self->place = g_steal_pointer (&place);
  self->place_hop = reply->hop;
  return TRUE;
}

/* A request that was led elsewhere, or asked again with a credential, is another. */
static void
drop_stale_place (TrwUpload *upload, State *self, const TrwReply *reply)
{
  if (self->place == NULL || self->place_hop == reply->hop)
    return;
  g_clear_pointer (&self->place, g_uri_unref);
  self->place_hop = 0;
  trw_upload_confirm (upload, 0);
  trw_upload_forget (upload);
}

static gboolean
is_other_age (gint64 before_us, gint64 after_us)
{
  return ABS (before_us - after_us) > AGE_SLACK_US;
}

/* TRUE: some are new. */
static gboolean
take_limits (TrwUpload *upload, State *self, const TrwIetfWords *words)
{
  const TrwIetfLimits before = self->limits;
  gint64 expires_us = 0;
  gboolean has_news;

  if (!words->has_limits)
    return FALSE;
  self->limits = words->limits;
  if (words->limits.age_s >= 0)
    expires_us = g_get_real_time () + words->limits.age_s * G_USEC_PER_SEC;
  has_news = is_other_age (self->expires_us, expires_us);
  if (has_news)
    self->expires_us = expires_us;
  if (words->limits.max_size >= 0
      && trw_upload_get_size (upload) > (guint64)words->limits.max_size)
    {
      set_error (self, TRUNDLE_ERROR_TOO_LARGE, "The server takes no upload that large");
      give_up (self);
    }
  return has_news || before.max_append != self->limits.max_append
         || before.min_append != self->limits.min_append;
}

/* What is kept is kept (-09, §4.1.1), and is of ours. */
static gboolean
take_offset (TrwUpload *upload, State *self, guint64 offset)
{
  if (offset < trw_upload_get_confirmed (upload))
    set_error (self,
               TRUNDLE_ERROR_PROTOCOL_ERROR,
               "The server lost some of the upload that it had received");
  else if (offset > trw_upload_get_size (upload))
    set_error (self,
               TRUNDLE_ERROR_PROTOCOL_ERROR,
               "The server has more of the upload than there is");
  else
    {
      trw_upload_confirm (upload, offset);
      return TRUE;
    }
  give_up (self);
  return FALSE;
}

/* Whether the request in flight is larger than it may be, and there is another way. */
static gboolean
is_oversized (const State *self)
{
  return self->place != NULL && self->limits.max_append >= 0
         && self->length > (guint64)self->limits.max_append
         && (!is_creating (self) || self->version->limits_creation);
}

static TrwInterim
informed (TrwUpload *upload, const TrwReply *reply)
{
  State *self = trw_upload_get_state (upload);
  const TrwIetfVersion *version;
  gboolean is_new_place;
  gboolean has_news;
  TrwIetfWords words;

  if (reply->status != TRW_IETF_SUPPORTED
      || (!is_creating (self) && self->stage != STAGE_APPEND))
    return TRW_INTERIM_OLD;
  trw_ietf_read (self->version, reply->headers, &words);
  version = trw_ietf_find_number (words.version);
  if (version != NULL)
    learn (upload, self, version->word);
  if (version != self->version)
    return TRW_INTERIM_OLD;

  if (is_creating (self))
    drop_stale_place (upload, self, reply);
  is_new_place = is_creating (self) && take_location (upload, self, reply);
  has_news = take_limits (upload, self, &words) || is_new_place;
  if (has_news && self->place != NULL && self->error == NULL)
    tell_place (upload, self);
  if (words.offset > (gint64)trw_upload_get_confirmed (upload))
    has_news = TRUE;
  if (words.offset >= 0)
    take_offset (upload, self, (guint64)words.offset);
  if (self->error != NULL)
    return TRW_INTERIM_STOP;
  if (is_oversized (self) && reply->n_sent < self->length)
    {
      look (self);
      return TRW_INTERIM_STOP;
    }
  return has_news ? TRW_INTERIM_NEWS : TRW_INTERIM_OLD;
}

/* ---- answers ---- */

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
look_once (State *self)
{
  if (self->place == NULL || self->has_lost)
    return FALSE;
  self->has_lost = TRUE;
  look (self);
  return TRUE;
}

static TrwVerdict
take_server_error (State *self, const TrwReply *reply)
{
  gboolean is_patient = soup_message_headers_get_one (reply->headers, "Retry-After")
                        == NULL;

  return is_patient && look_once (self) ? TRW_VERDICT_NEXT : TRW_VERDICT_REFUSED;
}

/* Whoever was asked first has answered, and the place is no use any more. */
static TrwVerdict
take_final (TrwUpload *upload)
{
  trw_upload_forget (upload);
  return TRW_VERDICT_FINAL;
}

static TrwVerdict
plan_next (TrwUpload *upload, State *self, guint64 offset)
{
  if (take_offset (upload, self, offset))
    plan_append (upload, self, offset);
  return TRW_VERDICT_NEXT;
}

static gboolean
is_answer (const State *self, const TrwIetfWords *words)
{
  return self->version->marks_answer && words->is_complete;
}

static TrwVerdict
take_empty_creation (TrwUpload *upload, State *self, const TrwReply *reply)
{
  if (take_location (upload, self, reply))
    tell_place (upload, self);
  if (self->place == NULL)
    set_error (self,
               TRUNDLE_ERROR_PROTOCOL_ERROR,
               "The server does not say where the upload is");
  return self->error != NULL ? TRW_VERDICT_NEXT : plan_next (upload, self, 0);
}

static TrwVerdict
take_creation (TrwUpload *upload,
               State *self,
               const TrwReply *reply,
               const TrwIetfWords *words)
{
  gboolean is_less = (words->has_complete && !words->is_complete)
                     || (words->offset >= 0
                         && (guint64)words->offset != trw_upload_get_size (upload));

  if (is_success (reply) && self->stage == STAGE_CREATE_EMPTY)
    return take_empty_creation (upload, self, reply);
  if (is_success (reply) && is_less && self->place != NULL)
    {
      look (self);
      return TRW_VERDICT_NEXT;
    }
  if (is_success (reply))
    {
      learn_silence (upload, self);
      return take_final (upload);
    }
  if (reply->status == SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE
      && self->limits.max_append >= 0 && self->length > (guint64)self->limits.max_append)
    {
      if (self->place != NULL)
        look (self);
      else
        self->stage = STAGE_CREATE_EMPTY;
      return TRW_VERDICT_NEXT;
    }
  if (reply->status >= 500 && self->place != NULL)
    return take_server_error (self, reply);
  return TRW_VERDICT_FINAL;
}

static TrwVerdict
take_completeness (TrwUpload *upload, State *self, const TrwIetfWords *words)
{
  guint64 size = trw_upload_get_size (upload);

  if ((guint64)words->offset < size)
    {
      set_error (self,
                 TRUNDLE_ERROR_PROTOCOL_ERROR,
                 "The server takes no more of the upload, and has not all of it");
      give_up (self);
      return TRW_VERDICT_NEXT;
    }
  if (!self->version->marks_answer || self->has_no_replay)
    {
      trw_upload_set_complete (upload);
      return take_final (upload);
    }
  self->stage = STAGE_REPLAY;
  self->offset = size;
  self->length = 0;
  self->is_last = TRUE;
  return TRW_VERDICT_NEXT;
}

static TrwVerdict
take_look (TrwUpload *upload,
           State *self,
           const TrwReply *reply,
           const TrwIetfWords *words)
{
  GUri *here = trw_upload_get_here (upload);

  if (is_gone (reply))
    return TRW_VERDICT_AFRESH;
  if (!is_success (reply))
    return TRW_VERDICT_REFUSED;
  if (words->offset < 0)
    set_error (self,
               TRUNDLE_ERROR_PROTOCOL_ERROR,
               "The server does not say how far the upload is");
  else if (words->length >= 0 && (guint64)words->length != trw_upload_get_size (upload))
    set_error (self,
               TRUNDLE_ERROR_PROTOCOL_ERROR,
               "The server has another upload in the place of this one");
  if (self->error != NULL || !take_offset (upload, self, (guint64)words->offset))
    return TRW_VERDICT_NEXT;

  learn (upload, self, self->version->word);
  g_clear_pointer (&self->detour, g_uri_unref);
  if (here != NULL)
    self->detour = g_uri_ref (here);
  if (words->is_complete)
    return take_completeness (upload, self, words);
  return plan_next (upload, self, (guint64)words->offset);
}

static TrwVerdict
take_appended (TrwUpload *upload,
               State *self,
               const TrwReply *reply,
               const TrwIetfWords *words)
{
  guint64 end_offset = self->offset + self->length;
  gboolean is_elsewhere = words->offset >= 0 && (guint64)words->offset != end_offset;

  if (is_elsewhere || reply->n_sent < self->length)
    {
      look (self);
      return TRW_VERDICT_NEXT;
    }
  if (!self->is_last)
    return plan_next (upload, self, end_offset);
  if (self->version->marks_answer || (words->has_complete && !words->is_complete))
    {
      if (take_offset (upload, self, end_offset))
        look (self);
      return TRW_VERDICT_NEXT;
    }
  return take_final (upload);
}

static TrwVerdict
take_append (TrwUpload *upload,
             State *self,
             const TrwReply *reply,
             const TrwIetfWords *words)
{
  if (is_gone (reply))
    return TRW_VERDICT_AFRESH;
  if (is_success (reply))
    return take_appended (upload, self, reply, words);
  if ((reply->status == SOUP_STATUS_CONFLICT && self->n_conflicts++ < CONFLICTS_MAX)
      || (reply->status == SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE && is_oversized (self)))
    {
      look (self);
      return TRW_VERDICT_NEXT;
    }
  return reply->status >= 500 ? take_server_error (self, reply) : TRW_VERDICT_REFUSED;
}

/* A server need not have kept its answer (-09, §4.4.2). */
static TrwVerdict
take_replay (TrwUpload *upload, State *self, const TrwReply *reply)
{
  if (is_success (reply))
    {
      trw_upload_set_complete (upload);
      return take_final (upload);
    }
  if (reply->status >= 500)
    return take_server_error (self, reply);
  self->has_no_replay = TRUE;
  look (self);
  return TRW_VERDICT_NEXT;
}

static TrwVerdict
judge (TrwUpload *upload, State *self, const TrwReply *reply, const TrwIetfWords *words)
{
  switch (self->stage)
    {
    case STAGE_CREATE:
    case STAGE_CREATE_EMPTY:
      return take_creation (upload, self, reply, words);
    case STAGE_LOOK:
      return take_look (upload, self, reply, words);
    case STAGE_APPEND:
      return take_append (upload, self, reply, words);
    case STAGE_REPLAY:
      return take_replay (upload, self, reply);
    case STAGE_CANCEL:
      break;
    }
  trw_upload_forget (upload);
  return TRW_VERDICT_FAIL;
}

static TrwVerdict
answered (TrwUpload *upload, const TrwReply *reply, GError **error)
{
  State *self = trw_upload_get_state (upload);
  TrwVerdict verdict = TRW_VERDICT_NEXT;
  Stage stage = self->stage;
  TrwIetfWords words;

  trw_ietf_read (self->version, reply->headers, &words);
  if (is_creating (self))
    drop_stale_place (upload, self, reply);
  if (stage != STAGE_LOOK && stage != STAGE_CANCEL && is_answer (self, &words))
    return take_final (upload);
  if (stage != STAGE_CANCEL && take_limits (upload, self, &words) && self->place != NULL
      && self->error == NULL)
    tell_place (upload, self);
  if (self->error == NULL || stage == STAGE_CANCEL)
    verdict = judge (upload, self, reply, &words);
  /* What is in a place is let go first. */
  if (self->error == NULL || (verdict == TRW_VERDICT_NEXT && self->stage == STAGE_CANCEL))
    return verdict;
  g_propagate_error (error, g_error_copy (self->error));
  return TRW_VERDICT_FAIL;
}

static gboolean
lost (TrwUpload *upload, const TrwReply *reply, GError **error)
{
  State *self = trw_upload_get_state (upload);

  if (is_creating (self))
    {
      drop_stale_place (upload, self, reply);
      learn_early_silence (upload, self, reply->n_sent);
    }
  if (self->error != NULL)
    g_propagate_error (error, g_error_copy (self->error));
  return self->error == NULL && self->stage != STAGE_LOOK && look_once (self);
}

#define IETF_FUNCTIONS                                                                   \
  .begin = begin, .end = end, .ask = ask, .informed = informed, .answered = answered,    \
  .lost = lost

const TrwDialect trw_dialect_ietf_8 = { .word = "ietf-8", IETF_FUNCTIONS };
const TrwDialect trw_dialect_ietf_6 = { .word = "ietf-6", IETF_FUNCTIONS };
