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
  char **urls;
  char *output;
  char *directory;
  char *if_exists;
  char **mirrors;
  char **digests;
  char *range;
  char *max_size;
  gboolean decode;

  char **destinations; /* one a URL */
  GVariant *digest_list;
  guint64 max_bytes;
  GVariant *wanted_range;
} TrcGetOptions;

void
trc_get_options_clear (TrcGetOptions *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TrcGetOptions, trc_get_options_clear)

/* From the command line, checked; files are read, and passwords that no file holds are
 * asked for on the terminal.  What is wrong is told on standard error. */
TrcExit
trc_get_options_read (TrcGetOptions *self, int *argc, char ***argv);
