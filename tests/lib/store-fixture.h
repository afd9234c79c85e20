/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/store.h"

/* A store in a directory of its own, with one session in it. */
typedef struct
{
  char *directory; /* (owned) */
  char *path;      /* (owned): of the database */
  TrdStore *store; /* (owned) (nullable) */
  gint64 session_id;
} StoreFixture;

void
store_fixture_set_up (StoreFixture *fixture, gconstpointer data);
/* The store may have been dropped before. */
void
store_fixture_tear_down (StoreFixture *fixture, gconstpointer data);

/* The text of a GVariant.  (transfer full) */
GVariant *
store_fixture_parse (const char *text);

gint64
store_fixture_add_session (TrdStore *store,
                           const char *identifier,
                           const char *configuration);

/* (transfer full) */
TrdTaskRow *
store_fixture_make_task (gint64 session_id, TrundleTaskState state);
gint64
store_fixture_add_task (TrdStore *store, gint64 session_id, TrundleTaskState state);

guint64
store_fixture_add_event (TrdStore *store,
                         gint64 session_id,
                         gint64 task_id,
                         TrundleEventKind kind);
