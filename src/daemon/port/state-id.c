/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A file of one line beside the database, written once. */

#include "config.h"

#include "port/state-id.h"

#include <gio/gio.h>

#define FILE_NAME "id"

char *
trd_state_id_ensure (const char *directory, GError **error)
{
  g_autofree char *path = g_build_filename (directory, FILE_NAME, NULL);
  g_autofree char *id = NULL;
  g_autoptr (GError) local_error = NULL;

  if (g_file_get_contents (path, &id, NULL, &local_error))
    {
      g_strchomp (id);
      if (g_uuid_string_is_valid (id))
        return g_steal_pointer (&id);
    }
  /* It may be there, for all we know: another one would make orphans of what is kept. */
  else if (!g_error_matches (local_error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }

  g_free (id);
  id = g_uuid_string_random ();
  if (!g_file_set_contents_full (path,
                                 id,
                                 -1,
                                 G_FILE_SET_CONTENTS_CONSISTENT
                                     | G_FILE_SET_CONTENTS_DURABLE,
                                 0600,
                                 error))
    return NULL;
  return g_steal_pointer (&id);
}
