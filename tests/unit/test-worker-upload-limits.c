/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long an upload may take over what, and what may become of its source meanwhile. */

#include "config.h"

#include "upload-case.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than kernels keep of a connection for who does not read. */
#define LARGE (16 * 1024 * 1024)

/* P-08, T-34: whoever reads slowly, reads. */
static void
test_slow (UploadCase *self, gconstpointer data)
{
  script_sink_plan (self->sink, "/x", &(SinkPlan){ .bytes_per_second = 64 * 1024 });
  g_assert_cmpstr (worker_fixture_get_error (
                       upload_case_send (self, "{'request-timeout': <uint64 700>}")),
                   ==,
                   "");
  upload_case_assert_whole (self, 0);
}

/* Fault (server): a server stops reading in the middle of a body | Proves: the attempt
 * times out */
static void
test_stalled (UploadCase *self, gconstpointer data)
{
  GVariant *facts;

  script_sink_plan (
      self->sink, "/x", &(SinkPlan){ .take = 1000, .answer = "", .end = SINK_STALL });
  facts = upload_case_send (self, "{'request-timeout': <uint64 500>}");
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "TimedOut");
  g_assert_true (upload_case_is_sent (facts));
  g_assert_cmpuint (upload_case_get_number (facts, "body-sent"), <, self->size);
}

/* H14: a server that has all of it may think. */
static void
test_thinking (UploadCase *self, gconstpointer data)
{
  script_sink_plan (self->sink, "/x", &(SinkPlan){ .think_ms = 1500 });
  g_assert_cmpstr (worker_fixture_get_error (
                       upload_case_send (self, "{'request-timeout': <uint64 400>}")),
                   ==,
                   "");
}

/* Not for ever. */
static void
test_thinking_too_long (UploadCase *self, gconstpointer data)
{
  GVariant *facts;

  script_sink_plan (self->sink, "/x", &(SinkPlan){ .think_ms = 1500 });
  facts = upload_case_send (
      self, "{'request-timeout': <uint64 0>, 'first-byte-timeout': <uint64 400>}");
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "TimedOut");
  g_assert_cmpuint (upload_case_get_number (facts, "body-sent"), ==, self->size);
}

/* Law 15, at once, and the server never had all of it. */
static void
test_stop (UploadCase *self, gconstpointer data)
{
  guint64 attempt = upload_case_begin (self, NULL, NULL);
  g_autoptr (GError) error = NULL;
  gint64 begin_us;

  script_sink_plan (self->sink, "/x", &(SinkPlan){ .bytes_per_second = 1024 * 1024 });
  worker_fixture_await_sent (self->worker, 1, 0);
  begin_us = g_get_monotonic_time ();
  error = worker_fixture_call (self->worker, "Stop", g_variant_new ("(t)", attempt));
  g_assert_no_error (error);
  g_assert_cmpint (g_get_monotonic_time () - begin_us, <, G_TIME_SPAN_SECOND);
  g_assert_true (worker_fixture_is_part_free (self->worker, attempt));
  g_assert_false (worker_fixture_is_done (self->worker, attempt));
}

static void
touch (UploadCase *self)
{
  const struct timespec times[] = { { 1, 0 }, { 1, 0 } };

  g_assert_no_errno (futimens (self->source, times));
}

static void
overwrite (UploadCase *self)
{
  g_assert_cmpint (pwrite (self->source, "other", 5, (off_t)self->size - 5), ==, 5);
}

static void
cut (UploadCase *self)
{
  g_assert_no_errno (ftruncate (self->source, (off_t)self->size - 1));
}

static void
extend (UploadCase *self)
{
  g_assert_no_errno (ftruncate (self->source, (off_t)self->size + 1));
}

static const struct
{
  const char *name;
  void (*change) (UploadCase *self);
  gboolean is_watched;
  const char *error;
} changes[] = {
  { "touched", touch, TRUE, "SourceChanged" },
  { "overwritten", overwrite, TRUE, "SourceChanged" },
  { "cut", cut, TRUE, "SourceChanged" },
  { "extended", extend, TRUE, "SourceChanged" },
  { "cut-unwatched", cut, FALSE, "SourceChanged" },
  { "extended-unwatched", extend, FALSE, "" },
};

/* While it is sent, before a slow server has read it: it never gets the last byte.
 *
 * Fault (disk): a source is changed, cut or extended while it is sent | Proves: the
 * upload ends with SourceChanged, the server never has the whole of a mix (law 10) */
static void
test_changed (UploadCase *self, gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data) - 1;
  guint64 attempt;
  GVariant *facts;

  upload_case_tear_down (self, NULL);
  upload_case_set_up (self, GSIZE_TO_POINTER (LARGE));
  script_sink_plan (
      self->sink, "/x", &(SinkPlan){ .interim = "HTTP/1.1 100 Continue\r\n\r\n" });
  script_sink_plan (
      self->sink, "/x", &(SinkPlan){ .bytes_per_second = 64 * 1024 * 1024 });
  attempt = changes[i].is_watched ? upload_case_begin_watched (self, NULL)
                                  : upload_case_begin (self, NULL, NULL);
  changes[i].change (self);
  facts = worker_fixture_await_done (self->worker, attempt);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, changes[i].error);
  if (changes[i].error[0] == '\0')
    upload_case_assert_whole (self, 0);
  else
    g_assert_cmpuint (upload_case_get_number (facts, "body-sent"), <, self->size);
}

/* Even of something small. */
static void
test_small_changed (UploadCase *self, gconstpointer data)
{
  guint64 attempt = upload_case_begin_watched (self, "{'expect-continue': <true>}");
  GVariant *facts;

  touch (self);
  facts = worker_fixture_await_done (self->worker, attempt);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "SourceChanged");
  g_assert_false (upload_case_is_sent (facts));
}

static void
add (const char *name, gsize size, void (*test) (UploadCase *self, gconstpointer data))
{
  g_autofree char *path = g_strdup_printf ("/worker-upload/limits/%s", name);

  g_test_add (path,
              UploadCase,
              GSIZE_TO_POINTER (size),
              upload_case_set_up,
              test,
              upload_case_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("slow", 128 * 1024, test_slow);
  add ("stalled", LARGE, test_stalled);
  add ("thinking", 0, test_thinking);
  add ("thinking-too-long", 0, test_thinking_too_long);
  add ("stop", LARGE, test_stop);
  add ("small-changed", 1, test_small_changed);
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    {
      g_autofree char *path = g_strdup_printf ("/worker-upload/limits/%s",
                                               changes[i].name);

      g_test_add (path,
                  UploadCase,
                  GSIZE_TO_POINTER (i + 1),
                  upload_case_set_up,
                  test_changed,
                  upload_case_tear_down);
    }
  return g_test_run ();
}
