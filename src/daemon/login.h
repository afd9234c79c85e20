/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* Whether this is the first start of the service since the user logged in: the user's bus
 * is a new one then.  Remembers it in @state_directory, so that the next call says FALSE.
 */
gboolean
trd_login_is_new (const char *state_directory, GDBusConnection *bus);

/* Whether the machine was started anew since trd_boot_remember(); FALSE when that was
 * never called. */
gboolean
trd_boot_is_new (const char *state_directory);
/* To be called when all is done that a new boot asks for. */
void
trd_boot_remember (const char *state_directory);
