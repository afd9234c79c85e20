/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* What every command of the tool shares: its exit codes and how it reads its options. */

/* Documented in trundle(1): scripts depend on the numbers. */
typedef enum
{
  TRC_EXIT_DONE = 0,
  TRC_EXIT_FAILED = 1, /* a transfer or the command failed */
  TRC_EXIT_USAGE = 2,
  TRC_EXIT_UNREACHABLE = 3, /* the service cannot be reached */
  TRC_EXIT_NOT_FOUND = 4,
  TRC_EXIT_SOME_FAILED = 5, /* some of several, not all */
  TRC_EXIT_INTERRUPTED = 130,
} TrcExit;

typedef struct
{
  const char *name;
  const char *parameters; /* of the usage line, as "URL…" */
  const char *summary;    /* translatable: one sentence, also in the list of commands */
  const char *details;    /* (nullable), translatable: paragraphs after the options */
  TrcExit (*run) (int argc, char **argv);
} TrcCommand;

/* All commands, ended by a row without a name. */
extern const TrcCommand trc_commands[];
const TrcCommand *
trc_command_find (const char *name);

/* Reads the options of the command named argv[0] into @entries and leaves the rest.  On
 * an error it is told on standard error and FALSE returned. */
gboolean
trc_command_parse (const GOptionEntry *entries, int *argc, char ***argv);
/* The same; callbacks of the entries get @data. */
gboolean
trc_command_parse_for (const GOptionEntry *entries,
                       gpointer data,
                       int *argc,
                       char ***argv);

/* "trundle get: …" on standard error. */
void
trc_command_complain (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* The same, and where to read on.  Returns TRC_EXIT_USAGE. */
TrcExit
trc_command_misuse (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* An error of the service or the world: its sentence, and the code that belongs to it. */
TrcExit
trc_command_fail (const GError *error);

/* Of @n_all things @n_failed failed. */
TrcExit
trc_exit_for_counts (guint n_all, guint n_failed);

TrcExit
trc_get (int argc, char **argv);
TrcExit
trc_put (int argc, char **argv);
TrcExit
trc_list (int argc, char **argv);
TrcExit
trc_show (int argc, char **argv);
TrcExit
trc_watch (int argc, char **argv);
/* suspend, resume, cancel and retry: argv[0] says which. */
TrcExit
trc_steer (int argc, char **argv);
TrcExit
trc_update (int argc, char **argv);
TrcExit
trc_answer (int argc, char **argv);
TrcExit
trc_credentials (int argc, char **argv);
TrcExit
trc_doctor (int argc, char **argv);
TrcExit
trc_history (int argc, char **argv);
