/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "spool-fixture.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

void
spool_fixture_set_up (SpoolFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->root = g_dir_make_tmp ("trundle-spool-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->state = g_build_filename (fixture->root, "state", "trundle", NULL);
  fixture->target = g_build_filename (fixture->root, "target", NULL);
  g_assert_cmpint (g_mkdir (fixture->target, 0755), ==, 0);
  fixture->spool = trd_spool_new (fixture->state, &error);
  g_assert_no_error (error);
}

void
spool_fixture_tear_down (SpoolFixture *fixture, gconstpointer data)
{
  g_clear_object (&fixture->spool);
  test_remove_tree (fixture->root);
  g_free (fixture->root);
  g_free (fixture->state);
  g_free (fixture->target);
}

void
spool_fixture_write_part (SpoolFixture *fixture, const TrdPlace *place, const char *text)
{
  g_autoptr (GError) error = NULL;
  int fd = trd_spool_open_part (fixture->spool, place, 0, &error);

  g_assert_no_error (error);
  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
  close (fd);
}
