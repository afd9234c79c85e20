/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real worker gives up what servers keep of an upload. */

#include "config.h"

#include "common/error.h"
#include "script-server.h"
#include "worker-fixture.h"

#include <string.h>

typedef struct
{
  ScriptServer *server;
  ScriptServer *other;
  WorkerFixture *worker;
  GMutex lock;
  char *asked; /* (owned) (nullable): the last head, of either */
  guint n_asked;
} Stage;

static char *
note (const char *request, gpointer user_data)
{
  Stage *stage = user_data;

  g_mutex_lock (&stage->lock);
  g_free (stage->asked);
  stage->asked = g_strdup (request);
  stage->n_asked++;
  g_mutex_unlock (&stage->lock);
  return NULL;
}

static void
set_up (Stage *stage)
{
  g_mutex_init (&stage->lock);
  stage->server = script_server_new (NULL);
  stage->other = script_server_new (NULL);
  script_server_set_handler (stage->server, note, stage);
  script_server_set_handler (stage->other, note, stage);
  stage->worker = worker_fixture_new ();
}

static void
tear_down (Stage *stage)
{
  worker_fixture_free (stage->worker);
  script_server_free (stage->server);
  script_server_free (stage->other);
  g_free (stage->asked);
  g_mutex_clear (&stage->lock);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Stage, tear_down)

static void
set_reply (ScriptServer *server, const char *line, const char *header, gsize fill)
{
  g_autofree char *length = g_strdup_printf ("Content-Length: %" G_GSIZE_FORMAT "\r\n",
                                             fill);
  g_autofree char *head = g_strdup_printf ("HTTP/1.1 %s\r\n%s%s\r\n",
                                           line,
                                           header,
                                           g_str_has_prefix (line, "204") ? "" : length);
  ScriptReply reply = { .head = head, .fill = fill, .end = SCRIPT_KEEP };

  script_server_set (server, "/place", &reply);
}

/* The upload of a task at @server's, kept at @place's.  (transfer full) */
static GVariant *
terminate (Stage *stage, ScriptServer *place, const char *dialect)
{
  g_autofree char *url = script_server_url (stage->server, "/task");
  g_autofree char *there = script_server_url (place, "/place");
  g_autofree char *text = g_strdup_printf (
      "{'url': <'%s'>, 'method': <'PUT'>, 'body': <[{'bytes': <b'x'>}]>, "
      "'upload': <{'url': <'%s'>, 'dialect': <'%s'>}>, "
      "'headers': <[('X-App', 'a'), ('content-type', 'text/plain'), "
      "('If-None-Match', '*'), ('Upload-Metadata', 'a'), ('Expect', 'x')]>, "
      "'secret-headers': <[('X-Key', 'k')]>}",
      url,
      there,
      dialect);
  g_autoptr (GError) error = NULL;
  GVariant *answer = worker_fixture_terminate (stage->worker, text, &error);

  g_assert_no_error (error);
  return answer;
}

static void
assert_answer (GVariant *answer, gboolean terminated, guint status, const char *error)
{
  const char *name = "";
  gboolean is_terminated = FALSE;
  guint told = 0;

  g_assert_true (g_variant_lookup (answer, "terminated", "b", &is_terminated));
  g_assert_cmpint (is_terminated, ==, terminated);
  g_assert_true (g_variant_lookup (answer, "status", "u", &told));
  g_assert_cmpuint (told, ==, status);
  g_variant_lookup (answer, "error", "&s", &name);
  g_assert_cmpstr (name, ==, error);
}

/* What is about the request's own body and conditions stays away. */
static void
says_who_asks (void)
{
  static const char *const absent[] = {
    "content-type", "if-none-match", "upload-metadata", "expect", "transfer-encoding",
  };
  g_auto (Stage) stage = { 0 };
  g_autoptr (GVariant) answer = NULL;
  g_autofree char *asked = NULL;

  set_up (&stage);
  set_reply (stage.server, "204 Gone", "", 0);
  answer = terminate (&stage, stage.server, "tus");
  assert_answer (answer, TRUE, 204, "");
  g_assert_true (g_str_has_prefix (stage.asked, "DELETE /place HTTP/1.1\r\n"));
  g_assert_nonnull (strstr (stage.asked, "\r\nTus-Resumable: 1.0.0\r\n"));
  g_assert_nonnull (strstr (stage.asked, "\r\nX-App: a\r\n"));
  g_assert_nonnull (strstr (stage.asked, "\r\nX-Key: k\r\n"));
  asked = g_ascii_strdown (stage.asked, -1);
  for (guint i = 0; i < G_N_ELEMENTS (absent); i++)
    g_assert_null (strstr (asked, absent[i]));
}

static void
speaks_dialects (void)
{
  static const struct
  {
    const char *word;
    const char *header;
  } rows[] = {
    { "tus", "\r\nTus-Resumable: 1.0.0\r\n" },
    { "ietf-8", "\r\nUpload-Draft-Interop-Version: 8\r\n" },
    { "ietf-6", "\r\nUpload-Draft-Interop-Version: 6\r\n" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_auto (Stage) stage = { 0 };
      g_autoptr (GVariant) answer = NULL;

      set_up (&stage);
      set_reply (stage.server, "204 Gone", "", 0);
      answer = terminate (&stage, stage.server, rows[i].word);
      assert_answer (answer, TRUE, 204, "");
      g_assert_nonnull (strstr (stage.asked, rows[i].header));
    }
}

static void
understands_answers (void)
{
  static const struct
  {
    const char *line;
    gsize fill;
    gboolean terminated;
    guint status;
    const char *error;
  } rows[] = {
    { "404 Never", 3, TRUE, 404, "" },
    { "410 Gone", 0, TRUE, 410, "" },
    { "200 Done", 100 * 1024, TRUE, 200, "TooLarge" },
    { "403 No", 3, FALSE, 403, "HttpStatus" },
    { "501 What", 100 * 1024, FALSE, 501, "HttpStatus" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_auto (Stage) stage = { 0 };
      g_autoptr (GVariant) answer = NULL;

      set_up (&stage);
      set_reply (stage.server, rows[i].line, "", rows[i].fill);
      answer = terminate (&stage, stage.server, "tus");
      assert_answer (answer, rows[i].terminated, rows[i].status, rows[i].error);
    }
}

static void
keeps_secrets_from_others (void)
{
  g_auto (Stage) stage = { 0 };
  g_autoptr (GVariant) answer = NULL;

  set_up (&stage);
  set_reply (stage.other, "204 Gone", "", 0);
  answer = terminate (&stage, stage.other, "tus");
  assert_answer (answer, TRUE, 204, "");
  g_assert_nonnull (strstr (stage.asked, "\r\nX-App: a\r\n"));
  g_assert_null (strstr (stage.asked, "X-Key"));
}

/* Whose secrets it may not hear has said that it is here. */
static void
keeps_secrets_from_strangers (void)
{
  g_auto (Stage) stage = { 0 };
  g_autoptr (GVariant) answer = NULL;

  set_up (&stage);
  set_reply (stage.server, "204 Gone", "", 0);
  answer = terminate (&stage, stage.server, "tus'>, 'foreign': <true>, 'x': <'");
  assert_answer (answer, TRUE, 204, "");
  g_assert_null (strstr (stage.asked, "X-Key"));
}

static void
is_not_led_away (void)
{
  g_auto (Stage) stage = { 0 };
  g_autofree char *there = NULL;
  g_autofree char *header = NULL;
  g_autoptr (GVariant) answer = NULL;

  set_up (&stage);
  there = script_server_url (stage.other, "/place");
  header = g_strdup_printf ("Location: %s\r\n", there);
  set_reply (stage.server, "307 There", header, 0);
  set_reply (stage.other, "204 Gone", "", 0);
  answer = terminate (&stage, stage.server, "tus");
  assert_answer (answer, FALSE, 307, "HttpStatus");
  g_assert_cmpuint (stage.n_asked, ==, 1);
}

static void
is_not_there (void)
{
  g_auto (Stage) stage = { 0 };
  g_autoptr (GVariant) answer = NULL;

  set_up (&stage);
  script_server_hang_up (stage.server);
  answer = terminate (&stage, stage.server, "tus");
  assert_answer (answer, FALSE, 0, "ConnectionLost");
}

static void
refuses_nonsense (void)
{
  static const char *const rows[] = {
    "{'url': <'http://127.0.0.1/'>}",
    "{'url': <'http://127.0.0.1/'>, 'upload': <@a{sv} {}>}",
    "{'url': <'http://127.0.0.1/'>, 'upload': <{'url': <'ftp://x/'>}>}",
  };
  g_auto (Stage) stage = { 0 };

  set_up (&stage);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GVariant) answer = NULL;
      g_autoptr (GError) error = NULL;

      answer = worker_fixture_terminate (stage.worker, rows[i], &error);
      g_assert_null (answer);
      g_assert_nonnull (error);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker-terminate/says-who-asks", says_who_asks);
  g_test_add_func ("/worker-terminate/speaks-dialects", speaks_dialects);
  g_test_add_func ("/worker-terminate/understands-answers", understands_answers);
  g_test_add_func ("/worker-terminate/keeps-secrets", keeps_secrets_from_others);
  g_test_add_func ("/worker-terminate/strangers", keeps_secrets_from_strangers);
  g_test_add_func ("/worker-terminate/not-led-away", is_not_led_away);
  g_test_add_func ("/worker-terminate/not-there", is_not_there);
  g_test_add_func ("/worker-terminate/refuses-nonsense", refuses_nonsense);
  return g_test_run ();
}
