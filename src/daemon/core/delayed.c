/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tasks that begin later, and the app's word before they do.
 *
 * A date is one on the wall: it comes when the clock shows it, however the clock came
 * there.  The time of the whole, resource-timeout, begins with it and not before.  When
 * the app wants to be asked, the question is an event, stored in one transaction with the
 * task that waits for the answer (law 5), and the time to answer is a delay like any
 * other.  Completing the event completes the telling: the answer may still come.
 * Suspending withdraws the question, and after Resume it is asked anew; cancelling and
 * the end of the time of the whole answer it. */

#include "config.h"

#include "core/delayed.h"

#include "common/error.h"
#include "common/vocabulary.h"
#include "core/registry-internal.h"
#include "core/request.h"
#include "core/turn-private.h"

/* ---- the inputs ---- */

static gboolean
wants_to_be_asked (const TrdTaskRow *row)
{
  return trundle_options_get_boolean (row->options, NULL, "notify-before-start");
}

static void
end_question (TrdStep *step)
{
  if (step->delayed != TRD_DELAYED_ASKED)
    return;

  step->hold = 0;
  step->not_before_us = 0;
}

void
trd_step_withdraw_question (TrdStep *step)
{
  if (step->delayed == TRD_DELAYED_ASKED)
    step->delayed = TRD_DELAYED_TO_ASK;
}

gboolean
trd_stage_date (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error)
{
  gboolean is_queued = step->next == TRUNDLE_TASK_QUEUED;
  gint64 date_us = change->earliest_begin_us;

  if (!trd_step_load_row (self, step, error))
    return FALSE;

  end_question (step);
  step->row->earliest_begin_us = date_us;
  step->earliest_begin_us = date_us;
  step->delayed = date_us != 0 && wants_to_be_asked (step->row) ? TRD_DELAYED_TO_ASK
                                                                : TRD_DELAYED_NO;
  if (date_us != 0)
    step->deadline_us = 0;
  else if (is_queued && step->deadline_us == 0)
    step->deadline_us = trd_step_first_deadline_us (self, step);
  step->changes |= TRD_TASK_CHANGE_NEXT_ATTEMPT | TRD_TASK_CHANGE_DETAILS;

  return trd_step_write_row (self, step, error);
}

/* The details of WillBeginDelayedRequest. */
static GVariant *
new_question (TrdTurn *self, TrdStep *step)
{
  const TrdTaskRow *row = step->row;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert_value (&dict, "request", trd_request_describe (row, row->url));
  g_variant_dict_insert (&dict, "earliest-begin", "x", row->earliest_begin_us);
  g_variant_dict_insert (
      &dict, "deadline", "x", trd_moment_date (self->now, step->not_before_us));
  g_variant_dict_insert (&dict, "identifier", "t", row->number);

  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

static gboolean
ask (TrdTurn *self, TrdStep *step, GError **error)
{
  TrdSession *session = step->task->session;
  guint64 timeout_ms = trundle_options_get_uint64 (
      step->row->options, session->row->configuration, "delayed-request-timeout");

  step->delayed = TRD_DELAYED_ASKED;
  step->hold = TRUNDLE_WAIT_DELAYED_REQUEST;
  step->not_before_us = timeout_ms == 0
                            ? G_MAXINT64
                            : trd_moment_after (self->now, (gint64)timeout_ms * 1000);
  step->event = trd_step_new_event (
      self, step, TRUNDLE_EVENT_WILL_BEGIN_DELAYED_REQUEST, new_question (self, step));

  return trd_turn_append_event (self, step->event, error);
}

gboolean
trd_stage_due (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error)
{
  if (!trd_step_load_row (self, step, error))
    return FALSE;

  if (step->deadline_us == 0)
    step->deadline_us = trd_step_first_deadline_us (self, step);
  if (step->delayed == TRD_DELAYED_TO_ASK && !ask (self, step, error))
    return FALSE;
  step->changes |= TRD_TASK_CHANGE_NEXT_ATTEMPT;

  return trd_step_write_row (self, step, error);
}

gboolean
trd_stage_proceed (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error)
{
  if (!trd_step_load_row (self, step, error))
    return FALSE;

  end_question (step);
  step->delayed = TRD_DELAYED_NO;
  step->changes |= TRD_TASK_CHANGE_NEXT_ATTEMPT;
  if (change != NULL && change->request != NULL)
    trd_step_set_request (self, step, change->request);

  return trd_step_write_row (self, step, error);
}

gboolean
trd_delayed_begin (TrdRegistry *registry, GPtrArray *tasks, GError **error)
{
  g_autoptr (TrdTurn) turn = trd_turn_new (registry);

  for (guint i = 0; i < tasks->len; i++)
    {
      TrdTask *task = g_ptr_array_index (tasks, i);
      TrdTaskInput input = task->delayed == TRD_DELAYED_ASKED ? TRD_TASK_INPUT_PROCEED
                                                              : TRD_TASK_INPUT_DUE;

      if (trd_task_is_due (task) && !trd_turn_apply (turn, task, input, NULL, error))
        return FALSE;
    }

  return trd_turn_commit (turn, error);
}

/* ---- what the app says ---- */

gboolean
trd_registry_set_earliest_begin (TrdRegistry *self,
                                 TrdTask *task,
                                 gint64 date_us,
                                 GError **error)
{
  TrdChange change = { .earliest_begin_us = date_us };

  if (date_us < 0)
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_INVALID_ARGUMENT,
                           "EarliestBegin is a date after 1970, or 0 for none");
      return FALSE;
    }
  if (task->begun)
    {
      g_set_error_literal (
          error, TRUNDLE_ERROR, TRUNDLE_ERROR_BAD_STATE, "The task has begun already");
      return FALSE;
    }

  return trd_turn_single (self, task, TRD_TASK_INPUT_DATE, &change, error);
}

static gboolean
use_new_request (TrdRegistry *self, TrdTask *task, GVariant *request, GError **error)
{
  TrdStore *store = trd_registry_get_env (self)->store;
  g_autoptr (TrdTaskRow) row = trd_store_load_task (store, task->id, error);
  g_auto (TrdRequestParts) parts = { 0 };
  TrdChange change = { .request = &parts };

  if (row == NULL || !trd_registry_change_request (task, row, request, &parts, error))
    return FALSE;

  return trd_turn_single (self, task, TRD_TASK_INPUT_PROCEED, &change, error);
}

static gboolean
check_answer (const char *disposition, GVariant *request, GError **error)
{
  static const char *const words[]
      = { "continue-loading", "use-new-request", "cancel", NULL };
  gboolean has_request = g_variant_n_children (request) > 0;

  if (!g_strv_contains (words, disposition))
    g_set_error (error,
                 TRUNDLE_ERROR,
                 TRUNDLE_ERROR_INVALID_ARGUMENT,
                 "disposition: “%s” is none of continue-loading, use-new-request, cancel",
                 disposition);
  else if (has_request != g_str_equal (disposition, "use-new-request"))
    g_set_error (error,
                 TRUNDLE_ERROR,
                 TRUNDLE_ERROR_INVALID_ARGUMENT,
                 "request: there must be %s with %s",
                 has_request ? "none" : "one",
                 disposition);
  else
    return TRUE;

  return FALSE;
}

gboolean
trd_registry_answer_delayed (TrdRegistry *self,
                             TrdTask *task,
                             const char *disposition,
                             GVariant *request,
                             GError **error)
{
  if (!check_answer (disposition, request, error))
    return FALSE;
  if (task->delayed != TRD_DELAYED_ASKED)
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_BAD_STATE,
                           "The task does not wait for an answer");
      return FALSE;
    }

  if (g_str_equal (disposition, "cancel"))
    return trd_registry_cancel (self, task, "client", error);
  if (g_str_equal (disposition, "use-new-request"))
    return use_new_request (self, task, request, error);

  return trd_turn_single (self, task, TRD_TASK_INPUT_PROCEED, NULL, error);
}
