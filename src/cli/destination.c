/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where a file is to appear. */

#include "config.h"

#include "cli/destination.h"

#include <gio/gio.h>
#include <glib/gi18n.h>

/* What the service would refuse only after the download, is refused before. */
TrcExit
trc_destination_check (const char *path, const char *if_exists)
{
  g_autofree char *shown = g_filename_display_name (path);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *shown_folder = g_filename_display_name (folder);

  if (!g_utf8_validate (path, -1, NULL))
    trc_command_complain (_ ("%s: the name is not UTF-8"), shown);
  else if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
    trc_command_complain (_ ("%s is not a folder"), shown_folder);
  else if (g_file_test (path, G_FILE_TEST_IS_DIR))
    trc_command_complain (_ ("%s is a folder; use --directory"), shown);
  else if (g_strcmp0 (if_exists != NULL ? if_exists : "fail", "fail") == 0
           && g_file_test (path, G_FILE_TEST_EXISTS))
    trc_command_complain (
        _ ("%s exists; --if-exists=replace or --if-exists=rename say what to do"), shown);
  else
    return TRC_EXIT_DONE;
  return TRC_EXIT_FAILED;
}
