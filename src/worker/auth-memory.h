/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "auth-digest.h"
#include "credential.h"

/* What was asked for and answered to satisfaction, so that the next request need not be
 * refused first.  It holds no secret: who has the credential no more cannot use it. */
typedef struct
{
  TrwParty party;
  TrwMethod method;
  char *realm;           /* (owned) (nullable) */
  char *user;            /* (owned) */
  char *prefix;          /* (owned): of the paths it is for */
  TrwDigestNonce *nonce; /* (owned) (nullable): of digest */
} TrwKnown;

typedef struct _TrwAuthMemory TrwAuthMemory;

TrwAuthMemory *
trw_auth_memory_new (void);
void
trw_auth_memory_free (TrwAuthMemory *self);

/* (element-type TrwKnown) (transfer none), the latest last */
GPtrArray *
trw_auth_memory_get_all (TrwAuthMemory *self);
/* @known is copied, and takes the place of one for the same. */
void
trw_auth_memory_add (TrwAuthMemory *self, const TrwKnown *known);
/* Unless another nonce has taken its place since. */
void
trw_auth_memory_forget (TrwAuthMemory *self, const TrwKnown *known);

/* Of the paths that may be asked for as @path was (RFC 7617 §2.2).  (transfer full) */
char *
trw_auth_prefix (const char *path);
