/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* From a complete part to a file under its final name: the intent is committed, the
 * rename done, then success is told (law 6).  Bytes are counted here from the file
 * itself, never believed (law 10). */

#include "config.h"

#include "core/runner-private.h"

#include "common/defaults.h"
#include "common/error.h"
#include "core/proof.h"
#include "port/space.h"

static char *
final_path (TrdRun *run)
{
  return g_build_filename (run->place->directory, run->intent.final_name, NULL);
}

/* Doubled each time; most refusals are over at once. */
#define TELL_AGAIN_US (TRD_SECOND_US / 8)

static gboolean
store_success (TrdRun *run, GError **error)
{
  g_autofree char *path = NULL;
  TrdChange change = { .outcome = run->outcome,
                       .integrity = run->integrity,
                       .current_url = run->current_url,
                       .file_moved = run->file_moved };

  if (!trd_place_is_spool (run->place))
    change.final_path = path = final_path (run);

  return trd_turn_single (
      run->runner->registry, run->task, TRD_TASK_INPUT_SUCCEED, &change, error);
}

/* The store may refuse, say because the disk is full.  The file is whole and stays so: it
 * is told of again until it is stored, and nothing is fetched or sent a second time. */
static void
tell_again (gpointer user_data)
{
  TrdRun *run = user_data;
  gint64 delay_us = TELL_AGAIN_US << MIN (run->tellings, 16);
  g_autoptr (GError) error = NULL;

  run->tellings++;
  run->telling = 0;
  if (store_success (run, &error))
    return;

  g_warning ("Cannot store that task %" G_GINT64_FORMAT " has succeeded: %s",
             run->task->id,
             error->message);
  run->sealing = TRUE;
  run->telling = trd_clock_add_alarm (
      run->runner->env->clock, MIN (delay_us, TRD_RECHECK_MAX_US), tell_again, run);
}

static void
tell_success (TrdRun *run, gboolean file_moved)
{
  run->file_moved = file_moved;
  tell_again (run);
}

static gboolean
store_intent (TrdRun *run, GError **error)
{
  TrdStore *store = run->runner->env->store;
  g_autoptr (TrdTaskRow) row = NULL;

  row = trd_store_load_task (store, run->task->id, error);
  if (row == NULL)
    return FALSE;

  trd_intent_clear (&row->intent);
  row->intent = run->intent;
  row->intent.final_name = g_strdup (run->intent.final_name);
  g_free (row->proof);
  row->proof = g_strdup (run->outcome->proof);
  row->received = run->outcome->received;
  g_clear_pointer (&row->integrity, g_variant_unref);
  row->integrity = run->integrity != NULL ? g_variant_ref (run->integrity) : NULL;
  if (run->outcome->response != NULL)
    {
      g_clear_pointer (&row->response, g_variant_unref);
      row->response = g_variant_ref (run->outcome->response);
    }
  if (!trd_store_update_task (store, row, error))
    return FALSE;

  run->task->has_intent = TRUE;
  return TRUE;
}

/* What a thread of the spool is about: the run may be gone when it has ended. */
typedef struct
{
  TrdRunner *runner; /* (owned) */
  gint64 task_id;
  guint64 serial;
} Job;

static Job *
begin_job (TrdRun *run)
{
  Job *job = g_new0 (Job, 1);

  job->runner = g_object_ref (run->runner);
  job->task_id = run->task->id;
  job->serial = run->serial;

  return job;
}

/* Consumes @job.  (nullable) */
static TrdRun *
end_job (Job *job)
{
  g_autoptr (TrdRunner) runner = job->runner;
  TrdRun *run = trd_runner_find_run (runner, job->task_id, job->serial);

  g_free (job);

  return run;
}

static void
seal (TrdRun *run);

static void
on_seal_failed (TrdRun *run, const GError *error)
{
  g_autoptr (TrdOutcome) outcome = trd_outcome_new_from_error (error);
  gboolean was_sealing = run->sealing;

  outcome->received = run->outcome->received;
  trd_run_blame_place (run, outcome);
  run->sealing = FALSE;

  /* Taken since it was chosen; when none could be chosen, another look finds none. */
  if (was_sealing && outcome->code == TRUNDLE_ERROR_FILE_EXISTS
      && run->place->if_exists == TRUNDLE_IF_EXISTS_RENAME)
    {
      run->name_number++;
      seal (run);
      return;
    }

  /* The bytes are all there: a name that is taken costs nobody the download. */
  if (trd_run_judge (run, outcome) == TRD_VERDICT_FAIL)
    trd_run_fail (run, outcome, TRUE);
  else
    trd_run_conclude (run, g_steal_pointer (&outcome));
}

static void
on_sealed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean sealed = trd_spool_seal_finish (TRD_SPOOL (source), result, &error);
  TrdRun *run = end_job (user_data);

  if (run == NULL)
    return;

  if (sealed)
    tell_success (run, FALSE);
  else
    on_seal_failed (run, error);
}

/* By the intent, which is stored. */
static void
begin_seal (TrdRun *run)
{
  run->sealing = TRUE;
  trd_spool_seal_async (
      run->runner->env->spool, run->place, &run->intent, on_sealed, begin_job (run));
}

static void
seal (TrdRun *run)
{
  TrdSpool *spool = run->runner->env->spool;
  g_autoptr (GError) error = NULL;

  g_free (run->intent.final_name);
  run->intent.final_name = trd_spool_choose_name (
      spool, run->place, &run->name_number, &error);
  if (run->intent.final_name == NULL || !store_intent (run, &error))
    {
      on_seal_failed (run, error);
      return;
    }

  begin_seal (run);
}

/* The part is the file. */
static void
publish (TrdRun *run)
{
  if (trd_place_is_spool (run->place))
    tell_success (run, FALSE);
  else
    seal (run);
}

static void
on_adopted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  TrdSpool *spool = TRD_SPOOL (source);
  g_autoptr (GError) error = NULL;
  gboolean adopted = trd_spool_adopt_decoded_finish (spool, result, &error);
  TrdRun *run = end_job (user_data);

  if (run == NULL)
    return;

  run->sealing = FALSE;
  if (adopted && trd_spool_stat_part (spool, run->place, &run->intent, &error))
    publish (run);
  else
    trd_run_conclude_error (run, error);
}

gboolean
trd_run_forget_part (TrdRun *run, GError **error)
{
  TrdStore *store = run->runner->env->store;
  g_autoptr (TrdTaskRow) row = trd_store_load_task (store, run->task->id, error);

  if (row == NULL)
    return FALSE;

  g_clear_pointer (&row->response, g_variant_unref);
  g_clear_pointer (&row->digest_state, g_variant_unref);
  row->synced = 0;
  return trd_store_update_task (store, row, error);
}

static void
adopt_decoded (TrdRun *run)
{
  g_autoptr (GError) error = NULL;

  if (!trd_run_forget_part (run, &error))
    {
      trd_run_conclude_error (run, error);
      return;
    }

  run->sealing = TRUE;
  trd_spool_adopt_decoded_async (run->runner->env->spool,
                                 run->place,
                                 run->outcome->decoded,
                                 on_adopted,
                                 begin_job (run));
}

/* NULL when the file is what the worker and the app say; else what it is instead. */
static TrdOutcome *
check_file (TrdRun *run)
{
  const TrdEnv *env = run->runner->env;
  g_autoptr (TrdTaskRow) row = NULL;
  g_autoptr (GError) error = NULL;

  if (!trd_spool_stat_part (env->spool, run->place, &run->intent, &error))
    {
      /* Somebody took it away, who thought nobody wants it: it is fetched again. */
      if (g_error_matches (error, TRUNDLE_ERROR, TRUNDLE_ERROR_FILE_NOT_FOUND))
        return trd_outcome_new_failed (TRUNDLE_ERROR_CONNECTION_LOST,
                                       "The file that was received is not there any "
                                       "more");
      return trd_outcome_new_from_error (error);
    }
  if (run->intent.size != run->outcome->received)
    return trd_outcome_new_failed (TRUNDLE_ERROR_CONNECTION_LOST,
                                   "The file does not have the size that was "
                                   "received");

  row = trd_store_load_task (env->store, run->task->id, &error);
  if (row == NULL)
    return trd_outcome_new_from_error (error);

  return trd_proof_check (row->options,
                          run->task->session->row->configuration,
                          run->outcome,
                          &run->integrity);
}

/* The worker says the part is complete; the file says so too, or it is not believed. */
void
trd_run_succeed (TrdRun *run, TrdOutcome *outcome)
{
  TrdOutcome *failure;

  if (trd_run_await_reservation (run, outcome))
    return;

  run->outcome = outcome;
  /* The worker writes no more, and the file bears no name of the app's yet. */
  trd_spool_trim (run->runner->env->spool, run->place);
  failure = check_file (run);
  if (failure != NULL)
    {
      trd_run_conclude (run, failure);
      return;
    }

  if (outcome->has_decoded)
    {
      adopt_decoded (run);
      return;
    }
  if (run->may_decode)
    trd_spool_discard_decoded (run->runner->env->spool, run->place);
  publish (run);
}

/* An earlier daemon died between the intent and the end of the task (law 6). */
void
trd_run_resume_seal (TrdRun *run, const TrdTaskRow *row)
{
  run->outcome = trd_outcome_new_complete (row->received, row->proof);
  run->intent = row->intent;
  run->intent.final_name = g_strdup (row->intent.final_name);

  switch (trd_spool_inspect (run->runner->env->spool, run->place, &run->intent))
    {
    case TRD_SEAL_PART_THERE:
      /* Under the name of the intent, which the file may bear already. */
      begin_seal (run);
      return;
    case TRD_SEAL_DONE:
      tell_success (run, FALSE);
      return;
    case TRD_SEAL_MOVED:
      tell_success (run, TRUE);
      return;
    case TRD_SEAL_UNKNOWN:
      trd_run_conclude (
          run,
          trd_outcome_new_failed (TRUNDLE_ERROR_DESTINATION_GONE,
                                  "The directory of the destination is not there"));
      return;
    }
}
