/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What one attempt knows of an upload by the IETF draft, and what it makes of a word that
 * is heard in whatever answer. */

#include "config.h"

#include "ietf-state.h"

#include "common/error.h"
#include "common/url.h"

/* A server may not bother with what goes in one piece, and yet with more. */
#define WORTH_OFFERING (64 * 1024)

/* A lifetime that is said anew with each answer is no news by less. */
#define AGE_SLACK_US (60 * (gint64)G_USEC_PER_SEC)

/* What is kept for longer is kept for ever, as far as we are concerned. */
#define AGE_MAX_S (G_GINT64_CONSTANT (100) * 365 * 24 * 60 * 60)

#define NO_LIMITS                                                                        \
  {                                                                                      \
    -1, -1, -1, -1                                                                       \
  }

static void
read_place (TrwIetfState *self, GVariant *place)
{
  const char *url;

  if (!g_variant_lookup (place, "url", "&s", &url))
    return;
  self->place = trundle_url_parse (url, NULL);
  if (self->place == NULL)
    return;
  self->stage = TRW_IETF_LOOK;
  g_variant_lookup (place, "max-append-size", "x", &self->limits.max_append);
  g_variant_lookup (place, "min-append-size", "x", &self->limits.min_append);
  g_variant_lookup (place, "expires", "x", &self->expires_us);
}

TrwIetfState *
trw_ietf_state_new (TrwUpload *upload, GVariant *place)
{
  TrwIetfState *self = g_new0 (TrwIetfState, 1);

  self->upload = upload;
  self->version = trw_ietf_find (trw_upload_get_word (upload));
  self->limits = (TrwIetfLimits)NO_LIMITS;
  if (place != NULL)
    read_place (self, place);
  return self;
}

void
trw_ietf_state_free (TrwIetfState *self)
{
  g_clear_pointer (&self->place, g_uri_unref);
  g_clear_pointer (&self->detour, g_uri_unref);
  g_clear_error (&self->error);
  g_free (self);
}

void
trw_ietf_state_tell_place (TrwIetfState *self)
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
  trw_upload_tell (self->upload, g_variant_dict_end (&dict));
}

void
trw_ietf_state_learn (TrwIetfState *self, const char *word)
{
  self->has_learned = TRUE;
  trw_upload_learn (self->upload, word);
}

static gboolean
is_offered (const TrwIetfState *self, const TrwIetfVersion *version)
{
  const TrwRequest *request = trw_upload_get_request (self->upload);

  return request->resumable != NULL
         && g_strv_contains ((const char *const *)request->resumable, version->word);
}

/* Of those that are offered, the next older than ours.  (nullable) */
static const TrwIetfVersion *
find_older (const TrwIetfState *self)
{
  guint n;
  const TrwIetfVersion *versions = trw_ietf_get_versions (&n);

  for (const TrwIetfVersion *older = self->version + 1; older < versions + n; older++)
    {
      if (is_offered (self, older))
        return older;
    }
  return NULL;
}

void
trw_ietf_state_learn_silence (TrwIetfState *self)
{
  const TrwIetfVersion *older = find_older (self);

  if (!self->has_learned && trw_upload_get_size (self->upload) >= WORTH_OFFERING)
    trw_ietf_state_learn (self, older != NULL ? older->word : "none");
}

void
trw_ietf_state_learn_early_silence (TrwIetfState *self, guint64 n_sent)
{
  guint n;
  const TrwIetfVersion *next = find_older (self);

  if (next == NULL)
    next = trw_ietf_get_versions (&n);
  if (!self->has_learned && n_sent >= WORTH_OFFERING && next != self->version
      && is_offered (self, next))
    trw_ietf_state_learn (self, next->word);
}

void
trw_ietf_state_set_error (TrwIetfState *self, TrundleError code, const char *message)
{
  if (self->error == NULL)
    self->error = g_error_new_literal (TRUNDLE_ERROR, code, message);
}

void
trw_ietf_state_look (TrwIetfState *self)
{
  self->stage = TRW_IETF_LOOK;
  g_clear_pointer (&self->detour, g_uri_unref);
}

void
trw_ietf_state_give_up (TrwIetfState *self)
{
  self->stage = self->place != NULL ? TRW_IETF_CANCEL : TRW_IETF_CREATE;
}

gboolean
trw_ietf_state_is_creating (const TrwIetfState *self)
{
  return self->stage == TRW_IETF_CREATE || self->stage == TRW_IETF_CREATE_EMPTY;
}

static gboolean
is_same_address (GUri *first, GUri *second)
{
  g_autofree char *one = g_uri_to_string (first);
  g_autofree char *other = g_uri_to_string (second);

  return g_str_equal (one, other);
}

/* Of one request all places are one (-09, §4.2.2).  TRUE: a new one. */
gboolean
trw_ietf_state_take_location (TrwIetfState *self, const TrwReply *reply)
{
  const char *location = soup_message_headers_get_one (reply->headers, "Location");
  g_autoptr (GUri) place = NULL;

  if (location == NULL)
    return FALSE;
  place = trw_upload_resolve (self->upload, location, NULL);
  if (place == NULL)
    return FALSE;
  if (self->place_hop == reply->hop)
    {
      if (!is_same_address (place, self->place))
        {
          trw_ietf_state_set_error (self,
                                    TRUNDLE_ERROR_PROTOCOL_ERROR,
                                    "The server has two places for one upload");
          trw_ietf_state_give_up (self);
        }
      return FALSE;
    }
  g_clear_pointer (&self->place, g_uri_unref);
  self->place = g_steal_pointer (&place);
  self->place_hop = reply->hop;
  return TRUE;
}

void
trw_ietf_state_drop_stale_place (TrwIetfState *self, const TrwReply *reply)
{
  if (self->place == NULL || self->place_hop == reply->hop)
    return;
  g_clear_pointer (&self->place, g_uri_unref);
  self->place_hop = 0;
  trw_upload_confirm (self->upload, 0);
  trw_upload_forget (self->upload);
}

static gboolean
is_other_age (gint64 before_us, gint64 after_us)
{
  return ABS (before_us - after_us) > AGE_SLACK_US;
}

/* TRUE: some are new. */
gboolean
trw_ietf_state_take_limits (TrwIetfState *self, const TrwIetfWords *words)
{
  const TrwIetfLimits before = self->limits;
  gint64 expires_us = 0;
  gboolean has_news;

  if (!words->has_limits)
    return FALSE;
  self->limits = words->limits;
  if (words->limits.age_s >= 0)
    expires_us = g_get_real_time ()
                 + MIN (words->limits.age_s, AGE_MAX_S) * G_USEC_PER_SEC;
  has_news = is_other_age (self->expires_us, expires_us);
  if (has_news)
    self->expires_us = expires_us;
  if (words->limits.max_size >= 0
      && trw_upload_get_size (self->upload) > (guint64)words->limits.max_size)
    {
      trw_ietf_state_set_error (
          self, TRUNDLE_ERROR_TOO_LARGE, "The server takes no upload that large");
      trw_ietf_state_give_up (self);
    }
  return has_news || before.max_append != self->limits.max_append
         || before.min_append != self->limits.min_append;
}

/* What is kept is kept (-09, §4.1.1), and is of ours. */
gboolean
trw_ietf_state_take_offset (TrwIetfState *self, guint64 offset)
{
  if (offset < trw_upload_get_confirmed (self->upload))
    trw_ietf_state_set_error (self,
                              TRUNDLE_ERROR_PROTOCOL_ERROR,
                              "The server lost some of the upload that it had received");
  else if (!trw_upload_can_have (self->upload, offset))
    trw_ietf_state_set_error (self,
                              TRUNDLE_ERROR_PROTOCOL_ERROR,
                              "The server has more of the upload than it was sent");
  else
    {
      trw_upload_confirm (self->upload, offset);
      return TRUE;
    }
  trw_ietf_state_give_up (self);
  return FALSE;
}

gboolean
trw_ietf_state_is_oversized (const TrwIetfState *self)
{
  return self->place != NULL && self->limits.max_append >= 0
         && self->length > (guint64)self->limits.max_append
         && (!trw_ietf_state_is_creating (self) || self->version->limits_creation);
}
