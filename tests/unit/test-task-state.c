/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "core/task-state.h"
#include "state-table.h"

/* The table of the design, written a second time and by its words: "=" stays, "x" never.
 */
typedef struct
{
  TrdTaskInput input;
  const char *next[TRUNDLE_N_TASK_STATES];
} Row;

static const Row rows[] = {
  { TRD_TASK_INPUT_RESUME, { "queued", "=", "=", "=", "x" } },
  { TRD_TASK_INPUT_SUSPEND, { "=", "suspended", "suspended", "suspended", "x" } },
  { TRD_TASK_INPUT_CANCEL, { "finished", "finished", "finished", "finished", "=" } },
  { TRD_TASK_INPUT_EXPIRE, { "finished", "finished", "finished", "finished", "x" } },
  { TRD_TASK_INPUT_START, { "x", "running", "x", "x", "x" } },
  { TRD_TASK_INPUT_HOLD, { "x", "x", "queued", "x", "x" } },
  { TRD_TASK_INPUT_SUCCEED, { "x", "finished", "finished", "x", "x" } },
  { TRD_TASK_INPUT_FAIL, { "x", "x", "finished", "x", "x" } },
  { TRD_TASK_INPUT_RETRY, { "x", "x", "queued", "x", "x" } },
  { TRD_TASK_INPUT_CHALLENGE, { "x", "x", "challenged", "x", "x" } },
  { TRD_TASK_INPUT_ANSWER, { "x", "x", "x", "queued", "x" } },
  { TRD_TASK_INPUT_REJECT, { "x", "x", "x", "finished", "x" } },
  { TRD_TASK_INPUT_UPDATE, { "suspended", "queued", "x", "challenged", "x" } },
  { TRD_TASK_INPUT_TRY_AGAIN, { "x", "queued", "=", "x", "queued" } },
  { TRD_TASK_INPUT_NETWORK_UP, { "=", "queued", "=", "=", "=" } },
  { TRD_TASK_INPUT_DATE, { "suspended", "queued", "x", "x", "x" } },
  { TRD_TASK_INPUT_DUE, { "x", "queued", "x", "x", "x" } },
  { TRD_TASK_INPUT_PROCEED, { "x", "queued", "x", "x", "x" } },
};

static void
check_cell (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  const Row *row = &rows[index / TRUNDLE_N_TASK_STATES];
  TrundleTaskState state = index % TRUNDLE_N_TASK_STATES;
  const char *expected = row->next[state];
  TrundleTaskState next = (TrundleTaskState)STATE_TABLE_UNTOUCHED;
  TrdCell cell = trd_task_state_next (state, row->input, &next);

  state_table_check (expected,
                     cell,
                     state,
                     next,
                     cell == TRD_CELL_MOVE ? trundle_task_state_to_word (next) : NULL);
}

/* Every state can be reached from the first, and only trying again leaves the last. */
static void
check_reach (void)
{
  gboolean reached[TRUNDLE_N_TASK_STATES] = { TRUE };

  for (guint round = 0; round < TRUNDLE_N_TASK_STATES; round++)
    for (guint state = 0; state < TRUNDLE_N_TASK_STATES; state++)
      for (guint input = 0; reached[state] && input < TRD_N_TASK_INPUTS; input++)
        {
          TrundleTaskState next;

          if (trd_task_state_next (state, input, &next) == TRD_CELL_MOVE)
            {
              if (input != TRD_TASK_INPUT_TRY_AGAIN)
                g_assert_cmpint (state, !=, TRUNDLE_TASK_FINISHED);
              reached[next] = TRUE;
            }
        }

  for (guint state = 0; state < TRUNDLE_N_TASK_STATES; state++)
    g_assert_true (reached[state]);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  G_STATIC_ASSERT (G_N_ELEMENTS (rows) == TRD_N_TASK_INPUTS);
  for (guint i = 0; i < TRD_N_TASK_INPUTS * TRUNDLE_N_TASK_STATES; i++)
    {
      g_autofree char *path = g_strdup_printf (
          "/task-state/%s/%s",
          trd_task_input_to_word (rows[i / TRUNDLE_N_TASK_STATES].input),
          trundle_task_state_to_word (i % TRUNDLE_N_TASK_STATES));

      g_test_add_data_func (path, GUINT_TO_POINTER (i), check_cell);
    }
  g_test_add_func ("/task-state/reach", check_reach);

  return g_test_run ();
}
