/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "await.h"
#include "common/defaults.h"
#include "common/error.h"
#include "core-fixture.h"

#define APP "org.example.App"

static TrdTask *
finish_one (CoreFixture *f, TrdSession *session)
{
  TrdTask *task = core_fixture_create (
      f, session, "http://example.org/a", "{'start': <true>}");

  core_fixture_complete (f, task, "x");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  return task;
}

static TrdAttachment
attach (CoreFixture *f, TrdSession *session, const char *peer)
{
  TrdAttachment attachment = { 0 };
  g_autoptr (GError) error = NULL;

  trd_courier_attach (f->courier, session, peer, FALSE, &attachment, &error);
  g_assert_no_error (error);
  trd_courier_begin_replay (f->courier, session);
  return attachment;
}

static void
advance (CoreFixture *f, gint64 us)
{
  fake_clock_advance (f->clock, us);
  test_settle ();
}

/* Two steps: start, whose reply is the outcome, then the signal until Attach. */
static void
wakes (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdAttachment attachment;

  fake_launcher_script_success (f->launcher, APP, ":1.9");
  finish_one (f, session);
  g_assert_cmpuint (fake_launcher_count_starts (f->launcher, APP), ==, 0);
  advance (f, TRD_LAUNCH_COALESCE_US);
  test_await (core_fixture_count (f, "HANDLE " APP " tasks-finished") == 1);
  g_assert_cmpuint (fake_launcher_count_starts (f->launcher, APP), ==, 1);
  advance (f, TRD_LAUNCH_SIGNAL_INTERVAL_US);
  g_assert_cmpuint (core_fixture_count (f, "HANDLE"), ==, 2);

  attachment = attach (f, session, ":1.9");
  g_assert_true (attachment.woken);
  g_assert_cmpstr (attachment.reason, ==, "tasks-finished");
  g_assert_cmpuint (attachment.pending, ==, 1);
  test_await (g_str_equal (core_fixture_last (f), "FINISH :1.9 1"));
  advance (f, TRD_LAUNCH_LEASE_US);
  g_assert_cmpuint (core_fixture_count (f, "HANDLE"), ==, 2);
}

/* One launch for all tasks of a session, when the last is done (T-64). */
static void
wakes_once_for_all (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *other = core_fixture_create (
      f, session, "http://example.org/b", "{'start': <true>}");

  fake_launcher_script_success (f->launcher, APP, ":1.9");
  finish_one (f, session);
  advance (f, TRD_LAUNCH_COALESCE_US);
  g_assert_cmpuint (fake_launcher_count_starts (f->launcher, APP), ==, 0);

  core_fixture_complete (f, other, "x");
  test_settle ();
  advance (f, TRD_LAUNCH_COALESCE_US);
  test_await (fake_launcher_count_starts (f->launcher, APP) == 1);
}

/* A running app gets the signal alone. */
static void
does_not_start_who_runs (CoreFixture *f, gconstpointer data)
{
  fake_launcher_set_owner (f->launcher, APP, ":1.9");
  finish_one (f, core_fixture_open (f, "{}"));
  advance (f, TRD_LAUNCH_COALESCE_US);

  test_await (core_fixture_count (f, "HANDLE") == 1);
  g_assert_cmpuint (fake_launcher_count_starts (f->launcher, NULL), ==, 0);
}

typedef struct
{
  const char *name;
  const char *configuration;
} Quiet;

static const Quiet quiets[] = {
  { "sends-launch-events", "{'sends-launch-events': <false>}" },
  { "auto-complete", "{'auto-complete': <true>}" },
};

static void
stays_quiet (CoreFixture *f, gconstpointer data)
{
  const Quiet *quiet = data;
  TrdSession *session = core_fixture_open (f, quiet->configuration);
  TrdTask *task = core_fixture_create (
      f, session, "http://example.org/a", "{'start': <true>}");
  gint64 id = task->id;

  fake_launcher_script_success (f->launcher, APP, ":1.9");
  core_fixture_complete (f, task, "x");
  test_settle ();
  advance (f, TRD_LAUNCH_COALESCE_US);
  advance (f, 24 * 3600 * TRD_SECOND_US);

  g_assert_cmpuint (fake_launcher_count_starts (f->launcher, NULL), ==, 0);
  g_assert_cmpint (trd_registry_find_task (f->registry, id) == NULL,
                   ==,
                   g_str_equal (quiet->name, "auto-complete"));
}

/* Waiting for a screen uses up no try. */
static void
waits_for_a_screen (CoreFixture *f, gconstpointer data)
{
  g_object_set (f->env.conditions, "graphical", FALSE, NULL);
  fake_launcher_script_success (f->launcher, APP, ":1.9");
  finish_one (f, core_fixture_open (f, "{}"));
  advance (f, TRD_LAUNCH_COALESCE_US);
  advance (f, 24 * 3600 * TRD_SECOND_US);
  g_assert_cmpuint (fake_launcher_count_starts (f->launcher, APP), ==, 0);

  g_object_set (f->env.conditions, "graphical", TRUE, NULL);
  test_await (fake_launcher_count_starts (f->launcher, APP) == 1);
}

/* Ten sessions of an app that finish together are one process. */
static void
counts_a_start_once (CoreFixture *f, gconstpointer data)
{
  const char *const names[] = { "one", "two", "three" };
  g_autoptr (GVariant) options = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
  gint64 now_us = trd_clock_boottime_us (f->env.clock);

  fake_launcher_script_success (f->launcher, APP, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_auto (GStrv) ignored = NULL;
      gboolean existing;

      finish_one (f,
                  trd_registry_open_session (f->registry,
                                             f->owner,
                                             names[i],
                                             options,
                                             FALSE,
                                             &existing,
                                             &ignored,
                                             NULL));
    }
  advance (f, TRD_LAUNCH_COALESCE_US);
  test_await (core_fixture_count (f, "HANDLE") == 3);

  g_assert_cmpuint (
      trd_store_count_launches (f->env.store, trd_owner_key (f->owner), now_us), ==, 1);
}

/* Who runs already needs no screen to hear of it. */
static void
tells_who_runs_without_a_screen (CoreFixture *f, gconstpointer data)
{
  g_object_set (f->env.conditions, "graphical", FALSE, NULL);
  fake_launcher_set_owner (f->launcher, APP, ":1.9");
  finish_one (f, core_fixture_open (f, "{}"));
  advance (f, TRD_LAUNCH_COALESCE_US);

  test_await (core_fixture_count (f, "HANDLE") == 1);
}

/* 5 s, 1 min, 5 min, 1 h, 1 h, then no more: until something new happens. */
static void
backs_off (CoreFixture *f, gconstpointer data)
{
  static const guint rests_s[] = { 5, 60, 300, 3600, 3600 };
  TrdSession *session = core_fixture_open (f, "{}");
  g_autoptr (GError) error = g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED, "no");

  fake_launcher_script_error (f->launcher, APP, error);
  finish_one (f, session);
  advance (f, TRD_LAUNCH_COALESCE_US);
  for (guint i = 0; i < G_N_ELEMENTS (rests_s); i++)
    {
      g_assert_cmpuint (fake_launcher_count_starts (f->launcher, APP), ==, i + 1);
      advance (f, rests_s[i] * TRD_SECOND_US - 1);
      g_assert_cmpuint (fake_launcher_count_starts (f->launcher, APP), ==, i + 1);
      advance (f, 1);
    }
  g_assert_cmpuint (fake_launcher_count_starts (f->launcher, APP), ==, 6);
  advance (f, 48 * 3600 * TRD_SECOND_US);
  g_assert_cmpuint (fake_launcher_count_starts (f->launcher, APP), ==, 6);

  finish_one (f, session);
  advance (f, TRD_LAUNCH_COALESCE_US);
  g_assert_cmpuint (fake_launcher_count_starts (f->launcher, APP), ==, 7);
}

/* What happens after all tries were used up begins anew, in the next daemon as well. */
static void
begins_anew_across_a_restart (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED, "no");
  TrdSession *session = core_fixture_open (f, "{}");

  fake_launcher_script_error (f->launcher, APP, error);
  finish_one (f, session);
  advance (f, TRD_LAUNCH_COALESCE_US);
  while (trd_courier_next_launch_us (f->courier, session) != 0)
    advance (f, 3600 * TRD_SECOND_US);
  finish_one (f, session);
  core_fixture_restart (f);

  fake_launcher_script_success (f->launcher, APP, ":1.9");
  advance (f, TRD_LAUNCH_COALESCE_US);
  test_await (core_fixture_count (f, "HANDLE") == 1);
}

/* T-68: an app that is started and never attaches. */
static void
lease_runs_out (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");

  fake_launcher_script_success (f->launcher, APP, NULL);
  finish_one (f, session);
  advance (f, TRD_LAUNCH_COALESCE_US);
  test_await (core_fixture_count (f, "HANDLE") == 1);
  advance (f, TRD_LAUNCH_LEASE_US);

  g_assert_cmpuint (core_fixture_count (f, "HANDLE"), ==, TRD_LAUNCH_SIGNALS_MAX);
  g_assert_cmpint (trd_courier_get_state (f->courier, session), ==, TRD_DELIVERY_RESTING);
  g_assert_cmpuint (session->n_events, ==, 1);
}

static void
rests_across_a_restart (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED, "no");
  TrdSession *session = core_fixture_open (f, "{}");
  gint64 next_us;

  fake_launcher_script_error (f->launcher, APP, error);
  finish_one (f, session);
  advance (f, TRD_LAUNCH_COALESCE_US);
  advance (f, 5 * TRD_SECOND_US);
  advance (f, 1);
  next_us = trd_courier_next_launch_us (f->courier, session);
  g_assert_cmpint (next_us, >, 0);

  core_fixture_restart (f);
  session = trd_registry_find_session (f->registry, 1);
  g_assert_cmpint (trd_courier_next_launch_us (f->courier, session), ==, next_us);
}

static void
keeps_within_the_budget (CoreFixture *f, gconstpointer data)
{
  gint64 now_us = trd_clock_boottime_us (f->env.clock);

  fake_launcher_script_success (f->launcher, APP, ":1.9");
  for (guint i = 0; i < TRD_LAUNCHES_PER_HOUR; i++)
    trd_store_note_launch (f->env.store, trd_owner_key (f->owner), now_us, NULL);
  finish_one (f, core_fixture_open (f, "{}"));
  advance (f, TRD_LAUNCH_COALESCE_US);
  g_assert_cmpuint (fake_launcher_count_starts (f->launcher, APP), ==, 0);

  advance (f, 3600 * TRD_SECOND_US);
  advance (f, 1);
  test_await (fake_launcher_count_starts (f->launcher, APP) == 1);
}

/* Law 7: in order, each once, DidFinishEvents last; what arrives meanwhile comes before.
 */
static void
replays_in_order (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");

  for (guint i = 0; i < 3; i++)
    finish_one (f, session);
  attach (f, session, ":1.2");
  test_await (core_fixture_count (f, "FINISH") == 1);

  g_assert_cmpuint (f->said->len, ==, 4);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *expected = g_strdup_printf ("EVENT :1.2 TaskFinished %u", i + 1);

      g_assert_cmpstr (g_ptr_array_index (f->said, i), ==, expected);
    }
  g_assert_cmpstr (core_fixture_last (f), ==, "FINISH :1.2 3");

  finish_one (f, session);
  test_await (g_str_equal (core_fixture_last (f), "FINISH :1.2 4"));
}

static void
finishes_when_there_were_none (CoreFixture *f, gconstpointer data)
{
  attach (f, core_fixture_open (f, "{}"), ":1.2");
  test_await (g_str_equal (core_fixture_last (f), "FINISH :1.2 0"));
}

/* T-66, P-14: the app dies in its handler, three times in a row.
 *
 * Fault (app): a launched app attaches, hears an event and dies before it completes it,
 * three times | Proves: it is launched again, later each time, and hears the same event
 * again, flagged; nothing is lost (law 7) */
static void
dies_in_its_handler (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  gint64 rested_us = 0;

  fake_launcher_script_success (f->launcher, APP, ":1.9");
  finish_one (f, session);
  advance (f, TRD_LAUNCH_COALESCE_US);
  for (guint death = 1; death <= 3; death++)
    {
      gint64 rest_us;

      test_await (fake_launcher_count_starts (f->launcher, APP) == death);
      test_await (core_fixture_count (f, "HANDLE") >= death);
      attach (f, session, ":1.9");
      test_await (core_fixture_count (f, "FINISH") == death);
      g_assert_cmpuint (core_fixture_count (f, "EVENT :1.9 TaskFinished 1"), ==, death);
      g_assert_cmpuint (
          core_fixture_count (f, "EVENT :1.9 TaskFinished 1 again"), ==, death - 1);
      fake_launcher_set_owner (f->launcher, APP, NULL);
      trd_courier_peer_vanished (f->courier, ":1.9");

      g_assert_cmpint (
          trd_courier_get_state (f->courier, session), ==, TRD_DELIVERY_RESTING);
      g_assert_cmpuint (session->n_events, ==, 1);
      rest_us = trd_courier_next_launch_us (f->courier, session)
                - trd_clock_boottime_us (f->env.clock);
      g_assert_cmpint (rest_us, >, rested_us);
      rested_us = rest_us;
      advance (f, rest_us);
      advance (f, 1);
    }
  test_await (fake_launcher_count_starts (f->launcher, APP) == 4);
}

/* T-67, P-14.
 *
 * Fault (app): the consumer says nothing for ten minutes while it has an event in hand |
 * Proves: nobody takes it from it or launches another; what ends meanwhile is told in
 * order, and to other sessions as well; it can complete all the same */
static void
blocks_for_minutes (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdSession *other = core_fixture_open_named (f, "other", "{}");

  fake_launcher_set_owner (f->launcher, APP, ":1.9");
  attach (f, session, ":1.9");
  finish_one (f, session);
  test_await (core_fixture_count (f, "EVENT :1.9 TaskFinished 1") == 1);
  advance (f, 600 * TRD_SECOND_US);
  finish_one (f, session);
  attach (f, other, ":1.2");
  finish_one (f, other);

  test_await (core_fixture_count (f, "EVENT :1.9 TaskFinished 2") == 1);
  test_await (core_fixture_count (f, "EVENT :1.2 TaskFinished 1") == 1);
  g_assert_cmpuint (fake_launcher_count_starts (f->launcher, NULL), ==, 0);
  g_assert_cmpint (
      trd_courier_get_state (f->courier, session), ==, TRD_DELIVERY_OFFERING);
  g_assert_true (trd_courier_complete (f->courier, session, ":1.9", 2, NULL));
  g_assert_cmpuint (session->n_events, ==, 0);
}

/* Fault (app): one consumer attaches twice | Proves: it hears all that is not completed
 * again, in order and flagged, and no other is needed */
static void
attaches_twice (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{'sends-launch-events': <false>}");

  finish_one (f, session);
  finish_one (f, session);
  attach (f, session, ":1.2");
  test_await (core_fixture_count (f, "FINISH") == 1);
  g_assert_true (trd_courier_complete (f->courier, session, ":1.2", 1, NULL));
  g_ptr_array_set_size (f->said, 0);

  attach (f, session, ":1.2");
  test_await (core_fixture_count (f, "FINISH") == 1);
  g_assert_cmpuint (core_fixture_count (f, "EVENT"), ==, 1);
  g_assert_cmpstr (g_ptr_array_index (f->said, 0), ==, "EVENT :1.2 TaskFinished 2 again");
}

/* T-66: at least once, and the second time it says so. */
static void
offers_again (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{'sends-launch-events': <false>}");

  for (guint i = 0; i < 3; i++)
    finish_one (f, session);
  attach (f, session, ":1.2");
  test_await (core_fixture_count (f, "FINISH") == 1);
  g_assert_true (trd_courier_complete (f->courier, session, ":1.2", 1, NULL));
  trd_courier_peer_vanished (f->courier, ":1.2");
  g_ptr_array_set_size (f->said, 0);

  attach (f, session, ":1.3");
  test_await (core_fixture_count (f, "FINISH") == 1);
  g_assert_cmpuint (core_fixture_count (f, "EVENT"), ==, 2);
  g_assert_cmpstr (g_ptr_array_index (f->said, 0), ==, "EVENT :1.3 TaskFinished 2 again");
}

static void
offers_again_what_was_sent_live (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{'sends-launch-events': <false>}");

  attach (f, session, ":1.2");
  test_await (core_fixture_count (f, "FINISH") == 1);
  finish_one (f, session);
  test_await (core_fixture_count (f, "EVENT :1.2 TaskFinished 1") == 1);
  g_assert_cmpuint (core_fixture_count (f, "EVENT :1.2 TaskFinished 1 again"), ==, 0);

  core_fixture_restart (f);
  g_ptr_array_set_size (f->said, 0);
  attach (f, trd_registry_find_session (f->registry, 1), ":1.3");
  test_await (core_fixture_count (f, "FINISH") == 1);
  g_assert_cmpuint (core_fixture_count (f, "EVENT :1.3 TaskFinished 1 again"), ==, 1);
}

/* T-56. */
static void
one_consumer (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdAttachment attachment;
  g_autoptr (GError) error = NULL;

  finish_one (f, session);
  attach (f, session, ":1.2");
  g_assert_false (
      trd_courier_attach (f->courier, session, ":1.3", FALSE, &attachment, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_SESSION_IN_USE);
  g_clear_error (&error);
  g_assert_false (trd_courier_complete (f->courier, session, ":1.3", 1, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_SESSION_IN_USE);

  g_assert_true (
      trd_courier_attach (f->courier, session, ":1.3", TRUE, &attachment, NULL));
  g_assert_cmpuint (core_fixture_count (f, "DETACHED :1.2 replaced"), ==, 1);
}

static void
observers_watch (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{'sends-launch-events': <false>}");

  trd_courier_observe (f->courier, session, ":1.5");
  attach (f, session, ":1.2");
  test_await (core_fixture_count (f, "FINISH :1.2") == 1);
  finish_one (f, session);
  test_await (core_fixture_count (f, "EVENT :1.2") == 1);
  g_assert_cmpuint (core_fixture_count (f, "EVENT :1.5"), ==, 1);
  g_assert_cmpuint (core_fixture_count (f, "FINISH :1.5"), ==, 0);

  trd_courier_peer_vanished (f->courier, ":1.2");
  g_assert_cmpstr (core_fixture_last (f), ==, "LEFT :1.5");
}

/* An app that crashes on every event is woken five times more, not for ever. */
static void
gives_up_on_who_always_crashes (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  guint n = 0;

  fake_launcher_script_success (f->launcher, APP, NULL);
  finish_one (f, session);
  advance (f, TRD_LAUNCH_COALESCE_US);
  for (;; n++)
    {
      gint64 next_us;

      attach (f, session, ":1.9");
      test_settle ();
      trd_courier_peer_vanished (f->courier, ":1.9");
      next_us = trd_courier_next_launch_us (f->courier, session);
      if (next_us == 0)
        break;
      advance (f, next_us - trd_clock_boottime_us (f->env.clock));
      g_assert_cmpint (
          trd_courier_get_state (f->courier, session), ==, TRD_DELIVERY_LAUNCHING);
    }

  g_assert_cmpuint (n, ==, 5);
}

/* What comes while old events are replayed is told for the first time. */
static void
tells_new_from_old (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{'sends-launch-events': <false>}");
  TrdTask *task = core_fixture_create (f, session, "http://example.org/b", "{}");

  attach (f, session, ":1.2");
  g_assert_true (trd_registry_cancel (f->registry, task, "client", NULL));
  test_await (core_fixture_count (f, "FINISH") == 1);

  g_assert_cmpstr (
      g_ptr_array_index (f->said, 0), ==, "EVENT :1.2 TaskFinished 1 Cancelled");
}

static void
consumer_hears_once (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");

  attach (f, session, ":1.2");
  test_await (core_fixture_count (f, "FINISH") == 1);
  trd_courier_observe (f->courier, session, ":1.2");
  finish_one (f, session);
  test_await (core_fixture_count (f, "FINISH") == 2);

  g_assert_cmpuint (core_fixture_count (f, "EVENT"), ==, 1);
}

/* Launched when all is done, also when that was so once already. */
static void
waits_for_new_tasks (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *other;

  fake_launcher_script_success (f->launcher, APP, ":1.9");
  finish_one (f, session);
  other = core_fixture_create (f, session, "http://example.org/b", "{'start': <true>}");
  advance (f, TRD_LAUNCH_COALESCE_US);
  g_assert_cmpuint (fake_launcher_count_starts (f->launcher, APP), ==, 0);

  core_fixture_complete (f, other, "x");
  test_await (other->state == TRUNDLE_TASK_FINISHED);
  advance (f, TRD_LAUNCH_COALESCE_US);
  test_await (fake_launcher_count_starts (f->launcher, APP) == 1);
}

static void
wakes_once_it_may (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{'sends-launch-events': <false>}");

  fake_launcher_script_success (f->launcher, APP, ":1.9");
  finish_one (f, session);
  core_fixture_configure (f, session, "{'sends-launch-events': <true>}");
  advance (f, TRD_LAUNCH_COALESCE_US);
  test_await (fake_launcher_count_starts (f->launcher, APP) == 1);
}

static void
completes_once_it_may (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");

  finish_one (f, session);
  core_fixture_configure (f, session, "{'auto-complete': <true>}");
  test_await (session->n_events == 0);
}

/* T-54: the last words go to who was attached, and to nobody later. */
static void
invalidating_tells_the_consumer (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");

  core_fixture_create (f, session, "http://example.org/a", "{'start': <true>}");
  attach (f, session, ":1.2");
  test_await (core_fixture_count (f, "FINISH") == 1);
  g_assert_true (trd_courier_invalidate (f->courier, session, NULL));
  test_await (g_str_equal (core_fixture_last (f), "FINISH :1.2 2"));
  g_assert_cmpuint (core_fixture_count (f, "EVENT :1.2 TaskFinished 1 Cancelled"), ==, 1);
  g_assert_cmpuint (core_fixture_count (f, "EVENT :1.2 DidBecomeInvalid 2"), ==, 1);

  trd_courier_peer_vanished (f->courier, ":1.2");
  test_await (trd_registry_find_session (f->registry, 1) == NULL);
}

#define add(name, data, func)                                                            \
  g_test_add ("/courier/" name,                                                          \
              CoreFixture,                                                               \
              data,                                                                      \
              core_fixture_set_up,                                                       \
              func,                                                                      \
              core_fixture_tear_down)

static void
add_waking (void)
{
  add ("waking/wakes", NULL, wakes);
  add ("waking/once-for-all", NULL, wakes_once_for_all);
  add ("waking/not-who-runs", NULL, does_not_start_who_runs);
  add ("waking/waits-for-a-screen", NULL, waits_for_a_screen);
  add ("waking/counts-a-start-once", NULL, counts_a_start_once);
  add ("waking/tells-who-runs", NULL, tells_who_runs_without_a_screen);
  add ("waking/backs-off", NULL, backs_off);
  add ("waking/begins-anew-across-a-restart", NULL, begins_anew_across_a_restart);
  add ("waking/lease-runs-out", NULL, lease_runs_out);
  add ("waking/rests-across-a-restart", NULL, rests_across_a_restart);
  add ("waking/waits-for-new-tasks", NULL, waits_for_new_tasks);
  add ("waking/once-it-may", NULL, wakes_once_it_may);
  add ("quiet/completes-once-it-may", NULL, completes_once_it_may);
  add ("waking/budget", NULL, keeps_within_the_budget);
  add ("waking/gives-up", NULL, gives_up_on_who_always_crashes);
  for (guint i = 0; i < G_N_ELEMENTS (quiets); i++)
    {
      g_autofree char *path = g_strconcat ("/courier/quiet/", quiets[i].name, NULL);

      g_test_add (path,
                  CoreFixture,
                  &quiets[i],
                  core_fixture_set_up,
                  stays_quiet,
                  core_fixture_tear_down);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add_waking ();
  add ("offering/in-order", NULL, replays_in_order);
  add ("offering/none", NULL, finishes_when_there_were_none);
  add ("offering/again", NULL, offers_again);
  add ("offering/dies-in-its-handler", NULL, dies_in_its_handler);
  add ("offering/blocks-for-minutes", NULL, blocks_for_minutes);
  add ("offering/attaches-twice", NULL, attaches_twice);
  add ("offering/again-after-live", NULL, offers_again_what_was_sent_live);
  add ("offering/new-from-old", NULL, tells_new_from_old);
  add ("offering/consumer-hears-once", NULL, consumer_hears_once);
  add ("offering/one-consumer", NULL, one_consumer);
  add ("offering/observers", NULL, observers_watch);
  add ("offering/invalidated", NULL, invalidating_tells_the_consumer);

  return g_test_run ();
}
