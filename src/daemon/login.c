/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A login gives apps that could not be woken another chance.  There is no event for it
 * that a service started on demand would not miss; but the user's bus lives as long as
 * the login, and its GUID is a new one each time. */

#include "config.h"

#include "login.h"

gboolean
trd_login_is_new (const char *state_directory, GDBusConnection *bus)
{
  g_autofree char *path = g_build_filename (state_directory, "login", NULL);
  const char *guid = g_dbus_connection_get_guid (bus);
  g_autofree char *known = NULL;
  g_autoptr (GError) error = NULL;

  if (g_file_get_contents (path, &known, NULL, NULL) && g_str_equal (known, guid))
    return FALSE;

  if (!g_file_set_contents_full (
          path, guid, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
    g_message ("Cannot remember the login: %s", error->message);

  return TRUE;
}
