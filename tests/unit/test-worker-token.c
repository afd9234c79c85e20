/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real worker of the profile "local", a PKCS #11 token in software, and servers that
 * want the certificate in it. */

#include "config.h"

#include "certificates.h"
#include "worker-fixture.h"

#include "common/error.h"

#include <string.h>

#define MODULE "/usr/share/p11-kit/modules/softhsm2.module"
#define PIN "4321"
#define URI "pkcs11:token=trundle;object=me"
#define WANTS "-Verify 3 -verify_return_error -CAfile root.pem"

static Certificates *certificates; /* (owned): with the token, for all */
static char *setting;              /* (owned): where it is */

static gboolean
is_missing (void)
{
  g_autofree char *util = g_find_program_in_path ("softhsm2-util");
  g_autofree char *tool = g_find_program_in_path ("p11tool");

  return util == NULL || tool == NULL || !g_file_test (MODULE, G_FILE_TEST_EXISTS);
}

static void
run (const char *command)
{
  g_autofree char *folder = certificates_path (certificates, "");
  g_autofree char *line = g_strdup_printf (
      "cd '%s' && export %s GNUTLS_PIN=%s && %s >log 2>&1",
      folder,
      setting,
      PIN,
      command);
  const char *arguments[] = { "sh", "-c", line, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_newv (
      arguments, G_SUBPROCESS_FLAGS_NONE, &error);

  g_assert_no_error (error);
  g_subprocess_wait_check (process, NULL, &error);
  g_assert_no_error (error);
}

static void
make_token (void)
{
  const CertificateKind of_server = { "root", "IP:127.0.0.1", FALSE };
  const CertificateKind me = { "root", "email:me@example.org", FALSE };
  g_autofree char *config = NULL;
  g_autofree char *folder = NULL;
  g_autofree char *text = NULL;

  certificates = certificates_new ();
  certificates_add (certificates, "root", &(CertificateKind){ 0 });
  certificates_add (certificates, "server", &of_server);
  certificates_add (certificates, "me", &me);
  config = certificates_path (certificates, "softhsm2.conf");
  setting = g_strconcat ("SOFTHSM2_CONF=", config, NULL);
  run ("mkdir tokens");
  folder = certificates_path (certificates, "tokens");
  text = g_strdup_printf ("directories.tokendir = %s\n", folder);
  g_assert_true (g_file_set_contents (config, text, -1, NULL));
  run ("softhsm2-util --init-token --free --label trundle --pin " PIN " --so-pin 8765");
  run ("p11tool --login --write --load-privkey me.key --label me --id 01 "
       "pkcs11:token=trundle");
  run ("p11tool --login --write --no-mark-private --load-certificate me.pem --label me "
       "--id 01 "
       "pkcs11:token=trundle");
}

static void
remove_token (void)
{
  run ("rm -r tokens");
  g_clear_pointer (&certificates, certificates_free);
  g_clear_pointer (&setting, g_free);
}

static WorkerFixture *
start_worker (gboolean is_local)
{
  const char *const environment[] = { setting, NULL };

  return is_local ? worker_fixture_new_local (environment) : worker_fixture_new ();
}

/* @pin: (nullable) */
static guint64
begin (WorkerFixture *worker, TlsServer *server, const char *uri, const char *pin)
{
  guint port = tls_server_get_port (server);
  g_autofree char *url = g_strdup_printf ("https://127.0.0.1:%u/", port);
  g_autofree char *root = certificates_read (certificates, "root.pem");
  g_auto (GVariantDict) keys = G_VARIANT_DICT_INIT (NULL);
  g_auto (GVariantDict) row = G_VARIANT_DICT_INIT (NULL);
  GVariant *rows[1];

  g_variant_dict_insert (&row, "host", "s", "127.0.0.1");
  g_variant_dict_insert (&row, "port", "u", port);
  g_variant_dict_insert (&row, "generation", "u", 5);
  g_variant_dict_insert (&row, "pkcs11-uri", "s", uri);
  if (pin != NULL)
    g_variant_dict_insert (&row, "password", "s", pin);
  rows[0] = g_variant_dict_end (&row);
  g_variant_dict_insert (&keys, "ca-certificates", "s", root);
  g_variant_dict_insert (&keys, "allow-unframed", "b", TRUE);
  g_variant_dict_insert_value (
      &keys, "client-certificates", g_variant_new_array (NULL, rows, 1));
  return worker_fixture_begin_with_keys (worker, url, g_variant_dict_end (&keys));
}

static void
assert_is_me (WorkerFixture *worker, guint64 attempt)
{
  GVariant *facts = worker_fixture_await_done (worker, attempt);
  g_autofree char *me = certificates_read (certificates, "me.pem");
  g_autofree char *page = NULL;

  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  page = worker_fixture_read_part (worker, attempt, NULL);
  g_assert_nonnull (strstr (page, me));
}

static void
assert_is_rejected (WorkerFixture *worker, guint64 attempt)
{
  GVariant *facts = worker_fixture_await_done (worker, attempt);
  g_autoptr (GVariant) challenge = g_variant_lookup_value (
      facts, "challenge", G_VARIANT_TYPE_VARDICT);
  g_autoptr (GVariant) tried = NULL;
  guint generation = 0;

  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "ClientCertificateRejected");
  g_assert_nonnull (challenge);
  tried = g_variant_lookup_value (challenge, "tried", G_VARIANT_TYPE_VARDICT);
  g_assert_nonnull (tried);
  g_variant_lookup (tried, "generation", "u", &generation);
  g_assert_cmpuint (generation, ==, 5);
}

/* @version: of TLS */
static TlsServer *
start_server (const char *version)
{
  g_autofree char *options = g_strdup_printf ("%s %s", version, WANTS);

  return tls_server_new (certificates, "server", options);
}

static void
test_right (gconstpointer version)
{
  g_autoptr (TlsServer) server = start_server (version);
  g_autoptr (WorkerFixture) worker = start_worker (TRUE);

  assert_is_me (worker, begin (worker, server, URI, PIN));
  assert_is_me (worker, begin (worker, server, URI ";type=cert", PIN));
  assert_is_me (worker, begin (worker, server, URI "?pin-value=" PIN, NULL));
  assert_is_me (worker, begin (worker, server, URI "?pin-value=1", PIN));
}

/* Each at once: glib-networking would ask for a PIN for ever. */
static void
test_wrong (gconstpointer version)
{
  static const char *const rows[][2] = {
    { URI, NULL },
    { URI, "9999" },
    { URI, "9999" },
    { URI "?pin-value=9999", NULL },
    { URI, "%;?&=" },
    { "pkcs11:token=trundle;object=you", PIN },
    { "pkcs11:token=another;object=me", PIN },
    { "pkcs11:object=me", PIN },
    { "pkcs11:", PIN },
    { "pkcs11:token=%zz", PIN },
    { "file:/etc/hostname", PIN },
    { URI ";module-path=/nonexistent.so", PIN },
    { URI "?module-name=softhsm2", PIN },
    { URI "?pin-source=file:/etc/hostname", NULL },
    { URI ";pinfile=/etc/hostname", PIN },
    { URI "; pin-source=/etc/hostname", PIN },
    { URI ";pin-source =/etc/hostname", PIN },
  };
  g_autoptr (TlsServer) server = start_server (version);
  g_autoptr (WorkerFixture) worker = start_worker (TRUE);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    assert_is_rejected (worker, begin (worker, server, rows[i][0], rows[i][1]));
  assert_is_me (worker, begin (worker, server, URI, PIN));
}

/* One that is confined to the network says what it was asked for. */
static void
test_confined (gconstpointer version)
{
  g_autoptr (TlsServer) server = start_server (version);
  g_autoptr (WorkerFixture) worker = start_worker (FALSE);

  assert_is_rejected (worker, begin (worker, server, URI, PIN));
}

/* While the token is asked. */
static void
test_stopped (gconstpointer version)
{
  g_autoptr (TlsServer) server = start_server (version);
  g_autoptr (WorkerFixture) worker = start_worker (TRUE);

  for (guint i = 0; i < 20; i++)
    {
      guint64 attempt = begin (worker, server, URI, PIN);
      g_autoptr (GError) error = worker_fixture_call (
          worker, "Stop", g_variant_new ("(t)", attempt));

      g_assert_no_error (error);
      g_assert_true (worker_fixture_is_part_free (worker, attempt));
    }
  assert_is_me (worker, begin (worker, server, URI, PIN));
}

static const struct
{
  const char *name;
  void (*test) (gconstpointer version);
} tests[] = {
  { "right", test_right },
  { "wrong", test_wrong },
  { "confined", test_confined },
  { "stopped", test_stopped },
};

static void
test_nothing (void)
{
  g_test_skip ("softhsm2-util or p11tool is not installed, or unknown to p11-kit");
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  g_assert_cmpuint (trundle_error_quark (), !=, 0);
  if (is_missing ())
    {
      g_test_add_func ("/worker/token", test_nothing);
      return g_test_run ();
    }
  make_token ();
  for (guint i = 0; i < 2 * G_N_ELEMENTS (tests); i++)
    {
      const char *version = i % 2 == 0 ? "-tls1_2" : "-tls1_3";
      g_autofree char *path = g_strdup_printf (
          "/worker/token/%s/%s", tests[i / 2].name, version + 1);

      g_test_add_data_func (path, version, tests[i / 2].test);
    }
  result = g_test_run ();
  remove_token ();
  return result;
}
