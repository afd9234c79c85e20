/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The dictionary of Begin.  The daemon has checked the app's words already; here they are
 * checked for what would make the worker itself do something wrong. */

#include "config.h"

#include "request.h"

#include "common/defaults.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/url.h"
#include "identity.h"
#include "range.h"

#include <glib/gstdio.h>

/* Done must stay far below TRD_WORKER_MESSAGE_MAX. */
#define ERROR_BODY_MAX (512 * 1024)

static GVariant *
read_headers (GVariant *dict, const char *key, GError **error)
{
  g_autoptr (GVariant) given = NULL;
  GVariantBuilder builder;
  GVariantIter iter;
  const char *name;
  const char *value;

  given = g_variant_lookup_value (dict, key, G_VARIANT_TYPE ("a(ss)"));
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ss)"));
  if (given == NULL)
    return g_variant_ref_sink (g_variant_builder_end (&builder));
  g_variant_iter_init (&iter, given);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    {
      if (!trundle_header_check (name, value, error))
        {
          g_variant_builder_clear (&builder);
          return NULL;
        }
      g_variant_builder_add (&builder, "(ss)", name, value);
    }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static gboolean
read_url (TrwRequest *self, GVariant *dict, GError **error)
{
  const char *url = "";
  g_autofree char *plain = NULL;

  g_variant_lookup (dict, "url", "&s", &url);
  plain = trundle_url_without_user_info (url, NULL);
  self->uri = trundle_url_parse (plain != NULL ? plain : url, error);
  return self->uri != NULL;
}

static gboolean
read_method (TrwRequest *self, GVariant *dict, GError **error)
{
  const char *method = "GET";

  g_variant_lookup (dict, "method", "&s", &method);
  if (!trundle_is_token (method))
    {
      g_set_error_literal (
          error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT, "method: no token");
      return FALSE;
    }
  /* As libsoup keeps it, too. */
  self->method = g_intern_string (method);
  return TRUE;
}

static gboolean
read_redirects (TrwRequest *self, GVariant *dict, GError **error)
{
  const char *word = "follow";

  self->redirects.max = TRD_MAX_REDIRECTS;
  g_variant_lookup (dict, "max-redirects", "u", &self->redirects.max);
  g_variant_lookup (
      dict, "allow-insecure-redirect", "b", &self->redirects.allow_insecure);
  g_variant_lookup (dict, "redirects", "&s", &word);
  if (trw_redirect_policy_from_word (word, &self->redirects.policy))
    return TRUE;
  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_INVALID_ARGUMENT,
                       "redirects: not a known word");
  return FALSE;
}

/* By what it says of whom to trust and who we are: connections of tasks that say the same
 * may be shared.  Who we are to proxies is added by trw_sessions_get(). */
static char *
make_partition (TrwRequest *self, GVariant *dict)
{
  static const char *const keys[] = {
    "ca-certificates", "trusted-certificates", "client-certificates", "pins",
    "proxies",         "proxy-exclusions",     "connections",
  };
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (dict, keys[i], NULL);
      guint64 size = value != NULL ? g_variant_get_size (value) : G_MAXUINT64;

      g_checksum_update (checksum, (const guint8 *)&size, sizeof size);
      if (value != NULL)
        g_checksum_update (checksum, g_variant_get_data (value), (gssize)size);
    }
  if (self->pins != NULL)
    {
      g_autofree char *origin = trundle_url_origin (self->uri);

      g_checksum_update (checksum, (const guint8 *)origin, -1);
    }
  return g_strdup (g_checksum_get_string (checksum));
}

static gboolean
read_trust (TrwRequest *self, GVariant *dict, GError **error)
{
  if (!trw_trust_read (&self->trust, dict, error)
      || !trw_pins_read (dict, self->uri, self->trust.anchors, &self->pins, error)
      || !trw_identities_read (dict, &self->identities, error))
    return FALSE;
  self->partition = make_partition (self, dict);
  return TRUE;
}

/* After the method: RFC 9110 §14.2 knows ranges of GET only. */
static gboolean
read_range (TrwRequest *self, GVariant *dict, GError **error)
{
  g_variant_lookup (dict, "range", "(tt)", &self->first, &self->length);
  self->has_range = self->first > 0 || self->length > 0;
  if (!self->has_range
      || (self->first < G_MAXINT64 && self->length < G_MAXINT64 - self->first
          && g_str_equal (self->method, "GET")))
    return TRUE;
  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_INVALID_ARGUMENT,
                       "range: nothing that can be asked for");
  return FALSE;
}

/* After the range: it is what is continued. */
static gboolean
read_offset (TrwRequest *self, GVariant *dict, GError **error)
{
  g_variant_lookup (dict, "offset", "t", &self->offset);
  g_variant_lookup (dict, "total", "t", &self->total);
  g_variant_lookup (dict, "validator", "s", &self->validator);
  if (self->offset == 0)
    return TRUE;
  if (self->offset <= G_MAXINT64 - self->first
      && (self->length == 0 || self->offset <= self->length)
      && (self->total == 0 || self->total >= self->offset) && self->validator != NULL
      && trw_range_is_validator (self->validator) && g_str_equal (self->method, "GET"))
    return TRUE;
  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_INVALID_ARGUMENT,
                       "offset: nothing that can be continued");
  return FALSE;
}

static gboolean
read_proof (TrwRequest *self, GVariant *dict, GError **error)
{
  self->max_bytes = G_MAXUINT64;
  g_variant_lookup (dict, "max-bytes", "t", &self->max_bytes);
  self->has_expected_bytes = g_variant_lookup (
      dict, "expected-bytes", "t", &self->expected_bytes);
  self->digest_state = g_variant_lookup_value (
      dict, "digest-state", G_VARIANT_TYPE_VARDICT);
  if (!g_variant_lookup (dict, "digests", "^as", &self->digests))
    self->digests = g_new0 (char *, 1);
  for (guint i = 0; self->digests[i] != NULL; i++)
    {
      if (trundle_digest_find (self->digests[i]) != NULL
          && !g_strv_contains ((const char *const *)self->digests + i + 1,
                               self->digests[i]))
        continue;
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_INVALID_ARGUMENT,
                           "digests: an algorithm not known, or there twice");
      return FALSE;
    }
  return TRUE;
}

static gboolean
read_credentials (TrwRequest *self, GVariant *dict, GError **error)
{
  g_autoptr (GVariant) given = g_variant_lookup_value (
      dict, "credentials", G_VARIANT_TYPE ("aa{sv}"));

  self->credentials = trw_credentials_read (given, error);
  self->of_proxies = g_ptr_array_new_with_free_func ((GDestroyNotify)trw_credential_free);
  g_variant_lookup (dict, "allow-insecure-auth", "b", &self->allow_insecure_auth);
  g_variant_lookup (dict, "negotiate-hosts", "^as", &self->negotiate_hosts);
  g_variant_lookup (dict, "proxies", "^as", &self->proxies);
  g_variant_lookup (dict, "proxy-exclusions", "^as", &self->proxy_exclusions);
  if (self->proxies != NULL && self->proxies[0] == NULL)
    g_clear_pointer (&self->proxies, g_strfreev);
  for (guint i = 0; self->proxies != NULL && self->proxies[i] != NULL; i++)
    {
      TrwCredential *one = trw_credential_new_from_proxy (self->proxies[i]);

      if (one != NULL)
        g_ptr_array_add (self->of_proxies, one);
    }
  return self->credentials != NULL;
}

static void
read_rest (TrwRequest *self, GVariant *dict)
{
  static const char *const accepted[] = { "2xx", NULL };

  if (!g_variant_lookup (dict, "accept-status", "^as", &self->accept_status))
    self->accept_status = g_strdupv ((char **)accepted);
  g_variant_lookup (dict, "allow-unframed", "b", &self->allow_unframed);
  self->set_cookies = TRUE;
  g_variant_lookup (dict, "set-cookies", "b", &self->set_cookies);
  self->timeout_ms = TRD_REQUEST_TIMEOUT_MS;
  g_variant_lookup (dict, "request-timeout", "t", &self->timeout_ms);
  self->connect_timeout_ms = TRD_CONNECT_TIMEOUT_MS;
  g_variant_lookup (dict, "connect-timeout", "t", &self->connect_timeout_ms);
  g_variant_lookup (dict, "first-byte-timeout", "t", &self->first_byte_timeout_ms);
  self->error_body_max = TRD_ERROR_BODY_MAX;
  g_variant_lookup (dict, "error-body-max", "u", &self->error_body_max);
  self->error_body_max = MIN (self->error_body_max, ERROR_BODY_MAX);
}

TrwRequest *
trw_request_new (GVariant *dict, GError **error)
{
  g_autoptr (TrwRequest) self = g_new0 (TrwRequest, 1);

  self->decode_fd = -1;
  if (!read_url (self, dict, error) || !read_method (self, dict, error)
      || !read_redirects (self, dict, error) || !read_trust (self, dict, error)
      || !read_range (self, dict, error) || !read_offset (self, dict, error)
      || !read_proof (self, dict, error) || !read_credentials (self, dict, error))
    return NULL;
  self->headers = read_headers (dict, "headers", error);
  if (self->headers == NULL)
    return NULL;
  self->secret_headers = read_headers (dict, "secret-headers", error);
  if (self->secret_headers == NULL)
    return NULL;
  read_rest (self, dict);
  return g_steal_pointer (&self);
}

gboolean
trw_request_take_body (TrwRequest *self, GVariant *dict, TrwFiles *files, GError **error)
{
  g_autoptr (GVariant) list = g_variant_lookup_value (
      dict, "body", G_VARIANT_TYPE ("aa{sv}"));

  if (list == NULL)
    return TRUE;
  g_variant_lookup (dict, "expect-continue", "b", &self->expect_continue);
  g_variant_lookup (dict, "resumable", "^as", &self->resumable);
  self->place = g_variant_lookup_value (dict, "upload", G_VARIANT_TYPE_VARDICT);
  if (self->place != NULL && g_variant_n_children (self->place) == 0)
    g_clear_pointer (&self->place, g_variant_unref);
  self->pieces = trw_pieces_new (list, files, error);
  return self->pieces != NULL;
}

void
trw_request_free (TrwRequest *self)
{
  g_clear_pointer (&self->uri, g_uri_unref);
  g_clear_pointer (&self->headers, g_variant_unref);
  g_clear_pointer (&self->secret_headers, g_variant_unref);
  g_free (self->body);
  g_strfreev (self->resumable);
  g_clear_pointer (&self->place, g_variant_unref);
  g_strfreev (self->accept_status);
  g_free (self->partition);
  trw_trust_clear (&self->trust);
  g_clear_object (&self->pins);
  g_clear_pointer (&self->identities, g_variant_unref);
  g_free (self->validator);
  g_clear_pointer (&self->jar, trw_jar_unref);
  g_strfreev (self->digests);
  g_clear_pointer (&self->digest_state, g_variant_unref);
  g_clear_pointer (&self->credentials, g_ptr_array_unref);
  g_clear_pointer (&self->of_proxies, g_ptr_array_unref);
  g_strfreev (self->negotiate_hosts);
  g_strfreev (self->proxies);
  g_strfreev (self->proxy_exclusions);
  trw_request_close (self);
  g_free (self);
}

void
trw_request_close (TrwRequest *self)
{
  if (self->decode_fd >= 0)
    g_close (self->decode_fd, NULL);
  self->decode_fd = -1;
  g_clear_pointer (&self->pieces, trw_pieces_free);
}

gboolean
trw_request_accepts (const TrwRequest *self, guint status)
{
  for (guint i = 0; self->accept_status[i] != NULL; i++)
    {
      const char *word = self->accept_status[i];

      if (g_str_equal (word, "*"))
        return TRUE;
      if (g_str_has_suffix (word, "xx") && (guint)(word[0] - '0') == status / 100)
        return TRUE;
      if (g_ascii_strtoull (word, NULL, 10) == status)
        return TRUE;
    }
  return FALSE;
}
