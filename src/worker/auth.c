/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How one attempt says who it is.  libsoup's SoupAuthManager is not used: it holds
 * connections while somebody is asked, believes user info in addresses, and shares what
 * it knows with whoever uses the session.  Here a party is told only what Begin has for
 * exactly it, and what it refused it is not told again: a refused credential ends the
 * attempt.  Only a Digest whose nonce was old is computed anew, once. */

#include "config.h"

#include "auth.h"

#include "auth-offer.h"
#include "response.h"

#include <string.h>

/* What may follow on each other: the app's own header, what is known from before, a
 * credential, and that once more with a new nonce. */
#define AGAIN_MAX 3

typedef enum
{
  SAID_NOTHING,
  SAID_HEADER, /* the app's own */
  SAID_CREDENTIAL,
} Said;

/* What is between us and a server, or a proxy, in a hop. */
typedef struct
{
  char *header; /* (owned) (nullable): the app's own, of the message */
  guint n_again;
  gboolean has_renewed; /* the nonce */
  GPtrArray *offers;    /* (owned) (nullable): of the last refusal */

  const TrwCredential *plan; /* (unowned) (nullable): to be said */
  TrwOffer *answered;        /* (owned) (nullable): with the plan */

  Said said; /* last */
  const TrwCredential *credential;
  TrwMethod method;
  char *realm; /* (owned) (nullable): not known when it was said without being asked */
  TrwDigestNonce *nonce; /* (owned) (nullable): as it was then */
  char *prefix;          /* (owned) (nullable): when it was known from before */
} Side;

struct _TrwAuth
{
  GPtrArray *credentials; /* (unowned), outlives us */
  GPtrArray *of_proxies;  /* (unowned), outlives us */
  gboolean allow_insecure;
  TrwAuthMemory *memory; /* (unowned), outlives us */
  Side server;
  Side proxy;
};

static void
forget_said (Side *side)
{
  side->said = SAID_NOTHING;
  side->credential = NULL;
  g_clear_pointer (&side->realm, g_free);
  g_clear_pointer (&side->nonce, trw_digest_nonce_free);
  g_clear_pointer (&side->prefix, g_free);
}

static void
clear_side (Side *side)
{
  forget_said (side);
  g_clear_pointer (&side->header, g_free);
  g_clear_pointer (&side->offers, g_ptr_array_unref);
  g_clear_pointer (&side->answered, trw_offer_free);
  *side = (Side){ 0 };
}

TrwAuth *
trw_auth_new (GPtrArray *credentials,
              GPtrArray *of_proxies,
              gboolean allow_insecure,
              TrwAuthMemory *memory)
{
  TrwAuth *self = g_new0 (TrwAuth, 1);

  self->credentials = credentials;
  self->of_proxies = of_proxies;
  self->allow_insecure = allow_insecure;
  self->memory = memory;
  return self;
}

void
trw_auth_free (TrwAuth *self)
{
  trw_auth_leave_hop (self);
  g_free (self);
}

void
trw_auth_leave_hop (TrwAuth *self)
{
  clear_side (&self->server);
  clear_side (&self->proxy);
}

static Side *
get_side (TrwAuth *self, const TrwParty *party)
{
  return party->is_proxy ? &self->proxy : &self->server;
}

static const char *
get_header_name (const TrwParty *party)
{
  return party->is_proxy ? "Proxy-Authorization" : "Authorization";
}

/* Which credential */

static gboolean
is_allowed (TrwAuth *self,
            const TrwCredential *credential,
            const TrwParty *party,
            TrwMethod method)
{
  return method == TRW_METHOD_DIGEST || method == TRW_METHOD_NEGOTIATE
         || self->allow_insecure || credential->is_explicit
         || trw_party_is_secure (party);
}

/* One for exactly this realm goes before one for any, and what was given with a task
 * before what is in the address of a proxy.  @user: (nullable): any. */
static const TrwCredential *
find_credential (TrwAuth *self,
                 const TrwParty *party,
                 TrwMethod method,
                 const char *realm,
                 const char *user)
{
  GPtrArray *lists[] = { self->credentials, party->is_proxy ? self->of_proxies : NULL };
  const TrwCredential *found = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      for (guint j = 0; lists[i] != NULL && j < lists[i]->len; j++)
        {
          const TrwCredential *one = lists[i]->pdata[j];

          if ((found == NULL || (found->realm == NULL && one->realm != NULL))
              && trw_credential_fits (one, party, method, realm)
              && is_allowed (self, one, party, method)
              && (user == NULL || g_str_equal (user, one->user)))
            found = one;
        }
    }
  return found;
}

static const TrwCredential *
find_preemptive (TrwAuth *self, const TrwParty *party, TrwMethod *out_method)
{
  for (guint i = 0; i < self->credentials->len; i++)
    {
      const TrwCredential *one = self->credentials->pdata[i];
      TrwMethod method = one->has_method ? one->method : TRW_METHOD_BASIC;

      if (!one->is_preemptive || !trw_party_equal (&one->party, party)
          || (method != TRW_METHOD_BASIC && method != TRW_METHOD_BEARER)
          || !trw_credential_can_be_said (one, method)
          || !is_allowed (self, one, party, method))
        continue;
      *out_method = method;
      return one;
    }
  return NULL;
}

/* The one for the longest path, and of these the latest. */
static TrwKnown *
find_known (TrwAuth *self,
            const TrwParty *party,
            const char *path,
            const TrwCredential **out_credential)
{
  GPtrArray *all = trw_auth_memory_get_all (self->memory);
  TrwKnown *found = NULL;

  for (guint i = 0; i < all->len; i++)
    {
      TrwKnown *known = all->pdata[i];
      const TrwCredential *credential;

      if (!trw_party_equal (&known->party, party)
          || (!party->is_proxy && !g_str_has_prefix (path, known->prefix))
          || (found != NULL && strlen (known->prefix) < strlen (found->prefix)))
        continue;
      credential = find_credential (
          self, party, known->method, known->realm, known->user);
      if (credential == NULL || !trw_credential_can_be_said (credential, known->method))
        continue;
      found = known;
      *out_credential = credential;
    }
  return found;
}

/* Saying it */

/* RFC 7616 §3.4.6: what stands in the request line; to a proxy that is asked to pass on a
 * request without a tunnel everybody says the path. */
static char *
get_target (SoupMessage *message)
{
  GUri *uri = soup_message_get_uri (message);
  const char *host = g_uri_get_host (uri);
  const char *path = *g_uri_get_path (uri) != '\0' ? g_uri_get_path (uri) : "/";
  const char *query = g_uri_get_query (uri);

  if (g_str_equal (soup_message_get_method (message), "CONNECT"))
    return g_strdup_printf (strchr (host, ':') != NULL ? "[%s]:%d" : "%s:%d",
                            host,
                            g_uri_get_port (uri) > 0 ? g_uri_get_port (uri) : 443);
  return query != NULL ? g_strconcat (path, "?", query, NULL) : g_strdup (path);
}

static void
say (Side *side,
     const TrwParty *party,
     SoupMessage *message,
     const TrwCredential *credential,
     TrwDigestNonce *nonce)
{
  g_autofree char *target = get_target (message);
  g_autofree char *value = NULL;
  const TrwDigestQuestion question = {
    .user = credential->user,
    .password = credential->password,
    .realm = side->realm,
    .method = soup_message_get_method (message),
    .target = target,
  };

  if (side->method == TRW_METHOD_DIGEST)
    {
      value = trw_digest_say (nonce, &question);
      g_clear_pointer (&side->nonce, trw_digest_nonce_free);
      side->nonce = trw_digest_nonce_copy (nonce);
    }
  else
    value = trw_credential_say (credential, side->method);
  side->said = SAID_CREDENTIAL;
  side->credential = credential;
  soup_message_headers_replace (
      soup_message_get_request_headers (message), get_header_name (party), value);
}

void
trw_auth_begin (TrwAuth *self, SoupMessage *message)
{
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);

  g_free (self->server.header);
  self->server.header = g_strdup (
      soup_message_headers_get_one (headers, "Authorization"));
  g_free (self->proxy.header);
  self->proxy.header = g_strdup (
      soup_message_headers_get_one (headers, "Proxy-Authorization"));
}

static void
say_own_header (Side *side, const TrwParty *party, SoupMessage *message)
{
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);

  forget_said (side);
  soup_message_headers_remove (headers, get_header_name (party));
  if (side->header == NULL)
    return;
  side->said = SAID_HEADER;
  soup_message_headers_replace (headers, get_header_name (party), side->header);
}

void
trw_auth_bypass_proxy (SoupMessage *message)
{
  soup_message_headers_remove (soup_message_get_request_headers (message),
                               "Proxy-Authorization");
}

/* Not once for a message, but each time it is written: libsoup does so again when the
 * connection turns out to be dead, and a nonce is not counted twice the same. */
void
trw_auth_sign (TrwAuth *self, const TrwParty *party, SoupMessage *message)
{
  Side *side = get_side (self, party);
  const TrwCredential *credential = NULL;
  TrwKnown *known;

  say_own_header (side, party, message);
  if (side->plan != NULL)
    {
      side->method = side->answered->method;
      side->realm = g_strdup (side->answered->realm);
      say (side, party, message, side->plan, side->answered->nonce);
      return;
    }
  known = find_known (
      self, party, g_uri_get_path (soup_message_get_uri (message)), &credential);
  if (known != NULL)
    {
      side->method = known->method;
      side->realm = g_strdup (known->realm);
      side->prefix = g_strdup (known->prefix);
      say (side, party, message, credential, known->nonce);
      return;
    }
  credential = find_preemptive (self, party, &side->method);
  if (credential != NULL)
    say (side, party, message, credential, NULL);
}

/* What they say to it */

static TrwKnown
make_known (const Side *side, const TrwParty *party)
{
  return (TrwKnown){
    .party = *party,
    .method = side->method,
    .realm = side->realm,
    .user = side->credential->user,
    .prefix = side->prefix,
    .nonce = side->nonce,
  };
}

/* RFC 7616 §3.5: a nonce may be for one use only, and the next one come with the answer.
 */
static gboolean
take_next_nonce (Side *side, const TrwParty *party, SoupMessage *message)
{
  const char *info = soup_message_headers_get_one (
      soup_message_get_response_headers (message),
      party->is_proxy ? "Proxy-Authentication-Info" : "Authentication-Info");
  GHashTable *words = info != NULL ? soup_header_parse_param_list (info) : NULL;
  const char *next = words != NULL ? g_hash_table_lookup (words, "nextnonce") : NULL;

  if (next == NULL || *next == '\0' || !trw_offer_is_fit_text (next))
    next = NULL;
  if (next != NULL)
    {
      g_free (side->nonce->nonce);
      side->nonce->nonce = g_strdup (next);
      side->nonce->count = 0;
    }
  g_clear_pointer (&words, soup_header_free_param_list);
  return next != NULL;
}

void
trw_auth_take_success (TrwAuth *self, const TrwParty *party, SoupMessage *message)
{
  Side *side = get_side (self, party);
  const char *path = g_uri_get_path (soup_message_get_uri (message));
  gboolean was_known = side->prefix != NULL;
  gboolean has_next;
  TrwKnown known;

  if (side->said != SAID_CREDENTIAL || (side->answered == NULL && !was_known))
    return;
  has_next = side->nonce != NULL && take_next_nonce (side, party, message);
  if (was_known && !has_next)
    return;
  if (!was_known)
    side->prefix = party->is_proxy || (side->nonce != NULL && !side->answered->has_domain)
                       ? g_strdup ("/")
                       : trw_auth_prefix (path);
  known = make_known (side, party);
  trw_auth_memory_add (self->memory, &known);
}

/* What is said by Basic and Bearer does not depend on the realm. */
static const TrwOffer *
find_same_offer (const Side *side, const TrwParty *party)
{
  for (guint i = 0; i < side->offers->len; i++)
    {
      const TrwOffer *offer = side->offers->pdata[i];

      if (offer->method == side->method
          && (offer->nonce != NULL
                  ? g_strcmp0 (side->realm, offer->realm) == 0
                  : trw_credential_fits (
                      side->credential, party, offer->method, offer->realm)))
        return offer;
    }
  return NULL;
}

static void
plan (Side *side, const TrwCredential *credential, const TrwOffer *offer)
{
  TrwOffer *copy = g_new0 (TrwOffer, 1);

  *copy = *offer;
  copy->realm = g_strdup (offer->realm);
  copy->scope = g_strdup (offer->scope);
  copy->nonce = offer->nonce != NULL ? trw_digest_nonce_copy (offer->nonce) : NULL;
  g_clear_pointer (&side->answered, trw_offer_free);
  side->answered = copy;
  side->plan = credential;
  side->n_again++;
}

/* The strongest that we have something for.  What cannot be written down counts as
 * refused: nobody would take it. */
static gboolean
choose (TrwAuth *self, Side *side, const TrwParty *party)
{
  for (guint i = 0; i < side->offers->len; i++)
    {
      const TrwOffer *offer = side->offers->pdata[i];
      const TrwCredential *credential = find_credential (
          self, party, offer->method, offer->realm, NULL);

      /* That is no word of ours: attempt-negotiate.c. */
      if (credential == NULL || offer->method == TRW_METHOD_NEGOTIATE)
        continue;
      if (trw_credential_can_be_said (credential, offer->method))
        {
          plan (side, credential, offer);
          return TRUE;
        }
      forget_said (side);
      side->said = SAID_CREDENTIAL;
      side->credential = credential;
      side->method = offer->method;
      side->realm = g_strdup (offer->realm);
      return FALSE;
    }
  return FALSE;
}

gboolean
trw_auth_take_refusal (TrwAuth *self, const TrwParty *party, SoupMessage *message)
{
  Side *side = get_side (self, party);
  gboolean was_known = side->prefix != NULL;
  const TrwOffer *same;

  g_clear_pointer (&side->offers, g_ptr_array_unref);
  side->offers = trw_offers_parse (soup_message_get_response_headers (message),
                                   party->is_proxy ? "Proxy-Authenticate"
                                                   : "WWW-Authenticate");
  if (was_known)
    {
      TrwKnown known = make_known (side, party);

      trw_auth_memory_forget (self->memory, &known);
    }
  if (side->n_again >= AGAIN_MAX)
    return FALSE;
  same = side->said == SAID_CREDENTIAL ? find_same_offer (side, party) : NULL;
  if (same == NULL)
    return choose (self, side, party);
  if (same->nonce == NULL || side->has_renewed || !(same->is_stale || was_known))
    return FALSE;
  side->has_renewed = TRUE;
  plan (side, side->credential, same);
  return TRUE;
}

/* Facts */

static GVariant *
describe_tried (const Side *side)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  if (side->said == SAID_HEADER)
    g_variant_dict_insert (&dict, "header", "b", TRUE);
  else
    {
      g_variant_dict_insert (&dict, "method", "s", trw_method_to_word (side->method));
      if (side->realm != NULL)
        g_variant_dict_insert (&dict, "realm", "s", side->realm);
      g_variant_dict_insert (&dict, "generation", "u", side->credential->generation);
    }
  return g_variant_dict_end (&dict);
}

static void
add_party (GVariantDict *dict, const TrwParty *party)
{
  g_variant_dict_insert (dict, "protocol", "s", party->protocol);
  g_variant_dict_insert (dict, "host", "s", party->host);
  g_variant_dict_insert (dict, "port", "u", party->port);
  g_variant_dict_insert (dict, "is-proxy", "b", party->is_proxy);
}

GVariant *
trw_auth_describe (TrwAuth *self, const TrwParty *party, SoupMessage *message)
{
  const Side *side = get_side (self, party);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_auto (GVariantDict) response = G_VARIANT_DICT_INIT (NULL);

  if (side->offers == NULL || side->offers->len == 0)
    return NULL;
  add_party (&dict, party);
  g_variant_dict_insert_value (&dict, "offers", trw_offers_describe (side->offers));
  if (side->said != SAID_NOTHING)
    g_variant_dict_insert_value (&dict, "tried", describe_tried (side));
  g_variant_dict_insert (&response, "status", "u", party->is_proxy ? 407u : 401u);
  g_variant_dict_insert_value (
      &response,
      "headers",
      trw_response_describe_headers (soup_message_get_response_headers (message),
                                     "Set-Cookie"));
  g_variant_dict_insert_value (&dict, "response", g_variant_dict_end (&response));
  return g_variant_dict_end (&dict);
}

GVariant *
trw_auth_describe_socks (TrwAuth *self, const TrwParty *party)
{
  const TrwCredential *credential = find_credential (
      self, party, TRW_METHOD_BASIC, NULL, NULL);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GPtrArray) offers = g_ptr_array_new ();
  TrwOffer offer = { .method = TRW_METHOD_BASIC };
  Side side = {
    .said = SAID_CREDENTIAL,
    .credential = credential,
    .method = TRW_METHOD_BASIC,
  };

  g_ptr_array_add (offers, &offer);
  add_party (&dict, party);
  g_variant_dict_insert_value (&dict, "offers", trw_offers_describe (offers));
  if (credential != NULL)
    g_variant_dict_insert_value (&dict, "tried", describe_tried (&side));
  return g_variant_dict_end (&dict);
}
