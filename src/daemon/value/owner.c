/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who a session belongs to.  An owner and its key share one counted block: owners are
 * many (each row has one) and compared often, by key. */

#include "config.h"

#include "value/owner.h"

#include <string.h>

#define CONFINEMENT_HOST "host"

typedef struct
{
  TrdOwner public;
  char *key; /* (owned): confinement, ':', app id */
} Owner;

TrdOwner *
trd_owner_new (const char *confinement, const char *app_id)
{
  Owner *self;

  g_return_val_if_fail (confinement != NULL && *confinement != '\0', NULL);
  /* The key is unambiguous only so. */
  g_return_val_if_fail (strchr (confinement, ':') == NULL, NULL);
  g_return_val_if_fail (app_id != NULL && *app_id != '\0', NULL);

  self = g_rc_box_new0 (Owner);
  self->public.confinement = g_strdup (confinement);
  self->public.app_id = g_strdup (app_id);
  self->key = g_strconcat (confinement, ":", app_id, NULL);
  return &self->public;
}

TrdOwner *
trd_owner_ref (TrdOwner *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_rc_box_acquire (self);
}

static void
clear_owner (gpointer data)
{
  Owner *self = data;

  g_clear_pointer (&self->public.confinement, g_free);
  g_clear_pointer (&self->public.app_id, g_free);
  g_clear_pointer (&self->key, g_free);
}

void
trd_owner_unref (TrdOwner *self)
{
  g_return_if_fail (self != NULL);

  g_rc_box_release_full (self, clear_owner);
}

gboolean
trd_owner_is_host (const TrdOwner *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return strcmp (self->confinement, CONFINEMENT_HOST) == 0;
}

gboolean
trd_owner_equal (const TrdOwner *a, const TrdOwner *b)
{
  g_return_val_if_fail (a != NULL && b != NULL, FALSE);

  return a == b || strcmp (trd_owner_key (a), trd_owner_key (b)) == 0;
}

gboolean
trd_owner_may_address (const TrdOwner *caller, const TrdOwner *owner)
{
  g_return_val_if_fail (caller != NULL && owner != NULL, FALSE);

  if (trd_owner_is_host (caller))
    return trd_owner_is_host (owner);
  return trd_owner_equal (caller, owner);
}

const char *
trd_owner_key (const TrdOwner *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return ((const Owner *)self)->key;
}
