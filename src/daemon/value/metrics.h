/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* What was measured of a task, as an a{sv} that grows with each attempt: what is stored
 * of the property Metrics.  Everything here is pure. */

/* What one attempt brought. */
typedef struct
{
  GVariant *transactions; /* (nullable): aa{sv} as checked, when the worker told them */
  guint n_hops;           /* in all, of which these are the first and the last */
  guint n_redirects;      /* that were followed */
  guint64 base;           /* length of the file it went on from, or 0 */
  guint64 received;       /* length of the file it left */
} TrdMetricsAttempt;

/* By number of the bit in TrundleWaitReasons. */
#define TRD_METRICS_N_WAITS 32

/* Microseconds. */
typedef struct
{
  gint64 queued_us;
  gint64 waited_us[TRD_METRICS_N_WAITS];
} TrdMetricsWaits;

/* Whether @transactions (aa{sv}) and @n_hops are what a worker may tell in Done. */
gboolean
trd_metrics_check (GVariant *transactions, guint n_hops);

/* @metrics (nullable) with what an attempt brought, its number being @number.  (transfer
 * full), not floating, both */
GVariant *
trd_metrics_add_attempt (GVariant *metrics,
                         const TrdMetricsAttempt *attempt,
                         guint number);
GVariant *
trd_metrics_add_waits (GVariant *metrics, const TrdMetricsWaits *waits);
