/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real worker with a part of which there is something already (T-37 to T-43, law 11).
 */

#include "config.h"

#include "script-server.h"
#include "worker-fixture.h"

#include "common/error.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define PART "HTTP/1.1 206 Part\r\n"
#define NO_REST "HTTP/1.1 416 No\r\n"
#define RANGE "Content-Range: bytes 6-10/11\r\n"
#define TAG "ETag: \"v1\"\r\n"
#define SLICE "Content-Length: 5\r\n"
#define EMPTY "Content-Length: 0\r\n\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define ANY "'accept-status': <['*']>"
#define TOTAL_11 "'total': <uint64 11>"

typedef struct
{
  const char *name;
  ScriptReply reply;
  const char *options; /* (nullable): entries of the dictionary */
  const char *kept;    /* (nullable): "hello " */
  gsize begin;         /* 0: the length of what is kept */
  const char *error;   /* NULL: complete */
  const char *proof;   /* with complete */
  const char *content;
  gint64 offset; /* of Response, -1 for none */
  gint64 length; /* its content-length */
} Row;

static const Row rows[] = {
  /* The rest */
  { .name = "fits/length",
    .reply = { PART RANGE TAG SLICE "\r\nworld" },
    .proof = "content-length",
    .content = "hello world",
    .offset = 6,
    .length = 11 },
  { .name = "fits/no-tag",
    .reply = { PART RANGE SLICE "\r\nworld" },
    .proof = "content-length",
    .content = "hello world",
    .offset = 6,
    .length = 11 },
  { .name = "fits/total-known",
    .reply = { PART RANGE TAG SLICE "\r\nworld" },
    .options = TOTAL_11,
    .proof = "content-length",
    .content = "hello world",
    .offset = 6,
    .length = 11 },
  { .name = "fits/accepted-as-200",
    .reply = { PART RANGE TAG SLICE "\r\nworld" },
    .options = "'accept-status': <['200']>",
    .proof = "content-length",
    .content = "hello world",
    .offset = 6,
    .length = 11 },
  { .name = "fits/identity",
    .reply = { PART RANGE TAG "Content-Encoding: identity\r\n" SLICE "\r\nworld" },
    .proof = "content-length",
    .content = "hello world",
    .offset = 6,
    .length = 11 },
  { .name = "fits/chunked",
    .reply = { PART RANGE TAG CHUNKED "\r\n5\r\nworld\r\n0\r\n\r\n" },
    .proof = "chunked",
    .content = "hello world",
    .offset = 6,
    .length = 11 },
  { .name = "fits/closing",
    .reply
    = { PART RANGE TAG SLICE "Connection: close\r\n\r\nworld", 0, NULL, SCRIPT_CLOSE },
    .proof = "content-length",
    .content = "hello world",
    .offset = 6,
    .length = 11 },
  { .name = "fits/unframed",
    .reply = { PART RANGE TAG "\r\nworld", 0, NULL, SCRIPT_CLOSE },
    .options = "'allow-unframed': <true>",
    .proof = "connection-close",
    .content = "hello world",
    .offset = 6,
    .length = 11 },
  /* And cut again */
  { .name = "cut/length",
    .reply = { PART RANGE TAG SLICE "\r\nwo", 0, NULL, SCRIPT_CLOSE },
    .error = "ConnectionLost",
    .content = "hello wo",
    .offset = 6,
    .length = 11 },
  { .name = "cut/chunked",
    .reply = { PART RANGE TAG CHUNKED "\r\n2\r\nwo\r\n", 0, NULL, SCRIPT_CLOSE },
    .error = "ConnectionLost",
    .content = "hello wo",
    .offset = 6,
    .length = 11 },
  { .name = "cut/stall",
    .reply = { PART RANGE TAG SLICE "\r\nwo", 0, NULL, SCRIPT_STALL },
    .options = "'request-timeout': <uint64 300>",
    .error = "TimedOut",
    .content = "hello wo",
    .offset = 6,
    .length = 11 },
  { .name = "excess/length",
    .reply = { PART RANGE TAG SLICE "\r\nworldly", 0, NULL, SCRIPT_STALL },
    .error = "ProtocolError",
    .content = "hello world",
    .offset = 6,
    .length = 11 },
  /* Nothing is left (T-42) */
  { .name = "no-rest/total-unknown",
    .reply = { NO_REST "Content-Range: bytes */11\r\n" EMPTY },
    .kept = "hello world",
    .proof = "content-range",
    .content = "hello world",
    .offset = -1,
    .length = -1 },
  { .name = "no-rest/total-known",
    .reply = { NO_REST "Content-Range: bytes */11\r\n" TAG EMPTY },
    .options = TOTAL_11,
    .kept = "hello world",
    .proof = "content-range",
    .content = "hello world",
    .offset = -1,
    .length = -1 },
  /* Says nothing of the part */
  { .name = "status/404",
    .reply = { "HTTP/1.1 404 No\r\n" SLICE "\r\nsorry" },
    .error = "HttpStatus",
    .content = "hello ",
    .offset = -1,
    .length = 5 },
  { .name = "status/503",
    .reply = { "HTTP/1.1 503 No\r\n" SLICE "\r\nsorry" },
    .error = "HttpStatus",
    .content = "hello ",
    .offset = -1,
    .length = 5 },
  { .name = "status/200-not-accepted",
    .reply = { OK SLICE "\r\nworld" },
    .options = "'accept-status': <['404']>",
    .error = "HttpStatus",
    .content = "hello ",
    .offset = -1,
    .length = 5 },
  { .name = "status/206-not-accepted",
    .reply = { PART RANGE TAG SLICE "\r\nworld" },
    .options = "'accept-status': <['404']>",
    .error = "HttpStatus",
    .content = "hello ",
    .offset = -1,
    .length = 5 },
  { .name = "no-answer",
    .reply = { "", 0, NULL, SCRIPT_CLOSE },
    .error = "ConnectionLost",
    .content = "hello ",
    .offset = -1,
    .length = -1 },
  /* The whole (T-38, T-41) */
  { .name = "whole/length",
    .reply = { OK "Content-Length: 4\r\n\r\nanew" },
    .content = "anew",
    .offset = 0,
    .length = 4,
    .proof = "content-length" },
  { .name = "whole/chunked",
    .reply = { OK CHUNKED "\r\n4\r\nanew\r\n0\r\n\r\n" },
    .proof = "chunked",
    .length = -1,
    .content = "anew",
    .offset = 0 },
  { .name = "whole/longer",
    .reply = { OK "Content-Length: 11\r\n\r\nHELLO WORLD" },
    .content = "HELLO WORLD",
    .length = 11,
    .offset = 0,
    .proof = "content-length" },
  { .name = "whole/gzip",
    .reply = { OK "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nanew" },
    .content = "anew",
    .offset = 0,
    .length = 4,
    .proof = "content-length" },
  { .name = "whole/cut",
    .reply = { OK "Content-Length: 9\r\n\r\nanew", 0, NULL, SCRIPT_CLOSE },
    .error = "ConnectionLost",
    .length = 9,
    .content = "anew",
    .offset = 0 },
  { .name = "whole/404-accepted",
    .reply = { "HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nanew" },
    .options = ANY,
    .content = "anew",
    .offset = 0,
    .length = 4,
    .proof = "content-length" },
  { .name = "whole/204",
    .reply = { "HTTP/1.1 204 None\r\n\r\n" },
    .proof = "empty",
    .content = "",
    .length = -1,
    .offset = 0 },
  /* Not the rest (T-43) */
  { .name = "misfit/no-range",
    .reply = { PART TAG SLICE "\r\nworld" },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1 },
  { .name = "misfit/start",
    .reply = { PART "Content-Range: bytes 5-10/11\r\n" TAG SLICE "\r\nworld" },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1 },
  { .name = "misfit/end",
    .reply = { PART "Content-Range: bytes 6-9/11\r\n" TAG SLICE "\r\nworld" },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1 },
  { .name = "misfit/total",
    .reply = { PART "Content-Range: bytes 6-10/11\r\n" TAG SLICE "\r\nworld" },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1,
    .options = "'total': <uint64 12>" },
  { .name = "misfit/total-unknown",
    .reply = { PART "Content-Range: bytes 6-10/*\r\n" TAG SLICE "\r\nworld" },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1 },
  { .name = "misfit/total-missing",
    .reply = { PART "Content-Range: bytes 6-10/\r\n" TAG SLICE "\r\nworld" },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1 },
  { .name = "misfit/unsatisfied",
    .reply = { PART "Content-Range: bytes */11\r\n" TAG SLICE "\r\nworld" },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1 },
  { .name = "misfit/unit",
    .reply = { PART "Content-Range: lines 6-10/11\r\n" TAG SLICE "\r\nworld" },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1 },
  { .name = "misfit/tail",
    .reply = { PART "Content-Range: bytes 6-10/11x\r\n" TAG SLICE "\r\nworld" },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1 },
  { .name = "misfit/twice",
    .reply = { PART "Content-Range: bytes 6-10/11, bytes 6-10/11\r\n" TAG SLICE
                    "\r\nworld" },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1 },
  { .name = "misfit/negative",
    .reply = { PART "Content-Range: bytes 6--10/11\r\n" TAG SLICE "\r\nworld" },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1 },
  { .name = "misfit/tag",
    .reply = { PART RANGE "ETag: \"v2\"\r\n" SLICE "\r\nworld" },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1 },
  { .name = "misfit/tag-weak",
    .reply = { PART RANGE "ETag: W/\"v1\"\r\n" SLICE "\r\nworld" },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1 },
  { .name = "misfit/two-tags",
    .reply = { PART RANGE TAG "ETag: \"v2\"\r\n" SLICE "\r\nworld" },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1 },
  { .name = "misfit/multipart",
    .reply = { PART RANGE TAG "Content-Type: multipart/byteranges; boundary=x\r\n" SLICE
                              "\r\nworld" },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1 },
  { .name = "misfit/gzip",
    .reply = { PART RANGE TAG "Content-Encoding: gzip\r\n" SLICE "\r\nworld" },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1 },
  { .name = "misfit/length",
    .reply = { PART RANGE TAG "Content-Length: 4\r\n\r\nworl" },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1 },
  { .name = "misfit/two-lengths",
    .reply
    = { PART RANGE TAG SLICE "Content-Length: 6\r\n\r\nworld", 0, NULL, SCRIPT_CLOSE },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1 },
  { .name = "misfit/unframed",
    .reply = { PART RANGE TAG "\r\nworld", 0, NULL, SCRIPT_CLOSE },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1 },
  { .name = "misfit/chunks-short",
    .reply = { PART RANGE TAG CHUNKED "\r\n4\r\nworl\r\n0\r\n\r\n" },
    .error = "ConnectionLost",
    .content = "",
    .offset = 6,
    .length = 11 },
  { .name = "misfit/chunks-long",
    .reply = { PART RANGE TAG CHUNKED "\r\n6\r\nworlds\r\n0\r\n\r\n" },
    .error = "ConnectionLost",
    .content = "",
    .offset = 6,
    .length = 11 },
  { .name = "misfit/part-shorter",
    .reply = { PART RANGE TAG SLICE "\r\nworld" },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1,
    .kept = "hello",
    .begin = 6 },
  { .name = "misfit/accept-any",
    .reply = { PART "Content-Range: bytes 5-10/11\r\n" SLICE "\r\nworld" },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1,
    .options = ANY },
  /* 416, the other kind */
  { .name = "range-refused/no-range",
    .reply = { NO_REST EMPTY },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1,
    .kept = "hello world" },
  { .name = "range-refused/total",
    .reply = { NO_REST "Content-Range: bytes */5\r\n" EMPTY },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1 },
  { .name = "range-refused/total-known",
    .reply = { NO_REST "Content-Range: bytes */11\r\n" EMPTY },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1,
    .kept = "hello world",
    .options = "'total': <uint64 12>" },
  { .name = "range-refused/tag",
    .reply = { NO_REST "Content-Range: bytes */11\r\nETag: \"v2\"\r\n" EMPTY },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1,
    .kept = "hello world" },
  { .name = "range-refused/accept-any",
    .reply = { NO_REST EMPTY },
    .error = "ConnectionLost",
    .content = "",
    .offset = -1,
    .length = -1,
    .options = ANY },
};

static guint64
begin (WorkerFixture *fixture,
       const char *url,
       const char *path,
       gsize offset,
       const char *options)
{
  g_autofree char *all = g_strdup_printf ("{'offset': <uint64 %" G_GSIZE_FORMAT
                                          ">, 'validator': <'\"v1\"'>%s%s}",
                                          offset,
                                          options != NULL ? ", " : "",
                                          options != NULL ? options : "");
  int fd = g_open (path, O_RDWR | O_CLOEXEC);

  g_assert_no_errno (fd);
  return worker_fixture_begin_with_part (fixture, url, all, fd);
}

static void
assert_response (GVariant *facts, const Row *row)
{
  g_autoptr (GVariant) response = NULL;
  guint64 offset = G_MAXUINT64;
  gint64 length = -1;

  response = g_variant_lookup_value (facts, "response", G_VARIANT_TYPE_VARDICT);
  if (response != NULL)
    {
      g_variant_lookup (response, "offset", "t", &offset);
      g_variant_lookup (response, "content-length", "x", &length);
    }
  g_assert_cmpuint (offset, ==, (guint64)row->offset);
  g_assert_cmpint (length, ==, row->length);
}

static void
assert_facts (GVariant *facts, const Row *row)
{
  gboolean is_complete = FALSE;
  const char *proof = NULL;
  guint64 received = G_MAXUINT64;

  g_variant_lookup (facts, "complete", "b", &is_complete);
  g_variant_lookup (facts, "proof", "&s", &proof);
  g_variant_lookup (facts, "received", "t", &received);
  g_assert_cmpstr (
      worker_fixture_get_error (facts), ==, row->error != NULL ? row->error : "");
  g_assert_cmpint (is_complete, ==, row->error == NULL);
  g_assert_cmpstr (proof, ==, row->proof);
  g_assert_cmpuint (received, ==, strlen (row->content));
  assert_response (facts, row);
}

/* Fault (server): wrong, missing and contradictory answers to a range | Proves: one
 * version in the file, or none (law 11) */
static void
test_row (gconstpointer data)
{
  const Row *row = data;
  const char *kept = row->kept != NULL ? row->kept : "hello ";
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  g_autofree char *path = worker_fixture_make_part (kept);
  guint64 attempt;

  script_server_set (server, "/x", &row->reply);
  attempt = begin (
      fixture, url, path, row->begin > 0 ? row->begin : strlen (kept), row->options);
  assert_facts (worker_fixture_await_done (fixture, attempt), row);
  worker_fixture_assert_content (path, row->content);
  g_unlink (path);
}

/* The head of the question as a server that is not @server's saw it, after a redirect. */
static char *
fetch_question (gsize offset)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (ScriptServer) other = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  g_autofree char *echo = script_server_url (other, "/echo");
  g_autofree char *path = worker_fixture_make_part ("hello ");
  g_autoptr (GVariant) body = NULL;
  GVariant *facts;

  script_server_set_redirect (server, "/x", echo, "");
  facts = worker_fixture_await_done (
      fixture,
      begin (fixture,
             url,
             path,
             offset,
             "'accept-status': <['404']>, 'error-body-max': <uint32 4096>"));
  g_unlink (path);
  body = g_variant_lookup_value (facts, "error-body", G_VARIANT_TYPE_BYTESTRING);
  g_assert_nonnull (body);
  return g_strndup (g_variant_get_data (body), g_variant_get_size (body));
}

/* On every hop (T-37). */
static void
test_question (void)
{
  g_autofree char *question = fetch_question (6);

  g_assert_nonnull (strstr (question, "\r\nRange: bytes=6-\r\n"));
  g_assert_nonnull (strstr (question, "\r\nIf-Range: \"v1\"\r\n"));
}

/* Without an offset it is asked for the whole. */
static void
test_no_offset (void)
{
  g_autofree char *question = fetch_question (0);

  g_assert_null (strstr (question, "Range:"));
}

static void
test_redirect (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (ScriptServer) other = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  g_autofree char *target = script_server_url (other, "/y");
  g_autofree char *path = worker_fixture_make_part ("hello ");
  GVariant *facts;

  script_server_set_redirect (server, "/x", target, "");
  script_server_set (other, "/y", &(ScriptReply){ PART RANGE TAG SLICE "\r\nworld" });
  facts = worker_fixture_await_done (fixture, begin (fixture, url, path, 6, NULL));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  worker_fixture_assert_content (path, "hello world");
  g_unlink (path);
}

/* T-37: what comes counts on from what is there, and what was cut twice is whole. */
static void
test_cut_again (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  g_autofree char *path = worker_fixture_make_part ("hello ");
  g_autoptr (GError) error = NULL;
  guint64 attempt;
  GVariant *facts;

  script_server_set (
      server,
      "/x",
      &(ScriptReply){ PART RANGE TAG SLICE "\r\nwo", 0, NULL, SCRIPT_STALL });
  attempt = begin (fixture, url, path, 6, NULL);
  worker_fixture_await_received (fixture, 8);
  error = worker_fixture_call (fixture, "Stop", g_variant_new ("(t)", attempt));
  g_assert_no_error (error);
  script_server_set (server,
                     "/x",
                     &(ScriptReply){ PART "Content-Range: bytes 8-10/11\r\n" TAG
                                          "Content-Length: 3\r\n\r\nrld" });
  facts = worker_fixture_await_done (fixture, begin (fixture, url, path, 8, TOTAL_11));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  worker_fixture_assert_content (path, "hello world");
  g_unlink (path);
}

/* What was there is gone and another version comes: had the daemon died before it knew,
 * the new bytes would have been taken for the old version's.
 *
 * Fault (server): another version comes, and the daemon dies before it has stored so |
 * Proves: not a byte of it was written (law 11) */
static void
test_unheard (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  g_autofree char *path = worker_fixture_make_part ("hello ");
  guint64 attempt;

  script_server_set (
      server, "/x", &(ScriptReply){ OK "Content-Length: 9\r\n\r\nnew world" });
  worker_fixture_hold_response (fixture);
  attempt = begin (fixture, url, path, 6, NULL);
  worker_fixture_await_response (fixture);
  /* The answer is one write of the server's; each Ping is a turn of the worker's loop. */
  for (guint i = 0; i < 50; i++)
    {
      g_autoptr (GError) error = worker_fixture_call (fixture, "Ping", NULL);

      g_assert_no_error (error);
      worker_fixture_assert_content (path, "");
    }
  worker_fixture_answer_response (fixture);
  g_assert_cmpstr (
      worker_fixture_get_error (worker_fixture_await_done (fixture, attempt)), ==, "");
  worker_fixture_assert_content (path, "new world");
  g_unlink (path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpuint (trundle_error_quark (), !=, 0);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/worker/range/", rows[i].name, NULL);

      g_test_add_data_func (path, &rows[i], test_row);
    }
  g_test_add_func ("/worker/range/question", test_question);
  g_test_add_func ("/worker/range/no-offset", test_no_offset);
  g_test_add_func ("/worker/range/redirect", test_redirect);
  g_test_add_func ("/worker/range/cut-again", test_cut_again);
  g_test_add_func ("/worker/range/unheard", test_unheard);
  return g_test_run ();
}
