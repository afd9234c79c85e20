/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sources of uploads that have no size: they are read to their end (T-29). */

#include "config.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/defaults.h"
#include "sources-fixture.h"

/* ---- pipes ---- */

typedef struct
{
  int read_fd;
  int write_fd;
  GAsyncResult *result; /* (owned) (nullable) */
} Stream;

static void
stream_begin (SpoolFixture *f, Stream *stream, GCancellable *cancellable, guint idle_ms)
{
  TrdSource source = { .fd = stream->read_fd, .idle_ms = idle_ms };

  trd_sources_adopt_async (
      f->spool, &source, cancellable, test_take_result, &stream->result);
}

/* Until somebody waits for more. */
static gboolean
is_drained (const Stream *stream)
{
  int left = 0;

  g_assert_cmpint (ioctl (stream->write_fd, FIONREAD, &left), ==, 0);
  return left == 0;
}

static void
test_pipe (SpoolFixture *f, gconstpointer data)
{
  TrdSource source = { .may_watch = TRUE };
  g_autoptr (TrdPiece) piece = NULL;
  int fds[2];

  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  g_assert_cmpint (write (fds[1], "hello", 5), ==, 5);
  close (fds[1]);
  source.fd = fds[0];
  piece = sources_adopt_good (f, &source);
  sources_assert_sends (f, piece, "hello");
}

static void
test_pipe_empty (SpoolFixture *f, gconstpointer data)
{
  g_autoptr (TrdPiece) piece = NULL;
  TrdSource source = { 0 };
  int fds[2];

  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  close (fds[1]);
  source.fd = fds[0];
  piece = sources_adopt_good (f, &source);
  g_assert_nonnull (piece->bytes);
  g_assert_cmpuint (sources_count_spool (f), ==, 0);
}

/* Whoever has it open for both ends it by closing his own. */
static void
test_pipe_slow (SpoolFixture *f, gconstpointer data)
{
  Stream stream = { 0 };
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (TrdPiece) piece = NULL;
  int fds[2];

  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  stream = (Stream){ .read_fd = fds[0], .write_fd = fds[1] };
  stream_begin (f, &stream, NULL, 0);
  for (guint i = 0; i < 5; i++)
    {
      g_assert_cmpint (write (fds[1], &"hello"[i], 1), ==, 1);
      test_await (is_drained (&stream));
      g_assert_null (stream.result);
    }
  close (fds[1]);
  test_await (stream.result != NULL);
  result = stream.result;
  piece = trd_sources_adopt_finish (result, NULL);
  sources_assert_sends (f, piece, "hello");
}

static void
test_fifo (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = sources_path_of (f, "fifo");
  TrdSource source = { 0 };
  g_autoptr (TrdPiece) piece = NULL;

  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  source.fd = open (path, O_RDWR | O_CLOEXEC);
  g_assert_cmpint (write (source.fd, "hello", 5), ==, 5);
  piece = sources_adopt_good (f, &source);
  sources_assert_sends (f, piece, "hello");
}

static void
test_socket (SpoolFixture *f, gconstpointer data)
{
  TrdSource source = { 0 };
  g_autoptr (TrdPiece) piece = NULL;
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  g_assert_cmpint (write (fds[1], "hello", 5), ==, 5);
  close (fds[1]);
  source.fd = fds[0];
  piece = sources_adopt_good (f, &source);
  sources_assert_sends (f, piece, "hello");
}

static void
test_pipe_idle (SpoolFixture *f, gconstpointer data)
{
  TrdSource source = { .idle_ms = 20 };
  int fds[2];

  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  g_assert_cmpint (write (fds[1], "hello", 5), ==, 5);
  source.fd = fds[0];
  sources_assert_refused (f, &source, TRUNDLE_ERROR_TIMED_OUT);
  close (fds[1]);
}

static void
test_pipe_cancelled (SpoolFixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  Stream stream = { 0 };
  int fds[2];

  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  stream = (Stream){ .read_fd = fds[0], .write_fd = fds[1] };
  g_assert_cmpint (write (fds[1], "hello", 5), ==, 5);
  stream_begin (f, &stream, cancellable, 0);
  test_await (is_drained (&stream));
  g_assert_cmpuint (sources_count_spool (f), ==, 1);
  g_cancellable_cancel (cancellable);
  test_await (stream.result != NULL);
  result = stream.result;
  g_assert_null (trd_sources_adopt_finish (result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (sources_count_spool (f), ==, 0);
  close (fds[1]);
}

/* Who reads a range is not kept by one who never ends. */
static void
test_pipe_endless (SpoolFixture *f, gconstpointer data)
{
  TrdSource source = { .has_range = TRUE, .first = 1, .length = 3 };
  g_autoptr (TrdPiece) piece = NULL;
  int fds[2];

  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  g_assert_cmpint (write (fds[1], "hello", 5), ==, 5);
  source.fd = fds[0];
  piece = sources_adopt_good (f, &source);
  sources_assert_sends (f, piece, "ell");
  close (fds[1]);
}

#define ADD(path, data, func)                                                            \
  g_test_add (                                                                           \
      path, SpoolFixture, data, spool_fixture_set_up, func, spool_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  signal (SIGPIPE, SIG_IGN);

  ADD ("/sources/pipe/whole", NULL, test_pipe);
  ADD ("/sources/pipe/empty", NULL, test_pipe_empty);
  ADD ("/sources/pipe/slow", NULL, test_pipe_slow);
  ADD ("/sources/pipe/fifo", NULL, test_fifo);
  ADD ("/sources/pipe/socket", NULL, test_socket);
  ADD ("/sources/pipe/idle", NULL, test_pipe_idle);
  ADD ("/sources/pipe/cancelled", NULL, test_pipe_cancelled);
  ADD ("/sources/pipe/endless", NULL, test_pipe_endless);

  return g_test_run ();
}
