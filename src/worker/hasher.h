/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "digest.h"

/* The digests of a file that grows. */
typedef struct _TrwHasher TrwHasher;

/* Called from the main loop when a thread has ended that read the file. */
typedef void (*TrwHasherFunc) (gpointer user_data);

/* @fd: borrowed.  @digests: consumed; what is in the file and not in them is read again.
 */
TrwHasher *
trw_hasher_new (int fd, TrwDigests *digests, TrwHasherFunc on_read, gpointer user_data);

/* Not while busy. */
void
trw_hasher_free (TrwHasher *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrwHasher, trw_hasher_free)

/* @data was just written at @offset, the end of the file. */
void
trw_hasher_take (TrwHasher *self, guint64 offset, const guint8 *data, gsize length);

/* Reads what is missing up to @end, in a thread; on_read follows unless the result is
 * FALSE: then nothing is. */
gboolean
trw_hasher_catch_up (TrwHasher *self, guint64 end);

/* The thread ends soon, and nothing is read any more. */
void
trw_hasher_cancel (TrwHasher *self);

gboolean
trw_hasher_is_busy (TrwHasher *self);

/* errno of a read that failed, 0 for none. */
int
trw_hasher_get_errno (TrwHasher *self);

/* NULL while busy.  (transfer none) (nullable) */
const TrwDigests *
trw_hasher_get_digests (TrwHasher *self);
