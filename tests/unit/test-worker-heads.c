/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Heads that break off with the connection, at each of their bytes: by TCP, by TLS, and
 * by TCP below TLS.  What they say is not believed, half a number above all. */

#include "config.h"

#include "certificates.h"
#include "ietf-words.h"
#include "upload-story.h"

#include <string.h>

#define ANSWERS_MAX 4
#define TUS "Tus-Resumable: 1.0.0\r\n"

/* The connection of the last answer ends within its head. */
typedef struct
{
  const char *name;
  gboolean is_download;
  const char *upload; /* (nullable): a place, with %s for the server */
  const char *answers[ANSWERS_MAX];
  guint64 confirmed;
  gboolean keeps;    /* the place */
  const char *error; /* when just the head is whole; "" for none */
  gboolean is_also_by_tls;
} Case;

static const Case cases[] = {
  { "download/whole",
    TRUE,
    NULL,
    { "HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n" },
    0,
    FALSE,
    "" },
  { "download/no-content",
    TRUE,
    NULL,
    { "HTTP/1.1 204 Fine\r\nX: y\r\n\r\n" },
    0,
    FALSE,
    "" },
  { "download/longer",
    TRUE,
    NULL,
    { "HTTP/1.1 200 Fine\r\nContent-Length: 12\r\nETag: \"a\"\r\n\r\n" },
    0,
    FALSE,
    "ConnectionLost",
    TRUE },
  { "download/missing",
    TRUE,
    NULL,
    { "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n" },
    0,
    FALSE,
    "HttpStatus" },
  { "plain",
    FALSE,
    NULL,
    { "HTTP/1.1 201 Made\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n" },
    0,
    FALSE,
    "",
    TRUE },
  { "plain/old", FALSE, NULL, { "HTTP/1.0 204 Fine\r\nX: y\r\n\r\n" }, 0, FALSE, "" },
  /* Half a number would be one less than was known. */
  { "tus/look",
    FALSE,
    "{'dialect': <'tus'>, 'url': <'%s/place'>, 'confirmed': <uint64 2>}",
    { "HTTP/1.1 200 Fine\r\n" TUS "Upload-Offset: 005\r\nUpload-Length: 005\r\n\r\n" },
    2,
    TRUE,
    "",
    TRUE },
  { "tus/append",
    FALSE,
    "{'dialect': <'tus'>, 'url': <'%s/place'>, 'confirmed': <uint64 2>}",
    { "HTTP/1.1 200 Fine\r\n" TUS "Upload-Offset: 3\r\nUpload-Length: 5\r\n\r\n",
      "HTTP/1.1 204 Fine\r\n" TUS "Upload-Offset: 005\r\n\r\n" },
    3,
    TRUE,
    "" },
  { "tus/create",
    FALSE,
    NULL,
    { "HTTP/1.1 204 Fine\r\n" TUS "Tus-Version: 1.0.0\r\nTus-Extension: creation\r\n\r\n",
      "HTTP/1.1 201 Made\r\n" TUS "Location: /place/1234\r\nContent-Length: 0\r\n\r\n" },
    0,
    FALSE,
    "ConnectionLost" },
  { "8/look",
    FALSE,
    PLACED,
    { "HTTP/1.1 204 Fine\r\nUpload-Complete: ?1\r\nUpload-Offset: 05\r\n"
      "Upload-Length: 05\r\n\r\n" },
    2,
    TRUE,
    "ConnectionLost" },
  { "8/append",
    FALSE,
    PLACED,
    { STATE ("3", "0") END, "HTTP/1.1 204 Fine\r\nUpload-Complete: ?1\r\n\r\n" },
    3,
    TRUE,
    "" },
  { "6/append",
    FALSE,
    PLACED_6,
    { "HTTP/1.1 204 Fine\r\nUpload-Complete: ?0\r\nUpload-Offset: 3\r\n\r\n",
      "HTTP/1.1 204 Fine\r\nUpload-Offset: 005\r\n\r\n" },
    3,
    TRUE,
    "" },
};

typedef struct
{
  const char *name;
  gboolean has_tls;
  SinkEnd end;
} Way;

static const Way ways[] = {
  { "tcp", FALSE, SINK_CLOSE },
  { "tls", TRUE, SINK_CLOSE },
  { "below-tls", TRUE, SINK_CUT },
};

typedef struct
{
  const Case *story;
  const Way *way;
} Test;

static GTlsCertificate *
make_certificate (void)
{
  g_autoptr (Certificates) certificates = certificates_new ();

  certificates_add (
      certificates, "server", &(CertificateKind){ .names = "IP:127.0.0.1" });
  return certificates_load (certificates, "server");
}

static void
set_up (StoryCase *self, gconstpointer data)
{
  const Test *test = data;

  story_set_up (self, NULL);
  if (!test->way->has_tls)
    return;
  script_sink_free (self->sink);
  g_free (self->url);
  self->certificate = make_certificate ();
  self->sink = script_sink_new (self->certificate);
  self->url = script_sink_url (self->sink, "/x");
}

static char *
make_options (StoryCase *self, const Case *story)
{
  g_autoptr (GString) options = g_string_new (NULL);
  g_autofree char *place = script_sink_url (self->sink, "");

  g_string_printf (options, "{'method': <'%s'>", story->is_download ? "GET" : "PUT");
  if (g_str_has_prefix (story->name, "tus"))
    g_string_append (options, ", 'resumable': <['tus']>");
  if (story->upload != NULL)
    g_string_append_printf (options, ", 'upload': <%s>", story->upload);
  g_string_replace (options, "%s", place, 1);
  if (self->certificate != NULL)
    {
      g_autofree char *pem = NULL;
      g_autofree char *escaped = NULL;

      g_object_get (self->certificate, "certificate-pem", &pem, NULL);
      escaped = g_strescape (pem, NULL);
      g_string_append_printf (options, ", 'ca-certificates': <\"%s\">", escaped);
    }
  return g_strdup_printf ("%s}", options->str);
}

/* Of the last answer @n bytes come; what is asked then is not answered. */
static void
plan (StoryCase *self, const Test *test, gsize n)
{
  const char *const *answers = test->story->answers;
  g_autofree char *part = NULL;
  guint last = 0;

  while (last + 1 < ANSWERS_MAX && answers[last + 1] != NULL)
    last++;
  part = g_strndup (answers[last], n);
  script_sink_plan (self->sink, "", &(SinkPlan){ .answer = "", .end = SINK_CLOSE });
  script_sink_plan (
      self->sink, "", &(SinkPlan){ .answer = part, .end = test->way->end, .n_uses = 1 });
  for (guint i = last; i > 0; i--)
    script_sink_plan (
        self->sink, "", &(SinkPlan){ .answer = answers[i - 1], .n_uses = 1 });
}

static const char *
get_last (const Case *story)
{
  const char *last = NULL;

  for (guint i = 0; i < ANSWERS_MAX && story->answers[i] != NULL; i++)
    last = story->answers[i];
  return last;
}

/* What ends in good order amid a line is nonsense: libsoup (3.2.3) leaves nothing to know
 * it by.  Handshakes take their time. */
static gboolean
is_chosen (const Test *test, gsize n)
{
  if (test->way->end == SINK_CUT)
    return n % 7 == 1;
  return !test->way->has_tls || get_last (test->story)[n - 1] == '\n';
}

static GVariant *
send_it (StoryCase *self, const Test *test, const char *options)
{
  guint64 attempt;

  if (test->story->is_download)
    return worker_fixture_await_done (
        self->worker, worker_fixture_begin (self->worker, self->url, options));
  return story_send (self, options, &attempt);
}

static void
assert_lost (const Case *story, GVariant *facts)
{
  g_autoptr (GVariant) upload = g_variant_lookup_value (
      facts, "upload", G_VARIANT_TYPE_VARDICT);
  guint64 confirmed = 0;

  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "ConnectionLost");
  g_assert_false (g_variant_lookup (facts, "status", "u", NULL));
  g_assert_false (g_variant_lookup (facts, "response", "@a{sv}", NULL));
  g_variant_lookup (facts, "body-confirmed", "t", &confirmed);
  g_assert_cmpuint (confirmed, ==, story->confirmed);
  g_assert_cmpint (
      upload != NULL && g_variant_lookup (upload, "url", "&s", NULL), ==, story->keeps);
}

/* Fault (server): the connection ends within the head of an answer, after each of its
 * bytes, with TLS and without | Proves: it is lost, for downloads and uploads; nothing of
 * the head is believed (laws 10, 11) */
static void
test_heads (StoryCase *self, gconstpointer data)
{
  const Test *test = data;
  g_autofree char *options = make_options (self, test->story);
  gsize length = strlen (get_last (test->story));

  for (gsize n = 1; n < length; n++)
    {
      if (!is_chosen (test, n))
        continue;
      plan (self, test, n);
      g_test_message ("%" G_GSIZE_FORMAT " bytes", n);
      assert_lost (test->story, send_it (self, test, options));
    }
  plan (self, test, length);
  g_assert_cmpstr (
      worker_fixture_get_error (send_it (self, test, options)), ==, test->story->error);
}

static void
tear_down (StoryCase *self, gconstpointer data)
{
  story_tear_down (self, data);
  g_clear_object (&self->certificate);
}

int
main (int argc, char **argv)
{
  static Test tests[G_N_ELEMENTS (cases)][G_N_ELEMENTS (ways)];

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint j = 0; j < G_N_ELEMENTS (ways); j++)
      {
        g_autofree char *path = g_strdup_printf (
            "/worker-heads/%s/%s", ways[j].name, cases[i].name);

        if (ways[j].has_tls && !cases[i].is_also_by_tls)
          continue;
        tests[i][j] = (Test){ &cases[i], &ways[j] };
        g_test_add (path, StoryCase, &tests[i][j], set_up, test_heads, tear_down);
      }
  return g_test_run ();
}
