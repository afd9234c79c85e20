/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The store's transactions hold or vanish as a whole, and what was committed is there
 * after a crash and on a full disk (laws 1, 3, 5). */

#include "config.h"

#include "store-fixture.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* Transactions */

/* Fault (store): a transaction is abandoned | Proves: no trace of it, numbers included */
static void
test_rollback (StoreFixture *fixture, gconstpointer data)
{
  TrdStore *store = fixture->store;
  gint64 task = store_fixture_add_task (
      store, fixture->session_id, TRUNDLE_TASK_FINISHED);
  g_autoptr (TrdTaskRow) row = NULL;
  g_autoptr (GPtrArray) gone = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (trd_store_begin (store, &error));
  store_fixture_add_task (store, fixture->session_id, TRUNDLE_TASK_QUEUED);
  store_fixture_add_event (store, fixture->session_id, task, TRUNDLE_EVENT_TASK_FINISHED);
  gone = trd_store_complete_events (store, fixture->session_id, 1, &error);
  g_assert_cmpuint (gone->len, ==, 1);
  trd_store_rollback (store);
  trd_store_rollback (store);

  row = trd_store_load_task (store, task, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (trd_store_count_events (store, fixture->session_id), ==, 0);
  g_assert_cmpuint (store_fixture_add_event (
                        store, fixture->session_id, 0, TRUNDLE_EVENT_DID_BECOME_INVALID),
                    ==,
                    1);
}

/* Fault (store): the COMMIT fails | Proves: no row, no number; the next one succeeds
 * (law 2) */
static void
test_fail_next_commit (StoreFixture *fixture, gconstpointer data)
{
  TrdStore *store = fixture->store;
  g_autoptr (TrdTaskRow) row = store_fixture_make_task (fixture->session_id,
                                                        TRUNDLE_TASK_QUEUED);
  g_autoptr (GError) error = NULL;
  TrdSessionCounts counts;

  trd_store_fail_next_commit (store);
  g_assert_true (trd_store_begin (store, &error));
  store_fixture_add_task (store, fixture->session_id, TRUNDLE_TASK_QUEUED);
  g_assert_false (trd_store_commit (store, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_clear_error (&error);
  trd_store_rollback (store);

  trd_store_fail_next_commit (store);
  g_assert_false (trd_store_insert_task (store, row, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_clear_error (&error);
  g_assert_cmpint (row->id, ==, 0);
  g_assert_cmpuint (row->number, ==, 0);

  g_assert_true (trd_store_count_session (store, fixture->session_id, &counts, &error));
  g_assert_cmpuint (counts.queued, ==, 0);
  g_assert_true (trd_store_insert_task (store, row, &error));
  g_assert_cmpuint (row->number, ==, 1);
}

static void
test_closed (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (trd_store_flush (fixture->store, &error));
  trd_store_close (fixture->store);
  trd_store_close (fixture->store);
  g_assert_false (trd_store_begin (fixture->store, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_null (trd_store_load_sessions (fixture->store, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

/* Crashes */

static void
copy_file (const char *from, const char *to)
{
  g_autofree char *contents = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (from, &contents, &length, NULL));
  g_assert_true (g_file_set_contents (to, contents, length, NULL));
}

/* The files as a kill leaves them.  (transfer full) */
static char *
copy_as_crashed (StoreFixture *fixture)
{
  g_autofree char *log = g_strconcat (fixture->path, "-wal", NULL);
  char *image = g_build_filename (fixture->directory, "crashed.db", NULL);
  g_autofree char *image_log = g_strconcat (image, "-wal", NULL);

  copy_file (fixture->path, image);
  copy_file (log, image_log);
  return image;
}

/* Fault (store): the process dies inside a transaction | Proves: what was committed is
 * there, the rest is not (law 1) */
static void
test_crash (StoreFixture *fixture, gconstpointer data)
{
  gint64 task = store_fixture_add_task (
      fixture->store, fixture->session_id, TRUNDLE_TASK_SUSPENDED);
  g_autofree char *image = NULL;
  g_autoptr (TrdStore) store = NULL;
  g_autoptr (TrdTaskRow) row = NULL;
  g_autoptr (GError) error = NULL;
  TrdSessionCounts counts;

  g_assert_true (trd_store_begin (fixture->store, &error));
  store_fixture_add_task (fixture->store, fixture->session_id, TRUNDLE_TASK_QUEUED);
  image = copy_as_crashed (fixture);
  g_assert_false (trd_store_peek_has_work (image));

  store = trd_store_new (image, &error);
  g_assert_no_error (error);
  row = trd_store_load_task (store, task, &error);
  g_assert_no_error (error);
  g_assert_true (trd_store_count_session (store, fixture->session_id, &counts, &error));
  g_assert_cmpuint (counts.suspended, ==, 1);
  g_assert_cmpuint (counts.queued, ==, 0);
}

static void
test_has_work (StoreFixture *fixture, gconstpointer data)
{
  gint64 silent = store_fixture_add_session (
      fixture->store, "silent", "{'sends-launch-events': <false>}");
  g_autofree char *image = NULL;
  g_autoptr (GError) error = NULL;
  gint64 task;

  g_assert_false (trd_store_peek_has_work ("/nonexistent/trundle.db"));
  store_fixture_add_event (fixture->store, silent, 0, TRUNDLE_EVENT_TASK_FINISHED);
  g_assert_false (trd_store_peek_has_work (fixture->path));

  task = store_fixture_add_task (fixture->store, silent, TRUNDLE_TASK_QUEUED);
  g_assert_true (trd_store_peek_has_work (fixture->path));
  image = copy_as_crashed (fixture);
  g_assert_true (trd_store_peek_has_work (image));

  g_assert_true (trd_store_delete_task (fixture->store, task, &error));
  g_assert_false (trd_store_peek_has_work (fixture->path));
  store_fixture_add_event (
      fixture->store, fixture->session_id, 0, TRUNDLE_EVENT_CHALLENGE_RECEIVED);
  trd_store_close (fixture->store);
  g_assert_true (trd_store_peek_has_work (fixture->path));
}

static void
test_private_mode (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *log = g_strconcat (fixture->path, "-wal", NULL);
  GStatBuf facts;

  g_assert_cmpint (g_stat (fixture->path, &facts), ==, 0);
  g_assert_cmpint (facts.st_mode & 0777, ==, 0600);
  g_assert_cmpint (g_stat (log, &facts), ==, 0);
  g_assert_cmpint (facts.st_mode & 0777, ==, 0600);
}

/* A real full disk: the transaction fails as a whole, and what was there can be read.
 *
 * Fault (store): a full disk under the database | Proves: an error that says so; what was
 * committed stays */
static void
test_full_disk (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *small = g_build_filename (fixture->directory, "small", NULL);
  g_autofree char *path = g_build_filename (small, "trundle.db", NULL);
  g_autofree char *reason = NULL;
  g_autoptr (TrdStore) store = NULL;
  g_autoptr (GError) error = NULL;
  TrdSessionCounts counts;
  gint64 session;

  g_assert_cmpint (g_mkdir (small, 0700), ==, 0);
  if (mount ("none", small, "tmpfs", 0, "size=512k") != 0)
    {
      reason = g_strdup_printf ("Cannot mount: %s", g_strerror (errno));
      g_test_skip (reason);
      g_rmdir (small);
      return;
    }
  store = trd_store_new (path, &error);
  g_assert_no_error (error);
  session = store_fixture_add_session (store, "small", "@a{sv} {}");
  store_fixture_add_task (store, session, TRUNDLE_TASK_SUSPENDED);

  g_assert_true (trd_store_begin (store, &error));
  for (guint i = 0; i < 100 && error == NULL; i++)
    {
      g_autoptr (TrdTaskRow) row = store_fixture_make_task (session, TRUNDLE_TASK_QUEUED);

      row->user_data = g_bytes_new_take (g_strnfill (65536, 'x'), 65536);
      trd_store_insert_task (store, row, &error);
    }
  if (error == NULL)
    trd_store_commit (store, &error);
  trd_store_rollback (store);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_clear_error (&error);

  g_assert_true (trd_store_count_session (store, session, &counts, &error));
  g_assert_cmpuint (counts.queued, ==, 0);
  g_assert_cmpuint (counts.suspended, ==, 1);
  g_clear_object (&store);
  g_assert_cmpint (umount (small), ==, 0);
  g_assert_cmpint (g_rmdir (small), ==, 0);
}

#define ADD(path, data, func)                                                            \
  g_test_add (                                                                           \
      path, StoreFixture, data, store_fixture_set_up, func, store_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/store/transaction/rollback", NULL, test_rollback);
  ADD ("/store/transaction/fail-next-commit", NULL, test_fail_next_commit);
  ADD ("/store/closed", NULL, test_closed);
  ADD ("/store/crash", NULL, test_crash);
  ADD ("/store/has-work", NULL, test_has_work);
  ADD ("/store/private-mode", NULL, test_private_mode);
  ADD ("/store/full-disk", NULL, test_full_disk);
  return g_test_run ();
}
