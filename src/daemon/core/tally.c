/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "core/tally.h"

GHashTable *
trd_tally_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

guint
trd_tally_get (GHashTable *tally, const char *name)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (tally, name));
}

void
trd_tally_add (GHashTable *tally, const char *name, int delta)
{
  guint n = trd_tally_get (tally, name) + delta;

  if (n > 0)
    g_hash_table_insert (tally, g_strdup (name), GUINT_TO_POINTER (n));
  else
    g_hash_table_remove (tally, name);
}
