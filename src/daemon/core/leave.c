/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a task leaves that ends before its file is whole: a part that another one, or the
 * same tried again, goes on with.  Staged in the turn that ends it (core/turn.c), kept by
 * core/keeper.c. */

#include "config.h"

#include "core/turn-private.h"

#include "common/error.h"
#include "common/vocabulary.h"
#include "core/registry-internal.h"
#include "core/runner.h"

GVariant *
trd_step_find_answer (const TrdStep *step, const TrdOutcome *outcome)
{
  TrdRun *run = step->task->run;
  GVariant *last = outcome != NULL ? outcome->response : NULL;

  if (run != NULL && last == NULL)
    last = trd_run_get_response (run);
  if (run != NULL && last != NULL && trd_run_has_written (run, last))
    return last;

  return step->row->response;
}

static void
tell_data (TrdTaskRow *row, GBytes *data)
{
  g_autoptr (GVariant) details = g_steal_pointer (&row->error_details);

  row->error_details = trundle_options_with (
      details,
      "resume-data",
      g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, data, TRUE));
}

gboolean
trd_step_leave (
    TrdTurn *self, TrdStep *step, GVariant *response, GBytes **out_data, GError **error)
{
  g_autoptr (GBytes) data = NULL;
  g_autoptr (GError) local_error = NULL;

  if (!trd_keeper_keep (trd_registry_get_keeper (self->registry),
                        step->task->session->row->owner,
                        step->row,
                        response,
                        &data,
                        &local_error))
    {
      /* Who asks for the data is told; a task that ends by itself ends without. */
      if (out_data != NULL || local_error->domain != TRUNDLE_ERROR)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      g_message ("Nothing is kept of an upload: %s", local_error->message);
    }

  /* The answer to an upload is never gone on with. */
  step->discard = data == NULL || step->row->kind == TRUNDLE_KIND_UPLOAD;
  if (data != NULL)
    tell_data (step->row, data);
  if (out_data != NULL)
    *out_data = g_steal_pointer (&data);
  return TRUE;
}

/* A whole file that is not the right one is nothing to go on with, nor is one that is not
 * there any more as it was. */
gboolean
trd_step_leave_failed (TrdTurn *self,
                       TrdStep *step,
                       const TrdChange *change,
                       GVariant *response,
                       GError **error)
{
  TrundleError code = change->outcome->code;

  return code == TRUNDLE_ERROR_INTEGRITY_FAILED || code == TRUNDLE_ERROR_DECODE_FAILED
         || code == TRUNDLE_ERROR_SOURCE_CHANGED
         || trd_step_leave (self, step, response, NULL, error);
}
