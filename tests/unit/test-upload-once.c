/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Law 12 for uploads: what may not be repeated is not, and what goes on at a place, or
 * may be repeated by what the app says of it, is. */

#include "config.h"

#include "await.h"
#include "challenge-fixture.h"
#include "core-fixture-upload.h"

/* Whether the task goes on with another attempt. */
static void
assert_goes_on (CoreFixture *f, TrdTask *task)
{
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_QUEUED);
  upload_sit_out (f, task);
  test_await (fake_transport_is_running (f->transport, task->id));
}

static TrdTask *
restart (CoreFixture *f, TrdTask *task)
{
  gint64 id = task->id;

  core_fixture_restart (f);
  return trd_registry_find_task (f->registry, id);
}

/* ---- without a place ---- */

static void
post_is_sent_once (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "POST", "");

  upload_end (f, task, upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 50, 0));
  upload_assert_ended (f, task, "ConnectionLost");
}

static void
patch_is_sent_once (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PATCH", "");

  upload_end (f, task, upload_failed (TRUNDLE_ERROR_TIMED_OUT, 50, 0));
  upload_assert_ended (f, task, "TimedOut");
}

/* An error before a byte was out. */
static void
post_that_never_went_out (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "POST", "");

  upload_end (f, task, trd_outcome_new_failed (TRUNDLE_ERROR_CANNOT_CONNECT, NULL));
  assert_goes_on (f, task);
}

/* Fault (daemon): the daemon dies while a POST is under way | Proves: it does not go out
 * twice */
static void
post_after_a_crash (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "POST", "");

  test_await (fake_transport_is_running (f->transport, task->id));
  task = restart (f, task);
  test_await (trd_task_is_finished (task));
  upload_assert_ended (f, task, "ConnectionLost");
}

static void
put_is_repeated (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");

  upload_end (f, task, upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 50, 0));
  assert_goes_on (f, task);
}

/* By a word of the app, or a key by which its server tells repetitions. */
static void
app_allows_repeating (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "POST", data);

  upload_end (f, task, upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 100, 0));
  assert_goes_on (f, task);
  task = restart (f, task);
  test_await (fake_transport_is_running (f->transport, task->id));
}

/* A key of all tasks tells no repetition of one. */
static void
key_of_the_session_allows_nothing (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f,
                                           "{'headers': <[('Idempotency-Key', 'k')]>}");
  TrdTask *task = upload_create_in (f, session, UPLOAD_URL, "POST", "");

  upload_end (f, task, upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 50, 0));
  upload_assert_ended (f, task, "ConnectionLost");
}

/* Nothing of the body is in the first request of tus. */
static void
tus_creates_again (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "POST", "'resumable': <'tus'>");

  upload_end (f, task, upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 0, 0));
  assert_goes_on (f, task);
  task = restart (f, task);
  test_await (fake_transport_is_running (f->transport, task->id));
  upload_end (f, task, upload_refused (503, 0, 0));
  assert_goes_on (f, task);
}

/* Fault (daemon): the daemon dies while a POST is under way, and its server turns out to
 * speak tus | Proves: it does not go out in that, either */
static void
tus_repeats_no_post (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = upload_create_in (f, session, UPLOAD_URL, "POST", "");
  TrdTask *other = upload_create_in (f, session, UPLOAD_URL, "PUT", "");
  TrdOutcome *outcome = upload_failed (TRUNDLE_ERROR_SOURCE_CHANGED, 0, 0);

  test_await (fake_transport_is_running (f->transport, task->id));
  outcome->dialect = g_strdup ("tus");
  upload_end (f, other, outcome);
  task = restart (f, task);
  test_await (trd_task_is_finished (task));
  upload_assert_ended (f, task, "ConnectionLost");
}

/* ---- at a place ---- */

static void
post_goes_on_at_its_place (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "POST", data);

  upload_tell (f, task, UPLOAD_AT);
  upload_end (f, task, upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 100, 40));
  assert_goes_on (f, task);
  upload_end (f, task, upload_refused (503, 100, 40));
  assert_goes_on (f, task);
  task = restart (f, task);
  test_await (fake_transport_is_running (f->transport, task->id));
  fake_transport_crash (f->transport, task->id, FALSE);
  assert_goes_on (f, task);
  core_fixture_complete (f, task, "done");
  test_await (trd_task_is_finished (task));
  upload_assert_ended (f, task, NULL);
}

/* Somebody wants to know who is there. */
static void
post_is_challenged_at_its_place (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "POST", "");
  TrdOutcome *outcome = upload_failed (TRUNDLE_ERROR_AUTHENTICATION_REQUIRED, 100, 40);

  upload_tell (f, task, UPLOAD_AT);
  outcome->status = 401;
  outcome->challenge = challenge_facts (BASIC, "");
  fake_transport_take_done (f->transport, task->id, outcome);
  test_await (task->state == TRUNDLE_TASK_CHALLENGED);
}

/* The server has not got all of it, so that it cannot have done it. */
static void
half_a_post_begins_anew (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "POST", "");

  upload_tell (f, task, UPLOAD_AT);
  upload_end (f, task, upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 99, 40));
  assert_goes_on (f, task);
  upload_tell (f, task, UPLOAD_NOWHERE);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
}

/* All of it was on its way, the answer was lost, and so is the place: it may be done. */
static void
whole_post_does_not_begin_anew (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "POST", data);

  upload_tell (f, task, UPLOAD_AT);
  upload_end (f, task, upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 100, 40));
  assert_goes_on (f, task);
  /* Nothing goes out in between. */
  upload_end (f, task, trd_outcome_new_failed (TRUNDLE_ERROR_CANNOT_CONNECT, NULL));
  assert_goes_on (f, task);
  g_assert_false (fake_transport_upload (f->transport, task->id, UPLOAD_NOWHERE));
  upload_assert_ended (f, task, "ConnectionLost");
}

/* What it had confirmed in between says nothing of what it has now. */
static void
confirmed_post_does_not_begin_anew (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "POST", data);

  upload_tell (f, task, UPLOAD_AT);
  fake_transport_send (f->transport, task->id, 100, 40);
  fake_transport_send (f->transport, task->id, 40, 40);
  upload_end (f, task, upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 40, 40));
  assert_goes_on (f, task);
  g_assert_false (fake_transport_upload (f->transport, task->id, UPLOAD_NOWHERE));
  upload_assert_ended (f, task, "ConnectionLost");
}

/* The server has said since that it has not, and was sent more. */
static void
incomplete_post_begins_anew (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "POST", data);

  upload_tell (f, task, UPLOAD_AT);
  upload_end (f, task, upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 100, 0));
  assert_goes_on (f, task);
  fake_transport_send (f->transport, task->id, 50, 40);
  upload_tell (f, task, UPLOAD_NOWHERE);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
}

static void
whole_put_begins_anew (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");

  upload_tell (f, task, UPLOAD_AT);
  upload_end (f, task, upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 100, 40));
  assert_goes_on (f, task);
  upload_tell (f, task, UPLOAD_NOWHERE);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
}

/* Fault (daemon): the daemon dies while a POST goes on at a place, which is gone then |
 * Proves: it does not begin anew, since all of it may have come */
static void
post_whose_place_is_gone_after_a_crash (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "POST", data);

  upload_tell (f, task, UPLOAD_AT);
  task = restart (f, task);
  test_await (fake_transport_is_running (f->transport, task->id));
  g_assert_false (fake_transport_upload (f->transport, task->id, UPLOAD_NOWHERE));
  upload_assert_ended (f, task, "ConnectionLost");
}

/* Fault (worker): the worker is killed while a POST goes on at a place, which is gone
 * then | Proves: it does not begin anew */
static void
post_whose_place_is_gone_after_a_kill (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "POST", "");
  TrdOutcome *outcome = trd_outcome_new_failed (TRUNDLE_ERROR_FAILED, NULL);

  upload_tell (f, task, UPLOAD_AT);
  outcome->busy = TRUE;
  upload_end (f, task, outcome);
  assert_goes_on (f, task);
  g_assert_false (fake_transport_upload (f->transport, task->id, UPLOAD_NOWHERE));
  upload_assert_ended (f, task, "ConnectionLost");
}

/* It begins anew, and that breaks off as well. */
static void
post_that_begins_anew_is_a_post (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "POST", "");

  upload_tell (f, task, UPLOAD_AT);
  upload_tell (f, task, UPLOAD_NOWHERE);
  upload_end (f, task, upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 30, 0));
  upload_assert_ended (f, task, "ConnectionLost");
}

static void
begin_anew_by_tus (CoreFixture *f, TrdTask *task)
{
  upload_tell (f, task, "{'url': <'" UPLOAD_PLACE "'>, 'dialect': <'tus'>}");
  fake_transport_send (f->transport, task->id, 40, 40);
  upload_tell (f, task, UPLOAD_NOWHERE);
}

/* Fault (daemon): the daemon dies when a POST by tus has just begun anew | Proves: it
 * goes on, since nothing of the body is sent before the next place is known */
static void
post_begins_anew_by_tus (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "POST", "'resumable': <'tus'>");

  begin_anew_by_tus (f, task);
  task = restart (f, task);
  test_await (fake_transport_is_running (f->transport, task->id));
}

/* The app does not want it to be gone on with any more: then it is a request like any
 * other. */
static void
post_without_its_place (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = upload_create_in (f, session, UPLOAD_URL, data, "");

  upload_tell (f, task, UPLOAD_AT);
  upload_end (f, task, upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 100, 40));
  core_fixture_configure (f, session, "{'resumable': <'off'>}");
  upload_sit_out (f, task);
  if (g_str_equal (data, "PUT"))
    {
      g_autofree char *place = upload_asked_place (f, task);

      g_assert_cmpstr (place, ==, "");
      return;
    }
  test_await (trd_task_is_finished (task));
  upload_assert_ended (f, task, "ConnectionLost");
}

static void
add (const char *path, void (*test) (CoreFixture *, gconstpointer), gconstpointer data)
{
  g_test_add (path, CoreFixture, data, core_fixture_set_up, test, core_fixture_tear_down);
}

static void
add_without_place (void)
{
  add ("/upload-once/post", post_is_sent_once, NULL);
  add ("/upload-once/patch", patch_is_sent_once, NULL);
  add ("/upload-once/never-out", post_that_never_went_out, NULL);
  add ("/upload-once/post/crash", post_after_a_crash, NULL);
  add ("/upload-once/post/tus-is-learned", tus_repeats_no_post, NULL);
  add ("/upload-once/put", put_is_repeated, NULL);
  add ("/upload-once/place-not-wanted/POST", post_without_its_place, "POST");
  add ("/upload-once/place-not-wanted/PUT", post_without_its_place, "PUT");
  add ("/upload-once/tus/anew-crash", post_begins_anew_by_tus, NULL);
  add ("/upload-once/idempotent", app_allows_repeating, "'idempotent': <true>");
  add ("/upload-once/retry-safe", app_allows_repeating, "'retry-safe': <true>");
  add ("/upload-once/key", app_allows_repeating, "'idempotency-key': <true>");
  add ("/upload-once/own-key",
       app_allows_repeating,
       "'headers': <[('idempotency-key', 'k1')]>");
  add ("/upload-once/key-of-session", key_of_the_session_allows_nothing, NULL);
  add ("/upload-once/tus", tus_creates_again, NULL);
}

static void
add_at_place (void)
{
  add ("/upload-once/place/post", post_goes_on_at_its_place, "");
  add ("/upload-once/place/tus", post_goes_on_at_its_place, "'resumable': <'tus'>");
  add ("/upload-once/place/challenge", post_is_challenged_at_its_place, NULL);
  add ("/upload-once/anew/half", half_a_post_begins_anew, NULL);
  add ("/upload-once/anew/whole", whole_post_does_not_begin_anew, "");
  add ("/upload-once/anew/whole/tus",
       whole_post_does_not_begin_anew,
       "'resumable': <'tus'>");
  add ("/upload-once/anew/confirmed", confirmed_post_does_not_begin_anew, "");
  add ("/upload-once/anew/incomplete", incomplete_post_begins_anew, "");
  add ("/upload-once/anew/whole/put", whole_put_begins_anew, NULL);
  add ("/upload-once/anew/crash", post_whose_place_is_gone_after_a_crash, "");
  add ("/upload-once/anew/crash/tus",
       post_whose_place_is_gone_after_a_crash,
       "'resumable': <'tus'>");
  add ("/upload-once/anew/kill", post_whose_place_is_gone_after_a_kill, NULL);
  add ("/upload-once/anew/again", post_that_begins_anew_is_a_post, NULL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add_without_place ();
  add_at_place ();

  return g_test_run ();
}
