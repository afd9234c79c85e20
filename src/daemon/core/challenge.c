/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What anybody may ask a challenge.  What happens to one is in core/challenges.c. */

#include "config.h"

#include "core/challenge.h"

/* Which of its offers a challenge is about. */
static void
find_space (GVariant *facts, const char *key, TrdSpace *out_space)
{
  for (guint i = 0; i < trd_challenge_count_offers (facts); i++)
    {
      g_auto (TrdSpace) space = { 0 };
      g_autofree char *other = NULL;

      trd_challenge_get_space (facts, i, &space);
      other = trd_space_to_key (&space);
      if (!g_str_equal (key, other))
        continue;
      *out_space = space;
      space = (TrdSpace){ 0 };
      return;
    }
}

TrdChallenge *
trd_challenge_new (TrdSession *session, TrdChallengeRow *row)
{
  TrdChallenge *self = g_new0 (TrdChallenge, 1);

  self->session = session;
  self->row = row;
  find_space (row->facts, row->space, &self->space);

  return self;
}

void
trd_challenge_free (TrdChallenge *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->row, trd_challenge_row_free);
  trd_space_clear (&self->space);
  g_clear_pointer (&self->passed, g_hash_table_unref);
  g_free (self);
}

TrdChallengeRow *
trd_challenge_row_copy (const TrdChallengeRow *row)
{
  TrdChallengeRow *copy = g_memdup2 (row, sizeof *row);

  copy->space = g_strdup (row->space);
  copy->facts = g_variant_ref (row->facts);
  if (row->answer != NULL)
    copy->answer = g_variant_ref (row->answer);

  return copy;
}

gboolean
trd_challenge_is_behind (const TrdChallenge *self, const TrdTask *task)
{
  return task->challenge == self
         || (self->passed != NULL && g_hash_table_contains (self->passed, &task->id));
}

guint
trd_challenge_count_references (const TrdChallenge *self)
{
  return self->n_tasks + (self->passed != NULL ? g_hash_table_size (self->passed) : 0);
}

gboolean
trd_challenge_is_unanswered (const TrdChallenge *self)
{
  return self->row->state == TRD_CHALLENGE_OPEN
         || self->row->state == TRD_CHALLENGE_LOCKED;
}

TrdChallenge *
trd_session_find_challenge (TrdSession *session, const char *space)
{
  for (guint i = 0; session->challenges != NULL && i < session->challenges->len; i++)
    {
      TrdChallenge *challenge = g_ptr_array_index (session->challenges, i);

      if (g_str_equal (challenge->row->space, space))
        return challenge;
    }

  return NULL;
}

TrdChallenge *
trd_session_find_challenge_by_id (TrdSession *session, gint64 id)
{
  for (guint i = 0; session->challenges != NULL && i < session->challenges->len; i++)
    {
      TrdChallenge *challenge = g_ptr_array_index (session->challenges, i);

      if (challenge->row->id == id)
        return challenge;
    }

  return NULL;
}

static int
compare_tasks (gconstpointer a, gconstpointer b)
{
  const TrdTask *first = *(const TrdTask *const *)a;
  const TrdTask *second = *(const TrdTask *const *)b;

  return (first->id > second->id) - (first->id < second->id);
}

GPtrArray *
trd_challenge_list_waiting (const TrdChallenge *self)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new ();
  GHashTableIter iter;
  TrdTask *task;

  g_hash_table_iter_init (&iter, self->session->tasks);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&task))
    if (task->challenge == self && task->state == TRUNDLE_TASK_CHALLENGED)
      g_ptr_array_add (tasks, task);
  g_ptr_array_sort (tasks, compare_tasks);

  return g_steal_pointer (&tasks);
}
