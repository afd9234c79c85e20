/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is said in the headers of the draft "Resumable Uploads for HTTP". */

#include "config.h"

#include "ietf.h"

typedef struct
{
  const char *word;
  const char *field; /* "Name: value", several with new lines */
  const char *read;  /* what is left of it */
} FieldCase;

static const FieldCase fields[] = {
  { "ietf-8", "Server: x", "" },
  { "ietf-8", "Upload-Draft-Interop-Version: 8", "version=8" },
  { "ietf-8", "Upload-Draft-Interop-Version: 6", "version=6" },
  { "ietf-8", "Upload-Draft-Interop-Version: 8, 6", "" },
  { "ietf-8", "Upload-Draft-Interop-Version: 8\nUpload-Draft-Interop-Version: 6", "" },
  { "ietf-8", "Upload-Draft-Interop-Version: \"8\"", "" },
  { "ietf-8", "Upload-Draft-Interop-Version: -8", "" },
  { "ietf-8", "Upload-Offset: 0", "offset=0" },
  { "ietf-8", "upload-offset: 123456789012345", "offset=123456789012345" },
  { "ietf-8", "Upload-Offset: 1234567890123456", "" },
  { "ietf-8", "Upload-Offset: -1", "" },
  { "ietf-8", "Upload-Offset: 5.0", "" },
  { "ietf-8", "Upload-Offset: 5 bytes", "" },
  { "ietf-8", "Upload-Offset: 5\nUpload-Offset: 5", "" },
  { "ietf-8", "Upload-Length: 7", "length=7" },
  { "ietf-8", "Upload-Length: many", "" },
  { "ietf-8", "Upload-Complete: ?1", "complete" },
  { "ietf-8", "Upload-Complete: ?0", "incomplete" },
  { "ietf-8", "Upload-Complete: ?1;by=\"us\"", "complete" },
  { "ietf-8", "Upload-Complete: 1", "" },
  { "ietf-8", "Upload-Complete: true", "" },
  { "ietf-8", "Upload-Complete: ?1, ?1", "" },
  { "ietf-6", "Upload-Complete: ?0\nUpload-Offset: 3", "offset=3 incomplete" },
  { "ietf-8", "Upload-Limit: min-size=0", "limits -1 -1 -1 -1" },
  { "ietf-8",
    "Upload-Limit: max-size=1, max-append-size=2, min-append-size=3, max-age=4",
    "limits 1 2 3 4" },
  { "ietf-8", "Upload-Limit: max-size=1\nUpload-Limit: max-age=4", "limits 1 -1 -1 4" },
  { "ietf-8", "Upload-Limit: expires=9, other=\"x, y\"", "limits -1 -1 -1 -1" },
  { "ietf-6", "Upload-Limit: expires=9, max-age=4", "limits -1 -1 -1 9" },
  { "ietf-8", "Upload-Limit: max-size=1, max-append-size=\"2\"", "" },
  { "ietf-8", "Upload-Limit: max-size=1, max-age=-4", "" },
  { "ietf-8", "Upload-Limit: max-size=1, min-size=small", "" },
  { "ietf-8", "Upload-Limit: max-size=1, max-append-size", "" },
  { "ietf-8", "Upload-Limit: max-size=1; max-append-size=2", "limits 1 -1 -1 -1" },
  { "ietf-8", "Upload-Limit: max-size 1", "" },
};

static void
add_number (GString *text, const char *name, gint64 number, gint64 none)
{
  if (number != none)
    g_string_append_printf (text, " %s=%" G_GINT64_FORMAT, name, number);
}

static char *
describe (const TrwIetfWords *words)
{
  g_autoptr (GString) text = g_string_new (NULL);

  add_number (text, "version", words->version, 0);
  add_number (text, "offset", words->offset, -1);
  add_number (text, "length", words->length, -1);
  if (words->has_complete)
    g_string_append (text, words->is_complete ? " complete" : " incomplete");
  if (words->has_limits)
    g_string_append_printf (text,
                            " limits %" G_GINT64_FORMAT " %" G_GINT64_FORMAT
                            " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT,
                            words->limits.max_size,
                            words->limits.max_append,
                            words->limits.min_append,
                            words->limits.age_s);
  return g_strdup (text->len > 0 ? text->str + 1 : "");
}

static SoupMessageHeaders *
new_headers (const char *text)
{
  SoupMessageHeaders *headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) sides = g_strsplit (lines[i], ": ", 2);

      soup_message_headers_append (headers, sides[0], sides[1]);
    }
  return headers;
}

static void
check_field (gconstpointer data)
{
  const FieldCase *field = data;
  g_autoptr (SoupMessageHeaders) headers = new_headers (field->field);
  g_autofree char *read = NULL;
  TrwIetfWords words;

  trw_ietf_read (trw_ietf_find (field->word), headers, &words);
  read = describe (&words);
  g_assert_cmpstr (read, ==, field->read);
}

static void
assert_said (SoupMessageHeaders *headers, const char *name, const char *value)
{
  g_assert_cmpstr (soup_message_headers_get_list (headers, name), ==, value);
}

static void
test_said (gconstpointer data)
{
  const TrwIetfVersion *version = trw_ietf_find (data);
  g_autoptr (SoupMessageHeaders) headers = new_headers ("Upload-Complete: whatever");
  g_autofree char *number = g_strdup_printf ("%" G_GINT64_FORMAT, version->number);

  trw_ietf_say_version (version, headers);
  trw_ietf_say_complete (version, headers, FALSE);
  trw_ietf_say_length (version, headers, G_GUINT64_CONSTANT (5000000000));
  trw_ietf_say_offset (version, headers, 7);

  assert_said (headers, "Upload-Draft-Interop-Version", number);
  assert_said (headers, "Upload-Complete", "?0");
  assert_said (headers, "Upload-Length", "5000000000");
  assert_said (headers, "Upload-Offset", "7");
  assert_said (headers, "Content-Type", "application/partial-upload");
  trw_ietf_say_complete (version, headers, TRUE);
  assert_said (headers, "Upload-Complete", "?1");
}

static void
test_versions (void)
{
  guint n;
  const TrwIetfVersion *versions = trw_ietf_get_versions (&n);

  for (guint i = 0; i < n; i++)
    {
      g_assert_true (trw_ietf_find (versions[i].word) == &versions[i]);
      g_assert_true (trw_ietf_find_number (versions[i].number) == &versions[i]);
      g_assert_true (i == 0 || versions[i].number < versions[i - 1].number);
    }
  g_assert_null (trw_ietf_find ("tus"));
  g_assert_null (trw_ietf_find_number (5));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      g_autofree char *path = g_strdup_printf ("/ietf/read/%u", i);

      g_test_add_data_func (path, &fields[i], check_field);
    }
  g_test_add_data_func ("/ietf/said/8", "ietf-8", test_said);
  g_test_add_data_func ("/ietf/said/6", "ietf-6", test_said);
  g_test_add_func ("/ietf/versions", test_versions);
  return g_test_run ();
}
