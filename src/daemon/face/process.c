/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who a process is, by what only the kernel and the sandbox's own tools can write.
 * Flatpak puts /.flatpak-info into the root of everything it starts, its D-Bus proxy too,
 * where the app cannot change it; a host process is named by the unit that the session
 * started it in.  Reads only; needs no privilege, but fails for a process whose root we
 * may not look into, and then says so rather than guess (law 14). */

#include "config.h"

#include "face/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* No honest file of the two is larger. */
#define FILE_MAX (1024 * 1024)

static int
fail_errno (GError **error, const char *what)
{
  int saved = errno;

  g_set_error (error,
               G_IO_ERROR,
               (int)g_io_error_from_errno (saved),
               "%s: %s",
               what,
               g_strerror (saved));
  return -1;
}

int
trd_process_pin (const char *proc_root, int pid, GError **error)
{
  g_autofree char *path = g_strdup_printf ("%s/%d", proc_root, pid);
  int fd = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);

  return fd >= 0 ? fd : fail_errno (error, "Opening the caller's process");
}

/* Reads all of @fd, which is closed.  (transfer full) */
static char *
read_text (int fd, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  char buffer[4096];
  ssize_t n = 0;

  do
    {
      n = read (fd, buffer, sizeof buffer);
      if (n > 0)
        g_string_append_len (text, buffer, n);
    }
  while ((n > 0 && text->len <= FILE_MAX) || (n < 0 && errno == EINTR));

  if (n < 0)
    fail_errno (error, "Reading about the caller");
  close (fd);
  if (n < 0)
    return NULL;
  if (n > 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "Too much text");
      return NULL;
    }

  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* The contents of /.flatpak-info in the root of the process; NULL without an error when
 * there is no such file. */
static char *
read_flatpak_info (int process_fd, GError **error)
{
  struct stat info;
  int root_fd = openat (process_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
  int fd;
  int saved;

  if (root_fd < 0)
    {
      fail_errno (error, "Opening the caller's root");
      return NULL;
    }

  fd = openat (root_fd,
               ".flatpak-info",
               O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  saved = errno;
  close (root_fd);
  if (fd < 0)
    {
      errno = saved;
      if (saved != ENOENT)
        fail_errno (error, "Opening the caller's sandbox description");
      return NULL;
    }

  if (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode))
    {
      close (fd);
      g_set_error (error,
                   G_IO_ERROR,
                   G_IO_ERROR_INVALID_DATA,
                   "The caller's sandbox description is not a regular file");
      return NULL;
    }

  return read_text (fd, error);
}

static TrdOwner *
identify_flatpak (const char *text, gboolean *out_has_network, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *app_id = NULL;
  g_auto (GStrv) shared = NULL;

  if (!g_key_file_load_from_data (file, text, strlen (text), G_KEY_FILE_NONE, error))
    return NULL;
  app_id = g_key_file_get_string (file, "Application", "name", error);
  if (app_id == NULL)
    return NULL;
  if (!g_application_id_is_valid (app_id))
    {
      g_set_error (error,
                   G_IO_ERROR,
                   G_IO_ERROR_INVALID_DATA,
                   "The caller's sandbox has no valid app id");
      return NULL;
    }

  shared = g_key_file_get_string_list (file, "Context", "shared", NULL, NULL);
  *out_has_network = shared != NULL
                     && g_strv_contains ((const char *const *)shared, "network");

  return trd_owner_new ("flatpak", app_id);
}

static char *
read_cgroup (int process_fd)
{
  int fd = openat (process_fd, "cgroup", O_RDONLY | O_CLOEXEC);

  return fd >= 0 ? read_text (fd, NULL) : NULL;
}

char *
trd_process_unit_of_cgroup (const char *cgroup)
{
  g_auto (GStrv) lines = g_strsplit (cgroup, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) parts = NULL;

      /* The unified hierarchy, or systemd's own on a hybrid system. */
      if (!g_str_has_prefix (lines[i], "0::")
          && strstr (lines[i], ":name=systemd:") == NULL)
        continue;

      parts = g_strsplit (strchr (lines[i], '/') ? strchr (lines[i], '/') : "", "/", -1);
      for (guint j = 0; parts[j] != NULL; j++)
        {
          if (g_str_has_prefix (parts[j], "user@"))
            continue;
          /* The first: what lies below are groups the unit made for itself. */
          if (g_str_has_suffix (parts[j], ".scope")
              || g_str_has_suffix (parts[j], ".service"))
            return g_strdup (parts[j]);
        }
    }

  return NULL;
}

/* systemd.unit(5), "string escaping": "\x2d" is "-". */
static char *
unescape (const char *text)
{
  GString *plain = g_string_new (NULL);

  while (*text != '\0')
    {
      int high = text[0] == '\\' && text[1] == 'x' ? g_ascii_xdigit_value (text[2]) : -1;
      int low = high >= 0 ? g_ascii_xdigit_value (text[3]) : -1;

      if (low >= 0 && (high | low) != 0)
        {
          g_string_append_c (plain, (char)(high * 16 + low));
          text += 4;
        }
      else
        {
          g_string_append_c (plain, *text++);
        }
    }

  return g_string_free (plain, FALSE);
}

char *
trd_process_app_id_of_unit (const char *unit)
{
  g_autofree char *stem = g_strdup (unit);
  g_auto (GStrv) parts = NULL;
  char *dot = strrchr (stem, '.');

  if (!g_str_has_prefix (unit, "app-") || dot == NULL)
    return NULL;

  *dot = '\0';
  if (strchr (stem, '@') != NULL)
    *strchr (stem, '@') = '\0';

  /* app[-LAUNCHER]-ID[-RANDOM].scope, app[-LAUNCHER]-ID[@RANDOM].service: neither
   * launcher nor random part looks like an app id, which has a dot. */
  parts = g_strsplit (stem + strlen ("app-"), "-", -1);
  if (g_strcmp0 (parts[0], "flatpak") == 0)
    return NULL;
  for (guint i = 0; parts[i] != NULL; i++)
    {
      g_autofree char *id = unescape (parts[i]);

      if (g_application_id_is_valid (id))
        return g_steal_pointer (&id);
    }

  return NULL;
}

TrdOwner *
trd_process_identify (int process_fd, gboolean *out_has_network, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autofree char *info = read_flatpak_info (process_fd, &local_error);
  g_autofree char *cgroup = NULL;
  g_autofree char *unit = NULL;
  g_autofree char *app_id = NULL;

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  if (info != NULL)
    return identify_flatpak (info, out_has_network, error);

  cgroup = read_cgroup (process_fd);
  if (cgroup != NULL)
    unit = trd_process_unit_of_cgroup (cgroup);
  if (unit != NULL)
    app_id = trd_process_app_id_of_unit (unit);

  *out_has_network = TRUE;
  return trd_owner_new ("host", app_id != NULL ? app_id : "host");
}
