/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "value/owner.h"

/* What /proc says of a process: its sandbox, or else its app by the name of its unit. */

/* Opens PID's directory under @proc_root.  The fd stands for that very process: once it
 * is gone, everything read through the fd fails, even when the number is used again. */
int
trd_process_pin (const char *proc_root, int pid, GError **error);

/* Computes who the process is.  Errors: G_IO_ERROR when it cannot be told: a caller that
 * might be in a sandbox is never taken for one that is not.  (transfer full) */
TrdOwner *
trd_process_identify (int process_fd, gboolean *out_has_network, GError **error);

/* The app id in a unit name such as `app-gnome-org.example.App-1234.scope`, or NULL.
 * (transfer full) */
char *
trd_process_app_id_of_unit (const char *unit);
/* The unit in the contents of /proc/PID/cgroup, or NULL.  (transfer full) */
char *
trd_process_unit_of_cgroup (const char *cgroup);
