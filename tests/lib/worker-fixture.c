/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Daemon's side of the private protocol, as far as a test needs it: says yes to
 * everything and keeps what it was told. */

#include "config.h"

#include "worker-fixture.h"

#include "common/error.h"
#include "common/names.h"
#include "common/profile.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <glib/gstdio.h>
#include <sys/mman.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#define XML_PATH                                                                         \
  "/org/freedesktop/BackgroundTransfer1/org.freedesktop.BackgroundTransfer1.Worker.xml"
#define DEADLINE_US (20 * G_TIME_SPAN_SECOND)

struct _WorkerFixture
{
  GSubprocess *process;
  GDBusConnection *connection;
  gboolean has_greeted;
  GHashTable *done; /* attempt to facts */
  GHashTable *part_paths;
  GPtrArray *redirects;
  GPtrArray *digested; /* states */
  GPtrArray *cookies;  /* arguments of CookiesChanged */
  GPtrArray *uploads;  /* what UploadChanged told */
  gboolean refuses_uploads;
  char *proxy;
  guint64 n_attempts;
  guint64 last_received;
  guint64 last_sent;
  guint64 last_confirmed;
  gboolean holds_response;
  GDBusMethodInvocation *held_response; /* (owned) (nullable) */
  gboolean has_exited;
};

typedef gboolean (*Condition) (WorkerFixture *self, gpointer data);

static gboolean
on_tick (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static void
await (WorkerFixture *self, Condition condition, gpointer data)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  guint tick = g_timeout_add (100, on_tick, NULL);

  while (!condition (self, data))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_main_context_iteration (NULL, TRUE);
    }
  g_source_remove (tick);
}

static void
note_progress (WorkerFixture *self, GVariant *parameters)
{
  g_autoptr (GVariant) rows = g_variant_get_child_value (parameters, 0);
  GVariantIter iter;
  guint64 attempt;
  guint64 received;
  guint64 synced;
  gint64 expected;
  guint64 sent;
  guint64 confirmed;

  g_variant_iter_init (&iter, rows);
  while (g_variant_iter_next (
      &iter, "(tttxtt)", &attempt, &received, &synced, &expected, &sent, &confirmed))
    {
      g_assert_cmpuint (synced, <=, received);
      g_assert_cmpuint (confirmed, <=, sent);
      self->last_received = received;
      self->last_sent = sent;
      self->last_confirmed = confirmed;
    }
}

static void
note_done (WorkerFixture *self, GVariant *parameters)
{
  guint64 attempt;
  GVariant *facts;

  g_variant_get (parameters, "(t@a{sv})", &attempt, &facts);
  g_assert_false (worker_fixture_is_done (self, attempt));
  g_hash_table_insert (self->done, g_memdup2 (&attempt, sizeof attempt), facts);
}

static void
note_redirect (WorkerFixture *self, GVariant *parameters)
{
  const char *from;
  const char *to;
  guint status;

  g_variant_get (parameters, "(t&s&su)", NULL, &from, &to, &status);
  g_ptr_array_add (self->redirects, g_strdup_printf ("%s %s %u", from, to, status));
}

static void
on_method_call (GDBusConnection *connection,
                const char *sender,
                const char *object_path,
                const char *interface_name,
                const char *method,
                GVariant *parameters,
                GDBusMethodInvocation *invocation,
                gpointer user_data)
{
  WorkerFixture *self = user_data;
  const char *const proxies[] = { self->proxy, NULL };
  GVariant *reply = NULL;

  if (g_str_equal (method, "Hello"))
    self->has_greeted = TRUE;
  else if (g_str_equal (method, "Progress"))
    note_progress (self, parameters);
  else if (g_str_equal (method, "Done"))
    note_done (self, parameters);
  else if (g_str_equal (method, "Response") && self->holds_response)
    {
      self->held_response = invocation;
      return;
    }
  else if (g_str_equal (method, "Redirected"))
    note_redirect (self, parameters);
  else if (g_str_equal (method, "Digested"))
    g_ptr_array_add (self->digested, g_variant_get_child_value (parameters, 1));
  else if (g_str_equal (method, "UploadChanged") && self->refuses_uploads)
    {
      g_dbus_method_invocation_return_error_literal (
          invocation, TRUNDLE_ERROR, TRUNDLE_ERROR_NO_SPACE, "The store is full");
      return;
    }
  else if (g_str_equal (method, "UploadChanged"))
    g_ptr_array_add (self->uploads, g_variant_get_child_value (parameters, 1));
  else if (g_str_equal (method, "CookiesChanged"))
    g_ptr_array_add (self->cookies, g_variant_ref (parameters));
  else if (g_str_equal (method, "ResolveProxy") && self->proxy == NULL)
    {
      g_dbus_method_invocation_return_error_literal (
          invocation, TRUNDLE_ERROR, TRUNDLE_ERROR_CANNOT_CONNECT, "No proxy is known");
      return;
    }
  else if (g_str_equal (method, "ResolveProxy"))
    reply = g_variant_new ("(^as)", proxies);
  g_dbus_method_invocation_return_value (invocation, reply);
}

static void
export_broker (WorkerFixture *self)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_method_call };
  g_autoptr (GBytes) xml = NULL;
  g_autoptr (GDBusNodeInfo) node = NULL;
  g_autoptr (GError) error = NULL;

  xml = g_resources_lookup_data (XML_PATH, G_RESOURCE_LOOKUP_FLAGS_NONE, &error);
  g_assert_no_error (error);
  node = g_dbus_node_info_new_for_xml (g_bytes_get_data (xml, NULL), &error);
  g_assert_no_error (error);
  g_dbus_connection_register_object (
      self->connection,
      TRUNDLE_WORKER_PATH,
      g_dbus_node_info_lookup_interface (node, TRUNDLE_INTERFACE_BROKER),
      &vtable,
      self,
      NULL,
      &error);
  g_assert_no_error (error);
}

static GDBusConnection *
accept_connection (int fd)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, &error);
  g_autoptr (GSocketConnection) stream = g_socket_connection_factory_create_connection (
      socket);
  g_autofree char *guid = g_dbus_generate_guid ();
  GDBusConnection *connection;

  connection = g_dbus_connection_new_sync (
      G_IO_STREAM (stream),
      guid,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER
          | G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_REQUIRE_SAME_USER
          | G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
      NULL,
      NULL,
      &error);
  g_assert_no_error (error);
  return connection;
}

static void
on_exited (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WorkerFixture *self = user_data;

  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  self->has_exited = TRUE;
}

static gboolean
has_said_hello (WorkerFixture *self, gpointer data)
{
  return self->has_greeted;
}

static gboolean
has_exited (WorkerFixture *self, gpointer data)
{
  return self->has_exited;
}

static gboolean
holds_response (WorkerFixture *self, gpointer data)
{
  return self->held_response != NULL;
}

void
worker_fixture_hold_response (WorkerFixture *self)
{
  self->holds_response = TRUE;
}

void
worker_fixture_await_response (WorkerFixture *self)
{
  await (self, holds_response, NULL);
}

void
worker_fixture_answer_response (WorkerFixture *self)
{
  g_dbus_method_invocation_return_value (g_steal_pointer (&self->held_response), NULL);
}

GPtrArray *
worker_fixture_get_cookies (WorkerFixture *self)
{
  return self->cookies;
}

static gboolean
has_cookies (WorkerFixture *self, gpointer data)
{
  return self->cookies->len >= GPOINTER_TO_UINT (data);
}

void
worker_fixture_await_cookies (WorkerFixture *self, guint n)
{
  await (self, has_cookies, GUINT_TO_POINTER (n));
}

/* @environment: beside that of the daemon. */
static WorkerFixture *
start (const char *argument, const char *const *environment)
{
  WorkerFixture *self = g_new0 (WorkerFixture, 1);
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_NONE);
  static const char *const ours[] = {
    "G_DEBUG=gc-friendly,fatal-criticals", "MALLOC_CHECK_=2", "MALLOC_PERTURB_=85", NULL
  };
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) all = NULL;
  g_autoptr (GError) error = NULL;
  int fds[2];

  self->done = g_hash_table_new_full (
      g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)g_variant_unref);
  self->part_paths = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  self->redirects = g_ptr_array_new_with_free_func (g_free);
  self->digested = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  self->cookies = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  self->uploads = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  self->proxy = g_strdup ("direct://");
  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
  g_subprocess_launcher_take_fd (launcher, fds[1], 3);
  /* Empty, as the daemon's; but libsoup 3.2.3 warns of a server's negative length. */
  g_strv_builder_addv (builder, (const char **)ours);
  g_strv_builder_addv (builder, (const char **)environment);
  all = g_strv_builder_end (builder);
  g_subprocess_launcher_set_environ (launcher, all);
  self->process = g_subprocess_launcher_spawn (
      launcher, &error, g_getenv ("TRUNDLE_TEST_WORKER"), argument, NULL);
  g_assert_no_error (error);
  g_clear_object (&launcher);
  g_subprocess_wait_async (self->process, NULL, on_exited, self);
  self->connection = accept_connection (fds[0]);
  export_broker (self);
  g_dbus_connection_start_message_processing (self->connection);
  await (self, has_said_hello, NULL);
  return self;
}

WorkerFixture *
worker_fixture_new (void)
{
  static const char *const nothing[] = { NULL };

  return start (NULL, nothing);
}

WorkerFixture *
worker_fixture_new_local (const char *const *environment)
{
  return start (TRUNDLE_WORKER_LOCAL, environment);
}

static void
remove_file (gpointer key, gpointer path, gpointer user_data)
{
  g_unlink (path);
}

void
worker_fixture_free (WorkerFixture *self)
{
  if (!self->has_exited)
    {
      g_autoptr (GError) error = worker_fixture_call (self, "Leave", NULL);

      g_assert_no_error (error);
      await (self, has_exited, NULL);
      g_assert_cmpint (g_subprocess_get_exit_status (self->process), ==, 0);
    }
  g_dbus_connection_close_sync (self->connection, NULL, NULL);
  g_clear_object (&self->connection);
  g_clear_object (&self->process);
  g_hash_table_foreach (self->part_paths, remove_file, NULL);
  g_hash_table_unref (self->done);
  g_hash_table_unref (self->part_paths);
  g_ptr_array_unref (self->redirects);
  g_ptr_array_unref (self->digested);
  g_ptr_array_unref (self->cookies);
  g_ptr_array_unref (self->uploads);
  g_free (self->proxy);
  g_free (self);
}

static GVariant *
parse_request (const char *url, const char *options, GVariant *keys)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (keys);
  g_autoptr (GVariant) given = NULL;
  g_autoptr (GError) error = NULL;
  GVariantIter iter;
  const char *key;
  GVariant *value;

  given = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, options != NULL ? options : "{}", NULL, NULL, &error);
  g_assert_no_error (error);
  g_variant_iter_init (&iter, given);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    g_variant_dict_insert_value (&dict, key, value);
  g_variant_dict_insert (&dict, "url", "s", url);
  return g_variant_dict_end (&dict);
}

guint64
worker_fixture_begin_with_part (WorkerFixture *self,
                                const char *url,
                                const char *options,
                                int part_fd)
{
  return worker_fixture_begin_with_files (self, url, options, NULL, part_fd, -1);
}

static GError *
call_begin (WorkerFixture *self, GVariant *request, GUnixFDList *fds, gint32 part)
{
  g_autoptr (GVariant) reply = NULL;
  GError *error = NULL;

  reply = g_dbus_connection_call_with_unix_fd_list_sync (
      self->connection,
      NULL,
      TRUNDLE_WORKER_PATH,
      TRUNDLE_INTERFACE_WORKER,
      "Begin",
      g_variant_new ("(th@a{sv})", ++self->n_attempts, part, request),
      NULL,
      G_DBUS_CALL_FLAGS_NONE,
      -1,
      fds,
      NULL,
      NULL,
      &error);
  return error;
}

guint64
worker_fixture_begin_with_files (WorkerFixture *self,
                                 const char *url,
                                 const char *options,
                                 GVariant *keys,
                                 int part_fd,
                                 int decode_fd)
{
  const int files[] = { part_fd, decode_fd };
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new_from_array (files,
                                                               decode_fd < 0 ? 1 : 2);
  g_autoptr (GError) error = call_begin (
      self, parse_request (url, options, keys), fds, 0);

  g_assert_no_error (error);
  return self->n_attempts;
}

/* (transfer full), floating */
static GVariant *
parse_body (const char *pieces)
{
  g_autoptr (GError) error = NULL;
  GVariant *body = g_variant_parse (
      G_VARIANT_TYPE ("aa{sv}"), pieces, NULL, NULL, &error);

  g_assert_no_error (error);
  return body;
}

guint64
worker_fixture_send (WorkerFixture *self,
                     const char *url,
                     const char *options,
                     const char *pieces,
                     const int *files,
                     guint n_files)
{
  g_auto (GVariantDict) keys = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) dict = NULL;
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new_from_array (files, (int)n_files);
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  int part = g_file_open_tmp ("trundle-part-XXXXXX", &path, &error);

  g_assert_no_error (error);
  g_assert_no_errno (flock (part, LOCK_EX | LOCK_NB));
  g_variant_dict_insert (&keys, "method", "s", "PUT");
  g_variant_dict_insert_value (&keys, "body", parse_body (pieces));
  dict = g_variant_ref_sink (g_variant_dict_end (&keys));
  g_unix_fd_list_append (fds, part, NULL);
  g_close (part, NULL);
  error = call_begin (self, parse_request (url, options, dict), fds, (gint32)n_files);
  g_assert_no_error (error);
  g_hash_table_insert (self->part_paths,
                       g_memdup2 (&self->n_attempts, sizeof self->n_attempts),
                       g_steal_pointer (&path));
  return self->n_attempts;
}

GError *
worker_fixture_try_begin (WorkerFixture *self, const char *url, const char *options)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  int fd = open ("/dev/null", O_RDWR | O_CLOEXEC);

  g_unix_fd_list_append (fds, fd, NULL);
  close (fd);
  return call_begin (self, parse_request (url, options, NULL), fds, 0);
}

static guint64
begin_with_new_part (WorkerFixture *self,
                     const char *url,
                     const char *options,
                     GVariant *keys)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  guint64 attempt;
  int fd = g_file_open_tmp ("trundle-part-XXXXXX", &path, &error);

  g_assert_no_error (error);
  g_assert_no_errno (flock (fd, LOCK_EX | LOCK_NB));
  attempt = worker_fixture_begin_with_files (self, url, options, keys, fd, -1);
  g_hash_table_insert (
      self->part_paths, g_memdup2 (&attempt, sizeof attempt), g_steal_pointer (&path));
  return attempt;
}

guint64
worker_fixture_begin (WorkerFixture *self, const char *url, const char *options)
{
  return begin_with_new_part (self, url, options, NULL);
}

guint64
worker_fixture_begin_with_keys (WorkerFixture *self, const char *url, GVariant *keys)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (keys);

  return begin_with_new_part (self, url, NULL, owned);
}

typedef struct
{
  gboolean is_answered;
  GError *error;
  GVariant *reply; /* (owned) (nullable) */
} Answer;

static void
on_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Answer *answer = user_data;

  answer->reply = g_dbus_connection_call_with_unix_fd_list_finish (
      G_DBUS_CONNECTION (source), NULL, result, &answer->error);
  answer->is_answered = TRUE;
}

static gboolean
is_answered (WorkerFixture *self, gpointer data)
{
  return ((Answer *)data)->is_answered;
}

static Answer
call (WorkerFixture *self, const char *method, GVariant *arguments, GUnixFDList *files)
{
  Answer answer = { 0 };

  g_dbus_connection_call_with_unix_fd_list (self->connection,
                                            NULL,
                                            TRUNDLE_WORKER_PATH,
                                            TRUNDLE_INTERFACE_WORKER,
                                            method,
                                            arguments,
                                            NULL,
                                            G_DBUS_CALL_FLAGS_NONE,
                                            -1,
                                            files,
                                            NULL,
                                            on_answered,
                                            &answer);
  await (self, is_answered, &answer);
  return answer;
}

GError *
worker_fixture_call (WorkerFixture *self, const char *method, GVariant *arguments)
{
  Answer answer = call (self, method, arguments, NULL);

  g_clear_pointer (&answer.reply, g_variant_unref);
  return answer.error;
}

static GVariant *
ask (WorkerFixture *self, const char *method, const char *request, GError **error)
{
  int room_fd = memfd_create ("answer", MFD_CLOEXEC);
  g_autoptr (GUnixFDList) files = g_unix_fd_list_new_from_array (&room_fd, 1);
  Answer answer = call (self,
                        method,
                        g_variant_new ("(h@a{sv})", 0, g_variant_new_parsed (request)),
                        files);
  g_autoptr (GVariant) reply = answer.reply;
  GVariant *dict = NULL;

  if (reply == NULL)
    g_propagate_error (error, answer.error);
  else
    g_variant_get (reply, "(@a{sv})", &dict);
  return dict;
}

GVariant *
worker_fixture_refresh (WorkerFixture *self, const char *request, GError **error)
{
  return ask (self, "Refresh", request, error);
}

GVariant *
worker_fixture_terminate (WorkerFixture *self, const char *request, GError **error)
{
  return ask (self, "Terminate", request, error);
}

static gboolean
is_done (WorkerFixture *self, gpointer data)
{
  return worker_fixture_is_done (self, *(guint64 *)data);
}

GVariant *
worker_fixture_await_done (WorkerFixture *self, guint64 attempt)
{
  await (self, is_done, &attempt);
  return g_hash_table_lookup (self->done, &attempt);
}

const char *
worker_fixture_get_error (GVariant *facts)
{
  const char *error = "";

  g_variant_lookup (facts, "error", "&s", &error);
  return error;
}

gboolean
worker_fixture_is_done (WorkerFixture *self, guint64 attempt)
{
  return g_hash_table_contains (self->done, &attempt);
}

static gboolean
has_digested (WorkerFixture *self, gpointer data)
{
  return self->digested->len >= *(guint *)data;
}

GVariant *
worker_fixture_await_digested (WorkerFixture *self, guint n)
{
  await (self, has_digested, &n);
  return g_ptr_array_index (self->digested, self->digested->len - 1);
}

guint
worker_fixture_count_digested (WorkerFixture *self)
{
  return self->digested->len;
}

static gboolean
has_received (WorkerFixture *self, gpointer data)
{
  return self->last_received >= *(guint64 *)data;
}

void
worker_fixture_await_received (WorkerFixture *self, guint64 received)
{
  await (self, has_received, &received);
}

typedef struct
{
  guint64 sent;
  guint64 confirmed;
} Sent;

static gboolean
has_sent (WorkerFixture *self, gpointer data)
{
  const Sent *wanted = data;

  return self->last_sent >= wanted->sent && self->last_confirmed >= wanted->confirmed;
}

void
worker_fixture_await_sent (WorkerFixture *self, guint64 sent, guint64 confirmed)
{
  Sent wanted = { sent, confirmed };

  await (self, has_sent, &wanted);
}

static gboolean
has_uploads (WorkerFixture *self, gpointer data)
{
  return self->uploads->len >= GPOINTER_TO_UINT (data);
}

GPtrArray *
worker_fixture_await_uploads (WorkerFixture *self, guint n)
{
  await (self, has_uploads, GUINT_TO_POINTER (n));
  return self->uploads;
}

void
worker_fixture_refuse_uploads (WorkerFixture *self)
{
  self->refuses_uploads = TRUE;
}

GPtrArray *
worker_fixture_get_redirects (WorkerFixture *self)
{
  return self->redirects;
}

char *
worker_fixture_make_part (const char *kept)
{
  g_autoptr (GError) error = NULL;
  char *path = NULL;
  int fd = g_file_open_tmp ("trundle-part-XXXXXX", &path, &error);

  g_assert_no_error (error);
  g_close (fd, NULL);
  g_file_set_contents (path, kept, -1, &error);
  g_assert_no_error (error);
  return path;
}

void
worker_fixture_assert_content (const char *path, const char *expected)
{
  g_autofree char *content = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &content, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (content, ==, expected);
}

char *
worker_fixture_read_part (WorkerFixture *self, guint64 attempt, gsize *out_length)
{
  const char *path = g_hash_table_lookup (self->part_paths, &attempt);
  g_autoptr (GError) error = NULL;
  char *content = NULL;

  g_file_get_contents (path, &content, out_length, &error);
  g_assert_no_error (error);
  return content;
}

gboolean
worker_fixture_is_part_free (WorkerFixture *self, guint64 attempt)
{
  int fd = g_open (g_hash_table_lookup (self->part_paths, &attempt), O_RDWR | O_CLOEXEC);
  gboolean is_free = flock (fd, LOCK_EX | LOCK_NB) == 0;

  g_close (fd, NULL);
  return is_free;
}

void
worker_fixture_set_proxy (WorkerFixture *self, const char *proxy)
{
  g_free (self->proxy);
  self->proxy = g_strdup (proxy);
}

void
worker_fixture_vanish (WorkerFixture *self)
{
  g_dbus_connection_close_sync (self->connection, NULL, NULL);
  await (self, has_exited, NULL);
  g_assert_true (g_subprocess_get_if_exited (self->process));
  g_assert_cmpint (g_subprocess_get_exit_status (self->process), ==, 0);
}

int
worker_fixture_get_pid (WorkerFixture *self)
{
  return (int)g_ascii_strtoll (g_subprocess_get_identifier (self->process), NULL, 10);
}

guint
worker_fixture_get_peak_memory (WorkerFixture *self)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/status",
                                           worker_fixture_get_pid (self));
  g_autofree char *status = NULL;
  const char *line;

  g_assert_true (g_file_get_contents (path, &status, NULL, NULL));
  line = strstr (status, "VmHWM:");
  g_assert_nonnull (line);
  return (guint)g_ascii_strtoull (line + strlen ("VmHWM:\t"), NULL, 10);
}
