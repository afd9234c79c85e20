/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* What tests ask of a bus that GTestDBus started for them. */

/* A connection of its own.  (transfer full) */
GDBusConnection *
test_bus_connect (GTestDBus *test_bus);
/* FALSE when the bus is gone or refuses. */
gboolean
test_bus_request_name (GDBusConnection *bus, const char *name);
/* @command is run when @name is to be started.  @directory is one of the bus's. */
void
test_bus_write_service_file (const char *directory,
                             const char *name,
                             const char *command);
