/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How the service is called, with plain GDBus. */

#include "service.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The service is started by the call if it does not run.  Errors come as
 * "GDBus.Error:org.freedesktop…: sentence"; the sentence is what people want.  @fds
 * (nullable) has the descriptors of arguments of type `h`. */
GVariant *
service_call_with_fds (GDBusConnection *bus,
                       const char *path,
                       const char *interface,
                       const char *method,
                       GVariant *parameters,
                       GUnixFDList *fds,
                       const char *reply_type,
                       GError **error)
{
  GVariant *reply = g_dbus_connection_call_with_unix_fd_list_sync (
      bus,
      SERVICE,
      path,
      interface,
      method,
      parameters,
      G_VARIANT_TYPE (reply_type),
      G_DBUS_CALL_FLAGS_NONE,
      -1,
      fds,
      NULL,
      NULL,
      error);

  if (reply == NULL && error != NULL)
    g_dbus_error_strip_remote_error (*error);
  return reply;
}

GVariant *
service_call (GDBusConnection *bus,
              const char *path,
              const char *interface,
              const char *method,
              GVariant *parameters,
              const char *reply_type,
              GError **error)
{
  return service_call_with_fds (
      bus, path, interface, method, parameters, NULL, reply_type, error);
}

/* The handle of what is at @path, or -1. */
int
service_append_file (GUnixFDList *fds, const char *path, int flags, GError **error)
{
  int fd = open (path, flags | O_CLOEXEC);
  int handle = fd >= 0 ? g_unix_fd_list_append (fds, fd, error) : -1;

  if (fd < 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "Cannot open %s", path);
  else
    close (fd);
  return handle;
}

/* A secret is best not in a message but in a file that has no name: what the service
 * takes as `password` it also takes as `password-fd`. */
int
service_append_secret (GUnixFDList *fds, const char *secret, GError **error)
{
  int fd = memfd_create ("secret", MFD_CLOEXEC);
  int handle = -1;

  if (fd < 0 || write (fd, secret, strlen (secret)) != (gssize)strlen (secret))
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "No room for a secret");
  else
    handle = g_unix_fd_list_append (fds, fd, error);
  if (fd >= 0)
    close (fd);
  return handle;
}
