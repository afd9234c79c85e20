/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* Dates and durations as people type them.  Pure. */

/* "2026-12-31T22:00", "2026-12-31 22:00:30", "2026-12-31" for its first moment, each with
 * a zone ("Z", "+01:00") or by @zone; "22:00" for the next time a clock in @zone shows
 * it. Microseconds since the epoch; FALSE when it is none of these. */
gboolean
trc_parse_date (const char *text, GDateTime *now, GTimeZone *zone, gint64 *out_us);

/* "45s", "30m", "12h", "2d", or several of them, as "1h30m".  FALSE for anything else, 0
 * and what no clock could count among it. */
gboolean
trc_parse_duration (const char *text, gint64 *out_us);
