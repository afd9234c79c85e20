/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What servers answer to uploads: told with the end to who is to deal with it, and to
 * nobody else, from the file that it is in. */

#include "config.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "await.h"
#include "common/defaults.h"
#include "common/names.h"
#include "upload-fixture.h"

#define MIB (1024 * 1024)

/* An upload that has got @answer.  */
static TrdTask *
finish (UploadFixture *f, const char *options, const char *answer)
{
  g_autofree char *all = g_strdup_printf (
      "{'body-bytes': <@ay [0x61]>, 'start': <true>%s}", options);
  TrdTask *task = upload_fixture_create (f, all, NULL);

  core_fixture_complete (&f->bus.core, task, answer);
  test_await (trd_task_is_finished (task));
  return task;
}

static GVariant *
list_events (UploadFixture *f, guint64 after, gboolean *out_more)
{
  g_autofree char *arguments = g_strdup_printf ("(@t %" G_GUINT64_FORMAT ", @u 0)",
                                                after);
  g_autoptr (GVariant) reply = bus_fixture_ask_session (
      &f->bus, f->bus.app, f->session, "ListEvents", arguments);
  GVariant *events;

  g_variant_get (reply, "(@a(tsoa{sv})b)", &events, out_more);
  return events;
}

/* `response-body` of the only event; NULL when there is none. */
static char *
find_answer (UploadFixture *f)
{
  gboolean more;
  g_autoptr (GVariant) events = list_events (f, 0, &more);
  g_autoptr (GVariant) details = NULL;
  g_autoptr (GVariant) body = NULL;
  gsize size;
  const char *text;

  g_assert_cmpuint (g_variant_n_children (events), ==, 1);
  g_variant_get_child (events, 0, "(tso@a{sv})", NULL, NULL, NULL, &details);
  body = g_variant_lookup_value (details, "response-body", G_VARIANT_TYPE_BYTESTRING);
  if (body == NULL)
    return NULL;

  text = g_variant_get_fixed_array (body, &size, 1);
  return g_strndup (size > 0 ? text : "", size);
}

static void
test_told (UploadFixture *f, gconstpointer data)
{
  GPtrArray *own = bus_fixture_listen (&f->bus, f->bus.app);
  g_autoptr (GVariant) attached G_GNUC_UNUSED = bus_fixture_ask_session (
      &f->bus, f->bus.app, f->session, "Attach", "(@a{sv} {},)");
  TrdTask *task = finish (f, "", "yes");
  g_autofree char *answer = find_answer (f);
  int line;

  bus_fixture_drain (&f->bus, f->bus.app);
  line = bus_fixture_find_line (own, 0, "TaskFinished");
  g_assert_cmpint (line, >=, 0);
  g_assert_nonnull (strstr (g_ptr_array_index (own, line),
                            "'response-body': <[byte 0x79, 0x65, 0x73]>"));
  g_assert_nonnull (strstr (g_ptr_array_index (own, line), "'sent': <uint64 "));
  g_assert_cmpstr (answer, ==, "yes");
  upload_fixture_assert_property (f, task, "ResponseBody", "[0x79, 0x65, 0x73]");
}

/* A second process of the owner watches. */
static void
test_observer (UploadFixture *f, gconstpointer data)
{
  g_autoptr (GDBusConnection) other = bus_fixture_connect_as (
      &f->bus, NULL, "0::/user.slice/app-org.example.App-1.scope\n");
  GPtrArray *heard = bus_fixture_listen (&f->bus, other);
  g_autoptr (GVariant) attached G_GNUC_UNUSED = bus_fixture_ask_session (
      &f->bus, other, f->session, "Attach", "({'observe': <true>},)");
  int line;

  finish (f, "", "yes");
  bus_fixture_drain (&f->bus, other);
  line = bus_fixture_find_line (heard, 0, "TaskFinished");
  g_assert_cmpint (line, >=, 0);
  g_assert_null (strstr (g_ptr_array_index (heard, line), "response-body"));
  g_dbus_connection_close_sync (other, NULL, NULL);
}

/* An empty one is told from none. */
static void
test_empty (UploadFixture *f, gconstpointer data)
{
  TrdTask *task = finish (f, "", "");
  g_autofree char *answer = find_answer (f);

  g_assert_cmpstr (answer, ==, "");
  upload_fixture_assert_property (f, task, "ResponseBody", "[]");
}

/* A longer one is in the file alone. */
static void
test_cap (UploadFixture *f, gconstpointer data)
{
  TrdTask *task = finish (f, ", 'response-body-max': <uint64 2>", "yes");
  g_autofree char *path = trd_task_object_path (task->id);
  g_autofree char *answer = find_answer (f);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;

  g_assert_null (answer);
  upload_fixture_assert_property (f, task, "ResponseBody", "[]");
  reply = bus_fixture_call (
      &f->bus, f->bus.app, path, TRUNDLE_INTERFACE_TASK, "OpenFile", NULL, &error);
  g_assert_no_error (error);
}

static void
test_refused (UploadFixture *f, gconstpointer data)
{
  TrdTask *task = upload_fixture_create (
      f, "{'body-bytes': <@ay [0x61]>, 'start': <true>}", NULL);
  g_autofree char *answer = NULL;

  core_fixture_fail (&f->bus.core, task, TRUNDLE_ERROR_HTTP_STATUS);
  test_await (trd_task_is_finished (task));
  answer = find_answer (f);
  g_assert_null (answer);
  upload_fixture_assert_property (f, task, "ResponseBody", "[]");
}

/* The app has taken it. */
static void
test_moved (UploadFixture *f, gconstpointer data)
{
  TrdTask *task = finish (f, "", "yes");
  g_autofree char *answer = NULL;
  int folder[] = { -1, -1 };
  g_autoptr (GVariant) reply = NULL;
  g_autofree char *path = trd_task_object_path (task->id);
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (GError) error = NULL;

  folder[0] = open (f->bus.core.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_unix_fd_list_append (fds, folder[0], NULL);
  close (folder[0]);
  reply = bus_fixture_call_full (
      &f->bus,
      f->bus.app,
      path,
      TRUNDLE_INTERFACE_TASK,
      "MoveFile",
      g_variant_new ("(hs@a{sv})", 0, "mine", g_variant_new ("a{sv}", NULL)),
      fds,
      NULL,
      &error);
  g_assert_no_error (error);
  answer = find_answer (f);
  g_assert_cmpstr (answer, ==, "yes");
}

/* Pages end by their bytes, too, and nothing is left out. */
static void
test_pages (UploadFixture *f, gconstpointer data)
{
  g_autofree char *answer = g_strnfill (MIB, 'x');
  guint64 after = 0;
  guint n_events = 0;
  guint n_pages = 0;
  gboolean more = TRUE;

  for (guint i = 0; i < 6; i++)
    finish (f, "", answer);
  while (more)
    {
      g_autoptr (GVariant) events = list_events (f, after, &more);
      guint n = (guint)g_variant_n_children (events);

      g_assert_cmpuint (n, >, 0);
      g_assert_cmpuint (g_variant_get_size (events), <, 6 * MIB);
      g_variant_get_child (events, n - 1, "(tso@a{sv})", &after, NULL, NULL, NULL);
      n_events += n;
      n_pages++;
    }
  g_assert_cmpuint (n_events, ==, 6);
  g_assert_cmpuint (n_pages, ==, 2);
}

static void
attach_and_hear (UploadFixture *f, GPtrArray *own, gboolean again)
{
  guint n = own->len;
  g_autoptr (GVariant) attached G_GNUC_UNUSED = bus_fixture_ask_session (
      &f->bus, f->bus.app, f->session, "Attach", "(@a{sv} {},)");

  test_await (bus_fixture_find_line (own, n, "DidFinishEvents") >= 0);
  for (guint i = 0; i < 4; i++)
    {
      const char *line = g_ptr_array_index (own, n + i);
      g_autofree char *sequence = g_strdup_printf ("(%u, ", i + 1);

      g_assert_true (g_str_has_prefix (line, "TaskFinished"));
      g_assert_nonnull (strstr (line, sequence));
      g_assert_nonnull (strstr (line, "'response-body'"));
      g_assert_true ((strstr (line, "'redelivered'") != NULL) == again);
    }
  g_assert_true (g_str_has_prefix (g_ptr_array_index (own, n + 4), "DidFinishEvents"));
}

/* More than may be on its way at once, in order and told as new once. */
static void
test_replay (UploadFixture *f, gconstpointer data)
{
  g_autofree char *answer = g_strnfill (MIB / 3, 'x');
  GPtrArray *own = bus_fixture_listen (&f->bus, f->bus.app);

  for (guint i = 0; i < 4; i++)
    finish (f, "", answer);
  attach_and_hear (f, own, FALSE);
  attach_and_hear (f, own, TRUE);
}

/* Nobody comes for it, and nothing stays. */
static void
test_auto_complete (UploadFixture *f, gconstpointer data)
{
  g_autofree char *session = bus_fixture_open_session (
      &f->bus, f->bus.app, "auto", "{'auto-complete': <true>}");
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = upload_fixture_call (
      f,
      f->bus.app,
      session,
      "CreateUploadTask",
      g_variant_new_parsed (
          "('http://localhost/', {'body-bytes': <b'a'>, 'start': <true>})"),
      NULL,
      &error);
  const char *path;
  gint64 id;

  g_assert_no_error (error);
  g_variant_get (reply, "(&o)", &path);
  id = bus_fixture_find_task (&f->bus, path)->id;
  core_fixture_complete (&f->bus.core, bus_fixture_find_task (&f->bus, path), "yes");
  test_await (trd_registry_find_task (f->bus.core.registry, id) == NULL);
}

/* ---- what else tells of it ---- */

static void
check (UploadFixture *f, const char *method, const char *arguments, const char *expected)
{
  g_autoptr (GVariant) reply = bus_fixture_ask_session (
      &f->bus, f->bus.app, f->session, method, arguments);
  g_autofree char *text = g_variant_print (reply, FALSE);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_filters (UploadFixture *f, gconstpointer data)
{
  g_autofree char *download = bus_fixture_create_task (
      &f->bus, f->bus.app, f->session, "@a{sv} {}");
  TrdTask *task = upload_fixture_create (f, "{'body-bytes': <@ay [0x61, 0x62]>}", NULL);
  g_autofree char *path = trd_task_object_path (task->id);
  g_autofree char *listed = g_strdup_printf (
      "([('%s', {'BytesExpectedToSend': <int64 2>})],)", path);

  check (f,
         "ListTasks",
         "({'kind': <'upload'>, 'properties': <['BytesExpectedToSend']>},)",
         listed);
  check (f, "CancelTasks", "({'kind': <'upload'>},)", "(1,)");
  check (f, "CancelTasks", "({'kind': <'upload'>},)", "(0,)");
  check (f, "CancelTasks", "(@a{sv} {},)", "(1,)");
  g_assert_nonnull (download);
}

/* PropertiesChanged of it and of nothing else. */
#define CONFIRMED(n) "{'BytesConfirmed': <uint64 " #n ">}"

static int
count_lines (GPtrArray *lines, const char *text)
{
  int n = 0;

  for (guint i = 0; i < lines->len; i++)
    n += strstr (g_ptr_array_index (lines, i), text) != NULL;
  return n;
}

/* Told when it is another one, before the Progress it belongs to, and as often. */
static void
test_confirmed (UploadFixture *f, gconstpointer data)
{
  FakeTransport *transport = f->bus.core.transport;
  GPtrArray *own = bus_fixture_listen (&f->bus, f->bus.app);
  g_autoptr (GVariant) attached G_GNUC_UNUSED = bus_fixture_ask_session (
      &f->bus, f->bus.app, f->session, "Attach", "(@a{sv} {},)");
  TrdTask *task = upload_fixture_create (
      f, "{'body-bytes': <@ay [0x61, 0x62, 0x63]>, 'start': <true>}", NULL);

  test_await (fake_transport_is_running (transport, task->id));
  for (guint64 sent = 1; sent <= 3; sent++)
    fake_transport_send (transport, task->id, sent, sent - 1);
  fake_clock_advance (f->bus.core.clock, TRD_PROGRESS_INTERVAL_MS * 1000);
  fake_transport_send (transport, task->id, 3, 2);
  fake_clock_advance (f->bus.core.clock, TRD_PROGRESS_INTERVAL_MS * 1000);
  bus_fixture_drain (&f->bus, f->bus.app);

  g_assert_cmpint (count_lines (own, "Progress"), ==, 2);
  g_assert_cmpint (count_lines (own, "{'BytesConfirmed': "), ==, 1);
  g_assert_cmpint (bus_fixture_find_line (own, 0, CONFIRMED (2)),
                   <,
                   bus_fixture_find_line (own, 0, "Progress"));

  core_fixture_complete (&f->bus.core, task, "yes");
  test_await (trd_task_is_finished (task));
  bus_fixture_drain (&f->bus, f->bus.app);
  g_assert_cmpint (count_lines (own, "'BytesConfirmed': <uint64 3>"), ==, 1);
  g_assert_cmpint (count_lines (own, "'BytesExpectedToSend': <int64 3>"), >, 0);
}

#ifndef HAVE_SANITIZER
/* The most memory we have had since the last call, in KiB, where that can be asked. */
static gint64
take_peak (void)
{
  g_autofree char *status = NULL;
  const char *line;

  g_assert_true (g_file_get_contents ("/proc/self/status", &status, NULL, NULL));
  line = strstr (status, "VmHWM:");
  g_assert_nonnull (line);
  g_file_set_contents_full (
      "/proc/self/clear_refs", "5", 1, G_FILE_SET_CONTENTS_NONE, 0600, NULL);
  return g_ascii_strtoll (line + strlen ("VmHWM:"), NULL, 10);
}

/* A list that nobody can be sent is not put together to find that out. */
static void
test_long_list (UploadFixture *f, gconstpointer data)
{
  g_autofree char *answer = g_strnfill (16 * MIB, 'x');
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;
  gint64 before;

  if (g_access ("/proc/self/clear_refs", W_OK) != 0)
    {
      g_test_skip ("This kernel does not tell how much memory was needed");
      return;
    }
  for (guint i = 0; i < 8; i++)
    finish (f, ", 'response-body-max': <uint64 16777216>", answer);
  take_peak ();
  before = take_peak ();
  reply = upload_fixture_call (
      f,
      f->bus.app,
      f->session,
      "ListTasks",
      g_variant_new_parsed ("({'properties': <['ResponseBody']>},)"),
      NULL,
      &error);
  g_assert_null (reply);
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_LIMIT_EXCEEDED);
  g_assert_cmpint (take_peak () - before, <, 100 * 1024);
}
#endif

/* Live, while it runs; what the server has said it keeps stays so. */
static void
test_progress (UploadFixture *f, gconstpointer data)
{
  FakeTransport *transport = f->bus.core.transport;
  GPtrArray *own = bus_fixture_listen (&f->bus, f->bus.app);
  g_autoptr (GVariant) reply G_GNUC_UNUSED = bus_fixture_ask_session (
      &f->bus, f->bus.app, f->session, "Attach", "(@a{sv} {},)");
  TrdTask *task = upload_fixture_create (
      f, "{'body-bytes': <@ay [0x61, 0x62, 0x63]>, 'start': <true>}", NULL);
  int line;

  test_await (fake_transport_is_running (transport, task->id));
  fake_transport_send (transport, task->id, 2, 1);
  upload_fixture_assert_property (f, task, "BytesSent", "2");
  upload_fixture_assert_property (f, task, "BytesConfirmed", "1");
  fake_clock_advance (f->bus.core.clock, TRD_PROGRESS_INTERVAL_MS * 1000);
  bus_fixture_drain (&f->bus, f->bus.app);
  line = bus_fixture_find_line (own, 0, "Progress");
  g_assert_cmpint (line, >=, 0);
  g_assert_nonnull (strstr (g_ptr_array_index (own, line), ", 0, 2, -1, 3)"));
  g_assert_cmpint (count_lines (own, CONFIRMED (1)), ==, 1);

  core_fixture_fail (&f->bus.core, task, TRUNDLE_ERROR_HTTP_STATUS);
  test_await (trd_task_is_finished (task));
  upload_fixture_assert_property (f, task, "BytesConfirmed", "1");
}

static void
test_history (UploadFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autofree char *text = NULL;

  finish (f, ", 'description': <'d'>", "yes");
  check (f, "CompleteEvents", "(uint64 1,)", "()");
  reply = bus_fixture_call (&f->bus,
                            f->bus.app,
                            TRUNDLE_OBJECT_PATH,
                            TRUNDLE_INTERFACE_CONTROL,
                            "ListHistory",
                            "(@a{sv} {},)",
                            &error);
  g_assert_no_error (error);
  text = g_variant_print (reply, FALSE);
  g_assert_nonnull (strstr (text, "'kind': <'upload'>"));
  g_assert_nonnull (strstr (text, "'received': <uint64 3>"));
  g_assert_nonnull (strstr (text, "'sent': <uint64 1>"));
}

#define ADD(path, func)                                                                  \
  g_test_add ("/upload-answers/" path,                                                   \
              UploadFixture,                                                             \
              NULL,                                                                      \
              upload_fixture_set_up,                                                     \
              func,                                                                      \
              upload_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("told", test_told);
  ADD ("observer", test_observer);
  ADD ("cap", test_cap);
  ADD ("empty", test_empty);
  ADD ("refused", test_refused);
  ADD ("moved", test_moved);
  ADD ("pages", test_pages);
  ADD ("replay", test_replay);
  ADD ("auto-complete", test_auto_complete);
#ifndef HAVE_SANITIZER
  ADD ("long-list", test_long_list);
#endif
  ADD ("filters", test_filters);
  ADD ("progress", test_progress);
  ADD ("confirmed", test_confirmed);
  ADD ("history", test_history);

  return g_test_run ();
}
