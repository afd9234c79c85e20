/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* What a worker may reach besides the network. */
typedef struct
{
  GPtrArray *paths;     /* (owned) (element-type filename): to be read, with all below */
  gboolean has_sockets; /* AF_UNIX, to connect */
  GPtrArray *stores;    /* (owned) (element-type filename): to be written, as far as the
                         * kernel    can tell them from other files */
  gboolean has_tickets; /* locks on files */
  gboolean has_keys;    /* the kernel's keyrings, to read */
} TrwReach;

void
trw_reach_clear (TrwReach *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TrwReach, trw_reach_clear)

/* Of a worker confined to the network. */
void
trw_reach_init_confined (TrwReach *self);

/* Of one of the profile "local", as this user's environment and settings say now.  Before
 * the worker is confined: it reads them. */
void
trw_reach_init_local (TrwReach *self);
