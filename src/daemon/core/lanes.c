/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "core/lanes.h"

static guint
lane_hash (gconstpointer key)
{
  const TrdLane *lane = key;

  return g_direct_hash (lane->session) ^ g_direct_hash (lane->host);
}

/* Hosts are interned: equal ones are one pointer. */
static gboolean
lane_equal (gconstpointer a, gconstpointer b)
{
  const TrdLane *first = a;
  const TrdLane *second = b;

  return first->session == second->session && first->host == second->host;
}

static void
lane_free (TrdLane *lane)
{
  g_sequence_free (lane->tasks);
  g_ref_string_release (lane->host);
  g_free (lane);
}

GHashTable *
trd_lanes_new (void)
{
  return g_hash_table_new_full (lane_hash, lane_equal, (GDestroyNotify)lane_free, NULL);
}

TrdLane *
trd_lanes_find (GHashTable *lanes, TrdTask *task)
{
  TrdLane key = { .session = task->session, .host = task->host };

  return g_hash_table_lookup (lanes, &key);
}

TrdLane *
trd_lanes_add (GHashTable *lanes, TrdTask *task)
{
  TrdLane *lane = g_new0 (TrdLane, 1);

  lane->session = task->session;
  lane->host = g_ref_string_acquire (task->host);
  lane->tasks = g_sequence_new (NULL);
  g_hash_table_add (lanes, lane);

  return lane;
}

void
trd_lanes_leave (GHashTable *lanes, TrdTask *task)
{
  TrdLane *lane = task->lane;

  g_clear_pointer (&task->lane_place, g_sequence_remove);
  task->lane = NULL;
  if (lane != NULL && g_sequence_is_empty (lane->tasks))
    g_hash_table_remove (lanes, lane);
}

guint
trd_lanes_count_tasks (GHashTable *lanes)
{
  GHashTableIter iter;
  TrdLane *lane;
  guint n = 0;

  g_hash_table_iter_init (&iter, lanes);
  while (g_hash_table_iter_next (&iter, (gpointer *)&lane, NULL))
    n += g_sequence_get_length (lane->tasks);

  return n;
}

int
trd_task_compare_rank (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const TrdTask *first = a;
  const TrdTask *second = b;

  if (first->priority != second->priority)
    return first->priority > second->priority ? -1 : 1;

  return (first->id > second->id) - (first->id < second->id);
}

TrdTask *
trd_lane_head (TrdLane *lane)
{
  GSequenceIter *first = g_sequence_get_begin_iter (lane->tasks);

  return g_sequence_iter_is_end (first) ? NULL : g_sequence_get (first);
}

void
trd_lane_enter (TrdLane *lane, TrdTask *task)
{
  task->lane = lane;
  task->lane_place = g_sequence_insert_sorted (
      lane->tasks, task, trd_task_compare_rank, NULL);
}
