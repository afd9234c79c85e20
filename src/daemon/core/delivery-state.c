/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of bringing a session's events to its app. */

#include "config.h"

#include "core/delivery-state.h"

#define SAME TRD_CELL_MARK_SAME
#define NEVER TRD_CELL_MARK_NEVER
#define IDLE TRD_DELIVERY_IDLE
#define LNCH TRD_DELIVERY_LAUNCHING
#define OFFR TRD_DELIVERY_OFFERING
#define REST TRD_DELIVERY_RESTING

/* clang-format off */
static const gint8 table[TRD_N_DELIVERY_INPUTS][TRD_N_DELIVERY_STATES] = {
  /*                                     idle   launching offering resting */
  [TRD_DELIVERY_INPUT_EVENT]         = { SAME,  SAME,     SAME,    SAME },
  [TRD_DELIVERY_INPUT_WAKING_EVENT]  = { LNCH,  SAME,     SAME,    LNCH },
  [TRD_DELIVERY_INPUT_ATTACHED]      = { OFFR,  OFFR,     SAME,    OFFR },
  [TRD_DELIVERY_INPUT_LAUNCH_FAILED] = { NEVER, REST,     NEVER,   NEVER },
  [TRD_DELIVERY_INPUT_ALARM]         = { NEVER, NEVER,    NEVER,   LNCH },
  [TRD_DELIVERY_INPUT_LEFT_EMPTY]    = { NEVER, NEVER,    IDLE,    NEVER },
  [TRD_DELIVERY_INPUT_LEFT_PENDING]  = { NEVER, NEVER,    REST,    NEVER },
  [TRD_DELIVERY_INPUT_COMPLETED]     = { SAME,  IDLE,     SAME,    IDLE },
};
/* clang-format on */

static const char *const words[] = { "idle", "launching", "offering", "resting" };

G_STATIC_ASSERT (G_N_ELEMENTS (words) == TRD_N_DELIVERY_STATES);

TrdCell
trd_delivery_state_next (TrdDeliveryState state,
                         TrdDeliveryInput input,
                         TrdDeliveryState *out_next)
{
  guint next;
  TrdCell cell = trd_cell_read (table[input][state], state, &next);

  if (cell != TRD_CELL_ILLEGAL)
    *out_next = (TrdDeliveryState)next;

  return cell;
}

const char *
trd_delivery_state_to_word (TrdDeliveryState state)
{
  return words[state];
}
