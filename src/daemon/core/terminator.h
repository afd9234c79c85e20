/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/registry.h"

/* Tells servers that what they keep of uploads is of no use any more.  Best effort: what
 * is not told is forgotten by them in their own time. */
typedef struct _TrdTerminator TrdTerminator;

TrdTerminator *
trd_terminator_new (TrdRegistry *registry);
void
trd_terminator_free (TrdTerminator *self);
/* Of @registry.  (transfer none) */
TrdTerminator *
trd_registry_get_terminator (TrdRegistry *registry);

/* @place was that of @task, which is still known, as @row says it was; its last attempt
 * is over.  A few at once, the others after them. */
void
trd_terminator_ask (TrdTerminator *self,
                    TrdTask *task,
                    const TrdTaskRow *row,
                    GVariant *place);
