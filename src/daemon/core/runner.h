/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/registry.h"
#include "value/metrics.h"

/* Runs attempts: from START to the outcome, and from a complete part to a file under its
 * final name (law 6). */
#define TRD_TYPE_RUNNER (trd_runner_get_type ())
G_DECLARE_FINAL_TYPE (TrdRunner, trd_runner, TRD, RUNNER, GObject)

/* Signals: "progress" (TrdTask *, guint64 new bytes), "released" (TrdTask *). */
TrdRunner *
trd_runner_new (TrdRegistry *registry);

/* Begins the next attempt of a queued task; it may be over when this returns. */
void
trd_runner_begin (TrdRunner *self, TrdTask *task);

/* Whether what a queued task waits for, its folder or space on its disk, may be there
 * now.  Asks no server. */
gboolean
trd_runner_is_possible (TrdRunner *self, TrdTask *task);

/* One attempt, while its task is RUNNING. */
typedef struct _TrdRun TrdRun;

/* Ends it from outside and frees it: the task has left RUNNING. */
void
trd_run_end (TrdRun *run);
/* A file that is about to get its name is done in a moment: too late to suspend, cancel
 * or expire, the file wins. */
gboolean
trd_task_is_sealing (const TrdTask *task);
/* The server has given the answer that was wanted, whatever becomes of that with us: what
 * it made of an upload is not to be taken away again. */
gboolean
trd_task_is_answered (const TrdTask *task);
void
trd_run_get_progress (TrdRun *run, guint64 *out_received, gint64 *out_expected);
/* How far an upload is, and where the server keeps that (nullable, as the argument;
 * transfer none); FALSE when it is none. */
gboolean
trd_run_get_upload (TrdRun *run,
                    guint64 *out_sent,
                    guint64 *out_confirmed,
                    GVariant **out_upload);
/* All 0 for a download. */
void
trd_run_get_sending (TrdRun *run, TrdSending *out_sending);
/* A request that may not be repeated goes on at a place, and the server may have all of
 * it by now (law 12). */
gboolean
trd_run_is_unsure (const TrdRun *run);
/* What it brought until now; FALSE when it was no attempt: a file got its name only. */
gboolean
trd_run_measure (const TrdRun *run, TrdMetricsAttempt *out_attempt);
/* What is known of the answer so far.  (transfer none) (nullable) */
GVariant *
trd_run_get_response (TrdRun *run);
/* Whether @answer of this attempt is what the part holds: one that was refused leaves the
 * bytes of an earlier attempt alone. */
gboolean
trd_run_has_written (const TrdRun *run, GVariant *answer);
const char *
trd_run_get_current_url (TrdRun *run);
