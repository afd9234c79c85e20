/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Making uploads: what they send is taken when the call is answered, whoever leaves
 * then, and every nonsense is refused by its name. */

#include "config.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "await.h"
#include "common/names.h"
#include "common/vocabulary.h"
#include "upload-fixture.h"

#define KIB 1024
#define REFUSED TRUNDLE_ERROR_INVALID_ARGUMENT

static void
assert_sends (UploadFixture *f, const TrdTask *task, const char *expected)
{
  g_autofree char *text = upload_fixture_read_body (f, task);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_bytes (UploadFixture *f, gconstpointer data)
{
  TrdTask *task = upload_fixture_create (f, "{'body-bytes': <@ay [0x61, 0x62]>}", NULL);

  assert_sends (f, task, "ab");
  g_assert_cmpuint (upload_fixture_count_spool (f), ==, 0);
  upload_fixture_assert_property (f, task, "Kind", "'upload'");
  upload_fixture_assert_property (f, task, "State", "'suspended'");
  upload_fixture_assert_property (f, task, "BytesExpectedToSend", "2");
  upload_fixture_assert_property (f, task, "BytesSent", "0");
  upload_fixture_assert_property (f, task, "BytesConfirmed", "0");
  upload_fixture_assert_property (f, task, "ResponseBody", "[]");
  upload_fixture_assert_property (
      f,
      task,
      "OriginalRequest",
      "{'url': <'http://localhost/up'>, 'method': <'PUT'>, 'headers': <@a(ss) []>}");
}

/* An empty body is one. */
static void
test_empty (UploadFixture *f, gconstpointer data)
{
  const int fds[] = { upload_fixture_make_memfd (""), -1 };
  TrdTask *first = upload_fixture_create (f, "{'body-bytes': <@ay []>}", NULL);
  TrdTask *second = upload_fixture_create (f, "{'body': <handle 0>}", fds);

  assert_sends (f, first, "");
  assert_sends (f, second, "");
  upload_fixture_assert_property (f, first, "BytesExpectedToSend", "0");
}

/* Too much for a row. */
static void
test_many_bytes (UploadFixture *f, gconstpointer data)
{
  g_autofree char *text = g_strnfill (100 * KIB, 'x');
  g_autofree char *options = g_strdup_printf ("{'body-bytes': <@ay b'%s'>}", text);
  TrdTask *task = upload_fixture_create (f, options, NULL);
  g_autoptr (TrdBody) body = upload_fixture_load_body (f, task);
  const TrdPiece *piece = g_ptr_array_index (body->pieces, 0);

  g_assert_cmpuint (body->pieces->len, ==, 1);
  g_assert_nonnull (piece->spool);
  g_assert_cmpuint (piece->length, ==, 100 * KIB + 1);
  g_assert_cmpuint (upload_fixture_count_spool (f), ==, 1);
}

/* ---- what is refused ---- */

static const struct
{
  const char *options;
  const char *word;
} nonsense[] = {
  { "@a{sv} {}", "body: missing" },
  { "{'body-bytes': <b'a'>, 'body-path': <'/a'>}", "body-bytes: cannot" },
  { "{'body': <handle 0>, 'parts': <[{'name': <'a'>, 'value': <'b'>}]>}",
    "parts: cannot" },
  { "{'body': <handle 0>, 'body-bytes': <b'a'>}", "body-bytes: cannot" },
  { "{'body-bytes': <b'a'>, 'resume-data': <b'a'>}", "body-bytes: cannot" },
  { "{'body-bytes': <b'a'>, 'range': <(uint64 0, uint64 1)>}", "range: cannot" },
  { "{'parts': <[{'name': <'a'>, 'value': <'b'>}]>, 'range': <(uint64 0, uint64 1)>}",
    "range: cannot" },
  { "{'body': <handle 0>}", "body: " },
  { "{'body-bytes': <b'a'>, 'method': <'GET'>}", "method" },
  { "{'body-bytes': <b'a'>, 'method': <'get'>}", "method" },
  { "{'body-bytes': <b'a'>, 'method': <'HEAD'>}", "method" },
  { "{'body-bytes': <b'a'>, 'method': <'OPTIONS'>}", "method" },
  { "{'body-bytes': <b'a'>, 'method': <'TRACE'>}", "method" },
  { "{'body-bytes': <b'a'>, 'method': <'CONNECT'>}", "method" },
  { "{'body-bytes': <b'a'>, 'mirrors': <['http://a/']>}", "mirrors" },
  { "{'body-bytes': <b'a'>, 'retry-safe': <true>, 'idempotent': <false>}", "retry-safe" },
  { "{'parts': <[{'name': <'a'>, 'value': <'b'>}]>, 'headers': <{'content-type': "
    "'a/b'}>}",
    "headers" },
  { "{'parts': <[{'name': <'a'>, 'body': <handle 3>}]>}", "parts: " },
  { "{'parts': <[{'name': <'a'>, 'value': <'b'>}]>, 'resumable': <'tus'>}", "resumable" },
  { "{'body-path': <'/'>}", "body-path" },
  { "{'body-bytes': <b'a'>, 'content-type': <'a/b'>}", "content-type" },
};

static void
test_nonsense (UploadFixture *f, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (nonsense); i++)
    upload_fixture_refuse (f, nonsense[i].options, NULL, REFUSED, nonsense[i].word);
}

/* What is for uploads only. */
static void
test_downloads (UploadFixture *f, gconstpointer data)
{
  static const char *const options[][2] = {
    { "{'body-bytes': <b'a'>}", "body-bytes" },
    { "{'resumable': <'off'>}", "resumable" },
    { "{'idempotency-key': <true>}", "idempotency-key" },
    { "{'snapshot': <'auto'>}", "snapshot" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) reply = upload_fixture_call (
          f,
          f->bus.app,
          f->session,
          "CreateDownloadTask",
          g_variant_new (
              "(s@a{sv})", "http://localhost/", g_variant_new_parsed (options[i][0])),
          NULL,
          &error);

      g_assert_null (reply);
      g_assert_error (error, TRUNDLE_ERROR, REFUSED);
      g_assert_nonnull (strstr (error->message, options[i][1]));
    }
}

static void
test_update (UploadFixture *f, gconstpointer data)
{
  static const struct
  {
    gboolean upload;
    const char *changes;
    const char *word; /* NULL: taken */
  } rows[] = {
    { TRUE, "{'resumable': <'off'>, 'expect-continue': <true>}", NULL },
    { TRUE, "{'retry-safe': <true>, 'idempotency-key': <true>}", NULL },
    { TRUE, "{'response-body-max': <uint64 7>, 'method': <'PATCH'>}", NULL },
    { TRUE, "{'method': <'GET'>}", "method" },
    { TRUE, "{'mirrors': <['http://a/']>}", "mirrors" },
    { TRUE, "{'body-bytes': <b'a'>}", "body-bytes" },
    { FALSE, "{'resumable': <'off'>}", "resumable" },
    { FALSE, "{'expect-continue': <false>}", "expect-continue" },
    { FALSE, "{'response-body-max': <uint64 7>}", "response-body-max" },
    { FALSE, "{'retry-safe': <true>}", NULL },
  };
  TrdTask *upload = upload_fixture_create (f, "{'body-bytes': <b'a'>}", NULL);
  g_autofree char *download = bus_fixture_create_task (
      &f->bus, f->bus.app, f->session, "@a{sv} {}");
  g_autofree char *path = trd_task_object_path (upload->id);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) reply G_GNUC_UNUSED = bus_fixture_call_full (
          &f->bus,
          f->bus.app,
          rows[i].upload ? path : download,
          TRUNDLE_INTERFACE_TASK,
          "UpdateRequest",
          g_variant_new ("(@a{sv})", g_variant_new_parsed (rows[i].changes)),
          NULL,
          NULL,
          &error);

      g_test_message ("%s", rows[i].changes);
      if (rows[i].word == NULL)
        {
          g_assert_no_error (error);
          continue;
        }
      g_assert_error (error, TRUNDLE_ERROR, REFUSED);
      g_assert_nonnull (strstr (error->message, rows[i].word));
    }
}

/* ---- descriptors and paths ---- */

/* From its beginning, wherever the caller stands in it, who may close it at once. */
static void
test_file (UploadFixture *f, gconstpointer data)
{
  const int fds[] = { upload_fixture_make_memfd ("hello world"), -1 };
  TrdTask *task = upload_fixture_create (f, "{'body': <handle 0>}", fds);

  assert_sends (f, task, "hello world");
  upload_fixture_assert_property (f, task, "BytesExpectedToSend", "11");
}

static void
test_range (UploadFixture *f, gconstpointer data)
{
  const int fds[] = { upload_fixture_make_memfd ("hello world"), -1 };
  const int others[] = { upload_fixture_make_memfd ("hello world"), -1 };
  TrdTask *task = upload_fixture_create (
      f, "{'body': <handle 0>, 'range': <(uint64 6, uint64 3)>}", fds);
  g_autoptr (TrdTaskRow) row = NULL;

  assert_sends (f, task, "wor");
  /* It is nothing that a server is asked for. */
  row = trd_store_load_task (f->bus.core.env.store, task->id, NULL);
  g_assert_false (g_variant_lookup (row->options, "range", "(tt)", NULL, NULL));

  task = upload_fixture_create (
      f, "{'body': <handle 0>, 'range': <(uint64 6, uint64 0)>}", others);
  assert_sends (f, task, "world");
}

static void
test_range_beyond (UploadFixture *f, gconstpointer data)
{
  const int fds[] = { upload_fixture_make_memfd ("hello world"), -1 };

  upload_fixture_refuse (f,
                         "{'body': <handle 0>, 'range': <(uint64 6, uint64 99)>}",
                         fds,
                         REFUSED,
                         "body: ");
}

/* Read to its end before the call is answered, even when the caller writes late. */
static void
test_pipe (UploadFixture *f, gconstpointer data)
{
  int ends[2];
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GUnixFDList) list = g_unix_fd_list_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;
  const char *path;

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  g_unix_fd_list_append (list, ends[0], NULL);
  close (ends[0]);
  g_dbus_connection_call_with_unix_fd_list (
      f->bus.app,
      TRUNDLE_BUS_NAME,
      f->session,
      TRUNDLE_INTERFACE_SESSION,
      "CreateUploadTask",
      g_variant_new_parsed ("('http://localhost/', {'body': <handle 0>})"),
      NULL,
      G_DBUS_CALL_FLAGS_NONE,
      -1,
      list,
      NULL,
      test_take_result,
      &result);
  g_assert_cmpint (write (ends[1], "first ", 6), ==, 6);
  bus_fixture_drain (&f->bus, f->bus.app);
  g_assert_null (result);
  g_assert_cmpint (write (ends[1], "last", 4), ==, 4);
  close (ends[1]);

  test_await (result != NULL);
  reply = g_dbus_connection_call_with_unix_fd_list_finish (
      f->bus.app, NULL, result, &error);
  g_assert_no_error (error);
  g_variant_get (reply, "(&o)", &path);
  assert_sends (f, bus_fixture_find_task (&f->bus, path), "first last");
}

/* Who dies has not written all. */
static void
test_pipe_of_the_dead (UploadFixture *f, gconstpointer data)
{
  g_autoptr (GDBusConnection) client = bus_fixture_connect_as (
      &f->bus, NULL, "0::/user.slice/app-org.example.App-1.scope\n");
  g_autoptr (GUnixFDList) list = g_unix_fd_list_new ();
  TrdSession *session = trd_registry_find_session (
      f->bus.core.registry, g_ascii_strtoll (strrchr (f->session, '/') + 1, NULL, 10));
  int ends[2];

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  g_unix_fd_list_append (list, ends[0], NULL);
  close (ends[0]);
  g_dbus_connection_call_with_unix_fd_list (
      client,
      TRUNDLE_BUS_NAME,
      f->session,
      TRUNDLE_INTERFACE_SESSION,
      "CreateUploadTask",
      g_variant_new_parsed ("('http://localhost/', {'body': <handle 0>})"),
      NULL,
      G_DBUS_CALL_FLAGS_NONE,
      -1,
      list,
      NULL,
      NULL,
      NULL);
  g_assert_cmpint (write (ends[1], "half", 4), ==, 4);
  bus_fixture_drain (&f->bus, client);
  g_assert_cmpuint (trd_gate_count_calls (f->bus.gate), ==, 1);

  g_dbus_connection_close_sync (client, NULL, NULL);
  close (ends[1]);
  test_await (trd_gate_count_calls (f->bus.gate) == 0);
  g_assert_cmpuint (g_hash_table_size (session->tasks), ==, 0);
  g_assert_cmpuint (upload_fixture_count_spool (f), ==, 0);
}

static void
test_no_file (UploadFixture *f, gconstpointer data)
{
  const int folder[] = { open ("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), -1 };
  const int device[] = { open ("/dev/null", O_RDONLY | O_CLOEXEC), -1 };
  const int memory[] = { upload_fixture_make_memfd ("a"), -1 };

  upload_fixture_refuse (
      f, "{'body': <handle 0>}", folder, TRUNDLE_ERROR_FILE_IS_DIRECTORY, "body: ");
  upload_fixture_refuse (f, "{'body': <handle 0>}", device, REFUSED, "body: ");
  upload_fixture_refuse (
      f, "{'body': <handle 0>, 'snapshot': <'none'>}", memory, REFUSED, "body: ");
}

static void
test_path (UploadFixture *f, gconstpointer data)
{
  g_autofree char *path = upload_fixture_write_file (f, "a.txt", "content");
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *good = g_strdup_printf ("{'body-path': <'%s'>}", path);
  g_autofree char *in_form = g_strdup_printf (
      "{'parts': <[{'name': <'a'>, 'body-path': <'%s'>}]>}", path);
  g_autofree char *of_folder = g_strdup_printf ("{'body-path': <'%s'>}", folder);

  assert_sends (f, upload_fixture_create (f, good, NULL), "content");
  g_unlink (path);
  upload_fixture_refuse (f, good, NULL, TRUNDLE_ERROR_FILE_NOT_FOUND, "body-path: ");
  upload_fixture_refuse (f, in_form, NULL, TRUNDLE_ERROR_FILE_NOT_FOUND, "parts: ");
  upload_fixture_refuse (
      f, of_folder, NULL, TRUNDLE_ERROR_FILE_IS_DIRECTORY, "body-path: ");
}

/* Law 14: no path, and nothing that is watched by one. */
static void
test_sandbox (UploadFixture *f, gconstpointer data)
{
  static const char *const refused[]
      = { "{'body-path': <'/etc/passwd'>}",
          "{'parts': <[{'name': <'a'>, 'body-path': <'/etc/passwd'>}]>}" };
  g_autoptr (GDBusConnection) client = bus_fixture_connect_as (
      &f->bus, BUS_FIXTURE_FLATPAK ("org.example.C", "network;"), NULL);
  g_autofree char *session = bus_fixture_open_session (&f->bus, client, "c", "@a{sv} {}");
  g_autofree char *path = upload_fixture_write_file (f, "a.txt", "content");
  const int fds[] = { open (path, O_RDONLY | O_CLOEXEC), -1 };
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (TrdBody) body = NULL;
  const char *task;

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) none = upload_fixture_call (
          f,
          client,
          session,
          "CreateUploadTask",
          g_variant_new (
              "(s@a{sv})", "http://localhost/", g_variant_new_parsed (refused[i])),
          NULL,
          &error);

      g_assert_null (none);
      g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_ALLOWED);
    }

  reply = upload_fixture_call (
      f,
      client,
      session,
      "CreateUploadTask",
      g_variant_new_parsed ("('http://localhost/', {'body': <handle 0>})"),
      fds,
      NULL);
  g_assert_nonnull (reply);
  g_variant_get (reply, "(&o)", &task);
  body = upload_fixture_load_body (f, bus_fixture_find_task (&f->bus, task));
  g_assert_nonnull (((TrdPiece *)g_ptr_array_index (body->pieces, 0))->spool);
  g_dbus_connection_close_sync (client, NULL, NULL);
}

static void
test_stranger (UploadFixture *f, gconstpointer data)
{
  const int fds[] = { upload_fixture_make_memfd ("a"), -1 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = upload_fixture_call (
      f,
      f->bus.stranger,
      f->session,
      "CreateUploadTask",
      g_variant_new_parsed ("('http://localhost/', {'body': <handle 0>})"),
      fds,
      &error);

  g_assert_null (reply);
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_FOUND);
  g_assert_cmpuint (upload_fixture_count_spool (f), ==, 0);
}

/* ---- several ---- */

static GVariant *
create_batch (UploadFixture *f, const char *tasks, const int *fds, GError **error)
{
  return upload_fixture_call (f,
                              f->bus.app,
                              f->session,
                              "CreateTasks",
                              g_variant_new ("(@aa{sv})", g_variant_new_parsed (tasks)),
                              fds,
                              error);
}

/* Each has a file of its own, whose bytes are there once. */
static void
test_shared (UploadFixture *f, gconstpointer data)
{
  const int fds[] = { upload_fixture_make_memfd ("shared"), -1 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = create_batch (
      f,
      "[{'url': <'http://localhost/1'>, 'kind': <'upload'>, 'body': <handle 0>},"
      " {'url': <'http://localhost/2'>},"
      " {'url': <'http://localhost/3'>, 'kind': <'upload'>, 'body': <handle 0>}]",
      fds,
      &error);
  g_autofree const char **paths = NULL;
  g_autoptr (TrdBody) first = NULL;
  g_autoptr (TrdBody) third = NULL;
  struct stat facts[2];

  g_assert_no_error (error);
  g_variant_get (reply, "(^a&o)", &paths);
  assert_sends (f, bus_fixture_find_task (&f->bus, paths[0]), "shared");
  assert_sends (f, bus_fixture_find_task (&f->bus, paths[2]), "shared");
  first = upload_fixture_load_body (f, bus_fixture_find_task (&f->bus, paths[0]));
  third = upload_fixture_load_body (f, bus_fixture_find_task (&f->bus, paths[2]));
  for (guint i = 0; i < 2; i++)
    {
      const TrdPiece *piece = g_ptr_array_index ((i == 0 ? first : third)->pieces, 0);
      int fd = trd_sources_open (f->bus.core.env.spool, piece, &error);

      g_assert_no_error (error);
      g_assert_cmpint (fstat (fd, &facts[i]), ==, 0);
      close (fd);
    }
  g_assert_cmpuint (facts[0].st_ino, ==, facts[1].st_ino);
  g_assert_cmpuint (upload_fixture_count_spool (f), ==, 2);
}

/* All or none: what was taken for the others is not left. */
static void
test_batch_fails (UploadFixture *f, gconstpointer data)
{
  static const char *const second[][2] = {
    { "'url': <'ftp://localhost/'>, 'body': <handle 1>", "Task 1: " },
    { "'url': <'http://localhost/'>, 'body': <handle 9>", "Task 1: body: " },
    { "'url': <'http://localhost/'>", "Task 1: body: " },
    { "'body': <handle 1>", "Task 1: url: " },
    { "'url': <'http://localhost/'>, 'body-path': <'/none'>", "Task 1: body-path: " },
  };

  for (guint i = 0; i < G_N_ELEMENTS (second); i++)
    {
      const int fds[]
          = { upload_fixture_make_memfd ("one"), upload_fixture_make_memfd ("two"), -1 };
      g_autofree char *tasks = g_strdup_printf (
          "[{'kind': <'upload'>, 'url': <'http://localhost/'>, 'body': <handle 0>},"
          " {'kind': <'upload'>, %s}]",
          second[i][0]);
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) reply = create_batch (f, tasks, fds, &error);

      g_assert_null (reply);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, second[i][1]));
      g_assert_cmpuint (upload_fixture_count_spool (f), ==, 0);
    }
}

/* What is sent stays what it was. */
static void
test_dedup (UploadFixture *f, gconstpointer data)
{
  const int fds[] = { upload_fixture_make_memfd ("one"), -1 };
  const int others[] = { upload_fixture_make_memfd ("two"), -1 };
  TrdTask *first = upload_fixture_create (
      f, "{'body': <handle 0>, 'dedup-key': <'k'>}", fds);
  TrdTask *second = upload_fixture_create (
      f, "{'body': <handle 0>, 'dedup-key': <'k'>}", others);

  g_assert_true (first == second);
  assert_sends (f, first, "one");
  g_assert_cmpuint (upload_fixture_count_spool (f), ==, 1);
}

static void
test_one_pipe_twice (UploadFixture *f, gconstpointer data)
{
  int ends[2];
  int fds[2] = { -1, -1 };

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  close (ends[1]);
  fds[0] = ends[0];
  upload_fixture_refuse (f,
                         "{'parts': <[{'name': <'a'>, 'body': <handle 0>},"
                         " {'name': <'b'>, 'body': <handle 0>, 'range': <(@t 0, @t 1)>}"
                         "]>}",
                         fds,
                         REFUSED,
                         "parts: ");
}

/* ---- forms ---- */

static char *
boundary_of (UploadFixture *f, const TrdTask *task)
{
  g_autoptr (TrdTaskRow) row = trd_store_load_task (
      f->bus.core.env.store, task->id, NULL);
  const char *type = "";

  g_assert_true (g_variant_lookup (row->options, "content-type", "&s", &type));
  g_assert_true (g_str_has_prefix (type, "multipart/form-data; boundary="));
  return g_strdup (strchr (type, '=') + 1);
}

static void
test_form (UploadFixture *f, gconstpointer data)
{
  const int fds[] = { upload_fixture_make_memfd ("picture"), -1 };
  TrdTask *task = upload_fixture_create (
      f,
      "{'parts': <[{'name': <'title'>, 'value': <'Größe'>},"
      " {'name': <'file'>, 'body': <handle 0>, 'file-name': <'a\"b.png'>,"
      "  'content-type': <'image/png'>, 'range': <(@t 1, @t 3)>},"
      " {'name': <'raw'>, 'body-bytes': <@ay [0x31]>, 'file-name': <'r'>}]>}",
      fds);
  g_autofree char *boundary = boundary_of (f, task);
  g_autofree char *expected = g_strdup_printf (
      "--%s\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nGröße\r\n"
      "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a%%22b.png\"\r\n"
      "Content-Type: image/png\r\n\r\nict\r\n"
      "--%s\r\nContent-Disposition: form-data; name=\"raw\"; filename=\"r\"\r\n"
      "Content-Type: application/octet-stream\r\n\r\n1\r\n--%s--\r\n",
      boundary,
      boundary,
      boundary,
      boundary);
  g_autofree char *method = NULL;
  g_autoptr (TrdTaskRow) row = trd_store_load_task (
      f->bus.core.env.store, task->id, NULL);

  assert_sends (f, task, expected);
  method = trundle_options_get_string (row->options, NULL, "method");
  g_assert_cmpstr (method, ==, "POST");
  /* Short texts are in the row. */
  g_assert_cmpuint (upload_fixture_count_spool (f), ==, 1);
}

/* Its texts are in one file, whatever stands between them. */
static void
test_long_form (UploadFixture *f, gconstpointer data)
{
  const int fds[] = { upload_fixture_make_memfd ("picture"), -1 };
  g_autofree char *text = g_strnfill (90 * KIB, 'x');
  g_autofree char *options = g_strdup_printf (
      "{'parts': <[{'name': <'a'>, 'value': <'%s'>},"
      " {'name': <'b'>, 'body': <handle 0>}, {'name': <'c'>, 'value': <'end'>}]>}",
      text);
  TrdTask *task = upload_fixture_create (f, options, fds);
  g_autofree char *body = upload_fixture_read_body (f, task);

  g_assert_nonnull (strstr (body, text));
  g_assert_nonnull (strstr (body, "name=\"b\"\r\n\r\npicture\r\n--"));
  g_assert_nonnull (strstr (body, "name=\"c\"\r\n\r\nend\r\n--"));
  g_assert_true (g_str_has_suffix (body, "--\r\n"));
  g_assert_cmpuint (upload_fixture_count_spool (f), ==, 2);
}

/* ---- what a worker is told ---- */

/* Consumed. */
static char *
begin_and_print (UploadFixture *f, const char *options, const char *key)
{
  TrdTask *task = upload_fixture_create (f, options, NULL);
  const FakeAttempt *attempt;
  g_autoptr (GVariant) value = NULL;

  test_await (fake_transport_is_running (f->bus.core.transport, task->id));
  attempt = fake_transport_find (f->bus.core.transport, task->id);
  value = g_variant_lookup_value (attempt->request, key, NULL);
  return value != NULL ? g_variant_print (value, FALSE) : g_strdup ("");
}

static void
test_request (UploadFixture *f, gconstpointer data)
{
  static const char *const rows[][3] = {
    { "", "method", "'PUT'" },
    { "", "first-byte-timeout", "600000" },
    { ", 'first-byte-timeout': <uint64 0>", "first-byte-timeout", "0" },
    { "", "headers", "[]" },
    { "", "range", "" },
    { "", "expect-continue", "false" },
    { ", 'expect-continue': <true>", "expect-continue", "true" },
    { ", 'headers': <{'idempotency-key': 'k'}>, 'idempotency-key': <true>",
      "headers",
      "[('idempotency-key', 'k')]" },
    { ", 'resumable': <'tus'>", "method", "'POST'" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *options = g_strdup_printf (
          "{'body-bytes': <@ay [0x61]>, 'start': <true>%s}", rows[i][0]);
      g_autofree char *told = begin_and_print (f, options, rows[i][1]);

      g_assert_cmpstr (told, ==, rows[i][2]);
      bus_fixture_ask_session (
          &f->bus, f->bus.app, f->session, "CancelTasks", "(@a{sv} {},)");
    }
}

static void
test_idempotency_key (UploadFixture *f, gconstpointer data)
{
  TrdTask *task = upload_fixture_create (
      f, "{'body-bytes': <b'a'>, 'idempotency-key': <true>}", NULL);
  g_autoptr (TrdTaskRow) row = trd_store_load_task (
      f->bus.core.env.store, task->id, NULL);
  g_autofree char *expected = g_strdup_printf ("[('Idempotency-Key', '\"%s\"')]",
                                               row->uuid);
  g_autofree char *told = NULL;
  g_autoptr (GVariant) headers = NULL;

  g_assert_true (trd_registry_resume (f->bus.core.registry, task, NULL));
  test_await (fake_transport_is_running (f->bus.core.transport, task->id));
  headers = g_variant_lookup_value (
      fake_transport_find (f->bus.core.transport, task->id)->request, "headers", NULL);
  told = g_variant_print (headers, FALSE);
  g_assert_cmpstr (told, ==, expected);
}

#define ADD(path, func)                                                                  \
  g_test_add ("/uploads/" path,                                                          \
              UploadFixture,                                                             \
              NULL,                                                                      \
              upload_fixture_set_up,                                                     \
              func,                                                                      \
              upload_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("bytes", test_bytes);
  ADD ("bytes/none", test_empty);
  ADD ("bytes/many", test_many_bytes);
  ADD ("refused/nonsense", test_nonsense);
  ADD ("refused/downloads", test_downloads);
  ADD ("refused/update", test_update);
  ADD ("file", test_file);
  ADD ("file/range", test_range);
  ADD ("file/range-beyond", test_range_beyond);
  ADD ("file/none", test_no_file);
  ADD ("pipe", test_pipe);
  ADD ("pipe/twice", test_one_pipe_twice);
  ADD ("pipe/of-the-dead", test_pipe_of_the_dead);
  ADD ("path", test_path);
  ADD ("law-14/sandbox", test_sandbox);
  ADD ("law-8/stranger", test_stranger);
  ADD ("batch/shared", test_shared);
  ADD ("batch/fails", test_batch_fails);
  ADD ("dedup", test_dedup);
  ADD ("form", test_form);
  ADD ("form/long", test_long_form);
  ADD ("request", test_request);
  ADD ("request/idempotency-key", test_idempotency_key);

  return g_test_run ();
}
