/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "face/call.h"

/* What callers may say about tasks, checked and made into what the registry takes. */

/* What the options of a task of @kind are checked for (TrundleScope). */
guint
trd_draft_scope (TrundleKind kind);

/* One draft from `url` and options, which may hold handles into the call's fds; for an
 * upload with what was adopted of it (face/bodies.h).  (transfer full) */
TrdDraft *
trd_draft_from_call (TrdCall *call,
                     TrdSession *session,
                     TrundleKind kind,
                     const char *url,
                     GVariant *options,
                     GError **error);

/* The kind that a dictionary of CreateTasks names, which may be unchecked. */
TrundleKind
trd_draft_kind_of (GVariant *dict);
/* The same from the dictionary at @index of CreateTasks, with keys `url` and `kind`. */
TrdDraft *
trd_draft_from_batch (
    TrdCall *call, TrdSession *session, guint index, GVariant *dict, GError **error);

/* A filter of ListTasks and CancelTasks. */
typedef struct
{
  TrdTaskFilter filter; /* what the store can do */
  guint states;         /* bits 1 << TrundleTaskState, with RUNNING told from QUEUED */
  guint limit;
  char *group;       /* (owned) (nullable) */
  char **properties; /* (owned): names of properties of a task */
} TrdQuery;

gboolean
trd_query_init (TrdQuery *self, GVariant *dict, GError **error);
void
trd_query_clear (TrdQuery *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TrdQuery, trd_query_clear)
gboolean
trd_query_matches (const TrdQuery *self, TrundleTaskState state);
