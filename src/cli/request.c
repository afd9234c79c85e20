/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What get and update ask for in the same words. */

#include "config.h"

#include "cli/request.h"

#include <glib/gi18n.h>

#include "cli/command.h"
#include "common/digest.h"
#include "common/url.h"

GVariant *
trc_request_read_headers (char **headers)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ss)"));

  for (guint i = 0; headers[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (headers[i], ":", 2);
      g_autoptr (GError) error = NULL;

      if (g_strv_length (parts) != 2)
        {
          trc_command_misuse (_ ("--header must be “NAME: VALUE”"));
          return NULL;
        }
      g_strstrip (parts[0]);
      g_strstrip (parts[1]);
      if (!trundle_header_check (parts[0], parts[1], &error))
        {
          trc_command_misuse ("%s", error->message);
          return NULL;
        }
      g_variant_builder_add (&builder, "(ss)", parts[0], parts[1]);
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

GVariant *
trc_request_read_digests (char **digests)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{ss}"));

  for (guint i = 0; digests[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (digests[i], ":", 2);
      const TrundleDigest *digest = parts[0] != NULL ? trundle_digest_find (parts[0])
                                                     : NULL;
      g_autoptr (GBytes) bytes = NULL;

      if (digest != NULL && parts[1] != NULL)
        bytes = trundle_digest_from_hex (digest, parts[1]);
      if (bytes == NULL || g_variant_dict_contains (&dict, parts[0]))
        {
          trc_command_misuse (_ ("--digest must be ALGORITHM:HEX, once an algorithm"));
          return NULL;
        }
      g_variant_dict_insert (&dict, parts[0], "b", TRUE);
      g_variant_builder_add (&builder, "{ss}", parts[0], parts[1]);
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

GVariant *
trc_request_read_range (const char *range)
{
  g_auto (GStrv) ends = g_strsplit (range, "-", -1);
  guint64 first;
  guint64 last;

  if (g_strv_length (ends) == 2
      && g_ascii_string_to_unsigned (ends[0], 10, 0, G_MAXINT64 - 1, &first, NULL))
    {
      if (*ends[1] == '\0')
        return g_variant_ref_sink (g_variant_new ("(tt)", first, (guint64)0));
      if (g_ascii_string_to_unsigned (ends[1], 10, first, G_MAXINT64 - 1, &last, NULL))
        return g_variant_ref_sink (g_variant_new ("(tt)", first, last - first + 1));
    }
  trc_command_misuse (_ ("--range must be like 0-99, or 100- for all that follows"));
  return NULL;
}
