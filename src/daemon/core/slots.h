/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/policy.h"
#include "core/session.h"

/* Who runs, counted by host, by app and in all. */
typedef struct _TrdSlots TrdSlots;

TrdSlots *
trd_slots_new (void);
void
trd_slots_free (TrdSlots *self);

/* A second time changes nothing, either way. */
void
trd_slots_take (TrdSlots *self, TrdTask *task);
void
trd_slots_leave (TrdSlots *self, TrdTask *task);

guint
trd_slots_count (TrdSlots *self);
guint
trd_slots_count_app (TrdSlots *self, const char *owner_key);
/* (element-type TrdTask) (transfer container) */
GList *
trd_slots_list (TrdSlots *self);
/* Which slots are full for a task of @session at @host, into @facts. */
void
trd_slots_look (TrdSlots *self, TrdSession *session, const char *host, TrdFacts *facts);
