/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real worker and servers that want a certificate of the client, in both versions of
 * TLS: who gets which, what is said of who gets none, and what is refused. */

#include "config.h"

#include "certificates.h"
#include "script-server.h"
#include "worker-fixture.h"

#include "common/error.h"

#include <string.h>

#define SERVER "-Verify 3 -verify_return_error -CAfile root.pem"

typedef struct
{
  Certificates *certificates; /* (owned) */
  WorkerFixture *worker;      /* (owned) */
  TlsServer *server;          /* (owned) (nullable) */
  char *url;                  /* (owned) (nullable) */
} Fixture;

/* @data: "-tls1_2" or "-tls1_3" */
static void
start_server (Fixture *fixture, const char *version, const char *options)
{
  g_autofree char *all = g_strdup_printf ("%s %s", version, options);

  fixture->server = tls_server_new (fixture->certificates, "server", all);
  fixture->url = g_strdup_printf ("https://127.0.0.1:%u/",
                                  tls_server_get_port (fixture->server));
}

static void
set_up (Fixture *fixture, gconstpointer version)
{
  const CertificateKind of_server = { "root", "IP:127.0.0.1", FALSE };
  const CertificateKind middle = { "root", NULL, FALSE };
  const CertificateKind me = { "middle", "email:me@example.org", FALSE };

  fixture->certificates = certificates_new ();
  fixture->worker = worker_fixture_new ();
  certificates_add (fixture->certificates, "root", &(CertificateKind){ 0 });
  certificates_add (fixture->certificates, "middle", &middle);
  certificates_add (fixture->certificates, "server", &of_server);
  certificates_add (fixture->certificates, "me", &me);
}

static void
tear_down (Fixture *fixture, gconstpointer version)
{
  g_clear_pointer (&fixture->server, tls_server_free);
  g_clear_pointer (&fixture->worker, worker_fixture_free);
  g_clear_pointer (&fixture->certificates, certificates_free);
  g_clear_pointer (&fixture->url, g_free);
}

/* A row of `client-certificates` for the server; @files is PEM. */
static GVariant *
make_identity (Fixture *fixture, const char *files, const char *password)
{
  g_autofree char *pem = certificates_read (fixture->certificates, files);
  g_auto (GVariantDict) row = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&row, "host", "s", "127.0.0.1");
  g_variant_dict_insert (&row, "port", "u", (guint)tls_server_get_port (fixture->server));
  g_variant_dict_insert (&row, "generation", "u", 5);
  g_variant_dict_insert (&row, "pem", "s", pem);
  if (password != NULL)
    g_variant_dict_insert (&row, "password", "s", password);
  return g_variant_dict_end (&row);
}

/* The same, as the file that it is. */
static GVariant *
make_identity_of_bytes (Fixture *fixture, const char *files)
{
  g_autofree char *pem = certificates_read (fixture->certificates, files);
  g_autoptr (GVariant) row = g_variant_ref_sink (make_identity (fixture, files, NULL));
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (row);

  g_variant_dict_insert_value (
      &dict,
      "pem",
      g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, pem, strlen (pem), 1));
  return g_variant_dict_end (&dict);
}

static GVariant *
make_pkcs12 (Fixture *fixture, const char *file, const char *password)
{
  g_autofree char *path = certificates_path (fixture->certificates, file);
  g_auto (GVariantDict) row = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *contents = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (path, &contents, &size, NULL));
  g_variant_dict_insert (&row, "host", "s", "127.0.0.1");
  g_variant_dict_insert (&row, "port", "u", (guint)tls_server_get_port (fixture->server));
  g_variant_dict_insert (&row, "password", "s", password);
  g_variant_dict_insert_value (
      &row, "pkcs12", g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, contents, size, 1));
  return g_variant_dict_end (&row);
}

/* @row: (nullable), consumed. */
static GVariant *
make_keys (Fixture *fixture, GVariant *row)
{
  g_autofree char *pem = certificates_read (fixture->certificates, "root.pem");
  g_auto (GVariantDict) keys = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&keys, "ca-certificates", "s", pem);
  g_variant_dict_insert (&keys, "allow-unframed", "b", TRUE);
  if (row != NULL)
    g_variant_dict_insert_value (&keys,
                                 "client-certificates",
                                 g_variant_new_array (G_VARIANT_TYPE_VARDICT, &row, 1));
  return g_variant_dict_end (&keys);
}

/* The page tells who we were: "" when the attempt ended with an error. */
static char *
ask (Fixture *fixture, GVariant *row, const char *error)
{
  guint64 attempt = worker_fixture_begin_with_keys (
      fixture->worker, fixture->url, make_keys (fixture, row));
  GVariant *facts = worker_fixture_await_done (fixture->worker, attempt);

  g_assert_cmpstr (worker_fixture_get_error (facts), ==, error);
  return worker_fixture_read_part (fixture->worker, attempt, NULL);
}

static void
assert_is_me (Fixture *fixture, GVariant *row)
{
  g_autofree char *page = ask (fixture, row, "");
  g_autofree char *pem = certificates_read (fixture->certificates, "me.pem");

  g_assert_nonnull (strstr (page, pem));
}

static void
test_right (Fixture *fixture, gconstpointer version)
{
  start_server (fixture, version, SERVER);
  assert_is_me (fixture, make_identity (fixture, "me.pem me.key middle.pem", NULL));
  assert_is_me (fixture, make_identity (fixture, "middle.pem me.key me.pem", NULL));
  assert_is_me (fixture, make_identity_of_bytes (fixture, "me.pem me.key middle.pem"));
}

/* @has_tried: with generation 5. */
static void
assert_challenge (GVariant *facts, gboolean has_tried)
{
  g_autoptr (GVariant) challenge = g_variant_lookup_value (
      facts, "challenge", G_VARIANT_TYPE_VARDICT);
  g_autoptr (GVariant) issuers = NULL;
  g_autoptr (GVariant) offers = NULL;
  g_autoptr (GVariant) offer = NULL;
  g_autoptr (GVariant) tried = NULL;
  const char *method = "";
  guint generation = 0;

  g_assert_nonnull (challenge);
  offers = g_variant_lookup_value (challenge, "offers", G_VARIANT_TYPE ("aa{sv}"));
  offer = g_variant_get_child_value (offers, 0);
  g_variant_lookup (offer, "method", "&s", &method);
  g_assert_cmpstr (method, ==, "client-certificate");
  issuers = g_variant_lookup_value (
      challenge, "accepted-issuers", G_VARIANT_TYPE ("aay"));
  g_assert_cmpuint (g_variant_n_children (issuers), ==, 1);
  tried = g_variant_lookup_value (challenge, "tried", G_VARIANT_TYPE_VARDICT);
  g_assert_cmpint (tried != NULL, ==, has_tried);
  if (!has_tried)
    return;
  g_variant_lookup (tried, "generation", "u", &generation);
  g_assert_cmpuint (generation, ==, 5);
}

static GVariant *
ask_for_facts (Fixture *fixture, GVariant *row)
{
  return worker_fixture_await_done (
      fixture->worker,
      worker_fixture_begin_with_keys (
          fixture->worker, fixture->url, make_keys (fixture, row)));
}

/* Fault (server): wants a certificate that there is none of | Proves: it is asked for,
 * and the request counts as not sent */
static void
test_none (Fixture *fixture, gconstpointer version)
{
  GVariant *facts;
  gboolean is_sent = TRUE;

  start_server (fixture, version, SERVER);
  facts = ask_for_facts (fixture, NULL);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "ClientCertificateRequired");
  assert_challenge (facts, FALSE);
  g_assert_true (g_variant_lookup (facts, "sent", "b", &is_sent));
  g_assert_false (is_sent);
}

/* Fault (server): does not accept the certificate | Proves: another is asked for */
static void
test_refused (Fixture *fixture, gconstpointer version)
{
  GVariant *facts;

  certificates_add (fixture->certificates, "stranger", &(CertificateKind){ 0 });
  start_server (fixture, version, SERVER);
  facts = ask_for_facts (fixture,
                         make_identity (fixture, "stranger.pem stranger.key", NULL));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "ClientCertificateRejected");
  assert_challenge (facts, TRUE);
}

/* A server that would like one, but does not insist. */
static void
test_optional (Fixture *fixture, gconstpointer version)
{
  g_autofree char *page = NULL;

  start_server (fixture, version, "-verify 3 -CAfile root.pem");
  page = ask (fixture, NULL, "");
  g_assert_nonnull (strstr (page, "no client certificate available"));
  assert_is_me (fixture, make_identity (fixture, "me.pem me.key middle.pem", NULL));
}

/* Whose certificate is not trusted never hears who we are. */
static void
test_untrusted_server (Fixture *fixture, gconstpointer version)
{
  g_auto (GVariantDict) keys = G_VARIANT_DICT_INIT (NULL);
  GVariant *row;
  GVariant *facts;

  start_server (fixture, version, SERVER);
  row = make_identity (fixture, "me.pem me.key middle.pem", NULL);
  g_variant_dict_insert_value (&keys,
                               "client-certificates",
                               g_variant_new_array (G_VARIANT_TYPE_VARDICT, &row, 1));
  facts = worker_fixture_await_done (
      fixture->worker,
      worker_fixture_begin_with_keys (
          fixture->worker, fixture->url, g_variant_dict_end (&keys)));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "TlsFailed");
}

/* That of another server is none. */
static void
test_elsewhere (Fixture *fixture, gconstpointer version)
{
  g_autoptr (GVariant) row = NULL;
  g_autofree char *page = NULL;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  start_server (fixture, version, "-verify 3 -CAfile root.pem");
  row = g_variant_ref_sink (make_identity (fixture, "me.pem me.key", NULL));
  g_variant_dict_init (&dict, row);
  g_variant_dict_insert (
      &dict, "port", "u", (guint)tls_server_get_port (fixture->server) + 1);
  page = ask (fixture, g_variant_dict_end (&dict), "");
  g_assert_nonnull (strstr (page, "no client certificate available"));
}

static void
test_encrypted (Fixture *fixture, gconstpointer version)
{
  start_server (fixture, version, SERVER);
  certificates_run (fixture->certificates,
                    "pkcs8 -topk8 -in me.key -out me.pkcs8 -passout pass:secret");
  certificates_run (fixture->certificates,
                    "ec -in me.key -out me.old -aes128 -passout pass:secret");
  assert_is_me (fixture, make_identity (fixture, "me.pem me.pkcs8 middle.pem", "secret"));
  assert_is_me (fixture, make_identity (fixture, "me.pem me.old middle.pem", "secret"));
  g_free (ask (fixture,
               make_identity (fixture, "me.pem me.pkcs8 middle.pem", "wrong"),
               "ClientCertificateRejected"));
  g_free (ask (fixture,
               make_identity (fixture, "me.pem me.pkcs8 middle.pem", NULL),
               "ClientCertificateRejected"));
}

static void
test_pkcs12 (Fixture *fixture, gconstpointer version)
{
  start_server (fixture, version, SERVER);
  certificates_run (fixture->certificates,
                    "pkcs12 -export -in me.pem -inkey me.key -certfile middle.pem "
                    "-out me.p12 -passout pass:secret");
  certificates_run (fixture->certificates,
                    "pkcs12 -export -in me.pem -inkey me.key -certfile middle.pem "
                    "-out open.p12 -passout pass:");
  assert_is_me (fixture, make_pkcs12 (fixture, "me.p12", "secret"));
  assert_is_me (fixture, make_pkcs12 (fixture, "open.p12", ""));
  g_free (ask (
      fixture, make_pkcs12 (fixture, "me.p12", "wrong"), "ClientCertificateRejected"));
  g_free (ask (
      fixture, make_pkcs12 (fixture, "me.pem", "secret"), "ClientCertificateRejected"));
}

/* What cannot be read is told, and the server is not asked without it. */
static void
test_broken (Fixture *fixture, gconstpointer version)
{
  static const char *const rows[] = { "me.pem", "me.key", "me.pem server.key" };

  start_server (fixture, version, "-verify 3 -CAfile root.pem");
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      GVariant *facts = ask_for_facts (fixture, make_identity (fixture, rows[i], NULL));
      gboolean is_sent = TRUE;

      g_assert_cmpstr (worker_fixture_get_error (facts), ==, "ClientCertificateRejected");
      assert_challenge (facts, TRUE);
      g_assert_true (g_variant_lookup (facts, "sent", "b", &is_sent));
      g_assert_false (is_sent);
    }
}

/* A connection stands for one identity, or for none. */
static void
test_partition (void)
{
  g_autoptr (Certificates) certificates = certificates_new ();
  g_autoptr (WorkerFixture) worker = worker_fixture_new ();
  g_autoptr (GTlsCertificate) certificate = NULL;
  g_autoptr (ScriptServer) server = NULL;
  g_autofree char *pem = NULL;
  g_autofree char *url = NULL;

  certificates_add (
      certificates, "server", &(CertificateKind){ NULL, "IP:127.0.0.1", FALSE });
  certificate = certificates_load (certificates, "server");
  server = script_server_new (certificate);
  url = script_server_url (server, "/hop/0");
  pem = certificates_read (certificates, "server.pem");
  for (guint i = 0; i < 6; i++)
    {
      g_autofree char *text = g_strdup_printf (
          "[{'host': <'127.0.0.1'>, 'port': <uint32 %u>, 'pem': <'%u'>}]",
          script_server_get_port (server),
          i % 3);
      g_auto (GVariantDict) keys = G_VARIANT_DICT_INIT (NULL);
      GVariant *facts;

      g_variant_dict_insert (&keys, "ca-certificates", "s", pem);
      if (i % 3 > 0)
        g_variant_dict_insert_value (
            &keys,
            "client-certificates",
            g_variant_parse (G_VARIANT_TYPE ("aa{sv}"), text, NULL, NULL, NULL));
      facts = worker_fixture_await_done (
          worker,
          worker_fixture_begin_with_keys (worker, url, g_variant_dict_end (&keys)));
      g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
    }
  g_assert_cmpuint (script_server_count_connections (server), ==, 3);
}

static const struct
{
  const char *name;
  void (*test) (Fixture *fixture, gconstpointer version);
} tests[] = {
  { "right", test_right },
  { "none", test_none },
  { "refused", test_refused },
  { "optional", test_optional },
  { "untrusted-server", test_untrusted_server },
  { "elsewhere", test_elsewhere },
  { "encrypted", test_encrypted },
  { "pkcs12", test_pkcs12 },
  { "broken", test_broken },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpuint (trundle_error_quark (), !=, 0);
  for (guint i = 0; i < 2 * G_N_ELEMENTS (tests); i++)
    {
      const char *version = i % 2 == 0 ? "-tls1_2" : "-tls1_3";
      g_autofree char *path = g_strdup_printf (
          "/worker/identity/%s/%s", tests[i / 2].name, version + 1);

      g_test_add (path, Fixture, version, set_up, tests[i / 2].test, tear_down);
    }
  g_test_add_func ("/worker/identity/partition", test_partition);
  return g_test_run ();
}
