/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded into the daemon: kills it before or after its Nth step towards the disk, the
 * steps being the calls below, or right after it has renamed a file.  TRUNDLE_KILL_FILE
 * names a file with N, or the word "renamed", which the test writes when the counting is
 * to begin. */

#include "config.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char *
read_order (void)
{
  const char *path = g_getenv ("TRUNDLE_KILL_FILE");
  char *content = NULL;

  if (path != NULL)
    g_file_get_contents (path, &content, NULL, NULL);

  return content;
}

static void
take_step (void)
{
  static int taken;
  g_autofree char *content = read_order ();

  if (content == NULL)
    return;
  if (g_atomic_int_add (&taken, 1) + 1 == atoi (content))
    kill (getpid (), SIGKILL);
}

#define NEXT(function) ((__typeof__ (&function))dlsym (RTLD_NEXT, #function))

int
fsync (int fd)
{
  int result;

  take_step ();
  result = NEXT (fsync) (fd);
  take_step ();

  return result;
}

int
fdatasync (int fd)
{
  int result;

  take_step ();
  result = NEXT (fdatasync) (fd);
  take_step ();

  return result;
}

int
renameat2 (int from_fd, const char *from, int to_fd, const char *to, unsigned int flags)
{
  g_autofree char *order = NULL;
  int result;

  take_step ();
  result = NEXT (renameat2) (from_fd, from, to_fd, to, flags);
  order = read_order ();
  if (g_strcmp0 (order, "renamed") == 0)
    kill (getpid (), SIGKILL);
  take_step ();

  return result;
}

int
unlinkat (int fd, const char *path, int flags)
{
  int result;

  take_step ();
  result = NEXT (unlinkat) (fd, path, flags);
  take_step ();

  return result;
}
