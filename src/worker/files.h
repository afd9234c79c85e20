/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* The descriptors that came with a call. */
typedef struct
{
  int *fds; /* (owned): -1 where it was taken */
  int n_fds;
} TrwFiles;

/* Takes all of them out of the message, so that none lingers in it: the locks are on
 * their descriptions, and Stop promises to let them go. */
void
trw_files_init (TrwFiles *self, GDBusMethodInvocation *invocation);

/* Closes what was not taken. */
void
trw_files_clear (TrwFiles *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TrwFiles, trw_files_clear)

/* That with @handle, which is the caller's from now on; -1 when there is none, or not any
 * more. */
int
trw_files_take (TrwFiles *self, int handle);
