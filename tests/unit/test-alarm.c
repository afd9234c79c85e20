/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "alarm.h"
#include "port/clock.h"
#include "await.h"
#include "private-bus.h"

#include <string.h>

/* A user manager of a few methods, on a private bus, in this process on a connection of
 * its own. */

#define MANAGER_PATH "/org/freedesktop/systemd1"
#define ERROR_PREFIX "org.freedesktop.systemd1."

static const char introspection[]
    = "<node><interface name='org.freedesktop.systemd1.Manager'>"
      "<method name='StopUnit'><arg type='s' direction='in'/>"
      "<arg type='s' direction='in'/><arg type='o' direction='out'/></method>"
      "<method name='ResetFailedUnit'><arg type='s' direction='in'/></method>"
      "<method name='StartTransientUnit'><arg type='s' direction='in'/>"
      "<arg type='s' direction='in'/><arg type='a(sv)' direction='in'/>"
      "<arg type='a(sa(sv))' direction='in'/><arg type='o' direction='out'/></method>"
      "</interface></node>";

typedef struct
{
  GTestDBus *test_bus;
  GDBusConnection *client;
  GDBusConnection *manager;
  guint owner_id;
  gboolean is_owner;

  gboolean has_timer;
  guint n_refusals; /* how often UnitExists is still said after a stop */
  const char *job_result;
  GVariant *properties; /* of the timer */
  GString *log;

  GAsyncResult *result;
} Fixture;

static void
remove_job (Fixture *fixture, const char *job)
{
  g_dbus_connection_emit_signal (
      fixture->manager,
      NULL,
      MANAGER_PATH,
      "org.freedesktop.systemd1.Manager",
      "JobRemoved",
      g_variant_new ("(uoss)", 1, job, "trundled.timer", fixture->job_result),
      NULL);
}

static void
start_timer (Fixture *fixture, GVariant *parameters, GDBusMethodInvocation *invocation)
{
  if (fixture->has_timer || fixture->n_refusals > 0)
    {
      if (fixture->n_refusals > 0)
        fixture->n_refusals--;
      g_string_append (fixture->log, "exists ");
      g_dbus_method_invocation_return_dbus_error (
          invocation, ERROR_PREFIX "UnitExists", "It is there");
      return;
    }
  g_string_append (fixture->log, "start ");
  fixture->has_timer = TRUE;
  g_clear_pointer (&fixture->properties, g_variant_unref);
  g_variant_get (
      parameters, "(&s&s@a(sv)@a(sa(sv)))", NULL, NULL, &fixture->properties, NULL);
  /* The end of the job may be told before its beginning. */
  remove_job (fixture, MANAGER_PATH "/job/2");
  g_dbus_method_invocation_return_value (invocation,
                                         g_variant_new ("(o)", MANAGER_PATH "/job/2"));
}

static void
on_call (GDBusConnection *bus,
         const char *sender,
         const char *object_path,
         const char *interface,
         const char *method,
         GVariant *parameters,
         GDBusMethodInvocation *invocation,
         gpointer user_data)
{
  Fixture *fixture = user_data;

  if (g_str_equal (method, "StartTransientUnit"))
    start_timer (fixture, parameters, invocation);
  else if (g_str_equal (method, "ResetFailedUnit"))
    g_dbus_method_invocation_return_value (invocation, NULL);
  else if (!fixture->has_timer)
    g_dbus_method_invocation_return_dbus_error (
        invocation, ERROR_PREFIX "NoSuchUnit", "It is not there");
  else
    {
      g_string_append (fixture->log, "stop ");
      fixture->has_timer = FALSE;
      remove_job (fixture, MANAGER_PATH "/job/1");
      g_dbus_method_invocation_return_value (
          invocation, g_variant_new ("(o)", MANAGER_PATH "/job/1"));
    }
}

static void
on_owner (GDBusConnection *bus, const char *name, gpointer user_data)
{
  ((Fixture *)user_data)->is_owner = TRUE;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_call };
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (introspection, NULL);
  gboolean has_manager = data == NULL;

  fixture->test_bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (fixture->test_bus);
  fixture->client = test_bus_connect (fixture->test_bus);
  fixture->log = g_string_new (NULL);
  fixture->job_result = "done";
  fixture->manager = test_bus_connect (fixture->test_bus);
  if (!has_manager)
    return;

  g_dbus_connection_register_object (
      fixture->manager, MANAGER_PATH, node->interfaces[0], &vtable, fixture, NULL, NULL);
  fixture->owner_id = g_bus_own_name_on_connection (fixture->manager,
                                                    "org.freedesktop.systemd1",
                                                    G_BUS_NAME_OWNER_FLAGS_NONE,
                                                    on_owner,
                                                    NULL,
                                                    fixture,
                                                    NULL);
  test_await (fixture->is_owner);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_handle_id (&fixture->owner_id, g_bus_unown_name);
  g_clear_object (&fixture->result);
  g_clear_pointer (&fixture->properties, g_variant_unref);
  g_dbus_connection_close_sync (fixture->client, NULL, NULL);
  g_dbus_connection_close_sync (fixture->manager, NULL, NULL);
  g_object_unref (fixture->client);
  g_object_unref (fixture->manager);
  test_settle ();
  g_test_dbus_down (fixture->test_bus);
  g_object_unref (fixture->test_bus);
  g_string_free (fixture->log, TRUE);
}

static void
on_armed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ((Fixture *)user_data)->result = g_object_ref (result);
}

static gboolean
arm (Fixture *fixture, TrdDue due, GError **error)
{
  g_clear_object (&fixture->result);
  trd_alarm_arm_async (fixture->client, &due, NULL, on_armed, fixture);
  test_await (fixture->result != NULL);
  return trd_alarm_arm_finish (fixture->result, error);
}

static TrdDue
in_an_hour (void)
{
  return (TrdDue){ .date_us = g_get_real_time () + G_TIME_SPAN_HOUR };
}

static GVariant *
get_property (Fixture *fixture, const char *wanted)
{
  GVariantIter iter;
  const char *name;
  GVariant *value;

  g_variant_iter_init (&iter, fixture->properties);
  while (g_variant_iter_next (&iter, "(&sv)", &name, &value))
    {
      if (g_str_equal (name, wanted))
        return value;
      g_variant_unref (value);
    }
  return NULL;
}

static void
test_date (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GDateTime) date = g_date_time_new_utc (2099, 12, 31, 23, 59, 58);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GVariant) calendar = NULL;
  const char *base;
  const char *text;

  arm (fixture,
       (TrdDue){ .date_us = g_date_time_to_unix (date) * G_USEC_PER_SEC + 42 },
       &local_error);
  g_assert_no_error (local_error);

  calendar = get_property (fixture, "TimersCalendar");
  g_assert_cmpuint (g_variant_n_children (calendar), ==, 1);
  g_variant_get_child (calendar, 0, "(&s&s)", &base, &text);
  g_assert_cmpstr (base, ==, "OnCalendar");
  g_assert_cmpstr (text, ==, "2099-12-31 23:59:58.000042 UTC");
  /* Whoever sets the clock means it. */
  g_assert_null (get_property (fixture, "TimersMonotonic"));
}

/* A delay stands on both clocks: setting the one does not move it, and the other goes on
 * in suspend. */
static void
test_delay (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TrdClock) clock = trd_clock_new_system ();
  gint64 before_us = g_get_real_time () + G_TIME_SPAN_HOUR - G_USEC_PER_SEC;
  g_autoptr (GVariant) monotonic = NULL;
  g_autoptr (GVariant) calendar = NULL;
  g_autoptr (GDateTime) date = NULL;
  g_autofree char *iso = NULL;
  const char *base;
  const char *text;
  guint64 delay_us;

  arm (fixture,
       (TrdDue){ .boot_us = trd_clock_boottime_us (clock) + G_TIME_SPAN_HOUR },
       NULL);

  monotonic = get_property (fixture, "TimersMonotonic");
  g_variant_get_child (monotonic, 0, "(&st)", &base, &delay_us);
  g_assert_cmpstr (base, ==, "OnActiveSec");
  g_assert_cmpuint (delay_us, <=, G_TIME_SPAN_HOUR);
  g_assert_cmpuint (delay_us, >, G_TIME_SPAN_HOUR - G_TIME_SPAN_MINUTE);

  calendar = get_property (fixture, "TimersCalendar");
  g_variant_get_child (calendar, 0, "(&s&s)", &base, &text);
  iso = g_strndup (text, strlen ("2099-12-31 23:59:58"));
  g_strdelimit (iso, " ", 'T');
  date = g_date_time_new_from_iso8601 (iso, g_time_zone_new_utc ());
  g_assert_cmpint (g_date_time_to_unix (date), >=, before_us / G_USEC_PER_SEC);
  g_assert_cmpint (g_date_time_to_unix (date), <=, before_us / G_USEC_PER_SEC + 60);
}

/* A date of the past would never come. */
static void
test_near (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GVariant) monotonic = NULL;
  const char *base;
  guint64 delay_us;

  arm (fixture,
       (TrdDue){ .date_us = g_get_real_time () - G_TIME_SPAN_HOUR },
       &local_error);
  g_assert_no_error (local_error);

  monotonic = get_property (fixture, "TimersMonotonic");
  g_variant_get_child (monotonic, 0, "(&st)", &base, &delay_us);
  g_assert_cmpstr (base, ==, "OnActiveSec");
  g_assert_cmpuint (delay_us, <=, G_USEC_PER_SEC);
  g_assert_null (get_property (fixture, "TimersCalendar"));
}

/* The name of the old timer is free a little later than its stop was answered. */
static void
test_replace (Fixture *fixture, gconstpointer data)
{
  g_assert_true (arm (fixture, in_an_hour (), NULL));
  fixture->n_refusals = 2;
  g_assert_true (arm (fixture, in_an_hour (), NULL));

  g_assert_cmpstr (fixture->log->str, ==, "start stop exists exists start ");
}

static void
test_disarm (Fixture *fixture, gconstpointer data)
{
  g_assert_true (arm (fixture, (TrdDue){ 0 }, NULL));
  g_assert_true (arm (fixture, in_an_hour (), NULL));
  g_assert_true (arm (fixture, (TrdDue){ 0 }, NULL));

  g_assert_false (fixture->has_timer);
}

static void
test_job_fails (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) local_error = NULL;

  fixture->job_result = "failed";
  arm (fixture, in_an_hour (), &local_error);
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_FAILED);
}

static void
test_no_systemd (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) local_error = NULL;

  arm (fixture, in_an_hour (), &local_error);
  g_assert_error (local_error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
}

#define ADD(path, data, function)                                                        \
  g_test_add (path, Fixture, data, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/alarm/date", NULL, test_date);
  ADD ("/alarm/delay", NULL, test_delay);
  ADD ("/alarm/near", NULL, test_near);
  ADD ("/alarm/replace", NULL, test_replace);
  ADD ("/alarm/disarm", NULL, test_disarm);
  ADD ("/alarm/job-fails", NULL, test_job_fails);
  ADD ("/alarm/no-systemd", "none", test_no_systemd);

  return g_test_run ();
}
