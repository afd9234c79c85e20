/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/transport.h"

typedef struct
{
  int pid;       /* to be reaped */
  int pidfd;     /* (owned) */
  int socket_fd; /* (owned) */
} TrdSpawned;

/* Starts @program with nothing of ours: no arguments but the name of a profile that is
 * not the confined one, an empty environment but for what that profile is told, default
 * signals, nothing open but standard error, /dev/null and, as descriptor 3, one end of a
 * socket pair.  Call it from the main thread: the worker asks to die with the thread that
 * started it. */
gboolean
trd_worker_spawn (const char *program,
                  TrdProfile profile,
                  TrdSpawned *out_spawned,
                  GError **error);
