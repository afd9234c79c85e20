/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* Deletes @path and all below it; follows no link. */
void
test_remove_tree (const char *path);
/* Names in a directory. */
guint
test_count_files (const char *path);
