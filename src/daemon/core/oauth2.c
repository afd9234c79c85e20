/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "core/oauth2.h"

#include "common/error.h"
#include "common/vocabulary.h"

#define OAUTH2 "oauth2"

static GVariant *
look_up (GVariant *dict)
{
  return dict != NULL ? g_variant_lookup_value (dict, OAUTH2, G_VARIANT_TYPE_VARDICT)
                      : NULL;
}

gboolean
trd_oauth2_may_ask (GVariant *oauth2, gboolean allow_insecure)
{
  const char *url = "";

  g_variant_lookup (oauth2, "token-url", "&s", &url);
  return allow_insecure || g_ascii_strncasecmp (url, "https:", 6) == 0;
}

gboolean
trd_oauth2_check (GVariant *options, GVariant *first, GVariant *second, GError **error)
{
  g_autoptr (GVariant) oauth2 = look_up (options);

  if (oauth2 == NULL
      || trd_oauth2_may_ask (
          oauth2, trundle_options_get_boolean (first, second, "allow-insecure-auth")))
    return TRUE;

  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_INVALID_ARGUMENT,
                       "Option “token-url” of “oauth2” must be an address of https, or "
                       "“allow-insecure-auth” be given");
  return FALSE;
}

GVariant *
trd_oauth2_find (GVariant *task_secrets, GVariant *session_secrets)
{
  GVariant *oauth2 = look_up (task_secrets);

  return oauth2 != NULL ? oauth2 : look_up (session_secrets);
}

/* What a task is told of those on the way to any server; but for its own. */
static void
add_way (GVariantDict *dict, GVariant *request)
{
  static const char *const keys[] = {
    "ca-certificates", "trusted-certificates", "client-certificates",
    "proxies",         "proxy-exclusions",     "allow-insecure-auth",
    "request-timeout", "connect-timeout",      "first-byte-timeout",
    "connections",
  };
  g_autoptr (GVariant) credentials = g_variant_lookup_value (
      request, "credentials", G_VARIANT_TYPE ("aa{sv}"));
  g_auto (GVariantBuilder) of_proxies = G_VARIANT_BUILDER_INIT (
      G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (request, keys[i], NULL);

      if (value != NULL)
        g_variant_dict_insert_value (dict, keys[i], value);
    }
  for (gsize i = 0; credentials != NULL && i < g_variant_n_children (credentials); i++)
    {
      g_autoptr (GVariant) one = g_variant_get_child_value (credentials, i);
      gboolean is_proxy = FALSE;

      if (g_variant_lookup (one, "is-proxy", "b", &is_proxy) && is_proxy)
        g_variant_builder_add_value (&of_proxies, one);
    }
  g_variant_dict_insert_value (dict, "credentials", g_variant_builder_end (&of_proxies));
}

GVariant *
trd_oauth2_compose (GVariant *oauth2, GVariant *request)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  const char *key;
  GVariant *value;
  GVariantIter iter;

  add_way (&dict, request);
  g_variant_iter_init (&iter, oauth2);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    g_variant_dict_insert_value (
        &dict, g_str_equal (key, "token-url") ? "url" : key, value);

  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

GVariant *
trd_oauth2_rotate (GVariant *oauth2, const char *token)
{
  return trundle_options_with (oauth2, "refresh-token", g_variant_new_string (token));
}
