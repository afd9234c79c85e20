/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counts of a session as the bus sees them: rows know no running task (law 3), memory
 * does. */

#include "config.h"

#include "face/session-view.h"

gboolean
trd_session_view_init (TrdSessionView *self,
                       TrdGate *gate,
                       TrdSession *session,
                       GError **error)
{
  self->gate = gate;
  self->session = session;

  return trd_store_count_session (
      trd_gate_get_env (gate)->store, session->row->id, &self->counts, error);
}

GVariant *
trd_session_view_counts (const TrdSessionView *self)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{su}"));
  guint running = MIN (self->session->n_running, self->counts.queued);
  const guint counts[TRUNDLE_N_TASK_STATES] = {
    [TRUNDLE_TASK_SUSPENDED] = self->counts.suspended,
    [TRUNDLE_TASK_QUEUED] = self->counts.queued - running,
    [TRUNDLE_TASK_RUNNING] = running,
    [TRUNDLE_TASK_CHALLENGED] = self->counts.challenged,
    [TRUNDLE_TASK_FINISHED] = self->counts.finished,
  };

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    g_variant_builder_add (&builder, "{su}", trundle_task_state_to_word (i), counts[i]);

  return g_variant_builder_end (&builder);
}
