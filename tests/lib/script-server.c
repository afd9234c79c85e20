/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One thread per connection with blocking streams; connections are accepted by the test's
 * main context.  Errors of writing are the client's going away, which is what tests are
 * about. */

#include "config.h"

#include "script-server.h"

#include <string.h>

#define FILL_BLOCK (256 * 1024)
#define REQUEST_MAX (64 * 1024)

struct _ScriptServer
{
  GSocketService *service;      /* (owned) */
  GTlsCertificate *certificate; /* (owned) (nullable) */
  GCancellable *cancellable;    /* (owned): ends the threads' waiting */
  GMutex lock;                  /* for what follows */
  GHashTable *replies;          /* (owned): path to ScriptReply */
  ScriptHandler handler;        /* (nullable) */
  gpointer handler_data;
  guint n_connections;
  gboolean is_hanging_up;
  guint16 port;
};

static void
clear_reply (gpointer data)
{
  ScriptReply *reply = data;

  g_free ((char *)reply->head);
  g_free ((char *)reply->tail);
}

/* Another may take its place while a thread sends it. */
static void
release_reply (gpointer reply)
{
  g_atomic_rc_box_release_full (reply, clear_reply);
}

static gboolean
send_data (GIOStream *stream, const char *data, gsize size)
{
  return g_output_stream_write_all (
      g_io_stream_get_output_stream (stream), data, size, NULL, NULL, NULL);
}

static gboolean
send_text (GIOStream *stream, const char *text)
{
  return send_data (stream, text, strlen (text));
}

static gboolean
send_fill (ScriptServer *self, GIOStream *stream, gsize fill)
{
  g_autofree char *block = g_malloc (FILL_BLOCK);

  memset (block, 'x', FILL_BLOCK);
  while (fill > 0)
    {
      gsize n = MIN (fill, FILL_BLOCK);

      if (!g_output_stream_write_all (g_io_stream_get_output_stream (stream),
                                      block,
                                      n,
                                      NULL,
                                      self->cancellable,
                                      NULL))
        return FALSE;
      fill -= n;
    }
  return TRUE;
}

/* The head of the next request, or NULL when the client has gone. */
static char *
read_request (ScriptServer *self, GIOStream *stream)
{
  g_autoptr (GString) request = g_string_new (NULL);
  char buffer[4096];

  while (strstr (request->str, "\r\n\r\n") == NULL && request->len < REQUEST_MAX)
    {
      gssize n = g_input_stream_read (g_io_stream_get_input_stream (stream),
                                      buffer,
                                      sizeof buffer,
                                      self->cancellable,
                                      NULL);

      if (n <= 0)
        return NULL;
      g_string_append_len (request, buffer, n);
    }
  return g_string_free (g_steal_pointer (&request), FALSE);
}

static char *
get_path (const char *request)
{
  g_auto (GStrv) words = g_strsplit (request, " ", 3);

  return g_strdup (g_strv_length (words) > 1 ? words[1] : "");
}

static gboolean
send_builtin (GIOStream *stream, const char *path, const char *request)
{
  g_autofree char *answer = NULL;
  guint64 n = 0;

  if (g_str_has_prefix (path, "/hop/"))
    n = g_ascii_strtoull (path + strlen ("/hop/"), NULL, 10);
  if (n > 0)
    answer = g_strdup_printf ("HTTP/1.1 302 Found\r\nLocation: %" G_GUINT64_FORMAT
                              "\r\nContent-Length: 0\r\n\r\n",
                              n - 1);
  else if (strstr (path, "/echo") != NULL)
    answer = g_strdup_printf ("HTTP/1.1 200 OK\r\nContent-Length: %" G_GSIZE_FORMAT
                              "\r\n\r\n%s",
                              strlen (request),
                              request);
  else
    answer = g_strdup ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
  return send_text (stream, answer);
}

static ScriptEnd
send_reply (ScriptServer *self, GIOStream *stream, const ScriptReply *reply)
{
  if (!send_text (stream, reply->head) || !send_fill (self, stream, reply->fill)
      || (reply->tail != NULL && !send_data (stream, reply->tail, reply->tail_size)))
    return SCRIPT_CLOSE;
  return reply->end;
}

static ScriptEnd
serve_request (ScriptServer *self, GIOStream *stream, const char *request)
{
  g_autofree char *path = get_path (request);
  g_autofree char *answer = NULL;
  ScriptReply *reply;
  ScriptEnd end;

  g_mutex_lock (&self->lock);
  if (self->handler != NULL)
    answer = self->handler (request, self->handler_data);
  reply = g_hash_table_lookup (self->replies, path);
  if (reply != NULL)
    g_atomic_rc_box_acquire (reply);
  g_mutex_unlock (&self->lock);
  end = reply != NULL && answer == NULL ? send_reply (self, stream, reply) : SCRIPT_KEEP;
  if (reply != NULL)
    release_reply (reply);
  if (answer != NULL)
    return send_text (stream, answer) ? SCRIPT_KEEP : SCRIPT_CLOSE;
  if (reply == NULL)
    return send_builtin (stream, path, request) ? SCRIPT_KEEP : SCRIPT_CLOSE;
  return end;
}

static void
serve (ScriptServer *self, GIOStream *stream)
{
  ScriptEnd end = SCRIPT_KEEP;

  while (end == SCRIPT_KEEP)
    {
      g_autofree char *request = read_request (self, stream);

      end = request != NULL ? serve_request (self, stream, request) : SCRIPT_CLOSE;
    }
  while (end == SCRIPT_DRIP && send_text (stream, "x"))
    g_usleep (50 * 1000);
  if (end == SCRIPT_STALL)
    g_free (read_request (self, stream));
}

static gboolean
on_run (GThreadedSocketService *service,
        GSocketConnection *connection,
        GObject *source,
        gpointer user_data)
{
  ScriptServer *self = user_data;
  g_autoptr (GIOStream) tls = NULL;
  gboolean is_hanging_up;

  g_mutex_lock (&self->lock);
  self->n_connections++;
  is_hanging_up = self->is_hanging_up;
  g_mutex_unlock (&self->lock);
  if (is_hanging_up)
    return TRUE;
  if (self->certificate != NULL)
    tls = g_tls_server_connection_new (G_IO_STREAM (connection), self->certificate, NULL);
  serve (self, tls != NULL ? tls : G_IO_STREAM (connection));
  return TRUE;
}

ScriptServer *
script_server_new (GTlsCertificate *certificate)
{
  ScriptServer *self = g_new0 (ScriptServer, 1);
  g_autoptr (GInetAddress) loopback = g_inet_address_new_from_string ("127.0.0.1");
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GError) error = NULL;

  /* The leak checker stumbles over threads that end while it looks (libasan 8). */
  g_thread_pool_set_max_unused_threads (0);
  g_mutex_init (&self->lock);
  self->cancellable = g_cancellable_new ();
  self->replies = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, release_reply);
  g_set_object (&self->certificate, certificate);
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
script_server_free (ScriptServer *self)
{
  g_cancellable_cancel (self->cancellable);
  g_socket_service_stop (self->service);
  g_socket_listener_close (G_SOCKET_LISTENER (self->service));
}

void
script_server_set (ScriptServer *self, const char *path, const ScriptReply *reply)
{
  ScriptReply *copy = g_atomic_rc_box_dup (sizeof *reply, (gpointer)reply);

  copy->head = g_strdup (reply->head);
  if (reply->tail != NULL && reply->tail_size == 0)
    copy->tail_size = strlen (reply->tail);
  copy->tail = g_memdup2 (reply->tail, copy->tail_size);
  g_mutex_lock (&self->lock);
  g_hash_table_insert (self->replies, g_strdup (path), copy);
  g_mutex_unlock (&self->lock);
}

void
script_server_set_redirect (ScriptServer *self,
                            const char *path,
                            const char *to,
                            const char *header)
{
  g_autofree char *head = g_strdup_printf (
      "HTTP/1.1 302 There\r\nLocation: %s\r\n%sContent-Length: 0\r\n\r\n", to, header);

  script_server_set (self, path, &(ScriptReply){ .head = head });
}

void
script_server_set_handler (ScriptServer *self, ScriptHandler handler, gpointer user_data)
{
  g_mutex_lock (&self->lock);
  self->handler = handler;
  self->handler_data = user_data;
  g_mutex_unlock (&self->lock);
}

void
script_server_hang_up (ScriptServer *self)
{
  g_mutex_lock (&self->lock);
  self->is_hanging_up = TRUE;
  g_mutex_unlock (&self->lock);
}

guint16
script_server_get_port (ScriptServer *self)
{
  return self->port;
}

char *
script_server_url (ScriptServer *self, const char *path)
{
  return g_strdup_printf ("%s://127.0.0.1:%u%s",
                          self->certificate != NULL ? "https" : "http",
                          self->port,
                          path);
}

guint
script_server_count_connections (ScriptServer *self)
{
  guint n_connections;

  g_mutex_lock (&self->lock);
  n_connections = self->n_connections;
  g_mutex_unlock (&self->lock);
  return n_connections;
}
