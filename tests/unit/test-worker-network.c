/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real worker and what lies between it and the server: TLS and proxies. */

#include "config.h"

#include "script-server.h"
#include "worker-fixture.h"

#include "common/error.h"

#include <glib/gstdio.h>

#define OK "HTTP/1.1 200 OK\r\n"

static void
test_proxy (void)
{
  g_autoptr (ScriptServer) proxy = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *proxy_url = script_server_url (proxy, "");
  guint64 attempt;
  g_autofree char *content = NULL;

  worker_fixture_set_proxy (fixture, proxy_url);
  script_server_set (proxy,
                     "http://far.invalid/x",
                     &(ScriptReply){ OK "Content-Length: 5\r\n\r\nhello" });
  attempt = worker_fixture_begin (fixture, "http://far.invalid/x", NULL);
  g_assert_cmpstr (
      worker_fixture_get_error (worker_fixture_await_done (fixture, attempt)), ==, "");
  content = worker_fixture_read_part (fixture, attempt, NULL);
  g_assert_cmpstr (content, ==, "hello");
}

/* Made anew each time, so that it is never out of date. */
static GTlsCertificate *
make_certificate (char **out_pem)
{
  g_autofree char *directory = g_dir_make_tmp ("trundle-tls-XXXXXX", NULL);
  g_autofree char *command = NULL;
  g_autofree char *file = g_build_filename (directory, "both.pem", NULL);
  g_autoptr (GError) error = NULL;
  GTlsCertificate *certificate;

  command = g_strdup_printf (
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
      "-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s.crt",
      file,
      file);
  g_spawn_command_line_sync (command, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_free (command);
  command = g_strdup_printf ("%s.crt", file);
  g_assert_true (g_file_get_contents (command, out_pem, NULL, NULL));
  certificate = g_tls_certificate_new_from_files (command, file, &error);
  g_assert_no_error (error);
  g_unlink (command);
  g_unlink (file);
  g_rmdir (directory);
  return certificate;
}

static char *
trust_option (const char *pem)
{
  g_autofree char *escaped = g_strescape (pem, NULL);

  return g_strdup_printf ("{'ca-certificates': <\"%s\">}", escaped);
}

static void
assert_ends (WorkerFixture *fixture,
             const char *url,
             const char *options,
             const char *error)
{
  guint64 attempt = worker_fixture_begin (fixture, url, options);

  g_assert_cmpstr (
      worker_fixture_get_error (worker_fixture_await_done (fixture, attempt)), ==, error);
}

/* The connection that stands must not serve who does not trust it. */
static void
test_tls (void)
{
  g_autofree char *pem = NULL;
  g_autofree char *other_pem = NULL;
  g_autoptr (GTlsCertificate) certificate = make_certificate (&pem);
  g_autoptr (GTlsCertificate) other = make_certificate (&other_pem);
  g_autoptr (ScriptServer) server = script_server_new (certificate);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/hop/1");
  g_autofree char *right = trust_option (pem);
  g_autofree char *wrong = trust_option (other_pem);
  g_autofree char *both_pems = g_strconcat (other_pem, pem, NULL);
  g_autofree char *both = trust_option (both_pems);
  guint flags = 0;
  GVariant *facts;

  assert_ends (fixture, url, right, "");
  assert_ends (fixture, url, both, "");
  assert_ends (fixture, url, wrong, "TlsFailed");
  facts = worker_fixture_await_done (fixture, worker_fixture_begin (fixture, url, NULL));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "TlsFailed");
  g_variant_lookup (facts, "tls-flags", "u", &flags);
  g_assert_cmpuint (flags, ==, G_TLS_CERTIFICATE_UNKNOWN_CA);
}

/* T-18 */
static void
test_downgrade (void)
{
  g_autofree char *pem = NULL;
  g_autoptr (GTlsCertificate) certificate = make_certificate (&pem);
  g_autoptr (ScriptServer) server = script_server_new (certificate);
  g_autoptr (ScriptServer) plain = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/down");
  g_autofree char *target = script_server_url (plain, "/hop/0");
  g_autofree char *trust = trust_option (pem);

  script_server_set_redirect (server, "/down", target, "");
  assert_ends (fixture, url, trust, "InsecureTransport");
  g_assert_cmpuint (script_server_count_connections (plain), ==, 0);
}

/* What ends within the handshake says nothing about the other side's good faith: it is
 * tried again. */
static void
test_handshake_cut (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = g_strdup_printf ("https://127.0.0.1:%u/",
                                          script_server_get_port (server));

  script_server_hang_up (server);
  assert_ends (fixture, url, NULL, "ConnectionLost");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpuint (trundle_error_quark (), !=, 0);
  g_test_add_func ("/worker/proxy", test_proxy);
  g_test_add_func ("/worker/tls", test_tls);
  g_test_add_func ("/worker/downgrade", test_downgrade);
  g_test_add_func ("/worker/handshake-cut", test_handshake_cut);
  return g_test_run ();
}
