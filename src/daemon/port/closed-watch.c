/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A sent message, and the descriptors in it, is dropped by GDBus's thread some time after
 * it was written: the answer to it may well be here before.  Who promises that a lock is
 * free must wait for that. */

#include "config.h"

#include "port/closed-watch.h"

#define DATA_KEY "trundle-closed-watch"

typedef struct
{
  GWeakRef target;
  TrdClosedFunc func;
  guint64 number;
} Watch;

static gboolean
on_closed_here (gpointer user_data)
{
  Watch *watch = user_data;
  g_autoptr (GObject) target = g_weak_ref_get (&watch->target);

  if (target != NULL)
    watch->func (target, watch->number);
  return G_SOURCE_REMOVE;
}

static void
free_watch (gpointer data)
{
  Watch *watch = data;

  g_weak_ref_clear (&watch->target);
  g_free (watch);
}

/* From any thread.  The data of an object go after its own finalize has run, in which the
 * list closes its descriptors; a weak reference would be told before. */
static void
on_list_dropped (gpointer data)
{
  g_idle_add_full (G_PRIORITY_DEFAULT, on_closed_here, data, free_watch);
}

void
trd_watch_closed (GUnixFDList *fds, GObject *target, TrdClosedFunc func, guint64 number)
{
  Watch *watch = g_new0 (Watch, 1);

  g_weak_ref_init (&watch->target, target);
  watch->func = func;
  watch->number = number;
  g_object_set_data_full (G_OBJECT (fds), DATA_KEY, watch, on_list_dropped);
}
