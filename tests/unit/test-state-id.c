/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The id of a state directory. */

#include "config.h"

#include "port/state-id.h"

#include <gio/gio.h>
#include <glib/gstdio.h>

static void
test_state_id (void)
{
  g_autofree char *directory = g_dir_make_tmp ("trundle-id-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "id", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *first = trd_state_id_ensure (directory, &error);
  g_autofree char *again = trd_state_id_ensure (directory, &error);
  g_autofree char *other = NULL;
  g_autofree char *none = NULL;

  g_assert_no_error (error);
  g_assert_true (g_uuid_string_is_valid (first));
  g_assert_cmpstr (again, ==, first);

  /* Another directory of the same name. */
  g_assert_no_errno (g_unlink (path));
  other = trd_state_id_ensure (directory, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (other, !=, first);

  /* One that cannot be read is not replaced. */
  g_assert_no_errno (g_unlink (path));
  g_assert_no_errno (g_mkdir (path, 0700));
  none = trd_state_id_ensure (directory, &error);
  g_assert_null (none);
  g_assert_nonnull (error);
  g_assert_no_errno (g_rmdir (path));
  g_assert_no_errno (g_rmdir (directory));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/state-id", test_state_id);
  return g_test_run ();
}
