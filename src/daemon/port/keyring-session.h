/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "port/waiting.h"

/* A key agreed on with the Secret Service, by which secrets pass the bus unseen. */
typedef struct TrdKeyringSession TrdKeyringSession;

TrdKeyringSession *
trd_keyring_session_new (void);
void
trd_keyring_session_free (TrdKeyringSession *self);

/* Tells @callback when there is one; at once when there is. */
void
trd_keyring_session_open (TrdKeyringSession *self,
                          TrdWaitingCallback callback,
                          gpointer user_data);
gboolean
trd_keyring_session_forget (TrdKeyringSession *self, gpointer user_data);

/* The service is gone, and the key with it. */
void
trd_keyring_session_drop (TrdKeyringSession *self);

/* NULL while there is none. */
const char *
trd_keyring_session_get_path (TrdKeyringSession *self);

/* (oayays).  (transfer full) */
GVariant *
trd_keyring_session_encrypt (TrdKeyringSession *self, GBytes *secret);
/* NULL when it is not what we agreed on.  (transfer full) */
GBytes *
trd_keyring_session_decrypt (TrdKeyringSession *self, GVariant *encrypted);
