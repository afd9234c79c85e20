/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real worker against a server that says what it likes.  Success is what must not
 * happen by accident: most rows are about answers that are not whole. */

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
#define ANY "{'accept-status': <['*']>}"
#define QUICK "{'request-timeout': <uint64 300>}"
#define UNFRAMED "{'allow-unframed': <true>}"

typedef struct
{
  const char *name;
  ScriptReply reply;
  const char *options; /* (nullable) */
  const char *error;   /* NULL: complete */
  const char *proof;   /* with complete */
  gsize received;
} Row;

static const Row rows[] = {
  /* T-01, T-02 */
  { "length",
    { OK "Content-Length: 1048576\r\n\r\n", MIB },
    NULL,
    NULL,
    "content-length",
    MIB },
  { "length/big",
    { OK "Content-Length: 5242880\r\n\r\n", 5 * MIB },
    NULL,
    NULL,
    "content-length",
    5 * MIB },
  { "length/zero", { OK "Content-Length: 0\r\n\r\n" }, NULL, NULL, "content-length", 0 },
  { "length/twice-the-same",
    { OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello" },
    NULL,
    NULL,
    "content-length",
    5 },
  { "chunked",
    { CHUNKED "\r\n100000\r\n", MIB, "\r\n0\r\n\r\n" },
    NULL,
    NULL,
    "chunked",
    MIB },
  { "chunked/close",
    { CHUNKED "Connection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 0, NULL, SCRIPT_CLOSE },
    NULL,
    NULL,
    "chunked",
    5 },
  { "chunked/trailers",
    { CHUNKED "\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n" },
    NULL,
    NULL,
    "chunked",
    5 },
  /* H1: short bodies, in all framings */
  { "short/length-close",
    { OK "Content-Length: 9\r\nConnection: close\r\n\r\nhello", 0, NULL, SCRIPT_CLOSE },
    NULL,
    "ConnectionLost",
    NULL,
    5 },
  { "short/length-keep",
    { OK "Content-Length: 9\r\n\r\nhello", 0, NULL, SCRIPT_CLOSE },
    NULL,
    "ConnectionLost",
    NULL,
    5 },
  { "short/length-1.0",
    { "HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nhello", 0, NULL, SCRIPT_CLOSE },
    NULL,
    "ConnectionLost",
    NULL,
    5 },
  { "short/length-nothing",
    { OK "Content-Length: 9\r\n\r\n", 0, NULL, SCRIPT_CLOSE },
    NULL,
    "ConnectionLost",
    NULL,
    0 },
  { "short/chunk",
    { CHUNKED "\r\n9\r\nhello", 0, NULL, SCRIPT_CLOSE },
    NULL,
    "ConnectionLost",
    NULL,
    5 },
  { "short/chunks-keep",
    { CHUNKED "\r\n5\r\nhello\r\n", 0, NULL, SCRIPT_CLOSE },
    NULL,
    "ConnectionLost",
    NULL,
    5 },
  { "short/chunks-close",
    { CHUNKED "Connection: close\r\n\r\n5\r\nhello\r\n", 0, NULL, SCRIPT_CLOSE },
    NULL,
    "ConnectionLost",
    NULL,
    5 },
  { "short/chunks-last-line",
    { CHUNKED "\r\n5\r\nhello\r\n0\r\n", 0, NULL, SCRIPT_CLOSE },
    NULL,
    "ConnectionLost",
    NULL,
    5 },
  { "short/header",
    { OK "Content-Len", 0, NULL, SCRIPT_CLOSE },
    UNFRAMED,
    "ProtocolError",
    NULL,
    0 },
  { "short/headers",
    { OK "Server: x\r\n", 0, NULL, SCRIPT_CLOSE },
    UNFRAMED,
    "ConnectionLost",
    NULL,
    0 },
  { "short/nothing", { "", 0, NULL, SCRIPT_CLOSE }, NULL, "ConnectionLost", NULL, 0 },
  /* Nonsense */
  { "excess/length",
    { OK "Content-Length: 5\r\n\r\nhello world", 0, NULL, SCRIPT_STALL },
    NULL,
    "ProtocolError",
    NULL,
    5 },
  { "excess/chunked",
    { CHUNKED "\r\n5\r\nhello\r\n0\r\n\r\nworld", 0, NULL, SCRIPT_STALL },
    NULL,
    "ProtocolError",
    NULL,
    5 },
  { "bad/chunk-size",
    { CHUNKED "\r\nzzz\r\nhello\r\n", 0, NULL, SCRIPT_CLOSE },
    NULL,
    "ProtocolError",
    NULL,
    0 },
  { "bad/two-lengths",
    { OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello" },
    NULL,
    "ProtocolError",
    NULL,
    0 },
  { "bad/length",
    { OK "Content-Length: 5x\r\n\r\nhello" },
    NULL,
    "ProtocolError",
    NULL,
    0 },
  { "bad/negative-length",
    { OK "Content-Length: -5\r\n\r\nhello" },
    NULL,
    "ProtocolError",
    NULL,
    0 },
  { "bad/transfer-coding",
    { OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" },
    NULL,
    "ProtocolError",
    NULL,
    0 },
  /* T-07 */
  { "garbage/words",
    { "this is not HTTP\r\n\r\n", 0, NULL, SCRIPT_CLOSE },
    ANY,
    "ProtocolError",
    NULL,
    0 },
  { "garbage/no-line",
    { "\x16\x03\x01", 0, NULL, SCRIPT_CLOSE },
    ANY,
    "ProtocolError",
    NULL,
    0 },
  { "garbage/status",
    { "HTTP/1.1 twenty OK\r\n\r\n", 0, NULL, SCRIPT_CLOSE },
    ANY,
    "ProtocolError",
    NULL,
    0 },
  /* Floods: H19 and bounded memory */
  { "flood/headers",
    { OK "X: ", 10 * MIB, "\r\n\r\n", SCRIPT_CLOSE },
    NULL,
    "ProtocolError",
    NULL,
    0 },
  { "flood/status-line",
    { "HTTP/1.1 200 ", 10 * MIB, "\r\n\r\n", SCRIPT_CLOSE },
    NULL,
    "ProtocolError",
    NULL,
    0 },
  { "flood/trailers",
    { CHUNKED "\r\n0\r\nX: ", 10 * MIB, "\r\n\r\n", SCRIPT_CLOSE },
    NULL,
    "ProtocolError",
    NULL,
    0 },
  /* Unframed */
  { "unframed/refused",
    { OK "\r\nhello", 0, NULL, SCRIPT_CLOSE },
    NULL,
    "ProtocolError",
    NULL,
    0 },
  { "unframed/allowed",
    { OK "\r\nhello", 0, NULL, SCRIPT_CLOSE },
    UNFRAMED,
    NULL,
    "connection-close",
    5 },
  /* 1xx */
  { "informational",
    { "HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n" OK
      "Content-Length: 5\r\n\r\nhello" },
    NULL,
    NULL,
    "content-length",
    5 },
  /* T-05, T-06, T-09 */
  { "status/404",
    { "HTTP/1.1 404 No\r\nContent-Length: 5\r\n\r\nsorry" },
    NULL,
    "HttpStatus",
    NULL,
    0 },
  { "status/404-accepted",
    { "HTTP/1.1 404 No\r\nContent-Length: 5\r\n\r\nsorry" },
    ANY,
    NULL,
    "content-length",
    5 },
  { "status/404-listed",
    { "HTTP/1.1 404 No\r\nContent-Length: 5\r\n\r\nsorry" },
    "{'accept-status': <['404']>}",
    NULL,
    "content-length",
    5 },
  { "status/404-unframed",
    { "HTTP/1.1 404 No\r\n\r\nsorry", 0, NULL, SCRIPT_CLOSE },
    NULL,
    "HttpStatus",
    NULL,
    0 },
  { "status/500-endless",
    { "HTTP/1.1 500 No\r\n\r\n", G_MAXSIZE },
    NULL,
    "HttpStatus",
    NULL,
    0 },
  { "status/500-stalls",
    { "HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nx", 0, NULL, SCRIPT_STALL },
    QUICK,
    "HttpStatus",
    NULL,
    0 },
  { "status/999",
    { "HTTP/1.1 999 Odd\r\nContent-Length: 5\r\n\r\nhello" },
    ANY,
    NULL,
    "content-length",
    5 },
  { "status/204", { "HTTP/1.1 204 None\r\n\r\n" }, NULL, NULL, "empty", 0 },
  { "status/304",
    { "HTTP/1.1 304 Same\r\nLocation: /hop/0\r\n\r\n" },
    ANY,
    NULL,
    "empty",
    0 },
  { "status/300",
    { "HTTP/1.1 300 Choose\r\nLocation: /hop/0\r\nContent-Length: 1\r\n\r\nx" },
    ANY,
    NULL,
    "content-length",
    1 },
  { "status/302-not-followed",
    { "HTTP/1.1 302 There\r\nLocation: /hop/0\r\nContent-Length: 1\r\n\r\nx" },
    "{'redirects': <'none'>}",
    "HttpStatus",
    NULL,
    0 },
  /* Redirects that lead nowhere */
  { "redirect/no-location",
    { "HTTP/1.1 302 There\r\nContent-Length: 0\r\n\r\n" },
    NULL,
    "BadRedirect",
    NULL,
    0 },
  { "redirect/scheme",
    { "HTTP/1.1 302 There\r\nLocation: ftp://h/\r\nContent-Length: 0\r\n\r\n" },
    NULL,
    "BadRedirect",
    NULL,
    0 },
  { "redirect/refused-port",
    { "HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: "
      "0\r\n\r\n" },
    NULL,
    "CannotConnect",
    NULL,
    0 },
  { "redirect/no-host",
    { "HTTP/1.1 302 There\r\nLocation: http://no.invalid/\r\nContent-Length: 0\r\n\r\n" },
    NULL,
    "HostNotFound",
    NULL,
    0 },
  { "redirect/endless-body",
    { "HTTP/1.1 302 There\r\nLocation: /hop/0\r\n\r\n", G_MAXSIZE },
    NULL,
    NULL,
    "content-length",
    4 },
  /* Stalls */
  { "stall/before-headers", { "", 0, NULL, SCRIPT_STALL }, QUICK, "TimedOut", NULL, 0 },
  { "stall/in-headers", { OK "X:", 0, NULL, SCRIPT_STALL }, QUICK, "TimedOut", NULL, 0 },
  { "stall/in-body",
    { OK "Content-Length: 9\r\n\r\nhello", 0, NULL, SCRIPT_STALL },
    QUICK,
    "TimedOut",
    NULL,
    5 },
  { "stall/in-chunks",
    { CHUNKED "\r\n5\r\nhello\r\n", 0, NULL, SCRIPT_STALL },
    QUICK,
    "TimedOut",
    NULL,
    5 },
  /* T-04 */
  { "encoded",
    { OK "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\n\x1f\x8b\x08xx" },
    NULL,
    NULL,
    "content-length",
    5 },
  /* T-08 */
  { "head",
    { OK "Content-Length: 100\r\n\r\n" },
    "{'method': <'HEAD'>}",
    NULL,
    "empty",
    0 },
};

static void
assert_facts (GVariant *facts, const Row *row)
{
  gboolean is_complete = FALSE;
  const char *error = NULL;
  const char *proof = NULL;
  guint64 received = G_MAXUINT64;

  g_variant_lookup (facts, "complete", "b", &is_complete);
  g_variant_lookup (facts, "error", "&s", &error);
  g_variant_lookup (facts, "proof", "&s", &proof);
  g_variant_lookup (facts, "received", "t", &received);
  g_assert_cmpstr (error, ==, row->error);
  g_assert_cmpint (is_complete, ==, row->error == NULL);
  g_assert_cmpstr (proof, ==, row->proof);
  g_assert_cmpuint (received, ==, row->received);
}

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  g_autofree char *content = NULL;
  guint64 attempt;
  gsize length;

  script_server_set (server, "/x", &row->reply);
  attempt = worker_fixture_begin (fixture, url, row->options);
  assert_facts (worker_fixture_await_done (fixture, attempt), row);
  content = worker_fixture_read_part (fixture, attempt, &length);
  g_assert_cmpuint (length, ==, row->received);
  g_assert_true (worker_fixture_is_part_free (fixture, attempt));
  g_assert_cmpuint (worker_fixture_get_peak_memory (fixture), <, 80 * 1024);
}

static const char *
get_error (GVariant *facts)
{
  const char *error = "";

  g_variant_lookup (facts, "error", "&s", &error);
  return error;
}

/* Everything of a file at its place, not only its length. */
static void
test_content (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  g_autofree char *wire = NULL;
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
  g_assert_cmpstr (get_error (facts), ==, "");
  g_assert_cmpuint (worker_fixture_get_redirects (fixture)->len, ==, 20);
  g_assert_cmpuint (script_server_count_connections (server), ==, 1);
  facts = worker_fixture_await_done (fixture, worker_fixture_begin (fixture, more, NULL));
  g_assert_cmpstr (get_error (facts), ==, "TooManyRedirects");
  g_variant_lookup (facts, "url", "&s", &error_url);
  g_assert_cmpstr (error_url, ==, refused);
}

static void
set_redirect (ScriptServer *server, const char *path, const char *to, const char *header)
{
  g_autofree char *head = g_strdup_printf (
      "HTTP/1.1 302 There\r\nLocation: %s\r\n%sContent-Length: 0\r\n\r\n", to, header);

  script_server_set (server, path, &(ScriptReply){ .head = head });
}

static char *
fetch_echo (WorkerFixture *fixture, const char *url, const char *options)
{
  guint64 attempt = worker_fixture_begin (fixture, url, options);

  g_assert_cmpstr (get_error (worker_fixture_await_done (fixture, attempt)), ==, "");
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

  set_redirect (home, "/inside", "/echo", "");
  set_redirect (home, "/outside", there, "");
  set_redirect (home, "/around", back, "");
  set_redirect (stranger, "/back", direct, "");
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

  set_redirect (server, "/x", "/echo", "Set-Cookie: taste=sweet\r\n");
  request = fetch_echo (fixture, url, NULL);
  g_assert_nonnull (strstr (request, "Cookie: taste=sweet"));
  later = fetch_echo (fixture, echo, NULL);
  g_assert_null (strstr (later, "Cookie"));
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

  set_redirect (server, "/moved", "/echo", "");
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

      g_assert_cmpstr (get_error (facts), ==, "");
    }
}

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
  g_assert_cmpstr (get_error (facts), ==, "ProtocolError");
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
  g_assert_cmpstr (get_error (facts), ==, "NoSpace");
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
  g_assert_cmpstr (get_error (facts), ==, "WriteFailed");
  g_variant_lookup (facts, "errno", "i", &error_number);
  g_assert_cmpint (error_number, ==, EFBIG);
}

static void
test_proxy (void)
{
  g_autoptr (ScriptServer) proxy = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *proxy_url = script_server_url (proxy, "");
  guint64 attempt;
  g_autofree char *content = NULL;

  worker_fixture_set_proxy (fixture, proxy_url);
  script_server_set (proxy,
                     "http://far.invalid/x",
                     &(ScriptReply){ OK "Content-Length: 5\r\n\r\nhello" });
  attempt = worker_fixture_begin (fixture, "http://far.invalid/x", NULL);
  g_assert_cmpstr (get_error (worker_fixture_await_done (fixture, attempt)), ==, "");
  content = worker_fixture_read_part (fixture, attempt, NULL);
  g_assert_cmpstr (content, ==, "hello");
}

/* Made anew each time, so that it is never out of date. */
static GTlsCertificate *
make_certificate (char **out_pem)
{
  g_autofree char *directory = g_dir_make_tmp ("trundle-tls-XXXXXX", NULL);
  g_autofree char *command = NULL;
  g_autofree char *file = g_build_filename (directory, "both.pem", NULL);
  g_autoptr (GError) error = NULL;
  GTlsCertificate *certificate;

  command = g_strdup_printf (
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
      "-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s.crt",
      file,
      file);
  g_spawn_command_line_sync (command, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_free (command);
  command = g_strdup_printf ("%s.crt", file);
  g_assert_true (g_file_get_contents (command, out_pem, NULL, NULL));
  certificate = g_tls_certificate_new_from_files (command, file, &error);
  g_assert_no_error (error);
  g_unlink (command);
  g_unlink (file);
  g_rmdir (directory);
  return certificate;
}

static char *
trust_option (const char *pem)
{
  g_autofree char *escaped = g_strescape (pem, NULL);

  return g_strdup_printf ("{'ca-certificates': <\"%s\">}", escaped);
}

static void
assert_ends (WorkerFixture *fixture,
             const char *url,
             const char *options,
             const char *error)
{
  guint64 attempt = worker_fixture_begin (fixture, url, options);

  g_assert_cmpstr (get_error (worker_fixture_await_done (fixture, attempt)), ==, error);
}

/* The connection that stands must not serve who does not trust it. */
static void
test_tls (void)
{
  g_autofree char *pem = NULL;
  g_autofree char *other_pem = NULL;
  g_autoptr (GTlsCertificate) certificate = make_certificate (&pem);
  g_autoptr (GTlsCertificate) other = make_certificate (&other_pem);
  g_autoptr (ScriptServer) server = script_server_new (certificate);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/hop/1");
  g_autofree char *right = trust_option (pem);
  g_autofree char *wrong = trust_option (other_pem);
  g_autofree char *both_pems = g_strconcat (other_pem, pem, NULL);
  g_autofree char *both = trust_option (both_pems);
  guint flags = 0;
  GVariant *facts;

  assert_ends (fixture, url, right, "");
  assert_ends (fixture, url, both, "");
  assert_ends (fixture, url, wrong, "TlsFailed");
  facts = worker_fixture_await_done (fixture, worker_fixture_begin (fixture, url, NULL));
  g_assert_cmpstr (get_error (facts), ==, "TlsFailed");
  g_variant_lookup (facts, "tls-flags", "u", &flags);
  g_assert_cmpuint (flags, ==, G_TLS_CERTIFICATE_UNKNOWN_CA);
}

/* T-18 */
static void
test_downgrade (void)
{
  g_autofree char *pem = NULL;
  g_autoptr (GTlsCertificate) certificate = make_certificate (&pem);
  g_autoptr (ScriptServer) server = script_server_new (certificate);
  g_autoptr (ScriptServer) plain = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/down");
  g_autofree char *target = script_server_url (plain, "/hop/0");
  g_autofree char *trust = trust_option (pem);

  set_redirect (server, "/down", target, "");
  assert_ends (fixture, url, trust, "InsecureTransport");
  g_assert_cmpuint (script_server_count_connections (plain), ==, 0);
}

/* The whole body passes through a bounded worker, and Progress tells of it. */
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
  g_assert_cmpstr (get_error (worker_fixture_await_done (fixture, attempt)), ==, "");
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
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/worker/answer/", rows[i].name, NULL);

      g_test_add_data_func (path, &rows[i], test_row);
    }
  g_test_add_func ("/worker/content", test_content);
  g_test_add_func ("/worker/error-body", test_error_body);
  g_test_add_func ("/worker/redirect-chain", test_redirect_chain);
  g_test_add_func ("/worker/secrets", test_secrets);
  g_test_add_func ("/worker/redirect-cookie", test_redirect_cookie);
  g_test_add_func ("/worker/request", test_request);
  g_test_add_func ("/worker/reuse", test_reuse);
  g_test_add_func ("/worker/informational-flood", test_informational_flood);
  g_test_add_func ("/worker/stop", test_stop);
  g_test_add_func ("/worker/vanish", test_vanish);
  g_test_add_func ("/worker/no-space", test_no_space);
  g_test_add_func ("/worker/too-large", test_too_large);
  g_test_add_func ("/worker/proxy", test_proxy);
  g_test_add_func ("/worker/tls", test_tls);
  g_test_add_func ("/worker/downgrade", test_downgrade);
  g_test_add_func ("/worker/memory", test_memory);
  g_test_add_func ("/worker/bad-begin", test_bad_begin);
  return g_test_run ();
}
