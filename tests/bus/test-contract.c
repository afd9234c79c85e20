/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The XML and the handlers are one contract: every member has its handler, of the type
 * the XML says, and there is no handler the XML does not know. */

#include "config.h"

#include "bus-fixture.h"
#include "common/names.h"
#include "face/face.h"
#include "face/outlet.h"

static const TrdFace *const faces[]
    = { &trd_manager_face, &trd_control_face, &trd_session_face, &trd_task_face };

static void
test_methods (gconstpointer data)
{
  const TrdFace *face = data;
  g_autoptr (GDBusInterfaceInfo) info = bus_fixture_load_interface (face->interface);
  guint n = 0;

  for (guint i = 0; i < face->n_methods; i++)
    {
      g_test_message ("%s.%s", face->interface, face->methods[i].name);
      g_assert_nonnull (
          g_dbus_interface_info_lookup_method (info, face->methods[i].name));
      g_assert_nonnull (face->methods[i].handle);
    }
  while (info->methods != NULL && info->methods[n] != NULL)
    n++;
  g_assert_cmpuint (n, ==, face->n_methods);
}

static void
test_properties (gconstpointer data)
{
  const TrdFace *face = data;
  g_autoptr (GDBusInterfaceInfo) info = bus_fixture_load_interface (face->interface);
  guint n = 0;

  for (guint i = 0; i < face->n_properties; i++)
    {
      const TrdProperty *property = &face->properties[i];
      GDBusPropertyInfo *described = g_dbus_interface_info_lookup_property (
          info, property->name);
      gboolean is_writable;

      g_test_message ("%s.%s", face->interface, property->name);
      g_assert_nonnull (described);
      is_writable = (described->flags & G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE) != 0;
      g_assert_true (described->flags & G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
      g_assert_cmpint (is_writable, ==, property->set != NULL);
    }
  while (info->properties != NULL && info->properties[n] != NULL)
    n++;
  g_assert_cmpuint (n, ==, face->n_properties);
}

static char *
signature_of (GDBusSignalInfo *info)
{
  g_autoptr (GString) signature = g_string_new ("(");

  for (guint i = 0; info->args != NULL && info->args[i] != NULL; i++)
    g_string_append (signature, info->args[i]->signature);
  g_string_append_c (signature, ')');

  return g_string_free (g_steal_pointer (&signature), FALSE);
}

static void
test_signals (gconstpointer data)
{
  const TrdFace *face = data;
  g_autoptr (GDBusInterfaceInfo) info = bus_fixture_load_interface (face->interface);
  guint n_sent;
  const TrdSignal *sent = trd_face_outlet_get_signals (&n_sent);
  guint n_of_face = 0;
  guint n = 0;

  for (guint i = 0; i < n_sent; i++)
    {
      GDBusSignalInfo *described;
      g_autofree char *signature = NULL;

      if (!g_str_equal (sent[i].interface, face->interface))
        continue;
      g_test_message ("%s.%s", face->interface, sent[i].name);
      described = g_dbus_interface_info_lookup_signal (info, sent[i].name);
      g_assert_nonnull (described);
      signature = signature_of (described);
      g_assert_cmpstr (signature, ==, sent[i].signature);
      n_of_face++;
    }
  while (info->signals != NULL && info->signals[n] != NULL)
    n++;
  g_assert_cmpuint (n, ==, n_of_face);
}

/* GetAll of every object: each value of the type of the XML (of Get, GDBus checks that).
 */
static void
check_all (BusFixture *fixture, const char *path, const char *interface)
{
  g_autoptr (GDBusInterfaceInfo) info = bus_fixture_load_interface (interface);
  g_autofree char *arguments = g_strdup_printf ("('%s',)", interface);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) dict = NULL;
  guint n = 0;

  reply = bus_fixture_call (fixture,
                            fixture->app,
                            path,
                            "org.freedesktop.DBus.Properties",
                            "GetAll",
                            arguments,
                            &error);
  g_assert_no_error (error);
  dict = g_variant_get_child_value (reply, 0);
  for (; info->properties[n] != NULL; n++)
    {
      g_autofree char *one = g_strdup_printf (
          "('%s', '%s')", interface, info->properties[n]->name);
      g_autoptr (GVariant) value = g_variant_lookup_value (
          dict,
          info->properties[n]->name,
          G_VARIANT_TYPE (info->properties[n]->signature));
      g_autoptr (GVariant) again = NULL;

      g_test_message ("%s.%s", interface, info->properties[n]->name);
      g_assert_nonnull (value);
      again = bus_fixture_call (fixture,
                                fixture->app,
                                path,
                                "org.freedesktop.DBus.Properties",
                                "Get",
                                one,
                                &error);
      g_assert_no_error (error);
    }
  g_assert_cmpuint (g_variant_n_children (dict), ==, n);
}

static void
test_values (BusFixture *fixture, gconstpointer data)
{
  g_autofree char *session = bus_fixture_open_session (
      fixture, fixture->app, "s", "@a{sv} {}");
  g_autofree char *task = bus_fixture_create_task (
      fixture, fixture->app, session, "@a{sv} {}");

  check_all (fixture, TRUNDLE_OBJECT_PATH, TRUNDLE_INTERFACE_MANAGER);
  check_all (fixture, session, TRUNDLE_INTERFACE_SESSION);
  check_all (fixture, task, TRUNDLE_INTERFACE_TASK);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (faces); i++)
    {
      const char *name = faces[i]->interface;
      g_autofree char *methods = g_strdup_printf ("/contract/%s/methods", name);
      g_autofree char *properties = g_strdup_printf ("/contract/%s/properties", name);
      g_autofree char *signals = g_strdup_printf ("/contract/%s/signals", name);

      g_test_add_data_func (methods, faces[i], test_methods);
      g_test_add_data_func (properties, faces[i], test_properties);
      g_test_add_data_func (signals, faces[i], test_signals);
    }
  g_test_add ("/contract/values",
              BusFixture,
              NULL,
              bus_fixture_set_up,
              test_values,
              bus_fixture_tear_down);

  return g_test_run ();
}
