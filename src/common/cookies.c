/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cookies as a table in the order of their creation (RFC 6265 §5.3), with its limits.
 * Used by the worker, which is told by servers, and by the daemon, which is told by
 * workers and believes them no more than these believe servers. */

#include "config.h"

#include "common/cookies.h"

#include "common/error.h"

#include <string.h>

#define FLAGS_ALL                                                                        \
  (TRUNDLE_COOKIE_SECURE | TRUNDLE_COOKIE_HTTP_ONLY | TRUNDLE_COOKIE_LAX                 \
   | TRUNDLE_COOKIE_STRICT | TRUNDLE_COOKIE_GONE)

/* Of the life that is left, a longer one by less than this is none to write down: servers
 * extend the same cookie with every answer. */
#define EXTENSION_WORTH_TELLING 0.1

/* ---- one cookie ---- */

GVariant *
trundle_cookie_new (const TrundleCookie *cookie)
{
  return g_variant_new ("(^ay^ayssxu)",
                        cookie->name,
                        cookie->value,
                        cookie->domain,
                        cookie->path,
                        cookie->expires_s,
                        cookie->flags);
}

void
trundle_cookie_get (GVariant *variant, TrundleCookie *out_cookie)
{
  /* What is borrowed from one that is not serialized is gone once it is. */
  g_variant_get_data (variant);
  g_variant_get (variant,
                 "(^&ay^&ay&s&sxu)",
                 &out_cookie->name,
                 &out_cookie->value,
                 &out_cookie->domain,
                 &out_cookie->path,
                 &out_cookie->expires_s,
                 &out_cookie->flags);
}

static gboolean
fail (GError **error, const char *message)
{
  g_set_error_literal (error, TRUNDLE_ERROR, TRUNDLE_ERROR_INVALID_ARGUMENT, message);
  return FALSE;
}

/* A tab is allowed in a value, by old custom. */
static gboolean
has_any (const char *text, const char *forbidden, gboolean allows_tab)
{
  for (const char *p = text; *p != '\0'; p++)
    {
      if ((g_ascii_iscntrl (*p) && !(allows_tab && *p == '\t'))
          || strchr (forbidden, *p) != NULL)
        return TRUE;
    }
  return FALSE;
}

/* A host in lower case, with or without a dot in front. */
static gboolean
is_domain (const char *domain)
{
  const char *host = *domain == '.' ? domain + 1 : domain;

  if (*host == '\0' || *host == '.' || strlen (host) > 253)
    return FALSE;
  for (const char *p = host; *p != '\0'; p++)
    {
      if (!g_ascii_islower (*p) && !g_ascii_isdigit (*p) && strchr (".-_:", *p) == NULL)
        return FALSE;
    }
  return TRUE;
}

gboolean
trundle_cookie_check (const TrundleCookie *cookie, GError **error)
{
  gsize size = strlen (cookie->name) + strlen (cookie->value) + strlen (cookie->path);

  if (size > TRUNDLE_COOKIE_BYTES_MAX)
    return fail (error, "A cookie may have 4 KiB");
  if (*cookie->name == '\0' && *cookie->value == '\0')
    return fail (error, "A cookie must have a name");
  if (has_any (cookie->name, ";=", FALSE))
    return fail (error, "The name of a cookie has a character that cannot be sent");
  if (has_any (cookie->value, ";", TRUE))
    return fail (error, "The value of a cookie has a character that cannot be sent");
  if (!is_domain (cookie->domain))
    return fail (error, "The domain of a cookie must be a host in lower case");
  /* Others match no address: there they are percent-encoded. */
  if (*cookie->path != '/' || has_any (cookie->path, ";", FALSE)
      || !g_str_is_ascii (cookie->path))
    return fail (error, "The path of a cookie must begin with “/”, and be ASCII");
  if (cookie->expires_s < 0 || (cookie->flags & ~FLAGS_ALL) != 0)
    return fail (error, "A cookie expires, and has attributes, that make no sense");
  return TRUE;
}

gboolean
trundle_cookies_check (GVariant *cookies)
{
  for (gsize i = 0; i < g_variant_n_children (cookies); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (cookies, i);
      TrundleCookie cookie;

      trundle_cookie_get (child, &cookie);
      if (!trundle_cookie_check (&cookie, NULL))
        return FALSE;
    }
  return TRUE;
}

/* RFC 6265 §5.1.3; a name below an address is none. */
static gboolean
has_domain (const char *host, const char *domain)
{
  gsize length = strlen (domain);
  gsize host_length = strlen (host);

  if (*domain != '.')
    return strcmp (host, domain) == 0;
  if (strcmp (host, domain + 1) == 0)
    return TRUE;
  return host_length > length && !g_hostname_is_ip_address (host)
         && strcmp (host + host_length - length, domain) == 0;
}

/* RFC 6265 §5.1.4. */
static gboolean
has_path (const char *path, const char *prefix)
{
  gsize length = strlen (prefix);

  if (*path == '\0')
    path = "/";
  if (strncmp (path, prefix, length) != 0)
    return FALSE;
  return path[length] == '\0' || path[length] == '/'
         || (length > 0 && prefix[length - 1] == '/');
}

gboolean
trundle_cookie_matches (const TrundleCookie *cookie, GUri *uri)
{
  if ((cookie->flags & TRUNDLE_COOKIE_SECURE) != 0
      && strcmp (g_uri_get_scheme (uri), "https") != 0)
    return FALSE;
  return has_domain (g_uri_get_host (uri), cookie->domain)
         && has_path (g_uri_get_path (uri), cookie->path);
}

/* None of them has a line end. */
char *
trundle_cookie_key (const TrundleCookie *cookie)
{
  return g_strjoin ("\n", cookie->domain, cookie->path, cookie->name, NULL);
}

/* ---- the table ---- */

typedef struct
{
  char *key;        /* (owned) */
  GVariant *cookie; /* (owned) */
  GList link;
} Entry;

struct _TrundleCookies
{
  GHashTable *entries; /* (owned): key to Entry (owned) */
  GQueue order;        /* of their links, the oldest first */
  GHashTable *domains; /* (owned) (element-type utf8 uint): how many each has */
  gsize size;          /* of all */
};

static void
entry_free (gpointer data)
{
  Entry *self = data;

  g_free (self->key);
  g_variant_unref (self->cookie);
  g_free (self);
}

TrundleCookies *
trundle_cookies_new (void)
{
  TrundleCookies *self = g_new0 (TrundleCookies, 1);

  self->entries = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, entry_free);
  self->domains = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_queue_init (&self->order);
  return self;
}

void
trundle_cookies_free (TrundleCookies *self)
{
  if (self == NULL)
    return;

  g_hash_table_unref (self->entries);
  g_hash_table_unref (self->domains);
  g_free (self);
}

guint
trundle_cookies_count (TrundleCookies *self)
{
  return g_hash_table_size (self->entries);
}

static guint
count_domain (TrundleCookies *self, const char *domain)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (self->domains, domain));
}

static void
add_to_domain (TrundleCookies *self, const char *domain, int n)
{
  guint count = (guint)((int)count_domain (self, domain) + n);

  if (count > 0)
    g_hash_table_insert (self->domains, g_strdup (domain), GUINT_TO_POINTER (count));
  else
    g_hash_table_remove (self->domains, domain);
}

static void
remove_entry (TrundleCookies *self, Entry *entry)
{
  TrundleCookie cookie;

  trundle_cookie_get (entry->cookie, &cookie);
  add_to_domain (self, cookie.domain, -1);
  self->size -= g_variant_get_size (entry->cookie);
  g_queue_unlink (&self->order, &entry->link);
  g_hash_table_remove (self->entries, entry->key);
}

/* One that came in a message would keep all of that in memory. */
static GVariant *
copy (GVariant *variant)
{
  g_autoptr (GBytes) bytes = g_bytes_new (g_variant_get_data (variant),
                                          g_variant_get_size (variant));

  return g_variant_ref_sink (
      g_variant_new_from_bytes (g_variant_get_type (variant), bytes, TRUE));
}

static void
add_entry (TrundleCookies *self, char *key, GVariant *variant, const char *domain)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->key = key;
  entry->cookie = copy (variant);
  entry->link.data = entry;
  g_hash_table_insert (self->entries, entry->key, entry);
  g_queue_push_tail_link (&self->order, &entry->link);
  add_to_domain (self, domain, 1);
  self->size += g_variant_get_size (variant);
}

static TrundleCookiesChange
compare (const TrundleCookie *before, const TrundleCookie *after, gint64 now_s)
{
  double left_s = (double)(before->expires_s - now_s);
  double gained_s = (double)(after->expires_s - before->expires_s);

  if (strcmp (before->value, after->value) != 0 || before->flags != after->flags)
    return TRUNDLE_COOKIES_CHANGED;
  if (before->expires_s == after->expires_s)
    return TRUNDLE_COOKIES_SAME;
  if (before->expires_s != 0 && after->expires_s > before->expires_s
      && gained_s < left_s * EXTENSION_WORTH_TELLING)
    return TRUNDLE_COOKIES_EXTENDED;
  return TRUNDLE_COOKIES_CHANGED;
}

static gboolean
is_over (const TrundleCookie *cookie, gint64 now_s)
{
  return (cookie->flags & TRUNDLE_COOKIE_GONE) != 0
         || (cookie->expires_s != 0 && cookie->expires_s <= now_s);
}

TrundleCookiesChange
trundle_cookies_put (TrundleCookies *self, GVariant *variant, gint64 now_s)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (variant);
  g_autofree char *key = NULL;
  TrundleCookie before;
  TrundleCookie cookie;
  TrundleCookiesChange change;
  Entry *entry;

  trundle_cookie_get (owned, &cookie);
  key = trundle_cookie_key (&cookie);
  entry = g_hash_table_lookup (self->entries, key);
  if (is_over (&cookie, now_s))
    {
      if (entry == NULL)
        return TRUNDLE_COOKIES_SAME;
      remove_entry (self, entry);
      return TRUNDLE_COOKIES_CHANGED;
    }
  if (entry == NULL)
    {
      add_entry (self, g_steal_pointer (&key), owned, cookie.domain);
      return TRUNDLE_COOKIES_CHANGED;
    }

  trundle_cookie_get (entry->cookie, &before);
  change = compare (&before, &cookie, now_s);
  self->size -= g_variant_get_size (entry->cookie);
  g_variant_unref (entry->cookie);
  entry->cookie = copy (owned);
  self->size += g_variant_get_size (entry->cookie);
  return change;
}

/* The oldest, of @domain if that is not NULL. */
static Entry *
find_oldest (TrundleCookies *self, const char *domain)
{
  gsize length = domain != NULL ? strlen (domain) : 0;

  for (GList *link = self->order.head; link != NULL; link = link->next)
    {
      Entry *entry = link->data;

      /* A key begins with it. */
      if (domain == NULL
          || (strncmp (entry->key, domain, length) == 0 && entry->key[length] == '\n'))
        return entry;
    }
  return NULL;
}

GVariant *
trundle_cookies_evict (TrundleCookies *self, const TrundleCookie *cookie)
{
  g_autoptr (GVariant) evicted = NULL;
  Entry *entry;

  if (count_domain (self, cookie->domain) > TRUNDLE_COOKIES_PER_DOMAIN_MAX)
    entry = find_oldest (self, cookie->domain);
  else if (g_hash_table_size (self->entries) > TRUNDLE_COOKIES_MAX
           || self->size > TRUNDLE_COOKIES_BYTES_MAX)
    entry = find_oldest (self, NULL);
  else
    return NULL;

  g_return_val_if_fail (entry != NULL, NULL);
  evicted = g_variant_ref (entry->cookie);
  remove_entry (self, entry);
  return g_steal_pointer (&evicted);
}

TrundleCookiesChange
trundle_cookies_merge (TrundleCookies *self, GVariant *cookies, gint64 now_s)
{
  TrundleCookiesChange all = TRUNDLE_COOKIES_SAME;
  for (gsize i = 0; i < g_variant_n_children (cookies); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (cookies, i);
      TrundleCookiesChange change = trundle_cookies_put (self, child, now_s);
      GVariant *evicted;
      TrundleCookie cookie;

      all = MAX (all, change);
      trundle_cookie_get (child, &cookie);
      while ((evicted = trundle_cookies_evict (self, &cookie)) != NULL)
        g_variant_unref (evicted);
    }
  return all;
}

GVariant *
trundle_cookies_to_variant (TrundleCookies *self, gint64 now_s)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE (TRUNDLE_COOKIES_TYPE));
  for (GList *link = self->order.head; link != NULL; link = link->next)
    {
      Entry *entry = link->data;
      TrundleCookie cookie;

      trundle_cookie_get (entry->cookie, &cookie);
      if (!is_over (&cookie, now_s))
        g_variant_builder_add_value (&builder, entry->cookie);
    }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}
