/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Builds the message of one hop from the request of the task: what is secret goes to the
 * first origin only, until the first hop that leaves it, and never again afterwards (a
 * stranger who may send us back must not choose where the secrets go).  Cookies that were
 * set on the way live as long as the attempt, unless the session has a jar. */

#include "config.h"

#include "message.h"

#include "range.h"

#include <string.h>

static gboolean
is_about_body (const char *name)
{
  return g_ascii_strncasecmp (name, "Content-", strlen ("Content-")) == 0;
}

/* What of the request is not said. */
typedef struct
{
  gboolean is_body;         /* what is said of it */
  const char *const *names; /* (unowned) (nullable) */
} Left;

static gboolean
is_left_out (const Left *left, const char *name)
{
  for (guint i = 0; left->names != NULL && left->names[i] != NULL; i++)
    {
      if (g_ascii_strcasecmp (left->names[i], name) == 0)
        return TRUE;
    }
  return left->is_body && is_about_body (name);
}

static void
replace_header (const char *name, const char *value, gpointer headers)
{
  soup_message_headers_replace (headers, name, value);
}

/* Repeated names of the request stay repeated; those we set ourselves are replaced. */
static void
add_headers (SoupMessageHeaders *headers, GVariant *given, const Left *left)
{
  GVariantIter iter;
  const char *name;
  const char *value;

  g_variant_iter_init (&iter, given);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    {
      if (is_left_out (left, name))
        continue;
      if (g_ascii_strcasecmp (name, "Accept-Encoding") == 0
          || g_ascii_strcasecmp (name, "Host") == 0)
        soup_message_headers_replace (headers, name, value);
      else
        soup_message_headers_append (headers, name, value);
    }
}

/* What the app wrote itself, as one field.  (transfer full) (nullable) */
static char *
join_cookies (SoupMessageHeaders *headers)
{
  g_autoptr (GString) joined = NULL;
  SoupMessageHeadersIter iter;
  const char *name;
  const char *value;

  soup_message_headers_iter_init (&iter, headers);
  while (soup_message_headers_iter_next (&iter, &name, &value))
    {
      if (g_ascii_strcasecmp (name, "Cookie") != 0)
        continue;
      if (joined == NULL)
        joined = g_string_new (value);
      else
        g_string_append_printf (joined, "; %s", value);
    }
  return joined != NULL ? g_string_free (g_steal_pointer (&joined), FALSE) : NULL;
}

/* One field, as RFC 6265 §5.4 wants it. */
static void
add_cookies (SoupMessageHeaders *headers, const TrwRequest *request, const TrwWay *way)
{
  g_autofree char *given = NULL;
  g_autofree char *all = NULL;

  if (way->jar == NULL)
    return;
  given = join_cookies (headers);
  all = trw_jar_get_cookies (way->jar, way->uri, way->method, request->uri, given);
  if (all != NULL)
    soup_message_headers_replace (headers, "Cookie", all);
}

void
trw_way_clear (TrwWay *self)
{
  g_clear_pointer (&self->uri, g_uri_unref);
  g_clear_pointer (&self->jar, trw_jar_unref);
}

static void
set_body (SoupMessage *message, const char *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  soup_message_set_request_body_from_bytes (
      message, "application/x-www-form-urlencoded", bytes);
}

SoupMessage *
trw_message_new (const TrwRequest *request, const TrwWay *way)
{
  SoupMessage *message = soup_message_new_from_uri (way->method, way->uri);
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  gboolean has_new_method = !g_str_equal (way->method, request->method);
  Left left = { .is_body = has_new_method };

  if (way->question != NULL)
    {
      left.is_body = !way->has_body || !way->question->is_request;
      left.names = way->question->without;
    }
  soup_message_add_flags (message,
                          SOUP_MESSAGE_NO_REDIRECT | SOUP_MESSAGE_COLLECT_METRICS);
  soup_message_headers_replace (headers, "Accept-Encoding", "identity");
  add_headers (headers, request->headers, &left);
  if (way->at_first_origin)
    add_headers (headers, request->secret_headers, &left);
  else
    soup_message_headers_remove (headers, "Host");
  if (request->body != NULL && !has_new_method)
    set_body (message, request->body);
  if (way->question != NULL)
    soup_message_headers_foreach (way->question->headers, replace_header, headers);
  trw_range_ask (request, headers);
  add_cookies (headers, request, way);
  return message;
}

void
trw_way_take_cookies (TrwWay *self, const TrwRequest *request, SoupMessage *message)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);

  if (!request->set_cookies
      || soup_message_headers_get_list (headers, "Set-Cookie") == NULL)
    return;
  if (self->jar == NULL)
    self->jar = trw_jar_new_private ();
  trw_jar_take_cookies (self->jar, message, self->uri, request->uri);
}
