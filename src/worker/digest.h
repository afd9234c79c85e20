/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* Digests of a file that is read from its beginning on: one of each algorithm. */
typedef struct _TrwDigests TrwDigests;

/* @names: of algorithms, see common/digest.h; each once. */
TrwDigests *
trw_digests_new (const char *const *names);
void
trw_digests_free (TrwDigests *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrwDigests, trw_digests_free)

void
trw_digests_update (TrwDigests *self, const guint8 *data, gsize length);

/* Bytes of the file that are in them. */
guint64
trw_digests_get_length (const TrwDigests *self);

/* Where they stand, for trw_digests_restore() of this or a later version on any machine:
 * a{sv} with `version` (u), `offset` (t) and, by algorithm, `ay`.  Not floating. */
GVariant *
trw_digests_save (const TrwDigests *self);

/* Digests by @names that go on where @state was saved.  NULL when it is not a state of
 * ours, is of another version, lacks one of @names, or stands behind @max_offset.  What
 * it has more is dropped. */
TrwDigests *
trw_digests_restore (GVariant *state, const char *const *names, guint64 max_offset);

/* What they are if nothing follows: a{say} by algorithm.  Not floating. */
GVariant *
trw_digests_finish (const TrwDigests *self);
