/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "port/conditions.h"

/* What the world is like, as six booleans, and the watchers that keep them true.
 *
 * The graphical session is told by systemd's graphical-session.target, watched on the bus
 * without blocking and without starting anything: where no systemd answers, our own
 * environment decides alone.  Both count, since not every desktop starts the target and
 * not every login puts its display into the environment of services. */

#define SYSTEMD_NAME "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define UNIT_INTERFACE "org.freedesktop.systemd1.Unit"
#define GRAPHICAL_UNIT_PATH SYSTEMD_PATH "/unit/graphical_2dsession_2etarget"
#define PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"

enum
{
  PROP_NETWORK = 1,
  PROP_METERED,
  PROP_CAPTIVE_PORTAL,
  PROP_ON_BATTERY,
  PROP_POWER_SAVER,
  PROP_GRAPHICAL,
  N_PROPS
};

static const struct
{
  const char *name;
  const char *blurb;
  gboolean initially;
} facts[N_PROPS] = {
  [PROP_NETWORK] = { "network", "There is a network", TRUE },
  [PROP_METERED] = { "metered", "The network costs by volume", FALSE },
  [PROP_CAPTIVE_PORTAL] = { "captive-portal", "A portal wants a login first", FALSE },
  [PROP_ON_BATTERY] = { "on-battery", "The machine runs on its battery", FALSE },
  [PROP_POWER_SAVER] = { "power-saver", "The user asks to save power", FALSE },
  [PROP_GRAPHICAL] = { "graphical", "A graphical session is there", FALSE },
};

struct _TrdConditions
{
  GObject parent_instance;

  gboolean values[N_PROPS];

  GNetworkMonitor *network;    /* (owned) (nullable) */
  GPowerProfileMonitor *power; /* (owned) (nullable) */
  GDBusConnection *bus;        /* (owned) (nullable) */
  GCancellable *cancellable;   /* (owned) (nullable): only while systemd is there */
  guint watch_id;
  guint subscription_id;
  gboolean has_display; /* by our environment */
};

static GParamSpec *properties[N_PROPS];
static guint changed_signal;

G_DEFINE_FINAL_TYPE (TrdConditions, trd_conditions, G_TYPE_OBJECT)

TrdConditions *
trd_conditions_new (void)
{
  return g_object_new (TRD_TYPE_CONDITIONS, NULL);
}

static void
set_fact (TrdConditions *self, guint fact, gboolean value)
{
  value = !!value;
  if (self->values[fact] == value)
    return;
  self->values[fact] = value;
  g_debug ("Condition %s is now %s", facts[fact].name, value ? "true" : "false");
  g_object_notify_by_pspec (G_OBJECT (self), properties[fact]);
}

static void
update_network (TrdConditions *self)
{
  GNetworkConnectivity connectivity = g_network_monitor_get_connectivity (self->network);

  g_object_freeze_notify (G_OBJECT (self));
  set_fact (self, PROP_NETWORK, g_network_monitor_get_network_available (self->network));
  set_fact (self, PROP_METERED, g_network_monitor_get_network_metered (self->network));
  set_fact (self, PROP_CAPTIVE_PORTAL, connectivity == G_NETWORK_CONNECTIVITY_PORTAL);
  g_object_thaw_notify (G_OBJECT (self));
}

/* GNetworkMonitor on NetworkManager tells of metered and connectivity by notify only, not
 * by network-changed (GLib 2.74); every property is therefore listened to. */
static void
watch_network (TrdConditions *self)
{
  static const char *const signals[] = { "network-changed",
                                         "notify::network-available",
                                         "notify::network-metered",
                                         "notify::connectivity" };

  self->network = g_object_ref (g_network_monitor_get_default ());
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    g_signal_connect_object (
        self->network, signals[i], G_CALLBACK (update_network), self, G_CONNECT_SWAPPED);
  update_network (self);
}

static void
update_power (TrdConditions *self)
{
  set_fact (self,
            PROP_POWER_SAVER,
            g_power_profile_monitor_get_power_saver_enabled (self->power));
}

static void
watch_power (TrdConditions *self)
{
  self->power = g_power_profile_monitor_dup_default ();
  if (self->power == NULL)
    return;
  g_signal_connect_object (self->power,
                           "notify::power-saver-enabled",
                           G_CALLBACK (update_power),
                           self,
                           G_CONNECT_SWAPPED);
  update_power (self);
}

static void
set_target_state (TrdConditions *self, const char *active_state)
{
  gboolean is_active = g_strcmp0 (active_state, "active") == 0
                       || g_strcmp0 (active_state, "reloading") == 0;

  set_fact (self, PROP_GRAPHICAL, self->has_display || is_active);
}

static void
on_target_state (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (
      G_DBUS_CONNECTION (source), result, &local_error);
  g_autoptr (GVariant) value = NULL;

  if (g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (reply == NULL)
    {
      g_debug ("Asking for the graphical session: %s", local_error->message);
      return;
    }
  g_variant_get (reply, "(v)", &value);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    set_target_state (user_data, g_variant_get_string (value, NULL));
}

static void
query_target (TrdConditions *self)
{
  g_dbus_connection_call (self->bus,
                          SYSTEMD_NAME,
                          GRAPHICAL_UNIT_PATH,
                          PROPERTIES_INTERFACE,
                          "Get",
                          g_variant_new ("(ss)", UNIT_INTERFACE, "ActiveState"),
                          G_VARIANT_TYPE ("(v)"),
                          G_DBUS_CALL_FLAGS_NO_AUTO_START,
                          -1,
                          self->cancellable,
                          on_target_state,
                          self);
}

static void
on_target_changed (GDBusConnection *bus,
                   const char *sender,
                   const char *object_path,
                   const char *interface,
                   const char *signal,
                   GVariant *parameters,
                   gpointer user_data)
{
  TrdConditions *self = user_data;
  g_autoptr (GVariant) changed = NULL;
  g_autofree const char **invalidated = NULL;
  const char *active_state;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sa{sv}as)")))
    return;
  g_variant_get (parameters, "(&s@a{sv}^a&s)", NULL, &changed, &invalidated);
  if (g_variant_lookup (changed, "ActiveState", "&s", &active_state))
    set_target_state (self, active_state);
  else if (g_strv_contains (invalidated, "ActiveState"))
    query_target (self);
}

static void
stop_watching_target (TrdConditions *self)
{
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  if (self->subscription_id != 0)
    g_dbus_connection_signal_unsubscribe (self->bus, self->subscription_id);
  self->subscription_id = 0;
}

/* The manager emits signals of units only while somebody is subscribed. */
static void
on_systemd_appeared (GDBusConnection *bus,
                     const char *name,
                     const char *owner,
                     gpointer user_data)
{
  TrdConditions *self = user_data;

  stop_watching_target (self);
  self->cancellable = g_cancellable_new ();
  self->subscription_id = g_dbus_connection_signal_subscribe (bus,
                                                              owner,
                                                              PROPERTIES_INTERFACE,
                                                              "PropertiesChanged",
                                                              GRAPHICAL_UNIT_PATH,
                                                              UNIT_INTERFACE,
                                                              G_DBUS_SIGNAL_FLAGS_NONE,
                                                              on_target_changed,
                                                              self,
                                                              NULL);
  g_dbus_connection_call (bus,
                          SYSTEMD_NAME,
                          SYSTEMD_PATH,
                          "org.freedesktop.systemd1.Manager",
                          "Subscribe",
                          NULL,
                          NULL,
                          G_DBUS_CALL_FLAGS_NO_AUTO_START,
                          -1,
                          NULL,
                          NULL,
                          NULL);
  query_target (self);
}

static void
on_systemd_vanished (GDBusConnection *bus, const char *name, gpointer user_data)
{
  TrdConditions *self = user_data;

  stop_watching_target (self);
  set_target_state (self, NULL);
}

static gboolean
is_set (const char *variable)
{
  const char *value = g_getenv (variable);

  return value != NULL && *value != '\0';
}

void
trd_conditions_watch_system (TrdConditions *self, GDBusConnection *session_bus)
{
  g_return_if_fail (TRD_IS_CONDITIONS (self));
  g_return_if_fail (session_bus == NULL || G_IS_DBUS_CONNECTION (session_bus));
  g_return_if_fail (self->network == NULL);

  watch_network (self);
  watch_power (self);

  self->has_display = is_set ("DISPLAY") || is_set ("WAYLAND_DISPLAY");
  set_fact (self, PROP_GRAPHICAL, self->has_display);
  if (session_bus == NULL)
    return;
  self->bus = g_object_ref (session_bus);
  self->watch_id = g_bus_watch_name_on_connection (session_bus,
                                                   SYSTEMD_NAME,
                                                   G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                   on_systemd_appeared,
                                                   on_systemd_vanished,
                                                   self,
                                                   NULL);
}

gboolean
trd_conditions_get (TrdConditions *self, const char *property)
{
  g_return_val_if_fail (TRD_IS_CONDITIONS (self), FALSE);

  for (guint i = 1; i < N_PROPS; i++)
    if (g_str_equal (facts[i].name, property))
      return self->values[i];
  g_return_val_if_reached (FALSE);
}

GVariant *
trd_conditions_to_variant (TrdConditions *self)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_return_val_if_fail (TRD_IS_CONDITIONS (self), NULL);

  for (guint i = 1; i < N_PROPS; i++)
    g_variant_dict_insert (&dict, facts[i].name, "b", self->values[i]);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

static void
trd_conditions_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_boolean (value, TRD_CONDITIONS (object)->values[id]);
}

static void
trd_conditions_set_property (GObject *object,
                             guint id,
                             const GValue *value,
                             GParamSpec *pspec)
{
  set_fact (TRD_CONDITIONS (object), id, g_value_get_boolean (value));
}

/* One "changed" for all that was notified together. */
static void
trd_conditions_dispatch_properties_changed (GObject *object,
                                            guint n_pspecs,
                                            GParamSpec **pspecs)
{
  G_OBJECT_CLASS (trd_conditions_parent_class)
      ->dispatch_properties_changed (object, n_pspecs, pspecs);
  g_signal_emit (object, changed_signal, 0);
}

static void
trd_conditions_dispose (GObject *object)
{
  TrdConditions *self = TRD_CONDITIONS (object);

  g_clear_handle_id (&self->watch_id, g_bus_unwatch_name);
  stop_watching_target (self);
  g_clear_object (&self->network);
  g_clear_object (&self->power);
  g_clear_object (&self->bus);

  G_OBJECT_CLASS (trd_conditions_parent_class)->dispose (object);
}

static void
trd_conditions_class_init (TrdConditionsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = trd_conditions_get_property;
  object_class->set_property = trd_conditions_set_property;
  object_class->dispatch_properties_changed = trd_conditions_dispatch_properties_changed;
  object_class->dispose = trd_conditions_dispose;

  for (guint i = 1; i < N_PROPS; i++)
    properties[i] = g_param_spec_boolean (facts[i].name,
                                          NULL,
                                          facts[i].blurb,
                                          facts[i].initially,
                                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY
                                              | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  changed_signal = g_signal_new ("changed",
                                 TRD_TYPE_CONDITIONS,
                                 G_SIGNAL_RUN_LAST,
                                 0,
                                 NULL,
                                 NULL,
                                 NULL,
                                 G_TYPE_NONE,
                                 0);
}

static void
trd_conditions_init (TrdConditions *self)
{
  for (guint i = 1; i < N_PROPS; i++)
    self->values[i] = facts[i].initially;
}
