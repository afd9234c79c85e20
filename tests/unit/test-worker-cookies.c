/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The real worker and the cookies of sessions: what it takes, sends, tells and forgets.
 */

#include "config.h"

#include "script-server.h"
#include "worker-fixture.h"

#include "common/cookies.h"
#include "common/error.h"

#include <string.h>

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
#define LATER_S G_GINT64_CONSTANT (4102444800)

/* ---- tools ---- */

/* A server for every host there is: whatever is asked goes through it as a proxy. */
typedef struct
{
  ScriptServer *server;
  WorkerFixture *worker;
} World;

static void
set_up (World *self, gconstpointer data)
{
  g_autofree char *proxy = NULL;

  self->server = script_server_new (NULL);
  self->worker = worker_fixture_new ();
  proxy = script_server_url (self->server, "");
  worker_fixture_set_proxy (self->worker, proxy);
}

static void
tear_down (World *self, gconstpointer data)
{
  worker_fixture_free (self->worker);
  script_server_free (self->server);
}

static void
answer (World *self, const char *url, const char *headers)
{
  g_autofree char *head = g_strconcat (OK, headers, "\r\n", NULL);

  script_server_set (self->server, url, &(ScriptReply){ head });
}

static GVariant *
fetch (World *self, const char *url, const char *options)
{
  return worker_fixture_await_done (self->worker,
                                    worker_fixture_begin (self->worker, url, options));
}

/* The field Cookie that @url (which ends in /echo) was asked with, or "". */
static char *
get_sent (World *self, const char *url, const char *options)
{
  guint64 attempt = worker_fixture_begin (self->worker, url, options);
  g_autofree char *request = NULL;
  const char *field;

  g_assert_cmpstr (
      worker_fixture_get_error (worker_fixture_await_done (self->worker, attempt)),
      ==,
      "");
  request = worker_fixture_read_part (self->worker, attempt, NULL);
  field = strstr (request, "\r\nCookie: ");
  if (field == NULL)
    return g_strdup ("");
  field += strlen ("\r\nCookie: ");
  g_assert_null (strstr (field, "Cookie:"));
  return g_strndup (field, strcspn (field, "\r"));
}

static void
assert_sent (World *self, const char *url, const char *options, const char *expected)
{
  g_autofree char *sent = get_sent (self, url, options);

  g_assert_cmpstr (sent, ==, expected);
}

/* "name=value domain path flags" of the @n-th change of the @i-th message. */
static char *
show_change (World *self, guint i, guint n)
{
  GPtrArray *told = worker_fixture_get_cookies (self->worker);
  g_autoptr (GVariant) changes = NULL;
  g_autoptr (GVariant) change = NULL;
  TrundleCookie cookie;

  g_assert_cmpuint (i, <, told->len);
  changes = g_variant_get_child_value (told->pdata[i], 2);
  g_assert_cmpuint (n, <, g_variant_n_children (changes));
  change = g_variant_get_child_value (changes, n);
  trundle_cookie_get (change, &cookie);
  return g_strdup_printf ("%s=%s %s %s %u",
                          cookie.name,
                          cookie.value,
                          cookie.domain,
                          cookie.path,
                          cookie.flags);
}

static void
assert_told (World *self, guint i, const char *expected)
{
  g_autofree char *shown = show_change (self, i, 0);

  g_assert_cmpstr (shown, ==, expected);
}

static guint
count_told (World *self)
{
  return worker_fixture_get_cookies (self->worker)->len;
}

/* Text of options with a jar and its content. */
static char *
with_cookies (guint jar, guint version, const TrundleCookie *cookies, guint n)
{
  GVariantBuilder builder;
  g_autoptr (GVariant) all = NULL;
  g_autofree char *text = NULL;

  g_variant_builder_init (&builder, G_VARIANT_TYPE (TRUNDLE_COOKIES_TYPE));
  for (guint i = 0; i < n; i++)
    g_variant_builder_add_value (&builder, trundle_cookie_new (&cookies[i]));
  all = g_variant_ref_sink (g_variant_builder_end (&builder));
  text = g_variant_print (all, TRUE);
  return g_strdup_printf (
      "{'jar': <uint64 %u>, 'jar-version': <uint64 %u>, 'cookies': <%s>}",
      jar,
      version,
      text);
}

/* ---- a jar ---- */

/* T-24 */
static void
test_kept (World *self, gconstpointer data)
{
  g_autoptr (GVariant) number = NULL;

  answer (self, "http://a.example.org/login", "Set-Cookie: sid=1; Path=/\r\n");
  fetch (self, "http://a.example.org/login", "{'jar': <uint64 7>}");
  /* Told before the end was. */
  g_assert_cmpuint (count_told (self), ==, 1);
  number = g_variant_get_child_value (worker_fixture_get_cookies (self->worker)->pdata[0],
                                      0);
  g_assert_cmpuint (g_variant_get_uint64 (number), ==, 7);
  assert_told (self, 0, "sid=1 a.example.org / 0");

  assert_sent (self, "http://a.example.org/echo", "{'jar': <uint64 7>}", "sid=1");
  assert_sent (self, "http://b.example.org/echo", "{'jar': <uint64 7>}", "");
  assert_sent (self, "http://a.example.org/echo", "{'jar': <uint64 8>}", "");
  assert_sent (self, "http://a.example.org/echo", NULL, "");
  assert_sent (self,
               "http://a.example.org/echo",
               "{'jar': <uint64 7>, 'set-cookies': <false>}",
               "");
  g_assert_cmpuint (count_told (self), ==, 1);
}

static void
test_not_wanted (World *self, gconstpointer data)
{
  answer (self, "http://a.example.org/login", "Set-Cookie: sid=1; Path=/\r\n");
  fetch (
      self, "http://a.example.org/login", "{'jar': <uint64 7>, 'set-cookies': <false>}");
  assert_sent (self, "http://a.example.org/echo", "{'jar': <uint64 7>}", "");

  /* Nor on the way. */
  script_server_set_redirect (self->server,
                              "http://a.example.org/x",
                              "http://a.example.org/echo",
                              "Set-Cookie: sid=1\r\n");
  assert_sent (self, "http://a.example.org/x", "{'set-cookies': <false>}", "");
  assert_sent (self, "http://a.example.org/x", NULL, "sid=1");
  g_assert_cmpuint (count_told (self), ==, 0);
}

/* A server that says no says who is asking, too; and its words are not for the row. */
static void
test_any_answer (World *self, gconstpointer data)
{
  g_autoptr (GVariant) response = NULL;
  g_autofree char *text = NULL;
  GVariant *facts;

  script_server_set (self->server,
                     "http://a.example.org/x",
                     &(ScriptReply){ "HTTP/1.1 403 No\r\nContent-Length: 0\r\n"
                                     "Set-Cookie: sid=canary; Path=/; x=canary\r\n"
                                     "Set-Cookie: canary\r\n\r\n" });
  facts = fetch (self, "http://a.example.org/x", "{'jar': <uint64 7>}");
  assert_sent (
      self, "http://a.example.org/echo", "{'jar': <uint64 7>}", "sid=canary; canary");

  response = g_variant_lookup_value (facts, "response", NULL);
  g_assert_nonnull (response);
  text = g_variant_print (response, FALSE);
  g_assert_nonnull (strstr (text, "('Set-Cookie', 'sid=…')"));
  g_assert_null (strstr (text, "canary"));
}

static void
test_proxy_has_none (World *self, gconstpointer data)
{
  script_server_set (self->server,
                     "http://a.example.org/x",
                     &(ScriptReply){ "HTTP/1.1 407 Who\r\nContent-Length: 0\r\n"
                                     "Set-Cookie: sid=1; Path=/\r\n\r\n" });
  fetch (self, "http://a.example.org/x", "{'jar': <uint64 7>}");
  assert_sent (self, "http://a.example.org/echo", "{'jar': <uint64 7>}", "");
}

static void
test_deleted (World *self, gconstpointer data)
{
  answer (self, "http://a.example.org/login", "Set-Cookie: sid=1; Path=/\r\n");
  answer (self, "http://a.example.org/out", "Set-Cookie: sid=; Path=/; Max-Age=0\r\n");
  fetch (self, "http://a.example.org/login", "{'jar': <uint64 7>}");
  fetch (self, "http://a.example.org/out", "{'jar': <uint64 7>}");
  g_assert_cmpuint (count_told (self), ==, 2);
  assert_told (self, 1, "sid= a.example.org / 16");
  assert_sent (self, "http://a.example.org/echo", "{'jar': <uint64 7>}", "");
}

/* The same again is no news. */
static void
test_told_once (World *self, gconstpointer data)
{
  answer (self, "http://a.example.org/login", "Set-Cookie: sid=1; Path=/\r\n");
  fetch (self, "http://a.example.org/login", "{'jar': <uint64 7>}");
  fetch (self, "http://a.example.org/login", "{'jar': <uint64 7>}");
  g_assert_cmpuint (count_told (self), ==, 1);
}

/* Nobody waits for the end of a body to hear of them. */
static void
test_told_in_time (World *self, gconstpointer data)
{
  guint64 attempt;

  script_server_set (self->server,
                     "http://a.example.org/x",
                     &(ScriptReply){ .head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n"
                                             "Set-Cookie: sid=1; Path=/\r\n\r\n",
                                     .end = SCRIPT_STALL });
  attempt = worker_fixture_begin (
      self->worker, "http://a.example.org/x", "{'jar': <uint64 7>}");
  worker_fixture_await_cookies (self->worker, 1);
  g_assert_false (worker_fixture_is_done (self->worker, attempt));
  assert_told (self, 0, "sid=1 a.example.org / 0");
}

/* ---- what the daemon brings ---- */

static void
test_loaded (World *self, gconstpointer data)
{
  const TrundleCookie cookies[] = {
    { "a", "1", "a.example.org", "/", 0, 0 },
    { "b", "2", ".example.org", "/", LATER_S, TRUNDLE_COOKIE_HTTP_ONLY },
    { "c", "3", "a.example.org", "/deep", 0, 0 },
    { "d", "4", "a.example.org", "/", 1, 0 },
    { "e", "5", "a.example.org", "/", 0, TRUNDLE_COOKIE_SECURE },
  };
  g_autofree char *all = with_cookies (7, 3, cookies, G_N_ELEMENTS (cookies));
  g_autofree char *other = with_cookies (7, 4, cookies + 2, 1);
  guint64 version;

  assert_sent (self, "http://a.example.org/echo", all, "a=1; b=2");
  assert_sent (
      self, "http://a.example.org/deep/echo", "{'jar': <uint64 7>}", "c=3; a=1; b=2");
  assert_sent (self, "http://b.example.org/echo", "{'jar': <uint64 7>}", "b=2");
  /* What was brought is no news. */
  g_assert_cmpuint (count_told (self), ==, 0);

  assert_sent (self, "http://a.example.org/deep/echo", other, "c=3");
  assert_sent (self, "http://b.example.org/echo", "{'jar': <uint64 7>}", "");
  answer (self, "http://a.example.org/login", "Set-Cookie: sid=1; Path=/\r\n");
  fetch (self, "http://a.example.org/login", "{'jar': <uint64 7>}");
  g_variant_get (worker_fixture_get_cookies (self->worker)->pdata[0],
                 "(tt@" TRUNDLE_COOKIES_TYPE ")",
                 NULL,
                 &version,
                 NULL);
  g_assert_cmpuint (version, ==, 4);
}

static void
test_forgotten (World *self, gconstpointer data)
{
  const TrundleCookie cookies[] = { { "a", "1", "a.example.org", "/", 0, 0 } };
  g_autofree char *all = with_cookies (7, 3, cookies, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) unknown = NULL;

  assert_sent (self, "http://a.example.org/echo", all, "a=1");
  error = worker_fixture_call (
      self->worker, "ForgetJar", g_variant_new ("(t)", G_GUINT64_CONSTANT (7)));
  g_assert_no_error (error);
  assert_sent (self, "http://a.example.org/echo", "{'jar': <uint64 7>}", "");
  unknown = worker_fixture_call (
      self->worker, "ForgetJar", g_variant_new ("(t)", G_GUINT64_CONSTANT (9)));
  g_assert_no_error (unknown);
}

/* An attempt under way keeps what it has, and tells nobody. */
static void
test_forgotten_in_use (World *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint64 attempt;

  script_server_set (self->server,
                     "http://a.example.org/x",
                     &(ScriptReply){ .head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n"
                                             "Set-Cookie: sid=1; Path=/\r\n\r\n",
                                     .end = SCRIPT_STALL });
  attempt = worker_fixture_begin (
      self->worker, "http://a.example.org/x", "{'jar': <uint64 7>}");
  error = worker_fixture_call (
      self->worker, "ForgetJar", g_variant_new ("(t)", G_GUINT64_CONSTANT (7)));
  g_assert_no_error (error);
  error = worker_fixture_call (self->worker, "Stop", g_variant_new ("(t)", attempt));
  g_assert_no_error (error);
  g_assert_cmpuint (count_told (self), ==, 0);
}

/* ---- rules ---- */

typedef struct
{
  const char *name;
  const char *from; /* sets… */
  const char *field;
  const char *to; /* and gets */
  const char *expected;
} Rule;

static const Rule rules[] = {
  { "host-only", "http://example.org/x", "a=1; Path=/", "http://a.example.org/echo", "" },
  { "domain",
    "http://b.example.org/x",
    "a=1; Path=/; Domain=example.org",
    "http://a.example.org/echo",
    "a=1" },
  { "domain-of-others",
    "http://b.example.org/x",
    "a=1; Path=/; Domain=a.example.org",
    "http://a.example.org/echo",
    "" },
  { "public-suffix",
    "http://b.co.uk/x",
    "a=1; Path=/; Domain=co.uk",
    "http://a.co.uk/echo",
    "" },
  { "path", "http://a.example.org/x/y", "a=1", "http://a.example.org/echo", "" },
  { "path-of-answer",
    "http://a.example.org/x/y",
    "a=1",
    "http://a.example.org/x/echo",
    "a=1" },
  { "secure-over-http",
    "http://a.example.org/x",
    "a=1; Path=/; Secure",
    "http://a.example.org/echo",
    "" },
  { "expired",
    "http://a.example.org/x",
    "a=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    "http://a.example.org/echo",
    "" },
  { "later",
    "http://a.example.org/x",
    "a=1; Path=/; Expires=Fri, 01 Jan 2100 00:00:00 GMT",
    "http://a.example.org/echo",
    "a=1" },
};

static void
test_rule (World *self, gconstpointer data)
{
  const Rule *rule = data;
  g_autofree char *field = g_strdup_printf ("Set-Cookie: %s\r\n", rule->field);

  answer (self, rule->from, field);
  fetch (self, rule->from, "{'jar': <uint64 7>}");
  assert_sent (self, rule->to, "{'jar': <uint64 7>}", rule->expected);
}

/* Whose site is not the task's. */
static void
test_third_party (World *self, gconstpointer data)
{
  static const char strict[] = "{'jar': <uint64 7>, 'cookie-policy': <'no-third-party'>}";

  answer (self, "http://b.example.net/x", "Set-Cookie: b=2; Path=/\r\n");
  answer (self, "http://c.example.org/x", "Set-Cookie: c=3; Path=/\r\n");
  script_server_set_redirect (
      self->server, "http://a.example.org/x", "http://b.example.net/x", "");
  script_server_set_redirect (
      self->server, "http://a.example.org/y", "http://c.example.org/x", "");
  fetch (self, "http://a.example.org/x", strict);
  fetch (self, "http://a.example.org/y", strict);
  assert_sent (self, "http://b.example.net/echo", strict, "");
  assert_sent (self, "http://c.example.org/echo", strict, "c=3");
}

/* A stranger who sends us on does not get what is for visitors of the site only. */
static void
test_same_site (World *self, gconstpointer data)
{
  const TrundleCookie cookies[] = {
    { "s", "1", "a.example.org", "/", 0, TRUNDLE_COOKIE_STRICT },
    { "l", "2", "a.example.org", "/", 0, TRUNDLE_COOKIE_LAX },
    { "n", "3", "a.example.org", "/", 0, 0 },
  };
  g_autofree char *all = with_cookies (7, 3, cookies, G_N_ELEMENTS (cookies));

  script_server_set_redirect (
      self->server, "http://b.example.net/x", "http://a.example.org/echo", "");
  script_server_set_redirect (
      self->server, "http://c.example.org/x", "http://a.example.org/echo", "");
  assert_sent (self, "http://a.example.org/echo", all, "s=1; l=2; n=3");
  assert_sent (self, "http://b.example.net/x", "{'jar': <uint64 7>}", "l=2; n=3");
  assert_sent (self, "http://c.example.org/x", "{'jar': <uint64 7>}", "s=1; l=2; n=3");
}

/* What the app writes itself wins; RFC 6265 §5.4: one field. */
static void
test_merged (World *self, gconstpointer data)
{
  const TrundleCookie cookies[] = {
    { "a", "1", "a.example.org", "/", 0, 0 },
    { "b", "2", "a.example.org", "/", 0, 0 },
  };
  g_autofree char *all = with_cookies (7, 3, cookies, G_N_ELEMENTS (cookies));

  assert_sent (self, "http://a.example.org/echo", all, "a=1; b=2");
  assert_sent (self,
               "http://a.example.org/echo",
               "{'jar': <uint64 7>, 'secret-headers': <[('Cookie', 'b=9; x=8'), "
               "('Cookie', 'y=7')]>}",
               "b=9; x=8; y=7; a=1");
}

static void
test_bounds (World *self, gconstpointer data)
{
  g_autoptr (GString) headers = g_string_new (NULL);
  g_autofree char *large = g_strnfill (5000, 'x');
  g_autofree char *sent = NULL;
  g_auto (GStrv) pairs = NULL;

  for (guint i = 0; i < 70; i++)
    g_string_append_printf (headers, "Set-Cookie: c%u=1; Path=/\r\n", i);
  g_string_append_printf (headers, "Set-Cookie: large=%s; Path=/\r\n", large);
  answer (self, "http://a.example.org/x", headers->str);
  fetch (self, "http://a.example.org/x", "{'jar': <uint64 7>}");
  sent = get_sent (self, "http://a.example.org/echo", "{'jar': <uint64 7>}");
  pairs = g_strsplit (sent, "; ", -1);
  g_assert_cmpuint (g_strv_length (pairs), ==, TRUNDLE_COOKIES_PER_DOMAIN_MAX);
  g_assert_cmpstr (pairs[0], ==, "c20=1");
}

static void
test_bad_begin (World *self, gconstpointer data)
{
  static const char *const bad[] = {
    "{'jar': <uint64 7>, 'cookie-policy': <'never'>}",
    "{'jar': <uint64 7>, 'cookies': <[(b'a', b'1\\nX', 'h', '/', int64 0, uint32 0)]>}",
    "{'jar': <uint64 7>, 'cookies': <[(b'a', b'1', '', '/', int64 0, uint32 0)]>}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = worker_fixture_try_begin (
          self->worker, "http://a.example.org/x", bad[i]);

      g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
    }
}

static void
add (const char *path, void (*test) (World *self, gconstpointer data), gconstpointer data)
{
  g_test_add (path, World, data, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_cmpuint (trundle_error_quark (), !=, 0);
  add ("/worker/cookies/kept", test_kept, NULL);
  add ("/worker/cookies/not-wanted", test_not_wanted, NULL);
  add ("/worker/cookies/any-answer", test_any_answer, NULL);
  add ("/worker/cookies/proxy-has-none", test_proxy_has_none, NULL);
  add ("/worker/cookies/deleted", test_deleted, NULL);
  add ("/worker/cookies/told-once", test_told_once, NULL);
  add ("/worker/cookies/told-in-time", test_told_in_time, NULL);
  add ("/worker/cookies/loaded", test_loaded, NULL);
  add ("/worker/cookies/forgotten", test_forgotten, NULL);
  add ("/worker/cookies/forgotten-in-use", test_forgotten_in_use, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rules); i++)
    {
      g_autofree char *path = g_strconcat ("/worker/cookies/rule/", rules[i].name, NULL);

      add (path, test_rule, &rules[i]);
    }
  add ("/worker/cookies/third-party", test_third_party, NULL);
  add ("/worker/cookies/same-site", test_same_site, NULL);
  add ("/worker/cookies/merged", test_merged, NULL);
  add ("/worker/cookies/bounds", test_bounds, NULL);
  add ("/worker/cookies/bad-begin", test_bad_begin, NULL);
  return g_test_run ();
}
