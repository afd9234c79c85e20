/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The arithmetic of trying again: options, waits, addresses in turn. */

#include "config.h"

#include "common/defaults.h"
#include "value/retry.h"

static TrdRetry
read_retry (const char *mine, const char *session)
{
  g_autoptr (GVariant) options = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, mine, NULL, NULL, NULL);
  g_autoptr (GVariant) configuration = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, session, NULL, NULL, NULL);
  TrdRetry retry;

  g_assert_nonnull (options);
  g_assert_nonnull (configuration);
  trd_retry_init (&retry, options, configuration);
  return retry;
}

static void
test_defaults (void)
{
  TrdRetry retry = read_retry ("@a{sv} {}", "@a{sv} {}");

  g_assert_cmpuint (retry.max_attempts, ==, 0);
  g_assert_cmpuint (retry.max_status_attempts, ==, 5);
  g_assert_cmpint (retry.base_delay_us, ==, TRD_SECOND_US);
  g_assert_cmpint (retry.max_delay_us, ==, 15 * 60 * TRD_SECOND_US);
  g_assert_cmpfloat (retry.jitter, ==, 0.25);
  g_assert_cmpuint (retry.n_statuses, ==, 7);
  g_assert_true (trd_retry_has_status (&retry, 503));
  g_assert_false (trd_retry_has_status (&retry, 501));
}

/* Key by key: the task's, the session's, the default. */
static void
test_merge (void)
{
  TrdRetry retry = read_retry (
      "{'retry': <{'max-attempts': <@u 7>, 'statuses': <@au []>}>}",
      "{'retry': <{'max-attempts': <@u 9>, 'base-delay': <@t 200>, 'jitter': <0.5>,"
      " 'statuses': <[@u 500]>}>}");

  g_assert_cmpuint (retry.max_attempts, ==, 7);
  g_assert_cmpint (retry.base_delay_us, ==, 200000);
  g_assert_cmpfloat (retry.jitter, ==, 0.5);
  g_assert_cmpuint (retry.n_statuses, ==, 0);
  g_assert_cmpuint (retry.max_status_attempts, ==, 5);
}

static void
test_delays (void)
{
  static const int seconds[]
      = { 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900 };
  TrdRetry retry = read_retry ("@a{sv} {}", "@a{sv} {}");

  for (guint i = 0; i < G_N_ELEMENTS (seconds); i++)
    {
      gint64 middle_us = seconds[i] * TRD_SECOND_US;

      g_assert_cmpint (trd_retry_delay_us (&retry, i, 0.5), ==, middle_us);
      g_assert_cmpint (trd_retry_delay_us (&retry, i, 0), ==, middle_us * 3 / 4);
      if (seconds[i] < 900)
        g_assert_cmpint (trd_retry_delay_us (&retry, i, 1), ==, middle_us * 5 / 4);
      else
        g_assert_cmpint (trd_retry_delay_us (&retry, i, 1), ==, middle_us * 3 / 4);
    }
  g_assert_cmpint (
      trd_retry_delay_us (&retry, G_MAXUINT, 0.5), ==, 15 * 60 * TRD_SECOND_US);
}

/* Whatever the numbers are, no wait is above the limit or below 0. */
static void
test_bounds (void)
{
  static const struct
  {
    gint64 base_us;
    gint64 max_us;
    double jitter;
  } cases[] = {
    { 1000, 1000, 1 },
    { 24 * 3600 * TRD_SECOND_US, 1000, 1 },
    { 1000, 24 * 3600 * TRD_SECOND_US, 1 },
    { 24 * 3600 * TRD_SECOND_US, 24 * 3600 * TRD_SECOND_US, 0.25 },
    { 5000, 7000, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint exponent = 0; exponent < 70; exponent++)
      for (double chance = 0; chance <= 1; chance += 0.125)
        {
          TrdRetry retry = {
            .base_delay_us = cases[i].base_us,
            .max_delay_us = cases[i].max_us,
            .jitter = cases[i].jitter,
          };
          gint64 delay_us = trd_retry_delay_us (&retry, exponent, chance);

          g_assert_cmpint (delay_us, >=, 0);
          g_assert_cmpint (delay_us, <=, cases[i].max_us);
        }
}

static void
test_retry_after (void)
{
  static const struct
  {
    guint64 asked_ms;
    gint64 us;
  } cases[] = {
    { 0, TRD_SECOND_US },
    { 999, TRD_SECOND_US },
    { 2000, 2 * TRD_SECOND_US },
    { 24 * 3600 * 1000, 24 * 3600 * TRD_SECOND_US },
    { 24 * 3600 * 1000 + 1, 24 * 3600 * TRD_SECOND_US },
    { G_MAXUINT64, 24 * 3600 * TRD_SECOND_US },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (trd_retry_after_us (cases[i].asked_ms), ==, cases[i].us);
}

/* Addresses asked one after another; "+" is an attempt with progress. */
static const struct
{
  guint n_addresses;
  const char *course;
  const char *expected; /* of each step: address after it, exponent of the wait */
} turnovers[] = {
  { 1, "----", "0:1 0:2 0:3 0:4 " },
  { 1, "--+-", "0:1 0:2 0:1 0:2 " },
  { 2, "----", "1:0 0:1 1:0 0:2 " },
  { 3, "-------", "1:0 2:0 0:1 1:0 2:0 0:2 1:0 " },
  { 3, "-+----", "1:0 1:1 2:0 0:0 1:1 2:0 " },
  { 3, "+", "0:1 " },
};

static void
test_turnover (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (GString) seen = g_string_new (NULL);
  TrdTurnover now = { 0 };

  for (const char *p = turnovers[i].course; *p != '\0'; p++)
    {
      trd_turnover_init (
          &now, turnovers[i].n_addresses, now.address, now.failures, *p == '+');
      g_string_append_printf (seen, "%u:%u ", now.address, now.exponent);
    }
  g_assert_cmpstr (seen->str, ==, turnovers[i].expected);
}

/* A week of failures neither overflows a counter nor stops the rounds. */
static void
test_turnover_for_long (gconstpointer data)
{
  guint n = GPOINTER_TO_UINT (data);
  TrdTurnover now = { 0 };

  for (guint i = 1; i <= 100 * n * 33; i++)
    {
      trd_turnover_init (&now, n, now.address, now.failures, FALSE);
      g_assert_cmpuint (now.failures, <, G_MAXUINT16);
      g_assert_cmpint (now.exponent > 0, ==, i % n == 0);
      g_assert_cmpuint (now.address, ==, i % n);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/retry/defaults", test_defaults);
  g_test_add_func ("/retry/merge", test_merge);
  g_test_add_func ("/retry/delays", test_delays);
  g_test_add_func ("/retry/bounds", test_bounds);
  g_test_add_func ("/retry/retry-after", test_retry_after);
  for (guint i = 0; i < G_N_ELEMENTS (turnovers); i++)
    {
      g_autofree char *path = g_strdup_printf (
          "/retry/turnover/%u/%s", turnovers[i].n_addresses, turnovers[i].course);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_turnover);
    }
  g_test_add_data_func (
      "/retry/turnover/long/1", GUINT_TO_POINTER (1), test_turnover_for_long);
  g_test_add_data_func (
      "/retry/turnover/long/33", GUINT_TO_POINTER (33), test_turnover_for_long);
  return g_test_run ();
}
