/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One worker, from its start to its reaping.  It speaks the protocol and knows what of it
 * is sense; whose the attempts are is known above.  Gone means that the process is reaped
 * and that the connection has given us everything it said before: its last Done may be
 * read after its death is known.  What the kernel says of the death decides the blame
 * (DESIGN.md §2). */

#include "config.h"

#include "port/worker-process-private.h"

#include "common/names.h"
#include "port/worker-spawn.h"

#include <errno.h>
#include <gio/gunixfdlist.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

G_DEFINE_FINAL_TYPE (TrdWorkerProcess, trd_worker_process, G_TYPE_OBJECT)

static void
remove_source (guint *id)
{
  if (*id != 0)
    g_source_remove (*id);
  *id = 0;
}

/* Ending */

static gboolean
is_blamed_signal (int number)
{
  static const int blamed[]
      = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS };

  for (guint i = 0; i < G_N_ELEMENTS (blamed); i++)
    {
      if (blamed[i] == number)
        return TRUE;
    }
  return FALSE;
}

static TrdWorkerEnd
classify_end (TrdWorkerProcess *self)
{
  gboolean is_fault;

  if (self->is_mismatched)
    return TRD_WORKER_END_MISMATCH;
  if (!self->was_ready)
    return self->is_dismissed ? TRD_WORKER_END_OURS : TRD_WORKER_END_STILLBORN;
  is_fault = trd_worker_guard_get_violation (self->guard) != NULL
             || (self->is_reaped && self->death.si_code != CLD_EXITED
                 && is_blamed_signal (self->death.si_status));
  return is_fault ? TRD_WORKER_END_FAULT : TRD_WORKER_END_OURS;
}

static void
log_end (TrdWorkerProcess *self)
{
  const char *violation = self->guard != NULL
                              ? trd_worker_guard_get_violation (self->guard)
                              : NULL;
  int status = self->death.si_status;

  if (!self->is_reaped)
    return;
  if (violation != NULL)
    g_message ("Worker %d was killed for %s", self->pid, violation);
  else if (self->death.si_code != CLD_EXITED)
    g_message (
        "Worker %d was ended by signal %d (%s)", self->pid, status, g_strsignal (status));
  else if (status != 0 || self->state != TRD_WORKER_LEAVING)
    g_message ("Worker %d exited with status %d", self->pid, status);
  else
    g_debug ("Worker %d has left", self->pid);
}

static void
close_connection (TrdWorkerProcess *self)
{
  if (self->connection == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->connection, self);
  if (self->registration_id != 0)
    g_dbus_connection_unregister_object (self->connection, self->registration_id);
  self->registration_id = 0;
  g_clear_pointer (&self->pulse, trd_worker_pulse_free);
  g_dbus_connection_close (self->connection, NULL, NULL, NULL);
  g_clear_object (&self->connection);
}

/* Drops everything that could call us. */
static void
let_go (TrdWorkerProcess *self)
{
  self->state = TRD_WORKER_GONE;
  remove_source (&self->start_source);
  remove_source (&self->timer_source);
  remove_source (&self->death_source);
  g_hash_table_remove_all (self->stop_deadlines);
  g_cancellable_cancel (self->cancellable);
  close_connection (self);
  if (self->pidfd >= 0)
    g_close (self->pidfd, NULL);
  self->pidfd = -1;
}

static void
finish (TrdWorkerProcess *self)
{
  g_autoptr (TrdWorkerProcess) keep G_GNUC_UNUSED = g_object_ref (self);
  const TrdWorkerEvents *events = g_steal_pointer (&self->events);
  TrdWorkerEnd end = classify_end (self);

  log_end (self);
  let_go (self);
  if (events != NULL)
    events->on_gone (self, end, self->user_data);
}

static gboolean
on_timer_finish (gpointer user_data)
{
  TrdWorkerProcess *self = user_data;

  self->timer_source = 0;
  finish (self);
  return G_SOURCE_REMOVE;
}

/* "closed" comes behind all it said; g_dbus_connection_is_closed() is true before that
 * has been told (GLib 2.74).  A descriptor that leaked somewhere must not keep us waiting
 * for it, nor a late timer come before what is queued.  The socket of one that is not
 * connected yet may hold a whole life: Hello, Done and a crash. */
static void
finish_if_over (TrdWorkerProcess *self)
{
  if (!self->is_reaped || self->state == TRD_WORKER_GONE)
    return;
  remove_source (&self->timer_source);
  if (self->is_connecting || (self->connection != NULL && !self->is_hung_up))
    self->timer_source = g_timeout_add_full (
        G_PRIORITY_LOW, self->patience.linger_ms, on_timer_finish, self, NULL);
  else
    finish (self);
}

static gboolean
reap (TrdWorkerProcess *self, int options)
{
  int result;

  memset (&self->death, 0, sizeof self->death);
  do
    result = waitid (P_PIDFD, self->pidfd, &self->death, WEXITED | options);
  while (result < 0 && errno == EINTR);
  if (result == 0 && self->death.si_pid == 0)
    return FALSE;
  self->is_reaped = TRUE;
  return TRUE;
}

static gboolean
on_death (int fd, GIOCondition condition, gpointer user_data)
{
  TrdWorkerProcess *self = user_data;

  if (!reap (self, WNOHANG))
    return G_SOURCE_CONTINUE;
  self->death_source = 0;
  trd_worker_process_rest (self);
  finish_if_over (self);
  return G_SOURCE_REMOVE;
}

static void
send_signal (TrdWorkerProcess *self, int number)
{
  if (self->pidfd >= 0 && !self->is_reaped)
    pidfd_send_signal (self->pidfd, number, NULL, 0);
}

static gboolean
on_lingering (gpointer user_data)
{
  TrdWorkerProcess *self = user_data;

  send_signal (self, self->next_signal);
  self->next_signal = SIGKILL;
  return G_SOURCE_CONTINUE;
}

static void
begin_leaving (TrdWorkerProcess *self, int next_signal)
{
  self->state = TRD_WORKER_LEAVING;
  self->next_signal = next_signal;
  trd_worker_process_rest (self);
  remove_source (&self->timer_source);
  self->timer_source = g_timeout_add (self->patience.linger_ms, on_lingering, self);
}

static void
on_closed (GDBusConnection *connection,
           gboolean remote_peer_vanished,
           GError *error,
           gpointer user_data)
{
  TrdWorkerProcess *self = user_data;

  self->is_hung_up = TRUE;
  if (self->is_reaped)
    finish (self);
  else if (self->state != TRD_WORKER_LEAVING)
    {
      /* Nobody to talk to any more: it leaves on its own, or is made to. */
      begin_leaving (self, SIGTERM);
    }
}

/* Starting */

void
trd_worker_process_welcome (TrdWorkerProcess *self)
{
  self->was_ready = TRUE;
  if (self->state != TRD_WORKER_STARTING)
    return;
  remove_source (&self->timer_source);
  self->state = TRD_WORKER_READY;
  self->events->on_ready (self, self->user_data);
}

/* It leaves on its own when it hears why. */
void
trd_worker_process_reject (TrdWorkerProcess *self)
{
  self->is_mismatched = TRUE;
  begin_leaving (self, SIGTERM);
}

static gboolean
on_no_hello (gpointer user_data)
{
  TrdWorkerProcess *self = user_data;

  g_message ("Worker %d did not say Hello in time", self->pid);
  self->timer_source = 0;
  g_cancellable_cancel (self->cancellable);
  trd_worker_process_kill (self);
  return G_SOURCE_REMOVE;
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TrdWorkerProcess) self = user_data;
  g_autoptr (GError) error = NULL;

  self->is_connecting = FALSE;
  self->connection = g_dbus_connection_new_finish (result, &error);
  if (self->connection == NULL)
    {
      if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        g_message ("Worker %d cannot be talked to: %s", self->pid, error->message);
      if (self->is_reaped)
        finish_if_over (self);
      else if (self->state != TRD_WORKER_GONE)
        trd_worker_process_kill (self);
      return;
    }
  if (self->state == TRD_WORKER_GONE)
    {
      close_connection (self);
      return;
    }

  g_signal_connect (self->connection, "closed", G_CALLBACK (on_closed), self);
  self->registration_id = trd_worker_broker_export (self, self->connection);
  g_assert (self->registration_id != 0);
  trd_worker_guard_watch (self->guard, self->connection);
  self->pulse = trd_worker_pulse_new (
      self->connection, self->guard, self->patience.ping_ms, self->patience.silence_ms);
  g_dbus_connection_start_message_processing (self->connection);
}

/* The other side must be the same user, which the socket pair makes certain and which
 * GDBus needs to negotiate descriptors. */
static void
connect_to_worker (TrdWorkerProcess *self, int socket_fd)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket = g_socket_new_from_fd (socket_fd, &error);
  g_autoptr (GSocketConnection) stream = NULL;
  g_autofree char *guid = g_dbus_generate_guid ();

  g_assert_no_error (error);
  stream = g_socket_connection_factory_create_connection (socket);
  self->is_connecting = TRUE;
  g_dbus_connection_new (G_IO_STREAM (stream),
                         guid,
                         G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER
                             | G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_REQUIRE_SAME_USER
                             | G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
                         NULL,
                         self->cancellable,
                         on_connected,
                         g_object_ref (self));
}

static gboolean
on_start_due (gpointer user_data)
{
  TrdWorkerProcess *self = user_data;
  g_autoptr (GError) error = NULL;
  TrdSpawned spawned;

  self->start_source = 0;
  if (!trd_worker_spawn (self->program, self->profile, &spawned, &error))
    {
      g_message ("%s (%s)", error->message, self->program);
      finish (self);
      return G_SOURCE_REMOVE;
    }
  self->pid = spawned.pid;
  self->pidfd = spawned.pidfd;
  g_debug ("Worker %d starts", self->pid);
  self->guard = trd_worker_guard_new (self->pidfd, trd_worker_broker_get_interface ());
  self->death_source = g_unix_fd_add (self->pidfd, G_IO_IN, on_death, self);
  self->timer_source = g_timeout_add (self->patience.answer_ms, on_no_hello, self);
  connect_to_worker (self, spawned.socket_fd);
  return G_SOURCE_REMOVE;
}

void
trd_worker_process_start (TrdWorkerProcess *self, guint delay_ms)
{
  g_return_if_fail (TRD_IS_WORKER_PROCESS (self));
  g_return_if_fail (self->state == TRD_WORKER_NEW);

  self->state = TRD_WORKER_STARTING;
  self->start_source = g_timeout_add (delay_ms, on_start_due, self);
}

gboolean
trd_worker_process_is_ready (TrdWorkerProcess *self)
{
  return self->state == TRD_WORKER_READY;
}

gboolean
trd_worker_process_is_leaving (TrdWorkerProcess *self)
{
  return self->state == TRD_WORKER_LEAVING || self->state == TRD_WORKER_GONE
         || self->is_reaped;
}

int
trd_worker_process_get_pid (TrdWorkerProcess *self)
{
  return self->is_reaped ? 0 : self->pid;
}

/* Attempts */

typedef struct
{
  TrdWorkerProcess *process; /* (owned) in a call, (unowned) in a deadline */
  guint64 attempt;
} Reference;

static Reference *
new_reference (TrdWorkerProcess *process, guint64 attempt)
{
  Reference *self = g_new0 (Reference, 1);

  self->process = process;
  self->attempt = attempt;
  return self;
}

static void
on_begin_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Reference *reference = user_data;
  g_autoptr (TrdWorkerProcess) self = reference->process;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  /* Any other error says that there is no worker any more, which is told in full. */
  if (reply != NULL || self->events == NULL || !g_dbus_error_is_remote_error (error))
    return;
  g_dbus_error_strip_remote_error (error);
  self->events->on_refused (self, reference->attempt, error, self->user_data);
}

void
trd_worker_process_begin (TrdWorkerProcess *self,
                          guint64 attempt,
                          GUnixFDList *files,
                          int part_handle,
                          GVariant *request)
{
  g_return_if_fail (TRD_IS_WORKER_PROCESS (self));
  g_return_if_fail (self->state == TRD_WORKER_READY);

  trd_worker_pulse_start (self->pulse);
  g_dbus_connection_call_with_unix_fd_list (
      self->connection,
      NULL,
      TRUNDLE_WORKER_PATH,
      TRUNDLE_INTERFACE_WORKER,
      "Begin",
      g_variant_new ("(th@a{sv})", attempt, part_handle, request),
      G_VARIANT_TYPE_UNIT,
      G_DBUS_CALL_FLAGS_NONE,
      G_MAXINT,
      files,
      NULL,
      on_begin_answered,
      new_reference (g_object_ref (self), attempt));
}

void
trd_worker_process_ask (TrdWorkerProcess *self,
                        const char *method,
                        GUnixFDList *files,
                        GVariant *request,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_return_if_fail (TRD_IS_WORKER_PROCESS (self));
  g_return_if_fail (self->state == TRD_WORKER_READY);

  trd_worker_pulse_start (self->pulse);
  g_dbus_connection_call_with_unix_fd_list (self->connection,
                                            NULL,
                                            TRUNDLE_WORKER_PATH,
                                            TRUNDLE_INTERFACE_WORKER,
                                            method,
                                            g_variant_new ("(h@a{sv})", 0, request),
                                            G_VARIANT_TYPE ("(a{sv})"),
                                            G_DBUS_CALL_FLAGS_NONE,
                                            G_MAXINT,
                                            files,
                                            NULL,
                                            callback,
                                            user_data);
}

static void
on_stop_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Reference *reference = user_data;
  g_autoptr (TrdWorkerProcess) self = reference->process;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  if (self->events == NULL)
    return;
  if (reply != NULL)
    {
      g_hash_table_remove (self->stop_deadlines, &reference->attempt);
      self->events->on_stopped (self, reference->attempt, self->user_data);
    }
  else if (g_dbus_error_is_remote_error (error))
    trd_worker_guard_condemn (self->guard, "a Stop refused");
}

static gboolean
on_stop_overdue (gpointer user_data)
{
  Reference *reference = user_data;

  g_message ("Worker %d does not stop an attempt", reference->process->pid);
  trd_worker_process_kill (reference->process);
  return G_SOURCE_CONTINUE;
}

static void
remove_deadline (gpointer source_id)
{
  g_source_remove (GPOINTER_TO_UINT (source_id));
}

void
trd_worker_process_forget_jar (TrdWorkerProcess *self, guint64 jar)
{
  g_return_if_fail (TRD_IS_WORKER_PROCESS (self));

  if (self->connection != NULL)
    g_dbus_connection_call (self->connection,
                            NULL,
                            TRUNDLE_WORKER_PATH,
                            TRUNDLE_INTERFACE_WORKER,
                            "ForgetJar",
                            g_variant_new ("(t)", jar),
                            NULL,
                            G_DBUS_CALL_FLAGS_NONE,
                            G_MAXINT,
                            NULL,
                            NULL,
                            NULL);
}

void
trd_worker_process_stop (TrdWorkerProcess *self, guint64 attempt)
{
  guint source_id;

  g_return_if_fail (TRD_IS_WORKER_PROCESS (self));

  if (self->connection == NULL)
    return;
  g_dbus_connection_call (self->connection,
                          NULL,
                          TRUNDLE_WORKER_PATH,
                          TRUNDLE_INTERFACE_WORKER,
                          "Stop",
                          g_variant_new ("(t)", attempt),
                          G_VARIANT_TYPE_UNIT,
                          G_DBUS_CALL_FLAGS_NONE,
                          G_MAXINT,
                          NULL,
                          on_stop_answered,
                          new_reference (g_object_ref (self), attempt));
  source_id = g_timeout_add_full (G_PRIORITY_DEFAULT,
                                  self->patience.stop_ms,
                                  on_stop_overdue,
                                  new_reference (self, attempt),
                                  g_free);
  g_hash_table_insert (self->stop_deadlines,
                       g_memdup2 (&attempt, sizeof attempt),
                       GUINT_TO_POINTER (source_id));
}

void
trd_worker_process_rest (TrdWorkerProcess *self)
{
  if (self->pulse != NULL)
    trd_worker_pulse_rest (self->pulse);
}

/* Leaving */

/* One that does not start yet is gone, but is told so from the main loop. */
static gboolean
on_never_started (gpointer user_data)
{
  TrdWorkerProcess *self = user_data;

  self->start_source = 0;
  finish (self);
  return G_SOURCE_REMOVE;
}

static gboolean
leave_unstarted (TrdWorkerProcess *self)
{
  if (self->pid != 0 || self->state == TRD_WORKER_GONE)
    return self->state == TRD_WORKER_GONE;
  self->state = TRD_WORKER_LEAVING;
  remove_source (&self->start_source);
  self->start_source = g_idle_add (on_never_started, self);
  return TRUE;
}

void
trd_worker_process_leave (TrdWorkerProcess *self)
{
  g_return_if_fail (TRD_IS_WORKER_PROCESS (self));

  self->is_dismissed = TRUE;
  if (self->state == TRD_WORKER_LEAVING || leave_unstarted (self) || self->is_reaped)
    return;
  if (self->connection != NULL && !g_dbus_connection_is_closed (self->connection))
    {
      begin_leaving (self, SIGTERM);
      g_dbus_connection_call (self->connection,
                              NULL,
                              TRUNDLE_WORKER_PATH,
                              TRUNDLE_INTERFACE_WORKER,
                              "Leave",
                              NULL,
                              NULL,
                              G_DBUS_CALL_FLAGS_NONE,
                              -1,
                              NULL,
                              NULL,
                              NULL);
      return;
    }
  send_signal (self, SIGTERM);
  begin_leaving (self, SIGKILL);
}

void
trd_worker_process_kill (TrdWorkerProcess *self)
{
  g_return_if_fail (TRD_IS_WORKER_PROCESS (self));

  if (leave_unstarted (self) || self->is_reaped)
    return;
  send_signal (self, SIGKILL);
  begin_leaving (self, SIGKILL);
}

void
trd_worker_process_abandon (TrdWorkerProcess *self)
{
  g_return_if_fail (TRD_IS_WORKER_PROCESS (self));

  self->events = NULL;
  if (self->pidfd >= 0 && !self->is_reaped)
    {
      send_signal (self, SIGKILL);
      reap (self, 0);
    }
  let_go (self);
}

static void
trd_worker_process_finalize (GObject *object)
{
  TrdWorkerProcess *self = TRD_WORKER_PROCESS (object);

  trd_worker_process_abandon (self);
  g_free (self->program);
  g_clear_pointer (&self->guard, trd_worker_guard_unref);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->stop_deadlines, g_hash_table_unref);
  G_OBJECT_CLASS (trd_worker_process_parent_class)->finalize (object);
}

static void
trd_worker_process_class_init (TrdWorkerProcessClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = trd_worker_process_finalize;
}

static void
trd_worker_process_init (TrdWorkerProcess *self)
{
  self->pidfd = -1;
  self->cancellable = g_cancellable_new ();
  self->stop_deadlines = g_hash_table_new_full (
      g_int64_hash, g_int64_equal, g_free, remove_deadline);
}

TrdWorkerProcess *
trd_worker_process_new (const char *program,
                        TrdProfile profile,
                        const TrdWorkerPatience *patience,
                        const TrdWorkerEvents *events,
                        gpointer user_data)
{
  TrdWorkerProcess *self = g_object_new (TRD_TYPE_WORKER_PROCESS, NULL);

  self->program = g_strdup (program);
  self->profile = profile;
  self->patience = *patience;
  self->events = events;
  self->user_data = user_data;
  return self;
}
