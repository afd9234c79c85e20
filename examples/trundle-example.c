/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An application that downloads and uploads in the background, to learn from.
 *
 *   trundle-example [--directory=DIR] [--launch-without-display] URL…
 *   trundle-example --upload=FILE [--launch-without-display] URL
 *
 * hands them to the service and exits at once.  When all of them are finished, or a
 * server asks for a password, the service starts the application again, over D-Bus, with
 * `--gapplication-service`; it hears what happened, one event at a time and in order, and
 * says when it has dealt with it.  Nothing of it runs meanwhile, and a logout or a reboot
 * in between changes nothing.
 *
 * What it takes:
 *  - an application id that is also a name on the bus, and a D-Bus service file for it,
 * so that the application can be started;
 *  - a session, found again by its identifier;
 *  - a subscription to HandleEventsForBackgroundSession, made in dbus_register;
 *  - Attach, events, DidFinishEvents, CompleteEvents, Detach;
 *  - for servers that ask who is there, RespondToChallenge.
 *
 * It is plain GDBus, of which service.c has the calls.  They block, which a program
 * without a window may do; one with a window uses the asynchronous variants. */

#include <fcntl.h>
#include <gio/gio.h>
#include <gio/gunixfdlist.h>

#include "service.h"

#define APP_ID "org.example.TrundleDownloader"
#define SESSION_IDENTIFIER "example"
/* In the folder of the user's configuration: for each server, [HOST:PORT], its `user` and
 * `password`. An application of your own has them from its user. */
#define LOGINS "trundle-example.conf"

struct _Example
{
  GApplication parent_instance;

  GDBusConnection *bus; /* (owned) (nullable): while registered */
  guint wake_signal;
  guint session_signals;
  guint service_watch;

  char *session_path; /* (owned) (nullable): while attached; we hold ourselves then */
  guint64 done;       /* events up to this one need not be dealt with again */
};

#define EXAMPLE_TYPE (example_get_type ())
G_DECLARE_FINAL_TYPE (Example, example, EXAMPLE, APPLICATION, GApplication)
G_DEFINE_FINAL_TYPE (Example, example, G_TYPE_APPLICATION)

/* A line of what happens.  Started by D-Bus, standard output is the bus's or the
 * journal's. */
static void G_GNUC_PRINTF (1, 2) say (const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_print ("trundle-example: %s\n", text);
}

/* ---- handing over ---- */

/* Opening is finding: the second time the session is there, with its tasks. */
static char *
open_session (Example *self, gboolean launch_without_display, GError **error)
{
  g_autoptr (GVariant) reply = NULL;
  char *path;

  reply = service_call (
      self->bus,
      SERVICE_PATH,
      MANAGER_INTERFACE,
      "OpenSession",
      g_variant_new (
          "(s@a{sv})",
          SESSION_IDENTIFIER,
          /* The id says whom to start.  Without a screen only who says so is started;
           * the new answer counts when the session is there already. */
          g_variant_new_parsed ("{'app-id': <%s>, 'launch-without-display': <%b>, "
                                "'update-configuration': <true>}",
                                APP_ID,
                                launch_without_display)),
      "(oa{sv})",
      error);
  if (reply == NULL)
    return NULL;
  g_variant_get (reply, "(o@a{sv})", &path, NULL);
  return path;
}

/* Two ways to come by a file.  With a destination the file appears there, complete, under
 * its name.  Without one it is kept by the service until we fetch it with MoveFile; the
 * description, which comes back with the event, reminds us where to. */
static GVariant *
describe_task (const char *url, const char *directory, gboolean named)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;

  name = g_path_get_basename (uri != NULL ? g_uri_get_path (uri) : "");
  if (name[0] == '/' || name[0] == '.')
    {
      g_free (name);
      name = g_strdup ("download");
    }
  path = g_build_filename (directory, name, NULL);

  /* `start`: tasks are made suspended otherwise. */
  if (named)
    return g_variant_new_parsed ("{'url': <%s>, 'start': <true>, "
                                 "'destination-path': <%s>, 'if-exists': <'rename'>}",
                                 url,
                                 path);
  return g_variant_new_parsed (
      "{'url': <%s>, 'start': <true>, 'description': <%s>}", url, path);
}

/* All tasks in one call: all of them are made, on disk when it returns, or none. */
static gboolean
hand_over (Example *self,
           const char *const *urls,
           const char *directory,
           gboolean launch_without_display,
           GError **error)
{
  g_autofree char *session = open_session (self, launch_without_display, error);
  g_autoptr (GVariant) reply = NULL;
  GVariantBuilder tasks;

  if (session == NULL)
    return FALSE;
  g_variant_builder_init (&tasks, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; urls[i] != NULL; i++)
    g_variant_builder_add_value (&tasks, describe_task (urls[i], directory, i % 2 == 0));
  reply = service_call (self->bus,
                        session,
                        SESSION_INTERFACE,
                        "CreateTasks",
                        g_variant_new ("(aa{sv})", &tasks),
                        "(ao)",
                        error);
  if (reply == NULL)
    return FALSE;

  say ("handed over %u downloads", g_strv_length ((char **)urls));
  return TRUE;
}

/* The service gets the file open: it may be one that only we can open, and we may be gone
 * when it is read.  What is sent is what is in it now, or nothing: see `snapshot` in the
 * documentation of CreateUploadTask. */
static gboolean
hand_over_upload (Example *self,
                  const char *url,
                  const char *path,
                  gboolean launch_without_display,
                  GError **error)
{
  g_autofree char *session = open_session (self, launch_without_display, error);
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (GVariant) reply = NULL;
  int handle = session != NULL ? service_append_file (fds, path, O_RDONLY, error) : -1;

  if (handle < 0)
    return FALSE;
  reply = service_call_with_fds (
      self->bus,
      session,
      SESSION_INTERFACE,
      "CreateUploadTask",
      g_variant_new ("(s@a{sv})",
                     url,
                     g_variant_new_parsed (
                         "{'body': <%h>, 'method': <'PUT'>, 'start': <true>}", handle)),
      fds,
      "(o)",
      error);
  if (reply == NULL)
    return FALSE;

  say ("handed over an upload");
  return TRUE;
}

/* Runs in the primary instance, in whichever process that is: the name on the bus is
 * owned by it, and so it may open a session for the name. */
static int
example_command_line (GApplication *application, GApplicationCommandLine *command_line)
{
  Example *self = EXAMPLE_APPLICATION (application);
  GVariantDict *options = g_application_command_line_get_options_dict (command_line);
  const char *current = g_application_command_line_get_cwd (command_line);
  g_autofree const char **urls = NULL;
  g_autofree char *directory = NULL;
  g_autofree char *file = NULL;
  g_autoptr (GError) error = NULL;
  const char *given = ".";
  const char *upload = NULL;
  gboolean launch_without_display = FALSE;
  gboolean is_done;

  g_variant_dict_lookup (options, "directory", "^&ay", &given);
  g_variant_dict_lookup (options, "upload", "^&ay", &upload);
  g_variant_dict_lookup (options, "launch-without-display", "b", &launch_without_display);
  directory = g_canonicalize_filename (given, current != NULL ? current : "/");
  if (!g_variant_dict_lookup (options, G_OPTION_REMAINING, "^a&s", &urls))
    {
      g_application_command_line_printerr (command_line, "Which URL?\n");
      return 2;
    }
  if (upload != NULL)
    {
      file = g_canonicalize_filename (upload, current != NULL ? current : "/");
      is_done = hand_over_upload (self, urls[0], file, launch_without_display, &error);
    }
  else
    is_done = hand_over (self, urls, directory, launch_without_display, &error);
  if (!is_done)
    {
      g_application_command_line_printerr (command_line, "%s\n", error->message);
      return 1;
    }
  return 0;
}

/* ---- hearing what happened ---- */

/* No error is thrown at anybody when the service is gone for good: whatever we have not
 * completed is told again the next time. */
static void
leave_session (Example *self)
{
  if (self->session_path == NULL)
    return;
  g_clear_pointer (&self->session_path, g_free);
  g_clear_handle_id (&self->service_watch, g_bus_unwatch_name);
  g_application_release (G_APPLICATION (self));
}

/* The service gives the file to a folder that we have open: a sandboxed application may
 * have no path that means anything outside. */
static gboolean
move_file (Example *self, const char *task, const char *wanted, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (wanted);
  g_autofree char *name = g_path_get_basename (wanted);
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (GVariant) reply = NULL;
  const char *taken;
  int handle = service_append_file (fds, folder, O_RDONLY | O_DIRECTORY, error);

  if (handle < 0)
    return FALSE;
  reply = service_call_with_fds (
      self->bus,
      task,
      TASK_INTERFACE,
      "MoveFile",
      g_variant_new (
          "(hs@a{sv})", handle, name, g_variant_new_parsed ("{'if-exists': <'rename'>}")),
      fds,
      "(s)",
      error);
  if (reply == NULL)
    return FALSE;
  g_variant_get (reply, "(&s)", &taken);
  say ("TaskFinished: moved to %s/%s", folder, taken);
  return TRUE;
}

/* The answer of the server comes with the event, unless it is longer than an app wants to
 * get this way (`response-body-max`): then OpenFile has it, as it has a download. */
static void
on_upload_finished (const char *url, guint64 sent, GVariant *details)
{
  g_autoptr (GVariant) answer = g_variant_lookup_value (
      details, "response-body", G_VARIANT_TYPE_BYTESTRING);
  g_autofree char *text = NULL;
  const char *bytes = NULL;
  gsize length = 0;
  guint status = 0;

  if (answer != NULL)
    bytes = g_variant_get_fixed_array (answer, &length, 1);
  text = g_utf8_make_valid (length > 0 ? bytes : "", (gssize)length);
  g_variant_lookup (details, "status", "u", &status);
  say ("TaskFinished: sent %" G_GUINT64_FORMAT " bytes to %s; the server says %u, %s",
       sent,
       url,
       status,
       length > 0 ? text : "and nothing more");
}

/* Events come at least once, so that what was moved before we last died may be told
 * again: then there is nothing left to move. */
static void
on_task_finished (Example *self, const char *task, GVariant *details)
{
  const char *failure = "";
  const char *message = "no reason given";
  const char *url = "";
  const char *path = NULL;
  const char *wanted = NULL;
  gboolean redelivered = FALSE;
  guint64 sent = 0;
  g_autoptr (GError) error = NULL;

  g_variant_lookup (details, "error", "&s", &failure);
  g_variant_lookup (details, "message", "&s", &message);
  g_variant_lookup (details, "url", "&s", &url);
  g_variant_lookup (details, "path", "&s", &path);
  g_variant_lookup (details, "description", "&s", &wanted);
  g_variant_lookup (details, "redelivered", "b", &redelivered);

  if (failure[0] != '\0')
    say ("TaskFinished: %s failed: %s (%s)", url, message, failure);
  else if (g_variant_lookup (details, "sent", "t", &sent))
    on_upload_finished (url, sent, details);
  else if (wanted == NULL)
    say ("TaskFinished: saved as %s", path != NULL ? path : "?");
  else if (!move_file (self, task, wanted, &error))
    say ("TaskFinished: %s: %s%s",
         url,
         redelivered ? "moved before? " : "",
         error->message);
}

/* All that there was to tell has been told.  CompleteEvents allows the service to forget
 * it: call it when everything is safe on your side. */
static void
on_did_finish_events (Example *self, guint64 last)
{
  g_autofree char *session = g_strdup (self->session_path);
  g_autoptr (GVariant) completed = NULL;
  g_autoptr (GVariant) detached = NULL;
  g_autoptr (GError) error = NULL;

  completed = service_call (self->bus,
                            session,
                            SESSION_INTERFACE,
                            "CompleteEvents",
                            g_variant_new ("(t)", last),
                            "()",
                            &error);
  if (completed == NULL)
    say ("CompleteEvents: %s", error->message);
  else
    say ("DidFinishEvents: completed all up to %" G_GUINT64_FORMAT, last);
  self->done = last;

  detached = service_call (
      self->bus, session, SESSION_INTERFACE, "Detach", NULL, "()", NULL);
  leave_session (self);
}

/* What we know of @host:@port.  (transfer full), both; FALSE for a stranger. */
static gboolean
find_login (const char *host, guint port, char **user, char **password)
{
  g_autofree char *path = g_build_filename (g_get_user_config_dir (), LOGINS, NULL);
  g_autofree char *group = g_strdup_printf ("%s:%u", host, port);
  g_autoptr (GKeyFile) file = g_key_file_new ();

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL))
    return FALSE;
  *user = g_key_file_get_string (file, group, "user", NULL);
  *password = g_key_file_get_string (file, group, "password", NULL);
  return *user != NULL && *password != NULL;
}

/* The task goes on with @answer when the call returns, and so do all others of the
 * session that were asked the same. */
static void
respond (Example *self,
         const char *task,
         const char *challenge,
         const char *disposition,
         GVariant *answer,
         GUnixFDList *fds)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = service_call_with_fds (
      self->bus,
      task,
      TASK_INTERFACE,
      "RespondToChallenge",
      g_variant_new ("(ss@a{sv})", challenge, disposition, answer),
      fds,
      "()",
      &error);

  if (reply != NULL)
    say ("ChallengeReceived: answered: %s", disposition);
  else
    /* Told again, it may have been answered before. */
    say ("ChallengeReceived: %s", error->message);
}

/* A server, or a proxy, wants to know who is there.  We have a file with names and
 * passwords; whom it does not know, and who does not take the password, gets no answer:
 * then TaskFinished brings the server's refusal. */
static void
on_challenge (Example *self, const char *task, GVariant *details)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (GVariant) space = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *user = NULL;
  g_autofree char *password = NULL;
  const char *challenge = "";
  const char *host = "";
  const char *method = "";
  guint port = 0;
  guint n_failures = 0;
  int handle;

  space = g_variant_lookup_value (details, "space", G_VARIANT_TYPE_VARDICT);
  g_variant_lookup (details, "challenge", "&s", &challenge);
  g_variant_lookup (details, "previous-failure-count", "u", &n_failures);
  if (space != NULL)
    {
      g_variant_lookup (space, "host", "&s", &host);
      g_variant_lookup (space, "port", "u", &port);
      g_variant_lookup (space, "method", "&s", &method);
    }
  say ("ChallengeReceived: %s:%u asks who is there (%s)", host, port, method);

  if (n_failures > 0 || !find_login (host, port, &user, &password)
      || (handle = service_append_secret (fds, password, &error)) < 0)
    {
      respond (self,
               task,
               challenge,
               "perform-default-handling",
               g_variant_new_parsed ("@a{sv} {}"),
               NULL);
      return;
    }

  /* `persistence`: we know the password and need not be reminded of it, so that it is
   * only for the tasks that wait for it; the default, "session", spares us the question
   * next time, and "permanent" all sessions of the application.
   *
   * Without TLS everybody on the way can read the password, and the service refuses the
   * answer unless it is told that this is meant.  Here the way is none: the demo's server
   * is on the same computer.  Do not copy this line. */
  respond (self,
           task,
           challenge,
           "use-credential",
           g_variant_new_parsed ("{'user': <%s>, 'password-fd': <%h>, "
                                 "'persistence': <'none'>, "
                                 "'allow-insecure-auth': <true>}",
                                 user,
                                 handle),
           fds);
}

/* Durable events carry a sequence number, a task and details, all of them. */
static void
on_event (Example *self, const char *name, GVariant *parameters)
{
  g_autoptr (GVariant) details = NULL;
  const char *object;
  guint64 sequence;

  g_variant_get (parameters, "(t&o@a{sv})", &sequence, &object, &details);
  /* Dealt with before the service was restarted. */
  if (sequence <= self->done)
    return;
  self->done = sequence;

  if (g_str_equal (name, "TaskFinished"))
    on_task_finished (self, object, details);
  else if (g_str_equal (name, "ChallengeReceived"))
    on_challenge (self, object, details);
  else
    say ("%s", name);
}

static void
on_session_signal (GDBusConnection *connection,
                   const char *sender,
                   const char *path,
                   const char *interface,
                   const char *name,
                   GVariant *parameters,
                   gpointer data)
{
  Example *self = data;
  guint64 last;

  if (g_strcmp0 (path, self->session_path) != 0)
    return;
  if (g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(toa{sv})")))
    on_event (self, name, parameters);
  else if (g_str_equal (name, "DidFinishEvents")
           && g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(t)")))
    {
      g_variant_get (parameters, "(t)", &last);
      on_did_finish_events (self, last);
    }
  else if (g_str_equal (name, "Detached"))
    {
      say ("Detached: another process hears the events now");
      leave_session (self);
    }
}

static gboolean
attach (Example *self, const char *session)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  reply = service_call (self->bus,
                        session,
                        SESSION_INTERFACE,
                        "Attach",
                        g_variant_new_parsed ("(@a{sv} {},)"),
                        "(a{sv})",
                        &error);
  if (reply == NULL)
    say ("Attach: %s", error->message);
  return reply != NULL;
}

/* It was updated, or it crashed.  Attaching starts the new one, and it tells again what
 * was not completed. */
static void
on_service_vanished (GDBusConnection *connection, const char *name, gpointer data)
{
  Example *self = data;

  if (self->session_path != NULL && !attach (self, self->session_path))
    leave_session (self);
}

/* The signal is a hint that may come several times; Attach is what finds the events. */
static void
on_wake (GDBusConnection *connection,
         const char *sender,
         const char *path,
         const char *interface,
         const char *name,
         GVariant *parameters,
         gpointer data)
{
  Example *self = data;
  const char *identifier;
  const char *session;
  const char *reason = "";
  g_autoptr (GVariant) info = NULL;

  if (self->session_path != NULL
      || !g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(soa{sv})")))
    return;
  g_variant_get (parameters, "(&s&o@a{sv})", &identifier, &session, &info);
  if (!g_str_equal (identifier, SESSION_IDENTIFIER))
    return;

  g_variant_lookup (info, "reason", "&s", &reason);
  say ("HandleEventsForBackgroundSession: session %s, %s", identifier, reason);
  /* From here to leave_session() we stay.  A GApplication started as a service is gone
   * after ten seconds otherwise. */
  g_application_hold (G_APPLICATION (self));
  self->session_path = g_strdup (session);
  if (!attach (self, session))
    {
      leave_session (self);
      return;
    }
  self->service_watch = g_bus_watch_name_on_connection (self->bus,
                                                        SERVICE,
                                                        G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                        NULL,
                                                        on_service_vanished,
                                                        self,
                                                        NULL);
}

/* ---- being an application ---- */

/* Called before the name on the bus is ours.  The signal that woke us waits in our queue
 * already and is delivered as soon as we own the name: a subscription made in `startup`
 * or later would miss it. */
static gboolean
example_dbus_register (GApplication *application,
                       GDBusConnection *connection,
                       const char *object_path,
                       GError **error)
{
  Example *self = EXAMPLE_APPLICATION (application);

  self->bus = g_object_ref (connection);
  self->wake_signal = g_dbus_connection_signal_subscribe (
      connection,
      SERVICE,
      MANAGER_INTERFACE,
      "HandleEventsForBackgroundSession",
      SERVICE_PATH,
      NULL,
      G_DBUS_SIGNAL_FLAGS_NONE,
      on_wake,
      self,
      NULL);
  self->session_signals = g_dbus_connection_signal_subscribe (connection,
                                                              SERVICE,
                                                              SESSION_INTERFACE,
                                                              NULL,
                                                              NULL,
                                                              NULL,
                                                              G_DBUS_SIGNAL_FLAGS_NONE,
                                                              on_session_signal,
                                                              self,
                                                              NULL);
  return G_APPLICATION_CLASS (example_parent_class)
      ->dbus_register (application, connection, object_path, error);
}

static void
example_dbus_unregister (GApplication *application,
                         GDBusConnection *connection,
                         const char *object_path)
{
  Example *self = EXAMPLE_APPLICATION (application);

  /* Also called when registering failed half-way. */
  if (self->bus != NULL)
    {
      g_dbus_connection_signal_unsubscribe (connection, self->wake_signal);
      g_dbus_connection_signal_unsubscribe (connection, self->session_signals);
    }
  g_clear_object (&self->bus);
  G_APPLICATION_CLASS (example_parent_class)
      ->dbus_unregister (application, connection, object_path);
}

/* Started without a URL by a desktop: there is nothing to show. */
static void
example_activate (GApplication *application)
{
}

static void
example_finalize (GObject *object)
{
  Example *self = EXAMPLE_APPLICATION (object);

  g_free (self->session_path);
  G_OBJECT_CLASS (example_parent_class)->finalize (object);
}

static void
example_class_init (ExampleClass *class)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (class);

  G_OBJECT_CLASS (class)->finalize = example_finalize;
  application_class->activate = example_activate;
  application_class->command_line = example_command_line;
  application_class->dbus_register = example_dbus_register;
  application_class->dbus_unregister = example_dbus_unregister;
}

static void
example_init (Example *self)
{
  static const GOptionEntry entries[] = {
    { "directory",
      'd',
      0,
      G_OPTION_ARG_FILENAME,
      NULL,
      "Where the files are to be (default: here)",
      "DIR" },
    { "upload", 0, 0, G_OPTION_ARG_FILENAME, NULL, "Send this file to the URL", "FILE" },
    { "launch-without-display",
      0,
      0,
      G_OPTION_ARG_NONE,
      NULL,
      "Start this application also when nobody is logged in to a screen",
      NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, NULL, NULL, "URL…" },
    { NULL },
  };

  g_application_add_main_option_entries (G_APPLICATION (self), entries);
}

int
main (int argc, char **argv)
{
  g_autoptr (GApplication) application = NULL;

  application = g_object_new (EXAMPLE_TYPE,
                              "application-id",
                              APP_ID,
                              "flags",
                              G_APPLICATION_HANDLES_COMMAND_LINE,
                              NULL);
  return g_application_run (application, argc, argv);
}
