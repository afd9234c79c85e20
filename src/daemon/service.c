/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Builds the house, lives in it, and leaves it: the only file that knows every concrete
 * type.  The ports are made first, then what an earlier daemon promised is restored, then
 * the gate stands on the bus, and only then are the names taken.  Leaving goes the other
 * way and in the order that loses no call: leaving.c. */

#include "config.h"

#include "service.h"

#include <glib-unix.h>
#include <systemd/sd-daemon.h>

#include "alarm.h"
#include "common/defaults.h"
#include "common/names.h"
#include "core/courier.h"
#include "core/retention.h"
#include "core/scheduler.h"
#include "face/gate.h"
#include "leaving.h"
#include "login.h"
#include "memory.h"
#include "port/settings.h"
#include "port/shelter.h"
#include "port/state-id.h"
#include "port/vault-secret.h"
#include "port/workers.h"
#include "status.h"

/* What is due sooner than this is not worth leaving for. */
#define ALARM_WORTH_LEAVING_US (60 * TRD_SECOND_US)

/* After so long without anything, memory is given back. */
#define CALM_MS 1000

/* What a start leaves for later comes then. */
#define SETTLE_MS 1000

/* A burst of changes is one change of the status line. */
#define STATUS_MS 100

/* How long a predecessor may take to leave, and how often to look. */
#define PREDECESSOR_MAX_MS 10000
#define PREDECESSOR_INTERVAL_MS 20

typedef struct
{
  const TrdServiceOptions *options; /* (unowned) */
  GMainLoop *loop;                  /* (owned) */
  GDBusConnection *bus;             /* (owned) */
  TrdEnv env;                       /* its members are owned here */
  char *state_id;                   /* (owned) (nullable) */
  TrdRegistry *registry;            /* (owned) */
  TrdScheduler *scheduler;          /* (owned) */
  TrdCourier *courier;              /* (owned) */
  TrdRetention *retention;          /* (owned) */
  TrdSettings *settings;            /* (owned) */
  TrdGate *gate;                    /* (owned) */
  TrdStatusLine *status;            /* (owned) */
  guint idle_source;                /* 0 while leaving, or never to leave */
  guint calm_source;                /* 0 when calm */
  guint status_source;              /* 0 when the status line is true */
  gboolean active;                  /* something happened since the idle timer was set */
  gboolean stirred;                 /* … since the calm timer was */
  guint settle_source;              /* 0 once settled in */
  gboolean leaving;
  gboolean was_idle; /* leaving of our own accord */
  gboolean damaged;  /* the database: the next start looks at it */
  int exit_code;
} TrdService;

static const char *const bus_names[]
    = { TRUNDLE_BUS_NAME, TRUNDLE_BUS_NAME_PORTAL, NULL };

static void
leave (TrdService *self, int exit_code);

/* ---- building ---- */

/* Whether somebody stands on the bus for the service now. */
static gboolean
is_offered (TrdService *self)
{
  gboolean owned = TRUE;
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      self->bus,
      "org.freedesktop.DBus",
      "/org/freedesktop/DBus",
      "org.freedesktop.DBus",
      "NameHasOwner",
      g_variant_new ("(s)", bus_names[0]),
      G_VARIANT_TYPE ("(b)"),
      G_DBUS_CALL_FLAGS_NONE,
      -1,
      NULL,
      NULL);

  if (reply != NULL)
    g_variant_get (reply, "(b)", &owned);
  return owned;
}

/* Takes the state directory.  A predecessor that leaves has released the names before it
 * lets go of the state, and without systemd the bus starts us in between, with a call in
 * its hands: who holds the state and is not on the bus is waited for. */
static TrdSpool *
take_state (TrdService *self, GError **error)
{
  for (guint waited_ms = 0;; waited_ms += PREDECESSOR_INTERVAL_MS)
    {
      g_autoptr (GError) local_error = NULL;
      TrdSpool *spool = trd_spool_new (self->options->state_directory, &local_error);

      if (spool != NULL)
        return spool;
      if (!g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_BUSY)
          || waited_ms >= PREDECESSOR_MAX_MS || is_offered (self))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return NULL;
        }
      g_usleep (PREDECESSOR_INTERVAL_MS * 1000);
    }
}

/* Without one nothing is kept in the keyring: not worth to stay away for. */
static void
take_state_id (TrdService *self)
{
  g_autoptr (GError) error = NULL;

  self->state_id = trd_state_id_ensure (self->options->state_directory, &error);
  if (self->state_id == NULL)
    g_warning ("No secrets can be kept: %s", error->message);
  self->env.state_id = self->state_id;
}

static gboolean
build_ports (TrdService *self, GError **error)
{
  const TrdServiceOptions *options = self->options;
  TrdWorkers *workers;

  self->env.spool = take_state (self, error);
  if (self->env.spool == NULL)
    return FALSE;

  take_state_id (self);
  self->env.clock = trd_clock_new_system ();
  self->env.conditions = trd_conditions_new ();
  trd_conditions_watch_system (self->env.conditions, self->bus);
  self->env.launcher = trd_launcher_new_bus (self->bus);
  self->env.vault = trd_vault_new_secret (self->bus);
  self->env.random = g_rand_new ();

  self->env.worker_program = options->worker_program;
  workers = trd_workers_new (options->worker_program);
  trd_workers_set_idle_ms (workers, options->worker_idle_ms);
  self->env.transport = TRD_TRANSPORT (workers);

  return TRUE;
}

/* A worker of another version: the package was upgraded under us.  What runs is put back
 * into the queue, and the new daemon goes on with it (systemd restarts on failure). */
static void
on_version_mismatch (TrdService *self)
{
  g_message ("The package was upgraded: making room for the new service");
  leave (self, EXIT_FAILURE);
}

static void
remember_boot (TrdService *self)
{
  trd_boot_remember (self->options->state_directory, trd_clock_now (self->env.clock));
}

static gboolean
restore_from (TrdService *self, TrdStore *store, GError **error)
{
  self->env.store = store;
  self->registry = trd_registry_new (&self->env);

  return trd_registry_restore (self->registry, error);
}

/* A database may turn out to be damaged only when its rows are read: it is set aside
 * then, and what stands in its place is read instead. */
static gboolean
restore (TrdService *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  gint64 now_us = trd_clock_now_us (self->env.clock);
  TrdStore *store = trd_shelter_open (self->env.spool, now_us, error);

  if (store == NULL)
    return FALSE;
  if (restore_from (self, store, &local_error))
    return TRUE;
  if (!g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  g_clear_object (&self->registry);
  g_clear_object (&self->env.store);
  trd_shelter_doubt (self->options->state_directory, TRUE);
  /* Of whatever boot that is: only its dates are believed. */
  self->env.new_boot = TRUE;
  self->env.last = (TrdMoment){ 0 };
  store = trd_shelter_open (self->env.spool, now_us, error);
  return store != NULL && restore_from (self, store, error);
}

/* What is in memory is not what is stored any more, and nothing can be promised: the next
 * start sees to it (systemd restarts on failure). */
static void
on_damaged (TrdService *self)
{
  self->damaged = TRUE;
  trd_shelter_doubt (self->options->state_directory, FALSE);
  leave (self, EXIT_FAILURE);
}

static void
take_settings (TrdService *self)
{
  TrdRetentionLimits limits = {
    .results_days = trd_settings_get_keep_results_days (self->settings),
    .history_days = trd_settings_get_keep_history_days (self->settings),
    .history_tasks = trd_settings_get_keep_history_tasks (self->settings),
  };

  trd_retention_set_limits (self->retention, &limits);
}

static void
build_retention (TrdService *self)
{
  self->retention = trd_retention_new (self->registry);
  self->settings = trd_settings_new ();
  g_signal_connect_swapped (self->settings, "changed", G_CALLBACK (take_settings), self);
  take_settings (self);
}

static gboolean
build_core (TrdService *self, GError **error)
{
  TrdBoot boot = trd_boot_recall (self->options->state_directory);

  self->env.rebooted = boot.rebooted;
  self->env.new_boot = boot.rebooted || boot.unknown;
  self->env.last = boot.last;
  if (!restore (self, error))
    return FALSE;
  /* In this order: core/restart.c.  Within a boot it can wait: it costs a sync. */
  if (self->env.new_boot)
    {
      remember_boot (self);
      if (!trd_registry_keep_moments (self->registry, error))
        return FALSE;
    }
  /* What is remembered of both clocks is true only as long as they go alike. */
  g_signal_connect_swapped (self->env.clock, "was-set", G_CALLBACK (remember_boot), self);

  self->scheduler = trd_scheduler_new (self->registry);
  self->courier = trd_courier_new (self->registry);
  build_retention (self);
  g_signal_connect_swapped (
      self->env.transport, "version-mismatch", G_CALLBACK (on_version_mismatch), self);
  g_signal_connect_swapped (self->env.store, "damaged", G_CALLBACK (on_damaged), self);

  return TRUE;
}

/* ---- what goes on ---- */

static gboolean
show_status (gpointer user_data)
{
  TrdService *self = user_data;
  TrdStatus status = {
    .n_active = trd_scheduler_count_running (self->scheduler),
    .n_waiting = trd_scheduler_count_waiting (self->scheduler),
    .bytes_per_second = trd_scheduler_get_rate (self->scheduler),
  };

  self->status_source = 0;
  trd_status_line_set (self->status, &status);

  return G_SOURCE_REMOVE;
}

/* What nobody waits for at a start; soon after it, however busy we are. */
static gboolean
settle_in (gpointer user_data)
{
  TrdService *self = user_data;

  self->settle_source = 0;
  remember_boot (self);
  trd_retention_start (self->retention);
  trd_secret_pool_settle (trd_registry_get_secret_pool (self->registry));
  return G_SOURCE_REMOVE;
}

static gboolean
on_calm (gpointer user_data)
{
  TrdService *self = user_data;

  if (self->stirred)
    {
      self->stirred = FALSE;
      return G_SOURCE_CONTINUE;
    }

  self->calm_source = 0;
  trd_memory_give_back ();
  return G_SOURCE_REMOVE;
}

static void
note_activity (TrdService *self)
{
  self->active = TRUE;
  self->stirred = TRUE;
  if (self->calm_source == 0)
    self->calm_source = g_timeout_add (CALM_MS, on_calm, self);
  if (self->status_source == 0)
    self->status_source = g_timeout_add (STATUS_MS, show_status, self);
}

/* ---- leaving ---- */

static gboolean
is_answering (gpointer user_data)
{
  TrdService *self = user_data;

  return trd_gate_count_calls (self->gate) > 0;
}

/* A call that came while we were leaving may have brought work.  The bus starts our
 * successor as if somebody had called it; the answer is not for us. */
static void
call_successor (TrdService *self)
{
  g_dbus_connection_call (self->bus,
                          "org.freedesktop.DBus",
                          "/org/freedesktop/DBus",
                          "org.freedesktop.DBus",
                          "StartServiceByName",
                          g_variant_new ("(su)", TRUNDLE_BUS_NAME, 0),
                          NULL,
                          G_DBUS_CALL_FLAGS_NONE,
                          -1,
                          NULL,
                          NULL,
                          NULL);
  g_dbus_connection_flush_sync (self->bus, NULL, NULL);
}

static void
on_left (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  TrdService *self = user_data;

  if (!trd_leaving_finish (result, &error))
    g_warning ("Leaving the bus: %s", error->message);
  if (self->was_idle
      && (trd_scheduler_is_waiting (self->scheduler)
          || trd_courier_is_busy (self->courier)))
    call_successor (self);

  g_main_loop_quit (self->loop);
}

static void
on_flushed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  TrdService *self = user_data;
  TrdLeaving leaving = {
    .bus = self->bus, .names = bus_names, .is_answering = is_answering, .user_data = self
  };

  trd_cookies_flush_finish (TRD_COOKIES (source), result);
  trd_leaving_async (&leaving, on_left, self);
}

static void
on_workers_gone (GObject *source, GAsyncResult *result, gpointer user_data)
{
  TrdService *self = user_data;

  remember_boot (self);
  trd_transport_shutdown_finish (TRD_TRANSPORT (source), result);
  /* Workers have told the last they had. */
  trd_cookies_flush_async (trd_registry_get_cookies (self->registry), on_flushed, self);
}

static void
leave (TrdService *self, int exit_code)
{
  if (self->leaving)
    return;

  self->leaving = TRUE;
  self->exit_code = exit_code;
  g_clear_handle_id (&self->idle_source, g_source_remove);
  trd_scheduler_stop (self->scheduler);
  trd_transport_shutdown_async (self->env.transport, on_workers_gone, self);
}

static gboolean
on_terminate (gpointer user_data)
{
  TrdService *self = user_data;

  g_message ("Asked to leave");
  leave (self, EXIT_SUCCESS);

  return G_SOURCE_CONTINUE;
}

static void
on_bus_closed (GDBusConnection *bus,
               gboolean remote_peer_vanished,
               GError *error,
               TrdService *self)
{
  g_message ("The bus is gone");
  self->leaving = TRUE;
  trd_scheduler_stop (self->scheduler);
  g_main_loop_quit (self->loop);
}

static void
on_name_lost (GDBusConnection *bus, const char *name, gpointer user_data)
{
  TrdService *self = user_data;

  if (self->leaving)
    return;

  g_message ("Somebody else owns %s", name);
  leave (self, EXIT_FAILURE);
}

/* ---- being idle ---- */

static TrdDue
next_due (TrdService *self)
{
  TrdDue due = trd_scheduler_next_due (self->scheduler);

  due.boot_us = trd_sooner_us (due.boot_us, trd_courier_next_alarm_us (self->courier));
  return due;
}

/* Time until the sooner of both. */
static gint64
left_us (const TrdDue *due, TrdMoment now)
{
  gint64 delay_us = due->boot_us != 0 ? due->boot_us - now.boot_us : G_MAXINT64;
  gint64 date_us = due->date_us != 0 ? due->date_us - now.wall_us : G_MAXINT64;

  return MIN (delay_us, date_us);
}

/* Nothing happens, nobody listens, and nothing would be lost with us. */
static gboolean
is_idle (TrdService *self)
{
  return !self->active && !self->leaving
         && trd_scheduler_count_running (self->scheduler) == 0
         && !trd_scheduler_is_waiting (self->scheduler)
         && trd_transport_count (self->env.transport) == 0
         && trd_gate_count_calls (self->gate) == 0
         && !trd_courier_has_listeners (self->courier)
         && !trd_courier_is_busy (self->courier)
         && !trd_registry_has_volatile (self->registry);
}

static void
leave_idle (TrdService *self)
{
  self->was_idle = TRUE;
  leave (self, EXIT_SUCCESS);
}

static void
watch_idle (TrdService *self);

static void
on_alarm_armed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  TrdService *self = user_data;

  /* Without systemd nobody would start us in time: stay. */
  if (!trd_alarm_arm_finish (result, &error))
    g_debug ("Staying for what is due: %s", error->message);
  else if (is_idle (self))
    {
      leave_idle (self);
      return;
    }

  watch_idle (self);
}

static gboolean
on_idle_timer (gpointer user_data)
{
  TrdService *self = user_data;
  TrdMoment now = trd_clock_now (self->env.clock);
  TrdDue due = next_due (self);

  self->idle_source = 0;
  if (!is_idle (self))
    {
      watch_idle (self);
      return G_SOURCE_REMOVE;
    }

  if (due.boot_us == 0 && due.date_us == 0)
    leave_idle (self);
  else if (left_us (&due, now) < ALARM_WORTH_LEAVING_US)
    watch_idle (self);
  else
    trd_alarm_arm_async (self->bus, &due, NULL, on_alarm_armed, self);

  return G_SOURCE_REMOVE;
}

static void
watch_idle (TrdService *self)
{
  if (self->options->idle_ms < 0 || self->leaving)
    return;

  self->active = FALSE;
  self->idle_source = g_timeout_add (
      MAX (self->options->idle_ms, 1), on_idle_timer, self);
}

/* ---- living ---- */

static void
follow_activity (TrdService *self)
{
  static const char *const registry_signals[] = { "task-added",      "task-changed",
                                                  "task-removed",    "event-added",
                                                  "session-added",   "session-removed",
                                                  "events-completed" };

  g_signal_connect_swapped (self->gate, "activity", G_CALLBACK (note_activity), self);
  g_signal_connect_swapped (
      self->scheduler, "progress", G_CALLBACK (note_activity), self);
  for (guint i = 0; i < G_N_ELEMENTS (registry_signals); i++)
    g_signal_connect_swapped (
        self->registry, registry_signals[i], G_CALLBACK (note_activity), self);
}

static void
own_names (TrdService *self)
{
  for (guint i = 0; bus_names[i] != NULL; i++)
    g_bus_own_name_on_connection (self->bus,
                                  bus_names[i],
                                  G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE,
                                  NULL,
                                  on_name_lost,
                                  self,
                                  NULL);
}

static gboolean
stand_on_bus (TrdService *self, GError **error)
{
  gboolean login;

  self->gate = trd_gate_new (
      self->bus, self->registry, self->scheduler, self->courier, error);
  if (self->gate == NULL)
    return FALSE;

  g_dbus_connection_set_exit_on_close (self->bus, FALSE);
  g_signal_connect (self->bus, "closed", G_CALLBACK (on_bus_closed), self);
  g_unix_signal_add (SIGTERM, on_terminate, self);
  g_unix_signal_add (SIGINT, on_terminate, self);

  self->status = trd_status_line_new ();
  follow_activity (self);
  trd_scheduler_start (self->scheduler);
  login = trd_login_is_new (self->options->state_directory, self->bus);
  trd_courier_start (self->courier, login);
  own_names (self);
  sd_notify (FALSE, "READY=1");
  show_status (self);
  self->settle_source = g_timeout_add (SETTLE_MS, settle_in, self);
  watch_idle (self);

  return TRUE;
}

static void
clear_service (TrdService *self)
{
  g_clear_handle_id (&self->idle_source, g_source_remove);
  g_clear_handle_id (&self->settle_source, g_source_remove);
  g_clear_handle_id (&self->calm_source, g_source_remove);
  g_clear_handle_id (&self->status_source, g_source_remove);
  if (self->gate != NULL)
    trd_gate_close (self->gate);
  g_clear_object (&self->gate);
  g_clear_object (&self->settings);
  g_clear_object (&self->retention);
  g_clear_object (&self->courier);
  g_clear_object (&self->scheduler);
  g_clear_object (&self->registry);
  if (self->env.store != NULL)
    trd_store_close (self->env.store);

  g_clear_object (&self->env.transport);
  g_clear_object (&self->env.vault);
  g_clear_object (&self->env.launcher);
  g_clear_object (&self->env.conditions);
  g_clear_object (&self->env.clock);
  g_clear_object (&self->env.store);
  g_clear_object (&self->env.spool);
  g_clear_pointer (&self->env.random, g_rand_free);
  g_clear_pointer (&self->state_id, g_free);
  g_clear_pointer (&self->status, trd_status_line_free);
  g_clear_object (&self->bus);
  g_clear_pointer (&self->loop, g_main_loop_unref);
}

static gboolean
build (TrdService *self, GError **error)
{
  self->bus = g_bus_get_sync (self->options->bus_type, NULL, error);

  return self->bus != NULL && build_ports (self, error) && build_core (self, error)
         && stand_on_bus (self, error);
}

int
trd_service_run (const TrdServiceOptions *options)
{
  g_autoptr (GError) error = NULL;
  TrdService self = { .options = options };

  self.loop = g_main_loop_new (NULL, FALSE);
  if (build (&self, &error))
    {
      g_main_loop_run (self.loop);
      if (!self.damaged)
        trd_shelter_trust (options->state_directory);
    }
  else
    {
      g_printerr ("trundled: %s\n", error->message);
      self.exit_code = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BUSY)
                           ? TRD_EXIT_LOCKED
                           : EXIT_FAILURE;
    }

  clear_service (&self);
  return self.exit_code;
}
