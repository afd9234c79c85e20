/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/env.h"
#include "core/secrets.h"
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
  GPtrArray *challenges; /* (owned) (nullable) (element-type TrdChallenge): few */
  guint n_asked;         /* tasks about which the app is asked: TRD_DELAYED_ASKED */
  guint n_events;        /* not completed yet */
  gpointer delivery;     /* (unowned) (nullable): the courier's */
  guint n_running;
  guint n_resets; /* since the daemon was started */
  gboolean
      has_consumer;    /* told by the courier: events are sent as they come, no replay */
  TrdSecrets *secrets; /* (owned) (nullable): row->secrets_id is "" when not kept */
};

char *
trd_session_object_path (gint64 session_id);

/* The app was told of a challenge, and a task waits for the answer. */
gboolean
trd_session_has_open_challenge (TrdSession *self);
/* Its option, or the default of the vocabulary. */
gboolean
trd_session_get_boolean (TrdSession *self, const char *key);
/* `activation-name`, else the app id; NULL for an owner that is never launched. */
char *
trd_session_dup_activation_name (TrdSession *self);
/* Whether a restart leaves its secrets.  core/registry-secrets.c */
gboolean
trd_session_is_durable (TrdSession *self);
/* Its secrets, or its session's, are to be read yet. */
gboolean
trd_task_waits_for_keyring (TrdTask *self);
