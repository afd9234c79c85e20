/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is asked for uploads alone.  Two keys of a row are of our own making: `method`,
 * which an upload always has, and `content-type`, which belongs to a body that was put
 * together here and stays with it, whatever headers the app gives later. */

#include "config.h"

#include "core/upload-options.h"

#include "common/defaults.h"
#include "common/error.h"
#include "common/vocabulary.h"
#include "core/secret-options.h"

static gboolean
fail_key (GError **error, const char *key, const char *why)
{
  g_set_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT, "%s: %s", key, why);
  return FALSE;
}

/* RFC 9110 §9.3: a body means nothing to these. */
static gboolean
check_method (const char *method, GError **error)
{
  static const char *const others[] = { "GET", "HEAD", "OPTIONS" };

  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    if (g_ascii_strcasecmp (method, others[i]) == 0)
      return fail_key (error, "method", "one that has a body is wanted for an upload");

  return TRUE;
}

/* Two names for one thing. */
static gboolean
settle_retry_safe (GVariant *options, GVariantDict *dict, GError **error)
{
  gboolean is_safe;
  gboolean is_idempotent;

  if (!g_variant_lookup (options, "retry-safe", "b", &is_safe))
    return TRUE;
  if (g_variant_lookup (options, "idempotent", "b", &is_idempotent)
      && is_idempotent != is_safe)
    return fail_key (error, "retry-safe", "says the contrary of idempotent");

  g_variant_dict_remove (dict, "retry-safe");
  g_variant_dict_insert (dict, "idempotent", "b", is_safe);
  return TRUE;
}

static gboolean
check_for (TrundleKind kind, GVariant *options, GError **error)
{
  static const char *const uploads_only[]
      = { "resumable", "expect-continue", "idempotency-key", "response-body-max" };
  g_autoptr (GVariant) mirrors = g_variant_lookup_value (options, "mirrors", NULL);

  if (kind == TRUNDLE_KIND_UPLOAD)
    return mirrors == NULL || fail_key (error, "mirrors", "not for an upload");

  for (guint i = 0; i < G_N_ELEMENTS (uploads_only); i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (
          options, uploads_only[i], NULL);

      if (value != NULL)
        return fail_key (error, uploads_only[i], "not for a download");
    }

  return TRUE;
}

gboolean
trd_upload_options_are_of_form (GVariant *options)
{
  g_autoptr (GVariant) parts = g_variant_lookup_value (options, "parts", NULL);

  return parts != NULL || g_variant_lookup (options, "content-type", "&s", NULL);
}

static gboolean
wants_tus (GVariant *options)
{
  const char *resumable = "";

  g_variant_lookup (options, "resumable", "&s", &resumable);
  return g_str_equal (resumable, "tus");
}

static const char *
default_method (GVariant *options)
{
  return trd_upload_options_are_of_form (options) || wants_tus (options) ? "POST" : "PUT";
}

GVariant *
trd_upload_options_settle_changes (TrundleKind kind, GVariant *changes, GError **error)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (changes);
  const char *method = NULL;

  if (!check_for (kind, changes, error) || !settle_retry_safe (changes, &dict, error))
    return NULL;
  if (kind == TRUNDLE_KIND_UPLOAD && g_variant_lookup (changes, "method", "&s", &method)
      && !check_method (method, error))
    return NULL;

  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* What there is of a form says of itself how it is to be read. */
static gboolean
check_content_type (GVariant *options, GError **error)
{
  g_autoptr (GVariant) headers = g_variant_lookup_value (
      options, "headers", G_VARIANT_TYPE ("a(ss)"));

  if (!g_variant_lookup (options, "content-type", "&s", NULL)
      || !trd_headers_have (headers, "Content-Type"))
    return TRUE;

  return fail_key (error, "headers", "the service sets Content-Type itself for parts");
}

GVariant *
trd_upload_options_settle (TrundleKind kind, GVariant *options, GError **error)
{
  g_autoptr (GVariant) settled = trd_upload_options_settle_changes (kind, options, error);

  if (settled == NULL || kind != TRUNDLE_KIND_UPLOAD)
    return g_steal_pointer (&settled);
  if (!check_content_type (settled, error))
    return NULL;
  if (trd_upload_options_are_of_form (settled) && wants_tus (settled))
    {
      fail_key (error, "resumable", "by tus files are sent, not parts of a form");
      return NULL;
    }
  if (g_variant_lookup (settled, "method", "&s", NULL))
    return g_steal_pointer (&settled);

  return trundle_options_with (
      settled, "method", g_variant_new_string (default_method (settled)));
}

/* ---- the request ---- */

static gboolean
is_said (GVariant *options, const char *key)
{
  g_autoptr (GVariant) value = NULL;

  if (options != NULL)
    value = g_variant_lookup_value (options, key, NULL);
  return value != NULL;
}

void
trd_upload_options_compose (const TrdTaskRow *row,
                            GVariant *configuration,
                            GVariantDict *request)
{
  if (row->kind != TRUNDLE_KIND_UPLOAD)
    return;

  g_variant_dict_insert (
      request,
      "expect-continue",
      "b",
      trundle_options_get_boolean (row->options, configuration, "expect-continue"));
  if (!is_said (row->options, "first-byte-timeout")
      && !is_said (configuration, "first-byte-timeout"))
    g_variant_dict_insert (
        request, "first-byte-timeout", "t", TRD_UPLOAD_ANSWER_TIMEOUT_MS);
}

GVariant *
trd_upload_options_headers (const TrdTaskRow *row, GVariant *headers)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ss)"));
  const char *content_type;

  if (g_variant_lookup (row->options, "content-type", "&s", &content_type))
    g_variant_builder_add (&builder, "(ss)", "Content-Type", content_type);
  /* A string of RFC 8941 §3.3.3: what is in it needs no escape. */
  if (trundle_options_get_boolean (row->options, NULL, "idempotency-key")
      && !trd_headers_have (headers, "Idempotency-Key"))
    {
      g_autofree char *key = g_strdup_printf ("\"%s\"", row->uuid);

      g_variant_builder_add (&builder, "(ss)", "Idempotency-Key", key);
    }

  return g_variant_builder_end (&builder);
}
