/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The chunked transfer coding, read by ourselves: it is the proof that an answer is whole
 * (law 10), and libsoup's reader gives none.  Up to 3.2.3 at least it reports a
 * connection that ends between two chunks, a chunk size that is no number, and a missing
 * last line as the proper end of the body.  Bounded: nothing is kept but a few counters.
 */

#include "config.h"

#include "chunks.h"

#include "common/error.h"

#include <string.h>

#define EXTENSION_MAX 4096
#define TRAILERS_MAX (64 * 1024)

static gboolean
add_digit (TrwChunks *self, int digit)
{
  if (self->left > (G_MAXINT64 >> 4))
    return FALSE;
  self->left = (self->left << 4) | (guint64)digit;
  self->n_digits++;
  return self->n_digits <= 64;
}

static void
end_size_line (TrwChunks *self)
{
  self->state = self->left > 0 ? TRW_CHUNKS_DATA : TRW_CHUNKS_TRAILER_START;
  self->n_digits = 0;
  self->n_overhead = 0;
}

static gboolean
take_size (TrwChunks *self, guint8 byte)
{
  int digit = g_ascii_xdigit_value ((char)byte);

  if (digit >= 0)
    return add_digit (self, digit);
  if (self->n_digits == 0)
    return FALSE;
  if (byte == '\r')
    self->state = TRW_CHUNKS_SIZE_LF;
  else if (byte == '\n')
    end_size_line (self);
  else if (byte == ';' || byte == ' ' || byte == '\t')
    self->state = TRW_CHUNKS_EXTENSION;
  else
    return FALSE;
  return TRUE;
}

static gboolean
take_extension (TrwChunks *self, guint8 byte)
{
  if (byte == '\n')
    end_size_line (self);
  else
    self->n_overhead++;
  return self->n_overhead <= EXTENSION_MAX;
}

static gboolean
take_after_data (TrwChunks *self, guint8 byte)
{
  if (byte == '\r' && self->state == TRW_CHUNKS_DATA_CR)
    self->state = TRW_CHUNKS_DATA_LF;
  else if (byte == '\n')
    self->state = TRW_CHUNKS_SIZE;
  else
    return FALSE;
  return TRUE;
}

static gboolean
take_trailer (TrwChunks *self, guint8 byte)
{
  if (self->state == TRW_CHUNKS_TRAILER_START && byte == '\r')
    self->state = TRW_CHUNKS_LAST_LF;
  else if (self->state == TRW_CHUNKS_TRAILER_START && byte == '\n')
    self->state = TRW_CHUNKS_DONE;
  else if (byte == '\n')
    self->state = TRW_CHUNKS_TRAILER_START;
  else
    self->state = TRW_CHUNKS_TRAILER;
  return ++self->n_overhead <= TRAILERS_MAX;
}

static gboolean
take_line_end (TrwChunks *self, guint8 byte)
{
  if (byte != '\n')
    return FALSE;
  if (self->state == TRW_CHUNKS_SIZE_LF)
    end_size_line (self);
  else
    self->state = TRW_CHUNKS_DONE;
  return TRUE;
}

/* One byte of framing; FALSE when it is none. */
static gboolean
take_byte (TrwChunks *self, guint8 byte)
{
  switch (self->state)
    {
    case TRW_CHUNKS_SIZE:
      return take_size (self, byte);
    case TRW_CHUNKS_EXTENSION:
      return take_extension (self, byte);
    case TRW_CHUNKS_DATA_CR:
    case TRW_CHUNKS_DATA_LF:
      return take_after_data (self, byte);
    case TRW_CHUNKS_TRAILER_START:
    case TRW_CHUNKS_TRAILER:
      return take_trailer (self, byte);
    case TRW_CHUNKS_SIZE_LF:
    case TRW_CHUNKS_LAST_LF:
      return take_line_end (self, byte);
    case TRW_CHUNKS_DATA:
    case TRW_CHUNKS_DONE:
      break;
    }
  g_assert_not_reached ();
}

gboolean
trw_chunks_decode (TrwChunks *self,
                   guint8 *data,
                   gsize length,
                   gsize *out_length,
                   gsize *out_n_consumed,
                   GError **error)
{
  gsize n_read = 0;
  gsize n_body = 0;

  while (n_read < length && self->state != TRW_CHUNKS_DONE)
    {
      if (self->state == TRW_CHUNKS_DATA)
        {
          gsize n = MIN (self->left, length - n_read);

          memmove (data + n_body, data + n_read, n);
          n_read += n;
          n_body += n;
          self->left -= n;
          if (self->left == 0)
            self->state = TRW_CHUNKS_DATA_CR;
        }
      else if (!take_byte (self, data[n_read++]))
        {
          g_set_error_literal (error,
                               TRUNDLE_ERROR,
                               TRUNDLE_ERROR_PROTOCOL_ERROR,
                               "The server's chunks make no sense");
          return FALSE;
        }
    }
  *out_length = n_body;
  *out_n_consumed = n_read;
  return TRUE;
}
