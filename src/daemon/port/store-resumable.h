/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/store.h"
#include "value/resumable.h"

/* The table of parts that outlive their tasks.  Verbs as in port/store.h; a row is known
 * by the task that left it, place->task_id. */

/* Gives the row a new token.  A row the task has left before is replaced. */
gboolean
trd_store_insert_resumable (TrdStore *self, TrdResumable *row, GError **error);
/* Writes what may change: taken_by, kept.boot_us, synced, response, digest_state. */
gboolean
trd_store_update_resumable (TrdStore *self, const TrdResumable *row, GError **error);
/* That there is none is fine. */
gboolean
trd_store_delete_resumable (TrdStore *self, gint64 task_id, GError **error);

/* (transfer full); NULL with TRUNDLE_ERROR_NOT_FOUND. */
TrdResumable *
trd_store_load_resumable (TrdStore *self, gint64 task_id, GError **error);
TrdResumable *
trd_store_find_resumable (TrdStore *self, const char *token, GError **error);
gboolean
trd_store_has_resumable (TrdStore *self, gint64 task_id);

/* (element-type TrdResumable) (transfer full): in order of the task.  @only_taken: those
 * whose part waits for another name. */
GPtrArray *
trd_store_list_resumable (TrdStore *self, gboolean only_taken, GError **error);
