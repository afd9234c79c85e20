/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/vault.h"

/* a{ss}: by which items with at least @attributes are searched.  (transfer floating) */
GVariant *
trd_keyring_attributes_to_search (TrdVaultKind kind, GHashTable *attributes);

/* a{ss}: those of a new item.  (transfer floating) */
GVariant *
trd_keyring_attributes_to_item (TrdVaultKind kind, GHashTable *attributes);

/* What an item that was found by @wanted says of itself in @attributes (a{ss}): of what
 * is hashed only what was asked.  NULL when it is of another kind.  (transfer full) */
GHashTable *
trd_keyring_attributes_from_item (TrdVaultKind kind,
                                  GHashTable *wanted,
                                  GVariant *attributes);
