/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The one gate: identify, own, dispatch.  Exactly three registrations: the manager's
 * object and the subtrees of sessions and tasks, so that ten thousand tasks cost nothing.
 * With no property functions given, Get, GetAll and Set arrive as method calls and pass
 * through here like all others.
 *
 * Law 8.  What GDBus answers by itself (unknown members, wrong types, Introspect) it
 * answers from what introspect() says, which is the same for every name below a subtree,
 * whether the object exists or not; what reaches us is NotFound in the same words for a
 * missing object and for somebody else's.  Only enumerate() differs by caller. */

#include "config.h"

#include "face/gate.h"

#include "common/names.h"
#include "face/adopting.h"
#include "face/bodies.h"
#include "face/face.h"
#include "face/outlet.h"
#include "face/secret-fd.h"

#include "trundle-introspection.h"

#include <string.h>

#define XML_PREFIX "/org/freedesktop/BackgroundTransfer1/"

struct _TrdGate
{
  GObject parent;
  GDBusConnection *bus;  /* (owned) */
  TrdRegistry *registry; /* (owned) */
  TrdCourier *courier;   /* (owned) */
  TrdFaceOutlet *outlet; /* (owned) (nullable): NULL once closed, as the next */
  TrdPeers *peers;       /* (owned) (nullable) */
  GHashTable *moves;     /* (owned) (element-type gint64): tasks whose file moves */
  GDBusInterfaceInfo *manager_info; /* (owned), as the next three */
  GDBusInterfaceInfo *control_info;
  GDBusInterfaceInfo *session_info;
  GDBusInterfaceInfo *task_info;
  guint manager_id; /* registrations, 0 for none */
  guint control_id;
  guint sessions_id;
  guint tasks_id;
  guint n_calls;         /* not answered yet */
  TrdAdopting *adopting; /* (owned) */
};

enum
{
  ACTIVITY,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (TrdGate, trd_gate, G_TYPE_OBJECT)

static const TrdFace *const faces[]
    = { &trd_manager_face, &trd_control_face, &trd_session_face, &trd_task_face };

/* ---- dispatching ---- */

static const TrdFace *
find_face (const char *interface)
{
  for (guint i = 0; i < G_N_ELEMENTS (faces); i++)
    if (g_str_equal (faces[i]->interface, interface))
      return faces[i];

  return NULL;
}

/* The number at the end of an object path, written the way we write it; else 0. */
static gint64
id_of_path (const char *path)
{
  const char *node = strrchr (path, '/') + 1;
  guint64 id;

  if (*node == '0' || !g_ascii_string_to_unsigned (node, 10, 1, G_MAXINT64, &id, NULL))
    return 0;

  return (gint64)id;
}

static const TrdProperty *
find_property (const TrdFace *face, const char *name)
{
  for (guint i = 0; i < face->n_properties; i++)
    if (g_str_equal (face->properties[i].name, name))
      return &face->properties[i];

  return NULL;
}

static void
handle_get (const TrdFace *face, gpointer object, TrdCall *call)
{
  g_autoptr (GVariant) value = NULL;
  const TrdProperty *property;
  GError *error = NULL;
  const char *name;
  gpointer view;

  g_variant_get (call->parameters, "(&s&s)", NULL, &name);
  property = find_property (face, name);
  g_assert (property != NULL);
  view = face->load (call->gate, object, &error);
  if (view == NULL)
    {
      trd_call_return_error (call, error);
      return;
    }

  value = g_variant_take_ref (property->get (view));
  face->unload (view);
  trd_call_return (call, g_variant_new ("(v)", value));
}

static void
handle_get_all (const TrdFace *face, gpointer object, TrdCall *call)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  GError *error = NULL;
  gpointer view = face->load (call->gate, object, &error);

  if (view == NULL)
    {
      trd_call_return_error (call, error);
      return;
    }

  for (guint i = 0; i < face->n_properties; i++)
    {
      g_autoptr (GVariant) value = g_variant_take_ref (face->properties[i].get (view));

      g_variant_builder_add (&builder, "{sv}", face->properties[i].name, value);
    }
  face->unload (view);
  trd_call_return (call, g_variant_new ("(a{sv})", &builder));
}

/* GDBus has refused what is read-only or of another type already. */
static void
handle_set (const TrdFace *face, gpointer object, TrdCall *call)
{
  g_autoptr (GVariant) value = NULL;
  const TrdProperty *property;
  GError *error = NULL;
  const char *name;

  g_variant_get (call->parameters, "(&s&sv)", NULL, &name, &value);
  property = find_property (face, name);
  g_assert (property != NULL && property->set != NULL);
  if (property->set (object, call, value, &error))
    trd_call_return (call, NULL);
  else
    trd_call_return_error (call, error);
}

static const struct
{
  const char *name;
  void (*handle) (const TrdFace *face, gpointer object, TrdCall *call);
} property_methods[] = {
  { "Get", handle_get },
  { "GetAll", handle_get_all },
  { "Set", handle_set },
};

static void
dispatch_property (const TrdFace *face, gpointer object, TrdCall *call)
{
  const char *name = g_dbus_method_invocation_get_method_name (call->invocation);

  for (guint i = 0; i < G_N_ELEMENTS (property_methods); i++)
    if (g_str_equal (property_methods[i].name, name))
      {
        property_methods[i].handle (face, object, call);
        return;
      }

  g_assert_not_reached ();
}

static void
dispatch (TrdCall *call);

/* @parameters with another value at @index.  Floating. */
static GVariant *
replace_child (GVariant *parameters, guint index, GVariant *value)
{
  gsize n = g_variant_n_children (parameters);
  g_autoptr (GPtrArray) children = g_ptr_array_new_with_free_func (
      (GDestroyNotify)g_variant_unref);

  for (gsize i = 0; i < n; i++)
    g_ptr_array_add (children,
                     i == index ? g_variant_ref (value)
                                : g_variant_get_child_value (parameters, i));

  return g_variant_new_tuple ((GVariant *const *)children->pdata, n);
}

typedef struct
{
  TrdCall *call; /* (owned) until it is answered */
  guint options;
} Reading;

/* From the beginning: the object may be gone. */
static void
on_secrets_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Reading *self = user_data;
  TrdCall *call = self->call;
  GError *error = NULL;
  g_autoptr (GVariant) options = trd_secret_fd_read_finish (result, &error);
  g_autoptr (GVariant) before = NULL;

  if (options == NULL)
    {
      trd_call_return_error (call, error);
      return;
    }

  before = g_steal_pointer (&call->parameters);
  call->parameters = g_variant_ref_sink (replace_child (before, self->options, options));
  dispatch (call);
}

/* Reads what came as descriptors; FALSE when nothing did. */
static gboolean
read_secrets (const TrdMethod *method, TrdCall *call)
{
  g_autoptr (GVariant) options = NULL;
  Reading *reading;

  if (method->scopes == 0)
    return FALSE;
  options = g_variant_get_child_value (call->parameters, method->options);
  if (!trd_secret_fd_is_in (options))
    return FALSE;

  reading = g_new0 (Reading, 1);
  reading->call = call;
  reading->options = method->options;
  trd_secret_fd_read_async (call, options, method->scopes, on_secrets_read, reading);
  return TRUE;
}

static void
on_secrets_kept (GObject *source, GAsyncResult *result, gpointer user_data)
{
  TrdCall *call = user_data;

  call->secrets = trd_secret_pool_prepare_finish (TRD_SECRET_POOL (source), result);
  dispatch (call);
}

/* Keeps the secrets that it brings; FALSE when there are none, or they are kept. */
static gboolean
keep_secrets (const TrdMethod *method, gpointer object, TrdCall *call)
{
  g_autoptr (GPtrArray) values = NULL;
  const TrdSession *session;

  if (method->find_secrets == NULL || call->secrets != NULL)
    return FALSE;
  values = method->find_secrets (object, call);
  if (values == NULL)
    return FALSE;

  session = method->get_session (object);
  trd_secret_pool_prepare_async (trd_registry_get_secret_pool (call->gate->registry),
                                 session->row->id,
                                 session->row->owner->app_id,
                                 values,
                                 on_secrets_kept,
                                 call);
  return TRUE;
}

static void
on_owner_known (GObject *source, GAsyncResult *result, gpointer user_data)
{
  TrdCall *call = user_data;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (
      G_DBUS_CONNECTION (source), result, NULL);
  gboolean is_there = FALSE;

  if (reply != NULL)
    g_variant_get (reply, "(b)", &is_there);
  if (is_there)
    dispatch (call);
  else
    trd_call_return_literal (
        call, TRUNDLE_ERROR_FAILED, "The caller left before it had an answer");
}

/* The end of a pipe may be that of an app that was to write more into it: half of
 * something is not sent. */
static void
make_sure_of_caller (TrdCall *call)
{
  g_dbus_connection_call (call->gate->bus,
                          "org.freedesktop.DBus",
                          "/org/freedesktop/DBus",
                          "org.freedesktop.DBus",
                          "NameHasOwner",
                          g_variant_new ("(s)", trd_call_get_sender (call)),
                          G_VARIANT_TYPE ("(b)"),
                          G_DBUS_CALL_FLAGS_NONE,
                          -1,
                          NULL,
                          on_owner_known,
                          call);
}

static void
on_bodies_adopted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  TrdCall *call = user_data;
  g_autoptr (TrdGate) self = g_object_ref (call->gate);
  GError *error = NULL;
  TrdCall *next;

  trd_adopting_leave (self->adopting, call->peer->owner);
  call->bodies = trd_bodies_adopt_finish (result, &error);
  if (call->bodies == NULL)
    trd_call_return_error (call, error);
  else if (trd_bodies_have_stream (call->bodies))
    make_sure_of_caller (call);
  else
    dispatch (call);
  /* From the beginning: the object may be gone. */
  while ((next = trd_adopting_next (self->adopting)) != NULL)
    dispatch (next);
}

/* Takes what it brings to be sent, soon; FALSE when there is nothing, or it was taken. */
static gboolean
adopt_bodies (const TrdMethod *method, TrdCall *call)
{
  g_autoptr (GVariant) value = NULL;

  if (!method->brings_bodies || call->bodies != NULL)
    return FALSE;
  value = g_variant_get_child_value (call->parameters, method->options);
  if (!trd_bodies_are_in (value))
    return FALSE;

  if (trd_adopting_enter (call->gate->adopting, call))
    trd_bodies_adopt_async (call, value, on_bodies_adopted, call);
  return TRUE;
}

static void
handle_method (const TrdMethod *method, gpointer object, TrdCall *call)
{
  if (method->needs_network && !call->peer->has_network)
    trd_call_return_literal (call,
                             TRUNDLE_ERROR_NOT_ALLOWED,
                             "The app's sandbox has no access to the network");
  else if (!read_secrets (method, call) && !keep_secrets (method, object, call)
           && !adopt_bodies (method, call))
    method->handle (object, call);
}

static void
dispatch_method (const TrdFace *face, gpointer object, TrdCall *call)
{
  const char *name = g_dbus_method_invocation_get_method_name (call->invocation);

  for (guint i = 0; i < face->n_methods; i++)
    if (g_str_equal (face->methods[i].name, name))
      {
        handle_method (&face->methods[i], object, call);
        return;
      }

  /* The contract test sees to it that this cannot be. */
  g_critical ("No handler for %s.%s", face->interface, name);
  trd_call_return_not_found (call);
}

static void
dispatch (TrdCall *call)
{
  GDBusMethodInvocation *invocation = call->invocation;
  const char *interface = g_dbus_method_invocation_get_interface_name (invocation);
  gboolean is_property = g_str_equal (interface, "org.freedesktop.DBus.Properties");
  const TrdFace *face;
  gpointer object;

  if (is_property)
    g_variant_get_child (call->parameters, 0, "&s", &interface);

  face = find_face (interface);
  g_assert (face != NULL);
  if (face->host_only && !trd_owner_is_host (call->peer->owner))
    {
      trd_call_return_literal (call,
                               TRUNDLE_ERROR_NOT_ALLOWED,
                               "This is only for programs outside of sandboxes");
      return;
    }
  object = face->find (call->gate,
                       id_of_path (g_dbus_method_invocation_get_object_path (invocation)),
                       call->peer->owner);
  if (object == NULL)
    trd_call_return_not_found (call);
  else if (is_property)
    dispatch_property (face, object, call);
  else
    dispatch_method (face, object, call);
}

/* ---- identifying ---- */

static void
on_identified (TrdPeer *peer, const GError *error, gpointer user_data)
{
  TrdCall *call = user_data;

  if (peer == NULL)
    {
      g_message (
          "A call of %s is refused: %s", trd_call_get_sender (call), error->message);
      trd_call_return_literal (
          call, TRUNDLE_ERROR_NOT_ALLOWED, "The caller cannot be identified");
      return;
    }

  call->peer = trd_peer_ref (peer);
  dispatch (call);
}

static void
on_call_ended (gpointer user_data)
{
  TrdGate *self = user_data;

  g_assert (self->n_calls > 0);
  self->n_calls--;
}

static void
on_method_call (GDBusConnection *bus,
                const char *sender,
                const char *path,
                const char *interface,
                const char *method,
                GVariant *parameters,
                GDBusMethodInvocation *invocation,
                gpointer user_data)
{
  TrdGate *self = user_data;
  TrdCall *call = trd_call_new (self, invocation, on_call_ended);

  /* The invocation was ours from the start; the call has a reference of its own. */
  g_object_unref (invocation);
  self->n_calls++;
  g_signal_emit (self, signals[ACTIVITY], 0);

  if (self->peers == NULL)
    trd_call_return_literal (call, TRUNDLE_ERROR_FAILED, "The service is leaving");
  else
    trd_peers_identify (self->peers, sender, on_identified, call);
}

static void
on_peer_vanished (const char *name, gpointer user_data)
{
  TrdGate *self = user_data;

  trd_courier_peer_vanished (self->courier, name);
}

/* ---- the subtrees ---- */

/* GLib 2.74 gives introspect() the path of the subtree when it answers Introspect, and
 * that of the object when it dispatches a call. */
static gboolean
is_sessions (const char *path)
{
  return g_str_equal (path, TRUNDLE_SESSION_PATH)
         || g_str_has_prefix (path, TRUNDLE_SESSION_PATH "/");
}

static void
add_node (GPtrArray *nodes, gint64 id)
{
  g_ptr_array_add (nodes, g_strdup_printf ("%" G_GINT64_FORMAT, id));
}

static char **
on_enumerate (GDBusConnection *bus,
              const char *sender,
              const char *path,
              gpointer user_data)
{
  TrdGate *self = user_data;
  g_autoptr (GPtrArray) nodes = g_ptr_array_new_null_terminated (0, g_free, TRUE);
  g_autoptr (GPtrArray) sessions = NULL;
  g_autoptr (TrdPeer) peer = NULL;

  /* GDBus wants the answer now. */
  if (self->peers != NULL)
    peer = trd_peers_identify_sync (self->peers, sender, NULL);
  if (peer == NULL)
    return g_new0 (char *, 1);

  sessions = trd_registry_list_sessions (self->registry);
  for (guint i = 0; i < sessions->len; i++)
    {
      TrdSession *session = g_ptr_array_index (sessions, i);
      GHashTableIter iter;
      TrdTask *task;

      if (!trd_owner_may_address (peer->owner, session->row->owner))
        continue;
      if (is_sessions (path))
        {
          add_node (nodes, session->row->id);
          continue;
        }
      g_hash_table_iter_init (&iter, session->tasks);
      while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&task))
        add_node (nodes, task->id);
    }

  return (char **)g_ptr_array_steal (nodes, NULL);
}

static GDBusInterfaceInfo **
on_introspect (GDBusConnection *bus,
               const char *sender,
               const char *path,
               const char *node,
               gpointer user_data)
{
  TrdGate *self = user_data;
  GDBusInterfaceInfo **infos;

  /* The root of a subtree has no interface of its own. */
  if (node == NULL)
    return NULL;

  infos = g_new0 (GDBusInterfaceInfo *, 2);
  infos[0] = g_dbus_interface_info_ref (is_sessions (path) ? self->session_info
                                                           : self->task_info);
  return infos;
}

static const GDBusInterfaceVTable object_vtable = { .method_call = on_method_call };

static const GDBusInterfaceVTable *
on_dispatch (GDBusConnection *bus,
             const char *sender,
             const char *path,
             const char *interface,
             const char *node,
             gpointer *out_user_data,
             gpointer user_data)
{
  *out_user_data = user_data;
  return &object_vtable;
}

static const GDBusSubtreeVTable subtree_vtable = {
  .enumerate = on_enumerate,
  .introspect = on_introspect,
  .dispatch = on_dispatch,
};

/* ---- life ---- */

static GDBusInterfaceInfo *
load_interface (const char *name)
{
  g_autofree char *path = g_strconcat (XML_PREFIX, name, ".xml", NULL);
  g_autoptr (GBytes) xml = NULL;
  g_autoptr (GDBusNodeInfo) node = NULL;

  /* Names the resource, so that the linker keeps it. */
  xml = g_resource_lookup_data (
      trundle_introspection_get_resource (), path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  g_assert (xml != NULL);
  node = g_dbus_node_info_new_for_xml (g_bytes_get_data (xml, NULL), NULL);
  g_assert (node != NULL);

  return g_dbus_interface_info_ref (g_dbus_node_info_lookup_interface (node, name));
}

static guint
register_subtree (TrdGate *self, const char *path, GError **error)
{
  return g_dbus_connection_register_subtree (
      self->bus,
      path,
      &subtree_vtable,
      G_DBUS_SUBTREE_FLAGS_DISPATCH_TO_UNENUMERATED_NODES,
      self,
      NULL,
      error);
}

static gboolean
register_all (TrdGate *self, GError **error)
{
  self->manager_id = g_dbus_connection_register_object (self->bus,
                                                        TRUNDLE_OBJECT_PATH,
                                                        self->manager_info,
                                                        &object_vtable,
                                                        self,
                                                        NULL,
                                                        error);
  if (self->manager_id == 0)
    return FALSE;
  self->control_id = g_dbus_connection_register_object (self->bus,
                                                        TRUNDLE_OBJECT_PATH,
                                                        self->control_info,
                                                        &object_vtable,
                                                        self,
                                                        NULL,
                                                        error);
  if (self->control_id == 0)
    return FALSE;
  self->sessions_id = register_subtree (self, TRUNDLE_SESSION_PATH, error);
  if (self->sessions_id == 0)
    return FALSE;
  self->tasks_id = register_subtree (self, TRUNDLE_TASK_PATH, error);

  return self->tasks_id != 0;
}

TrdGate *
trd_gate_new (GDBusConnection *bus,
              TrdRegistry *registry,
              TrdScheduler *scheduler,
              TrdCourier *courier,
              GError **error)
{
  g_autoptr (TrdGate) self = g_object_new (TRD_TYPE_GATE, NULL);

  self->bus = g_object_ref (bus);
  self->registry = g_object_ref (registry);
  self->courier = g_object_ref (courier);
  self->manager_info = load_interface (TRUNDLE_INTERFACE_MANAGER);
  self->control_info = load_interface (TRUNDLE_INTERFACE_CONTROL);
  self->session_info = load_interface (TRUNDLE_INTERFACE_SESSION);
  self->task_info = load_interface (TRUNDLE_INTERFACE_TASK);
  self->peers = trd_peers_new (bus, on_peer_vanished, self);
  self->outlet = trd_face_outlet_new (bus, registry, scheduler, courier);
  if (!register_all (self, error))
    return NULL;

  return g_steal_pointer (&self);
}

void
trd_gate_close (TrdGate *self)
{
  g_return_if_fail (TRD_IS_GATE (self));

  if (self->manager_id != 0)
    g_dbus_connection_unregister_object (self->bus, self->manager_id);
  if (self->control_id != 0)
    g_dbus_connection_unregister_object (self->bus, self->control_id);
  if (self->sessions_id != 0)
    g_dbus_connection_unregister_subtree (self->bus, self->sessions_id);
  if (self->tasks_id != 0)
    g_dbus_connection_unregister_subtree (self->bus, self->tasks_id);
  self->manager_id = 0;
  self->control_id = 0;
  self->sessions_id = 0;
  self->tasks_id = 0;

  g_clear_pointer (&self->outlet, trd_face_outlet_free);
  g_clear_pointer (&self->peers, trd_peers_free);
}

guint
trd_gate_count_calls (TrdGate *self)
{
  g_return_val_if_fail (TRD_IS_GATE (self), 0);

  return self->n_calls;
}

void
trd_gate_set_proc_root (TrdGate *self, const char *proc_root)
{
  g_return_if_fail (TRD_IS_GATE (self) && self->peers != NULL);

  trd_peers_set_proc_root (self->peers, proc_root);
}

TrdRegistry *
trd_gate_get_registry (TrdGate *self)
{
  return self->registry;
}

TrdCourier *
trd_gate_get_courier (TrdGate *self)
{
  return self->courier;
}

const TrdEnv *
trd_gate_get_env (TrdGate *self)
{
  return trd_registry_get_env (self->registry);
}

gboolean
trd_gate_begin_move (TrdGate *self, gint64 task_id)
{
  return g_hash_table_add (self->moves, g_memdup2 (&task_id, sizeof task_id));
}

void
trd_gate_end_move (TrdGate *self, gint64 task_id)
{
  g_hash_table_remove (self->moves, &task_id);
}

static void
trd_gate_dispose (GObject *object)
{
  TrdGate *self = TRD_GATE (object);

  trd_gate_close (self);
  g_clear_object (&self->bus);
  g_clear_object (&self->registry);
  g_clear_object (&self->courier);

  G_OBJECT_CLASS (trd_gate_parent_class)->dispose (object);
}

static void
trd_gate_finalize (GObject *object)
{
  TrdGate *self = TRD_GATE (object);

  g_hash_table_unref (self->moves);
  trd_adopting_free (self->adopting);
  g_clear_pointer (&self->manager_info, g_dbus_interface_info_unref);
  g_clear_pointer (&self->control_info, g_dbus_interface_info_unref);
  g_clear_pointer (&self->session_info, g_dbus_interface_info_unref);
  g_clear_pointer (&self->task_info, g_dbus_interface_info_unref);

  G_OBJECT_CLASS (trd_gate_parent_class)->finalize (object);
}

static void
trd_gate_init (TrdGate *self)
{
  self->moves = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->adopting = trd_adopting_new ();
}

static void
trd_gate_class_init (TrdGateClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = trd_gate_dispose;
  object_class->finalize = trd_gate_finalize;

  signals[ACTIVITY] = g_signal_new (
      "activity", TRD_TYPE_GATE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}
