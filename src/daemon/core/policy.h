/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "common/enums.h"

/* What the world is like, as far as it decides anything. */
typedef struct
{
  gint64 now_us; /* CLOCK_BOOTTIME */
  gboolean network;
  gint64 date_us; /* the clock on the wall */
} TrdWorld;

/* What is to be known about a queued task. */
typedef struct
{
  gint64 not_before_us;
  guint32 hold;             /* TrundleWaitReasons that last until not_before_us */
  gint64 earliest_begin_us; /* a date */
  gboolean needs_network;
  gboolean keyring_locked; /* what it must send cannot be read yet */
  gboolean host_full;
  gboolean app_full;
  gboolean total_full;
} TrdFacts;

/* Why such a task does not run in such a world; 0 when it may.  Pure. */
TrundleWaitReasons
trd_policy_reasons (const TrdFacts *facts, const TrdWorld *world);

/* How long until a folder or a disk is looked at again, after @n_looks in vain.  Pure. */
gint64
trd_policy_recheck_us (guint n_looks);
