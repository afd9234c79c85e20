/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of parts that outlive their tasks. */

#include "config.h"

#include "port/store-resumable.h"

#include <sys/random.h>

#include "common/error.h"
#include "port/store-private.h"

/* Whoever bears it may have the part: nobody may guess it. */
static char *
make_token (GError **error)
{
  guint64 random[2];

  if (getrandom (random, sizeof random, 0) == sizeof random)
    return g_strdup_printf (
        "%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x", random[0], random[1]);

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The kernel has no chance");
  return NULL;
}

/* Of a directory or file system the 64 bits are kept, whatever their sign. */
static void
bind_place (TrdQuery *query, int *index, const TrdPlace *place)
{
  trd_query_bind_path (query, ++*index, place->directory);
  trd_query_bind_int (query, ++*index, (gint64)place->device);
  trd_query_bind_int (query, ++*index, (gint64)place->inode);
  trd_query_bind_path (query, ++*index, place->part_name);
}

static gboolean
insert_row (TrdDb *db, const TrdResumable *row, const char *token, GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (db, TRD_STATEMENT_INSERT_RESUMABLE, error);
  int index = 0;

  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, ++index, row->place->task_id);
  trd_query_bind_text (query, ++index, token);
  trd_query_bind_int (query, ++index, row->taken_by);
  trd_query_bind_text (query, ++index, row->owner->confinement);
  trd_query_bind_text (query, ++index, row->owner->app_id);
  trd_query_bind_int (query, ++index, row->kept.wall_us);
  trd_query_bind_int (query, ++index, row->kept.boot_us);
  trd_query_bind_text (query, ++index, row->url);
  trd_query_bind_int (query, ++index, (gint64)row->synced);
  trd_query_bind_int (query, ++index, row->untrusted);
  bind_place (query, &index, row->place);
  trd_query_bind_variant (query, ++index, row->options);
  trd_query_bind_variant (query, ++index, row->response);
  trd_query_bind_variant (query, ++index, row->digest_state);
  trd_query_bind_int (query, ++index, row->kind);
  trd_query_bind_variant (query, ++index, row->body);
  trd_query_bind_int (query, ++index, (gint64)row->body_size);
  trd_query_bind_variant (query, ++index, row->upload);
  return trd_store_run (db, query, error);
}

gboolean
trd_store_insert_resumable (TrdStore *self, TrdResumable *row, GError **error)
{
  g_autofree char *token = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);
  g_return_val_if_fail (row != NULL && row->owner != NULL && row->url != NULL, FALSE);
  g_return_val_if_fail (row->options != NULL && row->response != NULL, FALSE);

  token = make_token (error);
  if (token == NULL || !insert_row (self->db, row, token, error))
    return FALSE;

  g_free (row->token);
  row->token = g_steal_pointer (&token);
  return TRUE;
}

gboolean
trd_store_update_resumable (TrdStore *self, const TrdResumable *row, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);
  g_return_val_if_fail (row != NULL && row->response != NULL, FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_UPDATE_RESUMABLE, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, row->taken_by);
  trd_query_bind_int (query, 2, row->kept.boot_us);
  trd_query_bind_int (query, 3, (gint64)row->synced);
  trd_query_bind_int (query, 4, row->untrusted);
  trd_query_bind_variant (query, 5, row->response);
  trd_query_bind_variant (query, 6, row->digest_state);
  trd_query_bind_int (query, 7, row->place->task_id);
  return trd_store_run_on_row (self->db, query, error);
}

gboolean
trd_store_delete_resumable (TrdStore *self, gint64 task_id, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_DELETE_RESUMABLE, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, task_id);
  return trd_store_run (self->db, query, error);
}

static TrdResumable *
read_row (TrdQuery *query, GError **error)
{
  g_autoptr (TrdResumable) row = trd_resumable_new (trd_query_get_int (query, 0));
  row->token = trd_query_get_text (query, 1);
  row->taken_by = trd_query_get_int (query, 2);
  row->owner = trd_owner_new (trd_query_peek_text (query, 3),
                              trd_query_peek_text (query, 4));
  row->kept.wall_us = trd_query_get_int (query, 5);
  row->kept.boot_us = trd_query_get_int (query, 6);
  row->url = trd_query_get_text (query, 7);
  row->synced = (guint64)trd_query_get_int (query, 8);
  row->untrusted = trd_query_get_int (query, 9) != 0;
  row->place->directory = trd_query_get_path (query, 10);
  row->place->device = (guint64)trd_query_get_int (query, 11);
  row->place->inode = (guint64)trd_query_get_int (query, 12);
  row->place->part_name = trd_query_get_path (query, 13);
  if (!trd_query_get_variant (query, 14, &row->options, error)
      || !trd_query_get_variant (query, 15, &row->response, error)
      || !trd_query_get_variant (query, 16, &row->digest_state, error)
      || !trd_query_get_dicts (query, 18, &row->body, error)
      || !trd_query_get_variant (query, 20, &row->upload, error))
    return NULL;
  row->kind = (TrundleKind)trd_query_get_int (query, 17);
  row->body_size = (guint64)trd_query_get_int (query, 19);
  return g_steal_pointer (&row);
}

static TrdResumable *
read_only_row (TrdQuery *query, GError **error)
{
  gboolean has_row;

  if (!trd_query_step (query, &has_row, error))
    return NULL;
  if (has_row)
    return read_row (query, error);

  g_set_error_literal (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND, "No such part");
  return NULL;
}

TrdResumable *
trd_store_load_resumable (TrdStore *self, gint64 task_id, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), NULL);

  query = trd_db_query (self->db, TRD_STATEMENT_LOAD_RESUMABLE, error);
  if (query == NULL)
    return NULL;
  trd_query_bind_int (query, 1, task_id);
  return read_only_row (query, error);
}

TrdResumable *
trd_store_find_resumable (TrdStore *self, const char *token, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), NULL);
  g_return_val_if_fail (token != NULL, NULL);

  query = trd_db_query (self->db, TRD_STATEMENT_FIND_RESUMABLE, error);
  if (query == NULL)
    return NULL;
  trd_query_bind_text (query, 1, token);
  return read_only_row (query, error);
}

/* What cannot be read is taken to be there: in doubt no part is deleted. */
gboolean
trd_store_has_resumable (TrdStore *self, gint64 task_id)
{
  g_autoptr (TrdQuery) query = NULL;
  gboolean has_row = TRUE;

  g_return_val_if_fail (TRD_IS_STORE (self), TRUE);

  query = trd_db_query (self->db, TRD_STATEMENT_HAS_RESUMABLE, NULL);
  if (query == NULL)
    return TRUE;
  trd_query_bind_int (query, 1, task_id);
  return !trd_query_step (query, &has_row, NULL) || has_row;
}

GPtrArray *
trd_store_list_resumable (TrdStore *self, gboolean only_taken, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;
  g_autoptr (GPtrArray) rows = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), NULL);

  query = trd_db_query (self->db, TRD_STATEMENT_LIST_RESUMABLE, error);
  if (query == NULL)
    return NULL;
  trd_query_bind_int (query, 1, !only_taken);

  rows = g_ptr_array_new_with_free_func ((GDestroyNotify)trd_resumable_free);
  while (TRUE)
    {
      TrdResumable *row;
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
