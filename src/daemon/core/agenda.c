/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Three lists in order of time, and an alarm on each clock.  Decides nothing: the
 * scheduler asks what is due and does it. */

#include "config.h"

#include "core/agenda.h"

struct _TrdAgenda
{
  TrdClock *clock; /* (unowned), outlives us */
  TrdAlarmFunc wake;
  gpointer user_data;
  GSequence *held;      /* (owned) (element-type TrdTask): by not_before_us */
  GSequence *dated;     /* (owned) (element-type TrdTask): by earliest_begin_us */
  GSequence *deadlines; /* (owned) (element-type TrdTask): by deadline_us */
  guint alarm;          /* 0 when nothing is to end */
  guint date_alarm;     /* 0 when nothing waits for a date */
  TrdDue due;           /* what the alarms are set to */
};

TrdAgenda *
trd_agenda_new (TrdClock *clock, TrdAlarmFunc wake, gpointer user_data)
{
  TrdAgenda *self = g_new0 (TrdAgenda, 1);

  self->clock = clock;
  self->wake = wake;
  self->user_data = user_data;
  self->held = g_sequence_new (NULL);
  self->dated = g_sequence_new (NULL);
  self->deadlines = g_sequence_new (NULL);

  return self;
}

static void
drop_alarm (TrdAgenda *self, guint *alarm)
{
  if (*alarm != 0)
    trd_clock_remove_alarm (self->clock, *alarm);
  *alarm = 0;
}

void
trd_agenda_disarm (TrdAgenda *self)
{
  drop_alarm (self, &self->alarm);
  drop_alarm (self, &self->date_alarm);
}

void
trd_agenda_free (TrdAgenda *self)
{
  trd_agenda_disarm (self);
  g_sequence_free (self->held);
  g_sequence_free (self->dated);
  g_sequence_free (self->deadlines);
  g_free (self);
}

/* ---- coming and going ---- */

static int
compare (gint64 first, gint64 second)
{
  return (first > second) - (first < second);
}

static int
compare_not_before (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return compare (((const TrdTask *)a)->not_before_us,
                  ((const TrdTask *)b)->not_before_us);
}

static int
compare_earliest_begin (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return compare (((const TrdTask *)a)->earliest_begin_us,
                  ((const TrdTask *)b)->earliest_begin_us);
}

static int
compare_deadline (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return compare (((const TrdTask *)a)->deadline_us, ((const TrdTask *)b)->deadline_us);
}

void
trd_agenda_leave (TrdTask *task)
{
  g_clear_pointer (&task->alarm_place, g_sequence_remove);
}

void
trd_agenda_hold (TrdAgenda *self, TrdTask *task)
{
  trd_agenda_leave (task);
  task->alarm_place = g_sequence_insert_sorted (
      self->held, task, compare_not_before, NULL);
}

void
trd_agenda_date (TrdAgenda *self, TrdTask *task)
{
  trd_agenda_leave (task);
  task->alarm_place = g_sequence_insert_sorted (
      self->dated, task, compare_earliest_begin, NULL);
}

void
trd_agenda_unwatch_deadline (TrdTask *task)
{
  g_clear_pointer (&task->deadline_place, g_sequence_remove);
}

void
trd_agenda_watch_deadline (TrdAgenda *self, TrdTask *task)
{
  trd_agenda_unwatch_deadline (task);
  if (task->deadline_us <= 0 || task->deadline_us == G_MAXINT64)
    return;

  task->deadline_place = g_sequence_insert_sorted (
      self->deadlines, task, compare_deadline, NULL);
}

/* ---- what is due ---- */

static TrdTask *
peek_first (GSequence *tasks)
{
  GSequenceIter *first = g_sequence_get_begin_iter (tasks);

  return g_sequence_iter_is_end (first) ? NULL : g_sequence_get (first);
}

TrdTask *
trd_agenda_peek_held (TrdAgenda *self, gint64 now_us)
{
  TrdTask *task = peek_first (self->held);

  return task != NULL && task->not_before_us <= now_us ? task : NULL;
}

TrdTask *
trd_agenda_peek_overdue (TrdAgenda *self, gint64 now_us)
{
  TrdTask *task = peek_first (self->deadlines);

  return task != NULL && task->deadline_us <= now_us ? task : NULL;
}

GPtrArray *
trd_agenda_collect_held (TrdAgenda *self, guint32 hold)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new ();
  GSequenceIter *place = g_sequence_get_begin_iter (self->held);

  for (; !g_sequence_iter_is_end (place); place = g_sequence_iter_next (place))
    {
      TrdTask *task = g_sequence_get (place);

      if (task->hold & hold)
        g_ptr_array_add (tasks, task);
    }

  return g_steal_pointer (&tasks);
}

GPtrArray *
trd_agenda_collect_dated (TrdAgenda *self, gint64 date_us, guint max)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new ();
  GSequenceIter *place = g_sequence_get_begin_iter (self->dated);

  for (; !g_sequence_iter_is_end (place) && tasks->len < max;
       place = g_sequence_iter_next (place))
    {
      TrdTask *task = g_sequence_get (place);

      if (task->earliest_begin_us > date_us)
        break;
      g_ptr_array_add (tasks, task);
    }

  return g_steal_pointer (&tasks);
}

guint
trd_agenda_count_waiting (TrdAgenda *self)
{
  return g_sequence_get_length (self->held) + g_sequence_get_length (self->dated);
}

TrdDue
trd_agenda_next_due (TrdAgenda *self)
{
  TrdTask *held = peek_first (self->held);
  TrdTask *dated = peek_first (self->dated);
  TrdTask *ending = peek_first (self->deadlines);
  TrdDue due = { 0 };

  /* An answer may be waited for without end. */
  if (held != NULL && held->not_before_us != G_MAXINT64)
    due.boot_us = held->not_before_us;
  if (ending != NULL)
    due.boot_us = trd_sooner_us (due.boot_us, ending->deadline_us);
  if (dated != NULL)
    due.date_us = MAX (dated->earliest_begin_us, 1);

  return due;
}

/* ---- alarms ---- */

static void
on_alarm (gpointer user_data)
{
  TrdAgenda *self = user_data;

  self->alarm = 0;
  self->wake (self->user_data);
}

static void
on_date_alarm (gpointer user_data)
{
  TrdAgenda *self = user_data;

  self->date_alarm = 0;
  self->wake (self->user_data);
}

void
trd_agenda_arm (TrdAgenda *self)
{
  TrdDue due = trd_agenda_next_due (self);

  if (self->alarm == 0 || due.boot_us != self->due.boot_us)
    {
      drop_alarm (self, &self->alarm);
      if (due.boot_us != 0)
        self->alarm = trd_clock_add_alarm (self->clock,
                                           due.boot_us
                                               - trd_clock_boottime_us (self->clock),
                                           on_alarm,
                                           self);
    }
  if (self->date_alarm == 0 || due.date_us != self->due.date_us)
    {
      drop_alarm (self, &self->date_alarm);
      if (due.date_us != 0)
        self->date_alarm = trd_clock_add_date_alarm (
            self->clock, due.date_us, on_date_alarm, self);
    }
  self->due = due;
}
