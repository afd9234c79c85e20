/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The connection to SQLite: opening, migrating, transactions, checkpoints.  What is asked
 * through it is in port/db-query.c.  Knows no table.
 *
 * WAL with synchronous=FULL: a commit that returned survives a power cut (law 1).  The
 * log is copied into the main file in idle time and not, as by default, by the commit
 * that happens to cross the limit. */

#include "config.h"

#include "port/db-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Pages in the log that are worth a checkpoint: 1 MiB. */
#define CHECKPOINT_PAGES 256

#define BUSY_TIMEOUT_MS 2000

#define STEP_LINE "\n-- step "

static int
find_error_code (sqlite3 *handle, int result)
{
  int error_number = handle != NULL ? sqlite3_system_errno (handle) : 0;

  switch (result & 0xff)
    {
    case SQLITE_FULL:
      return G_IO_ERROR_NO_SPACE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return G_IO_ERROR_INVALID_DATA;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return G_IO_ERROR_BUSY;
    case SQLITE_READONLY:
      return G_IO_ERROR_READ_ONLY;
    case SQLITE_IOERR:
      if (error_number == ENOSPC || error_number == EDQUOT)
        return G_IO_ERROR_NO_SPACE;
      return G_IO_ERROR_FAILED;
    case SQLITE_CANTOPEN:
      return error_number != 0 ? (int)g_io_error_from_errno (error_number)
                               : (int)G_IO_ERROR_FAILED;
    default:
      return G_IO_ERROR_FAILED;
    }
}

/* A damaged database may hold anything: what would be written next might destroy what can
 * still be saved of it. */
static void
note_damage (TrdDb *self)
{
  if (self->damaged)
    return;

  self->damaged = TRUE;
  sqlite3_db_config (self->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  if (self->damage_func != NULL)
    self->damage_func (self->damage_data);
}

gboolean
trd_db_set_error (TrdDb *self, int result, GError **error)
{
  sqlite3 *handle = self->handle;

  g_set_error (error,
               G_IO_ERROR,
               find_error_code (handle, result),
               "Database: %s",
               handle != NULL ? sqlite3_errmsg (handle) : sqlite3_errstr (result));
  if ((result & 0xff) == SQLITE_CORRUPT || (result & 0xff) == SQLITE_NOTADB)
    note_damage (self);
  return FALSE;
}

gboolean
trd_db_check_open (TrdDb *self, GError **error)
{
  if (self == NULL)
    {
      g_set_error_literal (
          error, G_IO_ERROR, G_IO_ERROR_CLOSED, "The database is closed");
      return FALSE;
    }

  g_assert (self->thread == g_thread_self ());
  if (!self->damaged)
    return TRUE;
  g_set_error_literal (
      error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "The database is damaged");
  return FALSE;
}

void
trd_db_set_damage_func (TrdDb *self, TrdDbDamageFunc func, gpointer user_data)
{
  self->damage_func = func;
  self->damage_data = user_data;
}

/* Checkpoints */

static gboolean
on_idle_checkpoint (gpointer user_data)
{
  TrdDb *self = user_data;
  g_autoptr (GError) local_error = NULL;

  g_clear_pointer (&self->checkpoint, g_source_unref);
  if (!self->in_transaction && !self->damaged && !trd_db_checkpoint (self, &local_error))
    g_warning ("Checkpoint failed: %s", local_error->message);
  return G_SOURCE_REMOVE;
}

static int
on_log_grown (void *user_data, sqlite3 *handle, const char *name, int pages)
{
  TrdDb *self = user_data;

  if (pages < CHECKPOINT_PAGES || self->checkpoint != NULL)
    return SQLITE_OK;

  self->checkpoint = g_idle_source_new ();
  g_source_set_priority (self->checkpoint, G_PRIORITY_LOW);
  g_source_set_callback (self->checkpoint, on_idle_checkpoint, self, NULL);
  g_source_set_static_name (self->checkpoint, "checkpoint");
  g_source_attach (self->checkpoint, g_main_context_get_thread_default ());
  return SQLITE_OK;
}

gboolean
trd_db_checkpoint (TrdDb *self, GError **error)
{
  int result;

  if (!trd_db_check_open (self, error))
    return FALSE;

  result = sqlite3_wal_checkpoint_v2 (
      self->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
  /* Busy: a reader holds on to older pages.  Those stay in the log, which is synced. */
  if (result != SQLITE_OK && result != SQLITE_BUSY)
    return trd_db_set_error (self, result, error);
  return TRUE;
}

/* Opening */

guint
trd_db_count_steps (const char *script)
{
  guint n = 0;

  while ((script = strstr (script, STEP_LINE)) != NULL)
    {
      script += strlen (STEP_LINE);
      n++;
    }
  return n;
}

static TrdDb *
open_handle (const char *path,
             int flags,
             const char *const *statements,
             guint n_statements,
             GError **error)
{
  g_autoptr (TrdDb) self = g_new0 (TrdDb, 1);
  int result;

  self->statements = statements;
  self->n_statements = n_statements;
  self->prepared = g_new0 (TrdQuery, n_statements);
  self->thread = g_thread_self ();
  result = sqlite3_open_v2 (path, &self->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
  if (result != SQLITE_OK)
    {
      trd_db_set_error (self, result, error);
      return NULL;
    }

  sqlite3_extended_result_codes (self->handle, TRUE);
  sqlite3_busy_timeout (self->handle, BUSY_TIMEOUT_MS);
  sqlite3_db_config (self->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config (self->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  return g_steal_pointer (&self);
}

gboolean
trd_db_exec (TrdDb *self, const char *sql, GError **error)
{
  int result;

  if (!trd_db_check_open (self, error))
    return FALSE;

  result = sqlite3_exec (self->handle, sql, NULL, NULL, NULL);
  if (result != SQLITE_OK)
    return trd_db_set_error (self, result, error);
  return TRUE;
}

gboolean
trd_db_read_version (TrdDb *self, guint *out_version, GError **error)
{
  sqlite3_stmt *statement = NULL;
  int result;
  guint version = 0;

  result = sqlite3_prepare_v2 (self->handle, "PRAGMA user_version", -1, &statement, NULL);
  if (result != SQLITE_OK)
    return trd_db_set_error (self, result, error);

  result = sqlite3_step (statement);
  if (result == SQLITE_ROW)
    version = (guint)sqlite3_column_int (statement, 0);
  sqlite3_finalize (statement);
  if (result != SQLITE_ROW)
    return trd_db_set_error (self, result, error);

  *out_version = version;
  return TRUE;
}

TrdDb *
trd_db_open_read_only (const char *path,
                       const char *const *statements,
                       guint n_statements,
                       GError **error)
{
  g_autofree char *journal = g_strconcat (path, "-journal", NULL);

  /* Who was killed before there was a log, at the very first start, has left a journal,
   * which must be rolled back before anything can be read. */
  return open_handle (path,
                      g_file_test (journal, G_FILE_TEST_EXISTS) ? SQLITE_OPEN_READWRITE
                                                                : SQLITE_OPEN_READONLY,
                      statements,
                      n_statements,
                      error);
}

/* Done through a connection that cannot write, since the pragmas of the real one would
 * change the header of a database that is not ours to change. */
static gboolean
check_version (const char *path, guint newest, GError **error)
{
  g_autoptr (TrdDb) db = NULL;
  guint version;
  GStatBuf facts;

  if (g_stat (path, &facts) != 0 || facts.st_size == 0)
    return TRUE;

  db = trd_db_open_read_only (path, NULL, 0, error);
  if (db == NULL || !trd_db_read_version (db, &version, error))
    return FALSE;
  if (version <= newest)
    return TRUE;

  g_set_error (error,
               G_IO_ERROR,
               G_IO_ERROR_NOT_SUPPORTED,
               "The database has version %u, this program knows versions up to %u",
               version,
               newest);
  return FALSE;
}

/* SQLite would make it 0644 less the umask; the log takes over the mode of the file.  An
 * existing file is not opened here: closing it would drop SQLite's own locks on it. */
static gboolean
make_private (const char *path, GError **error)
{
  int fd = open (path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  int error_number = errno;

  if (fd >= 0)
    {
      close (fd);
      return TRUE;
    }
  if (error_number == EEXIST && chmod (path, 0600) == 0)
    return TRUE;

  g_set_error (error,
               G_IO_ERROR,
               g_io_error_from_errno (error_number),
               "Database %s: %s",
               path,
               g_strerror (error_number));
  return FALSE;
}

/* Splits the script at its "-- step" lines; what precedes the first is no step. */
static char **
split_steps (const char *script)
{
  char **steps = g_strsplit (script, STEP_LINE, -1);

  for (guint i = 1; steps[i] != NULL; i++)
    {
      char *line_end = strchrnul (steps[i], '\n');

      memset (steps[i], ' ', line_end - steps[i]);
    }
  return steps;
}

static gboolean
apply_steps (TrdDb *self, char **steps, guint version, GError **error)
{
  g_auto (TrdDbScope) scope = { NULL };
  char pragma[sizeof "PRAGMA user_version = 4294967295"];

  if (!trd_db_scope_enter (&scope, self, error))
    return FALSE;

  for (; steps[version] != NULL; version++)
    {
      if (!trd_db_exec (self, steps[version], error))
        {
          g_prefix_error (error, "Step %u: ", version);
          return FALSE;
        }
    }
  g_snprintf (pragma, sizeof pragma, "PRAGMA user_version = %u", version - 1);
  return trd_db_exec (self, pragma, error) && trd_db_scope_leave (&scope, error);
}

static gboolean
migrate (TrdDb *self, char **steps, GError **error)
{
  guint version;

  if (!trd_db_read_version (self, &version, error))
    return FALSE;
  if (steps[version + 1] != NULL && !apply_steps (self, steps, version + 1, error))
    return FALSE;

  /* Only now: a step may rebuild a table that others refer to. */
  return trd_db_exec (self, "PRAGMA foreign_keys = ON", error);
}

TrdDb *
trd_db_open (const char *path,
             const char *script,
             const char *const *statements,
             guint n_statements,
             GError **error)
{
  g_autoptr (TrdDb) self = NULL;
  g_auto (GStrv) steps = split_steps (script);
  gboolean in_memory = g_str_equal (path, ":memory:");

  if (!in_memory && !check_version (path, trd_db_count_steps (script), error))
    return NULL;
  if (!in_memory && !make_private (path, error))
    return NULL;

  self = open_handle (path, SQLITE_OPEN_READWRITE, statements, n_statements, error);
  if (self == NULL)
    return NULL;
  if (!trd_db_exec (self,
                    "PRAGMA secure_delete = ON;"
                    "PRAGMA cell_size_check = ON;"
                    "PRAGMA journal_mode = WAL;"
                    "PRAGMA synchronous = FULL;"
                    "PRAGMA cache_size = -512;"
                    "PRAGMA journal_size_limit = 4194304;",
                    error))
    return NULL;
  /* Takes the place of the hook by which SQLite itself would checkpoint. */
  sqlite3_wal_hook (self->handle, on_log_grown, self);

  if (!migrate (self, steps, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
trd_db_free (TrdDb *self)
{
  trd_db_rollback (self);
  if (self->checkpoint != NULL)
    g_source_destroy (self->checkpoint);
  g_clear_pointer (&self->checkpoint, g_source_unref);

  for (guint i = 0; i < self->n_statements; i++)
    sqlite3_finalize (self->prepared[i].statement);
  g_free (self->prepared);
  /* The last connection to close copies the whole log into the file and deletes it. */
  if (sqlite3_close (self->handle) != SQLITE_OK)
    g_critical ("Database closed while in use");
  g_free (self);
}

/* Transactions */

gboolean
trd_db_begin (TrdDb *self, GError **error)
{
  if (!trd_db_check_open (self, error))
    return FALSE;
  g_assert (!self->in_transaction);

  if (!trd_db_exec (self, "BEGIN IMMEDIATE", error))
    return FALSE;
  self->in_transaction = TRUE;
  return TRUE;
}

gboolean
trd_db_check_transaction (TrdDb *self, GError **error)
{
  if (!self->in_transaction || !sqlite3_get_autocommit (self->handle))
    return TRUE;

  g_set_error_literal (
      error, G_IO_ERROR, G_IO_ERROR_FAILED, "The transaction has failed already");
  return FALSE;
}

static gboolean
run_commit (TrdDb *self, GError **error)
{
  if (self->fail_next_commit)
    {
      self->fail_next_commit = FALSE;
      g_set_error_literal (
          error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "Database: the disk is full");
      return FALSE;
    }
  return trd_db_check_transaction (self, error) && trd_db_exec (self, "COMMIT", error);
}

gboolean
trd_db_commit (TrdDb *self, GError **error)
{
  if (!trd_db_check_open (self, error))
    return FALSE;
  g_assert (self->in_transaction);

  if (!run_commit (self, error))
    {
      trd_db_rollback (self);
      return FALSE;
    }
  self->in_transaction = FALSE;
  return TRUE;
}

void
trd_db_rollback (TrdDb *self)
{
  g_autoptr (GError) local_error = NULL;

  if (self == NULL || !self->in_transaction)
    return;

  self->in_transaction = FALSE;
  if (self->damaged)
    sqlite3_exec (self->handle, "ROLLBACK", NULL, NULL, NULL);
  else if (!sqlite3_get_autocommit (self->handle)
           && !trd_db_exec (self, "ROLLBACK", &local_error))
    g_warning ("Rollback failed: %s", local_error->message);
}

void
trd_db_fail_next_commit (TrdDb *self)
{
  self->fail_next_commit = TRUE;
}

gboolean
trd_db_scope_enter (TrdDbScope *scope, TrdDb *db, GError **error)
{
  if (!trd_db_check_open (db, error) || !trd_db_check_transaction (db, error))
    return FALSE;
  if (db->in_transaction)
    return TRUE;
  if (!trd_db_begin (db, error))
    return FALSE;
  scope->db = db;
  return TRUE;
}

gboolean
trd_db_scope_leave (TrdDbScope *scope, GError **error)
{
  TrdDb *db = g_steal_pointer (&scope->db);

  return db == NULL || trd_db_commit (db, error);
}

void
trd_db_scope_clear (TrdDbScope *scope)
{
  trd_db_rollback (g_steal_pointer (&scope->db));
}
