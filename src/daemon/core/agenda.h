/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/task.h"

/* What happens when: tasks that wait for a moment or for a date, and the ends of their
 * time, in order.  Wakes its owner when the first of them is due, by either clock. */
typedef struct _TrdAgenda TrdAgenda;

TrdAgenda *
trd_agenda_new (TrdClock *clock, TrdAlarmFunc wake, gpointer user_data);
void
trd_agenda_free (TrdAgenda *self);

/* @task waits until its not_before_us. */
void
trd_agenda_hold (TrdAgenda *self, TrdTask *task);
/* @task waits for its earliest_begin_us, or for what is to be done then. */
void
trd_agenda_date (TrdAgenda *self, TrdTask *task);
/* @task waits for neither, if it did. */
void
trd_agenda_leave (TrdTask *task);
/* @task ends at its deadline_us, if it has one. */
void
trd_agenda_watch_deadline (TrdAgenda *self, TrdTask *task);
void
trd_agenda_unwatch_deadline (TrdTask *task);

/* The first that has waited long enough, or whose time is over.  (nullable) */
TrdTask *
trd_agenda_peek_held (TrdAgenda *self, gint64 now_us);
TrdTask *
trd_agenda_peek_overdue (TrdAgenda *self, gint64 now_us);
/* All that wait for @hold.  (element-type TrdTask) (transfer container) */
GPtrArray *
trd_agenda_collect_held (TrdAgenda *self, guint32 hold);
/* All whose date has come, but at most @max.
 * (element-type TrdTask) (transfer container) */
GPtrArray *
trd_agenda_collect_dated (TrdAgenda *self, gint64 date_us, guint max);

guint
trd_agenda_count_waiting (TrdAgenda *self);
TrdDue
trd_agenda_next_due (TrdAgenda *self);
/* Sets the alarms to what comes next. */
void
trd_agenda_arm (TrdAgenda *self);
/* Wakes nobody any more. */
void
trd_agenda_disarm (TrdAgenda *self);
