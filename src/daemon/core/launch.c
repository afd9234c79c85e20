/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Launching is two steps: StartServiceByName, whose reply or error is the launch's
 * outcome, then the signal, repeated until the app attaches.  An app that runs
 * already gets the signal alone.  The lease bounds it all. */

#include "config.h"

#include "core/launch.h"

#include "common/defaults.h"

struct _TrdLaunch
{
  const TrdEnv *env;                   /* (unowned), outlives us */
  char *name;                          /* (owned) */
  const TrdLaunchCallbacks *callbacks; /* (unowned), static */
  gpointer user_data;
  GCancellable *cancellable; /* (owned): cancelled when the launch is freed */
  guint signal_alarm;
  guint lease_alarm;
  guint n_signals;
};

static void
fail (TrdLaunch *self, const char *why)
{
  self->callbacks->failed (why, self->user_data);
}

static void
on_lease_over (gpointer user_data)
{
  TrdLaunch *self = user_data;

  self->lease_alarm = 0;
  fail (self, "The app did not attach in time");
}

static void
send_signal (gpointer user_data)
{
  TrdLaunch *self = user_data;

  self->signal_alarm = 0;
  self->n_signals++;
  if (self->n_signals < TRD_LAUNCH_SIGNALS_MAX)
    self->signal_alarm = trd_clock_add_alarm (
        self->env->clock, TRD_LAUNCH_SIGNAL_INTERVAL_US, send_signal, self);
  self->callbacks->signal (self->user_data);
}

static void
on_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  gboolean started = trd_launcher_start_finish (TRD_LAUNCHER (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  if (started)
    send_signal (user_data);
  else
    fail (user_data, error->message);
}

static void
on_owner_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *owner = trd_launcher_find_owner_finish (
      TRD_LAUNCHER (source), result, &error);
  TrdLaunch *self = user_data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  if (owner != NULL)
    send_signal (self);
  else if (self->callbacks->may_start (self->user_data))
    trd_launcher_start_async (
        self->env->launcher, self->name, self->cancellable, on_started, self);
}

TrdLaunch *
trd_launch_new (const TrdEnv *env,
                const char *activation_name,
                const TrdLaunchCallbacks *callbacks,
                gpointer user_data)
{
  TrdLaunch *self = g_new0 (TrdLaunch, 1);

  self->env = env;
  self->name = g_strdup (activation_name);
  self->callbacks = callbacks;
  self->user_data = user_data;
  self->cancellable = g_cancellable_new ();
  self->lease_alarm = trd_clock_add_alarm (
      env->clock, TRD_LAUNCH_LEASE_US, on_lease_over, self);
  trd_launcher_find_owner_async (
      env->launcher, activation_name, self->cancellable, on_owner_found, self);

  return self;
}

void
trd_launch_free (TrdLaunch *self)
{
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  if (self->signal_alarm != 0)
    trd_clock_remove_alarm (self->env->clock, self->signal_alarm);
  if (self->lease_alarm != 0)
    trd_clock_remove_alarm (self->env->clock, self->lease_alarm);
  g_free (self->name);
  g_free (self);
}
