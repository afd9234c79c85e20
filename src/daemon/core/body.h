/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/env.h"

/* What uploads send, as rows have it.  For one attempt: core/runner-private.h. */

/* Deletes the files of the spool that the row with this `body` (nullable) had for itself;
 * after the commit by which the row is gone, or names them for nothing any more.  Another
 * row that is to send the same has names of its own: trd_sources_share_body(). */
void
trd_body_discard (const TrdEnv *env, GVariant *body);

/* Deletes what no row will send any more. */
void
trd_body_sweep (const TrdEnv *env);
