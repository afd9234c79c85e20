/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "await.h"
#include "fake-keyring.h"
#include "port/keyring-attributes.h"
#include "port/vault-secret.h"

#include <glib/gstdio.h>
#include <string.h>

/* The vault at a Secret Service that does as it is told, and in libsecret's file.  Law 9:
 * nothing prompts, nothing waits for ever. */

#define SCHEMA "org.freedesktop.BackgroundTransfer1.Credential"

typedef struct
{
  FakeKeyring *keyring; /* NULL: there is none */
  TrdVault *vault;
  guint n_changed;
} Fixture;

static void
count (guint *n)
{
  (*n)++;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GDBusConnection) bus = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, NULL);

  g_dbus_connection_set_exit_on_close (bus, FALSE);
  if (data != NULL)
    fixture->keyring = fake_keyring_new ();
  fixture->vault = trd_vault_new_secret (bus);
  g_signal_connect_swapped (
      fixture->vault, "changed", G_CALLBACK (count), &fixture->n_changed);
}

static gboolean
is_on_bus (void)
{
  g_autoptr (GDBusConnection) bus = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, NULL);
  g_autoptr (GVariant) reply = g_dbus_connection_call_sync (
      bus,
      "org.freedesktop.DBus",
      "/org/freedesktop/DBus",
      "org.freedesktop.DBus",
      "NameHasOwner",
      g_variant_new ("(s)", "org.freedesktop.secrets"),
      G_VARIANT_TYPE ("(b)"),
      G_DBUS_CALL_FLAGS_NONE,
      -1,
      NULL,
      NULL);
  gboolean is_owned;

  g_variant_get (reply, "(b)", &is_owned);
  return is_owned;
}

static void
remove_keyring (Fixture *fixture)
{
  g_clear_pointer (&fixture->keyring, fake_keyring_free);
  test_await (!is_on_bus ());
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  gpointer vault = fixture->vault;

  g_object_add_weak_pointer (vault, &vault);
  g_object_unref (fixture->vault);
  test_await (vault == NULL);
  remove_keyring (fixture);
}

static GHashTable *
attributes (const char *name, ...)
{
  GHashTable *table = g_hash_table_new (g_str_hash, g_str_equal);
  va_list rest;

  va_start (rest, name);
  for (; name != NULL; name = va_arg (rest, const char *))
    g_hash_table_insert (table, (gpointer)name, va_arg (rest, gpointer));
  va_end (rest);
  return table;
}

/* Those of host @host alone. */
static GPtrArray *
find (Fixture *fixture, const char *host, GError **error)
{
  g_autoptr (GHashTable) wanted = attributes ("host", host, NULL);
  g_autoptr (GAsyncResult) result = NULL;

  trd_vault_find_async (
      fixture->vault, TRD_VAULT_CREDENTIAL, wanted, NULL, test_take_result, &result);
  test_await (result != NULL);
  return trd_vault_find_finish (fixture->vault, result, error);
}

static guint
count_found (Fixture *fixture, const char *host)
{
  g_autoptr (GPtrArray) found = find (fixture, host, NULL);

  return found != NULL ? found->len : G_MAXUINT;
}

static void
store_later (Fixture *fixture, GHashTable *names, const char *secret, GAsyncResult **out)
{
  g_autoptr (GBytes) bytes = g_bytes_new (secret, strlen (secret));

  trd_vault_store_async (fixture->vault,
                         TRD_VAULT_CREDENTIAL,
                         names,
                         "A password",
                         bytes,
                         NULL,
                         test_take_result,
                         out);
}

static gboolean
store (Fixture *fixture, const char *host, const char *secret, GError **error)
{
  g_autoptr (GHashTable) names = attributes ("host", host, NULL);
  g_autoptr (GAsyncResult) result = NULL;

  store_later (fixture, names, secret, &result);
  test_await (result != NULL);
  return trd_vault_store_finish (fixture->vault, result, error);
}

static gboolean
clear (Fixture *fixture, const char *host, GError **error)
{
  g_autoptr (GHashTable) names = attributes ("host", host, NULL);
  g_autoptr (GAsyncResult) result = NULL;

  trd_vault_remove_async (
      fixture->vault, TRD_VAULT_CREDENTIAL, names, NULL, test_take_result, &result);
  test_await (result != NULL);
  return trd_vault_remove_finish (fixture->vault, result, error);
}

static void
assert_secret (GPtrArray *found, guint index, const char *secret)
{
  const TrdVaultItem *item = g_ptr_array_index (found, index);

  g_assert_cmpmem (g_bytes_get_data (item->secret, NULL),
                   g_bytes_get_size (item->secret),
                   secret,
                   strlen (secret));
}

/* ---- what every vault does ---- */

static void
test_keeps (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) found = NULL;

  g_assert_cmpint (trd_vault_get_state (fixture->vault), ==, TRD_VAULT_UNKNOWN);
  g_assert_true (store (fixture, "a", "one", NULL));
  g_assert_true (store (fixture, "b", "two", NULL));
  g_assert_true (store (fixture, "a", "three", NULL));
  g_assert_cmpint (trd_vault_get_state (fixture->vault), ==, TRD_VAULT_OPEN);
  found = find (fixture, "a", NULL);
  g_assert_cmpuint (found->len, ==, 1);
  assert_secret (found, 0, "three");
  g_assert_true (clear (fixture, "a", NULL));
  g_assert_true (clear (fixture, "a", NULL));
  g_assert_cmpuint (count_found (fixture, "a"), ==, 0);
  g_assert_cmpuint (count_found (fixture, "b"), ==, 1);
  g_assert_true (clear (fixture, "b", NULL));
}

/* An item that has more attributes than the new one is another. */
static void
test_replaces_its_equal (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GHashTable) more = attributes ("host", "a", "session", "s", NULL);
  g_autoptr (GAsyncResult) result = NULL;

  store_later (fixture, more, "of a session", &result);
  test_await (result != NULL);
  g_assert_true (store (fixture, "a", "of all", NULL));
  g_assert_cmpuint (count_found (fixture, "a"), ==, 2);
  g_assert_true (store (fixture, "a", "of all again", NULL));
  g_assert_cmpuint (count_found (fixture, "a"), ==, 2);
  g_assert_true (clear (fixture, "a", NULL));
}

/* Nor is it removed with one that has less. */
static void
test_removes_its_equal (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GHashTable) names = attributes ("host", "a", NULL);
  g_autoptr (GHashTable) more = attributes ("host", "a", "session", "s", NULL);
  g_autoptr (GAsyncResult) stored = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) found = NULL;

  store_later (fixture, more, "of a session", &stored);
  g_assert_true (store (fixture, "a", "of all", NULL));
  test_await (stored != NULL);
  trd_vault_remove_exact_async (
      fixture->vault, TRD_VAULT_CREDENTIAL, names, NULL, test_take_result, &result);
  test_await (result != NULL);
  g_assert_true (trd_vault_remove_finish (fixture->vault, result, NULL));
  found = find (fixture, "a", NULL);
  g_assert_cmpuint (found->len, ==, 1);
  assert_secret (found, 0, "of a session");
  g_assert_true (clear (fixture, "a", NULL));
}

static void
test_keeps_bytes (Fixture *fixture, gconstpointer data)
{
  static const guint8 bytes[] = { 'x', 0, 0xff, '\n' };
  g_autoptr (GHashTable) names = attributes ("host", "a", NULL);
  g_autoptr (GBytes) secret = g_bytes_new_static (bytes, sizeof bytes);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) found = NULL;

  trd_vault_store_async (fixture->vault,
                         TRD_VAULT_CREDENTIAL,
                         names,
                         "",
                         secret,
                         NULL,
                         test_take_result,
                         &result);
  test_await (result != NULL);
  g_assert_true (trd_vault_store_finish (fixture->vault, result, NULL));
  found = find (fixture, "a", NULL);
  g_assert_true (
      g_bytes_equal (((TrdVaultItem *)g_ptr_array_index (found, 0))->secret, secret));
  g_assert_true (clear (fixture, "a", NULL));
}

static void
test_kinds_are_apart (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GHashTable) names = attributes ("session", "s", NULL);
  g_autoptr (GAsyncResult) stored = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GPtrArray) found = NULL;

  store_later (fixture, names, "x", &stored);
  trd_vault_find_async (
      fixture->vault, TRD_VAULT_SECRETS, names, NULL, test_take_result, &result);
  test_await (stored != NULL && result != NULL);
  g_assert_true (trd_vault_store_finish (fixture->vault, stored, NULL));
  found = trd_vault_find_finish (fixture->vault, result, NULL);
  g_assert_cmpuint (found->len, ==, 0);
}

/* ---- a service that is not as it should be ---- */

static void
assert_not_kept (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (store (fixture, "a", "hunter2", &error));
  g_assert_nonnull (error);
  g_assert_null (strstr (error->message, "hunter2"));
}

static void
test_absent (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpuint (count_found (fixture, "a"), ==, 0);
  g_assert_cmpint (trd_vault_get_state (fixture->vault), ==, TRD_VAULT_ABSENT);
  assert_not_kept (fixture);
  fixture->keyring = fake_keyring_new ();
  test_await (fixture->n_changed > 0);
  g_assert_cmpint (trd_vault_get_state (fixture->vault), ==, TRD_VAULT_OPEN);
  g_assert_true (store (fixture, "a", "x", NULL));
}

/* A daemon without secrets does not even look. */
static void
test_asks_nothing_unasked (Fixture *fixture, gconstpointer data)
{
  fake_keyring_set_locked (fixture->keyring, TRUE);
  fake_keyring_set_locked (fixture->keyring, FALSE);
  fake_keyring_add (fixture->keyring, g_variant_new ("a{ss}", NULL), "x");
  is_on_bus ();
  test_settle ();
  g_assert_cmpuint (fake_keyring_count_calls (fixture->keyring, NULL), ==, 0);
  g_assert_cmpuint (fixture->n_changed, ==, 0);
}

static void
test_locked (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) found = NULL;

  g_assert_true (store (fixture, "a", "x", NULL));
  fake_keyring_set_locked (fixture->keyring, TRUE);
  found = find (fixture, "a", NULL);
  g_assert_cmpint (trd_vault_get_state (fixture->vault), ==, TRD_VAULT_LOCKED);
  g_assert_cmpuint (found->len, ==, 1);
  g_assert_null (((TrdVaultItem *)g_ptr_array_index (found, 0))->secret);
  assert_not_kept (fixture);
  g_assert_false (clear (fixture, "a", NULL));
  g_assert_cmpuint (fake_keyring_count_items (fixture->keyring), ==, 1);
  fake_keyring_set_locked (fixture->keyring, FALSE);
  test_await (fixture->n_changed > 0);
  g_assert_cmpint (trd_vault_get_state (fixture->vault), ==, TRD_VAULT_OPEN);
  g_assert_cmpuint (fake_keyring_count_calls (fixture->keyring, "Unlock"), ==, 0);
}

/* To make a collection would ask for a password. */
static void
test_no_collection (Fixture *fixture, gconstpointer data)
{
  fake_keyring_add (fixture->keyring,
                    g_variant_new_parsed ("{'host': 'a', 'xdg:schema': %s}", SCHEMA),
                    "elsewhere");
  fake_keyring_remove_collection (fixture->keyring);
  assert_not_kept (fixture);
  g_assert_cmpint (trd_vault_get_state (fixture->vault), ==, TRD_VAULT_ABSENT);
  g_assert_cmpuint (count_found (fixture, "a"), ==, 1);
  g_assert_cmpuint (
      fake_keyring_count_calls (fixture->keyring, "CreateCollection"), ==, 0);
}

static void
test_prompts_are_dismissed (Fixture *fixture, gconstpointer data)
{
  fake_keyring_set_mood (fixture->keyring, "CreateItem", FAKE_KEYRING_PROMPTS);
  assert_not_kept (fixture);
  test_await (fake_keyring_count_calls (fixture->keyring, "Dismiss") == 1);
  fake_keyring_set_mood (fixture->keyring, "Delete", FAKE_KEYRING_PROMPTS);
  g_assert_true (store (fixture, "a", "x", NULL));
  g_assert_false (clear (fixture, "a", NULL));
  test_await (fake_keyring_count_calls (fixture->keyring, "Dismiss") == 2);
  g_assert_cmpuint (fake_keyring_count_calls (fixture->keyring, "Prompt"), ==, 0);
}

static void
add_ours (Fixture *fixture)
{
  fake_keyring_add (
      fixture->keyring,
      g_variant_new_parsed ("{'host': 'a', 'user': 'u', 'xdg:schema': %s}", SCHEMA),
      "x");
}

static void
call_by (Fixture *fixture, const char *method)
{
  if (g_str_equal (method, "CreateItem"))
    assert_not_kept (fixture);
  else if (g_str_equal (method, "Delete"))
    g_assert_false (clear (fixture, "a", NULL));
  else
    g_assert_cmpuint (count_found (fixture, "a"), ==, 0);
}

/* Whatever hangs, the verb comes back, and the next one does not even ask. */
static void
test_hangs (Fixture *fixture, gconstpointer data)
{
  guint n_calls;

  add_ours (fixture);
  trd_vault_secret_set_timeout_ms (fixture->vault, 100);
  fake_keyring_set_mood (fixture->keyring, data, FAKE_KEYRING_HANGS);
  call_by (fixture, data);
  g_assert_cmpint (trd_vault_get_state (fixture->vault), ==, TRD_VAULT_ABSENT);

  n_calls = fake_keyring_count_calls (fixture->keyring, "ReadAlias");
  trd_vault_secret_set_timeout_ms (fixture->vault, G_MAXINT);
  g_assert_cmpuint (count_found (fixture, "a"), ==, 0);
  assert_not_kept (fixture);
  g_assert_false (clear (fixture, "a", NULL));
  g_assert_cmpuint (
      fake_keyring_count_calls (fixture->keyring, "ReadAlias"), ==, n_calls);
}

/* Its late answer is the change. */
static void
test_wakes (Fixture *fixture, gconstpointer data)
{
  add_ours (fixture);
  trd_vault_secret_set_timeout_ms (fixture->vault, 100);
  fake_keyring_set_mood (fixture->keyring, "ReadAlias", FAKE_KEYRING_HANGS);
  call_by (fixture, "ReadAlias");
  trd_vault_secret_set_timeout_ms (fixture->vault, G_MAXINT);
  fake_keyring_wake (fixture->keyring);
  test_await (fixture->n_changed > 0);
  g_assert_cmpint (trd_vault_get_state (fixture->vault), ==, TRD_VAULT_OPEN);
  g_assert_cmpuint (count_found (fixture, "a"), ==, 1);
}

/* All that wait come back, those that wait for others too. */
static void
test_hangs_with_many (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GHashTable) names = attributes ("host", "b", NULL);
  GAsyncResult *results[50] = { NULL };

  trd_vault_secret_set_timeout_ms (fixture->vault, 100);
  fake_keyring_set_mood (fixture->keyring, "CreateItem", FAKE_KEYRING_HANGS);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    store_later (fixture, names, "x", &results[i]);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    {
      test_await (results[i] != NULL);
      g_assert_false (trd_vault_store_finish (fixture->vault, results[i], NULL));
      g_object_unref (results[i]);
    }
  g_assert_cmpuint (fake_keyring_count_calls (fixture->keyring, "CreateItem"), <=, 1);
}

static void
test_dies (Fixture *fixture, gconstpointer data)
{
  add_ours (fixture);
  add_ours (fixture);
  fake_keyring_set_mood (fixture->keyring, data, FAKE_KEYRING_DIES);
  call_by (fixture, data);
  g_assert_cmpint (trd_vault_get_state (fixture->vault), ==, TRD_VAULT_ABSENT);
  remove_keyring (fixture);
  test_settle ();

  fixture->keyring = fake_keyring_new ();
  add_ours (fixture);
  test_await (fixture->n_changed > 0);
  g_assert_cmpuint (count_found (fixture, "a"), ==, 1);
}

static void
test_fails (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fake_keyring_set_mood (fixture->keyring, "SearchItems", FAKE_KEYRING_FAILS);
  g_assert_null (find (fixture, "a", &error));
  g_assert_nonnull (error);
  g_assert_cmpint (trd_vault_get_state (fixture->vault), ==, TRD_VAULT_OPEN);
}

static void
test_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GHashTable) wanted = attributes ("host", "a", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  fake_keyring_set_mood (fixture->keyring, data, FAKE_KEYRING_HANGS);
  trd_vault_find_async (fixture->vault,
                        TRD_VAULT_CREDENTIAL,
                        wanted,
                        cancellable,
                        test_take_result,
                        &result);
  test_await (fake_keyring_count_calls (fixture->keyring, data) == 1);
  g_cancellable_cancel (cancellable);
  test_await (result != NULL);
  g_assert_null (trd_vault_find_finish (fixture->vault, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* What is asked for in this order is done in this order. */
static void
test_writes_in_order (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GHashTable) names = attributes ("host", "a", NULL);
  GAsyncResult *results[3] = { NULL };

  store_later (fixture, names, "one", &results[0]);
  trd_vault_remove_async (
      fixture->vault, TRD_VAULT_CREDENTIAL, names, NULL, test_take_result, &results[1]);
  store_later (fixture, names, "two", &results[2]);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    {
      test_await (results[i] != NULL);
      g_assert_true (i != 1 ? trd_vault_store_finish (fixture->vault, results[i], NULL)
                            : trd_vault_remove_finish (fixture->vault, results[i], NULL));
      g_object_unref (results[i]);
    }
  g_assert_cmpuint (count_found (fixture, "a"), ==, 1);
}

/* ---- changes ---- */

static void
test_others_are_noticed (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpuint (count_found (fixture, "a"), ==, 0);
  add_ours (fixture);
  test_await (fixture->n_changed > 0);
}

/* What is not ours, and what we wrote ourselves, is looked at after a while, and is no
 * change: the search for it, or the look alone, has been answered before the next. */
static void
test_own_are_not (Fixture *fixture, gconstpointer data)
{
  guint n_looks;

  g_assert_true (store (fixture, "a", "x", NULL));
  fake_keyring_add (fixture->keyring, g_variant_new_parsed ("{'host': 'a'}"), "x");
  n_looks = fake_keyring_count_calls (fixture->keyring, "ReadAlias");
  test_await (fake_keyring_count_calls (fixture->keyring, "ReadAlias") > n_looks);
  g_assert_cmpuint (count_found (fixture, "a"), ==, 1);
  test_settle ();
  g_assert_cmpuint (fixture->n_changed, ==, 0);
}

/* ---- what is hashed ---- */

static void
test_hashed (void)
{
  g_autoptr (GHashTable) wanted = attributes ("host", "foo", NULL);
  g_autoptr (GVariant) hashed = g_variant_ref_sink (g_variant_new_parsed (
      "{'gkr:compat:hashed:host': 'acbd18db4cc2f85cedef654fccc4a4d8',"
      " 'gkr:compat:hashed:user': 'acbd18db4cc2f85cedef654fccc4a4d8',"
      " 'gkr:compat:hashed:xdg:schema': '012365bf91bc10a74383d69db8d8d268',"
      " 'xdg:schema': 'org.freedesktop.Secret.Generic'}"));
  g_autoptr (GHashTable) known = trd_keyring_attributes_from_item (
      TRD_VAULT_CREDENTIAL, wanted, hashed);

  g_assert_nonnull (known);
  g_assert_cmpuint (g_hash_table_size (known), ==, 1);
  g_assert_cmpstr (g_hash_table_lookup (known, "host"), ==, "foo");
  g_assert_null (trd_keyring_attributes_from_item (TRD_VAULT_SECRETS, wanted, hashed));
}

/* ---- main ---- */

#define add_test(name, service, test)                                                    \
  g_test_add ("/vault/" name, Fixture, service, set_up, test, tear_down)

static void
add_unpleasant_tests (void)
{
  static const char *const methods[] = { "ReadAlias",  "SearchItems", "OpenSession",
                                         "GetSecrets", "CreateItem",  "Delete" };

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_autofree char *hangs = g_strconcat ("/vault/hangs/", methods[i], NULL);
      g_autofree char *dies = g_strconcat ("/vault/dies/", methods[i], NULL);

      g_test_add (hangs, Fixture, methods[i], set_up, test_hangs, tear_down);
      g_test_add (dies, Fixture, methods[i], set_up, test_dies, tear_down);
    }
  g_test_add (
      "/vault/dies/Attributes", Fixture, "Attributes", set_up, test_dies, tear_down);
  g_test_add (
      "/vault/cancelled/look", Fixture, "ReadAlias", set_up, test_cancelled, tear_down);
  g_test_add ("/vault/cancelled/search",
              Fixture,
              "SearchItems",
              set_up,
              test_cancelled,
              tear_down);
}

static void
add_service_tests (void)
{
  add_test ("keeps", "service", test_keeps);
  add_test ("replaces-its-equal", "service", test_replaces_its_equal);
  add_test ("removes-its-equal", "service", test_removes_its_equal);
  add_test ("keeps-bytes", "service", test_keeps_bytes);
  add_test ("kinds-are-apart", "service", test_kinds_are_apart);
  add_test ("absent", NULL, test_absent);
  add_test ("asks-nothing-unasked", "service", test_asks_nothing_unasked);
  add_test ("locked", "service", test_locked);
  add_test ("no-collection", "service", test_no_collection);
  add_test ("prompts-are-dismissed", "service", test_prompts_are_dismissed);
  add_test ("wakes", "service", test_wakes);
  add_test ("hangs-with-many", "service", test_hangs_with_many);
  add_test ("fails", "service", test_fails);
  add_test ("writes-in-order", "service", test_writes_in_order);
  add_test ("others-are-noticed", "service", test_others_are_noticed);
  add_test ("own-are-not", "service", test_own_are_not);
  g_test_add_func ("/vault/hashed", test_hashed);
  add_unpleasant_tests ();
}

#if defined(__SANITIZE_ADDRESS__)
static int with_file;

/* libsecret (0.20.5) forgets to free the entity tag of its file each time it is written.
 */
int
__lsan_is_turned_off (void);

int
__lsan_is_turned_off (void)
{
  return with_file;
}
#endif

/* libsecret keeps its file open for good, so that there is one in a program. */
static int
run_with_file (void)
{
  g_autofree char *directory = g_dir_make_tmp ("trundle-vault-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "keyring", NULL);
  int status;

#if defined(__SANITIZE_ADDRESS__)
  with_file = TRUE;
#endif
  g_setenv ("SECRET_BACKEND", "file", TRUE);
  g_setenv ("SECRET_FILE_TEST_PATH", path, TRUE);
  g_setenv ("SECRET_FILE_TEST_PASSWORD", "open sesame", TRUE);
  add_test ("file/keeps", NULL, test_keeps);
  add_test ("file/replaces-its-equal", NULL, test_replaces_its_equal);
  add_test ("file/keeps-bytes", NULL, test_keeps_bytes);
  add_test ("file/kinds-are-apart", NULL, test_kinds_are_apart);
  status = g_test_run ();
  g_remove (path);
  g_rmdir (directory);
  return status;
}

int
main (int argc, char **argv)
{
  GTestDBus *test_bus;
  int status;

  g_test_init (&argc, &argv, NULL);
  test_bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (test_bus);
  if (argc > 1 && g_str_equal (argv[1], "file"))
    status = run_with_file ();
  else
    {
      add_service_tests ();
      status = g_test_run ();
    }
  g_test_dbus_down (test_bus);
  g_object_unref (test_bus);
  return status;
}
