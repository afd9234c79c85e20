/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "core/courier.h"
#include "core/registry.h"
#include "core/scheduler.h"

/* The one way in: every call on the bus is identified, checked for ownership and only
 * then handed to its handler.  Takes the manager's object and the subtrees of sessions
 * and tasks on @bus; owning the names is the service's business.
 *
 * Signal "activity": a call came in. */
#define TRD_TYPE_GATE (trd_gate_get_type ())
G_DECLARE_FINAL_TYPE (TrdGate, trd_gate, TRD, GATE, GObject)

/* Also becomes the courier's outlet.  Holds its arguments. */
TrdGate *
trd_gate_new (GDBusConnection *bus,
              TrdRegistry *registry,
              TrdScheduler *scheduler,
              TrdCourier *courier,
              GError **error);

/* Answers nothing any more and sends no signals; calls under way still get their reply.
 * Disposing does it too, but a call under way keeps the gate alive. */
void
trd_gate_close (TrdGate *self);

/* Calls that have no reply yet: the daemon must stay. */
guint
trd_gate_count_calls (TrdGate *self);

/* Tests: where processes are looked up instead of "/proc". */
void
trd_gate_set_proc_root (TrdGate *self, const char *proc_root);

/* (transfer none) */
TrdRegistry *
trd_gate_get_registry (TrdGate *self);
TrdCourier *
trd_gate_get_courier (TrdGate *self);
const TrdEnv *
trd_gate_get_env (TrdGate *self);

/* Marks the file of a task as being moved; FALSE when it is already. */
gboolean
trd_gate_begin_move (TrdGate *self, gint64 task_id);
void
trd_gate_end_move (TrdGate *self, gint64 task_id);
