/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rows as short as they may be: what a test is about it fills in itself. */

#include "config.h"

#include "store-fixture.h"

#include <glib/gstdio.h>

GVariant *
store_fixture_parse (const char *text)
{
  return g_variant_ref_sink (g_variant_new_parsed (text));
}

gint64
store_fixture_add_session (TrdStore *store,
                           const char *identifier,
                           const char *configuration)
{
  g_autoptr (TrdSessionRow) row = g_new0 (TrdSessionRow, 1);
  g_autoptr (GError) error = NULL;

  row->owner = trd_owner_new ("host", "org.example.App");
  row->identifier = g_strdup (identifier);
  row->configuration = store_fixture_parse (configuration);
  row->created_us = 77;
  trd_store_insert_session (store, row, &error);
  g_assert_no_error (error);
  return row->id;
}

void
store_fixture_set_up (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->directory = g_dir_make_tmp ("trundle-store-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->path = g_build_filename (fixture->directory, "trundle.db", NULL);
  fixture->store = trd_store_new (fixture->path, &error);
  g_assert_no_error (error);
  fixture->session_id = store_fixture_add_session (
      fixture->store, "first", "{'app-id': <'org.example.App'>}");
}

static void
remove_all (const char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);

      g_assert_cmpint (g_unlink (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

void
store_fixture_tear_down (StoreFixture *fixture, gconstpointer data)
{
  g_clear_object (&fixture->store);
  remove_all (fixture->directory);
  g_free (fixture->path);
  g_free (fixture->directory);
}

TrdTaskRow *
store_fixture_make_task (gint64 session_id, TrundleTaskState state)
{
  TrdTaskRow *row = g_new0 (TrdTaskRow, 1);

  row->session_id = session_id;
  row->uuid = g_uuid_string_random ();
  row->url = g_strdup ("https://example.org/a");
  row->options = store_fixture_parse ("{'method': <'GET'>}");
  row->place = trd_place_new (0);
  row->durable = TRUE;
  row->priority = 0.5;
  row->state = state;
  return row;
}

gint64
store_fixture_add_task (TrdStore *store, gint64 session_id, TrundleTaskState state)
{
  g_autoptr (TrdTaskRow) row = store_fixture_make_task (session_id, state);
  g_autoptr (GError) error = NULL;

  trd_store_insert_task (store, row, &error);
  g_assert_no_error (error);
  return row->id;
}

guint64
store_fixture_add_event (TrdStore *store,
                         gint64 session_id,
                         gint64 task_id,
                         TrundleEventKind kind)
{
  TrdEvent event = { .session_id = session_id, .task_id = task_id, .kind = kind };
  g_autoptr (GVariant) details = store_fixture_parse ("{'reason': <'done'>}");
  g_autoptr (GError) error = NULL;

  event.details = details;
  event.created_us = 5;
  trd_store_append_event (store, &event, &error);
  g_assert_no_error (error);
  return event.sequence;
}
