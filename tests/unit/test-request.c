/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "request.h"

#include "common/error.h"

typedef struct
{
  const char *name;
  const char *text;
  gboolean is_fine;
} Row;

#define URL "'url': <'http://a/'>"
#define SIX "'offset': <uint64 6>"
#define TAG "'validator': <'\"v1\"'>"

/* What of a part can be continued (law 11). */
static const Row rows[] = {
  { "none", "{" URL "}", TRUE },
  { "offset", "{" URL "," SIX "," TAG "}", TRUE },
  { "offset/total", "{" URL "," SIX "," TAG ", 'total': <uint64 6>}", TRUE },
  { "offset/total-less", "{" URL "," SIX "," TAG ", 'total': <uint64 5>}", FALSE },
  { "offset/too-large",
    "{" URL ", 'offset': <uint64 9223372036854775808>, " TAG "}",
    FALSE },
  { "offset/head", "{" URL "," SIX "," TAG ", 'method': <'HEAD'>}", FALSE },
  { "offset/post", "{" URL "," SIX "," TAG ", 'method': <'POST'>}", FALSE },
  { "zero/head", "{" URL ", 'offset': <uint64 0>, 'method': <'HEAD'>}", TRUE },
  { "validator/none", "{" URL "," SIX "}", FALSE },
  { "validator/weak", "{" URL "," SIX ", 'validator': <'W/\"v1\"'>}", FALSE },
  { "validator/date",
    "{" URL "," SIX ", 'validator': <'Sat, 21 Nov 2026 05:43:44 GMT'>}",
    TRUE },
  { "validator/no-date",
    "{" URL "," SIX ", 'validator': <'Sat, 21 Nov 2026 05:43:44'>}",
    FALSE },
  { "validator/date-line",
    "{" URL "," SIX ", 'validator': <'Sat, 21 Nov 2026 05:43:44 GMT\\r\\nA: b'>}",
    FALSE },
  { "validator/no-quotes", "{" URL "," SIX ", 'validator': <'v1'>}", FALSE },
  { "validator/one-quote", "{" URL "," SIX ", 'validator': <'\"'>}", FALSE },
  { "validator/line", "{" URL "," SIX ", 'validator': <'\"a\\r\\nb\"'>}", FALSE },
  { "validator/list", "{" URL "," SIX ", 'validator': <'\"a\", \"b\"'>}", FALSE },
  { "validator/empty-tag", "{" URL "," SIX ", 'validator': <'\"\"'>}", TRUE },
  { "range", "{" URL ", 'range': <(uint64 6, uint64 5)>}", TRUE },
  { "range/open", "{" URL ", 'range': <(uint64 6, uint64 0)>}", TRUE },
  { "range/post",
    "{" URL ", 'method': <'POST'>, 'range': <(uint64 6, uint64 0)>}",
    FALSE },
  { "range/whole-post",
    "{" URL ", 'method': <'POST'>, 'range': <(uint64 0, uint64 0)>}",
    TRUE },
  { "range/too-large",
    "{" URL ", 'range': <(uint64 9223372036854775807, uint64 0)>}",
    FALSE },
  { "range/too-long",
    "{" URL ", 'range': <(uint64 6, uint64 9223372036854775801)>}",
    FALSE },
  { "range/offset", "{" URL "," SIX "," TAG ", 'range': <(uint64 6, uint64 6)>}", TRUE },
  { "range/offset-beyond",
    "{" URL "," SIX "," TAG ", 'range': <(uint64 6, uint64 5)>}",
    FALSE },
  { "range/offset-too-large",
    "{" URL "," SIX "," TAG ", 'range': <(uint64 9223372036854775806, uint64 0)>}",
    FALSE },
};

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (GVariant) dict = NULL;
  g_autoptr (TrwRequest) request = NULL;
  g_autoptr (GError) error = NULL;

  dict = g_variant_parse (G_VARIANT_TYPE_VARDICT, row->text, NULL, NULL, &error);
  g_assert_no_error (error);
  request = trw_request_new (dict, &error);
  g_assert_cmpint (request != NULL, ==, row->is_fine);
  if (row->is_fine)
    g_assert_no_error (error);
  else
    g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/request/", rows[i].name, NULL);

      g_test_add_data_func (path, &rows[i], test_row);
    }
  return g_test_run ();
}
