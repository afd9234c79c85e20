/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "face/face.h"

/* What a task shows: its properties, from its row and from what memory knows better. */

typedef struct
{
  TrdRegistry *registry; /* (unowned), outlives us */
  TrdTask *task;         /* (unowned): valid for the call */
  const TrdTaskRow *row; /* (unowned), or the same as `loaded` */
  TrdTaskRow *loaded;    /* (owned) (nullable) */
} TrdTaskView;

/* One row of the table, or NULL. */
const TrdProperty *
trd_task_view_find (const char *name);

/* Values of @names (NULL-terminated) as a{sv}.  Floating.  Every name must be known. */
GVariant *
trd_task_view_to_dict (const TrdTaskView *self, const char *const *names);

/* What lists show when nobody asked for anything else. */
extern const char *const trd_task_view_default_names[];

/* The number is a macro, so that tables elsewhere may be constant; checked in the .c. */
#define TRD_TASK_VIEW_N_PROPERTIES 34
extern const TrdProperty trd_task_view_properties[];
