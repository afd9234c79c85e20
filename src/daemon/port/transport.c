/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The interface's dispatch only; the implementations are workers.c and a fake. */

#include "config.h"

#include "port/transport.h"

G_DEFINE_INTERFACE (TrdTransport, trd_transport, G_TYPE_OBJECT)

static void
trd_transport_default_init (TrdTransportInterface *iface)
{
}

void
trd_transport_set_sink (TrdTransport *self,
                        const TrdTransportSink *sink,
                        gpointer user_data)
{
  g_return_if_fail (TRD_IS_TRANSPORT (self));

  TRD_TRANSPORT_GET_IFACE (self)->set_sink (self, sink, user_data);
}

void
trd_transport_begin (TrdTransport *self, const TrdAttempt *attempt, int part_fd)
{
  g_return_if_fail (TRD_IS_TRANSPORT (self));
  g_return_if_fail (attempt != NULL);
  g_return_if_fail (part_fd >= 0);

  TRD_TRANSPORT_GET_IFACE (self)->begin (self, attempt, part_fd);
}

void
trd_transport_stop (TrdTransport *self, gint64 task_id)
{
  g_return_if_fail (TRD_IS_TRANSPORT (self));

  TRD_TRANSPORT_GET_IFACE (self)->stop (self, task_id);
}

void
trd_transport_forget_jar (TrdTransport *self, guint64 jar)
{
  g_return_if_fail (TRD_IS_TRANSPORT (self));

  TRD_TRANSPORT_GET_IFACE (self)->forget_jar (self, jar);
}

void
trd_transport_refresh_async (TrdTransport *self,
                             const TrdOwner *owner,
                             GVariant *request,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_return_if_fail (TRD_IS_TRANSPORT (self));
  g_return_if_fail (request != NULL);

  TRD_TRANSPORT_GET_IFACE (self)->refresh_async (
      self, owner, request, callback, user_data);
}

GVariant *
trd_transport_refresh_finish (TrdTransport *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (TRD_IS_TRANSPORT (self), NULL);
  g_return_val_if_fail (G_IS_ASYNC_RESULT (result), NULL);

  return TRD_TRANSPORT_GET_IFACE (self)->refresh_finish (self, result, error);
}

void
trd_transport_terminate_async (TrdTransport *self,
                               const TrdAttempt *attempt,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_return_if_fail (TRD_IS_TRANSPORT (self));
  g_return_if_fail (attempt != NULL);

  TRD_TRANSPORT_GET_IFACE (self)->terminate_async (self, attempt, callback, user_data);
}

GVariant *
trd_transport_terminate_finish (TrdTransport *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (TRD_IS_TRANSPORT (self), NULL);
  g_return_val_if_fail (G_IS_ASYNC_RESULT (result), NULL);

  return TRD_TRANSPORT_GET_IFACE (self)->terminate_finish (self, result, error);
}

guint
trd_transport_count (TrdTransport *self)
{
  g_return_val_if_fail (TRD_IS_TRANSPORT (self), 0);

  return TRD_TRANSPORT_GET_IFACE (self)->count (self);
}

void
trd_transport_shutdown_async (TrdTransport *self,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_return_if_fail (TRD_IS_TRANSPORT (self));

  TRD_TRANSPORT_GET_IFACE (self)->shutdown_async (self, callback, user_data);
}

void
trd_transport_shutdown_finish (TrdTransport *self, GAsyncResult *result)
{
  g_return_if_fail (TRD_IS_TRANSPORT (self));
  g_return_if_fail (G_IS_ASYNC_RESULT (result));

  TRD_TRANSPORT_GET_IFACE (self)->shutdown_finish (self, result);
}
