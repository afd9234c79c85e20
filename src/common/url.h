/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* What may be fetched, what two addresses have in common, and what of an address may be
 * shown.  Used by daemon, worker and tool, so that they never disagree. */

/* An absolute http or https URL with a host of sane characters and a port of 1-65535,
 * without control characters.  Errors: TRUNDLE_ERROR_INVALID_URL or
 * TRUNDLE_ERROR_UNSUPPORTED_SCHEME.  (transfer full) */
GUri *
trundle_url_parse (const char *url, GError **error);

/* scheme "://" host ":" port, in lower case and with the port spelt out; the key of an
 * origin (RFC 6454 §4).  (transfer full) */
char *
trundle_url_origin (GUri *uri);
gboolean
trundle_url_is_same_origin (GUri *first, GUri *second);

/* The port of @uri, or that of its scheme: http, https or socks5. */
guint
trundle_url_get_port (GUri *uri);
/* 0 for any other. */
guint
trundle_scheme_get_port (const char *scheme);

/* Host and port only: what the limit of slots per host counts.  (transfer full) */
char *
trundle_url_host_key (GUri *uri);

/* @host (nullable), of IPv6 without brackets, as it goes on the wire: lower case, ASCII.
 * NULL for what is no host.  (transfer full) */
char *
trundle_host_normalize (const char *host);
/* Whether @host is on @list: "example.org" is that host, ".example.org" is it and all
 * below it. */
gboolean
trundle_host_is_listed (const char *const *list, const char *host);
/* Whether @pattern makes sense there. */
gboolean
trundle_host_pattern_is_valid (const char *pattern);

/* The URL without user info; @out_user_info gets it (percent-encoded as given) or NULL.
 * (transfer full) both. */
char *
trundle_url_without_user_info (const char *url, char **out_user_info);

/* For logs, observers and status lines: no user info, no fragment, and a query replaced
 * by
 * "?…", since tokens live there.  Never fails: what does not parse is shown as "…".
 * (transfer full) */
char *
trundle_url_redact (const char *url);

/* A file name for what @url gives, from its last path segment: decoded, base name only,
 * no control characters or leading dots, at most 200 bytes of UTF-8; "download" when
 * nothing remains.  (transfer full) */
char *
trundle_url_file_name (const char *url);

/* A token (RFC 9110 §5.6.2): what names of headers and methods are made of. */
gboolean
trundle_is_token (const char *text);

/* TRUE for a header whose value is a secret by its name: Authorization, Cookie, … */
gboolean
trundle_header_is_secret (const char *name);

/* A field name and value fit for the wire (RFC 9110 §5.1, §5.5): a token, and no CR, LF,
 * NUL.  Errors: TRUNDLE_ERROR_INVALID_ARGUMENT naming the header, never its value. */
gboolean
trundle_header_check (const char *name, const char *value, GError **error);
