/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* Where the program logs: to the journal when stderr is the journal, else to stderr. What
 * has the form of an address, in any message of any library, loses its user info, query
 * and fragment on the way (law 9).  Once, at the start of the program. */
void
trd_log_set_up (void);

/* A message about a task or a session, with the journal fields TRUNDLE_SESSION and
 * TRUNDLE_TASK beside it (an id of 0 is left out), so that
 * `journalctl --user TRUNDLE_TASK=42` tells its story. */
void
trd_log_task (
    GLogLevelFlags level, gint64 session_id, gint64 task_id, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

/* The redaction alone.  (transfer full) */
char *
trd_log_redact (const char *text);
