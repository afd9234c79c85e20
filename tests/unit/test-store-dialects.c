/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is remembered of servers: found, replaced, aged, forgotten, and never too much. */

#include "config.h"

#include "store-fixture.h"

#include "port/store-dialects.h"

#define NOW ((gint64)1000000 * G_TIME_SPAN_DAY)
#define ORIGIN "https://a.example:443"

static void
put (StoreFixture *f,
     gint64 session_id,
     const char *origin,
     const char *word,
     gint64 now_us)
{
  g_autoptr (GError) error = NULL;

  trd_store_put_dialect (f->store, session_id, origin, word, now_us, &error);
  g_assert_no_error (error);
}

static void
assert_found (StoreFixture *f,
              gint64 session_id,
              const char *origin,
              gint64 now_us,
              const char *word,
              gint64 age_us)
{
  g_autofree char *found = NULL;
  g_autoptr (GError) error = NULL;
  gint64 found_age_us = -1;

  trd_store_find_dialect (
      f->store, session_id, origin, now_us, &found, &found_age_us, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (found, ==, word);
  g_assert_cmpint (found_age_us, ==, age_us);
}

static void
finds_what_was_put (StoreFixture *f, gconstpointer data)
{
  gint64 other = store_fixture_add_session (f->store, "other", "@a{sv} {}");

  assert_found (f, f->session_id, ORIGIN, NOW, NULL, -1);
  put (f, f->session_id, ORIGIN, "tus", NOW);
  assert_found (f, f->session_id, ORIGIN, NOW + 5, "tus", 5);
  put (f, f->session_id, ORIGIN, "ietf-8", NOW + 7);
  assert_found (f, f->session_id, ORIGIN, NOW + 8, "ietf-8", 1);
  assert_found (f, f->session_id, "http://a.example:80", NOW, NULL, -1);
  assert_found (f, other, ORIGIN, NOW + 8, NULL, -1);
}

static void
grows_old (StoreFixture *f, gconstpointer data)
{
  put (f, f->session_id, ORIGIN, "tus", NOW);
  assert_found (f,
                f->session_id,
                ORIGIN,
                NOW + 30 * G_TIME_SPAN_DAY - 1,
                "tus",
                30 * G_TIME_SPAN_DAY - 1);
  assert_found (f, f->session_id, ORIGIN, NOW + 30 * G_TIME_SPAN_DAY, NULL, -1);
}

/* By a clock that was set back since. */
static void
believes_no_future (StoreFixture *f, gconstpointer data)
{
  put (f, f->session_id, ORIGIN, "tus", NOW);
  assert_found (f, f->session_id, ORIGIN, NOW - 1, NULL, -1);
}

static void
forgets_a_session (StoreFixture *f, gconstpointer data)
{
  gint64 other = store_fixture_add_session (f->store, "other", "@a{sv} {}");
  g_autoptr (GError) error = NULL;

  put (f, f->session_id, ORIGIN, "tus", NOW);
  put (f, other, ORIGIN, "none", NOW);
  trd_store_forget_dialects (f->store, f->session_id, &error);
  g_assert_no_error (error);
  assert_found (f, f->session_id, ORIGIN, NOW, NULL, -1);
  assert_found (f, other, ORIGIN, NOW, "none", 0);

  trd_store_delete_session (f->store, other, NOW, &error);
  g_assert_no_error (error);
  assert_found (f, other, ORIGIN, NOW, NULL, -1);
}

/* The oldest goes for the newest; another session's stays. */
static void
keeps_a_thousand (StoreFixture *f, gconstpointer data)
{
  gint64 other = store_fixture_add_session (f->store, "other", "@a{sv} {}");
  g_autoptr (GError) error = NULL;

  put (f, other, ORIGIN, "tus", NOW);
  trd_store_begin (f->store, &error);
  g_assert_no_error (error);
  for (guint i = 0; i <= TRD_STORE_DIALECTS_MAX; i++)
    {
      g_autofree char *origin = g_strdup_printf ("https://%u.example:443", i);

      put (f, f->session_id, origin, "none", NOW + i);
    }
  trd_store_commit (f->store, &error);
  g_assert_no_error (error);

  assert_found (f, f->session_id, "https://0.example:443", NOW + 2000, NULL, -1);
  assert_found (f, f->session_id, "https://1.example:443", NOW + 2001, "none", 2000);
  assert_found (f, f->session_id, "https://1000.example:443", NOW + 2000, "none", 1000);
  assert_found (f, other, ORIGIN, NOW, "tus", 0);
}

/* Fault (store): the COMMIT of what was learned fails | Proves: what was known stays */
static void
is_all_or_nothing (StoreFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  put (f, f->session_id, ORIGIN, "tus", NOW);
  trd_store_fail_next_commit (f->store);
  g_assert_false (
      trd_store_put_dialect (f->store, f->session_id, ORIGIN, "none", NOW + 1, &error));
  g_assert_nonnull (error);
  assert_found (f, f->session_id, ORIGIN, NOW, "tus", 0);
}

static void
add (const char *path, void (*test) (StoreFixture *, gconstpointer))
{
  g_test_add (
      path, StoreFixture, NULL, store_fixture_set_up, test, store_fixture_tear_down);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("/store-dialects/finds-what-was-put", finds_what_was_put);
  add ("/store-dialects/grows-old", grows_old);
  add ("/store-dialects/believes-no-future", believes_no_future);
  add ("/store-dialects/forgets-a-session", forgets_a_session);
  add ("/store-dialects/keeps-a-thousand", keeps_a_thousand);
  add ("/store-dialects/is-all-or-nothing", is_all_or_nothing);

  return g_test_run ();
}
