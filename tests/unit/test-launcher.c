/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "await.h"
#include "fake-launcher.h"
#include "port/launcher.h"
#include "private-bus.h"

#include <glib/gstdio.h>

/* The launcher on a private bus; the test's own program is the service it starts. */

#define SERVICE "org.example.Service"
#define BROKEN "org.example.Broken"
#define NOBODY "org.example.Nobody"
#define RUNNING "org.example.Running"

typedef struct
{
  GTestDBus *test_bus;
  GDBusConnection *bus;
  TrdLauncher *launcher;
  char *directory;
  GAsyncResult *result;
} Fixture;

/* Lives as long as its bus: g_bus_get_sync()'s connection ends the process with it. */
static int
run_service (void)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GDBusConnection) bus = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, NULL);

  /* The bus may be gone already: a test may be over before its service is up. */
  if (bus == NULL || !test_bus_request_name (bus, SERVICE))
    return 1;
  g_main_loop_run (loop);
  return 0;
}

static void
set_up (Fixture *fixture, gconstpointer program)
{
  g_autofree char *command = g_strconcat (program, " --service", NULL);

  fixture->directory = g_dir_make_tmp ("trundle-launcher-XXXXXX", NULL);
  test_bus_write_service_file (fixture->directory, SERVICE, command);
  test_bus_write_service_file (fixture->directory, BROKEN, "/bin/false");
  fixture->test_bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_add_service_dir (fixture->test_bus, fixture->directory);
  g_test_dbus_up (fixture->test_bus);
  fixture->bus = g_dbus_connection_new_for_address_sync (
      g_test_dbus_get_bus_address (fixture->test_bus),
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL,
      NULL,
      NULL);
  g_assert_true (test_bus_request_name (fixture->bus, RUNNING));
  fixture->launcher = trd_launcher_new_bus (fixture->bus);
}

static void
tear_down (Fixture *fixture, gconstpointer program)
{
  static const char *const names[] = { SERVICE ".service", BROKEN ".service" };

  g_clear_object (&fixture->result);
  g_object_unref (fixture->launcher);
  g_dbus_connection_close_sync (fixture->bus, NULL, NULL);
  g_object_unref (fixture->bus);
  g_test_dbus_down (fixture->test_bus);
  g_object_unref (fixture->test_bus);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (fixture->directory, names[i], NULL);

      g_remove (path);
    }
  g_rmdir (fixture->directory);
  g_free (fixture->directory);
}

static void
on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_set_object (&fixture->result, result);
}

static gboolean
start (Fixture *fixture, const char *name, GError **error)
{
  g_clear_object (&fixture->result);
  trd_launcher_start_async (fixture->launcher, name, NULL, on_result, fixture);
  test_await (fixture->result != NULL);
  return trd_launcher_start_finish (fixture->launcher, fixture->result, error);
}

static char *
find_owner (Fixture *fixture, const char *name)
{
  g_autoptr (GError) local_error = NULL;
  char *owner;

  g_clear_object (&fixture->result);
  trd_launcher_find_owner_async (fixture->launcher, name, NULL, on_result, fixture);
  test_await (fixture->result != NULL);
  owner = trd_launcher_find_owner_finish (
      fixture->launcher, fixture->result, &local_error);
  g_assert_no_error (local_error);
  return owner;
}

static gboolean
is_activatable (Fixture *fixture, const char *name)
{
  g_autoptr (GError) local_error = NULL;
  gboolean answer;

  g_clear_object (&fixture->result);
  trd_launcher_is_activatable_async (fixture->launcher, name, NULL, on_result, fixture);
  test_await (fixture->result != NULL);
  answer = trd_launcher_is_activatable_finish (
      fixture->launcher, fixture->result, &local_error);
  g_assert_no_error (local_error);
  return answer;
}

static void
test_start (Fixture *fixture, gconstpointer program)
{
  g_autofree char *before = find_owner (fixture, SERVICE);
  g_autofree char *after = NULL;
  g_autoptr (GError) local_error = NULL;

  g_assert_null (before);
  start (fixture, SERVICE, &local_error);
  g_assert_no_error (local_error);

  after = find_owner (fixture, SERVICE);
  g_assert_true (g_dbus_is_unique_name (after));
}

static void
test_start_fails (Fixture *fixture, gconstpointer program)
{
  g_autoptr (GError) unknown = NULL;
  g_autoptr (GError) broken = NULL;

  g_assert_false (start (fixture, NOBODY, &unknown));
  g_assert_error (unknown, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN);
  g_assert_false (start (fixture, BROKEN, &broken));
  g_assert_error (broken, G_DBUS_ERROR, G_DBUS_ERROR_SPAWN_CHILD_EXITED);
}

static void
test_activatable (Fixture *fixture, gconstpointer program)
{
  g_assert_true (is_activatable (fixture, SERVICE));
  g_assert_true (is_activatable (fixture, BROKEN));
  g_assert_true (is_activatable (fixture, RUNNING));
  g_assert_false (is_activatable (fixture, NOBODY));
}

static void
test_cancel (Fixture *fixture, gconstpointer program)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) local_error = NULL;

  trd_launcher_start_async (fixture->launcher, SERVICE, cancellable, on_result, fixture);
  g_cancellable_cancel (cancellable);
  test_await (fixture->result != NULL);
  g_assert_false (
      trd_launcher_start_finish (fixture->launcher, fixture->result, &local_error));
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_fake (void)
{
  g_autoptr (FakeLauncher) fake = fake_launcher_new ();
  g_autoptr (GError) unknown = NULL;
  g_autofree char *owner = NULL;
  Fixture fixture = { .launcher = TRD_LAUNCHER (fake) };

  g_assert_false (start (&fixture, NOBODY, &unknown));
  g_assert_error (unknown, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN);

  fake_launcher_script_success (fake, SERVICE, ":1.42");
  g_assert_true (is_activatable (&fixture, SERVICE));
  g_assert_true (start (&fixture, SERVICE, NULL));
  owner = find_owner (&fixture, SERVICE);
  g_assert_cmpstr (owner, ==, ":1.42");
  g_assert_cmpuint (fake_launcher_count_starts (fake, SERVICE), ==, 1);
  g_clear_object (&fixture.result);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*test) (Fixture *fixture, gconstpointer program);
  } tests[] = {
    { "/launcher/start", test_start },
    { "/launcher/start-fails", test_start_fails },
    { "/launcher/activatable", test_activatable },
    { "/launcher/cancel", test_cancel },
  };
  g_autofree char *program = NULL;

  if (argc > 1 && g_str_equal (argv[1], "--service"))
    return run_service ();

  g_test_init (&argc, &argv, NULL);
  program = g_canonicalize_filename (argv[0], NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, program, set_up, tests[i].test, tear_down);
  g_test_add_func ("/launcher/fake", test_fake);

  return g_test_run ();
}
