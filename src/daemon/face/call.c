/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One call: its invocation, who makes it, and the few ways of ending it.  Here is the
 * last look at what leaves the house in answer to a call: error domains other than ours,
 * and answers that would cost us the connection, stop here. */

#include "config.h"

#include "face/call.h"

#include "common/defaults.h"
#include "face/bodies.h"

#include <gio/gunixfdlist.h>

/* dbus-daemon's own default for the largest message is 32 MiB; the longest answer to an
 * upload that is told is 16. */
const gsize trd_call_reply_max = 24 * 1024 * 1024;

TrdCall *
trd_call_new (TrdGate *gate, GDBusMethodInvocation *invocation, GDestroyNotify on_ended)
{
  TrdCall *self = g_new0 (TrdCall, 1);

  self->gate = g_object_ref (gate);
  self->invocation = g_object_ref (invocation);
  self->parameters = g_variant_ref (g_dbus_method_invocation_get_parameters (invocation));
  self->on_ended = on_ended;

  return self;
}

static void
call_free (TrdCall *self)
{
  self->on_ended (self->gate);
  g_clear_object (&self->gate);
  g_clear_object (&self->invocation);
  g_clear_pointer (&self->parameters, g_variant_unref);
  g_clear_pointer (&self->peer, trd_peer_unref);
  g_clear_pointer (&self->secrets, g_ptr_array_unref);
  g_clear_pointer (&self->bodies, trd_bodies_free);
  g_free (self);
}

const char *
trd_call_get_sender (TrdCall *self)
{
  return g_dbus_method_invocation_get_sender (self->invocation);
}

int
trd_call_peek_fd (TrdCall *self, int handle, const char *key, GError **error)
{
  GDBusMessage *message = g_dbus_method_invocation_get_message (self->invocation);
  GUnixFDList *list = g_dbus_message_get_unix_fd_list (message);
  int n_fds = 0;
  const int *fds = NULL;

  if (list != NULL)
    fds = g_unix_fd_list_peek_fds (list, &n_fds);

  if (n_fds > TRD_FDS_PER_CALL_MAX)
    {
      g_set_error (error,
                   TRUNDLE_ERROR,
                   TRUNDLE_ERROR_LIMIT_EXCEEDED,
                   "A call may carry at most %d file descriptors",
                   TRD_FDS_PER_CALL_MAX);
      return -1;
    }
  if (handle < 0 || handle >= n_fds)
    {
      g_set_error (error,
                   TRUNDLE_ERROR,
                   TRUNDLE_ERROR_INVALID_ARGUMENT,
                   "%s: there is no file descriptor with this index in the message",
                   key);
      return -1;
    }

  return fds[handle];
}

void
trd_call_return (TrdCall *self, GVariant *value)
{
  g_autoptr (GVariant) owned = value != NULL ? g_variant_ref_sink (value) : NULL;

  if (owned != NULL && g_variant_get_size (owned) > trd_call_reply_max)
    {
      trd_call_return_too_large (self);
      return;
    }

  g_dbus_method_invocation_return_value (g_object_ref (self->invocation), owned);
  call_free (self);
}

void
trd_call_return_fd (TrdCall *self, int fd)
{
  g_autoptr (GUnixFDList) list = g_unix_fd_list_new_from_array (&fd, 1);

  g_dbus_method_invocation_return_value_with_unix_fd_list (
      g_object_ref (self->invocation), g_variant_new ("(h)", 0), list);
  call_free (self);
}

void
trd_call_return_error (TrdCall *self, GError *error)
{
  g_autoptr (GError) owned = error;

  if (owned->domain == TRUNDLE_ERROR)
    {
      g_dbus_method_invocation_return_gerror (g_object_ref (self->invocation), owned);
    }
  else
    {
      g_warning ("%s failed: %s",
                 g_dbus_method_invocation_get_method_name (self->invocation),
                 owned->message);
      g_dbus_method_invocation_return_error_literal (g_object_ref (self->invocation),
                                                     TRUNDLE_ERROR,
                                                     TRUNDLE_ERROR_FAILED,
                                                     "The service could not do this");
    }
  call_free (self);
}

void
trd_call_return_done (TrdCall *call, gboolean done, GError *error)
{
  if (done)
    trd_call_return (call, NULL);
  else
    trd_call_return_error (call, error);
}

void
trd_call_return_literal (TrdCall *self, TrundleError code, const char *message)
{
  trd_call_return_error (self, g_error_new_literal (TRUNDLE_ERROR, (int)code, message));
}

void
trd_call_return_too_large (TrdCall *self)
{
  trd_call_return_literal (self,
                           TRUNDLE_ERROR_LIMIT_EXCEEDED,
                           "The answer is too large; ask for less at a time");
}

void
trd_call_return_not_found (TrdCall *self)
{
  trd_call_return_literal (self, TRUNDLE_ERROR_NOT_FOUND, "There is no such object");
}
