/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Credentials: whose they are, where they are kept, whom they are sent to; and what the
 * keyring does to challenges: open, locked, absent (T-57, L-35). */

#include "config.h"

#include "await.h"
#include "challenge-fixture.h"
#include "common/error.h"
#include "core/challenges.h"
#include "core/reset.h"

#include <string.h>

#define START "{'start': <true>}"
#define USER "{'user': <'u'>, 'password': <'p'>}"
#define PERMANENT "{'user': <'u'>, 'password': <'p'>, 'persistence': <'permanent'>}"
#define SPACE "{'host': <'a.example'>, 'realm': <'r'>}"
#define ITEM                                                                             \
  "app-id", "org.example.App", "protocol", "https", "host", "a.example", "port", "443",  \
      "user", "stored"

static TrdTask *
create (CoreFixture *f, TrdSession *session, const char *url)
{
  TrdTask *task = core_fixture_create (f, session, url, START);

  test_await (fake_transport_is_running (f->transport, task->id));
  return task;
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

static TrdCredentials *
credentials_of (CoreFixture *f)
{
  return trd_challenges_get_credentials (trd_registry_get_challenges (f->registry));
}

/* ---- what is stored ---- */

/* T-57: known already, so that nobody is asked. */
static void
stored_is_found (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = create (f, session, "https://a.example/f");

  fake_vault_put (f->vault, TRD_VAULT_CREDENTIAL, "p", ITEM, NULL);
  challenge_meet (f, task, challenge_facts (BASIC, ""));
  assert_given (f, task, "stored");
  g_assert_cmpuint (task->failures, ==, 0);
  g_assert_cmpuint (challenge_count_events (f, session), ==, 0);
}

/* Asked about once, not hammered at the server. */
static void
stored_is_refused (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = create (f, session, "https://a.example/f");
  g_autoptr (GVariant) details = NULL;
  gboolean has_password = FALSE;
  const char *user;

  fake_vault_put (f->vault, TRD_VAULT_CREDENTIAL, "p", ITEM, NULL);
  challenge_meet (f, task, challenge_facts (BASIC, ""));
  challenge_refuse (f, task, BASIC);
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
  details = challenge_last_event (f, session);
  g_assert_cmpuint (challenge_count_failures (f, session), ==, 1);
  g_assert_true (g_variant_lookup (details, "proposed-user", "&s", &user));
  g_assert_cmpstr (user, ==, "stored");
  g_variant_lookup (details, "has-stored-password", "b", &has_password);
  g_assert_true (has_password);
  g_assert_cmpuint (fake_transport_get_attempts (f->transport)->len, ==, 2);

  /* Nor when the keyring says that something has changed. */
  trd_vault_emit_changed (TRD_VAULT (f->vault));
  test_settle ();
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
}

/* Password changed on the server between two tasks. */
static void
password_changed (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *first = challenge_open (f, session, START);
  TrdTask *second;

  challenge_answer (f, first, "use-credential", PERMANENT);
  core_fixture_complete (f, first, "body");
  second = create (f, session, "https://a.example/g");
  assert_given (f, second, "u");
  challenge_refuse (f, second, BASIC);
  g_assert_cmpuint (challenge_count_failures (f, session), ==, 1);
  challenge_answer (f,
                    second,
                    "use-credential",
                    "{'user': <'u'>, 'password': <'new'>, 'persistence': <'permanent'>}");
  assert_given (f, second, "u");
  g_assert_cmpuint (count_items (f), ==, 1);
}

static void
appears_while_open (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = challenge_open (f, core_fixture_open (f, "{}"), START);

  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
  fake_vault_put (f->vault, TRD_VAULT_CREDENTIAL, "p", ITEM, NULL);
  test_settle ();
  assert_given (f, task, "stored");
}

static void
other_items_do_not_fit (CoreFixture *f, gconstpointer data)
{
  static const char *const others[][6] = {
    { "org.example.Other", "https", "a.example", "443", NULL, NULL },
    { "flatpak:org.example.App", "https", "a.example", "443", NULL, NULL },
    { "org.example.App", "http", "a.example", "443", NULL, NULL },
    { "org.example.App", "https", "b.example", "443", NULL, NULL },
    { "org.example.App", "https", "a.example", "444", NULL, NULL },
    { "org.example.App", "https", "a.example", "443", "realm", "other" },
    { "org.example.App", "https", "a.example", "443", "method", "bearer" },
    { "org.example.App", "https", "a.example", "443", "session", "99.1" },
    { "org.example.App", "https", "a.example", "443", "proxy", "true" },
  };
  TrdTask *task = challenge_open (f, core_fixture_open (f, "{}"), START);

  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      fake_vault_put (f->vault,
                      TRD_VAULT_CREDENTIAL,
                      "p",
                      "app-id",
                      others[i][0],
                      "protocol",
                      others[i][1],
                      "host",
                      others[i][2],
                      "port",
                      others[i][3],
                      others[i][4],
                      others[i][5],
                      NULL);
      test_settle ();
      challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
    }
}

/* ---- locked ---- */

static void
locked_waits (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = create (f, session, "https://a.example/f");
  TrdTask *other = create (f, session, "https://a.example/g");

  fake_launcher_script_success (f->launcher, "org.example.App", ":1.7");
  fake_vault_put (f->vault, TRD_VAULT_CREDENTIAL, "p", ITEM, NULL);
  fake_vault_set_state (f->vault, TRD_VAULT_LOCKED);
  challenge_meet (f, task, challenge_facts (BASIC, ""));
  challenge_meet (f, other, challenge_facts (BASIC, ""));
  challenge_assert_waits (task, TRUNDLE_WAIT_KEYRING_LOCKED);
  challenge_assert_waits (other, TRUNDLE_WAIT_KEYRING_LOCKED);
  g_assert_cmpuint (challenge_count_events (f, session), ==, 0);
  g_assert_true (trd_registry_has_volatile (f->registry));
  fake_clock_advance (f->clock, G_TIME_SPAN_MINUTE);
  test_settle ();
  g_assert_cmpuint (fake_launcher_count_starts (f->launcher, NULL), ==, 0);

  fake_vault_set_state (f->vault, TRD_VAULT_OPEN);
  test_settle ();
  assert_given (f, task, "stored");
  assert_given (f, other, "stored");
  g_assert_cmpuint (challenge_count_events (f, session), ==, 0);
}

/* What it had is gone by then: now the app is asked. */
static void
locked_for_nothing (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = create (f, session, "https://a.example/f");
  g_autoptr (GHashTable) all = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GAsyncResult) result = NULL;

  fake_vault_put (f->vault, TRD_VAULT_CREDENTIAL, "p", ITEM, NULL);
  fake_vault_set_state (f->vault, TRD_VAULT_LOCKED);
  challenge_meet (f, task, challenge_facts (BASIC, ""));
  challenge_assert_waits (task, TRUNDLE_WAIT_KEYRING_LOCKED);
  fake_vault_set_slow (f->vault, TRUE);
  fake_vault_set_state (f->vault, TRD_VAULT_OPEN);
  trd_vault_remove_async (
      TRD_VAULT (f->vault), TRD_VAULT_CREDENTIAL, all, NULL, test_take_result, &result);
  fake_vault_set_slow (f->vault, FALSE);
  test_await (result != NULL);
  test_settle ();
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
  g_assert_cmpuint (challenge_count_events (f, session), ==, 1);
  g_assert_cmpuint (core_fixture_count (f, "EVENT"), ==, 0);
}

/* Who wants nobody to be asked waits for the keyring too, and then ends. */
static void
locked_by_default (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{'challenge-handling': <'default'>}");
  TrdTask *task = create (f, session, "https://a.example/f");

  fake_vault_put (
      f->vault, TRD_VAULT_CREDENTIAL, "p", ITEM, "method", "basic", "realm", "r", NULL);
  fake_vault_set_state (f->vault, TRD_VAULT_LOCKED);
  challenge_meet (f, task, challenge_facts (BASIC, ""));
  challenge_assert_waits (task, TRUNDLE_WAIT_KEYRING_LOCKED);
  fake_vault_set_state (f->vault, TRD_VAULT_ABSENT);
  trd_vault_emit_changed (TRD_VAULT (f->vault));
  test_settle ();
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
  g_assert_cmpuint (challenge_count_events (f, session), ==, 0);
}

static void
locked_without_items_asks (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = create (f, session, "https://a.example/f");

  fake_vault_set_state (f->vault, TRD_VAULT_LOCKED);
  challenge_meet (f, task, challenge_facts (BASIC, ""));
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);
}

static void
locked_survives_restart (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = create (f, session, "https://a.example/f");
  gint64 id = task->id;

  fake_vault_put (f->vault, TRD_VAULT_CREDENTIAL, "p", ITEM, NULL);
  fake_vault_set_state (f->vault, TRD_VAULT_LOCKED);
  challenge_meet (f, task, challenge_facts (BASIC, ""));
  core_fixture_restart (f);
  test_settle ();
  task = trd_registry_find_task (f->registry, id);
  challenge_assert_waits (task, TRUNDLE_WAIT_KEYRING_LOCKED);
  fake_vault_set_state (f->vault, TRD_VAULT_OPEN);
  test_settle ();
  assert_given (f, task, "stored");
}

/* Suspended while the keyring thinks: nothing comes of it. */
static void
suspended_while_looking (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = create (f, session, "https://a.example/f");
  g_autoptr (GError) error = NULL;

  fake_vault_set_slow (f->vault, TRUE);
  challenge_meet (f, task, challenge_facts (BASIC, ""));
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
  g_assert_true (trd_registry_suspend (f->registry, task, &error));
  fake_vault_set_slow (f->vault, FALSE);
  test_settle ();
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_SUSPENDED);
  g_assert_cmpuint (challenge_count_events (f, session), ==, 0);
}

static void
restarted_while_looking (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, core_fixture_open (f, "{}"), "https://a.example/f");
  gint64 id = task->id;

  fake_vault_set_slow (f->vault, TRUE);
  challenge_meet (f, task, challenge_facts (BASIC, ""));
  core_fixture_restart (f);
  fake_vault_set_slow (f->vault, FALSE);
  test_settle ();
  task = trd_registry_find_task (f->registry, id);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
}

/* ---- how long one is kept ---- */

static void
kept_for_good (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = challenge_open (f, session, START);
  TrdTask *other;

  challenge_answer (f, task, "use-credential", PERMANENT);
  g_assert_cmpuint (count_items (f), ==, 1);
  g_assert_false (trd_registry_has_volatile (f->registry));
  other = create (f, core_fixture_open_named (f, "other", "{}"), "https://a.example/g");
  assert_given (f, other, "u");

  core_fixture_restart (f);
  test_settle ();
  other = trd_registry_find_task (f->registry, 2);
  challenge_meet (f, other, challenge_facts (BASIC, ""));
  assert_given (f, other, "u");
}

static void
kept_for_the_session (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = challenge_open (f, session, START);
  TrdTask *other;
  g_autoptr (GError) error = NULL;

  challenge_answer (f, task, "use-credential", USER);
  g_assert_cmpuint (count_items (f), ==, 1);
  other = create (f, core_fixture_open_named (f, "other", "{}"), "https://a.example/g");
  assert_given (f, other, "");
  assert_given (f, create (f, session, "https://a.example/h"), "u");

  trd_courier_invalidate (f->courier, session, &error);
  g_assert_no_error (error);
  test_settle ();
  g_assert_cmpuint (count_items (f), ==, 0);
}

static void
kept_for_the_tasks (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = challenge_open (f, session, START);
  TrdTask *behind = challenge_open (f, session, START);

  challenge_answer (f,
                    task,
                    "use-credential",
                    "{'user': <'u'>, 'password': <'p'>, 'persistence': <'none'>}");
  g_assert_cmpuint (count_items (f), ==, 0);
  assert_given (f, task, "u");
  assert_given (f, behind, "u");
  assert_given (f, create (f, session, "https://a.example/h"), "");
}

static void
stored_once_it_opens (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task;

  fake_vault_set_state (f->vault, TRD_VAULT_LOCKED);
  task = challenge_open (f, session, START);
  challenge_answer (f, task, "use-credential", PERMANENT);
  assert_given (f, task, "u");
  g_assert_cmpuint (count_items (f), ==, 0);
  g_assert_true (trd_registry_has_volatile (f->registry));
  fake_vault_set_state (f->vault, TRD_VAULT_OPEN);
  test_settle ();
  g_assert_cmpuint (count_items (f), ==, 1);
  g_assert_false (trd_registry_has_volatile (f->registry));
}

/* Law 9: the rows bear no secret. */
static void
rows_bear_no_secret (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = challenge_open (f, core_fixture_open (f, "{}"), START);
  g_autofree char *log = g_build_filename (f->directory, "trundle.db-wal", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *bytes = NULL;
  gsize size;

  challenge_answer (
      f, task, "use-credential", "{'user': <'u'>, 'password': <'canary-77'>}");
  g_file_get_contents (log, &bytes, &size, &error);
  g_assert_no_error (error);
  g_assert_null (memmem (bytes, size, "canary-77", 9));
}

/* ---- without TLS ---- */

static GVariant *
clear_facts (const char *more)
{
  g_autoptr (GVariant) facts = challenge_facts (BASIC, more);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (facts);

  g_variant_dict_insert (&dict, "protocol", "s", "http");
  g_variant_dict_insert (&dict, "port", "u", 80);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

static void
clear_needs_a_word (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = create (f, session, "http://a.example/f");
  g_autoptr (GVariant) details = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) given = NULL;
  gboolean is_secure = TRUE;
  gboolean allowed = FALSE;

  challenge_meet (f, task, clear_facts (""));
  details = challenge_last_event (f, session);
  g_assert_true (g_variant_lookup (details, "secure", "b", &is_secure));
  g_assert_false (is_secure);
  g_assert_false (challenge_respond (f, task, "use-credential", USER, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_ALLOWED);
  g_assert_nonnull (strstr (error->message, "allow-insecure-auth"));
  g_assert_cmpuint (count_items (f), ==, 0);

  challenge_answer (f,
                    task,
                    "use-credential",
                    "{'user': <'u'>, 'password': <'p'>, 'allow-insecure-auth': <true>}");
  assert_given (f, task, "u");
  /* For what was answered, and for nothing else that the request brings. */
  given = challenge_given (f, task, 0);
  g_variant_lookup (given, "insecure", "b", &allowed);
  g_assert_true (allowed);
  g_variant_lookup (fake_transport_find (f->transport, task->id)->request,
                    "allow-insecure-auth",
                    "b",
                    &allowed);
  g_assert_false (allowed);
}

static void
clear_uses_nothing_stored (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = create (f, session, "http://a.example/f");
  g_autoptr (GVariant) given = NULL;
  g_autoptr (GError) error = NULL;
  const char *method = "";
  TrdTask *other;

  g_assert_true (challenge_set (
      f, session, "{'host': <'a.example'>, 'protocol': <'http'>}", USER, &error));
  challenge_meet (f, task, clear_facts (""));
  challenge_assert_waits (task, TRUNDLE_WAIT_AUTHENTICATION);

  /* Digest is none that anybody could read. */
  other = create (f, session, "http://a.example/g");
  given = challenge_given (f, other, 0);
  g_assert_nonnull (given);
  g_assert_true (g_variant_lookup (given, "method", "&s", &method));
  g_assert_cmpstr (method, ==, "digest");
}

static void
clear_by_option (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{'allow-insecure-auth': <true>}");
  TrdTask *task = create (f, session, "http://a.example/f");

  challenge_meet (f, task, clear_facts (""));
  challenge_answer (f, task, "use-credential", USER);
  assert_given (f, task, "u");
}

/* ---- in advance ---- */

static void
set_in_advance (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{'preemptive-auth': <true>}");
  g_autoptr (GVariant) given = NULL;
  g_autoptr (GError) error = NULL;
  gboolean is_preemptive = FALSE;
  guint port = 0;
  TrdTask *task;

  challenge_set (f, session, SPACE, USER, &error);
  g_assert_no_error (error);
  task = create (f, session, "https://a.example/f");
  given = challenge_given (f, task, 0);
  g_assert_nonnull (given);
  g_variant_lookup (given, "preemptive", "b", &is_preemptive);
  g_assert_true (is_preemptive);
  g_assert_true (g_variant_lookup (given, "port", "u", &port));
  g_assert_cmpuint (port, ==, 443);
}

/* Out of the keyring before the first question, and then not again. */
static void
preemptive_from_keyring (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{'preemptive-auth': <true>}");
  guint n;

  fake_vault_put (f->vault, TRD_VAULT_CREDENTIAL, "p", ITEM, NULL);
  assert_given (f, create (f, session, "https://a.example/f"), "stored");
  n = fake_vault_count_calls (f->vault);
  g_assert_cmpuint (n, ==, 1);
  assert_given (f, create (f, session, "https://a.example/g"), "stored");
  g_assert_cmpuint (fake_vault_count_calls (f->vault), ==, n);
}

/* What a session left in the keyring that was not open when it ended. */
static void
orphans_go (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");

  fake_vault_put (
      f->vault, TRD_VAULT_CREDENTIAL, "p", ITEM, "session", "state/77.5", NULL);
  fake_vault_put (
      f->vault, TRD_VAULT_CREDENTIAL, "p", ITEM, "session", "other/77.5", NULL);
  challenge_open (f, session, START);
  test_settle ();
  g_assert_cmpuint (count_items (f), ==, 1);
}

/* Fault (disk): a database set aside | Proves: its sessions have theirs when it is taken
 * back */
static void
aside_stays (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");

  fake_vault_put (
      f->vault, TRD_VAULT_CREDENTIAL, "p", ITEM, "session", "state/77.5", NULL);
  core_fixture_set_aside (f);
  challenge_open (f, session, START);
  test_settle ();
  g_assert_cmpuint (count_items (f), ==, 1);
}

static void
set_answers (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = challenge_open (f, session, START);
  TrdTask *other = challenge_open (f, core_fixture_open_named (f, "other", "{}"), START);
  g_autoptr (GError) error = NULL;

  g_assert_true (challenge_set (f, session, SPACE, USER, &error));
  assert_given (f, task, "u");
  challenge_assert_waits (other, TRUNDLE_WAIT_AUTHENTICATION);
  g_assert_true (challenge_set (f, session, SPACE, PERMANENT, &error));
  assert_given (f, other, "u");
}

static void
set_ends_a_rejection (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = challenge_open (f, session, START);
  g_autoptr (GError) error = NULL;

  challenge_answer (f, task, "reject-protection-space", "{}");
  g_assert_cmpuint (session->challenges->len, ==, 1);
  g_assert_true (challenge_set (f, session, SPACE, USER, &error));
  g_assert_cmpuint (session->challenges->len, ==, 0);
}

static void
reset_ends_a_rejection (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = challenge_open (f, session, START);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  challenge_answer (f, task, "reject-protection-space", "{}");
  g_assert_cmpuint (session->challenges->len, ==, 1);
  trd_registry_reset_session_async (f->registry, session, test_take_result, &result);
  test_await (result != NULL);
  g_assert_true (trd_registry_reset_session_finish (f->registry, result, &error));
  g_assert_cmpuint (session->challenges->len, ==, 0);
  challenge_open (f, session, START);
}

static void
refuse_set (CoreFixture *f,
            TrdSession *session,
            const char *space,
            const char *credential,
            const char *word)
{
  g_autoptr (GError) error = NULL;

  g_test_message ("%s %s", space, credential);
  g_assert_false (challenge_set (f, session, space, credential, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, word));
}

static void
bad_settings (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");

  refuse_set (f, session, "{}", USER, "host");
  refuse_set (f, session, "{'host': <'a.b'>, 'protocol': <'socks5'>}", USER, "protocol");
  refuse_set (f, session, SPACE, "{}", "password");
  refuse_set (f, session, SPACE, "{'password': <'p'>}", "user");
  refuse_set (f, session, SPACE, "{'token': <'t'>}", "token");
  refuse_set (f, session, "{'host': <'a.b'>, 'method': <'bearer'>}", USER, "user");
  refuse_set (f, session, "{'host': <'a.b'>, 'method': <'negotiate'>}", USER, "method");
  refuse_set (f,
              session,
              "{'host': <'a.b'>, 'method': <'server-trust'>}",
              "{'accept-certificate': <true>}",
              "method");
  refuse_set (f,
              session,
              SPACE,
              "{'user': <'u'>, 'password': <'p'>, 'persistence': <'none'>}",
              "persistence");
  g_assert_cmpuint (count_items (f), ==, 0);
}

static GVariant *
list (CoreFixture *f, TrdSession *session)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GVariant *credentials;

  trd_credentials_list_async (credentials_of (f), session, test_take_result, &result);
  test_await (result != NULL);
  credentials = trd_credentials_list_finish (result, &error);
  g_assert_no_error (error);
  return credentials;
}

/* As addresses have it, however it was written. */
static void
international_host (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  g_autoptr (GVariant) all = NULL;
  g_autofree char *printed = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (
      challenge_set (f, session, "{'host': <'Bücher.Example'>}", USER, &error));
  all = list (f, session);
  printed = g_variant_print (all, FALSE);
  g_assert_nonnull (strstr (printed, "'xn--bcher-kva.example'"));
}

static void
listed_and_removed (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdSpace space = { .protocol = (char *)"https", .host = (char *)"a.example", 443 };
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) before = NULL;
  g_autoptr (GVariant) after = NULL;
  g_autofree char *printed = NULL;
  g_autoptr (GError) error = NULL;

  fake_vault_put (f->vault, TRD_VAULT_CREDENTIAL, "secret-1", ITEM, NULL);
  g_assert_true (challenge_set (
      f, session, SPACE, "{'user': <'u'>, 'password': <'secret-2'>}", &error));
  before = list (f, session);
  g_assert_cmpuint (g_variant_n_children (before), ==, 2);
  printed = g_variant_print (before, FALSE);
  g_assert_null (strstr (printed, "secret-"));
  g_assert_nonnull (strstr (printed, "'stored'"));
  g_assert_nonnull (strstr (printed, "'permanent'"));

  trd_credentials_remove_async (
      credentials_of (f), session, &space, test_take_result, &result);
  test_await (result != NULL);
  g_assert_true (trd_credentials_remove_finish (result, &error));
  after = list (f, session);
  g_assert_cmpuint (g_variant_n_children (after), ==, 0);
  g_assert_cmpuint (count_items (f), ==, 0);
  assert_given (f, create (f, session, "https://a.example/h"), "");
}

static void
client_certificate (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = create (f, session, "https://a.example/f");
  g_autoptr (GVariant) given = NULL;
  TrdTask *other;

  challenge_meet_as (f,
                     task,
                     TRUNDLE_ERROR_CLIENT_CERTIFICATE_REQUIRED,
                     challenge_facts ("{'method': <'client-certificate'>}", ""));
  challenge_answer (f,
                    task,
                    "use-credential",
                    "{'certificate': <'-----BEGIN CERTIFICATE-----PRIVATE KEY-----'>, "
                    "'persistence': <'permanent'>}");
  given = g_variant_lookup_value (fake_transport_find (f->transport, task->id)->request,
                                  "client-certificates",
                                  G_VARIANT_TYPE ("aa{sv}"));
  g_assert_cmpuint (g_variant_n_children (given), ==, 1);

  /* Out of the keyring it is the same. */
  core_fixture_restart (f);
  test_settle ();
  other = trd_registry_find_task (f->registry, 1);
  challenge_meet_as (f,
                     other,
                     TRUNDLE_ERROR_CLIENT_CERTIFICATE_REQUIRED,
                     challenge_facts ("{'method': <'client-certificate'>}", ""));
  test_await (fake_transport_is_running (f->transport, other->id));
  g_clear_pointer (&given, g_variant_unref);
  given = g_variant_lookup_value (fake_transport_find (f->transport, other->id)->request,
                                  "client-certificates",
                                  G_VARIANT_TYPE ("aa{sv}"));
  g_assert_nonnull (given);
  g_assert_cmpuint (g_variant_n_children (given), ==, 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func)                                                                  \
  g_test_add ("/credentials/" path,                                                      \
              CoreFixture,                                                               \
              NULL,                                                                      \
              core_fixture_set_up,                                                       \
              func,                                                                      \
              core_fixture_tear_down)
  ADD ("stored-is-found", stored_is_found);
  ADD ("stored-is-refused", stored_is_refused);
  ADD ("password-changed", password_changed);
  ADD ("appears-while-open", appears_while_open);
  ADD ("other-items-do-not-fit", other_items_do_not_fit);
  ADD ("locked-waits", locked_waits);
  ADD ("locked-for-nothing", locked_for_nothing);
  ADD ("locked-by-default", locked_by_default);
  ADD ("locked-without-items-asks", locked_without_items_asks);
  ADD ("locked-survives-restart", locked_survives_restart);
  ADD ("suspended-while-looking", suspended_while_looking);
  ADD ("restarted-while-looking", restarted_while_looking);
  ADD ("kept-for-good", kept_for_good);
  ADD ("kept-for-the-session", kept_for_the_session);
  ADD ("kept-for-the-tasks", kept_for_the_tasks);
  ADD ("stored-once-it-opens", stored_once_it_opens);
  ADD ("rows-bear-no-secret", rows_bear_no_secret);
  ADD ("clear-needs-a-word", clear_needs_a_word);
  ADD ("clear-uses-nothing-stored", clear_uses_nothing_stored);
  ADD ("clear-by-option", clear_by_option);
  ADD ("set-in-advance", set_in_advance);
  ADD ("preemptive-from-keyring", preemptive_from_keyring);
  ADD ("orphans-go", orphans_go);
  ADD ("aside-stays", aside_stays);
  ADD ("set-answers", set_answers);
  ADD ("set-ends-a-rejection", set_ends_a_rejection);
  ADD ("reset-ends-a-rejection", reset_ends_a_rejection);
  ADD ("bad-settings", bad_settings);
  ADD ("international-host", international_host);
  ADD ("listed-and-removed", listed_and_removed);
  ADD ("client-certificate", client_certificate);

  return g_test_run ();
}
