/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "core-fixture-keep.h"

#include <unistd.h>

/* Going on inside a file: laws 4 and 11, as far as the daemon decides. */

#define START "{'start': <true>}"

typedef struct
{
  guint64 offset;
  gint64 expected;
  guint n;
} Heard;

static void
on_resumed (
    TrdRegistry *registry, TrdTask *task, guint64 offset, gint64 expected, Heard *heard)
{
  heard->offset = offset;
  heard->expected = expected;
  heard->n++;
}

static void
finish (CoreFixture *f, TrdTask *task, const char *rest)
{
  fake_transport_write (f->transport, task->id, rest, strlen (rest));
  fake_transport_take_done (
      f->transport, task->id, trd_outcome_new_complete (10, "content-length"));
  test_await (task->state == TRUNDLE_TASK_FINISHED);
}

static void
assert_whole (CoreFixture *f)
{
  g_autofree char *path = g_build_filename (f->directory, "spool", "1", NULL);
  g_autofree char *contents = NULL;

  g_file_get_contents (path, &contents, NULL, NULL);
  g_assert_cmpstr (contents, ==, KEEP_WHOLE);
}

static void
goes_on_after_a_cut (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = keep_cut (f, 4, START);
  Heard heard = { 0 };
  g_autoptr (TrdTaskRow) row = trd_registry_load_task (f->registry, task, NULL);

  g_assert_cmpuint (row->received, ==, 4);
  g_signal_connect (f->registry, "task-resumed", G_CALLBACK (on_resumed), &heard);
  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 4);
  keep_respond (f, task, 4);
  finish (f, task, &KEEP_WHOLE[4]);

  assert_whole (f);
  g_assert_cmpuint (heard.n, ==, 1);
  g_assert_cmpuint (heard.offset, ==, 4);
  g_assert_cmpint (heard.expected, ==, 10);
}

/* A worker that is gone tells nothing of what it had received. */
static void
counts_for_a_lost_worker (CoreFixture *f, gboolean crashes)
{
  g_autoptr (GError) busy = g_error_new (G_IO_ERROR, G_IO_ERROR_BUSY, "Lost");
  TrdTask *task = keep_cut (f, 4, START);
  g_autoptr (TrdTaskRow) row = NULL;

  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  test_await (fake_transport_is_running (f->transport, task->id));
  if (crashes)
    fake_transport_crash (f->transport, task->id, FALSE);
  else
    fake_transport_take_done (f->transport, task->id, trd_outcome_new_from_error (busy));
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_QUEUED);
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_cmpuint (row->received, ==, 4);
  fake_clock_advance (f->clock, 10 * G_USEC_PER_SEC);
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 4);
}

/* Fault (worker): it is killed with a part half written | Proves: what was received is
 * still shown, and gone on with */
static void
counts_for_a_killed_worker (CoreFixture *f, gconstpointer data)
{
  counts_for_a_lost_worker (f, FALSE);
}

/* Fault (worker): it crashes with a part half written | Proves: what was received is
 * still shown, and gone on with */
static void
counts_for_a_crashed_worker (CoreFixture *f, gconstpointer data)
{
  counts_for_a_lost_worker (f, TRUE);
}

static void
goes_on_after_a_suspend (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = core_fixture_create (
      f, core_fixture_open (f, "{}"), "http://example.org/a", "{'start': <true>}");
  g_autoptr (TrdTaskRow) row = NULL;

  keep_respond (f, task, 0);
  fake_transport_write (f->transport, task->id, KEEP_WHOLE, 6);
  fake_transport_progress (f->transport, task->id, 6, 0, 10);
  g_assert_true (trd_registry_suspend (f->registry, task, NULL));
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_cmpuint (row->received, ==, 6);

  g_assert_true (trd_registry_resume (f->registry, task, NULL));
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 6);
}

/* The part was cut, and the row still says of which version it was.
 *
 * Fault (worker): it cut the part and died before it could say why | Proves: what the
 * row says of the old one is forgotten before a byte comes (law 11) */
static void
forgets_what_is_not_there (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = keep_cut (f, 4, START);
  g_autofree char *path = g_build_filename (f->directory, "spool", "1", NULL);
  g_autoptr (TrdTaskRow) row = NULL;

  g_assert_no_errno (truncate (path, 0));
  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 0);
  row = trd_store_load_task (f->env.store, task->id, NULL);
  g_assert_null (row->response);
}

/* What cannot be stored is not written either.
 *
 * Fault (disk): the database cannot store that another version comes | Proves: the
 * attempt ends, and the next begins with nothing (law 11) */
static void
stops_when_it_cannot_store (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = keep_cut (f, 4, START);

  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 4);
  trd_store_fail_next_commit (f->env.store);
  g_test_expect_message ("trundle", G_LOG_LEVEL_WARNING, "*Cannot store an answer*");
  keep_respond (f, task, 0);
  test_await (task->state == TRUNDLE_TASK_QUEUED);
  g_test_assert_expected_messages ();
  g_assert_false (fake_transport_is_running (f->transport, task->id));
}

/* The server sends the whole: what was kept counts for nothing.
 *
 * Fault (server): the server sends the whole to a range | Proves: the part is cut
 * first (law 11) */
static void
begins_anew_when_the_server_does (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = keep_cut (f, 4, START);
  Heard heard = { .offset = 99 };
  guint64 received;
  gint64 expected;

  g_signal_connect (f->registry, "task-resumed", G_CALLBACK (on_resumed), &heard);
  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 4);
  keep_respond (f, task, 0);

  g_assert_cmpuint (heard.offset, ==, 0);
  g_assert_true (trd_registry_get_progress (f->registry, task, &received, &expected));
  g_assert_cmpuint (received, ==, 0);
}

/* A server that is overloaded, or wants to know who asks, has said nothing of the file.
 */
static void
refuse (CoreFixture *f, TrdTask *task)
{
  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 4);
  fake_transport_respond (
      f->transport, task->id, g_variant_new_parsed ("{'status': <@u 503>}"));
}

/* Fault (server): a refusal when the part is to be gone on with | Proves: what is there
 * is kept, and gone on with afterwards */
static void
goes_on_after_a_refusal (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = keep_cut (f, 4, START);
  TrdOutcome *outcome = trd_outcome_new_failed (TRUNDLE_ERROR_CONNECTION_LOST, "Busy");
  Heard heard = { 0 };
  g_autoptr (TrdTaskRow) row = NULL;

  g_signal_connect (f->registry, "task-resumed", G_CALLBACK (on_resumed), &heard);
  refuse (f, task);
  outcome->received = 4;
  outcome->response = g_variant_ref_sink (g_variant_new_parsed ("{'status': <@u 503>}"));
  fake_transport_take_done (f->transport, task->id, outcome);
  test_await (task->state == TRUNDLE_TASK_QUEUED);
  row = trd_registry_load_task (f->registry, task, NULL);

  g_assert_cmpuint (row->received, ==, 4);
  g_assert_cmpuint (heard.n, ==, 0);
  fake_clock_advance (f->clock, 5 * G_USEC_PER_SEC);
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 4);
}

static void
goes_on_after_a_suspended_refusal (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = keep_cut (f, 4, START);

  refuse (f, task);
  g_assert_true (trd_registry_suspend (f->registry, task, NULL));
  g_assert_true (trd_registry_resume (f->registry, task, NULL));

  g_assert_cmpuint (keep_asked_offset (f, task), ==, 4);
}

/* Another version without a tag has come over it: what is there now cannot be asked for.
 */
static void
begins_anew_after_a_nameless_answer (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = keep_cut (f, 4, START);

  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 4);
  fake_transport_respond (
      f->transport,
      task->id,
      g_variant_new_parsed ("{'status': <@u 200>, 'offset': <@t 0>}"));
  g_assert_true (trd_registry_suspend (f->registry, task, NULL));
  g_assert_true (trd_registry_resume (f->registry, task, NULL));

  g_assert_cmpuint (keep_asked_offset (f, task), ==, 0);
}

/* Fault (daemon): the daemon dies amid a download | Proves: the part is gone on with
 * (law 4) */
static void
goes_on_after_a_crash (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = keep_cut (f, 4, START);

  core_fixture_restart (f);
  task = trd_registry_find_task (f->registry, 1);
  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 4);
}

/* Law 4: after a power cut only what was synced is believed.
 *
 * Fault (power): a reboot, the part longer than what was synced of it | Proves: cut to
 * what was synced, gone on with from there (law 4) */
static void
believes_what_was_synced_after_a_reboot (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = keep_cut (f, 8, START);

  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 8);
  keep_respond (f, task, 8);
  fake_transport_progress (f->transport, task->id, 8, 5, 10);

  f->env.rebooted = TRUE;
  core_fixture_restart (f);
  task = trd_registry_find_task (f->registry, 1);
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 5);
}

/* Fault (power): a reboot, nothing of the part was synced | Proves: begins anew (law
 * 4) */
static void
begins_anew_after_a_reboot_unsynced (CoreFixture *f, gconstpointer data)
{
  keep_cut (f, 8, START);

  f->env.rebooted = TRUE;
  core_fixture_restart (f);
  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  g_assert_cmpuint (
      keep_asked_offset (f, trd_registry_find_task (f->registry, 1)), ==, 0);
}

static char *
asked_validator (CoreFixture *f, TrdTask *task)
{
  char *validator = NULL;

  test_await (fake_transport_is_running (f->transport, task->id));
  g_variant_lookup (fake_transport_find (f->transport, task->id)->request,
                    "validator",
                    "s",
                    &validator);
  return validator;
}

/* T-39: a date is a validator too, through a crash and a reboot; and holds when the
 * answer that brought more did not repeat it.
 *
 * Fault (power): a reboot amid a file of which only a date is known | Proves: cut to what
 * was synced, gone on with by the date (law 4) */
static void
goes_on_by_date (CoreFixture *f, gconstpointer data)
{
  const char *date = "Sun, 06 Nov 1994 08:49:37 GMT";
  TrdTask *task = core_fixture_create (
      f, core_fixture_open (f, "{}"), "http://example.org/a", "{'start': <true>}");
  TrdOutcome *outcome = trd_outcome_new_failed (TRUNDLE_ERROR_CONNECTION_LOST, "Cut");
  g_autofree char *asked = NULL;
  g_autofree char *asked_again = NULL;

  test_await (fake_transport_is_running (f->transport, task->id));
  fake_transport_respond (
      f->transport,
      task->id,
      g_variant_new_parsed ("{'status': <@u 200>, 'content-length': <@x 10>, 'headers': "
                            "<[('Last-Modified', %s), "
                            "('Date', 'Sun, 06 Nov 1994 08:49:38 GMT')]>}",
                            date));
  fake_transport_write (f->transport, task->id, KEEP_WHOLE, 4);
  outcome->received = 4;
  fake_transport_take_done (f->transport, task->id, outcome);
  test_await (task->state == TRUNDLE_TASK_QUEUED);

  core_fixture_restart (f);
  task = trd_registry_find_task (f->registry, 1);
  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 4);
  asked = asked_validator (f, task);
  g_assert_cmpstr (asked, ==, date);
  fake_transport_respond (
      f->transport,
      task->id,
      g_variant_new_parsed ("{'status': <@u 206>, 'content-length': <@x 10>, 'offset': "
                            "<@t 4>, 'headers': <@a(ss) []>}"));
  fake_transport_write (f->transport, task->id, &KEEP_WHOLE[4], 4);
  fake_transport_progress (f->transport, task->id, 8, 7, 10);
  g_assert_true (trd_registry_suspend (f->registry, task, NULL));
  g_assert_true (trd_registry_resume (f->registry, task, NULL));

  f->env.rebooted = TRUE;
  core_fixture_restart (f);
  task = trd_registry_find_task (f->registry, 1);
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 7);
  asked_again = asked_validator (f, task);
  g_assert_cmpstr (asked_again, ==, date);
}

#define add(name, func)                                                                  \
  g_test_add ("/runner-resume/" name,                                                    \
              CoreFixture,                                                               \
              NULL,                                                                      \
              core_fixture_set_up,                                                       \
              func,                                                                      \
              core_fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("law-4/after-a-crash", goes_on_after_a_crash);
  add ("law-4/after-a-reboot", believes_what_was_synced_after_a_reboot);
  add ("law-4/after-a-reboot-unsynced", begins_anew_after_a_reboot_unsynced);
  add ("law-4/by-date", goes_on_by_date);
  add ("law-4/worker-killed", counts_for_a_killed_worker);
  add ("law-4/worker-crashed", counts_for_a_crashed_worker);
  add ("law-11/after-a-cut", goes_on_after_a_cut);
  add ("law-11/after-a-suspend", goes_on_after_a_suspend);
  add ("law-11/after-a-refusal", goes_on_after_a_refusal);
  add ("law-11/after-a-suspended-refusal", goes_on_after_a_suspended_refusal);
  add ("law-11/begins-anew", begins_anew_when_the_server_does);
  add ("law-11/forgets-what-is-not-there", forgets_what_is_not_there);
  add ("law-11/stops-when-it-cannot-store", stops_when_it_cannot_store);
  add ("law-11/begins-anew-after-a-nameless-answer", begins_anew_after_a_nameless_answer);

  return g_test_run ();
}
