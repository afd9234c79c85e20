/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who we are, and for whom: a credential is for one origin or one proxy, and nobody else
 * ever sees it.  Pure. */

#include "config.h"

#include "credential.h"

#include "common/error.h"
#include "common/url.h"

#include <string.h>

/* A session may know any number of servers; no app has so many. */
#define CREDENTIALS_MAX 10000

static const char *const methods[] = {
  [TRW_METHOD_NEGOTIATE] = "negotiate",
  [TRW_METHOD_DIGEST] = "digest",
  [TRW_METHOD_BEARER] = "bearer",
  [TRW_METHOD_BASIC] = "basic",
};

const char *
trw_method_to_word (TrwMethod method)
{
  return methods[method];
}

gboolean
trw_method_from_word (const char *word, TrwMethod *out_method)
{
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      if (g_ascii_strcasecmp (word, methods[i]) == 0)
        {
          *out_method = (TrwMethod)i;
          return TRUE;
        }
    }
  return FALSE;
}

/* Parties */

gboolean
trw_party_init (TrwParty *self, GUri *uri, gboolean is_proxy)
{
  const char *host = g_uri_get_host (uri);
  const char *protocol = g_uri_get_scheme (uri);
  guint port;

  /* What the system's settings call "socks" GIO (2.74) tries by this first. */
  if (g_str_equal (protocol, "socks"))
    protocol = "socks5";
  port = g_uri_get_port (uri) > 0 ? (guint)g_uri_get_port (uri)
                                  : trundle_scheme_get_port (protocol);
  if (port == 0 || host == NULL || *host == '\0')
    return FALSE;
  self->is_proxy = is_proxy;
  self->protocol = g_strdup (protocol);
  self->host = g_ascii_strdown (host, -1);
  self->port = port;
  return TRUE;
}

void
trw_party_clear (TrwParty *self)
{
  g_clear_pointer (&self->protocol, g_free);
  g_clear_pointer (&self->host, g_free);
}

void
trw_party_free (TrwParty *self)
{
  trw_party_clear (self);
  g_free (self);
}

gboolean
trw_party_equal (const TrwParty *first, const TrwParty *second)
{
  return !first->is_proxy == !second->is_proxy && first->port == second->port
         && g_str_equal (first->protocol, second->protocol)
         && g_str_equal (first->host, second->host);
}

gboolean
trw_party_is_secure (const TrwParty *self)
{
  return g_str_equal (self->protocol, "https");
}

/* Credentials */

TrwCredential *
trw_credential_copy (const TrwCredential *self)
{
  TrwCredential *copy = g_memdup2 (self, sizeof *self);

  copy->party.protocol = g_strdup (self->party.protocol);
  copy->party.host = g_strdup (self->party.host);
  copy->realm = g_strdup (self->realm);
  copy->user = g_strdup (self->user);
  copy->password = g_strdup (self->password);
  copy->token = g_strdup (self->token);
  return copy;
}

void
trw_credential_free (TrwCredential *self)
{
  trw_party_clear (&self->party);
  g_free (self->realm);
  g_free (self->user);
  g_free (self->password);
  g_free (self->token);
  g_free (self);
}

static gboolean
read_party (TrwParty *self, GVariant *dict)
{
  static const char *const of_origin[] = { "http", "https", NULL };
  static const char *const of_proxy[] = { "http", "https", "socks5", NULL };
  const char *protocol = "";
  const char *host = "";

  g_variant_lookup (dict, "protocol", "&s", &protocol);
  g_variant_lookup (dict, "host", "&s", &host);
  g_variant_lookup (dict, "port", "u", &self->port);
  g_variant_lookup (dict, "is-proxy", "b", &self->is_proxy);
  self->protocol = g_strdup (protocol);
  self->host = g_ascii_strdown (host, -1);
  return *host != '\0' && self->port >= 1 && self->port <= G_MAXUINT16
         && g_strv_contains (self->is_proxy ? of_proxy : of_origin, protocol);
}

static void
lookup_text (GVariant *dict, const char *key, char **out_text)
{
  const char *text = "";

  g_variant_lookup (dict, key, "&s", &text);
  *out_text = g_strdup (text);
}

static TrwCredential *
read_credential (GVariant *dict)
{
  g_autoptr (TrwCredential) self = g_new0 (TrwCredential, 1);
  const char *method = "";

  if (!read_party (&self->party, dict))
    return NULL;
  g_variant_lookup (dict, "method", "&s", &method);
  self->has_method = *method != '\0';
  if (self->has_method && !trw_method_from_word (method, &self->method))
    return NULL;
  g_variant_lookup (dict, "realm", "s", &self->realm);
  lookup_text (dict, "user", &self->user);
  lookup_text (dict, "password", &self->password);
  lookup_text (dict, "token", &self->token);
  g_variant_lookup (dict, "generation", "u", &self->generation);
  g_variant_lookup (dict, "preemptive", "b", &self->is_preemptive);
  g_variant_lookup (dict, "insecure", "b", &self->is_explicit);
  return g_steal_pointer (&self);
}

GPtrArray *
trw_credentials_read (GVariant *given, GError **error)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (
      (GDestroyNotify)trw_credential_free);
  gsize n = given != NULL ? g_variant_n_children (given) : 0;

  for (gsize i = 0; i < n && n <= CREDENTIALS_MAX; i++)
    {
      g_autoptr (GVariant) dict = g_variant_get_child_value (given, i);
      TrwCredential *one = read_credential (dict);

      if (one == NULL)
        break;
      g_ptr_array_add (all, one);
    }
  if (all->len == n)
    return g_steal_pointer (&all);
  g_set_error_literal (error,
                       TRUNDLE_ERROR,
                       TRUNDLE_ERROR_INVALID_ARGUMENT,
                       "credentials: too many, or one that is for nobody");
  return NULL;
}

TrwCredential *
trw_credential_new_from_proxy (const char *url)
{
  g_autoptr (GUri) uri = g_uri_parse (
      url, G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_SCHEME_NORMALIZE, NULL);
  g_autoptr (TrwCredential) self = NULL;

  if (uri == NULL || g_uri_get_user (uri) == NULL)
    return NULL;
  self = g_new0 (TrwCredential, 1);
  if (!trw_party_init (&self->party, uri, TRUE))
    return NULL;
  self->user = g_strdup (g_uri_get_user (uri));
  self->password = g_strdup (g_uri_get_password (uri) != NULL ? g_uri_get_password (uri)
                                                              : "");
  self->token = g_strdup ("");
  self->is_explicit = TRUE;
  return g_steal_pointer (&self);
}

gboolean
trw_credential_fits (const TrwCredential *self,
                     const TrwParty *party,
                     TrwMethod method,
                     const char *realm)
{
  gboolean is_meant = self->has_method
                          ? self->method == method
                          : method == TRW_METHOD_BASIC || method == TRW_METHOD_DIGEST;

  return is_meant && trw_party_equal (&self->party, party)
         && (self->realm == NULL
             || g_str_equal (self->realm, realm != NULL ? realm : ""));
}

static gboolean
has_control_character (const char *text)
{
  for (const guchar *p = (const guchar *)text; *p != '\0'; p++)
    {
      if (*p < 0x20 || *p == 0x7f)
        return TRUE;
    }
  return FALSE;
}

static gboolean
is_visible (const char *text)
{
  for (const guchar *p = (const guchar *)text; *p != '\0'; p++)
    {
      if (*p <= 0x20 || *p >= 0x7f)
        return FALSE;
    }
  return *text != '\0';
}

gboolean
trw_credential_can_be_said (const TrwCredential *self, TrwMethod method)
{
  switch (method)
    {
    case TRW_METHOD_BASIC:
      return strchr (self->user, ':') == NULL && !has_control_character (self->user)
             && !has_control_character (self->password);
    case TRW_METHOD_DIGEST:
      return !has_control_character (self->user);
    case TRW_METHOD_BEARER:
      return is_visible (self->token);
    case TRW_METHOD_NEGOTIATE:
      return FALSE;
    }
  g_return_val_if_reached (FALSE);
}

char *
trw_credential_say (const TrwCredential *self, TrwMethod method)
{
  g_autofree char *pair = NULL;
  g_autofree char *encoded = NULL;

  if (method == TRW_METHOD_BEARER)
    return g_strconcat ("Bearer ", self->token, NULL);
  pair = g_strconcat (self->user, ":", self->password, NULL);
  encoded = g_base64_encode ((const guchar *)pair, strlen (pair));
  return g_strconcat ("Basic ", encoded, NULL);
}
