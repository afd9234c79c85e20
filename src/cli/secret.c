/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Secrets on their way from a file or a terminal to the service.  GLib's own buffers are
 * not wiped when they grow, so that what is read goes into ours. */

#include "config.h"

#include "cli/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Certificates with their chains come near to a hundredth of it. */
#define SECRET_BYTES_MAX (1024 * 1024)

TrcSecret *
trc_secret_new (const char *bytes, gsize length)
{
  TrcSecret *self = g_new0 (TrcSecret, 1);

  self->bytes = g_malloc0 (length + 1);
  memcpy (self->bytes, bytes, length);
  self->length = length;
  return self;
}

void
trc_secret_free (TrcSecret *self)
{
  if (self == NULL)
    return;
  explicit_bzero (self->bytes, self->length);
  g_free (self->bytes);
  g_free (self);
}

static gboolean
fail (const char *path, int errsv, GError **error)
{
  g_autofree char *shown = g_filename_display_name (path);

  g_set_error (error,
               G_IO_ERROR,
               (int)g_io_error_from_errno (errsv),
               "%s: %s",
               shown,
               g_strerror (errsv));
  return FALSE;
}

/* All of @fd into @buffer, which has room for more than is allowed. */
static gboolean
read_all (int fd, const char *path, char *buffer, gsize *out_length, GError **error)
{
  gsize length = 0;

  for (;;)
    {
      gssize n = read (fd, buffer + length, SECRET_BYTES_MAX + 1 - length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return fail (path, errno, error);
      if (n == 0)
        break;
      length += (gsize)n;
      if (length > SECRET_BYTES_MAX)
        return fail (path, EFBIG, error);
    }
  *out_length = length;
  return TRUE;
}

TrcSecret *
trc_secret_read (const char *path, GError **error)
{
  gboolean is_stdin = g_str_equal (path, "-");
  g_autofree char *buffer = NULL;
  TrcSecret *self = NULL;
  gsize length = 0;
  int fd = is_stdin ? STDIN_FILENO : g_open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);

  if (fd < 0)
    {
      fail (path, errno, error);
      return NULL;
    }

  buffer = g_malloc (SECRET_BYTES_MAX + 1);
  if (read_all (fd, path, buffer, &length, error))
    self = trc_secret_new (buffer, length);
  explicit_bzero (buffer, SECRET_BYTES_MAX + 1);
  if (!is_stdin)
    close (fd);
  return self;
}

TrcSecret *
trc_secret_read_line (const char *path, GError **error)
{
  g_autoptr (TrcSecret) all = trc_secret_read (path, error);
  const char *end;
  gsize length;

  if (all == NULL)
    return NULL;

  end = memchr (all->bytes, '\n', all->length);
  length = end != NULL ? (gsize)(end - all->bytes) : all->length;
  if (length > 0 && all->bytes[length - 1] == '\r')
    length--;
  if (memchr (all->bytes, '\0', length) == NULL)
    return trc_secret_new (all->bytes, length);

  fail (path, EINVAL, error);
  return NULL;
}

int
trc_secret_open (const TrcSecret *self, GError **error)
{
  gsize written = 0;
  int fd = memfd_create ("trundle-secret", MFD_CLOEXEC | MFD_ALLOW_SEALING);

  if (fd < 0)
    {
      fail ("memfd", errno, error);
      return -1;
    }
  while (written < self->length)
    {
      gssize n = write (fd, self->bytes + written, self->length - written);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          fail ("memfd", errno, error);
          close (fd);
          return -1;
        }
      written += (gsize)n;
    }
  /* What is read at the other end is what was written here, however long that takes. */
  fcntl (fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  lseek (fd, 0, SEEK_SET);
  return fd;
}

int
trc_secret_append (const TrcSecret *self, GUnixFDList *fds, GError **error)
{
  int fd = trc_secret_open (self, error);
  int handle;

  if (fd < 0)
    return -1;
  /* It takes a copy. */
  handle = g_unix_fd_list_append (fds, fd, error);
  close (fd);
  return handle;
}

gboolean
trc_secret_refuse (const char *option, const char *value, gpointer data, GError **error)
{
  g_set_error (
      error,
      G_OPTION_ERROR,
      G_OPTION_ERROR_BAD_VALUE,
      _ ("%s: other users can read command lines; use %s-file, or let yourself be "
         "asked"),
      option,
      option);
  return FALSE;
}
