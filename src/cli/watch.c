/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* trundle watch: the progress of tasks, whoever began them. */

#include "config.h"

#include <glib/gi18n.h>

#include "cli/bus.h"
#include "cli/follow.h"

static const char *const unfinished[]
    = { "suspended", "queued", "running", "challenged", NULL };

static TrcExit
follow_named (GDBusConnection *connection, TrcFollow *follow, char **tasks)
{
  for (guint i = 0; tasks[i] != NULL; i++)
    {
      g_autofree char *path = trc_bus_task_path (tasks[i]);
      g_autoptr (GVariant) before = NULL;
      g_autoptr (GVariant) properties = NULL;
      g_autoptr (GError) error = NULL;

      if (path == NULL)
        return trc_command_misuse (_ ("“%s” is not the number of a task"), tasks[i]);
      /* To learn the session; and again once it is observed, so that nothing falls
       * between. */
      before = trc_bus_get_task (connection, path, &error);
      if (before == NULL
          || !trc_follow_observe (
              follow, trc_bus_lookup_string (before, "Session"), FALSE, &error))
        return trc_command_fail (error);
      properties = trc_bus_get_task (connection, path, NULL);
      trc_follow_add (follow,
                      trc_bus_lookup_string (before, "Session"),
                      path,
                      NULL,
                      properties != NULL ? properties : before);
    }
  return TRC_EXIT_DONE;
}

static TrcExit
follow_all (GDBusConnection *connection, TrcFollow *follow)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) sessions = trc_bus_list_sessions (connection, &error);

  if (sessions == NULL)
    return trc_command_fail (error);
  for (gsize i = 0; i < g_variant_n_children (sessions); i++)
    {
      g_autoptr (GVariant) session = g_variant_get_child_value (sessions, i);
      const char *session_path = trc_bus_lookup_string (session, "path");
      g_autoptr (GPtrArray) tasks = NULL;

      if (!trc_follow_observe (follow, session_path, TRUE, &error))
        return trc_command_fail (error);
      tasks = trc_bus_list_tasks (
          connection, session_path, trc_follow_properties, unfinished, &error);
      if (tasks == NULL)
        return trc_command_fail (error);
      for (guint j = 0; j < tasks->len; j++)
        {
          g_autoptr (GVariant) properties = NULL;
          const char *path;

          g_variant_get (g_ptr_array_index (tasks, j), "(&o@a{sv})", &path, &properties);
          trc_follow_add (follow, session_path, path, NULL, properties);
        }
    }
  return TRC_EXIT_DONE;
}

TrcExit
trc_watch (int argc, char **argv)
{
  g_auto (GStrv) tasks = NULL;
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, N_ ("A JSON object a line"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &tasks, NULL, NULL },
    { NULL },
  };
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (TrcFollow) follow = NULL;
  g_autoptr (GError) error = NULL;
  TrcExit problem;

  if (!trc_command_parse (entries, &argc, &argv))
    return TRC_EXIT_USAGE;
  connection = trc_bus_connect (&error);
  if (connection == NULL)
    {
      trc_command_fail (error);
      return TRC_EXIT_UNREACHABLE;
    }
  follow = trc_follow_new (connection, json ? TRC_FOLLOW_JSON : TRC_FOLLOW_PLAIN);
  problem = tasks != NULL ? follow_named (connection, follow, tasks)
                          : follow_all (connection, follow);
  return problem != TRC_EXIT_DONE ? problem : trc_follow_run (follow);
}
