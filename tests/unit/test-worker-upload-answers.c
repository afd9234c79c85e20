/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What comes before, while and instead of what an upload waits for. */

#include "config.h"

#include "upload-case.h"

#include <string.h>

#define EMPTY "Content-Length: 0\r\n\r\n"
#define REFUSAL "HTTP/1.1 413 Too much\r\nContent-Length: 4\r\n\r\nmuch"

static const SinkEnd ends[] = { SINK_LINGER, SINK_CLOSE, SINK_KEEP };

/* The answer is heard, nothing more is sent, and the connection is closed, whatever the
 * server does with it.
 *
 * Fault (server): a server answers in the middle of a body, and hangs up or not | Proves:
 * the sending stops, the answer is taken, a cut body ends its connection (law 10) */
static void
test_refused (UploadCase *self, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      GVariant *facts;
      guint status = 0;

      script_sink_plan (
          self->sink,
          "/x",
          &(SinkPlan){ .take = 100 * 1024, .answer = REFUSAL, .end = ends[i] });
      facts = upload_case_send (self, NULL);
      g_assert_cmpstr (worker_fixture_get_error (facts), ==, "HttpStatus");
      g_variant_lookup (facts, "status", "u", &status);
      g_assert_cmpuint (status, ==, 413);
      g_assert_cmpuint (upload_case_get_number (facts, "body-sent"), <, self->size);
      g_assert_true (upload_case_is_sent (facts));
      g_assert_cmpuint (script_sink_await (self->sink, i)->late, <, self->size);
      g_assert_cmpuint (script_sink_await (self->sink, i)->connection, ==, i + 1);
    }
}

/* Fault (server): a success before the body has come | Proves: it is not believed
 * (law 10) */
static void
test_early_success (UploadCase *self, gconstpointer data)
{
  GVariant *facts;

  script_sink_plan (self->sink, "/x", &(SinkPlan){ .take = 1000, .end = SINK_LINGER });
  facts = upload_case_send (self, NULL);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "ProtocolError");
}

/* Fault (server): the connection breaks in the middle of a body | Proves: the attempt
 * ends, and says that something was sent (law 12) */
static void
test_cut (UploadCase *self, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    {
      GVariant *facts;

      script_sink_plan (self->sink,
                        "/x",
                        &(SinkPlan){ .take = 1000000,
                                     .answer = "",
                                     .end = i == 0 ? SINK_RESET : SINK_CLOSE });
      facts = upload_case_send (self, NULL);
      g_assert_cmpstr (worker_fixture_get_error (facts), ==, "ConnectionLost");
      g_assert_true (upload_case_is_sent (facts));
      g_assert_cmpuint (upload_case_get_number (facts, "body-sent"), >=, 1000000);
    }
}

/* T-12: whole again, also when the server did not wait for it. */
static void
test_same_method (UploadCase *self, gconstpointer data)
{
  static const char *const statuses[] = { "307", "308" };

  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++)
    {
      g_autofree char *answer = g_strdup_printf (
          "HTTP/1.1 %s There\r\nLocation: /y\r\n" EMPTY, statuses[i]);
      GVariant *facts;

      script_sink_plan (self->sink,
                        "/x",
                        &(SinkPlan){ .take = i == 0 ? 0 : 1000,
                                     .answer = answer,
                                     .end = i == 0 ? SINK_KEEP : SINK_LINGER });
      facts = upload_case_send (self, "{'method': <'POST'>}");
      g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
      upload_case_assert_whole (self, 2 * i + 1);
      g_assert_true (g_str_has_prefix (script_sink_await (self->sink, 2 * i + 1)->head,
                                       "POST /y HTTP/1.1\r\n"));
    }
}

static const struct
{
  const char *status;
  const char *method;
  const char *next;
} moves[] = {
  { "301", "POST", "GET" },      { "302", "POST", "GET" },   { "303", "POST", "GET" },
  { "303", "PUT", "GET" },       { "301", "PUT", "PUT" },    { "302", "PATCH", "PATCH" },
  { "301", "DELETE", "DELETE" }, { "303", "DELETE", "GET" },
};

/* T-10, T-11 */
static void
test_other_method (UploadCase *self, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (moves); i++)
    {
      g_autofree char *answer = g_strdup_printf (
          "HTTP/1.1 %s There\r\nLocation: /y\r\n" EMPTY, moves[i].status);
      g_autofree char *options = g_strdup_printf (
          "{'method': <'%s'>, 'headers': <[('Content-Type', 'text/plain')]>}",
          moves[i].method);
      const SinkRequest *second;

      script_sink_plan (self->sink, "/x", &(SinkPlan){ .answer = answer });
      g_assert_cmpstr (
          worker_fixture_get_error (upload_case_send (self, options)), ==, "");
      upload_case_assert_whole (self, 2 * i);
      second = script_sink_await (self->sink, 2 * i + 1);
      g_assert_true (g_str_has_prefix (second->head, moves[i].next));
      if (!g_str_equal (moves[i].next, "GET"))
        {
          upload_case_assert_whole (self, 2 * i + 1);
          continue;
        }
      g_assert_cmpuint (second->declared, ==, G_MAXUINT64);
      g_assert_null (strstr (second->head, "Content-"));
    }
}

/* A page that says thanks proves nothing of a body that was cut off. */
static void
test_early_see_other (UploadCase *self, gconstpointer data)
{
  GVariant *facts;

  script_sink_plan (self->sink,
                    "/x",
                    &(SinkPlan){ .take = 1000,
                                 .answer = "HTTP/1.1 303 There\r\nLocation: /y\r\n" EMPTY,
                                 .end = SINK_LINGER });
  facts = upload_case_send (self, NULL);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "ProtocolError");
}

/* H2: whole again after a 401, whether the server took it the first time or not. */
static void
test_credentials (UploadCase *self, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *options = g_strdup_printf (
          "{'credentials': <[{'protocol': <'http'>, 'host': <'127.0.0.1'>, 'port': "
          "<uint32 %u>, 'method': <'basic'>, 'realm': <'r'>, 'user': <'u%u'>, "
          "'password': "
          "<'p'>}]>, 'allow-insecure-auth': <true>, 'connections': <'%u'>}",
          script_sink_get_port (self->sink),
          i,
          i);

      script_sink_plan (self->sink,
                        "/x",
                        &(SinkPlan){ .take = i == 0 ? 0 : 1000,
                                     .answer = "HTTP/1.1 401 Who\r\nWWW-Authenticate: "
                                               "Basic realm=\"r\"\r\n" EMPTY,
                                     .end = i == 0 ? SINK_KEEP : SINK_LINGER,
                                     .n_uses = 1 });
      g_assert_cmpstr (
          worker_fixture_get_error (upload_case_send (self, options)), ==, "");
      upload_case_assert_whole (self, script_sink_count (self->sink) - 1);
    }
  g_assert_cmpuint (script_sink_count (self->sink), >=, 3);
}

/* 100 is waited for, and when it comes the body follows. */
static void
test_continue (UploadCase *self, gconstpointer data)
{
  gint64 begin_us = g_get_monotonic_time ();

  script_sink_plan (
      self->sink, "/x", &(SinkPlan){ .interim = "HTTP/1.1 100 Continue\r\n\r\n" });
  g_assert_cmpstr (
      worker_fixture_get_error (upload_case_send (self, "{'expect-continue': <true>}")),
      ==,
      "");
  upload_case_assert_whole (self, 0);
  g_assert_nonnull (
      strstr (script_sink_await (self->sink, 0)->head, "Expect:  100-continue\r\n"));
  g_assert_cmpint (g_get_monotonic_time () - begin_us, <, G_TIME_SPAN_SECOND);
}

/* But not for long. */
static void
test_no_continue (UploadCase *self, gconstpointer data)
{
  gint64 begin_us = g_get_monotonic_time ();

  g_assert_cmpstr (
      worker_fixture_get_error (upload_case_send (self, "{'expect-continue': <true>}")),
      ==,
      "");
  upload_case_assert_whole (self, 0);
  g_assert_cmpint (g_get_monotonic_time () - begin_us, >=, G_TIME_SPAN_SECOND);
}

/* A server that refuses has not been sent a byte; one that does not know the expectation
 * is asked without it. */
static void
test_refused_at_once (UploadCase *self, gconstpointer data)
{
  GVariant *facts;

  script_sink_plan (
      self->sink,
      "/x",
      &(SinkPlan){ .refuses = TRUE, .answer = REFUSAL, .end = SINK_LINGER });
  facts = upload_case_send (self, "{'expect-continue': <true>}");
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "HttpStatus");
  g_assert_cmpuint (upload_case_get_number (facts, "body-sent"), ==, 0);
  g_assert_false (upload_case_is_sent (facts));
  g_assert_cmpuint (script_sink_await (self->sink, 0)->late, ==, 0);

  script_sink_plan (self->sink, "/x", &(SinkPlan){ 0 });
  script_sink_plan (self->sink,
                    "/x",
                    &(SinkPlan){ .refuses = TRUE,
                                 .answer = "HTTP/1.1 417 What\r\n" EMPTY,
                                 .end = SINK_LINGER,
                                 .n_uses = 1 });
  facts = upload_case_send (self, "{'expect-continue': <true>}");
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  upload_case_assert_whole (self, 2);
  g_assert_null (strstr (script_sink_await (self->sink, 2)->head, "Expect"));
}

/* Interim answers are free for who moves something. */
static void
test_many_interims (UploadCase *self, gconstpointer data)
{
  script_sink_plan (
      self->sink,
      "/x",
      &(SinkPlan){ .interim_every = 64 * 1024,
                   .interim_on = "HTTP/1.1 104 Kept\r\nUpload-Offset: %u\r\n\r\n" });
  g_assert_cmpstr (worker_fixture_get_error (upload_case_send (self, NULL)), ==, "");
  upload_case_assert_whole (self, 0);
}

/* Fault (server): interim answers without end | Proves: the attempt ends */
static void
test_endless_interims (UploadCase *self, gconstpointer data)
{
  g_autoptr (GString) flood = g_string_new (NULL);
  GVariant *facts;

  for (guint i = 0; i < 1000; i++)
    g_string_append (flood, "HTTP/1.1 102 Wait\r\n\r\n");
  script_sink_plan (
      self->sink,
      "/x",
      &(SinkPlan){ .interim = flood->str, .refuses = TRUE, .end = SINK_STALL });
  facts = upload_case_send (self, "{'expect-continue': <true>}");
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "ProtocolError");
}

/* A connection that was kept and is dead: what may be repeated is, whole; what may not be
 * gets a connection of its own.
 *
 * Fault (server): a kept connection breaks under the next upload | Proves: a PUT is sent
 * anew in full, a POST is never sent twice (laws 10, 12) */
static void
test_stale_connection (UploadCase *self, gconstpointer data)
{
  GVariant *facts;

  g_assert_cmpstr (worker_fixture_get_error (upload_case_send (self, NULL)), ==, "");
  script_sink_plan (
      self->sink,
      "/x",
      &(SinkPlan){ .take = 1000000, .answer = "", .end = SINK_RESET, .n_uses = 1 });
  facts = upload_case_send (self, NULL);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  g_assert_cmpuint (script_sink_await (self->sink, 1)->connection, ==, 1);
  upload_case_assert_whole (self, 2);

  script_sink_plan (
      self->sink,
      "/x",
      &(SinkPlan){ .take = 1000000, .answer = "", .end = SINK_RESET, .n_uses = 1 });
  facts = upload_case_send (self, "{'method': <'POST'>}");
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "ConnectionLost");
  g_assert_true (upload_case_is_sent (facts));
  g_assert_cmpuint (script_sink_await (self->sink, 3)->connection, ==, 3);
  g_assert_cmpuint (script_sink_count (self->sink), ==, 4);
}

/* A server that has spoken of an upload has read some of it. */
static void
test_stale_after_interim (UploadCase *self, gconstpointer data)
{
  g_assert_cmpstr (worker_fixture_get_error (upload_case_send (self, NULL)), ==, "");
  script_sink_plan (self->sink,
                    "/x",
                    &(SinkPlan){ .interim = "HTTP/1.1 104 Kept\r\n\r\n",
                                 .take = 1000000,
                                 .answer = "",
                                 .end = SINK_RESET });
  g_assert_cmpstr (
      worker_fixture_get_error (upload_case_send (self, NULL)), ==, "ConnectionLost");
  g_assert_cmpuint (script_sink_count (self->sink), ==, 2);
}

#define CASE(name)                                                                       \
  g_test_add ("/worker-upload/answers/" #name,                                           \
              UploadCase,                                                                \
              NULL,                                                                      \
              upload_case_set_up,                                                        \
              test_##name,                                                               \
              upload_case_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  CASE (refused);
  CASE (early_success);
  CASE (cut);
  CASE (same_method);
  CASE (other_method);
  CASE (early_see_other);
  CASE (credentials);
  CASE (continue);
  CASE (no_continue);
  CASE (refused_at_once);
  CASE (many_interims);
  CASE (endless_interims);
  CASE (stale_connection);
  CASE (stale_after_interim);
  return g_test_run ();
}
