/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bars and how they get onto the terminal.  A frame is one write: go up over the old one,
 * write each line and clear its rest, clear what is below; nothing is ever blank
 * meanwhile, so that nothing flickers. */

#include "config.h"

#include "cli/progress.h"

#include <glib/gi18n.h>
#include <math.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/print.h"

#define RATE_MEAN_SECONDS 3.0
#define RATE_STEP_US (200 * 1000)

/* The columns right of the bar: percent, size, rate, time left. */
#define FACTS_COLUMNS 36
/* Narrower than this there is no bar, only label and percent. */
#define BAR_FROM_COLUMNS 60

#define CLEAR_LINE_END "\033[K"
#define CLEAR_BELOW "\033[J"

struct _TrcProgress
{
  GArray *widths; /* (owned) (element-type guint): columns of each line on the screen */
};

void
trc_rate_update (TrcRate *self, gint64 now_us, guint64 bytes)
{
  double seconds;
  double now_rate;
  double weight;

  /* A restart from the beginning is not a negative rate. */
  if (self->at_us == 0 || bytes < self->bytes)
    {
      *self = (TrcRate){ .at_us = now_us, .bytes = bytes };
      return;
    }
  if (now_us - self->at_us < RATE_STEP_US)
    return;

  seconds = (double)(now_us - self->at_us) / G_USEC_PER_SEC;
  now_rate = (double)(bytes - self->bytes) / seconds;
  weight = self->per_second > 0 ? 1 - exp (-seconds / RATE_MEAN_SECONDS) : 1;
  self->per_second += weight * (now_rate - self->per_second);
  self->at_us = now_us;
  self->bytes = bytes;
}

static void
append_bar (GString *out, const TrcBar *bar, guint columns)
{
  guint inner = columns - 2;
  guint filled = 0;
  guint confirmed = 0;
  guint n_blocks = bar->moved / (256 * 1024);

  if (bar->all > 0)
    {
      filled = MIN (inner, (guint)((double)bar->moved / bar->all * inner));
      confirmed = MIN (filled, (guint)((double)bar->confirmed / bar->all * inner));
    }

  g_string_append_c (out, '[');
  for (guint i = 0; i < inner; i++)
    if (bar->all >= 0)
      g_string_append_c (out, i < confirmed ? '=' : i < filled ? '#' : '.');
    else
      /* Of unknown length: a mark that moves as bytes come in. */
      g_string_append_c (out, i == n_blocks % inner ? '#' : '.');
  g_string_append_c (out, ']');
}

static char *
format_percent (const TrcBar *bar)
{
  double share;

  if (bar->all <= 0)
    return g_strdup ("     ");
  share = MIN (100.0, floor (100.0 * bar->moved / bar->all));
  return g_strdup_printf ("%3.0f %%", share);
}

static char *
format_facts (const TrcBar *bar)
{
  g_autofree char *percent = format_percent (bar);
  g_autofree char *size = trc_print_size ((gint64)bar->moved);
  g_autofree char *rate = NULL;
  g_autofree char *left = NULL;
  g_autofree char *text = NULL;

  if (bar->note != NULL)
    return g_strdup_printf ("%s  %s", percent, bar->note);
  rate = bar->rate > 0 ? trc_print_rate (bar->rate) : g_strdup ("");
  left = trc_print_duration (trc_print_time_left (bar->moved, bar->all, bar->rate));
  text = g_strdup_printf ("%s %9s %11s %7s", percent, size, rate, left);
  return g_steal_pointer (&text);
}

char *
trc_progress_format_bar (const TrcBar *bar, guint columns)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_autofree char *facts = NULL;
  g_autofree char *label = NULL;
  g_autofree char *right = NULL;
  guint label_columns;

  if (columns < BAR_FROM_COLUMNS)
    {
      facts = columns > 12 ? format_percent (bar) : g_strdup ("");
      label_columns = columns - trc_print_columns (facts) - (columns > 12 ? 1 : 0);
      label = trc_print_fit_middle (bar->label, label_columns);
      g_string_append_printf (out, columns > 12 ? "%s %s" : "%s%s", label, facts);
      return g_string_free (g_steal_pointer (&out), FALSE);
    }

  label_columns = (columns - FACTS_COLUMNS) / 2;
  facts = format_facts (bar);
  label = trc_print_fit_middle (bar->label, label_columns);
  right = trc_print_fit (facts, FACTS_COLUMNS);
  g_string_append_printf (out, "%s ", label);
  append_bar (out, bar, columns - FACTS_COLUMNS - label_columns - 2);
  g_string_append_printf (out, " %s", right);
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static char *
format_total (const TrcTotal *total, guint n_hidden, guint columns)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_autofree char *size = trc_print_size ((gint64)total->moved);
  gint64 seconds;

  g_string_append_printf (out, _ ("%u of %u finished"), total->n_finished, total->n_all);
  if (n_hidden > 0)
    g_string_append_printf (out, _ (", %u not shown"), n_hidden);
  g_string_append_printf (out, ", %s", size);
  if (total->rate > 0)
    {
      g_autofree char *rate = trc_print_rate (total->rate);

      g_string_append_printf (out, ", %s", rate);
    }
  seconds = trc_print_time_left (0, total->left, total->rate);
  if (seconds >= 0)
    {
      g_autofree char *left = trc_print_duration (seconds);

      /* Translators: a time left, as in "2:05 left" */
      g_string_append_printf (out, _ (", %s left"), left);
    }
  return trc_print_fit (out->str, columns);
}

GPtrArray *
trc_progress_format_frame (
    const TrcBar *bars, guint n_bars, const TrcTotal *total, guint columns, guint lines)
{
  GPtrArray *frame = g_ptr_array_new_with_free_func (g_free);
  gboolean has_total = total->n_all > 1;
  guint n_shown = n_bars;

  if (has_total && lines > 0)
    lines--;
  n_shown = MIN (n_bars, lines);
  for (guint i = 0; i < n_shown; i++)
    g_ptr_array_add (frame, trc_progress_format_bar (&bars[i], columns));
  if (has_total)
    g_ptr_array_add (frame, format_total (total, n_bars - n_shown, columns));
  return frame;
}

TrcProgress *
trc_progress_new (void)
{
  TrcProgress *self = g_new0 (TrcProgress, 1);

  self->widths = g_array_new (FALSE, FALSE, sizeof (guint));
  return self;
}

void
trc_progress_free (TrcProgress *self)
{
  g_array_unref (self->widths);
  g_free (self);
}

static void
get_terminal_size (guint *out_columns, guint *out_lines)
{
  struct winsize size = { 0 };

  if (ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
    size.ws_col = 0;
  *out_columns = size.ws_col > 0 ? size.ws_col : 80;
  *out_lines = size.ws_row > 0 ? size.ws_row : 24;
}

/* To the beginning of the old frame.  A terminal that became narrower has wrapped its
 * lines, so that they take more rows than were drawn. */
static void
append_way_up (TrcProgress *self, GString *out, guint columns)
{
  guint rows = 0;

  for (guint i = 0; i < self->widths->len; i++)
    {
      guint width = g_array_index (self->widths, guint, i);

      rows += MAX (1, (width + columns - 1) / columns);
    }
  if (rows > 0)
    g_string_append_printf (out, "\033[%uA", rows);
  g_string_append_c (out, '\r');
  g_array_set_size (self->widths, 0);
}

void
trc_progress_draw (TrcProgress *self,
                   const TrcBar *bars,
                   guint n_bars,
                   const TrcTotal *total)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_autoptr (GPtrArray) frame = NULL;
  guint columns;
  guint lines;

  get_terminal_size (&columns, &lines);
  append_way_up (self, out, columns);
  /* The last column stays free: some terminals wrap when it is written.  The last row is
   * the cursor's. */
  frame = trc_progress_format_frame (
      bars, n_bars, total, MAX (columns, 2) - 1, MAX (lines, 2) - 1);
  for (guint i = 0; i < frame->len; i++)
    {
      const char *line = g_ptr_array_index (frame, i);
      guint width = trc_print_columns (line);

      g_string_append_printf (out, "%s" CLEAR_LINE_END "\n", line);
      g_array_append_val (self->widths, width);
    }
  g_string_append (out, CLEAR_BELOW);
  trc_print_text (out->str);
}

void
trc_progress_erase (TrcProgress *self)
{
  g_autoptr (GString) out = g_string_new (NULL);
  guint columns;
  guint lines;

  if (self->widths->len == 0)
    return;
  get_terminal_size (&columns, &lines);
  append_way_up (self, out, columns);
  g_string_append (out, CLEAR_BELOW);
  trc_print_text (out->str);
}
