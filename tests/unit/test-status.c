/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "status.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <glib/gstdio.h>

static void
test_format (void)
{
  static const struct
  {
    TrdStatus status;
    const char *line;
  } rows[] = {
    { { 0, 0, 0 }, "Idle" },
    { { 0, 0, 500 }, "Idle" },
    { { 0, 12, 0 }, "12 waiting" },
    { { 3, 0, 0 }, "3 active" },
    { { 3, 12, 8100000 }, "3 active, 12 waiting, 8.1 MB/s" },
    { { 1, 0, 999 }, "1 active, 999 bytes/s" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *line = trd_status_format (&rows[i].status);

      g_assert_cmpstr (line, ==, rows[i].line);
    }
}

/* A socket in systemd's place. */
static int
listen_for_notify (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint (bind (fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  g_setenv ("NOTIFY_SOCKET", path, TRUE);
  return fd;
}

static char *
read_notify (int fd, int flags)
{
  char text[256];
  ssize_t length = recv (fd, text, sizeof text, flags);

  return length < 0 ? NULL : g_strndup (text, length);
}

static void
expect_line (int fd, const char *expected)
{
  g_autofree char *line = NULL;

  /* The second in which nothing is sent runs in the main loop. */
  while ((line = read_notify (fd, MSG_DONTWAIT)) == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (line, ==, expected);
}

static void
test_once_a_second (void)
{
  g_autofree char *directory = g_dir_make_tmp ("trundle-status-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "notify", NULL);
  int fd = listen_for_notify (path);
  g_autoptr (TrdStatusLine) line = trd_status_line_new ();
  gint64 start_us = g_get_monotonic_time ();

  trd_status_line_set (line, &(TrdStatus){ .n_active = 1 });
  trd_status_line_set (line, &(TrdStatus){ .n_active = 2 });
  trd_status_line_set (line, &(TrdStatus){ .n_active = 3 });
  trd_status_line_set (line, &(TrdStatus){ .n_active = 3 });
  expect_line (fd, "STATUS=1 active");
  expect_line (fd, "STATUS=3 active");
  g_assert_cmpint (g_get_monotonic_time () - start_us, >=, 900 * 1000);

  trd_status_line_set (line, &(TrdStatus){ .n_active = 3 });
  g_assert_null (read_notify (fd, MSG_DONTWAIT));

  g_unsetenv ("NOTIFY_SOCKET");
  g_close (fd, NULL);
  g_remove (path);
  g_rmdir (directory);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/status/format", test_format);
  g_test_add_func ("/status/once-a-second", test_once_a_second);

  return g_test_run ();
}
