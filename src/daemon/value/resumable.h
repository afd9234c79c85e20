/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "value/rows.h"

/* A part that outlives its task, for whoever bears the token: a row of the store. */
typedef struct
{
  char *token;        /* 32 hexadecimal digits; made when it is stored */
  gint64 taken_by;    /* the task that goes on with the part, which does not bear that
                       * task's name yet; 0 for none */
  TrdOwner *owner;    /* whose it is */
  TrdMoment kept;     /* when it was kept */
  char *url;          /* without user info */
  guint64 synced;     /* of the part; believed after an unclean boot (law 4) */
  gboolean untrusted; /* there was one, and the part could not be cut to @synced yet */
  TrdPlace *place;    /* of the part: task, directory and part name; no final name */
  GVariant *options;  /* a{sv}: those of the task, without secrets */
  GVariant *response; /* a{sv}: the answer the part is of */
  GVariant *digest_state; /* (nullable): a{sv} */

  /* Of an upload: what it sends, and where the server keeps some of it. */
  TrundleKind kind;
  GVariant *body; /* (nullable): aa{sv} */
  guint64 body_size;
  GVariant *upload; /* (nullable): a{sv} */
} TrdResumable;

TrdResumable *
trd_resumable_new (gint64 task_id);
void
trd_resumable_free (TrdResumable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdResumable, trd_resumable_free)
