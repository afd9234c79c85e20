/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "jars.h"
#include "sessions.h"

/* @answer is what Terminate answers; not floating. */
typedef void (*TrwTerminateFunc) (GVariant *answer, gpointer user_data);

/* Who asks, beside what the request says of it. */
typedef struct
{
  TrwJar *jar;       /* (nullable): taken */
  gboolean is_local; /* tickets and tokens of the user may be used */
} TrwTerminator;

/* Tells the server that an upload will not be gone on with, by an attempt like any other.
 * @func is called once, later.  @room_fd, an empty file, is consumed.  FALSE for a
 * @request that makes no sense. */
gboolean
trw_terminate_begin (GVariant *request,
                     int room_fd,
                     const TrwTerminator *who,
                     TrwSessions *sessions,
                     TrwTerminateFunc func,
                     gpointer user_data,
                     GError **error);
