/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Addresses and header fields: what passes, what is refused and how, what is shown. */

#include "config.h"

#include "common/error.h"
#include "common/url.h"

#include <string.h>

typedef struct
{
  const char *name;
  const char *input;
  const char *expected;
} Pair;

typedef struct
{
  const char *name;
  const char *url;
  TrundleError code;
} Refusal;

/* How what is accepted goes on the wire. */
static const Pair accepted[] = {
  { "plain", "http://example.org/a", "http://example.org/a" },
  { "no-path", "http://example.org", "http://example.org/" },
  { "upper-case", "HTTPS://EXAMPLE.org/A", "https://example.org/A" },
  { "port", "http://example.org:8080/", "http://example.org:8080/" },
  { "last-port", "http://example.org:65535/", "http://example.org:65535/" },
  { "ipv4", "http://127.0.0.1:1/", "http://127.0.0.1:1/" },
  { "ipv6", "http://[::1]:8080/x", "http://[::1]:8080/x" },
  { "ipv6-upper-case", "http://[FE80::A]/", "http://[fe80::a]/" },
  { "international-host", "https://bücher.example/", "https://xn--bcher-kva.example/" },
  { "encoded-host", "https://b%C3%BCcher.example/", "https://xn--bcher-kva.example/" },
  { "international-path", "http://a.b/ü", "http://a.b/%C3%BC" },
  { "bar-in-query", "http://a.b/?a|b", "http://a.b/?a%7Cb" },
  { "encoded", "http://a.b/%2F%20?q=%26", "http://a.b/%2F%20?q=%26" },
  { "underscore", "http://my_host/", "http://my_host/" },
  { "dot-at-end", "http://a.b./", "http://a.b./" },
  { "at-in-path", "http://a.b/x@y", "http://a.b/x@y" },
};

static const Refusal refused[] = {
  { "empty", "", TRUNDLE_ERROR_INVALID_URL },
  { "relative", "/a/b", TRUNDLE_ERROR_INVALID_URL },
  { "no-scheme", "example.org/a", TRUNDLE_ERROR_INVALID_URL },
  { "no-host", "http://", TRUNDLE_ERROR_INVALID_URL },
  { "no-host-but-path", "http:///a", TRUNDLE_ERROR_INVALID_URL },
  { "opaque", "http:example.org", TRUNDLE_ERROR_INVALID_URL },
  { "foobar", "foobar://example.org/", TRUNDLE_ERROR_UNSUPPORTED_SCHEME },
  { "file", "file:///etc/passwd", TRUNDLE_ERROR_UNSUPPORTED_SCHEME },
  { "ftp", "ftp://example.org/", TRUNDLE_ERROR_UNSUPPORTED_SCHEME },
  { "port-too-high", "http://example.org:999999/", TRUNDLE_ERROR_INVALID_URL },
  { "port-65536", "http://example.org:65536/", TRUNDLE_ERROR_INVALID_URL },
  { "port-0", "http://example.org:0/", TRUNDLE_ERROR_INVALID_URL },
  { "port-negative", "http://example.org:-1/", TRUNDLE_ERROR_INVALID_URL },
  { "port-word", "http://example.org:http/", TRUNDLE_ERROR_INVALID_URL },
  { "cr", "http://example.org/\r", TRUNDLE_ERROR_INVALID_URL },
  { "lf-in-host", "http://exam\nple.org/", TRUNDLE_ERROR_INVALID_URL },
  { "lf-at-end", "http://example.org/\n", TRUNDLE_ERROR_INVALID_URL },
  { "tab", "ht\ttp://example.org/", TRUNDLE_ERROR_INVALID_URL },
  { "blank-before", " http://example.org/", TRUNDLE_ERROR_INVALID_URL },
  { "blank", "http://example.org/a b", TRUNDLE_ERROR_INVALID_URL },
  { "backslash", "http://example.org\\@evil/", TRUNDLE_ERROR_INVALID_URL },
  { "encoded-nul", "http://example.org/%00", TRUNDLE_ERROR_INVALID_URL },
  { "encoded-cr-in-host", "http://a%0d%0ab/", TRUNDLE_ERROR_INVALID_URL },
  { "encoded-slash-in-host", "http://a%2fb/", TRUNDLE_ERROR_INVALID_URL },
  { "blank-in-host", "http://a%20b/", TRUNDLE_ERROR_INVALID_URL },
  { "bad-percent", "http://a.b/%zz", TRUNDLE_ERROR_INVALID_URL },
  { "empty-label", "http://a..b/", TRUNDLE_ERROR_INVALID_URL },
  { "label-begins-with-hyphen", "http://-a.b/", TRUNDLE_ERROR_INVALID_URL },
  { "dollar", "http://a$b/", TRUNDLE_ERROR_INVALID_URL },
  { "ipv6-zone", "http://[fe80::1%25eth0]/", TRUNDLE_ERROR_INVALID_URL },
  { "ipv6-broken", "http://[::1/", TRUNDLE_ERROR_INVALID_URL },
  { "ipv6-nonsense", "http://[:::::]/", TRUNDLE_ERROR_INVALID_URL },
  { "delete", "http://a.b/\x7f", TRUNDLE_ERROR_INVALID_URL },
  { "bad-utf8", "http://a.b/\xff", TRUNDLE_ERROR_INVALID_URL },
  { "right-to-left", "http://a.b/\xe2\x80\xae", TRUNDLE_ERROR_INVALID_URL },
};

static const Pair origins[] = {
  { "http", "http://Example.org/a", "http://example.org:80" },
  { "https", "https://example.org", "https://example.org:443" },
  { "default-port", "https://example.org:443/", "https://example.org:443" },
  { "other-port", "https://u:p@example.org:8443/", "https://example.org:8443" },
  { "ipv6", "http://[::1]/", "http://[::1]:80" },
};

static const Pair user_infos[] = {
  { "none", "http://a.b/c", NULL },
  { "user", "http://u@a.b/c", "u" },
  { "password", "http://u:p%40@a.b/c?d#e", "u:p%40" },
  { "at-in-password", "http://u:p@q@a.b/c", "u:p@q" },
  { "at-in-path", "http://a.b/c@d", NULL },
  { "at-in-query", "http://a.b?c@d", NULL },
  { "empty", "http://@a.b/", "" },
};

static const Pair redacted[] = {
  { "plain", "http://a.b/c", "http://a.b/c" },
  { "user-info", "http://u:p@a.b/c", "http://a.b/c" },
  { "query", "http://a.b/c?token=x", "http://a.b/c?…" },
  { "fragment", "http://a.b/c#x", "http://a.b/c" },
  { "all", "https://u:p@[::1]:8/c?x#y", "https://[::1]:8/c?…" },
  { "nonsense", "no url at all, my secret", "…" },
  { "empty", "", "…" },
};

static const Pair file_names[] = {
  { "plain", "http://a.b/c.iso", "c.iso" },
  { "query", "http://a.b/c.iso?d=/e", "c.iso" },
  { "encoded", "http://a.b/c%20d.iso", "c d.iso" },
  { "none", "http://a.b/", "download" },
  { "no-path", "http://a.b", "download" },
  { "directory", "http://a.b/c/", "download" },
  { "hidden", "http://a.b/.bashrc", "bashrc" },
  { "dots", "http://a.b/..", "download" },
  { "encoded-slash", "http://a.b/..%2F..%2Fetc%2Fpasswd", "passwd" },
  { "encoded-backslash", "http://a.b/c%5Cd", "d" },
  { "control", "http://a.b/c%0Ad%1B", "cd" },
  { "utf8", "http://a.b/ü", "ü" },
  { "not-utf8",
    "http://a.b/%FFa",
    "\xef\xbf\xbd"
    "a" },
  { "nonsense", "nonsense", "download" },
};

static void
test_accepted (gconstpointer data)
{
  const Pair *pair = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GUri) uri = trundle_url_parse (pair->input, &error);
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  text = g_uri_to_string (uri);
  g_assert_cmpstr (text, ==, pair->expected);
}

static void
test_refused (gconstpointer data)
{
  const Refusal *refusal = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GUri) uri = trundle_url_parse (refusal->url, &error);

  g_assert_error (error, TRUNDLE_ERROR, (int)refusal->code);
  g_assert_null (uri);
}

static void
test_too_long (void)
{
  g_autofree char *tail = g_strnfill (65 * 1024, 'a');
  g_autofree char *url = g_strconcat ("http://a.b/", tail, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (trundle_url_parse (url, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_URL);
}

/* Law 9. */
static void
test_no_secret_in_message (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (trundle_url_parse ("http://u:hunter2@a.b:x/", &error));
  g_assert_null (strstr (error->message, "hunter2"));
}

static void
test_origin (gconstpointer data)
{
  const Pair *pair = data;
  g_autoptr (GUri) uri = trundle_url_parse (pair->input, NULL);
  g_autofree char *origin = trundle_url_origin (uri);
  g_autofree char *host_key = trundle_url_host_key (uri);

  g_assert_cmpstr (origin, ==, pair->expected);
  g_assert_cmpstr (host_key, ==, strstr (pair->expected, "://") + 3);
}

static void
test_port (void)
{
  static const struct
  {
    const char *url;
    guint port;
  } rows[] = {
    { "http://a.b/", 80 },      { "https://a.b/", 443 }, { "socks5://a.b", 1080 },
    { "https://[::1]:8/", 8 },  { "HTTPS://a.b/", 443 }, { "http://a.b:443/", 443 },
    { "gopher://a.b:70/", 70 }, { "gopher://a.b/", 0 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GUri) uri = g_uri_parse (rows[i].url, G_URI_FLAGS_NONE, NULL);

      g_assert_cmpuint (trundle_url_get_port (uri), ==, rows[i].port);
    }
}

static void
test_user_info (gconstpointer data)
{
  const Pair *pair = data;
  g_autofree char *user_info = NULL;
  g_autofree char *clean = trundle_url_without_user_info (pair->input, &user_info);
  g_autofree char *again = trundle_url_without_user_info (clean, NULL);

  g_assert_cmpstr (user_info, ==, pair->expected);
  g_assert_cmpstr (again, ==, clean);
  if (pair->expected == NULL)
    g_assert_cmpstr (clean, ==, pair->input);
  else
    g_assert_true (g_str_has_prefix (clean, "http://a.b/"));
}

static void
test_redact (gconstpointer data)
{
  const Pair *pair = data;
  g_autofree char *shown = trundle_url_redact (pair->input);

  g_assert_cmpstr (shown, ==, pair->expected);
}

static void
test_file_name (gconstpointer data)
{
  const Pair *pair = data;
  g_autofree char *name = trundle_url_file_name (pair->input);

  g_assert_cmpstr (name, ==, pair->expected);
}

static void
test_long_file_name (void)
{
  g_autoptr (GString) url = g_string_new ("http://a.b/a");
  g_autofree char *name = NULL;

  for (guint i = 0; i < 300; i++)
    g_string_append (url, "%C3%BC");
  name = trundle_url_file_name (url->str);
  g_assert_true (g_utf8_validate (name, -1, NULL));
  g_assert_cmpuint (strlen (name), ==, 199);
}

static void
test_secret_headers (void)
{
  static const char *const secret[] = {
    "Authorization",  "authorization",
    "COOKIE",         "Set-Cookie",
    "X-Api-Key",      "Api-Key",
    "Private-Token",  "Proxy-Authorization",
    "X-Auth-Token",   "X-Csrf-Token",
    "X-Goog-Api-Key", "X-Amz-Security-Token",
    "X-Access-Token", "Ocp-Apim-Subscription-Key",
  };
  static const char *const open[] = { "Accept",       "User-Agent",     "Referer",
                                      "Authorizatio", "Authorizations", "" };

  for (guint i = 0; i < G_N_ELEMENTS (secret); i++)
    g_assert_true (trundle_header_is_secret (secret[i]));
  for (guint i = 0; i < G_N_ELEMENTS (open); i++)
    g_assert_false (trundle_header_is_secret (open[i]));
}

static void
test_headers (void)
{
  static const struct
  {
    const char *name, *value;
    gboolean is_fit;
  } cases[] = {
    { "Accept", "text/html", TRUE },
    { "X-!#$%&'*+-.^_`|~", "", TRUE },
    { "X-Tab", "a\tb", TRUE },
    { "X-Utf8", "ü", TRUE },
    { "", "a", FALSE },
    { "X Y", "a", FALSE },
    { "X:", "a", FALSE },
    { "Xü", "a", FALSE },
    { "X\r\nY", "a", FALSE },
    { "X-A", "a\r\nY: b", FALSE },
    { "X-A", "a\n", FALSE },
    { "X-A", "a\r", FALSE },
    { "X-A", "\x01", FALSE },
    { "X-A", "\x7f", FALSE },
    { "Host", "a", FALSE },
    { "content-length", "1", FALSE },
    { "Transfer-Encoding", "a", FALSE },
    { "Connection", "a", FALSE },
    { "Keep-Alive", "a", FALSE },
    { "TE", "a", FALSE },
    { "Trailer", "a", FALSE },
    { "Upgrade", "a", FALSE },
    { "Proxy-Connection", "a", FALSE },
    { "Expect", "a", FALSE },
    { "Range", "a", FALSE },
    { "If-Range", "a", FALSE },
    { "ACCEPT-ENCODING", "a", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (trundle_header_check (cases[i].name, cases[i].value, &error),
                       ==,
                       cases[i].is_fit);
      if (!cases[i].is_fit)
        g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
    }
}

/* Who wants a part is told how. */
static void
test_range_header (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (trundle_header_check ("rAnge", "bytes=0-1", &error));
  g_assert_nonnull (strstr (error->message, "option “range”"));
}

static void
add_pairs (const char *group, const Pair *pairs, gsize n_pairs, GTestDataFunc func)
{
  for (gsize i = 0; i < n_pairs; i++)
    {
      g_autofree char *path = g_strdup_printf ("/url/%s/%s", group, pairs[i].name);

      g_test_add_data_func (path, &pairs[i], func);
    }
}

/* What was parsed can be parsed again: an address that grows while it is brought to its
 * form of the wire is refused at first. */
static void
test_parse_again (void)
{
  static const char *const fillers[] = { "a", "\"", "ä" };
  static const char *const hosts[] = { "http://a?", "http://%C3%A4?", "http://ä/?" };

  for (guint i = 0; i < G_N_ELEMENTS (fillers) * G_N_ELEMENTS (hosts) * 4; i++)
    {
      gsize length = 64 * 1024 / (i % 4 == 3 ? 6 : 1) - i % 4;
      g_autoptr (GString) url = g_string_new (hosts[i / 12]);
      g_autoptr (GUri) uri = NULL;
      g_autofree char *text = NULL;
      g_autoptr (GUri) again = NULL;

      while (url->len < length)
        g_string_append (url, fillers[i / 4 % 3]);
      uri = trundle_url_parse (url->str, NULL);
      if (uri == NULL)
        continue;
      text = g_uri_to_string (uri);
      again = trundle_url_parse (text, NULL);
      g_assert_nonnull (again);
    }
}

static void
test_listed (void)
{
  static const char *const list[] = { "one.example", ".all.example", "127.0.0.1", NULL };
  static const struct
  {
    const char *host;
    gboolean is_listed;
  } rows[] = {
    { "one.example", TRUE },       { "ONE.Example", TRUE },
    { "a.one.example", FALSE },    { "xone.example", FALSE },
    { "one.example.org", FALSE },  { "all.example", TRUE },
    { "a.b.all.example", TRUE },   { "xall.example", FALSE },
    { "127.0.0.1", TRUE },         { "a.ALL.example", TRUE },
    { "example", FALSE },          { ".all.example", FALSE },
    { "all.example.evil", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpint (trundle_host_is_listed (list, rows[i].host), ==, rows[i].is_listed);
  g_assert_false (trundle_host_is_listed (NULL, "one.example"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add_pairs ("accepted", accepted, G_N_ELEMENTS (accepted), test_accepted);
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autofree char *path = g_strconcat ("/url/refused/", refused[i].name, NULL);

      g_test_add_data_func (path, &refused[i], test_refused);
    }
  g_test_add_func ("/url/refused/too-long", test_too_long);
  g_test_add_func ("/url/port", test_port);
  g_test_add_func ("/url/no-secret-in-message", test_no_secret_in_message);
  add_pairs ("origin", origins, G_N_ELEMENTS (origins), test_origin);
  add_pairs ("user-info", user_infos, G_N_ELEMENTS (user_infos), test_user_info);
  add_pairs ("redact", redacted, G_N_ELEMENTS (redacted), test_redact);
  add_pairs ("file-name", file_names, G_N_ELEMENTS (file_names), test_file_name);
  g_test_add_func ("/url/file-name/long", test_long_file_name);
  g_test_add_func ("/header/secret", test_secret_headers);
  g_test_add_func ("/header/check", test_headers);
  g_test_add_func ("/header/range", test_range_header);
  g_test_add_func ("/url/parse-again", test_parse_again);
  g_test_add_func ("/host/listed", test_listed);
  return g_test_run ();
}
