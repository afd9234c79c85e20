/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "script-sink.h"
#include "worker-fixture.h"

/* An upload of "Hello" by the real worker, told request by request. */

#define STORY_STEPS_MAX 8

/* One request: lines of its head that must be there, or with "!" must not, and what it is
 * answered with.  An answer of "" is none: the connection is closed. */
typedef struct
{
  const char *asked;
  const char *interim;
  const char *answer;
  guint64 take;        /* bytes of the body; 0 for all */
  gboolean breaks_off; /* the connection is closed after this answer */
} Step;

typedef struct
{
  const char *name;
  const char *keys;   /* (nullable): further ones of Begin */
  const char *upload; /* (nullable): a place, with %s for the server */
  Step steps[STORY_STEPS_MAX];
  const char *error;   /* of Done; "" for none */
  const char *content; /* (nullable): of the part */
  const char *dialect; /* (nullable): that was learned */
  guint64 confirmed;
  gboolean keeps; /* a place to go on at */
} Story;

typedef struct
{
  ScriptSink *sink;
  WorkerFixture *worker;
  char *url; /* of the sink: /x */
  GTlsCertificate
      *certificate; /* (owned) (nullable): of the sink, for tests to have one */
} StoryCase;

void
story_set_up (StoryCase *self, gconstpointer data);
void
story_tear_down (StoryCase *self, gconstpointer data);

/* @sink answers as @steps have it, one after the other; all that comes after is cut. */
guint
story_plan (ScriptSink *sink, const Step *steps);
/* Sends "Hello" by POST with @options, text of an a{sv}; the facts of Done.  (transfer
 * none) */
GVariant *
story_send (StoryCase *self, const char *options, guint64 *out_attempt);
void
story_assert_asked (const SinkRequest *request, const char *asked);

/* A test of its own for each. */
void
story_add_tests (const char *prefix, const Story *stories, guint n);
