/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The callers there are.  A peer is identified once, before its first call is looked at:
 * the bus names its process, the process is pinned, the bus is asked again, and only what
 * is read through the pin counts, so that a process number used twice fools nobody. Where
 * the bus hands out a pidfd (dbus-daemon 1.16, dbus-broker 37) the second question is
 * not needed.  Forgotten when the unique name goes, which is never given to anybody else.
 */

#include "config.h"

#include "face/peer.h"

#include "face/process.h"

#include <gio/gunixfdlist.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BUS_NAME "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

/* A question to the bus itself that is not answered by then never will be. */
#define BUS_TIMEOUT_MS 10000

typedef struct
{
  TrdPeerFunc func;
  gpointer user_data;
} Waiter;

/* What is known of one unique name. */
typedef struct
{
  char *name; /* (owned) */
  guint subscription_id;
  TrdPeer *peer;  /* (owned) (nullable): once identified */
  GQueue waiters; /* (element-type Waiter) (owned): until then */
  int pid;
  int process_fd; /* -1 for none: only while identifying, as the next */
  int pid_fd;     /* -1 for none */
} Record;

struct _TrdPeers
{
  GDBusConnection *bus;      /* (owned) */
  GHashTable *records;       /* (owned) (element-type utf8 Record) */
  char *proc_root;           /* (owned) */
  GCancellable *cancellable; /* (owned) */
  TrdPeerVanishedFunc vanished;
  gpointer user_data;
};

/* An answer of the bus finds its way back by name: the record may be gone. */
typedef struct
{
  TrdPeers *peers; /* (unowned): valid unless the answer is G_IO_ERROR_CANCELLED */
  char *name;      /* (owned) */
} Question;

static void
peer_clear (TrdPeer *self)
{
  g_free (self->name);
  trd_owner_unref (self->owner);
}

TrdPeer *
trd_peer_ref (TrdPeer *self)
{
  return g_rc_box_acquire (self);
}

void
trd_peer_unref (TrdPeer *self)
{
  g_rc_box_release_full (self, (GDestroyNotify)peer_clear);
}

static void
close_fds (Record *record)
{
  if (record->process_fd >= 0)
    close (record->process_fd);
  if (record->pid_fd >= 0)
    close (record->pid_fd);
  record->process_fd = -1;
  record->pid_fd = -1;
}

static void
record_free (Record *record)
{
  g_assert (g_queue_is_empty (&record->waiters));
  close_fds (record);
  g_clear_pointer (&record->peer, trd_peer_unref);
  g_free (record->name);
  g_free (record);
}

/* Takes the waiters first: what they call may come back to us. */
static void
answer_waiters (Record *record, TrdPeer *peer, const GError *error)
{
  GQueue waiters = record->waiters;
  Waiter *waiter;

  g_queue_init (&record->waiters);
  while ((waiter = g_queue_pop_head (&waiters)) != NULL)
    {
      waiter->func (peer, error, waiter->user_data);
      g_free (waiter);
    }
}

static void
forget (TrdPeers *self, const char *name, const GError *error)
{
  g_autofree char *stolen_name = NULL;
  Record *record = NULL;

  if (!g_hash_table_steal_extended (
          self->records, name, (gpointer *)&stolen_name, (gpointer *)&record))
    return;

  stolen_name = NULL; /* the record's */
  g_dbus_connection_signal_unsubscribe (self->bus, record->subscription_id);
  answer_waiters (record, NULL, error);
  record_free (record);
}

static void
on_name_owner_changed (GDBusConnection *bus,
                       const char *sender,
                       const char *path,
                       const char *interface,
                       const char *signal,
                       GVariant *parameters,
                       gpointer user_data)
{
  TrdPeers *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL;
  const char *new_owner;

  g_variant_get (parameters, "(s&s&s)", &name, NULL, &new_owner);
  if (new_owner[0] != '\0' || !g_hash_table_contains (self->records, name))
    return;

  error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, "The caller has left");
  forget (self, name, error);
  self->vanished (name, self->user_data);
}

static Record *
remember (TrdPeers *self, const char *name)
{
  Record *record = g_new0 (Record, 1);

  record->name = g_strdup (name);
  record->process_fd = -1;
  record->pid_fd = -1;
  g_queue_init (&record->waiters);
  /* Before the first question, so that the peer cannot leave unnoticed in between. */
  record->subscription_id = g_dbus_connection_signal_subscribe (self->bus,
                                                                BUS_NAME,
                                                                BUS_NAME,
                                                                "NameOwnerChanged",
                                                                BUS_PATH,
                                                                name,
                                                                G_DBUS_SIGNAL_FLAGS_NONE,
                                                                on_name_owner_changed,
                                                                self,
                                                                NULL);
  g_hash_table_insert (self->records, record->name, record);

  return record;
}

/* ---- the steps of identifying, shared by both ways ---- */

/* The number a pidfd stands for, -1 when its process is gone. */
static int
pid_of_pid_fd (int pid_fd)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fdinfo/%d", pid_fd);
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return -1;
  line = strstr (text, "\nPid:");

  return line != NULL ? atoi (line + strlen ("\nPid:")) : -1;
}

static gboolean
has_ended (int pid_fd)
{
  struct pollfd poll_fd = { .fd = pid_fd, .events = POLLIN };

  return poll (&poll_fd, 1, 0) > 0;
}

/* Pins the process; @out_again says whether the bus must be asked again. */
static gboolean
take_credentials (TrdPeers *self,
                  Record *record,
                  GVariant *reply,
                  GUnixFDList *fds,
                  gboolean *out_again,
                  GError **error)
{
  g_autoptr (GVariant) dict = g_variant_get_child_value (reply, 0);
  guint uid = 0;
  guint pid = 0;
  int handle;

  if (!g_variant_lookup (dict, "UnixUserID", "u", &uid) || uid != getuid ())
    {
      g_set_error (
          error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "The caller is another user");
      return FALSE;
    }
  if (!g_variant_lookup (dict, "ProcessID", "u", &pid) || pid == 0)
    {
      g_set_error (error,
                   G_IO_ERROR,
                   G_IO_ERROR_NOT_FOUND,
                   "The bus does not know the caller's process");
      return FALSE;
    }

  close_fds (record);
  record->pid = (int)pid;
  *out_again = TRUE;
  if (fds != NULL && g_variant_lookup (dict, "ProcessFD", "h", &handle))
    {
      record->pid_fd = g_unix_fd_list_get (fds, handle, NULL);
      if (record->pid_fd >= 0 && pid_of_pid_fd (record->pid_fd) == record->pid)
        *out_again = FALSE;
    }
  if (record->pid_fd < 0)
    record->pid_fd = (int)syscall (SYS_pidfd_open, record->pid, 0);

  record->process_fd = trd_process_pin (self->proc_root, record->pid, error);
  return record->process_fd >= 0;
}

static gboolean
is_same_process (Record *record, GVariant *reply, GError **error)
{
  guint pid;

  g_variant_get (reply, "(u)", &pid);
  if ((int)pid == record->pid)
    return TRUE;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "The caller's process has changed");
  return FALSE;
}

static gboolean
conclude (Record *record, GError **error)
{
  g_autoptr (TrdOwner) owner = NULL;
  gboolean has_network = FALSE;

  owner = trd_process_identify (record->process_fd, &has_network, error);
  if (owner == NULL)
    return FALSE;
  if (record->pid_fd >= 0 && has_ended (record->pid_fd))
    {
      g_set_error (
          error, G_IO_ERROR, G_IO_ERROR_CLOSED, "The caller's process has ended");
      return FALSE;
    }

  close_fds (record);
  record->peer = g_rc_box_new0 (TrdPeer);
  record->peer->name = g_strdup (record->name);
  record->peer->owner = g_steal_pointer (&owner);
  record->peer->has_network = has_network;

  return TRUE;
}

/* ---- without blocking ---- */

static void
ask (TrdPeers *self, const char *name, const char *member, GAsyncReadyCallback callback)
{
  Question *question = g_new0 (Question, 1);

  question->peers = self;
  question->name = g_strdup (name);
  g_dbus_connection_call_with_unix_fd_list (self->bus,
                                            BUS_NAME,
                                            BUS_PATH,
                                            BUS_NAME,
                                            member,
                                            g_variant_new ("(s)", name),
                                            NULL,
                                            G_DBUS_CALL_FLAGS_NONE,
                                            BUS_TIMEOUT_MS,
                                            NULL,
                                            self->cancellable,
                                            callback,
                                            question);
}

/* The answer, and the record it is for; NULL when there is nothing left to do with it. */
static Record *
take_answer (GObject *source,
             GAsyncResult *result,
             gpointer user_data,
             TrdPeers **out_peers,
             GVariant **out_reply,
             GUnixFDList **out_fds)
{
  Question *question = user_data;
  g_autofree char *name = question->name;
  TrdPeers *self = question->peers;
  g_autoptr (GError) error = NULL;
  Record *record;

  g_free (question);
  *out_reply = g_dbus_connection_call_with_unix_fd_list_finish (
      G_DBUS_CONNECTION (source), out_fds, result, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return NULL;

  *out_peers = self;
  record = g_hash_table_lookup (self->records, name);
  if (record == NULL || record->peer != NULL)
    return NULL;
  if (error != NULL)
    {
      forget (self, name, error);
      return NULL;
    }

  return record;
}

static void
settle (TrdPeers *self, Record *record, GError *error)
{
  g_autoptr (GError) owned = error;
  g_autoptr (TrdPeer) peer = NULL;

  if (owned == NULL && conclude (record, &owned))
    {
      peer = trd_peer_ref (record->peer);
      answer_waiters (record, peer, NULL);
      return;
    }

  g_debug ("%s cannot be identified: %s", record->name, owned->message);
  forget (self, record->name, owned);
}

static void
on_asked_again (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GUnixFDList) fds = NULL;
  GError *error = NULL;
  TrdPeers *self = NULL;
  Record *record = take_answer (source, result, user_data, &self, &reply, &fds);

  if (record == NULL)
    return;

  is_same_process (record, reply, &error);
  settle (self, record, error);
}

static void
on_credentials (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GUnixFDList) fds = NULL;
  GError *error = NULL;
  gboolean again = FALSE;
  TrdPeers *self = NULL;
  Record *record = take_answer (source, result, user_data, &self, &reply, &fds);

  if (record == NULL)
    return;

  if (take_credentials (self, record, reply, fds, &again, &error) && again)
    ask (self, record->name, "GetConnectionUnixProcessID", on_asked_again);
  else
    settle (self, record, error);
}

void
trd_peers_identify (TrdPeers *self,
                    const char *name,
                    TrdPeerFunc func,
                    gpointer user_data)
{
  Record *record = g_hash_table_lookup (self->records, name);
  Waiter *waiter;

  if (record != NULL && record->peer != NULL)
    {
      g_autoptr (TrdPeer) peer = trd_peer_ref (record->peer);

      func (peer, NULL, user_data);
      return;
    }
  if (record == NULL)
    {
      record = remember (self, name);
      ask (self, name, "GetConnectionCredentials", on_credentials);
    }

  waiter = g_new0 (Waiter, 1);
  waiter->func = func;
  waiter->user_data = user_data;
  g_queue_push_tail (&record->waiters, waiter);
}

/* ---- blocking ---- */

static GVariant *
ask_sync (TrdPeers *self,
          const char *name,
          const char *member,
          GUnixFDList **out_fds,
          GError **error)
{
  return g_dbus_connection_call_with_unix_fd_list_sync (self->bus,
                                                        BUS_NAME,
                                                        BUS_PATH,
                                                        BUS_NAME,
                                                        member,
                                                        g_variant_new ("(s)", name),
                                                        NULL,
                                                        G_DBUS_CALL_FLAGS_NONE,
                                                        BUS_TIMEOUT_MS,
                                                        NULL,
                                                        out_fds,
                                                        NULL,
                                                        error);
}

static gboolean
identify_record_sync (TrdPeers *self, Record *record, GError **error)
{
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GVariant) credentials = NULL;
  g_autoptr (GVariant) again_reply = NULL;
  gboolean again = FALSE;

  credentials = ask_sync (self, record->name, "GetConnectionCredentials", &fds, error);
  if (credentials == NULL
      || !take_credentials (self, record, credentials, fds, &again, error))
    return FALSE;

  if (again)
    {
      again_reply = ask_sync (
          self, record->name, "GetConnectionUnixProcessID", NULL, error);
      if (again_reply == NULL || !is_same_process (record, again_reply, error))
        return FALSE;
    }

  return conclude (record, error);
}

TrdPeer *
trd_peers_identify_sync (TrdPeers *self, const char *name, GError **error)
{
  Record *record = g_hash_table_lookup (self->records, name);
  g_autoptr (GError) local_error = NULL;

  if (record == NULL)
    record = remember (self, name);

  if (record->peer == NULL && !identify_record_sync (self, record, &local_error))
    {
      forget (self, name, local_error);
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }

  /* Calls that came before this one waited for an answer that is no longer needed. */
  if (!g_queue_is_empty (&record->waiters))
    {
      g_autoptr (TrdPeer) peer = trd_peer_ref (record->peer);

      answer_waiters (record, peer, NULL);
      return g_steal_pointer (&peer);
    }

  return trd_peer_ref (record->peer);
}

/* ---- life ---- */

TrdPeers *
trd_peers_new (GDBusConnection *bus, TrdPeerVanishedFunc vanished, gpointer user_data)
{
  TrdPeers *self = g_new0 (TrdPeers, 1);

  self->bus = g_object_ref (bus);
  self->records = g_hash_table_new (g_str_hash, g_str_equal);
  self->proc_root = g_strdup ("/proc");
  self->cancellable = g_cancellable_new ();
  self->vanished = vanished;
  self->user_data = user_data;

  return self;
}

void
trd_peers_set_proc_root (TrdPeers *self, const char *proc_root)
{
  g_free (self->proc_root);
  self->proc_root = g_strdup (proc_root);
}

void
trd_peers_free (TrdPeers *self)
{
  g_autoptr (GError) error = g_error_new_literal (
      G_IO_ERROR, G_IO_ERROR_CANCELLED, "The service is leaving");
  g_autoptr (GList) names = g_hash_table_get_keys (self->records);

  g_cancellable_cancel (self->cancellable);
  for (GList *link = names; link != NULL; link = link->next)
    forget (self, link->data, error);

  g_clear_object (&self->bus);
  g_clear_pointer (&self->records, g_hash_table_unref);
  g_clear_pointer (&self->proc_root, g_free);
  g_clear_object (&self->cancellable);
  g_free (self);
}
