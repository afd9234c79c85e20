/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where a server keeps what it has of an upload, and in which dialect it is asked for
 * that: stored before anybody goes on, found again by whoever goes on, and given up. */

#include "config.h"

#include "await.h"
#include "common/defaults.h"
#include "core/reset.h"
#include "core-fixture-upload.h"

#define DAY G_TIME_SPAN_DAY

static void
assert_offered (CoreFixture *f, TrdTask *task, const char *expected)
{
  g_autofree char *offered = upload_offered (f, task);

  g_assert_cmpstr (offered, ==, expected);
}

static void
assert_place (CoreFixture *f, TrdTask *task, const char *expected)
{
  g_autofree char *place = upload_asked_place (f, task);

  g_assert_cmpstr (place, ==, expected);
}

static guint
count_terminations (CoreFixture *f)
{
  g_autoptr (GPtrArray) list = fake_transport_list_terminations (f->transport);

  return list->len;
}

/* ---- the place ---- */

/* T-81, C-33. */
static void
goes_on_at_its_place (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");
  g_autoptr (TrdTaskRow) row = NULL;

  assert_offered (f, task, "ietf-8 ietf-6");
  assert_place (f, task, "");
  upload_tell (f, task, UPLOAD_AT);
  fake_transport_send (f->transport, task->id, 60, 40);
  upload_break (f, task, 60, 40);

  row = upload_load (f, task);
  g_assert_cmpuint (row->body_sent, ==, 60);
  g_assert_cmpuint (row->body_confirmed, ==, 40);
  assert_place (f, task, UPLOAD_PLACE);
  assert_offered (f, task, "ietf-8 ietf-6");
  core_fixture_complete (f, task, "done");
  test_await (trd_task_is_finished (task));
  upload_assert_ended (f, task, NULL);
  g_assert_cmpuint (count_terminations (f), ==, 0);
}

/* Fault (daemon): the daemon is gone right after it was told the place | Proves: the next
 * one goes on there */
static void
survives_a_crash (CoreFixture *f, gconstpointer data)
{
  gint64 id = upload_create (f, "PUT", "")->id;
  TrdTask *task = trd_registry_find_task (f->registry, id);

  upload_tell (f, task, UPLOAD_AT);
  core_fixture_restart (f);
  task = trd_registry_find_task (f->registry, id);
  assert_place (f, task, UPLOAD_PLACE);
}

/* Fault (store): the COMMIT of a place fails | Proves: the worker is told not to go on,
 * and nothing has changed */
static void
place_is_not_stored (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");
  g_autoptr (TrdTaskRow) row = NULL;

  test_await (fake_transport_is_running (f->transport, task->id));
  trd_store_fail_next_commit (f->env.store);
  g_test_expect_message (
      G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "Cannot store where an upload is gone on*");
  g_assert_false (fake_transport_upload (f->transport, task->id, UPLOAD_AT));
  g_test_assert_expected_messages ();
  row = upload_load (f, task);
  g_assert_null (row->upload);

  upload_break (f, task, 10, 0);
  assert_place (f, task, "");
}

/* A worker tells it again, at the end, in case it could not be stored before. */
static void
end_tells_the_place (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");
  TrdOutcome *outcome = upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 10, 5);

  outcome->upload = g_variant_ref_sink (g_variant_new_parsed (UPLOAD_AT));
  upload_end (f, task, outcome);
  upload_sit_out (f, task);
  assert_place (f, task, UPLOAD_PLACE);
}

static void
suspend_keeps_the_place (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");
  g_autoptr (TrdTaskRow) row = NULL;

  upload_tell (f, task, UPLOAD_AT);
  fake_transport_send (f->transport, task->id, 60, 40);
  g_assert_true (trd_registry_suspend (f->registry, task, NULL));
  row = upload_load (f, task);
  g_assert_cmpuint (row->body_confirmed, ==, 40);
  g_assert_cmpuint (count_terminations (f), ==, 0);

  test_settle ();
  g_assert_true (trd_registry_resume (f->registry, task, NULL));
  assert_place (f, task, UPLOAD_PLACE);
}

/* What the server confirms is progress, what only went out is none. */
static void
confirmed_is_progress (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");

  upload_tell (f, task, UPLOAD_AT);
  for (guint i = 1; i <= 3; i++)
    {
      upload_break (f, task, 90, 10);
      g_assert_cmpuint (task->failures, ==, i);
    }
  test_await (fake_transport_is_running (f->transport, task->id));
  fake_transport_send (f->transport, task->id, 90, 20);
  upload_break (f, task, 90, 20);
  g_assert_cmpuint (task->failures, ==, 1);
}

/* A part of an answer is not gone on with, and nothing has come nearer by it. */
static void
answer_is_no_progress (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");

  upload_break (f, task, 100, 0);
  test_await (fake_transport_is_running (f->transport, task->id));
  fake_transport_write (f->transport, task->id, "abc", 3);
  fake_transport_progress (f->transport, task->id, 3, 0, 10);
  upload_break (f, task, 100, 0);
  g_assert_cmpuint (task->failures, ==, 2);
}

/* Law 10. */
static void
all_of_it_must_be_sent (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");
  TrdOutcome *outcome = trd_outcome_new_complete (0, "content-length");
  g_autoptr (TrdTaskRow) row = NULL;

  outcome->body_sent = UPLOAD_SIZE - 1;
  upload_end (f, task, outcome);
  row = upload_load (f, task);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_QUEUED);
  g_assert_cmpstr (row->transient_name, ==, "ProtocolError");
}

/* Fault (daemon): the daemon is gone while the answer gets its name | Proves: the next
 * one knows that all of it was sent, and sends nothing */
static void
success_is_of_all (CoreFixture *f, gconstpointer data)
{
  g_autofree char *options = g_strdup_printf ("'destination-path': <'%s/answer'>",
                                              f->directory);
  TrdTask *task = upload_create (f, "PUT", options);
  gint64 id = task->id;
  g_autoptr (TrdTaskRow) row = NULL;

  test_await (fake_transport_is_running (f->transport, id));
  fake_transport_write (f->transport, id, "done", 4);
  /* As the daemon stores it before the name is given, in a thread. */
  row = trd_store_load_task (f->env.store, id, NULL);
  g_assert_true (trd_spool_stat_part (f->env.spool, row->place, &row->intent, NULL));
  row->intent.final_name = g_strdup ("answer");
  row->received = 4;
  row->proof = g_strdup ("content-length");
  g_assert_true (trd_store_update_task (f->env.store, row, NULL));
  g_clear_pointer (&row, trd_task_row_free);

  core_fixture_restart (f);
  task = trd_registry_find_task (f->registry, id);
  test_await (trd_task_is_finished (task));
  upload_assert_ended (f, task, NULL);
  row = upload_load (f, task);
  g_assert_cmpuint (row->body_sent, ==, UPLOAD_SIZE);
  g_assert_cmpuint (row->body_confirmed, ==, UPLOAD_SIZE);
}

/* ---- the place is gone ---- */

/* T-85: once more from the beginning, and that was it. */
static void
begins_anew_once (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");
  g_autoptr (TrdTaskRow) row = NULL;

  upload_tell (f, task, UPLOAD_AT);
  upload_break (f, task, 50, 50);
  upload_tell (f, task, UPLOAD_NOWHERE);
  row = upload_load (f, task);
  g_assert_cmpuint (row->body_confirmed, ==, 0);
  upload_tell (f, task, UPLOAD_AT);
  upload_break (f, task, 50, 50);

  test_await (fake_transport_is_running (f->transport, task->id));
  g_assert_false (fake_transport_upload (f->transport, task->id, UPLOAD_NOWHERE));
  upload_assert_ended (f, task, "ProtocolError");
  g_assert_cmpuint (count_terminations (f), ==, 0);
}

/* One that comes further each time will come to its end. */
static void
begins_anew_after_progress (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");

  for (guint64 confirmed = 10; confirmed < 60; confirmed += 10)
    {
      upload_tell (f, task, UPLOAD_AT);
      upload_break (f, task, confirmed, confirmed);
      upload_tell (f, task, UPLOAD_NOWHERE);
    }
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
}

/* The count is of the task, not of the daemon. */
static void
begins_anew_once_across_daemons (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");
  gint64 id = task->id;

  upload_tell (f, task, UPLOAD_AT);
  upload_tell (f, task, UPLOAD_NOWHERE);
  core_fixture_restart (f);
  task = trd_registry_find_task (f->registry, id);
  assert_place (f, task, "");
  upload_tell (f, task, UPLOAD_AT);
  g_assert_false (fake_transport_upload (f->transport, task->id, UPLOAD_NOWHERE));
  upload_assert_ended (f, task, "ProtocolError");
}

/* The attempt ends with what the place was answered. */
static void
ends_with_the_loss (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");

  upload_tell (f, task, UPLOAD_AT);
  for (guint i = 0; i < 2; i++)
    {
      TrdOutcome *outcome = upload_refused (404, 0, 0);

      outcome->upload = g_variant_ref_sink (g_variant_new_parsed (UPLOAD_NOWHERE));
      upload_end (f, task, outcome);
      if (i == 0)
        {
          g_assert_cmpint (task->not_before_us, ==, 0);
          assert_place (f, task, "");
          upload_tell (f, task, UPLOAD_AT);
        }
    }
  upload_assert_ended (f, task, "HttpStatus");
}

/* Fault (store): the COMMIT of a loss fails | Proves: nothing begins anew that the row
 * does not know of */
static void
loss_is_not_stored (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");

  upload_tell (f, task, UPLOAD_AT);
  trd_store_fail_next_commit (f->env.store);
  g_test_expect_message (
      G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "Cannot store that an upload begins anew*");
  g_assert_false (fake_transport_upload (f->transport, task->id, UPLOAD_NOWHERE));
  g_test_assert_expected_messages ();
  upload_break (f, task, 0, 0);
  assert_place (f, task, UPLOAD_PLACE);
}

/* ---- another request ---- */

static void
update (CoreFixture *f, TrdTask *task, const char *changes)
{
  g_autoptr (GVariant) parsed = g_variant_ref_sink (g_variant_new_parsed (changes));
  g_autoptr (GError) error = NULL;

  trd_registry_update_request (f->registry, task, parsed, &error);
  g_assert_no_error (error);
}

static void
another_token_keeps_the_place (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");

  upload_tell (f, task, UPLOAD_AT);
  upload_end (f, task, upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 9, 9));
  update (f, task, "{'headers': <[('X-Token', 'new')]>}");
  assert_place (f, task, UPLOAD_PLACE);
  g_assert_cmpuint (count_terminations (f), ==, 0);
}

/* What was sent there is not wanted there any more. */
static void
another_address_voids_the_place (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");
  g_autoptr (TrdTaskRow) row = NULL;

  upload_tell (f, task, UPLOAD_AT);
  upload_end (f, task, upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 9, 9));
  update (f, task, data);
  row = upload_load (f, task);
  g_assert_cmpuint (row->body_confirmed, ==, 0);
  assert_place (f, task, "");
  g_assert_cmpuint (count_terminations (f), ==, 1);
}

/* ---- giving it up ---- */

/* The server it was begun at is told, by who began: what is secret now is for another. */
static void
update_tells_no_new_secret (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (
      f, "PUT", "'headers': <[('Authorization', 'Bearer old')]>");
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GVariant) secret = NULL;
  g_autofree char *text = NULL;
  const char *url = "";

  upload_tell (f, task, UPLOAD_AT);
  upload_end (f, task, upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 9, 9));
  update (f, task, data);
  list = fake_transport_list_terminations (f->transport);
  g_assert_cmpuint (list->len, ==, 1);
  g_variant_lookup (list->pdata[0], "url", "&s", &url);
  g_assert_cmpstr (url, ==, UPLOAD_URL);
  secret = g_variant_lookup_value (list->pdata[0], "secret-headers", NULL);
  text = g_variant_print (secret, FALSE);
  g_assert_cmpstr (text, ==, "[('Authorization', 'Bearer old')]");
}

static void
assert_terminates (CoreFixture *f, const char *url)
{
  g_autoptr (GPtrArray) list = fake_transport_list_terminations (f->transport);
  g_autoptr (GVariant) upload = NULL;
  const char *place = "";

  g_assert_cmpuint (list->len, ==, 1);
  upload = g_variant_lookup_value (list->pdata[0], "upload", G_VARIANT_TYPE_VARDICT);
  g_assert_nonnull (upload);
  g_variant_lookup (upload, "url", "&s", &place);
  g_assert_cmpstr (place, ==, url);
}

static void
cancel_terminates (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");
  gint64 id = task->id;

  upload_tell (f, task, UPLOAD_AT);
  g_assert_true (trd_registry_cancel (f->registry, task, "client", NULL));
  assert_terminates (f, UPLOAD_PLACE);
  g_assert_false (fake_transport_is_running (f->transport, id));
  upload_assert_ended (f, task, "Cancelled");
  fake_transport_answer_termination (f->transport, "{'terminated': <true>}");
  test_settle ();
  g_assert_cmpuint (count_terminations (f), ==, 0);
}

static void
nothing_to_terminate (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");

  test_await (fake_transport_is_running (f->transport, task->id));
  g_assert_true (trd_registry_cancel (f->registry, task, "client", NULL));
  g_assert_cmpuint (count_terminations (f), ==, 0);
}

/* Fault (store): the COMMIT of a cancellation fails | Proves: nothing is removed at the
 * server, and the upload goes on */
static void
failed_cancel_terminates_nothing (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");

  upload_tell (f, task, UPLOAD_AT);
  trd_store_fail_next_commit (f->env.store);
  g_assert_false (trd_registry_cancel (f->registry, task, "client", NULL));
  g_assert_cmpuint (count_terminations (f), ==, 0);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
}

/* Four at once, the others when these are answered, badly or well. */
static void
terminates_a_few_at_once (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");

  for (guint i = 0; i < 6; i++)
    upload_tell (f, upload_create_in (f, session, UPLOAD_URL, "PUT", ""), UPLOAD_AT);
  g_assert_true (trd_registry_cancel_tasks (f->registry, session, NULL, NULL, NULL));
  g_assert_cmpuint (count_terminations (f), ==, 4);
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "A server keeps something*");
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "A server keeps something*");
  fake_transport_answer_termination (f->transport, NULL);
  fake_transport_answer_termination (f->transport, "{'terminated': <false>}");
  test_settle ();
  g_test_assert_expected_messages ();
  g_assert_cmpuint (count_terminations (f), ==, 4);
  fake_transport_answer_termination (f->transport, "{'terminated': <true>}");
  test_settle ();
  g_assert_cmpuint (count_terminations (f), ==, 3);
}

/* The session, and all that is known of the task, is gone at once. */
static void
invalidating_terminates (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");
  gint64 id = task->id;

  upload_tell (f, task, UPLOAD_AT);
  g_assert_true (
      trd_registry_invalidate_and_cancel (f->registry, task->session, FALSE, NULL));
  g_assert_null (trd_registry_find_task (f->registry, id));
  g_assert_false (fake_transport_is_running (f->transport, id));
  assert_terminates (f, UPLOAD_PLACE);
}

/* Nothing that is sent now would be what was begun. */
static void
changed_source_terminates (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");

  upload_tell (f, task, UPLOAD_AT);
  upload_end (f, task, upload_failed (TRUNDLE_ERROR_SOURCE_CHANGED, 9, 9));
  upload_assert_ended (f, task, "SourceChanged");
  assert_terminates (f, UPLOAD_PLACE);
}

#define OTHER_DIGEST "0000000000000000000000000000000000000000000000000000000000000000"

/* The server has it all and has said so; that its answer is of no use to us is no reason
 * to have it removed. */
static void
nothing_is_taken_back (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (
      f, "PUT", "'digests': <{'sha-256': '" OTHER_DIGEST "'}>");

  upload_tell (f, task, UPLOAD_AT);
  for (guint i = 0; i < TRD_INTEGRITY_FAILURES_MAX; i++)
    {
      test_await (fake_transport_is_running (f->transport, task->id));
      core_fixture_complete (f, task, "done");
      upload_sit_out (f, task);
    }
  test_await (trd_task_is_finished (task));
  upload_assert_ended (f, task, "IntegrityFailed");
  g_assert_cmpuint (count_terminations (f), ==, 0);
}

/* The house is torn down while one is asked. */
static void
leaves_while_asking (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");

  upload_tell (f, task, UPLOAD_AT);
  g_assert_true (trd_registry_cancel (f->registry, task, "client", NULL));
  g_assert_cmpuint (count_terminations (f), ==, 1);
}

/* ---- dialects ---- */

static TrdOutcome *
speaks (TrdOutcome *outcome, const char *dialect)
{
  outcome->dialect = g_strdup (dialect);
  return outcome;
}

static void
app_chooses (CoreFixture *f, gconstpointer data)
{
  static const struct
  {
    const char *option;
    const char *offered;
  } cases[] = {
    { "'resumable': <'auto'>", "ietf-8 ietf-6" },
    { "'resumable': <'ietf'>", "ietf-8 ietf-6" },
    { "'resumable': <'tus'>", "tus" },
    { "'resumable': <'off'>", "" },
  };
  TrdSession *session = core_fixture_open (f, "{}");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      TrdTask *task = upload_create_in (f, session, UPLOAD_URL, "PUT", cases[i].option);

      assert_offered (f, task, cases[i].offered);
    }
}

/* Neither by the session's word nor by what its server is known to speak. */
static void
forms_are_not_for_tus (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{'resumable': <'tus'>}");
  TrdTask *form = upload_create_in (
      f, session, UPLOAD_URL, "POST", "'content-type': <'multipart/form-data'>");
  TrdTask *file = upload_create_in (f, session, UPLOAD_URL, "POST", "");

  assert_offered (f, form, "ietf-8 ietf-6");
  assert_offered (f, file, "tus");
  upload_end (f, form, speaks (upload_refused (405, 10, 0), "tus"));
  upload_assert_ended (f, form, "HttpStatus");
}

static void
off_goes_on_nowhere (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "'resumable': <'off'>");

  upload_tell (f, task, UPLOAD_AT);
  upload_break (f, task, 0, 0);
  assert_place (f, task, "");
}

/* A task of the session at @url is offered so. */
static void
assert_next (CoreFixture *f, TrdSession *session, const char *url, const char *expected)
{
  TrdTask *task = upload_create_in (f, session, url, "PUT", "");

  assert_offered (f, task, expected);
  g_assert_true (trd_registry_cancel (f->registry, task, "client", NULL));
  test_settle ();
}

static void
session_remembers (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdSession *other = core_fixture_open_named (f, "other", "{}");
  TrdTask *task = upload_create_in (f, session, UPLOAD_URL, "PUT", "");

  upload_tell (f, task, "{'url': <'" UPLOAD_PLACE "'>, 'dialect': <'ietf-6'>}");
  assert_next (f, session, "https://a.example/other", "ietf-6 ietf-8");
  assert_next (f, session, "https://b.example/", "ietf-8 ietf-6");
  assert_next (f, other, UPLOAD_URL, "ietf-8 ietf-6");

  upload_end (
      f, task, speaks (upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 0, 0), "tus"));
  assert_next (f, session, "https://a.example/other", "tus");
}

static void
remembers_nothing_for_a_week (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = upload_create_in (f, session, UPLOAD_URL, "PUT", "");

  upload_end (
      f, task, speaks (upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 0, 0), "none"));
  assert_next (f, session, "https://a.example/other", "");
  fake_clock_advance (f->clock, 7 * DAY - G_USEC_PER_SEC);
  assert_next (f, session, "https://a.example/other", "");
  fake_clock_advance (f->clock, G_USEC_PER_SEC);
  assert_next (f, session, "https://a.example/other", "ietf-8 ietf-6");
}

/* What another server speaks, to which one led. */
static void
redirects_teach_nothing (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = upload_create_in (f, session, UPLOAD_URL, "PUT", "");

  test_await (fake_transport_is_running (f->transport, task->id));
  fake_transport_redirect (f->transport, task->id, UPLOAD_URL, data, 307);
  upload_end (
      f, task, speaks (upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 0, 0), "none"));
  if (g_str_has_prefix (data, "https://a.example/"))
    assert_next (f, session, "https://a.example/other", "");
  else
    assert_next (f, session, "https://a.example/other", "ietf-8 ietf-6");
}

static void
on_reset (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  trd_registry_reset_session_finish (TRD_REGISTRY (source), result, &error);
  g_assert_no_error (error);
  *(gboolean *)user_data = TRUE;
}

static void
reset_forgets (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = upload_create_in (f, session, UPLOAD_URL, "PUT", "");
  gboolean is_done = FALSE;

  upload_end (
      f, task, speaks (upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 0, 0), "tus"));
  trd_registry_reset_session_async (f->registry, session, on_reset, &is_done);
  test_await (is_done);
  assert_next (f, session, "https://a.example/other", "ietf-8 ietf-6");
}

/* A tus server refuses what is not tus: at once again, in its words. */
static void
changes_to_tus (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, data, "");

  upload_end (f, task, speaks (upload_refused (405, 10, 0), "tus"));
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_QUEUED);
  g_assert_cmpint (task->not_before_us, ==, 0);
  g_assert_cmpuint (task->failures, ==, 0);
  assert_offered (f, task, "tus");

  upload_end (f, task, speaks (upload_refused (405, 0, 0), "tus"));
  upload_assert_ended (f, task, "HttpStatus");
}

/* Where a session has heard tus not everything is tus. */
static void
changes_from_tus (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = upload_create_in (f, session, UPLOAD_URL, data, "");

  upload_end (
      f, task, speaks (upload_failed (TRUNDLE_ERROR_SOURCE_CHANGED, 0, 0), "tus"));
  task = upload_create_in (f, session, "https://a.example/dav", data, "");
  assert_offered (f, task, "tus");
  upload_end (f, task, speaks (upload_refused (405, 0, 0), "none"));
  assert_offered (f, task, "");
  upload_end (f, task, speaks (upload_refused (405, 0, 0), "tus"));
  upload_assert_ended (f, task, "HttpStatus");
}

static void
changes_only_by_itself (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "'resumable': <'ietf'>");

  upload_end (f, task, speaks (upload_refused (405, 10, 0), "tus"));
  upload_assert_ended (f, task, "HttpStatus");
}

/* A refusal that is not for the dialect. */
static void
changes_for_no_other_refusal (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create (f, "PUT", "");

  upload_end (f, task, speaks (upload_refused (403, 10, 0), "tus"));
  upload_assert_ended (f, task, "HttpStatus");
}

static void
add (const char *path, void (*test) (CoreFixture *, gconstpointer), gconstpointer data)
{
  g_test_add (path, CoreFixture, data, core_fixture_set_up, test, core_fixture_tear_down);
}

static void
add_places (void)
{
  add ("/upload/place/goes-on", goes_on_at_its_place, NULL);
  add ("/upload/place/survives-a-crash", survives_a_crash, NULL);
  add ("/upload/place/is-not-stored", place_is_not_stored, NULL);
  add ("/upload/place/end-tells-it", end_tells_the_place, NULL);
  add ("/upload/place/suspend-keeps-it", suspend_keeps_the_place, NULL);
  add ("/upload/progress/confirmed", confirmed_is_progress, NULL);
  add ("/upload/progress/answer", answer_is_no_progress, NULL);
  add ("/upload/all-of-it", all_of_it_must_be_sent, NULL);
  add ("/upload/all-of-it/crash", success_is_of_all, NULL);
  add ("/upload/anew/once", begins_anew_once, NULL);
  add ("/upload/anew/after-progress", begins_anew_after_progress, NULL);
  add ("/upload/anew/across-daemons", begins_anew_once_across_daemons, NULL);
  add ("/upload/anew/by-the-end", ends_with_the_loss, NULL);
  add ("/upload/anew/is-not-stored", loss_is_not_stored, NULL);
  add ("/upload/update/token", another_token_keeps_the_place, NULL);
  add ("/upload/update/address",
       another_address_voids_the_place,
       "{'url': <'https://a.example/elsewhere'>}");
  add ("/upload/update/secrets/origin",
       update_tells_no_new_secret,
       "{'url': <'https://b.example/up'>, "
       "'headers': <[('Authorization', 'Bearer new')]>}");
  add ("/upload/update/secrets/method",
       update_tells_no_new_secret,
       "{'method': <'PATCH'>, 'headers': <[('Authorization', 'Bearer new')]>}");
  add ("/upload/update/method", another_address_voids_the_place, "{'method': <'PATCH'>}");
}

static void
add_ends (void)
{
  add ("/upload/terminate/cancel", cancel_terminates, NULL);
  add ("/upload/terminate/nothing", nothing_to_terminate, NULL);
  add ("/upload/terminate/failed-cancel", failed_cancel_terminates_nothing, NULL);
  add ("/upload/terminate/a-few-at-once", terminates_a_few_at_once, NULL);
  add ("/upload/terminate/invalidated", invalidating_terminates, NULL);
  add ("/upload/terminate/source-changed", changed_source_terminates, NULL);
  add ("/upload/terminate/answered", nothing_is_taken_back, NULL);
  add ("/upload/terminate/leaves-while-asking", leaves_while_asking, NULL);
}

static void
add_dialects (void)
{
  add ("/upload/dialect/app-chooses", app_chooses, NULL);
  add ("/upload/dialect/forms-are-not-for-tus", forms_are_not_for_tus, NULL);
  add ("/upload/dialect/off", off_goes_on_nowhere, NULL);
  add ("/upload/dialect/remembered", session_remembers, NULL);
  add ("/upload/dialect/none", remembers_nothing_for_a_week, NULL);
  add ("/upload/dialect/redirect/same",
       redirects_teach_nothing,
       "https://a.example/elsewhere");
  add ("/upload/dialect/redirect/other", redirects_teach_nothing, "https://b.example/up");
  add ("/upload/dialect/reset", reset_forgets, NULL);
  add ("/upload/dialect/to-tus/PUT", changes_to_tus, "PUT");
  add ("/upload/dialect/to-tus/POST", changes_to_tus, "POST");
  add ("/upload/dialect/from-tus/PUT", changes_from_tus, "PUT");
  add ("/upload/dialect/from-tus/POST", changes_from_tus, "POST");
  add ("/upload/dialect/app-has-chosen", changes_only_by_itself, NULL);
  add ("/upload/dialect/other-refusals", changes_for_no_other_refusal, NULL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add_places ();
  add_ends ();
  add_dialects ();

  return g_test_run ();
}
