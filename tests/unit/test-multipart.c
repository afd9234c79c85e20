/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Forms as bodies: what is between the boundaries is what was given, and nothing that was
 * given can be taken for a boundary or a header. */

#include "config.h"

#include "value/multipart.h"

#include <string.h>

static char *
join (GPtrArray *pieces, const char *file)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < pieces->len; i++)
    {
      GBytes *piece = g_ptr_array_index (pieces, i);
      gsize size;
      const char *data;

      if (piece == NULL)
        {
          g_string_append (text, file);
          continue;
        }
      data = g_bytes_get_data (piece, &size);
      g_assert_cmpuint (size, >, 0);
      g_string_append_len (text, data, (gssize)size);
    }

  return g_string_free (text, FALSE);
}

static const struct
{
  const char *name;
  TrdField field;
  const char *head;
} heads[] = {
  { "plain", { "a" }, "name=\"a\"\r\n\r\n" },
  { "file",
    { "a", "b.bin" },
    "name=\"a\"; filename=\"b.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n" },
  { "type",
    { "a", "b.png", "image/png" },
    "name=\"a\"; filename=\"b.png\"\r\nContent-Type: image/png\r\n\r\n" },
  { "type-of-text",
    { "a", NULL, "text/plain; charset=utf-8" },
    "name=\"a\"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" },
  { "nameless-file",
    { "a", "" },
    "name=\"a\"; filename=\"\"\r\nContent-Type: application/octet-stream\r\n\r\n" },
  { "utf-8", { "größe" }, "name=\"größe\"\r\n\r\n" },
  { "quotes", { "a\"b" }, "name=\"a%22b\"\r\n\r\n" },
  { "lines", { "a\r\nX: y\n" }, "name=\"a%0D%0AX: y%0A\"\r\n\r\n" },
  { "backslash", { "a\\b%22" }, "name=\"a\\b%22\"\r\n\r\n" },
  { "file-name",
    { "a", "\"\r\n" },
    "name=\"a\"; filename=\"%22%0D%0A\"\r\nContent-Type: application/octet-stream"
    "\r\n\r\n" },
};

static void
test_head (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (GPtrArray) pieces = trd_multipart_assemble (&heads[i].field, 1, "BOUND");
  g_autofree char *text = join (pieces, "content");
  g_autofree char *expected = g_strconcat ("--BOUND\r\nContent-Disposition: form-data; ",
                                           heads[i].head,
                                           "content\r\n--BOUND--\r\n",
                                           NULL);

  g_assert_cmpstr (text, ==, expected);
}

/* Texts between two files are one piece. */
static void
test_pieces (void)
{
  g_autoptr (GBytes) text = g_bytes_new_static ("text\r\n", 6);
  g_autoptr (GBytes) empty = g_bytes_new_static ("", 0);
  const TrdField fields[] = {
    { "1", .content = text }, { "2", "f" }, { "3", .content = empty },
    { "4", .content = text }, { "5", "f" },
  };
  g_autoptr (GPtrArray) pieces = trd_multipart_assemble (
      fields, G_N_ELEMENTS (fields), "B");
  g_autofree char *all = join (pieces, "FILE");

  g_assert_cmpuint (pieces->len, ==, 5);
  for (guint i = 0; i < pieces->len; i++)
    g_assert_true ((g_ptr_array_index (pieces, i) == NULL) == (i % 2 == 1));
  g_assert_nonnull (strstr (all, "name=\"1\"\r\n\r\ntext\r\n\r\n--B\r\n"));
  g_assert_nonnull (strstr (all, "name=\"3\"\r\n\r\n\r\n--B\r\n"));
}

/* RFC 2046 §5.1.1: 1 to 70 characters, here none that would need quotation marks. */
static void
test_boundary (void)
{
  const TrdField field = { "name", "file-name", "a/b" };
  g_autofree char *first = trd_multipart_new_boundary (&field, 1);
  g_autofree char *second = trd_multipart_new_boundary (&field, 1);
  g_autofree char *type = trd_multipart_content_type (first);
  g_autofree char *expected = g_strconcat ("multipart/form-data; boundary=", first, NULL);

  g_assert_cmpstr (first, !=, second);
  g_assert_cmpuint (strlen (first), >, 30);
  g_assert_cmpuint (strlen (first), <=, 70);
  for (const char *p = first; *p != '\0'; p++)
    g_assert_true (g_ascii_isalnum (*p) || *p == '-');
  g_assert_cmpstr (type, ==, expected);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (heads); i++)
    {
      g_autofree char *path = g_strconcat ("/multipart/head/", heads[i].name, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_head);
    }
  g_test_add_func ("/multipart/pieces", test_pieces);
  g_test_add_func ("/multipart/boundary", test_boundary);

  return g_test_run ();
}
