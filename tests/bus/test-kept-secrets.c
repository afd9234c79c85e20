/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls that bring secrets wait for the keyring, and only those; whatever happens to
 * session and caller meanwhile, nothing is left in it (law 9). */

#include "config.h"

#include <gio/gio.h>

#include "await.h"
#include "bus-fixture.h"
#include "common/defaults.h"
#include "common/names.h"

#define URL "http://localhost/f"
#define TOKEN "'headers': <[('Authorization', 'canary')]>"

typedef struct
{
  BusFixture bus;
  char *session; /* (owned) */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  bus_fixture_set_up (&f->bus, data);
  f->session = bus_fixture_open_session (&f->bus, f->bus.app, "s", "@a{sv} {}");
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->session, g_free);
  bus_fixture_tear_down (&f->bus, data);
}

static guint
count_items (Fixture *f)
{
  g_autoptr (GPtrArray) items = fake_vault_list (f->bus.core.vault, TRD_VAULT_SECRETS);

  return items->len;
}

static void
begin (GDBusConnection *client,
       const char *path,
       const char *interface,
       const char *method,
       const char *arguments,
       GAsyncResult **out_result)
{
  g_dbus_connection_call (client,
                          TRUNDLE_BUS_NAME,
                          path,
                          interface,
                          method,
                          g_variant_new_parsed (arguments),
                          NULL,
                          G_DBUS_CALL_FLAGS_NONE,
                          -1,
                          NULL,
                          test_take_result,
                          out_result);
}

static GVariant *
end (GDBusConnection *client, GAsyncResult **result, GError **error)
{
  g_autoptr (GAsyncResult) got = NULL;

  test_await (*result != NULL);
  got = g_steal_pointer (result);
  return g_dbus_connection_call_finish (client, got, error);
}

/* A task with a token that waits for a keyring which is slow. */
static void
begin_slow (Fixture *f, GDBusConnection *client, GAsyncResult **out_result)
{
  fake_vault_set_slow (f->bus.core.vault, TRUE);
  begin (client,
         f->session,
         TRUNDLE_INTERFACE_SESSION,
         "CreateDownloadTask",
         "('" URL "', {" TOKEN "})",
         out_result);
  test_await (fake_vault_count_calls (f->bus.core.vault) > 0);
}

static gboolean
get_durable (Fixture *f, GVariant *created)
{
  const char *path;
  TrdTask *task;

  g_variant_get_child (created, 0, "&o", &path);
  task = bus_fixture_find_task (&f->bus, path);
  return task->durable && trd_session_is_durable (task->session);
}

static void
test_waits (Fixture *f, gconstpointer data)
{
  GAsyncResult *result = NULL;
  g_autofree char *plain = NULL;
  g_autoptr (GVariant) reply = NULL;

  begin_slow (f, f->bus.app, &result);
  /* What brings none is not held up. */
  plain = bus_fixture_create_task (&f->bus, f->bus.app, f->session, "@a{sv} {}");
  g_assert_null (result);
  fake_vault_set_slow (f->bus.core.vault, FALSE);
  reply = end (f->bus.app, &result, NULL);

  g_assert_nonnull (reply);
  g_assert_true (get_durable (f, reply));
  g_assert_cmpuint (count_items (f), ==, 1);
}

static void
test_waits_not_for_ever (Fixture *f, gconstpointer data)
{
  GAsyncResult *result = NULL;
  g_autoptr (GVariant) reply = NULL;

  begin_slow (f, f->bus.app, &result);
  fake_clock_advance (f->bus.core.clock, TRD_SECRETS_TIMEOUT_US);
  reply = end (f->bus.app, &result, NULL);

  g_assert_nonnull (reply);
  g_assert_false (get_durable (f, reply));
}

/* Law 8: as what was never there. */
static void
test_session_goes_meanwhile (Fixture *f, gconstpointer data)
{
  GAsyncResult *result = NULL;
  g_autoptr (GVariant) gone = NULL;
  g_autoptr (GError) error = NULL;

  begin_slow (f, f->bus.app, &result);
  gone = bus_fixture_ask_session (
      &f->bus, f->bus.app, f->session, "InvalidateAndCancel", NULL);
  fake_vault_set_slow (f->bus.core.vault, FALSE);

  g_assert_null (end (f->bus.app, &result, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND);
  g_assert_nonnull (gone);
  test_await (count_items (f) == 0);
}

static void
test_caller_goes_meanwhile (Fixture *f, gconstpointer data)
{
  g_autoptr (GDBusConnection) client = bus_fixture_connect_as (&f->bus, NULL, NULL);
  GAsyncResult *result = NULL;

  begin_slow (f, client, &result);
  g_assert_true (g_dbus_connection_close_sync (client, NULL, NULL));
  test_await (result != NULL);
  g_clear_object (&result);
  fake_vault_set_slow (f->bus.core.vault, FALSE);
  test_await (trd_gate_count_calls (f->bus.gate) == 0);

  /* It was asked for, and is there with what it needs; nothing more is. */
  g_assert_true (bus_fixture_find_task (&f->bus, TRUNDLE_TASK_PATH "/1")->durable);
  g_assert_cmpuint (count_items (f), ==, 1);
}

/* What is refused leaves nothing. */
static void
test_refused (Fixture *f, gconstpointer data)
{
  bus_fixture_fail_session (&f->bus,
                            f->bus.app,
                            f->session,
                            "CreateDownloadTask",
                            "('gopher://u:canary@localhost/f', {" TOKEN "})",
                            TRUNDLE_ERROR_UNSUPPORTED_SCHEME);

  test_await (count_items (f) == 0);
}

/* Each call that can bring secrets keeps them before it returns. */
static void
test_all_calls (Fixture *f, gconstpointer data)
{
  g_autofree char *session = bus_fixture_open_session (
      &f->bus, f->bus.app, "t", "{'headers': <[('Cookie', 'canary-1')]>}");
  g_autofree char *task = NULL;
  g_autoptr (GVariant) configured = NULL;
  g_autoptr (GVariant) created = NULL;
  g_autoptr (GVariant) updated = NULL;

  g_assert_cmpuint (count_items (f), ==, 1);
  configured = bus_fixture_ask_session (&f->bus,
                                        f->bus.app,
                                        f->session,
                                        "Configure",
                                        "({'headers': <[('Cookie', 'canary-2')]>},)");
  g_assert_cmpuint (count_items (f), ==, 2);
  created = bus_fixture_ask_session (&f->bus,
                                     f->bus.app,
                                     session,
                                     "CreateTasks",
                                     "([{'url': <'http://u:canary-3@localhost/'>}, "
                                     "{'url': <'" URL "'>, " TOKEN "}],)");
  g_assert_cmpuint (count_items (f), ==, 4);

  task = bus_fixture_create_task (&f->bus, f->bus.app, session, "@a{sv} {}");
  updated = bus_fixture_call (&f->bus,
                              f->bus.app,
                              task,
                              TRUNDLE_INTERFACE_TASK,
                              "UpdateRequest",
                              "({'headers': <{'Authorization': 'canary-4'}>},)",
                              NULL);
  g_assert_true (configured != NULL && created != NULL && updated != NULL);
  g_assert_cmpuint (count_items (f), ==, 5);
  g_assert_true (bus_fixture_find_task (&f->bus, task)->durable);
  g_assert_false (trd_registry_has_volatile (f->bus.core.registry));
}

static void
add (const char *name, void (*test) (Fixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/kept-secrets/", name, NULL);

  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add ("waits", test_waits);
  add ("waits-not-for-ever", test_waits_not_for_ever);
  add ("law-8/session-goes-meanwhile", test_session_goes_meanwhile);
  add ("caller-goes-meanwhile", test_caller_goes_meanwhile);
  add ("refused", test_refused);
  add ("all-calls", test_all_calls);

  return g_test_run ();
}
