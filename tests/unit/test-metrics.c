/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "common/defaults.h"
#include "common/enums.h"
#include "value/metrics.h"

#include <string.h>

/* What a worker may tell, as text of an aa{sv}, and of how many hops. */
static const struct
{
  const char *text;
  guint n_hops;
  gboolean is_sensible;
} wires[] = {
  { "@aa{sv} []", 0, TRUE },
  { "[@a{sv} {}]", 1, TRUE },
  { "[{'url': <'http://a/'>, 'method': <'GET'>, 'status': <uint32 200>,"
    " 'protocol': <'http/1.1'>, 'reused-connection': <false>, 'proxy': <true>,"
    " 'fetch-start': <int64 1>, 'response-end': <int64 0>,"
    " 'response-body-bytes': <uint64 7>, 'remote-address': <'::1'>,"
    " 'remote-port': <uint16 80>, 'tls-protocol': <'TLS 1.3'>,"
    " 'tls-ciphersuite': <'x'>}]",
    1,
    TRUE },
  { "[@a{sv} {}, {}]", 1, FALSE },
  { "[@a{sv} {}]", 2, FALSE },
  { "[{'unknown': <1>}]", 1, FALSE },
  { "[{'attempt': <uint32 1>}]", 1, FALSE },
  { "[{'url': <1>}]", 1, FALSE },
  { "[{'status': <uint32 1000>}]", 1, FALSE },
  { "[{'fetch-start': <int64 -1>}]", 1, FALSE },
  { "[{'fetch-start': <uint64 1>}]", 1, FALSE },
  { "[{'response-body-bytes': <uint64 9223372036854775808>}]", 1, FALSE },
  { "[{'remote-address': "
    "<'0123456789012345678901234567890123456789012345678901234567890123456789'>}]",
    1,
    FALSE },
};

static GVariant *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  GVariant *value = g_variant_parse (NULL, text, NULL, NULL, &error);

  g_assert_no_error (error);
  return value;
}

static void
test_wire (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (GVariant) transactions = parse (wires[i].text);

  g_assert_true (g_variant_is_of_type (transactions, G_VARIANT_TYPE ("aa{sv}")));
  g_assert_cmpint (
      trd_metrics_check (transactions, wires[i].n_hops), ==, wires[i].is_sensible);
}

/* So many that not all are told, and so many that none would be believed. */
static void
test_wire_many (void)
{
  g_autoptr (GString) text = g_string_new ("[@a{sv} {}");
  g_autoptr (GVariant) all = NULL;
  g_autoptr (GVariant) more = NULL;
  g_autofree char *closed = NULL;

  for (guint i = 1; i < TRD_TRANSACTIONS_MAX; i++)
    g_string_append (text, ", {}");
  closed = g_strconcat (text->str, "]", NULL);
  all = parse (closed);
  g_assert_true (trd_metrics_check (all, TRD_TRANSACTIONS_MAX));
  g_assert_true (trd_metrics_check (all, 101));
  g_string_append (text, ", {}]");
  more = parse (text->str);
  g_assert_false (trd_metrics_check (more, 101));
}

static void
test_wire_twice (void)
{
  g_autoptr (GVariant) transactions = g_variant_ref_sink (g_variant_new_array (
      G_VARIANT_TYPE_VARDICT,
      (GVariant *[]){ g_variant_new_parsed ("[{'proxy', <true>}, {'proxy', <true>}]") },
      1));

  g_assert_false (trd_metrics_check (transactions, 1));
}

static guint64
get_number (GVariant *metrics, const char *key)
{
  guint64 number = G_MAXUINT64;

  g_variant_lookup (metrics, key, "t", &number);
  return number;
}

static guint
get_count (GVariant *metrics, const char *key)
{
  guint count = G_MAXUINT;

  g_variant_lookup (metrics, key, "u", &count);
  return count;
}

/* An attempt of one hop that brought @size bytes and left a file of @received. */
static void
add (GVariant **metrics, guint status, guint64 size, guint64 received, guint number)
{
  g_autofree char *text = g_strdup_printf (
      "[{'status': <uint32 %u>, 'response-body-size': <uint64 %" G_GUINT64_FORMAT ">}]",
      status,
      size);
  g_autoptr (GVariant) transactions = parse (text);
  g_autoptr (GVariant) before = *metrics;
  TrdMetricsAttempt attempt
      = { .transactions = transactions, .n_hops = 1, .received = received };

  *metrics = trd_metrics_add_attempt (before, &attempt, number);
  g_assert_false (g_variant_is_floating (*metrics));
}

static void
assert_bytes (GVariant *metrics, guint64 fetched, guint64 again, guint64 reached)
{
  g_assert_cmpuint (get_number (metrics, "bytes-fetched"), ==, fetched);
  g_assert_cmpuint (get_number (metrics, "bytes-fetched-again"), ==, again);
  g_assert_cmpuint (get_number (metrics, "bytes-reached"), ==, reached);
}

/* A cut, going on, an error, beginning anew: what came again is known. */
static void
test_bytes (void)
{
  g_autoptr (GVariant) metrics = NULL;

  add (&metrics, 200, 40, 40, 1);
  assert_bytes (metrics, 40, 0, 40);
  add (&metrics, 206, 10, 50, 2);
  assert_bytes (metrics, 50, 0, 50);
  add (&metrics, 206, 25, 65, 3);
  assert_bytes (metrics, 75, 10, 65);
  add (&metrics, 503, 7, 65, 4);
  assert_bytes (metrics, 82, 10, 65);
  add (&metrics, 200, 30, 30, 5);
  assert_bytes (metrics, 112, 40, 65);
  add (&metrics, 200, 100, 100, 6);
  assert_bytes (metrics, 212, 105, 100);
}

/* Of an attempt that was stopped the file tells. */
static void
test_stopped (void)
{
  TrdMetricsAttempt attempt = { .base = 40, .received = 60, .n_redirects = 1 };
  g_autoptr (GVariant) first = NULL;
  g_autoptr (GVariant) second = NULL;

  add (&first, 200, 40, 40, 1);
  second = trd_metrics_add_attempt (first, &attempt, 2);
  assert_bytes (second, 60, 0, 60);
  g_assert_cmpuint (get_count (second, "redirects"), ==, 1);
}

static void
assert_kept (GVariant *metrics, guint i, guint number)
{
  g_autoptr (GVariant) all = g_variant_lookup_value (
      metrics, "transactions", G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GVariant) one = g_variant_get_child_value (all, i);

  g_assert_cmpuint (get_count (one, "attempt"), ==, number);
}

/* The first and the last are kept, and the others counted. */
static void
test_many (void)
{
  g_autoptr (GVariant) metrics = NULL;
  g_autoptr (GVariant) all = NULL;

  for (guint i = 1; i <= 1000; i++)
    add (&metrics, 503, 0, 0, i);
  all = g_variant_lookup_value (metrics, "transactions", G_VARIANT_TYPE ("aa{sv}"));
  g_assert_cmpuint (g_variant_n_children (all), ==, TRD_TRANSACTIONS_MAX);
  g_assert_cmpuint (
      get_count (metrics, "transactions-left-out"), ==, 1000 - TRD_TRANSACTIONS_MAX);
  assert_kept (metrics, 0, 1);
  assert_kept (metrics, TRD_TRANSACTIONS_FIRST - 1, TRD_TRANSACTIONS_FIRST);
  assert_kept (metrics,
               TRD_TRANSACTIONS_FIRST,
               1000 - TRD_TRANSACTIONS_MAX + TRD_TRANSACTIONS_FIRST + 1);
  assert_kept (metrics, TRD_TRANSACTIONS_MAX - 1, 1000);
  g_assert_cmpuint (g_variant_get_size (metrics), <, 8192);
}

/* Hops that the worker left out are left out still. */
static void
test_left_out (void)
{
  g_autoptr (GVariant) transactions = parse ("[@a{sv} {}, {}]");
  TrdMetricsAttempt attempt = { .transactions = transactions, .n_hops = 9 };
  g_autoptr (GVariant) metrics = trd_metrics_add_attempt (NULL, &attempt, 1);

  g_assert_cmpuint (get_count (metrics, "transactions-left-out"), ==, 7);
}

/* Law 9. */
static void
test_no_secret (void)
{
  g_autoptr (GVariant) transactions = parse ("[{'url': <'http://u:hunter2@a/b'>}]");
  TrdMetricsAttempt attempt = { .transactions = transactions, .n_hops = 1 };
  g_autoptr (GVariant) metrics = trd_metrics_add_attempt (NULL, &attempt, 1);
  g_autofree char *text = g_variant_print (metrics, FALSE);

  g_assert_nonnull (strstr (text, "http://a/b"));
  g_assert_null (strstr (text, "hunter2"));
}

/* By reason, and no second of one lost to another. */
static void
test_waits (void)
{
  TrdMetricsWaits waits = { .queued_us = 7 };
  g_autoptr (GVariant) first = NULL;
  g_autoptr (GVariant) second = NULL;
  g_autoptr (GVariant) waited = NULL;
  g_autoptr (GVariant) expected = parse (
      "{'slot-host': uint64 5, 'back-off': uint64 14}");
  const char *word;
  GVariantIter iter;
  guint64 us;

  waits.waited_us[g_bit_nth_lsf (TRUNDLE_WAIT_BACK_OFF, -1)] = 7;
  first = trd_metrics_add_waits (NULL, &waits);
  waits.waited_us[g_bit_nth_lsf (TRUNDLE_WAIT_SLOT_HOST, -1)] = 5;
  second = trd_metrics_add_waits (first, &waits);
  g_assert_cmpuint (get_number (second, "queued"), ==, 14);
  waited = g_variant_lookup_value (second, "waited", G_VARIANT_TYPE ("a{st}"));
  g_assert_cmpuint (g_variant_n_children (waited), ==, 2);
  g_variant_iter_init (&iter, expected);
  while (g_variant_iter_next (&iter, "{&st}", &word, &us))
    g_assert_cmpuint (get_number (waited, word), ==, us);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (wires); i++)
    {
      g_autofree char *path = g_strdup_printf ("/metrics/wire/%u", i);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_wire);
    }
  g_test_add_func ("/metrics/wire/many", test_wire_many);
  g_test_add_func ("/metrics/wire/twice", test_wire_twice);
  g_test_add_func ("/metrics/bytes", test_bytes);
  g_test_add_func ("/metrics/stopped", test_stopped);
  g_test_add_func ("/metrics/many", test_many);
  g_test_add_func ("/metrics/left-out", test_left_out);
  g_test_add_func ("/metrics/no-secret", test_no_secret);
  g_test_add_func ("/metrics/waits", test_waits);
  return g_test_run ();
}
