/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real worker and proxies: those that a request names, and those that ask who is
 * there. */

#include "config.h"

#include "certificates.h"
#include "script-auth.h"
#include "script-proxy.h"
#include "script-server.h"
#include "worker-fixture.h"

#include <string.h>

#define RIGHT "user:correct horse"

static const ScriptGuard guards[] = {
  { "", "Basic", "proxy", RIGHT },
  { NULL },
};
static const ScriptGuard digest_guards[] = {
  { "", "Digest", "proxy", RIGHT, "SHA-256" },
  { NULL },
};

/* A server with TLS, and a proxy that leads there when it is told who asks. */
typedef struct
{
  Certificates *certificates;
  ScriptServer *server;
  ScriptProxy *proxy;
  ScriptAuth *auth;
  WorkerFixture *worker;
  char *trust; /* an option */
  guint16 proxy_port;
} Stage;

static void
set_up (Stage *stage, const ScriptGuard *asked)
{
  g_autoptr (GTlsCertificate) certificate = NULL;
  g_autofree char *pem = NULL;
  g_autofree char *escaped = NULL;
  g_autofree char *url = NULL;

  stage->certificates = certificates_new ();
  certificates_add (
      stage->certificates, "server", &(CertificateKind){ .names = "IP:127.0.0.1" });
  certificate = certificates_load (stage->certificates, "server");
  pem = certificates_read (stage->certificates, "server.pem");
  escaped = g_strescape (pem, NULL);
  stage->trust = g_strdup_printf ("'ca-certificates': <\"%s\">", escaped);
  stage->server = script_server_new (certificate);
  stage->proxy = script_proxy_new (NULL);
  stage->auth = script_auth_new (asked, TRUE);
  script_proxy_set_handler (stage->proxy, script_auth_handle, stage->auth);
  stage->worker = worker_fixture_new ();
  url = script_proxy_url (stage->proxy, "http");
  stage->proxy_port = (guint16)g_ascii_strtoull (strrchr (url, ':') + 1, NULL, 10);
}

static void
tear_down (Stage *stage)
{
  worker_fixture_free (stage->worker);
  script_proxy_free (stage->proxy);
  script_server_free (stage->server);
  script_auth_free (stage->auth);
  certificates_free (stage->certificates);
  g_free (stage->trust);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Stage, tear_down)

static GVariant *
get (Stage *stage, const char *options)
{
  g_autofree char *url = script_server_url (stage->server, "/x");
  g_autofree char *all = g_strdup_printf ("{%s, %s}", stage->trust, options);

  return worker_fixture_await_done (stage->worker,
                                    worker_fixture_begin (stage->worker, url, all));
}

/* (transfer full) */
static char *
by_proxy (Stage *stage, const char *scheme, const char *user_info)
{
  return g_strdup_printf (
      "'proxies': <['%s://%s127.0.0.1:%u']>", scheme, user_info, stage->proxy_port);
}

/* (transfer full) */
static char *
with_credential (Stage *stage, const char *protocol, const char *password)
{
  g_autofree char *proxies = by_proxy (stage, protocol, "");

  return g_strdup_printf (
      "%s, 'allow-insecure-auth': <true>, 'credentials': <[{'protocol': <'%s'>, "
      "'host': <'127.0.0.1'>, 'port': <uint32 %u>, 'is-proxy': <true>, "
      "'user': <'user'>, 'password': <'%s'>, 'generation': <uint32 3>}]>",
      proxies,
      protocol,
      stage->proxy_port,
      password);
}

static void
assert_ends (GVariant *facts, const char *error)
{
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, error);
}

/* (transfer full) (nullable) */
static GVariant *
get_told (GVariant *facts, const char *key)
{
  g_autoptr (GVariant) challenge = g_variant_lookup_value (
      facts, "challenge", G_VARIANT_TYPE_VARDICT);

  return challenge != NULL ? g_variant_lookup_value (challenge, key, NULL) : NULL;
}

/* The challenge is of the proxy, and says what was @tried: a generation, or -1. */
static void
assert_asks (Stage *stage, GVariant *facts, const char *protocol, int tried)
{
  g_autoptr (GVariant) is_proxy = get_told (facts, "is-proxy");
  g_autoptr (GVariant) port = get_told (facts, "port");
  g_autoptr (GVariant) told_protocol = get_told (facts, "protocol");
  g_autoptr (GVariant) told_tried = get_told (facts, "tried");
  guint generation = 0;

  assert_ends (facts, "AuthenticationRequired");
  g_assert_nonnull (is_proxy);
  g_assert_true (g_variant_get_boolean (is_proxy));
  g_assert_cmpuint (g_variant_get_uint32 (port), ==, stage->proxy_port);
  g_assert_cmpstr (g_variant_get_string (told_protocol, NULL), ==, protocol);
  g_assert_cmpint (told_tried != NULL, ==, tried >= 0);
  if (tried < 0)
    return;
  g_assert_true (g_variant_lookup (told_tried, "generation", "u", &generation));
  g_assert_cmpuint (generation, ==, tried);
}

static void
assert_counts (Stage *stage, guint n_refused, guint n_passed)
{
  g_assert_cmpuint (script_auth_count_refused (stage->auth), ==, n_refused);
  g_assert_cmpuint (script_auth_count_passed (stage->auth), ==, n_passed);
}

/* What a request names is used, and the daemon is not asked: here it would fail. */
static void
test_own (void)
{
  g_auto (Stage) stage = { NULL };
  g_autofree char *options = NULL;

  set_up (&stage, &guards[1]);
  worker_fixture_set_proxy (stage.worker, NULL);
  options = by_proxy (&stage, "http", "");
  assert_ends (get (&stage, options), "");
  g_assert_cmpuint (script_proxy_count_connections (stage.proxy), ==, 1);
  assert_ends (get (&stage, "'proxies': <['direct://']>"), "");
  g_assert_cmpuint (script_proxy_count_connections (stage.proxy), ==, 1);
  assert_ends (get (&stage, "'max-redirects': <uint32 1>"), "CannotConnect");
}

static void
test_exclusions (void)
{
  g_auto (Stage) stage = { NULL };
  g_autofree char *proxies = NULL;
  g_autofree char *excluded = NULL;
  g_autofree char *others = NULL;

  set_up (&stage, &guards[1]);
  proxies = by_proxy (&stage, "http", "");
  excluded = g_strconcat (
      proxies, ", 'proxy-exclusions': <['example.org', '127.0.0.0/8']>", NULL);
  others = g_strconcat (proxies, ", 'proxy-exclusions': <['example.org']>", NULL);
  assert_ends (get (&stage, excluded), "");
  g_assert_cmpuint (script_proxy_count_connections (stage.proxy), ==, 0);
  assert_ends (get (&stage, others), "");
  g_assert_cmpuint (script_proxy_count_connections (stage.proxy), ==, 1);
}

/* What the proxy of a tunnel wants to know. */
static void
test_tunnel_asks (void)
{
  g_auto (Stage) stage = { NULL };
  g_autofree char *options = NULL;
  g_autoptr (GVariant) offers = NULL;
  g_autoptr (GVariant) response = NULL;
  g_autofree char *text = NULL;
  g_autofree char *head = NULL;
  GVariant *facts;

  set_up (&stage, guards);
  options = by_proxy (&stage, "http", "");
  facts = get (&stage, options);
  assert_asks (&stage, facts, "http", -1);
  offers = get_told (facts, "offers");
  text = g_variant_print (offers, FALSE);
  g_assert_nonnull (strstr (text, "'basic'"));
  g_assert_nonnull (strstr (text, "'proxy'"));
  response = get_told (facts, "response");
  head = g_variant_print (response, FALSE);
  g_assert_nonnull (strstr (head, "uint32 407"));
  assert_counts (&stage, 1, 0);
  g_assert_cmpuint (script_server_count_connections (stage.server), ==, 0);
}

/* By Basic and by Digest, and only once for all that follow. */
static void
test_tunnel (gconstpointer data)
{
  g_auto (Stage) stage = { NULL };
  g_autofree char *right = NULL;
  g_autofree char *wrong = NULL;

  set_up (&stage, data);
  right = with_credential (&stage, "http", "correct horse");
  wrong = with_credential (&stage, "http", "wrong");
  assert_asks (&stage, get (&stage, wrong), "http", 3);
  assert_counts (&stage, 2, 0);
  assert_ends (get (&stage, right), "");
  assert_counts (&stage, 3, 1);
}

/* A tunnel that stands is used by whom it was made for: it proves another's password. */
static void
test_partition (void)
{
  g_auto (Stage) stage = { NULL };
  g_autofree char *right = NULL;
  g_autofree char *wrong = NULL;
  g_autofree char *none = NULL;

  set_up (&stage, guards);
  right = by_proxy (&stage, "http", "user:correct%20horse@");
  wrong = by_proxy (&stage, "http", "user:wrong@");
  none = by_proxy (&stage, "http", "");
  assert_ends (get (&stage, right), "");
  assert_counts (&stage, 1, 1);
  assert_ends (get (&stage, right), "");
  assert_counts (&stage, 1, 1);
  assert_asks (&stage, get (&stage, none), "http", -1);
  assert_asks (&stage, get (&stage, wrong), "http", 0);
  assert_counts (&stage, 4, 1);
}

/* The body at @url: the head of the request as the server heard it.  (transfer full) */
static char *
get_echo (Stage *stage, const char *url, const char *options)
{
  g_autofree char *all = g_strdup_printf ("{%s%s}", stage->trust, options);
  guint64 attempt = worker_fixture_begin (stage->worker, url, all);

  assert_ends (worker_fixture_await_done (stage->worker, attempt), "");
  return worker_fixture_read_part (stage->worker, attempt, NULL);
}

#define OWN_HEADER                                                                       \
  ", 'secret-headers': <[('Proxy-Authorization', 'Basic dXNlcjpjb3JyZWN0IGhvcnNl')]>"

/* What the app says itself is for the proxy as well: no server hears it, and nobody else
 * has the tunnel it opened. */
static void
test_own_header (void)
{
  g_auto (Stage) stage = { NULL };
  g_autoptr (ScriptServer) plain = script_server_new (NULL);
  g_autofree char *plain_url = script_server_url (plain, "/echo");
  g_autofree char *url = NULL;
  g_autofree char *none = NULL;
  g_autofree char *options = NULL;
  g_autofree char *heard = NULL;
  g_autofree char *heard_plain = NULL;

  set_up (&stage, guards);
  url = script_server_url (stage.server, "/echo");
  none = by_proxy (&stage, "http", "");
  options = g_strdup_printf (", %s" OWN_HEADER, none);
  heard = get_echo (&stage, url, options);
  assert_counts (&stage, 0, 1);
  g_assert_null (strstr (heard, "Proxy-Authorization"));
  heard_plain = get_echo (&stage, plain_url, OWN_HEADER);
  g_assert_null (strstr (heard_plain, "Proxy-Authorization"));
  assert_asks (&stage, get (&stage, none), "http", -1);
}

/* Once the tunnel is lost, another is made without being refused first. */
static void
test_tunnel_again (gconstpointer data)
{
  g_auto (Stage) stage = { NULL };
  g_autofree char *right = NULL;

  set_up (&stage, data);
  script_server_set (stage.server,
                     "/x",
                     &(ScriptReply){ .head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
                                             "Connection: close\r\n\r\n",
                                     .end = SCRIPT_CLOSE });
  right = with_credential (&stage, "http", "correct horse");
  assert_ends (get (&stage, right), "");
  assert_ends (get (&stage, right), "");
  assert_counts (&stage, 1, 2);
}

/* Without a tunnel the proxy reads what is said; the server must not. */
static void
test_plain (gconstpointer data)
{
  g_autoptr (ScriptServer) proxy = script_server_new (NULL);
  g_autoptr (ScriptAuth) auth = script_auth_new (data, TRUE);
  g_autoptr (WorkerFixture) worker = worker_fixture_new ();
  g_autofree char *right = NULL;
  g_autofree char *none = NULL;
  g_autofree char *last = NULL;
  guint port = script_server_get_port (proxy);
  Stage stage = { .auth = auth, .proxy_port = (guint16)port };
  GVariant *facts;

  script_server_set_handler (proxy, script_auth_handle, auth);
  none = g_strdup_printf ("{'proxies': <['http://127.0.0.1:%u']>}", port);
  right = g_strdup_printf ("{'proxies': <['http://user:correct%%20horse@127.0.0.1:%u']>}",
                           port);
  facts = worker_fixture_await_done (
      worker, worker_fixture_begin (worker, "http://far.invalid/x", none));
  assert_asks (&stage, facts, "http", -1);
  assert_counts (&stage, 1, 0);
  for (guint i = 0; i < 3; i++)
    {
      facts = worker_fixture_await_done (
          worker, worker_fixture_begin (worker, "http://far.invalid/x", right));
      assert_ends (facts, "");
    }
  assert_counts (&stage, 2, 3);
  facts = worker_fixture_await_done (
      worker, worker_fixture_begin (worker, "http://far.invalid/x", none));
  assert_asks (&stage, facts, "http", -1);
  last = script_auth_get_last (auth);
  g_assert_cmpstr (last, ==, "");
}

static char *
say_missing (const char *request, gpointer user_data)
{
  return g_strdup ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

/* The tunnel that stood is lost under the request, and there is no other: what the proxy
 * says to that is not the server's word, though the server has shown who it is before. */
static void
test_tunnel_lost (void)
{
  g_auto (Stage) stage = { NULL };
  g_autofree char *options = NULL;
  GVariant *facts;

  set_up (&stage, guards);
  script_proxy_set_handler (stage.proxy, NULL, NULL);
  options = by_proxy (&stage, "http", "");
  assert_ends (get (&stage, options), "");
  script_proxy_set_handler (stage.proxy, say_missing, NULL);
  script_server_set (
      stage.server, "/x", &(ScriptReply){ .head = "", .end = SCRIPT_CLOSE });
  facts = get (&stage, options);
  assert_ends (facts, "CannotConnect");
  g_assert_false (g_variant_lookup (facts, "response", "a{sv}", NULL));
}

static char *
say_text (const char *request, gpointer user_data)
{
  return g_strdup (user_data);
}

/* What a proxy says instead of leading there is nobody's answer, and no question. */
static void
test_tunnel_odd (void)
{
  static const char *const answers[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "HTTP/1.1 204 None\r\n\r\n",
    "HTTP/1.1 101 Other\r\n\r\n",
    "HTTP/1.1 302 There\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
    ("HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm=\"r\"\r\n"
     "Proxy-Authenticate: Basic realm=\"r\"\r\nContent-Length: 0\r\n\r\n"),
  };
  g_auto (Stage) stage = { NULL };
  g_autofree char *options = NULL;

  set_up (&stage, guards);
  options = with_credential (&stage, "http", "correct horse");
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      GVariant *facts;

      script_proxy_set_handler (stage.proxy, say_text, (gpointer)answers[i]);
      facts = get (&stage, options);
      g_test_message ("%u", i);
      g_assert_cmpstr (worker_fixture_get_error (facts), !=, "");
      g_assert_false (g_variant_lookup (facts, "response", "a{sv}", NULL));
      g_assert_false (g_variant_lookup (facts, "challenge", "a{sv}", NULL));
    }
  g_assert_cmpuint (
      script_proxy_count_connections (stage.proxy), ==, G_N_ELEMENTS (answers));
}

typedef struct
{
  ScriptAuth *proxy;
  ScriptAuth *server;
} Two;

static char *
handle_both (const char *request, gpointer user_data)
{
  const Two *two = user_data;
  char *answer = script_auth_handle (request, two->proxy);

  return answer != NULL ? answer : script_auth_handle (request, two->server);
}

/* The proxy asks first, and then the server; each hears what is for it. */
static void
test_both (gconstpointer data)
{
  static const ScriptGuard of_server[] = {
    { "http://far.invalid/", "Basic", "server", "ann:1" },
    { NULL },
  };
  g_autoptr (ScriptServer) proxy = script_server_new (NULL);
  g_autoptr (ScriptAuth) server_auth = script_auth_new (of_server, FALSE);
  g_autoptr (ScriptAuth) proxy_auth = script_auth_new (data, TRUE);
  g_autoptr (WorkerFixture) worker = worker_fixture_new ();
  g_autofree char *options = NULL;
  Two two = { proxy_auth, server_auth };

  script_server_set_handler (proxy, handle_both, &two);
  options = g_strdup_printf (
      "{'proxies': <['http://user:correct%%20horse@127.0.0.1:%u']>, "
      "'allow-insecure-auth': <true>, 'credentials': <[{'protocol': <'http'>, "
      "'host': <'far.invalid'>, 'port': <uint32 80>, 'user': <'ann'>, "
      "'password': <'1'>}]>}",
      script_server_get_port (proxy));
  assert_ends (
      worker_fixture_await_done (
          worker, worker_fixture_begin (worker, "http://far.invalid/x", options)),
      "");
  g_assert_cmpuint (script_auth_count_refused (proxy_auth), ==, 1);
  g_assert_cmpuint (script_auth_count_passed (proxy_auth), ==, 2);
  g_assert_cmpuint (script_auth_count_refused (server_auth), ==, 1);
  g_assert_cmpuint (script_auth_count_passed (server_auth), ==, 1);
  g_assert_false (script_auth_has_heard (server_auth, RIGHT));
  g_assert_false (script_auth_has_heard (proxy_auth, "ann:1"));
}

static GVariant *
get_by_name (Stage *stage, ScriptServer *server, const char *options)
{
  g_autofree char *url = g_strdup_printf ("http://far.invalid:%u/x",
                                          script_server_get_port (server));
  g_autofree char *all = g_strdup_printf ("{%s}", options);

  return worker_fixture_await_done (stage->worker,
                                    worker_fixture_begin (stage->worker, url, all));
}

/* SOCKS5 with a password: from the address, none, a wrong one, and from a credential. */
static void
test_socks (void)
{
  g_auto (Stage) stage = { NULL };
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autofree char *in_address = NULL;
  g_autofree char *right = NULL;
  g_autofree char *wrong = NULL;
  g_autofree char *none = NULL;

  set_up (&stage, &guards[1]);
  script_proxy_set_password (stage.proxy, "us:er@:p/w%");
  in_address = by_proxy (&stage, "socks5", "us%3Aer%40:p%2Fw%25@");
  none = by_proxy (&stage, "socks5", "");
  assert_ends (get_by_name (&stage, server, in_address), "");
  assert_asks (&stage, get_by_name (&stage, server, none), "socks5", -1);
  wrong = with_credential (&stage, "socks5", "wrong");
  assert_asks (&stage, get_by_name (&stage, server, wrong), "socks5", 3);
  script_proxy_set_password (stage.proxy, RIGHT);
  right = with_credential (&stage, "socks5", "correct horse");
  assert_ends (get_by_name (&stage, server, right), "");
  g_assert_cmpuint (script_server_count_connections (server), ==, 2);
}

/* A proxy that is itself reached by TLS, by name; @trusts_it: by the task. */
static void
set_up_tls (Stage *stage, const ScriptGuard *asked, gboolean trusts_it)
{
  g_autoptr (GTlsCertificate) certificate = NULL;
  g_autofree char *pem = NULL;
  g_autofree char *escaped = NULL;

  set_up (stage, asked);
  certificates_add (
      stage->certificates, "proxy", &(CertificateKind){ .names = "DNS:localhost" });
  certificate = certificates_load (stage->certificates, "proxy");
  script_proxy_set_certificate (stage->proxy, certificate);
  pem = certificates_read (stage->certificates,
                           trusts_it ? "server.pem proxy.pem" : "server.pem");
  escaped = g_strescape (pem, NULL);
  g_free (stage->trust);
  stage->trust = g_strdup_printf ("'ca-certificates': <\"%s\">", escaped);
}

/* (transfer full) */
static char *
by_tls (Stage *stage, const char *user_info)
{
  return g_strdup_printf (
      "'proxies': <['https://%slocalhost:%u']>", user_info, stage->proxy_port);
}

/* It leads tunnels to all, and asks who is there as others do. */
static void
test_tls (gconstpointer data)
{
  g_auto (Stage) stage = { NULL };
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autofree char *right = NULL;
  g_autofree char *wrong = NULL;
  g_autofree char *none = NULL;
  g_autofree char *with_trust = NULL;
  g_autofree char *question = NULL;
  g_autofree char *target = NULL;

  set_up_tls (&stage, data, TRUE);
  right = by_tls (&stage, "user:correct%20horse@");
  wrong = by_tls (&stage, "user:wrong@");
  none = by_tls (&stage, "");
  assert_asks (&stage, get (&stage, none), "https", -1);
  assert_counts (&stage, 1, 0);
  assert_asks (&stage, get (&stage, wrong), "https", 0);
  assert_counts (&stage, 3, 0);
  assert_ends (get (&stage, right), "");
  assert_counts (&stage, 4, 1);
  with_trust = g_strdup_printf ("%s, %s", stage.trust, right);
  assert_ends (get_by_name (&stage, server, with_trust), "");
  assert_counts (&stage, 4, 2);
  question = script_proxy_get_question (stage.proxy);
  target = g_strdup_printf ("CONNECT far.invalid:%u HTTP/1.1\r\n",
                            script_server_get_port (server));
  g_assert_true (g_str_has_prefix (question, target));
}

/* Nobody is told anything before he has shown who he is. */
static void
test_tls_not_trusted (void)
{
  g_auto (Stage) stage = { NULL };
  g_autofree char *options = NULL;
  g_autofree char *question = NULL;
  const char *message = "";
  GVariant *facts;

  set_up_tls (&stage, guards, FALSE);
  options = by_tls (&stage, "user:correct%20horse@");
  facts = get (&stage, options);
  assert_ends (facts, "TlsFailed");
  g_variant_lookup (facts, "message", "&s", &message);
  g_assert_nonnull (strstr (message, "proxy"));
  g_assert_true (g_variant_lookup (facts, "challenge", "a{sv}", NULL));
  question = script_proxy_get_question (stage.proxy);
  g_assert_null (question);
  assert_counts (&stage, 0, 0);
}

/* A decision of somebody about its certificate, which is not one about a server. */
static void
test_tls_excepted (gconstpointer data)
{
  gboolean of_proxy = GPOINTER_TO_INT (data);
  g_auto (Stage) stage = { NULL };
  g_autoptr (GBytes) digest = NULL;
  g_autoptr (GVariant) bytes = NULL;
  g_autofree char *printed = NULL;
  g_autofree char *way = NULL;
  g_autofree char *options = NULL;

  set_up_tls (&stage, guards, FALSE);
  digest = certificates_digest (stage.certificates, "proxy");
  bytes = g_variant_ref_sink (
      g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, digest, TRUE));
  printed = g_variant_print (bytes, TRUE);
  way = by_tls (&stage, "user:correct%20horse@");
  options = g_strdup_printf (
      "%s, 'trusted-certificates': <[{'host': <'localhost'>, 'port': <uint32 %u>, "
      "'is-proxy': <%s>, 'sha256': <%s>}]>",
      way,
      stage.proxy_port,
      of_proxy ? "true" : "false",
      printed);
  assert_ends (get (&stage, options), of_proxy ? "" : "TlsFailed");
}

/* The way around a proxy that refuses us, where there is one: what it wanted to know is
 * not what the server's answer is about. */
static void
test_tls_around (void)
{
  g_auto (Stage) stage = { NULL };
  g_autoptr (ScriptServer) server = script_server_new (NULL);
  g_autofree char *url = script_server_url (server, "/missing");
  g_autofree char *all = NULL;
  GVariant *facts;

  set_up_tls (&stage, guards, TRUE);
  script_server_set (
      server,
      "/missing",
      &(ScriptReply){ "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" });
  all = g_strdup_printf ("{%s, 'proxies': <['https://localhost:%u', 'direct://']>}",
                         stage.trust,
                         stage.proxy_port);
  facts = worker_fixture_await_done (stage.worker,
                                     worker_fixture_begin (stage.worker, url, all));
  assert_ends (facts, "HttpStatus");
  assert_counts (&stage, 1, 0);
  g_assert_false (g_variant_lookup (facts, "challenge", "a{sv}", NULL));
}

static char *
repeat (const char *request, gpointer user_data)
{
  return user_data != NULL ? g_strdup (user_data) : g_strnfill (70 * 1024, 'x');
}

/* No answer, one that makes no sense, one too long, and a refusal. */
static void
test_tls_nonsense (void)
{
  static const char *const answers[] = {
    "",
    NULL, /* one without end */
    "SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "HTTP/1.1 407 Who\r\n\r\n",
    "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 407 Who\r\nProxy-Authenticate: Digest\r\n\r\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_auto (Stage) stage = { NULL };
      g_autofree char *options = NULL;
      gboolean is_question = answers[i] != NULL && strstr (answers[i], " 407 ") != NULL;

      set_up_tls (&stage, guards, TRUE);
      script_proxy_set_handler (stage.proxy, repeat, (gpointer)answers[i]);
      options = by_tls (&stage, "user:x@");
      assert_ends (get (&stage, options),
                   is_question ? "AuthenticationRequired" : "CannotConnect");
    }
}

/* What @output says up to @end.  (transfer full) */
static char *
await_text (GInputStream *output, const char *end)
{
  g_autoptr (GString) all = g_string_new (NULL);
  char c;

  while (!g_str_has_suffix (all->str, end))
    {
      g_assert_cmpint (g_input_stream_read (output, &c, 1, NULL, NULL), ==, 1);
      g_string_append_c (all, c);
    }
  return g_string_free (g_steal_pointer (&all), FALSE);
}

static void
type (GSubprocess *process, const char *text)
{
  g_assert_true (g_output_stream_write_all (
      g_subprocess_get_stdin_pipe (process), text, strlen (text), NULL, NULL, NULL));
}

/* A proxy that does what is typed.  (transfer full) */
static GSubprocess *
start_typed_proxy (Stage *stage)
{
  g_autofree char *pem = certificates_path (stage->certificates, "proxy.pem");
  g_autofree char *key = certificates_path (stage->certificates, "proxy.key");
  g_autoptr (GError) error = NULL;
  g_autofree char *before = NULL;
  g_autofree char *port = NULL;
  GSubprocess *process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE
                                               | G_SUBPROCESS_FLAGS_STDOUT_PIPE
                                               | G_SUBPROCESS_FLAGS_STDERR_SILENCE,
                                           &error,
                                           "openssl",
                                           "s_server",
                                           "-accept",
                                           "127.0.0.1:0",
                                           "-tls1_2",
                                           "-cert",
                                           pem,
                                           "-key",
                                           key,
                                           NULL);

  g_assert_no_error (error);
  before = await_text (g_subprocess_get_stdout_pipe (process), "ACCEPT 127.0.0.1:");
  port = await_text (g_subprocess_get_stdout_pipe (process), "\n");
  stage->proxy_port = (guint16)g_ascii_strtoull (port, NULL, 10);
  return process;
}

/* A proxy that shows its certificate once more when the tunnel stands: nobody is left to
 * accept it, and nobody who is gone is asked. */
static void
test_tls_again (void)
{
  g_auto (Stage) stage = { NULL };
  g_autoptr (GSubprocess) proxy = NULL;
  g_autofree char *options = NULL;
  g_autofree char *all = NULL;
  g_autofree char *connect = NULL;
  g_autofree char *get = NULL;
  guint64 attempt;
  GInputStream *output;

  set_up_tls (&stage, guards, TRUE);
  proxy = start_typed_proxy (&stage);
  output = g_subprocess_get_stdout_pipe (proxy);
  options = by_tls (&stage, "");
  all = g_strdup_printf ("{%s, %s}", stage.trust, options);
  attempt = worker_fixture_begin (stage.worker, "http://far.invalid/x", all);
  connect = await_text (output, "\r\n\r\n");
  g_assert_nonnull (strstr (connect, "CONNECT far.invalid:80 "));
  type (proxy, "HTTP/1.1 200 Yes\r\n\r\n");
  get = await_text (output, "\r\n\r\n");
  g_assert_nonnull (strstr (get, "GET /x "));
  type (proxy, "r\n");
  assert_ends (worker_fixture_await_done (stage.worker, attempt), "TlsFailed");
  g_subprocess_force_exit (proxy);
  g_subprocess_wait (proxy, NULL, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker-proxy/own", test_own);
  g_test_add_func ("/worker-proxy/exclusions", test_exclusions);
  g_test_add_func ("/worker-proxy/tunnel-asks", test_tunnel_asks);
  g_test_add_data_func ("/worker-proxy/tunnel/basic", guards, test_tunnel);
  g_test_add_data_func ("/worker-proxy/tunnel/digest", digest_guards, test_tunnel);
  g_test_add_data_func ("/worker-proxy/tunnel-again/basic", guards, test_tunnel_again);
  g_test_add_data_func (
      "/worker-proxy/tunnel-again/digest", digest_guards, test_tunnel_again);
  g_test_add_func ("/worker-proxy/partition", test_partition);
  g_test_add_func ("/worker-proxy/own-header", test_own_header);
  g_test_add_func ("/worker-proxy/tunnel-lost", test_tunnel_lost);
  g_test_add_func ("/worker-proxy/tunnel-odd", test_tunnel_odd);
  g_test_add_data_func ("/worker-proxy/plain/basic", guards, test_plain);
  g_test_add_data_func ("/worker-proxy/plain/digest", digest_guards, test_plain);
  g_test_add_data_func ("/worker-proxy/both/basic", guards, test_both);
  g_test_add_data_func ("/worker-proxy/both/digest", digest_guards, test_both);
  g_test_add_func ("/worker-proxy/socks", test_socks);
  g_test_add_data_func ("/worker-proxy/tls/basic", guards, test_tls);
  g_test_add_data_func ("/worker-proxy/tls/digest", digest_guards, test_tls);
  g_test_add_func ("/worker-proxy/tls/not-trusted", test_tls_not_trusted);
  g_test_add_data_func (
      "/worker-proxy/tls/excepted", GINT_TO_POINTER (TRUE), test_tls_excepted);
  g_test_add_data_func ("/worker-proxy/tls/excepted-server", NULL, test_tls_excepted);
  g_test_add_func ("/worker-proxy/tls/around", test_tls_around);
  g_test_add_func ("/worker-proxy/tls/nonsense", test_tls_nonsense);
  g_test_add_func ("/worker-proxy/tls/again", test_tls_again);
  return g_test_run ();
}
