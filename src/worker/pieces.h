/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "files.h"

/* The body of a request: pieces of bytes and of files, one behind the other. */
typedef struct _TrwPieces TrwPieces;

/* @list: aa{sv}, `body` of Begin; the files it names are taken out of @files.  Errors:
 * TRUNDLE_ERROR_INVALID_ARGUMENT. */
TrwPieces *
trw_pieces_new (GVariant *list, TrwFiles *files, GError **error);

/* Closes the files. */
void
trw_pieces_free (TrwPieces *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrwPieces, trw_pieces_free)

/* Of all of them. */
guint64
trw_pieces_get_size (const TrwPieces *self);

/* Reads exactly @length bytes at @offset, which must be there.  Errors:
 * TRUNDLE_ERROR_SOURCE_CHANGED of a file that is shorter than its piece; by errno what
 * cannot be read. */
gboolean
trw_pieces_read (
    TrwPieces *self, guint64 offset, guint8 *buffer, gsize length, GError **error);

/* Whether the files are still what they were when they were handed over.  Errors:
 * TRUNDLE_ERROR_SOURCE_CHANGED. */
gboolean
trw_pieces_check (TrwPieces *self, GError **error);
