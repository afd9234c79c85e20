/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Uploads that are gone on with by another task, or by the same one later: the place and
 * what is sent go along, nothing is copied, and nothing is left in the end (B-12, C-31,
 * C-32). */

#include "config.h"

#include "await.h"
#include "common/defaults.h"
#include "common/error.h"
#include "common/vocabulary.h"
#include "core-fixture-keep.h"
#include "core-fixture-upload.h"
#include "port/sources.h"

#include <glib/gstdio.h>

static guint
count_terminations (CoreFixture *f)
{
  g_autoptr (GPtrArray) list = fake_transport_list_terminations (f->transport);

  return list->len;
}

/* An upload whose server keeps 40 bytes of it. */
static TrdTask *
begin (CoreFixture *f, const char *method, const char *options)
{
  TrdTask *task = upload_create_spooled (f, method, options);

  upload_tell (f, task, UPLOAD_AT);
  fake_transport_send (f->transport, task->id, 60, 40);
  return task;
}

/* NULL with @error, which may only be NULL when there is none. */
static TrdTask *
inherit (
    CoreFixture *f, GBytes *left, const char *url, const char *options, GError **error)
{
  g_autoptr (GVariant) parsed = g_variant_ref_sink (g_variant_new_parsed (options));
  g_autoptr (GVariant) with = trundle_options_with (
      parsed,
      "resume-data",
      g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, left, TRUE));
  g_autoptr (GPtrArray) drafts = g_ptr_array_new_with_free_func (
      (GDestroyNotify)trd_draft_free);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GArray) ids = NULL;

  g_ptr_array_add (drafts, trd_draft_new (TRUNDLE_KIND_UPLOAD, url, with));
  ids = trd_registry_create_tasks (
      f->registry, core_fixture_open (f, "{}"), drafts, &local_error);
  if (ids != NULL)
    return trd_registry_find_task (f->registry, g_array_index (ids, gint64, 0));

  if (error == NULL)
    g_assert_no_error (local_error);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return NULL;
}

static void
assert_place (CoreFixture *f, TrdTask *task, const char *expected)
{
  g_autofree char *place = upload_asked_place (f, task);

  g_assert_cmpstr (place, ==, expected);
}

/* The worker is handed the bytes of the source. */
static void
assert_sends (CoreFixture *f, TrdTask *task)
{
  const FakeAttempt *attempt;
  char text[UPLOAD_SIZE + 1] = "";
  int fd;

  test_await (fake_transport_is_running (f->transport, task->id));
  attempt = fake_transport_find (f->transport, task->id);
  g_assert_nonnull (attempt->files);
  fd = g_unix_fd_list_get (attempt->files, 0, NULL);
  g_assert_cmpint (pread (fd, text, UPLOAD_SIZE, 0), ==, UPLOAD_SIZE);
  g_assert_cmpstr (text, ==, UPLOAD_TEXT);
  close (fd);
}

static void
complete_events (CoreFixture *f, TrdTask *task)
{
  TrdSession *session = task->session;
  g_autoptr (GError) error = NULL;

  trd_registry_complete_events (
      f->registry, session, session->row->last_sequence, &error);
  g_assert_no_error (error);
  test_settle ();
}

/* ---- to another task ---- */

static void
heir_goes_on (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin (f, "PUT", "");
  g_autoptr (GBytes) left = keep_cancel (f, task);
  TrdTask *heir;

  g_assert_cmpuint (count_terminations (f), ==, 0);
  upload_assert_ended (f, task, "Cancelled");
  g_assert_cmpuint (keep_count (f), ==, 1);

  heir = inherit (f, left, "", "{'start': <true>}", NULL);
  g_assert_cmpuint (keep_count (f), ==, 0);
  assert_place (f, heir, UPLOAD_PLACE);
  assert_sends (f, heir);
  core_fixture_complete (f, heir, "done");
  test_await (trd_task_is_finished (heir));
  upload_assert_ended (f, heir, NULL);
  complete_events (f, heir);
  g_assert_cmpuint (upload_count_files (f), ==, 0);
}

/* Whatever becomes of the task that left it. */
static void
heir_outlives_its_ancestor (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin (f, "PUT", "");
  g_autoptr (GBytes) left = keep_cancel (f, task);
  TrdTask *heir;
  gint64 id;

  complete_events (f, task);
  g_assert_cmpuint (upload_count_files (f), ==, 1);
  core_fixture_restart (f);
  g_assert_cmpuint (upload_count_files (f), ==, 1);

  heir = inherit (f, left, UPLOAD_URL, "{'start': <true>}", NULL);
  id = heir->id;
  core_fixture_restart (f);
  heir = trd_registry_find_task (f->registry, id);
  assert_place (f, heir, UPLOAD_PLACE);
  assert_sends (f, heir);
}

static void
heir_leaves_again (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin (f, "PUT", "");
  g_autoptr (GBytes) left = keep_cancel (f, task);
  TrdTask *heir = inherit (f, left, "", "{'start': <true>}", NULL);
  g_autoptr (GBytes) again = NULL;

  test_await (fake_transport_is_running (f->transport, heir->id));
  again = keep_cancel (f, heir);
  heir = inherit (f, again, "", "{'start': <true>}", NULL);
  assert_place (f, heir, UPLOAD_PLACE);
  assert_sends (f, heir);
}

static void
data_is_spent_once (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin (f, "PUT", "");
  g_autoptr (GBytes) left = keep_cancel (f, task);
  g_autoptr (GError) error = NULL;

  inherit (f, left, "", "@a{sv} {}", NULL);
  g_assert_null (inherit (f, left, "", "@a{sv} {}", &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_RESUME_DATA);
}

/* C-31: the server has shown no way to go on. */
static void
nothing_without_a_place (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create_spooled (f, "PUT", "");
  g_autoptr (GBytes) left = NULL;
  g_autoptr (GError) error = NULL;

  test_await (fake_transport_is_running (f->transport, task->id));
  fake_transport_send (f->transport, task->id, 60, 0);
  g_assert_true (trd_registry_cancel_keeping (f->registry, task, &left, &error));
  g_assert_null (left);
  g_assert_cmpuint (keep_count (f), ==, 0);
  g_assert_cmpuint (count_terminations (f), ==, 0);
}

static void
heir_must_be_the_same (CoreFixture *f, gconstpointer data)
{
  static const struct
  {
    const char *url;
    const char *options;
  } cases[] = {
    { "", "{'method': <'POST'>}" },
    { "https://a.example/elsewhere", "@a{sv} {}" },
    { "https://b.example/up", "@a{sv} {}" },
  };
  TrdTask *task = begin (f, "PUT", "");
  g_autoptr (GBytes) left = keep_cancel (f, task);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (inherit (f, left, cases[i].url, cases[i].options, &error));
      g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
    }
  g_assert_nonnull (inherit (f, left, "", "@a{sv} {}", NULL));
}

/* Neither kind of data is of use to the other kind of task. */
static void
kinds_do_not_mix (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin (f, "PUT", "");
  g_autoptr (GBytes) upload = keep_cancel (f, task);
  g_autoptr (GBytes) download = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (keep_create (f, upload, "", "{}", &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);

  download = keep_cancel (f, keep_cut (f, 4, "{'start': <true>}"));
  g_assert_null (inherit (f, download, "", "@a{sv} {}", &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
}

/* Fault (store): the COMMIT of a cancellation fails | Proves: the upload goes on, and its
 * data was not given away */
static void
failed_cancel_keeps_nothing (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin (f, "PUT", "");
  g_autoptr (GBytes) left = NULL;

  trd_store_fail_next_commit (f->env.store);
  g_assert_false (trd_registry_cancel_keeping (f->registry, task, &left, NULL));
  g_assert_null (left);
  g_assert_cmpuint (keep_count (f), ==, 0);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
  core_fixture_restart (f);
  g_assert_cmpuint (upload_count_files (f), ==, 1);
}

/* Fault (store): the COMMIT of an heir fails | Proves: what was kept is kept, and can be
 * taken again */
static void
failed_heir_takes_nothing (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin (f, "PUT", "");
  g_autoptr (GBytes) left = keep_cancel (f, task);
  g_autoptr (GError) error = NULL;

  trd_store_fail_next_commit (f->env.store);
  g_assert_null (inherit (f, left, "", "{'start': <true>}", &error));
  g_assert_cmpuint (keep_count (f), ==, 1);
  core_fixture_restart (f);
  assert_sends (f, inherit (f, left, "", "{'start': <true>}", NULL));
}

static void
grows_old (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin (f, "PUT", "");

  keep_leave (f, task);
  complete_events (f, task);
  fake_clock_advance (f->clock, TRD_RESUME_DATA_KEPT_US);
  test_settle ();
  g_assert_cmpuint (keep_count (f), ==, 0);
  g_assert_cmpuint (upload_count_files (f), ==, 0);
}

/* Law 12, of the heir too: all of it was on its way. */
static void
heir_repeats_no_post (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = upload_create_spooled (f, "POST", "");
  g_autoptr (GBytes) left = NULL;
  TrdTask *heir;

  upload_tell (f, task, UPLOAD_AT);
  left = keep_cancel (f, task);
  heir = inherit (f, left, "", "{'start': <true>}", NULL);
  assert_place (f, heir, UPLOAD_PLACE);
  g_assert_false (fake_transport_upload (f->transport, heir->id, UPLOAD_NOWHERE));
  upload_assert_ended (f, heir, "ConnectionLost");
}

/* ---- a task that failed ---- */

static void
failure_tells_data (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin (f, "PUT", "");
  g_autoptr (GBytes) left = NULL;
  TrdTask *heir;

  upload_end (f, task, upload_refused (GPOINTER_TO_UINT (data), 60, 40));
  upload_assert_ended (f, task, "HttpStatus");
  left = keep_lookup (f, task);
  g_assert_nonnull (left);
  g_assert_cmpuint (count_terminations (f), ==, 0);
  heir = inherit (f, left, "", "{'start': <true>}", NULL);
  assert_place (f, heir, UPLOAD_PLACE);
}

static void
timeout_tells_data (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin (f, "PUT", "'resource-timeout': <@t 5000>");
  g_autoptr (GBytes) left = NULL;

  fake_clock_advance (f->clock, 5 * G_USEC_PER_SEC);
  test_await (trd_task_is_finished (task));
  left = keep_lookup (f, task);
  g_assert_nonnull (left);
  g_assert_cmpuint (count_terminations (f), ==, 0);
}

/* T-30: what is there is not what was begun. */
static void
changed_source_tells_none (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin (f, "PUT", "");
  g_autoptr (GBytes) left = NULL;

  upload_end (f, task, upload_failed (TRUNDLE_ERROR_SOURCE_CHANGED, 60, 40));
  left = keep_lookup (f, task);
  g_assert_null (left);
  g_assert_cmpuint (count_terminations (f), ==, 1);
}

/* What is to be sent is not there any more, whoever took it. */
static void
lose_files (CoreFixture *f)
{
  g_autofree char *path = g_build_filename (f->directory, "spool", NULL);
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);

      if (trd_body_is_file_name (name))
        g_assert_cmpint (g_unlink (file), ==, 0);
    }
}

/* Fault (disk): the copy of what is sent is gone | Proves: the upload ends, and does not
 * wait for what cannot be kept */
static void
lost_source_ends (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin (f, "PUT", "");
  g_autoptr (GBytes) left = NULL;

  lose_files (f);
  upload_end (f, task, upload_failed (TRUNDLE_ERROR_CONNECTION_LOST, 60, 40));
  upload_sit_out (f, task);
  test_await (trd_task_is_finished (task));
  upload_assert_ended (f, task, "FileNotFound");
  left = keep_lookup (f, task);
  g_assert_null (left);
  g_assert_cmpuint (count_terminations (f), ==, 1);
}

/* Fault (disk): the copy of what is sent is gone, and the time is over | Proves: it ends
 * with that */
static void
lost_source_expires (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin (f, "PUT", "'resource-timeout': <@t 5000>");

  lose_files (f);
  fake_clock_advance (f->clock, 5 * G_USEC_PER_SEC);
  test_await (trd_task_is_finished (task));
  upload_assert_ended (f, task, "TimedOut");
}

/* Fault (disk): the copy of what is sent is gone, and data to go on with is asked for |
 * Proves: whoever asks is told, and nothing was cancelled */
static void
lost_source_is_told (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin (f, "PUT", "");
  g_autoptr (GBytes) left = NULL;
  g_autoptr (GError) error = NULL;

  lose_files (f);
  g_assert_false (trd_registry_cancel_keeping (f->registry, task, &left, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_FILE_NOT_FOUND);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_RUNNING);
  g_assert_true (trd_registry_cancel (f->registry, task, "client", NULL));
}

static void
retry_goes_on (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin (f, "PUT", "");
  g_autoptr (GBytes) left = NULL;
  g_autoptr (GError) error = NULL;

  upload_end (f, task, upload_refused (403, 60, 40));
  left = keep_lookup (f, task);
  g_assert_true (trd_registry_try_again (f->registry, task, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (keep_count (f), ==, 0);
  g_assert_cmpuint (upload_count_files (f), ==, 1);
  assert_place (f, task, UPLOAD_PLACE);
  assert_sends (f, task);

  g_assert_null (inherit (f, left, "", "@a{sv} {}", &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_RESUME_DATA);
}

/* Another one was faster: it begins anew, with what is still its own. */
static void
retry_after_an_heir (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin (f, "PUT", "");
  g_autoptr (GBytes) left = NULL;
  TrdTask *heir;

  upload_end (f, task, upload_refused (403, 60, 40));
  left = keep_lookup (f, task);
  heir = inherit (f, left, "", "{'start': <true>}", NULL);
  core_fixture_complete (f, heir, "done");
  test_await (trd_task_is_finished (heir));

  g_assert_true (trd_registry_try_again (f->registry, task, NULL));
  assert_place (f, task, "");
  assert_sends (f, task);
}

/* Fault (store): the COMMIT of Retry fails | Proves: what was kept can be taken still */
static void
failed_retry_takes_nothing (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin (f, "PUT", "");
  g_autoptr (GBytes) left = NULL;

  upload_end (f, task, upload_refused (403, 60, 40));
  left = keep_lookup (f, task);
  trd_store_fail_next_commit (f->env.store);
  g_assert_false (trd_registry_try_again (f->registry, task, NULL));
  g_assert_cmpuint (keep_count (f), ==, 1);
  assert_sends (f, inherit (f, left, "", "{'start': <true>}", NULL));
}

/* The machine is started anew: there is no part to be cut. */
static void
survives_a_reboot (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = begin (f, "PUT", "");
  g_autoptr (GBytes) left = keep_cancel (f, task);

  core_fixture_reboot (f, trd_clock_now_us (f->env.clock) + G_TIME_SPAN_MINUTE);
  assert_sends (f, inherit (f, left, "", "{'start': <true>}", NULL));
}

static void
add (const char *path, void (*test) (CoreFixture *, gconstpointer), gconstpointer data)
{
  g_test_add (path, CoreFixture, data, core_fixture_set_up, test, core_fixture_tear_down);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("/keeper-upload/heir", heir_goes_on, NULL);
  add ("/keeper-upload/heir/outlives", heir_outlives_its_ancestor, NULL);
  add ("/keeper-upload/heir/leaves-again", heir_leaves_again, NULL);
  add ("/keeper-upload/heir/once", data_is_spent_once, NULL);
  add ("/keeper-upload/heir/no-place", nothing_without_a_place, NULL);
  add ("/keeper-upload/heir/same", heir_must_be_the_same, NULL);
  add ("/keeper-upload/heir/kinds", kinds_do_not_mix, NULL);
  add ("/keeper-upload/heir/failed-cancel", failed_cancel_keeps_nothing, NULL);
  add ("/keeper-upload/heir/failed-heir", failed_heir_takes_nothing, NULL);
  add ("/keeper-upload/heir/grows-old", grows_old, NULL);
  add ("/keeper-upload/heir/post", heir_repeats_no_post, NULL);
  add ("/keeper-upload/failure/403", failure_tells_data, GUINT_TO_POINTER (403));
  add ("/keeper-upload/failure/413", failure_tells_data, GUINT_TO_POINTER (413));
  add ("/keeper-upload/failure/timeout", timeout_tells_data, NULL);
  add ("/keeper-upload/failure/source-changed", changed_source_tells_none, NULL);
  add ("/keeper-upload/lost/ends", lost_source_ends, NULL);
  add ("/keeper-upload/lost/expires", lost_source_expires, NULL);
  add ("/keeper-upload/lost/is-told", lost_source_is_told, NULL);
  add ("/keeper-upload/retry", retry_goes_on, NULL);
  add ("/keeper-upload/retry/after-heir", retry_after_an_heir, NULL);
  add ("/keeper-upload/retry/failed", failed_retry_takes_nothing, NULL);
  add ("/keeper-upload/reboot", survives_a_reboot, NULL);

  return g_test_run ();
}
