/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "port/keyring-attributes.h"

/* The attributes of an item in a collection that was never unlocked since gnome-keyring
 * 42 started are hashed: the values of `host` and `xdg:schema` are then the MD5 sums in
 * `gkr:compat:hashed:host` and `gkr:compat:hashed:xdg:schema`, and `xdg:schema` itself is
 * org.freedesktop.Secret.Generic.  A search sees through that, but not for `xdg:schema`:
 * so that is not searched for, but looked at afterwards. */

#define SCHEMA "xdg:schema"
#define HASHED "gkr:compat:hashed:"

static void
add_all (GVariantBuilder *builder, GHashTable *attributes)
{
  GHashTableIter iter;
  gpointer name;
  gpointer value;

  g_hash_table_iter_init (&iter, attributes);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_variant_builder_add (builder, "{ss}", name, value);
}

GVariant *
trd_keyring_attributes_to_search (TrdVaultKind kind, GHashTable *attributes)
{
  GVariantBuilder builder;

  if (g_hash_table_size (attributes) == 0)
    return trd_keyring_attributes_to_item (kind, attributes);

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  add_all (&builder, attributes);
  return g_variant_builder_end (&builder);
}

GVariant *
trd_keyring_attributes_to_item (TrdVaultKind kind, GHashTable *attributes)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (&builder, "{ss}", SCHEMA, trd_vault_kind_get_schema (kind));
  add_all (&builder, attributes);
  return g_variant_builder_end (&builder);
}

/* Whether attribute @name is @value, as far as one can know. */
static gboolean
has_hashed (GVariant *attributes, const char *name, const char *value)
{
  g_autofree char *hashed_name = g_strconcat (HASHED, name, NULL);
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_MD5, value, -1);
  const char *hashed;

  return g_variant_lookup (attributes, hashed_name, "&s", &hashed)
         && g_ascii_strcasecmp (hashed, sum) == 0;
}

static gboolean
is_of_kind (GVariant *attributes, TrdVaultKind kind)
{
  const char *schema = trd_vault_kind_get_schema (kind);
  const char *told;

  return (g_variant_lookup (attributes, SCHEMA, "&s", &told)
          && g_str_equal (told, schema))
         || has_hashed (attributes, SCHEMA, schema);
}

GHashTable *
trd_keyring_attributes_from_item (TrdVaultKind kind,
                                  GHashTable *wanted,
                                  GVariant *attributes)
{
  const char *const *names = trd_vault_kind_get_attributes (kind);
  GHashTable *known;

  if (!g_variant_is_of_type (attributes, G_VARIANT_TYPE ("a{ss}"))
      || !is_of_kind (attributes, kind))
    return NULL;

  known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  for (; *names != NULL; names++)
    {
      const char *asked = g_hash_table_lookup (wanted, *names);
      const char *value;

      if (g_variant_lookup (attributes, *names, "&s", &value))
        g_hash_table_insert (known, g_strdup (*names), g_strdup (value));
      else if (asked != NULL && has_hashed (attributes, *names, asked))
        g_hash_table_insert (known, g_strdup (*names), g_strdup (asked));
    }
  return known;
}
