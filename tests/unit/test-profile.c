/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which attempts may use the user's tickets and tokens. */

#include "config.h"

#include "await.h"
#include "core-fixture.h"
#include "core/profile.h"

#define TRUSTED "{'negotiate-hosts': <['one.example', '.all.example']>}"
#define TOKEN "[{'host': <'one.example'>, 'pkcs11-uri': <'pkcs11:token=t'>}]"

static GVariant *
parse (const char *text)
{
  return g_variant_ref_sink (g_variant_new_parsed (text));
}

static GVariant *
make_challenge (const char *protocol, const char *host, const char *methods)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_auto (GVariantBuilder) offers = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_auto (GStrv) words = g_strsplit (methods, " ", -1);

  for (guint i = 0; words[i] != NULL; i++)
    g_variant_builder_add_parsed (&offers, "{'method': <%s>}", words[i]);
  g_variant_dict_insert (&dict, "protocol", "s", protocol);
  g_variant_dict_insert (&dict, "host", "s", host);
  g_variant_dict_insert (
      &dict, "port", "u", g_str_equal (protocol, "https") ? 443u : 80u);
  g_variant_dict_insert_value (&dict, "offers", g_variant_builder_end (&offers));
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* ---- pure ---- */

static const struct
{
  const char *protocol;
  const char *host;
  const char *methods;
  const char *configuration;
  gboolean allow_insecure;
  gboolean has_token;
  gboolean is_wanted;
} rows[] = {
  { "https", "one.example", "negotiate", TRUSTED, FALSE, FALSE, TRUE },
  { "https", "one.example", "digest negotiate basic", TRUSTED, FALSE, FALSE, TRUE },
  { "https", "a.all.example", "negotiate", TRUSTED, FALSE, FALSE, TRUE },
  { "https", "one.example", "basic", TRUSTED, FALSE, FALSE, FALSE },
  { "https", "two.example", "negotiate", TRUSTED, FALSE, FALSE, FALSE },
  { "https", "one.example", "negotiate", "@a{sv} {}", FALSE, FALSE, FALSE },
  { "http", "one.example", "negotiate", TRUSTED, FALSE, FALSE, FALSE },
  { "http", "one.example", "negotiate", TRUSTED, TRUE, FALSE, TRUE },
  { "https", "one.example", "client-certificate", TRUSTED, FALSE, TRUE, TRUE },
  { "https", "two.example", "client-certificate", TRUSTED, FALSE, TRUE, FALSE },
  { "https", "one.example", "client-certificate", TRUSTED, FALSE, FALSE, FALSE },
};

static void
test_wanted (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GVariant) challenge = make_challenge (
          rows[i].protocol, rows[i].host, rows[i].methods);
      g_autoptr (GVariant) configuration = parse (rows[i].configuration);
      g_autoptr (GVariant) token = parse (TOKEN);
      TrdProfileFacts facts
          = { configuration, rows[i].has_token ? token : NULL, rows[i].allow_insecure };

      g_test_message ("row %u", i);
      g_assert_cmpint (trd_profile_is_wanted (challenge, &facts), ==, rows[i].is_wanted);
    }
}

/* A proxy may not have a ticket, whatever its name. */
static void
test_proxy (void)
{
  g_autoptr (GVariant) plain = make_challenge ("http", "one.example", "negotiate");
  g_autoptr (GVariant) configuration = parse (TRUSTED);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (plain);
  g_autoptr (GVariant) challenge = NULL;
  TrdProfileFacts facts = { configuration, NULL, TRUE };

  g_assert_true (trd_profile_is_wanted (plain, &facts));
  g_variant_dict_insert (&dict, "is-proxy", "b", TRUE);
  challenge = g_variant_ref_sink (g_variant_dict_end (&dict));
  g_assert_false (trd_profile_is_wanted (challenge, &facts));
}

static void
test_request (void)
{
  g_autoptr (GVariant) token = parse (
      "{'url': <'https://one.example/a'>, 'client-certificates': <" TOKEN ">}");
  g_autoptr (GVariant) elsewhere = parse (
      "{'url': <'https://two.example/a'>, 'client-certificates': <" TOKEN ">}");
  g_autoptr (GVariant) file = parse (
      "{'url': <'https://one.example/a'>, "
      "'client-certificates': <[{'host': <'one.example'>, 'pem': <'x'>}]>}");

  g_assert_cmpint (trd_profile_of_request (token), ==, TRD_PROFILE_LOCAL);
  g_assert_cmpint (trd_profile_of_request (elsewhere), ==, TRD_PROFILE_CONFINED);
  g_assert_cmpint (trd_profile_of_request (file), ==, TRD_PROFILE_CONFINED);
}

/* ---- with tasks ---- */

static TrdProfile
await_attempt (CoreFixture *f, TrdTask *task)
{
  test_await (fake_transport_is_running (f->transport, task->id));
  return fake_transport_find (f->transport, task->id)->profile;
}

static void
refuse (CoreFixture *f, TrdTask *task, const char *host, const char *methods)
{
  TrdOutcome *outcome = trd_outcome_new_failed (TRUNDLE_ERROR_HTTP_STATUS, NULL);

  outcome->status = 401;
  outcome->sent = TRUE;
  outcome->challenge = make_challenge ("https", host, methods);
  fake_transport_take_done (f->transport, task->id, outcome);
}

static TrdTask *
start (CoreFixture *f, TrdSession *session, const char *options)
{
  g_autofree char *text = g_strdup_printf ("{'start': <true>%s}", options);

  return core_fixture_create (f, session, "https://one.example/a", text);
}

/* At once, and without a word to anybody; also what may not be repeated, since a 401 is
 * the word that nothing was done. */
static void
test_goes_on_in_the_other (CoreFixture *f, gconstpointer options)
{
  TrdTask *task = start (f, core_fixture_open (f, TRUSTED), options);

  g_assert_cmpint (await_attempt (f, task), ==, TRD_PROFILE_CONFINED);
  refuse (f, task, "one.example", "negotiate basic");
  g_assert_cmpint (task->not_before_us, ==, 0);
  g_assert_cmpint (await_attempt (f, task), ==, TRD_PROFILE_LOCAL);
  g_assert_cmpuint (core_fixture_count (f, "EVENT"), ==, 0);
  core_fixture_complete (f, task, "hello");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
}

/* Once: what is refused there, too, is an answer. */
static void
test_only_once (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (
      f, core_fixture_open (f, TRUSTED), ", 'challenge-handling': <'default'>");

  await_attempt (f, task);
  refuse (f, task, "one.example", "negotiate");
  await_attempt (f, task);
  refuse (f, task, "one.example", "negotiate");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
}

static void
test_is_remembered (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, TRUSTED);
  TrdSession *other = core_fixture_open_named (f, "other", TRUSTED);
  TrdTask *task = start (f, session, "");

  await_attempt (f, task);
  refuse (f, task, "one.example", "negotiate");
  g_assert_cmpint (await_attempt (f, start (f, session, "")), ==, TRD_PROFILE_LOCAL);
  g_assert_cmpint (await_attempt (f, start (f, other, "")), ==, TRD_PROFILE_CONFINED);
}

/* What lies behind a redirect says nothing of where it began. */
static void
test_redirected (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, TRUSTED);
  TrdTask *task = start (f, session, "");

  await_attempt (f, task);
  refuse (f, task, "b.all.example", "negotiate");
  g_assert_cmpint (await_attempt (f, task), ==, TRD_PROFILE_LOCAL);
  g_assert_cmpint (await_attempt (f, start (f, session, "")), ==, TRD_PROFILE_CONFINED);
}

static void
test_not_trusted (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = start (
      f, core_fixture_open (f, "@a{sv} {}"), ", 'challenge-handling': <'default'>");

  await_attempt (f, task);
  refuse (f, task, "one.example", "negotiate");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
}

static void
add (const char *path, gconstpointer data, void (*test) (CoreFixture *, gconstpointer))
{
  g_test_add (path, CoreFixture, data, core_fixture_set_up, test, core_fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/profile/wanted", test_wanted);
  g_test_add_func ("/profile/proxy", test_proxy);
  g_test_add_func ("/profile/request", test_request);
  add ("/profile/goes-on-in-the-other", "", test_goes_on_in_the_other);
  add ("/profile/goes-on-though-not-idempotent",
       ", 'method': <'POST'>",
       test_goes_on_in_the_other);
  add ("/profile/only-once", NULL, test_only_once);
  add ("/profile/is-remembered", NULL, test_is_remembered);
  add ("/profile/redirected", NULL, test_redirected);
  add ("/profile/not-trusted", NULL, test_not_trusted);
  return g_test_run ();
}
