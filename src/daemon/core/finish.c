/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the inputs write that end a task: its error or its file, and its TaskFinished, in
 * one transaction (laws 5 and 7).  Inputs of the turn (core/turn.c), which commits what
 * is staged here. */

#include "config.h"

#include "core/turn-private.h"

#include "common/error.h"
#include "core/runner.h"
#include "core/terminator.h"
#include "value/upload.h"

static void
add_digests (GVariantDict *dict, GVariant *integrity)
{
  g_autoptr (GVariant) digests = NULL;

  if (integrity != NULL)
    digests = g_variant_lookup_value (integrity, "digests", NULL);
  if (digests != NULL)
    g_variant_dict_insert_value (dict, "digests", digests);
}

/* The details of TaskFinished: enough to deal with it without asking again. */
static GVariant *
finished_details (const TrdTaskRow *row)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (row->error_details);

  g_variant_dict_insert (&dict, "error", "s", row->error_name ? row->error_name : "");
  if (row->error_details == NULL)
    g_variant_dict_insert (&dict, "url", "s", row->url);
  g_variant_dict_insert (&dict, "identifier", "t", row->number);
  g_variant_dict_insert (&dict, "received", "t", row->received);
  if (row->kind == TRUNDLE_KIND_UPLOAD)
    g_variant_dict_insert (&dict, "sent", "t", row->body_sent);
  if (row->final_path != NULL)
    g_variant_dict_insert (&dict, "path", "s", row->final_path);
  if (row->proof != NULL)
    g_variant_dict_insert (&dict, "proof", "s", row->proof);
  add_digests (&dict, row->integrity);
  if (row->file_moved)
    g_variant_dict_insert (&dict, "file-moved", "b", TRUE);
  if (row->description != NULL)
    g_variant_dict_insert (&dict, "description", "s", row->description);
  if (row->response != NULL)
    {
      guint status;

      if (g_variant_lookup (row->response, "status", "u", &status))
        g_variant_dict_insert (&dict, "status", "u", status);
    }

  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

void
trd_step_abandon_upload (TrdTurn *self, TrdStep *step)
{
  TrdTaskRow *row = step->row;
  g_autoptr (GVariant) place = trd_upload_get_place (row->upload);

  if (place != NULL)
    step->termination = trd_terminator_compose (
        trd_registry_get_terminator (self->registry), step->task, row, place);
  g_clear_pointer (&row->upload, g_variant_unref);
}

/* What a server keeps of an upload is of no use to anybody any more, unless it was left
 * to be gone on with (core/leave.c). */
static void
end_upload (TrdTurn *self, TrdStep *step)
{
  TrdTaskRow *row = step->row;

  if (row->error_name != NULL && !trd_task_is_answered (step->task))
    trd_step_abandon_upload (self, step);
  if (row->error_name == NULL && row->kind == TRUNDLE_KIND_UPLOAD)
    {
      /* Whoever gave the answer its name may not have seen it go. */
      row->body_sent = row->body_size;
      row->body_confirmed = row->body_size;
    }
  g_clear_pointer (&row->upload, g_variant_unref);
}

gboolean
trd_step_finish (TrdTurn *self, TrdStep *step, GError **error)
{
  TrdSession *session = step->task->session;
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (self->finishing, session));

  step->row->finished_us = self->now.wall_us;
  step->row->attempts += step->task->state == TRUNDLE_TASK_RUNNING;
  end_upload (self, step);
  step->hold = 0;
  step->not_before_us = 0;
  step->delayed = TRD_DELAYED_NO;
  step->challenge = NULL;
  step->changes |= TRD_TASK_CHANGE_ERROR | TRD_TASK_CHANGE_RESPONSE;
  if (!trd_step_write_row (self, step, error))
    return FALSE;

  step->event = trd_step_new_event (
      self, step, TRUNDLE_EVENT_TASK_FINISHED, finished_details (step->row));
  if (!trd_store_append_event (self->store, step->event, error))
    return FALSE;

  g_hash_table_insert (self->finishing, session, GUINT_TO_POINTER (n + 1));
  return TRUE;
}

static void
copy_answer (TrdStep *step, const TrdChange *change)
{
  trd_step_copy_progress (step, change);
  if (change->outcome != NULL && change->outcome->response != NULL)
    trd_step_set_response (step, change->outcome->response);
}

void
trd_step_set_error (TrdStep *step, TrundleError code, GVariant *details)
{
  TrdTaskRow *row = step->row;

  g_free (row->error_name);
  row->error_name = g_strdup (trundle_error_to_name (code));
  g_clear_pointer (&row->error_details, g_variant_unref);
  row->error_details = details;
}

GVariant *
trd_step_ending_details (const TrdStep *step, const char *reason, const char *message)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dict, "url", "s", step->row->url);
  g_variant_dict_insert (&dict, "reason", "s", reason);
  g_variant_dict_insert (&dict, "message", "s", message);

  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

gboolean
trd_stage_cancel (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error)
{
  const char *reason = change != NULL && change->reason ? change->reason : "client";

  step->discard = TRUE;
  if (!trd_step_load_row (self, step, error))
    return FALSE;

  trd_step_set_error (step,
                      TRUNDLE_ERROR_CANCELLED,
                      trd_step_ending_details (step, reason, "The task was cancelled"));
  if (change != NULL && change->out_resume_data != NULL)
    {
      trd_step_keep_progress (step);
      if (!trd_step_leave (
              self, step, step->row->response, change->out_resume_data, error))
        return FALSE;
    }
  return trd_step_finish (self, step, error);
}

gboolean
trd_stage_expire (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error)
{
  if (!trd_step_load_row (self, step, error))
    return FALSE;

  trd_step_keep_progress (step);
  trd_step_set_error (step,
                      TRUNDLE_ERROR_TIMED_OUT,
                      trd_step_ending_details (step,
                                               "resource-timeout",
                                               "It was not done within the time for it"));
  return trd_step_leave (self, step, step->row->response, NULL, error)
         && trd_step_finish (self, step, error);
}

gboolean
trd_stage_fail (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error)
{
  g_autofree char *asked = NULL;
  g_autoptr (GVariant) response = NULL;

  if (!trd_step_load_row (self, step, error))
    return FALSE;

  asked = trd_request_find_url (step->row);
  response = trd_step_find_answer (step, change->outcome);
  if (response != NULL)
    g_variant_ref (response);
  copy_answer (step, change);
  step->suspicion = change->suspicion;
  step->discard = !change->keep_part;
  g_clear_pointer (&step->row->error_body, g_bytes_unref);
  if (change->outcome->error_body != NULL)
    step->row->error_body = g_bytes_ref (change->outcome->error_body);
  /* The intent failed; the part, if whole, stays for OpenFile and MoveFile. */
  trd_intent_clear (&step->row->intent);
  trd_step_set_error (
      step, change->outcome->code, trd_outcome_details (change->outcome, asked));
  if (step->discard && !trd_step_leave_failed (self, step, change, response, error))
    return FALSE;

  return trd_step_finish (self, step, error);
}

gboolean
trd_stage_succeed (TrdTurn *self, TrdStep *step, const TrdChange *change, GError **error)
{
  if (!trd_step_load_row (self, step, error))
    return FALSE;

  copy_answer (step, change);
  step->suspicion = 0;
  trd_intent_clear (&step->row->intent);
  if (change->outcome != NULL && change->outcome->proof != NULL)
    {
      g_free (step->row->proof);
      step->row->proof = g_strdup (change->outcome->proof);
    }
  if (change->integrity != NULL)
    {
      g_clear_pointer (&step->row->integrity, g_variant_unref);
      step->row->integrity = g_variant_ref (change->integrity);
    }
  g_clear_pointer (&step->row->digest_state, g_variant_unref);
  g_free (step->row->final_path);
  step->row->final_path = g_strdup (change->final_path);
  step->row->file_moved = change->file_moved;

  return trd_step_finish (self, step, error);
}
