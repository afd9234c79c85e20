/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The transport on worker processes: which worker an attempt belongs to, when one is
 * started and when it is told to leave, and what the end of one means for the attempts in
 * it.  Owns the processes and the attempts.  Promises law 15: what is stopped is heard of
 * once more, when its part is free; and that nothing is told from within a call. */

#include "config.h"

#include "port/workers.h"

#include "common/defaults.h"
#include "port/worker-pauses.h"
#include "port/worker-process.h"

#include <glib/gstdio.h>

/* One worker, and what is known of it here. */
typedef struct
{
  TrdWorkerProcess *process; /* (owned) */
  char *key;                 /* (owned): of the owner */
  gboolean alone;            /* for one attempt only */
  guint n_given;             /* attempts ever sent to it */
  guint n_attempts;          /* attempts in it now */
  guint idle_source;         /* 0 while it has attempts, or leaves */
  gboolean is_leaving;
} Worker;

typedef struct
{
  guint64 number;
  gint64 task_id;
  Worker *worker;    /* (unowned) (nullable): NULL once it waits to be released */
  int part_fd;       /* (owned), -1 once it was sent */
  GVariant *request; /* (owned) (nullable): until it is sent */
  gboolean is_stopped;
} Attempt;

struct _TrdWorkers
{
  GObject parent_instance;

  char *program; /* (owned) */
  guint idle_ms;
  guint answer_ms;
  guint linger_ms;
  const TrdTransportSink *sink; /* (unowned) (nullable) */
  gpointer sink_data;           /* (unowned) */

  GPtrArray *workers;      /* (owned) (element-type Worker) */
  GHashTable *attempts;    /* (owned): number to Attempt (owned) */
  GHashTable *tasks;       /* (owned): task id to Attempt (unowned), not stopped */
  TrdWorkerPauses *pauses; /* (owned) */
  GQueue released;         /* (owned): Attempts whose part is free, to be told soon */
  guint released_source;
  guint64 last_number;
  gboolean is_mismatched; /* nothing is started any more */

  gboolean is_shutting_down;
  guint shutdown_source;
  GPtrArray *shutdown_tasks; /* (owned) (element-type GTask) */
};

enum
{
  VERSION_MISMATCH,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

static void
trd_workers_implement_transport (TrdTransportInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TrdWorkers,
                               trd_workers,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (TRD_TYPE_TRANSPORT,
                                                      trd_workers_implement_transport))

/* Attempts */

static void
drop_part (Attempt *attempt)
{
  if (attempt->part_fd >= 0)
    g_close (attempt->part_fd, NULL);
  attempt->part_fd = -1;
  g_clear_pointer (&attempt->request, g_variant_unref);
}

static void
attempt_free (gpointer data)
{
  Attempt *self = data;

  drop_part (self);
  g_free (self);
}

/* An attempt that @worker was given and that is not over. */
static Attempt *
find_attempt (TrdWorkers *self, Worker *worker, guint64 number)
{
  Attempt *attempt = g_hash_table_lookup (self->attempts, &number);

  return attempt != NULL && attempt->worker == worker && attempt->part_fd < 0 ? attempt
                                                                              : NULL;
}

static Worker *
find_worker (TrdWorkers *self, TrdWorkerProcess *process)
{
  for (guint i = 0; i < self->workers->len; i++)
    {
      Worker *worker = g_ptr_array_index (self->workers, i);

      if (worker->process == process)
        return worker;
    }
  g_assert_not_reached ();
}

static gboolean
on_released_due (gpointer user_data);

/* The attempt is over: nothing can be asked of it any more. */
static void
forget_attempt (TrdWorkers *self, Attempt *attempt)
{
  if (g_hash_table_lookup (self->tasks, &attempt->task_id) == attempt)
    g_hash_table_remove (self->tasks, &attempt->task_id);
  g_hash_table_steal (self->attempts, &attempt->number);
}

static void
tell_released (TrdWorkers *self, gint64 task_id)
{
  if (self->sink != NULL && self->sink->on_released != NULL)
    self->sink->on_released (task_id, self->sink_data);
}

static void
tell_done (TrdWorkers *self, gint64 task_id, TrdOutcome *outcome)
{
  if (self->sink != NULL && self->sink->on_done != NULL)
    self->sink->on_done (task_id, outcome, self->sink_data);
}

/* From the main loop only.  Takes the attempt out of its worker. */
static void
release_later (TrdWorkers *self, Attempt *attempt)
{
  drop_part (attempt);
  attempt->is_stopped = TRUE;
  attempt->worker = NULL;
  g_hash_table_remove (self->tasks, &attempt->task_id);
  g_queue_push_tail (&self->released, attempt);
  if (self->released_source == 0)
    self->released_source = g_idle_add_full (
        G_PRIORITY_DEFAULT, on_released_due, self, NULL);
}

static gboolean
on_released_due (gpointer user_data)
{
  g_autoptr (TrdWorkers) self = g_object_ref (user_data);
  Attempt *attempt;

  self->released_source = 0;
  while ((attempt = g_queue_pop_head (&self->released)) != NULL)
    {
      gint64 task_id = attempt->task_id;

      g_hash_table_remove (self->attempts, &attempt->number);
      tell_released (self, task_id);
    }
  return G_SOURCE_REMOVE;
}

/* Idleness */

static void
remove_idle_source (Worker *worker)
{
  if (worker->idle_source != 0)
    g_source_remove (worker->idle_source);
  worker->idle_source = 0;
}

static void
dismiss (Worker *worker)
{
  remove_idle_source (worker);
  worker->is_leaving = TRUE;
  trd_worker_process_leave (worker->process);
}

static gboolean
on_idle (gpointer user_data)
{
  Worker *worker = user_data;

  worker->idle_source = 0;
  dismiss (worker);
  return G_SOURCE_REMOVE;
}

static void
note_attempt_left (TrdWorkers *self, Worker *worker)
{
  g_assert (worker->n_attempts > 0);
  worker->n_attempts--;
  if (worker->n_attempts > 0 || worker->is_leaving)
    return;
  if (worker->alone)
    dismiss (worker);
  else
    worker->idle_source = g_timeout_add (self->idle_ms, on_idle, worker);
}

static void
worker_free (gpointer data)
{
  Worker *self = data;

  remove_idle_source (self);
  trd_worker_process_abandon (self->process);
  g_clear_object (&self->process);
  g_clear_pointer (&self->key, g_free);
  g_free (self);
}

/* Shutdown */

static void
complete_shutdown (TrdWorkers *self)
{
  g_autoptr (GPtrArray) tasks = NULL;

  if (!self->is_shutting_down || self->workers->len > 0)
    return;
  if (self->shutdown_source != 0)
    g_source_remove (self->shutdown_source);
  self->shutdown_source = 0;
  tasks = g_steal_pointer (&self->shutdown_tasks);
  self->shutdown_tasks = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < tasks->len; i++)
    g_task_return_boolean (g_ptr_array_index (tasks, i), TRUE);
}

static gboolean
on_shutdown_overdue (gpointer user_data)
{
  TrdWorkers *self = user_data;

  for (guint i = 0; i < self->workers->len; i++)
    {
      Worker *worker = g_ptr_array_index (self->workers, i);

      trd_worker_process_kill (worker->process);
    }
  return G_SOURCE_CONTINUE;
}

/* What the workers tell */

static void
send_attempt (Worker *worker, Attempt *attempt)
{
  g_autoptr (GVariant) request = g_steal_pointer (&attempt->request);
  int part_fd = attempt->part_fd;

  attempt->part_fd = -1;
  worker->n_given++;
  trd_worker_process_begin (worker->process, attempt->number, part_fd, request);
}

static int
compare_numbers (gconstpointer a, gconstpointer b)
{
  const Attempt *first = *(Attempt *const *)a;
  const Attempt *second = *(Attempt *const *)b;

  return (first->number > second->number) - (first->number < second->number);
}

/* In the order in which they were begun.  (element-type Attempt) (transfer container) */
static GPtrArray *
list_attempts (TrdWorkers *self, Worker *worker)
{
  GPtrArray *list = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->attempts);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      if (((Attempt *)value)->worker == worker)
        g_ptr_array_add (list, value);
    }
  g_ptr_array_sort (list, compare_numbers);
  return list;
}

static void
on_ready (TrdWorkerProcess *process, gpointer user_data)
{
  TrdWorkers *self = user_data;
  Worker *worker = find_worker (self, process);
  g_autoptr (GPtrArray) waiting = list_attempts (self, worker);

  for (guint i = 0; i < waiting->len; i++)
    send_attempt (worker, g_ptr_array_index (waiting, i));
}

static gboolean
on_progress (TrdWorkerProcess *process,
             guint64 number,
             guint64 received,
             guint64 synced,
             gint64 expected,
             gpointer user_data)
{
  g_autoptr (TrdWorkers) self = g_object_ref (user_data);
  Attempt *attempt = find_attempt (self, find_worker (self, process), number);

  if (attempt == NULL)
    return FALSE;
  if (!attempt->is_stopped && self->sink != NULL && self->sink->on_progress != NULL)
    self->sink->on_progress (
        attempt->task_id, received, synced, expected, self->sink_data);
  return TRUE;
}

static gboolean
on_response (TrdWorkerProcess *process,
             guint64 number,
             GVariant *response,
             gpointer user_data)
{
  g_autoptr (TrdWorkers) self = g_object_ref (user_data);
  Attempt *attempt = find_attempt (self, find_worker (self, process), number);

  if (attempt == NULL)
    return FALSE;
  if (!attempt->is_stopped && self->sink != NULL && self->sink->on_response != NULL)
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
  Attempt *attempt = find_attempt (self, find_worker (self, process), number);

  if (attempt == NULL)
    return FALSE;
  if (!attempt->is_stopped && self->sink != NULL && self->sink->on_redirected != NULL)
    self->sink->on_redirected (attempt->task_id, from, to, status, self->sink_data);
  return TRUE;
}

/* @outcome NULL: it was stopped.  The sink may do anything meanwhile, so that the attempt
 * and its worker are put in order before it hears of it. */
static void
end_attempt (TrdWorkers *self, Worker *worker, Attempt *attempt, TrdOutcome *outcome)
{
  gint64 task_id = attempt->task_id;
  gboolean is_stopped = attempt->is_stopped;

  forget_attempt (self, attempt);
  attempt_free (attempt);
  note_attempt_left (self, worker);
  if (!is_stopped && outcome != NULL)
    tell_done (self, task_id, outcome);
  tell_released (self, task_id);
}

static gboolean
on_done (TrdWorkerProcess *process,
         guint64 number,
         TrdOutcome *outcome,
         gpointer user_data)
{
  g_autoptr (TrdWorkers) self = g_object_ref (user_data);
  Worker *worker = find_worker (self, process);
  Attempt *attempt = find_attempt (self, worker, number);

  if (attempt == NULL)
    return FALSE;
  trd_worker_pauses_note_success (self->pauses, worker->key);
  end_attempt (self, worker, attempt, outcome);
  return TRUE;
}

static void
on_refused (TrdWorkerProcess *process,
            guint64 number,
            const GError *error,
            gpointer user_data)
{
  g_autoptr (TrdWorkers) self = g_object_ref (user_data);
  Worker *worker = find_worker (self, process);
  Attempt *attempt = find_attempt (self, worker, number);
  g_autoptr (TrdOutcome) outcome = NULL;

  if (attempt == NULL)
    return;
  outcome = trd_outcome_new_from_error (error);
  end_attempt (self, worker, attempt, outcome);
}

static void
on_stopped (TrdWorkerProcess *process, guint64 number, gpointer user_data)
{
  g_autoptr (TrdWorkers) self = g_object_ref (user_data);
  Worker *worker = find_worker (self, process);
  Attempt *attempt = find_attempt (self, worker, number);

  if (attempt != NULL)
    end_attempt (self, worker, attempt, NULL);
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
      if (self->sink != NULL && self->sink->on_crashed != NULL)
        self->sink->on_crashed (task_id, alone, self->sink_data);
      return;
    }
  outcome = make_lost_outcome (end);
  tell_done (self, task_id, outcome);
}

/* While one of them is told of, the sink may stop another: each is looked up when its
 * turn comes. */
static void
end_attempts (TrdWorkers *self, Worker *worker, TrdWorkerEnd end)
{
  g_autoptr (GPtrArray) attempts = list_attempts (self, worker);
  gboolean alone = worker->n_given == 1;

  for (guint i = 0; i < attempts->len; i++)
    {
      Attempt *attempt = g_ptr_array_index (attempts, i);

      attempt->worker = NULL;
      drop_part (attempt);
    }
  for (guint i = 0; i < attempts->len; i++)
    {
      Attempt *attempt = g_ptr_array_index (attempts, i);
      gint64 task_id = attempt->task_id;
      gboolean is_stopped = attempt->is_stopped;

      forget_attempt (self, attempt);
      attempt_free (attempt);
      if (!is_stopped)
        tell_lost (self, task_id, end, alone);
      tell_released (self, task_id);
    }
}

static void
note_end (TrdWorkers *self, Worker *worker, TrdWorkerEnd end)
{
  if (end == TRD_WORKER_END_MISMATCH)
    {
      gboolean is_news = !self->is_mismatched;

      self->is_mismatched = TRUE;
      if (is_news)
        g_signal_emit (self, signals[VERSION_MISMATCH], 0);
    }
  else if (!worker->is_leaving)
    trd_worker_pauses_note_failure (
        self->pauses, worker->key, end != TRD_WORKER_END_STILLBORN);
}

static void
on_gone (TrdWorkerProcess *process, TrdWorkerEnd end, gpointer user_data)
{
  g_autoptr (TrdWorkers) self = g_object_ref (user_data);
  Worker *worker = find_worker (self, process);
  guint index = 0;

  g_ptr_array_find (self->workers, worker, &index);
  g_ptr_array_steal_index (self->workers, index);
  remove_idle_source (worker);
  note_end (self, worker, end);
  end_attempts (self, worker, end);
  worker_free (worker);
  complete_shutdown (self);
}

static const TrdWorkerEvents events = {
  .on_ready = on_ready,
  .on_progress = on_progress,
  .on_response = on_response,
  .on_redirected = on_redirected,
  .on_done = on_done,
  .on_refused = on_refused,
  .on_stopped = on_stopped,
  .on_gone = on_gone,
};

/* The transport */

static Worker *
add_worker (TrdWorkers *self, const char *key, gboolean alone)
{
  Worker *worker = g_new0 (Worker, 1);

  worker->process = trd_worker_process_new (self->program, &events, self);
  trd_worker_process_set_patience_ms (worker->process, self->answer_ms, self->linger_ms);
  worker->key = g_strdup (key);
  worker->alone = alone;
  g_ptr_array_add (self->workers, worker);
  /* After a mismatch every worker would be of the other version: all wait for our end. */
  if (!self->is_mismatched)
    trd_worker_process_start (worker->process,
                              trd_worker_pauses_get_ms (self->pauses, key));
  return worker;
}

static Worker *
get_worker (TrdWorkers *self, const char *key, gboolean alone)
{
  for (guint i = 0; !alone && i < self->workers->len; i++)
    {
      Worker *worker = g_ptr_array_index (self->workers, i);

      if (!worker->alone && !worker->is_leaving
          && !trd_worker_process_is_leaving (worker->process)
          && g_str_equal (worker->key, key))
        return worker;
    }
  return add_worker (self, key, alone);
}

static void
set_sink (TrdTransport *transport, const TrdTransportSink *sink, gpointer user_data)
{
  TrdWorkers *self = TRD_WORKERS (transport);

  self->sink = sink;
  self->sink_data = user_data;
}

static void
begin (TrdTransport *transport, const TrdAttempt *given, int part_fd)
{
  TrdWorkers *self = TRD_WORKERS (transport);
  Attempt *attempt;

  g_return_if_fail (!g_hash_table_contains (self->tasks, &given->task_id));

  attempt = g_new0 (Attempt, 1);
  attempt->number = ++self->last_number;
  attempt->task_id = given->task_id;
  attempt->part_fd = part_fd;
  attempt->request = g_variant_ref_sink (given->request);
  g_hash_table_insert (self->attempts, &attempt->number, attempt);
  if (self->is_shutting_down)
    {
      release_later (self, attempt);
      return;
    }

  g_hash_table_insert (self->tasks, &attempt->task_id, attempt);
  attempt->worker = get_worker (self, trd_owner_key (given->owner), given->alone);
  attempt->worker->n_attempts++;
  remove_idle_source (attempt->worker);
  if (trd_worker_process_is_ready (attempt->worker->process))
    send_attempt (attempt->worker, attempt);
}

/* TRUE when the worker must be told, too. */
static gboolean
mark_stopped (TrdWorkers *self, Attempt *attempt)
{
  Worker *worker = attempt->worker;

  attempt->is_stopped = TRUE;
  g_hash_table_remove (self->tasks, &attempt->task_id);
  /* Its worker is gone, and its turn to be released comes. */
  if (worker == NULL)
    return FALSE;
  if (attempt->part_fd < 0)
    return TRUE;
  release_later (self, attempt);
  note_attempt_left (self, worker);
  return FALSE;
}

static void
stop (TrdTransport *transport, gint64 task_id)
{
  TrdWorkers *self = TRD_WORKERS (transport);
  Attempt *attempt = g_hash_table_lookup (self->tasks, &task_id);

  if (attempt != NULL && mark_stopped (self, attempt))
    trd_worker_process_stop (attempt->worker->process, attempt->number);
}

static guint
count (TrdTransport *transport)
{
  return g_hash_table_size (TRD_WORKERS (transport)->attempts);
}

static void
stop_everything (TrdWorkers *self)
{
  g_autoptr (GList) attempts = g_hash_table_get_values (self->tasks);

  for (GList *link = attempts; link != NULL; link = link->next)
    mark_stopped (self, link->data);
  for (guint i = 0; i < self->workers->len; i++)
    dismiss (g_ptr_array_index (self->workers, i));
}

static void
shutdown_async (TrdTransport *transport, GAsyncReadyCallback callback, gpointer user_data)
{
  TrdWorkers *self = TRD_WORKERS (transport);
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, shutdown_async);
  g_ptr_array_add (self->shutdown_tasks, task);
  if (!self->is_shutting_down)
    {
      self->is_shutting_down = TRUE;
      self->shutdown_source = g_timeout_add (
          TRD_WORKER_LINGER_MS, on_shutdown_overdue, self);
      stop_everything (self);
    }
  complete_shutdown (self);
}

static void
shutdown_finish (TrdTransport *transport, GAsyncResult *result)
{
  g_return_if_fail (g_task_is_valid (result, transport));

  g_task_propagate_boolean (G_TASK (result), NULL);
}

static void
trd_workers_implement_transport (TrdTransportInterface *iface)
{
  iface->set_sink = set_sink;
  iface->begin = begin;
  iface->stop = stop;
  iface->count = count;
  iface->shutdown_async = shutdown_async;
  iface->shutdown_finish = shutdown_finish;
}

void
trd_workers_set_idle_ms (TrdWorkers *self, guint idle_ms)
{
  g_return_if_fail (TRD_IS_WORKERS (self));

  self->idle_ms = idle_ms;
}

void
trd_workers_set_patience_ms (TrdWorkers *self, guint answer_ms, guint linger_ms)
{
  g_return_if_fail (TRD_IS_WORKERS (self));

  self->answer_ms = answer_ms;
  self->linger_ms = linger_ms;
}

GArray *
trd_workers_get_pids (TrdWorkers *self)
{
  g_autoptr (GArray) pids = g_array_new (FALSE, FALSE, sizeof (int));

  g_return_val_if_fail (TRD_IS_WORKERS (self), NULL);

  for (guint i = 0; i < self->workers->len; i++)
    {
      Worker *worker = g_ptr_array_index (self->workers, i);
      int pid = trd_worker_process_get_pid (worker->process);

      if (pid != 0)
        g_array_append_val (pids, pid);
    }
  return g_steal_pointer (&pids);
}

static void
trd_workers_dispose (GObject *object)
{
  TrdWorkers *self = TRD_WORKERS (object);

  self->sink = NULL;
  g_ptr_array_set_size (self->workers, 0);
  g_queue_clear (&self->released);
  g_hash_table_remove_all (self->tasks);
  g_hash_table_remove_all (self->attempts);
  if (self->released_source != 0)
    g_source_remove (self->released_source);
  self->released_source = 0;
  if (self->shutdown_source != 0)
    g_source_remove (self->shutdown_source);
  self->shutdown_source = 0;
  G_OBJECT_CLASS (trd_workers_parent_class)->dispose (object);
}

static void
trd_workers_finalize (GObject *object)
{
  TrdWorkers *self = TRD_WORKERS (object);

  g_free (self->program);
  g_clear_pointer (&self->workers, g_ptr_array_unref);
  g_clear_pointer (&self->attempts, g_hash_table_unref);
  g_clear_pointer (&self->tasks, g_hash_table_unref);
  g_clear_pointer (&self->pauses, trd_worker_pauses_free);
  g_clear_pointer (&self->shutdown_tasks, g_ptr_array_unref);
  G_OBJECT_CLASS (trd_workers_parent_class)->finalize (object);
}

static void
trd_workers_class_init (TrdWorkersClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = trd_workers_dispose;
  object_class->finalize = trd_workers_finalize;
  signals[VERSION_MISMATCH] = g_signal_new ("version-mismatch",
                                            TRD_TYPE_WORKERS,
                                            G_SIGNAL_RUN_LAST,
                                            0,
                                            NULL,
                                            NULL,
                                            NULL,
                                            G_TYPE_NONE,
                                            0);
  /* The errors of workers are read by it. */
  trundle_error_quark ();
}

static void
trd_workers_init (TrdWorkers *self)
{
  self->idle_ms = TRD_WORKER_IDLE_MS;
  self->answer_ms = TRD_WORKER_ANSWER_MS;
  self->linger_ms = TRD_WORKER_LINGER_MS;
  self->workers = g_ptr_array_new_with_free_func (worker_free);
  self->attempts = g_hash_table_new_full (
      g_int64_hash, g_int64_equal, NULL, attempt_free);
  self->tasks = g_hash_table_new (g_int64_hash, g_int64_equal);
  self->pauses = trd_worker_pauses_new ();
  self->shutdown_tasks = g_ptr_array_new_with_free_func (g_object_unref);
  g_queue_init (&self->released);
}

TrdWorkers *
trd_workers_new (const char *program)
{
  TrdWorkers *self;

  g_return_val_if_fail (program != NULL, NULL);

  self = g_object_new (TRD_TYPE_WORKERS, NULL);
  self->program = g_strdup (program);
  return self;
}
