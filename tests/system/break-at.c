/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded into the daemon or a worker: counts their steps towards the disk and at the
 * Nth kills the process or makes that very call fail.  TRUNDLE_BREAK_FILE is a page that
 * is shared with the test (parts/breaker.py), since a worker may open nothing.
 *
 * To be killed at, a sync and a change of a directory are two steps, before and after; a
 * write is one, before.  To fail, each call is one. */

#define _GNU_SOURCE 1

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define LOG_SIZE 60000

/* What is counted; a mask of these is in the page. */
enum
{
  DATABASE = 1 << 0,
  WRITE = 1 << 1,
  SYNC = 1 << 2,
  NAME = 1 << 3, /* link, rename, unlink, create */
  SIZE = 1 << 4,
  AGAIN = 1 << 5, /* of the database: behind another write of the same transaction */
};

/* Instead of an errno. */
enum
{
  KILL = -1,
  KILL_AFTER_RENAME = -2,
};

typedef struct
{
  int32_t when;  /* the step at which it happens; 0 for never */
  int32_t deed;  /* KILL, KILL_AFTER_RENAME, or an errno */
  int32_t kinds; /* what is counted */
  int32_t taken; /* steps so far */
  int32_t struck;
  int32_t logged; /* bytes of log */
  char log[LOG_SIZE];
} Page;

static Page *page;

__attribute__ ((constructor)) static void
map_page (void)
{
  const char *path = getenv ("TRUNDLE_BREAK_FILE");
  int fd = path != NULL ? open (path, O_RDWR | O_CLOEXEC) : -1;
  void *mapped;

  if (fd < 0)
    return;
  mapped = mmap (NULL, sizeof (Page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close (fd);
  if (mapped != MAP_FAILED)
    page = mapped;
}

static void
log_step (const char *what, const char *name)
{
  char line[160];
  int length = snprintf (line, sizeof line, "%s %s\n", what, name);
  int at = __atomic_fetch_add (&page->logged, length, __ATOMIC_SEQ_CST);

  if (at + length <= LOG_SIZE)
    memcpy (page->log + at, line, (size_t)length);
}

static void
die (void)
{
  /* A worker may send itself a signal by tgkill() only. */
  raise (SIGKILL);
  for (;;)
    pause ();
}

/* A transaction is written in pieces and ends with a sync. */
static int
find_database_kind (int kind)
{
  static int is_writing;
  int was_writing = is_writing;

  is_writing = kind == WRITE || (is_writing && kind != SYNC);
  return kind == WRITE && was_writing ? DATABASE | AGAIN : DATABASE;
}

/* Returns the errno that the call is to fail with, or 0. */
static int
take_step (int kind, const char *what, const char *name)
{
  int deed;

  if (page == NULL || page->when == 0)
    return 0;
  if (strstr (name, "trundle.db") != NULL)
    kind |= find_database_kind (kind);
  if ((kind & page->kinds) != kind)
    return 0;

  log_step (what, name);
  if (page->deed == KILL_AFTER_RENAME)
    return 0;
  if (__atomic_add_fetch (&page->taken, 1, __ATOMIC_SEQ_CST) != page->when)
    return 0;

  deed = page->deed;
  page->struck = 1;
  page->when = 0;
  if (deed < 0)
    die ();
  return deed;
}

static int
take_step_fd (int kind, const char *what, int fd)
{
  char link[40], name[256];
  ssize_t length;

  if (page == NULL || page->when == 0)
    return 0;
  snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  /* A worker knows no names; it has one file only. */
  length = readlink (link, name, sizeof name - 1);
  name[length > 0 ? length : 0] = '\0';
  return take_step (kind, what, length > 0 ? strrchr (name, '/') + 1 : "part");
}

/* Only who is to be killed is asked afterwards. */
static void
leave_step (int kind, const char *what, int fd)
{
  if (page != NULL && page->when != 0 && page->deed == KILL)
    take_step_fd (kind, what, fd);
}

static void
leave_rename (const char *name)
{
  if (page == NULL || page->when == 0)
    return;
  if (page->deed == KILL)
    take_step (NAME, "after rename", name);
  else if (page->deed == KILL_AFTER_RENAME && page->kinds & NAME)
    {
      log_step ("after rename", name);
      page->struck = 1;
      page->when = 0;
      die ();
    }
}

#define NEXT(function) ((__typeof__ (&function))dlsym (RTLD_NEXT, #function))

/* Fails the call when it is its turn. */
#define STEP(step)                                                                       \
  do                                                                                     \
    {                                                                                    \
      int error_number = (step);                                                         \
      if (error_number != 0)                                                             \
        {                                                                                \
          errno = error_number;                                                          \
          return -1;                                                                     \
        }                                                                                \
    }                                                                                    \
  while (0)

int
fsync (int fd)
{
  int result;

  STEP (take_step_fd (SYNC, "fsync", fd));
  result = NEXT (fsync) (fd);
  leave_step (SYNC, "after fsync", fd);
  return result;
}

int
fdatasync (int fd)
{
  int result;

  STEP (take_step_fd (SYNC, "fdatasync", fd));
  result = NEXT (fdatasync) (fd);
  leave_step (SYNC, "after fdatasync", fd);
  return result;
}

int
renameat2 (int from_fd, const char *from, int to_fd, const char *to, unsigned int flags)
{
  int result;

  STEP (take_step (NAME, "renameat2", to));
  result = NEXT (renameat2) (from_fd, from, to_fd, to, flags);
  leave_rename (to);
  return result;
}

int
renameat (int from_fd, const char *from, int to_fd, const char *to)
{
  int result;

  STEP (take_step (NAME, "renameat", to));
  result = NEXT (renameat) (from_fd, from, to_fd, to);
  leave_rename (to);
  return result;
}

int
linkat (int from_fd, const char *from, int to_fd, const char *to, int flags)
{
  int result;

  STEP (take_step (NAME, "linkat", to));
  result = NEXT (linkat) (from_fd, from, to_fd, to, flags);
  leave_rename (to);
  return result;
}

int
unlinkat (int fd, const char *path, int flags)
{
  int result;

  STEP (take_step (NAME, "unlinkat", path));
  result = NEXT (unlinkat) (fd, path, flags);
  if (page != NULL && page->when != 0 && page->deed == KILL)
    take_step (NAME, "after unlinkat", path);
  return result;
}

int
unlink (const char *path)
{
  STEP (take_step (NAME, "unlink", path));
  return NEXT (unlink) (path);
}

int
openat64 (int directory_fd, const char *path, int flags, ...)
{
  va_list arguments;
  mode_t mode;

  va_start (arguments, flags);
  mode = flags & O_CREAT ? va_arg (arguments, mode_t) : 0;
  va_end (arguments);
  if (flags & O_CREAT)
    STEP (take_step (NAME, "create", path));
  return NEXT (openat64) (directory_fd, path, flags, mode);
}

int
ftruncate64 (int fd, off64_t length)
{
  STEP (take_step_fd (SIZE, "ftruncate", fd));
  return NEXT (ftruncate64) (fd, length);
}

int
fallocate64 (int fd, int mode, off64_t offset, off64_t length)
{
  STEP (take_step_fd (SIZE, "fallocate", fd));
  return NEXT (fallocate64) (fd, mode, offset, length);
}

ssize_t
pwrite64 (int fd, const void *data, size_t length, off64_t offset)
{
  STEP (take_step_fd (WRITE, "pwrite", fd));
  return NEXT (pwrite64) (fd, data, length, offset);
}
