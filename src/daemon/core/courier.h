/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/delivery-state.h"
#include "core/registry.h"

/* Brings events to apps: the attached consumer, or an app that is started for it.
 * Law 7. */
#define TRD_TYPE_COURIER (trd_courier_get_type ())
G_DECLARE_FINAL_TYPE (TrdCourier, trd_courier, TRD, COURIER, GObject)

/* The courier's mouth: implemented by the face, or a recorder in tests.  Everything goes
 * to one destination, a unique or well-known bus name; nothing is broadcast (law 8). */
typedef struct
{
  /* Returns the bytes it came to. */
  gsize (*send_event) (TrdSession *session,
                       const char *destination,
                       const TrdEvent *event,
                       gpointer user_data);
  void (*send_did_finish_events) (TrdSession *session,
                                  const char *destination,
                                  guint64 last,
                                  gpointer user_data);
  void (*send_detached) (TrdSession *session,
                         const char *destination,
                         const char *reason,
                         gpointer user_data);
  void (*send_consumer_left) (TrdSession *session,
                              const char *destination,
                              gpointer user_data);
  /* HandleEventsForBackgroundSession. */
  void (*send_handle_events) (TrdSession *session,
                              const char *destination,
                              const char *reason,
                              gpointer user_data);
  /* (nullable): calls @done once all that was sent has left the process; never from
   * within. */
  void (*flush) (void (*done) (gpointer done_data),
                 gpointer done_data,
                 gpointer user_data);
} TrdOutlet;

TrdCourier *
trd_courier_new (TrdRegistry *registry);
void
trd_courier_set_outlet (TrdCourier *self, const TrdOutlet *outlet, gpointer user_data);
/* After restore: sessions with events that wait get their launch.  A login counts as a
 * new event: it resets the back-off. */
void
trd_courier_start (TrdCourier *self, gboolean login);

/* What Attach answers. */
typedef struct
{
  guint pending;
  guint64 last_sequence;
  gboolean woken;
  const char *reason; /* static: "tasks-finished", "challenge", "delayed-request", "" */
} TrdAttachment;

/* Makes @peer (a unique name) the consumer.  The caller sends the reply first and then
 * calls trd_courier_begin_replay().  Errors: SESSION_IN_USE unless @replace. */
gboolean
trd_courier_attach (TrdCourier *self,
                    TrdSession *session,
                    const char *peer,
                    gboolean replace,
                    TrdAttachment *out_attachment,
                    GError **error);
void
trd_courier_begin_replay (TrdCourier *self, TrdSession *session);

/* Observers see live events and hear of a consumer that left; they complete nothing. */
void
trd_courier_observe (TrdCourier *self, TrdSession *session, const char *peer);

/* BAD_STATE when @peer is neither consumer nor observer. */
gboolean
trd_courier_detach (TrdCourier *self,
                    TrdSession *session,
                    const char *peer,
                    GError **error);
/* The peer has left the bus: from all sessions. */
void
trd_courier_peer_vanished (TrdCourier *self, const char *peer);

/* CompleteEvents: by the consumer, or by anyone of the owner while nobody is attached.
 * Errors: SESSION_IN_USE, INVALID_ARGUMENT (beyond the last event). */
gboolean
trd_courier_complete (TrdCourier *self,
                      TrdSession *session,
                      const char *peer,
                      guint64 sequence,
                      GError **error);

/* InvalidateAndCancel and what it means for who is attached. */
gboolean
trd_courier_invalidate (TrdCourier *self, TrdSession *session, GError **error);

/* The attached consumer: a unique name.  (transfer none) (nullable) */
const char *
trd_courier_get_consumer (TrdCourier *self, TrdSession *session);

/* Unique names that get the live signals of @session: consumer and observers.
 * (element-type utf8) (transfer container) (nullable): NULL when nobody listens */
GPtrArray *
trd_courier_get_listeners (TrdCourier *self, TrdSession *session);
gboolean
trd_courier_has_listeners (TrdCourier *self);

/* For the property Delivery. */
TrdDeliveryState
trd_courier_get_state (TrdCourier *self, TrdSession *session);

/* When the next launch of @session is due (CLOCK_BOOTTIME, µs), 0 for none. */
gint64
trd_courier_next_launch_us (TrdCourier *self, TrdSession *session);
/* Over all sessions, likewise. */
gint64
trd_courier_next_alarm_us (TrdCourier *self);
/* A launch is under way: the daemon must stay (dbus-daemon drops a signal whose sender
 * has left). */
gboolean
trd_courier_is_busy (TrdCourier *self);
