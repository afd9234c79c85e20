/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a worker is told about proxies. */

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
  return g_test_run ();
}
