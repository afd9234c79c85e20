/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the real worker sends: every byte of it, once for each time it is asked for, and
 * nothing of what has changed (law 10). */

#include "config.h"

#include "certificates.h"
#include "script-proxy.h"
#include "upload-case.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void
assert_sent (UploadCase *self, GVariant *facts)
{
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  g_assert_cmpuint (upload_case_get_number (facts, "body-sent"), ==, self->size);
  g_assert_cmpuint (upload_case_get_number (facts, "body-confirmed"), ==, self->size);
  g_assert_true (upload_case_is_sent (facts));
}

static void
test_file (UploadCase *self, gconstpointer data)
{
  guint64 attempt = upload_case_begin_watched (self, NULL);

  assert_sent (self, worker_fixture_await_done (self->worker, attempt));
  upload_case_assert_whole (self, 0);
  upload_case_assert_answer (self, attempt, "taken");
}

/* Of several pieces, a file named twice among them, the body is what they are together.
 */
static void
test_pieces (UploadCase *self, gconstpointer data)
{
  const char *pieces = "[{'bytes': <b'one '>}, "
                       "{'file': <handle 0>, 'offset': <uint64 4>, 'length': <uint64 3>},"
                       "{'file': <handle 0>, 'offset': <uint64 0>, 'length': <uint64 0>},"
                       "{'file': <handle 0>, 'offset': <uint64 0>, 'length': <uint64 4>},"
                       "{'bytes': <b' five'>}]";
  g_autofree char *sha256 = NULL;
  int fd = memfd_create ("source", MFD_CLOEXEC);
  GVariant *facts;

  g_assert_cmpint (write (fd, "threetwo", 8), ==, 8);
  facts = worker_fixture_await_done (
      self->worker, worker_fixture_send (self->worker, self->url, NULL, pieces, &fd, 1));
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  /* Bytestrings of text end with a NUL. */
  sha256 = g_compute_checksum_for_data (
      G_CHECKSUM_SHA256, (const guchar *)"one \0etwthre five\0", 18);
  g_assert_cmpuint (script_sink_await (self->sink, 0)->declared, ==, 18);
  g_assert_cmpstr (script_sink_await (self->sink, 0)->sha256, ==, sha256);
}

/* T-26 */
static void
test_empty (UploadCase *self, gconstpointer data)
{
  GVariant *facts = worker_fixture_await_done (
      self->worker,
      worker_fixture_send (
          self->worker, self->url, "{'method': <'POST'>}", "[]", NULL, 0));

  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "");
  g_assert_cmpuint (script_sink_await (self->sink, 0)->declared, ==, 0);
  g_assert_null (strstr (script_sink_await (self->sink, 0)->head, "Content-Type"));
}

static const char *const methods[] = { "PUT", "POST", "PATCH", "DELETE" };

/* Whatever libsoup thinks of a method that has no body. */
static void
test_methods (UploadCase *self, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_autofree char *options = g_strdup_printf ("{'method': <'%s'>}", methods[i]);

      assert_sent (self, upload_case_send (self, options));
      upload_case_assert_whole (self, i);
      g_assert_true (
          g_str_has_prefix (script_sink_await (self->sink, i)->head, methods[i]));
    }
}

/* A connection that stands is found again, and led to the same server as before. */
static void
test_kept_connection (UploadCase *self, gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    {
      assert_sent (self, upload_case_send (self, NULL));
      upload_case_assert_whole (self, i);
      g_assert_cmpuint (script_sink_await (self->sink, i)->connection, ==, 1);
    }
}

static GTlsCertificate *
make_certificate (void)
{
  g_autoptr (Certificates) certificates = certificates_new ();

  certificates_add (certificates,
                    "server",
                    &(CertificateKind){ .names = "IP:127.0.0.1,DNS:server.test" });
  return certificates_load (certificates, "server");
}

/* Options that trust @certificate.  (transfer full) */
static char *
make_trust (GTlsCertificate *certificate)
{
  g_autofree char *pem = NULL;
  g_autofree char *escaped = NULL;

  g_object_get (certificate, "certificate-pem", &pem, NULL);
  escaped = g_strescape (pem, NULL);
  return g_strdup_printf ("{'ca-certificates': <\"%s\">}", escaped);
}

/* Several on one connection, and one that is answered while it is sent. */
static void
test_tls (UploadCase *self, gconstpointer data)
{
  g_autoptr (GTlsCertificate) certificate = make_certificate ();
  g_autofree char *trust = make_trust (certificate);
  GVariant *facts;

  upload_case_use_tls (self, certificate);
  for (guint i = 0; i < 2; i++)
    {
      assert_sent (self, upload_case_send (self, trust));
      upload_case_assert_whole (self, i);
      g_assert_cmpuint (script_sink_await (self->sink, i)->connection, ==, 1);
    }
  script_sink_plan (self->sink,
                    "/x",
                    &(SinkPlan){ .take = 1000,
                                 .answer = "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n",
                                 .end = SINK_LINGER });
  facts = upload_case_send (self, trust);
  g_assert_cmpstr (worker_fixture_get_error (facts), ==, "HttpStatus");
}

static void
send_by_name (UploadCase *self, const char *scheme, const char *options)
{
  g_autofree char *url = g_strdup_printf (
      "%s://server.test:%u/x", scheme, script_sink_get_port (self->sink));
  guint64 attempt = upload_case_begin (self, url, options);

  assert_sent (self, worker_fixture_await_done (self->worker, attempt));
  upload_case_assert_whole (self, 0);
}

/* Through what leads connections, with TLS inside and without. */
static void
test_tunnels (UploadCase *self, gconstpointer data)
{
  g_autoptr (ScriptProxy) proxy = script_proxy_new (NULL);
  g_autoptr (GTlsCertificate) certificate = make_certificate ();
  g_autofree char *trust = make_trust (certificate);
  g_autofree char *socks = script_proxy_url (proxy, "socks5");
  g_autofree char *http = script_proxy_url (proxy, "http");

  worker_fixture_set_proxy (self->worker, socks);
  send_by_name (self, "http", NULL);
  upload_case_use_tls (self, certificate);
  send_by_name (self, "https", trust);
  worker_fixture_set_proxy (self->worker, http);
  upload_case_use_tls (self, certificate);
  send_by_name (self, "https", trust);
  g_assert_cmpuint (script_proxy_count_connections (proxy), ==, 3);
}

/* The sink is the proxy that reads along. */
static void
test_proxy (UploadCase *self, gconstpointer data)
{
  g_autofree char *proxy = g_strdup_printf ("http://127.0.0.1:%u",
                                            script_sink_get_port (self->sink));
  guint64 attempt;

  worker_fixture_set_proxy (self->worker, proxy);
  attempt = upload_case_begin (self, "http://example.test/x", NULL);
  assert_sent (self, worker_fixture_await_done (self->worker, attempt));
  upload_case_assert_whole (self, 0);
  g_assert_true (g_str_has_prefix (script_sink_await (self->sink, 0)->head,
                                   "PUT http://example.test/x HTTP/1.1\r\n"));
}

/* What was measured of it. */
static void
test_metrics (UploadCase *self, gconstpointer data)
{
  GVariant *facts = upload_case_send (self, NULL);
  g_autoptr (GVariant) list = g_variant_lookup_value (facts, "transactions", NULL);
  g_autoptr (GVariant) one = g_variant_get_child_value (list, 0);
  gint64 start = 0;
  gint64 end = 0;
  gint64 answer = 0;

  g_assert_cmpuint (upload_case_get_number (one, "request-body-size"), ==, self->size);
  g_variant_lookup (one, "request-start", "x", &start);
  g_variant_lookup (one, "request-end", "x", &end);
  g_variant_lookup (one, "response-start", "x", &answer);
  g_assert_cmpint (start, <, end);
  g_assert_cmpint (end, <=, answer);
}

/* KiB; the sanitizer has its own beside it. */
#if defined(__SANITIZE_ADDRESS__)
#define MEMORY_MAX (80 * 1024)
#else
#define MEMORY_MAX (24 * 1024)
#endif

/* G6: as much as one buffer. */
static void
test_memory (UploadCase *self, gconstpointer data)
{
  assert_sent (self, upload_case_send (self, NULL));
  g_assert_cmpuint (worker_fixture_get_peak_memory (self->worker), <, MEMORY_MAX);
}

#define CASE(name, size)                                                                 \
  g_test_add ("/worker-upload/" #name,                                                   \
              UploadCase,                                                                \
              GSIZE_TO_POINTER (size),                                                   \
              upload_case_set_up,                                                        \
              test_##name,                                                               \
              upload_case_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  CASE (file, 0);
  CASE (pieces, 0);
  CASE (empty, 0);
  CASE (methods, 0);
  CASE (kept_connection, 0);
  CASE (tls, 0);
  CASE (tunnels, 0);
  CASE (proxy, 0);
  CASE (metrics, 0);
  CASE (memory, 64 * 1024 * 1024);
  return g_test_run ();
}
