/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which queued tasks run.  Tasks that could run now stand in lanes (core/lanes.h); tasks
 * that wait for a moment stand in the agenda (core/agenda.h).  A settle, at most one a
 * main-loop turn, starts the best of all lanes until no lane may start any.  Promises law
 * 13; decides nothing about what waiting means: that is core/policy.c. */

#include "config.h"

#include "core/scheduler.h"

#include "common/defaults.h"
#include "core/agenda.h"
#include "core/delayed.h"
#include "core/lanes.h"
#include "core/policy.h"
#include "core/registry-internal.h"
#include "core/runner.h"
#include "core/slots.h"
#include "core/turn.h"
#include "core/waits.h"

struct _TrdScheduler
{
  GObject parent;
  TrdRegistry *registry; /* (owned) */
  const TrdEnv *env;     /* (unowned), outlives us */
  TrdRunner *runner;     /* (owned) */
  GHashTable *lanes;     /* (owned): see core/lanes.h */
  TrdAgenda *agenda;     /* (owned): what happens when */
  TrdSlots *slots;       /* (owned): who runs */
  guint settle_source;   /* 0 when no settle is due */
  gboolean started;
  gboolean space_freed; /* since waiting tasks last looked */
  gint64 recheck_us;    /* not before this do they look again */
  gboolean network;     /* was there when we last looked */
  guint64 rate_bytes;   /* in the current window */
  gint64 rate_since_us;
  guint64 rate; /* of the last whole window */
};

enum
{
  DRAINED,
  PROGRESS,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (TrdScheduler, trd_scheduler, G_TYPE_OBJECT)

/* Of one date, so many tasks are changed in one transaction. */
#define DATED_MAX 512

#define RATE_WINDOW_US (2 * TRD_SECOND_US)

/* Those who wait for space look at their disks at most this often. */
#define RECHECK_INTERVAL_US TRD_SECOND_US

/* When the store did not take the end of a task: it is tried again. */
#define EXPIRE_AGAIN_US (60 * TRD_SECOND_US)

static void
settle_soon (TrdScheduler *self);

/* ---- standing in line ---- */

static TrdWorld
look_at_world (TrdScheduler *self)
{
  return (TrdWorld){
    .now_us = trd_clock_boottime_us (self->env->clock),
    .network = trd_conditions_get (self->env->conditions, "network"),
    .date_us = trd_clock_now_us (self->env->clock),
  };
}

/* Slots are counted for the lane, so that all its tasks have the same reason. */
static TrundleWaitReasons
lane_reasons (TrdScheduler *self,
              TrdLane *lane,
              const TrdTask *task,
              const TrdWorld *world)
{
  TrdFacts facts = {
    .needs_network = !task->has_intent,
    .keyring_locked = !task->has_intent
                      && trd_cookies_is_waiting (
                          trd_registry_get_cookies (self->registry), lane->session),
  };

  trd_slots_look (self->slots, lane->session, lane->host, &facts);
  return trd_policy_reasons (&facts, world);
}

static TrdLane *
ensure_lane (TrdScheduler *self, TrdTask *task, const TrdWorld *world)
{
  TrdLane *lane = trd_lanes_find (self->lanes, task);

  if (lane == NULL)
    {
      lane = trd_lanes_add (self->lanes, task);
      lane->shown_reasons = lane_reasons (self, lane, task, world);
    }

  return lane;
}

static void
leave_line (TrdScheduler *self, TrdTask *task)
{
  trd_agenda_leave (task);
  trd_lanes_leave (self->lanes, task);
}

/* A task waits for a moment, or for a date or what is to be done then, or stands in its
 * lane, or, while a worker still holds its part, nowhere: "released" brings it back. */
static void
stand_in_line (TrdScheduler *self, TrdTask *task)
{
  TrdWorld world = look_at_world (self);
  TrdLane *lane;

  leave_line (self, task);
  if (task->not_before_us > world.now_us)
    {
      trd_agenda_hold (self->agenda, task);
      trd_waits_set_reasons (task, task->hold, world.now_us);
    }
  else if (task->earliest_begin_us > world.date_us || trd_task_is_due (task))
    {
      trd_agenda_date (self->agenda, task);
      trd_waits_set_reasons (
          task,
          task->earliest_begin_us > world.date_us ? TRUNDLE_WAIT_EARLIEST_BEGIN : 0,
          world.now_us);
    }
  else if (trd_task_waits_for_keyring (task))
    {
      /* Nowhere: "loaded" brings it back. */
      trd_waits_set_reasons (task, TRUNDLE_WAIT_KEYRING_LOCKED, world.now_us);
      trd_secret_pool_load (trd_registry_get_secret_pool (self->registry));
    }
  else if (!task->releasing)
    {
      lane = ensure_lane (self, task, &world);
      trd_lane_enter (lane, task);
      /* What its neighbours were told: they are told together when that changes. */
      trd_waits_set_reasons (task, lane->shown_reasons, world.now_us);
    }

  settle_soon (self);
}

static void
watch_deadline (TrdScheduler *self, TrdTask *task)
{
  if (trd_task_is_finished (task))
    trd_agenda_unwatch_deadline (task);
  else
    trd_agenda_watch_deadline (self->agenda, task);
}

/* ---- settling ---- */

/* TRUE when @first goes before @second: within an app by rank; between apps the one with
 * the fewest running, so that no app starves another. */
static gboolean
goes_before (TrdScheduler *self, TrdTask *first, TrdTask *second)
{
  const char *first_app = trd_owner_key (first->session->row->owner);
  const char *second_app = trd_owner_key (second->session->row->owner);

  if (strcmp (first_app, second_app) != 0)
    {
      guint first_n = trd_slots_count_app (self->slots, first_app);
      guint second_n = trd_slots_count_app (self->slots, second_app);

      if (first_n != second_n)
        return first_n < second_n;
    }

  return trd_task_compare_rank (first, second, NULL) < 0;
}

static TrdTask *
find_best (TrdScheduler *self, const TrdWorld *world)
{
  TrdTask *best = NULL;
  GHashTableIter iter;
  TrdLane *lane;

  g_hash_table_iter_init (&iter, self->lanes);
  while (g_hash_table_iter_next (&iter, (gpointer *)&lane, NULL))
    {
      TrdTask *head = trd_lane_head (lane);

      if (lane_reasons (self, lane, head, world) != 0)
        continue;
      if (best == NULL || goes_before (self, head, best))
        best = head;
    }

  return best;
}

#define WAITS_ON_DISK (TRUNDLE_WAIT_DISK_SPACE | TRUNDLE_WAIT_DESTINATION_GONE)

static gboolean
is_possible (TrdScheduler *self, TrdTask *task)
{
  return !(task->hold & WAITS_ON_DISK) || trd_runner_is_possible (self->runner, task);
}

static void
hold_until (TrdScheduler *self, TrdTask *task, gint64 when_us)
{
  task->not_before_us = when_us;
  trd_agenda_hold (self->agenda, task);
}

/* The row is left alone: after a restart it is looked at by the moment stored, which is
 * sooner. */
static void
recheck_later (TrdScheduler *self, TrdTask *task, const TrdWorld *world)
{
  hold_until (self, task, world->now_us + trd_policy_recheck_us (task->rechecks));
  task->rechecks = MIN (task->rechecks + 1, G_MAXUINT8);
  trd_registry_emit_task_changed (self->registry, task, TRD_TASK_CHANGE_NEXT_ATTEMPT);
}

/* Something has gone from a disk: who waits for space looks at once. */
static void
recheck_space (TrdScheduler *self, const TrdWorld *world)
{
  g_autoptr (GPtrArray) waiting = NULL;
  gint64 when_us = MAX (world->now_us, self->recheck_us);

  if (!self->space_freed)
    return;

  self->space_freed = FALSE;
  waiting = trd_agenda_collect_held (self->agenda, TRUNDLE_WAIT_DISK_SPACE);
  for (guint i = 0; i < waiting->len; i++)
    {
      TrdTask *task = g_ptr_array_index (waiting, i);

      if (task->not_before_us > when_us)
        hold_until (self, task, when_us);
    }
  if (waiting->len > 0)
    self->recheck_us = when_us + RECHECK_INTERVAL_US;
}

static void
release_held (TrdScheduler *self, const TrdWorld *world)
{
  TrdTask *task;

  while ((task = trd_agenda_peek_held (self->agenda, world->now_us)) != NULL)
    {
      guint32 shown_reasons = task->shown_reasons;

      if (!is_possible (self, task))
        {
          recheck_later (self, task, world);
          continue;
        }
      task->rechecks = 0;
      stand_in_line (self, task);
      if (task->shown_reasons != shown_reasons)
        trd_registry_emit_task_changed (
            self->registry, task, TRD_TASK_CHANGE_WAIT_REASONS);
    }
}

/* Those whose date has come, and those whose app had its time to answer.  Told by it as
 * changed, each finds its new place; when the store refuses, they wait as for the disk.
 */
static void
release_dated (TrdScheduler *self, const TrdWorld *world)
{
  g_autoptr (GPtrArray) tasks = trd_agenda_collect_dated (
      self->agenda, world->date_us, DATED_MAX);
  g_autoptr (GError) error = NULL;
  gboolean applied;

  if (tasks->len == 0)
    return;

  applied = trd_delayed_begin (self->registry, tasks, &error);
  if (!applied)
    g_warning ("Cannot begin what is due: %s", error->message);

  for (guint i = 0; i < tasks->len; i++)
    {
      TrdTask *task = g_ptr_array_index (tasks, i);
      guint32 shown_reasons = task->shown_reasons;

      if (!applied)
        {
          task->hold = TRUNDLE_WAIT_DISK_SPACE;
          task->not_before_us = world->now_us + TRD_RECHECK_MIN_US;
        }
      stand_in_line (self, task);
      if (task->shown_reasons != shown_reasons)
        trd_registry_emit_task_changed (
            self->registry, task, TRD_TASK_CHANGE_WAIT_REASONS);
    }
}

/* All is there and has its name, or gets it in a moment: the file wins.  Only one whose
 * folder is not there waits. */
static gboolean
is_beyond_recall (TrdTask *task)
{
  if (trd_task_is_sealing (task))
    return TRUE;

  return task->has_intent && task->state == TRUNDLE_TASK_QUEUED
         && !(task->hold & TRUNDLE_WAIT_DESTINATION_GONE);
}

static void
expire_overdue (TrdScheduler *self, const TrdWorld *world)
{
  TrdTask *task;

  while ((task = trd_agenda_peek_overdue (self->agenda, world->now_us)) != NULL)
    {
      g_autoptr (GError) error = NULL;

      trd_agenda_unwatch_deadline (task);
      /* Watched again once its state changes. */
      if (is_beyond_recall (task))
        continue;
      if (!trd_turn_single (self->registry, task, TRD_TASK_INPUT_EXPIRE, NULL, &error))
        {
          g_warning ("Cannot end a task whose time is over: %s", error->message);
          task->deadline_us = world->now_us + EXPIRE_AGAIN_US;
          watch_deadline (self, task);
        }
    }
}

/* Tells the tasks of a lane when what they wait for has changed. */
static void
show_reasons (TrdScheduler *self, TrdLane *lane, const TrdWorld *world)
{
  GSequenceIter *place = g_sequence_get_begin_iter (lane->tasks);
  TrundleWaitReasons reasons = lane_reasons (self, lane, trd_lane_head (lane), world);

  for (; !g_sequence_iter_is_end (place); place = g_sequence_iter_next (place))
    {
      TrdTask *task = g_sequence_get (place);

      if (task->shown_reasons == reasons)
        continue;
      trd_waits_set_reasons (task, reasons, world->now_us);
      trd_registry_emit_task_changed (self->registry, task, TRD_TASK_CHANGE_WAIT_REASONS);
    }

  lane->shown_reasons = reasons;
}

static void
show_all_reasons (TrdScheduler *self, const TrdWorld *world)
{
  GHashTableIter iter;
  TrdLane *lane;

  g_hash_table_iter_init (&iter, self->lanes);
  while (g_hash_table_iter_next (&iter, (gpointer *)&lane, NULL))
    if (lane_reasons (self, lane, trd_lane_head (lane), world) != lane->shown_reasons)
      show_reasons (self, lane, world);
}

TrdDue
trd_scheduler_next_due (TrdScheduler *self)
{
  TrdDue due = trd_agenda_next_due (self->agenda);
  TrdChallenges *challenges = trd_registry_get_challenges (self->registry);

  due.boot_us = trd_sooner_us (due.boot_us, trd_challenges_next_us (challenges));
  return due;
}

/* Never before its date, also when the clock was set back since that came. */
static void
begin (TrdScheduler *self, TrdTask *task, const TrdWorld *world)
{
  if (task->earliest_begin_us <= world->date_us)
    {
      trd_runner_begin (self->runner, task);
      return;
    }

  stand_in_line (self, task);
  trd_registry_emit_task_changed (
      self->registry, task, TRD_TASK_CHANGE_WAIT_REASONS | TRD_TASK_CHANGE_NEXT_ATTEMPT);
}

static gboolean
settle (gpointer user_data)
{
  TrdScheduler *self = user_data;
  TrdWorld world = look_at_world (self);
  TrdTask *task;

  self->settle_source = 0;
  if (!self->started)
    return G_SOURCE_REMOVE;

  expire_overdue (self, &world);
  recheck_space (self, &world);
  release_held (self, &world);
  release_dated (self, &world);
  while ((task = find_best (self, &world)) != NULL)
    begin (self, task, &world);
  show_all_reasons (self, &world);
  trd_agenda_arm (self->agenda);

  return G_SOURCE_REMOVE;
}

static void
settle_soon (TrdScheduler *self)
{
  if (self->settle_source == 0 && self->started)
    self->settle_source = g_idle_add_full (G_PRIORITY_HIGH_IDLE, settle, self, NULL);
}

static void
on_conditions_changed (TrdScheduler *self)
{
  gboolean network = trd_conditions_get (self->env->conditions, "network");
  gboolean is_back = network && !self->network;

  self->network = network;
  if (is_back && self->started)
    trd_registry_end_back_offs (self->registry);
  settle_soon (self);
}

/* ---- following the registry ---- */

static void
follow (TrdScheduler *self, TrdTask *task)
{
  if (task->state == TRUNDLE_TASK_RUNNING)
    trd_slots_take (self->slots, task);
  else
    trd_slots_leave (self->slots, task);
  /* A part that went, or what was reserved for it. */
  self->space_freed |= task->state != TRUNDLE_TASK_RUNNING
                       && task->state != TRUNDLE_TASK_QUEUED;

  if (task->state == TRUNDLE_TASK_QUEUED)
    stand_in_line (self, task);
  else
    leave_line (self, task);
  watch_deadline (self, task);
  settle_soon (self);

  if (trd_slots_count (self->slots) == 0)
    g_signal_emit (self, signals[DRAINED], 0);
}

static void
on_task_added (TrdRegistry *registry, TrdTask *task, TrdScheduler *self)
{
  follow (self, task);
}

static void
on_task_changed (TrdRegistry *registry, TrdTask *task, guint changes, TrdScheduler *self)
{
  if (changes & TRD_TASK_CHANGE_STATE)
    follow (self, task);
  else if (changes & TRD_TASK_CHANGE_DETAILS && task->lane_place != NULL)
    stand_in_line (self, task);
}

static void
on_task_removed (TrdRegistry *registry, TrdTask *task, TrdScheduler *self)
{
  trd_slots_leave (self->slots, task);
  leave_line (self, task);
  trd_agenda_unwatch_deadline (task);
  self->space_freed = TRUE;
  settle_soon (self);
}

static void
show_place (TrdScheduler *self, TrdTask *task)
{
  guint32 shown_reasons = task->shown_reasons;

  stand_in_line (self, task);
  if (task->shown_reasons != shown_reasons)
    trd_registry_emit_task_changed (self->registry, task, TRD_TASK_CHANGE_WAIT_REASONS);
}

/* What its tasks need of the keyring may be known now. */
static void
release_locked (TrdScheduler *self, TrdSession *session)
{
  g_autoptr (GPtrArray) tasks = trd_registry_get_tasks (session);

  for (guint i = 0; i < tasks->len; i++)
    {
      TrdTask *task = g_ptr_array_index (tasks, i);

      if (task->state == TRUNDLE_TASK_QUEUED
          && task->shown_reasons == TRUNDLE_WAIT_KEYRING_LOCKED)
        show_place (self, task);
    }
}

static void
on_loaded (TrdScheduler *self)
{
  g_autoptr (GPtrArray) sessions = trd_registry_list_sessions (self->registry);

  for (guint i = 0; i < sessions->len; i++)
    release_locked (self, g_ptr_array_index (sessions, i));
}

static void
on_session_changed (TrdRegistry *registry, TrdSession *session, TrdScheduler *self)
{
  release_locked (self, session);
  settle_soon (self);
}

static void
on_released (TrdRunner *runner, TrdTask *task, TrdScheduler *self)
{
  if (task->state != TRUNDLE_TASK_QUEUED)
    self->space_freed = TRUE;
  else if (task->alarm_place == NULL)
    stand_in_line (self, task);
  settle_soon (self);
}

static void
on_progress (TrdRunner *runner, TrdTask *task, guint64 fresh, TrdScheduler *self)
{
  gint64 now_us = trd_clock_boottime_us (self->env->clock);
  gint64 elapsed_us = now_us - self->rate_since_us;

  self->rate_bytes += fresh;
  if (elapsed_us >= RATE_WINDOW_US)
    {
      self->rate = self->rate_bytes * TRD_SECOND_US / elapsed_us;
      self->rate_bytes = 0;
      self->rate_since_us = now_us;
    }
  g_signal_emit (self, signals[PROGRESS], 0, task);
}

/* ---- the object ---- */

void
trd_scheduler_start (TrdScheduler *self)
{
  g_autoptr (GPtrArray) sessions = trd_registry_list_sessions (self->registry);

  self->started = TRUE;
  for (guint i = 0; i < sessions->len; i++)
    {
      TrdSession *session = g_ptr_array_index (sessions, i);
      GHashTableIter iter;
      TrdTask *task;

      g_hash_table_iter_init (&iter, session->tasks);
      while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&task))
        if (task->lane_place == NULL && task->alarm_place == NULL)
          follow (self, task);
    }
  settle_soon (self);
}

void
trd_scheduler_stop (TrdScheduler *self)
{
  g_autoptr (GList) running = trd_slots_list (self->slots);

  self->started = FALSE;
  g_clear_handle_id (&self->settle_source, g_source_remove);
  for (GList *l = running; l != NULL; l = l->next)
    {
      g_autoptr (GError) error = NULL;

      if (!trd_turn_single (self->registry, l->data, TRD_TASK_INPUT_HOLD, NULL, &error))
        g_critical ("A running task cannot be held: %s", error->message);
    }
}

guint
trd_scheduler_count_running (TrdScheduler *self)
{
  return trd_slots_count (self->slots);
}

guint
trd_scheduler_count_waiting (TrdScheduler *self)
{
  return trd_agenda_count_waiting (self->agenda) + trd_lanes_count_tasks (self->lanes);
}

guint64
trd_scheduler_get_rate (TrdScheduler *self)
{
  gint64 elapsed_us = trd_clock_boottime_us (self->env->clock) - self->rate_since_us;

  /* Nothing has come for two windows: the last figure is history. */
  return elapsed_us > 2 * RATE_WINDOW_US ? 0 : self->rate;
}

gboolean
trd_scheduler_is_waiting (TrdScheduler *self)
{
  return g_hash_table_size (self->lanes) > 0;
}

TrdScheduler *
trd_scheduler_new (TrdRegistry *registry)
{
  TrdScheduler *self = g_object_new (TRD_TYPE_SCHEDULER, NULL);

  self->registry = g_object_ref (registry);
  self->env = trd_registry_get_env (registry);
  self->runner = trd_runner_new (registry);
  self->network = trd_conditions_get (self->env->conditions, "network");
  self->agenda = trd_agenda_new (self->env->clock, (TrdAlarmFunc)settle_soon, self);
  self->rate_since_us = trd_clock_boottime_us (self->env->clock);

  g_signal_connect_object (registry, "task-added", G_CALLBACK (on_task_added), self, 0);
  g_signal_connect_object (
      registry, "task-changed", G_CALLBACK (on_task_changed), self, 0);
  g_signal_connect_object (
      registry, "task-removed", G_CALLBACK (on_task_removed), self, 0);
  g_signal_connect_object (
      registry, "session-changed", G_CALLBACK (on_session_changed), self, 0);
  g_signal_connect_object (trd_registry_get_cookies (registry),
                           "loaded",
                           G_CALLBACK (settle_soon),
                           self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (trd_registry_get_secret_pool (registry),
                           "loaded",
                           G_CALLBACK (on_loaded),
                           self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->runner, "released", G_CALLBACK (on_released), self, 0);
  g_signal_connect_object (self->runner, "progress", G_CALLBACK (on_progress), self, 0);
  g_signal_connect_object (self->env->conditions,
                           "changed",
                           G_CALLBACK (on_conditions_changed),
                           self,
                           G_CONNECT_SWAPPED);

  return self;
}

static void
trd_scheduler_dispose (GObject *object)
{
  TrdScheduler *self = TRD_SCHEDULER (object);

  g_clear_handle_id (&self->settle_source, g_source_remove);
  trd_agenda_disarm (self->agenda);
  /* Work in threads may hold it; it is over with its runs. */
  if (self->runner != NULL)
    g_object_run_dispose (G_OBJECT (self->runner));
  g_clear_object (&self->runner);
  g_clear_object (&self->registry);

  G_OBJECT_CLASS (trd_scheduler_parent_class)->dispose (object);
}

static void
trd_scheduler_finalize (GObject *object)
{
  TrdScheduler *self = TRD_SCHEDULER (object);

  g_hash_table_unref (self->lanes);
  g_clear_pointer (&self->agenda, trd_agenda_free);
  g_clear_pointer (&self->slots, trd_slots_free);

  G_OBJECT_CLASS (trd_scheduler_parent_class)->finalize (object);
}

static void
trd_scheduler_init (TrdScheduler *self)
{
  self->lanes = trd_lanes_new ();
  self->slots = trd_slots_new ();
}

static void
trd_scheduler_class_init (TrdSchedulerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = trd_scheduler_dispose;
  object_class->finalize = trd_scheduler_finalize;

  signals[DRAINED] = g_signal_new ("drained",
                                   TRD_TYPE_SCHEDULER,
                                   G_SIGNAL_RUN_LAST,
                                   0,
                                   NULL,
                                   NULL,
                                   NULL,
                                   G_TYPE_NONE,
                                   0);
  signals[PROGRESS] = g_signal_new ("progress",
                                    TRD_TYPE_SCHEDULER,
                                    G_SIGNAL_RUN_LAST,
                                    0,
                                    NULL,
                                    NULL,
                                    NULL,
                                    G_TYPE_NONE,
                                    1,
                                    G_TYPE_POINTER);
}
