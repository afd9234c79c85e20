/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sources of uploads between the call that brought them and the end: they are what they
 * were, or it is told (T-30); and the disk on which copies of them are. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/defaults.h"
#include "sources-fixture.h"

/* ---- what it was ---- */

static TrdPiece *
watch (SpoolFixture *f, const char *path)
{
  TrdSource source
      = { .fd = -1, .path = path, .snapshot = TRD_SNAPSHOT_NONE, .may_watch = TRUE };
  TrdPiece *piece = sources_adopt_good (f, &source);

  g_assert_true (trd_sources_check (f->spool, piece, NULL));
  return piece;
}

static void
change_append (const char *path)
{
  int fd = open (path, O_WRONLY | O_APPEND | O_CLOEXEC);

  g_assert_cmpint (write (fd, "!", 1), ==, 1);
  close (fd);
}

/* The size and what the app can set of its times are what they were. */
static void
change_in_place (const char *path)
{
  struct stat facts;
  int fd = open (path, O_WRONLY | O_CLOEXEC);

  g_assert_cmpint (fstat (fd, &facts), ==, 0);
  g_assert_cmpint (write (fd, "HELLO", 5), ==, 5);
  g_assert_cmpint (
      futimens (fd, (struct timespec[]){ facts.st_atim, facts.st_mtim }), ==, 0);
  close (fd);
}

static void
change_truncate (const char *path)
{
  g_assert_cmpint (truncate (path, 2), ==, 0);
}

static void
change_replace (const char *path)
{
  g_assert_true (g_file_set_contents (path, "hello", -1, NULL));
}

static void
change_touch (const char *path)
{
  g_assert_cmpint (utimensat (AT_FDCWD, path, NULL, 0), ==, 0);
}

static void
change_to_directory (const char *path)
{
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
}

static void
change_to_pipe (const char *path)
{
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
}

static void
change_remove (const char *path)
{
  g_assert_cmpint (g_unlink (path), ==, 0);
}

typedef struct
{
  const char *name;
  void (*change) (const char *path);
  TrundleError code;
} Change;

static const Change changes[] = {
  { "appended", change_append, TRUNDLE_ERROR_SOURCE_CHANGED },
  { "in-place", change_in_place, TRUNDLE_ERROR_SOURCE_CHANGED },
  { "truncated", change_truncate, TRUNDLE_ERROR_SOURCE_CHANGED },
  { "replaced", change_replace, TRUNDLE_ERROR_SOURCE_CHANGED },
  { "touched", change_touch, TRUNDLE_ERROR_SOURCE_CHANGED },
  { "directory", change_to_directory, TRUNDLE_ERROR_SOURCE_CHANGED },
  { "pipe", change_to_pipe, TRUNDLE_ERROR_SOURCE_CHANGED },
  { "removed", change_remove, TRUNDLE_ERROR_SOURCE_CHANGED },
};

static void
test_changed (SpoolFixture *f, gconstpointer data)
{
  const Change *change = data;
  g_autofree char *path = sources_write_file (f, "a", "hello");
  g_autoptr (TrdPiece) piece = watch (f, path);
  g_autoptr (GError) error = NULL;

  change->change (path);
  g_assert_false (trd_sources_check (f->spool, piece, &error));
  g_assert_error (error, TRUNDLE_ERROR, (int)change->code);
  g_assert_nonnull (strstr (error->message, path));
}

/* A file that was never named is not told of by name. */
static void
test_changed_unnamed (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = sources_write_file (f, "a", "hello");
  TrdSource source = { .fd = sources_open_file (path),
                       .snapshot = TRD_SNAPSHOT_NONE,
                       .may_watch = TRUE };
  g_autoptr (TrdPiece) piece = sources_adopt_good (f, &source);
  g_autoptr (GError) error = NULL;

  change_replace (path);
  g_assert_false (trd_sources_check (f->spool, piece, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_SOURCE_CHANGED);
  g_assert_null (strstr (error->message, f->target));
}

/* Changed again within the same tick of the kernel's clock: it is still told. */
static void
test_changed_at_once (SpoolFixture *f, gconstpointer data)
{
  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *path = sources_write_file (f, "a", "hello");
      g_autoptr (TrdPiece) piece = watch (f, path);

      change_in_place (path);
      g_assert_false (trd_sources_check (f->spool, piece, NULL));
    }
}

static char *
write_zeros (SpoolFixture *f, gsize size)
{
  g_autofree char *zeros = g_malloc0 (size);
  char *path = sources_path_of (f, "zeros");

  g_assert_true (g_file_set_contents (path, zeros, (gssize)size, NULL));
  return path;
}

/* Whether bytes of a copy are in the spool. */
static gboolean
is_copying (SpoolFixture *f)
{
  g_autofree char *path = g_build_filename (f->state, "spool", NULL);
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const char *name = g_dir_read_name (directory);
  g_autofree char *copy = name != NULL ? g_build_filename (path, name, NULL) : NULL;
  struct stat facts;

  return copy != NULL && stat (copy, &facts) == 0 && facts.st_size > 0;
}

static void
test_changing (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = write_zeros (f, 60 * MIB);
  TrdSource source = { .fd = sources_open_file (path) };
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (TrdPiece) piece = NULL;

  trd_sources_adopt_async (f->spool, &source, NULL, test_take_result, &result);
  while (result == NULL && !is_copying (f))
    g_main_context_iteration (NULL, FALSE);
  change_append (path);
  test_await (result != NULL);
  piece = trd_sources_adopt_finish (result, &error);
  if (piece != NULL)
    {
      g_test_skip ("The copy was there before the file could be changed");
      return;
    }
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_SOURCE_CHANGED);
  g_assert_cmpuint (sources_count_spool (f), ==, 0);
}

/* ---- the spool ---- */

static TrdPiece *
adopt_text (SpoolFixture *f, const char *text)
{
  TrdSource source = { .fd = sources_make_memfd (text) };

  return sources_adopt_good (f, &source);
}

static TrdBody *
body_of (TrdPiece *piece)
{
  TrdBody *body = trd_body_new ();

  trd_body_take (body, piece);
  return body;
}

static void
test_damaged (SpoolFixture *f, gconstpointer data)
{
  g_autoptr (TrdPiece) piece = adopt_text (f, "hello");
  g_autofree char *path = g_build_filename (f->state, "spool", piece->spool, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (truncate (path, 2), ==, 0);
  g_assert_false (trd_sources_check (f->spool, piece, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_SOURCE_CHANGED);
  g_clear_error (&error);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_false (trd_sources_check (f->spool, piece, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_FILE_NOT_FOUND);
  g_assert_null (strstr (error->message, piece->spool));
}

static void
test_share (SpoolFixture *f, gconstpointer data)
{
  g_autoptr (TrdBody) first = body_of (adopt_text (f, "hello"));
  g_autoptr (GError) error = NULL;
  g_autoptr (TrdBody) second = trd_sources_share_body (f->spool, first, &error);
  TrdPiece *mine = g_ptr_array_index (first->pieces, 0);
  TrdPiece *other;

  g_assert_no_error (error);
  g_assert_true (trd_sources_sync (f->spool, NULL));
  other = g_ptr_array_index (second->pieces, 0);
  g_assert_cmpstr (mine->spool, !=, other->spool);
  trd_sources_discard (f->spool, first);
  g_assert_false (trd_sources_check (f->spool, mine, NULL));
  sources_assert_sends (f, other, "hello");
  trd_sources_discard (f->spool, second);
  g_assert_cmpuint (sources_count_spool (f), ==, 0);
}

static void
test_share_missing (SpoolFixture *f, gconstpointer data)
{
  g_autoptr (TrdBody) body = body_of (adopt_text (f, "hello"));
  g_autoptr (GError) error = NULL;

  trd_body_take (body, adopt_text (f, "there"));
  trd_sources_discard (f->spool, body);
  trd_body_take (body, adopt_text (f, "again"));
  g_assert_null (trd_sources_share_body (f->spool, body, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_FILE_NOT_FOUND);
  g_assert_cmpuint (sources_count_spool (f), ==, 1);
}

static gboolean
is_nobody (gint64 task_id, gpointer user_data)
{
  return FALSE;
}

/* What a daemon that is gone has left; what this one has made is not yet in a row. */
static void
test_sweep (SpoolFixture *f, gconstpointer data)
{
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (TrdPiece) kept = adopt_text (f, "kept");
  g_autoptr (TrdPiece) stray = adopt_text (f, "stray");
  g_autoptr (TrdPiece) fresh = NULL;

  g_clear_object (&f->spool);
  /* The threads let it go a moment after they have told. */
  test_await ((f->spool = trd_spool_new (f->state, NULL)) != NULL);
  fresh = adopt_text (f, "fresh");
  g_hash_table_add (known, kept->spool);
  trd_spool_sweep (f->spool, is_nobody, NULL);
  trd_sources_sweep (f->spool, known);
  sources_assert_sends (f, kept, "kept");
  sources_assert_sends (f, fresh, "fresh");
  g_assert_false (trd_sources_check (f->spool, stray, NULL));
  g_assert_true (trd_sources_is_ours (f->spool, fresh->spool));
  g_assert_false (trd_sources_is_ours (f->spool, kept->spool));
}

/* ---- disks ---- */

static gboolean
mount_spool (SpoolFixture *f, const char *options)
{
  g_autofree char *reason = NULL;
  g_autofree char *spool = g_build_filename (f->state, "spool", NULL);

  if (mount ("none", spool, "tmpfs", 0, options) == 0)
    {
      g_assert_true (trd_spool_reopen (f->spool, NULL));
      return TRUE;
    }
  reason = g_strdup_printf ("Cannot mount: %s", g_strerror (errno));
  g_test_skip (reason);
  return FALSE;
}

static gboolean
mount_small (SpoolFixture *f)
{
  return mount_spool (f, "size=4m");
}

static void
unmount_small (SpoolFixture *f)
{
  g_autofree char *spool = g_build_filename (f->state, "spool", NULL);

  g_assert_cmpint (umount2 (spool, MNT_DETACH), ==, 0);
}

static void
test_full (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = write_zeros (f, 5 * MIB);
  TrdSource source = { .may_watch = TRUE, .snapshot = TRD_SNAPSHOT_COPY };

  if (!mount_small (f))
    return;
  source.fd = sources_open_file (path);
  sources_assert_refused (f, &source, TRUNDLE_ERROR_NO_SPACE);
  unmount_small (f);
}

/* With a path it can be sent all the same. */
static void
test_full_watched (SpoolFixture *f, gconstpointer data)
{
  g_autofree char *path = write_zeros (f, 5 * MIB);
  TrdSource source = { .may_watch = TRUE };
  g_autoptr (TrdPiece) piece = NULL;

  if (!mount_small (f))
    return;
  source.fd = sources_open_file (path);
  piece = sources_adopt_good (f, &source);
  g_assert_cmpstr (piece->path, ==, path);
  g_assert_cmpuint (sources_count_spool (f), ==, 0);
  unmount_small (f);
}

static gpointer
fill_pipe (gpointer data)
{
  g_autofree char *zeros = g_malloc0 (MIB);
  int fd = GPOINTER_TO_INT (data);

  /* Ends with EPIPE. */
  while (write (fd, zeros, MIB) > 0)
    ;
  close (fd);
  return NULL;
}

/* Nobody knows before how much it is. */
static void
test_full_pipe (SpoolFixture *f, gconstpointer data)
{
  TrdSource source = { 0 };
  GThread *thread;
  int fds[2];

  if (!mount_small (f))
    return;
  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  thread = g_thread_new ("writer", fill_pipe, GINT_TO_POINTER (fds[1]));
  source.fd = fds[0];
  sources_assert_refused (f, &source, TRUNDLE_ERROR_NO_SPACE);
  g_thread_join (thread);
  unmount_small (f);
}

/* There is room for no further name. */
static void
test_full_share (SpoolFixture *f, gconstpointer data)
{
  g_autoptr (TrdBody) body = NULL;
  g_autoptr (GError) error = NULL;

  /* The directory itself is one, the file another. */
  if (!mount_spool (f, "size=4m,nr_inodes=2"))
    return;
  body = body_of (adopt_text (f, "hello"));
  g_assert_null (trd_sources_share_body (f->spool, body, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NO_SPACE);
  g_assert_cmpuint (sources_count_spool (f), ==, 1);
  unmount_small (f);
}

#define ADD(path, data, func)                                                            \
  g_test_add (                                                                           \
      path, SpoolFixture, data, spool_fixture_set_up, func, spool_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  signal (SIGPIPE, SIG_IGN);

  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sources/changed/%s", changes[i].name);

      ADD (path, &changes[i], test_changed);
    }
  ADD ("/sources/changed/meanwhile", NULL, test_changing);
  ADD ("/sources/changed/unnamed", NULL, test_changed_unnamed);
  ADD ("/sources/changed/at-once", NULL, test_changed_at_once);
  ADD ("/sources/spool/damaged", NULL, test_damaged);
  ADD ("/sources/spool/share", NULL, test_share);
  ADD ("/sources/spool/share-missing", NULL, test_share_missing);
  ADD ("/sources/spool/sweep", NULL, test_sweep);
  ADD ("/sources/full/copy", NULL, test_full);
  ADD ("/sources/full/watched", NULL, test_full_watched);
  ADD ("/sources/full/pipe", NULL, test_full_pipe);
  ADD ("/sources/full/share", NULL, test_full_share);

  return g_test_run ();
}
