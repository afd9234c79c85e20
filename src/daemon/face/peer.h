/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "value/owner.h"

/* Who is calling, as computed; never as declared.  Immutable, counted. */
typedef struct
{
  char *name;           /* (owned): unique name */
  TrdOwner *owner;      /* (owned) */
  gboolean has_network; /* FALSE: in a sandbox without (law 14) */
} TrdPeer;

TrdPeer *
trd_peer_ref (TrdPeer *self);
void
trd_peer_unref (TrdPeer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdPeer, trd_peer_unref)

/* The callers there are, remembered by unique name until they leave the bus. */
typedef struct _TrdPeers TrdPeers;

typedef void (*TrdPeerVanishedFunc) (const char *name, gpointer user_data);
/* @peer is NULL when it could not be identified; then @error says why. */
typedef void (*TrdPeerFunc) (TrdPeer *peer, const GError *error, gpointer user_data);

TrdPeers *
trd_peers_new (GDBusConnection *bus, TrdPeerVanishedFunc vanished, gpointer user_data);
/* Who still waits is told G_IO_ERROR_CANCELLED. */
void
trd_peers_free (TrdPeers *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrdPeers, trd_peers_free)

void
trd_peers_set_proc_root (TrdPeers *self, const char *proc_root);

/* Calls @func with who @name is: at once when that is known, else when it is; for each
 * peer in the order of the questions. */
void
trd_peers_identify (TrdPeers *self,
                    const char *name,
                    TrdPeerFunc func,
                    gpointer user_data);

/* The same, blocking for one or two round trips to the bus.  (transfer full) */
TrdPeer *
trd_peers_identify_sync (TrdPeers *self, const char *name, GError **error);
