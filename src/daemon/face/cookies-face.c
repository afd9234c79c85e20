/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* SetCookies, GetCookies and ClearCookies.  Values go in and never come out (law 9). */

#include "config.h"

#include "face/cookies-face.h"

#include "common/cookies.h"
#include "common/url.h"
#include "common/vocabulary.h"

#include <string.h>

/* ---- from a dictionary to a cookie ---- */

static gboolean
fail (GError **error, const char *message)
{
  g_set_error_literal (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT, message);
  return FALSE;
}

/* RFC 6265 §5.1.4. */
static char *
get_default_path (GUri *uri)
{
  const char *path = g_uri_get_path (uri);
  const char *slash = strrchr (path, '/');

  return slash == NULL || slash == path ? g_strdup ("/")
                                        : g_strndup (path, (gsize)(slash - path));
}

/* An address is for its host alone, a domain for all hosts below it too. */
static gboolean
find_place (GVariant *given, char **out_domain, char **out_path, GError **error)
{
  g_autofree char *url = trundle_options_get_string (given, NULL, "url");
  g_autofree char *domain = trundle_options_get_string (given, NULL, "domain");
  g_autofree char *path = trundle_options_get_string (given, NULL, "path");
  g_autoptr (GUri) uri = NULL;

  if ((url == NULL) == (domain == NULL))
    return fail (error, "A cookie needs “url” or “domain”, and not both");
  if (url != NULL)
    {
      uri = trundle_url_parse (url, error);
      if (uri == NULL)
        return FALSE;
      *out_domain = g_strdup (g_uri_get_host (uri));
    }
  else
    {
      const char *host = *domain == '.' ? domain + 1 : domain;
      g_autofree char *lower = g_ascii_strdown (host, -1);

      if (strchr (lower, '.') == NULL)
        return fail (error, "The domain of a cookie must be below another");
      *out_domain = g_hostname_is_ip_address (lower) ? g_steal_pointer (&lower)
                                                     : g_strconcat (".", lower, NULL);
    }
  *out_path = path != NULL  ? g_steal_pointer (&path)
              : uri != NULL ? get_default_path (uri)
                            : g_strdup ("/");
  return TRUE;
}

static guint
read_flags (GVariant *given)
{
  g_autofree char *same_site = trundle_options_get_string (given, NULL, "same-site");
  guint flags = 0;

  if (trundle_options_get_boolean (given, NULL, "secure"))
    flags |= TRUNDLE_COOKIE_SECURE;
  if (trundle_options_get_boolean (given, NULL, "http-only"))
    flags |= TRUNDLE_COOKIE_HTTP_ONLY;
  if (strcmp (same_site, "lax") == 0)
    flags |= TRUNDLE_COOKIE_LAX;
  if (strcmp (same_site, "strict") == 0)
    flags |= TRUNDLE_COOKIE_STRICT;
  return flags;
}

/* Floating; NULL on error. */
static GVariant *
make_cookie (GVariant *given, GError **error)
{
  g_autofree char *name = trundle_options_get_string (given, NULL, "name");
  g_autofree char *value = trundle_options_get_string (given, NULL, "value");
  g_autofree char *domain = NULL;
  g_autofree char *path = NULL;
  gint64 expires_us = trundle_options_get_int64 (given, NULL, "expires");
  TrundleCookie cookie;

  if (name == NULL || value == NULL)
    {
      fail (error, "A cookie needs “name” and “value”");
      return NULL;
    }
  if (!find_place (given, &domain, &path, error))
    return NULL;
  cookie = (TrundleCookie){
    .name = name,
    .value = value,
    .domain = domain,
    .path = path,
    /* 0 would be never. */
    .expires_s = expires_us > 0 ? MAX (expires_us / G_USEC_PER_SEC, 1) : 0,
    .flags = read_flags (given),
  };
  if (!trundle_cookie_check (&cookie, error))
    return NULL;
  return trundle_cookie_new (&cookie);
}

static GVariant *
make_cookies (GVariant *dicts, GError **error)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (
      G_VARIANT_TYPE (TRUNDLE_COOKIES_TYPE));

  if (g_variant_n_children (dicts) > TRUNDLE_COOKIES_MAX)
    {
      g_set_error (error,
                   TRUNDLE_ERROR,
                   TRUNDLE_ERROR_LIMIT_EXCEEDED,
                   "A session may have %d cookies",
                   TRUNDLE_COOKIES_MAX);
      return NULL;
    }
  for (gsize i = 0; i < g_variant_n_children (dicts); i++)
    {
      g_autoptr (GVariant) dict = g_variant_get_child_value (dicts, i);
      g_autoptr (GVariant) checked = trundle_vocabulary_check (
          dict, TRUNDLE_SCOPE_COOKIE, error);
      GVariant *cookie = checked != NULL ? make_cookie (checked, error) : NULL;

      if (cookie == NULL)
        {
          g_prefix_error (error, "Cookie %" G_GSIZE_FORMAT ": ", i);
          return NULL;
        }
      g_variant_builder_add_value (&builder, cookie);
    }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

/* ---- and back, without its value ---- */

static const char *
show_same_site (guint flags)
{
  if (flags & TRUNDLE_COOKIE_STRICT)
    return "strict";
  return flags & TRUNDLE_COOKIE_LAX ? "lax" : "none";
}

/* The name of one that a server has set may be no text. */
static GVariant *
describe (const TrundleCookie *cookie)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *name = g_utf8_make_valid (cookie->name, -1);

  g_variant_dict_insert (&dict, "name", "s", name);
  g_variant_dict_insert (&dict, "domain", "s", cookie->domain);
  g_variant_dict_insert (&dict, "path", "s", cookie->path);
  g_variant_dict_insert (&dict, "expires", "x", cookie->expires_s * G_USEC_PER_SEC);
  g_variant_dict_insert (
      &dict, "secure", "b", (cookie->flags & TRUNDLE_COOKIE_SECURE) != 0);
  g_variant_dict_insert (
      &dict, "http-only", "b", (cookie->flags & TRUNDLE_COOKIE_HTTP_ONLY) != 0);
  g_variant_dict_insert (&dict, "same-site", "s", show_same_site (cookie->flags));
  return g_variant_dict_end (&dict);
}

/* @uri: (nullable): all. */
static GVariant *
describe_all (GVariant *cookies, GUri *uri)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (gsize i = 0; i < g_variant_n_children (cookies); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (cookies, i);
      TrundleCookie cookie;

      trundle_cookie_get (child, &cookie);
      if (uri == NULL || trundle_cookie_matches (&cookie, uri))
        g_variant_builder_add_value (&builder, describe (&cookie));
    }
  return g_variant_new ("(aa{sv})", &builder);
}

/* ---- the methods ---- */

static void
on_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  gboolean done = trd_cookies_set_finish (TRD_COOKIES (source), result, &error);

  trd_call_return_done (user_data, done, error);
}

void
trd_cookies_face_set (gpointer object, TrdCall *call)
{
  g_autoptr (GVariant) dicts = g_variant_get_child_value (call->parameters, 0);
  GError *error = NULL;
  g_autoptr (GVariant) cookies = make_cookies (dicts, &error);

  if (cookies == NULL)
    trd_call_return_error (call, error);
  else
    trd_cookies_set_async (trd_registry_get_cookies (trd_gate_get_registry (call->gate)),
                           object,
                           cookies,
                           on_set,
                           call);
}

typedef struct
{
  TrdCall *call; /* (owned) until it is answered */
  GUri *uri;     /* (owned) (nullable) */
} Listing;

static void
on_listed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Listing *self = user_data;
  g_autoptr (GUri) uri = self->uri;
  GError *error = NULL;
  g_autoptr (GVariant) cookies = trd_cookies_list_finish (
      TRD_COOKIES (source), result, &error);

  if (cookies == NULL)
    trd_call_return_error (self->call, error);
  else
    trd_call_return (self->call, describe_all (cookies, uri));
}

void
trd_cookies_face_get (gpointer object, TrdCall *call)
{
  const char *url;
  g_autoptr (GUri) uri = NULL;
  GError *error = NULL;
  Listing *self;

  g_variant_get (call->parameters, "(&s)", &url);
  if (*url != '\0')
    {
      uri = trundle_url_parse (url, &error);
      if (uri == NULL)
        {
          trd_call_return_error (call, error);
          return;
        }
    }
  self = g_new0 (Listing, 1);
  self->call = call;
  self->uri = g_steal_pointer (&uri);
  trd_cookies_list_async (trd_registry_get_cookies (trd_gate_get_registry (call->gate)),
                          object,
                          on_listed,
                          self);
}

static void
on_cleared (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  gboolean done = trd_cookies_clear_finish (TRD_COOKIES (source), result, &error);

  trd_call_return_done (user_data, done, error);
}

void
trd_cookies_face_clear (gpointer object, TrdCall *call)
{
  trd_cookies_clear_async (trd_registry_get_cookies (trd_gate_get_registry (call->gate)),
                           object,
                           on_cleared,
                           call);
}
