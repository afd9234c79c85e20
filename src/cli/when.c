/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "cli/when.h"

#include <stdio.h>
#include <string.h>

/* A hundred years, as for all durations of the service. */
#define DURATION_MAX_US (G_GINT64_CONSTANT (36525) * G_TIME_SPAN_DAY)

/* "22:00" or "22:00:30". */
static gboolean
parse_time (const char *text, int *out_hour, int *out_minute, int *out_second)
{
  int length = 0;

  *out_second = 0;
  if (sscanf (text, "%2d:%2d%n", out_hour, out_minute, &length) != 2 || length < 4)
    return FALSE;
  if (text[length] == ':' && g_ascii_isdigit (text[length + 1]))
    {
      int more = 0;

      if (sscanf (text + length, ":%2d%n", out_second, &more) != 1)
        return FALSE;
      length += more;
    }

  return text[length] == '\0' && g_ascii_isdigit (text[0]);
}

/* Today, or tomorrow when that has passed. */
static GDateTime *
find_next (GDateTime *now, GTimeZone *zone, int hour, int minute, int second)
{
  g_autoptr (GDateTime) here = g_date_time_to_timezone (now, zone);

  for (int days = 0; days < 2; days++)
    {
      g_autoptr (GDateTime) day = g_date_time_add_days (here, days);
      g_autoptr (GDateTime) date = g_date_time_new (zone,
                                                    g_date_time_get_year (day),
                                                    g_date_time_get_month (day),
                                                    g_date_time_get_day_of_month (day),
                                                    hour,
                                                    minute,
                                                    second);

      if (date == NULL || g_date_time_compare (date, now) > 0)
        return g_steal_pointer (&date);
    }

  return NULL;
}

/* GLib's reader wants the "T" and all of the time (2.74). */
static GDateTime *
read_iso (const char *text, GTimeZone *zone)
{
  g_autoptr (GString) iso = g_string_new (text);
  gsize tail;

  if (iso->len == strlen ("2026-12-31"))
    g_string_append (iso, "T00:00:00");
  if (iso->len < strlen ("2026-12-31T22:00"))
    return NULL;
  if (iso->str[10] == ' ')
    iso->str[10] = 'T';
  tail = strlen ("2026-12-31T22:00");
  if (iso->str[tail] != ':')
    g_string_insert (iso, (gssize)tail, ":00");

  return g_date_time_new_from_iso8601 (iso->str, zone);
}

gboolean
trc_parse_date (const char *text, GDateTime *now, GTimeZone *zone, gint64 *out_us)
{
  g_autoptr (GDateTime) date = NULL;
  int hour;
  int minute;
  int second;

  if (parse_time (text, &hour, &minute, &second))
    date = find_next (now, zone, hour, minute, second);
  else
    date = read_iso (text, zone);
  if (date == NULL || g_date_time_to_unix (date) <= 0)
    return FALSE;

  *out_us = g_date_time_to_unix (date) * G_USEC_PER_SEC;
  return TRUE;
}

static gint64
unit_us (char letter)
{
  switch (letter)
    {
    case 's':
      return G_TIME_SPAN_SECOND;
    case 'm':
      return G_TIME_SPAN_MINUTE;
    case 'h':
      return G_TIME_SPAN_HOUR;
    case 'd':
      return G_TIME_SPAN_DAY;
    default:
      return 0;
    }
}

gboolean
trc_parse_duration (const char *text, gint64 *out_us)
{
  gint64 sum_us = 0;

  while (*text != '\0')
    {
      char *end;
      gint64 number;
      gint64 unit;

      if (!g_ascii_isdigit (*text))
        return FALSE;
      number = g_ascii_strtoll (text, &end, 10);
      unit = unit_us (*end);
      if (unit == 0 || number > (DURATION_MAX_US - sum_us) / unit)
        return FALSE;
      sum_us += number * unit;
      text = end + 1;
    }

  if (sum_us == 0)
    return FALSE;
  *out_us = sum_us;
  return TRUE;
}
