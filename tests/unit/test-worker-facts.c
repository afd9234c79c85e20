/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the real worker tells beside how an attempt ended: whatever a later attempt is
 * decided by. */

#include "config.h"

#include "script-server.h"
#include "worker-fixture.h"

#include "common/defaults.h"
#include "common/error.h"

#define BUSY "HTTP/1.1 503 Busy\r\n"
#define EMPTY "Content-Length: 0\r\n\r\n"
#define NONE G_GINT64_CONSTANT (-1)

static const struct
{
  const char *name;
  ScriptReply reply;
  const char *error;
  gint64 wait_ms;
} answers[] = {
  { "seconds", { BUSY "Retry-After: 7\r\n" EMPTY }, "HttpStatus", 7000 },
  { "date",
    { BUSY "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
           "Retry-After: Sun, 06 Nov 1994 08:50:37 GMT\r\n" EMPTY },
    "HttpStatus",
    60000 },
  { "body",
    { BUSY "Retry-After: 7\r\nContent-Length: 5\r\n\r\nsorry" },
    "HttpStatus",
    7000 },
  { "429", { "HTTP/1.1 429 No\r\nRetry-After: 7\r\n" EMPTY }, "HttpStatus", 7000 },
  { "404", { "HTTP/1.1 404 No\r\nRetry-After: 7\r\n" EMPTY }, "HttpStatus", 7000 },
  { "senseless", { BUSY "Retry-After: soon\r\n" EMPTY }, "HttpStatus", NONE },
  { "none", { BUSY EMPTY }, "HttpStatus", NONE },
  { "accepted", { "HTTP/1.1 200 OK\r\nRetry-After: 7\r\n" EMPTY }, "", NONE },
};

/* By the answers that are not accepted only, and whoever answered was asked. */
static void
test_answer (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  guint64 wait_ms = (guint64)NONE;
  gboolean sent = FALSE;
  GVariant *facts;

  script_server_set (server, "/x", &answers[i].reply);
  facts = worker_fixture_await_done (fixture, worker_fixture_begin (fixture, url, NULL));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, answers[i].error);
  g_variant_lookup (facts, "retry-after", "t", &wait_ms);
  g_assert_cmpint ((gint64)wait_ms, ==, answers[i].wait_ms);
  g_assert_true (g_variant_lookup (facts, "sent", "b", &sent));
  g_assert_true (sent);
}

static void
assert_sent (WorkerFixture *fixture,
             const char *url,
             const char *error,
             gboolean expected)
{
  gboolean sent = !expected;
  gboolean definite = FALSE;
  GVariant *facts;

  facts = worker_fixture_await_done (
      fixture, worker_fixture_begin (fixture, url, "{'request-timeout': <uint64 300>}"));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, error);
  g_assert_true (g_variant_lookup (facts, "sent", "b", &sent));
  g_assert_cmpint (sent, ==, expected);
  g_assert_false (g_variant_lookup (facts, "definite", "b", &definite));
}

/* A server that took the question and says nothing has seen it.
 *
 * Fault (server): a server that takes the request and says nothing | Proves: the
 * request counts as sent (law 12) */
static void
test_sent (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");

  script_server_set (server, "/x", &(ScriptReply){ "", 0, NULL, SCRIPT_STALL });
  assert_sent (fixture, url, "TimedOut", TRUE);
  script_server_set (server, "/x", &(ScriptReply){ "", 0, NULL, SCRIPT_CLOSE });
  assert_sent (fixture, url, "ConnectionLost", TRUE);
}

/* Nor has one that nobody reached, or that hung up before the secure connection stood. */
static void
test_not_sent (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *secure = g_strdup_printf ("https://127.0.0.1:%u/",
                                             script_server_get_port (server));

  assert_sent (fixture, "http://127.0.0.1:1/", "CannotConnect", FALSE);
  script_server_hang_up (server);
  assert_sent (fixture, secure, "ConnectionLost", FALSE);
}

/* Of a redirect's two hops only the second counts. */
static void
test_not_sent_on (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");

  script_server_set_redirect (server, "/x", "http://127.0.0.1:1/", "");
  assert_sent (fixture, url, "CannotConnect", FALSE);
}

/* The name that is not known is the proxy's: of the host nothing was said. */
static void
test_unknown_proxy (void)
{
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  gboolean definite = FALSE;
  GVariant *facts;

  worker_fixture_set_proxy (fixture, "http://nowhere.invalid:8080");
  facts = worker_fixture_await_done (
      fixture, worker_fixture_begin (fixture, "http://127.0.0.1:1/", NULL));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "HostNotFound");
  g_assert_false (g_variant_lookup (facts, "definite", "b", &definite));
}

static GVariant *
await_transactions (WorkerFixture *fixture,
                    const char *url,
                    const char *options,
                    const char *error,
                    guint n_hops)
{
  guint hops = 0;
  GVariant *transactions;
  GVariant *facts;

  facts = worker_fixture_await_done (fixture,
                                     worker_fixture_begin (fixture, url, options));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, error);
  g_assert_true (g_variant_lookup (facts, "hops", "u", &hops));
  g_assert_cmpuint (hops, ==, n_hops);
  transactions = g_variant_lookup_value (
      facts, "transactions", G_VARIANT_TYPE ("aa{sv}"));
  g_assert_nonnull (transactions);
  g_assert_cmpuint (
      g_variant_n_children (transactions), ==, MIN (n_hops, TRD_TRANSACTIONS_MAX));
  return transactions;
}

static gint64
get_moment (GVariant *transaction, const char *key)
{
  gint64 moment = -1;

  g_assert_true (g_variant_lookup (transaction, key, "x", &moment));
  return moment;
}

/* Those that were not 0, in this order, and all lately. */
static void
assert_order (GVariant *transaction, gboolean is_secure)
{
  static const char *const keys[] = { "fetch-start",
                                      "domain-lookup-start",
                                      "domain-lookup-end",
                                      "connect-start",
                                      "secure-connection-start",
                                      "connect-end",
                                      "request-start",
                                      "request-end",
                                      "response-start",
                                      "response-end" };
  gint64 last = g_get_real_time () - 20 * G_TIME_SPAN_SECOND;
  gboolean is_reused = FALSE;

  g_variant_lookup (transaction, "reused-connection", "b", &is_reused);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      gint64 moment = get_moment (transaction, keys[i]);
      gboolean is_of_connection = i >= 1 && i <= 5;
      gboolean is_of_tls = i == 4;

      if ((is_of_connection && is_reused) || (is_of_tls && !is_secure))
        g_assert_cmpint (moment, ==, 0);
      else
        {
          g_assert_cmpint (moment, >=, last);
          last = moment;
        }
    }
  g_assert_cmpint (last, <=, g_get_real_time () + G_TIME_SPAN_SECOND);
}

static void
assert_hop (GVariant *transaction, const char *path, guint expected, gboolean is_reused)
{
  const char *url = "";
  const char *address = "";
  const char *protocol = "";
  guint status = 0;
  gboolean reused = !is_reused;
  gboolean proxy = TRUE;

  g_variant_lookup (transaction, "url", "&s", &url);
  g_assert_true (g_str_has_suffix (url, path));
  g_variant_lookup (transaction, "status", "u", &status);
  g_assert_cmpuint (status, ==, expected);
  g_variant_lookup (transaction, "protocol", "&s", &protocol);
  g_assert_cmpstr (protocol, ==, "http/1.1");
  g_variant_lookup (transaction, "remote-address", "&s", &address);
  g_assert_cmpstr (address, ==, "127.0.0.1");
  g_assert_true (g_variant_lookup (transaction, "reused-connection", "b", &reused));
  g_assert_cmpint (reused, ==, is_reused);
  g_assert_true (g_variant_lookup (transaction, "proxy", "b", &proxy));
  g_assert_false (proxy);
}

static guint64
get_bytes (GVariant *transaction, const char *key)
{
  guint64 bytes = G_MAXUINT64;

  g_assert_true (g_variant_lookup (transaction, key, "t", &bytes));
  return bytes;
}

/* T-89. */
static void
test_transactions (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/hop/1");
  g_autoptr (GVariant) transactions = NULL;
  g_autoptr (GVariant) first = NULL;
  g_autoptr (GVariant) second = NULL;

  transactions = await_transactions (fixture, url, NULL, "", 2);
  first = g_variant_get_child_value (transactions, 0);
  second = g_variant_get_child_value (transactions, 1);
  assert_hop (first, "/hop/1", 302, FALSE);
  assert_hop (second, "/hop/0", 200, TRUE);
  assert_order (first, FALSE);
  assert_order (second, FALSE);
  g_assert_cmpint (
      get_moment (first, "response-end"), <=, get_moment (second, "fetch-start"));
  g_assert_cmpuint (get_bytes (first, "response-body-bytes"), ==, 0);
  g_assert_cmpuint (get_bytes (second, "response-body-bytes"), ==, 4);
  g_assert_cmpuint (get_bytes (second, "response-body-size"), ==, 4);
  g_assert_cmpuint (get_bytes (second, "request-header-bytes"), >, 50);
  g_assert_cmpuint (get_bytes (second, "response-header-bytes"), >, 20);
}

/* Read below libsoup's streams, and all the same counted. */
static void
test_transaction_chunked (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  g_autoptr (GVariant) transactions = NULL;
  g_autoptr (GVariant) only = NULL;

  script_server_set (
      server,
      "/x",
      &(ScriptReply){ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "100000\r\n",
                      0x100000,
                      "\r\n0\r\n\r\n" });
  transactions = await_transactions (fixture, url, NULL, "", 1);
  only = g_variant_get_child_value (transactions, 0);
  assert_order (only, FALSE);
  g_assert_cmpuint (get_bytes (only, "response-body-size"), ==, 0x100000);
  g_assert_cmpuint (get_bytes (only, "response-body-bytes"), ==, 0x100000 + 8 + 7);
}

/* What did not come has no end, and what was not begun no beginning. */
static void
test_transaction_broken (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  g_autoptr (GVariant) cut = NULL;
  g_autoptr (GVariant) refused = NULL;
  g_autoptr (GVariant) of_cut = NULL;
  g_autoptr (GVariant) of_refused = NULL;
  guint status = 1;

  script_server_set (
      server,
      "/x",
      &(ScriptReply){
          "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 0, NULL, SCRIPT_CLOSE });
  cut = await_transactions (fixture, url, NULL, "ConnectionLost", 1);
  of_cut = g_variant_get_child_value (cut, 0);
  g_assert_cmpint (get_moment (of_cut, "response-start"), >, 0);
  g_assert_cmpint (get_moment (of_cut, "response-end"), ==, 0);
  g_assert_cmpuint (get_bytes (of_cut, "response-body-size"), ==, 3);

  refused = await_transactions (fixture, "http://127.0.0.1:1/", NULL, "CannotConnect", 1);
  of_refused = g_variant_get_child_value (refused, 0);
  g_assert_cmpint (get_moment (of_refused, "connect-start"), >, 0);
  g_assert_cmpint (get_moment (of_refused, "request-start"), ==, 0);
  g_assert_cmpint (get_moment (of_refused, "request-end"), ==, 0);
  g_assert_cmpint (get_moment (of_refused, "response-start"), ==, 0);
  g_assert_true (g_variant_lookup (of_refused, "status", "u", &status));
  g_assert_cmpuint (status, ==, 0);
}

/* Of a long chain the ends, and of what is long in it no more than fits. */
static void
test_transactions_many (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/hop/30");
  g_autofree char *query = g_strnfill (4000, 'q');
  g_autofree char *path = g_strnfill (4000, 'p');
  g_autofree char *far_query = g_strconcat ("/hop/0?", query, NULL);
  g_autofree char *far_path = g_strconcat ("/hop/0/", path, NULL);
  g_autoptr (GVariant) chain = NULL;
  g_autoptr (GVariant) by_query = NULL;
  g_autoptr (GVariant) by_path = NULL;

  chain = await_transactions (fixture, url, "{'max-redirects': <uint32 50>}", "", 31);
  for (guint i = 0; i < TRD_TRANSACTIONS_MAX; i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (chain, i);
      guint left = i < TRD_TRANSACTIONS_FIRST ? 30 - i : TRD_TRANSACTIONS_MAX - 1 - i;
      g_autofree char *end = g_strdup_printf ("/hop/%u", left);
      const char *given = "";

      g_variant_lookup (one, "url", "&s", &given);
      g_assert_true (g_str_has_suffix (given, end));
    }

  g_free (url);
  url = script_server_url (server, far_query);
  by_query = await_transactions (fixture, url, NULL, "", 1);
  g_assert_cmpuint (g_variant_get_size (by_query), <, 2048);
  g_free (url);
  url = script_server_url (server, far_path);
  by_path = await_transactions (fixture, url, NULL, "", 1);
  g_assert_cmpuint (g_variant_get_size (by_path), <, 2048);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpuint (trundle_error_quark (), !=, 0);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autofree char *path = g_strconcat (
          "/worker/facts/retry-after/", answers[i].name, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_answer);
    }
  g_test_add_func ("/worker/facts/sent", test_sent);
  g_test_add_func ("/worker/facts/not-sent", test_not_sent);
  g_test_add_func ("/worker/facts/not-sent/redirect", test_not_sent_on);
  g_test_add_func ("/worker/facts/unknown-proxy", test_unknown_proxy);
  g_test_add_func ("/worker/facts/transactions", test_transactions);
  g_test_add_func ("/worker/facts/transactions/chunked", test_transaction_chunked);
  g_test_add_func ("/worker/facts/transactions/broken", test_transaction_broken);
  g_test_add_func ("/worker/facts/transactions/many", test_transactions_many);
  return g_test_run ();
}
