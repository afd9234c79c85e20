/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls to the service.  Blocking: the tool has nothing else to do meanwhile. */

#include "config.h"

#include "cli/bus.h"

#include <glib/gi18n.h>

#include "common/error.h"
#include "common/names.h"

#define PAGE 500
#define SESSION "trundle"

GDBusConnection *
trc_bus_connect (GError **error)
{
  GDBusConnection *connection;

  /* Registers the names of the service's errors with GDBus. */
  (void)TRUNDLE_ERROR;
  connection = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, error);
  if (connection == NULL)
    g_prefix_error (error, "%s: ", _ ("The session bus cannot be reached"));
  return connection;
}

GVariant *
trc_bus_call (GDBusConnection *connection,
              const char *object_path,
              const char *interface,
              const char *method,
              GVariant *parameters,
              const char *reply_type,
              GError **error)
{
  return trc_bus_call_for (
      connection, -1, object_path, interface, method, parameters, reply_type, error);
}

/* Errors as the service tells them: a sentence, without their names on the bus. */
static GVariant *
take_reply (GVariant *reply, GError *local_error, GError **error)
{
  if (reply != NULL)
    return reply;

  if (trc_bus_is_unreachable (local_error))
    {
      g_dbus_error_strip_remote_error (local_error);
      g_prefix_error (&local_error, "%s: ", _ ("The service cannot be reached"));
    }
  else
    g_dbus_error_strip_remote_error (local_error);
  g_propagate_error (error, local_error);
  return NULL;
}

GVariant *
trc_bus_call_for (GDBusConnection *connection,
                  int timeout_ms,
                  const char *object_path,
                  const char *interface,
                  const char *method,
                  GVariant *parameters,
                  const char *reply_type,
                  GError **error)
{
  GError *local_error = NULL;
  GVariant *reply;

  reply = g_dbus_connection_call_sync (connection,
                                       TRUNDLE_BUS_NAME,
                                       object_path,
                                       interface,
                                       method,
                                       parameters,
                                       G_VARIANT_TYPE (reply_type),
                                       G_DBUS_CALL_FLAGS_NONE,
                                       timeout_ms,
                                       NULL,
                                       &local_error);
  return take_reply (reply, local_error, error);
}

GVariant *
trc_bus_call_with_fds (GDBusConnection *connection,
                       int timeout_ms,
                       const char *object_path,
                       const char *interface,
                       const char *method,
                       GVariant *parameters,
                       GUnixFDList *fds,
                       const char *reply_type,
                       GError **error)
{
  GError *local_error = NULL;
  GVariant *reply;

  reply = g_dbus_connection_call_with_unix_fd_list_sync (connection,
                                                         TRUNDLE_BUS_NAME,
                                                         object_path,
                                                         interface,
                                                         method,
                                                         parameters,
                                                         G_VARIANT_TYPE (reply_type),
                                                         G_DBUS_CALL_FLAGS_NONE,
                                                         timeout_ms,
                                                         fds,
                                                         NULL,
                                                         NULL,
                                                         &local_error);
  return take_reply (reply, local_error, error);
}

gboolean
trc_bus_is_unreachable (const GError *error)
{
  static const int codes[] = {
    G_DBUS_ERROR_SERVICE_UNKNOWN,
    G_DBUS_ERROR_NAME_HAS_NO_OWNER,
    G_DBUS_ERROR_NO_REPLY,
    G_DBUS_ERROR_NO_SERVER,
    G_DBUS_ERROR_TIMEOUT,
    G_DBUS_ERROR_TIMED_OUT,
    G_DBUS_ERROR_DISCONNECTED,
    G_DBUS_ERROR_SPAWN_EXEC_FAILED,
    G_DBUS_ERROR_SPAWN_FORK_FAILED,
    G_DBUS_ERROR_SPAWN_CHILD_EXITED,
    G_DBUS_ERROR_SPAWN_CHILD_SIGNALED,
    G_DBUS_ERROR_SPAWN_FAILED,
    G_DBUS_ERROR_SPAWN_SETUP_FAILED,
    G_DBUS_ERROR_SPAWN_SERVICE_INVALID,
    G_DBUS_ERROR_SPAWN_SERVICE_NOT_FOUND,
    G_DBUS_ERROR_SPAWN_FILE_INVALID,
  };

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    if (g_error_matches (error, G_DBUS_ERROR, codes[i]))
      return TRUE;

  /* systemd's activation fails with errors of its own. */
  if (error != NULL && g_dbus_error_is_remote_error (error))
    {
      g_autofree char *name = g_dbus_error_get_remote_error (error);

      return name != NULL && g_str_has_prefix (name, "org.freedesktop.systemd1.");
    }
  return FALSE;
}

TrcExit
trc_bus_exit_for_error (const GError *error)
{
  if (trc_bus_is_unreachable (error))
    return TRC_EXIT_UNREACHABLE;
  if (g_error_matches (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND))
    return TRC_EXIT_NOT_FOUND;
  if (g_error_matches (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT))
    return TRC_EXIT_USAGE;
  return TRC_EXIT_FAILED;
}

char *
trc_bus_task_path (const char *text)
{
  guint64 number;

  if (g_str_has_prefix (text, TRUNDLE_TASK_PATH "/") && g_variant_is_object_path (text))
    return g_strdup (text);
  if (!g_ascii_string_to_unsigned (text, 10, 1, G_MAXINT64, &number, NULL))
    return NULL;
  return g_strdup_printf (TRUNDLE_TASK_PATH "/%" G_GUINT64_FORMAT, number);
}

char **
trc_bus_task_paths (char **tasks)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; tasks[i] != NULL; i++)
    {
      char *path = trc_bus_task_path (tasks[i]);

      if (path == NULL)
        {
          trc_command_misuse (_ ("“%s” is not the number of a task"), tasks[i]);
          return NULL;
        }
      g_ptr_array_add (paths, path);
    }
  g_ptr_array_add (paths, NULL);
  return (char **)g_ptr_array_free (g_steal_pointer (&paths), FALSE);
}

const char *
trc_bus_task_number (const char *object_path)
{
  const char *slash = strrchr (object_path, '/');

  return slash != NULL ? slash + 1 : object_path;
}

GVariant *
trc_bus_get_task (GDBusConnection *connection, const char *object_path, GError **error)
{
  g_autoptr (GVariant) reply = trc_bus_call (
      connection,
      object_path,
      "org.freedesktop.DBus.Properties",
      "GetAll",
      g_variant_new ("(s)", TRUNDLE_INTERFACE_TASK),
      "(a{sv})",
      error);

  return reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
}

char *
trc_bus_open_session (GDBusConnection *connection,
                      const char *identifier,
                      GVariant *more,
                      GUnixFDList *fds,
                      GError **error)
{
  g_auto (GVariantDict) configuration = { 0 };
  g_autoptr (GVariant) reply = NULL;
  char *path;

  g_variant_dict_init (&configuration, more);
  /* Nobody comes back to hear how it ended. */
  g_variant_dict_insert (&configuration, "auto-complete", "b", TRUE);
  g_variant_dict_insert (&configuration, "sends-launch-events", "b", FALSE);
  if (more != NULL)
    g_variant_unref (g_variant_ref_sink (more));
  reply = trc_bus_call_with_fds (connection,
                                 -1,
                                 TRUNDLE_OBJECT_PATH,
                                 TRUNDLE_INTERFACE_MANAGER,
                                 "OpenSession",
                                 g_variant_new ("(s@a{sv})",
                                                identifier != NULL ? identifier : SESSION,
                                                g_variant_dict_end (&configuration)),
                                 fds,
                                 "(oa{sv})",
                                 error);
  if (reply == NULL)
    return NULL;
  g_variant_get (reply, "(o@a{sv})", &path, NULL);
  return path;
}

GVariant *
trc_bus_list_sessions (GDBusConnection *connection, GError **error)
{
  g_autoptr (GVariant) reply = trc_bus_call (connection,
                                             TRUNDLE_OBJECT_PATH,
                                             TRUNDLE_INTERFACE_MANAGER,
                                             "ListSessions",
                                             NULL,
                                             "(aa{sv})",
                                             error);

  return reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
}

static GVariant *
list_page (GDBusConnection *connection,
           const char *session_path,
           const char *const *properties,
           const char *const *states,
           guint64 after,
           GError **error)
{
  g_auto (GVariantDict) filter = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) reply = NULL;

  g_variant_dict_insert (&filter, "limit", "u", (guint)PAGE);
  g_variant_dict_insert (&filter, "properties", "^as", properties);
  if (after > 0)
    g_variant_dict_insert (&filter, "after", "t", after);
  if (states != NULL)
    g_variant_dict_insert (&filter, "state", "^as", states);
  reply = trc_bus_call (connection,
                        session_path,
                        TRUNDLE_INTERFACE_SESSION,
                        "ListTasks",
                        g_variant_new ("(@a{sv})", g_variant_dict_end (&filter)),
                        "(a(oa{sv}))",
                        error);
  return reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
}

GPtrArray *
trc_bus_list_tasks (GDBusConnection *connection,
                    const char *session_path,
                    const char *const *properties,
                    const char *const *states,
                    GError **error)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (
      (GDestroyNotify)g_variant_unref);
  guint64 after = 0;
  gsize n;

  do
    {
      g_autoptr (GVariant) page = list_page (
          connection, session_path, properties, states, after, error);

      if (page == NULL)
        return NULL;
      n = g_variant_n_children (page);
      for (gsize i = 0; i < n; i++)
        g_ptr_array_add (tasks, g_variant_get_child_value (page, i));
      if (n > 0)
        {
          g_autoptr (GVariant) last = g_variant_get_child_value (page, n - 1);
          const char *path;

          g_variant_get (last, "(&o@a{sv})", &path, NULL);
          after = g_ascii_strtoull (trc_bus_task_number (path), NULL, 10);
        }
    }
  while (n == PAGE);

  return g_steal_pointer (&tasks);
}

const char *
trc_bus_lookup_string (GVariant *dict, const char *key)
{
  const char *text = "";
  g_autoptr (GVariant) value = NULL;

  /* What GDBus has read is a tree, whose values are freed when it becomes one piece of
   * memory, as the next look-up makes it (GLib 2.74).  So now, and the string is part of
   * @dict for good. */
  g_variant_get_data (dict);
  value = g_variant_lookup_value (dict, key, NULL);
  if (value != NULL
      && (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING)
          || g_variant_is_of_type (value, G_VARIANT_TYPE_OBJECT_PATH)))
    text = g_variant_get_string (value, NULL);
  return text;
}
