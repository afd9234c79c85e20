/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Challenges and credentials over the bus: told, answered and kept by their words there;
 * no secret comes back, and nobody else hears anything. */

#include "config.h"

#include <gio/gunixfdlist.h>
#include <string.h>
#include <unistd.h>

#include "await.h"
#include "bus-fixture.h"
#include "challenge-fixture.h"
#include "common/names.h"
#include "core/challenge.h"

#define NONE "@a{sv} {}"
#define PROPERTIES "org.freedesktop.DBus.Properties"

typedef struct
{
  BusFixture bus;
  char *session; /* (owned) */
  char *path;    /* (owned): of a task that waits for an answer */
  TrdTask *task;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  BusFixture *bus = &fixture->bus;
  TrdSession *session;
  gint64 id;

  bus_fixture_set_up (bus, data);
  fixture->session = bus_fixture_open_session (bus, bus->app, "s", NONE);
  id = g_ascii_strtoll (strrchr (fixture->session, '/') + 1, NULL, 10);
  session = trd_registry_find_session (bus->core.registry, id);
  fixture->task = challenge_open (&bus->core, session, "{'start': <true>}");
  fixture->path = trd_task_object_path (fixture->task->id);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_pointer (&fixture->session, g_free);
  g_clear_pointer (&fixture->path, g_free);
  bus_fixture_tear_down (&fixture->bus, data);
}

/* (transfer full) */
static GVariant *
get_challenge (Fixture *fixture, GDBusConnection *client, GError **error)
{
  g_autoptr (GVariant) reply = bus_fixture_call_full (
      &fixture->bus,
      client,
      fixture->path,
      PROPERTIES,
      "Get",
      g_variant_new ("(ss)", TRUNDLE_INTERFACE_TASK, "Challenge"),
      NULL,
      NULL,
      error);
  g_autoptr (GVariant) boxed = NULL;

  if (reply == NULL)
    return NULL;
  boxed = g_variant_get_child_value (reply, 0);
  return g_variant_get_variant (boxed);
}

/* Answers with the text of an a{sv}, and @secret in a pipe as descriptor 0. */
static gboolean
respond (Fixture *fixture,
         GDBusConnection *client,
         const char *answer,
         const char *secret,
         GError **error)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autofree char *id = g_strdup_printf ("%" G_GINT64_FORMAT,
                                         fixture->task->challenge->row->id);
  g_autoptr (GVariant) reply = NULL;
  int ends[2];

  g_assert_cmpint (pipe (ends), ==, 0);
  g_assert_cmpint (write (ends[1], secret, strlen (secret)), ==, (gssize)strlen (secret));
  close (ends[1]);
  g_unix_fd_list_append (fds, ends[0], NULL);
  close (ends[0]);
  reply = bus_fixture_call_full (
      &fixture->bus,
      client,
      fixture->path,
      TRUNDLE_INTERFACE_TASK,
      "RespondToChallenge",
      g_variant_new ("(ss@a{sv})", id, "use-credential", g_variant_new_parsed (answer)),
      fds,
      NULL,
      error);
  return reply != NULL;
}

static void
told_and_answered (Fixture *fixture, gconstpointer data)
{
  BusFixture *bus = &fixture->bus;
  GPtrArray *heard = bus_fixture_listen (bus, bus->app);
  g_autoptr (GVariant) attached = bus_fixture_ask_session (
      bus, bus->app, fixture->session, "Attach", "(@a{sv} {},)");
  g_autofree char *printed = g_variant_print (attached, FALSE);
  g_autoptr (GVariant) challenge = NULL;
  g_autoptr (GVariant) given = NULL;
  g_autoptr (GError) error = NULL;
  const char *password = "";

  g_assert_nonnull (strstr (printed, fixture->path));
  bus_fixture_drain (bus, bus->app);
  test_await (bus_fixture_find_line (heard, 0, "ChallengeReceived") >= 0);
  challenge = get_challenge (fixture, bus->app, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_n_children (challenge), >, 5);

  respond (
      fixture, bus->app, "{'user': <'u'>, 'password-fd': <handle 0>}", "canary", &error);
  g_assert_no_error (error);
  test_await (fake_transport_is_running (bus->core.transport, fixture->task->id));
  given = challenge_given (&bus->core, fixture->task, 0);
  g_assert_true (g_variant_lookup (given, "password", "&s", &password));
  g_assert_cmpstr (password, ==, "canary");
  for (guint i = 0; i < heard->len; i++)
    g_assert_null (strstr (g_ptr_array_index (heard, i), "canary"));
  g_clear_pointer (&challenge, g_variant_unref);
  challenge = get_challenge (fixture, bus->app, &error);
  g_assert_cmpuint (g_variant_n_children (challenge), ==, 0);
}

/* Law 8. */
static void
strangers (Fixture *fixture, gconstpointer data)
{
  BusFixture *bus = &fixture->bus;
  GPtrArray *heard = bus_fixture_listen (bus, bus->stranger);
  g_autoptr (GError) error = NULL;

  g_assert_null (get_challenge (fixture, bus->stranger, &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_false (
      respond (fixture, bus->stranger, "{'user': <'u'>, 'password': <'p'>}", "", &error));
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  bus_fixture_fail_session (bus,
                            bus->stranger,
                            fixture->session,
                            "ListCredentials",
                            NULL,
                            TRUNDLE_ERROR_NOT_FOUND);
  bus_fixture_fail_session (
      bus,
      bus->stranger,
      fixture->session,
      "SetCredential",
      "({'host': <'a.example'>}, {'user': <'u'>, 'password': <'p'>})",
      TRUNDLE_ERROR_NOT_FOUND);

  respond (fixture, bus->app, "{'user': <'u'>, 'password': <'p'>}", "", &error);
  g_assert_no_error (error);
  bus_fixture_drain (bus, bus->stranger);
  g_assert_cmpuint (heard->len, ==, 0);
}

static void
set_listed_removed (Fixture *fixture, gconstpointer data)
{
  BusFixture *bus = &fixture->bus;
  g_autoptr (GVariant) set = NULL;
  g_autoptr (GVariant) before = NULL;
  g_autofree char *printed = NULL;
  g_autoptr (GVariant) removed = NULL;
  g_autoptr (GVariant) after = NULL;
  g_autoptr (GVariant) list = NULL;

  set = bus_fixture_ask_session (
      bus,
      bus->app,
      fixture->session,
      "SetCredential",
      "({'host': <'a.example'>}, {'user': <'u'>, 'password': <'canary'>})");
  before = bus_fixture_ask_session (
      bus, bus->app, fixture->session, "ListCredentials", NULL);
  printed = g_variant_print (before, FALSE);
  g_assert_nonnull (strstr (printed, "'u'"));
  g_assert_null (strstr (printed, "canary"));
  test_await (fixture->task->state == TRUNDLE_TASK_RUNNING);
  removed = bus_fixture_ask_session (
      bus, bus->app, fixture->session, "RemoveCredential", "({'host': <'a.example'>},)");
  after = bus_fixture_ask_session (
      bus, bus->app, fixture->session, "ListCredentials", NULL);
  list = g_variant_get_child_value (after, 0);
  g_assert_cmpuint (g_variant_n_children (list), ==, 0);
}

/* Law 1: the reply leaves when the keyring has it. */
static void
reply_waits_for_the_keyring (Fixture *fixture, gconstpointer data)
{
  BusFixture *bus = &fixture->bus;
  g_autoptr (GPtrArray) items = NULL;
  g_autoptr (GError) error = NULL;

  respond (fixture,
           bus->app,
           "{'user': <'u'>, 'password': <'p'>, 'persistence': <'permanent'>}",
           "",
           &error);
  g_assert_no_error (error);
  items = fake_vault_list (bus->core.vault, TRD_VAULT_CREDENTIAL);
  g_assert_cmpuint (items->len, ==, 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func)                                                                  \
  g_test_add ("/bus-challenges/" path, Fixture, NULL, set_up, func, tear_down)
  ADD ("told-and-answered", told_and_answered);
  ADD ("strangers", strangers);
  ADD ("set-listed-removed", set_listed_removed);
  ADD ("reply-waits-for-the-keyring", reply_waits_for_the_keyring);

  return g_test_run ();
}
