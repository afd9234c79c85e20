/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* Thin glue over SQLite: one connection, used from the thread that opened it.  A NULL
 * connection is a closed one: G_IO_ERROR_CLOSED.  Other errors: NO_SPACE for a full disk,
 * INVALID_DATA for what is no sound database, BUSY, NOT_SUPPORTED for a newer schema,
 * errno's for what cannot be opened, else FAILED. */
typedef struct _TrdDb TrdDb;

/* Opens or makes @path (mode 0600; or ":memory:") and brings it to the last step of
 * @script (see schema.sql), all steps in one transaction.  A newer one is left as it is.
 * @statements: SQL by number for trd_db_query(), each prepared when first asked for. */
TrdDb *
trd_db_open (const char *path,
             const char *script,
             const char *const *statements,
             guint n_statements,
             GError **error);
/* For a look: no migration, nothing written to the database. */
TrdDb *
trd_db_open_read_only (const char *path,
                       const char *const *statements,
                       guint n_statements,
                       GError **error);
void
trd_db_free (TrdDb *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdDb, trd_db_free)

/* Called once, from within the call that finds the database damaged: from then on every
 * verb fails with INVALID_DATA, and nothing is written, not even in closing. */
typedef void (*TrdDbDamageFunc) (gpointer user_data);
void
trd_db_set_damage_func (TrdDb *self, TrdDbDamageFunc func, gpointer user_data);

/* How many steps a script has: the newest version it knows. */
guint
trd_db_count_steps (const char *script);
gboolean
trd_db_read_version (TrdDb *self, guint *out_version, GError **error);

/* Constant SQL without parameters and results. */
gboolean
trd_db_exec (TrdDb *self, const char *sql, GError **error);

/* Copies what is committed from the log to the main file, as far as no reader hinders. */
gboolean
trd_db_checkpoint (TrdDb *self, GError **error);

gboolean
trd_db_begin (TrdDb *self, GError **error);
/* A commit that fails has rolled back. */
gboolean
trd_db_commit (TrdDb *self, GError **error);
/* Nothing to roll back is fine. */
void
trd_db_rollback (TrdDb *self);
void
trd_db_fail_next_commit (TrdDb *self);

/* A transaction for the length of a C scope, unless one is open already: then that one is
 * used and left alone.  What is not left by trd_db_scope_leave() is rolled back. */
typedef struct
{
  TrdDb *db; /* (unowned) (nullable): only while the transaction is this scope's own */
} TrdDbScope;

gboolean
trd_db_scope_enter (TrdDbScope *scope, TrdDb *db, GError **error);
gboolean
trd_db_scope_leave (TrdDbScope *scope, GError **error);
void
trd_db_scope_clear (TrdDbScope *scope);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TrdDbScope, trd_db_scope_clear)

/* A prepared statement, borrowed from the cache until trd_query_done(). */
typedef struct _TrdQuery TrdQuery;

TrdQuery *
trd_db_query (TrdDb *self, guint statement, GError **error);
void
trd_query_done (TrdQuery *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdQuery, trd_query_done)

/* Parameters are numbered from 1.  Strings are borrowed until trd_query_done(). */
void
trd_query_bind_int (TrdQuery *self, int index, gint64 value);
void
trd_query_bind_double (TrdQuery *self, int index, double value);
void
trd_query_bind_text (TrdQuery *self, int index, const char *value);
void
trd_query_bind_path (TrdQuery *self, int index, const char *value);
void
trd_query_bind_bytes (TrdQuery *self, int index, GBytes *value);
void
trd_query_bind_variant (TrdQuery *self, int index, GVariant *value);

/* The next row, or none. */
gboolean
trd_query_step (TrdQuery *self, gboolean *out_has_row, GError **error);
/* For what gives no rows, or whose rows nobody wants. */
gboolean
trd_query_run (TrdQuery *self, GError **error);
/* Rows the last statement run has changed. */
guint
trd_db_count_changes (TrdDb *self);
/* The id of the last row inserted. */
gint64
trd_db_get_last_id (TrdDb *self);

/* Columns are numbered from 0. */
gint64
trd_query_get_int (TrdQuery *self, int column);
double
trd_query_get_double (TrdQuery *self, int column);
/* Valid until the next step. */
const char *
trd_query_peek_text (TrdQuery *self, int column);
/* (transfer full) (nullable) */
char *
trd_query_get_text (TrdQuery *self, int column);
char *
trd_query_get_path (TrdQuery *self, int column);
GBytes *
trd_query_get_bytes (TrdQuery *self, int column);
/* An a{sv}; NULL for NULL.  FALSE with G_IO_ERROR_INVALID_DATA for anything else. */
gboolean
trd_query_get_variant (TrdQuery *self, int column, GVariant **out_value, GError **error);
/* The same of an aa{sv}. */
gboolean
trd_query_get_dicts (TrdQuery *self, int column, GVariant **out_value, GError **error);
