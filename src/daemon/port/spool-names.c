/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "port/spool-names.h"

#include <string.h>
#include <sys/random.h>

#include "value/body.h"

#define PREFIX ".trundle-"
#define SUFFIX ".part"
#define RANDOM_DIGITS 16

static guint64
draw_random (void)
{
  guint64 random;

  if (getrandom (&random, sizeof random, 0) != sizeof random)
    random = (guint64)g_random_int () << 32 | g_random_int ();
  return random;
}

/* Nobody may guess it, and wait in a shared directory with a file of that name. */
char *
trd_spool_make_part_name (gint64 task_id)
{
  return g_strdup_printf (PREFIX "%" G_GINT64_FORMAT "-%016" G_GINT64_MODIFIER "x" SUFFIX,
                          task_id,
                          draw_random ());
}

char *
trd_spool_make_body_name (void)
{
  return g_strdup_printf (TRD_BODY_FILE_PREFIX "%016" G_GINT64_MODIFIER
                                               "x%016" G_GINT64_MODIFIER "x",
                          draw_random (),
                          draw_random ());
}

static gint64
parse_number (const char *text)
{
  guint64 id;

  if (!g_ascii_isdigit (*text) || *text == '0'
      || !g_ascii_string_to_unsigned (text, 10, 1, G_MAXINT64, &id, NULL))
    return 0;
  return (gint64)id;
}

gint64
trd_spool_parse_part_name (const char *name)
{
  g_autofree char *number = NULL;
  const char *dash;

  if (!g_str_has_prefix (name, PREFIX))
    return 0;
  name += strlen (PREFIX);
  dash = strchr (name, '-');
  if (dash == NULL || strlen (dash) != 1 + RANDOM_DIGITS + strlen (SUFFIX)
      || strspn (dash + 1, "0123456789abcdef") != RANDOM_DIGITS
      || !g_str_has_suffix (dash, SUFFIX))
    return 0;
  number = g_strndup (name, (gsize)(dash - name));
  return parse_number (number);
}

gint64
trd_spool_parse_name (const char *name)
{
  g_autofree char *number = g_strdup (name);

  if (g_str_has_suffix (number, TRD_SPOOL_DECODED_SUFFIX))
    number[strlen (number) - strlen (TRD_SPOOL_DECODED_SUFFIX)] = '\0';
  return parse_number (number);
}
