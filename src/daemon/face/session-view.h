/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "face/face.h"

/* A session and its counts at one moment. */
typedef struct
{
  TrdGate *gate;       /* (unowned) */
  TrdSession *session; /* (unowned): valid for the call */
  TrdSessionCounts counts;
} TrdSessionView;

gboolean
trd_session_view_init (TrdSessionView *self,
                       TrdGate *gate,
                       TrdSession *session,
                       GError **error);

/* How many tasks are in which state, a{su}.  Floating. */
GVariant *
trd_session_view_counts (const TrdSessionView *self);
