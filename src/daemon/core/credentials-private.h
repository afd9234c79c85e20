/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/credentials.h"

/* What core/credentials.c and core/credentials-vault.c share. */

struct _TrdCredentials
{
  TrdRegistry *registry;     /* (unowned), outlives us */
  const TrdEnv *env;         /* (unowned), outlives us */
  GPtrArray *all;            /* (owned) (element-type TrdCredential): the newest last */
  GCancellable *cancellable; /* (owned): of all that is under way */
  guint newest;
  GHashTable *looked; /* (owned) (element-type utf8): sessions and servers that the
                       * keyring was asked about as it is */
  guint n_pending;    /* verbs of the keyring that change it */
  GPtrArray *waiters; /* (owned) (element-type GTask): until there are none */
};

void
trd_credential_free (TrdCredential *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdCredential, trd_credential_free)

void
trd_credential_copy_space (TrdSpace *to, const TrdSpace *from);
/* For whom @self is, whatever it is: the same whole space, session and challenge. */
gboolean
trd_credential_is_for (const TrdCredential *self,
                       const TrdOwner *owner,
                       gint64 session_id,
                       gint64 challenge_id,
                       const TrdSpace *space);
gboolean
trd_credential_is_usable_by (const TrdCredential *self,
                             TrdSession *session,
                             gint64 challenge_id);

/* That of @session in the keyring; NULL when nothing of a session may be stored there.
 * (transfer full) */
char *
trd_session_mark (TrdSession *session, const TrdEnv *env);
/* (transfer full) */
char *
trd_space_describe (const TrdSpace *space);

/* The keyring has @secret for what @found is for; @found is taken. */
void
trd_credentials_absorb (TrdCredentials *self, TrdCredential *found);

/* core/credentials-vault.c. */
void
trd_credentials_store (TrdCredentials *self, const TrdCredential *credential);
/* The item of @credential alone. */
void
trd_credentials_erase (TrdCredentials *self, const TrdCredential *credential);
void
trd_credentials_erase_session (TrdCredentials *self, TrdSession *session);
/* The session is gone: so is what it was looked up for. */
void
trd_credentials_forget_looks (TrdCredentials *self, TrdSession *session);
