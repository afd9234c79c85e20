/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "request.h"

/* A GProxyResolver that answers what a request says, or asks the daemon. */
#define TRW_TYPE_PROXY_RESOLVER (trw_proxy_resolver_get_type ())
G_DECLARE_FINAL_TYPE (TrwProxyResolver, trw_proxy_resolver, TRW, PROXY_RESOLVER, GObject)

GProxyResolver *
trw_proxy_resolver_new (GDBusConnection *connection, const TrwRequest *request);

/* The proxy at which a connection ends, when it is one of @protocol; else FALSE.
 * @out_party: (nullable) */
gboolean
trw_proxy_get_party (GSocketAddress *address, const char *protocol, TrwParty *out_party);

/* Whether the last answer about the host of @uri named a proxy. */
gboolean
trw_proxy_resolver_has_proxy (GProxyResolver *resolver, GUri *uri);
