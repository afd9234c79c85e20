/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* What the command line says. */
typedef struct
{
  char *state_directory; /* (owned) */
  char *worker_program;  /* (owned) */
  int idle_ms;           /* leaves after so long without work; 0: at once, -1: never */
  guint worker_idle_ms;
  GBusType bus_type;
} TrdServiceOptions;

/* Exit codes of the program. */
#define TRD_EXIT_LOCKED 75 /* EX_TEMPFAIL: another one has the state directory */

/* Composes the house and runs it until it may leave.  Returns the program's exit code. */
int
trd_service_run (const TrdServiceOptions *options);
