/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* trundle-worker: moves bytes for one app.  Started by the daemon with one end of a
 * socket pair as descriptor 3, never by hand.  In this order: tie our life to the
 * daemon's, give up what is not needed, load what lies outside of what may be read later
 * (TLS module and trust store), confine, connect.  No thread starts before the
 * confinement, no message is read before it. */

#include "config.h"

#include "common/profile.h"
#include "confine.h"
#include "tls.h"
#include "worker.h"

#include <gio/gio.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKET_FD 3

#if defined(__SANITIZE_ADDRESS__)
const char *
__asan_default_options (void);

/* The leak sanitizer stops our threads with ptrace(), which is refused. */
const char *
__asan_default_options (void)
{
  return "detect_leaks=0";
}
#endif

/* The signal comes when the thread that started us ends; the daemon may have gone before
 * we asked for it, and then somebody else is our parent. */
static gboolean
tie_to_daemon (GError **error)
{
  struct ucred peer;
  socklen_t size = sizeof peer;

  if (prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, g_strerror (errno));
      return FALSE;
    }
  if (getsockopt (SOCKET_FD, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
    {
      g_set_error_literal (
          error, G_IO_ERROR, G_IO_ERROR_FAILED, "This program is started by trundled");
      return FALSE;
    }
  if (peer.pid != getppid ())
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The daemon has gone");
      return FALSE;
    }
  return TRUE;
}

/* (nullable): without a TLS module https fails, and http works. */
static GTlsDatabase *
load_trust (void)
{
  trw_tls_prepare ();
  return g_tls_backend_get_default_database (g_tls_backend_get_default ());
}

static GDBusConnection *
connect_to_daemon (GError **error)
{
  g_autoptr (GSocket) socket = g_socket_new_from_fd (SOCKET_FD, error);
  g_autoptr (GSocketConnection) stream = NULL;

  if (socket == NULL)
    return NULL;
  stream = g_socket_connection_factory_create_connection (socket);
  return g_dbus_connection_new_sync (
      G_IO_STREAM (stream),
      NULL,
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
      NULL,
      NULL,
      error);
}

static TrwWorker *
start (TrwProfile profile, GError **error)
{
  g_autoptr (GTlsDatabase) trust = NULL;
  g_autoptr (GDBusConnection) connection = NULL;
  TrwConfinement confinement = { 0 };

  if (!tie_to_daemon (error) || !trw_confine_prepare (profile, SOCKET_FD, error))
    return NULL;
  trust = load_trust ();
  if (!trw_confine (profile, &confinement, error))
    return NULL;
  connection = connect_to_daemon (error);
  if (connection == NULL)
    return NULL;
  return trw_worker_new (connection, trust, &confinement, error);
}

static gboolean
read_arguments (int argc, char **argv, TrwProfile *out_profile)
{
  *out_profile = argc == 2 ? TRW_PROFILE_LOCAL : TRW_PROFILE_CONFINED;
  return argc == 1 || (argc == 2 && g_str_equal (argv[1], TRUNDLE_WORKER_LOCAL));
}

/* Ends without tidying up: everything is the kernel's to close, and threads may be
 * waiting for a disk. */
int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  TrwProfile profile;
  TrwWorker *worker;

  if (!read_arguments (argc, argv, &profile))
    {
      fputs ("trundle-worker: This program is started by trundled\n", stderr);
      return EXIT_FAILURE;
    }
  worker = start (profile, &error);
  if (worker == NULL)
    {
      fprintf (stderr, "trundle-worker: %s\n", error->message);
      return EXIT_FAILURE;
    }
  _exit (trw_worker_run (worker));
}
