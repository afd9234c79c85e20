/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether a queued task may run now, and if not, why: pure, so that it can be printed,
 * tested and explained.  Law 13: whatever waits says why. */

#include "config.h"

#include "core/policy.h"

#include "common/defaults.h"

TrundleWaitReasons
trd_policy_reasons (const TrdFacts *facts, const TrdWorld *world)
{
  guint32 reasons = 0;

  if (facts->not_before_us > world->now_us)
    reasons |= facts->hold;
  if (facts->earliest_begin_us > world->date_us)
    reasons |= TRUNDLE_WAIT_EARLIEST_BEGIN;
  if (facts->needs_network && !world->network)
    reasons |= TRUNDLE_WAIT_NO_NETWORK;
  if (facts->keyring_locked)
    reasons |= TRUNDLE_WAIT_KEYRING_LOCKED;

  /* A slot is only what it waits for once nothing else is. */
  if (reasons != 0)
    return reasons;

  if (facts->host_full)
    reasons |= TRUNDLE_WAIT_SLOT_HOST;
  if (facts->app_full)
    reasons |= TRUNDLE_WAIT_SLOT_APP;
  if (facts->total_full)
    reasons |= TRUNDLE_WAIT_SLOT_TOTAL;

  return reasons;
}

gint64
trd_policy_recheck_us (guint n_looks)
{
  gint64 delay_us = TRD_RECHECK_MIN_US;

  for (guint i = 0; i < n_looks && delay_us < TRD_RECHECK_MAX_US; i++)
    delay_us *= 2;

  return MIN (delay_us, TRD_RECHECK_MAX_US);
}
