/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "cli/command.h"
#include "cli/task-options.h"

/* The command line; strings are owned. */
typedef struct
{
  TrcTaskOptions task;
  char **arguments;
  char *method;
  gboolean post;
  char *content_type;
  char *range;
  char *snapshot;
  char *resumable;
  gboolean idempotency_key;
  gboolean retry_safe;
  gboolean expect_continue;
  char *output;
  char *if_exists;

  char *url;              /* the last of the arguments, or "" for that of resume data */
  char **files;           /* those before it; "-" is standard input */
  GPtrArray *fields;      /* (element-type TrcField): of the form, as they were given */
  GVariant *wanted_range; /* (nullable) */
  gboolean to_stdout;     /* the answer is to be shown */
  char *destination;      /* (nullable): where it is saved */
} TrcPutOptions;

void
trc_put_options_clear (TrcPutOptions *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TrcPutOptions, trc_put_options_clear)

/* From the command line, checked; files of options are read, and passwords that no file
 * holds are asked for on the terminal.  What is wrong is told on standard error. */
TrcExit
trc_put_options_read (TrcPutOptions *self, int *argc, char ***argv);

/* Whether a URL that names a folder is one for each file, by its name. */
gboolean
trc_put_options_names_files (const TrcPutOptions *self);
