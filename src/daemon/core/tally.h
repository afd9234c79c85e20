/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* How many there are of each, by name.  (element-type utf8 guint) (transfer full) */
GHashTable *
trd_tally_new (void);
guint
trd_tally_get (GHashTable *tally, const char *name);
void
trd_tally_add (GHashTable *tally, const char *name, int delta);
