/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of what servers speak. */

#include "config.h"

#include "port/store-dialects.h"

#include "port/store-private.h"

/* One of the future was learned by a clock that was wrong: nobody knows how old it is. */
static gboolean
is_believed (gint64 age_us)
{
  return age_us >= 0 && age_us < TRD_STORE_DIALECT_KEPT_US;
}

gboolean
trd_store_find_dialect (TrdStore *self,
                        gint64 session_id,
                        const char *origin,
                        gint64 now_us,
                        char **out_word,
                        gint64 *out_age_us,
                        GError **error)
{
  g_autoptr (TrdQuery) query = NULL;
  gboolean has_row;
  gint64 age_us;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);
  g_return_val_if_fail (origin != NULL, FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_FIND_DIALECT, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, session_id);
  trd_query_bind_text (query, 2, origin);
  if (!trd_query_step (query, &has_row, error))
    return FALSE;

  *out_word = NULL;
  if (!has_row)
    return TRUE;
  age_us = now_us - trd_query_get_int (query, 1);
  if (!is_believed (age_us))
    return TRUE;

  *out_word = trd_query_get_text (query, 0);
  *out_age_us = age_us;
  return TRUE;
}

/* What is too old, and what is too much. */
static gboolean
prune (TrdStore *self, gint64 session_id, gint64 now_us, GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (
      self->db, TRD_STATEMENT_PRUNE_DIALECTS, error);

  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, session_id);
  trd_query_bind_int (query, 2, now_us - TRD_STORE_DIALECT_KEPT_US);
  trd_query_bind_int (query, 3, TRD_STORE_DIALECTS_MAX);
  return trd_query_run (query, error);
}

static gboolean
put (TrdStore *self,
     gint64 session_id,
     const char *origin,
     const char *word,
     gint64 now_us,
     GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (self->db, TRD_STATEMENT_PUT_DIALECT, error);

  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, session_id);
  trd_query_bind_text (query, 2, origin);
  trd_query_bind_text (query, 3, word);
  trd_query_bind_int (query, 4, now_us);
  return trd_query_run (query, error);
}

gboolean
trd_store_put_dialect (TrdStore *self,
                       gint64 session_id,
                       const char *origin,
                       const char *word,
                       gint64 now_us,
                       GError **error)
{
  g_auto (TrdDbScope) scope = { NULL };

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);
  g_return_val_if_fail (origin != NULL && word != NULL, FALSE);

  return trd_db_scope_enter (&scope, self->db, error)
         && put (self, session_id, origin, word, now_us, error)
         && prune (self, session_id, now_us, error) && trd_db_scope_leave (&scope, error);
}

gboolean
trd_store_forget_dialects (TrdStore *self, gint64 session_id, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_FORGET_DIALECTS, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, session_id);
  return trd_store_run (self->db, query, error);
}
