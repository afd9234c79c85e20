/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* Content-Encoding of an answer. */
typedef enum
{
  TRW_CODING_NONE,
  TRW_CODING_GZIP,
  TRW_CODING_DEFLATE,
  TRW_CODING_OTHER, /* nothing we can decode */
} TrwCoding;

/* @value: (nullable): of the header. */
TrwCoding
trw_coding_parse (const char *value);

/* One file to be decoded into another, which is empty; for a thread. */
typedef struct
{
  int from_fd; /* (unowned) */
  int to_fd;   /* (unowned) */
  TrwCoding coding;
  guint64 max_bytes;     /* that may come out */
  char **names;          /* (unowned): of the digests to compute of what comes out */
  GCancellable *stopper; /* (unowned) */
} TrwDecoding;

typedef struct
{
  guint64 size;
  GVariant *digests; /* (owned) (nullable): a{say} */
  int error_number;  /* of a read or write that failed, 0 for none */
} TrwDecoded;

/* Decodes and syncs.  @out is filled, also when it fails with an errno.  Errors:
 * TRUNDLE_ERROR DECODE_FAILED for what is broken, cut off or followed by something else,
 * TOO_LARGE, NO_SPACE, WRITE_FAILED, CANCELLED. */
gboolean
trw_decode (const TrwDecoding *self, TrwDecoded *out, GError **error);
