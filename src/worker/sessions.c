/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pools of connections.  A connection stands for what was proved when it was made: whom
 * the other side is, by whose word, and by which proxy with whose password it is reached.
 * What is proved for one request must not serve another that would not have had it, so
 * there is a pool for each set of all that matters. */

#include "config.h"

#include "sessions.h"

#include "connection.h"
#include "proxy.h"
#include "tls-proxy.h"

#include <string.h>

/* The daemon decides how many attempts run; the session must never be the one that waits.
 */
#define CONNECTIONS_PER_HOST_MAX 64
#define CONNECTIONS_MAX 512
#define IDLE_CONNECTION_S 30

/* Of these, those that nobody uses go when there are more. */
#define SESSIONS_MAX 32

typedef struct
{
  SoupMessage *message;        /* (unowned): until it is unwatched */
  const TrwTunnelHooks *hooks; /* (unowned), static */
  gpointer user_data;
} Watch;

struct _TrwSession
{
  SoupSession *soup;     /* (owned) */
  TrwAuthMemory *memory; /* (owned) */
  GPtrArray *watches;    /* (owned) (element-type Watch) */
  GHashTable
      *streams; /* (owned): ids of connections to GIOStream, which it does not own */
  guint n_references;
};

struct _TrwSessions
{
  GDBusConnection *connection; /* (owned) */
  GTlsDatabase *trust;         /* (owned) (nullable) */
  GHashTable *sessions;        /* (owned): what matters, hashed, to TrwSession */
};

/* Connections */

static gboolean
is_stream (gpointer id, gpointer stream, gpointer gone)
{
  return stream == gone;
}

static void
on_stream_gone (gpointer user_data, GObject *gone)
{
  TrwSession *self = user_data;

  g_hash_table_foreach_remove (self->streams, is_stream, gone);
}

static void
forget_streams (TrwSession *self)
{
  GHashTableIter iter;
  gpointer stream;

  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    g_object_weak_unref (stream, on_stream_gone, self);
  g_hash_table_unref (self->streams);
}

/* What came first is below what came last. */
void
trw_session_note_stream (TrwSession *self,
                         SoupMessage *message,
                         GSocketClientEvent event,
                         GIOStream *connection)
{
  guint64 id = soup_message_get_connection_id (message);
  GIOStream *before = g_hash_table_lookup (self->streams, &id);

  if (connection == NULL || connection == before
      || (event != G_SOCKET_CLIENT_CONNECTED && event != G_SOCKET_CLIENT_TLS_HANDSHAKED
          && event != G_SOCKET_CLIENT_COMPLETE))
    return;
  if (before != NULL)
    g_object_weak_unref (G_OBJECT (before), on_stream_gone, self);
  g_object_weak_ref (G_OBJECT (connection), on_stream_gone, self);
  g_hash_table_insert (self->streams, g_memdup2 (&id, sizeof id), connection);
}

GIOStream *
trw_session_find_stream (TrwSession *self, SoupMessage *message)
{
  guint64 id = soup_message_get_connection_id (message);

  return g_hash_table_lookup (self->streams, &id);
}

TrwSession *
trw_session_ref (TrwSession *self)
{
  self->n_references++;
  return self;
}

void
trw_session_unref (TrwSession *self)
{
  if (--self->n_references > 0)
    return;
  g_signal_handlers_disconnect_by_data (self->soup, self);
  g_object_unref (self->soup);
  forget_streams (self);
  trw_auth_memory_free (self->memory);
  g_ptr_array_unref (self->watches);
  g_free (self);
}

SoupSession *
trw_session_get_soup (TrwSession *self)
{
  return self->soup;
}

TrwAuthMemory *
trw_session_get_memory (TrwSession *self)
{
  return self->memory;
}

/* Tunnels */

void
trw_session_watch (TrwSession *self,
                   SoupMessage *message,
                   const TrwTunnelHooks *hooks,
                   gpointer user_data)
{
  Watch *watch = g_new0 (Watch, 1);

  watch->message = message;
  watch->hooks = hooks;
  watch->user_data = user_data;
  g_ptr_array_add (self->watches, watch);
}

void
trw_session_unwatch (TrwSession *self, SoupMessage *message)
{
  for (guint i = self->watches->len; i > 0; i--)
    {
      const Watch *watch = self->watches->pdata[i - 1];

      if (watch->message == message)
        g_ptr_array_remove_index_fast (self->watches, i - 1);
    }
}

/* libsoup (3.2.3) makes the request for a tunnel itself, and lends it the connection of
 * the message it is for. */
static const Watch *
find_watch (TrwSession *self, SoupMessage *connect)
{
  guint64 id = soup_message_get_connection_id (connect);

  for (guint i = 0; id != 0 && i < self->watches->len; i++)
    {
      const Watch *watch = self->watches->pdata[i];

      if (soup_message_get_connection_id (watch->message) == id)
        return watch;
    }
  return NULL;
}

static void
on_connect_starting (SoupMessage *connect, gpointer user_data)
{
  const Watch *watch = find_watch (user_data, connect);

  if (watch != NULL)
    watch->hooks->asking (connect, watch->user_data);
}

static void
on_connect_got_headers (SoupMessage *connect, gpointer user_data)
{
  const Watch *watch = find_watch (user_data, connect);

  if (watch != NULL)
    watch->hooks->answered (connect, watch->user_data);
}

/* Nothing of a session outlives the attempts it is for, so that the message needs none
 * of it. */
static void
on_request_queued (SoupSession *soup, SoupMessage *message, gpointer user_data)
{
  if (!g_str_equal (soup_message_get_method (message), "CONNECT"))
    return;
  g_signal_connect (message, "starting", G_CALLBACK (on_connect_starting), user_data);
  g_signal_connect (
      message, "got-headers", G_CALLBACK (on_connect_got_headers), user_data);
}

/* Only then: until now nothing but a watch leads from the message here. */
static void
on_request_unqueued (SoupSession *soup, SoupMessage *message, gpointer user_data)
{
  g_signal_handlers_disconnect_by_data (message, user_data);
}

/* The pools */

static void
add_text (GChecksum *key, const char *text)
{
  guint64 length = text != NULL ? strlen (text) : G_MAXUINT64;

  g_checksum_update (key, (const guchar *)&length, sizeof length);
  if (text != NULL)
    g_checksum_update (key, (const guchar *)text, (gssize)length);
}

static void
add_proxy_credentials (GChecksum *key, const TrwRequest *request)
{
  for (guint i = 0; i < request->credentials->len; i++)
    {
      const TrwCredential *one = request->credentials->pdata[i];
      g_autofree char *numbers = NULL;

      if (!one->party.is_proxy)
        continue;
      numbers = g_strdup_printf ("%u %d %d %d",
                                 one->party.port,
                                 one->has_method,
                                 one->method,
                                 request->allow_insecure_auth || one->is_explicit);
      add_text (key, numbers);
      add_text (key, one->party.protocol);
      add_text (key, one->party.host);
      add_text (key, one->realm);
      add_text (key, one->user);
      add_text (key, one->password);
      add_text (key, one->token);
    }
}

/* What the app says to them itself. */
static void
add_proxy_headers (GChecksum *key, GVariant *headers)
{
  GVariantIter iter;
  const char *name;
  const char *value;

  g_variant_iter_init (&iter, headers);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    {
      if (g_ascii_strcasecmp (name, "Proxy-Authorization") == 0)
        add_text (key, value);
    }
}

/* All of a request that a connection stands for; hashed, since some of it is secret.
 * (transfer full) */
static char *
make_key (const TrwRequest *request)
{
  g_autoptr (GChecksum) key = g_checksum_new (G_CHECKSUM_SHA256);

  add_text (key, request->partition);
  add_proxy_credentials (key, request);
  add_proxy_headers (key, request->headers);
  add_proxy_headers (key, request->secret_headers);
  return g_strdup (g_checksum_get_string (key));
}

static TrwSession *
make_session (TrwSessions *self, const TrwRequest *request)
{
  TrwSession *session = g_new0 (TrwSession, 1);
  g_autoptr (GProxyResolver) proxies = trw_proxy_resolver_new (self->connection, request);

  session->n_references = 1;
  session->memory = trw_auth_memory_new ();
  session->streams = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  session->watches = g_ptr_array_new_with_free_func (g_free);
  session->soup = soup_session_new_with_options ("max-conns",
                                                 CONNECTIONS_MAX,
                                                 "max-conns-per-host",
                                                 CONNECTIONS_PER_HOST_MAX,
                                                 "timeout",
                                                 0,
                                                 "idle-timeout",
                                                 IDLE_CONNECTION_S,
                                                 "user-agent",
                                                 "Trundle/" TRUNDLE_VERSION,
                                                 "proxy-resolver",
                                                 proxies,
                                                 NULL);
  if (request->pins != NULL)
    soup_session_set_tls_database (session->soup, G_TLS_DATABASE (request->pins));
  else if (self->trust != NULL)
    soup_session_set_tls_database (session->soup, self->trust);
  soup_session_remove_feature_by_type (session->soup, SOUP_TYPE_CONTENT_DECODER);
  soup_session_remove_feature_by_type (session->soup, SOUP_TYPE_CONTENT_SNIFFER);
  soup_session_remove_feature_by_type (session->soup, SOUP_TYPE_AUTH_MANAGER);
  soup_session_remove_feature_by_type (session->soup, SOUP_TYPE_COOKIE_JAR);
  g_signal_connect (
      session->soup, "request-queued", G_CALLBACK (on_request_queued), session);
  g_signal_connect (
      session->soup, "request-unqueued", G_CALLBACK (on_request_unqueued), session);
  return session;
}

TrwSessions *
trw_sessions_new (GDBusConnection *connection, GTlsDatabase *trust)
{
  TrwSessions *self = g_new0 (TrwSessions, 1);

  trw_connection_register ();
  trw_tls_proxy_register ();
  self->connection = g_object_ref (connection);
  g_set_object (&self->trust, trust);
  self->sessions = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, (GDestroyNotify)trw_session_unref);
  return self;
}

void
trw_sessions_free (TrwSessions *self)
{
  g_object_unref (self->connection);
  g_clear_object (&self->trust);
  g_hash_table_unref (self->sessions);
  g_free (self);
}

static gboolean
is_unused (gpointer key, gpointer value, gpointer user_data)
{
  const TrwSession *session = value;

  return session->n_references == 1;
}

TrwSession *
trw_sessions_get (TrwSessions *self, const TrwRequest *request)
{
  g_autofree char *key = make_key (request);
  TrwSession *session = g_hash_table_lookup (self->sessions, key);

  if (request->pins != NULL)
    trw_pins_set_parent (request->pins, self->trust);
  if (session == NULL)
    {
      if (g_hash_table_size (self->sessions) >= SESSIONS_MAX)
        g_hash_table_foreach_remove (self->sessions, is_unused, NULL);
      session = make_session (self, request);
      g_hash_table_insert (self->sessions, g_steal_pointer (&key), session);
    }
  return trw_session_ref (session);
}
