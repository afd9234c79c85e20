/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which profile an attempt runs in.  Confined to the network unless it is known to need
 * what the user has on this machine: a certificate in a token, of which the request
 * tells, or a Kerberos ticket, of which a trusted server's answer does.  Pure. */

#include "config.h"

#include "core/profile.h"

#include "common/url.h"
#include "value/challenge.h"

gboolean
trd_negotiate_is_trusted (GVariant *configuration, const char *host)
{
  g_autofree const char **hosts = NULL;

  return configuration != NULL
         && g_variant_lookup (configuration, "negotiate-hosts", "^a&s", &hosts)
         && trundle_host_is_listed (hosts, host);
}

/* Of `client-certificates`, as Begin takes it. */
static gboolean
has_token_for (GVariant *certificates, const char *host)
{
  gsize n = certificates != NULL ? g_variant_n_children (certificates) : 0;

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) certificate = g_variant_get_child_value (certificates, i);
      const char *its_host = "";

      g_variant_lookup (certificate, "host", "&s", &its_host);
      if (g_variant_lookup (certificate, "pkcs11-uri", "&s", NULL)
          && g_ascii_strcasecmp (host, its_host) == 0)
        return TRUE;
    }
  return FALSE;
}

TrdProfile
trd_profile_of_request (GVariant *request)
{
  g_autoptr (GVariant) certificates = g_variant_lookup_value (
      request, "client-certificates", G_VARIANT_TYPE ("aa{sv}"));
  const char *url = "";
  g_autoptr (GUri) uri = NULL;

  g_variant_lookup (request, "url", "&s", &url);
  uri = trundle_url_parse (url, NULL);
  return uri != NULL && has_token_for (certificates, g_uri_get_host (uri))
             ? TRD_PROFILE_LOCAL
             : TRD_PROFILE_CONFINED;
}

static gboolean
can_negotiate (const TrdSpace *space, const TrdProfileFacts *facts)
{
  return g_str_equal (space->method, "negotiate") && !space->is_proxy
         && (facts->allow_insecure || g_str_equal (space->protocol, "https"))
         && trd_negotiate_is_trusted (facts->configuration, space->host);
}

static gboolean
can_use_token (const TrdSpace *space, const TrdProfileFacts *facts)
{
  return g_str_equal (space->method, "client-certificate")
         && has_token_for (facts->certificates, space->host);
}

gboolean
trd_profile_is_wanted (GVariant *challenge, const TrdProfileFacts *facts)
{
  guint n_offers = trd_challenge_count_offers (challenge);

  for (guint i = 0; i < n_offers; i++)
    {
      g_auto (TrdSpace) space = { 0 };

      if (trd_challenge_get_space (challenge, i, &space)
          && (can_negotiate (&space, facts) || can_use_token (&space, facts)))
        return TRUE;
    }
  return FALSE;
}
