/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libsoup/soup.h>

#include "auth-memory.h"
#include "request.h"

/* One pool of connections, and what is known of those at their ends.  Counted. */
typedef struct _TrwSession TrwSession;

TrwSession *
trw_session_ref (TrwSession *self);
void
trw_session_unref (TrwSession *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrwSession, trw_session_unref)

SoupSession *
trw_session_get_soup (TrwSession *self);
TrwAuthMemory *
trw_session_get_memory (TrwSession *self);

/* What a request for a tunnel, made so that a message can be sent, has to say. */
typedef struct
{
  /* It is about to be written. */
  void (*asking) (SoupMessage *connect, gpointer user_data);
  /* The head of the answer is there. */
  void (*answered) (SoupMessage *connect, gpointer user_data);
} TrwTunnelHooks;

/* Until it is unwatched. */
void
trw_session_watch (TrwSession *self,
                   SoupMessage *message,
                   const TrwTunnelHooks *hooks,
                   gpointer user_data);
void
trw_session_unwatch (TrwSession *self, SoupMessage *message);

/* The connection @message is sent on, by what its network events tell; it is found again
 * for messages that are sent on it later.  Nobody but libsoup keeps it. */
void
trw_session_note_stream (TrwSession *self,
                         SoupMessage *message,
                         GSocketClientEvent event,
                         GIOStream *connection);
/* (transfer none) (nullable) */
GIOStream *
trw_session_find_stream (TrwSession *self, SoupMessage *message);

typedef struct _TrwSessions TrwSessions;

/* @trust: (nullable) */
TrwSessions *
trw_sessions_new (GDBusConnection *connection, GTlsDatabase *trust);
void
trw_sessions_free (TrwSessions *self);

/* That for requests of the same trust, proxies and proxy credentials.  (transfer full) */
TrwSession *
trw_sessions_get (TrwSessions *self, const TrwRequest *request);
