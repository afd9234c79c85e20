/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The head of an answer: what of it is reported, and how its body is framed.  The framing
 * is read from the headers by ourselves, since it is what success is judged by (law 10):
 * libsoup takes the last of several lengths and a number with a tail. */

#include "config.h"

#include "response.h"

#include "common/error.h"
#include "common/url.h"

#include <string.h>

/* In place of the value of a cookie. */
#define HIDDEN "…"

/* D-Bus strings are UTF-8; what a server sends otherwise is Latin-1 by old custom. */
static char *
to_utf8 (const char *text)
{
  char *converted;

  if (g_utf8_validate (text, -1, NULL))
    return g_strdup (text);
  converted = g_convert (text, -1, "UTF-8", "ISO-8859-1", NULL, NULL, NULL);
  return converted != NULL ? converted : g_strdup ("");
}

static void
add_string (GVariantDict *dict, const char *key, const char *value)
{
  g_autofree char *text = NULL;

  if (value == NULL)
    return;
  text = to_utf8 (value);
  g_variant_dict_insert (dict, key, "s", text);
}

/* A cookie is a secret: its value is for the jar, its name for whoever looks (law 9).
 * What stands behind it may be part of the value, to a server that quotes.
 * (transfer full) */
static char *
hide_cookie (const char *value)
{
  gsize n_name = strcspn (value, "=;");

  return g_strdup_printf (
      "%.*s=%s", value[n_name] == '=' ? (int)n_name : 0, value, HIDDEN);
}

static char *
describe_value (const char *name, const char *value)
{
  g_autofree char *text = to_utf8 (value);

  if (g_ascii_strcasecmp (name, "Set-Cookie") == 0
      || g_ascii_strcasecmp (name, "Set-Cookie2") == 0)
    return hide_cookie (text);
  return g_steal_pointer (&text);
}

GVariant *
trw_response_describe_headers (SoupMessageHeaders *headers, const char *skipped)
{
  GVariantBuilder builder;
  SoupMessageHeadersIter iter;
  const char *name;
  const char *value;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ss)"));
  soup_message_headers_iter_init (&iter, headers);
  while (soup_message_headers_iter_next (&iter, &name, &value))
    {
      g_autofree char *utf8_name = to_utf8 (name);
      g_autofree char *utf8_value = describe_value (name, value);

      if (skipped != NULL && g_ascii_strcasecmp (name, skipped) == 0)
        continue;
      g_variant_builder_add (&builder, "(ss)", utf8_name, utf8_value);
    }
  return g_variant_builder_end (&builder);
}

/* The server's word is a hint for a name, never a path: trundle_url_file_name() makes it
 * harmless, for both sources alike. */
static char *
suggest_file_name (SoupMessageHeaders *headers, GUri *uri)
{
  g_autofree char *disposition = NULL;
  g_autoptr (GHashTable) parameters = NULL;
  g_autofree char *url = g_uri_to_string (uri);
  g_autofree char *given = NULL;
  g_autofree char *escaped = NULL;
  g_autofree char *as_url = NULL;
  const char *base;

  if (!soup_message_headers_get_content_disposition (headers, &disposition, &parameters)
      || parameters == NULL || g_hash_table_lookup (parameters, "filename") == NULL)
    return trundle_url_file_name (url);
  given = to_utf8 (g_hash_table_lookup (parameters, "filename"));
  g_strdelimit (given, "\\", '/');
  base = strrchr (given, '/');
  base = base != NULL ? base + 1 : given;
  if (*base == '\0')
    return trundle_url_file_name (url);
  escaped = g_uri_escape_string (base, NULL, FALSE);
  as_url = g_strconcat ("http://name/", escaped, NULL);
  return trundle_url_file_name (as_url);
}

static gboolean
is_bodiless (SoupMessage *message)
{
  guint status = soup_message_get_status (message);

  return g_str_equal (soup_message_get_method (message), "HEAD") || status == 204
         || status == 304;
}

/* One number, however often it is repeated (RFC 9110 §8.6). */
static gboolean
parse_lengths (const char *value, guint64 *out_length)
{
  g_auto (GStrv) words = g_strsplit (value, ",", -1);
  guint64 first = 0;

  for (guint i = 0; words[i] != NULL; i++)
    {
      guint64 length;

      if (!g_ascii_string_to_unsigned (
              g_strstrip (words[i]), 10, 0, G_MAXINT64, &length, NULL)
          || (i > 0 && length != first))
        return FALSE;
      first = length;
    }
  *out_length = first;
  return words[0] != NULL;
}

static gboolean
get_length (SoupMessage *message, guint64 *out_length)
{
  const char *value = soup_message_headers_get_list (
      soup_message_get_response_headers (message), "Content-Length");

  return value != NULL && parse_lengths (value, out_length);
}

const char *
trw_response_get_coding (SoupMessageHeaders *headers)
{
  const char *coding = soup_message_headers_get_list (headers, "Content-Encoding");

  return coding != NULL && g_ascii_strcasecmp (coding, "identity") == 0 ? NULL : coding;
}

GVariant *
trw_response_describe (SoupMessage *message, GUri *uri, gint64 offset, guint64 total)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *url = g_uri_to_string_partial (uri, G_URI_HIDE_USERINFO);
  g_autofree char *name = suggest_file_name (headers, uri);
  guint64 length = total;
  gboolean has_length = total > 0 || get_length (message, &length);

  g_variant_dict_insert (&dict, "url", "s", url);
  g_variant_dict_insert (&dict, "status", "u", (guint)soup_message_get_status (message));
  add_string (&dict, "reason", soup_message_get_reason_phrase (message));
  g_variant_dict_insert_value (
      &dict, "headers", trw_response_describe_headers (headers, NULL));
  add_string (&dict, "mime-type", soup_message_headers_get_content_type (headers, NULL));
  g_variant_dict_insert (
      &dict, "content-length", "x", has_length ? (gint64)length : G_GINT64_CONSTANT (-1));
  if (offset >= 0)
    g_variant_dict_insert (&dict, "offset", "t", (guint64)offset);
  add_string (&dict, "suggested-filename", name);
  add_string (&dict,
              "http-version",
              soup_message_get_http_version (message) == SOUP_HTTP_1_0 ? "1.0" : "1.1");
  add_string (&dict, "content-encoding", trw_response_get_coding (headers));
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

gboolean
trw_response_get_framing (SoupMessage *message,
                          TrwFraming *out_framing,
                          guint64 *out_length,
                          GError **error)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);
  const char *coding = soup_message_headers_get_list (headers, "Transfer-Encoding");

  if (is_bodiless (message))
    *out_framing = TRW_FRAMING_EMPTY;
  else if (coding != NULL && g_ascii_strcasecmp (coding, "chunked") == 0)
    *out_framing = TRW_FRAMING_CHUNKED;
  else if (coding != NULL)
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_PROTOCOL_ERROR,
                           "The server uses an unknown transfer coding");
      return FALSE;
    }
  else if (soup_message_headers_get_list (headers, "Content-Length") == NULL)
    *out_framing = TRW_FRAMING_CLOSE;
  else if (get_length (message, out_length))
    *out_framing = TRW_FRAMING_LENGTH;
  else
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_PROTOCOL_ERROR,
                           "The server declares a length that makes no sense");
      return FALSE;
    }
  return TRUE;
}

const char *
trw_framing_to_proof (TrwFraming framing)
{
  static const char *const words[] = {
    [TRW_FRAMING_EMPTY] = "empty",
    [TRW_FRAMING_LENGTH] = "content-length",
    [TRW_FRAMING_CHUNKED] = "chunked",
    [TRW_FRAMING_CLOSE] = "connection-close",
  };

  return words[framing];
}
