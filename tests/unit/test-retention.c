/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is old is forgotten, in its time and not before, whatever the clock on the wall
 * says; and what becomes of it stands in the history (T-65). */

#include "config.h"

#include "await.h"
#include "core-fixture.h"
#include "core/retention.h"
#include "port/store-history.h"

#define URL "http://user:secret@a.example/file?token=1#x"
#define DAY_US (G_GINT64_CONSTANT (24) * 3600 * G_USEC_PER_SEC)
#define YEAR_US (365 * DAY_US)

typedef struct
{
  CoreFixture core;
  TrdRetention *retention; /* (owned) */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  core_fixture_set_up (&f->core, data);
  f->retention = trd_retention_new (f->core.registry);
  trd_retention_start (f->retention);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_object (&f->retention);
  core_fixture_tear_down (&f->core, data);
}

static void
pass_days (Fixture *f, guint days)
{
  for (guint i = 0; i < days; i++)
    {
      fake_clock_advance (f->core.clock, DAY_US);
      test_settle ();
    }
}

static void
restart (Fixture *f)
{
  g_clear_object (&f->retention);
  core_fixture_restart (&f->core);
  f->retention = trd_retention_new (f->core.registry);
  trd_retention_start (f->retention);
}

static TrdTask *
finish (Fixture *f, const char *options)
{
  TrdTask *task = core_fixture_create (
      &f->core, core_fixture_open (&f->core, "{}"), URL, options);

  core_fixture_complete (&f->core, task, "body");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  test_settle ();
  return task;
}

static TrdTask *
find (Fixture *f, gint64 id)
{
  return trd_registry_find_task (f->core.registry, id);
}

static gboolean
has_file (Fixture *f, gint64 id)
{
  g_autofree char *path = g_strdup_printf (
      "%s/spool/%" G_GINT64_FORMAT, f->core.directory, id);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static GPtrArray *
list_history (Fixture *f)
{
  return trd_store_list_history (
      f->core.env.store, &(TrdHistoryFilter){ .after = 0 }, NULL);
}

static const TrdHistoryRow *
only (GPtrArray *rows)
{
  g_assert_cmpuint (rows->len, ==, 1);
  return g_ptr_array_index (rows, 0);
}

/* T-65: nobody comes on the first day, nor on the 29th. */
static void
keeps_results_thirty_days (Fixture *f, gconstpointer data)
{
  gint64 id = finish (f, "{'start': <true>}")->id;
  g_autoptr (GPtrArray) rows = NULL;
  const TrdHistoryRow *row;

  pass_days (f, 1);
  g_assert_true (has_file (f, id));
  pass_days (f, 28);
  restart (f);
  g_assert_true (has_file (f, id));
  g_assert_nonnull (find (f, id));

  pass_days (f, 3);
  g_assert_false (has_file (f, id));
  g_assert_null (find (f, id));
  g_assert_cmpuint (core_fixture_open (&f->core, "{}")->n_events, ==, 0);
  rows = list_history (f);
  row = only (rows);
  g_assert_cmpint (row->task_id, ==, id);
  g_assert_cmpstr (row->error_name, ==, TRD_HISTORY_EXPIRED);
}

/* In order: the younger ones behind it stay. */
static void
keeps_the_younger (Fixture *f, gconstpointer data)
{
  gint64 old = finish (f, "{'start': <true>}")->id;
  gint64 young;

  pass_days (f, 10);
  young = finish (f, "{'start': <true>}")->id;
  pass_days (f, 22);
  g_assert_null (find (f, old));
  g_assert_nonnull (find (f, young));
  g_assert_true (has_file (f, young));
  pass_days (f, 10);
  g_assert_null (find (f, young));
}

/* A clock that leaps within one boot makes nothing old; but time that has passed does. */
static void
leap_expires_nothing (Fixture *f, gconstpointer data)
{
  gint64 id = finish (f, "{'start': <true>}")->id;

  pass_days (f, 5);
  fake_clock_set_now (f->core.clock, trd_clock_now_us (f->core.env.clock) + 10 * YEAR_US);
  restart (f);
  pass_days (f, 29);
  g_assert_true (has_file (f, id));
  pass_days (f, 2);
  g_assert_false (has_file (f, id));
}

/* With a consumer there, nothing is forgotten in its place. */
static void
leaves_it_to_the_consumer (Fixture *f, gconstpointer data)
{
  gint64 id = finish (f, "{'start': <true>}")->id;

  core_fixture_open (&f->core, "{}")->has_consumer = TRUE;
  pass_days (f, 40);
  g_assert_true (has_file (f, id));
  core_fixture_open (&f->core, "{}")->has_consumer = FALSE;
  pass_days (f, 1);
  g_assert_false (has_file (f, id));
}

/* Nothing under a name of its own goes. */
static void
leaves_destinations (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->core.directory, "file", NULL);
  g_autofree char *options = g_strdup_printf (
      "{'start': <true>, 'destination-path': <'%s'>}", path);
  gint64 id = finish (f, options)->id;
  g_autoptr (GPtrArray) rows = NULL;

  pass_days (f, 33);
  g_assert_null (find (f, id));
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  rows = list_history (f);
  g_assert_null (only (rows)->error_name);
  g_assert_cmpstr (only (rows)->final_path, ==, path);
}

static void
complete (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  trd_registry_complete_events (
      f->core.registry, core_fixture_open (&f->core, "{}"), G_MAXUINT64, &error);
  g_assert_no_error (error);
}

/* No secret gets into it, and after 90 days it is gone. */
static void
remembers_ninety_days (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) before = NULL;
  g_autoptr (GPtrArray) after = NULL;
  gint64 id = finish (f, "{'start': <true>, 'description': <'d'>}")->id;

  complete (f);
  pass_days (f, 89);
  before = list_history (f);
  g_assert_cmpint (only (before)->task_id, ==, id);
  g_assert_cmpstr (only (before)->url, ==, "http://a.example/file?…");
  g_assert_cmpstr (only (before)->session, ==, "s");
  g_assert_cmpstr (only (before)->owner->app_id, ==, "org.example.App");
  g_assert_cmpstr (only (before)->description, ==, "d");
  g_assert_cmpuint (only (before)->received, ==, 4);
  g_assert_null (only (before)->error_name);

  pass_days (f, 3);
  after = list_history (f);
  g_assert_cmpuint (after->len, ==, 0);
}

/* A session that is given up takes its unfinished tasks along. */
static void
remembers_cancelled (Fixture *f, gconstpointer data)
{
  TrdSession *session = core_fixture_open (&f->core, "{}");
  gint64 id = core_fixture_create (&f->core, session, URL, "{}")->id;
  g_autoptr (GPtrArray) rows = NULL;
  g_autoptr (GError) error = NULL;

  trd_registry_invalidate_and_cancel (f->core.registry, session, FALSE, &error);
  g_assert_no_error (error);
  rows = list_history (f);
  g_assert_cmpint (only (rows)->task_id, ==, id);
  g_assert_cmpstr (only (rows)->error_name, ==, "Cancelled");
  g_assert_cmpint (only (rows)->finished_us, >, 0);
}

static void
remembers_so_many (Fixture *f, gconstpointer data)
{
  TrdRetentionLimits limits = { 30, 90, 3 };
  g_autoptr (GPtrArray) rows = NULL;
  gint64 last = 0;

  for (guint i = 0; i < 5; i++)
    {
      last = finish (f, "{'start': <true>}")->id;
      fake_clock_advance (f->core.clock, G_USEC_PER_SEC);
    }
  complete (f);
  trd_retention_set_limits (f->retention, &limits);
  rows = list_history (f);
  g_assert_cmpuint (rows->len, ==, 3);
  g_assert_cmpint (((TrdHistoryRow *)g_ptr_array_index (rows, 0))->task_id, ==, last);
}

/* @data: which limit is nought. */
static void
remembers_nothing (Fixture *f, gconstpointer data)
{
  TrdRetentionLimits limits = { 30, data == NULL ? 0 : 90, data == NULL ? 1000 : 0 };
  g_autoptr (GPtrArray) before = NULL;
  g_autoptr (GPtrArray) after = NULL;

  finish (f, "{'start': <true>}");
  complete (f);
  trd_retention_set_limits (f->retention, &limits);
  before = list_history (f);
  g_assert_cmpuint (before->len, ==, 0);

  finish (f, "{'start': <true>}");
  complete (f);
  after = list_history (f);
  g_assert_cmpuint (after->len, ==, 0);
}

#define ADD(path, data, func) g_test_add (path, Fixture, data, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/retention/results/thirty-days", NULL, keeps_results_thirty_days);
  ADD ("/retention/results/younger", NULL, keeps_the_younger);
  ADD ("/retention/results/leap", NULL, leap_expires_nothing);
  ADD ("/retention/results/consumer", NULL, leaves_it_to_the_consumer);
  ADD ("/retention/results/destinations", NULL, leaves_destinations);
  ADD ("/retention/history/ninety-days", NULL, remembers_ninety_days);
  ADD ("/retention/history/cancelled", NULL, remembers_cancelled);
  ADD ("/retention/history/so-many", NULL, remembers_so_many);
  ADD ("/retention/history/no-days", NULL, remembers_nothing);
  ADD ("/retention/history/no-tasks", "tasks", remembers_nothing);
  return g_test_run ();
}
