/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The user's ticket, for servers on the list of the task's session: the first that is
 * tried when such a server offers it, once a hop, in a request of its own.  No ticket, or
 * one that is refused, is no failure: what else the server offers comes next, and what it
 * wants to know says that this was tried. */

#include "config.h"

#include "attempt-private.h"

#include "auth-offer.h"
#include "common/url.h"

static SoupMessageHeaders *
get_answer_headers (TrwAttempt *self)
{
  return soup_message_get_response_headers (self->message);
}

static gboolean
is_offered (TrwAttempt *self)
{
  g_autoptr (GPtrArray) offers = trw_offers_parse (get_answer_headers (self),
                                                   "WWW-Authenticate");

  for (guint i = 0; i < offers->len; i++)
    {
      const TrwOffer *offer = offers->pdata[i];

      if (offer->method == TRW_METHOD_NEGOTIATE)
        return TRUE;
    }
  return FALSE;
}

static gboolean
may_negotiate (TrwAttempt *self)
{
  const TrwRequest *request = self->request;

  return request->is_local && !self->has_negotiated
         && trw_attempt_get_status (self) == SOUP_STATUS_UNAUTHORIZED
         && (request->allow_insecure_auth
             || g_str_equal (g_uri_get_scheme (self->way.uri), "https"))
         && trundle_host_is_listed ((const char *const *)request->negotiate_hosts,
                                    g_uri_get_host (self->way.uri))
         && is_offered (self);
}

static void
on_ticket (TrwNegotiate *ticket, gpointer user_data)
{
  TrwAttempt *self = user_data;

  self->is_awaiting_ticket = FALSE;
  if (trw_negotiate_get_words (ticket) != NULL)
    {
      self->has_shown_ticket = TRUE;
      trw_attempt_ask_again (self);
      return;
    }
  trw_attempt_drop_ticket (self);
  trw_attempt_enter_phase (self, TRW_PHASE_TALKING);
  trw_attempt_take_answer (self);
}

gboolean
trw_attempt_await_ticket (TrwAttempt *self)
{
  if (!may_negotiate (self))
    return FALSE;
  self->has_negotiated = TRUE;
  self->is_awaiting_ticket = TRUE;
  trw_attempt_enter_phase (self, TRW_PHASE_CONNECTING);
  self->ticket = trw_negotiate_new (g_uri_get_host (self->way.uri), on_ticket, self);
  return TRUE;
}

void
trw_attempt_show_ticket (TrwAttempt *self)
{
  if (self->ticket != NULL)
    soup_message_headers_replace (soup_message_get_request_headers (self->message),
                                  "Authorization",
                                  trw_negotiate_get_words (self->ticket));
}

/* The field of this method, among others. */
static const char *
find_answer (TrwAttempt *self)
{
  SoupMessageHeadersIter iter;
  const char *name;
  const char *value;

  soup_message_headers_iter_init (&iter, get_answer_headers (self));
  while (soup_message_headers_iter_next (&iter, &name, &value))
    {
      if (g_ascii_strcasecmp (name, "WWW-Authenticate") == 0
          && trw_negotiate_is_offer (value))
        return value;
    }
  return NULL;
}

gboolean
trw_attempt_check_ticket (TrwAttempt *self)
{
  gboolean is_good;

  if (self->ticket == NULL)
    return TRUE;
  is_good = trw_attempt_get_status (self) == SOUP_STATUS_UNAUTHORIZED
            || trw_negotiate_check (self->ticket, find_answer (self));
  trw_attempt_drop_ticket (self);
  if (!is_good)
    trw_attempt_fail (
        self, TRUNDLE_ERROR_PROTOCOL_ERROR, "The server could not prove who it is");
  return is_good;
}

void
trw_attempt_drop_ticket (TrwAttempt *self)
{
  self->is_awaiting_ticket = FALSE;
  g_clear_pointer (&self->ticket, trw_negotiate_drop);
}

void
trw_attempt_forget_ticket (TrwAttempt *self)
{
  trw_attempt_drop_ticket (self);
  self->has_negotiated = FALSE;
  self->has_shown_ticket = FALSE;
}

/* Of the credential that stands for it, if there is one. */
static guint
find_generation (TrwAttempt *self)
{
  g_auto (TrwParty) server = { 0 };

  if (!trw_party_init (&server, self->way.uri, FALSE))
    return 0;
  for (guint i = 0; i < self->request->credentials->len; i++)
    {
      const TrwCredential *one = self->request->credentials->pdata[i];

      if (one->has_method && one->method == TRW_METHOD_NEGOTIATE
          && trw_party_equal (&one->party, &server))
        return one->generation;
    }
  return 0;
}

/* What is left to be tried comes first. */
static GVariant *
put_negotiate_last (GVariant *offers)
{
  g_auto (GVariantBuilder) others = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GVariant) ours = NULL;

  for (gsize i = 0; i < g_variant_n_children (offers); i++)
    {
      g_autoptr (GVariant) offer = g_variant_get_child_value (offers, i);
      const char *method = "";

      g_variant_lookup (offer, "method", "&s", &method);
      if (ours == NULL && g_str_equal (method, "negotiate"))
        ours = g_variant_ref (offer);
      else
        g_variant_builder_add_value (&others, offer);
    }
  if (ours != NULL)
    g_variant_builder_add_value (&others, ours);
  return g_variant_builder_end (&others);
}

GVariant *
trw_attempt_add_ticket_tried (TrwAttempt *self, GVariant *challenge)
{
  g_autoptr (GVariant) plain = g_variant_ref_sink (challenge);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (plain);
  g_autoptr (GVariant) offers = NULL;
  guint generation;

  if (!self->has_negotiated)
    return g_steal_pointer (&plain);
  offers = g_variant_lookup_value (plain, "offers", G_VARIANT_TYPE ("aa{sv}"));
  g_variant_dict_insert_value (&dict, "offers", put_negotiate_last (offers));
  generation = find_generation (self);
  /* That there was no ticket to begin with is nobody's failure. */
  if (!g_variant_dict_contains (&dict, "tried")
      && (generation > 0 || self->has_shown_ticket))
    g_variant_dict_insert_value (
        &dict,
        "tried",
        g_variant_new_parsed ("{'method': <'negotiate'>, 'generation': <%u>}",
                              generation));
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}
