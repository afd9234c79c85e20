/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The body of an answer, over a stream that gives what the test says, read for read: what
 * comes together with what depends on how busy a machine is. */

#include "config.h"

#include "body.h"

#include "common/error.h"

#include <string.h>

typedef enum
{
  BLOCK, /* first: what is not said */
  RESET,
  END,
} Then;

typedef struct
{
  const char *name;
  TrwFraming framing;
  const char *reads[4]; /* one for each read */
  Then then;
  const char *body;
  int code; /* of TRUNDLE_ERROR, -1: any other, 0: none */
} Row;

#define LOST TRUNDLE_ERROR_CONNECTION_LOST
#define BROKEN TRUNDLE_ERROR_PROTOCOL_ERROR

static const Row rows[] = {
  { "chunked/whole",
    TRW_FRAMING_CHUNKED,
    { "5\r\nhello\r\n0\r\n\r\n" },
    BLOCK,
    "hello",
    0 },
  { "chunked/cut", TRW_FRAMING_CHUNKED, { "5\r\nhe" }, END, "he", LOST },
  { "chunked/reset/in-data", TRW_FRAMING_CHUNKED, { "5\r\nhe" }, RESET, "he", -1 },
  { "chunked/reset/later",
    TRW_FRAMING_CHUNKED,
    { "5\r\nhello\r", "\n", "6\r\n wor" },
    RESET,
    "hello wor",
    -1 },
  { "chunked/reset/in-size",
    TRW_FRAMING_CHUNKED,
    { "5\r\nhello\r\n6" },
    RESET,
    "hello",
    -1 },
  { "chunked/reset/after-the-last",
    TRW_FRAMING_CHUNKED,
    { "5\r\nhello\r\n", "0\r\n\r\n" },
    RESET,
    "hello",
    0 },
  { "chunked/reset/excess", TRW_FRAMING_CHUNKED, { "0\r\n\r\nmore" }, RESET, "", BROKEN },
  { "chunked/reset/no-chunk", TRW_FRAMING_CHUNKED, { "hello" }, RESET, "", BROKEN },
  { "length/reset", TRW_FRAMING_LENGTH, { "hello", " wo" }, RESET, "hello wo", -1 },
  { "length/cut", TRW_FRAMING_LENGTH, { "hello" }, END, "hello", LOST },
  { "close/reset", TRW_FRAMING_CLOSE, { "hello" }, RESET, "hello", -1 },
  { "close/end", TRW_FRAMING_CLOSE, { "hello" }, END, "hello", 0 },
};

/* ---- a stream with the name of libsoup's, which is all of it that is looked at ---- */

typedef struct
{
  GFilterInputStream parent;
  const Row *row;
  guint n_reads;
} SoupFilterInputStream;

typedef GFilterInputStreamClass SoupFilterInputStreamClass;

GType
soup_filter_input_stream_get_type (void);

static void
init_pollable (GPollableInputStreamInterface *interface);

G_DEFINE_TYPE_WITH_CODE (SoupFilterInputStream,
                         soup_filter_input_stream,
                         G_TYPE_FILTER_INPUT_STREAM,
                         G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM,
                                                init_pollable))

static gssize
read_nonblocking (GPollableInputStream *stream, void *buffer, gsize count, GError **error)
{
  SoupFilterInputStream *self = (SoupFilterInputStream *)stream;
  const char *text = self->n_reads < G_N_ELEMENTS (self->row->reads)
                         ? self->row->reads[self->n_reads]
                         : NULL;
  gsize length;

  if (text == NULL && self->row->then == END)
    return 0;
  if (text == NULL)
    {
      g_set_error_literal (error,
                           G_IO_ERROR,
                           self->row->then == RESET ? G_IO_ERROR_CONNECTION_CLOSED
                                                    : G_IO_ERROR_WOULD_BLOCK,
                           "Nothing more");
      return -1;
    }

  self->n_reads++;
  length = strlen (text);
  g_assert_cmpuint (length, <=, count);
  memcpy (buffer, text, length);
  return (gssize)length;
}

static GSource *
create_source (GPollableInputStream *stream, GCancellable *cancellable)
{
  return g_pollable_source_new (G_OBJECT (stream));
}

static void
init_pollable (GPollableInputStreamInterface *interface)
{
  interface->read_nonblocking = read_nonblocking;
  interface->create_source = create_source;
}

static void
soup_filter_input_stream_class_init (SoupFilterInputStreamClass *class)
{
}

static void
soup_filter_input_stream_init (SoupFilterInputStream *self)
{
}

/* ---- who reads ---- */

typedef struct
{
  GString *body;
  GError *error;
  gboolean has_ended;
} Reader;

static gboolean
on_write (const guint8 *data, gsize length, gpointer user_data)
{
  Reader *self = user_data;

  g_string_append_len (self->body, (const char *)data, (gssize)length);
  return TRUE;
}

static void
on_ended (const GError *error, gpointer user_data)
{
  Reader *self = user_data;

  g_assert_false (self->has_ended);
  self->has_ended = TRUE;
  if (error != NULL)
    self->error = g_error_copy (error);
}

static const TrwBodySink sink = { on_write, on_ended };

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  Reader reader = { .body = g_string_new (NULL) };
  g_autoptr (GInputStream) below = g_memory_input_stream_new ();
  g_autoptr (GInputStream) stream = g_object_new (
      soup_filter_input_stream_get_type (), "base-stream", below, NULL);
  g_autoptr (TrwBody) body = NULL;

  ((SoupFilterInputStream *)stream)->row = row;
  body = trw_body_new (stream, row->framing, strlen ("hello world"), &sink, &reader);
  trw_body_start (body);
  while (!reader.has_ended)
    g_main_context_iteration (NULL, TRUE);

  g_assert_cmpstr (reader.body->str, ==, row->body);
  if (row->code == 0)
    g_assert_no_error (reader.error);
  else if (row->code > 0)
    g_assert_error (reader.error, TRUNDLE_ERROR, row->code);
  else
    g_assert_error (reader.error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
  g_clear_error (&reader.error);
  g_string_free (reader.body, TRUE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strdup_printf ("/answer-body/%s", rows[i].name);

      g_test_add_data_func (path, &rows[i], test_row);
    }

  return g_test_run ();
}
