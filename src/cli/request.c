/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What get and update ask for in the same words. */

#include "config.h"

#include "cli/request.h"

#include <glib/gi18n.h>
#include <string.h>

#include "cli/command.h"
#include "cli/print.h"
#include "common/digest.h"
#include "common/url.h"

#define HEADER_BYTES_MAX (64 * 1024)

/* A line of "Name: value" into @out; FALSE after it was told what is wrong. */
static gboolean
append_header (GString *out, const char *header, gsize length, const char *option)
{
  g_autofree char *line = g_strndup (header, length);
  g_auto (GStrv) parts = g_strsplit (line, ":", 2);
  g_autoptr (GError) error = NULL;
  gboolean is_fine = FALSE;

  if (g_strv_length (parts) != 2)
    trc_command_misuse (_ ("%s must be “NAME: VALUE”"), option);
  else if (!trundle_header_check (g_strstrip (parts[0]), g_strstrip (parts[1]), &error))
    trc_command_misuse ("%s", error->message);
  else
    {
      g_string_append_printf (out, "%s: %s\n", parts[0], parts[1]);
      is_fine = TRUE;
    }

  explicit_bzero (line, length);
  for (guint i = 0; parts[i] != NULL; i++)
    explicit_bzero (parts[i], strlen (parts[i]));
  return is_fine;
}

/* Empty lines mean nothing. */
static gboolean
append_file (GString *out, const char *file)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TrcSecret) lines = trc_secret_read (file, &error);
  gsize length;

  if (lines == NULL)
    {
      trc_command_complain ("%s", error->message);
      return FALSE;
    }
  for (const char *at = lines->bytes; *at != '\0';
       at += length + strspn (at + length, "\r\n"))
    {
      length = strcspn (at, "\r\n");
      if (length > 0 && !append_header (out, at, length, "--header-file"))
        return FALSE;
    }
  return TRUE;
}

TrcSecret *
trc_request_read_headers (char **headers, const char *file)
{
  /* Room for all that a request may have, so that it does not grow and leave copies. */
  g_autoptr (GString) out = g_string_sized_new (HEADER_BYTES_MAX);
  TrcSecret *lines = NULL;
  gboolean is_fine = file == NULL || append_file (out, file);

  for (guint i = 0; is_fine && headers != NULL && headers[i] != NULL; i++)
    is_fine = append_header (out, headers[i], strlen (headers[i]), "--header");
  if (is_fine)
    lines = trc_secret_new (out->str, out->len);
  explicit_bzero (out->str, out->len);
  return lines;
}

static gboolean
check_digest (char **parts)
{
  const TrundleDigest *digest;
  g_autoptr (GBytes) bytes = NULL;

  if (g_strv_length (parts) != 2)
    {
      trc_command_misuse (_ ("--digest must be ALGORITHM:HEX"));
      return FALSE;
    }

  digest = trundle_digest_find (parts[0]);
  if (digest == NULL)
    {
      g_autofree char *shown = trc_print_clean (parts[0]);

      trc_command_misuse (_ ("--digest: the algorithm is none of sha256, sha512, sha384, "
                             "sha224, sha1 and "
                             "md5: “%s”"),
                          shown);
      return FALSE;
    }

  bytes = trundle_digest_from_hex (digest, parts[1]);
  if (bytes == NULL)
    trc_command_misuse (_ ("--digest: a %s has %u hexadecimal digits"),
                        digest->name,
                        2 * (guint)digest->size);
  return bytes != NULL;
}

GVariant *
trc_request_read_digests (char **digests)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{ss}"));

  for (guint i = 0; digests[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (digests[i], ":", 2);

      if (!check_digest (parts))
        return NULL;
      if (g_variant_dict_contains (&dict, parts[0]))
        {
          trc_command_misuse (_ ("--digest is given twice for %s"), parts[0]);
          return NULL;
        }
      g_variant_dict_insert (&dict, parts[0], "b", TRUE);
      g_variant_builder_add (&builder, "{ss}", parts[0], parts[1]);
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

gboolean
trc_request_check_mirrors (char **mirrors)
{
  for (guint i = 0; mirrors[i] != NULL; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GUri) uri = trundle_url_parse (mirrors[i], &error);

      if (uri == NULL)
        trc_command_misuse ("--mirror: %s", error->message);
      else if (g_uri_get_userinfo (uri) != NULL)
        trc_command_misuse (_ ("--mirror must be an address without user and password"));
      else
        continue;
      return FALSE;
    }

  return TRUE;
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
