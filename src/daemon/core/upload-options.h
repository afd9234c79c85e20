/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "value/rows.h"

/* What can be asked for an upload and for nothing else, or the other way round, and what
 * that means where nobody has said it.  Pure. */

/* The checked options of a new task as they are kept: `retry-safe` by its other name, and
 * the `method` of an upload always said.  Errors: INVALID_ARGUMENT, naming the key.
 * (transfer full), not floating */
GVariant *
trd_upload_options_settle (TrundleKind kind, GVariant *options, GError **error);

/* The same with checked changes (TRUNDLE_SCOPE_REQUEST). */
GVariant *
trd_upload_options_settle_changes (TrundleKind kind, GVariant *changes, GError **error);

/* Whether the options of a task, new or of its row, are of one with `parts`. */
gboolean
trd_upload_options_are_of_form (GVariant *options);

/* Of the request that Begin takes, what only an upload has; nothing for a download. */
void
trd_upload_options_compose (const TrdTaskRow *row,
                            GVariant *configuration,
                            GVariantDict *request);

/* Header fields that the service adds, above those of the application; a(ss), floating.
 * @headers are those, secret ones too. */
GVariant *
trd_upload_options_headers (const TrdTaskRow *row, GVariant *headers);
