/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a worker tells of a challenge: what makes sense, and which spaces it is about. */

#include "config.h"

#include "value/challenge.h"

#define WHO "'protocol': <'https'>, 'host': <'example.org'>, 'port': <uint32 443>"
#define OFFERS                                                                           \
  "'offers': <[{'method': <'digest'>, 'realm': <'A b'>}, {'method': <'bearer'>}]>"

static const struct
{
  const char *text;
  gboolean makes_sense;
} facts[] = {
  { "{" WHO ", " OFFERS "}", TRUE },
  { "{" WHO ", " OFFERS ", 'is-proxy': <true>}", TRUE },
  { "{" WHO ", " OFFERS ", 'tried': <{'method': <'digest'>, 'generation': <uint32 2>}>}",
    TRUE },
  { "{" WHO ", " OFFERS ", 'tried': <{'password': <'x'>}>}", FALSE },
  { "{" WHO ", " OFFERS ", 'response': <{'status': <uint32 401>}>}", TRUE },
  { "{" WHO ", " OFFERS ", 'response': <{'status': <'401'>}>}", FALSE },
  { "{" WHO ", " OFFERS ", 'certificates': <[b'x']>, 'tls-flags': <uint32 1>}", TRUE },
  { "{" WHO ", " OFFERS ", 'other': <1>}", FALSE },
  { "{" WHO "}", FALSE },
  { "{" WHO ", 'offers': <@aa{sv} []>}", FALSE },
  { "{" WHO ", 'offers': <[{'method': <'ntlm'>}]>}", FALSE },
  { "{" WHO ", 'offers': <[{'realm': <'x'>}]>}", FALSE },
  { "{'protocol': <'ftp'>, 'host': <'a'>, 'port': <uint32 1>, " OFFERS "}", FALSE },
  { "{'protocol': <'http'>, 'host': <''>, 'port': <uint32 1>, " OFFERS "}", FALSE },
  { "{'protocol': <'http'>, 'host': <'a'>, 'port': <uint32 0>, " OFFERS "}", FALSE },
  { "{'protocol': <'http'>, 'host': <'a'>, 'port': <uint32 70000>, " OFFERS "}", FALSE },
};

static void
test_check (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (GVariant) dict = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, facts[i].text, NULL, NULL, NULL);

  g_assert_nonnull (dict);
  g_assert_cmpint (trd_challenge_check (dict), ==, facts[i].makes_sense);
}

static void
test_spaces (void)
{
  g_autoptr (GVariant) dict = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, facts[1].text, NULL, NULL, NULL);
  g_auto (TrdSpace) first = { 0 };
  g_auto (TrdSpace) second = { 0 };
  g_auto (TrdSpace) third = { 0 };
  g_autofree char *first_key = NULL;
  g_autofree char *second_key = NULL;
  g_autoptr (GVariant) told = NULL;
  const char *type = NULL;

  g_assert_cmpuint (trd_challenge_count_offers (dict), ==, 2);
  g_assert_true (trd_challenge_get_space (dict, 0, &first));
  g_assert_true (trd_challenge_get_space (dict, 1, &second));
  g_assert_false (trd_challenge_get_space (dict, 2, &third));

  first_key = trd_space_to_key (&first);
  second_key = trd_space_to_key (&second);
  g_assert_cmpstr (first_key, ==, "proxy https://example.org:443 digest A b");
  g_assert_cmpstr (second_key, ==, "proxy https://example.org:443 bearer");

  told = g_variant_ref_sink (trd_space_to_dict (&second));
  g_assert_true (g_variant_lookup (told, "proxy-type", "&s", &type));
  g_assert_cmpstr (type, ==, "https");
  g_assert_false (g_variant_lookup (told, "realm", "&s", NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (facts); i++)
    {
      g_autofree char *path = g_strdup_printf ("/challenge/check/%u", i);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_check);
    }
  g_test_add_func ("/challenge/spaces", test_spaces);

  return g_test_run ();
}
