/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the tool shows: JSON, sizes, times, columns and bars, by tables. */

#include "config.h"

#include <locale.h>
#include <math.h>

#include "cli/print.h"
#include "cli/progress.h"

typedef struct
{
  const char *in;
  const char *out;
} TextCase;

static void
test_json_strings (void)
{
  static const TextCase cases[] = {
    { "", "\"\"" },
    { "plain", "\"plain\"" },
    { "a\"b\\c/d", "\"a\\\"b\\\\c/d\"" },
    { "a\nb\rc\td", "\"a\\nb\\rc\\td\"" },
    { "\x01\x1b[31m\x7f", "\"\\u0001\\u001b[31m\\u007f\"" },
    { "\xc2\x9b"
      "2J",
      "\"\\u009b2J\"" },
    { "\xe2\x80\xa8\xe2\x80\xa9", "\"\\u2028\\u2029\"" },
    { "grün 日本 🚚", "\"grün 日本 🚚\"" },
    { "bad \xff end", "\"bad \xef\xbf\xbd end\"" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GString) out = g_string_new (NULL);

      trc_print_json_string (out, cases[i].in);
      g_assert_cmpstr (out->str, ==, cases[i].out);
    }
}

static void
test_json_values (void)
{
  static const TextCase cases[] = {
    { "true", "true" },
    { "byte 0x41", "65" },
    { "int16 -7", "-7" },
    { "uint64 18446744073709551615", "18446744073709551615" },
    { "int64 -9223372036854775808", "-9223372036854775808" },
    { "handle 3", "3" },
    { "0.5", "0.5" },
    { "0.25", "0.25" },
    { "inf", "null" },
    { "'a\"b'", "\"a\\\"b\"" },
    { "objectpath '/a/b'", "\"/a/b\"" },
    { "<<'x'>>", "\"x\"" },
    { "@ms nothing", "null" },
    { "@ms just 'x'", "\"x\"" },
    { "@mms just nothing", "null" },
    { "b'Hello'", "\"SGVsbG8A\"" },
    { "@ay []", "\"\"" },
    { "@as []", "[]" },
    { "['a', 'b']", "[\"a\",\"b\"]" },
    { "('x', 1, [true])", "[\"x\",1,[true]]" },
    { "@a{sv} {}", "{}" },
    { "{'a': <1>, 'b': <{'c': <'d'>}>}", "{\"a\":1,\"b\":{\"c\":\"d\"}}" },
    { "{uint32 1: 'a'}", "[[1,\"a\"]]" },
    { "[('k', 'v')]", "[[\"k\",\"v\"]]" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GVariant) value = g_variant_parse (NULL, cases[i].in, NULL, NULL, NULL);
      g_autoptr (GString) out = g_string_new (NULL);

      g_test_message ("%s", cases[i].in);
      g_assert_nonnull (value);
      trc_print_json_value (out, value);
      g_assert_cmpstr (out->str, ==, cases[i].out);
    }
}

static void
test_json_not_a_number (void)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_double (NAN));
  g_autoptr (GString) out = g_string_new (NULL);

  trc_print_json_value (out, value);

  g_assert_cmpstr (out->str, ==, "null");
}

static void
test_sizes (void)
{
  static const struct
  {
    gint64 bytes;
    const char *text;
  } cases[] = {
    { -1, "?" },
    { 1500, "1.5\xc2\xa0kB" },
    { 1000000, "1.0\xc2\xa0MB" },
    { G_GINT64_CONSTANT (12345678901), "12.3\xc2\xa0GB" },
  };
  g_autofree char *rate = trc_print_rate (2500000);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = trc_print_size (cases[i].bytes);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
  g_assert_cmpstr (rate, ==, "2.5\xc2\xa0MB/s");
}

static void
test_durations (void)
{
  static const struct
  {
    gint64 seconds;
    const char *text;
  } cases[] = {
    { -1, "?" },
    { 0, "0:00" },
    { 7, "0:07" },
    { 65, "1:05" },
    { 3599, "59:59" },
    { 3600, "1:00:00" },
    { 86399, "23:59:59" },
    { 86400, "1 d 00:00:00" },
    { 3 * 86400 + 14706, "3 d 04:05:06" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = trc_print_duration (cases[i].seconds);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
}

static void
test_time_left (void)
{
  g_assert_cmpint (trc_print_time_left (0, 1000, 100), ==, 10);
  g_assert_cmpint (trc_print_time_left (999, 1000, 100), ==, 1);
  g_assert_cmpint (trc_print_time_left (1000, 1000, 100), ==, 0);
  g_assert_cmpint (trc_print_time_left (0, -1, 100), ==, -1);
  g_assert_cmpint (trc_print_time_left (0, 1000, 0), ==, -1);
  g_assert_cmpint (trc_print_time_left (2000, 1000, 100), ==, -1);
  g_assert_cmpint (trc_print_time_left (0, G_MAXINT64, 0.001), ==, -1);
}

static void
test_fit (void)
{
  static const struct
  {
    const char *text;
    guint columns;
    const char *end;
    const char *middle;
  } cases[] = {
    { "abc", 5, "abc  ", "abc  " },
    { "abcde", 5, "abcde", "abcde" },
    { "abcdef", 5, "abcd…", "abcd…" },
    { "abcdefghijklmnop", 9, "abcdefgh…", "abcde…nop" },
    { "abc", 1, "…", "…" },
    { "abc", 0, "", "" },
    { "日本語", 6, "日本語", "日本語" },
    { "日本語", 5, "日本…", "日本…" },
    { "日本語", 4, "日… ", "日… " },
    { "日本語日本語", 10, "日本語日… ", "日本語…語 " },
    { "e\xcc\x81"
      "a",
      2,
      "e\xcc\x81"
      "a",
      "e\xcc\x81"
      "a" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *end = trc_print_fit (cases[i].text, cases[i].columns);
      g_autofree char *middle = trc_print_fit_middle (cases[i].text, cases[i].columns);

      g_assert_cmpstr (end, ==, cases[i].end);
      g_assert_cmpstr (middle, ==, cases[i].middle);
    }
}

static void
test_clean (void)
{
  static const TextCase cases[] = {
    { "plain grün", "plain grün" },
    { "\x1b[2Jx", "\xef\xbf\xbd[2Jx" },
    { "a\nb",
      "a\xef\xbf\xbd"
      "b" },
    { "\xe2\x80\xaegpj.exe", "\xef\xbf\xbdgpj.exe" },
    { "\xff", "\xef\xbf\xbd" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = trc_print_clean (cases[i].in);

      g_assert_cmpstr (text, ==, cases[i].out);
    }
}

static void
test_first_line (void)
{
  static const TextCase cases[] = {
    { "", "" },         { "  quota exceeded \r\nmore", "quota exceeded" },
    { "\n\nx", "x" },   { "<html>no</html>", "" },
    { "\xff\xfe", "" }, { "\x1b[2J", "\xef\xbf\xbd[2J" },
  };
  g_autofree char *longest = g_strnfill (201, 'x');
  g_autoptr (GVariant) bytes = g_variant_ref_sink (
      g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, longest, 201, 1));
  g_autofree char *cut = trc_print_first_line (bytes);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_fixed_array (
          G_VARIANT_TYPE_BYTE, cases[i].in, strlen (cases[i].in), 1));
      g_autofree char *text = trc_print_first_line (value);

      g_assert_cmpstr (text, ==, cases[i].out);
    }
  g_assert_true (g_str_has_suffix (cut, "x…"));
  g_assert_cmpint (g_utf8_strlen (cut, -1), ==, 201);
}

static void
test_kebab (void)
{
  g_autofree char *one = trc_print_kebab ("NextAttemptAt");
  g_autofree char *two = trc_print_kebab ("Url");

  g_assert_cmpstr (one, ==, "next-attempt-at");
  g_assert_cmpstr (two, ==, "url");
}

static void
test_rate (void)
{
  TrcRate rate = { 0 };
  gint64 now = 1000000;

  /* A steady megabyte a second is one from the first measure on. */
  for (guint i = 0; i < 40; i++)
    trc_rate_update (&rate, now + i * 250000, i * 250000);
  g_assert_cmpfloat_with_epsilon (rate.per_second, 1000000, 1);

  /* Starting over is no negative rate. */
  trc_rate_update (&rate, now + 20000000, 10);
  g_assert_cmpfloat (rate.per_second, ==, 0);
}

static void
test_bar_width (void)
{
  TrcBar bars[] = {
    { .label = (char *)"1 file.iso", .moved = 500, .all = 1000, .rate = 100 },
    { .label = (char *)"2 日本語日本語日本語日本語日本語日本語日本語日本語",
      .moved = 0,
      .all = -1 },
    { .label = (char *)"3 x", .note = "the server asked to wait", .all = 0 },
    { .label = (char *)"4 y", .moved = G_MAXUINT32 * 9999ull, .all = G_MAXINT64 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bars); i++)
    for (guint columns = 1; columns < 300; columns++)
      {
        g_autofree char *line = trc_progress_format_bar (&bars[i], columns);

        g_assert_cmpuint (trc_print_columns (line), ==, columns);
      }
}

static void
test_bar_says (void)
{
  TrcBar bar = { .label = (char *)"1 a", .moved = 500, .all = 1000, .rate = 100 };
  g_autofree char *line = trc_progress_format_bar (&bar, 100);

  g_assert_nonnull (strstr (line, " 50 %"));
  g_assert_nonnull (strstr (line, "0:05"));
  g_assert_nonnull (strstr (line, "#."));
}

/* What the server says it has looks other than what was only sent. */
static void
test_bar_confirms (void)
{
  TrcBar bar = { .label = (char *)"1 a", .moved = 500, .confirmed = 250, .all = 1000 };
  g_autofree char *line = trc_progress_format_bar (&bar, 100);

  g_assert_nonnull (strstr (line, "[==="));
  g_assert_nonnull (strstr (line, "=#"));
  g_assert_nonnull (strstr (line, "#."));
}

static void
test_frame_fits (void)
{
  TrcBar bars[30];
  TrcTotal total = { .n_all = 40, .n_finished = 10, .left = 1000, .rate = 100 };
  g_autoptr (GPtrArray) frame = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (bars); i++)
    bars[i] = (TrcBar){ .label = (char *)"x", .all = 10 };
  frame = trc_progress_format_frame (bars, G_N_ELEMENTS (bars), &total, 80, 24);

  g_assert_cmpuint (frame->len, ==, 24);
  g_assert_nonnull (strstr (g_ptr_array_index (frame, 23), "10 of 40 finished"));
  g_assert_nonnull (strstr (g_ptr_array_index (frame, 23), "7 not shown"));
  g_assert_nonnull (strstr (g_ptr_array_index (frame, 23), "0:10 left"));
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/cli/json/strings", test_json_strings);
  g_test_add_func ("/cli/json/values", test_json_values);
  g_test_add_func ("/cli/json/not-a-number", test_json_not_a_number);
  g_test_add_func ("/cli/print/sizes", test_sizes);
  g_test_add_func ("/cli/print/durations", test_durations);
  g_test_add_func ("/cli/print/time-left", test_time_left);
  g_test_add_func ("/cli/print/fit", test_fit);
  g_test_add_func ("/cli/print/clean", test_clean);
  g_test_add_func ("/cli/print/first-line", test_first_line);
  g_test_add_func ("/cli/print/kebab", test_kebab);
  g_test_add_func ("/cli/progress/rate", test_rate);
  g_test_add_func ("/cli/progress/bar-width", test_bar_width);
  g_test_add_func ("/cli/progress/bar-says", test_bar_says);
  g_test_add_func ("/cli/progress/bar-confirms", test_bar_confirms);
  g_test_add_func ("/cli/progress/frame-fits", test_frame_fits);

  return g_test_run ();
}
