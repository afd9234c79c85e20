/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "request.h"
#include "sessions.h"

/* How it ended: @facts as Done tells them, NULL when it was stopped, and what came, in
 * the file @room_fd.  Both are borrowed. */
typedef void (*TrwErrandFunc) (GVariant *facts, int room_fd, gpointer user_data);

/* Asks something for ourselves, by an attempt like any other.  @func is called once,
 * later.  @request and @room_fd, an empty file, are consumed. */
void
trw_errand_begin (TrwRequest *request,
                  int room_fd,
                  TrwSessions *sessions,
                  TrwErrandFunc func,
                  gpointer user_data);

/* Adds to @dict what of @request is about the network and who we are on it, and @more,
 * (nullable), further keys. */
void
trw_errand_pass_on (GVariantDict *dict, GVariant *request, const char *const *more);

/* What ended it, from its @facts, (nullable): the last word of an error's name; "" when
 * it came to a good end.  @out_message and @out_status, 0 for none, too.  Borrowed from
 * @facts, or static. */
const char *
trw_errand_read_end (GVariant *facts, const char **out_message, guint32 *out_status);
