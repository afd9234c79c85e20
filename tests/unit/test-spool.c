/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The spool: files appear whole or not at all, nobody's file is overwritten unasked, a
 * directory that is another one is refused, and a crash at any point is understood (laws
 * 4, 6, 16). */

#include "config.h"

#include "spool-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "port/files.h"

/* Helpers */

static char *
in_target (SpoolFixture *fixture, const char *name)
{
  return g_build_filename (fixture->target, name, NULL);
}

static void
write_target (SpoolFixture *fixture, const char *name, const char *text)
{
  g_autofree char *path = in_target (fixture, name);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
assert_target (SpoolFixture *fixture, const char *name, const char *text)
{
  g_autofree char *path = in_target (fixture, name);
  g_autofree char *found = NULL;

  g_assert_true (g_file_get_contents (path, &found, NULL, NULL));
  g_assert_cmpstr (found, ==, text);
}

static TrdPlace *
make_place (SpoolFixture *fixture, const char *name, TrundleIfExists if_exists)
{
  g_autofree char *path = in_target (fixture, name);
  g_autoptr (GError) error = NULL;
  TrdPlace *place = trd_spool_resolve (
      fixture->spool, -1, path, NULL, TRUNDLE_IF_EXISTS_REPLACE, &error);

  g_assert_no_error (error);
  place->task_id = 7;
  place->if_exists = if_exists;
  trd_spool_name_part (fixture->spool, place);
  return place;
}

static void
make_intent (SpoolFixture *fixture,
             const TrdPlace *place,
             const char *final_name,
             TrdIntent *out_intent)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (trd_spool_stat_part (fixture->spool, place, out_intent, &error));
  out_intent->final_name = g_strdup (final_name);
}

static gboolean
seal (SpoolFixture *fixture,
      const TrdPlace *place,
      const TrdIntent *intent,
      GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  trd_spool_seal_async (fixture->spool, place, intent, test_take_result, &result);
  test_await (result != NULL);
  return trd_spool_seal_finish (fixture->spool, result, error);
}

static char *
move_to (SpoolFixture *fixture,
         const TrdPlace *place,
         const char *directory,
         const char *name,
         TrundleIfExists if_exists,
         GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  int fd = open (directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  trd_spool_move_async (
      fixture->spool, place, fd, name, if_exists, test_take_result, &result);
  test_await (result != NULL);
  return trd_spool_move_finish (fixture->spool, result, error);
}

/* Starting */

/* Fault (daemon): a second daemon over the same state | Proves: refused (law 16) */
static void
test_lock (SpoolFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdSpool) second = NULL;
  g_autoptr (GError) error = NULL;
  GStatBuf facts;

  g_assert_null (trd_spool_new (fixture->state, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_cmpint (g_stat (fixture->state, &facts), ==, 0);
  g_assert_cmpint (facts.st_mode & 0777, ==, 0700);

  g_clear_object (&fixture->spool);
  second = trd_spool_new (fixture->state, &error);
  g_assert_no_error (error);
}

/* Resolving */

static const struct
{
  const char *name;
  TrundleIfExists if_exists;
  int code; /* -1: fine */
} targets[] = {
  { "new", TRUNDLE_IF_EXISTS_FAIL, -1 },
  { "old", TRUNDLE_IF_EXISTS_FAIL, TRUNDLE_ERROR_FILE_EXISTS },
  { "old", TRUNDLE_IF_EXISTS_REPLACE, -1 },
  { "old", TRUNDLE_IF_EXISTS_RENAME, -1 },
  { "link", TRUNDLE_IF_EXISTS_FAIL, TRUNDLE_ERROR_FILE_EXISTS },
  { "link", TRUNDLE_IF_EXISTS_REPLACE, -1 },
  { "directory", TRUNDLE_IF_EXISTS_REPLACE, TRUNDLE_ERROR_FILE_IS_DIRECTORY },
  { "", TRUNDLE_IF_EXISTS_FAIL, TRUNDLE_ERROR_INVALID_ARGUMENT },
  { ".", TRUNDLE_IF_EXISTS_FAIL, TRUNDLE_ERROR_INVALID_ARGUMENT },
  { "..", TRUNDLE_IF_EXISTS_FAIL, TRUNDLE_ERROR_INVALID_ARGUMENT },
  { "a/b", TRUNDLE_IF_EXISTS_FAIL, TRUNDLE_ERROR_INVALID_ARGUMENT },
  { NULL, TRUNDLE_IF_EXISTS_FAIL, TRUNDLE_ERROR_INVALID_ARGUMENT },
};

static void
test_resolve (SpoolFixture *fixture, gconstpointer data)
{
  g_autofree char *directory = in_target (fixture, "directory");
  g_autofree char *link = in_target (fixture, "link");
  int fd = open (fixture->target, O_PATH | O_DIRECTORY | O_CLOEXEC);

  write_target (fixture, "old", "old");
  g_assert_cmpint (g_mkdir (directory, 0755), ==, 0);
  g_assert_cmpint (symlink ("/nonexistent", link), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (targets); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (TrdPlace) place = trd_spool_resolve (
          fixture->spool, fd, NULL, targets[i].name, targets[i].if_exists, &error);

      g_test_message ("%s", targets[i].name);
      if (targets[i].code >= 0)
        {
          g_assert_null (place);
          g_assert_error (error, TRUNDLE_ERROR, targets[i].code);
          continue;
        }
      g_assert_no_error (error);
      g_assert_cmpstr (place->name, ==, targets[i].name);
      g_assert_cmpstr (place->directory, ==, fixture->target);
    }
  close (fd);
}

static void
test_resolve_directory (SpoolFixture *fixture, gconstpointer data)
{
  g_autofree char *long_name = g_strnfill (256, 'a');
  g_autofree char *path = in_target (fixture, "file");
  g_autofree char *below = g_build_filename (path, "below", NULL);
  const struct
  {
    const char *path;
    const char *name;
    int code;
  } cases[] = {
    { "relative/file", NULL, TRUNDLE_ERROR_INVALID_ARGUMENT },
    { NULL, NULL, TRUNDLE_ERROR_INVALID_ARGUMENT },
    { "/nonexistent/file", NULL, TRUNDLE_ERROR_FILE_NOT_FOUND },
    { below, NULL, TRUNDLE_ERROR_FILE_NOT_FOUND },
    { path, long_name, TRUNDLE_ERROR_INVALID_ARGUMENT },
  };
  g_autoptr (GError) error = NULL;
  int fd;

  write_target (fixture, "file", "");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_assert_null (trd_spool_resolve (fixture->spool,
                                        -1,
                                        cases[i].path,
                                        cases[i].name,
                                        TRUNDLE_IF_EXISTS_FAIL,
                                        &error));
      g_assert_error (error, TRUNDLE_ERROR, cases[i].code);
      g_clear_error (&error);
    }

  fd = open (path, O_RDONLY | O_CLOEXEC);
  g_assert_null (
      trd_spool_resolve (fixture->spool, fd, NULL, "a", TRUNDLE_IF_EXISTS_FAIL, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
  close (fd);
}

/* The superuser may write everywhere: it tries as nobody. */
static void
test_resolve_permission (SpoolFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdPlace) place = NULL;
  g_autofree char *path = in_target (fixture, "file");
  g_autoptr (GError) error = NULL;
  gboolean is_root = geteuid () == 0;

  g_assert_cmpint (g_chmod (fixture->root, 0755), ==, 0);
  g_assert_cmpint (g_chmod (fixture->target, 0555), ==, 0);
  if (is_root && seteuid (65534) != 0)
    {
      g_test_skip ("Cannot become another user");
      return;
    }
  place = trd_spool_resolve (
      fixture->spool, -1, path, NULL, TRUNDLE_IF_EXISTS_FAIL, &error);
  if (is_root)
    g_assert_cmpint (seteuid (0), ==, 0);
  g_assert_cmpint (g_chmod (fixture->target, 0755), ==, 0);
  g_assert_null (place);
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_FILE_PERMISSION);
}

/* Parts */

static void
test_part (SpoolFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdPlace) place = data != NULL
                                   ? make_place (fixture, "a", TRUNDLE_IF_EXISTS_FAIL)
                                   : trd_place_new (7);
  g_auto (TrdIntent) found = { NULL };
  g_autoptr (GError) error = NULL;
  int fd;

  g_assert_false (trd_spool_stat_part (fixture->spool, place, &found, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_FILE_NOT_FOUND);
  g_clear_error (&error);
  spool_fixture_write_part (fixture, place, "0123456789");

  fd = trd_spool_open_part (fixture->spool, place, 4, &error);
  g_assert_no_error (error);
  g_assert_cmpint (trd_spool_open_part (fixture->spool, place, 0, &error), ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_clear_error (&error);
  close (fd);

  /* Cut, and never made longer. */
  fd = trd_spool_open_part (fixture->spool, place, 100, &error);
  close (fd);
  g_assert_true (trd_spool_stat_part (fixture->spool, place, &found, &error));
  g_assert_cmpuint (found.size, ==, 4);

  trd_spool_discard (fixture->spool, place);
  trd_spool_discard (fixture->spool, place);
  g_assert_false (trd_spool_stat_part (fixture->spool, place, &found, &error));
  g_assert_cmpuint (test_count_files (fixture->target), ==, 0);
}

/* Fault (disk): a link where a part is to be | Proves: not followed (law 14) */
static void
test_part_is_link (SpoolFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdPlace) place = make_place (fixture, "a", TRUNDLE_IF_EXISTS_FAIL);
  g_autofree char *part = in_target (fixture, place->part_name);
  g_autofree char *victim = in_target (fixture, "victim");
  g_autoptr (GError) error = NULL;

  write_target (fixture, "victim", "precious");
  g_assert_cmpint (symlink (victim, part), ==, 0);
  g_assert_cmpint (trd_spool_open_part (fixture->spool, place, 0, &error), ==, -1);
  g_assert_nonnull (error);
  assert_target (fixture, "victim", "precious");
}

/* "gone": not there any more; "replaced": another one of that name.
 *
 * Fault (disk): the destination is gone, or another in its place | Proves: nothing is
 * opened there */
static void
test_directory_lost (SpoolFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdPlace) place = make_place (fixture, "a", TRUNDLE_IF_EXISTS_FAIL);
  g_auto (TrdIntent) intent = { NULL };
  g_autofree char *away = g_build_filename (fixture->root, "away", NULL);
  g_autoptr (GError) error = NULL;

  spool_fixture_write_part (fixture, place, "abc");
  make_intent (fixture, place, "a", &intent);
  g_assert_cmpint (g_rename (fixture->target, away), ==, 0);
  if (g_str_equal (data, "replaced"))
    g_assert_cmpint (g_mkdir (fixture->target, 0755), ==, 0);

  g_assert_cmpint (trd_spool_open_part (fixture->spool, place, 0, &error), ==, -1);
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_DESTINATION_GONE);
  g_clear_error (&error);
  g_assert_false (seal (fixture, place, &intent, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_DESTINATION_GONE);
  g_assert_cmpint (
      trd_spool_inspect (fixture->spool, place, &intent), ==, TRD_SEAL_UNKNOWN);
  trd_spool_discard (fixture->spool, place);
  g_assert_cmpuint (test_count_files (away), ==, 1);
}

/* Sealing */

static void
test_seal_new (SpoolFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdPlace) place = make_place (fixture, "a", TRUNDLE_IF_EXISTS_FAIL);
  g_auto (TrdIntent) intent = { NULL };
  g_autofree char *path = in_target (fixture, "a");
  g_autoptr (GError) error = NULL;
  mode_t mask = umask (0);
  GStatBuf facts;

  umask (mask);
  spool_fixture_write_part (fixture, place, "whole");
  make_intent (fixture, place, "a", &intent);
  g_assert_true (seal (fixture, place, &intent, &error));
  g_assert_no_error (error);
  assert_target (fixture, "a", "whole");
  g_assert_cmpuint (test_count_files (fixture->target), ==, 1);
  g_assert_cmpint (g_stat (path, &facts), ==, 0);
  g_assert_cmpint (facts.st_mode & 0777, ==, 0666 & ~mask);

  /* Once more, as after a crash before the commit. */
  g_assert_true (seal (fixture, place, &intent, &error));
}

static void
test_seal_fail (SpoolFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdPlace) place = make_place (fixture, "a", TRUNDLE_IF_EXISTS_FAIL);
  g_auto (TrdIntent) intent = { NULL };
  g_autoptr (GError) error = NULL;

  spool_fixture_write_part (fixture, place, "new");
  make_intent (fixture, place, "a", &intent);
  write_target (fixture, "a", "theirs");
  g_assert_false (seal (fixture, place, &intent, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_FILE_EXISTS);
  assert_target (fixture, "a", "theirs");
  assert_target (fixture, place->part_name, "new");
}

/* A link is replaced itself, not what it leads to. */
static void
test_seal_replace (SpoolFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdPlace) place = make_place (fixture, "a", TRUNDLE_IF_EXISTS_REPLACE);
  g_auto (TrdIntent) intent = { NULL };
  g_autofree char *path = in_target (fixture, "a");
  g_autofree char *victim = in_target (fixture, "victim");
  g_autoptr (GError) error = NULL;

  spool_fixture_write_part (fixture, place, "new");
  make_intent (fixture, place, "a", &intent);
  write_target (fixture, "victim", "precious");
  g_assert_cmpint (symlink (victim, path), ==, 0);
  g_assert_true (seal (fixture, place, &intent, &error));
  assert_target (fixture, "victim", "precious");
  assert_target (fixture, "a", "new");
  g_assert_false (g_file_test (path, G_FILE_TEST_IS_SYMLINK));
}

static void
test_seal_rename (SpoolFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdPlace) place = make_place (fixture, "a.gz", TRUNDLE_IF_EXISTS_RENAME);
  g_auto (TrdIntent) intent = { NULL };
  g_autofree char *name = NULL;
  g_autofree char *next = NULL;
  g_autoptr (GError) error = NULL;
  guint n = 0;

  spool_fixture_write_part (fixture, place, "new");
  write_target (fixture, "a.gz", "0");
  name = trd_spool_choose_name (fixture->spool, place, &n, &error);
  g_assert_cmpstr (name, ==, "a (1).gz");
  make_intent (fixture, place, name, &intent);

  /* Somebody takes the name between choice and rename. */
  write_target (fixture, name, "1");
  g_assert_false (seal (fixture, place, &intent, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_FILE_EXISTS);
  g_clear_error (&error);
  assert_target (fixture, name, "1");

  next = trd_spool_choose_name (fixture->spool, place, &n, &error);
  g_assert_cmpstr (next, ==, "a (2).gz");
  trd_intent_clear (&intent);
  make_intent (fixture, place, next, &intent);
  g_assert_true (seal (fixture, place, &intent, &error));
  assert_target (fixture, next, "new");
}

/* Fault (disk): the part is not the file that was received | Proves: not published
 * (law 6) */
static void
test_seal_wrong_part (SpoolFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdPlace) place = make_place (fixture, "a", TRUNDLE_IF_EXISTS_FAIL);
  g_auto (TrdIntent) intent = { NULL };
  g_autoptr (GError) error = NULL;

  spool_fixture_write_part (fixture, place, "new");
  make_intent (fixture, place, "a", &intent);
  intent.size++;
  g_assert_false (seal (fixture, place, &intent, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_WRITE_FAILED);
  g_clear_error (&error);
  intent.size--;
  intent.inode++;
  g_assert_false (seal (fixture, place, &intent, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_WRITE_FAILED);
  g_assert_cmpuint (test_count_files (fixture->target), ==, 1);
}

/* The ways around file systems that have no RENAME_NOREPLACE.
 *
 * Fault (disk): file systems without RENAME_NOREPLACE, without links | Proves: nothing
 * that exists is ever replaced (law 6) */
static void
test_publish_ways (SpoolFixture *fixture, gconstpointer data)
{
  TrdPublishWay way = (TrdPublishWay)GPOINTER_TO_INT (data);
  int fd = open (fixture->target, O_PATH | O_DIRECTORY | O_CLOEXEC);

  write_target (fixture, "part", "new");
  write_target (fixture, "old", "old");
  g_assert_cmpint (trd_files_publish_new (way, fd, "part", fd, "old"), ==, EEXIST);
  assert_target (fixture, "old", "old");
  g_assert_cmpint (trd_files_publish_new (way, fd, "part", fd, "final"), ==, 0);
  assert_target (fixture, "final", "new");
  g_assert_cmpuint (test_count_files (fixture->target), ==, 2);
  g_assert_cmpint (trd_files_publish_new (way, fd, "part", fd, "other"), ==, ENOENT);
  close (fd);
}

/* Fault (daemon): each state that a crash can leave between part and final name |
 * Proves: recognised, and sealed to the end (law 6) */
static void
test_crash_points (SpoolFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdPlace) place = make_place (fixture, "a", TRUNDLE_IF_EXISTS_FAIL);
  g_auto (TrdIntent) intent = { NULL };
  g_autofree char *part = in_target (fixture, place->part_name);
  g_autofree char *final = in_target (fixture, "a");
  g_autofree char *elsewhere = in_target (fixture, "elsewhere");
  g_autoptr (GError) error = NULL;

  spool_fixture_write_part (fixture, place, "abc");
  make_intent (fixture, place, "a", &intent);
  g_assert_cmpint (
      trd_spool_inspect (fixture->spool, place, &intent), ==, TRD_SEAL_PART_THERE);

  /* Between link and unlink: sealing again tidies up. */
  g_assert_cmpint (link (part, final), ==, 0);
  g_assert_cmpint (
      trd_spool_inspect (fixture->spool, place, &intent), ==, TRD_SEAL_PART_THERE);
  g_assert_true (seal (fixture, place, &intent, &error));
  g_assert_cmpuint (test_count_files (fixture->target), ==, 1);
  g_assert_cmpint (trd_spool_inspect (fixture->spool, place, &intent), ==, TRD_SEAL_DONE);

  /* The name now belongs to another file; that keeps the inode's number in use. */
  g_assert_cmpint (g_rename (final, part), ==, 0);
  write_target (fixture, "a", "theirs");
  g_assert_cmpint (g_rename (part, elsewhere), ==, 0);
  g_assert_cmpint (
      trd_spool_inspect (fixture->spool, place, &intent), ==, TRD_SEAL_MOVED);
}

/* Results */

static void
test_open_result (SpoolFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdPlace) place = trd_place_new (7);
  g_autofree char *path = in_target (fixture, "file");
  g_autofree char *link = in_target (fixture, "link");
  g_autofree char *pipe = in_target (fixture, "pipe");
  const char *const refused[] = { link, pipe, "/nonexistent" };
  g_autoptr (GError) error = NULL;
  int fd;

  spool_fixture_write_part (fixture, place, "abc");
  fd = trd_spool_open_result (fixture->spool, place, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (fcntl (fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), ==, O_RDONLY);
  close (fd);

  write_target (fixture, "file", "abc");
  fd = trd_spool_open_result (fixture->spool, place, path, &error);
  g_assert_no_error (error);
  close (fd);

  g_assert_cmpint (symlink (path, link), ==, 0);
  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      fd = trd_spool_open_result (fixture->spool, place, refused[i], &error);
      g_assert_cmpint (fd, ==, -1);
      g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_FILE_NOT_FOUND);
      g_clear_error (&error);
    }
}

static void
test_move (SpoolFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdPlace) place = trd_place_new (7);
  g_auto (TrdIntent) found = { NULL };
  g_autofree char *name = NULL;
  g_autoptr (GError) error = NULL;

  spool_fixture_write_part (fixture, place, "abc");
  write_target (fixture, "a", "theirs");
  g_assert_null (
      move_to (fixture, place, fixture->target, "a", TRUNDLE_IF_EXISTS_FAIL, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_FILE_EXISTS);
  g_clear_error (&error);
  g_assert_null (
      move_to (fixture, place, fixture->target, "../a", TRUNDLE_IF_EXISTS_FAIL, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_true (trd_spool_stat_part (fixture->spool, place, &found, &error));

  name = move_to (fixture, place, fixture->target, "a", TRUNDLE_IF_EXISTS_RENAME, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (name, ==, "a (1)");
  assert_target (fixture, "a", "theirs");
  assert_target (fixture, "a (1)", "abc");
  g_assert_false (trd_spool_stat_part (fixture->spool, place, &found, NULL));
}

static void
test_move_across (SpoolFixture *fixture, gconstpointer data)
{
  g_autofree char *other = g_strdup ("/dev/shm/trundle-spool-XXXXXX");
  g_autoptr (TrdPlace) place = trd_place_new (7);
  g_auto (TrdIntent) found = { NULL };
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;
  g_autofree char *contents = NULL;
  g_autofree char *text = g_strnfill (3 * 1024 * 1024 + 1, 'x');
  g_autoptr (GError) error = NULL;
  struct stat here, there;

  if (g_mkdtemp (other) == NULL || stat (other, &there) != 0
      || stat (fixture->root, &here) != 0 || here.st_dev == there.st_dev)
    {
      g_test_skip ("No second file system at /dev/shm");
      return;
    }
  spool_fixture_write_part (fixture, place, text);
  path = g_build_filename (other, "a", NULL);
  g_assert_true (g_file_set_contents (path, "theirs", -1, NULL));
  g_assert_null (move_to (fixture, place, other, "a", TRUNDLE_IF_EXISTS_FAIL, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_FILE_EXISTS);
  g_clear_error (&error);
  g_assert_true (trd_spool_stat_part (fixture->spool, place, &found, &error));
  g_assert_cmpuint (test_count_files (other), ==, 1);

  name = move_to (fixture, place, other, "a", TRUNDLE_IF_EXISTS_REPLACE, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (path, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, text);
  g_assert_false (trd_spool_stat_part (fixture->spool, place, &found, NULL));
  g_assert_cmpuint (test_count_files (other), ==, 1);
  test_remove_tree (other);
}

/* Fault (disk): a full disk while a result is moved to it | Proves: an error; the
 * source is whole, no copy is left */
static void
test_no_space (SpoolFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdPlace) place = trd_place_new (7);
  g_auto (TrdIntent) found = { NULL };
  g_autofree char *text = g_strnfill (1024 * 1024, 'x');
  g_autofree char *reason = NULL;
  g_autoptr (GError) error = NULL;

  if (mount ("none", fixture->target, "tmpfs", 0, "size=128k") != 0)
    {
      reason = g_strdup_printf ("Cannot mount: %s", g_strerror (errno));
      g_test_skip (reason);
      return;
    }
  spool_fixture_write_part (fixture, place, text);
  g_assert_null (
      move_to (fixture, place, fixture->target, "a", TRUNDLE_IF_EXISTS_FAIL, &error));
  g_assert_cmpuint (test_count_files (fixture->target), ==, 0);
  /* Lazily: the thread of the move may be about to let go of the directory. */
  g_assert_cmpint (umount2 (fixture->target, MNT_DETACH), ==, 0);
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NO_SPACE);
  g_assert_true (trd_spool_stat_part (fixture->spool, place, &found, NULL));
  g_assert_cmpuint (found.size, ==, strlen (text));
}

static gboolean
is_seven (gint64 task_id, gpointer user_data)
{
  return task_id == 7;
}

static void
test_sweep (SpoolFixture *fixture, gconstpointer data)
{
  static const gint64 ids[] = { 6, 7, 77 };
  g_autofree char *spool = g_build_filename (fixture->state, "spool", NULL);
  g_autofree char *stray = g_build_filename (spool, "07", NULL);
  g_autofree char *kept = g_build_filename (spool, "7", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autoptr (TrdPlace) place = trd_place_new (ids[i]);

      spool_fixture_write_part (fixture, place, "abc");
    }
  g_assert_true (g_file_set_contents (stray, "", -1, NULL));
  trd_spool_sweep (fixture->spool, is_seven, NULL);
  g_assert_cmpuint (test_count_files (spool), ==, 1);
  g_assert_true (g_file_test (kept, G_FILE_TEST_EXISTS));
}

#define ADD(path, data, func)                                                            \
  g_test_add (                                                                           \
      path, SpoolFixture, data, spool_fixture_set_up, func, spool_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/spool/lock", NULL, test_lock);
  ADD ("/spool/resolve/names", NULL, test_resolve);
  ADD ("/spool/resolve/directory", NULL, test_resolve_directory);
  ADD ("/spool/resolve/permission", NULL, test_resolve_permission);
  ADD ("/spool/part/spool", NULL, test_part);
  ADD ("/spool/part/foreign", "foreign", test_part);
  ADD ("/spool/part/is-link", NULL, test_part_is_link);
  ADD ("/spool/directory/gone", "gone", test_directory_lost);
  ADD ("/spool/directory/replaced", "replaced", test_directory_lost);
  ADD ("/spool/seal/new", NULL, test_seal_new);
  ADD ("/spool/seal/fail", NULL, test_seal_fail);
  ADD ("/spool/seal/replace", NULL, test_seal_replace);
  ADD ("/spool/seal/rename", NULL, test_seal_rename);
  ADD ("/spool/seal/wrong-part", NULL, test_seal_wrong_part);
  ADD ("/spool/publish/rename", GINT_TO_POINTER (TRD_PUBLISH_RENAME), test_publish_ways);
  ADD ("/spool/publish/link", GINT_TO_POINTER (TRD_PUBLISH_LINK), test_publish_ways);
  ADD ("/spool/publish/look", GINT_TO_POINTER (TRD_PUBLISH_LOOK), test_publish_ways);
  ADD ("/spool/crash-points", NULL, test_crash_points);
  ADD ("/spool/open-result", NULL, test_open_result);
  ADD ("/spool/move/same", NULL, test_move);
  ADD ("/spool/move/across", NULL, test_move_across);
  ADD ("/spool/move/no-space", NULL, test_no_space);
  ADD ("/spool/sweep", NULL, test_sweep);
  return g_test_run ();
}
