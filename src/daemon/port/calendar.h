/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

#include "value/moment.h"

/* Whether dates may be believed when something is to be deleted for its age.  Compares
 * @now with what was noted by the last call in @state_directory, and notes it: after a
 * leap of the clock on the wall, or a week in which nobody can say what it did, FALSE
 * until it has gone on for @grace_us as CLOCK_BOOTTIME does.  The first call of all
 * begins such a time. */
gboolean
trd_calendar_is_believed (const char *state_directory, TrdMoment now, gint64 grace_us);
