/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The same where the way is longer: other offsets, limits, and places that are gone or
 * elsewhere.  T-83 to T-85. */

#include "config.h"

#include "ietf-words.h"
#include "upload-story.h"

#include <sys/mman.h>
#include <unistd.h>

#define HALF_8 "HTTP/1.1 201 Made\r\nUpload-Complete: ?1\r\nContent-Length: 4\r\n\r\ndo"
#define HALF_6 "HTTP/1.1 201 Made\r\nUpload-Offset: 5\r\nContent-Length: 4\r\n\r\n"

static const Story stories[] = {
  /* Where all of it is stays known, should the rest of the answer be lost. */
  { "8/answer-breaks-off",
    NULL,
    NULL,
    { { CREATED_8, MADE_8, HALF_8, .breaks_off = TRUE } },
    "ConnectionLost",
    NULL,
    "ietf-8",
    0,
    TRUE },
  { "6/answer-breaks-off",
    ONLY_6,
    NULL,
    { { CREATED_6, MADE_6, HALF_6, .breaks_off = TRUE } },
    "ConnectionLost",
    NULL,
    "ietf-6",
    0,
    TRUE },
  { "8/answer-breaks-off-again",
    NULL,
    PLACED,
    { { LOOKED_8, NULL, STATE ("5", "1") END },
      { APPENDED_8 ("5", "0", "1"), NULL, HALF_8, .breaks_off = TRUE } },
    "ConnectionLost",
    NULL,
    "ietf-8",
    5,
    TRUE },
  { "8/refusal-breaks-off",
    NULL,
    NULL,
    { { CREATED_8,
        MADE_8,
        "HTTP/1.1 422 No\r\nUpload-Complete: ?1\r\nContent-Length: 4\r\n\r\nno",
        .breaks_off = TRUE } },
    "HttpStatus",
    NULL,
    "ietf-8",
    0,
    FALSE },

  /* T-83 */
  { "8/conflict",
    NULL,
    PLACED,
    { { LOOKED_8, NULL, STATE ("3", "0") END },
      { APPENDED_8 ("3", "2", "1"),
        NULL,
        "HTTP/1.1 409 No\r\nUpload-Offset: 4\r\nUpload-Complete: ?0\r\n" EMPTY },
      { LOOKED_8, NULL, STATE ("4", "0") END },
      { APPENDED_8 ("4", "1", "1"), NULL, DONE_8 } },
    "",
    "done",
    "ietf-8",
    5 },
  { "6/conflict",
    NULL,
    PLACED_6,
    { { LOOKED_6, NULL, STATE ("2", "0") END },
      { APPENDED_6 ("2", "3", "1"), NULL, "HTTP/1.1 409 No\r\n" EMPTY },
      { LOOKED_6, NULL, STATE ("4", "0") END },
      { APPENDED_6 ("4", "1", "1"), NULL, DONE_6 } },
    "",
    "done",
    "ietf-6",
    5 },
  { "8/conflict-goes-back",
    NULL,
    PLACED,
    { { LOOKED_8, NULL, STATE ("3", "0") END },
      { APPENDED_8 ("3", "2", "1"),
        NULL,
        "HTTP/1.1 409 No\r\nUpload-Offset: 1\r\nUpload-Complete: ?0\r\n" EMPTY },
      { LOOKED_8, NULL, STATE ("1", "0") END },
      { "DELETE /place", NULL, "HTTP/1.1 204 Fine\r\n" END } },
    "ProtocolError",
    NULL,
    "ietf-8",
    3 },
  { "8/conflict-of-its-own",
    NULL,
    PLACED,
    { { LOOKED_8, NULL, STATE ("3", "0") END },
      { APPENDED_8 ("3", "2", "1"),
        NULL,
        "HTTP/1.1 409 No\r\nUpload-Complete: ?1\r\n" EMPTY } },
    "HttpStatus",
    NULL,
    "ietf-8",
    3 },

  /* T-84 */
  { "8/in-pieces",
    NULL,
    "{'dialect': <'ietf-8'>, 'url': <'%s/place'>}",
    { { LOOKED_8,
        NULL,
        STATE ("0", "0") "Upload-Limit: max-append-size=2, min-append-size=2\r\n" END },
      { APPENDED_8 ("0", "2", "0"),
        NULL,
        "HTTP/1.1 204 Fine\r\nUpload-Complete: ?0\r\n" END },
      { APPENDED_8 ("2", "2", "0"),
        NULL,
        "HTTP/1.1 204 Fine\r\nUpload-Complete: ?0\r\nUpload-Offset: 4\r\n" END },
      { APPENDED_8 ("4", "1", "1"), NULL, DONE_8 } },
    "",
    "done",
    "ietf-8",
    5 },
  { "6/in-pieces",
    NULL,
    "{'dialect': <'ietf-6'>, 'url': <'%s/place'>, 'max-append-size': <int64 3>}",
    { { LOOKED_6, NULL, STATE ("0", "0") END },
      { APPENDED_6 ("0", "3", "0"),
        NULL,
        "HTTP/1.1 201 Fine\r\nUpload-Complete: ?1\r\nUpload-Offset: 3\r\n" EMPTY },
      { APPENDED_6 ("3", "2", "1"), NULL, DONE_6 } },
    "",
    "done",
    "ietf-6",
    5 },
  { "8/piece-was-cut",
    NULL,
    "{'dialect': <'ietf-8'>, 'url': <'%s/place'>}",
    { { LOOKED_8, NULL, STATE ("0", "0") "Upload-Limit: max-append-size=4\r\n" END },
      { APPENDED_8 ("0", "4", "0"),
        NULL,
        "HTTP/1.1 204 Fine\r\nUpload-Complete: ?0\r\nUpload-Offset: 3\r\n" END },
      { LOOKED_8, NULL, STATE ("3", "0") END },
      { APPENDED_8 ("3", "2", "1"), NULL, DONE_8 } },
    "",
    "done",
    "ietf-8",
    5 },
  { "8/too-large-at-once",
    NULL,
    NULL,
    { { CREATED_8,
        MADE_8,
        "HTTP/1.1 413 No\r\nUpload-Complete: ?0\r\n"
        "Upload-Limit: max-append-size=3\r\n" EMPTY },
      { LOOKED_8, NULL, STATE ("0", "0") END },
      { APPENDED_8 ("0", "3", "0"),
        NULL,
        "HTTP/1.1 204 Fine\r\nUpload-Complete: ?0\r\n" END },
      { APPENDED_8 ("3", "2", "1"), NULL, DONE_8 } },
    "",
    "done",
    "ietf-8",
    5 },
  { "8/too-large-and-no-place",
    NULL,
    NULL,
    { { CREATED_8, NULL, "HTTP/1.1 413 No\r\nUpload-Limit: max-append-size=3\r\n" EMPTY },
      { "POST /x\nUpload-Draft-Interop-Version: 8\nUpload-Complete: ?0\n"
        "Upload-Length: 5\nContent-Length: 0",
        NULL,
        "HTTP/1.1 201 Made\r\nLocation: place\r\nUpload-Complete: ?0\r\n" EMPTY },
      { APPENDED_8 ("0", "3", "0"),
        NULL,
        "HTTP/1.1 204 Fine\r\nUpload-Complete: ?0\r\n" END },
      { APPENDED_8 ("3", "2", "1"), NULL, DONE_8 } },
    "",
    "done",
    NULL,
    5 },
  { "8/too-large-for-ever",
    NULL,
    NULL,
    { { CREATED_8, NULL, "HTTP/1.1 413 No\r\n" EMPTY } },
    "HttpStatus",
    NULL,
    NULL,
    0 },
  { "8/larger-than-max-size",
    NULL,
    PLACED,
    { { LOOKED_8, NULL, STATE ("3", "0") "Upload-Limit: max-size=4\r\n" END },
      { "DELETE /place", NULL, "HTTP/1.1 204 Fine\r\n" END } },
    "TooLarge",
    NULL,
    NULL,
    2 },
  { "8/larger-than-max-size-at-once",
    NULL,
    NULL,
    { { CREATED_8, SUPPORTED V8 AT ("/place") "Upload-Limit: max-size=4\r\n" END, "" },
      { "DELETE /place", NULL, "HTTP/1.1 204 Fine\r\n" END } },
    "TooLarge",
    NULL,
    "ietf-8",
    0 },
  { "8/larger-than-max-size-no-place",
    NULL,
    NULL,
    { { CREATED_8, SUPPORTED V8 "Upload-Limit: max-size=4\r\n" END, "" } },
    "TooLarge",
    NULL,
    "ietf-8",
    0 },
  { "8/no-piece-would-do",
    NULL,
    PLACED,
    { { LOOKED_8,
        NULL,
        STATE ("3", "0") "Upload-Limit: max-append-size=1, min-append-size=2\r\n" END },
      { "DELETE /place", NULL, "HTTP/1.1 204 Fine\r\n" END } },
    "TooLarge",
    NULL,
    "ietf-8",
    3 },
  { "8/limits-are-nonsense",
    NULL,
    PLACED,
    { { LOOKED_8, NULL, STATE ("3", "0") "Upload-Limit: max-append-size=\"1\"\r\n" END },
      { APPENDED_8 ("3", "2", "1"), NULL, DONE_8 } },
    "",
    "done",
    "ietf-8",
    5 },

  /* T-85 */
  { "8/gone",
    NULL,
    PLACED,
    { { LOOKED_8, NULL, "HTTP/1.1 404 No\r\n" EMPTY }, { CREATED_8, MADE_8, DONE_8 } },
    "",
    "done",
    "ietf-8",
    5 },
  { "6/gone",
    NULL,
    PLACED_6,
    { { LOOKED_6, NULL, "HTTP/1.1 410 No\r\n" EMPTY }, { CREATED_6, MADE_6, DONE_6 } },
    "",
    "done",
    "ietf-6",
    5 },
  { "8/gone-while-appending",
    NULL,
    PLACED,
    { { LOOKED_8, NULL, STATE ("3", "0") END },
      { APPENDED_8 ("3", "2", "1"), NULL, "HTTP/1.1 404 No\r\n" EMPTY },
      { CREATED_8, MADE_8, DONE_8 } },
    "",
    "done",
    "ietf-8",
    5 },
  { "8/gone-twice",
    NULL,
    PLACED,
    { { LOOKED_8, NULL, "HTTP/1.1 404 No\r\n" EMPTY },
      { CREATED_8, MADE_8, "", 2 },
      { LOOKED_8, NULL, "HTTP/1.1 404 No\r\n" EMPTY } },
    "ProtocolError",
    NULL,
    "ietf-8",
    0 },

  /* Where it is. */
  { "8/two-places",
    NULL,
    NULL,
    { { CREATED_8, MADE_8 SUPPORTED V8 AT ("/other") END, DONE_8 },
      { "DELETE /place", NULL, "HTTP/1.1 204 Fine\r\n" END } },
    "ProtocolError",
    NULL,
    "ietf-8",
    0 },
  { "8/relative-place",
    NULL,
    NULL,
    { { CREATED_8, SUPPORTED V8 AT ("./place?a=b") END, "", 2 },
      { "HEAD /place?a=b", NULL, STATE ("2", "0") END },
      { "PATCH /place?a=b\nUpload-Offset: 2", NULL, DONE_8 } },
    "",
    "done",
    "ietf-8",
    5 },
  { "8/no-address",
    NULL,
    NULL,
    { { CREATED_8, SUPPORTED V8 AT ("mailto:nobody") END, "", 2 } },
    "ConnectionLost",
    NULL,
    "ietf-8",
    0 },
  { "8/led-on-with-a-place-before",
    NULL,
    NULL,
    { { CREATED_8,
        SUPPORTED V8 AT ("/stale") END,
        "HTTP/1.1 307 There\r\nLocation: /b/x\r\n" EMPTY },
      { "POST /b/x\nUpload-Complete: ?1", SUPPORTED V8 AT ("/place") END, "", 2 },
      { LOOKED_8, NULL, STATE ("2", "0") END },
      { APPENDED_8 ("2", "3", "1"), NULL, DONE_8 } },
    "",
    "done",
    "ietf-8",
    5 },
  { "8/led-on-to-silence",
    NULL,
    NULL,
    { { CREATED_8,
        SUPPORTED V8 AT ("/stale") END,
        "HTTP/1.1 307 There\r\nLocation: /b/x\r\n" EMPTY },
      { "POST /b/x\nUpload-Complete: ?1", NULL, "", 2 } },
    "ConnectionLost",
    NULL,
    "ietf-8",
    0 },

  /* Neither fish nor fowl. */
  { "8/complete-denied",
    NULL,
    NULL,
    { { CREATED_8, MADE_8, "HTTP/1.1 201 Made\r\nUpload-Complete: ?0\r\n" EMPTY },
      { LOOKED_8, NULL, STATE ("5", "0") END },
      { APPENDED_8 ("5", "0", "1"), NULL, DONE_8 } },
    "",
    "done",
    "ietf-8",
    5 },
  { "8/appended-without-a-word",
    NULL,
    PLACED,
    { { LOOKED_8, NULL, STATE ("3", "0") END },
      { APPENDED_8 ("3", "2", "1"), NULL, "HTTP/1.1 201 Made\r\n" EMPTY },
      { LOOKED_8, NULL, STATE ("5", "1") END },
      { APPENDED_8 ("5", "0", "1"), NULL, DONE_8 } },
    "",
    "done",
    "ietf-8",
    5 },
  { "8/small-and-silent",
    NULL,
    NULL,
    { { CREATED_8, NULL, "HTTP/1.1 201 Made\r\nContent-Length: 4\r\n\r\ndone" } },
    "",
    "done",
    NULL,
    5 },
};

/* A body of so many zeros. */
static GVariant *
send_zeros (StoryCase *self, const char *options, gsize size)
{
  g_autofree char *pieces = g_strdup_printf (
      "[{'file': <handle 0>, 'offset': <uint64 0>, 'length': <uint64 %" G_GSIZE_FORMAT
      ">}]",
      size);
  int fd = memfd_create ("zeros", MFD_CLOEXEC);

  g_assert_cmpint (ftruncate (fd, (off_t)size), ==, 0);
  return worker_fixture_await_done (
      self->worker,
      worker_fixture_send (self->worker, self->url, options, pieces, &fd, 1));
}

/* A limit that is heard while too much is on its way ends that. */
static void
test_broken_off (StoryCase *self, gconstpointer data)
{
  const SinkPlan plans[] = {
    { .answer = DONE_8, .n_uses = 1 },
    { .answer = "HTTP/1.1 204 Fine\r\nUpload-Complete: ?0\r\n\r\n", .n_uses = 1 },
    { .answer = STATE ("1000", "0") "Upload-Limit: max-append-size=16000000\r\n" END,
      .n_uses = 1 },
    { .interim_every = 1000,
      .interim_on = SUPPORTED V8 AT (
          "/place") "Upload-Limit: max-append-size=16000000\r\n" END,
      .take = 1000,
      .answer = "",
      .end = SINK_STALL,
      .n_uses = 1 },
  };
  GVariant *facts;

  for (guint i = 0; i < G_N_ELEMENTS (plans); i++)
    script_sink_plan (self->sink, "", &plans[i]);
  facts = send_zeros (
      self, "{'method': <'POST'>, 'resumable': <['ietf-8']>}", 32 * 1000 * 1000);

  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  g_assert_cmpuint (script_sink_count (self->sink), ==, 4);
  story_assert_asked (script_sink_await (self->sink, 1), LOOKED_8);
  story_assert_asked (script_sink_await (self->sink, 2),
                      APPENDED_8 ("1000", "16000000", "0"));
  story_assert_asked (script_sink_await (self->sink, 3),
                      APPENDED_8 ("16001000", "15999000", "1"));
}

typedef struct
{
  const char *name;
  const char *words;
  gsize size;
  const char *learned;
  guint64 cut; /* bytes of the body; 0 for not to */
} Silence;

static const Silence silences[] = {
  { "next", "['ietf-8', 'tus', 'ietf-6']", 64 * 1024, "ietf-6" },
  { "last", "['ietf-6', 'ietf-8']", 64 * 1024, "none" },
  { "only", "['ietf-8']", 64 * 1024, "none" },
  { "too-small-to-tell", "['ietf-8', 'ietf-6']", 64 * 1024 - 1, NULL },
  { "cut/next", "['ietf-8', 'tus', 'ietf-6']", 4 * 64 * 1024, "ietf-6", 128 * 1024 },
  { "cut/first", "['ietf-6', 'ietf-8']", 4 * 64 * 1024, "ietf-8", 128 * 1024 },
  { "cut/only", "['ietf-6']", 4 * 64 * 1024, NULL, 128 * 1024 },
};

static void
test_silence (StoryCase *self, gconstpointer data)
{
  const Silence *silence = data;
  const char *learned = NULL;
  g_autofree char *options = g_strdup_printf ("{'method': <'PUT'>, 'resumable': <%s>}",
                                              silence->words);
  const SinkPlan plan = { .take = silence->cut, .answer = "", .end = SINK_CLOSE };
  GVariant *facts;

  if (silence->cut > 0)
    script_sink_plan (self->sink, "", &plan);
  facts = send_zeros (self, options, silence->size);
  g_assert_cmpstr (
      worker_fixture_get_error (facts), ==, silence->cut > 0 ? "ConnectionLost" : "");
  g_variant_lookup (facts, "dialect", "&s", &learned);
  g_assert_cmpstr (learned, ==, silence->learned);
}

static const Step interrupted[] = { { CREATED_8, NULL, "", 2 } };
static const Step gone_on_with[] = {
  { LOOKED_8 "\n!Authorization\n!Cookie", NULL, STATE ("2", "0") END },
  { APPENDED_8 ("2", "3", "1") "\n!Authorization\n!Cookie", NULL, DONE_8 },
  { NULL },
};

/* A place at another origin hears no secrets; where the app keeps to its own, there is
 * none. */
static void
test_other_origin (StoryCase *self, gconstpointer data)
{
  gboolean is_followed = data != NULL;
  g_autoptr (ScriptSink) other = script_sink_new (NULL);
  g_autofree char *place = script_sink_url (other, "/place");
  g_autofree char *interim = g_strdup_printf (SUPPORTED V8 "Location: %s\r\n" END, place);
  g_autofree char *options = g_strdup_printf (
      "{'method': <'POST'>, 'resumable': <['ietf-8']>, 'redirects': <'%s'>,"
      "'secret-headers': <[('Authorization', 'Bearer s'), ('Cookie', 'a=b')]>}",
      is_followed ? "follow" : "same-origin");
  const SinkPlan plan
      = { .interim = interim, .take = 2, .answer = "", .end = SINK_CLOSE };
  guint64 attempt;
  GVariant *facts;

  story_plan (other, gone_on_with);
  script_sink_plan (self->sink, "", &plan);
  facts = story_send (self, options, &attempt);

  g_assert_cmpstr (
      worker_fixture_get_error (facts), ==, is_followed ? "" : "ConnectionLost");
  g_assert_cmpuint (script_sink_count (other), ==, is_followed ? 2 : 0);
  story_assert_asked (script_sink_await (self->sink, 0), interrupted[0].asked);
  for (guint i = 0; is_followed && i < 2; i++)
    story_assert_asked (script_sink_await (other, i), gone_on_with[i].asked);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/worker-ietf-ways/broken-off",
              StoryCase,
              NULL,
              story_set_up,
              test_broken_off,
              story_tear_down);
  g_test_add ("/worker-ietf-ways/other-origin/followed",
              StoryCase,
              "yes",
              story_set_up,
              test_other_origin,
              story_tear_down);
  g_test_add ("/worker-ietf-ways/other-origin/not",
              StoryCase,
              NULL,
              story_set_up,
              test_other_origin,
              story_tear_down);
  for (guint i = 0; i < G_N_ELEMENTS (silences); i++)
    {
      g_autofree char *path = g_strconcat (
          "/worker-ietf-ways/silence/", silences[i].name, NULL);

      g_test_add (
          path, StoryCase, &silences[i], story_set_up, test_silence, story_tear_down);
    }
  story_add_tests ("/worker-ietf-ways/", stories, G_N_ELEMENTS (stories));
  return g_test_run ();
}
