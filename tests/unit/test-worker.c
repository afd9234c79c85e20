/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real worker: what it asks for, what it keeps, and how it stops. */

#include "config.h"

#include "script-server.h"
#include "worker-fixture.h"

#include "common/error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>

#define MIB (1024 * 1024)
#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n"

/* Everything of a file at its place, not only its length. */
static void
test_content (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  g_autofree char *content = NULL;
  g_autoptr (GString) body = g_string_new (NULL);
  g_autoptr (GString) answer = g_string_new (CHUNKED "\r\n");
  guint64 attempt;

  for (guint i = 0; i < 100000; i++)
    {
      g_autofree char *piece = g_strnfill (1 + i % 37, 'a' + (char)(i % 26));

      g_string_append (body, piece);
      g_string_append_printf (answer, "%zx\r\n%s\r\n", strlen (piece), piece);
    }
  g_string_append (answer, "0\r\n\r\n");
  script_server_set (server, "/x", &(ScriptReply){ .head = answer->str });
  attempt = worker_fixture_begin (fixture, url, NULL);
  worker_fixture_await_done (fixture, attempt);
  content = worker_fixture_read_part (fixture, attempt, NULL);
  g_assert_cmpstr (content, ==, body->str);
}

/* T-05: the body of an answer that was not accepted is kept, up to a bound. */
static void
test_error_body (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  g_autoptr (GVariant) body = NULL;
  g_autoptr (GVariant) response = NULL;
  GVariant *facts;
  guint status = 0;

  script_server_set (
      server,
      "/x",
      &(ScriptReply){ "HTTP/1.1 404 No\r\nContent-Length: 10\r\n\r\n", 10 });
  facts = worker_fixture_await_done (
      fixture, worker_fixture_begin (fixture, url, "{'error-body-max': <uint32 4>}"));
  body = g_variant_lookup_value (facts, "error-body", G_VARIANT_TYPE_BYTESTRING);
  g_assert_cmpuint (g_variant_get_size (body), ==, 4);
  response = g_variant_lookup_value (facts, "response", G_VARIANT_TYPE_VARDICT);
  g_variant_lookup (response, "status", "u", &status);
  g_assert_cmpuint (status, ==, 404);
}

/* T-15 */
static void
test_redirect_chain (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *twenty = script_server_url (server, "/hop/20");
  g_autofree char *more = script_server_url (server, "/hop/21");
  g_autofree char *refused = script_server_url (server, "/hop/0");
  const char *error_url = NULL;
  GVariant *facts;

  facts = worker_fixture_await_done (fixture,
                                     worker_fixture_begin (fixture, twenty, NULL));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  g_assert_cmpuint (worker_fixture_get_redirects (fixture)->len, ==, 20);
  g_assert_cmpuint (script_server_count_connections (server), ==, 1);
  facts = worker_fixture_await_done (fixture, worker_fixture_begin (fixture, more, NULL));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "TooManyRedirects");
  g_variant_lookup (facts, "url", "&s", &error_url);
  g_assert_cmpstr (error_url, ==, refused);
}

static char *
fetch_echo (WorkerFixture *fixture, const char *url, const char *options)
{
  guint64 attempt = worker_fixture_begin (fixture, url, options);

  g_assert_cmpstr (
      worker_fixture_get_error (worker_fixture_await_done (fixture, attempt)), ==, "");
  return worker_fixture_read_part (fixture, attempt, NULL);
}

#define SECRETS                                                                          \
  "{'headers': <[('X-Open', 'seen')]>, 'secret-headers': <[('Authorization', "           \
  "'secret')]>}"

/* T-17: secrets for the first origin only, and never again. */
static void
test_secrets (void)
{
  g_autoptr (ScriptServer) home = script_server_new (NULL);
  g_autoptr (ScriptServer) stranger = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *direct = script_server_url (home, "/echo");
  g_autofree char *inside = script_server_url (home, "/inside");
  g_autofree char *outside = script_server_url (home, "/outside");
  g_autofree char *around = script_server_url (home, "/around");
  g_autofree char *there = script_server_url (stranger, "/echo");
  g_autofree char *back = script_server_url (stranger, "/back");
  const struct
  {
    const char *url;
    gboolean is_secret_sent;
  } cases[]
      = { { direct, TRUE }, { inside, TRUE }, { outside, FALSE }, { around, FALSE } };

  script_server_set_redirect (home, "/inside", "/echo", "");
  script_server_set_redirect (home, "/outside", there, "");
  script_server_set_redirect (home, "/around", back, "");
  script_server_set_redirect (stranger, "/back", direct, "");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *request = fetch_echo (fixture, cases[i].url, SECRETS);

      g_assert_nonnull (strstr (request, "X-Open: seen"));
      g_assert_cmpint (strstr (request, "secret") != NULL, ==, cases[i].is_secret_sent);
    }
}

/* T-16 */
static void
test_redirect_cookie (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  g_autofree char *echo = script_server_url (server, "/echo");
  g_autofree char *request = NULL;
  g_autofree char *later = NULL;

  script_server_set_redirect (server, "/x", "/echo", "Set-Cookie: taste=sweet\r\n");
  request = fetch_echo (fixture, url, NULL);
  g_assert_nonnull (strstr (request, "Cookie: taste=sweet"));
  later = fetch_echo (fixture, echo, NULL);
  g_assert_null (strstr (later, "Cookie"));
}

/* A chain that sets more cookies than anybody can keep in order.
 *
 * Fault (server): redirects that set ever more cookies | Proves: bounded */
static void
test_cookie_flood (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/0");
  g_autofree char *request = NULL;

  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *path = g_strdup_printf ("/%u", i);
      g_autofree char *next = g_strdup_printf ("/%u", i + 1);
      g_autoptr (GString) cookies = g_string_new (NULL);

      for (guint j = 0; j < 3000; j++)
        g_string_append_printf (cookies, "Set-Cookie:%x=\r\n", i * 3000 + j);
      script_server_set_redirect (server, path, i < 19 ? next : "/echo", cookies->str);
    }
  request = fetch_echo (fixture, url, NULL);
  /* Of the last answer the first 100, and of these the newest 50. */
  g_assert_nonnull (strstr (request, "Cookie: deda=; dedb=; "));
  g_assert_nonnull (strstr (request, "; df0b=\r\n"));
}

/* T-10, T-11: what the next hop is asked with. */
static void
test_request (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *echo = script_server_url (server, "/echo");
  g_autofree char *moved = script_server_url (server, "/moved");
  g_autofree char *get = NULL;
  g_autofree char *post = NULL;
  g_autofree char *redirected = NULL;

  script_server_set_redirect (server, "/moved", "/echo", "");
  get = fetch_echo (fixture, echo, NULL);
  g_assert_true (g_str_has_prefix (get, "GET /echo HTTP/1.1\r\n"));
  g_assert_nonnull (strstr (get, "Accept-Encoding: identity\r\n"));
  g_assert_nonnull (strstr (get, "User-Agent: Trundle/" TRUNDLE_VERSION));
  g_assert_null (strstr (get, "Content-Length"));
  post = fetch_echo (fixture, echo, "{'method': <'POST'>}");
  g_assert_true (g_str_has_prefix (post, "POST "));
  redirected = fetch_echo (fixture, moved, "{'method': <'POST'>}");
  g_assert_true (g_str_has_prefix (redirected, "GET "));
}

/* Keep-alive, after a whole answer only. */
static void
test_reuse (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/hop/0");
  g_autofree char *chunked = script_server_url (server, "/chunked");

  for (guint i = 0; i < 5; i++)
    worker_fixture_await_done (fixture, worker_fixture_begin (fixture, url, NULL));
  g_assert_cmpuint (script_server_count_connections (server), ==, 1);
  script_server_set (server,
                     "/chunked",
                     &(ScriptReply){ CHUNKED "\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n" });
  for (guint i = 0; i < 3; i++)
    {
      GVariant *facts = worker_fixture_await_done (
          fixture, worker_fixture_begin (fixture, chunked, NULL));

      g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
    }
}

/* Fault (server): 1xx answers without end | Proves: an end with an error, memory stays
 * bounded */
static void
test_informational_flood (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  g_autoptr (GString) flood = g_string_new (NULL);
  GVariant *facts;

  for (guint i = 0; i < 100000; i++)
    g_string_append (flood, "HTTP/1.1 102 Wait\r\n\r\n");
  script_server_set (server, "/x", &(ScriptReply){ .head = flood->str });
  facts = worker_fixture_await_done (fixture, worker_fixture_begin (fixture, url, NULL));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "ProtocolError");
}

/* Law 15; and the part's lock is free when Stop is answered. */
static void
test_stop (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *endless = script_server_url (server, "/endless");
  g_autofree char *silent = script_server_url (server, "/silent");
  g_autoptr (GError) error = NULL;
  guint64 attempts[2];

  script_server_set (
      server,
      "/endless",
      &(ScriptReply){ CHUNKED "\r\n7fffffff\r\n", 1u << 27, NULL, SCRIPT_STALL });
  script_server_set (server, "/silent", &(ScriptReply){ "", 0, NULL, SCRIPT_STALL });
  attempts[0] = worker_fixture_begin (fixture, endless, NULL);
  attempts[1] = worker_fixture_begin (fixture, silent, NULL);
  worker_fixture_await_received (fixture, 1);
  g_assert_false (worker_fixture_is_part_free (fixture, attempts[0]));
  for (guint i = 0; i < G_N_ELEMENTS (attempts); i++)
    {
      error = worker_fixture_call (fixture, "Stop", g_variant_new ("(t)", attempts[i]));
      g_assert_no_error (error);
      g_assert_true (worker_fixture_is_part_free (fixture, attempts[i]));
    }
  error = worker_fixture_call (fixture, "Stop", g_variant_new ("(t)", attempts[0]));
  g_assert_no_error (error);
  g_assert_false (worker_fixture_is_done (fixture, attempts[0]));
  g_assert_false (worker_fixture_is_done (fixture, attempts[1]));
}

/* Fault (worker): the daemon vanishes | Proves: the worker is gone */
static void
test_vanish (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  guint64 attempt;

  script_server_set (server, "/x", &(ScriptReply){ "", 0, NULL, SCRIPT_STALL });
  attempt = worker_fixture_begin (fixture, url, NULL);
  worker_fixture_vanish (fixture);
  g_assert_true (worker_fixture_is_part_free (fixture, attempt));
}

/* Fault (disk): ENOSPC at a write of the worker | Proves: NoSpace with its errno */
static void
test_no_space (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  int fd = g_open ("/dev/full", O_RDWR | O_CLOEXEC);
  GVariant *facts;
  int error_number = 0;

  script_server_set (
      server, "/x", &(ScriptReply){ OK "Content-Length: 1048576\r\n\r\n", MIB });
  facts = worker_fixture_await_done (
      fixture, worker_fixture_begin_with_part (fixture, url, NULL, fd));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "NoSpace");
  g_variant_lookup (facts, "errno", "i", &error_number);
  g_assert_cmpint (error_number, ==, ENOSPC);
}

/* A limit on file sizes comes as a signal first. */
static void
test_too_large (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  const struct rlimit limit = { 100000, 100000 };
  GVariant *facts;
  int error_number = 0;

  g_assert_no_errno (
      prlimit (worker_fixture_get_pid (fixture), RLIMIT_FSIZE, &limit, NULL));
  script_server_set (
      server, "/x", &(ScriptReply){ OK "Content-Length: 1048576\r\n\r\n", MIB });
  facts = worker_fixture_await_done (fixture, worker_fixture_begin (fixture, url, NULL));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "WriteFailed");
  g_variant_lookup (facts, "errno", "i", &error_number);
  g_assert_cmpint (error_number, ==, EFBIG);
}

/* The whole body passes through a bounded worker, and Progress tells of it.
 *
 * Fault (server): a body of 200 MiB | Proves: memory stays bounded */
static void
test_memory (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  guint64 attempt;

  script_server_set (
      server, "/x", &(ScriptReply){ OK "Content-Length: 209715200\r\n\r\n", 200 * MIB });
  attempt = worker_fixture_begin (fixture, url, NULL);
  g_assert_cmpstr (
      worker_fixture_get_error (worker_fixture_await_done (fixture, attempt)), ==, "");
  g_assert_cmpuint (worker_fixture_get_peak_memory (fixture), <, 80 * 1024);
}

static void
test_bad_begin (void)
{
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autoptr (GError) error = NULL;

  error = worker_fixture_call (
      fixture,
      "Begin",
      g_variant_new_parsed ("(uint64 1, handle 0, {'url': <'http://a/'>})"));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpuint (trundle_error_quark (), !=, 0);
  g_test_add_func ("/worker/content", test_content);
  g_test_add_func ("/worker/error-body", test_error_body);
  g_test_add_func ("/worker/redirect-chain", test_redirect_chain);
  g_test_add_func ("/worker/secrets", test_secrets);
  g_test_add_func ("/worker/redirect-cookie", test_redirect_cookie);
  g_test_add_func ("/worker/cookie-flood", test_cookie_flood);
  g_test_add_func ("/worker/request", test_request);
  g_test_add_func ("/worker/reuse", test_reuse);
  g_test_add_func ("/worker/informational-flood", test_informational_flood);
  g_test_add_func ("/worker/stop", test_stop);
  g_test_add_func ("/worker/vanish", test_vanish);
  g_test_add_func ("/worker/no-space", test_no_space);
  g_test_add_func ("/worker/too-large", test_too_large);
  g_test_add_func ("/worker/memory", test_memory);
  g_test_add_func ("/worker/bad-begin", test_bad_begin);
  return g_test_run ();
}
