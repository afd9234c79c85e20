/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded into the daemon: a clock on the wall that a test sets while it runs, by a
 * number of microseconds in a file that both have mapped.  CLOCK_BOOTTIME stays what it
 * is.  (libfaketime 0.9.10 moves absolute timers of every clock, those of CLOCK_BOOTTIME
 * too.)
 *
 * A timer for a date is set to the true one.  The kernel's would hear at once of a clock
 * that is set; this one does not, and the date is noticed when the daemon looks again. */

#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define FDS_MAX 1024

static const volatile int64_t *offset_us;
static char is_date[FDS_MAX];

__attribute__ ((constructor)) static void
map_offset (void)
{
  const char *path = getenv ("TRUNDLE_WALL_FILE");
  int fd = path != NULL ? open (path, O_RDONLY | O_CLOEXEC) : -1;
  void *page;

  if (fd < 0)
    abort ();
  page = mmap (NULL, sizeof *offset_us, PROT_READ, MAP_SHARED, fd, 0);
  close (fd);
  if (page == MAP_FAILED)
    abort ();
  offset_us = page;
}

static void
move (struct timespec *time, int64_t by_us)
{
  int64_t us = time->tv_sec * INT64_C (1000000) + time->tv_nsec / 1000 + by_us;

  if (us < 1)
    us = 1;
  time->tv_nsec = us % 1000000 * 1000 + time->tv_nsec % 1000;
  time->tv_sec = us / 1000000;
}

int
clock_gettime (clockid_t id, struct timespec *time)
{
  static int (*next) (clockid_t, struct timespec *);
  int result;

  if (next == NULL)
    next = dlsym (RTLD_NEXT, "clock_gettime");
  result = next (id, time);
  if (result == 0 && offset_us != NULL
      && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
    move (time, *offset_us);

  return result;
}

int
timerfd_create (int id, int flags)
{
  static int (*next) (int, int);
  int fd;

  if (next == NULL)
    next = dlsym (RTLD_NEXT, "timerfd_create");
  fd = next (id, flags);
  if (fd >= 0 && fd < FDS_MAX)
    is_date[fd] = id == CLOCK_REALTIME;

  return fd;
}

int
timerfd_settime (int fd,
                 int flags,
                 const struct itimerspec *value,
                 struct itimerspec *old_value)
{
  static int (*next) (int, int, const struct itimerspec *, struct itimerspec *);
  struct itimerspec moved = *value;

  if (next == NULL)
    next = dlsym (RTLD_NEXT, "timerfd_settime");
  if (fd >= 0 && fd < FDS_MAX && is_date[fd] && (flags & TFD_TIMER_ABSTIME)
      && (value->it_value.tv_sec != 0 || value->it_value.tv_nsec != 0))
    move (&moved.it_value, -*offset_us);

  return next (fd, flags, &moved, old_value);
}
