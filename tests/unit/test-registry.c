/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "await.h"
#include "common/error.h"
#include "core-fixture.h"

#define URL "http://example.org/a"

static TrdTaskRow *
load (CoreFixture *f, TrdTask *task)
{
  g_autoptr (GError) error = NULL;
  TrdTaskRow *row = trd_registry_load_task (f->registry, task, &error);

  g_assert_no_error (error);
  return row;
}

static TrdTask *
find (CoreFixture *f, gint64 id)
{
  return trd_registry_find_task (f->registry, id);
}

/* Law 1: what was promised is there after kill -9. */
static void
keeps_what_it_promised (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = core_fixture_create (
      f,
      core_fixture_open (f, "{}"),
      URL,
      "{'description': <'d'>, 'priority': <0.25>, 'group': <'g'>, 'user-data': <b'u'>}");
  gint64 id = task->id;
  g_autoptr (TrdTaskRow) row = NULL;

  core_fixture_restart (f);
  row = load (f, find (f, id));

  g_assert_cmpint (find (f, id)->state, ==, TRUNDLE_TASK_SUSPENDED);
  g_assert_cmpstr (row->description, ==, "d");
  g_assert_cmpstr (row->group, ==, "g");
  g_assert_cmpfloat (row->priority, ==, 0.25);
  g_assert_cmpuint (g_bytes_get_size (row->user_data), ==, 2);
}

/* Law 2: a failed COMMIT changes nothing, in memory either. */
static void
changes_nothing_without_commit (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = core_fixture_create (f, core_fixture_open (f, "{}"), URL, "{}");
  g_autoptr (GError) error = NULL;

  trd_store_fail_next_commit (f->env.store);

  g_assert_false (trd_registry_resume (f->registry, task, &error));
  g_assert_nonnull (error);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_SUSPENDED);
  core_fixture_restart (f);
  g_assert_cmpint (find (f, 1)->state, ==, TRUNDLE_TASK_SUSPENDED);
}

/* Law 3. */
static void
never_stores_running (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = core_fixture_create (
      f, core_fixture_open (f, "{}"), URL, "{'start': <true>}");
  g_autoptr (TrdTaskRow) row = NULL;

  test_await (task->state == TRUNDLE_TASK_RUNNING);
  row = trd_store_load_task (f->env.store, task->id, NULL);
  g_assert_cmpint (row->state, ==, TRUNDLE_TASK_QUEUED);

  core_fixture_restart (f);
  g_assert_cmpint (find (f, 1)->state, ==, TRUNDLE_TASK_QUEUED);
  test_await (find (f, 1)->state == TRUNDLE_TASK_RUNNING);
}

/* Law 9: secrets are in memory only, and a task that lost them does not go out bare. */
static void
keeps_secrets_out_of_rows (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = core_fixture_create (
      f,
      core_fixture_open (f, "{}"),
      "http://u:canary@example.org/a",
      "{'headers': <[('Cookie', 'canary'), ('X-Plain', 'p')]>}");
  g_autofree char *path = g_build_filename (f->directory, "trundle.db-wal", NULL);
  g_autofree char *wal = NULL;
  g_autoptr (TrdTaskRow) row = load (f, task);
  gsize length;

  g_assert_false (row->durable);
  g_assert_cmpstr (row->url, ==, "http://example.org/a");
  g_assert_true (trd_registry_has_volatile (f->registry));
  g_file_get_contents (path, &wal, &length, NULL);
  g_assert_null (g_strstr_len (wal, length, "canary"));
}

static void
sends_secrets_to_the_worker (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GVariant) headers = NULL;
  g_autoptr (GVariant) secrets = NULL;
  g_autofree char *text = NULL;
  TrdTask *task = core_fixture_create (
      f,
      core_fixture_open (f, "{'headers': <[('x-plain', 'session'), ('X-Other', 'o')]>}"),
      "http://u:p@example.org/a",
      "{'headers': <[('X-Plain', 'task'), ('Cookie', 'c')]>, 'start': <true>}");
  const FakeAttempt *attempt;

  test_await (task->state == TRUNDLE_TASK_RUNNING);
  attempt = fake_transport_find (f->transport, task->id);
  headers = g_variant_lookup_value (attempt->request, "headers", NULL);
  secrets = g_variant_lookup_value (attempt->request, "secret-headers", NULL);

  text = g_variant_print (headers, FALSE);
  g_assert_cmpstr (text, ==, "[('X-Other', 'o'), ('X-Plain', 'task')]");
  g_clear_pointer (&text, g_free);
  text = g_variant_print (secrets, FALSE);
  g_assert_cmpstr (text, ==, "[('Cookie', 'c')]");
  /* test-compose says what is in it. */
  g_assert_true (g_variant_lookup (attempt->request, "credentials", "aa{sv}", NULL));
}

static void
fails_what_lost_its_secrets (CoreFixture *f, gconstpointer data)
{
  g_autoptr (TrdTaskRow) row = NULL;

  core_fixture_create (
      f, core_fixture_open (f, "{}"), "http://u:p@example.org/a", "{'start': <true>}");
  test_await (find (f, 1)->state == TRUNDLE_TASK_RUNNING);

  core_fixture_restart (f);
  test_await (find (f, 1)->state == TRUNDLE_TASK_FINISHED);
  row = load (f, find (f, 1));
  g_assert_cmpstr (row->error_name, ==, "AuthenticationRequired");
}

/* Law 7 and the state table: exactly one TaskFinished however it ends. */
static void
finishes_once (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = core_fixture_create (
      f, core_fixture_open (f, "{}"), URL, "{'start': <true>}");
  g_autoptr (GError) error = NULL;

  test_await (task->state == TRUNDLE_TASK_RUNNING);
  g_assert_true (trd_registry_cancel (f->registry, task, "client", &error));
  g_assert_true (trd_registry_cancel (f->registry, task, "client", &error));
  g_assert_false (trd_registry_resume (f->registry, task, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_BAD_STATE);
  test_settle ();

  g_assert_cmpuint (trd_store_count_events (f->env.store, 1), ==, 1);
  g_assert_false (fake_transport_is_running (f->transport, task->id));
}

static void
completing_forgets (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = core_fixture_create (f, session, URL, "{'start': <true>}");
  g_autofree char *file = g_build_filename (f->directory, "spool", "1", NULL);
  g_autoptr (GError) error = NULL;

  core_fixture_complete (f, task, "hello");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  g_assert_true (g_file_test (file, G_FILE_TEST_EXISTS));

  g_assert_false (trd_courier_complete (f->courier, session, ":1.1", 2, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (find (f, 1));

  g_assert_true (trd_courier_complete (f->courier, session, ":1.1", 1, NULL));
  g_assert_null (find (f, 1));
  g_assert_false (g_file_test (file, G_FILE_TEST_EXISTS));
}

static void
makes_all_or_none (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  g_autoptr (GPtrArray) drafts = g_ptr_array_new_with_free_func (
      (GDestroyNotify)trd_draft_free);
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (
      drafts, trd_draft_new (TRUNDLE_KIND_DOWNLOAD, URL, g_variant_new ("a{sv}", NULL)));
  g_ptr_array_add (
      drafts,
      trd_draft_new (TRUNDLE_KIND_DOWNLOAD, "foobar://x", g_variant_new ("a{sv}", NULL)));

  g_assert_null (trd_registry_create_tasks (f->registry, session, drafts, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_UNSUPPORTED_SCHEME);
  g_assert_cmpuint (g_hash_table_size (session->tasks), ==, 0);
}

static void
finishing_waits_for_the_last (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTask *task = core_fixture_create (f, session, URL, "{'start': <true>}");
  g_autoptr (GPtrArray) events = NULL;

  g_assert_true (trd_registry_finish_and_invalidate (f->registry, session, NULL));
  g_assert_cmpuint (session->n_events, ==, 0);
  core_fixture_complete (f, task, "x");
  test_await (session->n_events == 2);

  events = trd_store_list_events (f->env.store, 1, 0, 0, NULL);
  g_assert_cmpint (((TrdEvent *)events->pdata[0])->kind, ==, TRUNDLE_EVENT_TASK_FINISHED);
  g_assert_cmpint (
      ((TrdEvent *)events->pdata[1])->kind, ==, TRUNDLE_EVENT_DID_BECOME_INVALID);
  g_assert_true (trd_courier_complete (f->courier, session, ":1.1", 2, NULL));
  g_assert_null (trd_registry_find_session (f->registry, 1));
}

/* T-55: the identifier is free at once. */
static void
invalidating_frees_the_name (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");

  core_fixture_create (f, session, URL, "{'start': <true>}");
  test_await (find (f, 1)->state == TRUNDLE_TASK_RUNNING);
  g_assert_true (trd_registry_invalidate_and_cancel (f->registry, session, FALSE, NULL));

  g_assert_null (trd_registry_find_session (f->registry, 1));
  g_assert_null (find (f, 1));
  g_assert_cmpint (core_fixture_open (f, "{}")->row->id, ==, 2);
}

/* C-09: a suspended task is subject to no timeout. */
static void
suspending_stops_the_deadline (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = core_fixture_create (f,
                                       core_fixture_open (f, "{}"),
                                       URL,
                                       "{'start': <true>, 'resource-timeout': "
                                       "<uint64 10000>}");

  fake_clock_advance (f->clock, 6 * G_USEC_PER_SEC);
  test_settle ();
  g_assert_true (trd_registry_suspend (f->registry, task, NULL));
  fake_clock_advance (f->clock, 100 * G_USEC_PER_SEC);
  test_settle ();
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_SUSPENDED);

  g_assert_true (trd_registry_resume (f->registry, task, NULL));
  fake_clock_advance (f->clock, 3 * G_USEC_PER_SEC);
  test_settle ();
  g_assert_cmpint (task->state, !=, TRUNDLE_TASK_FINISHED);
  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  test_await (task->state == TRUNDLE_TASK_FINISHED);
}

static void
reopening_tells_what_it_ignores (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GVariant) wanted = g_variant_ref_sink (
      g_variant_new_parsed ("{'priority': <0.9>, 'max-redirects': <@u 20>}"));
  g_auto (GStrv) ignored = NULL;
  gboolean existing = FALSE;

  core_fixture_open (f, "{}");
  g_assert_nonnull (trd_registry_open_session (
      f->registry, f->owner, "s", wanted, FALSE, &existing, &ignored, NULL));

  g_assert_true (existing);
  g_assert_cmpuint (g_strv_length (ignored), ==, 1);
  g_assert_cmpstr (ignored[0], ==, "priority");
}

/* Finished ones do not count. */
static void
cancels_as_many_as_it_may (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdTaskFilter filter = { .kind = -1, .limit = 1 };
  guint n = 0;

  for (guint i = 0; i < 3; i++)
    core_fixture_create (f, session, URL, "{}");
  g_assert_true (trd_registry_cancel (f->registry, find (f, 1), "client", NULL));
  g_assert_true (trd_registry_cancel_tasks (f->registry, session, &filter, &n, NULL));

  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpint (find (f, 2)->state, ==, TRUNDLE_TASK_FINISHED);
  g_assert_cmpint (find (f, 3)->state, ==, TRUNDLE_TASK_SUSPENDED);
}

static void
assert_secrets (TrdSession *session, const char *expected_text)
{
  g_autoptr (GVariant) expected = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, expected_text, NULL, NULL, NULL);

  g_assert_nonnull (expected);
  g_assert_cmpvariant (trd_secrets_get_value (session->secrets), expected);
}

/* An app that logs out takes its secrets back. */
static void
configuring_replaces_headers (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (
      f, "{'headers': <[('Authorization', 'old'), ('X-Plain', 'old')]>}");
  g_autoptr (GVariant) headers = NULL;

  core_fixture_configure (f, session, "{'headers': <[('Cookie', 'new')]>}");
  headers = g_variant_lookup_value (session->row->configuration, "headers", NULL);
  g_assert_null (headers);
  assert_secrets (session, "{'headers': <[('Cookie', 'new')]>}");

  core_fixture_configure (f, session, "{'priority': <0.25>}");
  g_assert_nonnull (session->secrets);

  core_fixture_configure (f, session, "{'headers': <[('X-Plain', 'new')]>}");
  g_assert_null (session->secrets);
}

/* It holds for the tasks that are still to come. */
static void
stays_for_the_secrets_of_a_session (CoreFixture *f, gconstpointer data)
{
  core_fixture_open (f, "{'headers': <[('Authorization', 'a')]>}");

  g_assert_true (trd_registry_has_volatile (f->registry));
}

/* Law 9: a server may put what it likes into an address it redirects to. */
static void
keeps_user_info_of_redirects_out (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = core_fixture_create (
      f, core_fixture_open (f, "{}"), URL, "{'start': <true>}");
  g_autoptr (TrdTaskRow) row = NULL;

  test_await (fake_transport_is_running (f->transport, task->id));
  fake_transport_redirect (
      f->transport, task->id, URL, "http://u:canary@example.org/b", 302);
  core_fixture_complete (f, task, "x");
  test_await (task->state == TRUNDLE_TASK_FINISHED);

  row = load (f, task);
  g_assert_cmpstr (row->current_url, ==, "http://example.org/b");
}

/* Law 7: a session that waits for its last task is told to make an end of it. */
static void
becomes_invalid_once (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{}");
  TrdAttachment attachment;
  guint n = 0;
  g_autoptr (GPtrArray) events = NULL;

  core_fixture_create (f, session, URL, "{'start': <true>}");
  g_assert_true (
      trd_courier_attach (f->courier, session, ":1.1", FALSE, &attachment, NULL));
  g_assert_true (trd_registry_finish_and_invalidate (f->registry, session, NULL));
  g_assert_true (trd_courier_invalidate (f->courier, session, NULL));

  events = trd_store_list_events (f->env.store, 1, 0, 0, NULL);
  for (guint i = 0; i < events->len; i++)
    n += ((TrdEvent *)events->pdata[i])->kind == TRUNDLE_EVENT_DID_BECOME_INVALID;
  g_assert_cmpuint (n, ==, 1);
}

#define add(name, func)                                                                  \
  g_test_add ("/registry/" name,                                                         \
              CoreFixture,                                                               \
              NULL,                                                                      \
              core_fixture_set_up,                                                       \
              func,                                                                      \
              core_fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("law-1/keeps-what-it-promised", keeps_what_it_promised);
  add ("law-2/changes-nothing-without-commit", changes_nothing_without_commit);
  add ("law-3/never-stores-running", never_stores_running);
  add ("law-7/finishes-once", finishes_once);
  add ("law-9/keeps-secrets-out-of-rows", keeps_secrets_out_of_rows);
  add ("law-9/sends-secrets-to-the-worker", sends_secrets_to_the_worker);
  add ("law-9/fails-what-lost-its-secrets", fails_what_lost_its_secrets);
  add ("law-7/becomes-invalid-once", becomes_invalid_once);
  add ("law-9/keeps-user-info-of-redirects-out", keeps_user_info_of_redirects_out);
  add ("configuring-replaces-headers", configuring_replaces_headers);
  add ("stays-for-the-secrets-of-a-session", stays_for_the_secrets_of_a_session);
  add ("cancels-as-many-as-it-may", cancels_as_many_as_it_may);
  add ("completing-forgets", completing_forgets);
  add ("makes-all-or-none", makes_all_or_none);
  add ("finishing-waits-for-the-last", finishing_waits_for_the_last);
  add ("invalidating-frees-the-name", invalidating_frees_the_name);
  add ("suspending-stops-the-deadline", suspending_stops_the_deadline);
  add ("reopening-tells-what-it-ignores", reopening_tells_what_it_ignores);

  return g_test_run ();
}
