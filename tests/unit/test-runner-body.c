/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an upload sends: handed over anew with each attempt, and gone when nobody will
 * send it any more. */

#include "config.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "await.h"
#include "common/error.h"
#include "core-fixture-body.h"
#include "port/store-bodies.h"

static const FakeAttempt *
await_attempt (CoreFixture *f, TrdTask *task)
{
  test_await (fake_transport_is_running (f->transport, task->id));
  return fake_transport_find (f->transport, task->id);
}

/* What the worker would send.  (transfer full) */
static char *
read_sent (const FakeAttempt *attempt)
{
  g_autoptr (GVariant) body = g_variant_lookup_value (
      attempt->request, "body", G_VARIANT_TYPE ("aa{sv}"));
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < g_variant_n_children (body); i++)
    {
      g_autoptr (GVariant) piece = g_variant_get_child_value (body, i);
      g_autoptr (GVariant) bytes = g_variant_lookup_value (
          piece, "bytes", G_VARIANT_TYPE_BYTESTRING);
      g_autofree char *part = NULL;
      guint64 offset;
      guint64 length;
      int handle;

      if (bytes != NULL)
        {
          g_string_append_len (
              text, g_variant_get_data (bytes), (gssize)g_variant_get_size (bytes));
          continue;
        }
      g_assert_true (g_variant_lookup (piece, "file", "h", &handle));
      g_assert_true (g_variant_lookup (piece, "offset", "t", &offset));
      g_assert_true (g_variant_lookup (piece, "length", "t", &length));
      part = g_malloc (length);
      g_assert_cmpint (pread (g_unix_fd_list_peek_fds (attempt->files, NULL)[handle],
                              part,
                              length,
                              (off_t)offset),
                       ==,
                       length);
      g_string_append_len (text, part, (gssize)length);
    }

  return g_string_free (text, FALSE);
}

static void
assert_sends (CoreFixture *f, TrdTask *task, const char *text)
{
  g_autofree char *sent = read_sent (await_attempt (f, task));

  g_assert_cmpstr (sent, ==, text);
}

static guint
count_bodies (CoreFixture *f)
{
  g_autofree char *path = g_build_filename (f->directory, "spool", NULL);
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (directory)) != NULL)
    n += g_str_has_prefix (name, "body-");

  return n;
}

static void
assert_ended (CoreFixture *f, TrdTask *task, TrundleError code, const char *source)
{
  g_autoptr (TrdTaskRow) row = NULL;
  g_autofree char *told = NULL;

  test_await (trd_task_is_finished (task));
  row = trd_registry_load_task (f->registry, task, NULL);
  g_assert_cmpstr (row->error_name, ==, trundle_error_to_name (code));
  g_variant_lookup (row->error_details, "source", "s", &told);
  g_assert_cmpstr (told, ==, source);
  if (source == NULL)
    {
      g_autofree char *details = g_variant_print (row->error_details, FALSE);

      g_assert_null (strstr (details, f->directory));
    }
}

/* ---- attempts ---- */

static void
test_pieces (CoreFixture *f, gconstpointer data)
{
  g_autoptr (TrdBody) body = trd_body_new ();
  g_autoptr (GBytes) bytes = g_bytes_new_static ("<>", 2);
  g_autofree char *path = body_write_file (f, "watched");
  TrdPiece *spooled = body_spool (f, "spooled");
  TrdPiece *part = trd_piece_copy (spooled);
  TrdTask *task;
  const FakeAttempt *attempt;

  part->offset = 1;
  part->length = 3;
  trd_body_take (body, spooled);
  trd_body_take (body, trd_piece_new_bytes (bytes));
  trd_body_take (body, body_watch (f, path, TRUE));
  trd_body_take (body, part);
  task = body_create_of (f, trd_body_to_variant (body), trd_body_get_size (body));
  assert_sends (f, task, "spooled<>watchedpoo");
  attempt = await_attempt (f, task);
  g_assert_cmpint (g_unix_fd_list_get_length (attempt->files), ==, 2);
}

static void
test_bytes (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("hello", 5);
  TrdTask *task = body_create (f, trd_piece_new_bytes (bytes));

  assert_sends (f, task, "hello");
  g_assert_null (await_attempt (f, task)->files);
}

static void
lose_connection (CoreFixture *f, TrdTask *task)
{
  await_attempt (f, task);
  core_fixture_fail (f, task, TRUNDLE_ERROR_CONNECTION_LOST);
  g_assert_cmpint (task->state, ==, TRUNDLE_TASK_QUEUED);
  fake_clock_advance (f->clock,
                      task->not_before_us - trd_clock_boottime_us (f->env.clock));
}

static void
test_again (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = body_create (f, body_spool (f, "hello"));
  gint64 id = task->id;

  lose_connection (f, task);
  assert_sends (f, task, "hello");
  core_fixture_restart (f);
  task = trd_registry_find_task (f->registry, id);
  assert_sends (f, task, "hello");
}

/* The answer to an upload begins anew with each attempt, whatever could be said of it. */
static void
test_answer_begins_anew (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = body_create (f, body_spool (f, "hello"));
  const FakeAttempt *attempt = await_attempt (f, task);

  fake_transport_respond (
      f->transport,
      task->id,
      g_variant_new_parsed (
          "{'status': <uint32 200>, 'content-length': <int64 10>,"
          " 'headers': <[('ETag', '\"v1\"'), ('Content-Length', '10')]>}"));
  g_assert_cmpint (write (attempt->part_fd, "01234", 5), ==, 5);
  fake_transport_progress (f->transport, task->id, 5, 0, 10);
  lose_connection (f, task);
  attempt = await_attempt (f, task);
  g_assert_false (g_variant_lookup (attempt->request, "offset", "t", NULL));
  g_assert_cmpint (lseek (attempt->part_fd, 0, SEEK_END), ==, 0);
}

/* ---- sources that change ---- */

/* Fault (disk): the file that an upload sends is changed between two attempts | Proves:
 * the task ends with SourceChanged, and not a byte of it is asked for */
static void
test_changed (CoreFixture *f, gconstpointer data)
{
  g_autofree char *path = body_write_file (f, "hello");
  TrdTask *task = body_create (f, body_watch (f, path, TRUE));

  assert_sends (f, task, "hello");
  core_fixture_fail (f, task, TRUNDLE_ERROR_CONNECTION_LOST);
  g_free (body_write_file (f, "other"));
  fake_clock_advance (f->clock,
                      task->not_before_us - trd_clock_boottime_us (f->env.clock));
  assert_ended (f, task, TRUNDLE_ERROR_SOURCE_CHANGED, path);
  g_assert_false (fake_transport_is_running (f->transport, task->id));
}

static void
test_changed_unnamed (CoreFixture *f, gconstpointer data)
{
  g_autofree char *path = body_write_file (f, "hello");
  g_autoptr (TrdPiece) piece = body_watch (f, path, FALSE);
  TrdTask *task;

  g_free (body_write_file (f, "other"));
  task = body_create (f, g_steal_pointer (&piece));
  assert_ended (f, task, TRUNDLE_ERROR_SOURCE_CHANGED, NULL);
}

static void
test_removed (CoreFixture *f, gconstpointer data)
{
  g_autofree char *path = body_write_file (f, "hello");
  g_autoptr (TrdPiece) piece = body_watch (f, path, TRUE);
  TrdTask *task;

  g_assert_cmpint (g_unlink (path), ==, 0);
  task = body_create (f, g_steal_pointer (&piece));
  assert_ended (f, task, TRUNDLE_ERROR_SOURCE_CHANGED, path);
}

/* The worker saw it, which knows no names. */
static void
test_changed_while_sent (CoreFixture *f, gconstpointer data)
{
  g_autofree char *path = body_write_file (f, "hello");
  TrdTask *task = body_create (f, body_watch (f, path, TRUE));

  await_attempt (f, task);
  g_assert_cmpint (truncate (path, 2), ==, 0);
  core_fixture_fail (f, task, TRUNDLE_ERROR_SOURCE_CHANGED);
  assert_ended (f, task, TRUNDLE_ERROR_SOURCE_CHANGED, path);
}

static void
test_nonsense (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = body_create_of (f, g_variant_new_parsed ("[{'what': <1>}]"), 1);

  test_await (trd_task_is_finished (task));
  g_assert_false (fake_transport_is_running (f->transport, task->id));
}

/* ---- what is left in the spool ---- */

static void
succeed (CoreFixture *f, TrdTask *task)
{
  await_attempt (f, task);
  core_fixture_complete (f, task, "thank you");
  test_await (trd_task_is_finished (task));
}

static void
complete_events (CoreFixture *f, TrdTask *task)
{
  g_autoptr (GError) error = NULL;
  TrdSession *session = task->session;

  trd_registry_complete_events (
      f->registry, session, session->row->last_sequence, &error);
  g_assert_no_error (error);
}

static void
test_success (CoreFixture *f, gconstpointer data)
{
  TrdTask *task = body_create (f, body_spool (f, "hello"));

  g_assert_cmpuint (count_bodies (f), ==, 1);
  succeed (f, task);
  g_assert_cmpuint (count_bodies (f), ==, 0);
}

/* What failed can be tried again, until nobody will. */
static void
test_failure (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  TrdTask *task = body_create (f, body_spool (f, "hello"));

  for (guint i = 0; i < 2; i++)
    {
      assert_sends (f, task, "hello");
      core_fixture_fail (f, task, TRUNDLE_ERROR_INSECURE_TRANSPORT);
      g_assert_true (trd_task_is_finished (task));
      g_assert_cmpuint (count_bodies (f), ==, 1);
      if (i > 0)
        continue;
      trd_registry_try_again (f->registry, task, &error);
      g_assert_no_error (error);
    }
  complete_events (f, task);
  g_assert_cmpuint (count_bodies (f), ==, 0);
}

static void
test_invalidated (CoreFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  TrdTask *task = body_create (f, body_spool (f, "hello"));

  await_attempt (f, task);
  trd_registry_invalidate_and_cancel (f->registry, task->session, FALSE, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count_bodies (f), ==, 0);
}

/* Each has a name of its own for the same file. */
static void
test_shared (CoreFixture *f, gconstpointer data)
{
  TrdPiece *piece = body_spool (f, "hello");
  TrdPiece *other = trd_sources_share (f->env.spool, piece, NULL);
  TrdTask *first = body_create (f, piece);
  TrdTask *second = body_create (f, other);

  succeed (f, first);
  assert_sends (f, second, "hello");
  g_assert_cmpuint (count_bodies (f), ==, 1);
  succeed (f, second);
  g_assert_cmpuint (count_bodies (f), ==, 0);
}

static void
plant (CoreFixture *f, const char *name)
{
  g_autofree char *path = g_build_filename (f->directory, "spool", name, NULL);

  g_assert_true (g_file_set_contents (path, "left", -1, NULL));
}

/* Fault (daemon): it dies between what was taken to be sent and its row, and between a
 * success and the end of what was sent | Proves: nothing stays, and nothing that may
 * still be sent goes */
static void
test_sweep (CoreFixture *f, gconstpointer data)
{
  TrdPiece *piece = body_spool (f, "done");
  g_autofree char *name = g_strdup (piece->spool);
  TrdTask *done = body_create (f, piece);
  TrdTask *failed = body_create (f, body_spool (f, "failed"));
  gint64 failed_id = failed->id;
  TrdTask *waiting;
  gint64 waiting_id;

  succeed (f, done);
  await_attempt (f, failed);
  core_fixture_fail (f, failed, TRUNDLE_ERROR_INSECURE_TRANSPORT);
  waiting = body_create (f, body_spool (f, "waiting"));
  waiting_id = waiting->id;
  plant (f, name);
  plant (f, "body-0123456789abcdef0123456789abcdef");
  g_assert_cmpuint (count_bodies (f), ==, 4);
  core_fixture_restart (f);
  g_assert_cmpuint (count_bodies (f), ==, 2);
  waiting = trd_registry_find_task (f->registry, waiting_id);
  assert_sends (f, waiting, "waiting");
  failed = trd_registry_find_task (f->registry, failed_id);
  g_assert_true (trd_registry_try_again (f->registry, failed, NULL));
  assert_sends (f, failed, "failed");
}

/* Nobody knows what a row names that makes no sense. */
static void
test_sweep_nonsense (CoreFixture *f, gconstpointer data)
{
  body_create_of (f, g_variant_new_parsed ("[{'what': <1>}]"), 1);
  plant (f, "body-0123456789abcdef0123456789abcdef");
  g_test_expect_message (
      "trundle", G_LOG_LEVEL_WARNING, "Cannot look for what was sent*");
  core_fixture_restart (f);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (count_bodies (f), ==, 1);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*func) (CoreFixture *fixture, gconstpointer data);
  } tests[] = {
    { "/runner-body/pieces", test_pieces },
    { "/runner-body/bytes", test_bytes },
    { "/runner-body/again", test_again },
    { "/runner-body/answer-begins-anew", test_answer_begins_anew },
    { "/runner-body/changed", test_changed },
    { "/runner-body/changed-unnamed", test_changed_unnamed },
    { "/runner-body/changed-while-sent", test_changed_while_sent },
    { "/runner-body/removed", test_removed },
    { "/runner-body/nonsense", test_nonsense },
    { "/runner-body/success", test_success },
    { "/runner-body/failure", test_failure },
    { "/runner-body/invalidated", test_invalidated },
    { "/runner-body/shared", test_shared },
    { "/runner-body/sweep", test_sweep },
    { "/runner-body/sweep-nonsense", test_sweep_nonsense },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path,
                CoreFixture,
                NULL,
                core_fixture_set_up,
                tests[i].func,
                core_fixture_tear_down);

  return g_test_run ();
}
