/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A GDBus filter that lets only the protocol through.  It runs in GDBus's thread and so
 * touches atomics and immutable things only.  It must know the form of every call, since
 * GDBus itself answers the ones it does not like, before our handler hears of them; and
 * it must count, since GDBus queues for the main loop without a bound, and answers for a
 * worker that reads none. */

#include "config.h"

#include "port/worker-guard.h"

#include "common/defaults.h"
#include "common/names.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>

struct _TrdWorkerGuard
{
  int pidfd;                     /* (owned): our own, valid after the process is reaped */
  GDBusInterfaceInfo *interface; /* (owned) */
  int n_unhandled;               /* atomic: calls not handled, or not answered */
  const char *violation;         /* (unowned) (nullable), atomic: a literal */
  gboolean heard_hello;          /* GDBus's thread only */
};

TrdWorkerGuard *
trd_worker_guard_new (int pidfd, GDBusInterfaceInfo *interface)
{
  TrdWorkerGuard *self = g_atomic_rc_box_new0 (TrdWorkerGuard);

  self->pidfd = fcntl (pidfd, F_DUPFD_CLOEXEC, 3);
  self->interface = g_dbus_interface_info_ref (interface);
  return self;
}

TrdWorkerGuard *
trd_worker_guard_ref (TrdWorkerGuard *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
clear_guard (gpointer data)
{
  TrdWorkerGuard *self = data;

  if (self->pidfd >= 0)
    g_close (self->pidfd, NULL);
  g_clear_pointer (&self->interface, g_dbus_interface_info_unref);
}

void
trd_worker_guard_unref (TrdWorkerGuard *self)
{
  g_atomic_rc_box_release_full (self, clear_guard);
}

static gboolean
has_signature (GDBusMethodInfo *method, const char *signature)
{
  for (guint i = 0; method->in_args != NULL && method->in_args[i] != NULL; i++)
    {
      const char *type = method->in_args[i]->signature;

      if (!g_str_has_prefix (signature, type))
        return FALSE;
      signature += strlen (type);
    }
  return *signature == '\0';
}

/* What is wrong with a call; NULL when it is one of ours. */
static const char *
check_call (TrdWorkerGuard *self, GDBusMessage *message)
{
  const char *member = g_dbus_message_get_member (message);
  const char *signature = g_dbus_message_get_signature (message);
  GDBusMethodInfo *method = NULL;
  gboolean is_hello;

  if (g_strcmp0 (g_dbus_message_get_path (message), TRUNDLE_WORKER_PATH) == 0
      && g_strcmp0 (g_dbus_message_get_interface (message), self->interface->name) == 0)
    method = g_dbus_interface_info_lookup_method (self->interface, member);
  if (method == NULL)
    return "a call that does not exist";
  if (!has_signature (method, signature != NULL ? signature : ""))
    return "a call with wrong types";

  is_hello = strcmp (member, "Hello") == 0;
  if (is_hello == self->heard_hello)
    return is_hello ? "a second Hello" : "a call before Hello";
  self->heard_hello = TRUE;
  return NULL;
}

/* The body's size as GVariant has it, which is never far from that on the wire and costs
 * no second serialization. */
static const char *
check_message (TrdWorkerGuard *self, GDBusMessage *message)
{
  GVariant *body = g_dbus_message_get_body (message);

  if (body != NULL && g_variant_get_size (body) > TRD_WORKER_MESSAGE_MAX)
    return "a message too large";
  if (g_dbus_message_get_num_unix_fds (message) > 0)
    return "a message with descriptors";

  switch (g_dbus_message_get_message_type (message))
    {
    case G_DBUS_MESSAGE_TYPE_METHOD_CALL:
      return check_call (self, message);
    case G_DBUS_MESSAGE_TYPE_METHOD_RETURN:
    case G_DBUS_MESSAGE_TYPE_ERROR:
      return NULL;
    case G_DBUS_MESSAGE_TYPE_SIGNAL:
    case G_DBUS_MESSAGE_TYPE_INVALID:
    default:
      return "a message that is no call and no reply";
    }
}

static gboolean
is_answer (GDBusMessage *message)
{
  GDBusMessageType type = g_dbus_message_get_message_type (message);

  return type == G_DBUS_MESSAGE_TYPE_METHOD_RETURN || type == G_DBUS_MESSAGE_TYPE_ERROR;
}

/* What goes out passes here when it is its turn to be written. */
static GDBusMessage *
on_message (GDBusConnection *connection,
            GDBusMessage *message,
            gboolean incoming,
            gpointer user_data)
{
  TrdWorkerGuard *self = user_data;
  const char *wrong;

  if (!incoming)
    {
      if (is_answer (message))
        g_atomic_int_add (&self->n_unhandled, -1);
      return message;
    }

  wrong = trd_worker_guard_get_violation (self);
  if (wrong == NULL)
    {
      wrong = check_message (self, message);
      if (wrong == NULL
          && g_dbus_message_get_message_type (message) == G_DBUS_MESSAGE_TYPE_METHOD_CALL
          && g_atomic_int_add (&self->n_unhandled, 1) >= TRD_WORKER_UNHANDLED_MAX)
        wrong = "too many messages";
      if (wrong == NULL)
        return message;
      trd_worker_guard_condemn (self, wrong);
    }
  g_object_unref (message);
  return NULL;
}

static void
release_guard (gpointer data)
{
  trd_worker_guard_unref (data);
}

void
trd_worker_guard_watch (TrdWorkerGuard *self, GDBusConnection *connection)
{
  g_dbus_connection_add_filter (
      connection, on_message, trd_worker_guard_ref (self), release_guard);
}

void
trd_worker_guard_note_handled (TrdWorkerGuard *self, GDBusMessage *call)
{
  if (g_dbus_message_get_flags (call) & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED)
    g_atomic_int_add (&self->n_unhandled, -1);
}

void
trd_worker_guard_condemn (TrdWorkerGuard *self, const char *how)
{
  if (!g_atomic_pointer_compare_and_exchange (&self->violation, NULL, how))
    return;
  if (self->pidfd >= 0)
    pidfd_send_signal (self->pidfd, SIGKILL, NULL, 0);
}

const char *
trd_worker_guard_get_violation (TrdWorkerGuard *self)
{
  return g_atomic_pointer_get (&self->violation);
}
