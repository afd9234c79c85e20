/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/registry.h"
#include "value/challenge.h"
#include "value/outcome.h"

/* Fresh bearer tokens (RFC 6749 §6), in memory only: one for each `oauth2` of a session,
 * got when a server has asked for one, and said to servers that have until one of them
 * refuses it or its time is over. */
typedef struct _TrdRefresh TrdRefresh;

typedef enum
{
  TRD_REFRESH_GONE,    /* the house is being torn down: nothing may be touched */
  TRD_REFRESH_FRESH,   /* there is one: ask the server again */
  TRD_REFRESH_REFUSED, /* there will be none */
  TRD_REFRESH_FAILED,  /* the token server could not be asked */
} TrdRefreshResult;

TrdRefresh *
trd_refresh_new (TrdRegistry *registry);
void
trd_refresh_free (TrdRefresh *self);
/* Of @registry.  (transfer none) */
TrdRefresh *
trd_registry_get_refresh (TrdRegistry *registry);

/* That of @task as it is now.  (transfer full) (nullable) */
GVariant *
trd_task_find_oauth2 (TrdTask *task);

/* Whom the token of @task is for as @row asks; FALSE where nothing of it may go: a mirror
 * elsewhere, or in clear. */
gboolean
trd_refresh_find_origin (TrdTask *task, const TrdTaskRow *row, TrdSpace *out_origin);

/* A token newer than @given for @origin, where Bearer was asked for: one that there is,
 * or that everybody waits for who wants it for the same @oauth2 of the session.
 * @request: as Begin was told. */
void
trd_refresh_get_async (TrdRefresh *self,
                       TrdSession *session,
                       GVariant *oauth2,
                       const TrdSpace *origin,
                       guint given,
                       GVariant *request,
                       GAsyncReadyCallback callback,
                       gpointer user_data);
/* @out_outcome: with TRD_REFRESH_FAILED, how the task's attempt ends.  (transfer full) */
TrdRefreshResult
trd_refresh_get_finish (GAsyncResult *result, TrdOutcome **out_outcome);

/* A server did not accept the token with this number. */
void
trd_refresh_note_refused (TrdRefresh *self, TrdSession *session, guint generation);
/* @request with the token, if there is one for this address.  (transfer full), not
 * floating */
GVariant *
trd_refresh_compose (TrdRefresh *self,
                     TrdTask *task,
                     const TrdTaskRow *row,
                     GVariant *request);
void
trd_refresh_forget_session (TrdRefresh *self, TrdSession *session);
