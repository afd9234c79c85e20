/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "common/enums.h"
#include "core/cell.h"

typedef enum
{
  TRD_SESSION_INPUT_CREATE,     /* new tasks */
  TRD_SESSION_INPUT_FINISH,     /* FinishTasksAndInvalidate */
  TRD_SESSION_INPUT_INVALIDATE, /* InvalidateAndCancel */
  TRD_SESSION_INPUT_DRAINED,    /* the last task finished and the last event completed */
} TrdSessionInput;

#define TRD_N_SESSION_INPUTS (TRD_SESSION_INPUT_DRAINED + 1)

/* Pure. */
TrdCell
trd_session_state_next (TrundleSessionState state,
                        TrdSessionInput input,
                        TrundleSessionState *out_next);
