/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a cancelled transfer is gone on with, from the service into a file and back.  The
 * file is made before the transfer is cancelled: what is given out cannot be had again by
 * whoever finds his disk full afterwards. */

#include "config.h"

#include "cli/resume-data.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "cli/bus.h"
#include "common/names.h"

/* As the service takes. */
#define RESUME_DATA_MAX (128 * 1024)

GBytes *
trc_resume_data_read (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *contents = NULL;
  gsize length;

  if (!g_file_get_contents (path, &contents, &length, &error))
    {
      trc_command_complain ("%s", error->message);
      return NULL;
    }
  if (length > RESUME_DATA_MAX)
    {
      g_autofree char *shown = g_filename_display_name (path);

      trc_command_complain (_ ("%s: that is no resume data"), shown);
      return NULL;
    }

  return g_bytes_new_take (g_steal_pointer (&contents), length);
}

static gboolean
complain_of_file (const char *path)
{
  g_autofree char *shown = g_filename_display_name (path);

  trc_command_complain ("%s: %s", shown, g_strerror (errno));
  return FALSE;
}

static gboolean
write_all (int fd, const char *path, GVariant *data)
{
  const char *bytes = g_variant_get_data (data);
  gsize left = g_variant_get_size (data);

  while (left > 0)
    {
      gssize n = write (fd, bytes, left);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return complain_of_file (path);
      bytes += n;
      left -= (gsize)n;
    }

  return fsync (fd) == 0 || complain_of_file (path);
}

/* (transfer full) (nullable): NULL was complained of; @out_exit says how bad it is */
static GVariant *
cancel (GDBusConnection *connection, const char *task, TrcExit *out_exit)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) data = NULL;
  g_autoptr (GVariant) reply = trc_bus_call (connection,
                                             task,
                                             TRUNDLE_INTERFACE_TASK,
                                             "CancelByProducingResumeData",
                                             NULL,
                                             "(ay)",
                                             &error);

  *out_exit = TRC_EXIT_FAILED;
  if (reply == NULL)
    {
      trc_command_complain ("%s: %s", trc_bus_task_number (task), error->message);
      *out_exit = trc_bus_exit_for_error (error);
      return NULL;
    }

  data = g_variant_get_child_value (reply, 0);
  if (g_variant_get_size (data) > 0)
    return g_steal_pointer (&data);

  trc_command_complain (_ ("%s: cancelled; there is nothing that could be gone on with"),
                        trc_bus_task_number (task));
  return NULL;
}

TrcExit
trc_resume_data_produce (GDBusConnection *connection, const char *task, const char *path)
{
  g_autoptr (GVariant) data = NULL;
  TrcExit result;
  int fd = g_open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

  if (fd < 0)
    {
      complain_of_file (path);
      return TRC_EXIT_FAILED;
    }

  data = cancel (connection, task, &result);
  if (data == NULL)
    g_unlink (path);
  else if (write_all (fd, path, data))
    result = TRC_EXIT_DONE;
  close (fd);

  return result;
}
