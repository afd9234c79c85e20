/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* From a complete part to a file under its final name: the intent is committed, the
 * rename done, then success is told (law 6).  Bytes are counted here from the file
 * itself, never believed (law 10). */

#include "config.h"

#include "core/runner-private.h"

#include "common/error.h"

static char *
final_path (TrdRun *run)
{
  return g_build_filename (run->place->directory, run->intent.final_name, NULL);
}

static void
tell_success (TrdRun *run, gboolean file_moved)
{
  g_autofree char *path = NULL;
  TrdChange change = { .outcome = run->outcome, .file_moved = file_moved };

  if (!trd_place_is_spool (run->place))
    change.final_path = path = final_path (run);

  trd_run_apply (run, TRD_TASK_INPUT_SUCCEED, &change);
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

typedef struct
{
  TrdRunner *runner; /* (owned) */
  gint64 task_id;
  guint64 serial;
} Sealing;

static void
seal (TrdRun *run);

static void
on_seal_failed (TrdRun *run, const GError *error)
{
  g_autoptr (TrdOutcome) outcome = trd_outcome_new_from_error (error);
  gboolean was_sealing = run->sealing;

  outcome->received = run->outcome->received;
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
  if (trd_outcome_judge (outcome, &run->context) == TRD_VERDICT_FAIL)
    trd_run_fail (run, outcome, TRUE);
  else
    trd_run_conclude (run, g_steal_pointer (&outcome));
}

static void
on_sealed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Sealing *sealing = user_data;
  g_autoptr (TrdRunner) runner = sealing->runner;
  g_autoptr (GError) error = NULL;
  gboolean sealed = trd_spool_seal_finish (TRD_SPOOL (source), result, &error);
  TrdTask *task = trd_registry_find_task (runner->registry, sealing->task_id);
  TrdRun *run = task != NULL ? task->run : NULL;

  if (run == NULL || run->serial != sealing->serial)
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
  Sealing *sealing = g_new0 (Sealing, 1);

  run->sealing = TRUE;
  sealing->runner = g_object_ref (run->runner);
  sealing->task_id = run->task->id;
  sealing->serial = run->serial;
  trd_spool_seal_async (
      run->runner->env->spool, run->place, &run->intent, on_sealed, sealing);
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

/* The worker says the part is complete; the file says so too, or it is not believed. */
void
trd_run_succeed (TrdRun *run, TrdOutcome *outcome)
{
  g_autoptr (GError) error = NULL;

  run->outcome = outcome;
  if (!trd_spool_stat_part (run->runner->env->spool, run->place, &run->intent, &error))
    {
      trd_run_conclude_error (run, error);
      return;
    }
  if (run->intent.size != outcome->received)
    {
      trd_run_conclude (
          run,
          trd_outcome_new_failed (TRUNDLE_ERROR_CONNECTION_LOST,
                                  "The file does not have the size that was "
                                  "received"));
      return;
    }

  if (trd_place_is_spool (run->place))
    tell_success (run, FALSE);
  else
    seal (run);
}

/* An earlier daemon died between the intent and the end of the task (law 6). */
void
trd_run_resume_seal (TrdRun *run, const TrdTaskRow *row)
{
  run->outcome = trd_outcome_new_complete (row->intent.size, row->proof);
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
