/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What ends the wait of a task before its time, or the end of one that failed: the app
 * asks otherwise or tries again, or the network is back.  Inputs of the turn
 * (core/turn.c), which commits what is staged here. */

#include "config.h"

#include "core/turn-private.h"

#include "common/defaults.h"
#include "common/error.h"
#include "common/vocabulary.h"
#include "core/registry-internal.h"
#include "value/upload.h"

/* Waits for what may be otherwise with the next attempt. */
#define WAITS_OF_REQUEST (TRUNDLE_WAIT_BACK_OFF | TRUNDLE_WAIT_RETRY_AFTER)

static void
end_waits (TrdStep *step, guint32 waits)
{
  step->failures = 0;
  step->streak = 0;
  step->hold &= ~waits;
  if (step->hold == 0)
    step->not_before_us = 0;
}

static void
take_secrets (TrdTurn *self, TrdStep *step, const TrdRequestParts *request)
{
  TrdTask *task = step->task;

  /* Secrets that were lost with an earlier daemon are not there to be kept. */
  if (request->same_secrets
      || (request->secrets == NULL && task->secrets == NULL && request->keeps_secrets))
    return;

  step->takes_secrets = TRUE;
  step->secrets = trd_secret_pool_take (trd_registry_get_secret_pool (self->registry),
                                        task->session->row->id,
                                        request->secrets);
  step->durable = trd_secrets_is_kept (step->secrets);
  g_free (step->row->secrets_id);
  step->row->secrets_id = g_strdup (trd_secrets_get_id (step->secrets));
}

/* What a server keeps is of what was asked of it before, and it is told by who asked:
 * what is secret now may be for another one. */
static void
void_upload (TrdTurn *self, TrdStep *step, const TrdRequestParts *request)
{
  TrdTaskRow *row = step->row;
  g_autofree char *before = trundle_options_get_string (row->options, NULL, "method");
  g_autofree char *after = trundle_options_get_string (request->options, NULL, "method");

  if (g_str_equal (row->url, request->url) && g_strcmp0 (before, after) == 0)
    return;

  trd_step_abandon_upload (self, step);
  row->body_sent = 0;
  row->body_confirmed = 0;
}

void
trd_step_set_request (TrdTurn *self, TrdStep *step, const TrdRequestParts *request)
{
  void_upload (self, step, request);
  g_free (step->row->url);
  step->row->url = g_strdup (request->url);
  g_variant_unref (step->row->options);
  step->row->options = g_variant_ref (request->options);
  /* That of a place is kept: what the server has done there it has done. */
  step->row->sent &= trd_upload_has_place (step->row->upload);
  g_clear_pointer (&step->row->current_url, g_free);
  step->row->mirror = 0;
  take_secrets (self, step, request);
  if (!step->task->has_intent)
    step->host = g_ref_string_acquire (request->host);
  step->changes |= TRD_TASK_CHANGE_REQUEST;
}

/* The part and its validator stay: the server says whether they are of what is asked for
 * now (law 11). */
gboolean
trd_stage_update (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error)
{
  if (!trd_step_load_row (self, step, error))
    return FALSE;

  trd_step_set_request (self, step, change->request);
  end_waits (step, WAITS_OF_REQUEST);
  step->changes |= TRD_TASK_CHANGE_NEXT_ATTEMPT;

  return trd_step_write_row (self, step, error);
}

/* Waits that only the app or the calendar can end. */
#define WAITS_FOR_APP (TRUNDLE_WAIT_EARLIEST_BEGIN | TRUNDLE_WAIT_DELAYED_REQUEST)

/* A task that has failed begins anew with what was received.  There is never more than
 * one TaskFinished of a task among the stored events (law 7). */
static gboolean
revive (TrdTurn *self, TrdStep *step, GError **error)
{
  const char *name = step->row->error_name;

  if (name == NULL || g_str_equal (name, trundle_error_to_name (TRUNDLE_ERROR_CANCELLED)))
    {
      g_set_error (error,
                   TRUNDLE_ERROR,
                   TRUNDLE_ERROR_BAD_STATE,
                   "A task that %s is not tried again",
                   name == NULL ? "succeeded" : "was cancelled");
      return FALSE;
    }
  if (step->task->session->row->state != TRUNDLE_SESSION_ACTIVE)
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_BAD_STATE,
                           "The session takes no new tasks: it was invalidated");
      return FALSE;
    }

  trd_task_row_forget_end (step->row);
  /* That it may be repeated, the app has just said. */
  step->row->sent = FALSE;
  step->deadline_us = trd_step_first_deadline_us (self, step);
  /* One that killed its workers is still a suspect. */
  step->suspicion = MIN (step->suspicion, 1);
  step->withdraws = TRUE;
  step->changes |= TRD_TASK_CHANGE_ERROR | TRD_TASK_CHANGE_RESPONSE;
  return trd_keeper_reclaim (trd_registry_get_keeper (self->registry), step->row, error)
         && trd_store_withdraw_finished (self->store, step->task->id, error);
}

gboolean
trd_stage_try_again (TrdTurn *self,
                     TrdStep *step,
                     const TrdChange *change,
                     GError **error)
{
  if (!trd_step_load_row (self, step, error))
    return FALSE;
  if (trd_task_is_finished (step->task) && !revive (self, step, error))
    return FALSE;

  step->row->space_needed = 0;
  end_waits (step, ~(guint32)WAITS_FOR_APP);
  step->changes |= TRD_TASK_CHANGE_NEXT_ATTEMPT;

  return trd_step_write_row (self, step, error);
}

/* Whatever made attempts fail may have been the network: back-offs end, one after
 * another, and the next begins with the shortest.  What a server asked for holds. */
gboolean
trd_stage_network_up (TrdTurn *self,
                      TrdStep *step,
                      const TrdChange *change,
                      GError **error)
{
  if (!trd_step_load_row (self, step, error))
    return FALSE;

  step->failures = 0;
  step->streak = 0;
  if (step->hold == TRUNDLE_WAIT_BACK_OFF)
    step->not_before_us = MIN (step->not_before_us, change->not_before_us);
  step->changes |= TRD_TASK_CHANGE_NEXT_ATTEMPT;

  return trd_step_write_row (self, step, error);
}

static GPtrArray *
find_failing (TrdRegistry *self)
{
  g_autoptr (GPtrArray) sessions = trd_registry_list_sessions (self);
  g_autoptr (GPtrArray) failing = g_ptr_array_new ();

  for (guint i = 0; i < sessions->len; i++)
    {
      TrdSession *session = g_ptr_array_index (sessions, i);
      GHashTableIter iter;
      TrdTask *task;

      g_hash_table_iter_init (&iter, session->tasks);
      while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&task))
        if (task->state == TRUNDLE_TASK_QUEUED
            && (task->failures > 0 || task->streak > 0))
          g_ptr_array_add (failing, task);
    }

  return g_steal_pointer (&failing);
}

/* Each after a little time of its own: what failed together need not come back together.
 */
void
trd_registry_end_back_offs (TrdRegistry *self)
{
  g_autoptr (TrdTurn) turn = trd_turn_new (self);
  g_autoptr (GPtrArray) failing = find_failing (self);
  const TrdEnv *env = trd_registry_get_env (self);
  TrdMoment now = trd_clock_now (env->clock);
  g_autoptr (GError) error = NULL;
  gboolean done = TRUE;

  for (guint i = 0; done && i < failing->len; i++)
    {
      gint64 spread_us = (gint64)(g_rand_double (env->random) * TRD_NETWORK_UP_SPREAD_US);
      TrdChange change = { .not_before_us = trd_moment_after (now, spread_us) };

      done = trd_turn_apply (turn,
                             g_ptr_array_index (failing, i),
                             TRD_TASK_INPUT_NETWORK_UP,
                             &change,
                             &error);
    }
  if (!done || !trd_turn_commit (turn, &error))
    g_warning ("Cannot end waits though the network is back: %s", error->message);
}
