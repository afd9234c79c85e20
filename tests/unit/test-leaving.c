/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "leaving.h"
#include "private-bus.h"

#include <signal.h>
#include <unistd.h>

#include <glib/gstdio.h>

/* A service that leaves whenever it has been idle for a moment, and callers who call at
 * any moment: every call must be answered, by this process or by its successor.  The
 * test's own program is the service as well. */

#define FIRST_NAME "org.example.Leaver"
#define SECOND_NAME "org.example.portal.Leaver"
#define OBJECT_PATH "/org/example/Leaver"
#define INTERFACE "org.example.Leaver"
#define IDLE_MS 4
#define N_CALLS 400
#define N_CALLERS 2

static const char introspection[]
    = "<node><interface name='" INTERFACE "'><method name='Echo'>"
      "<arg type='u' direction='in'/><arg type='u' direction='out'/>"
      "<arg type='u' direction='out'/></method></interface></node>";

typedef struct
{
  GMainLoop *loop;
  GDBusConnection *bus;
  guint idle_id;
  guint n_answering;
  gboolean is_leaving;
} Service;

typedef struct
{
  Service *service;
  GDBusMethodInvocation *invocation;
  guint number;
} Call;

static void
on_left (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Service *service = user_data;

  g_assert_cmpuint (service->n_answering, ==, 0);
  /* The bus may be gone: the test is over. */
  if (!trd_leaving_finish (result, NULL))
    g_assert_true (g_dbus_connection_is_closed (service->bus));
  g_main_loop_quit (service->loop);
}

static gboolean
is_answering (gpointer user_data)
{
  return ((Service *)user_data)->n_answering > 0;
}

static gboolean
on_idle (gpointer user_data)
{
  static const char *const names[] = { FIRST_NAME, SECOND_NAME, NULL };
  Service *service = user_data;
  TrdLeaving leaving = { service->bus, names, is_answering, service };

  service->idle_id = 0;
  service->is_leaving = TRUE;
  trd_leaving_async (&leaving, on_left, service);
  /* What systemd does as soon as the name is gone. */
  raise (SIGTERM);
  return G_SOURCE_REMOVE;
}

static void
start_idle (Service *service)
{
  g_clear_handle_id (&service->idle_id, g_source_remove);
  if (service->n_answering == 0 && !service->is_leaving)
    service->idle_id = g_timeout_add (IDLE_MS, on_idle, service);
}

static gboolean
on_answer (gpointer user_data)
{
  g_autofree Call *call = user_data;

  g_dbus_method_invocation_return_value (
      call->invocation, g_variant_new ("(uu)", call->number, (guint)getpid ()));
  call->service->n_answering--;
  start_idle (call->service);
  return G_SOURCE_REMOVE;
}

/* Every third answer takes a while, as one that waits for a commit does. */
static void
on_call (GDBusConnection *bus,
         const char *sender,
         const char *object_path,
         const char *interface,
         const char *method,
         GVariant *parameters,
         GDBusMethodInvocation *invocation,
         gpointer user_data)
{
  Call *call = g_new0 (Call, 1);

  call->service = user_data;
  call->invocation = invocation;
  g_variant_get (parameters, "(u)", &call->number);
  call->service->n_answering++;
  g_clear_handle_id (&call->service->idle_id, g_source_remove);
  if (call->number % 3 == 0)
    g_timeout_add (3, on_answer, call);
  else
    on_answer (call);
}

static int
run_service (void)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_call };
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GDBusConnection) bus = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, NULL);
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (introspection, NULL);
  Service service = { .loop = loop, .bus = bus };

  if (bus == NULL)
    return 1;
  g_dbus_connection_register_object (
      bus, OBJECT_PATH, node->interfaces[0], &vtable, &service, NULL, NULL);
  if (!test_bus_request_name (bus, FIRST_NAME)
      || !test_bus_request_name (bus, SECOND_NAME))
    return 1;
  start_idle (&service);
  g_main_loop_run (loop);
  return 0;
}

typedef struct
{
  GDBusConnection *bus;
  GHashTable *pids;
  guint n_begun;
  guint n_answered;
  guint n_lost;
} Callers;

static gboolean
on_next_call (gpointer user_data);

static void
on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Callers *callers = user_data;
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (
      G_DBUS_CONNECTION (source), result, &local_error);
  guint number;
  guint pid;

  if (reply != NULL)
    {
      g_variant_get (reply, "(uu)", &number, &pid);
      g_hash_table_add (callers->pids, GUINT_TO_POINTER (pid));
      callers->n_answered++;
    }
  else
    {
      g_test_message ("Lost: %s", local_error->message);
      callers->n_lost++;
    }
  g_timeout_add (g_test_rand_int_range (0, 4 * IDLE_MS), on_next_call, callers);
}

static gboolean
on_next_call (gpointer user_data)
{
  Callers *callers = user_data;
  guint number = callers->n_begun;

  if (number == N_CALLS)
    return G_SOURCE_REMOVE;
  callers->n_begun++;

  g_dbus_connection_call (callers->bus,
                          number % 2 ? FIRST_NAME : SECOND_NAME,
                          OBJECT_PATH,
                          INTERFACE,
                          "Echo",
                          g_variant_new ("(u)", number),
                          G_VARIANT_TYPE ("(uu)"),
                          G_DBUS_CALL_FLAGS_NONE,
                          -1,
                          NULL,
                          on_reply,
                          callers);
  return G_SOURCE_REMOVE;
}

static void
remove_service_file (const char *directory, const char *name)
{
  g_autofree char *file = g_strconcat (name, ".service", NULL);
  g_autofree char *path = g_build_filename (directory, file, NULL);

  g_remove (path);
}

static void
test_no_call_lost (gconstpointer program)
{
  g_autofree char *directory = g_dir_make_tmp ("trundle-leaving-XXXXXX", NULL);
  g_autoptr (GTestDBus) test_bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_autoptr (GHashTable) pids = g_hash_table_new (NULL, NULL);
  g_autofree char *command = g_strdup_printf ("%s --service", (const char *)program);
  Callers callers = { .pids = pids };

  test_bus_write_service_file (directory, FIRST_NAME, command);
  test_bus_write_service_file (directory, SECOND_NAME, command);
  g_test_dbus_add_service_dir (test_bus, directory);
  g_test_dbus_up (test_bus);
  callers.bus = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, NULL);

  for (guint i = 0; i < N_CALLERS; i++)
    on_next_call (&callers);
  while (callers.n_answered + callers.n_lost < N_CALLS)
    g_main_context_iteration (NULL, TRUE);

  g_test_message ("%u processes answered", g_hash_table_size (pids));
  g_assert_cmpuint (callers.n_lost, ==, 0);
  g_assert_cmpuint (callers.n_answered, ==, N_CALLS);
  g_assert_cmpuint (g_hash_table_size (pids), >=, 20);

  g_clear_object (&callers.bus);
  g_test_dbus_down (test_bus);
  remove_service_file (directory, FIRST_NAME);
  remove_service_file (directory, SECOND_NAME);
  g_rmdir (directory);
}

int
main (int argc, char **argv)
{
  g_autofree char *program = NULL;

  if (argc > 1 && g_str_equal (argv[1], "--service"))
    return run_service ();

  g_test_init (&argc, &argv, NULL);
  program = g_canonicalize_filename (argv[0], NULL);
  g_test_add_data_func ("/leaving/no-call-lost", program, test_no_call_lost);

  return g_test_run ();
}
