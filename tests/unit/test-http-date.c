/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "common/http-date.h"

#define EXAMPLE 784111777

static const struct
{
  const char *text;
  gint64 seconds; /* 0: no date */
} rows[] = {
  { "Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE },
  { "Sunday, 06-Nov-94 08:49:37 GMT", EXAMPLE },
  { "Sun Nov  6 08:49:37 1994", EXAMPLE },
  { "Sat, 31 Dec 2016 23:59:60 GMT", 1483228799 },
  { "Thu, 29 Feb 2024 12:00:00 GMT", 1709208000 },
  { "Thursday, 29-Feb-24 12:00:00 GMT", 1709208000 },
  { "", 0 },
  { "Sun", 0 },
  { "784111777", 0 },
  { "1994-11-06T08:49:37Z", 0 },
  { "Sun, 06 Nov 1994 08:49:37", 0 },
  { "Sun, 06 Nov 1994 08:49:37 CET", 0 },
  { "S\001n, 06 Nov 1994 08:49:37 GMT", 0 },
  { "Sun, 06 nov 1994 08:49:37 GMT", 0 },
  { "Sun, 06 anF 1994 08:49:37 GMT", 0 },
  { "Sun, 06 Nov 1994 24:49:37 GMT", 0 },
  { "Sun, 06 Nov 1994 08:60:37 GMT", 0 },
  { "Thu, 30 Feb 2024 12:00:00 GMT", 0 },
  { "Sun, 00 Nov 1994 08:49:37 GMT", 0 },
  { "Sun, 06 Nov 199 08:49:37 GMT", 0 },
  { "Sun, +6 Nov 1994 08:49:37 GMT", 0 },
  { "Sun, 06 Nov 1994 08:49:37 GMT and much more of that until nobody reads on", 0 },
};

static void
test_row (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  gint64 seconds = 0;

  g_assert_cmpint (
      trundle_http_date_parse (rows[i].text, &seconds), ==, rows[i].seconds != 0);
  g_assert_cmpint (seconds, ==, rows[i].seconds);
}

static void
test_none (void)
{
  gint64 seconds = 7;

  g_assert_false (trundle_http_date_parse (NULL, &seconds));
  g_assert_cmpint (seconds, ==, 7);
}

/* Of two digits, the year that is less than 50 years ahead. */
static void
test_century (void)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  int year = g_date_time_get_year (now);

  for (int ahead = -49; ahead <= 50; ahead++)
    {
      g_autofree char *text = g_strdup_printf ("Sunday, 06-Nov-%02d 08:49:37 GMT",
                                               (year + ahead) % 100);
      g_autoptr (GDateTime) date = g_date_time_new_utc (year + ahead, 11, 6, 8, 49, 37);
      gint64 seconds = 0;

      g_assert_true (trundle_http_date_parse (text, &seconds));
      g_assert_cmpint (seconds, ==, g_date_time_to_unix (date));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strdup_printf ("/http-date/%u", i);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_row);
    }
  g_test_add_func ("/http-date/none", test_none);
  g_test_add_func ("/http-date/century", test_century);
  return g_test_run ();
}
