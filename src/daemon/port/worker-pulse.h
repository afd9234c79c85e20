/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/worker-guard.h"

/* Feels whether a worker's main loop still turns: one that hung on somebody's data says
 * nothing wrong, and would hold its attempts for ever. */
typedef struct _TrdWorkerPulse TrdWorkerPulse;

/* At rest.  Asks every @ping_ms; a worker that has not answered for @silence_ms is
 * condemned with @guard. */
TrdWorkerPulse *
trd_worker_pulse_new (GDBusConnection *connection,
                      TrdWorkerGuard *guard,
                      guint ping_ms,
                      guint silence_ms);
/* Comes to rest. */
void
trd_worker_pulse_free (TrdWorkerPulse *self);

/* While it beats already, this does nothing. */
void
trd_worker_pulse_start (TrdWorkerPulse *self);

/* Wakes nobody any more. */
void
trd_worker_pulse_rest (TrdWorkerPulse *self);
