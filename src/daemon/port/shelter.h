/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/spool.h"
#include "port/store.h"

/* Opens the database of the state directory that @spool has, whatever state it is in. One
 * that cannot be used is set aside with its log and the spool it speaks of, and a fresh
 * one takes its place, whose numbers go on above the old ones; one of a newer version,
 * set aside by an earlier start, is used again as soon as it can be read and the current
 * one holds nothing.  Errors are those of the disk, and of a second database that fails.
 */
TrdStore *
trd_shelter_open (TrdSpool *spool, gint64 now_us, GError **error);

/* The database was found damaged in use.  The next trd_shelter_open() reads all of it,
 * and sets it aside when the damage is there, when it is @certain, or when it comes to
 * this a second time. */
void
trd_shelter_doubt (const char *state_directory, gboolean certain);
/* It was used to the end, and no damage was seen. */
void
trd_shelter_trust (const char *state_directory);

/* What is set aside. */
typedef struct
{
  char *database;    /* (owned): file name in the state directory */
  char *spool;       /* (owned): of the directory with its parts and results */
  guint version;     /* of its schema; 0 for a damaged one */
  gboolean can_read; /* used again at a start when the current one holds nothing */
} TrdAside;
void
trd_aside_free (TrdAside *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdAside, trd_aside_free)

/* In order of name.  (element-type TrdAside) (transfer full) */
GPtrArray *
trd_shelter_list (const char *state_directory);

/* Whether anything is, which may be used again: what its rows refer to must stay. */
gboolean
trd_shelter_has_aside (const char *state_directory);

/* Whether a start would bring work: as trd_store_peek_has_work(), with what is aside. */
gboolean
trd_shelter_peek_has_work (const char *state_directory);
