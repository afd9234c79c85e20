/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a session tells while it lives, and its last words. */

#include "config.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <string.h>
#include <unistd.h>

#include "await.h"
#include "bus-fixture.h"
#include "common/defaults.h"
#include "common/names.h"

#define NONE "@a{sv} {}"
#define ATTACH "({'replace': <false>},)"

typedef struct
{
  BusFixture bus;
  char *session;  /* (owned) */
  GPtrArray *own; /* (unowned): what the app hears */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  bus_fixture_set_up (&fixture->bus, data);
  fixture->session = bus_fixture_open_session (
      &fixture->bus, fixture->bus.app, "s", NONE);
  fixture->own = bus_fixture_listen (&fixture->bus, fixture->bus.app);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_pointer (&fixture->session, g_free);
  bus_fixture_tear_down (&fixture->bus, data);
}

/* (transfer full) */
static char *
ask (Fixture *fixture, const char *method, const char *arguments)
{
  g_autoptr (GVariant) reply = bus_fixture_ask_session (
      &fixture->bus, fixture->bus.app, fixture->session, method, arguments);

  return g_variant_print (reply, FALSE);
}

static void
tell (Fixture *fixture, const char *method, const char *arguments)
{
  g_autofree char *answer = ask (fixture, method, arguments);

  g_test_message ("%s: %s", method, answer);
}

static void
drain (Fixture *fixture)
{
  bus_fixture_drain (&fixture->bus, fixture->bus.app);
}

static TrdTask *
create (Fixture *fixture, const char *options)
{
  g_autofree char *path = bus_fixture_create_task (
      &fixture->bus, fixture->bus.app, fixture->session, options);

  return bus_fixture_find_task (&fixture->bus, path);
}

static int
index_of (Fixture *fixture, const char *prefix)
{
  return bus_fixture_find_line (fixture->own, 0, prefix);
}

/* A line that begins with @prefix and holds @text. */
static gboolean
has_heard (Fixture *fixture, const char *prefix, const char *text)
{
  for (guint i = 0; i < fixture->own->len; i++)
    {
      const char *line = g_ptr_array_index (fixture->own, i);

      if (g_str_has_prefix (line, prefix) && strstr (line, text) != NULL)
        return TRUE;
    }
  return FALSE;
}

static void
refuse (Fixture *fixture, const char *method, const char *arguments, TrundleError code)
{
  bus_fixture_fail_session (
      &fixture->bus, fixture->bus.app, fixture->session, method, arguments, code);
}

/* ---- last words ---- */

static void
test_finish (Fixture *fixture, gconstpointer data)
{
  TrdTask *task = create (fixture, "{'start': <true>}");

  tell (fixture, "Attach", ATTACH);
  tell (fixture, "FinishTasksAndInvalidate", NULL);
  tell (fixture, "FinishTasksAndInvalidate", NULL);
  refuse (fixture,
          "CreateDownloadTask",
          "('http://localhost/', @a{sv} {})",
          TRUNDLE_ERROR_BAD_STATE);
  drain (fixture);
  g_assert_true (has_heard (fixture, "PropertiesChanged", "<'finishing'>"));
  g_assert_cmpint (index_of (fixture, "DidBecomeInvalid"), <, 0);

  core_fixture_fail (&fixture->bus.core, task, TRUNDLE_ERROR_HTTP_STATUS);
  drain (fixture);
  g_assert_cmpint (index_of (fixture, "TaskFinished"), >=, 0);
  g_assert_cmpint (
      index_of (fixture, "DidBecomeInvalid"), >, index_of (fixture, "TaskFinished"));

  tell (fixture, "CompleteEvents", "(uint64 2,)");
  refuse (fixture, "Flush", NULL, TRUNDLE_ERROR_NOT_FOUND);
}

static void
test_invalidate (Fixture *fixture, gconstpointer data)
{
  g_autofree char *fresh = NULL;

  create (fixture, "{'start': <true>}");
  create (fixture, NONE);
  tell (fixture, "Attach", ATTACH);
  tell (fixture, "InvalidateAndCancel", NULL);
  fresh = bus_fixture_open_session (&fixture->bus, fixture->bus.app, "s", NONE);
  g_assert_cmpstr (fresh, !=, fixture->session);

  drain (fixture);
  g_assert_true (has_heard (fixture, "TaskFinished", "(1, "));
  g_assert_true (has_heard (fixture, "TaskFinished", "(2, "));
  g_assert_true (has_heard (fixture, "DidBecomeInvalid", "(3, "));
  g_assert_true (has_heard (fixture, "PropertiesChanged", "<'retired'>"));
  refuse (fixture, "Attach", "({'observe': <true>},)", TRUNDLE_ERROR_BAD_STATE);
  tell (fixture, "Detach", NULL);
  test_settle ();
  refuse (fixture, "Attach", ATTACH, TRUNDLE_ERROR_NOT_FOUND);
}

/* Nobody hears it: the session is gone when the call returns. */
static void
test_invalidate_alone (Fixture *fixture, gconstpointer data)
{
  create (fixture, "{'start': <true>}");
  tell (fixture, "InvalidateAndCancel", NULL);
  refuse (fixture, "Attach", ATTACH, TRUNDLE_ERROR_NOT_FOUND);
  drain (fixture);
  g_assert_cmpuint (fixture->own->len, ==, 0);
}

/* ---- the session ---- */

static void
test_configure (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) reply = NULL;
  g_autofree char *text = NULL;

  tell (fixture, "Attach", ATTACH);
  tell (fixture,
        "Configure",
        "({'max-redirects': <uint32 3>, 'headers': <{'X-A': 'b', 'Cookie': 'c'}>},)");
  refuse (fixture,
          "Configure",
          "({'app-id': <'org.example.Else'>},)",
          TRUNDLE_ERROR_INVALID_ARGUMENT);
  reply = bus_fixture_call (&fixture->bus,
                            fixture->bus.app,
                            fixture->session,
                            "org.freedesktop.DBus.Properties",
                            "Get",
                            "('" TRUNDLE_INTERFACE_SESSION "', 'Configuration')",
                            NULL);
  text = g_variant_print (reply, FALSE);
  g_assert_nonnull (strstr (text, "'max-redirects': <uint32 3>"));
  g_assert_nonnull (strstr (text, "X-A"));
  /* Law 9. */
  g_assert_null (strstr (text, "Cookie"));
  drain (fixture);
  g_assert_true (has_heard (fixture, "PropertiesChanged", "max-redirects"));
  tell (fixture, "Flush", NULL);
}

static void
check_cancelled (Fixture *fixture, const char *filter, const char *expected)
{
  g_autofree char *answer = ask (fixture, "CancelTasks", filter);

  g_assert_cmpstr (answer, ==, expected);
}

static void
test_cancel_tasks (Fixture *fixture, gconstpointer data)
{
  TrdTask *running = create (fixture, "{'start': <true>, 'group': <'a'>}");

  create (fixture, "{'group': <'a'>}");
  create (fixture, "{'group': <'b'>}");
  create (fixture, NONE);
  create (fixture, NONE);
  test_await (fake_transport_is_running (fixture->bus.core.transport, running->id));

  check_cancelled (fixture, "({'group': <'none'>},)", "(0,)");
  check_cancelled (fixture, "({'kind': <'upload'>},)", "(0,)");
  check_cancelled (fixture, "({'state': <'running'>, 'group': <'a'>},)", "(1,)");
  check_cancelled (fixture, "({'group': <'a'>},)", "(1,)");
  check_cancelled (fixture, "({'limit': <uint32 1>},)", "(1,)");
  check_cancelled (fixture, "({'state': <['finished']>},)", "(0,)");
  check_cancelled (fixture, "(@a{sv} {},)", "(2,)");
  check_cancelled (fixture, "(@a{sv} {},)", "(0,)");
}

static void
test_list_sessions (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) reply = NULL;
  g_autofree char *text = NULL;

  create (fixture, NONE);
  reply = bus_fixture_call (&fixture->bus,
                            fixture->bus.app,
                            TRUNDLE_OBJECT_PATH,
                            TRUNDLE_INTERFACE_MANAGER,
                            "ListSessions",
                            NULL,
                            NULL);
  text = g_variant_print (reply, FALSE);
  g_assert_nonnull (strstr (text, "'task-counts': <{'suspended': uint32 1"));
  g_assert_nonnull (strstr (text, "'pending-events': <uint32 0>"));
}

/* ---- files ---- */

static void
check_file (Fixture *fixture, TrdTask *task, const char *method, int code)
{
  g_autofree char *path = trd_task_object_path (task->id);
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;
  gboolean moves = g_str_equal (method, "MoveFile");
  int fd = open (fixture->bus.core.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  g_unix_fd_list_append (fds, fd, NULL);
  close (fd);
  reply = bus_fixture_call_full (
      &fixture->bus,
      fixture->bus.app,
      path,
      TRUNDLE_INTERFACE_TASK,
      method,
      moves ? g_variant_new ("(hs@a{sv})", 0, "moved", g_variant_new ("a{sv}", NULL))
            : NULL,
      fds,
      NULL,
      &error);
  if (code < 0)
    g_assert_no_error (error);
  else
    g_assert_error (error, TRUNDLE_ERROR, code);
}

static void
test_files (Fixture *fixture, gconstpointer data)
{
  TrdTask *good = create (fixture, "{'start': <true>}");
  TrdTask *bad = create (fixture, "{'start': <true>}");

  check_file (fixture, good, "OpenFile", TRUNDLE_ERROR_BAD_STATE);
  check_file (fixture, good, "MoveFile", TRUNDLE_ERROR_BAD_STATE);
  core_fixture_complete (&fixture->bus.core, good, "body");
  core_fixture_fail (&fixture->bus.core, bad, TRUNDLE_ERROR_HTTP_STATUS);
  test_await (trd_task_is_finished (good) && trd_task_is_finished (bad));

  check_file (fixture, bad, "OpenFile", TRUNDLE_ERROR_FILE_NOT_FOUND);
  check_file (fixture, bad, "MoveFile", TRUNDLE_ERROR_FILE_NOT_FOUND);
  check_file (fixture, good, "OpenFile", -1);
  check_file (fixture, good, "MoveFile", -1);
  check_file (fixture, good, "MoveFile", TRUNDLE_ERROR_BAD_STATE);
  /* Wherever it is, as long as we can look there. */
  check_file (fixture, good, "OpenFile", -1);
}

/* ---- live ---- */

static void
test_properties (Fixture *fixture, gconstpointer data)
{
  TrdTask *task = create (fixture, NONE);
  g_autofree char *path = trd_task_object_path (task->id);
  g_autofree char *prefix = g_strconcat ("PropertiesChanged ", path, NULL);
  g_autoptr (GVariant) reply = NULL;

  tell (fixture, "Attach", ATTACH);
  g_object_set (fixture->bus.core.env.conditions, "network", FALSE, NULL);
  reply = bus_fixture_call (&fixture->bus,
                            fixture->bus.app,
                            path,
                            TRUNDLE_INTERFACE_TASK,
                            "Resume",
                            NULL,
                            NULL);
  drain (fixture);
  g_assert_true (has_heard (fixture, prefix, "'State': <'queued'>"));
  g_assert_true (has_heard (fixture, prefix, "'WaitReasons': <['no-network']>"));

  g_object_set (fixture->bus.core.env.conditions, "network", TRUE, NULL);
  core_fixture_fail (&fixture->bus.core, task, TRUNDLE_ERROR_HTTP_STATUS);
  drain (fixture);
  g_assert_true (has_heard (fixture, prefix, "'State': <'running'>"));
  g_assert_true (has_heard (fixture, prefix, "'Error': <('HttpStatus'"));
}

static guint
count (Fixture *fixture, const char *prefix)
{
  guint n = 0;

  for (guint i = 0; i < fixture->own->len; i++)
    n += g_str_has_prefix (g_ptr_array_index (fixture->own, i), prefix);

  return n;
}

static void
test_progress (Fixture *fixture, gconstpointer data)
{
  FakeTransport *transport = fixture->bus.core.transport;
  TrdTask *first = create (fixture, "{'start': <true>}");
  TrdTask *second = create (fixture, "{'start': <true>}");

  test_await (fake_transport_is_running (transport, first->id)
              && fake_transport_is_running (transport, second->id));
  fake_transport_progress (transport, first->id, 1, 0, 100);
  tell (fixture, "Attach", ATTACH);
  for (guint i = 2; i < 10; i++)
    {
      fake_transport_progress (transport, first->id, i, 0, 100);
      fake_transport_progress (transport, second->id, i, 0, -1);
    }
  drain (fixture);
  g_assert_cmpuint (count (fixture, "Progress"), ==, 0);

  fake_clock_advance (fixture->bus.core.clock, TRD_PROGRESS_INTERVAL_MS * 1000);
  drain (fixture);
  g_assert_cmpuint (count (fixture, "Progress"), ==, 1);
  g_assert_true (has_heard (fixture, "Progress", ", 9, 0, 100, 0)"));
  g_assert_true (has_heard (fixture, "Progress", ", 9, 0, -1, 0)"));
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/last-words/finish", test_finish);
  ADD ("/last-words/invalidate", test_invalidate);
  ADD ("/last-words/invalidate-alone", test_invalidate_alone);
  ADD ("/session/configure", test_configure);
  ADD ("/session/cancel-tasks", test_cancel_tasks);
  ADD ("/session/list", test_list_sessions);
  ADD ("/files/open-and-move", test_files);
  ADD ("/live/properties", test_properties);
  ADD ("/live/progress", test_progress);

  return g_test_run ();
}
