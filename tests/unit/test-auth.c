/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is read from a stranger's challenge, and what is computed for it. */

#include "config.h"

#include "auth-digest.h"
#include "auth-offer.h"
#include "credential.h"

#include <string.h>

typedef struct
{
  const char *name;
  const char *fields[4];
  const char *expected; /* "method realm|…"; Digest with its algorithm and stale */
} OfferRow;

static const OfferRow offer_rows[] = {
  { "basic", { "Basic realm=\"a b\"" }, "basic a b" },
  { "case", { "bAsIc ReAlM=\"x\"" }, "basic x" },
  { "token-realm", { "Basic realm=plain" }, "basic plain" },
  { "spaces", { "Basic realm = \"x\"" }, "basic x" },
  { "no-realm", { "Basic" }, "basic -" },
  { "empty-realm", { "Basic realm=\"\"" }, "basic " },
  { "quoting", { "Basic realm=\"a \\\"b\\\", c=d\\\\\"" }, "basic a \"b\", c=d\\" },
  { "charset", { "Basic realm=\"x\", charset=\"UTF-8\"" }, "basic x" },
  { "latin-1", { "Basic realm=\"caf\xe9\"" }, "basic café" },
  { "utf-8", { "Basic realm=\"café\"" }, "basic café" },
  { "first-counts", { "Basic realm=\"a\", realm=\"b\"" }, "basic a" },
  { "unknown", { "NTLM, Newauth realm=\"apps\", type=1, title=\"x\"" }, "" },
  { "two-in-one",
    { "Newauth realm=\"n\", title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"" },
    "basic simple" },
  { "strongest-first",
    { "Basic realm=\"b\", Bearer realm=\"t\"",
      "Negotiate",
      "Digest realm=\"d\", nonce=\"n\"" },
    "negotiate -|digest d MD5|bearer t|basic b" },
  { "token68", { "Negotiate YII+/=, Basic realm=\"b\"" }, "negotiate -|basic b" },
  { "both-digests",
    { "Digest realm=\"d\", nonce=\"1\", algorithm=MD5, qop=\"auth\"",
      "Digest realm=\"d\", nonce=\"2\", algorithm=SHA-256, qop=\"auth\"" },
    "digest d SHA-256" },
  { "other-realms",
    { "Digest realm=\"d\", nonce=\"1\"",
      "Digest realm=\"e\", nonce=\"2\", algorithm=sha-256-SESS" },
    "digest e SHA-256-sess|digest d MD5" },
  { "digest-stale",
    { "Digest realm=\"d\", nonce=\"1\", stale=TRUE, qop=\"auth-int , auth\"" },
    "digest d MD5 stale" },
  { "digest-auth-int", { "Digest realm=\"d\", nonce=\"1\", qop=\"auth-int\"" }, "" },
  { "digest-no-realm", { "Digest nonce=\"1\"" }, "" },
  { "digest-no-nonce", { "Digest realm=\"d\"" }, "" },
  { "digest-nothing", { "Digest" }, "" },
  { "digest-empty-nonce", { "Digest realm=\"d\", nonce=\"\"" }, "" },
  { "digest-empty-values", { "Digest realm=, nonce=, qop=, algorithm=" }, "" },
  { "digest-sha-512", { "Digest realm=\"d\", nonce=\"1\", algorithm=SHA-512-256" }, "" },
  { "digest-not-utf-8", { "Digest realm=\"\xff\", nonce=\"1\"" }, "" },
  { "empty", { "" }, "" },
  { "commas", { ", ,, ,Basic realm=\"x\",,", "," }, "basic x" },
  { "junk", { "\x01\x02=;, \"Basic realm=\", =x, Basic realm=\"x" }, "basic x" },
  { "unterminated", { "Basic realm=\"x\\" }, "basic x\\" },
  { "orphan", { "realm=\"x\", nonce=\"n\"" }, "" },
  { "not-across-fields", { "Digest realm=\"d\"", "nonce=\"n\"" }, "" },
  { "terminal", { "Basic realm=\"\x1b[2J\"" }, "" },
};

static char *
describe (GPtrArray *offers)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < offers->len; i++)
    {
      const TrwOffer *offer = offers->pdata[i];

      g_string_append_printf (text,
                              "%s%s %s",
                              i > 0 ? "|" : "",
                              trw_method_to_word (offer->method),
                              offer->realm != NULL ? offer->realm : "-");
      if (offer->nonce != NULL)
        g_string_append_printf (
            text, " %s", trw_digest_algorithm_to_word (offer->nonce->algorithm));
      if (offer->is_stale)
        g_string_append (text, " stale");
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
test_offer (gconstpointer data)
{
  const OfferRow *row = data;
  SoupMessageHeaders *headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  g_autoptr (GPtrArray) offers = NULL;
  g_autofree char *text = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (row->fields) && row->fields[i] != NULL; i++)
    soup_message_headers_append (headers, "www-authenticate", row->fields[i]);
  soup_message_headers_append (headers, "Proxy-Authenticate", "Basic realm=\"proxy\"");
  offers = trw_offers_parse (headers, "WWW-Authenticate");
  text = describe (offers);
  g_assert_cmpstr (text, ==, row->expected);
  soup_message_headers_unref (headers);
}

/* However many there are, and however long. */
static void
test_flood (void)
{
  SoupMessageHeaders *headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  g_autofree char *long_realm = g_strnfill (4097, 'x');
  g_autofree char *too_long = g_strdup_printf ("Basic realm=\"%s\"", long_realm);
  g_autoptr (GPtrArray) offers = NULL;

  soup_message_headers_append (headers, "WWW-Authenticate", too_long);
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *field = g_strdup_printf ("Basic realm=\"%u\"", i);

      soup_message_headers_append (headers, "WWW-Authenticate", field);
    }
  offers = trw_offers_parse (headers, "WWW-Authenticate");
  g_assert_cmpuint (offers->len, ==, 16);
  soup_message_headers_unref (headers);
}

static void
append_random (GString *field)
{
  static const char *const pieces[] = {
    "Basic",    "Digest", "Bearer", "Negotiate", "realm", "nonce", "qop",  "algorithm",
    "MD5",      "stale",  "=",      "\"",        "\\",    ",",     " ",    "\t",
    "\"auth\"", "opaque", "domain", "\xff",      "\x01",  "é",     "true", "SHA-256-sess",
  };

  g_string_append (field,
                   pieces[g_test_rand_int_range (0, (gint32)G_N_ELEMENTS (pieces))]);
}

/* What is offered can also be answered, and told. */
static void
test_random (void)
{
  for (guint i = 0; i < 20000; i++)
    {
      SoupMessageHeaders *headers = soup_message_headers_new (
          SOUP_MESSAGE_HEADERS_RESPONSE);
      g_autoptr (GString) field = g_string_new ("Digest realm=\"r\", nonce=\"n\",");
      g_autoptr (GPtrArray) offers = NULL;
      g_autoptr (GVariant) told = NULL;
      int n = g_test_rand_int_range (0, 20);

      if (g_test_rand_bit ())
        g_string_truncate (field, 0);
      for (int j = 0; j < n; j++)
        append_random (field);
      soup_message_headers_append (headers, "WWW-Authenticate", field->str);
      offers = trw_offers_parse (headers, "WWW-Authenticate");
      for (guint j = 0; j < offers->len; j++)
        {
          const TrwOffer *offer = offers->pdata[j];
          const TrwDigestQuestion question = { "u", "p", offer->realm, "GET", "/" };

          if (offer->nonce != NULL)
            g_free (trw_digest_say (offer->nonce, &question));
        }
      told = g_variant_ref_sink (trw_offers_describe (offers));
      g_assert_true (g_variant_is_normal_form (told));
      soup_message_headers_unref (headers);
    }
}

typedef struct
{
  const char *name;
  TrwDigestAlgorithm algorithm;
  const char *nonce;
  const char *cnonce; /* (nullable): without qop */
  TrwDigestQuestion question;
  const char *response;
} DigestRow;

#define RFC_7616_NONCE "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
#define RFC_7616_CNONCE "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
#define RFC_7616_QUESTION                                                                \
  {                                                                                      \
    "Mufasa", "Circle of Life", "http-auth@example.org", "GET", "/dir/index.html"        \
  }

/* RFC 7616 §3.9.1 and RFC 2617 §3.5, and of RFC 2069 the example as its erratum 749
 * corrects it. */
static const DigestRow digest_rows[] = {
  { "rfc-7616-md5",
    TRW_DIGEST_MD5,
    RFC_7616_NONCE,
    RFC_7616_CNONCE,
    RFC_7616_QUESTION,
    "8ca523f5e9506fed4657c9700eebdbec" },
  { "rfc-7616-sha-256",
    TRW_DIGEST_SHA_256,
    RFC_7616_NONCE,
    RFC_7616_CNONCE,
    RFC_7616_QUESTION,
    "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1" },
  { "rfc-2617",
    TRW_DIGEST_MD5,
    "dcd98b7102dd2f0e8b11d0f600bfb0c093",
    "0a4f113b",
    { "Mufasa", "Circle Of Life", "testrealm@host.com", "GET", "/dir/index.html" },
    "6629fae49393a05397450978507c4ef1" },
  { "rfc-2069",
    TRW_DIGEST_MD5,
    "dcd98b7102dd2f0e8b11d0f600bfb0c093",
    NULL,
    { "Mufasa", "CircleOfLife", "testrealm@host.com", "GET", "/dir/index.html" },
    "1949323746fe6a43ef61f9606e7febea" },
};

static void
test_digest (gconstpointer data)
{
  const DigestRow *row = data;
  g_autoptr (TrwDigestNonce) nonce = trw_digest_nonce_new (
      row->algorithm, row->nonce, "opaque\\\"", row->cnonce != NULL);
  g_autofree char *said = NULL;
  g_autofree char *again = NULL;
  g_autofree char *expected = g_strdup_printf ("response=\"%s\"", row->response);

  if (row->cnonce != NULL)
    {
      g_free (nonce->cnonce);
      nonce->cnonce = g_strdup (row->cnonce);
    }
  said = trw_digest_say (nonce, &row->question);
  g_test_message ("%s", said);
  g_assert_true (g_str_has_prefix (said, "Digest username=\"Mufasa\", "));
  g_assert_nonnull (strstr (said, expected));
  g_assert_nonnull (strstr (said, "opaque=\"opaque\\\\\\\"\""));
  g_assert_cmpint (strstr (said, "nc=00000001") != NULL, ==, row->cnonce != NULL);
  again = trw_digest_say (nonce, &row->question);
  g_assert_cmpint (strstr (again, "nc=00000002") != NULL, ==, row->cnonce != NULL);
}

typedef struct
{
  const char *given; /* an a{sv} */
  const char *url;
  gboolean is_proxy;
  TrwMethod method;
  const char *realm;
  gboolean fits;
} FitRow;

#define AT_EXAMPLE "'protocol': <'https'>, 'host': <'Example.org'>, 'port': <uint32 443>"
#define URL "https://example.org/"

static const FitRow fit_rows[] = {
  { "{" AT_EXAMPLE "}", URL, FALSE, TRW_METHOD_BASIC, "r", TRUE },
  { "{" AT_EXAMPLE "}", URL, FALSE, TRW_METHOD_DIGEST, NULL, TRUE },
  { "{" AT_EXAMPLE "}", URL, FALSE, TRW_METHOD_BEARER, "r", FALSE },
  { "{" AT_EXAMPLE "}", URL, TRUE, TRW_METHOD_BASIC, "r", FALSE },
  { "{" AT_EXAMPLE "}", "http://example.org/", FALSE, TRW_METHOD_BASIC, "r", FALSE },
  { "{" AT_EXAMPLE "}", "http://example.org:443/", FALSE, TRW_METHOD_BASIC, "r", FALSE },
  { "{" AT_EXAMPLE "}", "https://example.org:444/", FALSE, TRW_METHOD_BASIC, "r", FALSE },
  { "{" AT_EXAMPLE "}", "https://a.example.org/", FALSE, TRW_METHOD_BASIC, "r", FALSE },
  { "{" AT_EXAMPLE ", 'realm': <'r'>}", URL, FALSE, TRW_METHOD_BASIC, "r", TRUE },
  { "{" AT_EXAMPLE ", 'realm': <'r'>}", URL, FALSE, TRW_METHOD_BASIC, "R", FALSE },
  { "{" AT_EXAMPLE ", 'realm': <''>}", URL, FALSE, TRW_METHOD_BASIC, NULL, TRUE },
  { "{" AT_EXAMPLE ", 'method': <'digest'>}", URL, FALSE, TRW_METHOD_BASIC, "r", FALSE },
  { "{" AT_EXAMPLE ", 'method': <'bearer'>}", URL, FALSE, TRW_METHOD_BEARER, "r", TRUE },
  { "{" AT_EXAMPLE ", 'is-proxy': <true>}", URL, TRUE, TRW_METHOD_BASIC, "r", TRUE },
  { "{" AT_EXAMPLE ", 'is-proxy': <true>}", URL, FALSE, TRW_METHOD_BASIC, "r", FALSE },
};

static GPtrArray *
read_one (const char *given, GError **error)
{
  g_autofree char *text = g_strdup_printf ("[%s]", given);
  g_autoptr (GVariant) list = g_variant_parse (
      G_VARIANT_TYPE ("aa{sv}"), text, NULL, NULL, NULL);

  g_assert_nonnull (list);
  return trw_credentials_read (list, error);
}

static void
test_fits (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (fit_rows); i++)
    {
      const FitRow *row = &fit_rows[i];
      g_autoptr (GPtrArray) credentials = read_one (row->given, NULL);
      g_autoptr (GUri) uri = g_uri_parse (row->url, G_URI_FLAGS_NONE, NULL);
      g_auto (TrwParty) party = { 0 };

      g_test_message ("%s at %s", row->given, row->url);
      g_assert_nonnull (credentials);
      g_assert_true (trw_party_init (&party, uri, row->is_proxy));
      g_assert_cmpint (
          trw_credential_fits (credentials->pdata[0], &party, row->method, row->realm),
          ==,
          row->fits);
    }
}

static void
test_refused (void)
{
  static const char *const rows[] = {
    "{}",
    "{'protocol': <'ftp'>, 'host': <'h'>, 'port': <uint32 1>}",
    "{'protocol': <'socks5'>, 'host': <'h'>, 'port': <uint32 1>}",
    "{'protocol': <'http'>, 'host': <''>, 'port': <uint32 1>}",
    "{'protocol': <'http'>, 'host': <'h'>, 'port': <uint32 0>}",
    "{'protocol': <'http'>, 'host': <'h'>, 'port': <uint32 65536>}",
    "{" AT_EXAMPLE ", 'method': <'ntlm'>}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) credentials = read_one (rows[i], &error);

      g_test_message ("%s", rows[i]);
      g_assert_null (credentials);
      g_assert_nonnull (error);
    }
}

/* What would be another header, or another user. */
static void
test_sayable (void)
{
  TrwCredential one
      = { .user = (char *)"u", .password = (char *)"p:", .token = (char *)"t" };

  g_assert_true (trw_credential_can_be_said (&one, TRW_METHOD_BASIC));
  g_assert_true (trw_credential_can_be_said (&one, TRW_METHOD_BEARER));
  one.user = (char *)"u:v";
  g_assert_false (trw_credential_can_be_said (&one, TRW_METHOD_BASIC));
  g_assert_true (trw_credential_can_be_said (&one, TRW_METHOD_DIGEST));
  one.user = (char *)"u\r\nX: y";
  g_assert_false (trw_credential_can_be_said (&one, TRW_METHOD_DIGEST));
  one.token = (char *)"t\r\nX: y";
  g_assert_false (trw_credential_can_be_said (&one, TRW_METHOD_BEARER));
  one.token = (char *)"";
  g_assert_false (trw_credential_can_be_said (&one, TRW_METHOD_BEARER));
}

static void
test_proxy_address (void)
{
  g_autoptr (TrwCredential) one = trw_credential_new_from_proxy (
      "http://us%3Aer:p%40ss@Proxy.Example:3128");
  g_autoptr (TrwCredential) ipv6 = trw_credential_new_from_proxy ("socks://u@[::1]");

  g_assert_cmpstr (one->user, ==, "us:er");
  g_assert_cmpstr (one->password, ==, "p@ss");
  g_assert_cmpstr (one->party.host, ==, "proxy.example");
  g_assert_cmpuint (one->party.port, ==, 3128);
  g_assert_cmpstr (ipv6->party.protocol, ==, "socks5");
  g_assert_cmpstr (ipv6->party.host, ==, "::1");
  g_assert_cmpuint (ipv6->party.port, ==, 1080);
  g_assert_null (trw_credential_new_from_proxy ("http://proxy.example:3128"));
  g_assert_null (trw_credential_new_from_proxy ("direct://"));
  g_assert_null (trw_credential_new_from_proxy ("\x01"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (offer_rows); i++)
    {
      g_autofree char *path = g_strconcat ("/auth/offer/", offer_rows[i].name, NULL);

      g_test_add_data_func (path, &offer_rows[i], test_offer);
    }
  for (guint i = 0; i < G_N_ELEMENTS (digest_rows); i++)
    {
      g_autofree char *path = g_strconcat ("/auth/digest/", digest_rows[i].name, NULL);

      g_test_add_data_func (path, &digest_rows[i], test_digest);
    }
  g_test_add_func ("/auth/offer/flood", test_flood);
  g_test_add_func ("/auth/offer/random", test_random);
  g_test_add_func ("/auth/credential/fits", test_fits);
  g_test_add_func ("/auth/credential/refused", test_refused);
  g_test_add_func ("/auth/credential/sayable", test_sayable);
  g_test_add_func ("/auth/credential/proxy-address", test_proxy_address);
  return g_test_run ();
}
