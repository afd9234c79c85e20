/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/registry.h"

/* As if the session had never talked to anybody: its cookies, its own credentials and
 * decisions about certificates are forgotten, and its next attempts use connections that
 * are new.  What runs goes on.  Errors: FAILED when the keyring keeps what it has;
 * nothing of it is used all the same. */
void
trd_registry_reset_session_async (TrdRegistry *self,
                                  TrdSession *session,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
gboolean
trd_registry_reset_session_finish (TrdRegistry *self,
                                   GAsyncResult *result,
                                   GError **error);
/* Tells a worker to which connections an attempt of the session belongs. */
void
trd_reset_add_to_request (TrdSession *session, GVariantDict *request);
