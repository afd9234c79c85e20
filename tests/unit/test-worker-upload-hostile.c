/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Servers that speak of uploads what no server should: what they claim to have, how long
 * they keep it, and how often they say so. */

#include "config.h"

#include "ietf-words.h"
#include "upload-case.h"
#include "upload-story.h"

#include <string.h>

#define HUGE_SIZE (64 * 1024 * 1024)

static const Story stories[] = {
  /* Law 10: a success that says itself that it is none. */
  { "less/offset",
    NULL,
    NULL,
    { { CREATED_8, NULL, "HTTP/1.1 201 Made\r\nUpload-Offset: 2\r\n" EMPTY } },
    "ProtocolError",
    NULL,
    NULL,
    0 },
  { "less/not-complete",
    ONLY_6,
    NULL,
    { { CREATED_6, NULL, "HTTP/1.1 201 Made\r\nUpload-Complete: ?0\r\n" EMPTY } },
    "ProtocolError",
    NULL,
    NULL,
    0 },
  { "less/place-at-last",
    NULL,
    NULL,
    { { CREATED_8,
        NULL,
        "HTTP/1.1 201 Made\r\nUpload-Complete: ?0\r\nLocation: /place\r\n" EMPTY },
      { LOOKED_8, NULL, STATE ("2", "0") END },
      { APPENDED_8 ("2", "3", "1"), NULL, DONE_8 } },
    "",
    "done",
    "ietf-8",
    5 },

  /* Nobody keeps anything for thirty million years. */
  { "for-ever",
    NULL,
    NULL,
    { { CREATED_8,
        SUPPORTED V8 AT ("/place") "Upload-Limit: max-age=999999999999999\r\n" END,
        "",
        2 },
      { LOOKED_8, NULL, STATE ("2", "0") "Upload-Limit: max-age=0\r\n" END },
      { APPENDED_8 ("2", "3", "1"), NULL, DONE_8 } },
    "",
    "done",
    "ietf-8",
    5 },
};

/* Law 12: what had been said when the attempt ended between two questions. */
static void
test_sent_between (StoryCase *self, gconstpointer data)
{
  const SinkPlan plan = { .interim_every = 2,
                          .interim_on = SUPPORTED V8 "Upload-Offset: 9\r\n\r\n" };
  guint64 attempt;
  GVariant *facts;
  g_autoptr (GVariant) transactions = NULL;

  script_sink_plan (self->sink, "/x", &plan);
  facts = story_send (self, "{'method': <'POST'>, 'resumable': <['ietf-8']>}", &attempt);
  transactions = g_variant_lookup_value (
      facts, "transactions", G_VARIANT_TYPE ("aa{sv}"));

  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "ProtocolError");
  g_assert_true (upload_case_is_sent (facts));
  g_assert_nonnull (transactions);
  g_assert_cmpuint (g_variant_n_children (transactions), ==, 1);
}

/* Fault (server): the address of a place is as long as a head may be | Proves: nothing is
 * told that the daemon would not believe; the upload goes on as one without a place */
static void
test_long_place (StoryCase *self, gconstpointer data)
{
  g_autofree char *name = g_strnfill (40 * 1024, 'a');
  g_autofree char *interim = g_strdup_printf (SUPPORTED V8 "Location: /%s\r\n\r\n", name);
  const SinkPlan plan
      = { .interim = interim, .take = 2, .answer = "", .end = SINK_CLOSE };
  guint64 attempt;
  GVariant *facts;

  script_sink_plan (self->sink, "/x", &plan);
  facts = story_send (self, "{'method': <'POST'>, 'resumable': <['ietf-8']>}", &attempt);

  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "ConnectionLost");
  g_assert_cmpuint (worker_fixture_await_uploads (self->worker, 0)->len, ==, 0);
}

/* Fault (server): new limits are announced without end | Proves: the attempt ends, and
 * the daemon has not heard of each */
static void
test_flood_of_limits (UploadCase *self, gconstpointer data)
{
  g_autoptr (GString) flood = g_string_new (MADE_8);
  GVariant *facts;

  for (guint i = 0; i < 2000; i++)
    g_string_append_printf (
        flood, SUPPORTED V8 "Upload-Limit: max-append-size=%u\r\n\r\n", 100000000 + i);
  script_sink_plan (
      self->sink,
      "/x",
      &(SinkPlan){ .interim = flood->str, .refuses = TRUE, .end = SINK_STALL });
  facts = upload_case_send (self,
                            "{'resumable': <['ietf-8']>, 'expect-continue': <true>}");

  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "ProtocolError");
  g_assert_cmpuint (worker_fixture_await_uploads (self->worker, 1)->len, <=, 40);
}

/* Fault (server): a server has more than it was sent | Proves: it is not believed (law
 * 10) */
static void
test_more_than_sent (UploadCase *self, gconstpointer data)
{
  g_autofree char *interim = g_strdup_printf (
      SUPPORTED V8 AT ("/place") "Upload-Offset: %u\r\n\r\n", HUGE_SIZE);
  const SinkPlan look = { .answer = STATE ("67108864", "1") END };
  const SinkPlan create
      = { .interim = interim, .take = 1, .answer = "", .end = SINK_CLOSE };

  script_sink_plan (self->sink, "/place", &look);
  script_sink_plan (self->sink, "/x", &create);
  g_assert_cmpstr (
      worker_fixture_get_error (upload_case_send (self, "{'resumable': <['ietf-8']>}")),
      ==,
      "ProtocolError");
}

/* The same of a server that says so when it is asked. */
static void
test_more_when_asked (UploadCase *self, gconstpointer data)
{
  const SinkPlan look = { .answer = STATE ("67108864", "1") END };
  const SinkPlan create
      = { .interim = MADE_8, .take = 1, .answer = "", .end = SINK_CLOSE };

  script_sink_plan (self->sink, "/place", &look);
  script_sink_plan (self->sink, "/x", &create);
  g_assert_cmpstr (
      worker_fixture_get_error (upload_case_send (self, "{'resumable': <['ietf-8']>}")),
      ==,
      "ProtocolError");
}

#define TUS "Tus-Resumable: 1.0.0\r\n"
#define TUS_MADE "HTTP/1.1 201 Made\r\n" TUS AT ("/place") EMPTY
#define TUS_ABLE                                                                         \
  "HTTP/1.1 204 Able\r\n" TUS "Tus-Version: 1.0.0\r\nTus-Extension: creation\r\n\r\n"

/* @user_data: what PATCH is answered with, before its body has come. */
static char *
answer_tus_early (const char *head, const guint8 *body, gsize n_body, gpointer user_data)
{
  if (g_str_has_prefix (head, "OPTIONS"))
    return g_strdup (TUS_ABLE);
  if (g_str_has_prefix (head, "POST"))
    return g_strdup (TUS_MADE);
  return g_strdup (user_data);
}

/* Fault (server): tus: all is said to be there before it was sent | Proves: it is not
 * believed (law 10) */
static void
test_early_tus (UploadCase *self, gconstpointer data)
{
  GVariant *facts;

  script_sink_set_handler (self->sink,
                           answer_tus_early,
                           (gpointer) "HTTP/1.1 204 Kept\r\n" TUS
                                      "Upload-Offset: 67108864\r\n\r\n");
  facts = upload_case_send (self, "{'resumable': <['tus']>}");

  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "ProtocolError");
  g_assert_cmpuint (upload_case_get_number (facts, "body-sent"), <, HUGE_SIZE);
}

/* A byte of each question is kept. */
typedef struct
{
  guint n_questions;
  guint n_kept;
} Miser;

static char *
keep_a_byte (const char *head, const guint8 *body, gsize n_body, gpointer user_data)
{
  Miser *miser = user_data;

  if (g_str_has_prefix (head, "OPTIONS"))
    return g_strdup (TUS_ABLE);
  if (g_str_has_prefix (head, "POST"))
    return g_strdup (TUS_MADE);
  if (body == NULL)
    return NULL;
  miser->n_questions++;
  return g_strdup_printf ("HTTP/1.1 204 Kept\r\n" TUS "Upload-Offset: %u\r\n\r\n",
                          ++miser->n_kept);
}

/* Fault (server): of all that is sent, one byte is kept, again and again | Proves: the
 * attempt ends long before a line is worn out by it */
static void
test_miser (UploadCase *self, gconstpointer data)
{
  Miser miser = { 0 };

  script_sink_set_handler (self->sink, keep_a_byte, &miser);
  g_assert_cmpstr (
      worker_fixture_get_error (upload_case_send (self, "{'resumable': <['tus']>}")),
      ==,
      "ProtocolError");
  g_assert_cmpuint (miser.n_questions, <, 64);
}

/* Fault (server): protocols are switched unasked, and it is said twice that the body is
 * wanted | Proves: it is sent once, and the answer is waited for */
static void
test_odd_interims (UploadCase *self, gconstpointer data)
{
  script_sink_plan (self->sink,
                    "/x",
                    &(SinkPlan){ .interim = "HTTP/1.1 101 Switching Protocols\r\n"
                                            "Connection: upgrade\r\nUpgrade: x\r\n\r\n"
                                            "HTTP/1.1 100 Continue\r\n\r\n"
                                            "HTTP/1.1 100 Continue\r\n\r\n" });
  g_assert_cmpstr (
      worker_fixture_get_error (upload_case_send (self, "{'expect-continue': <true>}")),
      ==,
      "");
  upload_case_assert_whole (self, 0);
}

#define STORY_TEST(name, function)                                                       \
  g_test_add ("/worker-upload/hostile/" name,                                            \
              StoryCase,                                                                 \
              NULL,                                                                      \
              story_set_up,                                                              \
              function,                                                                  \
              story_tear_down)
#define CASE_TEST(name, size, function)                                                  \
  g_test_add ("/worker-upload/hostile/" name,                                            \
              UploadCase,                                                                \
              GSIZE_TO_POINTER (size),                                                   \
              upload_case_set_up,                                                        \
              function,                                                                  \
              upload_case_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  story_add_tests ("/worker-upload/hostile/", stories, G_N_ELEMENTS (stories));
  STORY_TEST ("sent-between", test_sent_between);
  STORY_TEST ("long-place", test_long_place);
  CASE_TEST ("flood-of-limits", HUGE_SIZE, test_flood_of_limits);
  CASE_TEST ("more-than-sent", HUGE_SIZE, test_more_than_sent);
  CASE_TEST ("more-when-asked", HUGE_SIZE, test_more_when_asked);
  CASE_TEST ("early-tus", HUGE_SIZE, test_early_tus);
  CASE_TEST ("miser", 4 * 1024 * 1024, test_miser);
  CASE_TEST ("odd-interims", 1024 * 1024, test_odd_interims);
  return g_test_run ();
}
