/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/registry.h"

/* Does what is due (trd_task_is_due()) of queued tasks, in one transaction: their time
 * begins, and the app is asked, or the time for its answer is over.
 * @tasks: (element-type TrdTask) */
gboolean
trd_delayed_begin (TrdRegistry *registry, GPtrArray *tasks, GError **error);
