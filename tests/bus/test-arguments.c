/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bad input ends at the gate: it is refused by name, makes nothing, and no value of the
 * right signature brings the service down. */

#include "config.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <string.h>
#include <unistd.h>

#include "await.h"
#include "bus-fixture.h"
#include "common/names.h"
#include "common/vocabulary.h"
#include "random-variant.h"

#define NONE "@a{sv} {}"
#define URL "http://localhost/f"
#define N_ROUNDS 2000

typedef struct
{
  BusFixture bus;
  char *session; /* (owned) */
  char *task;    /* (owned): finished with success, its file in the spool */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  BusFixture *bus = &fixture->bus;
  TrdTask *task;

  bus_fixture_set_up (bus, data);
  fixture->session = bus_fixture_open_session (bus, bus->app, "s", NONE);
  fixture->task = bus_fixture_create_task (
      bus, bus->app, fixture->session, "{'start': <true>}");
  task = bus_fixture_find_task (bus, fixture->task);
  core_fixture_complete (&bus->core, task, "body");
  test_await (trd_task_is_finished (task));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_pointer (&fixture->session, g_free);
  g_clear_pointer (&fixture->task, g_free);
  bus_fixture_tear_down (&fixture->bus, data);
}

static guint
count_sessions (Fixture *fixture)
{
  g_autoptr (GPtrArray) sessions = trd_registry_list_sessions (
      fixture->bus.core.registry);

  return sessions->len;
}

static guint
count_tasks (Fixture *fixture)
{
  gint64 id = g_ascii_strtoll (strrchr (fixture->session, '/') + 1, NULL, 10);
  TrdSession *session = trd_registry_find_session (fixture->bus.core.registry, id);

  return g_hash_table_size (session->tasks);
}

/* ---- keys ---- */

/* A method with a dictionary of options, and how to put one in. */
typedef struct
{
  const char *method;
  guint scopes;
  GVariant *(*wrap) (GVariant *dict);
} Taker;

static GVariant *
wrap_identifier (GVariant *dict)
{
  return g_variant_new ("(s@a{sv})", "another", dict);
}

static GVariant *
wrap_alone (GVariant *dict)
{
  return g_variant_new ("(@a{sv})", dict);
}

static GVariant *
wrap_url (GVariant *dict)
{
  return g_variant_new ("(s@a{sv})", URL, dict);
}

/* The second of two, of which the first is good. */
static GVariant *
wrap_batch (GVariant *dict)
{
  return g_variant_new_parsed ("([{'url': <%s>}, %@a{sv}],)", URL, dict);
}

static GVariant *
wrap_move (GVariant *dict)
{
  return g_variant_new ("(hs@a{sv})", 0, "name", dict);
}

static GVariant *
wrap_space (GVariant *dict)
{
  return g_variant_new_parsed ("(%@a{sv}, {'user': <'u'>, 'password': <'p'>})", dict);
}

static GVariant *
wrap_credential (GVariant *dict)
{
  return g_variant_new_parsed ("({'host': <'a.b'>}, %@a{sv})", dict);
}

static GVariant *
wrap_answer (GVariant *dict)
{
  return g_variant_new ("(ss@a{sv})", "1", "use-credential", dict);
}

static const Taker takers[] = {
  { "OpenSession", TRUNDLE_SCOPE_CONFIGURATION | TRUNDLE_SCOPE_OPEN, wrap_identifier },
  { "Configure", TRUNDLE_SCOPE_CONFIGURATION, wrap_alone },
  { "CreateDownloadTask", TRUNDLE_SCOPE_TASK, wrap_url },
  { "CreateUploadTask", TRUNDLE_SCOPE_UPLOAD, wrap_url },
  { "CreateTasks", TRUNDLE_SCOPE_TASK | TRUNDLE_SCOPE_BATCH, wrap_batch },
  { "ListTasks", TRUNDLE_SCOPE_FILTER, wrap_alone },
  { "CancelTasks", TRUNDLE_SCOPE_FILTER, wrap_alone },
  { "Attach", TRUNDLE_SCOPE_ATTACH, wrap_alone },
  { "MoveFile", TRUNDLE_SCOPE_MOVE, wrap_move },
  { "UpdateRequest", TRUNDLE_SCOPE_REQUEST, wrap_alone },
  { "SetCredential", TRUNDLE_SCOPE_SPACE, wrap_space },
  { "SetCredential", TRUNDLE_SCOPE_CREDENTIAL, wrap_credential },
  { "RemoveCredential", TRUNDLE_SCOPE_SPACE, wrap_alone },
  { "RespondToChallenge", TRUNDLE_SCOPE_CREDENTIAL, wrap_answer },
  { "ListHistory", TRUNDLE_SCOPE_HISTORY, wrap_alone },
};

/* Calls with the folder "/" as the only descriptor. */
static GVariant *
call_taker (Fixture *fixture, const Taker *taker, GVariant *dict, GError **error)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  gboolean is_control = g_str_equal (taker->method, "ListHistory");
  gboolean is_manager = is_control || g_str_equal (taker->method, "OpenSession");
  gboolean is_task = g_str_equal (taker->method, "MoveFile")
                     || g_str_equal (taker->method, "RespondToChallenge")
                     || g_str_equal (taker->method, "UpdateRequest");
  int fd = open (fixture->bus.core.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  g_unix_fd_list_append (fds, fd, NULL);
  close (fd);
  return bus_fixture_call_full (&fixture->bus,
                                fixture->bus.app,
                                is_manager ? TRUNDLE_OBJECT_PATH
                                : is_task  ? fixture->task
                                           : fixture->session,
                                is_control   ? TRUNDLE_INTERFACE_CONTROL
                                : is_manager ? TRUNDLE_INTERFACE_MANAGER
                                : is_task    ? TRUNDLE_INTERFACE_TASK
                                             : TRUNDLE_INTERFACE_SESSION,
                                taker->method,
                                taker->wrap (dict),
                                fds,
                                NULL,
                                error);
}

static void
refuse_key (Fixture *fixture, const Taker *taker, const char *key, GVariant *value)
{
  g_autoptr (GError) error = NULL;
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) reply = NULL;

  g_variant_dict_insert_value (&dict, key, value);
  reply = call_taker (fixture, taker, g_variant_dict_end (&dict), &error);

  g_test_message ("%s, %s", taker->method, key);
  g_assert_null (reply);
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, key));
  if (g_str_equal (taker->method, "CreateTasks"))
    g_assert_nonnull (strstr (error->message, "Task 1: "));
}

static void
test_keys (Fixture *fixture, gconstpointer data)
{
  const Taker *taker = data;
  gsize n_words;
  const TrundleWord *words = trundle_vocabulary_words (&n_words);

  refuse_key (fixture, taker, "no-such-key", g_variant_new_boolean (TRUE));
  /* No key takes a byte; and every key belongs to some only. */
  for (gsize i = 0; i < n_words; i++)
    refuse_key (fixture, taker, words[i].key, g_variant_new_byte (1));

  g_assert_cmpuint (count_sessions (fixture), ==, 1);
  g_assert_cmpuint (count_tasks (fixture), ==, 1);
}

/* ---- destinations ---- */

static void
refuse_task (Fixture *fixture,
             const char *session,
             const char *options,
             int fd,
             TrundleError code,
             const char *word)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autoptr (GVariant) dict = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, options, NULL, NULL, &error);
  g_autoptr (GVariant) reply = NULL;

  g_assert_no_error (error);
  if (fd >= 0)
    g_unix_fd_list_append (fds, fd, NULL);
  reply = bus_fixture_call_full (&fixture->bus,
                                 fixture->bus.app,
                                 session,
                                 TRUNDLE_INTERFACE_SESSION,
                                 "CreateDownloadTask",
                                 wrap_url (dict),
                                 fds,
                                 NULL,
                                 &error);
  g_test_message ("%s: %s", options, error != NULL ? error->message : "taken");
  g_assert_null (reply);
  g_assert_error (error, TRUNDLE_ERROR, (int)code);
  g_assert_nonnull (strstr (error->message, word));
  g_assert_cmpuint (count_tasks (fixture), ==, 1);
}

static void
test_destinations (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *options;
    const char *word;
  } rows[] = {
    { "{'destination': <handle 0>, 'destination-name': <'a'>, "
      "'destination-path': <'/tmp/a'>}",
      "destination" },
    { "{'destination': <handle 0>}", "destination-name" },
    { "{'destination-name': <'a'>}", "destination" },
    { "{'destination-path': <'a/b'>}", "destination-path" },
    { "{'destination-path': <''>}", "destination-path" },
    { "{'destination': <handle 0>, 'destination-name': <'a/b'>}", "destination-name" },
    { "{'destination': <handle 0>, 'destination-name': <'..'>}", "destination-name" },
    { "{'destination': <handle 1>, 'destination-name': <'a'>}", "destination" },
    { "{'destination': <handle -1>, 'destination-name': <'a'>}", "destination" },
    { "{'if-exists': <'never'>}", "if-exists" },
  };
  int fd = open (fixture->bus.core.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int file_fd = open ("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  const char *good = "{'destination': <handle 0>, 'destination-name': <'a'>}";
  g_autofree char *other = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    refuse_task (fixture,
                 fixture->session,
                 rows[i].options,
                 fd,
                 TRUNDLE_ERROR_INVALID_ARGUMENT,
                 rows[i].word);
  refuse_task (
      fixture, fixture->session, good, file_fd, TRUNDLE_ERROR_INVALID_ARGUMENT, "");
  refuse_task (fixture, fixture->session, good, -1, TRUNDLE_ERROR_INVALID_ARGUMENT, "");
  close (file_fd);
  close (fd);

  other = bus_fixture_open_session (
      &fixture->bus, fixture->bus.app, "auto", "{'auto-complete': <true>}");
  refuse_task (
      fixture, other, NONE, -1, TRUNDLE_ERROR_INVALID_ARGUMENT, "destination-path");
}

/* ---- anything ---- */

static GVariant *
call_anything (Fixture *fixture, GRand *random, GError **error)
{
  const char *const interfaces[]
      = { TRUNDLE_INTERFACE_MANAGER, TRUNDLE_INTERFACE_SESSION, TRUNDLE_INTERFACE_TASK };
  g_autofree char *fresh = NULL;
  int which = g_rand_int_range (random, 0, G_N_ELEMENTS (interfaces));
  g_autoptr (GDBusInterfaceInfo) info = bus_fixture_load_interface (interfaces[which]);
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  g_autofree char *type = NULL;
  guint n = 0;
  const char *path = TRUNDLE_OBJECT_PATH;

  while (info->methods[n] != NULL)
    n++;
  n = (guint)g_rand_int_range (random, 0, (gint32)n);
  type = random_variant_type_of_arguments (info->methods[n]);
  g_unix_fd_list_append (fds, STDERR_FILENO, NULL);
  if (which > 0)
    {
      /* What was there may be invalidated by now, by ourselves. */
      fresh = bus_fixture_open_session (&fixture->bus, fixture->bus.app, "any", NONE);
      path = fresh;
    }
  if (which == 2)
    path = fixture->task;

  return bus_fixture_call_full (&fixture->bus,
                                fixture->bus.app,
                                path,
                                interfaces[which],
                                info->methods[n]->name,
                                random_variant (random, type),
                                fds,
                                NULL,
                                error);
}

static void
test_random (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (17);
  guint n_replies = 0;

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) reply = call_anything (fixture, random, &error);

      n_replies += reply != NULL;
      if (reply == NULL && error->domain != TRUNDLE_ERROR)
        g_error ("Round %u: %s", i, error->message);
      /* Nothing that a caller says is our own failure. */
      if (g_error_matches (error, TRUNDLE_ERROR, TRUNDLE_ERROR_FAILED))
        g_error ("Round %u: %s", i, error->message);
    }
  g_test_message ("%u of %d succeeded", n_replies, N_ROUNDS);
  g_assert_cmpuint (n_replies, >, 100);
}

/* What is cleared is what was asked for, and a limit is none of that. */
static void
test_clear_history (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  reply = bus_fixture_call (&fixture->bus,
                            fixture->bus.app,
                            TRUNDLE_OBJECT_PATH,
                            TRUNDLE_INTERFACE_CONTROL,
                            "ClearHistory",
                            "({'limit': <uint32 1>},)",
                            &error);
  g_assert_null (reply);
  g_assert_error (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (takers); i++)
    {
      g_autofree char *path = g_strdup_printf (
          "/arguments/keys/%s/%u", takers[i].method, i);

      g_test_add (path, Fixture, &takers[i], set_up, test_keys, tear_down);
    }
  g_test_add (
      "/arguments/destinations", Fixture, NULL, set_up, test_destinations, tear_down);
  g_test_add (
      "/arguments/clear-history", Fixture, NULL, set_up, test_clear_history, tear_down);
  g_test_add ("/arguments/random", Fixture, NULL, set_up, test_random, tear_down);

  return g_test_run ();
}
