/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* Starts @program with nothing of ours: no arguments, an empty environment, default
 * signals, nothing open but standard error, /dev/null and, as descriptor 3, one end of a
 * socket pair.  Call it from the main thread: the worker asks to die with the thread that
 * started it.  The caller owns @out_pidfd and @out_socket_fd and must reap @out_pid. */
gboolean
trd_worker_spawn (const char *program,
                  int *out_pid,
                  int *out_pidfd,
                  int *out_socket_fd,
                  GError **error);
