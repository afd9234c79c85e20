/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "cli/command.h"

/* A file with the bytes of resume data.  What is wrong is told on standard error. */

/* (transfer full); NULL when it cannot be read. */
GBytes *
trc_resume_data_read (const char *path);

/* Cancels the task behind @task so that it can be gone on with, and makes the file. */
TrcExit
trc_resume_data_produce (GDBusConnection *connection, const char *task, const char *path);
