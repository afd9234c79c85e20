/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Structured fields, as RFC 9651 has them. */

#include "config.h"

#include "field.h"

typedef struct
{
  const char *text;
  gboolean is_item;
  TrwFieldType type;
  gint64 number; /* of an integer, or 1 for true */
} ItemCase;

static const ItemCase items[] = {
  { "0", TRUE, TRW_FIELD_INTEGER, 0 },
  { "42", TRUE, TRW_FIELD_INTEGER, 42 },
  { "  42  ", TRUE, TRW_FIELD_INTEGER, 42 },
  { "-7", TRUE, TRW_FIELD_INTEGER, -7 },
  { "007", TRUE, TRW_FIELD_INTEGER, 7 },
  { "999999999999999", TRUE, TRW_FIELD_INTEGER, 999999999999999 },
  { "8;draft", TRUE, TRW_FIELD_INTEGER, 8 },
  { "8; a=\"x;y\";  b=?0;c", TRUE, TRW_FIELD_INTEGER, 8 },
  { "?1", TRUE, TRW_FIELD_BOOLEAN, 1 },
  { "?0;x=1", TRUE, TRW_FIELD_BOOLEAN, 0 },
  { "1.5", TRUE, TRW_FIELD_OTHER, 0 },
  { "-123456789012.125", TRUE, TRW_FIELD_OTHER, 0 },
  { "\"a \\\" \\\\ string\"", TRUE, TRW_FIELD_OTHER, 0 },
  { "a-token/with:all*", TRUE, TRW_FIELD_OTHER, 0 },
  { "*", TRUE, TRW_FIELD_OTHER, 0 },
  { ":aGVsbG8=:", TRUE, TRW_FIELD_OTHER, 0 },
  { "::", TRUE, TRW_FIELD_OTHER, 0 },
  { "@1659578233", TRUE, TRW_FIELD_OTHER, 0 },
  { "%\"f%c3%bc\"", TRUE, TRW_FIELD_OTHER, 0 },
  { NULL, FALSE, 0, 0 },
  { "", FALSE, 0, 0 },
  { " ", FALSE, 0, 0 },
  { "\t1", FALSE, 0, 0 },
  { "1\t", FALSE, 0, 0 },
  { "1, 2", FALSE, 0, 0 },
  { "1 2", FALSE, 0, 0 },
  { "+1", FALSE, 0, 0 },
  { "-", FALSE, 0, 0 },
  { "--1", FALSE, 0, 0 },
  { "1000000000000000", FALSE, 0, 0 },
  { "1.", FALSE, 0, 0 },
  { "1.2345", FALSE, 0, 0 },
  { "1234567890123.1", FALSE, 0, 0 },
  { ".5", FALSE, 0, 0 },
  { "0x10", FALSE, 0, 0 },
  { "?", FALSE, 0, 0 },
  { "?2", FALSE, 0, 0 },
  { "?10", FALSE, 0, 0 },
  { "?1;", FALSE, 0, 0 },
  { "?1;A", FALSE, 0, 0 },
  { "?1;a=", FALSE, 0, 0 },
  { "?1 ;a", FALSE, 0, 0 },
  { "\"open", FALSE, 0, 0 },
  { "\"bad \\n\"", FALSE, 0, 0 },
  { "\"end\\", FALSE, 0, 0 },
  { "\"\xc3\xbc\"", FALSE, 0, 0 },
  { "\"tab\t\"", FALSE, 0, 0 },
  { ":a!:", FALSE, 0, 0 },
  { ":a", FALSE, 0, 0 },
  { "@", FALSE, 0, 0 },
  { "@1.5", FALSE, 0, 0 },
  { "%\"%C3%BC\"", FALSE, 0, 0 },
  { "%\"%c3\"", FALSE, 0, 0 },
  { "%\"%c\"", FALSE, 0, 0 },
  { "%\"", FALSE, 0, 0 },
  { "%a", FALSE, 0, 0 },
  { "(1)", FALSE, 0, 0 },
};

static void
check_item (gconstpointer data)
{
  const ItemCase *item = data;
  TrwFieldValue value = { .integer = -1 };

  if (!item->is_item)
    {
      g_assert_false (trw_field_parse_item (item->text, &value));
      g_assert_cmpint (value.integer, ==, -1);
      return;
    }
  g_assert_true (trw_field_parse_item (item->text, &value));
  g_assert_cmpint (value.type, ==, item->type);
  if (item->type == TRW_FIELD_INTEGER)
    g_assert_cmpint (value.integer, ==, item->number);
  if (item->type == TRW_FIELD_BOOLEAN)
    g_assert_cmpint (value.boolean, ==, item->number);
}

typedef struct
{
  const char *text;
  gboolean is_dictionary;
  const char *found; /* of the keys "a" and "b" */
} DictionaryCase;

static const DictionaryCase dictionaries[] = {
  { "", TRUE, "" },
  { "  ", TRUE, "" },
  { "a=1", TRUE, "a=1" },
  { "a=1, b=?0", TRUE, "a=1 b=?0" },
  { " a=1\t,\t b=2 ", TRUE, "a=1 b=2" },
  { "a", TRUE, "a=?1" },
  { "a;x=1,b", TRUE, "a=?1 b=?1" },
  { "a=1,a=2", TRUE, "a=2" },
  { "a=1,a", TRUE, "a=?1" },
  { "a=word,b=\"text, b=3\"", TRUE, "a=other b=other" },
  { "a=(1 2 (x);y), b=2", FALSE, "" },
  { "a=(1 ?0  \"x\" );y=1, b=2", TRUE, "a=other b=2" },
  { "a=(), b=2", TRUE, "a=other b=2" },
  { "aa=1, ab=2, a-b=3, *a=4, b=5", TRUE, "b=5" },
  { "other=:YWJj:, a=1;p=\"x\", later=1.5", TRUE, "a=1" },
  { "a=1,", FALSE, "" },
  { ",a=1", FALSE, "" },
  { "a=1,,b=2", FALSE, "" },
  { "a=1 b=2", FALSE, "" },
  { "a= 1", FALSE, "" },
  { "a =1", FALSE, "" },
  { "a=", FALSE, "" },
  { "A=1", FALSE, "" },
  { "a=1, b=-", FALSE, "" },
  { "a=(1", FALSE, "" },
  { "a=(1\"x\")", FALSE, "" },
  { "\ta=1", FALSE, "" },
  { "a=1, other=\"", FALSE, "" },
  { NULL, FALSE, "" },
};

static void
describe (GString *text, const TrwFieldMember *member)
{
  if (!member->is_present)
    return;
  g_string_append_printf (text, "%s%s=", text->len > 0 ? " " : "", member->key);
  switch (member->value.type)
    {
    case TRW_FIELD_BOOLEAN:
      g_string_append_printf (text, "?%d", member->value.boolean);
      break;
    case TRW_FIELD_INTEGER:
      g_string_append_printf (text, "%" G_GINT64_FORMAT, member->value.integer);
      break;
    case TRW_FIELD_OTHER:
      g_string_append (text, "other");
      break;
    }
}

static void
check_dictionary (gconstpointer data)
{
  const DictionaryCase *dictionary = data;
  TrwFieldMember members[] = { { .key = "a" }, { .key = "b" } };
  g_autoptr (GString) found = g_string_new (NULL);

  g_assert_cmpint (
      trw_field_parse_dictionary (dictionary->text, members, G_N_ELEMENTS (members)),
      ==,
      dictionary->is_dictionary);
  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    describe (found, &members[i]);
  g_assert_cmpstr (found->str, ==, dictionary->found);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (items); i++)
    {
      g_autofree char *path = g_strdup_printf ("/field/item/%u", i);

      g_test_add_data_func (path, &items[i], check_item);
    }
  for (guint i = 0; i < G_N_ELEMENTS (dictionaries); i++)
    {
      g_autofree char *path = g_strdup_printf ("/field/dictionary/%u", i);

      g_test_add_data_func (path, &dictionaries[i], check_dictionary);
    }
  return g_test_run ();
}
