/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* Whether the keyring may have items of the state directory, so that it is asked for none
 * without need.  That it is set when there are none does no harm. */
void
trd_kept_mark_set (const char *state_directory);
gboolean
trd_kept_mark_is_set (const char *state_directory);
void
trd_kept_mark_clear (const char *state_directory);
