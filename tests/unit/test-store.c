/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The store: what goes in comes out, and numbers are never reused (laws 3, 5). */

#include "config.h"

#include "store-fixture.h"

#include "common/error.h"

#include <glib/gstdio.h>

/* Sessions */

static void
test_session_round_trip (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) rows = NULL;
  g_autoptr (GError) error = NULL;
  TrdSessionRow *row;

  rows = trd_store_load_sessions (fixture->store, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (rows->len, ==, 1);
  row = g_ptr_array_index (rows, 0);
  g_assert_cmpstr (row->owner->confinement, ==, "host");
  g_assert_cmpstr (row->owner->app_id, ==, "org.example.App");
  g_assert_cmpstr (row->identifier, ==, "first");
  g_assert_cmpint (row->created_us, ==, 77);
  g_assert_true (g_variant_lookup (row->configuration, "app-id", "s", NULL));

  g_clear_pointer (&row->identifier, g_free);
  row->state = TRUNDLE_SESSION_RETIRED;
  g_assert_true (trd_store_update_session (fixture->store, row, &error));
  /* The identifier is free again. */
  g_assert_cmpint (
      store_fixture_add_session (fixture->store, "first", "@a{sv} {}"), >, row->id);
}

static void
test_session_identifier_unique (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdSessionRow) row = g_new0 (TrdSessionRow, 1);
  g_autoptr (GError) error = NULL;

  row->owner = trd_owner_new ("host", "org.example.App");
  row->identifier = g_strdup ("first");
  row->configuration = store_fixture_parse ("@a{sv} {}");
  g_assert_false (trd_store_insert_session (fixture->store, row, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmpint (row->id, ==, 0);
}

static void
test_session_ids_never_reused (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gint64 task = store_fixture_add_task (
      fixture->store, fixture->session_id, TRUNDLE_TASK_QUEUED);
  gint64 next;

  store_fixture_add_event (
      fixture->store, fixture->session_id, task, TRUNDLE_EVENT_TASK_FINISHED);
  g_assert_true (
      trd_store_delete_session (fixture->store, fixture->session_id, 1, &error));
  g_assert_cmpuint (trd_store_count_events (fixture->store, fixture->session_id), ==, 0);
  g_assert_null (trd_store_load_task (fixture->store, task, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND);

  next = store_fixture_add_session (fixture->store, "first", "@a{sv} {}");
  g_assert_cmpint (next, >, fixture->session_id);
  g_assert_cmpint (
      store_fixture_add_task (fixture->store, next, TRUNDLE_TASK_QUEUED), >, task);
}

/* Tasks */

static void
fill_task (TrdTaskRow *row)
{
  row->kind = TRUNDLE_KIND_UPLOAD;
  row->place->directory = g_strdup ("/tmp/caf\xe9");
  row->place->device = G_MAXUINT64;
  row->place->inode = 12;
  row->place->name = g_strdup ("\xff.bin");
  row->place->part_name = g_strdup (".part");
  row->place->if_exists = TRUNDLE_IF_EXISTS_RENAME;
  row->dedup_key = g_strdup ("key");
  row->created_us = 1;
  row->body = store_fixture_parse ("[{'bytes': <b'abc'>}, {'offset': <uint64 1>}]");
  row->body_size = 19;
  row->description = g_strdup ("");
  row->user_data = g_bytes_new_static ("", 0);
  row->group = g_strdup ("group");
  row->hold = TRUNDLE_WAIT_BACK_OFF;
  row->not_before = (TrdMoment){ 2, 12 };
  row->deadline = (TrdMoment){ 3, 13 };
  row->earliest_begin_us = 14;
  row->failures = 15;
  row->streak = 16;
  row->delayed = TRD_DELAYED_ASKED;
  row->mirror = 17;
  row->space_needed = 18;
  row->attempts = 4;
  row->suspicion = 1;
  row->synced = 11;
  row->resumed_us = 5;
  row->sent = TRUE;
  row->secrets_id = g_strdup ("0f3c");
  row->challenge_id = 12;
  row->untrusted = TRUE;
  row->intent.final_name = g_strdup ("final");
  row->intent.device = 6;
  row->intent.inode = G_MAXUINT64 - 1;
  row->intent.size = 7;
  row->received = 8;
  row->current_url = g_strdup ("https://example.org/b");
  row->response = store_fixture_parse ("{'status': <uint32 200>}");
  row->error_name = g_strdup ("HttpStatus");
  row->error_details = store_fixture_parse ("{'status': <uint32 404>}");
  row->transient_name = g_strdup ("TimedOut");
  row->transient_details = store_fixture_parse ("@a{sv} {}");
  row->error_body = g_bytes_new_static ("a\0b", 3);
  row->proof = g_strdup ("content-length");
  row->digest_state = store_fixture_parse ("{'offset': <uint64 7>}");
  row->integrity = store_fixture_parse ("{'sha256': <'matched'>}");
  row->metrics = store_fixture_parse ("{'attempts': <uint32 4>}");
  row->body_sent = 20;
  row->body_confirmed = 21;
  row->upload = store_fixture_parse ("{'url': <'http://a/'>, 'dialect': <'tus'>}");
  row->final_path = g_strdup ("/tmp/final");
  row->file_moved = TRUE;
  row->finished_us = 9;
}

static void
assert_same_variant (GVariant *a, GVariant *b)
{
  g_assert_cmpint (a == NULL, ==, b == NULL);
  if (a != NULL)
    g_assert_cmpvariant (a, b);
}

static void
assert_same_bytes (GBytes *a, GBytes *b)
{
  g_assert_cmpint (a == NULL, ==, b == NULL);
  if (a != NULL)
    g_assert_true (g_bytes_equal (a, b));
}

static void
assert_same_identity (const TrdTaskRow *a, const TrdTaskRow *b)
{
  g_assert_cmpint (a->id, ==, b->id);
  g_assert_cmpint (a->session_id, ==, b->session_id);
  g_assert_cmpuint (a->number, ==, b->number);
  g_assert_cmpstr (a->uuid, ==, b->uuid);
  g_assert_cmpint (a->kind, ==, b->kind);
  g_assert_cmpstr (a->url, ==, b->url);
  assert_same_variant (a->options, b->options);
  g_assert_cmpint (a->place->task_id, ==, b->place->task_id);
  g_assert_cmpstr (a->place->directory, ==, b->place->directory);
  g_assert_cmpuint (a->place->device, ==, b->place->device);
  g_assert_cmpuint (a->place->inode, ==, b->place->inode);
  g_assert_cmpstr (a->place->name, ==, b->place->name);
  g_assert_cmpstr (a->place->part_name, ==, b->place->part_name);
  g_assert_cmpint (a->place->if_exists, ==, b->place->if_exists);
  g_assert_cmpstr (a->dedup_key, ==, b->dedup_key);
  g_assert_cmpint (a->durable, ==, b->durable);
  g_assert_cmpint (a->created_us, ==, b->created_us);
  assert_same_variant (a->body, b->body);
  g_assert_cmpuint (a->body_size, ==, b->body_size);
}

static void
assert_same_standing (const TrdTaskRow *a, const TrdTaskRow *b)
{
  g_assert_cmpfloat (a->priority, ==, b->priority);
  g_assert_cmpstr (a->description, ==, b->description);
  assert_same_bytes (a->user_data, b->user_data);
  g_assert_cmpstr (a->group, ==, b->group);
  g_assert_cmpint (a->state, ==, b->state);
  g_assert_cmpuint (a->hold, ==, b->hold);
  g_assert_cmpint (a->not_before.wall_us, ==, b->not_before.wall_us);
  g_assert_cmpint (a->not_before.boot_us, ==, b->not_before.boot_us);
  g_assert_cmpint (a->deadline.wall_us, ==, b->deadline.wall_us);
  g_assert_cmpint (a->deadline.boot_us, ==, b->deadline.boot_us);
  g_assert_cmpint (a->earliest_begin_us, ==, b->earliest_begin_us);
  g_assert_cmpuint (a->failures, ==, b->failures);
  g_assert_cmpuint (a->streak, ==, b->streak);
  g_assert_cmpint (a->delayed, ==, b->delayed);
  g_assert_cmpuint (a->mirror, ==, b->mirror);
  g_assert_cmpuint (a->space_needed, ==, b->space_needed);
  g_assert_cmpuint (a->attempts, ==, b->attempts);
  g_assert_cmpuint (a->suspicion, ==, b->suspicion);
  g_assert_cmpuint (a->synced, ==, b->synced);
  g_assert_cmpint (a->resumed_us, ==, b->resumed_us);
  g_assert_cmpint (a->sent, ==, b->sent);
  g_assert_cmpstr (a->secrets_id, ==, b->secrets_id);
  g_assert_cmpint (a->challenge_id, ==, b->challenge_id);
  g_assert_cmpint (a->untrusted, ==, b->untrusted);
}

static void
assert_same_result (const TrdTaskRow *a, const TrdTaskRow *b)
{
  g_assert_cmpstr (a->intent.final_name, ==, b->intent.final_name);
  g_assert_cmpuint (a->intent.device, ==, b->intent.device);
  g_assert_cmpuint (a->intent.inode, ==, b->intent.inode);
  g_assert_cmpuint (a->intent.size, ==, b->intent.size);
  g_assert_cmpuint (a->received, ==, b->received);
  g_assert_cmpstr (a->current_url, ==, b->current_url);
  assert_same_variant (a->response, b->response);
  g_assert_cmpstr (a->error_name, ==, b->error_name);
  assert_same_variant (a->error_details, b->error_details);
  g_assert_cmpstr (a->transient_name, ==, b->transient_name);
  assert_same_variant (a->transient_details, b->transient_details);
  assert_same_bytes (a->error_body, b->error_body);
  g_assert_cmpstr (a->proof, ==, b->proof);
  assert_same_variant (a->digest_state, b->digest_state);
  assert_same_variant (a->integrity, b->integrity);
  assert_same_variant (a->metrics, b->metrics);
  g_assert_cmpuint (a->body_sent, ==, b->body_sent);
  g_assert_cmpuint (a->body_confirmed, ==, b->body_confirmed);
  assert_same_variant (a->upload, b->upload);
  g_assert_cmpstr (a->final_path, ==, b->final_path);
  g_assert_cmpint (a->file_moved, ==, b->file_moved);
  g_assert_cmpint (a->finished_us, ==, b->finished_us);
}

/* "empty", "insert" (all filled at once) or "update" (filled later). */
static void
test_task_round_trip (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdTaskRow) row = store_fixture_make_task (fixture->session_id,
                                                        TRUNDLE_TASK_FINISHED);
  g_autoptr (TrdTaskRow) found = NULL;
  g_autoptr (GError) error = NULL;

  if (g_str_equal (data, "insert"))
    fill_task (row);
  g_assert_true (trd_store_insert_task (fixture->store, row, &error));
  g_assert_cmpuint (row->number, ==, 1);
  g_assert_cmpint (row->place->task_id, ==, row->id);
  if (g_str_equal (data, "update"))
    {
      fill_task (row);
      g_assert_true (trd_store_update_task (fixture->store, row, &error));
      /* What was asked is not written again. */
      row->kind = TRUNDLE_KIND_DOWNLOAD;
      row->created_us = 0;
      g_clear_pointer (&row->body, g_variant_unref);
      row->body_size = 0;
      g_clear_pointer (&row->dedup_key, g_free);
      g_clear_pointer (&row->place->directory, g_free);
      g_clear_pointer (&row->place->name, g_free);
      row->place->device = row->place->inode = 0;
      row->place->if_exists = TRUNDLE_IF_EXISTS_FAIL;
    }

  found = trd_store_load_task (fixture->store, row->id, &error);
  g_assert_no_error (error);
  assert_same_identity (found, row);
  assert_same_standing (found, row);
  assert_same_result (found, row);
}

/* What is sent may be nothing, which is not the same as none. */
static void
test_empty_body (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdTaskRow) row = store_fixture_make_task (fixture->session_id,
                                                        TRUNDLE_TASK_QUEUED);
  g_autoptr (TrdTaskRow) found = NULL;
  g_autoptr (GError) error = NULL;

  row->body = store_fixture_parse ("@aa{sv} []");
  g_assert_true (trd_store_insert_task (fixture->store, row, &error));
  found = trd_store_load_task (fixture->store, row->id, &error);
  g_assert_no_error (error);
  g_assert_nonnull (found->body);
  g_assert_cmpvariant (found->body, row->body);
}

static void
test_task_numbers (StoreFixture *fixture, gconstpointer data)
{
  gint64 other = store_fixture_add_session (fixture->store, "other", "@a{sv} {}");
  g_autoptr (TrdTaskRow) row = store_fixture_make_task (fixture->session_id,
                                                        TRUNDLE_TASK_QUEUED);
  gint64 second;
  g_autoptr (GError) error = NULL;

  store_fixture_add_task (fixture->store, fixture->session_id, TRUNDLE_TASK_QUEUED);
  second = store_fixture_add_task (
      fixture->store, fixture->session_id, TRUNDLE_TASK_QUEUED);
  store_fixture_add_task (fixture->store, other, TRUNDLE_TASK_QUEUED);
  g_assert_true (trd_store_delete_task (fixture->store, second, &error));
  g_assert_true (trd_store_insert_task (fixture->store, row, &error));
  g_assert_cmpuint (row->number, ==, 3);
  g_assert_cmpint (row->id, >, second + 1);
}

static void
test_task_never_running (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdTaskRow) row = store_fixture_make_task (fixture->session_id,
                                                        TRUNDLE_TASK_RUNNING);
  g_autoptr (TrdTaskRow) stored = NULL;
  g_autoptr (GError) error = NULL;
  gint64 id;

  g_assert_false (trd_store_insert_task (fixture->store, row, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmpuint (row->number, ==, 0);
  g_clear_error (&error);

  id = store_fixture_add_task (fixture->store, fixture->session_id, TRUNDLE_TASK_QUEUED);
  stored = trd_store_load_task (fixture->store, id, &error);
  g_assert_no_error (error);
  stored->state = TRUNDLE_TASK_RUNNING;
  g_assert_false (trd_store_update_task (fixture->store, stored, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);
}

static void
test_task_small_changes (StoreFixture *fixture, gconstpointer data)
{
  gint64 id = store_fixture_add_task (
      fixture->store, fixture->session_id, TRUNDLE_TASK_QUEUED);
  g_autoptr (TrdTaskRow) row = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (trd_store_set_task_synced (fixture->store, id, 2, &error));
  row = trd_store_load_task (fixture->store, id, &error);
  g_assert_cmpuint (row->synced, ==, 2);

  g_assert_false (trd_store_set_task_synced (fixture->store, id + 1, 2, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND);
}

static void
test_task_without_session (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdTaskRow) row = store_fixture_make_task (999, TRUNDLE_TASK_QUEUED);
  g_autoptr (GError) error = NULL;

  g_assert_false (trd_store_insert_task (fixture->store, row, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND);
}

static gboolean
count_brief (const TrdTaskBrief *brief, gpointer user_data)
{
  guint *left = user_data;

  g_assert_cmpstr (brief->url, ==, "https://example.org/a");
  g_assert_cmpint (brief->state, ==, TRUNDLE_TASK_QUEUED);
  g_assert_true (brief->durable);
  g_assert_false (brief->has_intent);
  return --*left > 0;
}

static void
test_task_briefs (StoreFixture *fixture, gconstpointer data)
{
  guint left = 10;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 4; i++)
    store_fixture_add_task (fixture->store, fixture->session_id, TRUNDLE_TASK_QUEUED);
  g_assert_true (trd_store_each_brief (fixture->store, count_brief, &left, &error));
  g_assert_cmpuint (left, ==, 6);
  left = 2;
  g_assert_true (trd_store_each_brief (fixture->store, count_brief, &left, &error));
  g_assert_cmpuint (left, ==, 0);
}

static const struct
{
  const char *name;
  TrdTaskFilter filter;
  guint first; /* of the tasks 1-10, counted from the first */
  guint count;
} filters[] = {
  { "all", { .kind = -1 }, 1, 10 },
  { "page", { .kind = -1, .limit = 3 }, 1, 3 },
  { "next-page", { .kind = -1, .limit = 3, .after = 4 }, 5, 3 },
  { "finished", { .kind = -1, .states = 1 << TRUNDLE_TASK_FINISHED }, 6, 5 },
  { "running", { .kind = -1, .states = 1 << TRUNDLE_TASK_RUNNING }, 1, 5 },
  { "uploads", { .kind = TRUNDLE_KIND_UPLOAD }, 0, 0 },
  { "group", { .kind = -1, .group = "g" }, 10, 1 },
  { "group-state",
    { .kind = -1, .group = "g", .states = 1 << TRUNDLE_TASK_QUEUED },
    0,
    0 },
};

static void
test_task_list (StoreFixture *fixture, gconstpointer data)
{
  gint64 first_id = 0;
  g_autoptr (GError) error = NULL;

  for (guint i = 1; i <= 10; i++)
    {
      g_autoptr (TrdTaskRow) row = store_fixture_make_task (
          fixture->session_id, i <= 5 ? TRUNDLE_TASK_QUEUED : TRUNDLE_TASK_FINISHED);

      row->group = i == 10 ? g_strdup ("g") : NULL;
      g_assert_true (trd_store_insert_task (fixture->store, row, &error));
      first_id = first_id == 0 ? row->id : first_id;
    }

  for (guint i = 0; i < G_N_ELEMENTS (filters); i++)
    {
      TrdTaskFilter filter = filters[i].filter;
      g_autoptr (GPtrArray) rows = NULL;

      g_test_message ("%s", filters[i].name);
      if (filter.after > 0)
        filter.after += first_id - 1;
      rows = trd_store_list_tasks (fixture->store, fixture->session_id, &filter, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (rows->len, ==, filters[i].count);
      for (guint j = 0; j < rows->len; j++)
        g_assert_cmpint (
            ((TrdTaskRow *)rows->pdata[j])->id, ==, first_id + filters[i].first - 1 + j);
    }
}

/* Events */

static void
test_events_in_order (StoreFixture *fixture, gconstpointer data)
{
  gint64 other = store_fixture_add_session (fixture->store, "other", "@a{sv} {}");
  g_autoptr (GPtrArray) events = NULL;
  g_autoptr (GPtrArray) gone = NULL;
  g_autoptr (GError) error = NULL;
  TrdEvent *event;

  for (guint64 i = 1; i <= 3; i++)
    g_assert_cmpuint (
        store_fixture_add_event (
            fixture->store, fixture->session_id, 0, TRUNDLE_EVENT_CHALLENGE_RECEIVED),
        ==,
        i);
  g_assert_cmpuint (store_fixture_add_event (
                        fixture->store, other, 0, TRUNDLE_EVENT_DID_BECOME_INVALID),
                    ==,
                    1);
  g_assert_true (trd_store_mark_offered (fixture->store, fixture->session_id, 2, &error));

  events = trd_store_list_events (fixture->store, fixture->session_id, 1, 0, &error);
  g_assert_cmpuint (events->len, ==, 2);
  event = g_ptr_array_index (events, 0);
  g_assert_cmpuint (event->sequence, ==, 2);
  g_assert_true (event->offered);
  g_assert_cmpint (event->kind, ==, TRUNDLE_EVENT_CHALLENGE_RECEIVED);
  g_assert_true (g_variant_lookup (event->details, "reason", "s", NULL));
  g_assert_false (((TrdEvent *)events->pdata[1])->offered);

  /* Completed numbers do not come back. */
  gone = trd_store_complete_events (
      fixture->store, fixture->session_id, G_MAXUINT64, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (gone->len, ==, 0);
  g_assert_cmpuint (
      store_fixture_add_event (
          fixture->store, fixture->session_id, 0, TRUNDLE_EVENT_DID_BECOME_INVALID),
      ==,
      4);
  g_assert_cmpuint (trd_store_count_events (fixture->store, other), ==, 1);
}

static void
test_events_complete (StoreFixture *fixture, gconstpointer data)
{
  TrdStore *store = fixture->store;
  gint64 session = fixture->session_id;
  gint64 first = store_fixture_add_task (store, session, TRUNDLE_TASK_FINISHED);
  gint64 second = store_fixture_add_task (store, session, TRUNDLE_TASK_FINISHED);
  gint64 retried = store_fixture_add_task (store, session, TRUNDLE_TASK_FINISHED);
  g_autoptr (GPtrArray) gone = NULL;
  g_autoptr (GError) error = NULL;
  TrdSessionCounts counts;

  store_fixture_add_event (store, session, first, TRUNDLE_EVENT_TASK_FINISHED);
  store_fixture_add_event (store, session, retried, TRUNDLE_EVENT_TASK_FINISHED);
  store_fixture_add_event (store, session, second, TRUNDLE_EVENT_TASK_FINISHED);
  store_fixture_add_event (store, session, retried, TRUNDLE_EVENT_TASK_FINISHED);

  gone = trd_store_complete_events (store, session, 2, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (gone->len, ==, 1);
  g_assert_cmpint (((TrdTaskRow *)gone->pdata[0])->id, ==, first);
  g_assert_true (trd_store_count_session (store, session, &counts, &error));
  g_assert_cmpuint (counts.finished, ==, 2);
  g_assert_cmpuint (counts.events, ==, 2);

  g_clear_pointer (&gone, g_ptr_array_unref);
  gone = trd_store_complete_events (store, session, 4, &error);
  g_assert_cmpuint (gone->len, ==, 2);
  g_assert_cmpuint (trd_store_count_events (store, session), ==, 0);
}

static void
test_counts (StoreFixture *fixture, gconstpointer data)
{
  TrdSessionCounts counts;
  g_autoptr (GError) error = NULL;

  g_assert_true (
      trd_store_count_session (fixture->store, fixture->session_id, &counts, &error));
  g_assert_cmpuint (
      counts.suspended + counts.queued + counts.challenged + counts.finished, ==, 0);

  store_fixture_add_task (fixture->store, fixture->session_id, TRUNDLE_TASK_SUSPENDED);
  for (guint i = 0; i < 2; i++)
    store_fixture_add_task (fixture->store, fixture->session_id, TRUNDLE_TASK_QUEUED);
  for (guint i = 0; i < 3; i++)
    store_fixture_add_task (fixture->store, fixture->session_id, TRUNDLE_TASK_CHALLENGED);
  g_assert_true (
      trd_store_count_session (fixture->store, fixture->session_id, &counts, &error));
  g_assert_cmpuint (counts.suspended, ==, 1);
  g_assert_cmpuint (counts.queued, ==, 2);
  g_assert_cmpuint (counts.challenged, ==, 3);
  g_assert_cmpuint (counts.finished, ==, 0);
}

static void
test_delivery (StoreFixture *fixture, gconstpointer data)
{
  guint tries = 9;
  TrdMoment next = { 9, 9 };
  g_autoptr (GError) error = NULL;

  g_assert_true (trd_store_get_delivery (
      fixture->store, fixture->session_id, &tries, &next, &error));
  g_assert_cmpuint (tries, ==, 0);
  g_assert_true (trd_store_set_delivery (
      fixture->store, fixture->session_id, 3, (TrdMoment){ 44, 55 }, &error));
  g_assert_true (trd_store_get_delivery (
      fixture->store, fixture->session_id, &tries, &next, &error));
  g_assert_cmpuint (tries, ==, 3);
  g_assert_cmpint (next.wall_us, ==, 44);
  g_assert_cmpint (next.boot_us, ==, 55);
  g_assert_false (trd_store_get_delivery (fixture->store, 999, NULL, NULL, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND);
}

static void
test_launches (StoreFixture *fixture, gconstpointer data)
{
  const gint64 hour_us = 3600 * (gint64)G_USEC_PER_SEC;
  g_autoptr (GError) error = NULL;

  g_assert_true (trd_store_note_launch (fixture->store, "host:a", 10, &error));
  g_assert_true (trd_store_note_launch (fixture->store, "host:a", 20, &error));
  g_assert_true (trd_store_note_launch (fixture->store, "host:b", 20, &error));
  g_assert_cmpuint (trd_store_count_launches (fixture->store, "host:a", 0), ==, 2);
  g_assert_cmpuint (trd_store_count_launches (fixture->store, "host:a", 11), ==, 1);
  g_assert_cmpint (trd_store_oldest_launch (fixture->store, "host:a", 0), ==, 10);
  g_assert_cmpint (trd_store_oldest_launch (fixture->store, "host:c", 0), ==, 0);

  g_assert_true (trd_store_note_launch (fixture->store, "host:a", hour_us + 15, &error));
  g_assert_cmpint (trd_store_oldest_launch (fixture->store, "host:a", 0), ==, 20);
  /* The clock was set back. */
  g_assert_true (trd_store_note_launch (fixture->store, "host:a", 30, &error));
  g_assert_cmpuint (trd_store_count_launches (fixture->store, "host:a", 0), ==, 2);
}

/* 10,000 rows in one transaction; the log goes into the file in idle time. */
static void
test_many (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint left = G_MAXUINT;
  gint64 start_us = g_get_monotonic_time ();
  TrdSessionCounts counts;
  GStatBuf before, after;

  g_assert_true (trd_store_begin (fixture->store, &error));
  for (guint i = 0; i < 10000; i++)
    store_fixture_add_task (fixture->store, fixture->session_id, TRUNDLE_TASK_QUEUED);
  g_assert_true (trd_store_commit (fixture->store, &error));
  g_test_message ("inserted in %" G_GINT64_FORMAT " us",
                  g_get_monotonic_time () - start_us);

  g_assert_cmpint (g_stat (fixture->path, &before), ==, 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpint (g_stat (fixture->path, &after), ==, 0);
  g_assert_cmpint (after.st_size, >, before.st_size);

  start_us = g_get_monotonic_time ();
  g_assert_true (trd_store_each_brief (fixture->store, count_brief, &left, &error));
  g_test_message ("briefed in %" G_GINT64_FORMAT " us",
                  g_get_monotonic_time () - start_us);
  g_assert_cmpuint (G_MAXUINT - left, ==, 10000);

  start_us = g_get_monotonic_time ();
  g_assert_true (
      trd_store_count_session (fixture->store, fixture->session_id, &counts, &error));
  g_test_message ("counted in %" G_GINT64_FORMAT " us",
                  g_get_monotonic_time () - start_us);
  g_assert_cmpuint (counts.queued, ==, 10000);
}

#define ADD(path, data, func)                                                            \
  g_test_add (                                                                           \
      path, StoreFixture, data, store_fixture_set_up, func, store_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/store/session/round-trip", NULL, test_session_round_trip);
  ADD ("/store/session/identifier-unique", NULL, test_session_identifier_unique);
  ADD ("/store/session/ids-never-reused", NULL, test_session_ids_never_reused);
  ADD ("/store/task/round-trip/empty", "empty", test_task_round_trip);
  ADD ("/store/task/round-trip/insert", "insert", test_task_round_trip);
  ADD ("/store/task/round-trip/update", "update", test_task_round_trip);
  ADD ("/store/task/empty-body", NULL, test_empty_body);
  ADD ("/store/task/numbers", NULL, test_task_numbers);
  ADD ("/store/task/never-running", NULL, test_task_never_running);
  ADD ("/store/task/small-changes", NULL, test_task_small_changes);
  ADD ("/store/task/without-session", NULL, test_task_without_session);
  ADD ("/store/task/briefs", NULL, test_task_briefs);
  ADD ("/store/task/list", NULL, test_task_list);
  ADD ("/store/events/in-order", NULL, test_events_in_order);
  ADD ("/store/events/complete", NULL, test_events_complete);
  ADD ("/store/counts", NULL, test_counts);
  ADD ("/store/delivery", NULL, test_delivery);
  ADD ("/store/launches", NULL, test_launches);
  ADD ("/store/many", NULL, test_many);
  return g_test_run ();
}
