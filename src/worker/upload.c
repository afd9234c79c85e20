/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How far an upload is, on this side and on the other.  Knows the dialect it is talked
 * about in, the sender of the hop in flight, and no network. */

#include "config.h"

#include "upload.h"

#include "common/error.h"
#include "common/url.h"
#include "dialect.h"
#include "sender.h"

#include <string.h>

/* Interim answers by which the server has no more, and one more for so many bytes sent.
 */
#define INTERIM_MAX 32
#define BYTES_PER_INTERIM (64 * 1024)

/* Questions in a row after which the server has no byte more, or hardly one of what it
 * was sent: a byte that it keeps is worth so many that are lost, and beyond that so many
 * may be lost altogether. */
#define FRUITLESS_MAX 32
#define WASTE_PER_BYTE 32
#define WASTE_MAX (64 * 1024 * 1024)

/* One that is longer is none that anybody means; the daemon would not believe us. */
#define PLACE_URL_MAX (16 * 1024)

/* What changes of a place is told so often, and then at this pace. */
#define TOLD_MAX 32
#define TOLD_INTERVAL_US (10 * (gint64)G_USEC_PER_SEC)

#define LOCATION_FLAGS                                                                   \
  (G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE)

struct _TrwUpload
{
  const TrwRequest *request;   /* (unowned), outlives us */
  const TrwUploadHooks *hooks; /* (unowned), static */
  gpointer user_data;          /* (unowned), outlives us */
  const TrwDialect *dialect;   /* (unowned), static */
  gpointer state;              /* (owned) (nullable): of the dialect */
  TrwQuestion question;        /* (owned) */

  TrwSender *sender; /* (owned) (nullable): of the hop in flight, when it has a body */
  guint64 hop_sent;  /* what became of it, when it is gone */
  gboolean is_out;
  gboolean is_whole;     /* the last body that was sent ended with the last byte */
  GUri *here;            /* (owned) (nullable): what is asked just now */
  gboolean is_here_ours; /* the secrets of the first origin are for it */

  guint64 confirmed;
  gboolean is_complete;
  guint64 confirmed_before; /* when it last grew by a question */
  guint n_fruitless;
  guint64 n_wasted;      /* bytes that were sent for little */
  gboolean began_before; /* in an earlier attempt, of which is not known what was sent */
  guint64 reach;         /* what was sent went so far */
  guint n_interim;       /* of the hop */
  gboolean has_heard;    /* others than 100 */
  guint n_hops;

  GVariant *place;     /* (owned) (nullable): as it was told last, or before */
  gboolean is_foreign; /* a stranger said where it is */
  guint n_unheard;
  guint n_told;
  gint64 begun_mono_us;
  gboolean has_begun_anew;
  const char *learned; /* (unowned) (nullable), static */
};

static void
clear_question (TrwUpload *self)
{
  g_clear_pointer (&self->question.uri, g_uri_unref);
  g_clear_pointer (&self->question.headers, soup_message_headers_unref);
  self->question = (TrwQuestion){ 0 };
}

static void
end_dialect (TrwUpload *self)
{
  if (self->state != NULL)
    self->dialect->end (self->state);
  self->state = NULL;
}

static gboolean
has_expired (GVariant *place)
{
  gint64 expires_us = 0;

  g_variant_lookup (place, "expires", "x", &expires_us);
  return expires_us != 0 && expires_us <= g_get_real_time ();
}

static void
take_place (TrwUpload *self, GVariant *place)
{
  self->place = g_variant_ref (place);
  self->began_before = TRUE;
  g_variant_lookup (place, "foreign", "b", &self->is_foreign);
  g_variant_lookup (place, "confirmed", "t", &self->confirmed);
  self->confirmed = MIN (self->confirmed, trw_upload_get_size (self));
  self->confirmed_before = self->confirmed;
}

TrwUpload *
trw_upload_new (const TrwRequest *request,
                const TrwUploadHooks *hooks,
                gpointer user_data)
{
  TrwUpload *self = g_new0 (TrwUpload, 1);

  self->request = request;
  self->hooks = hooks;
  self->user_data = user_data;
  self->begun_mono_us = g_get_monotonic_time ();
  self->dialect = request->dialect;
  if (self->dialect == NULL)
    self->dialect = trw_dialect_choose ((const char *const *)request->resumable,
                                        request->place);
  if (request->place != NULL && self->dialect->heeds_expiry
      && has_expired (request->place))
    trw_upload_tell (self, NULL);
  else if (request->place != NULL)
    take_place (self, request->place);
  self->state = self->dialect->begin (self, self->place);
  return self;
}

void
trw_upload_free (TrwUpload *self)
{
  end_dialect (self);
  clear_question (self);
  g_clear_pointer (&self->sender, trw_sender_free);
  g_clear_pointer (&self->here, g_uri_unref);
  g_clear_pointer (&self->place, g_variant_unref);
  g_free (self);
}

/* For dialects */

const TrwRequest *
trw_upload_get_request (TrwUpload *self)
{
  return self->request;
}

const char *
trw_upload_get_word (TrwUpload *self)
{
  return self->dialect->word;
}

gpointer
trw_upload_get_state (TrwUpload *self)
{
  return self->state;
}

guint64
trw_upload_get_size (TrwUpload *self)
{
  return trw_pieces_get_size (self->request->pieces);
}

TrwPieces *
trw_upload_get_pieces (TrwUpload *self)
{
  return self->request->pieces;
}

/* One that leads to where the app does not want to be led is none. */
static gboolean
is_welcome (TrwUpload *self, GUri *place)
{
  return self->request->redirects.policy == TRW_REDIRECTS_FOLLOW
         || trundle_url_is_same_origin (self->request->uri, place);
}

static gboolean
is_downgrade (GUri *from, GUri *to)
{
  return g_str_equal (g_uri_get_scheme (from), "https")
         && g_str_equal (g_uri_get_scheme (to), "http");
}

static gboolean
is_too_long (GUri *place)
{
  g_autofree char *text = g_uri_to_string (place);

  return strlen (text) > PLACE_URL_MAX;
}

GUri *
trw_upload_resolve (TrwUpload *self, const char *location, GError **error)
{
  g_autoptr (GUri) raw = NULL;
  g_autoptr (GUri) target = NULL;
  g_autofree char *text = NULL;

  if (location != NULL && location[0] != '\0')
    raw = g_uri_parse_relative (self->here, location, LOCATION_FLAGS, NULL);
  if (raw != NULL)
    text = g_uri_to_string_partial (raw, G_URI_HIDE_USERINFO | G_URI_HIDE_FRAGMENT);
  if (text != NULL)
    target = trundle_url_parse (text, NULL);
  if (target == NULL || is_too_long (target))
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_PROTOCOL_ERROR,
                           "The server does not say where the upload is");
      return NULL;
    }
  if (is_downgrade (self->here, target) && !self->request->redirects.allow_insecure)
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_INSECURE_TRANSPORT,
                           "The server leads the upload from https to http");
      return NULL;
    }
  if (!is_welcome (self, target))
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_BAD_REDIRECT,
                           "The server wants the upload to go to another one");
      return NULL;
    }
  self->is_foreign = !self->is_here_ours;
  return g_steal_pointer (&target);
}

GUri *
trw_upload_get_here (TrwUpload *self)
{
  if (!self->is_here_ours && trundle_url_is_same_origin (self->here, self->request->uri))
    return NULL;
  return self->here;
}

/* What is known to be there is told with the place: less is not the same upload.  That it
 * has grown is no reason to tell.  (transfer full) */
static GVariant *
add_confirmed (TrwUpload *self)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (self->place);

  if (g_variant_n_children (self->place) > 0)
    g_variant_dict_insert (&dict, "confirmed", "t", self->confirmed);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* What is not told now is told with what changes next: it is not needed to go on. */
static gboolean
may_wait (TrwUpload *self, GVariant *place)
{
  gint64 age_us = g_get_monotonic_time () - self->begun_mono_us;
  const char *before = NULL;
  const char *after = NULL;

  if (self->place == NULL || !g_variant_lookup (self->place, "url", "&s", &before)
      || !g_variant_lookup (place, "url", "&s", &after) || !g_str_equal (before, after))
    return FALSE;
  return self->n_told > TOLD_MAX + age_us / TOLD_INTERVAL_US;
}

void
trw_upload_tell (TrwUpload *self, GVariant *place)
{
  g_autoptr (GVariant) given = place != NULL ? g_variant_ref_sink (place) : NULL;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (given);
  g_autoptr (GVariant) all = NULL;
  g_autoptr (GVariant) all_confirmed = NULL;

  if (place != NULL)
    g_variant_dict_insert (&dict, "dialect", "s", self->dialect->word);
  if (place != NULL && self->is_foreign)
    g_variant_dict_insert (&dict, "foreign", "b", TRUE);
  all = g_variant_ref_sink (g_variant_dict_end (&dict));
  if ((self->place != NULL && g_variant_equal (self->place, all)) || may_wait (self, all))
    return;

  g_clear_pointer (&self->place, g_variant_unref);
  self->place = g_variant_ref (all);
  self->n_unheard++;
  self->n_told++;
  all_confirmed = add_confirmed (self);
  self->hooks->told (all_confirmed, self->user_data);
}

void
trw_upload_forget (TrwUpload *self)
{
  g_auto (GVariantDict) nothing = G_VARIANT_DICT_INIT (NULL);

  if (self->place == NULL)
    return;
  g_variant_unref (self->place);
  self->place = g_variant_ref_sink (g_variant_dict_end (&nothing));
}

void
trw_upload_confirm (TrwUpload *self, guint64 offset)
{
  offset = MIN (offset, trw_upload_get_size (self));
  if (offset == self->confirmed)
    return;
  self->confirmed = offset;
  self->hooks->moved (self->user_data);
}

guint64
trw_upload_get_confirmed (TrwUpload *self)
{
  return self->confirmed;
}

gboolean
trw_upload_can_have (TrwUpload *self, guint64 offset)
{
  guint64 end = self->question.offset + trw_upload_get_hop_sent (self);

  return offset <= trw_upload_get_size (self)
         && (self->began_before || offset <= MAX (self->reach, end));
}

void
trw_upload_set_complete (TrwUpload *self)
{
  self->is_complete = TRUE;
  trw_upload_confirm (self, trw_upload_get_size (self));
}

void
trw_upload_learn (TrwUpload *self, const char *word)
{
  self->learned = word;
}

/* Questions */

const TrwQuestion *
trw_upload_ask (TrwUpload *self, GError **error)
{
  guint64 offset = self->question.offset;

  clear_question (self);
  self->question.headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_REQUEST);
  if (!self->dialect->ask (self, &self->question, error))
    {
      /* How far the last one came is a fact of the end. */
      self->question.offset = offset;
      return NULL;
    }
  g_assert (self->question.offset <= trw_upload_get_size (self)
            && self->question.length
                   <= trw_upload_get_size (self) - self->question.offset);
  return &self->question;
}

gboolean
trw_upload_is_at_first_origin (TrwUpload *self)
{
  /* The address that the app itself has said, or one of the same origin that nobody else
   * has. */
  return self->question.uri == self->request->uri
         || (!self->is_foreign
             && trundle_url_is_same_origin (self->question.uri, self->request->uri));
}

/* The sending */

static void
on_sender_moved (gpointer user_data)
{
  TrwUpload *self = user_data;

  self->hooks->moved (self->user_data);
}

static void
on_sender_ended (const GError *error, gpointer user_data)
{
  TrwUpload *self = user_data;

  self->hooks->ended (error, self->user_data);
}

static const TrwSenderSink sender_sink = { on_sender_moved, on_sender_ended };

void
trw_upload_begin_hop (TrwUpload *self,
                      GUri *uri,
                      gboolean is_at_first_origin,
                      gboolean has_body)
{
  trw_upload_stop (self);
  g_clear_pointer (&self->here, g_uri_unref);
  self->here = g_uri_ref (uri);
  self->is_here_ours = is_at_first_origin;
  self->hop_sent = 0;
  self->is_out = !has_body;
  self->n_interim = 0;
  self->n_hops++;
  self->has_heard = FALSE;
  if (!has_body)
    return;
  self->is_whole = FALSE;
  self->sender = trw_sender_new (self->request->pieces,
                                 self->question.offset,
                                 self->question.length,
                                 &sender_sink,
                                 self);
}

void
trw_upload_start (TrwUpload *self, GIOStream *connection)
{
  if (self->sender != NULL && connection != NULL && !trw_sender_is_started (self->sender))
    trw_sender_start (self->sender, connection);
}

void
trw_upload_stop (TrwUpload *self)
{
  if (self->sender == NULL)
    return;
  self->is_out = trw_upload_is_out (self);
  self->hop_sent = trw_sender_get_sent (self->sender);
  self->is_whole = self->is_out
                   && self->question.offset + self->question.length
                          == trw_upload_get_size (self);
  self->reach = MAX (self->reach, self->question.offset + self->hop_sent);
  self->n_wasted += self->hop_sent;
  g_clear_pointer (&self->sender, trw_sender_free);
}

gboolean
trw_upload_is_started (TrwUpload *self)
{
  return self->sender != NULL && trw_sender_is_started (self->sender);
}

/* An empty body is out with its head. */
gboolean
trw_upload_is_out (TrwUpload *self)
{
  return self->sender != NULL ? trw_sender_is_complete (self->sender) : self->is_out;
}

guint64
trw_upload_get_hop_sent (TrwUpload *self)
{
  return self->sender != NULL ? trw_sender_get_sent (self->sender) : self->hop_sent;
}

gboolean
trw_upload_look (TrwUpload *self, TrwFlow *out_flow)
{
  return self->sender != NULL && trw_sender_look (self->sender, out_flow);
}

/* Answers */

static TrwReply
make_reply (TrwUpload *self, guint status, SoupMessageHeaders *headers)
{
  return (TrwReply){
    .status = status,
    .headers = headers,
    .n_sent = trw_upload_get_hop_sent (self),
    .hop = self->n_hops,
  };
}

gboolean
trw_upload_inform (TrwUpload *self,
                   guint status,
                   SoupMessageHeaders *headers,
                   TrwInterim *out_interim)
{
  const TrwReply reply = make_reply (self, status, headers);
  guint64 confirmed = self->confirmed;

  self->has_heard |= status != SOUP_STATUS_CONTINUE;
  *out_interim = TRW_INTERIM_GO_ON;
  if (self->dialect->informed != NULL && status != SOUP_STATUS_CONTINUE)
    *out_interim = self->dialect->informed (self, &reply);
  if (*out_interim == TRW_INTERIM_STOP || self->confirmed > confirmed)
    return TRUE;
  return ++self->n_interim <= INTERIM_MAX + reply.n_sent / BYTES_PER_INTERIM;
}

gboolean
trw_upload_lose (TrwUpload *self, GError **error)
{
  const TrwReply reply = make_reply (self, 0, NULL);

  return self->dialect->lost != NULL && self->dialect->lost (self, &reply, error);
}

gboolean
trw_upload_has_heard (TrwUpload *self)
{
  return self->has_heard;
}

/* A server that lets us ask for ever is none we can finish with. */
static gboolean
is_fruitful (TrwUpload *self)
{
  guint64 n_grown = self->confirmed > self->confirmed_before
                        ? self->confirmed - self->confirmed_before
                        : 0;

  self->confirmed_before = self->confirmed;
  self->n_wasted -= MIN (self->n_wasted / WASTE_PER_BYTE, n_grown) * WASTE_PER_BYTE;
  if (n_grown > 0 && self->n_wasted <= WASTE_MAX)
    self->n_fruitless = 0;
  else
    self->n_fruitless++;
  return self->n_fruitless <= FRUITLESS_MAX;
}

static gboolean
begin_anew (TrwUpload *self)
{
  if (self->has_begun_anew)
    return FALSE;
  self->has_begun_anew = TRUE;
  self->is_foreign = FALSE;
  self->is_complete = FALSE;
  self->n_fruitless = 0;
  self->n_wasted = 0;
  self->began_before = FALSE;
  self->reach = 0;
  trw_upload_confirm (self, 0);
  self->confirmed_before = 0;
  end_dialect (self);
  trw_upload_tell (self, NULL);
  self->state = self->dialect->begin (self, NULL);
  return TRUE;
}

TrwVerdict
trw_upload_judge (TrwUpload *self,
                  guint status,
                  SoupMessageHeaders *headers,
                  GError **error)
{
  const TrwReply reply = make_reply (self, status, headers);
  TrwVerdict verdict = self->dialect->answered (self, &reply, error);
  const char *message = NULL;

  if (verdict == TRW_VERDICT_NEXT && !is_fruitful (self))
    message = "The upload gets no further";
  else if (verdict == TRW_VERDICT_AFRESH && !begin_anew (self))
    {
      trw_upload_forget (self);
      message = "The server lost the upload more than once";
    }
  if (message == NULL)
    return verdict;
  g_set_error_literal (error, TRUNDLE_ERROR, TRUNDLE_ERROR_PROTOCOL_ERROR, message);
  return TRW_VERDICT_FAIL;
}

gboolean
trw_upload_is_heard (TrwUpload *self)
{
  return self->n_unheard == 0;
}

void
trw_upload_hear (TrwUpload *self)
{
  self->n_unheard--;
}

/* Facts */

guint64
trw_upload_get_sent (TrwUpload *self)
{
  return MAX (self->question.offset + trw_upload_get_hop_sent (self), self->confirmed);
}

gboolean
trw_upload_is_whole (TrwUpload *self)
{
  return self->is_whole || self->is_complete;
}

void
trw_upload_add_facts (TrwUpload *self, GVariantDict *facts, gboolean is_complete)
{
  guint64 size = trw_upload_get_size (self);
  gboolean is_done = is_complete && trw_upload_is_whole (self);

  g_variant_dict_insert (
      facts, "body-sent", "t", is_done ? size : trw_upload_get_sent (self));
  g_variant_dict_insert (facts, "body-confirmed", "t", is_done ? size : self->confirmed);
  if (!is_complete && self->place != NULL)
    {
      g_autoptr (GVariant) place = add_confirmed (self);

      g_variant_dict_insert_value (facts, "upload", place);
    }
  if (self->learned != NULL)
    g_variant_dict_insert (facts, "dialect", "s", self->learned);
}
