/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "sources-fixture.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/defaults.h"

char *
sources_path_of (SpoolFixture *f, const char *name)
{
  return g_build_filename (f->target, name, NULL);
}

char *
sources_write_file (SpoolFixture *f, const char *name, const char *text)
{
  char *path = sources_path_of (f, name);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

char *
sources_make_large (SpoolFixture *f)
{
  char *path = sources_write_file (f, "large", "");
  int fd = open (path, O_WRONLY | O_CLOEXEC);

  g_assert_cmpint (pwrite (fd, "end", 3, (off_t)TRD_SNAPSHOT_COPY_MAX), ==, 3);
  close (fd);
  return path;
}

gboolean
sources_shares_blocks (SpoolFixture *f)
{
  g_autofree char *from = sources_write_file (f, "from", "hello");
  g_autofree char *to = sources_write_file (f, "to", "");
  int from_fd = sources_open_file (from);
  int to_fd = open (to, O_WRONLY | O_CLOEXEC);
  gboolean shares = ioctl (to_fd, FICLONE, from_fd) == 0;

  close (from_fd);
  close (to_fd);
  return shares;
}

int
sources_open_file (const char *path)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  return fd;
}

int
sources_make_memfd (const char *text)
{
  int fd = memfd_create ("test", MFD_CLOEXEC);

  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
  return fd;
}

guint
sources_count_spool (SpoolFixture *f)
{
  g_autofree char *spool = g_build_filename (f->state, "spool", NULL);

  return test_count_files (spool);
}

TrdPiece *
sources_adopt (SpoolFixture *f, const TrdSource *source, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  trd_sources_adopt_async (f->spool, source, NULL, test_take_result, &result);
  test_await (result != NULL);
  return trd_sources_adopt_finish (result, error);
}

TrdPiece *
sources_adopt_good (SpoolFixture *f, const TrdSource *source)
{
  g_autoptr (GError) error = NULL;
  TrdPiece *piece = sources_adopt (f, source, &error);

  g_assert_no_error (error);
  return piece;
}

void
sources_assert_refused (SpoolFixture *f, const TrdSource *source, TrundleError code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TrdPiece) piece = sources_adopt (f, source, &error);

  g_assert_null (piece);
  g_assert_error (error, TRUNDLE_ERROR, (int)code);
  g_assert_cmpuint (sources_count_spool (f), ==, 0);
}

void
sources_assert_sends (SpoolFixture *f, const TrdPiece *piece, const char *text)
{
  g_autofree char *found = g_malloc0 (strlen (text) + 1);
  g_autoptr (GError) error = NULL;
  int fd = trd_sources_open (f->spool, piece, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (piece->length, ==, strlen (text));
  g_assert_cmpint (
      pread (fd, found, piece->length, (off_t)piece->offset), ==, strlen (text));
  g_assert_cmpstr (found, ==, text);
  close (fd);
}
