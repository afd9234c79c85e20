/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The transport on processes that do as they are told (tests/lib/fake-worker.c). */

#include "config.h"

#include "await.h"
#include "common/cookies.h"
#include "common/error.h"
#include "common/profile.h"
#include "fake-resolver.h"
#include "workers-fixture.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/pidfd.h>

#define LINGER_MS 300
#define PING_MS 50
#define SILENCE_MS (60 * 1000)

/* Plain attempts */

static void
test_complete (WorkersFixture *f, gconstpointer data)
{
  g_autofree char *path = workers_fixture_program_path (f, "part-1");
  g_autofree char *content = NULL;

  workers_fixture_begin (f, 1, "complete");
  g_assert_cmpuint (trd_transport_count (f->transport), ==, 1);
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_assert_log (
      f, "response 1; progress 1 5 5 5; done 1 succeed content-length; released 1");
  g_assert_cmpuint (trd_transport_count (f->transport), ==, 0);
  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "hello");
  g_assert_true (workers_fixture_is_part_free (f, 1));
}

static void
test_fail (WorkersFixture *f, gconstpointer data)
{
  workers_fixture_begin (f, 1, "fail");
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_assert_log (f, "done 1 fail -; released 1");
}

static void
test_redirect (WorkersFixture *f, gconstpointer data)
{
  workers_fixture_begin (f, 1, "redirect/302");
  test_await (workers_fixture_has (f, "released 1"));
  g_assert_true (workers_fixture_has (f, "redirected 1 http://fake/a http://fake/b 302"));
}

static void
test_digested (WorkersFixture *f, gconstpointer data)
{
  workers_fixture_begin (f, 1, "digest/200");
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_assert_log (f,
                              "digested 1 3; done 1 succeed content-length; released 1");
}

/* What @request names is there under that number, and is let go with the part. */
static void
test_decode (WorkersFixture *f, gconstpointer data)
{
  g_autofree char *path = workers_fixture_program_path (f, "decoded");
  g_autoptr (GVariant) request = g_variant_ref_sink (
      g_variant_new_parsed ("{'url': <'http://fake/complete'>}"));
  TrdAttempt attempt = { 1, f->owner, FALSE, request, TRUE, -1 };
  int other = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

  attempt.decode_fd = g_open (path, O_RDWR | O_CLOEXEC);
  g_assert_no_errno (flock (attempt.decode_fd, LOCK_EX | LOCK_NB));
  trd_transport_begin (f->transport, &attempt, workers_fixture_open_part (f, 1));
  test_await (workers_fixture_has (f, "released 1"));
  g_assert_no_errno (flock (other, LOCK_EX | LOCK_NB));
  g_close (other, NULL);
}

/* What a worker was asked for beside its attempts. */
typedef struct
{
  GVariant *answer; /* (owned) (nullable) */
  GError *error;    /* (owned) (nullable) */
  TrdTransport *transport;
} Refresh;

static void
on_refreshed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Refresh *refresh = user_data;

  refresh->answer = trd_transport_refresh_finish (
      refresh->transport, result, &refresh->error);
}

static void
begin_refresh (WorkersFixture *f, Refresh *refresh, const char *deed)
{
  g_autofree char *url = g_strconcat ("https://fake/", deed, NULL);

  *refresh = (Refresh){ .transport = f->transport };
  trd_transport_refresh_async (f->transport,
                               f->owner,
                               g_variant_new_parsed ("{'url': <%s>}", url),
                               on_refreshed,
                               refresh);
}

/* In the worker that the app has, or will have; and it stays no longer for it. */
static void
test_refresh (WorkersFixture *f, gconstpointer data)
{
  Refresh first;
  Refresh second;
  const char *token = "";

  trd_workers_set_idle_ms (f->workers, 1);
  begin_refresh (f, &first, "t1");
  begin_refresh (f, &second, "refuse");
  test_await (first.answer != NULL && second.error != NULL);
  g_assert_true (g_variant_lookup (first.answer, "access-token", "&s", &token));
  g_assert_cmpstr (token, ==, "t1");
  g_assert_error (second.error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
  test_await (workers_fixture_count_pids (f) == 0);
  g_clear_pointer (&first.answer, g_variant_unref);
  g_clear_error (&second.error);
}

static void
test_refresh_lost (WorkersFixture *f, gconstpointer data)
{
  Refresh lost;
  Refresh unheard;

  begin_refresh (f, &lost, "die");
  test_await (lost.error != NULL);
  g_assert_error (lost.error, TRUNDLE_ERROR, TRUNDLE_ERROR_CONNECTION_LOST);
  g_clear_error (&lost.error);

  begin_refresh (f, &unheard, "wait");
  workers_fixture_shut_down (f);
  test_await (unheard.error != NULL);
  g_assert_error (unheard.error, TRUNDLE_ERROR, TRUNDLE_ERROR_CONNECTION_LOST);
  g_clear_error (&unheard.error);
}

static void
on_terminated (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Refresh *asked = user_data;

  asked->answer = trd_transport_terminate_finish (
      asked->transport, result, &asked->error);
}

static void
begin_terminate (WorkersFixture *f, Refresh *asked, const char *deed)
{
  g_autofree char *url = g_strconcat ("https://fake/", deed, NULL);
  g_autoptr (GVariant) cookies = g_variant_ref_sink (
      g_variant_new_parsed ("@" TRUNDLE_COOKIES_TYPE " []"));
  const TrdAttempt attempt = {
    .owner = f->owner,
    .request = g_variant_new_parsed ("{'url': <%s>}", url),
    .jar = 7,
    .jar_version = 3,
    .cookies = cookies,
  };

  *asked = (Refresh){ .transport = f->transport };
  trd_transport_terminate_async (f->transport, &attempt, on_terminated, asked);
}

static guint64
read_jar_version (const Refresh *asked)
{
  guint64 version = 0;

  g_assert_true (g_variant_lookup (asked->answer, "jar-version", "t", &version));
  return version;
}

/* A worker is sent the cookies once, for whatever it needs them. */
static void
test_terminate (WorkersFixture *f, gconstpointer data)
{
  Refresh first;
  Refresh second;

  begin_terminate (f, &first, "gone");
  test_await (first.answer != NULL);
  begin_terminate (f, &second, "gone");
  test_await (second.answer != NULL);
  g_assert_cmpuint (read_jar_version (&first), ==, 3);
  g_assert_cmpuint (read_jar_version (&second), ==, 0);
  g_clear_pointer (&first.answer, g_variant_unref);
  g_clear_pointer (&second.answer, g_variant_unref);
}

static void
test_terminate_lost (WorkersFixture *f, gconstpointer data)
{
  Refresh lost;

  begin_terminate (f, &lost, "die");
  test_await (lost.error != NULL);
  g_assert_error (lost.error, TRUNDLE_ERROR, TRUNDLE_ERROR_CONNECTION_LOST);
  g_clear_error (&lost.error);
}

static void
test_refused (WorkersFixture *f, gconstpointer data)
{
  workers_fixture_begin (f, 1, "refuse");
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_assert_log (f, "done 1 fail -; released 1");
  g_assert_true (workers_fixture_is_part_free (f, 1));
}

static void
test_proxy (WorkersFixture *f, gconstpointer data)
{
  workers_fixture_begin (f, 1, "ask-proxy");
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_assert_log (f, "done 1 succeed direct://; released 1");
}

/* Not told as a direct connection, which would go around a proxy. */
static void
test_proxy_unknown (WorkersFixture *f, gconstpointer data)
{
  fake_resolver_set_broken (TRUE);
  workers_fixture_begin (f, 1, "ask-proxy");
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_assert_log (f, "done 1 retry -; released 1");

  fake_resolver_set_broken (FALSE);
  workers_fixture_begin (f, 2, "ask-proxy");
  test_await (workers_fixture_has (f, "released 2"));
  g_assert_true (workers_fixture_has (f, "done 2 succeed direct://"));
}

/* No stray fds, empty environment.  The part was closed by the fake. */
static void
test_nothing_inherited (WorkersFixture *f, gconstpointer data)
{
  int stray = g_open (f->directory, O_RDONLY, 0);

  workers_fixture_begin (f, 1, "describe");
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_assert_log (f, "done 1 succeed env 0; released 1");
  g_close (stray, NULL);
}

/* But where the user's tickets and tokens are, if the profile is for those. */
static void
test_local_is_told (WorkersFixture *f, gconstpointer data)
{
  g_autoptr (GString) expected = g_string_new ("done 1 succeed env");
  guint n = 0;

  g_setenv ("KRB5CCNAME", "FILE:/nowhere", TRUE);
  g_setenv ("KRB5_TRACE", "/dev/stderr", TRUE);
  for (guint i = 0; trundle_local_variables[i] != NULL; i++)
    n += g_getenv (trundle_local_variables[i]) != NULL;
  g_string_append_printf (expected, " %u", n);
  for (guint i = 0; trundle_local_variables[i] != NULL; i++)
    {
      const char *value = g_getenv (trundle_local_variables[i]);

      if (value != NULL)
        g_string_append_printf (expected, " %s=%s", trundle_local_variables[i], value);
    }
  g_string_append (expected, " profile local; released 1");

  workers_fixture_begin_local (f, 1, "describe");
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_assert_log (f, expected->str);
  g_unsetenv ("KRB5CCNAME");
  g_unsetenv ("KRB5_TRACE");
}

static void
test_many (WorkersFixture *f, gconstpointer data)
{
  for (int i = 1; i <= 50; i++)
    workers_fixture_begin (f, i, "complete");
  test_await (workers_fixture_count (f, "released") == 50);
  g_assert_cmpuint (workers_fixture_count (f, "done"), ==, 50);
  g_assert_cmpuint (workers_fixture_count_pids (f), ==, 1);
}

/* Who runs where */

static void
test_two_owners (WorkersFixture *f, gconstpointer data)
{
  g_autoptr (TrdOwner) other = trd_owner_new ("host", "org.example.Other");

  workers_fixture_begin (f, 1, "stall");
  workers_fixture_begin_as (f, 2, other, FALSE, "stall");
  workers_fixture_begin (f, 3, "stall");
  test_await (workers_fixture_count (f, "progress") == 3);
  g_assert_cmpuint (workers_fixture_count_pids (f), ==, 2);
}

static void
test_two_profiles (WorkersFixture *f, gconstpointer data)
{
  workers_fixture_begin (f, 1, "stall");
  workers_fixture_begin_local (f, 2, "stall");
  workers_fixture_begin_local (f, 3, "stall");
  workers_fixture_begin (f, 4, "stall");
  test_await (workers_fixture_count (f, "progress") == 4);
  g_assert_cmpuint (workers_fixture_count_pids (f), ==, 2);
}

static void
test_alone (WorkersFixture *f, gconstpointer data)
{
  workers_fixture_begin (f, 1, "stall");
  workers_fixture_begin_as (f, 2, f->owner, TRUE, "stall");
  workers_fixture_begin_as (f, 3, f->owner, TRUE, "complete");
  test_await (workers_fixture_has (f, "progress 2 1 0 5")
              && workers_fixture_has (f, "released 3"));
  workers_fixture_stop (f, 2);
  test_await (workers_fixture_has (f, "released 2"));
  /* Those of the suspects are used once. */
  test_await (workers_fixture_count_pids (f) == 1);
}

static void
test_idle (WorkersFixture *f, gconstpointer data)
{
  trd_workers_set_idle_ms (f->workers, 1);
  workers_fixture_begin (f, 1, "complete");
  test_await (workers_fixture_has (f, "released 1"));
  test_await (workers_fixture_count_pids (f) == 0);

  workers_fixture_begin (f, 2, "complete");
  test_await (workers_fixture_has (f, "released 2"));
}

/* Stopping: law 15 */

static void
test_stop_waiting (WorkersFixture *f, gconstpointer data)
{
  workers_fixture_begin (f, 1, "complete");
  workers_fixture_stop (f, 1);
  g_assert_true (workers_fixture_is_part_free (f, 1));
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_begin (f, 2, "complete");
  test_await (workers_fixture_has (f, "released 2"));
  g_assert_cmpuint (workers_fixture_count (f, "done 1"), ==, 0);
}

/* With "done", the worker had sent Done before it heard of Stop. */
static void
test_stop_running (WorkersFixture *f, gconstpointer manner)
{
  g_autofree char *deed = g_strdup_printf ("stall/%s", (const char *)manner);

  workers_fixture_begin (f, 1, deed);
  test_await (workers_fixture_has (f, "progress 1 1 0 5"));
  workers_fixture_stop (f, 1);
  workers_fixture_stop (f, 1);
  g_assert_cmpuint (trd_transport_count (f->transport), ==, 1);
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_assert_log (f, "progress 1 1 0 5; released 1");
  g_assert_true (workers_fixture_is_part_free (f, 1));
}

/* What the worker is about to say is not heard any more. */
static void
test_stop_early (WorkersFixture *f, gconstpointer data)
{
  workers_fixture_begin (f, 1, "stall");
  test_await (workers_fixture_count (f, "progress 1") == 1);
  workers_fixture_begin (f, 2, "complete");
  workers_fixture_stop (f, 2);
  test_await (workers_fixture_has (f, "released 2"));
  workers_fixture_assert_log (f, "progress 1 1 0 5; released 2");
}

static void
test_stop_unknown (WorkersFixture *f, gconstpointer data)
{
  workers_fixture_stop (f, 4711);
  test_settle ();
  workers_fixture_assert_log (f, "");
}

/* A worker that does not let go of the part is killed, and nobody is blamed.
 *
 * Fault (worker): a worker that does not stop a task | Proves: killed; silence after
 * stop (law 15) */
static void
test_stop_deaf (WorkersFixture *f, gconstpointer data)
{
  trd_workers_set_liveness_ms (f->workers, 300, PING_MS, SILENCE_MS);
  workers_fixture_begin (f, 1, "stall/deaf");
  workers_fixture_begin (f, 2, "stall/deaf");
  test_await (workers_fixture_count (f, "progress") == 2);
  workers_fixture_stop (f, 1);
  test_await (workers_fixture_has (f, "released 1")
              && workers_fixture_has (f, "released 2"));
  g_assert_true (workers_fixture_has (f, "done 2 retry-at-once -"));
  g_assert_cmpuint (workers_fixture_count (f, "done 1"), ==, 0);
}

static void
test_stop_refused (WorkersFixture *f, gconstpointer data)
{
  workers_fixture_begin (f, 1, "stall/refuse");
  workers_fixture_begin (f, 2, "stall/refuse");
  test_await (workers_fixture_count (f, "progress") == 2);
  workers_fixture_stop (f, 1);
  test_await (workers_fixture_has (f, "released 1")
              && workers_fixture_has (f, "released 2"));
  g_assert_true (workers_fixture_has (f, "crashed 2 in company"));
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
  { "deafen", "deafen", TRUE },
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
  { "bad-digested", "digest/100000", TRUE },
  { "bad-digested/offset", "digest/far", TRUE },
  { "bad-proxy", "bad-proxy", TRUE },
  { "bad-cookies", "cookies/bad", TRUE },
  { "cookies-of-another-jar", "cookies/9", TRUE },
};

/* Fault (worker): each signal and each violation of the protocol | Proves: faults
 * blame the task, SIGKILL and SIGTERM nobody */
static void
test_death (WorkersFixture *f, gconstpointer data)
{
  const Death *death = data;

  workers_fixture_begin_as (f, 1, f->owner, TRUE, death->deed);
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_assert_log (f,
                              death->blamed ? "crashed 1 alone; released 1"
                                            : "done 1 retry-at-once -; released 1");
  g_assert_true (workers_fixture_is_part_free (f, 1));

  /* The next begin starts another worker. */
  workers_fixture_begin (f, 2, "complete");
  test_await (workers_fixture_has (f, "released 2"));
}

/* Fault (worker): a fault while several tasks run | Proves: all are suspects; each is
 * tried alone */
static void
test_death_in_company (WorkersFixture *f, gconstpointer data)
{
  workers_fixture_begin (f, 1, "stall");
  workers_fixture_begin (f, 2, "stall");
  test_await (workers_fixture_count (f, "progress") == 2);
  workers_fixture_begin (f, 3, "die/11");
  test_await (workers_fixture_count (f, "released") == 3);
  g_assert_true (workers_fixture_has (f, "crashed 1 in company"));
  g_assert_true (workers_fixture_has (f, "crashed 2 in company"));
  g_assert_true (workers_fixture_has (f, "crashed 3 in company"));
}

/* Law 15 holds while the end of a worker is being told. */
static void
test_stop_in_death (WorkersFixture *f, gconstpointer data)
{
  workers_fixture_begin (f, 1, "stall");
  workers_fixture_begin (f, 2, "stall");
  test_await (workers_fixture_count (f, "progress") == 2);
  g_ptr_array_set_size (f->log, 0);
  f->stop_in_done = 2;
  workers_fixture_begin (f, 3, "die/11");
  test_await (workers_fixture_count (f, "released") == 3);
  workers_fixture_assert_log (f,
                              "crashed 1 in company; released 1; released 2; "
                              "crashed 3 in company; released 3");
}

/* What was said before the end is heard, whatever is known first. */
static void
test_done_and_death (WorkersFixture *f, gconstpointer data)
{
  workers_fixture_begin (f, 1, "done-and-die");
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_assert_log (f, "done 1 succeed content-length; released 1");
  test_await (workers_fixture_count_pids (f) == 0);
}

static void
test_after_done (WorkersFixture *f, gconstpointer data)
{
  workers_fixture_begin (f, 1, "stall");
  test_await (workers_fixture_count (f, "progress 1") == 1);
  workers_fixture_begin (f, 2, "after-done");
  test_await (workers_fixture_has (f, "released 1"));
  g_assert_true (workers_fixture_has (f, "done 2 succeed content-length"));
  g_assert_true (workers_fixture_has (f, "crashed 1 in company"));
}

/* The daemon does nothing meanwhile: the worker is killed all the same.
 *
 * Fault (worker): more messages than are handled | Proves: killed as a violator */
static void
test_flood (WorkersFixture *f, gconstpointer data)
{
  struct pollfd death = { -1, POLLIN, 0 };

  workers_fixture_begin (f, 1, "stall");
  test_await (workers_fixture_has (f, "progress 1 1 0 5"));
  death.fd = pidfd_open (workers_fixture_get_pid (f), 0);
  workers_fixture_begin (f, 2, "flood");
  g_assert_cmpint (poll (&death, 1, 10 * 1000), ==, 1);
  g_close (death.fd, NULL);
  test_await (workers_fixture_has (f, "released 1")
              && workers_fixture_has (f, "released 2"));
  g_assert_true (workers_fixture_has (f, "crashed 1 in company"));
  g_assert_true (workers_fixture_has (f, "crashed 2 in company"));
  g_assert_cmpuint (workers_fixture_count (f, "progress 2"), <=, 1);
}

/* Beginning */

/* Fault (worker): a worker of another version | Proves: refused; everything is held
 * for the next daemon */
static void
test_mismatch (WorkersFixture *f, gconstpointer program)
{
  workers_fixture_use (f, program);
  workers_fixture_begin (f, 1, "complete");
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_assert_log (f, "done 1 retry-at-once -; released 1");
  g_assert_cmpuint (f->n_mismatches, ==, 1);

  /* Held: it could only be another of those. */
  workers_fixture_begin (f, 1, "complete");
  test_settle ();
  g_assert_cmpuint (workers_fixture_count_pids (f), ==, 0);
  g_assert_cmpuint (trd_transport_count (f->transport), ==, 1);
  workers_fixture_shut_down (f);
  test_await (workers_fixture_count (f, "released 1") == 2);
  g_assert_cmpuint (f->n_mismatches, ==, 1);
}

/* Nothing ran, so that nobody is blamed, but it is a failure with a back-off.
 *
 * Fault (worker): a worker that dies, hangs or babbles before Hello | Proves: its task
 * is given back */
static void
test_stillborn (WorkersFixture *f, gconstpointer program)
{
  workers_fixture_use (f, program);
  trd_workers_set_patience_ms (f->workers, 300, LINGER_MS);
  workers_fixture_begin (f, 1, "complete");
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_assert_log (f, "done 1 retry -; released 1");
  g_assert_true (workers_fixture_is_part_free (f, 1));
}

/* The second try waits; by then the program is there. */
static void
test_missing (WorkersFixture *f, gconstpointer data)
{
  g_autofree char *path = workers_fixture_program_path (f, "late");
  gint64 begun_us;

  workers_fixture_use_program (f, path);
  workers_fixture_begin (f, 1, "complete");
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_assert_log (f, "done 1 retry -; released 1");

  workers_fixture_install (f, "late");
  begun_us = g_get_monotonic_time ();
  workers_fixture_begin (f, 2, "complete");
  test_await (workers_fixture_has (f, "released 2"));
  g_assert_true (workers_fixture_has (f, "done 2 succeed content-length"));
  g_assert_cmpint (g_get_monotonic_time () - begun_us, >, G_USEC_PER_SEC / 2);

  /* Success has ended the pauses. */
  kill (workers_fixture_get_pid (f), SIGKILL);
  test_await (workers_fixture_count_pids (f) == 0);
  begun_us = g_get_monotonic_time ();
  workers_fixture_begin (f, 3, "complete");
  test_await (workers_fixture_has (f, "released 3"));
  g_assert_cmpint (g_get_monotonic_time () - begun_us, <, G_USEC_PER_SEC / 2);
}

/* Shutting down */

/* Fault (worker): a frozen worker while the daemon leaves | Proves: killed; the daemon
 * leaves */
static void
test_shutdown_frozen (WorkersFixture *f, gconstpointer data)
{
  workers_fixture_begin (f, 1, "freeze");
  test_await (workers_fixture_has (f, "progress 1 1 0 5"));
  workers_fixture_shut_down (f);
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_assert_log (f, "progress 1 1 0 5; released 1");
  g_assert_true (workers_fixture_is_part_free (f, 1));

  workers_fixture_begin (f, 2, "complete");
  test_await (workers_fixture_has (f, "released 2"));
  workers_fixture_assert_log (f, "progress 1 1 0 5; released 1; released 2");
}

static void
test_shutdown_starting (WorkersFixture *f, gconstpointer data)
{
  workers_fixture_begin (f, 1, "complete");
  workers_fixture_shut_down (f);
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_assert_log (f, "released 1");
}

static void
test_drop (WorkersFixture *f, gconstpointer data)
{
  struct pollfd death = { -1, POLLIN, 0 };

  workers_fixture_begin (f, 1, "freeze");
  test_await (workers_fixture_has (f, "progress 1 1 0 5"));
  death.fd = pidfd_open (workers_fixture_get_pid (f), 0);
  workers_fixture_use (f, "other");
  g_assert_cmpint (poll (&death, 1, 0), ==, 1);
  g_close (death.fd, NULL);
  test_settle ();
  workers_fixture_assert_log (f, "progress 1 1 0 5");
}

/* The real worker, on an address that nobody serves. */
static void
test_real (WorkersFixture *f, gconstpointer data)
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
  workers_fixture_use_program (f, program);
  trd_transport_begin (f->transport, &attempt, workers_fixture_open_part (f, 1));
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_assert_log (f, "done 1 retry -; released 1");
  g_assert_true (workers_fixture_is_part_free (f, 1));
}

static void
add (const char *path, gconstpointer data, void (*test) (WorkersFixture *, gconstpointer))
{
  g_test_add (path,
              WorkersFixture,
              data,
              workers_fixture_set_up,
              test,
              workers_fixture_tear_down);
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
  fake_resolver_register ();

  add ("/workers/complete", NULL, test_complete);
  add ("/workers/fail", NULL, test_fail);
  add ("/workers/redirect", NULL, test_redirect);
  add ("/workers/digested", NULL, test_digested);
  add ("/workers/decode", NULL, test_decode);
  add ("/workers/refused", NULL, test_refused);
  add ("/workers/refresh", NULL, test_refresh);
  add ("/workers/refresh-lost", NULL, test_refresh_lost);
  add ("/workers/terminate", NULL, test_terminate);
  add ("/workers/terminate-lost", NULL, test_terminate_lost);
  add ("/workers/proxy", NULL, test_proxy);
  add ("/workers/proxy-unknown", NULL, test_proxy_unknown);
  add ("/workers/nothing-inherited", NULL, test_nothing_inherited);
  add ("/workers/local-is-told", NULL, test_local_is_told);
  add ("/workers/many", NULL, test_many);
  add ("/workers/two-owners", NULL, test_two_owners);
  add ("/workers/two-profiles", NULL, test_two_profiles);
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
