/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "cli/command.h"
#include "cli/task-options.h"

/* A task as a command line describes it. */
typedef struct
{
  char *url;         /* (owned) */
  char *name;        /* (owned) (nullable): of the file, when the task does not tell */
  char *destination; /* (owned) (nullable) */
  gboolean is_upload;
  GVariant *options; /* (owned): a{sv} of CreateTasks, without what is said above */
} TrcNewTask;

void
trc_new_task_free (TrcNewTask *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrcNewTask, trc_new_task_free)

/* Gives @tasks (element-type TrcNewTask), whose handles are in @fds, to the service, all
 * or none, and prints their numbers, or waits until they are finished when @options say
 * so. What goes wrong is told on standard error. */
TrcExit
trc_hand_over (const TrcTaskOptions *options, GPtrArray *tasks, GUnixFDList *fds);
