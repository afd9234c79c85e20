/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libsoup/soup.h>

/* Versions of the IETF draft "Resumable Uploads for HTTP", and what is said in their
 * headers. */

#define TRW_IETF_SUPPORTED 104 /* the interim status */

/* What one interop version of the draft says otherwise than another. */
typedef struct
{
  const char *word; /* of the dialect */
  gint64 number;    /* in Upload-Draft-Interop-Version */
  const char *media_type;
  const char *complete_header; /* a boolean: whether this is, or was, the last of it */
  const char *length_header;   /* bytes of all of it */
  const char *age_limit;       /* the key for a place's seconds to live */
  gboolean limits_creation;    /* the limits of an append are those of a creation, too */
  gboolean marks_answer; /* the answer of who was asked first is marked as complete, by
                          * whatever request it is got; else its status tells */
} TrwIetfVersion;

/* The newest first.  (transfer none) */
const TrwIetfVersion *
trw_ietf_get_versions (guint *out_n);
/* (nullable) */
const TrwIetfVersion *
trw_ietf_find (const char *word);
const TrwIetfVersion *
trw_ietf_find_number (gint64 number);

/* Of bytes, but for the age; -1 for none. */
typedef struct
{
  gint64 max_size;
  gint64 max_append;
  gint64 min_append;
  gint64 age_s;
} TrwIetfLimits;

/* What an answer says; a header that is not as it should be is not there. */
typedef struct
{
  gint64 version; /* 0 for none */
  gint64 offset;  /* -1 for none, as the next */
  gint64 length;
  gboolean has_complete;
  gboolean is_complete;
  gboolean has_limits;
  TrwIetfLimits limits; /* with has_limits */
} TrwIetfWords;

void
trw_ietf_read (const TrwIetfVersion *version,
               SoupMessageHeaders *headers,
               TrwIetfWords *out_words);

/* What is said with each question; and with one that creates or appends: that it
 * @is_last. */
void
trw_ietf_say_version (const TrwIetfVersion *version, SoupMessageHeaders *headers);
void
trw_ietf_say_complete (const TrwIetfVersion *version,
                       SoupMessageHeaders *headers,
                       gboolean is_last);
void
trw_ietf_say_length (const TrwIetfVersion *version,
                     SoupMessageHeaders *headers,
                     guint64 length);
/* Of one that appends at @offset. */
void
trw_ietf_say_offset (const TrwIetfVersion *version,
                     SoupMessageHeaders *headers,
                     guint64 offset);
