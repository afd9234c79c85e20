/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Public keys as a trust store: what the one below calls sound is looked at too, and what
 * it knows of issuers is used. */

#include "config.h"

#include "certificates.h"
#include "pins.h"

#include "common/error.h"

typedef struct
{
  Certificates *certificates; /* (owned) */
  GTlsDatabase *parent;       /* (owned): trusts "root" */
  GTlsCertificate *chain;     /* (owned): "leaf" and "middle" */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  const CertificateKind middle = { "root", NULL, FALSE };
  const CertificateKind leaf = { "middle", "DNS:a.example", FALSE };
  g_autofree char *pem = NULL;
  g_autofree char *anchors = NULL;
  g_autoptr (GError) error = NULL;

  fixture->certificates = certificates_new ();
  certificates_add (fixture->certificates, "root", &(CertificateKind){ 0 });
  certificates_add (fixture->certificates, "other", &(CertificateKind){ 0 });
  certificates_add (fixture->certificates, "middle", &middle);
  certificates_add (fixture->certificates, "leaf", &leaf);
  anchors = certificates_path (fixture->certificates, "root.pem");
  fixture->parent = g_tls_file_database_new (anchors, &error);
  g_assert_no_error (error);
  pem = certificates_read (fixture->certificates, "leaf.pem middle.pem");
  fixture->chain = g_tls_certificate_new_from_pem (pem, -1, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_object (&fixture->chain);
  g_clear_object (&fixture->parent);
  g_clear_pointer (&fixture->certificates, certificates_free);
}

/* Those of a.example:443. */
static TrwPins *
make_pins (Fixture *fixture, const char *name)
{
  g_autofree char *pin = certificates_pin (fixture->certificates, name);
  g_autofree char *text = g_strdup_printf ("{'pins': <['%s']>}", pin);
  g_autoptr (GVariant) dict = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, text, NULL, NULL, NULL);
  g_autoptr (GUri) uri = g_uri_parse ("https://a.example/x", G_URI_FLAGS_NONE, NULL);
  g_autoptr (GError) error = NULL;
  TrwPins *pins = NULL;

  g_assert_true (trw_pins_read (dict, uri, NULL, &pins, &error));
  g_assert_no_error (error);
  trw_pins_set_parent (pins, fixture->parent);
  return pins;
}

static GTlsCertificateFlags
verify (Fixture *fixture, const char *name, const char *host, guint16 port)
{
  g_autoptr (TrwPins) pins = make_pins (fixture, name);
  g_autoptr (GSocketConnectable) identity = g_network_address_new (host, port);
  g_autoptr (GError) error = NULL;
  GTlsCertificateFlags flags;

  flags = g_tls_database_verify_chain (G_TLS_DATABASE (pins),
                                       fixture->chain,
                                       G_TLS_DATABASE_PURPOSE_AUTHENTICATE_SERVER,
                                       identity,
                                       NULL,
                                       G_TLS_DATABASE_VERIFY_NONE,
                                       NULL,
                                       &error);
  g_assert_no_error (error);
  return flags;
}

/* Nobody sends the root: that its key is pinned is known by the store. */
static void
test_right (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpuint (verify (fixture, "leaf", "a.example", 443), ==, 0);
  g_assert_cmpuint (verify (fixture, "middle", "a.example", 443), ==, 0);
  g_assert_cmpuint (verify (fixture, "root", "a.example", 443), ==, 0);
}

/* A trusted chain is refused all the same. */
static void
test_wrong (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpuint (
      verify (fixture, "other", "a.example", 443), ==, G_TLS_CERTIFICATE_GENERIC_ERROR);
  g_assert_cmpuint (
      verify (fixture, "other", "A.Example", 443), ==, G_TLS_CERTIFICATE_GENERIC_ERROR);
}

static void
test_elsewhere (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpuint (verify (fixture, "other", "a.example", 444), ==, 0);
  g_assert_cmpuint (
      verify (fixture, "other", "b.example", 443), ==, G_TLS_CERTIFICATE_BAD_IDENTITY);
}

static void
test_nonsense (void)
{
  static const char *const texts[] = {
    "{'pins': <['sha1/AAAA']>}",
    "{'pins': <['sha256/AAAA']>}",
    "{'pins': <['']>}",
  };
  g_autoptr (GUri) uri = g_uri_parse ("https://a.example/x", G_URI_FLAGS_NONE, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GVariant) dict = g_variant_parse (
          G_VARIANT_TYPE_VARDICT, texts[i], NULL, NULL, NULL);
      g_autoptr (GError) error = NULL;
      TrwPins *pins = NULL;

      g_assert_false (trw_pins_read (dict, uri, NULL, &pins, &error));
      g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
    }
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/pins/right", test_right);
  ADD ("/pins/wrong", test_wrong);
  ADD ("/pins/elsewhere", test_elsewhere);
  g_test_add_func ("/pins/nonsense", test_nonsense);
  return g_test_run ();
}
