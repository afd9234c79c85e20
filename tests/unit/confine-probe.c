/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Confines itself as a worker does, then tries what the second argument names, if need be
 * on the file of the first.  The third is the profile.  Prints "allowed" or "refused",
 * the latter with the errno.  With a fourth argument another thread tries it.  Own
 * program: there is no way back. */

#include "config.h"

#include "confine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static const char *writable_path;
static int listener = -1;

static int
try_open (const char *path, int flags)
{
  return open (path, flags | O_CLOEXEC, 0600);
}

static int
try_unix (void)
{
  return socket (AF_UNIX, SOCK_STREAM, 0);
}

static int
try_netlink (void)
{
  return socket (AF_NETLINK, SOCK_RAW, 0);
}

static int
try_raw (void)
{
  return socket (AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int
try_socketpair (void)
{
  int fds[2];

  return socketpair (AF_UNIX, SOCK_STREAM, 0, fds);
}

static int
try_read_own (void)
{
  return try_open (writable_path, O_RDONLY);
}

static int
try_write_own (void)
{
  return try_open (writable_path, O_WRONLY);
}

static int
try_create (void)
{
  return try_open ("/tmp/trundle-probe-new", O_WRONLY | O_CREAT);
}

static int
try_create_read_only (void)
{
  return try_open ("/tmp/trundle-probe-new", O_RDONLY | O_CREAT);
}

static int
try_unlink (void)
{
  return unlink (writable_path);
}

static int
try_mkdir (void)
{
  return mkdir ("/tmp/trundle-probe-dir", 0700);
}

static int
try_home (void)
{
  return try_open ("/root", O_RDONLY | O_DIRECTORY);
}

static int
try_homes (void)
{
  return try_open ("/home", O_RDONLY | O_DIRECTORY);
}

static int
try_proc (void)
{
  return try_open ("/proc/1/status", O_RDONLY);
}

static int
try_own_memory (void)
{
  return try_open ("/proc/self/mem", O_RDONLY);
}

static int
try_execute (void)
{
  return execl ("/bin/true", "true", NULL);
}

static int
try_fork (void)
{
  return (int)syscall (SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
}

static int
try_namespace (void)
{
  return unshare (CLONE_NEWUSER);
}

static int
try_ptrace (void)
{
  return (int)ptrace (PTRACE_TRACEME, 0, NULL, NULL);
}

static int
try_kill (void)
{
  return kill (getppid (), 0);
}

static int
try_io_uring (void)
{
  return (int)syscall (425, 1, NULL);
}

static int
try_bind (void)
{
  const struct sockaddr_in any = { .sin_family = AF_INET };

  return bind (socket (AF_INET, SOCK_STREAM, 0), (const void *)&any, sizeof any);
}

static int
try_dumpable (void)
{
  return prctl (PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static int
try_limits (void)
{
  const struct rlimit limit = { 1, 1 };

  return setrlimit (RLIMIT_NOFILE, &limit);
}

/* What a worker needs. */

static int
try_read_etc (void)
{
  return try_open ("/etc/passwd", O_RDONLY);
}

static int
try_connect (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET };
  socklen_t size = sizeof address;

  if (getsockname (listener, (void *)&address, &size) < 0)
    return -1;
  return connect (socket (AF_INET, SOCK_STREAM, 0), (const void *)&address, size);
}

static int
try_resolve (void)
{
  const struct addrinfo hints = { .ai_flags = AI_ADDRCONFIG, .ai_socktype = SOCK_STREAM };
  struct addrinfo *found = NULL;

  if (getaddrinfo ("localhost", "80", &hints, &found) != 0)
    return -1;
  freeaddrinfo (found);
  return 0;
}

/* What one of the profile "local" may need. */

static int
try_lock (void)
{
  struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
  int fd = try_open (writable_path, O_RDONLY);

  return fd < 0 ? -1 : fcntl (fd, F_OFD_SETLKW, &lock);
}

static int
try_keyring (void)
{
  return (int)syscall (SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1);
}

static int
try_add_key (void)
{
  return (int)syscall (
      SYS_add_key, "user", "trundle-probe", "a", (gsize)1, KEY_SPEC_PROCESS_KEYRING);
}

static int
try_revoke (void)
{
  return (int)syscall (SYS_keyctl, KEYCTL_REVOKE, KEY_SPEC_PROCESS_KEYRING);
}

static int
try_abstract (void)
{
  struct sockaddr_un address = { AF_UNIX };

  g_strlcpy (address.sun_path + 1, writable_path, sizeof address.sun_path - 1);
  return connect (
      socket (AF_UNIX, SOCK_STREAM, 0), (const void *)&address, sizeof address);
}

static gpointer
return_data (gpointer data)
{
  return data;
}

static int
try_thread (void)
{
  return g_thread_join (g_thread_new ("probe", return_data, &listener)) == &listener ? 0
                                                                                     : -1;
}

static const struct
{
  const char *name;
  int (*attempt) (void);
} attempts[] = {
  { "unix", try_unix },
  { "netlink", try_netlink },
  { "raw", try_raw },
  { "socketpair", try_socketpair },
  { "read-own", try_read_own },
  { "write-own", try_write_own },
  { "create", try_create },
  { "create-read-only", try_create_read_only },
  { "unlink", try_unlink },
  { "mkdir", try_mkdir },
  { "root-home", try_home },
  { "homes", try_homes },
  { "proc", try_proc },
  { "own-memory", try_own_memory },
  { "execute", try_execute },
  { "fork", try_fork },
  { "namespace", try_namespace },
  { "ptrace", try_ptrace },
  { "kill", try_kill },
  { "io-uring", try_io_uring },
  { "bind", try_bind },
  { "dumpable", try_dumpable },
  { "limits", try_limits },
  { "read-etc", try_read_etc },
  { "lock", try_lock },
  { "keyring", try_keyring },
  { "add-key", try_add_key },
  { "revoke", try_revoke },
  { "abstract", try_abstract },
  { "connect", try_connect },
  { "resolve", try_resolve },
  { "thread", try_thread },
};

static gpointer
run_attempt (gpointer name)
{
  for (guint i = 0; i < G_N_ELEMENTS (attempts); i++)
    {
      if (g_str_equal (attempts[i].name, name))
        {
          errno = 0;
          return GINT_TO_POINTER (attempts[i].attempt () >= 0 ? 0 : MAX (errno, 1));
        }
    }
  abort ();
}

/* Also what is tried is prepared here, since nothing of it can be made afterwards. */
static void
prepare (void)
{
  const struct sockaddr_in any = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };

  /* Kept as the one descriptor. */
  listener = dup2 (socket (AF_INET, SOCK_STREAM, 0), 3);
  g_assert_no_errno (bind (listener, (const void *)&any, sizeof any));
  g_assert_no_errno (listen (listener, 1));
}

int
main (int argc, char **argv)
{
  TrwConfinement confinement = { 0 };
  TrwProfile profile;
  g_autoptr (GError) error = NULL;
  gpointer result;

  g_assert_cmpint (argc, >=, 4);
  profile = g_str_equal (argv[3], "local") ? TRW_PROFILE_LOCAL : TRW_PROFILE_CONFINED;
  writable_path = argv[1];
  prepare ();
  trw_confine_prepare (profile, listener, &error);
  g_assert_no_error (error);
  trw_confine (profile, &confinement, &error);
  g_assert_no_error (error);
  if (argc > 4)
    result = g_thread_join (g_thread_new ("probe", run_attempt, argv[2]));
  else
    result = run_attempt (argv[2]);
  dprintf (STDERR_FILENO,
           "%s %d landlock %d seccomp %d\n",
           result == NULL ? "allowed" : "refused",
           GPOINTER_TO_INT (result),
           confinement.landlock,
           confinement.seccomp);
  return 0;
}
