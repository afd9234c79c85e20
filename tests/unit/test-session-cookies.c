/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The cookies of sessions in the core: whose attempts have which, what workers tell, and
 * the keyring. */

#include "config.h"

#include "await.h"
#include "common/cookies.h"
#include "common/defaults.h"
#include "core-fixture.h"
#include "core/registry-internal.h"
#include "core/reset.h"
#include "core/trust.h"

#define URL "http://a.example.org/x"

static GVariant *
one (const char *name, const char *value, guint flags)
{
  GVariant *cookie = trundle_cookie_new (
      &(TrundleCookie){ name, value, "a.example.org", "/", 0, flags });

  return g_variant_new_array (G_VARIANT_TYPE (TRUNDLE_COOKIE_TYPE), &cookie, 1);
}

static TrdCookies *
get_cookies (CoreFixture *f)
{
  return trd_registry_get_cookies (f->registry);
}

/* "a=1 b=2" */
static char *
show (GVariant *cookies)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (gsize i = 0; i < g_variant_n_children (cookies); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (cookies, i);
      TrundleCookie cookie;

      trundle_cookie_get (child, &cookie);
      g_string_append_printf (
          text, "%s%s=%s", text->len > 0 ? " " : "", cookie.name, cookie.value);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* A task that is begun as soon as it can be. */
static TrdTask *
start (CoreFixture *f, TrdSession *session, const char *options)
{
  g_autofree char *all = g_strdup_printf ("{'start': <true>%s}", options);

  return core_fixture_create (f, session, URL, all);
}

static const FakeAttempt *
await_attempt (CoreFixture *f, TrdTask *task)
{
  test_await (fake_transport_is_running (f->transport, task->id));
  return fake_transport_find (f->transport, task->id);
}

static guint64
get_jar (const FakeAttempt *attempt)
{
  guint64 jar = 0;

  g_variant_lookup (attempt->request, "jar", "t", &jar);
  g_assert_cmpuint (attempt->jar, ==, jar);
  return jar;
}

static void
assert_has (const FakeAttempt *attempt, const char *expected)
{
  g_autofree char *shown = NULL;

  g_assert_cmpuint (get_jar (attempt), !=, 0);
  shown = show (attempt->cookies);
  g_assert_cmpstr (shown, ==, expected);
}

static guint
count_items (CoreFixture *f)
{
  g_autoptr (GPtrArray) items = fake_vault_list (f->vault, TRD_VAULT_SECRETS);

  return items->len;
}

/* One server says: a=1. */
static TrdSession *
open_with_cookie (CoreFixture *f)
{
  TrdSession *session = core_fixture_open (f, "{'cookie-policy': <'always'>}");
  TrdTask *task = start (f, session, "");
  const FakeAttempt *attempt = await_attempt (f, task);

  fake_transport_tell_cookies (
      f->transport, attempt->jar, attempt->jar_version, one ("a", "1", 0));
  core_fixture_complete (f, task, "x");
  return session;
}

static TrdSession *
find_session (CoreFixture *f)
{
  g_autoptr (GPtrArray) sessions = trd_registry_list_sessions (f->registry);

  g_assert_cmpuint (sessions->len, ==, 1);
  return g_ptr_array_index (sessions, 0);
}

static void
finish (GAsyncResult **result)
{
  test_await (*result != NULL);
}

/* ---- attempts ---- */

static void
test_policy (CoreFixture *f, gconstpointer data)
{
  TrdSession *none = core_fixture_open_named (f, "none", "{}");
  TrdSession *never = core_fixture_open_named (
      f, "never", "{'cookie-policy': <'never'>}");
  TrdSession *strict = core_fixture_open_named (
      f, "strict", "{'cookie-policy': <'no-third-party'>}");
  const FakeAttempt *attempt;
  const char *policy = "";
  gboolean set_cookies = TRUE;

  g_assert_cmpuint (get_jar (await_attempt (f, start (f, none, ""))), ==, 0);
  g_assert_cmpuint (get_jar (await_attempt (f, start (f, never, ""))), ==, 0);
  attempt = await_attempt (f, start (f, strict, ""));
  assert_has (attempt, "");
  g_variant_lookup (attempt->request, "cookie-policy", "&s", &policy);
  g_assert_cmpstr (policy, ==, "no-third-party");
  attempt = await_attempt (f, start (f, strict, ", 'set-cookies': <false>"));
  g_assert_cmpuint (get_jar (attempt), ==, 0);
  g_variant_lookup (attempt->request, "set-cookies", "b", &set_cookies);
  g_assert_false (set_cookies);
  g_assert_cmpuint (fake_vault_count_calls (f->vault), ==, 0);
}

/* T-24 */
static void
test_next_task (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = open_with_cookie (f);
  TrdSession *other = core_fixture_open_named (
      f, "other", "{'cookie-policy': <'always'>}");

  assert_has (await_attempt (f, start (f, session, "")), "a=1");
  assert_has (await_attempt (f, start (f, other, "")), "");
}

/* Who tells what of which version: TRUE only for who has all there is. */
static void
test_versions (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{'cookie-policy': <'always'>}");
  const FakeAttempt *attempt = await_attempt (f, start (f, session, ""));
  guint64 first = attempt->jar_version;
  guint64 second = fake_transport_tell_cookies (
      f->transport, attempt->jar, first, one ("a", "1", 0));

  g_assert_cmpuint (second, >, first);
  /* The same again changes nothing. */
  g_assert_cmpuint (
      fake_transport_tell_cookies (f->transport, attempt->jar, second, one ("a", "1", 0)),
      ==,
      second);
  /* Another worker, which has not heard of it. */
  g_assert_cmpuint (
      fake_transport_tell_cookies (f->transport, attempt->jar, first, one ("b", "2", 0)),
      ==,
      0);
  g_assert_cmpuint (fake_transport_tell_cookies (
                        f->transport, attempt->jar + 100, first, one ("c", "3", 0)),
                    ==,
                    0);
  assert_has (await_attempt (f, start (f, session, "")), "a=1 b=2");
}

/* ---- the app ---- */

static void
test_set (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{'cookie-policy': <'always'>}");
  g_autoptr (GVariant) cookies = g_variant_ref_sink (one ("a", "1", 0));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) listing = NULL;
  g_autoptr (GVariant) listed = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *shown = NULL;

  trd_cookies_set_async (get_cookies (f), session, cookies, test_take_result, &result);
  g_assert_null (result);
  finish (&result);
  g_assert_true (trd_cookies_set_finish (get_cookies (f), result, &error));
  /* Law 1: it is there when the answer is. */
  g_assert_cmpuint (count_items (f), ==, 1);
  g_assert_false (trd_registry_has_volatile (f->registry));

  trd_cookies_list_async (get_cookies (f), session, test_take_result, &listing);
  finish (&listing);
  listed = trd_cookies_list_finish (get_cookies (f), listing, &error);
  shown = show (listed);
  g_assert_cmpstr (shown, ==, "a=1");
}

static void
test_clear (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = open_with_cookie (f);
  const FakeAttempt *attempt = await_attempt (f, start (f, session, ""));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  fake_clock_advance (f->clock, TRD_COOKIES_KEPT_US);
  test_await (count_items (f) == 1);
  trd_cookies_clear_async (get_cookies (f), session, test_take_result, &result);
  g_assert_cmpuint (fake_transport_get_forgotten (f->transport), ==, attempt->jar);
  finish (&result);
  g_assert_true (trd_cookies_clear_finish (get_cookies (f), result, &error));
  g_assert_cmpuint (count_items (f), ==, 0);

  /* What servers still tell the attempt is of who the user was. */
  fake_transport_tell_cookies (
      f->transport, attempt->jar, attempt->jar_version, one ("b", "2", 0));
  assert_has (await_attempt (f, start (f, session, "")), "");
  core_fixture_restart (f);
  assert_has (await_attempt (f, start (f, find_session (f), "")), "");
}

/* Law 1 again: nobody is told that they are gone when they may come back. */
static void
test_clear_locked (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = open_with_cookie (f);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  fake_clock_advance (f->clock, TRD_COOKIES_KEPT_US);
  test_await (count_items (f) == 1);
  fake_vault_set_state (f->vault, TRD_VAULT_LOCKED);
  trd_cookies_clear_async (get_cookies (f), session, test_take_result, &result);
  finish (&result);
  g_assert_false (trd_cookies_clear_finish (get_cookies (f), result, &error));
  g_assert_nonnull (error);
  assert_has (await_attempt (f, start (f, session, "")), "");
  fake_vault_set_state (f->vault, TRD_VAULT_OPEN);
  test_await (count_items (f) == 0);
}

/* ---- the keyring ---- */

static void
test_kept (CoreFixture *f, gconstpointer data)
{
  TrdTask *task;

  open_with_cookie (f);
  g_assert_cmpuint (count_items (f), ==, 0);
  g_assert_true (trd_registry_has_volatile (f->registry));
  fake_clock_advance (f->clock, TRD_COOKIES_KEPT_US);
  test_await (count_items (f) == 1);
  test_await (!trd_registry_has_volatile (f->registry));

  core_fixture_restart (f);
  task = start (f, find_session (f), "");
  assert_has (await_attempt (f, task), "a=1");
}

/* Killed before they were written down. */
static void
test_lost (CoreFixture *f, gconstpointer data)
{
  open_with_cookie (f);
  core_fixture_restart (f);
  assert_has (await_attempt (f, start (f, find_session (f), "")), "");
}

static void
test_absent (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GVariant) cookies = g_variant_ref_sink (one ("a", "1", 0));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) setting = NULL;
  g_autoptr (GError) error = NULL;
  TrdSession *session;

  fake_vault_set_state (f->vault, TRD_VAULT_ABSENT);
  session = open_with_cookie (f);
  fake_clock_advance (f->clock, TRD_COOKIES_KEPT_US);
  test_settle ();
  /* Memory is all there is, so we stay. */
  g_assert_true (trd_registry_has_volatile (f->registry));
  assert_has (await_attempt (f, start (f, session, "")), "a=1");
  trd_cookies_clear_async (get_cookies (f), session, test_take_result, &result);
  finish (&result);
  g_assert_true (trd_cookies_clear_finish (get_cookies (f), result, &error));
  g_assert_false (trd_registry_has_volatile (f->registry));

  trd_cookies_set_async (get_cookies (f), session, cookies, test_take_result, &setting);
  finish (&setting);
  g_assert_cmpuint (count_items (f), ==, 0);
  fake_vault_set_state (f->vault, TRD_VAULT_OPEN);
  test_await (count_items (f) == 1);
  core_fixture_restart (f);
  fake_vault_set_state (f->vault, TRD_VAULT_ABSENT);
  assert_has (await_attempt (f, start (f, find_session (f), "")), "");
}

/* What a keyring has that was away at first is neither lost nor overwritten. */
static void
test_returns (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GVariant) second = g_variant_ref_sink (one ("b", "2", 0));
  g_autoptr (GAsyncResult) result = NULL;
  TrdSession *session;

  open_with_cookie (f);
  fake_clock_advance (f->clock, TRD_COOKIES_KEPT_US);
  test_await (count_items (f) == 1);
  fake_vault_set_state (f->vault, TRD_VAULT_ABSENT);
  core_fixture_restart (f);
  session = find_session (f);
  assert_has (await_attempt (f, start (f, session, "")), "");
  trd_cookies_set_async (get_cookies (f), session, second, test_take_result, &result);
  finish (&result);
  g_assert_true (trd_registry_has_volatile (f->registry));

  fake_vault_set_state (f->vault, TRD_VAULT_OPEN);
  test_await (!trd_registry_has_volatile (f->registry));
  assert_has (await_attempt (f, start (f, session, "")), "a=1 b=2");
  core_fixture_restart (f);
  assert_has (await_attempt (f, start (f, find_session (f), "")), "a=1 b=2");
}

/* The same of one that comes back without a word, and what was set meanwhile wins. */
static void
test_returns_silently (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GVariant) fresh = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  TrdSession *session = open_with_cookie (f);

  fake_transport_tell_cookies (
      f->transport, await_attempt (f, start (f, session, ""))->jar, 0, one ("b", "2", 0));
  fake_clock_advance (f->clock, TRD_COOKIES_KEPT_US);
  test_await (!trd_registry_has_volatile (f->registry));
  fake_vault_set_failing (f->vault, TRUE);
  core_fixture_restart (f);
  session = find_session (f);
  assert_has (await_attempt (f, start (f, session, "")), "");
  fake_vault_set_failing (f->vault, FALSE);

  fresh = g_variant_ref_sink (one ("a", "new", 0));
  trd_cookies_set_async (get_cookies (f), session, fresh, test_take_result, &result);
  finish (&result);
  g_assert_false (trd_registry_has_volatile (f->registry));
  assert_has (await_attempt (f, start (f, session, "")), "a=new b=2");
}

/* Nothing is sent without them, and nothing prompts. */
static void
test_locked (CoreFixture *f, gconstpointer data)
{
  TrdTask *task;

  open_with_cookie (f);
  fake_clock_advance (f->clock, TRD_COOKIES_KEPT_US);
  test_await (count_items (f) == 1);
  fake_vault_set_state (f->vault, TRD_VAULT_LOCKED);
  core_fixture_restart (f);

  task = start (f, find_session (f), "");
  test_settle ();
  g_assert_null (fake_transport_find (f->transport, task->id));
  g_assert_cmpuint (trd_task_wait_reasons (task), ==, (guint)TRUNDLE_WAIT_KEYRING_LOCKED);
  fake_vault_set_state (f->vault, TRD_VAULT_OPEN);
  assert_has (await_attempt (f, task), "a=1");
}

/* A keyring that is slow to answer is waited for, by that session only. */
static void
test_slow (CoreFixture *f, gconstpointer data)
{
  TrdSession *other;
  TrdTask *task;

  open_with_cookie (f);
  fake_clock_advance (f->clock, TRD_COOKIES_KEPT_US);
  test_await (count_items (f) == 1);
  fake_vault_set_slow (f->vault, TRUE);
  core_fixture_restart (f);
  task = start (f, find_session (f), "");
  other = core_fixture_open_named (f, "other", "{}");
  await_attempt (f, start (f, other, ""));
  g_assert_null (fake_transport_find (f->transport, task->id));
  fake_vault_set_slow (f->vault, FALSE);
  assert_has (await_attempt (f, task), "a=1");
}

static void
test_removed (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = open_with_cookie (f);
  g_autoptr (GError) error = NULL;

  fake_clock_advance (f->clock, TRD_COOKIES_KEPT_US);
  test_await (count_items (f) == 1);
  g_assert_true (
      trd_registry_invalidate_and_cancel (f->registry, session, FALSE, &error));
  test_await (count_items (f) == 0);
}

static void
put_jar (CoreFixture *f, const char *id, const char *state)
{
  fake_vault_put (
      f->vault, TRD_VAULT_SECRETS, "x", "id", id, "state", state, "session", "77", NULL);
}

/* A session that went while the keyring was locked leaves an item, which goes once the
 * keyring is read; what others have there stays. */
static void
test_orphans (CoreFixture *f, gconstpointer data)
{
  put_jar (f, "cookies", "state/cookies");
  put_jar (f, "cookies", "another/cookies");
  put_jar (f, "77", "state");
  g_assert_nonnull (core_fixture_open (f, "{'cookie-policy': <'always'>}"));
  core_fixture_restart (f);
  await_attempt (f, start (f, find_session (f), ""));
  test_await (count_items (f) == 2);
}

/* Fault (disk): a database set aside | Proves: the cookies of its sessions are there when
 * it is taken back */
static void
test_aside (CoreFixture *f, gconstpointer data)
{
  put_jar (f, "cookies", "state/cookies");
  g_assert_nonnull (core_fixture_open (f, "{'cookie-policy': <'always'>}"));
  core_fixture_set_aside (f);
  core_fixture_restart (f);
  await_attempt (f, start (f, find_session (f), ""));
  test_settle ();
  g_assert_cmpuint (count_items (f), ==, 1);
}

static void
test_flush (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) idle = NULL;

  open_with_cookie (f);
  trd_cookies_flush_async (get_cookies (f), test_take_result, &result);
  finish (&result);
  trd_cookies_flush_finish (get_cookies (f), result);
  g_assert_cmpuint (count_items (f), ==, 1);
  trd_cookies_flush_async (get_cookies (f), test_take_result, &idle);
  finish (&idle);
}

static void
test_flush_hung (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;

  open_with_cookie (f);
  fake_vault_set_slow (f->vault, TRUE);
  trd_cookies_flush_async (get_cookies (f), test_take_result, &result);
  test_settle ();
  g_assert_null (result);
  fake_clock_advance (f->clock, TRD_COOKIES_FLUSH_US);
  finish (&result);
  fake_vault_set_slow (f->vault, FALSE);
}

static guint
count_trusted (CoreFixture *f, TrdSession *session)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) trusted = trd_trust_list (f->registry, session, &error);

  g_assert_no_error (error);
  g_variant_ref_sink (trusted);
  return (guint)g_variant_n_children (trusted);
}

/* B-20: what is for the session alone, and nothing else. */
static void
test_reset (CoreFixture *f, gconstpointer data)
{
  static const guint8 first[TRD_TRUST_SHA256_SIZE] = { 1 };
  static const guint8 second[TRD_TRUST_SHA256_SIZE] = { 2 };
  TrdSession *session = open_with_cookie (f);
  g_autoptr (GBytes) for_session = g_bytes_new_static (first, sizeof first);
  g_autoptr (GBytes) for_good = g_bytes_new_static (second, sizeof second);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  const FakeAttempt *attempt;
  const char *connections = NULL;

  g_assert_true (
      trd_trust_add (f->registry, session, "h", 443, FALSE, for_session, FALSE, &error));
  g_assert_true (
      trd_trust_add (f->registry, session, "h", 443, FALSE, for_good, TRUE, &error));
  g_assert_cmpuint (count_trusted (f, session), ==, 2);
  attempt = await_attempt (f, start (f, session, ""));
  g_assert_false (g_variant_lookup (attempt->request, "connections", "&s", &connections));

  trd_registry_reset_session_async (f->registry, session, test_take_result, &result);
  finish (&result);
  g_assert_true (trd_registry_reset_session_finish (f->registry, result, &error));
  g_assert_cmpuint (count_trusted (f, session), ==, 1);
  attempt = await_attempt (f, start (f, session, ""));
  assert_has (attempt, "");
  g_assert_true (g_variant_lookup (attempt->request, "connections", "&s", &connections));
}

static void
add (const char *path, void (*test) (CoreFixture *f, gconstpointer data))
{
  g_test_add (path, CoreFixture, NULL, core_fixture_set_up, test, core_fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("/session-cookies/policy", test_policy);
  add ("/session-cookies/next-task", test_next_task);
  add ("/session-cookies/versions", test_versions);
  add ("/session-cookies/set", test_set);
  add ("/session-cookies/clear", test_clear);
  add ("/session-cookies/clear-locked", test_clear_locked);
  add ("/session-cookies/kept", test_kept);
  add ("/session-cookies/lost", test_lost);
  add ("/session-cookies/absent", test_absent);
  add ("/session-cookies/returns", test_returns);
  add ("/session-cookies/returns-silently", test_returns_silently);
  add ("/session-cookies/locked", test_locked);
  add ("/session-cookies/slow", test_slow);
  add ("/session-cookies/removed", test_removed);
  add ("/session-cookies/orphans", test_orphans);
  add ("/session-cookies/aside", test_aside);
  add ("/session-cookies/reset", test_reset);
  add ("/session-cookies/flush", test_flush);
  add ("/session-cookies/flush-hung", test_flush_hung);
  return g_test_run ();
}
