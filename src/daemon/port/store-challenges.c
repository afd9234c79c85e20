/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of challenges. */

#include "config.h"

#include "port/store-challenges.h"

#include "port/store-private.h"

/* What may change, in the order of both statements. */
static void
bind_standing (TrdQuery *query, int *index, const TrdChallengeRow *row)
{
  trd_query_bind_int (query, ++*index, (gint64)row->state);
  trd_query_bind_int (query, ++*index, row->failures);
  trd_query_bind_int (query, ++*index, row->generation);
  trd_query_bind_int (query, ++*index, row->opened_us);
  trd_query_bind_int (query, ++*index, row->deadline.wall_us);
  trd_query_bind_int (query, ++*index, row->deadline.boot_us);
  trd_query_bind_variant (query, ++*index, row->facts);
  trd_query_bind_variant (query, ++*index, row->answer);
}

gboolean
trd_store_insert_challenge (TrdStore *self, TrdChallengeRow *row, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;
  int index = 0;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);
  g_return_val_if_fail (row != NULL && row->space != NULL && row->facts != NULL, FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_INSERT_CHALLENGE, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, ++index, row->session_id);
  trd_query_bind_text (query, ++index, row->space);
  bind_standing (query, &index, row);
  if (!trd_store_run (self->db, query, error))
    return FALSE;

  row->id = trd_db_get_last_id (self->db);
  return TRUE;
}

gboolean
trd_store_update_challenge (TrdStore *self, const TrdChallengeRow *row, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;
  int index = 0;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);
  g_return_val_if_fail (row != NULL && row->facts != NULL, FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_UPDATE_CHALLENGE, error);
  if (query == NULL)
    return FALSE;
  bind_standing (query, &index, row);
  trd_query_bind_int (query, ++index, row->id);
  return trd_store_run_on_row (self->db, query, error);
}

gboolean
trd_store_delete_challenge (TrdStore *self, gint64 challenge_id, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_DELETE_CHALLENGE, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, challenge_id);
  return trd_store_run (self->db, query, error);
}

/* A state that a later version wrote is asked anew. */
static TrdChallengeState
read_state (gint64 number)
{
  return number >= TRD_CHALLENGE_OPEN && number <= TRD_CHALLENGE_DEFAULT
             ? (TrdChallengeState)number
             : TRD_CHALLENGE_ANSWERED;
}

static TrdChallengeRow *
read_row (TrdQuery *query, GError **error)
{
  g_autoptr (TrdChallengeRow) row = g_new0 (TrdChallengeRow, 1);

  row->id = trd_query_get_int (query, 0);
  row->session_id = trd_query_get_int (query, 1);
  row->space = trd_query_get_text (query, 2);
  row->state = read_state (trd_query_get_int (query, 3));
  row->failures = (guint)trd_query_get_int (query, 4);
  row->generation = (guint)trd_query_get_int (query, 5);
  row->opened_us = trd_query_get_int (query, 6);
  row->deadline.wall_us = trd_query_get_int (query, 7);
  row->deadline.boot_us = trd_query_get_int (query, 8);
  if (!trd_query_get_variant (query, 9, &row->facts, error)
      || !trd_query_get_variant (query, 10, &row->answer, error))
    return NULL;
  return g_steal_pointer (&row);
}

GPtrArray *
trd_store_list_challenges (TrdStore *self, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;
  g_autoptr (GPtrArray) rows = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), NULL);

  query = trd_db_query (self->db, TRD_STATEMENT_LIST_CHALLENGES, error);
  if (query == NULL)
    return NULL;

  rows = g_ptr_array_new_with_free_func ((GDestroyNotify)trd_challenge_row_free);
  while (TRUE)
    {
      TrdChallengeRow *row;
      gboolean has_row;

      if (!trd_query_step (query, &has_row, error))
        return NULL;
      if (!has_row)
        return g_steal_pointer (&rows);
      row = read_row (query, error);
      if (row == NULL)
        return NULL;
      g_ptr_array_add (rows, row);
    }
}
