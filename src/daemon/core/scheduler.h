/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/registry.h"

/* Decides which queued tasks run, and runs them.  Slots per host, app and in all; strict
 * order of priority, then of creation, within an app; between apps the one with the
 * fewest running tasks first. */
#define TRD_TYPE_SCHEDULER (trd_scheduler_get_type ())
G_DECLARE_FINAL_TYPE (TrdScheduler, trd_scheduler, TRD, SCHEDULER, GObject)

/* Signals: "drained": nothing runs any more.
 * "progress" (TrdTask *): counters of a running task moved. */
TrdScheduler *
trd_scheduler_new (TrdRegistry *registry);
void
trd_scheduler_start (TrdScheduler *self);

/* Puts running tasks back into the queue and starts nothing more: the daemon leaves. */
void
trd_scheduler_stop (TrdScheduler *self);

guint
trd_scheduler_count_running (TrdScheduler *self);
/* Queued and able to run but for a slot or the network. */
guint
trd_scheduler_count_waiting (TrdScheduler *self);
/* Bytes a second over the last seconds. */
guint64
trd_scheduler_get_rate (TrdScheduler *self);
/* When something is due that nothing else would bring about. */
TrdDue
trd_scheduler_next_due (TrdScheduler *self);
/* TRUE when queued tasks wait for something only a living daemon would notice. */
gboolean
trd_scheduler_is_waiting (TrdScheduler *self);
