/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/courier.h"
#include "core/scheduler.h"

/* All signals there are: durable events for the courier, and what is live.  Every one is
 * directed (law 8). */
typedef struct _TrdFaceOutlet TrdFaceOutlet;

/* Becomes the outlet of @courier and listens to @registry and @scheduler. */
TrdFaceOutlet *
trd_face_outlet_new (GDBusConnection *bus,
                     TrdRegistry *registry,
                     TrdScheduler *scheduler,
                     TrdCourier *courier);
void
trd_face_outlet_free (TrdFaceOutlet *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdFaceOutlet, trd_face_outlet_free)

/* The object of an event: its task, or its session for an event of the session. (transfer
 * full) */
char *
trd_face_outlet_event_object (const TrdEvent *event);

/* The signals that are sent, for the contract test. */
typedef struct
{
  const char *interface;
  const char *name;
  const char *signature;
} TrdSignal;
const TrdSignal *
trd_face_outlet_get_signals (guint *out_n_signals);
