/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/session.h"

/* Queued tasks that could run now: a lane for each (session, host), in which they stand
 * in order of priority and creation. */
typedef struct
{
  TrdSession *session;   /* (unowned): a lane is gone before its session */
  GRefString *host;      /* (owned) */
  GSequence *tasks;      /* (owned) (element-type TrdTask): never empty for long */
  guint32 shown_reasons; /* what its tasks were last told */
} TrdLane;

/* (element-type TrdLane TrdLane) (transfer full) */
GHashTable *
trd_lanes_new (void);
/* The lane that is @task's.  (nullable) */
TrdLane *
trd_lanes_find (GHashTable *lanes, TrdTask *task);
/* An empty one, when there is none: @task must enter it. */
TrdLane *
trd_lanes_add (GHashTable *lanes, TrdTask *task);
/* @task stands in no lane any more, if it did; with the last one its lane goes. */
void
trd_lanes_leave (GHashTable *lanes, TrdTask *task);
guint
trd_lanes_count_tasks (GHashTable *lanes);

void
trd_lane_enter (TrdLane *lane, TrdTask *task);
/* Who is next.  (nullable) */
TrdTask *
trd_lane_head (TrdLane *lane);

/* Who goes before whom: a GCompareDataFunc. */
int
trd_task_compare_rank (gconstpointer a, gconstpointer b, gpointer user_data);
