/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What setting the clock, sleeping and starting anew do to who waits. */

#include "config.h"

#include "await.h"
#include "core-fixture.h"

#define URL "http://a.example/file"
#define SECOND G_USEC_PER_SEC
#define YEARS (10 * 365 * G_TIME_SPAN_DAY)

static gint64
now_us (CoreFixture *f)
{
  return trd_clock_now_us (f->env.clock);
}

static void
set_clock (CoreFixture *f, gint64 by_us)
{
  fake_clock_set_now (f->clock, now_us (f) + by_us);
  test_settle ();
}

static void
pass (CoreFixture *f, gint64 us)
{
  fake_clock_advance (f->clock, us);
  test_settle ();
}

static TrdTask *
find (CoreFixture *f)
{
  return trd_registry_find_task (f->registry, 1);
}

/* Waits about a second after its first failure. */
static TrdTask *
back_off (CoreFixture *f)
{
  TrdTask *task = core_fixture_create (
      f, core_fixture_open (f, "{}"), URL, "{'start': <true>}");

  core_fixture_fail (f, task, TRUNDLE_ERROR_CANNOT_CONNECT);
  test_await (task->state == TRUNDLE_TASK_QUEUED);
  test_settle ();
  g_assert_cmphex (trd_task_wait_reasons (task), ==, TRUNDLE_WAIT_BACK_OFF);

  return task;
}

/* @data: by how much the clock is set.  A delay is a delay. */
static void
setting_moves_no_back_off (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = back_off (f);

  set_clock (f, *(const gint64 *)data);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_QUEUED);
  pass (f, 700 * 1000);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_QUEUED);
  pass (f, 600 * 1000);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
}

static void
setting_moves_no_back_off_over_a_restart (CoreFixture *f, gconstpointer data)
{
  back_off (f);

  set_clock (f, *(const gint64 *)data);
  core_fixture_restart (f);
  test_settle ();
  g_assert_cmpint (find (f)->state, ==, TRUNDLE_TASK_QUEUED);
  pass (f, 1300 * 1000);
  g_assert_cmpint (find (f)->state, ==, TRUNDLE_TASK_RUNNING);
}

/* Fault (time): the machine sleeps for hours while a task is to be tried again | Proves:
 * it is tried when the machine wakes */
static void
sleep_counts_for_a_back_off (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = back_off (f);

  fake_clock_suspend (f->clock, 3 * G_TIME_SPAN_HOUR);
  test_settle ();
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
}

static TrdTask *
begin_with_deadline (CoreFixture *f)
{
  TrdTask *task = core_fixture_create (
      f,
      core_fixture_open (f, "{}"),
      URL,
      "{'start': <true>, 'resource-timeout': <uint64 10000>}");

  test_await (task->state == TRUNDLE_TASK_RUNNING);
  return task;
}

static void
setting_moves_no_deadline (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin_with_deadline (f);

  pass (f, 4 * SECOND);
  set_clock (f, *(const gint64 *)data);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
  pass (f, 5 * SECOND);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
  pass (f, SECOND);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
}

/* Fault (time): the clock is set while a task is suspended, and once more after a restart
 * | Proves: as much of resource-timeout is left as before */
static void
setting_takes_nothing_from_the_suspended (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin_with_deadline (f);

  pass (f, 4 * SECOND);
  g_assert_true (trd_registry_suspend (f->registry, task, NULL));
  set_clock (f, *(const gint64 *)data);
  core_fixture_restart (f);
  set_clock (f, -*(const gint64 *)data);
  g_assert_true (trd_registry_resume (f->registry, find (f), NULL));
  pass (f, 5 * SECOND);
  g_assert_cmpint (find (f)->state, !=, TRUNDLE_TASK_FINISHED);
  pass (f, SECOND);
  g_assert_cmpint (find (f)->state, ==, TRUNDLE_TASK_FINISHED);
}

static void
sleep_counts_for_a_deadline (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin_with_deadline (f);

  fake_clock_suspend (f->clock, G_TIME_SPAN_HOUR);
  test_await (task->state == TRUNDLE_TASK_FINISHED);
}

/* An app that nobody can start rests five seconds after the first try. */
static TrdSession *
rest (CoreFixture *f)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = core_fixture_create (f, session, URL, "{'start': <true>}");

  core_fixture_complete (f, task, "x");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  pass (f, 2 * SECOND);
  test_await (trd_courier_get_state (f->courier, session) == TRD_DELIVERY_RESTING);

  return session;
}

/* Fault (time): the clock is set while an app that cannot be started rests | Proves: it
 * is tried again neither early nor late, also after a restart */
static void
setting_moves_no_rest (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = rest (f);

  set_clock (f, *(const gint64 *)data);
  core_fixture_restart (f);
  test_settle ();
  session = trd_registry_find_session (f->registry, 1);
  g_assert_cmpint (trd_courier_get_state (f->courier, session), ==, TRD_DELIVERY_RESTING);
  pass (f, 4 * SECOND);
  g_assert_cmpint (trd_courier_get_state (f->courier, session), ==, TRD_DELIVERY_RESTING);
  fake_clock_advance (f->clock, SECOND);
  g_assert_cmpint (
      trd_courier_get_state (f->courier, session), ==, TRD_DELIVERY_LAUNCHING);
}

/* ---- another boot ---- */

/* Fault (time): a reboot while the time of a task runs | Proves: the time the machine was
 * off is taken off */
static void
reboot_costs_the_time_it_took (CoreFixture *f, gconstpointer data)
{
  begin_with_deadline (f);
  pass (f, 4 * SECOND);

  core_fixture_reboot (f, now_us (f) + 3 * SECOND);
  test_settle ();
  pass (f, 2 * SECOND);
  g_assert_cmpint (find (f)->state, ==, TRUNDLE_TASK_RUNNING);
  pass (f, SECOND);
  g_assert_cmpint (find (f)->state, ==, TRUNDLE_TASK_FINISHED);
}

/* Fault (time): a boot with the clock of a machine without a battery, in 1970 | Proves:
 * nothing ends that had time left, and no more is left than before */
static void
reboot_into_1970 (CoreFixture *f, gconstpointer data)
{
  begin_with_deadline (f);
  pass (f, 4 * SECOND);

  core_fixture_reboot (f, 5 * SECOND);
  test_settle ();
  pass (f, 5 * SECOND);
  g_assert_cmpint (find (f)->state, ==, TRUNDLE_TASK_RUNNING);
  pass (f, SECOND);
  g_assert_cmpint (find (f)->state, ==, TRUNDLE_TASK_FINISHED);
}

/* What the first boot left behind is not taken for something of the second. */
static void
reboot_twice (CoreFixture *f, gconstpointer data)
{
  begin_with_deadline (f);
  pass (f, SECOND);
  core_fixture_reboot (f, now_us (f) + SECOND);
  pass (f, SECOND);
  core_fixture_restart (f);
  pass (f, SECOND);
  core_fixture_reboot (f, now_us (f) + SECOND);
  test_settle ();

  pass (f, 4 * SECOND);
  g_assert_cmpint (find (f)->state, ==, TRUNDLE_TASK_RUNNING);
  pass (f, SECOND);
  g_assert_cmpint (find (f)->state, ==, TRUNDLE_TASK_FINISHED);
}

static void
reboot_shortens_a_rest (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = rest (f);

  core_fixture_reboot (f, now_us (f) + 2 * SECOND);
  test_settle ();
  session = trd_registry_find_session (f->registry, 1);
  pass (f, 2 * SECOND);
  g_assert_cmpint (trd_courier_get_state (f->courier, session), ==, TRD_DELIVERY_RESTING);
  fake_clock_advance (f->clock, SECOND);
  g_assert_cmpint (
      trd_courier_get_state (f->courier, session), ==, TRD_DELIVERY_LAUNCHING);
}

/* Of what a reboot is told by dates only, it bears the clock of the new boot afterwards.
 */
static void
reboot_is_written_down (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = back_off (f);
  g_autoptr (TrdTaskRow) row = NULL;

  core_fixture_reboot (f, now_us (f));
  task = find (f);
  row = trd_store_load_task (f->env.store, 1, NULL);
  g_assert_cmpint (row->not_before.boot_us, ==, task->not_before_us);
  g_assert_cmpint (row->deadline.boot_us, ==, task->deadline_us);
  g_assert_cmpint (task->not_before_us, <, 2 * G_TIME_SPAN_MINUTE);
}

#define add(name, data, func)                                                            \
  g_test_add ("/time/" name,                                                             \
              CoreFixture,                                                               \
              data,                                                                      \
              core_fixture_set_up,                                                       \
              func,                                                                      \
              core_fixture_tear_down)

static const gint64 back = -G_TIME_SPAN_DAY;
static const gint64 forth = YEARS;

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("back/back-off", &back, setting_moves_no_back_off);
  add ("forth/back-off", &forth, setting_moves_no_back_off);
  add ("back/back-off/restart", &back, setting_moves_no_back_off_over_a_restart);
  add ("forth/back-off/restart", &forth, setting_moves_no_back_off_over_a_restart);
  add ("back/deadline", &back, setting_moves_no_deadline);
  add ("forth/deadline", &forth, setting_moves_no_deadline);
  add ("back/suspended", &back, setting_takes_nothing_from_the_suspended);
  add ("forth/suspended", &forth, setting_takes_nothing_from_the_suspended);
  add ("back/rest", &back, setting_moves_no_rest);
  add ("forth/rest", &forth, setting_moves_no_rest);
  add ("sleep/back-off", NULL, sleep_counts_for_a_back_off);
  add ("sleep/deadline", NULL, sleep_counts_for_a_deadline);
  add ("reboot/deadline", NULL, reboot_costs_the_time_it_took);
  add ("reboot/1970", NULL, reboot_into_1970);
  add ("reboot/twice", NULL, reboot_twice);
  add ("reboot/rest", NULL, reboot_shortens_a_rest);
  add ("reboot/row", NULL, reboot_is_written_down);

  return g_test_run ();
}
