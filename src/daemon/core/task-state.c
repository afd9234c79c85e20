/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of what may happen to a task.  Everything that changes a task's state asks
 * here first (core/turn.c is the only one who does).  Law 7 rests on `finished` being a
 * state that only TRY_AGAIN leaves, which takes back what told of it. */

#include "config.h"

#include "core/task-state.h"

#define SAME TRD_CELL_MARK_SAME
#define NEVER TRD_CELL_MARK_NEVER
#define SUSP TRUNDLE_TASK_SUSPENDED
#define QUEU TRUNDLE_TASK_QUEUED
#define RUNN TRUNDLE_TASK_RUNNING
#define CHAL TRUNDLE_TASK_CHALLENGED
#define FINI TRUNDLE_TASK_FINISHED

/* clang-format off */
static const gint8 table[TRD_N_TASK_INPUTS][TRUNDLE_N_TASK_STATES] = {
  /*                            suspended queued running challenged finished */
  [TRD_TASK_INPUT_RESUME]    = { QUEU,    SAME,  SAME,   SAME,      NEVER },
  [TRD_TASK_INPUT_SUSPEND]   = { SAME,    SUSP,  SUSP,   SUSP,      NEVER },
  [TRD_TASK_INPUT_CANCEL]    = { FINI,    FINI,  FINI,   FINI,      SAME  },
  [TRD_TASK_INPUT_EXPIRE]    = { FINI,    FINI,  FINI,   FINI,      NEVER },
  [TRD_TASK_INPUT_START]     = { NEVER,   RUNN,  NEVER,  NEVER,     NEVER },
  [TRD_TASK_INPUT_HOLD]      = { NEVER,   NEVER, QUEU,   NEVER,     NEVER },
  [TRD_TASK_INPUT_SUCCEED]   = { NEVER,   FINI,  FINI,   NEVER,     NEVER },
  [TRD_TASK_INPUT_FAIL]      = { NEVER,   NEVER, FINI,   NEVER,     NEVER },
  [TRD_TASK_INPUT_RETRY]     = { NEVER,   NEVER, QUEU,   NEVER,     NEVER },
  [TRD_TASK_INPUT_CHALLENGE] = { NEVER,   NEVER, CHAL,   NEVER,     NEVER },
  [TRD_TASK_INPUT_ANSWER]    = { NEVER,   NEVER, NEVER,  QUEU,      NEVER },
  [TRD_TASK_INPUT_REJECT]    = { NEVER,   NEVER, NEVER,  FINI,      NEVER },
  [TRD_TASK_INPUT_UPDATE]    = { SUSP,    QUEU,  NEVER,  CHAL,      NEVER },
  [TRD_TASK_INPUT_TRY_AGAIN] = { NEVER,   QUEU,  SAME,   NEVER,     QUEU  },
  [TRD_TASK_INPUT_NETWORK_UP] = { SAME,  QUEU,  SAME,   SAME,      SAME  },
  [TRD_TASK_INPUT_DATE]      = { SUSP,    QUEU,  NEVER,  NEVER,     NEVER },
  [TRD_TASK_INPUT_DUE]       = { NEVER,   QUEU,  NEVER,  NEVER,     NEVER },
  [TRD_TASK_INPUT_PROCEED]   = { NEVER,   QUEU,  NEVER,  NEVER,     NEVER },
};
/* clang-format on */

static const char *const words[] = {
  "resume",     "suspend",        "cancel",     "expire",      "start",  "hold",
  "succeed",    "fail",           "retry",      "challenge",   "answer", "reject",
  "be changed", "be tried again", "network-up", "begin later", "begin",  "proceed",
};

G_STATIC_ASSERT (G_N_ELEMENTS (words) == TRD_N_TASK_INPUTS);

TrdCell
trd_task_state_next (TrundleTaskState state,
                     TrdTaskInput input,
                     TrundleTaskState *out_next)
{
  guint next;
  TrdCell cell = trd_cell_read (table[input][state], state, &next);

  if (cell != TRD_CELL_ILLEGAL)
    *out_next = (TrundleTaskState)next;

  return cell;
}

const char *
trd_task_input_to_word (TrdTaskInput input)
{
  return words[input];
}
