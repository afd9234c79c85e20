/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What uploads send. */

#include "config.h"

#include "face/bodies.h"

/* What is sent may come with the row itself when it is not longer. */
#define ROW_BYTES_MAX (64 * 1024)

static const char *const keys[] = { "body", "body-path", "body-bytes", "parts" };

static gboolean
fail_key (GError **error, const char *key, const char *why)
{
  g_set_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT, "%s: %s", key, why);
  return FALSE;
}

/* The key that says what is sent; NULL with @error set unless it is one. */
static const char *
find_key (GVariant *options, GError **error)
{
  const char *found = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (options, keys[i], NULL);

      if (value == NULL)
        continue;
      if (found != NULL)
        {
          g_set_error (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_INVALID_ARGUMENT,
                       "%s: cannot be given together with %s",
                       keys[i],
                       found);
          return NULL;
        }
      found = keys[i];
    }
  if (found == NULL)
    fail_key (error, "body", "missing, and body-path, body-bytes and parts as well");

  return found;
}

static void
send_bytes (TrdDraft *draft, GVariant *bytes)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_auto (GVariantDict) piece = G_VARIANT_DICT_INIT (NULL);

  draft->body_size = g_variant_n_children (bytes);
  if (draft->body_size > 0)
    {
      g_variant_dict_insert_value (&piece, "bytes", bytes);
      g_variant_builder_add_value (&builder, g_variant_dict_end (&piece));
    }
  draft->body = g_variant_ref_sink (g_variant_builder_end (&builder));
}

gboolean
trd_bodies_read (GVariant *options, TrdDraft *draft, GError **error)
{
  const char *key = find_key (options, error);
  g_autoptr (GVariant) bytes = NULL;

  if (key == NULL)
    return FALSE;
  if (!g_str_equal (key, "body-bytes"))
    return fail_key (error, key, "no source but body-bytes can be sent");

  bytes = g_variant_lookup_value (options, key, G_VARIANT_TYPE_BYTESTRING);
  if (g_variant_n_children (bytes) > ROW_BYTES_MAX)
    return fail_key (error, key, "too long");

  send_bytes (draft, bytes);
  return TRUE;
}
