/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What anybody may ask a session.  What changes one is in core/sessions.c. */

#include "config.h"

#include "core/session.h"

#include "common/names.h"
#include "common/vocabulary.h"
#include "core/challenge.h"

char *
trd_session_object_path (gint64 session_id)
{
  return g_strdup_printf (TRUNDLE_SESSION_PATH "/%" G_GINT64_FORMAT, session_id);
}

gboolean
trd_session_has_open_challenge (TrdSession *self)
{
  for (guint i = 0; self->challenges != NULL && i < self->challenges->len; i++)
    {
      const TrdChallenge *challenge = g_ptr_array_index (self->challenges, i);

      if (challenge->row->state == TRD_CHALLENGE_OPEN && challenge->n_waiting > 0)
        return TRUE;
    }

  return FALSE;
}

gboolean
trd_session_get_boolean (TrdSession *self, const char *key)
{
  return trundle_options_get_boolean (self->row->configuration, NULL, key);
}

char *
trd_session_dup_activation_name (TrdSession *self)
{
  g_autofree char *name = NULL;

  name = trundle_options_get_string (self->row->configuration, NULL, "activation-name");
  if (name != NULL)
    return g_steal_pointer (&name);
  if (g_strcmp0 (self->row->owner->app_id, "host") == 0)
    return NULL;

  return g_strdup (self->row->owner->app_id);
}
