/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Validators of the vocabulary: each judges one value whose type and bounds are right
 * already.  Their messages go on where "Option “key”" ends, beginning with "must", or are
 * sentences; none quotes a value (law 9). */

#include "config.h"

#include "common/vocabulary-checks.h"

#include "common/digest.h"
#include "common/enums.h"
#include "common/error.h"
#include "common/url.h"
#include "common/vocabulary.h"

#include <string.h>

#define HEADER_BYTES_MAX (64 * 1024)
#define NAME_BYTES_MAX 255

static gboolean
fail (GError **error, const char *message)
{
  g_set_error_literal (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT, message);
  return FALSE;
}

static gboolean
has_controls (const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    {
      if (g_ascii_iscntrl (*p))
        return TRUE;
    }
  return FALSE;
}

gboolean
trundle_check_app_id (GVariant *value, GError **error)
{
  return g_application_id_is_valid (g_variant_get_string (value, NULL))
         || fail (error, "must be an application id like “org.example.App”");
}

/* As AppId of a session says it. */
gboolean
trundle_check_past_app_id (GVariant *value, GError **error)
{
  const char *app_id = g_variant_get_string (value, NULL);

  return g_str_equal (app_id, "host") || g_application_id_is_valid (app_id)
         || fail (error, "must be an application id like “org.example.App”, or “host”");
}

gboolean
trundle_check_bus_name (GVariant *value, GError **error)
{
  const char *name = g_variant_get_string (value, NULL);

  return (g_dbus_is_name (name) && !g_dbus_is_unique_name (name))
         || fail (error, "must be a well-known bus name");
}

gboolean
trundle_check_headers (GVariant *value, GError **error)
{
  GVariantIter iter;
  const char *name, *content;
  gsize n_bytes = 0;

  g_variant_iter_init (&iter, value);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &content))
    {
      if (!trundle_header_check (name, content, error))
        return FALSE;
      /* As on the wire, with ": " and CR LF. */
      n_bytes += strlen (name) + strlen (content) + 4;
    }
  return n_bytes <= HEADER_BYTES_MAX || fail (error, "must be at most 64 KiB in all");
}

/* RFC 9110 §9.1.  CONNECT makes a tunnel of the connection, and TRACE sends the request's
 * secrets back in a body. */
gboolean
trundle_check_method (GVariant *value, GError **error)
{
  const char *method = g_variant_get_string (value, NULL);

  if (!trundle_is_token (method))
    return fail (error, "must be the name of a request method");
  if (g_ascii_strcasecmp (method, "CONNECT") == 0
      || g_ascii_strcasecmp (method, "TRACE") == 0)
    return fail (error, "must not be CONNECT or TRACE");
  return TRUE;
}

/* "*", a class "2xx", or a final status "404". */
static gboolean
is_status_word (const char *word)
{
  if (strcmp (word, "*") == 0)
    return TRUE;
  if (strlen (word) != 3 || word[0] < '2' || word[0] > '5')
    return FALSE;
  return strcmp (word + 1, "xx") == 0
         || (g_ascii_isdigit (word[1]) && g_ascii_isdigit (word[2]));
}

gboolean
trundle_check_accept_status (GVariant *value, GError **error)
{
  GVariantIter iter;
  const char *word;

  g_variant_iter_init (&iter, value);
  while (g_variant_iter_next (&iter, "&s", &word))
    {
      if (!is_status_word (word))
        return fail (error, "must hold “*”, classes like “2xx”, or statuses like “404”");
    }
  return TRUE;
}

gboolean
trundle_check_redirects (GVariant *value, GError **error)
{
  static const char *const words[] = { "follow", "same-origin", "none", NULL };

  return g_strv_contains (words, g_variant_get_string (value, NULL))
         || fail (error, "must be “follow”, “same-origin” or “none”");
}

gboolean
trundle_check_cookie_policy (GVariant *value, GError **error)
{
  static const char *const words[] = { "never", "always", "no-third-party", NULL };

  return g_strv_contains (words, g_variant_get_string (value, NULL))
         || fail (error, "must be “never”, “always” or “no-third-party”");
}

gboolean
trundle_check_same_site (GVariant *value, GError **error)
{
  static const char *const words[] = { "none", "lax", "strict", NULL };

  return g_strv_contains (words, g_variant_get_string (value, NULL))
         || fail (error, "must be “none”, “lax” or “strict”");
}

/* Only the form: reading certificates is TLS code, which belongs to the worker. */
gboolean
trundle_check_certificates (GVariant *value, GError **error)
{
  const char *pem = g_variant_get_string (value, NULL);

  /* A key would be a secret in a row (law 9). */
  if (strstr (pem, "PRIVATE KEY-----") != NULL)
    return fail (error, "must not hold a private key");
  if (strstr (pem, "-----BEGIN CERTIFICATE-----") == NULL
      || strstr (pem, "-----END CERTIFICATE-----") == NULL)
    return fail (error, "must hold certificates in PEM");
  return TRUE;
}

/* As RFC 7469 §2.1.1 has them, "sha256/" for "pin-sha256=". */
static gboolean
is_pin (const char *text)
{
  g_autofree guchar *digest = NULL;
  g_autofree char *again = NULL;
  gsize size = 0;

  if (!g_str_has_prefix (text, "sha256/"))
    return FALSE;
  digest = g_base64_decode (text + strlen ("sha256/"), &size);
  again = g_base64_encode (digest, size);
  return size == 32 && strcmp (again, text + strlen ("sha256/")) == 0;
}

gboolean
trundle_check_pins (GVariant *value, GError **error)
{
  GVariantIter iter;
  const char *text;

  g_variant_iter_init (&iter, value);
  while (g_variant_iter_next (&iter, "&s", &text))
    {
      if (!is_pin (text))
        return fail (error, "must hold digests like sha256/BASE64");
    }
  return TRUE;
}

static gboolean
is_path_element (const char *name)
{
  return *name != '\0' && strlen (name) <= NAME_BYTES_MAX && strchr (name, '/') == NULL
         && strcmp (name, ".") != 0 && strcmp (name, "..") != 0 && !has_controls (name);
}

gboolean
trundle_check_file_name (GVariant *value, GError **error)
{
  return is_path_element (g_variant_get_string (value, NULL))
         || fail (error, "must be the name of a file, without a folder");
}

gboolean
trundle_check_absolute_path (GVariant *value, GError **error)
{
  const char *path = g_variant_get_string (value, NULL);

  return (*path == '/' && is_path_element (strrchr (path, '/') + 1)
          && !has_controls (path))
         || fail (error, "must be the absolute path of a file");
}

gboolean
trundle_check_if_exists (GVariant *value, GError **error)
{
  TrundleIfExists policy;

  return trundle_if_exists_from_word (g_variant_get_string (value, NULL), &policy)
         || fail (error, "must be “fail”, “replace” or “rename”");
}

gboolean
trundle_check_kind (GVariant *value, GError **error)
{
  TrundleKind kind;

  return trundle_kind_from_word (g_variant_get_string (value, NULL), &kind)
         || fail (error, "must be “download” or “upload”");
}

gboolean
trundle_check_states (GVariant *value, GError **error)
{
  GVariantIter iter;
  const char *word;
  TrundleTaskState state;

  g_variant_iter_init (&iter, value);
  while (g_variant_iter_next (&iter, "&s", &word))
    {
      if (!trundle_task_state_from_word (word, &state))
        return fail (error, "must hold states of tasks");
    }
  return TRUE;
}

gboolean
trundle_check_property_names (GVariant *value, GError **error)
{
  GVariantIter iter;
  const char *name;

  g_variant_iter_init (&iter, value);
  while (g_variant_iter_next (&iter, "&s", &name))
    {
      if (!g_dbus_is_member_name (name))
        return fail (error, "must hold names of properties");
    }
  return TRUE;
}

/* Of all that can be asked for, the end must be a number we can count to. */
gboolean
trundle_check_range (GVariant *value, GError **error)
{
  guint64 first;
  guint64 length;

  g_variant_get (value, "(tt)", &first, &length);
  return (first < G_MAXINT64 && length < G_MAXINT64 - first)
         || fail (error, "must end below 2⁶³ bytes");
}

gboolean
trundle_check_urls (GVariant *value, GError **error)
{
  GVariantIter iter;
  const char *url;

  g_variant_iter_init (&iter, value);
  while (g_variant_iter_next (&iter, "&s", &url))
    {
      g_autoptr (GUri) uri = trundle_url_parse (url, error);

      if (uri == NULL)
        return FALSE;
      if (g_uri_get_userinfo (uri) != NULL)
        return fail (error, "must hold addresses without user and password");
    }
  return TRUE;
}

gboolean
trundle_check_hosts (GVariant *value, GError **error)
{
  GVariantIter iter;
  const char *host;

  g_variant_iter_init (&iter, value);
  while (g_variant_iter_next (&iter, "&s", &host))
    {
      if (!trundle_host_pattern_is_valid (host))
        return fail (error, "must hold names like “example.org” or “.example.org”");
    }
  return TRUE;
}

gboolean
trundle_check_retry (GVariant *value, GError **error)
{
  g_autoptr (GVariant) checked = trundle_vocabulary_check (
      value, TRUNDLE_SCOPE_RETRY, error);

  return checked != NULL;
}

gboolean
trundle_check_oauth2 (GVariant *value, GError **error)
{
  static const char *const needed[] = { "token-url", "client-id", "refresh-token" };
  g_autoptr (GVariant) checked = trundle_vocabulary_check (
      value, TRUNDLE_SCOPE_OAUTH2, error);

  for (guint i = 0; checked != NULL && i < G_N_ELEMENTS (needed); i++)
    {
      if (!g_variant_lookup (checked, needed[i], "&s", NULL))
        {
          g_autofree char *message = g_strdup_printf ("must have “%s”", needed[i]);

          return fail (error, message);
        }
    }
  return checked != NULL;
}

/* Whether http is good enough is said beside it. */
gboolean
trundle_check_token_url (GVariant *value, GError **error)
{
  g_autoptr (GUri) uri = trundle_url_parse (g_variant_get_string (value, NULL), NULL);

  return (uri != NULL && g_uri_get_userinfo (uri) == NULL)
         || fail (error, "must be an address of https without user and password");
}

gboolean
trundle_check_statuses (GVariant *value, GError **error)
{
  GVariantIter iter;
  guint status;

  g_variant_iter_init (&iter, value);
  while (g_variant_iter_next (&iter, "u", &status))
    {
      if (status < 400 || status > 599)
        return fail (error, "must hold statuses from 400 to 599");
    }
  return TRUE;
}

gboolean
trundle_check_digests (GVariant *value, GError **error)
{
  GVariantIter iter;
  const char *name;
  const char *hex;

  g_variant_iter_init (&iter, value);
  while (g_variant_iter_next (&iter, "{&s&s}", &name, &hex))
    {
      const TrundleDigest *digest = trundle_digest_find (name);
      g_autoptr (GBytes) bytes = NULL;

      if (digest == NULL)
        return fail (error,
                     "must name algorithms of these: sha512, sha384, sha256, sha224, "
                     "sha1, md5");
      bytes = trundle_digest_from_hex (digest, hex);
      if (bytes == NULL)
        return fail (error, "must hold hexadecimal digests of the right length");
    }
  return TRUE;
}

gboolean
trundle_check_handling (GVariant *value, GError **error)
{
  static const char *const words[] = { "ask", "default", NULL };

  return g_strv_contains (words, g_variant_get_string (value, NULL))
         || fail (error, "must be “ask” or “default”");
}

/* Host and port are checked as those of any address. */
static gboolean
is_proxy_address (const char *address)
{
  const char *rest = strstr (address, "://");
  g_autofree char *plain = NULL;
  g_autoptr (GUri) uri = NULL;

  if (rest == NULL)
    return FALSE;
  plain = g_strconcat ("http", rest, NULL);
  uri = trundle_url_parse (plain, NULL);
  return uri != NULL
         && (*g_uri_get_path (uri) == '\0' || g_str_equal (g_uri_get_path (uri), "/"))
         && g_uri_get_query (uri) == NULL && g_uri_get_fragment (uri) == NULL;
}

gboolean
trundle_check_proxy (GVariant *value, GError **error)
{
  static const char *const schemes[] = { "http", "https", "socks5", NULL };
  const char *text = g_variant_get_string (value, NULL);
  g_autofree char *scheme = g_uri_parse_scheme (text);

  if (g_str_equal (text, "system") || g_str_equal (text, "none"))
    return TRUE;
  return (scheme != NULL && g_strv_contains (schemes, scheme) && is_proxy_address (text))
         || fail (error,
                  "must be “system”, “none” or an address like "
                  "“http://proxy.example:3128” or “socks5://proxy.example:1080”");
}

gboolean
trundle_check_exclusions (GVariant *value, GError **error)
{
  GVariantIter iter;
  const char *host;

  g_variant_iter_init (&iter, value);
  while (g_variant_iter_next (&iter, "&s", &host))
    {
      gsize length = strlen (host);

      if (length == 0 || length > 255
          || strspn (host, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS ".-_:/*[]") != length)
        return fail (error,
                     "must hold names, “.example.org” for all below it, or networks "
                     "like “192.168.0.0/16”");
    }
  return TRUE;
}

/* ---- authentication ---- */

gboolean
trundle_check_protocol (GVariant *value, GError **error)
{
  static const char *const words[] = { "http", "https", "socks5", NULL };

  return g_strv_contains (words, g_variant_get_string (value, NULL))
         || fail (error, "must be “http”, “https” or “socks5”");
}

gboolean
trundle_check_host (GVariant *value, GError **error)
{
  g_autofree char *host = trundle_host_normalize (g_variant_get_string (value, NULL));

  return host != NULL
         || fail (error,
                  "must be the name or address of a host, without port and brackets");
}

gboolean
trundle_check_line (GVariant *value, GError **error)
{
  return !has_controls (g_variant_get_string (value, NULL))
         || fail (error, "must be one line of text");
}

/* Only the form, as for trundle_check_certificates(). */
gboolean
trundle_check_identity (GVariant *value, GError **error)
{
  const char *pem = g_variant_get_string (value, NULL);

  if (strstr (pem, "-----BEGIN CERTIFICATE-----") == NULL)
    return fail (error, "must hold a certificate in PEM");
  if (strstr (pem, "PRIVATE KEY-----") == NULL)
    return fail (error, "must hold the key of the certificate too");
  return TRUE;
}

gboolean
trundle_check_pkcs11_uri (GVariant *value, GError **error)
{
  const char *uri = g_variant_get_string (value, NULL);

  return (g_str_has_prefix (uri, "pkcs11:") && !has_controls (uri))
         || fail (error, "must be a URI of the scheme pkcs11");
}

gboolean
trundle_check_persistence (GVariant *value, GError **error)
{
  static const char *const words[] = { "none", "session", "permanent", NULL };

  return g_strv_contains (words, g_variant_get_string (value, NULL))
         || fail (error, "must be “none”, “session” or “permanent”");
}

gboolean
trundle_check_auth_method (GVariant *value, GError **error)
{
  static const char *const words[] = {
    "",  "basic", "digest", "bearer", "negotiate", "server-trust", "client-certificate",
    NULL
  };

  return g_strv_contains (words, g_variant_get_string (value, NULL))
         || fail (error, "must be a method of authentication");
}

/* Whether exactly one key says what a field holds. */
static gboolean
check_part (GVariant *part, GError **error)
{
  static const char *const contents[] = { "value", "body", "body-path", "body-bytes" };
  g_autoptr (GVariant) checked = trundle_vocabulary_check (
      part, TRUNDLE_SCOPE_PART, error);
  guint n = 0;

  if (checked == NULL)
    return FALSE;
  if (!g_variant_lookup (checked, "name", "&s", NULL))
    return fail (error, "must hold a “name” for each part");

  for (guint i = 0; i < G_N_ELEMENTS (contents); i++)
    {
      g_autoptr (GVariant) content = g_variant_lookup_value (checked, contents[i], NULL);

      n += content != NULL;
    }
  if (n != 1)
    return fail (error,
                 "must hold exactly one of “value”, “body”, “body-path” and "
                 "“body-bytes” for each part");
  if (g_variant_lookup (checked, "range", "(tt)", NULL, NULL)
      && !g_variant_lookup (checked, "body", "h", NULL)
      && !g_variant_lookup (checked, "body-path", "&s", NULL))
    return fail (error, "must hold a “range” only beside “body” or “body-path”");
  return TRUE;
}

gboolean
trundle_check_parts (GVariant *value, GError **error)
{
  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr (GVariant) part = g_variant_get_child_value (value, i);

      if (!check_part (part, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
trundle_check_snapshot (GVariant *value, GError **error)
{
  static const char *const words[] = { "auto", "copy", "none", NULL };

  return g_strv_contains (words, g_variant_get_string (value, NULL))
         || fail (error, "must be “auto”, “copy” or “none”");
}

gboolean
trundle_check_resumable (GVariant *value, GError **error)
{
  static const char *const words[] = { "auto", "ietf", "tus", "off", NULL };

  return g_strv_contains (words, g_variant_get_string (value, NULL))
         || fail (error, "must be “auto”, “ietf”, “tus” or “off”");
}

/* RFC 9110 §8.3.1, as far as it keeps to its line: a type, a subtype, and parameters that
 * are none of our business. */
gboolean
trundle_check_media_type (GVariant *value, GError **error)
{
  const char *type = g_variant_get_string (value, NULL);
  const char *slash = strchr (type, '/');
  g_autofree char *first = slash != NULL ? g_strndup (type, (gsize)(slash - type)) : NULL;
  g_autofree char *second = NULL;

  if (first != NULL)
    second = g_strchomp (g_strndup (slash + 1, strcspn (slash + 1, ";")));
  return (first != NULL && trundle_is_token (first) && trundle_is_token (second)
          && g_str_is_ascii (type) && !has_controls (type))
         || fail (error, "must be a media type like “image/png”");
}
