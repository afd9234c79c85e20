/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "await.h"
#include "port/conditions.h"
#include "private-bus.h"

#define UNIT_PATH "/org/freedesktop/systemd1/unit/graphical_2dsession_2etarget"
#define UNIT_INTERFACE "org.freedesktop.systemd1.Unit"

static void
on_changed (TrdConditions *conditions, gpointer user_data)
{
  (*(guint *)user_data)++;
}

static void
test_defaults (void)
{
  g_autoptr (TrdConditions) conditions = trd_conditions_new ();
  g_autoptr (GVariant) facts = trd_conditions_to_variant (conditions);

  g_assert_true (trd_conditions_get (conditions, "network"));
  g_assert_false (trd_conditions_get (conditions, "metered"));
  g_assert_false (trd_conditions_get (conditions, "graphical"));
  g_assert_cmpstr (g_variant_get_type_string (facts), ==, "a{sv}");
  g_assert_cmpuint (g_variant_n_children (facts), ==, 6);
  g_assert_false (g_variant_is_floating (facts));
}

static void
test_set (gconstpointer name)
{
  g_autoptr (TrdConditions) conditions = trd_conditions_new ();
  gboolean before = trd_conditions_get (conditions, name);
  guint n_changed = 0;

  g_signal_connect (conditions, "changed", G_CALLBACK (on_changed), &n_changed);
  g_object_set (conditions, name, before, NULL);
  g_assert_cmpuint (n_changed, ==, 0);

  g_object_set (conditions, name, !before, NULL);
  g_assert_cmpuint (n_changed, ==, 1);
  g_assert_true (trd_conditions_get (conditions, name) == !before);
}

/* Facts that change together are told together. */
static void
test_set_together (void)
{
  g_autoptr (TrdConditions) conditions = trd_conditions_new ();
  guint n_changed = 0;

  g_signal_connect (conditions, "changed", G_CALLBACK (on_changed), &n_changed);
  g_object_set (conditions, "network", FALSE, "on-battery", TRUE, NULL);
  g_assert_cmpuint (n_changed, ==, 1);
}

typedef struct
{
  GTestDBus *test_bus;
  GDBusConnection *client;
  GDBusConnection *manager;
  const char *active_state;
  guint n_gets;
} Fixture;

static GVariant *
get_unit_property (GDBusConnection *bus,
                   const char *sender,
                   const char *object_path,
                   const char *interface,
                   const char *property,
                   GError **error,
                   gpointer user_data)
{
  Fixture *fixture = user_data;

  fixture->n_gets++;
  return g_variant_new_string (fixture->active_state);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  static const GDBusInterfaceVTable vtable = { .get_property = get_unit_property };
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (
      "<node><interface name='" UNIT_INTERFACE "'>"
      "<property name='ActiveState' type='s' access='read'/></interface></node>",
      NULL);

  fixture->test_bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (fixture->test_bus);
  g_unsetenv ("DISPLAY");
  g_unsetenv ("WAYLAND_DISPLAY");
  fixture->client = test_bus_connect (fixture->test_bus);
  fixture->manager = test_bus_connect (fixture->test_bus);
  fixture->active_state = "inactive";
  g_dbus_connection_register_object (
      fixture->manager, UNIT_PATH, node->interfaces[0], &vtable, fixture, NULL, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_dbus_connection_close_sync (fixture->client, NULL, NULL);
  g_dbus_connection_close_sync (fixture->manager, NULL, NULL);
  g_object_unref (fixture->client);
  g_object_unref (fixture->manager);
  test_settle ();
  g_test_dbus_down (fixture->test_bus);
  g_object_unref (fixture->test_bus);
}

static void
own_systemd (Fixture *fixture, const char *method)
{
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      fixture->manager,
      "org.freedesktop.DBus",
      "/org/freedesktop/DBus",
      "org.freedesktop.DBus",
      method,
      g_str_equal (method, "RequestName")
          ? g_variant_new ("(su)", "org.freedesktop.systemd1", 0)
          : g_variant_new ("(s)", "org.freedesktop.systemd1"),
      NULL,
      G_DBUS_CALL_FLAGS_NONE,
      -1,
      NULL,
      NULL);

  g_assert_nonnull (reply);
}

static void
emit_state (Fixture *fixture, const char *active_state)
{
  GVariantDict changed = G_VARIANT_DICT_INIT (NULL);

  fixture->active_state = active_state;
  g_variant_dict_insert (&changed, "ActiveState", "s", active_state);
  g_dbus_connection_emit_signal (
      fixture->manager,
      NULL,
      UNIT_PATH,
      "org.freedesktop.DBus.Properties",
      "PropertiesChanged",
      g_variant_new ("(s@a{sv}as)", UNIT_INTERFACE, g_variant_dict_end (&changed), NULL),
      NULL);
}

static void
test_target (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TrdConditions) conditions = trd_conditions_new ();

  trd_conditions_watch_system (conditions, fixture->client);
  g_assert_false (trd_conditions_get (conditions, "graphical"));

  fixture->active_state = "active";
  own_systemd (fixture, "RequestName");
  test_await (trd_conditions_get (conditions, "graphical"));

  emit_state (fixture, "deactivating");
  test_await (!trd_conditions_get (conditions, "graphical"));
  emit_state (fixture, "active");
  test_await (trd_conditions_get (conditions, "graphical"));

  own_systemd (fixture, "ReleaseName");
  test_await (!trd_conditions_get (conditions, "graphical"));
}

static void
test_display (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TrdConditions) conditions = trd_conditions_new ();

  g_setenv ("WAYLAND_DISPLAY", "wayland-0", TRUE);
  own_systemd (fixture, "RequestName");
  trd_conditions_watch_system (conditions, fixture->client);
  test_await (fixture->n_gets > 0);
  test_settle ();

  g_assert_true (trd_conditions_get (conditions, "graphical"));
  g_unsetenv ("WAYLAND_DISPLAY");
}

static void
test_gone (Fixture *fixture, gconstpointer data)
{
  TrdConditions *conditions = trd_conditions_new ();

  own_systemd (fixture, "RequestName");
  trd_conditions_watch_system (conditions, fixture->client);
  g_object_add_weak_pointer (G_OBJECT (conditions), (gpointer *)&conditions);
  g_object_unref (conditions);
  g_assert_null (conditions);

  emit_state (fixture, "active");
  test_settle ();
}

int
main (int argc, char **argv)
{
  static const char *const names[] = { "network",    "metered",     "captive-portal",
                                       "on-battery", "power-saver", "graphical" };

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/conditions/defaults", test_defaults);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_strconcat ("/conditions/set/", names[i], NULL);

      g_test_add_data_func (path, names[i], test_set);
    }
  g_test_add_func ("/conditions/set-together", test_set_together);
  g_test_add ("/conditions/target", Fixture, NULL, set_up, test_target, tear_down);
  g_test_add ("/conditions/display", Fixture, NULL, set_up, test_display, tear_down);
  g_test_add ("/conditions/gone", Fixture, NULL, set_up, test_gone, tear_down);

  return g_test_run ();
}
