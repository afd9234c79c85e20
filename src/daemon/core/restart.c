/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a new boot means for moments.  CLOCK_BOOTTIME has begun anew, so that every moment
 * is computed anew from what is known (value/moment.c) and written down again, in two
 * steps: first as a date only, which is true in any boot, and, once the new boot is
 * remembered beside the database, on its clock.  Whenever the machine stops in between,
 * no row bears a moment of one boot that is taken for one of another. */

#include "config.h"

#include "core/registry.h"

#include "common/defaults.h"
#include "common/vocabulary.h"
#include "core/delivery.h"
#include "core/registry-internal.h"

static gint64
to_us (guint64 ms)
{
  return (gint64)ms * 1000;
}

static gint64
longest_deadline_us (TrdSession *session, const TrdTaskRow *row)
{
  return to_us (trundle_options_get_uint64 (
      row->options, session->row->configuration, "resource-timeout"));
}

/* Of the reasons that come with a moment. */
static gint64
longest_hold_us (TrdSession *session, const TrdTaskRow *row)
{
  if (row->hold & TRUNDLE_WAIT_DELAYED_REQUEST)
    return to_us (trundle_options_get_uint64 (
        row->options, session->row->configuration, "delayed-request-timeout"));
  if (row->hold & (TRUNDLE_WAIT_DISK_SPACE | TRUNDLE_WAIT_DESTINATION_GONE))
    return TRD_RECHECK_MAX_US;

  return TRD_WAIT_MAX_US;
}

static gboolean
restore_task (TrdRegistry *self,
              TrdSession *session,
              const TrdTaskRow *row,
              const TrdRestart *restart,
              GError **error)
{
  TrdStore *store = trd_registry_get_env (self)->store;
  TrdTask *task = trd_registry_find_task (self, row->id);
  TrdMoment not_before;
  TrdMoment deadline;

  if (task == NULL || trd_task_is_finished (task))
    return TRUE;

  task->not_before_us = trd_moment_restore (
      row->not_before, restart, longest_hold_us (session, row));
  task->deadline_us = trd_moment_restore (
      row->deadline, restart, longest_deadline_us (session, row));
  not_before = trd_moment_at (restart->now, task->not_before_us);
  deadline = trd_moment_at (restart->now, task->deadline_us);
  not_before.boot_us = 0;
  deadline.boot_us = 0;

  return trd_store_set_task_moments (store, task->id, not_before, deadline, error);
}

static gboolean
restore_delivery (TrdRegistry *self,
                  TrdSession *session,
                  const TrdRestart *restart,
                  GError **error)
{
  TrdStore *store = trd_registry_get_env (self)->store;
  gint64 id = session->row->id;
  TrdMoment next;
  guint tries;

  if (!trd_store_get_delivery (store, id, &tries, &next, error))
    return FALSE;
  if (next.wall_us == 0)
    return TRUE;

  next = trd_moment_at (restart->now,
                        trd_moment_restore (next, restart, TRD_LAUNCH_REST_MAX_US));
  next.boot_us = 0;
  return trd_store_set_delivery (store, id, tries, next, error);
}

static gboolean
restore_session (TrdRegistry *self,
                 TrdSession *session,
                 const TrdRestart *restart,
                 GError **error)
{
  TrdStore *store = trd_registry_get_env (self)->store;
  g_autoptr (GPtrArray) rows = trd_store_list_tasks (
      store, session->row->id, &(TrdTaskFilter){ .kind = -1 }, error);

  if (rows == NULL || !restore_delivery (self, session, restart, error)
      || !trd_challenges_restore_moments (session, store, restart, error))
    return FALSE;

  for (guint i = 0; i < rows->len; i++)
    if (!restore_task (self, session, g_ptr_array_index (rows, i), restart, error))
      return FALSE;

  return TRUE;
}

static gboolean
keep_session (TrdRegistry *self,
              TrdSession *session,
              const TrdRestart *restart,
              GError **error)
{
  TrdStore *store = trd_registry_get_env (self)->store;
  gint64 id = session->row->id;
  GHashTableIter iter;
  TrdMoment next;
  TrdTask *task;
  guint tries;

  if (!trd_store_get_delivery (store, id, &tries, &next, error)
      || !trd_challenges_keep_moments (session, store, restart, error))
    return FALSE;
  if (next.wall_us != 0)
    {
      gint64 next_us = trd_moment_restore (next, restart, TRD_LAUNCH_REST_MAX_US);

      if (!trd_store_set_delivery (
              store, id, tries, trd_moment_at (restart->now, next_us), error))
        return FALSE;
    }

  g_hash_table_iter_init (&iter, session->tasks);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&task))
    if (!trd_task_is_finished (task)
        && !trd_store_set_task_moments (store,
                                        task->id,
                                        trd_moment_at (restart->now, task->not_before_us),
                                        trd_moment_at (restart->now, task->deadline_us),
                                        error))
      return FALSE;

  return TRUE;
}

typedef gboolean (*SessionFunc) (TrdRegistry *,
                                 TrdSession *,
                                 const TrdRestart *,
                                 GError **);

/* One transaction, so that thousands of tasks cost one wait for the disk. */
static gboolean
each_session (TrdRegistry *self, SessionFunc func, GError **error)
{
  TrdStore *store = trd_registry_get_env (self)->store;
  TrdRestart restart = trd_registry_get_restart (self);
  g_autoptr (GPtrArray) sessions = trd_registry_list_sessions (self);

  if (!trd_store_begin (store, error))
    return FALSE;

  for (guint i = 0; i < sessions->len; i++)
    if (!func (self, g_ptr_array_index (sessions, i), &restart, error))
      {
        trd_store_rollback (store);
        return FALSE;
      }

  if (trd_store_commit (store, error))
    return TRUE;
  trd_store_rollback (store);
  return FALSE;
}

gboolean
trd_registry_restore_moments (TrdRegistry *self, GError **error)
{
  return each_session (self, restore_session, error);
}

gboolean
trd_registry_keep_moments (TrdRegistry *self, GError **error)
{
  return each_session (self, keep_session, error);
}
