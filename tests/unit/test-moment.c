/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "value/moment.h"

/* Seconds, for numbers that can be read: written at date 1000 and boot time 100. */
typedef struct
{
  const char *name;
  TrdMoment moment;
  TrdRestart restart;
  gint64 longest;
  gint64 expected; /* what memory holds */
} Case;

#define DAY 86400

static const Case cases[] = {
  { "none", { 0, 0 }, { { 1010, 110 }, TRUE, { 0, 0 } }, 60, 0 },
  { "never", { G_MAXINT64, G_MAXINT64 }, { { 9, 9 }, FALSE, { 0, 0 } }, 60, G_MAXINT64 },
  { "suspended", { -30, 0 }, { { 9, 9 }, FALSE, { 0, 0 } }, 60, -30 },

  /* The same boot: its clock decides, wherever the one on the wall stands. */
  { "same", { 1050, 150 }, { { 1010, 110 }, TRUE, { 0, 0 } }, 60, 150 },
  { "same-set-back", { 1050, 150 }, { { 10, 110 }, TRUE, { 0, 0 } }, 60, 150 },
  { "same-set-on", { 1050, 150 }, { { 9999, 110 }, TRUE, { 0, 0 } }, 60, 150 },
  { "same-suspended", { 1050, 150 }, { { 1900, 1000 }, TRUE, { 0, 0 } }, 60, 150 },
  { "same-too-long", { 1500, 600 }, { { 1010, 110 }, TRUE, { 0, 0 } }, 60, 170 },

  /* Another boot, last looked at when 40 were left. */
  { "off-for-10", { 1050, 150 }, { { 1020, 7 }, FALSE, { 1010, 110 } }, 60, 37 },
  { "off-for-long", { 1050, 150 }, { { 9000, 7 }, FALSE, { 1010, 110 } }, 60, 7 },
  { "no-battery", { 1050, 150 }, { { 3, 7 }, FALSE, { 1010, 110 } }, 60, 47 },
  { "was-ahead", { 1050, 150 }, { { 500, 7 }, FALSE, { 1010, 110 } }, 60, 47 },
  { "was-over", { 1050, 150 }, { { 1110, 7 }, FALSE, { 1100, 200 } }, 60, 7 },
  /* Written down, then the clock was set: the dates of both belong together no more. */
  { "set-back-before",
    { 1050 + DAY, 150 },
    { { 1020, 7 }, FALSE, { 1010, 110 } },
    DAY,
    37 },
  { "set-on-before",
    { 1050, 150 },
    { { 1020 + DAY, 7 }, FALSE, { 1010 + DAY, 110 } },
    DAY,
    37 },
  { "up-for-longer",
    { 1050, 150 },
    { { 1020, 99999 }, FALSE, { 1010, 110 } },
    60,
    100029 },

  /* Only dates are known. */
  { "date", { 1050, 0 }, { { 1020, 7 }, TRUE, { 0, 0 } }, 60, 37 },
  { "date-unknown-last", { 1050, 150 }, { { 1020, 7 }, FALSE, { 0, 0 } }, 60, 37 },
  { "date-is-over", { 1050, 0 }, { { 2000, 7 }, FALSE, { 0, 0 } }, 60, 7 },
  { "date-no-battery", { 1050, 0 }, { { 3, 7 }, FALSE, { 1010, 110 } }, 60, 47 },
  { "date-too-long", { 1050, 0 }, { { 3, 7 }, FALSE, { 0, 0 } }, 60, 67 },
};

static void
check_restore (gconstpointer data)
{
  const Case *c = data;

  g_assert_cmpint (
      trd_moment_restore (c->moment, &c->restart, c->longest), ==, c->expected);
}

static void
check_after (void)
{
  TrdMoment now = { 1000, 100 };

  g_assert_cmpint (trd_moment_after (now, 5), ==, 105);
  g_assert_cmpint (trd_moment_after (now, G_MAXINT64), ==, G_MAXINT64);
  g_assert_cmpint (trd_moment_after (now, G_MAXINT64 - 100), ==, G_MAXINT64);
  g_assert_cmpint (trd_moment_after (now, G_MAXINT64 - 101), ==, G_MAXINT64 - 1);
}

/* What is written down and read in the same moment is the same. */
static void
check_at (void)
{
  static const gint64 held[] = { 0, 1, 99, 100, 101, 5000, -1, -5000, G_MAXINT64 };
  TrdMoment now = { 1000, 100 };
  TrdRestart restart = { .now = now, .same_boot = TRUE };

  for (guint i = 0; i < G_N_ELEMENTS (held); i++)
    g_assert_cmpint (
        trd_moment_restore (trd_moment_at (now, held[i]), &restart, G_MAXINT64),
        ==,
        held[i]);

  g_assert_cmpint (trd_moment_at (now, 150).wall_us, ==, 1050);
  g_assert_cmpint (trd_moment_at (now, 150).boot_us, ==, 150);
}

static void
check_date (void)
{
  TrdMoment now = { 1000, 100 };
  TrdMoment early = { 5, 100 };

  g_assert_cmpint (trd_moment_date (now, 150), ==, 1050);
  g_assert_cmpint (trd_moment_date (now, 0), ==, 0);
  g_assert_cmpint (trd_moment_date (now, -3), ==, 0);
  g_assert_cmpint (trd_moment_date (now, G_MAXINT64), ==, 0);
  /* Over before 1970: still a date. */
  g_assert_cmpint (trd_moment_date (early, 50), ==, 1);
}

static void
check_sooner (void)
{
  g_assert_cmpint (trd_sooner_us (0, 0), ==, 0);
  g_assert_cmpint (trd_sooner_us (0, 7), ==, 7);
  g_assert_cmpint (trd_sooner_us (7, 0), ==, 7);
  g_assert_cmpint (trd_sooner_us (7, 8), ==, 7);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/moment/restore/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], check_restore);
    }
  g_test_add_func ("/moment/after", check_after);
  g_test_add_func ("/moment/at", check_at);
  g_test_add_func ("/moment/date", check_date);
  g_test_add_func ("/moment/sooner", check_sooner);

  return g_test_run ();
}
