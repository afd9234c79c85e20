/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* What somebody on the way wants to know before he answers otherwise.  The facts are an
 * a{sv} as the worker tells them: `challenge` of Done in the interface Worker. */

/* Whom a credential is for; URLProtectionSpace at Apple's. */
typedef struct
{
  char *protocol; /* "http" or "https"; of a proxy "socks5" too */
  char *host;     /* lower case */
  guint port;
  gboolean is_proxy;
  char *method; /* "basic", "digest", "bearer", "negotiate", "server-trust" or
                 * "client-certificate" */
  char *realm;  /* (nullable) */
} TrdSpace;

void
trd_space_clear (TrdSpace *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TrdSpace, trd_space_clear)

/* One line by which spaces are told apart.  (transfer full) */
char *
trd_space_to_key (const TrdSpace *self);
/* As it is told on the bus: `protocol`, `host`, `port`, `realm`, `method`, `is-proxy`,
 * and `proxy-type` of a proxy.  Floating. */
GVariant *
trd_space_to_dict (const TrdSpace *self);

/* Whether @facts, which a worker told, make sense. */
gboolean
trd_challenge_check (GVariant *facts);
guint
trd_challenge_count_offers (GVariant *facts);
/* The space of the @offer-th offer; FALSE when there are not so many. */
gboolean
trd_challenge_get_space (GVariant *facts, guint offer, TrdSpace *out_space);
