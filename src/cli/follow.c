/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Watches tasks to their end.  Signals come from the sessions it observes; whenever the
 * service is a new process, it attaches again and asks how things stand, since what was
 * said meanwhile is gone.  A task that is not there any more was forgotten by a session
 * that completes its events by itself: how it ended cannot be asked. */

#include "config.h"

#include "cli/follow.h"

#include <glib-unix.h>
#include <glib/gi18n.h>

#include "cli/ask.h"
#include "cli/bus.h"
#include "cli/job.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "common/names.h"

/* Ten frames a second are smooth; progress comes four times a second. */
#define DRAW_INTERVAL_MS 100
/* How often and how long a service that has left is called back. */
#define RETURN_INTERVAL_MS 1000
#define RETURN_TRIES 60

#define PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"

typedef struct
{
  char *path; /* (owned) */
  gboolean take_new;
} Session;

struct _TrcFollow
{
  GDBusConnection *connection; /* (owned) */
  TrcFollowStyle style;
  GPtrArray *sessions;   /* (owned) (element-type Session) */
  GPtrArray *jobs;       /* (owned) (element-type TrcJob): in the order they were added */
  GHashTable *by_path;   /* (owned) (element-type utf8 TrcJob): the jobs of the array */
  TrcProgress *progress; /* (owned) (nullable): only on a terminal */
  TrcAsk *ask;           /* (owned) */
  GMainLoop *loop;       /* (owned) */
  TrcExit end;
  GPtrArray *untold; /* (owned) (element-type utf8): lines for when nothing is asked */
  guint n_finished;
  guint n_failed;
  gboolean interrupted;

  char *service; /* (owned) (nullable): unique name of the service attached to */
  guint n_tries;
  guint session_signals;
  guint task_signals;
  guint name_watch;
  guint return_source;
  guint draw_source;
  guint int_source;
  guint resize_source;
};

const char *const trc_follow_properties[] = { "State",
                                              "Url",
                                              "Destination",
                                              "Error",
                                              "BytesReceived",
                                              "BytesExpectedToReceive",
                                              "WaitReasons",
                                              "Challenge",
                                              "Kind",
                                              "BytesSent",
                                              "BytesExpectedToSend",
                                              "BytesConfirmed",
                                              "ErrorBody",
                                              NULL };

static void
free_session (gpointer data)
{
  Session *session = data;

  g_free (session->path);
  g_free (session);
}

static Session *
find_session (TrcFollow *self, const char *path)
{
  for (guint i = 0; i < self->sessions->len; i++)
    {
      Session *session = g_ptr_array_index (self->sessions, i);

      if (g_str_equal (session->path, path))
        return session;
    }
  return NULL;
}

/* ---- what is shown ---- */

static const char *
bar_note (const TrcJob *job)
{
  if (trc_job_awaits_answer (job))
    return _ ("awaits the answer");
  if (g_str_equal (job->state, "running"))
    return NULL;
  if (g_str_equal (job->state, "queued") && job->wait != NULL)
    return job->wait;
  return trc_print_state (job->state);
}

/* What runs comes first; @first says whether this round is theirs. */
static void
append_bars (TrcFollow *self, GArray *bars, TrcTotal *total, gboolean first)
{
  for (guint i = 0; i < self->jobs->len; i++)
    {
      TrcJob *job = g_ptr_array_index (self->jobs, i);
      gboolean runs = g_str_equal (job->state, "running");
      TrcBar bar = {
        .label = job->label,
        .note = bar_note (job),
        .moved = trc_job_get_moved (job),
        .all = trc_job_get_all (job),
        .confirmed = job->confirmed,
        .rate = runs ? job->rate.per_second : 0,
      };

      if (job->finished || runs != first)
        continue;
      g_array_append_val (bars, bar);
      total->rate += bar.rate;
      if (bar.all < 0 || total->left < 0)
        total->left = -1;
      else if ((guint64)bar.all > bar.moved)
        total->left += bar.all - (gint64)bar.moved;
    }
}

static gboolean
on_draw (gpointer data)
{
  TrcFollow *self = data;
  g_autoptr (GArray) bars = g_array_new (FALSE, TRUE, sizeof (TrcBar));
  TrcTotal total = { .n_all = self->jobs->len, .n_finished = self->n_finished };

  self->draw_source = 0;
  if (trc_ask_is_asking (self->ask))
    return G_SOURCE_REMOVE;
  for (guint i = 0; i < self->jobs->len; i++)
    total.moved += trc_job_get_moved (g_ptr_array_index (self->jobs, i));
  append_bars (self, bars, &total, TRUE);
  append_bars (self, bars, &total, FALSE);
  trc_progress_draw (
      self->progress, (const TrcBar *)(const void *)bars->data, bars->len, &total);
  return G_SOURCE_REMOVE;
}

static void
draw_soon (TrcFollow *self)
{
  if (self->progress != NULL && self->draw_source == 0 && !trc_ask_is_asking (self->ask))
    self->draw_source = g_timeout_add (DRAW_INTERVAL_MS, on_draw, self);
}

static gboolean
on_resize (gpointer data)
{
  TrcFollow *self = data;

  if (self->draw_source == 0)
    on_draw (self);
  return G_SOURCE_CONTINUE;
}

/* A line that stays. */
static void
tell (TrcFollow *self, const char *line)
{
  /* Not into the middle of a question. */
  if (trc_ask_is_asking (self->ask))
    {
      g_ptr_array_add (self->untold, g_strdup (line));
      return;
    }
  if (self->progress != NULL)
    trc_progress_erase (self->progress);
  trc_print_line ("%s", line);
  draw_soon (self);
}

static void
tell_change (TrcFollow *self, TrcJob *job)
{
  g_autofree char *text = NULL;
  g_autofree char *line = NULL;

  if (self->style == TRC_FOLLOW_JSON)
    trc_print_json_line (trc_job_to_json (job, "state"));
  else if (self->style == TRC_FOLLOW_PLAIN && self->progress == NULL)
    {
      text = trc_job_describe (job);
      line = g_strdup_printf ("%s: %s", job->label, text);
      tell (self, line);
    }
  draw_soon (self);
}

static gboolean
is_success (const TrcJob *job)
{
  /* A file is under its name only when it is complete. */
  if (job->unknown)
    return job->destination[0] != '\0'
           && g_file_test (job->destination, G_FILE_TEST_EXISTS);
  return job->error[0] == '\0';
}

static void
leave (TrcFollow *self, TrcExit end)
{
  self->end = end;
  trc_ask_stop (self->ask);
  g_main_loop_quit (self->loop);
}

static void
end_job (TrcFollow *self, TrcJob *job)
{
  g_autofree char *line = NULL;

  if (job->finished)
    return;
  job->finished = TRUE;
  self->n_finished++;
  trc_ask_update (self->ask, job->path, job->label, NULL);
  if (!is_success (job))
    self->n_failed++;

  line = trc_job_describe_end (job);
  if (self->style == TRC_FOLLOW_JSON)
    trc_print_json_line (trc_job_to_json (job, job->unknown ? "unknown" : "finished"));
  else if (self->style == TRC_FOLLOW_PLAIN)
    tell (self, line);
  else if (!is_success (job))
    trc_command_complain ("%s", line);
  if (self->n_finished == self->jobs->len)
    leave (self, trc_exit_for_counts (self->jobs->len, self->n_failed));
}

/* ---- what is asked ---- */

static void
on_ask_changed (gboolean is_asking, gpointer data)
{
  TrcFollow *self = data;

  if (is_asking && self->progress != NULL)
    trc_progress_erase (self->progress);
  if (is_asking)
    return;
  for (guint i = 0; i < self->untold->len; i++)
    trc_print_line ("%s", (const char *)g_ptr_array_index (self->untold, i));
  g_ptr_array_set_size (self->untold, 0);
  draw_soon (self);
}

/* Not every signal says what is asked. */
static void
look_for_challenge (TrcFollow *self, TrcJob *job)
{
  if (g_str_equal (job->state, "challenged") && job->challenge == NULL)
    {
      g_autoptr (GVariant) task = trc_bus_get_task (self->connection, job->path, NULL);

      if (task != NULL)
        trc_job_update (job, task);
    }
  trc_ask_update (self->ask, job->path, job->label, job->challenge);
}

/* ---- what is heard ---- */

void
trc_follow_add (TrcFollow *self,
                const char *session_path,
                const char *task_path,
                const char *name,
                GVariant *properties)
{
  TrcJob *job = g_hash_table_lookup (self->by_path, task_path);

  if (job != NULL)
    return;
  job = trc_job_new (session_path, task_path, name);
  trc_job_update (job, properties);
  g_ptr_array_add (self->jobs, job);
  g_hash_table_insert (self->by_path, job->path, job);
  look_for_challenge (self, job);
  if (self->style == TRC_FOLLOW_JSON)
    trc_print_json_line (trc_job_to_json (job, "added"));
  draw_soon (self);
}

static void
take_properties (TrcFollow *self, TrcJob *job, GVariant *properties)
{
  g_autofree char *before = trc_job_describe (job);
  g_autofree char *after = NULL;

  if (job->finished)
    return;
  trc_job_update (job, properties);
  look_for_challenge (self, job);
  after = trc_job_describe (job);
  if (!g_str_equal (before, after) && !g_str_equal (job->state, "finished"))
    tell_change (self, job);
  draw_soon (self);
}

static void
take_progress (TrcFollow *self, GVariant *tasks)
{
  GVariantIter iter;
  const char *path;
  guint64 received;
  guint64 sent;
  gint64 expected;
  gint64 expected_to_send;

  g_variant_iter_init (&iter, tasks);
  while (g_variant_iter_next (
      &iter, "(&ottxx)", &path, &received, &sent, &expected, &expected_to_send))
    {
      TrcJob *job = g_hash_table_lookup (self->by_path, path);

      if (job == NULL || job->finished)
        continue;
      job->received = received;
      job->expected = expected;
      job->sent = sent;
      job->expected_to_send = expected_to_send;
      trc_rate_update (&job->rate, g_get_monotonic_time (), trc_job_get_moved (job));
      if (self->style == TRC_FOLLOW_JSON)
        trc_print_json_line (trc_job_to_json (job, "progress"));
    }
  draw_soon (self);
}

static void
on_session_signal (GDBusConnection *connection,
                   const char *sender,
                   const char *session_path,
                   const char *interface,
                   const char *name,
                   GVariant *parameters,
                   gpointer data)
{
  TrcFollow *self = data;
  Session *session = find_session (self, session_path);
  const char *path;
  g_autoptr (GVariant) inner = NULL;
  TrcJob *job;

  if (session == NULL)
    return;
  if (g_str_equal (name, "TaskFinished")
      && g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(toa{sv})")))
    {
      g_variant_get (parameters, "(t&o@a{sv})", NULL, &path, &inner);
      job = g_hash_table_lookup (self->by_path, path);
      if (job != NULL && !job->finished)
        {
          trc_job_finish (job, inner);
          end_job (self, job);
        }
    }
  else if (g_str_equal (name, "TaskAdded") && session->take_new
           && g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(oa{sv})")))
    {
      g_variant_get (parameters, "(&o@a{sv})", &path, &inner);
      trc_follow_add (self, session_path, path, NULL, inner);
    }
  else if (g_str_equal (name, "Progress")
           && g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(a(ottxx))")))
    {
      inner = g_variant_get_child_value (parameters, 0);
      take_progress (self, inner);
    }
}

static void
on_task_signal (GDBusConnection *connection,
                const char *sender,
                const char *path,
                const char *interface,
                const char *name,
                GVariant *parameters,
                gpointer data)
{
  TrcFollow *self = data;
  TrcJob *job = g_hash_table_lookup (self->by_path, path);
  g_autoptr (GVariant) changed = NULL;

  if (job == NULL || !g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sa{sv}as)")))
    return;
  g_variant_get (parameters, "(&s@a{sv}@as)", NULL, &changed, NULL);
  take_properties (self, job, changed);
}

/* ---- the service comes and goes ---- */

static gboolean
attach (TrcFollow *self, const char *session_path, GError **error)
{
  g_autoptr (GVariant) reply = NULL;

  reply = trc_bus_call (self->connection,
                        session_path,
                        TRUNDLE_INTERFACE_SESSION,
                        "Attach",
                        g_variant_new_parsed ("({'observe': <true>},)"),
                        "(a{sv})",
                        error);
  return reply != NULL;
}

/* What is remembered of a task that is gone: an upload leaves no file to be seen by.
 * (transfer full) (nullable) */
static GVariant *
find_past (TrcFollow *self, const TrcJob *job)
{
  guint64 number = g_ascii_strtoull (trc_bus_task_number (job->path), NULL, 10);
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) tasks = NULL;

  reply = trc_bus_call (self->connection,
                        TRUNDLE_OBJECT_PATH,
                        TRUNDLE_INTERFACE_CONTROL,
                        "ListHistory",
                        g_variant_new_parsed ("({'after': <%t>},)", number - 1),
                        "(aa{sv})",
                        NULL);
  tasks = reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
  for (gsize i = 0; tasks != NULL && i < g_variant_n_children (tasks); i++)
    {
      g_autoptr (GVariant) task = g_variant_get_child_value (tasks, i);
      guint64 other = 0;

      if (g_variant_lookup (task, "number", "t", &other) && other == number)
        return g_steal_pointer (&task);
    }
  return NULL;
}

/* How the tasks of @session stand now.  FALSE only when the service cannot be reached. */
static gboolean
ask_again (TrcFollow *self, Session *session, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GPtrArray) tasks = NULL;

  if (attach (self, session->path, &local_error))
    tasks = trc_bus_list_tasks (
        self->connection, session->path, trc_follow_properties, NULL, &local_error);
  if (tasks == NULL && trc_bus_is_unreachable (local_error))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  for (guint i = 0; tasks != NULL && i < tasks->len; i++)
    {
      g_autoptr (GVariant) properties = NULL;
      const char *path;
      TrcJob *job;

      g_variant_get (g_ptr_array_index (tasks, i), "(&o@a{sv})", &path, &properties);
      g_hash_table_add (seen, g_strdup (path));
      job = g_hash_table_lookup (self->by_path, path);
      if (job == NULL)
        continue;
      take_properties (self, job, properties);
      if (g_str_equal (job->state, "finished"))
        end_job (self, job);
    }
  for (guint i = 0; i < self->jobs->len; i++)
    {
      TrcJob *job = g_ptr_array_index (self->jobs, i);
      g_autoptr (GVariant) past = NULL;

      if (job->finished || !g_str_equal (job->session_path, session->path)
          || g_hash_table_contains (seen, job->path))
        continue;
      past = job->is_upload ? find_past (self, job) : NULL;
      trc_job_lose (job, past);
      end_job (self, job);
    }
  return TRUE;
}

static gboolean
on_return (gpointer data)
{
  TrcFollow *self = data;
  g_autoptr (GError) error = NULL;

  /* The calls start the service if it is not back yet. */
  for (guint i = 0; i < self->sessions->len; i++)
    if (!ask_again (self, g_ptr_array_index (self->sessions, i), &error))
      break;
  if (error != NULL && ++self->n_tries < RETURN_TRIES)
    return G_SOURCE_CONTINUE;

  self->return_source = 0;
  self->n_tries = 0;
  if (error != NULL)
    leave (self, trc_command_fail (error));
  return G_SOURCE_REMOVE;
}

static void
return_soon (TrcFollow *self, guint delay_ms)
{
  if (self->return_source == 0)
    self->return_source = g_timeout_add (delay_ms, on_return, self);
}

static void
on_service_there (GDBusConnection *connection,
                  const char *name,
                  const char *owner,
                  gpointer data)
{
  TrcFollow *self = data;
  gboolean is_new = self->service != NULL && !g_str_equal (self->service, owner);

  g_free (self->service);
  self->service = g_strdup (owner);
  if (is_new)
    return_soon (self, 0);
}

static void
on_service_gone (GDBusConnection *connection, const char *name, gpointer data)
{
  TrcFollow *self = data;

  if (g_dbus_connection_is_closed (connection))
    {
      trc_command_complain ("%s", _ ("The connection to the bus is lost"));
      leave (self, TRC_EXIT_UNREACHABLE);
      return;
    }
  /* It was not there yet when we began to look. */
  if (self->service == NULL)
    return;
  if (self->style == TRC_FOLLOW_PLAIN)
    tell (self, _ ("The service has left; waiting for its return"));
  return_soon (self, RETURN_INTERVAL_MS);
}

static gboolean
on_interrupt (gpointer data)
{
  TrcFollow *self = data;

  self->interrupted = TRUE;
  leave (self, TRC_EXIT_INTERRUPTED);
  return G_SOURCE_CONTINUE;
}

/* ---- life ---- */

TrcFollow *
trc_follow_new (GDBusConnection *connection, TrcFollowStyle style)
{
  TrcFollow *self = g_new0 (TrcFollow, 1);

  self->connection = g_object_ref (connection);
  self->style = style;
  self->sessions = g_ptr_array_new_with_free_func (free_session);
  self->jobs = g_ptr_array_new_with_free_func ((GDestroyNotify)trc_job_free);
  self->by_path = g_hash_table_new (g_str_hash, g_str_equal);
  self->loop = g_main_loop_new (NULL, FALSE);
  if (style == TRC_FOLLOW_PLAIN && trc_print_is_terminal ())
    self->progress = trc_progress_new ();
  self->untold = g_ptr_array_new_with_free_func (g_free);
  self->ask = trc_ask_new (connection, on_ask_changed, self);

  self->session_signals = g_dbus_connection_signal_subscribe (connection,
                                                              TRUNDLE_BUS_NAME,
                                                              TRUNDLE_INTERFACE_SESSION,
                                                              NULL,
                                                              NULL,
                                                              NULL,
                                                              G_DBUS_SIGNAL_FLAGS_NONE,
                                                              on_session_signal,
                                                              self,
                                                              NULL);
  self->task_signals = g_dbus_connection_signal_subscribe (connection,
                                                           TRUNDLE_BUS_NAME,
                                                           PROPERTIES_INTERFACE,
                                                           "PropertiesChanged",
                                                           NULL,
                                                           TRUNDLE_INTERFACE_TASK,
                                                           G_DBUS_SIGNAL_FLAGS_NONE,
                                                           on_task_signal,
                                                           self,
                                                           NULL);
  /* From now on, so that no change of the service between Attach and the loop is missed:
   * it waits in the main context. */
  self->name_watch = g_bus_watch_name_on_connection (connection,
                                                     TRUNDLE_BUS_NAME,
                                                     G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                     on_service_there,
                                                     on_service_gone,
                                                     self,
                                                     NULL);
  return self;
}

void
trc_follow_free (TrcFollow *self)
{
  g_dbus_connection_signal_unsubscribe (self->connection, self->session_signals);
  g_dbus_connection_signal_unsubscribe (self->connection, self->task_signals);
  g_bus_unwatch_name (self->name_watch);
  g_clear_handle_id (&self->return_source, g_source_remove);
  g_clear_handle_id (&self->draw_source, g_source_remove);
  g_clear_handle_id (&self->int_source, g_source_remove);
  g_clear_handle_id (&self->resize_source, g_source_remove);
  g_clear_object (&self->connection);
  g_ptr_array_unref (self->sessions);
  g_hash_table_unref (self->by_path);
  g_ptr_array_unref (self->jobs);
  g_clear_pointer (&self->progress, trc_progress_free);
  g_clear_pointer (&self->ask, trc_ask_free);
  g_ptr_array_unref (self->untold);
  g_main_loop_unref (self->loop);
  g_free (self->service);
  g_free (self);
}

void
trc_follow_ask (TrcFollow *self)
{
  /* Whoever reads JSON is a program. */
  if (self->style != TRC_FOLLOW_JSON)
    trc_ask_use_terminal (self->ask);
}

gboolean
trc_follow_observe (TrcFollow *self,
                    const char *session_path,
                    gboolean take_new,
                    GError **error)
{
  Session *session = find_session (self, session_path);

  if (session == NULL)
    {
      if (!attach (self, session_path, error))
        return FALSE;
      session = g_new0 (Session, 1);
      session->path = g_strdup (session_path);
      g_ptr_array_add (self->sessions, session);
    }
  session->take_new |= take_new;
  return TRUE;
}

/* What had ended before it was followed. */
static void
end_finished (TrcFollow *self)
{
  for (guint i = 0; i < self->jobs->len; i++)
    {
      TrcJob *job = g_ptr_array_index (self->jobs, i);

      if (g_str_equal (job->state, "finished"))
        end_job (self, job);
    }
}

TrcExit
trc_follow_run (TrcFollow *self)
{
  if (self->jobs->len == 0)
    return TRC_EXIT_DONE;
  end_finished (self);
  if (self->n_finished == self->jobs->len)
    return self->end;

  self->int_source = g_unix_signal_add (SIGINT, on_interrupt, self);
  if (self->progress != NULL)
    self->resize_source = g_unix_signal_add (SIGWINCH, on_resize, self);
  draw_soon (self);
  g_main_loop_run (self->loop);

  if (self->progress != NULL)
    trc_progress_erase (self->progress);
  if (self->interrupted && self->style != TRC_FOLLOW_JSON)
    g_printerr (ngettext ("%u transfer goes on in the background; see “trundle list”\n",
                          "%u transfers go on in the background; see “trundle list”\n",
                          self->jobs->len - self->n_finished),
                self->jobs->len - self->n_finished);
  return self->end;
}
