/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/courier.h"
#include "core/launch.h"

/* How the events of one session get to its app; the courier keeps one for each session
 * that has ever had anything to deliver. */
typedef struct
{
  TrdCourier *courier; /* (unowned), outlives us */
  TrdSession *session; /* (unowned), outlives us */
  TrdDeliveryState state;
  char *consumer;       /* (owned) (nullable): unique name */
  GPtrArray *observers; /* (owned) (element-type utf8) */
  guint64 last_sent;    /* to the consumer */
  gboolean replaying;
  guint replay_source;
  guint64 fresh_from;     /* first event that this replay tells as new; 0 for none yet */
  guint64 replay_serial;  /* of what it waits for */
  guint finish_source;    /* DidFinishEvents, once the turn is over */
  guint complete_source;  /* auto-complete, likewise */
  guint drop_source;      /* a retired session without a consumer, likewise */
  TrdLaunch *launch;      /* (owned) (nullable): only while one is under way */
  gboolean wants_display; /* the launch waits for a graphical session */
  gboolean starting;      /* the bus was asked to start the app */
  guint alarm;            /* 0 when none */
  gint64 alarm_us;        /* CLOCK_BOOTTIME; 0 when none */
  gint64 rest_until_us;   /* likewise, by the budget or an earlier daemon; 0 else */
  guint tries;
  gboolean woken;
} TrdDelivery;

TrdDelivery *
trd_delivery_new (TrdCourier *courier, TrdSession *session);
void
trd_delivery_free (TrdDelivery *self);

/* The only writer of the state. */
void
trd_delivery_move (TrdDelivery *self, TrdDeliveryInput input);
/* Someone should be started for what is pending. */
gboolean
trd_delivery_wants_launch (TrdDelivery *self);
/* A graphical session may have come. */
void
trd_delivery_look_at_display (TrdDelivery *self);
/* The app has dealt with something: the next trouble begins with the shortest pause. */
void
trd_delivery_reset_tries (TrdDelivery *self);
/* As an earlier daemon left it. */
void
trd_delivery_restore (TrdDelivery *self, gboolean login);

/* What the delivery needs of the courier. */
const TrdEnv *
trd_courier_get_env (TrdCourier *self);
/* Whether the app of @delivery is being started for another session of it: that is one
 * process, and one launch of the budget. */
gboolean
trd_courier_is_starting (TrdCourier *self, const TrdDelivery *delivery);
void
trd_courier_send_handle_events (TrdCourier *self,
                                TrdSession *session,
                                const char *destination);
