/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The life of an attempt: open and lock the part, hand it to the transport and listen.
 * What follows from its end is in core/conclude.c, and from a complete part in
 * core/seal.c. */

#include "config.h"

#include "core/runner-private.h"

#include <unistd.h>

#include "common/error.h"
#include "common/url.h"
#include "common/vocabulary.h"
#include "core/proof.h"
#include "core/registry-internal.h"
#include "core/request.h"
#include "core/resume.h"
#include "core/turn.h"

enum
{
  PROGRESS,
  RELEASED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (TrdRunner, trd_runner, G_TYPE_OBJECT)

static TrdRun *
run_new (TrdRunner *runner, TrdTask *task)
{
  TrdRun *run = g_new0 (TrdRun, 1);

  run->runner = runner;
  run->task = task;
  run->serial = ++runner->last_serial;
  run->expected = -1;
  run->part_fd = -1;
  run->decode_fd = -1;
  g_hash_table_add (runner->runs, run);

  return run;
}

/* The attempt is over, and a worker still holds the part. */
static void
note_held (TrdRun *run)
{
  run->task->releasing = TRUE;
  trd_keeper_note_held (trd_registry_get_keeper (run->runner->registry), run->task->id);
}

void
trd_run_end (TrdRun *run)
{
  run->task->run = NULL;
  g_hash_table_remove (run->runner->runs, run);
  if (run->in_transport)
    {
      note_held (run);
      trd_transport_stop (run->runner->env->transport, run->task->id);
    }

  if (run->telling != 0)
    trd_clock_remove_alarm (run->runner->env->clock, run->telling);
  trd_run_leave_room (run);
  if (run->part_fd >= 0)
    close (run->part_fd);
  if (run->decode_fd >= 0)
    close (run->decode_fd);
  g_clear_object (&run->files);
  g_clear_pointer (&run->certificates, g_variant_unref);
  g_clear_pointer (&run->local_key, g_free);
  g_clear_pointer (&run->request, g_variant_unref);
  g_clear_pointer (&run->place, trd_place_free);
  trd_intent_clear (&run->intent);
  g_clear_pointer (&run->outcome, trd_outcome_free);
  g_clear_pointer (&run->pending, trd_outcome_free);
  g_clear_pointer (&run->kept, g_variant_unref);
  g_clear_pointer (&run->transactions, g_variant_unref);
  g_clear_pointer (&run->integrity, g_variant_unref);
  g_clear_pointer (&run->response, g_variant_unref);
  g_free (run->current_url);
  trd_run_clear_upload (run);
  trd_runner_give_back (run->runner, run->task->id);
  g_free (run);
}

gboolean
trd_task_is_sealing (const TrdTask *task)
{
  const TrdRun *run = task->run;

  return run != NULL && run->sealing;
}

void
trd_run_get_progress (TrdRun *run, guint64 *out_received, gint64 *out_expected)
{
  *out_received = run->received;
  *out_expected = run->expected;
}

gboolean
trd_run_measure (const TrdRun *run, TrdMetricsAttempt *out_attempt)
{
  *out_attempt = (TrdMetricsAttempt){
    .transactions = run->transactions,
    .n_hops = run->n_hops,
    .n_redirects = run->n_redirects,
    .base = run->base,
    .received = run->received,
  };

  return run->has_begun;
}

GVariant *
trd_run_get_response (TrdRun *run)
{
  return run->response;
}

gboolean
trd_run_has_written (const TrdRun *run, GVariant *answer)
{
  return run->offset == 0 || g_variant_lookup (answer, "offset", "t", NULL);
}

const char *
trd_run_get_current_url (TrdRun *run)
{
  return run->current_url;
}

/* ---- beginning ---- */

static GVariant *
with_range (GVariant *request, const TrdResume *plan)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (request);

  g_variant_dict_insert (&dict, "offset", "t", plan->offset);
  g_variant_dict_insert (&dict, "validator", "s", plan->validator);
  g_variant_dict_insert (&dict, "total", "t", plan->total);

  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* What the row says of the part that was cut to @offset just now: digests of more than
 * that are of no use, and what was synced has become less, or can be believed again. */
static gboolean
store_cut (TrdRun *run, const TrdTaskRow *row, guint64 offset, GError **error)
{
  TrdStore *store = run->runner->env->store;
  gboolean is_shorter = row->synced > offset;

  if (is_shorter || trd_proof_get_offset (row->digest_state) > offset)
    return trd_store_set_task_digested (
        store, row->id, is_shorter ? 0 : row->synced, NULL, error);

  return !row->untrusted
         || trd_store_set_task_synced (store, row->id, row->synced, error);
}

/* Opens the part, cut to what is believed of it.  What begins anew has nothing synced,
 * and the row says so before the first byte is written (law 4). */
static int
open_part (TrdRun *run, const TrdTaskRow *row, TrdResume *out_plan, GError **error)
{
  const TrdEnv *env = run->runner->env;
  g_auto (TrdIntent) found = { 0 };
  g_autoptr (GError) local_error = NULL;
  int fd;

  if (trd_spool_stat_part (env->spool, run->place, &found, &local_error))
    trd_resume_plan (
        row, row->untrusted ? MIN (found.size, row->synced) : found.size, out_plan);
  else if (!g_error_matches (local_error, TRUNDLE_ERROR, TRUNDLE_ERROR_FILE_NOT_FOUND))
    {
      /* It is there, for all we know: what the row says of it stays. */
      g_propagate_error (error, g_steal_pointer (&local_error));
      return -1;
    }
  /* Nor is it what an earlier answer described: another version may come, of which a part
   * must not be continued by that one's validator (law 11). */
  if (out_plan->offset == 0 && trd_resume_is_possible (row->response, NULL, NULL)
      && !trd_run_forget_part (run, error))
    return -1;

  fd = trd_spool_open_part (env->spool, run->place, out_plan->offset, error);
  if (fd < 0)
    return -1;
  /* Only now that it is cut: until then the mark of a part that is not to be trusted
   * stays. */
  if (!store_cut (run, row, out_plan->offset, error))
    {
      close (fd);
      return -1;
    }

  run->offset = out_plan->offset;
  run->base = out_plan->offset;
  run->received = out_plan->offset;
  run->synced = MIN (row->synced, out_plan->offset);
  return fd;
}

/* Beside the part, and held as it is. */
static gboolean
open_decoded (TrdRun *run, const TrdTaskRow *row, GError **error)
{
  if (!trundle_options_get_boolean (
          row->options, run->task->session->row->configuration, "decode"))
    return TRUE;

  run->decode_fd = trd_spool_open_decoded (run->runner->env->spool, run->place, error);
  run->may_decode = run->decode_fd >= 0;

  return run->may_decode;
}

/* They may have been forgotten since the request was composed: it goes without them then.
 * (transfer full) */
static GVariant *
add_cookies (TrdRun *run, GVariant *request, TrdAttempt *attempt)
{
  TrdCookies *cookies = trd_registry_get_cookies (run->runner->registry);

  if (!g_variant_lookup (request, "jar", "t", &attempt->jar))
    return g_variant_ref (request);
  if (trd_cookies_look (cookies, attempt->jar, &attempt->jar_version, &attempt->cookies))
    return g_variant_ref (request);

  attempt->jar = 0;
  return trundle_options_with (request, "jar", NULL);
}

void
trd_run_launch (TrdRun *run)
{
  g_autoptr (GVariant) composed = g_steal_pointer (&run->request);
  g_autoptr (GUnixFDList) files = g_steal_pointer (&run->files);
  g_autoptr (GVariant) request = NULL;
  TrdAttempt attempt = {
    .task_id = run->task->id,
    .owner = run->task->session->row->owner,
    .alone = run->task->suspicion > 0,
    .has_decode = run->decode_fd >= 0,
    .decode_fd = run->decode_fd,
    .files = files,
    .profile = run->profile,
  };
  int part_fd = run->part_fd;

  request = add_cookies (run, composed, &attempt);
  attempt.request = request;
  run->part_fd = -1;
  run->decode_fd = -1;
  run->in_transport = TRUE;
  run->has_begun = TRUE;
  trd_transport_begin (run->runner->env->transport, &attempt, part_fd);
}

/* What is opened here is closed with the run, unless it is launched. */
static gboolean
hand_over (TrdRun *run, const TrdTaskRow *row, GError **error)
{
  g_autoptr (GVariant) composed = NULL;
  g_autoptr (GVariant) whole = NULL;
  g_autoptr (GVariant) ranged = NULL;
  g_auto (TrdResume) plan = { 0 };

  trd_run_note_given (run, row);
  composed = trd_registry_compose_request (run->runner->registry, run->task, row, error);
  if (composed == NULL)
    return FALSE;
  whole = trd_run_open_body (run, row, composed, error);
  if (whole == NULL)
    return FALSE;
  trd_run_choose_profile (run, whole, row);
  run->part_fd = open_part (run, row, &plan, error);
  if (run->part_fd < 0 || !open_decoded (run, row, error)
      || !trd_run_find_room (run, plan.total, row->space_needed, error))
    return FALSE;
  ranged = plan.offset > 0 ? with_range (whole, &plan) : g_variant_ref (whole);
  run->request = trd_proof_ask (ranged, row, plan.offset);
  if (plan.offset > 0)
    run->kept = g_variant_ref (row->response);

  if (!trd_run_reserve (run))
    trd_run_launch (run);
  return TRUE;
}

/* Law 12: what may not be repeated is written down before it goes out, and found written
 * when nobody was left to hear what came of it. */
static gboolean
begin_once (TrdRun *run, TrdTaskRow *row, GError **error)
{
  g_autoptr (TrdOutcome) outcome = NULL;

  if (run->context.idempotent)
    return hand_over (run, row, error);

  /* To go on at a known place repeats nothing. */
  if (!row->sent || trd_run_goes_on (run))
    {
      row->sent = TRUE;
      return trd_store_update_task (run->runner->env->store, row, error)
             && hand_over (run, row, error);
    }

  outcome = trd_outcome_new_failed (TRUNDLE_ERROR_CONNECTION_LOST,
                                    "The request was interrupted, and the server may "
                                    "have seen it");
  outcome->sent = TRUE;
  trd_run_conclude (run, g_steal_pointer (&outcome));
  return TRUE;
}

void
trd_runner_begin (TrdRunner *self, TrdTask *task)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TrdTaskRow) row = NULL;
  TrdRun *run = run_new (self, task);

  task->run = run;
  if (!trd_turn_single (self->registry, task, TRD_TASK_INPUT_START, NULL, &error))
    {
      g_critical ("A task cannot start: %s", error->message);
      trd_run_end (run);
      return;
    }

  row = trd_store_load_task (self->env->store, task->id, &error);
  if (row == NULL)
    {
      trd_run_conclude_error (run, error);
      return;
    }

  run->place = trd_place_copy (row->place);
  run->received = row->received;
  trd_run_take_context (run, row);
  if (row->intent.final_name != NULL)
    trd_run_resume_seal (run, row);
  else if (!trd_run_look_ahead (run, row) && !begin_once (run, row, &error))
    trd_run_conclude_error (run, error);
}

void
trd_run_go_on (TrdRun *run)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TrdTaskRow) row = trd_store_load_task (
      run->runner->env->store, run->task->id, &error);

  if (row == NULL || !begin_once (run, row, &error))
    trd_run_conclude_error (run, error);
}

/* ---- what the transport tells ---- */

static TrdRun *
find_run (TrdRunner *self, gint64 task_id)
{
  TrdTask *task = trd_registry_find_task (self->registry, task_id);

  return task != NULL ? task->run : NULL;
}

TrdRun *
trd_runner_find_run (TrdRunner *self, gint64 task_id, guint64 serial)
{
  /* Closed: the registry may be gone. */
  TrdRun *run = self->env != NULL ? find_run (self, task_id) : NULL;

  return run != NULL && run->serial == serial ? run : NULL;
}

/* What a later attempt needs to go on: stored when it is worth it, and always when the
 * file begins anew under a row that says otherwise. */
static gboolean
store_response (TrdRun *run, gboolean restarted, GError **error)
{
  TrdStore *store = run->runner->env->store;
  g_autoptr (TrdTaskRow) row = trd_store_load_task (store, run->task->id, error);

  if (row == NULL)
    return FALSE;

  g_clear_pointer (&row->response, g_variant_unref);
  row->response = g_variant_ref (run->response);
  if (restarted)
    {
      row->synced = 0;
      g_clear_pointer (&row->digest_state, g_variant_unref);
    }
  return trd_store_update_task (store, row, error);
}

/* FALSE when the file begins anew and this cannot be stored. */
static gboolean
note_offset (TrdRun *run, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  guint64 offset = 0;
  gboolean restarted;

  if (!trd_run_has_written (run, run->response))
    return TRUE;

  g_variant_lookup (run->response, "offset", "t", &offset);
  restarted = run->offset > offset;
  if (restarted)
    {
      run->base = 0;
      run->received = 0;
      run->synced = 0;
    }
  if ((restarted
       || (run->expected >= TRD_RESUME_WORTH_STORING
           && trd_resume_is_possible (run->response, NULL, NULL)))
      && !store_response (run, restarted, &local_error))
    {
      g_warning ("Cannot store an answer: %s", local_error->message);
      if (restarted)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
    }
  if (run->offset > 0)
    trd_registry_emit_task_resumed (
        run->runner->registry, run->task, offset, run->expected);
  return TRUE;
}

/* What is known of the file by @response; (transfer full). */
static GVariant *
complete_response (TrdRun *run, GVariant *response)
{
  guint64 offset = 0;

  g_variant_lookup (response, "offset", "t", &offset);
  if (offset == 0 || run->kept == NULL)
    return g_variant_ref (response);

  return trd_resume_combine (run->kept, response);
}

/* The head of a refusal is told as well, and whoever refuses has not taken the token. */
static gboolean
is_let_in (GVariant *response)
{
  guint status = 0;

  g_variant_lookup (response, "status", "u", &status);
  return status != 401 && status != 407;
}

static void
on_response (gint64 task_id, GVariant *response, gpointer user_data)
{
  TrdRunner *self = user_data;
  TrdRun *run = find_run (self, task_id);
  g_autoptr (GError) error = NULL;
  gint64 length;

  if (run == NULL)
    return;

  if (is_let_in (response))
    run->task->refreshed = FALSE;
  g_clear_pointer (&run->response, g_variant_unref);
  run->response = complete_response (run, response);
  if (g_variant_lookup (response, "content-length", "x", &length))
    run->expected = length;
  if (!note_offset (run, &error))
    {
      trd_run_conclude_error (run, error);
      return;
    }
  trd_registry_emit_task_changed (self->registry, run->task, TRD_TASK_CHANGE_RESPONSE);
  trd_run_note_size (run);
}

static void
on_redirected (
    gint64 task_id, const char *from, const char *to, guint status, gpointer user_data)
{
  TrdRunner *self = user_data;
  TrdRun *run = find_run (self, task_id);

  if (run == NULL)
    return;

  run->n_redirects++;
  g_free (run->current_url);
  run->current_url = trundle_url_without_user_info (to, NULL);
  trd_registry_emit_task_redirected (self->registry, run->task, from, to, status);
}

static void
on_progress (gint64 task_id, const TrdProgress *progress, gpointer user_data)
{
  TrdRunner *self = user_data;
  TrdRun *run = find_run (self, task_id);
  guint64 fresh;

  if (run == NULL)
    return;

  if (progress->synced > run->synced
      && trd_store_set_task_synced (self->env->store, task_id, progress->synced, NULL))
    run->synced = progress->synced;
  fresh = progress->received > run->received ? progress->received - run->received : 0;
  /* An answer to an upload is never continued: it is no progress until it is whole. */
  run->progressed |= fresh > 0 && !run->is_upload;
  run->received = progress->received;
  run->expected = progress->expected;
  fresh += progress->sent > run->sent ? progress->sent - run->sent : 0;
  trd_run_note_sent (run, progress->sent, progress->confirmed);
  g_signal_emit (self, signals[PROGRESS], 0, run->task, fresh);
}

static gboolean
on_upload (gint64 task_id, GVariant *upload, gpointer user_data)
{
  TrdRun *run = find_run (user_data, task_id);

  return run != NULL && trd_run_note_upload (run, upload);
}

/* What is digested is on disk, and told before the next Progress tells so. */
static void
on_digested (gint64 task_id, GVariant *state, gpointer user_data)
{
  TrdRunner *self = user_data;
  TrdRun *run = find_run (self, task_id);
  guint64 synced;

  if (run == NULL || !trd_resume_is_possible (run->response, NULL, NULL))
    return;

  synced = MAX (trd_proof_get_offset (state), run->synced);
  if (trd_store_set_task_digested (self->env->store, task_id, synced, state, NULL))
    run->synced = synced;
}

static void
on_done (gint64 task_id, TrdOutcome *outcome, gpointer user_data)
{
  TrdRunner *self = user_data;
  TrdRun *run = find_run (self, task_id);
  TrdOutcome *mine;

  if (run == NULL)
    return;

  if (outcome->received > run->received)
    {
      const TrdProgress progress = {
        .received = outcome->received,
        .expected = run->expected,
        .sent = outcome->body_sent,
        .confirmed = outcome->body_confirmed,
      };

      on_progress (task_id, &progress, self);
    }
  trd_run_note_upload_done (run, outcome);
  run->in_transport = FALSE;
  note_held (run);
  /* It ended by itself: whatever killed a worker before, it was not this task.  One whose
   * worker was lost has proved nothing. */
  run->cleared = !outcome->busy;
  if (outcome->transactions != NULL)
    run->transactions = g_variant_ref (outcome->transactions);
  run->n_hops = outcome->n_hops;
  mine = trd_outcome_copy (outcome);
  trd_run_check_sent (run, mine);
  /* Of an attempt whose worker was lost nobody knows what the server has seen. */
  mine->sent |= outcome->busy;
  if (mine->response != NULL)
    {
      g_variant_unref (mine->response);
      mine->response = complete_response (run, outcome->response);
    }
  trd_run_conclude (run, mine);
}

static void
on_crashed (gint64 task_id, gboolean alone, gpointer user_data)
{
  TrdRunner *self = user_data;
  TrdRun *run = find_run (self, task_id);

  if (run == NULL)
    return;

  run->in_transport = FALSE;
  note_held (run);
  trd_run_conclude_crash (run, alone);
}

static void
tell_released (TrdRunner *self, gint64 task_id)
{
  TrdTask *task = trd_registry_find_task (self->registry, task_id);

  if (task == NULL)
    {
      trd_runner_give_back (self, task_id);
      return;
    }

  task->releasing = FALSE;
  trd_runner_give_back (self, task_id);
  g_signal_emit (self, signals[RELEASED], 0, task);
}

static void
on_task_changed (TrdRegistry *registry, TrdTask *task, guint changes, TrdRunner *self)
{
  if (changes & TRD_TASK_CHANGE_STATE && task->run == NULL)
    trd_runner_give_back (self, task->id);
}

static void
on_released (gint64 task_id, gpointer user_data)
{
  TrdRunner *self = user_data;
  gint64 heir_id = trd_keeper_note_released (trd_registry_get_keeper (self->registry),
                                             task_id);

  tell_released (self, task_id);
  if (heir_id != 0)
    tell_released (self, heir_id);
}

static guint64
on_cookies (guint64 jar, guint64 version, GVariant *changes, gpointer user_data)
{
  TrdRunner *self = user_data;

  return trd_cookies_take (
      trd_registry_get_cookies (self->registry), jar, version, changes);
}

static const TrdTransportSink sink = {
  .on_response = on_response,
  .on_redirected = on_redirected,
  .on_progress = on_progress,
  .on_upload = on_upload,
  .on_digested = on_digested,
  .on_done = on_done,
  .on_crashed = on_crashed,
  .on_released = on_released,
  .on_cookies = on_cookies,
};

TrdRunner *
trd_runner_new (TrdRegistry *registry)
{
  TrdRunner *self = g_object_new (TRD_TYPE_RUNNER, NULL);

  self->registry = registry;
  self->env = trd_registry_get_env (registry);
  trd_transport_set_sink (self->env->transport, &sink, self);
  g_signal_connect_object (
      registry, "task-changed", G_CALLBACK (on_task_changed), self, 0);

  return self;
}

static void
trd_runner_dispose (GObject *object)
{
  TrdRunner *self = TRD_RUNNER (object);

  g_autoptr (GList) runs = g_hash_table_get_keys (self->runs);

  for (GList *l = runs; l != NULL; l = l->next)
    trd_run_end (l->data);
  if (self->env != NULL)
    trd_transport_set_sink (self->env->transport, NULL, NULL);
  self->env = NULL;

  G_OBJECT_CLASS (trd_runner_parent_class)->dispose (object);
}

static void
trd_runner_finalize (GObject *object)
{
  TrdRunner *self = TRD_RUNNER (object);

  g_hash_table_unref (self->runs);
  g_hash_table_unref (self->rooms);
  g_hash_table_unref (self->locals);

  G_OBJECT_CLASS (trd_runner_parent_class)->finalize (object);
}

static void
trd_runner_init (TrdRunner *self)
{
  self->runs = g_hash_table_new (NULL, NULL);
  self->rooms = g_hash_table_new_full (
      g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)trd_place_free);
  self->locals = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

static void
trd_runner_class_init (TrdRunnerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = trd_runner_dispose;
  G_OBJECT_CLASS (klass)->finalize = trd_runner_finalize;

  signals[PROGRESS] = g_signal_new ("progress",
                                    TRD_TYPE_RUNNER,
                                    G_SIGNAL_RUN_LAST,
                                    0,
                                    NULL,
                                    NULL,
                                    NULL,
                                    G_TYPE_NONE,
                                    2,
                                    G_TYPE_POINTER,
                                    G_TYPE_UINT64);
  signals[RELEASED] = g_signal_new ("released",
                                    TRD_TYPE_RUNNER,
                                    G_SIGNAL_RUN_LAST,
                                    0,
                                    NULL,
                                    NULL,
                                    NULL,
                                    G_TYPE_NONE,
                                    1,
                                    G_TYPE_POINTER);
}
