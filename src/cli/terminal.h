/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "cli/secret.h"

/* The terminal that the tool was started from, wherever its output goes: to ask people.
 */
typedef struct _TrcTerminal TrcTerminal;

/* NULL when there is none, or it is somebody else's turn on it: we are in the
 * background. */
TrcTerminal *
trc_terminal_open (void);
void
trc_terminal_free (TrcTerminal *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrcTerminal, trc_terminal_free)

/* Lines, or the beginning of one. */
void
trc_terminal_say (TrcTerminal *self, const char *text);

/* A line from the user, without its end.  The main loop turns meanwhile.  NULL with
 * G_IO_ERROR_CANCELLED when he interrupts it or @cancellable is; with G_IO_ERROR_CLOSED
 * at the end of file.  Both after the terminal is as it was.  (transfer full) */
char *
trc_terminal_ask (TrcTerminal *self,
                  const char *prompt,
                  GCancellable *cancellable,
                  GError **error);
/* The same, without showing what is typed.  (transfer full) */
TrcSecret *
trc_terminal_ask_secret (TrcTerminal *self,
                         const char *prompt,
                         GCancellable *cancellable,
                         GError **error);
