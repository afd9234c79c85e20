/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* trundle list: all tasks of all sessions. */

#include "config.h"

#include <glib/gi18n.h>

#include "cli/bus.h"
#include "cli/challenge.h"
#include "cli/print.h"
#include "common/enums.h"
#include "common/url.h"

typedef struct
{
  char *session; /* (owned) (nullable) */
  char **states; /* (owned) (nullable) */
  gboolean json;
} Options;

static void
options_clear (Options *self)
{
  g_free (self->session);
  g_strfreev (self->states);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static const char *const properties[] = { "State",
                                          "Url",
                                          "Destination",
                                          "BytesReceived",
                                          "BytesExpectedToReceive",
                                          "WaitReasons",
                                          "Error",
                                          "Description",
                                          "Kind",
                                          "Challenge",
                                          "BytesSent",
                                          "BytesExpectedToSend",
                                          "BytesConfirmed",
                                          NULL };

static gboolean
is_upload (GVariant *task)
{
  return g_str_equal (trc_bus_lookup_string (task, "Kind"), "upload");
}

static char *
format_progress (GVariant *task)
{
  guint64 moved = 0;
  gint64 all = -1;
  g_autofree char *size = NULL;
  g_autofree char *whole = NULL;

  g_variant_lookup (task, is_upload (task) ? "BytesSent" : "BytesReceived", "t", &moved);
  g_variant_lookup (task,
                    is_upload (task) ? "BytesExpectedToSend" : "BytesExpectedToReceive",
                    "x",
                    &all);
  size = trc_print_size ((gint64)moved);
  if (all <= 0 || moved == (guint64)all)
    return g_steal_pointer (&size);
  whole = trc_print_size (all);
  /* Translators: so much of so much, as "1.2 MB of 3 MB" */
  return g_strdup_printf (_ ("%s of %s"), size, whole);
}

/* How it stands, with the reason where there is one. */
static char *
format_state (GVariant *task)
{
  const char *state = trc_bus_lookup_string (task, "State");
  g_autoptr (GVariant) reasons = g_variant_lookup_value (
      task, "WaitReasons", G_VARIANT_TYPE_STRING_ARRAY);
  g_autoptr (GVariant) error = g_variant_lookup_value (
      task, "Error", G_VARIANT_TYPE ("(sa{sv})"));
  g_autoptr (GVariant) dict = g_variant_lookup_value (
      task, "Challenge", G_VARIANT_TYPE_VARDICT);
  g_autoptr (TrcChallenge) challenge = trc_challenge_new (dict);
  g_autofree char *words = NULL;
  const char *name = "";

  if (error != NULL)
    g_variant_get (error, "(&s@a{sv})", &name, NULL);
  if (g_str_equal (state, "finished"))
    return name[0] != '\0' ? g_strdup_printf (_ ("failed: %s"), name)
                           : g_strdup (_ ("done"));
  if (g_str_equal (state, "queued") && reasons != NULL
      && g_variant_n_children (reasons) > 0)
    {
      words = trc_print_wait_reasons (reasons);
      return g_strdup_printf ("%s: %s", trc_print_state (state), words);
    }
  if (challenge != NULL)
    {
      words = trc_challenge_summarize (challenge);
      return g_strdup_printf ("%s: %s", trc_print_state (state), words);
    }
  return g_strdup (trc_print_state (state));
}

static char *
format_what (GVariant *task)
{
  const char *destination = trc_bus_lookup_string (task, "Destination");
  g_autofree char *url = NULL;

  /* That of an upload is where the answer goes. */
  if (destination[0] != '\0' && !is_upload (task))
    return trc_print_clean (destination);
  url = trundle_url_without_user_info (trc_bus_lookup_string (task, "Url"), NULL);
  return trc_print_clean (url);
}

static void
print_row (const char *number,
           const char *direction,
           const char *state,
           const char *size,
           const char *what)
{
  g_autofree char *fit_state = NULL;
  g_autofree char *fit_size = NULL;

  /* What is longer than its column is shown all the same: nothing is cut in a list. */
  fit_state = trc_print_fit (state, MAX (14, trc_print_columns (state)));
  fit_size = trc_print_fit (size, MAX (20, trc_print_columns (size)));
  trc_print_line ("%6s %s %s  %s  %s", number, direction, fit_state, fit_size, what);
}

static void
print_json (GVariant *session, const char *path, GVariant *task)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *url = NULL;
  GVariantIter iter;
  const char *name;
  GVariant *value;

  g_variant_dict_insert (
      &dict, "task", "t", g_ascii_strtoull (trc_bus_task_number (path), NULL, 10));
  g_variant_dict_insert (&dict, "path", "o", path);
  g_variant_dict_insert (
      &dict, "session", "s", trc_bus_lookup_string (session, "identifier"));
  g_variant_dict_insert (&dict, "app-id", "s", trc_bus_lookup_string (session, "app-id"));
  g_variant_iter_init (&iter, task);
  while (g_variant_iter_loop (&iter, "{&sv}", &name, &value))
    {
      g_autofree char *key = trc_print_kebab (name);

      g_variant_dict_insert_value (&dict, key, value);
    }
  url = trundle_url_without_user_info (trc_bus_lookup_string (task, "Url"), NULL);
  g_variant_dict_insert (&dict, "url", "s", url);
  trc_print_json_line (g_variant_dict_end (&dict));
}

static gboolean
list_session (GDBusConnection *connection,
              GVariant *session,
              const Options *options,
              guint *n_printed,
              GError **error)
{
  g_autoptr (GPtrArray) tasks = trc_bus_list_tasks (
      connection,
      trc_bus_lookup_string (session, "path"),
      properties,
      (const char *const *)options->states,
      error);

  if (tasks == NULL)
    return FALSE;
  for (guint i = 0; i < tasks->len; i++)
    {
      g_autoptr (GVariant) task = NULL;
      g_autofree char *state = NULL;
      g_autofree char *size = NULL;
      g_autofree char *what = NULL;
      const char *path;

      g_variant_get (g_ptr_array_index (tasks, i), "(&o@a{sv})", &path, &task);
      if (options->json)
        {
          print_json (session, path, task);
          continue;
        }
      state = format_state (task);
      size = format_progress (task);
      what = format_what (task);
      if ((*n_printed)++ == 0)
        print_row (_ ("TASK"), " ", _ ("STATE"), _ ("PROGRESS"), _ ("FILE"));
      print_row (trc_bus_task_number (path),
                 trc_print_direction (is_upload (task)),
                 state,
                 size,
                 what);
    }
  return TRUE;
}

static gboolean
check_states (char **states)
{
  TrundleTaskState state;

  for (guint i = 0; states != NULL && states[i] != NULL; i++)
    if (!trundle_task_state_from_word (states[i], &state))
      {
        trc_command_misuse (_ ("“%s” is not a state"), states[i]);
        return FALSE;
      }
  return TRUE;
}

TrcExit
trc_list (int argc, char **argv)
{
  g_auto (Options) options = { 0 };
  const GOptionEntry entries[] = {
    { "session",
      0,
      0,
      G_OPTION_ARG_STRING,
      &options.session,
      N_ ("Only tasks of sessions with this identifier"),
      N_ ("IDENTIFIER") },
    { "state",
      0,
      0,
      G_OPTION_ARG_STRING_ARRAY,
      &options.states,
      N_ ("Only tasks in this state: suspended, queued, running, challenged or finished; "
          "may be given again"),
      N_ ("STATE") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, N_ ("A JSON object a line"), NULL },
    { NULL },
  };
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GVariant) sessions = NULL;
  g_autoptr (GError) error = NULL;
  guint n_printed = 0;

  if (!trc_command_parse (entries, &argc, &argv) || !check_states (options.states))
    return TRC_EXIT_USAGE;
  if (argc > 1)
    return trc_command_misuse (_ ("“%s” is too much"), argv[1]);
  connection = trc_bus_connect (&error);
  if (connection == NULL)
    {
      trc_command_fail (error);
      return TRC_EXIT_UNREACHABLE;
    }
  sessions = trc_bus_list_sessions (connection, &error);
  if (sessions == NULL)
    return trc_command_fail (error);

  for (gsize i = 0; i < g_variant_n_children (sessions); i++)
    {
      g_autoptr (GVariant) session = g_variant_get_child_value (sessions, i);

      if (options.session != NULL
          && !g_str_equal (trc_bus_lookup_string (session, "identifier"),
                           options.session))
        continue;
      if (!list_session (connection, session, &options, &n_printed, &error)
          /* A session may have ended meanwhile. */
          && trc_bus_exit_for_error (error) != TRC_EXIT_NOT_FOUND)
        return trc_command_fail (error);
      g_clear_error (&error);
    }
  return TRC_EXIT_DONE;
}
