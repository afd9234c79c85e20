/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib-object.h>

#include "value/moment.h"

/* Time, as an interface, so that tests need not wait for it.
 *
 * Signal: "was-set": the clock on the wall was, so that dates of before are others now.
 */
#define TRD_TYPE_CLOCK (trd_clock_get_type ())
G_DECLARE_INTERFACE (TrdClock, trd_clock, TRD, CLOCK, GObject)

typedef void (*TrdAlarmFunc) (gpointer user_data);

struct _TrdClockInterface
{
  GTypeInterface parent;
  gint64 (*now_us) (TrdClock *self);      /* realtime since the epoch */
  gint64 (*boottime_us) (TrdClock *self); /* CLOCK_BOOTTIME: goes on in suspend */
  guint (*add_alarm) (TrdClock *self, gint64 delay_us, TrdAlarmFunc func, gpointer data);
  guint (*add_date_alarm) (TrdClock *self,
                           gint64 date_us,
                           TrdAlarmFunc func,
                           gpointer data);
  void (*remove_alarm) (TrdClock *self, guint id);
};

gint64
trd_clock_now_us (TrdClock *self);
gint64
trd_clock_boottime_us (TrdClock *self);
/* Both. */
TrdMoment
trd_clock_now (TrdClock *self);

/* Calls @func once, from the main loop, @delay_us from now (at once for 0 or less), the
 * time of a suspend counted.  Returns an id > 0 that is spent when @func is called. */
guint
trd_clock_add_alarm (TrdClock *self,
                     gint64 delay_us,
                     TrdAlarmFunc func,
                     gpointer user_data);
/* Calls @func once, from the main loop, when the clock on the wall shows @date_us or
 * more, however it came there: at once when it is set past the date, later when it is set
 * back. Ids are those of the other alarms. */
guint
trd_clock_add_date_alarm (TrdClock *self,
                          gint64 date_us,
                          TrdAlarmFunc func,
                          gpointer user_data);
void
trd_clock_remove_alarm (TrdClock *self, guint id);

/* For implementations. */
void
trd_clock_emit_was_set (TrdClock *self);

/* The system's: one timerfd on CLOCK_BOOTTIME for delays, and one on CLOCK_REALTIME for
 * dates.  (transfer full) */
TrdClock *
trd_clock_new_system (void);
