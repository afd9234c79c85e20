/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who a caller is found to be, and what it may therefore say (laws 8 and 14). */

#include "config.h"

#include <string.h>

#include "bus-fixture.h"
#include "common/names.h"

#define NONE "@a{sv} {}"
#define OPEN "('s', @a{sv} {})"
#define GROUP "0::/user.slice/user-1000.slice/user@1000.service/app.slice/"

static GVariant *
open_session (BusFixture *fixture,
              GDBusConnection *client,
              const char *arguments,
              GError **error)
{
  return bus_fixture_call (fixture,
                           client,
                           TRUNDLE_OBJECT_PATH,
                           TRUNDLE_INTERFACE_MANAGER,
                           "OpenSession",
                           arguments,
                           error);
}

static void
refuse_session (BusFixture *fixture,
                GDBusConnection *client,
                const char *arguments,
                TrundleError code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = open_session (fixture, client, arguments, &error);

  g_assert_null (reply);
  g_assert_error (error, TRUNDLE_ERROR, (int)code);
  g_test_message ("%s: %s", arguments, error->message);
}

/* "confinement:app id" of the owner of a session @client opens.  (transfer full) */
static char *
owner_of (BusFixture *fixture, GDBusConnection *client, const char *configuration)
{
  g_autofree char *path = bus_fixture_open_session (fixture, client, "s", configuration);
  gint64 id = g_ascii_strtoll (strrchr (path, '/') + 1, NULL, 10);
  TrdSession *session = trd_registry_find_session (fixture->core.registry, id);

  return g_strdup (trd_owner_key (session->row->owner));
}

static void
leave (GDBusConnection *client)
{
  g_dbus_connection_close_sync (client, NULL, NULL);
  g_object_unref (client);
}

/* ---- who ---- */

static void
test_identities (BusFixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *flatpak_info;
    const char *unit;
    const char *owner;
  } rows[] = {
    { NULL, "app-org.example.App-1.scope", "host:org.example.App" },
    { NULL, "app-gnome-org.example.Other-4711.scope", "host:org.example.Other" },
    { NULL, "app-org.example.Unit@1.service", "host:org.example.Unit" },
    { NULL, "app-org.example.A\\x2db-1.scope", "host:org.example.A-b" },
    { NULL, "vte-spawn-1.scope", "host:host" },
    { NULL, "app-flatpak-org.example.B-1.scope", "host:host" },
    { BUS_FIXTURE_FLATPAK ("org.example.C", "network;ipc"),
      "app-flatpak-org.example.X-1.scope",
      "flatpak:org.example.C" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      GDBusConnection *client = bus_fixture_connect_as (
          fixture, rows[i].flatpak_info, rows[i].unit);
      g_autofree char *owner = owner_of (fixture, client, NONE);

      g_assert_cmpstr (owner, ==, rows[i].owner);
      leave (client);
    }
}

static void
test_bad_descriptions (BusFixture *fixture, gconstpointer data)
{
  g_autofree char *padding = g_strnfill (2 * 1024 * 1024, '#');
  g_autofree char *oversized = g_strconcat (
      "[Application]\nname=org.example.Big\n", padding, "\n", NULL);
  const char *const texts[] = {
    "",
    "no key file",
    "[Application]\n",
    "[Application]\nname=\n",
    "[Application]\nname=host\n",
    "[Application]\nname=../../etc\n",
    "[Instance]\nname=org.example.X\n",
    oversized,
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      GDBusConnection *client = bus_fixture_connect (fixture);

      bus_fixture_disguise (fixture, texts[i], GROUP "app-org.example.App-1.scope\n");
      refuse_session (fixture, client, OPEN, TRUNDLE_ERROR_NOT_ALLOWED);
      leave (client);
    }
}

/* Not known once is not known for ever: it is asked again with the next call. */
static void
test_no_process (BusFixture *fixture, gconstpointer data)
{
  GDBusConnection *client = bus_fixture_connect (fixture);
  g_autofree char *empty = g_build_filename (fixture->core.directory, "none", NULL);
  g_autofree char *owner = NULL;

  trd_gate_set_proc_root (fixture->gate, empty);
  refuse_session (fixture, client, OPEN, TRUNDLE_ERROR_NOT_ALLOWED);

  trd_gate_set_proc_root (fixture->gate, fixture->proc_root);
  bus_fixture_disguise (fixture, NULL, GROUP "app-org.example.App-1.scope\n");
  owner = owner_of (fixture, client, NONE);
  g_assert_cmpstr (owner, ==, "host:org.example.App");
  leave (client);
}

/* Found out once: what the process becomes later is somebody else's name. */
static void
test_changed_process (BusFixture *fixture, gconstpointer data)
{
  g_autofree char *owner = NULL;

  bus_fixture_disguise (fixture, BUS_FIXTURE_FLATPAK ("org.example.D", "network"), "");
  owner = owner_of (fixture, fixture->app, NONE);
  g_assert_cmpstr (owner, ==, "host:org.example.App");
}

/* ---- what it may say ---- */

static void
test_no_network (BusFixture *fixture, gconstpointer data)
{
  const char *const texts[] = {
    BUS_FIXTURE_FLATPAK ("org.example.E", "ipc"),
    BUS_FIXTURE_FLATPAK ("org.example.E", "!network"),
    "[Application]\nname=org.example.E\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      GDBusConnection *client = bus_fixture_connect_as (fixture, texts[i], "x.scope");

      refuse_session (fixture, client, OPEN, TRUNDLE_ERROR_NOT_ALLOWED);
      leave (client);
    }
}

static void
test_sandboxed_destination (BusFixture *fixture, gconstpointer data)
{
  g_autofree char *session = bus_fixture_open_session (
      fixture, fixture->stranger, "s", NONE);

  bus_fixture_fail_session (fixture,
                            fixture->stranger,
                            session,
                            "CreateDownloadTask",
                            "('http://localhost/', {'destination-path': <'/tmp/x'>})",
                            TRUNDLE_ERROR_NOT_ALLOWED);
  bus_fixture_fail_session (fixture,
                            fixture->stranger,
                            session,
                            "CreateTasks",
                            "([{'url': <'http://localhost/'>, 'destination': <handle 0>, "
                            "'destination-name': <'x'>}],)",
                            TRUNDLE_ERROR_NOT_ALLOWED);
}

static void
test_activation_names (BusFixture *fixture, gconstpointer data)
{
  g_autofree char *session = NULL;
  g_autofree char *owner = NULL;

  refuse_session (fixture,
                  fixture->stranger,
                  "('s', {'activation-name': <'org.example.App'>})",
                  TRUNDLE_ERROR_NOT_ALLOWED);
  refuse_session (fixture,
                  fixture->stranger,
                  "('s', {'activation-name': <'org.example.Bee'>})",
                  TRUNDLE_ERROR_NOT_ALLOWED);
  refuse_session (fixture,
                  fixture->stranger,
                  "('s', {'activation-name': <':1.1'>})",
                  TRUNDLE_ERROR_INVALID_ARGUMENT);

  /* Below its own, and the option that is not for it. */
  owner = owner_of (fixture,
                    fixture->stranger,
                    "{'activation-name': <'org.example.B.Helper'>, "
                    "'app-id': <'org.example.App'>}");
  g_assert_cmpstr (owner, ==, "flatpak:org.example.B");
  session = bus_fixture_open_session (fixture, fixture->stranger, "s", NONE);
  bus_fixture_fail_session (fixture,
                            fixture->stranger,
                            session,
                            "Configure",
                            "({'activation-name': <'org.example.App'>},)",
                            TRUNDLE_ERROR_NOT_ALLOWED);
}

static void
test_names_in_use (BusFixture *fixture, gconstpointer data)
{
  const char *name = "org.example.Taken";
  g_autofree char *owner = NULL;

  fake_launcher_set_owner (fixture->core.launcher, name, ":1.4711");
  refuse_session (fixture,
                  fixture->app,
                  "('s', {'activation-name': <'org.example.Taken'>})",
                  TRUNDLE_ERROR_NOT_ALLOWED);
  refuse_session (fixture,
                  fixture->app,
                  "('s', {'app-id': <'org.example.Taken'>})",
                  TRUNDLE_ERROR_NOT_ALLOWED);

  fake_launcher_set_owner (
      fixture->core.launcher, name, g_dbus_connection_get_unique_name (fixture->app));
  owner = owner_of (fixture, fixture->app, "{'app-id': <'org.example.Taken'>}");
  g_assert_cmpstr (owner, ==, "host:org.example.Taken");
}

#define ADD(path, func)                                                                  \
  g_test_add (path, BusFixture, NULL, bus_fixture_set_up, func, bus_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/peers/identities", test_identities);
  ADD ("/peers/bad-descriptions", test_bad_descriptions);
  ADD ("/peers/no-process", test_no_process);
  ADD ("/peers/changed-process", test_changed_process);
  ADD ("/peers/no-network", test_no_network);
  ADD ("/peers/sandboxed-destination", test_sandboxed_destination);
  ADD ("/peers/activation-names", test_activation_names);
  ADD ("/peers/names-in-use", test_names_in_use);

  return g_test_run ();
}
