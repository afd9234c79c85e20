/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fresh tokens (RFC 6749 §6): got once for all who want one, used until they are over,
 * and never in the way of the question to the app. */

#include "config.h"

#include "await.h"
#include "challenge-fixture.h"
#include "common/error.h"
#include "common/vocabulary.h"

#include <string.h>

#define BEARER "{'method': <'bearer'>, 'realm': <'api'>}"
#define START "{'start': <true>}"
#define URL "https://a.example/file"
#define GRANT                                                                            \
  "{'oauth2': <{'token-url': <'https://login.example/token'>, "                          \
  "'client-id': <'us'>, 'client-secret': <'cs'>, 'refresh-token': <'r1'>, "              \
  "'scope': <'files'>}>}"
#define TOKEN "{'access-token': <'t1'>, 'expires-in': <uint64 3600>}"
#define OTHER_TOKEN "{'access-token': <'t2'>, 'expires-in': <uint64 0>}"
#define REFUSED                                                                          \
  "{'error': <'HttpStatus'>, 'message': <''>, 'status': <uint32 400>, "                  \
  "'reason': <'invalid_grant'>}"

/* Meets a question for a token; with what it had refused, if it had something. */
static void
meet_told (CoreFixture *f, TrdTask *task, gboolean is_head_told)
{
  g_autoptr (GVariant) given = NULL;
  g_autofree char *tried = NULL;
  guint generation = 0;

  test_await (fake_transport_is_running (f->transport, task->id));
  given = challenge_given (f, task, 0);
  if (given != NULL)
    g_assert_true (g_variant_lookup (given, "generation", "u", &generation));
  tried = g_strdup_printf (
      ", 'tried': <@a{sv} {'method': <'bearer'>, 'generation': <uint32 %u>}>",
      generation);
  if (is_head_told)
    fake_transport_respond (
        f->transport, task->id, g_variant_new_parsed ("{'status': <uint32 401>}"));
  challenge_meet (f, task, challenge_facts (BEARER, given != NULL ? tried : ""));
}

static void
meet (CoreFixture *f, TrdTask *task)
{
  meet_told (f, task, FALSE);
}

static TrdTask *
begin (CoreFixture *f, TrdSession *session)
{
  TrdTask *task = core_fixture_create (f, session, URL, START);

  test_await (fake_transport_is_running (f->transport, task->id));
  return task;
}

static void
answer (CoreFixture *f, const char *text)
{
  fake_transport_answer_refresh (f->transport, text);
  test_settle ();
}

static guint
count (CoreFixture *f)
{
  return fake_transport_count_refreshes (f->transport);
}

static void
assert_text (GVariant *dict, const char *key, const char *expected)
{
  const char *text = "";

  g_variant_lookup (dict, key, "&s", &text);
  g_assert_cmpstr (text, ==, expected);
}

/* "" for none. */
static void
assert_token (CoreFixture *f, TrdTask *task, const char *token)
{
  g_autoptr (GVariant) given = NULL;
  gboolean preemptive = FALSE;

  test_await (fake_transport_is_running (f->transport, task->id));
  given = challenge_given (f, task, 0);
  if (*token == '\0')
    {
      g_assert_null (given);
      return;
    }
  g_assert_nonnull (given);
  assert_text (given, "token", token);
  assert_text (given, "method", "bearer");
  assert_text (given, "host", "a.example");
  g_assert_true (g_variant_lookup (given, "preemptive", "b", &preemptive));
  g_assert_true (preemptive);
}

static void
accept (CoreFixture *f, TrdTask *task)
{
  fake_transport_respond (
      f->transport, task->id, g_variant_new_parsed ("{'status': <uint32 200>}"));
  core_fixture_complete (f, task, "body");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
}

/* How many items of the keyring have @text. */
static guint
count_kept (CoreFixture *f, const char *text)
{
  g_autoptr (GPtrArray) items = fake_vault_list (f->vault, TRD_VAULT_SECRETS);
  guint n = 0;

  for (guint i = 0; i < items->len; i++)
    {
      const TrdVaultItem *item = g_ptr_array_index (items, i);

      n += g_strstr_len (g_bytes_get_data (item->secret, NULL),
                         (gssize)g_bytes_get_size (item->secret),
                         text)
           != NULL;
    }
  return n;
}

/* As the bus does it: the keyring has them before. */
static TrdSession *
open_kept (CoreFixture *f)
{
  TrdSession *session = core_fixture_open (f, GRANT);

  fake_vault_set_state (f->vault, TRD_VAULT_LOCKED);
  fake_vault_set_state (f->vault, TRD_VAULT_OPEN);
  test_settle ();
  g_assert_cmpuint (count_kept (f, "'r1'"), ==, 1);
  return session;
}

/* ---- what comes of it ---- */

static void
gets_one (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, GRANT);
  TrdTask *task = begin (f, session);
  g_autoptr (GPtrArray) asked = NULL;
  GVariant *request;

  assert_token (f, task, "");
  meet (f, task);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
  asked = fake_transport_list_refreshes (f->transport);
  g_assert_cmpuint (asked->len, ==, 1);
  request = g_ptr_array_index (asked, 0);
  assert_text (request, "url", "https://login.example/token");
  assert_text (request, "client-id", "us");
  assert_text (request, "client-secret", "cs");
  assert_text (request, "refresh-token", "r1");
  assert_text (request, "scope", "files");

  answer (f, TOKEN);
  assert_token (f, task, "t1");
  g_assert_cmpuint (task->failures, ==, 0);
  accept (f, task);
  g_assert_cmpuint (challenge_count_events (f, session), ==, 0);
  /* The next is not asked. */
  assert_token (f, begin (f, session), "t1");
  /* But for another server it is. */
  assert_token (f, core_fixture_create (f, session, "https://b.example/", START), "");
  g_assert_cmpuint (count (f), ==, 1);
}

static void
shares_one (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, GRANT);
  TrdTask *tasks[6];
  TrdTask *late;

  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    tasks[i] = begin (f, session);
  late = tasks[5];
  for (guint i = 0; i < 5; i++)
    meet (f, tasks[i]);
  g_assert_cmpuint (count (f), ==, 1);
  answer (f, TOKEN);
  for (guint i = 0; i < 5; i++)
    assert_token (f, tasks[i], "t1");
  /* Asked before the token came, refused after. */
  meet (f, late);
  assert_token (f, late, "t1");
  g_assert_cmpuint (count (f), ==, 1);
}

static void
own_comes_first (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, GRANT);
  TrdTask *own = core_fixture_create (
      f,
      session,
      URL,
      "{'start': <true>, 'oauth2': <{'token-url': <'https://other.example/'>, "
      "'client-id': <'us'>, 'refresh-token': <'own'>}>}");
  TrdTask *task = begin (f, session);
  g_autoptr (GPtrArray) asked = NULL;

  meet (f, own);
  meet (f, task);
  asked = fake_transport_list_refreshes (f->transport);
  g_assert_cmpuint (asked->len, ==, 2);
  assert_text (g_ptr_array_index (asked, 0), "refresh-token", "own");
  assert_text (g_ptr_array_index (asked, 1), "refresh-token", "r1");
  answer (f, OTHER_TOKEN);
  answer (f, TOKEN);
  assert_token (f, own, "t2");
  assert_token (f, task, "t1");
}

static void
expires (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, GRANT);
  TrdTask *task = begin (f, session);

  meet (f, task);
  answer (f, TOKEN);
  accept (f, task);
  fake_clock_advance (f->clock, 3599 * G_TIME_SPAN_SECOND);
  assert_token (f, begin (f, session), "t1");
  fake_clock_advance (f->clock, G_TIME_SPAN_SECOND);
  task = begin (f, session);
  assert_token (f, task, "");
  meet (f, task);
  g_assert_cmpuint (count (f), ==, 2);
  answer (f, OTHER_TOKEN);
  assert_token (f, task, "t2");
  accept (f, task);
  fake_clock_advance (f->clock, 365 * G_TIME_SPAN_DAY);
  assert_token (f, begin (f, session), "t2");
}

/* One that was good is not any more. */
static void
revoked (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, GRANT);
  TrdTask *task = begin (f, session);

  meet (f, task);
  answer (f, TOKEN);
  accept (f, task);
  task = begin (f, session);
  assert_token (f, task, "t1");
  meet (f, task);
  g_assert_cmpuint (count (f), ==, 2);
  answer (f, OTHER_TOKEN);
  assert_token (f, task, "t2");
  accept (f, task);
  g_assert_cmpuint (challenge_count_events (f, session), ==, 0);
}

/* ---- what goes wrong ---- */

static void
token_server_refuses (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, GRANT);
  TrdTask *task = begin (f, session);
  TrdTask *other = begin (f, session);
  g_autoptr (GVariant) details = NULL;
  g_autoptr (GVariant) space = NULL;

  meet (f, task);
  meet (f, other);
  answer (f, REFUSED);
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
  challenge_assert_waits (other, TRUNDLE_WAIT_AUTHENTICATION);
  g_assert_cmpuint (challenge_count_events (f, session), ==, 1);
  details = challenge_last_event (f, session);
  space = g_variant_lookup_value (details, "space", G_VARIANT_TYPE_VARDICT);
  assert_text (space, "method", "bearer");
  challenge_answer (f, task, "use-credential", "{'token': <'by hand'>}");
  assert_token (f, task, "by hand");
  assert_token (f, other, "by hand");
  g_assert_cmpuint (count (f), ==, 1);
}

/* The head of the refusal is told before what it means. */
static void
server_refuses_in_two_steps (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, GRANT);
  TrdTask *task = begin (f, session);

  meet_told (f, task, TRUE);
  answer (f, TOKEN);
  assert_token (f, task, "t1");
  meet_told (f, task, TRUE);
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
  g_assert_cmpuint (count (f), ==, 1);
}

static void
is_not_asked_again (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, GRANT);
  TrdTask *task = begin (f, session);

  meet (f, task);
  answer (f, REFUSED);
  challenge_answer (f, task, "perform-default-handling", "{}");
  task = begin (f, session);
  meet (f, task);
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
  g_assert_cmpuint (count (f), ==, 1);

  /* Unless the app has another for it. */
  challenge_answer (f, task, "perform-default-handling", "{}");
  core_fixture_configure (
      f,
      session,
      "{'oauth2': <{'token-url': <'https://login.example/token'>, 'client-id': <'us'>, "
      "'refresh-token': <'new'>}>}");
  task = begin (f, session);
  meet (f, task);
  g_assert_cmpuint (count (f), ==, 2);
}

/* The server wants something else than what it gets: the app is asked, once. */
static void
server_refuses (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, GRANT);
  TrdTask *task = begin (f, session);

  meet (f, task);
  answer (f, TOKEN);
  assert_token (f, task, "t1");
  meet (f, task);
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
  g_assert_cmpuint (challenge_count_events (f, session), ==, 1);
  g_assert_cmpuint (count (f), ==, 1);
  challenge_answer (f, task, "use-credential", "{'token': <'by hand'>}");
  assert_token (f, task, "by hand");
}

static void
network_fails (CoreFixture *f, gconstpointer data)
{
  static const char *const answers[] = {
    NULL,
    "{'error': <'CannotConnect'>, 'message': <''>, 'status': <uint32 0>}",
    "{'error': <'HttpStatus'>, 'message': <''>, 'status': <uint32 503>}",
  };
  TrdSession *session = core_fixture_open (f, GRANT);
  TrdTask *task = begin (f, session);

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      meet (f, task);
      answer (f, answers[i]);
      g_assert_cmpint (task->state, ==, TRUNDLE_TASK_QUEUED);
      g_assert_cmphex (trd_task_wait_reasons (task), ==, TRUNDLE_WAIT_BACK_OFF);
      g_assert_cmpuint (task->failures, ==, i + 1);
      fake_clock_advance (f->clock, G_TIME_SPAN_HOUR);
    }
  meet (f, task);
  answer (f, TOKEN);
  assert_token (f, task, "t1");
  g_assert_cmpuint (challenge_count_events (f, session), ==, 0);
}

/* Not in clear, whatever is offered; and never anywhere else than at first. */
static void
is_careful (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, GRANT);
  TrdTask *basic = challenge_open (f, session, START);
  TrdTask *elsewhere = core_fixture_create (f, session, "https://b.example/", START);
  TrdTask *clear = core_fixture_create (f, session, "http://a.example/", START);

  challenge_assert_waits (basic, TRUNDLE_WAIT_AUTHENTICATION);
  meet (f, elsewhere);
  challenge_assert_waits (elsewhere, TRUNDLE_WAIT_AUTHENTICATION);
  meet (f, clear);
  challenge_assert_waits (clear, TRUNDLE_WAIT_AUTHENTICATION);
  g_assert_cmpuint (count (f), ==, 0);
}

static void
suspended_meanwhile (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, GRANT);
  TrdTask *task = begin (f, session);
  g_autoptr (GError) error = NULL;

  meet (f, task);
  g_assert_true (trd_registry_suspend (f->registry, task, &error));
  answer (f, TOKEN);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_SUSPENDED);
  g_assert_true (trd_registry_resume (f->registry, task, &error));
  assert_token (f, task, "t1");
}

static void
killed_meanwhile (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = open_kept (f);
  TrdTask *task = begin (f, session);
  gint64 id = task->id;

  meet (f, task);
  core_fixture_restart (f);
  task = trd_registry_find_task (f->registry, id);
  assert_token (f, task, "");
  meet (f, task);
  g_assert_cmpuint (count (f), ==, 1);
  answer (f, TOKEN);
  assert_token (f, task, "t1");
}

/* ---- what is kept ---- */

#define NEXT "{'access-token': <'t1'>, 'refresh-token': <'r2'>, 'expires-in': <uint64 9>}"

static void
assert_asks_with (CoreFixture *f, TrdTask *task, const char *token)
{
  g_autoptr (GPtrArray) asked = NULL;

  meet (f, task);
  asked = fake_transport_list_refreshes (f->transport);
  g_assert_cmpuint (asked->len, ==, 1);
  assert_text (g_ptr_array_index (asked, 0), "refresh-token", token);
}

static void
rotates (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = open_kept (f);
  TrdTask *task = begin (f, session);
  gint64 id = task->id;

  meet (f, task);
  answer (f, NEXT);
  assert_token (f, task, "t1");
  g_assert_cmpuint (count_kept (f, "'r2'"), ==, 1);
  g_assert_cmpuint (count_kept (f, "'r1'"), ==, 0);
  g_assert_true (trd_session_is_durable (session));

  core_fixture_restart (f);
  task = trd_registry_find_task (f->registry, id);
  assert_asks_with (f, task, "r2");
}

/* Kept as soon as that can be. */
static void
rotates_while_locked (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = open_kept (f);
  TrdTask *task = begin (f, session);

  meet (f, task);
  fake_vault_set_state (f->vault, TRD_VAULT_LOCKED);
  answer (f, NEXT);
  accept (f, task);
  g_assert_cmpuint (count_kept (f, "'r2'"), ==, 0);
  fake_vault_set_state (f->vault, TRD_VAULT_OPEN);
  test_settle ();
  g_assert_cmpuint (count_kept (f, "'r2'"), ==, 1);
  g_assert_cmpuint (count_kept (f, "'r1'"), ==, 0);
}

static void
rotates_in_memory (CoreFixture *f, gconstpointer data)
{
  TrdSession *session;
  TrdTask *task;

  fake_vault_set_state (f->vault, TRD_VAULT_ABSENT);
  session = core_fixture_open (f, GRANT);
  task = begin (f, session);
  meet (f, task);
  answer (f, NEXT);
  accept (f, task);
  fake_clock_advance (f->clock, G_TIME_SPAN_MINUTE);
  assert_asks_with (f, begin (f, session), "r2");
}

/* ---- what may be said ---- */

static void
assert_session_is_refused (CoreFixture *f, const char *configuration)
{
  g_autoptr (GVariant) parsed = g_variant_ref_sink (g_variant_new_parsed (configuration));
  g_autoptr (GVariant) checked = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) ignored = NULL;
  gboolean existing;

  checked = trundle_vocabulary_check (parsed, TRUNDLE_SCOPE_CONFIGURATION, &error);
  if (checked != NULL)
    trd_registry_open_session (
        f->registry, f->owner, "refused", checked, FALSE, &existing, &ignored, &error);
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "token-url"));
}

static void
wants_tls (CoreFixture *f, gconstpointer data)
{
  assert_session_is_refused (f,
                             "{'oauth2': <{'token-url': <'http://login.example/'>, "
                             "'client-id': <'us'>, 'refresh-token': <'r'>}>}");
  assert_session_is_refused (f,
                             "{'oauth2': <{'token-url': <'https://u:p@login.example/'>, "
                             "'client-id': <'us'>, 'refresh-token': <'r'>}>}");
  assert_session_is_refused (
      f, "{'oauth2': <{'client-id': <'us'>, 'refresh-token': <'r'>}>}");
  core_fixture_open (f,
                     "{'allow-insecure-auth': <true>, "
                     "'oauth2': <{'token-url': <'http://login.example/'>, "
                     "'client-id': <'us'>, 'refresh-token': <'r'>}>}");
}

#define ADD(name)                                                                        \
  g_test_add ("/refresh/" #name,                                                         \
              CoreFixture,                                                               \
              NULL,                                                                      \
              core_fixture_set_up,                                                       \
              name,                                                                      \
              core_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (gets_one);
  ADD (shares_one);
  ADD (own_comes_first);
  ADD (expires);
  ADD (revoked);
  ADD (token_server_refuses);
  ADD (is_not_asked_again);
  ADD (server_refuses);
  ADD (server_refuses_in_two_steps);
  ADD (network_fails);
  ADD (is_careful);
  ADD (suspended_meanwhile);
  ADD (killed_meanwhile);
  ADD (rotates);
  ADD (rotates_while_locked);
  ADD (rotates_in_memory);
  ADD (wants_tls);
  return g_test_run ();
}
