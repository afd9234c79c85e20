/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "fake-clock.h"

/* Alarms lie in a list sorted by their moment, and for one moment by the order in which
 * they were added: the same promise as the system's clock makes.  Dates lie in another.
 */

typedef struct
{
  guint id;
  gint64 due_us; /* boot time, or a date */
  TrdAlarmFunc func;
  gpointer user_data;
} Alarm;

struct _FakeClock
{
  GObject parent_instance;

  gint64 now_us;
  gint64 boottime_us;
  guint last_id;
  GQueue alarms; /* (element-type Alarm) (owned) */
  GQueue dates;  /* (element-type Alarm) (owned) */
};

static void
clock_iface_init (TrdClockInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (FakeClock,
                               fake_clock,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (TRD_TYPE_CLOCK, clock_iface_init))

FakeClock *
fake_clock_new (void)
{
  return g_object_new (FAKE_TYPE_CLOCK, NULL);
}

static int
compare_alarms (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const Alarm *left = a;
  const Alarm *right = b;

  if (left->due_us != right->due_us)
    return left->due_us < right->due_us ? -1 : 1;
  return left->id < right->id ? -1 : 1;
}

static gint64
get_now_us (TrdClock *clock)
{
  return FAKE_CLOCK (clock)->now_us;
}

static gint64
get_boottime_us (TrdClock *clock)
{
  return FAKE_CLOCK (clock)->boottime_us;
}

static guint
insert_alarm (
    FakeClock *self, GQueue *queue, gint64 due_us, TrdAlarmFunc func, gpointer user_data)
{
  Alarm *alarm = g_new0 (Alarm, 1);

  alarm->id = ++self->last_id;
  alarm->due_us = due_us;
  alarm->func = func;
  alarm->user_data = user_data;
  g_queue_insert_sorted (queue, alarm, compare_alarms, NULL);

  return alarm->id;
}

static guint
add_alarm (TrdClock *clock, gint64 delay_us, TrdAlarmFunc func, gpointer user_data)
{
  FakeClock *self = FAKE_CLOCK (clock);

  return insert_alarm (self,
                       &self->alarms,
                       trd_moment_after (trd_clock_now (clock), MAX (delay_us, 0)),
                       func,
                       user_data);
}

static guint
add_date_alarm (TrdClock *clock, gint64 date_us, TrdAlarmFunc func, gpointer user_data)
{
  FakeClock *self = FAKE_CLOCK (clock);

  return insert_alarm (self, &self->dates, date_us, func, user_data);
}

static gboolean
remove_from (GQueue *queue, guint id)
{
  for (GList *l = queue->head; l != NULL; l = l->next)
    {
      Alarm *alarm = l->data;

      if (alarm->id != id)
        continue;
      g_queue_delete_link (queue, l);
      g_free (alarm);
      return TRUE;
    }
  return FALSE;
}

static void
remove_alarm (TrdClock *clock, guint id)
{
  FakeClock *self = FAKE_CLOCK (clock);

  if (!remove_from (&self->alarms, id) && !remove_from (&self->dates, id))
    g_error ("Alarm %u is spent, removed already, or never was", id);
}

/* Time until the first of @queue, whose clock shows @now_us; -1 when it is empty. */
static gint64
left_us (GQueue *queue, gint64 now_us)
{
  Alarm *alarm = g_queue_peek_head (queue);

  if (alarm == NULL)
    return -1;
  return alarm->due_us > now_us ? alarm->due_us - now_us : 0;
}

/* The one that is due next, when it is due within @us; how soon in @out_left_us. */
static Alarm *
pop_due (FakeClock *self, gint64 us, gint64 *out_left_us)
{
  gint64 delay_us = left_us (&self->alarms, self->boottime_us);
  gint64 date_us = left_us (&self->dates, self->now_us);
  gboolean is_date = delay_us < 0 || (date_us >= 0 && date_us < delay_us);
  gint64 next_us = is_date ? date_us : delay_us;

  if (next_us < 0 || next_us > us)
    return NULL;

  *out_left_us = next_us;
  return g_queue_pop_head (is_date ? &self->dates : &self->alarms);
}

void
fake_clock_advance (FakeClock *self, gint64 us)
{
  guint n_fired = 0;
  gint64 passed_us;
  Alarm *alarm;

  g_return_if_fail (FAKE_IS_CLOCK (self));
  g_return_if_fail (us >= 0);

  while ((alarm = pop_due (self, us, &passed_us)) != NULL)
    {
      /* Alarms that set one another without end would hang the test. */
      g_assert_cmpuint (++n_fired, <, 100000);
      self->now_us += passed_us;
      self->boottime_us += passed_us;
      us -= passed_us;
      alarm->func (alarm->user_data);
      g_free (alarm);
    }
  self->now_us += us;
  self->boottime_us += us;
}

void
fake_clock_set_now (FakeClock *self, gint64 now_us)
{
  self->now_us = now_us;
  trd_clock_emit_was_set (TRD_CLOCK (self));
  fake_clock_advance (self, 0);
}

void
fake_clock_suspend (FakeClock *self, gint64 us)
{
  self->now_us += us;
  self->boottime_us += us;
  fake_clock_advance (self, 0);
}

void
fake_clock_reboot (FakeClock *self, gint64 now_us)
{
  g_assert_cmpuint (self->alarms.length + self->dates.length, ==, 0);

  self->now_us = now_us;
  self->boottime_us = G_TIME_SPAN_MINUTE;
}

gint64
fake_clock_get_next_us (FakeClock *self)
{
  gint64 delay_us = left_us (&self->alarms, self->boottime_us);
  gint64 date_us = left_us (&self->dates, self->now_us);

  if (delay_us < 0 || date_us < 0)
    return MAX (delay_us, date_us);
  return MIN (delay_us, date_us);
}

static void
clock_iface_init (TrdClockInterface *iface)
{
  iface->now_us = get_now_us;
  iface->boottime_us = get_boottime_us;
  iface->add_alarm = add_alarm;
  iface->add_date_alarm = add_date_alarm;
  iface->remove_alarm = remove_alarm;
}

static void
fake_clock_finalize (GObject *object)
{
  g_queue_clear_full (&FAKE_CLOCK (object)->alarms, g_free);
  g_queue_clear_full (&FAKE_CLOCK (object)->dates, g_free);
  G_OBJECT_CLASS (fake_clock_parent_class)->finalize (object);
}

static void
fake_clock_class_init (FakeClockClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = fake_clock_finalize;
}

static void
fake_clock_init (FakeClock *self)
{
  g_autoptr (GDateTime) noon = g_date_time_new_utc (2026, 1, 1, 12, 0, 0);

  self->now_us = g_date_time_to_unix (noon) * G_USEC_PER_SEC;
  self->boottime_us = G_TIME_SPAN_HOUR;
  g_queue_init (&self->alarms);
  g_queue_init (&self->dates);
}
