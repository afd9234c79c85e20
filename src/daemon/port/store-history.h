/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/store.h"

/* What became of tasks that are gone: a row of each is written in the transaction in
 * which it is forgotten.  Addresses are redacted, and there is nothing of headers and
 * answers. */
typedef struct
{
  gint64 task_id;
  TrdOwner *owner;
  char *session; /* (nullable): its identifier, unless it was invalidated */
  TrundleKind kind;
  gint64 created_us;
  gint64 finished_us;
  guint64 received;
  guint64 sent;
  char *url;
  char *error_name;  /* (nullable): NULL for a success, TRD_HISTORY_EXPIRED */
  char *final_path;  /* (nullable) */
  char *description; /* (nullable) */
} TrdHistoryRow;

/* In the place of an error: its file was kept for the app, which never came. */
#define TRD_HISTORY_EXPIRED "expired"

void
trd_history_row_free (TrdHistoryRow *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdHistoryRow, trd_history_row_free)

/* @n_max: so many are kept, the last ones to end; 0: none are written. */
void
trd_store_set_history_max (TrdStore *self, guint n_max);
/* Forgets what ended before @before_us, and what is too many. */
gboolean
trd_store_prune_history (TrdStore *self, gint64 before_us, GError **error);
/* The rows of another database of the same version; a missing one is fine. */
gboolean
trd_store_absorb_history (TrdStore *self, const char *path, GError **error);

typedef struct
{
  gint64 after;       /* numbers of tasks above this */
  guint limit;        /* 0: no limit */
  const char *app_id; /* (nullable) */
} TrdHistoryFilter;
/* What ended last comes first.  (element-type TrdHistoryRow) (transfer full) */
GPtrArray *
trd_store_list_history (TrdStore *self, const TrdHistoryFilter *filter, GError **error);
/* Without the limit. */
gboolean
trd_store_clear_history (TrdStore *self, const TrdHistoryFilter *filter, GError **error);
