/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What becomes of a request that the app changes its mind about. */

#include "config.h"

#include "await.h"
#include "common/error.h"
#include "common/vocabulary.h"
#include "core-fixture.h"
#include "core/request.h"

#define URL "http://example.org/a"
#define STRONG "'digests': <{'sha224': '" ZEROS "'}>"
#define ZEROS "00000000000000000000000000000000000000000000000000000000"

static GVariant *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) raw = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &error);
  GVariant *checked;

  g_assert_no_error (error);
  checked = trundle_vocabulary_check (raw, TRUNDLE_SCOPE_REQUEST, &error);
  g_assert_no_error (error);
  return checked;
}

static GVariant *
parse_as (const char *type, const char *text)
{
  g_autoptr (GError) error = NULL;
  GVariant *value = g_variant_parse (G_VARIANT_TYPE (type), text, NULL, NULL, &error);

  g_assert_no_error (error);
  return value;
}

/* ---- the pure part ---- */

typedef struct
{
  const char *name;
  const char *options; /* before: a{sv} */
  const char *secrets; /* before: a{sv} */
  const char *changes;
  int code; /* TrundleError, or -1 */
  const char *url;
  const char *kept;   /* options after */
  const char *hidden; /* secrets after */
  gboolean keeps_secrets;
} Case;

#define NO_SECRETS "@a{sv} {}"
#define COOKIE "{'headers': <[('Cookie', 'c')]>}"
#define USER "'password': <'p'>, 'user': <'u'>"

static const Case cases[] = {
  { "nothing",
    "{'method': <'GET'>}",
    COOKIE,
    "{}",
    -1,
    URL,
    "{'method': <'GET'>}",
    COOKIE,
    TRUE },
  { "one-key",
    "{'method': <'GET'>}",
    NO_SECRETS,
    "{'method': <'POST'>}",
    -1,
    URL,
    "{'method': <'POST'>}",
    NO_SECRETS,
    TRUE },
  { "another-key",
    "{'method': <'GET'>}",
    NO_SECRETS,
    "{'idempotent': <true>}",
    -1,
    URL,
    "{'idempotent': <true>, 'method': <'GET'>}",
    NO_SECRETS,
    TRUE },
  { "headers-as-a-whole",
    "{'headers': <[('A', '1'), ('B', '2')]>}",
    COOKIE,
    "{'headers': <[('C', '3'), ('Authorization', 'x')]>}",
    -1,
    URL,
    "{'headers': <[('C', '3')]>}",
    "{'headers': <[('Authorization', 'x')]>}",
    FALSE },
  { "headers-none",
    "{'headers': <[('A', '1')]>}",
    COOKIE,
    "{'headers': <@a(ss) []>}",
    -1,
    URL,
    "{'headers': <@a(ss) []>}",
    NO_SECRETS,
    FALSE },
  { "headers-all-secret",
    "{'headers': <[('A', '1')]>}",
    NO_SECRETS,
    "{'headers': <[('Cookie', 'd')]>}",
    -1,
    URL,
    "@a{sv} {}",
    "{'headers': <[('Cookie', 'd')]>}",
    FALSE },
  { "same-origin",
    "@a{sv} {}",
    COOKIE,
    "{'url': <'http://EXAMPLE.org:80/b'>}",
    -1,
    "http://EXAMPLE.org:80/b",
    "@a{sv} {}",
    COOKIE,
    TRUE },
  { "another-origin",
    "@a{sv} {}",
    COOKIE,
    "{'url': <'http://example.net/a'>}",
    -1,
    "http://example.net/a",
    "@a{sv} {}",
    NO_SECRETS,
    FALSE },
  { "another-scheme",
    "@a{sv} {}",
    COOKIE,
    "{'url': <'https://example.org/a'>}",
    -1,
    "https://example.org/a",
    "@a{sv} {}",
    NO_SECRETS,
    FALSE },
  { "user-info",
    "@a{sv} {}",
    "{'headers': <[('Authorization', 'old'), ('Cookie', 'c')]>}",
    "{'url': <'http://u:p@example.org/a'>}",
    -1,
    URL,
    "@a{sv} {}",
    "{'headers': <[('Cookie', 'c')]>, " USER "}",
    TRUE },
  { "user-info-encoded",
    "@a{sv} {}",
    NO_SECRETS,
    "{'url': <'http://%C3%A4%3A:%40%2F@example.org/a'>}",
    -1,
    URL,
    "@a{sv} {}",
    "{'password': <'@/'>, 'user': <'ä:'>}",
    TRUE },
  { "user-info-alone",
    "@a{sv} {}",
    NO_SECRETS,
    "{'url': <'http://u@example.org/a'>}",
    -1,
    URL,
    "@a{sv} {}",
    "{'password': <''>, 'user': <'u'>}",
    TRUE },
  { "user-info-no-text",
    "@a{sv} {}",
    NO_SECRETS,
    "{'url': <'http://u:%ff@example.org/a'>}",
    TRUNDLE_ERROR_INVALID_URL,
    NULL,
    NULL,
    NULL,
    FALSE },
  { "user-info-stays",
    "@a{sv} {}",
    "{" USER "}",
    "{'headers': <[('Cookie', 'c')]>}",
    -1,
    URL,
    "@a{sv} {}",
    "{'headers': <[('Cookie', 'c')]>, " USER "}",
    FALSE },
  { "user-info-given-up",
    "@a{sv} {}",
    "{" USER "}",
    "{'headers': <[('authorization', 'x')]>}",
    -1,
    URL,
    "@a{sv} {}",
    "{'headers': <[('authorization', 'x')]>}",
    FALSE },
  { "user-info-beside-authorization",
    "@a{sv} {}",
    NO_SECRETS,
    "{'url': <'http://u:p@example.org/a'>, 'headers': <[('Authorization', 'x')]>}",
    -1,
    URL,
    "@a{sv} {}",
    "{'headers': <[('Authorization', 'x')]>}",
    FALSE },
  { "user",
    "@a{sv} {}",
    "{'headers': <[('Authorization', 'old'), ('Cookie', 'c')]>}",
    "{" USER "}",
    -1,
    URL,
    "@a{sv} {}",
    "{'headers': <[('Cookie', 'c')]>, " USER "}",
    TRUE },
  { "user-before-user-info",
    "@a{sv} {}",
    NO_SECRETS,
    "{'url': <'http://other:x@example.org/a'>, " USER "}",
    -1,
    URL,
    "@a{sv} {}",
    "{" USER "}",
    TRUE },
  { "user-without-password",
    "@a{sv} {}",
    NO_SECRETS,
    "{'user': <'u'>}",
    TRUNDLE_ERROR_INVALID_ARGUMENT,
    NULL,
    NULL,
    NULL,
    FALSE },
  { "user-beside-authorization",
    "@a{sv} {}",
    NO_SECRETS,
    "{'headers': <[('authorization', 'x')]>, " USER "}",
    TRUNDLE_ERROR_INVALID_ARGUMENT,
    NULL,
    NULL,
    NULL,
    FALSE },
  { "user-info-goes-with-the-origin",
    "@a{sv} {}",
    "{" USER "}",
    "{'url': <'http://example.net/a'>}",
    -1,
    "http://example.net/a",
    "@a{sv} {}",
    NO_SECRETS,
    FALSE },
  { "mirrors-bare",
    "@a{sv} {}",
    NO_SECRETS,
    "{'mirrors': <['http://m/a']>}",
    TRUNDLE_ERROR_INVALID_ARGUMENT,
    NULL,
    NULL,
    NULL,
    FALSE },
  { "mirrors-weak",
    "{'digests': <{'md5': '00000000000000000000000000000000'}>}",
    NO_SECRETS,
    "{'mirrors': <['http://m/a']>}",
    TRUNDLE_ERROR_INVALID_ARGUMENT,
    NULL,
    NULL,
    NULL,
    FALSE },
  { "mirrors-strong",
    "{" STRONG "}",
    NO_SECRETS,
    "{'mirrors': <['http://m/a']>}",
    -1,
    URL,
    "{" STRONG ", 'mirrors': <['http://m/a']>}",
    NO_SECRETS,
    TRUE },
  { "digests-taken-away",
    "{" STRONG ", 'mirrors': <['http://m/a']>}",
    NO_SECRETS,
    "{'digests': <@a{ss} {}>}",
    TRUNDLE_ERROR_INVALID_ARGUMENT,
    NULL,
    NULL,
    NULL,
    FALSE },
  { "bad-url",
    "@a{sv} {}",
    NO_SECRETS,
    "{'url': <'nonsense'>}",
    TRUNDLE_ERROR_INVALID_URL,
    NULL,
    NULL,
    NULL,
    FALSE },
  { "bad-scheme",
    "@a{sv} {}",
    NO_SECRETS,
    "{'url': <'gopher://example.org/a'>}",
    TRUNDLE_ERROR_UNSUPPORTED_SCHEME,
    NULL,
    NULL,
    NULL,
    FALSE },
};

static void
assert_dict (GVariant *dict, const char *expected_text)
{
  g_autoptr (GVariant) expected = parse_as ("a{sv}", expected_text);
  GVariantIter iter;
  const char *key;
  GVariant *value;

  g_assert_cmpuint (g_variant_n_children (dict), ==, g_variant_n_children (expected));
  g_variant_iter_init (&iter, expected);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    {
      g_autoptr (GVariant) got = g_variant_lookup_value (dict, key, NULL);

      g_assert_nonnull (got);
      g_assert_cmpvariant (got, value);
    }
}

static void
test_case (gconstpointer data)
{
  const Case *c = data;
  TrdTaskRow row = { .url = (char *)URL };
  g_autoptr (GVariant) options = parse_as ("a{sv}", c->options);
  g_autoptr (GVariant) secrets = parse_as ("a{sv}", c->secrets);
  g_autoptr (GVariant) hidden = NULL;
  g_autoptr (GVariant) changes = parse (c->changes);
  g_auto (TrdRequestParts) parts = { 0 };
  g_autoptr (GError) error = NULL;
  gboolean has_secrets = g_variant_n_children (secrets) > 0;
  gboolean done;

  row.options = options;
  done = trd_request_update (&row, has_secrets ? secrets : NULL, changes, &parts, &error);
  if (c->code >= 0)
    {
      g_assert_false (done);
      g_assert_error (error, TRUNDLE_ERROR, c->code);
      return;
    }

  g_assert_no_error (error);
  g_assert_cmpstr (parts.url, ==, c->url);
  assert_dict (parts.options, c->kept);
  hidden = parse_as ("a{sv}", c->hidden);
  if (g_variant_n_children (hidden) == 0)
    g_assert_null (parts.secrets);
  else
    g_assert_cmpvariant (parts.secrets, hidden);
  g_assert_cmpint (parts.keeps_secrets, ==, c->keeps_secrets);
}

/* ---- on a task ---- */

static TrdTask *
create (CoreFixture *f, const char *url, const char *options)
{
  return core_fixture_create (f, core_fixture_open (f, "{}"), url, options);
}

static gboolean
update (CoreFixture *f, TrdTask *task, const char *changes, GError **error)
{
  g_autoptr (GVariant) dict = parse (changes);

  return trd_registry_update_request (f->registry, task, dict, error);
}

static void
assert_updates (CoreFixture *f, TrdTask *task, const char *changes)
{
  g_autoptr (GError) error = NULL;

  update (f, task, changes, &error);
  g_assert_no_error (error);
}

static const char *
asked_url (CoreFixture *f, TrdTask *task)
{
  const char *url = NULL;

  g_variant_lookup (
      fake_transport_find (f->transport, task->id)->request, "url", "&s", &url);
  return url;
}

/* C-24. */
static void
asks_the_new_address (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, URL, "{}");
  gint64 id = task->id;

  assert_updates (f, task, "{'url': <'http://example.net/b'>}");
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_SUSPENDED);
  core_fixture_restart (f);
  task = trd_registry_find_task (f->registry, id);
  g_assert_cmpstr (task->host, ==, "example.net:80");
  g_assert_true (trd_registry_resume (f->registry, task, NULL));
  test_await (fake_transport_is_running (f->transport, id));
  g_assert_cmpstr (asked_url (f, task), ==, "http://example.net/b");
}

static void
refuses_while_it_runs (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, URL, "{'start': <true>}");
  g_autoptr (GError) error = NULL;

  test_await (task->state == TRUNDLE_TASK_RUNNING);
  g_assert_false (update (f, task, "{}", &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_BAD_STATE);

  g_clear_error (&error);
  core_fixture_complete (f, task, "x");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  g_assert_false (update (f, task, "{}", &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_BAD_STATE);
}

static void
ends_the_back_off (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, URL, "{'start': <true>}");

  core_fixture_fail (f, task, TRUNDLE_ERROR_CANNOT_CONNECT);
  test_await (trd_task_wait_reasons (task) == TRUNDLE_WAIT_BACK_OFF);
  assert_updates (f, task, "{'url': <'http://example.net/b'>}");
  test_await (fake_transport_is_running (f->transport, task->id));
  g_assert_cmpstr (asked_url (f, task), ==, "http://example.net/b");
  g_assert_cmpuint (task->failures, ==, 0);
}

/* Law 2.
 *
 * Fault (store): the COMMIT of UpdateRequest fails | Proves: the request is the old
 * one (law 2) */
static void
changes_nothing_without_commit (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, URL, "{}");
  g_autoptr (GError) error = NULL;
  g_autoptr (TrdTaskRow) row = NULL;

  trd_store_fail_next_commit (f->env.store);
  g_assert_false (update (f,
                          task,
                          "{'url': <'http://example.net/b'>, "
                          "'headers': <[('Cookie', 'c')]>}",
                          &error));
  g_assert_nonnull (error);
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_cmpstr (row->url, ==, URL);
  g_assert_cmpstr (task->host, ==, "example.org:80");
  g_assert_true (task->durable);
  g_assert_false (trd_registry_has_volatile (f->registry));
}

/* Law 9: as at creation. */
static void
keeps_secrets_in_memory (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, URL, "{}");
  g_autofree char *path = g_build_filename (f->directory, "trundle.db-wal", NULL);
  g_autofree char *wal = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GVariant) secrets = NULL;
  gsize length;

  assert_updates (f, task, "{'headers': <[('Cookie', 'canary')]>}");
  g_assert_false (task->durable);
  g_file_get_contents (path, &wal, &length, NULL);
  g_assert_null (g_strstr_len (wal, length, "canary"));

  g_assert_true (trd_registry_resume (f->registry, task, NULL));
  test_await (fake_transport_is_running (f->transport, task->id));
  secrets = g_variant_lookup_value (
      fake_transport_find (f->transport, task->id)->request, "secret-headers", NULL);
  text = g_variant_print (secrets, FALSE);
  g_assert_cmpstr (text, ==, "[('Cookie', 'canary')]");
}

/* A task that lost its secrets gets new ones, or is told to need none. */
static void
replaces_lost_secrets (CoreFixture *f, gconstpointer data)
{
  gint64 id = create (f, "http://u:p@example.org/a", "{}")->id;
  TrdTask *task;

  core_fixture_restart (f);
  task = trd_registry_find_task (f->registry, id);
  assert_updates (f, task, "{'method': <'HEAD'>}");
  g_assert_false (task->durable);
  assert_updates (f, task, "{'headers': <@a(ss) []>}");
  g_assert_true (task->durable);
}

/* Slots are counted for the host that is asked. */
static void
counts_the_new_host (CoreFixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (f, "{'max-connections-per-host': <@u 1>}");
  TrdTask *first = core_fixture_create (f, session, URL, "{'start': <true>}");
  TrdTask *second = core_fixture_create (f, session, URL, "{'start': <true>}");

  test_await (first->state == TRUNDLE_TASK_RUNNING);
  test_await (trd_task_wait_reasons (second) == TRUNDLE_WAIT_SLOT_HOST);
  assert_updates (f, second, "{'url': <'http://example.net/b'>}");
  test_await (second->state == TRUNDLE_TASK_RUNNING);
}

#define add(name, func)                                                                  \
  g_test_add ("/update/" name,                                                           \
              CoreFixture,                                                               \
              NULL,                                                                      \
              core_fixture_set_up,                                                       \
              func,                                                                      \
              core_fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/update/merge/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  add ("asks-the-new-address", asks_the_new_address);
  add ("refuses-while-it-runs", refuses_while_it_runs);
  add ("ends-the-back-off", ends_the_back_off);
  add ("counts-the-new-host", counts_the_new_host);
  add ("law-2/changes-nothing-without-commit", changes_nothing_without_commit);
  add ("law-9/keeps-secrets-in-memory", keeps_secrets_in_memory);
  add ("law-9/replaces-lost-secrets", replaces_lost_secrets);

  return g_test_run ();
}
