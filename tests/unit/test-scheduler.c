/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "await.h"
#include "common/defaults.h"
#include "core-fixture.h"

static TrdTask *
queue (CoreFixture *f, TrdSession *session, const char *host, const char *priority)
{
  g_autofree char *url = g_strdup_printf ("http://%s/a", host);
  g_autofree char *options = g_strdup_printf ("{'start': <true>, 'priority': <%s>}",
                                              priority);

  return core_fixture_create (f, session, url, options);
}

static guint
running (CoreFixture *f)
{
  return trd_scheduler_count_running (f->scheduler);
}

/* T-74: six to a host, and the seventh says why it waits (law 13). */
static void
limits_a_host (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *last = NULL;

  for (guint i = 0; i < TRD_SLOTS_PER_HOST + 1; i++)
    last = queue (f, session, "one.example", "0.5");
  test_await (running (f) == TRD_SLOTS_PER_HOST);
  test_settle ();

  g_assert_cmpint (last->state, ==, TRUNDLE_TASK_QUEUED);
  g_assert_cmphex (trd_task_wait_reasons (last), ==, TRUNDLE_WAIT_SLOT_HOST);
  core_fixture_complete (f, trd_registry_find_task (f->registry, 1), "x");
  test_await (last->state == TRUNDLE_TASK_RUNNING);
}

static void
limits_an_app (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *last = NULL;

  for (guint i = 0; i < TRD_SLOTS_PER_APP + 1; i++)
    {
      g_autofree char *host = g_strdup_printf ("h%u.example", i);

      last = queue (f, session, host, "0.5");
    }
  test_await (running (f) == TRD_SLOTS_PER_APP);
  test_settle ();

  g_assert_cmphex (trd_task_wait_reasons (last), ==, TRUNDLE_WAIT_SLOT_APP);
}

/* T-75: strict order by current priority, then by creation. */
static void
follows_priority (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{'max-concurrent-tasks': <@u 1>}");
  TrdTask *first = queue (f, session, "a.example", "0.5");
  TrdTask *low = queue (f, session, "b.example", "0.1");
  TrdTask *middle = queue (f, session, "c.example", "0.5");
  TrdTask *later = queue (f, session, "d.example", "0.5");

  test_await (first->state == TRUNDLE_TASK_RUNNING);
  g_assert_true (trd_registry_set_priority (f->registry, low, 0.9, NULL));
  core_fixture_complete (f, first, "x");
  test_await (low->state == TRUNDLE_TASK_RUNNING);
  core_fixture_complete (f, low, "x");
  test_await (middle->state == TRUNDLE_TASK_RUNNING);
  g_assert_cmpint (later->state, ==, TRUNDLE_TASK_QUEUED);
}

static void
waits_for_the_network (CoreFixture *f, gconstpointer data)
{
  TrdTask *task;

  g_object_set (f->env.conditions, "network", FALSE, NULL);
  task = queue (f, core_fixture_open (f, "{}"), "a.example", "0.5");
  test_settle ();
  g_assert_cmphex (trd_task_wait_reasons (task), ==, TRUNDLE_WAIT_NO_NETWORK);

  g_object_set (f->env.conditions, "network", TRUE, NULL);
  test_await (task->state == TRUNDLE_TASK_RUNNING);
}

static void
backs_off (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = queue (f, core_fixture_open (f, "{}"), "a.example", "0.5");
  g_autoptr (TrdTaskRow) row = NULL;

  core_fixture_fail (f, task, TRUNDLE_ERROR_CANNOT_CONNECT);
  test_await (task->state == TRUNDLE_TASK_QUEUED);
  test_settle ();
  g_assert_cmphex (trd_task_wait_reasons (task), ==, TRUNDLE_WAIT_BACK_OFF);
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_cmpuint (row->attempts, ==, 1);
  g_assert_cmpstr (row->transient_name, ==, "CannotConnect");

  fake_clock_advance (f->clock, 700 * 1000);
  test_settle ();
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_QUEUED);
  fake_clock_advance (f->clock, 600 * 1000);
  test_await (task->state == TRUNDLE_TASK_RUNNING);
}

static void
on_task_changed (TrdRegistry *registry, TrdTask *task, guint changes, guint *shown)
{
  if (changes & TRD_TASK_CHANGE_WAIT_REASONS && task->id == 1)
    *shown = trd_task_wait_reasons (task);
}

/* Law 13: who waited for a moment and then waits for a slot says so. */
static void
says_what_it_waits_for_next (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{'max-connections-per-host': <@u 1>}");
  TrdTask *task = queue (f, session, "a.example", "0.5");
  TrdTask *other;
  guint shown = 0;

  core_fixture_fail (f, task, TRUNDLE_ERROR_CANNOT_CONNECT);
  test_await (task->state == TRUNDLE_TASK_QUEUED);
  other = queue (f, session, "a.example", "0.5");
  test_await (other->state == TRUNDLE_TASK_RUNNING);
  queue (f, session, "a.example", "0.5");
  test_settle ();

  g_signal_connect (f->registry, "task-changed", G_CALLBACK (on_task_changed), &shown);
  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  test_await (trd_task_wait_reasons (task) == TRUNDLE_WAIT_SLOT_HOST);
  g_assert_cmphex (shown, ==, TRUNDLE_WAIT_SLOT_HOST);
  g_signal_handlers_disconnect_by_data (f->registry, &shown);
}

/* The part of an attempt that was stopped may still be written to: law 16. */
static void
waits_for_the_part (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = queue (f, core_fixture_open (f, "{}"), "a.example", "0.5");

  fake_transport_set_auto_release (f->transport, FALSE);
  test_await (task->state == TRUNDLE_TASK_RUNNING);
  g_assert_true (trd_registry_suspend (f->registry, task, NULL));
  g_assert_true (trd_registry_resume (f->registry, task, NULL));
  test_settle ();
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_QUEUED);

  fake_transport_release (f->transport, task->id);
  test_await (task->state == TRUNDLE_TASK_RUNNING);
}

static void
ends_at_the_deadline (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = core_fixture_create (f,
                                       core_fixture_open (f, "{}"),
                                       "http://a.example/",
                                       "{'start': <true>, 'resource-timeout': "
                                       "<uint64 5000>}");
  g_autoptr (TrdTaskRow) row = NULL;

  test_await (task->state == TRUNDLE_TASK_RUNNING);
  fake_clock_advance (f->clock, 5 * G_USEC_PER_SEC);
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_cmpstr (row->error_name, ==, "TimedOut");
  g_assert_cmpuint (running (f), ==, 0);
}

/* Stopping puts everything back and starts nothing. */
static void
stops (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = queue (f, core_fixture_open (f, "{}"), "a.example", "0.5");

  test_await (task->state == TRUNDLE_TASK_RUNNING);
  trd_scheduler_stop (f->scheduler);
  test_settle ();

  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_QUEUED);
  g_assert_false (fake_transport_is_running (f->transport, task->id));
}

#define add(name, func)                                                                  \
  g_test_add ("/scheduler/" name,                                                        \
              CoreFixture,                                                               \
              NULL,                                                                      \
              core_fixture_set_up,                                                       \
              func,                                                                      \
              core_fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("limits-a-host", limits_a_host);
  add ("limits-an-app", limits_an_app);
  add ("follows-priority", follows_priority);
  add ("waits-for-the-network", waits_for_the_network);
  add ("backs-off", backs_off);
  add ("says-what-it-waits-for-next", says_what_it_waits_for_next);
  add ("waits-for-the-part", waits_for_the_part);
  add ("ends-at-the-deadline", ends_at_the_deadline);
  add ("stops", stops);

  return g_test_run ();
}
