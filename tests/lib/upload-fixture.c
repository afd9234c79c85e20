/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "upload-fixture.h"

#include "await.h"
#include "common/names.h"

#include <gio/gunixfdlist.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void
upload_fixture_set_up (UploadFixture *f, gconstpointer data)
{
  bus_fixture_set_up (&f->bus, data);
  f->session = bus_fixture_open_session (&f->bus, f->bus.app, "s", "@a{sv} {}");
}

void
upload_fixture_tear_down (UploadFixture *f, gconstpointer data)
{
  g_clear_pointer (&f->session, g_free);
  bus_fixture_tear_down (&f->bus, data);
}

GVariant *
upload_fixture_call (UploadFixture *f,
                     GDBusConnection *client,
                     const char *session,
                     const char *method,
                     GVariant *arguments,
                     const int *fds,
                     GError **error)
{
  g_autoptr (GUnixFDList) list = g_unix_fd_list_new ();

  for (guint i = 0; fds != NULL && fds[i] >= 0; i++)
    {
      g_assert_cmpint (g_unix_fd_list_append (list, fds[i], NULL), ==, (int)i);
      close (fds[i]);
    }

  return bus_fixture_call_full (&f->bus,
                                client,
                                session,
                                TRUNDLE_INTERFACE_SESSION,
                                method,
                                arguments,
                                list,
                                NULL,
                                error);
}

static GVariant *
create (UploadFixture *f, const char *options, const int *fds, GError **error)
{
  g_autoptr (GError) parse_error = NULL;
  g_autoptr (GVariant) dict = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, options, NULL, NULL, &parse_error);

  g_assert_no_error (parse_error);
  return upload_fixture_call (f,
                              f->bus.app,
                              f->session,
                              "CreateUploadTask",
                              g_variant_new ("(s@a{sv})", "http://localhost/up", dict),
                              fds,
                              error);
}

TrdTask *
upload_fixture_create (UploadFixture *f, const char *options, const int *fds)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = create (f, options, fds, &error);
  const char *path;

  g_assert_no_error (error);
  g_variant_get (reply, "(&o)", &path);
  return bus_fixture_find_task (&f->bus, path);
}

void
upload_fixture_refuse (UploadFixture *f,
                       const char *options,
                       const int *fds,
                       TrundleError code,
                       const char *word)
{
  g_autoptr (GError) error = NULL;
  guint n_before = upload_fixture_count_spool (f);
  g_autoptr (GVariant) reply = create (f, options, fds, &error);

  g_test_message ("%s: %s", options, error != NULL ? error->message : "taken");
  g_assert_null (reply);
  g_assert_error (error, TRUNDLE_ERROR, (int)code);
  g_assert_nonnull (strstr (error->message, word));
  g_assert_cmpuint (upload_fixture_count_spool (f), ==, n_before);
}

GVariant *
upload_fixture_get (UploadFixture *f, const TrdTask *task, const char *property)
{
  g_autofree char *path = trd_task_object_path (task->id);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;
  GVariant *value;

  reply = bus_fixture_call_full (&f->bus,
                                 f->bus.app,
                                 path,
                                 "org.freedesktop.DBus.Properties",
                                 "Get",
                                 g_variant_new ("(ss)", TRUNDLE_INTERFACE_TASK, property),
                                 NULL,
                                 NULL,
                                 &error);
  g_assert_no_error (error);
  g_variant_get (reply, "(v)", &value);
  return value;
}

void
upload_fixture_assert_property (UploadFixture *f,
                                const TrdTask *task,
                                const char *property,
                                const char *expected)
{
  g_autoptr (GVariant) value = upload_fixture_get (f, task, property);
  g_autofree char *text = g_variant_print (value, FALSE);

  g_assert_cmpstr (text, ==, expected);
}

TrdBody *
upload_fixture_load_body (UploadFixture *f, const TrdTask *task)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TrdTaskRow) row = trd_store_load_task (
      f->bus.core.env.store, task->id, &error);
  TrdBody *body;

  g_assert_no_error (error);
  g_assert_cmpint (row->kind, ==, TRUNDLE_KIND_UPLOAD);
  g_assert_nonnull (row->body);
  body = trd_body_from_variant (row->body, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (trd_body_get_size (body), ==, row->body_size);
  return body;
}

static void
append_piece (UploadFixture *f, GString *text, const TrdPiece *piece)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *buffer = NULL;
  int fd;

  if (piece->bytes != NULL)
    {
      g_string_append_len (text,
                           g_bytes_get_data (piece->bytes, NULL),
                           (gssize)g_bytes_get_size (piece->bytes));
      return;
    }

  fd = trd_sources_open (f->bus.core.env.spool, piece, &error);
  g_assert_no_error (error);
  buffer = g_malloc (piece->length);
  g_assert_cmpint (
      pread (fd, buffer, piece->length, (off_t)piece->offset), ==, (gssize)piece->length);
  g_string_append_len (text, buffer, (gssize)piece->length);
  close (fd);
}

char *
upload_fixture_read_body (UploadFixture *f, const TrdTask *task)
{
  g_autoptr (TrdBody) body = upload_fixture_load_body (f, task);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < body->pieces->len; i++)
    append_piece (f, text, g_ptr_array_index (body->pieces, i));

  return g_string_free (text, FALSE);
}

guint
upload_fixture_count_spool (UploadFixture *f)
{
  g_autofree char *path = g_build_filename (f->bus.core.directory, "spool", NULL);
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;
  guint n = 0;

  g_assert_nonnull (folder);
  while ((name = g_dir_read_name (folder)) != NULL)
    n += g_str_has_prefix (name, TRD_BODY_FILE_PREFIX);

  return n;
}

char *
upload_fixture_write_file (UploadFixture *f, const char *name, const char *text)
{
  g_autofree char *folder = g_build_filename (f->bus.core.directory, "own", NULL);
  char *path = g_build_filename (folder, name, NULL);

  g_mkdir_with_parents (folder, 0700);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

int
upload_fixture_make_memfd (const char *text)
{
  int fd = memfd_create ("test", MFD_CLOEXEC);

  g_assert_cmpint (write (fd, text, strlen (text)), ==, (gssize)strlen (text));
  return fd;
}
