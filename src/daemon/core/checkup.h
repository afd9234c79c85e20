/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/registry.h"

/* Looks whether all is as it should be, and mends what can be mended without loss.  One
 * at a time: TRUNDLE_ERROR LIMIT_EXCEEDED. */
void
trd_checkup_async (TrdRegistry *registry,
                   gboolean mend,
                   GAsyncReadyCallback callback,
                   gpointer user_data);
/* aa{sv} as Control.Check answers.  (transfer full), not floating */
GVariant *
trd_checkup_finish (TrdRegistry *registry, GAsyncResult *result, GError **error);
