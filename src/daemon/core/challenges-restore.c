/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Challenges out of the store, and what a new boot means for their ends. */

#include "config.h"

#include "core/challenges.h"

#include "core/registry-internal.h"
#include "core/turn-private.h"
#include "port/store-challenges.h"

gboolean
trd_challenges_restore (TrdChallenges *self, GError **error)
{
  TrdRegistry *registry = trd_challenges_get_registry (self);
  TrdCredentials *credentials = trd_challenges_get_credentials (self);
  TrdRestart restart = trd_registry_get_restart (registry);
  g_autoptr (GPtrArray) rows = trd_store_list_challenges (
      trd_registry_get_env (registry)->store, error);

  if (rows == NULL)
    return FALSE;

  while (rows->len > 0)
    {
      TrdChallengeRow *row = g_ptr_array_steal_index (rows, 0);
      TrdSession *session = trd_registry_find_session (registry, row->session_id);
      TrdChallenge *challenge;

      trd_credentials_raise (credentials, row->generation);
      if (session == NULL)
        {
          trd_challenge_row_free (row);
          continue;
        }
      challenge = trd_challenge_new (session, row);
      challenge->deadline_us = trd_moment_restore (row->deadline, &restart, G_MAXINT64);
      if (session->challenges == NULL)
        session->challenges = g_ptr_array_new_with_free_func (
            (GDestroyNotify)trd_challenge_free);
      g_ptr_array_add (session->challenges, challenge);
    }

  return TRUE;
}

static gboolean
stage_lost_tasks (TrdTurn *turn, TrdSession *session, GError **error)
{
  g_autoptr (GPtrArray) tasks = trd_registry_get_tasks (session);

  for (guint i = 0; i < tasks->len; i++)
    {
      TrdTask *task = g_ptr_array_index (tasks, i);

      if (task->state == TRUNDLE_TASK_CHALLENGED && task->challenge == NULL
          && !trd_turn_apply (turn, task, TRD_TASK_INPUT_ANSWER, NULL, error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
stage_unused (TrdTurn *turn, TrdSession *session, GError **error)
{
  for (guint i = 0; session->challenges != NULL && i < session->challenges->len; i++)
    {
      TrdChallenge *challenge = g_ptr_array_index (session->challenges, i);

      if (challenge->n_tasks == 0 && challenge->row->state != TRD_CHALLENGE_REJECTED
          && !trd_turn_remove_challenge (turn, challenge, error))
        return FALSE;
    }

  return TRUE;
}

/* What nobody refers to goes; who refers to what is not there asks again. */
gboolean
trd_challenges_settle (TrdChallenges *self, GError **error)
{
  TrdRegistry *registry = trd_challenges_get_registry (self);
  g_autoptr (GPtrArray) sessions = trd_registry_list_sessions (registry);
  g_autoptr (TrdTurn) turn = trd_turn_new (registry);

  for (guint i = 0; i < sessions->len; i++)
    if (!stage_lost_tasks (turn, g_ptr_array_index (sessions, i), error)
        || !stage_unused (turn, g_ptr_array_index (sessions, i), error))
      return FALSE;
  if (!trd_turn_commit (turn, error))
    return FALSE;

  trd_challenges_arm (self);
  trd_challenges_look_up_soon (self);
  return TRUE;
}

static gboolean
store_moments (TrdSession *session,
               TrdStore *store,
               const TrdRestart *restart,
               gboolean by_date,
               GError **error)
{
  for (guint i = 0; session->challenges != NULL && i < session->challenges->len; i++)
    {
      TrdChallenge *challenge = g_ptr_array_index (session->challenges, i);

      challenge->row->deadline = trd_moment_at (restart->now, challenge->deadline_us);
      if (by_date)
        challenge->row->deadline.boot_us = 0;
      if (!trd_store_update_challenge (store, challenge->row, error))
        return FALSE;
    }

  return TRUE;
}

gboolean
trd_challenges_restore_moments (TrdSession *session,
                                TrdStore *store,
                                const TrdRestart *restart,
                                GError **error)
{
  return store_moments (session, store, restart, TRUE, error);
}

gboolean
trd_challenges_keep_moments (TrdSession *session,
                             TrdStore *store,
                             const TrdRestart *restart,
                             GError **error)
{
  return store_moments (session, store, restart, FALSE, error);
}
