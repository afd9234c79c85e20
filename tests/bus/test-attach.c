/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who hears what, and in which order, on the wire: laws 5, 7 and 8 as an app meets them.
 * Two connections are two processes of one owner. */

#include "config.h"

#include <string.h>

#include "await.h"
#include "bus-fixture.h"

#define NONE "@a{sv} {}"
#define ATTACH "({'replace': <false>},)"
#define REPLACE "({'replace': <true>},)"
#define OBSERVE "({'observe': <true>},)"

typedef struct
{
  BusFixture bus;
  GDBusConnection *helper; /* (owned): another process of the same owner */
  char *session;           /* (owned) */
  GPtrArray *own;          /* (unowned): what the app hears */
  GPtrArray *others;       /* (unowned): what the helper hears */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  BusFixture *bus = &fixture->bus;

  bus_fixture_set_up (bus, data);
  fixture->helper = bus_fixture_connect_as (bus, NULL, "app-org.example.Helper-1.scope");
  fixture->session = bus_fixture_open_session (bus, bus->app, "s", NONE);
  fixture->own = bus_fixture_listen (bus, bus->app);
  fixture->others = bus_fixture_listen (bus, fixture->helper);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  if (!g_dbus_connection_is_closed (fixture->helper))
    g_dbus_connection_close_sync (fixture->helper, NULL, NULL);
  g_clear_object (&fixture->helper);
  g_clear_pointer (&fixture->session, g_free);
  bus_fixture_tear_down (&fixture->bus, data);
}

/* ---- saying it shortly ---- */

/* The only value of the reply, as text.  (transfer full) */
static char *
ask (Fixture *fixture, GDBusConnection *client, const char *method, const char *arguments)
{
  g_autoptr (GVariant) reply = bus_fixture_ask_session (
      &fixture->bus, client, fixture->session, method, arguments);

  return g_variant_print (reply, FALSE);
}

static void
tell (Fixture *fixture,
      GDBusConnection *client,
      const char *method,
      const char *arguments)
{
  g_autofree char *answer = ask (fixture, client, method, arguments);

  g_test_message ("%s: %s", method, answer);
}

static void
refuse (Fixture *fixture,
        GDBusConnection *client,
        const char *method,
        const char *arguments,
        TrundleError code)
{
  bus_fixture_fail_session (
      &fixture->bus, client, fixture->session, method, arguments, code);
}

/* Everything said so far has arrived. */
static void
drain (Fixture *fixture)
{
  bus_fixture_drain (&fixture->bus, fixture->bus.app);
  if (!g_dbus_connection_is_closed (fixture->helper))
    bus_fixture_drain (&fixture->bus, fixture->helper);
}

/* One more task, which ends at once and so makes an event. */
static void
finish_one (Fixture *fixture)
{
  g_autofree char *path = bus_fixture_create_task (
      &fixture->bus, fixture->bus.app, fixture->session, "{'start': <true>}");

  core_fixture_fail (&fixture->bus.core,
                     bus_fixture_find_task (&fixture->bus, path),
                     TRUNDLE_ERROR_HTTP_STATUS);
  test_settle ();
}

static guint
count (GPtrArray *log, const char *prefix)
{
  guint n = 0;

  for (guint i = 0; i < log->len; i++)
    n += g_str_has_prefix (g_ptr_array_index (log, i), prefix);

  return n;
}

/* The first line that begins so, which must be there. */
static const char *
line_of (GPtrArray *log, const char *prefix)
{
  int index = bus_fixture_find_line (log, 0, prefix);

  if (index < 0)
    g_error ("Nobody has said %s", prefix);
  return g_ptr_array_index (log, (guint)index);
}

/* ---- the order on the wire ---- */

static GDBusMessage *
on_message (GDBusConnection *client,
            GDBusMessage *message,
            gboolean incoming,
            gpointer user_data)
{
  GDBusMessageType type = g_dbus_message_get_message_type (message);

  /* Called in GDBus's own thread, in order of arrival. */
  if (incoming && type == G_DBUS_MESSAGE_TYPE_METHOD_RETURN)
    g_async_queue_push (user_data, g_strdup ("reply"));
  else if (incoming && type == G_DBUS_MESSAGE_TYPE_SIGNAL
           && g_strcmp0 (g_dbus_message_get_sender (message), "org.freedesktop.DBus")
                  != 0)
    g_async_queue_push (user_data, g_strdup (g_dbus_message_get_member (message)));

  return message;
}

/* Attaches, and returns in which order what came.  (transfer full) */
static char *
attach_and_watch (Fixture *fixture, const char *options)
{
  GDBusConnection *app = fixture->bus.app;
  g_autoptr (GAsyncQueue) queue = g_async_queue_new_full (g_free);
  g_autoptr (GString) order = g_string_new (NULL);
  guint filter_id;
  char *word;

  /* Replies to earlier calls, GDBus's own too, come before. */
  drain (fixture);
  g_async_queue_ref (queue);
  filter_id = g_dbus_connection_add_filter (app, on_message, queue, NULL);
  tell (fixture, app, "Attach", options);
  test_settle ();
  drain (fixture);
  g_dbus_connection_remove_filter (app, filter_id);

  while ((word = g_async_queue_try_pop (queue)) != NULL)
    {
      g_string_append_printf (order, "%s ", word);
      g_free (word);
    }
  g_async_queue_unref (queue);
  g_test_message ("%s", order->str);

  return g_string_free (g_steal_pointer (&order), FALSE);
}

static void
test_order (Fixture *fixture, gconstpointer data)
{
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  finish_one (fixture);
  finish_one (fixture);

  first = attach_and_watch (fixture, ATTACH);
  /* The last reply is that of the call which waits for the rest. */
  g_assert_cmpstr (first, ==, "reply TaskFinished TaskFinished DidFinishEvents reply ");
  g_assert_nonnull (strstr (line_of (fixture->own, "TaskFinished"), "(1,"));
  g_assert_nonnull (strstr (line_of (fixture->own, "DidFinishEvents"), "(2,)"));
  for (guint i = 0; i < fixture->own->len; i++)
    g_assert_null (strstr (g_ptr_array_index (fixture->own, i), "redelivered"));

  g_ptr_array_set_size (fixture->own, 0);
  tell (fixture, fixture->bus.app, "Detach", NULL);
  second = attach_and_watch (fixture, ATTACH);
  g_assert_cmpstr (second, ==, first);
  g_assert_nonnull (
      strstr (line_of (fixture->own, "TaskFinished"), "'redelivered': <true>"));
}

static void
test_nothing_pending (Fixture *fixture, gconstpointer data)
{
  g_autofree char *order = attach_and_watch (fixture, ATTACH);
  g_autofree char *again = NULL;

  g_assert_cmpstr (order, ==, "reply DidFinishEvents reply ");
  g_assert_nonnull (strstr (line_of (fixture->own, "DidFinishEvents"), "(0,)"));
  g_assert_cmpuint (fixture->others->len, ==, 0);

  /* Attached already: the same once more. */
  again = attach_and_watch (fixture, ATTACH);
  g_assert_cmpstr (again, ==, order);
}

static void
test_results (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) results = NULL;
  g_autoptr (GVariant) challenges = NULL;
  guint64 last = 0;
  guint pending = 0;
  gboolean woken = TRUE;
  const char *reason;

  finish_one (fixture);
  finish_one (fixture);
  tell (fixture, fixture->bus.app, "CompleteEvents", "(uint64 1,)");
  reply = bus_fixture_ask_session (
      &fixture->bus, fixture->bus.app, fixture->session, "Attach", ATTACH);
  results = g_variant_get_child_value (reply, 0);

  g_assert_true (g_variant_lookup (results, "pending", "u", &pending));
  g_assert_true (g_variant_lookup (results, "last-sequence", "t", &last));
  g_assert_true (g_variant_lookup (results, "woken", "b", &woken));
  g_assert_true (g_variant_lookup (results, "reason", "&s", &reason));
  challenges = g_variant_lookup_value (
      results, "challenges", G_VARIANT_TYPE_OBJECT_PATH_ARRAY);
  g_assert_cmpuint (pending, ==, 1);
  g_assert_cmpuint (last, ==, 2);
  g_assert_false (woken);
  g_assert_cmpstr (reason, ==, "");
  g_assert_nonnull (challenges);
  g_assert_cmpuint (g_variant_n_children (results), ==, 5);
}

/* What arrives while attached: once, and DidFinishEvents after the last. */
static void
test_live (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = NULL;

  tell (fixture, fixture->bus.app, "Attach", ATTACH);
  drain (fixture);
  g_ptr_array_set_size (fixture->own, 0);
  path = bus_fixture_create_task (
      &fixture->bus, fixture->bus.app, fixture->session, NONE);
  finish_one (fixture);
  drain (fixture);
  g_assert_cmpuint (count (fixture->own, "TaskFinished"), ==, 1);
  g_assert_cmpuint (count (fixture->own, "DidFinishEvents"), ==, 0);

  tell (fixture, fixture->bus.app, "CancelTasks", "(@a{sv} {},)");
  drain (fixture);
  g_assert_cmpuint (count (fixture->own, "TaskFinished"), ==, 2);
  g_assert_cmpuint (count (fixture->own, "DidFinishEvents"), ==, 1);
  g_assert_cmpint (bus_fixture_find_line (fixture->own, 0, "DidFinishEvents"),
                   ==,
                   (int)fixture->own->len - 1);
}

/* ---- one consumer, and observers ---- */

static void
test_in_use (Fixture *fixture, gconstpointer data)
{
  GDBusConnection *app = fixture->bus.app;

  tell (fixture, app, "Attach", ATTACH);
  refuse (fixture, fixture->helper, "Attach", ATTACH, TRUNDLE_ERROR_SESSION_IN_USE);
  drain (fixture);
  g_assert_cmpuint (count (fixture->own, "Detached"), ==, 0);

  tell (fixture, fixture->helper, "Attach", REPLACE);
  drain (fixture);
  g_assert_nonnull (strstr (line_of (fixture->own, "Detached"), "('replaced',)"));
  g_assert_cmpuint (count (fixture->others, "Detached"), ==, 0);
  g_assert_cmpuint (count (fixture->others, "DidFinishEvents"), ==, 1);

  /* The loser is nothing any more. */
  g_ptr_array_set_size (fixture->own, 0);
  finish_one (fixture);
  drain (fixture);
  g_assert_cmpuint (fixture->own->len, ==, 0);
  refuse (fixture, app, "Detach", NULL, TRUNDLE_ERROR_BAD_STATE);
  refuse (fixture, app, "CompleteEvents", "(uint64 1,)", TRUNDLE_ERROR_SESSION_IN_USE);
}

static void
test_observers (Fixture *fixture, gconstpointer data)
{
  GDBusConnection *helper = fixture->helper;

  finish_one (fixture);
  tell (fixture, helper, "Attach", OBSERVE);
  tell (fixture, fixture->bus.app, "Attach", ATTACH);
  drain (fixture);
  /* What is past is not told to who watches. */
  g_assert_cmpuint (count (fixture->others, "TaskFinished"), ==, 0);
  g_assert_cmpuint (count (fixture->others, "DidFinishEvents"), ==, 0);

  finish_one (fixture);
  drain (fixture);
  g_assert_cmpuint (count (fixture->others, "TaskAdded"), ==, 1);
  g_assert_cmpuint (count (fixture->others, "TaskFinished"), ==, 1);
  refuse (fixture, helper, "CompleteEvents", "(uint64 1,)", TRUNDLE_ERROR_SESSION_IN_USE);

  tell (fixture, fixture->bus.app, "Detach", NULL);
  drain (fixture);
  g_assert_cmpuint (count (fixture->others, "ConsumerLeft"), ==, 1);
  g_assert_cmpuint (count (fixture->own, "ConsumerLeft"), ==, 0);
  /* Nobody is attached: anyone of the owner may. */
  tell (fixture, helper, "CompleteEvents", "(uint64 2,)");
  tell (fixture, helper, "Detach", NULL);
  refuse (fixture, helper, "Detach", NULL, TRUNDLE_ERROR_BAD_STATE);
}

static void
test_vanishing (Fixture *fixture, gconstpointer data)
{
  BusFixture *bus = &fixture->bus;

  tell (fixture, fixture->helper, "Attach", ATTACH);
  tell (fixture, bus->app, "Attach", OBSERVE);
  finish_one (fixture);
  g_dbus_connection_close_sync (fixture->helper, NULL, NULL);
  test_await (bus_fixture_find_line (fixture->own, 0, "ConsumerLeft") >= 0);

  tell (fixture, bus->app, "Attach", ATTACH);
  bus_fixture_drain (bus, bus->app);
  g_assert_cmpuint (count (fixture->own, "DidFinishEvents"), ==, 1);
  g_assert_cmpuint (count (fixture->own, "TaskFinished"), ==, 2);
  tell (fixture, bus->app, "CompleteEvents", "(uint64 1,)");
}

/* ---- events, pulled ---- */

static void
check_page (Fixture *fixture, const char *arguments, const char *sequences, gboolean more)
{
  g_autoptr (GVariant) reply = bus_fixture_ask_session (
      &fixture->bus, fixture->helper, fixture->session, "ListEvents", arguments);
  g_autoptr (GVariantIter) iter = NULL;
  g_autoptr (GString) found = g_string_new (NULL);
  guint64 sequence;
  gboolean has_more;
  const char *kind;

  g_variant_get (reply, "(a(tsoa{sv})b)", &iter, &has_more);
  while (g_variant_iter_next (iter, "(t&s&o@a{sv})", &sequence, &kind, NULL, NULL))
    {
      g_string_append_printf (found, "%" G_GUINT64_FORMAT " ", sequence);
      g_assert_cmpstr (kind, ==, "TaskFinished");
    }
  g_assert_cmpstr (found->str, ==, sequences);
  g_assert_cmpint (has_more, ==, more);
}

static void
test_list_events (Fixture *fixture, gconstpointer data)
{
  check_page (fixture, "(uint64 0, uint32 0)", "", FALSE);
  for (guint i = 0; i < 3; i++)
    finish_one (fixture);

  tell (fixture, fixture->bus.app, "Attach", ATTACH);
  check_page (fixture, "(uint64 0, uint32 2)", "1 2 ", TRUE);
  check_page (fixture, "(uint64 2, uint32 2)", "3 ", FALSE);
  check_page (fixture, "(uint64 0, uint32 3)", "1 2 3 ", FALSE);
  check_page (fixture, "(uint64 0, uint32 0)", "1 2 3 ", FALSE);
  check_page (fixture, "(uint64 0, uint32 4294967295)", "1 2 3 ", FALSE);
  check_page (fixture, "(uint64 18446744073709551615, uint32 1)", "", FALSE);
  tell (fixture, fixture->bus.app, "CompleteEvents", "(uint64 2,)");
  check_page (fixture, "(uint64 0, uint32 0)", "3 ", FALSE);
}

static void
test_complete (Fixture *fixture, gconstpointer data)
{
  GDBusConnection *app = fixture->bus.app;
  g_autofree char *left = NULL;

  refuse (fixture, app, "CompleteEvents", "(uint64 1,)", TRUNDLE_ERROR_INVALID_ARGUMENT);
  tell (fixture, app, "CompleteEvents", "(uint64 0,)");
  finish_one (fixture);
  refuse (fixture, app, "CompleteEvents", "(uint64 2,)", TRUNDLE_ERROR_INVALID_ARGUMENT);
  refuse (fixture,
          app,
          "CompleteEvents",
          "(uint64 18446744073709551615,)",
          TRUNDLE_ERROR_INVALID_ARGUMENT);
  tell (fixture, app, "CompleteEvents", "(uint64 1,)");
  tell (fixture, app, "CompleteEvents", "(uint64 1,)");

  left = ask (fixture, app, "ListTasks", "(@a{sv} {},)");
  g_assert_cmpstr (left, ==, "([],)");
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/attach/order", test_order);
  ADD ("/attach/nothing-pending", test_nothing_pending);
  ADD ("/attach/results", test_results);
  ADD ("/attach/live", test_live);
  ADD ("/attach/in-use", test_in_use);
  ADD ("/attach/observers", test_observers);
  ADD ("/attach/vanishing", test_vanishing);
  ADD ("/events/list", test_list_events);
  ADD ("/events/complete", test_complete);

  return g_test_run ();
}
