/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "port/launcher.h"

/* The interface's dispatch only; the implementations are launcher-bus.c and a fake. */

G_DEFINE_INTERFACE (TrdLauncher, trd_launcher, G_TYPE_OBJECT)

static void
trd_launcher_default_init (TrdLauncherInterface *iface)
{
}

void
trd_launcher_start_async (TrdLauncher *self,
                          const char *name,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_return_if_fail (TRD_IS_LAUNCHER (self));
  g_return_if_fail (name != NULL);

  TRD_LAUNCHER_GET_IFACE (self)->start_async (
      self, name, cancellable, callback, user_data);
}

gboolean
trd_launcher_start_finish (TrdLauncher *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (TRD_IS_LAUNCHER (self), FALSE);

  return TRD_LAUNCHER_GET_IFACE (self)->start_finish (self, result, error);
}

void
trd_launcher_find_owner_async (TrdLauncher *self,
                               const char *name,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_return_if_fail (TRD_IS_LAUNCHER (self));
  g_return_if_fail (name != NULL);

  TRD_LAUNCHER_GET_IFACE (self)->find_owner_async (
      self, name, cancellable, callback, user_data);
}

char *
trd_launcher_find_owner_finish (TrdLauncher *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (TRD_IS_LAUNCHER (self), NULL);

  return TRD_LAUNCHER_GET_IFACE (self)->find_owner_finish (self, result, error);
}

void
trd_launcher_is_activatable_async (TrdLauncher *self,
                                   const char *name,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  g_return_if_fail (TRD_IS_LAUNCHER (self));
  g_return_if_fail (name != NULL);

  TRD_LAUNCHER_GET_IFACE (self)->is_activatable_async (
      self, name, cancellable, callback, user_data);
}

gboolean
trd_launcher_is_activatable_finish (TrdLauncher *self,
                                    GAsyncResult *result,
                                    GError **error)
{
  g_return_val_if_fail (TRD_IS_LAUNCHER (self), FALSE);

  return TRD_LAUNCHER_GET_IFACE (self)->is_activatable_finish (self, result, error);
}
