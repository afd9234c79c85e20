/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* Who asks who is there, in front of a ScriptServer or a ScriptProxy. */
typedef struct
{
  const char *prefix; /* of what it guards */
  const char *method; /* "Basic", "Digest", "Bearer" */
  const char *realm;
  const char *secret;    /* "user:password", or a token */
  const char *algorithm; /* of Digest */
} ScriptGuard;

typedef struct _ScriptAuth ScriptAuth;

/* @guards: ends with one without a prefix; static. */
ScriptAuth *
script_auth_new (const ScriptGuard *guards, gboolean is_proxy);
void
script_auth_free (ScriptAuth *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScriptAuth, script_auth_free)

/* A ScriptHandler: a refusal, or NULL when the request may pass. */
char *
script_auth_handle (const char *request, gpointer self);

/* Nonces given so far are too old from now on. */
void
script_auth_expire (ScriptAuth *self);

guint
script_auth_count_refused (ScriptAuth *self);
guint
script_auth_count_passed (ScriptAuth *self);
/* Whether @text was in what it was told, in plain or in Base64. */
gboolean
script_auth_has_heard (ScriptAuth *self, const char *text);
/* What it was told last; "" for nothing.  (transfer full) */
char *
script_auth_get_last (ScriptAuth *self);
