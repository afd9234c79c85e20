/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is known to be wanted, for all attempts that share connections. */

#include "config.h"

#include "auth-memory.h"

#include <string.h>

#define KNOWN_MAX 64

struct _TrwAuthMemory
{
  GPtrArray *all; /* (owned) (element-type TrwKnown) */
};

static void
free_known (gpointer data)
{
  TrwKnown *known = data;

  trw_party_clear (&known->party);
  g_free (known->realm);
  g_free (known->user);
  g_free (known->prefix);
  g_clear_pointer (&known->nonce, trw_digest_nonce_free);
  g_free (known);
}

TrwAuthMemory *
trw_auth_memory_new (void)
{
  TrwAuthMemory *self = g_new0 (TrwAuthMemory, 1);

  self->all = g_ptr_array_new_with_free_func (free_known);
  return self;
}

void
trw_auth_memory_free (TrwAuthMemory *self)
{
  g_ptr_array_unref (self->all);
  g_free (self);
}

GPtrArray *
trw_auth_memory_get_all (TrwAuthMemory *self)
{
  return self->all;
}

static gboolean
is_same (const TrwKnown *first, const TrwKnown *second)
{
  return first->method == second->method
         && trw_party_equal (&first->party, &second->party)
         && g_strcmp0 (first->realm, second->realm) == 0
         && g_str_equal (first->user, second->user)
         && g_str_equal (first->prefix, second->prefix);
}

void
trw_auth_memory_add (TrwAuthMemory *self, const TrwKnown *known)
{
  TrwKnown *copy = g_memdup2 (known, sizeof *known);

  copy->party.protocol = g_strdup (known->party.protocol);
  copy->party.host = g_strdup (known->party.host);
  copy->realm = g_strdup (known->realm);
  copy->user = g_strdup (known->user);
  copy->prefix = g_strdup (known->prefix);
  copy->nonce = known->nonce != NULL ? trw_digest_nonce_copy (known->nonce) : NULL;
  for (guint i = self->all->len; i > 0; i--)
    {
      if (is_same (self->all->pdata[i - 1], copy))
        g_ptr_array_remove_index (self->all, i - 1);
    }
  if (self->all->len >= KNOWN_MAX)
    g_ptr_array_remove_index (self->all, 0);
  g_ptr_array_add (self->all, copy);
}

void
trw_auth_memory_forget (TrwAuthMemory *self, const TrwKnown *known)
{
  for (guint i = self->all->len; i > 0; i--)
    {
      const TrwKnown *other = self->all->pdata[i - 1];

      if (is_same (other, known)
          && (known->nonce == NULL
              || g_str_equal (other->nonce->nonce, known->nonce->nonce)))
        g_ptr_array_remove_index (self->all, i - 1);
    }
}

char *
trw_auth_prefix (const char *path)
{
  const char *slash = strrchr (path, '/');

  return slash != NULL ? g_strndup (path, (gsize)(slash - path) + 1) : g_strdup ("/");
}
