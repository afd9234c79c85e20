/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real worker speaks tus with servers that are right, and with some that are not. */

#include "config.h"

#include "script-sink.h"
#include "worker-fixture.h"

#include <string.h>

/* What is uploaded: a bytestring of text ends with a NUL. */
#define BODY "[{'bytes': <b'012345678'>}]"
#define BODY_SIZE 10

#define HEAD(line) "HTTP/1.1 " line "\r\nTus-Resumable: 1.0.0\r\n"
#define EMPTY "Content-Length: 0\r\n\r\n"
#define STATUS(line) HEAD (line) EMPTY
#define ABLE(more)                                                                       \
  HEAD ("204 Able")                                                                      \
  "Tus-Version: 1.0.0,0.2.2\r\nTus-Extension: expiration, "                              \
  "creation" more "\r\n\r\n"
#define MADE(more) HEAD ("201 Made") "Location: /place\r\n" more EMPTY
#define TOLD(offset) HEAD ("200 So") "Upload-Offset: " offset "\r\n" EMPTY
#define KEPT(offset) HEAD ("204 Kept") "Upload-Offset: " offset "\r\n\r\n"
#define SUMS ABLE (",checksum\r\nTus-Checksum-Algorithm: crc32,md5,sha1")

/* Of 012345678 and its NUL. */
#define SHA1 "\r\nUpload-Checksum: sha1 JBv+EzlCp9rPE1bwaoXVPiVdy8U=\r\n"

/* What must be asked, and is answered.  @has and @lacks: (nullable): of its head. */
typedef struct
{
  const char *asked;
  const char *has;
  const char *lacks;
  const char *answer;
} Step;

typedef struct
{
  const char *name;
  const char *options; /* (nullable): of Begin */
  Step steps[12];
  const char *error; /* "" for success */
  guint64 confirmed;
  const char *dialect; /* (nullable): that was learned */
  gboolean is_kept;    /* the place is told at the end */
} Row;

typedef struct
{
  ScriptSink *sink;
  WorkerFixture *worker;
  const Step *steps;
  guint n_steps;
  guint n_done;
} Stage;

/* A question with a body is answered once that is there. */
static char *
answer (const char *head, const guint8 *body, gsize n_body, gpointer user_data)
{
  Stage *stage = user_data;
  const Step *step = &stage->steps[stage->n_done];

  if (g_str_has_prefix (head, "PATCH") && body == NULL)
    return NULL;
  if (stage->n_done == stage->n_steps)
    g_error ("One question too many: %s", head);
  stage->n_done++;
  if (!g_str_has_prefix (head, step->asked)
      || (step->has != NULL && strstr (head, step->has) == NULL)
      || (step->lacks != NULL && strstr (head, step->lacks) != NULL))
    g_error ("Not what was to be asked, %s: %s", step->asked, head);
  return g_strdup (step->answer);
}

static void
set_up (Stage *stage, const Step *steps, guint n_steps)
{
  stage->steps = steps;
  stage->n_steps = n_steps;
  stage->n_done = 0;
  stage->sink = script_sink_new (NULL);
  script_sink_set_handler (stage->sink, answer, stage);
  stage->worker = worker_fixture_new ();
}

static void
tear_down (Stage *stage)
{
  worker_fixture_free (stage->worker);
  script_sink_free (stage->sink);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Stage, tear_down)

/* @options: the text of an a{sv}, in which PLACE is what the sink's is.  Its facts. */
static GVariant *
run (Stage *stage, const char *options, const char *body)
{
  g_autofree char *url = script_sink_url (stage->sink, "/files");
  g_autofree char *place = script_sink_url (stage->sink, "/place");
  g_autoptr (GString) text = g_string_new (options != NULL ? options
                                                           : "{'resumable': <['tus']>}");

  g_string_replace (text, "PLACE", place, 0);
  return worker_fixture_await_done (
      stage->worker, worker_fixture_send (stage->worker, url, text->str, body, NULL, 0));
}

static const char *
get_text (GVariant *facts, const char *key)
{
  const char *text = NULL;

  g_variant_lookup (facts, key, "&s", &text);
  return text;
}

static guint64
get_number (GVariant *facts, const char *key)
{
  guint64 number = G_MAXUINT64;

  g_variant_lookup (facts, key, "t", &number);
  return number;
}

#define KNOWN(more)                                                                      \
  "{'resumable': <['tus']>, 'upload': <{'dialect': <'tus'>, 'url': <'PLACE'>" more "}>}"

#define ASK                                                                              \
  {                                                                                      \
    "OPTIONS /files ", NULL, "Tus-Resumable", ABLE ("")                                  \
  }
#define CREATE                                                                           \
  {                                                                                      \
    "POST /files ", "\r\nUpload-Length: 10\r\n", NULL, MADE ("")                         \
  }
#define LOOK(reply)                                                                      \
  {                                                                                      \
    "HEAD /place ", "\r\nTus-Resumable: 1.0.0\r\n", NULL, reply                          \
  }
#define APPEND(offset, reply)                                                            \
  {                                                                                      \
    "PATCH /place ", "\r\nUpload-Offset: " offset "\r\n", "Upload-Checksum", reply       \
  }
#define APPEND_SUMMED(reply)                                                             \
  {                                                                                      \
    "PATCH /place ", SHA1, NULL, reply                                                   \
  }

static const Row rows[] = {
  { "whole", NULL, { ASK, CREATE, APPEND ("0", KEPT ("10")) }, "", 10, "tus" },
  { "not-to-be-asked",
    NULL,
    { { "OPTIONS ", NULL, NULL, "HTTP/1.1 405 No\r\n" EMPTY },
      CREATE,
      APPEND ("0", KEPT ("10")) },
    "",
    10,
    "tus" },
  { "bit-by-bit",
    NULL,
    { ASK, CREATE, APPEND ("0", KEPT ("4")), APPEND ("4", KEPT ("10")) },
    "",
    10,
    "tus" },
  { "without-offset",
    NULL,
    { ASK, CREATE, APPEND ("0", STATUS ("204 Kept")), LOOK (TOLD ("10")) },
    "",
    10,
    "tus" },
  { "conflict",
    NULL,
    { ASK,
      CREATE,
      APPEND ("0", STATUS ("409 Not so")),
      LOOK (TOLD ("3")),
      APPEND ("3", KEPT ("10")) },
    "",
    10,
    "tus" },
  { "conflicts",
    KNOWN (""),
    { LOOK (TOLD ("3")),
      APPEND ("3", STATUS ("409 Not so")),
      LOOK (TOLD ("3")),
      APPEND ("3", STATUS ("409 Not so")),
      LOOK (TOLD ("3")),
      APPEND ("3", STATUS ("409 Not so")),
      LOOK (TOLD ("3")),
      APPEND ("3", STATUS ("409 Not so")) },
    "ConnectionLost",
    3,
    "tus",
    TRUE },
  { "known", KNOWN (""), { LOOK (TOLD ("6")), APPEND ("6", KEPT ("10")) }, "", 10, NULL },
  { "known-whole", KNOWN (""), { LOOK (TOLD ("10")) }, "", 10, NULL },
  { "gone/404",
    KNOWN (""),
    { LOOK (STATUS ("404 No")), ASK, CREATE, APPEND ("0", KEPT ("10")) },
    "",
    10,
    "tus" },
  { "gone/410",
    KNOWN (""),
    { LOOK (STATUS ("410 No")), ASK, CREATE, APPEND ("0", KEPT ("10")) },
    "",
    10,
    "tus" },
  { "gone/403",
    KNOWN (""),
    { LOOK (STATUS ("403 No")), ASK, CREATE, APPEND ("0", KEPT ("10")) },
    "",
    10,
    "tus" },
  { "gone/twice",
    KNOWN (""),
    { LOOK (STATUS ("404 No")), ASK, CREATE, APPEND ("0", STATUS ("404 No")) },
    "ProtocolError",
    0,
    "tus" },
  { "expired",
    KNOWN (", 'confirmed': <uint64 6>, 'foreign': <true>, 'expires': <int64 1000000>"),
    { ASK, CREATE, APPEND ("0", KEPT ("10")) },
    "",
    10,
    "tus" },
  { "not-expired",
    KNOWN (", 'expires': <int64 4000000000000000>"),
    { LOOK (TOLD ("10")) },
    "",
    10,
    NULL },
  { "too-large",
    NULL,
    { { "OPTIONS ", NULL, NULL, ABLE ("\r\nTus-Max-Size: 9") } },
    "TooLarge",
    0,
    NULL },
  { "just-so-large",
    NULL,
    { { "OPTIONS ", NULL, NULL, ABLE ("\r\nTus-Max-Size: 10") },
      CREATE,
      APPEND ("0", KEPT ("10")) },
    "",
    10,
    "tus" },
  { "refused/413",
    NULL,
    { ASK, { "POST ", NULL, NULL, STATUS ("413 No") } },
    "HttpStatus",
    0,
    "tus" },
  { "version/asked",
    NULL,
    { { "OPTIONS ", NULL, NULL, HEAD ("200 Ok") "Tus-Version: 0.2.2\r\n" EMPTY } },
    "ProtocolError",
    0,
    NULL },
  { "version/refused",
    NULL,
    { ASK, { "POST ", NULL, NULL, HEAD ("412 No") "Tus-Version: 2.0.0\r\n" EMPTY } },
    "ProtocolError",
    0,
    "tus" },
  { "no-creation",
    NULL,
    { { "OPTIONS ", NULL, NULL, HEAD ("200 Ok") "Tus-Version: 1.0.0\r\n" EMPTY } },
    "ProtocolError",
    0,
    NULL },
  { "no-place",
    NULL,
    { ASK, { "POST ", NULL, NULL, STATUS ("201 Made") } },
    "ProtocolError",
    0,
    NULL },
  { "no-tus",
    NULL,
    { { "OPTIONS ", NULL, NULL, "HTTP/1.1 200 Ok\r\n" EMPTY },
      { "POST ", NULL, NULL, "HTTP/1.1 405 No\r\n" EMPTY } },
    "HttpStatus",
    0,
    "none" },
  { "wrong/more-than-sent",
    NULL,
    { ASK, CREATE, APPEND ("0", KEPT ("11")) },
    "ProtocolError",
    0,
    "tus",
    TRUE },
  { "wrong/less",
    KNOWN (""),
    { LOOK (TOLD ("6")), APPEND ("6", KEPT ("5")) },
    "ProtocolError",
    6,
    NULL,
    TRUE },
  { "wrong/less-after-conflict",
    KNOWN (""),
    { LOOK (TOLD ("6")), APPEND ("6", STATUS ("409 No")), LOOK (TOLD ("5")) },
    "ProtocolError",
    6,
    "tus",
    TRUE },
  { "wrong/no-number",
    KNOWN (""),
    { LOOK (TOLD ("-1")) },
    "ProtocolError",
    0,
    NULL,
    TRUE },
  { "wrong/more", KNOWN (""), { LOOK (TOLD ("11")) }, "ProtocolError", 0, NULL, TRUE },
  { "wrong/length",
    KNOWN (""),
    { LOOK (HEAD ("200 So") "Upload-Offset: 3\r\nUpload-Length: 11\r\n" EMPTY) },
    "ProtocolError",
    0,
    NULL,
    TRUE },
  { "wrong/less-than-before",
    KNOWN (", 'confirmed': <uint64 6>"),
    { LOOK (TOLD ("5")) },
    "ProtocolError",
    6,
    NULL,
    TRUE },
  { "busy", KNOWN (""), { LOOK (STATUS ("423 No")) }, "ConnectionLost", 0, "tus", TRUE },
  { "in-trouble",
    NULL,
    { ASK, CREATE, APPEND ("0", STATUS ("503 Later")) },
    "HttpStatus",
    0,
    "tus",
    TRUE },
  { "in-trouble/accepted",
    "{'resumable': <['tus']>, 'accept-status': <['*']>}",
    { ASK, CREATE, APPEND ("0", STATUS ("503 Later")) },
    "HttpStatus",
    0,
    "tus",
    TRUE },
  { "in-trouble/at-once",
    NULL,
    { { "OPTIONS ", NULL, NULL, STATUS ("503 Later") } },
    "HttpStatus",
    0,
    "tus" },
  { "summed",
    NULL,
    { { "OPTIONS ", NULL, NULL, SUMS }, CREATE, APPEND_SUMMED (KEPT ("10")) },
    "",
    10,
    "tus" },
  { "summed/known",
    KNOWN (", 'checksum': <'sha1'>"),
    { LOOK (TOLD ("0")), APPEND_SUMMED (KEPT ("10")) },
    "",
    10,
    NULL },
  { "summed/disbelieved",
    NULL,
    { { "OPTIONS ", NULL, NULL, SUMS },
      CREATE,
      APPEND_SUMMED (STATUS ("460 Not so")),
      APPEND_SUMMED (KEPT ("10")) },
    "",
    10,
    "tus" },
  { "summed/for-ever",
    KNOWN (", 'checksum': <'sha1'>"),
    { LOOK (TOLD ("0")),
      APPEND_SUMMED (STATUS ("460 Not so")),
      APPEND_SUMMED (STATUS ("460 Not so")),
      APPEND_SUMMED (STATUS ("460 Not so")),
      APPEND_SUMMED (STATUS ("460 Not so")) },
    "IntegrityFailed",
    0,
    "tus",
    TRUE },
  { "summed/not-understood",
    NULL,
    { { "OPTIONS ", NULL, NULL, SUMS },
      CREATE,
      APPEND_SUMMED (STATUS ("400 What")),
      LOOK (TOLD ("0")),
      APPEND ("0", KEPT ("10")) },
    "",
    10,
    "tus" },
  { "plain",
    "{}",
    { { "PUT ", NULL, NULL, STATUS ("412 No") } },
    "HttpStatus",
    0,
    "tus" },
};

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  g_auto (Stage) stage = { 0 };
  g_autoptr (GVariant) kept = NULL;
  guint n_steps = 0;
  GVariant *facts;

  while (n_steps < G_N_ELEMENTS (row->steps) && row->steps[n_steps].asked != NULL)
    n_steps++;
  set_up (&stage, row->steps, n_steps);
  facts = run (&stage, row->options, BODY);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, row->error);
  g_assert_cmpuint (stage.n_done, ==, n_steps);
  g_assert_cmpuint (get_number (facts, "body-confirmed"), ==, row->confirmed);
  g_assert_cmpstr (get_text (facts, "dialect"), ==, row->dialect);
  kept = g_variant_lookup_value (facts, "upload", G_VARIANT_TYPE_VARDICT);
  g_assert_cmpint (kept != NULL && g_variant_n_children (kept) > 0, ==, row->is_kept);
}

/* Complete as soon as it is there: nothing is sent. */
static void
is_empty (void)
{
  static const Step steps[] = {
    ASK,
    { "POST /files ", "\r\nUpload-Length: 0\r\n", NULL, MADE ("") },
  };
  g_auto (Stage) stage = { 0 };
  GVariant *facts;

  set_up (&stage, steps, G_N_ELEMENTS (steps));
  facts = run (&stage, NULL, "[]");
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  g_assert_cmpuint (stage.n_done, ==, G_N_ELEMENTS (steps));
}

/* `filename` is "a b.txt", `filetype` "text/plain". */
static void
says_what_it_is (void)
{
  static const Step steps[] = {
    { "OPTIONS ", "\r\nX-App: a\r\n", "Upload-Metadata", ABLE ("") },
    { "POST /files ",
      "\r\nUpload-Metadata: filename YSBiLnR4dA==,filetype dGV4dC9wbGFpbg==\r\n",
      "\r\nContent-Type",
      MADE ("") },
    { "PATCH /place ",
      "\r\nContent-Type: application/offset+octet-stream\r\n",
      "text/plain",
      KEPT ("10") },
  };
  g_auto (Stage) stage = { 0 };
  GVariant *facts;

  set_up (&stage, steps, G_N_ELEMENTS (steps));
  facts = run (&stage,
               "{'resumable': <['tus']>, 'headers': <[('X-App', 'a'), "
               "('Content-Type', 'text/plain'), "
               "('Content-Disposition', 'attachment; filename=\"a b.txt\"')]>}",
               BODY);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
}

static void
says_what_the_app_says (void)
{
  static const Step steps[] = {
    { "OPTIONS ", NULL, "is_secret", ABLE ("") },
    { "POST /files ", "\r\nupload-metadata: is_secret\r\n", "filetype", MADE ("") },
    { "PATCH /place ", NULL, "is_secret", KEPT ("10") },
  };
  g_auto (Stage) stage = { 0 };
  GVariant *facts;

  set_up (&stage, steps, G_N_ELEMENTS (steps));
  facts = run (&stage,
               "{'resumable': <['tus']>, 'headers': <[('Content-Type', 'text/plain'), "
               "('upload-metadata', 'is_secret')]>}",
               BODY);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
}

/* The place is with another server, which may not hear what the first may. */
static void
keeps_secrets (void)
{
  static const Step there[] = {
    { "PATCH /place ", "\r\nX-App: a\r\n", "X-Key", KEPT ("10") },
  };
  g_auto (Stage) stage = { 0 };
  Step steps[] = {
    { "OPTIONS ", "\r\nX-Key: k\r\n", NULL, ABLE ("") },
    { "POST ", "\r\nX-Key: k\r\n", NULL, NULL },
  };
  Stage other = { .steps = there, .n_steps = G_N_ELEMENTS (there) };
  g_autofree char *place = NULL;
  g_autofree char *made = NULL;
  GVariant *facts;

  other.sink = script_sink_new (NULL);
  script_sink_set_handler (other.sink, answer, &other);
  place = script_sink_url (other.sink, "/place");
  made = g_strdup_printf (HEAD ("201 Made") "Location: %s\r\n" EMPTY, place);
  steps[1].answer = made;
  set_up (&stage, steps, G_N_ELEMENTS (steps));
  facts = run (&stage,
               "{'resumable': <['tus']>, 'headers': <[('X-App', 'a')]>, "
               "'secret-headers': <[('X-Key', 'k')]>}",
               BODY);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  g_assert_cmpuint (other.n_done, ==, 1);
  script_sink_free (other.sink);
}

/* Where nobody may be led elsewhere. */
static void
is_not_led_away (void)
{
  static const Step steps[] = {
    ASK,
    { "POST ",
      NULL,
      NULL,
      HEAD ("201 Made") "Location: http://127.0.0.1:1/place\r\n" EMPTY },
  };
  g_auto (Stage) stage = { 0 };
  GVariant *facts;

  set_up (&stage, steps, G_N_ELEMENTS (steps));
  facts = run (&stage, "{'resumable': <['tus']>, 'redirects': <'same-origin'>}", BODY);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "BadRedirect");
}

/* Else nobody would find again what is sent. */
static void
is_stored_first (void)
{
  static const Step steps[] = { ASK, CREATE };
  g_auto (Stage) stage = { 0 };
  GVariant *facts;

  set_up (&stage, steps, G_N_ELEMENTS (steps));
  worker_fixture_refuse_uploads (stage.worker);
  facts = run (&stage, NULL, BODY);
  g_assert_cmpstr (worker_fixture_get_error (facts), !=, "");
  g_assert_cmpuint (stage.n_done, ==, 2);
}

/* And not again for a few seconds more. */
static void
is_told_when_it_expires (void)
{
  static const Step steps[] = {
    ASK,
    { "POST ", NULL, NULL, MADE ("Upload-Expires: Sat, 01 Jan 2050 00:00:00 GMT\r\n") },
    APPEND ("0",
            HEAD ("204 Kept") "Upload-Offset: 5\r\n"
                              "Upload-Expires: Sat, 01 Jan 2050 00:00:05 GMT\r\n\r\n"),
    APPEND ("5", KEPT ("10")),
  };
  g_auto (Stage) stage = { 0 };
  GPtrArray *told;
  gint64 expires_us = 0;
  GVariant *facts;

  set_up (&stage, steps, G_N_ELEMENTS (steps));
  facts = run (&stage, NULL, BODY);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  told = worker_fixture_await_uploads (stage.worker, 1);
  g_assert_cmpuint (told->len, ==, 1);
  g_assert_true (g_variant_lookup (told->pdata[0], "expires", "x", &expires_us));
  g_assert_cmpint (expires_us, ==, G_GINT64_CONSTANT (2524608000) * G_USEC_PER_SEC);
  g_assert_cmpstr (get_text (told->pdata[0], "dialect"), ==, "tus");
}

/* No piece is larger than 8 MiB. */
static void
is_summed_in_pieces (void)
{
  static const Step steps[] = {
    { "OPTIONS ", NULL, NULL, SUMS },
    { "POST ", "\r\nUpload-Length: 10000000\r\n", NULL, MADE ("") },
    { "PATCH ", "\r\nContent-Length: 8388608\r\n", NULL, KEPT ("8388608") },
    { "PATCH ", "\r\nUpload-Offset: 8388608\r\n", NULL, KEPT ("10000000") },
  };
  g_auto (Stage) stage = { 0 };
  g_autofree char *body = NULL;
  g_autofree char *zeros = g_strnfill (9999999, 'x');
  GVariant *facts;

  set_up (&stage, steps, G_N_ELEMENTS (steps));
  body = g_strdup_printf ("[{'bytes': <b'%s'>}]", zeros);
  facts = run (&stage, NULL, body);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  g_assert_cmpuint (get_number (facts, "body-confirmed"), ==, 10000000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *name = g_strconcat ("/worker-tus/", rows[i].name, NULL);

      g_test_add_data_func (name, &rows[i], test_row);
    }
  g_test_add_func ("/worker-tus/empty", is_empty);
  g_test_add_func ("/worker-tus/metadata", says_what_it_is);
  g_test_add_func ("/worker-tus/metadata/app", says_what_the_app_says);
  g_test_add_func ("/worker-tus/secrets", keeps_secrets);
  g_test_add_func ("/worker-tus/not-led-away", is_not_led_away);
  g_test_add_func ("/worker-tus/stored-first", is_stored_first);
  g_test_add_func ("/worker-tus/expires", is_told_when_it_expires);
  g_test_add_func ("/worker-tus/pieces", is_summed_in_pieces);
  return g_test_run ();
}
