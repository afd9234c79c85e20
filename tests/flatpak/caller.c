/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The app in the sandbox.  It does the steps it is given, on one connection, and prints
 * a line for each:
 *
 *   call OBJECT INTERFACE METHOD ARGUMENTS   OK and the reply, or ERR and the error
 *   wait MEMBER                              a signal, which prints itself
 *   read                                     OK and the SHA-256 of the last task's file
 *
 * OBJECT is a path, or "session" or "task" for the one that was met last.  INTERFACE is
 * what follows the name of the manager's.  In ARGUMENTS, a tuple in GVariant's text
 * format, the handle 0 is the folder named by the variable FOLDER.
 *
 * Started by the bus it owns its name and does what the file `steps`, one word a line,
 * says, into the file `log`, both in its data folder. */

#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ALIAS "org.freedesktop.portal.BackgroundTransfer"
#define INTERFACE "org.freedesktop.BackgroundTransfer1"
#define PATIENCE_MS 20000

typedef struct
{
  GDBusConnection *bus; /* (owned) */
  GQueue heard;         /* (element-type utf8) (owned): members, not waited for yet */
  char *session;        /* (owned) (nullable): path of the last one, as the next */
  char *task;           /* (owned) (nullable) */
} App;

static void G_GNUC_PRINTF (1, 2) say (const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  vprintf (format, arguments);
  va_end (arguments);
  putchar ('\n');
  fflush (stdout);
}

static void
set_path (char **place, const char *path)
{
  g_free (*place);
  *place = g_strdup (path);
}

static void
remember (App *self, GVariant *values)
{
  for (gsize i = 0; i < g_variant_n_children (values); i++)
    {
      g_autoptr (GVariant) value = g_variant_get_child_value (values, i);
      const char *path;

      if (!g_variant_is_of_type (value, G_VARIANT_TYPE_OBJECT_PATH))
        continue;
      path = g_variant_get_string (value, NULL);
      if (strstr (path, "/session/") != NULL)
        set_path (&self->session, path);
      else if (strstr (path, "/task/") != NULL)
        set_path (&self->task, path);
    }
}

static void
on_signal (GDBusConnection *bus,
           const char *sender,
           const char *path,
           const char *interface,
           const char *member,
           GVariant *parameters,
           gpointer user_data)
{
  App *self = user_data;
  g_autofree char *text = g_variant_print (parameters, FALSE);

  remember (self, parameters);
  g_queue_push_tail (&self->heard, g_strdup (member));
  say ("SIGNAL %s %s %s", member, path, text);
}

static const char *
find_path (App *self, const char *word)
{
  if (g_str_equal (word, "session"))
    return self->session != NULL ? self->session : "/none";
  if (g_str_equal (word, "task"))
    return self->task != NULL ? self->task : "/none";
  return word;
}

static GUnixFDList *
open_folder (void)
{
  GUnixFDList *fds = g_unix_fd_list_new ();
  const char *path = g_getenv ("FOLDER");
  int fd = open (path != NULL ? path : g_get_user_data_dir (), O_RDONLY | O_DIRECTORY);

  g_unix_fd_list_append (fds, fd, NULL);
  close (fd);
  return fds;
}

static GVariant *
call (App *self, char **words, GUnixFDList **out_fds, GError **error)
{
  g_autoptr (GVariant) arguments = g_variant_parse (NULL, words[3], NULL, NULL, error);
  g_autofree char *interface = g_strconcat (INTERFACE, words[1], NULL);
  g_autoptr (GUnixFDList) fds = NULL;

  if (arguments == NULL)
    return NULL;
  if (strstr (words[3], "handle") != NULL)
    fds = open_folder ();

  return g_dbus_connection_call_with_unix_fd_list_sync (self->bus,
                                                        ALIAS,
                                                        find_path (self, words[0]),
                                                        interface,
                                                        words[2],
                                                        arguments,
                                                        NULL,
                                                        G_DBUS_CALL_FLAGS_NONE,
                                                        PATIENCE_MS,
                                                        fds,
                                                        out_fds,
                                                        NULL,
                                                        error);
}

static void
do_call (App *self, char **words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = call (self, words, NULL, &error);
  g_autofree char *text = NULL;

  if (reply == NULL)
    {
      g_autofree char *name = g_dbus_error_get_remote_error (error);

      say ("ERR %s %s: %s", words[2], name, error->message);
      return;
    }
  remember (self, reply);
  text = g_variant_print (reply, FALSE);
  say ("OK %s %s", words[2], text);
}

static void
do_read (App *self)
{
  char *words[] = { "task", ".Task", "OpenFile", "()" };
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = call (self, words, &fds, &error);
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  guchar bytes[4096];
  gssize n;
  int fd;

  if (reply == NULL)
    {
      say ("ERR OpenFile %s", error->message);
      return;
    }
  fd = g_unix_fd_list_get (fds, 0, NULL);
  while ((n = read (fd, bytes, sizeof bytes)) > 0)
    g_checksum_update (sum, bytes, n);
  say ("OK OpenFile %s", g_checksum_get_string (sum));
  if (write (fd, "x", 1) == 1)
    say ("ERR the file may be written");
  close (fd);
}

static gboolean
on_late (gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
do_wait (App *self, const char *member)
{
  gboolean late = FALSE;
  guint timer = g_timeout_add (PATIENCE_MS, on_late, &late);
  GList *found;

  while ((found = g_queue_find_custom (&self->heard, member, (GCompareFunc)strcmp))
             == NULL
         && !late)
    g_main_context_iteration (NULL, TRUE);
  if (late)
    {
      say ("ERR no signal %s", member);
      return;
    }
  g_source_remove (timer);
  g_free (found->data);
  g_queue_delete_link (&self->heard, found);
}

static void
do_steps (App *self, char **words)
{
  guint n = g_strv_length (words);

  for (guint i = 0; i < n;)
    {
      const char *verb = words[i++];

      if (g_str_equal (verb, "call") && i + 4 <= n)
        {
          do_call (self, words + i);
          i += 4;
        }
      else if (g_str_equal (verb, "wait") && i + 1 <= n)
        do_wait (self, words[i++]);
      else if (g_str_equal (verb, "read"))
        do_read (self);
      else
        say ("ERR what is %s?", verb);
    }
}

static void
be_woken (App *self, const char *name)
{
  g_autofree char *steps = g_build_filename (g_get_user_data_dir (), "steps", NULL);
  g_autofree char *log = g_build_filename (g_get_user_data_dir (), "log", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) words = NULL;

  if (freopen (log, "a", stdout) == NULL
      || !g_file_get_contents (steps, &text, NULL, NULL))
    return;
  say ("woken");
  words = g_strsplit (g_strchomp (text), "\n", -1);
  g_bus_own_name_on_connection (
      self->bus, name, G_BUS_NAME_OWNER_FLAGS_NONE, NULL, NULL, NULL, NULL);
  do_steps (self, words);
  say ("end");
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  App self = { .bus = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, &error) };

  if (self.bus == NULL)
    {
      say ("ERR no bus: %s", error->message);
      return 1;
    }
  g_queue_init (&self.heard);
  /* Through the proxy no other sender is the service. */
  g_dbus_connection_signal_subscribe (self.bus,
                                      ALIAS,
                                      NULL,
                                      NULL,
                                      NULL,
                                      NULL,
                                      G_DBUS_SIGNAL_FLAGS_NONE,
                                      on_signal,
                                      &self,
                                      NULL);
  if (argc == 2 && g_str_equal (argv[1], "--gapplication-service"))
    be_woken (&self, g_getenv ("FLATPAK_ID"));
  else
    do_steps (&self, argv + 1);

  g_queue_clear_full (&self.heard, g_free);
  g_free (self.session);
  g_free (self.task);
  g_object_unref (self.bus);
  return 0;
}
