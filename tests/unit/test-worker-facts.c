/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the real worker tells beside how an attempt ended: whatever a later attempt is
 * decided by. */

#include "config.h"

#include "script-server.h"
#include "worker-fixture.h"

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

/* A server that took the question and says nothing has seen it. */
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
  return g_test_run ();
}
