/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of trusted certificates. */

#include "config.h"

#include "port/store-trust.h"

#include "port/store-private.h"

gboolean
trd_store_add_trust (TrdStore *self,
                     const TrdOwner *owner,
                     const TrdTrustRow *row,
                     GError **error)
{
  g_autoptr (TrdQuery) query = NULL;
  int index = 0;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);
  g_return_val_if_fail (owner != NULL && row != NULL, FALSE);
  g_return_val_if_fail (row->host != NULL && row->certificate != NULL, FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_INSERT_TRUST, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_text (query, ++index, owner->confinement);
  trd_query_bind_text (query, ++index, owner->app_id);
  trd_query_bind_int (query, ++index, row->session_id);
  trd_query_bind_text (query, ++index, row->host);
  trd_query_bind_int (query, ++index, row->port);
  trd_query_bind_int (query, ++index, row->is_proxy);
  trd_query_bind_bytes (query, ++index, row->certificate);
  trd_query_bind_int (query, ++index, row->created_us);
  return trd_store_run (self->db, query, error);
}

static TrdTrustRow *
read_row (TrdQuery *query)
{
  TrdTrustRow *row = g_new0 (TrdTrustRow, 1);

  row->session_id = trd_query_get_int (query, 0);
  row->host = trd_query_get_text (query, 1);
  row->port = (guint)trd_query_get_int (query, 2);
  row->is_proxy = trd_query_get_int (query, 3) != 0;
  row->certificate = trd_query_get_bytes (query, 4);
  row->created_us = trd_query_get_int (query, 5);
  return row;
}

/* The parameters that LIST_TRUST and DELETE_TRUST share. */
static void
bind_where (TrdQuery *query,
            const TrdOwner *owner,
            gint64 session_id,
            const char *host,
            guint port,
            gboolean is_proxy)
{
  trd_query_bind_text (query, 1, owner->confinement);
  trd_query_bind_text (query, 2, owner->app_id);
  trd_query_bind_int (query, 3, session_id);
  trd_query_bind_text (query, 4, host);
  trd_query_bind_int (query, 5, port);
  trd_query_bind_int (query, 6, is_proxy);
}

GPtrArray *
trd_store_list_trust (TrdStore *self,
                      const TrdOwner *owner,
                      gint64 session_id,
                      const char *host,
                      guint port,
                      gboolean is_proxy,
                      GError **error)
{
  g_autoptr (TrdQuery) query = NULL;
  g_autoptr (GPtrArray) rows = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), NULL);
  g_return_val_if_fail (owner != NULL, NULL);

  query = trd_db_query (self->db, TRD_STATEMENT_LIST_TRUST, error);
  if (query == NULL)
    return NULL;
  bind_where (query, owner, session_id, host, port, is_proxy);
  trd_query_bind_int (query, 7, TRD_STORE_TRUST_MAX);

  rows = g_ptr_array_new_with_free_func ((GDestroyNotify)trd_trust_row_free);
  while (TRUE)
    {
      gboolean has_row;

      if (!trd_query_step (query, &has_row, error))
        return NULL;
      if (!has_row)
        return g_steal_pointer (&rows);
      g_ptr_array_add (rows, read_row (query));
    }
}

gboolean
trd_store_remove_trust (TrdStore *self,
                        const TrdOwner *owner,
                        gint64 session_id,
                        const char *host,
                        guint port,
                        gboolean is_proxy,
                        guint *out_n,
                        GError **error)
{
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);
  g_return_val_if_fail (owner != NULL && host != NULL, FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_DELETE_TRUST, error);
  if (query == NULL)
    return FALSE;
  bind_where (query, owner, session_id, host, port, is_proxy);
  if (!trd_store_run (self->db, query, error))
    return FALSE;
  if (out_n != NULL)
    *out_n = trd_db_count_changes (self->db);
  return TRUE;
}

gboolean
trd_store_forget_trust (TrdStore *self, gint64 session_id, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);
  g_return_val_if_fail (session_id != 0, FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_FORGET_TRUST, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, session_id);
  return trd_store_run (self->db, query, error);
}
