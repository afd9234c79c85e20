/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* trundle suspend, resume, cancel, retry: one call for each task; what can be done is
 * done, also when one of several fails. */

#include "config.h"

#include <glib/gi18n.h>

#include "cli/bus.h"
#include "cli/resume-data.h"
#include "common/error.h"
#include "common/names.h"

typedef struct
{
  const char *command;
  const char *method;
  const char *const *states; /* that --all means */
} Verb;

static const char *const going[] = { "queued", "running", "challenged", NULL };
static const char *const suspended[] = { "suspended", NULL };
static const char *const unfinished[]
    = { "suspended", "queued", "running", "challenged", NULL };

/* Of those that finished, the service knows which failed. */
static const char *const waiting[] = { "queued", "finished", NULL };

static const Verb verbs[] = {
  { "suspend", "Suspend", going },
  { "resume", "Resume", suspended },
  { "cancel", "Cancel", unfinished },
  { "retry", "Retry", waiting },
};

static const Verb *
find_verb (const char *command)
{
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (g_str_equal (verbs[i].command, command))
      return &verbs[i];

  g_assert_not_reached ();
}

/* The paths of all tasks in @states, over all sessions.  (transfer full) */
static char **
find_all (GDBusConnection *connection, const char *const *states, GError **error)
{
  static const char *const properties[] = { "State", NULL };
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GVariant) sessions = trc_bus_list_sessions (connection, error);

  if (sessions == NULL)
    return NULL;
  for (gsize i = 0; i < g_variant_n_children (sessions); i++)
    {
      g_autoptr (GVariant) session = g_variant_get_child_value (sessions, i);
      g_autoptr (GPtrArray) tasks = NULL;

      tasks = trc_bus_list_tasks (
          connection, trc_bus_lookup_string (session, "path"), properties, states, error);
      if (tasks == NULL)
        return NULL;
      for (guint j = 0; j < tasks->len; j++)
        {
          char *path;

          g_variant_get (g_ptr_array_index (tasks, j), "(o@a{sv})", &path, NULL);
          g_ptr_array_add (paths, path);
        }
    }
  g_ptr_array_add (paths, NULL);
  return (char **)g_ptr_array_free (g_steal_pointer (&paths), FALSE);
}

/* @is_all: a task that has ended since it was listed is nobody's fault. */
static TrcExit
steer_tasks (GDBusConnection *connection, const Verb *verb, char **paths, gboolean is_all)
{
  guint n_all = g_strv_length (paths);
  guint n_failed = 0;
  TrcExit last = TRC_EXIT_DONE;

  for (guint i = 0; i < n_all; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) reply = trc_bus_call (
          connection, paths[i], TRUNDLE_INTERFACE_TASK, verb->method, NULL, "()", &error);

      if (reply != NULL
          || (is_all
              && (g_error_matches (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND)
                  || g_error_matches (error, TRUNDLE_ERROR, TRUNDLE_ERROR_BAD_STATE))))
        continue;
      trc_command_complain ("%s: %s", trc_bus_task_number (paths[i]), error->message);
      n_failed++;
      last = trc_bus_exit_for_error (error);
      if (last == TRC_EXIT_UNREACHABLE)
        return last;
    }
  return n_failed > 0 && n_failed < n_all ? TRC_EXIT_SOME_FAILED : last;
}

TrcExit
trc_steer (int argc, char **argv)
{
  const Verb *verb = find_verb (argv[0]);
  g_auto (GStrv) tasks = NULL;
  g_auto (GStrv) paths = NULL;
  g_autofree char *file = NULL;
  gboolean all = FALSE;
  GOptionEntry entries[] = {
    { "all", 'a', 0, G_OPTION_ARG_NONE, &all, N_ ("All transfers there are"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &tasks, NULL, NULL },
    { "resume-data",
      0,
      0,
      G_OPTION_ARG_FILENAME,
      &file,
      N_ ("Keep what the one task has received, and write what “get” goes on with"),
      N_ ("FILE") },
    { NULL },
  };
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  if (!g_str_equal (verb->command, "cancel"))
    entries[2] = (GOptionEntry){ NULL };
  if (!trc_command_parse (entries, &argc, &argv))
    return TRC_EXIT_USAGE;
  if (all == (tasks != NULL))
    return trc_command_misuse (_ ("Give the numbers of tasks, or --all"));
  if (file != NULL && (all || g_strv_length (tasks) > 1))
    return trc_command_misuse (_ ("--resume-data is of one task"));
  if (tasks != NULL && (paths = trc_bus_task_paths (tasks)) == NULL)
    return TRC_EXIT_USAGE;

  connection = trc_bus_connect (&error);
  if (connection == NULL)
    {
      trc_command_fail (error);
      return TRC_EXIT_UNREACHABLE;
    }
  if (file != NULL)
    return trc_resume_data_produce (connection, paths[0], file);
  if (all)
    paths = find_all (connection, verb->states, &error);
  if (paths == NULL)
    return trc_command_fail (error);
  return steer_tasks (connection, verb, paths, all);
}
