/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the body of an answer from the main loop: fill one large buffer, which all bodies
 * share since a fill never outlives a wakeup, hand it on in one piece, at most 1 MiB a
 * wakeup.  It alone decides where a body ends (law 10):
 *
 * - by length: libsoup 3.2.3 ends a short body without an error when the connection is
 * not kept alive, so bytes are counted; and it never shows what comes after the last, so
 * the stream below is asked.
 * - chunked: read from the stream below SoupBodyInputStream and decoded in chunks.c,
 * which says why.  libsoup does not see the end then and drops the connection; reusing it
 *   would be wrong anyway, since 3.2.3 leaves trailers in it, for the next answer to
 * begin with. */

#include "config.h"

#include "body.h"

#include "chunks.h"
#include "common/error.h"

#define BUFFER_SIZE (256 * 1024)
#define BUFFER_SIZE_SMALL (64 * 1024)
#define SMALL_BODY (1024 * 1024)
#define WAKEUP_MAX (1024 * 1024)

struct _TrwBody
{
  GPollableInputStream *stream; /* (owned): what is read */
  GPollableInputStream *wire;   /* (owned) (nullable): below the framing */
  TrwFraming framing;
  guint64 length;
  const TrwBodySink *sink; /* (unowned), static */
  gpointer user_data;      /* (unowned), outlives us */
  GSource *source;         /* (owned) (nullable): wakes us when there is more */
  GSource *again;          /* (owned) (nullable): goes on at the next turn */
  gboolean is_reading;
  TrwChunks chunks;
  guint64 received;
  gsize buffer_size;
};

typedef enum
{
  FILL_FULL,
  FILL_WOULD_BLOCK,
  FILL_END,
  FILL_ERROR,
} Fill;

static guint8 *shared_buffer;

/* The stream that holds the bytes as they came: SoupClientInputStream over
 * SoupBodyInputStream over SoupFilterInputStream.  Names are all that is public of these;
 * NULL when a libsoup stacks them otherwise. */
static GPollableInputStream *
find_wire (GInputStream *stream)
{
  while (G_IS_FILTER_INPUT_STREAM (stream))
    {
      if (g_str_equal (G_OBJECT_TYPE_NAME (stream), "SoupFilterInputStream"))
        return g_object_ref (G_POLLABLE_INPUT_STREAM (stream));
      stream = g_filter_input_stream_get_base_stream (G_FILTER_INPUT_STREAM (stream));
    }
  return NULL;
}

TrwBody *
trw_body_new (GInputStream *stream,
              TrwFraming framing,
              guint64 length,
              const TrwBodySink *sink,
              gpointer user_data)
{
  TrwBody *self = g_new0 (TrwBody, 1);

  self->framing = framing;
  self->length = length;
  self->sink = sink;
  self->user_data = user_data;
  self->wire = find_wire (stream);
  if (framing == TRW_FRAMING_CHUNKED && self->wire != NULL)
    self->stream = g_object_ref (self->wire);
  else
    self->stream = g_object_ref (G_POLLABLE_INPUT_STREAM (stream));
  self->buffer_size = BUFFER_SIZE;
  if (framing == TRW_FRAMING_LENGTH && length <= SMALL_BODY)
    self->buffer_size = BUFFER_SIZE_SMALL;
  if (shared_buffer == NULL)
    shared_buffer = g_malloc (BUFFER_SIZE);
  return self;
}

void
trw_body_free (TrwBody *self)
{
  trw_body_pause (self);
  g_clear_object (&self->stream);
  g_clear_object (&self->wire);
  g_free (self);
}

static void
set_lost (GError **error)
{
  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_CONNECTION_LOST,
                       "The connection ended before the answer was whole");
}

/* Whether the end of the stream was the end of the body. */
static gboolean
check_end (TrwBody *self, GError **error)
{
  switch (self->framing)
    {
    case TRW_FRAMING_EMPTY:
      return TRUE;
    case TRW_FRAMING_LENGTH:
      if (self->received == self->length)
        return TRUE;
      set_lost (error);
      return FALSE;
    case TRW_FRAMING_CHUNKED:
      if (self->chunks.state == TRW_CHUNKS_DONE)
        return TRUE;
      set_lost (error);
      return FALSE;
    case TRW_FRAMING_CLOSE:
      /* libsoup 3.2.3 takes headers that break off for whole ones, and the body is empty
       * then. */
      if (self->received > 0)
        return TRUE;
      set_lost (error);
      return FALSE;
    }
  g_assert_not_reached ();
}

/* What the server sent behind the body it declared. */
static gboolean
check_excess (TrwBody *self, GError **error)
{
  guint8 byte;

  if (self->framing != TRW_FRAMING_LENGTH || self->wire == NULL)
    return TRUE;
  if (g_pollable_input_stream_read_nonblocking (self->wire, &byte, 1, NULL, NULL) <= 0)
    return TRUE;
  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_PROTOCOL_ERROR,
                       "The server sent more than it declared");
  return FALSE;
}

static Fill
fill_buffer (TrwBody *self, gsize *out_length, GError **error)
{
  gsize length = 0;

  while (length < self->buffer_size)
    {
      g_autoptr (GError) local_error = NULL;
      gssize n = g_pollable_input_stream_read_nonblocking (self->stream,
                                                           shared_buffer + length,
                                                           self->buffer_size - length,
                                                           NULL,
                                                           &local_error);

      *out_length = length;
      if (n == 0)
        return FILL_END;
      if (n < 0 && g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        return FILL_WOULD_BLOCK;
      if (n < 0)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FILL_ERROR;
        }
      length += (gsize)n;
      *out_length = length;
    }
  return FILL_FULL;
}

/* Takes the framing out of what was read, however the reading ended: what came before a
 * reset is framed like the rest.  A body that ends with it is whole, and what is wrong
 * with the connection after it is nobody's matter. */
static void
decode (TrwBody *self, gsize *length, Fill *fill, GError **error)
{
  gsize n_read = *length;
  gsize n_consumed;
  g_autoptr (GError) local_error = NULL;

  if (self->framing != TRW_FRAMING_CHUNKED || n_read == 0)
    return;
  *length = 0;
  if (trw_chunks_decode (
          &self->chunks, shared_buffer, n_read, length, &n_consumed, &local_error)
      && n_consumed < n_read)
    g_set_error_literal (&local_error,
                         TRUNDLE_ERROR,
                         TRUNDLE_ERROR_PROTOCOL_ERROR,
                         "The server sent more than the last chunk");
  if (local_error == NULL && self->chunks.state != TRW_CHUNKS_DONE)
    return;
  *fill = local_error != NULL ? FILL_ERROR : FILL_END;
  g_clear_error (error);
  *error = g_steal_pointer (&local_error);
}

/* Calls `ended`, which may free @self. */
static void
end (TrwBody *self, const GError *error)
{
  trw_body_pause (self);
  self->sink->ended (error, self->user_data);
}

/* The last byte was read, the end not yet: nothing will come that would wake us for it
 * (SoupBodyInputStream 3.2.3 sees the end of a declared length only when read again). */
static gboolean
is_at_end (TrwBody *self)
{
  return self->framing == TRW_FRAMING_LENGTH && self->received == self->length;
}

typedef enum
{
  PUMP_WAIT,  /* for the server */
  PUMP_AGAIN, /* others first */
  PUMP_OVER,  /* paused, or ended, and @self may be gone */
} Pump;

/* One wakeup. */
static Pump
pump (TrwBody *self)
{
  gsize n_this_time = 0;
  Fill fill = FILL_FULL;

  while (fill == FILL_FULL && (n_this_time < WAKEUP_MAX || is_at_end (self)))
    {
      g_autoptr (GError) error = NULL;
      gsize length = 0;

      fill = fill_buffer (self, &length, &error);
      n_this_time += length;
      decode (self, &length, &fill, &error);
      self->received += length;
      if (length > 0 && !self->sink->write (shared_buffer, length, self->user_data))
        return PUMP_OVER;
      if (fill == FILL_END && check_end (self, &error))
        check_excess (self, &error);
      if (fill == FILL_END || fill == FILL_ERROR)
        {
          end (self, error);
          return PUMP_OVER;
        }
      /* The sink may have asked for a pause. */
      if (!self->is_reading)
        return PUMP_OVER;
    }
  return fill == FILL_WOULD_BLOCK ? PUMP_WAIT : PUMP_AGAIN;
}

static void
run (TrwBody *self);

static gboolean
on_readable (GPollableInputStream *stream, gpointer user_data)
{
  TrwBody *self = user_data;

  run (self);
  return G_SOURCE_CONTINUE;
}

/* Made when there is nothing left to read: one made while SoupFilterInputStream (3.2.3)
 * has bytes in its buffer fires for ever.  Kept, since adding and removing a descriptor
 * each costs a write() and a read() to wake the loop (GLib 2.74). */
static void
wait_for_more (TrwBody *self)
{
  if (self->source != NULL)
    return;
  self->source = g_pollable_input_stream_create_source (self->stream, NULL);
  g_source_set_can_recurse (self->source, TRUE);
  g_source_set_callback (self->source, G_SOURCE_FUNC (on_readable), self, NULL);
  g_source_attach (self->source, NULL);
}

static gboolean
on_again (gpointer user_data)
{
  TrwBody *self = user_data;

  g_clear_pointer (&self->again, g_source_unref);
  run (self);
  return G_SOURCE_REMOVE;
}

/* By the loop, whatever the socket says: TLS may hold bytes it has decrypted already. And
 * without asking the socket: dispatching a source costs the same writes again. */
static void
go_on_later (TrwBody *self)
{
  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  self->again = g_idle_source_new ();
  g_source_set_priority (self->again, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->again, on_again, self, NULL);
  g_source_attach (self->again, NULL);
}

static void
run (TrwBody *self)
{
  if (self->framing == TRW_FRAMING_CHUNKED && self->wire == NULL)
    {
      g_autoptr (GError) error = NULL;

      g_set_error_literal (&error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_FAILED,
                           "This libsoup hides how a chunked answer ends");
      end (self, error);
      return;
    }
  switch (pump (self))
    {
    case PUMP_WAIT:
      wait_for_more (self);
      break;
    case PUMP_AGAIN:
      go_on_later (self);
      break;
    case PUMP_OVER:
      break;
    }
}

/* The first read comes from the loop too, so that nothing is called back from here. */
void
trw_body_start (TrwBody *self)
{
  if (self->is_reading)
    return;
  self->is_reading = TRUE;
  go_on_later (self);
}

void
trw_body_pause (TrwBody *self)
{
  self->is_reading = FALSE;
  if (self->source != NULL)
    g_source_destroy (self->source);
  if (self->again != NULL)
    g_source_destroy (self->again);
  g_clear_pointer (&self->source, g_source_unref);
  g_clear_pointer (&self->again, g_source_unref);
}

gboolean
trw_body_is_readable (TrwBody *self)
{
  return g_pollable_input_stream_is_readable (self->stream);
}
