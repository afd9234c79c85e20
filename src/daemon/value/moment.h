/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* The end of a delay, on both clocks: CLOCK_BOOTTIME, which nobody sets and which goes on
 * in suspend, and the date that was then expected, for showing and for after a reboot. */
typedef struct
{
  gint64 wall_us; /* realtime since the epoch; 0 for never */
  gint64 boot_us; /* CLOCK_BOOTTIME of the boot in which it was made; 0 when not known */
} TrdMoment;
