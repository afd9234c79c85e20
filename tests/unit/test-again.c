/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Retry, and tasks that are asked for twice. */

#include "config.h"

#include "await.h"
#include "common/error.h"
#include "core-fixture.h"

#define URL "http://example.org/a"
#define PEER ":1.7"

static TrdTask *
create (CoreFixture *f, const char *options)
{
  return core_fixture_create (f, core_fixture_open (f, "{}"), URL, options);
}

static void
attach (CoreFixture *f, TrdSession *session)
{
  TrdAttachment attachment;

  g_assert_true (
      trd_courier_attach (f->courier, session, PEER, FALSE, &attachment, NULL));
  trd_courier_begin_replay (f->courier, session);
  test_await (core_fixture_count (f, "FINISH") == 1);
}

static TrdTask *
create_failed (CoreFixture *f)
{
  TrdTask *task = create (f, "{'start': <true>}");

  core_fixture_fail (f, task, TRUNDLE_ERROR_HTTP_STATUS);
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  return task;
}

static void
assert_tries (CoreFixture *f, TrdTask *task)
{
  g_autoptr (GError) error = NULL;

  trd_registry_try_again (f->registry, task, &error);
  g_assert_no_error (error);
}

static void
assert_refuses (CoreFixture *f, TrdTask *task)
{
  TrundleTaskState state = task->state;
  g_autoptr (GError) error = NULL;

  g_assert_false (trd_registry_try_again (f->registry, task, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_BAD_STATE);
  g_assert_cmpint (task->state, ==, state);
}

/* Law 7: one TaskFinished at most, and the new end has a new number. */
static void
withdraws_the_end (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create_failed (f);
  TrdSession *session = task->session;
  g_autoptr (TrdTaskRow) row = NULL;
  g_autoptr (GPtrArray) events = NULL;

  g_assert_cmpuint (session->n_events, ==, 1);
  assert_tries (f, task);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_QUEUED);
  g_assert_cmpuint (session->n_events, ==, 0);
  g_assert_cmpuint (session->n_unfinished, ==, 1);
  g_assert_cmpuint (trd_store_count_events (f->env.store, session->row->id), ==, 0);
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_null (row->error_name);
  g_assert_null (row->error_details);
  g_assert_cmpint (row->finished_us, ==, 0);
  g_assert_cmpuint (row->attempts, ==, 1);

  core_fixture_complete (f, task, "x");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  events = trd_store_list_events (f->env.store, session->row->id, 0, 0, NULL);
  g_assert_cmpuint (events->len, ==, 1);
  g_assert_cmpuint (((TrdEvent *)g_ptr_array_index (events, 0))->sequence, ==, 2);
  g_clear_pointer (&row, trd_task_row_free);
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_cmpuint (row->attempts, ==, 2);
}

/* Who has heard the end hears the other one too, and then that all is done, again. */
static void
tells_the_consumer_again (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, "{'start': <true>}");

  attach (f, task->session);
  core_fixture_fail (f, task, TRUNDLE_ERROR_HTTP_STATUS);
  test_await (core_fixture_count (f, "FINISH " PEER " 1") == 1);
  assert_tries (f, task);
  core_fixture_complete (f, task, "x");
  test_await (core_fixture_count (f, "FINISH " PEER " 2") == 1);

  g_assert_cmpuint (
      core_fixture_count (f, "EVENT " PEER " TaskFinished 1 HttpStatus"), ==, 1);
  g_assert_cmpuint (core_fixture_count (f, "EVENT " PEER " TaskFinished 2"), ==, 1);
  g_assert_true (trd_courier_complete (f->courier, task->session, PEER, 2, NULL));
}

/* Retried in the very turn of its end: what was about to be said is not true any more. */
static void
is_not_the_last_any_more (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, "{'start': <true>}");

  attach (f, task->session);
  test_await (fake_transport_is_running (f->transport, task->id));
  fake_transport_take_done (
      f->transport, task->id, trd_outcome_new_failed (TRUNDLE_ERROR_HTTP_STATUS, NULL));
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
  assert_tries (f, task);
  test_await (fake_transport_is_running (f->transport, task->id));
  test_settle ();
  g_assert_cmpuint (core_fixture_count (f, "FINISH"), ==, 1);
}

/* Nobody is started for an event that was taken back. */
static void
starts_nobody (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create_failed (f);

  assert_tries (f, task);
  g_assert_cmpint (
      trd_courier_get_state (f->courier, task->session), ==, TRD_DELIVERY_IDLE);
}

/* Completing what the first end was told under forgets nothing of the second life. */
static void
completing_keeps_it (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, "{'start': <true>}");
  gint64 id = task->id;

  attach (f, task->session);
  core_fixture_fail (f, task, TRUNDLE_ERROR_HTTP_STATUS);
  test_await (core_fixture_count (f, "EVENT") == 1);
  assert_tries (f, task);
  g_assert_true (trd_courier_complete (f->courier, task->session, PEER, 1, NULL));
  g_assert_nonnull (trd_registry_find_task (f->registry, id));
  core_fixture_complete (f, task, "x");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  g_assert_cmpuint (task->session->n_events, ==, 1);
}

static void
survives_a_restart (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create_failed (f);
  gint64 id = task->id;

  assert_tries (f, task);
  core_fixture_restart (f);
  task = trd_registry_find_task (f->registry, id);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_QUEUED);
  g_assert_cmpuint (task->session->n_events, ==, 0);
  core_fixture_complete (f, task, "x");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
}

/* Law 2.
 *
 * Fault (store): the COMMIT of Retry fails | Proves: the end stands, with its event
 * (laws 2, 7) */
static void
changes_nothing_without_commit (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create_failed (f);
  g_autoptr (GError) error = NULL;
  g_autoptr (TrdTaskRow) row = NULL;

  trd_store_fail_next_commit (f->env.store);
  g_assert_false (trd_registry_try_again (f->registry, task, &error));
  g_assert_nonnull (error);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
  g_assert_cmpuint (task->session->n_events, ==, 1);
  g_assert_cmpuint (trd_store_count_events (f->env.store, 1), ==, 1);
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_cmpstr (row->error_name, ==, "HttpStatus");
}

static void
refuses_what_is_not_to_be_tried (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, "{}");

  assert_refuses (f, task);
  g_assert_true (trd_registry_cancel (f->registry, task, "client", NULL));
  assert_refuses (f, task);

  task = create (f, "{'start': <true>}");
  test_await (fake_transport_is_running (f->transport, task->id));
  assert_tries (f, task);
  g_assert_true (fake_transport_is_running (f->transport, task->id));
  core_fixture_complete (f, task, "x");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  assert_refuses (f, task);

  task = create_failed (f);
  g_assert_true (trd_registry_finish_and_invalidate (f->registry, task->session, NULL));
  assert_refuses (f, task);
}

static void
forgets_the_wait (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, "{'start': <true>}");

  core_fixture_fail (f, task, TRUNDLE_ERROR_NO_SPACE);
  test_await (task->state == TRUNDLE_TASK_QUEUED);
  g_assert_cmpint (task->not_before_us, >, 0);
  assert_tries (f, task);
  test_await (fake_transport_is_running (f->transport, task->id));
}

/* The time is over; then it begins anew. */
static void
begins_a_new_deadline (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, "{'start': <true>, 'resource-timeout': <@t 5000>}");

  test_await (fake_transport_is_running (f->transport, task->id));
  fake_clock_advance (f->clock, 6 * G_USEC_PER_SEC);
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  assert_tries (f, task);
  test_await (fake_transport_is_running (f->transport, task->id));
  fake_clock_advance (f->clock, 4 * G_USEC_PER_SEC);
  test_settle ();
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  test_await (task->state == TRUNDLE_TASK_FINISHED);
}

/* ---- dedup-key ---- */

#define KEYED "'dedup-key': <'k'>"

/* T-87. */
static void
finds_the_task_of_a_key (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, "{" KEYED "}");
  gint64 id = task->id;

  g_assert_true (create (f, "{" KEYED "}") == task);
  g_assert_true (create (f, "{'dedup-key': <'other'>}") != task);
  g_assert_true (create (f, "{}") != task);
  core_fixture_restart (f);
  task = trd_registry_find_task (f->registry, id);
  g_assert_true (create (f, "{" KEYED "}") == task);
  g_assert_cmpuint (g_hash_table_size (task->session->tasks), ==, 3);
}

static void
starts_what_it_finds (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, "{" KEYED "}");

  g_assert_true (create (f, "{" KEYED ", 'start': <true>}") == task);
  test_await (fake_transport_is_running (f->transport, task->id));
  g_assert_true (create (f, "{" KEYED ", 'start': <true>}") == task);

  /* Finished, but not forgotten: neither made nor begun again. */
  core_fixture_complete (f, task, "x");
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  g_assert_true (create (f, "{" KEYED ", 'start': <true>}") == task);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
  g_assert_cmpuint (fake_transport_get_attempts (f->transport)->len, ==, 1);

  g_assert_true (trd_courier_complete (f->courier, task->session, PEER, 1, NULL));
  g_assert_cmpint (create (f, "{" KEYED "}")->id, ==, 2);
}

static GArray *
create_batch (CoreFixture *f, const char *const *options, GError **error)
{
  TrdSession *session = core_fixture_open (f, "{}");
  g_autoptr (GPtrArray) drafts = g_ptr_array_new_with_free_func (
      (GDestroyNotify)trd_draft_free);

  for (guint i = 0; options[i] != NULL; i++)
    {
      GVariant *dict = g_variant_parse (
          G_VARIANT_TYPE_VARDICT, options[i], NULL, NULL, NULL);

      g_assert_nonnull (dict);
      g_ptr_array_add (drafts, trd_draft_new (TRUNDLE_KIND_DOWNLOAD, URL, dict));
      g_variant_unref (dict);
    }
  return trd_registry_create_tasks (f->registry, session, drafts, error);
}

static void
finds_within_a_batch (CoreFixture *f, gconstpointer data)
{
  static const char *const options[] = { "{" KEYED "}",
                                         "{'dedup-key': <'b'>}",
                                         "{" KEYED ", 'start': <true>}",
                                         "{" KEYED ", 'start': <true>}",
                                         NULL };
  g_autoptr (GArray) first = create_batch (f, options, NULL);
  g_autoptr (GArray) second = create_batch (f, options, NULL);
  TrdTask *task = trd_registry_find_task (f->registry, 1);

  g_assert_cmpuint (first->len, ==, 4);
  for (guint i = 0; i < first->len; i++)
    {
      g_assert_cmpint (g_array_index (first, gint64, i), ==, i == 1 ? 2 : 1);
      g_assert_cmpint (g_array_index (second, gint64, i), ==, i == 1 ? 2 : 1);
    }
  test_await (fake_transport_is_running (f->transport, task->id));
  g_assert_cmpint (
      trd_registry_find_task (f->registry, 2)->state, ==, TRUNDLE_TASK_SUSPENDED);
  g_assert_cmpuint (g_hash_table_size (task->session->tasks), ==, 2);
}

/* Law 2: of a batch that is not stored, nothing was begun.
 *
 * Fault (store): the COMMIT of a batch fails | Proves: no task is made, none is begun
 * (law 2) */
static void
begins_nothing_without_commit (CoreFixture *f, gconstpointer data)
{
  static const char *const options[]
      = { "{" KEYED ", 'start': <true>}", "{'start': <true>}", NULL };
  TrdTask *task = create (f, "{" KEYED "}");
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) ids = NULL;

  trd_store_fail_next_commit (f->env.store);
  ids = create_batch (f, options, &error);
  g_assert_null (ids);
  g_assert_nonnull (error);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_SUSPENDED);
  g_assert_cmpuint (g_hash_table_size (task->session->tasks), ==, 1);
}

/* A key is a session's own. */
static void
keeps_sessions_apart (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = create (f, "{" KEYED "}");
  g_autoptr (GVariant) none = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
  g_auto (GStrv) ignored = NULL;
  gboolean existing;
  TrdSession *other = trd_registry_open_session (
      f->registry, f->owner, "other", none, FALSE, &existing, &ignored, NULL);

  g_assert_true (core_fixture_create (f, other, URL, "{" KEYED "}") != task);
}

#define add(name, func)                                                                  \
  g_test_add ("/again/" name,                                                            \
              CoreFixture,                                                               \
              NULL,                                                                      \
              core_fixture_set_up,                                                       \
              func,                                                                      \
              core_fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("law-7/withdraws-the-end", withdraws_the_end);
  add ("law-7/tells-the-consumer-again", tells_the_consumer_again);
  add ("law-7/is-not-the-last-any-more", is_not_the_last_any_more);
  add ("law-7/starts-nobody", starts_nobody);
  add ("law-7/completing-keeps-it", completing_keeps_it);
  add ("law-1/survives-a-restart", survives_a_restart);
  add ("law-2/changes-nothing-without-commit", changes_nothing_without_commit);
  add ("refuses-what-is-not-to-be-tried", refuses_what_is_not_to_be_tried);
  add ("forgets-the-wait", forgets_the_wait);
  add ("begins-a-new-deadline", begins_a_new_deadline);
  add ("dedup-key/finds-the-task", finds_the_task_of_a_key);
  add ("dedup-key/starts-what-it-finds", starts_what_it_finds);
  add ("dedup-key/within-a-batch", finds_within_a_batch);
  add ("dedup-key/begins-nothing-without-commit", begins_nothing_without_commit);
  add ("dedup-key/keeps-sessions-apart", keeps_sessions_apart);

  return g_test_run ();
}
