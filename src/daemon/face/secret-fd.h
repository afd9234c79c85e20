/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "face/call.h"

/* Secrets that come as a descriptor, so that they are in no message: for `password` there
 * is `password-fd` (h) and so on, and what is read from it is the value.  A file, in
 * memory or not, is read from its beginning; a pipe or socket to its end, which has
 * TRD_SECRET_FD_TIMEOUT_US to come.  At most TRD_SECRET_FD_MAX bytes. */

/* Whether there is one in @value, which is a{sv} or aa{sv}. */
gboolean
trd_secret_fd_is_in (GVariant *value);

/* Each dictionary of @value is checked for @scopes (common/vocabulary.h) before anything
 * is read and again with what was.  Several keys may name one descriptor. */
void
trd_secret_fd_read_async (TrdCall *call,
                          GVariant *value,
                          guint scopes,
                          GAsyncReadyCallback callback,
                          gpointer user_data);
/* As @value, checked, with the values in place of the descriptors.  Errors:
 * INVALID_ARGUMENT naming the key, LIMIT_EXCEEDED.  (transfer full) */
GVariant *
trd_secret_fd_read_finish (GAsyncResult *result, GError **error);
