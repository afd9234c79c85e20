/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

typedef enum
{
  TRW_CHUNKS_SIZE,
  TRW_CHUNKS_EXTENSION,
  TRW_CHUNKS_SIZE_LF,
  TRW_CHUNKS_DATA,
  TRW_CHUNKS_DATA_CR,
  TRW_CHUNKS_DATA_LF,
  TRW_CHUNKS_TRAILER_START,
  TRW_CHUNKS_TRAILER,
  TRW_CHUNKS_LAST_LF,
  TRW_CHUNKS_DONE,
} TrwChunksState;

/* A chunked body being read (RFC 9112 §7.1).  All zero is the beginning. */
typedef struct
{
  TrwChunksState state;
  guint64 left; /* size being read, or bytes of the chunk still to come */
  guint n_digits;
  guint n_overhead; /* of the line, or of all trailers */
} TrwChunks;

/* Takes the framing out of @data, in place: the first @out_length bytes are body then.
 * @out_n_consumed is less than @length when the body has ended before.  Errors:
 * TRUNDLE_ERROR_PROTOCOL_ERROR. */
gboolean
trw_chunks_decode (TrwChunks *self,
                   guint8 *data,
                   gsize length,
                   gsize *out_length,
                   gsize *out_n_consumed,
                   GError **error);
