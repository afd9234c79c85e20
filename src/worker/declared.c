/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What servers say of a file's digests, in this order of belief:
 *
 * Repr-Digest (RFC 9530 §3): of the whole representation, whatever part is sent.
 * Content-Digest (§2): of the content of this very answer: of the whole in a 200, of the
 *   range alone in a 206.
 * Digest (RFC 3230, obsolete): of the "instance", which is the whole representation.
 * Content-MD5 (RFC 2616 §14.15, obsolete): of the content.  Of an encoded answer it is
 *   not believed: servers that encode on the fly leave that of the plain file.
 *
 * All count the Content-Encoding in, as do we, who store what comes.  A field that cannot
 * be parsed says nothing (RFC 8941 §4.2); it does not make the file wrong. */

#include "config.h"

#include "declared.h"

#include "common/digest.h"
#include "response.h"

#include <string.h>

/* Structured fields, RFC 8941 §4.2, as far as a dictionary of byte sequences needs them:
 * all else is parsed to be skipped. */

static void
skip_spaces (const char **at, gboolean also_tabs)
{
  while (**at == ' ' || (also_tabs && **at == '\t'))
    (*at)++;
}

static gboolean
is_key_char (char c)
{
  return g_ascii_islower (c) || g_ascii_isdigit (c) || (c != '\0' && strchr ("_-.*", c));
}

/* (transfer full) (nullable) */
static char *
parse_key (const char **at)
{
  const char *start = *at;

  if (!g_ascii_islower (*start) && *start != '*')
    return NULL;
  while (is_key_char (**at))
    (*at)++;
  return g_strndup (start, (gsize)(*at - start));
}

static gboolean
skip_string (const char **at)
{
  for ((*at)++; **at != '"'; (*at)++)
    {
      if (**at == '\\' && (*at)[1] != '"' && (*at)[1] != '\\')
        return FALSE;
      if (**at == '\\')
        (*at)++;
      if (!g_ascii_isprint (**at))
        return FALSE;
    }
  (*at)++;
  return TRUE;
}

static void
skip_number (const char **at)
{
  while (g_ascii_isdigit (**at) || **at == '.' || **at == '-')
    (*at)++;
}

static void
skip_token (const char **at)
{
  while (g_ascii_isalnum (**at) || (**at != '\0' && strchr ("!#$%&'*+-.^_`|~:/", **at)))
    (*at)++;
}

/* @out_bytes: (nullable) (transfer full): text of a byte sequence. */
static gboolean
parse_item (const char **at, char **out_bytes)
{
  const char *end;

  if (**at == ':')
    {
      end = strchr (*at + 1, ':');
      if (end == NULL)
        return FALSE;
      if (out_bytes != NULL)
        *out_bytes = g_strndup (*at + 1, (gsize)(end - *at - 1));
      *at = end + 1;
      return TRUE;
    }
  if (**at == '"')
    return skip_string (at);
  if (**at == '?' && ((*at)[1] == '0' || (*at)[1] == '1'))
    *at += 2;
  else if (g_ascii_isdigit (**at) || **at == '-')
    skip_number (at);
  else if (g_ascii_isalpha (**at) || **at == '*')
    skip_token (at);
  else
    return FALSE;
  return TRUE;
}

static gboolean
skip_parameters (const char **at)
{
  while (**at == ';')
    {
      g_autofree char *key = NULL;

      (*at)++;
      skip_spaces (at, FALSE);
      key = parse_key (at);
      if (key == NULL)
        return FALSE;
      if (**at != '=')
        continue;
      (*at)++;
      if (!parse_item (at, NULL))
        return FALSE;
    }
  return TRUE;
}

static gboolean
skip_inner_list (const char **at)
{
  (*at)++;
  for (;;)
    {
      skip_spaces (at, FALSE);
      if (**at == ')')
        break;
      if (!parse_item (at, NULL) || !skip_parameters (at) || (**at != ' ' && **at != ')'))
        return FALSE;
    }
  (*at)++;
  return TRUE;
}

static gboolean
parse_member (const char **at, GHashTable *members)
{
  g_autofree char *key = parse_key (at);
  g_autofree char *bytes = NULL;

  if (key == NULL)
    return FALSE;
  if (**at == '=')
    {
      (*at)++;
      if (!(**at == '(' ? skip_inner_list (at) : parse_item (at, &bytes)))
        return FALSE;
    }
  if (!skip_parameters (at))
    return FALSE;
  /* The last one counts, also when it is of another type. */
  g_hash_table_replace (members, g_steal_pointer (&key), g_steal_pointer (&bytes));
  return TRUE;
}

/* Byte sequences by key.  (transfer full) (nullable) */
static GHashTable *
parse_dictionary (const char *text)
{
  g_autoptr (GHashTable) members = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, g_free);
  const char *at = text;

  skip_spaces (&at, FALSE);
  while (*at != '\0')
    {
      if (!parse_member (&at, members))
        return NULL;
      skip_spaces (&at, TRUE);
      if (*at == '\0')
        break;
      if (*at++ != ',')
        return NULL;
      skip_spaces (&at, TRUE);
      if (*at == '\0')
        return NULL;
    }
  return g_steal_pointer (&members);
}

/* Digests */

/* g_base64_decode() (2.74) passes over what is no base64.  Padding may be missing (RFC
 * 8941 §4.2.7).  (transfer full) (nullable) */
static GBytes *
decode_digest (const TrundleDigest *digest, const char *text)
{
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789+/";
  gsize n = strspn (text, alphabet);
  gsize n_padding = strspn (text + n, "=");
  g_autofree char *padded = NULL;
  g_autofree guchar *bytes = NULL;
  gsize size = 0;

  if (text[n + n_padding] != '\0' || n % 4 == 1
      || (n_padding > 0 && (n_padding > 2 || (n + n_padding) % 4 != 0)))
    return NULL;
  padded = g_strdup_printf ("%.*s%.*s", (int)n, text, (int)((4 - n % 4) % 4), "==");
  bytes = g_base64_decode (padded, &size);
  if (size != digest->size)
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&bytes), size);
}

/* What is known already is believed more. */
static void
add (GHashTable *found, const TrundleDigest *digest, const char *text)
{
  g_autoptr (GBytes) bytes = NULL;

  if (text == NULL || g_hash_table_contains (found, digest->name))
    return;
  bytes = decode_digest (digest, text);
  if (bytes != NULL)
    g_hash_table_insert (found, (gpointer)digest->name, g_steal_pointer (&bytes));
}

static void
add_dictionary (GHashTable *found, const char *value)
{
  g_autoptr (GHashTable) members = value != NULL ? parse_dictionary (value) : NULL;
  const TrundleDigest *digests;
  gsize n;

  if (members == NULL)
    return;
  digests = trundle_digest_all (&n);
  for (gsize i = 0; i < n; i++)
    add (found, &digests[i], g_hash_table_lookup (members, digests[i].field));
}

/* "SHA-256=…,MD5=…" */
static void
add_old_list (GHashTable *found, const char *value)
{
  g_auto (GStrv) words = g_strsplit (value != NULL ? value : "", ",", -1);
  const TrundleDigest *digests;
  gsize n;

  digests = trundle_digest_all (&n);
  for (guint i = 0; words[i] != NULL; i++)
    {
      char *name = g_strstrip (words[i]);
      char *text = strchr (name, '=');

      if (text == NULL)
        continue;
      *text++ = '\0';
      for (gsize j = 0; j < n; j++)
        {
          if (g_ascii_strcasecmp (name, digests[j].old_field) == 0)
            add (found, &digests[j], text);
        }
    }
}

static GVariant *
to_variant (GHashTable *found)
{
  GVariantBuilder builder;
  GHashTableIter iter;
  gpointer name;
  gpointer bytes;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{say}"));
  g_hash_table_iter_init (&iter, found);
  while (g_hash_table_iter_next (&iter, &name, &bytes))
    g_variant_builder_add (
        &builder,
        "{s@ay}",
        name,
        g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE));
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

GVariant *
trw_declared_parse (SoupMessageHeaders *headers, gboolean is_part)
{
  g_autoptr (GHashTable) found = g_hash_table_new_full (
      g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_bytes_unref);
  const char *md5 = soup_message_headers_get_list (headers, "Content-MD5");

  add_dictionary (found, soup_message_headers_get_list (headers, "Repr-Digest"));
  if (!is_part)
    add_dictionary (found, soup_message_headers_get_list (headers, "Content-Digest"));
  add_old_list (found, soup_message_headers_get_list (headers, "Digest"));
  if (!is_part && md5 != NULL && trw_response_get_coding (headers) == NULL)
    add (found, trundle_digest_find ("md5"), md5);
  return to_variant (found);
}

const char *
trw_declared_choose (GVariant *declared)
{
  /* SHA-256 first: most processors have it built in, and nobody can forge it. */
  static const char *const names[] = { "sha256", "sha512", "sha384",
                                       "sha224", "sha1",   "md5" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (declared, names[i], NULL);

      if (value != NULL)
        return names[i];
    }
  return NULL;
}
