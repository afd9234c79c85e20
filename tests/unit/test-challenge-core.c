/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The life of a challenge: one for all who meet it, answered by the app or not at all,
 * across restarts (T-57, T-58, T-60). */

#include "config.h"

#include "await.h"
#include "challenge-fixture.h"
#include "common/error.h"
#include "core/challenge-answer.h"

#include <string.h>

#define START "{'start': <true>}"
#define MINUTE G_TIME_SPAN_MINUTE
#define USER "{'user': <'u'>, 'password': <'p'>}"

static TrdTask *
find (CoreFixture *f, gint64 id)
{
  return trd_registry_find_task (f->registry, id);
}

static void
pass (CoreFixture *f, gint64 us)
{
  fake_clock_advance (f->clock, us);
  test_settle ();
}

static TrdTaskRow *
load (CoreFixture *f, TrdTask *task)
{
  g_autoptr (GError) error = NULL;
  TrdTaskRow *row = trd_registry_load_task (f->registry, task, &error);

  g_assert_no_error (error);
  return row;
}

static void
assert_ended (CoreFixture *f, TrdTask *task, TrundleError code)
{
  g_autoptr (TrdTaskRow) row = load (f, task);

  g_assert_cmpint (row->state, ==, TRUNDLE_TASK_FINISHED);
  g_assert_cmpstr (row->error_name, ==, trundle_error_to_name (code));
}

static guint
count_attempts (CoreFixture *f)
{
  return fake_transport_get_attempts (f->transport)->len;
}

/* ---- asking ---- */

static void
tells_all (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = challenge_open (f, session, START);
  g_autoptr (GVariant) details = challenge_last_event (f, session);
  g_autoptr (GVariant) space = NULL;
  g_autoptr (GVariant) tasks = NULL;
  const char *text;
  gboolean flag;
  guint number;
  gint64 deadline;

  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
  g_assert_cmpuint (challenge_count_events (f, session), ==, 1);
  g_assert_true (g_variant_lookup (details, "challenge", "&s", &text));
  space = g_variant_lookup_value (details, "space", G_VARIANT_TYPE_VARDICT);
  g_assert_true (g_variant_lookup (space, "method", "&s", &text));
  g_assert_cmpstr (text, ==, "basic");
  g_assert_true (g_variant_lookup (space, "realm", "&s", &text));
  g_assert_cmpstr (text, ==, "r");
  g_assert_true (g_variant_lookup (details, "proposed-user", "&s", &text));
  g_assert_cmpstr (text, ==, "");
  g_assert_true (g_variant_lookup (details, "url", "&s", &text));
  g_assert_null (strstr (text, "q=1"));
  g_assert_true (g_variant_lookup (details, "has-stored-password", "b", &flag));
  g_assert_false (flag);
  g_assert_true (g_variant_lookup (details, "secure", "b", &flag));
  g_assert_true (flag);
  g_assert_true (g_variant_lookup (details, "previous-failure-count", "u", &number));
  g_assert_cmpuint (number, ==, 0);
  g_assert_true (g_variant_lookup (details, "deadline", "x", &deadline));
  g_assert_cmpint (deadline, ==, 0);
  tasks = g_variant_lookup_value (details, "tasks", G_VARIANT_TYPE_OBJECT_PATH_ARRAY);
  g_assert_cmpuint (g_variant_n_children (tasks), ==, 1);
}

static void
answered_goes_on (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = challenge_open (f, session, START);
  g_autofree char *user = NULL;

  challenge_answer (f, task, "use-credential", USER);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
  g_assert_cmpuint (task->failures, ==, 0);
  user = challenge_given_user (f, task);
  g_assert_cmpstr (user, ==, "u");
  core_fixture_complete (f, task, "body");
  test_await (task->state == TRUNDLE_TASK_FINISHED);

  /* Nobody refers to it any more. */
  g_assert_cmpuint (session->challenges->len, ==, 0);
}

/* T-58. */
static void
counts_refusals (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = challenge_open (f, session, START);

  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpuint (challenge_count_events (f, session), ==, i + 1);
      g_assert_cmpuint (challenge_count_failures (f, session), ==, i);
      challenge_answer (f, task, "use-credential", USER);
      challenge_refuse (f, task, BASIC);
      challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
    }
  g_assert_cmpuint (count_attempts (f), ==, 4);
}

#define MANY 100

static void
one_for_all (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{'max-concurrent-tasks': <uint32 64>}");
  g_autoptr (GPtrArray) tasks = g_ptr_array_new ();

  for (guint i = 0; i < MANY; i++)
    g_ptr_array_add (tasks,
                     core_fixture_create (f, session, "https://a.example/file", START));
  for (guint i = 0; i < MANY; i++)
    challenge_meet (f, g_ptr_array_index (tasks, i), challenge_facts (BASIC, ""));

  g_assert_cmpuint (challenge_count_events (f, session), ==, 1);
  g_assert_cmpuint (session->challenges->len, ==, 1);
  g_assert_cmpuint (count_attempts (f), ==, MANY);
  challenge_answer (f, g_ptr_array_index (tasks, MANY - 1), "use-credential", USER);
  for (guint i = 0; i < MANY; i++)
    core_fixture_complete (f, g_ptr_array_index (tasks, i), "body");
  test_await (session->n_unfinished == 0);
  g_assert_cmpuint (count_attempts (f), ==, 2 * MANY);
  g_assert_cmpuint (challenge_count_events (f, session), ==, 1);
}

/* Who began before the answer came is asked again with it, and no failure of it. */
static void
late_refusal_counts_nothing (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *late = core_fixture_create (f, session, "https://a.example/late", START);
  TrdTask *task = challenge_open (f, session, START);
  g_autofree char *user = NULL;

  challenge_answer (f, task, "use-credential", USER);
  challenge_meet (f, late, challenge_facts (BASIC, ""));

  test_await (fake_transport_is_running (f->transport, late->id));
  user = challenge_given_user (f, late);
  g_assert_cmpstr (user, ==, "u");
  g_assert_cmpuint (challenge_count_events (f, session), ==, 1);
  g_assert_cmpuint (late->failures, ==, 0);
}

/* The Authorization of the app's own counts, and is not hammered at the server. */
static void
header_refused (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = core_fixture_create (
      f,
      session,
      "https://a.example/file",
      "{'start': <true>, 'headers': <[('Authorization', 'Bearer x')]>}");
  g_autoptr (GVariant) headers = NULL;

  challenge_meet (
      f, task, challenge_facts (BASIC, ", 'tried': <@a{sv} {'header': <true>}>"));
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
  g_assert_cmpuint (challenge_count_failures (f, session), ==, 1);
  g_assert_cmpuint (count_attempts (f), ==, 1);

  /* Nor beside the answer. */
  challenge_answer (f, task, "use-credential", USER);
  headers = g_variant_lookup_value (fake_transport_find (f->transport, task->id)->request,
                                    "secret-headers",
                                    G_VARIANT_TYPE ("a(ss)"));
  g_assert_cmpuint (g_variant_n_children (headers), ==, 0);
}

static void
proposes_user_of_address (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = core_fixture_create (
      f, session, "https://me:secret@a.example/file", START);
  g_autoptr (GVariant) details = NULL;
  g_autofree char *printed = NULL;
  const char *user;

  challenge_meet (f, task, challenge_facts (BASIC, ""));
  details = challenge_last_event (f, session);
  g_assert_true (g_variant_lookup (details, "proposed-user", "&s", &user));
  g_assert_cmpstr (user, ==, "me");
  printed = g_variant_print (details, FALSE);
  g_assert_null (strstr (printed, "secret"));
}

static void
handled_by_default (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{'challenge-handling': <'default'>}");
  TrdTask *task = challenge_open (f, session, START);

  assert_ended (f, task, TRUNDLE_ERROR_HTTP_STATUS);
  g_assert_cmpuint (challenge_count_events (f, session), ==, 0);
}

/* A ticket is nothing an app could give. */
static void
nothing_to_answer (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = core_fixture_create (f, session, "https://a.example/f", START);

  challenge_meet (f, task, challenge_facts ("{'method': <'negotiate'>}", ""));
  assert_ended (f, task, TRUNDLE_ERROR_HTTP_STATUS);
}

/* ---- dispositions (T-60) ---- */

static void
default_is_the_result (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = challenge_open (f, core_fixture_open (f, "{}"), START);
  g_autoptr (TrdTaskRow) row = NULL;
  guint status = 0;

  challenge_answer (f, task, "perform-default-handling", "{}");
  assert_ended (f, task, TRUNDLE_ERROR_HTTP_STATUS);
  row = load (f, task);
  g_assert_true (g_variant_lookup (row->error_details, "status", "u", &status));
  g_assert_cmpuint (status, ==, 401);
  g_assert_false (g_variant_lookup (row->error_details, "response", "@a{sv}", NULL));
  g_assert_true (g_variant_lookup (row->response, "status", "u", &status));
  g_assert_cmpuint (status, ==, 401);
  g_assert_cmpuint (g_bytes_get_size (row->error_body), ==, 4);
  g_assert_cmpuint (count_attempts (f), ==, 1);
}

static void
cancelled (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = challenge_open (f, session, START);
  TrdTask *other = challenge_open (f, session, START);

  challenge_answer (f, task, "cancel", "{}");
  assert_ended (f, task, TRUNDLE_ERROR_AUTHENTICATION_CANCELLED);
  assert_ended (f, other, TRUNDLE_ERROR_AUTHENTICATION_CANCELLED);
  g_assert_cmpuint (session->challenges->len, ==, 0);
}

static void
rejected_asks_next (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = core_fixture_create (f, session, "https://a.example/f", START);
  TrdTask *other;

  challenge_meet (f, task, challenge_facts (DIGEST ", " BASIC, ""));
  g_assert_cmpstr (task->challenge->space.method, ==, "digest");
  challenge_answer (f, task, "reject-protection-space", "{}");
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
  g_assert_cmpstr (task->challenge->space.method, ==, "basic");
  g_assert_cmpuint (challenge_count_events (f, session), ==, 2);
  g_assert_cmpuint (count_attempts (f), ==, 1);

  /* For the session, not for this task only. */
  other = core_fixture_create (f, session, "https://a.example/g", START);
  challenge_meet (f, other, challenge_facts (DIGEST ", " BASIC, ""));
  g_assert_true (other->challenge == task->challenge);
  g_assert_cmpuint (challenge_count_events (f, session), ==, 2);

  challenge_answer (f, task, "reject-protection-space", "{}");
  assert_ended (f, task, TRUNDLE_ERROR_HTTP_STATUS);
  assert_ended (f, other, TRUNDLE_ERROR_HTTP_STATUS);
  g_assert_cmpuint (count_attempts (f), ==, 2);
}

/* What went on by an answer that is refused ends as the others did. */
static void
cancel_reaches_those_behind (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = challenge_open (f, session, START);
  TrdTask *other = challenge_open (f, session, START);

  challenge_answer (f, task, "use-credential", USER);
  challenge_refuse (f, task, BASIC);
  challenge_answer (f, task, "cancel", "{}");
  assert_ended (f, task, TRUNDLE_ERROR_AUTHENTICATION_CANCELLED);
  challenge_refuse (f, other, BASIC);
  assert_ended (f, other, TRUNDLE_ERROR_AUTHENTICATION_CANCELLED);
  g_assert_cmpuint (session->challenges->len, ==, 0);
}

static void
untrusted (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = core_fixture_create (f, session, "https://a.example/f", START);
  g_autoptr (GVariant) trusted = NULL;

  challenge_meet_as (
      f,
      task,
      TRUNDLE_ERROR_TLS_FAILED,
      challenge_facts ("{'method': <'server-trust'>}", ", 'certificates': <[b'der']>"));
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
  challenge_answer (f, task, "use-credential", data);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
  trusted = g_variant_lookup_value (fake_transport_find (f->transport, task->id)->request,
                                    "trusted-certificates",
                                    G_VARIANT_TYPE ("aa{sv}"));
  g_assert_nonnull (trusted);
  g_assert_cmpuint (g_variant_n_children (trusted), >=, 1);
}

/* An answer for these tasks alone still is one when they meet the next question. */
static void
two_questions (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = core_fixture_create (f, session, "https://a.example/f", START);
  g_autoptr (GVariant) trusted = NULL;
  g_autofree char *user = NULL;

  challenge_meet_as (
      f,
      task,
      TRUNDLE_ERROR_TLS_FAILED,
      challenge_facts ("{'method': <'server-trust'>}", ", 'certificates': <[b'der']>"));
  challenge_answer (f, task, "use-credential", "{'persistence': <'none'>}");
  challenge_meet (f, task, challenge_facts (BASIC, ""));
  challenge_answer (f,
                    task,
                    "use-credential",
                    "{'user': <'u'>, 'password': <'p'>, 'persistence': <'none'>}");
  trusted = g_variant_lookup_value (fake_transport_find (f->transport, task->id)->request,
                                    "trusted-certificates",
                                    G_VARIANT_TYPE ("aa{sv}"));
  g_assert_nonnull (trusted);
  g_assert_cmpuint (g_variant_n_children (trusted), ==, 1);
  user = challenge_given_user (f, task);
  g_assert_cmpstr (user, ==, "u");
  g_assert_cmpuint (session->challenges->len, ==, 2);

  core_fixture_complete (f, task, "body");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  g_assert_cmpuint (session->challenges->len, ==, 0);
}

static void
distrusted (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = core_fixture_create (f, session, "https://a.example/f", START);

  challenge_meet_as (
      f,
      task,
      TRUNDLE_ERROR_TLS_FAILED,
      challenge_facts ("{'method': <'server-trust'>}", ", 'certificates': <[b'der']>"));
  challenge_answer (f, task, "use-credential", "{'accept-certificate': <false>}");
  assert_ended (f, task, TRUNDLE_ERROR_TLS_FAILED);
}

/* ---- what does not fit ---- */

static void
refuse_answer (CoreFixture *f,
               TrdTask *task,
               const char *disposition,
               const char *answer,
               TrundleError code,
               const char *word)
{
  g_autoptr (GError) error = NULL;

  g_test_message ("%s %s", disposition, answer);
  g_assert_false (challenge_respond (f, task, disposition, answer, &error));
  g_assert_error (error, TRUNDLE_ERROR, (int)code);
  g_assert_nonnull (strstr (error->message, word));
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
}

static void
bad_answers (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = challenge_open (f, core_fixture_open (f, "{}"), START);
  const TrundleError invalid = TRUNDLE_ERROR_INVALID_ARGUMENT;

  refuse_answer (f, task, "shrug", "{}", invalid, "disposition");
  refuse_answer (f, task, "cancel", USER, invalid, "answer");
  refuse_answer (f, task, "use-credential", "{}", invalid, "password");
  refuse_answer (f, task, "use-credential", "{'password': <'p'>}", invalid, "user");
  refuse_answer (f, task, "use-credential", "{'user': <'u'>}", invalid, "password");
  refuse_answer (f, task, "use-credential", "{'token': <'t'>}", invalid, "token");
  refuse_answer (
      f, task, "use-credential", "{'accept-certificate': <true>}", invalid, "accept");
}

static void
wrong_ids (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = challenge_open (f, core_fixture_open (f, "{}"), START);
  g_autoptr (GVariant) none = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
  g_autofree char *id = g_strdup_printf ("%" G_GINT64_FORMAT, task->challenge->row->id);
  g_autoptr (GError) error = NULL;

  g_assert_false (trd_registry_respond_to_challenge (
      f->registry, task, "x1", "cancel", none, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_false (trd_registry_respond_to_challenge (
      f->registry, task, "77", "cancel", none, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_BAD_STATE);
  g_clear_error (&error);

  challenge_answer (f, task, "use-credential", USER);
  g_assert_false (
      trd_registry_respond_to_challenge (f->registry, task, id, "cancel", none, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_BAD_STATE);
}

/* Laws 1 and 2: what cannot be stored has not happened. */
static void
commit_fails (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = challenge_open (f, core_fixture_open (f, "{}"), START);
  g_autoptr (GError) error = NULL;
  g_autofree char *user = NULL;

  trd_store_fail_next_commit (f->env.store);
  g_assert_false (challenge_respond (f, task, "use-credential", USER, &error));
  g_assert_nonnull (error);
  test_settle ();
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
  challenge_answer (f, task, "use-credential", "{'user': <'v'>, 'password': <'q'>}");
  user = challenge_given_user (f, task);
  g_assert_cmpstr (user, ==, "v");
}

static void
opening_is_not_stored (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = core_fixture_create (f, session, "https://a.example/f", START);

  test_await (fake_transport_is_running (f->transport, task->id));
  trd_store_fail_next_commit (f->env.store);
  g_test_expect_message ("trundle", G_LOG_LEVEL_WARNING, "Cannot store what became*");
  challenge_meet (f, task, challenge_facts (BASIC, ""));
  g_test_assert_expected_messages ();
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_QUEUED);
  g_assert_cmphex (trd_task_wait_reasons (task), ==, TRUNDLE_WAIT_DISK_SPACE);
  g_assert_null (task->challenge);
  g_assert_cmpuint (challenge_count_events (f, session), ==, 0);
}

/* ---- what else happens to its tasks ---- */

static void
suspended_leaves_it (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = challenge_open (f, session, START);
  g_autoptr (GError) error = NULL;

  g_assert_true (trd_registry_suspend (f->registry, task, &error));
  g_assert_null (task->challenge);
  g_assert_cmpuint (session->challenges->len, ==, 0);
  g_assert_true (trd_registry_resume (f->registry, task, &error));
  challenge_meet (f, task, challenge_facts (BASIC, ""));
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
  g_assert_cmpuint (challenge_count_events (f, session), ==, 2);
}

static void
other_ends_leave_it (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = challenge_open (f, session, START);
  TrdTask *expiring = challenge_open (
      f, session, "{'start': <true>, 'resource-timeout': <uint64 60000>}");
  g_autoptr (GError) error = NULL;

  pass (f, MINUTE);
  assert_ended (f, expiring, TRUNDLE_ERROR_TIMED_OUT);
  g_assert_cmpuint (session->challenges->len, ==, 1);
  g_assert_true (trd_registry_cancel (f->registry, task, "client", &error));
  assert_ended (f, task, TRUNDLE_ERROR_CANCELLED);
  g_assert_cmpuint (session->challenges->len, ==, 0);
}

static void
update (CoreFixture *f, TrdTask *task, const char *text)
{
  g_autoptr (GVariant) changes = g_variant_ref_sink (g_variant_new_parsed (text));
  g_autoptr (GError) error = NULL;

  trd_registry_update_request (f->registry, task, changes, &error);
  g_assert_no_error (error);
  test_settle ();
}

static void
another_request (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *first = challenge_open (f, session, START);
  TrdTask *second = challenge_open (f, session, START);

  update (f, first, "{'url': <'https://a.example/other'>}");
  challenge_assert_waits (first, TRUNDLE_WAIT_AUTHENTICATION);
  update (f, first, "{'url': <'https://b.example/other'>}");
  g_assert_cmpint (first->state, ==, TRUNDLE_TASK_RUNNING);
  update (f, second, "{'headers': <[('Authorization', 'Bearer y')]>}");
  g_assert_cmpint (second->state, ==, TRUNDLE_TASK_RUNNING);
}

/* ---- time and restarts ---- */

#define TIMEOUT "{'start': <true>, 'challenge-timeout': <uint64 120000>}"

static void
nobody_answers (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = challenge_open (f, session, TIMEOUT);
  TrdTask *other = challenge_open (f, session, START);
  TrdDue due = trd_scheduler_next_due (f->scheduler);

  g_assert_cmpint (due.boot_us, ==, trd_clock_boottime_us (f->env.clock) + 2 * MINUTE);
  pass (f, 2 * MINUTE - 1);
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
  pass (f, 1);
  assert_ended (f, task, TRUNDLE_ERROR_AUTHENTICATION_REQUIRED);
  assert_ended (f, other, TRUNDLE_ERROR_AUTHENTICATION_REQUIRED);
}

static void
restart_keeps_it (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = challenge_open (f, session, TIMEOUT);
  gint64 id = task->id;

  pass (f, MINUTE);
  core_fixture_restart (f);
  test_settle ();
  task = find (f, id);
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
  g_assert_cmpuint (challenge_count_events (f, task->session), ==, 1);
  pass (f, MINUTE);
  assert_ended (f, task, TRUNDLE_ERROR_AUTHENTICATION_REQUIRED);
}

static void
reboot_keeps_its_end (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = challenge_open (f, session, TIMEOUT);
  gint64 id = task->id;

  core_fixture_reboot (f, trd_clock_now_us (f->env.clock) + MINUTE);
  test_settle ();
  task = find (f, id);
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
  core_fixture_restart (f);
  task = find (f, id);
  pass (f, MINUTE - 1);
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
  pass (f, 1);
  assert_ended (f, task, TRUNDLE_ERROR_AUTHENTICATION_REQUIRED);
}

static void
answered_after_restart (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = challenge_open (f, session, START);
  gint64 id = task->id;
  g_autofree char *user = NULL;

  challenge_answer (f, task, "use-credential", USER);
  challenge_refuse (f, task, BASIC);
  core_fixture_restart (f);
  test_settle ();
  task = find (f, id);
  /* What the keyring has is the one that was refused: nobody knows that any more, and it
   * is tried once. */
  challenge_refuse (f, task, BASIC);
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
  g_assert_cmpuint (challenge_count_failures (f, task->session), ==, 2);
  challenge_answer (f, task, "use-credential", "{'user': <'v'>, 'password': <'q'>}");
  user = challenge_given_user (f, task);
  g_assert_cmpstr (user, ==, "v");
}

/* ---- telling ---- */

static void
wakes_the_app (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *busy = core_fixture_create (f, session, "https://b.example/f", START);
  TrdAttachment attachment;
  g_autoptr (GError) error = NULL;
  TrdTask *task;

  fake_launcher_script_success (f->launcher, "org.example.App", ":1.7");
  task = challenge_open (f, session, START);
  pass (f, 10 * G_USEC_PER_SEC);
  g_assert_cmpint (busy->state, ==, TRUNDLE_TASK_RUNNING);
  g_assert_cmpuint (core_fixture_count (f, "HANDLE"), >=, 1);
  g_assert_true (g_str_has_suffix (core_fixture_last (f), " challenge"));
  trd_courier_attach (f->courier, session, ":1.7", FALSE, &attachment, &error);
  g_assert_no_error (error);
  g_assert_true (attachment.woken);
  g_assert_cmpstr (attachment.reason, ==, "challenge");
  trd_courier_begin_replay (f->courier, session);
  test_settle ();
  g_assert_cmpuint (core_fixture_count (f, "EVENT :1.7 ChallengeReceived"), ==, 1);

  /* It completes the telling, not the answering. */
  trd_courier_complete (f->courier, session, ":1.7", session->row->last_sequence, &error);
  g_assert_no_error (error);
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
  challenge_answer (f, task, "use-credential", USER);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
}

static void
one_launch_for_many (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  guint n;

  fake_launcher_script_success (f->launcher, "org.example.App", ":1.7");
  challenge_open (f, session, START);
  pass (f, 10 * G_USEC_PER_SEC);
  n = fake_launcher_count_starts (f->launcher, NULL);
  challenge_open (f, session, START);
  pass (f, G_USEC_PER_SEC);
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpuint (fake_launcher_count_starts (f->launcher, NULL), ==, n);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD_DATA(path, func, data)                                                       \
  g_test_add ("/challenge-core/" path,                                                   \
              CoreFixture,                                                               \
              data,                                                                      \
              core_fixture_set_up,                                                       \
              func,                                                                      \
              core_fixture_tear_down)
#define ADD(path, func) ADD_DATA (path, func, NULL)
  ADD ("tells-all", tells_all);
  ADD ("answered-goes-on", answered_goes_on);
  ADD ("counts-refusals", counts_refusals);
  ADD ("one-for-all", one_for_all);
  ADD ("late-refusal-counts-nothing", late_refusal_counts_nothing);
  ADD ("header-refused", header_refused);
  ADD ("proposes-user-of-address", proposes_user_of_address);
  ADD ("handled-by-default", handled_by_default);
  ADD ("nothing-to-answer", nothing_to_answer);
  ADD ("default-is-the-result", default_is_the_result);
  ADD ("cancelled", cancelled);
  ADD ("rejected-asks-next", rejected_asks_next);
  ADD ("cancel-reaches-those-behind", cancel_reaches_those_behind);
  ADD_DATA ("untrusted/none", untrusted, "{'persistence': <'none'>}");
  ADD_DATA ("untrusted/session", untrusted, "{}");
  ADD_DATA ("untrusted/permanent", untrusted, "{'persistence': <'permanent'>}");
  ADD ("two-questions", two_questions);
  ADD ("distrusted", distrusted);
  ADD ("bad-answers", bad_answers);
  ADD ("wrong-ids", wrong_ids);
  ADD ("commit-fails", commit_fails);
  ADD ("opening-is-not-stored", opening_is_not_stored);
  ADD ("suspended-leaves-it", suspended_leaves_it);
  ADD ("other-ends-leave-it", other_ends_leave_it);
  ADD ("another-request", another_request);
  ADD ("nobody-answers", nobody_answers);
  ADD ("restart-keeps-it", restart_keeps_it);
  ADD ("reboot-keeps-its-end", reboot_keeps_its_end);
  ADD ("answered-after-restart", answered_after_restart);
  ADD ("wakes-the-app", wakes_the_app);
  ADD ("one-launch-for-many", one_launch_for_many);

  return g_test_run ();
}
