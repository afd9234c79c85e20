/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Extra trust anchors of a task: asked only about a certificate that the system's trust
 * store refused, and accepted only when nothing at all is wrong with it by them. */

#include "config.h"

#include "trust.h"

#include "common/error.h"

#include <string.h>

#define BEGIN_MARK "-----BEGIN CERTIFICATE-----"
#define END_MARK "-----END CERTIFICATE-----"

/* g_tls_certificate_new_from_pem() gives the first certificate only, with the others as a
 * chain above it when they are one: so each is cut out. */
static GTlsCertificate *
parse_next (const char **pem, GError **error)
{
  const char *begin = strstr (*pem, BEGIN_MARK);
  const char *end = begin != NULL ? strstr (begin, END_MARK) : NULL;

  if (end == NULL)
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_INVALID_ARGUMENT,
                           "ca-certificates: no certificate in PEM");
      return NULL;
    }
  end += strlen (END_MARK);
  *pem = end;
  return g_tls_certificate_new_from_pem (begin, end - begin, error);
}

GPtrArray *
trw_trust_parse (const char *pem, GError **error)
{
  g_autoptr (GPtrArray) anchors = g_ptr_array_new_with_free_func (g_object_unref);

  do
    {
      g_autoptr (GError) local_error = NULL;
      GTlsCertificate *anchor = parse_next (&pem, &local_error);

      if (anchor == NULL)
        {
          g_set_error_literal (error,
                               TRUNDLE_ERROR,
                               TRUNDLE_ERROR_INVALID_ARGUMENT,
                               "ca-certificates: not a certificate in PEM");
          return NULL;
        }
      g_ptr_array_add (anchors, anchor);
    }
  while (strstr (pem, BEGIN_MARK) != NULL);
  return g_steal_pointer (&anchors);
}

gboolean
trw_trust_verify (GPtrArray *anchors,
                  GTlsCertificate *chain,
                  GSocketConnectable *identity,
                  GTlsCertificateFlags *out_flags)
{
  for (guint i = 0; i < anchors->len; i++)
    {
      GTlsCertificateFlags flags = g_tls_certificate_verify (
          chain, identity, g_ptr_array_index (anchors, i));

      if (flags == 0)
        return TRUE;
      if (i == 0 || (flags & G_TLS_CERTIFICATE_UNKNOWN_CA) == 0)
        *out_flags = flags;
    }
  return FALSE;
}
