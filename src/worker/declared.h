/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libsoup/soup.h>

/* What an answer's headers declare the digests of its whole representation to be, as it
 * is transferred: a{say} by the names of common/digest.h; empty when they declare
 * nothing we know.  @is_part: the answer is a 206, and what is said of its content is
 * not said of the whole.  Not floating. */
GVariant *
trw_declared_parse (SoupMessageHeaders *headers, gboolean is_part);

/* The name of the one in @declared that is worth computing: what is known to be hard to
 * forge before what is not.  NULL when @declared is empty.  (transfer none) (nullable) */
const char *
trw_declared_choose (GVariant *declared);
