/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* The part file of one attempt. */
typedef struct _TrwPart TrwPart;

/* Called from the main loop each time a sync has ended, well or not. */
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

/* Whether the file is as long as what counts as written. */
gboolean
trw_part_is_as_long (TrwPart *self);

/* Whether @length bytes at @offset of the file are @data. */
gboolean
trw_part_holds (TrwPart *self, guint64 offset, const guint8 *data, gsize length);

/* Cuts the file to nothing.  Errors: as of trw_part_write(). */
gboolean
trw_part_cut (TrwPart *self, GError **error);

/* Syncs what is not synced; on_synced follows unless the result is FALSE: then all is on
 * disk already. */
gboolean
trw_part_sync (TrwPart *self);

/* The error of a sync, to be asked after each. */
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
