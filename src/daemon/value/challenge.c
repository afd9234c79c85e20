/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Challenges as facts.  Pure. */

#include "config.h"

#include "value/challenge.h"

#include <string.h>

#define FACTS_MAX (512 * 1024)
#define OFFERS_MAX 16
#define TEXT_MAX 4096

static const char *const methods[] = {
  "basic", "digest", "bearer", "negotiate", "server-trust", "client-certificate", NULL,
};

static const char *const protocols[] = { "http", "https", "socks5", NULL };

void
trd_space_clear (TrdSpace *self)
{
  g_clear_pointer (&self->protocol, g_free);
  g_clear_pointer (&self->host, g_free);
  g_clear_pointer (&self->method, g_free);
  g_clear_pointer (&self->realm, g_free);
}

/* The realm comes last, since it may be any text. */
char *
trd_space_to_key (const TrdSpace *self)
{
  return g_strdup_printf ("%s%s://%s:%u %s%s%s",
                          self->is_proxy ? "proxy " : "",
                          self->protocol,
                          self->host,
                          self->port,
                          self->method,
                          self->realm != NULL ? " " : "",
                          self->realm != NULL ? self->realm : "");
}

GVariant *
trd_space_to_dict (const TrdSpace *self)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "protocol", "s", self->protocol);
  g_variant_dict_insert (&dict, "host", "s", self->host);
  g_variant_dict_insert (&dict, "port", "u", self->port);
  g_variant_dict_insert (&dict, "method", "s", self->method);
  g_variant_dict_insert (&dict, "is-proxy", "b", self->is_proxy);
  if (self->realm != NULL)
    g_variant_dict_insert (&dict, "realm", "s", self->realm);
  if (self->is_proxy)
    g_variant_dict_insert (&dict, "proxy-type", "s", self->protocol);

  return g_variant_dict_end (&dict);
}

/* ---- what a worker told ---- */

static gboolean
has_only (GVariant *dict, const char *const (*words)[2], gsize n_words)
{
  GVariantIter iter;
  const char *key;
  GVariant *value;

  g_variant_iter_init (&iter, dict);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &value))
    {
      g_autoptr (GVariant) owned = value;
      gboolean known = FALSE;

      for (gsize i = 0; i < n_words && !known; i++)
        known = strcmp (words[i][0], key) == 0
                && g_variant_is_of_type (owned, G_VARIANT_TYPE (words[i][1]));
      if (!known)
        return FALSE;
    }
  return TRUE;
}

static const char *const words[][2] = {
  { "protocol", "s" },           { "host", "s" },           { "port", "u" },
  { "is-proxy", "b" },           { "offers", "aa{sv}" },    { "tried", "a{sv}" },
  { "response", "a{sv}" },       { "certificates", "aay" }, { "tls-flags", "u" },
  { "accepted-issuers", "aay" },
};
static const char *const offer_words[][2] = {
  { "method", "s" },
  { "realm", "s" },
  { "algorithm", "s" },
  { "scope", "s" },
};
static const char *const tried_words[][2] = {
  { "method", "s" },
  { "realm", "s" },
  { "generation", "u" },
  { "header", "b" },
};
static const char *const response_words[][2] = {
  { "status", "u" },
  { "headers", "a(ss)" },
};

static gboolean
is_offer (GVariant *offer)
{
  const char *method = "";
  const char *realm = "";

  g_variant_lookup (offer, "method", "&s", &method);
  g_variant_lookup (offer, "realm", "&s", &realm);

  return has_only (offer, offer_words, G_N_ELEMENTS (offer_words))
         && g_strv_contains (methods, method) && strlen (realm) <= TEXT_MAX;
}

static gboolean
check_part (GVariant *facts,
            const char *key,
            const char *const (*part_words)[2],
            gsize n_words)
{
  g_autoptr (GVariant) part = g_variant_lookup_value (facts, key, G_VARIANT_TYPE_VARDICT);

  return part == NULL || has_only (part, part_words, n_words);
}

static gboolean
check_offers (GVariant *facts)
{
  g_autoptr (GVariant) offers = g_variant_lookup_value (
      facts, "offers", G_VARIANT_TYPE ("aa{sv}"));
  gsize n = offers != NULL ? g_variant_n_children (offers) : 0;

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) offer = g_variant_get_child_value (offers, i);

      if (!is_offer (offer))
        return FALSE;
    }
  return n >= 1 && n <= OFFERS_MAX;
}

gboolean
trd_challenge_check (GVariant *facts)
{
  const char *protocol = "";
  const char *host = "";
  guint port = 0;

  if (g_variant_get_size (facts) > FACTS_MAX
      || !has_only (facts, words, G_N_ELEMENTS (words)))
    return FALSE;

  g_variant_lookup (facts, "protocol", "&s", &protocol);
  g_variant_lookup (facts, "host", "&s", &host);
  g_variant_lookup (facts, "port", "u", &port);

  return g_strv_contains (protocols, protocol) && *host != '\0'
         && strlen (host) <= TEXT_MAX && port >= 1 && port <= G_MAXUINT16
         && check_offers (facts)
         && check_part (facts, "tried", tried_words, G_N_ELEMENTS (tried_words))
         && check_part (facts, "response", response_words, G_N_ELEMENTS (response_words));
}

guint
trd_challenge_count_offers (GVariant *facts)
{
  g_autoptr (GVariant) offers = g_variant_lookup_value (
      facts, "offers", G_VARIANT_TYPE ("aa{sv}"));

  return offers != NULL ? (guint)g_variant_n_children (offers) : 0;
}

gboolean
trd_challenge_get_space (GVariant *facts, guint offer, TrdSpace *out_space)
{
  g_autoptr (GVariant) offers = NULL;
  g_autoptr (GVariant) dict = NULL;

  if (offer >= trd_challenge_count_offers (facts))
    return FALSE;

  offers = g_variant_lookup_value (facts, "offers", G_VARIANT_TYPE ("aa{sv}"));
  dict = g_variant_get_child_value (offers, offer);
  *out_space = (TrdSpace){ 0 };
  g_variant_lookup (facts, "protocol", "s", &out_space->protocol);
  g_variant_lookup (facts, "host", "s", &out_space->host);
  g_variant_lookup (facts, "port", "u", &out_space->port);
  g_variant_lookup (facts, "is-proxy", "b", &out_space->is_proxy);
  g_variant_lookup (dict, "method", "s", &out_space->method);
  g_variant_lookup (dict, "realm", "s", &out_space->realm);
  return TRUE;
}
