/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which parts of what an app says are secrets, in one table.  Everything else may be
 * stored, shown to the user and told in signals; these may not (law 9). */

#include "config.h"

#include "core/secret-options.h"

#include "common/error.h"
#include "common/url.h"
#include "common/vocabulary.h"

#include <string.h>

#define AUTHORIZATION "Authorization"

/* ---- splitting ---- */

/* Headers by name; NULL for a part without any. */
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

/* An address with user info is a secret as a whole; without, it may be shown. */
static void
split_address (GVariant *value, GVariant **out_plain, GVariant **out_secret)
{
  g_autofree char *user_info = NULL;
  g_autofree char *bare = trundle_url_without_user_info (
      g_variant_get_string (value, NULL), &user_info);

  *out_plain = g_variant_ref_sink (g_variant_new_string (bare));
  *out_secret = user_info != NULL ? g_variant_ref (value) : NULL;
}

static void
split_nothing (GVariant *value, GVariant **out_plain, GVariant **out_secret)
{
  *out_plain = NULL;
  *out_secret = g_variant_ref (value);
}

static const struct
{
  const char *key;
  const char *type;
  void (*split) (GVariant *value, GVariant **out_plain, GVariant **out_secret);
} secret_keys[] = {
  { "headers", "a(ss)", split_headers }, { "proxy", "s", split_address },
  { "oauth2", "a{sv}", split_nothing },  { "user", "s", split_nothing },
  { "password", "s", split_nothing },
};

static int
compare_keys (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* In order of keys, so that what is the same compares as the same; NULL instead of an
 * empty dictionary.  (transfer full) (nullable) */
static GVariant *
end_secrets (GVariantDict *dict)
{
  g_autoptr (GVariant) secrets = g_variant_ref_sink (g_variant_dict_end (dict));
  g_autoptr (GPtrArray) keys = g_ptr_array_new ();
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  GVariantIter iter;
  const char *key;

  g_variant_iter_init (&iter, secrets);
  while (g_variant_iter_next (&iter, "{&sv}", &key, NULL))
    g_ptr_array_add (keys, (gpointer)key);
  if (keys->len == 0)
    return NULL;

  g_ptr_array_sort (keys, compare_keys);
  for (guint i = 0; i < keys->len; i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (
          secrets, g_ptr_array_index (keys, i), NULL);

      g_variant_builder_add (&builder, "{sv}", g_ptr_array_index (keys, i), value);
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

GVariant *
trd_secret_options_split (GVariant *options, GVariant **out_secrets)
{
  g_autoptr (GVariant) rest = g_variant_ref (options);
  g_auto (GVariantDict) secrets = G_VARIANT_DICT_INIT (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (secret_keys); i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (
          options, secret_keys[i].key, G_VARIANT_TYPE (secret_keys[i].type));
      g_autoptr (GVariant) plain = NULL;
      g_autoptr (GVariant) secret = NULL;
      g_autoptr (GVariant) before = NULL;

      if (value == NULL)
        continue;
      secret_keys[i].split (value, &plain, &secret);
      if (secret == NULL)
        continue;

      g_variant_dict_insert_value (&secrets, secret_keys[i].key, secret);
      before = g_steal_pointer (&rest);
      rest = trundle_options_with (before, secret_keys[i].key, plain);
    }

  *out_secrets = end_secrets (&secrets);
  return g_steal_pointer (&rest);
}

/* ---- putting together ---- */

GVariant *
trd_secret_options_get_headers (GVariant *secrets)
{
  if (secrets == NULL)
    return NULL;

  return g_variant_lookup_value (secrets, "headers", G_VARIANT_TYPE ("a(ss)"));
}

static gboolean
has_user (GVariant *secrets)
{
  return g_variant_lookup (secrets, "user", "&s", NULL);
}

gboolean
trd_secret_options_add_user_info (GVariant *secrets,
                                  const char *user_info,
                                  GVariant **out_secrets,
                                  GError **error)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (secrets);
  g_autoptr (GVariant) headers = trd_secret_options_get_headers (secrets);
  const char *colon = strchr (user_info, ':');
  g_autofree char *user = NULL;
  g_autofree char *password = NULL;

  if (*user_info == '\0' || trd_headers_have (headers, AUTHORIZATION)
      || (secrets != NULL && has_user (secrets)))
    {
      *out_secrets = secrets != NULL ? g_variant_ref (secrets) : NULL;
      return TRUE;
    }

  user = g_uri_unescape_segment (user_info, colon, NULL);
  password = g_uri_unescape_string (colon != NULL ? &colon[1] : "", NULL);
  if (user == NULL || password == NULL || !g_utf8_validate (user, -1, NULL)
      || !g_utf8_validate (password, -1, NULL))
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_INVALID_URL,
                           "The user info of the address is not text in UTF-8");
      return FALSE;
    }

  g_variant_dict_insert (&dict, "user", "s", user);
  g_variant_dict_insert (&dict, "password", "s", password);
  *out_secrets = end_secrets (&dict);
  return TRUE;
}

static GVariant *
without_header (GVariant *headers, const char *name)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ss)"));
  const char *other;
  const char *value;
  GVariantIter iter;

  g_variant_iter_init (&iter, headers);
  while (g_variant_iter_next (&iter, "(&s&s)", &other, &value))
    if (g_ascii_strcasecmp (name, other) != 0)
      g_variant_builder_add (&builder, "(ss)", other, value);

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

/* Both say who is there; the upper one is meant. */
static void
merge_headers (GVariantDict *dict, GVariant *above, GVariant *below)
{
  g_autoptr (GVariant) upper = trd_secret_options_get_headers (above);
  g_autoptr (GVariant) lower = trd_secret_options_get_headers (below);
  g_autoptr (GVariant) merged = NULL;

  if (trd_headers_have (upper, AUTHORIZATION) && !has_user (above))
    {
      g_variant_dict_remove (dict, "user");
      g_variant_dict_remove (dict, "password");
    }
  if (has_user (above) && lower != NULL)
    {
      g_autoptr (GVariant) all = g_steal_pointer (&lower);

      lower = without_header (all, AUTHORIZATION);
    }

  merged = g_variant_ref_sink (trd_headers_merge (upper, lower, NULL));
  if (g_variant_n_children (merged) > 0)
    g_variant_dict_insert_value (dict, "headers", merged);
  else
    g_variant_dict_remove (dict, "headers");
}

GVariant *
trd_secret_options_merge (GVariant *above, GVariant *below)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (below);
  const char *key;
  GVariant *value;
  GVariantIter iter;

  if (above == NULL)
    return below != NULL ? g_variant_ref (below) : NULL;

  g_variant_iter_init (&iter, above);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    g_variant_dict_insert_value (&dict, key, value);
  merge_headers (&dict, above, below);

  return end_secrets (&dict);
}

gboolean
trd_secret_options_are_alike (GVariant *options, GVariant *others)
{
  for (guint i = 0; i < G_N_ELEMENTS (secret_keys); i++)
    {
      const char *key = secret_keys[i].key;
      g_autoptr (GVariant) value = g_variant_lookup_value (options, key, NULL);
      g_autoptr (GVariant) other = g_variant_lookup_value (others, key, NULL);

      if (value != other
          && (value == NULL || other == NULL || !g_variant_equal (value, other)))
        return FALSE;
    }

  return TRUE;
}

gboolean
trd_secret_options_are_touched (GVariant *options)
{
  for (guint i = 0; i < G_N_ELEMENTS (secret_keys); i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (
          options, secret_keys[i].key, NULL);

      if (value != NULL)
        return TRUE;
    }

  return FALSE;
}

GVariant *
trd_secret_options_change (GVariant *plain,
                           GVariant *secrets,
                           GVariant *changes,
                           GVariant **out_secrets)
{
  g_auto (GVariantDict) rest = G_VARIANT_DICT_INIT (plain);
  g_auto (GVariantDict) hidden = G_VARIANT_DICT_INIT (secrets);
  g_autoptr (GVariant) fresh = NULL;
  g_autoptr (GVariant) stays = NULL;
  g_autoptr (GVariant) kept = trd_secret_options_split (changes, &fresh);
  const char *key;
  GVariant *value;
  GVariantIter iter;

  /* Either half of the old value goes, whichever the new one has. */
  for (guint i = 0; i < G_N_ELEMENTS (secret_keys); i++)
    {
      g_autoptr (GVariant) changed = g_variant_lookup_value (
          changes, secret_keys[i].key, NULL);

      if (changed == NULL)
        continue;
      g_variant_dict_remove (&rest, secret_keys[i].key);
      g_variant_dict_remove (&hidden, secret_keys[i].key);
    }
  g_variant_iter_init (&iter, kept);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    g_variant_dict_insert_value (&rest, key, value);

  stays = end_secrets (&hidden);
  *out_secrets = trd_secret_options_merge (fresh, stays);
  return g_variant_ref_sink (g_variant_dict_end (&rest));
}

GVariant *
trd_secret_options_without (GVariant *secrets, const char *const *keys)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (secrets);

  for (guint i = 0; keys[i] != NULL; i++)
    g_variant_dict_remove (&dict, keys[i]);

  return end_secrets (&dict);
}

/* ---- headers ---- */

gboolean
trd_headers_have (GVariant *headers, const char *name)
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

GVariant *
trd_headers_merge (GVariant *above, GVariant *below, GVariant *other)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ss)"));
  const char *name;
  const char *value;
  GVariantIter iter;

  if (below != NULL)
    {
      g_variant_iter_init (&iter, below);
      while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
        if (!trd_headers_have (above, name) && !trd_headers_have (other, name))
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
