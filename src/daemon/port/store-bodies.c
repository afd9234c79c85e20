/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What uploads send, across all rows. */

#include "config.h"

#include "port/store-bodies.h"

#include "port/store-private.h"
#include "value/body.h"

static gboolean
add_names (GHashTable *names, GVariant *variant, GError **error)
{
  g_autoptr (TrdBody) body = trd_body_from_variant (variant, error);

  if (body == NULL)
    return FALSE;

  for (guint i = 0; i < body->pieces->len; i++)
    {
      const TrdPiece *piece = g_ptr_array_index (body->pieces, i);

      if (piece->spool != NULL)
        g_hash_table_add (names, g_strdup (piece->spool));
    }
  return TRUE;
}

GHashTable *
trd_store_find_body_files (TrdStore *self, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), NULL);

  query = trd_db_query (self->db, TRD_STATEMENT_LIST_BODIES, error);
  if (query == NULL)
    return NULL;

  while (TRUE)
    {
      g_autoptr (GVariant) body = NULL;
      gboolean has_row;

      if (!trd_query_step (query, &has_row, error))
        return NULL;
      if (!has_row)
        return g_steal_pointer (&names);
      if (!trd_query_get_dicts (query, 0, &body, error)
          || !add_names (names, body, error))
        return NULL;
    }
}
