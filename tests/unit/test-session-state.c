/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "core/session-state.h"
#include "state-table.h"

typedef struct
{
  const char *name;
  TrdSessionInput input;
  const char *next[TRUNDLE_N_SESSION_STATES];
} Row;

static const Row rows[] = {
  { "create", TRD_SESSION_INPUT_CREATE, { "=", "x", "x", "x" } },
  { "finish", TRD_SESSION_INPUT_FINISH, { "finishing", "=", "=", "x" } },
  { "invalidate", TRD_SESSION_INPUT_INVALIDATE, { "retired", "retired", "=", "x" } },
  { "drained", TRD_SESSION_INPUT_DRAINED, { "=", "gone", "gone", "x" } },
};

static void
check_cell (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  const Row *row = &rows[index / TRUNDLE_N_SESSION_STATES];
  TrundleSessionState state = index % TRUNDLE_N_SESSION_STATES;
  const char *expected = row->next[state];
  TrundleSessionState next = (TrundleSessionState)STATE_TABLE_UNTOUCHED;
  TrdCell cell = trd_session_state_next (state, row->input, &next);

  state_table_check (expected,
                     cell,
                     state,
                     next,
                     cell == TRD_CELL_MOVE ? trundle_session_state_to_word (next) : NULL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  G_STATIC_ASSERT (G_N_ELEMENTS (rows) == TRD_N_SESSION_INPUTS);
  for (guint i = 0; i < TRD_N_SESSION_INPUTS * TRUNDLE_N_SESSION_STATES; i++)
    {
      g_autofree char *path = g_strdup_printf (
          "/session-state/%s/%s",
          rows[i / TRUNDLE_N_SESSION_STATES].name,
          trundle_session_state_to_word (i % TRUNDLE_N_SESSION_STATES));

      g_test_add_data_func (path, GUINT_TO_POINTER (i), check_cell);
    }

  return g_test_run ();
}
