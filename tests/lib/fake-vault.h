/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/vault.h"

/* A keyring in memory, open at first.  Results always arrive from the main loop. */
#define FAKE_TYPE_VAULT (fake_vault_get_type ())
G_DECLARE_FINAL_TYPE (FakeVault, fake_vault, FAKE, VAULT, GObject)

FakeVault *
fake_vault_new (void);

/* Emits "changed" when it becomes open. */
void
fake_vault_set_state (FakeVault *self, TrdVaultState state);

/* Answers wait until this is called again with FALSE. */
void
fake_vault_set_slow (FakeVault *self, gboolean slow);

/* The same for what changes something; what is asked for overtakes it. */
void
fake_vault_set_slow_writes (FakeVault *self, gboolean slow);

/* Each answer is an error, as of one that hangs; tells nobody when that is over. */
void
fake_vault_set_failing (FakeVault *self, gboolean failing);

/* As if somebody else had stored it: emits "changed".  @...: pairs of attributes, NULL */
void
fake_vault_put (FakeVault *self, TrdVaultKind kind, const char *secret, ...)
    G_GNUC_NULL_TERMINATED;

/* As if somebody else had deleted all of a kind; tells nobody. */
void
fake_vault_forget (FakeVault *self, TrdVaultKind kind);

/* (element-type TrdVaultItem) (transfer container): whatever the state */
GPtrArray *
fake_vault_list (FakeVault *self, TrdVaultKind kind);

/* Verbs called so far. */
guint
fake_vault_count_calls (FakeVault *self);
