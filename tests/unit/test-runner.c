/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <glib/gstdio.h>

#include "await.h"
#include "core-fixture.h"
#include "core/runner.h"
#include "files.h"

#define URL "http://example.org/a"

typedef struct
{
  CoreFixture core;
  char *directory; /* (owned): destinations */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  core_fixture_set_up (&f->core, data);
  f->directory = g_build_filename (f->core.directory, "downloads", NULL);
  g_mkdir (f->directory, 0700);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  core_fixture_tear_down (&f->core, data);
  g_free (f->directory);
}

static TrdTask *
start (Fixture *f, const char *name, const char *if_exists)
{
  g_autofree char *path = g_build_filename (f->directory, name, NULL);
  g_autofree char *options = g_strdup_printf (
      "{'start': <true>, 'destination-path': <'%s'>, "
      "'if-exists': <'%s'>}",
      path,
      if_exists);

  return core_fixture_create (&f->core, core_fixture_open (&f->core, "{}"), URL, options);
}

static void
assert_file (Fixture *f, const char *name, const char *expected)
{
  g_autofree char *path = g_build_filename (f->directory, name, NULL);
  g_autofree char *contents = NULL;

  g_file_get_contents (path, &contents, NULL, NULL);
  g_assert_cmpstr (contents, ==, expected);
}

static void
put_file (Fixture *f, const char *name, const char *contents)
{
  g_autofree char *path = g_build_filename (f->directory, name, NULL);

  g_assert_true (g_file_set_contents (path, contents, -1, NULL));
}

static TrdTaskRow *
load (Fixture *f, TrdTask *task)
{
  return trd_registry_load_task (f->core.registry, task, NULL);
}

/* Law 6: nothing under the final name before it is whole. */
static void
appears_whole (Fixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "a", "fail");
  g_autoptr (TrdTaskRow) row = NULL;

  test_await (task->state == TRUNDLE_TASK_RUNNING);
  fake_transport_write (f->core.transport, task->id, "hal", 3);
  assert_file (f, "a", NULL);
  fake_transport_write (f->core.transport, task->id, "f", 1);
  fake_transport_take_done (
      f->core.transport, task->id, trd_outcome_new_complete (4, "content-length"));
  test_await (task->state == TRUNDLE_TASK_FINISHED);

  assert_file (f, "a", "half");
  g_assert_cmpuint (test_count_files (f->directory), ==, 1);
  row = load (f, task);
  g_assert_null (row->error_name);
  g_assert_cmpstr (row->proof, ==, "content-length");
  g_assert_true (g_str_has_suffix (row->final_path, "/downloads/a"));
}

/* Law 10: the file is asked, not the worker. */
static void
believes_the_file (Fixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "a", "fail");
  g_autoptr (TrdTaskRow) row = NULL;

  test_await (task->state == TRUNDLE_TASK_RUNNING);
  fake_transport_write (f->core.transport, task->id, "hal", 3);
  fake_transport_take_done (
      f->core.transport, task->id, trd_outcome_new_complete (4, "content-length"));
  test_await (task->state == TRUNDLE_TASK_QUEUED);

  assert_file (f, "a", NULL);
  row = load (f, task);
  g_assert_cmpstr (row->transient_name, ==, "ConnectionLost");
}

static void
renames_around_others (Fixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "a.txt", "rename");

  put_file (f, "a.txt", "other");
  core_fixture_complete (&f->core, task, "ours");
  test_await (task->state == TRUNDLE_TASK_FINISHED);

  assert_file (f, "a.txt", "other");
  assert_file (f, "a (1).txt", "ours");
}

static void
replaces_when_told (Fixture *f, gconstpointer data)
{
  TrdTask *task;

  put_file (f, "a", "other");
  task = start (f, "a", "replace");
  core_fixture_complete (&f->core, task, "ours");
  test_await (task->state == TRUNDLE_TASK_FINISHED);

  assert_file (f, "a", "ours");
}

/* A name that is taken meanwhile costs nobody the download. */
static void
keeps_bytes_of_a_taken_name (Fixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "a", "fail");
  g_autoptr (TrdTaskRow) row = NULL;
  char bytes[5] = "";
  int fd;

  put_file (f, "a", "other");
  core_fixture_complete (&f->core, task, "ours");
  test_await (task->state == TRUNDLE_TASK_FINISHED);

  assert_file (f, "a", "other");
  row = load (f, task);
  g_assert_cmpstr (row->error_name, ==, "FileExists");
  fd = trd_spool_open_result (f->core.env.spool, row->place, NULL, NULL);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (read (fd, bytes, 4), ==, 4);
  g_assert_cmpstr (bytes, ==, "ours");
  close (fd);
}

static void
leaves_no_part_of_a_cancelled_one (Fixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "a", "fail");

  test_await (task->state == TRUNDLE_TASK_RUNNING);
  g_assert_cmpuint (test_count_files (f->directory), ==, 1);
  g_assert_true (trd_registry_cancel (f->core.registry, task, "client", NULL));
  g_assert_cmpuint (test_count_files (f->directory), ==, 0);
}

/* A file that is about to get its name gets it, and is told as what it is. */
static void
invalidating_lets_a_file_land (Fixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "a", "fail");
  TrdSession *session = task->session;
  TrdAttachment attachment;

  g_assert_true (
      trd_courier_attach (f->core.courier, session, ":1.2", FALSE, &attachment, NULL));
  trd_courier_begin_replay (f->core.courier, session);
  test_await (core_fixture_count (&f->core, "FINISH") == 1);
  core_fixture_complete (&f->core, task, "whole");
  g_assert_true (trd_task_is_sealing (task));
  g_assert_true (trd_courier_invalidate (f->core.courier, session, NULL));
  test_await (core_fixture_count (&f->core, "EVENT :1.2 DidBecomeInvalid 2") == 1);

  g_assert_cmpuint (core_fixture_count (&f->core, "EVENT"), ==, 2);
  g_assert_cmpstr (g_ptr_array_index (f->core.said, 1), ==, "EVENT :1.2 TaskFinished 1");
  assert_file (f, "a", "whole");
}

/* The daemon died after the intent: @data says what it had done by then. */
static void
understands_a_crash (Fixture *f, gconstpointer data)
{
  const char *step = data;
  TrdTask *task = start (f, "a", "fail");
  gint64 id = task->id;
  g_autoptr (TrdTaskRow) row = NULL;
  g_autofree char *part = NULL;
  g_autofree char *final = g_build_filename (f->directory, "a", NULL);

  test_await (task->state == TRUNDLE_TASK_RUNNING);
  fake_transport_write (f->core.transport, id, "whole", 5);
  row = trd_store_load_task (f->core.env.store, id, NULL);
  part = g_build_filename (f->directory, row->place->part_name, NULL);
  g_assert_true (trd_spool_stat_part (f->core.env.spool, row->place, &row->intent, NULL));
  row->intent.final_name = g_strdup ("a");
  g_assert_true (trd_store_update_task (f->core.env.store, row, NULL));
  if (g_str_equal (step, "renamed"))
    g_assert_cmpint (g_rename (part, final), ==, 0);
  else if (g_str_equal (step, "moved-away"))
    g_assert_cmpint (g_remove (part), ==, 0);

  core_fixture_restart (&f->core);
  task = trd_registry_find_task (f->core.registry, id);
  test_await (task->state == TRUNDLE_TASK_FINISHED);

  g_clear_pointer (&row, trd_task_row_free);
  row = load (f, task);
  g_assert_null (row->error_name);
  g_assert_cmpint (row->file_moved, ==, g_str_equal (step, "moved-away"));
  assert_file (f, "a", row->file_moved ? NULL : "whole");
  g_assert_cmpuint (fake_transport_get_attempts (f->core.transport)->len, ==, 0);
}

/* The daemon died after the intent, and the folder is away for a while.
 *
 * Fault (disk): the folder of a whole file is away when it is to get its name | Proves:
 * it is told of with all its bytes */
static void
knows_its_size_after_a_wait (Fixture *f, gconstpointer data)
{
  g_autofree char *away = g_strconcat (f->directory, "-away", NULL);
  TrdTask *task = start (f, "a", "fail");
  gint64 id = task->id;
  g_autoptr (TrdTaskRow) row = NULL;

  test_await (task->state == TRUNDLE_TASK_RUNNING);
  fake_transport_write (f->core.transport, id, "whole", 5);
  row = trd_store_load_task (f->core.env.store, id, NULL);
  g_assert_true (trd_spool_stat_part (f->core.env.spool, row->place, &row->intent, NULL));
  row->intent.final_name = g_strdup ("a");
  row->received = 5;
  g_assert_true (trd_store_update_task (f->core.env.store, row, NULL));
  g_assert_cmpint (g_rename (f->directory, away), ==, 0);

  core_fixture_restart (&f->core);
  task = trd_registry_find_task (f->core.registry, id);
  test_await (trd_task_wait_reasons (task) == TRUNDLE_WAIT_DESTINATION_GONE);
  g_assert_cmpint (g_rename (away, f->directory), ==, 0);
  fake_clock_advance (f->core.clock, 6 * G_USEC_PER_SEC);
  test_await (task->state == TRUNDLE_TASK_FINISHED);

  g_clear_pointer (&row, trd_task_row_free);
  row = load (f, task);
  g_assert_null (row->error_name);
  g_assert_cmpuint (row->received, ==, 5);
  assert_file (f, "a", "whole");
}

/* The daemon died between link and unlink, where there is no other way to a free name. */
static void
keeps_the_name_it_has (Fixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "a", "rename");
  gint64 id = task->id;
  g_autoptr (TrdTaskRow) row = NULL;
  g_autofree char *part = NULL;
  g_autofree char *final = g_build_filename (f->directory, "a (1)", NULL);

  test_await (task->state == TRUNDLE_TASK_RUNNING);
  put_file (f, "a", "other");
  fake_transport_write (f->core.transport, id, "whole", 5);
  row = trd_store_load_task (f->core.env.store, id, NULL);
  part = g_build_filename (f->directory, row->place->part_name, NULL);
  g_assert_true (trd_spool_stat_part (f->core.env.spool, row->place, &row->intent, NULL));
  row->intent.final_name = g_strdup ("a (1)");
  g_assert_true (trd_store_update_task (f->core.env.store, row, NULL));
  g_assert_cmpint (link (part, final), ==, 0);

  core_fixture_restart (&f->core);
  task = trd_registry_find_task (f->core.registry, id);
  test_await (task->state == TRUNDLE_TASK_FINISHED);

  assert_file (f, "a (1)", "whole");
  g_assert_cmpuint (test_count_files (f->directory), ==, 2);
}

/* The file has its name, and only the telling came too late for the deadline. */
static void
beats_the_deadline (Fixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "a", "fail");
  gint64 id = task->id;
  g_autoptr (TrdTaskRow) row = NULL;
  g_autofree char *part = NULL;
  g_autofree char *final = g_build_filename (f->directory, "a", NULL);

  test_await (task->state == TRUNDLE_TASK_RUNNING);
  fake_transport_write (f->core.transport, id, "whole", 5);
  row = trd_store_load_task (f->core.env.store, id, NULL);
  part = g_build_filename (f->directory, row->place->part_name, NULL);
  g_assert_true (trd_spool_stat_part (f->core.env.spool, row->place, &row->intent, NULL));
  row->intent.final_name = g_strdup ("a");
  row->deadline = trd_clock_now (f->core.env.clock);
  g_assert_true (trd_store_update_task (f->core.env.store, row, NULL));
  g_assert_cmpint (g_rename (part, final), ==, 0);

  core_fixture_restart (&f->core);
  task = trd_registry_find_task (f->core.registry, id);
  test_await (task->state == TRUNDLE_TASK_FINISHED);

  g_clear_pointer (&row, trd_task_row_free);
  row = load (f, task);
  g_assert_null (row->error_name);
}

/* All the names it may try are taken. */
static void
gives_up_on_names (Fixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "a", "rename");
  g_autoptr (TrdTaskRow) row = NULL;

  put_file (f, "a", "other");
  for (guint i = 1; i < 10000; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/a (%u)", f->directory, i);

      g_assert_cmpint (symlink ("a", path), ==, 0);
    }
  core_fixture_complete (&f->core, task, "ours");
  test_await (task->state == TRUNDLE_TASK_FINISHED);

  row = load (f, task);
  g_assert_cmpstr (row->error_name, ==, "FileExists");
}

/* Blame: a suspect is tried alone, and the second death alone ends it. */
static void
blames_who_crashes_alone (Fixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "a", "fail");
  gint64 id = task->id;
  g_autoptr (TrdTaskRow) row = NULL;

  test_await (fake_transport_is_running (f->core.transport, id));
  g_assert_false (fake_transport_find (f->core.transport, id)->alone);
  fake_transport_crash (f->core.transport, id, FALSE);
  for (guint i = 0; i < 2; i++)
    {
      test_await (fake_transport_is_running (f->core.transport, id));
      g_assert_true (fake_transport_find (f->core.transport, id)->alone);
      fake_transport_crash (f->core.transport, id, TRUE);
    }

  test_await (task->state == TRUNDLE_TASK_FINISHED);
  row = load (f, task);
  g_assert_cmpstr (row->error_name, ==, "EngineCrash");
}

static void
clears_who_survives_alone (Fixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "a", "fail");

  test_await (fake_transport_is_running (f->core.transport, task->id));
  fake_transport_crash (f->core.transport, task->id, FALSE);
  core_fixture_fail (&f->core, task, TRUNDLE_ERROR_CONNECTION_LOST);
  test_await (task->state == TRUNDLE_TASK_QUEUED);

  g_assert_cmpuint (task->suspicion, ==, 0);
}

/* A worker that was killed from outside speaks neither for nor against anybody. */
static void
suspects_who_was_killed (Fixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "a", "fail");
  g_autoptr (GError) busy = g_error_new (G_IO_ERROR, G_IO_ERROR_BUSY, "Lost");

  test_await (fake_transport_is_running (f->core.transport, task->id));
  fake_transport_crash (f->core.transport, task->id, FALSE);
  test_await (fake_transport_is_running (f->core.transport, task->id));
  fake_transport_take_done (
      f->core.transport, task->id, trd_outcome_new_from_error (busy));
  test_await (fake_transport_is_running (f->core.transport, task->id));

  g_assert_true (fake_transport_find (f->core.transport, task->id)->alone);
}

/* G-20: a full disk is waited out. */
static void
waits_for_disk_space (Fixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "a", "fail");

  core_fixture_fail (&f->core, task, TRUNDLE_ERROR_NO_SPACE);
  test_await (task->state == TRUNDLE_TASK_QUEUED);
  test_settle ();
  g_assert_cmphex (trd_task_wait_reasons (task), ==, TRUNDLE_WAIT_DISK_SPACE);

  fake_clock_advance (f->core.clock, 6 * G_USEC_PER_SEC);
  core_fixture_complete (&f->core, task, "x");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
}

static void
waits_for_the_destination (Fixture *f, gconstpointer data)
{
  g_autofree char *away = g_strconcat (f->directory, "-away", NULL);
  TrdTask *task;

  g_object_set (f->core.env.conditions, "network", FALSE, NULL);
  task = start (f, "a", "fail");
  g_assert_cmpint (g_rename (f->directory, away), ==, 0);
  g_object_set (f->core.env.conditions, "network", TRUE, NULL);
  test_await (trd_task_wait_reasons (task) == TRUNDLE_WAIT_DESTINATION_GONE);

  g_assert_cmpint (g_rename (away, f->directory), ==, 0);
  fake_clock_advance (f->core.clock, 6 * G_USEC_PER_SEC);
  core_fixture_complete (&f->core, task, "x");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
}

/* A store that cannot write loses nothing: the attempt is made again. */
static void
survives_a_failed_commit (Fixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "a", "fail");

  test_await (fake_transport_is_running (f->core.transport, task->id));
  g_test_expect_message ("trundle", G_LOG_LEVEL_WARNING, "Cannot store*");
  trd_store_fail_next_commit (f->core.env.store);
  core_fixture_fail (&f->core, task, TRUNDLE_ERROR_HTTP_STATUS);
  test_await (task->state == TRUNDLE_TASK_QUEUED);
  g_test_assert_expected_messages ();

  fake_clock_advance (f->core.clock, 6 * G_USEC_PER_SEC);
  core_fixture_complete (&f->core, task, "x");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
}

/* What is whole is not fetched, and what was sent not sent, a second time.
 *
 * Fault (store): the COMMIT of a success fails | Proves: it is told of again until it is
 * stored, and the request is made once (law 12) */
static void
tells_again_what_is_whole (Fixture *f, gconstpointer data)
{
  TrdTask *task = core_fixture_create (&f->core,
                                       core_fixture_open (&f->core, "{}"),
                                       "http://example.org/a",
                                       "{'start': <true>, 'method': <'POST'>}");
  g_autoptr (TrdTaskRow) row = NULL;

  test_await (fake_transport_is_running (f->core.transport, task->id));
  g_test_expect_message ("trundle", G_LOG_LEVEL_WARNING, "Cannot store that task*");
  trd_store_fail_next_commit (f->core.env.store);
  core_fixture_complete (&f->core, task, "x");
  test_settle ();
  g_test_assert_expected_messages ();
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
  g_assert_true (trd_registry_suspend (f->core.registry, task, NULL));
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);

  fake_clock_advance (f->core.clock, 6 * G_USEC_PER_SEC);
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  row = trd_store_load_task (f->core.env.store, task->id, NULL);
  g_assert_null (row->error_name);
  g_assert_cmpuint (row->attempts, ==, 1);
}

#define add(name, data, func)                                                            \
  g_test_add ("/runner/" name, Fixture, data, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("law-6/appears-whole", NULL, appears_whole);
  add ("law-6/renames-around-others", NULL, renames_around_others);
  add ("law-6/replaces-when-told", NULL, replaces_when_told);
  add ("law-6/keeps-bytes-of-a-taken-name", NULL, keeps_bytes_of_a_taken_name);
  add ("law-6/invalidating-lets-a-file-land", NULL, invalidating_lets_a_file_land);
  add ("law-6/crash/intent", "intent", understands_a_crash);
  add ("law-6/crash/renamed", "renamed", understands_a_crash);
  add ("law-6/crash/moved-away", "moved-away", understands_a_crash);
  add ("law-6/crash/folder-away", NULL, knows_its_size_after_a_wait);
  add ("law-6/crash/both-names", NULL, keeps_the_name_it_has);
  add ("law-6/crash/deadline", NULL, beats_the_deadline);
  add ("law-6/gives-up-on-names", NULL, gives_up_on_names);
  add ("law-10/believes-the-file", NULL, believes_the_file);
  add ("leaves-no-part-of-a-cancelled-one", NULL, leaves_no_part_of_a_cancelled_one);
  add ("blame/crashes-alone", NULL, blames_who_crashes_alone);
  add ("blame/survives-alone", NULL, clears_who_survives_alone);
  add ("blame/killed-from-outside", NULL, suspects_who_was_killed);
  add ("waits/disk-space", NULL, waits_for_disk_space);
  add ("waits/destination-gone", NULL, waits_for_the_destination);
  add ("survives-a-failed-commit", NULL, survives_a_failed_commit);
  add ("law-12/tells-again-what-is-whole", NULL, tells_again_what_is_whole);

  return g_test_run ();
}
