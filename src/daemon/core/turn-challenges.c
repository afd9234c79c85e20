/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Challenges in a turn: what is written of them in its transaction, and what is true in
 * memory once that is committed (laws 2 and 5).  One that no unfinished task refers to
 * any more goes, in the transaction of the last that did. */

#include "config.h"

#include "core/turn-private.h"

#include "core/registry-internal.h"
#include "port/store-challenges.h"

/* What is true of a challenge after the commit. */
typedef struct
{
  TrdChallenge *challenge; /* (owned) when it is new */
  TrdChallengeRow *row;    /* (owned) (nullable): of one that is not new */
  gint64 deadline_us;
  gboolean is_new;
  gboolean goes;
} Standing;

void
trd_standing_free (gpointer data)
{
  Standing *standing = data;

  if (standing->is_new)
    trd_challenge_free (standing->challenge);
  g_clear_pointer (&standing->row, trd_challenge_row_free);
  g_free (standing);
}

static Standing *
find_standing (TrdTurn *self, TrdChallenge *challenge)
{
  for (guint i = 0; i < self->standings->len; i++)
    {
      Standing *standing = g_ptr_array_index (self->standings, i);

      if (standing->challenge == challenge)
        return standing;
    }

  return NULL;
}

static Standing *
add_standing (TrdTurn *self, TrdChallenge *challenge)
{
  Standing *standing = g_new0 (Standing, 1);

  standing->challenge = challenge;
  standing->deadline_us = challenge->deadline_us;
  g_ptr_array_add (self->standings, standing);

  return standing;
}

TrdChallenge *
trd_turn_add_challenge (TrdTurn *self,
                        TrdSession *session,
                        TrdChallengeRow *row,
                        gint64 deadline_us,
                        GError **error)
{
  g_autoptr (TrdChallenge) challenge = trd_challenge_new (session, row);
  Standing *standing;

  row->session_id = session->row->id;
  row->deadline = trd_moment_at (self->now, deadline_us);
  if (!trd_turn_open (self, error)
      || !trd_store_insert_challenge (self->store, row, error))
    return NULL;

  challenge->deadline_us = deadline_us;
  standing = add_standing (self, g_steal_pointer (&challenge));
  standing->is_new = TRUE;
  return standing->challenge;
}

gboolean
trd_turn_set_challenge (TrdTurn *self,
                        TrdChallenge *challenge,
                        TrdChallengeRow *row,
                        gint64 deadline_us,
                        GError **error)
{
  Standing *standing = add_standing (self, challenge);

  row->deadline = trd_moment_at (self->now, deadline_us);
  standing->row = row;
  standing->deadline_us = deadline_us;

  return trd_turn_open (self, error)
         && trd_store_update_challenge (self->store, row, error);
}

gboolean
trd_turn_remove_challenge (TrdTurn *self, TrdChallenge *challenge, GError **error)
{
  Standing *standing = find_standing (self, challenge);

  if (standing == NULL)
    standing = add_standing (self, challenge);
  standing->goes = TRUE;

  return trd_turn_open (self, error)
         && trd_store_delete_challenge (self->store, challenge->row->id, error);
}

/* ---- who refers to which ---- */

static void
count (GHashTable *balance, TrdChallenge *challenge, int n)
{
  if (challenge != NULL)
    g_hash_table_insert (
        balance,
        challenge,
        GINT_TO_POINTER (GPOINTER_TO_INT (g_hash_table_lookup (balance, challenge)) + n));
}

static gboolean
has_passed (const TrdChallenge *challenge, const TrdTask *task)
{
  return challenge->passed != NULL
         && g_hash_table_contains (challenge->passed, &task->id);
}

/* It goes on with the answer to the one and meets another: the server asks for both. */
static gboolean
passes (const TrdStep *step)
{
  const TrdChallenge *before = step->task->challenge;

  return before != NULL && step->challenge != NULL && step->challenge != before
         && before->row->state == TRD_CHALLENGE_ANSWERED;
}

/* Whether @step ends that @challenge was passed by its task. */
static gboolean
leaves (const TrdStep *step, const TrdChallenge *challenge)
{
  return (step->challenge == NULL || step->challenge == challenge)
         && has_passed (challenge, step->task);
}

static void
count_passed (GHashTable *balance, const TrdStep *step)
{
  GPtrArray *challenges = step->task->session->challenges;

  if (passes (step))
    count (balance, step->task->challenge, 1);
  for (guint i = 0; challenges != NULL && i < challenges->len; i++)
    if (leaves (step, g_ptr_array_index (challenges, i)))
      count (balance, g_ptr_array_index (challenges, i), -1);
}

/* A space that was rejected stays so until the session ends or is given a credential. */
static gboolean
outlives_its_tasks (TrdTurn *self, TrdChallenge *challenge)
{
  const Standing *standing = find_standing (self, challenge);
  const TrdChallengeRow *row = standing != NULL && standing->row != NULL ? standing->row
                                                                         : challenge->row;

  return row->state == TRD_CHALLENGE_REJECTED;
}

gboolean
trd_turn_stage_vanishing (TrdTurn *self, GError **error)
{
  g_autoptr (GHashTable) balance = g_hash_table_new (NULL, NULL);
  GHashTableIter iter;
  TrdChallenge *challenge;
  gpointer n;

  for (guint i = 0; i < self->steps->len; i++)
    {
      const TrdStep *step = g_ptr_array_index (self->steps, i);

      count (balance, step->task->challenge, -1);
      count (balance, step->challenge, 1);
      count_passed (balance, step);
    }

  g_hash_table_iter_init (&iter, balance);
  while (g_hash_table_iter_next (&iter, (gpointer *)&challenge, &n))
    if ((int)trd_challenge_count_references (challenge) + GPOINTER_TO_INT (n) == 0
        && !outlives_its_tasks (self, challenge)
        && !trd_turn_remove_challenge (self, challenge, error))
      return FALSE;

  return TRUE;
}

/* ---- after the commit ---- */

void
trd_turn_assign_challenges (TrdTurn *self)
{
  for (guint i = 0; i < self->standings->len; i++)
    {
      Standing *standing = g_ptr_array_index (self->standings, i);
      TrdChallenge *challenge = standing->challenge;
      TrdSession *session = challenge->session;

      if (standing->row != NULL)
        {
          trd_challenge_row_free (challenge->row);
          challenge->row = g_steal_pointer (&standing->row);
        }
      challenge->deadline_us = standing->deadline_us;
      if (!standing->is_new)
        continue;
      standing->is_new = FALSE;
      if (session->challenges == NULL)
        session->challenges = g_ptr_array_new_with_free_func (
            (GDestroyNotify)trd_challenge_free);
      g_ptr_array_add (session->challenges, challenge);
    }
}

static void
assign_passed (TrdStep *step)
{
  TrdTask *task = step->task;
  GPtrArray *challenges = task->session->challenges;

  for (guint i = 0; challenges != NULL && i < challenges->len; i++)
    {
      TrdChallenge *challenge = g_ptr_array_index (challenges, i);

      if (leaves (step, challenge))
        g_hash_table_remove (challenge->passed, &task->id);
    }
  if (!passes (step))
    return;

  if (task->challenge->passed == NULL)
    task->challenge->passed = g_hash_table_new_full (
        g_int64_hash, g_int64_equal, g_free, NULL);
  g_hash_table_add (task->challenge->passed, g_memdup2 (&task->id, sizeof task->id));
}

void
trd_step_assign_challenge (TrdStep *step)
{
  TrdTask *task = step->task;

  assign_passed (step);
  if (task->challenge != NULL)
    {
      task->challenge->n_tasks--;
      task->challenge->n_waiting -= task->state == TRUNDLE_TASK_CHALLENGED;
    }
  task->challenge = step->challenge;
  if (task->challenge != NULL)
    {
      task->challenge->n_tasks++;
      task->challenge->n_waiting += step->next == TRUNDLE_TASK_CHALLENGED;
    }
}

void
trd_turn_drop_challenges (TrdTurn *self)
{
  for (guint i = 0; i < self->standings->len; i++)
    {
      const Standing *standing = g_ptr_array_index (self->standings, i);

      if (standing->goes)
        trd_registry_forget_challenge (self->registry, standing->challenge);
    }
  if (self->standings->len > 0)
    trd_challenges_arm (trd_registry_get_challenges (self->registry));
  g_ptr_array_set_size (self->standings, 0);
}
