/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* A server on loopback that sends what it is told, byte by byte, right or wrong.  Besides
 * its replies it knows …/echo (the head of the request as body) and /hop/N (redirects to
 * /hop/N-1 until 0, which is "done"). */

typedef enum
{
  SCRIPT_KEEP, /* waits for the next request */
  SCRIPT_CLOSE,
  SCRIPT_STALL, /* says nothing more until the client has gone */
  SCRIPT_DRIP,  /* sends a byte now and then until the client has gone */
} ScriptEnd;

typedef struct
{
  const char *head; /* sent first, as it is */
  gsize fill;       /* then so many 'x' */
  const char *tail; /* (nullable): then this */
  ScriptEnd end;
  gsize tail_size; /* 0: up to its NUL */
} ScriptReply;

typedef struct _ScriptServer ScriptServer;

/* @certificate: (nullable): speaks TLS with it. */
ScriptServer *
script_server_new (GTlsCertificate *certificate);
void
script_server_free (ScriptServer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScriptServer, script_server_free)

/* @reply's strings are copied. */
void
script_server_set (ScriptServer *self, const char *path, const ScriptReply *reply);

/* A 302 to @to.  @header: further lines, each with its end. */
void
script_server_set_redirect (ScriptServer *self,
                            const char *path,
                            const char *to,
                            const char *header);

/* What is asked first: the whole answer to a @request, its head, or NULL for what was
 * set. Called in any thread, one at a time.  (transfer full) (nullable) */
typedef char *(*ScriptHandler) (const char *request, gpointer user_data);
void
script_server_set_handler (ScriptServer *self, ScriptHandler handler, gpointer user_data);

/* Closes every connection from now on, having said nothing. */
void
script_server_hang_up (ScriptServer *self);

guint16
script_server_get_port (ScriptServer *self);

/* "http://127.0.0.1:PORT/path".  (transfer full) */
char *
script_server_url (ScriptServer *self, const char *path);

guint
script_server_count_connections (ScriptServer *self);
