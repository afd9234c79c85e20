/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fresh tokens, which workers ask for beside their attempts: no part, no number, one
 * reply.  A worker that is lost has told nothing, and is asked again when somebody
 * wants to know again. */

#include "config.h"

#include "port/workers-private.h"

#include "common/error.h"

#include <glib/gstdio.h>
#include <sys/mman.h>

typedef struct
{
  TrdWorkers *workers; /* (unowned) (nullable): NULL once it is over, as the next */
  TrdWorker *worker;   /* (unowned) (nullable) */
  GVariant *request;   /* (owned) (nullable): until it is sent, as the next */
  int room_fd;         /* (owned), -1 for none: a worker may not make files */
} Refresh;

static void
refresh_free (gpointer data)
{
  Refresh *self = data;

  g_clear_pointer (&self->request, g_variant_unref);
  if (self->room_fd >= 0)
    g_close (self->room_fd, NULL);
  g_free (self);
}

/* Out of the list, and the worker has one thing less to do; consumes nothing. */
static void
leave (GTask *task)
{
  Refresh *self = g_task_get_task_data (task);
  TrdWorkers *workers = g_steal_pointer (&self->workers);
  TrdWorker *worker = g_steal_pointer (&self->worker);

  g_ptr_array_remove (workers->refreshes, task);
  if (worker != NULL)
    trd_workers_note_attempt_left (workers, worker);
}

static void
fail (GTask *task)
{
  g_task_return_new_error (
      task, TRUNDLE_ERROR, TRUNDLE_ERROR_CONNECTION_LOST, "The worker was lost");
}

static void
on_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Refresh *self = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_with_unix_fd_list_finish (
      G_DBUS_CONNECTION (source), NULL, result, &error);
  GVariant *answer = NULL;

  /* The worker is gone, and that was told. */
  if (self->workers == NULL)
    return;

  leave (task);
  /* Any other error says that there is no worker any more. */
  if (reply == NULL && !g_dbus_error_is_remote_error (error))
    {
      fail (task);
      return;
    }
  if (reply == NULL)
    {
      g_dbus_error_strip_remote_error (error);
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  g_variant_get (reply, "(@a{sv})", &answer);
  g_task_return_pointer (task, answer, (GDestroyNotify)g_variant_unref);
}

static void
send (GTask *task)
{
  Refresh *self = g_task_get_task_data (task);
  g_autoptr (GVariant) request = g_steal_pointer (&self->request);
  g_autoptr (GUnixFDList) files = g_unix_fd_list_new_from_array (&self->room_fd, 1);

  self->room_fd = -1;
  trd_worker_process_refresh (
      self->worker->process, files, request, on_answered, g_object_ref (task));
}

void
trd_workers_refresh_async (TrdTransport *transport,
                           const TrdOwner *owner,
                           GVariant *request,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  TrdWorkers *self = TRD_WORKERS (transport);
  /* It must not keep us. */
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Refresh *refresh = g_new0 (Refresh, 1);

  g_task_set_source_tag (task, trd_workers_refresh_async);
  g_task_set_task_data (task, refresh, refresh_free);
  refresh->room_fd = memfd_create ("answer", MFD_CLOEXEC);
  if (self->is_shutting_down || refresh->room_fd < 0)
    {
      fail (task);
      return;
    }

  refresh->workers = self;
  refresh->request = g_variant_ref_sink (request);
  refresh->worker = trd_workers_engage (
      self, trd_owner_key (owner), TRD_PROFILE_CONFINED, FALSE);
  g_ptr_array_add (self->refreshes, g_object_ref (task));
  if (trd_worker_process_is_ready (refresh->worker->process))
    send (task);
}

GVariant *
trd_workers_refresh_finish (TrdTransport *transport, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, trd_workers_refresh_async),
                        NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* (element-type GTask) (transfer full) */
static GPtrArray *
list_of (TrdWorkers *self, TrdWorker *worker)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < self->refreshes->len; i++)
    {
      GTask *task = g_ptr_array_index (self->refreshes, i);
      Refresh *refresh = g_task_get_task_data (task);

      if (worker == NULL || refresh->worker == worker)
        g_ptr_array_add (list, g_object_ref (task));
    }
  return list;
}

void
trd_workers_send_refreshes (TrdWorkers *self, TrdWorker *worker)
{
  g_autoptr (GPtrArray) list = list_of (self, worker);

  for (guint i = 0; i < list->len; i++)
    {
      GTask *task = g_ptr_array_index (list, i);
      Refresh *refresh = g_task_get_task_data (task);

      if (refresh->request != NULL)
        send (task);
    }
}

void
trd_workers_end_refreshes (TrdWorkers *self, TrdWorker *worker)
{
  g_autoptr (GPtrArray) list = list_of (self, worker);

  for (guint i = 0; i < list->len; i++)
    {
      GTask *task = g_ptr_array_index (list, i);
      Refresh *refresh = g_task_get_task_data (task);

      refresh->worker = NULL;
      leave (task);
      fail (task);
    }
}
