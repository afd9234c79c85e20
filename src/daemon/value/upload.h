/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* Where a server keeps what it has of an upload, as a row has it: a{sv}, what a worker
 * told (UploadChanged in the interface Worker), and what we note beside it.  NULL for
 * nothing.  Pure; all that is returned is (transfer full), not floating. */

/* Whether there is a place to go on at, rather than notes only. */
gboolean
trd_upload_has_place (GVariant *self);
/* What is spoken there, or was found out.  (transfer none) (nullable) */
const char *
trd_upload_get_dialect (GVariant *self);
/* Without our notes; NULL when there is no place. */
GVariant *
trd_upload_get_place (GVariant *self);
gboolean
trd_upload_is_same (GVariant *first, GVariant *second);

/* @place is the place from now on. */
GVariant *
trd_upload_with_place (GVariant *self, GVariant *place);
/* The server keeps nothing any more, of which it had confirmed @confirmed bytes. */
GVariant *
trd_upload_without_place (GVariant *self, guint64 confirmed);
/* Whether the next loss of a place of which @confirmed bytes were confirmed is one too
 * many: there was one before, and nothing has come further since. */
gboolean
trd_upload_is_hopeless (GVariant *self, guint64 confirmed);
/* There is no place, and @dialect is to be spoken with the next attempt, for once. */
GVariant *
trd_upload_with_dialect (GVariant *self, const char *dialect);
/* What outlives its task: with whether all of it may have been received by then (law 12),
 * which the second gives back. */
GVariant *
trd_upload_with_sent (GVariant *self, gboolean sent);
GVariant *
trd_upload_without_sent (GVariant *self, gboolean *out_sent);
