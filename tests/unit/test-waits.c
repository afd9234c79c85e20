/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is measured of a task in the daemon: the time it waited, and for what (F-17), and
 * what its attempts brought. */

#include "config.h"

#include "await.h"
#include "common/defaults.h"
#include "core-fixture.h"
#include "core/waits.h"

static guint64
get_number (GVariant *metrics, const char *key)
{
  guint64 number = 0;

  if (metrics != NULL)
    g_variant_lookup (metrics, key, "t", &number);
  return number;
}

static guint64
get_wait (GVariant *metrics, const char *reason)
{
  g_autoptr (GVariant) waited = g_variant_lookup_value (
      metrics, "waited", G_VARIANT_TYPE ("a{st}"));

  g_assert_nonnull (waited);
  return get_number (waited, reason);
}

static TrdTask *
queue (CoreFixture *f, TrdSession *session)
{
  return core_fixture_create (f, session, "http://one.example/a", "{'start': <true>}");
}

/* As many as may run, and one more. */
static TrdTask *
queue_one_too_many (CoreFixture *f)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *last = NULL;

  for (guint i = 0; i < TRD_SLOTS_PER_HOST + 1; i++)
    last = queue (f, session);
  test_await (trd_scheduler_count_running (f->scheduler) == TRD_SLOTS_PER_HOST);
  test_settle ();
  g_assert_cmphex (trd_task_wait_reasons (last), ==, TRUNDLE_WAIT_SLOT_HOST);
  return last;
}

/* Nothing is kept of who waits for the same all along, nothing is stored for it, and all
 * the same it is known. */
static void
counts_a_wait (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = queue_one_too_many (f);
  g_autoptr (TrdTaskRow) before = NULL;
  g_autoptr (TrdTaskRow) after = NULL;
  TrdMetricsWaits waits;

  fake_clock_advance (f->clock, 5 * TRD_SECOND_US);
  test_settle ();
  g_assert_null (task->waits);
  g_assert_true (trd_waits_get (task, trd_clock_boottime_us (f->env.clock), &waits));
  g_assert_cmpint (waits.queued_us, ==, 5 * TRD_SECOND_US);
  before = trd_registry_load_task (f->registry, task, NULL);
  g_assert_null (before->metrics);

  core_fixture_complete (f, trd_registry_find_task (f->registry, 1), "x");
  test_await (task->state == TRUNDLE_TASK_RUNNING);
  fake_clock_advance (f->clock, 7 * TRD_SECOND_US);
  core_fixture_complete (f, task, "x");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  after = trd_registry_load_task (f->registry, task, NULL);
  g_assert_cmpuint (get_number (after->metrics, "queued"), ==, 5 * TRD_SECOND_US);
  g_assert_cmpuint (get_wait (after->metrics, "slot-host"), ==, 5 * TRD_SECOND_US);
  g_assert_null (task->waits);
}

/* Each reason by itself, over attempts. */
static void
counts_by_reason (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = queue_one_too_many (f);
  g_autoptr (TrdTaskRow) row = NULL;
  gint64 until_us;

  fake_clock_advance (f->clock, 2 * TRD_SECOND_US);
  core_fixture_complete (f, trd_registry_find_task (f->registry, 1), "x");
  test_await (task->state == TRUNDLE_TASK_RUNNING);
  core_fixture_fail (f, task, TRUNDLE_ERROR_CONNECTION_LOST);
  test_await (task->state == TRUNDLE_TASK_QUEUED);
  until_us = task->not_before_us;
  g_assert_cmpint (until_us, >, trd_clock_boottime_us (f->env.clock));
  until_us -= trd_clock_boottime_us (f->env.clock);
  fake_clock_advance (f->clock, until_us);
  test_await (task->state == TRUNDLE_TASK_RUNNING);
  core_fixture_complete (f, task, "x");
  test_await (task->state == TRUNDLE_TASK_FINISHED);

  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_cmpuint (get_wait (row->metrics, "slot-host"), ==, 2 * TRD_SECOND_US);
  g_assert_cmpuint (get_wait (row->metrics, "back-off"), ==, (guint64)until_us);
  g_assert_cmpuint (
      get_number (row->metrics, "queued"), ==, (guint64)until_us + 2 * TRD_SECOND_US);
}

/* Suspended is not queued. */
static void
counts_no_rest (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = queue_one_too_many (f);
  g_autoptr (TrdTaskRow) row = NULL;

  fake_clock_advance (f->clock, 2 * TRD_SECOND_US);
  g_assert_true (trd_registry_suspend (f->registry, task, NULL));
  fake_clock_advance (f->clock, 100 * TRD_SECOND_US);
  g_assert_true (trd_registry_resume (f->registry, task, NULL));
  test_settle ();
  fake_clock_advance (f->clock, 3 * TRD_SECOND_US);
  g_assert_true (trd_registry_suspend (f->registry, task, NULL));
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_cmpuint (get_number (row->metrics, "queued"), ==, 5 * TRD_SECOND_US);
}

static TrdOutcome *
measured (TrdOutcome *outcome, guint64 received, const char *transactions)
{
  outcome->received = received;
  outcome->transactions = g_variant_ref_sink (g_variant_new_parsed (transactions));
  outcome->n_hops = (guint)g_variant_n_children (outcome->transactions);
  return outcome;
}

typedef struct
{
  TrdTask *task;
  guint n_attempts; /* that are in the row when the end is told */
} Heard;

static void
on_changed (TrdRegistry *registry, TrdTask *task, guint changes, Heard *heard)
{
  g_autoptr (TrdTaskRow) row = NULL;
  g_autoptr (GVariant) all = NULL;

  if (task != heard->task || task->state != TRUNDLE_TASK_FINISHED)
    return;
  row = trd_registry_load_task (registry, task, NULL);
  all = g_variant_lookup_value (row->metrics, "transactions", G_VARIANT_TYPE ("aa{sv}"));
  heard->n_attempts = (guint)g_variant_n_children (all);
}

/* Two attempts, each with what it brought, and all of it there before the end is told. */
static void
adds_attempts (CoreFixture *f, gconstpointer data)
{
  Heard heard = { .task = queue (f, core_fixture_open (f, "{}")) };
  g_autoptr (TrdTaskRow) row = NULL;
  gint64 id = heard.task->id;

  test_await (fake_transport_is_running (f->transport, id));
  fake_transport_write (f->transport, id, "hello", 5);
  fake_transport_redirect (f->transport, id, "http://a/", "http://b/", 302);
  fake_transport_take_done (
      f->transport,
      id,
      measured (trd_outcome_new_failed (TRUNDLE_ERROR_CONNECTION_LOST, "Cut"),
                5,
                "[{'status': <@u 200>, 'response-body-size': <@t 5>}]"));
  test_await (heard.task->state == TRUNDLE_TASK_QUEUED);
  g_signal_connect (f->registry, "task-changed", G_CALLBACK (on_changed), &heard);
  fake_clock_advance (f->clock, 2 * TRD_SECOND_US);
  test_await (fake_transport_is_running (f->transport, id));
  fake_transport_write (f->transport, id, "hello world", 11);
  fake_transport_take_done (
      f->transport,
      id,
      measured (trd_outcome_new_complete (11, "content-length"),
                11,
                "[{'status': <@u 200>, 'response-body-size': <@t 11>}]"));
  test_await (heard.task->state == TRUNDLE_TASK_FINISHED);

  g_assert_cmpuint (heard.n_attempts, ==, 2);
  row = trd_registry_load_task (f->registry, heard.task, NULL);
  g_assert_cmpuint (get_number (row->metrics, "bytes-fetched"), ==, 16);
  g_assert_cmpuint (get_number (row->metrics, "bytes-fetched-again"), ==, 5);
}

#define add(name, func)                                                                  \
  g_test_add ("/waits/" name,                                                            \
              CoreFixture,                                                               \
              NULL,                                                                      \
              core_fixture_set_up,                                                       \
              func,                                                                      \
              core_fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("counts-a-wait", counts_a_wait);
  add ("counts-by-reason", counts_by_reason);
  add ("counts-no-rest", counts_no_rest);
  add ("adds-attempts", adds_attempts);

  return g_test_run ();
}
