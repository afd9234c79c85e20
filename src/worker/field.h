/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

typedef enum
{
  TRW_FIELD_BOOLEAN,
  TRW_FIELD_INTEGER,
  TRW_FIELD_OTHER, /* a decimal, string, token, byte sequence, date, or inner list */
} TrwFieldType;

typedef struct
{
  TrwFieldType type;
  gboolean boolean;
  gint64 integer; /* of 15 digits at most */
} TrwFieldValue;

/* A member of a dictionary that is asked for. */
typedef struct
{
  const char *key; /* (unowned) */
  gboolean is_present;
  TrwFieldValue value;
} TrwFieldMember;

/* An Item (RFC 9651 §4.2.3) of @text, which may be NULL; its parameters are checked, and
 * ignored.  FALSE for what is none: the field is to be ignored as a whole. */
gboolean
trw_field_parse_item (const char *text, TrwFieldValue *out_value);

/* A Dictionary (RFC 9651 §4.2.2) of @text: sets those of the @n_members, each not present
 * as given, that are in it; others are skipped.  FALSE, with @members untouched, for what
 * is no dictionary.  One without members is one. */
gboolean
trw_field_parse_dictionary (const char *text, TrwFieldMember *members, guint n_members);
