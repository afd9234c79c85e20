/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* The option `retry`, as it is in force for a task. */
typedef struct
{
  guint max_attempts;        /* in all; 0 for no limit */
  guint max_status_attempts; /* in a row; 0 for no limit */
  gint64 base_delay_us;
  gint64 max_delay_us;
  double jitter;
  guint16 statuses[64]; /* after which the request is repeated */
  guint n_statuses;
} TrdRetry;

/* Key by key: the task's over the session's (both whole option dictionaries, checked, and
 * nullable) over the default.  Pure. */
void
trd_retry_init (TrdRetry *self, GVariant *options, GVariant *configuration);

gboolean
trd_retry_has_status (const TrdRetry *self, guint status);

/* The wait after the @exponent-th failure in a row: doubled for each after the first,
 * spread by jitter, and never above the limit.  0 for an @exponent of 0.  @unit_random is
 * uniform in [0, 1).  Pure. */
gint64
trd_retry_delay_us (const TrdRetry *self, guint exponent, double unit_random);

/* What a server asked for by Retry-After, within reason. */
gint64
trd_retry_after_us (guint64 asked_ms);

/* Where the next attempt goes and how long it waits for it. */
typedef struct
{
  guint address;  /* 0 is the task's own, n the n-th mirror */
  guint failures; /* in a row, without progress */
  guint exponent; /* of the wait; 0: at once */
} TrdTurnover;

/* After an attempt at @address, one of @n_addresses, that failed: the same one again when
 * bytes came, else the next at once, and a wait when all of them have failed in a row.
 * Pure. */
void
trd_turnover_init (TrdTurnover *self,
                   guint n_addresses,
                   guint address,
                   guint failures,
                   gboolean progressed);
