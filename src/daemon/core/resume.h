/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "value/rows.h"

/* Below this an answer's validator is not stored before the attempt ends: what kill -9
 * could make us fetch again is not worth a commit. */
#define TRD_RESUME_WORTH_STORING (2 * 1024 * 1024)

/* Where an attempt goes on in a part that is there. */
typedef struct
{
  guint64 offset;  /* 0: it begins anew */
  char *validator; /* (owned) (nullable): for If-Range: strong entity tag, or a date */
  guint64 total;   /* of the file, 0 unknown */
} TrdResume;

void
trd_resume_clear (TrdResume *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TrdResume, trd_resume_clear)

/* Whether what @response (nullable) gave could be continued: it was not encoded, and
 * bears one strong entity tag (RFC 9110 §8.8.3), or none at all but a date of the last
 * change that is strong (§8.8.2.2).  @out_validator (transfer full) and @out_total are
 * set then; both nullable.  Pure. */
gboolean
trd_resume_is_possible (GVariant *response, char **out_validator, guint64 *out_total);

/* The answer that brought the rest of a file, with what it leaves out and @first, the
 * answer that brought the beginning, had said: a 206 need not repeat it (RFC 9110
 * §15.3.7, RFC 9111 §3.4).  Pure.  (transfer full), not floating */
GVariant *
trd_resume_combine (GVariant *first, GVariant *rest);

/* What may be kept of a part of @part_size bytes (law 11); of the answer to an upload,
 * nothing.  Pure. */
void
trd_resume_plan (const TrdTaskRow *row, guint64 part_size, TrdResume *out_plan);
