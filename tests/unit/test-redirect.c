/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "redirect.h"

#include "common/error.h"
#include "common/url.h"

#define FINAL TRW_REDIRECT_FINAL
#define FOLLOW TRW_REDIRECT_FOLLOW
#define FAIL TRW_REDIRECT_FAIL

typedef struct
{
  const char *name;
  const char *uri;
  guint status;
  const char *location;
  TrwRedirectVerdict verdict;
  const char *target; /* with FOLLOW */
  gboolean same_origin;
  TrundleError error; /* with FAIL */
  TrwRedirectRules rules;
} Row;

#define RULES                                                                            \
  {                                                                                      \
    TRW_REDIRECTS_FOLLOW, 20, FALSE                                                      \
  }
#define BAD TRUNDLE_ERROR_BAD_REDIRECT

static const Row rows[] = {
  { "final/200", "http://a/", 200, "/b", FINAL, NULL, FALSE, 0, RULES },
  { "final/300", "http://a/", 300, "/b", FINAL, NULL, FALSE, 0, RULES },
  { "final/304", "http://a/", 304, "/b", FINAL, NULL, FALSE, 0, RULES },
  { "final/305", "http://a/", 305, "/b", FINAL, NULL, FALSE, 0, RULES },
  { "final/404", "http://a/", 404, "/b", FINAL, NULL, FALSE, 0, RULES },
  { "absolute", "http://a/x", 301, "http://b/y", FOLLOW, "http://b/y", FALSE, 0, RULES },
  { "path", "http://a/x/y", 302, "/z", FOLLOW, "http://a/z", TRUE, 0, RULES },
  { "name", "http://a/x/y", 303, "z", FOLLOW, "http://a/x/z", TRUE, 0, RULES },
  { "up", "http://a/x/y/z", 307, "../w", FOLLOW, "http://a/x/w", TRUE, 0, RULES },
  { "network-path", "http://a/x", 308, "//b/y", FOLLOW, "http://b/y", FALSE, 0, RULES },
  { "query-kept-as-it-is",
    "http://a/x",
    301,
    "/y?q=a%3Fb%26c",
    FOLLOW,
    "http://a/y?q=a%3Fb%26c",
    TRUE,
    0,
    RULES },
  { "only-query", "http://a/x?1", 301, "?2", FOLLOW, "http://a/x?2", TRUE, 0, RULES },
  { "space", "http://a/", 301, "/a b", FOLLOW, "http://a/a%20b", TRUE, 0, RULES },
  { "utf-8", "http://a/", 301, "/\xc3\xa4", FOLLOW, "http://a/%C3%A4", TRUE, 0, RULES },
  { "fragment-inherited",
    "http://a/#f",
    301,
    "/b",
    FOLLOW,
    "http://a/b#f",
    TRUE,
    0,
    RULES },
  { "fragment-own", "http://a/#f", 301, "/b#g", FOLLOW, "http://a/b#g", TRUE, 0, RULES },
  { "port", "http://a:81/", 301, "/b", FOLLOW, "http://a:81/b", TRUE, 0, RULES },
  { "port-other",
    "http://a/",
    301,
    "http://a:81/",
    FOLLOW,
    "http://a:81/",
    FALSE,
    0,
    RULES },
  { "upgrade", "http://a/", 301, "https://a/", FOLLOW, "https://a/", FALSE, 0, RULES },
  { "user-info-dropped",
    "http://a/",
    301,
    "http://u:p@a/b",
    FOLLOW,
    "http://a/b",
    TRUE,
    0,
    RULES },
  { "bad/none", "http://a/", 301, NULL, FAIL, NULL, FALSE, BAD, RULES },
  { "bad/empty", "http://a/", 301, "", FAIL, NULL, FALSE, BAD, RULES },
  { "bad/scheme", "http://a/", 301, "ftp://a/", FAIL, NULL, FALSE, BAD, RULES },
  { "bad/file", "http://a/", 301, "file:///etc/passwd", FAIL, NULL, FALSE, BAD, RULES },
  { "bad/port", "http://a/", 301, "http://a:99999/", FAIL, NULL, FALSE, BAD, RULES },
  { "bad/control", "http://a/", 301, "/a\tb", FAIL, NULL, FALSE, BAD, RULES },
  { "bad/no-host", "http://a/", 301, "http:///b", FAIL, NULL, FALSE, BAD, RULES },
  { "downgrade",
    "https://a/",
    301,
    "http://a/",
    FAIL,
    NULL,
    FALSE,
    TRUNDLE_ERROR_INSECURE_TRANSPORT,
    RULES },
  { "downgrade-allowed",
    "https://a/",
    301,
    "http://a/",
    FOLLOW,
    "http://a/",
    FALSE,
    0,
    { TRW_REDIRECTS_FOLLOW, 20, TRUE } },
  { "none", "http://a/", 301, "/b", FINAL, NULL, FALSE, 0, { TRW_REDIRECTS_NONE, 20 } },
  { "same-origin/stays",
    "http://a/",
    301,
    "http://a:80/b",
    FOLLOW,
    "http://a/b",
    TRUE,
    0,
    { TRW_REDIRECTS_SAME_ORIGIN, 20 } },
  { "same-origin/leaves",
    "http://a/",
    301,
    "http://b/",
    FINAL,
    NULL,
    FALSE,
    0,
    { TRW_REDIRECTS_SAME_ORIGIN, 20 } },
  { "limit-zero",
    "http://a/",
    301,
    "/b",
    FAIL,
    NULL,
    FALSE,
    TRUNDLE_ERROR_TOO_MANY_REDIRECTS,
    { TRW_REDIRECTS_FOLLOW, 0 } },
};

/* Equal up to what both mean: an explicit default port, an empty path. */
static void
assert_same_url (GUri *uri, const char *expected)
{
  g_autoptr (GUri) expected_uri = trundle_url_parse (expected, NULL);
  g_autofree char *origin = trundle_url_origin (uri);
  g_autofree char *expected_origin = trundle_url_origin (expected_uri);

  g_assert_cmpstr (origin, ==, expected_origin);
  g_assert_cmpstr (g_uri_get_path (uri), ==, g_uri_get_path (expected_uri));
  g_assert_cmpstr (g_uri_get_query (uri), ==, g_uri_get_query (expected_uri));
  g_assert_cmpstr (g_uri_get_fragment (uri), ==, g_uri_get_fragment (expected_uri));
  g_assert_null (g_uri_get_userinfo (uri));
}

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (GUri) uri = trundle_url_parse (row->uri, NULL);
  const TrwHop hop = { uri, "GET", row->status, row->location, 0 };
  g_auto (TrwNextHop) next = { NULL };
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (
      trw_redirect_judge (&row->rules, &hop, &next, &error), ==, row->verdict);
  if (row->verdict == FAIL)
    g_assert_error (error, TRUNDLE_ERROR, (int)row->error);
  else
    g_assert_no_error (error);
  if (row->verdict != FOLLOW)
    return;
  assert_same_url (next.uri, row->target);
  g_assert_cmpint (next.same_origin, ==, row->same_origin);
}

static const struct
{
  guint status;
  const char *before;
  const char *after;
} method_rows[] = {
  { 301, "GET", "GET" },       { 301, "HEAD", "HEAD" },     { 301, "POST", "GET" },
  { 301, "PUT", "PUT" },       { 301, "DELETE", "DELETE" }, { 302, "GET", "GET" },
  { 302, "HEAD", "HEAD" },     { 302, "POST", "GET" },      { 302, "PUT", "PUT" },
  { 302, "DELETE", "DELETE" }, { 303, "GET", "GET" },       { 303, "HEAD", "HEAD" },
  { 303, "POST", "GET" },      { 303, "PUT", "GET" },       { 303, "DELETE", "GET" },
  { 307, "POST", "POST" },     { 307, "PUT", "PUT" },       { 308, "POST", "POST" },
  { 308, "DELETE", "DELETE" },
};

static void
test_methods (void)
{
  g_autoptr (GUri) uri = trundle_url_parse ("http://a/", NULL);
  const TrwRedirectRules rules = RULES;

  for (guint i = 0; i < G_N_ELEMENTS (method_rows); i++)
    {
      const TrwHop hop = { uri, method_rows[i].before, method_rows[i].status, "/b", 0 };
      g_auto (TrwNextHop) next = { NULL };

      g_assert_cmpint (trw_redirect_judge (&rules, &hop, &next, NULL), ==, FOLLOW);
      g_assert_cmpstr (next.method, ==, method_rows[i].after);
    }
}

static void
test_limit (void)
{
  g_autoptr (GUri) uri = trundle_url_parse ("http://a/", NULL);
  const TrwRedirectRules rules = RULES;
  const TrwHop last = { uri, "GET", 301, "/b", 19 };
  const TrwHop excess = { uri, "GET", 301, "/b", 20 };
  g_auto (TrwNextHop) next = { NULL };
  g_auto (TrwNextHop) refused = { NULL };
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (trw_redirect_judge (&rules, &last, &next, NULL), ==, FOLLOW);
  g_assert_cmpint (trw_redirect_judge (&rules, &excess, &refused, &error), ==, FAIL);
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_TOO_MANY_REDIRECTS);
  assert_same_url (refused.uri, "http://a/b");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/redirect/", rows[i].name, NULL);

      g_test_add_data_func (path, &rows[i], test_row);
    }
  g_test_add_func ("/redirect/methods", test_methods);
  g_test_add_func ("/redirect/limit", test_limit);
  return g_test_run ();
}
