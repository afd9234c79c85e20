/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is remembered of a boot. */

#include "config.h"

#include "login.h"

#include <glib/gstdio.h>

typedef struct
{
  char *directory; /* (owned) */
  char *path;      /* (owned) */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->directory = g_dir_make_tmp ("trundle-boot-XXXXXX", NULL);
  f->path = g_build_filename (f->directory, "boot", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_remove (f->path);
  g_rmdir (f->directory);
  g_free (f->path);
  g_free (f->directory);
}

static void
check (Fixture *f, gboolean rebooted, gboolean unknown, gint64 wall_us, gint64 boot_us)
{
  TrdBoot boot = trd_boot_recall (f->directory);

  g_assert_cmpint (boot.rebooted, ==, rebooted);
  g_assert_cmpint (boot.unknown, ==, unknown);
  g_assert_cmpint (boot.last.wall_us, ==, wall_us);
  g_assert_cmpint (boot.last.boot_us, ==, boot_us);
}

static void
write_file (Fixture *f, const char *text)
{
  g_assert_true (g_file_set_contents (f->path, text, -1, NULL));
}

static void
remembers (Fixture *f, gconstpointer data)
{
  check (f, FALSE, TRUE, 0, 0);
  trd_boot_remember (f->directory, (TrdMoment){ 1767268800000000, 3600000000 });
  check (f, FALSE, FALSE, 1767268800000000, 3600000000);
  trd_boot_remember (f->directory, (TrdMoment){ 5, 6 });
  check (f, FALSE, FALSE, 5, 6);
}

static void
notices_another_boot (Fixture *f, gconstpointer data)
{
  write_file (f, "00000000-0000-4000-8000-000000000000\n1000 200\n");
  check (f, TRUE, FALSE, 1000, 200);
}

/* Version 1.0 wrote the id alone. */
static void
reads_an_older_one (Fixture *f, gconstpointer data)
{
  g_autofree char *id = NULL;

  g_assert_true (
      g_file_get_contents ("/proc/sys/kernel/random/boot_id", &id, NULL, NULL));
  write_file (f, id);
  check (f, FALSE, FALSE, 0, 0);
  write_file (f, "00000000-0000-4000-8000-000000000000\n");
  check (f, TRUE, FALSE, 0, 0);
}

/* What cannot be understood is another boot of which nothing is known. */
static void
survives_nonsense (Fixture *f, gconstpointer data)
{
  static const char *const texts[] = { "", "\n", " ", "x", "x y", "x y z", "\n\n\n\n" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      write_file (f, texts[i]);
      check (f, TRUE, FALSE, 0, 0);
    }
}

#define add(name, func) g_test_add ("/boot/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("remembers", remembers);
  add ("another", notices_another_boot);
  add ("older", reads_an_older_one);
  add ("nonsense", survives_nonsense);

  return g_test_run ();
}
