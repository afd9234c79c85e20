/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parts that outlive their tasks: who leaves one, who gets it, and that nobody gets it
 * twice (laws 4, 6, 8, 11). */

#include "config.h"

#include "core/registry-internal.h"

#include "core-fixture-keep.h"

/* ---- leaving ---- */

static void
cancel_keeps (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = keep_cut (f, 4, "{'start': <true>}");
  g_autoptr (GBytes) left = keep_cancel (f, task);
  g_autoptr (TrdTaskRow) row = trd_registry_load_task (f->registry, task, NULL);
  g_autoptr (GVariant) told = NULL;
  g_autofree char *spool = keep_read_spool (f, 1);

  g_assert_nonnull (left);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
  g_assert_cmpstr (row->error_name, ==, "Cancelled");
  told = g_variant_lookup_value (row->error_details, "resume-data", NULL);
  g_assert_cmpmem (g_variant_get_data (told),
                   g_variant_get_size (told),
                   g_bytes_get_data (left, NULL),
                   g_bytes_get_size (left));
  g_assert_cmpstr (spool, ==, "0123");
}

/* The event tells it too, for an app that is started later. */
static void
event_tells (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = keep_cut (f, 4, "{'start': <true>}");
  g_autoptr (GPtrArray) events = NULL;
  const TrdEvent *event;

  keep_leave (f, task);
  events = trd_store_list_events (f->env.store, task->session->row->id, 0, 0, NULL);
  event = g_ptr_array_index (events, 0);
  g_assert_cmpuint (events->len, ==, 1);
  g_assert_true (g_variant_lookup (event->details, "resume-data", "ay", NULL));
}

static void
plain_cancel_keeps_nothing (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = keep_cut (f, 4, "{'start': <true>}");
  g_autoptr (TrdTaskRow) row = NULL;

  g_assert_true (trd_registry_cancel (f->registry, task, "client", NULL));
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_false (g_variant_lookup (row->error_details, "resume-data", "ay", NULL));
  g_assert_null (keep_read_spool (f, 1));
  g_assert_cmpuint (keep_count (f), ==, 0);
}

static void
nothing_to_go_on_with (CoreFixture *f, gconstpointer data)
{
  const char *response = data;
  TrdTask *task = core_fixture_create (
      f, core_fixture_open (f, "{}"), "http://example.org/a", "{'start': <true>}");
  g_autoptr (GBytes) left = NULL;

  test_await (fake_transport_is_running (f->transport, task->id));
  fake_transport_respond (f->transport, task->id, g_variant_new_parsed (response));
  fake_transport_write (f->transport, task->id, "01", 2);
  g_assert_true (trd_registry_cancel_keeping (f->registry, task, &left, NULL));
  g_assert_null (left);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
  g_assert_null (keep_read_spool (f, 1));
  g_assert_cmpuint (keep_count (f), ==, 0);
}

static void
nothing_received (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = core_fixture_create (
      f, core_fixture_open (f, "{}"), "http://example.org/a", "{}");
  g_autoptr (GBytes) left = NULL;

  g_assert_true (trd_registry_cancel_keeping (f->registry, task, &left, NULL));
  g_assert_null (left);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_FINISHED);
}

static void
finished_is_bad_state (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = keep_cut (f, 4, "{'start': <true>}");
  g_autoptr (GBytes) again = NULL;
  g_autoptr (GError) error = NULL;

  keep_leave (f, task);
  g_assert_false (trd_registry_cancel_keeping (f->registry, task, &again, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_BAD_STATE);
  g_assert_null (again);
  g_assert_cmpuint (keep_count (f), ==, 1);
}

/* Fault (store): the commit of a cancellation fails | Proves: the task goes on, nothing
 * was given away (laws 1, 2) */
static void
failed_commit_keeps_the_task (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = keep_cut (f, 4, "{'start': <true>}");
  g_autoptr (GBytes) left = NULL;
  g_autoptr (GError) error = NULL;

  trd_store_fail_next_commit (f->env.store);
  g_assert_false (trd_registry_cancel_keeping (f->registry, task, &left, &error));
  g_assert_nonnull (error);
  g_assert_null (left);
  g_assert_cmpuint (keep_count (f), ==, 0);
  fake_clock_advance (f->clock, 5 * G_USEC_PER_SEC);
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 4);
}

static void
fail_with_403 (CoreFixture *f, TrdTask *task)
{
  TrdOutcome *outcome = trd_outcome_new_failed (TRUNDLE_ERROR_HTTP_STATUS, NULL);

  outcome->status = 403;
  outcome->received = 4;
  outcome->response = g_variant_ref_sink (g_variant_new_parsed ("{'status': <@u 403>}"));
  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  test_await (fake_transport_is_running (f->transport, task->id));
  fake_transport_take_done (f->transport, task->id, outcome);
  test_await (task->state == TRUNDLE_TASK_FINISHED);
}

/* Fault (server): the address expires when a part is to be gone on with | Proves: the
 * part outlives the task, and another address goes on with it */
static void
failed_task_leaves (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = keep_cut (f, 4, "{'start': <true>}");
  g_autoptr (GBytes) left = NULL;
  g_autoptr (TrdTaskRow) row = NULL;
  guint status = 0;
  TrdTask *second;

  fail_with_403 (f, task);
  row = trd_registry_load_task (f->registry, task, NULL);
  g_variant_lookup (row->response, "status", "u", &status);
  g_assert_cmpuint (status, ==, 403);

  left = keep_lookup (f, task);
  second = keep_create (f, left, "http://example.org/b", "{'start': <true>}", NULL);
  g_assert_cmpuint (keep_asked_offset (f, second), ==, 4);
}

static void
expired_task_leaves (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = keep_cut (f, 4, "{'start': <true>, 'resource-timeout': <@t 60000>}");
  g_autoptr (GBytes) left = NULL;

  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  test_await (fake_transport_is_running (f->transport, task->id));
  fake_clock_advance (f->clock, 60 * G_USEC_PER_SEC);
  test_await (task->state == TRUNDLE_TASK_FINISHED);
  left = keep_lookup (f, task);
  g_assert_nonnull (left);
}

/* A whole file that is wrong, and one that only lacks its name, are no beginnings. */
static void
wrong_file_leaves_nothing (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = keep_cut (f, 4, "{'start': <true>}");
  TrdChange change = { 0 };
  g_autoptr (TrdOutcome) outcome = trd_outcome_new_failed (TRUNDLE_ERROR_INTEGRITY_FAILED,
                                                           NULL);

  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  test_await (fake_transport_is_running (f->transport, task->id));
  change.outcome = outcome;
  g_assert_true (trd_turn_single (f->registry, task, TRD_TASK_INPUT_FAIL, &change, NULL));
  g_assert_cmpuint (keep_count (f), ==, 0);
  g_assert_null (keep_read_spool (f, 1));
}

/* ---- going on ---- */

static void
goes_on (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GBytes) left = keep_cancel (f, keep_cut (f, 4, "{'start': <true>}"));
  TrdTask *task = keep_create (f, left, "", "{'start': <true>}", NULL);
  g_autoptr (TrdTaskRow) row = trd_registry_load_task (f->registry, task, NULL);
  g_autofree char *whole = NULL;

  g_assert_cmpstr (row->url, ==, "http://example.org/a");
  g_assert_cmpuint (row->received, ==, 4);
  g_assert_cmpuint (keep_count (f), ==, 0);
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 4);
  keep_finish (f, task, 4);
  whole = keep_read_spool (f, task->id);
  g_assert_cmpstr (whole, ==, KEEP_WHOLE);
  g_assert_null (keep_read_spool (f, 1));
}

/* The worker holds the part a moment longer, and may still write what it has. */
static void
waits_for_the_worker (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = keep_cut (f, 4, "{'start': <true>}");
  g_autoptr (GBytes) left = NULL;
  TrdTask *second;

  fake_clock_advance (f->clock, 2 * G_USEC_PER_SEC);
  keep_respond (f, task, 4);
  fake_transport_set_auto_release (f->transport, FALSE);
  left = keep_cancel (f, task);
  second = keep_create (f, left, "", "{'start': <true>}", NULL);
  keep_append_spool (f, second->id, "45");
  test_settle ();
  g_assert_null (fake_transport_find (f->transport, second->id));

  fake_transport_release (f->transport, task->id);
  g_assert_cmpuint (keep_asked_offset (f, second), ==, 6);
}

static void
used_once (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GBytes) left = keep_cancel (f, keep_cut (f, 4, "{'start': <true>}"));
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (keep_create (f, left, "", "{}", NULL));
  g_assert_null (keep_create (f, left, "", "{}", &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_RESUME_DATA);
}

/* All or none: what one of the batch has taken is there again. */
static void
used_once_in_a_batch (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GBytes) left = keep_cancel (f, keep_cut (f, 4, "{'start': <true>}"));
  g_autoptr (GPtrArray) drafts = keep_drafts (f, left, 2);
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) ids = trd_registry_create_tasks (
      f->registry, core_fixture_open (f, "{}"), drafts, &error);

  g_assert_null (ids);
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_RESUME_DATA);
  g_assert_nonnull (keep_create (f, left, "", "{}", NULL));
}

/* Fault (caller): the data of another app is used | Proves: the same words as for data
 * that nobody knows (law 8); its owner still has it */
static void
of_another_owner (CoreFixture *f, gconstpointer data)
{
  g_autoptr (TrdOwner) before = NULL;
  g_autoptr (GBytes) left = NULL;
  g_autoptr (GBytes) unknown = NULL;
  g_autoptr (GError) stranger = NULL;
  g_autoptr (GError) nobody = NULL;

  before = g_steal_pointer (&f->owner);
  f->owner = trd_owner_new ("flatpak", "org.example.One");
  left = keep_cancel (f, keep_cut (f, 4, "{'start': <true>}"));
  unknown = keep_cancel (f, keep_cut (f, 4, "{'start': <true>}"));
  g_assert_true (trd_store_delete_resumable (f->env.store, 2, NULL));

  trd_owner_unref (f->owner);
  f->owner = trd_owner_new ("flatpak", "org.example.Two");
  g_assert_null (keep_create (f, left, "", "{}", &stranger));
  g_assert_null (keep_create (f, unknown, "", "{}", &nobody));
  g_assert_error (stranger, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_RESUME_DATA);
  g_assert_error (nobody, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_RESUME_DATA);
  g_assert_cmpstr (stranger->message, ==, nobody->message);

  trd_owner_unref (f->owner);
  f->owner = trd_owner_new ("flatpak", "org.example.One");
  g_assert_nonnull (keep_create (f, left, "", "{}", NULL));
}

static void
nonsense_is_refused (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GBytes) left = g_bytes_new_static ("\1\2", GPOINTER_TO_UINT (data));
  g_autoptr (GError) error = NULL;

  g_assert_null (keep_create (f, left, "http://example.org/a", "{}", &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_RESUME_DATA);
}

static void
another_resource_is_refused (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GBytes) left = keep_cancel (f, keep_cut (f, 4, "{'start': <true>}"));
  g_autoptr (GError) error = NULL;

  g_assert_null (keep_create (f, left, "", data, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (keep_create (f, left, "", "{}", NULL));
}

/* What is given goes over what was given before, and secrets are not there again. */
static void
options_are_merged (CoreFixture *f, gconstpointer data)
{
  TrdTask *first = keep_cut (f,
                             4,
                             "{'start': <true>, 'max-redirects': <@u 3>,"
                             " 'redirects': <'none'>, 'description': <'old'>,"
                             " 'headers': <[('X-One', '1'), ('X-Two', '2'),"
                             " ('Authorization', 'secret')]>}");
  g_autoptr (GBytes) left = keep_cancel (f, first);
  TrdTask *task = keep_create (f,
                               left,
                               "",
                               "{'max-redirects': <@u 5>,"
                               " 'headers': <[('x-two', 'zwei')]>}",
                               NULL);
  g_autoptr (TrdTaskRow) row = trd_registry_load_task (f->registry, task, NULL);
  g_autoptr (GVariant) headers = g_variant_lookup_value (row->options, "headers", NULL);
  g_autofree char *text = g_variant_print (headers, FALSE);
  g_autofree char *redirects = NULL;
  guint max = 0;

  g_variant_lookup (row->options, "max-redirects", "u", &max);
  g_variant_lookup (row->options, "redirects", "s", &redirects);
  g_assert_cmpuint (max, ==, 5);
  g_assert_cmpstr (redirects, ==, "none");
  g_assert_cmpstr (text, ==, "[('X-One', '1'), ('x-two', 'zwei')]");
  g_assert_null (row->description);
  g_assert_true (row->durable);
  g_assert_false (g_variant_lookup (row->options, "resume-data", "ay", NULL));
}

/* ---- places ---- */

static void
same_directory_keeps_the_name (CoreFixture *f, gconstpointer data)
{
  g_autofree char *options = keep_destination (f, "inbox", "a");
  TrdTask *first = keep_cut (f, 4, options);
  g_autoptr (GBytes) left = keep_cancel (f, first);
  guint64 sequence = first->session->row->last_sequence;
  TrdTask *task = keep_create (f, left, "", options, NULL);
  g_autoptr (GPtrArray) names = keep_list (f, "inbox");

  g_assert_cmpuint (names->len, ==, 1);
  g_assert_true (g_str_has_prefix (g_ptr_array_index (names, 0), ".trundle-1-"));
  /* The first is forgotten, and its part is not its any more. */
  g_assert_true (
      trd_registry_complete_events (f->registry, first->session, sequence, NULL));
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 4);
  keep_finish (f, task, 4);
  g_clear_pointer (&names, g_ptr_array_unref);
  names = keep_list (f, "inbox");
  g_assert_cmpuint (names->len, ==, 1);
  g_assert_cmpstr (g_ptr_array_index (names, 0), ==, "a");
}

static void
from_the_spool_to_a_directory (CoreFixture *f, gconstpointer data)
{
  g_autofree char *options = keep_destination (f, "inbox", "a");
  g_autoptr (GBytes) left = keep_cancel (f, keep_cut (f, 4, "{'start': <true>}"));
  TrdTask *task = keep_create (f, left, "", options, NULL);
  g_autoptr (GPtrArray) names = keep_list (f, "inbox");

  g_assert_null (keep_read_spool (f, 1));
  g_assert_cmpuint (names->len, ==, 1);
  g_assert_true (g_str_has_prefix (g_ptr_array_index (names, 0), ".trundle-2-"));
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 4);
  g_assert_cmpuint (keep_count (f), ==, 0);
}

static void
from_a_directory_to_the_spool (CoreFixture *f, gconstpointer data)
{
  g_autofree char *options = keep_destination (f, "inbox", "a");
  g_autoptr (GBytes) left = keep_cancel (f, keep_cut (f, 4, options));
  TrdTask *task = keep_create (f, left, "", "{'start': <true>}", NULL);
  g_autoptr (GPtrArray) names = keep_list (f, "inbox");

  g_assert_cmpuint (names->len, ==, 0);
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 4);
  g_assert_cmpuint (keep_count (f), ==, 0);
}

static void
across_file_systems_begins_anew (CoreFixture *f, gconstpointer data)
{
  g_autofree char *folder = g_strdup ("/dev/shm/trundle-keeper-XXXXXX");
  g_autofree char *options = NULL;
  g_autoptr (GBytes) left = NULL;
  TrdTask *task;

  if (g_mkdtemp (folder) == NULL || keep_is_same_file_system (folder, f->directory))
    {
      g_test_skip ("There is no second file system");
      return;
    }

  options = g_strdup_printf ("{'start': <true>, 'destination-path': <'%s/a'>}", folder);
  left = keep_cancel (f, keep_cut (f, 4, "{'start': <true>}"));
  task = keep_create (f, left, "", options, NULL);
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 0);
  g_assert_null (keep_read_spool (f, 1));
  g_assert_cmpuint (keep_count (f), ==, 0);
  g_assert_true (trd_registry_cancel (f->registry, task, "client", NULL));
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

/* Fault (disk): a part that was kept is deleted by somebody | Proves: the task begins
 * anew, and says so */
static void
deleted_part_begins_anew (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GBytes) left = keep_cancel (f, keep_cut (f, 4, "{'start': <true>}"));
  g_autofree char *path = keep_spool_path (f, 1);
  g_autoptr (TrdTaskRow) row = NULL;
  TrdTask *task;

  g_assert_cmpint (g_unlink (path), ==, 0);
  task = keep_create (f, left, "", "{'start': <true>}", NULL);
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_cmpuint (row->received, ==, 0);
  g_assert_cmpuint (keep_asked_offset (f, task), ==, 0);
}

/* Fault (disk): the disk of a part that was kept is away when it is asked for | Proves:
 * DestinationGone, and the part is had once the disk is back */
static void
absent_disk_is_waited_for (CoreFixture *f, gconstpointer data)
{
  g_autofree char *options = keep_destination (f, "inbox", "a");
  g_autofree char *folder = g_build_filename (f->directory, "inbox", NULL);
  g_autofree char *away = g_build_filename (f->directory, "away", NULL);
  g_autoptr (GBytes) left = keep_cancel (f, keep_cut (f, 4, options));
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_rename (folder, away), ==, 0);
  g_assert_null (keep_create (f, left, "", "{}", &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_DESTINATION_GONE);
  g_assert_cmpint (g_rename (away, folder), ==, 0);
  g_assert_cmpuint (
      keep_asked_offset (f, keep_create (f, left, "", "{'start': <true>}", NULL)), ==, 4);
}

/* ---- trying again ---- */

static void
reclaims (CoreFixture *f, gconstpointer data)
{
  g_autofree char *options = keep_destination (f, "inbox", "a");
  TrdTask *task = keep_cut (f, 4, options);
  TrdKeeper *keeper = trd_registry_get_keeper (f->registry);
  g_autoptr (GBytes) left = NULL;
  g_autoptr (TrdTaskRow) row = NULL;
  g_autoptr (GError) error = NULL;

  fail_with_403 (f, task);
  left = keep_lookup (f, task);
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_null (row->place->part_name);
  g_assert_true (trd_keeper_reclaim (keeper, row, NULL));
  g_assert_nonnull (row->place->part_name);
  g_assert_cmpuint (row->received, ==, 4);
  g_assert_true (trd_resume_is_possible (row->response, NULL, NULL));
  g_assert_null (keep_create (f, left, "", "{}", &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_RESUME_DATA);
}

/* Another task has it: this one begins anew, with a part of its own. */
static void
reclaims_nothing (CoreFixture *f, gconstpointer data)
{
  g_autofree char *options = keep_destination (f, "inbox", "a");
  TrdTask *task = keep_cut (f, 4, options);
  g_autoptr (GBytes) left = NULL;
  g_autoptr (TrdTaskRow) row = NULL;

  fail_with_403 (f, task);
  left = keep_lookup (f, task);
  g_assert_nonnull (keep_create (f, left, "", "{}", NULL));
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_true (trd_keeper_reclaim (trd_registry_get_keeper (f->registry), row, NULL));
  g_assert_nonnull (row->place->part_name);
  g_assert_cmpuint (row->received, ==, 0);
  g_assert_null (row->response);
}

#define add_data(name, func, data)                                                       \
  g_test_add ("/keeper/" name,                                                           \
              CoreFixture,                                                               \
              data,                                                                      \
              core_fixture_set_up,                                                       \
              func,                                                                      \
              core_fixture_tear_down)
#define add(name, func) add_data (name, func, NULL)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("leaving/cancel", cancel_keeps);
  add ("leaving/event-tells", event_tells);
  add ("leaving/plain-cancel", plain_cancel_keeps_nothing);
  add_data ("leaving/no-tag", nothing_to_go_on_with, "{'status': <@u 200>}");
  add_data ("leaving/encoded",
            nothing_to_go_on_with,
            "{'status': <@u 200>, 'content-encoding': <'gzip'>,"
            " 'headers': <[('ETag', '\"v1\"')]>}");
  add_data ("leaving/refused",
            nothing_to_go_on_with,
            "{'status': <@u 404>, 'headers': <[('ETag', '\"v1\"')]>}");
  add ("leaving/nothing-received", nothing_received);
  add ("leaving/finished", finished_is_bad_state);
  add ("leaving/law-1/failed-commit", failed_commit_keeps_the_task);
  add ("leaving/failed", failed_task_leaves);
  add ("leaving/expired", expired_task_leaves);
  add ("leaving/wrong-file", wrong_file_leaves_nothing);

  add ("taking/goes-on", goes_on);
  add ("taking/law-16/waits-for-the-worker", waits_for_the_worker);
  add ("taking/once", used_once);
  add ("taking/once-in-a-batch", used_once_in_a_batch);
  add ("taking/law-8/of-another-owner", of_another_owner);
  add_data ("taking/empty", nonsense_is_refused, GUINT_TO_POINTER (0));
  add_data ("taking/nonsense", nonsense_is_refused, GUINT_TO_POINTER (2));
  add_data ("taking/law-11/method", another_resource_is_refused, "{'method': <'POST'>}");
  add_data (
      "taking/law-11/range", another_resource_is_refused, "{'range': <(@t 5, @t 10)>}");
  add ("taking/options", options_are_merged);

  add ("places/same-directory", same_directory_keeps_the_name);
  add ("places/spool-to-directory", from_the_spool_to_a_directory);
  add ("places/directory-to-spool", from_a_directory_to_the_spool);
  add ("places/across-file-systems", across_file_systems_begins_anew);
  add ("places/deleted", deleted_part_begins_anew);
  add ("places/absent", absent_disk_is_waited_for);

  add ("reclaiming/goes-on", reclaims);
  add ("reclaiming/nothing", reclaims_nothing);

  return g_test_run ();
}
