/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Decisions about certificates: the table, and what of it a worker is told. */

#include "config.h"

#include "await.h"
#include "core-fixture.h"
#include "store-fixture.h"

#include "core/trust.h"
#include "port/store-trust.h"

static GBytes *
make_digest (guint8 byte)
{
  guint8 bytes[TRD_TRUST_SHA256_SIZE];

  for (guint i = 0; i < sizeof bytes; i++)
    bytes[i] = byte;
  return g_bytes_new (bytes, sizeof bytes);
}

static void
add (StoreFixture *fixture,
     const TrdOwner *owner,
     gint64 session_id,
     const char *host,
     guint8 byte)
{
  g_autoptr (GBytes) digest = make_digest (byte);
  g_autoptr (GError) error = NULL;
  TrdTrustRow row = { session_id, (char *)host, 443, FALSE, digest, 1000 + byte };

  trd_store_add_trust (fixture->store, owner, &row, &error);
  g_assert_no_error (error);
}

/* "HOST:PORT BYTE SESSION" of each. */
static char *
list (StoreFixture *fixture, const TrdOwner *owner, gint64 session_id, const char *host)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = trd_store_list_trust (
      fixture->store, owner, session_id, host, 443, FALSE, &error);
  g_autoptr (GString) text = g_string_new (NULL);

  g_assert_no_error (error);
  for (guint i = 0; i < rows->len; i++)
    {
      const TrdTrustRow *row = g_ptr_array_index (rows, i);
      const guint8 *bytes = g_bytes_get_data (row->certificate, NULL);

      g_assert_cmpuint (g_bytes_get_size (row->certificate), ==, TRD_TRUST_SHA256_SIZE);
      g_assert_cmpint (row->created_us, ==, 1000 + bytes[0]);
      g_string_append_printf (text,
                              "%s%s:%u %u %" G_GINT64_FORMAT,
                              i > 0 ? ", " : "",
                              row->host,
                              row->port,
                              bytes[0],
                              row->session_id);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
assert_list (StoreFixture *fixture,
             const TrdOwner *owner,
             gint64 session_id,
             const char *host,
             const char *expected)
{
  g_autofree char *text = list (fixture, owner, session_id, host);

  g_assert_cmpstr (text, ==, expected);
}

/* Never for another app, a session's never for another session. */
static void
whose (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdOwner) owner = trd_owner_new ("flatpak", "org.example.A");
  g_autoptr (TrdOwner) other = trd_owner_new ("flatpak", "org.example.B");
  g_autoptr (TrdOwner) outside = trd_owner_new ("host", "org.example.A");

  add (fixture, owner, 1, "a.example", 1);
  add (fixture, owner, 0, "b.example", 2);
  assert_list (fixture, owner, 1, NULL, "a.example:443 1 1, b.example:443 2 0");
  assert_list (fixture, owner, 2, NULL, "b.example:443 2 0");
  assert_list (fixture, owner, 1, "a.example", "a.example:443 1 1");
  assert_list (fixture, other, 1, NULL, "");
  assert_list (fixture, outside, 1, NULL, "");
}

static void
twice (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdOwner) owner = trd_owner_new ("host", "host");

  add (fixture, owner, 1, "a.example", 1);
  add (fixture, owner, 1, "a.example", 1);
  add (fixture, owner, 1, "a.example", 2);
  assert_list (fixture, owner, 1, NULL, "a.example:443 1 1, a.example:443 2 1");
}

static void
removed (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdOwner) owner = trd_owner_new ("host", "host");
  g_autoptr (GError) error = NULL;
  guint n = 0;

  add (fixture, owner, 1, "a.example", 1);
  add (fixture, owner, 0, "a.example", 2);
  add (fixture, owner, 2, "a.example", 3);
  add (fixture, owner, 1, "b.example", 4);
  trd_store_remove_trust (fixture->store, owner, 1, "a.example", 443, FALSE, &n, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (n, ==, 2);
  assert_list (fixture, owner, 1, NULL, "b.example:443 4 1");
  assert_list (fixture, owner, 2, NULL, "a.example:443 3 2");
  trd_store_remove_trust (fixture->store, owner, 1, "a.example", 443, FALSE, &n, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (n, ==, 0);
}

/* With the session, but not what is for good. */
static void
session_gone (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdOwner) owner = trd_owner_new ("host", "host");
  g_autoptr (GError) error = NULL;

  add (fixture, owner, fixture->session_id, "a.example", 1);
  add (fixture, owner, 0, "a.example", 2);
  trd_store_delete_session (fixture->store, fixture->session_id, 1, &error);
  g_assert_no_error (error);
  assert_list (fixture, owner, fixture->session_id, NULL, "a.example:443 2 0");
}

/* The newest of too many. */
static void
bounded (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (TrdOwner) owner = trd_owner_new ("host", "host");
  g_autoptr (GPtrArray) rows = NULL;
  g_autoptr (GBytes) digest = make_digest (1);

  g_assert_true (trd_store_begin (fixture->store, NULL));
  for (guint i = 0; i < TRD_STORE_TRUST_MAX + 5; i++)
    {
      TrdTrustRow row = { 1, (char *)"a.example", i + 1, FALSE, digest, i };

      g_assert_true (trd_store_add_trust (fixture->store, owner, &row, NULL));
    }
  g_assert_true (trd_store_commit (fixture->store, NULL));
  rows = trd_store_list_trust (fixture->store, owner, 1, NULL, 0, FALSE, NULL);
  g_assert_cmpuint (rows->len, ==, TRD_STORE_TRUST_MAX);
  g_assert_cmpuint (((TrdTrustRow *)rows->pdata[0])->port, ==, 6);
}

static void
decide (CoreFixture *fixture, TrdSession *session, const char *host, gboolean for_good)
{
  g_autoptr (GBytes) digest = make_digest (7);
  g_autoptr (GError) error = NULL;

  trd_trust_add (fixture->registry, session, host, 443, FALSE, digest, for_good, &error);
  g_assert_no_error (error);
}

/* The hosts of `trusted-certificates` that the worker of a new task is asked with. */
static char *
get_hosts (CoreFixture *fixture, TrdSession *session)
{
  TrdTask *task = core_fixture_create (
      fixture, session, "https://a.example/x", "{'start': <true>}");
  g_autoptr (GVariant) rows = NULL;
  g_autoptr (GString) text = g_string_new (NULL);

  test_await (fake_transport_find (fixture->transport, task->id) != NULL);
  rows = g_variant_lookup_value (
      fake_transport_find (fixture->transport, task->id)->request,
      "trusted-certificates",
      G_VARIANT_TYPE ("aa{sv}"));
  for (gsize i = 0; rows != NULL && i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      const char *host = "";

      g_variant_lookup (row, "host", "&s", &host);
      g_string_append_printf (text, "%s ", host);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* Also after a restart: a decision is for as long as was said. */
static void
told (CoreFixture *fixture, gconstpointer data)
{
  TrdSession *session = core_fixture_open (fixture, "{}");
  TrdSession *other;
  g_autofree char *hosts = NULL;
  g_autofree char *of_other = NULL;
  g_autoptr (GVariant) all = NULL;
  g_autoptr (GVariant) rest = NULL;

  decide (fixture, session, "A.example", FALSE);
  decide (fixture, session, "b.example", TRUE);
  core_fixture_restart (fixture);
  session = core_fixture_open (fixture, "{}");
  other = core_fixture_open_named (fixture, "other", "{}");
  hosts = get_hosts (fixture, session);
  g_assert_cmpstr (hosts, ==, "a.example b.example ");
  of_other = get_hosts (fixture, other);
  g_assert_cmpstr (of_other, ==, "b.example ");

  all = g_variant_ref_sink (trd_trust_list (fixture->registry, session, NULL));
  g_assert_cmpuint (g_variant_n_children (all), ==, 2);
  g_assert_true (
      trd_trust_remove (fixture->registry, session, "B.example", 443, FALSE, NULL, NULL));
  rest = g_variant_ref_sink (trd_trust_list (fixture->registry, other, NULL));
  g_assert_cmpuint (g_variant_n_children (rest), ==, 0);
}

/* The `is-proxy` of what is listed, in its order. */
static char *
get_parties (CoreFixture *fixture, TrdSession *session)
{
  g_autoptr (GVariant) all = g_variant_ref_sink (
      trd_trust_list (fixture->registry, session, NULL));
  g_autoptr (GString) text = g_string_new (NULL);

  for (gsize i = 0; i < g_variant_n_children (all); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (all, i);
      gboolean is_proxy = FALSE;

      g_assert_true (g_variant_lookup (row, "is-proxy", "b", &is_proxy));
      g_string_append (text, is_proxy ? "proxy " : "server ");
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* What is decided of a proxy is not for a server of the same name and port, nor the other
 * way round. */
static void
proxies (CoreFixture *fixture, gconstpointer data)
{
  TrdSession *session = core_fixture_open (fixture, "{}");
  g_autoptr (GBytes) digest = make_digest (7);
  g_autofree char *one = NULL;
  g_autofree char *both = NULL;
  g_autofree char *rest = NULL;

  g_assert_true (trd_trust_add (
      fixture->registry, session, "a.example", 443, TRUE, digest, TRUE, NULL));
  one = get_parties (fixture, session);
  g_assert_cmpstr (one, ==, "proxy ");
  decide (fixture, session, "a.example", TRUE);
  both = get_parties (fixture, session);
  g_assert_cmpstr (both, ==, "server proxy ");
  g_assert_true (
      trd_trust_remove (fixture->registry, session, "a.example", 443, TRUE, NULL, NULL));
  rest = get_parties (fixture, session);
  g_assert_cmpstr (rest, ==, "server ");
}

static void
digest_of_facts (void)
{
  g_autoptr (GVariant) facts = store_fixture_parse (
      "{'certificates': <[b'abc', b'other']>}");
  g_autoptr (GVariant) none = store_fixture_parse ("{'certificates': <@aay []>}");
  g_autoptr (GBytes) digest = trd_trust_digest_facts (facts);
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 expected[TRD_TRUST_SHA256_SIZE];
  gsize size = sizeof expected;

  g_checksum_update (checksum, (const guint8 *)"abc", 4);
  g_checksum_get_digest (checksum, expected, &size);
  g_assert_cmpmem (g_bytes_get_data (digest, NULL),
                   g_bytes_get_size (digest),
                   expected,
                   sizeof expected);
  g_assert_null (trd_trust_digest_facts (none));
}

#define ADD_STORE(path, func)                                                            \
  g_test_add (                                                                           \
      path, StoreFixture, NULL, store_fixture_set_up, func, store_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD_STORE ("/store/trust/whose", whose);
  ADD_STORE ("/store/trust/twice", twice);
  ADD_STORE ("/store/trust/removed", removed);
  ADD_STORE ("/store/trust/session-gone", session_gone);
  ADD_STORE ("/store/trust/bounded", bounded);
  g_test_add ("/trust/told",
              CoreFixture,
              NULL,
              core_fixture_set_up,
              told,
              core_fixture_tear_down);
  g_test_add ("/trust/proxies",
              CoreFixture,
              NULL,
              core_fixture_set_up,
              proxies,
              core_fixture_tear_down);
  g_test_add_func ("/trust/digest-of-facts", digest_of_facts);
  return g_test_run ();
}
