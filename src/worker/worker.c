/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The worker's object on the connection to the daemon, and what its attempts report: one
 * Progress for all that moved, every 250 ms at most and never before the last was
 * acknowledged, so that a slow daemon is not flooded and an idle worker never wakes. */

#include "config.h"

#include "worker.h"

#include "attempt.h"
#include "common/cookies.h"
#include "common/defaults.h"
#include "common/error.h"
#include "common/names.h"
#include "files.h"
#include "jars.h"
#include "refresh.h"
#include "sessions.h"
#include "terminate.h"

#define RESOURCE_PATH                                                                    \
  "/org/freedesktop/BackgroundTransfer1/org.freedesktop.BackgroundTransfer1.Worker.xml"

struct _TrwWorker
{
  GMainLoop *loop;             /* (owned) */
  GDBusConnection *connection; /* (owned) */
  GDBusNodeInfo *node;         /* (owned) */
  guint registration_id;
  TrwProfile profile;
  TrwJars *jars;         /* (owned) */
  TrwSessions *sessions; /* (owned) */
  GHashTable *attempts;  /* (owned): id to TrwAttempt */
  GHashTable *stops;     /* (owned): id to the GDBusMethodInvocation of its Stop */
  GHashTable *moved;     /* (owned): ids since the last Progress */
  guint progress_source; /* 0 when nothing moved */
  guint n_progress_unheard;
  int exit_status;
};

static void
leave (TrwWorker *self, int exit_status)
{
  self->exit_status = exit_status;
  g_main_loop_quit (self->loop);
}

/* To the daemon */

static void
tell (TrwWorker *self, const char *method, GVariant *arguments)
{
  g_autoptr (GDBusMessage) message = g_dbus_message_new_method_call (
      NULL, TRUNDLE_WORKER_PATH, TRUNDLE_INTERFACE_BROKER, method);

  g_dbus_message_set_flags (message, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  g_dbus_message_set_body (message, arguments);
  g_dbus_connection_send_message (
      self->connection, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
}

static void
ask (TrwWorker *self,
     const char *method,
     GVariant *arguments,
     GAsyncReadyCallback callback,
     gpointer user_data)
{
  g_dbus_connection_call (self->connection,
                          NULL,
                          TRUNDLE_WORKER_PATH,
                          TRUNDLE_INTERFACE_BROKER,
                          method,
                          arguments,
                          G_VARIANT_TYPE_UNIT,
                          G_DBUS_CALL_FLAGS_NONE,
                          G_MAXINT,
                          NULL,
                          callback,
                          user_data);
}

static void
on_hello_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  TrwWorker *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  if (reply == NULL)
    leave (self, g_dbus_connection_is_closed (self->connection) ? 0 : 1);
}

static void
say_hello (TrwWorker *self, const TrwConfinement *confinement)
{
  GVariantBuilder facts;

  g_variant_builder_init (&facts, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (
      &facts, "{sv}", "landlock", g_variant_new_int32 (confinement->landlock));
  g_variant_builder_add (
      &facts, "{sv}", "seccomp", g_variant_new_boolean (confinement->seccomp));
  ask (self,
       "Hello",
       g_variant_new (
           "(usa{sv})", (guint)TRUNDLE_WORKER_PROTOCOL, TRUNDLE_VERSION, &facts),
       on_hello_answered,
       self);
}

/* Progress */

static void
schedule_progress (TrwWorker *self);

static void
on_progress_heard (GObject *source, GAsyncResult *result, gpointer user_data)
{
  TrwWorker *self = user_data;
  g_autoptr (GVariant) reply = NULL;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  self->n_progress_unheard--;
  schedule_progress (self);
}

static void
tell_progress (TrwWorker *self)
{
  GVariantBuilder rows;
  GHashTableIter iter;
  gpointer attempt;

  g_variant_builder_init (&rows, G_VARIANT_TYPE ("a(tttxtt)"));
  g_hash_table_iter_init (&iter, self->moved);
  while (g_hash_table_iter_next (&iter, &attempt, NULL))
    g_variant_builder_add (&rows,
                           "(tttxtt)",
                           trw_attempt_get_id (attempt),
                           trw_attempt_get_received (attempt),
                           trw_attempt_get_synced (attempt),
                           trw_attempt_get_expected (attempt),
                           trw_attempt_get_body_sent (attempt),
                           trw_attempt_get_body_confirmed (attempt));
  g_hash_table_remove_all (self->moved);
  self->n_progress_unheard++;
  ask (self, "Progress", g_variant_new ("(a(tttxtt))", &rows), on_progress_heard, self);
}

static gboolean
on_progress_due (gpointer user_data)
{
  TrwWorker *self = user_data;

  self->progress_source = 0;
  tell_progress (self);
  return G_SOURCE_REMOVE;
}

static void
schedule_progress (TrwWorker *self)
{
  if (self->progress_source != 0 || self->n_progress_unheard > 0
      || g_hash_table_size (self->moved) == 0)
    return;
  self->progress_source = g_timeout_add (TRD_PROGRESS_INTERVAL_MS, on_progress_due, self);
}

/* From the attempts */

typedef struct
{
  TrwWorker *worker; /* (unowned), outlives us */
  guint64 attempt;
} Unheard;

static void
on_response_heard (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Unheard *unheard = user_data;
  g_autoptr (GVariant) reply = NULL;
  TrwAttempt *attempt;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  attempt = g_hash_table_lookup (unheard->worker->attempts, &unheard->attempt);
  if (reply != NULL && attempt != NULL)
    trw_attempt_hear (attempt);
}

static void
on_responded (TrwAttempt *attempt, GVariant *response, gpointer user_data)
{
  guint64 id = trw_attempt_get_id (attempt);
  GVariant *arguments = g_variant_new ("(t@a{sv})", id, response);
  Unheard *unheard;

  if (!trw_attempt_is_unheard (attempt))
    {
      tell (user_data, "Response", arguments);
      return;
    }

  unheard = g_new0 (Unheard, 1);
  unheard->worker = user_data;
  unheard->attempt = id;
  ask (user_data, "Response", arguments, on_response_heard, unheard);
}

static void
on_redirected (TrwAttempt *attempt,
               const char *from,
               const char *to,
               guint status,
               gpointer user_data)
{
  tell (user_data,
        "Redirected",
        g_variant_new ("(tssu)", trw_attempt_get_id (attempt), from, to, status));
}

static void
on_moved (TrwAttempt *attempt, gpointer user_data)
{
  TrwWorker *self = user_data;

  g_hash_table_add (self->moved, attempt);
  if (trw_attempt_take_whole (attempt))
    tell_progress (self);
  else
    schedule_progress (self);
}

static void
on_upload_heard (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Unheard *unheard = user_data;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;
  TrwAttempt *attempt;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  attempt = g_hash_table_lookup (unheard->worker->attempts, &unheard->attempt);
  if (attempt != NULL)
    trw_attempt_hear_upload (attempt, error);
}

static void
on_uploaded (TrwAttempt *attempt, GVariant *place, gpointer user_data)
{
  guint64 id = trw_attempt_get_id (attempt);
  Unheard *unheard = g_new0 (Unheard, 1);

  unheard->worker = user_data;
  unheard->attempt = id;
  ask (user_data,
       "UploadChanged",
       g_variant_new ("(t@a{sv})", id, place),
       on_upload_heard,
       unheard);
}

static void
on_digested (TrwAttempt *attempt, GVariant *state, gpointer user_data)
{
  tell (user_data,
        "Digested",
        g_variant_new ("(t@a{sv})", trw_attempt_get_id (attempt), state));
}

static void
on_cookies_changed (guint64 jar, guint64 version, GVariant *changes, gpointer user_data)
{
  tell (user_data,
        "CookiesChanged",
        g_variant_new ("(tt@" TRUNDLE_COOKIES_TYPE ")", jar, version, changes));
}

static void
forget_progress (TrwWorker *self, TrwAttempt *attempt)
{
  g_hash_table_remove (self->moved, attempt);
  if (g_hash_table_size (self->moved) == 0 && self->progress_source != 0)
    {
      g_source_remove (self->progress_source);
      self->progress_source = 0;
    }
}

static void
on_over (TrwAttempt *attempt, GVariant *facts, gpointer user_data)
{
  TrwWorker *self = user_data;
  guint64 id = trw_attempt_get_id (attempt);
  g_autofree gpointer stop_key = NULL;
  gpointer stop = NULL;

  forget_progress (self, attempt);
  if (facts != NULL)
    tell (self, "Done", g_variant_new ("(t@a{sv})", id, facts));
  g_hash_table_steal_extended (self->stops, &id, &stop_key, &stop);
  g_hash_table_remove (self->attempts, &id);
  if (stop != NULL)
    g_dbus_method_invocation_return_value (stop, NULL);
}

static const TrwAttemptHooks hooks = { on_responded, on_redirected, on_moved,
                                       on_uploaded,  on_digested,   on_over };

/* From the daemon */

static TrwRequest *
read_request (
    TrwWorker *self, guint64 id, GVariant *dict, TrwFiles *files, GError **error)
{
  g_autoptr (TrwRequest) request = NULL;
  int decode_handle = -1;

  if (g_hash_table_contains (self->attempts, &id))
    {
      g_set_error_literal (
          error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT, "The attempt exists");
      return NULL;
    }
  request = trw_request_new (dict, error);
  if (request == NULL || !trw_request_take_body (request, dict, files, error)
      || !trw_jars_take (self->jars, dict, &request->jar, error))
    return NULL;
  if (!g_variant_lookup (dict, "decode", "h", &decode_handle))
    return g_steal_pointer (&request);
  request->decode_fd = trw_files_take (files, decode_handle);
  if (request->decode_fd >= 0)
    return g_steal_pointer (&request);
  g_set_error_literal (
      error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT, "No file to decode to");
  return NULL;
}

static int
take_file (TrwFiles *files, int handle, GError **error)
{
  int fd = trw_files_take (files, handle);

  if (fd < 0)
    g_set_error_literal (
        error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT, "No file for an answer");
  return fd;
}

static void
handle_begin (TrwWorker *self, GVariant *parameters, GDBusMethodInvocation *invocation)
{
  guint64 id;
  int part_handle;
  int part = -1;
  g_auto (TrwFiles) files = { NULL, 0 };
  g_autoptr (GVariant) dict = NULL;
  g_autoptr (TrwRequest) request = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (TrwSession) session = NULL;

  g_variant_get (parameters, "(th@a{sv})", &id, &part_handle, &dict);
  trw_files_init (&files, invocation);
  request = read_request (self, id, dict, &files, &error);
  if (request != NULL)
    part = take_file (&files, part_handle, &error);
  if (part < 0)
    {
      g_dbus_method_invocation_return_gerror (invocation, error);
      return;
    }
  request->is_local = self->profile == TRW_PROFILE_LOCAL;
  g_dbus_method_invocation_return_value (invocation, NULL);
  session = trw_sessions_get (self->sessions, request);
  g_hash_table_insert (
      self->attempts,
      g_memdup2 (&id, sizeof id),
      trw_attempt_new (id, g_steal_pointer (&request), part, session, &hooks, self));
}

static void
handle_stop (TrwWorker *self, GVariant *parameters, GDBusMethodInvocation *invocation)
{
  guint64 id;
  TrwAttempt *attempt;

  g_variant_get (parameters, "(t)", &id);
  attempt = g_hash_table_lookup (self->attempts, &id);
  if (attempt == NULL)
    {
      g_dbus_method_invocation_return_value (invocation, NULL);
      return;
    }
  if (g_hash_table_contains (self->stops, &id))
    {
      g_dbus_method_invocation_return_error (invocation,
                                             TRUNDLE_ERROR,
                                             TRUNDLE_ERROR_BAD_STATE,
                                             "The attempt is being stopped");
      return;
    }
  g_hash_table_insert (self->stops, g_memdup2 (&id, sizeof id), invocation);
  trw_attempt_stop (attempt);
}

static void
handle_forget_jar (TrwWorker *self,
                   GVariant *parameters,
                   GDBusMethodInvocation *invocation)
{
  guint64 jar;

  g_variant_get (parameters, "(t)", &jar);
  trw_jars_forget (self->jars, jar);
  g_dbus_method_invocation_return_value (invocation, NULL);
}

static void
on_errand_answered (GVariant *answer, gpointer user_data)
{
  g_dbus_method_invocation_return_value (user_data, g_variant_new ("(@a{sv})", answer));
}

static void
handle_refresh (TrwWorker *self, GVariant *parameters, GDBusMethodInvocation *invocation)
{
  g_autoptr (GVariant) request = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (TrwFiles) files = { NULL, 0 };
  int handle;
  int room;

  g_variant_get (parameters, "(h@a{sv})", &handle, &request);
  trw_files_init (&files, invocation);
  room = take_file (&files, handle, &error);
  if (room < 0
      || !trw_refresh_begin (
          request, room, self->sessions, on_errand_answered, invocation, &error))
    g_dbus_method_invocation_return_gerror (invocation, error);
}

static void
handle_terminate (TrwWorker *self,
                  GVariant *parameters,
                  GDBusMethodInvocation *invocation)
{
  g_autoptr (GVariant) request = NULL;
  g_autoptr (TrwJar) jar = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (TrwFiles) files = { NULL, 0 };
  TrwTerminator who = { .is_local = self->profile == TRW_PROFILE_LOCAL };
  int handle;
  int room = -1;

  g_variant_get (parameters, "(h@a{sv})", &handle, &request);
  trw_files_init (&files, invocation);
  if (trw_jars_take (self->jars, request, &jar, &error))
    room = take_file (&files, handle, &error);
  who.jar = jar;
  if (room < 0
      || !trw_terminate_begin (
          request, room, &who, self->sessions, on_errand_answered, invocation, &error))
    g_dbus_method_invocation_return_gerror (invocation, error);
}

/* That we get here is the answer. */
static void
handle_ping (TrwWorker *self, GVariant *parameters, GDBusMethodInvocation *invocation)
{
  g_dbus_method_invocation_return_value (invocation, NULL);
}

static void
handle_leave (TrwWorker *self, GVariant *parameters, GDBusMethodInvocation *invocation)
{
  trw_jars_flush (self->jars);
  g_dbus_method_invocation_return_value (invocation, NULL);
  g_dbus_connection_flush_sync (self->connection, NULL, NULL);
  leave (self, 0);
}

static void
on_method_call (GDBusConnection *connection,
                const char *sender,
                const char *object_path,
                const char *interface_name,
                const char *method_name,
                GVariant *parameters,
                GDBusMethodInvocation *invocation,
                gpointer user_data)
{
  static const struct
  {
    const char *name;
    void (*handle) (TrwWorker *self,
                    GVariant *parameters,
                    GDBusMethodInvocation *invocation);
  } rows[] = {
    { "Begin", handle_begin },          { "Stop", handle_stop },
    { "ForgetJar", handle_forget_jar }, { "Refresh", handle_refresh },
    { "Terminate", handle_terminate },  { "Ping", handle_ping },
    { "Leave", handle_leave },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      if (g_str_equal (method_name, rows[i].name))
        {
          rows[i].handle (user_data, parameters, invocation);
          return;
        }
    }
  g_assert_not_reached ();
}

static void
on_closed (GDBusConnection *connection,
           gboolean remote_peer_vanished,
           GError *error,
           gpointer user_data)
{
  leave (user_data, 0);
}

static gboolean export(TrwWorker *self, GError **error)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_method_call };
  g_autoptr (GBytes) xml = NULL;

  xml = g_resources_lookup_data (RESOURCE_PATH, G_RESOURCE_LOOKUP_FLAGS_NONE, error);
  if (xml == NULL)
    return FALSE;
  self->node = g_dbus_node_info_new_for_xml (g_bytes_get_data (xml, NULL), error);
  if (self->node == NULL)
    return FALSE;
  self->registration_id = g_dbus_connection_register_object (
      self->connection,
      TRUNDLE_WORKER_PATH,
      g_dbus_node_info_lookup_interface (self->node, TRUNDLE_INTERFACE_WORKER),
      &vtable,
      self,
      NULL,
      error);
  return self->registration_id != 0;
}

TrwWorker *
trw_worker_new (GDBusConnection *connection,
                GTlsDatabase *trust,
                const TrwConfinement *confinement,
                GError **error)
{
  g_autoptr (TrwWorker) self = g_new0 (TrwWorker, 1);

  self->loop = g_main_loop_new (NULL, FALSE);
  self->connection = g_object_ref (connection);
  self->profile = confinement->profile;
  self->sessions = trw_sessions_new (connection, trust);
  self->attempts = g_hash_table_new_full (
      g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)trw_attempt_unref);
  self->stops = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->moved = g_hash_table_new (NULL, NULL);
  self->jars = trw_jars_new (on_cookies_changed, self);
  if (!export(self, error))
    return NULL;
  g_signal_connect (connection, "closed", G_CALLBACK (on_closed), self);
  g_dbus_connection_start_message_processing (connection);
  say_hello (self, confinement);
  return g_steal_pointer (&self);
}

/* Only before it has run: afterwards the process ends. */
void
trw_worker_free (TrwWorker *self)
{
  g_signal_handlers_disconnect_by_data (self->connection, self);
  if (self->registration_id != 0)
    g_dbus_connection_unregister_object (self->connection, self->registration_id);
  g_main_loop_unref (self->loop);
  g_clear_object (&self->connection);
  g_clear_pointer (&self->node, g_dbus_node_info_unref);
  g_hash_table_unref (self->attempts);
  trw_jars_free (self->jars);
  trw_sessions_free (self->sessions);
  g_hash_table_unref (self->stops);
  g_hash_table_unref (self->moved);
  g_free (self);
}

int
trw_worker_run (TrwWorker *self)
{
  g_main_loop_run (self->loop);
  return self->exit_status;
}
