/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether a file is the one that was promised (law 10): the worker computes, here is
 * compared.  What the app promises is promised of the file, decoded if it is; what the
 * server declares is declared of what it sends.  Everything here is pure. */

#include "config.h"

#include "core/proof.h"

#include "common/digest.h"
#include "common/vocabulary.h"

#include <string.h>

guint64
trd_proof_get_offset (GVariant *state)
{
  guint64 offset = 0;

  if (state != NULL)
    g_variant_lookup (state, "offset", "t", &offset);

  return offset;
}

GVariant *
trd_proof_ask (GVariant *request, const TrdTaskRow *row, guint64 offset)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (request);
  g_autoptr (GVariant) wanted = g_variant_lookup_value (
      row->options, "digests", G_VARIANT_TYPE ("a{ss}"));
  guint64 hashed = trd_proof_get_offset (row->digest_state);

  if (wanted != NULL)
    {
      g_autoptr (GPtrArray) names = g_ptr_array_new ();
      const char *name;
      GVariantIter iter;

      g_variant_iter_init (&iter, wanted);
      while (g_variant_iter_next (&iter, "{&s&s}", &name, NULL))
        g_ptr_array_add (names, (gpointer)name);
      g_variant_dict_insert_value (
          &dict,
          "digests",
          g_variant_new_strv ((const char *const *)names->pdata, names->len));
    }
  if (hashed > 0 && hashed <= offset)
    g_variant_dict_insert_value (&dict, "digest-state", row->digest_state);

  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

/* ---- comparing ---- */

static TrdOutcome *
fail_digest (const TrdOutcome *outcome,
             const char *algorithm,
             const char *expected,
             const char *computed)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  TrdOutcome *failure = trd_outcome_new_failed (
      TRUNDLE_ERROR_INTEGRITY_FAILED, "The file does not have the digest it must have");

  g_variant_dict_insert (&dict, "reason", "s", "digest");
  g_variant_dict_insert (&dict, "algorithm", "s", algorithm);
  g_variant_dict_insert (&dict, "expected", "s", expected);
  g_variant_dict_insert (&dict, "computed", "s", computed);
  failure->details = g_variant_ref_sink (g_variant_dict_end (&dict));
  failure->received = outcome->received;
  failure->status = outcome->status;

  return failure;
}

static TrdOutcome *
fail_size (const TrdOutcome *outcome, TrundleError code, const char *message)
{
  TrdOutcome *failure = trd_outcome_new_failed (code, message);

  failure->received = outcome->received;
  failure->status = outcome->status;

  return failure;
}

/* In hexadecimal; "" for none.  (transfer full) */
static char *
find_hex (GVariant *digests, const char *name)
{
  g_autoptr (GVariant) bytes = NULL;

  if (digests != NULL)
    bytes = g_variant_lookup_value (digests, name, G_VARIANT_TYPE_BYTESTRING);
  if (bytes == NULL)
    return g_strdup ("");

  return trundle_digest_to_hex (g_variant_get_data (bytes), g_variant_get_size (bytes));
}

static void
note (GVariantBuilder *list,
      const char *name,
      const char *hex,
      const char *source,
      gboolean is_encoded)
{
  const TrundleDigest *digest = trundle_digest_find (name);

  g_variant_builder_open (list, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (list, "{sv}", "algorithm", g_variant_new_string (name));
  g_variant_builder_add (list, "{sv}", "digest", g_variant_new_string (hex));
  g_variant_builder_add (list, "{sv}", "source", g_variant_new_string (source));
  g_variant_builder_add (
      list, "{sv}", "weak", g_variant_new_boolean (digest == NULL || digest->is_weak));
  if (is_encoded)
    g_variant_builder_add (list, "{sv}", "encoded", g_variant_new_boolean (TRUE));
  g_variant_builder_close (list);
}

static TrdOutcome *
check_promised (GVariant *options, const TrdOutcome *outcome, GVariantBuilder *list)
{
  GVariant *computed = outcome->has_decoded ? outcome->decoded_digests : outcome->digests;
  g_autoptr (GVariant) wanted = g_variant_lookup_value (
      options, "digests", G_VARIANT_TYPE ("a{ss}"));
  const char *name;
  const char *expected;
  GVariantIter iter;

  if (wanted == NULL)
    return NULL;
  g_variant_iter_init (&iter, wanted);
  while (g_variant_iter_next (&iter, "{&s&s}", &name, &expected))
    {
      g_autofree char *hex = find_hex (computed, name);

      if (g_ascii_strcasecmp (hex, expected) != 0)
        return fail_digest (outcome, name, expected, hex);
      note (list, name, hex, "application", FALSE);
    }

  return NULL;
}

/* Of all that is declared, what was computed. */
static TrdOutcome *
check_declared (const TrdOutcome *outcome, GVariantBuilder *list)
{
  const char *name;
  GVariant *bytes;
  GVariantIter iter;

  if (outcome->declared_digests == NULL)
    return NULL;
  g_variant_iter_init (&iter, outcome->declared_digests);
  while (g_variant_iter_next (&iter, "{&s@ay}", &name, &bytes))
    {
      g_autoptr (GVariant) owned = bytes;
      g_autofree char *computed = find_hex (outcome->digests, name);
      g_autofree char *declared = NULL;

      if (*computed == '\0')
        continue;
      declared = trundle_digest_to_hex (g_variant_get_data (owned),
                                        g_variant_get_size (owned));
      if (!g_str_equal (computed, declared))
        return fail_digest (outcome, name, declared, computed);
      note (list, name, computed, "server", outcome->has_decoded);
    }

  return NULL;
}

static TrdOutcome *
check_size (GVariant *options, GVariant *configuration, const TrdOutcome *outcome)
{
  guint64 size = outcome->has_decoded ? outcome->decoded : outcome->received;
  g_autoptr (GVariant) most = trundle_options_get_value (
      options, configuration, "max-bytes");
  g_autoptr (GVariant) expected = trundle_options_get_value (
      options, configuration, "expected-bytes");

  if (most != NULL && size > g_variant_get_uint64 (most))
    return fail_size (
        outcome, TRUNDLE_ERROR_TOO_LARGE, "The file is larger than it may be");
  if (expected != NULL && size != g_variant_get_uint64 (expected))
    return fail_size (outcome,
                      TRUNDLE_ERROR_INTEGRITY_FAILED,
                      "The file is not as large as it must be");

  return NULL;
}

TrdOutcome *
trd_proof_check (GVariant *options,
                 GVariant *configuration,
                 const TrdOutcome *outcome,
                 GVariant **out_integrity)
{
  g_auto (GVariantBuilder) list = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) digests = NULL;
  TrdOutcome *failure = check_size (options, configuration, outcome);

  if (failure == NULL)
    failure = check_promised (options, outcome, &list);
  if (failure == NULL)
    failure = check_declared (outcome, &list);
  if (failure != NULL)
    return failure;

  digests = g_variant_ref_sink (g_variant_builder_end (&list));
  *out_integrity = NULL;
  if (g_variant_n_children (digests) > 0)
    g_variant_dict_insert_value (&dict, "digests", digests);
  if (outcome->has_decoded)
    g_variant_dict_insert (&dict, "decoded", "b", TRUE);
  if (g_variant_n_children (digests) > 0 || outcome->has_decoded)
    *out_integrity = g_variant_ref_sink (g_variant_dict_end (&dict));

  return NULL;
}
