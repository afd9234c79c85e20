/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Credentials and a keyring that takes its time: in which order it is told and asked, and
 * what is remembered of that. */

#include "config.h"

#include "await.h"
#include "challenge-fixture.h"
#include "common/defaults.h"
#include "core/challenges.h"
#include "core/credentials-private.h"

#define START "{'start': <true>}"
#define PERMANENT "{'user': <'u'>, 'password': <'p'>, 'persistence': <'permanent'>}"

static TrdCredentials *
credentials_of (CoreFixture *f)
{
  return trd_challenges_get_credentials (trd_registry_get_challenges (f->registry));
}

/* What is still on its way into the keyring is removed as well. */
static void
removed_while_stored (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdSpace space = { .protocol = (char *)"https", .host = (char *)"a.example", 443 };
  TrdTask *task = challenge_open (f, session, START);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) items = NULL;
  g_autoptr (GError) error = NULL;

  fake_vault_set_slow_writes (f->vault, TRUE);
  challenge_answer (f, task, "use-credential", PERMANENT);
  trd_credentials_remove_async (
      credentials_of (f), session, &space, test_take_result, &result);
  test_settle ();
  g_assert_null (result);
  fake_vault_set_slow_writes (f->vault, FALSE);
  test_await (result != NULL);
  g_assert_true (trd_credentials_remove_finish (result, &error));
  items = fake_vault_list (f->vault, TRD_VAULT_CREDENTIAL);
  g_assert_cmpuint (items->len, ==, 0);
}

/* What is told after it stays. */
static void
told_after_removal (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdSpace space = { .protocol = (char *)"https", .host = (char *)"a.example", 443 };
  TrdTask *task = challenge_open (f, session, START);
  g_autoptr (GVariant) answer = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, PERMANENT, NULL, NULL, NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) items = NULL;
  g_autoptr (GError) error = NULL;
  const TrdCredential *told;

  fake_vault_set_slow_writes (f->vault, TRUE);
  challenge_answer (f, task, "use-credential", PERMANENT);
  trd_credentials_remove_async (
      credentials_of (f), session, &space, test_take_result, &result);
  told = trd_credentials_add (credentials_of (f), session, 0, &space, answer, &error);
  g_assert_no_error (error);
  trd_credentials_keep (credentials_of (f), told->generation);
  fake_vault_set_slow_writes (f->vault, FALSE);
  test_await (result != NULL);
  g_assert_true (trd_credentials_remove_finish (result, &error));
  items = fake_vault_list (f->vault, TRD_VAULT_CREDENTIAL);
  g_assert_cmpuint (items->len, ==, 1);
}

static void
look_up (CoreFixture *f, TrdSession *session, guint port)
{
  TrdSpace space = { .protocol = (char *)"https", .host = (char *)"a.example", port };
  g_autoptr (GAsyncResult) result = NULL;
  gboolean locked = FALSE;

  trd_credentials_look_up_async (
      credentials_of (f), session, &space, test_take_result, &result);
  test_await (result != NULL);
  g_assert_true (trd_credentials_look_up_finish (result, &locked));
  g_assert_true (trd_credentials_has_looked (credentials_of (f), session, &space));
}

/* That the keyring was asked is remembered of so many, and while the session is there. */
static void
looked_is_bounded (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdSession *other = core_fixture_open_named (f, "other", "{}");
  GHashTable *looked = credentials_of (f)->looked;
  g_autoptr (GError) error = NULL;

  for (guint port = 1; port <= TRD_CREDENTIALS_LOOKED_MAX + 1; port++)
    look_up (f, session, port);
  g_assert_cmpuint (g_hash_table_size (looked), ==, TRD_CREDENTIALS_LOOKED_MAX);
  look_up (f, other, 443);
  g_assert_true (
      trd_registry_invalidate_and_cancel (f->registry, session, FALSE, &error));
  test_settle ();
  g_assert_cmpuint (g_hash_table_size (looked), ==, 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func)                                                                  \
  g_test_add ("/credentials-keyring/" path,                                              \
              CoreFixture,                                                               \
              NULL,                                                                      \
              core_fixture_set_up,                                                       \
              func,                                                                      \
              core_fixture_tear_down)
  ADD ("removed-while-stored", removed_while_stored);
  ADD ("told-after-removal", told_after_removal);
  ADD ("looked-is-bounded", looked_is_bounded);

  return g_test_run ();
}
