/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "core-fixture-body.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "await.h"

#define URL "http://example.org/file"

char *
body_write_file (CoreFixture *f, const char *text)
{
  char *path = g_build_filename (f->directory, "source", NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

static TrdPiece *
adopt (CoreFixture *f, const TrdSource *source)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  TrdPiece *piece;

  trd_sources_adopt_async (f->env.spool, source, NULL, test_take_result, &result);
  test_await (result != NULL);
  piece = trd_sources_adopt_finish (result, &error);
  g_assert_no_error (error);
  return piece;
}

TrdPiece *
body_spool (CoreFixture *f, const char *text)
{
  TrdSource source = { .fd = memfd_create ("test", MFD_CLOEXEC) };

  g_assert_cmpint (write (source.fd, text, strlen (text)), ==, strlen (text));
  return adopt (f, &source);
}

TrdPiece *
body_watch (CoreFixture *f, const char *path, gboolean named)
{
  TrdSource source = {
    .fd = named ? -1 : open (path, O_RDONLY | O_CLOEXEC),
    .path = path,
    .snapshot = TRD_SNAPSHOT_NONE,
    .may_watch = TRUE,
  };

  return adopt (f, &source);
}

TrdTask *
body_create_of (CoreFixture *f, GVariant *body, guint64 size)
{
  g_autoptr (GPtrArray) drafts = g_ptr_array_new_with_free_func (
      (GDestroyNotify)trd_draft_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) ids = NULL;
  TrdDraft *draft = trd_draft_new (
      TRUNDLE_KIND_UPLOAD,
      URL,
      g_variant_new_parsed ("{'start': <true>, 'method': <'PUT'>}"));

  draft->body = g_variant_ref_sink (body);
  draft->body_size = size;
  g_ptr_array_add (drafts, draft);
  ids = trd_registry_create_tasks (
      f->registry, core_fixture_open (f, "{}"), drafts, &error);
  g_assert_no_error (error);
  return trd_registry_find_task (f->registry, g_array_index (ids, gint64, 0));
}

TrdTask *
body_create (CoreFixture *f, TrdPiece *piece)
{
  g_autoptr (TrdBody) body = trd_body_new ();

  trd_body_take (body, piece);
  return body_create_of (f, trd_body_to_variant (body), trd_body_get_size (body));
}
