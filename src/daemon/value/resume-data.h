/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* What an app is given to go on later with what is there.  It proves nothing and holds no
 * secret and no path: the truth is the row that bears its token; all else is for showing.
 */
typedef struct
{
  char *token;       /* (owned): 128 random bits, 32 hexadecimal digits */
  char *url;         /* (owned): without user info */
  guint64 offset;    /* bytes there */
  guint64 total;     /* of the whole, 0 unknown */
  gint64 created_us; /* realtime since the epoch */
} TrdResumeData;

void
trd_resume_data_free (TrdResumeData *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdResumeData, trd_resume_data_free)

/* The bytes handed out: the same on every machine.  (transfer full) */
GBytes *
trd_resume_data_to_bytes (const TrdResumeData *self);

/* Takes what trd_resume_data_to_bytes() made, to the bit, and nothing else; the error is
 * INVALID_RESUME_DATA and says what is wrong.  (transfer full) */
TrdResumeData *
trd_resume_data_from_bytes (GBytes *bytes, GError **error);
