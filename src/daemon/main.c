/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>

#include <glib/gi18n.h>
#include <sys/resource.h>

#include "common/defaults.h"
#include "memory.h"
#include "port/shelter.h"
#include "service.h"
#include "value/log.h"

/* The program: what the command line says, and nothing else. */

/* A user's services may open 1024 unless they ask for more: as many as 16 forms of 64
 * files each that begin at once, and nothing was left for anybody's call. */
#define FILES_MAX 16384

typedef struct
{
  TrdServiceOptions service;
  gboolean has_work;
  gboolean version;
} Arguments;

static void
free_arguments (Arguments *arguments)
{
  g_free (arguments->service.state_directory);
  g_free (arguments->service.worker_program);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Arguments, free_arguments)

static gboolean
check_arguments (Arguments *arguments, int worker_idle_ms, int argc, GError **error)
{
  TrdServiceOptions *service = &arguments->service;

  if (argc > 1 || service->idle_ms < -1 || worker_idle_ms < 0)
    {
      g_set_error_literal (error,
                           G_OPTION_ERROR,
                           argc > 1 ? G_OPTION_ERROR_FAILED : G_OPTION_ERROR_BAD_VALUE,
                           argc > 1 ? "Unexpected argument" : "A time is out of range");
      return FALSE;
    }
  service->worker_idle_ms = worker_idle_ms;

  /* The service is started with / as its directory, and its rows keep absolute paths. */
  if (service->state_directory == NULL)
    service->state_directory = g_build_filename (
        g_get_user_state_dir (), "trundle", NULL);
  else
    {
      g_autofree char *given = g_steal_pointer (&service->state_directory);
      service->state_directory = g_canonicalize_filename (given, NULL);
    }
  if (service->worker_program == NULL)
    service->worker_program = g_build_filename (
        TRUNDLE_LIBEXECDIR, "trundle-worker", NULL);
  return TRUE;
}

static gboolean
parse_arguments (Arguments *arguments, int argc, char **argv, GError **error)
{
  TrdServiceOptions *service = &arguments->service;
  int worker_idle_ms = TRD_WORKER_IDLE_MS;
  const GOptionEntry entries[] = {
    { "state-dir",
      0,
      0,
      G_OPTION_ARG_FILENAME,
      &service->state_directory,
      "Keep database and files in DIR",
      "DIR" },
    { "worker",
      0,
      0,
      G_OPTION_ARG_FILENAME,
      &service->worker_program,
      "Program that moves the bytes",
      "PROGRAM" },
    { "idle-ms",
      0,
      0,
      G_OPTION_ARG_INT,
      &service->idle_ms,
      "Leave after N ms without work; 0: at once, -1: never",
      "N" },
    { "worker-idle-ms",
      0,
      0,
      G_OPTION_ARG_INT,
      &worker_idle_ms,
      "Workers leave after N ms without work",
      "N" },
    { "has-work",
      0,
      0,
      G_OPTION_ARG_NONE,
      &arguments->has_work,
      "Exit with 0 when there is work for a login, else with 1",
      NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &arguments->version, "Show the version", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context,
                                "Moves files for applications in the background.");
  g_option_context_add_main_entries (context, entries, NULL);
  return g_option_context_parse (context, &argc, &argv, error)
         && check_arguments (arguments, worker_idle_ms, argc, error);
}

static void
allow_files (void)
{
  struct rlimit files;

  if (getrlimit (RLIMIT_NOFILE, &files) == 0)
    {
      files.rlim_cur = MAX (files.rlim_cur, MIN (files.rlim_max, FILES_MAX));
      if (setrlimit (RLIMIT_NOFILE, &files) == 0)
        return;
    }
  g_warning ("Asking for more open files: %s", g_strerror (errno));
}

int
main (int argc, char **argv)
{
  g_auto (Arguments) arguments = {
    .service = { .idle_ms = TRD_DAEMON_IDLE_MS, .bus_type = G_BUS_TYPE_SESSION },
  };
  g_autoptr (GError) local_error = NULL;

  trd_memory_set_up ();
  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, TRUNDLE_LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  g_set_prgname ("trundled");
  trd_log_set_up ();
  allow_files ();

  if (!parse_arguments (&arguments, argc, argv, &local_error))
    {
      g_printerr ("trundled: %s\n", local_error->message);
      return EXIT_FAILURE;
    }
  if (arguments.version)
    {
      g_print ("trundled %s\n", TRUNDLE_VERSION);
      return EXIT_SUCCESS;
    }
  if (arguments.has_work)
    return trd_shelter_peek_has_work (arguments.service.state_directory) ? EXIT_SUCCESS
                                                                         : EXIT_FAILURE;
  return trd_service_run (&arguments.service);
}
