/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Addresses and header fields.  Everything that goes on the wire passes here before a
 * message is built from it, since libsoup let control characters in hosts and header
 * values through more than once. */

#include "config.h"

#include "common/url.h"

#include "common/error.h"

#include <string.h>

/* PARSE_RELAXED is not among them: "http:///host" and blanks are refused.  Encoded, so
 * that what was percent-encoded goes to the server as it was given. */
#define PARSE_FLAGS (G_URI_FLAGS_ENCODED | G_URI_FLAGS_HAS_PASSWORD)

#define FILE_NAME_MAX 200
#define URL_MAX (64 * 1024)

static gboolean
fail (GError **error, const char *message)
{
  g_set_error_literal (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_URL, message);
  return FALSE;
}

/* "foobar" of "foobar://…", before anything else of the URL is believed.
 * (transfer full) (nullable) */
static char *
dup_scheme (const char *url)
{
  g_autofree char *scheme = g_uri_parse_scheme (url);

  return scheme != NULL ? g_ascii_strdown (scheme, -1) : NULL;
}

static gboolean
check_text (const char *url, GError **error)
{
  if (*url == '\0')
    return fail (error, "The address is empty");
  if (strlen (url) > URL_MAX)
    return fail (error, "The address is too long");
  if (!g_utf8_validate (url, -1, NULL))
    return fail (error, "The address is not valid UTF-8");
  if (strchr (url, '\\') != NULL)
    return fail (error, "The address has a backslash");
  for (const char *p = url; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      /* Directional marks make an address look like another one. */
      if (g_unichar_iscntrl (c) || g_unichar_isspace (c)
          || g_unichar_type (c) == G_UNICODE_FORMAT)
        return fail (error, "The address has characters that must be percent-encoded");
    }
  /* %00 would end a string of C somewhere on the way. */
  if (strstr (url, "%00") != NULL)
    return fail (error, "The address has an encoded NUL");
  return TRUE;
}

/* A label of an ASCII host name.  Underscores are no host names by RFC 1123 but are
 * resolved everywhere. */
static gboolean
is_label (const char *label)
{
  gsize length = strlen (label);

  if (length == 0 || length > 63 || label[0] == '-' || label[length - 1] == '-')
    return FALSE;
  for (const char *p = label; *p != '\0'; p++)
    {
      if (!g_ascii_isalnum (*p) && *p != '-' && *p != '_')
        return FALSE;
    }
  return TRUE;
}

static gboolean
is_host_name (const char *host)
{
  g_auto (GStrv) labels = NULL;
  guint n_labels;

  if (strlen (host) > 253)
    return FALSE;

  labels = g_strsplit (host, ".", -1);
  n_labels = g_strv_length (labels);
  /* A dot at the end makes a name absolute and is no empty label. */
  if (n_labels > 1 && *labels[n_labels - 1] == '\0')
    n_labels--;
  for (guint i = 0; i < n_labels; i++)
    {
      if (!is_label (labels[i]))
        return FALSE;
    }
  return n_labels > 0;
}

/* An IPv6 literal, without brackets.  A zone means something on this machine only, and is
 * a place to hide things in. */
static gboolean
is_ipv6 (const char *host)
{
  g_autoptr (GInetAddress) address = NULL;

  if (strchr (host, ':') == NULL || strchr (host, '%') != NULL)
    return FALSE;
  address = g_inet_address_new_from_string (host);
  return address != NULL && g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6;
}

char *
trundle_host_normalize (const char *host)
{
  g_autofree char *ascii = NULL;
  g_autofree char *lower = NULL;

  if (host == NULL || *host == '\0')
    return NULL;
  if (is_ipv6 (host))
    return g_ascii_strdown (host, -1);

  /* Percent-encoded letters of an international name; what else they hide is refused
   * with the characters below. */
  if (strchr (host, '%') != NULL)
    {
      g_autofree char *decoded = g_uri_unescape_string (host, NULL);

      if (decoded == NULL || !g_utf8_validate (decoded, -1, NULL))
        return NULL;
      ascii = g_hostname_to_ascii (decoded);
    }
  else
    ascii = g_hostname_to_ascii (host);

  if (ascii == NULL)
    return NULL;
  lower = g_ascii_strdown (ascii, -1);
  return is_host_name (lower) ? g_steal_pointer (&lower) : NULL;
}

/* An international path or query as it goes on the wire (RFC 3987 §3.1), with the
 * characters that every browser encodes too.  (transfer full) (nullable) */
static char *
escape_foreign (const char *text)
{
  g_autoptr (GString) escaped = NULL;

  if (text == NULL)
    return NULL;
  escaped = g_string_new (NULL);
  for (const char *p = text; *p != '\0'; p++)
    {
      if ((guchar)*p >= 0x80 || strchr ("\"<>^`{|}", *p) != NULL)
        g_string_append_printf (escaped, "%%%02X", (guchar)*p);
      else
        g_string_append_c (escaped, *p);
    }
  return g_string_free (g_steal_pointer (&escaped), FALSE);
}

/* @uri with the parts that were checked and brought to their form of the wire. */
static GUri *
rebuild (GUri *uri, const char *scheme, const char *host)
{
  g_autofree char *path = escape_foreign (g_uri_get_path (uri));
  g_autofree char *query = escape_foreign (g_uri_get_query (uri));
  g_autofree char *fragment = escape_foreign (g_uri_get_fragment (uri));

  return g_uri_build_with_user (PARSE_FLAGS,
                                scheme,
                                g_uri_get_user (uri),
                                g_uri_get_password (uri),
                                NULL,
                                host,
                                g_uri_get_port (uri),
                                *path != '\0' ? path : "/",
                                query,
                                fragment);
}

/* FALSE for no scheme, or one that is not for us. */
static gboolean
check_scheme (const char *scheme, GError **error)
{
  if (scheme == NULL)
    return fail (error, "The address has no scheme");
  if (strcmp (scheme, "http") == 0 || strcmp (scheme, "https") == 0)
    return TRUE;

  g_set_error (error,
               TRUNDLE_ERROR,
               TRUNDLE_ERROR_UNSUPPORTED_SCHEME,
               "Addresses of the scheme “%.32s” are not supported",
               scheme);
  return FALSE;
}

/* An address grows on its way to the form of the wire, threefold at most but for the
 * host's 253 bytes; what has that form must pass again wherever it is told of. */
static gboolean
check_length (const char *given, GUri *uri, GError **error)
{
  g_autofree char *text = NULL;

  if (strlen (given) < URL_MAX / 4)
    return TRUE;
  text = g_uri_to_string (uri);
  return strlen (text) <= URL_MAX || fail (error, "The address is too long");
}

GUri *
trundle_url_parse (const char *url, GError **error)
{
  g_autoptr (GUri) uri = NULL;
  g_autoptr (GUri) rebuilt = NULL;
  g_autofree char *scheme = NULL;
  g_autofree char *host = NULL;
  int port;

  g_return_val_if_fail (url != NULL, NULL);

  if (!check_text (url, error))
    return NULL;

  scheme = dup_scheme (url);
  if (!check_scheme (scheme, error))
    return NULL;

  uri = g_uri_parse (url, PARSE_FLAGS, NULL);
  if (uri == NULL)
    {
      /* The messages of GUri quote the URL, which may hold secrets. */
      fail (error, "The address is not valid");
      return NULL;
    }

  host = trundle_host_normalize (g_uri_get_host (uri));
  if (host == NULL)
    {
      fail (error, "The address has no valid host");
      return NULL;
    }
  port = g_uri_get_port (uri);
  if (port == 0 || port > 65535)
    {
      fail (error, "The address has no valid port");
      return NULL;
    }
  rebuilt = rebuild (uri, scheme, host);
  return check_length (url, rebuilt, error) ? g_steal_pointer (&rebuilt) : NULL;
}

guint
trundle_scheme_get_port (const char *scheme)
{
  static const struct
  {
    const char *scheme;
    guint port;
  } known[] = { { "http", 80 }, { "https", 443 }, { "socks5", 1080 } };

  g_return_val_if_fail (scheme != NULL, 0);

  for (gsize i = 0; i < G_N_ELEMENTS (known); i++)
    {
      if (g_ascii_strcasecmp (scheme, known[i].scheme) == 0)
        return known[i].port;
    }
  return 0;
}

guint
trundle_url_get_port (GUri *uri)
{
  g_return_val_if_fail (uri != NULL, 0);

  if (g_uri_get_port (uri) > 0)
    return (guint)g_uri_get_port (uri);
  return trundle_scheme_get_port (g_uri_get_scheme (uri));
}

char *
trundle_url_host_key (GUri *uri)
{
  g_autofree char *host = NULL;

  g_return_val_if_fail (uri != NULL, NULL);

  host = g_ascii_strdown (g_uri_get_host (uri), -1);
  return g_strdup_printf (
      strchr (host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, trundle_url_get_port (uri));
}

char *
trundle_url_origin (GUri *uri)
{
  g_autofree char *scheme = NULL;
  g_autofree char *host_key = NULL;

  g_return_val_if_fail (uri != NULL, NULL);

  scheme = g_ascii_strdown (g_uri_get_scheme (uri), -1);
  host_key = trundle_url_host_key (uri);
  return g_strconcat (scheme, "://", host_key, NULL);
}

gboolean
trundle_url_is_same_origin (GUri *first, GUri *second)
{
  g_autofree char *first_origin = trundle_url_origin (first);
  g_autofree char *second_origin = trundle_url_origin (second);

  return g_str_equal (first_origin, second_origin);
}

/* By hand and not by GUri: it must also take the secret out of what does not parse. */
char *
trundle_url_without_user_info (const char *url, char **out_user_info)
{
  const char *authority, *end, *at;

  g_return_val_if_fail (url != NULL, NULL);

  if (out_user_info != NULL)
    *out_user_info = NULL;

  authority = strstr (url, "://");
  if (authority == NULL)
    return g_strdup (url);
  authority += strlen ("://");
  end = authority + strcspn (authority, "/?#");
  at = g_strrstr_len (authority, end - authority, "@");
  if (at == NULL)
    return g_strdup (url);

  if (out_user_info != NULL)
    *out_user_info = g_strndup (authority, at - authority);
  return g_strdup_printf ("%.*s%s", (int)(authority - url), url, at + 1);
}

char *
trundle_url_redact (const char *url)
{
  g_autoptr (GUri) uri = NULL;
  g_autofree char *host = NULL;
  g_autofree char *port = NULL;

  if (url == NULL)
    return g_strdup ("…");
  uri = trundle_url_parse (url, NULL);
  if (uri == NULL)
    return g_strdup ("…");

  host = g_strdup (g_uri_get_host (uri));
  if (strchr (host, ':') != NULL)
    {
      g_autofree char *bare = g_steal_pointer (&host);

      host = g_strdup_printf ("[%s]", bare);
    }
  if (g_uri_get_port (uri) != -1)
    port = g_strdup_printf (":%d", g_uri_get_port (uri));
  return g_strconcat (g_uri_get_scheme (uri),
                      "://",
                      host,
                      port != NULL ? port : "",
                      g_uri_get_path (uri),
                      g_uri_get_query (uri) != NULL ? "?…" : "",
                      NULL);
}

/* @name without control characters and leading dots, cut to FILE_NAME_MAX. */
static char *
clean_file_name (const char *name)
{
  g_autoptr (GString) clean = g_string_new (NULL);

  for (const char *p = name; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      char bytes[6];
      int n_bytes = g_unichar_to_utf8 (c, bytes);

      if (g_unichar_iscntrl (c) || g_unichar_type (c) == G_UNICODE_FORMAT || c == 0x2028
          || c == 0x2029)
        continue;
      if (clean->len == 0 && (c == '.' || g_unichar_isspace (c)))
        continue;
      if (clean->len + n_bytes > FILE_NAME_MAX)
        break;
      g_string_append_len (clean, bytes, n_bytes);
    }
  while (clean->len > 0 && g_ascii_isspace (clean->str[clean->len - 1]))
    g_string_truncate (clean, clean->len - 1);
  return g_string_free (g_steal_pointer (&clean), FALSE);
}

char *
trundle_url_file_name (const char *url)
{
  g_autoptr (GUri) uri = NULL;
  g_autofree char *decoded = NULL;
  g_autofree char *valid = NULL;
  g_autofree char *name = NULL;
  const char *slash;

  if (url != NULL)
    uri = trundle_url_parse (url, NULL);
  if (uri == NULL)
    return g_strdup ("download");

  slash = strrchr (g_uri_get_path (uri), '/');
  decoded = g_uri_unescape_string (slash != NULL ? slash + 1 : g_uri_get_path (uri),
                                   NULL);
  if (decoded == NULL)
    return g_strdup ("download");

  /* Decoding may have brought slashes again, of either kind. */
  valid = g_utf8_make_valid (decoded, -1);
  g_strdelimit (valid, "\\", '/');
  slash = strrchr (valid, '/');
  name = clean_file_name (slash != NULL ? slash + 1 : valid);
  return *name != '\0' ? g_steal_pointer (&name) : g_strdup ("download");
}

static gboolean
is_listed (const char *const *list, gsize n, const char *name)
{
  for (gsize i = 0; i < n; i++)
    {
      if (g_ascii_strcasecmp (list[i], name) == 0)
        return TRUE;
    }
  return FALSE;
}

/* Names under which clients send what opens a door. */
static const char *const secret_headers[] = {
  "Authorization",
  "Proxy-Authorization",
  "Cookie",
  "Cookie2",
  "Set-Cookie",
  "Set-Cookie2",
  "X-Api-Key",
  "Api-Key",
  "Apikey",
  "X-ApiKey",
  "X-Auth-Token",
  "X-Auth-Key",
  "X-Auth-Email",
  "X-Access-Token",
  "Access-Token",
  "X-Refresh-Token",
  "X-Amz-Security-Token",
  "Private-Token",
  "Job-Token",
  "Deploy-Token",
  "X-Gitlab-Token",
  "X-Github-Token",
  "X-Csrf-Token",
  "X-Csrftoken",
  "X-Xsrf-Token",
  "X-Goog-Api-Key",
  "X-Goog-Iap-Jwt-Assertion",
  "Ocp-Apim-Subscription-Key",
  "X-Functions-Key",
  "X-Ms-Copy-Source-Authorization",
  "X-Vault-Token",
  "X-Subject-Token",
  "X-Service-Token",
  "X-Storage-Token",
  "X-Session-Token",
  "X-Session-Id",
  "X-Emby-Token",
  "X-Emby-Authorization",
  "X-Mediabrowser-Token",
  "X-Plex-Token",
  "X-Jfrog-Art-Api",
  "Circle-Token",
  "X-Shopify-Access-Token",
  "X-Figma-Token",
  "Dpop",
  "X-Secret",
  "X-Token",
  "Cf-Access-Client-Secret",
  "Cf-Access-Token",
  "X-Forwarded-Access-Token",
  "X-Amz-Server-Side-Encryption-Customer-Key",
  "X-Goog-Encryption-Key",
  "X-Ms-Encryption-Key",
};

gboolean
trundle_header_is_secret (const char *name)
{
  g_return_val_if_fail (name != NULL, FALSE);

  return is_listed (secret_headers, G_N_ELEMENTS (secret_headers), name);
}

/* What the service writes itself, because its promises hang on it: where a message ends,
 * who is asked, and which part of what version comes (laws 10 and 11). */
static gboolean
is_of_service (const char *name)
{
  static const char *const ours[] = {
    "Host",  "Content-Length", "Transfer-Encoding", "Connection",       "Keep-Alive",
    "TE",    "Trailer",        "Upgrade",           "Proxy-Connection", "Expect",
    "Range", "If-Range",       "Accept-Encoding",   "HTTP2-Settings",
  };

  return is_listed (ours, G_N_ELEMENTS (ours), name);
}

gboolean
trundle_is_token (const char *text)
{
  g_return_val_if_fail (text != NULL, FALSE);

  if (*text == '\0')
    return FALSE;
  for (const char *p = text; *p != '\0'; p++)
    {
      if (!g_ascii_isalnum (*p) && strchr ("!#$%&'*+-.^_`|~", *p) == NULL)
        return FALSE;
    }
  return TRUE;
}

/* A tab is allowed within (RFC 9110 §5.5); a string of C cannot hold NUL. */
static gboolean
has_controls (const char *value)
{
  for (const char *p = value; *p != '\0'; p++)
    {
      if (*p != '\t' && g_ascii_iscntrl (*p))
        return TRUE;
    }
  return FALSE;
}

gboolean
trundle_header_check (const char *name, const char *value, GError **error)
{
  const char *problem = NULL;

  g_return_val_if_fail (name != NULL && value != NULL, FALSE);

  /* Not repeated: it may be a whole header, "Authorization: …". */
  if (!trundle_is_token (name))
    {
      g_set_error (error,
                   TRUNDLE_ERROR,
                   TRUNDLE_ERROR_INVALID_ARGUMENT,
                   "The name of a header is not a word");
      return FALSE;
    }

  if (g_ascii_strcasecmp (name, "Range") == 0)
    problem = "is set by the service itself: use the option “range”";
  else if (is_of_service (name))
    problem = "is set by the service itself";
  else if (has_controls (value))
    problem = "has a value with control characters";
  if (problem == NULL)
    return TRUE;
  g_set_error (error,
               TRUNDLE_ERROR,
               TRUNDLE_ERROR_INVALID_ARGUMENT,
               "The header “%.128s” %s",
               name,
               problem);
  return FALSE;
}

static gboolean
is_below (const char *host, const char *dotted)
{
  gsize host_length = strlen (host);
  gsize length = strlen (dotted);

  return host_length > length
         && g_ascii_strcasecmp (host + host_length - length, dotted) == 0;
}

gboolean
trundle_host_is_listed (const char *const *list, const char *host)
{
  for (guint i = 0; list != NULL && list[i] != NULL; i++)
    {
      const char *bare = list[i][0] == '.' ? list[i] + 1 : list[i];

      if (g_ascii_strcasecmp (host, bare) == 0
          || (list[i][0] == '.' && is_below (host, list[i])))
        return TRUE;
    }
  return FALSE;
}

gboolean
trundle_host_pattern_is_valid (const char *pattern)
{
  const char *bare = pattern[0] == '.' ? pattern + 1 : pattern;
  g_autofree char *url = NULL;
  g_autoptr (GUri) uri = NULL;

  if (strpbrk (bare, "/?#@:*") != NULL || bare[0] == '.' || bare[0] == '\0')
    return FALSE;
  url = g_strconcat ("http://", bare, "/", NULL);
  uri = trundle_url_parse (url, NULL);
  return uri != NULL;
}
