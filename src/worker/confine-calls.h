/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "reach.h"

/* Restricts the system calls of all threads for good.  @out_active: FALSE where the
 * kernel has no filters, which is no error. */
gboolean
trw_confine_calls (const TrwReach *reach, gboolean *out_active, GError **error);
