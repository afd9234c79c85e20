/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* Iterates the default main context until @condition holds; fails the test after 20 s. */
#define test_await(condition)                                                            \
  G_STMT_START                                                                           \
  {                                                                                      \
    gint64 deadline_us_ = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;                 \
    guint tick_ = g_timeout_add (20, test_tick, NULL);                                   \
    while (!(condition))                                                                 \
      {                                                                                  \
        if (g_get_monotonic_time () > deadline_us_)                                      \
          g_error ("%s: not within 20 s: %s", G_STRLOC, #condition);                     \
        g_main_context_iteration (NULL, TRUE);                                           \
      }                                                                                  \
    g_source_remove (tick_);                                                             \
  }                                                                                      \
  G_STMT_END

/* Runs whatever the default main context has ready, and what that makes ready. */
void
test_settle (void);

/* Keeps an iteration from blocking past the deadline. */
gboolean
test_tick (gpointer user_data);

/* A GAsyncReadyCallback: keeps the result in the GAsyncResult ** it is given. */
void
test_take_result (GObject *source, GAsyncResult *result, gpointer out_result);
