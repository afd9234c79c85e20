/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Drives the transport and writes down what it tells.  Sees to it at the end that nothing
 * is left: no attempt, no worker, no descriptor. */

#include "config.h"

#include "workers-fixture.h"

#include "await.h"
#include "common/cookies.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <unistd.h>

#define LINGER_MS 300

G_GNUC_PRINTF (2, 3)
static void
note (WorkersFixture *f, const char *format, ...)
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
on_progress (gint64 task_id, const TrdProgress *progress, gpointer user_data)
{
  note (user_data,
        "progress %d %d %d %d",
        (int)task_id,
        (int)progress->received,
        (int)progress->synced,
        (int)progress->expected);
}

/* Stored, but for one without keys. */
static gboolean
on_upload (gint64 task_id, GVariant *upload, gpointer user_data)
{
  g_autofree char *text = g_variant_print (upload, FALSE);

  note (user_data, "upload %d %s", (int)task_id, text);
  return g_variant_n_children (upload) > 0;
}

static void
stop_other (WorkersFixture *f, gint64 task_id)
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
    [TRD_VERDICT_RETRY_AFTER] = "retry-after",
    [TRD_VERDICT_RETRY_AFRESH] = "retry-afresh",
    [TRD_VERDICT_RETRY_AT_ONCE] = "retry-at-once",
    [TRD_VERDICT_WAIT_DISK] = "wait-disk",
    [TRD_VERDICT_WAIT_DESTINATION] = "wait-destination",
  };

  TrdContext context = { .idempotent = TRUE };

  note (user_data,
        "done %d %s %s",
        (int)task_id,
        verdicts[trd_outcome_judge (outcome, &context)],
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

static void
on_digested (gint64 task_id, GVariant *state, gpointer user_data)
{
  guint64 offset = 0;

  g_variant_lookup (state, "offset", "t", &offset);
  note (user_data, "digested %d %" G_GUINT64_FORMAT, (int)task_id, offset);
}

/* The same jar for all: version 1 at first. */
static guint64
on_cookies (guint64 jar, guint64 version, GVariant *changes, gpointer user_data)
{
  WorkersFixture *f = user_data;
  g_autofree char *text = g_variant_print (changes, FALSE);
  gboolean is_current = version == f->jar_version;

  note (user_data, "cookies %d %d %s", (int)jar, (int)version, text);
  f->jar_version++;
  return is_current ? f->jar_version : 0;
}

static const TrdTransportSink sink = { on_response, on_redirected, on_progress,
                                       on_upload,   on_digested,   on_done,
                                       on_crashed,  on_released,   on_cookies };

gboolean
workers_fixture_has (WorkersFixture *f, const char *line)
{
  for (guint i = 0; i < f->log->len; i++)
    {
      if (g_str_equal (f->log->pdata[i], line))
        return TRUE;
    }
  return FALSE;
}

guint
workers_fixture_count (WorkersFixture *f, const char *prefix)
{
  guint n = 0;

  for (guint i = 0; i < f->log->len; i++)
    n += g_str_has_prefix (f->log->pdata[i], prefix);
  return n;
}

/* The whole log, lines joined by "; ". */
static char *
dup_log (WorkersFixture *f)
{
  g_autoptr (GString) all = g_string_new (NULL);

  for (guint i = 0; i < f->log->len; i++)
    g_string_append_printf (
        all, "%s%s", i > 0 ? "; " : "", (const char *)f->log->pdata[i]);
  return g_string_free (g_steal_pointer (&all), FALSE);
}

void
workers_fixture_assert_log (WorkersFixture *f, const char *expected)
{
  g_autofree char *all = dup_log (f);

  g_assert_cmpstr (all, ==, expected);
}

static void
on_mismatch (TrdWorkers *workers, WorkersFixture *f)
{
  f->n_mismatches++;
}

char *
workers_fixture_program_path (WorkersFixture *f, const char *name)
{
  return g_build_filename (f->directory, name, NULL);
}

void
workers_fixture_install (WorkersFixture *f, const char *name)
{
  g_autofree char *path = workers_fixture_program_path (f, name);
  const char *program = g_getenv ("TRUNDLE_TEST_FAKE_WORKER");

  g_assert_nonnull (program);
  g_assert_cmpint (symlink (program, path), ==, 0);
}

void
workers_fixture_use_program (WorkersFixture *f, const char *path)
{
  g_clear_object (&f->workers);
  f->workers = trd_workers_new (path);
  f->transport = TRD_TRANSPORT (f->workers);
  trd_workers_set_patience_ms (f->workers, 5000, LINGER_MS);
  trd_transport_set_sink (f->transport, &sink, f);
  g_signal_connect (f->workers, "version-mismatch", G_CALLBACK (on_mismatch), f);
}

void
workers_fixture_use (WorkersFixture *f, const char *name)
{
  g_autofree char *path = workers_fixture_program_path (f, name);

  workers_fixture_install (f, name);
  workers_fixture_use_program (f, path);
}

static guint
count_fds (void)
{
  g_autoptr (GDir) entries = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (entries) != NULL)
    n++;
  return n;
}

void
workers_fixture_set_up (WorkersFixture *f, gconstpointer data)
{
  f->n_fds = count_fds ();
  f->directory = g_dir_make_tmp ("trundle-workers-XXXXXX", NULL);
  f->log = g_ptr_array_new_with_free_func (g_free);
  f->owner = trd_owner_new ("host", "org.example.App");
  workers_fixture_use (f, "obeys");
}

static void
on_shut_down (GObject *source, GAsyncResult *result, gpointer user_data)
{
  WorkersFixture *f = user_data;

  trd_transport_shutdown_finish (TRD_TRANSPORT (source), result);
  f->is_shut_down = TRUE;
}

guint
workers_fixture_count_pids (WorkersFixture *f)
{
  g_autoptr (GArray) pids = trd_workers_get_pids (f->workers);

  return pids->len;
}

void
workers_fixture_shut_down (WorkersFixture *f)
{
  trd_transport_shutdown_async (f->transport, on_shut_down, f);
  test_await (f->is_shut_down);
  g_assert_cmpuint (workers_fixture_count_pids (f), ==, 0);
}

void
workers_fixture_tear_down (WorkersFixture *f, gconstpointer data)
{
  g_autoptr (GDir) entries = NULL;
  const char *name;
  /* The first test starts GDBus's threads, which keep theirs. */
  static gboolean is_warm;

  if (!f->is_shut_down)
    workers_fixture_shut_down (f);
  test_settle ();
  test_await (trd_transport_count (f->transport) == 0);
  g_assert_finalize_object (f->workers);
  test_await (!is_warm || count_fds () <= f->n_fds);
  is_warm = TRUE;
  entries = g_dir_open (f->directory, 0, NULL);
  while ((name = g_dir_read_name (entries)) != NULL)
    {
      g_autofree char *path = workers_fixture_program_path (f, name);

      g_unlink (path);
    }
  g_rmdir (f->directory);
  g_free (f->directory);
  trd_owner_unref (f->owner);
  g_ptr_array_unref (f->log);
}

int
workers_fixture_open_part (WorkersFixture *f, gint64 task_id)
{
  g_autofree char *name = g_strdup_printf ("part-%d", (int)task_id);
  g_autofree char *path = workers_fixture_program_path (f, name);

  return g_open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

gboolean
workers_fixture_is_part_free (WorkersFixture *f, gint64 task_id)
{
  int fd = workers_fixture_open_part (f, task_id);
  gboolean is_free = flock (fd, LOCK_EX | LOCK_NB) == 0;

  g_close (fd, NULL);
  return is_free;
}

static void
begin_with (WorkersFixture *f, TrdAttempt *attempt, const char *deed)
{
  g_autofree char *url = g_strdup_printf ("http://fake/%s", deed);
  g_autoptr (GVariant) request = g_variant_ref_sink (
      g_variant_new_parsed ("{'url': <%s>, 'jar': <%t>}",
                            url,
                            f->jar_version != 0 ? WORKERS_FIXTURE_JAR : (guint64)0));
  g_autoptr (GVariant) no_cookies = g_variant_ref_sink (
      g_variant_new_array (G_VARIANT_TYPE (TRUNDLE_COOKIE_TYPE), NULL, 0));
  int fd = workers_fixture_open_part (f, attempt->task_id);

  g_assert_cmpint (flock (fd, LOCK_EX | LOCK_NB), ==, 0);
  f->is_calling = TRUE;
  attempt->request = request;
  attempt->jar = f->jar_version != 0 ? WORKERS_FIXTURE_JAR : 0;
  attempt->jar_version = f->jar_version;
  attempt->cookies = no_cookies;
  trd_transport_begin (f->transport, attempt, fd);
  f->is_calling = FALSE;
}

void
workers_fixture_begin_as (WorkersFixture *f,
                          gint64 task_id,
                          const TrdOwner *owner,
                          gboolean alone,
                          const char *deed)
{
  TrdAttempt attempt = { task_id, owner, alone };

  begin_with (f, &attempt, deed);
}

void
workers_fixture_begin_local (WorkersFixture *f, gint64 task_id, const char *deed)
{
  TrdAttempt attempt = { task_id, f->owner, .profile = TRD_PROFILE_LOCAL };

  begin_with (f, &attempt, deed);
}

void
workers_fixture_begin (WorkersFixture *f, gint64 task_id, const char *deed)
{
  workers_fixture_begin_as (f, task_id, f->owner, FALSE, deed);
}

void
workers_fixture_stop (WorkersFixture *f, gint64 task_id)
{
  f->is_calling = TRUE;
  trd_transport_stop (f->transport, task_id);
  f->is_calling = FALSE;
}

int
workers_fixture_get_pid (WorkersFixture *f)
{
  g_autoptr (GArray) pids = trd_workers_get_pids (f->workers);

  g_assert_cmpuint (pids->len, ==, 1);
  return g_array_index (pids, int, 0);
}
