/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "alarm.h"

#include <time.h>

/* Being started again later, when the daemon would only wait: a transient trundled.timer
 * in the user manager.  A timer starts the service of its own name, which is why it has
 * this one: systemd 252 lets neither Unit= nor Triggers= be set on a transient timer.
 *
 * A transient unit cannot be changed, and its name is free only once the manager has
 * forgotten the old one: it is stopped first, and starting the new one is tried again
 * while the manager says UnitExists. */

#define SYSTEMD_NAME "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"
#define TIMER_UNIT "trundled.timer"

/* Both clocks stand in the one unit, and the first of them starts the service; when it
 * finds nothing due, it arms anew.  A delay is given as OnActiveSec=, which a clock that
 * is set does not move, but which stands still while the machine sleeps (CLOCK_MONOTONIC,
 * unless the timer may wake the machine); and as the date it then has, OnCalendar=, which
 * is only moved by setting the clock.  A date is given as OnCalendar= alone.
 *
 * A calendar date that has passed when the manager reads it never comes (systemd 252), so
 * that near dates are given as a distance. */
#define NEAR_US (10 * G_TIME_SPAN_SECOND)

/* Systemd 252 knows no dates after 2199.  The service looks again then. */
#define LAST_DATE_US (G_GINT64_CONSTANT (6942585600) * G_USEC_PER_SEC)

#define ACCURACY_US (100 * G_TIME_SPAN_MILLISECOND)

#define RETRY_INTERVAL_MS 20
#define RETRIES_MAX 100
#define JOB_TIMEOUT_MS (10 * 1000)

typedef struct
{
  GDBusConnection *bus; /* (owned) */
  TrdDue due;
  guint subscription_id;
  guint timeout_id; /* holds the task while the job is awaited */
  guint n_retries;
  char *job;           /* (owned) (nullable): object path */
  GHashTable *results; /* (element-type utf8 utf8) (owned): of jobs that have ended */
} Arming;

static void
free_arming (gpointer data)
{
  Arming *arming = data;

  g_clear_handle_id (&arming->timeout_id, g_source_remove);
  g_dbus_connection_signal_unsubscribe (arming->bus, arming->subscription_id);
  g_object_unref (arming->bus);
  g_free (arming->job);
  g_hash_table_unref (arming->results);
  g_free (arming);
}

static void
call_manager (GTask *task,
              const char *method,
              GVariant *parameters,
              GAsyncReadyCallback callback)
{
  Arming *arming = g_task_get_task_data (task);

  g_dbus_connection_call (arming->bus,
                          SYSTEMD_NAME,
                          SYSTEMD_PATH,
                          MANAGER_INTERFACE,
                          method,
                          parameters,
                          NULL,
                          G_DBUS_CALL_FLAGS_NO_AUTO_START,
                          -1,
                          g_task_get_cancellable (task),
                          callback,
                          g_object_ref (task));
}

static gboolean
is_remote_error (const GError *error, const char *name)
{
  g_autofree char *remote = g_dbus_error_get_remote_error (error);

  return g_strcmp0 (remote, name) == 0;
}

static void
return_remote_error (GTask *task, GError *error_to_take)
{
  g_autoptr (GError) owned = error_to_take;

  if (g_error_matches (owned, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN)
      || g_error_matches (owned, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER))
    {
      g_task_return_new_error (task,
                               G_IO_ERROR,
                               G_IO_ERROR_NOT_SUPPORTED,
                               "No systemd is there to start the service again");
      return;
    }
  g_dbus_error_strip_remote_error (owned);
  g_task_return_error (task, g_steal_pointer (&owned));
}

/* Ends the task when the result of its job is known. */
static void
check_job (GTask *task)
{
  Arming *arming = g_task_get_task_data (task);
  const char *result;
  guint timeout_id = arming->timeout_id;

  if (arming->job == NULL || timeout_id == 0)
    return;
  result = g_hash_table_lookup (arming->results, arming->job);
  if (result == NULL)
    return;

  if (g_str_equal (result, "done"))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_new_error (task,
                             G_IO_ERROR,
                             G_IO_ERROR_FAILED,
                             "systemd did not start " TIMER_UNIT ": %s",
                             result);
  arming->timeout_id = 0;
  g_source_remove (timeout_id);
}

static void
on_job_removed (GDBusConnection *bus,
                const char *sender,
                const char *object_path,
                const char *interface,
                const char *signal,
                GVariant *parameters,
                gpointer user_data)
{
  GTask *task = user_data;
  Arming *arming = g_task_get_task_data (task);
  const char *job;
  const char *unit;
  const char *result;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(uoss)")))
    return;
  g_variant_get (parameters, "(u&o&s&s)", NULL, &job, &unit, &result);
  if (!g_str_equal (unit, TIMER_UNIT))
    return;
  g_hash_table_insert (arming->results, g_strdup (job), g_strdup (result));
  check_job (task);
}

static gboolean
on_job_timeout (gpointer user_data)
{
  GTask *task = user_data;
  Arming *arming = g_task_get_task_data (task);

  arming->timeout_id = 0;
  g_task_return_new_error (
      task, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "systemd did not start " TIMER_UNIT);
  return G_SOURCE_REMOVE;
}

static void
start_timer (GTask *task);

static gboolean
on_retry (gpointer user_data)
{
  start_timer (user_data);
  return G_SOURCE_REMOVE;
}

static void
on_timer_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Arming *arming = g_task_get_task_data (task);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (
      G_DBUS_CONNECTION (source), result, &local_error);

  if (reply == NULL
      && is_remote_error (local_error, "org.freedesktop.systemd1.UnitExists")
      && ++arming->n_retries < RETRIES_MAX)
    {
      g_timeout_add_full (G_PRIORITY_DEFAULT,
                          RETRY_INTERVAL_MS,
                          on_retry,
                          g_object_ref (task),
                          g_object_unref);
      return;
    }
  if (reply == NULL)
    {
      return_remote_error (task, g_steal_pointer (&local_error));
      return;
    }

  g_variant_get (reply, "(o)", &arming->job);
  arming->timeout_id = g_timeout_add_full (G_PRIORITY_DEFAULT,
                                           JOB_TIMEOUT_MS,
                                           on_job_timeout,
                                           g_object_ref (task),
                                           g_object_unref);
  check_job (task);
}

static void
add_delay (GVariantBuilder *builder, gint64 delay_us)
{
  GVariant *delay = g_variant_new_parsed ("[('OnActiveSec', %t)]",
                                          (guint64)MAX (delay_us, 1000));

  g_variant_builder_add (builder, "(sv)", "TimersMonotonic", delay);
}

static void
add_date (GVariantBuilder *dates, gint64 date_us)
{
  gint64 shown_us = MIN (date_us, LAST_DATE_US);
  g_autoptr (GDateTime) date = g_date_time_new_from_unix_utc (shown_us / G_USEC_PER_SEC);
  g_autofree char *day = g_date_time_format (date, "%Y-%m-%d %H:%M:%S");
  g_autofree char *calendar = g_strdup_printf (
      "%s.%06d UTC", day, (int)(shown_us % G_USEC_PER_SEC));

  g_variant_builder_add (dates, "(ss)", "OnCalendar", calendar);
}

static TrdMoment
look_at_clocks (void)
{
  struct timespec boot;

  clock_gettime (CLOCK_BOOTTIME, &boot);
  return (TrdMoment){
    .wall_us = g_get_real_time (),
    .boot_us = boot.tv_sec * G_USEC_PER_SEC + boot.tv_nsec / 1000,
  };
}

static void
add_moments (GVariantBuilder *builder, const TrdDue *due)
{
  TrdMoment now = look_at_clocks ();
  gint64 delay_us = due->boot_us != 0 ? due->boot_us - now.boot_us : G_MAXINT64;
  g_autoptr (GVariant) calendar = NULL;
  GVariantBuilder dates;

  g_variant_builder_init (&dates, G_VARIANT_TYPE ("a(ss)"));
  if (due->boot_us != 0 && delay_us >= NEAR_US)
    add_date (&dates, now.wall_us + delay_us);
  if (due->date_us != 0 && due->date_us - now.wall_us >= NEAR_US)
    add_date (&dates, due->date_us);
  else if (due->date_us != 0)
    delay_us = MIN (delay_us, due->date_us - now.wall_us);

  if (delay_us < G_MAXINT64)
    add_delay (builder, delay_us);
  /* An empty list would take all timers away, the other kind too (systemd 252). */
  calendar = g_variant_ref_sink (g_variant_builder_end (&dates));
  if (g_variant_n_children (calendar) > 0)
    g_variant_builder_add (builder, "(sv)", "TimersCalendar", calendar);
}

static void
start_timer (GTask *task)
{
  Arming *arming = g_task_get_task_data (task);
  GVariantBuilder properties;

  g_variant_builder_init (&properties, G_VARIANT_TYPE ("a(sv)"));
  g_variant_builder_add (&properties,
                         "(sv)",
                         "Description",
                         g_variant_new_string ("Next moment for background transfers"));
  add_moments (&properties, &arming->due);
  g_variant_builder_add (
      &properties, "(sv)", "AccuracyUSec", g_variant_new_uint64 (ACCURACY_US));
  /* Else it would stay loaded, and in the list of timers, after its moment. */
  g_variant_builder_add (
      &properties, "(sv)", "RemainAfterElapse", g_variant_new_boolean (FALSE));

  call_manager (
      task,
      "StartTransientUnit",
      g_variant_new ("(ssa(sv)a(sa(sv)))", TIMER_UNIT, "replace", &properties, NULL),
      on_timer_started);
}

static void
on_failure_reset (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GVariant *reply = g_dbus_connection_call_finish (
      G_DBUS_CONNECTION (source), result, NULL);

  /* An error only says that there was nothing to reset. */
  g_clear_pointer (&reply, g_variant_unref);
  start_timer (task);
}

static void
on_timer_stopped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Arming *arming = g_task_get_task_data (task);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (
      G_DBUS_CONNECTION (source), result, &local_error);

  if (reply == NULL
      && !is_remote_error (local_error, "org.freedesktop.systemd1.NoSuchUnit"))
    {
      return_remote_error (task, g_steal_pointer (&local_error));
      return;
    }
  if (arming->due.boot_us == 0 && arming->due.date_us == 0)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  call_manager (
      task, "ResetFailedUnit", g_variant_new ("(s)", TIMER_UNIT), on_failure_reset);
}

void
trd_alarm_arm_async (GDBusConnection *bus,
                     const TrdDue *due,
                     GCancellable *cancellable,
                     GAsyncReadyCallback callback,
                     gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  Arming *arming;

  g_return_if_fail (G_IS_DBUS_CONNECTION (bus));
  g_return_if_fail (due != NULL);

  task = g_task_new (bus, cancellable, callback, user_data);
  g_task_set_source_tag (task, trd_alarm_arm_async);
  arming = g_new0 (Arming, 1);
  arming->bus = g_object_ref (bus);
  arming->due = *due;
  arming->results = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  arming->subscription_id = g_dbus_connection_signal_subscribe (bus,
                                                                SYSTEMD_NAME,
                                                                MANAGER_INTERFACE,
                                                                "JobRemoved",
                                                                SYSTEMD_PATH,
                                                                NULL,
                                                                G_DBUS_SIGNAL_FLAGS_NONE,
                                                                on_job_removed,
                                                                task,
                                                                NULL);
  g_task_set_task_data (task, arming, free_arming);

  /* The manager tells who asked for a job of its end, subscribed or not. */
  call_manager (
      task, "StopUnit", g_variant_new ("(ss)", TIMER_UNIT, "replace"), on_timer_stopped);
}

gboolean
trd_alarm_arm_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, trd_alarm_arm_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
