/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core-fixture.h"
#include "port/sources.h"

/* Words for tests of what uploads send. */

/* A file beside the spool.  (transfer full) */
char *
body_write_file (CoreFixture *f, const char *text);

/* A piece that is in the spool.  (transfer full) */
TrdPiece *
body_spool (CoreFixture *f, const char *text);

/* One that is watched, by its path or by a descriptor.  (transfer full) */
TrdPiece *
body_watch (CoreFixture *f, const char *path, gboolean named);

/* An upload that begins at once.  A floating @body is consumed. */
TrdTask *
body_create_of (CoreFixture *f, GVariant *body, guint64 size);

/* The same of one piece, which is taken. */
TrdTask *
body_create (CoreFixture *f, TrdPiece *piece);
