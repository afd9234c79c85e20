/* SPDX-FileCopyrightText: 2026 The Trundle authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "port/vault-file.h"

#include <libsecret/secret.h>

/* libsecret's file through its password API.  The verbs are done one after the other: the
 * file is replaced as a whole, and libsecret refuses to when it was changed in between.
 * "changed" is never emitted: nobody else is expected to write.  The schema is an
 * attribute like others: libsecret 0.20.5 checks it, but stores it in the Secret Service
 * only. */

typedef struct _Job Job;
typedef void (*Begin) (GTask *task, Job *job);

struct _Job
{
  Begin begin;
  TrdVaultKind kind;
  GHashTable *attributes; /* (owned) */
  char *label;            /* (owned) (nullable) */
  SecretValue *secret;    /* (owned) (nullable) */
  GList *items;           /* (owned) (element-type SecretRetrievable): not yet read */
  GPtrArray *found;       /* (owned) (nullable) (element-type TrdVaultItem) */
};

#define TRD_TYPE_VAULT_FILE (trd_vault_file_get_type ())
G_DECLARE_FINAL_TYPE (TrdVaultFile, trd_vault_file, TRD, VAULT_FILE, GObject)

struct _TrdVaultFile
{
  GObject parent_instance;

  gboolean asked;
  GQueue jobs; /* (element-type GTask) (owned); the first is under way */
};

static void
vault_iface_init (TrdVaultInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (TrdVaultFile,
                               trd_vault_file,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (TRD_TYPE_VAULT, vault_iface_init))

static void
job_free (gpointer data)
{
  Job *job = data;

  g_hash_table_unref (job->attributes);
  g_free (job->label);
  g_clear_pointer (&job->secret, secret_value_unref);
  g_list_free_full (job->items, g_object_unref);
  g_clear_pointer (&job->found, g_ptr_array_unref);
  g_free (job);
}

/* ---- one after the other ---- */

static gboolean
begin_first (gpointer data)
{
  TrdVaultFile *self = data;
  GTask *task = g_queue_peek_head (&self->jobs);
  Job *job = g_task_get_task_data (task);

  job->begin (task, job);
  return G_SOURCE_REMOVE;
}

static void
begin_soon (TrdVaultFile *self)
{
  if (!g_queue_is_empty (&self->jobs))
    g_idle_add_full (
        G_PRIORITY_DEFAULT, begin_first, g_object_ref (self), g_object_unref);
}

static void
push (TrdVaultFile *self, GTask *task)
{
  self->asked = TRUE;
  g_queue_push_tail (&self->jobs, task);
  if (self->jobs.length == 1)
    begin_soon (self);
}

/* The first is done; it answers with @error if there is one.  (transfer full) */
static void
end_first (GTask *task, GError *error)
{
  TrdVaultFile *self = g_task_get_source_object (task);
  Job *job = g_task_get_task_data (task);
  g_autoptr (GTask) owned = g_queue_pop_head (&self->jobs);

  g_assert (owned == task);
  begin_soon (self);
  if (error != NULL)
    g_task_return_error (task, error);
  else if (job->found != NULL)
    g_task_return_pointer (
        task, g_steal_pointer (&job->found), (GDestroyNotify)g_ptr_array_unref);
  else
    g_task_return_boolean (task, TRUE);
}

/* ---- verbs ---- */

static void
read_next (GTask *task, Job *job);

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Job *job = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (SecretValue) value = secret_retrievable_retrieve_secret_finish (
      SECRET_RETRIEVABLE (source), result, &error);
  g_autoptr (GHashTable) all = secret_retrievable_get_attributes (
      SECRET_RETRIEVABLE (source));
  g_autoptr (GHashTable) attributes = trd_vault_kind_filter (job->kind, all);
  g_autoptr (GBytes) secret = NULL;
  const char *data;
  gsize size;

  if (value == NULL)
    {
      end_first (task, error);
      return;
    }
  data = secret_value_get (value, &size);
  secret = g_bytes_new (data, size);
  g_ptr_array_add (job->found, trd_vault_item_new (attributes, secret));
  read_next (task, job);
}

static void
read_next (GTask *task, Job *job)
{
  g_autoptr (SecretRetrievable) item = NULL;

  if (job->items == NULL)
    {
      end_first (task, NULL);
      return;
    }
  item = job->items->data;
  job->items = g_list_delete_link (job->items, job->items);
  secret_retrievable_retrieve_secret (item, NULL, on_read, task);
}

static void
on_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Job *job = g_task_get_task_data (task);
  GError *error = NULL;

  job->items = secret_password_search_finish (result, &error);
  if (error != NULL)
    {
      end_first (task, error);
      return;
    }
  job->found = g_ptr_array_new_with_free_func ((GDestroyNotify)trd_vault_item_free);
  read_next (task, job);
}

static void
begin_find (GTask *task, Job *job)
{
  secret_password_searchv (
      NULL, job->attributes, SECRET_SEARCH_ALL, NULL, on_found, task);
}

static void
on_stored (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  secret_password_store_finish (result, &error);
  end_first (user_data, error);
}

static void
begin_store (GTask *task, Job *job)
{
  secret_password_storev_binary (NULL,
                                 job->attributes,
                                 SECRET_COLLECTION_DEFAULT,
                                 job->label,
                                 job->secret,
                                 NULL,
                                 on_stored,
                                 task);
}

static void
on_removed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  /* FALSE without an error: there was none. */
  secret_password_clear_finish (result, &error);
  end_first (user_data, error);
}

static void
begin_remove (GTask *task, Job *job)
{
  secret_password_clearv (NULL, job->attributes, NULL, on_removed, task);
}

/* ---- the interface ---- */

static Job *
new_job (GTask *task, Begin begin, TrdVaultKind kind, GHashTable *attributes)
{
  Job *job = g_new0 (Job, 1);

  job->begin = begin;
  job->kind = kind;
  job->attributes = trd_vault_kind_filter (kind, attributes);
  g_hash_table_insert (job->attributes,
                       g_strdup ("xdg:schema"),
                       g_strdup (trd_vault_kind_get_schema (kind)));
  g_task_set_task_data (task, job, job_free);
  return job;
}

static TrdVaultState
get_state (TrdVault *vault)
{
  return TRD_VAULT_FILE (vault)->asked ? TRD_VAULT_OPEN : TRD_VAULT_UNKNOWN;
}

static void
find_async (TrdVault *vault,
            TrdVaultKind kind,
            GHashTable *attributes,
            GCancellable *cancellable,
            GAsyncReadyCallback callback,
            gpointer user_data)
{
  GTask *task = g_task_new (vault, cancellable, callback, user_data);

  new_job (task, begin_find, kind, attributes);
  push (TRD_VAULT_FILE (vault), task);
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
  GTask *task = g_task_new (vault, cancellable, callback, user_data);
  Job *job = new_job (task, begin_store, kind, attributes);
  gsize size;
  const char *data = g_bytes_get_data (secret, &size);

  job->label = g_strdup (label);
  job->secret = secret_value_new (size > 0 ? data : "", size, "text/plain");
  push (TRD_VAULT_FILE (vault), task);
}

/* This one does not know how to be exact. */
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

  new_job (task, begin_remove, kind, attributes);
  push (TRD_VAULT_FILE (vault), task);
}

static void
vault_iface_init (TrdVaultInterface *iface)
{
  iface->get_state = get_state;
  iface->find_async = find_async;
  iface->store_async = store_async;
  iface->remove_async = remove_async;
}

TrdVault *
trd_vault_new_file (void)
{
  return g_object_new (TRD_TYPE_VAULT_FILE, NULL);
}

static void
trd_vault_file_class_init (TrdVaultFileClass *klass)
{
}

static void
trd_vault_file_init (TrdVaultFile *self)
{
}
