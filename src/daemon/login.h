/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* Whether this is the first start of the service since the user logged in: the user's bus
 * is a new one then.  Remembers it in @state_directory, so that the next call says FALSE.
 */
gboolean
trd_login_is_new (const char *state_directory, GDBusConnection *bus);
