/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Dates of HTTP: the one form that is sent, and the two obsolete ones that must be read.
 * The daemon judges validators by them and knows nothing of libsoup, hence here. */

#include "config.h"

#include "common/http-date.h"

#include <string.h>

#define TEXT_MAX 64

/* Of the words of a date: where each thing stands. */
typedef struct
{
  guint n_words;
  guint day;
  guint month;
  guint year;
  guint time; /* first of three */
} Form;

static const Form forms[] = {
  { 8, 1, 2, 3, 4 }, /* Sun, 06 Nov 1994 08:49:37 GMT; Sunday, 06-Nov-94 08:49:37 GMT */
  { 7, 2, 1, 6, 3 }, /* Sun Nov  6 08:49:37 1994 */
};

static gboolean
parse_number (const char *word, guint max, guint *out_number)
{
  guint64 number;

  if (!g_ascii_string_to_unsigned (word, 10, 0, max, &number, NULL))
    return FALSE;
  *out_number = (guint)number;
  return TRUE;
}

static gboolean
parse_month (const char *word, guint *out_month)
{
  static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const char *place = strlen (word) == 3 ? strstr (names, word) : NULL;

  if (place == NULL || (place - names) % 3 != 0)
    return FALSE;
  *out_month = (guint)(place - names) / 3 + 1;
  return TRUE;
}

/* Two digits that seem to be more than 50 years ahead are of the century before. */
static gboolean
parse_year (const char *word, guint *out_year)
{
  g_autoptr (GDateTime) now = NULL;
  guint this_year;

  if (!parse_number (word, 9999, out_year))
    return FALSE;
  if (strlen (word) == 4)
    return TRUE;
  if (strlen (word) != 2)
    return FALSE;
  now = g_date_time_new_now_utc ();
  this_year = (guint)g_date_time_get_year (now);
  *out_year += this_year - this_year % 100;
  if (*out_year > this_year + 50)
    *out_year -= 100;
  return TRUE;
}

/* Which day it is called does not matter; but the text may be sent back to the server. */
static gboolean
is_word (const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    {
      if (!g_ascii_isalpha (*p))
        return FALSE;
    }
  return TRUE;
}

static gboolean
parse_words (GPtrArray *words, const Form *form, gint64 *out_seconds)
{
  g_autoptr (GDateTime) date = NULL;
  guint day, month, year, hour, minute, second;

  if (form->n_words == 8 && strcmp (words->pdata[7], "GMT") != 0)
    return FALSE;
  if (!is_word (words->pdata[0]) || !parse_number (words->pdata[form->day], 31, &day)
      || !parse_month (words->pdata[form->month], &month)
      || !parse_year (words->pdata[form->year], &year)
      || !parse_number (words->pdata[form->time], 23, &hour)
      || !parse_number (words->pdata[form->time + 1], 59, &minute)
      || !parse_number (words->pdata[form->time + 2], 60, &second))
    return FALSE;
  date = g_date_time_new_utc (
      (int)year, (int)month, (int)day, (int)hour, (int)minute, MIN (second, 59));
  if (date == NULL)
    return FALSE;
  *out_seconds = g_date_time_to_unix (date);
  return TRUE;
}

gboolean
trundle_http_date_parse (const char *text, gint64 *out_seconds)
{
  g_auto (GStrv) split = NULL;
  g_autoptr (GPtrArray) words = g_ptr_array_new ();

  if (text == NULL || strlen (text) > TEXT_MAX)
    return FALSE;
  split = g_strsplit_set (text, " ,-:", -1);
  for (guint i = 0; split[i] != NULL; i++)
    {
      if (*split[i] != '\0')
        g_ptr_array_add (words, split[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      if (words->len == forms[i].n_words)
        return parse_words (words, &forms[i], out_seconds);
    }
  return FALSE;
}
