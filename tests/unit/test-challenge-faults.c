/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Challenges and credentials when the store refuses, the keyring has more than one thinks
 * of, and apps and servers are not who they should be. */

#include "config.h"

#include "await.h"
#include "challenge-fixture.h"
#include "common/defaults.h"
#include "common/error.h"
#include "core/challenge-answer.h"
#include "core/challenges.h"

#define START "{'start': <true>}"
#define MINUTE G_TIME_SPAN_MINUTE
#define USER "{'user': <'u'>, 'password': <'p'>}"
#define PERMANENT "{'user': <'u'>, 'password': <'p'>, 'persistence': <'permanent'>}"
#define SPACE "{'host': <'a.example'>, 'realm': <'r'>}"
#define ITEM                                                                             \
  "app-id", "org.example.App", "protocol", "https", "host", "a.example", "port", "443",  \
      "user", "stored"

static TrdTask *
create (CoreFixture *f, TrdSession *session)
{
  TrdTask *task = core_fixture_create (f, session, "https://a.example/f", START);

  test_await (fake_transport_is_running (f->transport, task->id));
  return task;
}

static void
pass (CoreFixture *f, gint64 us)
{
  fake_clock_advance (f->clock, us);
  test_settle ();
}

static void
assert_given (CoreFixture *f, TrdTask *task, const char *user)
{
  g_autofree char *given = NULL;

  test_await (fake_transport_is_running (f->transport, task->id));
  given = challenge_given_user (f, task);
  g_assert_cmpstr (given, ==, user);
}

static guint
count_items (CoreFixture *f)
{
  g_autoptr (GPtrArray) items = fake_vault_list (f->vault, TRD_VAULT_CREDENTIAL);

  return items->len;
}

/* ---- the store refuses ---- */

/* A task that waits for a keyring that is locked. */
static TrdTask *
wait_for_keyring (CoreFixture *f)
{
  TrdTask *task = create (f, core_fixture_open (f, "{}"));

  fake_vault_put (f->vault, TRD_VAULT_CREDENTIAL, "p", ITEM, NULL);
  fake_vault_set_state (f->vault, TRD_VAULT_LOCKED);
  challenge_meet (f, task, challenge_facts (BASIC, ""));
  challenge_assert_waits (task, TRUNDLE_WAIT_KEYRING_LOCKED);
  return task;
}

/* Fault (store): the COMMIT of the question fails, after a keyring has opened that has no
 * answer | Proves: the app is asked a minute later */
static void
asking_is_not_stored (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = wait_for_keyring (f);

  fake_vault_forget (f->vault, TRD_VAULT_CREDENTIAL);
  trd_store_fail_next_commit (f->env.store);
  g_test_expect_message (
      G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "Cannot ask about a challenge*");
  fake_vault_set_state (f->vault, TRD_VAULT_OPEN);
  test_settle ();
  g_test_assert_expected_messages ();
  challenge_assert_waits (task, TRUNDLE_WAIT_KEYRING_LOCKED);
  g_assert_cmpuint (challenge_count_events (f, task->session), ==, 0);

  pass (f, MINUTE);
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
  g_assert_cmpuint (challenge_count_events (f, task->session), ==, 1);
}

/* Fault (store): the COMMIT of an answer that a keyring had fails | Proves: the task goes
 * on with it a minute later, and nobody is asked */
static void
answer_is_not_stored (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = wait_for_keyring (f);

  trd_store_fail_next_commit (f->env.store);
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "Cannot answer a challenge*");
  fake_vault_set_state (f->vault, TRD_VAULT_OPEN);
  test_settle ();
  g_test_assert_expected_messages ();
  challenge_assert_waits (task, TRUNDLE_WAIT_KEYRING_LOCKED);

  pass (f, MINUTE);
  assert_given (f, task, "stored");
  g_assert_cmpuint (challenge_count_events (f, task->session), ==, 0);
}

/* Fault (store): the COMMIT of SetCredential fails | Proves: the credential is neither
 * used nor kept, and what was rejected stays so */
static void
setting_is_not_stored (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  g_autoptr (GError) error = NULL;

  challenge_answer (
      f, challenge_open (f, session, START), "reject-protection-space", "{}");
  trd_store_fail_next_commit (f->env.store);
  g_assert_false (challenge_set (f, session, SPACE, PERMANENT, &error));
  g_assert_nonnull (error);
  g_assert_cmpuint (count_items (f), ==, 0);
  g_assert_cmpuint (session->challenges->len, ==, 1);
  assert_given (f, create (f, session), "");
}

/* Fault (store): the COMMIT of a second answer fails | Proves: what was known before is
 * still known, and kept */
static void
answer_before_stays (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *first;
  TrdTask *second;
  g_autoptr (GError) error = NULL;

  g_assert_true (
      challenge_set (f,
                     session,
                     "{'host': <'a.example'>, 'realm': <'r'>, 'method': <'basic'>}",
                     PERMANENT,
                     NULL));
  first = create (f, session);
  challenge_refuse (f, first, BASIC);
  challenge_assert_waits (first, TRUNDLE_WAIT_AUTHENTICATION);
  trd_store_fail_next_commit (f->env.store);
  g_assert_false (challenge_respond (
      f,
      first,
      "use-credential",
      "{'user': <'v'>, 'password': <'q'>, 'persistence': <'permanent'>}",
      &error));
  test_settle ();
  challenge_assert_waits (first, TRUNDLE_WAIT_AUTHENTICATION);
  g_assert_cmpuint (count_items (f), ==, 1);

  challenge_answer (f, first, "use-credential", USER);
  second = create (f, session);
  assert_given (f, second, "u");
}

/* ---- more than one thinks of ---- */

static void
refuse_until_asked (CoreFixture *f, TrdTask *task, guint *n)
{
  for (; task->state == TRUNDLE_TASK_RUNNING && *n < 10; ++*n)
    challenge_refuse (f, task, BASIC);
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
}

/* Fault (server): it refuses two passwords that two keyrings have for the same user |
 * Proves: each is tried once, then the app is asked, whatever else the keyring gets */
static void
two_items_for_one (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = create (f, session);
  guint n = 0;

  fake_vault_put (f->vault, TRD_VAULT_CREDENTIAL, "p", ITEM, "collection", "one", NULL);
  fake_vault_put (f->vault, TRD_VAULT_CREDENTIAL, "q", ITEM, "collection", "two", NULL);
  challenge_meet (f, task, challenge_facts (BASIC, ""));
  refuse_until_asked (f, task, &n);

  /* The keyring has changed, but not in this. */
  for (guint i = 0; i < 5; i++)
    {
      fake_vault_put (f->vault, TRD_VAULT_CREDENTIAL, "x", "app-id", "other", NULL);
      test_settle ();
      refuse_until_asked (f, task, &n);
    }
  g_assert_cmpuint (n, ==, 2);
}

/* What is put in the place of an item takes that one away, and no other that says more.
 */
static void
others_items_stay (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open_named (f, "one", "{}");
  TrdSession *other = core_fixture_open_named (f, "two", "{}");
  g_autoptr (GPtrArray) items = NULL;

  g_assert_true (challenge_set (f, other, SPACE, USER, NULL));
  g_assert_true (challenge_set (f, session, "{'host': <'a.example'>}", PERMANENT, NULL));
  g_assert_cmpuint (count_items (f), ==, 2);
  g_assert_true (
      challenge_set (f,
                     session,
                     "{'host': <'a.example'>}",
                     "{'user': <'v'>, 'password': <'q'>, 'persistence': <'permanent'>}",
                     NULL));
  g_assert_cmpuint (count_items (f), ==, 2);

  items = fake_vault_list (f->vault, TRD_VAULT_CREDENTIAL);
  for (guint i = 0; i < items->len; i++)
    {
      const TrdVaultItem *item = g_ptr_array_index (items, i);
      gboolean of_session = g_hash_table_contains (item->attributes, "session");

      g_assert_cmpstr (
          g_hash_table_lookup (item->attributes, "user"), ==, of_session ? "u" : "v");
    }
}

/* ---- who went on by an answer ---- */

/* A space is rejected while others still try its answer, and a credential comes. */
static void
set_while_others_run (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = challenge_open (f, session, START);
  TrdTask *other = challenge_open (f, session, START);

  challenge_answer (f, task, "use-credential", USER);
  challenge_refuse (f, task, BASIC);
  challenge_answer (f, task, "reject-protection-space", "{}");
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
  g_assert_cmpint (other->state, ==, TRUNDLE_TASK_RUNNING);

  g_assert_true (
      challenge_set (f, session, SPACE, "{'user': <'v'>, 'password': <'q'>}", NULL));
  challenge_refuse (f, other, BASIC);
  assert_given (f, other, "v");
  core_fixture_complete (f, other, "body");
  test_await (other->state == TRUNDLE_TASK_FINISHED);
  g_assert_cmpuint (session->challenges->len, ==, 0);
}

/* ---- without end ---- */

/* Fault (app): it sets credentials for ever more servers | Proves: there is an end, that
 * of the session before that of the app; known ones can still be changed */
static void
too_many_credentials (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < TRD_CREDENTIALS_PER_SESSION_MAX; i++)
    {
      g_autofree char *space = g_strdup_printf ("{'host': <'h%u.example'>}", i);

      g_assert_true (challenge_set (f, session, space, USER, NULL));
    }
  g_assert_false (challenge_set (f, session, SPACE, USER, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_LIMIT_EXCEEDED);
  g_clear_error (&error);
  g_assert_true (challenge_set (f,
                                session,
                                "{'host': <'h0.example'>}",
                                "{'user': <'v'>, 'password': <'q'>}",
                                &error));
  g_assert_cmpuint (count_items (f), ==, TRD_CREDENTIALS_PER_SESSION_MAX);

  g_assert_false (challenge_respond (
      f, challenge_open (f, session, START), "use-credential", USER, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_LIMIT_EXCEEDED);
}

/* Fault (server): it calls its realm otherwise each time, and the app rejects each |
 * Proves: not all of them are remembered */
static void
too_many_realms (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");

  for (guint i = 0; i < TRD_REJECTED_MAX + 5; i++)
    {
      g_autofree char *offers = g_strdup_printf (
          "{'method': <'basic'>, 'realm': <'r%u'>}", i);
      TrdTask *task = core_fixture_create (f, session, "https://a.example/f", START);

      challenge_meet (f, task, challenge_facts (offers, ""));
      challenge_answer (f, task, "reject-protection-space", "{}");
    }
  g_assert_cmpuint (session->challenges->len, ==, TRD_REJECTED_MAX);
  g_assert_null (trd_session_find_challenge_by_id (session, 1));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func)                                                                  \
  g_test_add ("/challenge-faults/" path,                                                 \
              CoreFixture,                                                               \
              NULL,                                                                      \
              core_fixture_set_up,                                                       \
              func,                                                                      \
              core_fixture_tear_down)
  ADD ("asking-is-not-stored", asking_is_not_stored);
  ADD ("answer-is-not-stored", answer_is_not_stored);
  ADD ("setting-is-not-stored", setting_is_not_stored);
  ADD ("answer-before-stays", answer_before_stays);
  ADD ("two-items-for-one", two_items_for_one);
  ADD ("others-items-stay", others_items_stay);
  ADD ("set-while-others-run", set_while_others_run);
  ADD ("too-many-credentials", too_many_credentials);
  ADD ("too-many-realms", too_many_realms);

  return g_test_run ();
}
