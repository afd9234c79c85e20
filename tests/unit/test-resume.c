/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "core/resume.h"

typedef struct
{
  const char *name;
  const char *response; /* the text of an a{sv} */
  const char *options;
  guint64 part_size;
  guint64 offset;
  const char *validator; /* NULL: some tag, with an offset */
} Case;

#define ANSWER(rest)                                                                     \
  "{'status': <@u 200>, 'content-length': <@x 100>, 'headers': <" rest ">}"
#define TAGGED ANSWER ("[('ETag', '\"v1\"')]")

static const Case cases[] = {
  { "strong-tag", TAGGED, "{}", 40, 40 },
  { "whole-part", TAGGED, "{}", 100, 100 },
  { "nothing-there", TAGGED, "{}", 0, 0 },
  { "longer-than-the-file", TAGGED, "{}", 101, 0 },
  { "another-method", TAGGED, "{'method': <'POST'>}", 40, 0 },
  { "no-answer", NULL, "{}", 40, 0 },
  { "no-tag", ANSWER ("[('Last-Modified', 'x')]"), "{}", 40, 0 },
  { "date",
    ANSWER ("[('Last-Modified', 'Sun, 06 Nov 1994 08:49:37 GMT'), "
            "('Date', 'Sun, 06 Nov 1994 08:49:38 GMT')]"),
    "{}",
    40,
    40,
    "Sun, 06 Nov 1994 08:49:37 GMT" },
  { "date/as-it-was-given",
    ANSWER ("[('last-modified', 'Sunday, 06-Nov-94 08:49:37 GMT'), "
            "('date', 'Sun Nov  6 08:49:38 1994')]"),
    "{}",
    40,
    40,
    "Sunday, 06-Nov-94 08:49:37 GMT" },
  { "date/same-second",
    ANSWER ("[('Last-Modified', 'Sun, 06 Nov 1994 08:49:37 GMT'), "
            "('Date', 'Sun, 06 Nov 1994 08:49:37 GMT')]"),
    "{}",
    40,
    0 },
  { "date/ahead",
    ANSWER ("[('Last-Modified', 'Sun, 06 Nov 1994 08:49:37 GMT'), "
            "('Date', 'Sun, 06 Nov 1994 07:49:37 GMT')]"),
    "{}",
    40,
    0 },
  { "date/no-clock",
    ANSWER ("[('Last-Modified', 'Sun, 06 Nov 1994 08:49:37 GMT')]"),
    "{}",
    40,
    0 },
  { "date/twice",
    ANSWER ("[('Last-Modified', 'Sun, 06 Nov 1994 08:49:37 GMT'), "
            "('Last-Modified', 'Sun, 06 Nov 1994 08:49:37 GMT'), "
            "('Date', 'Sun, 06 Nov 1994 08:49:38 GMT')]"),
    "{}",
    40,
    0 },
  { "date/senseless",
    ANSWER ("[('Last-Modified', 'yesterday'), "
            "('Date', 'Sun, 06 Nov 1994 08:49:38 GMT')]"),
    "{}",
    40,
    0 },
  { "date/weak-tag",
    ANSWER ("[('Last-Modified', 'Sun, 06 Nov 1994 08:49:37 GMT'), "
            "('Date', 'Sun, 06 Nov 1994 08:49:38 GMT'), ('ETag', 'W/\"v1\"')]"),
    "{}",
    40,
    0 },
  { "date/two-tags",
    ANSWER ("[('Last-Modified', 'Sun, 06 Nov 1994 08:49:37 GMT'), "
            "('Date', 'Sun, 06 Nov 1994 08:49:38 GMT'), "
            "('ETag', '\"a\"'), ('ETag', '\"b\"')]"),
    "{}",
    40,
    0 },
  { "date/strong-tag",
    ANSWER ("[('Last-Modified', 'Sun, 06 Nov 1994 08:49:37 GMT'), "
            "('Date', 'Sun, 06 Nov 1994 08:49:38 GMT'), ('ETag', '\"v1\"')]"),
    "{}",
    40,
    40 },
  { "range", TAGGED, "{'range': <(@t 7, @t 100)>}", 40, 40 },
  { "range/longer-than-asked-for",
    "{'status': <@u 206>, 'content-length': <@x -1>, 'headers': <[('ETag', '\"v\"')]>}",
    "{'range': <(@t 7, @t 30)>}",
    40,
    0 },
  { "weak-tag", ANSWER ("[('ETag', 'W/\"v1\"')]"), "{}", 40, 0 },
  { "empty-tag", ANSWER ("[('ETag', '\"\"')]"), "{}", 40, 0 },
  { "bare-tag", ANSWER ("[('ETag', 'v1')]"), "{}", 40, 0 },
  { "two-tags", ANSWER ("[('ETag', '\"a\"'), ('etag', '\"b\"')]"), "{}", 40, 0 },
  { "any-case", ANSWER ("[('etag', '\"v1\"')]"), "{}", 40, 40 },
  { "no-ranges", ANSWER ("[('ETag', '\"v\"'), ('Accept-Ranges', 'none')]"), "{}", 40, 0 },
  { "unknown-length",
    "{'status': <@u 200>, 'content-length': <@x -1>, 'headers': <[('ETag', '\"v\"')]>}",
    "{}",
    40,
    40 },
  { "an-error-page",
    "{'status': <@u 404>, 'headers': <[('ETag', '\"v\"')]>}",
    "{}",
    40,
    0 },
  { "encoded",
    "{'status': <@u 200>, 'content-encoding': <'gzip'>, "
    "'headers': <[('ETag', '\"v\"')]>}",
    "{}",
    40,
    0 },
};

static GVariant *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  GVariant *dict = g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &error);

  g_assert_no_error (error);
  return dict;
}

static void
check_case (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (TrdTaskRow) row = g_new0 (TrdTaskRow, 1);
  g_auto (TrdResume) plan = { 0 };

  row->options = parse (c->options);
  row->response = c->response != NULL ? parse (c->response) : NULL;
  trd_resume_plan (row, c->part_size, &plan);

  g_assert_cmpuint (plan.offset, ==, c->offset);
  if (c->validator != NULL)
    g_assert_cmpstr (plan.validator, ==, c->validator);
  else if (c->offset > 0)
    g_assert_true (g_str_has_prefix (plan.validator, "\"v"));
  else
    g_assert_null (plan.validator);
}

/* What the first answer had said counts on, except of its own bytes. */
static void
combines (void)
{
  g_autoptr (GVariant) first = parse (
      "{'status': <@u 200>, 'mime-type': <'text/plain'>, 'suggested-filename': <'a'>,"
      " 'headers': <[('Last-Modified', 'x'), ('content-length', '100'), ('Date', 'old'),"
      " ('X-Two', '1'), ('X-Two', '2')]>}");
  g_autoptr (GVariant) rest = parse (
      "{'status': <@u 206>, 'suggested-filename': <'b'>, 'offset': <@t 40>,"
      " 'headers': <[('Content-Range', 'bytes 40-99/100'), ('date', 'new')]>}");
  g_autoptr (GVariant) expected = parse (
      "{'status': <@u 206>, 'suggested-filename': <'a'>, 'offset': <@t 40>,"
      " 'mime-type': <'text/plain'>,"
      " 'headers': <[('Content-Range', 'bytes 40-99/100'), ('date', 'new'),"
      " ('Last-Modified', 'x'), ('X-Two', '1'), ('X-Two', '2')]>}");
  g_autoptr (GVariant) combined = trd_resume_combine (first, rest);
  GVariantIter iter;
  const char *key;
  GVariant *value;

  g_assert_cmpuint (g_variant_n_children (combined), ==, g_variant_n_children (expected));
  g_variant_iter_init (&iter, expected);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    {
      g_autoptr (GVariant) got = g_variant_lookup_value (combined, key, NULL);

      g_assert_cmpvariant (got, value);
    }
}

/* What the rest says itself holds. */
static void
combines_nothing (void)
{
  g_autoptr (GVariant) first = parse (
      "{'mime-type': <'text/plain'>, 'suggested-filename': <'a'>,"
      " 'headers': <[('ETag', '\"v1\"'), ('Content-Disposition', 'x')]>}");
  g_autoptr (GVariant) rest = parse (
      "{'mime-type': <'text/html'>, 'suggested-filename': <'b'>,"
      " 'headers': <[('etag', '\"v1\"'), ('content-disposition', 'y')]>}");
  g_autoptr (GVariant) combined = trd_resume_combine (first, rest);

  for (guint i = 0; i < 3; i++)
    {
      static const char *const keys[] = { "mime-type", "suggested-filename", "headers" };
      g_autoptr (GVariant) wanted = g_variant_lookup_value (rest, keys[i], NULL);
      g_autoptr (GVariant) got = g_variant_lookup_value (combined, keys[i], NULL);

      g_assert_cmpvariant (got, wanted);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/resume/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], check_case);
    }

  g_test_add_func ("/resume/combines", combines);
  g_test_add_func ("/resume/combines-nothing", combines_nothing);

  return g_test_run ();
}
