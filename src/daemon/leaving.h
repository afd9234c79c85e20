/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* Leaving the bus so that no call is lost.  Calls are answered as usual until the result
 * comes; then the program must exit at once, or own its names anew. */
typedef struct
{
  GDBusConnection *bus;
  const char *const *names; /* (array zero-terminated=1): whatever this connection owns */
  /* (nullable): whether a call that arrived is still unanswered; asked again and again */
  gboolean (*is_answering) (gpointer user_data);
  gpointer user_data;
} TrdLeaving;

/* Says STOPPING=1 to systemd, ignores SIGTERM from now on, gives the names back, lets
 * what is queued be dispatched and answered, and flushes.  @leaving is copied.
 *
 * A GSource for SIGTERM (g_unix_signal_add) must stay until the program exits: removing
 * it would set the default action again.  A name owned by g_bus_own_name() is reported as
 * lost meanwhile. */
void
trd_leaving_async (const TrdLeaving *leaving,
                   GAsyncReadyCallback callback,
                   gpointer user_data);
gboolean
trd_leaving_finish (GAsyncResult *result, GError **error);
