/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Secrets that come as descriptors: read to their end and put in their place, whoever
 * holds the other end, and refused by name when that cannot be. */

#include "config.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "await.h"
#include "bus-fixture.h"
#include "common/defaults.h"
#include "common/names.h"

#define URL "http://localhost/f"
#define HEADERS "Cookie: c\nX-Plain:  p \r\n\n"
#define OPTIONS "{'start': <true>, 'headers-fd': <handle 0>}"

typedef struct
{
  BusFixture bus;
  char *session; /* (owned) */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  bus_fixture_set_up (&f->bus, data);
  f->session = bus_fixture_open_session (&f->bus, f->bus.app, "s", "@a{sv} {}");
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->session, g_free);
  bus_fixture_tear_down (&f->bus, data);
}

/* ---- calling with one descriptor, which is closed here ---- */

static void
begin (GDBusConnection *client,
       const char *path,
       const char *interface,
       const char *method,
       GVariant *arguments,
       int fd,
       GAsyncResult **out_result)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new_from_array (&fd, fd >= 0 ? 1 : 0);

  g_dbus_connection_call_with_unix_fd_list (client,
                                            TRUNDLE_BUS_NAME,
                                            path,
                                            interface,
                                            method,
                                            arguments,
                                            NULL,
                                            G_DBUS_CALL_FLAGS_NONE,
                                            -1,
                                            fds,
                                            NULL,
                                            test_take_result,
                                            out_result);
}

static GVariant *
end (GDBusConnection *client, GAsyncResult **result, GError **error)
{
  g_autoptr (GAsyncResult) got = NULL;

  test_await (*result != NULL);
  got = g_steal_pointer (result);
  return g_dbus_connection_call_with_unix_fd_list_finish (client, NULL, got, error);
}

static void
begin_task (Fixture *f, const char *options, int fd, GAsyncResult **out_result)
{
  begin (f->bus.app,
         f->session,
         TRUNDLE_INTERFACE_SESSION,
         "CreateDownloadTask",
         g_variant_new_parsed ("(%s, %@a{sv})", URL, g_variant_new_parsed (options)),
         fd,
         out_result);
}

static void
refuse (Fixture *f, const char *options, int fd, const char *word)
{
  GAsyncResult *result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;

  begin_task (f, options, fd, &result);
  reply = end (f->bus.app, &result, &error);
  g_test_message ("%s: %s", options, error != NULL ? error->message : "taken");
  g_assert_null (reply);
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, word));
}

/* The attempt of @task was given both headers of HEADERS, in their places. */
static void
assert_headers (Fixture *f, gint64 task)
{
  FakeTransport *transport = f->bus.core.transport;
  g_autoptr (GVariant) secret = NULL;
  g_autoptr (GVariant) plain = NULL;
  g_autoptr (GVariant) expected = g_variant_ref_sink (
      g_variant_new_parsed ("[('Cookie', 'c')]"));
  g_autoptr (GVariant) expected_plain = g_variant_ref_sink (
      g_variant_new_parsed ("[('X-Plain', 'p')]"));

  test_await (fake_transport_is_running (transport, task));
  secret = g_variant_lookup_value (
      fake_transport_find (transport, task)->request, "secret-headers", NULL);
  plain = g_variant_lookup_value (
      fake_transport_find (transport, task)->request, "headers", NULL);
  g_assert_cmpvariant (secret, expected);
  g_assert_cmpvariant (plain, expected_plain);
}

/* ---- descriptors ---- */

/* Written as an app does, so that it stands at its end. */
static int
new_memfd (const char *text, gsize length)
{
  int fd = memfd_create ("secret", MFD_CLOEXEC);

  g_assert_cmpint (write (fd, text, length), ==, (gssize)length);
  return fd;
}

static int
new_file (const char *text)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp (NULL, &path, NULL);

  unlink (path);
  g_assert_cmpint (write (fd, text, strlen (text)), ==, (gssize)strlen (text));
  return fd;
}

typedef enum
{
  MEMFD,
  FILE_FD,
  PIPE,
  SOCKET
} Kind;

static const struct
{
  const char *name;
  Kind kind;
} kinds[]
    = { { "memfd", MEMFD }, { "file", FILE_FD }, { "pipe", PIPE }, { "socket", SOCKET } };

static void
make_pair (Kind kind, int out_fds[2])
{
  if (kind == PIPE)
    g_assert_cmpint (pipe2 (out_fds, O_CLOEXEC), ==, 0);
  else
    g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out_fds), ==, 0);
}

/* In two pieces, the second long after the call. */
static void
takes_streams (Fixture *f, Kind kind)
{
  GAsyncResult *result = NULL;
  g_autoptr (GVariant) reply = NULL;
  int fds[2];

  make_pair (kind, fds);
  begin_task (f, OPTIONS, fds[0], &result);
  g_assert_cmpint (write (fds[1], HEADERS, 5), ==, 5);
  bus_fixture_drain (&f->bus, f->bus.app);
  g_assert_null (result);
  g_assert_cmpint (write (fds[1], &HEADERS[5], strlen (HEADERS) - 5), >, 0);
  close (fds[1]);

  reply = end (f->bus.app, &result, NULL);
  g_assert_nonnull (reply);
  assert_headers (f, 1);
}

static void
test_takes (Fixture *f, gconstpointer data)
{
  Kind kind = kinds[GPOINTER_TO_UINT (data)].kind;
  GAsyncResult *result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;

  if (kind == PIPE || kind == SOCKET)
    {
      takes_streams (f, kind);
      return;
    }

  begin_task (f,
              OPTIONS,
              kind == MEMFD ? new_memfd (HEADERS, strlen (HEADERS)) : new_file (HEADERS),
              &result);
  reply = end (f->bus.app, &result, &error);
  g_assert_no_error (error);
  assert_headers (f, 1);
}

/* User info that is in no message: a credential for the first origin. */
static void
test_takes_password (Fixture *f, gconstpointer data)
{
  GAsyncResult *result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) all = NULL;
  g_autoptr (GVariant) one = NULL;
  const char *user = NULL;
  const char *password = NULL;

  begin_task (f,
              "{'start': <true>, 'user': <'u'>, 'password-fd': <handle 0>}",
              new_memfd ("p:w\n", 4),
              &result);
  reply = end (f->bus.app, &result, &error);
  g_assert_no_error (error);
  test_await (fake_transport_is_running (f->bus.core.transport, 1));
  all = g_variant_lookup_value (fake_transport_find (f->bus.core.transport, 1)->request,
                                "credentials",
                                G_VARIANT_TYPE ("aa{sv}"));
  g_assert_cmpuint (g_variant_n_children (all), ==, 1);
  one = g_variant_get_child_value (all, 0);
  g_assert_true (g_variant_lookup (one, "user", "&s", &user));
  g_assert_true (g_variant_lookup (one, "password", "&s", &password));
  g_assert_cmpstr (user, ==, "u");
  g_assert_cmpstr (password, ==, "p:w");
}

/* ---- what is refused ---- */

static void
test_refuses (Fixture *f, gconstpointer data)
{
  g_autofree char *large = g_malloc0 (TRD_SECRET_FD_MAX + 1);
  int fds[2];

  refuse (f, OPTIONS, -1, "headers-fd");
  refuse (f, "{'headers-fd': <handle 1>}", new_memfd ("", 0), "headers-fd");
  refuse (f, "{'headers-fd': <'A: b'>}", -1, "headers-fd");
  refuse (f, "{'token-fd': <handle 0>}", new_memfd ("", 0), "token-fd");
  refuse (f, "{'password-fd': <handle 0>}", new_memfd ("", 0), "“user”");
  refuse (f, "{'user': <'u'>}", -1, "“password”");
  refuse (f,
          "{'headers-fd': <handle 0>, 'headers': <[('A', 'b')]>}",
          new_memfd ("", 0),
          "headers-fd");
  refuse (f, OPTIONS, new_memfd (large, TRD_SECRET_FD_MAX + 1), "headers-fd");
  refuse (f, OPTIONS, new_memfd ("A: \xff\n", 5), "headers-fd");
  refuse (f, OPTIONS, new_memfd ("A: \0\n", 5), "headers-fd");
  refuse (f, OPTIONS, new_memfd ("no colon", 8), "headers-fd");
  refuse (f, OPTIONS, new_memfd ("Host: x", 7), "headers");
  refuse (f, OPTIONS, open ("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "headers-fd");
  refuse (f, OPTIONS, open ("/dev/zero", O_RDONLY | O_CLOEXEC), "headers-fd");
  refuse (f, OPTIONS, open ("/proc/self/exe", O_PATH | O_CLOEXEC), "headers-fd");

  /* What it could not read itself, it is not read for. */
  make_pair (PIPE, fds);
  refuse (f, OPTIONS, fds[1], "headers-fd");
  close (fds[0]);
}

/* Too much of a pipe is too much before its end. */
static void
test_reads_no_more_than_it_may (Fixture *f, gconstpointer data)
{
  g_autofree char *large = g_malloc0 (TRD_SECRET_FD_MAX + 1);
  GAsyncResult *result = NULL;
  g_autoptr (GError) error = NULL;
  gsize written = 0;
  int fds[2];

  make_pair (PIPE, fds);
  g_assert_cmpint (fcntl (fds[1], F_SETFL, O_NONBLOCK), ==, 0);
  begin_task (f, OPTIONS, fds[0], &result);
  while (written < TRD_SECRET_FD_MAX + 1)
    {
      gssize n = write (fds[1], large, TRD_SECRET_FD_MAX + 1 - written);

      if (n > 0)
        written += (gsize)n;
      else
        g_main_context_iteration (NULL, FALSE);
    }

  g_assert_null (end (f->bus.app, &result, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
  close (fds[1]);
}

static void
test_waits_not_for_ever (Fixture *f, gconstpointer data)
{
  GAsyncResult *result = NULL;
  g_autoptr (GError) error = NULL;
  int fds[2];

  make_pair (PIPE, fds);
  begin_task (f, OPTIONS, fds[0], &result);
  bus_fixture_drain (&f->bus, f->bus.app);
  fake_clock_advance (f->bus.core.clock, TRD_SECRET_FD_TIMEOUT_US - 1);
  bus_fixture_drain (&f->bus, f->bus.app);
  g_assert_null (result);
  fake_clock_advance (f->bus.core.clock, 1);

  g_assert_null (end (f->bus.app, &result, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "headers-fd"));
  g_assert_cmpuint (trd_gate_count_calls (f->bus.gate), ==, 0);
  close (fds[1]);
}

/* ---- who may, and what of ---- */

static void
test_one_for_many (Fixture *f, gconstpointer data)
{
  GAsyncResult *result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;

  begin (
      f->bus.app,
      f->session,
      TRUNDLE_INTERFACE_SESSION,
      "CreateTasks",
      g_variant_new_parsed ("([{'url': <%s>, 'start': <true>, 'headers-fd': <handle 0>},"
                            " {'url': <%s>, 'start': <true>, 'headers-fd': <handle 0>}"
                            "],)",
                            URL,
                            URL),
      new_memfd (HEADERS, strlen (HEADERS)),
      &result);
  reply = end (f->bus.app, &result, &error);
  g_assert_no_error (error);
  assert_headers (f, 1);
  assert_headers (f, 2);
}

static void
test_batch_names_the_task (Fixture *f, gconstpointer data)
{
  GAsyncResult *result = NULL;
  g_autoptr (GError) error = NULL;

  begin (f->bus.app,
         f->session,
         TRUNDLE_INTERFACE_SESSION,
         "CreateTasks",
         g_variant_new_parsed (
             "([{'url': <%s>}, {'url': <%s>, 'headers-fd': <handle 7>}],)", URL, URL),
         new_memfd ("", 0),
         &result);
  g_assert_null (end (f->bus.app, &result, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "Task 1: headers-fd"));
}

static void
test_of_a_session (Fixture *f, gconstpointer data)
{
  const char *configuration = "{'headers-fd': <handle 0>}";
  GAsyncResult *result = NULL;
  g_autoptr (GVariant) opened = NULL;
  g_autoptr (GVariant) configured = NULL;
  const char *path;

  begin (f->bus.app,
         TRUNDLE_OBJECT_PATH,
         TRUNDLE_INTERFACE_MANAGER,
         "OpenSession",
         g_variant_new ("(s@a{sv})", "other", g_variant_new_parsed (configuration)),
         new_memfd (HEADERS, strlen (HEADERS)),
         &result);
  opened = end (f->bus.app, &result, NULL);
  g_assert_nonnull (opened);
  g_variant_get_child (opened, 0, "&o", &path);
  g_free (bus_fixture_create_task (&f->bus, f->bus.app, path, "{'start': <true>}"));
  assert_headers (f, 1);

  begin (f->bus.app,
         f->session,
         TRUNDLE_INTERFACE_SESSION,
         "Configure",
         g_variant_new ("(@a{sv})", g_variant_new_parsed (configuration)),
         new_memfd (HEADERS, strlen (HEADERS)),
         &result);
  configured = end (f->bus.app, &result, NULL);
  g_assert_nonnull (configured);
  g_free (bus_fixture_create_task (&f->bus, f->bus.app, f->session, "{'start': <true>}"));
  assert_headers (f, 2);
}

static void
test_of_a_request (Fixture *f, gconstpointer data)
{
  g_autofree char *task = bus_fixture_create_task (
      &f->bus, f->bus.app, f->session, "@a{sv} {}");
  GAsyncResult *result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) updated = NULL;

  begin (f->bus.app,
         task,
         TRUNDLE_INTERFACE_TASK,
         "UpdateRequest",
         g_variant_new_parsed ("({'headers-fd': <handle 0>},)"),
         new_memfd (HEADERS, strlen (HEADERS)),
         &result);
  updated = end (f->bus.app, &result, &error);
  g_assert_no_error (error);
  g_assert_true (trd_registry_resume (
      f->bus.core.registry, bus_fixture_find_task (&f->bus, task), NULL));
  assert_headers (f, 1);
}

/* Law 14 forbids nothing here: what is read was the caller's to read. */
static void
test_of_a_sandbox (Fixture *f, gconstpointer data)
{
  g_autoptr (GDBusConnection) client = bus_fixture_connect_as (
      &f->bus, BUS_FIXTURE_FLATPAK ("org.example.C", "network"), NULL);
  g_autofree char *session = bus_fixture_open_session (&f->bus, client, "s", "@a{sv} {}");
  GAsyncResult *result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;

  begin (client,
         session,
         TRUNDLE_INTERFACE_SESSION,
         "CreateDownloadTask",
         g_variant_new_parsed ("(%s, %@a{sv})", URL, g_variant_new_parsed (OPTIONS)),
         new_memfd (HEADERS, strlen (HEADERS)),
         &result);
  reply = end (client, &result, &error);
  g_assert_no_error (error);
  assert_headers (f, 1);
}

/* Law 8: what is gone when all was read is answered as what was never there. */
static void
test_session_goes_meanwhile (Fixture *f, gconstpointer data)
{
  GAsyncResult *result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) gone = NULL;
  int fds[2];

  make_pair (PIPE, fds);
  begin_task (f, OPTIONS, fds[0], &result);
  gone = bus_fixture_ask_session (
      &f->bus, f->bus.app, f->session, "InvalidateAndCancel", NULL);
  close (fds[1]);

  g_assert_null (end (f->bus.app, &result, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND);
}

/* Whoever asks for it and is gone leaves nothing behind. */
static void
test_caller_goes_meanwhile (Fixture *f, gconstpointer data)
{
  g_autoptr (GDBusConnection) client = bus_fixture_connect_as (&f->bus, NULL, NULL);
  GAsyncResult *result = NULL;
  int fds[2];

  make_pair (PIPE, fds);
  begin (client,
         f->session,
         TRUNDLE_INTERFACE_SESSION,
         "CreateDownloadTask",
         g_variant_new_parsed ("(%s, %@a{sv})", URL, g_variant_new_parsed (OPTIONS)),
         fds[0],
         &result);
  test_await (trd_gate_count_calls (f->bus.gate) == 1);
  g_assert_true (g_dbus_connection_close_sync (client, NULL, NULL));
  test_await (result != NULL);
  close (fds[1]);
  test_await (trd_gate_count_calls (f->bus.gate) == 0);
  g_clear_object (&result);
}

static void
add (const char *name, void (*test) (Fixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/secret-fd/", name, NULL);

  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *path = g_strconcat ("/secret-fd/takes/", kinds[i].name, NULL);

      g_test_add (path, Fixture, GUINT_TO_POINTER (i), set_up, test_takes, tear_down);
    }
  add ("takes-password", test_takes_password);
  add ("refuses", test_refuses);
  add ("reads-no-more-than-it-may", test_reads_no_more_than_it_may);
  add ("waits-not-for-ever", test_waits_not_for_ever);
  add ("one-for-many", test_one_for_many);
  add ("batch-names-the-task", test_batch_names_the_task);
  add ("of-a-session", test_of_a_session);
  add ("of-a-request", test_of_a_request);
  add ("of-a-sandbox", test_of_a_sandbox);
  add ("law-8/session-goes-meanwhile", test_session_goes_meanwhile);
  add ("caller-goes-meanwhile", test_caller_goes_meanwhile);

  return g_test_run ();
}
