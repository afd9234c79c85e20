/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "script-server.h"

/* A proxy on loopback that speaks CONNECT and SOCKS5 and leads every tunnel to the port
 * asked for, but on 127.0.0.1 whatever the host is. */
typedef struct _ScriptProxy ScriptProxy;

/* @refusal: (nullable): what every CONNECT is answered with instead. */
ScriptProxy *
script_proxy_new (const char *refusal);
void
script_proxy_free (ScriptProxy *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScriptProxy, script_proxy_free)

/* What every CONNECT is answered with, or NULL for a tunnel. */
void
script_proxy_set_handler (ScriptProxy *self, ScriptHandler handler, gpointer user_data);

/* From now on TLS comes first. */
void
script_proxy_set_certificate (ScriptProxy *self, GTlsCertificate *certificate);

/* From now on SOCKS5 is spoken only with who says "user:password" (RFC 1929). */
void
script_proxy_set_password (ScriptProxy *self, const char *password);

guint
script_proxy_count_connections (ScriptProxy *self);

/* "scheme://127.0.0.1:PORT".  (transfer full) */
char *
script_proxy_url (ScriptProxy *self, const char *scheme);

/* What it was asked last: the head of a CONNECT, or "SOCKS5 HOST:PORT".
 * (transfer full) (nullable) */
char *
script_proxy_get_question (ScriptProxy *self);
