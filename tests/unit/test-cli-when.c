/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "cli/when.h"

/* In a zone two hours east, it is noon on the last day of the year. */
typedef struct
{
  const char *text;
  const char *expected; /* (nullable): in UTC; NULL: not a date */
} DateCase;

static const DateCase dates[] = {
  { "22:00", "2026-12-31T20:00:00Z" },
  { "22:00:30", "2026-12-31T20:00:30Z" },
  { "9:30", "2027-01-01T07:30:00Z" },
  { "12:00", "2027-01-01T10:00:00Z" },
  { "2026-12-31T22:00", "2026-12-31T20:00:00Z" },
  { "2026-12-31 22:00", "2026-12-31T20:00:00Z" },
  { "2026-12-31 22:00:30", "2026-12-31T20:00:30Z" },
  { "2026-12-31T22:00Z", "2026-12-31T22:00:00Z" },
  { "2026-12-31T22:00:00Z", "2026-12-31T22:00:00Z" },
  { "2026-12-31T22:00+05:00", "2026-12-31T17:00:00Z" },
  { "2027-01-02", "2027-01-01T22:00:00Z" },
  { "2001-01-01", "2000-12-31T22:00:00Z" },
  { "", NULL },
  { "soon", NULL },
  { "24:00", NULL },
  { "22:60", NULL },
  { "22:00 ", NULL },
  { "-1:00", NULL },
  { "22:", NULL },
  { "2026-13-01", NULL },
  { "2026-12-31T22", NULL },
  { "2026-12-31T22:00 tomorrow", NULL },
  { "1900-01-01", NULL },
};

static void
check_date (gconstpointer data)
{
  const DateCase *c = data;
  g_autoptr (GTimeZone) zone = g_time_zone_new_identifier ("+02:00");
  g_autoptr (GDateTime) now = g_date_time_new (zone, 2026, 12, 31, 12, 0, 0);
  g_autoptr (GDateTime) found = NULL;
  g_autofree char *shown = NULL;
  gint64 date_us = -1;

  if (c->expected == NULL)
    {
      g_assert_false (trc_parse_date (c->text, now, zone, &date_us));
      g_assert_cmpint (date_us, ==, -1);
      return;
    }

  g_assert_true (trc_parse_date (c->text, now, zone, &date_us));
  found = g_date_time_new_from_unix_utc (date_us / G_USEC_PER_SEC);
  shown = g_date_time_format (found, "%Y-%m-%dT%H:%M:%SZ");
  g_assert_cmpstr (shown, ==, c->expected);
}

typedef struct
{
  const char *text;
  gint64 expected; /* seconds; 0: not a duration */
} DurationCase;

static const DurationCase durations[] = {
  { "45s", 45 },
  { "30m", 1800 },
  { "12h", 43200 },
  { "2d", 172800 },
  { "1h30m", 5400 },
  { "", 0 },
  { "30", 0 },
  { "0s", 0 },
  { "h", 0 },
  { "1h ", 0 },
  { "-1h", 0 },
  { "1.5h", 0 },
  { "36525d", G_GINT64_CONSTANT (3155760000) },
  { "36525d1s", 0 },
  { "99999999999999999999d", 0 },
};

static void
check_duration (gconstpointer data)
{
  const DurationCase *c = data;
  gint64 duration_us = 0;

  g_assert_cmpint (trc_parse_duration (c->text, &duration_us), ==, c->expected != 0);
  g_assert_cmpint (duration_us, ==, c->expected * G_USEC_PER_SEC);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (dates); i++)
    {
      g_autofree char *path = g_strdup_printf ("/cli-when/date/“%s”", dates[i].text);

      g_test_add_data_func (path, &dates[i], check_date);
    }
  for (guint i = 0; i < G_N_ELEMENTS (durations); i++)
    {
      g_autofree char *path = g_strdup_printf ("/cli-when/in/“%s”", durations[i].text);

      g_test_add_data_func (path, &durations[i], check_duration);
    }

  return g_test_run ();
}
