/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* trundle doctor: what the service finds when it looks at itself, and when it cannot be
 * asked, why. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "cli/bus.h"
#include "cli/print.h"
#include "common/error.h"
#include "common/names.h"

/* A large database on a slow disk takes its time. */
#define TIMEOUT_MS (10 * 60 * 1000)

/* Not the exit code of a service that cannot be reached: scripts are told that nothing is
 * known. */
#define EXIT_CANNOT_TELL TRC_EXIT_USAGE

typedef struct
{
  gboolean mend;
  gboolean json;
} Options;

/* ---- what is found ---- */

static void
print_human (GVariant *finding)
{
  g_autofree char *message = trc_print_clean (trc_bus_lookup_string (finding, "message"));
  g_autofree char *path = trc_print_clean (trc_bus_lookup_string (finding, "path"));
  const char *task = trc_bus_lookup_string (finding, "task");
  g_autoptr (GVariant) reasons = NULL;
  gboolean mended = FALSE;
  guint64 size = 0;
  guint more = 0;

  g_variant_lookup (finding, "mended", "b", &mended);
  g_variant_lookup (finding, "size", "t", &size);
  g_variant_lookup (finding, "more", "u", &more);
  reasons = g_variant_lookup_value (finding, "reasons", G_VARIANT_TYPE_STRING_ARRAY);

  trc_print_line ("%s: %s",
                  trc_print_severity (trc_bus_lookup_string (finding, "severity")),
                  message);
  if (path[0] != '\0')
    trc_print_line ("  %s", path);
  if (size > 0)
    {
      g_autofree char *text = trc_print_size ((gint64)MIN (size, G_MAXINT64));

      trc_print_line ("  %s", text);
    }
  if (task[0] != '\0')
    trc_print_line (_ ("  Task %s"), trc_bus_task_number (task));
  if (reasons != NULL)
    {
      g_autofree char *text = trc_print_wait_reasons (reasons);

      trc_print_line (_ ("  Waits for: %s"), text);
    }
  if (mended)
    trc_print_line (_ ("  Put in order"));
  if (more > 0)
    trc_print_line (_ ("  And %u more of the kind"), more);
}

static gboolean
is_problem (GVariant *finding)
{
  gboolean mended = FALSE;

  g_variant_lookup (finding, "mended", "b", &mended);
  return !mended && !g_str_equal (trc_bus_lookup_string (finding, "severity"), "info");
}

static TrcExit
print_findings (const Options *options, GVariant *findings)
{
  TrcExit status = TRC_EXIT_DONE;

  for (gsize i = 0; i < g_variant_n_children (findings); i++)
    {
      g_autoptr (GVariant) finding = g_variant_get_child_value (findings, i);

      if (is_problem (finding))
        status = TRC_EXIT_FAILED;
      if (options->json)
        trc_print_json_line (finding);
      else
        print_human (finding);
    }
  if (!options->json && g_variant_n_children (findings) == 0)
    trc_print_line (_ ("Nothing is wrong."));
  return status;
}

/* ---- why it cannot be asked ---- */

static void
say (const Options *options, const char *kind, const char *path, const char *message)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) finding = NULL;

  g_variant_dict_insert (&dict, "kind", "s", kind);
  g_variant_dict_insert (&dict, "severity", "s", "error");
  g_variant_dict_insert (&dict, "message", "s", message);
  g_variant_dict_insert (&dict, "mended", "b", FALSE);
  if (path != NULL)
    g_variant_dict_insert (&dict, "path", "s", path);
  finding = g_variant_ref_sink (g_variant_dict_end (&dict));
  if (options->json)
    trc_print_json_line (finding);
  else
    print_human (finding);
}

static gboolean
is_activatable (GDBusConnection *connection)
{
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (connection,
                                                            "org.freedesktop.DBus",
                                                            "/org/freedesktop/DBus",
                                                            "org.freedesktop.DBus",
                                                            "ListActivatableNames",
                                                            NULL,
                                                            G_VARIANT_TYPE ("(as)"),
                                                            G_DBUS_CALL_FLAGS_NONE,
                                                            -1,
                                                            NULL,
                                                            NULL);
  g_autofree const char **names = NULL;

  if (reply == NULL)
    return TRUE;
  g_variant_get (reply, "(^a&s)", &names);
  return g_strv_contains (names, TRUNDLE_BUS_NAME);
}

/* The directory of the service, and whether somebody holds it. */
static void
look_at_state (const Options *options)
{
  g_autofree char *path = g_build_filename (g_get_user_state_dir (), "trundle", NULL);
  g_autofree char *lock = g_build_filename (path, "lock", NULL);
  int fd;

  if (access (path, F_OK) != 0 && errno == ENOENT)
    return;
  if (access (path, R_OK | W_OK | X_OK) != 0)
    {
      g_autofree char *message = g_strdup_printf (
          _ ("The service cannot use its directory: %s.  Give it back to yourself, "
             "with the mode 0700"),
          g_strerror (errno));

      say (options, "state-unusable", path, message);
      return;
    }

  fd = open (lock, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd >= 0 && flock (fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    say (options,
         "state-locked",
         path,
         _ ("Another process holds the directory of the service: a service on another "
            "bus, say, or one that does not answer.  End it, and try again"));
  if (fd >= 0)
    close (fd);
}

static TrcExit
explain (const Options *options, GDBusConnection *connection, const GError *error)
{
  if (g_error_matches (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_ALLOWED))
    {
      say (options, "sandboxed", NULL, error->message);
      return EXIT_CANNOT_TELL;
    }
  if (connection == NULL)
    say (options,
         "no-bus",
         NULL,
         _ ("There is no session bus.  Run this in your session, or set "
            "DBUS_SESSION_BUS_ADDRESS"));
  else if (!is_activatable (connection))
    say (options,
         "not-activatable",
         NULL,
         _ ("The bus does not know how to start the service: the file "
            "org.freedesktop.BackgroundTransfer1.service is missing from "
            "share/dbus-1/services.  Install the package, and log in again"));
  say (options, "unreachable", NULL, error->message);
  if (connection == NULL)
    return EXIT_CANNOT_TELL;

  look_at_state (options);
  if (!options->json)
    trc_print_line (_ ("More may be said by: journalctl --user --unit trundled"));
  return EXIT_CANNOT_TELL;
}

/* ---- the command ---- */

static GVariant *
check (GDBusConnection *connection, gboolean mend, GError **error)
{
  g_autoptr (GVariant) reply = trc_bus_call_for (connection,
                                                 TIMEOUT_MS,
                                                 TRUNDLE_OBJECT_PATH,
                                                 TRUNDLE_INTERFACE_CONTROL,
                                                 "Check",
                                                 g_variant_new ("(b)", mend),
                                                 "(aa{sv})",
                                                 error);

  return reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
}

TrcExit
trc_doctor (int argc, char **argv)
{
  Options options = { 0 };
  const GOptionEntry entries[] = {
    { "mend",
      0,
      0,
      G_OPTION_ARG_NONE,
      &options.mend,
      N_ ("Repair what can be repaired without loss"),
      NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, N_ ("A JSON object a line"), NULL },
    { NULL },
  };
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GVariant) findings = NULL;
  g_autoptr (GError) error = NULL;

  if (!trc_command_parse (entries, &argc, &argv))
    return TRC_EXIT_USAGE;
  if (argc > 1)
    return trc_command_misuse (_ ("Unexpected argument “%s”"), argv[1]);

  connection = trc_bus_connect (&error);
  if (connection != NULL)
    findings = check (connection, options.mend, &error);
  if (findings == NULL)
    return explain (&options, connection, error);
  return print_findings (&options, findings);
}
