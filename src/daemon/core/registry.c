/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* All sessions and tasks, in memory as little as possible.  Owns them; changes a task
 * only through a turn.  The verbs are in core/sessions.c, create.c, tasks.c and
 * delayed.c: each commits before it returns (law 1); what it promises holds across kill
 * -9. */

#include "config.h"

#include "core/registry.h"

#include <unistd.h>

#include "common/error.h"
#include "common/url.h"
#include "core/body.h"
#include "core/registry-internal.h"
#include "core/request.h"
#include "core/runner.h"
#include "core/terminator.h"
#include "core/waits.h"
#include "value/upload.h"

struct _TrdRegistry
{
  GObject parent;
  const TrdEnv *env;    /* (unowned), outlives us */
  GHashTable *sessions; /* (owned) (element-type gint64 TrdSession) */
  GHashTable *tasks; /* (owned) (element-type gint64 TrdTask): borrowed from sessions */
  TrdKeeper *keeper; /* (owned) */
  TrdChallenges *challenges; /* (owned) */
  TrdRefresh *refresh;       /* (owned) */
  TrdTerminator *terminator; /* (owned) */
  TrdCookies *cookies;       /* (owned) */
  TrdSecretPool *secrets;    /* (owned) */
  char *last_authority;      /* (owned) (nullable): see intern_host() */
  GRefString *last_host;     /* (owned) (nullable) */
};

enum
{
  SESSION_ADDED,
  SESSION_CHANGED,
  SESSION_REMOVED,
  TASK_ADDED,
  TASK_CHANGED,
  TASK_REDIRECTED,
  TASK_RESUMED,
  TASK_REMOVED,
  EVENT_ADDED,
  EVENT_WITHDRAWN,
  EVENTS_COMPLETED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (TrdRegistry, trd_registry, G_TYPE_OBJECT)

/* ---- memory ---- */

static void
task_free (TrdTask *task)
{
  if (task->run != NULL)
    trd_run_end (task->run);
  g_clear_pointer (&task->host, g_ref_string_release);
  g_clear_pointer (&task->secrets, trd_secrets_unref);
  trd_waits_forget (task);
  g_slice_free (TrdTask, task);
}

static void
session_free (TrdSession *session)
{
  g_hash_table_unref (session->tasks);
  g_clear_pointer (&session->challenges, g_ptr_array_unref);
  g_clear_pointer (&session->secrets, trd_secrets_unref);
  trd_session_row_free (session->row);
  g_free (session);
}

TrdSession *
trd_registry_adopt_session (TrdRegistry *self, TrdSessionRow *row)
{
  TrdSession *session = g_new0 (TrdSession, 1);

  session->row = row;
  session->tasks = g_hash_table_new_full (
      g_int64_hash, g_int64_equal, NULL, (GDestroyNotify)task_free);
  if (row->secrets_id != NULL && *row->secrets_id != '\0')
    session->secrets = trd_secret_pool_restore (self->secrets, row->id, row->secrets_id);
  g_hash_table_insert (self->sessions, &row->id, session);

  return session;
}

/* What slots per host count.  A queue is mostly of one host, and parsing ten thousand
 * addresses would be half of a start. */
static GRefString *
intern_host (TrdRegistry *self, const char *url)
{
  const char *authority = strstr (url, "://");
  gsize length = authority != NULL ? authority - url + 3 : 0;
  g_autofree char *host = NULL;
  g_autoptr (GUri) uri = NULL;

  length += strcspn (url + length, "/?#");
  if (self->last_host != NULL && strlen (self->last_authority) == length
      && strncmp (self->last_authority, url, length) == 0)
    return g_ref_string_acquire (self->last_host);

  uri = trundle_url_parse (url, NULL);
  host = uri != NULL ? trundle_url_host_key (uri) : g_strdup ("");
  g_free (self->last_authority);
  g_clear_pointer (&self->last_host, g_ref_string_release);
  self->last_authority = g_strndup (url, length);
  self->last_host = g_ref_string_new_intern (host);

  return g_ref_string_acquire (self->last_host);
}

TrdRestart
trd_registry_get_restart (TrdRegistry *self)
{
  return (TrdRestart){
    .now = trd_clock_now (self->env->clock),
    .same_boot = !self->env->new_boot,
    .last = self->env->last,
  };
}

static GRefString *
find_host (TrdRegistry *self, const TrdTaskBrief *brief)
{
  g_autoptr (TrdTaskRow) row = NULL;

  /* What only waits for its name needs no server, and stands in no server's line. */
  if (brief->has_intent)
    return g_ref_string_new_intern ("");

  if (brief->mirror > 0)
    row = trd_store_load_task (self->env->store, brief->id, NULL);
  return row != NULL ? trd_request_find_host (row) : intern_host (self, brief->url);
}

static void
refer_to_challenge (TrdTask *task, gint64 challenge_id)
{
  if (challenge_id != 0 && !trd_task_is_finished (task))
    task->challenge = trd_session_find_challenge_by_id (task->session, challenge_id);
  if (task->challenge == NULL)
    return;

  task->challenge->n_tasks++;
  task->challenge->n_waiting += task->state == TRUNDLE_TASK_CHALLENGED;
}

static TrdTask *
adopt_task (TrdRegistry *self, TrdSession *session, const TrdTaskBrief *brief)
{
  TrdTask *task = g_slice_new0 (TrdTask);

  task->id = brief->id;
  task->session = session;
  task->kind = brief->kind;
  task->state = brief->state;
  task->priority = brief->priority;
  task->hold = brief->hold;
  task->not_before_us = brief->not_before.boot_us;
  task->deadline_us = brief->deadline.boot_us;
  task->suspicion = brief->suspicion;
  task->failures = MIN (brief->failures, G_MAXUINT16);
  task->streak = MIN (brief->streak, G_MAXUINT16);
  task->durable = brief->durable;
  task->begun = brief->begun;
  task->earliest_begin_us = brief->begun ? 0 : brief->earliest_begin_us;
  task->delayed = trd_task_is_finished (task) ? TRD_DELAYED_NO : brief->delayed;
  task->has_intent = brief->has_intent;
  task->host = find_host (self, brief);
  if (brief->secrets_id != NULL)
    task->secrets = trd_secret_pool_restore (
        self->secrets, session->row->id, brief->secrets_id);

  g_hash_table_insert (session->tasks, &task->id, task);
  g_hash_table_insert (self->tasks, &task->id, task);
  session->n_unfinished += !trd_task_is_finished (task);
  session->n_asked += task->delayed == TRD_DELAYED_ASKED;
  refer_to_challenge (task, brief->challenge_id);

  return task;
}

/* Out of memory, and told; the rows are the caller's affair. */
void
trd_registry_remove_task (TrdRegistry *self, TrdTask *task)
{
  g_signal_emit (self, signals[TASK_REMOVED], 0, task);

  task->session->n_unfinished -= !trd_task_is_finished (task);
  task->session->n_running -= task->state == TRUNDLE_TASK_RUNNING;
  task->session->n_asked -= task->delayed == TRD_DELAYED_ASKED;
  if (task->challenge != NULL)
    {
      task->challenge->n_tasks--;
      task->challenge->n_waiting -= task->state == TRUNDLE_TASK_CHALLENGED;
    }
  g_hash_table_remove (self->tasks, &task->id);
  g_hash_table_remove (task->session->tasks, &task->id);
}

GPtrArray *
trd_registry_get_tasks (TrdSession *session)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new ();
  GHashTableIter iter;
  TrdTask *task;

  g_hash_table_iter_init (&iter, session->tasks);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&task))
    g_ptr_array_add (tasks, task);

  return g_steal_pointer (&tasks);
}

static void
remove_session (TrdRegistry *self, TrdSession *session)
{
  g_autoptr (GPtrArray) tasks = trd_registry_get_tasks (session);

  for (guint i = 0; i < tasks->len; i++)
    trd_registry_remove_task (self, g_ptr_array_index (tasks, i));

  trd_credentials_forget_session (trd_challenges_get_credentials (self->challenges),
                                  session);
  trd_refresh_forget_session (self->refresh, session);
  g_signal_emit (self, signals[SESSION_REMOVED], 0, session);
  g_hash_table_remove (self->sessions, &session->row->id);
}

/* ---- what others of the core may do ---- */

void
trd_registry_emit_task_changed (TrdRegistry *self, TrdTask *task, guint changes)
{
  g_signal_emit (self, signals[TASK_CHANGED], 0, task, changes);
}

void
trd_registry_emit_task_redirected (
    TrdRegistry *self, TrdTask *task, const char *from, const char *to, guint status)
{
  g_signal_emit (self, signals[TASK_REDIRECTED], 0, task, from, to, status);
}

void
trd_registry_emit_task_resumed (TrdRegistry *self,
                                TrdTask *task,
                                guint64 offset,
                                gint64 expected)
{
  g_signal_emit (self, signals[TASK_RESUMED], 0, task, offset, expected);
}

void
trd_registry_note_event (TrdRegistry *self, TrdSession *session, TrdEvent *event)
{
  session->n_events++;
  session->row->last_sequence = event->sequence;
  /* Stored as offered when somebody is there, since it is sent at once; this is the first
   * time, though. */
  event->offered = FALSE;
  g_signal_emit (self, signals[EVENT_ADDED], 0, session, event);
}

void
trd_registry_note_withdrawal (TrdRegistry *self, TrdSession *session)
{
  session->n_events = trd_store_count_events (self->env->store, session->row->id);
  g_signal_emit (self, signals[EVENT_WITHDRAWN], 0, session);
}

void
trd_registry_discard_parts (TrdRegistry *self, GPtrArray *rows, gboolean in_spool)
{
  for (guint i = 0; i < rows->len; i++)
    {
      TrdTaskRow *row = g_ptr_array_index (rows, i);

      if (trd_place_is_spool (row->place) == in_spool)
        trd_keeper_discard (self->keeper, row->place);
      if (in_spool)
        trd_body_discard (self->env, row->body);
    }
}

/* Of tasks that their session takes with it before they have ended. */
static void
abandon_uploads (TrdRegistry *self, GPtrArray *rows)
{
  for (guint i = 0; i < rows->len; i++)
    {
      const TrdTaskRow *row = g_ptr_array_index (rows, i);
      g_autoptr (GVariant) place = trd_upload_get_place (row->upload);
      TrdTask *task = place != NULL ? trd_registry_find_task (self, row->id) : NULL;

      if (task == NULL || trd_task_is_finished (task) || trd_task_is_answered (task))
        continue;
      /* Before the server is told. */
      if (task->run != NULL)
        trd_run_end (task->run);
      trd_terminator_ask (self->terminator,
                          trd_terminator_compose (self->terminator, task, row, place));
    }
}

gboolean
trd_registry_delete_session (TrdRegistry *self, TrdSession *session, GError **error)
{
  TrdStore *store = self->env->store;
  gint64 now_us = trd_clock_now_us (self->env->clock);
  g_autoptr (GPtrArray) rows = NULL;

  if (!trd_store_begin (store, error))
    return FALSE;
  rows = trd_store_list_tasks (
      store, session->row->id, &(TrdTaskFilter){ .kind = -1 }, error);
  if (rows != NULL)
    trd_registry_discard_parts (self, rows, FALSE);
  if (rows == NULL || !trd_store_delete_session (store, session->row->id, now_us, error)
      || !trd_store_commit (store, error))
    {
      trd_store_rollback (store);
      return FALSE;
    }

  abandon_uploads (self, rows);
  remove_session (self, session);
  trd_registry_discard_parts (self, rows, TRUE);

  return TRUE;
}

void
trd_registry_settle_session (TrdRegistry *self, TrdSession *session)
{
  g_autoptr (GError) error = NULL;
  TrundleSessionState next;

  if (session->n_unfinished > 0 || session->n_events > 0)
    return;
  if (trd_session_state_next (session->row->state, TRD_SESSION_INPUT_DRAINED, &next)
      != TRD_CELL_MOVE)
    return;

  if (!trd_registry_delete_session (self, session, &error))
    g_warning ("Cannot remove a session that is over: %s", error->message);
}

/* ---- restoring ---- */

static gboolean
adopt_brief (const TrdTaskBrief *brief, gpointer user_data)
{
  TrdRegistry *self = user_data;
  TrdSession *session = trd_registry_find_session (self, brief->session_id);
  TrdRestart restart = trd_registry_get_restart (self);
  TrdTask *task;

  if (session == NULL)
    return TRUE;

  task = adopt_task (self, session, brief);
  task->not_before_us = trd_moment_restore (brief->not_before, &restart, G_MAXINT64);
  task->deadline_us = trd_moment_restore (brief->deadline, &restart, G_MAXINT64);

  return TRUE;
}

static gboolean
is_known (gint64 task_id, gpointer user_data)
{
  TrdRegistry *self = user_data;

  return g_hash_table_contains (self->tasks, &task_id)
         || trd_keeper_has (self->keeper, task_id);
}

/* The machine was started anew: what was written last may never have reached the disk,
 * and only what was synced is believed of a part (law 4).  One that cannot be cut now,
 * say on a disk that is not there, is cut before it is gone on with. */
static gboolean
distrust_part (TrdRegistry *self, TrdTaskRow *row, GError **error)
{
  const TrdEnv *env = self->env;
  g_auto (TrdIntent) found = { 0 };
  int fd;

  if (row->response == NULL || row->intent.final_name != NULL
      || row->state == TRUNDLE_TASK_FINISHED)
    return TRUE;
  if (trd_spool_stat_part (env->spool, row->place, &found, NULL)
      && found.size <= row->synced)
    return TRUE;

  fd = trd_spool_open_part (env->spool, row->place, row->synced, NULL);
  if (fd >= 0)
    {
      close (fd);
      return TRUE;
    }

  row->untrusted = TRUE;
  return trd_store_update_task (env->store, row, error);
}

static gboolean
distrust_parts (TrdRegistry *self, GError **error)
{
  g_autoptr (GPtrArray) sessions = trd_registry_list_sessions (self);

  for (guint i = 0; i < sessions->len; i++)
    {
      TrdSession *session = g_ptr_array_index (sessions, i);
      g_autoptr (GPtrArray) rows = trd_store_list_tasks (
          self->env->store, session->row->id, &(TrdTaskFilter){ .kind = -1 }, error);

      if (rows == NULL)
        return FALSE;
      for (guint j = 0; j < rows->len; j++)
        if (!distrust_part (self, g_ptr_array_index (rows, j), error))
          return FALSE;
    }

  return TRUE;
}

/* A session that was invalidated has nobody left to tell; one that was finishing may have
 * been drained by the last call before the end. */
static void
settle_restored (TrdRegistry *self)
{
  g_autoptr (GPtrArray) sessions = trd_registry_list_sessions (self);

  for (guint i = 0; i < sessions->len; i++)
    {
      TrdSession *session = g_ptr_array_index (sessions, i);

      if (session->row->state == TRUNDLE_SESSION_RETIRED)
        trd_registry_drop_retired (self, session);
      else
        trd_registry_settle_session (self, session);
    }
}

gboolean
trd_registry_restore (TrdRegistry *self, GError **error)
{
  TrdStore *store = self->env->store;
  g_autoptr (GPtrArray) rows = NULL;

  rows = trd_store_load_sessions (store, error);
  if (rows == NULL)
    return FALSE;

  g_ptr_array_set_free_func (rows, NULL);
  for (guint i = 0; i < rows->len; i++)
    {
      TrdSession *session = trd_registry_adopt_session (self,
                                                        g_ptr_array_index (rows, i));

      session->n_events = trd_store_count_events (store, session->row->id);
    }

  if (!trd_challenges_restore (self->challenges, error)
      || !trd_store_each_brief (store, adopt_brief, self, error))
    return FALSE;

  if (!trd_keeper_restore (self->keeper, error))
    return FALSE;
  if (self->env->rebooted && !distrust_parts (self, error))
    return FALSE;
  if (self->env->new_boot && !trd_registry_restore_moments (self, error))
    return FALSE;
  if (!trd_challenges_settle (self->challenges, error))
    return FALSE;

  settle_restored (self);
  trd_spool_sweep (self->env->spool, is_known, self);
  trd_body_sweep (self->env);

  return TRUE;
}

/* ---- finding ---- */

const TrdEnv *
trd_registry_get_env (TrdRegistry *self)
{
  return self->env;
}

TrdSession *
trd_registry_find_session (TrdRegistry *self, gint64 session_id)
{
  return g_hash_table_lookup (self->sessions, &session_id);
}

TrdTask *
trd_registry_find_task (TrdRegistry *self, gint64 task_id)
{
  return g_hash_table_lookup (self->tasks, &task_id);
}

static int
compare_sessions (gconstpointer a, gconstpointer b)
{
  const TrdSession *first = *(const TrdSession *const *)a;
  const TrdSession *second = *(const TrdSession *const *)b;

  return (first->row->id > second->row->id) - (first->row->id < second->row->id);
}

GPtrArray *
trd_registry_list_sessions (TrdRegistry *self)
{
  g_autoptr (GPtrArray) sessions = g_ptr_array_new ();
  GHashTableIter iter;
  TrdSession *session;

  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&session))
    g_ptr_array_add (sessions, session);
  g_ptr_array_sort (sessions, compare_sessions);

  return g_steal_pointer (&sessions);
}

/* ---- the object ---- */

TrdRegistry *
trd_registry_new (const TrdEnv *env)
{
  TrdRegistry *self = g_object_new (TRD_TYPE_REGISTRY, NULL);

  self->env = env;
  self->keeper = trd_keeper_new (env);
  self->secrets = trd_secret_pool_new (env);
  g_signal_connect_swapped (
      self->secrets, "kept", G_CALLBACK (trd_registry_note_kept), self);
  self->challenges = trd_challenges_new (self);
  self->refresh = trd_refresh_new (self);
  self->terminator = trd_terminator_new (self);
  self->cookies = trd_cookies_new (self);

  return self;
}

TrdRefresh *
trd_registry_get_refresh (TrdRegistry *self)
{
  return self->refresh;
}

TrdTerminator *
trd_registry_get_terminator (TrdRegistry *self)
{
  return self->terminator;
}

TrdChallenges *
trd_registry_get_challenges (TrdRegistry *self)
{
  return self->challenges;
}

void
trd_registry_forget_challenge (TrdRegistry *self, TrdChallenge *challenge)
{
  TrdSession *session = challenge->session;

  trd_credentials_forget_challenge (trd_challenges_get_credentials (self->challenges),
                                    challenge->row->id);
  /* It is freed by this. */
  g_ptr_array_remove (session->challenges, challenge);
}

TrdSecretPool *
trd_registry_get_secret_pool (TrdRegistry *self)
{
  return self->secrets;
}

TrdKeeper *
trd_registry_get_keeper (TrdRegistry *self)
{
  return self->keeper;
}

TrdCookies *
trd_registry_get_cookies (TrdRegistry *self)
{
  return self->cookies;
}

GHashTable *
trd_registry_get_session_table (TrdRegistry *self)
{
  return self->sessions;
}

TrdTask *
trd_registry_adopt_task (TrdRegistry *self,
                         TrdSession *session,
                         const TrdTaskBrief *brief)
{
  return adopt_task (self, session, brief);
}

void
trd_registry_emit_session_added (TrdRegistry *self, TrdSession *session)
{
  g_signal_emit (self, signals[SESSION_ADDED], 0, session);
}

void
trd_registry_emit_session_changed (TrdRegistry *self, TrdSession *session)
{
  g_signal_emit (self, signals[SESSION_CHANGED], 0, session);
}

void
trd_registry_emit_events_completed (TrdRegistry *self, TrdSession *session)
{
  g_signal_emit (self, signals[EVENTS_COMPLETED], 0, session);
}

void
trd_registry_emit_task_added (TrdRegistry *self, TrdTask *task)
{
  g_signal_emit (self, signals[TASK_ADDED], 0, task);
}

static void
trd_registry_finalize (GObject *object)
{
  TrdRegistry *self = TRD_REGISTRY (object);

  g_clear_pointer (&self->terminator, trd_terminator_free);
  g_clear_pointer (&self->refresh, trd_refresh_free);
  g_clear_pointer (&self->challenges, trd_challenges_free);
  trd_secret_pool_close (self->secrets);
  /* Attempts end with their tasks, and still look for them. */
  g_hash_table_unref (self->sessions);
  g_hash_table_unref (self->tasks);
  g_clear_pointer (&self->keeper, trd_keeper_free);
  trd_cookies_close (self->cookies);
  g_clear_object (&self->cookies);
  g_object_unref (self->secrets);
  g_free (self->last_authority);
  g_clear_pointer (&self->last_host, g_ref_string_release);
  G_OBJECT_CLASS (trd_registry_parent_class)->finalize (object);
}

static void
trd_registry_init (TrdRegistry *self)
{
  self->sessions = g_hash_table_new_full (
      g_int64_hash, g_int64_equal, NULL, (GDestroyNotify)session_free);
  self->tasks = g_hash_table_new (g_int64_hash, g_int64_equal);
}

static guint
new_signal (const char *name, guint n_params, ...)
{
  GType types[4];
  va_list params;

  va_start (params, n_params);
  for (guint i = 0; i < n_params; i++)
    types[i] = va_arg (params, GType);
  va_end (params);

  return g_signal_newv (name,
                        TRD_TYPE_REGISTRY,
                        G_SIGNAL_RUN_LAST,
                        NULL,
                        NULL,
                        NULL,
                        NULL,
                        G_TYPE_NONE,
                        n_params,
                        types);
}

static void
trd_registry_class_init (TrdRegistryClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = trd_registry_finalize;

  signals[SESSION_ADDED] = new_signal ("session-added", 1, G_TYPE_POINTER);
  signals[SESSION_CHANGED] = new_signal ("session-changed", 1, G_TYPE_POINTER);
  signals[SESSION_REMOVED] = new_signal ("session-removed", 1, G_TYPE_POINTER);
  signals[TASK_ADDED] = new_signal ("task-added", 1, G_TYPE_POINTER);
  signals[TASK_CHANGED] = new_signal ("task-changed", 2, G_TYPE_POINTER, G_TYPE_UINT);
  signals[TASK_REMOVED] = new_signal ("task-removed", 1, G_TYPE_POINTER);
  signals[TASK_REDIRECTED] = new_signal (
      "task-redirected", 4, G_TYPE_POINTER, G_TYPE_STRING, G_TYPE_STRING, G_TYPE_UINT);
  signals[TASK_RESUMED] = new_signal (
      "task-resumed", 3, G_TYPE_POINTER, G_TYPE_UINT64, G_TYPE_INT64);
  signals[EVENT_ADDED] = new_signal ("event-added", 2, G_TYPE_POINTER, G_TYPE_POINTER);
  signals[EVENT_WITHDRAWN] = new_signal ("event-withdrawn", 1, G_TYPE_POINTER);
  signals[EVENTS_COMPLETED] = new_signal ("events-completed", 1, G_TYPE_POINTER);
}
