/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* When what happened to a hop, and what it took: libsoup's metrics, brought to the clock
 * on the wall, and what libsoup (3.2.3) does not note.  It notes no end of a body that is
 * read below its own streams, as those in chunks are, and none of the question. */

#include "config.h"

#include "measure.h"

#include "common/defaults.h"

#include <string.h>

#define URL_MAX 2048

typedef struct
{
  GVariantDict dict;
  gint64 first_us; /* monotonic: before it nothing of this hop can have been */
  gint64 wall_offset_us;
} Sheet;

/* What is older is of a connection that turned out to be dead. */
static void
add_time (Sheet *sheet, const char *key, gint64 mono_us)
{
  gboolean is_known = mono_us > 0 && mono_us >= sheet->first_us;

  g_variant_dict_insert (
      &sheet->dict, key, "x", is_known ? mono_us + sheet->wall_offset_us : (gint64)0);
}

static void
add_times (Sheet *sheet, SoupMessageMetrics *metrics, const TrwMarks *marks)
{
  const struct
  {
    const char *key;
    gint64 mono_us;
  } times[] = {
    { "fetch-start", sheet->first_us },
    { "domain-lookup-start", (gint64)soup_message_metrics_get_dns_start (metrics) },
    { "domain-lookup-end", (gint64)soup_message_metrics_get_dns_end (metrics) },
    { "connect-start", (gint64)soup_message_metrics_get_connect_start (metrics) },
    { "secure-connection-start", (gint64)soup_message_metrics_get_tls_start (metrics) },
    { "connect-end", (gint64)soup_message_metrics_get_connect_end (metrics) },
    { "request-start", (gint64)soup_message_metrics_get_request_start (metrics) },
    { "request-end", marks->written_us },
    { "response-start", (gint64)soup_message_metrics_get_response_start (metrics) },
    { "response-end", marks->ended_us },
  };

  for (guint i = 0; i < G_N_ELEMENTS (times); i++)
    add_time (sheet, times[i].key, times[i].mono_us);
}

static void
add_bytes (Sheet *sheet, SoupMessageMetrics *metrics, const TrwMarks *marks)
{
  g_variant_dict_insert (
      &sheet->dict,
      "request-header-bytes",
      "t",
      (guint64)soup_message_metrics_get_request_header_bytes_sent (metrics));
  if (marks->sent_size > 0)
    g_variant_dict_insert (&sheet->dict, "request-body-size", "t", marks->sent_size);
  g_variant_dict_insert (
      &sheet->dict,
      "response-header-bytes",
      "t",
      (guint64)soup_message_metrics_get_response_header_bytes_received (metrics));
  g_variant_dict_insert (
      &sheet->dict,
      "response-body-bytes",
      "t",
      (guint64)soup_message_metrics_get_response_body_bytes_received (metrics));
}

/* Shortened where a server made it very long, so that a chain of them stays a message. */
static void
add_url (Sheet *sheet, SoupMessage *message)
{
  static const GUriHideFlags hidden[] = { G_URI_HIDE_USERINFO | G_URI_HIDE_FRAGMENT,
                                          G_URI_HIDE_USERINFO | G_URI_HIDE_FRAGMENT
                                              | G_URI_HIDE_QUERY };

  for (guint i = 0; i < G_N_ELEMENTS (hidden); i++)
    {
      g_autofree char *url = g_uri_to_string_partial (soup_message_get_uri (message),
                                                      hidden[i]);

      if (strlen (url) > URL_MAX)
        continue;
      g_variant_dict_insert (&sheet->dict, "url", "s", url);
      return;
    }
}

/* That of the proxy, when one is asked; libsoup keeps the type of the address. */
static void
add_peer (Sheet *sheet, SoupMessage *message)
{
  GSocketAddress *address = soup_message_get_remote_address (message);
  g_autofree char *text = NULL;

  g_variant_dict_insert (&sheet->dict, "proxy", "b", G_IS_PROXY_ADDRESS (address));
  if (!G_IS_INET_SOCKET_ADDRESS (address))
    return;
  text = g_inet_address_to_string (
      g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address)));
  g_variant_dict_insert (&sheet->dict, "remote-address", "s", text);
  g_variant_dict_insert (
      &sheet->dict,
      "remote-port",
      "q",
      g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)));
}

static void
add_tls (Sheet *sheet, SoupMessage *message)
{
  static const struct
  {
    GTlsProtocolVersion version;
    const char *name;
  } names[] = {
    { G_TLS_PROTOCOL_VERSION_TLS_1_0, "TLS 1.0" },
    { G_TLS_PROTOCOL_VERSION_TLS_1_1, "TLS 1.1" },
    { G_TLS_PROTOCOL_VERSION_TLS_1_2, "TLS 1.2" },
    { G_TLS_PROTOCOL_VERSION_TLS_1_3, "TLS 1.3" },
  };
  const char *suite = soup_message_get_tls_ciphersuite_name (message);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      if (names[i].version == soup_message_get_tls_protocol_version (message))
        g_variant_dict_insert (&sheet->dict, "tls-protocol", "s", names[i].name);
    }
  if (suite != NULL)
    g_variant_dict_insert (&sheet->dict, "tls-ciphersuite", "s", suite);
}

static const char *
get_protocol (SoupMessage *message)
{
  switch (soup_message_get_http_version (message))
    {
    case SOUP_HTTP_1_0:
      return "http/1.0";
    case SOUP_HTTP_1_1:
      return "http/1.1";
    case SOUP_HTTP_2_0:
      return "h2";
    }
  g_return_val_if_reached ("");
}

GVariant *
trw_measure_describe (SoupMessage *message, const TrwMarks *marks, gint64 wall_offset_us)
{
  SoupMessageMetrics *metrics = soup_message_get_metrics (message);
  guint status = (guint)soup_message_get_status (message);
  Sheet sheet = { .wall_offset_us = wall_offset_us };

  g_variant_dict_init (&sheet.dict, NULL);
  sheet.first_us = (gint64)soup_message_metrics_get_fetch_start (metrics);
  add_url (&sheet, message);
  g_variant_dict_insert (&sheet.dict, "method", "s", soup_message_get_method (message));
  g_variant_dict_insert (&sheet.dict, "status", "u", status);
  if (status != 0)
    g_variant_dict_insert (&sheet.dict, "protocol", "s", get_protocol (message));
  g_variant_dict_insert (&sheet.dict,
                         "reused-connection",
                         "b",
                         marks->written_us > 0 && !marks->is_connected);
  add_times (&sheet, metrics, marks);
  add_bytes (&sheet, metrics, marks);
  g_variant_dict_insert (&sheet.dict, "response-body-size", "t", marks->body_size);
  add_peer (&sheet, message);
  add_tls (&sheet, message);
  return g_variant_ref_sink (g_variant_dict_end (&sheet.dict));
}

void
trw_measure_add (GPtrArray *transactions, GVariant *transaction)
{
  if (transactions->len == TRD_TRANSACTIONS_MAX)
    g_ptr_array_remove_index (transactions, TRD_TRANSACTIONS_FIRST);
  g_ptr_array_add (transactions, transaction);
}
