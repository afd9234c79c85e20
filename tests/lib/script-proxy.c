/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One thread per connection, and a second one for the way back. */

#include "config.h"

#include "script-proxy.h"

#include <string.h>

#define HEAD_MAX (16 * 1024)

struct _ScriptProxy
{
  GSocketService *service; /* (owned) */
  char *refusal;           /* (owned) (nullable) */
  guint16 port;
  ScriptHandler handler; /* (nullable) */
  gpointer handler_data;
  char *password;               /* (owned) (nullable): of SOCKS5 */
  GTlsCertificate *certificate; /* (owned) (nullable) */
  guint n_connections;
  GMutex lock;
  char *question; /* (owned) (nullable): under the lock */
};

static void
take_question (ScriptProxy *self, char *question)
{
  g_mutex_lock (&self->lock);
  g_free (self->question);
  self->question = question;
  g_mutex_unlock (&self->lock);
}

static gboolean
receive (GIOStream *stream, gpointer data, gsize length)
{
  gsize n_read = 0;

  return g_input_stream_read_all (
             g_io_stream_get_input_stream (stream), data, length, &n_read, NULL, NULL)
         && n_read == length;
}

static gboolean
say (GIOStream *stream, const char *data, gsize length)
{
  return g_output_stream_write_all (
      g_io_stream_get_output_stream (stream), data, length, NULL, NULL, NULL);
}

/* Tunnels */

static void
pass_on (GIOStream *from, GIOStream *to)
{
  g_output_stream_splice (g_io_stream_get_output_stream (to),
                          g_io_stream_get_input_stream (from),
                          G_OUTPUT_STREAM_SPLICE_NONE,
                          NULL,
                          NULL);
  if (G_IS_SOCKET_CONNECTION (to))
    g_socket_shutdown (
        g_socket_connection_get_socket (G_SOCKET_CONNECTION (to)), FALSE, TRUE, NULL);
  else
    g_io_stream_close (to, NULL, NULL);
}

static gpointer
pass_back (gpointer data)
{
  GIOStream **ends = data;

  pass_on (ends[1], ends[0]);
  return NULL;
}

static GIOStream *
reach (guint port)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();

  g_socket_client_set_enable_proxy (client, FALSE);
  return (GIOStream *)g_socket_client_connect_to_host (
      client, "127.0.0.1", (guint16)port, NULL, NULL);
}

static void
tunnel (GIOStream *stream, GIOStream *far_end)
{
  GIOStream *ends[] = { stream, far_end };
  GThread *back = g_thread_new ("back", pass_back, ends);

  pass_on (stream, far_end);
  g_thread_join (back);
}

/* Questions */

/* The first byte has been read. */
static void
serve_connect (ScriptProxy *self, GIOStream *stream, char first)
{
  static const char yes[] = "HTTP/1.1 200 Go on\r\n\r\n";
  g_autoptr (GString) head = g_string_new (NULL);
  g_autoptr (GIOStream) far_end = NULL;
  g_autofree char *refusal = NULL;
  const char *colon;

  for (char c = first; strstr (head->str, "\r\n\r\n") == NULL && head->len < HEAD_MAX;)
    {
      g_string_append_c (head, c);
      if (!g_str_has_suffix (head->str, "\r\n\r\n") && !receive (stream, &c, 1))
        return;
    }
  take_question (self, g_strdup (head->str));
  if (self->handler != NULL)
    refusal = self->handler (head->str, self->handler_data);
  if (refusal != NULL)
    {
      say (stream, refusal, strlen (refusal));
      return;
    }
  if (self->refusal != NULL)
    {
      say (stream, self->refusal, strlen (self->refusal));
      return;
    }
  colon = strchr (head->str, ':');
  if (colon != NULL)
    far_end = reach ((guint)g_ascii_strtoull (colon + 1, NULL, 10));
  if (far_end != NULL && say (stream, yes, strlen (yes)))
    tunnel (stream, far_end);
}

/* RFC 1929.  The methods offered have been read. */
static gboolean
check_password (ScriptProxy *self, GIOStream *stream)
{
  guint8 head[2];
  guint8 length;
  char user[256] = { 0 };
  char password[256] = { 0 };
  g_autofree char *both = NULL;
  gboolean is_right;

  if (!say (stream, "\x05\x02", 2) || !receive (stream, head, sizeof head)
      || !receive (stream, user, head[1]) || !receive (stream, &length, 1)
      || !receive (stream, password, length))
    return FALSE;
  both = g_strconcat (user, ":", password, NULL);
  is_right = strcmp (both, self->password) == 0;
  return say (stream, is_right ? "\x01\x00" : "\x01\x01", 2) && is_right;
}

/* The method is agreed on. */
static gboolean
greet_socks (ScriptProxy *self, GIOStream *stream)
{
  guint8 n_methods;
  guint8 methods[255];

  if (!receive (stream, &n_methods, 1) || !receive (stream, methods, n_methods))
    return FALSE;
  if (self->password == NULL)
    return say (stream, "\x05\x00", 2);
  if (memchr (methods, 2, n_methods) != NULL)
    return check_password (self, stream);
  say (stream, "\x05\xff", 2);
  return FALSE;
}

/* RFC 1928, with names of hosts only. */
static void
serve_socks (ScriptProxy *self, GIOStream *stream)
{
  guint8 request[5];
  char host[256] = { 0 };
  guint8 port[2];
  g_autoptr (GIOStream) far_end = NULL;

  if (!greet_socks (self, stream) || !receive (stream, request, sizeof request)
      || request[1] != 1 || request[3] != 3 || !receive (stream, host, request[4])
      || !receive (stream, port, sizeof port))
    return;
  take_question (self, g_strdup_printf ("SOCKS5 %s:%u", host, port[0] * 256u + port[1]));
  far_end = reach (port[0] * 256u + port[1]);
  if (far_end != NULL && say (stream, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", 10))
    tunnel (stream, far_end);
}

static gboolean
on_run (GThreadedSocketService *service,
        GSocketConnection *connection,
        GObject *source,
        gpointer user_data)
{
  ScriptProxy *self = user_data;
  GIOStream *stream = G_IO_STREAM (connection);
  g_autoptr (GIOStream) tls = NULL;
  char first;

  g_mutex_lock (&self->lock);
  self->n_connections++;
  g_mutex_unlock (&self->lock);
  if (self->certificate != NULL)
    tls = g_tls_server_connection_new (stream, self->certificate, NULL);
  if (tls != NULL)
    stream = tls;
  if (!receive (stream, &first, 1))
    return TRUE;
  if (first == 5)
    serve_socks (self, stream);
  else
    serve_connect (self, stream, first);
  return TRUE;
}

ScriptProxy *
script_proxy_new (const char *refusal)
{
  ScriptProxy *self = g_new0 (ScriptProxy, 1);
  g_autoptr (GInetAddress) loopback = g_inet_address_new_from_string ("127.0.0.1");
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GError) error = NULL;

  /* The leak checker stumbles over threads that end while it looks (libasan 8). */
  g_thread_pool_set_max_unused_threads (0);
  g_mutex_init (&self->lock);
  self->refusal = g_strdup (refusal);
  self->service = g_threaded_socket_service_new (100);
  g_socket_listener_add_address (G_SOCKET_LISTENER (self->service),
                                 any,
                                 G_SOCKET_TYPE_STREAM,
                                 G_SOCKET_PROTOCOL_TCP,
                                 NULL,
                                 &address,
                                 &error);
  g_assert_no_error (error);
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));
  g_signal_connect (self->service, "run", G_CALLBACK (on_run), self);
  return self;
}

/* Leaks what threads may still look at: the process of a test is short. */
void
script_proxy_free (ScriptProxy *self)
{
  g_socket_service_stop (self->service);
  g_socket_listener_close (G_SOCKET_LISTENER (self->service));
}

char *
script_proxy_url (ScriptProxy *self, const char *scheme)
{
  return g_strdup_printf ("%s://127.0.0.1:%u", scheme, self->port);
}

void
script_proxy_set_handler (ScriptProxy *self, ScriptHandler handler, gpointer user_data)
{
  self->handler_data = user_data;
  self->handler = handler;
}

void
script_proxy_set_certificate (ScriptProxy *self, GTlsCertificate *certificate)
{
  g_set_object (&self->certificate, certificate);
}

void
script_proxy_set_password (ScriptProxy *self, const char *password)
{
  g_free (self->password);
  self->password = g_strdup (password);
}

guint
script_proxy_count_connections (ScriptProxy *self)
{
  guint n_connections;

  g_mutex_lock (&self->lock);
  n_connections = self->n_connections;
  g_mutex_unlock (&self->lock);
  return n_connections;
}

char *
script_proxy_get_question (ScriptProxy *self)
{
  char *question;

  g_mutex_lock (&self->lock);
  question = g_strdup (self->question);
  g_mutex_unlock (&self->lock);
  return question;
}
