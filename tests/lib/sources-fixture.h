/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "common/error.h"
#include "port/sources.h"
#include "spool-fixture.h"

/* Words for tests of what is sent: files are in the target directory of the spool's
 * fixture. */
#define MIB (1024 * 1024)

char *
sources_path_of (SpoolFixture *f, const char *name);

/* A file beside the spool.  (transfer full) */
char *
sources_write_file (SpoolFixture *f, const char *name, const char *text);

/* A hole with a little at its end, which costs nothing. */
char *
sources_make_large (SpoolFixture *f);

/* Whether files of the temporary directory can have blocks in common. */
gboolean
sources_shares_blocks (SpoolFixture *f);

int
sources_open_file (const char *path);

int
sources_make_memfd (const char *text);

guint
sources_count_spool (SpoolFixture *f);

TrdPiece *
sources_adopt (SpoolFixture *f, const TrdSource *source, GError **error);

TrdPiece *
sources_adopt_good (SpoolFixture *f, const TrdSource *source);

void
sources_assert_refused (SpoolFixture *f, const TrdSource *source, TrundleError code);

/* What would be sent. */
void
sources_assert_sends (SpoolFixture *f, const TrdPiece *piece, const char *text);
