/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Question after question, as a dialect says, in this process: the dialect is one of the
 * test, which writes into the log what it hears, and says what it is told to. */

#include "config.h"

#include "attempt.h"
#include "common/error.h"
#include "dialect.h"
#include "script-sink.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* What is answered, and what is asked for next. */
typedef struct
{
  TrwVerdict verdict;
  const char *method; /* of the next question */
  guint64 offset;
  guint64 length;
  guint64 confirmed;
  gboolean tells;
} Move;

typedef struct
{
  ScriptSink *sink;
  TrwSessions *sessions;
  GDBusConnection *connection;
  GString *log;
  const Move *moves; /* the first is the first question */
  guint n_moves;
  gboolean holds; /* does not say that it has heard what was told */
  gboolean refuses;
  TrwAttempt *attempt;
  GVariant *facts;
} Stage;

static Stage *stage;

/* The dialect */

static gpointer
begin (TrwUpload *upload, GVariant *place)
{
  g_string_append (stage->log, place != NULL ? "go-on " : "begin ");
  return stage;
}

static void
end (gpointer state)
{
  g_assert_true (state == stage);
  g_string_append (stage->log, "end ");
}

static gboolean
ask (TrwUpload *upload, TrwQuestion *out, GError **error)
{
  const Move *move = &stage->moves[stage->n_moves];

  if (move->method == NULL)
    {
      g_set_error_literal (error, TRUNDLE_ERROR, TRUNDLE_ERROR_FAILED, "No more");
      return FALSE;
    }
  g_string_append_printf (stage->log, "%s ", move->method);
  out->uri = g_uri_ref (trw_upload_get_request (upload)->uri);
  out->method = move->method;
  out->has_body = move->length > 0;
  out->offset = move->offset;
  out->length = move->length;
  soup_message_headers_append (out->headers, "X-Question", move->method);
  return TRUE;
}

static TrwVerdict
answered (TrwUpload *upload, const TrwReply *reply, GError **error)
{
  const Move *move = &stage->moves[++stage->n_moves];

  g_string_append_printf (
      stage->log, "%u/%" G_GUINT64_FORMAT " ", reply->status, reply->n_sent);
  trw_upload_confirm (upload, move->confirmed);
  if (move->tells)
    trw_upload_tell (upload, g_variant_new_parsed ("{'url': <'u'>}"));
  if (move->verdict == TRW_VERDICT_FAIL)
    g_set_error_literal (error, TRUNDLE_ERROR, TRUNDLE_ERROR_TOO_LARGE, "No");
  return move->verdict;
}

static const TrwDialect dialect = {
  .word = "test",
  .begin = begin,
  .end = end,
  .ask = ask,
  .answered = answered,
};

/* The attempt */

static void
on_responded (TrwAttempt *attempt, GVariant *response, gpointer user_data)
{
}

static void
on_redirected (TrwAttempt *attempt,
               const char *from,
               const char *to,
               guint status,
               gpointer user_data)
{
}

static void
on_moved (TrwAttempt *attempt, gpointer user_data)
{
  g_assert_cmpuint (
      trw_attempt_get_body_confirmed (attempt), <=, trw_attempt_get_body_sent (attempt));
}

static gboolean
hear (gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (stage->refuses)
    error = g_error_new_literal (TRUNDLE_ERROR, TRUNDLE_ERROR_NO_SPACE, "Full");
  g_string_append (stage->log, "heard ");
  trw_attempt_hear_upload (stage->attempt, error);
  return G_SOURCE_REMOVE;
}

static void
on_uploaded (TrwAttempt *attempt, GVariant *place, gpointer user_data)
{
  const char *word = "";

  g_variant_lookup (place, "dialect", "&s", &word);
  g_string_append_printf (stage->log, "told:%s ", word);
  if (!stage->holds)
    g_timeout_add (50, hear, NULL);
}

static void
on_digested (TrwAttempt *attempt, GVariant *state, gpointer user_data)
{
}

static void
on_over (TrwAttempt *attempt, GVariant *facts, gpointer user_data)
{
  stage->facts = facts != NULL ? g_variant_ref (facts)
                               : g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
}

static const TrwAttemptHooks hooks = { on_responded, on_redirected, on_moved,
                                       on_uploaded,  on_digested,   on_over };

/* A connection that nobody needs: no proxy is asked for. */
static void
connect_nobody (void)
{
  int fds[2];
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GSocketConnection) stream = NULL;

  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
  socket = g_socket_new_from_fd (fds[0], NULL);
  stream = g_socket_connection_factory_create_connection (socket);
  stage->connection = g_object_new (G_TYPE_DBUS_CONNECTION, "stream", stream, NULL);
  close (fds[1]);
}

static TrwRequest *
make_request (void)
{
  g_autofree char *url = script_sink_url (stage->sink, "/x");
  g_autofree char *text = g_strdup_printf (
      "{'url': <'%s'>, 'method': <'PUT'>, 'proxies': <['direct://']>, 'headers': "
      "<[('Content-Type', 'text/plain'), ('X-App', 'yes')]>, 'body': <[{'bytes': "
      "<@ay [0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39]>}]>}",
      url);
  g_autoptr (GVariant) dict = g_variant_ref_sink (g_variant_new_parsed (text));
  g_autoptr (GError) error = NULL;
  TrwFiles none = { NULL, 0 };
  TrwRequest *request = trw_request_new (dict, &error);

  g_assert_no_error (error);
  g_assert_true (trw_request_take_body (request, dict, &none, &error));
  request->dialect = &dialect;
  return request;
}

static void
set_up (Stage *self, gconstpointer data)
{
  stage = self;
  self->sink = script_sink_new (NULL);
  self->log = g_string_new (NULL);
  connect_nobody ();
  self->sessions = trw_sessions_new (self->connection, NULL);
}

static void
tear_down (Stage *self, gconstpointer data)
{
  trw_attempt_unref (self->attempt);
  g_clear_pointer (&self->facts, g_variant_unref);
  trw_sessions_free (self->sessions);
  g_object_unref (self->connection);
  script_sink_free (self->sink);
  g_string_free (self->log, TRUE);
}

static void
start (Stage *self, const Move *moves)
{
  TrwRequest *request = make_request ();
  g_autoptr (TrwSession) session = trw_sessions_get (self->sessions, request);

  self->moves = moves;
  self->attempt = trw_attempt_new (
      1, request, memfd_create ("part", MFD_CLOEXEC), session, &hooks, NULL);
}

/* The error it ended with, or "".  (transfer none) */
static const char *
play (Stage *self, const Move *moves)
{
  const char *error = "";

  start (self, moves);
  while (self->facts == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_variant_lookup (self->facts, "error", "&s", &error);
  return error;
}

static void
assert_body (Stage *self, guint i, const char *expected)
{
  g_autofree char *sha256 = g_compute_checksum_for_string (
      G_CHECKSUM_SHA256, expected, -1);

  g_assert_cmpstr (script_sink_await (self->sink, i)->sha256, ==, sha256);
  g_assert_cmpuint (script_sink_await (self->sink, i)->declared, ==, strlen (expected));
}

/* Parts of the body, and questions without one; what was told is stored before the next
 * is asked. */
static void
test_questions (Stage *self, gconstpointer data)
{
  static const Move moves[] = {
    { .method = "POST" },
    { TRW_VERDICT_NEXT, "PATCH", 0, 4, .tells = TRUE },
    { TRW_VERDICT_NEXT, "PATCH", 4, 6, .confirmed = 4 },
    { TRW_VERDICT_FINAL, .confirmed = 10 },
  };
  const char *head;

  g_assert_cmpstr (play (self, moves), ==, "");
  g_assert_cmpstr (
      self->log->str, ==, "begin POST 201/0 told:test heard PATCH 201/4 PATCH 201/6 ");
  assert_body (self, 1, "0123");
  assert_body (self, 2, "456789");
  head = script_sink_await (self->sink, 1)->head;
  g_assert_nonnull (strstr (head, "X-Question: PATCH\r\n"));
  g_assert_nonnull (strstr (head, "X-App: yes\r\n"));
  g_assert_null (strstr (head, "Content-Type"));
}

/* Law 10: a success that the server has not all of is none. */
static void
test_not_whole (Stage *self, gconstpointer data)
{
  static const Move moves[] = {
    { .method = "PATCH", .length = 9 },
    { TRW_VERDICT_FINAL, .confirmed = 9 },
  };

  g_assert_cmpstr (play (self, moves), ==, "ProtocolError");
}

static void
test_fail (Stage *self, gconstpointer data)
{
  static const Move moves[] = { { .method = "POST" }, { TRW_VERDICT_FAIL } };

  g_assert_cmpstr (play (self, moves), ==, "TooLarge");
}

/* Once; then the server is none to be trusted with it. */
static void
test_afresh (Stage *self, gconstpointer data)
{
  static const Move moves[] = {
    { .method = "PATCH", .length = 10 },
    { TRW_VERDICT_NEXT, "HEAD", .confirmed = 5, .tells = TRUE },
    { TRW_VERDICT_AFRESH, "POST" },
    { TRW_VERDICT_AFRESH },
  };

  g_assert_cmpstr (play (self, moves), ==, "ProtocolError");
  g_assert_cmpstr (self->log->str,
                   ==,
                   "begin PATCH 201/10 told:test heard HEAD 201/0 end told: begin heard "
                   "POST 201/0 ");
}

/* What cannot be stored ends it, and nothing more is asked. */
static void
test_not_stored (Stage *self, gconstpointer data)
{
  static const Move moves[] = {
    { .method = "POST" },
    { TRW_VERDICT_NEXT, "PATCH", 0, 10, .tells = TRUE },
  };

  self->refuses = TRUE;
  g_assert_cmpstr (play (self, moves), ==, "NoSpace");
  g_assert_cmpuint (script_sink_count (self->sink), ==, 1);
}

/* Fault (server): a server lets an upload get no further, without an end | Proves: the
 * attempt ends */
static void
test_fruitless (Stage *self, gconstpointer data)
{
  Move moves[64] = { { .method = "HEAD" } };

  for (guint i = 1; i < G_N_ELEMENTS (moves); i++)
    moves[i] = (Move){ TRW_VERDICT_NEXT, "HEAD" };
  g_assert_cmpstr (play (self, moves), ==, "ProtocolError");
  g_assert_cmpuint (script_sink_count (self->sink), ==, 33);
}

/* No question at all: not within the call that begins the attempt. */
static void
test_no_question (Stage *self, gconstpointer data)
{
  static const Move moves[] = { { 0 } };

  start (self, moves);
  g_assert_null (self->facts);
  while (self->facts == NULL)
    g_main_context_iteration (NULL, TRUE);
}

/* Law 15: what is stored late is nobody's business any more. */
static void
test_stopped (Stage *self, gconstpointer data)
{
  static const Move moves[] = {
    { .method = "POST" },
    { TRW_VERDICT_NEXT, "PATCH", 0, 10, .tells = TRUE },
  };

  self->holds = TRUE;
  start (self, moves);
  while (strstr (self->log->str, "told") == NULL)
    g_main_context_iteration (NULL, TRUE);
  trw_attempt_stop (self->attempt);
  g_assert_nonnull (self->facts);
  trw_attempt_hear_upload (self->attempt, NULL);
  g_assert_cmpuint (script_sink_count (self->sink), ==, 1);
}

#define CASE(name)                                                                       \
  g_test_add ("/dialect/" #name, Stage, NULL, set_up, test_##name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  CASE (questions);
  CASE (not_whole);
  CASE (fail);
  CASE (afresh);
  CASE (not_stored);
  CASE (fruitless);
  CASE (no_question);
  CASE (stopped);
  return g_test_run ();
}
