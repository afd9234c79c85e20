/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The transport on worker processes: which worker an attempt belongs to, when one is
 * started and when it is told to leave, and what the end of one means for the attempts in
 * it.  Owns the processes and the attempts.  Promises law 15: what is stopped is heard of
 * once more, when its part is free; and that nothing is told from within a call. */

#include "config.h"

#include "port/workers-private.h"

#include "common/defaults.h"
#include "port/closed-watch.h"

#include <glib/gstdio.h>

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

void
trd_attempt_drop_part (TrdWorkerAttempt *attempt)
{
  if (attempt->part_fd >= 0)
    g_close (attempt->part_fd, NULL);
  attempt->part_fd = -1;
  if (attempt->decode_fd >= 0)
    g_close (attempt->decode_fd, NULL);
  attempt->decode_fd = -1;
  g_clear_object (&attempt->files);
  g_clear_pointer (&attempt->request, g_variant_unref);
  g_clear_pointer (&attempt->cookies, g_variant_unref);
}

static void
attempt_free (gpointer data)
{
  TrdWorkerAttempt *self = data;

  trd_attempt_drop_part (self);
  g_free (self);
}

static void
tell_released (TrdWorkers *self, gint64 task_id)
{
  if (self->sink != NULL)
    self->sink->on_released (task_id, self->sink_data);
}

/* The attempt is over, and no worker holds its part. */
void
trd_workers_release (TrdWorkers *self, TrdWorkerAttempt *attempt)
{
  gint64 task_id = attempt->task_id;

  attempt->is_over = TRUE;
  if (attempt->is_sent_part_open)
    return;
  g_hash_table_remove (self->attempts, &attempt->number);
  tell_released (self, task_id);
}

static void
on_part_closed (GObject *object, guint64 number)
{
  TrdWorkers *self = TRD_WORKERS (object);
  TrdWorkerAttempt *attempt = g_hash_table_lookup (self->attempts, &number);

  if (attempt == NULL)
    return;
  attempt->is_sent_part_open = FALSE;
  if (attempt->is_over)
    trd_workers_release (self, attempt);
}

/* Nothing can be asked of it any more. */
void
trd_workers_detach (TrdWorkers *self, TrdWorkerAttempt *attempt)
{
  attempt->worker = NULL;
  if (g_hash_table_lookup (self->tasks, &attempt->task_id) == attempt)
    g_hash_table_remove (self->tasks, &attempt->task_id);
}

static gboolean
on_released_due (gpointer user_data)
{
  g_autoptr (TrdWorkers) self = g_object_ref (user_data);
  TrdWorkerAttempt *attempt;

  self->released_source = 0;
  while ((attempt = g_queue_pop_head (&self->released)) != NULL)
    trd_workers_release (self, attempt);
  return G_SOURCE_REMOVE;
}

/* For what must not be told from within a call. */
static void
release_later (TrdWorkers *self, TrdWorkerAttempt *attempt)
{
  trd_attempt_drop_part (attempt);
  attempt->is_stopped = TRUE;
  trd_workers_detach (self, attempt);
  g_queue_push_tail (&self->released, attempt);
  if (self->released_source == 0)
    self->released_source = g_idle_add_full (
        G_PRIORITY_DEFAULT, on_released_due, self, NULL);
}

/* What @request calls `decode` is the descriptor @handle. */
static GVariant *
with_decode (GVariant *request, int handle)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (request);

  g_variant_dict_insert (&dict, "decode", "h", handle);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* Descriptors of the message: those of what is uploaded first, as `body` counts them.
 * The list owns them.  (transfer full) */
static GUnixFDList *
gather_files (TrdWorkerAttempt *attempt, int *out_part, int *out_decode)
{
  g_autofree int *files = NULL;
  int n_files = 0;

  if (attempt->files != NULL)
    files = g_unix_fd_list_steal_fds (attempt->files, &n_files);
  g_clear_object (&attempt->files);
  files = g_renew (int, files, n_files + 2);
  *out_part = n_files;
  files[n_files++] = attempt->part_fd;
  *out_decode = attempt->decode_fd >= 0 ? n_files : -1;
  if (attempt->decode_fd >= 0)
    files[n_files++] = attempt->decode_fd;
  attempt->part_fd = -1;
  attempt->decode_fd = -1;
  return g_unix_fd_list_new_from_array (files, n_files);
}

/* The request as the worker needs it.  (transfer full) */
static GVariant *
complete_request (TrdWorker *worker, TrdWorkerAttempt *attempt, int decode_handle)
{
  g_autoptr (GVariant) composed = g_steal_pointer (&attempt->request);
  g_autoptr (GVariant) cookies = g_steal_pointer (&attempt->cookies);
  g_autoptr (GVariant) request = decode_handle >= 0
                                     ? with_decode (composed, decode_handle)
                                     : g_variant_ref (composed);

  if (attempt->jar == 0)
    return g_steal_pointer (&request);
  return trd_worker_jars_complete (
      worker->jars, request, attempt->jar, attempt->jar_version, cookies);
}

void
trd_workers_send (TrdWorkers *self, TrdWorker *worker, TrdWorkerAttempt *attempt)
{
  int part_handle;
  int decode_handle;
  g_autoptr (GUnixFDList) fds = gather_files (attempt, &part_handle, &decode_handle);
  g_autoptr (GVariant) request = complete_request (worker, attempt, decode_handle);

  attempt->is_sent_part_open = TRUE;
  trd_watch_closed (fds, G_OBJECT (self), on_part_closed, attempt->number);
  worker->n_given++;
  trd_worker_process_begin (worker->process, attempt->number, fds, part_handle, request);
}

/* Idleness */

static void
remove_idle_source (TrdWorker *worker)
{
  if (worker->idle_source != 0)
    g_source_remove (worker->idle_source);
  worker->idle_source = 0;
}

static void
dismiss (TrdWorker *worker)
{
  remove_idle_source (worker);
  worker->is_leaving = TRUE;
  trd_worker_process_leave (worker->process);
}

static gboolean
on_idle (gpointer user_data)
{
  TrdWorker *worker = user_data;

  worker->idle_source = 0;
  dismiss (worker);
  return G_SOURCE_REMOVE;
}

void
trd_workers_note_attempt_left (TrdWorkers *self, TrdWorker *worker)
{
  g_assert (worker->n_attempts > 0);
  worker->n_attempts--;
  if (worker->n_attempts > 0)
    return;
  trd_worker_process_rest (worker->process);
  if (worker->is_leaving)
    return;
  if (worker->alone)
    dismiss (worker);
  else
    worker->idle_source = g_timeout_add (self->idle_ms, on_idle, worker);
}

void
trd_worker_free (gpointer data)
{
  TrdWorker *self = data;

  remove_idle_source (self);
  trd_worker_process_abandon (self->process);
  g_clear_object (&self->process);
  g_clear_pointer (&self->key, g_free);
  g_clear_pointer (&self->jars, trd_worker_jars_free);
  g_free (self);
}

/* Shutdown */

void
trd_workers_complete_shutdown (TrdWorkers *self)
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
      TrdWorker *worker = g_ptr_array_index (self->workers, i);

      trd_worker_process_kill (worker->process);
    }
  return G_SOURCE_CONTINUE;
}

/* The transport */

static TrdWorker *
add_worker (TrdWorkers *self, const char *key, TrdProfile profile, gboolean alone)
{
  TrdWorker *worker = g_new0 (TrdWorker, 1);

  worker->process = trd_worker_process_new (
      self->program, profile, &self->patience, &trd_workers_events, self);
  worker->key = g_strdup (key);
  worker->jars = trd_worker_jars_new ();
  worker->profile = profile;
  worker->alone = alone;
  g_ptr_array_add (self->workers, worker);
  /* After a mismatch every worker would be of the other version: all wait for our end. */
  if (!self->is_mismatched)
    trd_worker_process_start (worker->process,
                              trd_worker_pauses_get_ms (self->pauses, key));
  return worker;
}

static TrdWorker *
get_worker (TrdWorkers *self, const char *key, TrdProfile profile, gboolean alone)
{
  for (guint i = 0; !alone && i < self->workers->len; i++)
    {
      TrdWorker *worker = g_ptr_array_index (self->workers, i);

      if (!worker->alone && !worker->is_leaving
          && !trd_worker_process_is_leaving (worker->process)
          && worker->profile == profile && g_str_equal (worker->key, key))
        return worker;
    }
  return add_worker (self, key, profile, alone);
}

TrdWorker *
trd_workers_engage (TrdWorkers *self, const char *key, TrdProfile profile, gboolean alone)
{
  TrdWorker *worker = get_worker (self, key, profile, alone);

  worker->n_attempts++;
  remove_idle_source (worker);
  return worker;
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
  TrdWorkerAttempt *attempt;

  g_return_if_fail (!g_hash_table_contains (self->tasks, &given->task_id));

  attempt = g_new0 (TrdWorkerAttempt, 1);
  attempt->number = ++self->last_number;
  attempt->task_id = given->task_id;
  attempt->part_fd = part_fd;
  attempt->decode_fd = given->has_decode ? given->decode_fd : -1;
  attempt->files = given->files != NULL ? g_object_ref (given->files) : NULL;
  attempt->request = g_variant_ref_sink (given->request);
  attempt->jar = given->jar;
  attempt->jar_version = given->jar_version;
  attempt->cookies = given->jar != 0 ? g_variant_ref (given->cookies) : NULL;
  g_hash_table_insert (self->attempts, &attempt->number, attempt);
  if (self->is_shutting_down)
    {
      release_later (self, attempt);
      return;
    }

  g_hash_table_insert (self->tasks, &attempt->task_id, attempt);
  attempt->worker = trd_workers_engage (
      self, trd_owner_key (given->owner), given->profile, given->alone);
  if (trd_worker_process_is_ready (attempt->worker->process))
    trd_workers_send (self, attempt->worker, attempt);
}

/* TRUE when the worker must be told, too. */
static gboolean
mark_stopped (TrdWorkers *self, TrdWorkerAttempt *attempt)
{
  TrdWorker *worker = attempt->worker;

  attempt->is_stopped = TRUE;
  g_hash_table_remove (self->tasks, &attempt->task_id);
  /* Its worker is gone, and its turn to be released comes. */
  if (worker == NULL)
    return FALSE;
  if (attempt->part_fd < 0)
    return TRUE;
  release_later (self, attempt);
  trd_workers_note_attempt_left (self, worker);
  return FALSE;
}

static void
stop (TrdTransport *transport, gint64 task_id)
{
  TrdWorkers *self = TRD_WORKERS (transport);
  TrdWorkerAttempt *attempt = g_hash_table_lookup (self->tasks, &task_id);

  if (attempt != NULL && mark_stopped (self, attempt))
    trd_worker_process_stop (attempt->worker->process, attempt->number);
}

static void
forget_jar (TrdTransport *transport, guint64 jar)
{
  TrdWorkers *self = TRD_WORKERS (transport);
  guint64 version;

  for (guint i = 0; i < self->workers->len; i++)
    {
      TrdWorker *worker = g_ptr_array_index (self->workers, i);

      if (trd_worker_jars_find (worker->jars, jar, 0, &version))
        trd_worker_process_forget_jar (worker->process, jar);
    }
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
  trd_workers_complete_shutdown (self);
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
  iface->forget_jar = forget_jar;
  iface->refresh_async = trd_workers_refresh_async;
  iface->refresh_finish = trd_workers_finish_errand;
  iface->terminate_async = trd_workers_terminate_async;
  iface->terminate_finish = trd_workers_finish_errand;
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

  self->patience.answer_ms = answer_ms;
  self->patience.linger_ms = linger_ms;
}

void
trd_workers_set_liveness_ms (TrdWorkers *self,
                             guint stop_ms,
                             guint ping_ms,
                             guint silence_ms)
{
  g_return_if_fail (TRD_IS_WORKERS (self));
  g_return_if_fail (ping_ms > 0);

  self->patience.stop_ms = stop_ms;
  self->patience.ping_ms = ping_ms;
  self->patience.silence_ms = silence_ms;
}

GArray *
trd_workers_get_pids (TrdWorkers *self)
{
  g_autoptr (GArray) pids = g_array_new (FALSE, FALSE, sizeof (int));

  g_return_val_if_fail (TRD_IS_WORKERS (self), NULL);

  for (guint i = 0; i < self->workers->len; i++)
    {
      TrdWorker *worker = g_ptr_array_index (self->workers, i);
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
  trd_workers_end_errands (self, NULL);
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
  g_clear_pointer (&self->errands, g_ptr_array_unref);
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
  self->patience = (TrdWorkerPatience){ .answer_ms = TRD_WORKER_ANSWER_MS,
                                        .linger_ms = TRD_WORKER_LINGER_MS,
                                        .stop_ms = TRD_WORKER_STOP_MS,
                                        .ping_ms = TRD_WORKER_PING_MS,
                                        .silence_ms = TRD_WORKER_SILENCE_MS };
  self->workers = g_ptr_array_new_with_free_func (trd_worker_free);
  self->attempts = g_hash_table_new_full (
      g_int64_hash, g_int64_equal, NULL, attempt_free);
  self->tasks = g_hash_table_new (g_int64_hash, g_int64_equal);
  self->pauses = trd_worker_pauses_new ();
  self->errands = g_ptr_array_new_with_free_func (g_object_unref);
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
