/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "scrub.h"

/* What servers repeat of secrets (law 9). */

typedef struct
{
  const char *name;
  const char *secrets; /* keys of Begin */
  const char *facts;
  const char *shown;
} Row;

static const Row rows[] = {
  { "nothing", "", "{'reason': <'hunter2'>}", "{'reason': <'hunter2'>}" },
  { "header",
    ", 'secret-headers': <[('X-Key', 'hunter2')]>",
    "{'headers': <[('Echo', 'it is hunter2, hunter2')]>}",
    "{'headers': <[('Echo', 'it is *******, *******')]>}" },
  { "bearer",
    ", 'secret-headers': <[('Authorization', 'Bearer abcdef')]>",
    "{'reason': <'Bearer abcdef'>, 'message': <'not abcdef'>}",
    "{'reason': <'*************'>, 'message': <'not ******'>}" },
  { "basic",
    ", 'secret-headers': <[('Authorization', 'Basic dTpodW50ZXIy')]>",
    "{'message': <'Basic dTpodW50ZXIy dTpodW50ZXIy u:hunter2 hunter2'>}",
    "{'message': <'****************** ************ ********* *******'>}" },
  { "cookies",
    ", 'secret-headers': <[('Cookie', 'a=first; b=second')]>",
    "{'message': <'first b second'>}",
    "{'message': <'***** b ******'>}" },
  { "credential",
    ", 'credentials': <[{'host': <'a'>, 'port': <uint32 80>, 'protocol': <'http'>, "
    "'user': <'u'>, 'password': <'hunter2'>}]>",
    "{'message': <'hunter2 dTpodW50ZXIy'>}",
    "{'message': <'******* ************'>}" },
  { "stars",
    ", 'secret-headers': <[('X-Key', '*****')]>",
    "{'message': <'a ***** b **********'>}",
    "{'message': <'a ***** b **********'>}" },
  { "too-short",
    ", 'secret-headers': <[('X-Key', 'abc')]>",
    "{'message': <'abc'>}",
    "{'message': <'abc'>}" },
  { "deep",
    ", 'secret-headers': <[('X-Key', 'hunter2')]>",
    "{'challenge': <{'response': <{'headers': <[('a', 'hunter2')]>}>}>}",
    "{'challenge': <{'response': <{'headers': <[('a', '*******')]>}>}>}" },
  { "body",
    ", 'secret-headers': <[('X-Key', 'hunter2')]>",
    "{'error-body': <[byte 0, 104, 117, 110, 116, 101, 114, 50, 255]>}",
    "{'error-body': <[byte 0, 42, 42, 42, 42, 42, 42, 42, 255]>}" },
  { "body/empty",
    ", 'secret-headers': <[('X-Key', 'hunter2')]>",
    "{'error-body': <@ay []>}",
    "{'error-body': <@ay []>}" },
  { "words-and-addresses",
    ", 'secret-headers': <[('X-Key', 'hunter2')]>",
    "{'error': <'hunter2'>, 'url': <'http://a/hunter2'>, 'status': <uint32 5>}",
    "{'error': <'hunter2'>, 'url': <'http://a/hunter2'>, 'status': <uint32 5>}" },
};

static TrwRequest *
make_request (void)
{
  g_autoptr (GVariant) dict = g_variant_ref_sink (
      g_variant_new_parsed ("{'url': <'http://a/'>}"));

  return trw_request_new (dict, NULL);
}

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  g_autofree char *text = g_strdup_printf ("{'url': <'http://a/'>%s}", row->secrets);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) dict = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &error);
  g_autoptr (TrwRequest) request = NULL;
  g_autoptr (GVariant) facts = NULL;
  g_autoptr (GVariant) shown = NULL;
  g_autoptr (GVariant) expected = NULL;
  TrwScrub *scrub;

  g_assert_no_error (error);
  request = trw_request_new (dict, &error);
  g_assert_no_error (error);
  scrub = trw_scrub_new (request);
  facts = g_variant_parse (G_VARIANT_TYPE_VARDICT, row->facts, NULL, NULL, NULL);
  shown = trw_scrub_facts (scrub, facts);
  expected = g_variant_parse (G_VARIANT_TYPE_VARDICT, row->shown, NULL, NULL, NULL);
  g_assert_cmpvariant (shown, expected);
  trw_scrub_free (scrub);
}

/* What was sent by other ways: a cookie of the jar, an answer to a challenge. */
static void
test_learns (void)
{
  g_autoptr (TrwRequest) request = make_request ();
  SoupMessageHeaders *sent = soup_message_headers_new (SOUP_MESSAGE_HEADERS_REQUEST);
  TrwScrub *scrub = trw_scrub_new (request);
  g_autoptr (GVariant) shown = NULL;
  const char *message;

  soup_message_headers_append (sent, "Cookie", "id=hunter2");
  soup_message_headers_append (sent, "Accept", "text/plain");
  trw_scrub_learn (scrub, sent);
  shown = trw_scrub_facts (scrub,
                           g_variant_new_parsed ("{'message': <'hunter2 text/plain'>}"));
  g_assert_true (g_variant_lookup (shown, "message", "&s", &message));
  g_assert_cmpstr (message, ==, "******* text/plain");
  trw_scrub_free (scrub);
  soup_message_headers_unref (sent);
}

/* A cookie is any bytes, and may begin within a character of what is told. */
static void
test_within_a_character (void)
{
  g_autoptr (TrwRequest) request = make_request ();
  SoupMessageHeaders *sent = soup_message_headers_new (SOUP_MESSAGE_HEADERS_REQUEST);
  TrwScrub *scrub = trw_scrub_new (request);
  g_autoptr (GVariant) shown = NULL;
  g_autoptr (GVariant) expected = g_variant_ref_sink (g_variant_new_parsed (
      "{'message': <'\xef\xbf\xbd****'>, 'headers': <[('a', '\xef\xbf\xbd****')]>}"));

  soup_message_headers_append (sent,
                               "Cookie",
                               "id=\xa4"
                               "bcd");
  trw_scrub_learn (scrub, sent);
  shown = trw_scrub_facts (
      scrub,
      g_variant_new_parsed ("{'message': <'äbcd'>, 'headers': <[('a', 'äbcd')]>}"));
  g_assert_cmpvariant (shown, expected);
  trw_scrub_free (scrub);
  soup_message_headers_unref (sent);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/scrub/", rows[i].name, NULL);

      g_test_add_data_func (path, &rows[i], test_row);
    }
  g_test_add_func ("/scrub/learns", test_learns);
  g_test_add_func ("/scrub/within-a-character", test_within_a_character);
  return g_test_run ();
}
