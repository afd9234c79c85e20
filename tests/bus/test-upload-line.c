/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who stands in a line while what others send is read: nobody but a sandbox behind
 * itself, and nobody for ever. */

#include "config.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <unistd.h>

#include "await.h"
#include "common/error.h"
#include "common/names.h"
#include "upload-fixture.h"

#define N_CALLS 5

/* A sandbox that has begun uploads of pipes into which nobody has written yet. */
typedef struct
{
  UploadFixture *f;
  GDBusConnection *client; /* (owned) */
  char *session;           /* (owned) */
  guint n;
  GAsyncResult *results[N_CALLS]; /* (owned) (nullable): once answered */
  int writers[N_CALLS];           /* (owned): -1 once closed */
} Sandbox;

static void
begin (Sandbox *self)
{
  g_autoptr (GUnixFDList) list = g_unix_fd_list_new ();
  int ends[2];

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  g_unix_fd_list_append (list, ends[0], NULL);
  close (ends[0]);
  self->writers[self->n] = ends[1];
  g_dbus_connection_call_with_unix_fd_list (
      self->client,
      TRUNDLE_BUS_NAME,
      self->session,
      TRUNDLE_INTERFACE_SESSION,
      "CreateUploadTask",
      g_variant_new_parsed ("('http://localhost/', {'body': <handle 0>})"),
      NULL,
      G_DBUS_CALL_FLAGS_NONE,
      -1,
      list,
      NULL,
      test_take_result,
      &self->results[self->n]);
  self->n++;
}

static void
set_up (Sandbox *self, UploadFixture *f, guint n)
{
  self->f = f;
  self->client = bus_fixture_connect_as (
      &f->bus, BUS_FIXTURE_FLATPAK ("org.example.C", "network;"), NULL);
  self->session = bus_fixture_open_session (&f->bus, self->client, "c", "@a{sv} {}");
  while (self->n < n)
    begin (self);
  bus_fixture_drain (&f->bus, self->client);
}

static void
end (Sandbox *self, guint index)
{
  close (self->writers[index]);
  self->writers[index] = -1;
}

/* How the call ended; -1 for well. */
static int
finish (Sandbox *self, guint index)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;

  test_await (self->results[index] != NULL);
  reply = g_dbus_connection_call_with_unix_fd_list_finish (
      self->client, NULL, self->results[index], &error);
  g_clear_object (&self->results[index]);
  g_assert_true (reply != NULL || error->domain == TRUNDLE_ERROR);
  return reply != NULL ? -1 : error->code;
}

static void
tear_down (Sandbox *self)
{
  for (guint i = 0; i < self->n; i++)
    if (self->writers[i] >= 0)
      close (self->writers[i]);
  g_dbus_connection_close_sync (self->client, NULL, NULL);
  g_object_unref (self->client);
  g_free (self->session);
}

/* Three calls of one sandbox: the third is read once another has ended; and nobody else
 * waits for them. */
static void
test_third (UploadFixture *f, gconstpointer data)
{
  Sandbox sandbox = { 0 };

  set_up (&sandbox, f, 3);
  upload_fixture_create (f, "{'body-bytes': <b'a'>}", NULL);

  end (&sandbox, 2);
  bus_fixture_drain (&f->bus, sandbox.client);
  g_assert_null (sandbox.results[2]);
  end (&sandbox, 0);
  test_await (sandbox.results[0] != NULL && sandbox.results[2] != NULL);
  g_assert_null (sandbox.results[1]);
  end (&sandbox, 1);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpint (finish (&sandbox, i), ==, -1);
  tear_down (&sandbox);
}

/* The session goes while some are read and others stand in the line: all are answered,
 * whoever is to leave next, and nothing is left of what was read. */
static void
test_session_gone (UploadFixture *f, gconstpointer data)
{
  Sandbox sandbox = { 0 };
  g_autoptr (GVariant) reply = NULL;

  set_up (&sandbox, f, N_CALLS);
  reply = upload_fixture_call (
      f, sandbox.client, sandbox.session, "InvalidateAndCancel", NULL, NULL, NULL);
  g_assert_nonnull (reply);

  end (&sandbox, 0);
  end (&sandbox, 1);
  for (guint i = 0; i < N_CALLS; i++)
    g_assert_cmpint (finish (&sandbox, i), ==, TRUNDLE_ERROR_NOT_FOUND);
  g_assert_cmpuint (upload_fixture_count_spool (f), ==, 0);
  g_assert_cmpuint (trd_gate_count_calls (f->bus.gate), ==, 0);
  tear_down (&sandbox);
}

#define ADD(path, test)                                                                  \
  g_test_add ("/upload-line/" path,                                                      \
              UploadFixture,                                                             \
              NULL,                                                                      \
              upload_fixture_set_up,                                                     \
              test,                                                                      \
              upload_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("third", test_third);
  ADD ("session-gone", test_session_gone);

  return g_test_run ();
}
