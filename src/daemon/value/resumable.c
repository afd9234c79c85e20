/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "value/resumable.h"

TrdResumable *
trd_resumable_new (gint64 task_id)
{
  TrdResumable *self = g_new0 (TrdResumable, 1);

  self->place = trd_place_new (task_id);
  return self;
}

void
trd_resumable_free (TrdResumable *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->token, g_free);
  g_clear_pointer (&self->owner, trd_owner_unref);
  g_clear_pointer (&self->url, g_free);
  g_clear_pointer (&self->place, trd_place_free);
  g_clear_pointer (&self->options, g_variant_unref);
  g_clear_pointer (&self->response, g_variant_unref);
  g_clear_pointer (&self->digest_state, g_variant_unref);
  g_clear_pointer (&self->body, g_variant_unref);
  g_clear_pointer (&self->upload, g_variant_unref);
  g_free (self);
}
