/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of challenges: what goes in comes out, one for each space of a session. */

#include "config.h"

#include "store-fixture.h"

#include "port/store-challenges.h"

static TrdChallengeRow *
make_row (gint64 session_id, const char *space)
{
  TrdChallengeRow *row = g_new0 (TrdChallengeRow, 1);

  row->session_id = session_id;
  row->space = g_strdup (space);
  row->state = TRD_CHALLENGE_LOCKED;
  row->failures = 2;
  row->generation = 7;
  row->opened_us = 1000;
  row->deadline = (TrdMoment){ .wall_us = 99, .boot_us = 98 };
  row->facts = store_fixture_parse ("{'host': <'a.example'>}");
  return row;
}

static TrdChallengeRow *
add_row (StoreFixture *fixture, const char *space)
{
  TrdChallengeRow *row = make_row (fixture->session_id, space);
  g_autoptr (GError) error = NULL;

  trd_store_insert_challenge (fixture->store, row, &error);
  g_assert_no_error (error);
  g_assert_cmpint (row->id, >, 0);
  return row;
}

static GPtrArray *
list (StoreFixture *fixture)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *rows = trd_store_list_challenges (fixture->store, &error);

  g_assert_no_error (error);
  return rows;
}

static void
assert_equal (const TrdChallengeRow *a, const TrdChallengeRow *b)
{
  g_assert_cmpint (a->id, ==, b->id);
  g_assert_cmpint (a->session_id, ==, b->session_id);
  g_assert_cmpstr (a->space, ==, b->space);
  g_assert_cmpint (a->state, ==, b->state);
  g_assert_cmpuint (a->failures, ==, b->failures);
  g_assert_cmpuint (a->generation, ==, b->generation);
  g_assert_cmpint (a->opened_us, ==, b->opened_us);
  g_assert_cmpint (a->deadline.wall_us, ==, b->deadline.wall_us);
  g_assert_cmpint (a->deadline.boot_us, ==, b->deadline.boot_us);
  g_assert_cmpvariant (a->facts, b->facts);
  g_assert_true ((a->answer == NULL) == (b->answer == NULL));
  if (a->answer != NULL)
    g_assert_cmpvariant (a->answer, b->answer);
}

static void
round_trip (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdChallengeRow) first = add_row (fixture, "https://a.example:443 basic r");
  g_autoptr (TrdChallengeRow) second = add_row (fixture,
                                                "https://a.example:443 digest r");
  g_autoptr (GPtrArray) rows = list (fixture);

  g_assert_cmpuint (rows->len, ==, 2);
  assert_equal (g_ptr_array_index (rows, 0), first);
  assert_equal (g_ptr_array_index (rows, 1), second);
}

static void
changes (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdChallengeRow) row = add_row (fixture, "https://a.example:443 basic r");
  g_autoptr (GPtrArray) rows = NULL;
  g_autoptr (GError) error = NULL;

  row->state = TRD_CHALLENGE_ANSWERED;
  row->failures = 3;
  row->generation = 8;
  row->opened_us = 2000;
  row->deadline = (TrdMoment){ 0 };
  g_variant_unref (row->facts);
  row->facts = store_fixture_parse ("{'host': <'b.example'>}");
  row->answer = store_fixture_parse ("{'user': <'u'>}");
  trd_store_update_challenge (fixture->store, row, &error);
  g_assert_no_error (error);

  rows = list (fixture);
  g_assert_cmpuint (rows->len, ==, 1);
  assert_equal (g_ptr_array_index (rows, 0), row);
}

static void
one_for_each_space (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdChallengeRow) row = add_row (fixture, "https://a.example:443 basic r");
  g_autoptr (TrdChallengeRow) again = make_row (fixture->session_id, row->space);
  g_autoptr (TrdChallengeRow) other = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (trd_store_insert_challenge (fixture->store, again, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);

  other = make_row (store_fixture_add_session (fixture->store, "other", "@a{sv} {}"),
                    row->space);
  g_assert_true (trd_store_insert_challenge (fixture->store, other, &error));
  g_assert_no_error (error);
}

/* Numbers are what apps answer to: never used twice. */
static void
deleted (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdChallengeRow) row = add_row (fixture, "https://a.example:443 basic r");
  g_autoptr (TrdChallengeRow) next = NULL;
  g_autoptr (GPtrArray) rows = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (trd_store_delete_challenge (fixture->store, row->id, &error));
  g_assert_true (trd_store_delete_challenge (fixture->store, row->id, &error));
  g_assert_no_error (error);
  g_assert_false (trd_store_update_challenge (fixture->store, row, &error));
  g_assert_nonnull (error);

  rows = list (fixture);
  g_assert_cmpuint (rows->len, ==, 0);
  next = add_row (fixture, row->space);
  g_assert_cmpint (next->id, >, row->id);
}

static void
goes_with_its_session (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdChallengeRow) row = add_row (fixture, "https://a.example:443 basic r");
  g_autoptr (GPtrArray) rows = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (row->id, >, 0);
  trd_store_delete_session (fixture->store, fixture->session_id, 5, &error);
  g_assert_no_error (error);

  rows = list (fixture);
  g_assert_cmpuint (rows->len, ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func)                                                                  \
  g_test_add ("/store-challenges/" path,                                                 \
              StoreFixture,                                                              \
              NULL,                                                                      \
              store_fixture_set_up,                                                      \
              func,                                                                      \
              store_fixture_tear_down)
  ADD ("round-trip", round_trip);
  ADD ("changes", changes);
  ADD ("one-for-each-space", one_for_each_space);
  ADD ("deleted", deleted);
  ADD ("goes-with-its-session", goes_with_its_session);

  return g_test_run ();
}
