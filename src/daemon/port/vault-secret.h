/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/vault.h"

/* The Secret Service (gnome-keyring, KeePassXC, KWallet) at @bus.  With the variables
 * SECRET_BACKEND=file and SECRET_FILE_TEST_PASSWORD it is libsecret's encrypted file,
 * which asks nobody: for machines without a keyring, and for tests.  (transfer full) */
TrdVault *
trd_vault_new_secret (GDBusConnection *bus);

/* How long a verb may take before the service counts as hung: for tests. */
void
trd_vault_secret_set_timeout_ms (TrdVault *vault, guint timeout_ms);
