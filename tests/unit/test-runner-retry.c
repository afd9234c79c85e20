/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What becomes of a task whose attempts fail: when it is tried again, where, and when
 * that is the end. */

#include "config.h"

#include "await.h"
#include "common/defaults.h"
#include "core-fixture.h"

#define URL "http://example.org/a"
#define SECOND G_USEC_PER_SEC
#define DIGEST                                                                           \
  "'digests': <{'sha224': "                                                              \
  "'00000000000000000000000000000000000000000000000000000000'}>"
#define MIRRORS DIGEST ", 'mirrors': <['http://m1/a', 'http://m2/a']>"

static TrdTask *
start (CoreFixture *f, const char *options)
{
  g_autofree char *text = g_strdup_printf (
      "{'start': <true>%s%s}", *options != '\0' ? ", " : "", options);

  return core_fixture_create (f, core_fixture_open (f, "{}"), URL, text);
}

static TrdTaskRow *
load (CoreFixture *f, TrdTask *task)
{
  return trd_registry_load_task (f->registry, task, NULL);
}

/* Ends the running attempt so; the task has left RUNNING afterwards. */
static void
end (CoreFixture *f, TrdTask *task, TrdOutcome *outcome)
{
  test_await (fake_transport_is_running (f->transport, task->id));
  fake_transport_take_done (f->transport, task->id, outcome);
  g_assert_cmpint (task->state, !=, TRUNDLE_TASK_RUNNING);
}

static TrdOutcome *
status (guint code)
{
  TrdOutcome *outcome = trd_outcome_new_failed (TRUNDLE_ERROR_HTTP_STATUS, NULL);

  outcome->status = code;
  outcome->sent = TRUE;
  return outcome;
}

static TrdOutcome *
failed (TrundleError code)
{
  return trd_outcome_new_failed (code, NULL);
}

static gint64
wait_of (CoreFixture *f, TrdTask *task)
{
  return task->not_before_us == 0
             ? 0
             : task->not_before_us - trd_clock_boottime_us (f->env.clock);
}

static void
sit_out (CoreFixture *f, TrdTask *task)
{
  fake_clock_advance (f->clock, MAX (wait_of (f, task), 0));
}

static const char *
asked_url (CoreFixture *f, TrdTask *task)
{
  const char *url = NULL;

  test_await (fake_transport_is_running (f->transport, task->id));
  g_variant_lookup (
      fake_transport_find (f->transport, task->id)->request, "url", "&s", &url);
  return url;
}

/* ---- waits ---- */

/* By the very numbers the generator gives; and a restart changes nothing about them. */
static void
backs_off_exactly (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GRand) chance = g_rand_new_with_seed (1);
  gint64 id = start (f, "")->id;
  TrdRetry retry;

  trd_retry_init (&retry, NULL, NULL);
  for (guint i = 1; i <= 12; i++)
    {
      TrdTask *task = trd_registry_find_task (f->registry, id);
      g_autoptr (TrdTaskRow) row = NULL;
      gint64 expected_us = trd_retry_delay_us (&retry, i, g_rand_double (chance));

      end (f, task, failed (TRUNDLE_ERROR_CANNOT_CONNECT));
      g_assert_cmpint (wait_of (f, task), ==, expected_us);
      row = load (f, task);
      g_assert_cmpuint (row->failures, ==, i);
      g_assert_cmpuint (row->streak, ==, i);
      g_assert_cmpuint (row->attempts, ==, i);
      g_assert_cmpstr (row->transient_name, ==, "CannotConnect");
      test_await (trd_task_wait_reasons (task) == TRUNDLE_WAIT_BACK_OFF);
      if (i == 6)
        core_fixture_restart (f);
      sit_out (f, trd_registry_find_task (f->registry, id));
    }
}

static void
takes_the_numbers_of_the_app (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f,
                         "'retry': <{'base-delay': <@t 100>, 'max-delay': <@t 300>, "
                         "'jitter': <0.0>, 'max-attempts': <@u 4>}>");
  static const int waits_ms[] = { 100, 200, 300 };
  g_autoptr (TrdTaskRow) row = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (waits_ms); i++)
    {
      end (f, task, failed (TRUNDLE_ERROR_TIMED_OUT));
      g_assert_cmpint (wait_of (f, task), ==, waits_ms[i] * 1000);
      sit_out (f, task);
    }
  end (f, task, failed (TRUNDLE_ERROR_TIMED_OUT));
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
  row = load (f, task);
  g_assert_cmpstr (row->error_name, ==, "TimedOut");
  g_assert_cmpuint (row->attempts, ==, 4);
}

static void
begins_anew_after_progress (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "'retry': <{'jitter': <0.0>}>");

  for (guint i = 0; i < 3; i++)
    {
      end (f, task, failed (TRUNDLE_ERROR_CONNECTION_LOST));
      sit_out (f, task);
    }
  test_await (fake_transport_is_running (f->transport, task->id));
  fake_transport_progress (f->transport, task->id, 10, 0, 100);
  end (f, task, failed (TRUNDLE_ERROR_CONNECTION_LOST));
  g_assert_cmpint (wait_of (f, task), ==, SECOND);
  sit_out (f, task);
  end (f, task, failed (TRUNDLE_ERROR_CONNECTION_LOST));
  g_assert_cmpint (wait_of (f, task), ==, 2 * SECOND);
}

/* T-86, as far as the daemon decides: the server's wait is nobody's failure. */
static void
waits_as_told (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "'retry': <{'jitter': <0.0>}>");
  g_autoptr (TrdTaskRow) row = NULL;

  for (guint i = 0; i < 20; i++)
    {
      TrdOutcome *outcome = status (503);

      outcome->has_retry_after = TRUE;
      outcome->retry_after_ms = 2000;
      end (f, task, outcome);
      g_assert_cmpint (wait_of (f, task), ==, 2 * SECOND);
      test_await (trd_task_wait_reasons (task) == TRUNDLE_WAIT_RETRY_AFTER);
      sit_out (f, task);
    }
  end (f, task, status (503));
  g_assert_cmpint (wait_of (f, task), ==, SECOND);
  row = load (f, task);
  g_assert_cmpuint (row->streak, ==, 1);
  g_assert_cmpuint (row->failures, ==, 1);
}

/* ---- the end ---- */

typedef struct
{
  TrundleError code;
  guint status;
  guint n_attempts;
} Ending;

static const Ending endings[] = {
  { TRUNDLE_ERROR_HTTP_STATUS, 503, 5 },   { TRUNDLE_ERROR_PROTOCOL_ERROR, 0, 3 },
  { TRUNDLE_ERROR_HOST_NOT_FOUND, 0, 10 }, { TRUNDLE_ERROR_INTEGRITY_FAILED, 0, 2 },
  { TRUNDLE_ERROR_HTTP_STATUS, 404, 1 },   { TRUNDLE_ERROR_TLS_FAILED, 0, 1 },
};

/* So many in a row, and then that is its error; also with a restart in between. */
static void
ends_in_time (CoreFixture *f, gconstpointer data)
{
  const Ending *ending = data;
  TrdTask *task = start (f, "");
  gint64 id = task->id;
  g_autoptr (TrdTaskRow) row = NULL;

  for (guint i = 1; i <= ending->n_attempts; i++)
    {
      TrdOutcome *outcome = failed (ending->code);

      outcome->status = ending->status;
      outcome->definite = TRUE;
      task = trd_registry_find_task (f->registry, id);
      g_assert_false (trd_task_is_finished (task));
      end (f, task, outcome);
      if (i == 2 && ending->n_attempts > 2)
        core_fixture_restart (f);
      sit_out (f, trd_registry_find_task (f->registry, id));
    }
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
  row = load (f, task);
  g_assert_cmpstr (row->error_name, ==, trundle_error_to_name (ending->code));
  g_assert_cmpuint (row->attempts, ==, ending->n_attempts);
}

static void
counts_only_in_a_row (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "");

  for (guint i = 0; i < 8; i++)
    {
      end (f, task, i % 4 == 3 ? failed (TRUNDLE_ERROR_TIMED_OUT) : status (503));
      g_assert_cmpint (task->state, ==, TRUNDLE_TASK_QUEUED);
      sit_out (f, task);
    }
}

static void
begins_afresh_after_wrong_bytes (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "");
  TrdOutcome *outcome = failed (TRUNDLE_ERROR_INTEGRITY_FAILED);
  g_autoptr (TrdTaskRow) row = NULL;
  guint64 offset = 0;

  test_await (fake_transport_is_running (f->transport, task->id));
  fake_transport_respond (
      f->transport,
      task->id,
      g_variant_new_parsed ("{'status': <@u 200>, 'content-length': <@x 10>,"
                            " 'headers': <[('ETag', '\"v1\"')]>}"));
  fake_transport_write (f->transport, task->id, "0123456789", 10);
  outcome->received = 10;
  end (f, task, outcome);
  row = load (f, task);
  g_assert_cmpuint (row->received, ==, 0);
  g_assert_null (row->response);
  g_assert_cmpint (wait_of (f, task), >, 0);

  sit_out (f, task);
  test_await (fake_transport_is_running (f->transport, task->id));
  g_variant_lookup (
      fake_transport_find (f->transport, task->id)->request, "offset", "t", &offset);
  g_assert_cmpuint (offset, ==, 0);
}

/* ---- law 12 ---- */

static void
repeats_no_post (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "'method': <'POST'>");
  TrdOutcome *outcome = failed (TRUNDLE_ERROR_CONNECTION_LOST);
  g_autoptr (TrdTaskRow) row = NULL;

  /* Nobody has seen it yet. */
  end (f, task, failed (TRUNDLE_ERROR_CANNOT_CONNECT));
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_QUEUED);
  sit_out (f, task);

  outcome->sent = TRUE;
  end (f, task, outcome);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
  row = load (f, task);
  g_assert_cmpstr (row->error_name, ==, "ConnectionLost");
}

static void
repeats_a_post_that_may_be (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "'method': <'POST'>, 'idempotent': <true>");

  end (f, task, status (503));
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_QUEUED);
}

/* Nobody knows what the server has seen of it. */
static void
repeats_no_post_of_a_lost_worker (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "'method': <'POST'>");
  g_autoptr (GError) busy = g_error_new (G_IO_ERROR, G_IO_ERROR_BUSY, "Lost");

  if (g_str_equal (data, "crashed"))
    {
      test_await (fake_transport_is_running (f->transport, task->id));
      fake_transport_crash (f->transport, task->id, FALSE);
    }
  else
    end (f, task, trd_outcome_new_from_error (busy));
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
}

/* The answer was there; what went wrong then is no reason to ask for another. */
static void
repeats_no_post_that_was_answered (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "'method': <'POST'>");
  g_autoptr (TrdTaskRow) row = NULL;

  test_await (fake_transport_is_running (f->transport, task->id));
  if (g_str_equal (data, "answered"))
    {
      fake_transport_respond (
          f->transport, task->id, g_variant_new_parsed ("{'status': <@u 200>}"));
      end (f, task, failed (TRUNDLE_ERROR_NO_SPACE));
    }
  else
    {
      fake_transport_write (f->transport, task->id, "hal", 3);
      end (f, task, trd_outcome_new_complete (4, "content-length"));
    }
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
  row = load (f, task);
  g_assert_nonnull (row->error_name);
}

/* The service died while it was on its way. */
static void
repeats_no_post_after_a_restart (CoreFixture *f, gconstpointer data)
{
  gint64 id = start (f, "'method': <'POST'>")->id;
  TrdTask *task = trd_registry_find_task (f->registry, id);
  g_autoptr (TrdTaskRow) row = NULL;

  test_await (fake_transport_is_running (f->transport, id));
  core_fixture_restart (f);
  task = trd_registry_find_task (f->registry, id);
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  g_assert_cmpuint (fake_transport_get_attempts (f->transport)->len, ==, 0);
  row = load (f, task);
  g_assert_cmpstr (row->error_name, ==, "ConnectionLost");

  /* The app may say so. */
  g_assert_true (trd_registry_try_again (f->registry, task, NULL));
  core_fixture_complete (f, task, "x");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
}

/* What was not sent leaves no mark. */
static void
repeats_an_unsent_post_after_a_restart (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "'method': <'POST'>");
  gint64 id = task->id;

  end (f, task, failed (TRUNDLE_ERROR_CANNOT_CONNECT));
  core_fixture_restart (f);
  task = trd_registry_find_task (f->registry, id);
  sit_out (f, task);
  test_await (fake_transport_is_running (f->transport, id));
}

/* ---- mirrors ---- */

static void
asks_the_next_at_once (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, MIRRORS ", 'retry': <{'jitter': <0.0>}>");
  g_autoptr (TrdTaskRow) row = NULL;

  g_assert_cmpstr (asked_url (f, task), ==, URL);
  end (f, task, failed (TRUNDLE_ERROR_CANNOT_CONNECT));
  g_assert_cmpint (wait_of (f, task), ==, 0);
  row = load (f, task);
  g_assert_cmpuint (row->mirror, ==, 1);
  g_assert_cmpstr (task->host, ==, "m1:80");
  g_assert_cmpstr (asked_url (f, task), ==, "http://m1/a");
  end (f, task, status (404));
  g_assert_cmpint (wait_of (f, task), ==, 0);
  g_assert_cmpstr (asked_url (f, task), ==, "http://m2/a");
  end (f, task, failed (TRUNDLE_ERROR_TLS_FAILED));
  g_assert_cmpint (wait_of (f, task), ==, SECOND);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_QUEUED);
  sit_out (f, task);
  g_assert_cmpstr (asked_url (f, task), ==, URL);
}

static void
stays_where_bytes_come (CoreFixture *f, gconstpointer data)
{
  gint64 id = start (f, MIRRORS)->id;
  TrdTask *task = trd_registry_find_task (f->registry, id);

  end (f, task, failed (TRUNDLE_ERROR_CANNOT_CONNECT));
  g_assert_cmpstr (asked_url (f, task), ==, "http://m1/a");
  fake_transport_progress (f->transport, task->id, 10, 0, 100);
  end (f, task, failed (TRUNDLE_ERROR_CONNECTION_LOST));
  g_assert_cmpint (wait_of (f, task), >, 0);

  core_fixture_restart (f);
  task = trd_registry_find_task (f->registry, id);
  g_assert_cmpstr (task->host, ==, "m1:80");
  sit_out (f, task);
  g_assert_cmpstr (asked_url (f, task), ==, "http://m1/a");
}

static void
ends_when_all_refuse (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, MIRRORS);
  g_autoptr (TrdTaskRow) row = NULL;

  end (f, task, status (404));
  end (f, task, status (403));
  end (f, task, status (410));
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
  row = load (f, task);
  g_assert_cmpstr (row->error_name, ==, "HttpStatus");
}

/* One has something else under the name, and the others do not have it.
 *
 * Fault (server): of two addresses one refuses, the other has a wrong file | Proves: each
 * is asked once, and the task ends */
static void
ends_when_all_refuse_or_are_wrong (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, DIGEST ", 'mirrors': <['http://m1/a']>");
  gboolean is_wrong = data != NULL;

  for (guint i = 0; i < 2; i++, is_wrong = !is_wrong)
    {
      g_assert_cmpint (task->state, !=, TRUNDLE_TASK_FINISHED);
      sit_out (f, task);
      end (f, task, is_wrong ? failed (TRUNDLE_ERROR_INTEGRITY_FAILED) : status (404));
    }
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
}

/* Wrong bytes are no progress, and no beginning for the next. */
static void
leaves_wrong_bytes_behind (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, MIRRORS);
  TrdOutcome *outcome = failed (TRUNDLE_ERROR_INTEGRITY_FAILED);

  test_await (fake_transport_is_running (f->transport, task->id));
  fake_transport_progress (f->transport, task->id, 10, 0, 100);
  outcome->received = 10;
  end (f, task, outcome);
  g_assert_cmpint (wait_of (f, task), ==, 0);
  g_assert_cmpstr (asked_url (f, task), ==, "http://m1/a");
  end (f, task, failed (TRUNDLE_ERROR_INTEGRITY_FAILED));
  end (f, task, failed (TRUNDLE_ERROR_INTEGRITY_FAILED));
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
}

static guint
count_secrets (CoreFixture *f, TrdTask *task)
{
  g_autoptr (GVariant) secrets = NULL;

  test_await (fake_transport_is_running (f->transport, task->id));
  secrets = g_variant_lookup_value (
      fake_transport_find (f->transport, task->id)->request, "secret-headers", NULL);
  return (guint)g_variant_n_children (secrets);
}

/* Law 9: what is meant for one server goes to no other. */
static void
keeps_secrets_from_mirrors (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f,
                         DIGEST
                         ", 'mirrors': <['http://m1/a', 'http://example.org:80/b']>, "
                         "'headers': <[('Cookie', 'c')]>");

  g_assert_cmpuint (count_secrets (f, task), ==, 1);
  end (f, task, failed (TRUNDLE_ERROR_CANNOT_CONNECT));
  g_assert_cmpuint (count_secrets (f, task), ==, 0);
  end (f, task, failed (TRUNDLE_ERROR_CANNOT_CONNECT));
  g_assert_cmpuint (count_secrets (f, task), ==, 1);
}

/* ---- the network is back ---- */

/* P-31. */
static void
comes_back_with_the_network (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "");
  g_autoptr (TrdTaskRow) row = NULL;

  for (guint i = 0; i < 8; i++)
    {
      end (f, task, failed (TRUNDLE_ERROR_HOST_NOT_FOUND));
      if (i < 7)
        sit_out (f, task);
    }
  g_assert_cmpint (wait_of (f, task), >, 60 * SECOND);
  g_object_set (f->env.conditions, "network", FALSE, NULL);
  g_object_set (f->env.conditions, "network", TRUE, NULL);
  g_assert_cmpint (wait_of (f, task), <=, TRD_NETWORK_UP_SPREAD_US);
  row = load (f, task);
  g_assert_cmpuint (row->failures, ==, 0);
  g_assert_cmpint (row->not_before.boot_us, ==, task->not_before_us);
  fake_clock_advance (f->clock, TRD_NETWORK_UP_SPREAD_US);
  end (f, task, failed (TRUNDLE_ERROR_HOST_NOT_FOUND));
  g_assert_cmpint (wait_of (f, task), <=, 5 * SECOND / 4);
}

static void
stays_as_told_with_the_network (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (f, "");
  TrdOutcome *outcome = status (429);

  outcome->has_retry_after = TRUE;
  outcome->retry_after_ms = 60000;
  end (f, task, outcome);
  g_object_set (f->env.conditions, "network", FALSE, NULL);
  g_object_set (f->env.conditions, "network", TRUE, NULL);
  g_assert_cmpint (wait_of (f, task), ==, 60 * SECOND);
}

/* T-36. */
static void
begins_with_the_network (CoreFixture *f, gconstpointer data)
{
  TrdTask *task;

  g_object_set (f->env.conditions, "network", FALSE, NULL);
  task = start (f, "");
  test_await (trd_task_wait_reasons (task) == TRUNDLE_WAIT_NO_NETWORK);
  g_object_set (f->env.conditions, "network", TRUE, NULL);
  test_await (fake_transport_is_running (f->transport, task->id));
}

#define add(name, data, func)                                                            \
  g_test_add ("/runner-retry/" name,                                                     \
              CoreFixture,                                                               \
              data,                                                                      \
              core_fixture_set_up,                                                       \
              func,                                                                      \
              core_fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("waits/exactly", NULL, backs_off_exactly);
  add ("waits/numbers-of-the-app", NULL, takes_the_numbers_of_the_app);
  add ("waits/anew-after-progress", NULL, begins_anew_after_progress);
  add ("waits/as-told", NULL, waits_as_told);
  for (guint i = 0; i < G_N_ELEMENTS (endings); i++)
    {
      g_autofree char *path = g_strdup_printf ("/runner-retry/ends/%s/%u",
                                               trundle_error_to_name (endings[i].code),
                                               endings[i].status);

      g_test_add (path,
                  CoreFixture,
                  &endings[i],
                  core_fixture_set_up,
                  ends_in_time,
                  core_fixture_tear_down);
    }
  add ("ends/only-in-a-row", NULL, counts_only_in_a_row);
  add ("afresh-after-wrong-bytes", NULL, begins_afresh_after_wrong_bytes);
  add ("law-12/no-post", NULL, repeats_no_post);
  add ("law-12/a-post-that-may-be", NULL, repeats_a_post_that_may_be);
  add ("law-12/worker-lost", "lost", repeats_no_post_of_a_lost_worker);
  add ("law-12/worker-crashed", "crashed", repeats_no_post_of_a_lost_worker);
  add ("law-12/answered", "answered", repeats_no_post_that_was_answered);
  add ("law-12/complete", "complete", repeats_no_post_that_was_answered);
  add ("law-12/restarted", NULL, repeats_no_post_after_a_restart);
  add ("law-12/restarted-unsent", NULL, repeats_an_unsent_post_after_a_restart);
  add ("mirrors/next-at-once", NULL, asks_the_next_at_once);
  add ("mirrors/stays-where-bytes-come", NULL, stays_where_bytes_come);
  add ("mirrors/ends-when-all-refuse", NULL, ends_when_all_refuse);
  add ("mirrors/ends-when-all-refuse/last-is-wrong",
       NULL,
       ends_when_all_refuse_or_are_wrong);
  add ("mirrors/ends-when-all-refuse/first-is-wrong",
       "first",
       ends_when_all_refuse_or_are_wrong);
  add ("mirrors/leaves-wrong-bytes-behind", NULL, leaves_wrong_bytes_behind);
  add ("law-9/keeps-secrets-from-mirrors", NULL, keeps_secrets_from_mirrors);
  add ("network/comes-back", NULL, comes_back_with_the_network);
  add ("network/stays-as-told", NULL, stays_as_told_with_the_network);
  add ("network/begins", NULL, begins_with_the_network);

  return g_test_run ();
}
