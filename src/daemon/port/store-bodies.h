/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/store.h"

/* The names of all files of the spool that may still be sent: of tasks that have not
 * succeeded, and of what outlives its task.  An error when a row makes no sense.
 * (element-type utf8) (transfer full) */
GHashTable *
trd_store_find_body_files (TrdStore *self, GError **error);
