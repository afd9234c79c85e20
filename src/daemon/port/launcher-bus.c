/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "port/launcher.h"

/* Starting apps by the bus.  StartServiceByName is a call to the bus itself, so that its
 * reply comes when the app owns its name, and its error says why it never will. */

#define BUS_NAME "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

/* The bus gives up by itself: dbus-daemon after 120 s, dbus-broker when systemd does (90
 * s unless the unit says otherwise).  GDBus's 25 s would call a slow app a failure. */
#define START_TIMEOUT_MS (150 * 1000)

#define TRD_TYPE_LAUNCHER_BUS (trd_launcher_bus_get_type ())
G_DECLARE_FINAL_TYPE (TrdLauncherBus, trd_launcher_bus, TRD, LAUNCHER_BUS, GObject)

struct _TrdLauncherBus
{
  GObject parent_instance;

  GDBusConnection *bus; /* (owned) */
};

static void
launcher_iface_init (TrdLauncherInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TrdLauncherBus,
                               trd_launcher_bus,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (TRD_TYPE_LAUNCHER,
                                                      launcher_iface_init))

TrdLauncher *
trd_launcher_new_bus (GDBusConnection *bus)
{
  TrdLauncherBus *self;

  g_return_val_if_fail (G_IS_DBUS_CONNECTION (bus), NULL);

  self = g_object_new (TRD_TYPE_LAUNCHER_BUS, NULL);
  self->bus = g_object_ref (bus);
  return TRD_LAUNCHER (self);
}

/* Calls the bus for @task (transfer full); @callback gets the task back. */
static void
call_bus (GTask *task,
          const char *method,
          GVariant *parameters,
          const char *reply_type,
          GAsyncReadyCallback callback)
{
  TrdLauncherBus *self = g_task_get_source_object (task);
  gboolean is_start = g_str_equal (method, "StartServiceByName");

  g_dbus_connection_call (self->bus,
                          BUS_NAME,
                          BUS_PATH,
                          BUS_NAME,
                          method,
                          parameters,
                          G_VARIANT_TYPE (reply_type),
                          G_DBUS_CALL_FLAGS_NONE,
                          is_start ? START_TIMEOUT_MS : -1,
                          g_task_get_cancellable (task),
                          callback,
                          task);
}

static GTask *
new_task (TrdLauncher *launcher,
          const char *name,
          GCancellable *cancellable,
          GAsyncReadyCallback callback,
          gpointer user_data)
{
  GTask *task = g_task_new (launcher, cancellable, callback, user_data);

  g_task_set_task_data (task, g_strdup (name), g_free);
  return task;
}

static void
on_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (
      G_DBUS_CONNECTION (source), result, &local_error);

  if (reply == NULL)
    g_task_return_error (task, g_steal_pointer (&local_error));
  else
    g_task_return_boolean (task, TRUE);
}

static void
start_async (TrdLauncher *launcher,
             const char *name,
             GCancellable *cancellable,
             GAsyncReadyCallback callback,
             gpointer user_data)
{
  call_bus (new_task (launcher, name, cancellable, callback, user_data),
            "StartServiceByName",
            g_variant_new ("(su)", name, 0),
            "(u)",
            on_started);
}

static void
on_owner (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (
      G_DBUS_CONNECTION (source), result, &local_error);
  char *owner = NULL;

  if (reply == NULL
      && !g_error_matches (local_error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER))
    {
      g_task_return_error (task, g_steal_pointer (&local_error));
      return;
    }
  if (reply != NULL)
    g_variant_get (reply, "(s)", &owner);
  g_task_return_pointer (task, owner, g_free);
}

static void
find_owner_async (TrdLauncher *launcher,
                  const char *name,
                  GCancellable *cancellable,
                  GAsyncReadyCallback callback,
                  gpointer user_data)
{
  call_bus (new_task (launcher, name, cancellable, callback, user_data),
            "GetNameOwner",
            g_variant_new ("(s)", name),
            "(s)",
            on_owner);
}

static void
on_has_owner (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (
      G_DBUS_CONNECTION (source), result, &local_error);
  gboolean has_owner;

  if (reply == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&local_error));
      return;
    }
  g_variant_get (reply, "(b)", &has_owner);
  g_task_return_boolean (task, has_owner);
}

static void
on_activatable_names (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (
      G_DBUS_CONNECTION (source), result, &local_error);
  g_autofree const char **names = NULL;
  const char *name = g_task_get_task_data (task);

  if (reply == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&local_error));
      return;
    }
  g_variant_get (reply, "(^a&s)", &names);
  if (g_strv_contains (names, name))
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  call_bus (g_steal_pointer (&task),
            "NameHasOwner",
            g_variant_new ("(s)", name),
            "(b)",
            on_has_owner);
}

static void
is_activatable_async (TrdLauncher *launcher,
                      const char *name,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
  call_bus (new_task (launcher, name, cancellable, callback, user_data),
            "ListActivatableNames",
            NULL,
            "(as)",
            on_activatable_names);
}

static gboolean
finish_boolean (TrdLauncher *launcher, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, launcher), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static char *
finish_owner (TrdLauncher *launcher, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, launcher), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
launcher_iface_init (TrdLauncherInterface *iface)
{
  iface->start_async = start_async;
  iface->start_finish = finish_boolean;
  iface->find_owner_async = find_owner_async;
  iface->find_owner_finish = finish_owner;
  iface->is_activatable_async = is_activatable_async;
  iface->is_activatable_finish = finish_boolean;
}

static void
trd_launcher_bus_dispose (GObject *object)
{
  g_clear_object (&TRD_LAUNCHER_BUS (object)->bus);

  G_OBJECT_CLASS (trd_launcher_bus_parent_class)->dispose (object);
}

static void
trd_launcher_bus_class_init (TrdLauncherBusClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = trd_launcher_bus_dispose;
}

static void
trd_launcher_bus_init (TrdLauncherBus *self)
{
}
