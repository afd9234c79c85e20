/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "face/call.h"

/* What the uploads of one call send, taken from where the caller says it is before the
 * call is dealt with: what comes by descriptors is gone with the call, and what is made
 * of it is on disk before a row names it (law 1).  Whatever no row names in the end is
 * deleted with this. */
typedef struct _TrdBodies TrdBodies;

void
trd_bodies_free (TrdBodies *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdBodies, trd_bodies_free)

/* Whether there is an upload in @value: the a{sv} of one, or the aa{sv} of CreateTasks,
 * which may be unchecked. */
gboolean
trd_bodies_are_in (GVariant *value);

/* @value as above.  What is wrong with what it sends is found here. */
void
trd_bodies_adopt_async (TrdCall *call,
                        GVariant *value,
                        GAsyncReadyCallback callback,
                        gpointer user_data);
/* Errors, naming task and key: INVALID_ARGUMENT, NOT_ALLOWED, LIMIT_EXCEEDED, and those
 * of trd_sources_adopt_finish().  (transfer full) */
TrdBodies *
trd_bodies_adopt_finish (GAsyncResult *result, GError **error);

/* Whether some of it was a pipe or a socket, whose end may be that of who wrote. */
gboolean
trd_bodies_have_stream (const TrdBodies *self);

/* What the upload at @index sends, with the options that say what it is, into @draft;
 * nothing for one that says so by its resume data. */
void
trd_bodies_give (TrdBodies *self, guint index, TrdDraft *draft);

/* Rows name what was sent with the @drafts that were made. */
void
trd_bodies_settle (TrdBodies *self, GPtrArray *drafts);
