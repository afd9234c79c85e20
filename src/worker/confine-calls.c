/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The system calls a worker makes, by seccomp.  Three kinds of answer, none of them
 * deadly: allowed; EPERM for what an intruder would want; ENOSYS for everything else, as
 * on a kernel that does not have the call, because that is what libraries know a way
 * around (they take EPERM from a call newer than this list for an answer). */

#include "config.h"

#include "confine-calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  const char *call;
  guint n_args;
  struct scmp_arg_cmp args[2];
} Rule;

/* Whatever the arguments.  Names an architecture does not have are skipped. */
static const char *const allowed[] = {
  /* Descriptors we hold */
  "read",
  "readv",
  "pread64",
  "preadv",
  "write",
  "writev",
  "pwrite64",
  "pwritev",
  "lseek",
  "_llseek",
  "close",
  "close_range",
  "dup",
  "fstat",
  "fstat64",
  "fstatfs",
  "fstatfs64",
  "fsync",
  "fdatasync",
  "ftruncate",
  "pipe2",
  "eventfd2",
  "getdents64",
  /* Files, of which Landlock lets us read a few */
  "stat",
  "stat64",
  "lstat",
  "lstat64",
  "newfstatat",
  "fstatat64",
  "statx",
  "statfs",
  "statfs64",
  "access",
  "faccessat",
  "faccessat2",
  "readlink",
  "readlinkat",
  "getcwd",
  /* Waiting */
  "poll",
  "ppoll",
  "ppoll_time64",
  "select",
  "_newselect",
  "pselect6",
  "pselect6_time64",
  "epoll_create1",
  "epoll_ctl",
  "epoll_wait",
  "epoll_pwait",
  "epoll_pwait2",
  "futex",
  "futex_time64",
  "restart_syscall",
  "nanosleep",
  "clock_nanosleep",
  "clock_nanosleep_time64",
  "sched_yield",
  /* Network, on sockets of the families below */
  "connect",
  "getsockname",
  "getpeername",
  "getsockopt",
  "setsockopt",
  "sendto",
  "send",
  "recvfrom",
  "recv",
  "sendmsg",
  "recvmsg",
  "sendmmsg",
  "recvmmsg",
  "recvmmsg_time64",
  "shutdown",
  /* Memory and threads */
  "brk",
  "mmap",
  "mmap2",
  "munmap",
  "mremap",
  "mprotect",
  "madvise",
  "membarrier",
  "rseq",
  "set_robust_list",
  "set_tid_address",
  "sigaltstack",
  "rt_sigaction",
  "rt_sigprocmask",
  "rt_sigreturn",
  "sigreturn",
  "exit",
  "exit_group",
  "sched_getaffinity",
  "sched_getattr",
  /* For the second filter, which refuses it */
  "seccomp",
  /* Facts */
  "getpid",
  "gettid",
  "getppid",
  "getuid",
  "getuid32",
  "geteuid",
  "geteuid32",
  "getgid",
  "getgid32",
  "getegid",
  "getegid32",
  "uname",
  "sysinfo",
  "getrandom",
  "getrlimit",
  "ugetrlimit",
  "getrusage",
  "clock_gettime",
  "clock_gettime64",
  "clock_getres",
  "clock_getres_time64",
  "gettimeofday",
  "time",
};

/* Refused as forbidden.  Most would be refused as unknown anyway. */
static const char *const refused[] = {
  "execve",
  "execveat",
  "fork",
  "vfork",
  "ptrace",
  "process_vm_readv",
  "process_vm_writev",
  "kill",
  "tkill",
  "rt_sigqueueinfo",
  "rt_tgsigqueueinfo",
  "pidfd_open",
  "pidfd_getfd",
  "pidfd_send_signal",
  "socketpair",
  "bind",
  "listen",
  "accept",
  "accept4",
  "creat",
  "truncate",
  "rename",
  "renameat",
  "renameat2",
  "unlink",
  "unlinkat",
  "mkdir",
  "mkdirat",
  "rmdir",
  "link",
  "linkat",
  "symlink",
  "symlinkat",
  "mknod",
  "mknodat",
  "chmod",
  "fchmod",
  "fchmodat",
  "chown",
  "fchown",
  "fchownat",
  "mount",
  "umount2",
  "chroot",
  "pivot_root",
  "unshare",
  "setns",
  "add_key",
  "request_key",
  "bpf",
  "perf_event_open",
  "userfaultfd",
  "io_uring_setup",
  "io_uring_enter",
  "io_uring_register",
  "memfd_create",
  "setrlimit",
  "seccomp",
};

#define WRITE_FLAGS                                                                      \
  (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY))

/* A new thread of this process, as pthread_create() makes it. */
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define NAMESPACE_FLAGS                                                                  \
  (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID              \
   | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_VFORK | CLONE_PTRACE)

/* s390 has the flags of clone() second. */
#ifdef __s390__
#define CLONE_FLAGS_ARG 1
#else
#define CLONE_FLAGS_ARG 0
#endif

/* Of a call, those with one of these in an argument. */
typedef struct
{
  const char *call;
  guint arg;
  const guint64 *values;
  guint n_values;
} Commands;

static int
allow_commands (scmp_filter_ctx filter, const Commands *rows, guint n_rows)
{
  int result = 0;

  for (guint i = 0; i < n_rows; i++)
    {
      int call = seccomp_syscall_resolve_name (rows[i].call);

      for (guint j = 0; call >= 0 && result == 0 && j < rows[i].n_values; j++)
        result = seccomp_rule_add (
            filter,
            SCMP_ACT_ALLOW,
            call,
            1,
            SCMP_CMP (rows[i].arg, SCMP_CMP_MASKED_EQ, G_MAXUINT32, rows[i].values[j]));
    }
  return result;
}

static int
add_rules_for_commands (scmp_filter_ctx filter)
{
  static const guint64 fcntls[] = { F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD,
                                    F_SETFD, F_GETFL,         F_SETFL };
  /* No F_SETOWN or FIOASYNC: they send signals to others. */
  static const guint64 ioctls[] = { FIONREAD, FIONBIO, TCGETS };
  static const guint64 prctls[] = { PR_SET_NAME, PR_GET_NAME };
  static const Commands rows[] = {
    { "fcntl", 1, fcntls, G_N_ELEMENTS (fcntls) },
    { "fcntl64", 1, fcntls, G_N_ELEMENTS (fcntls) },
    { "ioctl", 1, ioctls, G_N_ELEMENTS (ioctls) },
    { "prctl", 0, prctls, G_N_ELEMENTS (prctls) },
  };

  return allow_commands (filter, rows, G_N_ELEMENTS (rows));
}

/* Tickets in files are read under locks, which a descriptor that is open for reading only
 * gives for reading only. */
static int
add_rules_for_tickets (scmp_filter_ctx filter)
{
  static const guint64 locks[] = { F_GETLK,     F_SETLK,     F_SETLKW,
                                   F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW };
  static const Commands rows[] = {
    { "fcntl", 1, locks, G_N_ELEMENTS (locks) },
    { "fcntl64", 1, locks, G_N_ELEMENTS (locks) },
  };

  return allow_commands (filter, rows, G_N_ELEMENTS (rows));
}

/* Finding and reading, no more. */
static int
add_rules_for_keys (scmp_filter_ctx filter)
{
  static const guint64 keyctls[] = { KEYCTL_GET_KEYRING_ID,
                                     KEYCTL_DESCRIBE,
                                     KEYCTL_SEARCH,
                                     KEYCTL_READ,
                                     KEYCTL_GET_PERSISTENT };
  static const Commands rows[] = { { "keyctl", 0, keyctls, G_N_ELEMENTS (keyctls) } };

  return allow_commands (filter, rows, G_N_ELEMENTS (rows));
}

/* A thread pool that may not set its priority goes on with what it has when told that it
 * did; GLib 2.74 would report a critical. */
static int
pretend_priorities (scmp_filter_ctx filter)
{
  return seccomp_rule_add (filter, SCMP_ACT_ERRNO (0), SCMP_SYS (sched_setattr), 0);
}

static int
add_rules (scmp_filter_ctx filter, guint32 action, const Rule *rules, guint n_rules)
{
  for (guint i = 0; i < n_rules; i++)
    {
      int call = seccomp_syscall_resolve_name (rules[i].call);
      int result = 0;

      if (call >= 0)
        result = seccomp_rule_add_array (
            filter, action, call, rules[i].n_args, rules[i].args);
      if (result < 0)
        return result;
    }
  return 0;
}

/* Landlock knows which may be written. */
static int
add_rules_for_stores (scmp_filter_ctx filter)
{
  const Rule rules[] = { { "open", 0 }, { "openat", 0 } };

  return add_rules (filter, SCMP_ACT_ALLOW, rules, G_N_ELEMENTS (rules));
}

static int
add_rules_for_sockets (scmp_filter_ctx filter)
{
  const Rule rules[] = {
    { "socket",
      2,
      { SCMP_CMP (0, SCMP_CMP_EQ, AF_UNIX),
        SCMP_CMP (1, SCMP_CMP_MASKED_EQ, 0xf, SOCK_STREAM) } },
  };

  return add_rules (filter, SCMP_ACT_ALLOW, rules, G_N_ELEMENTS (rules));
}

static int
add_rules_for_arguments (scmp_filter_ctx filter)
{
  const Rule rules[] = {
    { "open", 1, { SCMP_CMP (1, SCMP_CMP_MASKED_EQ, WRITE_FLAGS, O_RDONLY) } },
    { "openat", 1, { SCMP_CMP (2, SCMP_CMP_MASKED_EQ, WRITE_FLAGS, O_RDONLY) } },
    { "socket",
      2,
      { SCMP_CMP (0, SCMP_CMP_EQ, AF_INET),
        SCMP_CMP (1, SCMP_CMP_MASKED_EQ, 0xf, SOCK_STREAM) } },
    { "socket",
      2,
      { SCMP_CMP (0, SCMP_CMP_EQ, AF_INET),
        SCMP_CMP (1, SCMP_CMP_MASKED_EQ, 0xf, SOCK_DGRAM) } },
    { "socket",
      2,
      { SCMP_CMP (0, SCMP_CMP_EQ, AF_INET6),
        SCMP_CMP (1, SCMP_CMP_MASKED_EQ, 0xf, SOCK_STREAM) } },
    { "socket",
      2,
      { SCMP_CMP (0, SCMP_CMP_EQ, AF_INET6),
        SCMP_CMP (1, SCMP_CMP_MASKED_EQ, 0xf, SOCK_DGRAM) } },
    { "clone",
      1,
      { SCMP_CMP (CLONE_FLAGS_ARG,
                  SCMP_CMP_MASKED_EQ,
                  THREAD_FLAGS | NAMESPACE_FLAGS,
                  THREAD_FLAGS) } },
    /* abort() of our own, nobody else's. */
    { "tgkill", 1, { SCMP_CMP (0, SCMP_CMP_EQ, (scmp_datum_t)getpid ()) } },
    /* Reading limits of our own: no new value. */
    { "prlimit64", 2, { SCMP_CMP (0, SCMP_CMP_EQ, 0), SCMP_CMP (2, SCMP_CMP_EQ, 0) } },
  };

  return add_rules (filter, SCMP_ACT_ALLOW, rules, G_N_ELEMENTS (rules));
}

static int
add_plain_rules (scmp_filter_ctx filter,
                 const char *const *calls,
                 guint n_calls,
                 guint32 action)
{
  for (guint i = 0; i < n_calls; i++)
    {
      int call = seccomp_syscall_resolve_name (calls[i]);
      int result = call >= 0 ? seccomp_rule_add (filter, action, call, 0) : 0;

      if (result < 0 && result != -EDOM)
        return result;
    }
  return 0;
}

static int
set_attributes (scmp_filter_ctx filter)
{
  int result = seccomp_attr_set (filter, SCMP_FLTATR_CTL_TSYNC, 1);

  if (result == 0)
    result = seccomp_attr_set (filter, SCMP_FLTATR_CTL_NNP, 0);
  if (result == 0)
    result = seccomp_attr_set (filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO (EPERM));
  return result;
}

static int
build_list_of_allowed (scmp_filter_ctx filter, const TrwReach *reach)
{
  int result = set_attributes (filter);

  if (result == 0)
    result = add_plain_rules (filter, allowed, G_N_ELEMENTS (allowed), SCMP_ACT_ALLOW);
  if (result == 0)
    result = add_rules_for_arguments (filter);
  if (result == 0)
    result = add_rules_for_commands (filter);
  if (result == 0)
    result = pretend_priorities (filter);
  if (result == 0 && reach->has_tickets)
    result = add_rules_for_tickets (filter);
  if (result == 0 && reach->stores->len > 0)
    result = add_rules_for_stores (filter);
  if (result == 0 && reach->has_keys)
    result = add_rules_for_keys (filter);
  if (result == 0 && reach->has_sockets)
    result = add_rules_for_sockets (filter);
  return result;
}

/* Arguments that show an intent. */
static int
add_refused_arguments (scmp_filter_ctx filter)
{
  const Rule rules[] = {
    { "socket", 1, { SCMP_CMP (0, SCMP_CMP_GT, AF_INET6) } },
    { "clone", 1, { SCMP_CMP (CLONE_FLAGS_ARG, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0) } },
    { "prlimit64", 1, { SCMP_CMP (2, SCMP_CMP_NE, 0) } },
  };

  return add_rules (filter, SCMP_ACT_ERRNO (EPERM), rules, G_N_ELEMENTS (rules));
}

/* What is not refused here is refused as unknown, if it is not allowed. */
static int
add_refused_unless_reached (scmp_filter_ctx filter, const TrwReach *reach)
{
  const Rule no_writing[] = {
    { "open", 1, { SCMP_CMP (1, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_WRONLY) } },
    { "open", 1, { SCMP_CMP (1, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_RDWR) } },
    { "open", 1, { SCMP_CMP (1, SCMP_CMP_MASKED_EQ, O_CREAT, O_CREAT) } },
    { "openat", 1, { SCMP_CMP (2, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_WRONLY) } },
    { "openat", 1, { SCMP_CMP (2, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_RDWR) } },
    { "openat", 1, { SCMP_CMP (2, SCMP_CMP_MASKED_EQ, O_CREAT, O_CREAT) } },
  };
  const Rule no_sockets[] = { { "socket", 1, { SCMP_CMP (0, SCMP_CMP_EQ, AF_UNIX) } } };
  static const char *const no_keys[] = { "keyctl" };
  int result = 0;

  if (reach->stores->len == 0)
    result = add_rules (
        filter, SCMP_ACT_ERRNO (EPERM), no_writing, G_N_ELEMENTS (no_writing));
  if (result == 0 && !reach->has_sockets)
    result = add_rules (
        filter, SCMP_ACT_ERRNO (EPERM), no_sockets, G_N_ELEMENTS (no_sockets));
  if (result == 0 && !reach->has_keys)
    result = add_plain_rules (
        filter, no_keys, G_N_ELEMENTS (no_keys), SCMP_ACT_ERRNO (EPERM));
  return result;
}

static int
build_list_of_refused (scmp_filter_ctx filter, const TrwReach *reach)
{
  int result = set_attributes (filter);

  if (result == 0)
    result = add_plain_rules (
        filter, refused, G_N_ELEMENTS (refused), SCMP_ACT_ERRNO (EPERM));
  if (result == 0)
    result = add_refused_arguments (filter);
  if (result == 0)
    result = add_refused_unless_reached (filter, reach);
  return result;
}

static int
load_filter (guint32 action,
             int (*build) (scmp_filter_ctx filter, const TrwReach *reach),
             const TrwReach *reach)
{
  scmp_filter_ctx filter = seccomp_init (action);
  int result = filter != NULL ? build (filter, reach) : -ENOMEM;

  if (result == 0)
    result = seccomp_load (filter);
  if (filter != NULL)
    seccomp_release (filter);
  return result;
}

/* Of two filters that refuse, the kernel takes the number of the one that came last: so
 * the second only says EPERM where the first, which decides, would say ENOSYS.  One
 * filter cannot: libseccomp has no "else" for a call with rules on its arguments. */
gboolean
trw_confine_calls (const TrwReach *reach, gboolean *out_active, GError **error)
{
  int result = load_filter (SCMP_ACT_ERRNO (ENOSYS), build_list_of_allowed, reach);

  *out_active = result == 0;
  /* A kernel without CONFIG_SECCOMP_FILTER. */
  if (result == -EINVAL || result == -ENOSYS)
    return TRUE;
  if (result == 0)
    result = load_filter (SCMP_ACT_ALLOW, build_list_of_refused, reach);
  if (result == 0)
    return TRUE;
  g_set_error (error,
               G_IO_ERROR,
               G_IO_ERROR_FAILED,
               "Restricting system calls: %s",
               g_strerror (-result));
  return FALSE;
}
