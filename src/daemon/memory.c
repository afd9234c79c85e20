/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "memory.h"

#include <errno.h>
#include <glib.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* GLib before 2.76 has an allocator of its own for small blocks, which never gives a page
 * back: after one call with 10,000 tasks it kept 9 MiB of freed GVariants (2.74.6).  It
 * is set up in the constructor of the library; only .preinit_array of the program itself
 * runs before that, and there the environment cannot be changed yet (glibc 2.36). */
static void
use_plain_malloc (int argc, char **argv, char **envp)
{
  G_GNUC_BEGIN_IGNORE_DEPRECATIONS
  g_slice_set_config (G_SLICE_CONFIG_ALWAYS_MALLOC, TRUE);
  G_GNUC_END_IGNORE_DEPRECATIONS
}

__attribute__ ((section (".preinit_array"),
                used)) static void (*const before_constructors) (int, char **, char **)
    = use_plain_malloc;

/* What is in memory is secret (law 9).  The limit is for files; a kernel that pipes dumps
 * to a program heeds only the other, which keeps other programs of the user from reading
 * our memory, too. */
static void
keep_to_ourselves (void)
{
  const struct rlimit none = { 0, 0 };

  if (setrlimit (RLIMIT_CORE, &none) < 0 || prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
    g_warning ("Forbidding core dumps: %s", g_strerror (errno));
}

void
trd_memory_set_up (void)
{
  keep_to_ourselves ();
  /* GDBus's thread parses what the main thread frees: one arena for both, or each keeps
   * the other's holes. */
  mallopt (M_ARENA_MAX, 1);
  /* Pages go back when calm, not at each free: a batch of inserts spent a quarter of its
   * time in brk(2). */
  mallopt (M_TRIM_THRESHOLD, 64 * 1024 * 1024);
  mallopt (M_TOP_PAD, 1024 * 1024);
}

void
trd_memory_give_back (void)
{
  malloc_trim (0);
}
