/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* How things look on a terminal, in a pipe and as JSON.  Strings returned are (transfer
 * full) unless it says otherwise. */

/* A line on standard output.  Leaves the program when nobody reads any more. */
void
trc_print_line (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* The same without a line end: whole frames. */
void
trc_print_text (const char *text);
gboolean
trc_print_is_terminal (void);

/* "12.3 MB"; "?" for -1. */
char *
trc_print_size (gint64 bytes);
/* "12.3 MB/s" */
char *
trc_print_rate (double bytes_per_second);
/* "0:07", "12:05", "1:02:03", "3 d 04:05:06"; "?" below zero */
char *
trc_print_duration (gint64 seconds);
/* A moment in the user's zone; "never" for 0. */
char *
trc_print_time (gint64 realtime_us);
/* Seconds until the rest is moved, -1 when that cannot be known. */
gint64
trc_print_time_left (guint64 moved, gint64 all, double bytes_per_second);

/* @text with control characters, which could play tricks on a terminal, replaced. */
char *
trc_print_clean (const char *text);
/* Columns that @text takes on a terminal. */
guint
trc_print_columns (const char *text);
/* @text in exactly @columns: cut with "…" or filled up with blanks. */
char *
trc_print_fit (const char *text, guint columns);
/* The same, cut in the middle where it must: the ending of a file name tells much. */
char *
trc_print_fit_middle (const char *text, guint columns);

/* "NextAttemptAt" → "next-attempt-at" */
char *
trc_print_kebab (const char *name);
/* WaitReasons (as) as one phrase: "no network, slot". */
char *
trc_print_wait_reasons (GVariant *words);
/* "↑" of an upload, "↓" of a download, or what the terminal can show instead.  (transfer
 * none) */
const char *
trc_print_direction (gboolean is_upload);
/* First line of `ay`, to show what a server says: cleaned, and cut where it is long; ""
 * for what is no text, and for a page that is for browsers. */
char *
trc_print_first_line (GVariant *bytes);
/* A word of a task's kind.  (transfer none) */
const char *
trc_print_kind (const char *word);
/* A word of a task's state.  (transfer none) */
const char *
trc_print_state (const char *word);

/* A severity of a finding.  (transfer none) */
const char *
trc_print_severity (const char *word);

/* JSON (RFC 8259): dictionaries with string keys become objects, other dictionaries
 * arrays of pairs, `ay` a base64 string, numbers that JSON does not know null.  Control
 * characters are escaped, the C1 ones too, so that a line is safe on a terminal. */
void
trc_print_json_string (GString *out, const char *text);
void
trc_print_json_value (GString *out, GVariant *value);
/* One line: an object.  Takes @dict when it is floating. */
void
trc_print_json_line (GVariant *dict);
