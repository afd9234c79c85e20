/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/transport.h"

/* The transport on worker processes: one per app and one per suspect, started on demand,
 * told to leave when idle, killed when they break the protocol. */
#define TRD_TYPE_WORKERS (trd_workers_get_type ())
G_DECLARE_FINAL_TYPE (TrdWorkers, trd_workers, TRD, WORKERS, GObject)

/* @program: path of trundle-worker.  Emits "version-mismatch" when a worker of another
 * protocol or version says Hello: the daemon then holds everything and exits for its new
 * self. */
TrdWorkers *
trd_workers_new (const char *program);

/* Idle time after which a worker is told to leave; TRD_WORKER_IDLE_MS unless set. */
void
trd_workers_set_idle_ms (TrdWorkers *self, guint idle_ms);

/* How long a worker may take to say Hello, and how long it may linger when it is to
 * leave; TRD_WORKER_ANSWER_MS and TRD_WORKER_LINGER_MS unless set.  For
 * workers that are started afterwards. */
void
trd_workers_set_patience_ms (TrdWorkers *self, guint answer_ms, guint linger_ms);

/* How long a worker may take to answer Stop; how often it is asked, while it has
 * attempts, whether it still turns, and for how long it may leave that unanswered before
 * it is killed as a violator; TRD_WORKER_STOP_MS, TRD_WORKER_PING_MS and
 * TRD_WORKER_SILENCE_MS unless set.  For workers that are started afterwards. */
void
trd_workers_set_liveness_ms (TrdWorkers *self,
                             guint stop_ms,
                             guint ping_ms,
                             guint silence_ms);

/* Process ids of the workers alive, for status and tests.  (element-type int)
 * (transfer full) */
GArray *
trd_workers_get_pids (TrdWorkers *self);
