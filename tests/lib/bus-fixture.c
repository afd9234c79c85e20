/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bus-fixture.h"

#include <gio/gunixfdlist.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "await.h"
#include "common/names.h"
#include "private-bus.h"
#include "trundle-introspection.h"

#define CGROUP "0::/user.slice/user-1000.slice/user@1000.service/app.slice/"

GDBusConnection *
bus_fixture_connect (BusFixture *self)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *connection = g_dbus_connection_new_for_address_sync (
      g_test_dbus_get_bus_address (self->bus),
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL,
      NULL,
      &error);

  g_assert_no_error (error);
  return connection;
}

void
bus_fixture_disguise (BusFixture *self, const char *flatpak_info, const char *cgroup)
{
  g_autofree char *root = g_strdup_printf ("%s/%d/root", self->proc_root, getpid ());
  g_autofree char *info_path = g_build_filename (root, ".flatpak-info", NULL);
  g_autofree char *cgroup_path = g_strdup_printf (
      "%s/%d/cgroup", self->proc_root, getpid ());

  g_assert_cmpint (g_mkdir_with_parents (root, 0700), ==, 0);
  g_remove (info_path);
  if (flatpak_info != NULL)
    g_assert_true (g_file_set_contents (info_path, flatpak_info, -1, NULL));
  g_assert_true (g_file_set_contents (cgroup_path, cgroup, -1, NULL));
}

GDBusConnection *
bus_fixture_connect_as (BusFixture *self, const char *flatpak_info, const char *cgroup)
{
  g_autoptr (GDBusConnection) connection = bus_fixture_connect (self);
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *line = g_strconcat (CGROUP, cgroup, "\n", NULL);

  bus_fixture_disguise (self, flatpak_info, line);
  reply = bus_fixture_call (self,
                            connection,
                            TRUNDLE_OBJECT_PATH,
                            "org.freedesktop.DBus.Properties",
                            "Get",
                            "('" TRUNDLE_INTERFACE_MANAGER "', 'Version')",
                            &error);
  g_assert_no_error (error);

  return g_steal_pointer (&connection);
}

void
bus_fixture_set_up (BusFixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  core_fixture_set_up (&self->core, data);
  self->proc_root = g_build_filename (self->core.directory, "proc", NULL);
  self->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (self->bus);
  self->service = bus_fixture_connect (self);
  self->gate = trd_gate_new (self->service,
                             self->core.registry,
                             self->core.scheduler,
                             self->core.courier,
                             &error);
  g_assert_no_error (error);
  trd_gate_set_proc_root (self->gate, self->proc_root);
  g_assert_true (test_bus_request_name (self->service, TRUNDLE_BUS_NAME));
  self->app = bus_fixture_connect_as (self, NULL, "app-org.example.App-1.scope");
  self->stranger = bus_fixture_connect_as (
      self, BUS_FIXTURE_FLATPAK ("org.example.B", "network"), "app-flatpak-x-1.scope");
}

static void
disconnect (GDBusConnection *connection)
{
  if (!g_dbus_connection_is_closed (connection))
    g_dbus_connection_close_sync (connection, NULL, NULL);
  g_object_unref (connection);
}

void
bus_fixture_tear_down (BusFixture *self, gconstpointer data)
{
  g_assert_cmpuint (trd_gate_count_calls (self->gate), ==, 0);
  trd_gate_close (self->gate);
  g_clear_object (&self->gate);
  g_clear_pointer (&self->app, disconnect);
  g_clear_pointer (&self->stranger, disconnect);
  g_clear_pointer (&self->service, disconnect);
  test_settle ();
  g_test_dbus_down (self->bus);
  g_clear_object (&self->bus);
  core_fixture_tear_down (&self->core, data);
  g_clear_pointer (&self->proc_root, g_free);
}

/* ---- calling ---- */

GVariant *
bus_fixture_call_full (BusFixture *self,
                       GDBusConnection *client,
                       const char *path,
                       const char *interface,
                       const char *method,
                       GVariant *arguments,
                       GUnixFDList *fds,
                       GUnixFDList **out_fds,
                       GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  g_dbus_connection_call_with_unix_fd_list (client,
                                            TRUNDLE_BUS_NAME,
                                            path,
                                            interface,
                                            method,
                                            arguments,
                                            NULL,
                                            G_DBUS_CALL_FLAGS_NONE,
                                            8000,
                                            fds,
                                            NULL,
                                            test_take_result,
                                            &result);
  test_await (result != NULL);

  return g_dbus_connection_call_with_unix_fd_list_finish (client, out_fds, result, error);
}

GVariant *
bus_fixture_call (BusFixture *self,
                  GDBusConnection *client,
                  const char *path,
                  const char *interface,
                  const char *method,
                  const char *arguments,
                  GError **error)
{
  g_autoptr (GError) parse_error = NULL;
  g_autoptr (GVariant) parsed = NULL;

  if (arguments != NULL)
    parsed = g_variant_parse (NULL, arguments, NULL, NULL, &parse_error);
  g_assert_no_error (parse_error);

  return bus_fixture_call_full (
      self, client, path, interface, method, parsed, NULL, NULL, error);
}

char *
bus_fixture_open_session (BusFixture *self,
                          GDBusConnection *client,
                          const char *identifier,
                          const char *configuration)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;
  GVariant *dict = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, configuration, NULL, NULL, &error);
  char *path = NULL;

  g_assert_no_error (error);
  reply = bus_fixture_call_full (self,
                                 client,
                                 TRUNDLE_OBJECT_PATH,
                                 TRUNDLE_INTERFACE_MANAGER,
                                 "OpenSession",
                                 g_variant_new ("(s@a{sv})", identifier, dict),
                                 NULL,
                                 NULL,
                                 &error);
  g_variant_unref (dict);
  g_assert_no_error (error);
  g_variant_get (reply, "(o@a{sv})", &path, NULL);

  return path;
}

char *
bus_fixture_create_task (BusFixture *self,
                         GDBusConnection *client,
                         const char *session,
                         const char *options)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) dict = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, options, NULL, NULL, &error);
  char *path = NULL;

  g_assert_no_error (error);
  reply = bus_fixture_call_full (
      self,
      client,
      session,
      TRUNDLE_INTERFACE_SESSION,
      "CreateDownloadTask",
      g_variant_new ("(s@a{sv})", "http://localhost/file.bin", dict),
      NULL,
      NULL,
      &error);
  g_assert_no_error (error);
  g_variant_get (reply, "(o)", &path);

  return path;
}

GVariant *
bus_fixture_ask_session (BusFixture *self,
                         GDBusConnection *client,
                         const char *session,
                         const char *method,
                         const char *arguments)
{
  g_autoptr (GError) error = NULL;
  GVariant *reply = bus_fixture_call (
      self, client, session, TRUNDLE_INTERFACE_SESSION, method, arguments, &error);

  g_assert_no_error (error);
  return reply;
}

void
bus_fixture_fail_session (BusFixture *self,
                          GDBusConnection *client,
                          const char *session,
                          const char *method,
                          const char *arguments,
                          TrundleError code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = bus_fixture_call (
      self, client, session, TRUNDLE_INTERFACE_SESSION, method, arguments, &error);

  g_assert_null (reply);
  g_assert_error (error, TRUNDLE_ERROR, (int)code);
}

TrdTask *
bus_fixture_find_task (BusFixture *self, const char *path)
{
  gint64 id = g_ascii_strtoll (strrchr (path, '/') + 1, NULL, 10);
  TrdTask *task = trd_registry_find_task (self->core.registry, id);

  g_assert_nonnull (task);
  return task;
}

/* ---- listening ---- */

static void
on_signal (GDBusConnection *client,
           const char *sender,
           const char *path,
           const char *interface,
           const char *name,
           GVariant *parameters,
           gpointer user_data)
{
  g_autofree char *text = g_variant_print (parameters, FALSE);

  if (!g_str_equal (sender, "org.freedesktop.DBus"))
    g_ptr_array_add (user_data, g_strdup_printf ("%s %s %s", name, path, text));
}

GPtrArray *
bus_fixture_listen (BusFixture *self, GDBusConnection *client)
{
  GPtrArray *log = g_ptr_array_new_with_free_func (g_free);

  g_dbus_connection_signal_subscribe (client,
                                      NULL,
                                      NULL,
                                      NULL,
                                      NULL,
                                      NULL,
                                      G_DBUS_SIGNAL_FLAGS_NONE,
                                      on_signal,
                                      log,
                                      (GDestroyNotify)g_ptr_array_unref);
  return log;
}

int
bus_fixture_find_line (GPtrArray *log, guint from, const char *prefix)
{
  for (guint i = from; i < log->len; i++)
    if (g_str_has_prefix (g_ptr_array_index (log, i), prefix))
      return (int)i;

  return -1;
}

/* The reply to a call comes after everything that was sent before it. */
void
bus_fixture_drain (BusFixture *self, GDBusConnection *client)
{
  g_autoptr (GVariant) reply = NULL;

  test_settle ();
  reply = bus_fixture_call (
      self, client, TRUNDLE_OBJECT_PATH, "org.freedesktop.DBus.Peer", "Ping", NULL, NULL);
  test_settle ();
}

GDBusInterfaceInfo *
bus_fixture_load_interface (const char *name)
{
  g_autofree char *path = g_strconcat (
      "/org/freedesktop/BackgroundTransfer1/", name, ".xml", NULL);
  g_autoptr (GBytes) xml = g_resource_lookup_data (
      trundle_introspection_get_resource (), path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (
      g_bytes_get_data (xml, NULL), NULL);

  return g_dbus_interface_info_ref (g_dbus_node_info_lookup_interface (node, name));
}
