/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tool `trundle`: finds the command and hands over. */

#include "config.h"

#include <glib/gi18n.h>
#include <locale.h>

#include "cli/command.h"
#include "cli/print.h"

static void
print_overview (void)
{
  trc_print_line (_ ("Usage: trundle COMMAND [OPTION…] …"));
  trc_print_line ("%s", "");
  trc_print_line (_ ("Move files in the background."));
  trc_print_line ("%s", "");
  trc_print_line (_ ("Commands:"));
  for (const TrcCommand *command = trc_commands; command->name != NULL; command++)
    trc_print_line ("  %-11s %s", command->name, _ (command->summary));
  trc_print_line (
      "  %-11s %s", "help", _ ("Show this list, or the options of a command"));
  trc_print_line ("%s", "");
  trc_print_line (_ ("Try “trundle COMMAND --help”.  The manual is trundle(1)."));
}

static TrcExit
run_command (int argc, char **argv)
{
  const TrcCommand *command = trc_command_find (argv[0]);

  if (command == NULL)
    return trc_command_misuse (_ ("There is no command “%s”"), argv[0]);
  return command->run (argc, argv);
}

static TrcExit
show_help (int argc, char **argv)
{
  char help[] = "--help";
  char *arguments[] = { argv[1], help, NULL };

  if (argc < 2)
    {
      print_overview ();
      return TRC_EXIT_DONE;
    }
  /* GOptionContext prints the help and leaves. */
  return run_command (2, arguments);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, TRUNDLE_LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  g_set_prgname ("trundle");

  if (argc < 2)
    return trc_command_misuse (_ ("Which command?"));
  if (g_str_equal (argv[1], "--version"))
    {
      trc_print_line ("trundle %s", TRUNDLE_VERSION);
      return TRC_EXIT_DONE;
    }
  if (g_str_equal (argv[1], "help"))
    return show_help (argc - 1, argv + 1);
  if (g_str_equal (argv[1], "--help") || g_str_equal (argv[1], "-h"))
    return show_help (1, argv + 1);
  return run_command (argc - 1, argv + 1);
}
