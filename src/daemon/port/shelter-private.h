/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/shelter.h"

/* What the files of the shelter share: shelter.c, shelter-move.c. */

#define TRD_SHELTER_DATABASE "trundle.db"
#define TRD_SHELTER_SPOOL "spool"
/* What was current until an older set was taken back; deleted when that is done. */
#define TRD_SHELTER_SPENT ".spent"

/* What is to be moved, written down before the first file is. */
typedef struct
{
  gboolean back;      /* the set aside becomes the current one; else the other way */
  char *suffix;       /* (owned): of the names aside, ".newer-3" */
  TrdNumbers numbers; /* the next are above these */
} TrdRemoval;

void
trd_removal_clear (TrdRemoval *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TrdRemoval, trd_removal_clear)

/* FALSE without an error when nothing is under way. */
gboolean
trd_removal_load (TrdRemoval *self, const char *directory, GError **error);
gboolean
trd_removal_save (const TrdRemoval *self, const char *directory, GError **error);
/* Moves what is not moved yet; may be called again after a crash at any point. */
gboolean
trd_removal_carry_out (const TrdRemoval *self, const char *directory, GError **error);
/* Once the database that is current now knows its numbers. */
gboolean
trd_removal_finish (const TrdRemoval *self, const char *directory, GError **error);

/* (transfer full) */
char *
trd_shelter_path (const char *directory, const char *base, const char *suffix);
/* A suffix that nothing bears yet, beginning with @wanted.  (transfer full) */
char *
trd_shelter_choose_suffix (const char *directory, const char *wanted);
/* What an earlier exchange has left, before the next. */
gboolean
trd_shelter_clear_spent (const char *directory, GError **error);
