/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The vocabulary: every row takes its type and bounds and nothing else; cases per key;
 * dictionaries of chance. */

#include "config.h"

#include "common/defaults.h"
#include "common/error.h"
#include "common/vocabulary.h"

#include <math.h>
#include <string.h>

#define ALL_SCOPES 0xffff

static GVariant *
one (const char *key, GVariant *value)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", key, value);
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static void
assert_refused (const char *key, GVariant *value, guint scopes)
{
  g_autoptr (GVariant) dict = one (key, value);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) checked = trundle_vocabulary_check (dict, scopes, &error);

  g_assert_null (checked);
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, key));
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

static GVariant *
assert_accepted (const char *key, GVariant *value, guint scopes)
{
  g_autoptr (GVariant) dict = one (key, value);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) checked = trundle_vocabulary_check (dict, scopes, &error);

  g_assert_no_error (error);
  g_assert_false (g_variant_is_floating (checked));
  g_assert_cmpuint (g_variant_n_children (checked), ==, 1);
  return g_variant_lookup_value (checked, key, NULL);
}

/* A value of the row that is surely fit, by key. */
static const struct
{
  const char *key;
  const char *text;
} samples[] = {
  { "app-id", "'org.example.App'" },
  { "activation-name", "'org.example.App.Helper'" },
  { "headers", "[('Accept', 'a'), ('X-B', 'c')]" },
  { "ca-certificates",
    "'-----BEGIN CERTIFICATE-----\\nMII=\\n-----END CERTIFICATE-----\\n'" },
  { "description", "'d'" },
  { "user-data", "[byte 1, 2]" },
  { "group", "'g'" },
  { "range", "(uint64 5, uint64 0)" },
  { "mirrors", "['https://a.b/c', 'http://d.e/']" },
  { "pins", "['sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=']" },
  { "negotiate-hosts", "['example.org', '.example.org']" },
  { "proxy-fd", "handle 0" },
  { "proxy-exclusions", "['.example.org', '192.168.0.0/16', '[::1]:8080']" },
  { "retry", "{'max-attempts': <uint32 3>, 'statuses': <[uint32 503]>}" },
  { "digests",
    "{'sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852B855'}" },
  { "expected-bytes", "uint64 7" },
  { "max-bytes", "uint64 7" },
  { "earliest-begin", "int64 7" },
  { "dedup-key", "'k'" },
  { "resume-data", "[byte 1, 2]" },
  { "destination", "handle 0" },
  { "headers-fd", "handle 0" },
  { "destination-name", "'a b.iso'" },
  { "destination-path", "'/home/u/a.iso'" },
  { "url", "'http://a.b/'" },
  { "kind", "'upload'" },
  { "after", "uint64 7" },
  { "limit", "uint32 7" },
  { "state", "['queued', 'finished']" },
  { "properties", "['State', 'Url']" },
  { "host", "'a.example'" },
  { "realm", "'r'" },
  { "user", "'u'" },
  { "password", "'p'" },
  { "token", "'t'" },
  { "password-fd", "handle 0" },
  { "token-fd", "handle 0" },
  { "certificate-fd", "handle 0" },
  { "pkcs12-fd", "handle 0" },
  { "certificate",
    "'-----BEGIN CERTIFICATE-----\\nMII=\\n-----END CERTIFICATE-----\\n"
    "-----BEGIN PRIVATE KEY-----\\nMII=\\n-----END PRIVATE KEY-----\\n'" },
  { "pkcs12", "[byte 1, 2]" },
  { "pkcs11-uri", "'pkcs11:token=t'" },
  { "name", "'sid'" },
  { "value", "'1'" },
  { "value-fd", "handle 0" },
  { "domain", "'example.org'" },
  { "oauth2",
    "{'token-url': <'https://a.b/'>, 'client-id': <'c'>, 'refresh-token': <'r'>}" },
  { "token-url", "'https://a.b/'" },
  { "client-id", "'c'" },
  { "client-secret", "'s'" },
  { "refresh-token", "'r'" },
  { "scope", "'s'" },
  { "path", "'/'" },
  { "body", "handle 0" },
  { "body-path", "'/home/u/a.iso'" },
  { "body-bytes", "[byte 1, 2]" },
  { "parts", "[{'name': <'n'>, 'value': <'v'>}]" },
  { "file-name", "'a.png'" },
  { "content-type", "'image/png'" },
};

static GVariant *
make_sample (const TrundleWord *word)
{
  gboolean is_space = word->scopes == TRUNDLE_SCOPE_SPACE;
  const char *text = is_space && strcmp (word->key, "method") == 0 ? "'basic'"
                                                                   : word->fallback;
  g_autoptr (GError) error = NULL;
  GVariant *value;

  for (guint i = 0; i < G_N_ELEMENTS (samples); i++)
    {
      if (strcmp (samples[i].key, word->key) == 0)
        text = samples[i].text;
    }
  g_assert_nonnull (text);
  value = g_variant_parse (G_VARIANT_TYPE (word->type), text, NULL, NULL, &error);
  g_assert_no_error (error);
  return value;
}

static void
test_right_type (gconstpointer data)
{
  const TrundleWord *word = data;
  g_autoptr (GVariant) sample = make_sample (word);

  for (guint scope = 1; scope < ALL_SCOPES; scope <<= 1)
    {
      if (word->scopes & scope)
        {
          g_autoptr (GVariant) value = assert_accepted (word->key, sample, scope);

          g_assert_cmpvariant (value, sample);
        }
    }
}

static void
test_wrong_types (gconstpointer data)
{
  static const char *const others[] = {
    "true",          "'s'",       "1",         "uint32 1",  "uint64 1",
    "int64 1",       "0.5",       "byte 1",    "handle 0",  "@as []",
    "@ay []",        "@a(ss) []", "@a{ss} {}", "@a{sv} {}", "objectpath '/'",
    "signature 's'", "<'s'>",     "(1, 2)",    "@aas []",   "int16 1",
  };
  const TrundleWord *word = data;

  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (GVariant) value = g_variant_parse (NULL, others[i], NULL, NULL, NULL);

      g_assert_nonnull (value);
      if (!g_variant_is_of_type (value, G_VARIANT_TYPE (word->type))
          && (word->alternative == NULL
              || !g_variant_is_of_type (value, G_VARIANT_TYPE (word->alternative))))
        assert_refused (word->key, value, word->scopes);
    }
}

/* Allowed exactly where some row of that key says so. */
static void
test_scopes (gconstpointer data)
{
  const TrundleWord *word = data;
  g_autoptr (GVariant) sample = make_sample (word);
  gsize n_words;
  const TrundleWord *words = trundle_vocabulary_words (&n_words);
  guint scopes = 0;

  for (gsize i = 0; i < n_words; i++)
    {
      if (strcmp (words[i].key, word->key) == 0)
        scopes |= words[i].scopes;
    }
  if ((ALL_SCOPES & ~scopes) != 0)
    assert_refused (word->key, sample, ALL_SCOPES & ~scopes);
}

static void
test_default (gconstpointer data)
{
  const TrundleWord *word = data;
  g_autoptr (GVariant) value = trundle_options_get_value (NULL, NULL, word->key);

  if (word->fallback == NULL)
    return;
  g_assert_nonnull (value);
  g_assert_true (g_variant_is_of_type (value, G_VARIANT_TYPE (word->type)));
  {
    g_autoptr (GVariant) checked = assert_accepted (word->key, value, word->scopes);

    g_assert_cmpvariant (checked, value);
  }
}

/* A value of the row's type whose measure is @size; NULL where there is no bound. */
static GVariant *
make_measured (const TrundleWord *word, double size)
{
  g_autofree char *text = NULL;

  switch (*word->type)
    {
    case 'u':
      return g_variant_new_uint32 ((guint32)size);
    case 't':
      return g_variant_new_uint64 ((guint64)size);
    case 'x':
      return g_variant_new_int64 ((gint64)size);
    case 'd':
      return g_variant_new_double (size);
    case 's':
      text = g_strnfill ((gsize)size, 'a');
      return g_variant_new_string (text);
    default:
      return NULL;
    }
}

static void
test_bounds (gconstpointer data)
{
  const TrundleWord *word = data;
  double step = *word->type == 'd' ? 1e-9 : 1;
  gboolean is_signed = *word->type == 'x' || *word->type == 'd';

  if (make_measured (word, 0) == NULL)
    return;
  /* Beyond what the type can hold there is nothing to refuse. */
  if (word->max < 9e18)
    assert_refused (word->key, make_measured (word, word->max + step), word->scopes);
  if (word->min > 0 || is_signed)
    assert_refused (word->key, make_measured (word, word->min - step), word->scopes);
  if (word->check != NULL)
    return;
  g_variant_unref (
      assert_accepted (word->key, make_measured (word, word->min), word->scopes));
  if (word->max < 9e18)
    g_variant_unref (
        assert_accepted (word->key, make_measured (word, word->max), word->scopes));
}

typedef struct
{
  const char *key;
  const char *text;
  guint scopes;
  gboolean is_fit;
} Case;

static const Case cases[] = {
  { "priority", "@d nan", TRUNDLE_SCOPE_TASK, FALSE },
  { "priority", "@d inf", TRUNDLE_SCOPE_TASK, FALSE },
  { "app-id", "'noDots'", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "app-id", "'org.example.'", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "app-id", "'../../etc'", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "activation-name", "':1.7'", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "activation-name", "'a b'", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "headers", "[('Host', 'a')]", TRUNDLE_SCOPE_TASK, FALSE },
  { "headers", "[('range', 'bytes=0-')]", TRUNDLE_SCOPE_TASK, FALSE },
  { "headers", "[('X', 'a\\r\\nY: b')]", TRUNDLE_SCOPE_TASK, FALSE },
  { "headers", "[('', 'a')]", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "headers", "[('A', 'b'), ('a', 'c')]", TRUNDLE_SCOPE_TASK, TRUE },
  { "headers", "@a(ss) []", TRUNDLE_SCOPE_TASK, TRUE },
  { "headers", "{'Host': 'a'}", TRUNDLE_SCOPE_TASK, FALSE },
  { "method", "'POST'", TRUNDLE_SCOPE_TASK, TRUE },
  { "method", "'X-CUSTOM'", TRUNDLE_SCOPE_TASK, TRUE },
  { "method", "'CONNECT'", TRUNDLE_SCOPE_TASK, FALSE },
  { "method", "'trace'", TRUNDLE_SCOPE_TASK, FALSE },
  { "method", "''", TRUNDLE_SCOPE_TASK, FALSE },
  { "method", "'GET /'", TRUNDLE_SCOPE_TASK, FALSE },
  { "method", "'GET\\r\\n'", TRUNDLE_SCOPE_TASK, FALSE },
  { "method", "'HOST'", TRUNDLE_SCOPE_TASK, TRUE },
  { "method", "'UPGRADE'", TRUNDLE_SCOPE_TASK, TRUE },
  { "accept-status", "['*']", TRUNDLE_SCOPE_TASK, TRUE },
  { "accept-status", "['2xx', '404', '5xx']", TRUNDLE_SCOPE_TASK, TRUE },
  { "accept-status", "@as []", TRUNDLE_SCOPE_TASK, FALSE },
  { "accept-status", "['1xx']", TRUNDLE_SCOPE_TASK, FALSE },
  { "accept-status", "['6xx']", TRUNDLE_SCOPE_TASK, FALSE },
  { "accept-status", "['20x']", TRUNDLE_SCOPE_TASK, FALSE },
  { "accept-status", "['2xx', '']", TRUNDLE_SCOPE_TASK, FALSE },
  { "accept-status", "['2000']", TRUNDLE_SCOPE_TASK, FALSE },
  { "redirects", "'same-origin'", TRUNDLE_SCOPE_TASK, TRUE },
  { "redirects", "'none'", TRUNDLE_SCOPE_TASK, TRUE },
  { "redirects", "'always'", TRUNDLE_SCOPE_TASK, FALSE },
  { "ca-certificates", "'nonsense'", TRUNDLE_SCOPE_TASK, FALSE },
  { "ca-certificates",
    "'-----BEGIN CERTIFICATE-----\\n-----END CERTIFICATE-----\\n"
    "-----BEGIN RSA PRIVATE KEY-----'",
    TRUNDLE_SCOPE_TASK,
    FALSE },
  { "range", "(uint64 9223372036854775807, uint64 0)", TRUNDLE_SCOPE_TASK, FALSE },
  { "range", "(uint64 1, uint64 9223372036854775806)", TRUNDLE_SCOPE_TASK, FALSE },
  { "range", "(uint64 0, uint64 9223372036854775806)", TRUNDLE_SCOPE_TASK, TRUE },
  { "mirrors", "['ftp://a.b/c']", TRUNDLE_SCOPE_TASK, FALSE },
  { "pins", "['sha1/AAAAAAAAAAAAAAAAAAAAAAAAAAA=']", TRUNDLE_SCOPE_TASK, FALSE },
  { "pins", "['sha256/AAAA']", TRUNDLE_SCOPE_TASK, FALSE },
  { "pins",
    "['sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=']",
    TRUNDLE_SCOPE_TASK,
    FALSE },
  { "mirrors", "['https://u:p@a.b/c']", TRUNDLE_SCOPE_TASK, FALSE },
  { "negotiate-hosts", "@as []", TRUNDLE_SCOPE_CONFIGURATION, TRUE },
  { "negotiate-hosts", "['*']", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "negotiate-hosts", "['.']", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "negotiate-hosts", "['']", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "negotiate-hosts", "['https://a.b']", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "negotiate-hosts", "['a.b:80']", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "negotiate-hosts", "['u@a.b']", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "negotiate-hosts", "['a.b']", TRUNDLE_SCOPE_TASK, FALSE },
  { "proxy", "'none'", TRUNDLE_SCOPE_CONFIGURATION, TRUE },
  { "proxy", "'http://proxy.example:3128'", TRUNDLE_SCOPE_CONFIGURATION, TRUE },
  { "proxy", "'HTTP://proxy.example'", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "proxy", "'http://u:p%40@[::1]:3128/'", TRUNDLE_SCOPE_CONFIGURATION, TRUE },
  { "proxy", "'socks5://u:p@proxy.example'", TRUNDLE_SCOPE_CONFIGURATION, TRUE },
  { "proxy", "'https://proxy.example'", TRUNDLE_SCOPE_CONFIGURATION, TRUE },
  { "proxy", "'socks4://proxy.example'", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "proxy", "'ftp://proxy.example'", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "proxy", "'proxy.example:3128'", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "proxy", "'http://'", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "proxy", "'http://a b'", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "proxy", "'http://proxy.example/x'", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "proxy", "'http://proxy.example?x'", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "proxy", "'http://proxy.example:0'", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "proxy", "'direct://'", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "proxy", "'none'", TRUNDLE_SCOPE_TASK, FALSE },
  { "proxy-exclusions", "['a b']", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "proxy-exclusions", "['']", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "proxy-exclusions", "@as []", TRUNDLE_SCOPE_CONFIGURATION, TRUE },
  { "proxy-exclusions", "['http://a?']", TRUNDLE_SCOPE_CONFIGURATION, FALSE },
  { "retry", "{'attempts': <uint32 3>}", TRUNDLE_SCOPE_TASK, FALSE },
  { "retry", "{'jitter': <2.0>}", TRUNDLE_SCOPE_TASK, FALSE },
  { "retry", "{'statuses': <[uint32 200]>}", TRUNDLE_SCOPE_TASK, FALSE },
  { "retry", "{'statuses': <@au []>}", TRUNDLE_SCOPE_CONFIGURATION, TRUE },
  { "retry", "@a{sv} {}", TRUNDLE_SCOPE_TASK, TRUE },
  { "max-attempts", "uint32 3", TRUNDLE_SCOPE_TASK, FALSE },
  { "digests", "{'sha256': 'abc'}", TRUNDLE_SCOPE_TASK, FALSE },
  { "digests", "{'crc32': '00000000'}", TRUNDLE_SCOPE_TASK, FALSE },
  { "digests", "{'md5': 'd41d8cd98f00b204e9800998ecf8427g'}", TRUNDLE_SCOPE_TASK, FALSE },
  { "digests", "{'md5': 'd41d8cd98f00b204e9800998ecf8427e'}", TRUNDLE_SCOPE_TASK, TRUE },
  { "destination-name", "'..'", TRUNDLE_SCOPE_TASK, FALSE },
  { "destination-name", "'.'", TRUNDLE_SCOPE_TASK, FALSE },
  { "destination-name", "''", TRUNDLE_SCOPE_TASK, FALSE },
  { "destination-name", "'a/b'", TRUNDLE_SCOPE_TASK, FALSE },
  { "destination-name", "'a\\nb'", TRUNDLE_SCOPE_TASK, FALSE },
  { "destination-name", "'.hidden'", TRUNDLE_SCOPE_TASK, TRUE },
  { "destination-path", "'a/b'", TRUNDLE_SCOPE_TASK, FALSE },
  { "destination-path", "'/'", TRUNDLE_SCOPE_TASK, FALSE },
  { "destination-path", "'/a/'", TRUNDLE_SCOPE_TASK, FALSE },
  { "destination-path", "'/a/..'", TRUNDLE_SCOPE_TASK, FALSE },
  { "destination-path", "'~/a'", TRUNDLE_SCOPE_TASK, FALSE },
  { "if-exists", "'replace'", TRUNDLE_SCOPE_MOVE, TRUE },
  { "if-exists", "'ask'", TRUNDLE_SCOPE_MOVE, FALSE },
  { "kind", "'stream'", TRUNDLE_SCOPE_BATCH, FALSE },
  { "kind", "'stream'", TRUNDLE_SCOPE_FILTER, FALSE },
  { "state", "['queued', 'lost']", TRUNDLE_SCOPE_FILTER, FALSE },
  { "state", "'lost'", TRUNDLE_SCOPE_FILTER, FALSE },
  { "properties", "['a b']", TRUNDLE_SCOPE_FILTER, FALSE },
  { "properties", "@as []", TRUNDLE_SCOPE_FILTER, TRUE },
  { "expected-bytes-to-receive", "int64 9223372036854775807", TRUNDLE_SCOPE_TASK, TRUE },
  { "after", "uint64 9223372036854775808", TRUNDLE_SCOPE_FILTER, FALSE },
  { "challenge-handling", "'never'", TRUNDLE_SCOPE_TASK, FALSE },
  { "protocol", "'ftp'", TRUNDLE_SCOPE_SPACE, FALSE },
  { "protocol", "'socks5'", TRUNDLE_SCOPE_SPACE, TRUE },
  { "host", "'a.b/c'", TRUNDLE_SCOPE_SPACE, FALSE },
  { "host", "'u@a.b'", TRUNDLE_SCOPE_SPACE, FALSE },
  { "host", "'::1'", TRUNDLE_SCOPE_SPACE, TRUE },
  { "host", "'[::1]'", TRUNDLE_SCOPE_SPACE, FALSE },
  { "host", "'a.b:80'", TRUNDLE_SCOPE_SPACE, FALSE },
  { "host", "'Bücher.example'", TRUNDLE_SCOPE_SPACE, TRUE },
  { "method", "'ntlm'", TRUNDLE_SCOPE_SPACE, FALSE },
  { "method", "'GET'", TRUNDLE_SCOPE_SPACE, FALSE },
  { "method", "''", TRUNDLE_SCOPE_SPACE, TRUE },
  { "user", "'a\nb'", TRUNDLE_SCOPE_CREDENTIAL, FALSE },
  { "token", "'a\nb'", TRUNDLE_SCOPE_CREDENTIAL, FALSE },
  { "certificate", "'nonsense'", TRUNDLE_SCOPE_CREDENTIAL, FALSE },
  { "certificate",
    "'-----BEGIN CERTIFICATE-----\\n-----END CERTIFICATE-----'",
    TRUNDLE_SCOPE_CREDENTIAL,
    FALSE },
  { "certificate", "[byte 0xff, 0xfe]", TRUNDLE_SCOPE_CREDENTIAL, FALSE },
  { "certificate", "@ay []", TRUNDLE_SCOPE_CREDENTIAL, FALSE },
  { "pkcs11-uri", "'file:///a'", TRUNDLE_SCOPE_CREDENTIAL, FALSE },
  { "persistence", "'synchronizable'", TRUNDLE_SCOPE_CREDENTIAL, FALSE },
  { "persistence", "'none'", TRUNDLE_SCOPE_CREDENTIAL, TRUE },
  { "body-path", "'a/b'", TRUNDLE_SCOPE_UPLOAD, FALSE },
  { "body-path", "'/a/b'", TRUNDLE_SCOPE_TASK, FALSE },
  { "mirrors", "['https://a.b/c']", TRUNDLE_SCOPE_UPLOAD, FALSE },
  { "snapshot", "'none'", TRUNDLE_SCOPE_UPLOAD, TRUE },
  { "snapshot", "'reflink'", TRUNDLE_SCOPE_UPLOAD, FALSE },
  { "snapshot", "'none'", TRUNDLE_SCOPE_PART, FALSE },
  { "resumable", "'tus'", TRUNDLE_SCOPE_CONFIGURATION, TRUE },
  { "resumable", "'ietf'", TRUNDLE_SCOPE_REQUEST, TRUE },
  { "resumable", "'s3'", TRUNDLE_SCOPE_UPLOAD, FALSE },
  { "resumable", "'off'", TRUNDLE_SCOPE_TASK, FALSE },
  { "response-body-max", "uint64 16777216", TRUNDLE_SCOPE_UPLOAD, TRUE },
  { "response-body-max", "uint64 16777217", TRUNDLE_SCOPE_UPLOAD, FALSE },
  { "retry-safe", "true", TRUNDLE_SCOPE_TASK, TRUE },
  { "parts", "@aa{sv} []", TRUNDLE_SCOPE_UPLOAD, FALSE },
  { "parts", "[@a{sv} {}]", TRUNDLE_SCOPE_UPLOAD, FALSE },
  { "parts", "[{'name': <'n'>}]", TRUNDLE_SCOPE_UPLOAD, FALSE },
  { "parts", "[{'value': <'v'>}]", TRUNDLE_SCOPE_UPLOAD, FALSE },
  { "parts", "[{'name': <''>, 'value': <'v'>}]", TRUNDLE_SCOPE_UPLOAD, FALSE },
  { "parts", "[{'name': <'n'>, 'value': <1>}]", TRUNDLE_SCOPE_UPLOAD, FALSE },
  { "parts",
    "[{'name': <'n'>, 'value': <'v'>, 'body-bytes': <b'v'>}]",
    TRUNDLE_SCOPE_UPLOAD,
    FALSE },
  { "parts",
    "[{'name': <'n'>, 'value': <'v'>, 'url': <'http://a/'>}]",
    TRUNDLE_SCOPE_UPLOAD,
    FALSE },
  { "parts",
    "[{'name': <'n'>, 'body': <handle 0>, 'file-name': <'a \"b'>, 'content-type': "
    "<'a/b'>, 'range': <(uint64 0, uint64 1)>}]",
    TRUNDLE_SCOPE_UPLOAD,
    TRUE },
  { "parts",
    "[{'name': <'n'>, 'value': <'v'>, 'content-type': <'a/b\r\nX: y'>}]",
    TRUNDLE_SCOPE_UPLOAD,
    FALSE },
  { "content-type", "'text/plain; charset=utf-8'", TRUNDLE_SCOPE_PART, TRUE },
  { "content-type", "'text'", TRUNDLE_SCOPE_PART, FALSE },
  { "content-type", "'/plain'", TRUNDLE_SCOPE_PART, FALSE },
  { "content-type", "'text/'", TRUNDLE_SCOPE_PART, FALSE },
  { "content-type", "'text/plain; a=é'", TRUNDLE_SCOPE_PART, FALSE },
  { "content-type", "'text/plain\n'", TRUNDLE_SCOPE_PART, FALSE },
  { "no-such-key", "true", ALL_SCOPES, FALSE },
  { "Headers", "@a(ss) []", ALL_SCOPES, FALSE },
};

static void
test_case (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (GVariant) value = g_variant_parse (NULL, c->text, NULL, NULL, NULL);

  g_assert_nonnull (value);
  if (c->is_fit)
    g_variant_unref (assert_accepted (c->key, value, c->scopes));
  else
    assert_refused (c->key, value, c->scopes);
}

static void
assert_alternative (const char *key,
                    guint scopes,
                    const char *given,
                    const char *expected)
{
  g_autoptr (GVariant) alternative = g_variant_parse (NULL, given, NULL, NULL, NULL);
  g_autoptr (GVariant) plain = g_variant_parse (NULL, expected, NULL, NULL, NULL);
  g_autoptr (GVariant) value = assert_accepted (key, alternative, scopes);

  g_assert_cmpvariant (value, plain);
}

static void
test_alternatives (void)
{
  assert_alternative (
      "headers", TRUNDLE_SCOPE_TASK, "{'A': 'b', 'C': 'd'}", "[('A', 'b'), ('C', 'd')]");
  assert_alternative ("state", TRUNDLE_SCOPE_FILTER, "'queued'", "['queued']");
  assert_alternative ("certificate",
                      TRUNDLE_SCOPE_CREDENTIAL,
                      "b'-----BEGIN CERTIFICATE-----PRIVATE KEY-----'",
                      "'-----BEGIN CERTIFICATE-----PRIVATE KEY-----'");
}

static void
test_given_twice (void)
{
  GVariantBuilder builder;
  g_autoptr (GVariant) dict = NULL;
  g_autoptr (GError) error = NULL;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "start", g_variant_new_boolean (TRUE));
  g_variant_builder_add (&builder, "{sv}", "start", g_variant_new_boolean (TRUE));
  dict = g_variant_ref_sink (g_variant_builder_end (&builder));
  g_assert_null (trundle_vocabulary_check (dict, TRUNDLE_SCOPE_TASK, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "start"));
}

static void
test_header_block (void)
{
  GVariantBuilder builder;
  g_autofree char *value = g_strnfill (33 * 1024, 'a');

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ss)"));
  for (guint i = 0; i < 2; i++)
    g_variant_builder_add (&builder, "(ss)", "A", value);
  assert_refused ("headers", g_variant_builder_end (&builder), TRUNDLE_SCOPE_TASK);

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ss)"));
  for (guint i = 0; i < 201; i++)
    g_variant_builder_add (&builder, "(ss)", "A", "b");
  assert_refused ("headers", g_variant_builder_end (&builder), TRUNDLE_SCOPE_TASK);
}

static void
test_user_data_bounds (void)
{
  g_autofree char *bytes = g_strnfill (TRD_USER_DATA_MAX + 1, 'a');

  g_variant_unref (assert_accepted (
      "user-data",
      g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, TRD_USER_DATA_MAX, 1),
      TRUNDLE_SCOPE_TASK));
  assert_refused (
      "user-data",
      g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, TRD_USER_DATA_MAX + 1, 1),
      TRUNDLE_SCOPE_TASK);
}

/* A hostile key must not make an error that the bus would choke on, nor a value appear.
 */
static void
test_hostile_key (void)
{
  g_autofree char *key = g_strnfill (100000, '\n');
  g_autoptr (GVariant) dict = one (key, g_variant_new_string ("hunter2"));
  g_autoptr (GError) error = NULL;

  g_assert_null (trundle_vocabulary_check (dict, ALL_SCOPES, &error));
  g_assert_cmpuint (strlen (error->message), <, 200);
  g_assert_null (strstr (error->message, "hunter2"));
}

/* The numbers of the table are those of defaults.h. */
static void
test_numbers (void)
{
  g_assert_cmpuint (
      trundle_options_get_uint (NULL, NULL, "max-redirects"), ==, TRD_MAX_REDIRECTS);
  g_assert_cmpuint (trundle_options_get_uint (NULL, NULL, "max-connections-per-host"),
                    ==,
                    TRD_SLOTS_PER_HOST);
  g_assert_cmpuint (trundle_options_get_uint (NULL, NULL, "max-concurrent-tasks"),
                    ==,
                    TRD_SLOTS_PER_APP);
  g_assert_cmpuint (trundle_options_get_uint64 (NULL, NULL, "request-timeout"),
                    ==,
                    TRD_REQUEST_TIMEOUT_MS);
  g_assert_cmpuint (trundle_options_get_uint64 (NULL, NULL, "connect-timeout"),
                    ==,
                    TRD_CONNECT_TIMEOUT_MS);
  g_assert_cmpuint (trundle_options_get_uint64 (NULL, NULL, "resource-timeout"),
                    ==,
                    TRD_RESOURCE_TIMEOUT_MS);
  g_assert_cmpfloat (
      trundle_options_get_double (NULL, NULL, "priority"), ==, TRD_PRIORITY);
  g_assert_cmpint (
      trundle_options_get_int64 (NULL, NULL, "expected-bytes-to-receive"), ==, -1);
}

static void
test_precedence (void)
{
  g_autoptr (GVariant) task = one ("max-redirects", g_variant_new_uint32 (1));
  g_autoptr (GVariant) session = one ("max-redirects", g_variant_new_uint32 (2));
  g_autoptr (GVariant) without = trundle_options_with (task, "max-redirects", NULL);
  g_autoptr (GVariant) with = trundle_options_with (
      NULL, "group", g_variant_new_string ("g"));
  g_autofree char *group = trundle_options_get_string (NULL, with, "group");

  g_assert_cmpuint (trundle_options_get_uint (task, session, "max-redirects"), ==, 1);
  g_assert_cmpuint (trundle_options_get_uint (NULL, session, "max-redirects"), ==, 2);
  g_assert_cmpuint (trundle_options_get_uint (without, session, "max-redirects"), ==, 2);
  g_assert_cmpuint (trundle_options_get_uint (without, NULL, "max-redirects"), ==, 20);
  g_assert_cmpstr (group, ==, "g");
  g_assert_true (trundle_options_get_boolean (task, NULL, "sends-launch-events"));
  g_assert_null (trundle_options_get_string (task, session, "description"));
}

static GVariant *
make_random_value (void)
{
  g_autofree char *text = g_strnfill (g_test_rand_int_range (0, 300), 'a');

  switch (g_test_rand_int_range (0, 9))
    {
    case 0:
      return g_variant_new_boolean (TRUE);
    case 1:
      return g_variant_new_string (text);
    case 2:
      return g_variant_new_uint32 ((guint32)g_test_rand_int ());
    case 3:
      return g_variant_new_uint64 ((guint64)g_test_rand_int () << 31);
    case 4:
      return g_variant_new_int64 (-(gint64)g_test_rand_int ());
    case 5:
      return g_variant_new_double (g_test_rand_double_range (-1, 2));
    case 6:
      return g_variant_new_handle (g_test_rand_int ());
    case 7:
      return g_variant_new_parsed ("[(%s, 'b')]", text);
    default:
      return g_variant_new_parsed ("[%s, '2xx', 'queued']", text);
    }
}

/* What is accepted once is accepted again and stays the same. */
static void
test_random (void)
{
  gsize n_words;
  const TrundleWord *words = trundle_vocabulary_words (&n_words);

  for (guint i = 0; i < 5000; i++)
    {
      GVariantBuilder builder;
      g_autoptr (GVariant) dict = NULL;
      g_autoptr (GVariant) once = NULL;
      g_autoptr (GVariant) twice = NULL;
      guint scopes = g_test_rand_int_range (0, ALL_SCOPES + 1);

      g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
      for (int n = g_test_rand_int_range (0, 4); n > 0; n--)
        g_variant_builder_add (&builder,
                               "{sv}",
                               words[g_test_rand_int_range (0, (gint32)n_words)].key,
                               make_random_value ());
      dict = g_variant_ref_sink (g_variant_builder_end (&builder));
      once = trundle_vocabulary_check (dict, scopes, NULL);
      if (once == NULL)
        continue;
      twice = trundle_vocabulary_check (once, scopes, NULL);
      g_assert_nonnull (twice);
      g_assert_cmpvariant (once, twice);
    }
}

/* Bytes of chance, taken as a dictionary: not in normal form, cut short, nonsense. */
static void
test_random_bytes (void)
{
  for (guint i = 0; i < 5000; i++)
    {
      gsize size = g_test_rand_int_range (0, 64);
      guchar *bytes = g_malloc (size + 1);
      g_autoptr (GVariant) dict = NULL;
      g_autoptr (GVariant) checked = NULL;

      for (gsize j = 0; j < size; j++)
        bytes[j] = (guchar)g_test_rand_int_range (0, 256);
      dict = g_variant_ref_sink (g_variant_new_from_data (
          G_VARIANT_TYPE_VARDICT, bytes, size, FALSE, g_free, bytes));
      checked = trundle_vocabulary_check (dict, ALL_SCOPES, NULL);
      g_assert_true (checked == NULL || g_variant_is_normal_form (checked));
    }
}

static void
add_word (const TrundleWord *word, gsize i, const char *what, GTestDataFunc func)
{
  g_autofree char *path = g_strdup_printf (
      "/vocabulary/%s/%s-%" G_GSIZE_FORMAT, what, word->key, i);

  g_test_add_data_func (path, word, func);
}

int
main (int argc, char **argv)
{
  gsize n_words;
  const TrundleWord *words;

  g_test_init (&argc, &argv, NULL);

  words = trundle_vocabulary_words (&n_words);
  for (gsize i = 0; i < n_words; i++)
    {
      add_word (&words[i], i, "right-type", test_right_type);
      add_word (&words[i], i, "wrong-types", test_wrong_types);
      add_word (&words[i], i, "scopes", test_scopes);
      add_word (&words[i], i, "default", test_default);
      add_word (&words[i], i, "bounds", test_bounds);
    }
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/vocabulary/case/%s/%u", cases[i].key, i);

      g_test_add_data_func (path, &cases[i], test_case);
    }
  g_test_add_func ("/vocabulary/alternatives", test_alternatives);
  g_test_add_func ("/vocabulary/given-twice", test_given_twice);
  g_test_add_func ("/vocabulary/header-block", test_header_block);
  g_test_add_func ("/vocabulary/user-data-bounds", test_user_data_bounds);
  g_test_add_func ("/vocabulary/hostile-key", test_hostile_key);
  g_test_add_func ("/vocabulary/numbers", test_numbers);
  g_test_add_func ("/vocabulary/precedence", test_precedence);
  g_test_add_func ("/vocabulary/random", test_random);
  g_test_add_func ("/vocabulary/random-bytes", test_random_bytes);
  return g_test_run ();
}
