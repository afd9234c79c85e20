/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/env.h"
#include "core/session-state.h"
#include "core/task.h"
#include "value/rows.h"

/* A session: its row, which is small, and its tasks.  Written only by registry and turn.
 */
struct _TrdSession
{
  TrdSessionRow *row; /* (owned) */
  GHashTable *tasks;  /* (owned) (element-type gint64 TrdTask): all, finished too */
  guint n_unfinished;
  guint n_asked;     /* tasks about which the app is asked: TRD_DELAYED_ASKED */
  guint n_events;    /* not completed yet */
  gpointer delivery; /* (unowned) (nullable): the courier's */
  guint n_running;
  gboolean
      has_consumer; /* told by the courier: events are sent as they come, no replay */
  GVariant *secret_headers; /* (owned) (nullable): a(ss), never in a row (law 9) */
};

char *
trd_session_object_path (gint64 session_id);

/* Its option, or the default of the vocabulary. */
gboolean
trd_session_get_boolean (TrdSession *self, const char *key);
/* `activation-name`, else the app id; NULL for an owner that is never launched. */
char *
trd_session_dup_activation_name (TrdSession *self);
