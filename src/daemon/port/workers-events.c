/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the workers tell, passed on to who holds the attempt, and what the end of one
 * means for the attempts in it.  The sink may do anything meanwhile: everything is put in
 * order before it hears. */

#include "config.h"

#include "port/workers-private.h"

static TrdWorker *
find_worker (TrdWorkers *self, TrdWorkerProcess *process)
{
  for (guint i = 0; i < self->workers->len; i++)
    {
      TrdWorker *worker = g_ptr_array_index (self->workers, i);

      if (worker->process == process)
        return worker;
    }
  g_assert_not_reached ();
}

/* An attempt that @process was given and that is not over. */
static TrdWorkerAttempt *
find_attempt (TrdWorkers *self, TrdWorkerProcess *process, guint64 number)
{
  TrdWorkerAttempt *attempt = g_hash_table_lookup (self->attempts, &number);
  gboolean is_there = attempt != NULL && attempt->worker != NULL
                      && attempt->worker->process == process && attempt->part_fd < 0;

  return is_there ? attempt : NULL;
}

static void
tell_done (TrdWorkers *self, gint64 task_id, TrdOutcome *outcome)
{
  if (self->sink != NULL)
    self->sink->on_done (task_id, outcome, self->sink_data);
}

static int
compare_numbers (gconstpointer a, gconstpointer b)
{
  const TrdWorkerAttempt *first = *(TrdWorkerAttempt *const *)a;
  const TrdWorkerAttempt *second = *(TrdWorkerAttempt *const *)b;

  return (first->number > second->number) - (first->number < second->number);
}

/* In the order in which they were begun.  (element-type TrdWorkerAttempt) (transfer
 * container) */
static GPtrArray *
list_attempts (TrdWorkers *self, TrdWorker *worker)
{
  GPtrArray *list = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->attempts);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      if (((TrdWorkerAttempt *)value)->worker == worker)
        g_ptr_array_add (list, value);
    }
  g_ptr_array_sort (list, compare_numbers);
  return list;
}

static void
on_ready (TrdWorkerProcess *process, gpointer user_data)
{
  TrdWorkers *self = user_data;
  TrdWorker *worker = find_worker (self, process);
  g_autoptr (GPtrArray) waiting = list_attempts (self, worker);

  for (guint i = 0; i < waiting->len; i++)
    trd_workers_send (self, worker, g_ptr_array_index (waiting, i));
  trd_workers_send_errands (self, worker);
}

static gboolean
is_heard (TrdWorkers *self, TrdWorkerAttempt *attempt)
{
  return !attempt->is_stopped && self->sink != NULL;
}

static gboolean
on_progress (TrdWorkerProcess *process,
             guint64 number,
             const TrdProgress *progress,
             gpointer user_data)
{
  g_autoptr (TrdWorkers) self = g_object_ref (user_data);
  TrdWorkerAttempt *attempt = find_attempt (self, process, number);

  if (attempt == NULL)
    return FALSE;
  if (is_heard (self, attempt))
    self->sink->on_progress (attempt->task_id, progress, self->sink_data);
  return TRUE;
}

static gboolean
on_upload (TrdWorkerProcess *process,
           guint64 number,
           GVariant *upload,
           gboolean *out_stored,
           gpointer user_data)
{
  g_autoptr (TrdWorkers) self = g_object_ref (user_data);
  TrdWorkerAttempt *attempt = find_attempt (self, process, number);

  if (attempt == NULL)
    return FALSE;
  *out_stored = !is_heard (self, attempt)
                || self->sink->on_upload (attempt->task_id, upload, self->sink_data);
  return TRUE;
}

static gboolean
on_response (TrdWorkerProcess *process,
             guint64 number,
             GVariant *response,
             gpointer user_data)
{
  g_autoptr (TrdWorkers) self = g_object_ref (user_data);
  TrdWorkerAttempt *attempt = find_attempt (self, process, number);

  if (attempt == NULL)
    return FALSE;
  if (is_heard (self, attempt))
    self->sink->on_response (attempt->task_id, response, self->sink_data);
  return TRUE;
}

static gboolean
on_redirected (TrdWorkerProcess *process,
               guint64 number,
               const char *from,
               const char *to,
               guint status,
               gpointer user_data)
{
  g_autoptr (TrdWorkers) self = g_object_ref (user_data);
  TrdWorkerAttempt *attempt = find_attempt (self, process, number);

  if (attempt == NULL)
    return FALSE;
  if (is_heard (self, attempt))
    self->sink->on_redirected (attempt->task_id, from, to, status, self->sink_data);
  return TRUE;
}

static gboolean
on_digested (TrdWorkerProcess *process,
             guint64 number,
             GVariant *state,
             gpointer user_data)
{
  g_autoptr (TrdWorkers) self = g_object_ref (user_data);
  TrdWorkerAttempt *attempt = find_attempt (self, process, number);

  if (attempt == NULL)
    return FALSE;
  if (is_heard (self, attempt))
    self->sink->on_digested (attempt->task_id, state, self->sink_data);
  return TRUE;
}

/* Also of attempts that were stopped: what servers have said stays said. */
static gboolean
on_cookies (TrdWorkerProcess *process,
            guint64 jar,
            guint64 base,
            GVariant *changes,
            gpointer user_data)
{
  g_autoptr (TrdWorkers) self = g_object_ref (user_data);
  TrdWorker *worker = find_worker (self, process);
  guint64 version;

  if (!trd_worker_jars_find (worker->jars, jar, base, &version))
    return FALSE;
  if (self->sink != NULL)
    trd_worker_jars_note (
        worker->jars,
        jar,
        self->sink->on_cookies (jar, version, changes, self->sink_data));
  return TRUE;
}

/* @outcome NULL: it was stopped.  The sink may do anything meanwhile, so that the attempt
 * and its worker are put in order before it hears of it. */
static void
end_attempt (TrdWorkers *self, TrdWorkerAttempt *attempt, TrdOutcome *outcome)
{
  TrdWorker *worker = attempt->worker;

  trd_workers_detach (self, attempt);
  trd_workers_note_attempt_left (self, worker);
  if (!attempt->is_stopped && outcome != NULL)
    tell_done (self, attempt->task_id, outcome);
  trd_workers_release (self, attempt);
}

static gboolean
on_done (TrdWorkerProcess *process,
         guint64 number,
         TrdOutcome *outcome,
         gpointer user_data)
{
  g_autoptr (TrdWorkers) self = g_object_ref (user_data);
  TrdWorkerAttempt *attempt = find_attempt (self, process, number);

  if (attempt == NULL)
    return FALSE;
  trd_worker_pauses_note_success (self->pauses, attempt->worker->key);
  end_attempt (self, attempt, outcome);
  return TRUE;
}

static void
on_refused (TrdWorkerProcess *process,
            guint64 number,
            const GError *error,
            gpointer user_data)
{
  g_autoptr (TrdWorkers) self = g_object_ref (user_data);
  TrdWorkerAttempt *attempt = find_attempt (self, process, number);
  g_autoptr (TrdOutcome) outcome = NULL;

  if (attempt == NULL)
    return;
  outcome = trd_outcome_new_from_error (error);
  end_attempt (self, attempt, outcome);
}

static void
on_stopped (TrdWorkerProcess *process, guint64 number, gpointer user_data)
{
  g_autoptr (TrdWorkers) self = g_object_ref (user_data);
  TrdWorkerAttempt *attempt = find_attempt (self, process, number);

  if (attempt != NULL)
    end_attempt (self, attempt, NULL);
}

/* A worker that never was has an error to show and a back-off; one that was lost without
 * a fault of its own is our doing, and nobody's. */
static TrdOutcome *
make_lost_outcome (TrdWorkerEnd end)
{
  g_autoptr (GError) busy = NULL;

  if (end == TRD_WORKER_END_STILLBORN)
    return trd_outcome_new_failed (TRUNDLE_ERROR_CONNECTION_LOST,
                                   "The network process could not be started");
  busy = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "The worker was lost");
  return trd_outcome_new_from_error (busy);
}

static void
tell_lost (TrdWorkers *self, gint64 task_id, TrdWorkerEnd end, gboolean alone)
{
  g_autoptr (TrdOutcome) outcome = NULL;

  if (end == TRD_WORKER_END_FAULT)
    {
      if (self->sink != NULL)
        self->sink->on_crashed (task_id, alone, self->sink_data);
      return;
    }
  outcome = make_lost_outcome (end);
  tell_done (self, task_id, outcome);
}

/* While one of them is told of, the sink may stop another: each is looked up when its
 * turn comes. */
static void
end_attempts (TrdWorkers *self, TrdWorker *worker, TrdWorkerEnd end)
{
  g_autoptr (GPtrArray) attempts = list_attempts (self, worker);
  gboolean alone = worker->n_given == 1;

  for (guint i = 0; i < attempts->len; i++)
    {
      TrdWorkerAttempt *attempt = g_ptr_array_index (attempts, i);

      attempt->worker = NULL;
      trd_attempt_drop_part (attempt);
    }
  for (guint i = 0; i < attempts->len; i++)
    {
      TrdWorkerAttempt *attempt = g_ptr_array_index (attempts, i);

      trd_workers_detach (self, attempt);
      if (!attempt->is_stopped)
        tell_lost (self, attempt->task_id, end, alone);
      trd_workers_release (self, attempt);
    }
}

static void
note_end (TrdWorkers *self, TrdWorker *worker, TrdWorkerEnd end)
{
  if (end == TRD_WORKER_END_MISMATCH)
    {
      gboolean is_news = !self->is_mismatched;

      self->is_mismatched = TRUE;
      if (is_news)
        g_signal_emit_by_name (self, "version-mismatch");
    }
  else if (!worker->is_leaving)
    trd_worker_pauses_note_failure (
        self->pauses, worker->key, end != TRD_WORKER_END_STILLBORN);
}

static void
on_gone (TrdWorkerProcess *process, TrdWorkerEnd end, gpointer user_data)
{
  g_autoptr (TrdWorkers) self = g_object_ref (user_data);
  TrdWorker *worker = find_worker (self, process);
  guint index = 0;

  g_ptr_array_find (self->workers, worker, &index);
  g_ptr_array_steal_index (self->workers, index);
  note_end (self, worker, end);
  end_attempts (self, worker, end);
  trd_workers_end_errands (self, worker);
  trd_worker_free (worker);
  trd_workers_complete_shutdown (self);
}

const TrdWorkerEvents trd_workers_events = {
  .on_ready = on_ready,
  .on_progress = on_progress,
  .on_upload = on_upload,
  .on_response = on_response,
  .on_redirected = on_redirected,
  .on_digested = on_digested,
  .on_cookies = on_cookies,
  .on_done = on_done,
  .on_refused = on_refused,
  .on_stopped = on_stopped,
  .on_gone = on_gone,
};
