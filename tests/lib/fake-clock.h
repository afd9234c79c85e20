/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/clock.h"

/* A clock that stands still until it is told to advance.  It starts on 2026-01-01 at
 * noon, an hour after boot. */
#define FAKE_TYPE_CLOCK (fake_clock_get_type ())
G_DECLARE_FINAL_TYPE (FakeClock, fake_clock, FAKE, CLOCK, GObject)

FakeClock *
fake_clock_new (void);

/* Lets @us pass and calls the alarms that fall due, in order, each at its own moment; so
 * too those added meanwhile.  0 calls what is due already.  Does not run the main loop.
 */
void
fake_clock_advance (FakeClock *self, gint64 us);

/* The user or NTP sets the wall clock: boot time and delays do not move, and dates that
 * have come are called. */
void
fake_clock_set_now (FakeClock *self, gint64 now_us);

/* The machine sleeps for @us; what fell due meanwhile is called late, at its end. */
void
fake_clock_suspend (FakeClock *self, gint64 us);

/* The machine is started anew: boot time is a minute.  Nobody may be waiting. */
void
fake_clock_reboot (FakeClock *self, gint64 now_us);

/* Time until the next alarm, 0 when one is due, -1 when there is none. */
gint64
fake_clock_get_next_us (FakeClock *self);
