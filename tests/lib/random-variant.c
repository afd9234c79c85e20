/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "random-variant.h"

#include "common/vocabulary.h"

static const char *const strings[] = {
  "",         "x",    "/",           "..",          "a/b",
  "\x01",     "fail", "running",     "-1",          "http://localhost/",
  "http://",  "*",    "org.a.B",     "file:///etc", "http://u:p@localhost:99999/",
  "\xc3\xa4", "%s%n", "http://[::1", "/tmp",        "download",
};

static const char *const value_types[] = { "s",     "b",  "u",  "t",     "x",
                                           "d",     "as", "ay", "a(ss)", "a{ss}",
                                           "a{sv}", "h",  "o",  "g" };

static guint64
random_number (GRand *random)
{
  static const guint64 edges[] = { 0,          1,           16,         255,
                                   G_MAXINT32, G_MAXUINT32, G_MAXINT64, G_MAXUINT64 };

  return g_rand_boolean (random)
             ? edges[g_rand_int_range (random, 0, G_N_ELEMENTS (edges))]
             : g_rand_int (random);
}

static const char *
random_key (GRand *random)
{
  gsize n_words;
  const TrundleWord *words = trundle_vocabulary_words (&n_words);

  if (g_rand_int_range (random, 0, 8) == 0)
    return strings[g_rand_int_range (random, 0, G_N_ELEMENTS (strings))];

  return words[g_rand_int_range (random, 0, (gint32)n_words)].key;
}

/* Mostly of the type the vocabulary gives the key. */
static GVariant *
random_value (GRand *random, const char *key)
{
  gsize n_words;
  const TrundleWord *words = trundle_vocabulary_words (&n_words);

  for (gsize i = 0; i < n_words; i++)
    if (g_str_equal (words[i].key, key) && g_rand_int_range (random, 0, 4) != 0)
      return random_variant (random, words[i].type);

  return random_variant (
      random, value_types[g_rand_int_range (random, 0, G_N_ELEMENTS (value_types))]);
}

static GVariant *
random_dict (GRand *random)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  int n = g_rand_int_range (random, 0, 4);

  for (int i = 0; i < n; i++)
    {
      const char *key = random_key (random);

      g_variant_builder_add (&builder, "{sv}", key, random_value (random, key));
    }

  return g_variant_builder_end (&builder);
}

static GVariant *
random_basic (GRand *random, char type)
{
  const char *string = strings[g_rand_int_range (random, 0, G_N_ELEMENTS (strings))];
  guint64 number = random_number (random);

  switch (type)
    {
    case 's':
      return g_variant_new_string (string);
    case 'o':
      return g_variant_new_object_path ("/org/example");
    case 'g':
      return g_variant_new_signature ("a{sv}");
    case 'b':
      return g_variant_new_boolean (number & 1);
    case 'y':
      return g_variant_new_byte ((guchar)number);
    case 'u':
      return g_variant_new_uint32 ((guint32)number);
    case 't':
      return g_variant_new_uint64 (number);
    case 'x':
      return g_variant_new_int64 ((gint64)number);
    case 'd':
      return g_variant_new_double (
          g_rand_boolean (random) ? (double)number : -0.5 + g_rand_double (random));
    case 'h':
      return g_variant_new_handle ((gint32)number);
    case 'v':
      return g_variant_new_variant (random_basic (random, 's'));
    default:
      g_error ("No values of type %c", type);
    }
}

GVariant *
random_variant (GRand *random, const char *type)
{
  const GVariantType *variant_type = G_VARIANT_TYPE (type);
  const GVariantType *item;
  GVariantBuilder builder;

  if (g_str_equal (type, "a{sv}"))
    return random_dict (random);
  if (!g_variant_type_is_container (variant_type)
      || g_variant_type_is_variant (variant_type))
    return random_basic (random, *type);

  g_variant_builder_init (&builder, variant_type);
  if (g_variant_type_is_array (variant_type))
    {
      g_autofree char *element = g_variant_type_dup_string (
          g_variant_type_element (variant_type));
      int n = g_rand_int_range (random, 0, 4);

      for (int i = 0; i < n; i++)
        g_variant_builder_add_value (&builder, random_variant (random, element));
      return g_variant_builder_end (&builder);
    }

  for (item = g_variant_type_first (variant_type); item != NULL;
       item = g_variant_type_next (item))
    {
      g_autofree char *text = g_variant_type_dup_string (item);

      g_variant_builder_add_value (&builder, random_variant (random, text));
    }
  return g_variant_builder_end (&builder);
}

char *
random_variant_type_of_arguments (GDBusMethodInfo *method)
{
  g_autoptr (GString) type = g_string_new ("(");

  for (guint i = 0; method->in_args != NULL && method->in_args[i] != NULL; i++)
    g_string_append (type, method->in_args[i]->signature);
  g_string_append_c (type, ')');

  return g_string_free (g_steal_pointer (&type), FALSE);
}
