/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "value/rows.h"

/* The repository: the only place with SQL.  Rows in and out; knows no task or session.
 * Every verb works inside the transaction that is open, or makes one of its own.  On a
 * failed statement the error is G_IO_ERROR_FAILED (NO_SPACE for a full disk) and the
 * transaction is rolled back by who began it. */
#define TRD_TYPE_STORE (trd_store_get_type ())
G_DECLARE_FINAL_TYPE (TrdStore, trd_store, TRD, STORE, GObject)

/* @path: the database file, or ":memory:".  Migrates an older schema; a newer one is
 * refused with G_IO_ERROR_NOT_SUPPORTED, and what is damaged or of somebody else with
 * INVALID_DATA: both are left as they are.
 *
 * Signal "damaged": a statement has found the database damaged.  Emitted once, from the
 * main loop; every verb fails with INVALID_DATA by then. */
TrdStore *
trd_store_new (const char *path, GError **error);
/* Checkpoints and closes; afterwards every verb fails. */
void
trd_store_close (TrdStore *self);
/* Returns when all that was committed is on disk and in the main file as far as possible.
 */
gboolean
trd_store_flush (TrdStore *self, GError **error);

/* Looks at the database at @path without changing it: NOT_SUPPORTED for a newer one,
 * INVALID_DATA for one that is damaged or is not ours; a missing or empty one is fine.
 * @whole: reads and compares everything there is, however long that takes. */
gboolean
trd_store_check (const char *path, gboolean whole, GError **error);
guint
trd_store_peek_version (const char *path);

/* The highest numbers given out, which must not be given out again. */
typedef struct
{
  gint64 task;
  gint64 session;
} TrdNumbers;
gboolean
trd_store_peek_numbers (const char *path, TrdNumbers *out_numbers, GError **error);
/* The next numbers are above these. */
gboolean
trd_store_raise_numbers (TrdStore *self, const TrdNumbers *numbers, GError **error);
/* No task, no event, and no part that somebody may come back for. */
gboolean
trd_store_holds_nothing (TrdStore *self, gboolean *out_nothing, GError **error);

gboolean
trd_store_begin (TrdStore *self, GError **error);
gboolean
trd_store_commit (TrdStore *self, GError **error);
void
trd_store_rollback (TrdStore *self);

/* Tests: the next commit fails as on a full disk. */
void
trd_store_fail_next_commit (TrdStore *self);

/* Sessions.  insert sets row->id. */
gboolean
trd_store_insert_session (TrdStore *self, TrdSessionRow *row, GError **error);
gboolean
trd_store_update_session (TrdStore *self, const TrdSessionRow *row, GError **error);
/* With its tasks and events.  @now_us: when those have ended that had not. */
gboolean
trd_store_delete_session (TrdStore *self,
                          gint64 session_id,
                          gint64 now_us,
                          GError **error);
/* (element-type TrdSessionRow) (transfer full) */
GPtrArray *
trd_store_load_sessions (TrdStore *self, GError **error);

/* Tasks.  insert sets row->id and row->number. */
gboolean
trd_store_insert_task (TrdStore *self, TrdTaskRow *row, GError **error);
/* Writes everything that may change: all but the first paragraph of the struct, and of
 * that the name of the part. */
gboolean
trd_store_update_task (TrdStore *self, const TrdTaskRow *row, GError **error);
/* It is durable from now on. */
gboolean
trd_store_set_task_secrets (TrdStore *self,
                            gint64 task_id,
                            const char *secrets_id,
                            GError **error);
gboolean
trd_store_set_task_moments (TrdStore *self,
                            gint64 task_id,
                            TrdMoment not_before,
                            TrdMoment deadline,
                            GError **error);
gboolean
trd_store_set_task_synced (TrdStore *self,
                           gint64 task_id,
                           guint64 synced,
                           GError **error);
/* Both: what is digested is synced.  @state: (nullable) */
gboolean
trd_store_set_task_digested (
    TrdStore *self, gint64 task_id, guint64 synced, GVariant *state, GError **error);
/* (transfer full); NULL with TRUNDLE_ERROR_NOT_FOUND. */
TrdTaskRow *
trd_store_load_task (TrdStore *self, gint64 task_id, GError **error);
gboolean
trd_store_delete_task (TrdStore *self, gint64 task_id, GError **error);

/* The task of @session_id with @dedup_key; @out_id is 0 when there is none. */
gboolean
trd_store_find_dedup (TrdStore *self,
                      gint64 session_id,
                      const char *dedup_key,
                      gint64 *out_id,
                      GError **error);

typedef gboolean (*TrdBriefFunc) (const TrdTaskBrief *brief, gpointer user_data);
/* All tasks in order of id, without building rows; stops when @func returns FALSE. */
gboolean
trd_store_each_brief (TrdStore *self,
                      TrdBriefFunc func,
                      gpointer user_data,
                      GError **error);

typedef struct
{
  gint64 after;      /* task ids above this */
  guint limit;       /* 0: no limit */
  guint states;      /* bits 1 << TrundleTaskState; 0: all.  RUNNING is matched as QUEUED:
                      * who knows what runs filters again */
  int kind;          /* TrundleKind, or -1 */
  const char *group; /* (nullable) */
} TrdTaskFilter;
/* (element-type TrdTaskRow) (transfer full), in order of id */
GPtrArray *
trd_store_list_tasks (TrdStore *self,
                      gint64 session_id,
                      const TrdTaskFilter *filter,
                      GError **error);

/* Events.  append sets sequence (the session's last plus one, stored with the session).
 */
gboolean
trd_store_append_event (TrdStore *self, TrdEvent *event, GError **error);
/* (element-type TrdEvent) (transfer full): sequence > @after, at most @max (0: all). */
GPtrArray *
trd_store_list_events (
    TrdStore *self, gint64 session_id, guint64 after, guint max, GError **error);
guint
trd_store_count_events (TrdStore *self, gint64 session_id);
gboolean
trd_store_mark_offered (TrdStore *self, gint64 session_id, guint64 up_to, GError **error);
/* Deletes the TaskFinished of a task, which has not finished after all. */
gboolean
trd_store_withdraw_finished (TrdStore *self, gint64 task_id, GError **error);
/* Deletes the events up to @sequence, and the tasks whose TaskFinished is among them;
 * returns those tasks' rows, so that their files can follow.  (element-type TrdTaskRow)
 * (transfer full) */
GPtrArray *
trd_store_complete_events (TrdStore *self,
                           gint64 session_id,
                           guint64 sequence,
                           GError **error);

/* The same for what nobody has come for: history says so. */
GPtrArray *
trd_store_expire_events (TrdStore *self,
                         gint64 session_id,
                         guint64 sequence,
                         GError **error);

/* How each session stands, for ListSessions. */
typedef struct
{
  guint suspended;
  guint queued; /* running ones among them: law 3 */
  guint challenged;
  guint finished;
  guint events;
} TrdSessionCounts;
gboolean
trd_store_count_session (TrdStore *self,
                         gint64 session_id,
                         TrdSessionCounts *out_counts,
                         GError **error);

/* Delivery that must survive the daemon: tries so far, when to try again. */
gboolean
trd_store_set_delivery (
    TrdStore *self, gint64 session_id, guint tries, TrdMoment next, GError **error);
gboolean
trd_store_get_delivery (TrdStore *self,
                        gint64 session_id,
                        guint *out_tries,
                        TrdMoment *out_next,
                        GError **error);
/* Launches of an app in the last hour, for its budget.  Times are on CLOCK_BOOTTIME: a
 * clock that is set must not forget any, and a reboot takes longer than it gains. */
gboolean
trd_store_note_launch (TrdStore *self,
                       const char *owner_key,
                       gint64 now_us,
                       GError **error);
guint
trd_store_count_launches (TrdStore *self, const char *owner_key, gint64 since_us);
gint64
trd_store_oldest_launch (TrdStore *self, const char *owner_key, gint64 since_us);

/* Whether the database at @path holds work for a login: a task that is queued, or events
 * that wait for a launch.  Reads only, makes nothing; FALSE when there is no database. */
gboolean
trd_store_peek_has_work (const char *path);
