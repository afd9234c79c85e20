/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* Stands between a worker's messages and us, in GDBus's thread, so that a worker cannot
 * flood a busy daemon: what breaks the protocol in form or in number gets the worker
 * killed there and then.  Counted, since two threads know it. */
typedef struct _TrdWorkerGuard TrdWorkerGuard;

/* @pidfd (borrowed): the process to kill.  @interface (borrowed): the calls that may be
 * made of us; the first must be, and is once only, Hello. */
TrdWorkerGuard *
trd_worker_guard_new (int pidfd, GDBusInterfaceInfo *interface);
TrdWorkerGuard *
trd_worker_guard_ref (TrdWorkerGuard *self);
void
trd_worker_guard_unref (TrdWorkerGuard *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdWorkerGuard, trd_worker_guard_unref)

/* Before any message is processed.  The filter lives as long as @connection. */
void
trd_worker_guard_watch (TrdWorkerGuard *self, GDBusConnection *connection);

/* @call has been handled; one that is answered counts until the answer is written. */
void
trd_worker_guard_note_handled (TrdWorkerGuard *self, GDBusMessage *call);

/* The worker broke the protocol, @how: kills it, and lets nothing more of it through.
 * From any thread.  @how is a literal. */
void
trd_worker_guard_condemn (TrdWorkerGuard *self, const char *how);

/* How it broke the protocol; NULL while it has not. */
const char *
trd_worker_guard_get_violation (TrdWorkerGuard *self);
