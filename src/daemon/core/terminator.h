/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/registry.h"

/* Tells servers that what they keep of uploads is of no use any more.  Best effort: what
 * is not told is forgotten by them in their own time. */
typedef struct _TrdTerminator TrdTerminator;
/* What one server is to be told of one upload, with all that is secret for it. */
typedef struct _TrdTermination TrdTermination;

TrdTerminator *
trd_terminator_new (TrdRegistry *registry);
void
trd_terminator_free (TrdTerminator *self);
/* Of @registry.  (transfer none) */
TrdTerminator *
trd_registry_get_terminator (TrdRegistry *registry);

/* What is to be told of @place, which was that of @task, who knows its secrets still, as
 * @row says it was.  NULL when too many are told already, or the secrets are lost.
 * (transfer full) (nullable) */
TrdTermination *
trd_terminator_compose (TrdTerminator *self,
                        TrdTask *task,
                        const TrdTaskRow *row,
                        GVariant *place);
void
trd_termination_free (TrdTermination *self);

/* Tells it, now that the last attempt is over: a few at once, the others after them.
 * @termination is taken; NULL for nothing. */
void
trd_terminator_ask (TrdTerminator *self, TrdTermination *termination);
