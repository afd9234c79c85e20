/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Certificates in words.  What stands in one was written by whoever wants to be trusted:
 * the fingerprint is of the bytes, and is there also when nothing else can be read. */

#include "config.h"

#include "cli/certificate.h"

#include <glib/gi18n.h>

#include "cli/print.h"

static const struct
{
  GTlsCertificateFlags flag;
  const char *text;
} faults[] = {
  { G_TLS_CERTIFICATE_UNKNOWN_CA, N_ ("nobody who is trusted vouches for it") },
  { G_TLS_CERTIFICATE_BAD_IDENTITY, N_ ("it belongs to a server of another name") },
  { G_TLS_CERTIFICATE_NOT_ACTIVATED, N_ ("it is not valid yet") },
  { G_TLS_CERTIFICATE_EXPIRED, N_ ("it has expired") },
  { G_TLS_CERTIFICATE_REVOKED, N_ ("it has been revoked") },
  { G_TLS_CERTIFICATE_INSECURE, N_ ("its algorithms are not secure any more") },
  { G_TLS_CERTIFICATE_GENERIC_ERROR, N_ ("it cannot be checked") },
};

/* (transfer full) (nullable): NULL for what is none, and without a TLS library */
static GTlsCertificate *
read_der (GVariant *der)
{
  GTlsBackend *backend = g_tls_backend_get_default ();
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  gsize length;
  const guint8 *data = g_variant_get_fixed_array (der, &length, 1);

  if (!g_tls_backend_supports_tls (backend))
    return NULL;
  g_byte_array_append (bytes, data, (guint)length);
  return g_initable_new (g_tls_backend_get_certificate_type (backend),
                         NULL,
                         NULL,
                         "certificate",
                         bytes,
                         NULL);
}

/* "1F:2E:…" of its SHA-256.  (transfer full) */
static char *
make_fingerprint (GVariant *der)
{
  gsize length;
  const guint8 *data = g_variant_get_fixed_array (der, &length, 1);
  g_autofree char *hex = g_compute_checksum_for_data (G_CHECKSUM_SHA256, data, length);
  GString *out = g_string_new (NULL);

  for (guint i = 0; hex[i] != '\0'; i++)
    {
      if (i > 0 && i % 2 == 0)
        g_string_append_c (out, ':');
      g_string_append_c (out, g_ascii_toupper (hex[i]));
    }
  return g_string_free (out, FALSE);
}

static void
append (GString *out, const char *indent, const char *title, const char *value)
{
  g_autofree char *clean = NULL;
  g_autofree char *fit = NULL;

  if (value == NULL || value[0] == '\0')
    return;
  clean = trc_print_clean (value);
  fit = trc_print_fit (title, MAX (12, trc_print_columns (title)));
  g_string_append_printf (out, "%s%s %s\n", indent, fit, clean);
}

static void
append_dates (GString *out, const char *indent, GTlsCertificate *certificate)
{
  g_autoptr (GDateTime) begin = g_tls_certificate_get_not_valid_before (certificate);
  g_autoptr (GDateTime) end = g_tls_certificate_get_not_valid_after (certificate);
  g_autofree char *from = NULL;
  g_autofree char *to = NULL;

  if (begin == NULL || end == NULL)
    return;
  from = trc_print_time (g_date_time_to_unix (begin) * G_USEC_PER_SEC);
  to = trc_print_time (g_date_time_to_unix (end) * G_USEC_PER_SEC);
  append (out, indent, _ ("Valid from"), from);
  append (out, indent, _ ("Valid until"), to);
}

/* Names and addresses that it is for. */
static void
append_names (GString *out, const char *indent, GTlsCertificate *certificate)
{
  g_autoptr (GPtrArray) names = g_tls_certificate_get_dns_names (certificate);
  g_autoptr (GPtrArray) addresses = g_tls_certificate_get_ip_addresses (certificate);
  g_autoptr (GString) list = g_string_new (NULL);

  for (guint i = 0; names != NULL && i < names->len; i++)
    {
      GBytes *name = g_ptr_array_index (names, i);
      gsize length;
      const char *text = g_bytes_get_data (name, &length);

      g_string_append_printf (
          list, "%s%.*s", list->len > 0 ? ", " : "", (int)length, text);
    }
  for (guint i = 0; addresses != NULL && i < addresses->len; i++)
    {
      g_autofree char *text = g_inet_address_to_string (g_ptr_array_index (addresses, i));

      g_string_append_printf (list, "%s%s", list->len > 0 ? ", " : "", text);
    }
  append (out, indent, _ ("For"), list->str);
}

void
trc_certificate_describe (GString *out, GVariant *der, const char *indent)
{
  g_autoptr (GTlsCertificate) certificate = read_der (der);
  g_autofree char *fingerprint = make_fingerprint (der);

  if (certificate != NULL)
    {
      g_autofree char *subject = g_tls_certificate_get_subject_name (certificate);
      g_autofree char *issuer = g_tls_certificate_get_issuer_name (certificate);

      append (out, indent, _ ("Subject"), subject);
      append_names (out, indent, certificate);
      append (out, indent, _ ("Issuer"), issuer);
      append_dates (out, indent, certificate);
    }
  append (out, indent, _ ("SHA-256"), fingerprint);
}

void
trc_certificate_describe_flags (GString *out, guint flags, const char *indent)
{
  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    if ((flags & faults[i].flag) != 0)
      g_string_append_printf (out, "%s%s\n", indent, _ (faults[i].text));
}
