/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Faults are planted, and each is found; mending takes what belongs to nobody, and
 * nothing else (law 6). */

#include "config.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "await.h"
#include "common/error.h"
#include "core-fixture-body.h"
#include "core/checkup.h"

#define URL "http://example.org/file"
#define DAY_US (24 * 60 * 60 * G_GINT64_CONSTANT (1000000))

typedef struct
{
  gboolean done;
  GVariant *findings; /* (owned) (nullable) */
  GError *error;      /* (owned) (nullable) */
} Answer;

static void
on_checked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Answer *answer = user_data;

  answer->findings = trd_checkup_finish (TRD_REGISTRY (source), result, &answer->error);
  answer->done = TRUE;
}

static GVariant *
check (CoreFixture *fixture, gboolean mend)
{
  Answer answer = { 0 };

  trd_checkup_async (fixture->registry, mend, on_checked, &answer);
  test_await (answer.done);
  g_assert_no_error (answer.error);
  return answer.findings;
}

/* The first finding of @kind, or NULL. */
static GVariant *
find (GVariant *findings, const char *kind)
{
  for (gsize i = 0; i < g_variant_n_children (findings); i++)
    {
      g_autoptr (GVariant) finding = g_variant_get_child_value (findings, i);
      const char *word;

      g_assert_true (g_variant_lookup (finding, "kind", "&s", &word));
      if (g_str_equal (word, kind))
        return g_steal_pointer (&finding);
    }
  return NULL;
}

static void
assert_clean (GVariant *findings)
{
  g_autofree char *text = g_variant_print (findings, FALSE);

  g_test_message ("%s", text);
  g_assert_cmpuint (g_variant_n_children (findings), ==, 0);
}

static char *
plant (CoreFixture *fixture, const char *name)
{
  char *path = g_build_filename (fixture->directory, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, "0123456789", -1, &error);
  g_assert_no_error (error);
  return path;
}

static void
assert_finding (GVariant *findings, const char *kind, const char *path, gboolean mended)
{
  g_autoptr (GVariant) finding = find (findings, kind);
  const char *found = NULL;
  gboolean is_mended = FALSE;

  g_assert_nonnull (finding);
  g_assert_true (g_variant_lookup (finding, "mended", "b", &is_mended));
  g_assert_cmpint (is_mended, ==, mended);
  if (path != NULL)
    {
      g_assert_true (g_variant_lookup (finding, "path", "&s", &found));
      g_assert_cmpstr (found, ==, path);
    }
}

static TrdTask *
create_beside (CoreFixture *fixture)
{
  g_autofree char *path = g_build_filename (fixture->directory, "result", NULL);
  g_autofree char *options = g_strdup_printf ("{'destination-path': <'%s'>}", path);

  return core_fixture_create (fixture, core_fixture_open (fixture, "{}"), URL, options);
}

static void
test_clean (CoreFixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) findings = NULL;
  TrdTask *task = core_fixture_create (
      fixture, core_fixture_open (fixture, "{}"), URL, "{'start': <true>}");

  core_fixture_complete (fixture, task, "all of it");
  test_await (trd_task_is_finished (task));
  findings = check (fixture, TRUE);
  assert_clean (findings);
}

/* Fault (disk): a file in the spool that nobody knows | Proves: found, and mended only
 * when asked */
static void
test_stray_file (CoreFixture *fixture, gconstpointer data)
{
  g_autofree char *path = plant (fixture, "spool/77");
  g_autoptr (GVariant) before = check (fixture, FALSE);
  g_autoptr (GVariant) mended = NULL;
  g_autoptr (GVariant) after = NULL;

  assert_finding (before, "stray-file", path, FALSE);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  mended = check (fixture, TRUE);
  assert_finding (mended, "stray-file", path, TRUE);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  after = check (fixture, FALSE);
  assert_clean (after);
}

/* Fault (disk): a part beside a destination that nobody knows | Proves: found where a
 * row leads, and removed when asked; nothing that is not ours is touched */
static void
test_stray_part (CoreFixture *fixture, gconstpointer data)
{
  g_autofree char *part = plant (fixture, ".trundle-1-0123456789abcdef.part");
  g_autofree char *near = plant (fixture, ".trundle-1-0123456789abcdeX.part");
  g_autofree char *target = plant (fixture, "somebody's");
  g_autofree char *link = g_build_filename (
      fixture->directory, ".trundle-1-00000000000000ff.part", NULL);
  g_autoptr (GVariant) none = check (fixture, TRUE);
  g_autoptr (GVariant) mended = NULL;

  /* No row names the directory. */
  assert_clean (none);
  create_beside (fixture);
  g_assert_cmpint (symlink (target, link), ==, 0);
  mended = check (fixture, TRUE);
  g_assert_cmpuint (g_variant_n_children (mended), ==, 1);
  assert_finding (mended, "stray-part", part, TRUE);
  g_assert_false (g_file_test (part, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (near, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (target, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (link, G_FILE_TEST_IS_SYMLINK));
}

/* In use, or of another service that shares the directory: found, and let be. */
static void
test_stray_part_of_others (CoreFixture *fixture, gconstpointer data)
{
  g_autofree char *held = plant (fixture, ".trundle-1-0123456789abcdef.part");
  g_autofree char *other = plant (fixture, ".trundle-9000-0123456789abcdef.part");
  int fd = open (held, O_RDONLY | O_CLOEXEC);
  g_autoptr (GVariant) mended = NULL;

  g_assert_cmpint (flock (fd, LOCK_EX | LOCK_NB), ==, 0);
  create_beside (fixture);
  mended = check (fixture, TRUE);
  close (fd);
  g_assert_cmpuint (g_variant_n_children (mended), ==, 2);
  assert_finding (mended, "stray-part", NULL, FALSE);
  g_assert_true (g_file_test (held, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (other, G_FILE_TEST_EXISTS));
}

/* Fault (disk): the result of a task was deleted | Proves: found and said */
static void
test_result_missing (CoreFixture *fixture, gconstpointer data)
{
  g_autofree char *path = NULL;
  g_autofree char *number = NULL;
  g_autoptr (GVariant) findings = NULL;
  TrdTask *task = core_fixture_create (
      fixture, core_fixture_open (fixture, "{}"), URL, "{'start': <true>}");

  core_fixture_complete (fixture, task, "all of it");
  test_await (trd_task_is_finished (task));
  number = g_strdup_printf ("%" G_GINT64_FORMAT, task->id);
  path = g_build_filename (fixture->directory, "spool", number, NULL);
  g_assert_cmpint (g_unlink (path), ==, 0);
  findings = check (fixture, TRUE);
  assert_finding (findings, "result-missing", path, FALSE);
}

/* A part taken away from a task that waits: it begins anew, and this is said. */
static void
test_part_missing (CoreFixture *fixture, gconstpointer data)
{
  g_autofree char *number = NULL;
  g_autofree char *path = NULL;
  g_autoptr (TrdTaskRow) row = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) findings = NULL;
  TrdTask *task = core_fixture_create (
      fixture, core_fixture_open (fixture, "{}"), URL, "{}");

  row = trd_store_load_task (fixture->env.store, task->id, &error);
  g_assert_no_error (error);
  row->received = 1000;
  trd_store_update_task (fixture->env.store, row, &error);
  g_assert_no_error (error);
  number = g_strdup_printf ("%" G_GINT64_FORMAT, task->id);
  path = g_build_filename (fixture->directory, "spool", number, NULL);

  findings = check (fixture, TRUE);
  assert_finding (findings, "part-missing", path, FALSE);
}

static void
test_destination_gone (CoreFixture *fixture, gconstpointer data)
{
  g_autofree char *folder = g_build_filename (fixture->directory, "folder", NULL);
  g_autofree char *options = g_strdup_printf (
      "{'destination-path': <'%s/result'>, 'start': <true>}", folder);
  g_autoptr (GVariant) findings = NULL;

  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  g_object_set (fixture->env.conditions, "network", FALSE, NULL);
  core_fixture_create (fixture, core_fixture_open (fixture, "{}"), URL, options);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
  findings = check (fixture, TRUE);
  assert_finding (findings, "destination-gone", folder, FALSE);
}

static void
test_set_aside (CoreFixture *fixture, gconstpointer data)
{
  g_autofree char *path = plant (fixture, "trundle.db.damaged-1");
  g_autoptr (GVariant) findings = check (fixture, TRUE);

  assert_finding (findings, "set-aside", path, FALSE);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
test_waiting (CoreFixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) before = NULL;
  g_autoptr (GVariant) after = NULL;
  g_autoptr (GVariant) finding = NULL;
  g_auto (GStrv) reasons = NULL;

  g_object_set (fixture->env.conditions, "network", FALSE, NULL);
  core_fixture_create (
      fixture, core_fixture_open (fixture, "{}"), URL, "{'start': <true>}");
  test_settle ();
  before = check (fixture, FALSE);
  assert_clean (before);
  fake_clock_advance (fixture->clock, DAY_US + 1);
  after = check (fixture, FALSE);
  finding = find (after, "waiting-long");
  g_assert_nonnull (finding);
  g_assert_true (g_variant_lookup (finding, "reasons", "^as", &reasons));
  g_assert_cmpstr (reasons[0], ==, "no-network");
}

static void
test_worker (CoreFixture *fixture, gconstpointer data)
{
  g_autofree char *path = plant (fixture, "worker");
  g_autoptr (GVariant) findings = NULL;
  g_autoptr (GVariant) none = NULL;

  fixture->env.worker_program = path;
  findings = check (fixture, TRUE);
  assert_finding (findings, "worker-missing", path, FALSE);
  g_assert_cmpint (g_chmod (path, 0700), ==, 0);
  none = check (fixture, TRUE);
  assert_clean (none);
}

/* Rows of a session that is not there, put in behind the store's back. */
static void
test_database (CoreFixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directory, "trundle.db", NULL);
  char sql[] = "INSERT INTO event VALUES (999, 1, 1, 1, 0, 0, x'')";
  char program[] = "sqlite3";
  char *const argv[] = { program, path, sql, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) findings = NULL;
  int status = -1;

  if (!g_spawn_sync (NULL,
                     (char **)argv,
                     NULL,
                     G_SPAWN_SEARCH_PATH,
                     NULL,
                     NULL,
                     NULL,
                     NULL,
                     &status,
                     &error))
    {
      g_test_skip ("There is no sqlite3");
      return;
    }
  g_assert_cmpint (status, ==, 0);
  findings = check (fixture, TRUE);
  assert_finding (findings, "database", NULL, FALSE);
}

static void
test_one_at_a_time (CoreFixture *fixture, gconstpointer data)
{
  Answer first = { 0 };
  Answer second = { 0 };

  trd_checkup_async (fixture->registry, FALSE, on_checked, &first);
  trd_checkup_async (fixture->registry, FALSE, on_checked, &second);
  test_await (first.done && second.done);
  g_assert_no_error (first.error);
  g_assert_error (second.error, TRUNDLE_ERROR, TRUNDLE_ERROR_LIMIT_EXCEEDED);
  g_clear_error (&second.error);
  g_variant_unref (first.findings);
}

/* ---- what is sent ---- */

/* Fault (disk): a copy of what was to be sent that nobody knows | Proves: found, and
 * mended only when asked; what is taken just now is left alone */
static void
test_stray_body (CoreFixture *fixture, gconstpointer data)
{
  g_autofree char *path = plant (fixture, "spool/body-0123456789abcdef0123456789abcdef");
  g_autoptr (TrdPiece) taken = body_spool (fixture, "hello");
  g_autoptr (GVariant) before = check (fixture, FALSE);
  g_autoptr (GVariant) mended = NULL;
  g_autoptr (GVariant) after = NULL;

  assert_finding (before, "stray-file", path, FALSE);
  mended = check (fixture, TRUE);
  assert_finding (mended, "stray-file", path, TRUE);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  after = check (fixture, TRUE);
  assert_clean (after);
  g_assert_true (trd_sources_check (fixture->env.spool, taken, NULL));
}

/* Not by this daemon: its row alone tells whose it is. */
static void
test_body (CoreFixture *fixture, gconstpointer data)
{
  g_autofree char *path = body_write_file (fixture, "hello");
  g_autoptr (GVariant) findings = NULL;

  body_create (fixture, body_spool (fixture, "hello"));
  body_create (fixture, body_watch (fixture, path, TRUE));
  core_fixture_restart (fixture);
  findings = check (fixture, TRUE);
  assert_clean (findings);
}

static void
test_source_missing (CoreFixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) findings = NULL;
  TrdPiece *piece = body_spool (fixture, "hello");
  g_autofree char *path = g_build_filename (
      fixture->directory, "spool", piece->spool, NULL);
  TrdTask *task = body_create (fixture, piece);

  test_await (fake_transport_is_running (fixture->transport, task->id));
  g_assert_cmpint (g_unlink (path), ==, 0);
  findings = check (fixture, TRUE);
  assert_finding (findings, "source-missing", path, FALSE);
}

static void
test_source_changed (CoreFixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) findings = NULL;
  g_autofree char *path = body_write_file (fixture, "hello");
  TrdTask *task = body_create (fixture, body_watch (fixture, path, FALSE));

  test_await (fake_transport_is_running (fixture->transport, task->id));
  g_free (body_write_file (fixture, "other"));
  findings = check (fixture, TRUE);
  assert_finding (findings, "source-changed", path, FALSE);
}

/* What it names nobody can tell, so that nothing is deleted. */
static void
test_body_nonsense (CoreFixture *fixture, gconstpointer data)
{
  g_autofree char *path = plant (fixture, "spool/body-0123456789abcdef0123456789abcdef");
  g_autoptr (GVariant) findings = NULL;

  body_create_of (fixture, g_variant_new_parsed ("[{'what': <1>}]"), 1);
  findings = check (fixture, TRUE);
  g_assert_null (find (findings, "stray-file"));
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*test) (CoreFixture *fixture, gconstpointer data);
  } tests[] = {
    { "/checkup/clean", test_clean },
    { "/checkup/stray-file", test_stray_file },
    { "/checkup/stray-part", test_stray_part },
    { "/checkup/stray-part-of-others", test_stray_part_of_others },
    { "/checkup/result-missing", test_result_missing },
    { "/checkup/part-missing", test_part_missing },
    { "/checkup/destination-gone", test_destination_gone },
    { "/checkup/set-aside", test_set_aside },
    { "/checkup/waiting", test_waiting },
    { "/checkup/worker", test_worker },
    { "/checkup/database", test_database },
    { "/checkup/one-at-a-time", test_one_at_a_time },
    { "/checkup/stray-body", test_stray_body },
    { "/checkup/body", test_body },
    { "/checkup/body-nonsense", test_body_nonsense },
    { "/checkup/source-missing", test_source_missing },
    { "/checkup/source-changed", test_source_changed },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path,
                CoreFixture,
                NULL,
                core_fixture_set_up,
                tests[i].test,
                core_fixture_tear_down);
  return g_test_run ();
}
