/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rest of a part, or a range of a resource: how it is asked for, and whether an
 * answer is it.  No two versions end up in one file (law 11): whoever asks has a strong
 * validator, and whatever of the answer does not fit makes the part begin anew.
 * Content-Range is read here, since soup_message_headers_get_content_range() (3.2.3)
 * takes a total that is not there for 0. */

#include "config.h"

#include "range.h"

#include "common/http-date.h"
#include "response.h"

#include <string.h>

/* Behind a date: what is asked for once more. */
#define TAIL_MAX (64 * 1024)

/* Content-Range, RFC 9110 §14.4. */
typedef struct
{
  gboolean is_unsatisfied; /* "*", and no first and last */
  gboolean has_total;
  guint64 first;
  guint64 last;
  guint64 total;
} ContentRange;

static gboolean
is_tag (const char *validator)
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

gboolean
trw_range_is_validator (const char *validator)
{
  gint64 seconds;

  return is_tag (validator) || trundle_http_date_parse (validator, &seconds);
}

guint64
trw_range_get_overlap (const TrwRequest *request)
{
  if (request->offset == 0)
    return 0;
  if (!is_tag (request->validator))
    return MIN (request->offset, TAIL_MAX);
  return request->length > 0 && request->offset == request->length ? 1 : 0;
}

/* Of the resource: the first byte that is asked for. */
static guint64
get_start (const TrwRequest *request)
{
  return request->first + request->offset - trw_range_get_overlap (request);
}

void
trw_range_ask (const TrwRequest *request, SoupMessageHeaders *headers)
{
  g_autoptr (GString) range = NULL;

  if (request->offset == 0 && !request->has_range)
    return;
  range = g_string_new (NULL);
  g_string_printf (range, "bytes=%" G_GUINT64_FORMAT "-", get_start (request));
  if (request->length > 0)
    g_string_append_printf (
        range, "%" G_GUINT64_FORMAT, request->first + request->length - 1);
  soup_message_headers_replace (headers, "Range", range->str);
  if (request->offset > 0)
    soup_message_headers_replace (headers, "If-Range", request->validator);
}

static gboolean
parse_number (const char *text, guint64 *out_number)
{
  return g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, out_number, NULL);
}

static gboolean
parse_content_range (SoupMessageHeaders *headers, ContentRange *out_range)
{
  const char *value = soup_message_headers_get_list (headers, "Content-Range");
  g_auto (GStrv) halves = NULL;
  g_auto (GStrv) ends = NULL;

  if (value == NULL || g_ascii_strncasecmp (value, "bytes ", strlen ("bytes ")) != 0)
    return FALSE;
  halves = g_strsplit (value + strlen ("bytes "), "/", -1);
  if (g_strv_length (halves) != 2)
    return FALSE;
  out_range->has_total = !g_str_equal (halves[1], "*");
  out_range->is_unsatisfied = g_str_equal (halves[0], "*");
  if (out_range->has_total && !parse_number (halves[1], &out_range->total))
    return FALSE;
  if (out_range->is_unsatisfied)
    return out_range->has_total;
  ends = g_strsplit (halves[0], "-", -1);
  return g_strv_length (ends) == 2 && parse_number (ends[0], &out_range->first)
         && parse_number (ends[1], &out_range->last)
         && out_range->first <= out_range->last
         && (!out_range->has_total || out_range->last < out_range->total);
}

/* Of the version we have.  RFC 9110 §15.3.7 wants a 206 to name the tag when a 200 would;
 * one that does not has still been told by If-Range. */
static gboolean
is_same_version (const TrwRequest *request, SoupMessageHeaders *headers, guint64 total)
{
  const char *tag = soup_message_headers_get_list (headers, "ETag");
  const char *date = soup_message_headers_get_list (headers, "Last-Modified");
  gboolean has_tag = is_tag (request->validator);

  if (tag != NULL && !(has_tag && g_str_equal (tag, request->validator)))
    return FALSE;
  if (!has_tag && date != NULL && !g_str_equal (date, request->validator))
    return FALSE;
  return request->total == 0 || request->total == total;
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

/* From where it was asked for to the last byte that is wanted; or, when the resource ends
 * before that, to its own (RFC 9110 §14.1.2), which only a total proves. */
static gboolean
has_right_ends (const TrwRequest *request, const ContentRange *range)
{
  guint64 end = request->first + request->length;

  if (range->is_unsatisfied || range->first != get_start (request))
    return FALSE;
  if (request->length > 0 && range->last == end - 1)
    return TRUE;
  return range->has_total && range->last == range->total - 1
         && (request->length == 0 || range->last < end);
}

/* Also of a range that nothing is there of yet. */
static gboolean
is_rest (const TrwRequest *request, SoupMessage *message, guint64 *out_total)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  const char *type = soup_message_headers_get_content_type (headers, NULL);
  ContentRange range = { 0 };
  guint64 total;

  if (!parse_content_range (headers, &range) || !has_right_ends (request, &range))
    return FALSE;
  if (trw_response_get_coding (headers) != NULL
      || (type != NULL && g_ascii_strcasecmp (type, "multipart/byteranges") == 0))
    return FALSE;
  total = range.last + 1 - request->first;
  if ((request->offset > 0 && !is_same_version (request, headers, total))
      || !is_framed (request, message, range.last - range.first + 1))
    return FALSE;
  *out_total = total;
  return TRUE;
}

/* The server has not a byte more than we do. */
static gboolean
is_no_rest (const TrwRequest *request, SoupMessage *message)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  ContentRange range = { 0 };

  return parse_content_range (headers, &range) && range.is_unsatisfied
         && trw_range_get_overlap (request) == 0
         && range.total == request->first + request->offset
         && is_same_version (request, headers, request->offset);
}

/* Whether the whole, which an accepted answer of @status is, will do.  It does for what
 * begins at the first byte and has room for it. */
static gboolean
is_whole_fine (const TrwRequest *request, SoupMessage *message, guint status)
{
  TrwFraming framing;
  guint64 length = 0;

  if (!request->has_range || status / 100 != 2)
    return TRUE;
  return request->first == 0
         && trw_response_get_framing (message, &framing, &length, NULL)
         && framing == TRW_FRAMING_LENGTH && length <= request->length;
}

TrwRange
trw_range_judge (const TrwRequest *request, SoupMessage *message, guint64 *out_total)
{
  guint status = (guint)soup_message_get_status (message);
  TrwRange misfit = request->offset > 0 ? TRW_RANGE_MISFIT : TRW_RANGE_UNFIT;
  guint64 total = 0;

  if (status == SOUP_STATUS_PARTIAL_CONTENT)
    {
      if (!is_rest (request, message, &total))
        return misfit;
      if (!trw_request_accepts (request, SOUP_STATUS_OK))
        return TRW_RANGE_REFUSED;
      *out_total = total;
      return TRW_RANGE_FITS;
    }
  if (status == SOUP_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE && request->offset > 0)
    return is_no_rest (request, message) ? TRW_RANGE_NO_REST : TRW_RANGE_MISFIT;
  if (!trw_request_accepts (request, status))
    return TRW_RANGE_REFUSED;
  return is_whole_fine (request, message, status) ? TRW_RANGE_WHOLE : misfit;
}
