/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "core/secrets.h"

/* What secrets.c, secrets-keep.c and secrets-load.c share. */

struct _TrdSecrets
{
  TrdSecretPool *pool; /* (unowned) (nullable): NULL once that is closed */
  guint n_refs;
  gint64 session_id;      /* 0: of a session to come */
  gint64 item_session_id; /* that its item has: 0 for none, whatever it is now */
  char *id;               /* (owned) */
  char *app_id;           /* (owned) (nullable): for the label */
  GVariant *value;        /* (owned) (nullable) */
  guint kept : 1;         /* there is an item, as far as we know */
  guint storing : 1;      /* or about to be */
  guint gone : 1;
  guint changed : 1; /* the value is newer than that of the item */
};

struct _TrdSecretPool
{
  GObject parent;
  const TrdEnv *env;       /* (unowned), outlives us unless closed */
  GHashTable *by_id;       /* (element-type utf8 TrdSecrets): all; both borrowed */
  GHashTable *by_value;    /* (element-type TrdSecrets): those of sessions with a value */
  GPtrArray *used;         /* (unowned) (nullable): trd_secret_pool_use() */
  GQueue queue;            /* (element-type TrdSecrets) (owned): to be stored */
  guint n_storing;         /* in the hands of the vault */
  GPtrArray *preparations; /* (owned) (element-type GTask): waiting for some */
  gulong changed_id;
  gboolean late;   /* rows may refer to less than is kept */
  gboolean untidy; /* items may be there to which no row refers */
  gboolean reading;
  gboolean marked; /* the state directory says that there may be items */
  gboolean closed;
};

/* core/secrets.c */
TrdSecrets *
trd_secrets_new (TrdSecretPool *pool, gint64 session_id, const char *id);
void
trd_secrets_set_value (TrdSecrets *self, GVariant *value);
/* Once it has a session and a value. */
void
trd_secrets_index (TrdSecrets *self);

/* core/secrets-keep.c */
void
trd_secrets_keep (TrdSecrets *self);
/* Goes on with the queue. */
void
trd_secret_pool_store_next (TrdSecretPool *self);
/* Consumes nothing; @self may be about to be freed. */
void
trd_secrets_remove_item (TrdSecretPool *pool, const char *id);

/* Attributes of items: @id NULL for all of ours.  (transfer full) */
GHashTable *
trd_secret_pool_attributes (TrdSecretPool *self, const char *id);
