/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tunnels through proxies that are themselves reached by TLS.  GIO has a way to make them
 * (2.74), but wants the proxy's certificate to be for the number of its address, and
 * tells nothing of what a proxy answers but that it refused.  This one takes its place.
 * To libsoup (3.2.3) such a proxy is none: http is spoken through a tunnel too. */

#include "config.h"

#include "tls-proxy.h"

#include "common/error.h"

#include <string.h>

#define HEAD_MAX (64 * 1024)
#define ATTENDANT "trundle-attendant"

typedef struct
{
  const TrwTlsProxyHooks *hooks; /* (unowned), static */
  gpointer user_data;            /* (owned) */
} Attendant;

/* One tunnel in the making. */
typedef struct
{
  Attendant *attendant; /* (owned) */
  GUri *uri;            /* (owned): of the proxy */
  TrwParty party;       /* the same */
  SoupMessage *connect; /* (owned): its headers */
  char *target;         /* (owned): host and port at the far end */
  GTlsConnection *tls;  /* (owned) (nullable): with the proxy */
  GString *request;     /* (owned) (nullable) */
  GByteArray *head;     /* (owned): of the answer */
  guint8 byte;          /* of it, just read */
} Tunnel;

#define TRW_TYPE_TLS_PROXY (trw_tls_proxy_get_type ())
G_DECLARE_FINAL_TYPE (TrwTlsProxy, trw_tls_proxy, TRW, TLS_PROXY, GObject)

struct _TrwTlsProxy
{
  GObject parent_instance;
};

static void
trw_tls_proxy_iface_init (GProxyInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TrwTlsProxy,
                               trw_tls_proxy,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_PROXY,
                                                      trw_tls_proxy_iface_init))

static void
free_attendant (gpointer data)
{
  Attendant *attendant = data;

  attendant->hooks->unref (attendant->user_data);
  g_free (attendant);
}

void
trw_tls_proxy_attend (GIOStream *connection,
                      const TrwTlsProxyHooks *hooks,
                      gpointer user_data)
{
  Attendant *attendant = g_new0 (Attendant, 1);

  attendant->hooks = hooks;
  attendant->user_data = hooks->ref (user_data);
  g_object_set_data_full (G_OBJECT (connection), ATTENDANT, attendant, free_attendant);
}

static void
free_tunnel (gpointer data)
{
  Tunnel *tunnel = data;

  g_clear_pointer (&tunnel->attendant, free_attendant);
  g_clear_pointer (&tunnel->uri, g_uri_unref);
  trw_party_clear (&tunnel->party);
  g_clear_object (&tunnel->connect);
  /* It may outlive us, and glib-networking (2.74.0) asks again when a proxy shows its
   * certificate once more. */
  if (tunnel->tls != NULL)
    g_signal_handlers_disconnect_by_data (tunnel->tls, tunnel);
  g_clear_object (&tunnel->tls);
  g_free (tunnel->target);
  if (tunnel->request != NULL)
    g_string_free (tunnel->request, TRUE);
  g_byte_array_unref (tunnel->head);
  g_free (tunnel);
}

/* Consumes @task. */
static void
fail (GTask *task, TrundleError code, const char *message)
{
  g_task_return_new_error (task, TRUNDLE_ERROR, code, "%s", message);
  g_object_unref (task);
}

/* The answer */

static void
take_head (GTask *task)
{
  Tunnel *tunnel = g_task_get_task_data (task);
  const Attendant *attendant = tunnel->attendant;
  guint status = 0;

  /* libsoup wants it without the line that ends it. */
  if (!soup_headers_parse_response ((const char *)tunnel->head->data,
                                    (int)tunnel->head->len - 2,
                                    soup_message_get_response_headers (tunnel->connect),
                                    NULL,
                                    &status,
                                    NULL))
    {
      fail (task, TRUNDLE_ERROR_CANNOT_CONNECT, "The proxy's answer makes no sense");
      return;
    }
  attendant->hooks->answered (
      &tunnel->party, tunnel->connect, status, attendant->user_data);
  if (!SOUP_STATUS_IS_SUCCESSFUL (status))
    {
      fail (task, TRUNDLE_ERROR_CANNOT_CONNECT, "The proxy refused the connection");
      return;
    }
  g_task_return_pointer (task, g_object_ref (tunnel->tls), g_object_unref);
  g_object_unref (task);
}

static gboolean
is_head_whole (const GByteArray *head)
{
  return head->len >= 4 && memcmp (&head->data[head->len - 4], "\r\n\r\n", 4) == 0;
}

static void
read_on (GTask *task);

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Tunnel *tunnel = g_task_get_task_data (task);
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, NULL);

  if (n <= 0 || tunnel->head->len >= HEAD_MAX)
    {
      fail (task, TRUNDLE_ERROR_CANNOT_CONNECT, "The proxy did not answer");
      return;
    }
  g_byte_array_append (tunnel->head, &tunnel->byte, 1);
  if (is_head_whole (tunnel->head))
    take_head (task);
  else
    read_on (task);
}

/* Not a byte too many: what follows is the far end's. */
static void
read_on (GTask *task)
{
  Tunnel *tunnel = g_task_get_task_data (task);

  g_input_stream_read_async (g_io_stream_get_input_stream (G_IO_STREAM (tunnel->tls)),
                             &tunnel->byte,
                             1,
                             G_PRIORITY_DEFAULT,
                             g_task_get_cancellable (task),
                             on_read,
                             task);
}

/* The question */

static void
on_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;

  if (g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, NULL))
    read_on (task);
  else
    fail (task, TRUNDLE_ERROR_CANNOT_CONNECT, "The connection to the proxy was lost");
}

static void
ask (GTask *task)
{
  Tunnel *tunnel = g_task_get_task_data (task);
  const Attendant *attendant = tunnel->attendant;
  SoupMessageHeadersIter iter;
  const char *name;
  const char *value;

  if (!attendant->hooks->asking (&tunnel->party, tunnel->connect, attendant->user_data))
    {
      fail (task, TRUNDLE_ERROR_CANNOT_CONNECT, "The proxy refused the connection");
      return;
    }
  tunnel->request = g_string_new (NULL);
  g_string_printf (tunnel->request,
                   "CONNECT %s HTTP/1.1\r\nHost: %s\r\n",
                   tunnel->target,
                   tunnel->target);
  soup_message_headers_iter_init (&iter,
                                  soup_message_get_request_headers (tunnel->connect));
  while (soup_message_headers_iter_next (&iter, &name, &value))
    g_string_append_printf (tunnel->request, "%s: %s\r\n", name, value);
  g_string_append (tunnel->request, "\r\n");
  g_output_stream_write_all_async (
      g_io_stream_get_output_stream (G_IO_STREAM (tunnel->tls)),
      tunnel->request->str,
      tunnel->request->len,
      G_PRIORITY_DEFAULT,
      g_task_get_cancellable (task),
      on_written,
      task);
}

static void
on_handshaken (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  g_autoptr (GError) error = NULL;

  if (g_tls_connection_handshake_finish (G_TLS_CONNECTION (source), result, &error))
    ask (task);
  else if (g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE))
    fail (task, TRUNDLE_ERROR_TLS_FAILED, "The proxy's certificate is not trusted");
  else
    fail (task,
          TRUNDLE_ERROR_CANNOT_CONNECT,
          "No secure connection to the proxy could be made");
}

static gboolean
on_accept_certificate (GTlsConnection *tls,
                       GTlsCertificate *chain,
                       GTlsCertificateFlags flags,
                       gpointer user_data)
{
  const Tunnel *tunnel = user_data;

  return tunnel->attendant->hooks->accepts (
      tunnel->uri, chain, flags, tunnel->attendant->user_data);
}

/* NULL when nobody attends, or the address makes no sense. */
static Tunnel *
make_tunnel (GIOStream *connection, GProxyAddress *address)
{
  Tunnel *tunnel = g_new0 (Tunnel, 1);
  const char *text = g_proxy_address_get_uri (address);
  const char *host = g_proxy_address_get_destination_hostname (address);
  gboolean is_ipv6 = strchr (host, ':') != NULL;
  g_autofree char *far_end = NULL;

  tunnel->head = g_byte_array_new ();
  tunnel->attendant = g_object_steal_data (G_OBJECT (connection), ATTENDANT);
  tunnel->target = g_strdup_printf (is_ipv6 ? "[%s]:%u" : "%s:%u",
                                    host,
                                    g_proxy_address_get_destination_port (address));
  far_end = g_strdup_printf ("https://%s/", tunnel->target);
  tunnel->connect = soup_message_new ("CONNECT", far_end);
  if (text != NULL)
    tunnel->uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);
  if (tunnel->attendant != NULL && tunnel->connect != NULL && tunnel->uri != NULL
      && trw_party_init (&tunnel->party, tunnel->uri, TRUE))
    return tunnel;
  free_tunnel (tunnel);
  return NULL;
}

static void
connect_async (GProxy *proxy,
               GIOStream *connection,
               GProxyAddress *address,
               GCancellable *cancellable,
               GAsyncReadyCallback callback,
               gpointer user_data)
{
  GTask *task = g_task_new (proxy, cancellable, callback, user_data);
  Tunnel *tunnel = make_tunnel (connection, address);
  g_autoptr (GSocketConnectable) identity = NULL;
  GIOStream *tls = NULL;

  if (tunnel != NULL)
    {
      g_task_set_task_data (task, tunnel, free_tunnel);
      identity = g_network_address_new (tunnel->party.host, (guint16)tunnel->party.port);
      tls = g_tls_client_connection_new (connection, identity, NULL);
    }
  if (tls == NULL)
    {
      fail (task, TRUNDLE_ERROR_CANNOT_CONNECT, "The proxy cannot be used");
      return;
    }
  tunnel->tls = G_TLS_CONNECTION (tls);
  g_signal_connect (
      tls, "accept-certificate", G_CALLBACK (on_accept_certificate), tunnel);
  g_tls_connection_handshake_async (
      tunnel->tls, G_PRIORITY_DEFAULT, cancellable, on_handshaken, task);
}

static GIOStream *
connect_finish (GProxy *proxy, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Nobody waits on the main loop. */
static GIOStream *
connect_now (GProxy *proxy,
             GIOStream *connection,
             GProxyAddress *address,
             GCancellable *cancellable,
             GError **error)
{
  g_set_error_literal (
      error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "Tunnels are made asynchronously");
  return NULL;
}

/* Names are looked up at the far end. */
static gboolean
supports_hostname (GProxy *proxy)
{
  return TRUE;
}

static void
trw_tls_proxy_iface_init (GProxyInterface *iface)
{
  iface->connect = connect_now;
  iface->connect_async = connect_async;
  iface->connect_finish = connect_finish;
  iface->supports_hostname = supports_hostname;
}

static void
trw_tls_proxy_init (TrwTlsProxy *self)
{
}

static void
trw_tls_proxy_class_init (TrwTlsProxyClass *klass)
{
}

/* Before GIO's own, which is there from the first lookup on with a priority of 0. */
void
trw_tls_proxy_register (void)
{
  GProxy *of_gio = g_proxy_get_default_for_protocol ("https");

  g_clear_object (&of_gio);
  g_io_extension_point_implement (
      G_PROXY_EXTENSION_POINT_NAME, TRW_TYPE_TLS_PROXY, "https", 100);
}
