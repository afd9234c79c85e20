/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real worker and certificates: what is refused, what is told of it, and what may be
 * taken all the same, by whom and where. */

#include "config.h"

#include "certificates.h"
#include "script-proxy.h"
#include "script-server.h"
#include "worker-fixture.h"

#include "common/error.h"

#include <string.h>

/* Nothing frames the page of s_server. */
static GVariant *
begin (WorkerFixture *fixture, const char *url, GVariant *keys)
{
  g_autoptr (GVariant) owned = keys != NULL ? g_variant_ref_sink (keys) : NULL;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (owned);

  g_variant_dict_insert (&dict, "allow-unframed", "b", TRUE);
  return worker_fixture_await_done (
      fixture, worker_fixture_begin_with_keys (fixture, url, g_variant_dict_end (&dict)));
}

static GVariant *
get_challenge (GVariant *facts)
{
  g_autoptr (GVariant) challenge = g_variant_lookup_value (
      facts, "challenge", G_VARIANT_TYPE_VARDICT);

  g_assert_nonnull (challenge);
  return g_steal_pointer (&challenge);
}

static void
assert_ends (WorkerFixture *fixture, const char *url, GVariant *keys, const char *error)
{
  GVariant *facts = begin (fixture, url, keys);

  g_assert_cmpstr (worker_fixture_get_error (facts), ==, error);
}

static GVariant *
trust_authority (Certificates *certificates, const char *files)
{
  g_autofree char *pem = certificates_read (certificates, files);
  g_auto (GVariantDict) keys = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&keys, "ca-certificates", "s", pem);
  return g_variant_dict_end (&keys);
}

static GVariant *
trust_party (Certificates *certificates,
             const char *name,
             const char *host,
             guint port,
             gboolean is_proxy)
{
  g_autoptr (GBytes) digest = certificates_digest (certificates, name);
  g_auto (GVariantDict) keys = G_VARIANT_DICT_INIT (NULL);
  g_auto (GVariantDict) row = G_VARIANT_DICT_INIT (NULL);
  GVariant *rows[1];

  g_variant_dict_insert (&row, "host", "s", host);
  g_variant_dict_insert (&row, "port", "u", port);
  g_variant_dict_insert_value (
      &row, "sha256", g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, digest, TRUE));
  if (is_proxy)
    g_variant_dict_insert (&row, "is-proxy", "b", TRUE);
  rows[0] = g_variant_dict_end (&row);
  g_variant_dict_insert_value (&keys,
                               "trusted-certificates",
                               g_variant_new_array (G_VARIANT_TYPE_VARDICT, rows, 1));
  return g_variant_dict_end (&keys);
}

static GVariant *
trust_certificate (Certificates *certificates,
                   const char *name,
                   const char *host,
                   guint port)
{
  return trust_party (certificates, name, host, port, FALSE);
}

/* Whether @challenge is about server trust of 127.0.0.1:@port, with the chain of
 * @names. */
static void
assert_challenge (GVariant *challenge,
                  guint port,
                  Certificates *certificates,
                  const char *const *names)
{
  g_autoptr (GVariant) chain = g_variant_lookup_value (
      challenge, "certificates", G_VARIANT_TYPE ("aay"));
  g_autoptr (GVariant) offers = g_variant_lookup_value (
      challenge, "offers", G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GVariant) offer = g_variant_get_child_value (offers, 0);
  const char *text;
  gboolean is_proxy;
  guint number;

  g_assert_true (g_variant_lookup (challenge, "protocol", "&s", &text));
  g_assert_cmpstr (text, ==, "https");
  g_assert_true (g_variant_lookup (challenge, "host", "&s", &text));
  g_assert_cmpstr (text, ==, "127.0.0.1");
  g_assert_true (g_variant_lookup (challenge, "port", "u", &number));
  g_assert_cmpuint (number, ==, port);
  g_assert_true (g_variant_lookup (challenge, "is-proxy", "b", &is_proxy));
  g_assert_false (is_proxy);
  g_assert_cmpuint (g_variant_n_children (offers), ==, 1);
  g_assert_true (g_variant_lookup (offer, "method", "&s", &text));
  g_assert_cmpstr (text, ==, "server-trust");
  g_assert_cmpuint (g_variant_n_children (chain), ==, g_strv_length ((char **)names));
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (GVariant) der = g_variant_get_child_value (chain, i);
      g_autofree char *digest = g_compute_checksum_for_data (
          G_CHECKSUM_SHA256, g_variant_get_data (der), g_variant_get_size (der));
      g_autoptr (GBytes) expected = certificates_digest (certificates, names[i]);
      g_autofree char *hex = g_strdup ("");

      for (gsize b = 0; b < g_bytes_get_size (expected); b++)
        {
          const guint8 *bytes = g_bytes_get_data (expected, NULL);
          char *longer = g_strdup_printf ("%s%02x", hex, bytes[b]);

          g_free (hex);
          hex = longer;
        }
      g_assert_cmpstr (digest, ==, hex);
    }
}

static const struct
{
  const char *name;
  CertificateKind kind;
  guint flags;
} broken[] = {
  { "self-signed", { NULL, "IP:127.0.0.1", FALSE }, G_TLS_CERTIFICATE_UNKNOWN_CA },
  { "other-host",
    { "root", "DNS:other.example", FALSE },
    G_TLS_CERTIFICATE_BAD_IDENTITY },
  { "expired", { "root", "IP:127.0.0.1", TRUE }, G_TLS_CERTIFICATE_EXPIRED },
};

/* Whatever is wrong with it, it is told, and can be taken: at that host and port, and no
 * other certificate there.
 *
 * Fault (server): a certificate that is not to be trusted | Proves: a challenge with what
 * is wrong; taken only as decided */
static void
test_broken (gconstpointer data)
{
  guint row = GPOINTER_TO_UINT (data);
  g_autoptr (Certificates) certificates = certificates_new ();
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  const char *const chain[] = { "leaf", NULL };
  g_autoptr (GTlsCertificate) leaf = NULL;
  g_autoptr (ScriptServer) server = NULL;
  g_autofree char *url = NULL;
  g_autoptr (GVariant) challenge = NULL;
  GVariant *facts;
  guint flags = 0;
  guint port;

  certificates_add (certificates, "root", &(CertificateKind){ 0 });
  certificates_add (certificates, "leaf", &broken[row].kind);
  leaf = certificates_load (certificates, "leaf");
  server = script_server_new (leaf);
  url = script_server_url (server, "/hop/0");
  port = script_server_get_port (server);

  facts = begin (fixture, url, trust_authority (certificates, "root.pem"));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "TlsFailed");
  challenge = get_challenge (facts);
  assert_challenge (challenge, port, certificates, chain);
  g_variant_lookup (challenge, "tls-flags", "u", &flags);
  g_assert_cmpuint (flags, ==, broken[row].flags);

  assert_ends (
      fixture, url, trust_certificate (certificates, "leaf", "127.0.0.1", port), "");
  assert_ends (fixture,
               url,
               trust_certificate (certificates, "root", "127.0.0.1", port),
               "TlsFailed");
  assert_ends (fixture,
               url,
               trust_certificate (certificates, "leaf", "127.0.0.1", port + 1),
               "TlsFailed");
  assert_ends (fixture,
               url,
               trust_certificate (certificates, "leaf", "localhost", port),
               "TlsFailed");
}

/* All that was sent is told, the server's own first. */
static void
test_chain (void)
{
  g_autoptr (Certificates) certificates = certificates_new ();
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  const char *const chain[] = { "leaf", "middle", NULL };
  g_autoptr (TlsServer) server = NULL;
  g_autofree char *url = NULL;
  g_autoptr (GVariant) challenge = NULL;
  GVariant *facts;

  certificates_add (certificates, "root", &(CertificateKind){ 0 });
  certificates_add (certificates, "middle", &(CertificateKind){ "root", NULL, FALSE });
  certificates_add (
      certificates, "leaf", &(CertificateKind){ "middle", "IP:127.0.0.1", FALSE });
  server = tls_server_new (certificates, "leaf", "-cert_chain middle.pem");
  url = g_strdup_printf ("https://127.0.0.1:%u/", tls_server_get_port (server));

  facts = begin (fixture, url, NULL);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "TlsFailed");
  challenge = get_challenge (facts);
  assert_challenge (challenge, tls_server_get_port (server), certificates, chain);
  assert_ends (fixture, url, trust_authority (certificates, "root.pem"), "");
}

/* The one that is refused may be a hop after the first. */
static void
test_redirect (void)
{
  g_autoptr (Certificates) certificates = certificates_new ();
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  const char *const chain[] = { "second", NULL };
  g_autoptr (ScriptServer) first = NULL;
  g_autoptr (ScriptServer) second = NULL;
  g_autoptr (GTlsCertificate) first_leaf = NULL;
  g_autoptr (GTlsCertificate) second_leaf = NULL;
  g_autofree char *url = NULL;
  g_autofree char *target = NULL;
  g_autoptr (GVariant) challenge = NULL;

  certificates_add (
      certificates, "first", &(CertificateKind){ NULL, "IP:127.0.0.1", FALSE });
  certificates_add (
      certificates, "second", &(CertificateKind){ NULL, "IP:127.0.0.1", FALSE });
  first_leaf = certificates_load (certificates, "first");
  second_leaf = certificates_load (certificates, "second");
  first = script_server_new (first_leaf);
  second = script_server_new (second_leaf);
  url = script_server_url (first, "/there");
  target = script_server_url (second, "/hop/0");
  script_server_set_redirect (first, "/there", target, "");

  challenge = get_challenge (
      begin (fixture,
             url,
             trust_certificate (
                 certificates, "first", "127.0.0.1", script_server_get_port (first))));
  assert_challenge (challenge, script_server_get_port (second), certificates, chain);
}

/* Tickets of TLS 1.3 would let a connection stand on what another task has trusted.
 *
 * Fault (server): offers to resume | Proves: every connection is verified */
static void
test_resumption (void)
{
  g_autoptr (Certificates) certificates = certificates_new ();
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autoptr (TlsServer) server = NULL;
  g_autofree char *url = NULL;
  guint port;

  certificates_add (
      certificates, "leaf", &(CertificateKind){ NULL, "IP:127.0.0.1", FALSE });
  server = tls_server_new (certificates, "leaf", "-tls1_3");
  port = tls_server_get_port (server);
  url = g_strdup_printf ("https://127.0.0.1:%u/", port);
  for (guint i = 0; i < 3; i++)
    {
      assert_ends (
          fixture, url, trust_certificate (certificates, "leaf", "127.0.0.1", port), "");
      assert_ends (fixture, url, NULL, "TlsFailed");
    }
}

/* Pins: @names are certificates whose keys are pinned. */
static GVariant *
with_pins (Certificates *certificates, GVariant *keys, const char *const *names)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (keys);
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (owned);
  g_auto (GVariantBuilder) pins = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("as"));

  for (guint i = 0; names[i] != NULL; i++)
    g_variant_builder_add_value (
        &pins, g_variant_new_take_string (certificates_pin (certificates, names[i])));
  g_variant_dict_insert_value (&dict, "pins", g_variant_builder_end (&pins));
  return g_variant_dict_end (&dict);
}

/* Refused, nothing was sent, and there is nothing to decide. */
static void
assert_refused (WorkerFixture *fixture, const char *url, GVariant *keys)
{
  GVariant *facts = begin (fixture, url, keys);
  g_autoptr (GVariant) challenge = g_variant_lookup_value (facts, "challenge", NULL);
  gboolean is_sent = TRUE;

  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "TlsFailed");
  g_assert_null (challenge);
  g_assert_true (g_variant_lookup (facts, "sent", "b", &is_sent));
  g_assert_false (is_sent);
}

static Certificates *
make_chain (void)
{
  Certificates *certificates = certificates_new ();

  certificates_add (certificates, "root", &(CertificateKind){ 0 });
  certificates_add (certificates, "other", &(CertificateKind){ 0 });
  certificates_add (certificates, "middle", &(CertificateKind){ "root", NULL, FALSE });
  certificates_add (
      certificates, "leaf", &(CertificateKind){ "middle", "IP:127.0.0.1", FALSE });
  return certificates;
}

/* Any certificate of the chain will do, also the anchor, which is not sent. One that
 * vouches for nothing does not, though the server sends it.
 *
 * Fault (server): a trusted certificate of other keys than are known | Proves: the
 * request is never written */
static void
test_pins (void)
{
  static const char *const right[][3] = {
    { "leaf", NULL },
    { "middle", NULL },
    { "root", NULL },
    { "other", "leaf", NULL },
  };
  g_autoptr (Certificates) certificates = make_chain ();
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *sent = certificates_read (certificates, "middle.pem other.pem");
  g_autofree char *path = certificates_path (certificates, "sent.pem");
  const char *const wrong[] = { "other", NULL };
  g_autoptr (TlsServer) server = NULL;
  g_autofree char *url = NULL;

  g_assert_true (g_file_set_contents (path, sent, -1, NULL));
  server = tls_server_new (certificates, "leaf", "-cert_chain sent.pem");
  url = g_strdup_printf ("https://127.0.0.1:%u/", tls_server_get_port (server));
  for (guint i = 0; i < G_N_ELEMENTS (right); i++)
    assert_ends (
        fixture,
        url,
        with_pins (certificates, trust_authority (certificates, "root.pem"), right[i]),
        "");
  assert_refused (
      fixture,
      url,
      with_pins (certificates, trust_authority (certificates, "root.pem"), wrong));
}

/* One that only seems to be above the server's vouches for nothing, though it is sent in
 * its place: an authority of the same name has signed.
 *
 * Fault (server): sends a pinned certificate that has not signed its own | Proves: it
 * does not count */
static void
test_pins_twin (void)
{
  g_autoptr (Certificates) certificates = certificates_new ();
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *path = certificates_path (certificates, "sent.pem");
  g_autofree char *sent = NULL;
  const char *const right[] = { "twin", NULL };
  const char *const wrong[] = { "real", NULL };
  g_autoptr (TlsServer) server = NULL;
  g_autofree char *url = NULL;

  certificates_add (certificates, "real", &(CertificateKind){ .subject = "authority" });
  certificates_add (certificates, "twin", &(CertificateKind){ .subject = "authority" });
  certificates_add (certificates, "middle", &(CertificateKind){ "twin", NULL, FALSE });
  certificates_add (
      certificates, "leaf", &(CertificateKind){ "middle", "IP:127.0.0.1", FALSE });
  sent = certificates_read (certificates, "middle.pem real.pem");
  g_assert_true (g_file_set_contents (path, sent, -1, NULL));
  server = tls_server_new (certificates, "leaf", "-cert_chain sent.pem");
  url = g_strdup_printf ("https://127.0.0.1:%u/", tls_server_get_port (server));
  assert_ends (
      fixture,
      url,
      with_pins (certificates, trust_authority (certificates, "twin.pem"), right),
      "");
  assert_refused (
      fixture,
      url,
      with_pins (certificates, trust_authority (certificates, "twin.pem"), wrong));
}

/* What somebody decided about a certificate does not make its key another. */
static void
test_pins_excepted (void)
{
  g_autoptr (Certificates) certificates = make_chain ();
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  const char *const right[] = { "leaf", NULL };
  const char *const wrong[] = { "other", NULL };
  g_autoptr (GTlsCertificate) leaf = certificates_load (certificates, "leaf");
  g_autoptr (ScriptServer) server = script_server_new (leaf);
  g_autofree char *url = script_server_url (server, "/hop/0");
  guint port = script_server_get_port (server);

  assert_ends (fixture,
               url,
               with_pins (certificates,
                          trust_certificate (certificates, "leaf", "127.0.0.1", port),
                          right),
               "");
  assert_refused (fixture,
                  url,
                  with_pins (certificates,
                             trust_certificate (certificates, "leaf", "127.0.0.1", port),
                             wrong));
  /* Nor do pins make it trusted. */
  assert_ends (
      fixture,
      url,
      with_pins (certificates, trust_authority (certificates, "other.pem"), right),
      "TlsFailed");
}

/* They are of the server that is asked first, wherever it leads: there and back. */
static void
test_pins_redirect (void)
{
  g_autoptr (Certificates) certificates = make_chain ();
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  const char *const of_first[] = { "leaf", NULL };
  const char *const of_second[] = { "second", NULL };
  g_autoptr (GTlsCertificate) leaf = certificates_load (certificates, "leaf");
  g_autoptr (GTlsCertificate) other = NULL;
  g_autoptr (ScriptServer) first = script_server_new (leaf);
  g_autoptr (ScriptServer) second = NULL;
  g_autofree char *url = script_server_url (first, "/there");
  g_autofree char *there = NULL;
  g_autofree char *back = script_server_url (first, "/hop/0");

  certificates_add (
      certificates, "second", &(CertificateKind){ "middle", "IP:127.0.0.1", FALSE });
  other = certificates_load (certificates, "second");
  second = script_server_new (other);
  there = script_server_url (second, "/back");
  script_server_set_redirect (first, "/there", there, "");
  script_server_set_redirect (second, "/back", back, "");
  assert_ends (
      fixture,
      url,
      with_pins (certificates, trust_authority (certificates, "middle.pem"), of_first),
      "");
  assert_refused (
      fixture,
      url,
      with_pins (certificates, trust_authority (certificates, "middle.pem"), of_second));
  /* What stood without pins serves nobody who has some. */
  assert_ends (fixture, url, trust_authority (certificates, "middle.pem"), "");
  assert_refused (
      fixture,
      url,
      with_pins (certificates, trust_authority (certificates, "middle.pem"), of_second));
}

/* Behind a tunnel it is the server who is judged, as himself. */
static void
test_tunnel (void)
{
  g_autoptr (Certificates) certificates = make_chain ();
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autoptr (ScriptProxy) proxy = script_proxy_new (NULL);
  const char *const chain[] = { "leaf", NULL };
  const char *const wrong[] = { "other", NULL };
  const char *const right[] = { "leaf", NULL };
  g_autoptr (GTlsCertificate) leaf = certificates_load (certificates, "leaf");
  g_autoptr (ScriptServer) server = script_server_new (leaf);
  g_autofree char *url = script_server_url (server, "/hop/0");
  g_autofree char *proxy_url = script_proxy_url (proxy, "http");
  g_autoptr (GVariant) challenge = NULL;

  worker_fixture_set_proxy (fixture, proxy_url);
  challenge = get_challenge (begin (fixture, url, NULL));
  assert_challenge (challenge, script_server_get_port (server), certificates, chain);
  assert_refused (
      fixture,
      url,
      with_pins (certificates, trust_authority (certificates, "middle.pem"), wrong));
  assert_ends (
      fixture,
      url,
      with_pins (certificates, trust_authority (certificates, "middle.pem"), right),
      "");
}

/* A proxy that is reached by TLS is asked about as one, and taken when that was decided.
 */
static void
test_proxy (void)
{
  g_autoptr (Certificates) certificates = make_chain ();
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autoptr (ScriptProxy) proxy = script_proxy_new (NULL);
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (GTlsCertificate) leaf = certificates_load (certificates, "leaf");
  g_autofree char *proxy_url = script_proxy_url (proxy, "https");
  g_autofree char *url = script_server_url (server, "/hop/0");
  guint port = (guint)g_ascii_strtoull (strrchr (proxy_url, ':') + 1, NULL, 10);
  g_autoptr (GVariant) challenge = NULL;
  GVariant *facts;
  gboolean is_proxy = FALSE;
  guint told_port = 0;

  script_proxy_set_certificate (proxy, leaf);
  worker_fixture_set_proxy (fixture, proxy_url);
  facts = begin (fixture, url, NULL);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "TlsFailed");
  challenge = get_challenge (facts);
  g_variant_lookup (challenge, "is-proxy", "b", &is_proxy);
  g_assert_true (is_proxy);
  g_variant_lookup (challenge, "port", "u", &told_port);
  g_assert_cmpuint (told_port, ==, port);
  assert_ends (
      fixture, url, trust_party (certificates, "leaf", "127.0.0.1", port, TRUE), "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpuint (trundle_error_quark (), !=, 0);
  for (guint i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autofree char *path = g_strconcat ("/worker/trust/broken/", broken[i].name, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_broken);
    }
  g_test_add_func ("/worker/trust/chain", test_chain);
  g_test_add_func ("/worker/trust/redirect", test_redirect);
  g_test_add_func ("/worker/trust/pins", test_pins);
  g_test_add_func ("/worker/trust/pins/twin", test_pins_twin);
  g_test_add_func ("/worker/trust/pins/excepted", test_pins_excepted);
  g_test_add_func ("/worker/trust/pins/redirect", test_pins_redirect);
  g_test_add_func ("/worker/trust/proxy", test_proxy);
  g_test_add_func ("/worker/trust/tunnel", test_tunnel);
  g_test_add_func ("/worker/trust/resumption", test_resumption);
  return g_test_run ();
}
