/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "cli/challenge.h"

/* Questions of followed tasks, put to the user one after the other, each challenge once
 * however many tasks wait for it.  Without a terminal only how to answer is told. */
typedef struct _TrcAsk TrcAsk;

/* Called when a question begins, before it is on the terminal, and when it has ended. */
typedef void (*TrcAskFunc) (gboolean is_asking, gpointer data);

TrcAsk *
trc_ask_new (GDBusConnection *connection, TrcAskFunc changed, gpointer data);
void
trc_ask_free (TrcAsk *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrcAsk, trc_ask_free)

void
trc_ask_use_terminal (TrcAsk *self);

/* What @task_path is asked now; NULL for nothing.  A question that needs no answer any
 * more is taken back. */
void
trc_ask_update (TrcAsk *self,
                const char *task_path,
                const char *label,
                const TrcChallenge *challenge);
/* No more questions. */
void
trc_ask_stop (TrcAsk *self);
gboolean
trc_ask_is_asking (const TrcAsk *self);
