/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An empty file beside the database.  It need not outlive a power cut: whatever is stored
 * next sets it again. */

#include "config.h"

#include "port/kept-mark.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define MARK_FILE "kept-secrets"

void
trd_kept_mark_set (const char *state_directory)
{
  g_autofree char *path = g_build_filename (state_directory, MARK_FILE, NULL);
  int fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

  if (fd >= 0)
    close (fd);
  else
    g_warning ("Cannot note that the keyring has secrets: %s", g_strerror (errno));
}

gboolean
trd_kept_mark_is_set (const char *state_directory)
{
  g_autofree char *path = g_build_filename (state_directory, MARK_FILE, NULL);

  return access (path, F_OK) == 0;
}

void
trd_kept_mark_clear (const char *state_directory)
{
  g_autofree char *path = g_build_filename (state_directory, MARK_FILE, NULL);

  if (unlink (path) != 0 && errno != ENOENT)
    g_warning ("Cannot note that the keyring has no secrets: %s", g_strerror (errno));
}
