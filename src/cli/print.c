/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sizes, times, names and JSON: everything about looks that is not a progress bar.  Pure
 * but for the functions that write. */

#include "config.h"

#include "cli/print.h"

#include <glib/gi18n.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Characters of what a server says: a sentence, no page. */
#define FIRST_LINE_MAX 200

void
trc_print_text (const char *text)
{
  g_print ("%s", text);
  /* GDBus ignores SIGPIPE for the whole process, so that a closed pipe must be seen. */
  if (ferror (stdout))
    exit (EXIT_FAILURE);
}

void
trc_print_line (const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *line = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  line = g_strconcat (text, "\n", NULL);
  trc_print_text (line);
}

gboolean
trc_print_is_terminal (void)
{
  return isatty (STDOUT_FILENO);
}

char *
trc_print_size (gint64 bytes)
{
  return bytes < 0 ? g_strdup ("?") : g_format_size ((guint64)bytes);
}

char *
trc_print_rate (double bytes_per_second)
{
  g_autofree char *size = trc_print_size ((gint64)bytes_per_second);

  /* Translators: a rate, as "12.3 MB/s" */
  return g_strdup_printf (_ ("%s/s"), size);
}

char *
trc_print_duration (gint64 seconds)
{
  int second = (int)(seconds % 60);
  int minute = (int)(seconds / 60 % 60);
  int hour = (int)(seconds / 3600 % 24);
  gint64 days = seconds / 86400;

  if (seconds < 0)
    return g_strdup ("?");
  if (days > 0)
    /* Translators: days, hours, minutes and seconds */
    return g_strdup_printf (
        _ ("%" G_GINT64_FORMAT " d %02d:%02d:%02d"), days, hour, minute, second);
  if (hour > 0)
    return g_strdup_printf ("%d:%02d:%02d", hour, minute, second);
  return g_strdup_printf ("%d:%02d", minute, second);
}

char *
trc_print_time (gint64 realtime_us)
{
  g_autoptr (GDateTime) utc = NULL;
  g_autoptr (GDateTime) local = NULL;

  if (realtime_us <= 0)
    return g_strdup (_ ("never"));
  utc = g_date_time_new_from_unix_utc (realtime_us / G_USEC_PER_SEC);
  if (utc == NULL)
    return g_strdup ("?");
  local = g_date_time_to_local (utc);
  return g_date_time_format (local, "%Y-%m-%d %H:%M:%S");
}

gint64
trc_print_time_left (guint64 moved, gint64 all, double bytes_per_second)
{
  double left;

  if (all < 0 || moved > (guint64)all || !(bytes_per_second > 0))
    return -1;
  left = ceil ((double)((guint64)all - moved) / bytes_per_second);
  /* A stalled rate gives years; more than a hundred days says nothing. */
  return left > 8640000 ? -1 : (gint64)left;
}

char *
trc_print_clean (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *out = g_string_new (NULL);

  for (const char *at = valid; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);
      GUnicodeType type = g_unichar_type (c);

      if (type == G_UNICODE_CONTROL || type == G_UNICODE_LINE_SEPARATOR
          || type == G_UNICODE_PARAGRAPH_SEPARATOR || (c >= 0x202a && c <= 0x202e)
          || (c >= 0x2066 && c <= 0x2069))
        g_string_append_unichar (out, 0xfffd);
      else
        g_string_append_unichar (out, c);
    }
  return g_string_free (out, FALSE);
}

static guint
columns_of (gunichar c)
{
  if (g_unichar_iszerowidth (c))
    return 0;
  return g_unichar_iswide (c) ? 2 : 1;
}

guint
trc_print_columns (const char *text)
{
  guint columns = 0;

  for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at))
    columns += columns_of (g_utf8_get_char (at));
  return columns;
}

static char *
fit (const char *text, guint columns, guint tail_columns)
{
  GString *out = g_string_new (NULL);
  guint left = trc_print_columns (text);
  guint taken = 0;
  gboolean must_cut = left > columns;
  const char *at = text;

  /* The head: all of it, or what leaves room for the mark and the tail. */
  for (; *at != '\0'; at = g_utf8_next_char (at))
    {
      guint width = columns_of (g_utf8_get_char (at));

      if (must_cut && taken + width + 1 + tail_columns > columns)
        break;
      taken += width;
      left -= width;
    }
  g_string_append_len (out, text, at - text);

  if (must_cut && columns > 0)
    {
      for (; *at != '\0' && left > tail_columns; at = g_utf8_next_char (at))
        left -= columns_of (g_utf8_get_char (at));
      g_string_append (out, "…");
      g_string_append (out, at);
      taken += 1 + left;
    }
  for (; taken < columns; taken++)
    g_string_append_c (out, ' ');
  return g_string_free (out, FALSE);
}

char *
trc_print_fit (const char *text, guint columns)
{
  return fit (text, columns, 0);
}

char *
trc_print_fit_middle (const char *text, guint columns)
{
  return fit (text, columns, columns > 8 ? columns / 3 : 0);
}

char *
trc_print_kebab (const char *name)
{
  GString *out = g_string_new (NULL);

  for (const char *at = name; *at != '\0'; at++)
    {
      if (g_ascii_isupper (*at) && at != name)
        g_string_append_c (out, '-');
      g_string_append_c (out, g_ascii_tolower (*at));
    }
  return g_string_free (out, FALSE);
}

typedef struct
{
  const char *word;
  const char *text;
} Phrase;

static const Phrase wait_reasons[] = {
  { "earliest-begin", N_ ("not before its date") },
  { "delayed-request", N_ ("the application decides") },
  { "no-network", N_ ("no network") },
  { "captive-portal", N_ ("the network wants a login") },
  { "metered", N_ ("the network is metered") },
  { "constrained", N_ ("the network is constrained") },
  { "power", N_ ("no mains power") },
  { "asleep", N_ ("the computer goes to sleep") },
  { "slot-host", N_ ("others from this server first") },
  { "slot-app", N_ ("others of this application first") },
  { "slot-total", N_ ("other transfers first") },
  { "back-off", N_ ("tries again soon") },
  { "retry-after", N_ ("the server asked to wait") },
  { "authentication", N_ ("an answer of yours") },
  { "keyring-locked", N_ ("the keyring is locked") },
  { "disk-space", N_ ("no disk space") },
  { "destination-gone", N_ ("the destination folder is not there") },
  { "paused-by-user", N_ ("paused by you") },
  { "denied-by-user", N_ ("denied by you") },
  { "byte-budget", N_ ("the data allowance is used up") },
};

static const Phrase states[] = {
  { "suspended", N_ ("suspended") }, { "queued", N_ ("waiting") },
  { "running", N_ ("running") },     { "challenged", N_ ("needs an answer") },
  { "finished", N_ ("finished") },
};

/* A word of a newer service is shown as it came. */
static const Phrase severities[] = {
  { "info", N_ ("Note") },
  { "warning", N_ ("Warning") },
  { "error", N_ ("Error") },
};

static const Phrase kinds[] = {
  { "download", N_ ("download") },
  { "upload", N_ ("upload") },
};

static const char *
find_phrase (const Phrase *phrases, gsize n_phrases, const char *word)
{
  for (gsize i = 0; i < n_phrases; i++)
    if (g_str_equal (phrases[i].word, word))
      return _ (phrases[i].text);

  return word;
}

const char *
trc_print_state (const char *word)
{
  return find_phrase (states, G_N_ELEMENTS (states), word);
}

const char *
trc_print_kind (const char *word)
{
  return find_phrase (kinds, G_N_ELEMENTS (kinds), word);
}

char *
trc_print_first_line (GVariant *bytes)
{
  gsize size = 0;
  const char *start = g_variant_get_fixed_array (bytes, &size, 1);
  g_autofree char *text = size > 0 ? g_strndup (start, size) : g_strdup ("");
  g_autofree char *clean = NULL;
  char *line = g_strchug (text);

  line[strcspn (line, "\r\n")] = '\0';
  if (line[0] == '<' || !g_utf8_validate (line, -1, NULL))
    return g_strdup ("");

  clean = trc_print_clean (g_strchomp (line));
  if (g_utf8_strlen (clean, -1) <= FIRST_LINE_MAX)
    return g_steal_pointer (&clean);
  *g_utf8_offset_to_pointer (clean, FIRST_LINE_MAX) = '\0';
  return g_strconcat (clean, "…", NULL);
}

const char *
trc_print_direction (gboolean is_upload)
{
  if (g_get_charset (NULL))
    return is_upload ? "↑" : "↓";
  return is_upload ? "^" : "v";
}

const char *
trc_print_severity (const char *word)
{
  return find_phrase (severities, G_N_ELEMENTS (severities), word);
}

char *
trc_print_wait_reasons (GVariant *words)
{
  GString *out = g_string_new (NULL);
  GVariantIter iter;
  const char *word;

  g_variant_iter_init (&iter, words);
  while (g_variant_iter_next (&iter, "&s", &word))
    {
      if (out->len > 0)
        g_string_append (out, ", ");
      g_string_append (out,
                       find_phrase (wait_reasons, G_N_ELEMENTS (wait_reasons), word));
    }
  return g_string_free (out, FALSE);
}

void
trc_print_json_string (GString *out, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  g_string_append_c (out, '"');
  for (const char *at = valid; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);

      if (c == '"' || c == '\\')
        g_string_append_printf (out, "\\%c", (char)c);
      else if (c == '\n')
        g_string_append (out, "\\n");
      else if (c == '\r')
        g_string_append (out, "\\r");
      else if (c == '\t')
        g_string_append (out, "\\t");
      /* The separators U+2028 and U+2029 end lines for some readers. */
      else if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029)
        g_string_append_printf (out, "\\u%04x", c);
      else
        g_string_append_unichar (out, c);
    }
  g_string_append_c (out, '"');
}

static void
print_json_number (GString *out, GVariant *value)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree char *text = NULL;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BYTE))
    g_string_append_printf (out, "%u", g_variant_get_byte (value));
  else if (!g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE))
    {
      /* The text form of a whole number, without its type, is JSON. */
      text = g_variant_print (value, FALSE);
      g_string_append (out, text);
    }
  else if (isfinite (g_variant_get_double (value)))
    g_string_append (
        out, g_ascii_dtostr (buffer, sizeof buffer, g_variant_get_double (value)));
  else
    g_string_append (out, "null");
}

/* Children of an array, a tuple or a dictionary, between @brackets. */
static void
print_json_children (GString *out, GVariant *container, const char *brackets)
{
  gboolean is_object = brackets[0] == '{';

  g_string_append_c (out, brackets[0]);
  for (gsize i = 0; i < g_variant_n_children (container); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (container, i);
      g_autoptr (GVariant) key = is_object ? g_variant_get_child_value (child, 0) : NULL;
      g_autoptr (GVariant) value = is_object ? g_variant_get_child_value (child, 1)
                                             : NULL;

      if (i > 0)
        g_string_append_c (out, ',');
      if (is_object)
        {
          trc_print_json_string (out, g_variant_get_string (key, NULL));
          g_string_append_c (out, ':');
        }
      trc_print_json_value (out, is_object ? value : child);
    }
  g_string_append_c (out, brackets[1]);
}

static void
print_json_container (GString *out, GVariant *value)
{
  g_autoptr (GVariant) inner = NULL;
  g_autofree char *base64 = NULL;
  gsize size = 0;
  const void *bytes;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_VARIANT))
    inner = g_variant_get_variant (value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_MAYBE))
    inner = g_variant_get_maybe (value);

  if (inner != NULL)
    trc_print_json_value (out, inner);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_MAYBE))
    g_string_append (out, "null");
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING))
    {
      bytes = g_variant_get_fixed_array (value, &size, 1);
      base64 = g_base64_encode (bytes, size);
      trc_print_json_string (out, base64);
    }
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE ("a{s*}")))
    print_json_children (out, value, "{}");
  else
    print_json_children (out, value, "[]");
}

void
trc_print_json_value (GString *out, GVariant *value)
{
  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_BOOLEAN:
      g_string_append (out, g_variant_get_boolean (value) ? "true" : "false");
      break;
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
      trc_print_json_string (out, g_variant_get_string (value, NULL));
      break;
    case G_VARIANT_CLASS_BYTE:
    case G_VARIANT_CLASS_INT16:
    case G_VARIANT_CLASS_UINT16:
    case G_VARIANT_CLASS_INT32:
    case G_VARIANT_CLASS_UINT32:
    case G_VARIANT_CLASS_INT64:
    case G_VARIANT_CLASS_UINT64:
    case G_VARIANT_CLASS_HANDLE:
    case G_VARIANT_CLASS_DOUBLE:
      print_json_number (out, value);
      break;
    case G_VARIANT_CLASS_VARIANT:
    case G_VARIANT_CLASS_MAYBE:
    case G_VARIANT_CLASS_ARRAY:
    case G_VARIANT_CLASS_TUPLE:
    case G_VARIANT_CLASS_DICT_ENTRY:
      print_json_container (out, value);
      break;
    }
}

void
trc_print_json_line (GVariant *dict)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (dict);
  g_autoptr (GString) out = g_string_new (NULL);

  trc_print_json_value (out, owned);
  g_string_append_c (out, '\n');
  trc_print_text (out->str);
}
