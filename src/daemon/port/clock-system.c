/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "port/clock.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <glib-unix.h>
#include <glib/gstdio.h>

/* The system's clock.  All delays share one timerfd on CLOCK_BOOTTIME, set to the
 * earliest of them: GLib's own timeouts stand still while the machine sleeps (they are on
 * CLOCK_MONOTONIC), and a back-off of an hour would then last for days.  All dates share
 * another on CLOCK_REALTIME.  That one is absolute, so that the kernel itself fires it
 * when the clock is set past it, and puts it off when it is set back (Linux 6.1, tried).
 * A third, which never fires, only tells that the clock was set, each time.
 *
 * Alarms of a timer fire in the order of their moments, and of one moment in the order in
 * which they were added.  Those that a callback adds wait for the next turn of the main
 * loop, so that alarms that set one another cannot starve it. */

#define TRD_TYPE_CLOCK_SYSTEM (trd_clock_system_get_type ())
G_DECLARE_FINAL_TYPE (TrdClockSystem, trd_clock_system, TRD, CLOCK_SYSTEM, GObject)

/* A clock, its timer, and what waits for it. */
typedef struct
{
  TrdClockSystem *clock; /* (unowned) */
  clockid_t id;
  int fd; /* (owned) */
  guint source_id;
  GSequence *alarms; /* (element-type Alarm) (owned): by moment */
  gint64 armed_us;   /* what the timer is set to, 0: nothing */
} Timer;

typedef struct
{
  guint id;
  guint64 serial;
  Timer *timer; /* (unowned) */
  gint64 due_us;
  TrdAlarmFunc func;
  gpointer user_data;
} Alarm;

struct _TrdClockSystem
{
  GObject parent_instance;

  Timer delays; /* CLOCK_BOOTTIME */
  Timer dates;  /* CLOCK_REALTIME */
  int set_fd;   /* (owned): readable when the clock on the wall was set */
  guint set_source_id;
  guint64 last_serial;
  GHashTable *iters; /* (element-type guint GSequenceIter) (owned): by id */
};

static void
clock_iface_init (TrdClockInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TrdClockSystem,
                               trd_clock_system,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (TRD_TYPE_CLOCK, clock_iface_init))

TrdClock *
trd_clock_new_system (void)
{
  return g_object_new (TRD_TYPE_CLOCK_SYSTEM, NULL);
}

static gint64
read_clock_us (clockid_t id)
{
  struct timespec now;

  clock_gettime (id, &now);
  return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static gint64
get_now_us (TrdClock *clock)
{
  return read_clock_us (CLOCK_REALTIME);
}

static gint64
get_boottime_us (TrdClock *clock)
{
  return read_clock_us (CLOCK_BOOTTIME);
}

static int
compare_alarms (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const Alarm *left = a;
  const Alarm *right = b;

  if (left->due_us != right->due_us)
    return left->due_us < right->due_us ? -1 : 1;
  if (left->serial != right->serial)
    return left->serial < right->serial ? -1 : 1;
  return 0;
}

static Alarm *
peek_first (Timer *self)
{
  GSequenceIter *first = g_sequence_get_begin_iter (self->alarms);

  return g_sequence_iter_is_end (first) ? NULL : g_sequence_get (first);
}

/* Sets the timer to the first alarm, if it is not already. */
static void
arm (Timer *self)
{
  const Alarm *first = peek_first (self);
  gint64 due_us = first == NULL ? 0 : first->due_us;
  struct itimerspec timer = { 0 };

  if (due_us == self->armed_us)
    return;
  timer.it_value.tv_sec = due_us / G_USEC_PER_SEC;
  timer.it_value.tv_nsec = due_us % G_USEC_PER_SEC * 1000;
  if (timerfd_settime (self->fd, TFD_TIMER_ABSTIME, &timer, NULL) < 0)
    g_error ("Setting the timer: %s", g_strerror (errno));
  self->armed_us = due_us;
}

static void
drop_alarm (TrdClockSystem *self, Alarm *alarm)
{
  GSequenceIter *iter = g_hash_table_lookup (self->iters, GUINT_TO_POINTER (alarm->id));

  g_hash_table_remove (self->iters, GUINT_TO_POINTER (alarm->id));
  g_sequence_remove (iter);
}

static gboolean
on_timer (int fd, GIOCondition condition, gpointer user_data)
{
  Timer *timer = user_data;
  g_autoptr (TrdClockSystem) self = g_object_ref (timer->clock);
  gint64 now_us = read_clock_us (timer->id);
  guint64 last_serial = self->last_serial;
  guint64 expirations;
  Alarm *alarm;

  /* Only empties it; nothing to read (EAGAIN) when it was set anew meanwhile. */
  if (read (fd, &expirations, sizeof expirations) < 0 && errno != EAGAIN
      && errno != EINTR)
    g_error ("Reading the timer: %s", g_strerror (errno));
  timer->armed_us = 0;

  while ((alarm = peek_first (timer)) != NULL && alarm->due_us <= now_us
         && alarm->serial <= last_serial)
    {
      TrdAlarmFunc func = alarm->func;
      gpointer data = alarm->user_data;

      drop_alarm (self, alarm);
      func (data);
    }
  arm (timer);

  return G_SOURCE_CONTINUE;
}

/* Ids come round after four thousand million alarms; serials do not. */
static guint
next_id (TrdClockSystem *self)
{
  guint id;

  do
    id = (guint)++self->last_serial;
  while (id == 0 || g_hash_table_contains (self->iters, GUINT_TO_POINTER (id)));

  return id;
}

static guint
insert_alarm (Timer *timer, gint64 due_us, TrdAlarmFunc func, gpointer user_data)
{
  TrdClockSystem *self = timer->clock;
  Alarm *alarm = g_new0 (Alarm, 1);
  GSequenceIter *iter;

  alarm->id = next_id (self);
  alarm->serial = self->last_serial;
  alarm->timer = timer;
  alarm->due_us = due_us;
  alarm->func = func;
  alarm->user_data = user_data;
  iter = g_sequence_insert_sorted (timer->alarms, alarm, compare_alarms, NULL);
  g_hash_table_insert (self->iters, GUINT_TO_POINTER (alarm->id), iter);
  arm (timer);

  return alarm->id;
}

static guint
add_alarm (TrdClock *clock, gint64 delay_us, TrdAlarmFunc func, gpointer user_data)
{
  TrdClockSystem *self = TRD_CLOCK_SYSTEM (clock);
  TrdMoment now = { .boot_us = get_boottime_us (clock) };

  return insert_alarm (
      &self->delays, trd_moment_after (now, MAX (delay_us, 0)), func, user_data);
}

/* 0 would disarm the timer; below it, it is 1970, which has passed. */
static guint
add_date_alarm (TrdClock *clock, gint64 date_us, TrdAlarmFunc func, gpointer user_data)
{
  return insert_alarm (
      &TRD_CLOCK_SYSTEM (clock)->dates, MAX (date_us, 1), func, user_data);
}

static void
remove_alarm (TrdClock *clock, guint id)
{
  TrdClockSystem *self = TRD_CLOCK_SYSTEM (clock);
  GSequenceIter *iter = g_hash_table_lookup (self->iters, GUINT_TO_POINTER (id));
  Timer *timer;

  if (iter == NULL)
    {
      g_critical ("No alarm has the id %u", id);
      return;
    }
  timer = ((Alarm *)g_sequence_get (iter))->timer;
  drop_alarm (self, g_sequence_get (iter));
  arm (timer);
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
watch_set (TrdClockSystem *self)
{
  struct itimerspec never = { .it_value.tv_sec = G_MAXINT32 * G_GINT64_CONSTANT (1000) };

  if (timerfd_settime (
          self->set_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL)
      < 0)
    g_error ("Watching the clock: %s", g_strerror (errno));
}

static gboolean
on_set (int fd, GIOCondition condition, gpointer user_data)
{
  g_autoptr (TrdClockSystem) self = g_object_ref (user_data);
  guint64 expirations;

  /* Fails with ECANCELED, once for all times that it was set. */
  if (read (fd, &expirations, sizeof expirations) < 0 && errno != ECANCELED
      && errno != EAGAIN && errno != EINTR)
    g_error ("Reading the timer: %s", g_strerror (errno));
  trd_clock_emit_was_set (TRD_CLOCK (self));

  return G_SOURCE_CONTINUE;
}

static void
init_timer (TrdClockSystem *self, Timer *timer, clockid_t id)
{
  timer->clock = self;
  timer->id = id;
  timer->alarms = g_sequence_new (g_free);
  timer->fd = timerfd_create (id, TFD_CLOEXEC | TFD_NONBLOCK);
  if (timer->fd < 0)
    g_error ("Making a timer: %s", g_strerror (errno));
  timer->source_id = g_unix_fd_add (timer->fd, G_IO_IN, on_timer, timer);
}

static void
clear_timer (Timer *timer)
{
  if (timer->fd >= 0)
    g_close (timer->fd, NULL);
  g_sequence_free (timer->alarms);
}

static void
trd_clock_system_dispose (GObject *object)
{
  TrdClockSystem *self = TRD_CLOCK_SYSTEM (object);

  g_clear_handle_id (&self->delays.source_id, g_source_remove);
  g_clear_handle_id (&self->dates.source_id, g_source_remove);
  g_clear_handle_id (&self->set_source_id, g_source_remove);

  G_OBJECT_CLASS (trd_clock_system_parent_class)->dispose (object);
}

static void
trd_clock_system_finalize (GObject *object)
{
  TrdClockSystem *self = TRD_CLOCK_SYSTEM (object);

  g_hash_table_unref (self->iters);
  clear_timer (&self->delays);
  clear_timer (&self->dates);
  if (self->set_fd >= 0)
    g_close (self->set_fd, NULL);

  G_OBJECT_CLASS (trd_clock_system_parent_class)->finalize (object);
}

static void
trd_clock_system_class_init (TrdClockSystemClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = trd_clock_system_dispose;
  object_class->finalize = trd_clock_system_finalize;
}

static void
trd_clock_system_init (TrdClockSystem *self)
{
  self->iters = g_hash_table_new (NULL, NULL);
  init_timer (self, &self->delays, CLOCK_BOOTTIME);
  init_timer (self, &self->dates, CLOCK_REALTIME);
  self->set_fd = timerfd_create (CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  if (self->set_fd < 0)
    g_error ("Making a timer: %s", g_strerror (errno));
  watch_set (self);
  self->set_source_id = g_unix_fd_add (self->set_fd, G_IO_IN, on_set, self);
}
