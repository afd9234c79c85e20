/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "private-bus.h"

GDBusConnection *
test_bus_connect (GTestDBus *test_bus)
{
  GDBusConnection *bus = g_dbus_connection_new_for_address_sync (
      g_test_dbus_get_bus_address (test_bus),
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL,
      NULL,
      NULL);

  g_assert_nonnull (bus);
  return bus;
}

gboolean
test_bus_request_name (GDBusConnection *bus, const char *name)
{
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      bus,
      "org.freedesktop.DBus",
      "/org/freedesktop/DBus",
      "org.freedesktop.DBus",
      "RequestName",
      g_variant_new ("(su)", name, 0),
      NULL,
      G_DBUS_CALL_FLAGS_NONE,
      -1,
      NULL,
      NULL);

  return reply != NULL;
}

void
test_bus_write_service_file (const char *directory, const char *name, const char *command)
{
  g_autofree char *file = g_strconcat (name, ".service", NULL);
  g_autofree char *path = g_build_filename (directory, file, NULL);
  g_autofree char *text = g_strdup_printf (
      "[D-BUS Service]\nName=%s\nExec=%s\n", name, command);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}
