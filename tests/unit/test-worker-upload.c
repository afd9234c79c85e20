/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the real worker sends: every byte of it, once for each time it is asked for, and
 * nothing of what has changed (law 10). */

#include "config.h"

#include "certificates.h"
#include "script-sink.h"
#include "worker-fixture.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB (1024 * 1024)

typedef struct
{
  ScriptSink *sink;
  WorkerFixture *worker;
  char *url;
} Case;

static void
set_up (Case *self, gconstpointer data)
{
  self->sink = script_sink_new (NULL);
  self->worker = worker_fixture_new ();
  self->url = script_sink_url (self->sink, "/x");
}

static void
tear_down (Case *self, gconstpointer data)
{
  worker_fixture_free (self->worker);
  script_sink_free (self->sink);
  g_free (self->url);
}

/* A file in memory, no two MiB of it alike. */
static int
make_source (gsize size, char **out_sha256)
{
  g_autofree guint32 *words = g_malloc0 (size + sizeof (guint32));
  g_autofree char *sha256 = NULL;
  int fd = memfd_create ("source", MFD_CLOEXEC);

  for (gsize i = 0; i < size / sizeof (guint32); i++)
    words[i] = (guint32)(i * 2654435761u);
  g_assert_cmpint (write (fd, words, size), ==, (gssize)size);
  sha256 = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *)words, size);
  *out_sha256 = g_steal_pointer (&sha256);
  return fd;
}

static guint64
get_number (GVariant *facts, const char *key)
{
  guint64 number = G_MAXUINT64;

  g_variant_lookup (facts, key, "t", &number);
  return number;
}

static void
assert_taken (Case *self, guint i, guint64 size, const char *sha256)
{
  const SinkRequest *request = script_sink_await (self->sink, i);

  g_assert_cmpuint (request->declared, ==, size);
  g_assert_cmpuint (request->n_body, ==, size);
  g_assert_cmpstr (request->sha256, ==, sha256);
}

static void
assert_answer (Case *self, guint64 attempt, const char *expected)
{
  g_autofree char *part = worker_fixture_read_part (self->worker, attempt, NULL);

  g_assert_cmpstr (part, ==, expected);
}

static void
test_file (Case *self, gconstpointer data)
{
  g_autofree char *sha256 = NULL;
  g_autofree char *pieces = NULL;
  const gsize size = 5 * MIB + 3;
  int fd = make_source (size, &sha256);
  guint64 attempt;
  GVariant *facts;

  pieces = g_strdup_printf (
      "[{'file': <handle 0>, 'offset': <uint64 0>, 'length': <uint64 %" G_GSIZE_FORMAT
      ">}]",
      size);
  attempt = worker_fixture_send (self->worker, self->url, NULL, pieces, &fd, 1);
  facts = worker_fixture_await_done (self->worker, attempt);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  g_assert_cmpuint (get_number (facts, "body-sent"), ==, size);
  g_assert_cmpuint (get_number (facts, "body-confirmed"), ==, size);
  assert_taken (self, 0, size, sha256);
  assert_answer (self, attempt, "taken");
}

/* Of several pieces, files named twice among them, the body is what they are together. */
static void
test_pieces (Case *self, gconstpointer data)
{
  const char *pieces = "[{'bytes': <b'one '>}, "
                       "{'file': <handle 0>, 'offset': <uint64 4>, 'length': <uint64 3>},"
                       "{'file': <handle 0>, 'offset': <uint64 0>, 'length': <uint64 0>},"
                       "{'file': <handle 0>, 'offset': <uint64 0>, 'length': <uint64 4>},"
                       "{'bytes': <b' five'>}]";
  g_autofree char *sha256 = NULL;
  int fd = memfd_create ("source", MFD_CLOEXEC);
  GVariant *facts;

  g_assert_cmpint (write (fd, "threetwo", 8), ==, 8);
  facts = worker_fixture_await_done (
      self->worker, worker_fixture_send (self->worker, self->url, NULL, pieces, &fd, 1));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  /* Bytestrings of text end with a NUL. */
  sha256 = g_compute_checksum_for_data (
      G_CHECKSUM_SHA256, (const guchar *)"one \0etwthre five\0", 18);
  assert_taken (self, 0, 18, sha256);
}

/* T-26 */
static void
test_empty (Case *self, gconstpointer data)
{
  GVariant *facts;

  facts = worker_fixture_await_done (
      self->worker,
      worker_fixture_send (
          self->worker, self->url, "{'method': <'POST'>}", "[]", NULL, 0));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  g_assert_cmpuint (script_sink_await (self->sink, 0)->declared, ==, 0);
  g_assert_null (strstr (script_sink_await (self->sink, 0)->head, "Content-Type"));
}

#define CASE(name)                                                                       \
  g_test_add ("/worker-upload/" #name, Case, NULL, set_up, test_##name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  CASE (file);
  CASE (pieces);
  CASE (empty);
  return g_test_run ();
}
