/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "upload-case.h"

#include <gio/gunixfdlist.h>
#include <glib/gstdio.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void
make_source (UploadCase *self)
{
  g_autofree guint32 *words = g_malloc0 (self->size + sizeof (guint32));

  self->source = memfd_create ("source", MFD_CLOEXEC);
  for (gsize i = 0; i < self->size / sizeof (guint32); i++)
    words[i] = (guint32)(i * 2654435761u);
  g_assert_cmpint (write (self->source, words, self->size), ==, (gssize)self->size);
  self->sha256 = g_compute_checksum_for_data (
      G_CHECKSUM_SHA256, (const guchar *)words, self->size);
}

void
upload_case_set_up (UploadCase *self, gconstpointer data)
{
  self->sink = script_sink_new (NULL);
  self->worker = worker_fixture_new ();
  self->url = script_sink_url (self->sink, "/x");
  self->size = data != NULL ? GPOINTER_TO_SIZE (data) : UPLOAD_CASE_SIZE;
  make_source (self);
}

void
upload_case_tear_down (UploadCase *self, gconstpointer data)
{
  worker_fixture_free (self->worker);
  script_sink_free (self->sink);
  g_free (self->url);
  g_free (self->sha256);
  g_close (self->source, NULL);
}

void
upload_case_use_tls (UploadCase *self, GTlsCertificate *certificate)
{
  script_sink_free (self->sink);
  self->sink = script_sink_new (certificate);
  g_free (self->url);
  self->url = script_sink_url (self->sink, "/x");
}

static guint64
begin (UploadCase *self, const char *url, const char *options, const char *stamp)
{
  g_autofree char *pieces = g_strdup_printf (
      "[{'file': <handle 0>, 'offset': <uint64 0>, 'length': <uint64 %" G_GSIZE_FORMAT
      ">%s}]",
      self->size,
      stamp);
  int consumed = fcntl (self->source, F_DUPFD_CLOEXEC, 3);

  return worker_fixture_send (
      self->worker, url != NULL ? url : self->url, options, pieces, &consumed, 1);
}

guint64
upload_case_begin (UploadCase *self, const char *url, const char *options)
{
  return begin (self, url, options, "");
}

static gint64
to_ns (const struct timespec *time)
{
  return time->tv_sec * G_GINT64_CONSTANT (1000000000) + time->tv_nsec;
}

guint64
upload_case_begin_watched (UploadCase *self, const char *options)
{
  g_autofree char *stamp = NULL;
  struct stat facts;

  g_assert_no_errno (fstat (self->source, &facts));
  stamp = g_strdup_printf (", 'size': <uint64 %" G_GINT64_FORMAT
                           ">, 'mtime': <int64 %" G_GINT64_FORMAT
                           ">, 'ctime': <int64 %" G_GINT64_FORMAT ">",
                           (gint64)facts.st_size,
                           to_ns (&facts.st_mtim),
                           to_ns (&facts.st_ctim));
  return begin (self, NULL, options, stamp);
}

GVariant *
upload_case_send (UploadCase *self, const char *options)
{
  return worker_fixture_await_done (self->worker,
                                    upload_case_begin (self, NULL, options));
}

guint64
upload_case_get_number (GVariant *facts, const char *key)
{
  guint64 number = G_MAXUINT64;

  g_variant_lookup (facts, key, "t", &number);
  return number;
}

gboolean
upload_case_is_sent (GVariant *facts)
{
  gboolean is_sent = FALSE;

  g_assert_true (g_variant_lookup (facts, "sent", "b", &is_sent));
  return is_sent;
}

void
upload_case_assert_whole (UploadCase *self, guint i)
{
  const SinkRequest *request = script_sink_await (self->sink, i);

  g_assert_cmpuint (request->declared, ==, self->size);
  g_assert_cmpuint (request->n_body, ==, self->size);
  g_assert_cmpstr (request->sha256, ==, self->sha256);
}

void
upload_case_assert_answer (UploadCase *self, guint64 attempt, const char *expected)
{
  g_autofree char *part = worker_fixture_read_part (self->worker, attempt, NULL);

  g_assert_cmpstr (part, ==, expected);
}
