/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "value/log.h"

#include <string.h>

#include "common/url.h"

/* The log: GLib's structured one, which writes to the journal when stderr is the journal.
 * Secrets travel in addresses, so that every address is redacted on its way out, whoever
 * put it there and whatever error message it came with. */

/* What cannot be part of an address in running text. */
#define ADDRESS_ENDS " \t\r\n\"'<>`{}|\\^"

static GLogWriterOutput
write_redacted (GLogLevelFlags level,
                const GLogField *fields,
                gsize n_fields,
                gpointer user_data)
{
  g_autofree GLogField *copy = g_memdup2 (fields, n_fields * sizeof *fields);
  g_autofree char *message = NULL;

  for (gsize i = 0; i < n_fields && message == NULL; i++)
    {
      if (!g_str_equal (copy[i].key, "MESSAGE") || copy[i].length >= 0)
        continue;
      message = trd_log_redact (copy[i].value);
      copy[i].value = message;
    }
  return g_log_writer_default (level, copy, n_fields, user_data);
}

void
trd_log_set_up (void)
{
  g_log_set_writer_func (write_redacted, NULL, NULL);
}

void
trd_log_task (
    GLogLevelFlags level, gint64 session_id, gint64 task_id, const char *format, ...)
{
  g_autofree char *message = NULL;
  g_autofree char *session = g_strdup_printf ("%" G_GINT64_FORMAT, session_id);
  g_autofree char *task = g_strdup_printf ("%" G_GINT64_FORMAT, task_id);
  g_auto (GVariantDict) fields = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) sunk = NULL;
  va_list arguments;

  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);

  g_variant_dict_insert (&fields, "MESSAGE", "s", message);
  if (session_id != 0)
    g_variant_dict_insert (&fields, "TRUNDLE_SESSION", "s", session);
  if (task_id != 0)
    g_variant_dict_insert (&fields, "TRUNDLE_TASK", "s", task);
  sunk = g_variant_ref_sink (g_variant_dict_end (&fields));
  g_log_variant (G_LOG_DOMAIN, level, sunk);
}

/* Redacts the address of @length bytes; one that was redacted before stays as it is. */
static void
append_redacted (GString *to, const char *address, gsize length)
{
  static const char hidden[] = "?…";
  g_autofree char *copy = g_strndup (address, length);
  g_autofree char *redacted = NULL;
  gboolean was_redacted = g_str_has_suffix (copy, hidden);

  if (was_redacted)
    copy[length - strlen (hidden)] = '\0';
  redacted = trundle_url_redact (copy);
  g_string_append (to, redacted);
  if (was_redacted)
    g_string_append (to, hidden);
}

char *
trd_log_redact (const char *text)
{
  GString *redacted = g_string_new (NULL);
  const char *rest = text;
  const char *colon;

  while ((colon = strstr (rest, "://")) != NULL)
    {
      const char *start = colon;
      gsize length;

      while (start > rest && (g_ascii_isalnum (start[-1]) || strchr ("+-.", start[-1])))
        start--;
      length = strcspn (start, ADDRESS_ENDS);
      g_string_append_len (redacted, rest, start - rest);
      append_redacted (redacted, start, length);
      rest = start + length;
    }
  g_string_append (redacted, rest);

  return g_string_free (redacted, FALSE);
}
