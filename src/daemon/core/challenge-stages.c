/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a challenge writes of the tasks that meet it: waiting with it, going on by its
 * answer, ending without one.  Inputs of the turn (core/turn.c), which commits what is
 * staged here.  What the attempt has brought stays in the row, so that it can be the end
 * of the task after all. */

#include "config.h"

#include "core/turn-private.h"

#include "common/error.h"

/* Key of the details of the last attempt. */
#define RESPONSE "response"

static void
keep_result (TrdTaskRow *row, const TrdOutcome *outcome)
{
  g_autoptr (GVariant) before = g_steal_pointer (&row->transient_details);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (before);

  if (outcome->response != NULL)
    g_variant_dict_insert_value (&dict, RESPONSE, outcome->response);
  row->transient_details = g_variant_ref_sink (g_variant_dict_end (&dict));

  g_clear_pointer (&row->error_body, g_bytes_unref);
  if (outcome->error_body != NULL)
    row->error_body = g_bytes_ref (outcome->error_body);
}

gboolean
trd_stage_challenge (TrdTurn *self,
                     TrdStep *step,
                     const TrdChange *change,
                     GError **error)
{
  if (!trd_step_load_row (self, step, error))
    return FALSE;

  trd_step_note_attempt (step, change);
  keep_result (step->row, change->outcome);
  step->hold = 0;
  step->not_before_us = 0;
  step->challenge = change->challenge;
  step->changes |= TRD_TASK_CHANGE_WAIT_REASONS;
  if (!trd_step_write_row (self, step, error))
    return FALSE;
  if (change->telling == NULL)
    return TRUE;

  step->event = trd_step_new_event (
      self, step, TRUNDLE_EVENT_CHALLENGE_RECEIVED, g_variant_ref (change->telling));
  return trd_turn_append_event (self, step->event, error);
}

gboolean
trd_stage_answer (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error)
{
  if (!trd_step_load_row (self, step, error))
    return FALSE;

  step->challenge = change != NULL ? change->challenge : NULL;
  step->hold = 0;
  step->not_before_us = 0;
  g_clear_pointer (&step->row->error_body, g_bytes_unref);
  step->changes |= TRD_TASK_CHANGE_WAIT_REASONS | TRD_TASK_CHANGE_NEXT_ATTEMPT;

  return trd_step_write_row (self, step, error);
}

/* As if the attempt had been the end. */
static void
end_with_result (TrdStep *step)
{
  TrdTaskRow *row = step->row;
  g_autoptr (GVariant) response = NULL;
  TrundleError code = TRUNDLE_ERROR_AUTHENTICATION_REQUIRED;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (row->transient_details);

  if (row->transient_name != NULL)
    trundle_error_from_name (row->transient_name, &code);
  response = g_variant_dict_lookup_value (&dict, RESPONSE, G_VARIANT_TYPE_VARDICT);
  g_variant_dict_remove (&dict, RESPONSE);
  if (response != NULL)
    trd_step_set_response (step, response);
  trd_step_set_error (step, code, g_variant_ref_sink (g_variant_dict_end (&dict)));
}

static void
set_end (TrdStep *step, TrdReject reject)
{
  switch (reject)
    {
    case TRD_REJECT_CANCELLED:
      trd_step_set_error (
          step,
          TRUNDLE_ERROR_AUTHENTICATION_CANCELLED,
          trd_step_ending_details (step, "client", "Authentication was cancelled"));
      break;
    case TRD_REJECT_DEFAULT:
      end_with_result (step);
      break;
    case TRD_REJECT_TIMED_OUT:
      trd_step_set_error (
          step,
          TRUNDLE_ERROR_AUTHENTICATION_REQUIRED,
          trd_step_ending_details (step, "challenge-timeout", "Nobody answered in time"));
      break;
    }
}

gboolean
trd_stage_reject (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error)
{
  g_autoptr (GVariant) response = NULL;

  if (!trd_step_load_row (self, step, error))
    return FALSE;

  /* What the part is of. */
  response = step->row->response != NULL ? g_variant_ref (step->row->response) : NULL;
  set_end (step, change != NULL ? change->reject : TRD_REJECT_CANCELLED);

  return trd_step_leave (self, step, response, NULL, error)
         && trd_step_finish (self, step, error);
}
