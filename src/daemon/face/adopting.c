/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "face/adopting.h"

/* Calls of one sandbox; each has at most as many pipes as there are descriptors in it,
 * which is much less than there are threads for all (TRD_SOURCES_MAX). */
#define CALLS_MAX 2

struct _TrdAdopting
{
  GHashTable *counts; /* (owned) (element-type utf8 guint): calls by owner */
  GQueue *line;       /* (owned) (element-type TrdCall, unowned) */
};

TrdAdopting *
trd_adopting_new (void)
{
  TrdAdopting *self = g_new0 (TrdAdopting, 1);

  self->counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->line = g_queue_new ();

  return self;
}

void
trd_adopting_free (TrdAdopting *self)
{
  g_hash_table_unref (self->counts);
  g_queue_free (self->line);
  g_free (self);
}

static guint
count (TrdAdopting *self, const TrdOwner *owner)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (self->counts, trd_owner_key (owner)));
}

static gboolean
may_enter (TrdAdopting *self, const TrdOwner *owner)
{
  return trd_owner_is_host (owner) || count (self, owner) < CALLS_MAX;
}

gboolean
trd_adopting_enter (TrdAdopting *self, TrdCall *call)
{
  const TrdOwner *owner = call->peer->owner;

  if (!may_enter (self, owner))
    {
      g_queue_push_tail (self->line, call);
      return FALSE;
    }

  g_hash_table_insert (self->counts,
                       g_strdup (trd_owner_key (owner)),
                       GUINT_TO_POINTER (count (self, owner) + 1));
  return TRUE;
}

void
trd_adopting_leave (TrdAdopting *self, const TrdOwner *owner)
{
  guint n = count (self, owner);

  g_assert (n > 0);
  if (n == 1)
    g_hash_table_remove (self->counts, trd_owner_key (owner));
  else
    g_hash_table_insert (
        self->counts, g_strdup (trd_owner_key (owner)), GUINT_TO_POINTER (n - 1));
}

TrdCall *
trd_adopting_next (TrdAdopting *self)
{
  for (GList *l = self->line->head; l != NULL; l = l->next)
    {
      TrdCall *call = l->data;

      if (!may_enter (self, call->peer->owner))
        continue;
      g_queue_delete_link (self->line, l);
      return call;
    }

  return NULL;
}
