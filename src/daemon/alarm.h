/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "value/moment.h"

/* Has the user manager start the service again at the sooner moment of @due, whatever is
 * done to the clock until then and however long the machine sleeps, by a transient timer
 * unit that replaces the one armed before; nothing due only takes that away.  The result
 * comes when systemd has the timer running.
 *
 * Errors: G_IO_ERROR_NOT_SUPPORTED where no systemd is on @bus (nothing is started to
 * find out): who cannot be woken must stay.  Anything else as systemd said it. */
void
trd_alarm_arm_async (GDBusConnection *bus,
                     const TrdDue *due,
                     GCancellable *cancellable,
                     GAsyncReadyCallback callback,
                     gpointer user_data);
gboolean
trd_alarm_arm_finish (GAsyncResult *result, GError **error);
