/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real worker where bytes are compared with what is there (T-39, law 11), and where
 * the file is to be a part of the resource (T-48). */

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
#define EMPTY "Content-Length: 0\r\n\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define MODIFIED "Last-Modified: " DATE "\r\n"
#define ANY "'accept-status': <['*']>"
#define BY_DATE "'validator': <'" DATE "'>"
#define BY_TAG "'validator': <'\"v1\"'>"
#define FIVE "'range': <(uint64 6, uint64 5)>"
#define HUNDRED "'range': <(uint64 6, uint64 100)>"
#define OPEN "'range': <(uint64 6, uint64 0)>"

typedef struct
{
  const char *name;
  const char *options; /* entries of the dictionary */
  const char *kept;    /* what is there */
  const char *error;   /* NULL: complete */
  const char *content;
  gint64 offset; /* of Response, -1 for none */
  gint64 length; /* its content-length */
  ScriptReply reply;
} Row;

/* clang-format off */
static const Row rows[] = {
  /* By date: the end of what is there comes again, and is the same */
  { "date/fits", BY_DATE, "hello ", NULL, "hello world", 6, 11,
    { PART "Content-Range: bytes 0-10/11\r\n" MODIFIED
      "Content-Length: 11\r\n\r\nhello world" } },
  { "date/fits/no-date", BY_DATE, "hello ", NULL, "hello world", 6, 11,
    { PART "Content-Range: bytes 0-10/11\r\n" "Content-Length: 11\r\n\r\nhello world" } },
  { "date/fits/chunked", BY_DATE, "hello ", NULL, "hello world", 6, 11,
    { PART "Content-Range: bytes 0-10/11\r\n" CHUNKED
      "\r\n3\r\nhel\r\n8\r\nlo world\r\n0\r\n\r\n" } },
  { "date/fits/nothing-new", BY_DATE, "hello world", NULL, "hello world", 11, 11,
    { PART "Content-Range: bytes 0-10/11\r\n" "Content-Length: 11\r\n\r\nhello world" } },
  { "date/cut/behind", BY_DATE, "hello ", "ConnectionLost", "hello wo", 6, 11,
    { PART "Content-Range: bytes 0-10/11\r\n" "Content-Length: 11\r\n\r\nhello wo", 0,
      NULL, SCRIPT_CLOSE } },
  { "date/cut/amid", BY_DATE, "hello ", "ConnectionLost", "hello ", -1, -1,
    { PART "Content-Range: bytes 0-10/11\r\n" "Content-Length: 11\r\n\r\nhel", 0, NULL,
      SCRIPT_CLOSE } },
  /* Or not: the same date, and other bytes (law 11) */
  { "date/swapped", BY_DATE, "hello ", "ConnectionLost", "", -1, -1,
    { PART "Content-Range: bytes 0-10/11\r\n" MODIFIED
      "Content-Length: 11\r\n\r\nHELLO WORLD" } },
  { "date/swapped/last-byte", BY_DATE, "hello ", "ConnectionLost", "", -1, -1,
    { PART "Content-Range: bytes 0-10/11\r\n" MODIFIED
      "Content-Length: 11\r\n\r\nhello_world" } },
  { "date/swapped/nothing-new", BY_DATE, "hello world", "ConnectionLost", "", -1, -1,
    { PART "Content-Range: bytes 0-10/11\r\n" MODIFIED
      "Content-Length: 11\r\n\r\nhello worlD" } },
  { "date/swapped/chunked", BY_DATE, "hello ", "ConnectionLost", "", -1, -1,
    { PART "Content-Range: bytes 0-10/11\r\n" CHUNKED
      "\r\n3\r\nhel\r\n8\r\nLO world\r\n0\r\n\r\n" } },
  { "date/chunks-short", BY_DATE, "hello world", "ConnectionLost", "", -1, -1,
    { PART "Content-Range: bytes 0-10/11\r\n" CHUNKED "\r\n3\r\nhel\r\n0\r\n\r\n" } },
  /* Not the rest (T-43), not the version, not ours to read */
  { "date/misfit/start", BY_DATE, "hello ", "ConnectionLost", "", -1, -1,
    { PART "Content-Range: bytes 6-10/11\r\n" "Content-Length: 5\r\n\r\nworld" } },
  { "date/misfit/end", BY_DATE, "hello ", "ConnectionLost", "", -1, -1,
    { PART "Content-Range: bytes 0-9/11\r\n" "Content-Length: 10\r\n\r\nhello worl" } },
  { "date/misfit/total", BY_DATE ", 'total': <uint64 12>", "hello ", "ConnectionLost",
      "", -1, -1,
    { PART "Content-Range: bytes 0-10/11\r\n" "Content-Length: 11\r\n\r\nhello world" } },
  { "date/misfit/total-unknown", BY_DATE, "hello ", "ConnectionLost", "", -1, -1,
    { PART "Content-Range: bytes 0-10/*\r\n" "Content-Length: 11\r\n\r\nhello world" } },
  { "date/misfit/date", BY_DATE, "hello ", "ConnectionLost", "", -1, -1,
    { PART "Content-Range: bytes 0-10/11\r\n"
      "Last-Modified: Sun, 06 Nov 1994 08:49:38 GMT\r\n"
      "Content-Length: 11\r\n\r\nhello world" } },
  { "date/misfit/tag", BY_DATE, "hello ", "ConnectionLost", "", -1, -1,
    { PART "Content-Range: bytes 0-10/11\r\n" "ETag: \"v1\"\r\n"
      "Content-Length: 11\r\n\r\nhello world" } },
  { "date/misfit/gzip", BY_DATE, "hello ", "ConnectionLost", "", -1, -1,
    { PART "Content-Range: bytes 0-10/11\r\n" "Content-Encoding: gzip\r\n"
      "Content-Length: 11\r\n\r\nhello world" } },
  { "date/misfit/multipart", BY_DATE, "hello ", "ConnectionLost", "", -1, -1,
    { PART "Content-Range: bytes 0-10/11\r\n"
      "Content-Type: multipart/byteranges; boundary=x\r\n"
      "Content-Length: 11\r\n\r\nhello world" } },
  /* T-41, T-42, and what says nothing of the part */
  { "date/whole", BY_DATE, "hello ", NULL, "anew", 0, 4,
    { OK "Content-Length: 4\r\n\r\nanew" } },
  { "date/no-rest", BY_DATE, "hello ", "ConnectionLost", "", -1, -1,
    { NO_REST "Content-Range: bytes */6\r\n" EMPTY } },
  { "date/range-refused", BY_DATE, "hello ", "ConnectionLost", "", -1, -1,
    { NO_REST EMPTY } },
  { "date/503", BY_DATE, "hello ", "HttpStatus", "hello ", -1, 0,
    { "HTTP/1.1 503 No\r\n" EMPTY } },
  /* A range, from nothing */
  { "range/fits", FIVE, "", NULL, "world", -1, 5,
    { PART "Content-Range: bytes 6-10/20\r\n" "Content-Length: 5\r\n\r\nworld" } },
  { "range/fits/total-unknown", FIVE, "", NULL, "world", -1, 5,
    { PART "Content-Range: bytes 6-10/*\r\n" "Content-Length: 5\r\n\r\nworld" } },
  { "range/fits/chunked", FIVE, "", NULL, "world", -1, 5,
    { PART "Content-Range: bytes 6-10/20\r\n" CHUNKED "\r\n5\r\nworld\r\n0\r\n\r\n" } },
  { "range/fits/ends-before", HUNDRED, "", NULL, "world", -1, 5,
    { PART "Content-Range: bytes 6-10/11\r\n" "Content-Length: 5\r\n\r\nworld" } },
  { "range/fits/open", OPEN, "", NULL, "world", -1, 5,
    { PART "Content-Range: bytes 6-10/11\r\n" "Content-Length: 5\r\n\r\nworld" } },
  { "range/cut", FIVE, "", "ConnectionLost", "wor", -1, 5,
    { PART "Content-Range: bytes 6-10/20\r\n" "Content-Length: 5\r\n\r\nwor", 0, NULL,
      SCRIPT_CLOSE } },
  { "range/misfit/shorter", HUNDRED, "", "ProtocolError", "", -1, 5,
    { PART "Content-Range: bytes 6-10/20\r\n" "Content-Length: 5\r\n\r\nworld" } },
  { "range/misfit/shorter-total-unknown", HUNDRED, "", "ProtocolError", "", -1, 5,
    { PART "Content-Range: bytes 6-10/*\r\n" "Content-Length: 5\r\n\r\nworld" } },
  { "range/misfit/longer", FIVE, "", "ProtocolError", "", -1, 6,
    { PART "Content-Range: bytes 6-11/20\r\n" "Content-Length: 6\r\n\r\nworlds" } },
  { "range/misfit/start", FIVE, "", "ProtocolError", "", -1, 6,
    { PART "Content-Range: bytes 5-10/20\r\n" "Content-Length: 6\r\n\r\n world" } },
  { "range/misfit/beyond-total", FIVE, "", "ProtocolError", "", -1, 5,
    { PART "Content-Range: bytes 6-10/10\r\n" "Content-Length: 5\r\n\r\nworld" } },
  { "range/misfit/open", OPEN, "", "ProtocolError", "", -1, 4,
    { PART "Content-Range: bytes 6-9/11\r\n" "Content-Length: 4\r\n\r\nworl" } },
  { "range/misfit/open-total-unknown", OPEN, "", "ProtocolError", "", -1, 5,
    { PART "Content-Range: bytes 6-10/*\r\n" "Content-Length: 5\r\n\r\nworld" } },
  { "range/misfit/length", FIVE, "", "ProtocolError", "", -1, 4,
    { PART "Content-Range: bytes 6-10/20\r\n" "Content-Length: 4\r\n\r\nworl" } },
  { "range/misfit/none", FIVE, "", "ProtocolError", "", -1, 5,
    { PART "Content-Length: 5\r\n\r\nworld" } },
  { "range/misfit/gzip", FIVE, "", "ProtocolError", "", -1, 5,
    { PART "Content-Range: bytes 6-10/20\r\n" "Content-Encoding: gzip\r\n"
      "Content-Length: 5\r\n\r\nworld" } },
  { "range/misfit/multipart", FIVE, "", "ProtocolError", "", -1, 5,
    { PART "Content-Range: bytes 6-10/20\r\n"
      "Content-Type: multipart/byteranges; boundary=x\r\n"
      "Content-Length: 5\r\n\r\nworld" } },
  { "range/misfit/chunks-long", FIVE, "", "ConnectionLost", "", -1, 5,
    { PART "Content-Range: bytes 6-10/20\r\n" CHUNKED "\r\n6\r\nworlds\r\n0\r\n\r\n" } },
  /* The whole instead */
  { "range/whole", FIVE, "", "ProtocolError", "", -1, 11,
    { OK "Content-Length: 11\r\n\r\nhello world" } },
  { "range/whole/open", OPEN, "", "ProtocolError", "", -1, 11,
    { OK "Content-Length: 11\r\n\r\nhello world" } },
  { "range/whole/accept-any", FIVE ", " ANY, "", "ProtocolError", "", -1, 11,
    { OK "Content-Length: 11\r\n\r\nhello world" } },
  { "range/whole/204", FIVE, "", "ProtocolError", "", -1, -1,
    { "HTTP/1.1 204 None\r\n\r\n" } },
  { "range/whole/longer", "'range': <(uint64 0, uint64 5)>", "", "ProtocolError", "",
      -1, 11,
    { OK "Content-Length: 11\r\n\r\nhello world" } },
  { "range/whole/no-length", "'range': <(uint64 0, uint64 5)>", "", "ProtocolError", "",
      -1, -1,
    { OK CHUNKED "\r\n5\r\nworld\r\n0\r\n\r\n" } },
  { "range/whole/is-it", "'range': <(uint64 0, uint64 5)>", "", NULL, "hello", -1, 5,
    { OK "Content-Length: 5\r\n\r\nhello" } },
  { "range/whole/ends-before", "'range': <(uint64 0, uint64 5)>", "", NULL, "hell", -1, 4,
    { OK "Content-Length: 4\r\n\r\nhell" } },
  { "range/whole/asked-for", "'range': <(uint64 0, uint64 0)>", "", NULL, "hello", -1, 5,
    { OK "Content-Length: 5\r\n\r\nhello" } },
  { "range/416", FIVE, "", "HttpStatus", "", -1, 0,
    { NO_REST "Content-Range: bytes */5\r\n" EMPTY } },
  { "range/404", FIVE, "", "HttpStatus", "", -1, 5,
    { "HTTP/1.1 404 No\r\n" "Content-Length: 5\r\n\r\nsorry" } },
  { "range/404/accepted", FIVE ", " ANY, "", NULL, "sorry", -1, 5,
    { "HTTP/1.1 404 No\r\n" "Content-Length: 5\r\n\r\nsorry" } },
  /* A range, continued */
  { "range/rest", FIVE ", " BY_TAG, "wor", NULL, "world", 3, 5,
    { PART "Content-Range: bytes 9-10/20\r\n" "Content-Length: 2\r\n\r\nld" } },
  { "range/rest/open", OPEN ", " BY_TAG, "wor", NULL, "world", 3, 5,
    { PART "Content-Range: bytes 9-10/11\r\n" "Content-Length: 2\r\n\r\nld" } },
  { "range/rest/ends-before", HUNDRED ", " BY_TAG, "wor", NULL, "world", 3, 5,
    { PART "Content-Range: bytes 9-10/11\r\n" "Content-Length: 2\r\n\r\nld" } },
  { "range/rest/date", FIVE ", " BY_DATE, "wor", NULL, "world", 3, 5,
    { PART "Content-Range: bytes 6-10/20\r\n" "Content-Length: 5\r\n\r\nworld" } },
  { "range/rest/date-swapped", FIVE ", " BY_DATE, "wor", "ConnectionLost", "", -1, -1,
    { PART "Content-Range: bytes 6-10/20\r\n" "Content-Length: 5\r\n\r\nWORLD" } },
  { "range/rest/nothing-new", FIVE ", " BY_TAG, "world", NULL, "world", 5, 5,
    { PART "Content-Range: bytes 10-10/20\r\n" "Content-Length: 1\r\n\r\nd" } },
  { "range/rest/nothing-new-swapped", FIVE ", " BY_TAG, "world", "ConnectionLost", "",
      -1, -1,
    { PART "Content-Range: bytes 10-10/20\r\n" "Content-Length: 1\r\n\r\nD" } },
  { "range/rest/none", OPEN ", " BY_TAG, "world", NULL, "world", -1, -1,
    { NO_REST "Content-Range: bytes */11\r\n" EMPTY } },
  { "range/rest/none-ends-before", HUNDRED ", " BY_TAG, "world", NULL, "world", -1, -1,
    { NO_REST "Content-Range: bytes */11\r\n" EMPTY } },
  { "range/rest/misfit/none", OPEN ", " BY_TAG, "world", "ConnectionLost", "", -1, -1,
    { NO_REST "Content-Range: bytes */5\r\n" EMPTY } },
  { "range/rest/misfit/start", FIVE ", " BY_TAG, "wor", "ConnectionLost", "", -1, -1,
    { PART "Content-Range: bytes 3-4/20\r\n" "Content-Length: 2\r\n\r\nld" } },
  { "range/rest/misfit/total", OPEN ", 'total': <uint64 11>" ", " BY_TAG, "wor",
      "ConnectionLost", "", -1, -1,
    { PART "Content-Range: bytes 9-10/11\r\n" "Content-Length: 2\r\n\r\nld" } },
  { "range/rest/misfit/whole", FIVE ", " BY_TAG, "wor", "ConnectionLost", "", -1, -1,
    { OK "Content-Length: 11\r\n\r\nhello world" } },
};
/* clang-format on */

static guint64
begin (WorkerFixture *fixture,
       const char *url,
       const char *path,
       gsize offset,
       const char *options)
{
  g_autofree char *all = g_strdup_printf (
      "{'offset': <uint64 %" G_GSIZE_FORMAT ">, %s}", offset, options);
  int fd = g_open (path, O_RDWR | O_CLOEXEC);

  g_assert_no_errno (fd);
  return worker_fixture_begin_with_part (fixture, url, all, fd);
}

static void
assert_facts (GVariant *facts, const Row *row)
{
  g_autoptr (GVariant) response = NULL;
  guint64 offset = G_MAXUINT64;
  guint64 received = G_MAXUINT64;
  gint64 length = -1;

  g_assert_cmpstr (
      worker_fixture_get_error (facts), ==, row->error != NULL ? row->error : "");
  g_variant_lookup (facts, "received", "t", &received);
  g_assert_cmpuint (received, ==, strlen (row->content));
  response = g_variant_lookup_value (facts, "response", G_VARIANT_TYPE_VARDICT);
  if (response != NULL)
    {
      g_variant_lookup (response, "offset", "t", &offset);
      g_variant_lookup (response, "content-length", "x", &length);
    }
  g_assert_cmpint ((gint64)offset, ==, row->offset);
  g_assert_cmpint (length, ==, row->length);
}

/* Fault (server): right and wrong answers to a part that is gone on with by date |
 * Proves: the overlap is compared; no mixture of versions (law 11) */
static void
test_row (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  g_autofree char *path = worker_fixture_make_part (row->kept);
  guint64 attempt;

  script_server_set (server, "/x", &row->reply);
  attempt = begin (fixture, url, path, strlen (row->kept), row->options);
  assert_facts (worker_fixture_await_done (fixture, attempt), row);
  worker_fixture_assert_content (path, row->content);
  g_unlink (path);
}

/* What was asked of the server. */
static const struct
{
  const char *name;
  const char *options;
  gsize offset;
  const char *range;    /* NULL for none */
  const char *if_range; /* likewise */
} questions[] = {
  { "date", BY_DATE, 6, "bytes=0-", DATE },
  { "date/far", BY_DATE, 100000, "bytes=34464-", DATE },
  { "date/nothing", BY_DATE, 0, NULL, NULL },
  { "range", FIVE, 0, "bytes=6-10", NULL },
  { "range/open", OPEN, 0, "bytes=6-", NULL },
  { "range/whole", "'range': <(uint64 0, uint64 0)>", 0, NULL, NULL },
  { "range/rest", FIVE ", " BY_TAG, 3, "bytes=9-10", "\"v1\"" },
  { "range/rest/open", OPEN ", " BY_TAG, 3, "bytes=9-", "\"v1\"" },
  { "range/rest/date", FIVE ", " BY_DATE, 3, "bytes=6-10", DATE },
  { "range/rest/nothing", FIVE ", " BY_TAG, 5, "bytes=10-10", "\"v1\"" },
};

static void
assert_line (const char *question, const char *name, const char *value)
{
  g_autofree char *line = g_strdup_printf ("\r\n%s: %s\r\n", name, value);
  g_autofree char *any = g_strdup_printf ("\r\n%s:", name);

  if (value != NULL)
    g_assert_nonnull (strstr (question, line));
  else
    g_assert_null (strstr (question, any));
}

static void
test_question (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/echo");
  g_autofree char *kept = g_strnfill (questions[i].offset, 'x');
  g_autofree char *path = worker_fixture_make_part (kept);
  g_autofree char *options = g_strconcat (questions[i].options,
                                          ", 'accept-status': <['404']>",
                                          ", 'error-body-max': <uint32 4096>",
                                          NULL);
  g_autofree char *question = NULL;
  g_autoptr (GVariant) body = NULL;
  GVariant *facts;

  facts = worker_fixture_await_done (
      fixture, begin (fixture, url, path, questions[i].offset, options));
  body = g_variant_lookup_value (facts, "error-body", G_VARIANT_TYPE_BYTESTRING);
  g_assert_nonnull (body);
  question = g_strndup (g_variant_get_data (body), g_variant_get_size (body));
  assert_line (question, "Range", questions[i].range);
  assert_line (question, "If-Range", questions[i].if_range);
  g_unlink (path);
}

/* More than one read, on both sides. */
static void
check_far (const char *tail, const char *error)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  g_autofree char *fill = g_strnfill (300000, 'x');
  g_autofree char *whole = g_strconcat (fill, "world", NULL);
  g_autofree char *kept = g_strconcat (fill, "wo", NULL);
  g_autofree char *path = worker_fixture_make_part (kept);
  GVariant *facts;

  script_server_set (server,
                     "/x",
                     &(ScriptReply){ PART "Content-Range: bytes 234466-300004/300005\r\n"
                                          "Content-Length: 65539\r\n\r\n",
                                     65534,
                                     tail });
  facts = worker_fixture_await_done (fixture,
                                     begin (fixture, url, path, 300002, BY_DATE));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, error);
  worker_fixture_assert_content (path, *error == '\0' ? whole : "");
  g_unlink (path);
}

static void
test_far (void)
{
  check_far ("world", "");
  check_far ("wOrld", "ConnectionLost");
}

/* The part is cut while a thread reads it for its digests: that is no error of the disk.
 */
static void
test_hashed (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  g_autofree char *kept = g_strnfill (134217728, 'x');
  g_autofree char *path = worker_fixture_make_part (kept);
  GVariant *facts;

  script_server_set (
      server,
      "/x",
      &(ScriptReply){ PART "Content-Range: bytes 134152192-134217728/134217729\r\n"
                           "Content-Length: 65537\r\n\r\n",
                      65535,
                      "yz" });
  facts = worker_fixture_await_done (
      fixture,
      begin (fixture, url, path, 134217728, BY_DATE ", 'digests': <['md5', 'sha512']>"));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "ConnectionLost");
  g_assert_false (g_variant_lookup (facts, "errno", "i", NULL));
  worker_fixture_assert_content (path, "");
  g_unlink (path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpuint (trundle_error_quark (), !=, 0);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/worker/tail/", rows[i].name, NULL);

      g_test_add_data_func (path, &rows[i], test_row);
    }
  for (guint i = 0; i < G_N_ELEMENTS (questions); i++)
    {
      g_autofree char *path = g_strconcat (
          "/worker/tail/question/", questions[i].name, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_question);
    }
  g_test_add_func ("/worker/tail/far", test_far);
  g_test_add_func ("/worker/tail/hashed", test_hashed);
  return g_test_run ();
}
