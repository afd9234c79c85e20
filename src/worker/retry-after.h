/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* What Retry-After (RFC 9110 §10.2.3) asks for, in milliseconds from now: a number of
 * seconds, or a date, which counts from the answer's own @date (nullable) when that makes
 * sense, since both were told by one clock, and else from @now_us.  A date that is over
 * asks for 0, an absurd wait is a year.  FALSE when @value (nullable) is neither. */
gboolean
trw_retry_after_parse (const char *value,
                       const char *date,
                       gint64 now_us,
                       guint64 *out_ms);
