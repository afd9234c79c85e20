/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <sqlite3.h>

#include "port/db.h"

/* What db.c and db-query.c share. */

struct _TrdQuery
{
  TrdDb *db;               /* (unowned), outlives us */
  sqlite3_stmt *statement; /* (owned) (nullable): NULL until it is first asked for */
};

struct _TrdDb
{
  sqlite3 *handle;               /* (owned) */
  const char *const *statements; /* (unowned): static */
  guint n_statements;
  TrdQuery *prepared; /* (owned) (array): by number of statement */
  GThread *thread;    /* (unowned): the one that opened it */
  gboolean in_transaction;
  gboolean fail_next_commit;
  gboolean damaged;            /* nothing is read or written any more */
  TrdDbDamageFunc damage_func; /* (nullable) */
  gpointer damage_data;
  GSource *checkpoint; /* (owned) (nullable): only while one is due */
};

/* Sets @error from what SQLite says; a database found to be damaged is used no more.
 * Always FALSE. */
gboolean
trd_db_set_error (TrdDb *self, int result, GError **error);
gboolean
trd_db_check_open (TrdDb *self, GError **error);
/* Some errors (a full disk, say) make SQLite roll back by itself.  What follows must not
 * be committed piece by piece then. */
gboolean
trd_db_check_transaction (TrdDb *self, GError **error);
