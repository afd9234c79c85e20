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

/* Giving back takes the lock of the part for a moment, in a thread. */
static gboolean
is_unlocked (CoreFixture *f, TrdTask *task)
{
  g_autofree char *path = path_of (f, task);
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  gboolean is_free = flock (fd, LOCK_EX | LOCK_NB) == 0;

  close (fd);
  return is_free;
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

/* The file is complete before its reservation is.
 *
 * Fault (disk): the transfer ends while space is still being reserved | Proves: it
 * ends well, and nothing stays reserved */
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
 * asks nobody; with the row corrected it goes on.
 *
 * Fault (disk): a disk too small for what the server announces (T-78) | Proves: it
 * waits before the disk is full and asks the server no more until there is space */
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
  test_await (is_unlocked (f, task));
  test_settle ();
  trd_registry_resume (f->registry, task, &error);
  g_assert_no_error (error);
  test_await (fake_transport_is_running (f->transport, task->id));
  g_assert_cmpint (reserved (f, task), >=, 8 * MIB);
}

/* ---- folders that are not there ---- */

typedef struct
{
  char *folder; /* (owned) */
  char *away;   /* (owned) */
  gint64 id;
} Beside;

static void
beside_clear (Beside *self)
{
  g_free (self->folder);
  g_free (self->away);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Beside, beside_clear)

static TrdTask *
find (CoreFixture *f, const Beside *beside)
{
  return trd_registry_find_task (f->registry, beside->id);
}

/* A task in a folder of its own that has eight bytes of ten, four of them synced, and
 * then lost its connection. */
static void
begin_beside (CoreFixture *f, Beside *beside)
{
  g_autofree char *options = NULL;
  TrdTask *task;

  beside->folder = g_build_filename (f->directory, "stick", NULL);
  beside->away = g_build_filename (f->directory, "away", NULL);
  options = g_strdup_printf ("{'start': <true>, 'destination-path': <'%s/file'>}",
                             beside->folder);
  g_assert_cmpint (g_mkdir (beside->folder, 0700), ==, 0);
  task = core_fixture_create (f, core_fixture_open (f, "{}"), URL, options);
  beside->id = task->id;
  test_await (fake_transport_is_running (f->transport, task->id));
  respond (f, task, 200, 10);
  fake_transport_write (f->transport, task->id, "01234567", 8);
  fake_transport_progress (f->transport, task->id, 8, 4, 10);
  lose_connection (f, task, 8);
}

static guint64
asked_offset (CoreFixture *f, const Beside *beside)
{
  guint64 offset = 0;

  fake_clock_advance (f->clock, TRD_RECHECK_MAX_US);
  test_await (fake_transport_is_running (f->transport, beside->id));
  g_variant_lookup (
      fake_transport_find (f->transport, beside->id)->request, "offset", "t", &offset);
  return offset;
}

/* Waits while the folder is away, and is where it was when the folder is back. */
static void
await_gone (CoreFixture *f, const Beside *beside)
{
  fake_clock_advance (f->clock, 2 * SECOND);
  test_await (trd_task_wait_reasons (find (f, beside)) == TRUNDLE_WAIT_DESTINATION_GONE);
  fake_clock_advance (f->clock, TRD_RECHECK_MAX_US);
  test_settle ();
  g_assert_cmphex (
      trd_task_wait_reasons (find (f, beside)), ==, TRUNDLE_WAIT_DESTINATION_GONE);
}

/* Fault (disk): the folder of a part is away for a while | Proves: waits, asks nobody,
 * and what is known of the part holds */
static void
waits_for_a_folder (CoreFixture *f, gconstpointer data)
{
  g_auto (Beside) beside = { 0 };
  g_autoptr (TrdTaskRow) row = NULL;

  begin_beside (f, &beside);
  g_assert_cmpint (g_rename (beside.folder, beside.away), ==, 0);
  await_gone (f, &beside);
  row = trd_store_load_task (f->env.store, beside.id, NULL);
  g_assert_cmpuint (row->synced, ==, 4);
  g_assert_cmpuint (row->received, ==, 8);
  g_assert_cmpuint (count_attempts (f), ==, 1);

  g_assert_cmpint (g_rename (beside.away, beside.folder), ==, 0);
  g_assert_cmpuint (asked_offset (f, &beside), ==, 8);
}

/* Fault (disk): another folder of the same name | Proves: nothing is written to it */
static void
wants_the_folder_itself (CoreFixture *f, gconstpointer data)
{
  g_auto (Beside) beside = { 0 };
  g_autoptr (GDir) dir = NULL;

  begin_beside (f, &beside);
  g_assert_cmpint (g_rename (beside.folder, beside.away), ==, 0);
  g_assert_cmpint (g_mkdir (beside.folder, 0700), ==, 0);
  await_gone (f, &beside);
  dir = g_dir_open (beside.folder, 0, NULL);
  g_assert_null (g_dir_read_name (dir));
}

/* Fault (power): a reboot while the disk of a part is not there | Proves: the part is cut
 * to what was synced once it is there again, also through another start in between (law
 * 4) */
static void
distrusts_later (CoreFixture *f, gconstpointer data)
{
  g_auto (Beside) beside = { 0 };
  g_autofree char *path = NULL;
  g_autoptr (TrdTaskRow) row = NULL;
  g_autoptr (TrdTaskRow) after = NULL;
  struct stat facts;

  begin_beside (f, &beside);
  g_assert_cmpint (g_rename (beside.folder, beside.away), ==, 0);
  f->env.rebooted = TRUE;
  core_fixture_restart (f);
  f->env.rebooted = FALSE;
  core_fixture_restart (f);
  await_gone (f, &beside);
  row = trd_store_load_task (f->env.store, beside.id, NULL);
  g_assert_true (row->untrusted);
  g_assert_cmpuint (row->synced, ==, 4);

  g_assert_cmpint (g_rename (beside.away, beside.folder), ==, 0);
  g_assert_cmpuint (asked_offset (f, &beside), ==, 4);
  path = g_build_filename (beside.folder, row->place->part_name, NULL);
  g_assert_cmpint (stat (path, &facts), ==, 0);
  g_assert_cmpint (facts.st_size, ==, 4);
  after = trd_store_load_task (f->env.store, beside.id, NULL);
  g_assert_false (after->untrusted);
  g_assert_cmpuint (after->synced, ==, 4);
}

/* Fault (disk): the part is deleted while it is written | Proves: fetched again, and no
 * success is told of nothing */
static void
fetches_what_was_deleted (CoreFixture *f, gconstpointer data)
{
  g_autofree char *path = NULL;
  TrdTask *task = start (f);

  path = path_of (f, task);
  fake_transport_write (f->transport, task->id, "x", 1);
  g_assert_cmpint (g_unlink (path), ==, 0);
  fake_transport_take_done (
      f->transport, task->id, trd_outcome_new_complete (1, "content-length"));
  test_await (task->state == TRUNDLE_TASK_QUEUED);
  fake_clock_advance (f->clock, 10 * SECOND);
  core_fixture_complete (f, task, "x");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  g_assert_cmpint (access (path, F_OK), ==, 0);
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
    { "/space/folder/waits", waits_for_a_folder },
    { "/space/folder/itself", wants_the_folder_itself },
    { "/space/folder/distrusts-later", distrusts_later },
    { "/space/deleted", fetches_what_was_deleted },
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
