/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The end of a connection within the head of an answer.  libsoup (3.2.3) takes the lines
 * that have come for all of it, and half a line for nonsense; and what it hands on does
 * not tell.  Behind the empty line of a head it reads no further, so that whatever end it
 * meets before is one within the head, or before it: that is made an error here, below
 * it.  A head that is whole is none of our business, even when the connection ends right
 * behind it, as those of HTTP/1.0 do and of servers that forget to say so.
 *
 * Within TLS the end has a word of its own, which does not come this way: whether it was
 * read is found out by asking for more, and letting nothing through.  A connection that
 * ends without that word, with which libsoup is content, does come this way.  What is
 * left is a server that ends in good order amid a line: that is nonsense still. */

#include "config.h"

#include "connection.h"

#include <string.h>

/* What any head begins with. */
#define BEGINNING "HTTP/"

/* Streams */

typedef enum
{
  GATE_OPEN,
  GATE_HEAD, /* what comes must not be the end */
  GATE_SHUT, /* nothing comes */
} Gate;

#define TRW_TYPE_HEAD_STREAM (trw_head_stream_get_type ())
G_DECLARE_FINAL_TYPE (
    TrwHeadStream, trw_head_stream, TRW, HEAD_STREAM, GFilterInputStream)

struct _TrwHeadStream
{
  GFilterInputStream parent_instance;
  int gate; /* Gate; atomic, as a handshake reads in a thread (glib-networking 2.74) */
  gsize n_begun;       /* so many bytes of the head are like BEGINNING */
  gboolean is_strange; /* it is none, and libsoup may tell of that */
};

static void
trw_head_stream_iface_init (GPollableInputStreamInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TrwHeadStream,
                               trw_head_stream,
                               G_TYPE_FILTER_INPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM,
                                                      trw_head_stream_iface_init))

static GInputStream *
get_base (gpointer self)
{
  return g_filter_input_stream_get_base_stream (G_FILTER_INPUT_STREAM (self));
}

static gssize
judge (TrwHeadStream *self, const char *buffer, gssize n, gsize count, GError **error)
{
  if (g_atomic_int_get (&self->gate) != GATE_HEAD)
    return n;
  for (gssize i = 0; i < n && self->n_begun < strlen (BEGINNING); i++)
    self->is_strange |= buffer[i] != BEGINNING[self->n_begun++];
  if (n != 0 || count == 0 || self->is_strange)
    return n;
  g_set_error_literal (error,
                       G_IO_ERROR,
                       G_IO_ERROR_CONNECTION_CLOSED,
                       "The connection ended before its answer");
  return -1;
}

static gssize
read_blocking (GInputStream *stream,
               void *buffer,
               gsize count,
               GCancellable *cancellable,
               GError **error)
{
  gssize n = g_input_stream_read (get_base (stream), buffer, count, cancellable, error);

  return judge (TRW_HEAD_STREAM (stream), buffer, n, count, error);
}

static gssize
read_nonblocking (GPollableInputStream *stream, void *buffer, gsize count, GError **error)
{
  gssize n;

  if (g_atomic_int_get (&TRW_HEAD_STREAM (stream)->gate) == GATE_SHUT)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "");
      return -1;
    }
  n = g_pollable_input_stream_read_nonblocking (
      G_POLLABLE_INPUT_STREAM (get_base (stream)), buffer, count, NULL, error);
  return judge (TRW_HEAD_STREAM (stream), buffer, n, count, error);
}

static gboolean
is_readable (GPollableInputStream *stream)
{
  return g_pollable_input_stream_is_readable (
      G_POLLABLE_INPUT_STREAM (get_base (stream)));
}

static GSource *
create_source (GPollableInputStream *stream, GCancellable *cancellable)
{
  g_autoptr (GSource) base = g_pollable_input_stream_create_source (
      G_POLLABLE_INPUT_STREAM (get_base (stream)), cancellable);

  return g_pollable_source_new_full (stream, base, NULL);
}

static void
trw_head_stream_iface_init (GPollableInputStreamInterface *iface)
{
  iface->read_nonblocking = read_nonblocking;
  iface->is_readable = is_readable;
  iface->create_source = create_source;
}

static void
trw_head_stream_class_init (TrwHeadStreamClass *class)
{
  G_INPUT_STREAM_CLASS (class)->read_fn = read_blocking;
}

static void
trw_head_stream_init (TrwHeadStream *self)
{
}

/* Connections */

#define INPUT "trundle-input"

static GInputStream *(*get_socket_input) (GIOStream *stream);

static GInputStream *
get_input_stream (GIOStream *stream)
{
  GInputStream *input = g_object_get_data (G_OBJECT (stream), INPUT);

  if (input != NULL)
    return input;
  /* It has nothing to close but what the connection closes itself. */
  input = g_object_new (TRW_TYPE_HEAD_STREAM,
                        "base-stream",
                        get_socket_input (stream),
                        "close-base-stream",
                        FALSE,
                        NULL);
  g_object_set_data_full (G_OBJECT (stream), INPUT, input, g_object_unref);
  return input;
}

/* A type of our own would be in better style, but there is no way to it: libsoup keeps
 * its GSocketClient to itself, and of two types that are registered for the same sockets
 * GLib (2.74) uses the second after it has freed what it knows of it. */
void
trw_connection_register (void)
{
  GIOStreamClass *class;

  if (get_socket_input != NULL)
    return;
  class = g_type_class_ref (G_TYPE_TCP_CONNECTION);
  get_socket_input = class->get_input_stream;
  class->get_input_stream = get_input_stream;
}

/* What @stream is led over, which it holds.  (transfer none) (nullable) */
static GIOStream *
get_below (GIOStream *stream)
{
  g_autoptr (GIOStream) below = NULL;

  if (G_IS_TCP_WRAPPER_CONNECTION (stream))
    return g_tcp_wrapper_connection_get_base_io_stream (
        G_TCP_WRAPPER_CONNECTION (stream));
  if (G_IS_TLS_CONNECTION (stream))
    g_object_get (stream, "base-io-stream", &below, NULL);
  return below;
}

/* (transfer none) (nullable) */
static TrwHeadStream *
find_input (GIOStream *stream)
{
  GInputStream *input;

  for (GIOStream *below = stream; below != NULL; below = get_below (below))
    stream = below;
  input = stream != NULL ? g_io_stream_get_input_stream (stream) : NULL;
  return TRW_IS_HEAD_STREAM (input) ? TRW_HEAD_STREAM (input) : NULL;
}

static void
set_gate (TrwHeadStream *input, Gate gate)
{
  if (input != NULL)
    g_atomic_int_set (&input->gate, (int)gate);
}

void
trw_connection_await_head (GIOStream *stream)
{
  TrwHeadStream *input = find_input (stream);

  if (input == NULL)
    return;
  /* What is in cipher is not looked at. */
  input->n_begun = get_below (stream) != NULL ? strlen (BEGINNING) : 0;
  input->is_strange = FALSE;
  set_gate (input, GATE_HEAD);
}

void
trw_connection_take_head (GIOStream *stream)
{
  set_gate (find_input (stream), GATE_OPEN);
}

GSocket *
trw_connection_find_socket (GIOStream *stream)
{
  while (stream != NULL && !G_IS_SOCKET_CONNECTION (stream))
    stream = get_below (stream);
  return stream != NULL ? g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream))
                        : NULL;
}

gboolean
trw_connection_has_tls_ended (GIOStream *stream)
{
  TrwHeadStream *below;
  gssize n;
  char byte;

  if (!G_IS_TLS_CONNECTION (stream))
    return FALSE;
  below = find_input (stream);
  if (below == NULL || g_atomic_int_get (&below->gate) != GATE_HEAD)
    return FALSE;
  set_gate (below, GATE_SHUT);
  n = g_pollable_input_stream_read_nonblocking (
      G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (stream)),
      &byte,
      sizeof byte,
      NULL,
      NULL);
  set_gate (below, GATE_HEAD);
  return n >= 0;
}
