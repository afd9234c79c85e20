/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* CancelByProducingResumeData and `resume-data`, as callers hear of them; and that what
 * one app has left is for no other (law 8). */

#include "config.h"

#include "await.h"
#include "bus-fixture.h"
#include "common/names.h"

/* A task of @client that has received four of ten bytes and waits. */
static char *
begin (BusFixture *f, GDBusConnection *client, const char *session)
{
  FakeTransport *transport = f->core.transport;
  char *path = bus_fixture_create_task (f, client, session, "{'start': <true>}");
  TrdTask *task = bus_fixture_find_task (f, path);
  TrdOutcome *outcome = trd_outcome_new_failed (TRUNDLE_ERROR_CONNECTION_LOST, "Cut");

  test_await (fake_transport_is_running (transport, task->id));
  fake_transport_respond (
      transport,
      task->id,
      g_variant_new_parsed ("{'status': <@u 200>, 'content-length': <@x 10>,"
                            " 'headers': <[('ETag', '\"v1\"')]>}"));
  fake_transport_write (transport, task->id, "0123", 4);
  outcome->received = 4;
  fake_transport_take_done (transport, task->id, outcome);
  test_await (task->state == TRUNDLE_TASK_QUEUED);

  return path;
}

/* (transfer full): an `ay` */
static GVariant *
produce (BusFixture *f, GDBusConnection *client, const char *task)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = bus_fixture_call (f,
                                                 client,
                                                 task,
                                                 TRUNDLE_INTERFACE_TASK,
                                                 "CancelByProducingResumeData",
                                                 NULL,
                                                 &error);

  g_assert_no_error (error);
  return g_variant_get_child_value (reply, 0);
}

/* The path, or NULL with @error.  (transfer full) */
static char *
go_on (BusFixture *f,
       GDBusConnection *client,
       const char *session,
       GVariant *data,
       GError **error)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) reply = NULL;
  char *path;

  g_variant_dict_insert_value (&dict, "resume-data", data);
  reply = bus_fixture_call_full (
      f,
      client,
      session,
      TRUNDLE_INTERFACE_SESSION,
      "CreateDownloadTask",
      g_variant_new ("(s@a{sv})", "", g_variant_dict_end (&dict)),
      NULL,
      NULL,
      error);
  if (reply == NULL)
    return NULL;

  g_variant_get (reply, "(o)", &path);
  return path;
}

static void
goes_on (BusFixture *f, gconstpointer data)
{
  g_autofree char *session = bus_fixture_open_session (f, f->app, "s", "@a{sv} {}");
  g_autofree char *first = begin (f, f->app, session);
  g_autoptr (GVariant) left = produce (f, f->app, first);
  g_autoptr (GError) error = NULL;
  g_autofree char *second = go_on (f, f->app, session, left, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_n_children (left), >, 100);
  g_assert_cmpstr (first, !=, second);
}

/* The reply is there, and the event says the same. */
static void
event_says_the_same (BusFixture *f, gconstpointer data)
{
  g_autofree char *session = bus_fixture_open_session (f, f->app, "s", "@a{sv} {}");
  g_autofree char *first = begin (f, f->app, session);
  g_autoptr (GVariant) left = produce (f, f->app, first);
  g_autoptr (GVariant) events = bus_fixture_ask_session (
      f, f->app, session, "ListEvents", "(@t 0, @u 0)");
  g_autoptr (GVariant) list = g_variant_get_child_value (events, 0);
  g_autoptr (GVariant) event = NULL;
  g_autoptr (GVariant) details = NULL;
  g_autoptr (GVariant) told = NULL;

  g_assert_cmpuint (g_variant_n_children (list), ==, 1);
  event = g_variant_get_child_value (list, 0);
  details = g_variant_get_child_value (event, 3);
  told = g_variant_lookup_value (details, "resume-data", G_VARIANT_TYPE_BYTESTRING);
  g_assert_cmpvariant (told, left);
}

static void
nothing_is_an_empty_array (BusFixture *f, gconstpointer data)
{
  g_autofree char *session = bus_fixture_open_session (f, f->app, "s", "@a{sv} {}");
  g_autofree char *task = bus_fixture_create_task (f, f->app, session, "@a{sv} {}");
  g_autoptr (GVariant) left = produce (f, f->app, task);

  g_assert_true (g_variant_is_of_type (left, G_VARIANT_TYPE_BYTESTRING));
  g_assert_cmpuint (g_variant_n_children (left), ==, 0);
}

static void
finished_is_bad_state (BusFixture *f, gconstpointer data)
{
  g_autofree char *session = bus_fixture_open_session (f, f->app, "s", "@a{sv} {}");
  g_autofree char *task = bus_fixture_create_task (f, f->app, session, "@a{sv} {}");
  g_autoptr (GVariant) left = produce (f, f->app, task);
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (left);
  reply = bus_fixture_call (f,
                            f->app,
                            task,
                            TRUNDLE_INTERFACE_TASK,
                            "CancelByProducingResumeData",
                            NULL,
                            &error);
  g_assert_null (reply);
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_BAD_STATE);
}

/* Both answers are the same to the letter. */
static void
stranger_learns_nothing (BusFixture *f, gconstpointer data)
{
  g_autofree char *session = bus_fixture_open_session (f, f->app, "s", "@a{sv} {}");
  g_autofree char *other = bus_fixture_open_session (f, f->stranger, "s", "@a{sv} {}");
  g_autofree char *first = begin (f, f->app, session);
  g_autofree char *second = begin (f, f->app, session);
  g_autoptr (GVariant) there = produce (f, f->app, first);
  g_autoptr (GVariant) spent = produce (f, f->app, second);
  g_autofree char *taken = go_on (f, f->app, session, spent, NULL);
  g_autofree char *stolen = NULL;
  g_autofree char *again = NULL;
  g_autofree char *kept = NULL;
  g_autoptr (GError) foreign = NULL;
  g_autoptr (GError) missing = NULL;

  g_assert_nonnull (taken);
  stolen = go_on (f, f->stranger, other, there, &foreign);
  again = go_on (f, f->stranger, other, spent, &missing);
  g_assert_null (stolen);
  g_assert_null (again);
  g_assert_error (foreign, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_RESUME_DATA);
  g_assert_cmpstr (foreign->message, ==, missing->message);
  kept = go_on (f, f->app, session, there, NULL);
  g_assert_nonnull (kept);
}

/* What is there is the beginning of a file: no file for anybody. */
static void
is_no_file (BusFixture *f, gconstpointer data)
{
  g_autofree char *session = bus_fixture_open_session (f, f->app, "s", "@a{sv} {}");
  g_autofree char *task = begin (f, f->app, session);
  g_autoptr (GVariant) left = produce (f, f->app, task);
  g_autofree char *taken = NULL;

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) reply = bus_fixture_call (
          f, f->app, task, TRUNDLE_INTERFACE_TASK, "OpenFile", NULL, &error);

      g_assert_null (reply);
      g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_FILE_NOT_FOUND);
      if (taken == NULL)
        taken = go_on (f, f->app, session, left, NULL);
    }
}

#define add(name, func)                                                                  \
  g_test_add (                                                                           \
      "/kept/" name, BusFixture, NULL, bus_fixture_set_up, func, bus_fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add ("goes-on", goes_on);
  add ("event", event_says_the_same);
  add ("nothing", nothing_is_an_empty_array);
  add ("finished", finished_is_bad_state);
  add ("law-8/stranger", stranger_learns_nothing);
  add ("no-file", is_no_file);

  return g_test_run ();
}
