/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Structured fields (RFC 9651, and RFC 8941 before it): booleans and integers are read,
 * all else is checked and skipped, since a field of which a part is no good is to be
 * ignored as a whole.  Pure. */

#include "config.h"

#include "field.h"

#include <string.h>

#define INTEGER_DIGITS 15
#define DECIMAL_DIGITS 12
#define FRACTION_DIGITS 3

typedef struct
{
  const char *at; /* (unowned): what is not read yet */
} Reader;

static gboolean
take (Reader *self, char c)
{
  if (*self->at != c)
    return FALSE;
  self->at++;
  return TRUE;
}

static void
skip (Reader *self, const char *blanks)
{
  self->at += strspn (self->at, blanks);
}

/* Numbers (§4.2.4) */

static gboolean
read_number (Reader *self, TrwFieldValue *out_value)
{
  gboolean is_negative = take (self, '-');
  gsize n_digits = strspn (self->at, "0123456789");
  gint64 integer = 0;

  if (n_digits == 0 || n_digits > INTEGER_DIGITS)
    return FALSE;
  for (gsize i = 0; i < n_digits; i++)
    integer = integer * 10 + (self->at[i] - '0');
  self->at += n_digits;
  out_value->type = TRW_FIELD_INTEGER;
  out_value->integer = is_negative ? -integer : integer;
  if (!take (self, '.'))
    return TRUE;

  out_value->type = TRW_FIELD_OTHER;
  if (n_digits > DECIMAL_DIGITS)
    return FALSE;
  n_digits = strspn (self->at, "0123456789");
  self->at += n_digits;
  return n_digits >= 1 && n_digits <= FRACTION_DIGITS;
}

/* §4.2.9 */
static gboolean
read_date (Reader *self)
{
  TrwFieldValue seconds;

  return take (self, '@') && read_number (self, &seconds)
         && seconds.type == TRW_FIELD_INTEGER;
}

/* What is between quotes (§4.2.5, §4.2.10), or colons (§4.2.7) */

static gboolean
read_string (Reader *self)
{
  if (!take (self, '"'))
    return FALSE;
  while (*self->at >= 0x20 && *self->at < 0x7f)
    {
      if (take (self, '"'))
        return TRUE;
      if (take (self, '\\') && *self->at != '"' && *self->at != '\\')
        return FALSE;
      self->at++;
    }
  return FALSE;
}

static int
read_hex_digit (Reader *self)
{
  const char *digits = "0123456789abcdef";
  const char *found = *self->at != '\0' ? strchr (digits, *self->at) : NULL;

  if (found == NULL)
    return -1;
  self->at++;
  return (int)(found - digits);
}

static gboolean
read_display_string (Reader *self)
{
  g_autoptr (GString) decoded = g_string_new (NULL);

  if (!take (self, '%') || !take (self, '"'))
    return FALSE;
  while (*self->at >= 0x20 && *self->at < 0x7f)
    {
      if (take (self, '"'))
        return g_utf8_validate (decoded->str, (gssize)decoded->len, NULL);
      if (take (self, '%'))
        {
          int high = read_hex_digit (self);
          int low = high >= 0 ? read_hex_digit (self) : -1;

          if (low < 0)
            return FALSE;
          g_string_append_c (decoded, (char)(high * 16 + low));
          continue;
        }
      g_string_append_c (decoded, *self->at++);
    }
  return FALSE;
}

static gboolean
read_bytes (Reader *self)
{
  if (!take (self, ':'))
    return FALSE;
  while (g_ascii_isalnum (*self->at)
         || (*self->at != '\0' && strchr ("+/=", *self->at) != NULL))
    self->at++;
  return take (self, ':');
}

/* Words */

/* §4.2.6 */
static gboolean
read_token (Reader *self)
{
  if (!g_ascii_isalpha (*self->at) && *self->at != '*')
    return FALSE;
  while (g_ascii_isalnum (*self->at)
         || (*self->at != '\0' && strchr ("!#$%&'*+-.^_`|~:/", *self->at) != NULL))
    self->at++;
  return TRUE;
}

/* §4.2.3.3 */
static gboolean
read_key (Reader *self, const char **out_key, gsize *out_length)
{
  const char *start = self->at;

  if (!g_ascii_islower (*self->at) && *self->at != '*')
    return FALSE;
  while (g_ascii_islower (*self->at) || g_ascii_isdigit (*self->at)
         || (*self->at != '\0' && strchr ("_-.*", *self->at) != NULL))
    self->at++;
  *out_key = start;
  *out_length = (gsize)(self->at - start);
  return TRUE;
}

/* §4.2.8 */
static gboolean
read_boolean (Reader *self, TrwFieldValue *out_value)
{
  if (!take (self, '?'))
    return FALSE;
  out_value->type = TRW_FIELD_BOOLEAN;
  out_value->boolean = *self->at == '1';
  return take (self, '0') || take (self, '1');
}

/* Items and lists */

/* §4.2.3.1 */
static gboolean
read_bare_item (Reader *self, TrwFieldValue *out_value)
{
  *out_value = (TrwFieldValue){ .type = TRW_FIELD_OTHER };
  switch (*self->at)
    {
    case '"':
      return read_string (self);
    case ':':
      return read_bytes (self);
    case '?':
      return read_boolean (self, out_value);
    case '@':
      return read_date (self);
    case '%':
      return read_display_string (self);
    default:
      if (*self->at == '-' || g_ascii_isdigit (*self->at))
        return read_number (self, out_value);
      return read_token (self);
    }
}

/* §4.2.3.2 */
static gboolean
read_parameters (Reader *self)
{
  TrwFieldValue value;
  const char *key;
  gsize length;

  while (take (self, ';'))
    {
      skip (self, " ");
      if (!read_key (self, &key, &length))
        return FALSE;
      if (take (self, '=') && !read_bare_item (self, &value))
        return FALSE;
    }
  return TRUE;
}

static gboolean
read_item (Reader *self, TrwFieldValue *out_value)
{
  return read_bare_item (self, out_value) && read_parameters (self);
}

/* §4.2.1.2 */
static gboolean
read_inner_list (Reader *self, TrwFieldValue *out_value)
{
  TrwFieldValue value;

  if (!take (self, '('))
    return FALSE;
  for (;;)
    {
      skip (self, " ");
      if (take (self, ')'))
        break;
      if (!read_item (self, &value) || (*self->at != ' ' && *self->at != ')'))
        return FALSE;
    }
  *out_value = (TrwFieldValue){ .type = TRW_FIELD_OTHER };
  return read_parameters (self);
}

static gboolean
read_member_value (Reader *self, TrwFieldValue *out_value)
{
  if (!take (self, '='))
    {
      *out_value = (TrwFieldValue){ .type = TRW_FIELD_BOOLEAN, .boolean = TRUE };
      return read_parameters (self);
    }
  return *self->at == '(' ? read_inner_list (self, out_value)
                          : read_item (self, out_value);
}

/* The last of several with one key counts (§4.2.2). */
static void
keep_member (TrwFieldMember *members,
             guint n_members,
             const char *key,
             gsize length,
             const TrwFieldValue *value)
{
  for (guint i = 0; i < n_members; i++)
    {
      if (strlen (members[i].key) != length || strncmp (members[i].key, key, length) != 0)
        continue;
      members[i].is_present = TRUE;
      members[i].value = *value;
    }
}

static gboolean
read_members (Reader *self, TrwFieldMember *members, guint n_members)
{
  skip (self, " ");
  if (*self->at == '\0')
    return TRUE;
  for (;;)
    {
      TrwFieldValue value;
      const char *key;
      gsize length;

      if (!read_key (self, &key, &length) || !read_member_value (self, &value))
        return FALSE;
      keep_member (members, n_members, key, length, &value);
      skip (self, " \t");
      if (*self->at == '\0')
        return TRUE;
      if (!take (self, ','))
        return FALSE;
      skip (self, " \t");
    }
}

gboolean
trw_field_parse_item (const char *text, TrwFieldValue *out_value)
{
  Reader reader = { text };
  TrwFieldValue value;

  if (text == NULL)
    return FALSE;
  skip (&reader, " ");
  if (!read_item (&reader, &value))
    return FALSE;
  skip (&reader, " ");
  if (*reader.at != '\0')
    return FALSE;
  *out_value = value;
  return TRUE;
}

gboolean
trw_field_parse_dictionary (const char *text, TrwFieldMember *members, guint n_members)
{
  Reader reader = { text };
  g_autofree TrwFieldMember *found = g_memdup2 (members, n_members * sizeof *members);

  if (text == NULL || !read_members (&reader, found, n_members))
    return FALSE;
  memcpy (members, found, n_members * sizeof *members);
  return TRUE;
}
