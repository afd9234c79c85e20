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
  if (c->offset > 0)
    g_assert_true (g_str_has_prefix (plan.validator, "\"v"));
  else
    g_assert_null (plan.validator);
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

  return g_test_run ();
}
