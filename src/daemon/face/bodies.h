/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "face/call.h"

/* What uploads send, from what callers give. */

/* Whether exactly one key of the checked @options of an upload says what is sent, into
 * @draft.  Errors: INVALID_ARGUMENT naming the key. */
gboolean
trd_bodies_read (GVariant *options, TrdDraft *draft, GError **error);
