/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real worker and what lies between it and the server: TLS and proxies. */

#include "config.h"

#include "script-proxy.h"
#include "script-server.h"
#include "worker-fixture.h"

#include "common/error.h"

#include <glib/gstdio.h>
#include <string.h>

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

/* To connect all the same would be to go around a proxy. */
static void
test_proxy_unknown (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/hop/1");
  const char *message = "";
  GVariant *facts;

  worker_fixture_set_proxy (fixture, NULL);
  facts = worker_fixture_await_done (fixture, worker_fixture_begin (fixture, url, NULL));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "CannotConnect");
  g_variant_lookup (facts, "message", "&s", &message);
  g_test_message ("%s", message);
  g_assert_cmpuint (script_server_count_connections (server), ==, 0);

  worker_fixture_set_proxy (fixture, "direct://");
  facts = worker_fixture_await_done (fixture, worker_fixture_begin (fixture, url, NULL));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
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
  g_autoptr (GTlsCertificate) other G_GNUC_UNUSED = make_certificate (&other_pem);
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

static GVariant *
get_transaction (GVariant *facts)
{
  g_autoptr (GVariant) all = g_variant_lookup_value (
      facts, "transactions", G_VARIANT_TYPE ("aa{sv}"));

  g_assert_nonnull (all);
  g_assert_cmpuint (g_variant_n_children (all), ==, 1);
  return g_variant_get_child_value (all, 0);
}

/* What of a secure connection is measured. */
static void
check_transaction (gboolean with_proxy)
{
  g_autofree char *pem = NULL;
  g_autoptr (GTlsCertificate) certificate = make_certificate (&pem);
  g_autoptr (ScriptServer) server = script_server_new (certificate);
  g_autoptr (ScriptProxy) proxy = script_proxy_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *url = script_server_url (server, "/hop/0");
  g_autofree char *proxy_url = script_proxy_url (proxy, "http");
  g_autofree char *trust = trust_option (pem);
  g_autoptr (GVariant) transaction = NULL;
  const char *version = "";
  const char *suite = "";
  gint64 moment = 0;
  gboolean is_proxy = !with_proxy;

  if (with_proxy)
    worker_fixture_set_proxy (fixture, proxy_url);
  transaction = get_transaction (
      worker_fixture_await_done (fixture, worker_fixture_begin (fixture, url, trust)));
  g_variant_lookup (transaction, "tls-protocol", "&s", &version);
  g_assert_true (g_str_has_prefix (version, "TLS 1."));
  g_variant_lookup (transaction, "tls-ciphersuite", "&s", &suite);
  g_assert_cmpstr (suite, !=, "");
  g_variant_lookup (transaction, "secure-connection-start", "x", &moment);
  g_assert_cmpint (moment, >, 0);
  g_variant_lookup (transaction, "proxy", "b", &is_proxy);
  g_assert_cmpint (is_proxy, ==, with_proxy);
}

static void
test_transaction (void)
{
  check_transaction (FALSE);
}

static void
test_transaction_proxy (void)
{
  check_transaction (TRUE);
}

/* T-18
 *
 * Fault (server): a redirect from https to http | Proves: not followed */
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
 * tried again.
 *
 * Fault (server): the connection ends in the TLS handshake | Proves: an error worth
 * another attempt */
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

/* A tunnel is the proxy's business, what goes through it is not. */
static void
test_connect (void)
{
  g_autofree char *pem = NULL;
  g_autoptr (GTlsCertificate) certificate = make_certificate (&pem);
  g_autoptr (ScriptServer) server = script_server_new (certificate);
  g_autoptr (ScriptProxy) proxy = script_proxy_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *proxy_url = script_proxy_url (proxy, "http");
  g_autofree char *url = script_server_url (server, "/echo");
  g_autofree char *escaped = g_strescape (pem, NULL);
  g_autofree char *options = NULL;
  g_autofree char *question = NULL;
  g_autofree char *request = NULL;
  guint64 attempt;

  options = g_strdup_printf ("{'ca-certificates': <\"%s\">, 'headers': <[('X-Open', "
                             "'seen')]>, 'secret-headers': <[('X-Key', 'secret')]>}",
                             escaped);
  worker_fixture_set_proxy (fixture, proxy_url);
  attempt = worker_fixture_begin (fixture, url, options);
  g_assert_cmpstr (
      worker_fixture_get_error (worker_fixture_await_done (fixture, attempt)), ==, "");
  request = worker_fixture_read_part (fixture, attempt, NULL);
  g_assert_nonnull (strstr (request, "secret"));
  question = script_proxy_get_question (proxy);
  g_assert_true (g_str_has_prefix (question, "CONNECT 127.0.0.1:"));
  g_assert_null (strstr (question, "secret"));
  g_assert_null (strstr (question, "seen"));
}

/* The certificate is that of who answers behind the proxy, and must be the host's. */
static void
test_connect_identity (void)
{
  g_autofree char *pem = NULL;
  g_autoptr (GTlsCertificate) certificate = make_certificate (&pem);
  g_autoptr (ScriptServer) server = script_server_new (certificate);
  g_autoptr (ScriptProxy) proxy = script_proxy_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *proxy_url = script_proxy_url (proxy, "http");
  g_autofree char *trust = trust_option (pem);
  g_autofree char *url = g_strdup_printf ("https://far.invalid:%u/echo",
                                          script_server_get_port (server));

  worker_fixture_set_proxy (fixture, proxy_url);
  assert_ends (fixture, url, trust, "TlsFailed");
}

static const struct
{
  const char *name;
  const char *refusal;
  const char *error;
} refusals[] = {
  { "407",
    "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
    "Content-Length: 0\r\n\r\n",
    "AuthenticationRequired" },
  { "302",
    "HTTP/1.1 302 There\r\nLocation: http://127.0.0.1:1/\r\n"
    "Content-Length: 0\r\n\r\n",
    "CannotConnect" },
  { "304", "HTTP/1.1 304 Same\r\n\r\n", "CannotConnect" },
  { "403", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", "CannotConnect" },
  { "502", "HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n", "CannotConnect" },
  { "body", "HTTP/1.1 502 No\r\nContent-Length: 5\r\n\r\nhello", "CannotConnect" },
};

/* What a proxy says in a server's place is never taken for the server's answer. */
static void
test_connect_refused (gconstpointer data)
{
  guint row = GPOINTER_TO_UINT (data);
  g_autoptr (ScriptProxy) proxy = script_proxy_new (refusals[row].refusal);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *proxy_url = script_proxy_url (proxy, "http");

  worker_fixture_set_proxy (fixture, proxy_url);
  assert_ends (
      fixture, "https://far.invalid/", "{'accept-status': <['*']>}", refusals[row].error);
}

/* Without a tunnel the proxy answers in its own name. */
static void
test_proxy_authentication (void)
{
  g_autoptr (ScriptServer) proxy = script_server_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *proxy_url = script_server_url (proxy, "");

  worker_fixture_set_proxy (fixture, proxy_url);
  script_server_set (proxy,
                     "http://far.invalid/x",
                     &(ScriptReply){ "HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n" });
  assert_ends (fixture, "http://far.invalid/x", NULL, "AuthenticationRequired");
}

/* The proxy finds the host. */
static void
test_socks (void)
{
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autoptr (ScriptProxy) proxy = script_proxy_new (NULL);
  g_autoptr (WorkerFixture) fixture = worker_fixture_new ();
  g_autofree char *proxy_url = script_proxy_url (proxy, "socks5");
  g_autofree char *url = g_strdup_printf ("http://far.invalid:%u/hop/1",
                                          script_server_get_port (server));
  g_autofree char *question = NULL;

  worker_fixture_set_proxy (fixture, proxy_url);
  assert_ends (fixture, url, NULL, "");
  question = script_proxy_get_question (proxy);
  g_assert_true (g_str_has_prefix (question, "SOCKS5 far.invalid:"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpuint (trundle_error_quark (), !=, 0);
  g_test_add_func ("/worker/proxy", test_proxy);
  g_test_add_func ("/worker/proxy/unknown", test_proxy_unknown);
  g_test_add_func ("/worker/tls", test_tls);
  g_test_add_func ("/worker/tls/transaction", test_transaction);
  g_test_add_func ("/worker/proxy/transaction", test_transaction_proxy);
  g_test_add_func ("/worker/downgrade", test_downgrade);
  g_test_add_func ("/worker/handshake-cut", test_handshake_cut);
  g_test_add_func ("/worker/proxy/connect", test_connect);
  g_test_add_func ("/worker/proxy/connect-identity", test_connect_identity);
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_autofree char *path = g_strconcat (
          "/worker/proxy/refused/", refusals[i].name, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_connect_refused);
    }
  g_test_add_func ("/worker/proxy/authentication", test_proxy_authentication);
  g_test_add_func ("/worker/proxy/socks5", test_socks);
  return g_test_run ();
}
