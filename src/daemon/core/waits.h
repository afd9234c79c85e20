/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/task.h"
#include "value/metrics.h"

/* How long a task waited for what.  It is counted in memory and stored whenever the row
 * is written for another reason; what was counted since is lost with the daemon. */

/* Whatever the task waited for until @now_us (CLOCK_BOOTTIME) is counted: to be called
 * before its state or its reasons change. */
void
trd_waits_count (TrdTask *task, gint64 now_us);

/* What was counted since the row was written, and what would be now.  FALSE for nothing.
 */
gboolean
trd_waits_get (const TrdTask *task, gint64 now_us, TrdMetricsWaits *out_waits);

/* It is in the row, or the task is gone. */
void
trd_waits_forget (TrdTask *task);

/* The new reasons of a task that is queued. */
void
trd_waits_set_reasons (TrdTask *task, guint32 reasons, gint64 now_us);
