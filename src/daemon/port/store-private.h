/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/db.h"
#include "port/store.h"

/* What the files of the store share: store.c and all store-*.c. */
struct _TrdStore
{
  GObject parent_instance;

  TrdDb *db;       /* (owned) (nullable): NULL once closed */
  GSource *damage; /* (owned) (nullable): only until it is told */
  guint history_max;
  guint n_noted; /* rows of history since it was pruned */
};

/* The statements by name; the SQL is in store-statements.c. */
typedef enum
{
  TRD_STATEMENT_INSERT_SESSION,
  TRD_STATEMENT_UPDATE_SESSION,
  TRD_STATEMENT_DELETE_SESSION,
  TRD_STATEMENT_LOAD_SESSIONS,
  TRD_STATEMENT_NEXT_NUMBER,
  TRD_STATEMENT_SET_NUMBER,
  TRD_STATEMENT_NEXT_SEQUENCE,
  TRD_STATEMENT_SET_SEQUENCE,
  TRD_STATEMENT_SET_DELIVERY,
  TRD_STATEMENT_GET_DELIVERY,

  TRD_STATEMENT_INSERT_TASK,
  TRD_STATEMENT_UPDATE_TASK,
  TRD_STATEMENT_SET_TASK_MOMENTS,
  TRD_STATEMENT_SET_TASK_SYNCED,
  TRD_STATEMENT_SET_TASK_DIGESTED,
  TRD_STATEMENT_SET_TASK_SECRETS,
  TRD_STATEMENT_LOAD_TASK,
  TRD_STATEMENT_DELETE_TASK,
  TRD_STATEMENT_EACH_BRIEF,
  TRD_STATEMENT_LIST_TASKS,
  TRD_STATEMENT_LIST_GROUP,
  TRD_STATEMENT_COUNT_TASKS,
  TRD_STATEMENT_LIST_BODIES,
  TRD_STATEMENT_FIND_DEDUP,

  TRD_STATEMENT_APPEND_EVENT,
  TRD_STATEMENT_LIST_EVENTS,
  TRD_STATEMENT_COUNT_EVENTS,
  TRD_STATEMENT_MARK_OFFERED,
  TRD_STATEMENT_WITHDRAW_FINISHED,
  TRD_STATEMENT_FIND_COMPLETED,
  TRD_STATEMENT_DELETE_EVENTS,

  TRD_STATEMENT_PRUNE_LAUNCHES,
  TRD_STATEMENT_NOTE_LAUNCH,
  TRD_STATEMENT_COUNT_LAUNCHES,

  TRD_STATEMENT_INSERT_RESUMABLE,
  TRD_STATEMENT_UPDATE_RESUMABLE,
  TRD_STATEMENT_DELETE_RESUMABLE,
  TRD_STATEMENT_LOAD_RESUMABLE,
  TRD_STATEMENT_FIND_RESUMABLE,
  TRD_STATEMENT_HAS_RESUMABLE,
  TRD_STATEMENT_LIST_RESUMABLE,

  TRD_STATEMENT_NOTE_HISTORY,
  TRD_STATEMENT_FORGET_SESSION,
  TRD_STATEMENT_OLDEST_HISTORY,
  TRD_STATEMENT_PRUNE_HISTORY,
  TRD_STATEMENT_LIST_HISTORY,
  TRD_STATEMENT_CLEAR_HISTORY,
  TRD_STATEMENT_ATTACH,

  TRD_STATEMENT_INSERT_CHALLENGE,
  TRD_STATEMENT_UPDATE_CHALLENGE,
  TRD_STATEMENT_DELETE_CHALLENGE,
  TRD_STATEMENT_LIST_CHALLENGES,

  TRD_STATEMENT_INSERT_TRUST,
  TRD_STATEMENT_LIST_TRUST,
  TRD_STATEMENT_DELETE_TRUST,
  TRD_STATEMENT_FORGET_TRUST,

  TRD_STATEMENT_FIND_DIALECT,
  TRD_STATEMENT_PUT_DIALECT,
  TRD_STATEMENT_PRUNE_DIALECTS,
  TRD_STATEMENT_FORGET_DIALECTS,

  TRD_STATEMENT_RAISE_NUMBER,
  TRD_STATEMENT_ADD_NUMBER,
  TRD_STATEMENT_HOLDS_NOTHING,

  TRD_STATEMENT_HAS_WORK,
} TrdStatement;

#define TRD_N_STATEMENTS (TRD_STATEMENT_HAS_WORK + 1)

extern const char *const trd_store_statements[TRD_N_STATEMENTS];

/* The text of schema.sql, followed by a NUL.  (transfer full) */
GBytes *
trd_store_load_script (GError **error);

/* Runs the one statement @query as a transaction, or within the one that is open. */
gboolean
trd_store_run (TrdDb *db, TrdQuery *query, GError **error);

/* The same for a change to a row that must be there: else TRUNDLE_ERROR_NOT_FOUND. */
gboolean
trd_store_run_on_row (TrdDb *db, TrdQuery *query, GError **error);

/* Raises a counter of a session and gives its new value. */
gboolean
trd_store_count_up (TrdDb *db,
                    TrdStatement next,
                    TrdStatement set,
                    gint64 session_id,
                    guint64 *out_value,
                    GError **error);

/* A task that is about to go, as history has it.  Strings are borrowed. */
typedef struct
{
  gint64 id;
  gint64 session_id;
  TrundleKind kind;
  gint64 created_us;
  gint64 finished_us;
  guint64 received;
  guint64 sent;
  const char *url;
  const char *error_name;
  const char *final_path;
  const char *description;
} TrdForgotten;

/* Within the transaction in which the tasks go, while their session is there. */
gboolean
trd_store_note_history (TrdStore *self, const TrdForgotten *task, GError **error);
gboolean
trd_store_note_session (TrdStore *self, gint64 session_id, gint64 now_us, GError **error);
