/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libsoup/soup.h>

#include "credential.h"

/* Proxies that are reached by TLS, for all of GIO in this process. */
void
trw_tls_proxy_register (void);

/* Whose tunnel is made. */
typedef struct
{
  /* Takes or drops a reference. */
  gpointer (*ref) (gpointer user_data);
  void (*unref) (gpointer user_data);
  /* The certificate is refused by the system; FALSE when by everybody. */
  gboolean (*accepts) (GUri *proxy,
                       GTlsCertificate *chain,
                       GTlsCertificateFlags flags,
                       gpointer user_data);
  /* @connect, of which only the headers are used, is about to be written; FALSE when
   * there is no use in it. */
  gboolean (*asking) (const TrwParty *proxy, SoupMessage *connect, gpointer user_data);
  /* It was answered, with other than success. */
  void (*answered) (const TrwParty *proxy,
                    SoupMessage *connect,
                    guint status,
                    gpointer user_data);
} TrwTlsProxyHooks;

/* @connection, which a tunnel is about to be made through, is for @user_data. */
void
trw_tls_proxy_attend (GIOStream *connection,
                      const TrwTlsProxyHooks *hooks,
                      gpointer user_data);
