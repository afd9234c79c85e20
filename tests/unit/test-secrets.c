/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Secrets by reference (law 9): what is kept where, what survives, who waits for the
 * keyring, and that nothing is left in it which nobody needs. */

#include "config.h"

#include <string.h>

#include "await.h"
#include "common/defaults.h"
#include "common/error.h"
#include "core-fixture.h"
#include "core/request.h"

#define URL "http://example.org/a"
#define TOKEN "{'headers': <[('Authorization', 'Bearer canary')]>}"
#define OTHER "{'headers': <[('Authorization', 'Bearer other')]>}"
#define STARTED "{'start': <true>, 'headers': <[('Authorization', 'Bearer canary')]>}"
#define N_MANY 10000

static TrdSecretPool *
get_pool (CoreFixture *f)
{
  return trd_registry_get_secret_pool (f->registry);
}

static guint
count_items (CoreFixture *f)
{
  g_autoptr (GPtrArray) items = fake_vault_list (f->vault, TRD_VAULT_SECRETS);

  return items->len;
}

static TrdTask *
find (CoreFixture *f, gint64 id)
{
  return trd_registry_find_task (f->registry, id);
}

static TrdTaskRow *
load (CoreFixture *f, gint64 id)
{
  g_autoptr (GError) error = NULL;
  TrdTaskRow *row = trd_store_load_task (f->env.store, id, &error);

  g_assert_no_error (error);
  return row;
}

/* ---- preparing, as the gate does ---- */

static GAsyncResult *
begin_prepare (CoreFixture *f, gint64 session_id, const char *text)
{
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func (
      (GDestroyNotify)g_variant_unref);
  GAsyncResult **result = g_new0 (GAsyncResult *, 1);

  g_ptr_array_add (values,
                   g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, NULL));
  trd_secret_pool_prepare_async (
      get_pool (f), session_id, "org.example.App", values, test_take_result, result);
  return (GAsyncResult *)result;
}

/* (transfer full) */
static GPtrArray *
end_prepare (CoreFixture *f, GAsyncResult *pending)
{
  g_autofree GAsyncResult **result = (GAsyncResult **)pending;
  GPtrArray *prepared;

  test_await (*result != NULL);
  prepared = trd_secret_pool_prepare_finish (get_pool (f), *result);
  g_object_unref (*result);
  return prepared;
}

static GPtrArray *
prepare (CoreFixture *f, gint64 session_id, const char *text)
{
  return end_prepare (f, begin_prepare (f, session_id, text));
}

/* A task with a secret that was prepared. */
static TrdTask *
create (CoreFixture *f, TrdSession *session, const char *options)
{
  g_autoptr (GVariant) checked = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, options, NULL, NULL, NULL);
  g_autoptr (GVariant) secrets = trd_request_find_secrets (URL, checked);
  g_autofree char *text = g_variant_print (secrets, TRUE);
  g_autoptr (GPtrArray) prepared = prepare (f, session->row->id, text);

  g_assert_cmpuint (prepared->len, ==, 1);
  return core_fixture_create (f, session, URL, options);
}

static char *
get_authorization (CoreFixture *f, gint64 id)
{
  g_autoptr (GVariant) headers = NULL;
  const char *name;
  char *value = NULL;

  test_await (fake_transport_is_running (f->transport, id));
  headers = g_variant_lookup_value (
      fake_transport_find (f->transport, id)->request, "secret-headers", NULL);
  if (g_variant_n_children (headers) == 1)
    g_variant_get_child (headers, 0, "(&ss)", &name, &value);

  return value;
}

static void
assert_goes_with (CoreFixture *f, gint64 id, const char *expected)
{
  g_autofree char *value = get_authorization (f, id);

  g_assert_cmpstr (value, ==, expected);
}

static void
assert_durable (CoreFixture *f, gint64 id, gboolean expected)
{
  g_autoptr (TrdTaskRow) row = load (f, id);

  g_assert_cmpint (find (f, id)->durable, ==, expected);
  g_assert_cmpint (row->durable, ==, expected);
  g_assert_cmpint (row->secrets_id != NULL, ==, expected);
}

/* Not a word of it in any file of the state. */
static void
assert_no_canary (CoreFixture *f)
{
  g_autoptr (GDir) dir = g_dir_open (f->directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (f->directory, name, NULL);
      g_autofree char *content = NULL;
      gsize length;

      if (!g_file_test (path, G_FILE_TEST_IS_REGULAR))
        continue;
      g_assert_true (g_file_get_contents (path, &content, &length, NULL));
      g_assert_null (memmem (content, length, "canary", 6));
    }
}

/* ---- keeping ---- */

static void
keeps (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, core_fixture_open (f, "{}"), TOKEN);
  g_autoptr (GPtrArray) items = fake_vault_list (f->vault, TRD_VAULT_SECRETS);
  g_autoptr (TrdTaskRow) row = load (f, task->id);
  TrdVaultItem *item;

  assert_durable (f, task->id, TRUE);
  g_assert_false (trd_registry_has_volatile (f->registry));
  g_assert_cmpuint (items->len, ==, 1);
  item = g_ptr_array_index (items, 0);
  g_assert_cmpstr (g_hash_table_lookup (item->attributes, "id"), ==, row->secrets_id);
  g_assert_cmpstr (g_hash_table_lookup (item->attributes, "session"), ==, "1");
  g_assert_cmpstr (g_hash_table_lookup (item->attributes, "state"), ==, f->env.state_id);
  assert_no_canary (f);
}

static void
asks_nobody_without_secrets (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = core_fixture_create (
      f,
      core_fixture_open (f, "{'headers': <[('X-Plain', 'p')]>}"),
      URL,
      "{'start': <true>}");

  core_fixture_complete (f, task, "body");
  test_await (trd_task_is_finished (find (f, 1)));
  core_fixture_restart (f);
  trd_secret_pool_settle (get_pool (f));
  test_settle ();

  g_assert_cmpuint (fake_vault_count_calls (f->vault), ==, 0);
}

/* 10,000 tasks with one token are one item, in one batch or one by one. */
static void
shares (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  g_autoptr (GVariant) options = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, TOKEN, NULL, NULL, NULL);
  g_autoptr (GPtrArray) drafts = g_ptr_array_new_with_free_func (
      (GDestroyNotify)trd_draft_free);
  g_autoptr (GPtrArray) prepared = prepare (f, session->row->id, TOKEN);
  g_autoptr (GArray) ids = NULL;

  for (guint i = 0; i < N_MANY; i++)
    g_ptr_array_add (drafts, trd_draft_new (TRUNDLE_KIND_DOWNLOAD, URL, options));
  ids = trd_registry_create_tasks (f->registry, session, drafts, NULL);
  g_assert_cmpuint (ids->len, ==, N_MANY);
  g_clear_pointer (&prepared, g_ptr_array_unref);

  g_assert_true (create (f, session, TOKEN)->secrets == find (f, 1)->secrets);
  g_assert_true (find (f, N_MANY)->secrets == find (f, 1)->secrets);
  g_assert_cmpuint (count_items (f), ==, 1);
  g_assert_cmpuint (fake_vault_count_calls (f->vault), ==, 1);
  g_assert_cmpuint (sizeof (TrdTask), <=, 296);
}

static void
sessions_share_nothing (CoreFixture *f, gconstpointer data)
{
  create (f, core_fixture_open (f, "{}"), TOKEN);
  create (f, core_fixture_open_named (f, "t", "{}"), TOKEN);

  g_assert_cmpuint (count_items (f), ==, 2);
}

static void
stays_in_memory (CoreFixture *f, gconstpointer data)
{
  fake_vault_set_state (f->vault, GPOINTER_TO_INT (data));
  create (f, core_fixture_open (f, "{}"), STARTED);

  assert_durable (f, 1, FALSE);
  assert_goes_with (f, 1, "Bearer canary");
  g_assert_true (trd_registry_has_volatile (f->registry));
  assert_no_canary (f);
}

static void
on_changed (TrdRegistry *registry, TrdTask *task, guint changes, guint *out_n)
{
  *out_n += (changes & TRD_TASK_CHANGE_SECRETS) != 0;
}

/* An unlock makes all safe, whoever unlocks. */
static void
keeps_when_unlocked (CoreFixture *f, gconstpointer data)
{
  TrdSession *session;
  guint n_told = 0;

  fake_vault_set_state (f->vault, GPOINTER_TO_INT (data));
  session = core_fixture_open (f, OTHER);
  create (f, session, TOKEN);
  create (f, session, TOKEN);
  core_fixture_create (f, session, URL, "{}");
  g_signal_connect (f->registry, "task-changed", G_CALLBACK (on_changed), &n_told);
  g_assert_false (trd_session_is_durable (session));
  fake_vault_set_state (f->vault, TRD_VAULT_OPEN);
  test_await (!trd_registry_has_volatile (f->registry));

  assert_durable (f, 1, TRUE);
  assert_durable (f, 2, TRUE);
  g_assert_true (trd_session_is_durable (session));
  g_assert_cmpuint (n_told, ==, 3);
  g_assert_cmpuint (count_items (f), ==, 2);

  core_fixture_restart (f);
  trd_registry_resume (f->registry, find (f, 2), NULL);
  assert_goes_with (f, 2, "Bearer canary");
  trd_registry_resume (f->registry, find (f, 3), NULL);
  assert_goes_with (f, 3, "Bearer other");
}

/* The reply does not wait for ever, and what comes late is good all the same. */
static void
does_not_wait_for_ever (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  GAsyncResult *pending;
  g_autoptr (GPtrArray) prepared = NULL;

  fake_vault_set_slow (f->vault, TRUE);
  pending = begin_prepare (f, 1, TOKEN);
  fake_clock_advance (f->clock, TRD_SECRETS_TIMEOUT_US - 1);
  test_settle ();
  g_assert_null (*(GAsyncResult **)pending);
  fake_clock_advance (f->clock, 1);
  prepared = end_prepare (f, pending);
  core_fixture_create (f, session, URL, TOKEN);
  g_clear_pointer (&prepared, g_ptr_array_unref);
  assert_durable (f, 1, FALSE);

  fake_vault_set_slow (f->vault, FALSE);
  test_await (find (f, 1)->durable);
  assert_durable (f, 1, TRUE);
}

/* ---- nothing is left ---- */

static void
leaves_nothing_without_a_row (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  g_autoptr (GPtrArray) prepared = prepare (f, 1, TOKEN);
  g_autoptr (GPtrArray) drafts = g_ptr_array_new_with_free_func (
      (GDestroyNotify)trd_draft_free);
  g_autoptr (GVariant) options = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, TOKEN, NULL, NULL, NULL);

  g_ptr_array_add (drafts, trd_draft_new (TRUNDLE_KIND_DOWNLOAD, URL, options));
  g_assert_cmpuint (count_items (f), ==, 1);
  trd_store_fail_next_commit (f->env.store);
  g_assert_null (trd_registry_create_tasks (f->registry, session, drafts, NULL));
  g_clear_pointer (&prepared, g_ptr_array_unref);

  test_await (count_items (f) == 0);
}

static void
leaves_nothing_after_the_last (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");

  create (f, session, STARTED);
  create (f, session, STARTED);
  core_fixture_complete (f, find (f, 1), "body");
  core_fixture_complete (f, find (f, 2), "body");
  test_await (session->n_events == 2);
  trd_registry_complete_events (f->registry, session, 1, NULL);
  test_settle ();
  g_assert_cmpuint (count_items (f), ==, 1);

  trd_registry_complete_events (f->registry, session, 2, NULL);
  test_await (count_items (f) == 0);
}

static void
leaves_nothing_of_a_session (CoreFixture *f, gconstpointer data)
{
  TrdSession *session;
  g_autoptr (GPtrArray) prepared = prepare (f, 0, OTHER);

  trd_secret_pool_use (get_pool (f), prepared);
  session = core_fixture_open (f, OTHER);
  trd_secret_pool_use (get_pool (f), NULL);
  g_clear_pointer (&prepared, g_ptr_array_unref);
  create (f, session, TOKEN);
  g_assert_true (trd_session_is_durable (session));
  g_assert_cmpuint (count_items (f), ==, 2);

  trd_registry_invalidate_and_cancel (f->registry, session, FALSE, NULL);
  test_await (count_items (f) == 0);
}

/* Locked when it should have gone: it goes when that is over. */
static void
removes_what_was_locked (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");

  create (f, session, TOKEN);
  fake_vault_set_state (f->vault, TRD_VAULT_LOCKED);
  trd_registry_invalidate_and_cancel (f->registry, session, FALSE, NULL);
  test_settle ();
  g_assert_cmpuint (count_items (f), ==, 1);

  if (GPOINTER_TO_INT (data))
    {
      core_fixture_restart (f);
      trd_secret_pool_settle (get_pool (f));
    }
  fake_vault_set_state (f->vault, TRD_VAULT_OPEN);
  test_await (count_items (f) == 0);
}

/* What a daemon that died has left; of another's not a thing. */
static void
sweeps (CoreFixture *f, gconstpointer data)
{
  create (f, core_fixture_open (f, "{}"), TOKEN);
  fake_vault_put (f->vault,
                  TRD_VAULT_SECRETS,
                  "@a{sv} {}",
                  "id",
                  "stray",
                  "state",
                  f->env.state_id,
                  NULL);
  fake_vault_put (
      f->vault, TRD_VAULT_SECRETS, "@a{sv} {}", "id", "stray", "state", "other", NULL);
  test_settle ();
  core_fixture_restart (f);
  trd_secret_pool_settle (get_pool (f));

  test_await (count_items (f) == 2);
  assert_durable (f, 1, TRUE);
}

/* Fault (disk): a database set aside, whose tasks have secrets | Proves: they are there
 * when it is taken back; what is known to be needed no more goes all the same */
static void
spares_what_is_aside (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");

  create (f, session, TOKEN);
  fake_vault_put (f->vault,
                  TRD_VAULT_SECRETS,
                  "@a{sv} {}",
                  "id",
                  "aside",
                  "state",
                  f->env.state_id,
                  NULL);
  core_fixture_set_aside (f);
  core_fixture_restart (f);
  trd_secret_pool_settle (get_pool (f));
  test_settle ();
  g_assert_cmpuint (count_items (f), ==, 2);

  session = trd_registry_find_session (f->registry, 1);
  trd_registry_invalidate_and_cancel (f->registry, session, FALSE, NULL);
  test_await (count_items (f) == 1);
}

/* Once nothing is there, a start asks for nothing. */
static void
asks_no_more_when_all_is_gone (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  guint n_calls;

  create (f, session, TOKEN);
  trd_registry_invalidate_and_cancel (f->registry, session, FALSE, NULL);
  test_await (count_items (f) == 0);
  test_settle ();
  core_fixture_restart (f);
  n_calls = fake_vault_count_calls (f->vault);
  trd_secret_pool_settle (get_pool (f));
  test_settle ();
  g_assert_cmpuint (fake_vault_count_calls (f->vault), ==, n_calls + 1);

  core_fixture_restart (f);
  trd_secret_pool_settle (get_pool (f));
  test_settle ();
  g_assert_cmpuint (fake_vault_count_calls (f->vault), ==, n_calls + 1);
}

/* ---- after a restart ---- */

static void
survives (CoreFixture *f, gconstpointer data)
{
  create (f, core_fixture_open (f, "{}"), STARTED);
  core_fixture_restart (f);

  assert_goes_with (f, 1, "Bearer canary");
  /* Shared still. */
  create (f, core_fixture_open (f, "{}"), TOKEN);
  g_assert_cmpuint (count_items (f), ==, 1);
}

static void
waits_for_the_keyring (CoreFixture *f, gconstpointer data)
{
  create (f, core_fixture_open (f, "{}"), STARTED);
  core_fixture_create (f, core_fixture_open (f, "{}"), URL, "{'start': <true>}");
  fake_vault_set_state (f->vault, GPOINTER_TO_INT (data));
  core_fixture_restart (f);
  /* One that needs none goes on. */
  test_await (fake_transport_is_running (f->transport, 2));

  g_assert_null (fake_transport_find (f->transport, 1));
  g_assert_cmpuint (trd_task_wait_reasons (find (f, 1)), ==, TRUNDLE_WAIT_KEYRING_LOCKED);
  g_assert_true (trd_registry_has_volatile (f->registry));
  assert_durable (f, 1, TRUE);

  fake_vault_set_state (f->vault, TRD_VAULT_OPEN);
  assert_goes_with (f, 1, "Bearer canary");
}

/* Nobody waits for what only a suspended task will need. */
static void
suspended_waits_for_nothing (CoreFixture *f, gconstpointer data)
{
  guint n_calls;

  create (f, core_fixture_open (f, "{}"), TOKEN);
  fake_vault_set_state (f->vault, TRD_VAULT_LOCKED);
  n_calls = fake_vault_count_calls (f->vault);
  core_fixture_restart (f);
  test_settle ();

  g_assert_false (trd_registry_has_volatile (f->registry));
  g_assert_cmpuint (fake_vault_count_calls (f->vault), ==, n_calls);
}

static void
assert_ends_asking (CoreFixture *f, gint64 id)
{
  g_autoptr (TrdTaskRow) row = NULL;

  test_await (trd_task_is_finished (find (f, id)));
  row = load (f, id);
  g_assert_cmpstr (row->error_name, ==, "AuthenticationRequired");
  g_assert_null (fake_transport_find (f->transport, id));
}

/* The user has deleted the item. */
static void
item_is_gone (CoreFixture *f, gconstpointer data)
{
  create (f, core_fixture_open (f, "{}"), STARTED);
  fake_vault_forget (f->vault, TRD_VAULT_SECRETS);
  core_fixture_restart (f);

  assert_ends_asking (f, 1);
}

/* Nothing goes out bare that lost its secrets, its own or its session's. */
static void
lost_is_not_bare (CoreFixture *f, gconstpointer data)
{
  TrdSession *session;

  fake_vault_set_state (f->vault, TRD_VAULT_ABSENT);
  session = core_fixture_open (f, "{}");
  create (f, session, TOKEN);
  core_fixture_create (f, session, URL, "{}");
  core_fixture_configure (f, session, OTHER);
  g_assert_false (trd_session_is_durable (session));
  core_fixture_restart (f);
  g_assert_false (trd_registry_has_volatile (f->registry));

  trd_registry_resume (f->registry, find (f, 1), NULL);
  trd_registry_resume (f->registry, find (f, 2), NULL);
  assert_ends_asking (f, 1);
  assert_ends_asking (f, 2);
}

/* The app gives them again, and those that were made before go with them. */
static void
given_again (CoreFixture *f, gconstpointer data)
{
  TrdSession *session;

  fake_vault_set_state (f->vault, TRD_VAULT_ABSENT);
  session = core_fixture_open (f, OTHER);
  core_fixture_create (f, session, URL, "{}");
  core_fixture_restart (f);
  core_fixture_open (f, OTHER);
  trd_registry_resume (f->registry, find (f, 1), NULL);

  assert_goes_with (f, 1, "Bearer other");
}

/* Those of the session are locked away, and given again meanwhile. */
static void
given_again_while_locked (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  g_autoptr (GPtrArray) prepared = prepare (f, 1, OTHER);

  core_fixture_configure (f, session, OTHER);
  g_clear_pointer (&prepared, g_ptr_array_unref);
  core_fixture_create (f, session, URL, "{'start': <true>}");
  fake_vault_set_state (f->vault, TRD_VAULT_LOCKED);
  core_fixture_restart (f);
  test_settle ();
  g_assert_cmpuint (trd_task_wait_reasons (find (f, 1)), ==, TRUNDLE_WAIT_KEYRING_LOCKED);

  core_fixture_open (f, OTHER);
  assert_goes_with (f, 1, "Bearer other");
}

/* ---- changing ---- */

static gboolean
update (CoreFixture *f, const char *text, GError **error)
{
  g_autoptr (GVariant) changes = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, text, NULL, NULL, NULL);
  g_autoptr (GVariant) planned = trd_registry_plan_update (
      f->registry, find (f, 1), changes);
  g_autofree char *value = planned != NULL ? g_variant_print (planned, TRUE) : NULL;
  g_autoptr (GPtrArray) prepared = value != NULL ? prepare (f, 1, value) : NULL;

  g_assert_cmpint (prepared != NULL, ==, planned != NULL);
  return trd_registry_update_request (f->registry, find (f, 1), changes, error);
}

static void
update_replaces (CoreFixture *f, gconstpointer data)
{
  create (f, core_fixture_open (f, "{}"), TOKEN);
  g_assert_true (update (f, OTHER, NULL));
  test_await (count_items (f) == 1);
  assert_durable (f, 1, TRUE);

  core_fixture_restart (f);
  trd_registry_resume (f->registry, find (f, 1), NULL);
  assert_goes_with (f, 1, "Bearer other");
}

/* What was meant for one server is not kept for another. */
static void
update_drops (CoreFixture *f, gconstpointer data)
{
  g_autoptr (TrdTaskRow) row = NULL;

  create (f, core_fixture_open (f, "{}"), TOKEN);
  g_assert_true (update (f, "{'url': <'http://example.net/a'>}", NULL));
  test_await (count_items (f) == 0);
  row = load (f, 1);

  g_assert_null (row->secrets_id);
  g_assert_null (find (f, 1)->secrets);
  g_assert_true (row->durable);
}

/* Secrets that are not known now stay what they are, or it is said why not. */
static void
update_while_locked (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  create (f, core_fixture_open (f, "{}"), TOKEN);
  fake_vault_set_state (f->vault, TRD_VAULT_LOCKED);
  core_fixture_restart (f);
  g_assert_true (update (f, "{'idempotent': <true>}", NULL));
  g_assert_true (update (f, "{'url': <'http://example.org/b'>}", NULL));
  g_assert_false (update (f, "{'headers': <[('X-Plain', 'p')]>}", &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_BAD_STATE);
  fake_vault_set_state (f->vault, TRD_VAULT_OPEN);
  trd_registry_resume (f->registry, find (f, 1), NULL);

  assert_goes_with (f, 1, "Bearer canary");
}

static void
configure_while_locked (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  g_autoptr (GPtrArray) prepared = prepare (f, 1, OTHER);
  g_autoptr (GVariant) headers = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, TOKEN, NULL, NULL, NULL);
  g_autoptr (GError) error = NULL;

  core_fixture_configure (f, session, OTHER);
  g_clear_pointer (&prepared, g_ptr_array_unref);
  core_fixture_create (f, session, URL, "{}");
  fake_vault_set_state (f->vault, TRD_VAULT_LOCKED);
  core_fixture_restart (f);
  session = trd_registry_find_session (f->registry, 1);
  core_fixture_configure (f, session, "{'priority': <0.25>}");
  g_assert_false (trd_registry_configure (f->registry, session, headers, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_BAD_STATE);
  fake_vault_set_state (f->vault, TRD_VAULT_OPEN);
  trd_registry_resume (f->registry, find (f, 1), NULL);

  assert_goes_with (f, 1, "Bearer other");
}

/* Retry is of the same request. */
static void
retry_goes_with_them (CoreFixture *f, gconstpointer data)
{
  create (f, core_fixture_open (f, "{}"), STARTED);
  core_fixture_fail (f, find (f, 1), TRUNDLE_ERROR_HTTP_STATUS);
  test_await (trd_task_is_finished (find (f, 1)));
  core_fixture_restart (f);
  test_settle ();
  g_assert_true (trd_registry_try_again (f->registry, find (f, 1), NULL));

  assert_goes_with (f, 1, "Bearer canary");
}

static void
add (const char *name, gconstpointer data, void (*test) (CoreFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/secrets/", name, NULL);

  g_test_add (path, CoreFixture, data, core_fixture_set_up, test, core_fixture_tear_down);
}

int
main (int argc, char **argv)
{
  gconstpointer locked = GINT_TO_POINTER (TRD_VAULT_LOCKED);
  gconstpointer absent = GINT_TO_POINTER (TRD_VAULT_ABSENT);

  g_test_init (&argc, &argv, NULL);

  add ("law-9/keeps", NULL, keeps);
  add ("asks-nobody-without-secrets", NULL, asks_nobody_without_secrets);
  add ("shares", NULL, shares);
  add ("sessions-share-nothing", NULL, sessions_share_nothing);
  add ("stays-in-memory/locked", locked, stays_in_memory);
  add ("stays-in-memory/absent", absent, stays_in_memory);
  add ("keeps-when-unlocked/locked", locked, keeps_when_unlocked);
  add ("keeps-when-unlocked/absent", absent, keeps_when_unlocked);
  add ("does-not-wait-for-ever", NULL, does_not_wait_for_ever);
  add ("leaves-nothing/without-a-row", NULL, leaves_nothing_without_a_row);
  add ("leaves-nothing/after-the-last", NULL, leaves_nothing_after_the_last);
  add ("leaves-nothing/of-a-session", NULL, leaves_nothing_of_a_session);
  add ("removes-what-was-locked/at-once", NULL, removes_what_was_locked);
  add ("removes-what-was-locked/restart", GINT_TO_POINTER (1), removes_what_was_locked);
  add ("sweeps", NULL, sweeps);
  add ("spares-what-is-aside", NULL, spares_what_is_aside);
  add ("asks-no-more-when-all-is-gone", NULL, asks_no_more_when_all_is_gone);
  add ("restart/survives", NULL, survives);
  add ("restart/waits-for-the-keyring/locked", locked, waits_for_the_keyring);
  add ("restart/waits-for-the-keyring/absent", absent, waits_for_the_keyring);
  add ("restart/suspended-waits-for-nothing", NULL, suspended_waits_for_nothing);
  add ("restart/item-is-gone", NULL, item_is_gone);
  add ("restart/lost-is-not-bare", NULL, lost_is_not_bare);
  add ("restart/given-again", NULL, given_again);
  add ("restart/given-again-while-locked", NULL, given_again_while_locked);
  add ("update/replaces", NULL, update_replaces);
  add ("update/drops", NULL, update_drops);
  add ("update/while-locked", NULL, update_while_locked);
  add ("configure/while-locked", NULL, configure_while_locked);
  add ("retry-goes-with-them", NULL, retry_goes_with_them);

  return g_test_run ();
}
