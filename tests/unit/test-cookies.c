/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of cookies: what may stand in it, which is which, how many and in which
 * order, and whom they would go to. */

#include "config.h"

#include "common/cookies.h"
#include "common/error.h"

#define NOW_S 1000

static GVariant *
make (const char *name,
      const char *value,
      const char *domain,
      gint64 expires_s,
      guint flags)
{
  return trundle_cookie_new (
      &(TrundleCookie){ name, value, domain, "/", expires_s, flags });
}

static char *
show (TrundleCookies *cookies)
{
  g_autoptr (GVariant) all = trundle_cookies_to_variant (cookies, NOW_S);
  g_autoptr (GString) text = g_string_new (NULL);

  for (gsize i = 0; i < g_variant_n_children (all); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (all, i);
      TrundleCookie cookie;

      trundle_cookie_get (child, &cookie);
      g_string_append_printf (text, "%s=%s ", cookie.name, cookie.value);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
assert_content (TrundleCookies *cookies, const char *expected)
{
  g_autofree char *shown = show (cookies);

  g_assert_cmpstr (shown, ==, expected);
}

static void
test_put (void)
{
  g_autoptr (TrundleCookies) cookies = trundle_cookies_new ();

  g_assert_cmpint (trundle_cookies_put (cookies, make ("a", "1", "h", 0, 0), NOW_S),
                   ==,
                   TRUNDLE_COOKIES_CHANGED);
  g_assert_cmpint (trundle_cookies_put (cookies, make ("b", "2", "h", 0, 0), NOW_S),
                   ==,
                   TRUNDLE_COOKIES_CHANGED);
  g_assert_cmpint (trundle_cookies_put (cookies, make ("a", "1", "h", 0, 0), NOW_S),
                   ==,
                   TRUNDLE_COOKIES_SAME);
  /* RFC 6265 §5.3: one that is replaced keeps its age. */
  g_assert_cmpint (trundle_cookies_put (cookies, make ("a", "3", "h", 0, 0), NOW_S),
                   ==,
                   TRUNDLE_COOKIES_CHANGED);
  assert_content (cookies, "a=3 b=2 ");
  g_assert_cmpint (trundle_cookies_put (cookies, make ("a", "3", "h", 0, 1), NOW_S),
                   ==,
                   TRUNDLE_COOKIES_CHANGED);
  /* Another domain, another cookie. */
  trundle_cookies_put (cookies, make ("a", "4", ".h", 0, 0), NOW_S);
  assert_content (cookies, "a=3 b=2 a=4 ");
}

static void
test_end (void)
{
  g_autoptr (TrundleCookies) cookies = trundle_cookies_new ();

  trundle_cookies_put (cookies, make ("a", "1", "h", 0, 0), NOW_S);
  trundle_cookies_put (cookies, make ("b", "2", "h", NOW_S + 1, 0), NOW_S);
  trundle_cookies_put (cookies, make ("c", "3", "h", NOW_S + 1, 0), NOW_S - 1);
  g_assert_cmpint (
      trundle_cookies_put (cookies, make ("a", "", "h", 0, TRUNDLE_COOKIE_GONE), NOW_S),
      ==,
      TRUNDLE_COOKIES_CHANGED);
  g_assert_cmpint (
      trundle_cookies_put (cookies, make ("a", "", "h", 0, TRUNDLE_COOKIE_GONE), NOW_S),
      ==,
      TRUNDLE_COOKIES_SAME);
  g_assert_cmpint (trundle_cookies_put (cookies, make ("c", "3", "h", NOW_S, 0), NOW_S),
                   ==,
                   TRUNDLE_COOKIES_CHANGED);
  assert_content (cookies, "b=2 ");
  g_assert_cmpuint (trundle_cookies_count (cookies), ==, 1);
}

static void
test_extended (void)
{
  g_autoptr (TrundleCookies) cookies = trundle_cookies_new ();

  trundle_cookies_put (cookies, make ("a", "1", "h", NOW_S + 1000, 0), NOW_S);
  g_assert_cmpint (
      trundle_cookies_put (cookies, make ("a", "1", "h", NOW_S + 1010, 0), NOW_S + 10),
      ==,
      TRUNDLE_COOKIES_EXTENDED);
  g_assert_cmpint (
      trundle_cookies_put (cookies, make ("a", "1", "h", NOW_S + 1900, 0), NOW_S + 900),
      ==,
      TRUNDLE_COOKIES_CHANGED);
  g_assert_cmpint (
      trundle_cookies_put (cookies, make ("a", "1", "h", NOW_S + 1800, 0), NOW_S + 900),
      ==,
      TRUNDLE_COOKIES_CHANGED);
}

/* As a whole, then: a table may never be more than goes into a message. */
static void
test_bounds (void)
{
  g_autoptr (TrundleCookies) cookies = trundle_cookies_new ();
  g_autofree char *large = g_strnfill (TRUNDLE_COOKIE_BYTES_MAX - 10, 'x');
  GVariantBuilder builder;
  g_autoptr (GVariant) all = NULL;
  g_autoptr (GVariant) kept = NULL;

  g_variant_builder_init (&builder, G_VARIANT_TYPE (TRUNDLE_COOKIES_TYPE));
  for (guint i = 0; i < 4000; i++)
    {
      g_autofree char *domain = g_strdup_printf ("h%u", i / 60);
      g_autofree char *name = g_strdup_printf ("c%u", i);

      g_variant_builder_add_value (&builder, make (name, "", domain, 0, 0));
    }
  all = g_variant_ref_sink (g_variant_builder_end (&builder));
  trundle_cookies_merge (cookies, all, NOW_S);
  g_assert_cmpuint (trundle_cookies_count (cookies), ==, TRUNDLE_COOKIES_MAX);

  g_variant_builder_init (&builder, G_VARIANT_TYPE (TRUNDLE_COOKIES_TYPE));
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *domain = g_strdup_printf ("l%u", i);

      g_variant_builder_add_value (&builder, make ("c", large, domain, 0, 0));
    }
  g_variant_unref (all);
  all = g_variant_ref_sink (g_variant_builder_end (&builder));
  trundle_cookies_merge (cookies, all, NOW_S);
  kept = trundle_cookies_to_variant (cookies, NOW_S);
  g_assert_cmpuint (g_variant_n_children (kept), <, 65);
  g_assert_cmpuint (g_variant_n_children (kept), >, 50);
  g_assert_cmpuint (g_variant_get_size (kept), <, TRUNDLE_COOKIES_BYTES_MAX + 4096);
}

/* Of a domain the oldest goes. */
static void
test_evict (void)
{
  g_autoptr (TrundleCookies) cookies = trundle_cookies_new ();
  TrundleCookie cookie = { "n", "", "h", "/", 0, 0 };

  trundle_cookies_put (cookies, make ("other", "1", "i", 0, 0), NOW_S);
  for (guint i = 0; i < TRUNDLE_COOKIES_PER_DOMAIN_MAX; i++)
    {
      g_autofree char *name = g_strdup_printf ("c%u", i);

      trundle_cookies_put (cookies, make (name, "", "h", 0, 0), NOW_S);
      g_assert_null (trundle_cookies_evict (cookies, &cookie));
    }
  trundle_cookies_put (cookies, make ("n", "", "h", 0, 0), NOW_S);
  {
    g_autoptr (GVariant) evicted = trundle_cookies_evict (cookies, &cookie);
    TrundleCookie gone;

    g_assert_nonnull (evicted);
    trundle_cookie_get (evicted, &gone);
    g_assert_cmpstr (gone.name, ==, "c0");
  }
  g_assert_null (trundle_cookies_evict (cookies, &cookie));
}

typedef struct
{
  TrundleCookie cookie;
  gboolean is_valid;
} Check;

static void
test_check (void)
{
  static const Check checks[] = {
    { { "a", "1", "example.org", "/", 0, 0 }, TRUE },
    { { "", "1", ".example.org", "/x", 7, 15 }, TRUE },
    { { "a", "", "::1", "/", 0, 0 }, TRUE },
    { { "a", "\xff\t=", "h", "/", 0, 0 }, TRUE },
    { { "", "", "h", "/", 0, 0 }, FALSE },
    { { "a=", "1", "h", "/", 0, 0 }, FALSE },
    { { "a;", "1", "h", "/", 0, 0 }, FALSE },
    { { "a", "1;", "h", "/", 0, 0 }, FALSE },
    { { "a", "1\r\nX: y", "h", "/", 0, 0 }, FALSE },
    { { "a\n", "1", "h", "/", 0, 0 }, FALSE },
    { { "a", "1", "", "/", 0, 0 }, FALSE },
    { { "a", "1", ".", "/", 0, 0 }, FALSE },
    { { "a", "1", "H", "/", 0, 0 }, FALSE },
    { { "a", "1", "h/", "/", 0, 0 }, FALSE },
    { { "a", "1", "h", "", 0, 0 }, FALSE },
    { { "a", "1", "h", "x", 0, 0 }, FALSE },
    { { "a", "1", "h", "/\xc3\xbc", 0, 0 }, FALSE },
    { { "a", "1", "h", "/;", 0, 0 }, FALSE },
    { { "a", "1", "h", "/", -1, 0 }, FALSE },
    { { "a", "1", "h", "/", 0, 32 }, FALSE },
  };
  g_autofree char *large = g_strnfill (TRUNDLE_COOKIE_BYTES_MAX, 'x');
  TrundleCookie too_large = { "a", large, "h", "/", 0, 0 };

  for (guint i = 0; i < G_N_ELEMENTS (checks); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%u", i);
      g_assert_cmpint (
          trundle_cookie_check (&checks[i].cookie, &error), ==, checks[i].is_valid);
      if (!checks[i].is_valid)
        g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
    }
  g_assert_false (trundle_cookie_check (&too_large, NULL));
}

static void
test_matches (void)
{
  static const struct
  {
    const char *domain;
    const char *path;
    guint flags;
    const char *url;
    gboolean matches;
  } cases[] = {
    { "example.org", "/", 0, "http://example.org/x", TRUE },
    { "example.org", "/", 0, "http://a.example.org/x", FALSE },
    { ".example.org", "/", 0, "http://example.org", TRUE },
    { ".example.org", "/", 0, "http://a.b.example.org/", TRUE },
    { ".example.org", "/", 0, "http://notexample.org/", FALSE },
    { ".0.0.1", "/", 0, "http://127.0.0.1/", FALSE },
    { "example.org", "/x", 0, "http://example.org/x", TRUE },
    { "example.org", "/x", 0, "http://example.org/x/y", TRUE },
    { "example.org", "/x/", 0, "http://example.org/x/y", TRUE },
    { "example.org", "/x", 0, "http://example.org/xy", FALSE },
    { "example.org", "/", TRUNDLE_COOKIE_SECURE, "http://example.org/", FALSE },
    { "example.org", "/", TRUNDLE_COOKIE_SECURE, "https://example.org/", TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      TrundleCookie cookie
          = { "a", "1", cases[i].domain, cases[i].path, 0, cases[i].flags };
      g_autoptr (GUri) uri = g_uri_parse (cases[i].url, G_URI_FLAGS_NONE, NULL);

      g_test_message ("%u", i);
      g_assert_cmpint (trundle_cookie_matches (&cookie, uri), ==, cases[i].matches);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cookies/put", test_put);
  g_test_add_func ("/cookies/end", test_end);
  g_test_add_func ("/cookies/extended", test_extended);
  g_test_add_func ("/cookies/bounds", test_bounds);
  g_test_add_func ("/cookies/evict", test_evict);
  g_test_add_func ("/cookies/check", test_check);
  g_test_add_func ("/cookies/matches", test_matches);
  return g_test_run ();
}
