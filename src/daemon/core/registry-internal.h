/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/challenges.h"
#include "core/cookies.h"
#include "core/keeper.h"
#include "core/refresh.h"
#include "core/registry.h"
#include "core/request.h"

/* What turn, runner and scheduler may do to the registry beyond its public verbs. */

void
trd_registry_emit_task_changed (TrdRegistry *self, TrdTask *task, guint changes);
void
trd_registry_emit_task_redirected (
    TrdRegistry *self, TrdTask *task, const char *from, const char *to, guint status);
void
trd_registry_emit_task_resumed (TrdRegistry *self,
                                TrdTask *task,
                                guint64 offset,
                                gint64 expected);
/* Takes the event's place in memory: counts, last sequence; then tells. */
void
trd_registry_note_event (TrdRegistry *self, TrdSession *session, TrdEvent *event);
/* The network is back: what waits because attempts failed waits hardly any more. */
void
trd_registry_end_back_offs (TrdRegistry *self);

/* A stored event was taken back: counts; then tells. */
void
trd_registry_note_withdrawal (TrdRegistry *self, TrdSession *session);
/* FINISHING and RETIRED sessions leave when nothing of them is left. */
void
trd_registry_settle_session (TrdRegistry *self, TrdSession *session);

/* Parts that outlive their tasks.  (transfer none) */
TrdKeeper *
trd_registry_get_keeper (TrdRegistry *self);

/* Out of memory: its row is gone. */
void
trd_registry_forget_challenge (TrdRegistry *self, TrdChallenge *challenge);

/* A row that is committed, made known to memory.  @row is taken. */
TrdSession *
trd_registry_adopt_session (TrdRegistry *self, TrdSessionRow *row);
/* What rows say of moments, as memory holds it: see value/moment.h. */
TrdRestart
trd_registry_get_restart (TrdRegistry *self);
/* After a reboot: core/restart.c */
gboolean
trd_registry_restore_moments (TrdRegistry *self, GError **error);
/* Of tasks whose rows are deleted in this transaction.  In the spool, what has no row is
 * swept at the next start, so that it goes after the commit; beside a destination nobody
 * would find it again, so that it goes before.  (element-type TrdTaskRow) */
void
trd_registry_discard_parts (TrdRegistry *self, GPtrArray *rows, gboolean in_spool);
/* From the store, with its files, and out of memory. */
gboolean
trd_registry_delete_session (TrdRegistry *self, TrdSession *session, GError **error);
/* Out of memory, and told; the rows are the caller's affair. */
void
trd_registry_remove_task (TrdRegistry *self, TrdTask *task);
/* (element-type TrdTask) (transfer container) */
GPtrArray *
trd_registry_get_tasks (TrdSession *session);

void
trd_registry_emit_session_added (TrdRegistry *self, TrdSession *session);
void
trd_registry_emit_session_changed (TrdRegistry *self, TrdSession *session);
void
trd_registry_emit_events_completed (TrdRegistry *self, TrdSession *session);

/* (element-type gint64 TrdSession) (transfer none) */
GHashTable *
trd_registry_get_session_table (TrdRegistry *self);

/* A task whose row is committed, made known to memory; emit comes when all of a batch
 * are. */
TrdTask *
trd_registry_adopt_task (TrdRegistry *self,
                         TrdSession *session,
                         const TrdTaskBrief *brief);
void
trd_registry_emit_task_added (TrdRegistry *self, TrdTask *task);

/* core/registry-secrets.c.  trd_request_update() with the secrets that the task has.
 * BAD_STATE when they are needed and cannot be read now. */
gboolean
trd_registry_change_request (TrdTask *task,
                             const TrdTaskRow *row,
                             GVariant *changes,
                             TrdRequestParts *out_parts,
                             GError **error);
/* Secrets that were in memory only are kept: rows refer to them from now on. */
void
trd_registry_note_kept (TrdRegistry *self);

/* The options of a request as the worker wants them; NULL with AUTHENTICATION_REQUIRED
 * when its secrets were lost with an earlier daemon, or deleted from the keyring.
 * (transfer full), not floating */
GVariant *
trd_registry_compose_request (TrdRegistry *self,
                              TrdTask *task,
                              const TrdTaskRow *row,
                              GError **error);
