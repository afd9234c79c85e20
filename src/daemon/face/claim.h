/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "face/call.h"

/* Whether a caller may use the names it gives: `app-id` and `activation-name`. */

/* Checks the names in @configuration for @peer.  A sandboxed caller has the id that was
 * computed, and may be started under it or a name below; for a host caller the names are
 * labels, but one that somebody owns on the bus belongs to its owner.  Errors:
 * INVALID_ARGUMENT, NOT_ALLOWED. */
void
trd_claim_async (TrdLauncher *launcher,
                 TrdPeer *peer,
                 GVariant *configuration,
                 GAsyncReadyCallback callback,
                 gpointer user_data);
/* Whose session it will be.  (transfer full) */
TrdOwner *
trd_claim_finish (GAsyncResult *result, GError **error);
