/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real worker and those who let it wait: each limit by itself, the others being far
 * away.  The message tells which it was; the time, that it was not over too soon. */

#include "config.h"

#include "script-server.h"
#include "worker-fixture.h"

#include "common/error.h"

#include <string.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define LIMIT_MS 300
#define FAR "'request-timeout': <uint64 60000>, 'connect-timeout': <uint64 60000>"
#define CONNECT "{'request-timeout': <uint64 60000>, 'connect-timeout': <uint64 300>}"
#define FIRST_BYTE "{" FAR ", 'first-byte-timeout': <uint64 300>}"
#define STALL "{'request-timeout': <uint64 300>, 'connect-timeout': <uint64 60000>}"

static void
assert_timed_out (WorkerFixture *fixture,
                  const char *url,
                  const char *options,
                  const char *about)
{
  gint64 begin_us = g_get_monotonic_time ();
  const char *message = "";
  GVariant *facts;

  facts = worker_fixture_await_done (fixture,
                                     worker_fixture_begin (fixture, url, options));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "TimedOut");
  g_assert_cmpint (g_get_monotonic_time () - begin_us, >=, LIMIT_MS * 1000);
  g_variant_lookup (facts, "message", "&s", &message);
  if (strstr (message, about) == NULL)
    g_error ("“%s” is not about “%s”", message, about);
}

/* A socket that listens and has no room for another connection: what knocks is dropped,
 * as by a firewall. */
typedef struct
{
  GSocket *listener;
  GPtrArray *knocking; /* (element-type GSocket) */
  char *url;
} Wall;

static Wall
build_wall (void)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_from_string ("127.0.0.1");
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GError) error = NULL;
  Wall wall = { 0 };

  wall.listener = g_socket_new (
      G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);
  g_assert_no_error (error);
  g_socket_set_listen_backlog (wall.listener, 0);
  g_assert_true (g_socket_bind (wall.listener, any, FALSE, NULL));
  g_assert_true (g_socket_listen (wall.listener, NULL));
  address = g_socket_get_local_address (wall.listener, NULL);
  wall.url = g_strdup_printf (
      "http://127.0.0.1:%u/",
      g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)));
  wall.knocking = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < 8; i++)
    {
      GSocket *socket = g_socket_new (
          G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);

      g_socket_set_blocking (socket, FALSE);
      g_socket_connect (socket, address, NULL, NULL);
      g_ptr_array_add (wall.knocking, socket);
    }
  return wall;
}

static void
tear_down_wall (Wall *wall)
{
  g_ptr_array_unref (wall->knocking);
  g_object_unref (wall->listener);
  g_free (wall->url);
}

/* H13. */
static void
test_connect (void)
{
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  Wall wall = build_wall ();

  assert_timed_out (fixture, wall.url, CONNECT, "accept a connection");
  assert_timed_out (fixture, wall.url, STALL, "Nothing came");
  tear_down_wall (&wall);
}

/* A server that accepts, and then nothing. */
static void
test_handshake (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = g_strdup_printf ("https://127.0.0.1:%u/",
                                          script_server_get_port (server));

  assert_timed_out (fixture, url, CONNECT, "secure connection");
}

/* Each hop has the whole time. */
static void
test_connect_after_redirect (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  Wall wall = build_wall ();

  script_server_set_redirect (server, "/x", wall.url, "");
  assert_timed_out (fixture, url, CONNECT, "accept a connection");
  tear_down_wall (&wall);
}

/* The head must be whole. */
static void
test_first_byte (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");

  script_server_set (server, "/x", &(ScriptReply){ "", 0, NULL, SCRIPT_STALL });
  assert_timed_out (fixture, url, FIRST_BYTE, "begin to answer");
  script_server_set (server, "/x", &(ScriptReply){ OK, 0, NULL, SCRIPT_STALL });
  assert_timed_out (fixture, url, FIRST_BYTE, "begin to answer");
  script_server_set (
      server,
      "/x",
      &(ScriptReply){ "HTTP/1.1 103 Early\r\n\r\n", 0, NULL, SCRIPT_STALL });
  assert_timed_out (fixture, url, FIRST_BYTE, "begin to answer");
}

/* On a connection that stood already too. */
static void
test_first_byte_again (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");

  script_server_set_redirect (server, "/x", "/y", "");
  script_server_set (server, "/y", &(ScriptReply){ "", 0, NULL, SCRIPT_STALL });
  assert_timed_out (fixture, url, FIRST_BYTE, "begin to answer");
  g_assert_cmpuint (script_server_count_connections (server), ==, 1);
}

/* It is about what comes first: the rest has the other limit. */
static void
test_body (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");

  script_server_set (
      server,
      "/x",
      &(ScriptReply){ OK "Content-Length: 9\r\n\r\nabc", 0, NULL, SCRIPT_STALL });
  assert_timed_out (fixture,
                    url,
                    "{'request-timeout': <uint64 900>, 'connect-timeout': <uint64 300>, "
                    "'first-byte-timeout': <uint64 300>}",
                    "Nothing came");
}

/* T-34: slow is not silent.
 *
 * Fault (server): a server that sends a little, slower in all than each limit (T-34) |
 * Proves: a success: slow is not silent */
static void
test_slow (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/x");
  gint64 begin_us = g_get_monotonic_time ();
  GVariant *facts;

  script_server_set (
      server,
      "/x",
      &(ScriptReply){ OK "Content-Length: 20\r\n\r\n", 0, NULL, SCRIPT_DRIP });
  facts = worker_fixture_await_done (
      fixture,
      worker_fixture_begin (fixture,
                            url,
                            "{'request-timeout': <uint64 500>, "
                            "'connect-timeout': <uint64 500>, "
                            "'first-byte-timeout': <uint64 500>}"));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  g_assert_cmpint (g_get_monotonic_time () - begin_us, >, 500 * 1000);
}

/* No limit is none: nothing of the default is left. */
static void
test_none (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/hop/1");
  GVariant *facts;

  facts = worker_fixture_await_done (
      fixture,
      worker_fixture_begin (fixture,
                            url,
                            "{'request-timeout': <uint64 0>, "
                            "'connect-timeout': <uint64 0>, "
                            "'first-byte-timeout': <uint64 0>}"));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpuint (trundle_error_quark (), !=, 0);
  g_test_add_func ("/worker/limits/connect", test_connect);
  g_test_add_func ("/worker/limits/connect/handshake", test_handshake);
  g_test_add_func ("/worker/limits/connect/redirect", test_connect_after_redirect);
  g_test_add_func ("/worker/limits/first-byte", test_first_byte);
  g_test_add_func ("/worker/limits/first-byte/again", test_first_byte_again);
  g_test_add_func ("/worker/limits/body", test_body);
  g_test_add_func ("/worker/limits/slow", test_slow);
  g_test_add_func ("/worker/limits/none", test_none);
  return g_test_run ();
}
