/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* Those who wait for the same answer. */
typedef struct
{
  GQueue queue;
} TrdWaiting;

/* @error: why there is no answer, or NULL. */
typedef void (*TrdWaitingCallback) (gpointer user_data, const GError *error);

void
trd_waiting_add (TrdWaiting *self, TrdWaitingCallback callback, gpointer user_data);

/* FALSE when that one did not wait. */
gboolean
trd_waiting_forget (TrdWaiting *self, gpointer user_data);

/* Tells all, in the order they came; who comes meanwhile waits for the next answer. */
void
trd_waiting_answer (TrdWaiting *self, const GError *error);

/* Tells nobody. */
void
trd_waiting_clear (TrdWaiting *self);
