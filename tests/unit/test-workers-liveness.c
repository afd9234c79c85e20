/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Workers that say nothing wrong, but nothing any more either, or late. */

#include "config.h"

#include "await.h"
#include "workers-fixture.h"

#include "common/defaults.h"

#include <gio/gio.h>
#include <signal.h>

#define LINGER_MS 300
#define PING_MS 50
#define SILENCE_MS 1000

static void
use_short_patience (WorkersFixture *f)
{
  trd_workers_set_liveness_ms (f->workers, TRD_WORKER_STOP_MS, PING_MS, SILENCE_MS);
}

/* The main loop is stuck; GDBus's thread goes on.
 *
 * Fault (worker): a worker whose main loop is stuck | Proves: found out and killed; its
 * task is given back */
static void
test_stuck (WorkersFixture *f, gconstpointer data)
{
  use_short_patience (f);
  workers_fixture_begin_as (f, 1, f->owner, TRUE, "freeze");
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_assert_log (f, "progress 1 1 0 5; crashed 1 alone; released 1");
  g_assert_true (workers_fixture_is_part_free (f, 1));
}

/* One that is frozen is killed; meanwhile the one that turns lives, and so does a frozen
 * one without attempts, which is not asked.
 *
 * Fault (worker): SIGSTOP of a worker | Proves: found out and replaced */
static void
test_frozen (WorkersFixture *f, gconstpointer data)
{
  g_autoptr (TrdOwner) resting = trd_owner_new ("host", "org.example.Resting");
  g_autoptr (TrdOwner) turning = trd_owner_new ("host", "org.example.Turning");
  g_autoptr (GArray) pids = NULL;

  use_short_patience (f);
  workers_fixture_begin_as (f, 1, resting, FALSE, "complete");
  test_await (workers_fixture_has (f, "released 1"));
  kill (workers_fixture_get_pid (f), SIGSTOP);
  workers_fixture_begin_as (f, 2, turning, FALSE, "stall");
  test_await (workers_fixture_has (f, "progress 2 1 0 5"));
  workers_fixture_begin (f, 3, "stall");
  test_await (workers_fixture_has (f, "progress 3 1 0 5"));
  pids = trd_workers_get_pids (f->workers);
  g_assert_cmpuint (pids->len, ==, 3);
  kill (g_array_index (pids, int, 2), SIGSTOP);

  test_await (workers_fixture_has (f, "released 3"));
  g_assert_true (workers_fixture_has (f, "crashed 3 alone"));
  g_assert_cmpuint (workers_fixture_count (f, "crashed"), ==, 1);
  g_assert_cmpuint (workers_fixture_count (f, "done 2"), ==, 0);
  g_assert_cmpuint (workers_fixture_count_pids (f), ==, 2);
}

/* A stopped attempt that is answered for after long leaves the other alone. */
static void
test_stop_slow (WorkersFixture *f, gconstpointer data)
{
  trd_workers_set_patience_ms (f->workers, 500, LINGER_MS);
  use_short_patience (f);
  workers_fixture_begin (f, 1, "stall/slow");
  workers_fixture_begin (f, 2, "stall/slow");
  test_await (workers_fixture_count (f, "progress") == 2);
  workers_fixture_stop (f, 1);
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_assert_log (f, "progress 1 1 0 5; progress 2 1 0 5; released 1");
}

/* In the middle of a Stop. */
static void
test_stop_frozen (WorkersFixture *f, gconstpointer data)
{
  use_short_patience (f);
  workers_fixture_begin (f, 1, "stall");
  workers_fixture_begin (f, 2, "stall");
  test_await (workers_fixture_count (f, "progress") == 2);
  kill (workers_fixture_get_pid (f), SIGSTOP);
  workers_fixture_stop (f, 1);
  test_await (workers_fixture_count (f, "released") == 2);
  g_assert_true (workers_fixture_has (f, "crashed 2 in company"));
  g_assert_cmpuint (workers_fixture_count (f, "crashed 1"), ==, 0);
}

/* The real one, on a server that never answers. */

static GSocket *
listen_on_loopback (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  GSocket *socket = g_socket_new (
      G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);

  g_assert_no_error (error);
  g_socket_bind (socket, any, TRUE, &error);
  g_assert_no_error (error);
  g_socket_listen (socket, &error);
  g_assert_no_error (error);
  return socket;
}

/* Returns the connection that the worker made. */
static GSocket *
begin_real (WorkersFixture *f, gint64 task_id, const TrdOwner *owner, GSocket *server)
{
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (server, NULL);
  g_autofree char *url = g_strdup_printf (
      "http://127.0.0.1:%u/a",
      g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)));
  g_autoptr (GVariant) request = g_variant_ref_sink (
      g_variant_new_parsed ("{'url': <%s>, 'method': <'GET'>}", url));
  TrdAttempt attempt = { task_id, owner, FALSE, request };

  trd_transport_begin (f->transport, &attempt, workers_fixture_open_part (f, task_id));
  test_await (g_socket_condition_check (server, G_IO_IN) != 0);
  return g_socket_accept (server, NULL, NULL);
}

static void
test_real (WorkersFixture *f, gconstpointer data)
{
  const char *program = g_getenv ("TRUNDLE_TEST_WORKER");
  g_autoptr (TrdOwner) other = trd_owner_new ("host", "org.example.Other");
  g_autoptr (GSocket) server = listen_on_loopback ();
  g_autoptr (GSocket) first = NULL;
  g_autoptr (GSocket) second = NULL;

  if (program == NULL || !g_file_test (program, G_FILE_TEST_IS_EXECUTABLE))
    {
      g_test_skip ("TRUNDLE_TEST_WORKER is not there");
      return;
    }
  workers_fixture_use_program (f, program);
  use_short_patience (f);
  first = begin_real (f, 1, f->owner, server);
  kill (workers_fixture_get_pid (f), SIGSTOP);
  second = begin_real (f, 2, other, server);
  test_await (workers_fixture_has (f, "released 1"));
  workers_fixture_assert_log (f, "crashed 1 alone; released 1");
  workers_fixture_stop (f, 2);
  test_await (workers_fixture_has (f, "released 2"));
  workers_fixture_assert_log (f, "crashed 1 alone; released 1; released 2");
}

static void
add (const char *path, void (*test) (WorkersFixture *, gconstpointer))
{
  g_test_add (path,
              WorkersFixture,
              NULL,
              workers_fixture_set_up,
              test,
              workers_fixture_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_setenv ("GIO_USE_PROXY_RESOLVER", "dummy", TRUE);

  add ("/workers-liveness/stuck", test_stuck);
  add ("/workers-liveness/frozen", test_frozen);
  add ("/workers-liveness/stop/slow", test_stop_slow);
  add ("/workers-liveness/stop/frozen", test_stop_frozen);
  add ("/workers-liveness/real", test_real);
  return g_test_run ();
}
