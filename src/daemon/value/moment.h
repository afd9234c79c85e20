/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* The end of a delay, on both clocks: CLOCK_BOOTTIME, which nobody sets and which goes on
 * in suspend, and the date that was then expected, for showing and for after a reboot.
 *
 * In memory such a moment is the one number on CLOCK_BOOTTIME: 0 for none, G_MAXINT64 for
 * never, and below 0 what is left of a delay that stands still. */
typedef struct
{
  gint64 wall_us; /* realtime since the epoch; 0 for none */
  gint64 boot_us; /* CLOCK_BOOTTIME of the boot in which it was made; 0 when not known */
} TrdMoment;

/* What comes next, by each clock; 0 for nothing. */
typedef struct
{
  gint64 boot_us; /* the end of a delay, on CLOCK_BOOTTIME */
  gint64 date_us; /* a date, which follows whoever sets the clock */
} TrdDue;

/* What is known when the service starts again. */
typedef struct
{
  TrdMoment now;
  gboolean same_boot; /* the machine runs since the moments were written down */
  TrdMoment last;     /* else: the last look at the clocks of that boot; 0 for none */
} TrdRestart;

/* All pure. */

/* @delay_us from @now, on CLOCK_BOOTTIME; never, when that is beyond all numbers. */
gint64
trd_moment_after (TrdMoment now, gint64 delay_us);

/* What memory holds, as it is written down at @now. */
TrdMoment
trd_moment_at (TrdMoment now, gint64 boot_us);

/* The date expected @now for a moment that memory holds; 0 unless there will be one. */
gint64
trd_moment_date (TrdMoment now, gint64 boot_us);

/* What was written down, as memory holds it; at most @longest_us are left. */
gint64
trd_moment_restore (TrdMoment moment, const TrdRestart *restart, gint64 longest_us);

/* The sooner of both; 0 is none. */
gint64
trd_sooner_us (gint64 first_us, gint64 second_us);
