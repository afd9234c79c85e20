/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The proxies of each hop: those that the request names, or those of the system, for
 * which the daemon is asked: settings, PAC scripts and the portal are out of a confined
 * worker's reach.  An unanswered question fails the connection: going around a proxy is
 * not ours to decide.
 *
 * Of user info only what a SOCKS5 proxy needs goes on to GIO; to the others we say it
 * ourselves, when they ask. */

#include "config.h"

#include "proxy.h"

#include "common/error.h"
#include "common/names.h"
#include "common/url.h"

#include <string.h>

/* A PAC script may have to be fetched. */
#define ANSWER_TIMEOUT_MS (60 * 1000)

/* Hosts that are remembered; then they are asked for again anyway. */
#define HOSTS_MAX 1000

struct _TrwProxyResolver
{
  GObject parent_instance;
  GDBusConnection *connection; /* (owned) */
  char **proxies;              /* (owned) (nullable): instead of asking */
  GProxyResolver *exclusions;  /* (owned) (nullable): says "direct://" about them */
  GPtrArray *credentials;      /* (owned) (element-type TrwCredential): of SOCKS5 */
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

/* What GIO (2.74) takes apart again with its escapes. */
static char *
add_user_info (const TrwCredential *credential)
{
  g_autofree char *user = g_uri_escape_string (credential->user, NULL, FALSE);
  g_autofree char *password = g_uri_escape_string (credential->password, NULL, FALSE);
  gboolean is_ipv6 = strchr (credential->party.host, ':') != NULL;

  return g_strdup_printf (is_ipv6 ? "socks5://%s:%s@[%s]:%u" : "socks5://%s:%s@%s:%u",
                          user,
                          password,
                          credential->party.host,
                          credential->party.port);
}

static char *
dress (TrwProxyResolver *self, const char *proxy)
{
  g_autofree char *plain = trundle_url_without_user_info (proxy, NULL);
  g_autoptr (GUri) uri = g_uri_parse (plain, G_URI_FLAGS_NONE, NULL);
  g_auto (TrwParty) party = { 0 };

  if (uri == NULL || !trw_party_init (&party, uri, TRUE))
    return g_steal_pointer (&plain);
  for (guint i = 0; i < self->credentials->len; i++)
    {
      const TrwCredential *one = self->credentials->pdata[i];

      if (trw_party_equal (&one->party, &party))
        return add_user_info (one);
    }
  if (g_uri_get_port (uri) > 0)
    return g_steal_pointer (&plain);
  /* GIO (2.74) knows no ports by heart. */
  return g_uri_join (G_URI_FLAGS_NONE,
                     g_uri_get_scheme (uri),
                     NULL,
                     party.host,
                     (int)party.port,
                     "",
                     NULL,
                     NULL);
}

static char **
dress_all (TrwProxyResolver *self, char **proxies)
{
  g_autoptr (GPtrArray) dressed = g_ptr_array_new_null_terminated (1, g_free, TRUE);

  for (guint i = 0; proxies[i] != NULL; i++)
    g_ptr_array_add (dressed, dress (self, proxies[i]));
  return (char **)g_ptr_array_steal (dressed, NULL);
}

/* NULL when the daemon is to be asked.  Nobody is asked over a network for exclusions. */
static char **
look_up_own (TrwProxyResolver *self, const char *url)
{
  static const char *const direct[] = { "direct://", NULL };
  g_auto (GStrv) answer = NULL;

  if (self->proxies == NULL)
    return NULL;
  if (self->exclusions != NULL)
    answer = g_proxy_resolver_lookup (self->exclusions, url, NULL, NULL);
  if (answer != NULL && g_strv_contains ((const char *const *)answer, direct[0]))
    return g_strdupv ((char **)direct);
  return dress_all (self, self->proxies);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_auto (GStrv) proxies = NULL;
  TrwProxyResolver *self = g_task_get_source_object (task);

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
  note_host (self, g_task_get_task_data (task), proxies);
  g_task_return_pointer (task, dress_all (self, proxies), (GDestroyNotify)g_strfreev);
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
  char **own = look_up_own (self, url);

  g_task_set_task_data (task, url, g_free);
  if (own != NULL)
    {
      note_host (self, url, own);
      g_task_return_pointer (task, own, (GDestroyNotify)g_strfreev);
      g_object_unref (task);
      return;
    }
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

/* The first for a proxy is the one. */
static void
keep_credentials (TrwProxyResolver *self, GPtrArray *credentials, gboolean is_allowed)
{
  for (guint i = 0; i < credentials->len; i++)
    {
      const TrwCredential *one = credentials->pdata[i];

      if (one->party.is_proxy && g_str_equal (one->party.protocol, "socks5")
          && (is_allowed || one->is_explicit)
          && (!one->has_method || one->method == TRW_METHOD_BASIC))
        g_ptr_array_add (self->credentials, trw_credential_copy (one));
    }
}

GProxyResolver *
trw_proxy_resolver_new (GDBusConnection *connection, const TrwRequest *request)
{
  TrwProxyResolver *self = g_object_new (TRW_TYPE_PROXY_RESOLVER, NULL);

  self->connection = g_object_ref (connection);
  self->proxies = g_strdupv (request->proxies);
  if (request->proxy_exclusions != NULL)
    self->exclusions = g_simple_proxy_resolver_new ("http://0.0.0.0:1",
                                                    request->proxy_exclusions);
  self->credentials = g_ptr_array_new_with_free_func (
      (GDestroyNotify)trw_credential_free);
  keep_credentials (self, request->credentials, request->allow_insecure_auth);
  keep_credentials (self, request->of_proxies, TRUE);
  return G_PROXY_RESOLVER (self);
}

gboolean
trw_proxy_get_party (GSocketAddress *address, const char *protocol, TrwParty *out_party)
{
  g_autoptr (GUri) uri = NULL;
  g_auto (TrwParty) party = { 0 };
  const char *text = NULL;

  if (G_IS_PROXY_ADDRESS (address)
      && g_strcmp0 (g_proxy_address_get_protocol (G_PROXY_ADDRESS (address)), protocol)
             == 0)
    text = g_proxy_address_get_uri (G_PROXY_ADDRESS (address));
  if (text != NULL)
    uri = g_uri_parse (
        text, G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_SCHEME_NORMALIZE, NULL);
  if (uri == NULL || !trw_party_init (&party, uri, TRUE))
    return FALSE;
  if (out_party != NULL)
    {
      *out_party = party;
      party = (TrwParty){ 0 };
    }
  return TRUE;
}

static void
trw_proxy_resolver_dispose (GObject *object)
{
  TrwProxyResolver *self = TRW_PROXY_RESOLVER (object);

  g_clear_object (&self->connection);
  g_clear_object (&self->exclusions);
  G_OBJECT_CLASS (trw_proxy_resolver_parent_class)->dispose (object);
}

static void
trw_proxy_resolver_finalize (GObject *object)
{
  TrwProxyResolver *self = TRW_PROXY_RESOLVER (object);

  g_strfreev (self->proxies);
  g_ptr_array_unref (self->credentials);
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
