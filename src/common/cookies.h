/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* The cookies of a jar as a table: how they are told between daemon and worker and kept,
 * how many there may be, and in which order they go.  Which of them a server may set and
 * which it gets is for the worker to judge.
 *
 * A cookie is (ayayssxu): name and value as they were on the wire, with their NUL;
 * domain, with a dot in front when hosts below it get the cookie too; path; seconds since
 * the epoch when it expires, 0 for never; TrundleCookieFlags. */
#define TRUNDLE_COOKIE_TYPE "(ayayssxu)"
#define TRUNDLE_COOKIES_TYPE "a(ayayssxu)"

/* RFC 6265 §6.1 asks for 50 of a domain, 3000 in all and 4 KiB each; all of them together
 * must fit in a message and an item of the keyring. */
#define TRUNDLE_COOKIES_PER_DOMAIN_MAX 50
#define TRUNDLE_COOKIES_MAX 3000
#define TRUNDLE_COOKIE_BYTES_MAX (4 * 1024)
#define TRUNDLE_COOKIES_BYTES_MAX (256 * 1024)

typedef enum /*< flags >*/
{
  TRUNDLE_COOKIE_SECURE = 1 << 0,
  TRUNDLE_COOKIE_HTTP_ONLY = 1 << 1,
  TRUNDLE_COOKIE_LAX = 1 << 2, /* SameSite */
  TRUNDLE_COOKIE_STRICT = 1 << 3,
  TRUNDLE_COOKIE_GONE = 1 << 4, /* of a change: there is no such cookie any more */
} TrundleCookieFlags;

/* The fields of one.  Borrowed. */
typedef struct
{
  const char *name;
  const char *value;
  const char *domain;
  const char *path;
  gint64 expires_s;
  guint flags;
} TrundleCookie;

/* Floating. */
GVariant *
trundle_cookie_new (const TrundleCookie *cookie);
/* @variant must be of the type, and have passed the check. */
void
trundle_cookie_get (GVariant *variant, TrundleCookie *out_cookie);

/* Whether every byte of it may go on the wire and is where it belongs; of text, then, not
 * of sense.  Errors: TRUNDLE_ERROR_INVALID_ARGUMENT; no message quotes a value. */
gboolean
trundle_cookie_check (const TrundleCookie *cookie, GError **error);
/* Of TRUNDLE_COOKIES_TYPE. */
gboolean
trundle_cookies_check (GVariant *cookies);

/* Whether a request to @uri would have it, as far as host, path and Secure go (RFC 6265
 * §5.4). */
gboolean
trundle_cookie_matches (const TrundleCookie *cookie, GUri *uri);

/* (transfer full): the same for cookies of which there can be only one */
char *
trundle_cookie_key (const TrundleCookie *cookie);

/* What a change amounts to. */
typedef enum
{
  TRUNDLE_COOKIES_SAME,
  TRUNDLE_COOKIES_EXTENDED, /* the same, but expires later by no great part of its life */
  TRUNDLE_COOKIES_CHANGED,
} TrundleCookiesChange;

typedef struct _TrundleCookies TrundleCookies;

TrundleCookies *
trundle_cookies_new (void);
void
trundle_cookies_free (TrundleCookies *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TrundleCookies, trundle_cookies_free)

guint
trundle_cookies_count (TrundleCookies *self);

/* Replaces the one with its key, in whose place it stands then, or is the newest; one
 * that is gone or expired at @now_s is removed.  A floating @cookie is consumed; it has
 * passed the check. */
TrundleCookiesChange
trundle_cookies_put (TrundleCookies *self, GVariant *cookie, gint64 now_s);

/* Removes and returns one that is too many: of the domain of @cookie, or of all, the
 * oldest.  NULL once nothing is.  (transfer full) (nullable) */
GVariant *
trundle_cookies_evict (TrundleCookies *self, const TrundleCookie *cookie);

/* Puts each and evicts what is too many. */
TrundleCookiesChange
trundle_cookies_merge (TrundleCookies *self, GVariant *cookies, gint64 now_s);

/* All that are not expired at @now_s, the oldest first.  (transfer full), not floating */
GVariant *
trundle_cookies_to_variant (TrundleCookies *self, gint64 now_s);
