/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/env.h"

/* Secrets of sessions and tasks (law 9): sets of secret options (core/secret-options.h),
 * counted and shared by all that have the same, and kept as items of the keyring to which
 * rows only refer.  A set that cannot be kept lives in memory, and nobody calls what
 * needs it durable. */

typedef struct _TrdSecrets TrdSecrets;

TrdSecrets *
trd_secrets_ref (TrdSecrets *self);
/* With the last reference the item goes; so drop it after the commit. */
void
trd_secrets_unref (TrdSecrets *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdSecrets, trd_secrets_unref)

/* NULL while not read from the keyring, and when it is gone from there.  (transfer none)
 * (nullable); @self too, as in the next two */
GVariant *
trd_secrets_get_value (TrdSecrets *self);
/* In the keyring, so that rows may refer to it; none is. */
gboolean
trd_secrets_is_kept (TrdSecrets *self);
/* To be read from the keyring yet: whoever needs it waits. */
gboolean
trd_secrets_is_missing (TrdSecrets *self);
/* Somebody has deleted the item. */
gboolean
trd_secrets_is_gone (TrdSecrets *self);
/* What rows refer to it by; NULL when it is not kept. */
const char *
trd_secrets_get_id (TrdSecrets *self);

/* @self has another value from now on, for all who share it, and so has its item of the
 * keyring as soon as that can be. */
void
trd_secrets_replace (TrdSecrets *self, GVariant *value);

/* All sets there are, and the way to the keyring.  It is asked for nothing before there
 * is a secret.
 *
 * Signals: "loaded": what was missing may be there now, or gone.
 * "kept": what was in memory only is in the keyring now. */
#define TRD_TYPE_SECRET_POOL (trd_secret_pool_get_type ())
G_DECLARE_FINAL_TYPE (TrdSecretPool, trd_secret_pool, TRD, SECRET_POOL, GObject)

/* @env is borrowed. */
TrdSecretPool *
trd_secret_pool_new (const TrdEnv *env);
/* The rows stay, and so do the items, whoever drops references now. */
void
trd_secret_pool_close (TrdSecretPool *self);

/* The set that a stored row refers to.  (transfer full) */
TrdSecrets *
trd_secret_pool_restore (TrdSecretPool *self, gint64 session_id, const char *id);
/* Reads what is missing, if that can be; else when the keyring opens. */
void
trd_secret_pool_load (TrdSecretPool *self);
/* Once the start is over: removes what no row refers to, if there may be something. */
void
trd_secret_pool_settle (TrdSecretPool *self);

/* The set of @value (nullable) for a row of the session: one there is, prepared or not,
 * or else one in memory only.  (transfer full) (nullable) */
TrdSecrets *
trd_secret_pool_take (TrdSecretPool *self, gint64 session_id, GVariant *value);

/* Stores what of @values (element-type GVariant) the session has not, so that the rows to
 * come may refer to it.  Ends when all is kept or cannot be, and after
 * TRD_SECRETS_TIMEOUT_US in any case.  @session_id is 0 for a session to come. */
void
trd_secret_pool_prepare_async (TrdSecretPool *self,
                               gint64 session_id,
                               const char *app_id,
                               GPtrArray *values,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
/* What was prepared: to be held until the rows are there.  Never fails.  (element-type
 * TrdSecrets) (transfer full) */
GPtrArray *
trd_secret_pool_prepare_finish (TrdSecretPool *self, GAsyncResult *result);
/* The session of a set that was taken before it had one. */
void
trd_secrets_set_session (TrdSecrets *self, gint64 session_id);
/* Where trd_secret_pool_take() looks for sets of a session to come; NULL to end it. */
void
trd_secret_pool_use (TrdSecretPool *self, GPtrArray *prepared);
