/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "fake-vault.h"

/* Each verb is a GTask with a Job; they are done in the order they came. */

typedef struct
{
  TrdVaultKind kind;
  TrdVaultItem *item; /* (owned) */
} Entry;

typedef enum
{
  FIND,
  STORE,
  REMOVE
} Verb;

typedef struct
{
  Verb verb;
  TrdVaultKind kind;
  GHashTable *attributes; /* (owned) */
  GBytes *secret;         /* (owned) (nullable) */
  gboolean exact;         /* what has more attributes stays */
} Job;

struct _FakeVault
{
  GObject parent_instance;

  TrdVaultState state;
  gboolean slow;
  gboolean slow_writes;
  gboolean failing;
  guint n_calls;
  GPtrArray *entries; /* (owned) (element-type Entry) */
  GQueue pending;     /* (element-type GTask) (owned) */
  guint source;
};

static void
vault_iface_init (TrdVaultInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (FakeVault,
                               fake_vault,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (TRD_TYPE_VAULT, vault_iface_init))

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  trd_vault_item_free (entry->item);
  g_free (entry);
}

static void
job_free (gpointer data)
{
  Job *job = data;

  g_hash_table_unref (job->attributes);
  g_clear_pointer (&job->secret, g_bytes_unref);
  g_free (job);
}

static GHashTable *
copy_attributes (GHashTable *attributes)
{
  GHashTable *copy = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GHashTableIter iter;
  gpointer key;
  gpointer value;

  g_hash_table_iter_init (&iter, attributes);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_insert (copy, g_strdup (key), g_strdup (value));
  return copy;
}

static gboolean
has_all (GHashTable *attributes, GHashTable *wanted)
{
  GHashTableIter iter;
  gpointer key;
  gpointer value;

  g_hash_table_iter_init (&iter, wanted);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (g_strcmp0 (g_hash_table_lookup (attributes, key), value) != 0)
      return FALSE;
  return TRUE;
}

static gboolean
matches (const Entry *entry, TrdVaultKind kind, GHashTable *wanted)
{
  return entry->kind == kind && has_all (entry->item->attributes, wanted);
}

static void
add (FakeVault *self, TrdVaultKind kind, GHashTable *attributes, GBytes *secret)
{
  g_autoptr (GHashTable) copy = copy_attributes (attributes);
  Entry *entry = g_new0 (Entry, 1);

  for (guint i = self->entries->len; i > 0; i--)
    {
      const Entry *other = g_ptr_array_index (self->entries, i - 1);

      if (matches (other, kind, attributes)
          && has_all (attributes, other->item->attributes))
        g_ptr_array_remove_index (self->entries, i - 1);
    }
  entry->kind = kind;
  entry->item = trd_vault_item_new (copy, secret);
  g_ptr_array_add (self->entries, entry);
}

/* What is locked tells no more than what was asked for: of a keyring that was never
 * unlocked, that is all one gets. */
static TrdVaultItem *
new_found (FakeVault *self, const Entry *entry, const Job *job)
{
  if (self->state == TRD_VAULT_OPEN)
    return trd_vault_item_new (entry->item->attributes, entry->item->secret);

  return trd_vault_item_new (job->attributes, NULL);
}

static void
do_find (FakeVault *self, GTask *task, const Job *job)
{
  GPtrArray *found = g_ptr_array_new_with_free_func ((GDestroyNotify)trd_vault_item_free);

  for (guint i = 0; self->state != TRD_VAULT_ABSENT && i < self->entries->len; i++)
    {
      const Entry *entry = g_ptr_array_index (self->entries, i);

      if (matches (entry, job->kind, job->attributes))
        g_ptr_array_add (found, new_found (self, entry, job));
    }
  g_task_return_pointer (task, found, (GDestroyNotify)g_ptr_array_unref);
}

static void
refuse (GTask *task)
{
  g_task_return_new_error (
      task, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED, "The keyring is not open");
}

static void
do_store (FakeVault *self, GTask *task, const Job *job)
{
  if (self->state != TRD_VAULT_OPEN)
    {
      refuse (task);
      return;
    }

  add (self, job->kind, job->attributes, job->secret);
  g_task_return_boolean (task, TRUE);
}

static void
do_remove (FakeVault *self, GTask *task, const Job *job)
{
  if (self->state != TRD_VAULT_OPEN)
    {
      refuse (task);
      return;
    }

  for (guint i = self->entries->len; i > 0; i--)
    {
      const Entry *entry = g_ptr_array_index (self->entries, i - 1);

      if (matches (entry, job->kind, job->attributes)
          && (!job->exact || has_all (job->attributes, entry->item->attributes)))
        g_ptr_array_remove_index (self->entries, i - 1);
    }
  g_task_return_boolean (task, TRUE);
}

static void
schedule (FakeVault *self);

/* The first whose turn it is; NULL for none. */
static GList *
find_next (FakeVault *self)
{
  GList *l = self->slow ? NULL : self->pending.head;

  for (; l != NULL && self->slow_writes; l = l->next)
    {
      const Job *job = g_task_get_task_data (l->data);

      if (job->verb == FIND)
        break;
    }
  return l;
}

/* One each time: whoever hears of it may ask for more. */
static gboolean
do_pending (gpointer data)
{
  FakeVault *self = data;
  GList *next = find_next (self);
  g_autoptr (GTask) task = NULL;
  const Job *job;

  self->source = 0;
  g_return_val_if_fail (next != NULL, G_SOURCE_REMOVE);
  task = next->data;
  job = g_task_get_task_data (task);
  g_queue_delete_link (&self->pending, next);
  if (!g_task_return_error_if_cancelled (task))
    {
      if (self->failing)
        g_task_return_new_error (
            task, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "The keyring does not answer");
      else if (job->verb == FIND)
        do_find (self, task, job);
      else if (job->verb == STORE)
        do_store (self, task, job);
      else
        do_remove (self, task, job);
    }
  schedule (self);
  return G_SOURCE_REMOVE;
}

static void
schedule (FakeVault *self)
{
  if (self->source == 0 && find_next (self) != NULL)
    self->source = g_idle_add (do_pending, self);
}

static void
push (TrdVault *vault,
      Verb verb,
      TrdVaultKind kind,
      GHashTable *attributes,
      GBytes *secret,
      GTask *task)
{
  FakeVault *self = FAKE_VAULT (vault);
  Job *job = g_new0 (Job, 1);

  job->verb = verb;
  job->kind = kind;
  job->attributes = copy_attributes (attributes);
  job->secret = secret != NULL ? g_bytes_ref (secret) : NULL;
  g_task_set_task_data (task, job, job_free);
  g_queue_push_tail (&self->pending, task);
  self->n_calls++;
  if (self->state == TRD_VAULT_UNKNOWN)
    self->state = TRD_VAULT_OPEN;
  schedule (self);
}

static TrdVaultState
get_state (TrdVault *vault)
{
  return FAKE_VAULT (vault)->state;
}

static void
find_async (TrdVault *vault,
            TrdVaultKind kind,
            GHashTable *attributes,
            GCancellable *cancellable,
            GAsyncReadyCallback callback,
            gpointer user_data)
{
  push (vault,
        FIND,
        kind,
        attributes,
        NULL,
        g_task_new (vault, cancellable, callback, user_data));
}

static void
store_async (TrdVault *vault,
             TrdVaultKind kind,
             GHashTable *attributes,
             const char *label,
             GBytes *secret,
             GCancellable *cancellable,
             GAsyncReadyCallback callback,
             gpointer user_data)
{
  push (vault,
        STORE,
        kind,
        attributes,
        secret,
        g_task_new (vault, cancellable, callback, user_data));
}

static void
remove_async (TrdVault *vault,
              TrdVaultKind kind,
              GHashTable *attributes,
              gboolean exact,
              GCancellable *cancellable,
              GAsyncReadyCallback callback,
              gpointer user_data)
{
  GTask *task = g_task_new (vault, cancellable, callback, user_data);
  Job *job;

  push (vault, REMOVE, kind, attributes, NULL, task);
  job = g_task_get_task_data (task);
  job->exact = exact;
}

static void
vault_iface_init (TrdVaultInterface *iface)
{
  iface->get_state = get_state;
  iface->find_async = find_async;
  iface->store_async = store_async;
  iface->remove_async = remove_async;
}

/* ---- what the test says ---- */

FakeVault *
fake_vault_new (void)
{
  return g_object_new (FAKE_TYPE_VAULT, NULL);
}

void
fake_vault_set_state (FakeVault *self, TrdVaultState state)
{
  gboolean opens = state == TRD_VAULT_OPEN && self->state != TRD_VAULT_OPEN;

  self->state = state;
  if (opens)
    trd_vault_emit_changed (TRD_VAULT (self));
}

void
fake_vault_set_slow (FakeVault *self, gboolean slow)
{
  self->slow = slow;
  if (slow)
    g_clear_handle_id (&self->source, g_source_remove);
  schedule (self);
}

void
fake_vault_set_slow_writes (FakeVault *self, gboolean slow)
{
  self->slow_writes = slow;
  g_clear_handle_id (&self->source, g_source_remove);
  schedule (self);
}

void
fake_vault_set_failing (FakeVault *self, gboolean failing)
{
  self->failing = failing;
}

void
fake_vault_put (FakeVault *self, TrdVaultKind kind, const char *secret, ...)
{
  g_autoptr (GHashTable) attributes = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GBytes) bytes = g_bytes_new (secret, strlen (secret));
  const char *key;
  va_list args;

  va_start (args, secret);
  while ((key = va_arg (args, const char *)) != NULL)
    g_hash_table_insert (attributes, (gpointer)key, va_arg (args, char *));
  va_end (args);

  add (self, kind, attributes, bytes);
  trd_vault_emit_changed (TRD_VAULT (self));
}

void
fake_vault_forget (FakeVault *self, TrdVaultKind kind)
{
  for (guint i = self->entries->len; i > 0; i--)
    {
      const Entry *entry = g_ptr_array_index (self->entries, i - 1);

      if (entry->kind == kind)
        g_ptr_array_remove_index (self->entries, i - 1);
    }
}

GPtrArray *
fake_vault_list (FakeVault *self, TrdVaultKind kind)
{
  GPtrArray *items = g_ptr_array_new ();

  for (guint i = 0; i < self->entries->len; i++)
    {
      const Entry *entry = g_ptr_array_index (self->entries, i);

      if (entry->kind == kind)
        g_ptr_array_add (items, entry->item);
    }
  return items;
}

guint
fake_vault_count_calls (FakeVault *self)
{
  return self->n_calls;
}

static void
fake_vault_finalize (GObject *object)
{
  FakeVault *self = FAKE_VAULT (object);

  g_clear_handle_id (&self->source, g_source_remove);
  g_queue_clear_full (&self->pending, g_object_unref);
  g_ptr_array_unref (self->entries);

  G_OBJECT_CLASS (fake_vault_parent_class)->finalize (object);
}

static void
fake_vault_init (FakeVault *self)
{
  self->state = TRD_VAULT_OPEN;
  self->entries = g_ptr_array_new_with_free_func (entry_free);
}

static void
fake_vault_class_init (FakeVaultClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = fake_vault_finalize;
}
