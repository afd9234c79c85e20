/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* draft-ietf-httpbis-resumable-upload: interop version 6 is -05, version 8 is -09 and all
 * that followed until July 2026.  Pure. */

#include "config.h"

#include "ietf.h"

#include "field.h"

#define VERSION_HEADER "Upload-Draft-Interop-Version"
#define OFFSET_HEADER "Upload-Offset"
#define LIMIT_HEADER "Upload-Limit"

#define NUMBER_SIZE 24

static const TrwIetfVersion versions[] = {
  {
      .word = "ietf-8",
      .number = 8,
      .media_type = "application/partial-upload",
      .complete_header = "Upload-Complete",
      .length_header = "Upload-Length",
      .age_limit = "max-age",
      .limits_creation = TRUE,
      .marks_answer = TRUE,
  },
  {
      .word = "ietf-6",
      .number = 6,
      .media_type = "application/partial-upload",
      .complete_header = "Upload-Complete",
      .length_header = "Upload-Length",
      .age_limit = "expires",
      .limits_creation = FALSE,
      .marks_answer = FALSE,
  },
};

const TrwIetfVersion *
trw_ietf_get_versions (guint *out_n)
{
  *out_n = G_N_ELEMENTS (versions);
  return versions;
}

const TrwIetfVersion *
trw_ietf_find (const char *word)
{
  for (guint i = 0; i < G_N_ELEMENTS (versions); i++)
    {
      if (g_str_equal (versions[i].word, word))
        return &versions[i];
    }
  return NULL;
}

const TrwIetfVersion *
trw_ietf_find_number (gint64 number)
{
  for (guint i = 0; i < G_N_ELEMENTS (versions); i++)
    {
      if (versions[i].number == number)
        return &versions[i];
    }
  return NULL;
}

/* Repeated fields are one, with commas, which no item is. */
static gboolean
read_item (SoupMessageHeaders *headers,
           const char *name,
           TrwFieldType type,
           TrwFieldValue *out_value)
{
  return trw_field_parse_item (soup_message_headers_get_list (headers, name), out_value)
         && out_value->type == type;
}

static gint64
read_number (SoupMessageHeaders *headers, const char *name, gint64 otherwise)
{
  TrwFieldValue value;

  if (!read_item (headers, name, TRW_FIELD_INTEGER, &value) || value.integer < 0)
    return otherwise;
  return value.integer;
}

/* A key that is known with a value that makes no sense voids all of it (-09, §4.1.4). */
static gboolean
read_limits (const TrwIetfVersion *version,
             SoupMessageHeaders *headers,
             TrwIetfLimits *out_limits)
{
  TrwFieldMember members[] = {
    { .key = "max-size" },        { .key = "max-append-size" },
    { .key = "min-append-size" }, { .key = version->age_limit },
    { .key = "min-size" },
  };
  gint64 values[G_N_ELEMENTS (members)];

  if (!trw_field_parse_dictionary (soup_message_headers_get_list (headers, LIMIT_HEADER),
                                   members,
                                   G_N_ELEMENTS (members)))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    {
      const TrwFieldValue *value = &members[i].value;

      if (members[i].is_present
          && (value->type != TRW_FIELD_INTEGER || value->integer < 0))
        return FALSE;
      values[i] = members[i].is_present ? value->integer : -1;
    }
  out_limits->max_size = values[0];
  out_limits->max_append = values[1];
  out_limits->min_append = values[2];
  out_limits->age_s = values[3];
  return TRUE;
}

void
trw_ietf_read (const TrwIetfVersion *version,
               SoupMessageHeaders *headers,
               TrwIetfWords *out_words)
{
  TrwFieldValue complete = { 0 };

  out_words->version = read_number (headers, VERSION_HEADER, 0);
  out_words->offset = read_number (headers, OFFSET_HEADER, -1);
  out_words->length = read_number (headers, version->length_header, -1);
  out_words->has_complete = read_item (
      headers, version->complete_header, TRW_FIELD_BOOLEAN, &complete);
  out_words->is_complete = out_words->has_complete && complete.boolean;
  out_words->has_limits = read_limits (version, headers, &out_words->limits);
}

static void
say_number (SoupMessageHeaders *headers, const char *name, guint64 number)
{
  char text[NUMBER_SIZE];

  g_snprintf (text, sizeof text, "%" G_GUINT64_FORMAT, number);
  soup_message_headers_replace (headers, name, text);
}

void
trw_ietf_say_version (const TrwIetfVersion *version, SoupMessageHeaders *headers)
{
  say_number (headers, VERSION_HEADER, (guint64)version->number);
}

void
trw_ietf_say_complete (const TrwIetfVersion *version,
                       SoupMessageHeaders *headers,
                       gboolean is_last)
{
  soup_message_headers_replace (headers, version->complete_header, is_last ? "?1" : "?0");
}

void
trw_ietf_say_length (const TrwIetfVersion *version,
                     SoupMessageHeaders *headers,
                     guint64 length)
{
  say_number (headers, version->length_header, length);
}

void
trw_ietf_say_offset (const TrwIetfVersion *version,
                     SoupMessageHeaders *headers,
                     guint64 offset)
{
  say_number (headers, OFFSET_HEADER, offset);
  soup_message_headers_replace (headers, "Content-Type", version->media_type);
}
