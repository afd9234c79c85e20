/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Everything the daemon says without being asked.  Each signal goes to one destination:
 * the courier names it for durable events, and live ones go to whoever listens to the
 * session at that moment (law 8).  Progress is gathered for all tasks and sent at most
 * four times a second, and nothing is gathered, read or timed for a session nobody
 * watches. */

#include "config.h"

#include "face/outlet.h"

#include "common/defaults.h"
#include "common/names.h"
#include "common/url.h"
#include "common/vocabulary.h"
#include "face/answer.h"
#include "face/redact.h"
#include "face/task-view.h"

struct _TrdFaceOutlet
{
  GDBusConnection *bus;    /* (owned) */
  TrdRegistry *registry;   /* (owned) */
  TrdScheduler *scheduler; /* (owned) */
  TrdCourier *courier;     /* (owned) */
  const TrdEnv *env;       /* (unowned), outlives us */
  GHashTable *moved;       /* (owned) (element-type gint64): tasks with new counters */
  GHashTable *told;        /* (owned) (element-type gint64 guint64): BytesConfirmed that
                            * was told at last of uploads that run */
  guint progress_alarm;    /* 0 while nothing has moved */
};

static const TrdSignal signals_sent[] = {
  { TRUNDLE_INTERFACE_MANAGER, "HandleEventsForBackgroundSession", "(soa{sv})" },
  { TRUNDLE_INTERFACE_SESSION, "TaskFinished", "(toa{sv})" },
  { TRUNDLE_INTERFACE_SESSION, "ChallengeReceived", "(toa{sv})" },
  { TRUNDLE_INTERFACE_SESSION, "WillBeginDelayedRequest", "(toa{sv})" },
  { TRUNDLE_INTERFACE_SESSION, "DidBecomeInvalid", "(toa{sv})" },
  { TRUNDLE_INTERFACE_SESSION, "DidFinishEvents", "(t)" },
  { TRUNDLE_INTERFACE_SESSION, "Detached", "(s)" },
  { TRUNDLE_INTERFACE_SESSION, "ConsumerLeft", "()" },
  { TRUNDLE_INTERFACE_SESSION, "Progress", "(a(ottxx))" },
  { TRUNDLE_INTERFACE_SESSION, "TaskAdded", "(oa{sv})" },
  { TRUNDLE_INTERFACE_SESSION, "TaskRedirected", "(oa{sv})" },
  { TRUNDLE_INTERFACE_SESSION, "ResumedAtOffset", "(otx)" },
};

const TrdSignal *
trd_face_outlet_get_signals (guint *out_n_signals)
{
  *out_n_signals = G_N_ELEMENTS (signals_sent);
  return signals_sent;
}

/* NO_AUTO_START, which GDBus does not set on a signal: sent to the name of an app that
 * has crashed meanwhile it would start it again, past all budget (dbus-daemon 1.14). */
static void
send (TrdFaceOutlet *self,
      const char *destination,
      const char *path,
      const char *interface,
      const char *name,
      GVariant *parameters)
{
  g_autoptr (GDBusMessage) message = g_dbus_message_new_signal (path, interface, name);
  g_autoptr (GError) error = NULL;

  /* Without a destination it would be a broadcast. */
  g_return_if_fail (destination != NULL);

  g_dbus_message_set_destination (message, destination);
  g_dbus_message_set_flags (message,
                            G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED
                                | G_DBUS_MESSAGE_FLAGS_NO_AUTO_START);
  if (parameters != NULL)
    g_dbus_message_set_body (message, parameters);
  if (!g_dbus_connection_send_message (
          self->bus, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, &error))
    g_debug ("%s was not sent: %s", name, error->message);
}

static void
send_for_session (TrdFaceOutlet *self,
                  TrdSession *session,
                  const char *destination,
                  const char *name,
                  GVariant *parameters)
{
  g_autofree char *path = trd_session_object_path (session->row->id);

  send (self, destination, path, TRUNDLE_INTERFACE_SESSION, name, parameters);
}

static gboolean
is_consumer (TrdFaceOutlet *self, TrdSession *session, const char *destination)
{
  return g_strcmp0 (trd_courier_get_consumer (self->courier, session), destination) == 0;
}

/* Observers see addresses redacted.  @parameters is consumed. */
static void
send_to_listeners (TrdFaceOutlet *self,
                   TrdSession *session,
                   GPtrArray *listeners,
                   const char *path,
                   const char *interface,
                   const char *name,
                   GVariant *parameters)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (parameters);
  g_autoptr (GVariant) redacted = NULL;

  for (guint i = 0; i < listeners->len; i++)
    {
      const char *destination = g_ptr_array_index (listeners, i);

      if (is_consumer (self, session, destination))
        {
          send (self, destination, path, interface, name, owned);
          continue;
        }
      if (redacted == NULL)
        redacted = trd_redact (owned);
      send (self, destination, path, interface, name, redacted);
    }
}

static void
send_properties_changed (TrdFaceOutlet *self,
                         TrdSession *session,
                         GPtrArray *listeners,
                         const char *path,
                         const char *interface,
                         GVariant *changed)
{
  send_to_listeners (self,
                     session,
                     listeners,
                     path,
                     "org.freedesktop.DBus.Properties",
                     "PropertiesChanged",
                     g_variant_new ("(s@a{sv}as)", interface, changed, NULL));
}

/* ---- for the courier ---- */

/* As the consumer hears them.  (transfer full), not floating */
static GVariant *
event_details (TrdFaceOutlet *self, const TrdEvent *event)
{
  g_autoptr (GVariant) details = trd_answer_tell (self->registry, event);

  if (!event->offered)
    return g_steal_pointer (&details);

  return trundle_options_with (details, "redelivered", g_variant_new_boolean (TRUE));
}

char *
trd_face_outlet_event_object (const TrdEvent *event)
{
  return event->task_id != 0 ? trd_task_object_path (event->task_id)
                             : trd_session_object_path (event->session_id);
}

/* Only the consumer is ever sent an event a second time. */
static gsize
send_event (TrdSession *session,
            const char *destination,
            const TrdEvent *event,
            gpointer user_data)
{
  TrdFaceOutlet *self = user_data;
  g_autofree char *object = trd_face_outlet_event_object (event);
  g_autoptr (GVariant) shown = is_consumer (self, session, destination)
                                   ? event_details (self, event)
                                   : trd_redact (event->details);

  send_for_session (self,
                    session,
                    destination,
                    trundle_event_kind_to_word (event->kind),
                    g_variant_new ("(to@a{sv})", event->sequence, object, shown));
  return g_variant_get_size (shown);
}

static void
send_did_finish_events (TrdSession *session,
                        const char *destination,
                        guint64 last,
                        gpointer user_data)
{
  send_for_session (
      user_data, session, destination, "DidFinishEvents", g_variant_new ("(t)", last));
}

static void
send_detached (TrdSession *session,
               const char *destination,
               const char *reason,
               gpointer user_data)
{
  send_for_session (
      user_data, session, destination, "Detached", g_variant_new ("(s)", reason));
}

static void
send_consumer_left (TrdSession *session, const char *destination, gpointer user_data)
{
  send_for_session (user_data, session, destination, "ConsumerLeft", NULL);
}

static void
send_handle_events (TrdSession *session,
                    const char *destination,
                    const char *reason,
                    gpointer user_data)
{
  g_autofree char *path = trd_session_object_path (session->row->id);
  const char *identifier = session->row->identifier;
  g_auto (GVariantDict) info = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&info, "reason", "s", reason);
  g_variant_dict_insert (&info, "pending", "u", session->n_events);
  send (user_data,
        destination,
        TRUNDLE_OBJECT_PATH,
        TRUNDLE_INTERFACE_MANAGER,
        "HandleEventsForBackgroundSession",
        g_variant_new ("(so@a{sv})",
                       identifier != NULL ? identifier : "",
                       path,
                       g_variant_dict_end (&info)));
}

typedef struct
{
  void (*done) (gpointer done_data);
  gpointer data;
} Flush;

static void
on_flushed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Flush *flush = user_data;

  /* Without a bus there is nobody to wait for. */
  g_dbus_connection_flush_finish (G_DBUS_CONNECTION (source), result, NULL);
  flush->done (flush->data);
}

static void
flush_bus (void (*done) (gpointer done_data), gpointer done_data, gpointer user_data)
{
  TrdFaceOutlet *self = user_data;
  Flush *flush = g_new0 (Flush, 1);

  flush->done = done;
  flush->data = done_data;
  g_dbus_connection_flush (self->bus, NULL, on_flushed, flush);
}

static const TrdOutlet outlet = {
  .send_event = send_event,
  .send_did_finish_events = send_did_finish_events,
  .send_detached = send_detached,
  .send_consumer_left = send_consumer_left,
  .send_handle_events = send_handle_events,
  .flush = flush_bus,
};

/* ---- live: tasks ---- */

/* Names of properties that a change may concern. */
static const struct
{
  TrdTaskChange change;
  const char *names[6];
  gboolean is_of_uploads; /* of them alone */
} concerned[] = {
  { TRD_TASK_CHANGE_STATE,
    { "State", "WaitReasons", "NextAttemptAt", "Attempts", "Deadline", "FinishedAt" } },
  { TRD_TASK_CHANGE_STATE,
    { "BytesSent", "BytesConfirmed", "BytesExpectedToSend" },
    TRUE },
  { TRD_TASK_CHANGE_WAIT_REASONS, { "WaitReasons" } },
  { TRD_TASK_CHANGE_ERROR, { "Error", "ErrorBody" } },
  { TRD_TASK_CHANGE_RESPONSE,
    { "Response",
      "CurrentRequest",
      "BytesReceived",
      "BytesExpectedToReceive",
      "Integrity",
      "Destination" } },
  { TRD_TASK_CHANGE_NEXT_ATTEMPT,
    { "NextAttemptAt", "WaitReasons", "LastTransientError", "Attempts" } },
  { TRD_TASK_CHANGE_DETAILS, { "Priority", "Description", "UserData", "EarliestBegin" } },
  { TRD_TASK_CHANGE_REQUEST, { "Url", "OriginalRequest", "CurrentRequest", "Durable" } },
  { TRD_TASK_CHANGE_SECRETS, { "Durable" } },
};

/* (transfer container) */
static GPtrArray *
names_of_change (guint changes, TrundleKind kind)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (concerned); i++)
    {
      if (!(changes & concerned[i].change)
          || (concerned[i].is_of_uploads && kind != TRUNDLE_KIND_UPLOAD))
        continue;
      for (guint j = 0; j < G_N_ELEMENTS (concerned[i].names); j++)
        {
          const char *name = concerned[i].names[j];

          if (name != NULL
              && !g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
            g_ptr_array_add (names, (gpointer)name);
        }
    }
  g_ptr_array_add (names, NULL);

  return g_steal_pointer (&names);
}

static GVariant *
read_properties (TrdFaceOutlet *self, TrdTask *task, const char *const *names)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (TrdTaskRow) row = trd_registry_load_task (self->registry, task, &error);
  TrdTaskView view = { .registry = self->registry, .task = task, .row = row };

  if (row == NULL)
    {
      g_warning ("Cannot read a task that changed: %s", error->message);
      return NULL;
    }

  return trd_task_view_to_dict (&view, names);
}

/* Listeners know by now. */
static void
note_confirmed (TrdFaceOutlet *self, TrdTask *task, guint64 confirmed)
{
  g_hash_table_replace (self->told,
                        g_memdup2 (&task->id, sizeof task->id),
                        g_memdup2 (&confirmed, sizeof confirmed));
}

static void
on_task_changed (TrdRegistry *registry, TrdTask *task, guint changes, TrdFaceOutlet *self)
{
  g_autoptr (GPtrArray) listeners = trd_courier_get_listeners (self->courier,
                                                               task->session);
  g_autoptr (GPtrArray) names = NULL;
  g_autofree char *path = NULL;
  GVariant *changed;
  guint64 confirmed;

  if (changes & TRD_TASK_CHANGE_STATE)
    g_hash_table_remove (self->told, &task->id);
  if (listeners == NULL)
    return;

  names = names_of_change (changes, task->kind);
  changed = read_properties (self, task, (const char *const *)names->pdata);
  if (changed == NULL)
    return;
  if (task->state == TRUNDLE_TASK_RUNNING
      && g_variant_lookup (changed, "BytesConfirmed", "t", &confirmed))
    note_confirmed (self, task, confirmed);

  path = trd_task_object_path (task->id);
  send_properties_changed (
      self, task->session, listeners, path, TRUNDLE_INTERFACE_TASK, changed);
}

static void
on_task_added (TrdRegistry *registry, TrdTask *task, TrdFaceOutlet *self)
{
  g_autoptr (GPtrArray) listeners = trd_courier_get_listeners (self->courier,
                                                               task->session);
  g_autofree char *session_path = NULL;
  g_autofree char *path = NULL;
  GVariant *properties;

  if (listeners == NULL)
    return;
  properties = read_properties (self, task, trd_task_view_default_names);
  if (properties == NULL)
    return;

  session_path = trd_session_object_path (task->session->row->id);
  path = trd_task_object_path (task->id);
  send_to_listeners (self,
                     task->session,
                     listeners,
                     session_path,
                     TRUNDLE_INTERFACE_SESSION,
                     "TaskAdded",
                     g_variant_new ("(o@a{sv})", path, properties));
}

static void
on_task_redirected (TrdRegistry *registry,
                    TrdTask *task,
                    const char *from,
                    const char *to,
                    guint status,
                    TrdFaceOutlet *self)
{
  g_autoptr (GPtrArray) listeners = trd_courier_get_listeners (self->courier,
                                                               task->session);
  g_autofree char *shown_from = trundle_url_without_user_info (from, NULL);
  g_autofree char *shown_to = trundle_url_without_user_info (to, NULL);
  g_autofree char *session_path = NULL;
  g_autofree char *path = NULL;
  g_auto (GVariantDict) redirect = G_VARIANT_DICT_INIT (NULL);

  if (listeners == NULL)
    return;

  session_path = trd_session_object_path (task->session->row->id);
  path = trd_task_object_path (task->id);
  g_variant_dict_insert (&redirect, "from", "s", shown_from);
  g_variant_dict_insert (&redirect, "to", "s", shown_to);
  g_variant_dict_insert (&redirect, "status", "u", status);
  send_to_listeners (self,
                     task->session,
                     listeners,
                     session_path,
                     TRUNDLE_INTERFACE_SESSION,
                     "TaskRedirected",
                     g_variant_new ("(o@a{sv})", path, g_variant_dict_end (&redirect)));
}

static void
on_task_resumed (TrdRegistry *registry,
                 TrdTask *task,
                 guint64 offset,
                 gint64 expected,
                 TrdFaceOutlet *self)
{
  g_autoptr (GPtrArray) listeners = trd_courier_get_listeners (self->courier,
                                                               task->session);
  g_autofree char *session_path = NULL;
  g_autofree char *path = NULL;

  if (listeners == NULL)
    return;

  session_path = trd_session_object_path (task->session->row->id);
  path = trd_task_object_path (task->id);
  send_to_listeners (self,
                     task->session,
                     listeners,
                     session_path,
                     TRUNDLE_INTERFACE_SESSION,
                     "ResumedAtOffset",
                     g_variant_new ("(otx)", path, offset, expected));
}

static void
on_session_changed (TrdRegistry *registry, TrdSession *session, TrdFaceOutlet *self)
{
  g_autoptr (GPtrArray) listeners = trd_courier_get_listeners (self->courier, session);
  g_autofree char *path = NULL;
  g_auto (GVariantDict) changed = G_VARIANT_DICT_INIT (NULL);

  if (listeners == NULL)
    return;

  path = trd_session_object_path (session->row->id);
  g_variant_dict_insert (
      &changed, "State", "s", trundle_session_state_to_word (session->row->state));
  g_variant_dict_insert_value (&changed, "Configuration", session->row->configuration);
  send_properties_changed (self,
                           session,
                           listeners,
                           path,
                           TRUNDLE_INTERFACE_SESSION,
                           g_variant_dict_end (&changed));
}

/* ---- live: progress ---- */

/* Progress has no place for it. */
static void
tell_confirmed (TrdFaceOutlet *self,
                TrdTask *task,
                GPtrArray *listeners,
                const char *path,
                guint64 confirmed)
{
  const guint64 *told = g_hash_table_lookup (self->told, &task->id);

  if (task->kind != TRUNDLE_KIND_UPLOAD || (told != NULL && *told == confirmed))
    return;

  note_confirmed (self, task, confirmed);
  send_properties_changed (self,
                           task->session,
                           listeners,
                           path,
                           TRUNDLE_INTERFACE_TASK,
                           g_variant_new_parsed ("{'BytesConfirmed': <%t>}", confirmed));
}

/* The rows of one session, taken out of what has moved; NULL when there are none.  What
 * stands beside them is told at once. */
static GVariant *
take_progress (TrdFaceOutlet *self, TrdSession *session, GPtrArray *listeners)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ottxx)"));
  GHashTableIter iter;
  gint64 *id;
  guint n = 0;

  g_hash_table_iter_init (&iter, self->moved);
  while (g_hash_table_iter_next (&iter, (gpointer *)&id, NULL))
    {
      TrdTask *task = trd_registry_find_task (self->registry, *id);
      g_autofree char *path = NULL;
      guint64 received;
      gint64 expected;
      TrdSending sending;

      if (task == NULL || task->session != session)
        continue;
      if (trd_registry_get_progress (self->registry, task, &received, &expected)
          && trd_registry_get_sending (self->registry, task, &sending))
        {
          path = trd_task_object_path (task->id);
          tell_confirmed (self, task, listeners, path, sending.confirmed);
          g_variant_builder_add (&builder,
                                 "(ottxx)",
                                 path,
                                 received,
                                 sending.sent,
                                 expected,
                                 (gint64)sending.size);
          n++;
        }
      g_hash_table_iter_remove (&iter);
    }

  return n > 0 ? g_variant_builder_end (&builder) : NULL;
}

static void
on_progress_due (gpointer user_data)
{
  TrdFaceOutlet *self = user_data;
  g_autoptr (GPtrArray) sessions = trd_registry_list_sessions (self->registry);

  self->progress_alarm = 0;
  for (guint i = 0; i < sessions->len && g_hash_table_size (self->moved) > 0; i++)
    {
      TrdSession *session = g_ptr_array_index (sessions, i);
      g_autoptr (GPtrArray) listeners = trd_courier_get_listeners (self->courier,
                                                                   session);
      g_autofree char *path = NULL;
      GVariant *rows = NULL;

      if (listeners != NULL)
        rows = take_progress (self, session, listeners);
      if (rows == NULL)
        continue;

      path = trd_session_object_path (session->row->id);
      send_to_listeners (self,
                         session,
                         listeners,
                         path,
                         TRUNDLE_INTERFACE_SESSION,
                         "Progress",
                         g_variant_new ("(@a(ottxx))", rows));
    }

  /* What is left has no listener any more, or no task. */
  g_hash_table_remove_all (self->moved);
}

static void
on_progress (TrdScheduler *scheduler, TrdTask *task, TrdFaceOutlet *self)
{
  g_autoptr (GPtrArray) listeners = trd_courier_get_listeners (self->courier,
                                                               task->session);

  if (listeners == NULL)
    return;

  g_hash_table_add (self->moved, g_memdup2 (&task->id, sizeof task->id));
  if (self->progress_alarm == 0)
    self->progress_alarm = trd_clock_add_alarm (
        self->env->clock, TRD_PROGRESS_INTERVAL_MS * 1000, on_progress_due, self);
}

/* ---- live: the manager ---- */

static void
on_conditions_changed (TrdConditions *conditions, TrdFaceOutlet *self)
{
  g_autoptr (GPtrArray) sessions = NULL;
  g_autoptr (GHashTable) told = NULL;
  g_autoptr (GVariant) facts = NULL;
  g_autoptr (GVariant) parameters = NULL;

  if (!trd_courier_has_listeners (self->courier))
    return;

  told = g_hash_table_new (g_str_hash, g_str_equal);
  sessions = trd_registry_list_sessions (self->registry);
  facts = trd_conditions_to_variant (conditions);
  parameters = g_variant_ref_sink (g_variant_new_parsed (
      "(%s, {'Conditions': <%@a{sv}>}, @as [])", TRUNDLE_INTERFACE_MANAGER, facts));
  for (guint i = 0; i < sessions->len; i++)
    {
      g_autoptr (GPtrArray) listeners = trd_courier_get_listeners (
          self->courier, g_ptr_array_index (sessions, i));

      for (guint j = 0; listeners != NULL && j < listeners->len; j++)
        if (g_hash_table_add (told, g_ptr_array_index (listeners, j)))
          send (self,
                g_ptr_array_index (listeners, j),
                TRUNDLE_OBJECT_PATH,
                "org.freedesktop.DBus.Properties",
                "PropertiesChanged",
                parameters);
    }
}

/* ---- life ---- */

TrdFaceOutlet *
trd_face_outlet_new (GDBusConnection *bus,
                     TrdRegistry *registry,
                     TrdScheduler *scheduler,
                     TrdCourier *courier)
{
  TrdFaceOutlet *self = g_new0 (TrdFaceOutlet, 1);

  self->bus = g_object_ref (bus);
  self->registry = g_object_ref (registry);
  self->scheduler = g_object_ref (scheduler);
  self->courier = g_object_ref (courier);
  self->env = trd_registry_get_env (registry);
  self->moved = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->told = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);

  g_signal_connect (registry, "task-changed", G_CALLBACK (on_task_changed), self);
  g_signal_connect (registry, "task-added", G_CALLBACK (on_task_added), self);
  g_signal_connect (registry, "task-redirected", G_CALLBACK (on_task_redirected), self);
  g_signal_connect (registry, "task-resumed", G_CALLBACK (on_task_resumed), self);
  g_signal_connect (registry, "session-changed", G_CALLBACK (on_session_changed), self);
  g_signal_connect (scheduler, "progress", G_CALLBACK (on_progress), self);
  g_signal_connect (
      self->env->conditions, "changed", G_CALLBACK (on_conditions_changed), self);
  trd_courier_set_outlet (courier, &outlet, self);

  return self;
}

void
trd_face_outlet_free (TrdFaceOutlet *self)
{
  trd_courier_set_outlet (self->courier, NULL, NULL);
  g_signal_handlers_disconnect_by_data (self->registry, self);
  g_signal_handlers_disconnect_by_data (self->scheduler, self);
  g_signal_handlers_disconnect_by_data (self->env->conditions, self);
  if (self->progress_alarm != 0)
    trd_clock_remove_alarm (self->env->clock, self->progress_alarm);

  g_clear_object (&self->bus);
  g_clear_object (&self->registry);
  g_clear_object (&self->scheduler);
  g_clear_object (&self->courier);
  g_clear_pointer (&self->moved, g_hash_table_unref);
  g_clear_pointer (&self->told, g_hash_table_unref);
  g_free (self);
}
