/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* Progress bars on a terminal, a line a task.  What is drawn is decided by pure
 * functions; TrcProgress puts it on the screen. */

/* An exponential mean over about three seconds. */
typedef struct
{
  gint64 at_us;
  guint64 bytes;
  double per_second; /* 0 while unknown */
} TrcRate;
void
trc_rate_update (TrcRate *self, gint64 now_us, guint64 bytes);

typedef struct
{
  char *label;
  const char *note;  /* (nullable): shown instead of rate and time left */
  guint64 moved;     /* bytes received, or sent */
  gint64 all;        /* -1 unknown */
  guint64 confirmed; /* of those sent: what the server says it has */
  double rate;
} TrcBar;

/* The line of one bar, exactly @columns wide.  (transfer full) */
char *
trc_progress_format_bar (const TrcBar *bar, guint columns);

/* What stands under the bars when there are several. */
typedef struct
{
  guint n_all;
  guint n_finished;
  guint64 moved;
  gint64 left; /* bytes; -1 unknown */
  double rate;
} TrcTotal;

/* As many bars as fit into @lines, then the rest in words and the total; lines without
 * their ends.  (element-type utf8) (transfer full) */
GPtrArray *
trc_progress_format_frame (
    const TrcBar *bars, guint n_bars, const TrcTotal *total, guint columns, guint lines);

typedef struct _TrcProgress TrcProgress;
TrcProgress *
trc_progress_new (void);
void
trc_progress_free (TrcProgress *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrcProgress, trc_progress_free)

/* Replaces what was drawn before, in one write. */
void
trc_progress_draw (TrcProgress *self,
                   const TrcBar *bars,
                   guint n_bars,
                   const TrcTotal *total);
/* Takes the bars away, so that lines may be printed; the next draw brings them back. */
void
trc_progress_erase (TrcProgress *self);
