/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/env.h"
#include "core/request.h"
#include "value/resumable.h"

/* Parts that outlive their tasks, and places of uploads with what they send, to be gone
 * on with by whoever bears the data that was told of them: kept, taken once, and
 * forgotten after TRD_RESUME_DATA_KEPT_US. */
typedef struct _TrdKeeper TrdKeeper;

/* @env is borrowed. */
TrdKeeper *
trd_keeper_new (const TrdEnv *env);
void
trd_keeper_free (TrdKeeper *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdKeeper, trd_keeper_free)

/* At the start, before anything runs: finishes what a crash has left, and no more is
 * believed of a part than was synced when the machine was rebooted (law 4). */
gboolean
trd_keeper_restore (TrdKeeper *self, GError **error);

/* Keeps the part of @row, which ends, as far as it could be gone on with: then @out_data
 * gets the data to tell, else NULL.  @response is the answer the part is of.  The row
 * names no part any more then.  In the transaction that is open.  Errors: those of the
 * store, which are no TRUNDLE_ERROR; and those of trd_sources_share_body(), when what is
 * sent cannot be kept, and nothing has changed. */
gboolean
trd_keeper_keep (TrdKeeper *self,
                 const TrdOwner *owner,
                 TrdTaskRow *row,
                 GVariant *response,
                 GBytes **out_data,
                 GError **error);

/* What @data stands for, if @owner may have it and nobody had it before: else
 * INVALID_RESUME_DATA, with the same words whether it is another's or was never there.
 * (transfer full) */
TrdResumable *
trd_keeper_find (TrdKeeper *self, const TrdOwner *owner, GBytes *data, GError **error);

/* The request of a task of @kind that goes on with @kept: @url, where "" means the one it
 * had, and @options over those it had.  INVALID_ARGUMENT when that cannot be the same
 * bytes; an upload goes on at its own address only. */
gboolean
trd_keeper_take_apart (const TrdResumable *kept,
                       TrundleKind kind,
                       const char *url,
                       GVariant *options,
                       TrdRequestParts *out_parts,
                       GError **error);

/* Gives @row, which is about to be stored, what is there.  A part that is gone is begun
 * anew; one on a disk that is not there now is an error. */
gboolean
trd_keeper_endow (TrdKeeper *self,
                  const TrdResumable *kept,
                  TrdTaskRow *row,
                  GError **error);
/* Once @row has its number: the data is spent.  In the transaction that is open. */
gboolean
trd_keeper_spend (TrdKeeper *self,
                  TrdResumable *kept,
                  const TrdTaskRow *row,
                  GError **error);
/* After the commit: parts get the names of the tasks that took them. */
void
trd_keeper_settle (TrdKeeper *self);

/* The task that has left a part wants it back, to be tried again: @row gets it, as far as
 * nobody had it before, and the data is spent.  @row is to be stored by the caller, in
 * the transaction that is open. */
gboolean
trd_keeper_reclaim (TrdKeeper *self, TrdTaskRow *row, GError **error);

/* Whether the part of the task is kept, so that it is no file of the task's. */
gboolean
trd_keeper_has (TrdKeeper *self, gint64 task_id);
/* Deletes the part of a task that is gone, unless it is kept. */
void
trd_keeper_discard (TrdKeeper *self, const TrdPlace *place);

/* Parts that a worker still holds after their task has ended: who takes one waits. */
void
trd_keeper_note_held (TrdKeeper *self, gint64 task_id);
gboolean
trd_keeper_is_heir (TrdKeeper *self, gint64 task_id);
/* Returns who took it, 0 for nobody. */
gint64
trd_keeper_note_released (TrdKeeper *self, gint64 task_id);
