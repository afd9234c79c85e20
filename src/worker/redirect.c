/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Redirects by our own rules (libsoup's forward custom secrets to strangers, follow https
 * to http and know another method table).  Pure: no network, no state.  What of a request
 * is sent to the next hop is decided in attempt.c from `same_origin`. */

#include "config.h"

#include "redirect.h"

#include "common/error.h"
#include "common/url.h"

#include <string.h>

#define URI_FLAGS                                                                        \
  (G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE)

/* RFC 9110 §15.4: 300 needs somebody to choose, 304 is about a cache, 305 and 306 are
 * dead. */
static gboolean
is_redirect (guint status)
{
  return status == 301 || status == 302 || status == 303 || status == 307
         || status == 308;
}

static const char *
next_method (guint status, const char *method)
{
  if (status == 303)
    return g_str_equal (method, "HEAD") ? method : "GET";
  if ((status == 301 || status == 302) && g_str_equal (method, "POST"))
    return "GET";
  return method;
}

/* Servers put spaces and raw UTF-8 into Location, and browsers taught them that it works.
 * NULL when there are control characters: nobody means these. */
static char *
escape_location (const char *location)
{
  g_autoptr (GString) escaped = g_string_sized_new (strlen (location));

  for (const guchar *p = (const guchar *)location; *p != '\0'; p++)
    {
      if (*p < 0x20 || *p == 0x7f)
        return NULL;
      if (*p == ' ' || *p >= 0x80 || strchr ("\"<>\\^`{|}", *p) != NULL)
        g_string_append_printf (escaped, "%%%02X", *p);
      else
        g_string_append_c (escaped, (char)*p);
    }
  return g_string_free (g_steal_pointer (&escaped), FALSE);
}

/* RFC 9110 §10.2.2: a fragment is inherited unless the target has one.  User info never
 * comes from a server: it would be a secret of somebody else's choosing. */
static GUri *
finish_target (GUri *target, GUri *base, GError **error)
{
  const char *fragment = g_uri_get_fragment (target);
  g_autofree char *text = NULL;

  if (fragment == NULL)
    fragment = g_uri_get_fragment (base);
  if (g_uri_get_host (target) == NULL)
    {
      g_set_error_literal (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_URL, "No host");
      return NULL;
    }
  text = g_uri_join (URI_FLAGS,
                     g_uri_get_scheme (target),
                     NULL,
                     g_uri_get_host (target),
                     g_uri_get_port (target),
                     g_uri_get_path (target),
                     g_uri_get_query (target),
                     fragment);
  return trundle_url_parse (text, error);
}

static GUri *
resolve_location (const TrwHop *hop, GError **error)
{
  g_autofree char *escaped = NULL;
  g_autoptr (GUri) target = NULL;
  g_autoptr (GUri) finished = NULL;

  if (hop->location != NULL && hop->location[0] != '\0')
    escaped = escape_location (hop->location);
  if (escaped != NULL)
    target = g_uri_parse_relative (hop->uri, escaped, URI_FLAGS, NULL);
  if (target != NULL)
    finished = finish_target (target, hop->uri, NULL);
  if (finished == NULL)
    {
      g_set_error (error,
                   TRUNDLE_ERROR,
                   TRUNDLE_ERROR_BAD_REDIRECT,
                   hop->location == NULL
                       ? "The server answered %u without saying where to"
                       : "The server answered %u with an unusable address",
                   hop->status);
      return NULL;
    }
  return g_steal_pointer (&finished);
}

static gboolean
is_downgrade (GUri *from, GUri *to)
{
  return g_str_equal (g_uri_get_scheme (from), "https")
         && g_str_equal (g_uri_get_scheme (to), "http");
}

void
trw_next_hop_clear (TrwNextHop *self)
{
  g_clear_pointer (&self->uri, g_uri_unref);
}

TrwRedirectVerdict
trw_redirect_judge (const TrwRedirectRules *rules,
                    const TrwHop *hop,
                    TrwNextHop *out_next,
                    GError **error)
{
  g_autoptr (GUri) target = NULL;
  gboolean same_origin;

  if (!is_redirect (hop->status) || rules->policy == TRW_REDIRECTS_NONE)
    return TRW_REDIRECT_FINAL;
  target = resolve_location (hop, error);
  if (target == NULL)
    return TRW_REDIRECT_FAIL;
  same_origin = trundle_url_is_same_origin (hop->uri, target);
  if (rules->policy == TRW_REDIRECTS_SAME_ORIGIN && !same_origin)
    return TRW_REDIRECT_FINAL;

  out_next->uri = g_steal_pointer (&target);
  out_next->method = next_method (hop->status, hop->method);
  out_next->same_origin = same_origin;
  if (is_downgrade (hop->uri, out_next->uri) && !rules->allow_insecure)
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_INSECURE_TRANSPORT,
                           "The server redirects from https to http");
      return TRW_REDIRECT_FAIL;
    }
  if (hop->n_followed >= rules->max)
    {
      g_set_error (error,
                   TRUNDLE_ERROR,
                   TRUNDLE_ERROR_TOO_MANY_REDIRECTS,
                   "More than %u redirects",
                   rules->max);
      return TRW_REDIRECT_FAIL;
    }
  return TRW_REDIRECT_FOLLOW;
}

gboolean
trw_redirect_policy_from_word (const char *word, TrwRedirectPolicy *out_policy)
{
  static const char *const words[] = { "follow", "same-origin", "none" };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      if (g_str_equal (word, words[i]))
        {
          *out_policy = (TrwRedirectPolicy)i;
          return TRUE;
        }
    }
  return FALSE;
}
