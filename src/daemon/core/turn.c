/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The one writer of a task's state.  A turn judges each input by the table, writes rows
 * and events into one transaction, commits, and only then changes memory, tells who
 * listens, and lets runner and scheduler act (laws 1, 2, 3, 5, 7). */

#include "config.h"

#include "core/turn-private.h"

#include "common/error.h"
#include "core/body.h"
#include "core/registry-internal.h"
#include "core/runner.h"
#include "core/terminator.h"
#include "core/waits.h"
#include "value/log.h"

static void
step_free (TrdStep *step)
{
  g_clear_pointer (&step->row, trd_task_row_free);
  g_clear_pointer (&step->event, trd_event_free);
  g_clear_pointer (&step->host, g_ref_string_release);
  g_clear_pointer (&step->secrets, trd_secrets_unref);
  g_clear_pointer (&step->termination, trd_termination_free);
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
  self->standings = g_ptr_array_new_with_free_func (trd_standing_free);

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
  g_ptr_array_unref (self->standings);
  g_free (self);
}

gboolean
trd_turn_open (TrdTurn *self, GError **error)
{
  if (!self->open)
    self->open = trd_store_begin (self->store, error);

  return self->open;
}

TrdTurn *
trd_turn_new_open (TrdRegistry *registry, GError **error)
{
  g_autoptr (TrdTurn) self = trd_turn_new (registry);

  return trd_turn_open (self, error) ? g_steal_pointer (&self) : NULL;
}

gboolean
trd_turn_append_event (TrdTurn *self, TrdEvent *event, GError **error)
{
  return trd_turn_open (self, error)
         && trd_store_append_event (self->store, event, error);
}

TrdEvent *
trd_turn_new_event (TrdTurn *self,
                    TrdSession *session,
                    TrundleEventKind kind,
                    GVariant *details)
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

/* ---- staging ---- */

/* START and HOLD change no row (law 3). */
static gboolean
stage_nothing (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error)
{
  return TRUE;
}

typedef gboolean (*StageFunc) (TrdTurn *, TrdStep *, const TrdChange *, GError **);

static const StageFunc stages[] = {
  [TRD_TASK_INPUT_RESUME] = trd_stage_resume,
  [TRD_TASK_INPUT_SUSPEND] = trd_stage_suspend,
  [TRD_TASK_INPUT_CANCEL] = trd_stage_cancel,
  [TRD_TASK_INPUT_EXPIRE] = trd_stage_expire,
  [TRD_TASK_INPUT_START] = stage_nothing,
  [TRD_TASK_INPUT_HOLD] = stage_nothing,
  [TRD_TASK_INPUT_SUCCEED] = trd_stage_succeed,
  [TRD_TASK_INPUT_FAIL] = trd_stage_fail,
  [TRD_TASK_INPUT_RETRY] = trd_stage_retry,
  [TRD_TASK_INPUT_CHALLENGE] = trd_stage_challenge,
  [TRD_TASK_INPUT_ANSWER] = trd_stage_answer,
  [TRD_TASK_INPUT_REJECT] = trd_stage_reject,
  [TRD_TASK_INPUT_UPDATE] = trd_stage_update,
  [TRD_TASK_INPUT_TRY_AGAIN] = trd_stage_try_again,
  [TRD_TASK_INPUT_NETWORK_UP] = trd_stage_network_up,
  [TRD_TASK_INPUT_DATE] = trd_stage_date,
  [TRD_TASK_INPUT_DUE] = trd_stage_due,
  [TRD_TASK_INPUT_PROCEED] = trd_stage_proceed,
};

G_STATIC_ASSERT (G_N_ELEMENTS (stages) == TRD_N_TASK_INPUTS);

static TrdStep *
new_step (TrdTask *task, TrdTaskInput input, TrundleTaskState next)
{
  TrdStep *step = g_new0 (TrdStep, 1);

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
  step->challenge = task->challenge;
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
  TrdStep *step;

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

  return trd_turn_open (self, error) && stages[input](self, step, change, error);
}

gboolean
trd_turn_refer (TrdTurn *self, TrdTask *task, TrdChallenge *challenge, GError **error)
{
  TrdStep *step = new_step (task, TRD_TASK_INPUT_UPDATE, TRUNDLE_TASK_CHALLENGED);

  g_ptr_array_add (self->steps, step);
  step->challenge = challenge;
  step->changes = TRD_TASK_CHANGE_WAIT_REASONS;

  return trd_turn_open (self, error) && trd_step_load_row (self, step, error)
         && trd_step_write_row (self, step, error);
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

      event = trd_turn_new_event (self,
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
assign (TrdTurn *self, TrdStep *step)
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
  trd_step_assign_challenge (step);

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
    {
      g_clear_pointer (&task->secrets, trd_secrets_unref);
      task->secrets = g_steal_pointer (&step->secrets);
    }
}

/* The life of a task in the journal, with its fields; the address is redacted there. */
static void
log_step (TrdStep *step)
{
  const TrdTaskRow *row = step->row;

  if (step->input == TRD_TASK_INPUT_DUE && step->event != NULL)
    trd_log_task (G_LOG_LEVEL_INFO,
                  row->session_id,
                  row->id,
                  "The app is asked before it begins: %s",
                  row->url);
  else if (step->input == TRD_TASK_INPUT_CHALLENGE)
    trd_log_task (G_LOG_LEVEL_INFO,
                  row->session_id,
                  row->id,
                  "Waits for an answer to %s: %s",
                  row->transient_name,
                  row->url);
  else if (step->event != NULL && row->error_name == NULL)
    trd_log_task (G_LOG_LEVEL_MESSAGE,
                  row->session_id,
                  row->id,
                  "Finished: %s (%" G_GUINT64_FORMAT " bytes)",
                  row->url,
                  row->kind == TRUNDLE_KIND_UPLOAD ? row->body_size : row->received);
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
tell (TrdTurn *self, TrdStep *step)
{
  /* First, so that nothing of an attempt comes after its task has left RUNNING. */
  if (step->task->run != NULL && step->next != TRUNDLE_TASK_RUNNING)
    trd_run_end (step->task->run);
  if (step->discard)
    trd_spool_discard (trd_registry_get_env (self->registry)->spool, step->row->place);
  if (step->input == TRD_TASK_INPUT_SUCCEED)
    trd_body_discard (trd_registry_get_env (self->registry), step->row->body);
  if (step->termination != NULL)
    trd_terminator_ask (trd_registry_get_terminator (self->registry),
                        g_steal_pointer (&step->termination));

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
      if (!stage_last_words (self, error) || !trd_turn_stage_vanishing (self, error)
          || !trd_store_commit (self->store, error))
        return FALSE;
      self->open = FALSE;
    }

  trd_turn_assign_challenges (self);
  for (guint i = 0; i < self->steps->len; i++)
    assign (self, g_ptr_array_index (self->steps, i));
  for (guint i = 0; i < self->steps->len; i++)
    tell (self, g_ptr_array_index (self->steps, i));
  for (guint i = 0; i < self->last_words->len; i++)
    tell_last_words (self, g_ptr_array_index (self->last_words, i));

  trd_turn_drop_challenges (self);
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
