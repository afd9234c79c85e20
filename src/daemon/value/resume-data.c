/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Resume data as bytes: a GVariant in little-endian normal form, (magic, version,
 * payload, sha256 of these).  The envelope is the same for all versions, so that the data
 * of a newer one is told from damaged data; what is in the payload is the version's
 * affair.  Whether bytes are resume data is decided by making them again from what was
 * read and comparing. Pure. */

#include "config.h"

#include "value/resume-data.h"

#include "common/error.h"

#include <string.h>

#define MAGIC "trundle-resume-data"
#define VERSION 1
#define ENVELOPE G_VARIANT_TYPE ("(suayay)")
#define PAYLOAD G_VARIANT_TYPE ("(ssttx)")
#define TOKEN_LENGTH 32

void
trd_resume_data_free (TrdResumeData *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->token, g_free);
  g_clear_pointer (&self->url, g_free);
  g_free (self);
}

/* ---- making ---- */

/* The serialised form of @value, which is consumed if floating.  (transfer full) */
static GBytes *
serialise (GVariant *value)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (value);
  g_autoptr (GVariant) little = NULL;

  little = G_BYTE_ORDER == G_LITTLE_ENDIAN ? g_variant_ref (owned)
                                           : g_variant_byteswap (owned);
  return g_variant_get_data_as_bytes (little);
}

static GVariant *
new_bytes (GBytes *bytes)
{
  return g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

static GBytes *
digest_of (guint32 version, GBytes *payload)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  guint32 little = GUINT32_TO_LE (version);
  guint8 digest[32];
  gsize length = sizeof digest;
  gsize size;
  gconstpointer data = g_bytes_get_data (payload, &size);

  g_checksum_update (checksum, (const guchar *)MAGIC, strlen (MAGIC));
  g_checksum_update (checksum, (const guchar *)&little, sizeof little);
  g_checksum_update (checksum, data, size);
  g_checksum_get_digest (checksum, digest, &length);

  return g_bytes_new (digest, length);
}

static GBytes *
wrap (guint32 version, GBytes *payload)
{
  g_autoptr (GBytes) digest = digest_of (version, payload);

  return serialise (g_variant_new (
      "(su@ay@ay)", MAGIC, version, new_bytes (payload), new_bytes (digest)));
}

GBytes *
trd_resume_data_to_bytes (const TrdResumeData *self)
{
  g_autoptr (GBytes) payload = NULL;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (self->token != NULL && self->url != NULL, NULL);

  payload = serialise (g_variant_new (
      "(ssttx)", self->token, self->url, self->offset, self->total, self->created_us));
  return wrap (VERSION, payload);
}

/* ---- reading ---- */

static void
set_problem (GError **error, const char *problem)
{
  g_set_error (error,
               TRUNDLE_ERROR,
               TRUNDLE_ERROR_INVALID_RESUME_DATA,
               "The resume data %s",
               problem);
}

/* NULL for what is not in normal form.  (transfer full), not floating */
static GVariant *
deserialise (const GVariantType *type, GBytes *bytes)
{
  g_autoptr (GVariant) little = g_variant_ref_sink (
      g_variant_new_from_bytes (type, bytes, FALSE));

  if (!g_variant_is_normal_form (little))
    return NULL;

  return G_BYTE_ORDER == G_LITTLE_ENDIAN ? g_steal_pointer (&little)
                                         : g_variant_byteswap (little);
}

static gboolean
is_token (const char *text)
{
  return strlen (text) == TOKEN_LENGTH
         && strspn (text, "0123456789abcdef") == TOKEN_LENGTH;
}

static TrdResumeData *
read_payload (GBytes *payload)
{
  g_autoptr (GVariant) fields = deserialise (PAYLOAD, payload);
  g_autoptr (TrdResumeData) self = NULL;

  if (fields == NULL)
    return NULL;

  self = g_new0 (TrdResumeData, 1);
  g_variant_get (fields,
                 "(ssttx)",
                 &self->token,
                 &self->url,
                 &self->offset,
                 &self->total,
                 &self->created_us);
  return is_token (self->token) ? g_steal_pointer (&self) : NULL;
}

/* The payload and the version of an envelope that is whole; the magic was seen. */
static GBytes *
unwrap (GVariant *envelope, GBytes *bytes, guint32 *out_version)
{
  g_autoptr (GVariant) inner = g_variant_get_child_value (envelope, 2);
  g_autoptr (GBytes) payload = g_variant_get_data_as_bytes (inner);
  g_autoptr (GBytes) again = NULL;

  g_variant_get_child (envelope, 1, "u", out_version);
  again = wrap (*out_version, payload);

  return g_bytes_equal (bytes, again) ? g_steal_pointer (&payload) : NULL;
}

TrdResumeData *
trd_resume_data_from_bytes (GBytes *bytes, GError **error)
{
  g_autoptr (GVariant) envelope = NULL;
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (GBytes) again = NULL;
  g_autoptr (TrdResumeData) self = NULL;
  const char *magic = "";
  guint32 version = 0;

  g_return_val_if_fail (bytes != NULL, NULL);

  envelope = deserialise (ENVELOPE, bytes);
  if (envelope != NULL)
    g_variant_get_child (envelope, 0, "&s", &magic);
  if (!g_str_equal (magic, MAGIC))
    {
      set_problem (error, "is none of this service, or was cut");
      return NULL;
    }
  payload = unwrap (envelope, bytes, &version);
  if (payload == NULL)
    {
      set_problem (error, "is damaged");
      return NULL;
    }
  if (version > VERSION)
    {
      set_problem (error, "was made by a newer version of the service");
      return NULL;
    }

  self = version == VERSION ? read_payload (payload) : NULL;
  if (self != NULL)
    again = trd_resume_data_to_bytes (self);
  if (again == NULL || !g_bytes_equal (bytes, again))
    {
      set_problem (error, "makes no sense");
      return NULL;
    }

  return g_steal_pointer (&self);
}
