/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "core/delivery-state.h"
#include "state-table.h"

typedef struct
{
  const char *name;
  TrdDeliveryInput input;
  const char *next[TRD_N_DELIVERY_STATES];
} Row;

/* In the order of the states: idle, launching, offering, resting. */
static const Row rows[] = {
  { "event", TRD_DELIVERY_INPUT_EVENT, { "=", "=", "=", "=" } },
  { "waking-event",
    TRD_DELIVERY_INPUT_WAKING_EVENT,
    { "launching", "=", "=", "launching" } },
  { "attached",
    TRD_DELIVERY_INPUT_ATTACHED,
    { "offering", "offering", "=", "offering" } },
  { "launch-failed", TRD_DELIVERY_INPUT_LAUNCH_FAILED, { "x", "resting", "x", "x" } },
  { "alarm", TRD_DELIVERY_INPUT_ALARM, { "x", "x", "x", "launching" } },
  { "left-empty", TRD_DELIVERY_INPUT_LEFT_EMPTY, { "x", "x", "idle", "x" } },
  { "left-pending", TRD_DELIVERY_INPUT_LEFT_PENDING, { "x", "x", "resting", "x" } },
  { "completed", TRD_DELIVERY_INPUT_COMPLETED, { "=", "idle", "=", "idle" } },
};

static void
check_cell (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  const Row *row = &rows[index / TRD_N_DELIVERY_STATES];
  TrdDeliveryState state = index % TRD_N_DELIVERY_STATES;
  const char *expected = row->next[state];
  TrdDeliveryState next = (TrdDeliveryState)STATE_TABLE_UNTOUCHED;
  TrdCell cell = trd_delivery_state_next (state, row->input, &next);

  state_table_check (expected,
                     cell,
                     state,
                     next,
                     cell == TRD_CELL_MOVE ? trd_delivery_state_to_word (next) : NULL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  G_STATIC_ASSERT (G_N_ELEMENTS (rows) == TRD_N_DELIVERY_INPUTS);
  for (guint i = 0; i < TRD_N_DELIVERY_INPUTS * TRD_N_DELIVERY_STATES; i++)
    {
      g_autofree char *path = g_strdup_printf (
          "/delivery-state/%s/%s",
          rows[i / TRD_N_DELIVERY_STATES].name,
          trd_delivery_state_to_word (i % TRD_N_DELIVERY_STATES));

      g_test_add_data_func (path, GUINT_TO_POINTER (i), check_cell);
    }

  return g_test_run ();
}
