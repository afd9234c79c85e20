/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/courier.h"
#include "core/delivery.h"

/* What courier.c (who hears what, and when) and replay.c (what was missed) share. */
struct _TrdCourier
{
  GObject parent;
  TrdRegistry *registry;   /* (owned) */
  const TrdEnv *env;       /* (unowned), outlives us */
  const TrdOutlet *outlet; /* (unowned) (nullable), static */
  gpointer outlet_data;
  GHashTable *deliveries; /* (owned) (element-type gint64 TrdDelivery) */
};

/* To the consumer of @delivery, who is there.  The first returns the bytes that are on
 * their way, the second says nothing while a replay has not come to its end. */
gsize
trd_courier_send_event (TrdDelivery *delivery, const TrdEvent *event);
void
trd_courier_send_did_finish (TrdDelivery *delivery);

/* Of replay.c: nothing of it goes out any more; begun by trd_courier_begin_replay(). */
void
trd_courier_stop_replay (TrdDelivery *delivery);
