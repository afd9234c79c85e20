/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks the daemon for the proxies of each hop: settings, PAC scripts and the portal are
 * out of a confined worker's reach.  An unanswered question fails the connection: going
 * around a proxy is not ours to decide. */

#include "config.h"

#include "proxy.h"

#include "common/error.h"
#include "common/names.h"
#include "common/url.h"

/* A PAC script may have to be fetched. */
#define ANSWER_TIMEOUT_MS (60 * 1000)

/* Hosts that are remembered; then they are asked for again anyway. */
#define HOSTS_MAX 1000

struct _TrwProxyResolver
{
  GObject parent_instance;
  GDBusConnection *connection; /* (owned) */
  GHashTable *hosts;           /* (owned): that have a proxy, as trundle_url_host_key() */
};

static void
trw_proxy_resolver_iface_init (GProxyResolverInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TrwProxyResolver,
                               trw_proxy_resolver,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_PROXY_RESOLVER,
                                                      trw_proxy_resolver_iface_init))

/* @proxies: as the last answer about @url says. */
static void
note_host (TrwProxyResolver *self, const char *url, char **proxies)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  g_autofree char *key = uri != NULL ? trundle_url_host_key (uri) : g_strdup (url);
  gboolean is_direct = TRUE;

  for (guint i = 0; proxies[i] != NULL; i++)
    is_direct = is_direct && g_str_has_prefix (proxies[i], "direct:");
  if (g_hash_table_size (self->hosts) >= HOSTS_MAX)
    g_hash_table_remove_all (self->hosts);
  if (is_direct)
    g_hash_table_remove (self->hosts, key);
  else
    g_hash_table_add (self->hosts, g_steal_pointer (&key));
}

gboolean
trw_proxy_resolver_has_proxy (GProxyResolver *resolver, GUri *uri)
{
  TrwProxyResolver *self = TRW_PROXY_RESOLVER (resolver);
  g_autofree char *key = trundle_url_host_key (uri);

  return g_hash_table_contains (self->hosts, key);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;
  char **proxies = NULL;

  reply = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  if (reply == NULL)
    {
      /* In our domain, so that it is not told as a proxy that failed. */
      g_task_return_new_error (
          task,
          TRUNDLE_ERROR,
          TRUNDLE_ERROR_CANNOT_CONNECT,
          "The proxy to use could not be found out from the system's settings");
      return;
    }
  g_variant_get (reply, "(^as)", &proxies);
  note_host (g_task_get_source_object (task), g_task_get_task_data (task), proxies);
  g_task_return_pointer (task, proxies, (GDestroyNotify)g_strfreev);
}

static void
lookup_async (GProxyResolver *resolver,
              const char *uri,
              GCancellable *cancellable,
              GAsyncReadyCallback callback,
              gpointer user_data)
{
  TrwProxyResolver *self = TRW_PROXY_RESOLVER (resolver);
  GTask *task = g_task_new (resolver, cancellable, callback, user_data);
  char *url = trundle_url_without_user_info (uri, NULL);

  g_task_set_task_data (task, url, g_free);
  g_dbus_connection_call (self->connection,
                          NULL,
                          TRUNDLE_WORKER_PATH,
                          TRUNDLE_INTERFACE_BROKER,
                          "ResolveProxy",
                          g_variant_new ("(s)", url),
                          G_VARIANT_TYPE ("(as)"),
                          G_DBUS_CALL_FLAGS_NONE,
                          ANSWER_TIMEOUT_MS,
                          cancellable,
                          on_answer,
                          task);
}

static char **
lookup_finish (GProxyResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Nobody waits on the main loop. */
static char **
lookup (GProxyResolver *resolver,
        const char *uri,
        GCancellable *cancellable,
        GError **error)
{
  g_set_error_literal (error,
                       G_IO_ERROR,
                       G_IO_ERROR_NOT_SUPPORTED,
                       "Proxies are asked for asynchronously");
  return NULL;
}

static gboolean
is_supported (GProxyResolver *resolver)
{
  return TRUE;
}

GProxyResolver *
trw_proxy_resolver_new (GDBusConnection *connection)
{
  TrwProxyResolver *self = g_object_new (TRW_TYPE_PROXY_RESOLVER, NULL);

  self->connection = g_object_ref (connection);
  return G_PROXY_RESOLVER (self);
}

static void
trw_proxy_resolver_dispose (GObject *object)
{
  TrwProxyResolver *self = TRW_PROXY_RESOLVER (object);

  g_clear_object (&self->connection);
  G_OBJECT_CLASS (trw_proxy_resolver_parent_class)->dispose (object);
}

static void
trw_proxy_resolver_finalize (GObject *object)
{
  TrwProxyResolver *self = TRW_PROXY_RESOLVER (object);

  g_hash_table_unref (self->hosts);
  G_OBJECT_CLASS (trw_proxy_resolver_parent_class)->finalize (object);
}

static void
trw_proxy_resolver_init (TrwProxyResolver *self)
{
  self->hosts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

static void
trw_proxy_resolver_iface_init (GProxyResolverInterface *iface)
{
  iface->is_supported = is_supported;
  iface->lookup = lookup;
  iface->lookup_async = lookup_async;
  iface->lookup_finish = lookup_finish;
}

static void
trw_proxy_resolver_class_init (TrwProxyResolverClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = trw_proxy_resolver_dispose;
  G_OBJECT_CLASS (klass)->finalize = trw_proxy_resolver_finalize;
}
