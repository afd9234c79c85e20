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

void
trd_request_parts_clear (TrdRequestParts *self)
{
  g_clear_pointer (&self->url, g_free);
  g_clear_pointer (&self->host, g_ref_string_release);
  g_clear_pointer (&self->options, g_variant_unref);
  g_clear_pointer (&self->secrets, g_variant_unref);
}

/* Splits a(ss) by whether a header is a secret; NULL for a part without any. */
static void
split_headers (GVariant *headers, GVariant **out_plain, GVariant **out_secret)
{
  g_auto (GVariantBuilder) plain = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ss)"));
  g_auto (GVariantBuilder) secret = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ss)"));
  const char *name;
  const char *value;
  GVariantIter iter;
  guint n_plain = 0;
  guint n_secret = 0;

  g_variant_iter_init (&iter, headers);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    {
      gboolean is_secret = trundle_header_is_secret (name);

      g_variant_builder_add (is_secret ? &secret : &plain, "(ss)", name, value);
      n_secret += is_secret;
      n_plain += !is_secret;
    }

  *out_plain = n_plain ? g_variant_ref_sink (g_variant_builder_end (&plain)) : NULL;
  *out_secret = n_secret ? g_variant_ref_sink (g_variant_builder_end (&secret)) : NULL;
}

GVariant *
trd_request_without_secrets (GVariant *options, GVariant **out_secrets)
{
  g_autoptr (GVariant) headers = NULL;
  g_autoptr (GVariant) plain = NULL;

  *out_secrets = NULL;
  headers = g_variant_lookup_value (options, "headers", G_VARIANT_TYPE ("a(ss)"));
  if (headers == NULL)
    return g_variant_ref (options);

  split_headers (headers, &plain, out_secrets);
  if (*out_secrets == NULL)
    return g_variant_ref (options);

  return trundle_options_with (options, "headers", plain);
}

/* User info is a Basic credential (RFC 7617 §2), sent to the first origin only. */
static GVariant *
add_user_info (GVariant *secrets, const char *user_info)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ss)"));
  g_autofree char *plain = g_uri_unescape_string (user_info, NULL);
  g_autofree char *base64 = NULL;
  g_autofree char *value = NULL;
  const char *name;
  const char *other;
  GVariantIter iter;

  if (secrets != NULL)
    {
      g_variant_iter_init (&iter, secrets);
      while (g_variant_iter_next (&iter, "(&s&s)", &name, &other))
        if (g_ascii_strcasecmp (name, "Authorization") == 0)
          return g_variant_ref (secrets);
    }

  if (plain == NULL)
    plain = g_strdup (user_info);
  base64 = g_base64_encode ((const guchar *)plain, strlen (plain));
  value = g_strconcat ("Basic ", base64, NULL);

  if (secrets != NULL)
    {
      g_variant_iter_init (&iter, secrets);
      while (g_variant_iter_next (&iter, "(&s&s)", &name, &other))
        g_variant_builder_add (&builder, "(ss)", name, other);
    }
  g_variant_builder_add (&builder, "(ss)", "Authorization", value);

  return g_variant_ref_sink (g_variant_builder_end (&builder));
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
};

static GVariant *
without_columns (GVariant *options)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (options);

  for (guint i = 0; i < G_N_ELEMENTS (not_kept); i++)
    g_variant_dict_remove (&dict, not_kept[i]);

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
check_range (GVariant *options, GError **error)
{
  g_autofree char *method = trundle_options_get_string (options, NULL, "method");

  if (!g_variant_lookup (options, "range", "(tt)", NULL, NULL)
      || g_str_equal (method, "GET"))
    return TRUE;

  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_INVALID_ARGUMENT,
                       "Option “method” must be GET beside “range”");
  return FALSE;
}

gboolean
trd_request_take_apart (const char *url,
                        GVariant *options,
                        TrdRequestParts *out_parts,
                        GError **error)
{
  g_autoptr (GUri) uri = NULL;
  g_autoptr (GVariant) kept = NULL;
  g_autofree char *user_info = NULL;
  g_autofree char *host = NULL;

  uri = trundle_url_parse (url, error);
  if (uri == NULL || !check_mirrors (options, error) || !check_range (options, error))
    return FALSE;

  host = trundle_url_host_key (uri);
  kept = without_columns (options);
  out_parts->url = trundle_url_without_user_info (url, &user_info);
  out_parts->host = g_ref_string_new_intern (host);
  out_parts->options = trd_request_without_secrets (kept, &out_parts->secrets);

  if (user_info != NULL && *user_info != '\0')
    {
      g_autoptr (GVariant) secrets = g_steal_pointer (&out_parts->secrets);

      out_parts->secrets = add_user_info (secrets, user_info);
    }

  return TRUE;
}

/* ---- headers ---- */

static gboolean
has_name (GVariant *headers, const char *name)
{
  const char *other;
  GVariantIter iter;

  if (headers == NULL)
    return FALSE;

  g_variant_iter_init (&iter, headers);
  while (g_variant_iter_next (&iter, "(&s&s)", &other, NULL))
    if (g_ascii_strcasecmp (name, other) == 0)
      return TRUE;

  return FALSE;
}

/* @above, and of @below what neither @above nor @other names. */
static GVariant *
merge_headers (GVariant *above, GVariant *below, GVariant *other)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ss)"));
  const char *name;
  const char *value;
  GVariantIter iter;

  if (below != NULL)
    {
      g_variant_iter_init (&iter, below);
      while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
        if (!has_name (above, name) && !has_name (other, name))
          g_variant_builder_add (&builder, "(ss)", name, value);
    }
  if (above != NULL)
    {
      g_variant_iter_init (&iter, above);
      while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
        g_variant_builder_add (&builder, "(ss)", name, value);
    }

  return g_variant_builder_end (&builder);
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
  "method",          "accept-status",           "redirects",          "max-redirects",
  "request-timeout", "allow-insecure-redirect", "allow-unframed",     "ca-certificates",
  "range",           "connect-timeout",         "first-byte-timeout", "max-bytes",
  "expected-bytes",
};

GVariant *
trd_request_compose (const TrdTaskRow *row,
                     GVariant *configuration,
                     GVariant *task_secrets,
                     GVariant *session_secrets)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) mine = NULL;
  g_autoptr (GVariant) session = NULL;
  g_autofree char *url = trd_request_find_url (row);

  /* Law 9. */
  if (!may_have_secrets (row, url))
    task_secrets = session_secrets = NULL;
  g_variant_dict_insert (&dict, "url", "s", url);
  for (guint i = 0; i < G_N_ELEMENTS (passed_on); i++)
    {
      g_autoptr (GVariant) value = trundle_options_get_value (
          row->options, configuration, passed_on[i]);

      if (value != NULL)
        g_variant_dict_insert_value (&dict, passed_on[i], value);
    }

  mine = g_variant_lookup_value (row->options, "headers", G_VARIANT_TYPE ("a(ss)"));
  session = g_variant_lookup_value (configuration, "headers", G_VARIANT_TYPE ("a(ss)"));
  g_variant_dict_insert_value (
      &dict, "headers", merge_headers (mine, session, task_secrets));
  g_variant_dict_insert_value (
      &dict, "secret-headers", merge_headers (task_secrets, session_secrets, mine));
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

  return trundle_options_with (merged, "headers", merge_headers (above, below, NULL));
}

gboolean
trd_request_update (const TrdTaskRow *row,
                    GVariant *secrets,
                    GVariant *changes,
                    TrdRequestParts *out_parts,
                    GError **error)
{
  g_autoptr (GVariant) merged = merge_options (row->options, changes);
  g_autoptr (GVariant) headers = g_variant_lookup_value (changes, "headers", NULL);
  g_autoptr (GVariant) fresh = NULL;
  const char *url = row->url;

  g_variant_lookup (changes, "url", "&s", &url);
  if (!trd_request_take_apart (url, merged, out_parts, error))
    return FALSE;

  out_parts->keeps_secrets = headers == NULL && is_same_origin (row->url, url);
  if (!out_parts->keeps_secrets || secrets == NULL)
    return TRUE;

  /* The row's headers bear no secrets: these are of the new address' user info. */
  fresh = g_steal_pointer (&out_parts->secrets);
  out_parts->secrets = g_variant_ref_sink (merge_headers (fresh, secrets, NULL));
  return TRUE;
}
