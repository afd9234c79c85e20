/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* From what an app asked for to what a worker is told.  Secrets part from the rest here
 * and meet it again only in the message to the worker (law 9). */

#include "config.h"

#include "core/request.h"

#include "common/defaults.h"
#include "common/digest.h"
#include "common/error.h"
#include "common/url.h"
#include "common/vocabulary.h"
#include "core/secret-options.h"
#include "core/upload-options.h"

void
trd_request_parts_clear (TrdRequestParts *self)
{
  g_clear_pointer (&self->url, g_free);
  g_clear_pointer (&self->host, g_ref_string_release);
  g_clear_pointer (&self->options, g_variant_unref);
  g_clear_pointer (&self->secrets, g_variant_unref);
}

GVariant *
trd_request_without_secrets (GVariant *options, GVariant **out_secrets)
{
  return trd_secret_options_split (options, out_secrets);
}

GVariant *
trd_request_find_secrets (const char *url, GVariant *options)
{
  g_autofree char *user_info = NULL;
  g_autoptr (GVariant) secrets = NULL;
  GVariant *all = NULL;

  g_free (trundle_url_without_user_info (url, &user_info));
  g_variant_unref (trd_secret_options_split (options, &secrets));
  trd_secret_options_add_user_info (
      secrets, user_info != NULL ? user_info : "", &all, NULL);
  return all;
}

gboolean
trd_request_may_bring_secrets (const char *url, GVariant *options)
{
  return strchr (url, '@') != NULL || trd_secret_options_are_touched (options);
}

/* What has a column of its own, or is gone once the task is made. */
static const char *const not_kept[] = {
  "destination",
  "destination-name",
  "destination-path",
  "if-exists",
  "start",
  "url",
  "kind",
  "user-data",
  "description",
  "group",
  "priority",
  "dedup-key",
  "earliest-begin",
  "resume-data",
  "body",
  "body-path",
  "body-bytes",
  "parts",
  "snapshot",
};

static GVariant *
without_columns (TrundleKind kind, GVariant *options)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (options);

  for (guint i = 0; i < G_N_ELEMENTS (not_kept); i++)
    g_variant_dict_remove (&dict, not_kept[i]);
  /* It is one of what is sent, and has been heeded. */
  if (kind == TRUNDLE_KIND_UPLOAD)
    g_variant_dict_remove (&dict, "range");

  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

static gboolean
has_strong_digest (GVariant *options)
{
  g_autoptr (GVariant) digests = g_variant_lookup_value (
      options, "digests", G_VARIANT_TYPE ("a{ss}"));
  const char *name;
  GVariantIter iter;

  if (digests == NULL)
    return FALSE;

  g_variant_iter_init (&iter, digests);
  while (g_variant_iter_next (&iter, "{&s&s}", &name, NULL))
    {
      const TrundleDigest *digest = trundle_digest_find (name);

      if (digest != NULL && !digest->is_weak)
        return TRUE;
    }

  return FALSE;
}

/* Whoever serves a mirror is not who the app trusts with the file: only a digest says
 * that it is the same one. */
static gboolean
check_mirrors (GVariant *options, GError **error)
{
  g_autoptr (GVariant) mirrors = g_variant_lookup_value (
      options, "mirrors", G_VARIANT_TYPE_STRING_ARRAY);

  if (mirrors == NULL || g_variant_n_children (mirrors) == 0
      || has_strong_digest (options))
    return TRUE;

  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_INVALID_ARGUMENT,
                       "Option “digests” must hold one that is not weak beside "
                       "“mirrors”");
  return FALSE;
}

/* RFC 9110 §14.2: no other method knows ranges. */
static gboolean
check_range (TrundleKind kind, GVariant *options, GError **error)
{
  g_autofree char *method = trundle_options_get_string (options, NULL, "method");

  if (kind == TRUNDLE_KIND_UPLOAD
      || !g_variant_lookup (options, "range", "(tt)", NULL, NULL)
      || g_str_equal (method, "GET"))
    return TRUE;

  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_INVALID_ARGUMENT,
                       "Option “method” must be GET beside “range”");
  return FALSE;
}

/* One alone would be half a credential, and a header beside them another one. */
static gboolean
check_user (GVariant *options, GError **error)
{
  gboolean has_user = g_variant_lookup (options, "user", "&s", NULL);
  gboolean has_password = g_variant_lookup (options, "password", "&s", NULL);
  g_autoptr (GVariant) headers = trd_secret_options_get_headers (options);

  if (has_user != has_password)
    g_set_error (error,
                 TRUNDLE_ERROR,
                 TRUNDLE_ERROR_INVALID_ARGUMENT,
                 "Option “%s” needs “%s” beside it",
                 has_user ? "user" : "password",
                 has_user ? "password" : "user");
  else if (has_user && trd_headers_have (headers, "Authorization"))
    g_set_error_literal (error,
                         TRUNDLE_ERROR,
                         TRUNDLE_ERROR_INVALID_ARGUMENT,
                         "Option “user” and a header Authorization exclude each other");
  else
    return TRUE;

  return FALSE;
}

gboolean
trd_request_take_apart (TrundleKind kind,
                        const char *url,
                        GVariant *options,
                        TrdRequestParts *out_parts,
                        GError **error)
{
  g_autoptr (GUri) uri = NULL;
  g_autoptr (GVariant) settled = NULL;
  g_autoptr (GVariant) kept = NULL;
  g_autoptr (GVariant) rest = NULL;
  g_autoptr (GVariant) secrets = NULL;
  g_autofree char *user_info = NULL;
  g_autofree char *url_without = NULL;
  g_autofree char *host = NULL;

  uri = trundle_url_parse (url, error);
  if (uri == NULL || !check_mirrors (options, error)
      || !check_range (kind, options, error) || !check_user (options, error))
    return FALSE;
  settled = trd_upload_options_settle (kind, options, error);
  if (settled == NULL)
    return FALSE;

  url_without = trundle_url_without_user_info (url, &user_info);
  kept = without_columns (kind, settled);
  rest = trd_secret_options_split (kept, &secrets);
  if (!trd_secret_options_add_user_info (
          secrets, user_info != NULL ? user_info : "", &out_parts->secrets, error))
    return FALSE;

  host = trundle_url_host_key (uri);
  out_parts->url = g_steal_pointer (&url_without);
  out_parts->host = g_ref_string_new_intern (host);
  out_parts->options = g_steal_pointer (&rest);
  return TRUE;
}

/* ---- the address ---- */

static gboolean
is_same_origin (const char *first, const char *second)
{
  g_autoptr (GUri) first_uri = trundle_url_parse (first, NULL);
  g_autoptr (GUri) second_uri = trundle_url_parse (second, NULL);

  return first_uri != NULL && second_uri != NULL
         && trundle_url_is_same_origin (first_uri, second_uri);
}

gboolean
trd_request_is_same_origin (const TrdTaskRow *row, const char *url)
{
  return is_same_origin (row->url, url);
}

gboolean
trd_request_says_repeatable (const TrdTaskRow *row)
{
  g_autoptr (GVariant) headers = g_variant_lookup_value (
      row->options, "headers", G_VARIANT_TYPE ("a(ss)"));
  gboolean has_key = FALSE;

  g_variant_lookup (row->options, "idempotency-key", "b", &has_key);
  return has_key || trundle_options_get_boolean (row->options, NULL, "idempotent")
         || trd_headers_have (headers, "Idempotency-Key");
}

guint
trd_request_count_addresses (const TrdTaskRow *row)
{
  g_autoptr (GVariant) mirrors = g_variant_lookup_value (
      row->options, "mirrors", G_VARIANT_TYPE_STRING_ARRAY);

  return mirrors != NULL ? 1 + (guint)g_variant_n_children (mirrors) : 1;
}

char *
trd_request_find_url (const TrdTaskRow *row)
{
  g_autoptr (GVariant) mirrors = g_variant_lookup_value (
      row->options, "mirrors", G_VARIANT_TYPE_STRING_ARRAY);
  char *url = NULL;

  if (row->mirror == 0 || mirrors == NULL || row->mirror > g_variant_n_children (mirrors))
    return g_strdup (row->url);

  g_variant_get_child (mirrors, row->mirror - 1, "s", &url);
  return url;
}

GRefString *
trd_request_find_host (const TrdTaskRow *row)
{
  g_autofree char *url = trd_request_find_url (row);
  g_autoptr (GUri) uri = trundle_url_parse (url, NULL);
  g_autofree char *host = uri != NULL ? trundle_url_host_key (uri) : g_strdup ("");

  return g_ref_string_new_intern (host);
}

/* What was meant for the origin of the task's own address, or for everybody. */
static gboolean
may_have_secrets (const TrdTaskRow *row, const char *url)
{
  return row->mirror == 0 || is_same_origin (row->url, url);
}

/* ---- putting it together ---- */

/* Options that reach the worker as they are. */
static const char *const passed_on[] = {
  "method",
  "accept-status",
  "redirects",
  "max-redirects",
  "request-timeout",
  "allow-insecure-redirect",
  "allow-unframed",
  "ca-certificates",
  "range",
  "connect-timeout",
  "first-byte-timeout",
  "max-bytes",
  "expected-bytes",
  "negotiate-hosts",
  "pins",
  "allow-insecure-auth",
};

/* User info is for the first origin, whatever realm it has there: shown before it is
 * asked for where that is not in clear, or may be. */
static void
add_user_info (GVariantDict *request,
               const char *url,
               GVariant *secrets,
               gboolean may_be_clear)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GUri) uri = trundle_url_parse (url, NULL);
  const char *password = "";
  const char *user;
  gboolean is_tls;

  if (uri == NULL || secrets == NULL || !g_variant_lookup (secrets, "user", "&s", &user))
    return;

  is_tls = g_str_equal (g_uri_get_scheme (uri), "https");
  g_variant_lookup (secrets, "password", "&s", &password);
  g_variant_dict_insert (&dict, "protocol", "s", g_uri_get_scheme (uri));
  g_variant_dict_insert (&dict, "host", "s", g_uri_get_host (uri));
  g_variant_dict_insert (&dict, "port", "u", trundle_url_get_port (uri));
  g_variant_dict_insert (&dict, "user", "s", user);
  g_variant_dict_insert (&dict, "password", "s", password);
  g_variant_dict_insert (&dict, "preemptive", "b", is_tls || may_be_clear);
  g_variant_builder_add_value (&builder, g_variant_dict_end (&dict));
  g_variant_dict_insert_value (request, "credentials", g_variant_builder_end (&builder));
}

/* The session's own proxy, in place of the system's; with its password, if that is still
 * known. */
static void
add_proxies (GVariantDict *dict, GVariant *configuration, GVariant *session_secrets)
{
  g_autofree char *proxy = trundle_options_get_string (configuration, NULL, "proxy");
  g_autoptr (GVariant) exclusions = g_variant_lookup_value (
      configuration, "proxy-exclusions", G_VARIANT_TYPE_STRING_ARRAY);
  const char *list[] = { proxy, NULL };
  g_autofree char *bare = NULL;
  const char *secret;

  if (proxy == NULL || g_str_equal (proxy, "system"))
    return;
  if (session_secrets != NULL
      && g_variant_lookup (session_secrets, "proxy", "&s", &secret))
    {
      bare = trundle_url_without_user_info (secret, NULL);
      if (g_str_equal (bare, proxy))
        list[0] = secret;
    }
  if (g_str_equal (proxy, "none"))
    list[0] = "direct://";
  g_variant_dict_insert_value (dict, "proxies", g_variant_new_strv (list, 1));
  if (exclusions != NULL)
    g_variant_dict_insert_value (dict, "proxy-exclusions", exclusions);
}

/* What the service says by itself, whoever else says it not.  (transfer full) */
static GVariant *
compose_own_headers (const TrdTaskRow *row, GVariant *headers, GVariant *secret_headers)
{
  g_autoptr (GVariant) given = g_variant_ref_sink (
      trd_headers_merge (secret_headers, headers, NULL));

  return g_variant_ref_sink (trd_upload_options_headers (row, given));
}

GVariant *
trd_request_compose (const TrdTaskRow *row,
                     GVariant *configuration,
                     GVariant *task_secrets,
                     GVariant *session_secrets)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) mine = NULL;
  g_autoptr (GVariant) session = NULL;
  g_autoptr (GVariant) all = NULL;
  g_autoptr (GVariant) own = NULL;
  g_autoptr (GVariant) secrets = NULL;
  g_autoptr (GVariant) secret_headers = NULL;
  g_autofree char *url = trd_request_find_url (row);

  /* Law 9. */
  if (may_have_secrets (row, url))
    secrets = trd_secret_options_merge (task_secrets, session_secrets);
  g_variant_dict_insert (&dict, "url", "s", url);
  for (guint i = 0; i < G_N_ELEMENTS (passed_on); i++)
    {
      g_autoptr (GVariant) value = trundle_options_get_value (
          row->options, configuration, passed_on[i]);

      if (value != NULL)
        g_variant_dict_insert_value (&dict, passed_on[i], value);
    }

  secret_headers = trd_secret_options_get_headers (secrets);
  mine = g_variant_lookup_value (row->options, "headers", G_VARIANT_TYPE ("a(ss)"));
  session = g_variant_lookup_value (configuration, "headers", G_VARIANT_TYPE ("a(ss)"));
  all = g_variant_ref_sink (trd_headers_merge (mine, session, NULL));
  own = compose_own_headers (row, all, secret_headers);
  g_variant_dict_insert_value (&dict, "headers", trd_headers_merge (own, all, NULL));
  g_variant_dict_insert_value (&dict,
                               "secret-headers",
                               secret_headers != NULL ? secret_headers
                                                      : g_variant_new ("a(ss)", NULL));
  add_user_info (
      &dict,
      url,
      secrets,
      trundle_options_get_boolean (row->options, configuration, "allow-insecure-auth"));
  add_proxies (&dict, configuration, session_secrets);
  trd_upload_options_compose (row, configuration, &dict);
  g_variant_dict_insert (&dict, "error-body-max", "u", (guint)TRD_ERROR_BODY_MAX);

  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* Names of secret headers are not in the options either: nothing is left to redact. */
GVariant *
trd_request_describe (const TrdTaskRow *row, const char *url)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *method = trundle_options_get_string (row->options, NULL, "method");
  g_autofree char *shown = trundle_url_without_user_info (url, NULL);
  g_autoptr (GVariant) headers = g_variant_lookup_value (
      row->options, "headers", G_VARIANT_TYPE ("a(ss)"));

  g_variant_dict_insert (&dict, "url", "s", shown != NULL ? shown : "");
  g_variant_dict_insert (&dict, "method", "s", method != NULL ? method : "");
  g_variant_dict_insert_value (
      &dict, "headers", headers != NULL ? headers : g_variant_new ("a(ss)", NULL));

  return g_variant_dict_end (&dict);
}

/* ---- changing it ---- */

static GVariant *
merge_options (GVariant *options, GVariant *changes)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (options);
  const char *key;
  GVariant *value;
  GVariantIter iter;

  g_variant_iter_init (&iter, changes);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    g_variant_dict_insert_value (&dict, key, value);

  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

GVariant *
trd_request_merge (GVariant *options, GVariant *changes)
{
  g_autoptr (GVariant) merged = merge_options (options, changes);
  g_autoptr (GVariant) below = g_variant_lookup_value (options, "headers", NULL);
  g_autoptr (GVariant) above = g_variant_lookup_value (changes, "headers", NULL);

  if (below == NULL || above == NULL)
    return g_steal_pointer (&merged);

  return trundle_options_with (merged, "headers", trd_headers_merge (above, below, NULL));
}

gboolean
trd_request_update (const TrdTaskRow *row,
                    GVariant *secrets,
                    GVariant *changes,
                    TrdRequestParts *out_parts,
                    GError **error)
{
  g_autoptr (GVariant) settled = trd_upload_options_settle_changes (
      row->kind, changes, error);
  g_autoptr (GVariant) merged = NULL;
  g_autoptr (GVariant) headers = g_variant_lookup_value (changes, "headers", NULL);
  static const char *const headers_only[] = { "headers", NULL };
  g_autoptr (GVariant) fresh = NULL;
  g_autoptr (GVariant) kept = NULL;
  const char *url = row->url;
  gboolean is_same;

  if (settled == NULL)
    return FALSE;
  merged = merge_options (row->options, settled);
  g_variant_lookup (changes, "url", "&s", &url);
  if (!trd_request_take_apart (row->kind, url, merged, out_parts, error))
    return FALSE;

  is_same = is_same_origin (row->url, url);
  out_parts->same_origin = is_same;
  out_parts->keeps_secrets = headers == NULL && is_same;
  if (!is_same || secrets == NULL)
    return TRUE;

  /* The row's headers bear no secrets: what there is is new. */
  fresh = g_steal_pointer (&out_parts->secrets);
  kept = headers == NULL ? g_variant_ref (secrets)
                         : trd_secret_options_without (secrets, headers_only);
  out_parts->secrets = trd_secret_options_merge (fresh, kept);
  return TRUE;
}
