/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/registry.h"
#include "value/challenge.h"

/* Passwords, tokens and client certificates, each for one protection space of one app or
 * session: in memory, and in the user's keyring as far as it is open.  Never in a row,
 * and never for another app or session (law 9). */
typedef struct _TrdCredentials TrdCredentials;

typedef enum
{
  TRD_PERSISTENCE_NONE,      /* in memory, for the tasks behind one challenge */
  TRD_PERSISTENCE_SESSION,   /* until the session ends */
  TRD_PERSISTENCE_PERMANENT, /* for every session of the app */
} TrdPersistence;

typedef struct
{
  TrdOwner *owner;     /* (owned) */
  gint64 session_id;   /* 0: for every session of the owner */
  gint64 challenge_id; /* of TRD_PERSISTENCE_NONE; else 0 */
  char *session_mark;  /* (owned) (nullable): of the session, in the keyring */
  TrdPersistence persistence;
  TrdSpace space;    /* without a method: basic and digest; without a realm: any */
  char *user;        /* (owned) (nullable) */
  GVariant *secret;  /* (owned): a{sv} of what of it is secret, in order of keys */
  guint generation;  /* rising, the newest is the highest */
  gboolean refused;  /* a server did not accept it */
  gboolean insecure; /* may be sent without TLS */
  gboolean told;     /* by the app, and not by the keyring */
  gboolean kept;     /* in the keyring */
  gboolean stale;    /* in the keyring, when it was asked last */
} TrdCredential;

TrdCredentials *
trd_credentials_new (TrdRegistry *registry);
void
trd_credentials_free (TrdCredentials *self);

/* Number of the newest; the next is above @generation too. */
guint
trd_credentials_get_newest (TrdCredentials *self);
guint
trd_credentials_raise (TrdCredentials *self, guint generation);

/* Whom @url asks, by any method; FALSE for no address. */
gboolean
trd_space_init_origin (TrdSpace *origin, const char *url);
/* TRUE for what goes over the wire as it is. */
gboolean
trd_space_is_clear (const TrdSpace *space);
/* Whether what is for @space, as the vocabulary has it, is for @other. */
gboolean
trd_space_covers (const TrdSpace *space, const TrdSpace *other);

/* The newest that fits and was not refused; (transfer none) (nullable).  @challenge_id:
 * the one the task is behind, or 0. */
const TrdCredential *
trd_credentials_find (TrdCredentials *self,
                      TrdSession *session,
                      gint64 challenge_id,
                      const TrdSpace *space,
                      gboolean allow_insecure);
/* The newest that fits, whatever became of it. */
const TrdCredential *
trd_credentials_find_last (TrdCredentials *self,
                           TrdSession *session,
                           const TrdSpace *space);
/* A server did not accept the one with this number. */
void
trd_credentials_refuse (TrdCredentials *self, TrdSession *session, guint generation);

/* In memory, before what was known for @space; @credential is checked
 * (TRUNDLE_SCOPE_CREDENTIAL).  Either kept or dropped next.  NULL when there are too
 * many: LIMIT_EXCEEDED.  (transfer none) */
const TrdCredential *
trd_credentials_add (TrdCredentials *self,
                     TrdSession *session,
                     gint64 challenge_id,
                     const TrdSpace *space,
                     GVariant *credential,
                     GError **error);
/* It takes the place of what was known, and is stored in the keyring soon, by its
 * persistence. */
void
trd_credentials_keep (TrdCredentials *self, guint generation);
/* Undoes it, as far as nobody has used it yet. */
void
trd_credentials_drop (TrdCredentials *self, guint generation);

/* What Begin is told, over what was composed: `credentials`, `client-certificates` and
 * `allow-insecure-auth`.  (transfer full), not floating */
GVariant *
trd_credentials_compose (TrdCredentials *self,
                         TrdTask *task,
                         const TrdTaskRow *row,
                         GVariant *request);

/* Asks the keyring what it has for @space of @session, into memory; for every realm and
 * method when there is no method.  @out_locked: it has something, and is locked. */
void
trd_credentials_look_up_async (TrdCredentials *self,
                               TrdSession *session,
                               const TrdSpace *space,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
/* Whether it was asked that, and nothing has changed since. */
gboolean
trd_credentials_has_looked (TrdCredentials *self,
                            TrdSession *session,
                            const TrdSpace *server);
/* FALSE when the house is being torn down: nothing may be touched. */
gboolean
trd_credentials_look_up_finish (GAsyncResult *result, gboolean *out_locked);

/* The keyring has changed: what came from it is believed once it was found again; what
 * waits to be stored is. */
void
trd_credentials_note_changed (TrdCredentials *self);
/* Calls back when what is being stored or removed is, or cannot be. */
void
trd_credentials_flush_async (TrdCredentials *self,
                             GAsyncReadyCallback callback,
                             gpointer user_data);

/* From memory and keyring: those for @space of @session, and of its app. */
void
trd_credentials_remove_async (TrdCredentials *self,
                              TrdSession *session,
                              const TrdSpace *space,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
gboolean
trd_credentials_remove_finish (GAsyncResult *result, GError **error);
/* All that @session may use, as ListCredentials tells them: aa{sv}, without secrets. */
void
trd_credentials_list_async (TrdCredentials *self,
                            TrdSession *session,
                            GAsyncReadyCallback callback,
                            gpointer user_data);
GVariant *
trd_credentials_list_finish (GAsyncResult *result, GError **error);

void
trd_credentials_forget_challenge (TrdCredentials *self, gint64 challenge_id);
/* Those for it alone, in the keyring too. */
void
trd_credentials_forget_session (TrdCredentials *self, TrdSession *session);

/* It was asked before, and is there. */
gboolean
trd_credentials_knows_keyring (TrdCredentials *self);
/* Something is in memory alone that @session still needs. */
gboolean
trd_credentials_has_volatile (TrdCredentials *self, TrdSession *session);
