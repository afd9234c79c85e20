/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an attempt knows of the place where the server keeps what it has of an upload.
 * The place is in the row before the worker is told to go on, so that whoever dies goes
 * on there.  One that is lost costs the upload a beginning anew, once; another one only
 * if it had come further.  A request that may not be repeated begins anew only as long as
 * the server cannot have done it (law 12): all of it was never on its way. */

#include "config.h"

#include "core/runner-private.h"

#include "common/error.h"
#include "core/dialects.h"
#include "core/request.h"
#include "value/upload.h"

static gboolean
offers (TrdRun *run, const char *dialect)
{
  g_autofree const char **words = g_variant_get_strv (run->offer, NULL);

  return g_strv_contains (words, dialect);
}

gboolean
trd_run_goes_on (const TrdRun *run)
{
  return trd_upload_has_place (run->upload);
}

/* Of tus the first request makes a place, and nothing of the body is in it. */
static gboolean
begins_without_body (TrdRun *run)
{
  return offers (run, "tus");
}

/* The app may have said since that nothing is to be gone on with: then there is no place
 * to judge by, either.  (transfer full) (nullable) */
static GVariant *
find_upload (TrdRun *run, const TrdTaskRow *row)
{
  g_autoptr (GVariant) nowhere = NULL;

  if (!trd_upload_has_place (row->upload) || g_variant_n_children (run->offer) > 0)
    return row->upload != NULL ? g_variant_ref (row->upload) : NULL;

  nowhere = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
  return trd_upload_with_place (row->upload, nowhere);
}

void
trd_run_take_upload (TrdRun *run, const TrdTaskRow *row)
{
  run->is_upload = row->kind == TRUNDLE_KIND_UPLOAD;
  if (!run->is_upload)
    return;

  run->offer = trd_dialects_find (run->runner->registry, run->task->session, row);
  run->may_choose = trd_dialects_may_choose (run->task->session, row);
  run->upload = find_upload (run, row);
  run->confirmed = trd_upload_has_place (run->upload) ? row->body_confirmed : 0;
  run->sent = run->confirmed;
  run->body_size = row->body_size;
  run->unsure = row->sent;
  /* By tus it only makes a place, unless it was sent in another way before. */
  if (begins_without_body (run) && !trd_run_goes_on (run) && !row->sent)
    run->context.idempotent = TRUE;
}

void
trd_run_clear_upload (TrdRun *run)
{
  g_clear_pointer (&run->upload, g_variant_unref);
  g_clear_pointer (&run->offer, g_variant_unref);
}

static void
set_upload (TrdRun *run, GVariant *upload)
{
  g_clear_pointer (&run->upload, g_variant_unref);
  run->upload = upload;
}

void
trd_run_note_sent (TrdRun *run, guint64 sent, guint64 confirmed)
{
  if (!run->is_upload)
    return;

  run->progressed |= confirmed > run->confirmed;
  run->confirmed = MAX (run->confirmed, confirmed);
  run->sent = MAX (run->confirmed, sent);
  /* Bytes that are not all are on their way once more only behind an answer by which it
   * had not all of them; what it has confirmed was true before that. */
  if (sent > confirmed && sent < run->body_size)
    run->unsure = FALSE;
  else
    run->unsure |= run->sent >= run->body_size;
}

gboolean
trd_run_get_upload (TrdRun *run,
                    guint64 *out_sent,
                    guint64 *out_confirmed,
                    GVariant **out_upload)
{
  if (!run->is_upload)
    return FALSE;

  *out_sent = run->sent;
  *out_confirmed = run->confirmed;
  if (out_upload != NULL)
    *out_upload = run->upload;
  return TRUE;
}

void
trd_run_get_sending (TrdRun *run, TrdSending *out_sending)
{
  *out_sending = (TrdSending){ 0 };
  if (!run->is_upload)
    return;

  out_sending->sent = run->sent;
  out_sending->confirmed = run->confirmed;
  out_sending->size = run->body_size;
}

gboolean
trd_run_is_unsure (const TrdRun *run)
{
  return run->unsure && !run->repeatable && trd_upload_has_place (run->upload);
}

gboolean
trd_task_is_answered (const TrdTask *task)
{
  const TrdRun *run = task->run;

  return task->has_intent || (run != NULL && run->outcome != NULL);
}

/* ---- the place ---- */

/* @dialect: (nullable): nothing is known.  What a redirect led to says nothing of others
 * that begin where this one did. */
static void
learn (TrdRun *run, const char *dialect)
{
  g_autoptr (TrdTaskRow) row = NULL;

  if (dialect == NULL)
    return;
  row = trd_store_load_task (run->runner->env->store, run->task->id, NULL);
  if (row == NULL
      || (run->current_url != NULL
          && !trd_request_is_same_origin (row, run->current_url)))
    return;

  trd_dialects_learn (run->runner->registry, run->task->session, row->url, dialect);
}

/* Whoever finds this row goes on there, and knows whether the server may have seen all.
 */
static gboolean
store_upload (TrdRun *run, GVariant *upload, guint64 confirmed, GError **error)
{
  gboolean is_harmless = run->repeatable
                         || (!trd_upload_has_place (upload) && begins_without_body (run));
  TrdStore *store = run->runner->env->store;
  g_autoptr (TrdTaskRow) row = trd_store_load_task (store, run->task->id, error);

  if (row == NULL)
    return FALSE;

  g_clear_pointer (&row->upload, g_variant_unref);
  row->upload = g_variant_ref (upload);
  row->body_confirmed = confirmed;
  row->sent = !is_harmless;
  return trd_store_update_task (store, row, error);
}

static gboolean
may_begin_anew (TrdRun *run)
{
  return !trd_upload_is_hopeless (run->upload, run->confirmed)
         && (run->repeatable || !run->unsure);
}

static TrdOutcome *
new_loss (TrdRun *run)
{
  if (trd_upload_is_hopeless (run->upload, run->confirmed))
    return trd_outcome_new_failed (
        TRUNDLE_ERROR_PROTOCOL_ERROR,
        "The server has lost what it had received, more than once");

  return trd_outcome_new_failed (TRUNDLE_ERROR_CONNECTION_LOST,
                                 "The request was interrupted, and the server may have "
                                 "carried it out");
}

static void
forget_place (TrdRun *run)
{
  set_upload (run, trd_upload_without_place (run->upload, run->confirmed));
  run->confirmed = 0;
  run->sent = 0;
}

static gboolean
lose_place (TrdRun *run)
{
  g_autoptr (GVariant) next = NULL;
  g_autoptr (TrdOutcome) outcome = NULL;
  g_autoptr (GError) error = NULL;

  if (!trd_upload_has_place (run->upload))
    return TRUE;
  if (!may_begin_anew (run))
    {
      outcome = new_loss (run);
      forget_place (run);
      trd_run_fail (run, outcome, FALSE);
      return FALSE;
    }

  next = trd_upload_without_place (run->upload, run->confirmed);
  if (!store_upload (run, next, 0, &error))
    {
      g_warning ("Cannot store that an upload begins anew: %s", error->message);
      return FALSE;
    }
  forget_place (run);
  return TRUE;
}

gboolean
trd_run_note_upload (TrdRun *run, GVariant *told)
{
  g_autoptr (GVariant) next = NULL;
  g_autoptr (GError) error = NULL;

  if (!run->is_upload)
    return FALSE;
  if (g_variant_n_children (told) == 0)
    return lose_place (run);

  next = trd_upload_with_place (run->upload, told);
  if (trd_upload_is_same (run->upload, next))
    return TRUE;
  if (!store_upload (run, next, run->confirmed, &error))
    {
      g_warning ("Cannot store where an upload is gone on with: %s", error->message);
      return FALSE;
    }
  set_upload (run, g_steal_pointer (&next));
  learn (run, trd_upload_get_dialect (run->upload));
  return TRUE;
}

/* ---- the end of an attempt ---- */

void
trd_run_note_upload_done (TrdRun *run, const TrdOutcome *outcome)
{
  if (!run->is_upload)
    return;

  /* Of one whose worker was lost nobody knows. */
  run->unsure |= outcome->busy;
  if (!outcome->busy)
    trd_run_note_sent (run, outcome->body_sent, outcome->body_confirmed);
  if (outcome->dialect != NULL)
    learn (run, outcome->dialect);
  if (outcome->upload == NULL || outcome->complete)
    return;

  if (g_variant_n_children (outcome->upload) > 0)
    set_upload (run, trd_upload_with_place (run->upload, outcome->upload));
  else if (trd_upload_has_place (run->upload))
    {
      run->loss = may_begin_anew (run) ? TRD_REPEAT_ANEW : TRD_REPEAT_NEVER;
      forget_place (run);
    }
}

void
trd_run_check_sent (TrdRun *run, TrdOutcome *outcome)
{
  if (!run->is_upload || !outcome->complete || run->sent >= run->body_size)
    return;

  outcome->complete = FALSE;
  outcome->code = TRUNDLE_ERROR_PROTOCOL_ERROR;
  outcome->sent = TRUE;
  g_free (outcome->message);
  outcome->message = g_strdup ("The server answered before it had everything");
}

TrdRepeat
trd_run_find_repeat (const TrdRun *run)
{
  if (trd_upload_has_place (run->upload))
    return TRD_REPEAT_NOTHING;

  return run->loss;
}

/* Refusals that say something of the request itself, which would be refused in any
 * dialect. */
static gboolean
is_of_request (guint status)
{
  static const guint statuses[] = { 401, 402, 403, 407, 408, 413, 425, 429 };

  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++)
    if (statuses[i] == status)
      return TRUE;

  return status < 400 || status > 499;
}

/* Who refuses in the words of tus has done nothing, and who does not understand tus has
 * not been asked yet. */
static gboolean
would_cure (TrdRun *run, const TrdOutcome *outcome)
{
  if (g_strcmp0 (outcome->dialect, "tus") == 0)
    return !offers (run, "tus") && !is_of_request (outcome->status);

  return g_strcmp0 (outcome->dialect, "none") == 0 && offers (run, "tus")
         && outcome->status != 0;
}

gboolean
trd_run_change_dialect (TrdRun *run, const TrdOutcome *outcome)
{
  if (!run->is_upload || !run->may_choose || outcome->complete
      || outcome->challenge != NULL || trd_upload_get_dialect (run->upload) != NULL
      || !would_cure (run, outcome))
    return FALSE;

  set_upload (run, trd_upload_with_dialect (run->upload, outcome->dialect));
  return TRUE;
}
