/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* trundle history: what became of tasks that are gone. */

#include "config.h"

#include <glib/gi18n.h>

#include "cli/bus.h"
#include "cli/print.h"
#include "common/names.h"

#define LIMIT_NONE G_MININT
#define LIMIT_MAX 100000

typedef struct
{
  char *app_id; /* (owned) (nullable) */
  int limit;    /* LIMIT_NONE: all */
  gboolean clear;
  gboolean json;
} Options;

static void
options_clear (Options *self)
{
  g_free (self->app_id);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static char *
format_result (GVariant *task)
{
  const char *result = trc_bus_lookup_string (task, "result");

  if (g_str_equal (result, "succeeded"))
    return g_strdup (_ ("done"));
  if (g_str_equal (result, "cancelled"))
    return g_strdup (_ ("cancelled"));
  if (g_str_equal (result, "expired"))
    return g_strdup (_ ("not collected"));
  return g_strdup_printf (_ ("failed: %s"), trc_bus_lookup_string (task, "error"));
}

static char *
format_what (GVariant *task)
{
  const char *path = trc_bus_lookup_string (task, "path");
  gboolean is_upload = g_str_equal (trc_bus_lookup_string (task, "kind"), "upload");

  /* That of an upload is where the answer was put. */
  return trc_print_clean (
      path[0] != '\0' && !is_upload ? path : trc_bus_lookup_string (task, "url"));
}

static void
print_row (const char *number,
           const char *direction,
           const char *when,
           const char *result,
           const char *size,
           const char *what)
{
  g_autofree char *fit_when = trc_print_fit (when, MAX (19, trc_print_columns (when)));
  g_autofree char *fit_result = trc_print_fit (result,
                                               MAX (14, trc_print_columns (result)));
  g_autofree char *fit_size = trc_print_fit (size, MAX (10, trc_print_columns (size)));

  /* What is longer than its column is shown all the same: nothing is cut in a list. */
  trc_print_line (
      "%6s %s %s  %s  %s  %s", number, direction, fit_when, fit_result, fit_size, what);
}

static void
print_task (GVariant *task)
{
  guint64 number = 0;
  gboolean is_upload = g_str_equal (trc_bus_lookup_string (task, "kind"), "upload");
  guint64 moved = 0;
  gint64 finished_us = 0;
  g_autofree char *shown_number = NULL;
  g_autofree char *when = NULL;
  g_autofree char *result = format_result (task);
  g_autofree char *size = NULL;
  g_autofree char *what = format_what (task);

  g_variant_lookup (task, "number", "t", &number);
  g_variant_lookup (task, is_upload ? "sent" : "received", "t", &moved);
  g_variant_lookup (task, "finished", "x", &finished_us);
  shown_number = g_strdup_printf ("%" G_GUINT64_FORMAT, number);
  when = trc_print_time (finished_us);
  size = trc_print_size ((gint64)moved);
  print_row (shown_number, trc_print_direction (is_upload), when, result, size, what);
}

/* Floating. */
static GVariant *
compose_filter (const Options *options)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  if (options->app_id != NULL)
    g_variant_dict_insert (&dict, "app-id", "s", options->app_id);
  if (options->limit != LIMIT_NONE)
    g_variant_dict_insert (&dict, "limit", "u", (guint)options->limit);
  return g_variant_new ("(@a{sv})", g_variant_dict_end (&dict));
}

static gboolean
list (GDBusConnection *connection, const Options *options, GError **error)
{
  g_autoptr (GVariant) reply = trc_bus_call (connection,
                                             TRUNDLE_OBJECT_PATH,
                                             TRUNDLE_INTERFACE_CONTROL,
                                             "ListHistory",
                                             compose_filter (options),
                                             "(aa{sv})",
                                             error);
  g_autoptr (GVariant) tasks = NULL;

  if (reply == NULL)
    return FALSE;
  tasks = g_variant_get_child_value (reply, 0);
  if (!options->json && g_variant_n_children (tasks) > 0)
    print_row (_ ("TASK"), " ", _ ("ENDED"), _ ("RESULT"), _ ("SIZE"), _ ("FILE"));
  for (gsize i = 0; i < g_variant_n_children (tasks); i++)
    {
      g_autoptr (GVariant) task = g_variant_get_child_value (tasks, i);

      if (options->json)
        trc_print_json_line (task);
      else
        print_task (task);
    }
  return TRUE;
}

static gboolean
clear (GDBusConnection *connection, const Options *options, GError **error)
{
  g_autoptr (GVariant) reply = trc_bus_call (connection,
                                             TRUNDLE_OBJECT_PATH,
                                             TRUNDLE_INTERFACE_CONTROL,
                                             "ClearHistory",
                                             compose_filter (options),
                                             "()",
                                             error);

  return reply != NULL;
}

static TrcExit
run (const Options *options)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) connection = trc_bus_connect (&error);

  if (connection == NULL)
    {
      trc_command_fail (error);
      return TRC_EXIT_UNREACHABLE;
    }
  if (!(options->clear ? clear : list) (connection, options, &error))
    return trc_command_fail (error);
  return TRC_EXIT_DONE;
}

TrcExit
trc_history (int argc, char **argv)
{
  g_auto (Options) options = { 0 };
  const GOptionEntry entries[] = {
    { "app",
      0,
      0,
      G_OPTION_ARG_STRING,
      &options.app_id,
      N_ ("Only tasks of this app"),
      N_ ("APP-ID") },
    { "limit",
      0,
      0,
      G_OPTION_ARG_INT,
      &options.limit,
      N_ ("Only the last N tasks"),
      N_ ("N") },
    { "clear",
      0,
      0,
      G_OPTION_ARG_NONE,
      &options.clear,
      N_ ("Forget them instead of showing them"),
      NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, N_ ("A JSON object a line"), NULL },
    { NULL },
  };

  options.limit = LIMIT_NONE;
  if (!trc_command_parse (entries, &argc, &argv))
    return TRC_EXIT_USAGE;
  if (argc > 1)
    return trc_command_misuse (_ ("“%s” is too much"), argv[1]);
  if (options.limit != LIMIT_NONE && (options.limit < 1 || options.limit > LIMIT_MAX))
    return trc_command_misuse (_ ("--limit must be from 1 to %d"), LIMIT_MAX);
  if (options.clear && (options.limit != LIMIT_NONE || options.json))
    return trc_command_misuse (_ ("“--clear” goes with “--app” only"));
  return run (&options);
}
