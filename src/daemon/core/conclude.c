/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What follows from the end of an attempt: the verdict (value/outcome.c), and for what is
 * tried again, when and at which address.  Counters go into the row with the same commit
 * as the state (laws 2 and 5), so that a restart changes no back-off. */

#include "config.h"

#include "core/runner-private.h"

#include "common/defaults.h"
#include "common/error.h"
#include "common/vocabulary.h"
#include "core/registry-internal.h"
#include "core/request.h"

void
trd_run_take_context (TrdRun *run, const TrdTaskRow *row)
{
  TrdContext *context = &run->context;
  GVariant *configuration = run->task->session->row->configuration;
  g_autofree char *method = trundle_options_get_string (row->options, NULL, "method");

  trd_retry_init (&context->retry, row->options, configuration);
  run->repeatable = trd_method_is_idempotent (method)
                    || trd_request_says_repeatable (row);
  context->idempotent = run->repeatable;
  context->n_addresses = trd_request_count_addresses (row);
  context->attempts = row->attempts;
  context->streak = row->streak;
  if (row->transient_name != NULL)
    context->has_last = trundle_error_from_name (row->transient_name,
                                                 &context->last_code);
  if (row->transient_details != NULL)
    g_variant_lookup (row->transient_details, "status", "u", &context->last_status);
  run->address = row->mirror;
  trd_run_take_upload (run, row);
}

/* Say because the disk is full.  Nothing is lost: the row still says queued, and the
 * attempt is made again. */
void
trd_run_hold_unstored (TrdRun *run, const GError *why)
{
  g_autoptr (GError) error = NULL;
  TrdTask *task = run->task;

  g_warning ("Cannot store what became of task %" G_GINT64_FORMAT ": %s",
             task->id,
             why->message);
  task->hold = TRUNDLE_WAIT_DISK_SPACE;
  task->not_before_us = trd_moment_after (trd_clock_now (run->runner->env->clock),
                                          TRD_RECHECK_MIN_US);
  if (!trd_turn_single (run->runner->registry, task, TRD_TASK_INPUT_HOLD, NULL, &error))
    g_critical ("A running task cannot be held: %s", error->message);
}

void
trd_run_apply (TrdRun *run, TrdTaskInput input, TrdChange *change)
{
  g_autoptr (GError) error = NULL;

  change->current_url = run->current_url;
  if (!trd_turn_single (run->runner->registry, run->task, input, change, &error))
    trd_run_hold_unstored (run, error);
}

void
trd_run_fail (TrdRun *run, const TrdOutcome *outcome, gboolean keep_part)
{
  TrdChange change = { .outcome = outcome, .keep_part = keep_part };

  trd_run_apply (run, TRD_TASK_INPUT_FAIL, &change);
}

/* ---- again ---- */

/* Stays where it is for now; the caller says for how long. */
static TrdChange
begin_change (TrdRun *run, const TrdOutcome *outcome)
{
  return (TrdChange){
    .outcome = outcome,
    .suspicion = run->cleared ? 0 : run->task->suspicion,
    .streak = trd_outcome_streak (outcome, &run->context),
    .failures = run->task->failures,
    .mirror = run->address,
  };
}

static void
apply_retry (TrdRun *run, TrdChange *change, guint32 hold, gint64 delay_us)
{
  if (delay_us > 0)
    {
      change->hold = hold;
      change->not_before_us = trd_moment_after (trd_clock_now (run->runner->env->clock),
                                                delay_us);
    }

  trd_run_apply (run, TRD_TASK_INPUT_RETRY, change);
}

static gint64
draw_delay_us (TrdRun *run, guint exponent)
{
  return trd_retry_delay_us (
      &run->context.retry, exponent, g_rand_double (run->runner->env->random));
}

/* Nobody's fault, so at once; but only the first time, or a worker that is always killed
 * would be started without end. */
static void
retry_soon (TrdRun *run, const TrdOutcome *outcome)
{
  TrdChange change = begin_change (run, outcome);
  TrdTurnover next;

  trd_turnover_init (&next, 1, 0, run->task->failures, run->progressed);
  change.failures = next.failures;
  apply_retry (run,
               &change,
               TRUNDLE_WAIT_BACK_OFF,
               next.failures > 1 ? draw_delay_us (run, next.exponent) : 0);
}

void
trd_run_retry_at_once (TrdRun *run, const TrdOutcome *outcome)
{
  TrdChange change = begin_change (run, outcome);

  apply_retry (run, &change, TRUNDLE_WAIT_BACK_OFF, 0);
}

static void
retry_later (TrdRun *run, const TrdOutcome *outcome)
{
  TrdChange change = begin_change (run, outcome);
  TrdTurnover next;

  trd_turnover_init (&next,
                     MAX (run->context.n_addresses, 1),
                     run->address,
                     run->task->failures,
                     run->progressed);
  change.failures = next.failures;
  change.mirror = next.address;
  apply_retry (run, &change, TRUNDLE_WAIT_BACK_OFF, draw_delay_us (run, next.exponent));
}

/* What came is wrong, however much it was: that is no progress. */
static void
retry_afresh (TrdRun *run, const TrdOutcome *outcome)
{
  TrdChange change = begin_change (run, outcome);
  TrdTurnover next;

  trd_turnover_init (
      &next, MAX (run->context.n_addresses, 1), run->address, run->task->failures, FALSE);
  change.failures = next.failures;
  change.mirror = next.address;
  change.afresh = TRUE;
  apply_retry (run, &change, TRUNDLE_WAIT_BACK_OFF, draw_delay_us (run, next.exponent));
}

/* The server is there and says when: that is no failure that would make waits longer.
 * But who has other addresses need not wait before all have been asked. */
static void
retry_when_told (TrdRun *run, const TrdOutcome *outcome)
{
  TrdChange change = begin_change (run, outcome);
  gint64 delay_us = trd_retry_after_us (outcome->retry_after_ms);
  TrdTurnover next;

  if (run->context.n_addresses > 1)
    {
      trd_turnover_init (
          &next, run->context.n_addresses, run->address, run->task->failures, FALSE);
      change.failures = next.failures;
      change.mirror = next.address;
      if (next.exponent == 0)
        delay_us = 0;
    }
  apply_retry (run, &change, TRUNDLE_WAIT_RETRY_AFTER, delay_us);
}

static void
retry_when_possible (TrdRun *run, const TrdOutcome *outcome, guint32 hold)
{
  TrdChange change = begin_change (run, outcome);
  TrdTurnover next;

  trd_turnover_init (&next, 1, 0, run->task->failures, run->progressed);
  change.failures = next.failures;
  if (hold == TRUNDLE_WAIT_DISK_SPACE)
    change.space_needed = trd_run_space_needed (run);
  apply_retry (
      run,
      &change,
      hold,
      CLAMP (draw_delay_us (run, next.exponent), TRD_RECHECK_MIN_US, TRD_RECHECK_MAX_US));
}

/* Law 12: whose answer was there has been seen, whatever failed with us afterwards.  What
 * only waits for its name asks nobody again. */
TrdVerdict
trd_run_judge (TrdRun *run, TrdOutcome *outcome)
{
  if ((run->response != NULL || run->outcome != NULL) && !run->task->has_intent)
    outcome->sent = TRUE;
  run->context.redirected = run->n_redirects > 0;
  run->context.repeat = trd_run_find_repeat (run);
  run->context.network = trd_conditions_get (run->runner->env->conditions, "network");

  return trd_outcome_judge (outcome, &run->context);
}

/* Whoever tells of the end need not know what had been received by then.  The part does,
 * which a worker may have cut; what only waits for its name may not be one any more. */
static void
note_received (TrdRun *run, TrdOutcome *outcome)
{
  g_auto (TrdIntent) found = { 0 };
  g_autoptr (GError) error = NULL;

  if (outcome->complete || outcome->received >= run->received || run->place == NULL)
    return;

  if (!run->task->has_intent
      && (trd_spool_stat_part (run->runner->env->spool, run->place, &found, &error)
          || g_error_matches (error, TRUNDLE_ERROR, TRUNDLE_ERROR_FILE_NOT_FOUND)))
    outcome->received = found.size;
  else
    outcome->received = run->received;
}

void
trd_run_conclude (TrdRun *run, TrdOutcome *outcome)
{
  g_autoptr (TrdOutcome) owned = outcome;

  trd_run_blame_place (run, outcome);
  trd_run_blame_source (run, outcome);
  note_received (run, outcome);
  /* Not a byte of it is believed. */
  if (!outcome->complete && outcome->code == TRUNDLE_ERROR_INTEGRITY_FAILED)
    trd_spool_discard (run->runner->env->spool, run->place);
  if (trd_run_change_profile (run, outcome) || trd_run_change_dialect (run, outcome))
    {
      trd_run_retry_at_once (run, outcome);
      return;
    }
  switch (trd_run_judge (run, outcome))
    {
    case TRD_VERDICT_SUCCEED:
      trd_run_succeed (run, g_steal_pointer (&owned));
      return;
    case TRD_VERDICT_FAIL:
      trd_run_fail (run, outcome, FALSE);
      return;
    case TRD_VERDICT_CHALLENGE:
      trd_run_meet (run, g_steal_pointer (&owned));
      return;
    case TRD_VERDICT_RETRY:
      retry_later (run, outcome);
      return;
    case TRD_VERDICT_RETRY_AFTER:
      retry_when_told (run, outcome);
      return;
    case TRD_VERDICT_RETRY_AFRESH:
      retry_afresh (run, outcome);
      return;
    case TRD_VERDICT_RETRY_AT_ONCE:
      retry_soon (run, outcome);
      return;
    case TRD_VERDICT_WAIT_DISK:
      retry_when_possible (run, outcome, TRUNDLE_WAIT_DISK_SPACE);
      return;
    case TRD_VERDICT_WAIT_DESTINATION:
      retry_when_possible (run, outcome, TRUNDLE_WAIT_DESTINATION_GONE);
      return;
    }
}

void
trd_run_conclude_error (TrdRun *run, const GError *error)
{
  TrdOutcome *outcome = trd_outcome_new_from_error (error);

  /* What is there is there, whatever went wrong beside it. */
  outcome->received = run->received;
  trd_run_conclude (run, outcome);
}

/* The worker died of it.  That is nobody's answer, and not one of the verdicts. */
void
trd_run_conclude_crash (TrdRun *run, gboolean alone)
{
  g_autoptr (TrdOutcome) outcome = trd_outcome_new_failed (
      TRUNDLE_ERROR_ENGINE_CRASH, "The transfer made the network worker crash");
  TrdChange change = begin_change (run, outcome);

  note_received (run, outcome);
  change.suspicion = MAX (run->task->suspicion, 1) + alone;
  /* What the server has seen of it, nobody can tell any more (law 12). */
  run->unsure = TRUE;
  if (change.suspicion > 2
      || (!run->context.idempotent && trd_run_find_repeat (run) == TRD_REPEAT_WHOLE))
    trd_run_apply (run, TRD_TASK_INPUT_FAIL, &change);
  else
    trd_run_apply (run, TRD_TASK_INPUT_RETRY, &change);
}
