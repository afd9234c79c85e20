/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What has begun anew since the last start of the service, by words in small files.
 *
 * A login gives apps that could not be woken another chance.  There is no event for it
 * that a service started on demand would not miss; but the user's bus lives as long as
 * the login, and its GUID is a new one each time.  A boot has an id of its own. */

#include "config.h"

#include "login.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* NULL when nothing was remembered. */
static char *
recall (const char *state_directory, const char *name)
{
  g_autofree char *path = g_build_filename (state_directory, name, NULL);
  char *word = NULL;

  g_file_get_contents (path, &word, NULL, NULL);
  return word;
}

static void
remember (const char *state_directory, const char *name, const char *word)
{
  g_autofree char *path = g_build_filename (state_directory, name, NULL);
  g_autoptr (GError) error = NULL;

  if (!g_file_set_contents_full (
          path, word, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
    g_message ("Cannot remember the %s: %s", name, error->message);
}

gboolean
trd_login_is_new (const char *state_directory, GDBusConnection *bus)
{
  const char *guid = g_dbus_connection_get_guid (bus);
  g_autofree char *known = recall (state_directory, "login");

  if (g_strcmp0 (known, guid) == 0)
    return FALSE;

  remember (state_directory, "login", guid);
  return TRUE;
}

/* The file has the boot's id and, since version 1.1, both clocks. */
TrdBoot
trd_boot_recall (const char *state_directory)
{
  g_autofree char *text = recall (state_directory, "boot");
  g_autofree char *now = NULL;
  g_auto (GStrv) words = NULL;
  TrdBoot boot = { 0 };

  if (text == NULL)
    return (TrdBoot){ .unknown = TRUE };

  words = g_strsplit_set (text, " \n", 4);
  if (g_strv_length (words) > 2)
    {
      boot.last.wall_us = g_ascii_strtoll (words[1], NULL, 10);
      boot.last.boot_us = g_ascii_strtoll (words[2], NULL, 10);
    }
  /* Without an id nothing is known of the time between: as if it were a new boot. */
  boot.rebooted = !g_file_get_contents (BOOT_ID, &now, NULL, NULL)
                  || g_strcmp0 (words[0], g_strchomp (now)) != 0;

  return boot;
}

void
trd_boot_remember (const char *state_directory, TrdMoment now)
{
  g_autofree char *id = NULL;
  g_autofree char *text = NULL;

  if (!g_file_get_contents (BOOT_ID, &id, NULL, NULL))
    return;

  text = g_strdup_printf ("%s\n%" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n",
                          g_strchomp (id),
                          now.wall_us,
                          now.boot_us);
  remember (state_directory, "boot", text);
}
