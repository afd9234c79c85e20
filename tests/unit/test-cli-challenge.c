/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include "cli/challenge.h"

typedef struct
{
  const char *name;
  const char *dict;
  const char *summary;
  const char *first_line; /* of the description */
} Case;

static const Case cases[] = {
  { "basic",
    "{'challenge': <'1'>, 'secure': <true>, 'space': <{'host': <'h'>, 'port': <@u 80>, "
    "'realm': <'r'>, 'method': <'basic'>}>}",
    "a password for “r” at h:80",
    "The server h:80 wants a user name and a password for “r” (basic)." },
  { "proxy",
    "{'challenge': <'1'>, 'secure': <true>, 'space': <{'host': <'h'>, 'port': <@u 80>, "
    "'method': <'digest'>, 'is-proxy': <true>}>}",
    "a password for the proxy h:80",
    "The proxy h:80 wants a user name and a password (digest)." },
  { "ipv6",
    "{'challenge': <'1'>, 'secure': <true>, 'space': <{'host': <'::1'>, 'port': <@u 80>, "
    "'method': <'bearer'>}>}",
    "a token for [::1]:80",
    "The server [::1]:80 wants a token (bearer)." },
  { "client-certificate",
    "{'challenge': <'1'>, 'secure': <true>, 'space': <{'host': <'h'>, 'port': <@u 443>, "
    "'method': <'client-certificate'>}>}",
    "a certificate for h:443",
    "The server h:443 wants a certificate of yours." },
  { "server-trust",
    "{'challenge': <'1'>, 'space': <{'host': <'h'>, 'port': <@u 443>, "
    "'method': <'server-trust'>}>}",
    "trust in the certificate of h:443",
    "The certificate of the server h:443 is not trusted:" },
  { "newer-method",
    "{'challenge': <'1'>, 'secure': <true>, 'space': <{'host': <'h'>, 'port': <@u 443>, "
    "'method': <'scram'>}>}",
    "a password for h:443",
    "The server h:443 wants a user name and a password (scram)." },
  { "tricks",
    "{'challenge': <'1'>, 'secure': <true>, 'space': <{'host': <'h'>, 'port': <@u 80>, "
    "'realm': <'a\\n\\u001bb'>, 'method': <'basic'>}>}",
    "a password for “a\357\277\275\357\277\275b” at h:80",
    "The server h:80 wants a user name and a password for "
    "“a\357\277\275\357\277\275b” (basic)." },
  /* A newer service may say less. */
  { "bare",
    "{'challenge': <'1'>, 'secure': <true>}",
    "a password for :0",
    "The server :0 wants a user name and a password." },
};

static void
check_words (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (GVariant) dict = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, c->dict, NULL, NULL, NULL);
  g_autoptr (TrcChallenge) challenge = trc_challenge_new (dict);
  g_autofree char *summary = trc_challenge_summarize (challenge);
  g_autofree char *text = trc_challenge_describe (challenge);

  g_assert_cmpstr (summary, ==, c->summary);
  *strchr (text, '\n') = '\0';
  g_assert_cmpstr (text, ==, c->first_line);
}

static void
test_nothing_is_asked (void)
{
  g_autoptr (GVariant) dict = g_variant_ref_sink (g_variant_new_parsed ("@a{sv} {}"));

  g_assert_null (trc_challenge_new (dict));
  g_assert_null (trc_challenge_new (NULL));
}

static void
test_what_matters_is_said (void)
{
  g_autoptr (GVariant) dict = g_variant_ref_sink (
      g_variant_new_parsed ("{'challenge': <'1'>, 'secure': <false>, "
                            "'previous-failure-count': <@u 1>, "
                            "'tasks': <[@o '/a', '/b']>}"));
  g_autoptr (TrcChallenge) challenge = trc_challenge_new (dict);
  g_autofree char *text = NULL;

  challenge->is_in_keyring = TRUE;
  text = trc_challenge_describe (challenge);
  g_assert_nonnull (strstr (text, "The keyring is locked."));
  g_assert_nonnull (strstr (text, "It would be sent without encryption.\n"));
  g_assert_nonnull (strstr (text, "1 answer was refused.\n"));
  g_assert_nonnull (strstr (text, "2 transfers wait for the answer.\n"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/cli-challenge/words/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], check_words);
    }
  g_test_add_func ("/cli-challenge/nothing-is-asked", test_nothing_is_asked);
  g_test_add_func ("/cli-challenge/what-matters-is-said", test_what_matters_is_said);

  return g_test_run ();
}
