/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The spool: what a part decodes to, beside it, and in its place at the end. */

#include "config.h"

#include "spool-fixture.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"

static gboolean
is_seven (gint64 task_id, gpointer user_data)
{
  return task_id == 7;
}

static void
adopt (SpoolFixture *fixture, TrdPlace *place, guint64 size, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  trd_spool_adopt_decoded_async (fixture->spool, place, size, test_take_result, &result);
  test_await (result != NULL);
  trd_spool_adopt_decoded_finish (fixture->spool, result, error);
}

static void
write_decoded (SpoolFixture *fixture, TrdPlace *place, const char *text)
{
  g_autoptr (GError) error = NULL;
  int fd = trd_spool_open_decoded (fixture->spool, place, &error);

  g_assert_no_error (error);
  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
  close (fd);
}

static TrdPlace *
decoding_place (SpoolFixture *fixture, gconstpointer is_foreign)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  TrdPlace *place;

  if (is_foreign == NULL)
    return trd_place_new (7);
  path = g_build_filename (fixture->target, "a", NULL);
  place = trd_spool_resolve (
      fixture->spool, -1, path, NULL, TRUNDLE_IF_EXISTS_FAIL, &error);
  g_assert_no_error (error);
  place->task_id = 7;
  trd_spool_name_part (fixture->spool, place);
  return place;
}

static void
test_adopt (SpoolFixture *fixture, gconstpointer is_foreign)
{
  g_autoptr (TrdPlace) place = decoding_place (fixture, is_foreign);
  g_autofree char *spool = g_build_filename (fixture->state, "spool", NULL);
  const char *directory = is_foreign != NULL ? fixture->target : spool;
  g_auto (TrdIntent) found = { 0 };
  g_autoptr (GError) error = NULL;

  spool_fixture_write_part (fixture, place, "encoded");
  write_decoded (fixture, place, "garbage of an earlier attempt");
  write_decoded (fixture, place, "plain");
  g_assert_cmpuint (test_count_files (directory), ==, 2);
  adopt (fixture, place, 5, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (test_count_files (directory), ==, 1);
  g_assert_true (trd_spool_stat_part (fixture->spool, place, &found, NULL));
  g_assert_cmpuint (found.size, ==, 5);
}

/* The worker says one thing, the file another: the part stays what it is. */
static void
test_adopt_other_size (SpoolFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdPlace) place = trd_place_new (7);
  g_auto (TrdIntent) found = { 0 };
  g_autoptr (GError) error = NULL;

  spool_fixture_write_part (fixture, place, "encoded");
  write_decoded (fixture, place, "plain");
  adopt (fixture, place, 6, &error);
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_WRITE_FAILED);
  g_assert_true (trd_spool_stat_part (fixture->spool, place, &found, NULL));
  g_assert_cmpuint (found.size, ==, 7);
}

static void
test_decoded_held (SpoolFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdPlace) place = trd_place_new (7);
  g_autoptr (GError) error = NULL;
  int first = trd_spool_open_decoded (fixture->spool, place, NULL);
  int second = trd_spool_open_decoded (fixture->spool, place, &error);

  g_assert_cmpint (second, ==, -1);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  close (first);
}

static void
test_discard_decoded (SpoolFixture *fixture, gconstpointer is_foreign)
{
  g_autoptr (TrdPlace) place = decoding_place (fixture, is_foreign);
  g_autofree char *spool = g_build_filename (fixture->state, "spool", NULL);
  const char *directory = is_foreign != NULL ? fixture->target : spool;
  g_auto (TrdIntent) found = { 0 };

  spool_fixture_write_part (fixture, place, "encoded");
  write_decoded (fixture, place, "plain");
  trd_spool_discard_decoded (fixture->spool, place);
  g_assert_true (trd_spool_stat_part (fixture->spool, place, &found, NULL));
  g_assert_cmpuint (test_count_files (directory), ==, 1);
  write_decoded (fixture, place, "plain");
  trd_spool_discard (fixture->spool, place);
  g_assert_cmpuint (test_count_files (directory), ==, 0);
}

/* It belongs to the task of its number, like the part. */
static void
test_sweep_decoded (SpoolFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdPlace) known = trd_place_new (7);
  g_autoptr (TrdPlace) unknown = trd_place_new (8);
  g_autofree char *spool = g_build_filename (fixture->state, "spool", NULL);
  g_autofree char *kept = g_build_filename (spool, "7.decoded", NULL);

  write_decoded (fixture, known, "plain");
  write_decoded (fixture, unknown, "plain");
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

  ADD ("/spool-decoded/adopt-in-spool", NULL, test_adopt);
  ADD ("/spool-decoded/adopt-foreign", "foreign", test_adopt);
  ADD ("/spool-decoded/adopt-other-size", NULL, test_adopt_other_size);
  ADD ("/spool-decoded/held", NULL, test_decoded_held);
  ADD ("/spool-decoded/discard-in-spool", NULL, test_discard_decoded);
  ADD ("/spool-decoded/discard-foreign", "foreign", test_discard_decoded);
  ADD ("/spool-decoded/sweep", NULL, test_sweep_decoded);
  return g_test_run ();
}
