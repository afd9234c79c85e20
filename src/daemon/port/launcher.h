/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* Starting apps over D-Bus, as an interface: the bus, or a fake in tests. */
#define TRD_TYPE_LAUNCHER (trd_launcher_get_type ())
G_DECLARE_INTERFACE (TrdLauncher, trd_launcher, TRD, LAUNCHER, GObject)

struct _TrdLauncherInterface
{
  GTypeInterface parent;
  void (*start_async) (TrdLauncher *self,
                       const char *name,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data);
  gboolean (*start_finish) (TrdLauncher *self, GAsyncResult *result, GError **error);
  void (*find_owner_async) (TrdLauncher *self,
                            const char *name,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data);
  char *(*find_owner_finish) (TrdLauncher *self, GAsyncResult *result, GError **error);
  void (*is_activatable_async) (TrdLauncher *self,
                                const char *name,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
  gboolean (*is_activatable_finish) (TrdLauncher *self,
                                     GAsyncResult *result,
                                     GError **error);
};

/* StartServiceByName: its reply or error is the launch's outcome. */
void
trd_launcher_start_async (TrdLauncher *self,
                          const char *name,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data);
gboolean
trd_launcher_start_finish (TrdLauncher *self, GAsyncResult *result, GError **error);

/* Unique name of who owns @name; NULL without an error when nobody does.  (transfer full)
 */
void
trd_launcher_find_owner_async (TrdLauncher *self,
                               const char *name,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
char *
trd_launcher_find_owner_finish (TrdLauncher *self, GAsyncResult *result, GError **error);

/* Whether the bus could start @name (ListActivatableNames) or somebody owns it. */
void
trd_launcher_is_activatable_async (TrdLauncher *self,
                                   const char *name,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
gboolean
trd_launcher_is_activatable_finish (TrdLauncher *self,
                                    GAsyncResult *result,
                                    GError **error);

/* (transfer full) */
TrdLauncher *
trd_launcher_new_bus (GDBusConnection *bus);
