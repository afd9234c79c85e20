/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The repository: opening and closing, transactions, and the table of sessions; tasks and
 * events have files of their own.  Ids come from AUTOINCREMENT and the counters of a
 * session from its row, so that no number is ever used twice. */

#include "config.h"

#include "port/store.h"

#include "common/defaults.h"
#include "common/error.h"
#include "port/store-private.h"
#include "port/store-trust.h"
#include "trd-schema.h"

#define SCHEMA "/org/freedesktop/BackgroundTransfer1/schema.sql"

enum
{
  DAMAGED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (TrdStore, trd_store, G_TYPE_OBJECT)

GBytes *
trd_store_load_script (GError **error)
{
  /* By name, so that the linker keeps it.  Data of a resource is followed by a NUL. */
  return g_resource_lookup_data (
      trd_schema_get_resource (), SCHEMA, G_RESOURCE_LOOKUP_FLAGS_NONE, error);
}

static gboolean
tell_damage (gpointer user_data)
{
  TrdStore *self = user_data;

  g_clear_pointer (&self->damage, g_source_unref);
  g_signal_emit (self, signals[DAMAGED], 0);
  return G_SOURCE_REMOVE;
}

/* Deep within some call: told when that has failed. */
static void
on_damage (gpointer user_data)
{
  TrdStore *self = user_data;

  g_warning ("The database is damaged: nothing more is written to it");
  self->damage = g_idle_source_new ();
  g_source_set_priority (self->damage, G_PRIORITY_HIGH);
  g_source_set_callback (self->damage, tell_damage, self, NULL);
  g_source_set_static_name (self->damage, "damage");
  g_source_attach (self->damage, g_main_context_get_thread_default ());
}

TrdStore *
trd_store_new (const char *path, GError **error)
{
  g_autoptr (GBytes) script = NULL;
  g_autoptr (TrdStore) self = NULL;
  TrdDb *db;

  g_return_val_if_fail (path != NULL, NULL);

  script = trd_store_load_script (error);
  if (script == NULL || !trd_store_check (path, FALSE, error))
    return NULL;
  db = trd_db_open (path,
                    g_bytes_get_data (script, NULL),
                    trd_store_statements,
                    TRD_N_STATEMENTS,
                    error);
  if (db == NULL)
    return NULL;

  self = g_object_new (TRD_TYPE_STORE, NULL);
  self->db = db;
  self->history_max = TRD_HISTORY_TASKS;
  trd_db_set_damage_func (db, on_damage, self);
  return g_steal_pointer (&self);
}

void
trd_store_close (TrdStore *self)
{
  g_return_if_fail (TRD_IS_STORE (self));

  if (self->damage != NULL)
    g_source_destroy (self->damage);
  g_clear_pointer (&self->damage, g_source_unref);
  g_clear_pointer (&self->db, trd_db_free);
}

gboolean
trd_store_flush (TrdStore *self, GError **error)
{
  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);

  return trd_db_checkpoint (self->db, error);
}

/* Transactions */

gboolean
trd_store_begin (TrdStore *self, GError **error)
{
  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);

  return trd_db_begin (self->db, error);
}

gboolean
trd_store_commit (TrdStore *self, GError **error)
{
  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);

  return trd_db_commit (self->db, error);
}

void
trd_store_rollback (TrdStore *self)
{
  g_return_if_fail (TRD_IS_STORE (self));

  trd_db_rollback (self->db);
}

void
trd_store_fail_next_commit (TrdStore *self)
{
  g_return_if_fail (TRD_IS_STORE (self));

  trd_db_fail_next_commit (self->db);
}

gboolean
trd_store_run (TrdDb *db, TrdQuery *query, GError **error)
{
  g_auto (TrdDbScope) scope = { NULL };

  return trd_db_scope_enter (&scope, db, error) && trd_query_run (query, error)
         && trd_db_scope_leave (&scope, error);
}

gboolean
trd_store_run_on_row (TrdDb *db, TrdQuery *query, GError **error)
{
  g_auto (TrdDbScope) scope = { NULL };

  if (!trd_db_scope_enter (&scope, db, error) || !trd_query_run (query, error))
    return FALSE;
  if (trd_db_count_changes (db) == 0)
    {
      g_set_error_literal (
          error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND, "No such row to change");
      return FALSE;
    }
  return trd_db_scope_leave (&scope, error);
}

/* In two statements: UPDATE … RETURNING makes a temporary table each time, which cost
 * more than all the rest of an insert (SQLite 3.40.1). */
gboolean
trd_store_count_up (TrdDb *db,
                    TrdStatement next,
                    TrdStatement set,
                    gint64 session_id,
                    guint64 *out_value,
                    GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (db, next, error);
  gint64 value;
  gboolean has_row;

  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, session_id);
  if (!trd_query_step (query, &has_row, error))
    return FALSE;
  if (!has_row)
    {
      g_set_error_literal (
          error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND, "No such session");
      return FALSE;
    }

  value = trd_query_get_int (query, 0);
  g_clear_pointer (&query, trd_query_done);
  query = trd_db_query (db, set, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, session_id);
  trd_query_bind_int (query, 2, value);
  if (!trd_query_run (query, error))
    return FALSE;

  *out_value = (guint64)value;
  return TRUE;
}

/* Sessions */

/* A column of its own, so that a look for work needs not read configurations. */
static gboolean
find_launches (GVariant *configuration)
{
  gboolean launches = TRUE;

  g_variant_lookup (configuration, "sends-launch-events", "b", &launches);
  return launches;
}

static void
bind_session (TrdQuery *query, const TrdSessionRow *row)
{
  trd_query_bind_text (query, 1, row->identifier);
  trd_query_bind_int (query, 2, row->state);
  trd_query_bind_variant (query, 3, row->configuration);
  trd_query_bind_int (query, 4, find_launches (row->configuration));
  trd_query_bind_text (query, 5, row->secrets_id);
}

gboolean
trd_store_insert_session (TrdStore *self, TrdSessionRow *row, GError **error)
{
  g_auto (TrdDbScope) scope = { NULL };
  g_autoptr (TrdQuery) query = NULL;
  gint64 id;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);
  g_return_val_if_fail (row != NULL && row->owner != NULL, FALSE);
  g_return_val_if_fail (row->configuration != NULL, FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_INSERT_SESSION, error);
  if (query == NULL || !trd_db_scope_enter (&scope, self->db, error))
    return FALSE;
  bind_session (query, row);
  trd_query_bind_text (query, 6, row->owner->confinement);
  trd_query_bind_text (query, 7, row->owner->app_id);
  trd_query_bind_int (query, 8, row->created_us);
  trd_query_bind_int (query, 9, (gint64)row->last_sequence);
  if (!trd_query_run (query, error))
    return FALSE;
  id = trd_db_get_last_id (self->db);
  if (!trd_db_scope_leave (&scope, error))
    return FALSE;

  row->id = id;
  return TRUE;
}

gboolean
trd_store_update_session (TrdStore *self, const TrdSessionRow *row, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);
  g_return_val_if_fail (row != NULL && row->configuration != NULL, FALSE);

  query = trd_db_query (self->db, TRD_STATEMENT_UPDATE_SESSION, error);
  if (query == NULL)
    return FALSE;
  bind_session (query, row);
  trd_query_bind_int (query, 6, row->id);
  return trd_store_run_on_row (self->db, query, error);
}

gboolean
trd_store_delete_session (TrdStore *self,
                          gint64 session_id,
                          gint64 now_us,
                          GError **error)
{
  g_auto (TrdDbScope) scope = { NULL };
  g_autoptr (TrdQuery) query = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), FALSE);

  if (!trd_db_scope_enter (&scope, self->db, error)
      || !trd_store_note_session (self, session_id, now_us, error))
    return FALSE;
  query = trd_db_query (self->db, TRD_STATEMENT_DELETE_SESSION, error);
  if (query == NULL)
    return FALSE;
  trd_query_bind_int (query, 1, session_id);
  return trd_query_run (query, error) && trd_store_forget_trust (self, session_id, error)
         && trd_db_scope_leave (&scope, error);
}

static TrdSessionRow *
read_session (TrdQuery *query, GError **error)
{
  g_autoptr (TrdSessionRow) row = g_new0 (TrdSessionRow, 1);

  row->id = trd_query_get_int (query, 0);
  row->owner = trd_owner_new (trd_query_peek_text (query, 1),
                              trd_query_peek_text (query, 2));
  row->identifier = trd_query_get_text (query, 3);
  row->state = (TrundleSessionState)trd_query_get_int (query, 4);
  if (!trd_query_get_variant (query, 5, &row->configuration, error))
    return NULL;
  row->last_sequence = (guint64)trd_query_get_int (query, 6);
  row->created_us = trd_query_get_int (query, 7);
  row->secrets_id = trd_query_get_text (query, 8);
  return g_steal_pointer (&row);
}

GPtrArray *
trd_store_load_sessions (TrdStore *self, GError **error)
{
  g_autoptr (TrdQuery) query = NULL;
  g_autoptr (GPtrArray) rows = NULL;

  g_return_val_if_fail (TRD_IS_STORE (self), NULL);

  query = trd_db_query (self->db, TRD_STATEMENT_LOAD_SESSIONS, error);
  if (query == NULL)
    return NULL;

  rows = g_ptr_array_new_with_free_func ((GDestroyNotify)trd_session_row_free);
  while (TRUE)
    {
      TrdSessionRow *row;
      gboolean has_row;

      if (!trd_query_step (query, &has_row, error))
        return NULL;
      if (!has_row)
        return g_steal_pointer (&rows);
      row = read_session (query, error);
      if (row == NULL)
        return NULL;
      g_ptr_array_add (rows, row);
    }
}

/* A look from outside: `trundled --has-work`, perhaps beside a daemon or after a crash.
 * SQLite may leave an empty log and its index beside the database, which the next
 * connection takes over. */
static gboolean
read_has_work (TrdDb *db, gboolean *out_has_work, GError **error)
{
  g_autoptr (TrdQuery) query = trd_db_query (db, TRD_STATEMENT_HAS_WORK, error);
  gboolean has_row;

  if (query == NULL || !trd_query_step (query, &has_row, error))
    return FALSE;
  *out_has_work = trd_query_get_int (query, 0) != 0;
  return TRUE;
}

gboolean
trd_store_peek_has_work (const char *path)
{
  g_autoptr (TrdDb) db = NULL;
  g_autoptr (GError) local_error = NULL;
  gboolean has_work = FALSE;

  g_return_val_if_fail (path != NULL, FALSE);

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return FALSE;
  db = trd_db_open_read_only (path, trd_store_statements, TRD_N_STATEMENTS, &local_error);
  if (db == NULL || !read_has_work (db, &has_work, &local_error))
    g_message ("Cannot look for work: %s", local_error->message);
  return has_work;
}

static void
trd_store_dispose (GObject *object)
{
  trd_store_close (TRD_STORE (object));

  G_OBJECT_CLASS (trd_store_parent_class)->dispose (object);
}

static void
trd_store_init (TrdStore *self)
{
}

static void
trd_store_class_init (TrdStoreClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = trd_store_dispose;

  signals[DAMAGED] = g_signal_new (
      "damaged", TRD_TYPE_STORE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}
