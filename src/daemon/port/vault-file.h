/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/vault.h"

/* libsecret's encrypted file, with the password in SECRET_FILE_TEST_PASSWORD; always
 * open. (transfer full) */
TrdVault *
trd_vault_new_file (void);
