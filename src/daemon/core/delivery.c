/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waking an app for a session's events: when, how often, and when no more.  Launches are
 * coalesced for 2 s, leased, backed off and budgeted per app; transfers never are.  The
 * state follows the table in core/delivery-state.c. */

#include "config.h"

#include "core/delivery.h"

#include "common/defaults.h"
#include "value/log.h"

/* The pause after each failed try; after the last there is none but for a new event or
 * the next login. */
static const gint64 rests_us[] = {
  5 * TRD_SECOND_US,      60 * TRD_SECOND_US,     300 * TRD_SECOND_US,
  TRD_LAUNCH_REST_MAX_US, TRD_LAUNCH_REST_MAX_US,
};

#define BUDGET_WINDOW_US (3600 * TRD_SECOND_US)

TrdDelivery *
trd_delivery_new (TrdCourier *courier, TrdSession *session)
{
  TrdDelivery *self = g_new0 (TrdDelivery, 1);

  self->courier = courier;
  self->session = session;
  self->observers = g_ptr_array_new_with_free_func (g_free);

  return self;
}

static const TrdEnv *
env_of (TrdDelivery *self)
{
  return trd_courier_get_env (self->courier);
}

static void
clear_alarm (TrdDelivery *self)
{
  if (self->alarm != 0)
    trd_clock_remove_alarm (env_of (self)->clock, self->alarm);
  self->alarm = 0;
  self->alarm_us = 0;
}

void
trd_delivery_free (TrdDelivery *self)
{
  clear_alarm (self);
  g_clear_handle_id (&self->replay_source, g_source_remove);
  g_clear_handle_id (&self->finish_source, g_source_remove);
  g_clear_handle_id (&self->complete_source, g_source_remove);
  g_clear_handle_id (&self->drop_source, g_source_remove);
  g_clear_pointer (&self->launch, trd_launch_free);
  g_ptr_array_unref (self->observers);
  g_free (self->consumer);
  g_free (self);
}

gboolean
trd_delivery_wants_launch (TrdDelivery *self)
{
  TrdSession *session = self->session;
  g_autofree char *name = NULL;

  if (session->n_events == 0
      || (session->n_unfinished > 0 && session->n_asked == 0
          && !trd_session_has_open_challenge (session))
      || session->row->state == TRUNDLE_SESSION_RETIRED)
    return FALSE;
  if (!trd_session_get_boolean (session, "sends-launch-events")
      || trd_session_get_boolean (session, "auto-complete"))
    return FALSE;

  name = trd_session_dup_activation_name (session);
  return name != NULL;
}

/* ---- a launch ---- */

static void
store_tries (TrdDelivery *self)
{
  TrdMoment now = trd_clock_now (env_of (self)->clock);
  g_autoptr (GError) error = NULL;

  if (!trd_store_set_delivery (env_of (self)->store,
                               self->session->row->id,
                               self->tries,
                               trd_moment_at (now, self->alarm_us),
                               &error))
    g_warning ("Cannot store when to launch next: %s", error->message);
}

void
trd_delivery_reset_tries (TrdDelivery *self)
{
  if (self->tries == 0)
    return;

  self->tries = 0;
  store_tries (self);
}

static void
on_signal_due (gpointer user_data)
{
  TrdDelivery *self = user_data;
  g_autofree char *name = trd_session_dup_activation_name (self->session);

  if (name != NULL)
    trd_courier_send_handle_events (self->courier, self->session, name);
}

static gboolean
has_display (TrdDelivery *self)
{
  return trd_session_get_boolean (self->session, "launch-without-display")
         || trd_conditions_get (env_of (self)->conditions, "graphical");
}

/* An app is not started more than 60 times an hour, however many sessions it has. */
static gboolean
has_budget (TrdDelivery *self, const char *key, gint64 now_us)
{
  TrdStore *store = env_of (self)->store;
  gint64 since_us = now_us - BUDGET_WINDOW_US;

  if (trd_store_count_launches (store, key, since_us) < TRD_LAUNCHES_PER_HOUR)
    return TRUE;

  self->rest_until_us = trd_store_oldest_launch (store, key, since_us) + BUDGET_WINDOW_US;
  trd_log_task (G_LOG_LEVEL_MESSAGE,
                self->session->row->id,
                0,
                "The app has been started %d times within the hour and rests",
                TRD_LAUNCHES_PER_HOUR);
  return FALSE;
}

/* When this says no, the launch is over and freed.  Waiting for a screen uses up no try.
 */
static gboolean
on_may_start (gpointer user_data)
{
  TrdDelivery *self = user_data;
  const char *key = trd_owner_key (self->session->row->owner);
  gint64 now_us = trd_clock_boottime_us (env_of (self)->clock);

  if (!has_display (self))
    {
      self->wants_display = TRUE;
      g_clear_pointer (&self->launch, trd_launch_free);
      return FALSE;
    }
  if (!trd_courier_is_starting (self->courier, self))
    {
      if (!has_budget (self, key, now_us))
        {
          trd_delivery_move (self, TRD_DELIVERY_INPUT_LAUNCH_FAILED);
          return FALSE;
        }
      if (!trd_store_note_launch (env_of (self)->store, key, now_us, NULL))
        g_warning ("Cannot note the launch of %s", key);
    }

  self->starting = TRUE;
  return TRUE;
}

static void
on_launch_failed (const char *why, gpointer user_data)
{
  TrdDelivery *self = user_data;

  trd_log_task (G_LOG_LEVEL_MESSAGE,
                self->session->row->id,
                0,
                "Launch %u for session “%s” failed: %s",
                self->tries + 1,
                self->session->row->identifier,
                why);
  trd_delivery_move (self, TRD_DELIVERY_INPUT_LAUNCH_FAILED);
}

static const TrdLaunchCallbacks launch_callbacks = {
  .signal = on_signal_due,
  .may_start = on_may_start,
  .failed = on_launch_failed,
};

/* Last in what calls it: it may move on. */
static void
launch (TrdDelivery *self)
{
  const TrdEnv *env = env_of (self);
  g_autofree char *name = trd_session_dup_activation_name (self->session);

  /* New tasks came, or the app wants it no more: rest until the next event. */
  if (!trd_delivery_wants_launch (self))
    {
      trd_delivery_move (self, TRD_DELIVERY_INPUT_LAUNCH_FAILED);
      return;
    }

  self->wants_display = FALSE;
  if (name == NULL)
    return;

  self->woken = TRUE;
  self->launch = trd_launch_new (env, name, &launch_callbacks, self);
}

void
trd_delivery_look_at_display (TrdDelivery *self)
{
  if (self->wants_display && self->state == TRD_DELIVERY_LAUNCHING)
    launch (self);
}

/* ---- alarms ---- */

static void
on_alarm (gpointer user_data)
{
  TrdDelivery *self = user_data;

  self->alarm = 0;
  self->alarm_us = 0;
  if (self->state == TRD_DELIVERY_LAUNCHING)
    launch (self);
  else
    trd_delivery_move (self, TRD_DELIVERY_INPUT_ALARM);
}

static void
set_alarm (TrdDelivery *self, gint64 delay_us)
{
  TrdClock *clock = env_of (self)->clock;

  clear_alarm (self);
  self->alarm_us = trd_moment_after (trd_clock_now (clock), delay_us);
  self->alarm = trd_clock_add_alarm (clock, delay_us, on_alarm, self);
}

static void
rest (TrdDelivery *self)
{
  gint64 now_us = trd_clock_boottime_us (env_of (self)->clock);

  if (!trd_delivery_wants_launch (self))
    return;

  if (self->rest_until_us != 0)
    {
      set_alarm (self, MAX (self->rest_until_us - now_us, 0));
      self->rest_until_us = 0;
    }
  else if (self->tries < G_N_ELEMENTS (rests_us))
    {
      set_alarm (self, rests_us[self->tries]);
      self->tries++;
    }
  store_tries (self);
}

/* ---- the state ---- */

static void
leave_state (TrdDelivery *self)
{
  clear_alarm (self);
  g_clear_pointer (&self->launch, trd_launch_free);
  self->wants_display = FALSE;
  self->starting = FALSE;
}

static void
enter_state (TrdDelivery *self, TrdDeliveryInput input)
{
  switch (self->state)
    {
    case TRD_DELIVERY_IDLE:
      trd_delivery_reset_tries (self);
      break;
    case TRD_DELIVERY_LAUNCHING:
      /* Stored, too: the next daemon must not find that all tries were used up. */
      if (input == TRD_DELIVERY_INPUT_WAKING_EVENT)
        trd_delivery_reset_tries (self);
      self->woken = FALSE;
      set_alarm (self,
                 input == TRD_DELIVERY_INPUT_WAKING_EVENT ? TRD_LAUNCH_COALESCE_US : 0);
      break;
    case TRD_DELIVERY_OFFERING:
      break;
    case TRD_DELIVERY_RESTING:
      rest (self);
      break;
    }
}

void
trd_delivery_move (TrdDelivery *self, TrdDeliveryInput input)
{
  TrdDeliveryState next;

  switch (trd_delivery_state_next (self->state, input, &next))
    {
    case TRD_CELL_ILLEGAL:
      g_critical ("Delivery of session %" G_GINT64_FORMAT " cannot take input %d when %s",
                  self->session->row->id,
                  input,
                  trd_delivery_state_to_word (self->state));
      return;
    case TRD_CELL_SAME:
      return;
    case TRD_CELL_MOVE:
      break;
    }

  leave_state (self);
  self->state = next;
  enter_state (self, input);
}

void
trd_delivery_restore (TrdDelivery *self, gboolean login)
{
  const TrdEnv *env = env_of (self);
  /* What a new boot means has been written down already: core/restart.c. */
  TrdRestart restart = { .now = trd_clock_now (env->clock), .same_boot = TRUE };
  guint tries = 0;
  TrdMoment next = { 0 };

  if (!trd_delivery_wants_launch (self))
    return;

  trd_store_get_delivery (env->store, self->session->row->id, &tries, &next, NULL);
  trd_delivery_move (self, TRD_DELIVERY_INPUT_WAKING_EVENT);
  if (tries == 0 || login)
    return;

  self->tries = tries;
  self->rest_until_us = trd_moment_restore (next, &restart, TRD_LAUNCH_REST_MAX_US);
  trd_delivery_move (self, TRD_DELIVERY_INPUT_LAUNCH_FAILED);
}
