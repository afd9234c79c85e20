/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cookies by RFC 6265.  libsoup's jar says which of them are taken and which are sent;
 * how many there may be, which are the oldest and what has changed is kept in a table
 * beside it.  What servers change is told to the daemon, which keeps it and makes the
 * same jar of it in another worker: once a second while they do, and before the end of an
 * attempt is told. */

#include "config.h"

#include "jars.h"

#include "common/cookies.h"
#include "common/error.h"

#include <string.h>

/* Of one answer so many are taken: each is compared with all of its domain. */
#define COOKIES_PER_ANSWER_MAX 100

#define TELL_INTERVAL_MS 1000

/* What is to be told is told at once when it is more than this: it must stay far below
 * TRD_WORKER_MESSAGE_MAX. */
#define UNTOLD_BYTES_MAX (128 * 1024)

struct _TrwJar
{
  TrwJars *jars;  /* (unowned) (nullable): whom to tell; NULL for nobody */
  guint64 number; /* 0 for a private one */
  guint64 version;
  SoupCookieJar *cookies; /* (owned) */
  TrundleCookies *table;  /* (owned): the same ones */
  GHashTable *untold;     /* (owned) (element-type utf8 GVariant): by their keys */
  gsize untold_size;
  guint tell_source; /* 0 when there is nothing to tell */
  gboolean is_loading;
};

struct _TrwJars
{
  TrwJarsTellFunc tell;
  gpointer user_data; /* (unowned), outlives us */
  GHashTable *jars;   /* (owned): number to TrwJar */
};

/* ---- from libsoup's form to ours and back ---- */

static gint64
now_s (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

static guint
get_same_site (SoupCookie *cookie)
{
  switch (soup_cookie_get_same_site_policy (cookie))
    {
    case SOUP_SAME_SITE_POLICY_LAX:
      return TRUNDLE_COOKIE_LAX;
    case SOUP_SAME_SITE_POLICY_STRICT:
      return TRUNDLE_COOKIE_STRICT;
    case SOUP_SAME_SITE_POLICY_NONE:
      return 0;
    }
  g_return_val_if_reached (TRUNDLE_COOKIE_STRICT);
}

static void
read_cookie (SoupCookie *cookie, TrundleCookie *out_cookie)
{
  GDateTime *expires = soup_cookie_get_expires (cookie);

  *out_cookie = (TrundleCookie){
    .name = soup_cookie_get_name (cookie),
    .value = soup_cookie_get_value (cookie),
    .domain = soup_cookie_get_domain (cookie),
    .path = soup_cookie_get_path (cookie),
    /* 0 means never; and who was before the epoch is gone likewise. */
    .expires_s = expires != NULL ? MAX (g_date_time_to_unix (expires), 1) : 0,
    .flags = get_same_site (cookie)
             | (soup_cookie_get_secure (cookie) ? TRUNDLE_COOKIE_SECURE : 0)
             | (soup_cookie_get_http_only (cookie) ? TRUNDLE_COOKIE_HTTP_ONLY : 0),
  };
}

static SoupCookie *
make_cookie (const TrundleCookie *given)
{
  SoupCookie *cookie = soup_cookie_new (
      given->name, given->value, given->domain, given->path, -1);

  if (given->expires_s != 0)
    {
      g_autoptr (GDateTime) expires = g_date_time_new_from_unix_utc (given->expires_s);

      if (expires != NULL)
        soup_cookie_set_expires (cookie, expires);
    }
  soup_cookie_set_secure (cookie, (given->flags & TRUNDLE_COOKIE_SECURE) != 0);
  soup_cookie_set_http_only (cookie, (given->flags & TRUNDLE_COOKIE_HTTP_ONLY) != 0);
  if (given->flags & TRUNDLE_COOKIE_STRICT)
    soup_cookie_set_same_site_policy (cookie, SOUP_SAME_SITE_POLICY_STRICT);
  else if (given->flags & TRUNDLE_COOKIE_LAX)
    soup_cookie_set_same_site_policy (cookie, SOUP_SAME_SITE_POLICY_LAX);
  else
    soup_cookie_set_same_site_policy (cookie, SOUP_SAME_SITE_POLICY_NONE);
  return cookie;
}

/* ---- telling ---- */

void
trw_jar_flush (TrwJar *self)
{
  GVariantBuilder builder;
  GHashTableIter iter;
  gpointer change;

  g_clear_handle_id (&self->tell_source, g_source_remove);
  if (self->jars == NULL || g_hash_table_size (self->untold) == 0)
    return;

  g_variant_builder_init (&builder, G_VARIANT_TYPE (TRUNDLE_COOKIES_TYPE));
  g_hash_table_iter_init (&iter, self->untold);
  while (g_hash_table_iter_next (&iter, NULL, &change))
    g_variant_builder_add_value (&builder, change);
  g_hash_table_remove_all (self->untold);
  self->untold_size = 0;
  self->jars->tell (self->number,
                    self->version,
                    g_variant_builder_end (&builder),
                    self->jars->user_data);
}

static gboolean
on_tell_due (gpointer user_data)
{
  TrwJar *self = user_data;

  self->tell_source = 0;
  trw_jar_flush (self);
  return G_SOURCE_REMOVE;
}

static void
note_change (TrwJar *self, const TrundleCookie *cookie, GVariant *change)
{
  if (self->jars == NULL || self->is_loading)
    return;

  self->untold_size += g_variant_get_size (change);
  g_hash_table_replace (
      self->untold, trundle_cookie_key (cookie), g_variant_ref (change));
  if (self->tell_source == 0)
    self->tell_source = g_timeout_add (TELL_INTERVAL_MS, on_tell_due, self);
}

/* ---- the jar ---- */

static void
note_gone (TrwJar *self, const TrundleCookie *cookie)
{
  TrundleCookie gone = *cookie;
  g_autoptr (GVariant) change = NULL;

  gone.value = "";
  gone.expires_s = 0;
  gone.flags = TRUNDLE_COOKIE_GONE;
  change = g_variant_ref_sink (trundle_cookie_new (&gone));
  if (trundle_cookies_put (self->table, change, now_s ()) != TRUNDLE_COOKIES_SAME)
    note_change (self, &gone, change);
}

/* With a lock held (libsoup 3.2.3): nothing may be asked of the jar in here. */
static void
on_changed (SoupCookieJar *jar, SoupCookie *old, SoupCookie *new, gpointer user_data)
{
  TrwJar *self = user_data;
  g_autoptr (GVariant) change = NULL;
  TrundleCookie cookie;

  read_cookie (new != NULL ? new : old, &cookie);
  if (new == NULL)
    {
      note_gone (self, &cookie);
      return;
    }
  change = g_variant_ref_sink (trundle_cookie_new (&cookie));
  if (trundle_cookies_put (self->table, change, now_s ()) != TRUNDLE_COOKIES_SAME)
    note_change (self, &cookie, change);
}

static void
delete_cookie (TrwJar *self, const TrundleCookie *given)
{
  SoupCookie *cookie = make_cookie (given);

  soup_cookie_jar_delete_cookie (self->cookies, cookie);
  soup_cookie_free (cookie);
}

/* The table has let it go already, so that its removal is no change. */
static void
evict (TrwJar *self, const TrundleCookie *newest)
{
  while (TRUE)
    {
      g_autoptr (GVariant) evicted = trundle_cookies_evict (self->table, newest);
      g_autoptr (GVariant) change = NULL;
      TrundleCookie cookie;

      if (evicted == NULL)
        return;

      trundle_cookie_get (evicted, &cookie);
      delete_cookie (self, &cookie);
      cookie.value = "";
      cookie.flags = TRUNDLE_COOKIE_GONE;
      change = g_variant_ref_sink (trundle_cookie_new (&cookie));
      note_change (self, &cookie, change);
    }
}

/* Consumes @cookie.  With a @uri and a @first_party these say what it may be. */
static void
add_cookie (TrwJar *self, SoupCookie *cookie, GUri *uri, GUri *first_party)
{
  g_autoptr (GVariant) kept = NULL;
  TrundleCookie facts;

  read_cookie (cookie, &facts);
  if (!trundle_cookie_check (&facts, NULL))
    {
      soup_cookie_free (cookie);
      return;
    }
  /* The cookie is gone with the next call, perhaps. */
  kept = g_variant_ref_sink (trundle_cookie_new (&facts));
  trundle_cookie_get (kept, &facts);
  soup_cookie_jar_add_cookie_full (self->cookies, cookie, uri, first_party);
  evict (self, &facts);
}

static void
renew (TrwJar *self)
{
  SoupCookieJarAcceptPolicy policy = SOUP_COOKIE_JAR_ACCEPT_ALWAYS;

  if (self->cookies != NULL)
    {
      policy = soup_cookie_jar_get_accept_policy (self->cookies);
      g_signal_handlers_disconnect_by_data (self->cookies, self);
      g_object_unref (self->cookies);
      trundle_cookies_free (self->table);
    }
  self->table = trundle_cookies_new ();
  self->cookies = soup_cookie_jar_new ();
  soup_cookie_jar_set_accept_policy (self->cookies, policy);
  g_signal_connect (self->cookies, "changed", G_CALLBACK (on_changed), self);
}

static TrwJar *
new_jar (TrwJars *jars, guint64 number)
{
  TrwJar *self = g_rc_box_new0 (TrwJar);

  self->jars = jars;
  self->number = number;
  self->untold = g_hash_table_new_full (
      g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_variant_unref);
  renew (self);
  return self;
}

TrwJar *
trw_jar_new_private (void)
{
  return new_jar (NULL, 0);
}

TrwJar *
trw_jar_ref (TrwJar *self)
{
  return g_rc_box_acquire (self);
}

static void
free_contents (gpointer data)
{
  TrwJar *self = data;

  g_clear_handle_id (&self->tell_source, g_source_remove);
  g_signal_handlers_disconnect_by_data (self->cookies, self);
  g_clear_object (&self->cookies);
  g_clear_pointer (&self->table, trundle_cookies_free);
  g_clear_pointer (&self->untold, g_hash_table_unref);
}

void
trw_jar_unref (TrwJar *self)
{
  g_rc_box_release_full (self, free_contents);
}

/* ---- answers and questions ---- */

void
trw_jar_take_cookies (TrwJar *self, SoupMessage *message, GUri *uri, GUri *first_party)
{
  GSList *cookies = soup_cookies_from_response (message);
  guint n_cookies = 0;

  for (GSList *l = cookies; l != NULL; l = l->next)
    {
      if (n_cookies++ < COOKIES_PER_ANSWER_MAX)
        add_cookie (self, l->data, uri, first_party);
      else
        soup_cookie_free (l->data);
    }
  g_slist_free (cookies);
  if (self->untold_size > UNTOLD_BYTES_MAX)
    trw_jar_flush (self);
}

/* Names of a field Cookie. */
static GHashTable *
parse_names (const char *field)
{
  GHashTable *names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_auto (GStrv) pairs = g_strsplit (field, ";", -1);

  for (guint i = 0; pairs[i] != NULL; i++)
    {
      const char *end = strchr (pairs[i], '=');

      if (end != NULL)
        g_hash_table_add (names,
                          g_strstrip (g_strndup (pairs[i], (gsize)(end - pairs[i]))));
    }
  return names;
}

/* Whether both belong to the same site: have the same domain below a public suffix. */
static gboolean
is_same_site (GUri *first, GUri *second)
{
  const char *first_host = g_uri_get_host (first);
  const char *second_host = g_uri_get_host (second);
  const char *first_base = soup_tld_get_base_domain (first_host, NULL);
  const char *second_base = soup_tld_get_base_domain (second_host, NULL);

  return g_strcmp0 (first_base != NULL ? first_base : first_host,
                    second_base != NULL ? second_base : second_host)
         == 0;
}

static gboolean
is_safe (const char *method)
{
  return g_str_equal (method, "GET") || g_str_equal (method, "HEAD");
}

char *
trw_jar_get_cookies (
    TrwJar *self, GUri *uri, const char *method, GUri *first_party, const char *given)
{
  g_autoptr (GHashTable) names = parse_names (given != NULL ? given : "");
  g_autoptr (GString) field = g_string_new (given);
  GSList *cookies;

  /* A transfer is to its app what opening a page is to a user, so that cookies with Lax
   * come along.  The site is what counts, where libsoup (3.2.3) compares hosts. */
  cookies = soup_cookie_jar_get_cookie_list_with_same_site_info (
      self->cookies,
      uri,
      first_party,
      is_same_site (uri, first_party) ? uri : NULL,
      TRUE,
      is_safe (method),
      TRUE);
  for (GSList *l = cookies; l != NULL; l = l->next)
    {
      g_autofree char *pair = soup_cookie_to_cookie_header (l->data);

      if (g_hash_table_contains (names, soup_cookie_get_name (l->data)))
        continue;
      if (field->len > 0)
        g_string_append (field, "; ");
      g_string_append (field, pair);
    }
  g_slist_free_full (cookies, (GDestroyNotify)soup_cookie_free);
  return field->len > 0 ? g_string_free (g_steal_pointer (&field), FALSE) : NULL;
}

/* ---- those of the daemon ---- */

TrwJars *
trw_jars_new (TrwJarsTellFunc tell, gpointer user_data)
{
  TrwJars *self = g_new0 (TrwJars, 1);

  self->tell = tell;
  self->user_data = user_data;
  self->jars = g_hash_table_new_full (
      g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)trw_jar_unref);
  return self;
}

static void
silence (TrwJar *jar)
{
  g_clear_handle_id (&jar->tell_source, g_source_remove);
  jar->jars = NULL;
}

void
trw_jars_free (TrwJars *self)
{
  GHashTableIter iter;
  gpointer jar;

  g_hash_table_iter_init (&iter, self->jars);
  while (g_hash_table_iter_next (&iter, NULL, &jar))
    silence (jar);
  g_hash_table_unref (self->jars);
  g_free (self);
}

void
trw_jars_flush (TrwJars *self)
{
  GHashTableIter iter;
  gpointer jar;

  g_hash_table_iter_init (&iter, self->jars);
  while (g_hash_table_iter_next (&iter, NULL, &jar))
    trw_jar_flush (jar);
}

void
trw_jars_forget (TrwJars *self, guint64 number)
{
  TrwJar *jar = g_hash_table_lookup (self->jars, &number);

  if (jar == NULL)
    return;
  silence (jar);
  g_hash_table_remove (self->jars, &number);
}

static void
load_cookies (TrwJar *jar, GVariant *cookies)
{
  for (gsize i = 0; i < g_variant_n_children (cookies); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (cookies, i);
      TrundleCookie cookie;

      trundle_cookie_get (child, &cookie);
      if (cookie.flags & TRUNDLE_COOKIE_GONE)
        delete_cookie (jar, &cookie);
      else
        add_cookie (jar, make_cookie (&cookie), NULL, NULL);
    }
}

/* What the daemon has not heard yet is newer than what it says. */
static void
load (TrwJar *jar, GVariant *cookies)
{
  g_autoptr (GList) untold = g_hash_table_get_values (jar->untold);
  GVariantBuilder changes;

  g_variant_builder_init (&changes, G_VARIANT_TYPE (TRUNDLE_COOKIES_TYPE));
  for (GList *l = untold; l != NULL; l = l->next)
    g_variant_builder_add_value (&changes, l->data);
  jar->is_loading = TRUE;
  renew (jar);
  load_cookies (jar, cookies);
  if (untold != NULL)
    {
      g_autoptr (GVariant) again = g_variant_ref_sink (g_variant_builder_end (&changes));

      load_cookies (jar, again);
    }
  else
    g_variant_builder_clear (&changes);
  jar->is_loading = FALSE;
}

static gboolean
set_policy (TrwJar *jar, GVariant *request)
{
  const char *policy = "always";

  g_variant_lookup (request, "cookie-policy", "&s", &policy);
  if (g_str_equal (policy, "always"))
    soup_cookie_jar_set_accept_policy (jar->cookies, SOUP_COOKIE_JAR_ACCEPT_ALWAYS);
  else if (g_str_equal (policy, "no-third-party"))
    soup_cookie_jar_set_accept_policy (jar->cookies,
                                       SOUP_COOKIE_JAR_ACCEPT_NO_THIRD_PARTY);
  else
    return FALSE;
  return TRUE;
}

static TrwJar *
ensure (TrwJars *self, guint64 number)
{
  TrwJar *jar = g_hash_table_lookup (self->jars, &number);

  if (jar == NULL)
    {
      jar = new_jar (self, number);
      g_hash_table_insert (self->jars, g_memdup2 (&number, sizeof number), jar);
    }
  return jar;
}

gboolean
trw_jars_take (TrwJars *self, GVariant *request, TrwJar **out_jar, GError **error)
{
  g_autoptr (GVariant) cookies = NULL;
  guint64 number = 0;
  TrwJar *jar;

  g_variant_lookup (request, "jar", "t", &number);
  if (number == 0)
    {
      *out_jar = NULL;
      return TRUE;
    }

  cookies = g_variant_lookup_value (
      request, "cookies", G_VARIANT_TYPE (TRUNDLE_COOKIES_TYPE));
  jar = ensure (self, number);
  if (!set_policy (jar, request) || (cookies != NULL && !trundle_cookies_check (cookies)))
    {
      g_set_error_literal (error,
                           TRUNDLE_ERROR,
                           TRUNDLE_ERROR_INVALID_ARGUMENT,
                           "cookies: a policy or cookies that are none");
      return FALSE;
    }
  if (cookies != NULL)
    {
      load (jar, cookies);
      g_variant_lookup (request, "jar-version", "t", &jar->version);
    }
  *out_jar = trw_jar_ref (jar);
  return TRUE;
}
