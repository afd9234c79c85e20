/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "await.h"

void
test_settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

gboolean
test_tick (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

void
test_take_result (GObject *source, GAsyncResult *result, gpointer out_result)
{
  *(GAsyncResult **)out_result = g_object_ref (result);
}
