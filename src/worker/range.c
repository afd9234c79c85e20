/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rest of a part: how it is asked for, and whether an answer is it.  No two versions
 * end up in one file (law 11): whoever asks has a strong validator, and whatever of the
 * answer does not fit makes the part begin anew.  Content-Range is read here, since
 * soup_message_headers_get_content_range() (3.2.3) takes a total that is not there for 0.
 */

#include "config.h"

#include "range.h"

#include "response.h"

#include <string.h>

/* Content-Range, RFC 9110 §14.4. */
typedef struct
{
  gboolean is_unsatisfied; /* "*", and no first and last */
  guint64 first;
  guint64 last;
  guint64 total;
} ContentRange;

gboolean
trw_range_is_validator (const char *validator)
{
  gsize length = strlen (validator);

  if (length < 2 || validator[0] != '"' || validator[length - 1] != '"')
    return FALSE;
  for (gsize i = 1; i < length - 1; i++)
    {
      guchar c = (guchar)validator[i];

      if (c <= ' ' || c == '"' || c == 0x7f)
        return FALSE;
    }
  return TRUE;
}

void
trw_range_ask (const TrwRequest *request, SoupMessageHeaders *headers)
{
  g_autofree char *range = NULL;

  if (request->offset == 0)
    return;
  range = g_strdup_printf ("bytes=%" G_GUINT64_FORMAT "-", request->offset);
  soup_message_headers_replace (headers, "Range", range);
  soup_message_headers_replace (headers, "If-Range", request->validator);
}

static gboolean
parse_number (const char *text, guint64 *out_number)
{
  return g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, out_number, NULL);
}

/* A total that is not told proves nothing, and is no range for us. */
static gboolean
parse_content_range (const char *value, ContentRange *out_range)
{
  g_auto (GStrv) halves = NULL;
  g_auto (GStrv) ends = NULL;

  if (value == NULL || g_ascii_strncasecmp (value, "bytes ", strlen ("bytes ")) != 0)
    return FALSE;
  halves = g_strsplit (value + strlen ("bytes "), "/", -1);
  if (g_strv_length (halves) != 2 || !parse_number (halves[1], &out_range->total))
    return FALSE;
  out_range->is_unsatisfied = g_str_equal (halves[0], "*");
  if (out_range->is_unsatisfied)
    return TRUE;
  ends = g_strsplit (halves[0], "-", -1);
  return g_strv_length (ends) == 2 && parse_number (ends[0], &out_range->first)
         && parse_number (ends[1], &out_range->last);
}

/* Of the version we have.  RFC 9110 §15.3.7 wants a 206 to name it when a 200 would; one
 * that does not has still been told by If-Range. */
static gboolean
is_same_version (const TrwRequest *request, SoupMessageHeaders *headers, guint64 total)
{
  const char *tag = soup_message_headers_get_list (headers, "ETag");

  return (tag == NULL || g_str_equal (tag, request->validator))
         && (request->total == 0 || request->total == total);
}

static gboolean
is_framed (const TrwRequest *request, SoupMessage *message, guint64 length)
{
  TrwFraming framing;
  guint64 declared = 0;

  if (!trw_response_get_framing (message, &framing, &declared, NULL))
    return FALSE;
  if (framing == TRW_FRAMING_LENGTH)
    return declared == length;
  return framing == TRW_FRAMING_CHUNKED || request->allow_unframed;
}

static gboolean
is_rest (const TrwRequest *request, SoupMessage *message, guint64 *out_total)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  const char *type = soup_message_headers_get_content_type (headers, NULL);
  ContentRange range;

  if (!parse_content_range (soup_message_headers_get_list (headers, "Content-Range"),
                            &range)
      || range.is_unsatisfied)
    return FALSE;
  if (range.first != request->offset || range.last < range.first
      || range.total - 1 != range.last)
    return FALSE;
  if (soup_message_headers_get_list (headers, "Content-Encoding") != NULL
      || (type != NULL && g_ascii_strcasecmp (type, "multipart/byteranges") == 0))
    return FALSE;
  if (!is_same_version (request, headers, range.total)
      || !is_framed (request, message, range.last - range.first + 1))
    return FALSE;
  *out_total = range.total;
  return TRUE;
}

/* The server has not a byte more than we do. */
static gboolean
is_no_rest (const TrwRequest *request, SoupMessage *message)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  ContentRange range;

  return parse_content_range (soup_message_headers_get_list (headers, "Content-Range"),
                              &range)
         && range.is_unsatisfied && range.total == request->offset
         && is_same_version (request, headers, range.total);
}

TrwRange
trw_range_judge (const TrwRequest *request, SoupMessage *message, guint64 *out_total)
{
  guint status = (guint)soup_message_get_status (message);
  guint64 total = 0;

  switch (status)
    {
    case SOUP_STATUS_PARTIAL_CONTENT:
      if (!is_rest (request, message, &total))
        return TRW_RANGE_MISFIT;
      if (!trw_request_accepts (request, SOUP_STATUS_OK))
        return TRW_RANGE_REFUSED;
      *out_total = total;
      return TRW_RANGE_FITS;
    case SOUP_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE:
      return is_no_rest (request, message) ? TRW_RANGE_NO_REST : TRW_RANGE_MISFIT;
    default:
      return trw_request_accepts (request, status) ? TRW_RANGE_WHOLE : TRW_RANGE_REFUSED;
    }
}
