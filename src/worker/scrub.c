/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "scrub.h"

#include "common/url.h"

#include <string.h>

/* Looks for the secrets as they were sent, and for the parts they are made of: the word
 * behind the scheme, the password in it, each cookie.  A server that repeats them in
 * another form is not seen through. */

/* What is shorter is in every other word. */
#define MIN_SECRET 4

struct TrwScrub
{
  GPtrArray *secrets; /* (owned) (element-type utf8) */
  GHashTable *known;  /* (owned): the same ones */
};

static void
add (TrwScrub *self, const char *secret)
{
  char *copy;

  if (secret == NULL || strlen (secret) < MIN_SECRET
      || g_hash_table_contains (self->known, secret))
    return;
  copy = g_strdup (secret);
  g_ptr_array_add (self->secrets, copy);
  g_hash_table_add (self->known, copy);
}

static void
add_basic (TrwScrub *self, const char *encoded)
{
  gsize length;
  g_autofree guchar *decoded = g_base64_decode (encoded, &length);
  g_autofree char *text = g_strndup ((const char *)decoded, length);
  const char *colon = strchr (text, ':');

  if (colon == NULL)
    return;
  add (self, text);
  add (self, colon + 1);
}

static void
add_cookies (TrwScrub *self, const char *value)
{
  g_auto (GStrv) pairs = g_strsplit (value, ";", -1);

  for (char **pair = pairs; *pair != NULL; pair++)
    {
      const char *equals = strchr (*pair, '=');

      add (self, g_strstrip (equals != NULL ? (char *)equals + 1 : *pair));
    }
}

static void
add_header (TrwScrub *self, const char *name, const char *value)
{
  const char *space = strchr (value, ' ');

  add (self, value);
  if (g_ascii_strncasecmp (name, "Cookie", strlen ("Cookie")) == 0)
    add_cookies (self, value);
  else if (space != NULL)
    add (self, space + 1);
  if (g_ascii_strncasecmp (value, "Basic ", strlen ("Basic ")) == 0)
    add_basic (self, space + 1);
}

static void
add_credentials (TrwScrub *self, GPtrArray *credentials)
{
  for (guint i = 0; credentials != NULL && i < credentials->len; i++)
    {
      const TrwCredential *credential = g_ptr_array_index (credentials, i);
      g_autofree char *pair = g_strconcat (
          credential->user, ":", credential->password, NULL);
      g_autofree char *encoded = g_base64_encode ((const guchar *)pair, strlen (pair));

      add (self, credential->password);
      add (self, credential->token);
      add (self, encoded);
    }
}

TrwScrub *
trw_scrub_new (const TrwRequest *request)
{
  TrwScrub *self = g_new0 (TrwScrub, 1);
  GVariantIter iter;
  const char *name;
  const char *value;

  self->secrets = g_ptr_array_new_with_free_func (g_free);
  self->known = g_hash_table_new (g_str_hash, g_str_equal);
  g_variant_iter_init (&iter, request->secret_headers);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    add_header (self, name, value);
  add_credentials (self, request->credentials);
  add_credentials (self, request->of_proxies);
  return self;
}

void
trw_scrub_free (TrwScrub *self)
{
  if (self == NULL)
    return;

  g_hash_table_unref (self->known);
  g_ptr_array_unref (self->secrets);
  g_free (self);
}

void
trw_scrub_learn (TrwScrub *self, SoupMessageHeaders *sent)
{
  SoupMessageHeadersIter iter;
  const char *name;
  const char *value;

  soup_message_headers_iter_init (&iter, sent);
  while (soup_message_headers_iter_next (&iter, &name, &value))
    {
      if (trundle_header_is_secret (name))
        add_header (self, name, value);
    }
}

static void
scrub_bytes (const TrwScrub *self, char *data, gsize length)
{
  /* An empty body is at no address, where nothing may be looked for. */
  if (length == 0)
    return;

  for (guint i = 0; i < self->secrets->len; i++)
    {
      const char *secret = g_ptr_array_index (self->secrets, i);
      gsize n = strlen (secret);
      char *at = data;

      for (; (at = memmem (at, length - (gsize)(at - data), secret, n)) != NULL; at += n)
        memset (at, '*', n);
    }
}

/* A secret may be any bytes: what is left of @value need not be UTF-8. */
static GVariant *
scrub_string (const TrwScrub *self, GVariant *value)
{
  gsize length;
  g_autofree char *text = g_variant_dup_string (value, &length);

  scrub_bytes (self, text, length);
  return g_variant_new_take_string (g_utf8_make_valid (text, -1));
}

static GVariant *
scrub_body (const TrwScrub *self, GVariant *value)
{
  gsize length;
  gconstpointer data = g_variant_get_fixed_array (value, &length, 1);
  g_autofree char *copy = g_memdup2 (data, length);

  scrub_bytes (self, copy, length);
  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, copy, length, 1);
}

static GVariant *
scrub_headers (const TrwScrub *self, GVariant *headers)
{
  GVariantBuilder builder;
  GVariantIter iter;
  const char *name;
  GVariant *value;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ss)"));
  g_variant_iter_init (&iter, headers);
  while (g_variant_iter_loop (&iter, "(&s@s)", &name, &value))
    g_variant_builder_add (&builder, "(s@s)", name, scrub_string (self, value));
  return g_variant_builder_end (&builder);
}

/* Words of the interface and addresses stay as they are, and the name of the file, which
 * may be of the address. */
static GVariant *
scrub_value (const TrwScrub *self, const char *key, GVariant *value)
{
  static const char *const texts[] = { "reason", "message", "mime-type", NULL };

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT))
    return trw_scrub_facts (self, value);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE ("a(ss)")))
    return scrub_headers (self, value);
  if (g_str_equal (key, "error-body"))
    return scrub_body (self, value);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING) && g_strv_contains (texts, key))
    return scrub_string (self, value);
  return g_variant_ref (value);
}

GVariant *
trw_scrub_facts (const TrwScrub *self, GVariant *facts)
{
  g_autoptr (GVariant) given = g_variant_ref_sink (facts);
  GVariantBuilder builder;
  GVariantIter iter;
  const char *key;
  GVariant *value;

  if (self->secrets->len == 0)
    return g_steal_pointer (&given);

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_iter_init (&iter, given);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    {
      g_autoptr (GVariant) shown = g_variant_take_ref (scrub_value (self, key, value));

      g_variant_builder_add (&builder, "{sv}", key, shown);
    }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}
