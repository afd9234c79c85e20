/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an input writes of its task: its row, and what is stored with it, into the open
 * transaction of the turn (core/turn.c).  Here are those of a task that goes on; how one
 * ends is in core/finish.c, what the app may say of one that waits in core/again.c and
 * core/delayed.c. */

#include "config.h"

#include "core/turn-private.h"

#include "common/error.h"
#include "common/vocabulary.h"
#include "core/resume.h"
#include "core/runner.h"
#include "core/waits.h"

/* ---- row and event ---- */

/* What the attempt knows of the upload is there to be gone on with. */
static void
keep_upload (TrdStep *step)
{
  TrdTaskRow *row = step->row;
  GVariant *upload;

  if (step->task->run == NULL
      || !trd_run_get_upload (
          step->task->run, &row->body_sent, &row->body_confirmed, &upload))
    return;

  g_clear_pointer (&row->upload, g_variant_unref);
  row->upload = upload != NULL ? g_variant_ref (upload) : NULL;
}

gboolean
trd_step_load_row (TrdTurn *self, TrdStep *step, GError **error)
{
  step->row = trd_store_load_task (self->store, step->task->id, error);
  if (step->row == NULL)
    return FALSE;

  step->row->state = step->next;
  keep_upload (step);
  return TRUE;
}

/* What is only measured has no commit of its own. */
static void
add_metrics (TrdTurn *self, TrdStep *step)
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

gboolean
trd_step_write_row (TrdTurn *self, TrdStep *step, GError **error)
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
  step->row->challenge_id = step->challenge != NULL ? step->challenge->row->id : 0;

  return trd_store_update_task (self->store, step->row, error);
}

void
trd_step_set_response (TrdStep *step, GVariant *response)
{
  GVariant *before = step->row->response;

  step->row->response = response != NULL ? g_variant_ref (response) : NULL;
  g_clear_pointer (&before, g_variant_unref);
}

void
trd_step_keep_progress (TrdStep *step)
{
  TrdRun *run = step->task->run;
  gint64 expected;

  trd_step_set_response (step, trd_step_find_answer (step, NULL));
  if (run != NULL && trd_resume_is_possible (step->row->response, NULL, NULL))
    trd_run_get_progress (run, &step->row->received, &expected);
}

gint64
trd_step_first_deadline_us (TrdTurn *self, TrdStep *step)
{
  guint64 timeout_ms = trundle_options_get_uint64 (
      step->row->options, step->task->session->row->configuration, "resource-timeout");

  return timeout_ms == 0 ? G_MAXINT64
                         : trd_moment_after (self->now, (gint64)timeout_ms * 1000);
}

TrdEvent *
trd_step_new_event (TrdTurn *self,
                    TrdStep *step,
                    TrundleEventKind kind,
                    GVariant *details)
{
  TrdEvent *event = trd_turn_new_event (self, step->task->session, kind, details);

  event->task_id = step->task->id;
  return event;
}

/* ---- inputs ---- */

gboolean
trd_stage_resume (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error)
{
  if (!trd_step_load_row (self, step, error))
    return FALSE;

  if (step->row->resumed_us == 0)
    step->row->resumed_us = self->now.wall_us;
  /* Not before the earliest begin: TRD_TASK_INPUT_DUE. */
  if (step->deadline_us == 0 && step->earliest_begin_us == 0)
    step->deadline_us = trd_step_first_deadline_us (self, step);
  else if (step->deadline_us < 0)
    step->deadline_us = trd_moment_after (self->now, -step->deadline_us);
  step->hold = 0;
  step->not_before_us = 0;

  return trd_step_write_row (self, step, error);
}

/* A suspended task is subject to no timeout: what is left is kept. */
gboolean
trd_stage_suspend (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error)
{
  if (!trd_step_load_row (self, step, error))
    return FALSE;

  trd_step_keep_progress (step);
  trd_step_withdraw_question (step);
  /* After Resume it is asked anew. */
  step->challenge = NULL;
  if (step->deadline_us > 0 && step->deadline_us < G_MAXINT64)
    step->deadline_us = MIN (self->now.boot_us - step->deadline_us, -1);
  step->hold = 0;
  step->not_before_us = 0;

  return trd_step_write_row (self, step, error);
}

void
trd_step_copy_progress (TrdStep *step, const TrdChange *change)
{
  TrdTaskRow *row = step->row;

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

/* The next attempt cuts the part to nothing. */
static void
forget_part (TrdTaskRow *row)
{
  g_clear_pointer (&row->response, g_variant_unref);
  g_clear_pointer (&row->digest_state, g_variant_unref);
  row->received = 0;
}

static void
turn_to_mirror (TrdStep *step, guint mirror)
{
  if (mirror == step->row->mirror)
    return;

  step->row->mirror = mirror;
  g_clear_pointer (&step->row->current_url, g_free);
  step->host = trd_request_find_host (step->row);
  step->changes |= TRD_TASK_CHANGE_REQUEST;
}

void
trd_step_note_attempt (TrdStep *step, const TrdChange *change)
{
  TrdTaskRow *row = step->row;
  g_autofree char *asked = trd_request_find_url (row);

  row->sent = step->task->run != NULL && trd_run_is_unsure (step->task->run);
  row->attempts++;
  step->suspicion = change->suspicion;
  trd_step_set_response (step, trd_step_find_answer (step, change->outcome));
  trd_step_copy_progress (step, change);
  if (row->intent.final_name == NULL
      && !trd_resume_is_possible (row->response, NULL, NULL))
    row->received = 0;

  g_free (row->transient_name);
  row->transient_name = g_strdup (trundle_error_to_name (change->outcome->code));
  g_clear_pointer (&row->transient_details, g_variant_unref);
  row->transient_details = trd_outcome_details (change->outcome, asked);
  step->changes |= TRD_TASK_CHANGE_NEXT_ATTEMPT;
}

gboolean
trd_stage_retry (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error)
{
  if (!trd_step_load_row (self, step, error))
    return FALSE;

  trd_step_note_attempt (step, change);
  step->hold = change->hold;
  step->not_before_us = change->not_before_us;
  step->failures = change->failures;
  step->streak = change->streak;
  step->row->space_needed = change->space_needed;
  turn_to_mirror (step, change->mirror);
  if (change->afresh)
    forget_part (step->row);

  return trd_step_write_row (self, step, error);
}
