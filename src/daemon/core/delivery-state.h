/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/cell.h"

/* Getting a session's events to its app: in memory, computed anew at start. */
typedef enum
{
  TRD_DELIVERY_IDLE,
  TRD_DELIVERY_LAUNCHING, /* asked the bus to start the app, or waiting for its Attach */
  TRD_DELIVERY_OFFERING,  /* a consumer is attached */
  TRD_DELIVERY_RESTING,   /* until the alarm of the back-off, if there is one */
} TrdDeliveryState;

#define TRD_N_DELIVERY_STATES (TRD_DELIVERY_RESTING + 1)

typedef enum
{
  TRD_DELIVERY_INPUT_EVENT,        /* an event that does not wake, nobody attached */
  TRD_DELIVERY_INPUT_WAKING_EVENT, /* one that does */
  TRD_DELIVERY_INPUT_ATTACHED,
  TRD_DELIVERY_INPUT_LAUNCH_FAILED, /* an error, or the lease ran out */
  TRD_DELIVERY_INPUT_ALARM,
  TRD_DELIVERY_INPUT_LEFT_EMPTY,   /* the consumer went, nothing was pending */
  TRD_DELIVERY_INPUT_LEFT_PENDING, /* the consumer went, events are pending */
  TRD_DELIVERY_INPUT_COMPLETED,    /* nothing is pending any more, nobody attached */
} TrdDeliveryInput;

#define TRD_N_DELIVERY_INPUTS (TRD_DELIVERY_INPUT_COMPLETED + 1)

/* Pure. */
TrdCell
trd_delivery_state_next (TrdDeliveryState state,
                         TrdDeliveryInput input,
                         TrdDeliveryState *out_next);

const char *
trd_delivery_state_to_word (TrdDeliveryState state);
