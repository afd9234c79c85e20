/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who has which version of a jar: the book that is kept, and workers that are sent what
 * they need. */

#include "config.h"

#include "workers-fixture.h"

#include "await.h"
#include "common/cookies.h"
#include "port/worker-jars.h"

/* ---- the book ---- */

/* Whether the worker is sent the cookies. */
static gboolean
send_jar (TrdWorkerJars *jars, guint64 jar, guint64 version)
{
  g_autoptr (GVariant) request = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
  g_autoptr (GVariant) cookies = g_variant_ref_sink (
      g_variant_new_array (G_VARIANT_TYPE (TRUNDLE_COOKIE_TYPE), NULL, 0));
  g_autoptr (GVariant) completed = trd_worker_jars_complete (
      jars, request, jar, version, cookies);
  guint64 told = 0;

  g_variant_lookup (completed, "jar-version", "t", &told);
  g_assert_true (told == 0 || told == version);
  return told != 0;
}

static void
assert_version (TrdWorkerJars *jars, guint64 jar, guint64 base, guint64 expected)
{
  guint64 version = 99;

  g_assert_true (trd_worker_jars_find (jars, jar, base, &version));
  g_assert_cmpuint (version, ==, expected);
}

static void
test_sent_once (void)
{
  TrdWorkerJars *jars = trd_worker_jars_new ();

  g_assert_true (send_jar (jars, 7, 1));
  g_assert_false (send_jar (jars, 7, 1));
  g_assert_true (send_jar (jars, 8, 1));
  /* Another worker has changed it. */
  g_assert_true (send_jar (jars, 7, 2));
  trd_worker_jars_free (jars);
}

static void
test_own_changes (void)
{
  TrdWorkerJars *jars = trd_worker_jars_new ();
  guint64 version;

  g_assert_false (trd_worker_jars_find (jars, 7, 0, &version));
  send_jar (jars, 7, 1);
  assert_version (jars, 7, 1, 1);
  trd_worker_jars_note (jars, 7, 2);
  g_assert_false (send_jar (jars, 7, 2));
  /* It goes on telling of what it was sent. */
  assert_version (jars, 7, 1, 2);
  trd_worker_jars_note (jars, 7, 3);
  g_assert_false (send_jar (jars, 7, 3));
  trd_worker_jars_free (jars);
}

/* What it told crossed what it was sent. */
static void
test_crossed (void)
{
  TrdWorkerJars *jars = trd_worker_jars_new ();

  send_jar (jars, 7, 1);
  send_jar (jars, 7, 4);
  assert_version (jars, 7, 1, 0);
  trd_worker_jars_note (jars, 7, 0);
  g_assert_true (send_jar (jars, 7, 5));
  trd_worker_jars_free (jars);
}

/* ---- workers ---- */

static void
test_brought (WorkersFixture *f, gconstpointer data)
{
  f->jar_version = 1;
  workers_fixture_begin (f, 1, "cookies");
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_begin (f, 2, "cookies");
  test_await (workers_fixture_count (f, "released") == 2);
  g_assert_true (
      workers_fixture_has (f, "cookies 7 1 [(b'brought', b'', 'fake', '/', 0, 0)]"));
  /* It has what it said itself. */
  g_assert_true (
      workers_fixture_has (f, "cookies 7 2 [(b'had', b'', 'fake', '/', 0, 0)]"));
}

/* A worker of a suspect is sent all there is by then. */
static void
test_other_worker (WorkersFixture *f, gconstpointer data)
{
  f->jar_version = 1;
  workers_fixture_begin (f, 1, "cookies");
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_begin_as (f, 2, f->owner, TRUE, "cookies");
  test_await (workers_fixture_count (f, "released") == 2);
  g_assert_true (
      workers_fixture_has (f, "cookies 7 2 [(b'brought', b'', 'fake', '/', 0, 0)]"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker-jars/sent-once", test_sent_once);
  g_test_add_func ("/worker-jars/own-changes", test_own_changes);
  g_test_add_func ("/worker-jars/crossed", test_crossed);
  g_test_add ("/worker-jars/brought",
              WorkersFixture,
              NULL,
              workers_fixture_set_up,
              test_brought,
              workers_fixture_tear_down);
  g_test_add ("/worker-jars/other-worker",
              WorkersFixture,
              NULL,
              workers_fixture_set_up,
              test_other_worker,
              workers_fixture_tear_down);
  return g_test_run ();
}
