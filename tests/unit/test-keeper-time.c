/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parts that outlive their tasks, over restarts, reboots and days (laws 1, 4, 6). */

#include "config.h"

#include "core-fixture-keep.h"
#include "port/store-private.h"

#define DAY_US G_TIME_SPAN_DAY

/* ---- over a restart ---- */

static void
outlives_the_session (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = keep_cut (f, 4, "{'start': <true>}");
  g_autoptr (GBytes) left = keep_cancel (f, task);

  g_assert_true (
      trd_registry_invalidate_and_cancel (f->registry, task->session, FALSE, NULL));
  core_fixture_restart (f);
  g_assert_cmpuint (
      keep_asked_offset (f, keep_create (f, left, "", "{'start': <true>}", NULL)), ==, 4);
}

/* The task is forgotten, what it has left is not. */
static void
outlives_its_task (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = keep_cut (f, 4, "{'start': <true>}");
  g_autoptr (GBytes) left = keep_cancel (f, task);

  g_assert_true (trd_registry_complete_events (
      f->registry, task->session, task->session->row->last_sequence, NULL));
  g_assert_null (trd_registry_find_task (f->registry, 1));
  core_fixture_restart (f);
  g_assert_cmpuint (
      keep_asked_offset (f, keep_create (f, left, "", "{'start': <true>}", NULL)), ==, 4);
}

static void
spent_outlives_a_restart (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GBytes) left = keep_cancel (f, keep_cut (f, 4, "{'start': <true>}"));
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (keep_create (f, left, "", "{}", NULL));
  core_fixture_restart (f);
  g_assert_null (keep_create (f, left, "", "{}", &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_RESUME_DATA);
}

/* The store as it stands between the commit that gives a part to task 2 and the one that
 * forgets whose it was. */
static void
take (CoreFixture *f, const char *options)
{
  g_autoptr (GBytes) left = keep_cancel (f, keep_cut (f, 4, "{'start': <true>}"));
  g_autoptr (TrdResumable) kept = trd_store_load_resumable (f->env.store, 1, NULL);

  g_assert_nonnull (keep_create (f, left, "", options, NULL));
  kept->taken_by = 2;
  g_assert_true (trd_store_insert_resumable (f->env.store, kept, NULL));
}

/* Fault (daemon): it dies after a part was given to another task, before it bears its
 * name | Proves: the rename is done at the next start (law 6) */
static void
crash_before_the_rename (CoreFixture *f, gconstpointer data)
{
  g_autofree char *before = keep_spool_path (f, 1);
  g_autofree char *after = keep_spool_path (f, 2);

  take (f, "{'start': <true>}");
  g_assert_cmpint (g_rename (after, before), ==, 0);
  core_fixture_restart (f);
  g_assert_cmpuint (
      keep_asked_offset (f, trd_registry_find_task (f->registry, 2)), ==, 4);
  g_assert_null (keep_read_spool (f, 1));
  g_assert_cmpuint (keep_count (f), ==, 0);
}

/* Fault (daemon): it dies after a part was renamed for another task, before that is
 * written down | Proves: the part stays where it is (law 6) */
static void
crash_after_the_rename (CoreFixture *f, gconstpointer data)
{
  take (f, "{'start': <true>}");
  core_fixture_restart (f);
  g_assert_cmpuint (
      keep_asked_offset (f, trd_registry_find_task (f->registry, 2)), ==, 4);
  g_assert_cmpuint (keep_count (f), ==, 0);
}

/* Behind the store's back: @value for a dictionary in the row of task 2. */
static void
damage_row (CoreFixture *f, const char *value)
{
  g_autofree char *path = g_build_filename (f->directory, "trundle.db", NULL);
  g_autofree char *sql = g_strdup_printf (
      "UPDATE task SET digest_state = %s WHERE id = 2", value);
  g_autoptr (GBytes) script = trd_store_load_script (NULL);
  g_autoptr (TrdDb) db = trd_db_open (
      path, g_bytes_get_data (script, NULL), NULL, 0, NULL);

  g_assert_nonnull (db);
  g_assert_true (trd_db_exec (db, sql, NULL));
}

/* Fault (store): the row of the task a part was given to cannot be read | Proves: the
 * part stays until it can */
static void
heir_that_cannot_be_read (CoreFixture *f, gconstpointer data)
{
  g_autofree char *before = keep_spool_path (f, 1);
  g_autofree char *after = keep_spool_path (f, 2);
  g_autofree char *part = NULL;

  take (f, "@a{sv} {}");
  g_assert_cmpint (g_rename (after, before), ==, 0);
  damage_row (f, "x'0102030405'");
  g_test_expect_message ("trundle", G_LOG_LEVEL_WARNING, "Cannot settle*");
  core_fixture_restart (f);
  g_test_assert_expected_messages ();
  part = keep_read_spool (f, 1);
  g_assert_cmpstr (part, ==, "0123");

  damage_row (f, "NULL");
  core_fixture_restart (f);
  g_assert_null (keep_read_spool (f, 1));
  g_assert_cmpuint (keep_count (f), ==, 0);
  g_clear_pointer (&part, g_free);
  part = keep_read_spool (f, 2);
  g_assert_cmpstr (part, ==, "0123");
}

static void
crash_with_a_lost_heir (CoreFixture *f, gconstpointer data)
{
  g_autofree char *before = keep_spool_path (f, 1);
  g_autofree char *after = keep_spool_path (f, 2);

  take (f, "@a{sv} {}");
  g_assert_cmpint (g_rename (after, before), ==, 0);
  g_assert_true (trd_store_delete_task (f->env.store, 2, NULL));
  core_fixture_restart (f);
  g_assert_null (keep_read_spool (f, 1));
  g_assert_cmpuint (keep_count (f), ==, 0);
}

/* ---- over a reboot ---- */

static gint64
now_us (CoreFixture *f)
{
  return trd_clock_now_us (f->env.clock);
}

/* Task 1 leaves eight bytes, of which five were synced. */
static GBytes *
leave_synced (CoreFixture *f, const char *options)
{
  TrdTask *task = keep_cut (f, 8, options);

  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 8);
  keep_respond (f, task, 8);
  fake_transport_progress (f->transport, task->id, 8, 5, 10);
  return keep_cancel (f, task);
}

/* Fault (power): a reboot, a part that was kept longer than what was synced of it |
 * Proves: cut to what was synced (law 4) */
static void
believes_what_was_synced (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GBytes) left = leave_synced (f, "{'start': <true>}");

  core_fixture_reboot (f, now_us (f) + G_USEC_PER_SEC);
  g_assert_cmpuint (
      keep_asked_offset (f, keep_create (f, left, "", "{'start': <true>}", NULL)), ==, 5);
}

static void
believes_nothing_unsynced (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GBytes) left = keep_cancel (f, keep_cut (f, 8, "{'start': <true>}"));

  core_fixture_reboot (f, now_us (f) + G_USEC_PER_SEC);
  g_assert_cmpuint (
      keep_asked_offset (f, keep_create (f, left, "", "{'start': <true>}", NULL)), ==, 0);
}

/* Fault (power): a reboot while the disk of a part that was kept is away | Proves: when
 * the disk is back no more is believed of the part than was synced (law 4) */
static void
distrusts_an_absent_disk (CoreFixture *f, gconstpointer data)
{
  g_autofree char *options = keep_destination (f, "inbox", "a");
  g_autofree char *folder = g_build_filename (f->directory, "inbox", NULL);
  g_autofree char *away = g_build_filename (f->directory, "away", NULL);
  g_autoptr (GBytes) left = leave_synced (f, options);
  g_autoptr (GPtrArray) names = NULL;

  g_assert_cmpint (g_rename (folder, away), ==, 0);
  core_fixture_reboot (f, now_us (f) + G_USEC_PER_SEC);
  g_assert_cmpint (g_rename (away, folder), ==, 0);
  g_assert_cmpuint (
      keep_asked_offset (f, keep_create (f, left, "", "{'start': <true>}", NULL)), ==, 5);
  names = keep_list (f, "inbox");
  g_assert_cmpuint (names->len, ==, 0);
}

/* ---- over days ---- */

static void
assert_kept (CoreFixture *f, gboolean kept)
{
  g_autofree char *part = keep_read_spool (f, 1);

  g_assert_cmpint (part != NULL, ==, kept);
  g_assert_cmpuint (keep_count (f), ==, kept);
}

static void
is_forgotten_after_days (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GBytes) left = keep_cancel (f, keep_cut (f, 4, "{'start': <true>}"));
  g_autoptr (GError) error = NULL;

  fake_clock_advance (f->clock, 6 * DAY_US);
  assert_kept (f, TRUE);
  fake_clock_advance (f->clock, DAY_US);
  assert_kept (f, FALSE);
  g_assert_null (keep_create (f, left, "", "{}", &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_RESUME_DATA);
}

static void
is_forgotten_at_a_start (CoreFixture *f, gconstpointer data)
{
  g_autofree char *options = keep_destination (f, "inbox", "a");
  g_autoptr (GPtrArray) names = NULL;

  keep_leave (f, keep_cut (f, 4, options));
  core_fixture_reboot (f, now_us (f) + 8 * DAY_US);
  names = keep_list (f, "inbox");
  g_assert_cmpuint (names->len, ==, 0);
  g_assert_cmpuint (keep_count (f), ==, 0);
}

/* Fault (time): the clock is set a year forward | Proves: parts that are kept for days
 * are not deleted for it */
static void
outlives_a_set_clock (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GBytes) left = keep_cancel (f, keep_cut (f, 4, "{'start': <true>}"));

  fake_clock_set_now (f->clock, now_us (f) + 365 * DAY_US);
  core_fixture_restart (f);
  fake_clock_advance (f->clock, DAY_US);
  assert_kept (f, TRUE);
  g_assert_nonnull (keep_create (f, left, "", "{}", NULL));
}

/* Fault (time): the clock is set a year back | Proves: parts are still forgotten in time
 */
static void
is_forgotten_by_a_slow_clock (CoreFixture *f, gconstpointer data)
{
  keep_leave (f, keep_cut (f, 4, "{'start': <true>}"));
  fake_clock_set_now (f->clock, now_us (f) - 365 * DAY_US);
  fake_clock_advance (f->clock, 7 * DAY_US);
  assert_kept (f, FALSE);
}

/* Nobody would know whose it is, if the row went first. */
static void
is_remembered_while_its_disk_is_away (CoreFixture *f, gconstpointer data)
{
  g_autofree char *options = keep_destination (f, "inbox", "a");
  g_autofree char *folder = g_build_filename (f->directory, "inbox", NULL);
  g_autofree char *away = g_build_filename (f->directory, "away", NULL);
  g_autoptr (GPtrArray) names = NULL;

  keep_leave (f, keep_cut (f, 4, options));
  g_assert_cmpint (g_rename (folder, away), ==, 0);
  fake_clock_advance (f->clock, 8 * DAY_US);
  g_assert_cmpuint (keep_count (f), ==, 1);
  g_assert_cmpint (g_rename (away, folder), ==, 0);
  fake_clock_advance (f->clock, DAY_US);
  g_assert_cmpuint (keep_count (f), ==, 0);
  names = keep_list (f, "inbox");
  g_assert_cmpuint (names->len, ==, 0);
}

#define add(name, func)                                                                  \
  g_test_add ("/keeper-time/" name,                                                      \
              CoreFixture,                                                               \
              NULL,                                                                      \
              core_fixture_set_up,                                                       \
              func,                                                                      \
              core_fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("restart/outlives-the-session", outlives_the_session);
  add ("restart/outlives-its-task", outlives_its_task);
  add ("restart/spent", spent_outlives_a_restart);
  add ("law-6/before-the-rename", crash_before_the_rename);
  add ("law-6/after-the-rename", crash_after_the_rename);
  add ("law-6/lost-heir", crash_with_a_lost_heir);
  add ("law-6/unreadable-heir", heir_that_cannot_be_read);
  add ("law-4/believes-what-was-synced", believes_what_was_synced);
  add ("law-4/believes-nothing-unsynced", believes_nothing_unsynced);
  add ("law-4/distrusts-an-absent-disk", distrusts_an_absent_disk);
  add ("days/is-forgotten", is_forgotten_after_days);
  add ("days/is-forgotten-at-a-start", is_forgotten_at_a_start);
  add ("days/outlives-a-set-clock", outlives_a_set_clock);
  add ("days/slow-clock", is_forgotten_by_a_slow_clock);
  add ("days/absent-disk", is_remembered_while_its_disk_is_away);

  return g_test_run ();
}
