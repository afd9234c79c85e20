/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

#include "common/enums.h"

/* Where the bytes of a download go, and where they become visible.  Strings are owned. */
typedef struct
{
  gint64 task_id;
  char *directory; /* (nullable): absolute; NULL means the spool, under the task's id */
  guint64 device;  /* file system of the directory when it was named, 0: unknown */
  guint64 inode;
  char *name;      /* (nullable): the final name asked for, a single path element */
  char *part_name; /* (nullable): where it grows, beside the final name */
  TrundleIfExists if_exists;
} TrdPlace;

/* The intent of law 6: committed before the rename, so that a crash between rename and
 * commit is understood at the next start. */
typedef struct
{
  char
      *final_name; /* (owned) (nullable): the name chosen; NULL when there is no intent */
  guint64 device;  /* file system of the part, 0: unknown */
  guint64 inode;
  guint64 size;
} TrdIntent;

TrdPlace *
trd_place_new (gint64 task_id);
TrdPlace *
trd_place_copy (const TrdPlace *self);
void
trd_place_free (TrdPlace *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdPlace, trd_place_free)

void
trd_intent_clear (TrdIntent *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TrdIntent, trd_intent_clear)

gboolean
trd_place_is_spool (const TrdPlace *self);

/* The @n-th name to try for if-exists=rename: "a.tar.gz", "a (1).tar.gz", …; never longer
 * than NAME_MAX (255 bytes), never cut inside a character.  (transfer full) */
char *
trd_place_nth_name (const char *name, guint n);
