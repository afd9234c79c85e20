/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a confined worker can do and cannot, each tried in a process of its own, by the
 * main thread and by another.  Run as root, too: confinement does not ask who one is. */

#include "config.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

typedef struct
{
  const char *name;
  gboolean is_allowed;
  gboolean needs_landlock;
} Row;

static const Row rows[] = {
  { "unix", FALSE, FALSE },      { "netlink", FALSE, FALSE },
  { "raw", FALSE, FALSE },       { "socketpair", FALSE, FALSE },
  { "read-own", FALSE, TRUE },   { "write-own", FALSE, FALSE },
  { "create", FALSE, FALSE },    { "create-read-only", FALSE, FALSE },
  { "unlink", FALSE, FALSE },    { "mkdir", FALSE, FALSE },
  { "root-home", FALSE, TRUE },  { "homes", FALSE, TRUE },
  { "proc", FALSE, TRUE },       { "own-memory", FALSE, TRUE },
  { "execute", FALSE, FALSE },   { "fork", FALSE, FALSE },
  { "namespace", FALSE, FALSE }, { "ptrace", FALSE, FALSE },
  { "kill", FALSE, FALSE },      { "io-uring", FALSE, FALSE },
  { "bind", FALSE, FALSE },      { "dumpable", FALSE, FALSE },
  { "limits", FALSE, FALSE },    { "read-etc", TRUE, FALSE },
  { "connect", TRUE, FALSE },    { "resolve", TRUE, FALSE },
  { "thread", TRUE, FALSE },
};

/* (owned): may be written by us, and must not be by the probe. */
static char *own_file;

static void
check_attempt (const Row *row, const char *who)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autofree char *said = NULL;
  char word[16] = "";
  int number = 0;
  int landlock = 0;
  int seccomp = 0;

  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_PIPE,
                              &error,
                              g_getenv ("TRUNDLE_TEST_CONFINE_PROBE"),
                              own_file,
                              row->name,
                              who,
                              NULL);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, NULL, NULL, NULL, &said, &error);
  g_assert_no_error (error);
  /* Nothing refused kills. */
  g_assert_true (g_subprocess_get_successful (process));
  g_assert_cmpint (
      sscanf (said, "%15s %d landlock %d seccomp %d", word, &number, &landlock, &seccomp),
      ==,
      4);
  if (!seccomp || (row->needs_landlock && landlock == 0))
    {
      g_test_skip ("The kernel lacks what this needs");
      return;
    }
  g_assert_cmpstr (word, ==, row->is_allowed ? "allowed" : "refused");
  if (!row->is_allowed)
    g_assert_true (number == EPERM || number == EACCES || number == ENOSYS);
}

static void
test_row (gconstpointer data)
{
  check_attempt (data, NULL);
  check_attempt (data, "thread");
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  /* The search for leaks traces the process, which a confined one forbids. */
  g_setenv ("ASAN_OPTIONS", "detect_leaks=0", TRUE);
  g_close (g_file_open_tmp ("trundle-probe-XXXXXX", &own_file, NULL), NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/confine/", rows[i].name, NULL);

      g_test_add_data_func (path, &rows[i], test_row);
    }
  result = g_test_run ();
  g_assert_cmpint (g_unlink (own_file), ==, 0);
  g_free (own_file);
  return result;
}
