/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "digest.h"

/* The part file of one attempt. */
typedef struct _TrwPart TrwPart;

/* Called from the main loop each time something of what trw_part_is_busy() means has
 * ended, well or not, that somebody may wait for: a sync, the last hashing, one of what
 * was synced before. */
typedef void (*TrwPartFunc) (gpointer user_data);

/* @fd is consumed.  @offset: of what is there already, and counts as written but not as
 * synced: nobody here knows. */
TrwPart *
trw_part_new (int fd, guint64 offset, TrwPartFunc on_synced, gpointer user_data);

/* Not while busy. */
void
trw_part_free (TrwPart *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrwPart, trw_part_free)

/* Appends; starts a sync in a thread whenever enough has gathered.  Errors: NO_SPACE or
 * WRITE_FAILED of TRUNDLE_ERROR, with errno in trw_part_get_errno(). */
gboolean
trw_part_write (TrwPart *self, const guint8 *data, gsize length, GError **error);

/* From now on digests are computed of the file, at its beginning or where @digests stand,
 * which are consumed.  What of it is there already is read in a thread. */
void
trw_part_hash (TrwPart *self, TrwDigests *digests);

/* No more is hashed; a thread that is at it ends soon. */
void
trw_part_stop_hashing (TrwPart *self);

/* The digests of the file, once trw_part_sync() was FALSE: a{say}.  NULL when none are
 * computed.  (transfer full) (nullable) */
GVariant *
trw_part_get_digests (TrwPart *self);

/* How far the digests got, when not busy; see trw_digests_save().  NULL when that is
 * nowhere.  (transfer full) (nullable) */
GVariant *
trw_part_save_digests (TrwPart *self);

/* The same, of bytes that are known to be on disk; each state is given once.  (transfer
 * full) (nullable) */
GVariant *
trw_part_take_synced_digests (TrwPart *self);

/* Whether the file is as long as what counts as written. */
gboolean
trw_part_is_as_long (TrwPart *self);

/* Whether @length bytes at @offset of the file are @data. */
gboolean
trw_part_holds (TrwPart *self, guint64 offset, const guint8 *data, gsize length);

/* Cuts the file to nothing.  Errors: as of trw_part_write(). */
gboolean
trw_part_cut (TrwPart *self, GError **error);

/* At the end: syncs what is not synced and hashes what is not hashed; on_synced follows
 * unless the result is FALSE: then nothing is left to do. */
gboolean
trw_part_sync (TrwPart *self);

/* The error of a sync or a hashing, to be asked after each. */
gboolean
trw_part_check (TrwPart *self, GError **error);

/* More has gathered than a disk that keeps up would leave: stop writing until on_synced.
 */
gboolean
trw_part_is_behind (TrwPart *self);

/* A thread is at work on the file: it cannot be closed yet. */
gboolean
trw_part_is_busy (TrwPart *self);

guint64
trw_part_get_written (TrwPart *self);
guint64
trw_part_get_synced (TrwPart *self);
int
trw_part_get_errno (TrwPart *self);

/* For reading at offsets. */
int
trw_part_get_fd (TrwPart *self);
