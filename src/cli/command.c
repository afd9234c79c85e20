/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The commands of the tool by name, their options and the way they complain. */

#include "config.h"

#include "cli/command.h"

#include <gio/gio.h>
#include <glib/gi18n.h>

#include "cli/bus.h"

const TrcCommand trc_commands[] = {
  { "get",
    N_ ("URL…"),
    N_ ("Download files in the background"),
    N_ ("The downloads belong to the service: they go on after this command has ended, "
        "after logout and after a reboot.  Prints the number of each task."),
    trc_get },
  { "put",
    N_ ("FILE… URL"),
    N_ ("Upload files in the background"),
    N_ ("Behind a URL that ends with “/” comes the name of each file.  With “-” for FILE "
        "standard input is sent, and with --form a form.  The uploads belong to the "
        "service: they go on after this command has ended, after logout and after a "
        "reboot.  Prints the number of each task."),
    trc_put },
  { "list", "", N_ ("List the transfers there are"), NULL, trc_list },
  { "show", N_ ("TASK…"), N_ ("Show all that is known of a transfer"), NULL, trc_show },
  { "watch",
    N_ ("[TASK…]"),
    N_ ("Show the progress of transfers until they are finished"),
    N_ ("Without TASK, all transfers that are not finished are watched, and those that "
        "are added meanwhile."),
    trc_watch },
  { "suspend", N_ ("TASK…"), N_ ("Stop transfers for now"), NULL, trc_steer },
  { "resume", N_ ("TASK…"), N_ ("Let suspended transfers go on"), NULL, trc_steer },
  { "cancel", N_ ("TASK…"), N_ ("End transfers for good"), NULL, trc_steer },
  { "retry",
    N_ ("TASK…"),
    N_ ("Try transfers now that wait or have failed"),
    NULL,
    trc_steer },
  { "update",
    N_ ("TASK"),
    N_ ("Change what a transfer asks for while it does not run"),
    NULL,
    trc_update },
  { "answer",
    N_ ("TASK"),
    N_ ("Answer what a server asks before it gives a file"),
    N_ ("Shows what is asked: for a user name and a password, a token, a certificate, or "
        "whether a server is to be trusted.  What the options do not say is asked on the "
        "terminal."),
    trc_answer },
  { "credentials",
    N_ ("[list | add URL | remove URL]"),
    N_ ("List, add or remove what servers are answered"),
    N_ ("Passwords and other secrets are never shown."),
    trc_credentials },
  { "history",
    "",
    N_ ("List the transfers that are over and gone"),
    N_ ("Shown are the tasks whose apps have dealt with their ends, the last one first.  "
        "How long they are remembered can be set: see the manual."),
    trc_history },
  { "doctor",
    "",
    N_ ("Look whether all is as it should be"),
    N_ ("Exits with 0 when nothing is wrong, with 1 when something is, and with 2 when "
        "this cannot be told, since the service cannot be reached."),
    trc_doctor },
  { NULL },
};

const TrcCommand *
trc_command_find (const char *name)
{
  for (const TrcCommand *command = trc_commands; command->name != NULL; command++)
    if (g_strcmp0 (command->name, name) == 0)
      return command;

  return NULL;
}

gboolean
trc_command_parse (const GOptionEntry *entries, int *argc, char ***argv)
{
  return trc_command_parse_for (entries, NULL, argc, argv);
}

gboolean
trc_command_parse_for (const GOptionEntry *entries,
                       gpointer data,
                       int *argc,
                       char ***argv)
{
  const TrcCommand *command = trc_command_find ((*argv)[0]);
  g_autoptr (GOptionContext) context = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *program = NULL;
  GOptionGroup *group;

  g_return_val_if_fail (command != NULL, FALSE);

  /* GOptionContext puts the program's name before the parameters. */
  program = g_strconcat ("trundle ", command->name, NULL);
  g_set_prgname (program);

  context = g_option_context_new (command->parameters[0] ? _ (command->parameters)
                                                         : NULL);
  group = g_option_group_new (NULL, NULL, NULL, data, NULL);
  g_option_group_add_entries (group, entries);
  g_option_group_set_translation_domain (group, GETTEXT_PACKAGE);
  g_option_context_set_main_group (context, group);
  g_option_context_set_summary (context, _ (command->summary));
  if (command->details != NULL)
    g_option_context_set_description (context, _ (command->details));
  if (g_option_context_parse (context, argc, argv, &error))
    return TRUE;

  trc_command_misuse ("%s", error->message);
  return FALSE;
}

static void G_GNUC_PRINTF (1, 0) complain_va (const char *format, va_list arguments)
{
  g_autofree char *text = g_strdup_vprintf (format, arguments);

  g_printerr ("%s: %s\n", g_get_prgname (), text);
}

void
trc_command_complain (const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  complain_va (format, arguments);
  va_end (arguments);
}

TrcExit
trc_command_misuse (const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  complain_va (format, arguments);
  va_end (arguments);
  g_printerr (_ ("Try “%s --help”.\n"), g_get_prgname ());
  return TRC_EXIT_USAGE;
}

TrcExit
trc_command_fail (const GError *error)
{
  trc_command_complain ("%s", error->message);
  return trc_bus_exit_for_error (error);
}

TrcExit
trc_exit_for_counts (guint n_all, guint n_failed)
{
  if (n_failed == 0)
    return TRC_EXIT_DONE;
  return n_failed < n_all ? TRC_EXIT_SOME_FAILED : TRC_EXIT_FAILED;
}
