/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* How long to wait before the next worker of an owner is started, so that nothing spins
 * when workers die as fast as they are made. */
typedef struct _TrdWorkerPauses TrdWorkerPauses;

TrdWorkerPauses *
trd_worker_pauses_new (void);
void
trd_worker_pauses_free (TrdWorkerPauses *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdWorkerPauses, trd_worker_pauses_free)

/* A worker came to an end that nobody wished.  One that @had_begun an attempt may be
 * replaced at once, the first time. */
void
trd_worker_pauses_note_failure (TrdWorkerPauses *self,
                                const char *owner_key,
                                gboolean had_begun);
/* A worker did what it is for. */
void
trd_worker_pauses_note_success (TrdWorkerPauses *self, const char *owner_key);

guint
trd_worker_pauses_get_ms (TrdWorkerPauses *self, const char *owner_key);
