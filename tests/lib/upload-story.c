/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "upload-story.h"

#include <string.h>

#define BODY "[{'bytes': <[byte 0x48, 0x65]>}, {'bytes': <[byte 0x6c, 0x6c, 0x6f]>}]"

void
story_set_up (StoryCase *self, gconstpointer data)
{
  self->sink = script_sink_new (NULL);
  self->worker = worker_fixture_new ();
  self->url = script_sink_url (self->sink, "/x");
}

void
story_tear_down (StoryCase *self, gconstpointer data)
{
  worker_fixture_free (self->worker);
  script_sink_free (self->sink);
  g_free (self->url);
}

/* The plan that was made last is used first. */
guint
story_plan (ScriptSink *sink, const Step *steps)
{
  guint n = 0;

  while (n < STORY_STEPS_MAX && steps[n].asked != NULL)
    n++;
  script_sink_plan (sink, "", &(SinkPlan){ .answer = "", .end = SINK_CLOSE });
  for (guint i = n; i > 0; i--)
    {
      const SinkPlan plan = {
        .interim = steps[i - 1].interim,
        .take = steps[i - 1].take,
        .answer = steps[i - 1].answer,
        .end = *steps[i - 1].answer == '\0' || steps[i - 1].breaks_off ? SINK_CLOSE
                                                                       : SINK_KEEP,
        .n_uses = 1,
      };

      script_sink_plan (sink, "", &plan);
    }
  return n;
}

static char *
make_options (StoryCase *self, const Story *story)
{
  g_autoptr (GString) options = g_string_new ("{'method': <'POST'>");

  if (story->keys == NULL || strstr (story->keys, "'resumable'") == NULL)
    g_string_append (options, ", 'resumable': <['ietf-8', 'ietf-6']>");
  if (story->keys != NULL)
    g_string_append_printf (options, ", %s", story->keys);
  if (story->upload != NULL)
    {
      g_autofree char *origin = script_sink_url (self->sink, "");

      g_string_append (options, ", 'upload': <");
      g_string_append (options, story->upload);
      g_string_replace (options, "%s", origin, 1);
      g_string_append (options, ">");
    }
  g_string_append (options, "}");
  return g_strdup (options->str);
}

void
story_assert_asked (const SinkRequest *request, const char *asked)
{
  g_auto (GStrv) lines = g_strsplit (asked, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autofree char *line = i == 0 ? g_strconcat (lines[i], " HTTP/1.1\r\n", NULL)
                                     : g_strdup_printf ("\r\n%s\r\n", lines[i]);

      if (*lines[i] != '!' && strstr (request->head, line) == NULL)
        g_error ("No “%s” in: %s", lines[i], request->head);
      g_free (line);
      line = g_strconcat ("\r\n", lines[i] + 1, NULL);
      if (*lines[i] == '!' && strstr (request->head, line) != NULL)
        g_error ("“%s” in: %s", lines[i], request->head);
    }
}

GVariant *
story_send (StoryCase *self, const char *options, guint64 *out_attempt)
{
  *out_attempt = worker_fixture_send (self->worker, self->url, options, BODY, NULL, 0);
  return worker_fixture_await_done (self->worker, *out_attempt);
}

static void
assert_facts (const Story *story, GVariant *facts)
{
  const char *dialect = NULL;
  guint64 confirmed = G_MAXUINT64;
  g_autoptr (GVariant) upload = g_variant_lookup_value (
      facts, "upload", G_VARIANT_TYPE_VARDICT);

  g_assert_cmpstr (worker_fixture_get_error (facts), ==, story->error);
  g_variant_lookup (facts, "dialect", "&s", &dialect);
  g_assert_cmpstr (dialect, ==, story->dialect);
  g_variant_lookup (facts, "body-confirmed", "t", &confirmed);
  g_assert_cmpuint (confirmed, ==, story->confirmed);
  g_assert_cmpint (
      upload != NULL && g_variant_lookup (upload, "url", "&s", NULL), ==, story->keeps);
}

static void
test_story (StoryCase *self, gconstpointer data)
{
  const Story *story = data;
  guint n = story_plan (self->sink, story->steps);
  g_autofree char *options = make_options (self, story);
  guint64 attempt;
  GVariant *facts = story_send (self, options, &attempt);

  for (guint i = 0; i < n && i < script_sink_count (self->sink); i++)
    story_assert_asked (script_sink_await (self->sink, i), story->steps[i].asked);
  assert_facts (story, facts);
  g_assert_cmpuint (script_sink_count (self->sink), ==, n);
  if (story->content != NULL)
    {
      g_autofree char *part = worker_fixture_read_part (self->worker, attempt, NULL);

      g_assert_cmpstr (part, ==, story->content);
    }
}

void
story_add_tests (const char *prefix, const Story *stories, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *path = g_strconcat (prefix, stories[i].name, NULL);

      g_test_add (
          path, StoryCase, &stories[i], story_set_up, test_story, story_tear_down);
    }
}
