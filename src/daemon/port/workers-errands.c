/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What workers ask servers beside their attempts: no part, no number, one reply.  A
 * worker that is lost has told nothing, and is asked again when somebody wants to know
 * again. */

#include "config.h"

#include "port/workers-private.h"

#include "common/error.h"

#include <glib/gstdio.h>
#include <sys/mman.h>

typedef struct
{
  const char *method; /* (unowned), static */
  TrdProfile profile;
  TrdWorkers *workers; /* (unowned) (nullable): NULL once it is over, as the next */
  TrdWorker *worker;   /* (unowned) (nullable) */
  GVariant *request;   /* (owned) (nullable): until it is sent, as cookies */
  guint64 jar;         /* 0 for none */
  guint64 jar_version;
  GVariant *cookies; /* (owned) (nullable) */
  int room_fd;       /* (owned), -1 for none: a worker may not make files */
} Errand;

static void
errand_free (gpointer data)
{
  Errand *self = data;

  g_clear_pointer (&self->request, g_variant_unref);
  g_clear_pointer (&self->cookies, g_variant_unref);
  if (self->room_fd >= 0)
    g_close (self->room_fd, NULL);
  g_free (self);
}

/* Out of the list, and the worker has one thing less to do; consumes nothing. */
static void
leave (GTask *task)
{
  Errand *self = g_task_get_task_data (task);
  TrdWorkers *workers = g_steal_pointer (&self->workers);
  TrdWorker *worker = g_steal_pointer (&self->worker);

  g_ptr_array_remove (workers->errands, task);
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
  Errand *self = g_task_get_task_data (task);
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
  Errand *self = g_task_get_task_data (task);
  g_autoptr (GVariant) composed = g_steal_pointer (&self->request);
  g_autoptr (GVariant) request = self->jar == 0
                                     ? g_variant_ref (composed)
                                     : trd_worker_jars_complete (self->worker->jars,
                                                                 composed,
                                                                 self->jar,
                                                                 self->jar_version,
                                                                 self->cookies);
  g_autoptr (GUnixFDList) files = g_unix_fd_list_new_from_array (&self->room_fd, 1);

  self->room_fd = -1;
  trd_worker_process_ask (self->worker->process,
                          self->method,
                          files,
                          request,
                          on_answered,
                          g_object_ref (task));
}

/* What is owned in @what is taken. */
static void
go (TrdTransport *transport,
    const Errand *what,
    const TrdOwner *owner,
    GVariant *request,
    GAsyncReadyCallback callback,
    gpointer user_data)
{
  TrdWorkers *self = TRD_WORKERS (transport);
  /* It must not keep us. */
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Errand *errand = g_memdup2 (what, sizeof *what);

  g_task_set_source_tag (task, go);
  g_task_set_task_data (task, errand, errand_free);
  errand->request = g_variant_ref_sink (request);
  errand->room_fd = memfd_create ("answer", MFD_CLOEXEC);
  if (self->is_shutting_down || errand->room_fd < 0)
    {
      fail (task);
      return;
    }

  errand->workers = self;
  errand->worker = trd_workers_engage (
      self, trd_owner_key (owner), errand->profile, FALSE);
  g_ptr_array_add (self->errands, g_object_ref (task));
  if (trd_worker_process_is_ready (errand->worker->process))
    send (task);
}

void
trd_workers_refresh_async (TrdTransport *transport,
                           const TrdOwner *owner,
                           GVariant *request,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  const Errand what = { .method = "Refresh", .profile = TRD_PROFILE_CONFINED };

  go (transport, &what, owner, request, callback, user_data);
}

void
trd_workers_terminate_async (TrdTransport *transport,
                             const TrdAttempt *attempt,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  const Errand what = {
    .method = "Terminate",
    .profile = attempt->profile,
    .jar = attempt->jar,
    .jar_version = attempt->jar_version,
    .cookies = attempt->jar != 0 ? g_variant_ref (attempt->cookies) : NULL,
  };

  go (transport, &what, attempt->owner, attempt->request, callback, user_data);
}

GVariant *
trd_workers_finish_errand (TrdTransport *transport, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, go), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* (element-type GTask) (transfer full) */
static GPtrArray *
list_of (TrdWorkers *self, TrdWorker *worker)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < self->errands->len; i++)
    {
      GTask *task = g_ptr_array_index (self->errands, i);
      Errand *errand = g_task_get_task_data (task);

      if (worker == NULL || errand->worker == worker)
        g_ptr_array_add (list, g_object_ref (task));
    }
  return list;
}

void
trd_workers_send_errands (TrdWorkers *self, TrdWorker *worker)
{
  g_autoptr (GPtrArray) list = list_of (self, worker);

  for (guint i = 0; i < list->len; i++)
    {
      GTask *task = g_ptr_array_index (list, i);
      Errand *errand = g_task_get_task_data (task);

      if (errand->request != NULL)
        send (task);
    }
}

void
trd_workers_end_errands (TrdWorkers *self, TrdWorker *worker)
{
  g_autoptr (GPtrArray) list = list_of (self, worker);

  for (guint i = 0; i < list->len; i++)
    {
      GTask *task = g_ptr_array_index (list, i);
      Errand *errand = g_task_get_task_data (task);

      errand->worker = NULL;
      leave (task);
      fail (task);
    }
}
