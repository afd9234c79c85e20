/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/vault.h"
#include "port/waiting.h"

#define TRD_KEYRING_BUS_NAME "org.freedesktop.secrets"
#define TRD_KEYRING_PATH "/org/freedesktop/secrets"
#define TRD_KEYRING_SERVICE "org.freedesktop.Secret.Service"
#define TRD_KEYRING_COLLECTION "org.freedesktop.Secret.Collection"
#define TRD_KEYRING_ITEM "org.freedesktop.Secret.Item"

/* What is known of the Secret Service: who owns its name, whether its default collection
 * is open, and whether it answers at all.  Nothing is asked or watched before the first
 * look.
 *
 * Signal "changed": see vault.h.  Signal "owner-changed": whatever was agreed on with the
 * service is void. */
#define TRD_TYPE_KEYRING_WATCH (trd_keyring_watch_get_type ())
G_DECLARE_FINAL_TYPE (TrdKeyringWatch, trd_keyring_watch, TRD, KEYRING_WATCH, GObject)

TrdKeyringWatch *
trd_keyring_watch_new (GDBusConnection *bus);

/* Reads afresh whether it is open; starts the service when the bus can.  The error says
 * why nobody answers; of one that is known to hang it comes at once. */
void
trd_keyring_watch_look (TrdKeyringWatch *self,
                        TrdWaitingCallback callback,
                        gpointer user_data);

/* Waits for that no longer; FALSE when nobody did. */
gboolean
trd_keyring_watch_forget (TrdKeyringWatch *self, gpointer user_data);

/* As the last look told. */
TrdVaultState
trd_keyring_watch_get_state (TrdKeyringWatch *self);

/* Where new items go; NULL when there is no such collection. */
const char *
trd_keyring_watch_get_collection (TrdKeyringWatch *self);

/* It did not answer in time: it counts as absent until it does, or another comes. */
void
trd_keyring_watch_give_up (TrdKeyringWatch *self);

/* It is gone, as a failed call told. */
void
trd_keyring_watch_lost (TrdKeyringWatch *self);

/* What changes between these is ours if it is the item at @path (nullable). */
void
trd_keyring_watch_begin_write (TrdKeyringWatch *self);
void
trd_keyring_watch_end_write (TrdKeyringWatch *self, const char *path);

/* Nothing is asked, heard or told after this. */
void
trd_keyring_watch_close (TrdKeyringWatch *self);
