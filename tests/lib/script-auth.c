/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Judges by its own arithmetic, not by that of the worker. */

#include "config.h"

#include "script-auth.h"

#include <string.h>

struct _ScriptAuth
{
  const ScriptGuard *guards; /* (unowned), static */
  gboolean is_proxy;
  GMutex lock; /* for what follows */
  guint nonce;
  guint count; /* the highest nc with it */
  guint n_refused;
  guint n_passed;
  GPtrArray *heard; /* (owned): values of the header */
};

ScriptAuth *
script_auth_new (const ScriptGuard *guards, gboolean is_proxy)
{
  ScriptAuth *self = g_new0 (ScriptAuth, 1);

  g_mutex_init (&self->lock);
  self->guards = guards;
  self->is_proxy = is_proxy;
  self->nonce = 1;
  self->heard = g_ptr_array_new_with_free_func (g_free);
  return self;
}

/* Keeps what threads may still look at: the process of a test is short. */
void
script_auth_free (ScriptAuth *self)
{
  static GPtrArray *kept;

  if (kept == NULL)
    kept = g_ptr_array_new ();
  g_ptr_array_add (kept, self);
}

/* The value of a header, or of a parameter of one; "" for none.  (transfer full) */
static char *
cut_out (const char *text, const char *before, const char *ends)
{
  const char *found = strstr (text, before);

  if (found == NULL)
    return g_strdup ("");
  found += strlen (before);
  return g_strndup (found, strcspn (found, ends));
}

static char *
md (const ScriptGuard *guard, const char *text)
{
  gboolean is_sha = g_str_has_prefix (guard->algorithm, "SHA-256");

  return g_compute_checksum_for_string (
      is_sha ? G_CHECKSUM_SHA256 : G_CHECKSUM_MD5, text, -1);
}

static char *
compute (const ScriptGuard *guard, const char *said, const char *method, const char *uri)
{
  g_auto (GStrv) pair = g_strsplit (guard->secret, ":", 2);
  g_autofree char *nonce = cut_out (said, " nonce=\"", "\"");
  g_autofree char *cnonce = cut_out (said, "cnonce=\"", "\"");
  g_autofree char *count = cut_out (said, "nc=", ",");
  g_autofree char *user = g_strdup_printf ("%s:%s:%s", pair[0], guard->realm, pair[1]);
  g_autofree char *a1 = md (guard, user);
  g_autofree char *request = g_strdup_printf ("%s:%s", method, uri);
  g_autofree char *a2 = md (guard, request);
  g_autofree char *all = NULL;

  if (g_str_has_suffix (guard->algorithm, "-sess"))
    {
      g_autofree char *longer = g_strdup_printf ("%s:%s:%s", a1, nonce, cnonce);

      g_free (a1);
      a1 = md (guard, longer);
    }
  all = g_strdup_printf ("%s:%s:%s:%s:auth:%s", a1, nonce, count, cnonce, a2);
  return md (guard, all);
}

/* Each use of a nonce is counted, and no number is used twice. */
static gboolean
is_right_digest (ScriptAuth *self,
                 const ScriptGuard *guard,
                 const char *said,
                 const char *request,
                 gboolean *out_is_stale)
{
  g_auto (GStrv) words = g_strsplit (request, " ", 3);
  g_autofree char *uri = cut_out (said, "uri=\"", "\"");
  g_autofree char *response = cut_out (said, "response=\"", "\"");
  g_autofree char *nonce = cut_out (said, " nonce=\"nonce-", "\"");
  g_autofree char *count_text = cut_out (said, "nc=", ",");
  g_autofree char *expected = compute (guard, said, words[0], uri);
  guint count = (guint)g_ascii_strtoull (count_text, NULL, 16);

  if (strcmp (response, expected) != 0 || !g_str_has_suffix (words[1], uri))
    return FALSE;
  if ((guint)g_ascii_strtoull (nonce, NULL, 10) != self->nonce)
    {
      *out_is_stale = TRUE;
      return FALSE;
    }
  if (count <= self->count)
    return FALSE;
  self->count = count;
  return TRUE;
}

static gboolean
is_right (ScriptAuth *self,
          const ScriptGuard *guard,
          const char *said,
          const char *request,
          gboolean *out_is_stale)
{
  g_autofree char *secret = NULL;
  g_autofree char *expected = NULL;

  if (!g_str_has_prefix (said, guard->method))
    return FALSE;
  if (strcmp (guard->method, "Digest") == 0)
    return is_right_digest (self, guard, said, request, out_is_stale);
  if (strcmp (guard->method, "Basic") == 0)
    secret = g_base64_encode ((const guchar *)guard->secret, strlen (guard->secret));
  else
    secret = g_strdup (guard->secret);
  expected = g_strdup_printf ("%s %s", guard->method, secret);
  return strcmp (said, expected) == 0;
}

static char *
refuse (ScriptAuth *self, const char *path, gboolean is_stale)
{
  g_autoptr (GString) answer = g_string_new (self->is_proxy ? "HTTP/1.1 407 Who\r\n"
                                                            : "HTTP/1.1 401 Who\r\n");

  self->nonce++;
  self->count = 0;
  self->n_refused++;
  for (const ScriptGuard *guard = self->guards; guard->prefix != NULL; guard++)
    {
      if (!g_str_has_prefix (path, guard->prefix))
        continue;
      g_string_append_printf (answer,
                              "%s-Authenticate: %s realm=\"%s\"",
                              self->is_proxy ? "Proxy" : "WWW",
                              guard->method,
                              guard->realm);
      if (strcmp (guard->method, "Digest") == 0)
        g_string_append_printf (answer,
                                ", nonce=\"nonce-%u\", algorithm=%s, qop=\"auth\"%s",
                                self->nonce,
                                guard->algorithm,
                                is_stale ? ", stale=true" : "");
      g_string_append (answer, "\r\n");
    }
  g_string_append (answer, "Set-Cookie: a=b\r\nContent-Length: 3\r\n\r\nwho");
  return g_string_free (g_steal_pointer (&answer), FALSE);
}

static char *
judge (ScriptAuth *self, const char *request)
{
  g_auto (GStrv) words = g_strsplit (request, " ", 3);
  const char *name = self->is_proxy ? "\r\nProxy-Authorization: " : "\r\nAuthorization: ";
  g_autofree char *said = cut_out (request, name, "\r");
  gboolean is_guarded = FALSE;
  gboolean is_stale = FALSE;

  g_ptr_array_add (self->heard, g_strdup (said));
  for (const ScriptGuard *guard = self->guards; guard->prefix != NULL; guard++)
    {
      if (!g_str_has_prefix (words[1], guard->prefix))
        continue;
      is_guarded = TRUE;
      if (!is_right (self, guard, said, request, &is_stale))
        continue;
      self->n_passed++;
      return NULL;
    }
  return is_guarded ? refuse (self, words[1], is_stale) : NULL;
}

char *
script_auth_handle (const char *request, gpointer data)
{
  ScriptAuth *self = data;
  char *answer;

  g_mutex_lock (&self->lock);
  answer = judge (self, request);
  g_mutex_unlock (&self->lock);
  return answer;
}

void
script_auth_expire (ScriptAuth *self)
{
  g_mutex_lock (&self->lock);
  self->nonce++;
  self->count = 0;
  g_mutex_unlock (&self->lock);
}

guint
script_auth_count_refused (ScriptAuth *self)
{
  guint n;

  g_mutex_lock (&self->lock);
  n = self->n_refused;
  g_mutex_unlock (&self->lock);
  return n;
}

guint
script_auth_count_passed (ScriptAuth *self)
{
  guint n;

  g_mutex_lock (&self->lock);
  n = self->n_passed;
  g_mutex_unlock (&self->lock);
  return n;
}

gboolean
script_auth_has_heard (ScriptAuth *self, const char *text)
{
  g_autofree char *encoded = g_base64_encode ((const guchar *)text, strlen (text));
  gboolean has_heard = FALSE;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->heard->len; i++)
    has_heard = has_heard || strstr (self->heard->pdata[i], text) != NULL
                || strstr (self->heard->pdata[i], encoded) != NULL;
  g_mutex_unlock (&self->lock);
  return has_heard;
}

char *
script_auth_get_last (ScriptAuth *self)
{
  char *last;

  g_mutex_lock (&self->lock);
  last = self->heard->len > 0 ? g_strdup (self->heard->pdata[self->heard->len - 1])
                              : g_strdup ("");
  g_mutex_unlock (&self->lock);
  return last;
}
