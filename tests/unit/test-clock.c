/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "await.h"
#include "fake-clock.h"
#include "port/clock.h"

#include <string.h>

typedef struct
{
  TrdClock *clock;
  GString *fired;
  guint removed_id; /* removed by the first alarm */
  guint n_repeats;
  gint64 due_us;
} Fixture;

typedef struct
{
  Fixture *fixture;
  char letter;
} Mark;

static void
on_mark (gpointer user_data)
{
  Mark *mark = user_data;

  g_string_append_c (mark->fixture->fired, mark->letter);
}

/* Both clocks keep the same promises. */
static TrdClock *
new_clock (gconstpointer is_fake)
{
  return is_fake != NULL ? TRD_CLOCK (fake_clock_new ()) : trd_clock_new_system ();
}

static void
set_up (Fixture *fixture, gconstpointer is_fake)
{
  fixture->clock = new_clock (is_fake);
  fixture->fired = g_string_new (NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer is_fake)
{
  g_object_unref (fixture->clock);
  g_string_free (fixture->fired, TRUE);
}

static void
await_fired (Fixture *fixture, const char *expected)
{
  if (FAKE_IS_CLOCK (fixture->clock))
    fake_clock_advance (FAKE_CLOCK (fixture->clock), G_TIME_SPAN_SECOND);
  else
    test_await (fixture->fired->len >= strlen (expected));
  g_assert_cmpstr (fixture->fired->str, ==, expected);
}

static void
test_order (Fixture *fixture, gconstpointer is_fake)
{
  Mark a = { fixture, 'a' };
  Mark b = { fixture, 'b' };
  Mark c = { fixture, 'c' };
  Mark d = { fixture, 'd' };

  trd_clock_add_alarm (fixture->clock, 30000, on_mark, &d);
  trd_clock_add_alarm (fixture->clock, 20000, on_mark, &c);
  trd_clock_add_alarm (fixture->clock, 0, on_mark, &a);
  trd_clock_add_alarm (fixture->clock, -5000, on_mark, &b);
  g_assert_cmpstr (fixture->fired->str, ==, "");

  await_fired (fixture, "abcd");
}

static void
test_remove (Fixture *fixture, gconstpointer is_fake)
{
  Mark a = { fixture, 'a' };
  Mark b = { fixture, 'b' };
  guint id = trd_clock_add_alarm (fixture->clock, 1000, on_mark, &a);

  g_assert_cmpuint (id, >, 0);
  trd_clock_add_alarm (fixture->clock, 2000, on_mark, &b);
  trd_clock_remove_alarm (fixture->clock, id);

  await_fired (fixture, "b");
}

static void
on_remove_other (gpointer user_data)
{
  Fixture *fixture = user_data;

  g_string_append_c (fixture->fired, 'r');
  trd_clock_remove_alarm (fixture->clock, fixture->removed_id);
}

/* Both are due in the same turn. */
static void
test_remove_within (Fixture *fixture, gconstpointer is_fake)
{
  Mark a = { fixture, 'a' };
  Mark b = { fixture, 'b' };

  trd_clock_add_alarm (fixture->clock, 0, on_remove_other, fixture);
  fixture->removed_id = trd_clock_add_alarm (fixture->clock, 0, on_mark, &a);
  trd_clock_add_alarm (fixture->clock, 5000, on_mark, &b);

  await_fired (fixture, "rb");
}

static void
on_repeat (gpointer user_data)
{
  Fixture *fixture = user_data;

  g_string_append_c (fixture->fired, 'x');
  if (++fixture->n_repeats < 5)
    trd_clock_add_alarm (fixture->clock, 0, on_repeat, fixture);
}

static void
test_add_within (Fixture *fixture, gconstpointer is_fake)
{
  trd_clock_add_alarm (fixture->clock, 0, on_repeat, fixture);

  await_fired (fixture, "xxxxx");
}

/* Those added by a callback do not keep the rest of the main loop waiting. */
static void
test_no_starvation (void)
{
  g_autoptr (TrdClock) clock = trd_clock_new_system ();
  Fixture fixture = { clock, g_string_new (NULL), 0, 0 };

  trd_clock_add_alarm (clock, 0, on_repeat, &fixture);
  test_await (fixture.fired->len > 0);
  g_assert_cmpuint (fixture.fired->len, ==, 1);

  test_await (fixture.fired->len == 5);
  g_string_free (fixture.fired, TRUE);
}

static void
test_never (Fixture *fixture, gconstpointer is_fake)
{
  Mark a = { fixture, 'a' };
  Mark b = { fixture, 'b' };
  guint id = trd_clock_add_alarm (fixture->clock, G_MAXINT64, on_mark, &a);

  trd_clock_add_alarm (fixture->clock, 1000, on_mark, &b);
  await_fired (fixture, "b");

  trd_clock_remove_alarm (fixture->clock, id);
}

/* Dates and delays, each in order. */
static void
test_dates (Fixture *fixture, gconstpointer is_fake)
{
  gint64 now_us = trd_clock_now_us (fixture->clock);
  Mark a = { fixture, 'a' };
  Mark b = { fixture, 'b' };
  Mark c = { fixture, 'c' };
  Mark d = { fixture, 'd' };
  guint id;

  trd_clock_add_date_alarm (fixture->clock, now_us + 60000, on_mark, &d);
  trd_clock_add_alarm (fixture->clock, 40000, on_mark, &c);
  trd_clock_add_date_alarm (fixture->clock, now_us + 20000, on_mark, &b);
  trd_clock_add_date_alarm (fixture->clock, 0, on_mark, &a);
  id = trd_clock_add_date_alarm (fixture->clock, now_us + 10000, on_mark, &d);
  trd_clock_remove_alarm (fixture->clock, id);
  id = trd_clock_add_date_alarm (fixture->clock, G_MAXINT64, on_mark, &d);

  await_fired (fixture, "abcd");
  trd_clock_remove_alarm (fixture->clock, id);
}

static void
on_date (gpointer user_data)
{
  Fixture *fixture = user_data;

  g_assert_cmpint (trd_clock_now_us (fixture->clock), >=, fixture->due_us);
  g_string_append_c (fixture->fired, '!');
}

static void
test_date_is_not_early (Fixture *fixture, gconstpointer is_fake)
{
  fixture->due_us = trd_clock_now_us (fixture->clock) + 50000;
  trd_clock_add_date_alarm (fixture->clock, fixture->due_us, on_date, fixture);

  await_fired (fixture, "!");
}

typedef struct
{
  TrdClock *clock;
  gint64 due_us;
  guint *n_fired;
} Timed;

static void
on_timed (gpointer user_data)
{
  Timed *timed = user_data;

  g_assert_cmpint (trd_clock_boottime_us (timed->clock), >=, timed->due_us);
  (*timed->n_fired)++;
}

/* A thousand of them, each once and none before its time. */
static void
test_many (void)
{
  g_autoptr (TrdClock) clock = trd_clock_new_system ();
  g_autofree Timed *timed = g_new0 (Timed, 1000);
  guint n_fired = 0;

  for (guint i = 0; i < 1000; i++)
    {
      gint64 delay_us = g_test_rand_int_range (0, 100000);

      timed[i].clock = clock;
      timed[i].due_us = trd_clock_boottime_us (clock) + delay_us;
      timed[i].n_fired = &n_fired;
      trd_clock_add_alarm (clock, delay_us, on_timed, &timed[i]);
    }
  test_await (n_fired == 1000);
}

static void
test_now (void)
{
  g_autoptr (TrdClock) clock = trd_clock_new_system ();
  gint64 before_us = g_get_real_time ();

  g_assert_cmpint (trd_clock_now_us (clock), >=, before_us);
  g_assert_cmpint (trd_clock_boottime_us (clock), >, 0);
}

static void
test_fake_time (void)
{
  g_autoptr (FakeClock) fake = fake_clock_new ();
  TrdClock *clock = TRD_CLOCK (fake);
  gint64 now_us = trd_clock_now_us (clock);
  gint64 boot_us = trd_clock_boottime_us (clock);

  fake_clock_advance (fake, 5);
  g_assert_cmpint (trd_clock_now_us (clock), ==, now_us + 5);
  g_assert_cmpint (trd_clock_boottime_us (clock), ==, boot_us + 5);

  fake_clock_set_now (fake, 1);
  g_assert_cmpint (trd_clock_boottime_us (clock), ==, boot_us + 5);
  g_assert_cmpint (fake_clock_get_next_us (fake), ==, -1);
}

static void
count_up (guint *n)
{
  (*n)++;
}

/* Setting the clock calls dates and no delays; sleeping calls both. */
static void
test_fake_jumps (void)
{
  g_autoptr (FakeClock) fake = fake_clock_new ();
  TrdClock *clock = TRD_CLOCK (fake);
  Fixture fixture = { .clock = clock, .fired = g_string_new (NULL) };
  gint64 now_us = trd_clock_now_us (clock);
  guint n_set = 0;
  Mark date = { &fixture, 'd' };
  Mark delay = { &fixture, 'l' };

  g_signal_connect_swapped (clock, "was-set", G_CALLBACK (count_up), &n_set);
  trd_clock_add_date_alarm (clock, now_us + G_TIME_SPAN_HOUR, on_mark, &date);
  trd_clock_add_alarm (clock, G_TIME_SPAN_HOUR, on_mark, &delay);
  fake_clock_set_now (fake, now_us - G_TIME_SPAN_DAY);
  g_assert_cmpstr (fixture.fired->str, ==, "");
  fake_clock_set_now (fake, now_us + G_TIME_SPAN_HOUR);
  g_assert_cmpstr (fixture.fired->str, ==, "d");
  g_assert_cmpuint (n_set, ==, 2);
  fake_clock_suspend (fake, 3 * G_TIME_SPAN_HOUR);
  g_assert_cmpstr (fixture.fired->str, ==, "dl");
  g_assert_cmpint (trd_clock_now_us (clock), ==, now_us + 4 * G_TIME_SPAN_HOUR);

  g_string_free (fixture.fired, TRUE);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*test) (Fixture *fixture, gconstpointer is_fake);
  } tests[] = {
    { "order", test_order },
    { "remove", test_remove },
    { "remove-within", test_remove_within },
    { "add-within", test_add_within },
    { "never", test_never },
    { "dates", test_dates },
    { "date-is-not-early", test_date_is_not_early },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    for (guint fake = 0; fake < 2; fake++)
      {
        g_autofree char *path = g_strdup_printf (
            "/clock/%s/%s", fake ? "fake" : "system", tests[i].name);

        g_test_add (
            path, Fixture, GUINT_TO_POINTER (fake), set_up, tests[i].test, tear_down);
      }
  g_test_add_func ("/clock/system/no-starvation", test_no_starvation);
  g_test_add_func ("/clock/system/many", test_many);
  g_test_add_func ("/clock/system/now", test_now);
  g_test_add_func ("/clock/fake/time", test_fake_time);
  g_test_add_func ("/clock/fake/jumps", test_fake_jumps);

  return g_test_run ();
}
