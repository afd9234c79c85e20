/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sources of uploads: what becomes of each kind, what is refused, and what is told from
 * what it was (T-26, T-27, T-29, T-30). */

#include "config.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/defaults.h"
#include "sources-fixture.h"

/* ---- regular files ---- */

static void
test_copy (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = sources_write_file (f, "a", "hello");
  TrdSource source = { .fd = sources_open_file (path), .may_watch = TRUE };
  g_autoptr (TrdPiece) piece = sources_adopt_good (f, &source);

  g_assert_nonnull (piece->spool);
  g_assert_cmpuint (sources_count_spool (f), ==, 1);
  g_assert_true (g_file_set_contents (path, "other", -1, NULL));
  sources_assert_sends (f, piece, "hello");
}

/* The caller's description is his. */
static void
test_position (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = sources_write_file (f, "a", "hello");
  int fd = sources_open_file (path);
  TrdSource source = { .fd = fcntl (fd, F_DUPFD_CLOEXEC, 3) };
  g_autoptr (TrdPiece) piece = NULL;

  g_assert_cmpint (lseek (fd, 3, SEEK_SET), ==, 3);
  piece = sources_adopt_good (f, &source);
  g_assert_cmpint (lseek (fd, 0, SEEK_CUR), ==, 3);
  sources_assert_sends (f, piece, "hello");
  close (fd);
}

static void
test_named (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = sources_write_file (f, "a", "hello");
  TrdSource source
      = { .fd = -1, .path = path, .snapshot = TRD_SNAPSHOT_NONE, .may_watch = TRUE };
  g_autoptr (TrdPiece) piece = sources_adopt_good (f, &source);

  g_assert_cmpstr (piece->path, ==, path);
  g_assert_true (piece->named);
  g_assert_cmpuint (sources_count_spool (f), ==, 0);
  sources_assert_sends (f, piece, "hello");
}

/* Where blocks can be shared what is large is copied all the same, in no time. */
static void
test_large (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = sources_make_large (f);
  TrdSource source = { .fd = sources_open_file (path), .may_watch = TRUE };
  g_autoptr (TrdPiece) piece = sources_adopt_good (f, &source);

  g_assert_cmpuint (piece->length, ==, TRD_SNAPSHOT_COPY_MAX + 3);
  if (sources_shares_blocks (f))
    {
      g_assert_cmpint (truncate (path, 0), ==, 0);
      g_assert_nonnull (piece->spool);
      g_assert_true (trd_sources_check (f->spool, piece, NULL));
      return;
    }
  g_assert_cmpstr (piece->path, ==, path);
  g_assert_false (piece->named);
  g_assert_cmpuint (sources_count_spool (f), ==, 0);
}

/* Holes stay holes, whoever asks for a copy. */
static void
test_holes (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = sources_make_large (f);
  TrdSource source = { .fd = sources_open_file (path),
                       .snapshot = TRD_SNAPSHOT_COPY,
                       .may_watch = TRUE };
  g_autoptr (TrdPiece) piece = sources_adopt_good (f, &source);
  g_autofree char *copy = g_build_filename (f->state, "spool", piece->spool, NULL);
  char end[4] = { 0 };
  struct stat facts;
  int fd;

  g_assert_cmpuint (piece->length, ==, TRD_SNAPSHOT_COPY_MAX + 3);
  g_assert_cmpint (stat (copy, &facts), ==, 0);
  g_assert_cmpuint (facts.st_size, ==, piece->length);
  g_assert_cmpuint (facts.st_blocks * 512, <, MIB);
  fd = trd_sources_open (f->spool, piece, NULL);
  g_assert_cmpint (pread (fd, end, 3, (off_t)TRD_SNAPSHOT_COPY_MAX), ==, 3);
  g_assert_cmpstr (end, ==, "end");
  close (fd);
}

static void
test_hole_only (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = sources_write_file (f, "a", "");
  TrdSource source = { .fd = -1, .path = path, .may_watch = TRUE };
  g_autoptr (TrdPiece) piece = NULL;

  g_assert_cmpint (truncate (path, 3 * MIB), ==, 0);
  piece = sources_adopt_good (f, &source);
  g_assert_nonnull (piece->spool);
  g_assert_cmpuint (piece->length, ==, 3 * MIB);
  g_assert_true (trd_sources_check (f->spool, piece, NULL));
}

/* Seen from another mount namespace a path may be another file: it is copied. */
static void
test_unwatched (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = sources_make_large (f);
  TrdSource source = { .fd = sources_open_file (path) };
  g_autoptr (TrdPiece) piece = sources_adopt_good (f, &source);

  g_assert_nonnull (piece->spool);
  g_assert_null (piece->path);
}

static void
test_deleted (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = sources_make_large (f);
  TrdSource source = { .fd = sources_open_file (path), .may_watch = TRUE };
  g_autoptr (TrdPiece) piece = NULL;

  g_assert_cmpint (g_unlink (path), ==, 0);
  piece = sources_adopt_good (f, &source);
  g_assert_nonnull (piece->spool);
}

/* What has taken the name of a file that was moved away is not that file. */
static void
test_name_taken (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = sources_write_file (f, "a", "hello");
  int fd = sources_open_file (path);
  TrdSource source = { .fd = fd, .snapshot = TRD_SNAPSHOT_NONE, .may_watch = TRUE };
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autofree char *elsewhere = sources_path_of (f, "b");
  g_autofree char *seen = NULL;
  g_autoptr (TrdPiece) piece = NULL;

  /* The kernel tells where it is now. */
  g_assert_cmpint (g_rename (path, elsewhere), ==, 0);
  g_assert_true (g_file_set_contents (path, "other", -1, NULL));
  seen = g_file_read_link (link, NULL);
  g_assert_cmpstr (seen, ==, elsewhere);
  piece = sources_adopt_good (f, &source);
  g_assert_cmpstr (piece->path, ==, elsewhere);
  sources_assert_sends (f, piece, "hello");
}

static void
test_unwatchable (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = sources_write_file (f, "a", "hello");
  TrdSource source = { .snapshot = TRD_SNAPSHOT_NONE };

  source.fd = sources_open_file (path);
  sources_assert_refused (f, &source, TRUNDLE_ERROR_INVALID_ARGUMENT);
  source.may_watch = TRUE;
  source.fd = sources_make_memfd ("hello");
  sources_assert_refused (f, &source, TRUNDLE_ERROR_INVALID_ARGUMENT);
  source.fd = sources_open_file (path);
  g_assert_cmpint (g_unlink (path), ==, 0);
  sources_assert_refused (f, &source, TRUNDLE_ERROR_INVALID_ARGUMENT);
}

static void
test_empty (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = sources_write_file (f, "a", "");
  TrdSource source
      = { .fd = -1, .path = path, .snapshot = TRD_SNAPSHOT_NONE, .may_watch = TRUE };
  g_autoptr (TrdPiece) piece = sources_adopt_good (f, &source);

  g_assert_nonnull (piece->bytes);
  g_assert_cmpuint (piece->length, ==, 0);
  g_assert_cmpuint (sources_count_spool (f), ==, 0);
}

static void
test_memfd (SpoolFixture *f, gconstpointer data)
{
  TrdSource source = { .fd = sources_make_memfd ("hello"), .may_watch = TRUE };
  g_autoptr (TrdPiece) piece = sources_adopt_good (f, &source);

  g_assert_nonnull (piece->spool);
  sources_assert_sends (f, piece, "hello");
}

/* It says that it has no bytes, and has some. */
static void
test_made_up (SpoolFixture *f, gconstpointer data)
{
  TrdSource source = { .fd = -1,
                       .path = "/proc/self/mountinfo",
                       .snapshot = TRD_SNAPSHOT_COPY,
                       .may_watch = TRUE };
  g_autoptr (TrdPiece) piece = sources_adopt_good (f, &source);

  g_assert_nonnull (piece->spool);
  g_assert_cmpuint (piece->length, >, 0);
  g_assert_true (trd_sources_check (f->spool, piece, NULL));
}

/* ---- ranges ---- */

typedef struct
{
  const char *name;
  guint64 first;
  guint64 length;
  const char *text; /* NULL: refused */
} Range;

static const Range ranges[] = {
  { "part", 1, 3, "ell" },    { "rest", 2, 0, "llo" },  { "all", 0, 5, "hello" },
  { "too-long", 3, 3, NULL }, { "behind", 6, 0, NULL }, { "huge", 1, G_MAXUINT64, NULL },
};

/* However it is kept. */
static void
check_range (SpoolFixture *f, TrdSource source, const Range *range)
{
  g_autoptr (TrdPiece) piece = NULL;

  source.has_range = TRUE;
  source.first = range->first;
  source.length = range->length;
  if (range->text == NULL)
    {
      sources_assert_refused (f, &source, TRUNDLE_ERROR_INVALID_ARGUMENT);
      return;
    }
  piece = sources_adopt_good (f, &source);
  sources_assert_sends (f, piece, range->text);
}

static void
test_range_copied (SpoolFixture *f, gconstpointer range)
{
  g_autofree char *path = sources_write_file (f, "a", "hello");

  check_range (f, (TrdSource){ .fd = sources_open_file (path) }, range);
}

static void
test_range_watched (SpoolFixture *f, gconstpointer range)
{
  g_autofree char *path = sources_write_file (f, "a", "hello");

  check_range (f,
               (TrdSource){ .fd = sources_open_file (path),
                            .snapshot = TRD_SNAPSHOT_NONE,
                            .may_watch = TRUE },
               range);
}

static void
test_range_of_pipe (SpoolFixture *f, gconstpointer range)
{
  int fds[2];

  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  g_assert_cmpint (write (fds[1], "hello", 5), ==, 5);
  close (fds[1]);
  check_range (f, (TrdSource){ .fd = fds[0] }, range);
}

/* Nothing is left of what is asked for; that is not beyond the end. */
static void
test_range_at_end (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = sources_write_file (f, "a", "hello");
  TrdSource source = { .fd = sources_open_file (path), .has_range = TRUE, .first = 5 };
  g_autoptr (TrdPiece) piece = sources_adopt_good (f, &source);

  g_assert_nonnull (piece->bytes);
  g_assert_cmpuint (piece->length, ==, 0);
}

static void
test_range_of_nothing (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = sources_write_file (f, "a", "");
  TrdSource source
      = { .fd = sources_open_file (path), .has_range = TRUE, .first = 0, .length = 1 };

  sources_assert_refused (f, &source, TRUNDLE_ERROR_INVALID_ARGUMENT);
}

/* ---- what is refused ---- */

static void
test_missing (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = sources_path_of (f, "none");
  TrdSource source = { .fd = -1, .path = path, .may_watch = TRUE };

  sources_assert_refused (f, &source, TRUNDLE_ERROR_FILE_NOT_FOUND);
}

static void
test_directory (SpoolFixture *f, gconstpointer data)
{
  TrdSource source = { .fd = -1, .path = f->target, .may_watch = TRUE };

  sources_assert_refused (f, &source, TRUNDLE_ERROR_FILE_IS_DIRECTORY);
  source.fd = sources_open_file (f->target);
  sources_assert_refused (f, &source, TRUNDLE_ERROR_FILE_IS_DIRECTORY);
}

static void
test_unreadable (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = sources_write_file (f, "a", "hello");
  TrdSource source = { .fd = -1, .path = path, .may_watch = TRUE };

  if (geteuid () == 0)
    {
      g_test_skip ("Root may read every file");
      return;
    }
  g_assert_cmpint (g_chmod (path, 0200), ==, 0);
  sources_assert_refused (f, &source, TRUNDLE_ERROR_FILE_PERMISSION);
}

/* No right is lent that the caller did not have (law 14). */
static void
test_not_for_reading (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = sources_write_file (f, "a", "hello");
  TrdSource source = { .may_watch = TRUE };
  int fds[2];

  source.fd = open (path, O_WRONLY | O_CLOEXEC);
  sources_assert_refused (f, &source, TRUNDLE_ERROR_INVALID_ARGUMENT);
  source.fd = open (path, O_PATH | O_CLOEXEC);
  sources_assert_refused (f, &source, TRUNDLE_ERROR_INVALID_ARGUMENT);
  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  source.fd = fds[1];
  sources_assert_refused (f, &source, TRUNDLE_ERROR_INVALID_ARGUMENT);
  close (fds[0]);
}

/* A path leads to files only, and nothing else is opened. */
static void
test_special (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *fifo = sources_path_of (f, "fifo");
  TrdSource source = { .fd = -1, .path = fifo, .may_watch = TRUE };

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  sources_assert_refused (f, &source, TRUNDLE_ERROR_INVALID_ARGUMENT);
  source.path = "/dev/null";
  sources_assert_refused (f, &source, TRUNDLE_ERROR_INVALID_ARGUMENT);
  source.fd = sources_open_file ("/dev/zero");
  sources_assert_refused (f, &source, TRUNDLE_ERROR_INVALID_ARGUMENT);
  source.fd = eventfd (0, EFD_CLOEXEC);
  sources_assert_refused (f, &source, TRUNDLE_ERROR_INVALID_ARGUMENT);
}

static void
test_other_sockets (SpoolFixture *f, gconstpointer data)
{
  TrdSource source = { 0 };

  source.fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sources_assert_refused (f, &source, TRUNDLE_ERROR_INVALID_ARGUMENT);
  source.fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sources_assert_refused (f, &source, TRUNDLE_ERROR_INVALID_ARGUMENT);
}

/* More than may wait at the same time: all come to their end. */
static void
test_many (SpoolFixture *f, gconstpointer data)
{
  GAsyncResult *results[2 * TRD_SOURCES_MAX] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    {
      TrdSource source = { .fd = sources_make_memfd ("hello") };

      trd_sources_adopt_async (f->spool, &source, NULL, test_take_result, &results[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    {
      g_autoptr (TrdPiece) piece = NULL;

      test_await (results[i] != NULL);
      piece = trd_sources_adopt_finish (results[i], NULL);
      g_assert_nonnull (piece->spool);
      g_object_unref (results[i]);
    }
  g_assert_cmpuint (sources_count_spool (f), ==, G_N_ELEMENTS (results));
}

#define ADD(path, data, func)                                                            \
  g_test_add (                                                                           \
      path, SpoolFixture, data, spool_fixture_set_up, func, spool_fixture_tear_down)

static void
add_files (void)
{
  ADD ("/sources/file/copy", NULL, test_copy);
  ADD ("/sources/file/position", NULL, test_position);
  ADD ("/sources/file/named", NULL, test_named);
  ADD ("/sources/file/large", NULL, test_large);
  ADD ("/sources/file/holes", NULL, test_holes);
  ADD ("/sources/file/hole-only", NULL, test_hole_only);
  ADD ("/sources/file/unwatched", NULL, test_unwatched);
  ADD ("/sources/file/deleted", NULL, test_deleted);
  ADD ("/sources/file/name-taken", NULL, test_name_taken);
  ADD ("/sources/file/unwatchable", NULL, test_unwatchable);
  ADD ("/sources/file/empty", NULL, test_empty);
  ADD ("/sources/file/memfd", NULL, test_memfd);
  ADD ("/sources/file/made-up", NULL, test_made_up);
  ADD ("/sources/file/many", NULL, test_many);
}

static void
add_tables (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (ranges); i++)
    {
      const char *name = ranges[i].name;
      g_autofree char *copied = g_strdup_printf ("/sources/range/%s/copied", name);
      g_autofree char *watched = g_strdup_printf ("/sources/range/%s/watched", name);
      g_autofree char *piped = g_strdup_printf ("/sources/range/%s/pipe", name);

      ADD (copied, &ranges[i], test_range_copied);
      ADD (watched, &ranges[i], test_range_watched);
      ADD (piped, &ranges[i], test_range_of_pipe);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add_files ();
  add_tables ();
  ADD ("/sources/range/at-end", NULL, test_range_at_end);
  ADD ("/sources/range/of-nothing", NULL, test_range_of_nothing);
  ADD ("/sources/refused/missing", NULL, test_missing);
  ADD ("/sources/refused/directory", NULL, test_directory);
  ADD ("/sources/refused/unreadable", NULL, test_unreadable);
  ADD ("/sources/refused/not-for-reading", NULL, test_not_for_reading);
  ADD ("/sources/refused/special", NULL, test_special);
  ADD ("/sources/refused/other-sockets", NULL, test_other_sockets);

  return g_test_run ();
}
