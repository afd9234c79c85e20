/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The digest algorithms we know, in one table.  Computing them is the worker's. */

#include "config.h"

#include "common/digest.h"

#include <string.h>

static const TrundleDigest digests[] = {
  { "sha512", "sha-512", "sha-512", 64, FALSE },
  { "sha256", "sha-256", "sha-256", 32, FALSE },
  { "sha384", "sha-384", "sha-384", 48, FALSE },
  { "sha224", "sha-224", "sha-224", 28, FALSE },
  { "sha1", "sha", "sha", 20, TRUE },
  { "md5", "md5", "md5", 16, TRUE },
};

const TrundleDigest *
trundle_digest_all (gsize *out_n)
{
  *out_n = G_N_ELEMENTS (digests);
  return digests;
}

const TrundleDigest *
trundle_digest_find (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (digests); i++)
    {
      if (strcmp (digests[i].name, name) == 0)
        return &digests[i];
    }
  return NULL;
}

GBytes *
trundle_digest_from_hex (const TrundleDigest *self, const char *hex)
{
  g_autofree guint8 *bytes = NULL;

  if (strlen (hex) != 2 * self->size)
    return NULL;

  bytes = g_malloc (self->size);
  for (gsize i = 0; i < self->size; i++)
    {
      int high = g_ascii_xdigit_value (hex[2 * i]);
      int low = g_ascii_xdigit_value (hex[2 * i + 1]);

      if (high < 0 || low < 0)
        return NULL;
      bytes[i] = (guint8)(high << 4 | low);
    }
  return g_bytes_new_take (g_steal_pointer (&bytes), self->size);
}

char *
trundle_digest_to_hex (gconstpointer data, gsize size)
{
  const guint8 *bytes = data;
  GString *hex = g_string_sized_new (2 * size);

  for (gsize i = 0; i < size; i++)
    g_string_append_printf (hex, "%02x", bytes[i]);
  return g_string_free (hex, FALSE);
}
