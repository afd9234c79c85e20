/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The worker's confinement, put on by itself before it reads the first message: who takes
 * over its HTTP or TLS code has the connections and part files of one app and can open
 * outgoing TCP and UDP sockets, nothing else.  What one of the profile "local" can reach
 * besides is in reach.c.
 *
 * Files: Landlock, by directories and read-only (a rule on a file is void once the file
 * is replaced, as resolv.conf is).  Sockets of the session bus are out of Landlock's
 * reach, so socket() gives AF_INET and AF_INET6 only. Calls: a list of what is allowed,
 * in confine-calls.c.  Nothing refused kills.
 *
 * What the resolver loses is what it can do without: nscd, systemd-resolved's own socket
 * (its stub on 127.0.0.53 stays) and the netlink question which address families are
 * configured (glibc asks for both then). */

#include "config.h"

#include "confine.h"

#include "common/profile.h"
#include "confine-calls.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_SANITIZER 1
#endif
#endif

#define FILES_MAX 4096
#define ADDRESS_SPACE_MAX (G_GUINT64_CONSTANT (8) * 1024 * 1024 * 1024)

/* Debian 12's <linux/landlock.h> knows ABI 2 only; these are the kernel's numbers, which
 * never change. */
#define NR_LANDLOCK_CREATE_RULESET 444
#define NR_LANDLOCK_ADD_RULE 445
#define NR_LANDLOCK_RESTRICT_SELF 446
#define LANDLOCK_CREATE_VERSION (1U << 0)
#define LANDLOCK_PATH_BENEATH 1
#define LANDLOCK_READ_FILE (G_GUINT64_CONSTANT (1) << 2)
#define LANDLOCK_READ_DIR (G_GUINT64_CONSTANT (1) << 3)
#define LANDLOCK_WRITE_FILE (G_GUINT64_CONSTANT (1) << 1)
#define LANDLOCK_MAKE_REG (G_GUINT64_CONSTANT (1) << 8)
#define LANDLOCK_TRUNCATE (G_GUINT64_CONSTANT (1) << 14)
#define LANDLOCK_NET_BIND_TCP (G_GUINT64_CONSTANT (1) << 0)
#define LANDLOCK_SCOPE_ALL (G_GUINT64_CONSTANT (3))

typedef struct
{
  guint64 handled_access_fs;
  guint64 handled_access_net;
  guint64 scoped;
} LandlockRuleset;

typedef struct
{
  guint64 allowed_access;
  gint32 parent_fd;
} __attribute__ ((packed)) LandlockPathBeneath;

static gboolean
set_errno_error (GError **error, const char *what)
{
  int error_number = errno;

  g_set_error (error,
               G_IO_ERROR,
               g_io_error_from_errno (error_number),
               "%s: %s",
               what,
               g_strerror (error_number));
  return FALSE;
}

/* RLIMIT_NPROC stays: it counts all threads of the user, so any number would be wrong
 * somewhere; new processes are refused by confine-calls.c.  An address sanitizer's shadow
 * takes terabytes of addresses. */
static gboolean
set_limits (GError **error)
{
  struct rlimit files;
  const struct rlimit none = { 0, 0 };

  if (setrlimit (RLIMIT_CORE, &none) < 0 || getrlimit (RLIMIT_NOFILE, &files) < 0)
    return set_errno_error (error, "Setting limits");
  files.rlim_max = MIN (files.rlim_max, FILES_MAX);
  files.rlim_cur = files.rlim_max;
  if (setrlimit (RLIMIT_NOFILE, &files) < 0)
    return set_errno_error (error, "Setting limits");
#ifndef HAVE_SANITIZER
  {
    struct rlimit space;

    if (getrlimit (RLIMIT_AS, &space) < 0)
      return set_errno_error (error, "Setting limits");
    space.rlim_max = MIN (space.rlim_max, ADDRESS_SPACE_MAX);
    space.rlim_cur = MIN (space.rlim_cur, space.rlim_max);
    if (setrlimit (RLIMIT_AS, &space) < 0)
      return set_errno_error (error, "Setting limits");
  }
#endif
  return TRUE;
}

/* Standard error stays for the log. */
static gboolean
close_strays (int keep_fd, GError **error)
{
  int null_fd = open ("/dev/null", O_RDWR | O_CLOEXEC);

  if (null_fd < 0)
    return set_errno_error (error, "Opening /dev/null");
  if (dup2 (null_fd, STDIN_FILENO) < 0 || dup2 (null_fd, STDOUT_FILENO) < 0)
    return set_errno_error (error, "Replacing standard input");
  if (fcntl (STDERR_FILENO, F_GETFD) < 0 && dup2 (null_fd, STDERR_FILENO) < 0)
    return set_errno_error (error, "Replacing standard error");
  if (keep_fd > 3 && syscall (SYS_close_range, 3U, (guint)keep_fd - 1, 0U) < 0)
    return set_errno_error (error, "Closing descriptors");
  if (syscall (SYS_close_range, (guint)keep_fd + 1, ~0U, 0U) < 0)
    return set_errno_error (error, "Closing descriptors");
  return TRUE;
}

/* Nothing of the user's environment but, if @profile says so, where to find what he says
 * who he is with; settings that keep GIO from dconf, gvfs, netlink and
 * the buses; and HTTP/1.1, since libsoup buffers unread HTTP/2 bodies without bound. */
static gboolean
set_environment (TrwProfile profile, GError **error)
{
  static const char *const ours[][2] = {
    { "SOUP_FORCE_HTTP1", "1" },
    { "GIO_USE_VFS", "local" },
    { "GIO_USE_VOLUME_MONITOR", "unix" },
    { "GIO_USE_PROXY_RESOLVER", "dummy" },
    { "GIO_USE_NETWORK_MONITOR", "base" },
    { "GSETTINGS_BACKEND", "memory" },
    { "DBUS_SESSION_BUS_ADDRESS", "disabled:" },
    { "LC_ALL", "C.UTF-8" },
  };

  g_auto (GStrv) before = g_get_environ ();

  if (clearenv () != 0)
    return set_errno_error (error, "Clearing the environment");
  for (guint i = 0; profile == TRW_PROFILE_LOCAL && trundle_local_variables[i] != NULL;
       i++)
    {
      const char *name = trundle_local_variables[i];
      const char *value = g_environ_getenv (before, name);

      if (value != NULL && !g_setenv (name, value, TRUE))
        return set_errno_error (error, "Setting the environment");
    }
  for (guint i = 0; i < G_N_ELEMENTS (ours); i++)
    {
      if (!g_setenv (ours[i][0], ours[i][1], TRUE))
        return set_errno_error (error, "Setting the environment");
    }
  return TRUE;
}

gboolean
trw_confine_prepare (TrwProfile profile, int keep_fd, GError **error)
{
  if (prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) < 0
      || prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    return set_errno_error (error, "Giving up privileges");
  /* Both are reported by errno where they happen. */
  signal (SIGPIPE, SIG_IGN);
  signal (SIGXFSZ, SIG_IGN);
  return set_limits (error) && close_strays (keep_fd, error)
         && set_environment (profile, error);
}

static int
get_landlock_version (void)
{
  long version = syscall (
      NR_LANDLOCK_CREATE_RULESET, NULL, (gsize)0, LANDLOCK_CREATE_VERSION);

  return version > 0 ? (int)version : 0;
}

/* All rights on files the running kernel knows: what is not handled is not refused. */
static guint64
get_handled_access_fs (int version)
{
  static const guint n_bits[] = { 0, 13, 14, 15, 15, 16 };
  guint row = MIN ((guint)version, G_N_ELEMENTS (n_bits) - 1);

  return (G_GUINT64_CONSTANT (1) << n_bits[row]) - 1;
}

static int
create_ruleset (int version)
{
  LandlockRuleset ruleset = { 0 };
  gsize size = sizeof ruleset.handled_access_fs;

  ruleset.handled_access_fs = get_handled_access_fs (version);
  if (version >= 4)
    {
      ruleset.handled_access_net = LANDLOCK_NET_BIND_TCP;
      size = offsetof (LandlockRuleset, scoped);
    }
  if (version >= 6)
    {
      /* Abstract sockets and signals to other processes. */
      ruleset.scoped = LANDLOCK_SCOPE_ALL;
      size = sizeof ruleset;
    }
  return (int)syscall (NR_LANDLOCK_CREATE_RULESET, &ruleset, size, 0U);
}

/* To be read, and @more.  What does not exist is skipped. */
static gboolean
allow_path (int ruleset_fd, const char *path, guint64 more, GError **error)
{
  LandlockPathBeneath rule = { LANDLOCK_READ_FILE | more, -1 };
  int fd = open (path, O_PATH | O_CLOEXEC);
  struct stat facts;
  gboolean is_added;

  if (fd < 0)
    return TRUE;
  rule.parent_fd = fd;
  /* A file has no right that only folders have: EINVAL. */
  if (fstat (fd, &facts) == 0 && S_ISDIR (facts.st_mode))
    rule.allowed_access |= LANDLOCK_READ_DIR;
  is_added = syscall (NR_LANDLOCK_ADD_RULE, ruleset_fd, LANDLOCK_PATH_BENEATH, &rule, 0U)
             == 0;
  if (!is_added)
    set_errno_error (error, "Adding a Landlock rule");
  close (fd);
  return is_added;
}

static gboolean
restrict_by_ruleset (int ruleset_fd, const TrwReach *reach, int version, GError **error)
{
  guint64 writing = get_handled_access_fs (version)
                    & (LANDLOCK_WRITE_FILE | LANDLOCK_MAKE_REG | LANDLOCK_TRUNCATE);

  for (guint i = 0; i < reach->paths->len; i++)
    {
      if (!allow_path (ruleset_fd, reach->paths->pdata[i], 0, error))
        return FALSE;
    }
  for (guint i = 0; i < reach->stores->len; i++)
    {
      if (!allow_path (ruleset_fd, reach->stores->pdata[i], writing, error))
        return FALSE;
    }
  if (syscall (NR_LANDLOCK_RESTRICT_SELF, ruleset_fd, 0U) < 0)
    return set_errno_error (error, "Restricting by Landlock");
  return TRUE;
}

static gboolean
has_one_thread (void)
{
  g_autoptr (GDir) threads = g_dir_open ("/proc/self/task", 0, NULL);

  return threads != NULL && g_dir_read_name (threads) != NULL
         && g_dir_read_name (threads) == NULL;
}

static gboolean
restrict_files (const TrwReach *reach, int *out_version, GError **error)
{
  int version = get_landlock_version ();
  int ruleset_fd;
  gboolean is_restricted;

  *out_version = version;
  if (version == 0)
    return TRUE;
  if (!has_one_thread ())
    {
      g_set_error_literal (error,
                           G_IO_ERROR,
                           G_IO_ERROR_FAILED,
                           "A thread is running already, which Landlock would not cover");
      return FALSE;
    }
  ruleset_fd = create_ruleset (version);
  if (ruleset_fd < 0)
    return set_errno_error (error, "Creating a Landlock ruleset");
  is_restricted = restrict_by_ruleset (ruleset_fd, reach, version, error);
  close (ruleset_fd);
  return is_restricted;
}

gboolean
trw_confine (TrwProfile profile, TrwConfinement *out_confinement, GError **error)
{
  g_auto (TrwReach) reach = { NULL };

  out_confinement->profile = profile;
  if (profile == TRW_PROFILE_LOCAL)
    trw_reach_init_local (&reach);
  else
    trw_reach_init_confined (&reach);
  if (!restrict_files (&reach, &out_confinement->landlock, error))
    return FALSE;
  /* Then nothing but a list of calls would keep it from all other files. */
  if (out_confinement->landlock == 0)
    g_ptr_array_set_size (reach.stores, 0);
  return trw_confine_calls (&reach, &out_confinement->seccomp, error);
}
