/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* A digest algorithm by all its names. */
typedef struct
{
  const char *name;      /* ours, in `digests` and Integrity: "sha256" */
  const char *field;     /* in Content-Digest and Repr-Digest (RFC 9530 §5): "sha-256" */
  const char *old_field; /* in Digest (RFC 3230, lower case): "sha-256" */
  gsize size;            /* bytes of a digest */
  gboolean is_weak;      /* collisions can be made: proves no origin, only no accident */
} TrundleDigest;

/* The best first.  (transfer none) */
const TrundleDigest *
trundle_digest_all (gsize *out_n);

/* By our name, in lower case; NULL for none of ours.  (transfer none) (nullable) */
const TrundleDigest *
trundle_digest_find (const char *name);

/* The bytes of @hex, in any case; NULL unless it is a digest of @self.  (transfer full)
 * (nullable) */
GBytes *
trundle_digest_from_hex (const TrundleDigest *self, const char *hex);

/* Lower case.  (transfer full) */
char *
trundle_digest_to_hex (gconstpointer data, gsize size);
