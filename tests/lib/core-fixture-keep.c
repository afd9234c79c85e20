/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "core-fixture-keep.h"

#include <sys/stat.h>

#include "common/vocabulary.h"

void
keep_respond (CoreFixture *f, TrdTask *task, guint64 offset)
{
  g_autofree char *text = g_strdup_printf (
      "{'status': <@u 200>, 'content-length': <@x 10>, 'offset': <@t %" G_GUINT64_FORMAT
      ">, 'headers': <[('ETag', '\"v1\"')]>}",
      offset);

  test_await (fake_transport_is_running (f->transport, task->id));
  fake_transport_respond (f->transport, task->id, g_variant_new_parsed (text));
}

TrdTask *
keep_cut (CoreFixture *f, guint n, const char *options)
{
  TrdTask *task = core_fixture_create (
      f, core_fixture_open (f, "{}"), "http://example.org/a", options);
  TrdOutcome *outcome = trd_outcome_new_failed (TRUNDLE_ERROR_CONNECTION_LOST, "Cut");

  keep_respond (f, task, 0);
  fake_transport_write (f->transport, task->id, KEEP_WHOLE, n);
  fake_transport_progress (f->transport, task->id, n, 0, 10);
  outcome->received = n;
  fake_transport_take_done (f->transport, task->id, outcome);
  test_await (task->state == TRUNDLE_TASK_QUEUED);

  return task;
}

guint64
keep_asked_offset (CoreFixture *f, TrdTask *task)
{
  guint64 offset = 0;

  test_await (fake_transport_is_running (f->transport, task->id));
  g_variant_lookup (
      fake_transport_find (f->transport, task->id)->request, "offset", "t", &offset);
  return offset;
}

void
keep_finish (CoreFixture *f, TrdTask *task, guint64 offset)
{
  const char *rest = &KEEP_WHOLE[offset];

  keep_respond (f, task, offset);
  fake_transport_write (f->transport, task->id, rest, strlen (rest));
  fake_transport_take_done (
      f->transport, task->id, trd_outcome_new_complete (10, "content-length"));
  test_await (task->state == TRUNDLE_TASK_FINISHED);
}

GBytes *
keep_cancel (CoreFixture *f, TrdTask *task)
{
  GBytes *left = NULL;
  g_autoptr (GError) error = NULL;

  trd_registry_cancel_keeping (f->registry, task, &left, &error);
  g_assert_no_error (error);
  g_assert_nonnull (left);
  return left;
}

void
keep_leave (CoreFixture *f, TrdTask *task)
{
  g_bytes_unref (keep_cancel (f, task));
}

GBytes *
keep_lookup (CoreFixture *f, TrdTask *task)
{
  g_autoptr (TrdTaskRow) row = trd_registry_load_task (f->registry, task, NULL);
  g_autoptr (GVariant) value = NULL;

  g_assert_nonnull (row->error_details);
  value = g_variant_lookup_value (
      row->error_details, "resume-data", G_VARIANT_TYPE_BYTESTRING);
  return value != NULL ? g_variant_get_data_as_bytes (value) : NULL;
}

static TrdDraft *
new_draft (CoreFixture *f, GBytes *left, const char *url, const char *options)
{
  g_autoptr (GVariant) parsed = g_variant_ref_sink (g_variant_new_parsed (options));
  g_autoptr (GVariant) with = trundle_options_with (
      parsed,
      "resume-data",
      g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, left, TRUE));
  g_autofree char *path = trundle_options_get_string (parsed, NULL, "destination-path");
  g_autoptr (GError) error = NULL;
  TrdDraft *draft;

  draft = trd_draft_new (TRUNDLE_KIND_DOWNLOAD, url, with);
  if (path != NULL)
    draft->place = trd_spool_resolve (
        f->env.spool, -1, path, NULL, TRUNDLE_IF_EXISTS_FAIL, &error);
  g_assert_no_error (error);

  return draft;
}

GPtrArray *
keep_drafts (CoreFixture *f, GBytes *left, guint n)
{
  GPtrArray *drafts = g_ptr_array_new_with_free_func ((GDestroyNotify)trd_draft_free);

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (drafts, new_draft (f, left, "", "@a{sv} {}"));

  return drafts;
}

TrdTask *
keep_create (
    CoreFixture *f, GBytes *left, const char *url, const char *options, GError **error)
{
  g_autoptr (GPtrArray) drafts = g_ptr_array_new_with_free_func (
      (GDestroyNotify)trd_draft_free);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GArray) ids = NULL;

  g_ptr_array_add (
      drafts,
      new_draft (f, left, url, g_str_equal (options, "{}") ? "@a{sv} {}" : options));
  ids = trd_registry_create_tasks (
      f->registry, core_fixture_open (f, "{}"), drafts, &local_error);
  if (ids != NULL)
    return trd_registry_find_task (f->registry, g_array_index (ids, gint64, 0));

  if (error == NULL)
    g_assert_no_error (local_error);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return NULL;
}

guint
keep_count (CoreFixture *f)
{
  g_autoptr (GPtrArray) rows = trd_store_list_resumable (f->env.store, FALSE, NULL);

  return rows->len;
}

char *
keep_spool_path (CoreFixture *f, gint64 task_id)
{
  g_autofree char *name = g_strdup_printf ("%" G_GINT64_FORMAT, task_id);

  return g_build_filename (f->directory, "spool", name, NULL);
}

char *
keep_read_spool (CoreFixture *f, gint64 task_id)
{
  g_autofree char *path = keep_spool_path (f, task_id);
  char *contents = NULL;

  return g_file_get_contents (path, &contents, NULL, NULL) ? contents : NULL;
}

void
keep_append_spool (CoreFixture *f, gint64 task_id, const char *text)
{
  g_autofree char *path = keep_spool_path (f, task_id);
  FILE *file = g_fopen (path, "ae");

  g_assert_nonnull (file);
  g_assert_cmpint (fputs (text, file), >=, 0);
  g_assert_cmpint (fclose (file), ==, 0);
}

char *
keep_destination (CoreFixture *f, const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (f->directory, folder, NULL);

  g_assert_cmpint (g_mkdir_with_parents (path, 0700), ==, 0);
  return g_strdup_printf ("{'start': <true>, 'destination-path': <'%s/%s'>}", path, name);
}

GPtrArray *
keep_list (CoreFixture *f, const char *folder)
{
  g_autofree char *path = g_build_filename (f->directory, folder, NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_strdup (name));

  return names;
}

gboolean
keep_is_same_file_system (const char *a, const char *b)
{
  struct stat first;
  struct stat second;

  g_assert_cmpint (stat (a, &first), ==, 0);
  g_assert_cmpint (stat (b, &second), ==, 0);
  return first.st_dev == second.st_dev;
}
