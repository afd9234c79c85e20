/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Moments that survive what may happen to clocks.  While the machine runs, CLOCK_BOOTTIME
 * decides, and nobody can set it.  It begins anew with each boot, so that after one the
 * dates must tell how long the machine was off, and those may be wrong:
 *
 * - What was left of a delay when the earlier boot was last looked at, `last`, is known
 * by its own CLOCK_BOOTTIME, whatever was done to its dates.
 * - From then on the clock on the wall is all there is.  The time it has moved on is
 * taken off, whether the machine was on or off.
 * - A clock that stands before `last` is wrong, say without a battery in 1970, or it was
 *   wrong then and has been put right.  How much time has passed is not known; nothing is
 *   taken off, and no more is left than before.
 * - A clock that stands years ahead cannot be told from years in a drawer, and is
 *   believed: what was to end in that time ends.
 *
 * A moment without CLOCK_BOOTTIME, of an older version, has only its date. */

#include "config.h"

#include "value/moment.h"

static gboolean
is_moment (gint64 us)
{
  return us > 0 && us < G_MAXINT64;
}

gint64
trd_moment_after (TrdMoment now, gint64 delay_us)
{
  return delay_us >= G_MAXINT64 - now.boot_us ? G_MAXINT64 : now.boot_us + delay_us;
}

TrdMoment
trd_moment_at (TrdMoment now, gint64 boot_us)
{
  if (boot_us == G_MAXINT64)
    return (TrdMoment){ G_MAXINT64, G_MAXINT64 };
  if (boot_us <= 0)
    return (TrdMoment){ boot_us, 0 };

  return (TrdMoment){ trd_moment_date (now, boot_us), boot_us };
}

gint64
trd_moment_date (TrdMoment now, gint64 boot_us)
{
  if (!is_moment (boot_us))
    return 0;

  /* Soon after 1970 what is over would be before it, where numbers mean something else.
   */
  return CLAMP (now.wall_us + (boot_us - now.boot_us), 1, G_MAXINT64 - 1);
}

static gint64
left_us (TrdMoment moment, const TrdRestart *restart)
{
  gint64 passed_us = MAX (restart->now.wall_us - restart->last.wall_us, 0);

  if (restart->same_boot && moment.boot_us > 0)
    return moment.boot_us - restart->now.boot_us;
  if (moment.boot_us > 0 && restart->last.boot_us > 0)
    return moment.boot_us - restart->last.boot_us - passed_us;

  return moment.wall_us - MAX (restart->now.wall_us, restart->last.wall_us);
}

gint64
trd_moment_restore (TrdMoment moment, const TrdRestart *restart, gint64 longest_us)
{
  gint64 left;

  if (!is_moment (moment.wall_us))
    return moment.wall_us;

  left = MIN (left_us (moment, restart), longest_us);
  /* What is over in this boot may stay where it is: it was 0 or above then. */
  if (restart->same_boot && moment.boot_us > 0)
    return restart->now.boot_us + left;

  return restart->now.boot_us + MAX (left, 0);
}

gint64
trd_sooner_us (gint64 first_us, gint64 second_us)
{
  if (first_us == 0 || second_us == 0)
    return MAX (first_us, second_us);

  return MIN (first_us, second_us);
}
