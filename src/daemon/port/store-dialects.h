/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/store.h"

/* The table of what servers speak to go on with uploads, by session and origin.  Verbs as
 * in port/store.h; rows go with their session. */

/* More are never kept of a session: those that were learned last are. */
#define TRD_STORE_DIALECTS_MAX 1000
/* Older ones are not believed, and go when another is learned. */
#define TRD_STORE_DIALECT_KEPT_US (30 * 24 * 3600 * (gint64)G_USEC_PER_SEC)

/* What is known of @origin at @now_us: @out_word (transfer full) is NULL for nothing.
 * @out_age_us is set with it. */
gboolean
trd_store_find_dialect (TrdStore *self,
                        gint64 session_id,
                        const char *origin,
                        gint64 now_us,
                        char **out_word,
                        gint64 *out_age_us,
                        GError **error);
/* Replaces what was known. */
gboolean
trd_store_put_dialect (TrdStore *self,
                       gint64 session_id,
                       const char *origin,
                       const char *word,
                       gint64 now_us,
                       GError **error);
gboolean
trd_store_forget_dialects (TrdStore *self, gint64 session_id, GError **error);
