/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "port/store.h"

/* The table of certificates that are trusted in spite of what is wrong with them.  Verbs
 * as in port/store.h; what is of one session goes with it. */

/* More are never given: the newest are. */
#define TRD_STORE_TRUST_MAX 500

/* There may be such a row already. */
gboolean
trd_store_add_trust (TrdStore *self,
                     const TrdOwner *owner,
                     const TrdTrustRow *row,
                     GError **error);
/* What holds in a session of @owner: that of the session, and what holds in all of them.
 * @host: (nullable): of this host and @port, as a proxy or not, only.
 * (element-type TrdTrustRow) (transfer full) */
GPtrArray *
trd_store_list_trust (TrdStore *self,
                      const TrdOwner *owner,
                      gint64 session_id,
                      const char *host,
                      guint port,
                      gboolean is_proxy,
                      GError **error);
/* All of what the above gives; @out_n (nullable) is how many there were. */
gboolean
trd_store_remove_trust (TrdStore *self,
                        const TrdOwner *owner,
                        gint64 session_id,
                        const char *host,
                        guint port,
                        gboolean is_proxy,
                        guint *out_n,
                        GError **error);
/* That of a session that goes. */
gboolean
trd_store_forget_trust (TrdStore *self, gint64 session_id, GError **error);
