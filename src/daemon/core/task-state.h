/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "common/enums.h"
#include "core/cell.h"

/* What may happen to a task, and what it then is: 5 states, 18 inputs. */
typedef enum
{
  TRD_TASK_INPUT_RESUME,
  TRD_TASK_INPUT_SUSPEND,
  TRD_TASK_INPUT_CANCEL,
  TRD_TASK_INPUT_EXPIRE,
  TRD_TASK_INPUT_START,
  TRD_TASK_INPUT_HOLD,
  TRD_TASK_INPUT_SUCCEED,
  TRD_TASK_INPUT_FAIL,
  TRD_TASK_INPUT_RETRY,
  TRD_TASK_INPUT_CHALLENGE,
  TRD_TASK_INPUT_ANSWER,
  TRD_TASK_INPUT_REJECT,
  TRD_TASK_INPUT_UPDATE,
  TRD_TASK_INPUT_TRY_AGAIN,
  TRD_TASK_INPUT_NETWORK_UP,
  TRD_TASK_INPUT_DATE,    /* another earliest begin */
  TRD_TASK_INPUT_DUE,     /* the earliest begin has come */
  TRD_TASK_INPUT_PROCEED, /* the app was asked, and has answered or not in time */
} TrdTaskInput;

#define TRD_N_TASK_INPUTS (TRD_TASK_INPUT_PROCEED + 1)

/* Pure.  @out_next is set for MOVE and SAME. */
TrdCell
trd_task_state_next (TrundleTaskState state,
                     TrdTaskInput input,
                     TrundleTaskState *out_next);

const char *
trd_task_input_to_word (TrdTaskInput input);
