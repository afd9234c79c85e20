/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "port/clock.h"

/* The interface's dispatch only; the implementations are clock-system.c and a fake. */

G_DEFINE_INTERFACE (TrdClock, trd_clock, G_TYPE_OBJECT)

static guint was_set_signal;

static void
trd_clock_default_init (TrdClockInterface *iface)
{
  was_set_signal = g_signal_new (
      "was-set", TRD_TYPE_CLOCK, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

void
trd_clock_emit_was_set (TrdClock *self)
{
  g_return_if_fail (TRD_IS_CLOCK (self));

  g_signal_emit (self, was_set_signal, 0);
}

gint64
trd_clock_now_us (TrdClock *self)
{
  g_return_val_if_fail (TRD_IS_CLOCK (self), 0);

  return TRD_CLOCK_GET_IFACE (self)->now_us (self);
}

gint64
trd_clock_boottime_us (TrdClock *self)
{
  g_return_val_if_fail (TRD_IS_CLOCK (self), 0);

  return TRD_CLOCK_GET_IFACE (self)->boottime_us (self);
}

TrdMoment
trd_clock_now (TrdClock *self)
{
  return (TrdMoment){ trd_clock_now_us (self), trd_clock_boottime_us (self) };
}

guint
trd_clock_add_alarm (TrdClock *self,
                     gint64 delay_us,
                     TrdAlarmFunc func,
                     gpointer user_data)
{
  g_return_val_if_fail (TRD_IS_CLOCK (self), 0);
  g_return_val_if_fail (func != NULL, 0);

  return TRD_CLOCK_GET_IFACE (self)->add_alarm (self, delay_us, func, user_data);
}

guint
trd_clock_add_date_alarm (TrdClock *self,
                          gint64 date_us,
                          TrdAlarmFunc func,
                          gpointer user_data)
{
  g_return_val_if_fail (TRD_IS_CLOCK (self), 0);
  g_return_val_if_fail (func != NULL, 0);

  return TRD_CLOCK_GET_IFACE (self)->add_date_alarm (self, date_us, func, user_data);
}

void
trd_clock_remove_alarm (TrdClock *self, guint id)
{
  g_return_if_fail (TRD_IS_CLOCK (self));
  g_return_if_fail (id != 0);

  TRD_CLOCK_GET_IFACE (self)->remove_alarm (self, id);
}
