/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

#include "cli/secret.h"

/* Who somebody is, as options and the terminal tell it: what RespondToChallenge and
 * SetCredential take. */
typedef struct
{
  char *user;             /* (owned) (nullable) */
  TrcSecret *password;    /* (owned) (nullable) */
  TrcSecret *token;       /* (owned) (nullable) */
  TrcSecret *certificate; /* (owned) (nullable): with its key, PEM */
  TrcSecret *pkcs12;      /* (owned) (nullable) */
  char *pkcs11_uri;       /* (owned) (nullable) */
  char *persistence;      /* (owned) (nullable) */
  gboolean allow_insecure_auth;

  /* The files that the secrets come from, until they are read. */
  char *password_file;    /* (owned) (nullable) */
  char *token_file;       /* (owned) (nullable) */
  char *certificate_file; /* (owned) (nullable): or a PKCS#11 URI */
} TrcCredential;

void
trc_credential_clear (TrcCredential *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TrcCredential, trc_credential_clear)

/* The options that fill it, @entries has room for TRC_CREDENTIAL_N_ENTRIES. */
#define TRC_CREDENTIAL_N_ENTRIES 8
void
trc_credential_add_entries (TrcCredential *self, GOptionEntry *entries);
/* Whether one of them says who somebody is. */
gboolean
trc_credential_is_given (const TrcCredential *self);
/* Looks at the options, and reads the files.  FALSE after it was told what is wrong. */
gboolean
trc_credential_read (TrcCredential *self);
/* What is named by `certificate_file`. */
gboolean
trc_credential_read_certificate (TrcCredential *self, GError **error);

/* a{sv}, floating, with what is secret in @fds; NULL on an error. */
GVariant *
trc_credential_describe (const TrcCredential *self, GUnixFDList *fds, GError **error);
