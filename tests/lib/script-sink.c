/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "script-sink.h"

#include <string.h>
#include <sys/socket.h>

#define HEAD_MAX (64 * 1024)
#define BUFFER_SIZE (256 * 1024)
#define KEPT_MAX (1024 * 1024)
#define DEADLINE_US (20 * G_TIME_SPAN_SECOND)

typedef struct
{
  char *path;
  SinkPlan plan;
  guint n_used;
} Row;

struct _ScriptSink
{
  GSocketService *service;
  GTlsCertificate *certificate;
  GCancellable *cancellable;
  guint16 port;
  GMutex lock;
  GCond changed;
  GPtrArray *rows;     /* of Row: the last is asked first */
  GPtrArray *requests; /* of SinkRequest */
  guint n_ended;
  guint n_connections;
  SinkHandler handler;
  gpointer handler_data;
};

/* One connection. */
typedef struct
{
  ScriptSink *sink;
  GIOStream *stream;
  GSocket *socket;
  GByteArray *ahead; /* what was read of the next */
  guint number;
  guint8 *buffer;
} Line;

static gboolean
say (Line *line, const char *text)
{
  return g_output_stream_write_all (g_io_stream_get_output_stream (line->stream),
                                    text,
                                    strlen (text),
                                    NULL,
                                    line->sink->cancellable,
                                    NULL);
}

/* What there is, at most @max. */
static gssize
hear (Line *line, gsize max)
{
  gsize n = MIN (max, BUFFER_SIZE);

  if (line->ahead->len == 0)
    return g_input_stream_read (g_io_stream_get_input_stream (line->stream),
                                line->buffer,
                                n,
                                line->sink->cancellable,
                                NULL);
  n = MIN (n, line->ahead->len);
  memcpy (line->buffer, line->ahead->data, n);
  g_byte_array_remove_range (line->ahead, 0, (guint)n);
  return (gssize)n;
}

/* (transfer full) (nullable) */
static char *
read_head (Line *line)
{
  g_autoptr (GString) head = g_string_new (NULL);
  const char *end = NULL;

  while (end == NULL && head->len < HEAD_MAX)
    {
      gssize n = hear (line, BUFFER_SIZE);

      if (n <= 0)
        return NULL;
      g_string_append_len (head, (const char *)line->buffer, n);
      end = g_strstr_len (head->str, (gssize)head->len, "\r\n\r\n");
    }
  if (end == NULL)
    return NULL;
  end += strlen ("\r\n\r\n");
  g_byte_array_append (
      line->ahead, (const guint8 *)end, (guint)(head->str + head->len - end));
  return g_strndup (head->str, (gsize)(end - head->str));
}

static guint64
read_length (const char *head)
{
  g_autofree char *lower = g_ascii_strdown (head, -1);
  const char *field = strstr (lower, "\r\ncontent-length:");

  if (field == NULL)
    return G_MAXUINT64;
  return g_ascii_strtoull (field + strlen ("\r\ncontent-length:"), NULL, 10);
}

static char *
get_path (const char *head)
{
  g_auto (GStrv) words = g_strsplit (head, " ", 3);

  return g_strdup (g_strv_length (words) > 1 ? words[1] : "");
}

static SinkPlan
choose_plan (ScriptSink *self, const char *head)
{
  g_autofree char *path = get_path (head);
  SinkPlan plan = { 0 };

  g_mutex_lock (&self->lock);
  for (guint i = self->rows->len; i > 0; i--)
    {
      Row *row = self->rows->pdata[i - 1];

      if (!g_str_has_suffix (path, row->path)
          || (row->plan.n_uses > 0 && row->n_used >= row->plan.n_uses))
        continue;
      row->n_used++;
      plan = row->plan;
      break;
    }
  g_mutex_unlock (&self->lock);
  return plan;
}

static SinkRequest *
note_request (Line *line, const char *head)
{
  SinkRequest *request = g_new0 (SinkRequest, 1);

  request->head = g_strdup (head);
  request->declared = read_length (head);
  request->connection = line->number;
  g_mutex_lock (&line->sink->lock);
  g_ptr_array_add (line->sink->requests, request);
  g_mutex_unlock (&line->sink->lock);
  return request;
}

static void
note_end (Line *line, SinkRequest *request, GChecksum *hash)
{
  g_mutex_lock (&line->sink->lock);
  request->sha256 = g_strdup (g_checksum_get_string (hash));
  line->sink->n_ended++;
  g_cond_broadcast (&line->sink->changed);
  g_mutex_unlock (&line->sink->lock);
}

static gboolean
tell_offset (Line *line, const SinkPlan *plan, guint64 offset)
{
  g_auto (GStrv) halves = g_strsplit (plan->interim_on, "%u", 2);
  g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, offset);
  g_autofree char *text = g_strjoinv (number, halves);

  return say (line, text);
}

/* At the pace of the plan. */
static void
wait_a_little (const SinkPlan *plan, gsize n)
{
  if (plan->bytes_per_second > 0)
    g_usleep (n * G_USEC_PER_SEC / plan->bytes_per_second);
}

/* FALSE: it did not come. */
static gboolean
take_body (Line *line,
           const SinkPlan *plan,
           SinkRequest *request,
           GChecksum *hash,
           GByteArray *kept)
{
  guint64 wanted = request->declared == G_MAXUINT64 ? 0 : request->declared;
  guint64 told = 0;

  if (plan->take > 0)
    wanted = MIN (wanted, plan->take);
  if (plan->refuses)
    wanted = 0;
  while (request->n_body < wanted)
    {
      gsize most = (gsize)MIN (wanted - request->n_body, BUFFER_SIZE);
      gssize n = hear (
          line,
          plan->bytes_per_second > 0 ? MIN (most, plan->bytes_per_second / 10) : most);

      if (n <= 0)
        return FALSE;
      g_checksum_update (hash, line->buffer, n);
      if (kept->len < KEPT_MAX)
        g_byte_array_append (kept, line->buffer, (guint)n);
      request->n_body += (guint64)n;
      wait_a_little (plan, (gsize)n);
      while (plan->interim_every > 0 && request->n_body >= told + plan->interim_every)
        {
          told += plan->interim_every;
          if (!tell_offset (line, plan, told))
            return FALSE;
        }
    }
  return TRUE;
}

static char *
ask_handler (ScriptSink *self, const char *head, const GByteArray *body)
{
  char *answer = NULL;

  g_mutex_lock (&self->lock);
  if (self->handler != NULL)
    answer = self->handler (head,
                            body != NULL ? body->data : NULL,
                            body != NULL ? body->len : 0,
                            self->handler_data);
  g_mutex_unlock (&self->lock);
  return answer;
}

static void
end_line (Line *line, SinkRequest *request, SinkEnd end)
{
  static const struct linger at_once = { 1, 0 };
  gssize n = 1;

  if (end == SINK_RESET)
    setsockopt (
        g_socket_get_fd (line->socket), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  if (end == SINK_CUT)
    g_socket_shutdown (line->socket, FALSE, TRUE, NULL);
  while (end == SINK_LINGER && (n = hear (line, BUFFER_SIZE)) > 0)
    request->late += (guint64)n;
  if (end == SINK_STALL)
    {
      GPollFD never;

      if (g_cancellable_make_pollfd (line->sink->cancellable, &never))
        {
          g_poll (&never, 1, -1);
          g_cancellable_release_fd (line->sink->cancellable);
        }
    }
}

static gboolean
serve_request (Line *line, const char *head)
{
  SinkPlan plan = choose_plan (line->sink, head);
  SinkRequest *request = note_request (line, head);
  g_autoptr (GChecksum) hash = g_checksum_new (G_CHECKSUM_SHA256);
  g_autoptr (GByteArray) kept = g_byte_array_new ();
  g_autofree char *answer = ask_handler (line->sink, head, NULL);
  gboolean is_alive = TRUE;

  if (plan.interim != NULL)
    is_alive = say (line, plan.interim);
  if (answer == NULL && is_alive)
    is_alive = take_body (line, &plan, request, hash, kept);
  if (is_alive && answer == NULL)
    answer = ask_handler (line->sink, head, kept);
  if (plan.think_ms > 0)
    g_usleep (plan.think_ms * 1000);
  if (is_alive && answer != NULL)
    is_alive = say (line, answer);
  else if (is_alive)
    is_alive = say (line,
                    plan.answer != NULL
                        ? plan.answer
                        : "HTTP/1.1 201 Made\r\nContent-Length: 5\r\n\r\ntaken");
  if (is_alive && plan.end != SINK_KEEP)
    end_line (line, request, plan.end);
  note_end (line, request, hash);
  return is_alive && plan.end == SINK_KEEP;
}

static gboolean
on_run (GThreadedSocketService *service,
        GSocketConnection *connection,
        GObject *source,
        gpointer user_data)
{
  ScriptSink *self = user_data;
  g_autoptr (GIOStream) tls = NULL;
  g_autoptr (GByteArray) ahead = g_byte_array_new ();
  g_autofree guint8 *buffer = g_malloc (BUFFER_SIZE);
  Line line = {
    .sink = self,
    .stream = G_IO_STREAM (connection),
    .socket = g_socket_connection_get_socket (connection),
    .ahead = ahead,
    .buffer = buffer,
  };
  gboolean is_alive = TRUE;

  g_mutex_lock (&self->lock);
  line.number = ++self->n_connections;
  g_mutex_unlock (&self->lock);
  if (self->certificate != NULL)
    {
      tls = g_tls_server_connection_new (line.stream, self->certificate, NULL);
      line.stream = tls;
    }
  while (is_alive)
    {
      g_autofree char *head = read_head (&line);

      is_alive = head != NULL && serve_request (&line, head);
    }
  return TRUE;
}

static void
free_request (gpointer data)
{
  SinkRequest *request = data;

  g_free (request->head);
  g_free (request->sha256);
  g_free (request);
}

ScriptSink *
script_sink_new (GTlsCertificate *certificate)
{
  ScriptSink *self = g_new0 (ScriptSink, 1);
  g_autoptr (GInetAddress) loopback = g_inet_address_new_from_string ("127.0.0.1");
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GError) error = NULL;

  /* The leak checker stumbles over threads that end while it looks (libasan 8). */
  g_thread_pool_set_max_unused_threads (0);
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->cancellable = g_cancellable_new ();
  self->rows = g_ptr_array_new ();
  self->requests = g_ptr_array_new_with_free_func (free_request);
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
script_sink_free (ScriptSink *self)
{
  g_cancellable_cancel (self->cancellable);
  g_socket_service_stop (self->service);
  g_socket_listener_close (G_SOCKET_LISTENER (self->service));
}

void
script_sink_plan (ScriptSink *self, const char *path, const SinkPlan *plan)
{
  Row *row = g_new0 (Row, 1);

  row->path = g_strdup (path);
  row->plan = *plan;
  row->plan.interim = g_strdup (plan->interim);
  row->plan.interim_on = g_strdup (plan->interim_on);
  row->plan.answer = g_strdup (plan->answer);
  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->rows, row);
  g_mutex_unlock (&self->lock);
}

void
script_sink_set_handler (ScriptSink *self, SinkHandler handler, gpointer user_data)
{
  g_mutex_lock (&self->lock);
  self->handler = handler;
  self->handler_data = user_data;
  g_mutex_unlock (&self->lock);
}

guint16
script_sink_get_port (ScriptSink *self)
{
  return self->port;
}

char *
script_sink_url (ScriptSink *self, const char *path)
{
  return g_strdup_printf ("%s://127.0.0.1:%u%s",
                          self->certificate != NULL ? "https" : "http",
                          self->port,
                          path);
}

guint
script_sink_count (ScriptSink *self)
{
  guint n_requests;

  g_mutex_lock (&self->lock);
  n_requests = self->requests->len;
  g_mutex_unlock (&self->lock);
  return n_requests;
}

const SinkRequest *
script_sink_await (ScriptSink *self, guint i)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  const SinkRequest *request;

  g_mutex_lock (&self->lock);
  while (self->requests->len <= i
         || ((SinkRequest *)self->requests->pdata[i])->sha256 == NULL)
    g_assert_true (g_cond_wait_until (&self->changed, &self->lock, deadline));
  request = self->requests->pdata[i];
  g_mutex_unlock (&self->lock);
  return request;
}
