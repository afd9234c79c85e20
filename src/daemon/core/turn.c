/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The one writer of a task's state.  A turn judges each input by the table, writes rows
 * and events into one transaction, commits, and only then changes memory, tells who
 * listens, and lets runner and scheduler act (laws 1, 2, 3, 5, 7). */

#include "config.h"

#include "core/turn-private.h"

#include "common/error.h"
#include "common/vocabulary.h"
#include "core/registry-internal.h"
#include "core/resume.h"
#include "core/runner.h"
#include "core/waits.h"
#include "value/log.h"

typedef TrdStep Step;

static void
step_free (Step *step)
{
  g_clear_pointer (&step->row, trd_task_row_free);
  g_clear_pointer (&step->event, trd_event_free);
  g_clear_pointer (&step->host, g_ref_string_release);
  g_clear_pointer (&step->secrets, g_variant_unref);
  g_free (step);
}

TrdTurn *
trd_turn_new (TrdRegistry *registry)
{
  const TrdEnv *env = trd_registry_get_env (registry);
  TrdTurn *self = g_new0 (TrdTurn, 1);

  self->registry = registry;
  self->store = env->store;
  self->now = trd_clock_now (env->clock);
  self->steps = g_ptr_array_new_with_free_func ((GDestroyNotify)step_free);
  self->finishing = g_hash_table_new (NULL, NULL);
  self->last_words = g_ptr_array_new_with_free_func ((GDestroyNotify)trd_event_free);

  return self;
}

void
trd_turn_free (TrdTurn *self)
{
  if (self->open)
    trd_store_rollback (self->store);

  g_ptr_array_unref (self->steps);
  g_hash_table_unref (self->finishing);
  g_ptr_array_unref (self->last_words);
  g_free (self);
}

static gboolean
ensure_open (TrdTurn *self, GError **error)
{
  if (!self->open)
    self->open = trd_store_begin (self->store, error);

  return self->open;
}

TrdTurn *
trd_turn_new_open (TrdRegistry *registry, GError **error)
{
  g_autoptr (TrdTurn) self = trd_turn_new (registry);

  return ensure_open (self, error) ? g_steal_pointer (&self) : NULL;
}

gboolean
trd_turn_append_event (TrdTurn *self, TrdEvent *event, GError **error)
{
  return ensure_open (self, error) && trd_store_append_event (self->store, event, error);
}

/* ---- what each input writes ---- */

static gboolean
load_row (TrdTurn *self, Step *step, GError **error)
{
  step->row = trd_store_load_task (self->store, step->task->id, error);
  if (step->row == NULL)
    return FALSE;

  step->row->state = step->next;
  return TRUE;
}

/* What is only measured has no commit of its own. */
static void
add_metrics (TrdTurn *self, Step *step)
{
  TrdTaskRow *row = step->row;
  g_autoptr (GVariant) before = NULL;
  guint number = row->attempts + (step->input == TRD_TASK_INPUT_SUSPEND);
  TrdMetricsAttempt attempt;
  TrdMetricsWaits waits;

  if (step->task->run != NULL && trd_run_measure (step->task->run, &attempt))
    {
      before = g_steal_pointer (&row->metrics);
      row->metrics = trd_metrics_add_attempt (before, &attempt, number);
      g_clear_pointer (&before, g_variant_unref);
    }
  if (trd_waits_get (step->task, self->now.boot_us, &waits))
    {
      before = g_steal_pointer (&row->metrics);
      row->metrics = trd_metrics_add_waits (before, &waits);
    }
}

static gboolean
write_row (TrdTurn *self, Step *step, GError **error)
{
  add_metrics (self, step);
  step->row->hold = step->hold;
  step->row->not_before = trd_moment_at (self->now, step->not_before_us);
  step->row->deadline = trd_moment_at (self->now, step->deadline_us);
  step->row->suspicion = step->suspicion;
  step->row->failures = step->failures;
  step->row->streak = step->streak;
  step->row->durable = step->durable;
  step->row->delayed = step->delayed;

  return trd_store_update_task (self->store, step->row, error);
}

static void
set_response (TrdTaskRow *row, GVariant *response)
{
  GVariant *before = row->response;

  row->response = response != NULL ? g_variant_ref (response) : NULL;
  g_clear_pointer (&before, g_variant_unref);
}

/* What the attempt has received is there to be continued. */
static void
keep_progress (Step *step)
{
  TrdRun *run = step->task->run;
  gint64 expected;

  set_response (step->row, trd_step_find_answer (step, NULL));
  if (run != NULL && trd_resume_is_possible (step->row->response, NULL, NULL))
    trd_run_get_progress (run, &step->row->received, &expected);
}

static gint64
first_deadline_us (TrdTurn *self, Step *step)
{
  guint64 timeout_ms = trundle_options_get_uint64 (
      step->row->options, step->task->session->row->configuration, "resource-timeout");

  return timeout_ms == 0 ? G_MAXINT64
                         : trd_moment_after (self->now, (gint64)timeout_ms * 1000);
}

static gboolean
stage_resume (TrdTurn *self, Step *step, const TrdChange *change, GError **error)
{
  if (!load_row (self, step, error))
    return FALSE;

  if (step->row->resumed_us == 0)
    step->row->resumed_us = self->now.wall_us;
  /* Not before the earliest begin: TRD_TASK_INPUT_DUE. */
  if (step->deadline_us == 0 && step->earliest_begin_us == 0)
    step->deadline_us = first_deadline_us (self, step);
  else if (step->deadline_us < 0)
    step->deadline_us = trd_moment_after (self->now, -step->deadline_us);
  step->hold = 0;
  step->not_before_us = 0;

  return write_row (self, step, error);
}

/* A suspended task is subject to no timeout: what is left is kept. */
static gboolean
stage_suspend (TrdTurn *self, Step *step, const TrdChange *change, GError **error)
{
  if (!load_row (self, step, error))
    return FALSE;

  keep_progress (step);
  trd_step_withdraw_question (step);
  if (step->deadline_us > 0 && step->deadline_us < G_MAXINT64)
    step->deadline_us = MIN (self->now.boot_us - step->deadline_us, -1);
  step->hold = 0;
  step->not_before_us = 0;

  return write_row (self, step, error);
}

/* START and HOLD change no row (law 3). */
static gboolean
stage_nothing (TrdTurn *self, Step *step, const TrdChange *change, GError **error)
{
  return TRUE;
}

static gboolean
stage_state (TrdTurn *self, Step *step, const TrdChange *change, GError **error)
{
  return trd_store_set_task_state (self->store,
                                   step->task->id,
                                   step->next,
                                   step->hold,
                                   trd_moment_at (self->now, step->not_before_us),
                                   error);
}

static void
copy_progress (TrdTaskRow *row, const TrdChange *change)
{
  if (change->current_url != NULL)
    {
      g_free (row->current_url);
      row->current_url = g_strdup (change->current_url);
    }
  if (change->outcome == NULL)
    return;

  row->received = change->outcome->received;
  if (change->outcome->digest_state != NULL)
    {
      g_clear_pointer (&row->digest_state, g_variant_unref);
      row->digest_state = g_variant_ref (change->outcome->digest_state);
    }
}

static void
copy_answer (TrdTaskRow *row, const TrdChange *change)
{
  copy_progress (row, change);
  if (change->outcome != NULL && change->outcome->response != NULL)
    set_response (row, change->outcome->response);
}

/* The next attempt cuts the part to nothing. */
static void
forget_part (TrdTaskRow *row)
{
  g_clear_pointer (&row->response, g_variant_unref);
  g_clear_pointer (&row->digest_state, g_variant_unref);
  row->received = 0;
}

static void
turn_to_mirror (Step *step, guint mirror)
{
  if (mirror == step->row->mirror)
    return;

  step->row->mirror = mirror;
  g_clear_pointer (&step->row->current_url, g_free);
  step->host = trd_request_find_host (step->row);
  step->changes |= TRD_TASK_CHANGE_REQUEST;
}

static gboolean
stage_retry (TrdTurn *self, Step *step, const TrdChange *change, GError **error)
{
  g_autofree char *asked = NULL;

  if (!load_row (self, step, error))
    return FALSE;

  asked = trd_request_find_url (step->row);
  trd_request_mark_begun (step->row, FALSE);
  step->row->attempts++;
  step->hold = change->hold;
  step->not_before_us = change->not_before_us;
  step->suspicion = change->suspicion;
  step->failures = change->failures;
  step->streak = change->streak;
  step->row->space_needed = change->space_needed;
  set_response (step->row, trd_step_find_answer (step, change->outcome));
  copy_progress (step->row, change);
  turn_to_mirror (step, change->mirror);
  if (change->afresh)
    forget_part (step->row);
  if (!trd_resume_is_possible (step->row->response, NULL, NULL))
    step->row->received = 0;

  g_free (step->row->transient_name);
  step->row->transient_name = g_strdup (trundle_error_to_name (change->outcome->code));
  g_clear_pointer (&step->row->transient_details, g_variant_unref);
  step->row->transient_details = trd_outcome_details (change->outcome, asked);
  step->changes |= TRD_TASK_CHANGE_NEXT_ATTEMPT;

  return write_row (self, step, error);
}

/* ---- the end of a task ---- */

static void
add_digests (GVariantDict *dict, GVariant *integrity)
{
  g_autoptr (GVariant) digests = NULL;

  if (integrity != NULL)
    digests = g_variant_lookup_value (integrity, "digests", NULL);
  if (digests != NULL)
    g_variant_dict_insert_value (dict, "digests", digests);
}

/* The details of TaskFinished: enough to deal with it without asking again. */
static GVariant *
finished_details (const TrdTaskRow *row)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (row->error_details);

  g_variant_dict_insert (&dict, "error", "s", row->error_name ? row->error_name : "");
  if (row->error_details == NULL)
    g_variant_dict_insert (&dict, "url", "s", row->url);
  g_variant_dict_insert (&dict, "identifier", "t", row->number);
  g_variant_dict_insert (&dict, "received", "t", row->received);
  if (row->final_path != NULL)
    g_variant_dict_insert (&dict, "path", "s", row->final_path);
  if (row->proof != NULL)
    g_variant_dict_insert (&dict, "proof", "s", row->proof);
  add_digests (&dict, row->integrity);
  if (row->file_moved)
    g_variant_dict_insert (&dict, "file-moved", "b", TRUE);
  if (row->description != NULL)
    g_variant_dict_insert (&dict, "description", "s", row->description);
  if (row->response != NULL)
    {
      guint status;

      if (g_variant_lookup (row->response, "status", "u", &status))
        g_variant_dict_insert (&dict, "status", "u", status);
    }

  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

static TrdEvent *
new_event (TrdTurn *self, TrdSession *session, TrundleEventKind kind, GVariant *details)
{
  TrdEvent *event = g_new0 (TrdEvent, 1);

  event->session_id = session->row->id;
  event->kind = kind;
  event->details = details;
  event->created_us = self->now.wall_us;
  /* With somebody there it is sent the moment it is stored. */
  event->offered = session->has_consumer;

  return event;
}

static gboolean
finish_row (TrdTurn *self, Step *step, GError **error)
{
  TrdSession *session = step->task->session;
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (self->finishing, session));

  step->row->finished_us = self->now.wall_us;
  step->row->attempts += step->task->state == TRUNDLE_TASK_RUNNING;
  step->hold = 0;
  step->not_before_us = 0;
  step->delayed = TRD_DELAYED_NO;
  step->changes |= TRD_TASK_CHANGE_ERROR | TRD_TASK_CHANGE_RESPONSE;
  if (!write_row (self, step, error))
    return FALSE;

  step->event = new_event (
      self, session, TRUNDLE_EVENT_TASK_FINISHED, finished_details (step->row));
  step->event->task_id = step->task->id;
  if (!trd_store_append_event (self->store, step->event, error))
    return FALSE;

  g_hash_table_insert (self->finishing, session, GUINT_TO_POINTER (n + 1));
  return TRUE;
}

static void
set_error (TrdTaskRow *row, TrundleError code, GVariant *details)
{
  g_free (row->error_name);
  row->error_name = g_strdup (trundle_error_to_name (code));
  g_clear_pointer (&row->error_details, g_variant_unref);
  row->error_details = details;
}

static GVariant *
ending_details (const TrdTaskRow *row, const char *reason)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "url", "s", row->url);
  g_variant_dict_insert (&dict, "reason", "s", reason);

  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

static gboolean
stage_cancel (TrdTurn *self, Step *step, const TrdChange *change, GError **error)
{
  const char *reason = change != NULL && change->reason ? change->reason : "client";

  step->discard = TRUE;
  if (!load_row (self, step, error))
    return FALSE;

  set_error (step->row, TRUNDLE_ERROR_CANCELLED, ending_details (step->row, reason));
  if (change != NULL && change->out_resume_data != NULL)
    {
      keep_progress (step);
      if (!trd_step_leave (
              self, step, step->row->response, change->out_resume_data, error))
        return FALSE;
    }
  return finish_row (self, step, error);
}

static gboolean
stage_expire (TrdTurn *self, Step *step, const TrdChange *change, GError **error)
{
  if (!load_row (self, step, error))
    return FALSE;

  keep_progress (step);
  set_error (
      step->row, TRUNDLE_ERROR_TIMED_OUT, ending_details (step->row, "resource-timeout"));
  return trd_step_leave (self, step, step->row->response, NULL, error)
         && finish_row (self, step, error);
}

static gboolean
stage_reject (TrdTurn *self, Step *step, const TrdChange *change, GError **error)
{
  step->discard = TRUE;
  if (!load_row (self, step, error))
    return FALSE;

  set_error (step->row,
             TRUNDLE_ERROR_AUTHENTICATION_CANCELLED,
             ending_details (step->row, "client"));
  return finish_row (self, step, error);
}

static gboolean
stage_fail (TrdTurn *self, Step *step, const TrdChange *change, GError **error)
{
  g_autofree char *asked = NULL;
  g_autoptr (GVariant) response = NULL;

  if (!load_row (self, step, error))
    return FALSE;

  asked = trd_request_find_url (step->row);
  response = trd_step_find_answer (step, change->outcome);
  if (response != NULL)
    g_variant_ref (response);
  copy_answer (step->row, change);
  step->suspicion = change->suspicion;
  step->discard = !change->keep_part;
  g_clear_pointer (&step->row->error_body, g_bytes_unref);
  if (change->outcome->error_body != NULL)
    step->row->error_body = g_bytes_ref (change->outcome->error_body);
  /* The intent failed; the part, if whole, stays for OpenFile and MoveFile. */
  trd_intent_clear (&step->row->intent);
  set_error (
      step->row, change->outcome->code, trd_outcome_details (change->outcome, asked));
  if (step->discard && !trd_step_leave_failed (self, step, change, response, error))
    return FALSE;

  return finish_row (self, step, error);
}

static gboolean
stage_succeed (TrdTurn *self, Step *step, const TrdChange *change, GError **error)
{
  if (!load_row (self, step, error))
    return FALSE;

  copy_answer (step->row, change);
  step->suspicion = 0;
  trd_intent_clear (&step->row->intent);
  if (change->outcome != NULL && change->outcome->proof != NULL)
    {
      g_free (step->row->proof);
      step->row->proof = g_strdup (change->outcome->proof);
    }
  if (change->integrity != NULL)
    {
      g_clear_pointer (&step->row->integrity, g_variant_unref);
      step->row->integrity = g_variant_ref (change->integrity);
    }
  g_clear_pointer (&step->row->digest_state, g_variant_unref);
  g_free (step->row->final_path);
  step->row->final_path = g_strdup (change->final_path);
  step->row->file_moved = change->file_moved;

  return finish_row (self, step, error);
}

typedef gboolean (*StageFunc) (TrdTurn *, Step *, const TrdChange *, GError **);

static const StageFunc stages[] = {
  [TRD_TASK_INPUT_RESUME] = stage_resume,
  [TRD_TASK_INPUT_SUSPEND] = stage_suspend,
  [TRD_TASK_INPUT_CANCEL] = stage_cancel,
  [TRD_TASK_INPUT_EXPIRE] = stage_expire,
  [TRD_TASK_INPUT_START] = stage_nothing,
  [TRD_TASK_INPUT_HOLD] = stage_nothing,
  [TRD_TASK_INPUT_SUCCEED] = stage_succeed,
  [TRD_TASK_INPUT_FAIL] = stage_fail,
  [TRD_TASK_INPUT_RETRY] = stage_retry,
  [TRD_TASK_INPUT_CHALLENGE] = stage_state,
  [TRD_TASK_INPUT_ANSWER] = stage_state,
  [TRD_TASK_INPUT_REJECT] = stage_reject,
  [TRD_TASK_INPUT_UPDATE] = trd_stage_update,
  [TRD_TASK_INPUT_TRY_AGAIN] = trd_stage_try_again,
  [TRD_TASK_INPUT_NETWORK_UP] = trd_stage_network_up,
  [TRD_TASK_INPUT_DATE] = trd_stage_date,
  [TRD_TASK_INPUT_DUE] = trd_stage_due,
  [TRD_TASK_INPUT_PROCEED] = trd_stage_proceed,
};

G_STATIC_ASSERT (G_N_ELEMENTS (stages) == TRD_N_TASK_INPUTS);

/* ---- for stages in other files ---- */

gboolean
trd_step_load_row (TrdTurn *self, TrdStep *step, GError **error)
{
  return load_row (self, step, error);
}

gboolean
trd_step_write_row (TrdTurn *self, TrdStep *step, GError **error)
{
  return write_row (self, step, error);
}

gint64
trd_step_first_deadline_us (TrdTurn *self, TrdStep *step)
{
  return first_deadline_us (self, step);
}

TrdEvent *
trd_step_new_event (TrdTurn *self,
                    TrdStep *step,
                    TrundleEventKind kind,
                    GVariant *details)
{
  TrdEvent *event = new_event (self, step->task->session, kind, details);

  event->task_id = step->task->id;
  return event;
}

/* ---- staging ---- */

static Step *
new_step (TrdTask *task, TrdTaskInput input, TrundleTaskState next)
{
  Step *step = g_new0 (Step, 1);

  step->task = task;
  step->input = input;
  step->next = next;
  step->hold = task->hold;
  step->not_before_us = task->not_before_us;
  step->deadline_us = task->deadline_us;
  step->earliest_begin_us = task->earliest_begin_us;
  step->delayed = task->delayed;
  step->suspicion = task->suspicion;
  step->failures = task->failures;
  step->streak = task->streak;
  step->durable = task->durable;
  step->changes = TRD_TASK_CHANGE_STATE;

  return step;
}

gboolean
trd_turn_apply (TrdTurn *self,
                TrdTask *task,
                TrdTaskInput input,
                const TrdChange *change,
                GError **error)
{
  TrundleTaskState next;
  Step *step;

  switch (trd_task_state_next (task->state, input, &next))
    {
    case TRD_CELL_ILLEGAL:
      g_set_error (error,
                   TRUNDLE_ERROR,
                   TRUNDLE_ERROR_BAD_STATE,
                   "A task that is %s cannot %s",
                   trundle_task_state_to_word (task->state),
                   trd_task_input_to_word (input));
      return FALSE;
    case TRD_CELL_SAME:
      return TRUE;
    case TRD_CELL_MOVE:
      break;
    }

  step = new_step (task, input, next);
  g_ptr_array_add (self->steps, step);
  if (stages[input] == stage_nothing)
    return TRUE;

  return ensure_open (self, error) && stages[input](self, step, change, error);
}

/* A session that only waited for its last task becomes invalid with it (law 5: in the
 * same transaction). */
static gboolean
stage_last_words (TrdTurn *self, GError **error)
{
  GHashTableIter iter;
  TrdSession *session;
  gpointer n;

  g_hash_table_iter_init (&iter, self->finishing);
  while (g_hash_table_iter_next (&iter, (gpointer *)&session, &n))
    {
      TrdEvent *event;

      if (session->row->state == TRUNDLE_SESSION_ACTIVE
          || session->n_unfinished != GPOINTER_TO_UINT (n))
        continue;

      event = new_event (self,
                         session,
                         TRUNDLE_EVENT_DID_BECOME_INVALID,
                         g_variant_ref_sink (g_variant_new ("a{sv}", NULL)));
      g_ptr_array_add (self->last_words, event);
      if (!trd_store_append_event (self->store, event, error))
        return FALSE;
    }

  return TRUE;
}

/* ---- after the commit ---- */

static void
assign (TrdTurn *self, Step *step)
{
  TrdTask *task = step->task;
  TrdSession *session = task->session;

  if (step->row != NULL)
    trd_waits_forget (task);
  else
    trd_waits_count (task, self->now.boot_us);
  session->n_running += step->next == TRUNDLE_TASK_RUNNING;
  session->n_running -= task->state == TRUNDLE_TASK_RUNNING;
  session->n_unfinished += trd_task_is_finished (task);
  session->n_unfinished -= step->next == TRUNDLE_TASK_FINISHED;
  session->n_asked += step->delayed == TRD_DELAYED_ASKED;
  session->n_asked -= task->delayed == TRD_DELAYED_ASKED;

  task->state = step->next;
  task->begun |= step->next == TRUNDLE_TASK_RUNNING;
  task->waiting_since_us = step->next == TRUNDLE_TASK_QUEUED ? self->now.boot_us : 0;
  task->hold = step->hold;
  task->not_before_us = step->not_before_us;
  task->deadline_us = step->deadline_us;
  task->earliest_begin_us = task->begun ? 0 : step->earliest_begin_us;
  task->delayed = step->delayed;
  task->suspicion = step->suspicion;
  task->failures = MIN (step->failures, G_MAXUINT16);
  task->streak = MIN (step->streak, G_MAXUINT16);
  task->durable = step->durable;
  if (step->row != NULL)
    task->has_intent = step->row->intent.final_name != NULL;
  if (step->host != NULL)
    {
      g_ref_string_release (task->host);
      task->host = g_steal_pointer (&step->host);
    }
  if (step->takes_secrets)
    trd_registry_set_secrets (self->registry, task->id, step->secrets);
}

/* The life of a task in the journal, with its fields; the address is redacted there. */
static void
log_step (Step *step)
{
  const TrdTaskRow *row = step->row;

  if (step->input == TRD_TASK_INPUT_DUE && step->event != NULL)
    trd_log_task (G_LOG_LEVEL_INFO,
                  row->session_id,
                  row->id,
                  "The app is asked before it begins: %s",
                  row->url);
  else if (step->event != NULL && row->error_name == NULL)
    trd_log_task (G_LOG_LEVEL_MESSAGE,
                  row->session_id,
                  row->id,
                  "Finished: %s (%" G_GUINT64_FORMAT " bytes)",
                  row->url,
                  row->received);
  else if (step->event != NULL)
    trd_log_task (G_LOG_LEVEL_MESSAGE,
                  row->session_id,
                  row->id,
                  "Ended with %s: %s",
                  row->error_name,
                  row->url);
  else if (step->input == TRD_TASK_INPUT_RETRY)
    trd_log_task (G_LOG_LEVEL_INFO,
                  row->session_id,
                  row->id,
                  "To be tried again after %s: %s",
                  row->transient_name,
                  row->url);
  else if (step->withdraws)
    trd_log_task (G_LOG_LEVEL_MESSAGE,
                  row->session_id,
                  row->id,
                  "Tried again because the app asks for it: %s",
                  row->url);
}

static void
tell (TrdTurn *self, Step *step)
{
  /* First, so that nothing of an attempt comes after its task has left RUNNING. */
  if (step->task->run != NULL && step->next != TRUNDLE_TASK_RUNNING)
    trd_run_end (step->task->run);
  if (step->discard)
    trd_spool_discard (trd_registry_get_env (self->registry)->spool, step->row->place);

  if (step->row != NULL)
    log_step (step);
  trd_registry_emit_task_changed (self->registry, step->task, step->changes);
  if (step->withdraws)
    trd_registry_note_withdrawal (self->registry, step->task->session);
  if (step->event != NULL)
    trd_registry_note_event (self->registry, step->task->session, step->event);
}

static void
tell_last_words (TrdTurn *self, TrdEvent *event)
{
  TrdSession *session = trd_registry_find_session (self->registry, event->session_id);

  if (session != NULL)
    trd_registry_note_event (self->registry, session, event);
}

gboolean
trd_turn_commit (TrdTurn *self, GError **error)
{
  if (self->open)
    {
      if (!stage_last_words (self, error) || !trd_store_commit (self->store, error))
        return FALSE;
      self->open = FALSE;
    }

  for (guint i = 0; i < self->steps->len; i++)
    assign (self, g_ptr_array_index (self->steps, i));
  for (guint i = 0; i < self->steps->len; i++)
    tell (self, g_ptr_array_index (self->steps, i));
  for (guint i = 0; i < self->last_words->len; i++)
    tell_last_words (self, g_ptr_array_index (self->last_words, i));

  g_ptr_array_set_size (self->steps, 0);
  return TRUE;
}

gboolean
trd_turn_single (TrdRegistry *registry,
                 TrdTask *task,
                 TrdTaskInput input,
                 const TrdChange *change,
                 GError **error)
{
  g_autoptr (TrdTurn) turn = trd_turn_new (registry);

  return trd_turn_apply (turn, task, input, change, error)
         && trd_turn_commit (turn, error);
}
