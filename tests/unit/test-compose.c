/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a worker is told about proxies, about who asks, and about what is sent. */

#include "config.h"

#include "core/request.h"

typedef struct
{
  const char *name;
  const char *configuration;
  const char *secrets;
  const char *proxies; /* NULL: none, the system's */
  const char *exclusions;
} Row;

#define EXCLUSIONS "'proxy-exclusions': <['a.example']>"
#define BARE "{'proxy': <'http://p.example:1'>, " EXCLUSIONS "}"

static const Row rows[] = {
  { "default", "@a{sv} {}", NULL, NULL, NULL },
  { "system", "{'proxy': <'system'>, " EXCLUSIONS "}", NULL, NULL, NULL },
  { "none", "{'proxy': <'none'>}", NULL, "['direct://']", NULL },
  { "address", BARE, NULL, "['http://p.example:1']", "['a.example']" },
  { "password",
    BARE,
    "{'proxy': <'http://u:p@p.example:1'>}",
    "['http://u:p@p.example:1']",
    "['a.example']" },
  { "password-of-another",
    BARE,
    "{'proxy': <'http://u:p@q.example:1'>}",
    "['http://p.example:1']",
    "['a.example']" },
  { "password-of-before",
    "{'proxy': <'system'>}",
    "{'proxy': <'http://u:p@p.example:1'>}",
    NULL,
    NULL },
};

static GVariant *
parse (const char *text)
{
  return text != NULL ? g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, NULL)
                      : NULL;
}

static void
assert_text (GVariant *request, const char *key, const char *expected)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (request, key, NULL);
  g_autofree char *text = value != NULL ? g_variant_print (value, FALSE) : NULL;

  g_assert_cmpstr (text, ==, expected);
}

/* A mirror of another origin gets no secret, but is reached through the same proxy. */
static void
test_row (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (GVariant) configuration = parse (row->configuration);
  g_autoptr (GVariant) secrets = parse (row->secrets);
  g_autoptr (GVariant) options = parse ("{'mirrors': <['http://mirror.example/']>}");

  for (guint mirror = 0; mirror < 2; mirror++)
    {
      TrdTaskRow task = {
        .url = (char *)"https://a.example/",
        .mirror = mirror,
        .options = options,
      };
      g_autoptr (GVariant) request = trd_request_compose (
          &task, configuration, NULL, secrets);

      assert_text (request, "proxies", row->proxies);
      assert_text (request, "proxy-exclusions", row->exclusions);
    }
}

/* Whom the user info of an address is shown to, and when. */
static const struct
{
  const char *name;
  const char *url;
  const char *configuration;
  guint mirror;
  const char *shown; /* (nullable): protocol, host, port, preemptive */
} users[] = {
  { "tls", "https://a.example/", "@a{sv} {}", 0, "https a.example 443 1" },
  { "port", "https://A.example:8443/", "@a{sv} {}", 0, "https a.example 8443 1" },
  { "clear", "http://a.example/", "@a{sv} {}", 0, "http a.example 80 0" },
  { "clear-allowed",
    "http://a.example/",
    "{'allow-insecure-auth': <true>}",
    0,
    "http a.example 80 1" },
  { "mirror", "https://a.example/", "@a{sv} {}", 1, NULL },
};

static void
test_user (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (GVariant) configuration = parse (users[i].configuration);
  g_autoptr (GVariant) mine = parse ("{'password': <'p'>, 'user': <'u'>}");
  g_autoptr (GVariant) session = parse (
      "{'headers': <[('Authorization', 'a'), ('Cookie', 'c')]>}");
  g_autoptr (GVariant) options = parse ("{'mirrors': <['http://mirror.example/']>}");
  TrdTaskRow task
      = { .url = (char *)users[i].url, .mirror = users[i].mirror, .options = options };
  g_autoptr (GVariant) request = trd_request_compose (
      &task, configuration, mine, session);
  g_autoptr (GVariant) all = NULL;
  g_autoptr (GVariant) one = NULL;
  g_autofree char *shown = NULL;
  const char *protocol;
  const char *host;
  gboolean preemptive;
  guint port;

  if (users[i].shown == NULL)
    {
      assert_text (request, "credentials", NULL);
      assert_text (request, "secret-headers", "[]");
      return;
    }

  /* Who is named in the address is meant, and no header of the session's. */
  assert_text (request, "secret-headers", "[('Cookie', 'c')]");
  all = g_variant_lookup_value (request, "credentials", G_VARIANT_TYPE ("aa{sv}"));
  g_assert_cmpuint (g_variant_n_children (all), ==, 1);
  g_variant_get_child (all, 0, "@a{sv}", &one);
  g_assert_true (g_variant_lookup (one, "protocol", "&s", &protocol));
  g_assert_true (g_variant_lookup (one, "host", "&s", &host));
  g_assert_true (g_variant_lookup (one, "port", "u", &port));
  g_assert_true (g_variant_lookup (one, "preemptive", "b", &preemptive));
  assert_text (one, "user", "'u'");
  assert_text (one, "password", "'p'");
  g_assert_cmpuint (g_variant_n_children (one), ==, 6);
  shown = g_strdup_printf ("%s %s %u %d", protocol, host, port, preemptive);
  g_assert_cmpstr (shown, ==, users[i].shown);
}

/* What uploads have besides, and downloads have not. */
#define TYPE "'content-type': <'multipart/form-data; boundary=b'>"

static const struct
{
  const char *name;
  TrundleKind kind;
  const char *options;
  const char *configuration;
  const char *secrets; /* (nullable) */
  const char *key;
  const char *expected; /* (nullable) */
} uploads[] = {
  { "download",
    TRUNDLE_KIND_DOWNLOAD,
    "@a{sv} {}",
    "{'expect-continue': <true>}",
    NULL,
    "expect-continue",
    NULL },
  { "download-time",
    TRUNDLE_KIND_DOWNLOAD,
    "@a{sv} {}",
    "@a{sv} {}",
    NULL,
    "first-byte-timeout",
    "0" },
  { "continue",
    TRUNDLE_KIND_UPLOAD,
    "@a{sv} {}",
    "{'expect-continue': <true>}",
    NULL,
    "expect-continue",
    "true" },
  { "continue-not",
    TRUNDLE_KIND_UPLOAD,
    "{'expect-continue': <false>}",
    "{'expect-continue': <true>}",
    NULL,
    "expect-continue",
    "false" },
  { "time",
    TRUNDLE_KIND_UPLOAD,
    "@a{sv} {}",
    "@a{sv} {}",
    NULL,
    "first-byte-timeout",
    "600000" },
  { "time-of-session",
    TRUNDLE_KIND_UPLOAD,
    "@a{sv} {}",
    "{'first-byte-timeout': <uint64 0>}",
    NULL,
    "first-byte-timeout",
    "0" },
  { "time-of-task",
    TRUNDLE_KIND_UPLOAD,
    "{'first-byte-timeout': <uint64 7>}",
    "{'first-byte-timeout': <uint64 0>}",
    NULL,
    "first-byte-timeout",
    "7" },
  { "type",
    TRUNDLE_KIND_UPLOAD,
    "{" TYPE "}",
    "@a{sv} {}",
    NULL,
    "headers",
    "[('Content-Type', 'multipart/form-data; boundary=b')]" },
  { "type-of-session",
    TRUNDLE_KIND_UPLOAD,
    "{" TYPE ", 'headers': <[('A', 'b')]>}",
    "{'headers': <[('content-type', 'a/b')]>}",
    NULL,
    "headers",
    "[('A', 'b'), ('Content-Type', 'multipart/form-data; boundary=b')]" },
  { "no-type", TRUNDLE_KIND_UPLOAD, "@a{sv} {}", "@a{sv} {}", NULL, "headers", "[]" },
  { "key",
    TRUNDLE_KIND_UPLOAD,
    "{'idempotency-key': <true>}",
    "@a{sv} {}",
    NULL,
    "headers",
    "[('Idempotency-Key', '\"0-1\"')]" },
  { "key-of-app",
    TRUNDLE_KIND_UPLOAD,
    "{'idempotency-key': <true>, 'headers': <[('idempotency-KEY', 'mine')]>}",
    "@a{sv} {}",
    NULL,
    "headers",
    "[('idempotency-KEY', 'mine')]" },
  { "key-of-session",
    TRUNDLE_KIND_UPLOAD,
    "{'idempotency-key': <true>}",
    "{'headers': <[('Idempotency-Key', 'ours')]>}",
    NULL,
    "headers",
    "[('Idempotency-Key', 'ours')]" },
  { "key-that-is-secret",
    TRUNDLE_KIND_UPLOAD,
    "{'idempotency-key': <true>}",
    "@a{sv} {}",
    "{'headers': <[('Idempotency-Key', 'mine')]>}",
    "headers",
    "[]" },
};

static void
test_upload (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (GVariant) options = parse (uploads[i].options);
  g_autoptr (GVariant) configuration = parse (uploads[i].configuration);
  g_autoptr (GVariant) secrets = parse (uploads[i].secrets);
  TrdTaskRow task = {
    .kind = uploads[i].kind,
    .uuid = (char *)"0-1",
    .url = (char *)"https://a.example/",
    .options = options,
  };
  g_autoptr (GVariant) request = trd_request_compose (
      &task, configuration, secrets, NULL);

  assert_text (request, uploads[i].key, uploads[i].expected);
}

/* What is kept of what an app says: no word of what has been dealt with. */
static void
test_settled (void)
{
  g_autoptr (GVariant) options = parse (
      "{'retry-safe': <true>, 'parts': <[{'name': <'a'>, 'value': <'b'>}]>,"
      " 'snapshot': <'copy'>, 'range': <(uint64 1, uint64 2)>}");
  g_auto (TrdRequestParts) parts = { 0 };
  g_autoptr (GError) error = NULL;
  gboolean done = trd_request_take_apart (
      TRUNDLE_KIND_UPLOAD, "https://a.example/", options, &parts, &error);

  g_assert_no_error (error);
  g_assert_true (done);
  assert_text (parts.options, "idempotent", "true");
  assert_text (parts.options, "method", "'POST'");
  g_assert_cmpuint (g_variant_n_children (parts.options), ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/compose/", rows[i].name, NULL);

      g_test_add_data_func (path, &rows[i], test_row);
    }
  for (guint i = 0; i < G_N_ELEMENTS (users); i++)
    {
      g_autofree char *path = g_strconcat ("/compose/user/", users[i].name, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_user);
    }
  for (guint i = 0; i < G_N_ELEMENTS (uploads); i++)
    {
      g_autofree char *path = g_strconcat ("/compose/upload/", uploads[i].name, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_upload);
    }
  g_test_add_func ("/compose/settled", test_settled);
  return g_test_run ();
}
