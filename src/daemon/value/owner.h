/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* Who a session belongs to: a pair (confinement, app id).  Immutable, counted. */
typedef struct
{
  char *confinement; /* (owned): "host", "flatpak" */
  char *app_id;      /* (owned): "org.example.App"; "host" for who has none */
} TrdOwner;

TrdOwner *
trd_owner_new (const char *confinement, const char *app_id);
TrdOwner *
trd_owner_ref (TrdOwner *self);
void
trd_owner_unref (TrdOwner *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdOwner, trd_owner_unref)

gboolean
trd_owner_is_host (const TrdOwner *self);
gboolean
trd_owner_equal (const TrdOwner *a, const TrdOwner *b);

/* All unsandboxed processes are one principal; a sandboxed one only reaches its own. */
gboolean
trd_owner_may_address (const TrdOwner *caller, const TrdOwner *owner);

/* "flatpak:org.example.App", a key for hash tables and the worker of an app.  (owned by
 * @self) */
const char *
trd_owner_key (const TrdOwner *self);
