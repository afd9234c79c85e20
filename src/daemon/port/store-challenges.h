/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/store.h"

/* The table of challenges.  Verbs as in port/store.h; rows go with their session. */

/* Sets row->id.  There is at most one for each space of a session. */
gboolean
trd_store_insert_challenge (TrdStore *self, TrdChallengeRow *row, GError **error);
/* Writes all but whose and about what it is. */
gboolean
trd_store_update_challenge (TrdStore *self, const TrdChallengeRow *row, GError **error);
/* That there is none is fine. */
gboolean
trd_store_delete_challenge (TrdStore *self, gint64 challenge_id, GError **error);
/* All there are, in order of id.  (element-type TrdChallengeRow) (transfer full) */
GPtrArray *
trd_store_list_challenges (TrdStore *self, GError **error);
