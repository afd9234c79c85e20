/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/cookies.h"
#include "core/session.h"

/* All sessions and tasks there are, and the verbs on them.  What a verb promises is
 * committed when it returns TRUE (law 1).
 *
 * Signals, all emitted after the commit and never from within a caller's own iteration:
 *   "session-added" (TrdSession *), "session-changed" (TrdSession *),
 *   "session-removed" (TrdSession *): it is freed afterwards,
 *   "task-added" (TrdTask *), "task-removed" (TrdTask *): freed afterwards,
 *   "task-changed" (TrdTask *, guint TrdTaskChange),
 *   "task-redirected" (TrdTask *, const char *from, const char *to, guint status),
 *   "task-resumed" (TrdTask *, guint64 offset, gint64 expected): inside its file,
 *   "event-added" (TrdSession *, TrdEvent *),
 *   "event-withdrawn" (TrdSession *): what it told of is not so any more,
 *   "events-completed" (TrdSession *)
 * Pointers are gpointer parameters. */
#define TRD_TYPE_REGISTRY (trd_registry_get_type ())
G_DECLARE_FINAL_TYPE (TrdRegistry, trd_registry, TRD, REGISTRY, GObject)

typedef enum /*< flags >*/
{
  TRD_TASK_CHANGE_STATE = 1 << 0,
  TRD_TASK_CHANGE_WAIT_REASONS = 1 << 1,
  TRD_TASK_CHANGE_ERROR = 1 << 2,
  TRD_TASK_CHANGE_RESPONSE = 1 << 3,
  TRD_TASK_CHANGE_NEXT_ATTEMPT = 1 << 4,
  TRD_TASK_CHANGE_DETAILS = 1 << 5, /* priority, description, user data, date */
  TRD_TASK_CHANGE_REQUEST = 1 << 6, /* what is asked, and of whom */
  TRD_TASK_CHANGE_SECRETS = 1 << 7, /* whether its secrets are kept */
} TrdTaskChange;

/* @env is borrowed. */
TrdRegistry *
trd_registry_new (const TrdEnv *env);
/* Reads the store; settles intents (law 6), deletes what belongs to nobody. */
gboolean
trd_registry_restore (TrdRegistry *self, GError **error);
/* Once the new boot is remembered: moments are stored on its clock.  core/restart.c */
gboolean
trd_registry_keep_moments (TrdRegistry *self, GError **error);
const TrdEnv *
trd_registry_get_env (TrdRegistry *self);
/* (transfer none) */
TrdSecretPool *
trd_registry_get_secret_pool (TrdRegistry *self);

/* Finds the session of @owner with @identifier, or makes it.  For an existing one
 * @out_ignored gets the keys of @configuration (checked) that differ and were not taken,
 * unless @update.  Errors: INVALID_ARGUMENT, LIMIT_EXCEEDED.  (transfer none) */
TrdSession *
trd_registry_open_session (TrdRegistry *self,
                           const TrdOwner *owner,
                           const char *identifier,
                           GVariant *configuration,
                           gboolean update,
                           gboolean *out_existing,
                           GStrv *out_ignored,
                           GError **error);

/* (transfer none) (nullable) */
TrdSession *
trd_registry_find_session (TrdRegistry *self, gint64 session_id);
TrdTask *
trd_registry_find_task (TrdRegistry *self, gint64 task_id);

/* In order of id.  (element-type TrdSession) (transfer container) */
GPtrArray *
trd_registry_list_sessions (TrdRegistry *self);

/* What a task is made from.  Fields are owned by the draft. */
typedef struct
{
  TrundleKind kind;
  char *url;         /* as given: user info and all */
  GVariant *options; /* a{sv}, checked (TRUNDLE_SCOPE_TASK, or _UPLOAD) */
  TrdPlace *place;   /* (nullable): a resolved destination; NULL: the spool */
  GVariant *body;    /* (nullable): aa{sv}: what an upload sends; value/body.h */
  guint64 body_size; /* bytes of it */
  gboolean is_made;  /* told by trd_registry_create_tasks(): not found, but made */
} TrdDraft;
TrdDraft *
trd_draft_new (TrundleKind kind, const char *url, GVariant *options);
void
trd_draft_free (TrdDraft *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdDraft, trd_draft_free)

/* Makes all or none, in one transaction; begins those with `start`.
 * (element-type gint64) (transfer full); NULL on error. */
GArray *
trd_registry_create_tasks (TrdRegistry *self,
                           TrdSession *session,
                           GPtrArray *drafts,
                           GError **error);

/* One input from the app, to one task.  BAD_STATE by the table. */
gboolean
trd_registry_resume (TrdRegistry *self, TrdTask *task, GError **error);
gboolean
trd_registry_suspend (TrdRegistry *self, TrdTask *task, GError **error);
gboolean
trd_registry_cancel (TrdRegistry *self,
                     TrdTask *task,
                     const char *reason,
                     GError **error);

/* Retry: a task that waits is tried now, and one that failed begins anew with what it
 * had received; its TaskFinished is withdrawn.  Errors: BAD_STATE. */
gboolean
trd_registry_try_again (TrdRegistry *self, TrdTask *task, GError **error);

/* What is asked from now on; @changes are checked (TRUNDLE_SCOPE_REQUEST).  Waits that
 * the old request caused are over.  Errors: as trd_request_update(); BAD_STATE. */
gboolean
trd_registry_update_request (TrdRegistry *self,
                             TrdTask *task,
                             GVariant *changes,
                             GError **error);

/* When it begins at the earliest; 0 for at once.  BAD_STATE once it has. */
gboolean
trd_registry_set_earliest_begin (TrdRegistry *self,
                                 TrdTask *task,
                                 gint64 date_us,
                                 GError **error);
/* The answer to WillBeginDelayedRequest; @request (checked, TRUNDLE_SCOPE_REQUEST) is
 * empty but for "use-new-request".  INVALID_ARGUMENT; BAD_STATE when none is wanted. */
gboolean
trd_registry_answer_delayed (TrdRegistry *self,
                             TrdTask *task,
                             const char *disposition,
                             GVariant *request,
                             GError **error);

/* As trd_registry_cancel(), but what is there can be gone on with: @out_data (transfer
 * full) is what to do that with, NULL when there is nothing.  BAD_STATE once it is
 * finished. */
gboolean
trd_registry_cancel_keeping (TrdRegistry *self,
                             TrdTask *task,
                             GBytes **out_data,
                             GError **error);

/* Whether what is there of the file of a task that has ended can be gone on with. */
gboolean
trd_registry_is_kept (TrdRegistry *self, TrdTask *task);

/* What the app may change about a task; NULL or NaN leaves a field alone. */
gboolean
trd_registry_set_priority (TrdRegistry *self,
                           TrdTask *task,
                           double priority,
                           GError **error);
gboolean
trd_registry_set_description (TrdRegistry *self,
                              TrdTask *task,
                              const char *description,
                              GError **error);
gboolean
trd_registry_set_user_data (TrdRegistry *self,
                            TrdTask *task,
                            GBytes *user_data,
                            GError **error);

/* The row, with what memory knows better: RUNNING, bytes so far.  (transfer full) */
TrdTaskRow *
trd_registry_load_task (TrdRegistry *self, TrdTask *task, GError **error);
/* (element-type TrdTaskRow) (transfer full), as above. */
GPtrArray *
trd_registry_list_tasks (TrdRegistry *self,
                         TrdSession *session,
                         const TrdTaskFilter *filter,
                         GError **error);

/* The app took the file of a finished task to @path (MoveFile). */
gboolean
trd_registry_file_moved (TrdRegistry *self,
                         TrdTask *task,
                         const char *path,
                         GError **error);

/* Live counters of a running task; FALSE when it does not run. */
gboolean
trd_registry_get_progress (TrdRegistry *self,
                           TrdTask *task,
                           guint64 *out_received,
                           gint64 *out_expected);
/* The same of what it sends. */
gboolean
trd_registry_get_sending (TrdRegistry *self, TrdTask *task, TrdSending *out_sending);

/* Session verbs.  @filter may be NULL for all; returns how many were cancelled in
 * @out_n (nullable). */
gboolean
trd_registry_cancel_tasks (TrdRegistry *self,
                           TrdSession *session,
                           const TrdTaskFilter *filter,
                           guint *out_n,
                           GError **error);
/* @out_ignored (nullable): keys that cannot change any more. */
gboolean
trd_registry_configure (TrdRegistry *self,
                        TrdSession *session,
                        GVariant *configuration,
                        GError **error);
gboolean
trd_registry_finish_and_invalidate (TrdRegistry *self,
                                    TrdSession *session,
                                    GError **error);
/* The identifier is free when this returns.  Without a consumer the session is gone too,
 * and @session with it. */
gboolean
trd_registry_invalidate_and_cancel (TrdRegistry *self,
                                    TrdSession *session,
                                    gboolean has_consumer,
                                    GError **error);
/* "I have dealt with everything up to @sequence."  May remove @session (drained). */
gboolean
trd_registry_complete_events (TrdRegistry *self,
                              TrdSession *session,
                              guint64 sequence,
                              GError **error);
/* The same in the place of a consumer who never came: see core/retention.h. */
gboolean
trd_registry_expire_events (TrdRegistry *self,
                            TrdSession *session,
                            guint64 sequence,
                            GError **error);
/* The consumer of a retired session is gone: nobody will hear its last events. */
void
trd_registry_drop_retired (TrdRegistry *self, TrdSession *session);

/* The cookies of its sessions.  (transfer none) */
TrdCookies *
trd_registry_get_cookies (TrdRegistry *self);

/* Something unfinished lives in memory only (secrets), or what tasks to come will need,
 * or a task waits for a keyring to be unlocked, so that the daemon must stay. */
gboolean
trd_registry_has_volatile (TrdRegistry *self);

/* What a call will need in the keyring, for trd_secret_pool_prepare_async(): the secrets
 * of the task after trd_registry_update_request(), and those of a session (NULL for one
 * to come) after trd_registry_configure(); NULL for none.  (transfer full) */
GVariant *
trd_registry_plan_update (TrdRegistry *self, TrdTask *task, GVariant *changes);
GVariant *
trd_registry_plan_configuration (TrdSession *session, GVariant *configuration);
/* Of trd_registry_open_session(); @out_session_id is 0 for a session to come. */
GVariant *
trd_registry_plan_open (TrdRegistry *self,
                        const TrdOwner *owner,
                        const char *identifier,
                        GVariant *configuration,
                        gboolean update,
                        gint64 *out_session_id);
