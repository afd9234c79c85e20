/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "cli/command.h"

/* Follows tasks, as an observer of their sessions, until all of them are finished, and
 * shows how they stand: bars on a terminal, lines in a pipe, JSON when asked. */
typedef struct _TrcFollow TrcFollow;

typedef enum
{
  TRC_FOLLOW_PLAIN,
  TRC_FOLLOW_JSON,
  TRC_FOLLOW_QUIET, /* only failures, on standard error */
} TrcFollowStyle;

TrcFollow *
trc_follow_new (GDBusConnection *connection, TrcFollowStyle style);
void
trc_follow_free (TrcFollow *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrcFollow, trc_follow_free)

/* From now on what servers ask is asked of the user, if there is a terminal.  Otherwise,
 * and by default, only how it can be answered is told, on standard error. */
void
trc_follow_ask (TrcFollow *self);

/* Observes a session.  With @take_new every task that it gets from now on is followed.
 * Signals are dealt with in trc_follow_run() only: what is created between the two calls
 * loses none. */
gboolean
trc_follow_observe (TrcFollow *self,
                    const char *session_path,
                    gboolean take_new,
                    GError **error);

/* The properties of a task that are asked for and understood below. */
extern const char *const trc_follow_properties[];

/* A task of an observed session.  @name (nullable) is of the file, when the task itself
 * does not tell; @properties (a{sv}) need not be complete. */
void
trc_follow_add (TrcFollow *self,
                const char *session_path,
                const char *task_path,
                const char *name,
                GVariant *properties);

/* Until all is finished.  The code says how it went. */
TrcExit
trc_follow_run (TrcFollow *self);
