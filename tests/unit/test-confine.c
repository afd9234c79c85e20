/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a confined worker can do and cannot, each tried in a process of its own, by the
 * main thread and by another.  Run as root, too: confinement does not ask who one is. */

#include "config.h"

#include "common/profile.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct
{
  const char *name;
  gboolean is_allowed;
  gboolean needs_landlock;
  const char *setting; /* (nullable): in the environment, of the profile "local" */
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

/* What the profile "local" gives, and what it takes still. */
static const Row local_rows[] = {
  { "unix", FALSE, FALSE },
  { "netlink", FALSE, FALSE },
  { "socketpair", FALSE, FALSE },
  { "read-own", FALSE, TRUE },
  { "lock", FALSE, TRUE },
  { "write-own", FALSE, FALSE },
  { "create", FALSE, FALSE },
  { "unlink", FALSE, FALSE },
  { "mkdir", FALSE, FALSE },
  { "root-home", FALSE, TRUE },
  { "homes", FALSE, TRUE },
  { "proc", FALSE, TRUE },
  { "own-memory", FALSE, TRUE },
  { "execute", FALSE, FALSE },
  { "fork", FALSE, FALSE },
  { "ptrace", FALSE, FALSE },
  { "kill", FALSE, FALSE },
  { "bind", FALSE, FALSE },
  { "dumpable", FALSE, FALSE },
  { "limits", FALSE, FALSE },
  { "keyring", FALSE, FALSE },
  { "read-etc", TRUE, FALSE },
  { "connect", TRUE, FALSE },
  { "resolve", TRUE, FALSE },
  { "thread", TRUE, FALSE },
  /* A ticket cache in a file */
  { "read-own", TRUE, FALSE, "KRB5CCNAME=FILE:@/tickets" },
  { "lock", TRUE, FALSE, "KRB5CCNAME=@/tickets" },
  { "write-own", FALSE, FALSE, "KRB5CCNAME=FILE:@/tickets" },
  { "unix", FALSE, FALSE, "KRB5CCNAME=FILE:@/tickets" },
  { "keyring", FALSE, FALSE, "KRB5CCNAME=FILE:@/tickets" },
  { "read-own", TRUE, FALSE, "KRB5CCNAME=DIR:@" },
  { "read-own", TRUE, FALSE, "KRB5_CLIENT_KTNAME=@/keytab" },
  { "read-own", TRUE, FALSE, "SOFTHSM2_CONF=@/softhsm2.conf" },
  /* Tokens in files, which are written, and nothing else is */
  { "write-own", TRUE, TRUE, "SOFTHSM2_CONF=@/tokens.conf" },
  { "create", FALSE, FALSE, "SOFTHSM2_CONF=@/tokens.conf" },
  { "unlink", FALSE, FALSE, "SOFTHSM2_CONF=@/tokens.conf" },
  { "own-memory", FALSE, TRUE, "SOFTHSM2_CONF=@/tokens.conf" },
  /* One in the kernel */
  { "keyring", TRUE, FALSE, "KRB5CCNAME=KEYRING:user:nobody" },
  { "add-key", FALSE, FALSE, "KRB5CCNAME=KEYRING:user:nobody" },
  { "revoke", FALSE, FALSE, "KRB5CCNAME=KEYRING:user:nobody" },
  { "unix", FALSE, FALSE, "KRB5CCNAME=KEYRING:user:nobody" },
  /* One that a service keeps, and a token behind one */
  { "unix", TRUE, FALSE, "KRB5CCNAME=KCM:" },
  { "read-own", FALSE, TRUE, "KRB5CCNAME=KCM:" },
  { "unix", TRUE, FALSE, "P11_KIT_SERVER_ADDRESS=unix:path=@/nobody" },
  { "bind", FALSE, FALSE, "KRB5CCNAME=KCM:" },
  { "socketpair", FALSE, FALSE, "KRB5CCNAME=KCM:" },
};

/* (owned): may be written by us, and must not be by the probe. */
static char *own_folder;
static char *own_file;

/* Nothing of the user's own settings; @ is our folder. */
static GSubprocessLauncher *
make_launcher (const Row *row)
{
  GSubprocessLauncher *launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDERR_PIPE);

  for (guint i = 0; trundle_local_variables[i] != NULL; i++)
    g_subprocess_launcher_unsetenv (launcher, trundle_local_variables[i]);
  /* The default cache is in the very folder that ours is in. */
  g_subprocess_launcher_setenv (launcher, "KRB5CCNAME", "MEMORY:nobody", TRUE);
  if (row->setting != NULL)
    {
      g_auto (GStrv) words = g_strsplit (row->setting, "=", 2);
      g_auto (GStrv) parts = g_strsplit (words[1], "@", -1);
      g_autofree char *value = g_strjoinv (own_folder, parts);

      g_subprocess_launcher_setenv (launcher, words[0], value, TRUE);
    }
  return launcher;
}

static gboolean
has_card_reader (void)
{
  return g_file_test ("/run/pcscd/pcscd.comm", G_FILE_TEST_EXISTS);
}

static void
check_attempt (const Row *row, const char *profile, const char *who)
{
  g_autoptr (GSubprocessLauncher) launcher = make_launcher (row);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autofree char *said = NULL;
  char word[16] = "";
  int number = 0;
  int landlock = 0;
  int seccomp = 0;

  process = g_subprocess_launcher_spawn (launcher,
                                         &error,
                                         g_getenv ("TRUNDLE_TEST_CONFINE_PROBE"),
                                         own_file,
                                         row->name,
                                         profile,
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
  check_attempt (data, "confined", NULL);
  check_attempt (data, "confined", "thread");
}

static void
test_local_row (gconstpointer data)
{
  const Row *row = data;

  if (g_str_equal (row->name, "unix") && !row->is_allowed && has_card_reader ())
    {
      g_test_skip ("There is a service for smart cards");
      return;
    }
  check_attempt (row, "local", NULL);
  check_attempt (row, "local", "thread");
}

/* Landlock from ABI 6 on.  That it would be reached otherwise shows the row "unix". */
static void
test_abstract (void)
{
  static const Row row = { "abstract", FALSE, FALSE, "KRB5CCNAME=KCM:" };
  struct sockaddr_un address = { AF_UNIX };
  int listener = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (syscall (SYS_landlock_create_ruleset, NULL, (gsize)0, 1U) < 6)
    {
      g_test_skip ("The kernel lacks what this needs");
      return;
    }
  g_strlcpy (address.sun_path + 1, own_file, sizeof address.sun_path - 1);
  g_assert_no_errno (bind (listener, (const void *)&address, sizeof address));
  g_assert_no_errno (listen (listener, 1));
  check_attempt (&row, "local", NULL);
  g_close (listener, NULL);
}

int
main (int argc, char **argv)
{
  g_autofree char *config = NULL;
  g_autofree char *text = NULL;
  int result;

  g_test_init (&argc, &argv, NULL);
  /* The search for leaks traces the process, which a confined one forbids. */
  g_setenv ("ASAN_OPTIONS", "detect_leaks=0", TRUE);
  own_folder = g_dir_make_tmp ("trundle-probe-XXXXXX", NULL);
  own_file = g_build_filename (own_folder, "file", NULL);
  g_assert_true (g_file_set_contents (own_file, "", 0, NULL));
  config = g_build_filename (own_folder, "tokens.conf", NULL);
  text = g_strdup_printf ("# Ours\n directories.tokendir = %s\n", own_folder);
  g_assert_true (g_file_set_contents (config, text, -1, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/confine/", rows[i].name, NULL);

      g_test_add_data_func (path, &rows[i], test_row);
    }
  for (guint i = 0; i < G_N_ELEMENTS (local_rows); i++)
    {
      const char *setting = local_rows[i].setting;
      g_autofree char *path = g_strdup_printf ("/confine/local/%s/%s",
                                               setting != NULL ? setting : "nothing",
                                               local_rows[i].name);

      g_test_add_data_func (
          g_strdelimit (path, "@", '.'), &local_rows[i], test_local_row);
    }
  g_test_add_func ("/confine/local/abstract", test_abstract);
  result = g_test_run ();
  g_assert_cmpint (g_unlink (own_file), ==, 0);
  g_assert_cmpint (g_unlink (config), ==, 0);
  g_assert_cmpint (g_rmdir (own_folder), ==, 0);
  g_free (own_file);
  g_free (own_folder);
  return result;
}
