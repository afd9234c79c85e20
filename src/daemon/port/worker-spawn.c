/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a worker is started.  GSubprocess would keep our signal dispositions, and hands
 * its child to a watch by process id; we want a pidfd, by which any thread can kill the
 * worker without ever hitting another process. */

#include "config.h"

#include "port/worker-spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/profile.h"
#include "port/files.h"

#define WORKER_SOCKET_FD 3

/* The order matters: the socket first, for its number may be one that is given away. */
static int
lay_out_fds (posix_spawn_file_actions_t *actions, int socket_fd)
{
  int result;

  result = posix_spawn_file_actions_adddup2 (actions, socket_fd, WORKER_SOCKET_FD);
  if (result == 0)
    result = posix_spawn_file_actions_addopen (
        actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (result == 0)
    result = posix_spawn_file_actions_addopen (
        actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  if (result == 0)
    result = posix_spawn_file_actions_addclosefrom_np (actions, WORKER_SOCKET_FD + 1);
  return result;
}

/* We may ignore SIGTERM ourselves by then, and that would be inherited. */
static int
reset_signals (posix_spawnattr_t *attributes)
{
  sigset_t all;
  sigset_t none;
  int result;

  sigfillset (&all);
  sigemptyset (&none);
  result = posix_spawnattr_setsigdefault (attributes, &all);
  if (result == 0)
    result = posix_spawnattr_setsigmask (attributes, &none);
  if (result == 0)
    result = posix_spawnattr_setflags (attributes,
                                       POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  return result;
}

/* Where the user's tickets and tokens are.  No secret is in any of them. */
static char **
compose_environment (TrdProfile profile)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; profile == TRD_PROFILE_LOCAL && trundle_local_variables[i] != NULL;
       i++)
    {
      const char *name = trundle_local_variables[i];
      const char *value = g_getenv (name);
      g_autofree char *line = g_strconcat (name, "=", value, NULL);

      if (value != NULL)
        g_strv_builder_add (builder, line);
    }
  return g_strv_builder_end (builder);
}

static gboolean
spawn (const char *program,
       TrdProfile profile,
       int socket_fd,
       pid_t *out_pid,
       GError **error)
{
  char *is_local = profile == TRD_PROFILE_LOCAL ? (char *)TRUNDLE_WORKER_LOCAL : NULL;
  char *arguments[] = { (char *)program, is_local, NULL };
  g_auto (GStrv) environment = compose_environment (profile);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int result;

  posix_spawn_file_actions_init (&actions);
  posix_spawnattr_init (&attributes);
  result = lay_out_fds (&actions, socket_fd);
  if (result == 0)
    result = reset_signals (&attributes);
  if (result == 0)
    result = posix_spawn (
        out_pid, program, &actions, &attributes, arguments, environment);
  posix_spawnattr_destroy (&attributes);
  posix_spawn_file_actions_destroy (&actions);

  if (result != 0)
    trd_files_set_io_error (error, result, "Starting the worker");
  return result == 0;
}

gboolean
trd_worker_spawn (const char *program,
                  TrdProfile profile,
                  TrdSpawned *out_spawned,
                  GError **error)
{
  int fds[2];
  pid_t pid = 0;
  int pidfd;
  gboolean spawned;

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    {
      trd_files_set_io_error (error, errno, "Making a socket pair");
      return FALSE;
    }
  spawned = spawn (program, profile, fds[1], &pid, error);
  g_close (fds[1], NULL);
  if (!spawned)
    {
      g_close (fds[0], NULL);
      return FALSE;
    }

  /* Nobody else reaps it, so that the id is still its own. */
  pidfd = pidfd_open (pid, 0);
  if (pidfd < 0)
    {
      trd_files_set_io_error (error, errno, "Opening the worker's process");
      g_close (fds[0], NULL);
      kill (pid, SIGKILL);
      waitpid (pid, NULL, 0);
      return FALSE;
    }
  *out_spawned = (TrdSpawned){ .pid = pid, .pidfd = pidfd, .socket_fd = fds[0] };
  return TRUE;
}
