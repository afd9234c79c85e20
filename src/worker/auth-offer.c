/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What WWW-Authenticate and Proxy-Authenticate say (RFC 9110 §11.3).  Several challenges
 * may stand in one field, with commas between them as between their parameters.  All of
 * it is a stranger's word: what is broken is as if it were not there.  Pure. */

#include "config.h"

#include "auth-offer.h"

#include <string.h>

#define OFFERS_MAX 16
#define TEXT_MAX 4096

/* A challenge in the making. */
typedef struct
{
  gboolean is_known;
  TrwMethod method;
  GHashTable *parameters; /* (owned): lower case to value; the first of a name counts */
} Draft;

void
trw_offer_free (TrwOffer *self)
{
  g_free (self->realm);
  g_free (self->scope);
  g_clear_pointer (&self->nonce, trw_digest_nonce_free);
  g_free (self);
}

/* Text for people, who may have terminals, and for D-Bus. */
gboolean
trw_offer_is_fit_text (const char *text)
{
  if (strlen (text) > TEXT_MAX || !g_utf8_validate (text, -1, NULL))
    return FALSE;
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      if (*p != '\t' && g_unichar_iscntrl (g_utf8_get_char (p)))
        return FALSE;
    }
  return TRUE;
}

/* RFC 7617 has it in no encoding, and old custom is Latin-1. */
static char *
to_utf8 (const char *text)
{
  if (g_utf8_validate (text, -1, NULL))
    return g_strdup (text);
  return g_convert (text, -1, "UTF-8", "ISO-8859-1", NULL, NULL, NULL);
}

/* What is hashed must be said as it came. */
static TrwDigestNonce *
read_nonce (GHashTable *parameters)
{
  const char *realm = g_hash_table_lookup (parameters, "realm");
  const char *nonce = g_hash_table_lookup (parameters, "nonce");
  const char *opaque = g_hash_table_lookup (parameters, "opaque");
  const char *qop = g_hash_table_lookup (parameters, "qop");
  g_auto (GStrv) qops = g_strsplit_set (qop != NULL ? qop : "", ", \t", -1);
  TrwDigestAlgorithm algorithm;
  gboolean has_auth = FALSE;

  for (guint i = 0; qops[i] != NULL; i++)
    has_auth = has_auth || g_ascii_strcasecmp (qops[i], "auth") == 0;
  if (realm == NULL || !trw_offer_is_fit_text (realm) || nonce == NULL || *nonce == '\0'
      || !trw_offer_is_fit_text (nonce)
      || (opaque != NULL && !trw_offer_is_fit_text (opaque)) || (qop != NULL && !has_auth)
      || !trw_digest_algorithm_from_word (g_hash_table_lookup (parameters, "algorithm"),
                                          &algorithm))
    return NULL;
  return trw_digest_nonce_new (algorithm, nonce, opaque, has_auth);
}

static TrwOffer *
make_offer (const Draft *draft)
{
  g_autoptr (TrwOffer) offer = g_new0 (TrwOffer, 1);
  const char *realm = g_hash_table_lookup (draft->parameters, "realm");
  const char *scope = g_hash_table_lookup (draft->parameters, "scope");
  const char *stale = g_hash_table_lookup (draft->parameters, "stale");

  offer->method = draft->method;
  if (draft->method == TRW_METHOD_NEGOTIATE)
    return g_steal_pointer (&offer);
  if (realm != NULL)
    {
      offer->realm = to_utf8 (realm);
      if (offer->realm == NULL || !trw_offer_is_fit_text (offer->realm))
        return NULL;
    }
  if (draft->method == TRW_METHOD_BEARER && scope != NULL
      && trw_offer_is_fit_text (scope))
    offer->scope = g_strdup (scope);
  if (draft->method != TRW_METHOD_DIGEST)
    return g_steal_pointer (&offer);

  offer->nonce = read_nonce (draft->parameters);
  offer->is_stale = stale != NULL && g_ascii_strcasecmp (stale, "true") == 0;
  offer->has_domain = g_hash_table_contains (draft->parameters, "domain");
  return offer->nonce != NULL ? g_steal_pointer (&offer) : NULL;
}

static void
finish (Draft *draft, GPtrArray *offers)
{
  TrwOffer *offer = NULL;

  if (draft->is_known && offers->len < OFFERS_MAX)
    offer = make_offer (draft);
  if (offer != NULL)
    g_ptr_array_add (offers, offer);
  draft->is_known = FALSE;
  g_hash_table_remove_all (draft->parameters);
}

static gsize
span_token (const char *text)
{
  gsize n = 0;

  while (g_ascii_isalnum (text[n])
         || (text[n] != '\0' && strchr ("!#$%&'*+-.^_`|~", text[n]) != NULL))
    n++;
  return n;
}

static gsize
span_space (const char *text)
{
  return strspn (text, " \t");
}

/* A quoted string without its quotes and escapes, or all there is. */
static char *
read_value (const char *text)
{
  g_autoptr (GString) value = NULL;

  if (*text != '"')
    return g_strndup (text, span_token (text));
  value = g_string_new (NULL);
  for (const char *p = text + 1; *p != '\0' && *p != '"'; p++)
    {
      if (*p == '\\' && p[1] != '\0')
        p++;
      g_string_append_c (value, *p);
    }
  return g_string_free (g_steal_pointer (&value), FALSE);
}

/* TRUE when @text is "name = value". */
static gboolean
read_parameter (Draft *draft, const char *text)
{
  gsize n = span_token (text);
  const char *rest = text + n + span_space (text + n);
  g_autofree char *name = NULL;

  if (n == 0 || *rest != '=')
    return FALSE;
  rest++;
  rest += span_space (rest);
  name = g_ascii_strdown (text, (gssize)n);
  if (draft->is_known && !g_hash_table_contains (draft->parameters, name))
    g_hash_table_insert (draft->parameters, g_steal_pointer (&name), read_value (rest));
  return TRUE;
}

/* What stands between two commas: a parameter, or the beginning of a challenge, with its
 * first parameter or a token68, of which we know no use. */
static void
read_item (Draft *draft, GPtrArray *offers, const char *item)
{
  gsize n = span_token (item);
  g_autofree char *scheme = NULL;

  if (n == 0 || read_parameter (draft, item))
    return;
  finish (draft, offers);
  scheme = g_strndup (item, n);
  draft->is_known = trw_method_from_word (scheme, &draft->method);
  read_parameter (draft, item + n + span_space (item + n));
}

static int
compare_strength (gconstpointer a, gconstpointer b)
{
  const TrwOffer *first = *(const TrwOffer *const *)a;
  const TrwOffer *second = *(const TrwOffer *const *)b;

  if (first->method != second->method)
    return first->method < second->method ? -1 : 1;
  if (first->nonce == NULL)
    return 0;
  return (int)second->nonce->algorithm - (int)first->nonce->algorithm;
}

/* The same password for the same realm is not asked for twice. */
static void
drop_weaker (GPtrArray *offers)
{
  for (guint i = 0; i < offers->len; i++)
    {
      const TrwOffer *kept = offers->pdata[i];

      for (guint j = offers->len - 1; j > i; j--)
        {
          const TrwOffer *other = offers->pdata[j];

          if (other->method == kept->method && g_strcmp0 (other->realm, kept->realm) == 0)
            g_ptr_array_remove_index (offers, j);
        }
    }
}

GPtrArray *
trw_offers_parse (SoupMessageHeaders *headers, const char *name)
{
  GPtrArray *offers = g_ptr_array_new_with_free_func ((GDestroyNotify)trw_offer_free);
  g_autoptr (GHashTable) parameters = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, g_free);
  Draft draft = { .parameters = parameters };
  SoupMessageHeadersIter iter;
  const char *field;
  const char *value;

  soup_message_headers_iter_init (&iter, headers);
  while (soup_message_headers_iter_next (&iter, &field, &value))
    {
      GSList *items;

      if (g_ascii_strcasecmp (field, name) != 0)
        continue;
      items = soup_header_parse_list (value);
      for (GSList *l = items; l != NULL; l = l->next)
        read_item (&draft, offers, l->data);
      soup_header_free_list (items);
      finish (&draft, offers);
    }
  g_ptr_array_sort (offers, compare_strength);
  drop_weaker (offers);
  return offers;
}

static GVariant *
describe_offer (const TrwOffer *offer)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "method", "s", trw_method_to_word (offer->method));
  if (offer->realm != NULL)
    g_variant_dict_insert (&dict, "realm", "s", offer->realm);
  if (offer->nonce != NULL)
    g_variant_dict_insert (
        &dict, "algorithm", "s", trw_digest_algorithm_to_word (offer->nonce->algorithm));
  if (offer->scope != NULL)
    g_variant_dict_insert (&dict, "scope", "s", offer->scope);
  return g_variant_dict_end (&dict);
}

GVariant *
trw_offers_describe (GPtrArray *offers)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < offers->len; i++)
    g_variant_builder_add_value (&builder, describe_offer (offers->pdata[i]));
  return g_variant_builder_end (&builder);
}
