/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the keyring has of ours: the values of sets that rows refer to, and items to which
 * no row refers any more.  Both come of one question. */

#include "config.h"

#include "core/secrets-private.h"

#include "port/kept-mark.h"
#include "port/shelter.h"

/* NULL for what we have not written.  (transfer full) */
static GVariant *
parse_item (TrdVaultItem *item)
{
  gsize length;
  const char *text = g_bytes_get_data (item->secret, &length);

  if (text == NULL)
    return NULL;

  return g_variant_parse (G_VARIANT_TYPE_VARDICT, text, text + length, NULL, NULL);
}

/* TRUE when whoever waits for it need not any more. */
static gboolean
take_item (TrdSecrets *secrets, TrdVaultItem *item)
{
  const char *session;

  if (!trd_secrets_is_missing (secrets) || item->secret == NULL)
    return FALSE;

  session = g_hash_table_lookup (item->attributes, "session");
  secrets->item_session_id = session != NULL ? g_ascii_strtoll (session, NULL, 10) : 0;
  secrets->value = parse_item (item);
  if (secrets->value == NULL)
    {
      g_warning ("An item of the keyring is not what was stored in it");
      secrets->gone = TRUE;
    }
  trd_secrets_index (secrets);

  return TRUE;
}

/* Returns how many sets are known now, in one way or the other.  While a database is set
 * aside, what no row refers to may be its own. */
static guint
take_items (TrdSecretPool *self, GPtrArray *items, GHashTable *found)
{
  gboolean has_aside = trd_shelter_has_aside (
      trd_spool_get_state_directory (self->env->spool));
  guint n_known = 0;

  for (guint i = 0; i < items->len; i++)
    {
      TrdVaultItem *item = g_ptr_array_index (items, i);
      const char *id = g_hash_table_lookup (item->attributes, "id");
      TrdSecrets *secrets = id != NULL ? g_hash_table_lookup (self->by_id, id) : NULL;

      if (secrets != NULL)
        {
          g_hash_table_add (found, secrets);
          n_known += take_item (secrets, item);
        }
      else if (item->secret == NULL || id == NULL)
        self->untidy = TRUE;
      else if (!has_aside)
        trd_secrets_remove_item (self, id);
    }

  return n_known;
}

/* The keyring is open, and these are not in it. */
static guint
note_gone (TrdSecretPool *self, GHashTable *found)
{
  guint n_gone = 0;
  GHashTableIter iter;
  TrdSecrets *secrets;

  g_hash_table_iter_init (&iter, self->by_id);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&secrets))
    {
      if (!trd_secrets_is_missing (secrets) || g_hash_table_contains (found, secrets))
        continue;
      secrets->gone = TRUE;
      n_gone++;
    }

  return n_gone;
}

static gboolean
has_kept (TrdSecretPool *self)
{
  GHashTableIter iter;
  TrdSecrets *secrets;

  g_hash_table_iter_init (&iter, self->by_id);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *)&secrets))
    if (secrets->kept || secrets->storing)
      return TRUE;

  return FALSE;
}

/* Nothing is there, and nothing need be looked for at the next start. */
static void
unmark (TrdSecretPool *self)
{
  trd_kept_mark_clear (trd_spool_get_state_directory (self->env->spool));
  self->marked = FALSE;
}

static void
on_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (TrdSecretPool) self = user_data;
  g_autoptr (GHashTable) found = g_hash_table_new (NULL, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) items = trd_vault_find_finish (
      TRD_VAULT (source), result, &error);
  guint n_known;

  self->reading = FALSE;
  if (self->closed)
    return;
  if (items == NULL)
    {
      g_message ("The keyring does not say what it has: %s", error->message);
      self->untidy = TRUE;
      return;
    }

  self->untidy = FALSE;
  n_known = take_items (self, items, found);
  if (trd_vault_get_state (TRD_VAULT (source)) == TRD_VAULT_OPEN)
    {
      n_known += note_gone (self, found);
      if (items->len == 0 && !has_kept (self))
        unmark (self);
    }
  else
    self->untidy = TRUE;
  if (n_known > 0)
    g_signal_emit_by_name (self, "loaded");
}

static void
read_keyring (TrdSecretPool *self)
{
  g_autoptr (GHashTable) attributes = NULL;

  if (self->closed || self->reading || self->env->vault == NULL
      || self->env->state_id == NULL)
    return;

  attributes = trd_secret_pool_attributes (self, NULL);
  self->reading = TRUE;
  trd_vault_find_async (self->env->vault,
                        TRD_VAULT_SECRETS,
                        attributes,
                        NULL,
                        on_found,
                        g_object_ref (self));
}

void
trd_secret_pool_load (TrdSecretPool *self)
{
  TrdVaultState state;

  if (self->env->vault == NULL)
    return;

  state = trd_vault_get_state (self->env->vault);
  if (state != TRD_VAULT_LOCKED && state != TRD_VAULT_ABSENT)
    read_keyring (self);
}

void
trd_secret_pool_settle (TrdSecretPool *self)
{
  self->marked = trd_kept_mark_is_set (trd_spool_get_state_directory (self->env->spool));
  self->untidy |= self->marked;
  if (self->marked)
    trd_secret_pool_load (self);
}
