/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long a server asks us to wait.  Pure; what is made of it is for the daemon. */

#include "config.h"

#include "retry-after.h"

#include "common/http-date.h"

#include <string.h>

#define WAIT_MAX_S (G_GINT64_CONSTANT (365) * 24 * 3600)

/* However many digits there are. */
static gint64
parse_seconds (const char *digits)
{
  guint64 seconds;

  if (!g_ascii_string_to_unsigned (digits, 10, 0, WAIT_MAX_S, &seconds, NULL))
    return WAIT_MAX_S;
  return (gint64)seconds;
}

gboolean
trw_retry_after_parse (const char *value,
                       const char *date,
                       gint64 now_us,
                       guint64 *out_ms)
{
  g_autofree char *word = g_strstrip (g_strdup (value != NULL ? value : ""));
  gint64 wait_s;
  gint64 until_s;
  gint64 from_s;

  if (*word == '\0')
    return FALSE;
  if (strspn (word, "0123456789") == strlen (word))
    wait_s = parse_seconds (word);
  else if (trundle_http_date_parse (word, &until_s))
    {
      if (!trundle_http_date_parse (date, &from_s))
        from_s = now_us / G_USEC_PER_SEC;
      wait_s = until_s - from_s;
    }
  else
    return FALSE;
  *out_ms = (guint64)CLAMP (wait_s, 0, WAIT_MAX_S) * 1000;
  return TRUE;
}
