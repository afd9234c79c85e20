/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What token servers are asked, and what is believed of their answers. */

#include "config.h"

#include "common/error.h"
#include "grant.h"

#include <string.h>

static void
asks (void)
{
  g_autoptr (GVariant) public = g_variant_ref_sink (g_variant_new_parsed (
      "{'client-id': <'a&b'>, 'refresh-token': <'r=1 é'>, 'scope': <'x y'>}"));
  g_autoptr (GVariant) secret = g_variant_ref_sink (g_variant_new_parsed (
      "{'client-id': <'a:b'>, 'client-secret': <'s c'>, 'refresh-token': <'r'>}"));
  g_autofree char *body = trw_grant_ask (public);
  g_autofree char *other = trw_grant_ask (secret);
  g_autofree char *client = trw_grant_say_client (secret);
  g_autofree char *said = NULL;
  gsize size;

  g_assert_cmpstr (body,
                   ==,
                   "grant_type=refresh_token&refresh_token=r%3D1%20%C3%A9&"
                   "scope=x%20y&client_id=a%26b");
  g_assert_null (trw_grant_say_client (public));
  g_assert_cmpstr (other, ==, "grant_type=refresh_token&refresh_token=r");
  said = (char *)g_base64_decode (client + strlen ("Basic "), &size);
  g_assert_cmpmem (said, size, "a%3Ab:s%20c", strlen ("a%3Ab:s%20c"));
}

static const struct
{
  const char *text;
  const char *token; /* NULL: none */
  guint64 life_s;
  const char *next;
} answers[] = {
  { "{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"expires_in\":60}", "t", 60, "" },
  { "{\"access_token\":\"t\",\"token_type\":\"bearer\"}", "t", 0, "" },
  { "{\"access_token\":\"t\",\"expires_in\":\"60\",\"refresh_token\":\"n\"}",
    "t",
    60,
    "n" },
  { "{\"access_token\":\"t\",\"expires_in\":59.5}", "t", 59, "" },
  { "{\"access_token\":\"t\",\"expires_in\":-1}", "t", 0, "" },
  { "{\"access_token\":\"t\",\"expires_in\":null}", "t", 0, "" },
  { "{\"access_token\":\"t\",\"token_type\":\"mac\"}", NULL, 0, "" },
  { "{\"access_token\":\"t\\r\\nX: y\"}", NULL, 0, "" },
  { "{\"access_token\":\"a b\"}", NULL, 0, "" },
  { "{\"access_token\":\"\"}", NULL, 0, "" },
  { "{\"access_token\":7}", NULL, 0, "" },
  { "{\"access_token\":{}}", NULL, 0, "" },
  { "{\"error\":\"invalid_grant\"}", NULL, 0, "" },
  { "[\"access_token\"]", NULL, 0, "" },
  { "{\"access_token\":\"t\"", NULL, 0, "" },
  { "\xff", NULL, 0, "" },
  { "", NULL, 0, "" },
};

static void
reads_tokens (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) answer = trw_grant_read_token (
          answers[i].text, strlen (answers[i].text), &error);
      const char *token = NULL;
      const char *next = "";
      guint64 life_s = 1;

      g_test_message ("answer %u", i);
      if (answers[i].token == NULL)
        {
          g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_PROTOCOL_ERROR);
          continue;
        }
      g_assert_no_error (error);
      g_assert_true (g_variant_lookup (answer, "access-token", "&s", &token));
      g_assert_cmpstr (token, ==, answers[i].token);
      g_assert_true (g_variant_lookup (answer, "expires-in", "t", &life_s));
      g_assert_cmpuint (life_s, ==, answers[i].life_s);
      g_variant_lookup (answer, "refresh-token", "&s", &next);
      g_assert_cmpstr (next, ==, answers[i].next);
    }
}

/* As deep as it can be: json-glib would not come back. */
static void
survives_depth (void)
{
  g_autofree char *deep = g_strnfill (TRW_GRANT_ANSWER_MAX, '[');
  g_autofree char *large = g_strnfill (TRW_GRANT_ANSWER_MAX + 1, ' ');
  g_autoptr (GError) error = NULL;

  g_assert_null (trw_grant_read_token (deep, TRW_GRANT_ANSWER_MAX, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_PROTOCOL_ERROR);
  memcpy (large, answers[0].text, strlen (answers[0].text));
  g_assert_null (trw_grant_read_token (large, TRW_GRANT_ANSWER_MAX + 1, NULL));
}

static void
reads_refusals (void)
{
  const char *known = "{\"error\":\"invalid_grant\",\"error_description\":\"secret\"}";
  const char *strange = "{\"error\":\"r1 is no good\"}";

  g_assert_cmpstr (trw_grant_read_refusal (known, strlen (known)), ==, "invalid_grant");
  g_assert_cmpstr (trw_grant_read_refusal (strange, strlen (strange)), ==, "");
  g_assert_cmpstr (trw_grant_read_refusal ("x", 1), ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/grant/asks", asks);
  g_test_add_func ("/grant/reads-tokens", reads_tokens);
  g_test_add_func ("/grant/survives-depth", survives_depth);
  g_test_add_func ("/grant/reads-refusals", reads_refusals);
  return g_test_run ();
}
