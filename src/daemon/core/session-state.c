/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of a session's life. */

#include "config.h"

#include "core/session-state.h"

#define SAME TRD_CELL_MARK_SAME
#define NEVER TRD_CELL_MARK_NEVER
#define FINI TRUNDLE_SESSION_FINISHING
#define RETI TRUNDLE_SESSION_RETIRED
#define GONE TRUNDLE_SESSION_GONE

/* clang-format off */
static const gint8 table[TRD_N_SESSION_INPUTS][TRUNDLE_N_SESSION_STATES] = {
  /*                                active finishing retired gone */
  [TRD_SESSION_INPUT_CREATE]     = { SAME,  NEVER,    NEVER,  NEVER },
  [TRD_SESSION_INPUT_FINISH]     = { FINI,  SAME,     SAME,   NEVER },
  [TRD_SESSION_INPUT_INVALIDATE] = { RETI,  RETI,     SAME,   NEVER },
  [TRD_SESSION_INPUT_DRAINED]    = { SAME,  GONE,     GONE,   NEVER },
};
/* clang-format on */

TrdCell
trd_session_state_next (TrundleSessionState state,
                        TrdSessionInput input,
                        TrundleSessionState *out_next)
{
  guint next;
  TrdCell cell = trd_cell_read (table[input][state], state, &next);

  if (cell != TRD_CELL_ILLEGAL)
    *out_next = (TrundleSessionState)next;

  return cell;
}
