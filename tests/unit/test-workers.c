/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The transport on processes that do as they are told (tests/lib/fake-worker.c). */

#include "config.h"

#include "await.h"
#include "port/workers.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define LINGER_MS 300

typedef struct
{
  char *directory;         /* (owned) */
  TrdWorkers *workers;     /* (owned) */
  TrdTransport *transport; /* (unowned): the same */
  TrdOwner *owner;         /* (owned) */
  GPtrArray *log;          /* (owned): what the sink heard, a line each */
  guint n_mismatches;
  gint64 stop_in_done; /* task to stop from within on_done and on_crashed, 0 for none */
  gboolean is_calling; /* begin() or stop() is running */
  gboolean is_shut_down;
} Fixture;

G_GNUC_PRINTF (2, 3)
static void
note (Fixture *f, const char *format, ...)
{
  va_list arguments;

  g_assert_false (f->is_calling);
  va_start (arguments, format);
  g_ptr_array_add (f->log, g_strdup_vprintf (format, arguments));
  va_end (arguments);
}

static void
on_response (gint64 task_id, GVariant *response, gpointer user_data)
{
  note (user_data, "response %d", (int)task_id);
}

static void
on_redirected (
    gint64 task_id, const char *from, const char *to, guint status, gpointer user_data)
{
  note (user_data, "redirected %d %s %s %u", (int)task_id, from, to, status);
}

static void
on_progress (
    gint64 task_id, guint64 received, guint64 synced, gint64 expected, gpointer user_data)
{
  note (user_data,
        "progress %d %d %d %d",
        (int)task_id,
        (int)received,
        (int)synced,
        (int)expected);
}

static void
stop_other (Fixture *f, gint64 task_id)
{
  if (f->stop_in_done != 0 && f->stop_in_done != task_id)
    trd_transport_stop (f->transport, f->stop_in_done);
}

static void
on_done (gint64 task_id, TrdOutcome *outcome, gpointer user_data)
{
  static const char *const verdicts[] = {
    [TRD_VERDICT_SUCCEED] = "succeed",
    [TRD_VERDICT_FAIL] = "fail",
    [TRD_VERDICT_RETRY] = "retry",
    [TRD_VERDICT_RETRY_AT_ONCE] = "retry-at-once",
    [TRD_VERDICT_WAIT_DISK] = "wait-disk",
    [TRD_VERDICT_WAIT_DESTINATION] = "wait-destination",
  };

  note (user_data,
        "done %d %s %s",
        (int)task_id,
        verdicts[trd_outcome_judge (outcome)],
        outcome->proof != NULL ? outcome->proof : "-");
  stop_other (user_data, task_id);
}

static void
on_crashed (gint64 task_id, gboolean alone, gpointer user_data)
{
  note (user_data, "crashed %d %s", (int)task_id, alone ? "alone" : "in company");
  stop_other (user_data, task_id);
}

static void
on_released (gint64 task_id, gpointer user_data)
{
  note (user_data, "released %d", (int)task_id);
}

static const TrdTransportSink sink = { on_response, on_redirected, on_progress,
                                       on_done,     on_crashed,    on_released };

static gboolean
has (Fixture *f, const char *line)
{
  for (guint i = 0; i < f->log->len; i++)
    {
      if (g_str_equal (f->log->pdata[i], line))
        return TRUE;
    }
  return FALSE;
}

static guint
count (Fixture *f, const char *prefix)
{
  guint n = 0;

  for (guint i = 0; i < f->log->len; i++)
    n += g_str_has_prefix (f->log->pdata[i], prefix);
  return n;
}

/* The whole log, lines joined by "; ". */
static char *
dup_log (Fixture *f)
{
  g_autoptr (GString) all = g_string_new (NULL);

  for (guint i = 0; i < f->log->len; i++)
    g_string_append_printf (
        all, "%s%s", i > 0 ? "; " : "", (const char *)f->log->pdata[i]);
  return g_string_free (g_steal_pointer (&all), FALSE);
}

static void
assert_log (Fixture *f, const char *expected)
{
  g_autofree char *all = dup_log (f);

  g_assert_cmpstr (all, ==, expected);
}

static void
on_mismatch (TrdWorkers *workers, Fixture *f)
{
  f->n_mismatches++;
}

static char *
program_path (Fixture *f, const char *name)
{
  return g_build_filename (f->directory, name, NULL);
}

/* A worker program by the name @name in our directory. */
static void
install (Fixture *f, const char *name)
{
  g_autofree char *path = program_path (f, name);
  const char *program = g_getenv ("TRUNDLE_TEST_FAKE_WORKER");

  g_assert_nonnull (program);
  g_assert_cmpint (symlink (program, path), ==, 0);
}

static void
use_program (Fixture *f, const char *path)
{
  g_clear_object (&f->workers);
  f->workers = trd_workers_new (path);
  f->transport = TRD_TRANSPORT (f->workers);
  trd_workers_set_patience_ms (f->workers, 5000, LINGER_MS);
  trd_transport_set_sink (f->transport, &sink, f);
  g_signal_connect (f->workers, "version-mismatch", G_CALLBACK (on_mismatch), f);
}

static void
use (Fixture *f, const char *name)
{
  g_autofree char *path = program_path (f, name);

  install (f, name);
  use_program (f, path);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->directory = g_dir_make_tmp ("trundle-workers-XXXXXX", NULL);
  f->log = g_ptr_array_new_with_free_func (g_free);
  f->owner = trd_owner_new ("host", "org.example.App");
  use (f, "obeys");
}

static void
on_shut_down (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *f = user_data;

  trd_transport_shutdown_finish (TRD_TRANSPORT (source), result);
  f->is_shut_down = TRUE;
}

static guint
count_pids (Fixture *f)
{
  g_autoptr (GArray) pids = trd_workers_get_pids (f->workers);

  return pids->len;
}

static void
shut_down (Fixture *f)
{
  trd_transport_shutdown_async (f->transport, on_shut_down, f);
  test_await (f->is_shut_down);
  g_assert_cmpuint (count_pids (f), ==, 0);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_autoptr (GDir) entries = g_dir_open (f->directory, 0, NULL);
  const char *name;

  if (!f->is_shut_down)
    shut_down (f);
  test_settle ();
  g_assert_cmpuint (trd_transport_count (f->transport), ==, 0);
  g_assert_finalize_object (f->workers);
  while ((name = g_dir_read_name (entries)) != NULL)
    {
      g_autofree char *path = program_path (f, name);

      g_unlink (path);
    }
  g_rmdir (f->directory);
  g_free (f->directory);
  trd_owner_unref (f->owner);
  g_ptr_array_unref (f->log);
}

static int
open_part (Fixture *f, gint64 task_id)
{
  g_autofree char *name = g_strdup_printf ("part-%d", (int)task_id);
  g_autofree char *path = program_path (f, name);

  return g_open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static gboolean
is_part_free (Fixture *f, gint64 task_id)
{
  int fd = open_part (f, task_id);
  gboolean is_free = flock (fd, LOCK_EX | LOCK_NB) == 0;

  g_close (fd, NULL);
  return is_free;
}

static void
begin_as (
    Fixture *f, gint64 task_id, const TrdOwner *owner, gboolean alone, const char *deed)
{
  g_autofree char *url = g_strdup_printf ("http://fake/%s", deed);
  g_autoptr (GVariant) request = g_variant_ref_sink (
      g_variant_new_parsed ("{'url': <%s>}", url));
  TrdAttempt attempt = { task_id, owner, alone, request };
  int fd = open_part (f, task_id);

  g_assert_cmpint (flock (fd, LOCK_EX | LOCK_NB), ==, 0);
  f->is_calling = TRUE;
  trd_transport_begin (f->transport, &attempt, fd);
  f->is_calling = FALSE;
}

static void
begin (Fixture *f, gint64 task_id, const char *deed)
{
  begin_as (f, task_id, f->owner, FALSE, deed);
}

static void
stop (Fixture *f, gint64 task_id)
{
  f->is_calling = TRUE;
  trd_transport_stop (f->transport, task_id);
  f->is_calling = FALSE;
}

static int
get_pid (Fixture *f)
{
  g_autoptr (GArray) pids = trd_workers_get_pids (f->workers);

  g_assert_cmpuint (pids->len, ==, 1);
  return g_array_index (pids, int, 0);
}

/* Plain attempts */

static void
test_complete (Fixture *f, gconstpointer data)
{
  g_autofree char *path = program_path (f, "part-1");
  g_autofree char *content = NULL;

  begin (f, 1, "complete");
  g_assert_cmpuint (trd_transport_count (f->transport), ==, 1);
  test_await (has (f, "released 1"));
  assert_log (f,
              "response 1; progress 1 5 5 5; done 1 succeed content-length; released 1");
  g_assert_cmpuint (trd_transport_count (f->transport), ==, 0);
  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "hello");
  g_assert_true (is_part_free (f, 1));
}

static void
test_fail (Fixture *f, gconstpointer data)
{
  begin (f, 1, "fail");
  test_await (has (f, "released 1"));
  assert_log (f, "done 1 fail -; released 1");
}

static void
test_redirect (Fixture *f, gconstpointer data)
{
  begin (f, 1, "redirect/302");
  test_await (has (f, "released 1"));
  g_assert_true (has (f, "redirected 1 http://fake/a http://fake/b 302"));
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  begin (f, 1, "refuse");
  test_await (has (f, "released 1"));
  assert_log (f, "done 1 fail -; released 1");
  g_assert_true (is_part_free (f, 1));
}

static void
test_proxy (Fixture *f, gconstpointer data)
{
  begin (f, 1, "ask-proxy");
  test_await (has (f, "released 1"));
  assert_log (f, "done 1 succeed direct://; released 1");
}

/* DESIGN.md §2: no stray fds, empty environment.  The part was closed by the fake. */
static void
test_nothing_inherited (Fixture *f, gconstpointer data)
{
  int stray = g_open (f->directory, O_RDONLY, 0);

  begin (f, 1, "describe");
  test_await (has (f, "released 1"));
  assert_log (f, "done 1 succeed env 0; released 1");
  g_close (stray, NULL);
}

static void
test_many (Fixture *f, gconstpointer data)
{
  for (int i = 1; i <= 50; i++)
    begin (f, i, "complete");
  test_await (count (f, "released") == 50);
  g_assert_cmpuint (count (f, "done"), ==, 50);
  g_assert_cmpuint (count_pids (f), ==, 1);
}

/* Who runs where */

static void
test_two_owners (Fixture *f, gconstpointer data)
{
  g_autoptr (TrdOwner) other = trd_owner_new ("host", "org.example.Other");

  begin (f, 1, "stall");
  begin_as (f, 2, other, FALSE, "stall");
  begin (f, 3, "stall");
  test_await (count (f, "progress") == 3);
  g_assert_cmpuint (count_pids (f), ==, 2);
}

static void
test_alone (Fixture *f, gconstpointer data)
{
  begin (f, 1, "stall");
  begin_as (f, 2, f->owner, TRUE, "stall");
  begin_as (f, 3, f->owner, TRUE, "complete");
  test_await (has (f, "progress 2 1 0 5") && has (f, "released 3"));
  stop (f, 2);
  test_await (has (f, "released 2"));
  /* Those of the suspects are used once. */
  test_await (count_pids (f) == 1);
}

static void
test_idle (Fixture *f, gconstpointer data)
{
  trd_workers_set_idle_ms (f->workers, 1);
  begin (f, 1, "complete");
  test_await (has (f, "released 1"));
  test_await (count_pids (f) == 0);

  begin (f, 2, "complete");
  test_await (has (f, "released 2"));
}

/* Stopping: law 15 */

static void
test_stop_waiting (Fixture *f, gconstpointer data)
{
  begin (f, 1, "complete");
  stop (f, 1);
  g_assert_true (is_part_free (f, 1));
  test_await (has (f, "released 1"));
  begin (f, 2, "complete");
  test_await (has (f, "released 2"));
  g_assert_cmpuint (count (f, "done 1"), ==, 0);
}

/* With "done", the worker had sent Done before it heard of Stop. */
static void
test_stop_running (Fixture *f, gconstpointer manner)
{
  g_autofree char *deed = g_strdup_printf ("stall/%s", (const char *)manner);

  begin (f, 1, deed);
  test_await (has (f, "progress 1 1 0 5"));
  stop (f, 1);
  stop (f, 1);
  g_assert_cmpuint (trd_transport_count (f->transport), ==, 1);
  test_await (has (f, "released 1"));
  assert_log (f, "progress 1 1 0 5; released 1");
  g_assert_true (is_part_free (f, 1));
}

/* What the worker is about to say is not heard any more. */
static void
test_stop_early (Fixture *f, gconstpointer data)
{
  begin (f, 1, "stall");
  test_await (count (f, "progress 1") == 1);
  begin (f, 2, "complete");
  stop (f, 2);
  test_await (has (f, "released 2"));
  assert_log (f, "progress 1 1 0 5; released 2");
}

static void
test_stop_unknown (Fixture *f, gconstpointer data)
{
  stop (f, 4711);
  test_settle ();
  assert_log (f, "");
}

/* A worker that does not let go of the part is killed, and nobody is blamed. */
static void
test_stop_deaf (Fixture *f, gconstpointer data)
{
  trd_workers_set_patience_ms (f->workers, 300, LINGER_MS);
  begin (f, 1, "stall/deaf");
  begin (f, 2, "stall/deaf");
  test_await (count (f, "progress") == 2);
  stop (f, 1);
  test_await (has (f, "released 1") && has (f, "released 2"));
  g_assert_true (has (f, "done 2 retry-at-once -"));
  g_assert_cmpuint (count (f, "done 1"), ==, 0);
}

static void
test_stop_refused (Fixture *f, gconstpointer data)
{
  begin (f, 1, "stall/refuse");
  begin (f, 2, "stall/refuse");
  test_await (count (f, "progress") == 2);
  stop (f, 1);
  test_await (has (f, "released 1") && has (f, "released 2"));
  g_assert_true (has (f, "crashed 2 in company"));
}

/* Deaths */

typedef struct
{
  const char *name;
  const char *deed;
  gboolean blamed;
} Death;

static const Death deaths[] = {
  { "segv", "die/11", TRUE },
  { "bus", "die/7", TRUE },
  { "ill", "die/4", TRUE },
  { "fpe", "die/8", TRUE },
  { "abrt", "die/6", TRUE },
  { "trap", "die/5", TRUE },
  { "sys", "die/31", TRUE },
  { "kill", "die/9", FALSE },
  { "term", "die/15", FALSE },
  { "hup", "die/1", FALSE },
  { "exit-0", "exit/0", FALSE },
  { "exit-1", "exit/1", FALSE },
  { "hang-up", "hang-up", FALSE },
  { "huge", "huge", TRUE },
  { "unknown-member", "unknown-member", TRUE },
  { "wrong-types", "wrong-types", TRUE },
  { "emit-signal", "emit-signal", TRUE },
  { "descriptor", "descriptor", TRUE },
  { "second-hello", "second-hello", TRUE },
  { "unknown-attempt", "unknown-attempt", TRUE },
  { "bad-done", "bad-done", TRUE },
  { "bad-progress", "bad-progress", TRUE },
  { "bad-response", "bad-response", TRUE },
  { "bad-redirect", "redirect/200", TRUE },
  { "bad-proxy", "bad-proxy", TRUE },
};

static void
test_death (Fixture *f, gconstpointer data)
{
  const Death *death = data;

  begin_as (f, 1, f->owner, TRUE, death->deed);
  test_await (has (f, "released 1"));
  assert_log (f,
              death->blamed ? "crashed 1 alone; released 1"
                            : "done 1 retry-at-once -; released 1");
  g_assert_true (is_part_free (f, 1));

  /* The next begin starts another worker. */
  begin (f, 2, "complete");
  test_await (has (f, "released 2"));
}

static void
test_death_in_company (Fixture *f, gconstpointer data)
{
  begin (f, 1, "stall");
  begin (f, 2, "stall");
  test_await (count (f, "progress") == 2);
  begin (f, 3, "die/11");
  test_await (count (f, "released") == 3);
  g_assert_true (has (f, "crashed 1 in company"));
  g_assert_true (has (f, "crashed 2 in company"));
  g_assert_true (has (f, "crashed 3 in company"));
}

/* Law 15 holds while the end of a worker is being told. */
static void
test_stop_in_death (Fixture *f, gconstpointer data)
{
  begin (f, 1, "stall");
  begin (f, 2, "stall");
  test_await (count (f, "progress") == 2);
  g_ptr_array_set_size (f->log, 0);
  f->stop_in_done = 2;
  begin (f, 3, "die/11");
  test_await (count (f, "released") == 3);
  assert_log (f,
              "crashed 1 in company; released 1; released 2; "
              "crashed 3 in company; released 3");
}

/* What was said before the end is heard, whatever is known first. */
static void
test_done_and_death (Fixture *f, gconstpointer data)
{
  begin (f, 1, "done-and-die");
  test_await (has (f, "released 1"));
  assert_log (f, "done 1 succeed content-length; released 1");
  test_await (count_pids (f) == 0);
}

static void
test_after_done (Fixture *f, gconstpointer data)
{
  begin (f, 1, "stall");
  test_await (count (f, "progress 1") == 1);
  begin (f, 2, "after-done");
  test_await (has (f, "released 1"));
  g_assert_true (has (f, "done 2 succeed content-length"));
  g_assert_true (has (f, "crashed 1 in company"));
}

/* The daemon does nothing meanwhile: the worker is killed all the same. */
static void
test_flood (Fixture *f, gconstpointer data)
{
  struct pollfd death = { -1, POLLIN, 0 };

  begin (f, 1, "stall");
  test_await (has (f, "progress 1 1 0 5"));
  death.fd = pidfd_open (get_pid (f), 0);
  begin (f, 2, "flood");
  g_assert_cmpint (poll (&death, 1, 10 * 1000), ==, 1);
  g_close (death.fd, NULL);
  test_await (has (f, "released 1") && has (f, "released 2"));
  g_assert_true (has (f, "crashed 1 in company"));
  g_assert_true (has (f, "crashed 2 in company"));
  g_assert_cmpuint (count (f, "progress 2"), <=, 1);
}

/* Beginning */

static void
test_mismatch (Fixture *f, gconstpointer program)
{
  use (f, program);
  begin (f, 1, "complete");
  test_await (has (f, "released 1"));
  assert_log (f, "done 1 retry-at-once -; released 1");
  g_assert_cmpuint (f->n_mismatches, ==, 1);

  /* Held: it could only be another of those. */
  begin (f, 1, "complete");
  test_settle ();
  g_assert_cmpuint (count_pids (f), ==, 0);
  g_assert_cmpuint (trd_transport_count (f->transport), ==, 1);
  shut_down (f);
  test_await (count (f, "released 1") == 2);
  g_assert_cmpuint (f->n_mismatches, ==, 1);
}

/* Nothing ran, so that nobody is blamed, but it is a failure with a back-off. */
static void
test_stillborn (Fixture *f, gconstpointer program)
{
  use (f, program);
  trd_workers_set_patience_ms (f->workers, 300, LINGER_MS);
  begin (f, 1, "complete");
  test_await (has (f, "released 1"));
  assert_log (f, "done 1 retry -; released 1");
  g_assert_true (is_part_free (f, 1));
}

/* The second try waits; by then the program is there. */
static void
test_missing (Fixture *f, gconstpointer data)
{
  g_autofree char *path = program_path (f, "late");
  gint64 begun_us;

  use_program (f, path);
  begin (f, 1, "complete");
  test_await (has (f, "released 1"));
  assert_log (f, "done 1 retry -; released 1");

  install (f, "late");
  begun_us = g_get_monotonic_time ();
  begin (f, 2, "complete");
  test_await (has (f, "released 2"));
  g_assert_true (has (f, "done 2 succeed content-length"));
  g_assert_cmpint (g_get_monotonic_time () - begun_us, >, G_USEC_PER_SEC / 2);

  /* Success has ended the pauses. */
  kill (get_pid (f), SIGKILL);
  test_await (count_pids (f) == 0);
  begun_us = g_get_monotonic_time ();
  begin (f, 3, "complete");
  test_await (has (f, "released 3"));
  g_assert_cmpint (g_get_monotonic_time () - begun_us, <, G_USEC_PER_SEC / 2);
}

/* Shutting down */

static void
test_shutdown_frozen (Fixture *f, gconstpointer data)
{
  begin (f, 1, "freeze");
  test_await (has (f, "progress 1 1 0 5"));
  shut_down (f);
  test_await (has (f, "released 1"));
  assert_log (f, "progress 1 1 0 5; released 1");
  g_assert_true (is_part_free (f, 1));

  begin (f, 2, "complete");
  test_await (has (f, "released 2"));
  assert_log (f, "progress 1 1 0 5; released 1; released 2");
}

static void
test_shutdown_starting (Fixture *f, gconstpointer data)
{
  begin (f, 1, "complete");
  shut_down (f);
  test_await (has (f, "released 1"));
  assert_log (f, "released 1");
}

static void
test_drop (Fixture *f, gconstpointer data)
{
  struct pollfd death = { -1, POLLIN, 0 };

  begin (f, 1, "freeze");
  test_await (has (f, "progress 1 1 0 5"));
  death.fd = pidfd_open (get_pid (f), 0);
  use (f, "other");
  g_assert_cmpint (poll (&death, 1, 0), ==, 1);
  g_close (death.fd, NULL);
  test_settle ();
  assert_log (f, "progress 1 1 0 5");
}

/* The real worker, on an address that nobody serves. */
static void
test_real (Fixture *f, gconstpointer data)
{
  const char *program = g_getenv ("TRUNDLE_TEST_WORKER");
  g_autoptr (GVariant) request = g_variant_ref_sink (
      g_variant_new_parsed ("{'url': <'http://127.0.0.1:1/a'>, 'method': <'GET'>}"));
  TrdAttempt attempt = { 1, f->owner, FALSE, request };

  if (program == NULL || !g_file_test (program, G_FILE_TEST_IS_EXECUTABLE))
    {
      g_test_skip ("TRUNDLE_TEST_WORKER is not there");
      return;
    }
  use_program (f, program);
  trd_transport_begin (f->transport, &attempt, open_part (f, 1));
  test_await (has (f, "released 1"));
  assert_log (f, "done 1 retry -; released 1");
  g_assert_true (is_part_free (f, 1));
}

static void
add (const char *path, gconstpointer data, void (*test) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, data, set_up, test, tear_down);
}

static void
add_deaths (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (deaths); i++)
    {
      g_autofree char *path = g_strdup_printf ("/workers/death/%s", deaths[i].name);

      add (path, &deaths[i], test_death);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_setenv ("GIO_USE_PROXY_RESOLVER", "dummy", TRUE);

  add ("/workers/complete", NULL, test_complete);
  add ("/workers/fail", NULL, test_fail);
  add ("/workers/redirect", NULL, test_redirect);
  add ("/workers/refused", NULL, test_refused);
  add ("/workers/proxy", NULL, test_proxy);
  add ("/workers/nothing-inherited", NULL, test_nothing_inherited);
  add ("/workers/many", NULL, test_many);
  add ("/workers/two-owners", NULL, test_two_owners);
  add ("/workers/alone", NULL, test_alone);
  add ("/workers/idle", NULL, test_idle);
  add ("/workers/stop/waiting", NULL, test_stop_waiting);
  add ("/workers/stop/running", "", test_stop_running);
  add ("/workers/stop/running-and-done", "done", test_stop_running);
  add ("/workers/stop/early", NULL, test_stop_early);
  add ("/workers/stop/unknown", NULL, test_stop_unknown);
  add ("/workers/stop/deaf", NULL, test_stop_deaf);
  add ("/workers/stop/refused", NULL, test_stop_refused);
  add_deaths ();
  add ("/workers/death/in-company", NULL, test_death_in_company);
  add ("/workers/death/stop-meanwhile", NULL, test_stop_in_death);
  add ("/workers/death/after-done", NULL, test_done_and_death);
  add ("/workers/death/progress-after-done", NULL, test_after_done);
  add ("/workers/death/flood", NULL, test_flood);
  add ("/workers/mismatch/version", "wrong-version", test_mismatch);
  add ("/workers/mismatch/protocol", "wrong-protocol", test_mismatch);
  add ("/workers/stillborn/exits", "exits", test_stillborn);
  add ("/workers/stillborn/crashes", "crashes", test_stillborn);
  add ("/workers/stillborn/mute", "mute", test_stillborn);
  add ("/workers/stillborn/no-hello", "no-hello", test_stillborn);
  add ("/workers/stillborn/talks-first", "talks-first", test_stillborn);
  add ("/workers/stillborn/missing", NULL, test_missing);
  add ("/workers/shutdown/frozen", NULL, test_shutdown_frozen);
  add ("/workers/shutdown/starting", NULL, test_shutdown_starting);
  add ("/workers/drop", NULL, test_drop);
  add ("/workers/real", NULL, test_real);
  return g_test_run ();
}
