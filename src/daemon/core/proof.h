/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "value/outcome.h"
#include "value/rows.h"

/* Bytes of the part that the digests of @state (nullable) are of. */
guint64
trd_proof_get_offset (GVariant *state);

/* What an attempt that goes on at @offset is asked to compute: @request with `digests`,
 * and with `digest-state` if that of @row is of use.  (transfer full), not floating */
GVariant *
trd_proof_ask (GVariant *request, const TrdTaskRow *row, guint64 offset);

/* Whether the file of a complete @outcome is the one that was promised: by @options, over
 * @configuration, and by the server.  Then NULL, with @out_integrity a{sv}, the digests
 * that say so (nullable); else how the attempt ended instead.  (transfer full) (nullable)
 */
TrdOutcome *
trd_proof_check (GVariant *options,
                 GVariant *configuration,
                 const TrdOutcome *outcome,
                 GVariant **out_integrity);
