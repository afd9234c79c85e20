/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Adding up what was measured.  A task may be tried for days: of its transactions the
 * first and the last are kept and the others counted, so that a row stays small. */

#include "config.h"

#include "value/metrics.h"

#include "common/defaults.h"
#include "common/enums.h"
#include "common/url.h"

#include <string.h>

/* One key of a transaction: strings and numbers have a bound. */
typedef struct
{
  const char *key;
  const char *type;
  guint64 max;
} Word;

static const Word words[] = {
  { "url", "s", 2048 },
  { "method", "s", 32 },
  { "status", "u", 999 },
  { "protocol", "s", 32 },
  { "reused-connection", "b", 0 },
  { "proxy", "b", 0 },
  { "fetch-start", "x", G_MAXINT64 },
  { "domain-lookup-start", "x", G_MAXINT64 },
  { "domain-lookup-end", "x", G_MAXINT64 },
  { "connect-start", "x", G_MAXINT64 },
  { "secure-connection-start", "x", G_MAXINT64 },
  { "connect-end", "x", G_MAXINT64 },
  { "request-start", "x", G_MAXINT64 },
  { "request-end", "x", G_MAXINT64 },
  { "response-start", "x", G_MAXINT64 },
  { "response-end", "x", G_MAXINT64 },
  { "request-header-bytes", "t", G_MAXINT64 },
  { "request-body-size", "t", G_MAXINT64 },
  { "response-header-bytes", "t", G_MAXINT64 },
  { "response-body-bytes", "t", G_MAXINT64 },
  { "response-body-size", "t", G_MAXINT64 },
  { "remote-address", "s", 64 },
  { "remote-port", "q", G_MAXUINT16 },
  { "tls-protocol", "s", 32 },
  { "tls-ciphersuite", "s", 128 },
};

static gboolean
is_in_bounds (const Word *word, GVariant *value)
{
  switch (word->type[0])
    {
    case 's':
      return strlen (g_variant_get_string (value, NULL)) <= word->max;
    case 'u':
      return g_variant_get_uint32 (value) <= word->max;
    case 't':
      return g_variant_get_uint64 (value) <= word->max;
    case 'x':
      return g_variant_get_int64 (value) >= 0;
    default:
      return TRUE;
    }
}

static gboolean
check_entry (const char *key, GVariant *value, guint *seen)
{
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      if (strcmp (words[i].key, key) != 0)
        continue;
      if ((*seen & (1u << i)) != 0
          || !g_variant_is_of_type (value, G_VARIANT_TYPE (words[i].type)))
        return FALSE;
      *seen |= 1u << i;
      return is_in_bounds (&words[i], value);
    }
  return FALSE;
}

static gboolean
check_transaction (GVariant *transaction)
{
  GVariantIter iter;
  const char *key;
  GVariant *value;
  guint seen = 0;

  g_variant_iter_init (&iter, transaction);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &value))
    {
      g_autoptr (GVariant) owned = value;

      if (!check_entry (key, owned, &seen))
        return FALSE;
    }
  return TRUE;
}

gboolean
trd_metrics_check (GVariant *transactions, guint n_hops)
{
  gsize n = g_variant_n_children (transactions);

  if (n > TRD_TRANSACTIONS_MAX || n > n_hops || (n < n_hops && n < TRD_TRANSACTIONS_MAX))
    return FALSE;
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) transaction = g_variant_get_child_value (transactions, i);

      if (!check_transaction (transaction))
        return FALSE;
    }
  return TRUE;
}

/* ---- adding up ---- */

static guint64
get_number (GVariantDict *dict, const char *key)
{
  guint64 number = 0;

  g_variant_dict_lookup (dict, key, "t", &number);
  return number;
}

static void
add_number (GVariantDict *dict, const char *key, guint64 more)
{
  g_variant_dict_insert (dict, key, "t", get_number (dict, key) + more);
}

static void
add_count (GVariantDict *dict, const char *key, guint more)
{
  guint count = 0;

  g_variant_dict_lookup (dict, key, "u", &count);
  g_variant_dict_insert (dict, key, "u", count + MIN (more, G_MAXUINT - count));
}

/* No address of a worker's gets into a row as it is (law 9). */
static GVariant *
number_transaction (GVariant *transaction, guint number)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (transaction);
  g_autofree char *url = NULL;
  g_autofree char *clean = NULL;

  g_variant_dict_insert (&dict, "attempt", "u", number);
  if (g_variant_dict_lookup (&dict, "url", "s", &url))
    {
      clean = trundle_url_without_user_info (url, NULL);
      g_variant_dict_insert (&dict, "url", "s", clean);
    }
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

static void
add_transactions (GVariantDict *dict, const TrdMetricsAttempt *attempt, guint number)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (
      (GDestroyNotify)g_variant_unref);
  g_autoptr (GVariant) before = g_variant_dict_lookup_value (
      dict, "transactions", G_VARIANT_TYPE ("aa{sv}"));
  gsize n_before = before != NULL ? g_variant_n_children (before) : 0;
  gsize n_new = g_variant_n_children (attempt->transactions);
  guint n_left_out = attempt->n_hops - (guint)n_new;

  for (gsize i = 0; i < n_before; i++)
    g_ptr_array_add (all, g_variant_get_child_value (before, i));
  for (gsize i = 0; i < n_new; i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (attempt->transactions, i);

      g_ptr_array_add (all, number_transaction (one, number));
    }
  for (; all->len > TRD_TRANSACTIONS_MAX; n_left_out++)
    g_ptr_array_remove_index (all, TRD_TRANSACTIONS_FIRST);

  g_variant_dict_insert_value (dict,
                               "transactions",
                               g_variant_new_array (G_VARIANT_TYPE_VARDICT,
                                                    (GVariant *const *)all->pdata,
                                                    all->len));
  add_count (dict, "transactions-left-out", n_left_out);
}

/* Bytes of all bodies, and of the last when it was what was asked for: that of the file.
 */
static void
count_bodies (const TrdMetricsAttempt *attempt, guint64 *out_all, guint64 *out_file)
{
  gsize n = attempt->transactions != NULL ? g_variant_n_children (attempt->transactions)
                                          : 0;

  *out_all = 0;
  *out_file = 0;
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (attempt->transactions, i);
      guint64 size = 0;
      guint status = 0;

      g_variant_lookup (one, "response-body-size", "t", &size);
      g_variant_lookup (one, "status", "u", &status);
      *out_all += size;
      if (i == n - 1 && status / 100 == 2)
        *out_file = size;
    }
  /* The worker was stopped, or is dead: what the file has grown by is the least. */
  if (n == 0 && attempt->received > attempt->base)
    *out_all = *out_file = attempt->received - attempt->base;
}

GVariant *
trd_metrics_add_attempt (GVariant *metrics,
                         const TrdMetricsAttempt *attempt,
                         guint number)
{
  g_auto (GVariantDict) dict = { 0 };
  guint64 reached;
  guint64 n_all;
  guint64 n_file;
  guint64 growth;

  g_variant_dict_init (&dict, metrics);
  count_bodies (attempt, &n_all, &n_file);
  reached = get_number (&dict, "bytes-reached");
  growth = attempt->received > reached ? attempt->received - reached : 0;

  if (attempt->transactions != NULL)
    add_transactions (&dict, attempt, number);
  add_count (&dict, "redirects", attempt->n_redirects);
  add_number (&dict, "bytes-fetched", n_all);
  add_number (&dict, "bytes-fetched-again", n_file > growth ? n_file - growth : 0);
  g_variant_dict_insert (&dict, "bytes-reached", "t", reached + growth);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

GVariant *
trd_metrics_add_waits (GVariant *metrics, const TrdMetricsWaits *waits)
{
  g_auto (GVariantDict) dict = { 0 };
  g_autoptr (GVariant) before = NULL;
  GVariantBuilder builder;

  g_variant_dict_init (&dict, metrics);
  before = g_variant_dict_lookup_value (&dict, "waited", G_VARIANT_TYPE ("a{st}"));
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{st}"));
  for (guint bit = 0; bit < TRD_METRICS_N_WAITS; bit++)
    {
      g_autofree const char **reason = trundle_wait_reasons_to_words (
          (TrundleWaitReasons)(1u << bit));
      guint64 us = 0;

      if (reason[0] == NULL)
        continue;
      if (before != NULL)
        g_variant_lookup (before, reason[0], "t", &us);
      us += (guint64)waits->waited_us[bit];
      if (us > 0)
        g_variant_builder_add (&builder, "{st}", reason[0], us);
    }
  g_variant_dict_insert_value (&dict, "waited", g_variant_builder_end (&builder));
  add_number (&dict, "queued", (guint64)waits->queued_us);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}
