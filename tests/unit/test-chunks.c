/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "chunks.h"

#include "common/error.h"

#include <string.h>

typedef struct
{
  const char *name;
  const char *wire;
  const char *body; /* NULL: a protocol error */
  gboolean is_done;
  gsize n_excess;
} Row;

static const Row rows[] = {
  { "one", "5\r\nhello\r\n0\r\n\r\n", "hello", TRUE, 0 },
  { "two", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world", TRUE, 0 },
  { "none", "0\r\n\r\n", "", TRUE, 0 },
  { "hex", "a\r\n0123456789\r\n000\r\n\r\n", "0123456789", TRUE, 0 },
  { "capital", "A\r\n0123456789\r\n0\r\n\r\n", "0123456789", TRUE, 0 },
  { "extension", "5;name=value\r\nhello\r\n0;last\r\n\r\n", "hello", TRUE, 0 },
  { "blank-after-size", "5  \r\nhello\r\n0\r\n\r\n", "hello", TRUE, 0 },
  { "trailers", "5\r\nhello\r\n0\r\nA: b\r\nC: d\r\n\r\n", "hello", TRUE, 0 },
  { "line-feeds", "5\nhello\n0\n\n", "hello", TRUE, 0 },
  { "excess", "0\r\n\r\nHTTP", "", TRUE, 4 },
  { "cut/in-data", "5\r\nhel", "hel", FALSE, 0 },
  { "cut/after-data", "5\r\nhello", "hello", FALSE, 0 },
  { "cut/between-chunks", "5\r\nhello\r\n", "hello", FALSE, 0 },
  { "cut/before-last-line", "5\r\nhello\r\n0\r\n", "hello", FALSE, 0 },
  { "cut/in-trailers", "5\r\nhello\r\n0\r\nA: b\r\n", "hello", FALSE, 0 },
  { "bad/no-number", "zzz\r\nhello\r\n", NULL, FALSE, 0 },
  { "bad/empty-size", "\r\nhello\r\n", NULL, FALSE, 0 },
  { "bad/negative", "-5\r\nhello\r\n", NULL, FALSE, 0 },
  { "bad/prefix", "0x5\r\nhello\r\n", NULL, FALSE, 0 },
  { "bad/huge", "fffffffffffffffff\r\n", NULL, FALSE, 0 },
  { "bad/data-longer-than-said", "3\r\nhello\r\n0\r\n\r\n", NULL, FALSE, 0 },
  { "bad/carriage-return", "5\rhello\r\n", NULL, FALSE, 0 },
};

/* Feeds @step bytes at a time: the result must not depend on where reads end. */
static void
check_row (const Row *row, gsize step)
{
  TrwChunks chunks = { 0 };
  g_autoptr (GString) body = g_string_new (NULL);
  gsize length = strlen (row->wire);
  gsize n_used = 0;
  gboolean is_good = TRUE;

  while (is_good && n_used < length && chunks.state != TRW_CHUNKS_DONE)
    {
      guint8 buffer[256];
      gsize n = MIN (step, length - n_used);
      gsize n_body = 0;
      gsize n_consumed = 0;
      g_autoptr (GError) error = NULL;

      memcpy (buffer, row->wire + n_used, n);
      is_good = trw_chunks_decode (&chunks, buffer, n, &n_body, &n_consumed, &error);
      if (!is_good)
        g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_PROTOCOL_ERROR);
      g_string_append_len (body, (const char *)buffer, (gssize)n_body);
      n_used += n_consumed;
    }
  g_assert_cmpint (is_good, ==, row->body != NULL);
  if (!is_good)
    return;
  g_assert_cmpstr (body->str, ==, row->body);
  g_assert_cmpint (chunks.state == TRW_CHUNKS_DONE, ==, row->is_done);
  g_assert_cmpuint (length - n_used, ==, row->n_excess);
}

static void
test_row (gconstpointer data)
{
  for (gsize step = 1; step < 100; step++)
    check_row (data, step);
}

/* What never ends must not cost memory or time without end. */
static void
test_floods (void)
{
  static const char *const starts[] = { "5;", "0\r\nA: ", "" };

  for (guint i = 0; i < G_N_ELEMENTS (starts); i++)
    {
      TrwChunks chunks = { 0 };
      guint8 buffer[1024];
      gsize n_body;
      gsize n_consumed;
      gsize total = strlen (starts[i]);

      memcpy (buffer, starts[i], total);
      while (trw_chunks_decode (&chunks, buffer, total, &n_body, &n_consumed, NULL))
        {
          total = sizeof buffer;
          memset (buffer, '0', sizeof buffer);
          g_assert_cmpuint (chunks.n_overhead, <=, 128 * 1024);
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/chunks/", rows[i].name, NULL);

      g_test_add_data_func (path, &rows[i], test_row);
    }
  g_test_add_func ("/chunks/floods", test_floods);
  return g_test_run ();
}
