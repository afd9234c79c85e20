/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What came with a call is owned from the first moment on, named in it or not. */

#include "config.h"

#include "files.h"

#include <gio/gunixfdlist.h>
#include <glib/gstdio.h>

void
trw_files_init (TrwFiles *self, GDBusMethodInvocation *invocation)
{
  GDBusMessage *message = g_dbus_method_invocation_get_message (invocation);
  GUnixFDList *list = g_dbus_message_get_unix_fd_list (message);

  self->fds = NULL;
  self->n_fds = 0;
  if (list != NULL)
    self->fds = g_unix_fd_list_steal_fds (list, &self->n_fds);
}

void
trw_files_clear (TrwFiles *self)
{
  for (int i = 0; i < self->n_fds; i++)
    {
      if (self->fds[i] >= 0)
        g_close (self->fds[i], NULL);
    }
  g_clear_pointer (&self->fds, g_free);
  self->n_fds = 0;
}

int
trw_files_take (TrwFiles *self, int handle)
{
  if (handle < 0 || handle >= self->n_fds)
    return -1;
  return g_steal_fd (&self->fds[handle]);
}
