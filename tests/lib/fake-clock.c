/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "fake-clock.h"

/* Alarms lie in a list sorted by their moment, and for one moment by the order in which
 * they were added: the same promise as the system's clock makes. */

typedef struct
{
  guint id;
  gint64 due_us; /* boot time */
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
add_alarm (TrdClock *clock, gint64 delay_us, TrdAlarmFunc func, gpointer user_data)
{
  FakeClock *self = FAKE_CLOCK (clock);
  Alarm *alarm = g_new0 (Alarm, 1);

  alarm->id = ++self->last_id;
  if (delay_us >= G_MAXINT64 - self->boottime_us)
    alarm->due_us = G_MAXINT64;
  else
    alarm->due_us = self->boottime_us + MAX (delay_us, 0);
  alarm->func = func;
  alarm->user_data = user_data;
  g_queue_insert_sorted (&self->alarms, alarm, compare_alarms, NULL);

  return alarm->id;
}

static void
remove_alarm (TrdClock *clock, guint id)
{
  FakeClock *self = FAKE_CLOCK (clock);

  for (GList *l = self->alarms.head; l != NULL; l = l->next)
    {
      Alarm *alarm = l->data;

      if (alarm->id != id)
        continue;
      g_queue_delete_link (&self->alarms, l);
      g_free (alarm);
      return;
    }
  g_error ("Alarm %u is spent, removed already, or never was", id);
}

static Alarm *
pop_due (FakeClock *self, gint64 until_us)
{
  Alarm *alarm = g_queue_peek_head (&self->alarms);

  if (alarm == NULL || alarm->due_us > until_us)
    return NULL;
  return g_queue_pop_head (&self->alarms);
}

static void
move_to (FakeClock *self, gint64 boottime_us)
{
  if (boottime_us <= self->boottime_us)
    return;
  self->now_us += boottime_us - self->boottime_us;
  self->boottime_us = boottime_us;
}

void
fake_clock_advance (FakeClock *self, gint64 us)
{
  gint64 target_us = self->boottime_us + us;
  guint n_fired = 0;
  Alarm *alarm;

  g_return_if_fail (FAKE_IS_CLOCK (self));
  g_return_if_fail (us >= 0);

  while ((alarm = pop_due (self, target_us)) != NULL)
    {
      /* Alarms that set one another without end would hang the test. */
      g_assert_cmpuint (++n_fired, <, 100000);
      move_to (self, alarm->due_us);
      alarm->func (alarm->user_data);
      g_free (alarm);
    }
  move_to (self, target_us);
}

void
fake_clock_set_now (FakeClock *self, gint64 now_us)
{
  self->now_us = now_us;
}

guint
fake_clock_count_alarms (FakeClock *self)
{
  return self->alarms.length;
}

gint64
fake_clock_get_next_us (FakeClock *self)
{
  Alarm *alarm = g_queue_peek_head (&self->alarms);

  return alarm == NULL ? -1 : MAX (alarm->due_us - self->boottime_us, 0);
}

static void
clock_iface_init (TrdClockInterface *iface)
{
  iface->now_us = get_now_us;
  iface->boottime_us = get_boottime_us;
  iface->add_alarm = add_alarm;
  iface->remove_alarm = remove_alarm;
}

static void
fake_clock_finalize (GObject *object)
{
  g_queue_clear_full (&FAKE_CLOCK (object)->alarms, g_free);
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
}
