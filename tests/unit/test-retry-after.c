/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "errors.h"
#include "retry-after.h"

#define YEAR_MS G_GINT64_CONSTANT (31536000000)
#define NONE G_GINT64_CONSTANT (-1)

/* 08:49:37 of the example's day. */
#define NOW_US (G_GINT64_CONSTANT (784111777) * G_USEC_PER_SEC + 999999)

static const struct
{
  const char *value;
  const char *date;
  gint64 wait_ms;
} rows[] = {
  { "0", NULL, 0 },
  { "120", NULL, 120000 },
  { " 120 ", NULL, 120000 },
  { "120", "Sun, 06 Nov 1994 08:49:37 GMT", 120000 },
  { "31536000", NULL, YEAR_MS },
  { "31536001", NULL, YEAR_MS },
  { "99999999999999999999999999", NULL, YEAR_MS },
  /* By the answer's own clock, which is an hour wrong. */
  { "Sun, 06 Nov 1994 09:51:37 GMT", "Sun, 06 Nov 1994 09:49:37 GMT", 120000 },
  { "Sunday, 06-Nov-94 09:51:37 GMT", "Sun Nov  6 09:49:37 1994", 120000 },
  /* By ours. */
  { "Sun, 06 Nov 1994 08:51:37 GMT", NULL, 120000 },
  { "Sun, 06 Nov 1994 08:51:37 GMT", "yesterday", 120000 },
  { "Sun, 06 Nov 1994 08:49:36 GMT", NULL, 0 },
  { "Sun, 06 Nov 1994 08:49:36 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", 0 },
  { "Sun, 06 Nov 9999 08:49:36 GMT", NULL, YEAR_MS },
  { NULL, NULL, NONE },
  { "", NULL, NONE },
  { "-1", NULL, NONE },
  { "1.5", NULL, NONE },
  { "soon", NULL, NONE },
  { "120, 120", NULL, NONE },
};

static void
test_row (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  guint64 wait_ms = 7;
  gboolean is_told = trw_retry_after_parse (
      rows[i].value, rows[i].date, NOW_US, &wait_ms);

  g_assert_cmpint (is_told, ==, rows[i].wait_ms != NONE);
  g_assert_cmpint ((gint64)wait_ms, ==, is_told ? rows[i].wait_ms : 7);
}

/* What a name server did not say is not so. */
static void
test_definite (void)
{
  static const struct
  {
    int code;
    gboolean is_definite;
  } codes[] = {
    { G_RESOLVER_ERROR_NOT_FOUND, TRUE },
    { G_RESOLVER_ERROR_TEMPORARY_FAILURE, FALSE },
    { G_RESOLVER_ERROR_INTERNAL, FALSE },
  };
  g_autoptr (GError) other = g_error_new_literal (
      G_IO_ERROR, G_IO_ERROR_HOST_NOT_FOUND, "No");

  g_assert_false (trw_error_is_definite (other));
  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      g_autoptr (GError) error = g_error_new_literal (
          G_RESOLVER_ERROR, codes[i].code, "No");

      g_assert_cmpint (trw_error_is_definite (error), ==, codes[i].is_definite);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strdup_printf ("/retry-after/%u", i);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_row);
    }
  g_test_add_func ("/retry-after/definite", test_definite);
  return g_test_run ();
}
