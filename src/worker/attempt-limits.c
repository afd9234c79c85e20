/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long an attempt may take over what.  libsoup's own timeouts (3.2.3: one for all, by
 * read and write of the socket) are switched off: one watchdog runs from the beginning to
 * the last byte, and everything the server or the network does feeds it.  Besides, each
 * hop must have its connection in time, and then the head of its answer. */

#include "config.h"

#include "attempt-private.h"

#define NEVER G_MAXINT64

/* What a connection was waiting for when its time was over. */
static const struct
{
  GSocketClientEvent event;
  const char *message;
} stages[] = {
  { G_SOCKET_CLIENT_RESOLVING, "The address of the server was not found out in time" },
  { G_SOCKET_CLIENT_RESOLVED, "The server did not accept a connection in time" },
  { G_SOCKET_CLIENT_CONNECTING, "The server did not accept a connection in time" },
  { G_SOCKET_CLIENT_PROXY_NEGOTIATING, "The proxy did not open the way in time" },
  { G_SOCKET_CLIENT_TLS_HANDSHAKING, "The secure connection did not stand in time" },
};

void
trw_attempt_feed_watchdog (TrwAttempt *self)
{
  self->active_mono_us = g_get_monotonic_time ();
}

void
trw_attempt_clear_watchdog (TrwAttempt *self)
{
  if (self->watchdog != NULL)
    g_source_destroy (self->watchdog);
  g_clear_pointer (&self->watchdog, g_source_unref);
}

/* Waiting for our own disk, or for our turn to read what is there already. */
static gboolean
is_our_own_delay (TrwAttempt *self)
{
  return self->body != NULL
         && (trw_part_is_behind (self->part) || trw_body_is_readable (self->body));
}

static gint64
add_limit (gint64 since_us, guint64 limit_ms)
{
  return limit_ms > 0 ? since_us + (gint64)MIN (limit_ms, (guint64)G_MAXINT) * 1000
                      : NEVER;
}

static gint64
get_stall_end (TrwAttempt *self)
{
  return add_limit (self->active_mono_us, self->request->timeout_ms);
}

static gint64
get_phase_end (TrwAttempt *self)
{
  switch (self->phase)
    {
    case TRW_PHASE_CONNECTING:
      return add_limit (self->phase_mono_us, self->request->connect_timeout_ms);
    case TRW_PHASE_ASKED:
      return add_limit (self->phase_mono_us, self->request->first_byte_timeout_ms);
    case TRW_PHASE_TALKING:
      return NEVER;
    }
  g_assert_not_reached ();
}

static const char *
explain_phase (TrwAttempt *self)
{
  if (self->phase == TRW_PHASE_ASKED)
    return "The server did not begin to answer in time";
  if (self->is_awaiting_ticket)
    return "No Kerberos ticket came in time";
  for (guint i = 0; i < G_N_ELEMENTS (stages); i++)
    {
      if (self->last_event == (int)stages[i].event)
        return stages[i].message;
    }
  return "No connection stood in time";
}

static void
arm (TrwAttempt *self);

static gboolean
on_watchdog (gpointer user_data)
{
  TrwAttempt *self = user_data;
  gint64 now_us = g_get_monotonic_time ();

  trw_attempt_look_at_network (self);
  if (is_our_own_delay (self))
    trw_attempt_feed_watchdog (self);
  if (get_phase_end (self) <= now_us)
    trw_attempt_time_out (self, explain_phase (self));
  else if (get_stall_end (self) <= now_us)
    trw_attempt_time_out (self, "Nothing came from the server for too long");
  else
    arm (self);
  return G_SOURCE_REMOVE;
}

/* Being fed does not move it: it looks again when it is due. */
static void
arm (TrwAttempt *self)
{
  gint64 end_us = MIN (get_phase_end (self), get_stall_end (self));
  gint64 left_us = MAX (end_us - g_get_monotonic_time (), 0);

  trw_attempt_clear_watchdog (self);
  if (end_us == NEVER)
    return;
  self->watchdog = g_timeout_source_new ((guint)MIN (left_us / 1000 + 1, G_MAXINT));
  g_source_set_callback (self->watchdog, on_watchdog, self, NULL);
  g_source_attach (self->watchdog, NULL);
}

void
trw_attempt_enter_phase (TrwAttempt *self, TrwPhase phase)
{
  self->phase = phase;
  self->last_event = -1;
  trw_attempt_feed_watchdog (self);
  self->phase_mono_us = self->active_mono_us;
  if (!self->is_over)
    arm (self);
}

/* A connection that stood already may turn out to be dead: libsoup then asks again on a
 * new one. */
void
trw_attempt_note_event (TrwAttempt *self, GSocketClientEvent event)
{
  if (self->phase != TRW_PHASE_CONNECTING)
    trw_attempt_enter_phase (self, TRW_PHASE_CONNECTING);
  trw_attempt_feed_watchdog (self);
  self->last_event = (int)event;
}
