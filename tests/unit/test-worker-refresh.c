/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real worker and token servers, right and wrong. */

#include "config.h"

#include "script-server.h"
#include "worker-fixture.h"

#include <string.h>

#define ANSWER_MAX (64 * 1024)
typedef struct
{
  ScriptServer *server;
  WorkerFixture *worker;
  char *asked; /* (owned) (nullable): the last head */
} Stage;

static char *
handle (const char *request, gpointer user_data)
{
  Stage *stage = user_data;

  g_free (stage->asked);
  stage->asked = g_strdup (request);
  return NULL;
}

static void
set_up (Stage *stage)
{
  stage->asked = NULL;
  stage->server = script_server_new (NULL);
  script_server_set_handler (stage->server, handle, stage);
  stage->worker = worker_fixture_new ();
}

static void
tear_down (Stage *stage)
{
  worker_fixture_free (stage->worker);
  script_server_free (stage->server);
  g_free (stage->asked);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Stage, tear_down)

/* With a length, since the server does not read the form: what it closes then is reset,
 * and its answer may be lost. */
static void
set_reply (
    Stage *stage, const char *status, const char *header, const char *body, gsize fill)
{
  g_autofree char *head = g_strdup_printf (
      "HTTP/1.1 %s\r\n%sContent-Length: %" G_GSIZE_FORMAT "\r\n\r\n%s",
      status,
      header,
      strlen (body) + fill,
      body);
  ScriptReply reply = { .head = head, .fill = fill, .end = SCRIPT_KEEP };

  script_server_set (stage->server, "/token", &reply);
}

/* (transfer full) */
static GVariant *
get (Stage *stage, const char *path, const char *more)
{
  g_autofree char *url = script_server_url (stage->server, path);
  g_autofree char *text = g_strdup_printf (
      "{'url': <'%s'>, 'client-id': <'us'>, 'client-secret': <'cs'>, "
      "'refresh-token': <'r1'>%s}",
      url,
      more);
  g_autoptr (GError) error = NULL;
  GVariant *answer = worker_fixture_refresh (stage->worker, text, &error);

  g_assert_no_error (error);
  return answer;
}

static void
assert_text (GVariant *dict, const char *key, const char *expected)
{
  const char *text = "";

  g_variant_lookup (dict, key, "&s", &text);
  g_assert_cmpstr (text, ==, expected);
}

static void
gets_one (void)
{
  g_auto (Stage) stage = { 0 };
  g_autoptr (GVariant) answer = NULL;

  set_up (&stage);
  set_reply (&stage, "200 OK", "", "{\"access_token\":\"t1\"}", 0);
  answer = get (&stage, "/token", "");
  assert_text (answer, "access-token", "t1");
  g_assert_true (g_str_has_prefix (stage.asked, "POST /token HTTP/1.1\r\n"));
  g_assert_nonnull (strstr (stage.asked, "\r\nAuthorization: Basic dXM6Y3M=\r\n"));
  g_assert_nonnull (
      strstr (stage.asked, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
  g_assert_nonnull (strstr (stage.asked, "\r\nContent-Length: 41\r\n"));
}

static void
is_refused (void)
{
  static const struct
  {
    const char *line;
    const char *header;
    const char *body;
    gsize fill;
    const char *error;
    guint status;
    const char *reason;
  } rows[] = {
    { "400 Bad",
      "",
      "{\"error\":\"invalid_grant\"}",
      0,
      "HttpStatus",
      400,
      "invalid_grant" },
    { "503 Later", "", "{}", 0, "HttpStatus", 503, "" },
    { "307 There", "Location: /token\r\n", "", 0, "HttpStatus", 307, "" },
    { "200 OK", "", "no", 0, "ProtocolError", 200, "" },
    { "200 OK", "", "{", ANSWER_MAX, "TooLarge", 200, "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_auto (Stage) stage = { 0 };
      g_autoptr (GVariant) answer = NULL;
      guint status = 0;

      set_up (&stage);
      set_reply (&stage, rows[i].line, rows[i].header, rows[i].body, rows[i].fill);
      answer = get (&stage, "/token", "");
      assert_text (answer, "error", rows[i].error);
      assert_text (answer, "reason", rows[i].reason);
      g_assert_true (g_variant_lookup (answer, "status", "u", &status));
      g_assert_cmpuint (status, ==, rows[i].status);
      assert_text (answer, "access-token", "");
    }
}

static void
is_not_there (void)
{
  g_auto (Stage) stage = { 0 };
  g_autoptr (GVariant) slow = NULL;
  g_autoptr (GVariant) gone = NULL;
  ScriptReply reply = { .head = "", .end = SCRIPT_STALL };

  set_up (&stage);
  script_server_set (stage.server, "/slow", &reply);
  slow = get (&stage, "/slow", ", 'request-timeout': <uint64 200>");
  assert_text (slow, "error", "TimedOut");
  script_server_hang_up (stage.server);
  gone = get (&stage, "/slow", "");
  assert_text (gone, "error", "ConnectionLost");
}

static void
refuses_nonsense (void)
{
  g_auto (Stage) stage = { 0 };
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GError) error = NULL;

  set_up (&stage);
  answer = worker_fixture_refresh (stage.worker, "{'url': <'ftp://x/'>}", &error);
  g_assert_null (answer);
  g_assert_nonnull (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker-refresh/gets-one", gets_one);
  g_test_add_func ("/worker-refresh/is-refused", is_refused);
  g_test_add_func ("/worker-refresh/is-not-there", is_not_there);
  g_test_add_func ("/worker-refresh/refuses-nonsense", refuses_nonsense);
  return g_test_run ();
}
