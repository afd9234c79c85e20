/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of parts that outlive their tasks: what goes in comes out. */

#include "config.h"

#include "store-fixture.h"

#include "common/error.h"
#include "port/store-resumable.h"

#include <string.h>

static TrdResumable *
make_row (gint64 task_id)
{
  TrdResumable *row = trd_resumable_new (task_id);

  row->owner = trd_owner_new ("flatpak", "org.example.App");
  row->kept = (TrdMoment){ .wall_us = 1000, .boot_us = 77 };
  row->url = g_strdup ("https://example.org/a");
  row->synced = 5;
  row->place->directory = g_strdup ("/tmp/caf\xe9");
  row->place->device = G_MAXUINT64;
  row->place->inode = 12;
  row->place->part_name = g_strdup (".trundle-1-x.part");
  row->options = store_fixture_parse ("{'method': <'GET'>}");
  row->response = store_fixture_parse ("{'status': <@u 200>}");
  row->digest_state = store_fixture_parse ("{'offset': <@t 5>}");
  row->kind = TRUNDLE_KIND_UPLOAD;
  row->body = store_fixture_parse ("[{'bytes': <b'abc'>}]");
  row->body_size = 4;
  row->upload = store_fixture_parse ("{'url': <'http://a/'>}");
  return row;
}

static TrdResumable *
add_row (StoreFixture *fixture, gint64 task_id)
{
  TrdResumable *row = make_row (task_id);
  g_autoptr (GError) error = NULL;

  trd_store_insert_resumable (fixture->store, row, &error);
  g_assert_no_error (error);
  return row;
}

static void
assert_equal (const TrdResumable *a, const TrdResumable *b)
{
  g_assert_cmpstr (a->token, ==, b->token);
  g_assert_cmpint (a->taken_by, ==, b->taken_by);
  g_assert_true (trd_owner_equal (a->owner, b->owner));
  g_assert_cmpint (a->kept.wall_us, ==, b->kept.wall_us);
  g_assert_cmpint (a->kept.boot_us, ==, b->kept.boot_us);
  g_assert_cmpstr (a->url, ==, b->url);
  g_assert_cmpuint (a->synced, ==, b->synced);
  g_assert_cmpint (a->untrusted, ==, b->untrusted);
  g_assert_cmpint (a->place->task_id, ==, b->place->task_id);
  g_assert_cmpstr (a->place->directory, ==, b->place->directory);
  g_assert_cmpuint (a->place->device, ==, b->place->device);
  g_assert_cmpuint (a->place->inode, ==, b->place->inode);
  g_assert_cmpstr (a->place->part_name, ==, b->place->part_name);
  g_assert_cmpvariant (a->options, b->options);
  g_assert_cmpvariant (a->response, b->response);
  g_assert_true ((a->digest_state == NULL) == (b->digest_state == NULL));
  if (a->digest_state != NULL)
    g_assert_cmpvariant (a->digest_state, b->digest_state);
  g_assert_cmpint (a->kind, ==, b->kind);
  g_assert_cmpvariant (a->body, b->body);
  g_assert_cmpuint (a->body_size, ==, b->body_size);
  g_assert_cmpvariant (a->upload, b->upload);
}

static void
round_trip (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdResumable) row = add_row (fixture, 3);
  g_autoptr (TrdResumable) found = NULL;
  g_autoptr (TrdResumable) loaded = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (strlen (row->token), ==, 32);
  found = trd_store_find_resumable (fixture->store, row->token, &error);
  g_assert_no_error (error);
  assert_equal (row, found);
  loaded = trd_store_load_resumable (fixture->store, 3, &error);
  g_assert_no_error (error);
  assert_equal (row, loaded);
}

/* A part of the spool has neither directory nor name, and perhaps no digests. */
static void
of_the_spool (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdResumable) row = make_row (3);
  g_autoptr (TrdResumable) loaded = NULL;

  g_clear_pointer (&row->place->directory, g_free);
  g_clear_pointer (&row->place->part_name, g_free);
  g_clear_pointer (&row->digest_state, g_variant_unref);
  g_assert_true (trd_store_insert_resumable (fixture->store, row, NULL));
  loaded = trd_store_load_resumable (fixture->store, 3, NULL);
  g_assert_nonnull (loaded);
  g_assert_null (loaded->place->directory);
  g_assert_null (loaded->place->part_name);
  g_assert_null (loaded->digest_state);
}

static void
update (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdResumable) row = add_row (fixture, 3);
  g_autoptr (TrdResumable) loaded = NULL;

  row->taken_by = 9;
  row->kept.boot_us = 0;
  row->synced = 4;
  row->untrusted = TRUE;
  g_clear_pointer (&row->response, g_variant_unref);
  row->response = store_fixture_parse ("@a{sv} {}");
  g_clear_pointer (&row->digest_state, g_variant_unref);
  g_assert_true (trd_store_update_resumable (fixture->store, row, NULL));
  loaded = trd_store_load_resumable (fixture->store, 3, NULL);
  g_assert_nonnull (loaded);
  assert_equal (row, loaded);
}

static void
delete_row (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdResumable) row = add_row (fixture, 3);
  g_autoptr (GError) error = NULL;

  g_assert_true (trd_store_has_resumable (fixture->store, 3));
  g_assert_true (trd_store_delete_resumable (fixture->store, 3, NULL));
  g_assert_true (trd_store_delete_resumable (fixture->store, 3, NULL));
  g_assert_false (trd_store_has_resumable (fixture->store, 3));
  g_assert_null (trd_store_find_resumable (fixture->store, row->token, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (trd_store_update_resumable (fixture->store, row, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND);
}

static void
list (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdResumable) second = add_row (fixture, 4);
  g_autoptr (TrdResumable) first = add_row (fixture, 3);
  g_autoptr (GPtrArray) all = NULL;
  g_autoptr (GPtrArray) taken = NULL;

  second->taken_by = 7;
  g_assert_true (trd_store_update_resumable (fixture->store, second, NULL));
  all = trd_store_list_resumable (fixture->store, FALSE, NULL);
  taken = trd_store_list_resumable (fixture->store, TRUE, NULL);
  g_assert_cmpuint (all->len, ==, 2);
  assert_equal (first, g_ptr_array_index (all, 0));
  g_assert_cmpuint (taken->len, ==, 1);
  assert_equal (second, g_ptr_array_index (taken, 0));
}

/* Tried again and failed again: the later part counts, and its token alone. */
static void
left_twice (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdResumable) first = add_row (fixture, 3);
  g_autoptr (TrdResumable) second = add_row (fixture, 3);
  g_autoptr (GPtrArray) all = NULL;

  g_assert_cmpstr (first->token, !=, second->token);
  all = trd_store_list_resumable (fixture->store, FALSE, NULL);
  g_assert_cmpuint (all->len, ==, 1);
  assert_equal (second, g_ptr_array_index (all, 0));
}

/* Nobody's task needs to be there, nor a session. */
static void
outlives_the_session (StoreFixture *fixture, gconstpointer data)
{
  gint64 task_id = store_fixture_add_task (
      fixture->store, fixture->session_id, TRUNDLE_TASK_FINISHED);
  g_autoptr (TrdResumable) row = add_row (fixture, task_id);

  g_assert_true (trd_store_delete_session (fixture->store, fixture->session_id, 1, NULL));
  g_assert_true (trd_store_has_resumable (fixture->store, row->place->task_id));
}

#define add(name, func)                                                                  \
  g_test_add ("/store-resumable/" name,                                                  \
              StoreFixture,                                                              \
              NULL,                                                                      \
              store_fixture_set_up,                                                      \
              func,                                                                      \
              store_fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("round-trip", round_trip);
  add ("of-the-spool", of_the_spool);
  add ("update", update);
  add ("delete", delete_row);
  add ("list", list);
  add ("left-twice", left_twice);
  add ("outlives-the-session", outlives_the_session);

  return g_test_run ();
}
