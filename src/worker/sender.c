/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sends what libsoup does not: its messages have no body for requests such as these, and
 * it reads the answer from the moment the head of the request is out (3.2.3), so that
 * interim and early answers are heard.  One buffer serves all senders: what a full
 * connection left over stays in it until another needs it, and is read again then.
 *
 * The last byte is only written once the files were found to be what they were (law 10):
 * without it no server has the whole, and none can mistake a mix for what was asked for.
 */

#include "config.h"

#include "sender.h"

#include "connection.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define BUFFER_SIZE (256 * 1024)

/* So many bytes, then others have their turn. */
#define WAKEUP_MAX (1024 * 1024)

static struct
{
  guint8 *data;      /* (owned) (nullable) */
  TrwSender *reader; /* (unowned) (nullable): whose bytes these are */
  guint64 begin;     /* of its range, which of them */
  gsize length;
} shared;

struct _TrwSender
{
  TrwPieces *pieces; /* (unowned), outlives us */
  guint64 offset;
  guint64 length;
  guint64 n_sent;
  const TrwSenderSink *sink; /* (unowned), static */
  gpointer user_data;        /* (unowned), outlives us */
  GIOStream *connection;     /* (owned) (nullable): once it is started */
  GSource *source;           /* (owned) (nullable): while there is more to write */
};

static void
stop (TrwSender *self)
{
  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
}

/* Reads what follows into the shared buffer, unless it has some of it. */
static gboolean
fill (TrwSender *self, GError **error)
{
  gsize length = (gsize)MIN (self->length - self->n_sent, BUFFER_SIZE);

  if (shared.reader == self && self->n_sent < shared.begin + shared.length)
    return TRUE;
  shared.reader = NULL;
  if (!trw_pieces_read (
          self->pieces, self->offset + self->n_sent, shared.data, length, error))
    return FALSE;
  shared.reader = self;
  shared.begin = self->n_sent;
  shared.length = length;
  return TRUE;
}

/* The next bytes: NULL with @error. */
static const guint8 *
get_next (TrwSender *self, gsize *out_length, GError **error)
{
  if (!fill (self, error))
    return NULL;
  *out_length = (gsize)(shared.begin + shared.length - self->n_sent);
  /* Behind the reading: what was read before a change is not what it was checked for. */
  if (*out_length == self->length - self->n_sent
      && !trw_pieces_check (self->pieces, error))
    return NULL;
  return shared.data + (self->n_sent - shared.begin);
}

/* Writes of it what the connection takes. */
static gsize
write_bytes (TrwSender *self, const guint8 *data, gsize length, GError **error)
{
  GPollableOutputStream *out = G_POLLABLE_OUTPUT_STREAM (
      g_io_stream_get_output_stream (self->connection));
  gsize n_written = 0;

  while (n_written < length)
    {
      gssize n = g_pollable_output_stream_write_nonblocking (
          out, data + n_written, length - n_written, NULL, error);

      if (n < 0)
        break;
      n_written += (gsize)n;
    }
  self->n_sent += n_written;
  return n_written;
}

/* Until the connection takes no more just now, or no more at all. */
static void
write_some (TrwSender *self, gboolean *out_is_broken, GError **source_error)
{
  gsize n_written = 0;

  while (n_written < WAKEUP_MAX && !trw_sender_is_complete (self))
    {
      g_autoptr (GError) error = NULL;
      gsize length = 0;
      const guint8 *data = get_next (self, &length, source_error);

      if (data == NULL)
        return;
      n_written += write_bytes (self, data, length, &error);
      if (error == NULL)
        continue;
      *out_is_broken = !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
      return;
    }
}

static gboolean
on_writable (GObject *stream, gpointer user_data)
{
  TrwSender *self = user_data;
  g_autoptr (GError) error = NULL;
  guint64 n_before = self->n_sent;
  gboolean is_broken = FALSE;

  write_some (self, &is_broken, &error);
  if (is_broken || error != NULL || trw_sender_is_complete (self))
    stop (self);
  if (self->n_sent > n_before)
    self->sink->moved (self->user_data);
  if (error != NULL || trw_sender_is_complete (self))
    self->sink->ended (error, self->user_data);
  return G_SOURCE_CONTINUE;
}

TrwSender *
trw_sender_new (TrwPieces *pieces,
                guint64 offset,
                guint64 length,
                const TrwSenderSink *sink,
                gpointer user_data)
{
  TrwSender *self = g_new0 (TrwSender, 1);

  if (shared.data == NULL)
    shared.data = g_malloc (BUFFER_SIZE);
  self->pieces = pieces;
  self->offset = offset;
  self->length = length;
  self->sink = sink;
  self->user_data = user_data;
  return self;
}

void
trw_sender_free (TrwSender *self)
{
  stop (self);
  if (shared.reader == self)
    shared.reader = NULL;
  g_clear_object (&self->connection);
  g_free (self);
}

/* From the main loop only, also the first time: whoever starts us is told of nothing
 * before that call has ended. */
void
trw_sender_start (TrwSender *self, GIOStream *connection)
{
  g_return_if_fail (self->connection == NULL);

  self->connection = g_object_ref (connection);
  if (trw_sender_is_complete (self))
    return;
  self->source = g_pollable_output_stream_create_source (
      G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (connection)), NULL);
  g_source_set_callback (self->source, G_SOURCE_FUNC (on_writable), self, NULL);
  g_source_attach (self->source, NULL);
}

gboolean
trw_sender_is_started (TrwSender *self)
{
  return self->connection != NULL;
}

guint64
trw_sender_get_sent (TrwSender *self)
{
  return self->n_sent;
}

gboolean
trw_sender_is_complete (TrwSender *self)
{
  return self->n_sent == self->length;
}

gboolean
trw_sender_look (TrwSender *self, TrwFlow *out_flow)
{
  GSocket *socket = trw_connection_find_socket (self->connection);
  struct tcp_info info = { 0 };
  socklen_t length = sizeof info;

  if (socket == NULL
      || getsockopt (g_socket_get_fd (socket), IPPROTO_TCP, TCP_INFO, &info, &length) != 0
      || length < G_STRUCT_OFFSET (struct tcp_info, tcpi_min_rtt))
    return FALSE;
  out_flow->acknowledged = info.tcpi_bytes_acked;
  out_flow->has_more = info.tcpi_unacked > 0 || info.tcpi_notsent_bytes > 0;
  out_flow->quiet_us = (guint64)info.tcpi_last_ack_recv * 1000;
  return TRUE;
}
