/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "sessions.h"

/* @answer is what Refresh answers; not floating. */
typedef void (*TrwRefreshFunc) (GVariant *answer, gpointer user_data);

/* Gets a fresh token (RFC 6749 §6), by an attempt like any other.  @func is called once,
 * later.  @room_fd, consumed, is an empty file.  FALSE for a @request that makes no
 * sense. */
gboolean
trw_refresh_begin (GVariant *request,
                   int room_fd,
                   TrwSessions *sessions,
                   TrwRefreshFunc func,
                   gpointer user_data,
                   GError **error);
