/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real worker against a server that says what it likes.  Success is what must not
 * happen by accident: most rows are about answers that are not whole. */

#include "config.h"

#include "script-server.h"
#include "worker-fixture.h"

#include "common/error.h"

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
    "ConnectionLost",
    NULL,
    0 },
  { "short/headers",
    { OK "Server: x\r\n", 0, NULL, SCRIPT_CLOSE },
    UNFRAMED,
    "ConnectionLost",
    NULL,
    0 },
  { "short/nothing", { "", 0, NULL, SCRIPT_CLOSE }, NULL, "ConnectionLost", NULL, 0 },
  { "short/part",
    { "HTTP/1.1 206 Part\r\nContent-Range: bytes 0-4/9\r\n"
      "Content-Length: 5\r\n\r\nhello" },
    NULL,
    "ProtocolError",
    NULL,
    0 },
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
  { "status/500-drips",
    { "HTTP/1.1 500 No\r\nContent-Length: 50000\r\n\r\n", 0, NULL, SCRIPT_DRIP },
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

/* Fault (server): answers that break the framing rules of HTTP | Proves: never a
 * success that is not proven (law 10) */
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
  return g_test_run ();
}
