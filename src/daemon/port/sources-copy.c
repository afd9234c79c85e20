/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bytes of a source into a file of the spool, in a thread.  What is read is somebody
 * else's: it may be longer than it said, or shorter, or never end. */

#include "config.h"

#include "port/sources-private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/error.h"
#include "port/files.h"
#include "port/space.h"

#define BUFFER (256 * 1024)

/* Between two of these it is asked whether a copy is still wanted, or whether there is
 * room for more of what may have no end. */
#define STEP (G_GUINT64_CONSTANT (32) * 1024 * 1024)

static gboolean
write_all (int fd, const char *data, gsize length, guint64 at, GError **error)
{
  while (length > 0)
    {
      ssize_t written = pwrite (fd, data, length, (off_t)at);

      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        return trd_files_set_error (error, errno, "Spool");
      data += written;
      length -= written;
      at += written;
    }
  return TRUE;
}

/* ---- files ---- */

/* How much of the next @length bytes the kernel has copied; 0 when it cannot. */
static guint64
copy_in_kernel (const TrdCopying *self, guint64 done, guint64 length)
{
  guint64 copied = 0;

  while (copied < length)
    {
      off_t from = (off_t)(self->first + done + copied);
      off_t to = (off_t)(done + copied);
      ssize_t got = copy_file_range (
          self->from_fd, &from, self->to_fd, &to, length - copied, 0);

      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        break;
      copied += (guint64)got;
    }
  return copied;
}

static gboolean
copy_by_hand (
    const TrdCopying *self, guint64 done, guint64 length, char *buffer, GError **error)
{
  while (length > 0)
    {
      ssize_t got = pread (
          self->from_fd, buffer, MIN (length, BUFFER), (off_t)(self->first + done));

      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return trd_sources_set_read_error (error, errno);
      if (got == 0)
        {
          g_set_error_literal (error,
                               TRUNDLE_ERROR,
                               TRUNDLE_ERROR_SOURCE_CHANGED,
                               "The file became shorter while it was copied");
          return FALSE;
        }
      if (!write_all (self->to_fd, buffer, (gsize)got, done, error))
        return FALSE;
      done += (guint64)got;
      length -= (guint64)got;
    }
  return TRUE;
}

static gboolean
copy_data (
    const TrdCopying *self, guint64 done, guint64 end, char *buffer, GError **error)
{
  while (done < end)
    {
      guint64 length = MIN (end - done, STEP);
      guint64 copied = copy_in_kernel (self, done, length);

      if (g_cancellable_set_error_if_cancelled (self->cancellable, error)
          || !copy_by_hand (self, done + copied, length - copied, buffer, error))
        return FALSE;
      done += length;
    }
  return TRUE;
}

/* The next bytes from @done on that are no hole: moves the position of the description.
 */
static void
find_data (const TrdCopying *self, guint64 done, guint64 *out_from, guint64 *out_to)
{
  guint64 at = self->first + done;
  off_t data = self->own ? lseek (self->from_fd, (off_t)at, SEEK_DATA) : -1;
  gboolean is_hole = self->own && data < 0 && errno == ENXIO;
  off_t hole = data >= 0 ? lseek (self->from_fd, data, SEEK_HOLE) : -1;

  *out_from = is_hole ? self->length : done;
  *out_to = self->length;
  if (hole > data)
    {
      *out_from = MIN ((guint64)data - self->first, self->length);
      *out_to = MIN ((guint64)hole - self->first, self->length);
    }
}

gboolean
trd_sources_copy (const TrdCopying *self, GError **error)
{
  g_autofree char *buffer = g_malloc (BUFFER);
  guint64 done = 0;

  while (done < self->length)
    {
      guint64 from;
      guint64 to;

      find_data (self, done, &from, &to);
      if (!copy_data (self, from, to, buffer, error))
        return FALSE;
      done = to;
    }

  /* A hole at the end. */
  if (ftruncate (self->to_fd, (off_t)self->length) != 0)
    return trd_files_set_error (error, errno, "Spool");
  return TRUE;
}

/* ---- pipes ---- */

/* FALSE with an error: nothing came in time, or it is not wanted any more. */
static gboolean
await_data (const TrdReading *self, GError **error)
{
  GPollFD fds[2] = { { .fd = self->from_fd, .events = G_IO_IN } };
  gboolean has_cancellable = g_cancellable_make_pollfd (self->cancellable, &fds[1]);
  gint64 deadline_us = g_get_monotonic_time () + (gint64)self->idle_ms * 1000;
  int n;

  do
    {
      gint64 left_us = MAX (deadline_us - g_get_monotonic_time (), 0);

      n = g_poll (fds, has_cancellable ? 2 : 1, (int)((left_us + 999) / 1000));
    }
  while (n < 0 && errno == EINTR);
  if (has_cancellable)
    g_cancellable_release_fd (self->cancellable);

  if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
    return FALSE;
  if (n > 0)
    return TRUE;
  g_set_error (error,
               TRUNDLE_ERROR,
               TRUNDLE_ERROR_TIMED_OUT,
               "Nothing more came from the pipe for %u seconds",
               self->idle_ms / 1000);
  return FALSE;
}

static ssize_t
read_some (const TrdReading *self, char *buffer, guint64 position)
{
  if (self->is_file)
    return pread (self->from_fd, buffer, BUFFER, (off_t)position);
  if (self->is_socket)
    return recv (self->from_fd, buffer, BUFFER, MSG_DONTWAIT);
  return read (self->from_fd, buffer, BUFFER);
}

/* -1 with an error, 0 at the end.  It is asked before it is waited for: a pipe that
 * nobody writes to any more is at its end, but poll() does not say so of a description
 * that was made afterwards. */
static gssize
read_next (const TrdReading *self, char *buffer, guint64 position, GError **error)
{
  while (TRUE)
    {
      ssize_t got = read_some (self, buffer, position);

      if (got >= 0)
        return got;
      if (errno == EINTR)
        continue;
      if (errno != EAGAIN)
        {
          trd_sources_set_read_error (error, errno);
          return -1;
        }
      if (!await_data (self, error))
        return -1;
    }
}

static gboolean
is_due (guint64 written, gsize length)
{
  return written / STEP != (written + length) / STEP;
}

/* The piece of what was read at @position that is in the range, onto what is there. */
static gboolean
keep (const TrdReading *self,
      const char *data,
      gsize got,
      guint64 position,
      guint64 *inout_written,
      GError **error)
{
  gsize skip = (gsize)CLAMP (self->first, position, position + got) - position;
  gsize length = got - skip;

  if (self->length != 0)
    length = MIN (length, self->length - *inout_written);
  if (is_due (*inout_written, length) && !trd_spool_check_room (self->spool, STEP, error))
    return FALSE;
  if (!write_all (self->to_fd, data + skip, length, *inout_written, error))
    return FALSE;

  *inout_written += length;
  return TRUE;
}

static gboolean
check_range (const TrdReading *self, guint64 position, guint64 written, GError **error)
{
  if (position >= self->first && (self->length == 0 || written == self->length))
    return TRUE;

  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_INVALID_ARGUMENT,
                       "The range ends beyond the end of what is there");
  return FALSE;
}

gboolean
trd_sources_read (const TrdReading *self, guint64 *out_length, GError **error)
{
  g_autofree char *buffer = g_malloc (BUFFER);
  guint64 position = 0;
  guint64 written = 0;

  while (self->length == 0 || written < self->length)
    {
      gssize got = read_next (self, buffer, position, error);

      if (got < 0)
        return FALSE;
      if (got == 0)
        break;
      if (g_cancellable_set_error_if_cancelled (self->cancellable, error)
          || !keep (self, buffer, (gsize)got, position, &written, error))
        return FALSE;
      position += (guint64)got;
    }

  if (!check_range (self, position, written, error))
    return FALSE;
  *out_length = written;
  return TRUE;
}
