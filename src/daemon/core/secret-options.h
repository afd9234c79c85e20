/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* What of a request or a configuration is a secret (law 9), as one a{sv}, the "secret
 * options".  Keys: `headers` (a(ss)): those that are secret by their name; `user` (s) and
 * `password` (s): as options, or the user info of the address; `proxy` (s): an address
 * with user info; `oauth2` (a{sv}).  There is no empty one: that is NULL.  All pure. */

/* @options without what is secret; that is in @out_secrets, or NULL.  (transfer full),
 * not floating, both */
GVariant *
trd_secret_options_split (GVariant *options, GVariant **out_secrets);

/* @plain and @secrets (nullable) with each key of @changes in place of the old value,
 * whichever half of it was a secret.  (transfer full), not floating */
GVariant *
trd_secret_options_change (GVariant *plain,
                           GVariant *secrets,
                           GVariant *changes,
                           GVariant **out_secrets);

/* Whether one of the keys that may be secrets is in @options. */
gboolean
trd_secret_options_are_touched (GVariant *options);

/* Whether both have the same of these keys, so that they bring the same secrets. */
gboolean
trd_secret_options_are_alike (GVariant *options, GVariant *others);

/* @secrets (nullable) with the user info of an address, percent-encoded as it was there.
 * Who wrote an Authorization header or the option `user` means that.  INVALID_URL for
 * what is no text.
 * @out_secrets is as @secrets.  */
gboolean
trd_secret_options_add_user_info (GVariant *secrets,
                                  const char *user_info,
                                  GVariant **out_secrets,
                                  GError **error);

/* Both (nullable), each key of @above in place of that of @below; headers are merged by
 * name, and user info and an Authorization header take the place of one another.
 * (transfer full) (nullable), not floating */
GVariant *
trd_secret_options_merge (GVariant *above, GVariant *below);

/* @secrets (nullable) without what is named in NULL-terminated @keys.  (transfer full)
 * (nullable), not floating */
GVariant *
trd_secret_options_without (GVariant *secrets, const char *const *keys);

/* `headers`; NULL when there are none.  (transfer full) (nullable) */
GVariant *
trd_secret_options_get_headers (GVariant *secrets);

/* ---- headers, a(ss), all nullable ---- */

gboolean
trd_headers_have (GVariant *headers, const char *name);
/* @above, and of @below what neither @above nor @other names (RFC 9110 §5.1: in any
 * case).  Floating. */
GVariant *
trd_headers_merge (GVariant *above, GVariant *below, GVariant *other);
