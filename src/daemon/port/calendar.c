/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The clock on the wall is set by people, by servers, and by an empty battery.  A leap of
 * years would make everything old at once; and a machine that was off for a month comes
 * back with results that nobody could have collected.  In both cases everything is kept
 * for its whole time once more. */

#include "config.h"

#include "port/calendar.h"

#include <gio/gio.h>

#define FILE_NAME "calendar"
#define GROUP "Calendar"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* A clock that nobody has set yet: 2026-01-01. */
#define NOT_SET_BEFORE_US (G_GINT64_CONSTANT (1767225600) * G_USEC_PER_SEC)

#define LEAP_US (G_GINT64_CONSTANT (7) * 24 * 3600 * G_USEC_PER_SEC)

typedef struct
{
  char *boot; /* (owned): its id */
  TrdMoment last;
  gint64 left_us; /* until dates are believed */
} Calendar;

static void
calendar_clear (Calendar *self)
{
  g_free (self->boot);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Calendar, calendar_clear)

static char *
read_boot_id (void)
{
  char *id = NULL;

  return g_file_get_contents (BOOT_ID, &id, NULL, NULL) ? g_strchomp (id) : g_strdup ("");
}

static gboolean
load (Calendar *self, const char *path)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL))
    return FALSE;
  self->boot = g_key_file_get_string (file, GROUP, "Boot", NULL);
  self->last.wall_us = g_key_file_get_int64 (file, GROUP, "Wall", NULL);
  self->last.boot_us = g_key_file_get_int64 (file, GROUP, "BootTime", NULL);
  self->left_us = g_key_file_get_int64 (file, GROUP, "Left", NULL);
  return self->boot != NULL && self->last.wall_us != 0;
}

static void
save (const Calendar *self, const char *path)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *text = NULL;
  g_autoptr (GError) local_error = NULL;

  g_key_file_set_string (file, GROUP, "Boot", self->boot);
  g_key_file_set_int64 (file, GROUP, "Wall", self->last.wall_us);
  g_key_file_set_int64 (file, GROUP, "BootTime", self->last.boot_us);
  g_key_file_set_int64 (file, GROUP, "Left", self->left_us);
  text = g_key_file_to_data (file, NULL, NULL);
  if (!g_file_set_contents_full (
          path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &local_error))
    g_message ("Cannot remember the date: %s", local_error->message);
}

/* What is left of the time, when @now follows @self. */
static gint64
find_left (const Calendar *self, const char *boot, TrdMoment now, gint64 grace_us)
{
  gboolean same_boot = g_str_equal (self->boot, boot) && *boot != '\0'
                       && now.boot_us >= self->last.boot_us;
  gint64 vouched_us = same_boot ? now.boot_us - self->last.boot_us : now.boot_us;
  gint64 shown_us = now.wall_us - self->last.wall_us;
  gint64 leap_us = shown_us - (same_boot ? vouched_us : 0);

  if (leap_us > LEAP_US || leap_us < -LEAP_US)
    return grace_us;
  return CLAMP (self->left_us - vouched_us, 0, grace_us);
}

gboolean
trd_calendar_is_believed (const char *state_directory, TrdMoment now, gint64 grace_us)
{
  g_autofree char *path = NULL;
  g_auto (Calendar) last = { 0 };
  g_auto (Calendar) next = { .boot = read_boot_id (), .last = now };

  g_return_val_if_fail (state_directory != NULL, FALSE);

  if (now.wall_us < NOT_SET_BEFORE_US)
    return FALSE;

  path = g_build_filename (state_directory, FILE_NAME, NULL);
  next.left_us = load (&last, path) ? find_left (&last, next.boot, now, grace_us)
                                    : grace_us;
  save (&next, path);
  return next.left_us == 0;
}
