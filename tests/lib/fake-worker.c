/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that does as it is told, for tests of who must live with the real one: the
 * path of a request's url is the name of what to do, and the name the program is called
 * by says how it begins. */

#include "config.h"

#include "common/error.h"
#include "common/names.h"

#include <errno.h>
#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define RESOURCE_PATH                                                                    \
  "/org/freedesktop/BackgroundTransfer1/org.freedesktop.BackgroundTransfer1.Worker.xml"
#define FLOOD 5000
#define SLOW_STOP_PINGS 20
#define HUGE_LENGTH (2 * 1024 * 1024)

static GDBusConnection *connection;
static const char *profile; /* (nullable): our argument */
static const char *stop_manner = "";
static GDBusMethodInvocation *slow_stop;
static guint n_pings;
static guint64 jar; /* of the last Begin, as the next two */
static guint64 jar_version;
static gboolean had_cookies;

static void
send (const char *member, GVariant *arguments)
{
  g_autoptr (GDBusMessage) message = g_dbus_message_new_method_call (
      NULL, TRUNDLE_WORKER_PATH, TRUNDLE_INTERFACE_BROKER, member);

  g_dbus_message_set_flags (message, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  g_dbus_message_set_body (message, arguments);
  g_dbus_connection_send_message (
      connection, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
}

static void
send_text (guint64 attempt, const char *member, const char *type, const char *text)
{
  GVariant *dict = g_variant_new_parsed (text);

  g_assert (g_variant_is_of_type (dict, G_VARIANT_TYPE (type)));
  send (member, g_variant_new ("(t@a{sv})", attempt, dict));
}

static void
send_done (guint64 attempt)
{
  send_text (attempt,
             "Done",
             "a{sv}",
             "{'complete': <true>, 'received': <uint64 5>, 'proof': <'content-length'>}");
}

static void
send_progress (guint64 attempt, guint64 received, guint64 synced)
{
  GVariantBuilder rows;

  g_variant_builder_init (&rows, G_VARIANT_TYPE ("a(tttxtt)"));
  g_variant_builder_add (
      &rows, "(tttxtt)", attempt, received, synced, (gint64)5, (guint64)0, (guint64)0);
  send ("Progress", g_variant_new ("(a(tttxtt))", &rows));
}

/* What an attempt may be asked to do. */

static void
do_complete (guint64 attempt, const char *argument)
{
  send_text (attempt, "Response", "a{sv}", "{'status': <uint32 200>, 'reason': <'OK'>}");
  send_progress (attempt, 5, 5);
  send_done (attempt);
}

/* Tells of a jar whether a Begin brought cookies, as name of one.  @argument: another
 * jar, or "bad" for one that is none. */
static void
do_cookies (guint64 attempt, const char *argument)
{
  guint64 number = strtoul (argument, NULL, 10);
  const char *domain = strcmp (argument, "bad") == 0 ? "" : "fake";

  send ("CookiesChanged",
        g_variant_new_parsed ("(%t, %t, [(%^ay, b'', %s, '/', int64 0, uint32 0)])",
                              number != 0 ? number : jar,
                              jar_version,
                              had_cookies ? "brought" : "had",
                              domain));
  send_done (attempt);
}

static void
do_fail (guint64 attempt, const char *argument)
{
  send_text (attempt,
             "Done",
             "a{sv}",
             "{'complete': <false>, 'error': <'HttpStatus'>, 'status': <uint32 404>}");
}

static void
do_redirect (guint64 attempt, const char *argument)
{
  guint status = (guint)strtoul (argument, NULL, 10);

  send ("Redirected",
        g_variant_new ("(tssu)", attempt, "http://fake/a", "http://fake/b", status));
  send_done (attempt);
}

/* @argument: bytes of the state, or "far": of more than there can be. */
static void
do_digest (guint64 attempt, const char *argument)
{
  gsize size = strtoul (argument, NULL, 10);
  guint64 offset = strcmp (argument, "far") == 0 ? G_MAXUINT64 : 3;
  g_autofree char *bytes = g_strnfill (size, 'x');
  GVariant *state = g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, size, 1);

  send ("Digested",
        g_variant_new (
            "(t@a{sv})",
            attempt,
            g_variant_new_parsed ("{'offset': <%t>, 'sha256': <%@ay>}", offset, state)));
  send_done (attempt);
}

static void
do_stall (guint64 attempt, const char *argument)
{
  stop_manner = strcmp (argument, "deaf") == 0     ? "deaf"
                : strcmp (argument, "refuse") == 0 ? "refuse"
                : strcmp (argument, "done") == 0   ? "done"
                : strcmp (argument, "slow") == 0   ? "slow"
                                                   : "";
  send_progress (attempt, 1, 0);
}

static void
do_die (guint64 attempt, const char *argument)
{
  int number = atoi (argument);
  struct rlimit none = { 0, 0 };

  setrlimit (RLIMIT_CORE, &none);
  signal (number, SIG_DFL);
  raise (number);
}

static void
do_exit (guint64 attempt, const char *argument)
{
  _exit (atoi (argument));
}

static void
do_done_and_die (guint64 attempt, const char *argument)
{
  send_done (attempt);
  g_dbus_connection_flush_sync (connection, NULL, NULL);
  do_die (attempt, "11");
}

static void
do_flood (guint64 attempt, const char *argument)
{
  for (guint i = 0; i < FLOOD; i++)
    send_progress (attempt, 1, 0);
}

/* Runs in the thread that reads, and ends its reading. */
static GDBusMessage *
wait_for_ever (GDBusConnection *from,
               GDBusMessage *message,
               gboolean incoming,
               gpointer user_data)
{
  while (incoming)
    pause ();
  return message;
}

/* Asks without end, though not faster than is heard, and takes no answer; past GDBus. */
static void
do_deafen (guint64 attempt, const char *argument)
{
  g_autoptr (GDBusMessage) message = g_dbus_message_new_method_call (
      NULL, TRUNDLE_WORKER_PATH, TRUNDLE_INTERFACE_BROKER, "Progress");

  g_dbus_connection_flush_sync (connection, NULL, NULL);
  g_dbus_connection_add_filter (connection, wait_for_ever, NULL, NULL);
  g_dbus_message_set_body (message, g_variant_new_parsed ("(@a(tttxtt) [],)"));
  for (guint32 serial = 1000;; serial++)
    {
      g_autofree guchar *blob = NULL;
      gsize size;

      if (serial % 100 == 0)
        g_usleep (10 * 1000);
      g_dbus_message_set_serial (message, serial);
      blob = g_dbus_message_to_blob (
          message, &size, G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING, NULL);
      for (gsize n_sent = 0; n_sent < size;)
        {
          gssize n = write (3, blob + n_sent, size - n_sent);

          if (n > 0)
            n_sent += (gsize)n;
          else if (errno != EAGAIN)
            _exit (0);
        }
    }
}

static void
do_huge (guint64 attempt, const char *argument)
{
  g_autofree char *text = g_strnfill (HUGE_LENGTH, 'x');

  send ("Redirected",
        g_variant_new ("(tssu)", attempt, "http://fake/", text, (guint)301));
}

static void
do_unknown_member (guint64 attempt, const char *argument)
{
  send ("Frobnicate", g_variant_new ("(t)", attempt));
}

static void
do_wrong_types (guint64 attempt, const char *argument)
{
  send ("Progress", g_variant_new ("(s)", "garbage"));
}

static void
do_emit_signal (guint64 attempt, const char *argument)
{
  g_dbus_connection_emit_signal (connection,
                                 NULL,
                                 TRUNDLE_WORKER_PATH,
                                 TRUNDLE_INTERFACE_BROKER,
                                 "Noise",
                                 NULL,
                                 NULL);
}

static void
do_descriptor (guint64 attempt, const char *argument)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (GDBusMessage) message = g_dbus_message_new_method_call (
      NULL, TRUNDLE_WORKER_PATH, TRUNDLE_INTERFACE_BROKER, "Done");

  g_unix_fd_list_append (fds, STDIN_FILENO, NULL);
  g_dbus_message_set_unix_fd_list (message, fds);
  g_dbus_message_set_body (message,
                           g_variant_new_parsed ("(%t, {'complete': <true>})", attempt));
  g_dbus_connection_send_message (
      connection, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
}

static void
say_hello (guint protocol, const char *version);

static void
do_second_hello (guint64 attempt, const char *argument)
{
  say_hello (TRUNDLE_WORKER_PROTOCOL, TRUNDLE_VERSION);
}

static void
do_unknown_attempt (guint64 attempt, const char *argument)
{
  send_progress (attempt + 1000, 1, 0);
}

/* Progress of an attempt that is over; another, in the same worker, suffers. */
static void
do_after_done (guint64 attempt, const char *argument)
{
  send_done (attempt);
  send_progress (attempt, 5, 5);
}

static void
do_bad_done (guint64 attempt, const char *argument)
{
  send_text (attempt, "Done", "a{sv}", "{'complete': <true>}");
}

static void
do_bad_progress (guint64 attempt, const char *argument)
{
  send_progress (attempt, 1, 2);
}

static void
do_bad_response (guint64 attempt, const char *argument)
{
  send_text (attempt, "Response", "a{sv}", "{'status': <'not a number'>}");
}

static void
do_bad_proxy (guint64 attempt, const char *argument)
{
  send ("ResolveProxy", g_variant_new ("(s)", "no address"));
}

static void
on_proxies (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree guint64 *attempt = user_data;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (connection, result, NULL);
  g_autoptr (GVariant) facts = NULL;
  g_autofree const char **proxies = NULL;

  if (reply == NULL)
    {
      send_text (
          *attempt, "Done", "a{sv}", "{'complete': <false>, 'error': <'CannotConnect'>}");
      return;
    }
  g_variant_get (reply, "(^a&s)", &proxies);
  facts = g_variant_ref_sink (g_variant_new_parsed (
      "{'complete': <true>, 'received': <uint64 0>, 'proof': <%s>}", proxies[0]));
  send ("Done", g_variant_new ("(t@a{sv})", *attempt, facts));
}

static void
do_ask_proxy (guint64 attempt, const char *argument)
{
  g_dbus_connection_call (connection,
                          NULL,
                          TRUNDLE_WORKER_PATH,
                          TRUNDLE_INTERFACE_BROKER,
                          "ResolveProxy",
                          g_variant_new ("(s)", "http://fake.test/"),
                          G_VARIANT_TYPE ("(as)"),
                          G_DBUS_CALL_FLAGS_NONE,
                          -1,
                          NULL,
                          on_proxies,
                          g_memdup2 (&attempt, sizeof attempt));
}

/* Hears nothing any more, not even SIGTERM. */
static void
do_freeze (guint64 attempt, const char *argument)
{
  signal (SIGTERM, SIG_IGN);
  send_progress (attempt, 1, 0);
  g_dbus_connection_flush_sync (connection, NULL, NULL);
  while (TRUE)
    pause ();
}

static void
do_hang_up (guint64 attempt, const char *argument)
{
  g_dbus_connection_close_sync (connection, NULL, NULL);
}

/* The environment, profile and descriptors we were started with, as the proof. */
static void
do_describe (guint64 attempt, const char *argument)
{
  g_auto (GStrv) environment = g_get_environ ();
  g_autoptr (GString) proof = g_string_new (NULL);
  g_autoptr (GVariant) facts = NULL;

  g_string_printf (proof, "env %u", g_strv_length (environment));
  for (guint i = 0; environment[i] != NULL; i++)
    g_string_append_printf (proof, " %s", environment[i]);
  if (profile != NULL)
    g_string_append_printf (proof, " profile %s", profile);
  for (int fd = 3; fd < 64; fd++)
    {
      g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);
      g_autofree char *target = g_file_read_link (link, NULL);

      if (target != NULL && *target == '/' && !g_str_has_prefix (target, "/dev/")
          && !g_str_has_prefix (target, "/proc/"))
        g_string_append_printf (proof, " %s", target);
    }
  facts = g_variant_ref_sink (g_variant_new_parsed (
      "{'complete': <true>, 'received': <uint64 0>, 'proof': <%s>}", proof->str));
  send ("Done", g_variant_new ("(t@a{sv})", attempt, facts));
}

static const struct
{
  const char *name;
  void (*run) (guint64 attempt, const char *argument);
} deeds[] = {
  { "after-done", do_after_done },
  { "ask-proxy", do_ask_proxy },
  { "bad-done", do_bad_done },
  { "bad-progress", do_bad_progress },
  { "bad-proxy", do_bad_proxy },
  { "bad-response", do_bad_response },
  { "complete", do_complete },
  { "cookies", do_cookies },
  { "describe", do_describe },
  { "deafen", do_deafen },
  { "descriptor", do_descriptor },
  { "die", do_die },
  { "done-and-die", do_done_and_die },
  { "emit-signal", do_emit_signal },
  { "exit", do_exit },
  { "fail", do_fail },
  { "flood", do_flood },
  { "digest", do_digest },
  { "freeze", do_freeze },
  { "hang-up", do_hang_up },
  { "huge", do_huge },
  { "redirect", do_redirect },
  { "second-hello", do_second_hello },
  { "stall", do_stall },
  { "unknown-attempt", do_unknown_attempt },
  { "unknown-member", do_unknown_member },
  { "wrong-types", do_wrong_types },
};

/* From the daemon */

static void
close_fds (GDBusMethodInvocation *invocation)
{
  GDBusMessage *message = g_dbus_method_invocation_get_message (invocation);
  int n_fds = 0;
  g_autofree int *fds = g_unix_fd_list_steal_fds (
      g_dbus_message_get_unix_fd_list (message), &n_fds);

  g_assert_cmpint (n_fds, ==, 1);
  g_assert_cmpint (write (fds[0], "hello", 5), ==, 5);
  g_close (fds[0], NULL);
}

static void
handle_begin (GVariant *parameters, GDBusMethodInvocation *invocation)
{
  guint64 attempt;
  int handle;
  g_autoptr (GVariant) request = NULL;
  const char *url = "";
  g_auto (GStrv) words = NULL;

  g_variant_get (parameters, "(th@a{sv})", &attempt, &handle, &request);
  g_variant_lookup (request, "url", "&s", &url);
  close_fds (invocation);
  g_variant_lookup (request, "jar", "t", &jar);
  had_cookies = g_variant_lookup (request, "jar-version", "t", &jar_version);
  words = g_strsplit (url, "/", 5);
  g_assert_cmpuint (g_strv_length (words), >=, 4);
  if (strcmp (words[3], "refuse") == 0)
    {
      g_dbus_method_invocation_return_error_literal (
          invocation, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_URL, "Refused");
      return;
    }
  g_dbus_method_invocation_return_value (invocation, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (deeds); i++)
    {
      if (strcmp (deeds[i].name, words[3]) == 0)
        {
          deeds[i].run (attempt, words[4] != NULL ? words[4] : "");
          return;
        }
    }
  g_error ("No such deed: %s", words[3]);
}

static void
handle_stop (GVariant *parameters, GDBusMethodInvocation *invocation)
{
  guint64 attempt;

  if (strcmp (stop_manner, "deaf") == 0)
    return;
  if (strcmp (stop_manner, "refuse") == 0)
    {
      g_dbus_method_invocation_return_error_literal (
          invocation, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND, "No");
      return;
    }
  if (strcmp (stop_manner, "slow") == 0)
    {
      n_pings = 0;
      slow_stop = invocation;
      return;
    }
  g_variant_get (parameters, "(t)", &attempt);
  if (strcmp (stop_manner, "done") == 0)
    send_done (attempt);
  g_dbus_method_invocation_return_value (invocation, NULL);
}

/* A Stop that takes long is answered after so many. */
static void
handle_ping (GDBusMethodInvocation *invocation)
{
  g_dbus_method_invocation_return_value (invocation, NULL);
  if (++n_pings == SLOW_STOP_PINGS && slow_stop != NULL)
    g_dbus_method_invocation_return_value (g_steal_pointer (&slow_stop), NULL);
}

/* The path is the token, or what is terminated by; or "die", or "refuse", or "wait" for
 * ever. */
static void
handle_errand (const char *method,
               GVariant *parameters,
               GDBusMethodInvocation *invocation)
{
  g_autoptr (GVariant) request = NULL;
  gboolean is_refresh = strcmp (method, "Refresh") == 0;
  const char *url = "";
  guint64 version = 0;

  g_variant_get (parameters, "(h@a{sv})", NULL, &request);
  g_variant_lookup (request, "url", "&s", &url);
  g_variant_lookup (request, "jar-version", "t", &version);
  url = strrchr (url, '/') + 1;
  if (strcmp (url, "die") == 0)
    _exit (1);
  if (strcmp (url, "wait") == 0)
    return;
  if (strcmp (url, "refuse") == 0)
    g_dbus_method_invocation_return_error (
        invocation, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT, "No");
  else if (is_refresh)
    g_dbus_method_invocation_return_value (
        invocation, g_variant_new_parsed ("({'access-token': <%s>},)", url));
  else
    g_dbus_method_invocation_return_value (
        invocation,
        g_variant_new_parsed ("({'terminated': <true>, 'jar-version': <%t>},)", version));
}

static void
on_method_call (GDBusConnection *from,
                const char *sender,
                const char *object_path,
                const char *interface_name,
                const char *method_name,
                GVariant *parameters,
                GDBusMethodInvocation *invocation,
                gpointer user_data)
{
  if (strcmp (method_name, "Begin") == 0)
    handle_begin (parameters, invocation);
  else if (strcmp (method_name, "Stop") == 0)
    handle_stop (parameters, invocation);
  else if (strcmp (method_name, "Ping") == 0)
    handle_ping (invocation);
  else if (strcmp (method_name, "Refresh") == 0 || strcmp (method_name, "Terminate") == 0)
    handle_errand (method_name, parameters, invocation);
  else
    _exit (0);
}

/* Beginning */

static void
on_hello_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (connection, result, NULL);

  if (reply == NULL)
    _exit (1);
}

static void
say_hello (guint protocol, const char *version)
{
  g_dbus_connection_call (connection,
                          NULL,
                          TRUNDLE_WORKER_PATH,
                          TRUNDLE_INTERFACE_BROKER,
                          "Hello",
                          g_variant_new ("(usa{sv})", protocol, version, NULL),
                          NULL,
                          G_DBUS_CALL_FLAGS_NONE,
                          -1,
                          NULL,
                          on_hello_answered,
                          NULL);
}

static void
on_closed (GDBusConnection *from,
           gboolean remote_peer_vanished,
           GError *error,
           gpointer user_data)
{
  if (remote_peer_vanished)
    _exit (0);
}

static void
connect_to_daemon (void)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_method_call };
  g_autoptr (GSocket) socket = g_socket_new_from_fd (3, NULL);
  g_autoptr (GSocketConnection) stream = g_socket_connection_factory_create_connection (
      socket);
  g_autoptr (GBytes) xml = g_resources_lookup_data (
      RESOURCE_PATH, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  GDBusNodeInfo *node = g_dbus_node_info_new_for_xml (g_bytes_get_data (xml, NULL), NULL);

  connection = g_dbus_connection_new_sync (
      G_IO_STREAM (stream),
      NULL,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
      NULL,
      NULL,
      NULL);
  if (connection == NULL)
    _exit (1);
  g_signal_connect (connection, "closed", G_CALLBACK (on_closed), NULL);
  g_dbus_connection_register_object (
      connection,
      TRUNDLE_WORKER_PATH,
      g_dbus_node_info_lookup_interface (node, TRUNDLE_INTERFACE_WORKER),
      &vtable,
      NULL,
      NULL,
      NULL);
  g_dbus_connection_start_message_processing (connection);
}

int
main (int argc, char **argv)
{
  g_autofree char *name = g_path_get_basename (argv[0]);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);

  trundle_error_quark ();
  profile = argc > 1 ? argv[1] : NULL;
  if (strcmp (name, "exits") == 0)
    return 3;
  if (strcmp (name, "crashes") == 0)
    do_die (0, "11");
  while (strcmp (name, "mute") == 0)
    pause ();

  connect_to_daemon ();
  if (strcmp (name, "wrong-version") == 0)
    say_hello (TRUNDLE_WORKER_PROTOCOL, "0.0");
  else if (strcmp (name, "wrong-protocol") == 0)
    say_hello (TRUNDLE_WORKER_PROTOCOL + 1, TRUNDLE_VERSION);
  else if (strcmp (name, "talks-first") == 0)
    send_progress (1, 1, 0);
  else if (strcmp (name, "no-hello") != 0)
    say_hello (TRUNDLE_WORKER_PROTOCOL, TRUNDLE_VERSION);
  g_main_loop_run (loop);
  return 0;
}
