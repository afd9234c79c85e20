/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libsoup/soup.h>

#include "request.h"

/* What an answer means for a part of which there is something already. */
typedef enum
{
  TRW_RANGE_FITS,    /* the rest of it, and nothing else */
  TRW_RANGE_WHOLE,   /* an accepted answer that starts from the first byte */
  TRW_RANGE_NO_REST, /* there is nothing more to have */
  TRW_RANGE_MISFIT,  /* what is there must not be continued with it */
  TRW_RANGE_REFUSED, /* a status that is not accepted and says nothing of the part */
} TrwRange;

/* Whether @validator is an entity tag that If-Range may carry (RFC 9110 §13.1.5). */
gboolean
trw_range_is_validator (const char *validator);

/* Asks for the rest, when the @request has an offset. */
void
trw_range_ask (const TrwRequest *request, SoupMessageHeaders *headers);

/* Judges the final answer to a @request with an offset.  @out_total: size of the whole,
 * set with TRW_RANGE_FITS. */
TrwRange
trw_range_judge (const TrwRequest *request, SoupMessage *message, guint64 *out_total);
