/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "face/redact.h"

/* Law 9: what observers see of an address. */

typedef struct
{
  const char *name;
  const char *given;
  const char *shown;
} Case;

static const Case cases[] = {
  { "event",
    "(uint64 1, {'url': <'http://h/a?token=s'>, 'error': <'x?y'>})",
    "(1, {'url': <'http://h/a?…'>, 'error': <'x?y'>})" },
  { "property", "('i', {'Url': <'http://h/a?s'>})", "('i', {'Url': <'http://h/a?…'>})" },
  { "nested",
    "('i', {'Response': <{'url': <'http://u:p@h/?s'>}>})",
    "('i', {'Response': <{'url': <'http://h/?…'>}>})" },
  { "redirect",
    "('/t', {'from': <'http://h/?s'>, 'to': <'http://h/b'>})",
    "('/t', {'from': <'http://h/?…'>, 'to': <'http://h/b'>})" },
  { "list",
    "('i', {'Metrics': <{'transactions': <[{'url': <'http://h/?s'>}, {}]>}>})",
    "('i', {'Metrics': <{'transactions': <[{'url': <'http://h/?…'>}, {}]>}>})" },
  { "other-types",
    "(uint32 7, ['a?b'], {'url': <uint32 3>})",
    "(7, ['a?b'], {'url': <uint32 3>})" },
};

static void
check_case (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (GVariant) given = g_variant_ref_sink (g_variant_new_parsed (c->given));
  g_autoptr (GVariant) shown = trd_redact (given);
  g_autofree char *text = g_variant_print (shown, FALSE);

  g_assert_cmpstr (text, ==, c->shown);
  g_assert_cmpstr (
      g_variant_get_type_string (shown), ==, g_variant_get_type_string (given));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/redact/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], check_case);
    }

  return g_test_run ();
}
