/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libsoup/soup.h>

#include "request.h"

/* What an answer means for a part of which there is something already, or which is to be
 * a range of the resource. */
typedef enum
{
  TRW_RANGE_FITS,    /* what was asked for, and nothing else */
  TRW_RANGE_WHOLE,   /* an accepted answer that starts from the first byte */
  TRW_RANGE_NO_REST, /* there is nothing more to have */
  TRW_RANGE_MISFIT,  /* what is there must not be continued with it */
  TRW_RANGE_UNFIT,   /* nothing is there, and it is not the range that is wanted */
  TRW_RANGE_REFUSED, /* a status that is not accepted and says nothing of the part */
} TrwRange;

/* Whether @validator is one that If-Range may carry (RFC 9110 §13.1.5): an entity tag
 * that is not weak, or a date, of which the daemon knows that it is strong. */
gboolean
trw_range_is_validator (const char *validator);

/* Bytes at the end of what is there that are asked for once more, to be compared with
 * what comes: behind a date, which says so much less than a tag, and where there would be
 * nothing to ask for. */
guint64
trw_range_get_overlap (const TrwRequest *request);

/* Asks for the rest or the range, when that is wanted. */
void
trw_range_ask (const TrwRequest *request, SoupMessageHeaders *headers);

/* Judges the final answer to a @request with an offset or a range.  @out_total: size of
 * the file, set with TRW_RANGE_FITS. */
TrwRange
trw_range_judge (const TrwRequest *request, SoupMessage *message, guint64 *out_total);
