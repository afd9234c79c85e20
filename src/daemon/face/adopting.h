/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "face/call.h"

/* Whose uploads are taken just now.  A sandbox that has its pipes say nothing is in its
 * own way alone: of each only a few calls at a time read what they bring; others stand in
 * a line.  The user's own programs may all at once. */
typedef struct _TrdAdopting TrdAdopting;

TrdAdopting *
trd_adopting_new (void);
/* Nobody stands in the line any more: every call has ended. */
void
trd_adopting_free (TrdAdopting *self);

/* TRUE: @call may begin, and its owner is to leave when it is done.  FALSE: it stands in
 * the line. */
gboolean
trd_adopting_enter (TrdAdopting *self, TrdCall *call);
void
trd_adopting_leave (TrdAdopting *self, const TrdOwner *owner);
/* Takes the first who may try again now out of the line.  That one may find that there is
 * nothing to be done any more, and never enter: ask until there is nobody.  (transfer
 * none) (nullable) */
TrdCall *
trd_adopting_next (TrdAdopting *self);
