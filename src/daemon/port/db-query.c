/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is asked through a connection: the cache of prepared statements, values into
 * parameters and out of columns. */

#include "config.h"

#include "port/db-private.h"

#include <string.h>

TrdQuery *
trd_db_query (TrdDb *self, guint statement, GError **error)
{
  TrdQuery *query;
  int result;

  if (!trd_db_check_open (self, error) || !trd_db_check_transaction (self, error))
    return NULL;
  g_assert (statement < self->n_statements);

  query = &self->prepared[statement];
  if (query->statement != NULL)
    {
      g_assert (!sqlite3_stmt_busy (query->statement));
      return query;
    }

  query->db = self;
  result = sqlite3_prepare_v3 (self->handle,
                               self->statements[statement],
                               -1,
                               SQLITE_PREPARE_PERSISTENT,
                               &query->statement,
                               NULL);
  if (result != SQLITE_OK)
    {
      trd_db_set_error (self, result, error);
      return NULL;
    }
  return query;
}

void
trd_query_done (TrdQuery *self)
{
  sqlite3_reset (self->statement);
  sqlite3_clear_bindings (self->statement);
}

/* What is bound has passed the gate, and is far below SQLite's limits. */
static void
check_bound (int result)
{
  g_assert (result == SQLITE_OK);
}

void
trd_query_bind_int (TrdQuery *self, int index, gint64 value)
{
  check_bound (sqlite3_bind_int64 (self->statement, index, value));
}

void
trd_query_bind_double (TrdQuery *self, int index, double value)
{
  check_bound (sqlite3_bind_double (self->statement, index, value));
}

void
trd_query_bind_text (TrdQuery *self, int index, const char *value)
{
  check_bound (sqlite3_bind_text (self->statement, index, value, -1, SQLITE_STATIC));
}

void
trd_query_bind_path (TrdQuery *self, int index, const char *value)
{
  if (value != NULL)
    check_bound (sqlite3_bind_blob64 (
        self->statement, index, value, strlen (value), SQLITE_STATIC));
}

/* SQLite takes a NULL pointer for NULL, not for an empty blob. */
static void
bind_blob (
    TrdQuery *self, int index, const void *data, gsize size, sqlite3_destructor_type type)
{
  if (size == 0)
    check_bound (sqlite3_bind_zeroblob (self->statement, index, 0));
  else
    check_bound (sqlite3_bind_blob64 (self->statement, index, data, size, type));
}

void
trd_query_bind_bytes (TrdQuery *self, int index, GBytes *value)
{
  gsize size;
  const void *data;

  if (value == NULL)
    return;
  data = g_bytes_get_data (value, &size);
  bind_blob (self, index, data, size, SQLITE_STATIC);
}

static GVariant *
swap_to_little_endian (GVariant *value)
{
  return G_BYTE_ORDER == G_LITTLE_ENDIAN ? g_variant_ref (value)
                                         : g_variant_byteswap (value);
}

void
trd_query_bind_variant (TrdQuery *self, int index, GVariant *value)
{
  g_autoptr (GVariant) normal = NULL;
  g_autoptr (GVariant) stored = NULL;

  if (value == NULL)
    return;
  normal = g_variant_get_normal_form (value);
  stored = swap_to_little_endian (normal);
  bind_blob (self,
             index,
             g_variant_get_data (stored),
             g_variant_get_size (stored),
             SQLITE_TRANSIENT);
}

gboolean
trd_query_step (TrdQuery *self, gboolean *out_has_row, GError **error)
{
  int result;

  if (!trd_db_check_open (self->db, error))
    return FALSE;
  result = sqlite3_step (self->statement);
  if (result != SQLITE_ROW && result != SQLITE_DONE)
    return trd_db_set_error (self->db, result, error);
  *out_has_row = result == SQLITE_ROW;
  return TRUE;
}

gboolean
trd_query_run (TrdQuery *self, GError **error)
{
  gboolean has_row = TRUE;

  while (has_row)
    {
      if (!trd_query_step (self, &has_row, error))
        return FALSE;
    }
  return TRUE;
}

guint
trd_db_count_changes (TrdDb *self)
{
  return (guint)sqlite3_changes (self->handle);
}

gint64
trd_db_get_last_id (TrdDb *self)
{
  return sqlite3_last_insert_rowid (self->handle);
}

gint64
trd_query_get_int (TrdQuery *self, int column)
{
  return sqlite3_column_int64 (self->statement, column);
}

double
trd_query_get_double (TrdQuery *self, int column)
{
  return sqlite3_column_double (self->statement, column);
}

const char *
trd_query_peek_text (TrdQuery *self, int column)
{
  return (const char *)sqlite3_column_text (self->statement, column);
}

char *
trd_query_get_text (TrdQuery *self, int column)
{
  return g_strdup (trd_query_peek_text (self, column));
}

char *
trd_query_get_path (TrdQuery *self, int column)
{
  const char *bytes = sqlite3_column_blob (self->statement, column);

  return bytes != NULL ? g_strndup (bytes, sqlite3_column_bytes (self->statement, column))
                       : NULL;
}

GBytes *
trd_query_get_bytes (TrdQuery *self, int column)
{
  const void *data;

  if (sqlite3_column_type (self->statement, column) == SQLITE_NULL)
    return NULL;
  data = sqlite3_column_blob (self->statement, column);
  return g_bytes_new (data, sqlite3_column_bytes (self->statement, column));
}

static gboolean
get_typed (TrdQuery *self,
           int column,
           const GVariantType *type,
           GVariant **out_value,
           GError **error)
{
  g_autoptr (GBytes) bytes = trd_query_get_bytes (self, column);
  g_autoptr (GVariant) stored = NULL;

  if (bytes == NULL)
    {
      *out_value = NULL;
      return TRUE;
    }

  stored = g_variant_ref_sink (g_variant_new_from_bytes (type, bytes, FALSE));
  if (!g_variant_is_normal_form (stored))
    {
      g_set_error (error,
                   G_IO_ERROR,
                   G_IO_ERROR_INVALID_DATA,
                   "Database: no dictionary in %s",
                   sqlite3_column_name (self->statement, column));
      return FALSE;
    }
  *out_value = swap_to_little_endian (stored);
  return TRUE;
}

gboolean
trd_query_get_variant (TrdQuery *self, int column, GVariant **out_value, GError **error)
{
  return get_typed (self, column, G_VARIANT_TYPE_VARDICT, out_value, error);
}

gboolean
trd_query_get_dicts (TrdQuery *self, int column, GVariant **out_value, GError **error)
{
  return get_typed (self, column, G_VARIANT_TYPE ("aa{sv}"), out_value, error);
}
