/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* What ends a body (RFC 9112 §6.3). */
typedef enum
{
  TRW_FRAMING_EMPTY, /* HEAD, 204, 304: there is none, whatever the headers say */
  TRW_FRAMING_LENGTH,
  TRW_FRAMING_CHUNKED,
  TRW_FRAMING_CLOSE, /* the end of the connection, which proves nothing */
} TrwFraming;

/* Called from the main loop; the body may be freed in both. */
typedef struct
{
  /* Takes @length bytes; FALSE ends the reading, and `ended` is not called. */
  gboolean (*write) (const guint8 *data, gsize length, gpointer user_data);
  /* The last call.  @error: (nullable): NULL when the framing's end was seen. */
  void (*ended) (const GError *error, gpointer user_data);
} TrwBodySink;

typedef struct _TrwBody TrwBody;

/* @stream: what soup_session_send_finish() gave.  @length: with TRW_FRAMING_LENGTH. */
TrwBody *
trw_body_new (GInputStream *stream,
              TrwFraming framing,
              guint64 length,
              const TrwBodySink *sink,
              gpointer user_data);

/* No call comes afterwards. */
void
trw_body_free (TrwBody *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrwBody, trw_body_free)

/* Begins to read, or goes on after trw_body_pause(). */
void
trw_body_start (TrwBody *self);
void
trw_body_pause (TrwBody *self);

/* Something waits to be read: silence is not the server's. */
gboolean
trw_body_is_readable (TrwBody *self);
