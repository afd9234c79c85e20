/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Places, and the names tried when one is taken. */

#include "config.h"

#include "value/place.h"

#include <limits.h>
#include <string.h>

static const struct
{
  const char *name;
  guint n;
  const char *expected;
} names[] = {
  { "a.txt", 0, "a.txt" },
  { "a.txt", 1, "a (1).txt" },
  { "a.tar.gz", 1, "a (1).tar.gz" },
  { "a.TAR.xz", 12, "a (12).TAR.xz" },
  { "a.b.gz", 1, "a.b (1).gz" },
  { "a", 1, "a (1)" },
  { ".bashrc", 1, ".bashrc (1)" },
  { ".a.txt", 1, ".a (1).txt" },
  { "..a", 1, "..a (1)" },
  { ".tar.gz", 1, ".tar (1).gz" },
  { "a.", 1, "a. (1)" },
  { "a b.iso", 4294967295u, "a b (4294967295).iso" },
  { "ü.txt", 2, "ü (2).txt" },
  { "v1. This is a sentence and no suffix at all",
    1,
    "v1. This is a sentence and no suffix at all (1)" },
};

static void
test_nth_name (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autofree char *name = trd_place_nth_name (names[i].name, names[i].n);

  g_assert_cmpstr (name, ==, names[i].expected);
}

/* Every length around the limit, with characters of every width at the cut. */
static void
test_long_names (void)
{
  static const char *const characters[] = { "a", "ü", "€", "😀" };

  for (guint i = 0; i < G_N_ELEMENTS (characters); i++)
    for (guint offset = 0; offset < 5; offset++)
      {
        g_autoptr (GString) long_name = g_string_new (NULL);
        g_autofree char *name = NULL;

        for (guint j = 0; j < offset; j++)
          g_string_append_c (long_name, 'x');
        while (long_name->len < 300)
          g_string_append (long_name, characters[i]);
        g_string_append (long_name, ".tar.gz");

        name = trd_place_nth_name (long_name->str, 10);
        g_assert_cmpuint (strlen (name), <=, NAME_MAX);
        g_assert_cmpuint (strlen (name), >, NAME_MAX - 4);
        g_assert_true (g_utf8_validate (name, -1, NULL));
        g_assert_true (g_str_has_suffix (name, " (10).tar.gz"));
      }
}

static void
test_not_utf8 (void)
{
  g_autofree char *bytes = g_strnfill (300, '\x80');
  g_autofree char *name = trd_place_nth_name (bytes, 1);

  g_assert_cmpuint (strlen (name), ==, NAME_MAX);
}

static void
test_copy (void)
{
  g_autoptr (TrdPlace) place = trd_place_new (7);
  g_autoptr (TrdPlace) copy = NULL;

  g_assert_true (trd_place_is_spool (place));
  place->directory = g_strdup ("/d");
  place->name = g_strdup ("n");
  place->part_name = g_strdup ("p");
  place->if_exists = TRUNDLE_IF_EXISTS_RENAME;
  copy = trd_place_copy (place);

  g_assert_false (trd_place_is_spool (copy));
  g_assert_cmpint (copy->task_id, ==, 7);
  g_assert_cmpstr (copy->directory, ==, "/d");
  g_assert_cmpstr (copy->name, ==, "n");
  g_assert_cmpstr (copy->part_name, ==, "p");
  g_assert_true (copy->directory != place->directory);
  g_assert_cmpuint (copy->if_exists, ==, TRUNDLE_IF_EXISTS_RENAME);
}

static void
test_clear_intent (void)
{
  TrdIntent intent = { g_strdup ("a"), 1, 2, 3 };

  trd_intent_clear (&intent);
  trd_intent_clear (&intent);
  g_assert_null (intent.final_name);
  g_assert_cmpuint (intent.inode, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_strdup_printf ("/place/nth-name/%u", i);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_nth_name);
    }
  g_test_add_func ("/place/nth-name/long", test_long_names);
  g_test_add_func ("/place/nth-name/not-utf8", test_not_utf8);
  g_test_add_func ("/place/copy", test_copy);
  g_test_add_func ("/place/intent/clear", test_clear_intent);
  return g_test_run ();
}
