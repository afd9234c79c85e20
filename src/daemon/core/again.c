/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the app says to a task that waits or has failed: ask otherwise, try again.  Two
 * inputs of the turn (core/turn.c), which commits what is staged here. */

#include "config.h"

#include "core/turn-private.h"

#include "common/error.h"

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

/* The part and its validator stay: the server says whether they are of what is asked for
 * now (law 11). */
gboolean
trd_stage_update (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error)
{
  const TrdRequestParts *request = change->request;
  TrdSession *session = step->task->session;

  if (!trd_step_load_row (self, step, error))
    return FALSE;

  g_free (step->row->url);
  step->row->url = g_strdup (request->url);
  g_variant_unref (step->row->options);
  step->row->options = g_variant_ref (request->options);
  g_clear_pointer (&step->row->current_url, g_free);
  step->row->mirror = 0;
  /* Secrets that were lost with an earlier daemon are not there to be kept. */
  step->durable = request->secrets == NULL && session->secret_headers == NULL
                  && (step->durable || !request->keeps_secrets);
  step->takes_secrets = TRUE;
  step->secrets = request->secrets != NULL ? g_variant_ref (request->secrets) : NULL;
  if (!step->task->has_intent)
    step->host = g_ref_string_acquire (request->host);
  end_waits (step, WAITS_OF_REQUEST);
  step->changes |= TRD_TASK_CHANGE_REQUEST | TRD_TASK_CHANGE_NEXT_ATTEMPT;

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
  step->deadline_us = trd_step_first_deadline_us (self, step);
  /* One that killed its workers is still a suspect. */
  step->suspicion = MIN (step->suspicion, 1);
  step->withdraws = TRUE;
  step->changes |= TRD_TASK_CHANGE_ERROR | TRD_TASK_CHANGE_RESPONSE;
  return trd_store_withdraw_finished (self->store, step->task->id, error);
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
