/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a worker tells.  The guard has let it through, so that names and types are right;
 * here it is judged whether it makes sense, and passed on.  What does not is a violation
 * of the protocol, and nothing that follows it is heard. */

#include "config.h"

#include "port/worker-process-private.h"

#include "common/cookies.h"
#include "common/names.h"
#include "common/url.h"
#include "trundle-introspection.h"

#include <string.h>

#define RESOURCE_PATH                                                                    \
  "/org/freedesktop/BackgroundTransfer1/org.freedesktop.BackgroundTransfer1.Worker.xml"

GDBusInterfaceInfo *
trd_worker_broker_get_interface (void)
{
  static GDBusNodeInfo *node;

  if (node == NULL)
    {
      g_autoptr (GBytes) xml = g_resource_lookup_data (
          trundle_introspection_get_resource (),
          RESOURCE_PATH,
          G_RESOURCE_LOOKUP_FLAGS_NONE,
          NULL);

      g_assert (xml != NULL);
      node = g_dbus_node_info_new_for_xml (g_bytes_get_data (xml, NULL), NULL);
      g_assert (node != NULL);
    }
  return g_dbus_node_info_lookup_interface (node, TRUNDLE_INTERFACE_BROKER);
}

static gboolean
handle_hello (TrdWorkerProcess *self,
              GVariant *parameters,
              GDBusMethodInvocation *invocation)
{
  guint protocol;
  const char *version;
  g_autoptr (GVariant) confinement = NULL;
  int landlock = 0;
  gboolean seccomp = FALSE;

  g_variant_get (parameters, "(u&s@a{sv})", &protocol, &version, &confinement);
  if (protocol != TRUNDLE_WORKER_PROTOCOL || strcmp (version, TRUNDLE_VERSION) != 0)
    {
      g_autofree char *shown = g_strescape (version, NULL);

      g_message ("The worker is of another version: %.64s", shown);
      trd_worker_process_reject (self);
      g_dbus_method_invocation_return_error (invocation,
                                             TRUNDLE_ERROR,
                                             TRUNDLE_ERROR_BAD_STATE,
                                             "The daemon is of version %s",
                                             TRUNDLE_VERSION);
      return TRUE;
    }
  g_variant_lookup (confinement, "landlock", "i", &landlock);
  g_variant_lookup (confinement, "seccomp", "b", &seccomp);
  g_debug ("Worker %d is ready (landlock %d, seccomp %d)", self->pid, landlock, seccomp);
  g_dbus_method_invocation_return_value (invocation, NULL);

  trd_worker_process_welcome (self);
  return TRUE;
}

static gboolean
handle_progress (TrdWorkerProcess *self,
                 GVariant *parameters,
                 GDBusMethodInvocation *invocation)
{
  g_autoptr (GVariantIter) iter = NULL;
  guint64 attempt;
  TrdProgress now;

  g_variant_get (parameters, "(a(tttxtt))", &iter);
  while (g_variant_iter_next (iter,
                              "(tttxtt)",
                              &attempt,
                              &now.received,
                              &now.synced,
                              &now.expected,
                              &now.sent,
                              &now.confirmed))
    {
      if (now.received > G_MAXINT64 || now.synced > now.received || now.expected < -1
          || now.sent > G_MAXINT64 || now.confirmed > now.sent)
        return FALSE;
      /* The sink may have let us go. */
      if (self->events == NULL)
        break;
      if (!self->events->on_progress (self, attempt, &now, self->user_data))
        return FALSE;
    }
  g_dbus_method_invocation_return_value (invocation, NULL);
  return TRUE;
}

/* An answer makes sense when an ending that contains it would. */
static gboolean
is_response (GVariant *response)
{
  g_autoptr (TrdOutcome) outcome = NULL;
  g_autoptr (GVariant) facts = NULL;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "complete", g_variant_new_boolean (FALSE));
  g_variant_builder_add (&builder, "{sv}", "error", g_variant_new_string ("Failed"));
  g_variant_builder_add (&builder, "{sv}", "response", response);
  facts = g_variant_ref_sink (g_variant_builder_end (&builder));
  outcome = trd_outcome_new_from_wire (facts, NULL);
  return outcome != NULL;
}

static gboolean
handle_response (TrdWorkerProcess *self,
                 GVariant *parameters,
                 GDBusMethodInvocation *invocation)
{
  guint64 attempt;
  g_autoptr (GVariant) response = NULL;

  g_variant_get (parameters, "(t@a{sv})", &attempt, &response);
  if (!is_response (response)
      || !self->events->on_response (self, attempt, response, self->user_data))
    return FALSE;
  g_dbus_method_invocation_return_value (invocation, NULL);
  return TRUE;
}

static gboolean
is_redirect (const char *from, const char *to, guint status)
{
  static const guint statuses[] = { 301, 302, 303, 307, 308 };
  g_autoptr (GUri) from_uri = trundle_url_parse (from, NULL);
  g_autoptr (GUri) to_uri = trundle_url_parse (to, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (statuses); i++)
    {
      if (statuses[i] == status)
        return from_uri != NULL && to_uri != NULL;
    }
  return FALSE;
}

static gboolean
handle_redirected (TrdWorkerProcess *self,
                   GVariant *parameters,
                   GDBusMethodInvocation *invocation)
{
  guint64 attempt;
  const char *from;
  const char *to;
  guint status;

  g_variant_get (parameters, "(t&s&su)", &attempt, &from, &to, &status);
  if (!is_redirect (from, to, status)
      || !self->events->on_redirected (self, attempt, from, to, status, self->user_data))
    return FALSE;
  g_dbus_method_invocation_return_value (invocation, NULL);
  return TRUE;
}

static gboolean
handle_digested (TrdWorkerProcess *self,
                 GVariant *parameters,
                 GDBusMethodInvocation *invocation)
{
  guint64 attempt;
  g_autoptr (GVariant) state = NULL;

  g_variant_get (parameters, "(t@a{sv})", &attempt, &state);
  if (!trd_digest_state_check (state)
      || !self->events->on_digested (self, attempt, state, self->user_data))
    return FALSE;
  g_dbus_method_invocation_return_value (invocation, NULL);
  return TRUE;
}

/* The worker waits for the answer. */
static gboolean
handle_upload_changed (TrdWorkerProcess *self,
                       GVariant *parameters,
                       GDBusMethodInvocation *invocation)
{
  guint64 attempt;
  g_autoptr (GVariant) upload = NULL;
  gboolean is_stored = FALSE;

  g_variant_get (parameters, "(t@a{sv})", &attempt, &upload);
  if (!trd_upload_check (upload)
      || !self->events->on_upload (self, attempt, upload, &is_stored, self->user_data))
    return FALSE;
  if (is_stored)
    g_dbus_method_invocation_return_value (invocation, NULL);
  else
    g_dbus_method_invocation_return_error_literal (
        invocation, TRUNDLE_ERROR, TRUNDLE_ERROR_NO_SPACE, "It could not be stored");
  return TRUE;
}

static gboolean
handle_cookies_changed (TrdWorkerProcess *self,
                        GVariant *parameters,
                        GDBusMethodInvocation *invocation)
{
  guint64 jar;
  guint64 version;
  g_autoptr (GVariant) changes = NULL;

  g_variant_get (parameters, "(tt@" TRUNDLE_COOKIES_TYPE ")", &jar, &version, &changes);
  if (!trundle_cookies_check (changes)
      || !self->events->on_cookies (self, jar, version, changes, self->user_data))
    return FALSE;
  g_dbus_method_invocation_return_value (invocation, NULL);
  return TRUE;
}

static gboolean
handle_done (TrdWorkerProcess *self,
             GVariant *parameters,
             GDBusMethodInvocation *invocation)
{
  guint64 attempt;
  g_autoptr (GVariant) facts = NULL;
  g_autoptr (TrdOutcome) outcome = NULL;

  g_variant_get (parameters, "(t@a{sv})", &attempt, &facts);
  outcome = trd_outcome_new_from_wire (facts, NULL);
  if (outcome == NULL || !self->events->on_done (self, attempt, outcome, self->user_data))
    return FALSE;
  g_dbus_method_invocation_return_value (invocation, NULL);
  return TRUE;
}

/* A lookup counts as unhandled until it is answered: that bounds them. */
typedef struct
{
  TrdWorkerGuard *guard;             /* (owned) */
  GDBusMethodInvocation *invocation; /* (owned) (nullable): taken by the answer */
} Lookup;

/* To have found out nothing is not to have found that there is no proxy. */
static void
answer_lookup (Lookup *lookup, char **proxies)
{
  GDBusMethodInvocation *invocation = g_steal_pointer (&lookup->invocation);
  g_autoptr (GDBusMessage) call = g_object_ref (
      g_dbus_method_invocation_get_message (invocation));

  if (proxies != NULL && proxies[0] != NULL)
    g_dbus_method_invocation_return_value (invocation, g_variant_new ("(^as)", proxies));
  else
    g_dbus_method_invocation_return_error_literal (invocation,
                                                   TRUNDLE_ERROR,
                                                   TRUNDLE_ERROR_CANNOT_CONNECT,
                                                   "The proxy could not be found out");
  trd_worker_guard_note_handled (lookup->guard, call);
  trd_worker_guard_unref (lookup->guard);
  g_free (lookup);
}

static void
on_proxies (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Lookup *lookup = user_data;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) proxies = NULL;

  proxies = g_proxy_resolver_lookup_finish (G_PROXY_RESOLVER (source), result, &error);
  if (proxies == NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_message ("The system's proxies could not be found out: %s", error->message);
  answer_lookup (lookup, proxies);
}

static gboolean
handle_resolve_proxy (TrdWorkerProcess *self,
                      GVariant *parameters,
                      GDBusMethodInvocation *invocation)
{
  const char *url;
  g_autoptr (GUri) uri = NULL;
  Lookup *lookup;

  g_variant_get (parameters, "(&s)", &url);
  uri = trundle_url_parse (url, NULL);
  if (uri == NULL)
    return FALSE;
  lookup = g_new0 (Lookup, 1);
  lookup->guard = trd_worker_guard_ref (self->guard);
  lookup->invocation = invocation;
  g_proxy_resolver_lookup_async (
      g_proxy_resolver_get_default (), url, self->cancellable, on_proxies, lookup);
  return TRUE;
}

/* Handlers return FALSE, and leave the invocation alone, when what was said makes no
 * sense. */
static const struct
{
  const char *name;
  gboolean (*handle) (TrdWorkerProcess *self,
                      GVariant *parameters,
                      GDBusMethodInvocation *invocation);
  gboolean is_answered_later;
  const char *violation;
} handlers[] = {
  { "Hello", handle_hello, FALSE, "a Hello without sense" },
  { "Progress", handle_progress, FALSE, "a Progress without sense" },
  { "Response", handle_response, FALSE, "a Response without sense" },
  { "Redirected", handle_redirected, FALSE, "a Redirected without sense" },
  { "Digested", handle_digested, FALSE, "a Digested without sense" },
  { "UploadChanged", handle_upload_changed, FALSE, "an UploadChanged without sense" },
  { "CookiesChanged", handle_cookies_changed, FALSE, "a CookiesChanged without sense" },
  { "Done", handle_done, FALSE, "a Done without sense" },
  { "ResolveProxy", handle_resolve_proxy, TRUE, "a ResolveProxy without sense" },
};

static void
dispatch (TrdWorkerProcess *self, guint row, GDBusMethodInvocation *invocation)
{
  GVariant *parameters = g_dbus_method_invocation_get_parameters (invocation);
  g_autoptr (GDBusMessage) call = g_object_ref (
      g_dbus_method_invocation_get_message (invocation));

  if (self->events != NULL && trd_worker_guard_get_violation (self->guard) == NULL)
    {
      if (handlers[row].handle (self, parameters, invocation))
        {
          if (!handlers[row].is_answered_later)
            trd_worker_guard_note_handled (self->guard, call);
          return;
        }
      trd_worker_guard_condemn (self->guard, handlers[row].violation);
    }
  g_dbus_method_invocation_return_error_literal (
      invocation, TRUNDLE_ERROR, TRUNDLE_ERROR_NOT_ALLOWED, "The worker is not heard");
}

static void
on_method_call (GDBusConnection *connection,
                const char *sender,
                const char *object_path,
                const char *interface_name,
                const char *method_name,
                GVariant *parameters,
                GDBusMethodInvocation *invocation,
                gpointer user_data)
{
  g_autoptr (TrdWorkerProcess) self = g_object_ref (user_data);

  for (guint i = 0; i < G_N_ELEMENTS (handlers); i++)
    {
      if (strcmp (method_name, handlers[i].name) == 0)
        {
          dispatch (self, i, invocation);
          return;
        }
    }
  g_assert_not_reached ();
}

guint
trd_worker_broker_export (TrdWorkerProcess *self, GDBusConnection *connection)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_method_call };

  return g_dbus_connection_register_object (connection,
                                            TRUNDLE_WORKER_PATH,
                                            trd_worker_broker_get_interface (),
                                            &vtable,
                                            g_object_ref (self),
                                            g_object_unref,
                                            NULL);
}
