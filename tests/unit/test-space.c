/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Space is reserved beyond the end, which stays where it was (law 4), and given back; who
 * does not find enough waits without asking a server. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "await.h"
#include "common/defaults.h"
#include "core-fixture.h"
#include "port/space.h"

#define URL "http://example.org/a"
#define MIB (G_GINT64_CONSTANT (1024) * 1024)
#define SECOND G_USEC_PER_SEC

static char *
path_of (CoreFixture *f, TrdTask *task)
{
  g_autofree char *number = g_strdup_printf ("%" G_GINT64_FORMAT, task->id);

  return g_build_filename (f->directory, "spool", number, NULL);
}

static void
stat_part (CoreFixture *f, TrdTask *task, struct stat *out_facts)
{
  g_autofree char *path = path_of (f, task);

  g_assert_cmpint (stat (path, out_facts), ==, 0);
}

static gint64
reserved (CoreFixture *f, TrdTask *task)
{
  struct stat facts;

  stat_part (f, task, &facts);
  return (gint64)facts.st_blocks * 512;
}

static gboolean
can_reserve (CoreFixture *f)
{
  g_autofree char *path = g_build_filename (f->directory, "probe", NULL);
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  gboolean can = fallocate (fd, FALLOC_FL_KEEP_SIZE, 0, MIB) == 0;

  close (fd);
  g_unlink (path);
  if (!can)
    g_test_skip ("The file system of the temporary directory cannot reserve");
  return can;
}

static gint64
disk_size (CoreFixture *f)
{
  struct statvfs facts;

  g_assert_cmpint (statvfs (f->directory, &facts), ==, 0);
  return (gint64)facts.f_blocks * (gint64)facts.f_frsize;
}

static TrdTask *
start (CoreFixture *f)
{
  TrdTask *task = core_fixture_create (
      f, core_fixture_open (f, "{}"), URL, "{'start': <true>}");

  test_await (fake_transport_is_running (f->transport, task->id));
  return task;
}

static void
respond (CoreFixture *f, TrdTask *task, guint status, gint64 length)
{
  g_autofree char *text = g_strdup_printf (
      "{'status': <@u %u>, 'content-length': <@x %" G_GINT64_FORMAT
      ">, 'headers': <[('ETag', '\"v1\"')]>}",
      status,
      length);

  fake_transport_respond (f->transport, task->id, g_variant_new_parsed (text));
}

static void
lose_connection (CoreFixture *f, TrdTask *task, guint64 received)
{
  TrdOutcome *outcome = trd_outcome_new_failed (TRUNDLE_ERROR_CONNECTION_LOST, "Cut");

  outcome->received = received;
  fake_transport_take_done (f->transport, task->id, outcome);
  test_await (task->state == TRUNDLE_TASK_QUEUED);
}

static void
reserves_by_the_answer (CoreFixture *f, gconstpointer data)
{
  TrdTask *task;
  struct stat facts;

  if (!can_reserve (f))
    return;
  task = start (f);
  fake_transport_write (f->transport, task->id, "abc", 3);
  respond (f, task, 200, 8 * MIB);
  test_await (reserved (f, task) >= 8 * MIB);
  stat_part (f, task, &facts);
  g_assert_cmpint (facts.st_size, ==, 3);
}

/* What explains an error is no file. */
static void
reserves_nothing_for_errors (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f);

  respond (f, task, 404, 8 * MIB);
  respond (f, task, 404, disk_size (f) * 2);
  test_settle ();
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
  g_assert_cmpint (reserved (f, task), <, MIB);
}

/* Kept while it waits for the server, given back when it is suspended. */
static void
gives_back_when_suspended (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  TrdTask *task;

  if (!can_reserve (f))
    return;
  task = start (f);
  fake_transport_write (f->transport, task->id, "abc", 3);
  respond (f, task, 200, 8 * MIB);
  test_await (reserved (f, task) >= 8 * MIB);
  lose_connection (f, task, 3);
  test_settle ();
  g_assert_cmpint (reserved (f, task), >=, 8 * MIB);

  trd_registry_suspend (f->registry, task, &error);
  g_assert_no_error (error);
  test_await (reserved (f, task) < MIB);
}

static void
gives_back_a_running_one (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  struct stat facts;
  TrdTask *task;

  if (!can_reserve (f))
    return;
  task = start (f);
  fake_transport_write (f->transport, task->id, "abc", 3);
  respond (f, task, 200, 8 * MIB);
  test_await (reserved (f, task) >= 8 * MIB);
  trd_registry_suspend (f->registry, task, &error);
  g_assert_no_error (error);
  test_await (reserved (f, task) < MIB);
  stat_part (f, task, &facts);
  g_assert_cmpint (facts.st_size, ==, 3);
}

/* A file that turned out shorter than it was to be bears no hidden blocks. */
static void
gives_back_when_finished (CoreFixture *f, gconstpointer data)
{
  TrdTask *task;

  if (!can_reserve (f))
    return;
  task = start (f);
  respond (f, task, 200, 8 * MIB);
  test_await (reserved (f, task) >= 8 * MIB);
  core_fixture_complete (f, task, "short");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  g_assert_cmpint (reserved (f, task), <, MIB);
}

/* The file is complete before its reservation is. */
static void
finishes_while_it_reserves (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f);

  respond (f, task, 200, 8 * MIB);
  core_fixture_complete (f, task, "short");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  g_assert_cmpint (reserved (f, task), <, MIB);
}

/* The lock is the worker's: reserving does not take it, nor keep it. */
static void
leaves_the_lock_alone (CoreFixture *f, gconstpointer data)
{
  g_autofree char *path = NULL;
  TrdTask *task = start (f);
  int fd;

  respond (f, task, 200, 8 * MIB);
  test_settle ();
  path = path_of (f, task);
  fd = open (path, O_RDWR | O_CLOEXEC);
  g_assert_cmpint (flock (fd, LOCK_EX | LOCK_NB), !=, 0);
  lose_connection (f, task, 0);
  test_await (flock (fd, LOCK_EX | LOCK_NB) == 0);
  close (fd);
}

static guint
count_attempts (CoreFixture *f)
{
  return fake_transport_get_attempts (f->transport)->len;
}

/* T-78: what cannot fit is stopped before it fills the disk, and waits; looking again
 * asks nobody; with the row corrected it goes on. */
static void
waits_for_space (CoreFixture *f, gconstpointer data)
{
  g_autoptr (TrdTaskRow) row = NULL;
  g_autoptr (GError) error = NULL;
  TrdTask *task = start (f);

  respond (f, task, 200, disk_size (f) * 2);
  test_await (task->state == TRUNDLE_TASK_QUEUED);
  g_assert_cmphex (trd_task_wait_reasons (task), ==, TRUNDLE_WAIT_DISK_SPACE);
  g_assert_cmpint (reserved (f, task), <, MIB);
  row = trd_store_load_task (f->env.store, task->id, &error);
  g_assert_cmpuint (row->space_needed, >=, disk_size (f) * 2);
  g_assert_cmpstr (row->transient_name, ==, "NoSpace");

  for (guint i = 0; i < 5; i++)
    {
      gint64 left_us = task->not_before_us - trd_clock_boottime_us (f->env.clock);

      g_assert_cmpint (left_us, <=, TRD_RECHECK_MAX_US);
      fake_clock_advance (f->clock, left_us);
      test_await (task->not_before_us > trd_clock_boottime_us (f->env.clock));
      g_assert_cmphex (trd_task_wait_reasons (task), ==, TRUNDLE_WAIT_DISK_SPACE);
    }
  g_assert_cmpuint (count_attempts (f), ==, 1);

  row->space_needed = 1;
  trd_store_update_task (f->env.store, row, &error);
  g_assert_no_error (error);
  fake_clock_advance (f->clock, TRD_RECHECK_MAX_US);
  core_fixture_complete (f, task, "x");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
}

/* Another task's end is a reason to look at once. */
static void
looks_when_another_ends (CoreFixture *f, gconstpointer data)
{
  g_autoptr (TrdTaskRow) row = NULL;
  g_autoptr (GError) error = NULL;
  TrdTask *other = start (f);
  TrdTask *task = start (f);

  respond (f, task, 200, disk_size (f) * 2);
  test_await (task->state == TRUNDLE_TASK_QUEUED);
  row = trd_store_load_task (f->env.store, task->id, &error);
  row->space_needed = 1;
  trd_store_update_task (f->env.store, row, &error);
  g_assert_no_error (error);
  test_settle ();
  g_assert_cmpuint (count_attempts (f), ==, 2);

  core_fixture_complete (f, other, "x");
  test_await (fake_transport_is_running (f->transport, task->id));
  g_assert_cmpuint (count_attempts (f), ==, 3);
}

/* What is known beforehand is looked at before a server is asked. */
static void
asks_no_server_in_vain (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  TrdTask *task = start (f);

  respond (f, task, 200, disk_size (f) * 2);
  test_await (task->state == TRUNDLE_TASK_QUEUED);
  trd_registry_suspend (f->registry, task, &error);
  g_assert_no_error (error);
  trd_registry_resume (f->registry, task, &error);
  g_assert_no_error (error);
  test_await (trd_task_wait_reasons (task) == TRUNDLE_WAIT_DISK_SPACE);
  g_assert_cmpuint (count_attempts (f), ==, 1);
}

/* Of a size that is known from before, all is reserved before the request. */
static void
reserves_before_it_asks (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  TrdTask *task;

  if (!can_reserve (f))
    return;
  task = start (f);
  respond (f, task, 200, 8 * MIB);
  fake_transport_write (f->transport, task->id, "abc", 3);
  fake_transport_progress (f->transport, task->id, 3, 0, 8 * MIB);
  trd_registry_suspend (f->registry, task, &error);
  g_assert_no_error (error);
  test_await (reserved (f, task) < MIB);
  test_await (!task->releasing);
  test_settle ();
  trd_registry_resume (f->registry, task, &error);
  g_assert_no_error (error);
  test_await (fake_transport_is_running (f->transport, task->id));
  g_assert_cmpint (reserved (f, task), >=, 8 * MIB);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*test) (CoreFixture *f, gconstpointer data);
  } tests[] = {
    { "/space/reserves-by-the-answer", reserves_by_the_answer },
    { "/space/reserves-nothing-for-errors", reserves_nothing_for_errors },
    { "/space/gives-back/suspended", gives_back_when_suspended },
    { "/space/gives-back/running", gives_back_a_running_one },
    { "/space/gives-back/finished", gives_back_when_finished },
    { "/space/finishes-while-it-reserves", finishes_while_it_reserves },
    { "/space/leaves-the-lock-alone", leaves_the_lock_alone },
    { "/space/waits", waits_for_space },
    { "/space/looks-when-another-ends", looks_when_another_ends },
    { "/space/asks-no-server-in-vain", asks_no_server_in_vain },
    { "/space/reserves-before-it-asks", reserves_before_it_asks },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path,
                CoreFixture,
                NULL,
                core_fixture_set_up,
                tests[i].test,
                core_fixture_tear_down);
  return g_test_run ();
}
