/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tasks that begin later, and asking the app before (T-71). */

#include "config.h"

#include "await.h"
#include "common/error.h"
#include "core-fixture.h"

#define URL "http://a.example/file"
#define HOUR G_TIME_SPAN_HOUR
#define SECOND G_USEC_PER_SEC

static TrdTask *
find (CoreFixture *f)
{
  return trd_registry_find_task (f->registry, 1);
}

static gint64
now_us (CoreFixture *f)
{
  return trd_clock_now_us (f->env.clock);
}

static void
pass (CoreFixture *f, gint64 us)
{
  fake_clock_advance (f->clock, us);
  test_settle ();
}

static void
set_clock (CoreFixture *f, gint64 by_us)
{
  fake_clock_set_now (f->clock, now_us (f) + by_us);
  test_settle ();
}

static TrdTask *
create (CoreFixture *f, gint64 delay_us, const char *more)
{
  g_autofree char *options = g_strdup_printf (
      "{'start': <true>, 'earliest-begin': <int64 %" G_GINT64_FORMAT ">%s}",
      now_us (f) + delay_us,
      more);
  TrdTask *task = core_fixture_create (f, core_fixture_open (f, "{}"), URL, options);

  test_settle ();
  return task;
}

static void
assert_waits (TrdTask *task, guint32 reason)
{
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_QUEUED);
  g_assert_cmphex (trd_task_wait_reasons (task), ==, reason);
}

/* ---- dates ---- */

static void
begins_at_its_date (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, HOUR, "");
  TrdDue due = trd_scheduler_next_due (f->scheduler);

  assert_waits (task, TRUNDLE_WAIT_EARLIEST_BEGIN);
  g_assert_cmpint (due.date_us, ==, task->earliest_begin_us);
  g_assert_cmpint (due.boot_us, ==, 0);
  g_assert_false (trd_scheduler_is_waiting (f->scheduler));

  pass (f, HOUR - 1);
  assert_waits (task, TRUNDLE_WAIT_EARLIEST_BEGIN);
  pass (f, 1);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
}

/* Fault (time): the clock is set past the earliest begin of a task | Proves: it begins at
 * once */
static void
begins_when_the_clock_is_set_past (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, HOUR, "");

  set_clock (f, HOUR - SECOND);
  assert_waits (task, TRUNDLE_WAIT_EARLIEST_BEGIN);
  set_clock (f, SECOND);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
}

static void
waits_on_when_the_clock_is_set_back (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, HOUR, "");

  set_clock (f, -24 * HOUR);
  pass (f, 24 * HOUR);
  assert_waits (task, TRUNDLE_WAIT_EARLIEST_BEGIN);
  pass (f, HOUR);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
}

/* The date had come, only the network had not.
 *
 * Fault (time): the clock is set back before the earliest begin of a task whose date had
 * come | Proves: it does not begin before that comes again */
static void
waits_again_when_the_clock_is_set_back (CoreFixture *f, gconstpointer data)
{
  TrdTask *task;

  g_object_set (f->env.conditions, "network", FALSE, NULL);
  task = create (f, HOUR, "");
  pass (f, HOUR);
  assert_waits (task, TRUNDLE_WAIT_NO_NETWORK);

  set_clock (f, -HOUR);
  g_object_set (f->env.conditions, "network", TRUE, NULL);
  test_settle ();
  assert_waits (task, TRUNDLE_WAIT_EARLIEST_BEGIN);
  pass (f, HOUR);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
}

/* Who has begun is not held back by a date any more. */
static void
goes_on_when_the_clock_is_set_back (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, HOUR, "");

  pass (f, HOUR);
  core_fixture_fail (f, task, TRUNDLE_ERROR_CANNOT_CONNECT);
  test_await (task->state == TRUNDLE_TASK_QUEUED);
  set_clock (f, -24 * HOUR);
  core_fixture_restart (f);
  pass (f, 2 * SECOND);
  g_assert_cmpint (find (f)->state, ==, TRUNDLE_TASK_RUNNING);
}

static void
survives_a_restart (CoreFixture *f, gconstpointer data)
{
  create (f, HOUR, "");

  core_fixture_restart (f);
  test_settle ();
  assert_waits (find (f), TRUNDLE_WAIT_EARLIEST_BEGIN);
  core_fixture_reboot (f, now_us (f) + HOUR / 2);
  test_settle ();
  assert_waits (find (f), TRUNDLE_WAIT_EARLIEST_BEGIN);
  pass (f, HOUR / 2);
  g_assert_cmpint (find (f)->state, ==, TRUNDLE_TASK_RUNNING);
}

/* the time of the whole counts from the date. */
static void
deadline_counts_from_the_date (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, HOUR, ", 'resource-timeout': <uint64 10000>");

  pass (f, HOUR / 2);
  core_fixture_restart (f);
  pass (f, HOUR / 2);
  task = find (f);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
  pass (f, 9 * SECOND);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
  pass (f, SECOND);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
}

static void
suspended_waits_for_no_date (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, HOUR, ", 'resource-timeout': <uint64 10000>");

  g_assert_true (trd_registry_suspend (f->registry, task, NULL));
  pass (f, 2 * HOUR);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_SUSPENDED);
  g_assert_true (trd_registry_resume (f->registry, task, NULL));
  test_settle ();
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
  g_assert_cmpint (
      task->deadline_us, ==, trd_clock_boottime_us (f->env.clock) + 10 * SECOND);
}

static void
many_have_one_date (CoreFixture *f, gconstpointer data)
{
  g_autofree char *options = g_strdup_printf (
      "{'start': <true>, 'earliest-begin': <int64 %" G_GINT64_FORMAT ">}",
      now_us (f) + HOUR);
  TrdSession *session = core_fixture_open (f, "{}");

  for (guint i = 0; i < 1100; i++)
    core_fixture_create (f, session, URL, options);
  pass (f, HOUR);

  g_assert_cmpuint (trd_scheduler_count_running (f->scheduler), ==, 6);
  g_assert_cmpuint (trd_scheduler_count_waiting (f->scheduler), ==, 1100 - 6);
  for (gint64 id = 1; id <= 1100; id++)
    g_assert_cmpint (
        trd_registry_find_task (f->registry, id)->deadline_us, >, 7 * 24 * HOUR);
}

/* ---- another date ---- */

static void
takes_another_date (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, HOUR, "");
  g_autoptr (GError) error = NULL;

  g_assert_true (
      trd_registry_set_earliest_begin (f->registry, task, now_us (f) + 2 * HOUR, NULL));
  pass (f, HOUR);
  assert_waits (task, TRUNDLE_WAIT_EARLIEST_BEGIN);
  g_assert_true (trd_registry_set_earliest_begin (f->registry, task, 0, NULL));
  test_settle ();
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);

  g_assert_false (
      trd_registry_set_earliest_begin (f->registry, task, now_us (f) + HOUR, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_BAD_STATE);
}

/* One that has not begun only because it waits for something else. */
static void
takes_a_first_date (CoreFixture *f, gconstpointer data)
{
  TrdTask *task;

  g_object_set (f->env.conditions, "network", FALSE, NULL);
  task = core_fixture_create (f, core_fixture_open (f, "{}"), URL, "{'start': <true>}");
  test_settle ();
  g_assert_true (trd_registry_set_earliest_begin (
      f->registry, task, now_us (f) + 30 * 24 * HOUR, NULL));
  test_settle ();
  assert_waits (task, TRUNDLE_WAIT_EARLIEST_BEGIN);

  /* Longer than the time of the whole: that begins then. */
  g_object_set (f->env.conditions, "network", TRUE, NULL);
  pass (f, 30 * 24 * HOUR);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
}

static void
refuses_a_date_once_begun (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, HOUR, "");
  g_autoptr (GError) error = NULL;

  g_assert_false (trd_registry_set_earliest_begin (f->registry, task, -1, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);

  pass (f, HOUR);
  core_fixture_fail (f, task, TRUNDLE_ERROR_CANNOT_CONNECT);
  test_await (task->state == TRUNDLE_TASK_QUEUED);
  core_fixture_restart (f);
  g_assert_false (
      trd_registry_set_earliest_begin (f->registry, find (f), now_us (f), &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_BAD_STATE);
}

/* ---- asking ---- */

#define NOTIFY ", 'notify-before-start': <true>"

static void
attach (CoreFixture *f)
{
  TrdSession *session = trd_registry_find_session (f->registry, 1);
  TrdAttachment attachment;

  g_assert_true (
      trd_courier_attach (f->courier, session, ":1.7", FALSE, &attachment, NULL));
  trd_courier_begin_replay (f->courier, session);
  test_settle ();
}

static gboolean
answer (CoreFixture *f, const char *disposition, const char *request, GError **error)
{
  g_autoptr (GVariant) parsed = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, request, NULL, NULL, NULL);

  return trd_registry_answer_delayed (f->registry, find (f), disposition, parsed, error);
}

static void
assert_bad_state (CoreFixture *f)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (answer (f, "continue-loading", "{}", &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_BAD_STATE);
}

static TrdTask *
ask (CoreFixture *f)
{
  TrdTask *task = create (f, HOUR, NOTIFY);

  assert_waits (task, TRUNDLE_WAIT_EARLIEST_BEGIN);
  assert_bad_state (f);
  pass (f, HOUR);
  assert_waits (task, TRUNDLE_WAIT_DELAYED_REQUEST);

  return task;
}

static void
asks_before_it_begins (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = ask (f);
  g_autoptr (GPtrArray) events = trd_store_list_events (f->env.store, 1, 0, 0, NULL);
  TrdEvent *event = g_ptr_array_index (events, 0);
  g_autoptr (GVariant) request = NULL;
  const char *url;
  gint64 date_us;

  g_assert_cmpuint (events->len, ==, 1);
  g_assert_cmpint (event->kind, ==, TRUNDLE_EVENT_WILL_BEGIN_DELAYED_REQUEST);
  g_assert_true (g_variant_lookup (event->details, "request", "@a{sv}", &request));
  g_assert_true (g_variant_lookup (request, "url", "&s", &url));
  g_assert_cmpstr (url, ==, URL);
  g_assert_true (g_variant_lookup (event->details, "earliest-begin", "x", &date_us));
  g_assert_cmpint (date_us, ==, now_us (f));
  g_assert_true (g_variant_lookup (event->details, "deadline", "x", &date_us));
  g_assert_cmpint (date_us, ==, now_us (f) + 600 * SECOND);

  g_assert_true (answer (f, "continue-loading", "{}", NULL));
  test_settle ();
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
  assert_bad_state (f);
}

/* Law 5: there is no question without a task that waits for its answer.
 *
 * Fault (store): the commit fails when a task's date has come | Proves: no question is
 * told that was not stored; it is asked when the store takes it */
static void
asks_all_or_nothing (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, HOUR, NOTIFY);

  g_test_expect_message ("trundle", G_LOG_LEVEL_WARNING, "Cannot begin what is due: *");
  trd_store_fail_next_commit (f->env.store);
  pass (f, HOUR);
  g_test_assert_expected_messages ();
  assert_waits (task, TRUNDLE_WAIT_DISK_SPACE);
  g_assert_cmpuint (trd_store_count_events (f->env.store, 1), ==, 0);

  pass (f, 5 * SECOND);
  assert_waits (task, TRUNDLE_WAIT_DELAYED_REQUEST);
  g_assert_cmpuint (trd_store_count_events (f->env.store, 1), ==, 1);
}

static void
uses_the_new_request (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = ask (f);
  g_autoptr (TrdTaskRow) row = NULL;

  g_assert_true (
      answer (f, "use-new-request", "{'url': <'http://b.example/other'>}", NULL));
  test_settle ();
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_cmpstr (row->url, ==, "http://b.example/other");
  g_assert_cmpstr (task->host, ==, "b.example:80");
}

static void
cancels (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = ask (f);
  g_autoptr (TrdTaskRow) row = NULL;
  const char *reason;

  g_assert_true (answer (f, "cancel", "{}", NULL));
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_cmpstr (row->error_name, ==, "Cancelled");
  g_assert_true (g_variant_lookup (row->error_details, "reason", "&s", &reason));
  g_assert_cmpstr (reason, ==, "client");
  assert_bad_state (f);
}

static void
refuses_other_words (CoreFixture *f, gconstpointer data)
{
  static const char *const words[][2] = {
    { "", "{}" },
    { "maybe", "{}" },
    { "use-new-request", "{}" },
    { "continue-loading", "{'url': <'http://b.example/'>}" },
    { "cancel", "{'url': <'http://b.example/'>}" },
  };
  TrdTask *task = ask (f);

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (answer (f, words[i][0], words[i][1], &error));
      g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
      assert_waits (task, TRUNDLE_WAIT_DELAYED_REQUEST);
    }
}

static void
begins_without_an_answer (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = ask (f);

  set_clock (f, -24 * HOUR + 23 * HOUR + HOUR / 2);
  core_fixture_restart (f);
  pass (f, 599 * SECOND);
  task = find (f);
  assert_waits (task, TRUNDLE_WAIT_DELAYED_REQUEST);
  set_clock (f, HOUR);
  pass (f, SECOND);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
  assert_bad_state (f);
}

static void
waits_for_ever (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f,
                          HOUR,
                          NOTIFY ", 'delayed-request-timeout': <uint64 0>"
                                 ", 'resource-timeout': <uint64 0>");
  TrdDue due;

  pass (f, HOUR);
  assert_waits (task, TRUNDLE_WAIT_DELAYED_REQUEST);
  due = trd_scheduler_next_due (f->scheduler);
  g_assert_cmpint (due.boot_us, ==, 0);
  g_assert_cmpint (due.date_us, ==, 0);

  core_fixture_reboot (f, now_us (f) + 400 * 24 * HOUR);
  test_settle ();
  assert_waits (find (f), TRUNDLE_WAIT_DELAYED_REQUEST);
  g_assert_true (answer (f, "continue-loading", "{}", NULL));
  test_settle ();
  g_assert_cmpint (find (f)->state, ==, TRUNDLE_TASK_RUNNING);
}

/* The app is started for the question while other tasks of it are not finished. */
static void
wakes_the_app (CoreFixture *f, gconstpointer data)
{
  fake_launcher_script_success (f->launcher, "org.example.App", ":1.7");
  ask (f);
  core_fixture_create (f, trd_registry_find_session (f->registry, 1), URL, "{}");

  pass (f, 2 * SECOND);
  g_assert_cmpuint (fake_launcher_count_starts (f->launcher, NULL), ==, 1);
  g_assert_cmpstr (core_fixture_last (f), ==, "HANDLE org.example.App delayed-request");
  attach (f);
  g_assert_cmpuint (
      core_fixture_count (f, "EVENT :1.7 WillBeginDelayedRequest 1"), ==, 1);
}

/* It was killed in the handler: before it completed, and before it answered. */
static void
asks_again_who_was_killed (CoreFixture *f, gconstpointer data)
{
  fake_launcher_script_success (f->launcher, "org.example.App", ":1.7");
  ask (f);
  pass (f, 2 * SECOND);
  attach (f);
  fake_launcher_set_owner (f->launcher, "org.example.App", NULL);
  trd_courier_peer_vanished (f->courier, ":1.7");

  pass (f, 5 * SECOND);
  g_assert_cmpuint (fake_launcher_count_starts (f->launcher, NULL), ==, 2);
  attach (f);
  g_assert_cmpuint (
      core_fixture_count (f, "EVENT :1.7 WillBeginDelayedRequest 1 again"), ==, 1);
}

static void
completing_is_not_answering (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = ask (f);
  TrdSession *session = task->session;

  attach (f);
  g_assert_true (trd_courier_complete (f->courier, session, ":1.7", 1, NULL));
  test_settle ();
  assert_waits (task, TRUNDLE_WAIT_DELAYED_REQUEST);
  g_assert_true (answer (f, "continue-loading", "{}", NULL));
  test_settle ();
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
}

/* Who has answered is not started for the question any more. */
static void
an_answer_ends_the_waking (CoreFixture *f, gconstpointer data)
{
  fake_launcher_script_success (f->launcher, "org.example.App", ":1.7");
  ask (f);
  g_assert_true (answer (f, "continue-loading", "{}", NULL));
  pass (f, HOUR);

  g_assert_cmpuint (fake_launcher_count_starts (f->launcher, NULL), ==, 0);
}

static void
suspending_withdraws_the_question (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = ask (f);

  g_assert_true (trd_registry_suspend (f->registry, task, NULL));
  assert_bad_state (f);
  pass (f, HOUR);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_SUSPENDED);
  core_fixture_restart (f);
  task = find (f);

  g_assert_true (trd_registry_resume (f->registry, task, NULL));
  test_settle ();
  assert_waits (task, TRUNDLE_WAIT_DELAYED_REQUEST);
  g_assert_cmpuint (trd_store_count_events (f->env.store, 1), ==, 2);
  /* Again, which is nothing on a task that is queued. */
  g_assert_true (trd_registry_resume (f->registry, task, NULL));
  assert_waits (task, TRUNDLE_WAIT_DELAYED_REQUEST);
}

static void
another_date_is_another_question (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = ask (f);

  g_assert_true (
      trd_registry_set_earliest_begin (f->registry, task, now_us (f) + HOUR, NULL));
  test_settle ();
  assert_waits (task, TRUNDLE_WAIT_EARLIEST_BEGIN);
  assert_bad_state (f);
  pass (f, HOUR);
  assert_waits (task, TRUNDLE_WAIT_DELAYED_REQUEST);
  g_assert_true (trd_registry_set_earliest_begin (f->registry, task, 0, NULL));
  test_settle ();
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
}

static void
expires_while_it_asks (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, HOUR, NOTIFY ", 'resource-timeout': <uint64 10000>");

  pass (f, HOUR);
  assert_waits (task, TRUNDLE_WAIT_DELAYED_REQUEST);
  pass (f, 10 * SECOND);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
  g_assert_cmpuint (task->session->n_asked, ==, 0);
}

#define add(name, func)                                                                  \
  g_test_add ("/delayed/" name,                                                          \
              CoreFixture,                                                               \
              NULL,                                                                      \
              core_fixture_set_up,                                                       \
              func,                                                                      \
              core_fixture_tear_down)

static void
add_dates (void)
{
  add ("date/begins", begins_at_its_date);
  add ("date/set-past", begins_when_the_clock_is_set_past);
  add ("date/set-back", waits_on_when_the_clock_is_set_back);
  add ("date/set-back-again", waits_again_when_the_clock_is_set_back);
  add ("date/set-back-once-begun", goes_on_when_the_clock_is_set_back);
  add ("date/restart", survives_a_restart);
  add ("date/deadline", deadline_counts_from_the_date);
  add ("date/suspended", suspended_waits_for_no_date);
  add ("date/many", many_have_one_date);
  add ("date/another", takes_another_date);
  add ("date/first", takes_a_first_date);
  add ("date/refused", refuses_a_date_once_begun);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add_dates ();
  add ("law-5/question", asks_all_or_nothing);
  add ("question/continue", asks_before_it_begins);
  add ("question/new-request", uses_the_new_request);
  add ("question/cancel", cancels);
  add ("question/words", refuses_other_words);
  add ("question/timeout", begins_without_an_answer);
  add ("question/no-timeout", waits_for_ever);
  add ("question/wakes", wakes_the_app);
  add ("question/killed", asks_again_who_was_killed);
  add ("question/completed", completing_is_not_answering);
  add ("question/answered", an_answer_ends_the_waking);
  add ("question/suspended", suspending_withdraws_the_question);
  add ("question/another-date", another_date_is_another_question);
  add ("question/expires", expires_while_it_asks);

  return g_test_run ();
}
