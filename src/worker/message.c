/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Builds the message of one hop from the request of the task: what is secret goes to the
 * first origin only, until the first hop that leaves it, and never again afterwards (a
 * stranger who may send us back must not choose where the secrets go).  Cookies set by a
 * redirect live as long as the attempt. */

#include "config.h"

#include "message.h"

#include "range.h"

/* RFC 6265 §6.1 asks for 50 of a domain.  Adding one compares it with all there are
 * (libsoup 3.2.3), and twenty redirects have room for 80,000. */
#define COOKIES_MAX 100

static gboolean
is_about_body (const char *name)
{
  return g_ascii_strncasecmp (name, "Content-", strlen ("Content-")) == 0;
}

/* Repeated names of the request stay repeated; those we set ourselves are replaced. */
static void
add_headers (SoupMessageHeaders *headers, GVariant *given, gboolean has_new_method)
{
  GVariantIter iter;
  const char *name;
  const char *value;

  g_variant_iter_init (&iter, given);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    {
      if (has_new_method && is_about_body (name))
        continue;
      if (g_ascii_strcasecmp (name, "Accept-Encoding") == 0
          || g_ascii_strcasecmp (name, "Host") == 0)
        soup_message_headers_replace (headers, name, value);
      else
        soup_message_headers_append (headers, name, value);
    }
}

/* One field, as RFC 6265 §5.4 wants it. */
static void
add_cookies (SoupMessageHeaders *headers, const TrwWay *way)
{
  g_autofree char *ours = NULL;
  g_autofree char *all = NULL;
  const char *given;

  if (way->cookies == NULL)
    return;
  ours = soup_cookie_jar_get_cookies (way->cookies, way->uri, TRUE);
  if (ours == NULL || *ours == '\0')
    return;
  given = soup_message_headers_get_one (headers, "Cookie");
  all = given != NULL ? g_strconcat (given, "; ", ours, NULL) : g_strdup (ours);
  soup_message_headers_replace (headers, "Cookie", all);
}

void
trw_way_clear (TrwWay *self)
{
  g_clear_pointer (&self->uri, g_uri_unref);
  g_clear_object (&self->cookies);
}

SoupMessage *
trw_message_new (const TrwRequest *request, const TrwWay *way)
{
  SoupMessage *message = soup_message_new_from_uri (way->method, way->uri);
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  gboolean has_new_method = !g_str_equal (way->method, request->method);

  soup_message_add_flags (message,
                          SOUP_MESSAGE_NO_REDIRECT | SOUP_MESSAGE_COLLECT_METRICS);
  soup_message_headers_replace (headers, "Accept-Encoding", "identity");
  add_headers (headers, request->headers, has_new_method);
  if (way->at_first_origin)
    add_headers (headers, request->secret_headers, has_new_method);
  else
    soup_message_headers_remove (headers, "Host");
  trw_range_ask (request, headers);
  add_cookies (headers, way);
  return message;
}

void
trw_way_take_cookies (TrwWay *self, SoupMessage *message)
{
  GSList *cookies = soup_cookies_from_response (message);

  if (cookies != NULL && self->cookies == NULL)
    self->cookies = soup_cookie_jar_new ();
  for (GSList *l = cookies; l != NULL; l = l->next)
    {
      if (self->n_cookies++ < COOKIES_MAX)
        soup_cookie_jar_add_cookie_full (self->cookies, l->data, self->uri, NULL);
      else
        soup_cookie_free (l->data);
    }
  g_slist_free (cookies);
}
