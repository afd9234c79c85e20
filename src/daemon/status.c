/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "status.h"

#include <systemd/sd-daemon.h>

/* The line `systemctl --user status trundled` shows.  It names no app and no address.
 * Where no systemd listens, sd_notifyf() does nothing. */

#define INTERVAL_MS 1000

struct _TrdStatusLine
{
  char *wanted;   /* (owned) (nullable) */
  char *sent;     /* (owned) (nullable) */
  guint timer_id; /* runs for a second after each line */
};

char *
trd_status_format (const TrdStatus *status)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_null_terminated (3, g_free, TRUE);

  if (status->n_active > 0)
    g_ptr_array_add (parts, g_strdup_printf ("%u active", status->n_active));
  if (status->n_waiting > 0)
    g_ptr_array_add (parts, g_strdup_printf ("%u waiting", status->n_waiting));
  if (status->n_active > 0 && status->bytes_per_second > 0)
    {
      /* GLib puts a no-break space between number and unit, in UTF-8 locales. */
      g_autofree char *size = g_format_size (status->bytes_per_second);
      g_auto (GStrv) words = g_strsplit (size, "\302\240", 2);
      g_autofree char *plain = g_strjoinv (" ", words);

      g_ptr_array_add (parts, g_strdup_printf ("%s/s", plain));
    }

  if (parts->len == 0)
    return g_strdup ("Idle");
  return g_strjoinv (", ", (char **)parts->pdata);
}

TrdStatusLine *
trd_status_line_new (void)
{
  return g_new0 (TrdStatusLine, 1);
}

void
trd_status_line_free (TrdStatusLine *self)
{
  g_clear_handle_id (&self->timer_id, g_source_remove);
  g_free (self->wanted);
  g_free (self->sent);
  g_free (self);
}

static gboolean
on_second_over (gpointer user_data);

static void
send_wanted (TrdStatusLine *self)
{
  if (g_strcmp0 (self->wanted, self->sent) == 0)
    return;
  g_free (self->sent);
  self->sent = g_strdup (self->wanted);
  sd_notifyf (0, "STATUS=%s", self->sent);
  self->timer_id = g_timeout_add (INTERVAL_MS, on_second_over, self);
}

static gboolean
on_second_over (gpointer user_data)
{
  TrdStatusLine *self = user_data;

  self->timer_id = 0;
  send_wanted (self);
  return G_SOURCE_REMOVE;
}

void
trd_status_line_set (TrdStatusLine *self, const TrdStatus *status)
{
  g_free (self->wanted);
  self->wanted = trd_status_format (status);
  if (self->timer_id == 0)
    send_wanted (self);
}
