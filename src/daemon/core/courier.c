/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Brings the events of all sessions to their apps.  To an attached consumer everything
 * goes at once and in order of sequence, first what it missed (law 7); without one, the
 * delivery of the session wakes the app.  Nothing is forgotten before it is completed,
 * and nothing is sent but to one destination (law 8). */

#include "config.h"

#include "core/courier-private.h"

#include "common/error.h"

G_DEFINE_FINAL_TYPE (TrdCourier, trd_courier, G_TYPE_OBJECT)

const TrdEnv *
trd_courier_get_env (TrdCourier *self)
{
  return self->env;
}

gboolean
trd_courier_is_starting (TrdCourier *self, const TrdDelivery *delivery)
{
  GHashTableIter iter;
  TrdDelivery *other;

  g_hash_table_iter_init (&iter, self->deliveries);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&other))
    if (other != delivery && other->starting
        && trd_owner_equal (other->session->row->owner, delivery->session->row->owner))
      return TRUE;

  return FALSE;
}

static const char *
reason_of (TrdSession *session)
{
  if (session->n_events > 0 && trd_session_has_open_challenge (session))
    return "challenge";
  if (session->n_events > 0 && session->n_asked > 0)
    return "delayed-request";
  return session->n_events > 0 && session->n_unfinished == 0 ? "tasks-finished" : "";
}

static TrdDelivery *
find_delivery (TrdSession *session)
{
  return session->delivery;
}

static TrdDelivery *
ensure_delivery (TrdCourier *self, TrdSession *session)
{
  TrdDelivery *delivery = session->delivery;

  if (delivery != NULL)
    return delivery;

  delivery = trd_delivery_new (self, session);
  session->delivery = delivery;
  g_hash_table_insert (self->deliveries, &session->row->id, delivery);

  return delivery;
}

/* ---- sending ---- */

void
trd_courier_send_handle_events (TrdCourier *self,
                                TrdSession *session,
                                const char *destination)
{
  if (self->outlet != NULL)
    self->outlet->send_handle_events (
        session, destination, reason_of (session), self->outlet_data);
}

gsize
trd_courier_send_event (TrdDelivery *delivery, const TrdEvent *event)
{
  TrdCourier *self = delivery->courier;
  gsize size = 0;

  if (self->outlet != NULL)
    size = self->outlet->send_event (
        delivery->session, delivery->consumer, event, self->outlet_data);
  delivery->last_sent = event->sequence;

  return size;
}

void
trd_courier_send_did_finish (TrdDelivery *delivery)
{
  TrdCourier *self = delivery->courier;

  g_clear_handle_id (&delivery->finish_source, g_source_remove);
  if (delivery->consumer != NULL && !delivery->replaying && self->outlet != NULL)
    self->outlet->send_did_finish_events (
        delivery->session, delivery->consumer, delivery->last_sent, self->outlet_data);
}

static gboolean
on_all_finished (gpointer user_data)
{
  TrdDelivery *delivery = user_data;

  delivery->finish_source = 0;
  trd_courier_send_did_finish (delivery);

  return G_SOURCE_REMOVE;
}

/* ---- coming ---- */

static void
remove_observer (TrdDelivery *delivery, const char *peer)
{
  guint index;

  if (g_ptr_array_find_with_equal_func (delivery->observers, peer, g_str_equal, &index))
    g_ptr_array_remove_index (delivery->observers, index);
}

static gboolean
make_room (TrdDelivery *delivery, const char *peer, gboolean replace, GError **error)
{
  TrdCourier *self = delivery->courier;

  if (delivery->consumer == NULL || g_str_equal (delivery->consumer, peer))
    return TRUE;
  if (!replace)
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_SESSION_IN_USE,
                           "Another process is attached to the session");
      return FALSE;
    }

  if (self->outlet != NULL)
    self->outlet->send_detached (
        delivery->session, delivery->consumer, "replaced", self->outlet_data);
  return TRUE;
}

gboolean
trd_courier_attach (TrdCourier *self,
                    TrdSession *session,
                    const char *peer,
                    gboolean replace,
                    TrdAttachment *out_attachment,
                    GError **error)
{
  TrdDelivery *delivery = ensure_delivery (self, session);

  if (session->row->state == TRUNDLE_SESSION_RETIRED)
    {
      g_set_error_literal (
          error, TRUNDLE_ERROR, TRUNDLE_ERROR_BAD_STATE, "The session was invalidated");
      return FALSE;
    }
  if (!make_room (delivery, peer, replace, error))
    return FALSE;

  out_attachment->pending = session->n_events;
  out_attachment->last_sequence = session->row->last_sequence;
  out_attachment->woken = delivery->state == TRD_DELIVERY_LAUNCHING && delivery->woken;
  out_attachment->reason = out_attachment->woken ? reason_of (session) : "";

  remove_observer (delivery, peer);
  trd_courier_stop_replay (delivery);
  g_free (delivery->consumer);
  delivery->consumer = g_strdup (peer);
  delivery->last_sent = 0;
  delivery->replaying = TRUE;
  /* Until the replay is over: it reads what comes meanwhile, and marks it. */
  session->has_consumer = FALSE;
  trd_delivery_move (delivery, TRD_DELIVERY_INPUT_ATTACHED);

  return TRUE;
}

void
trd_courier_observe (TrdCourier *self, TrdSession *session, const char *peer)
{
  TrdDelivery *delivery = ensure_delivery (self, session);

  remove_observer (delivery, peer);
  /* The consumer hears everything already, and must hear it once. */
  if (g_strcmp0 (delivery->consumer, peer) != 0)
    g_ptr_array_add (delivery->observers, g_strdup (peer));
}

/* ---- going ---- */

static gboolean
drop_retired (gpointer user_data)
{
  TrdDelivery *delivery = user_data;

  delivery->drop_source = 0;
  trd_registry_drop_retired (delivery->courier->registry, delivery->session);

  return G_SOURCE_REMOVE;
}

static void
tell_consumer_left (TrdDelivery *delivery)
{
  TrdCourier *self = delivery->courier;

  for (guint i = 0; self->outlet != NULL && i < delivery->observers->len; i++)
    self->outlet->send_consumer_left (
        delivery->session, g_ptr_array_index (delivery->observers, i), self->outlet_data);
}

static void
lose_consumer (TrdDelivery *delivery)
{
  TrdSession *session = delivery->session;

  g_clear_pointer (&delivery->consumer, g_free);
  trd_courier_stop_replay (delivery);
  g_clear_handle_id (&delivery->finish_source, g_source_remove);
  delivery->replaying = FALSE;
  session->has_consumer = FALSE;

  if (session->n_events > 0)
    {
      tell_consumer_left (delivery);
      trd_delivery_move (delivery, TRD_DELIVERY_INPUT_LEFT_PENDING);
    }
  else
    trd_delivery_move (delivery, TRD_DELIVERY_INPUT_LEFT_EMPTY);

  if (session->row->state == TRUNDLE_SESSION_RETIRED && delivery->drop_source == 0)
    delivery->drop_source = g_idle_add (drop_retired, delivery);
}

gboolean
trd_courier_detach (TrdCourier *self,
                    TrdSession *session,
                    const char *peer,
                    GError **error)
{
  TrdDelivery *delivery = find_delivery (session);

  if (delivery != NULL && g_strcmp0 (delivery->consumer, peer) == 0)
    {
      lose_consumer (delivery);
      return TRUE;
    }
  if (delivery != NULL
      && g_ptr_array_find_with_equal_func (delivery->observers, peer, g_str_equal, NULL))
    {
      remove_observer (delivery, peer);
      return TRUE;
    }

  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_BAD_STATE,
                       "The caller is not attached to the session");
  return FALSE;
}

void
trd_courier_peer_vanished (TrdCourier *self, const char *peer)
{
  GHashTableIter iter;
  TrdDelivery *delivery;

  g_hash_table_iter_init (&iter, self->deliveries);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&delivery))
    {
      remove_observer (delivery, peer);
      if (g_strcmp0 (delivery->consumer, peer) == 0)
        lose_consumer (delivery);
    }
}

/* ---- completing ---- */

gboolean
trd_courier_complete (TrdCourier *self,
                      TrdSession *session,
                      const char *peer,
                      guint64 sequence,
                      GError **error)
{
  TrdDelivery *delivery = find_delivery (session);

  if (delivery != NULL && delivery->consumer != NULL
      && !g_str_equal (delivery->consumer, peer))
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_SESSION_IN_USE,
                           "Another process is attached to the session and completes "
                           "its events");
      return FALSE;
    }
  if (sequence > session->row->last_sequence)
    {
      g_set_error (error,
                   TRUNDLE_ERROR,
                   TRUNDLE_ERROR_INVALID_ARGUMENT,
                   "sequence: the last event is %" G_GUINT64_FORMAT,
                   session->row->last_sequence);
      return FALSE;
    }

  return trd_registry_complete_events (self->registry, session, sequence, error);
}

gboolean
trd_courier_invalidate (TrdCourier *self, TrdSession *session, GError **error)
{
  TrdDelivery *delivery = find_delivery (session);
  gboolean has_consumer = delivery != NULL && delivery->consumer != NULL;

  return trd_registry_invalidate_and_cancel (
      self->registry, session, has_consumer, error);
}

static gboolean
auto_complete (gpointer user_data)
{
  TrdDelivery *delivery = user_data;
  g_autoptr (GError) error = NULL;

  delivery->complete_source = 0;
  /* Removes the session, and us with it, when that was its end. */
  if (!trd_registry_complete_events (delivery->courier->registry,
                                     delivery->session,
                                     delivery->session->row->last_sequence,
                                     &error))
    g_warning ("Cannot complete events: %s", error->message);

  return G_SOURCE_REMOVE;
}

static void
complete_soon (TrdDelivery *delivery)
{
  if (delivery->complete_source == 0)
    delivery->complete_source = g_idle_add (auto_complete, delivery);
}

/* ---- following the registry ---- */

static void
send_to_observers (TrdDelivery *delivery, const TrdEvent *event)
{
  TrdCourier *self = delivery->courier;

  for (guint i = 0; self->outlet != NULL && i < delivery->observers->len; i++)
    self->outlet->send_event (delivery->session,
                              g_ptr_array_index (delivery->observers, i),
                              event,
                              self->outlet_data);
}

/* The end of one task among others wakes nobody, and does not shorten the pauses of who
 * is being woken for another reason. */
static gboolean
is_waking (TrdSession *session, const TrdEvent *event)
{
  return session->n_unfinished == 0
         || event->kind == TRUNDLE_EVENT_WILL_BEGIN_DELAYED_REQUEST
         || event->kind == TRUNDLE_EVENT_CHALLENGE_RECEIVED;
}

static void
on_event_added (TrdRegistry *registry,
                TrdSession *session,
                TrdEvent *event,
                TrdCourier *self)
{
  TrdDelivery *delivery = ensure_delivery (self, session);

  send_to_observers (delivery, event);
  if (delivery->consumer != NULL && !delivery->replaying)
    trd_courier_send_event (delivery, event);
  if (session->n_unfinished == 0 && delivery->finish_source == 0)
    delivery->finish_source = g_idle_add (on_all_finished, delivery);

  if (trd_session_get_boolean (session, "auto-complete"))
    {
      complete_soon (delivery);
      return;
    }

  trd_delivery_move (delivery,
                     is_waking (session, event) && trd_delivery_wants_launch (delivery)
                         ? TRD_DELIVERY_INPUT_WAKING_EVENT
                         : TRD_DELIVERY_INPUT_EVENT);
}

/* A task that had finished has not: it is not the last one any more, and what was to be
 * told of it may have been all there was. */
static void
on_event_withdrawn (TrdRegistry *registry, TrdSession *session, TrdCourier *self)
{
  TrdDelivery *delivery = find_delivery (session);

  if (delivery == NULL)
    return;

  g_clear_handle_id (&delivery->finish_source, g_source_remove);
  if (session->n_events == 0)
    trd_delivery_move (delivery, TRD_DELIVERY_INPUT_COMPLETED);
}

/* What was not to be completed or launched for may be from now on. */
static void
on_session_changed (TrdRegistry *registry, TrdSession *session, TrdCourier *self)
{
  TrdDelivery *delivery = find_delivery (session);

  if (session->n_events == 0 || session->row->state == TRUNDLE_SESSION_RETIRED)
    return;

  if (delivery == NULL)
    delivery = ensure_delivery (self, session);
  if (trd_session_get_boolean (session, "auto-complete"))
    complete_soon (delivery);
  else if (delivery->alarm == 0 && trd_delivery_wants_launch (delivery))
    trd_delivery_move (delivery, TRD_DELIVERY_INPUT_WAKING_EVENT);
}

static void
on_events_completed (TrdRegistry *registry, TrdSession *session, TrdCourier *self)
{
  TrdDelivery *delivery = find_delivery (session);

  if (delivery == NULL)
    return;

  trd_delivery_reset_tries (delivery);
  if (session->n_events == 0)
    trd_delivery_move (delivery, TRD_DELIVERY_INPUT_COMPLETED);
}

static void
on_session_removed (TrdRegistry *registry, TrdSession *session, TrdCourier *self)
{
  session->delivery = NULL;
  g_hash_table_remove (self->deliveries, &session->row->id);
}

static void
on_conditions_changed (TrdConditions *conditions, TrdCourier *self)
{
  GHashTableIter iter;
  TrdDelivery *delivery;

  g_hash_table_iter_init (&iter, self->deliveries);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&delivery))
    trd_delivery_look_at_display (delivery);
}

void
trd_courier_start (TrdCourier *self, gboolean login)
{
  g_autoptr (GPtrArray) sessions = trd_registry_list_sessions (self->registry);

  for (guint i = 0; i < sessions->len; i++)
    {
      TrdSession *session = g_ptr_array_index (sessions, i);

      if (session->n_events == 0)
        continue;
      if (trd_session_get_boolean (session, "auto-complete"))
        auto_complete (ensure_delivery (self, session));
      else
        trd_delivery_restore (ensure_delivery (self, session), login);
    }
}

/* ---- asking ---- */

const char *
trd_courier_get_consumer (TrdCourier *self, TrdSession *session)
{
  TrdDelivery *delivery = find_delivery (session);

  return delivery != NULL ? delivery->consumer : NULL;
}

GPtrArray *
trd_courier_get_listeners (TrdCourier *self, TrdSession *session)
{
  TrdDelivery *delivery = find_delivery (session);
  g_autoptr (GPtrArray) listeners = NULL;

  if (delivery == NULL || (delivery->consumer == NULL && delivery->observers->len == 0))
    return NULL;

  listeners = g_ptr_array_new ();
  if (delivery->consumer != NULL)
    g_ptr_array_add (listeners, delivery->consumer);
  for (guint i = 0; i < delivery->observers->len; i++)
    g_ptr_array_add (listeners, g_ptr_array_index (delivery->observers, i));

  return g_steal_pointer (&listeners);
}

gboolean
trd_courier_has_listeners (TrdCourier *self)
{
  GHashTableIter iter;
  TrdDelivery *delivery;

  g_hash_table_iter_init (&iter, self->deliveries);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&delivery))
    if (delivery->consumer != NULL || delivery->observers->len > 0)
      return TRUE;

  return FALSE;
}

gint64
trd_courier_next_launch_us (TrdCourier *self, TrdSession *session)
{
  TrdDelivery *delivery = find_delivery (session);

  return delivery != NULL ? delivery->alarm_us : 0;
}

TrdDeliveryState
trd_courier_get_state (TrdCourier *self, TrdSession *session)
{
  TrdDelivery *delivery = find_delivery (session);

  return delivery != NULL ? delivery->state : TRD_DELIVERY_IDLE;
}

gint64
trd_courier_next_alarm_us (TrdCourier *self)
{
  gint64 next_us = G_MAXINT64;
  GHashTableIter iter;
  TrdDelivery *delivery;

  g_hash_table_iter_init (&iter, self->deliveries);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&delivery))
    if (delivery->alarm_us != 0)
      next_us = MIN (next_us, delivery->alarm_us);

  return next_us == G_MAXINT64 ? 0 : next_us;
}

gboolean
trd_courier_is_busy (TrdCourier *self)
{
  GHashTableIter iter;
  TrdDelivery *delivery;

  g_hash_table_iter_init (&iter, self->deliveries);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&delivery))
    if (delivery->state == TRD_DELIVERY_LAUNCHING || delivery->complete_source != 0
        || delivery->drop_source != 0)
      return TRUE;

  return FALSE;
}

/* ---- the object ---- */

void
trd_courier_set_outlet (TrdCourier *self, const TrdOutlet *outlet, gpointer user_data)
{
  self->outlet = outlet;
  self->outlet_data = user_data;
}

TrdCourier *
trd_courier_new (TrdRegistry *registry)
{
  TrdCourier *self = g_object_new (TRD_TYPE_COURIER, NULL);

  self->registry = g_object_ref (registry);
  self->env = trd_registry_get_env (registry);
  g_signal_connect_object (registry, "event-added", G_CALLBACK (on_event_added), self, 0);
  g_signal_connect_object (
      registry, "session-changed", G_CALLBACK (on_session_changed), self, 0);
  g_signal_connect_object (
      registry, "event-withdrawn", G_CALLBACK (on_event_withdrawn), self, 0);
  g_signal_connect_object (
      registry, "events-completed", G_CALLBACK (on_events_completed), self, 0);
  g_signal_connect_object (
      registry, "session-removed", G_CALLBACK (on_session_removed), self, 0);
  g_signal_connect_object (
      self->env->conditions, "changed", G_CALLBACK (on_conditions_changed), self, 0);

  return self;
}

static void
trd_courier_dispose (GObject *object)
{
  TrdCourier *self = TRD_COURIER (object);

  g_hash_table_remove_all (self->deliveries);
  g_clear_object (&self->registry);

  G_OBJECT_CLASS (trd_courier_parent_class)->dispose (object);
}

static void
trd_courier_finalize (GObject *object)
{
  TrdCourier *self = TRD_COURIER (object);

  g_hash_table_unref (self->deliveries);

  G_OBJECT_CLASS (trd_courier_parent_class)->finalize (object);
}

static void
trd_courier_init (TrdCourier *self)
{
  self->deliveries = g_hash_table_new_full (
      g_int64_hash, g_int64_equal, NULL, (GDestroyNotify)trd_delivery_free);
}

static void
trd_courier_class_init (TrdCourierClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = trd_courier_dispose;
  object_class->finalize = trd_courier_finalize;
}
