/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "script-sink.h"
#include "worker-fixture.h"

/* A real worker, a sink, and something to be sent. */
typedef struct
{
  ScriptSink *sink;
  WorkerFixture *worker;
  char *url;    /* of the sink, "/x" */
  gsize size;   /* of the file */
  int source;   /* (owned): the file, in memory, no two parts of it alike */
  char *sha256; /* (owned): of it */
} UploadCase;

#define UPLOAD_CASE_SIZE (5 * 1024 * 1024 + 3)

/* @data: NULL, or the size of the file by GSIZE_TO_POINTER(). */
void
upload_case_set_up (UploadCase *self, gconstpointer data);
void
upload_case_tear_down (UploadCase *self, gconstpointer data);

/* With a sink of TLS. */
void
upload_case_use_tls (UploadCase *self, GTlsCertificate *certificate);

/* Begins to send the file to @url (nullable: that of the case). */
guint64
upload_case_begin (UploadCase *self, const char *url, const char *options);
/* The same, with what it is by fstat. */
guint64
upload_case_begin_watched (UploadCase *self, const char *options);
/* And to its end: its facts.  (transfer none) */
GVariant *
upload_case_send (UploadCase *self, const char *options);

/* Of facts; G_MAXUINT64 for none. */
guint64
upload_case_get_number (GVariant *facts, const char *key);
/* Whether Done says that the server may have seen something. */
gboolean
upload_case_is_sent (GVariant *facts);

/* The @i-th request brought the whole file. */
void
upload_case_assert_whole (UploadCase *self, guint i);
/* The answer. */
void
upload_case_assert_answer (UploadCase *self, guint64 attempt, const char *expected);
