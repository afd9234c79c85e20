/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks a worker for Ping, one at a time.  The method is ours, since GDBus (2.74) answers
 * that of org.freedesktop.DBus.Peer in its own thread, whatever the main loop does.
 * Silence is counted in beats and not on a clock: when we were not running ourselves, one
 * beat is late, and the answer that waits for us is heard before the next. */

#include "config.h"

#include "port/worker-pulse.h"

#include "common/names.h"

struct _TrdWorkerPulse
{
  GDBusConnection *connection; /* (owned) */
  TrdWorkerGuard *guard;       /* (owned) */
  guint ping_ms;
  guint n_missed_max;
  guint n_missed; /* beats since the question */
  gboolean is_unanswered;
  guint beat_source; /* 0 at rest */
};

static void
clear_pulse (gpointer data)
{
  TrdWorkerPulse *self = data;

  g_clear_object (&self->connection);
  g_clear_pointer (&self->guard, trd_worker_guard_unref);
}

static void
unref_pulse (TrdWorkerPulse *self)
{
  g_rc_box_release_full (self, clear_pulse);
}

static void
on_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  TrdWorkerPulse *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  self->is_unanswered = FALSE;
  /* Any other error says that there is no worker any more. */
  if (reply == NULL && g_dbus_error_is_remote_error (error))
    trd_worker_guard_condemn (self->guard, "a Ping refused");
  unref_pulse (self);
}

static void
ask (TrdWorkerPulse *self)
{
  self->is_unanswered = TRUE;
  self->n_missed = 0;
  g_dbus_connection_call (self->connection,
                          NULL,
                          TRUNDLE_WORKER_PATH,
                          TRUNDLE_INTERFACE_WORKER,
                          "Ping",
                          NULL,
                          G_VARIANT_TYPE_UNIT,
                          G_DBUS_CALL_FLAGS_NONE,
                          G_MAXINT,
                          NULL,
                          on_answered,
                          g_rc_box_acquire (self));
}

static gboolean
on_beat (gpointer user_data)
{
  TrdWorkerPulse *self = user_data;

  if (!self->is_unanswered)
    {
      ask (self);
      return G_SOURCE_CONTINUE;
    }
  if (++self->n_missed < self->n_missed_max)
    return G_SOURCE_CONTINUE;
  self->beat_source = 0;
  trd_worker_guard_condemn (self->guard, "a silence too long");
  return G_SOURCE_REMOVE;
}

void
trd_worker_pulse_start (TrdWorkerPulse *self)
{
  if (self->beat_source != 0)
    return;
  self->n_missed = 0;
  self->beat_source = g_timeout_add (self->ping_ms, on_beat, self);
}

void
trd_worker_pulse_rest (TrdWorkerPulse *self)
{
  if (self->beat_source != 0)
    g_source_remove (self->beat_source);
  self->beat_source = 0;
}

TrdWorkerPulse *
trd_worker_pulse_new (GDBusConnection *connection,
                      TrdWorkerGuard *guard,
                      guint ping_ms,
                      guint silence_ms)
{
  TrdWorkerPulse *self = g_rc_box_new0 (TrdWorkerPulse);

  g_assert (ping_ms > 0);
  self->connection = g_object_ref (connection);
  self->guard = trd_worker_guard_ref (guard);
  self->ping_ms = ping_ms;
  self->n_missed_max = MAX (silence_ms / ping_ms, 1);
  return self;
}

void
trd_worker_pulse_free (TrdWorkerPulse *self)
{
  trd_worker_pulse_rest (self);
  unref_pulse (self);
}
