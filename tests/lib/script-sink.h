/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* A server on loopback that takes bodies, as far as it is told, and keeps what it was
 * sent.  Without a plan it takes the whole and answers 201 with the body "taken". */

typedef enum
{
  SINK_KEEP,   /* waits for the next request */
  SINK_CLOSE,  /* hangs up */
  SINK_RESET,  /* the same, by RST */
  SINK_CUT,    /* the same, and below TLS without a word of it */
  SINK_LINGER, /* reads on until the client has gone, and counts it as `late` */
  SINK_STALL,  /* neither reads nor writes until the client has gone, or the test ends */
} SinkEnd;

typedef struct
{
  const char *interim;      /* (nullable): sent at the head, before the body is read */
  guint64 interim_every;    /* so many bytes; 0 for never */
  const char *interim_on;   /* (nullable): what is sent then; "%u" becomes the offset */
  gboolean refuses;         /* takes nothing of the body, */
  guint64 take;             /* or so much; 0 for all */
  guint64 bytes_per_second; /* 0 as fast as it can */
  guint think_ms;           /* before it answers */
  const char *answer;       /* (nullable): 201 */
  SinkEnd end;
  guint n_uses; /* then the plan before holds; 0 for ever */
} SinkPlan;

/* What came. */
typedef struct
{
  char *head;
  guint64 declared; /* Content-Length; G_MAXUINT64 for none */
  guint64 n_body;   /* bytes that came of it */
  char *sha256;     /* of these */
  guint64 late;
  guint connection; /* from 1 */
} SinkRequest;

typedef struct _ScriptSink ScriptSink;

/* @certificate: (nullable): speaks TLS with it. */
ScriptSink *
script_sink_new (GTlsCertificate *certificate);
void
script_sink_free (ScriptSink *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScriptSink, script_sink_free)

/* The strings are copied. */
void
script_sink_plan (ScriptSink *self, const char *path, const SinkPlan *plan);

/* The whole answer to a request: its @head, and how much of its body was taken.  Asked
 * before the plans, with the head alone (@n_body 0) and again when it is NULL and the
 * body is there; in any thread, one at a time.  (transfer full) (nullable) */
typedef char *(*SinkHandler) (const char *head,
                              const guint8 *body,
                              gsize n_body,
                              gpointer user_data);
void
script_sink_set_handler (ScriptSink *self, SinkHandler handler, gpointer user_data);

guint16
script_sink_get_port (ScriptSink *self);
/* (transfer full) */
char *
script_sink_url (ScriptSink *self, const char *path);

guint
script_sink_count (ScriptSink *self);
/* Awaits the @i-th request, ended as far as it is read; from 0.  (transfer none): until
 * the sink is freed */
const SinkRequest *
script_sink_await (ScriptSink *self, guint i);
